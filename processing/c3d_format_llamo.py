# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""C3D recordings of labelled markers to a motion. Angles, forces, moments, powers and scalars among the points are skipped."""

import re

from .c3d_file_llamo import C3dFile, looks_like_c3d, read_c3d
from .joints_format_llamo import check_fps, choose_fps
from .marker_motion_llamo import markers_motion, said_units
from .motion_errors_llamo import MotionFormatError
from .motion_source_llamo import MotionSource, ReadOptions
from .raw_motion_llamo import RawMotion


DEFAULT_FPS = 100.0
# Parameters of the group POINT that list points which are no markers.
OTHER_POINTS = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS")


def is_c3d(source: MotionSource) -> bool:
    """True for a C3D header with a parameter section."""
    return looks_like_c3d(source.data)


def read_c3d_motion(source: MotionSource, options: ReadOptions) -> RawMotion:
    """A C3D file to a motion."""
    assumed: list[str] = []
    c3d = read_c3d(source.data, where=source.where, max_frames=options.max_frames, max_bytes=options.max_bytes)
    others = {name for group in OTHER_POINTS for name in c3d.words(f"POINT:{group}")}
    markers = [i for i, label in enumerate(c3d.labels) if label not in others]
    if not markers:
        raise MotionFormatError(
            "markers among the points", "angles and forces only", source.where, "Export the trajectories of the markers too."
        )
    file_fps = check_fps(c3d.rate, f"{source.where}, POINT:RATE") if c3d.rate and options.fps is None else None
    fps = choose_fps(file_fps, options, assumed, DEFAULT_FPS)
    units = said_units(next(iter(c3d.words("POINT:UNITS")), ""), assumed, source.where)
    names = [c3d.labels[i] for i in markers]
    return markers_motion(
        names, c3d.points[:, markers], fps, "c3d", options, source.where, assumed, units=units, likely_up=screen_up(c3d)
    )


def screen_up(c3d: C3dFile) -> str:
    """The axis that points up on the screen of the software, as the file says; Z where it does not, as in most labs."""
    word = next(iter(c3d.words("POINT:Y_SCREEN")), "").strip().lower()
    return word if re.fullmatch(r"[+-][xyz]", word) else "+z"
