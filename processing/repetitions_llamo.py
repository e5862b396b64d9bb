# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""How often a person repeats a movement, which signal shows it, and where each repetition begins and ends.

Many signals of the body are candidates: heights, joint angles, wrists and ankles seen from the body, the distance of the
hands, lean and twist, the leading components of the whole pose. Each is cut into excursions that leave a base and come back.
A cut is believed so far as the whole body, not the signal alone, is in the same pose at the same stage of every excursion,
and so far as the excursions explain the movement in the clip. Of the cuts that do well, the one with the most repetitions
wins: whatever repeats every second does so every two seconds as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, floor

import numpy as np

from .angles_llamo import LEFT_ANKLE, PELVIS, RIGHT_ANKLE, body_frame
from .motion_filters_llamo import moving_average
from .repetition_choice_llamo import Cut, Repetition, choose_cut, judge, middle_of, sample
from .repetition_signals_llamo import METRES_PER_DEGREE, POSE_PAIRS, Signal, candidate_signals


POSE_MIDDLE = (9, 12, 15)
THRESHOLDS = (0.1, 0.18, 0.3, 0.45, 0.62)  # of a signal's range: what counts as turning around
RISE_LEVELS = (0.2, 0.5, 0.8)
SMALLEST_AMPLITUDE = 0.025  # m, or the same in degrees by METRES_PER_DEGREE
SHORTEST_SECONDS = 0.2
# Of a movement to and fro about its rest, the first excursion rises from the middle: about half of what comes later.
LEAST_OF_TYPICAL, MOST_OF_TYPICAL = 0.4, 1.7
# Signals of one side that may take turns with the other.
TAKING_TURNS = ("hip angle", "knee angle", "foot height", "elbow angle", "shoulder angle")
DENSE_FPS = 40.0


@dataclass
class Repetitions:
    """What repeats. `signal` names the quantity, `unit` is "m" or "deg"; both empty where nothing repeats."""

    items: list[Repetition]
    signal: str = ""
    unit: str = ""


def find_repetitions(
    joints: np.ndarray, fps: float, noise: float = 0.0, jumps: Sequence[tuple[float, float]] = ()
) -> Repetitions:
    """Counts what repeats in a motion, one repetition included.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        fps: frames per second.
        noise: standard deviation of the joints' error, metres; smaller excursions than about twice that are not believed.
        jumps: flights already found, as (start, end) in frames. Repetitions of one jump each are believed more.

    Returns:
        the repetitions, none where nothing repeats.
    """
    cut = best_cut(joints, fps, noise, jumps)
    if cut is None:
        return Repetitions([])
    scale = METRES_PER_DEGREE if cut.signal.unit == "deg" else 1.0
    items = [replace(item, amplitude=item.amplitude / scale) for item in cut.items]
    return Repetitions(items, cut.signal.name, cut.signal.unit)


def best_cut(joints: np.ndarray, fps: float, noise: float = 0.0, jumps: Sequence[tuple[float, float]] = ()) -> Cut | None:
    """What `find_repetitions` chooses, with its score; `None` where nothing repeats. Amplitudes are in (scaled) metres."""
    if len(joints) < max(8, int(0.6 * fps)):
        return None
    cut = choose_cut(all_cuts(joints, fps, noise, jumps))
    if cut is not None:
        factor = _densification(fps)
        cut.items = [
            replace(item, start=item.start / factor, peak=item.peak / factor, end=item.end / factor) for item in cut.items
        ]
    return cut


def all_cuts(joints: np.ndarray, fps: float, noise: float = 0.0, jumps: Sequence[tuple[float, float]] = ()) -> list[Cut]:
    """Every cut of any signal that is good enough to be chosen, judged; frames are those of the densified motion."""
    factor = _densification(fps)
    joints = _densify(np.asarray(joints, dtype=np.float64), factor)
    jumps = [(start * factor, end * factor) for start, end in jumps]
    fps = fps * factor
    joints = moving_average(joints, int(round(0.04 * fps)) | 1)
    smallest = max(SMALLEST_AMPLITUDE, 2.2 * noise)
    body = body_frame(joints)
    poses = _poses(joints, body)
    movement = [0.0, *np.cumsum(np.linalg.norm(np.diff(poses["plain"], axis=0), axis=1)).tolist()]
    cuts: list[Cut] = []
    signals = candidate_signals(joints, body)
    for signal in signals:
        for sign in (1, -1):
            values, pose = sign * signal.values, poses["even" if signal.even else "plain"]
            stages = _StageReader(values, pose)
            for items in _runs(values, smallest, fps):
                cut = Cut(signal, items)
                if judge(cut, stages(items), movement, jumps):
                    cuts.append(cut)
    for name in TAKING_TURNS:
        pair = {side: next(signal for signal in signals if signal.name == f"{side} {name}") for side in ("left", "right")}
        for sign in (1, -1):
            values = {side: sign * signal.values for side, signal in pair.items()}
            stages = {side: _StageReader(values[side], poses["plain" if side == "left" else "mirror"]) for side in values}
            for items in _turns(values, smallest, fps):
                rows = np.empty((len(items), *stages["left"].shape))
                for side, reader in stages.items():
                    rows[[item.side == side for item in items]] = reader([item for item in items if item.side == side])
                signal = Signal(f"{name}, left and right in turn", pair["left"].unit, pair["left"].values, True)
                cut = Cut(signal, items, turns=True)
                if judge(cut, rows, movement, jumps):
                    cuts.append(cut)
    return cuts


