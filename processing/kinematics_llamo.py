# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Joints -> measured numbers: way, speed, turns, jumps, steps, repetitions, angles, symmetry, postures.

>>> measured = measure_motion(joints, fps=30.0)
>>> measured["repetitions"]["count"], measured["angles"]["left_knee"]["range_deg"]

Nothing here is learnt and nothing is guessed: what joints cannot tell is `None`, with the reason under `notes`. Each
quantity's rule stands with its function, in angles_llamo.py, gait_llamo.py, postures_llamo.py and repetitions_llamo.py;
the filters in motion_filters_llamo.py.
"""

from typing import Any

import numpy as np

from .angles_llamo import (
    LEFT_HIP,
    LEFT_SHOULDER,
    PELVIS,
    RIGHT_HIP,
    RIGHT_SHOULDER,
    SIDED_ANGLES,
    joint_angles,
    trunk_leans,
    trunk_vector,
    unit_vectors,
)
from .gait_llamo import cadence, find_jumps, find_steps, flights, stride_lengths
from .motion_features_llamo import HEADING_MIN_WIDTH, NUM_JOINTS, heading_angles, resample
from .motion_filters_llamo import bone_length_noise, fill_gaps, join_spans, low_pass, moving_average, true_spans
from .postures_llamo import limb_paths, posture_spans, raised_hand_spans, still_spans
from .repeated_parts_llamo import is_travelling, repeated_part
from .repetition_signals_llamo import METRES_PER_DEGREE


# Events are looked for at a rate of this order; faster recordings are averaged down to it.
EVENT_FPS = 30.0
FASTEST_EVENT_FPS = 40.0
PATH_SECONDS = 0.25  # over which the pelvis's way is averaged, so that sway and jitter do not become path
SPEED_SECONDS = 0.3
HEADING_SECONDS = 0.4
TURN_RATE = 30.0  # deg/s, above which the body is turning
LEAST_TURN = 30.0  # deg
LEAST_RANGE = 10.0  # deg; joints that move less say nothing about symmetry


def measure_motion(joints: np.ndarray, fps: float, smoothing: str = "auto") -> dict[str, Any]:
    """Everything that is measured on one motion, in plain numbers that JSON can hold.

    Args:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): metres, right-handed, Y up; NaN where a joint was not seen.
        fps (`float`): frames per second.
        smoothing (`str`): "auto", "butterworth", "savgol" or "none"; see motion_filters_llamo.py.

    Returns:
        `seconds` (first frame to last), `distance_m` (start to end over ground), `path_m` (along the way), `speed_mean_m_s`,
        `speed_peak_m_s` (of the pelvis over ground), `turn_deg` (net, left positive), `jumps`, `steps`, `repetitions` (what
        a walk repeats are steps), `angles` (definitions in angles_llamo.py), `symmetry` (1: both sides have the same ranges
        of motion), `postures`, `notes` (field -> why it is None, or what else to know), and `more`: the filter used, turns,
        stride, stillness, limbs, hands above the head, feet off the ground, drift over the repetitions.

    Raises:
        ValueError: joints of another shape, too many missing ones, or an impossible frame rate.
        ImportError: a filter is needed and scipy is not installed.
    """
    joints, filled = _checked(joints, fps)
    spread = bone_length_noise(joints)
    joints, filter_used = low_pass(joints, fps, smoothing, spread)
    noise = spread / 2**0.5 if filter_used != "none" else 0.0
    events, rate = _at_event_rate(joints, fps)
    notes: dict[str, str] = {}
    more: dict[str, Any] = {"filter": filter_used, "bone_length_sd_m": round(spread, 4), "filled_frames": int(filled.sum())}
    steps = find_steps(events, rate, noise)
    jumps = find_jumps(events, rate)
    result: dict[str, Any] = {"seconds": round(max(len(joints) - 1, 0) / fps, 3)}
    result.update(_way(joints, fps, notes))
    result["turn_deg"], more["turns"] = _turns(joints, fps, notes)
    result["jumps"] = [
        {
            "start_s": _seconds(jump.start, rate),
            "flight_s": _seconds(jump.end - jump.start, rate),
            "height_m": round(jump.height, 3),
        }
        for jump in jumps
    ]
    result["steps"] = _steps(steps, events, rate, notes, more)
    result["repetitions"] = _repetitions(events, rate, noise, steps, jumps, notes, more)
    result["angles"], result["symmetry"] = _angles(joints, notes, more)
    result["postures"] = [
        {"name": name, **_span(start, end, rate, len(events))} for name, start, end in posture_spans(events, rate)
    ]
    if not result["postures"]:
        notes["postures"] = "no posture's rule was clearly met for 0.3 s"
    more["still"] = [_span(start, end, rate, len(events)) for start, end in still_spans(events, rate, noise)]
    more["hand_above_head"] = {
        side: [_span(*span, rate, len(events)) for span in spans] for side, spans in raised_hand_spans(events, rate).items()
    }
    more["off_ground"] = [_span(*span, rate, len(events)) for span in flights(events, rate)]
    more["limbs"] = _limbs(events, rate)
    result["notes"], result["more"] = notes, more
    return result


def _checked(joints: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Joints as float64 without gaps, and the frames that had some."""
    joints = np.asarray(joints)
    if joints.ndim != 3 or joints.shape[1:] != (NUM_JOINTS, 3) or len(joints) == 0 or joints.dtype.kind not in "fiu":
        raise ValueError(
            f"Expected joints of shape (num_frames, {NUM_JOINTS}, 3) in metres, got {joints.shape} of {joints.dtype} "
            "in measure_motion. Read the file with read_motion, which maps its skeleton."
        )
    if not (np.isfinite(fps) and fps > 0):
        raise ValueError(f"Expected a positive fps, got {fps} in measure_motion. Pass the recording's frames per second.")
    return fill_gaps(joints, fps)


