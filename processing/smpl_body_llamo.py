# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""A mean body in SMPL's rest pose, and SMPL's way of posing it: no body file of SMPL is needed for a skeleton.

Source of the table: bone lengths are those of the "smpl" template of the procedural bodies (train/synthesis/body.py,
symmetric, rounded to 5 mm); their directions are SMPL's rest pose as its papers draw it (Loper et al. 2015): a T-pose, the
legs about 6 degrees apart, shins and arms a little backwards. People differ from it by their `betas`; angles do not.
"""

import numpy as np


PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
# Offsets from the parent in the rest pose, metres, X to the person's left, Y up, Z ahead; right sides mirror left ones.
_MIDDLE = {
    3: (0.0, 0.115, -0.030),
    6: (0.0, 0.135, 0.015),
    9: (0.0, 0.055, 0.010),
    12: (0.0, 0.210, -0.035),
    15: (0.0, 0.090, 0.050),
}
_LEFT = {
    1: (0.060, -0.085, -0.015),
    4: (0.045, -0.380, 0.000),
    7: (-0.015, -0.425, -0.035),
    10: (0.040, -0.060, 0.125),
    13: (0.075, 0.115, -0.020),
    16: (0.115, 0.045, -0.015),
    18: (0.260, -0.015, -0.025),
    20: (0.260, 0.010, -0.005),
}
# The pelvis in the rest pose: SMPL's origin is near the breast bone, and `trans` moves the origin.
PELVIS = (0.0, -0.225, 0.030)
CHUNK_FRAMES = 4096


def rest_offsets() -> np.ndarray:
    """`(22, 3)` metres; row 0 is the pelvis from SMPL's origin."""
    offsets = np.zeros((22, 3))
    offsets[0] = PELVIS
    for joint, offset in (_MIDDLE | _LEFT).items():
        offsets[joint] = offset
    for joint, (x, y, z) in _LEFT.items():
        offsets[joint + 1] = (-x, y, z)
    return offsets


def pose_body(rotations: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """SMPL's forward kinematics on the mean body.

    Args:
        rotations (`np.ndarray` of shape `(num_frames, 22, 3)` or `(num_frames, 22, 3, 3)`): of each joint relative to its
            parent, as axis times angle in radians, or as matrices.
        translation (`np.ndarray` of shape `(num_frames, 3)`): SMPL's `trans`, metres.

    Returns:
        `(num_frames, 22, 3)` metres, in the axes of `translation`.
    """
    offsets = rest_offsets()
    joints = np.empty((len(rotations), 22, 3))
    for start in range(0, len(rotations), CHUNK_FRAMES):
        piece = slice(start, start + CHUNK_FRAMES)
        local = rotations[piece]
        if local.ndim == 3:
            local = axis_angle_matrices(local)
        turned = np.empty((*local.shape[:2], 3, 3))
        joints[piece, 0], turned[:, 0] = offsets[0] + translation[piece], local[:, 0]
        for joint, parent in enumerate(PARENTS[1:], 1):
            joints[piece, joint] = joints[piece, parent] + turned[:, parent] @ offsets[joint]
            turned[:, joint] = turned[:, parent] @ local[:, joint]
    return joints


def axis_angle_matrices(rotations: np.ndarray) -> np.ndarray:
    """`(..., 3)` axis times angle in radians to matrices `(..., 3, 3)` (Rodrigues)."""
    angle = np.linalg.norm(rotations, axis=-1, keepdims=True)
    x, y, z = np.moveaxis(rotations / np.maximum(angle, 1e-12), -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    angle = angle[..., None]
    return np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * (cross @ cross)
