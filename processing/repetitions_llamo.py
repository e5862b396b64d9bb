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

import numpy as np

from .angles_llamo import (
    HEAD,
    LEFT_ANKLE,
    LEFT_HIP,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NECK,
    PELVIS,
    RIGHT_ANKLE,
    RIGHT_HIP,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
    body_frame,
    joint_angles,
    trunk_leans,
)
from .motion_features_llamo import heading_angles, rotate_yaw
from .motion_filters_llamo import moving_average


# Joints whose pose is compared between repetitions; left and right partners are neighbours.
POSE_PAIRS = ((4, 5), (7, 8), (18, 19), (20, 21), (16, 17))
POSE_MIDDLE = (9, 12, 15)
METRES_PER_DEGREE = 0.006  # makes angles comparable with positions: a limb of 0.35 m
THRESHOLDS = (0.1, 0.18, 0.3, 0.45, 0.62)  # of a signal's range: what counts as turning around
RISE_LEVELS = (0.2, 0.5, 0.8)
SMALLEST_AMPLITUDE = 0.025  # m, or the same in degrees by METRES_PER_DEGREE
SHORTEST_SECONDS = 0.2
# How cuts are weighed against each other; set on procedural motions with known counts (benchmarks/measuring.py).
SINGLE_BELIEF = 0.5
OUTSIDE_SHARE = 0.4
JUMP_BELIEF = 2.0
NEARLY = 0.87
TURNS = 0.65
LEAST_SAMENESS = 0.45
MOVING_SHARE = 0.12
LEAST_COVERAGE = 0.2
# Signals of one side that may take turns with the other.
TAKING_TURNS = ("hip angle", "knee angle", "foot height", "elbow angle")
DENSE_FPS = 40.0


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
class Repetitions:
    """What repeats. `signal` names the quantity, `unit` is "m" or "deg"; both empty where nothing repeats."""

    items: list[Repetition]
    signal: str = ""
    unit: str = ""


@dataclass
class Signal:
    """A candidate: values `(num_frames,)` in metres or scaled degrees. `even` where mirroring the body does not change it."""

    name: str
    unit: str
    values: np.ndarray
    even: bool


@dataclass
class Cut:
    """One way to cut the motion into repetitions, and how well it does."""

    signal: Signal
    items: list[Repetition]
    sameness: float = 0.0
    coverage: float = 0.0
    belief: float = 0.0
    turns: bool = False
    jumps: bool = False

    @property
    def score(self) -> float:
        return self.belief * min(self.coverage, 1.0)


