# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Joint positions in NumPy files: `.npy` and `.npz`. No pickles; nothing is unpacked before its size is known."""

import io
import math
import zipfile
import zlib

import numpy as np

from .motion_errors_llamo import MotionFormatError


DEFAULT_FPS = 20.0  # the rate of HumanML3D and of LLaMo
MAX_FRAMES = 500_000
MAX_NUMBER = 1e9  # larger coordinates are damage, and their squares would overflow
NUM_JOINTS = 22
JOINT_KEYS = ("joints", "motion", "positions", "keypoints3d", "keypoints_3d", "joints3d", "joint_positions")
FPS_KEYS = ("fps", "frame_rate", "framerate", "mocap_frame_rate", "mocap_framerate")
SHAPES = "an array of shape (num_frames, 22, 3) or (num_frames, 66): positions of LLaMo's 22 joints"
SAVE = "Save the 22 joints (SMPL's first 22, in its order) with numpy.save or numpy.savez(joints=..., fps=...)."

# What the standard library raises on damaged, encrypted or unusual archives.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    KeyError,
)


def read_npy(data: bytes, *, where: str, max_bytes: int, max_frames: int = MAX_FRAMES) -> np.ndarray:
    """A `.npy` file in memory to joints of shape `(num_frames, 22, 3)`, float64, units and axes as they are.

    Raises:
        MotionFormatError: where the array is of another shape or kind, too large, cut off, or not finite.
    """
    return as_joints(_read_array(io.BytesIO(data), len(data), where, max_bytes, max_frames), where, max_frames)


def read_npz(data: bytes, *, where: str, max_bytes: int, max_frames: int = MAX_FRAMES) -> tuple[np.ndarray, float | None]:
    """A `.npz` file in memory to joints `(num_frames, 22, 3)` and its frame rate, None where it has none.

    The array is called `joints` (or `motion`, `positions`, `keypoints3d`), or is the only one of a fitting shape.

    Raises:
        MotionFormatError: as `read_npy`, and where there is no such array or the frame rate is no positive number.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = {info.filename.removesuffix(".npy"): info for info in archive.infolist() if info.filename.endswith(".npy")}
    except _ZIP_ERRORS as error:
        raise MotionFormatError(
            "a whole npz archive",
            f"a damaged one ({error})",
            where,
            "The file is cut off or damaged. Copy or save it again.",
        ) from None
    with archive:
        shapes = {}
        for name, info in list(entries.items())[:1000]:
            try:
                with archive.open(info) as stream:
                    shapes[name] = _read_header(stream, f"{where}, array {name!r}")[0]
            except MotionFormatError:
                # An array that cannot be read matters only if it is the one that is needed.
                shapes[name] = None
            except _ZIP_ERRORS:
                shapes[name] = None
        name = next((key for key in JOINT_KEYS if key in entries), None)
        if name is None:
            fitting = [key for key, shape in shapes.items() if shape is not None and _fits(shape)]
            if len(fitting) == 1:
                name = fitting[0]
        if name is None:
            listing = (
                ", ".join(f"{key} {shape if shape is not None else '(unreadable)'}" for key, shape in list(shapes.items())[:8])
                or "no arrays"
            )
            if {"poses", "trans"} <= set(entries):
                raise MotionFormatError(
                    "joint positions",
                    f"SMPL body parameters ({listing})",
                    where,
                    "Convert poses and trans to joint positions first. " + SAVE,
                )
            raise MotionFormatError(f"an array called 'joints': {SHAPES}", listing, where, SAVE)

        def load(key: str, limit_frames: int) -> np.ndarray:
            here = f"{where}, array {key!r}"
            try:
                with archive.open(entries[key]) as stream:
                    return _read_array(stream, entries[key].file_size, here, max_bytes, limit_frames)
            except MotionFormatError:
                raise
            except _ZIP_ERRORS as error:
                raise MotionFormatError(
                    "a whole array",
                    f"a damaged one ({error})",
                    here,
                    "The file is cut off or damaged. Copy or save it again.",
                ) from None

        joints = as_joints(load(name, max_frames), f"{where}, array {name!r}", max_frames)
        fps = None
        rate_key = next((key for key in FPS_KEYS if key in entries), None)
        if rate_key is not None:
            rate = load(rate_key, 1)
            if rate.size != 1:
                raise MotionFormatError(
                    "one number",
                    f"an array of shape {rate.shape}",
                    f"{where}, array {rate_key!r}",
                    "Save fps as one number.",
                )
            fps = check_fps(rate.reshape(-1)[0].item(), f"{where}, array {rate_key!r}")
    return joints, fps


def as_joints(array: np.ndarray, where: str, max_frames: int = MAX_FRAMES) -> np.ndarray:
    """Checks an array that should hold the 22 joints, and gives it as `(num_frames, 22, 3)` float64.

    Raises:
        MotionFormatError: where kind, shape or values do not fit.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise MotionFormatError("numbers", f"values of type {array.dtype}", where, SAVE)
    if not _fits(array.shape):
        got = f"shape {array.shape}"
        if array.ndim == 2 and array.shape[1] == 263:
            got += " (HumanML3D's 263 features)"
        elif array.ndim == 3 and array.shape[2] == 3:
            got += f" ({array.shape[1]} joints)"
        raise MotionFormatError(SHAPES, got, where, SAVE)
    if array.ndim == 2 and array.shape == (NUM_JOINTS, 3):
        array = array[None]
    if array.shape[0] < 1:
        raise MotionFormatError("at least one frame", "none", where, "A motion needs at least one frame.")
    if array.shape[0] > max_frames:
        raise MotionFormatError(
            f"at most {max_frames:,} frames",
            f"{array.shape[0]:,}",
            where,
            "Cut the motion into shorter files, or raise `max_frames`.",
        )
    joints = array.astype(np.float64).reshape(-1, NUM_JOINTS, 3)
    bad = ~(np.abs(joints) <= MAX_NUMBER)
    if bad.any():
        frame, joint, _ = (int(i) for i in np.argwhere(bad)[0])
        raise MotionFormatError(
            f"finite numbers up to {MAX_NUMBER:g}",
            f"{joints[frame, joint].tolist()} and {int(bad.sum()) - 1} more"
            if bad.sum() > 1
            else f"{joints[frame, joint].tolist()}",
            f"{where}, frame {frame}, joint {joint}",
            "Fill the gap from its neighbours, or cut those frames out.",
        )
    return joints


