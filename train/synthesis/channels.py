"""The control vector of one frame: 49 numbers that the solver (kinematics.py) turns into 22 joints.

A motion is an array (T, 49). Positions are metres and angles radians in the frame of the segment (Y up, the person
starts at the origin facing +Z, left = +X). Arm bones are unit directions, so that no joint has a singular pose.

Signs: yaw > 0 turns left, pitch > 0 leans forward, roll > 0 leans to the right, foot pitch > 0 points the toes down.
"""

import numpy as np


PELVIS = slice(0, 3)  # x, y, z of the pelvis, metres
YAW, PITCH, ROLL = 3, 4, 5  # of the pelvis
SPINE = slice(6, 9)  # pitch, roll, twist, shared out over spine1..spine3
HEAD = slice(9, 12)  # pitch, roll, yaw relative to the chest
CLAV = slice(12, 16)  # left shrug, left protraction, right shrug, right protraction
ARM = slice(16, 28)  # left upper, left fore, right upper, right fore: unit directions
FOOT_L, FOOT_R = slice(28, 33), slice(33, 38)  # ball of the foot x, y, z, foot pitch, foot yaw
KNEE = slice(38, 40)  # outward turn of the left and right knee
HAND_L, HAND_R = slice(40, 44), slice(44, 48)  # wrist target x, y, z and its weight 0..1
ARM_FRAME = 48  # 0: arm directions follow the heading (hang down in a bow), 1: they follow the chest
SIZE = 49
# Takes on the floor and in the air carry ready joints (free_body.py): 22 x 3 more columns and their weight 0..1.
FREE, FREE_WEIGHT = slice(49, 115), 115
WIDE = 116

_SWAP = np.arange(SIZE)
for _a, _b in (
    (slice(12, 14), slice(14, 16)),
    (slice(16, 22), slice(22, 28)),
    (FOOT_L, FOOT_R),
    (HAND_L, HAND_R),
    (slice(38, 39), slice(39, 40)),
):
    _SWAP[_a], _SWAP[_b] = np.arange(SIZE)[_b], np.arange(SIZE)[_a]
_SIGN = np.ones(SIZE)
_SIGN[[0, YAW, ROLL, 7, 8, 10, 11, 16, 19, 22, 25, 28, 32, 33, 37, 40, 44]] = -1.0


_JOINT_SWAP = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20])


def mirror(controls: np.ndarray) -> np.ndarray:
    """Swap left and right. Args and returns: (..., 49), or (..., 116) with ready joints."""
    out = controls[..., _SWAP] * _SIGN
    if controls.shape[-1] == SIZE:
        return out
    free = controls[..., FREE].reshape(*controls.shape[:-1], 22, 3)[..., _JOINT_SWAP, :] * (-1.0, 1.0, 1.0)
    return np.concatenate([out, free.reshape(*controls.shape[:-1], 66), controls[..., FREE_WEIGHT:]], axis=-1)


def widen(controls: np.ndarray) -> np.ndarray:
    """Give controls (T, 49) the columns of ready joints, unused; (T, 116) are returned as they are."""
    return controls if controls.shape[-1] == WIDE else np.pad(controls, ((0, 0), (0, WIDE - SIZE)))


def place(controls: np.ndarray, x: float, z: float, yaw: float) -> np.ndarray:
    """Turn a segment (T, 49) by `yaw` about the vertical through its origin, then move it to (x, z)."""
    out = controls.copy()
    c, s = np.cos(yaw), np.sin(yaw)
    starts = (0, 28, 33, 40, 44) if controls.shape[-1] == SIZE else (0, 28, 33, 40, 44, *range(49, 115, 3))
    for i in starts:
        px, pz = controls[:, i], controls[:, i + 2]
        out[:, i] = c * px + s * pz + x
        out[:, i + 2] = -s * px + c * pz + z
    out[:, YAW] += yaw
    out[:, 32] += yaw
    out[:, 37] += yaw
    return out


def direction(azimuth, elevation, side: int) -> np.ndarray:
    """Unit direction of an arm bone. Args in degrees, scalars or (T,).

    Args:
        azimuth: 0 forward, 90 out to the arm's own side, 180 backward, negative across the body.
        elevation: 0 hanging down, 90 horizontal, 180 straight up.
        side: +1 for the left arm, -1 for the right.
    """
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.stack(np.broadcast_arrays(side * np.sin(e) * np.sin(a), -np.cos(e), np.sin(e) * np.cos(a)), axis=-1)
