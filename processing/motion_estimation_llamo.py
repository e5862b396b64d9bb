# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""The Motion Estimator: a video of a person -> 22 joints in metres, twenty times a second, and how far to trust them.

>>> estimator = MotionEstimator.from_pretrained("llamo/motion_estimator")
>>> motion = estimator.estimate("squats.mp4")
>>> motion.joints, motion.report["warnings"]  # (num_frames, 22, 3) float32; what the user should know
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .camera_motion_llamo import CameraMotion
from .camera_view_llamo import level_rotation, ray_angles, ray_rotations, settle_sides
from .estimation_report_llamo import REPORT_KEYS, make_report
from .motion_features_llamo import canonicalise
from .pose_lifting_llamo import LEGS, LENGTHS, lift_landmarks
from .pose_model_llamo import LlamoPoseModel
from .pose_track_llamo import PoseTrack, best_track, smooth
from .pose_tracking_llamo import Pose, PoseNetworks, PoseTracker
from .root_motion_llamo import camera_distances, contacts_of, place_root
from .video_reading_llamo import MAX_SECONDS, iterate_frames


FPS = 20.0
MAX_SOURCE_FPS = 31.0  # more frames than that add nothing but time
MAX_SIDE = 960  # pixels; larger frames are scaled down while they are read
MIN_COVERAGE = 0.05  # of the frames; below, hardly anybody is seen
MIN_SPAN = 0.4  # s
FILM_BETTER = (
    "Film one person whose whole body is in the picture, at least a sixth of its height, or give the motion itself instead of "
    "the video."
)
LEGS_SEEN = 0.5
VELOCITY_POSES = 15  # over which the direction of travel is smoothed
UP = np.array([1.0, -1.0, -1.0])  # from the camera's axes (y down, z away) to Y up, facing the camera is +Z
STATIC_SHARE, STATIC_DRIFT = 0.8, 0.05  # of frames that are still; of the picture's width


class MotionEstimationError(ValueError):
    """A video in which no person's motion can be seen.

    Args:
        expected, got, where, remedy (`str`): the four parts of the message.
    """

    def __init__(self, expected: str, got: str, where: str, remedy: str):
        super().__init__(expected, got, where, remedy)
        self.expected, self.got, self.where, self.remedy = expected, got, where, remedy

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, got {self.got}. {self.remedy}"


@dataclass
class EstimatedMotion:
    """A person's motion out of a video.

    Attributes:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): float32 metres, Y up, floor at 0, facing +Z at first.
        fps (`float`): frames per second of `joints`.
        contacts (`np.ndarray` of shape `(num_frames, 4)`): which of left ankle, left foot, right ankle, right foot stand.
        start (`float`): seconds on the video's clock of `joints[0]`.
        report (`dict`): how it went: "coverage" (share of frames with the person), "span_s" (seconds of video that `joints`
            cover: from, to), "visibility" and "leg_visibility" (means, 0 to 1), "static_camera", "redetections" (frames in
            which the person was lost and searched for), "people" (all that are seen), "seconds" (that it took),
            "fps_processed" (frames per second of computing), "warnings" (sentences).
        times (`np.ndarray` of shape `(num_processed,)`): seconds of the processed frames.
        landmarks (`list[np.ndarray | None]`): for each of these, the 33 landmarks `(33, 2)` and their visibility as a third
            column, pixels as shares of width and height; None where the person is not seen.
    """

    joints: np.ndarray
    fps: float
    contacts: np.ndarray
    start: float
    report: dict
    times: np.ndarray = field(repr=False)
    landmarks: list = field(repr=False)


