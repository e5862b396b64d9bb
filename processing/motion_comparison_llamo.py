# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Two motions beside each other: aligned in time, then where the second differs from the first, the largest fault first.

Time is aligned by dynamic time warping (Sakoe and Chiba 1978) over what does not depend on place, heading or body size: the
joints against the pelvis, seen by the body, in leg lengths. Nothing is mirrored: a left-handed throw differs from a
right-handed one.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .angles_llamo import PELVIS, body_frame, joint_angles, leg_length
from .motion_features_llamo import check_joints, resample
from .motion_filters_llamo import bone_length_noise, join_spans, low_pass, moving_average, true_spans


ALIGN_FPS = 20.0
MOST_FRAMES = 2000  # longer motions are aligned at a lower rate
STRAY_COST = 0.02  # leg lengths, for every frame that one motion waits for the other
LEAST_SECONDS = 0.15
# Quantity -> least difference worth naming, its unit, and the words for more and less of it.
QUANTITIES = {
    "hip": (12.0, "deg", "more flexed", "less flexed"),
    "knee": (12.0, "deg", "more flexed", "less flexed"),
    "ankle": (12.0, "deg", "toes higher", "toes lower"),
    "shoulder": (15.0, "deg", "arm higher", "arm lower"),
    "elbow": (15.0, "deg", "more flexed", "less flexed"),
    "trunk": (10.0, "deg", "leans more", "leans less"),
    "pelvis": (0.06, "m", "higher", "lower"),
    "tempo": (0.15, "s", "slower", "faster"),
}
TEMPO_SHARE = 0.1


@dataclass
class Fault:
    """A difference of the second motion from the first; times are those of the second motion."""

    joint: str
    side: str | None
    what: str
    difference: float
    unit: str
    start_s: float
    end_s: float


def compare_motions(first: np.ndarray, first_fps: float, second: np.ndarray, second_fps: float) -> dict[str, Any]:
    """Aligns two motions and lists the largest differences.

    Args:
        first (`np.ndarray` of shape `(num_frames, 22, 3)`): the model that is compared with; metres, Y up.
        first_fps (`float`): its frames per second.
        second (`np.ndarray` of shape `(num_frames, 22, 3)`): the motion that is judged.
        second_fps (`float`): its frames per second.

    Returns:
        `{"offset_s": how much later the second does the same, "faults": [{"joint", "side", "what", "difference", "unit",
        "start_s", "end_s"}]}`. Each joint, side and kind of difference comes once, at its largest; differences are the second
        motion's value less the first's, and the order is by how many times the least worth naming they are.

    Raises:
        ValueError: joints that are no motion of 22 joints.
        ImportError: a filter is needed and scipy is not installed.
    """
    longest = max(len(first) / first_fps, len(second) / second_fps)
    rate = min(ALIGN_FPS, MOST_FRAMES / longest)
    one, two = (_prepared(*motion, rate) for motion in ((first, first_fps, "the first"), (second, second_fps, "the second")))
    path = warping_path(alignment_features(one), alignment_features(two))
    partner = _partner_frames(path, len(two))
    offset = float(np.median(path[:, 1] - path[:, 0])) / rate
    faults = _angle_faults(one, two, partner, rate)
    faults += _tempo_faults(one, two, path, rate)
    faults.sort(key=lambda fault: -abs(fault.difference) / QUANTITIES[fault.joint][0])
    return {"offset_s": round(offset, 3), "faults": [asdict(fault) for fault in faults]}


def _prepared(joints: np.ndarray, fps: float, where: str, rate: float) -> np.ndarray:
    joints = check_joints(joints, where=f"{where} motion").astype(np.float64)
    joints, _ = low_pass(joints, fps, "auto", bone_length_noise(joints))
    return resample(joints, fps, rate).astype(np.float64)


