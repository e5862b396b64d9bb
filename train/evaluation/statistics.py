"""Figures with their uncertainty, and what guessing would score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from llamo.train.questions import Question

from .items import answer_set, answer_slot


DRAWS = 2000


def bootstrap(
    values: Sequence[float], clips: Sequence[str], rng: np.random.Generator, draws: int = DRAWS
) -> tuple[float, float]:
    """95 % bootstrap interval of a mean, drawing clips: questions on one clip belong together."""
    names = {name: place for place, name in enumerate(sorted(set(clips)))}
    totals, sums = np.zeros(len(names)), np.zeros(len(names))
    for value, clip in zip(values, clips):
        totals[names[clip]] += 1
        sums[names[clip]] += float(value)
    picks = rng.integers(len(names), size=(draws, len(names)))
    means = sums[picks].sum(1) / np.maximum(totals[picks].sum(1), 1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def gap_interval(
    right: Sequence[bool], other: Sequence[bool], clips: Sequence[str], rng: np.random.Generator, draws: int = DRAWS
) -> tuple[float, float]:
    """95 % bootstrap interval of the difference of two accuracies on the same questions."""
    return bootstrap([float(one) - float(two) for one, two in zip(right, other)], clips, rng, draws)


def interval_of(
    figure: Callable[[Sequence[int]], float], groups: Sequence[str], rng: np.random.Generator, draws: int = 500
) -> tuple[float, float]:
    """95 % bootstrap interval of any figure of a set of rows, drawing whole groups.

    Args:
        figure: rows (places, may repeat) -> the figure; NaN where it is not defined.
        groups: the group of each row.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(groups):
        members[name].append(place)
    names = sorted(members)
    values = []
    for _ in range(draws):
        rows = [place for pick in rng.integers(len(names), size=len(names)) for place in members[names[int(pick)]]]
        values.append(figure(rows))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def majority(questions: Sequence[Question]) -> float:
    """Accuracy of always giving the commonest answer, for each kind of question and set of possible answers."""
    groups: dict[tuple, list[Question]] = defaultdict(list)
    for question in questions:
        groups[question.kind, answer_set(question)].append(question)
    best = 0
    for group in groups.values():
        guesses = {answer_slot(question): question for question in group}  # each answer is tried once
        best += max(_agreeing(group, guess) for guess in guesses.values())
    return best / max(1, len(questions))


def _agreeing(questions: Sequence[Question], guess: Question) -> int:
    """For how many questions the answer to `guess` is right, within their tolerance."""
    slot = answer_slot(guess)
    if guess.tolerance:
        return sum(abs(float(slot) - float(question.key)) <= question.tolerance for question in questions)
    return sum(answer_slot(question) == slot for question in questions)


def chance(questions: Sequence[Question]) -> float:
    """Mean accuracy of guessing evenly among the possible answers."""
    return float(np.mean([question.chance for question in questions])) if questions else 0.0
