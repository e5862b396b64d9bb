# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""HumanML3D's 263 features of 22 joints, and back: written anew from the published definition, in whole-array steps.

Definition: Guo et al. 2022, "Generating Diverse and Natural 3D Human Motions from Text", and the processing that its authors
published with HumanML3D (github.com/EricGuo5513/HumanML3D, MIT). One row per frame but the last, at 20 frames per second:

| columns   | what                                                                                                |
|-----------|-----------------------------------------------------------------------------------------------------|
| 0         | root turn about +Y to the next frame: sine's arc of *half* the angle, radians                        |
| 1-2       | root velocity x, z to the next frame, in that frame's heading, metres per frame                      |
| 3         | root height above the floor, metres                                                                 |
| 4-66      | joints 1-21 in the heading frame: x and z against the root, y against the floor, metres              |
| 67-192    | rotations of joints 1-21: first two columns of each matrix, bone by bone along the kinematic chains  |
| 193-258   | velocities of joints 0-21 in the heading frame, metres per frame                                     |
| 259-262   | contacts of left ankle, left foot, right ankle, right foot: squared step below 0.002 m^2             |

The heading is kept as published, with the two hips exchanged in the per-frame heading (issues 112 and 131 there): all data
sets and models in this representation have it so. Intended differences, none of which changes a value that is finite there:
places and headings are kept in float64 (float32 there), and a bone that points exactly against its axis, or a body that faces
exactly backwards, gives a rotation instead of NaN.

