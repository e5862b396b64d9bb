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
# Where the clip begins and ends: 0 at the base of the repetitions, 1 at their extremes: these may be the
# gaps between one more.
AT_ENDS, FROM_REST_SCORE, FROM_REST_SAMENESS = 0.18, 0.65, 0.75
IN_PHASE, SAME_PHASE_SCORE = 0.2, 0.75  # of the period; less is enough where all others are at the same time
LEAST_SAMENESS = 0.45
MOVING_SHARE = 0.12
SWAY = 0.01  # m; of two repetitions nothing else tells sway from movement
MOST_SWAY = 0.03  # m, standard deviation; what differs more between repetitions is no sway
ENOUGH = 4  # repetitions, to tell which coordinates repeat and which only sway
LEAST_COVERAGE = 0.2
MOST_ROWS = 256  # repetitions that are judged at once: their poses stay in the cache


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

    def at_ends(self) -> tuple[float, float]:
        """Where the signal is in the clip's first and last frame: 0 at the base of the repetitions, 1 at their extremes."""
        base = sample(self.signal.values, np.array([(item.start, item.end) for item in self.items])).mean()
        top = sample(self.signal.values, np.array([item.peak for item in self.items])).mean()
        return tuple(float((self.signal.values[frame] - base) / (top - base)) for frame in (0, -1))

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


def good_cuts(
    cuts: list[Cut],
    frames: list[np.ndarray],
    kinds: list[np.ndarray],
    poses: np.ndarray,
    movement: np.ndarray,
    jumps: list[tuple[float, float]],
) -> list[Cut]:
    """Sets what cuts are judged by, and returns those that are good enough to be chosen; the rest is not set of the others.

    Args:
        cuts: to be judged.
        frames: of each cut `(repetitions, stages)`, fractional frames of the stages of its repetitions.
        kinds: of each cut `(repetitions,)`, which pose is read there.
        poses: `(num_kinds, num_frames, n)`.
        movement: `(num_frames,)`, the way of the pose up to each frame.
        jumps: flights as (start, end) in frames.
    """
    good: list[Cut] = []
    begun = rows = 0
    for index, cut in enumerate(cuts):
        rows += len(cut.items)
        if rows >= MOST_ROWS or index == len(cuts) - 1:
            part = slice(begun, index + 1)
            good += _good_of(cuts[part], np.concatenate(frames[part]), np.concatenate(kinds[part]), poses, movement, jumps)
            begun, rows = index + 1, 0
    return good


def _good_of(
    cuts: list[Cut], frames: np.ndarray, kinds: np.ndarray, poses: np.ndarray, movement: np.ndarray, jumps
) -> list[Cut]:
    """`good_cuts` of some cuts, whose stages and kinds stand one after the other."""
    low = np.minimum(frames.astype(int), poses.shape[1] - 2)
    before = poses[kinds[:, None], low]
    stages = before + (frames - low)[..., None] * (poses[kinds[:, None], low + 1] - before)
    numbers = np.array([len(cut.items) for cut in cuts])
    # What a cut explains is the way through the stages of its mean repetition, not whatever happens in between. Getting
    # into position before the first one and out of it after the last counts less.
    means = _sums(stages, numbers) / numbers[:, None, None]
    explained = np.linalg.norm(np.diff(means, axis=1), axis=2).sum(axis=1) * numbers
    spans = np.array([(cut.items[0].start, max(item.end for item in cut.items)) for cut in cuts])
    within = np.diff(sample(movement, spans))[:, 0]
    coverage = explained / np.maximum(within + OUTSIDE_SHARE * (movement[-1] - within), 1e-9)
    good: dict[int, Cut] = {}
    for judged, single in ((_judged_alone, True), (_judged_together, False)):
        chosen = (coverage >= LEAST_COVERAGE) & ((numbers == 1) == single)
        if not chosen.any():
            continue
        values = judged(stages[np.repeat(chosen, numbers)], numbers[chosen])
        for index, sameness, likeness, belief, oddness in zip(np.flatnonzero(chosen), *values, strict=True):
            if sameness >= LEAST_SAMENESS:
                cut = good[index] = cuts[index]
                cut.coverage, cut.oddness = float(coverage[index]), oddness
                cut.sameness, cut.likeness, cut.belief = float(sameness), float(likeness), float(belief)
                _believe_jumps(cut, jumps)
    return [good[index] for index in sorted(good)]


