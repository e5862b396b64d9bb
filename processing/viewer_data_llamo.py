# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Motions -> the data that the viewer of spaces_demo/viewer/ draws: small enough for a page, plain enough for JSON."""

import base64
from dataclasses import dataclass, field

import numpy as np

from .angles_llamo import joint_angles
from .kinematics_llamo import measure_motion
from .motion_features_llamo import JOINT_NAMES, PARENTS, canonicalise, resample
from .raw_motion_llamo import RawMotion


MAX_FPS = 60.0  # screens show no more, and the page is smaller
MAX_MOTIONS = 16
VERSION = 1  # of the data, see spaces_demo/viewer/motion_data.js
LAYOUTS = ("overlay", "side")
# Landmarks of the Motion Estimator that are drawn over a video, and the lines between them by side of the body.
DRAWN_LANDMARKS = (*range(11, 17), *range(23, 33))
LINES = {
    "left": ((11, 13), (13, 15), (11, 23), (23, 25), (25, 27), (27, 29), (29, 31), (27, 31)),
    "right": ((12, 14), (14, 16), (12, 24), (24, 26), (26, 28), (28, 30), (30, 32), (28, 32)),
    "trunk": ((11, 12), (23, 24)),
}
POINT_STEPS = 10_000  # of a picture's width, its height and full visibility


@dataclass
class ViewedMotion:
    """A motion as the page shows it.

    Attributes:
        name: shown to the reader; any text.
        joints: `(num_frames, 22, 3)` metres, Y up, floor at height 0.
        fps: frames per second of `joints`.
        notes: sentences on what was detected and assumed.
        angles: name -> `(num_frames,)` degrees.
        ticks: `{"time_s", "label"}` each, with `"end_s"` where it lasts, and `"kind"` (repetition, jump, posture).
        video: of a motion out of a video, what to show beside it: `"times"` in seconds of the motion, and `"images"`, data URLs
            of as many pictures; or `"film"`, the address of a video on the motion's clock. And `"seen"`, see `seen_person`.
    """

    name: str
    joints: np.ndarray
    fps: float
    notes: list[str] = field(default_factory=list)
    angles: dict[str, np.ndarray] = field(default_factory=dict)
    ticks: list[dict] = field(default_factory=list)
    video: dict | None = None


def limit_rate(joints: np.ndarray, fps: float) -> tuple[np.ndarray, float]:
    """Joints `(num_frames, 22, 3)` at MAX_FPS where they are faster; slower ones as they are."""
    if fps <= MAX_FPS * 1.01:
        return joints, fps
    return resample(joints, fps, MAX_FPS), MAX_FPS


def view_motion(raw: RawMotion, name: str, measured: dict | None = None) -> ViewedMotion:
    """A motion as it was read -> as it is shown: floor at 0, starting in the middle facing +Z, with what was measured in it.

    Args:
        raw: the motion.
        name: shown to the reader; any text.
        measured: what `measure_motion` found in it, where that is known already.
    """
    joints, fps = limit_rate(raw.joints, raw.fps)
    joints = canonicalise(joints, fps)
    notes = [f"{raw.format}, {raw.source_frames} frames at {raw.fps:g} per second, {raw.source_joints} joints", *raw.assumed]
    if fps != raw.fps:
        notes.append(f"shown at {MAX_FPS:g} frames per second")
    ticks = []
    try:
        ticks = ticks_of(measured or measure_motion(raw.joints, raw.fps))
    except ImportError as error:  # the filters need scipy; the page does without
        notes.append(f"events are not marked: {error}")
    notes.append("placed on the floor, starting in the middle and facing the viewer")
    return ViewedMotion(name, joints, fps, notes, joint_angles(joints), ticks, seen_person(raw))


