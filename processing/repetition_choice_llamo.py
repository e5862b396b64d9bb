# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Of all ways to cut a motion into repetitions the one to believe: how each is judged, and which is chosen.

A cut is believed so far as the body is in the same pose at the same stage of every excursion, and so far as the excursions
explain the movement in the clip. Whatever repeats every second does so every two seconds as well, and what goes up n times
comes down n - 1 times in between: so the choice asks first how often, then where the first and the last one are.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from .repetition_signals_llamo import Signal


# How cuts are weighed against each other; set on procedural motions with known counts (benchmarks/measuring.py).
SINGLE_BELIEF = 0.5
OUTSIDE_SHARE = 0.4
JUMP_BELIEF = 2.0
NEARLY = 0.87
TURNS = 0.65
# Whether every other repetition is the same movement: how much less alike all of them may be than every second one.
LESS_ALIKE, UNLIKE = 3.0, 0.05
# Whether the first and the last excursion are repetitions or the way into position and out of it: how far they are from the
# rest, by what is usual among the rest. Both ends together need less than one alone.
ODD_ENDS, ODD_END, USUAL = 3.0, 10.0, 0.02
# What a cut with one or two more repetitions must reach, against the best one: score, difference, and oddness of the ends.
MORE_SCORE, MORE_DIFFERENT, MORE_UNLIKE, MORE_ODD, LITTLE_ODD = 0.8, 2.0, 0.06, 1.5, 0.06
MORE_RHYTHM = 0.25  # of the period, as a difference of logarithms
IN_PHASE, SAME_PHASE_SCORE = 0.2, 0.75  # of the period; less is enough where all others are at the same time
LEAST_SAMENESS = 0.45
MOVING_SHARE = 0.12
SWAY = 0.01  # m; of two repetitions nothing else tells sway from movement
MOST_SWAY = 0.03  # m, standard deviation; what differs more between repetitions is no sway
ENOUGH = 4  # repetitions, to tell which coordinates repeat and which only sway
LEAST_COVERAGE = 0.2


@dataclass
class Repetition:
    """One repetition: frames (fractional) in which it begins, is at its extreme and ends; amplitude in the signal's unit.

    `side` where sides take turns, else empty.
    """

    start: float
    peak: float
    end: float
    amplitude: float
    side: str = ""


@dataclass
class Cut:
    """One way to cut the motion into repetitions, and how well it does.

    `sameness` is how alike its repetitions are in what repeats, `likeness` in whatever moves, `oddness` `(repetitions,)` how
    far each is from the others; `coverage` is the share of the clip's movement that they explain, `belief` the weight.
    """

    signal: Signal
    items: list[Repetition]
    sameness: float = 0.0
    likeness: float = 0.0
    coverage: float = 0.0
    belief: float = 0.0
    oddness: np.ndarray = field(default_factory=lambda: np.zeros(1))
    turns: bool = False
    jumps: bool = False

    @property
    def score(self) -> float:
        return self.belief * min(self.coverage, 1.0)

    @property
    def period(self) -> float:
        """Frames from one repetition to the next, the median; 0 with one alone."""
        peaks = [item.peak for item in self.items]
        return middle_of(sorted(after - before for before, after in pairwise(peaks))) if len(peaks) > 1 else 0.0

    def odd_ends(self) -> tuple[float, float]:
        """How much odder the first and the last repetition are than is usual; 0 where there are too few to say."""
        if len(self.items) < ENOUGH:
            return 0.0, 0.0
        usual = max(middle_of(sorted(self.oddness.tolist())), USUAL)
        return float(self.oddness[0]) / usual, float(self.oddness[-1]) / usual


