"""What a video estimator makes of a motion, without rendering: joints -> noisy landmarks -> the estimator's own lifting.

The errors have the estimator's structure, because its own code makes the joints out of the landmarks: one skeleton for all
bodies, depth seen worst, limbs off for half a second at a time, the lowest joint on the floor, the feet driving the travel.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from llamo.processing.pose_lifting_llamo import lift_landmarks, unit
from llamo.processing.pose_track_llamo import smooth
from llamo.processing.root_motion_llamo import place_root


# Landmark of a joint: shoulders, elbows, wrists, hips, knees, ankles, toes.
LANDMARK_OF_JOINT = {16: 11, 17: 12, 18: 13, 19: 14, 20: 15, 21: 16, 1: 23, 2: 24, 4: 25, 5: 26, 7: 27, 8: 28, 10: 31, 11: 32}
NOSE, EARS, HEELS = 0, (7, 8), (29, 30)
LEGS = (25, 26, 27, 28, 29, 30, 31, 32)
TORSO, ENDS = (11, 12, 23, 24), (15, 16, 27, 28, 29, 30, 31, 32)
UP = np.array([0.0, 1.0, 0.0])
WORSE_LYING = 0.45  # of the errors: on rendered videos of recordings 1.4 times those of upright bodies, upside down 1.9 times


def as_estimated(joints: np.ndarray, rng: np.random.Generator, fps: float = 20.0) -> np.ndarray:
    """The motion as the estimator would have seen it from a random side.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up, floor at 0.
        rng: of camera and errors.
        fps: frames a second.

    Returns:
        `(num_frames, 22, 3)` metres, Y up, floor at 0; facing and place as they come out.
    """
    angle = rng.uniform(0, 2 * np.pi)
    depth = np.array([np.sin(angle), 0.0, np.cos(angle)])
    hips = joints[:, 1:3].mean(1)
    world = landmarks_of(joints) - hips[:, None]
    world = world + landmark_errors(world, depth, rng, fps)
    lifted = lift_landmarks(smooth(world))
    lifted = turn_about(lifted, np.cross(UP, depth), rng.normal(0, np.radians(5.0)))  # a camera that looks down or up
    path = hips - hips[:1]
    path = path + np.outer(path @ depth, depth) * (rng.uniform(0.6, 1.25) - 1)
    path = path + np.outer(wander(len(path), 1, rng, fps, 0.3, 1.2)[:, 0], depth) * rng.uniform(0.01, 0.08)
    if rng.random() < 0.2:  # the camera follows
        path = path * rng.uniform(0.0, 0.5)
    return place_root(lifted, path, fps, is_static=rng.random() < 0.7, legs_seen=rng.random() < 0.85)


def landmarks_of(joints: np.ndarray) -> np.ndarray:
    """The 33 landmarks that lifting reads, `(num_frames, 33, 3)`; those it does not read stay at the hips."""
    found = np.repeat(joints[:, :1], 33, axis=1)
    for joint, landmark in LANDMARK_OF_JOINT.items():
        found[:, landmark] = joints[:, joint]
    left = unit(joints[:, 16] - joints[:, 17])
    forward = unit(np.cross(left, joints[:, 15] - joints[:, 9]))
    skull = joints[:, 15] + 0.04 * unit(joints[:, 15] - joints[:, 12])
    found[:, EARS[0]], found[:, EARS[1]] = skull + 0.07 * left, skull - 0.07 * left
    found[:, NOSE] = skull + 0.11 * forward
    for heel, ankle, foot in zip(HEELS, (7, 8), (10, 11), strict=True):
        found[:, heel] = joints[:, ankle] - 0.35 * (joints[:, foot] - joints[:, ankle])
    return found


def landmark_errors(world: np.ndarray, depth: np.ndarray, rng: np.random.Generator, fps: float) -> np.ndarray:
    """Errors `(num_frames, 33, 3)`: what stays, what comes and goes, a flattened depth, legs that nobody sees."""
    frames = len(world)
    size = np.ones((33, 1))
    size[list(TORSO)], size[list(ENDS)] = 0.5, 1.4
    if rng.random() < 0.1:
        size[list(LEGS)] *= 3.0
    strength = min(rng.gamma(3.0, 1 / 3.0), 2.0)
    moving = wander(frames, 33 * 3, rng, fps, 0.1, 0.6).reshape(frames, 33, 3)
    staying = rng.normal(size=(1, 33, 3))
    errors = (moving * 0.016 + staying * 0.016) * size
    along = moving @ depth * 0.035 + staying @ depth * 0.035
    errors = (errors + (along[..., None] * size) * depth) * tilted(world)[:, None, None]
    flat = rng.uniform(0.65, 1.1) - 1
    return errors * strength + (world @ depth)[..., None] * depth * flat


def tilted(world: np.ndarray) -> np.ndarray:
    """How much worse a body is seen at every moment `(num_frames,)`: 1 for a trunk that is upright, more for one that lies,
    most for one upside down. The estimator has seen few of those."""
    trunk = unit(world[:, [11, 12]].mean(1) - world[:, [23, 24]].mean(1))
    return 1 + WORSE_LYING * (1 - trunk @ UP)


def wander(frames: int, channels: int, rng: np.random.Generator, fps: float, fast: float, slow: float) -> np.ndarray:
    """Unit-variance noise `(frames, channels)` with a correlation time between `fast` and `slow` seconds."""
    keep = np.exp(-1 / (fps * rng.uniform(fast, slow)))
    fresh = rng.normal(0, np.sqrt(1 - keep**2), (frames, channels))
    fresh[0] /= np.sqrt(1 - keep**2)
    return lfilter([1.0], [1.0, -keep], fresh, axis=0)


def turn_about(joints: np.ndarray, axis: np.ndarray, angle: float) -> np.ndarray:
    """Turns joints about an axis through the origin (Rodrigues); radians."""
    along = (joints @ axis)[..., None] * axis
    return along + (joints - along) * np.cos(angle) + np.cross(axis, joints) * np.sin(angle)
