# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Rotations as quaternions (x, y, z, w), as matrices and as Euler angles; whole arrays at once, pure NumPy."""

import numpy as np


def unit_quaternions(q: np.ndarray) -> np.ndarray:
    """Quaternions `(..., 4)` of length 1; those without a length become no rotation."""
    length = np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(length > 1e-9, q / np.maximum(length, 1e-9), np.array([0.0, 0.0, 0.0, 1.0]))


def slerp(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Spherical interpolation the short way between quaternions `(n, 4)`; `t` `(n, 1)` from 0 to 1."""
    a, b = unit_quaternions(a), unit_quaternions(b)
    dot = (a * b).sum(-1, keepdims=True)
    b = np.where(dot < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    sine = np.sin(angle)
    # Where both are nearly the same, the straight line is the arc.
    near = sine < 1e-6
    sine = np.where(near, 1.0, sine)
    return np.where(near, (1 - t) * a + t * b, (np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / sine)


def quaternion_matrices(q: np.ndarray) -> np.ndarray:
    """Unit quaternions `(..., 4)` to matrices `(..., 3, 3)`."""
    x, y, z, w = np.moveaxis(q, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_quaternions(matrices: np.ndarray) -> np.ndarray:
    """Rotation matrices `(..., 3, 3)` to unit quaternions `(..., 4)`, by the largest component of each."""
    m = np.moveaxis(np.asarray(matrices, dtype=np.float64), (-2, -1), (0, 1))
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    # 4 times the quaternion's outer product with itself: any row of it is the quaternion, times one component.
    xy, xz, yz = m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1]
    xw, yw, zw = m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]
    x, y, z = (1 + 2 * m[k, k] - trace for k in range(3))
    w = 1 + trace
    outer = np.stack([np.stack(row, -1) for row in ((x, xy, xz, xw), (xy, y, yz, yw), (xz, yz, z, zw), (xw, yw, zw, w))], -2)
    largest = np.stack([x, y, z, w], -1).argmax(-1)
    return unit_quaternions(np.take_along_axis(outer, largest[..., None, None], axis=-2)[..., 0, :])


def shortest_rotations(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Matrices `(n, 3, 3)` of the smallest turn from the direction `start` `(3,)` to each of `end` `(n, 3)`.

    Against each other, they turn about an axis square to `start`; vectors without a length turn nothing.
    """
    if not np.linalg.norm(start) > 1e-12:
        return np.broadcast_to(np.eye(3), (len(end), 3, 3)).copy()
    lengths = np.linalg.norm(end, axis=-1, keepdims=True)
    u = start / np.linalg.norm(start)
    v = np.where(lengths > 1e-12, end / np.maximum(lengths, 1e-12), u)
    w = 1.0 + v @ u
    q = np.concatenate([np.cross(np.broadcast_to(u, v.shape), v), w[:, None]], axis=-1)
    square = np.cross(u, np.eye(3)[int(np.abs(u).argmin())])
    q[w < 1e-10] = np.append(square / np.linalg.norm(square), 0.0)
    return quaternion_matrices(unit_quaternions(q))


def best_rotations(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Matrices `(n, 3, 3)` that turn vectors `start` `(k, 3)` best onto each set of `end` `(n, k, 3)`, by least squares.

    Kabsch 1976 (doi:10.1107/S0567739476001873): the nearest rotation of the sum of outer products.
    """
    left, _, right = np.linalg.svd(np.einsum("nki,kj->nij", end, start))
    sign = np.where(np.linalg.det(left @ right) < 0, -1.0, 1.0)
    left[..., :, 2] *= sign[..., None]
    return left @ right


def zxy_degrees(matrices: np.ndarray) -> np.ndarray:
    """Matrices `(num_frames, ..., 3, 3)` as Rz Rx Ry to degrees `(num_frames, ..., 3)` about Z, X and Y.

    Angles go on over whole turns from frame to frame.
    Where X is a right angle, Z and Y turn about the same axis, and Y is taken as 0.
    """
    m = np.moveaxis(np.asarray(matrices, dtype=np.float64), (-2, -1), (0, 1))
    locked = np.abs(m[2, 1]) > 1 - 1e-12
    about_x = np.arcsin(np.clip(m[2, 1], -1.0, 1.0))
    about_z = np.where(locked, np.arctan2(m[1, 0], m[0, 0]), np.arctan2(-m[0, 1], m[1, 1]))
    about_y = np.where(locked, 0.0, np.arctan2(-m[2, 0], m[2, 2]))
    turns = [np.unwrap(about_z, axis=0), about_x, np.unwrap(about_y, axis=0)]
    return np.degrees(np.stack(turns, axis=-1))