def check_fps(fps: float, where: str) -> float:
    """A frame rate that can be one: 0.1 to 10,000 per second."""
    try:
        rate = float(fps)
    except (TypeError, ValueError):
        rate = math.nan
    if not 0.1 <= rate <= 10_000:
        raise MotionFormatError(
            "frames per second between 0.1 and 10,000",
            f"{fps!r}",
            where,
            "Pass the rate at which the motion was recorded, for example fps=30.",
        )
    return rate


def _fits(shape: tuple[int, ...]) -> bool:
    return (len(shape) == 3 and shape[1:] == (NUM_JOINTS, 3)) or (
        len(shape) == 2 and (shape[1] == NUM_JOINTS * 3 or shape == (NUM_JOINTS, 3))
    )


def _read_header(stream, where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        version = np.lib.format.read_magic(stream)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = reader(stream, max_header_size=4096)
    except MotionFormatError:
        raise
    except Exception as error:  # a header is a Python literal: anything may stand there
        raise MotionFormatError(
            "a NumPy array", f"a damaged header ({str(error)[:80]})", where, "The file is cut off or damaged. " + SAVE
        ) from None
    if dtype.hasobject:
        raise MotionFormatError(
            "plain numbers", "a pickled object array", where, "Pickles can run code and are never opened. " + SAVE
        )
    return shape, fortran, dtype


def _read_array(stream, size: int, where: str, max_bytes: int, max_frames: int) -> np.ndarray:
    """One array out of a stream of `size` bytes. Its declared shape is checked before its values are read."""
    shape, fortran, dtype = _read_header(stream, where)
    if any(n < 0 for n in shape):
        raise MotionFormatError("a shape without negative numbers", f"{shape}", where, SAVE)
    if shape and _fits(shape) and shape[0] > max_frames:
        raise MotionFormatError(
            f"at most {max_frames:,} frames",
            f"{shape[0]:,}",
            where,
            "Cut the motion into shorter files, or raise `max_frames`.",
        )
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes > max_bytes:
        raise MotionFormatError(
            f"at most {max_bytes:,} bytes",
            f"{nbytes:,} (shape {shape}, {dtype})",
            where,
            "Cut the motion into shorter files, or raise `max_bytes`.",
        )
    if nbytes > size:
        raise MotionFormatError(
            f"{nbytes:,} bytes of values (shape {shape}, {dtype})",
            f"{size:,} in the whole file",
            where,
            "The file is cut off. Copy or save it again.",
        )
    values = stream.read(nbytes)
    if len(values) < nbytes:
        raise MotionFormatError(
            f"{nbytes:,} bytes of values (shape {shape}, {dtype})",
            f"{len(values):,}",
            where,
            "The file is cut off. Copy or save it again.",
        )
    return np.frombuffer(values, dtype=dtype).reshape(shape, order="F" if fortran else "C")
