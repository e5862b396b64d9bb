"""Joints <-> motion features: the skeleton, the canonical frame, resampling, and the features that LLaMo reads.

Everything here is pure NumPy on arrays of joints `(num_frames, 22, 3)` in metres, right-handed, Y up. The skeleton is the
22-joint body of SMPL without its hands (Loper et al. 2015, https://smpl.is.tue.mpg.de), which HumanML3D, AMASS and most
published motion data share. Nothing is quantised: `features_to_joints(joints_to_features(x))` gives `x` back.
"""

import numpy as np


JOINT_NAMES = (
    "pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 left_foot right_foot "
    "neck left_collar right_collar head left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist"
).split()
PARENTS = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19]
NUM_JOINTS = len(JOINT_NAMES)

PELVIS, LEFT_HIP, RIGHT_HIP, LEFT_SHOULDER, RIGHT_SHOULDER = 0, 1, 2, 16, 17
# Heel-like and toe-like joints of each leg; their contacts are features, in this order.
CONTACT_JOINTS = [7, 10, 8, 11]  # left ankle, left foot, right ankle, right foot
CONTACT_SPEED = 0.6  # m/s, below which a foot may stand
CONTACT_HEIGHT = (0.13, 0.09, 0.13, 0.09)  # m above the floor for CONTACT_JOINTS

# Layout of one frame of features, `name -> slice`. Units: metres, metres per second, radians per second; contacts 0 or 1.
FEATURE_SLICES = {
    "root_height": slice(0, 1),  # pelvis above the floor
    "root_velocity": slice(1, 3),  # pelvis velocity to the own left and forwards (heading frame x, z)
    "root_turn": slice(3, 4),  # heading's angular velocity, left positive
    "root_path": slice(4, 6),  # signed log of the pelvis x and z in the canonical frame
    "root_heading": slice(6, 8),  # sine and cosine of the heading against the canonical +Z
    "positions": slice(8, 71),  # joints 1-21 against the pelvis, heading frame
    "velocities": slice(71, 137),  # joints 0-21 in the heading frame, the pelvis's own velocity included
    "contacts": slice(137, 141),
}
NUM_FEATURES = 141

HEADING_MIN_WIDTH = 0.08  # m; narrower hips and shoulders seen from above say nothing about the heading
FACING_SECONDS = 0.5  # the canonical facing is the median over this first span


def check_joints(joints: np.ndarray, where: str = "joints") -> np.ndarray:
    """Returns `joints` as float32 `(num_frames, 22, 3)`, or says what is wrong with them.

    Raises:
        ValueError: wrong shape, no frames, or values that are not finite.
    """
    joints = np.asarray(joints)
    if joints.ndim != 3 or joints.shape[1:] != (NUM_JOINTS, 3):
        raise ValueError(
            f"Expected joints of shape (num_frames, {NUM_JOINTS}, 3) in metres, got {joints.shape} in {where}. "
            "Pass the 22 joints in the order of JOINT_NAMES, or the path of a file so that a reader maps its skeleton."
        )
    if joints.dtype.kind not in "fiu":
        raise ValueError(f"Expected numbers, got dtype {joints.dtype} in {where}. Convert the array to float32.")
    if len(joints) == 0:
        raise ValueError(f"Expected at least one frame, got none in {where}. Check that the clip was not cut away.")
    joints = joints.astype(np.float32, copy=False)
    if not np.isfinite(joints).all():
        frame = int(np.argwhere(~np.isfinite(joints).all(axis=(1, 2)))[0, 0])
        raise ValueError(
            f"Expected finite coordinates, got NaN or infinity first in frame {frame} of {where}. "
            "Fill the gaps or cut those frames out."
        )
    return joints


