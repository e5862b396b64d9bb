"""The arms of the ablation: one model, of which each takes one thing away or gives the motion in another way.

All arms share the language model's size and first weights, its vocabulary (with the 512 code words, whoever uses them), the
data, the order of the data and the number of steps.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import LlamaConfig

from llamo.modeling_llamo.configuration_llamo import LlamoConfig
from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.processing.motion_features_llamo import NUM_FEATURES

from .answering import Row
from .measured import Facts
from .motion_codes import NUM_CODES, code_words, train_codes, word


@dataclass(frozen=True)
class Size:
    """Widths and depths of every arm, and vectors of the longest motion."""

    hidden: int = 192
    layers: int = 4
    heads: int = 4
    motion_hidden: int = 128
    talker_hidden: int = 128
    longest: int = 320  # frames


class Arm:
    """Ours: continuous motion through the whole Cross Talker.

    Args:
        size: of the model. processor: of any checkpoint of the project; its tokenizer gets the code words.
    """

    name = "continuous (ours)"

    def __init__(self, size: Size, processor: Any):
        self.size = size
        self.processor = copy.deepcopy(processor)
        self.processor.tokenizer.add_tokens([word(code) for code in range(NUM_CODES)])

    def focus_tokens(self) -> int:
        return self.processor.motion_processor.num_focus_tokens

    def learn(self, motions: list[np.ndarray], fps: float, steps: int, seed: int) -> None:
        """What an arm learns of the motions before any question is asked."""

    def row(self, question: str, joints: np.ndarray, fps: float) -> Row:
        """What the model is given: the question, and the motion or nothing where it stands in the words."""
        return question, ((joints, fps),)

    def model(self, seed: int) -> LlamoForConditionalGeneration:
        size, tokenizer, motion = self.size, self.processor.tokenizer, self.processor.motion_processor
        motion.num_focus_tokens = self.focus_tokens()
        config = LlamoConfig(
            text_config=LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=size.hidden,
                intermediate_size=3 * size.hidden,
                num_hidden_layers=size.layers,
                num_attention_heads=size.heads,
                num_key_value_heads=size.heads,
                max_position_embeddings=4096,
                pad_token_id=tokenizer.pad_token_id,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                tie_word_embeddings=True,
            ),
            motion_config={
                "hidden_size": size.motion_hidden,
                "part_hidden_size": max(16, size.motion_hidden // 4),
                "num_part_layers": 1,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "patch_size": motion.patch_size,
            },
            talker_config={
                "hidden_size": size.talker_hidden,
                "num_attention_heads": 4,
                "num_focus_tokens": motion.num_focus_tokens,
                "num_summary_tokens": motion.num_summary_tokens,
                "num_spans": max(0, min(8, motion.num_summary_tokens - 4)),
            },
            motion_token_id=tokenizer.convert_tokens_to_ids(self.processor.motion_token),
            motion_focus_token_id=tokenizer.convert_tokens_to_ids(self.processor.motion_focus_token),
            instruction_start_token_ids=self.processor.instruction_start_token_ids,
        )
        torch.manual_seed(seed)
        model = LlamoForConditionalGeneration(config)
        # Nothing stands in for a pretrained language model here, so nothing has to be spared at first.
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith("gate"):
                    parameter.fill_(0.5)
        self.change(model)
        return model

    def change(self, model: LlamoForConditionalGeneration) -> None:
        """What this arm takes away."""


class EvenSelector(torch.nn.Module):
    """K motion vectors at even distances, whatever is asked; the interface of `LlamoFrameSelector`."""

    def forward(self, text, text_mask, motion, rows, motion_mask, keep):
        lengths = motion_mask.sum(-1, keepdim=True)
        k = min(keep, motion.shape[1])
        places = torch.arange(k, device=motion.device)[None]
        count = lengths.clamp(max=k)
        # As many as the motion has vectors; the rest of the places lies in the padding.
        even = ((2 * places + 1) * lengths // (2 * count).clamp(min=1)).clamp(max=motion.shape[1] - 1)
        kept = places < count
        frames = torch.where(kept, even, torch.minimum(lengths + places - count, torch.tensor(motion.shape[1] - 1)))
        return frames, kept, motion[rows[:, None], frames]


class NoGuidance(Arm):
    name = "no language guidance (even frames)"

    def change(self, model):
        model.model.talker.selector = EvenSelector()


class NoSummary(Arm):
    name = "no summary tokens"

    def change(self, model):
        talker, width = model.model.talker, self.size.hidden
        count = talker.config.num_summary_tokens
        talker.summarise = lambda motion, mask, times, measured, order: motion.new_zeros(len(motion), count, width)


class NoTalker(Arm):
    """Every motion vector with its time into the language model: no selection, no context, no fusion, no totals."""

    name = "no Cross Talker (all frames)"

    def focus_tokens(self) -> int:
        return -(-self.size.longest // self.processor.motion_processor.patch_size)

    def change(self, model):
        talker = model.model.talker
        talker.selector = EvenSelector()  # all of them, in order
        talker.aggregator.forward = lambda kept, frames, motion, mask, rows: kept
        talker.relevance.forward = lambda totals, seconds, middle: totals.new_zeros(len(totals), self.size.talker_hidden)
        for gate in (talker.motion_gate, talker.text_gate):
            gate.requires_grad_(False).zero_()


class Told:
    """What is said of a motion in words, made once: the same array comes back many times."""

    def __init__(self, make: Callable[[np.ndarray, float], str]):
        self.make = make
        self.known: dict[int, tuple[np.ndarray, str]] = {}  # an id is unique as long as its array is held

    def __call__(self, joints: np.ndarray, fps: float) -> str:
        if id(joints) not in self.known:
            self.known[id(joints)] = joints, self.make(joints, fps)
        return self.known[id(joints)][1]


class VectorQuantised(Arm):
    """The motion as 512 code words in the prompt, as MotionGPT gives it."""

    name = "VQ tokens (512 codes)"

    def features(self, joints: np.ndarray, fps: float) -> torch.Tensor:
        made = self.processor.motion_processor([{"motion": joints, "fps": fps}])
        values = np.asarray(made["motion_values"][0])[:, :NUM_FEATURES]  # what is counted by rules is no pose to be coded
        return torch.as_tensor(values, dtype=torch.float32)

    def learn(self, motions, fps, steps, seed):
        self.codes = train_codes([self.features(joints, fps) for joints in motions], steps, seed, self.size.motion_hidden)
        self.told = Told(lambda joints, fps: code_words(self.codes, self.features(joints, fps)))

    def row(self, question, joints, fps):
        return f"{self.told(joints, fps)} {question}", ()


class MeasuredText(Arm):
    """The motion as a few measured numbers in words."""

    name = "text (measurements)"

    def row(self, question, joints, fps):
        return f"{described(joints, fps)} {question}", ()


def describe(joints: np.ndarray, fps: float) -> str:
    """What can be measured of a motion, in one line of words."""
    facts = Facts(joints, fps)
    counted = facts.counted
    told = [
        f"{len(joints) / fps:.1f} s",
        f"goes {facts.travel} at {facts.speed:.1f} m/s",
        f"turns {facts.turned:.0f} degrees",
        f"{counted['steps']['count']} steps",
        f"{len(counted['jumps'])} jumps",
        f"{counted['repetitions']['count']} repetitions of {counted['repetitions']['signal'] or 'nothing'}",
        "raised hands: " + (" and ".join(facts.raised) or "none"),
        "moves " + ", ".join(f"{limb} {path:.1f} m" for limb, path in facts.limbs.items()),
        "postures: " + (", ".join(dict.fromkeys(facts.postures)) or "none"),
    ]
    for joint, each in counted["angles"].items():
        if each["range_deg"] > 40:
            told.append(f"{joint.replace('_', ' ')} {each['min_deg']:.0f} to {each['max_deg']:.0f}")
    return "; ".join(told) + "."


described = Told(describe)  # the same for every seed


ARMS: dict[str, Callable[[Size, Any], Arm]] = {
    "continuous": Arm,
    "vq": VectorQuantised,
    "text": MeasuredText,
    "no_talker": NoTalker,
    "no_guidance": NoGuidance,
    "no_summary": NoSummary,
}