def _densification(fps: float) -> int:
    """How many times more frames are needed to see where fast movements turn around."""
    return max(1, int(np.ceil(DENSE_FPS / fps - 0.01)))


def _densify(joints: np.ndarray, factor: int) -> np.ndarray:
    """Cubic (Catmull-Rom) interpolation over time to `factor` times the frame rate."""
    if factor == 1:
        return joints
    padded = np.concatenate([2 * joints[:1] - joints[1:2], joints, 2 * joints[-1:] - joints[-2:-1]])
    before, here, after, last = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    pieces = []
    for part in np.arange(factor) / factor:
        pieces.append(
            here
            + 0.5
            * part
            * (after - before + part * (2 * before - 5 * here + 4 * after - last + part * (3 * (here - after) + last - before)))
        )
    dense = np.stack(pieces, axis=1).reshape(-1, *joints.shape[1:])
    return np.concatenate([dense, joints[-1:]])


def _poses(joints: np.ndarray, body: np.ndarray) -> dict[str, np.ndarray]:
    """The pose over time, `(num_frames, n)`: as it is ("plain"), in a mirror ("mirror"), and blind to mirroring ("even").

    `body` is what `body_frame` makes of `joints`.
    """
    # Seen from the body, nothing tells that it rises onto its toes: heights of pelvis and ankles above the floor do.
    height = joints[:, PELVIS, 1:2]
    left_ankle, right_ankle = joints[:, LEFT_ANKLE, 1:2], joints[:, RIGHT_ANKLE, 1:2]
    flip = np.array([-1.0, 1.0, 1.0])
    left, right = body[:, [pair[0] for pair in POSE_PAIRS]], body[:, [pair[1] for pair in POSE_PAIRS]] * flip
    middle = body[:, list(POSE_MIDDLE)]

    def together(*parts):
        return np.concatenate([*(part.reshape(len(body), -1) for part in parts), height], axis=1)

    unsided = np.concatenate([np.abs(middle[..., :1]), middle[..., 1:]], axis=-1)
    return {
        "plain": together(left, right, middle, left_ankle, right_ankle),
        "mirror": together(right, left, middle * flip, right_ankle, left_ankle),
        "even": together(
            (left + right) / 2**0.5,
            np.abs(left - right) / 2**0.5,
            unsided,
            (left_ankle + right_ankle) / 2**0.5,
            np.abs(left_ankle - right_ankle) / 2**0.5,
        ),
    }


def _bends(values: np.ndarray) -> list[int]:
    """Frames of all local extremes, the first and last frame included: nothing turns around elsewhere."""
    change = np.diff(values)
    return [0, *(np.flatnonzero(change[1:] * change[:-1] <= 0) + 1).tolist(), len(values) - 1]


def _turning_points(frames: list[int], numbers: list[float], threshold: float) -> list[int]:
    """Frames of alternating minima and maxima that differ by more than `threshold`, the first and last frame included.

    Args:
        frames: those of `_bends`.
        numbers: the values there; a list is much faster to go through than an array.
        threshold: in the values' unit.
    """
    found = [0]
    low = high = 0
    direction = 0
    for index, value in enumerate(numbers):
        if value > numbers[high]:
            high = index
        if value < numbers[low]:
            low = index
        if direction >= 0 and numbers[high] - value > threshold:
            if high > 0:
                found.append(frames[high])
            direction, low, high = -1, index, index
        elif direction <= 0 and value - numbers[low] > threshold:
            if low > 0:
                found.append(frames[low])
            direction, low, high = 1, index, index
    last = frames[high if direction > 0 else low]
    if direction and last > found[-1]:
        found.append(last)
    if found[-1] != frames[-1]:
        found.append(frames[-1])
    return found


