"""LLaMo: a language model that reads human motion as a continuous signal.

After "Human Motion Instruction Tuning" (arXiv 2411.16805, CVPR 2025). Top to bottom, as one sample travels:
motion tower -> feature enhancer (motion asks video) -> Cross Talker (each user turn selects frames) -> language model.

Shapes: B rows, L tokens, N motions in the batch (all rows together), F frames, T = ceil(F / patch_size) motion vectors,
D talker width, H language model width, R user turns, P pairs of a user turn and a motion it may look at, K kept frames.
"""

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from transformers import AutoModel, GenerationMixin, PreTrainedModel
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutput, BaseModelOutputWithPast, CausalLMOutputWithPast

from .configuration_llamo import LlamoConfig, LlamoMotionConfig
from .motion_update_llamo import LlamoMotionUpdate
from .prompt_layout_llamo import REMEDY, locate_motions


@dataclass
class LlamoModelOutputWithPast(BaseModelOutputWithPast):
    r"""
    focus_frames (`torch.LongTensor` of shape `(num_pairs, num_focus_tokens)`, *optional*):
        For each pair of user turn and motion, the kept motion vectors in time order (index i covers the frames
        `[i * patch_size, (i + 1) * patch_size)`); -1 where the motion has fewer.
    """

    focus_frames: torch.LongTensor | None = None


@dataclass
class LlamoCausalLMOutputWithPast(CausalLMOutputWithPast):
    r"""
    focus_frames (`torch.LongTensor` of shape `(num_pairs, num_focus_tokens)`, *optional*):
        As in [`LlamoModelOutputWithPast`].
    """

    focus_frames: torch.LongTensor | None = None


# ---------------------------------------------------------------------------------------------------------------------
# Shared pieces


def key_bias(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """`(N, S)` mask of real keys -> additive attention bias `(N, 1, 1, S)`. Finite, so that rows without keys stay finite."""
    return torch.where(mask.bool(), 0.0, torch.finfo(dtype).min).to(dtype)[:, None, None, :]


def rotate_by_time(states: torch.Tensor, theta: float) -> torch.Tensor:
    """Rotary position embedding along the last but one axis. Shape: (..., S, head_dim) -> the same."""
    length, width = states.shape[-2:]
    frequencies = theta ** (-torch.arange(0, width, 2, device=states.device, dtype=torch.float32) / width)
    angles = torch.arange(length, device=states.device, dtype=torch.float32)[:, None] * frequencies
    sine, cosine = angles.sin().to(states.dtype), angles.cos().to(states.dtype)
    first, second = states.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


class LlamoAttention(nn.Module):
    """Multi-head attention of queries `(N, S_q, query_dim)` over keys `(N, S_k, kv_dim)`; rotary along time if asked.

    Queries and keys are normalised in every head (arXiv 2302.05442), so that attention cannot get ever sharper.
    """

    def __init__(self, config, query_dim: int, kv_dim: int | None = None, rope_theta: float | None = None):
        super().__init__()
        kv_dim = kv_dim or query_dim
        self.config = config
        self.num_heads = config.num_attention_heads
        self.rope_theta = rope_theta
        self.q_proj = nn.Linear(query_dim, query_dim, bias=False)
        self.k_proj = nn.Linear(kv_dim, query_dim, bias=False)
        self.v_proj = nn.Linear(kv_dim, query_dim, bias=False)
        self.o_proj = nn.Linear(query_dim, query_dim, bias=False)
        self.q_norm, self.k_norm = (nn.RMSNorm(query_dim // self.num_heads, eps=1e-6) for _ in range(2))

    def heads(self, states: torch.Tensor) -> torch.Tensor:
        return states.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # Shape: (N, heads, S, head_dim)

    def forward(
        self,
        queries: torch.Tensor,
        keys: torch.Tensor | None = None,
        bias: torch.Tensor | None = None,
        rows: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """`rows` `(N,)` names the row of `keys` that each row of queries looks at: what many share is projected once."""
        keys = queries if keys is None else keys
        q, k, v = self.q_proj(queries), self.k_proj(keys), self.v_proj(keys)
        if rows is not None:
            k, v = k[rows], v[rows]
        q, k, v = self.q_norm(self.heads(q)), self.k_norm(self.heads(k)), self.heads(v)
        if self.rope_theta is not None:
            q, k = rotate_by_time(q, self.rope_theta), rotate_by_time(k, self.rope_theta)
        if self.config._attn_implementation == "eager":
            weights = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
            weights = weights if bias is None else weights + bias
            mixed = weights.softmax(-1, dtype=torch.float32).to(v.dtype) @ v
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))


class LlamoFeedForward(nn.Module):
    def __init__(self, width: int, ratio: int):
        super().__init__()
        self.up_proj = nn.Linear(width, width * ratio)
        self.down_proj = nn.Linear(width * ratio, width)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.down_proj(F.gelu(self.up_proj(states)))


class LlamoClock(nn.Module):
    """Seconds -> vectors: sines and cosines of periods from half a second to twenty minutes, then a linear map.

    Seconds that were predicted learn by their logarithm alone: the slope of a wave says nothing about a time that is wrong by
    more than its period.
    """

    num_periods = 12

    def __init__(self, width: int):
        super().__init__()
        self.proj = nn.Linear(2 * self.num_periods + 1, width)

    def forward(self, seconds: torch.Tensor) -> torch.Tensor:
        periods = 0.5 * 2.0 ** torch.arange(self.num_periods, device=seconds.device, dtype=torch.float32)
        phases = 2 * math.pi * seconds.detach().float()[..., None] / periods
        signed_log = seconds.float().sign() * seconds.float().abs().log1p()
        waves = torch.cat([phases.sin(), phases.cos(), signed_log[..., None]], dim=-1)
        return self.proj(waves.to(self.proj.weight.dtype))


# ---------------------------------------------------------------------------------------------------------------------
# Motion tower: features of every frame -> one vector per patch_size frames


class LlamoMotionPartLayer(GradientCheckpointingLayer):
    """Each body part attends along time, then the parts of each moment attend to each other. Shape: (N, P, T, d)."""

    def __init__(self, config: LlamoMotionConfig):
        super().__init__()
        width = config.part_hidden_size
        self.time_norm, self.part_norm, self.mlp_norm = (nn.LayerNorm(width) for _ in range(3))
        self.time_attn = LlamoAttention(config, width, rope_theta=config.rope_theta)
        self.part_attn = LlamoAttention(config, width)
        self.mlp = LlamoFeedForward(width, config.intermediate_ratio)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: torch.Tensor, time_bias: torch.Tensor) -> torch.Tensor:
        batch, parts = states.shape[:2]
        along_time = self.time_attn(self.time_norm(states).flatten(0, 1), bias=time_bias.repeat_interleave(parts, 0))
        states = states + self.dropout(along_time.unflatten(0, (batch, parts)))
        across = self.part_attn(self.part_norm(states).transpose(1, 2).flatten(0, 1))  # Shape: (N * T, P, d)
        states = states + self.dropout(across.unflatten(0, (batch, -1)).transpose(1, 2))
        return states + self.dropout(self.mlp(self.mlp_norm(states)))


class LlamoMotionLayer(GradientCheckpointingLayer):
    """Pre-norm transformer layer along time. Shape: (N, T, d)."""

    def __init__(self, config: LlamoMotionConfig):
        super().__init__()
        width = config.hidden_size
        self.attn_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = LlamoAttention(config, width, rope_theta=config.rope_theta)
        self.mlp = LlamoFeedForward(width, config.intermediate_ratio)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, states: torch.Tensor, time_bias: torch.Tensor) -> torch.Tensor:
        states = states + self.dropout(self.attn(self.attn_norm(states), bias=time_bias))
        return states + self.dropout(self.mlp(self.mlp_norm(states)))


