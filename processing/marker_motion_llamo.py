# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Labelled markers in space (C3D, TRC) to a motion: which are the person's, what is missing, and where the joints are."""

import re

import numpy as np

from .joint_completion_llamo import complete_joints
from .joint_map_llamo import EXAMPLE
from .marker_sets_llamo import find_marker_set, joints_from_landmarks, missing_joints
from .motion_errors_llamo import MotionFormatError
from .motion_frame_llamo import UNITS, unit_scale
from .motion_source_llamo import ReadOptions
from .raw_motion_llamo import RawMotion, joints_motion
from .skeleton_mapping_llamo import find_sources


MAX_GAP_SECONDS = 0.25  # longer gaps hide a step or a swing; lines over them would be invented motion
MIN_KEPT = 0.5  # of the frames, where the first and last ones lack markers
# Names of what Vicon and Visual3D write beside markers: no points in space.
NO_POINTS = re.compile(
    r"(angles?|forces?|moments?|powers?|scalars?|grf|cop|ratio|velocity|acceleration|emg)\d*$|^(fp|forceplate|force)\d*$",
    re.IGNORECASE,
)


def markers_motion(
    names: list[str],
    points: np.ndarray,
    fps: float,
    kind: str,
    options: ReadOptions,
    where: str,
    assumed: list[str],
    *,
    units: str | None = None,
    likely_up: str | None = None,
) -> RawMotion:
    """Markers to a motion.

    Args:
        names (`list[str]`): of the markers, subjects ("Anna:LASI") included.
        points (`np.ndarray` of shape `(num_frames, num_markers, 3)`): file units; NaN where a marker was not seen.
        fps (`float`): frames per second.
        kind (`str`): the format's name.
        assumed (`list[str]`): what the reader has guessed so far.
        units (`str`, *optional*): of the points, as the file says.
        likely_up (`str`, *optional*): the axis that the file or its kind calls up.

    Raises:
        MotionFormatError: an unknown marker set, long gaps, or joints that are not a person's.
    """
    options.check_frames(len(points), where)
    # A marker that is hardly ever there is none; a ghost of one frame must not stand for a landmark.
    seen = np.isfinite(points).all(-1).mean(0) if len(points) else np.zeros(len(names))
    keep = [i for i, name in enumerate(names) if seen[i] > 0.2 and not NO_POINTS.search(name)]
    unit = options.units if options.units is not None else units
    scale = 0.001 if unit is None else unit_scale(unit, where)[0]
    nodes = {}
    if options.joint_map:
        ends = np.zeros(len(names), dtype=bool)
        nodes = {ours: find_sources(wanted, names, ends, where, ours) for ours, wanted in options.joint_map.items()}
    subject, own = _choose_subject(names, keep, assumed)
    marker_set, found, missing = find_marker_set([names[i] for i in own])
    if marker_set is None and not nodes:
        raise MotionFormatError(
            "a marker set that LLaMo knows",
            (f"one without {', '.join(missing)}" if missing else "unknown names")
            + f"; markers: {', '.join(names[i] for i in keep[:80]) or 'none'}",
            where,
            "Say where the joints are with a joint map (--joint-map FILE.json), lists of markers are averaged. " + EXAMPLE,
        )
    landmarks = {landmark: own[at] for landmark, at in found.items()} if marker_set is not None else {}
    landmarks = _drop_poor(landmarks, names, points, fps, assumed)
    used = sorted({*landmarks.values(), *(node for which in nodes.values() for node in which)})
    values = fill_gaps(points[:, used], [names[i] for i in used], fps, where, assumed)
    column = {marker: at for at, marker in enumerate(used)}
    joints = joints_from_landmarks({name: values[:, column[at]] for name, at in landmarks.items()}, scale) if landmarks else {}
    joints |= {ours: values[:, [column[n] for n in which]].mean(1) for ours, which in nodes.items()}
    completed, notes = complete_joints(joints, where)
    skeleton = "by joint map" if marker_set is None else f"markers: {marker_set.name}"
    if subject:
        skeleton += f" of {subject}"
    assumed.append("joints placed inside the body from markers on the skin" if landmarks else "joints as the joint map says")
    motion = joints_motion(
        completed,
        fps,
        kind,
        options,
        where,
        assumed + notes,
        source_joints=len(keep),
        skeleton=skeleton,
        may_mirror=False,
        scale=units,
        likely_up=likely_up,
    )
    motion.source_frames = len(points)
    return motion


