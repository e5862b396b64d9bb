"""The number that every question of a batch asks for, so that tuning keeps what pretraining taught `LlamoAmount`.

The language model's loss alone lets that number drift: after some hundred steps the turn of a person who had turned by 360
degrees stood at 22 steps of 45 degrees, and answers no longer followed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F

from llamo.train.pretraining_samples import WHOLE_NUMBER_KINDS
from llamo.train.questions.scoring import numbers


AMOUNTS = "amounts"
NONE = float("nan")
STEP = 45  # degrees, in which turns are counted


class WithAmounts:
    """A data collator around another one: the batch gets `amounts` `(num_pairs,)`, one for each pair of a user turn and a
    motion that it may look at, in the model's order; NaN where no number is asked for, or where there are several motions.

    Args:
        collate: rows with `messages` and `kinds` to a batch.
    """

    def __init__(self, collate: Callable[[Sequence[dict]], dict]):
        self.collate = collate

    def __call__(self, rows: Sequence[dict]) -> dict:
        batch = self.collate(rows)
        if batch.get("motion_values") is not None:
            batch[AMOUNTS] = torch.tensor([amount for row in rows for amount in amounts_of(row)])
        return batch


def amounts_of(row: dict) -> list[float]:
    """The numbers of a row's pairs: turn by turn, and within a turn motion by motion."""
    found: list[float] = []
    motions, turn, kinds = 0, -1, row.get("kinds") or []
    messages = row["messages"]
    for place, message in enumerate(messages):
        if message["role"] != "user":
            continue
        turn += 1
        parts = message["content"] if isinstance(message["content"], list) else []
        motions += sum(part["type"] == "motion" for part in parts)
        answer = messages[place + 1]["content"] if place + 1 < len(messages) else ""
        told = amount_of(kinds[turn], text_of(answer)) if motions == 1 and turn < len(kinds) else NONE
        found += [told] * motions
    return found


def amount_of(kind: str, answer: str) -> float:
    """The number that the right answer to a question of this kind says, of degrees in steps of 45."""
    if kind not in (*WHOLE_NUMBER_KINDS, "angle"):
        return NONE
    said = numbers(answer)
    if not said:
        return 0.0 if kind == "angle" and " not " in answer else NONE
    return said[0] / (STEP if kind == "angle" else 1)


def text_of(content: str | list[dict]) -> str:
    return content if isinstance(content, str) else " ".join(part.get("text") or "" for part in content)


@contextmanager
def amounts_told(amount: torch.nn.Module) -> Iterator[list[torch.Tensor]]:
    """The numbers `(num_pairs,)` that `LlamoAmount` is given in every pass within."""
    told: list[torch.Tensor] = []
    handle = amount.register_forward_pre_hook(lambda module, arguments: told.append(arguments[0]))
    try:
        yield told
    finally:
        handle.remove()


def amount_loss(told: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """How far the numbers `(P,)` are off, by their size; zero where none is asked for."""
    there = ~wanted.isnan()
    if not there.any():
        return told.sum() * 0.0
    told, wanted = told[there].float(), wanted[there].float()
    return (F.smooth_l1_loss(told, wanted, beta=0.3, reduction="none") / (1 + wanted).sqrt()).mean()