def resample(joints: np.ndarray, source_fps: float, target_fps: float) -> np.ndarray:
    """Resamples over time so that frame `i` of the result shows the moment `i / target_fps`.

    Faster recordings are averaged over one target interval around each moment before sampling, so that jitter does not
    alias; slower ones are interpolated linearly.

    Args:
        joints: `(num_frames, num_joints, 3)`.
        source_fps: frames per second of `joints`.
        target_fps: frames per second wanted.

    Returns:
        `(floor((num_frames - 1) / source_fps * target_fps) + 1, num_joints, 3)` float32.

    Raises:
        ValueError: a rate that is not a positive finite number.
    """
    for name, rate in (("source_fps", source_fps), ("target_fps", target_fps)):
        if not (np.isfinite(rate) and rate > 0):
            raise ValueError(f"Expected a positive {name}, got {rate}. Pass the recording's frames per second.")
    num_frames = len(joints)
    if num_frames == 1 or abs(source_fps - target_fps) < 1e-6:
        return np.ascontiguousarray(joints, dtype=np.float32)
    last = (num_frames - 1) / source_fps
    # The small tolerance keeps the last frame where the rates divide exactly (59 frames at 29.97 fps, say).
    moments = np.arange(int(np.floor(last * target_fps + 1e-4)) + 1) / target_fps
    positions = np.minimum(moments * source_fps, num_frames - 1)
    flat = np.asarray(joints, dtype=np.float64).reshape(num_frames, -1)
    width = int(round(source_fps / target_fps))
    if width >= 3:
        half = width // 2
        padded = np.concatenate([np.repeat(flat[:1], half, 0), flat, np.repeat(flat[-1:], half, 0)])
        sums = np.cumsum(np.concatenate([np.zeros((1, flat.shape[1])), padded]), axis=0)
        flat = (sums[2 * half + 1 :] - sums[:num_frames]) / (2 * half + 1)
    below = np.minimum(positions.astype(np.int64), num_frames - 2)
    weight = (positions - below)[:, None]
    sampled = flat[below] * (1 - weight) + flat[below + 1] * weight
    return sampled.reshape(len(moments), *joints.shape[1:]).astype(np.float32)


def heading_angles(joints: np.ndarray) -> np.ndarray:
    """Yaw of the body in each frame, radians, continuous over time; 0 faces +Z, positive turns left (towards +X).

    Hips and shoulders give it. Frames in which both stand upright over each other (lying on a side, cartwheels) take it
    from their neighbours.

    Args:
        joints: `(num_frames, 22, 3)`.

    Returns:
        `(num_frames,)` float64.
    """
    joints = np.asarray(joints, dtype=np.float64)
    left = joints[:, LEFT_HIP] - joints[:, RIGHT_HIP] + joints[:, LEFT_SHOULDER] - joints[:, RIGHT_SHOULDER]
    # forward = left x up, and yaw = atan2(forward x, forward z)
    forward_x, forward_z = -left[:, 2], left[:, 0]
    known = np.hypot(forward_x, forward_z) > HEADING_MIN_WIDTH
    if not known.any():
        return np.zeros(len(joints))
    frames = np.arange(len(joints))
    return np.interp(frames, frames[known], np.unwrap(np.arctan2(forward_x[known], forward_z[known])))


def rotate_yaw(vectors: np.ndarray, angles) -> np.ndarray:
    """Turns vectors `(num_frames, ..., 3)` about +Y by `angles` (scalar or `(num_frames,)`, radians, left positive)."""
    angles = np.asarray(angles, dtype=np.float64)
    angles = angles.reshape(angles.shape + (1,) * (vectors.ndim - 1 - angles.ndim))
    sine, cosine = np.sin(angles), np.cos(angles)
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    return np.stack([cosine * x + sine * z, np.broadcast_to(y, x.shape), cosine * z - sine * x], axis=-1)