def _judged_alone(stages: np.ndarray, numbers: np.ndarray) -> tuple:
    """As `_judged_together`, of cuts with one repetition each: it is one so far as it comes back to where it began."""
    begin, end = stages[:, 0], stages[:, -1]
    out = ((stages[:, stages.shape[1] // 2] - (begin + end) / 2) ** 2).sum(axis=1)
    sameness = np.maximum(0.0, 1 - ((begin - end) ** 2).sum(axis=1) / np.maximum(out, 1e-9))
    return sameness, sameness, SINGLE_BELIEF * sameness, np.zeros((len(stages), 1))


def _judged_together(stages: np.ndarray, numbers: np.ndarray) -> tuple:
    """How alike the repetitions of cuts are.

    Args:
        stages: `(repetitions, stages, n)`, the poses of all cuts, one after the other.
        numbers: `(num_cuts,)`, how many repetitions each has, two at least.

    Returns:
        sameness, likeness and belief `(num_cuts,)`, and of each cut the oddness of its repetitions.
    """
    # Slow drift from one repetition to the next is no difference.
    shapes = stages - stages.mean(axis=1, keepdims=True)
    mean = _sums(shapes, numbers) / numbers[:, None, None]
    apart = ((shapes - np.repeat(mean, numbers, axis=0)) ** 2).sum(axis=1)  # (repetitions, n)
    poses = (numbers * shapes.shape[1])[:, None]
    forgiven = np.where(numbers[:, None] == 2, poses * SWAY**2, 0.0)
    total = np.maximum(_sums((shapes**2).sum(axis=1), numbers) - forgiven, 0.0)
    between = np.maximum(_sums(apart, numbers) * (numbers / (numbers - 1))[:, None] - forgiven, 0.0)
    moving = total >= MOVING_SHARE * total.max(axis=1, keepdims=True)  # the rest only sways
    likeness = _share_alike(total, between, moving)
    # Arms may sway further than a small movement goes: what all repetitions share tells which coordinates repeat.
    shared = (mean**2).sum(axis=1)
    swaying = between < poses * MOST_SWAY**2
    repeats = (shared >= MOVING_SHARE * shared.max(axis=1, keepdims=True)) | (moving & ~swaying)
    moving = np.where(numbers[:, None] >= ENOUGH, repeats, moving)
    sameness = _share_alike(total, between, moving)
    moved = np.maximum((shared * moving).sum(axis=1), 1e-9)
    odd = (apart * np.repeat(moving, numbers, axis=0)).sum(axis=1) * np.repeat((numbers / (numbers - 1)) ** 2 / moved, numbers)
    belief = sameness ** (1.5 + 2 / numbers)  # the more there are, the less chance makes them alike
    return sameness, likeness, belief, np.split(odd, np.cumsum(numbers)[:-1])


def _believe_jumps(cut: Cut, jumps: list[tuple[float, float]]) -> None:
    """Repetitions of one jump each are believed more."""
    if len(jumps) == len(cut.items) and all(
        sum(item.start < (start + end) / 2 < item.end for start, end in jumps) == 1 for item in cut.items
    ):
        cut.jumps = True
        cut.belief *= JUMP_BELIEF


def _sums(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Sums over the first axis of neighbouring groups of `numbers` rows."""
    return np.add.reduceat(values, np.cumsum(numbers) - numbers, axis=0)


def _share_alike(total: np.ndarray, between: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """Which share of the movement in the coordinates `moving` is the same in all repetitions; arguments `(num_cuts, n)`."""
    return np.maximum(0.0, 1 - (between * moving).sum(axis=1) / np.maximum((total * moving).sum(axis=1), 1e-9))


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
    # Of sides that take turns no single signal has the base and the extremes of all.
    between = not lead.turns and max(abs(level - 1) for level in lead.at_ends()) < AT_ENDS
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
        if between and not cut.turns and len(cut.items) == number + 1 and max(map(abs, cut.at_ends())) < AT_ENDS:
            return cut.score >= FROM_REST_SCORE * lead.score and cut.sameness >= FROM_REST_SAMENESS
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