The inverse goes beyond the published one: where the heading passes straight backwards, the published turn changes its sign
for one frame; `humanml_to_joints` sees that in the positions and turns the right way.
"""

from itertools import pairwise

import numpy as np


HUMANML_FPS = 20.0
NUM_HUMANML_FEATURES = 263
NUM_JOINTS = 22
PARENTS = np.array([-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19])
# Kinematic chains; the arms' chains begin at the chest (9) but their rotations count from the root.
CHAINS = ((0, 2, 5, 8, 11), (0, 1, 4, 7, 10), (0, 3, 6, 9, 12, 15), (9, 14, 17, 19, 21), (9, 13, 16, 18, 20))
# Direction of the bone that ends in each joint, when its rotation is none.
AXES = np.array(
    [
        (0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, -1, 0), (0, 1, 0), (0, -1, 0), (0, -1, 0), (0, 1, 0),
        (0, 0, 1), (0, 0, 1), (0, 1, 0), (1, 0, 0), (-1, 0, 0), (0, 0, 1), (0, -1, 0), (0, -1, 0), (0, -1, 0), (0, -1, 0),
        (0, -1, 0), (0, -1, 0),
    ],
    dtype=np.float64,
)  # fmt: skip
CONTACT_JOINTS = [7, 10, 8, 11]
CONTACT_SQUARED_STEP = 0.002  # m^2: 4.5 cm from one frame to the next
SMOOTHING = 20  # frames, standard deviation of the Gaussian over the heading; cut off at four of them
# Bone lengths in metres of the one skeleton that HumanML3D carries every motion to (that of its clip 000021), by the joint
# they end in; measured on the sample that HumanML3D publishes for checking (012314, constant over its frames).
UNIFORM_LENGTHS = np.array(
    [
        0.0, 0.1031, 0.1099, 0.1316, 0.3936, 0.3902, 0.1432, 0.4324, 0.4256, 0.0574, 0.1434, 0.1494, 0.2194, 0.1375, 0.1434,
        0.1030, 0.1316, 0.1230, 0.2568, 0.2631, 0.2660, 0.2699,
    ]
)  # fmt: skip

LEFT_HIP, RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE, LEFT_SHOULDER, RIGHT_SHOULDER = 1, 2, 5, 8, 16, 17
# Joints that are equally far from the root along the tree, so that one call places them all.
DEPTHS = ((1, 4), (4, 7), (7, 10), (10, 15), (15, 18), (18, 20), (20, 22))
# What each joint's rotation counts from: the bone before it in its chain; 0, the heading, at the start of a chain.
BEFORE = np.zeros(NUM_JOINTS, dtype=np.int64)
for _chain in CHAINS:
    for _before, _joint in pairwise(_chain[1:]):
        BEFORE[_joint] = _before
# Columns of AXES as the arithmetic of `_rotations` wants them, and the Gaussian's weights.
UX, UY, UZ = AXES[1:].astype(np.float32).T[..., None]
TAPS = np.exp(-0.5 * (np.arange(-4 * SMOOTHING, 4 * SMOOTHING + 1) / SMOOTHING) ** 2)
TAPS /= TAPS.sum()
# Long motions are done in pieces, so that the scratch arrays stay in the processor's cache.
PIECE = 512
TINY = 1e-12


def joints_to_humanml(joints: np.ndarray, *, retarget: bool = False) -> np.ndarray:
    """22 joints to HumanML3D's features.

    Args:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): metres, Y up, right-handed, at 20 frames per second; floor,
            place and heading are arbitrary.
        retarget (`bool`): first carry the motion to HumanML3D's one skeleton (`to_uniform_skeleton`), as the data set
            does. Without it the person's own bone lengths stay.

    Returns:
        `(num_frames - 1, 263)` float32, not normalised.

    Raises:
        ValueError: another shape, fewer than two frames, or values that are not finite.
    """
    places = _checked(joints).transpose(2, 1, 0)  # (3, 22, num_frames): one joint's numbers lie side by side
    places = np.ascontiguousarray(places)
    if retarget:
        places = _uniform(places)
    x, y, z = places
    floor = y.min()
    face_x, face_z = _first_facing(places)
    heading_x, heading_z = _headings(places)

    # Half angles of the heading against the first facing, as unit quaternions (cosine, 0, sine, 0).
    along = face_z * heading_z + face_x * heading_x
    aside = face_z * heading_x - face_x * heading_z
    cosine = np.sqrt(np.maximum(0.5 + 0.5 * along, 0.0))
    sine = np.where(cosine > TINY, -aside / np.maximum(2 * cosine, TINY), 1.0)
    num_rows = places.shape[2] - 1
    out = np.empty((NUM_HUMANML_FEATURES, num_rows), dtype=np.float32)
    turned = sine[1:] * cosine[:-1] - cosine[1:] * sine[:-1]
    out[0] = np.arcsin(np.clip(turned, -1.0, 1.0))
    step_x, step_z = np.diff(x[0]), np.diff(z[0])
    out[1] = heading_z[1:] * step_x - heading_x[1:] * step_z
    out[2] = heading_x[1:] * step_x + heading_z[1:] * step_z
    out[3] = y[0, :-1] - floor

    for start in range(0, num_rows, PIECE):
        stop = min(start + PIECE, num_rows)
        rows = out[:, start:stop]
        now, then = places[..., start:stop], places[..., start + 1 : stop + 1]
        steps = np.subtract(then, now, dtype=np.float64, out=np.empty(now.shape, np.float32), casting="same_kind")
        # Against the root of each frame, so that float32 is exact to a ten-thousandth of a millimetre.
        posed = np.subtract(now, now[:, :1], out=np.empty(now.shape, np.float32), casting="same_kind")
        ahead_x, ahead_z, half_x, half_z = (v[start:stop].astype(np.float32) for v in (heading_x, heading_z, sine, cosine))
        _turn_into(rows[4:67].reshape(NUM_JOINTS - 1, 3, -1), posed[:, 1:], ahead_x, ahead_z)
        rows[5:67:3] += rows[3]
        _turn_into(rows[193:259].reshape(NUM_JOINTS, 3, -1), steps, ahead_x, ahead_z)
        _rotations(rows[67:193].reshape(NUM_JOINTS - 1, 6, -1), posed, face_x, face_z, half_z, half_x)
        step = steps[:, CONTACT_JOINTS]
        rows[259:263] = (step * step).sum(0) < CONTACT_SQUARED_STEP
    return np.ascontiguousarray(out.T)


def humanml_to_joints(features: np.ndarray, num_joints: int = NUM_JOINTS) -> np.ndarray:
    """Inverse of `joints_to_humanml` by the rotation-invariant positions; KIT's 251 features with `num_joints=21`.

    Args:
        features (`np.ndarray` of shape `(num_rows, 12 * num_joints - 1)`): not normalised; one row per frame.

    Returns:
        `(num_rows, num_joints, 3)` float64, in the data's unit: Y up, the floor at 0, the first root at x = z = 0 and the
        first smoothed heading along +Z (`humanml_frame` puts joints there).
    """
    features = np.asarray(features, dtype=np.float64)
    local = features[:, 4 : 1 + 3 * num_joints].reshape(len(features), num_joints - 1, 3)
    turns = _unflip(features[:, 0], features[:, 1:3], local, features[:, -4 - 3 * num_joints : -4])
    half = np.concatenate([[0.0], np.cumsum(turns[:-1])])
    cosine, sine = np.cos(2 * half), np.sin(2 * half)
    joints = np.empty((len(features), num_joints, 3))
    # The velocity to frame t + 1 is given in the heading of frame t + 1.
    ahead_x, ahead_z = features[:-1, 1], features[:-1, 2]
    joints[0, 0] = 0.0
    joints[1:, 0, 0] = np.cumsum(cosine[1:] * ahead_x - sine[1:] * ahead_z)
    joints[1:, 0, 2] = np.cumsum(sine[1:] * ahead_x + cosine[1:] * ahead_z)
    joints[:, 0, 1] = features[:, 3]
    cosine, sine = cosine[:, None], sine[:, None]
    joints[:, 1:, 0] = cosine * local[..., 0] - sine * local[..., 2] + joints[:, :1, 0]
    joints[:, 1:, 1] = local[..., 1]
    joints[:, 1:, 2] = sine * local[..., 0] + cosine * local[..., 2] + joints[:, :1, 2]
    return joints


def humanml_frame(joints: np.ndarray) -> np.ndarray:
    """Joints `(num_frames, 22, 3)` moved to where `humanml_to_joints(joints_to_humanml(joints))` has them; nothing bends.

    The floor (lowest joint of all frames) at 0, the first root at x = z = 0, and the first *smoothed* heading along +Z.
    """
    joints = _checked(joints)
    heading_x, heading_z = (h[0] for h in _headings(np.ascontiguousarray(joints.transpose(2, 1, 0))))
    moved = joints - [joints[0, 0, 0], joints[..., 1].min(), joints[0, 0, 2]]
    x, z = moved[..., 0].copy(), moved[..., 2].copy()
    moved[..., 0], moved[..., 2] = heading_z * x - heading_x * z, heading_x * x + heading_z * z
    return moved


def to_uniform_skeleton(joints: np.ndarray) -> np.ndarray:
    """Carries a motion to HumanML3D's one skeleton: bone directions stay, bone lengths become UNIFORM_LENGTHS.

    The root's path is scaled by the ratio of the right leg's lengths in the first frame, as published. Joints in and out
    are `(num_frames, 22, 3)`.
    """
    return np.ascontiguousarray(_uniform(np.ascontiguousarray(_checked(joints).transpose(2, 1, 0))).transpose(2, 1, 0))


def _checked(joints: np.ndarray) -> np.ndarray:
    joints = np.asarray(joints)
    if joints.ndim != 3 or joints.shape[1:] != (NUM_JOINTS, 3) or joints.dtype.kind not in "fiu":
        raise ValueError(
            f"Expected joints of shape (num_frames, 22, 3), got {joints.dtype} {joints.shape} for HumanML3D features. "
            "Read the motion with read_motion first, which maps its skeleton."
        )
    if len(joints) < 2:
        raise ValueError(
            f"Expected at least 2 frames, got {len(joints)} for HumanML3D features. They hold steps from frame to frame."
        )
    joints = joints.astype(np.float64)
    if not np.isfinite(joints).all():
        raise ValueError("Expected finite coordinates, got NaN or infinity for HumanML3D features. Fill or cut those frames.")
    return joints


def _uniform(places: np.ndarray) -> np.ndarray:
    """`to_uniform_skeleton` on `(3, 22, num_frames)`."""
    bones = places[:, 1:] - places[:, PARENTS[1:]]
    lengths = np.sqrt(np.einsum("kjt,kjt->jt", bones, bones))
    leg = lengths[RIGHT_KNEE - 1, 0] + lengths[RIGHT_ANKLE - 1, 0]
    scale = (UNIFORM_LENGTHS[RIGHT_KNEE] + UNIFORM_LENGTHS[RIGHT_ANKLE]) / max(leg, TINY)
    bones *= UNIFORM_LENGTHS[1:, None] / np.maximum(lengths, TINY)
    out = np.empty_like(places)
    out[:, 0] = places[:, 0] * scale
    for a, b in DEPTHS:
        np.add(out[:, PARENTS[a:b]], bones[:, a - 1 : b - 1], out=out[:, a:b])
    return out


def _first_facing(places: np.ndarray) -> tuple[float, float]:
    """Where the body faces in the first frame, `(x, z)` of length 1, by hips and shoulders."""
    across = places[:, RIGHT_HIP, 0] - places[:, LEFT_HIP, 0] + places[:, RIGHT_SHOULDER, 0] - places[:, LEFT_SHOULDER, 0]
    length = np.hypot(across[0], across[2])
    return (across[2] / length, -across[0] / length) if length > TINY else (0.0, 1.0)


def _headings(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smoothed heading in each frame, `(x, z)` of length 1; hips exchanged, as published."""
    across = places[:, LEFT_HIP] - places[:, RIGHT_HIP] + places[:, RIGHT_SHOULDER] - places[:, LEFT_SHOULDER]
    across /= np.maximum(np.sqrt((across * across).sum(0)), TINY)
    ahead_x, ahead_z = _smooth(across[2]), _smooth(-across[0])
    length = np.hypot(ahead_x, ahead_z)
    lost = length < TINY  # hips and shoulders stand over each other for seconds
    if lost.any():
        ahead_x[lost], ahead_z[lost], length[lost] = 0.0, 1.0, 1.0
    return ahead_x / length, ahead_z / length