def _at_event_rate(joints: np.ndarray, fps: float) -> tuple[np.ndarray, float]:
    if fps <= FASTEST_EVENT_FPS or len(joints) < 2:
        return joints, float(fps)
    return resample(joints, fps, EVENT_FPS).astype(np.float64), EVENT_FPS


def _seconds(frames: float, fps: float) -> float:
    return round(float(frames) / fps, 3)


def _span(start: int, end: int, fps: float, num_frames: int) -> dict[str, float]:
    """A half-open frame span as times of its first and last frame."""
    return {"start_s": _seconds(start, fps), "end_s": _seconds(min(end, num_frames - 1), fps)}


def _way(joints: np.ndarray, fps: float, notes: dict[str, str]) -> dict[str, float | None]:
    """Distance, path and speeds of the pelvis over ground."""
    ground = joints[:, PELVIS][:, [0, 2]]
    distance = float(np.linalg.norm(ground[-1] - ground[0]))
    if len(joints) < 2:
        for name in ("speed_mean_m_s", "speed_peak_m_s"):
            notes[name] = "a single frame has no speed"
        return {"distance_m": 0.0, "path_m": 0.0, "speed_mean_m_s": None, "speed_peak_m_s": None}
    smooth = moving_average(ground, int(round(PATH_SECONDS * fps)) | 1)
    path = float(np.linalg.norm(np.diff(smooth, axis=0), axis=1).sum())
    speed = np.linalg.norm(np.gradient(moving_average(ground, int(round(SPEED_SECONDS * fps)) | 1), 1 / fps, axis=0), axis=1)
    return {
        "distance_m": round(distance, 3),
        "path_m": round(max(path, distance), 3),
        "speed_mean_m_s": round(max(path, distance) * fps / (len(joints) - 1), 3),
        "speed_peak_m_s": round(float(speed.max()), 3),
    }


def _turns(joints: np.ndarray, fps: float, notes: dict[str, str]) -> tuple[float | None, list[dict]]:
    """Net turn of hips and shoulders, degrees, and the spans in which the body turns."""
    upright = unit_vectors(trunk_vector(joints))[:, 1]
    left = joints[:, LEFT_HIP] - joints[:, RIGHT_HIP] + joints[:, LEFT_SHOULDER] - joints[:, RIGHT_SHOULDER]
    known = np.hypot(left[:, 0], left[:, 2]) > HEADING_MIN_WIDTH
    heading = np.degrees(heading_angles(joints))
    if (upright < 0.3).mean() > 0.2 or known.mean() < 0.9:
        notes["turn_deg"] = "the body is not upright, so that it faces nowhere"
        return None, []
    if len(heading) > 1 and float(np.abs(np.diff(heading)).max()) > 80.0:
        notes["turn_deg"] = "left and right change places between two frames: tracking was lost"
        return None, []
    smooth = moving_average(heading, int(round(HEADING_SECONDS * fps)) | 1)
    window = max(1, int(round(0.15 * fps)))
    net = float(heading[-window:].mean() - heading[:window].mean())
    turns = []
    if len(smooth) > 1:
        rate = np.gradient(smooth, 1.0 / fps)
        for sign, word in ((1, "left"), (-1, "right")):
            for start, end in join_spans(true_spans(sign * rate > TURN_RATE), int(0.2 * fps), 1):
                amount = float(smooth[min(end, len(smooth) - 1)] - smooth[start])
                if abs(amount) >= LEAST_TURN:
                    turns.append({"side": word, "turn_deg": round(amount, 1), **_span(start, end, fps, len(joints))})
    return round(net, 1), sorted(turns, key=lambda turn: turn["start_s"])


