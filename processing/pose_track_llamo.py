# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Poses with their times -> the one span in which a person is steadily seen, on an even time grid."""

from dataclasses import dataclass

import numpy as np

from .motion_filters_llamo import load_scipy_signal
from .pose_lifting_llamo import BODY
from .pose_tracking_llamo import Pose


MIN_POSES = 5
MAX_GAP = 1.0  # s without the person, after which it is another piece
# How far a region may move from one pose to the next, in its own size: at once, and for each second between them.
JUMP_AT_ONCE, JUMP_PER_SECOND, MAX_JUMP = 0.3, 2.0, 0.8
MAX_GROWTH = 0.4  # of the logarithm of a region's size from one pose to the next
MIN_TRUNK_VISIBILITY, MIN_BODY_VISIBILITY = 0.5, 0.4  # below, the pose is mostly guessed
TRUNK = (11, 12, 23, 24)
SMOOTHING_FRAMES = 9


@dataclass(frozen=True)
class PoseTrack:
    """A person's landmarks over one span.

    Attributes:
        times (`np.ndarray` of shape `(num_poses,)`): seconds on the video's clock.
        points (`np.ndarray` of shape `(num_poses, 33, 2)`): pixels.
        world (`np.ndarray` of shape `(num_poses, 33, 3)`): metres; x right, y down, z away from the camera.
        visibility (`np.ndarray` of shape `(num_poses, 33)`): 0 to 1.
        frames (`np.ndarray` of shape `(num_poses,)`): which of the processed frames each pose is from.
        coverage (`float`): share of all processed frames in which anybody is seen well.
    """

    times: np.ndarray
    points: np.ndarray
    world: np.ndarray
    visibility: np.ndarray
    frames: np.ndarray
    coverage: float

    def grid(self, fps: float) -> np.ndarray:
        """Even times `(num_frames,)` from the first pose to the last."""
        return self.times[0] + np.arange(int((self.times[-1] - self.times[0]) * fps + 1e-6) + 1) / fps

    def resample(self, values: np.ndarray, fps: float) -> np.ndarray:
        """Values `(num_poses, ...)` at the times of `grid`, linear in between."""
        moments = self.grid(fps)
        columns = values.reshape(len(values), -1).T
        sampled = np.stack([np.interp(moments, self.times, column) for column in columns], axis=1)
        return sampled.reshape(len(moments), *values.shape[1:])


def is_seen(pose: Pose | None) -> bool:
    """Whether enough of the body is in the picture for the pose to be more than a guess."""
    if pose is None:
        return False
    trunk, body = pose.visibility[list(TRUNK)].mean(), pose.visibility[list(BODY)].mean()
    return bool(trunk >= MIN_TRUNK_VISIBILITY and body >= MIN_BODY_VISIBILITY)


def best_track(poses: list[Pose | None], times: list[float]) -> PoseTrack | None:
    """The longest and best visible piece in which one person is followed; None where there is none.

    Pieces end where nobody is seen for long, and where the region jumps: a cut in the film, or another person.
    """
    seen = [index for index, pose in enumerate(poses) if is_seen(pose)]
    pieces: list[list[int]] = []
    for index in seen:
        if pieces and continues(poses[pieces[-1][-1]], poses[index], times[index] - times[pieces[-1][-1]]):
            pieces[-1].append(index)
        else:
            pieces.append([index])
    pieces = [piece for piece in pieces if len(piece) >= MIN_POSES]
    if not pieces:
        return None
    # Larger people and visible ones count for more than the mere number of frames.
    chosen = max(
        pieces, key=lambda piece: sum(poses[i].visibility[list(BODY)].mean() * np.sqrt(poses[i].region.size) for i in piece)
    )
    return PoseTrack(
        times=np.array([times[index] for index in chosen]),
        points=np.stack([poses[index].points for index in chosen]),
        world=np.stack([poses[index].world for index in chosen]),
        visibility=np.stack([poses[index].visibility for index in chosen]),
        frames=np.array(chosen),
        coverage=len(seen) / len(poses),
    )


def continues(before: Pose, after: Pose, seconds: float) -> bool:
    """Whether two poses, so many seconds apart, can be of one person in one take."""
    if seconds > MAX_GAP:
        return False
    first, second = before.region, after.region
    moved = np.hypot(second.x - first.x, second.y - first.y) / first.size
    allowed = min(JUMP_AT_ONCE + JUMP_PER_SECOND * seconds, MAX_JUMP)
    return bool(moved <= allowed and abs(np.log(second.size / first.size)) <= MAX_GROWTH)


def smooth(values: np.ndarray, frames: int = SMOOTHING_FRAMES) -> np.ndarray:
    """Savitzky-Golay of order 2 over time, `(num_frames, ...)`; spans too short for it stay as they are."""
    frames = min(frames, len(values) - 1 + len(values) % 2)
    # Loaded where it is needed: a question about a motion file should not wait for it.
    return load_scipy_signal().savgol_filter(values, frames, 2, axis=0, mode="interp") if frames >= 5 else values
