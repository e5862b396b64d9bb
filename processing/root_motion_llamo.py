# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Where a person goes: height above the floor and travel over it, from the feet and from a camera that stands still."""

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d

from .camera_view_llamo import focal_length, ray_angles, ray_rotations
from .pose_track_llamo import smooth


FIT_LANDMARKS = (11, 12, 13, 14, 23, 24, 25, 26, 27, 28)  # shoulders, elbows, hips, knees, ankles
DEPTH_SECONDS = 0.35  # smoothing of the distance to the camera, the noisiest number of all

FOOT_JOINTS = (7, 10, 8, 11)  # left ankle, left foot, right ankle, right foot
FOOT_HEIGHTS = np.array([0.06, 0.0, 0.06, 0.0])  # m above the floor while the sole is on it
NEAR_FLOOR, NEAR_FLOOR_SOFTNESS = 0.05, 0.012  # m
STANCE_SPEED = 0.4  # m/s of a foot against the other standing ones, at which it stops to count
CAMERA_SECONDS, SLOWEST_SECONDS = 0.4, 2.0
PLANTED_SPEED, PLANTED_SECONDS, PLANTED_HEIGHT = 0.35, 0.2, 0.2  # m/s, s to both sides, m of the ankles
CONTACT_SPEED, CONTACT_HEIGHT = 0.6, 0.07  # m/s, m

GRAVITY = 9.81  # m/s²
MAX_RISE = 2.5  # m/s of the pelvis at the start of a flight
MAX_FLIGHT_SECONDS = 0.9
MIN_FLIGHT, FLIGHT_MARGIN, MAX_FLIGHT = 0.06, 0.04, 0.8  # m
FLOOR_SECONDS = 0.6  # to both sides, in which a foot is on the floor at least once


def reprojection_path(
    points: np.ndarray, world: np.ndarray, visibility: np.ndarray, focal: float, centre: np.ndarray
) -> np.ndarray:
    """Where the middle of the hips is before the camera, frame by frame, so that the landmarks appear where they do.

    Linear least squares: a landmark at `root + world` is seen at `focal * (x, y) / z`.

    Args:
        points: `(num_poses, 33, 2)` pixels, world: `(num_poses, 33, 3)` metres, visibility: `(num_poses, 33)`.
        focal: focal length in pixels, centre: middle of the picture `(2,)`.

    Returns:
        `(num_poses, 3)` metres; x right, y down, z away.
    """
    chosen = list(FIT_LANDMARKS)
    weights = np.sqrt(visibility[:, chosen].clip(0.05))  # (T, L)
    seen = (points[:, chosen] - centre) / focal  # (T, L, 2)
    body = world[:, chosen]
    zero = np.zeros_like(weights)
    rows, targets = [], []
    for axis in (0, 1):
        columns = [zero, zero, -weights * seen[..., axis]]
        columns[axis] = weights
        rows.append(np.stack(columns, axis=-1))
        targets.append(weights * (seen[..., axis] * body[..., 2] - body[..., axis]))
    matrix, target = np.concatenate(rows, axis=1), np.concatenate(targets, axis=1)  # (T, 2L, 3), (T, 2L)
    normal = np.einsum("tij,tik->tjk", matrix, matrix) + 1e-9 * np.eye(3)
    return np.linalg.solve(normal, np.einsum("tij,ti->tj", matrix, target)[..., None])[..., 0]


def camera_distances(track, size: tuple[int, int]) -> np.ndarray:
    """How far the hips are from the camera, `(num_poses,)` in the metres of the landmarks, smoothed.

    Args:
        track: a `PoseTrack`.
        size: height and width of the picture.
    """
    centre = np.array([size[1] / 2, size[0] / 2])
    hips = (track.points[:, 23] + track.points[:, 24]) / 2
    rotations = ray_rotations(ray_angles(hips, np.zeros_like(hips), size))
    world = np.einsum("tij,tlj->tli", rotations, track.world)
    path = reprojection_path(track.points, world, track.visibility, focal_length(size), centre)
    step = float(np.median(np.diff(track.times)))
    return gaussian_filter1d(np.linalg.norm(path, axis=1), DEPTH_SECONDS / step, mode="nearest")