def candidate_signals(joints: np.ndarray) -> list[Signal]:
    """All signals in which repetitions are looked for.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
    """
    signals: list[Signal] = []

    def add(name, values, unit="m", even=False):
        signals.append(Signal(name, unit, values * (METRES_PER_DEGREE if unit == "deg" else 1.0), even))

    body = body_frame(joints)
    angles = joint_angles(joints)
    add("pelvis height", joints[:, PELVIS, 1], even=True)
    add("head height", joints[:, HEAD, 1], even=True)
    for name in ("hip", "knee", "ankle", "shoulder", "elbow"):
        left, right = angles[f"left_{name}"], angles[f"right_{name}"]
        add(f"left {name} angle", left, "deg")
        add(f"right {name} angle", right, "deg")
        if name != "ankle":
            add(f"{name} angle, the larger side", np.maximum(left, right), "deg", even=True)
            add(f"{name} angle, mean of both sides", (left + right) / 2, "deg", even=True)
    for name, left, right in (("wrist", LEFT_WRIST, RIGHT_WRIST), ("ankle", LEFT_ANKLE, RIGHT_ANKLE)):
        for axis, word in enumerate(("sideways", "height", "forwards")):
            add(f"left {name} {word}, from the pelvis", body[:, left, axis])
            add(f"right {name} {word}, from the pelvis", body[:, right, axis])
        add(f"distance between the {name}s", np.linalg.norm(body[:, left] - body[:, right], axis=1), even=True)
    add("left foot height", joints[:, LEFT_ANKLE, 1])
    add("right foot height", joints[:, RIGHT_ANKLE, 1])
    add("foot height, the higher side", joints[:, [LEFT_ANKLE, RIGHT_ANKLE], 1].max(1), even=True)
    shoulders = joints[:, LEFT_SHOULDER] - joints[:, RIGHT_SHOULDER]
    hips = joints[:, LEFT_HIP] - joints[:, RIGHT_HIP]
    reach = [_reach(joints, shoulders, wrist, shoulder) for wrist, shoulder in ((20, 16), (21, 17))]
    add("reach of the hands, the farther side", np.maximum(*reach), even=True)
    forward, left = trunk_leans(joints)
    add("lean forwards", forward, "deg", even=True)
    add("lean to the left", left, "deg")
    add("twist of the trunk", np.degrees(_twist(shoulders, hips)), "deg")
    add("nod of the head", np.degrees(_pitch(joints, body)), "deg", even=True)
    add("lift of the shoulders", body[:, [LEFT_SHOULDER, RIGHT_SHOULDER], 1].mean(1) - body[:, NECK, 1], even=True)
    ground = rotate_yaw(joints[:, :1] * [1.0, 0.0, 1.0], -np.median(heading_angles(joints)))[:, 0]
    add("pelvis sideways", ground[:, 0])
    add("pelvis forwards", ground[:, 2], even=True)
    pose = body[:, [joint for pair in POSE_PAIRS for joint in pair]].reshape(len(body), -1)
    pose = pose - pose.mean(axis=0)
    axes = np.linalg.eigh(pose.T @ pose)[1]
    for index in (1, 2, 3):
        add(f"component {index} of the pose", pose @ axes[:, -index])
    return signals


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
    """Every cut that any signal offers, judged; frames are those of the densified motion."""
    factor = _densification(fps)
    joints = _densify(np.asarray(joints, dtype=np.float64), factor)
    jumps = [(start * factor, end * factor) for start, end in jumps]
    fps = fps * factor
    joints = moving_average(joints, int(round(0.04 * fps)) | 1)
    smallest = max(SMALLEST_AMPLITUDE, 2.2 * noise)
    poses = _poses(joints)
    movement = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(poses["plain"], axis=0), axis=1))])
    cuts: list[Cut] = []
    signals = candidate_signals(joints)
    for signal in signals:
        seen = set()
        for sign in (1, -1):
            for items in _runs(sign * signal.values, smallest, fps):
                key = (sign, *(item.peak for item in items))
                if key not in seen:
                    seen.add(key)
                    rows = [_stages(item, sign * signal.values, poses["even" if signal.even else "plain"]) for item in items]
                    cuts.append(_judged(Cut(signal, items), rows, movement, jumps))
    for name in TAKING_TURNS:
        pair = {side: next(signal for signal in signals if signal.name == f"{side} {name}") for side in ("left", "right")}
        for sign in (1, -1):
            values = {side: sign * signal.values for side, signal in pair.items()}
            for items in _turns(values, smallest, fps):
                rows = [_stages(item, values[item.side], poses["plain" if item.side == "left" else "mirror"]) for item in items]
                signal = Signal(f"{name}, left and right in turn", pair["left"].unit, pair["left"].values, True)
                cuts.append(_judged(Cut(signal, items, turns=True), rows, movement, jumps))
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


def _poses(joints: np.ndarray) -> dict[str, np.ndarray]:
    """The pose over time, `(num_frames, n)`: as it is ("plain"), in a mirror ("mirror"), and blind to mirroring ("even")."""
    body = body_frame(joints)
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


def _turning_points(values: np.ndarray, threshold: float) -> list[int]:
    """Frames of alternating minima and maxima that differ by more than `threshold`, the first and last frame included."""
    numbers = values.tolist()  # indexing a list is much faster than an array
    found = [0]
    low = high = 0
    direction = 0
    for frame, value in enumerate(numbers):
        if value > numbers[high]:
            high = frame
        if value < numbers[low]:
            low = frame
        if direction >= 0 and numbers[high] - value > threshold:
            if high > 0:
                found.append(high)
            direction, low, high = -1, frame, frame
        elif direction <= 0 and value - numbers[low] > threshold:
            if low > 0:
                found.append(low)
            direction, low, high = 1, frame, frame
    last = high if direction > 0 else low
    if direction and last > found[-1]:
        found.append(last)
    if found[-1] != len(numbers) - 1:
        found.append(len(numbers) - 1)
    return found


