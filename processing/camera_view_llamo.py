# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""From what a camera sees to a world that stands upright: rays, panning, tilt, and people mistaken for their back.

The pose network sees a crop and speaks of a person straight ahead. A person at the picture's edge is seen under an angle, a
camera that pans turns between frames, and one that looks down sees everybody lean: each of these is taken out here.
"""

import numpy as np


ASSUMED_FOV = 55.0  # degrees across the longer side of the picture, as phones have
# Landmarks left and right of each other, to swap sides.
MIRRORED = (
    0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23, 26, 25, 28, 27, 30, 29, 32, 31,
)  # fmt: skip
TURNING_LANDMARKS = (11, 12, 13, 14, 23, 24, 25, 26, 27, 28)
FLIP_COST = 0.001  # m² a frame: how much the network is believed about front and back
DOUBT = 0.15  # share of frames that the network takes the wrong way round, from which on it is not of one mind
BACKWARDS_COST, STROLL = 0.004, 0.3  # m² a frame for each m/s above that speed
# Share of the body's mass at each of the 22 joints, from segment masses (Winter 2009, Biomechanics and Motor Control of Human
# Movement, table 4.1), each divided between the joints at its ends.
MASSES = np.array(
    [0.142, 0.05, 0.05, 0.08, 0.073, 0.073, 0.08, 0.037, 0.037, 0.09, 0.007, 0.007,
     0.03, 0.01, 0.01, 0.07, 0.02, 0.02, 0.022, 0.022, 0.014, 0.014]
)  # fmt: skip
SUPPORTS = (7, 10, 8, 11, 20, 21)  # what people stand on: ankles, feet, and the hands in push-ups
SUPPORT_REACH = 0.06  # m above the lowest point, within which a joint carries
MAX_TILT = 0.7  # radians
MIN_STANDING = 0.05  # of the frames, in which a person stands still
LEVEL_STEPS = 10  # what carries depends on what is down, and the other way round
# m of the centre of mass above the support: below, people sit, lie or bend and lean on more than feet; above, they stand.
BENT, STANDING = 0.6, 0.85


def focal_length(size: tuple[int, int]) -> float:
    """Assumed focal length in pixels of a picture of this height and width."""
    return 0.5 * max(size) / float(np.tan(np.radians(ASSUMED_FOV) / 2))


def ray_angles(pixels: np.ndarray, shifts: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Under which angles points are seen from a camera that only turns, against its first direction.

    Args:
        pixels: `(num_frames, 2)`, shifts: `(num_frames, 2)` by which the background has moved since the first frame.
        size: height and width of the picture.

    Returns:
        `(num_frames, 2)` radians, to the right and down.
    """
    focal = focal_length(size)
    x, y = (pixels - np.array([size[1], size[0]]) / 2).T
    turned = (shifts - shifts[0]) / focal
    return np.stack([np.arctan2(x, focal) - turned[:, 0], np.arctan2(y, np.hypot(x, focal)) - turned[:, 1]], axis=1)