def place_on_floor(joints: np.ndarray, camera_height: np.ndarray, fps: float, is_static: bool) -> np.ndarray:
    """Lifts joints so that the lowest one is on the floor, but for flights.

    Args:
        joints: `(num_frames, 22, 3)`, the middle of the hips at the origin.
        camera_height: `(num_frames,)` of the hips as the camera sees it, Y up; only its changes matter.

    Returns:
        `(num_frames, 22, 3)` with the floor at height 0.
    """
    lowest = joints[:, :, 1].min(axis=1)
    flight = flights(camera_height + lowest, fps) if is_static else np.zeros(len(joints))
    height = smooth(free_fall(-lowest, flight, fps), 5)
    lifted = joints + np.stack([np.zeros_like(height), height, np.zeros_like(height)], axis=1)[:, None]
    lifted[..., 1] -= np.percentile(lifted[..., 1].min(axis=1), 5)
    return lifted


def flights(lowest: np.ndarray, fps: float) -> np.ndarray:
    """How far the whole body is off the floor, `(num_frames,)`, where the camera sees its lowest joint at `lowest`."""
    reach = max(1, int(FLOOR_SECONDS * fps))
    floor = gaussian_filter1d(minimum_filter1d(lowest, 2 * reach + 1, mode="nearest"), 0.25 * fps, mode="nearest")
    flight = np.clip(lowest - floor - FLIGHT_MARGIN, 0, MAX_FLIGHT)
    edges = np.diff(np.concatenate([[0], (flight > 0.02).astype(int), [0]]))
    for start, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        if (end - start) / fps > MAX_FLIGHT_SECONDS or flight[start:end].max() < MIN_FLIGHT:
            flight[start:end] = 0  # nobody flies that long; noise
    return flight


def free_fall(height: np.ndarray, flight: np.ndarray, fps: float) -> np.ndarray:
    """The pelvis falls no faster than gravity: bridges the flights of running and jumping, which standing on the lowest joint
    would pull down. Both directions of time must agree that it is a flight.

    Args:
        height: `(num_frames,)` of the pelvis if the lowest joint were on the floor; flight: `(num_frames,)` seen otherwise.
    """

    def fall(heights: np.ndarray) -> np.ndarray:
        result, speed = heights.copy(), 0.0
        for index in range(1, len(heights)):
            falling = result[index - 1] + min(speed, MAX_RISE) / fps - GRAVITY / fps**2
            result[index] = max(heights[index], falling)
            speed = (result[index] - result[index - 1]) * fps
        return result

    return np.maximum(np.minimum(fall(height), fall(height[::-1])[::-1]), height + flight)


def stance_path(joints: np.ndarray, fps: float) -> np.ndarray:
    """The way that the standing feet push the body along.

    Args:
        joints: `(num_frames, 22, 3)`, on the floor, the hips over the origin.

    Returns:
        `(num_frames, 2)` metres, x and z.
    """
    feet = joints[:, list(FOOT_JOINTS)]
    near = 1 / (1 + np.exp((feet[..., 1] - FOOT_HEIGHTS - NEAR_FLOOR) / NEAR_FLOOR_SOFTNESS))
    steps = np.diff(feet, axis=0)[..., [0, 2]]
    weights = np.minimum(near[1:], near[:-1])[..., None]
    mean = (steps * weights).sum(axis=1, keepdims=True) / (weights.sum(axis=1, keepdims=True) + 1e-6)
    weights = weights * np.exp(-np.linalg.norm(steps - mean, axis=-1, keepdims=True) * fps / STANCE_SPEED)
    total = weights.sum(axis=(1, 2))
    pushed = -(steps * weights).sum(axis=1) / (total[:, None] + 1e-6)
    sure = np.minimum(1.0, total / 0.3)
    velocity, last = np.zeros_like(pushed), np.zeros(2)
    for index in range(len(pushed)):  # in flight the body goes on as it went
        last = sure[index] * pushed[index] + (1 - sure[index]) * last * 0.97
        velocity[index] = last
    return np.concatenate([np.zeros((1, 2)), np.cumsum(gaussian_filter1d(velocity, 0.7, axis=0, mode="nearest"), axis=0)])