class MotionEstimator:
    """Finds a person in a video, follows the person, and says how the person moves.

    Args:
        networks: `PoseNetworks`, or anything that detects and locates people as it does.
    """

    def __init__(self, networks):
        self.networks = networks

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike) -> "MotionEstimator":
        """Loads the estimator's folder, `motion_estimator` inside a checkpoint.

        Raises:
            FileNotFoundError: no estimator there.
        """
        if not os.path.isfile(os.path.join(folder, "config.json")):
            raise FileNotFoundError(
                f"Expected the Motion Estimator, got nothing at {str(folder)!r}. "
                "Make it with `llamo init`, with a network that reaches PyPI; or give the motion itself instead of a video."
            )
        return cls(PoseNetworks(LlamoPoseModel.from_pretrained(folder)))

    def estimate(
        self,
        source,
        person: int | None = None,
        box=None,
        progress: Callable[[float], None] | None = None,
        max_seconds: float = MAX_SECONDS,
    ) -> EstimatedMotion:
        """Estimates the motion of one person.

        Args:
            source: a video, as `iterate_frames` takes it.
            person: whom to follow where several are seen: 1 is the largest and most central, 2 the next ...
            box: left, top, right, bottom around whom to follow, shares (0 to 1) of width and height.
            progress: called after each frame with its time in seconds.
            max_seconds: a longer video is refused.

        Raises:
            MotionEstimationError: nobody, hardly anybody, or not the person asked for.
            VideoFormatError: what cannot be read as a video.
        """
        began = time.perf_counter()
        seen = self.watch(source, person, box, progress, max_seconds)
        track = find_track(seen)
        is_static = stands_still(seen.camera, track, seen.size[1])
        joints = solve_motion(track, np.stack(seen.camera.shifts)[track.frames], seen.size, is_static)
        report = make_report(track, seen.tracker, len(seen.poses), seen.size, is_static)
        seconds = time.perf_counter() - began
        report |= {"seconds": round(seconds, 3), "fps_processed": round(len(seen.times) / max(seconds, 1e-9), 1)}
        return EstimatedMotion(
            joints=joints,
            fps=FPS,
            contacts=contacts_of(joints, FPS),
            start=float(track.times[0]),
            report={key: report[key] for key in REPORT_KEYS},
            times=np.array(seen.times),
            landmarks=[None if pose is None else shares_of(pose, seen.size) for pose in seen.poses],
        )

    def watch(
        self,
        source,
        person: int | None = None,
        box=None,
        progress: Callable[[float], None] | None = None,
        max_seconds: float = MAX_SECONDS,
    ) -> "Observation":
        """The first half of `estimate`: looks at all frames, one after the other. Arguments and errors as there."""
        person, box = check_choice(person, box)
        seen = Observation(name_of(source), person, box)
        for frame in iterate_frames(source, fps=MAX_SOURCE_FPS, max_seconds=max_seconds, max_side=MAX_SIDE):
            if seen.tracker is None:
                seen.size = frame.image.shape[:2]
                height, width = seen.size
                seen.tracker = PoseTracker(self.networks, person, None if box is None else box * [width, height, width, height])
            pose = seen.tracker.step(frame.image)
            seen.camera.step(frame.image, None if pose is None else pose.box)
            seen.poses.append(pose)
            seen.times.append(frame.time)
            if progress is not None:
                progress(frame.time)
        return seen


@dataclass
class Observation:
    """What was seen in a video.

    Attributes:
        where (`str`): the video's name.
        person (`int`, *optional*), box (*optional*): whom the caller has chosen.
        poses (`list[Pose | None]`), times (`list[float]`): of the processed frames.
        camera (`CameraMotion`): how the camera turned.
        tracker (`PoseTracker`, *optional*): who was there; None where there were no frames.
        size (`tuple[int, int]`): height and width of the frames.
    """

    where: str
    person: int | None = None
    box: np.ndarray | None = None
    poses: list = field(default_factory=list)
    times: list = field(default_factory=list)
    camera: CameraMotion = field(default_factory=CameraMotion)
    tracker: PoseTracker | None = None
    size: tuple[int, int] = (0, 0)


def check_choice(person: int | None, box) -> tuple[int | None, np.ndarray | None]:
    """The caller's choice of a person.

    Raises:
        ValueError: both a number and a box, or one that cannot be.
    """
    if person is not None and box is not None:
        raise ValueError("Expected a person's number or a box, got both. Leave one out.")
    if person is not None and (isinstance(person, bool) or not isinstance(person, int) or person < 1):
        raise ValueError(f"Expected a person's number, 1 or more, got {person!r}. Take one that the report lists.")
    if box is None:
        return person, None
    array = np.asarray(box, dtype=np.float64)
    if (
        array.shape != (4,)
        or not np.isfinite(array).all()
        or array.min() < 0
        or array.max() > 1
        or (array[2:] <= array[:2]).any()
    ):
        raise ValueError(
            f"Expected a box as left, top, right, bottom from 0 to 1 (shares of width and height), got {box!r}. "
            "Right must be larger than left, bottom larger than top."
        )
    return person, array


