"""What the joints show of the form of an exercise: the same faults that synthesis/faults.py makes.

A fault is told only where it can be seen without doubt, and good form only where nothing comes near a fault; whatever lies
between is not asked. Joints are `(num_frames, 22, 3)` in metres, Y up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llamo.processing.angles_llamo import joint_angles
from llamo.train.synthesis.faults import FAULTS, KNEES_IN, ROUNDED, SHALLOW, TOO_FAST, UNEVEN


GOOD = "good form"
# The usual time of one repetition, seconds, and the joint whose bend is the depth of an exercise.
PERIOD = {
    "squat": 1.9,
    "lunge": 2.4,
    "deadlift": 2.6,
    "push_up": 1.55,
    "overhead_press": 1.8,
    "lateral_raise": 1.9,
    "biceps_curl": 1.7,
}
# Measure -> (good up to, a fault from); depth is good above and a fault below.
LIMITS = {
    KNEES_IN: (0.08, 0.15),  # of the leg's length by which a knee stands inside of the line from hip to ankle
    ROUNDED: (30.0, 36.0),  # degrees by which the spine is bent forward
    UNEVEN: (0.06, 0.085),  # shift of the pelvis over the leg's length
    TOO_FAST: (0.56, 0.47),  # time of a repetition over its usual one
}
ARMS_UNEVEN = (0.24, 0.33)  # difference of the wrists' heights over the arm's length
DEPTH = {
    "squat": (72.0, 62.0),  # degrees of the knee
    "lunge": (75.0, 66.0),
    "push_up": (95.0, 86.0),  # degrees of the elbow
    "overhead_press": (140.0, 118.0),  # degrees by which the upper arm is raised
    "lateral_raise": (69.0, 63.0),
    "biceps_curl": (112.0, 98.0),  # degrees of the elbow
}
LEG_EXERCISES = ("squat", "lunge", "deadlift")


@dataclass(frozen=True)
class Form:
    """What is measured of the form of one exercise; `verdict` is a fault, GOOD, or None where it is arguable."""

    measures: dict[str, float]
    verdict: str | None


def judge_form(key: str, joints: np.ndarray, fps: float, events: list[float], start: float, end: float) -> Form:
    """Measures an exercise and says what is wrong with it.

    Args:
        key: an exercise of FAULTS.
        joints: `(num_frames, 22, 3)`.
        fps: frames per second.
        events: seconds of the key moment of each repetition, its lowest or highest pose.
        start, end: span of the exercise, seconds.

    Raises:
        ValueError: an exercise of which no fault is known, or no repetition.
    """
    if key not in FAULTS or not len(events):
        raise ValueError(
            f"expected an exercise out of {', '.join(FAULTS)} with repetitions, got {key!r} with {len(events)} in judge_form"
        )
    first, last = max(0, int(start * fps)), min(len(joints), int(np.ceil(end * fps)) + 1)
    part = joints[first:last].astype(np.float64)
    frames = np.clip([round(event * fps) - first for event in events], 0, len(part) - 1)
    measures: dict[str, float] = {}
    for fault in FAULTS[key]:
        if fault == SHALLOW:
            measures[fault] = _depth(key, part, frames)
        elif fault == KNEES_IN:
            measures[fault] = _knees_in(part, frames)
        elif fault == ROUNDED:
            measures[fault] = _rounding(part, frames)
        elif fault == UNEVEN:
            measures[fault] = _unevenness(key, part, frames)
        elif len(events) > 1:  # one repetition has no tempo of its own: getting ready for it may take long
            measures[fault] = float(np.median(np.diff(events))) / PERIOD[key]
    return Form(measures, _verdict(key, measures))


def _verdict(key: str, measures: dict[str, float]) -> str | None:
    found, doubt = [], False
    for fault, value in measures.items():
        good, bad = DEPTH[key] if fault == SHALLOW else LIMITS[fault]
        if fault == UNEVEN and key not in LEG_EXERCISES:
            good, bad = ARMS_UNEVEN
        rising = bad > good
        if (value >= bad) if rising else (value <= bad):
            found.append(fault)
        elif (value > good) if rising else (value < good):
            doubt = True
    if doubt or len(found) > 1:
        return None
    return found[0] if found else GOOD


def _typical(values: np.ndarray) -> float:
    return float(np.median(values))


def _depth(key: str, joints: np.ndarray, frames: np.ndarray) -> float:
    """Bend of the working joint at the key moments, the larger side, degrees."""
    angles = joint_angles(joints)
    name = {"squat": "knee", "lunge": "knee", "push_up": "elbow", "biceps_curl": "elbow"}.get(key, "shoulder")
    return _typical(np.maximum(angles[f"left_{name}"], angles[f"right_{name}"])[frames])


def _knees_in(joints: np.ndarray, frames: np.ndarray) -> float:
    """How far the worse knee stands inside of the plane through hip, ankle and the way the foot points."""
    worst = np.full(len(frames), -np.inf)
    for hip, knee, ankle, foot, other in ((1, 4, 7, 10, 2), (2, 5, 8, 11, 1)):
        h, k, a, f, o = (joints[frames, index] for index in (hip, knee, ankle, foot, other))
        ahead = (f - a) * [1.0, 0.0, 1.0]
        across = np.cross(ahead, [0.0, 1.0, 0.0])
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
        across *= np.sign(((o - h) * across).sum(1, keepdims=True))  # towards the other leg
        line = a - h
        along = ((k - h) * line).sum(1, keepdims=True) / np.maximum((line * line).sum(1, keepdims=True), 1e-9)
        off = k - (h + along * line)
        length = np.linalg.norm(k - h, axis=1) + np.linalg.norm(a - k, axis=1)
        worst = np.maximum(worst, (off * across).sum(1) / length)
    return _typical(worst)


def _rounding(joints: np.ndarray, frames: np.ndarray) -> float:
    """Angle between the lowest and the upper part of the spine, forward positive, degrees."""
    at = joints[frames]
    low, high = at[:, 3] - at[:, 0], at[:, 12] - at[:, 9]
    left = at[:, 1] - at[:, 2]
    turn = np.arctan2((np.cross(low, high) * left).sum(1) / np.maximum(np.linalg.norm(left, axis=1), 1e-6), (low * high).sum(1))
    return _typical(np.degrees(turn))


def _unevenness(key: str, joints: np.ndarray, frames: np.ndarray) -> float:
    """Sideways shift of the pelvis between the feet over the leg's length, or difference of the wrists over the arm's."""
    at = joints[frames]
    if key in LEG_EXERCISES:
        across = (at[:, 7] - at[:, 8]) * [1.0, 0.0, 1.0]
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
        shift = ((at[:, 0] - (at[:, 7] + at[:, 8]) / 2) * across).sum(1)
        leg = np.linalg.norm(at[:, 1] - at[:, 4], axis=1) + np.linalg.norm(at[:, 4] - at[:, 7], axis=1)
        return _typical(np.abs(shift) / leg)
    arm = np.linalg.norm(at[:, 16] - at[:, 18], axis=1) + np.linalg.norm(at[:, 18] - at[:, 20], axis=1)
    return _typical(np.abs(at[:, 20, 1] - at[:, 21, 1]) / arm)