def _smooth(values: np.ndarray) -> np.ndarray:
    """A Gaussian over time; the first and the last value hold outside."""
    held = np.empty(len(values) + len(TAPS) - 1)
    held[: 4 * SMOOTHING], held[4 * SMOOTHING : -4 * SMOOTHING], held[-4 * SMOOTHING :] = values[0], values, values[-1]
    return np.convolve(held, TAPS, "valid")


def _turn_into(out: np.ndarray, vectors: np.ndarray, ahead_x: np.ndarray, ahead_z: np.ndarray) -> None:
    """Writes vectors `(3, joints, frames)`, turned so that the heading is +Z, into `out` `(joints, 3, frames)`."""
    x, y, z = vectors
    np.subtract(x * ahead_z, z * ahead_x, out=out[:, 0])
    out[:, 1] = y
    np.add(x * ahead_x, z * ahead_z, out=out[:, 2])


def _rotations(out: np.ndarray, posed: np.ndarray, face_x: float, face_z: float, cosine: np.ndarray, sine: np.ndarray) -> None:
    """Two columns of each bone's rotation against the bone before it, into `out` `(21, 6, frames)`; all float32.

    A bone's world rotation is the shortest one from its axis to its direction; the local one is what the bone before it
    (or the heading, half of whose angle has this cosine and sine) has to be turned by.
    """
    bones = posed[:, 1:] - posed[:, PARENTS[1:]]
    x, dy, z = bones
    face_x, face_z = np.float32(face_x), np.float32(face_z)
    dx, dz = face_z * x - face_x * z, face_x * x + face_z * z
    length = np.sqrt(x * x + dy * dy + z * z)
    np.maximum(length, TINY, out=length)
    # (|v| + u.v, u x v), normalised, is the quaternion of the shortest rotation from the unit vector u to v.
    world = np.empty((4, NUM_JOINTS, posed.shape[2]), np.float32)
    world[:, 0] = 0.0
    # All are scaled by the fourth root of 2, so that products have the root of 2 that the matrix needs squared.
    size = np.float32(2**0.25)
    world[0, 0], world[2, 0] = size * cosine, size * sine
    bone = world[:, 1:]
    w = np.add(UX * dx + UY * dy + UZ * dz, length, out=bone[0])
    np.subtract(UY * dz, UZ * dy, out=bone[1])
    np.subtract(UZ * dx, UX * dz, out=bone[2])
    np.subtract(UX * dy, UY * dx, out=bone[3])
    squares = w * w + bone[1] * bone[1] + bone[2] * bone[2] + bone[3] * bone[3]
    against = squares < 1e-13 * length * length
    if against.any():
        # Exactly against the axis (or no bone at all): half a turn about z, or about x for bones along z.
        along_z = np.broadcast_to(UZ != 0, against.shape)
        bone[:, against] = 0.0
        bone[1, against & along_z] = bone[3, against & ~along_z] = 1.0
        squares[against] = 1.0
    bone *= size / np.sqrt(squares)
    gw, gx, gy, gz = bone
    pw, px, py, pz = world[:, BEFORE[1:]]
    # Conjugate of the quaternion before times this one.
    qw = pw * gw + px * gx + py * gy + pz * gz
    qx = pw * gx - px * gw - py * gz + pz * gy
    qy = pw * gy + px * gz - py * gw - pz * gx
    qz = pw * gz - px * gy + py * gx - pz * gw
    xy, zw, xz, yw, yz, xw = qx * qy, qz * qw, qx * qz, qy * qw, qy * qz, qx * qw
    one = 1.0 - qz * qz
    np.subtract(one, qy * qy, out=out[:, 0])
    np.add(xy, zw, out=out[:, 1])
    np.subtract(xz, yw, out=out[:, 2])
    np.subtract(xy, zw, out=out[:, 3])
    np.subtract(one, qx * qx, out=out[:, 4])
    np.add(yz, xw, out=out[:, 5])


