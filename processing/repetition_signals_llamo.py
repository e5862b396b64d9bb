# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""The signals of a body in which repetitions are looked for: heights, angles, hands and feet seen from the body, and more."""

from dataclasses import dataclass

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
    joint_angles,
    trunk_leans,
)
from .motion_features_llamo import heading_angles, rotate_yaw


# Joints whose pose is compared between repetitions; left and right partners are neighbours.
POSE_PAIRS = ((4, 5), (7, 8), (18, 19), (20, 21), (16, 17))
METRES_PER_DEGREE = 0.006  # makes angles comparable with positions: a limb of 0.35 m


@dataclass
class Signal:
    """A candidate: values `(num_frames,)` in metres or scaled degrees. `even` where mirroring the body does not change it."""

    name: str
    unit: str
    values: np.ndarray
    even: bool


def candidate_signals(joints: np.ndarray, body: np.ndarray) -> list[Signal]:
    """All signals in which repetitions are looked for.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        body: what `body_frame` makes of them.
    """
    signals: list[Signal] = []

    def add(name, values, unit="m", even=False):
        signals.append(Signal(name, unit, values * (METRES_PER_DEGREE if unit == "deg" else 1.0), even))

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