def planted(joints: np.ndarray, fps: float) -> np.ndarray:
    """How surely both feet stay where they are, `(num_frames,)` from 0 to 1: their distance has not changed for a while."""
    between = joints[:, 7, [0, 2]] - joints[:, 8, [0, 2]]
    speed = np.linalg.norm(np.gradient(between, axis=0), axis=-1) * fps
    low = joints[:, [7, 8], 1].max(axis=1) < PLANTED_HEIGHT
    sure = np.exp(-((speed / PLANTED_SPEED) ** 2)) * low
    reach = max(1, int(PLANTED_SECONDS * fps))
    return gaussian_filter1d(minimum_filter1d(sure, 2 * reach + 1, mode="nearest"), 0.1 * fps, mode="nearest")


def fuse_travel(seen: np.ndarray, pushed: np.ndarray, sure: np.ndarray, fps: float) -> np.ndarray:
    """The way over the floor `(num_frames, 2)`, out of what the camera sees and what the feet push.

    Feet alone walk on the spot, because the depth of a stride is what the networks see worst; the camera alone lets people who
    squat slide to and fro, because a bent body seems further away. So the camera has the slow part of the way and the feet the
    fast one, and feet that are planted have all but the slowest.

    Args:
        seen, pushed: `(num_frames, 2)` metres, x and z; sure: `(num_frames,)` as `planted` gives it.
    """
    fused = pushed + gaussian_filter1d(seen - pushed, CAMERA_SECONDS * fps, axis=0, mode="nearest")
    if len(fused) < 2:
        return fused
    weight = np.minimum(sure[1:], sure[:-1])[:, None]
    steps = weight * np.diff(pushed, axis=0) + (1 - weight) * np.diff(fused, axis=0)
    held = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    return held + gaussian_filter1d(fused - held, SLOWEST_SECONDS * fps, axis=0, mode="nearest")


def contacts_of(joints: np.ndarray, fps: float) -> np.ndarray:
    """Which of FOOT_JOINTS stand: slow and low. `(num_frames, 22, 3)` -> `(num_frames, 4)` bool."""
    feet = joints[:, list(FOOT_JOINTS)]
    if len(feet) < 2:
        return feet[..., 1] - FOOT_HEIGHTS < CONTACT_HEIGHT
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * fps
    return (speed < CONTACT_SPEED) & (feet[..., 1] - FOOT_HEIGHTS < CONTACT_HEIGHT)


def place_root(joints: np.ndarray, path: np.ndarray, fps: float, is_static: bool, legs_seen: bool) -> np.ndarray:
    """Puts a body that hangs at its hips where it goes.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up, the middle of the hips at the origin.
        path: `(num_frames, 3)` metres, Y up: the hips before a camera that may turn, in the joints' own scale.
        is_static: whether the camera stands still, so that the height of `path` can show a flight.
        legs_seen: whether the feet are seen and may drive the body.

    Returns:
        `(num_frames, 22, 3)` with the floor at height 0.
    """
    placed = place_on_floor(joints, path[:, 1], fps, is_static)
    travel = path[:, [0, 2]]
    if legs_seen:
        travel = fuse_travel(travel, stance_path(placed, fps), planted(placed, fps), fps)
    placed[..., [0, 2]] += travel[:, None]
    return placed
