# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Joints -> rates of every frame that add up to what happened: repetitions, steps, jumps, metres, turns, seconds of postures.

They are signals over time as the other features are. The model integrates them, over the whole motion and over the part that
a question is about, and reads the totals beside those of the rates it learned. A rule of geometry counts the same for every
body and every recording, which a network that has seen few people does not.
"""

import numpy as np

from .angles_llamo import PELVIS, body_frame
from .gait_llamo import find_jumps, find_steps
from .motion_features_llamo import heading_angles
from .motion_filters_llamo import BREATHING_BONES, bone_length_noise, moving_average
from .postures_llamo import LIMBS, POSTURES, posture_spans, raised_hand_spans, still_spans
from .repeated_parts_llamo import repeated_parts


RATE_NAMES = (
    "repetitions",  # of the movement that explains most of the motion
    "other_repetitions",  # of what repeats before or after it
    "left_steps",
    "right_steps",
    "jumps",
    "metres_ahead",
    "metres_back",
    "metres_left",
    "metres_right",
    "metres_up",
    "metres_down",
    "left_quarter_turns",
    "right_quarter_turns",
    *(f"{limb.replace(' ', '_')}_metres" for limb in LIMBS),  # of its end against its root
    "left_hand_above_head_seconds",
    "right_hand_above_head_seconds",
    *(f"{posture.replace(' ', '_')}_seconds" for posture in POSTURES),
    "still_seconds",
)
NUM_RATES = len(RATE_NAMES)
WAY_SECONDS, HEADING_SECONDS, LIMB_SECONDS = 0.25, 0.4, 0.12  # that are averaged, so that jitter does not add up
FEWEST_FRAMES = 3


def measure_rates(joints: np.ndarray, fps: float) -> np.ndarray:
    """The rates of RATE_NAMES, in their unit per frame: each column's sum is its total over the motion.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up, without gaps.
        fps: frames per second.

    Returns:
        `(num_frames, 26)` float32, never negative; zeros for fewer than three frames, which show no movement.
    """
    rates = np.zeros((len(joints), NUM_RATES))
    if len(joints) < FEWEST_FRAMES:
        return rates.astype(np.float32)
    joints = np.asarray(joints, dtype=np.float64)
    spread = bone_length_noise(joints)
    noise = spread / 2**0.5 if spread > BREATHING_BONES else 0.0
    column = {name: rates[:, index] for index, name in enumerate(RATE_NAMES)}
    _events(column, joints, fps, noise)
    _way(column, joints, fps)
    body = moving_average(body_frame(joints), int(round(LIMB_SECONDS * fps)) | 1)
    for limb, (end, root) in LIMBS.items():
        column[f"{limb.replace(' ', '_')}_metres"][1:] = np.linalg.norm(np.diff(body[:, end] - body[:, root], axis=0), axis=1)
    for side, spans in raised_hand_spans(joints, fps).items():
        _mark(column[f"{side}_hand_above_head_seconds"], spans, fps)
    for name, start, end in posture_spans(joints, fps):
        _mark(column[f"{name.replace(' ', '_')}_seconds"], [(start, end)], fps)
    _mark(column["still_seconds"], still_spans(joints, fps, noise), fps)
    return rates.astype(np.float32)


def _events(column: dict[str, np.ndarray], joints: np.ndarray, fps: float, noise: float) -> None:
    """What is counted, each event spread evenly over the time it takes."""
    steps, jumps = find_steps(joints, fps, noise), find_jumps(joints, fps)
    for step in steps:
        _spread(column[f"{step.side}_steps"], step.start, step.end)
    for jump in jumps:
        _spread(column["jumps"], jump.start, jump.end)
    for index, part in enumerate(repeated_parts(joints, fps, noise, steps, jumps)):
        for item in part.cut.items:
            _spread(column["other_repetitions" if index else "repetitions"], part.offset + item.start, part.offset + item.end)


def _way(column: dict[str, np.ndarray], joints: np.ndarray, fps: float) -> None:
    """The pelvis's way as the body sees it, and its turns."""
    moved = np.diff(moving_average(joints[:, PELVIS], int(round(WAY_SECONDS * fps)) | 1), axis=0)
    heading = moving_average(heading_angles(joints), int(round(HEADING_SECONDS * fps)) | 1)
    sine, cosine = np.sin(heading[:-1]), np.cos(heading[:-1])
    ahead, left = moved[:, 0] * sine + moved[:, 2] * cosine, moved[:, 0] * cosine - moved[:, 2] * sine
    turned = np.diff(heading) / (np.pi / 2)
    for positive, negative, values in (
        ("metres_ahead", "metres_back", ahead),
        ("metres_left", "metres_right", left),
        ("metres_up", "metres_down", moved[:, 1]),
        ("left_quarter_turns", "right_quarter_turns", turned),
    ):
        column[positive][1:], column[negative][1:] = np.maximum(values, 0.0), np.maximum(-values, 0.0)


def _spread(column: np.ndarray, start: float, end: float) -> None:
    """Adds 1 to the column, spread evenly over `start` to `end` in fractional frames."""
    start = min(max(start, 0.0), len(column) - 1.0)
    end = min(max(end, start + 1.0), float(len(column)))
    column += np.diff(np.clip((np.arange(len(column) + 1) - start) / (end - start), 0.0, 1.0))


def _mark(column: np.ndarray, spans: list[tuple[int, int]], fps: float) -> None:
    """Seconds that pass within half-open frame spans."""
    for start, end in spans:
        column[start:end] = 1.0 / fps
