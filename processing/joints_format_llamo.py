# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Joint positions in NumPy files: `.npy` and `.npz`. No pickles; nothing is unpacked before its size is known."""

import io
import math

import numpy as np

from .joint_completion_llamo import complete_joints
from .motion_errors_llamo import MotionFormatError
from .motion_source_llamo import MotionSource, ReadOptions
from .numpy_files_llamo import NumpyArchive, read_array
from .raw_motion_llamo import RawMotion, joints_motion
from .skeleton_mapping_llamo import find_sources


DEFAULT_FPS = 20.0  # the rate of HumanML3D and of LLaMo
MAX_FRAMES = 500_000
MAX_NUMBER = 1e9  # larger coordinates are damage, and their squares would overflow
NUM_JOINTS = 22
JOINT_KEYS = ("joints", "motion", "positions", "keypoints3d", "keypoints_3d", "joints3d", "joint_positions")
NAME_KEYS = ("names", "joint_names")
MAX_JOINTS = 3_000
FPS_KEYS = ("fps", "frame_rate", "framerate", "mocap_frame_rate", "mocap_framerate")
SHAPES = "an array of shape (num_frames, 22, 3) or (num_frames, 66): positions of LLaMo's 22 joints"
SAVE = "Save the 22 joints (SMPL's first 22, in its order) with numpy.save or numpy.savez(joints=..., fps=...)."


def is_joints_npz(source: MotionSource) -> bool:
    """True for every `.npz`: this reader stands last and says what is missing."""
    return source.data[:4] == b"PK\x03\x04"


def is_joints_npy(source: MotionSource) -> bool:
    """True for every `.npy`: this reader stands last and says what is missing."""
    return source.data[:6] == b"\x93NUMPY"


def read_joints_npz(source: MotionSource, options: ReadOptions) -> RawMotion:
    """A `.npz` file with the 22 joints, called `joints` (or as in JOINT_KEYS), and perhaps `fps`.

    With a joint map, an array `(num_frames, any, 3)`, and perhaps the joints' names as strings in `names` or `joint_names`.
    """
    if options.joint_map:
        return _read_mapped_npz(source, options)
    joints, fps = read_npz(source.data, where=source.where, max_bytes=options.max_bytes, max_frames=options.max_frames)
    return _to_motion(joints, fps, "npz", source, options)


def read_joints_npy(source: MotionSource, options: ReadOptions) -> RawMotion:
    """A `.npy` file with the 22 joints; with a joint map of numbers, an array `(num_frames, any, 3)`."""
    if options.joint_map:
        array = read_array(io.BytesIO(source.data), len(source.data), source.where, options.max_bytes, options.max_frames)
        return mapped_joints_motion(array, None, None, "npy", source.where, options)
    joints = read_npy(source.data, where=source.where, max_bytes=options.max_bytes, max_frames=options.max_frames)
    return _to_motion(joints, None, "npy", source, options)


def _read_mapped_npz(source: MotionSource, options: ReadOptions) -> RawMotion:
    archive = NumpyArchive(source.data, source.where, options.max_bytes)
    key = next((key for key in JOINT_KEYS if key in archive), None)
    if key is None:
        fitting = [key for key, shape in archive.shapes.items() if shape is not None and len(shape) == 3 and shape[2] == 3]
        if len(fitting) != 1:
            raise MotionFormatError(
                "one array called 'joints' of shape (num_frames, num_joints, 3)", archive.listing(), source.where, SAVE
            )
        key = fitting[0]
    names = None
    for name_key in NAME_KEYS:
        if name_key in archive:
            array = archive.load(name_key)
            if array.dtype.kind != "U":
                raise MotionFormatError(
                    "the joints' names as strings",
                    f"values of type {array.dtype}",
                    f"{source.where}, array {name_key!r}",
                    "Save them with numpy.array([...], dtype=str).",
                )
            names = [str(name) for name in array.reshape(-1)[:MAX_JOINTS]]
            break
    array = archive.load(key, options.max_frames)
    return mapped_joints_motion(array, names, archive_fps(archive), "npz", f"{source.where}, array {key!r}", options)