def _unflip(turns: np.ndarray, root_steps: np.ndarray, local: np.ndarray, velocities: np.ndarray) -> np.ndarray:
    """Root turns with the right sign where the published quaternion jumped (the heading passed straight backwards).

    A joint's place and velocity in one heading frame, and its place in the next, tell the turn between both. Only a sign
    that is clearly wrong is changed, and only near the backward heading, so that features made by a model stay as they are.
    """
    if len(turns) < 2:
        return turns
    steps = velocities.reshape(len(turns), -1, 3)[:-1]
    before = local[:-1][..., [0, 2]] + (steps[:, 1:] - steps[:, :1])[..., [0, 2]]  # next places in this heading
    after = local[1:][..., [0, 2]]
    # Least squares: the angle by which `before` must turn about +Y to become `after`.
    dot = (before * after).sum((1, 2))
    cross = (before[..., 1] * after[..., 0] - before[..., 0] * after[..., 1]).sum(1)
    seen = 0.5 * np.arctan2(cross, dot)
    told = turns[:-1]
    # Half angles: straight backwards is a right angle. The first smoothed heading is not known, hence the margin.
    backwards = np.abs(np.mod(np.cumsum(seen), np.pi) - np.pi / 2) < 0.6
    wrong = backwards & (np.abs(seen + told) < 0.25 * np.abs(told)) & (np.abs(told) > 1e-4)
    return np.concatenate([np.where(wrong, -told, told), turns[-1:]])
