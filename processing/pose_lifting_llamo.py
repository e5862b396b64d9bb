# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""33 world landmarks of the pose network -> the 22 joints of one skeleton: directions from the estimate, fixed lengths."""

import numpy as np


# Landmarks (BlazePose's order) that are used.
NOSE, LEFT_EAR, RIGHT_EAR = 0, 7, 8
LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_HIP, RIGHT_HIP = 11, 12, 23, 24
LEGS = (25, 26, 27, 28)  # knees and ankles
BODY = (11, 12, 13, 14, 23, 24, 25, 26)  # shoulders, elbows, hips, knees

PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
# Metres from each joint's parent: the skeleton that all of HumanML3D (Guo et al. 2022) has.
LENGTHS = (
    0.0, 0.1031, 0.1099, 0.1316, 0.3936, 0.3902, 0.1432, 0.4324, 0.4256, 0.0574, 0.1434,
    0.1494, 0.2194, 0.1375, 0.1434, 0.1030, 0.1316, 0.1230, 0.2568, 0.2631, 0.2660, 0.2699,
)  # fmt: skip
# The trunk: (joint, frame, direction in it: left, up, forward). Frames: "pelvis" by the hips, "chest" by the shoulders,
# "middle" by both.
TRUNK = (
    (1, "pelvis", (0.060, -0.084, 0.010)),
    (2, "pelvis", (-0.060, -0.084, 0.010)),
    (3, "pelvis", (0.0, 0.113, -0.045)),
    (6, "middle", (0.0, 0.1385, 0.035)),
    (9, "middle", (0.0, 0.050, 0.028)),
    (12, "chest", (0.0, 0.2185, -0.010)),
    (13, "chest", (0.071, 0.119, -0.015)),
    (14, "chest", (-0.071, 0.119, -0.015)),
    (16, "chest", (0.125, 0.007, 0.010)),
    (17, "chest", (-0.125, 0.007, 0.010)),
)
HEAD_IN_HEAD = (0.0, 0.08, 0.055)
# The limbs: (joint, landmark where the bone begins, landmark where it ends).
LIMBS = (
    (4, 23, 25), (5, 24, 26), (7, 25, 27), (8, 26, 28), (18, 11, 13), (19, 12, 14), (20, 13, 15), (21, 14, 16),
)  # fmt: skip
FEET = ((10, 27, 29, 31), (11, 28, 30, 32))  # joint, ankle, heel, toe


def lift_landmarks(world: np.ndarray) -> np.ndarray:
    """Landmarks -> joints.

    Args:
        world: `(num_frames, 33, 3)` metres, Y up, a person who faces the camera faces +Z (the network's y and z negated).

    Returns:
        `(num_frames, 22, 3)` metres, the middle of the hips at the origin.
    """
    world = np.asarray(world, dtype=np.float64)
    hips = world[:, LEFT_HIP] - world[:, RIGHT_HIP]
    shoulders = world[:, LEFT_SHOULDER] - world[:, RIGHT_SHOULDER]
    neck_base = (world[:, LEFT_SHOULDER] + world[:, RIGHT_SHOULDER]) / 2
    spine = neck_base - (world[:, LEFT_HIP] + world[:, RIGHT_HIP]) / 2
    frames = {"pelvis": body_frame(hips, spine), "chest": body_frame(shoulders, spine)}
    frames["middle"] = body_frame(frames["pelvis"][..., 0] + frames["chest"][..., 0], spine)

    joints = np.zeros((len(world), 22, 3))

    def place(joint: int, direction: np.ndarray) -> None:
        joints[:, joint] = joints[:, PARENTS[joint]] + LENGTHS[joint] * unit(direction)

    for joint, frame, direction in TRUNK:
        place(joint, frames[frame] @ np.array(direction))
    ears = (world[:, LEFT_EAR] + world[:, RIGHT_EAR]) / 2
    across = world[:, LEFT_EAR] - world[:, RIGHT_EAR]
    head = body_frame(across, np.cross(world[:, NOSE] - ears, across))
    place(15, unit(ears - neck_base) + unit(head @ np.array(HEAD_IN_HEAD)))
    for joint, start, end in LIMBS:
        place(joint, world[:, end] - world[:, start])
    for joint, ankle, heel, toe in FEET:
        place(joint, 0.75 * unit(world[:, toe] - world[:, ankle]) + 0.25 * unit(world[:, toe] - world[:, heel]))
    return joints - ((joints[:, 1] + joints[:, 2]) / 2)[:, None]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)


def body_frame(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Rotations `(num_frames, 3, 3)` with columns left, up, forward; `left` is kept, `up` made square to it."""
    left = unit(left)
    forward = unit(np.cross(left, up))
    return np.stack([left, np.cross(forward, left), forward], axis=-1)
