# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Joints -> angles of the body, degrees, as anatomy counts them, as far as joint centres can tell.

The trunk is the line from the middle of the hips to the neck; the body's left is the direction from the right hip to the
left one (hips and shoulders together for the heading). Joint centres show no rotation of a limb about its own length.

- left_hip, right_hip: flexion, seen from the side. 0 is the thigh in line with the trunk, positive is the thigh forwards and
  up, negative is extension. A leg lifted straight out to the side has no flexion to speak of.
- left_knee, right_knee: flexion. 0 is a straight leg.
- left_ankle, right_ankle: dorsiflexion. 0 is the foot at a right angle to the shin, positive is toes up, negative is
  plantarflexion. The foot is the line from the ankle to the ball, so that plain standing reads about -20.
- left_shoulder, right_shoulder: elevation of the upper arm in any direction. 0 hangs along the trunk, 180 is overhead.
- left_elbow, right_elbow: flexion. 0 is a straight arm.
- trunk: lean against the vertical in any direction. 0 is upright.
"""

import numpy as np

from .motion_features_llamo import heading_angles, rotate_yaw


PELVIS, LEFT_HIP, RIGHT_HIP, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE, LEFT_FOOT, RIGHT_FOOT = 0, 1, 2, 4, 5, 7, 8, 10, 11
SPINE3, NECK, HEAD, LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST = (
    9, 12, 15, 16, 17, 18, 19, 20, 21,
)  # fmt: skip
SIDED_ANGLES = ("hip", "knee", "ankle", "shoulder", "elbow")
ANGLE_NAMES = (*(f"{side}_{name}" for name in SIDED_ANGLES for side in ("left", "right")), "trunk")


def unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1 along the last axis; a vector without length stays without."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def angle_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angle between vectors `(..., 3)`, degrees 0-180, exact near both ends."""
    cross = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.degrees(np.arctan2(cross, (first * second).sum(-1)))


def trunk_vector(joints: np.ndarray) -> np.ndarray:
    """From the middle of the hips to the neck, `(num_frames, 3)` metres."""
    return joints[:, NECK] - (joints[:, LEFT_HIP] + joints[:, RIGHT_HIP]) / 2


def joint_angles(joints: np.ndarray) -> dict[str, np.ndarray]:
    """The angles of ANGLE_NAMES over time.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.

    Returns:
        name -> `(num_frames,)` degrees.
    """
    joints = np.asarray(joints, dtype=np.float64)
    trunk = unit_vectors(trunk_vector(joints))
    # The body's left, square to the trunk; and its front.
    across = joints[:, LEFT_HIP] - joints[:, RIGHT_HIP]
    across = unit_vectors(across - (across * trunk).sum(-1, keepdims=True) * trunk)
    front = np.cross(across, trunk)
    chains = {
        "left": (LEFT_HIP, LEFT_KNEE, LEFT_ANKLE, LEFT_FOOT, LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST),
        "right": (RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE, RIGHT_FOOT, RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST),
    }
    angles = {}
    for side, (hip, knee, ankle, foot, shoulder, elbow, wrist) in chains.items():
        thigh, shin = joints[:, knee] - joints[:, hip], joints[:, ankle] - joints[:, knee]
        upper, fore = joints[:, elbow] - joints[:, shoulder], joints[:, wrist] - joints[:, elbow]
        flexion = np.arctan2((thigh * front).sum(-1), -(thigh * trunk).sum(-1))
        # A deeply bent hip passes 180 degrees; a leg stretched back never reaches -90.
        flexion = np.where(flexion < -np.pi / 2, flexion + 2 * np.pi, flexion)
        angles[f"{side}_hip"] = np.degrees(flexion)
        angles[f"{side}_knee"] = angle_between(thigh, shin)
        angles[f"{side}_ankle"] = 90.0 - angle_between(-shin, joints[:, foot] - joints[:, ankle])
        angles[f"{side}_shoulder"] = angle_between(upper, -trunk)
        angles[f"{side}_elbow"] = angle_between(upper, fore)
    angles["trunk"] = angle_between(trunk, np.array([0.0, 1.0, 0.0]))
    return {name: angles[name] for name in ANGLE_NAMES}


def trunk_leans(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lean of the trunk forwards and to the left, each `(num_frames,)` degrees."""
    trunk = rotate_yaw(trunk_vector(joints)[:, None], -heading_angles(joints))[:, 0]
    forward = np.degrees(np.arctan2(trunk[:, 2], trunk[:, 1]))
    left = np.degrees(np.arctan2(trunk[:, 0], np.hypot(trunk[:, 1], trunk[:, 2])))
    return forward, left


def body_frame(joints: np.ndarray) -> np.ndarray:
    """Joints against the pelvis, turned so that the body always faces +Z (left is +X), `(num_frames, 22, 3)` metres."""
    joints = np.asarray(joints, dtype=np.float64)
    return rotate_yaw(joints - joints[:, PELVIS : PELVIS + 1], -heading_angles(joints))


def leg_length(joints: np.ndarray) -> float:
    """Thigh and shin together, median over time and both sides, metres."""
    thigh = np.linalg.norm(joints[:, [LEFT_HIP, RIGHT_HIP]] - joints[:, [LEFT_KNEE, RIGHT_KNEE]], axis=-1)
    shin = np.linalg.norm(joints[:, [LEFT_KNEE, RIGHT_KNEE]] - joints[:, [LEFT_ANKLE, RIGHT_ANKLE]], axis=-1)
    return float(np.median(thigh) + np.median(shin))