def ray_rotations(angles: np.ndarray) -> np.ndarray:
    """Rotations `(num_frames, 3, 3)` that turn straight ahead into rays; axes x right, y down, z away."""
    (sin_a, sin_b), (cos_a, cos_b) = np.sin(angles).T, np.cos(angles).T
    zero = np.zeros_like(sin_a)
    rows = [[cos_a, -sin_a * sin_b, sin_a * cos_b], [zero, cos_b, sin_b], [-sin_a, -cos_a * sin_b, cos_a * cos_b]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def settle_sides(world: np.ndarray, velocity: np.ndarray | None = None) -> np.ndarray:
    """Undoes frames in which the network takes a back for a front or the other way round.

    A person seen from behind and one seen from the front look alike but for the face: the same picture with left and right
    swapped and depth turned over. Of both readings of every frame, the sequence is taken that moves least, with some trust in
    what the network says. Where the network is not of one mind, people are also taken to go forwards rather than backwards.

    Args:
        world: `(num_frames, 33, 3)`; x right, y down, z away from the camera.
        velocity: `(num_frames, 3)` of the hips, m/s along the same axes.

    Returns:
        `(num_frames, 33, 3)`.
    """
    readings = np.stack([world, world[:, list(MIRRORED)] * [1.0, 1.0, -1.0]])  # (2, T, 33, 3)
    points = readings[:, :, list(TURNING_LANDMARKS)]
    moves = ((points[:, None, 1:] - points[None, :, :-1]) ** 2).sum(-1).mean(-1)  # (after, before, T - 1)
    costs = np.tile([[0.0], [FLIP_COST]], len(world))
    chosen = cheapest_sequence(costs, moves)
    if velocity is not None and chosen.mean() >= DOUBT:
        left = readings[:, :, [11, 23]].mean(2) - readings[:, :, [12, 24]].mean(2)
        forward = np.stack([left[..., 2], -left[..., 0]], axis=-1)  # x and z
        forward /= np.linalg.norm(forward, axis=-1, keepdims=True) + 1e-9
        backwards = np.clip(-(forward * velocity[:, [0, 2]]).sum(-1) - STROLL, 0, 1)
        chosen = cheapest_sequence(costs + BACKWARDS_COST * backwards, moves)
    return readings[chosen, np.arange(len(world))]


def cheapest_sequence(costs: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Which of two readings to take in each frame, by dynamic programming.

    Args:
        costs: `(2, num_frames)` of each reading, moves: `(2, 2, num_frames - 1)` from the second index to the first.

    Returns:
        `(num_frames,)` of 0 and 1.
    """
    total = costs[:, 0]
    came_from = np.zeros((costs.shape[1], 2), dtype=int)
    for frame in range(1, costs.shape[1]):
        sums = total[None] + moves[:, :, frame - 1]
        came_from[frame] = sums.argmin(axis=1)
        total = sums.min(axis=1) + costs[:, frame]
    chosen = np.zeros(costs.shape[1], dtype=int)
    chosen[-1] = int(total.argmin())
    for frame in range(costs.shape[1] - 1, 0, -1):
        chosen[frame - 1] = came_from[frame, chosen[frame]]
    return chosen


def level_rotation(joints: np.ndarray, fps: float) -> np.ndarray:
    """The rotation that makes a person stand upright: balanced people have their centre of mass above what they stand on.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y roughly up.

    Returns:
        `(3, 3)`; the identity where nobody stands.
    """
    rotation = np.eye(3)
    centre = np.einsum("tij,i->tj", joints, MASSES / MASSES.sum())
    for _ in range(LEVEL_STEPS):
        turned = joints[:, list(SUPPORTS)] @ rotation.T
        height = turned[..., 1] - [0.06, 0.0, 0.06, 0.0, 0.06, 0.06]
        weights = np.exp(-((height - height.min(axis=1, keepdims=True)) / SUPPORT_REACH))
        support = (turned * weights[..., None]).sum(axis=1) / weights.sum(axis=1)[:, None]
        above = centre @ rotation.T - support
        # In fast motion nobody is balanced; over a step the lean forwards and back cancels.
        speed = np.linalg.norm(np.gradient(above, axis=0), axis=-1) * fps if len(above) > 1 else np.zeros(len(above))
        trust = np.clip((np.linalg.norm(above, axis=1) - BENT) / (STANDING - BENT), 0, 1) / (0.2 + speed)
        if trust.sum() < MIN_STANDING * len(trust) or np.average(above[:, 1], weights=trust) < 0.5 * BENT:
            return np.eye(3)
        mean = (above / (above[:, 1:2].clip(0.2)) * trust[:, None]).sum(axis=0) / trust.sum()
        rotation = rotation_to_up(mean) @ rotation
    angle = np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))
    return rotation if angle <= MAX_TILT else np.eye(3)


def rotation_to_up(vector: np.ndarray) -> np.ndarray:
    """The smallest rotation `(3, 3)` that turns `vector` `(3,)` to +Y."""
    x, y, z = vector / np.linalg.norm(vector)
    axis = np.array([-z, 0.0, x])  # vector cross up
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + y)
