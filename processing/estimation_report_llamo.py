# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""How far to trust an estimated motion: the report, and what the user should know."""

import numpy as np

from .pose_lifting_llamo import BODY, LEGS
from .pose_track_llamo import PoseTrack
from .pose_tracking_llamo import PoseTracker


LOW_COVERAGE, LOW_VISIBILITY, LOW_LEGS, MANY_REDETECTIONS = 0.8, 0.6, 0.6, 0.1
REPORT_KEYS = (
    "coverage", "span_s", "visibility", "leg_visibility", "static_camera", "redetections", "people", "seconds",
    "fps_processed", "warnings",
)  # fmt: skip


def make_report(track: PoseTrack, tracker: PoseTracker, num_frames: int, size: tuple[int, int], is_static: bool) -> dict:
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
    report["warnings"] = warnings_of(report, track, num_frames)
    return report


def list_people(tracker: PoseTracker, size: tuple[int, int]) -> list[dict]:
    """Everybody in the frame in which the followed person was found: number, box as shares of width and height, followed."""
    height, width = size
    people = []
    for index, pose in enumerate(tracker.people):
        box = np.clip(pose.box / [width, height, width, height], 0, 1)
        people.append({"person": index + 1, "box": box.round(3).tolist(), "followed": index == tracker.chosen})
    return people


def warnings_of(report: dict, track: PoseTrack, num_frames: int) -> list[str]:
    """What the user should know, as sentences."""
    warnings = []
    if report["leg_visibility"] < LOW_LEGS:
        warnings.append(
            f"The legs are hardly seen (visibility {report['leg_visibility']:.2f}): their motion, steps and way are guessed."
        )
    if report["redetections"] > MANY_REDETECTIONS * num_frames:
        warnings.append(f"The person was lost and searched for in {report['redetections']} of {num_frames} frames.")
    if report["visibility"] < LOW_VISIBILITY:
        warnings.append(f"Much of the body is hidden (visibility {report['visibility']:.2f}).")
    if report["coverage"] < LOW_COVERAGE:
        warnings.append(f"The person is seen in {100 * report['coverage']:.0f} % of the frames only.")
    if len(track.frames) < 0.9 * report["coverage"] * num_frames:
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