def _choose_subject(names: list[str], keep: list[int], assumed: list[str]) -> tuple[str, list[int]]:
    """The subject ("Anna" of "Anna:LASI") with the most landmarks, and its markers."""
    groups: dict[str, list[int]] = {}
    for i in keep:
        groups.setdefault(names[i].rsplit(":", 1)[0] if ":" in names[i] else "", []).append(i)
    if len(groups) < 2:
        return "", keep
    sizes = {}
    for subject, which in groups.items():
        marker_set, found, _ = find_marker_set([names[i] for i in which])
        sizes[subject] = (marker_set is not None, len(found))
    best = max(sizes, key=sizes.get)
    people = [subject for subject, (whole, _) in sizes.items() if whole]
    if len(people) > 1:
        assumed.append(f"the file holds {len(people)} people ({', '.join(people[:5])}); {best or 'the unnamed one'} is read")
    return best, groups[best]


def _drop_poor(found: dict[str, int], names: list[str], points: np.ndarray, fps: float, assumed: list[str]) -> dict[str, int]:
    """Landmarks -> markers without those that are missing for long and that others can stand for."""
    kept = dict(found)
    there = np.isfinite(points).all(-1)
    longest = MAX_GAP_SECONDS * fps
    dropped = []
    for landmark, marker in found.items():
        good = np.flatnonzero(there[:, marker])
        edges = max(good[0], len(there) - 1 - good[-1]) if len(good) else len(there)
        poor = edges > longest or np.diff(good).max(initial=1) - 1 > longest
        others = {name: at for name, at in kept.items() if name != landmark}
        if poor and not missing_joints(others):
            kept = others
            dropped.append(names[marker])
    if dropped:
        assumed.append(f"{', '.join(dropped)} left out: missing for too long, and other markers tell")
    return kept


def fill_gaps(points: np.ndarray, names: list[str], fps: float, where: str, assumed: list[str]) -> np.ndarray:
    """Straight lines over short gaps; first and last frames in which markers are missing are left out.

    Args:
        points (`np.ndarray` of shape `(num_frames, num_markers, 3)`): NaN where a marker was not seen.

    Returns:
        `(num_kept, num_markers, 3)` float64 without gaps.

    Raises:
        MotionFormatError: gaps of more than MAX_GAP_SECONDS, or too few frames with all markers.
    """
    there = np.isfinite(points).all(-1)  # (num_frames, num_markers)
    num_frames = len(points)
    firsts, lasts = there.argmax(0), num_frames - 1 - there[::-1].argmax(0)
    first, last = (int(firsts.max()), int(lasts.min())) if there.any(0).all() else (0, -1)
    if last - first + 1 < max(1, MIN_KEPT * num_frames):
        worst = int((lasts - firsts + 1).argmin())
        raise MotionFormatError(
            "all needed markers through most of the recording",
            f"{names[worst]} only from frame {int(firsts[worst])} to {int(lasts[worst])} of {num_frames}",
            where,
            "Fill or relabel it in the capture software, or cut the recording to where the person is in the volume.",
        )
    if last - first + 1 < num_frames:
        assumed.append(f"frames {first} to {last} of {num_frames} read: before and after, markers are missing")
    values = points[first : last + 1].astype(np.float64)
    there = there[first : last + 1]
    longest, filled = max(1, round(MAX_GAP_SECONDS * fps)), 0
    for marker in np.flatnonzero(~there.all(0)):
        good = np.flatnonzero(there[:, marker])
        gaps = np.diff(good) - 1
        if gaps.max() > longest:
            at = int(good[gaps.argmax()]) + 1 + first
            raise MotionFormatError(
                f"gaps of at most {MAX_GAP_SECONDS} s",
                f"{names[marker]} missing for {gaps.max() / fps:.2f} s from frame {at} on ({at / fps:.2f} s)",
                where,
                "Fill the gap in the capture software, or cut the recording there.",
            )
        bad = np.flatnonzero(~there[:, marker])
        for axis in range(3):
            values[bad, marker, axis] = np.interp(bad, good, values[good, marker, axis])
        filled += len(bad)
    if filled:
        assumed.append(f"{filled} short gaps of markers filled with straight lines, frame by frame")
    return values


def said_units(word: str, assumed: list[str], where: str) -> str | None:
    """A unit as a file writes it, if it is one; else None, and the note says so."""
    try:
        name = unit_scale(word.strip(), where)[1] if word.strip() else ""
    except MotionFormatError:
        name = ""
    if name in UNITS:
        return name
    if word.strip():
        assumed.append(f"the file's unit {word.strip()[:20]!r} is none that LLaMo knows")
    return None