def _steps(steps, joints: np.ndarray, fps: float, notes: dict[str, str], more: dict[str, Any]) -> dict[str, Any]:
    per_minute = cadence(steps, fps)
    if per_minute is None:
        notes["steps.cadence_per_min"] = "fewer than three steps in a row"
    strides = stride_lengths(steps, joints, fps)
    more["stride_m"] = {"mean": round(float(np.mean(strides)), 3), "count": len(strides)} if strides else None
    if not strides:
        notes["more.stride_m"] = "no foot lands twice in a row of steps"
    more["step_landings"] = [{"side": step.side, "time_s": _seconds(step.end, fps)} for step in steps]
    return {"count": len(steps), "cadence_per_min": None if per_minute is None else round(per_minute, 1)}


def _repetitions(joints, fps, noise, steps, jumps, notes: dict[str, str], more: dict[str, Any]) -> dict[str, Any]:
    """Repetitions in whatever is no walk: the part with the best-explained movement."""
    more["repetition_unit"] = more["repetition_period_s"] = more["repetition_drift"] = None
    best = repeated_part(joints, fps, noise, steps, jumps)
    if best is None:
        notes["repetitions"] = (
            "the person walks or runs: see steps"
            if is_travelling(joints, steps, fps).any()
            else "nothing leaves a pose and comes back to it"
        )
        return {"count": 0, "signal": None, "items": []}
    offset, cut = best.offset, best.cut
    unit, scale = cut.signal.unit, METRES_PER_DEGREE if cut.signal.unit == "deg" else 1.0
    items = [
        {
            "start_s": _seconds(offset + item.start, fps),
            "end_s": _seconds(offset + item.end, fps),
            "amplitude": round(item.amplitude / scale, 3 if unit == "m" else 1),
        }
        for item in cut.items
    ]
    more["repetition_unit"] = unit
    if len(items) > 1:
        peaks = np.array([item.peak for item in cut.items]) / fps
        more["repetition_period_s"] = round(float(np.diff(peaks).mean()), 3)
        first, last = items[0], items[-1]
        more["repetition_drift"] = {
            "amplitude": round(last["amplitude"] - first["amplitude"], 3 if unit == "m" else 1),
            "seconds": round(last["end_s"] - last["start_s"] - first["end_s"] + first["start_s"], 3),
        }
    return {"count": len(items), "signal": cut.signal.name, "items": items}


def _angles(joints: np.ndarray, notes: dict[str, str], more: dict[str, Any]) -> tuple[dict[str, dict], float | None]:
    """Range of motion per joint and side, and how alike both sides' ranges are."""
    angles = joint_angles(joints)
    ranges = {}
    for name, values in angles.items():
        low, high = float(values.min()), float(values.max())
        ranges[name] = {"min_deg": round(low, 1), "max_deg": round(high, 1), "range_deg": round(high - low, 1)}
    for name, values in zip(("lean_forward", "lean_left"), trunk_leans(joints), strict=True):
        more[name] = {"min_deg": round(float(values.min()), 1), "max_deg": round(float(values.max()), 1)}
    pairs = [(ranges[f"left_{name}"]["range_deg"], ranges[f"right_{name}"]["range_deg"]) for name in SIDED_ANGLES]
    pairs = [pair for pair in pairs if max(pair) >= LEAST_RANGE]
    if not pairs:
        notes["symmetry"] = f"no joint moves through {LEAST_RANGE:g} degrees or more"
        return ranges, None
    difference = sum(abs(left - right) for left, right in pairs) / sum(max(pair) for pair in pairs)
    return ranges, round(1.0 - difference, 3)


def _limbs(joints: np.ndarray, fps: float) -> dict[str, Any]:
    """How far the end of each limb moves against its root, metres; the limb that moves most, and when."""
    paths, spans = limb_paths(joints, fps)
    most = max(paths, key=paths.__getitem__)
    return {
        "path_m": {limb: round(path, 2) for limb, path in paths.items()},
        "most": most if paths[most] > 0.3 else None,
        "most_at": _span(*spans[most], fps, len(joints)) if paths[most] > 0.3 else None,
    }