def canonicalise(joints: np.ndarray, fps: float) -> np.ndarray:
    """Puts a motion into the canonical frame: lowest point at height 0, first pelvis at x = z = 0, facing +Z at first.

    The facing is the median of the first half second, because single frames mislead when the motion comes from video.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        fps: frames per second.

    Returns:
        `(num_frames, 22, 3)` float32.
    """
    joints = np.asarray(joints, dtype=np.float64)
    first = heading_angles(joints)[: max(1, int(round(FACING_SECONDS * fps)))]
    moved = joints - joints[:1, :1] * [1.0, 0.0, 1.0]
    moved = rotate_yaw(moved, -np.median(first))
    # A single low outlier (a glitch of one foot) must not lift the whole person.
    moved[..., 1] -= np.percentile(moved[..., 1].min(axis=1), 2.0)
    return moved.astype(np.float32)


def joints_to_features(joints: np.ndarray, fps: float) -> np.ndarray:
    """Continuous features of a canonical motion, laid out as FEATURE_SLICES says.

    Args:
        joints: `(num_frames, 22, 3)` canonical joints in metres.
        fps: frames per second of `joints` (velocities are per second).

    Returns:
        `(num_frames, 141)` float32.
    """
    joints = np.asarray(joints, dtype=np.float64)
    yaw = heading_angles(joints)
    pelvis = joints[:, PELVIS]
    if len(joints) > 1:
        velocity = np.gradient(joints, 1.0 / fps, axis=0)
        turn = np.gradient(yaw, 1.0 / fps)
    else:
        velocity, turn = np.zeros_like(joints), np.zeros_like(yaw)
    local_positions = rotate_yaw(joints[:, 1:] - pelvis[:, None], -yaw)
    local_velocities = rotate_yaw(velocity, -yaw)
    path = pelvis[:, [0, 2]]
    features = np.empty((len(joints), NUM_FEATURES))
    features[:, FEATURE_SLICES["root_height"]] = pelvis[:, 1:2]
    features[:, FEATURE_SLICES["root_velocity"]] = local_velocities[:, PELVIS][:, [0, 2]]
    features[:, FEATURE_SLICES["root_turn"]] = turn[:, None]
    features[:, FEATURE_SLICES["root_path"]] = np.sign(path) * np.log1p(np.abs(path))
    features[:, FEATURE_SLICES["root_heading"]] = np.stack([np.sin(yaw), np.cos(yaw)], axis=1)
    features[:, FEATURE_SLICES["positions"]] = local_positions.reshape(len(joints), -1)
    features[:, FEATURE_SLICES["velocities"]] = local_velocities.reshape(len(joints), -1)
    features[:, FEATURE_SLICES["contacts"]] = foot_contacts(joints, velocity)
    return features.astype(np.float32)


def foot_contacts(joints: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Which of CONTACT_JOINTS stand on the floor: slow and low. Both arguments `(num_frames, 22, 3)`; 0 or 1 each."""
    slow = np.linalg.norm(velocity[:, CONTACT_JOINTS], axis=-1) < CONTACT_SPEED
    return (slow & (joints[:, CONTACT_JOINTS, 1] < CONTACT_HEIGHT)).astype(np.float64)


def features_to_joints(features: np.ndarray) -> np.ndarray:
    """Inverse of `joints_to_features`: `(num_frames, 141)` -> canonical joints `(num_frames, 22, 3)` float32, metres."""
    features = np.asarray(features, dtype=np.float64)
    sine, cosine = features[:, FEATURE_SLICES["root_heading"]].T
    path = features[:, FEATURE_SLICES["root_path"]]
    path = np.sign(path) * np.expm1(np.abs(path))
    pelvis = np.stack([path[:, 0], features[:, 0], path[:, 1]], axis=1)
    local = features[:, FEATURE_SLICES["positions"]].reshape(len(features), NUM_JOINTS - 1, 3)
    others = rotate_yaw(local, np.arctan2(sine, cosine)) + pelvis[:, None]
    return np.concatenate([pelvis[:, None], others], axis=1).astype(np.float32)