class LlamoRhythm(nn.Module):
    """How much each body part, at each moment, does what it did and will do some time before and after -> `(N, P, T, d)`.

    A repetition shows as a pose that comes back: the first lag at which it does is the period. Attention between moments would
    have to learn this comparison from examples; here it is given (self-similarity as in arXiv 2006.15418, but of the input).
    """

    stillness = 0.02  # mean squared difference, in squared standard deviations, below which all poses are the same

    def __init__(self, config: LlamoMotionConfig):
        super().__init__()
        self.lags = list(config.rhythm_lags)
        self.patch_size = config.patch_size
        self.part_features = config.part_features
        self.up_proj = nn.Linear(2 * len(self.lags), 2 * config.part_hidden_size)
        self.down_proj = nn.Linear(2 * config.part_hidden_size, config.part_hidden_size)

    @torch.no_grad()
    def similarity(self, frames: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Normalised features `(N, F, motion_dim)` of real frames `(N, F)` -> `(N, parts, F, 2 * lags)` float32: 1 where the
        part is as it was that many frames ago (first half) or will be (second half), 0 where it differs as usual in this
        motion, towards -1 where it differs more, and -1 where the motion has no such frame."""
        num_frames = frames.shape[1]
        here = torch.arange(num_frames, device=frames.device)[:, None]
        lags = torch.tensor(self.lags, device=frames.device)
        there = here + torch.cat([-lags, lags])  # Shape: (F, 2 * lags)
        inside = (there >= 0) & (there < num_frames)
        there = there.clamp(0, num_frames - 1).expand(len(frames), -1, -1)
        known = inside & real.gather(1, there.flatten(1)).view_as(there) & real[..., None]
        found = []
        # Small differences of large products need all of float32.
        with torch.autocast(frames.device.type, enabled=False):
            frames = frames.float()
            weight = real[..., None].float()
            frames = (frames - (frames * weight).sum(1, True) / weight.sum(1, True).clamp(min=1)) * weight
            for part in self.part_features:
                pose = frames[..., part]
                square = pose.square().sum(-1)
                product = (pose @ pose.transpose(1, 2)).gather(2, there)
                others = square.gather(1, there.flatten(1)).view_as(product)
                difference = (square[..., None] + others - 2 * product).clamp(min=0) / len(part)
                usual = (difference * known).sum((1, 2), True) / known.sum((1, 2), True).clamp(min=1) + self.stillness
                found.append(torch.where(known, (usual - difference) / (usual + difference), -1.0))
        return torch.stack(found, dim=1)

    def forward(self, frames: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """frames `(N, T * patch_size, motion_dim)`, real `(N, T * patch_size)` -> `(N, parts, T, part_hidden_size)`."""
        similarity = self.similarity(frames, real).unflatten(2, (-1, self.patch_size)).mean(3)
        return self.down_proj(F.gelu(self.up_proj(similarity.to(self.up_proj.weight.dtype))))


class LlamoMotionTower(nn.Module):
    """Normalised motion features `(N, F, motion_dim)` -> `(N, T, hidden_size)` and the mask of real vectors `(N, T)`."""

    squash = 8.0  # standard deviations, beyond which features are compressed

    def __init__(self, config: LlamoMotionConfig):
        super().__init__()
        self.config = config
        self.embed_parts = nn.ModuleList(
            nn.Linear(len(part) * config.patch_size, config.part_hidden_size) for part in config.part_features
        )
        self.rhythm = LlamoRhythm(config) if config.rhythm_lags else None
        self.part_layers = nn.ModuleList(LlamoMotionPartLayer(config) for _ in range(config.num_part_layers))
        merged = len(config.part_features) * config.part_hidden_size
        self.merge_norm = nn.LayerNorm(merged)
        self.merge = nn.Linear(merged, config.hidden_size)
        self.layers = nn.ModuleList(LlamoMotionLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(config.hidden_size)

    def forward(self, values: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        patch, window = self.config.patch_size, self.config.window_size
        lengths = mask.long().sum(-1)  # Shape: (N,), frames of each motion
        num_patches = -(-values.shape[1] // patch)
        # An incomplete last patch is filled with the motion's own last frame, whatever else the batch holds.
        frames = torch.arange(num_patches * patch, device=values.device).expand(len(values), -1)
        frames = torch.minimum(frames, (lengths - 1).clamp(min=0)[:, None])
        values = values.gather(1, frames[..., None].expand(-1, -1, values.shape[-1]))
        # A glitch of a sensor is dozens of standard deviations away; it should be seen, and not drown what is around it.
        values = self.squash * torch.tanh(values / self.squash)
        values = values.unflatten(1, (num_patches, patch))  # Shape: (N, T, patch, motion_dim)
        real = torch.arange(num_patches * patch, device=values.device) < lengths[:, None]  # Shape: (N, T * patch)
        mask = torch.arange(num_patches, device=values.device) < -(-lengths // patch)[:, None]

        if num_patches > window:
            num_windows = -(-num_patches // window)
            missing = num_windows * window - num_patches
            windowed = F.pad(values, (0, 0, 0, 0, 0, missing)).reshape(-1, window, patch, values.shape[-1])
            real = F.pad(real, (0, missing * patch)).reshape(-1, window * patch)
            states = self.encode(windowed, F.pad(mask, (0, missing)).reshape(-1, window), real)
            return states.reshape(len(values), num_windows * window, -1)[:, :num_patches], mask
        return self.encode(values, mask, real), mask

    def encode(self, patches: torch.Tensor, mask: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Patches of one window `(N, T, patch, motion_dim)`, their mask `(N, T)`, the mask of their frames `(N, T * patch)`
        -> `(N, T, hidden_size)`."""
        time_bias = key_bias(mask, patches.dtype)
        states = torch.stack(
            [
                embed(patches[..., part].flatten(2))
                for embed, part in zip(self.embed_parts, self.config.part_features, strict=True)
            ],
            dim=1,
        )  # Shape: (N, parts, T, part_hidden_size)
        if self.rhythm is not None:
            states = states + self.rhythm(patches.flatten(1, 2), real)
        for layer in self.part_layers:
            states = layer(states, time_bias)
        states = self.merge(self.merge_norm(states.transpose(1, 2).flatten(2)))
        for layer in self.layers:
            states = layer(states, time_bias)
        return self.norm(states)


# ---------------------------------------------------------------------------------------------------------------------
# Feature enhancer: motion asks video


def vision_width(config) -> int:
    """Width of what a vision tower of this configuration gives; convolutional ones state the widths of all their stages."""
    return config.hidden_size if hasattr(config, "hidden_size") else config.hidden_sizes[-1]


def patch_vectors(hidden: torch.Tensor) -> torch.Tensor:
    """Hidden states of a vision tower, `(M, patches, C)` or a map `(M, C, height, width)` -> `(M, patches, C)`."""
    return hidden.flatten(2).transpose(1, 2) if hidden.ndim == 4 else hidden


class LlamoFeatureEnhancer(nn.Module):
    """Self-attention in each stream, then a cross-attention in which motion is the query and video key and value.

    Motion gets the answer through a gate that starts at zero; a motion without video is returned untouched. Both streams
    carry their own clock, so frame rates and starts may differ.
    """

    def __init__(self, config: LlamoConfig):
        super().__init__()
        talker = config.talker_config
        width = talker.hidden_size
        self.grid_size = talker.video_grid_size
        self.video_proj = nn.Linear(vision_width(config.vision_config), width)
        self.clock = LlamoClock(width)
        self.motion_norm, self.video_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.motion_attn, self.video_attn = LlamoAttention(talker, width), LlamoAttention(talker, width)
        self.query_norm, self.key_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.cross_attn = LlamoAttention(talker, width)
        self.gate = nn.Parameter(torch.zeros(width))

    def pool_frames(self, patches: torch.Tensor) -> torch.Tensor:
        """Pools the patch vectors of each frame, `(M, patches, C)` -> `(M, grid_size ** 2, C)`."""
        side = math.isqrt(patches.shape[1])
        if side * side == patches.shape[1]:
            square = patches.transpose(1, 2).unflatten(-1, (side, side))
            return F.adaptive_avg_pool2d(square, self.grid_size).flatten(2).transpose(1, 2)
        # Towers with a class token or an oblong grid.
        return F.adaptive_avg_pool1d(patches.transpose(1, 2), self.grid_size**2).transpose(1, 2)

    def forward(
        self,
        motion: torch.Tensor,
        motion_mask: torch.Tensor,
        motion_times: torch.Tensor,
        video: torch.Tensor,
        video_mask: torch.Tensor,
        video_times: torch.Tensor,
        video_motion_ids: torch.Tensor,
    ) -> torch.Tensor:
        """
        Args:
            motion (`(N, T, D)`), motion_mask (`(N, T)`), motion_times (`(N, T)`, seconds).
            video (`(V, frames, patches, C)`): hidden states of the vision tower.
            video_mask (`(V, frames)`), video_times (`(V, frames)`): seconds on the clock of the video's motion.
            video_motion_ids (`(V,)`): which motion each video shows.
        """
        num_videos, num_frames = video.shape[:2]
        video = self.pool_frames(self.video_proj(video).flatten(0, 1)).unflatten(0, (num_videos, num_frames))
        cells = video.shape[2]
        video = (video + self.clock(video_times)[:, :, None]).flatten(1, 2)  # Shape: (V, frames * cells, D)
        video_bias = key_bias(video_mask.repeat_interleave(cells, 1), video.dtype)
        video = video + self.video_attn(self.video_norm(video), bias=video_bias)

        asking = motion[video_motion_ids] + self.clock(motion_times[video_motion_ids])
        asking_bias = key_bias(motion_mask[video_motion_ids], asking.dtype)
        asking = asking + self.motion_attn(self.motion_norm(asking), bias=asking_bias)
        answers = self.cross_attn(self.query_norm(asking), self.key_norm(video), bias=video_bias)
        return motion.index_add(0, video_motion_ids, (torch.tanh(self.gate) * answers).to(motion.dtype))


# ---------------------------------------------------------------------------------------------------------------------
# Cross Talker: what of the motion the language model gets to see


class LlamoTextReader(nn.Module):
    """Word embeddings of an instruction `(R, S, H)` -> talker vectors `(R, S, D)`, words in the context of their turn."""

    def __init__(self, config: LlamoConfig):
        super().__init__()
        talker = config.talker_config
        width = talker.hidden_size
        self.proj = nn.Linear(config.text_config.hidden_size, width)
        self.attn_norm, self.mlp_norm, self.norm = (nn.LayerNorm(width) for _ in range(3))
        self.attn = LlamoAttention(talker, width, rope_theta=1000.0)
        self.mlp = LlamoFeedForward(width, talker.intermediate_ratio)

    def forward(self, words: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        # Language models differ in the scale of their embeddings; the talker reads directions.
        states = self.proj(F.layer_norm(words, words.shape[-1:]))
        states = states + self.attn(self.attn_norm(states), bias=key_bias(mask, states.dtype))
        return self.norm(states + self.mlp(self.mlp_norm(states)))


class LlamoFrameSelector(nn.Module):
    """Language-guided frame selection: A = softmax((F_T W_Q)(F_M W_K)^T / sqrt(d)), s_j = max_i A_ij, keep the top K.

    Queries and keys are normalised, as in [`LlamoAttention`]. The hard choice passes no gradient, so each kept vector v_j comes
    with what its score changes: `v_j + (v_j - m) (s_j - c_j)`; m, the motion's mean, and c_j, which equals s_j, are constants.
    The value is v_j, and W_Q and W_K learn what v_j was worth against an average frame. With log s_j for s_j, and without m,
    this gradient is many times that of all other paths, and training diverges.
    """

    def __init__(self, width: int):
        super().__init__()
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.q_norm, self.k_norm = (nn.RMSNorm(width, eps=1e-6) for _ in range(2))

    def forward(
        self,
        text: torch.Tensor,
        text_mask: torch.Tensor,
        motion: torch.Tensor,
        rows: torch.Tensor,
        motion_mask: torch.Tensor,
        keep: int,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """
        Args:
            text (`(P, S, D)`), text_mask (`(P, S)`), motion (`(N, T, D)`).
            rows (`(P,)`), motion_mask (`(P, T)`): the motion of each pair.
            keep (`int`): K.

        Returns:
            frames `(P, k)` in time order, kept mask `(P, k)`, the vectors of the frames `(P, k, D)`; k = min(K, T).
        """
        queries, keys = self.q_norm(self.q_proj(text)), self.k_norm(self.k_proj(motion))
        scores = queries @ keys[rows].transpose(1, 2) / math.sqrt(motion.shape[-1])
        scores = scores.float().masked_fill(~motion_mask[:, None, :], float("-inf"))
        # Words that are padding must not choose; turns without any word fall back to their first (padding) vector.
        silent = ~text_mask
        silent[:, 0] &= text_mask.any(-1)
        best = scores.softmax(-1).masked_fill(silent[..., None], 0.0).amax(1)  # Shape: (P, T), s_j
        k = min(keep, motion.shape[1])
        frames = best.masked_fill(~motion_mask, -1.0).topk(k, dim=-1).indices
        kept = motion_mask.gather(1, frames)
        # Time order; frames of the padding go last.
        order = torch.where(kept, frames, motion.shape[1] + frames).argsort(-1)
        frames, kept = frames.gather(1, order), kept.gather(1, order)
        weights = best.gather(1, frames).masked_fill(~kept, 0.0)
        change = (weights - weights.detach())[..., None].to(motion.dtype)  # of value 0
        share = motion_mask[..., None].to(motion.dtype)
        mean = ((motion[rows] * share).sum(1) / share.sum(1).clamp(min=1))[:, None]
        chosen = motion[rows[:, None], frames]
        return frames, kept, chosen + (chosen - mean).detach() * change


class LlamoContextAggregator(nn.Module):
    """Adaptive context: each kept frame looks at a window whose size it predicts, then at the segments of the motion."""

    sharpness = 2.0  # motion vectors over which the window's edge fades, so that its size gets a gradient

    def __init__(self, config: LlamoConfig):
        super().__init__()
        talker = config.talker_config
        width = talker.hidden_size
        self.num_segments = talker.num_segments
        self.max_receptive_field = talker.max_receptive_field
        self.receptive_field = nn.Sequential(nn.Linear(width, width // 4), nn.GELU(), nn.Linear(width // 4, 1))
        self.local_norm, self.global_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.local_attn, self.global_attn = LlamoAttention(talker, width), LlamoAttention(talker, width)

    def segment_means(self, motion: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Means of `num_segments` equal spans of each motion, `(N, G, D)`, and which of them hold a vector, `(N, G)`."""
        lengths = mask.sum(-1, keepdim=True).clamp(min=1)
        positions = torch.arange(motion.shape[1], device=motion.device)
        segment = (positions * self.num_segments // lengths).clamp(max=self.num_segments - 1)  # Shape: (P, T)
        member = F.one_hot(segment, self.num_segments).to(motion.dtype) * mask[..., None].to(motion.dtype)
        counts = member.sum(1)
        return member.transpose(1, 2) @ motion / counts.clamp(min=1)[..., None], counts > 0

    def forward(
        self, kept: torch.Tensor, frames: torch.Tensor, motion: torch.Tensor, mask: torch.Tensor, rows: torch.Tensor
    ) -> torch.Tensor:
        """kept `(P, k, D)` are the vectors at `frames` `(P, k)` of motion `(N, T, D)`, of whose rows each pair has one, `(P,)`.

        Returns F_global `(P, k, D)`.
        """
        lengths = mask[rows].sum(-1).float()[:, None]
        radius = self.receptive_field(kept).squeeze(-1).float().sigmoid() * self.max_receptive_field * lengths
        positions = torch.arange(motion.shape[1], device=motion.device, dtype=torch.float32)
        distance = (positions[None, None, :] - frames[..., None]).abs()
        window = F.logsigmoid((radius[..., None] - distance) / self.sharpness)[:, None]  # Shape: (P, 1, k, T)
        bias = window.to(kept.dtype) + key_bias(mask[rows], kept.dtype)
        local = kept + self.local_attn(self.local_norm(kept), motion, bias=bias, rows=rows)
        segments, has_segment = self.segment_means(motion, mask)
        bias = key_bias(has_segment[rows], kept.dtype)
        return local + self.global_attn(self.global_norm(local), segments, bias=bias, rows=rows)


def num_totals(config: LlamoConfig) -> int:
    """Rates that are integrated: the learned ones, then those that the processor measured."""
    return config.talker_config.num_tallies + config.motion_config.num_rates


def opposite_totals(config: LlamoConfig) -> list[list[int]]:
    """Pairs of totals that are opposites; the learned totals stand before the measured ones."""
    return [[config.talker_config.num_tallies + index for index in pair] for pair in config.motion_config.opposite_rates]


def mean_words(text: torch.Tensor, text_mask: torch.Tensor) -> torch.Tensor:
    """text `(P, S, D)` with its mask `(P, S)` -> `(P, D)`."""
    share = text_mask.to(text.dtype) / text_mask.sum(-1, keepdim=True).clamp(min=1)
    return (share[:, None] @ text).squeeze(1)


def number_waves(numbers: torch.Tensor, num_periods: int) -> torch.Tensor:
    """Numbers `(..., n)` -> `(..., n * (2 * num_periods + 2))`: waves of periods 2, 4, 8, ..., from which whole numbers are
    read, and two that grow with the number."""
    numbers = numbers.float()[..., None]
    periods = 2.0 ** torch.arange(1, num_periods + 1, device=numbers.device)
    # The slope of a wave says nothing about a number that is wrong by more than its period: waves are read, not learned by.
    phases = 2 * math.pi * numbers.detach() / periods
    return torch.cat([phases.sin(), phases.cos(), numbers / 10, numbers.clamp(min=0).log1p()], dim=-1).flatten(-2)


class LlamoTally(nn.Module):
    """Totals `(N, num_totals)` and seconds `(N,)` -> `(N, D)`.

    Totals are rates integrated over time (a repetition density sums to the count), because attention averages and an average
    cannot count. They come as waves of several periods, from which whole numbers are read. Of opposites (the ways of the left
    and of the right hand) it also sees which is larger, by how large a share of both, and whether at all; where
    `exact_totals` is set also what they add up to and differ by (steps, the way there and back, the turn that is left), and
    how much of everything there is in a second: a tempo is a pace, not a number.
    """

    num_periods = 6  # 2, 4, 8, ..., 64
    sharpness = 10.0  # a lead of a tenth counts as clear
    smallest_sum = 0.1  # metres, seconds or counts, below which opposites are both nothing
    smallest_pace, largest_pace = 0.05, 10.0  # by the second
    learned_seconds = 0.5  # paces of less are told, but steep enough to upset what is learned by them

    def __init__(self, config: LlamoConfig, width: int):
        super().__init__()
        self.opposites, self.exact = opposite_totals(config), config.talker_config.exact_totals
        waves = 2 * self.num_periods + 2
        inputs = num_totals(config) * waves + 2 * len(self.opposites)
        if self.exact:
            inputs += 2 * len(self.opposites) * waves + 2 * (num_totals(config) + 2 * len(self.opposites))
        self.linear_1 = nn.Linear(inputs, width)
        self.linear_2 = nn.Linear(width, width)
        self.clock = LlamoClock(width)

    def compare(self, totals: torch.Tensor) -> torch.Tensor:
        """Totals `(N, num_totals)` -> of each pair of opposites its balance from -1 to 1, then the same made clear."""
        one, other = totals[:, self.opposites].unbind(-1)
        balance = (one - other) / (one + other + self.smallest_sum)
        return torch.cat([balance, torch.tanh(self.sharpness * balance)], dim=-1)

    def combine(self, totals: torch.Tensor) -> torch.Tensor:
        """Totals `(N, num_totals)` -> of each pair of opposites what they add up to, then what they differ by."""
        one, other = totals[:, self.opposites].unbind(-1)
        return torch.cat([one + other, (one - other).abs()], dim=-1)

    def paces(self, numbers: torch.Tensor, seconds: torch.Tensor) -> torch.Tensor:
        """Numbers `(N, n)` of `(N,)` seconds -> how much of each there is in a second, and the logarithm of it, `(N, 2 n)`."""
        seconds = seconds.float()[:, None]
        pace = (numbers / seconds.clamp(min=self.smallest_sum)).clamp(max=self.largest_pace)
        pace = torch.where(seconds < self.learned_seconds, pace.detach(), pace)
        return torch.cat([pace, (pace + self.smallest_pace).log()], dim=-1)

    def forward(self, totals: torch.Tensor, seconds: torch.Tensor) -> torch.Tensor:
        totals = totals.float()
        parts = [number_waves(totals, self.num_periods)]
        if self.opposites:
            parts.append(self.compare(totals))
        if self.exact:
            combined = self.combine(totals) if self.opposites else totals[:, :0]
            parts += [number_waves(combined, self.num_periods), self.paces(torch.cat([totals, combined], dim=-1), seconds)]
        waves = torch.cat(parts, dim=-1)
        return self.linear_2(F.gelu(self.linear_1(waves.to(self.linear_1.weight.dtype)))) + self.clock(seconds)


class LlamoMotionSummary(nn.Module):
    """A few tokens about the whole motion, whatever the question is, in this order: the course of the motion (one token for
    each of `num_spans` equal spans), tokens that look at all of it, and its totals with its duration."""

    def __init__(self, config: LlamoConfig):
        super().__init__()
        talker = config.talker_config
        width = talker.hidden_size
        self.num_spans = talker.num_spans
        self.queries = nn.Parameter(torch.zeros(talker.num_summary_tokens - 1, width))
        self.attn, self.norm = LlamoAttention(talker, width), nn.LayerNorm(width)
        self.rates_proj = nn.Linear(width, talker.num_tallies)
        self.tally, self.clock = LlamoTally(config, width), LlamoClock(width)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = LlamoFeedForward(width, talker.intermediate_ratio)

    def rates(self, motion: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Learned rates of every motion vector, `(N, T, num_tallies)` float32, never negative, 0 in the padding."""
        rates = F.softplus(self.rates_proj(motion).float() - 3.0)  # starts near 0.05 per vector
        return rates * mask[..., None]

    def spans(self, mask: torch.Tensor) -> torch.Tensor:
        """Which motion vectors each span holds, `(N, num_spans, T)`; a span of a very short motion shares its vector."""
        lengths = mask.sum(-1)[:, None]
        index = torch.arange(self.num_spans, device=mask.device)
        first = torch.minimum(index * lengths // max(self.num_spans, 1), (lengths - 1).clamp(min=0))
        last = torch.maximum((index + 1) * lengths // max(self.num_spans, 1) - 1, first)
        positions = torch.arange(mask.shape[1], device=mask.device)
        return (positions >= first[..., None]) & (positions <= last[..., None])

    def forward(
        self, motion: torch.Tensor, mask: torch.Tensor, times: torch.Tensor, seconds: torch.Tensor, rates: torch.Tensor
    ) -> torch.Tensor:
        """motion `(N, T, D)`, mask and times `(N, T)`, seconds `(N,)`, rates `(N, T, totals)` -> `(N, summary tokens, D)`."""
        whole = mask[:, None].expand(-1, len(self.queries) - self.num_spans, -1)
        looks_at = torch.cat([self.spans(mask), whole], dim=1)  # Shape: (N, queries, T)
        share = looks_at.to(motion.dtype)
        share = share / share.sum(-1, keepdim=True).clamp(min=1)
        queries = self.queries + share @ motion
        bias = torch.where(looks_at, 0.0, torch.finfo(motion.dtype).min).to(motion.dtype)[:, None]
        pooled = queries + self.attn(self.norm(queries), motion, bias=bias)
        pooled = pooled + self.clock((share.float() @ times.float()[..., None]).squeeze(-1))
        tally = self.tally(rates.sum(1), seconds)
        tokens = torch.cat([pooled, tally[:, None]], dim=1)
        return tokens + self.mlp(self.mlp_norm(tokens))


class LlamoRelevance(nn.Module):
    """How much each motion vector belongs to what an instruction asks about, and the totals of that part alone.

    K frames cannot count thirty squats, and the whole motion's totals mix what came one after the other; here the instruction
    weighs the learned rates before they are integrated ("how many squats" adds up nothing of the walk before).
    """

    stretch = 1.1  # of a relevance in [0, 1] about its middle before it is clamped: what is nearly all or nothing becomes so

    def __init__(self, config: LlamoConfig):
        super().__init__()
        width = config.talker_config.hidden_size
        self.exact = config.talker_config.exact_totals
        self.q_proj, self.k_proj = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.bias = nn.Parameter(torch.tensor(3.0))  # at first everything is relevant
        self.tally = LlamoTally(config, width)
        self.start_clock, self.end_clock = LlamoClock(width), LlamoClock(width)

    def weigh(
        self, text: torch.Tensor, text_mask: torch.Tensor, motion: torch.Tensor, rows: torch.Tensor, mask: torch.Tensor
    ) -> torch.Tensor:
        """text `(P, S, D)` with its mask, motion `(N, T, D)`, its row and mask `(P,)`, `(P, T)` of each pair.

        Returns relevance `(P, T)` float32 in [0, 1], 0 in the padding.
        """
        asked = self.q_proj(mean_words(text, text_mask))
        scores = (self.k_proj(motion)[rows] @ asked[..., None]).squeeze(-1).float() / math.sqrt(motion.shape[-1])
        relevance = (scores + self.bias.float()).sigmoid()
        if self.exact:
            hard = (self.stretch * (relevance - 0.5) + 0.5).clamp(0.0, 1.0)
            relevance = relevance + (hard - relevance).detach()  # learned by the slope that clamping would take away
        return relevance * mask

    def totals(
        self, relevance: torch.Tensor, rates: torch.Tensor, times: torch.Tensor, step: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Weighted totals `(P, totals)`, seconds `(P,)` and middle `(P,)` in seconds; `step` is the time of one vector."""
        weight = relevance.sum(-1)
        middle = ((relevance * times).sum(-1) / weight.clamp(min=1e-6)).detach()
        # Zero, with the slope that the middle has; where next to nothing is relevant that would be without bounds.
        shift = (relevance * (times - middle[:, None])).sum(-1) / weight.clamp(min=1.0)
        return (relevance[..., None] * rates).sum(1), weight * step, middle + shift

    def forward(self, totals: torch.Tensor, seconds: torch.Tensor, middle: torch.Tensor) -> torch.Tensor:
        """What `totals` returned -> `(P, D)`."""
        begin, end = middle - seconds / 2, middle + seconds / 2
        return self.tally(totals, seconds) + self.start_clock(begin) + self.end_clock(end)


class LlamoAmountChoice(nn.Module):
    """Which number an instruction asks for: one of the totals as it stands, or what `LlamoAmount` weighs all of them into.

    A sum of all totals is nearly right for every question and exact for few; what the processor counted is exact where it
    counted what is asked about. Words, and how the numbers compare, tell which to believe. Trained last, while all else is as
    it is (`llamo.train.amounts`).
    """

    def __init__(self, config: LlamoConfig):
        super().__init__()
        width, measured = config.talker_config.hidden_size, config.motion_config
        self.first = config.talker_config.num_tallies  # of the measured totals
        self.opposites = measured.opposite_rates
        num = 1 + 2 * (measured.num_rates + 2 * len(self.opposites) + 2)
        self.linear_1, self.linear_2 = nn.Linear(width + num, width), nn.Linear(width, num)

    def candidates(
        self, weighed: torch.Tensor, totals: torch.Tensor, seconds: torch.Tensor, begin: torch.Tensor
    ) -> torch.Tensor:
        """All numbers it may be, `(P, C)` float32: the one that was weighed `(P,)`, then the measured of totals `(P, totals)`,
        what opposites add up to and differ by, seconds and begin `(P,)`, and the double of each (turns are measured in
        quarters and told in eighths)."""
        measured = totals[:, self.first :].float()
        one, other = measured[:, self.opposites].unbind(-1) if self.opposites else (measured[:, :0],) * 2
        known = torch.cat([measured, one + other, (one - other).abs(), seconds[:, None], begin[:, None]], dim=-1)
        return torch.cat([weighed[:, None], known, 2 * known], dim=-1)

    def logits(self, words: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        """Words `(P, D)` and candidates `(P, C)` -> how much speaks for each, `(P, C)`."""
        sizes = candidates.clamp(min=0).log1p().to(words.dtype)
        return self.linear_2(F.gelu(self.linear_1(torch.cat([words, sizes], dim=-1)))).float()

    def forward(self, words: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
        """The likeliest candidate `(P,)`, with the slope that the mean of all has in what they are; the choice itself learns
        nothing by that, or it would move the mean by numbers that mean something else."""
        logits = self.logits(words, candidates).detach()
        mean = (logits.softmax(-1) * candidates).sum(-1)
        return candidates.gather(-1, logits.argmax(-1, keepdim=True)).squeeze(-1) + (mean - mean.detach())


class LlamoAmount(nn.Module):
    """The one number that an instruction asks for: how many, how far, how long, since when, by what angle.

    Words weigh the totals of what they ask about into it, so that every question for a number is read from the same waves: a
    digit that is learned of counts is known of metres. Where `exact_totals` is set the waves also stand in the finished token,
    apart from all else that it tells.
    """

    num_periods = LlamoTally.num_periods

    def __init__(self, config: LlamoConfig):
        super().__init__()
        width = config.talker_config.hidden_size
        self.opposites = opposite_totals(config)
        self.linear_1 = nn.Linear(width, width)
        self.linear_2 = nn.Linear(width, num_totals(config) + len(self.opposites) + 2)
        self.waves_linear_1 = nn.Linear(2 * self.num_periods + 2, width)
        self.waves_linear_2 = nn.Linear(width, width)
        self.gate = nn.Parameter(torch.zeros(width))
        exact, size = config.talker_config.exact_totals, config.text_config.hidden_size
        self.token_proj = nn.Linear(2 * self.num_periods + 2, size, bias=False) if exact else None
        self.choice = LlamoAmountChoice(config) if config.talker_config.choose_amounts else None

    def weigh(
        self,
        text: torch.Tensor,
        text_mask: torch.Tensor,
        totals: torch.Tensor,
        seconds: torch.Tensor,
        middle: torch.Tensor,
    ) -> torch.Tensor:
        """text `(P, S, D)` with its mask, what `LlamoRelevance.totals` returned -> the number `(P,)` float32."""
        words = mean_words(text, text_mask)
        weights = self.linear_2(F.gelu(self.linear_1(words))).float()
        seconds, begin = seconds.float(), (middle - seconds / 2).float()
        parts = [totals.float(), seconds[:, None], begin[:, None]]
        if self.opposites:
            one, other = totals[:, self.opposites].float().unbind(-1)
            parts.append((one - other).abs())
        number = (weights * torch.cat(parts, dim=-1)).sum(-1)
        if self.choice is None:
            return number
        return self.choice(words, self.choice.candidates(number, totals, seconds, begin))

    def forward(self, number: torch.Tensor) -> torch.Tensor:
        """The number `(P,)` as a vector `(P, D)`, of length zero before anything is learned."""
        return torch.tanh(self.gate) * self.waves_linear_2(F.gelu(self.waves_linear_1(self.waves(number))))

    def waves(self, number: torch.Tensor) -> torch.Tensor:
        """The number `(P,)` as waves `(P, 2 * num_periods + 2)`."""
        return number_waves(number[:, None], self.num_periods).to(self.waves_linear_1.weight.dtype)

    def tell(self, number: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """The number `(P,)` told by the last of the tokens `(P, k + 1, H)`, nothing of it before anything is learned."""
        if self.token_proj is None:
            return tokens
        return tokens + F.pad(self.token_proj(self.waves(number))[:, None], (0, 0, tokens.shape[1] - 1, 0))


class LlamoProjector(nn.Module):
    """Talker vectors `(..., D)` -> word-like embeddings `(..., H)`, at the scale of the language model's own words.

    The scale is fixed by a norm and one learned number: words of a pretrained model are short vectors, and tokens that are
    much longer or shorter drown, or drown in, what the first layers add.
    """

    def __init__(self, config: LlamoConfig):
        super().__init__()
        width = config.talker_config.hidden_size
        self.norm = nn.LayerNorm(width)
        self.linear_1 = nn.Linear(width, config.text_config.hidden_size)
        self.linear_2 = nn.Linear(config.text_config.hidden_size, config.text_config.hidden_size)
        self.scale = nn.Parameter(torch.tensor(0.1))  # root mean square of the tokens; `fit_scale` sets it

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        states = self.linear_2(F.gelu(self.linear_1(self.norm(states))))
        return F.layer_norm(states, states.shape[-1:]) * self.scale

    @torch.no_grad()
    def fit_scale(self, word_embeddings: torch.Tensor) -> None:
        """Takes the scale of a language model's word embeddings `(vocabulary, H)`."""
        self.scale.fill_(float(word_embeddings.float().pow(2).mean().sqrt()))


@dataclass
class LlamoFocus:
    """What the Cross Talker makes of P pairs of a user turn and a motion.

    Attributes:
        tokens (`(P, k + 1, H)`), real (`(P, k + 1)`): the kept frames in time order, then the totals of what is asked about,
            and which of them are real.
        frames (`(P, k)`): which motion vectors they are, -1 where there is none.
        deltas (`(R, S, H)`): what the fusion adds to the instructions' word embeddings.
        relevance (`(P, T)`): how much each motion vector belongs to what is asked, 0 to 1.
        totals (`(P, num_totals)`), seconds (`(P,)`), middle (`(P,)`): integrals of the relevant part, and its mean time.
        amount (`(P,)`, *optional*): the number that is asked for.
    """

    tokens: torch.Tensor
    real: torch.Tensor
    frames: torch.Tensor
    deltas: torch.Tensor
    relevance: torch.Tensor
    totals: torch.Tensor
    seconds: torch.Tensor
    middle: torch.Tensor
    amount: torch.Tensor | None = None


class LlamoCrossTalker(nn.Module):
    """Selection, context and fusion for every pair of a user turn and a motion, and the summary of every motion.

    `teach_totals` (an attribute, not a setting of the model): whether a loss on tokens teaches the totals they are made of.
    Where totals have a loss of their own, as in pretraining, it need not: words for neighbouring numbers are so alike that what
    tells them apart is a steep function of the totals.
    """

    teach_totals = True

    def __init__(self, config: LlamoConfig):
        super().__init__()
        talker = config.talker_config
        width = talker.hidden_size
        self.config = talker
        self.motion_proj = nn.Linear(config.motion_config.hidden_size, width)
        self.clock = LlamoClock(width)
        self.text_reader = LlamoTextReader(config)
        self.selector = LlamoFrameSelector(width)
        self.aggregator = LlamoContextAggregator(config)
        self.summary = LlamoMotionSummary(config)
        self.relevance = LlamoRelevance(config)
        self.amount = LlamoAmount(config) if talker.ask_amounts else None
        self.seconds_per_vector = config.motion_config.patch_size / config.motion_config.fps
        self.motion_asks_text, self.text_asks_motion = LlamoAttention(talker, width), LlamoAttention(talker, width)
        self.motion_gate = nn.Parameter(torch.zeros(width))
        self.fusion_norm, self.fusion_mlp = nn.LayerNorm(width), LlamoFeedForward(width, talker.intermediate_ratio)
        self.motion_order = nn.Embedding(talker.max_motions, width)
        self.projector = LlamoProjector(config)
        self.text_norm = nn.LayerNorm(width)
        self.text_proj = nn.Linear(width, config.text_config.hidden_size, bias=False)
        self.text_gate = nn.Parameter(torch.zeros(config.text_config.hidden_size))

    def rates(self, motion: torch.Tensor, mask: torch.Tensor, measured: torch.Tensor) -> torch.Tensor:
        """What is integrated: learned rates of motion `(N, T, D)`, then measured ones `(N, T, num_rates)`; float32."""
        return torch.cat([self.summary.rates(motion, mask), measured.float()], dim=-1)

    def summarise(
        self, motion: torch.Tensor, mask: torch.Tensor, times: torch.Tensor, measured: torch.Tensor, order: torch.Tensor
    ) -> torch.Tensor:
        """motion `(N, T, D)`, mask and times `(N, T)`, measured rates `(N, T, num_rates)`, order `(N,)` within its row ->
        `(N, num_summary_tokens, H)`."""
        order = self.motion_order(order.clamp(max=self.config.max_motions - 1))
        seconds = mask.sum(-1) * self.seconds_per_vector
        rates = self.rates(motion, mask, measured)
        summary = self.summary(motion, mask, times, seconds, rates if self.teach_totals else rates.detach())
        return self.projector(summary + order[:, None])

    def focus(
        self,
        words: torch.Tensor,
        word_mask: torch.Tensor,
        pair_turns: torch.Tensor,
        pair_motions: torch.Tensor,
        motion: torch.Tensor,
        mask: torch.Tensor,
        times: torch.Tensor,
        measured: torch.Tensor,
        order: torch.Tensor,
    ) -> "LlamoFocus":
        """
        Args:
            words (`(R, S, H)`), word_mask (`(R, S)`): instruction of each user turn.
            pair_turns (`(P,)`), pair_motions (`(P,)`): turn and motion of each pair.
            motion (`(N, T, D)`), mask (`(N, T)`), times (`(N, T)` seconds), measured (`(N, T, num_rates)`), order (`(N,)`
                within its row): the motions.
        """
        text = self.text_reader(words, word_mask)
        pair_text, pair_words = text[pair_turns], word_mask[pair_turns]
        pair_mask, pair_times, order = mask[pair_motions], times[pair_motions], order[pair_motions]
        frames, kept, chosen = self.selector(
            pair_text, pair_words, motion, pair_motions, pair_mask, self.config.num_focus_tokens
        )
        chosen = self.aggregator(chosen, frames, motion, mask, pair_motions)

        relevance = self.relevance.weigh(pair_text, pair_words, motion, pair_motions, pair_mask)
        rates = self.rates(motion, mask, measured)[pair_motions]
        totals = self.relevance.totals(relevance, rates, pair_times, self.seconds_per_vector)
        totals_token = self.relevance(*(totals if self.teach_totals else (total.detach() for total in totals)))[:, None]
        amount = None
        if self.amount is not None:
            amount = self.amount.weigh(pair_text, pair_words, *totals)
            told_amount = amount if self.teach_totals else amount.detach()
            totals_token = totals_token + self.amount(told_amount)[:, None]
        real = F.pad(kept, (0, 1), value=True)

        # Bidirectional fusion. Both gates start at zero: a pretrained language model sees its own words at first.
        fused, there = (torch.cat([chosen, totals_token], dim=1), real) if self.config.fuse_totals else (chosen, kept)
        heard = self.motion_asks_text(fused, pair_text, bias=key_bias(pair_words, fused.dtype))
        fused = fused + torch.tanh(self.motion_gate) * heard
        fused = fused + self.fusion_mlp(self.fusion_norm(fused))
        told = self.text_asks_motion(pair_text, fused, bias=key_bias(there, fused.dtype))
        told = self.text_proj(self.text_norm(told)) * torch.tanh(self.text_gate)
        deltas = torch.zeros_like(words).index_add(0, pair_turns, told.to(words.dtype)) * word_mask[..., None]

        order = self.motion_order(order.clamp(max=self.config.max_motions - 1))[:, None]
        stamps = F.pad(self.clock(pair_times.gather(1, frames)), (0, 0, 0, 1))  # totals have stamps of their own
        tokens = fused if self.config.fuse_totals else torch.cat([fused, totals_token], dim=1)
        tokens = self.projector(tokens + stamps + order)
        if self.amount is not None:
            tokens = self.amount.tell(told_amount, tokens)
        return LlamoFocus(tokens, real, torch.where(kept, frames, -1), deltas, relevance, *totals, amount)


# ---------------------------------------------------------------------------------------------------------------------
# Retrieval: motions and texts in one space


class LlamoRetrieval(nn.Module):
    """What towers and language model make of motions and of texts -> vectors of length one in one space (after CLIP,
    arXiv 2103.00020). Neither tower nor language model is trained for it; with `retrieval_size` 0 there is no such part.
    """

    num_queries = 4

    def __init__(self, config: LlamoConfig):
        super().__init__()
        talker, text = config.talker_config, config.text_config
        width, size = talker.hidden_size, config.retrieval_size
        self.queries = nn.Parameter(torch.zeros(self.num_queries, width))
        self.motion_norm, self.pooled_norm = nn.LayerNorm(width), nn.LayerNorm(self.num_queries * width)
        self.attn = LlamoAttention(talker, width)
        self.motion_linear_1 = nn.Linear(self.num_queries * width, 2 * size)
        self.motion_linear_2 = nn.Linear(2 * size, size)
        # Which layer of a language model tells meanings apart is learned: the last ones think of the next word.
        self.layer_weights = nn.Parameter(torch.zeros(text.num_hidden_layers + 1))
        self.text_linear_1 = nn.Linear(text.hidden_size, 2 * size)
        self.text_linear_2 = nn.Linear(2 * size, size)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))  # of the cosines, while training

    def embed_motion(self, vectors: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Motion vectors and summary of each motion `(N, S, D)` with their mask `(N, S)` -> `(N, retrieval_size)`."""
        vectors = self.motion_norm(vectors)
        queries = self.queries.to(vectors.dtype).expand(len(vectors), -1, -1)
        pooled = self.attn(queries, vectors, bias=key_bias(mask, vectors.dtype)).flatten(1)
        return F.normalize(self.motion_linear_2(F.gelu(self.motion_linear_1(self.pooled_norm(pooled)))).float(), dim=-1)

    def embed_text(self, layers: torch.Tensor) -> torch.Tensor:
        """Mean states of each layer of the language model `(B, num_hidden_layers + 1, H)` -> `(B, retrieval_size)`."""
        # Layers differ in scale by orders of magnitude; directions are mixed.
        layers = F.layer_norm(layers, layers.shape[-1:])
        mixed = (self.layer_weights.softmax(-1).to(layers.dtype)[:, None] * layers).sum(1)
        return F.normalize(self.text_linear_2(F.gelu(self.text_linear_1(mixed))).float(), dim=-1)


# ---------------------------------------------------------------------------------------------------------------------
# The model


class LlamoPreTrainedModel(PreTrainedModel):
    config_class = LlamoConfig
    base_model_prefix = "model"
    input_modalities = ("text", "video")
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True
    _can_compile_fullgraph = False
    _no_split_modules = ["LlamoMotionTower", "LlamoFeatureEnhancer", "LlamoCrossTalker"]
    _skip_keys_device_placement = ["past_key_values"]

    @torch.no_grad()
    def _init_weights(self, module):
        super()._init_weights(module)
        if isinstance(module, LlamoFeatureEnhancer):
            init.zeros_(module.gate)
            # The gate learns by what comes through it: with vectors near zero it would stay shut. transformers passes over
            # custom modules without parameters of their own, so that the attentions are not asked themselves.
            for linear in module.modules():
                if isinstance(linear, nn.Linear):
                    init.normal_(linear.weight, std=linear.in_features**-0.5)
        elif isinstance(module, LlamoCrossTalker):
            init.zeros_(module.motion_gate)
            init.zeros_(module.text_gate)
            init.zeros_(module.motion_order.weight)
        elif isinstance(module, LlamoMotionSummary):
            init.normal_(module.queries, std=1.0)
        elif isinstance(module, LlamoRelevance):
            init.constant_(module.bias, 3.0)
        elif isinstance(module, LlamoAmount):
            init.zeros_(module.gate)
            for linear in (module.linear_1, module.waves_linear_1, module.waves_linear_2):
                init.normal_(linear.weight, std=linear.in_features**-0.5)
            init.zeros_(module.linear_2.weight)  # totals are large numbers: weights are found, not unlearned
            if module.token_proj is not None:
                init.zeros_(module.token_proj.weight)
        elif isinstance(module, LlamoAmountChoice):
            init.normal_(module.linear_1.weight, std=module.linear_1.in_features**-0.5)
            init.zeros_(module.linear_2.weight)  # at first the number that was weighed is told
        elif isinstance(module, LlamoRetrieval):
            init.normal_(module.queries, std=1.0)
            init.zeros_(module.layer_weights)
            init.constant_(module.log_scale, math.log(1 / 0.07))
        elif isinstance(module, LlamoProjector):
            init.constant_(module.scale, 0.1)
        elif isinstance(module, LlamoMotionTower):
            # Small embeddings of the parts are blown up by the first norms, and their gradients with them.
            for embed in module.embed_parts:
                init.normal_(embed.weight, std=embed.in_features**-0.5)
        if isinstance(module, UNIT_VARIANCE):
            # Small networks of their own train faster from unit-variance layers than from the language model's 0.02.
            for linear in module.children():
                if isinstance(linear, nn.Linear):
                    init.normal_(linear.weight, std=linear.in_features**-0.5)


UNIT_VARIANCE = (
    LlamoMotionTower,
    LlamoRhythm,
    LlamoAttention,
    LlamoFeedForward,
    LlamoProjector,
    LlamoClock,
    LlamoTally,
    LlamoRelevance,
    LlamoRetrieval,
)


class LlamoModel(LlamoPreTrainedModel):
    """Towers, enhancer, Cross Talker and language model without its head."""

    def __init__(self, config: LlamoConfig):
        super().__init__(config)
        self.motion_tower = LlamoMotionTower(config.motion_config)
        self.vision_tower = AutoModel.from_config(config.vision_config) if config.vision_config is not None else None
        self.enhancer = LlamoFeatureEnhancer(config) if config.vision_config is not None else None
        self.talker = LlamoCrossTalker(config)
        self.retrieval = LlamoRetrieval(config) if config.retrieval_size else None
        self.language_model = AutoModel.from_config(config.text_config)
        rank, layers = config.motion_update_rank, config.motion_update_layers
        self.motion_update = LlamoMotionUpdate(rank, layers, self.language_model) if rank else None
        self.post_init()

    def train(self, mode: bool = True):
        super().train(mode)
        # A frozen tower keeps the statistics that it was trained with.
        if self.vision_tower is not None and not any(each.requires_grad for each in self.vision_tower.parameters()):
            self.vision_tower.eval()
        return self

    def get_input_embeddings(self):
        return self.language_model.get_input_embeddings()

    def set_input_embeddings(self, value):
        self.language_model.set_input_embeddings(value)

    def get_video_features(self, pixel_values_videos: torch.Tensor) -> BaseModelOutput:
        """Frames `(V, frames, channels, height, width)` -> `last_hidden_state` `(V, frames, patches, C)`."""
        if self.vision_tower is None:
            raise ValueError(
                "Expected a model with a vision tower, got pixel_values_videos for one without (config.vision_config is "
                "None). Pass motion alone, or assemble a checkpoint with `llamo init --vision ID` and train it."
            )
        num_videos, num_frames = pixel_values_videos.shape[:2]
        frames = pixel_values_videos.flatten(0, 1).to(self.vision_tower.dtype)
        hidden = patch_vectors(self.vision_tower(pixel_values=frames).last_hidden_state)
        return BaseModelOutput(last_hidden_state=hidden.unflatten(0, (num_videos, num_frames)))

    def get_motion_features(
        self,
        motion_values: torch.Tensor,
        motion_attention_mask: torch.Tensor | None = None,
        pixel_values_videos: torch.Tensor | None = None,
        video_attention_mask: torch.Tensor | None = None,
        video_times: torch.Tensor | None = None,
        video_motion_ids: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """
        Args:
            motion_values (`(N, F, motion_dim + num_rates)`), motion_attention_mask (`(N, F)`, 1 = real, real frames first).
            pixel_values_videos (`(V, frames, channels, height, width)`), video_attention_mask (`(V, frames)`).
            video_times (`(V, frames)`): seconds on the clock of the motion the video shows.
            video_motion_ids (`(V,)`): index of that motion among the N.

        Returns:
            enhanced motion vectors `(N, T, D)`, their mask `(N, T)`, their times `(N, T)` in seconds.
        """
        config = self.config.motion_config
        width = config.motion_dim + config.num_rates
        if motion_values.ndim != 3 or motion_values.shape[-1] != width:
            raise ValueError(
                f"Expected motion_values of shape (num_motions, num_frames, {width}), got "
                f"{tuple(motion_values.shape)} in LlamoModel. Use this checkpoint's own processor."
            )
        if motion_attention_mask is None:
            motion_attention_mask = torch.ones(motion_values.shape[:2], dtype=torch.long, device=motion_values.device)
        dtype = self.talker.motion_proj.weight.dtype
        motion, mask = self.motion_tower(motion_values[..., : config.motion_dim].to(dtype), motion_attention_mask)
        motion = self.talker.motion_proj(motion)
        vectors = torch.arange(motion.shape[1], device=motion.device)
        times = ((vectors + 0.5) * config.patch_size - 0.5).div(config.fps).expand(len(motion), -1)
        if pixel_values_videos is not None:
            video = self.get_video_features(pixel_values_videos).last_hidden_state
            if video_attention_mask is None:
                video_attention_mask = torch.ones(video.shape[:2], dtype=torch.long, device=video.device)
            if video_times is None or video_motion_ids is None:
                raise ValueError(
                    "Expected video_times and video_motion_ids beside pixel_values_videos, got none in LlamoModel. Pass "
                    "everything that the processor returns."
                )
            motion = self.enhancer(
                motion, mask, times, video.to(dtype), video_attention_mask.bool(), video_times, video_motion_ids
            )
        return motion + self.talker.clock(times), mask, times

    def get_measured_rates(
        self, motion_values: torch.Tensor, motion_attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """What the processor measured, summed over the frames of each motion vector: `(N, T, num_rates)` float32. Arguments as
        in `get_motion_features`."""
        config = self.config.motion_config
        rates = motion_values[..., config.motion_dim :].float()
        if motion_attention_mask is not None:
            rates = rates * motion_attention_mask[..., None]
        missing = -rates.shape[1] % config.patch_size
        return F.pad(rates, (0, 0, 0, missing)).unflatten(1, (-1, config.patch_size)).sum(2)

    def get_retrieval_states(self, motion_values: torch.Tensor, motion_attention_mask=None, **video):
        """What `LlamoRetrieval.embed_motion` takes: `(N, T + summary tokens, D)` and its mask. Arguments as in
        `get_motion_features`."""
        motion, mask, times = self.get_motion_features(motion_values, motion_attention_mask, **video)
        seconds = mask.sum(-1) * self.talker.seconds_per_vector
        rates = self.talker.rates(motion, mask, self.get_measured_rates(motion_values, motion_attention_mask))
        summary = self.talker.summary(motion, mask, times, seconds, rates)
        return torch.cat([motion, summary], dim=1), F.pad(mask, (0, summary.shape[1]), value=True)

    def get_text_states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Texts `(B, L)`, padded on either side -> mean states of every layer of the language model `(B, layers + 1, H)`."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        positions = (mask.long().cumsum(-1) - 1).clamp(min=0)
        with self.updated_for(None):  # texts that are compared with motions are read as if these stood beside them
            hidden = self.language_model(
                input_ids=input_ids, attention_mask=mask, position_ids=positions, output_hidden_states=True, use_cache=False
            ).hidden_states
        share = (mask / mask.sum(-1, keepdim=True).clamp(min=1)).to(hidden[0].dtype)
        return torch.stack([(share[:, None] @ states).squeeze(1) for states in hidden], dim=1)

    def get_motion_embedding(self, motion_values: torch.Tensor, motion_attention_mask=None, **video) -> torch.Tensor:
        """Vectors of length one `(N, retrieval_size)`, near those of the texts that describe the motions.

        Args:
            motion_values, motion_attention_mask and the rest as in `get_motion_features`: what the processor returns.

        Raises:
            ValueError: a checkpoint without trained embeddings.
        """
        self._check_retrieval()
        return self.retrieval.embed_motion(*self.get_retrieval_states(motion_values, motion_attention_mask, **video))

    def get_text_embedding(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Vectors of length one `(B, retrieval_size)` of texts as the tokenizer gives them, without a chat template.

        Raises:
            ValueError: a checkpoint without trained embeddings.
        """
        self._check_retrieval()
        return self.retrieval.embed_text(self.get_text_states(input_ids, attention_mask).to(self.retrieval.queries.dtype))

    def _check_retrieval(self):
        if self.retrieval is None:
            raise ValueError(
                "Expected a checkpoint with trained embeddings, got one without (config.retrieval_size is 0) in LlamoModel. "
                "Train them with `llamo train train/recipes/retrieval.yaml`, or search by words alone."
            )

    def get_placeholder_mask(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Where `<|motion|>` and `<|motion_focus|>` stand in `(B, L)` ids: two masks `(B, L)`."""
        return input_ids == self.config.motion_token_id, input_ids == self.config.motion_focus_token_id

    def rows_with_motion(self, input_ids: torch.Tensor | None, past_key_values) -> torch.Tensor | None:
        """Which rows have a motion, `(B,)`, as ids `(B, L)` show it and a cache remembers it; `None` where neither tells."""
        begun = None
        if past_key_values is not None and past_key_values.get_seq_length() > 0:
            begun = getattr(past_key_values, "llamo_has_motion", None)
            if begun is None:
                return None
        if input_ids is None:
            return begun
        here = self.get_placeholder_mask(input_ids)[0].any(-1)
        return here if begun is None else here | begun.to(here.device)

    def updated_for(self, has_motion: torch.Tensor | None) -> AbstractContextManager:
        """Within, the language model reads rows that are false in `has_motion` `(B,)` as it was before training with motion;
        `None` for no such row."""
        if self.motion_update is None:
            return nullcontext()
        rows = None if has_motion is None or bool(has_motion.all()) else ~has_motion.bool()
        return self.motion_update.left_out(self.language_model, rows)

    def fuse(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        motion_values: torch.Tensor | None = None,
        motion_attention_mask: torch.Tensor | None = None,
        **video,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """A whole prompt -> what the language model reads.

        Args:
            input_ids (`(B, L)`), attention_mask (`(B, L)`), motion_values and the rest as in `get_motion_features`.

        Returns:
            embeddings `(B, L, H)`, and the frames each turn chose from each motion `(P, K)` (see LlamoModelOutputWithPast).

        Raises:
            ValueError: placeholders and motions disagree, in either direction.
        """
        is_motion, is_focus = self.get_placeholder_mask(input_ids)
        embeds = self.get_input_embeddings()(input_ids)
        if motion_values is None:
            if is_motion.any() or is_focus.any():
                places = int(is_motion.sum())
                raise ValueError(f"Expected motion_values for {places} <|motion|> tokens, got none in LlamoModel. {REMEDY}")
            return embeds, None
        motion, mask, times = self.get_motion_features(motion_values, motion_attention_mask, **video)
        measured = self.get_measured_rates(motion_values, motion_attention_mask)
        lengths = mask.sum(-1)
        layout = locate_motions(input_ids, attention_mask, lengths.tolist(), self.config)

        as_index = partial(torch.tensor, dtype=torch.long, device=motion.device)
        order = as_index(layout.motion_order)
        summary = self.talker.summarise(motion, mask, times, measured, order).to(embeds)  # Shape: (N, summary tokens, H)
        fused = embeds.masked_scatter(is_motion[..., None], summary)
        if not layout.turn_rows:
            return fused, None

        # Instructions of all turns side by side. Shape: (R, S)
        longest = max(1, max(len(words) for words in layout.turn_words))
        flat = [
            [row * input_ids.shape[1] + word for word in words] + [0] * (longest - len(words))
            for row, words in zip(layout.turn_rows, layout.turn_words, strict=True)
        ]
        flat = as_index(flat)
        word_mask = torch.arange(longest, device=motion.device) < as_index([len(w) for w in layout.turn_words])[:, None]
        words = embeds.flatten(0, 1)[flat] * word_mask[..., None]
        focus = self.talker.focus(
            words.to(motion.dtype),
            word_mask,
            as_index(layout.pair_turns),
            as_index(layout.pair_motions),
            motion,
            mask,
            times,
            measured,
            order,
        )
        fused = fused.flatten(0, 1).index_add(0, flat.flatten(), focus.deltas.to(fused).flatten(0, 1)).view_as(fused)
        fused = fused.masked_scatter(is_focus[..., None], focus.tokens[focus.real].to(fused))
        missing = self.config.talker_config.num_focus_tokens - focus.frames.shape[1]
        return fused, F.pad(focus.frames, (0, missing), value=-1)

    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        motion_values: torch.FloatTensor | None = None,
        motion_attention_mask: torch.LongTensor | None = None,
        pixel_values_videos: torch.FloatTensor | None = None,
        video_attention_mask: torch.LongTensor | None = None,
        video_times: torch.FloatTensor | None = None,
        video_motion_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.LongTensor | None = None,
        past_key_values=None,
        inputs_embeds: torch.FloatTensor | None = None,
        has_motion: torch.BoolTensor | None = None,
        **kwargs,
    ) -> LlamoModelOutputWithPast:
        """
        Args:
            input_ids (`(B, L)`): a whole prompt, or its continuation where `past_key_values` hold the beginning.
            motion_values (`(N, F, motion_dim + num_rates)`), motion_attention_mask (`(N, F)`): all motions of the batch, in
                order.
            pixel_values_videos, video_attention_mask, video_times, video_motion_ids: see `get_motion_features`.
            attention_mask (`(B, L)`), position_ids (`(B, L)`), inputs_embeds (`(B, L, H)`): as in any causal model.
            has_motion (`(B,)`): rows that have a motion, in their beginning too; the others are read without the update of the
                language model that training with motion made. By default what `input_ids` or, of a beginning that
                `past_key_values` hold, the cache says; of `inputs_embeds` alone, all.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError(
                "Expected exactly one of input_ids and inputs_embeds, got "
                f"{'both' if input_ids is not None else 'neither'} in LlamoModel. Leave one out."
            )
        if has_motion is None and self.motion_update is not None:
            has_motion = self.rows_with_motion(input_ids, past_key_values)
        focus_frames = None
        if inputs_embeds is None:
            inputs_embeds, focus_frames = self.fuse(
                input_ids,
                attention_mask if attention_mask is None or attention_mask.shape == input_ids.shape else None,
                motion_values,
                motion_attention_mask,
                pixel_values_videos=pixel_values_videos,
                video_attention_mask=video_attention_mask,
                video_times=video_times,
                video_motion_ids=video_motion_ids,
            )
        elif motion_values is not None:
            raise ValueError(
                "Expected motion_values together with input_ids, got them with inputs_embeds in LlamoModel. Pass input_ids, "
                "or embeddings made by `model.fuse`."
            )
        if position_ids is None and past_key_values is None and attention_mask is not None and attention_mask.ndim == 2:
            position_ids = (attention_mask.long().cumsum(-1) - 1).clamp(min=0)  # padding on the left shifts nothing
        with self.updated_for(has_motion):
            outputs = self.language_model(
                attention_mask=attention_mask,
                position_ids=position_ids,
                past_key_values=past_key_values,
                inputs_embeds=inputs_embeds,
                **kwargs,
            )
        if has_motion is not None and outputs.past_key_values is not None:
            outputs.past_key_values.llamo_has_motion = has_motion  # what goes on from here does not show it
        return LlamoModelOutputWithPast(
            last_hidden_state=outputs.last_hidden_state,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            focus_frames=focus_frames,
        )


class LlamoForConditionalGeneration(LlamoPreTrainedModel, GenerationMixin):
    """LLaMo with its language modelling head: motion (and video) and text in, text out."""

    _tied_weights_keys = {"lm_head.weight": "model.language_model.embed_tokens.weight"}

    def __init__(self, config: LlamoConfig):
        super().__init__(config)
        self.model = LlamoModel(config)
        self.lm_head = nn.Linear(config.text_config.hidden_size, config.text_config.vocab_size, bias=False)
        # Language models name their embeddings differently (embed_tokens, wte, ...).
        words = self.model.get_input_embeddings()
        name = next(name for name, module in self.named_modules() if module is words)
        self._tied_weights_keys = {"lm_head.weight": f"{name}.weight"}
        self.post_init()

    def get_input_embeddings(self):
        return self.model.get_input_embeddings()

    def set_input_embeddings(self, value):
        self.model.set_input_embeddings(value)

    def get_output_embeddings(self):
        return self.lm_head

    def set_output_embeddings(self, value):
        self.lm_head = value

    def get_motion_features(self, *args, **kwargs):
        return self.model.get_motion_features(*args, **kwargs)

    def get_motion_embedding(self, *args, **kwargs):
        return self.model.get_motion_embedding(*args, **kwargs)

    def get_text_embedding(self, *args, **kwargs):
        return self.model.get_text_embedding(*args, **kwargs)

    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        motion_values: torch.FloatTensor | None = None,
        motion_attention_mask: torch.LongTensor | None = None,
        pixel_values_videos: torch.FloatTensor | None = None,
        video_attention_mask: torch.LongTensor | None = None,
        video_times: torch.FloatTensor | None = None,
        video_motion_ids: torch.LongTensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.LongTensor | None = None,
        past_key_values=None,
        inputs_embeds: torch.FloatTensor | None = None,
        has_motion: torch.BoolTensor | None = None,
        labels: torch.LongTensor | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        **kwargs,
    ) -> LlamoCausalLMOutputWithPast:
        """
        Args:
            labels (`(B, L)`): token ids to predict, -100 where nothing is to be learned.
            logits_to_keep (`int`): logits of only that many last positions; 0 gives all.
            Everything else as in `LlamoModel.forward`.
        """
        outputs = self.model(
            input_ids=input_ids,
            motion_values=motion_values,
            motion_attention_mask=motion_attention_mask,
            pixel_values_videos=pixel_values_videos,
            video_attention_mask=video_attention_mask,
            video_times=video_times,
            video_motion_ids=video_motion_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            has_motion=has_motion,
            **kwargs,
        )
        keep = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(outputs.last_hidden_state[:, keep])
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=self.config.text_config.vocab_size, **kwargs)
        return LlamoCausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            focus_frames=outputs.focus_frames,
        )

    def prepare_inputs_for_generation(
        self,
        input_ids,
        next_sequence_length=None,
        past_key_values=None,
        attention_mask=None,
        inputs_embeds=None,
        is_first_iteration=False,
        motion_values=None,
        motion_attention_mask=None,
        pixel_values_videos=None,
        video_attention_mask=None,
        video_times=None,
        video_motion_ids=None,
        **kwargs,
    ):
        """Motion goes in once, at the prefill; a conversation that goes on is fused as a whole and then cut to its new part."""
        embedded = inputs_embeds is not None  # by the caller: ids do not show what is in them
        prefill = is_first_iteration or not kwargs.get("use_cache", True)
        video = {
            "pixel_values_videos": pixel_values_videos,
            "video_attention_mask": video_attention_mask,
            "video_times": video_times,
            "video_motion_ids": video_motion_ids,
        }
        if prefill and motion_values is not None and inputs_embeds is None:
            prompt = input_ids.shape[1]
            mask = attention_mask if attention_mask is not None and attention_mask.shape[1] == prompt else None
            inputs_embeds, _ = self.model.fuse(input_ids, mask, motion_values, motion_attention_mask, **video)
            is_first_iteration = True
        if self.model.motion_update is not None and not embedded and kwargs.get("has_motion") is None:
            kwargs["has_motion"] = self.model.get_placeholder_mask(input_ids)[0].any(-1)
        return super().prepare_inputs_for_generation(
            input_ids,
            next_sequence_length=next_sequence_length,
            past_key_values=past_key_values,
            attention_mask=attention_mask,
            inputs_embeds=inputs_embeds,
            is_first_iteration=is_first_iteration,
            **kwargs,
        )

    def _expand_inputs_for_generation(self, expand_size=1, is_encoder_decoder=False, input_ids=None, **model_kwargs):
        """Repeats rows for beams; the motions of a row, however many, are repeated with it."""
        motion_values = model_kwargs.get("motion_values")
        if expand_size == 1 or motion_values is None or input_ids is None:
            return super()._expand_inputs_for_generation(
                expand_size=expand_size, is_encoder_decoder=is_encoder_decoder, input_ids=input_ids, **model_kwargs
            )
        own = {name: model_kwargs.pop(name, None) for name in ("motion_values", "motion_attention_mask")}
        video_names = ("pixel_values_videos", "video_attention_mask", "video_times", "video_motion_ids")
        video = {name: model_kwargs.pop(name, None) for name in video_names}
        counts = (input_ids == self.config.motion_token_id).sum(-1) // self.config.talker_config.num_summary_tokens
        # New index -> old motion: row 0's motions expand_size times, then row 1's, ...
        motions = torch.arange(len(motion_values), device=motion_values.device).split(counts.tolist())
        source = torch.cat([rows.repeat(expand_size) for rows in motions])
        model_kwargs.update({name: value[source] for name, value in own.items() if value is not None})
        if video["pixel_values_videos"] is not None:
            matches = source[:, None] == video["video_motion_ids"][None, :]  # Shape: (new motions, videos)
            new_ids, old_videos = matches.nonzero(as_tuple=True)
            video = {name: value[old_videos] for name, value in video.items() if value is not None}
            video["video_motion_ids"] = new_ids
            held = {**video, **{name: model_kwargs.pop(name) for name in own if name in model_kwargs}}
        else:
            held = {name: model_kwargs.pop(name) for name in own if name in model_kwargs}
        input_ids, model_kwargs = super()._expand_inputs_for_generation(
            expand_size=expand_size, is_encoder_decoder=is_encoder_decoder, input_ids=input_ids, **model_kwargs
        )
        return input_ids, {**model_kwargs, **held}


__all__ = ["LlamoForConditionalGeneration", "LlamoModel", "LlamoPreTrainedModel"]