def _runs(values: np.ndarray, smallest: float, fps: float) -> Iterator[list[Repetition]]:
    """Runs of neighbouring excursions above the base that are of like amplitude, for every threshold of turning around."""
    extent = float(values.max() - values.min())
    if extent < smallest:
        return
    known = set()
    for threshold in THRESHOLDS:
        turning = _turning_points(values, max(threshold * extent, 0.8 * smallest))
        if tuple(turning) in known:
            continue
        known.add(tuple(turning))
        items = _excursions(values, turning, smallest)
        if not items:
            continue
        amplitudes = np.array([item.amplitude for item in items])
        for typical in sorted({float(np.median(amplitudes)), float(np.percentile(amplitudes, 85)), float(amplitudes.max())}):
            run: list[Repetition] = []
            longest: list[Repetition] = []
            for item in items:
                fits = 0.5 * typical <= item.amplitude <= 1.7 * typical and item.end - item.start >= SHORTEST_SECONDS * fps
                run = [*run, item] if fits else []
                longest = run if len(run) > len(longest) else longest
            if longest:
                yield longest


def _excursions(values: np.ndarray, turning: list[int], smallest: float) -> list[Repetition]:
    """What lies between two minima of `turning`, wherever it rises by `smallest` on both sides."""
    items = []
    for before, peak, after in zip(turning, turning[1:], turning[2:]):
        rise, fall = values[peak] - values[before], values[peak] - values[after]
        # The smaller side is the excursion; the larger one may hold the way into position as well.
        amplitude = float(min(rise, fall))
        if amplitude >= smallest:
            base = values[peak] - 0.9 * amplitude
            start, end = _crossing(values, peak, before, base), _crossing(values, peak, after, base)
            items.append(Repetition(start, float(peak), end, amplitude))
    return items


def _turns(values: dict[str, np.ndarray], smallest: float, fps: float) -> Iterator[list[Repetition]]:
    """Runs in which excursions of the left and of the right side follow each other by turns."""
    sides = {side: list(_runs(each, smallest, fps)) for side, each in values.items()}
    for left in sides["left"]:
        for right in sides["right"]:
            if abs(len(left) - len(right)) > 1:
                continue
            items = [replace(item, side="left") for item in left] + [replace(item, side="right") for item in right]
            items.sort(key=lambda item: item.peak)
            peaks = np.diff([item.peak for item in items])
            alternate = all(first.side != second.side for first, second in pairwise(items))
            lasting = float(np.median([item.end - item.start for item in items]))
            if len(items) > 2 and alternate and peaks.min() > max(0.35 * np.median(peaks), 0.5 * lasting):
                yield items


def _crossing(values: np.ndarray, peak: int, base: int, level: float) -> float:
    """Fractional frame at which the way from `peak` towards `base` first falls to `level`."""
    step = 1 if base > peak else -1
    for frame in range(peak, base, step):
        here, following = values.item(frame), values.item(frame + step)
        if following <= level:
            return frame + step * float((here - level) / max(here - following, 1e-12))
    return float(base)