def _runs(values: np.ndarray, smallest: float, fps: float) -> Iterator[list[Repetition]]:
    """Runs of neighbouring excursions above the base that are of like amplitude, for every threshold of turning around."""
    extent = float(values.max() - values.min())
    if extent < smallest:
        return
    known, yielded = set(), set()
    numbers = values.tolist()
    excursions: dict[tuple[int, int, int], Repetition | None] = {}
    bends = _bends(values)
    levels = [numbers[frame] for frame in bends]
    for threshold in THRESHOLDS:
        turning = _turning_points(bends, levels, max(threshold * extent, 0.8 * smallest))
        if tuple(turning) in known:
            continue
        known.add(tuple(turning))
        for key in zip(turning, turning[1:], turning[2:]):
            if key not in excursions:
                excursions[key] = _excursion(numbers, *key, smallest)
        items = [item for key in zip(turning, turning[1:], turning[2:]) if (item := excursions[key]) is not None]
        if not items:
            continue
        amplitudes = sorted(item.amplitude for item in items)
        for typical in sorted({middle_of(amplitudes), _quantile(amplitudes, 0.85), amplitudes[-1]}):
            run: list[Repetition] = []
            longest: list[Repetition] = []
            for item in items:
                fits = LEAST_OF_TYPICAL * typical <= item.amplitude <= MOST_OF_TYPICAL * typical
                fits = fits and item.end - item.start >= SHORTEST_SECONDS * fps
                run = [*run, item] if fits else []
                longest = run if len(run) > len(longest) else longest
            peaks = tuple(item.peak for item in longest)
            if longest and peaks not in yielded:
                yielded.add(peaks)
                yield longest


def _quantile(ordered: list[float], share: float) -> float:
    """Of numbers in ascending order, between neighbours on a straight line."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _excursion(values: list[float], before: int, peak: int, after: int, smallest: float) -> Repetition | None:
    """What lies between two minima and rises to `peak`, if by `smallest` on both sides."""
    rise, fall = values[peak] - values[before], values[peak] - values[after]
    # The smaller side is the excursion; the larger one may hold the way into position as well.
    amplitude = min(rise, fall)
    if amplitude < smallest:
        return None
    base = values[peak] - 0.9 * amplitude
    (start,), (end,) = _crossings(values, peak, before, [base]), _crossings(values, peak, after, [base])
    return Repetition(start, float(peak), end, amplitude)


def _turns(values: dict[str, np.ndarray], smallest: float, fps: float) -> Iterator[list[Repetition]]:
    """Runs in which excursions of the left and of the right side follow each other by turns."""
    sides = {side: list(_runs(each, smallest, fps)) for side, each in values.items()}
    for left in sides["left"]:
        for right in sides["right"]:
            if abs(len(left) - len(right)) > 1:
                continue
            items = [replace(item, side="left") for item in left] + [replace(item, side="right") for item in right]
            items.sort(key=lambda item: item.peak)
            peaks = [after.peak - before.peak for before, after in pairwise(items)]
            alternate = all(first.side != second.side for first, second in pairwise(items))
            lasting = middle_of(sorted(item.end - item.start for item in items))
            if len(items) > 2 and alternate and min(peaks) > max(0.35 * middle_of(sorted(peaks)), 0.5 * lasting):
                yield items


def _crossings(values: list[float], peak: int, base: int, levels: list[float]) -> list[float]:
    """Fractional frames at which the way from `peak` towards `base` first falls to each of `levels`, highest first."""
    step = 1 if base > peak else -1
    way = values[min(peak, base) : max(peak, base) + 1][::step]  # short: a list is faster than an array
    found = []
    above = 0
    for level in levels:
        # Frames that are still above the level; the first one is the peak. Lower levels are reached later.
        while above < len(way) and not way[above] <= level:
            above += 1
        if above >= len(way):
            found.append(float(base))
            continue
        here, following = way[max(above - 1, 0)], way[max(above, 1)] if len(way) > 1 else way[0]
        found.append(peak + step * (max(above - 1, 0) + (here - level) / max(here - following, 1e-12)))
    return found


class _StageReader:
    """Reads the pose at the stages of an excursion of `values`, `(2 * len(RISE_LEVELS) + 3, n)`: by the signal's level, not
    by time. Many cuts hold the same excursions, so that rows are kept.
    """

    def __init__(self, values: np.ndarray, pose: np.ndarray) -> None:
        self.values, self.pose = values.tolist(), pose
        self.shape = (2 * len(RISE_LEVELS) + 3, pose.shape[1])
        self.rows: dict[tuple[float, float, float], np.ndarray] = {}

    def __call__(self, items: Sequence[Repetition]) -> np.ndarray:
        """`(repetitions, stages, n)`."""
        keys = [(item.start, item.peak, item.end) for item in items]
        missing = {key: item for key, item in zip(keys, items, strict=True) if key not in self.rows}
        if missing:  # all at once: a call of NumPy takes as long for one as for many
            frames = np.array([self._stages(item) for item in missing.values()])
            self.rows.update(zip(missing, sample(self.pose, frames), strict=True))
        return np.stack([self.rows[key] for key in keys])

    def _stages(self, item: Repetition) -> list[float]:
        """The stages of one excursion, fractional frames."""
        peak = int(item.peak)
        top = self.values[peak]
        base = top - 0.9 * item.amplitude
        goals = [base + level * (top - base) for level in reversed(RISE_LEVELS)]
        first, last = max(0, floor(item.start)), min(len(self.values) - 1, ceil(item.end))
        rise, fall = _crossings(self.values, peak, first, goals), _crossings(self.values, peak, last, goals)
        return [item.start, *rise[::-1], item.peak, *fall, item.end]