def mapped_joints_motion(
    array: np.ndarray, names: list[str] | None, file_fps: float | None, kind: str, where: str, options: ReadOptions
) -> RawMotion:
    """An array of any joints to a motion, by the caller's joint map.

    Args:
        array (`np.ndarray` of shape `(num_frames, num_joints, 3)`).
        names (`list[str]`, *optional*): of the joints; their numbers where None.

    Raises:
        MotionFormatError: where the shape does not fit, or the map names what is not there.
    """
    if array.dtype.kind not in "fiu" or array.ndim != 3 or array.shape[2] != 3 or not 0 < array.shape[1] <= MAX_JOINTS:
        raise MotionFormatError(
            "numbers of shape (num_frames, num_joints, 3) beside a joint map", f"{array.dtype} {array.shape}", where, SAVE
        )
    options.check_frames(len(array), where)
    if names is None or len(names) != array.shape[1]:
        names = [str(index) for index in range(array.shape[1])]
    ends = np.zeros(len(names), dtype=bool)
    nodes = {ours: find_sources(wanted, names, ends, where, ours) for ours, wanted in options.joint_map.items()}
    points = {ours: array[:, which].astype(np.float64).mean(1) for ours, which in nodes.items()}
    joints, assumed = complete_joints(points, where)
    joints = as_joints(joints, where, options.max_frames)
    fps = choose_fps(file_fps, options, assumed)
    return joints_motion(
        joints, fps, kind, options, where, assumed, source_joints=array.shape[1], skeleton="by joint map", may_mirror=False
    )


def _to_motion(joints: np.ndarray, file_fps: float | None, kind: str, source: MotionSource, options: ReadOptions) -> RawMotion:
    assumed: list[str] = []
    return joints_motion(joints, choose_fps(file_fps, options, assumed), kind, options, source.where, assumed)


def choose_fps(file_fps: float | None, options: ReadOptions, assumed: list[str], default: float = DEFAULT_FPS) -> float:
    """The caller's frame rate, else the file's, else the default, of which `assumed` is told."""
    if options.fps is not None:
        return options.fps
    if file_fps is None:
        assumed.append(f"{default:g} frames per second (the file does not say; pass `fps` to set it)")
        return default
    return file_fps


def read_npy(data: bytes, *, where: str, max_bytes: int, max_frames: int = MAX_FRAMES) -> np.ndarray:
    """A `.npy` file in memory to joints of shape `(num_frames, 22, 3)`, float64, units and axes as they are.

    Raises:
        MotionFormatError: where the array is of another shape or kind, too large, cut off, or not finite.
    """
    return as_joints(read_array(io.BytesIO(data), len(data), where, max_bytes, max_frames), where, max_frames)


def read_npz(data: bytes, *, where: str, max_bytes: int, max_frames: int = MAX_FRAMES) -> tuple[np.ndarray, float | None]:
    """A `.npz` file in memory to joints `(num_frames, 22, 3)` and its frame rate, None where it has none.

    The array is called `joints` (or `motion`, `positions`, `keypoints3d`), or is the only one of a fitting shape.

    Raises:
        MotionFormatError: as `read_npy`, and where there is no such array or the frame rate is no positive number.
    """
    archive = NumpyArchive(data, where, max_bytes)
    name = next((key for key in JOINT_KEYS if key in archive), None)
    if name is None:
        fitting = [key for key, shape in archive.shapes.items() if shape is not None and fits_joints(shape)]
        if len(fitting) == 1:
            name = fitting[0]
    if name is None:
        raise MotionFormatError(f"an array called 'joints': {SHAPES}", archive.listing(), where, SAVE)
    joints = as_joints(archive.load(name, max_frames), f"{where}, array {name!r}", max_frames)
    return joints, archive_fps(archive)


def archive_fps(archive: NumpyArchive) -> float | None:
    """The frame rate that an archive holds under one of FPS_KEYS; None where it has none."""
    key = next((key for key in FPS_KEYS if key in archive), None)
    return None if key is None else check_fps(archive.number(key), f"{archive.where}, array {key!r}")


def as_joints(array: np.ndarray, where: str, max_frames: int = MAX_FRAMES) -> np.ndarray:
    """Checks an array that should hold the 22 joints, and gives it as `(num_frames, 22, 3)` float64.

    Raises:
        MotionFormatError: where kind, shape or values do not fit.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise MotionFormatError("numbers", f"values of type {array.dtype}", where, SAVE)
    if not fits_joints(array.shape):
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
    with np.errstate(invalid="ignore"):  # what is no number is found and named below
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


def fits_joints(shape: tuple[int, ...]) -> bool:
    """True for the shapes in which the 22 joints come."""
    return (len(shape) == 3 and shape[1:] == (NUM_JOINTS, 3)) or (
        len(shape) == 2 and (shape[1] == NUM_JOINTS * 3 or shape == (NUM_JOINTS, 3))
    )