def _stages(item: Repetition, values: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """The pose at the stages of an excursion, `(2 * len(RISE_LEVELS) + 3, n)`: by the signal's level, not by time."""
    peak = int(item.peak)
    base = values[peak] - 0.9 * item.amplitude
    goals = [base + level * (values[peak] - base) for level in RISE_LEVELS]
    first, last = max(0, int(np.floor(item.start))), min(len(values) - 1, int(np.ceil(item.end)))
    rise = [_crossing(values, peak, first, goal) for goal in goals]
    fall = [_crossing(values, peak, last, goal) for goal in reversed(goals)]
    return _sample(pose, np.array([item.start, *rise, item.peak, *fall, item.end]))


def _judged(cut: Cut, rows: list[np.ndarray], movement: np.ndarray, jumps: list[tuple[float, float]]) -> Cut:
    """Sets the cut's sameness, belief and coverage from the poses at the stages of its repetitions."""
    poses = np.stack(rows)  # (repetitions, stages, n)
    number = len(poses)
    if number == 1:
        # One excursion is a repetition so far as it comes back to where it began.
        ends = poses[0, [0, -1]]
        out = ((poses[0, poses.shape[1] // 2] - ends.mean(axis=0)) ** 2).sum()
        cut.sameness = float(max(0.0, 1 - ((ends[0] - ends[1]) ** 2).sum() / max(out, 1e-9)))
        cut.belief = SINGLE_BELIEF * cut.sameness
    else:
        # Slow drift from one repetition to the next is no difference.
        shapes = poses - poses.mean(axis=1, keepdims=True)
        total = (shapes**2).sum(axis=(0, 1))
        between = ((shapes - shapes.mean(axis=0)) ** 2).sum(axis=(0, 1)) * number / (number - 1)
        moving = total >= MOVING_SHARE * total.max()  # the rest only sways
        cut.sameness = float(max(0.0, 1 - between[moving].sum() / max(total[moving].sum(), 1e-9)))
        cut.belief = cut.sameness ** (1.5 + 2 / number)  # the more there are, the less chance makes them alike
    if len(jumps) == number and all(
        sum(item.start < (start + end) / 2 < item.end for start, end in jumps) == 1 for item in cut.items
    ):
        cut.jumps = True
        cut.belief *= JUMP_BELIEF
    # What a cut explains is the way through the stages of its mean repetition, not whatever happens in between. Getting
    # into position before the first one and out of it after the last counts less.
    explained = np.linalg.norm(np.diff(poses.mean(axis=0), axis=0), axis=1).sum() * number
    within = _sample(movement, max(item.end for item in cut.items)) - _sample(movement, cut.items[0].start)
    cut.coverage = float(explained / max(within + OUTSIDE_SHARE * (movement[-1] - within), 1e-9))
    return cut


def _sample(values: np.ndarray, frames):
    """`values` at fractional frames."""
    frames = np.clip(frames, 0, len(values) - 1)
    low = np.minimum(np.floor(frames).astype(int), max(len(values) - 2, 0))
    part = np.asarray(frames - low)
    part = part.reshape(part.shape + (1,) * (values.ndim - 1))
    return values[low] * (1 - part) + values[np.minimum(low + 1, len(values) - 1)] * part


def choose_cut(cuts: list[Cut]) -> Cut | None:
    """Of all cuts the best: those that do nearly as well as the best one, then the one with the most repetitions."""
    good = [cut for cut in cuts if cut.sameness >= LEAST_SAMENESS and cut.coverage >= LEAST_COVERAGE]
    if not good:
        return None
    best = max(good, key=lambda cut: cut.score)
    near = [cut for cut in good if cut.score >= NEARLY * best.score]
    most = max(len(cut.items) for cut in near)
    # Legs and arms that take turns: each turn counts, though either side alone repeats half as often.
    turns = [cut for cut in good if cut.turns and len(cut.items) > most and cut.score >= TURNS * best.score]
    if turns and abs(max(len(cut.items) for cut in turns) - 2 * most) <= 1:
        near, most = turns, max(len(cut.items) for cut in turns)
    return max((cut for cut in near if len(cut.items) == most), key=lambda cut: cut.score)


def _reach(joints, shoulders, wrist: int, shoulder: int) -> np.ndarray:
    """How far a hand is in front of its shoulder, horizontally and square to the shoulders, metres."""
    front = np.stack([-shoulders[:, 2], np.zeros(len(joints)), shoulders[:, 0]], axis=1)
    front = front / np.maximum(np.linalg.norm(front, axis=1, keepdims=True), 0.05)
    return ((joints[:, wrist] - joints[:, shoulder]) * front).sum(1)


def _twist(shoulders: np.ndarray, hips: np.ndarray) -> np.ndarray:
    """Turn of the shoulders against the hips seen from above, radians, left positive."""
    cross = hips[:, 2] * shoulders[:, 0] - hips[:, 0] * shoulders[:, 2]
    return np.arctan2(cross, (hips * shoulders)[:, [0, 2]].sum(1))


def _pitch(joints: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Pitch of the line from neck to head, radians, forwards positive."""
    line = body[:, HEAD] - body[:, NECK]
    return np.arctan2(line[:, 2], np.maximum(np.hypot(line[:, 0], line[:, 1]), 1e-6))