def name_of(source) -> str:
    """What to call a video in messages."""
    if isinstance(source, dict):
        source = source.get("path") or source.get("url")
    return os.path.basename(os.fspath(source)) if isinstance(source, (str, os.PathLike)) else "the video"


def find_track(seen: Observation) -> PoseTrack:
    """The best span; says what is wrong where there is none.

    Raises:
        MotionEstimationError: nobody, hardly anybody, or not the person asked for.
    """
    tracker, poses = seen.tracker, seen.poses
    if tracker is None:
        raise MotionEstimationError("a video with frames", "none", seen.where, "Check the file.")
    if tracker.chosen is None and tracker.people:
        by_number = seen.person is not None
        asked = f"person {seen.person}" if by_number else "a person in the box"
        got = f"{len(tracker.people)} at most in one frame" if by_number else "nobody there"
        remedy = "Leave the choice out to follow the largest person; the report then lists all."
        raise MotionEstimationError(asked, got, seen.where, remedy)
    track = best_track(poses, seen.times)
    num_seen = sum(pose is not None for pose in poses)
    if track is None and num_seen:
        got = f"a person in {num_seen} of {len(poses)} frames, and mostly guessed"
    elif track is None:
        got = f"nobody in {len(poses)} frames"
    elif track.coverage < MIN_COVERAGE or track.times[-1] - track.times[0] < MIN_SPAN:
        got = f"one for {track.times[-1] - track.times[0]:.1f} s, in {100 * track.coverage:.0f} % of the frames"
    else:
        return track
    raise MotionEstimationError("a person to be seen for a while", got, seen.where, FILM_BETTER)


def stands_still(camera: CameraMotion, track: PoseTrack, width: int) -> bool:
    """Whether the camera neither turns nor moves during a track."""
    if not camera.still:
        return True
    shifts = np.stack(camera.shifts)[track.frames]
    return bool(np.mean(camera.still) > STATIC_SHARE and np.ptp(shifts, axis=0).max() < STATIC_DRIFT * width)


def solve_motion(track: PoseTrack, shifts: np.ndarray, size: tuple[int, int], is_static: bool) -> np.ndarray:
    """A track -> canonical joints `(num_frames, 22, 3)` float32 at `FPS`."""
    hips = (track.points[:, 23] + track.points[:, 24]) / 2
    rotations = ray_rotations(ray_angles(hips, shifts, size))
    path = rotations[..., 2] * camera_distances(track, size)[:, None]
    # Along each ray's own axes, as the network speaks.
    velocity = np.einsum("tij,ti->tj", rotations, np.gradient(smooth(path, VELOCITY_POSES), track.times, axis=0))
    world = np.einsum("tij,tlj->tli", rotations, settle_sides(track.world, velocity))
    world = smooth(track.resample(world * UP, FPS))
    joints = lift_landmarks(world)
    level = level_rotation(joints, FPS)
    legs = np.linalg.norm(world[:, list(LEGS)] - world[:, [23, 24, 25, 26]], axis=-1).mean() * 2
    scale = 2 * np.mean([LENGTHS[joint] for joint in (4, 5, 7, 8)]) / max(legs, 1e-6)  # to the skeleton's metres
    path = smooth(track.resample(path * UP, FPS)) * scale
    legs_seen = track.visibility[:, list(LEGS)].mean() >= LEGS_SEEN
    return canonicalise(place_root(joints @ level.T, path @ level.T, FPS, is_static, bool(legs_seen)), FPS)


def shares_of(pose: Pose, size: tuple[int, int]) -> np.ndarray:
    """Landmarks `(33, 3)`: x and y as shares of width and height, and visibility."""
    height, width = size
    return np.concatenate([pose.points / [width, height], pose.visibility[:, None]], axis=1).astype(np.float32)
