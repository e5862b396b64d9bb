"""Motion as words: a vector-quantised autoencoder with 512 codes, the way of MotionGPT, to compare with.

After T2M-GPT (arXiv 2301.06052), whose tokenizer MotionGPT uses: convolutions over time that shorten it four times, the
nearest of 512 codes for each of those steps, codes moved by exponential averages, and unused ones put back to where motion
is.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


NUM_CODES = 512
SHORTER = 4  # frames of one code
COMMITMENT = 0.02
DECAY = 0.99
RARE = 1.0  # average use in a batch below which a code is put elsewhere


class Residual(nn.Module):
    """Dilated convolution over time, added to what it sees. `(N, C, F)` both."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReLU(), nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation), nn.ReLU(), nn.Conv1d(width, width, 1)
        )

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return states + self.layers(states)


class MotionCodes(nn.Module):
    """Features `(N, F, motion_dim)`, F a multiple of four -> codes `(N, F / 4)` in [0, 512)."""

    def __init__(self, motion_dim: int, width: int = 128):
        super().__init__()
        half = nn.Conv1d(width, width, 4, stride=2, padding=1)
        self.encoder = nn.Sequential(
            nn.Conv1d(motion_dim, width, 3, padding=1), half, Residual(width, 3), Residual(width, 1),
            nn.Conv1d(width, width, 4, stride=2, padding=1), Residual(width, 3), Residual(width, 1),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            Residual(width, 1), Residual(width, 3), nn.Upsample(scale_factor=2), nn.Conv1d(width, width, 3, padding=1),
            Residual(width, 1), Residual(width, 3), nn.Upsample(scale_factor=2), nn.Conv1d(width, motion_dim, 3, padding=1),
        )  # fmt: skip
        self.register_buffer("codes", torch.randn(NUM_CODES, width))
        self.register_buffer("uses", torch.ones(NUM_CODES))
        self.register_buffer("sums", self.codes.clone())

    def nearest(self, states: torch.Tensor) -> torch.Tensor:
        """States `(rows, width)` -> the number of the nearest code of each."""
        return torch.cdist(states, self.codes).argmin(-1)

    def encode(self, features: torch.Tensor) -> torch.Tensor:
        states = self.encoder(features.transpose(1, 2)).transpose(1, 2)
        return self.nearest(states.flatten(0, 1)).view(states.shape[:2])

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """The loss of one step; in training the codes move too."""
        states = self.encoder(features.transpose(1, 2)).transpose(1, 2)
        flat = states.flatten(0, 1)
        chosen = self.nearest(flat.detach())
        if self.training:
            self._move(flat.detach(), chosen)
        coded = self.codes[chosen].view_as(states)
        passed = states + (coded - states).detach()  # the gradient goes past the choice
        again = self.decoder(passed.transpose(1, 2)).transpose(1, 2)
        return F.smooth_l1_loss(again, features) + COMMITMENT * F.mse_loss(states, coded.detach())

    @torch.no_grad()
    def _move(self, states: torch.Tensor, chosen: torch.Tensor) -> None:
        member = F.one_hot(chosen, NUM_CODES).to(states.dtype)
        self.uses.lerp_(member.sum(0), 1 - DECAY)
        self.sums.lerp_(member.T @ states, 1 - DECAY)
        self.codes.copy_(self.sums / self.uses.clamp(min=1e-4)[:, None])
        rare = self.uses < RARE / NUM_CODES * len(states) * 0.1
        if rare.any():
            fresh = states[torch.randint(len(states), (int(rare.sum()),))]
            self.codes[rare], self.sums[rare], self.uses[rare] = fresh, fresh, 1.0


def train_codes(motions: list[torch.Tensor], steps: int, seed: int, width: int = 128, batch: int = 16) -> MotionCodes:
    """Codes for normalised features `(num_frames, motion_dim)` of many motions, from windows of 64 frames."""
    torch.manual_seed(seed)
    model = MotionCodes(motions[0].shape[1], width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    window = 64
    for _ in range(steps):
        rows = []
        for place in torch.randint(len(motions), (batch,)).tolist():
            motion = whole(motions[place], window)
            start = int(torch.randint(len(motion) - window + 1, (1,)))
            rows.append(motion[start : start + window])
        loss = model(torch.stack(rows))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()


def whole(motion: torch.Tensor, least: int = SHORTER) -> torch.Tensor:
    """A motion with its last frame repeated up to a multiple of four, and to `least` frames."""
    wanted = max(least, -(-len(motion) // SHORTER) * SHORTER)
    return torch.cat([motion, motion[-1:].expand(wanted - len(motion), -1)])


@torch.inference_mode()
def code_words(model: MotionCodes, motion: torch.Tensor) -> str:
    """A motion as the words `<m17><m402>...` of the vocabulary."""
    return "".join(map(word, model.encode(whole(motion)[None])[0].tolist()))


def word(code: int) -> str:
    return f"<m{code}>"
