"""Answers that say another number than the motion shows, beside a model that is told that number in the place of its own.

What the language model is told in numbers (`LlamoAmount`) it has to say, whatever else the tokens of a motion show. Where the
number told and everything else always agree it reads what it can read soonest, and digits of a wave are not that: told the
right number, it named a turn of 360 degrees "180". Answers with other digits teach what nothing else can, and there are as many
of them as wanted. Not from the paper; after counterfactual data augmentation (Kaushik et al., arXiv 1909.12434).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import torch

from llamo.train.asked_amounts import NONE, STEP, amount_of, asked_turns, text_of


TOLD = "told_amounts"
NUMBER = re.compile(r"\d+")
MOST = {"angle": 8, "distance": 14}  # steps of 45 degrees, metres
MOST_ELSE = 20  # times, seconds
NEAR = 0.3  # how far what is told is off the number that is said, at most


class OtherNumbers:
    """A data collator around another one: the batch gets `told_amounts` `(num_pairs,)`, NaN where the model's own number stays.

    An answer changes where a question about one motion asks for a number and the answer is a sentence around one number, which
    fits another number as well ("About 3 metres.", not "1 jump").

    Args:
        collate: rows with `messages` and `kinds` to a batch.
        share: of these answers, those that change.
        seed: of what changes, and to which number.
    """

    def __init__(self, collate: Callable[[Sequence[dict]], dict], share: float, seed: int = 0):
        if not 0 <= share <= 1:
            raise ValueError(f"Expected a share of other numbers from 0 to 1, got {share} in the recipe. Correct it.")
        self.collate, self.share = collate, share
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, rows: Sequence[dict]) -> dict:
        changed, told = [], []
        for row in rows:
            messages = list(row["messages"])
            for kind, place, num_motions in asked_turns(row):
                number = self.change(kind, messages, place) if num_motions == 1 and kind else NONE
                told += [number] * num_motions
            changed.append({**row, "messages": messages})
        batch = self.collate(changed)
        if batch.get("motion_values") is not None:
            batch[TOLD] = torch.tensor(told)
        return batch

    def change(self, kind: str, messages: list[dict], place: int) -> float:
        """Puts another number into the answer at this place; what the model is told, or NaN where the answer stays."""
        answer = text_of(messages[place]["content"]) if place < len(messages) else ""
        if not can_change(kind, answer) or torch.rand((), generator=self.generator) >= self.share:
            return NONE
        number = self.draw(2 if kind != "angle" else 1, MOST.get(kind, MOST_ELSE))
        said = NUMBER.sub(str(number * STEP if kind == "angle" else number), answer)
        content = messages[place]["content"]
        messages[place] = {**messages[place], "content": said if isinstance(content, str) else replaced(content, said)}
        return number + NEAR * float(2 * torch.rand((), generator=self.generator) - 1)

    def draw(self, least: int, most: int) -> int:
        """A whole number, small ones more often: half of the time any, else any of the lower half."""
        if torch.rand((), generator=self.generator) < 0.5:
            most = (least + most) // 2
        return int(torch.randint(least, most + 1, (), generator=self.generator))


def can_change(kind: str, answer: str) -> bool:
    """Whether the answer stays a sentence with another number in the place of its own."""
    if len(NUMBER.findall(answer)) != 1 or ":" in answer or "." in answer.rstrip("."):
        return False
    number = amount_of(kind, answer)
    return number == number and (kind == "angle" or number != 1)


def replaced(parts: list[dict], said: str) -> list[dict]:
    """The parts of an answer with another text."""
    texts = [part for part in parts if part["type"] == "text"]
    return [part for part in parts if part["type"] != "text"] + [{**texts[0], "text": said}]
