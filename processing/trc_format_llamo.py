# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""TRC recordings of labelled markers (OpenSim, Cortex, OpenCap, Pose2Sim): text to points, and points to a motion."""

import array
import re

import numpy as np

from .joints_format_llamo import check_fps, choose_fps
from .marker_motion_llamo import markers_motion, said_units
from .motion_errors_llamo import MotionFormatError
from .motion_source_llamo import MotionSource, ReadOptions
from .raw_motion_llamo import RawMotion


MAX_MARKERS = 3_000
MAX_NUMBER = 1e9
MAX_HEADER_BYTES = 1 << 20
CONVERT = "Export the markers as TRC again (OpenSim, Cortex and Pose2Sim write it), or as C3D."


def is_trc(source: MotionSource) -> bool:
    """True for text that begins with PathFileType."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s*PathFileType\b", source.data[:64]) is not None


def read_trc_motion(source: MotionSource, options: ReadOptions) -> RawMotion:
    """A TRC file to a motion."""
    assumed: list[str] = []
    names, points, rate, unit = read_trc(source.data, source.where, options)
    file_fps = check_fps(rate, f"{source.where}, DataRate") if rate and options.fps is None else None
    fps = choose_fps(file_fps, options, assumed, 100.0)
    units = said_units(unit, assumed, source.where)
    # OpenSim is Y up; what comes straight from a camera system is often Z up.
    return markers_motion(names, points, fps, "trc", options, source.where, assumed, units=units, likely_up="+y")


def read_trc(data: bytes, where: str, options: ReadOptions) -> tuple[list[str], np.ndarray, float, str]:
    """A TRC file in memory.

    Returns:
        marker names; points `(num_frames, num_markers, 3)` float64 in file units, NaN where a cell is empty; frames per
        second, 0 where the file has none; the unit as written.

    Raises:
        MotionFormatError: no TRC, or a row whose cells do not fit the header.
    """

    def fail(expected: str, got: str, number: int):
        raise MotionFormatError(expected, got, f"{where}, line {number}", CONVERT)

    lines = _lines(data)
    head: list[str] = []
    for line in lines:
        head.append(line)
        if len(head) == 5:
            break
    if len(head) < 5 or sum(map(len, head)) > MAX_HEADER_BYTES:
        fail("five lines of header", f"{len(head)}", len(head))
    keys, values = head[1].split(), head[2].split()
    header = {key.lower(): value for key, value in zip(keys, values)}
    names = [name.strip() for name in head[3].strip("\r\n").split("\t") if name.strip()]
    if len(names) < 3 and "\t" not in head[3]:
        names = head[3].split()
    names = names[2:]  # Frame# and Time
    if not 0 < len(names) <= MAX_MARKERS:
        fail(f"1 to {MAX_MARKERS:,} names of markers after Frame# and Time", f"{len(names):,}", 4)
    width = 3 * len(names)
    rows, times = array.array("d"), []
    for number, line in enumerate(lines, 6):
        if not line.strip():
            continue
        cells = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
        cells = [cell.strip() for cell in cells]
        while len(cells) > width + 2 and not cells[-1]:
            cells.pop()
        if len(cells) > width + 2:
            fail(f"{width + 2} cells, three for each of {len(names)} markers", f"{len(cells)}", number)
        cells += [""] * (width + 2 - len(cells))  # empty cells at the end are often left out
        try:
            row = [float(cell) if cell else np.nan for cell in cells[1:]]
        except ValueError:
            bad = next(cell for cell in cells[1:] if cell and not _is_number(cell))
            fail("a number", repr(bad[:40]), number)
        times.append(row[0])
        rows.extend(row[1:])
        if len(times) > options.max_frames or len(rows) * 8 > options.max_bytes:
            options.check_frames(len(times), where)
            fail(f"at most {options.max_bytes:,} bytes of numbers", "more", number)
    points = np.frombuffer(rows, dtype=np.float64).reshape(len(times), len(names), 3).copy()
    points[~(np.abs(points) <= MAX_NUMBER)] = np.nan
    points[(points == 0).all(-1)] = np.nan  # how many programs write a marker that was not seen
    rate = float(header["datarate"]) if _is_number(header.get("datarate", "")) else 0.0
    if not 0.1 <= rate <= 10_000:
        steps = np.diff(np.array(times))
        step = float(np.median(steps)) if len(steps) else 0.0
        rate = 1.0 / step if np.isfinite(step) and 1e-4 <= step <= 10 else 0.0
    return names, points, rate, header.get("units", "")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _lines(data: bytes, piece: int = 1 << 20):
    """The lines of a file, without holding all of them at once."""
    start = 3 if data[:3] == b"\xef\xbb\xbf" else 0
    while start < len(data):
        end = data.find(b"\n", start + piece)
        end = len(data) if end < 0 else end + 1
        yield from data[start:end].decode("utf-8", errors="replace").splitlines()
        start = end
