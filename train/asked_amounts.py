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
    messages = row["messages"]
    for kind, place, num_motions in asked_turns(row):
        answer = text_of(messages[place]["content"]) if place < len(messages) else ""
        found += [amount_of(kind, answer) if num_motions == 1 else NONE] * num_motions
    return found


def asked_turns(row: dict) -> Iterator[tuple[str, int, int]]:
    """For every user turn of a row: the kind of its question ("" where the row names none), the place of its answer among the
    messages, and how many motions it may look at."""
    kinds, motions, turn = row.get("kinds") or [], 0, -1
    for place, message in enumerate(row["messages"]):
        if message["role"] != "user":
            continue
        turn += 1
        parts = message["content"] if isinstance(message["content"], list) else []
        motions += sum(part["type"] == "motion" for part in parts)
        yield kinds[turn] if turn < len(kinds) else "", place + 1, motions


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
def amounts_told(amount: torch.nn.Module, instead: torch.Tensor | None = None) -> Iterator[list[torch.Tensor]]:
    """The numbers `(num_pairs,)` that `LlamoAmount` weighs in every pass within.

    Args:
        amount: the `LlamoAmount` of a model.
        instead: what it tells in their place `(num_pairs,)`, NaN where its own number is told.
    """
    weighed: list[torch.Tensor] = []
    weigh = amount.weigh

    def weigh_and_tell(*arguments: torch.Tensor) -> torch.Tensor:
        number = weigh(*arguments)
        weighed.append(number)
        return number if instead is None else torch.where(instead.isnan(), number, instead.nan_to_num().to(number))

    amount.weigh = weigh_and_tell
    try:
        yield weighed
    finally:
        del amount.weigh


def amount_loss(told: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """How far the numbers `(P,)` are off, by their size; zero where none is asked for."""
    there = ~wanted.isnan()
    if not there.any():
        return told.sum() * 0.0
    told, wanted = told[there].float(), wanted[there].float()
    return (F.smooth_l1_loss(told, wanted, beta=0.3, reduction="none") / (1 + wanted).sqrt()).mean()
