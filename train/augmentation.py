"""What differs between recordings of the same motion: bodies, rigs and sensors. All arrays are joints in metres at 20 fps."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter, savgol_filter

from llamo.processing.motion_features_llamo import heading_angles, rotate_yaw
from llamo.train.estimator_noise import as_estimated


FPS = 20.0
SHORTEST_VIDEO = 12  # frames that the estimator smooths over
TORSO_JOINTS, FEET = (3, 6, 9, 12, 13, 14, 15), (10, 11)


def change_body(joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another size, other proportions, joints placed elsewhere in the same body. `(num_frames, 22, 3)` both."""
    joints = joints * rng.uniform(0.86, 1.14)
    for root, chain in ((16, (18, 20)), (17, (19, 21))):
        stretch = 1 + rng.normal(0, 0.05)
        joints[:, chain] = joints[:, [root]] + (joints[:, chain] - joints[:, [root]]) * stretch
    yaw = heading_angles(joints)
    # Rigs place spine, neck, collars and head centimetres apart from each other; limbs far less.
    shift = np.zeros((1, 22, 3))
    shift[0, TORSO_JOINTS] = rng.normal(0, 0.022, (len(TORSO_JOINTS), 3)) * [0.5, 1, 1]
    shift[0, 16:18, 1] = rng.normal(0, 0.015)
    width = rng.normal(0, 0.01)
    shift[0, 1:3, 0] = [width, -width]
    for foot in FEET:
        shift[0, foot] = rng.normal(0, 0.015, 3) * [0.5, 0.7, 1]
    return joints + rotate_yaw(np.repeat(shift, len(joints), 0), yaw)


def slow_noise(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Unit-variance noise of each coordinate with a correlation time of 0.1 to 0.5 s, `(num_frames, 22, 3)`."""
    keep = np.exp(-1 / (FPS * rng.uniform(0.1, 0.5)))
    fresh = rng.normal(0, np.sqrt(1 - keep**2), (frames, 22, 3))
    fresh[0] /= np.sqrt(1 - keep**2)
    return lfilter([1.0], [1.0, -keep], fresh, axis=0)


def change_sensor(joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same motion as another system would have recorded it: optical capture, cheap capture, or estimated from video.

    What is asked about (actions, sides, directions, counts) stays. Floor, lean and distances may be off as they are in such
    recordings. `(num_frames, 22, 3)` both.
    """
    joints = np.array(joints, dtype=np.float64)
    draw = rng.random()
    if draw < 0.3:  # optical motion capture
        return joints + rng.normal(0, rng.uniform(0.0005, 0.004), joints.shape)
    if draw < 0.45:  # nothing but what the recording itself holds
        return joints
    if draw < 0.75 and len(joints) >= SHORTEST_VIDEO:
        return as_estimated(joints, rng, FPS)
    # Another estimator, or inertial: smooth errors, an uncertain floor, lean and travel, high frequencies lost.
    joints += slow_noise(len(joints), rng) * rng.uniform(0.005, 0.03)
    if rng.random() < 0.4:
        joints = tilt(joints, rng.normal(0, np.radians(3.0), 2))
    if rng.random() < 0.4:
        root = joints[:, :1] * [1.0, 0.0, 1.0]
        joints += root * (rng.uniform(0.65, 1.3) - 1.0)
    if rng.random() < 0.4:
        joints[..., 1] += rng.normal(0, 0.02)
    if rng.random() < 0.3 and len(joints) > 12:
        joints = savgol_filter(joints, int(rng.choice([5, 7, 9])), 2, axis=0)
    return joints


def tilt(joints: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Leans the body about its pelvis by `angles` (pitch, roll; radians), as a camera that is not level does."""
    (cx, cz), (sx, sz) = np.cos(angles), np.sin(angles)
    turn = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    pelvis = joints[:, :1]
    return pelvis + (joints - pelvis) @ turn.T