def alignment_features(joints: np.ndarray) -> np.ndarray:
    """What time is aligned by: joints against the pelvis and the pelvis's height, `(num_frames, 67)` leg lengths."""
    size = leg_length(joints)
    height = joints[:, PELVIS, 1] - np.percentile(joints[..., 1].min(axis=1), 2.0)
    flat = body_frame(joints).reshape(len(joints), -1)
    # The mean distance over the joints, so that costs read as leg lengths.
    return np.concatenate([flat / len(joints[0]) ** 0.5, height[:, None]], axis=1) / max(size, 1e-6)


def warping_path(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The cheapest way through both motions from start to end, `(num_pairs, 2)` frames of the first and the second.

    Args:
        first, second: features `(num_frames, n)` of each.
    """
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2 * first @ second.T
    local = np.sqrt(np.maximum(squares, 0.0))
    rows, columns = local.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    # Cells of one anti-diagonal do not depend on each other.
    for diagonal in range(2, rows + columns + 1):
        row = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        column = diagonal - row
        waiting = np.minimum(total[row - 1, column], total[row, column - 1]) + STRAY_COST
        total[row, column] = local[row - 1, column - 1] + np.minimum(total[row - 1, column - 1], waiting)
    row, column = rows, columns
    path = []
    while row > 0 and column > 0:
        path.append((row - 1, column - 1))
        moves = ((row - 1, column - 1, 0.0), (row - 1, column, STRAY_COST), (row, column - 1, STRAY_COST))
        row, column = min(moves, key=lambda move: total[move[0], move[1]] + move[2])[:2]
    return np.array(path[::-1])


def _partner_frames(path: np.ndarray, num_frames: int) -> np.ndarray:
    """For every frame of the second motion the mean frame of the first that goes with it, `(num_frames,)`."""
    sums = np.bincount(path[:, 1], weights=path[:, 0], minlength=num_frames)
    return sums / np.maximum(np.bincount(path[:, 1], minlength=num_frames), 1)


def _angle_faults(one: np.ndarray, two: np.ndarray, partner: np.ndarray, rate: float) -> list[Fault]:
    """Spans in which a joint's angle, or the height of the hips, differs; the largest of each kind."""
    curves = [{**joint_angles(joints), "pelvis": _pelvis_height(joints)} for joints in (one, two)]
    faults = []
    for name, values in curves[1].items():
        side, _, joint = name.rpartition("_")
        least, unit, more, less = QUANTITIES[joint]
        reference = np.interp(partner, np.arange(len(one)), curves[0][name])
        difference = moving_average(values - reference, 3)
        for sign, word in ((1, more), (-1, less)):
            largest = None
            for start, end in join_spans(true_spans(sign * difference > least), 1, max(1, int(LEAST_SECONDS * rate))):
                peak = float(np.max(sign * difference[start:end]))
                if largest is None or peak > largest[0]:
                    largest = peak, start, end
            if largest is not None:
                peak, start, end = largest
                amount = round(sign * peak, 1 if unit == "deg" else 3)
                times = round(start / rate, 2), round(min(end, len(two) - 1) / rate, 2)
                faults.append(Fault(joint, side or None, word, amount, unit, *times))
    return faults


def _pelvis_height(joints: np.ndarray) -> np.ndarray:
    """Height of the pelvis against its highest, metres, so that a taller person is no higher."""
    height = joints[:, PELVIS, 1]
    return height - np.percentile(height, 95)


def _tempo_faults(one: np.ndarray, two: np.ndarray, path: np.ndarray, rate: float) -> list[Fault]:
    """Whether the second motion takes longer, or less long, for the same."""
    # Waiting at either end is no tempo.
    steps = path[(path[:, 0] > 0) & (path[:, 0] < len(one) - 1) & (path[:, 1] > 0) & (path[:, 1] < len(two) - 1)]
    if len(steps) < 3:
        return []
    took = (steps[-1] - steps[0]) / rate
    difference = float(took[1] - took[0])
    least, unit, more, less = QUANTITIES["tempo"]
    if abs(difference) < max(least, TEMPO_SHARE * float(took[0])):
        return []
    times = round(float(steps[0, 1]) / rate, 2), round(float(steps[-1, 1]) / rate, 2)
    return [Fault("tempo", None, more if difference > 0 else less, round(difference, 2), unit, *times)]