def seen_person(raw: RawMotion) -> dict | None:
    """Where the person is in the frames of the video that a motion was estimated from; None where there was none.

    Returns:
        `"seen"`: `"times"` of these frames in seconds of the motion, rising; `"points"`, base64 of int16
        `(num_times, num_points, 3)`: x, y and visibility in POINT_STEPS of the picture's width, its height, and 1; visibility
        is -1 where the person is not seen; and `"lines"`, `[point, point, side]` each.
    """
    landmarks = getattr(raw, "landmarks", None)
    if landmarks is None or not len(landmarks):
        return None
    times = np.asarray(raw.times) - raw.start
    shown = (times > -1e-3) & (times < raw.seconds + 1 / MAX_FPS)
    points = np.asarray(landmarks, dtype=np.float64)[shown][:, list(DRAWN_LANDMARKS)]
    steps = np.rint(np.nan_to_num(points, nan=0.0).clip(-3, 3) * POINT_STEPS)
    steps[np.isnan(points).any(axis=2), 2] = -1
    place = {landmark: number for number, landmark in enumerate(DRAWN_LANDMARKS)}
    lines = [[place[start], place[end], side] for side, pairs in LINES.items() for start, end in pairs]
    return {"seen": {"times": times[shown].round(3).tolist(), "points": encode(steps.astype("<i2")), "lines": lines}}


def ticks_of(measured: dict) -> list[dict]:
    """What `llamo measure --json` found, as marks on the time bar: repetitions, jumps and postures."""
    ticks = []
    repetitions = measured.get("repetitions") or {}
    for number, item in enumerate(repetitions.get("items") or [], start=1):
        ticks.append(tick(f"Repetition {number}", "repetition", item["start_s"], item.get("end_s")))
    for number, jump in enumerate(measured.get("jumps") or [], start=1):
        height = f", {jump['height_m'] * 100:.0f} cm" if jump.get("height_m") is not None else ""
        end = jump["start_s"] + jump["flight_s"] if jump.get("flight_s") is not None else None
        ticks.append(tick(f"Jump {number}{height}", "jump", jump["start_s"], end))
    for posture in measured.get("postures") or []:
        ticks.append(tick(posture["name"].replace("_", " ").capitalize(), "posture", posture["start_s"], posture.get("end_s")))
    return sorted(ticks, key=lambda mark: mark["time_s"])


def tick(label: str, kind: str, start: float, end: float | None = None) -> dict:
    mark = {"time_s": round(float(start), 3), "label": label, "kind": kind}
    return mark if end is None else {**mark, "end_s": round(float(end), 3)}


def build_payload(motions: list[ViewedMotion], layout: str = "overlay", title: str | None = None) -> dict:
    """The page's data as spaces_demo/viewer/motion_data.js reads it.

    Raises:
        ValueError: no motion, too many, or an unknown layout.
    """
    if not 0 < len(motions) <= MAX_MOTIONS:
        raise ValueError(f"Expected 1 to {MAX_MOTIONS} motions in one page, got {len(motions)}. Make several pages.")
    if layout not in LAYOUTS:
        raise ValueError(f"Expected a layout out of {', '.join(LAYOUTS)}, got {layout!r}.")
    return {
        "version": VERSION,
        "title": title or ", ".join(motion.name for motion in motions),
        "layout": layout,
        "skeleton": {"names": JOINT_NAMES, "parents": PARENTS},
        "motions": [encode_motion(motion) for motion in motions],
    }


def encode_motion(motion: ViewedMotion) -> dict:
    """The pelvis in float32, the other joints against it in int16, angles in tenths of a degree; base64 of all.

    A step is the largest reach from the pelvis by 32767: 0.05 mm for a person.
    """
    joints = np.asarray(motion.joints, dtype=np.float64)
    root = joints[:, 0].astype("<f4")
    local = joints[:, 1:] - root[:, None]
    quantum = max(float(np.abs(local).max()), 1e-6) / 32767
    return {
        "name": motion.name,
        "fps": float(motion.fps),
        "frames": len(joints),
        "notes": motion.notes,
        "root": encode(root),
        "local": encode(np.rint(local / quantum).astype("<i2")),
        "quantum": quantum,
        "angles": {name: encode(np.rint(values * 10).astype("<i2")) for name, values in motion.angles.items()},
        "ticks": motion.ticks,
        **({} if motion.video is None else {"video": motion.video}),
    }


def encode(data: np.ndarray | bytes) -> str:
    return base64.b64encode(data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()).decode("ascii")
