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
from .motion_features_llamo import canonicalise
from .pose_lifting_llamo import BODY, LEGS, LENGTHS, lift_landmarks
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
LOW_COVERAGE, LOW_VISIBILITY, LOW_LEGS, MANY_REDETECTIONS = 0.8, 0.6, 0.6, 0.1
LEGS_SEEN = 0.5
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
        person, box = check_choice(person, box)
        tracker, camera = None, CameraMotion()
        poses: list[Pose | None] = []
        times: list[float] = []
        for frame in iterate_frames(source, fps=MAX_SOURCE_FPS, max_seconds=max_seconds, max_side=MAX_SIDE):
            if tracker is None:
                size = frame.image.shape[:2]
                scale = np.array([size[1], size[0]] * 2)
                tracker = PoseTracker(self.networks, person, None if box is None else box * scale)
            pose = tracker.step(frame.image)
            camera.step(frame.image, None if pose is None else pose.box)
            poses.append(pose)
            times.append(frame.time)
            if progress is not None:
                progress(frame.time)
        where = name_of(source)
        track = find_track(poses, times, tracker, person, box, where)
        is_static = stands_still(camera, track, size[1])
        joints = solve_motion(track, np.stack(camera.shifts)[track.frames], size, is_static)
        report = make_report(track, tracker, poses, size, is_static)
        seconds = time.perf_counter() - began
        report |= {"seconds": round(seconds, 3), "fps_processed": round(len(times) / max(seconds, 1e-9), 1)}
        return EstimatedMotion(
            joints=joints,
            fps=FPS,
            contacts=contacts_of(joints, FPS),
            start=float(track.times[0]),
            report={key: report[key] for key in REPORT_KEYS},
            times=np.array(times),
            landmarks=[None if pose is None else shares_of(pose, size) for pose in poses],
        )


REPORT_KEYS = (
    "coverage", "span_s", "visibility", "leg_visibility", "static_camera", "redetections", "people", "seconds",
    "fps_processed", "warnings",
)  # fmt: skip


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


def find_track(poses, times, tracker: PoseTracker | None, person, box, where: str) -> PoseTrack:
    """The best span; says what is wrong where there is none."""
    remedy = (
        "Film one person whose whole body is in the picture, at least a sixth of its height, "
        "or give the motion itself instead of the video."
    )
    if tracker is None:
        raise MotionEstimationError("a video with frames", "none", where, "Check the file.")
    if tracker.chosen is None and tracker.people and (person is not None or box is not None):
        asked = f"person {person}" if person is not None else "a person in the box"
        got = f"{len(tracker.people)} at most in one frame" if person is not None else "nobody there"
        raise MotionEstimationError(asked, got, where, "Leave the choice out to follow the largest person, and see the report.")
    track = best_track(poses, times)
    seen = sum(pose is not None for pose in poses)
    if track is None:
        got = f"a person in {seen} of {len(poses)} frames, and mostly guessed" if seen else f"nobody in {len(poses)} frames"
        raise MotionEstimationError("a person to be seen", got, where, remedy)
    span = track.times[-1] - track.times[0]
    if track.coverage < MIN_COVERAGE or span < MIN_SPAN:
        got = f"one for {span:.1f} s, in {100 * track.coverage:.0f} % of the frames"
        raise MotionEstimationError("a person to be seen for a while", got, where, remedy)
    return track


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
    world = np.einsum("tij,tlj->tli", rotations, settle_sides(track.world))
    world = smooth(track.resample(world * UP, FPS))
    joints = lift_landmarks(world)
    level = level_rotation(joints, FPS)
    legs = np.linalg.norm(world[:, list(LEGS)] - world[:, [23, 24, 25, 26]], axis=-1).mean() * 2
    scale = 2 * np.mean([LENGTHS[joint] for joint in (4, 5, 7, 8)]) / max(legs, 1e-6)  # to the skeleton's metres
    path = smooth(track.resample(path * UP, FPS)) * scale
    legs_seen = track.visibility[:, list(LEGS)].mean() >= LEGS_SEEN
    return canonicalise(place_root(joints @ level.T, path @ level.T, FPS, is_static, bool(legs_seen)), FPS)


def make_report(track: PoseTrack, tracker: PoseTracker, poses: list, size: tuple[int, int], is_static: bool) -> dict:
    """How far to trust a motion, without the seconds that it took."""
    visibility = float(track.visibility[:, list(BODY)].mean())
    legs = float(track.visibility[:, list(LEGS)].mean())
    report = {
        "coverage": round(track.coverage, 4),
        "span_s": [round(float(track.times[0]), 3), round(float(track.times[-1]), 3)],
        "visibility": round(visibility, 3),
        "leg_visibility": round(legs, 3),
        "static_camera": is_static,
        "redetections": tracker.redetections,
        "people": list_people(tracker, size),
        "warnings": [],
    }
    report["warnings"] = warnings_of(report, track, poses)
    return report


def list_people(tracker: PoseTracker, size: tuple[int, int]) -> list[dict]:
    """Everybody in the frame in which the followed person was found: number, box as shares of width and height, followed."""
    height, width = size
    people = []
    for index, pose in enumerate(tracker.people):
        box = np.clip(pose.box / [width, height, width, height], 0, 1)
        people.append({"person": index + 1, "box": box.round(3).tolist(), "followed": index == tracker.chosen})
    return people


def warnings_of(report: dict, track: PoseTrack, poses: list) -> list[str]:
    """What the user should know, as sentences."""
    warnings = []
    if report["leg_visibility"] < LOW_LEGS:
        warnings.append(
            f"The legs are hardly seen (visibility {report['leg_visibility']:.2f}): their motion, steps and way are guessed."
        )
    if report["redetections"] > MANY_REDETECTIONS * len(poses):
        warnings.append(f"The person was lost and searched for in {report['redetections']} of {len(poses)} frames.")
    if report["visibility"] < LOW_VISIBILITY:
        warnings.append(f"Much of the body is hidden (visibility {report['visibility']:.2f}).")
    if report["coverage"] < LOW_COVERAGE:
        warnings.append(f"The person is seen in {100 * report['coverage']:.0f} % of the frames only.")
    if len(track.frames) < 0.9 * report["coverage"] * len(poses):
        first, last = report["span_s"]
        warnings.append(
            f"The video is cut or shows several people in turn: the motion covers {first:.1f} to {last:.1f} s of it."
        )
    if not report["static_camera"]:
        warnings.append("The camera moves: the way is right only as far as it turns on the spot.")
    if len(report["people"]) > 1:
        followed = next((each["person"] for each in report["people"] if each["followed"]), 1)
        warnings.append(f"{len(report['people'])} people are seen; person {followed} is followed.")
    return warnings


def shares_of(pose: Pose, size: tuple[int, int]) -> np.ndarray:
    """Landmarks `(33, 3)`: x and y as shares of width and height, and visibility."""
    height, width = size
    return np.concatenate([pose.points / [width, height], pose.visibility[:, None]], axis=1).astype(np.float32)
