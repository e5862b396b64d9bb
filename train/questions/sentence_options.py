"""Which of four sentences tells what a person does: the right one among some that say another action, side, tempo or order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from .makers import Maker
from .question import Question
from .vocabulary import action
from .wording import caption, clause, lettered, lettered_answer


NUM_OPTIONS = 4
OPPOSITES = (("left", "right"), ("forward", "backward"), ("slowly", "quickly"))
SHARE_OF_OPPOSITES, SHARE_OF_ORDERS = 0.35, 0.5
MOST_REPETITIONS = 8


def ask_for_sentence(
    maker: Maker, text: str, present: Iterable[str], clauses: Sequence[str] = (), plain: bool = False
) -> Question:
    """A multiple choice of sentences.

    Args:
        maker: source of randomness, phrasings and wrong actions.
        text: what the person does, as a caption.
        present: keys of the actions that are seen or may be.
        clauses: the parts of `text`, where others in its style are to be made of them; by default it is one.
        plain: whether `text` states no sides, counts or tempo of its own accord, so that the wrong ones must not, either.
    """
    present, rng = list(present), maker.rng
    wrong: list[str] = []
    turned = opposite(text)
    if turned is not None and rng.random() < SHARE_OF_OPPOSITES:
        wrong.append(turned)
    if len(clauses) > 1 and rng.random() < SHARE_OF_ORDERS:
        wrong.append(caption(list(reversed(clauses))))
    for key in maker.others(present, NUM_OPTIONS - 1, near=maker.pick(present)):
        parts = list(clauses) if clauses else [""]
        parts[int(rng.integers(len(parts)))] = other_clause(key, rng, plain)
        wrong.append(caption(parts))
    options = maker.shuffled([text, *[each for each in dict.fromkeys(wrong) if each != text][: NUM_OPTIONS - 1]])
    mark, between, labels = maker.layout()
    question = maker.ask("sentences", {"options": lettered(options, mark, between, labels)})
    return maker.make("choice", question, lettered_answer(options, text, labels), text, options)


def opposite(text: str) -> str | None:
    """The text with the first of OPPOSITES that it says exchanged throughout; None where it says none."""
    for pair in OPPOSITES:
        if re.search(rf"\b({pair[0]}|{pair[1]})\b", text):
            other = dict(zip(pair, pair[::-1], strict=True))
            return re.sub(rf"\b({pair[0]}|{pair[1]})\b", lambda found: other[found[0]], text)  # noqa: B023
    return None


def other_clause(key: str, rng: np.random.Generator, plain: bool) -> str:
    """What a caption would say of an action, with the sides, ways and numbers that it may have."""

    def pick(values: Sequence[str]) -> str | None:
        return values[int(rng.integers(len(values)))] if values else None

    row = action(key)
    told: dict = {"direction": pick(row.directions)}
    if not plain:
        told["side"] = pick(row.sides) if row.part else None
        told["count"] = int(rng.integers(1, MOST_REPETITIONS + 1)) if row.countable else None
        told["speed"] = pick(("slow", "normal", "fast"))
        told["turn"] = pick(row.turns)
    return clause(key, **told)