def middle_of(ordered: list[float]) -> float:
    """The median of numbers in ascending order: a list is faster than an array where there are few."""
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def judge(cut: Cut, poses: np.ndarray, movement: list[float], jumps: list[tuple[float, float]]) -> bool:
    """Sets what the cut is judged by, and returns whether it is good enough to be chosen; the rest is not set where it is not.

    Args:
        cut: its repetitions are those of `poses`.
        poses: `(repetitions, stages, n)`, the pose at the stages of each repetition.
        movement: of each frame, the way of the pose up to it.
        jumps: flights as (start, end) in frames.
    """
    number = len(poses)
    # What a cut explains is the way through the stages of its mean repetition, not whatever happens in between. Getting
    # into position before the first one and out of it after the last counts less.
    explained = np.linalg.norm(np.diff(poses.mean(axis=0), axis=0), axis=1).sum() * number
    within = _at(movement, max(item.end for item in cut.items)) - _at(movement, cut.items[0].start)
    cut.coverage = float(explained / max(within + OUTSIDE_SHARE * (movement[-1] - within), 1e-9))
    if not cut.coverage >= LEAST_COVERAGE:  # most cuts end here: what follows takes much longer
        return False
    if number == 1:
        # One excursion is a repetition so far as it comes back to where it began.
        ends = poses[0, [0, -1]]
        out = ((poses[0, poses.shape[1] // 2] - ends.mean(axis=0)) ** 2).sum()
        cut.sameness = cut.likeness = float(max(0.0, 1 - ((ends[0] - ends[1]) ** 2).sum() / max(out, 1e-9)))
        cut.belief = SINGLE_BELIEF * cut.sameness
    else:
        # Slow drift from one repetition to the next is no difference.
        shapes = poses - poses.mean(axis=1, keepdims=True)
        mean = shapes.mean(axis=0)
        apart = ((shapes - mean) ** 2).sum(axis=1)  # (repetitions, n)
        forgiven = shapes.shape[0] * shapes.shape[1] * SWAY**2 if number == 2 else 0.0
        total = np.maximum((shapes**2).sum(axis=(0, 1)) - forgiven, 0.0)
        between = np.maximum(apart.sum(axis=0) * number / (number - 1) - forgiven, 0.0)

        moving = total >= MOVING_SHARE * total.max()  # the rest only sways
        cut.likeness = cut.sameness = _share_alike(total, between, moving)
        if number >= ENOUGH:
            # Arms may sway further than a small movement goes: what all repetitions share tells which coordinates repeat.
            shared = (mean**2).sum(axis=0)
            swaying = between < shapes.shape[0] * shapes.shape[1] * MOST_SWAY**2
            moving = (shared >= MOVING_SHARE * shared.max()) | (moving & ~swaying)
            cut.sameness = _share_alike(total, between, moving)
        if not cut.sameness >= LEAST_SAMENESS:
            return False
        cut.oddness = apart[:, moving].sum(axis=1) * (number / (number - 1)) ** 2 / max((mean[:, moving] ** 2).sum(), 1e-9)
        cut.belief = cut.sameness ** (1.5 + 2 / number)  # the more there are, the less chance makes them alike
    if len(jumps) == number and all(
        sum(item.start < (start + end) / 2 < item.end for start, end in jumps) == 1 for item in cut.items
    ):
        cut.jumps = True
        cut.belief *= JUMP_BELIEF
    return cut.sameness >= LEAST_SAMENESS


def _share_alike(total: np.ndarray, between: np.ndarray, moving: np.ndarray) -> float:
    """Which share of the movement in the coordinates `moving` is the same in all repetitions."""
    return float(max(0.0, 1 - between[moving].sum() / max(total[moving].sum(), 1e-9)))


def _at(values: list[float], frame: float) -> float:
    """`sample` of numbers at one frame."""
    frame = min(max(frame, 0.0), len(values) - 1.0)
    low = min(int(frame), max(len(values) - 2, 0))
    part = frame - low
    return values[low] * (1 - part) + values[min(low + 1, len(values) - 1)] * part


def sample(values: np.ndarray, frames):
    """`values` at fractional frames."""
    frames = np.minimum(np.maximum(frames, 0), len(values) - 1)
    low = np.minimum(np.floor(frames).astype(int), max(len(values) - 2, 0))
    part = np.asarray(frames - low)
    part = part.reshape(part.shape + (1,) * (values.ndim - 1))
    return values[low] * (1 - part) + values[np.minimum(low + 1, len(values) - 1)] * part


def choose_cut(cuts: list[Cut]) -> Cut | None:
    """Of cuts that `judge` finds good the best: first how often the movement repeats, then which of its ends count."""
    ends = [cut.odd_ends() for cut in cuts]
    whole = [cut for cut, odd in zip(cuts, ends, strict=True) if min(odd) <= ODD_ENDS and max(odd) <= ODD_END]
    good = whole or cuts
    return _with_all_ends(_with_all_turns(good), good) if good else None


def _with_all_turns(cuts: list[Cut]) -> Cut:
    """The best cut; of those that do nearly as well the one with the most repetitions, if they all are the same movement."""

    def score(cut: Cut) -> float:
        return cut.score

    def same_movement(many: Cut, few: Cut) -> bool:
        """Whether the repetitions of `many` are as alike as those of `few`, every second one of them."""
        return len(few.items) == 1 or 1 - many.likeness <= LESS_ALIKE * (1 - few.likeness) + UNLIKE

    best = max(cuts, key=score)
    near = [cut for cut in cuts if cut.score >= NEARLY * best.score]
    halves = [cut for cut in near if len(cut.items) > 1 and abs(2 * len(cut.items) - len(best.items)) <= 1]
    unlike = [half for half in halves if not same_movement(best, half)]
    lead = best = max(unlike, key=score) if unlike else best
    more = [cut for cut in near if len(cut.items) >= 1.5 * len(best.items) and same_movement(cut, best)]
    if more:
        most = max(len(cut.items) for cut in more)
        lead = max((cut for cut in more if len(cut.items) == most), key=score)
    # Legs and arms that take turns: each turn counts, though either side alone repeats half as often.
    turns = [cut for cut in cuts if cut.turns and len(cut.items) > len(lead.items) and cut.score >= TURNS * best.score]
    turns = [cut for cut in turns if same_movement(cut, lead)]
    most = max((len(cut.items) for cut in turns), default=0)
    if turns and abs(most - 2 * len(lead.items)) <= 1:
        lead = max((cut for cut in turns if len(cut.items) == most), key=score)
    return lead


def _with_all_ends(lead: Cut, cuts: list[Cut]) -> Cut:
    """`lead`, or a cut of its rhythm with one or two more repetitions: some that it misses, or one at an end.

    What goes up n times comes down n - 1 times in between: both are cut from the same motion, and both repeat. So more
    repetitions of another phase count only where the ends are no odder than the rest.
    """
    number = len(lead.items)
    if number == 1:
        return lead
    first, last = lead.items[0].start, lead.items[-1].end
    peaks = np.array([item.peak for item in lead.items])

    def belongs(cut: Cut) -> bool:
        # Sides that take turns are also seen where mirroring changes nothing.
        if cut.turns != lead.turns and not (cut.signal.even and lead.signal.even):
            return False
        if not number < len(cut.items) <= number + 2:
            return False
        if abs(np.log(cut.period / lead.period)) > MORE_RHYTHM:
            return False
        if sum(first < item.peak < last for item in cut.items) > number and cut.score >= NEARLY * lead.score:
            return True
        away = np.abs(peaks[:, None] - [item.peak for item in cut.items]).min(axis=1)
        if away.max() < IN_PHASE * lead.period:
            return cut.score >= SAME_PHASE_SCORE * lead.score
        # Both sides explain more movement than what is blind to mirroring.
        least = MORE_SCORE if cut.turns == lead.turns else MORE_SCORE * TURNS
        usual = max(MORE_ODD * middle_of(sorted(cut.oddness.tolist())), LITTLE_ODD)
        return (
            cut.score >= least * lead.score
            and 1 - cut.sameness <= MORE_DIFFERENT * (1 - lead.sameness) + MORE_UNLIKE
            and 1 - cut.likeness <= MORE_DIFFERENT * (1 - lead.likeness) + MORE_UNLIKE
            and min(cut.oddness[0], cut.oddness[-1]) <= usual
        )

    return max([lead, *filter(belongs, cuts)], key=lambda cut: (len(cut.items), cut.score))
