# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""C3D files: bytes to labelled points and the parameters beside them (c3d.org's format description; points only).

Why not a library: files come from strangers, and ezc3d 1.7.2 ends the whole process with a segmentation fault on about
every seventh damaged file. Here every count is checked against the size of the file before it is used; ezc3d is the
reference in the tests.
"""

import struct
from dataclasses import dataclass

import numpy as np

from .motion_errors_llamo import MotionFormatError


BLOCK = 512
MAX_POINTS = 20_000
INTEL, DEC, MIPS = 84, 85, 86
MAX_NUMBER = 1e9
CONVERT = "Export the C3D again from its software, or export the markers as TRC."


@dataclass
class C3dFile:
    """Points of a C3D file.

    Attributes:
        labels (`list[str]`): one per point.
        points (`np.ndarray` of shape `(num_frames, num_points, 3)`): float32, file units; NaN where a point was not seen.
        rate (`float`): frames per second; 0 where the file has none.
        parameters (`dict[str, object]`): "POINT:UNITS" -> list of strings, or array of numbers.
    """

    labels: list[str]
    points: np.ndarray
    rate: float
    parameters: dict[str, object]

    def words(self, name: str) -> list[str]:
        """A parameter of text, [] where there is none."""
        value = self.parameters.get(name)
        return value if isinstance(value, list) else []


def looks_like_c3d(data: bytes) -> bool:
    """True where the second byte is 0x50 and the parameter section is there with a known processor."""
    if len(data) < 2 * BLOCK or data[1] != 0x50:
        return False
    at = (data[0] - 1) * BLOCK
    return data[0] > 0 and at + 4 <= len(data) and data[at + 3] in (INTEL, DEC, MIPS)


def read_c3d(data: bytes, *, where: str, max_frames: int, max_bytes: int) -> C3dFile:
    """Reads a C3D file held in memory.

    Args:
        data (`bytes`): the whole file.
        where (`str`): its name, for messages.
        max_frames, max_bytes (`int`): longer files, and points that take more memory, are refused.

    Raises:
        MotionFormatError: damaged, cut off, or too large.
    """
    if not looks_like_c3d(data):
        raise MotionFormatError("a C3D file", "another one, or a damaged header", where, CONVERT)
    start = (data[0] - 1) * BLOCK
    processor = data[start + 3]
    order = ">" if processor == MIPS else "<"
    first, last = struct.unpack_from(order + "HH", data, 6)
    num_points, num_analog = struct.unpack_from(order + "HH", data, 2)
    scale, rate = (float(_floats(data[at : at + 4], processor)[0]) for at in (12, 20))
    (data_block,) = struct.unpack_from(order + "H", data, 16)
    parameters = _read_parameters(data, start, processor, where)

    def number(name: str) -> float | None:
        value = parameters.get(name)
        one = float(value.reshape(-1)[0]) if isinstance(value, np.ndarray) and value.size else None
        return one if one is not None and np.isfinite(one) else None

    # What parameters say comes before the header, whose 16 bits are too few for long files.
    used = number("POINT:USED")
    num_points = num_points if used is None else int(used) & 0xFFFF
    scale = number("POINT:SCALE") or scale
    rate = number("POINT:RATE") or rate
    data_block = data_block or int(number("POINT:DATA_START") or 0) & 0xFFFF
    if not 0 < num_points <= MAX_POINTS:
        raise MotionFormatError(f"1 to {MAX_POINTS:,} points", f"{num_points:,}", where, CONVERT)
    is_float = scale < 0
    word = 4 if is_float else 2
    if not np.isfinite(scale) or scale == 0 or abs(scale) > MAX_NUMBER:
        raise MotionFormatError("a scale of the points", f"{scale}", f"{where}, header", CONVERT)
    frame_words = 4 * num_points + num_analog
    begin = (data_block - 1) * BLOCK
    if data_block < 1 or begin >= len(data):
        raise MotionFormatError(
            "a block of data inside the file", f"block {data_block} of {len(data) // BLOCK}", f"{where}, header", CONVERT
        )
    available = (len(data) - begin) // (frame_words * word)
    num_frames = _count_frames(parameters, number, first, last, available)
    if num_frames < 1 or num_frames > available:
        raise MotionFormatError(
            f"{num_frames:,} frames of {num_points} points" if num_frames > 0 else "at least one frame",
            f"room for {available:,}" if num_frames > 0 else f"frames {first} to {last}",
            where,
            "The file is cut off or damaged. " + CONVERT,
        )
    if num_frames > max_frames or num_frames * num_points * 16 > max_bytes:
        raise MotionFormatError(
            f"at most {max_frames:,} frames and {max_bytes:,} bytes",
            f"{num_frames:,} frames of {num_points:,} points",
            where,
            "Cut the motion into shorter files, or raise `max_frames` and `max_bytes`.",
        )
    raw = data[begin : begin + num_frames * frame_words * word]
    table = _floats(raw, processor) if is_float else np.frombuffer(raw, dtype=order + "i2")
    table = table.reshape(num_frames, frame_words)[:, : 4 * num_points].reshape(num_frames, num_points, 4)
    points = table[..., :3].astype(np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        if not is_float:
            points *= np.float32(scale)
        # A negative fourth word marks a point that was not seen; many programs write zeros, or numbers beyond reason.
        unseen = ~(table[..., 3] >= 0) | ~(np.abs(points) <= MAX_NUMBER).all(-1) | (points == 0).all(-1)
    points[unseen] = np.nan

    labels = [label for name in ("LABELS", "LABELS2", "LABELS3") for label in _words(parameters.get(f"POINT:{name}"))]
    labels = [labels[i] if i < len(labels) and labels[i] else f"*{i}" for i in range(num_points)]
    return C3dFile(labels, points, rate if np.isfinite(rate) and rate > 0 else 0.0, parameters)


def _words(value) -> list[str]:
    return value if isinstance(value, list) else []


def _count_frames(parameters: dict, number, first: int, last: int, available: int) -> int:
    """Long files say their length in parameters; whoever says what the file has room for is believed."""
    candidates = []
    ends = [parameters.get(f"TRIAL:ACTUAL_{name}_FIELD") for name in ("START", "END")]
    if all(isinstance(end, np.ndarray) and end.size >= 2 and end.dtype.kind == "i" for end in ends):
        low, high = (int(end.reshape(-1)[0] & 0xFFFF) + (int(end.reshape(-1)[1] & 0xFFFF) << 16) for end in ends)
        candidates.append(high - low + 1)
    for name in ("POINT:LONG_FRAMES", "POINT:FRAMES"):
        count = number(name)
        if count is not None:
            candidates.append(int(count) & 0xFFFF if -0x8000 <= count < 0 else int(count))
    candidates.append(last - first + 1)
    fitting = [count for count in candidates if 0 < count <= available]
    return fitting[0] if fitting else candidates[-1]


def _read_parameters(data: bytes, start: int, processor: int, where: str) -> dict[str, object]:
    """The parameter section: a chain of groups and parameters, each of which says how far the next one is."""
    order = ">" if processor == MIPS else "<"
    end = min(len(data), start + max(1, data[start + 2]) * BLOCK)
    groups: dict[int, str] = {}
    found: list[tuple[int, str, object]] = []
    at = start + 4
    while at + 2 <= end:
        length, group = abs(struct.unpack_from("b", data, at)[0]), struct.unpack_from("b", data, at + 1)[0]
        name_end = at + 2 + length
        if length == 0 or group == 0 or name_end + 2 > end:
            break
        name = data[at + 2 : name_end].decode("latin-1").strip().upper()
        (step,) = struct.unpack_from(order + "H", data, name_end)
        body_end = min(end, name_end + step) if step else end
        if group < 0:
            groups[-group] = name
        else:
            value = _read_value(data, name_end + 2, body_end, processor)
            if value is not None:
                found.append((group, name, value))
        if step < 2:  # the last one; or a step that would not get on
            break
        at = name_end + step
    if not groups:
        raise MotionFormatError("groups of parameters", "none", f"{where}, parameter section", CONVERT)
    return {f"{groups.get(group, group)}:{name}": value for group, name, value in found}


def _read_value(data: bytes, at: int, end: int, processor: int):
    """Strings as a list, numbers as an array; None where the value does not fit into its place."""
    if at + 2 > end:
        return None
    kind, num_dims = struct.unpack_from("bB", data, at)
    if num_dims > 7 or at + 2 + num_dims > end or kind not in (-1, 1, 2, 4):
        return None
    dims = list(data[at + 2 : at + 2 + num_dims])
    count = int(np.prod(dims, dtype=np.int64)) if dims else 1
    at += 2 + num_dims
    raw = data[at : at + count * abs(kind)]
    if count * abs(kind) > end - at:
        return None
    if kind == -1:
        width = dims[0] if dims else 1
        if width == 0:
            return []
        return [raw[i : i + width].decode("latin-1").strip(" \0") for i in range(0, len(raw), width)]
    if kind == 4:
        return _floats(raw, processor)
    return np.frombuffer(raw, dtype="i1" if kind == 1 else (">i2" if processor == MIPS else "<i2")).astype(np.int64)


def _floats(raw: bytes, processor: int) -> np.ndarray:
    """Four-byte floats of the file's processor."""
    if processor == DEC:
        # VAX floats: words swapped, and four times as large as the same bits mean in IEEE 754.
        words = np.frombuffer(raw, dtype="<u2").reshape(-1, 2)[:, ::-1]
        return np.ascontiguousarray(words).view("<f4").reshape(-1) / 4.0
    return np.frombuffer(raw, dtype=">f4" if processor == MIPS else "<f4")
