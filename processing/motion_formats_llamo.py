# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Motion files to 22 joints in metres: `read_motion` is the door, one file per format stands behind it.

>>> motion = read_motion("clip.bvh")
>>> motion.joints.shape  # (num_frames, 22, 3) float32, metres, right-handed, Y up, left = +X when facing +Z
>>> motion.assumed  # what the file did not say and was guessed

A format is one row of FORMATS and one file with its reader.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .asf_amc_format_llamo import is_amc, is_asf, read_amc_motion, refuse_asf
from .bvh_format_llamo import is_bvh, read_bvh_motion
from .c3d_format_llamo import is_c3d, read_c3d_motion
from .gltf_format_llamo import is_gltf, read_gltf_motion
from .humanml_format_llamo import is_humanml, read_humanml_motion
from .joint_map_llamo import check_joint_map
from .joints_format_llamo import (
    DEFAULT_FPS,
    as_joints,
    check_fps,
    is_joints_npy,
    is_joints_npz,
    read_joints_npy,
    read_joints_npz,
)
from .keypoints_format_llamo import is_keypoints, layout_called, read_keypoints_motion
from .motion_errors_llamo import MotionFormatError
from .motion_frame_llamo import axis_vector, unit_scale
from .motion_source_llamo import MAX_BYTES, MAX_FRAMES, MotionSource, ReadOptions, load_source
from .raw_motion_llamo import RawMotion, joints_motion
from .smpl_format_llamo import is_smpl, read_smpl_motion
from .trc_format_llamo import is_trc, read_trc_motion


__all__ = ["MotionFormatError", "RawMotion", "joints_to_raw_motion", "read_motion"]


@dataclass(frozen=True)
class MotionFormat:
    """A format that `read_motion` reads.

    Attributes:
        name (`str`): as in `format=` and in reports.
        endings (`tuple[str, ...]`): file endings; they decide only where no content does.
        words (`str`): the format in a sentence that lists what is readable.
        is_it (`Callable`): tells from the content. The first row that says yes reads.
        read (`Callable`): does the work; raises MotionFormatError.
    """

    name: str
    endings: tuple[str, ...]
    words: str
    is_it: Callable[[MotionSource], bool]
    read: Callable[[MotionSource, ReadOptions], RawMotion]


# Order matters: joints npz and npy take whatever no row before them has taken.
FORMATS = (
    MotionFormat("bvh", (".bvh",), "BVH (.bvh)", is_bvh, read_bvh_motion),
    MotionFormat("amc", (".amc",), "AMC with its ASF (.amc, .asf)", is_amc, read_amc_motion),
    MotionFormat("asf", (".asf",), "", is_asf, refuse_asf),
    MotionFormat("gltf", (".glb", ".gltf"), "glTF (.glb, .gltf)", is_gltf, read_gltf_motion),
    MotionFormat("c3d", (".c3d",), "C3D markers (.c3d)", is_c3d, read_c3d_motion),
    MotionFormat("trc", (".trc",), "TRC markers (.trc)", is_trc, read_trc_motion),
    MotionFormat("humanml3d", (), "HumanML3D and KIT-ML features (.npy)", is_humanml, read_humanml_motion),
    MotionFormat("smpl", (), "SMPL, SMPL-H, SMPL-X and AMASS parameters (.npz)", is_smpl, read_smpl_motion),
    MotionFormat("keypoints", (), "3D keypoints of pose estimators (.npz, .npy)", is_keypoints, read_keypoints_motion),
    MotionFormat("npz", (".npz",), "joint positions in NumPy files (.npz, .npy)", is_joints_npz, read_joints_npz),
    MotionFormat("npy", (".npy",), "", is_joints_npy, read_joints_npy),
)
NAMES = tuple(row.name for row in FORMATS)
READABLE = "LLaMo reads " + ", ".join(row.words for row in FORMATS if row.words) + "."

# First bytes -> what it is and what to do. Formats people bring that are not readable.
KNOWN = (
    (b"Kaydara FBX", "an FBX file"),
    (b"; FBX", "an FBX file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x89HDF", "an HDF5 file"),
)
REMEDIES = {
    "an FBX file": (
        "FBX is a closed format. Export it as BVH or glTF: in Blender, import the FBX and use "
        "File > Export > Motion Capture (.bvh) or glTF 2.0 (.glb). MotionBuilder saves BVH too."
    ),
    "a gzip archive": "Unpack it first (gunzip).",
    "a Python pickle": "Pickles can run code and are never opened. Save joints with numpy.savez(joints=..., fps=...).",
}
EXTENSIONS = {
    ".fbx": "an FBX file",
    ".pkl": "a Python pickle",
    ".pickle": "a Python pickle",
}


def read_motion(
    source: str | os.PathLike | bytes,
    *,
    format: str | None = None,
    fps: float | None = None,
    units: str | float | None = None,
    up_axis: str | None = None,
    joint_map: dict | str | os.PathLike | None = None,
    asf: str | os.PathLike | bytes | None = None,
    skeleton: str | None = None,
    animation: str | int | None = None,
    mean=None,
    std=None,
    max_bytes: int = MAX_BYTES,
    max_frames: int = MAX_FRAMES,
) -> RawMotion:
    """Reads a motion file.

    Args:
        source (`str`, `os.PathLike` or `bytes`): a path, or a whole file in memory.
        format (`str`, *optional*): the name of a row of FORMATS. Told from the content, then from the file's ending.
        fps (`float`, *optional*): frames per second, where the file's own are missing or wrong.
        units (`str` or `float`, *optional*): "m", "cm", "mm", "inch", "ft", "cmu", or metres per unit; else
            guessed from body height.
        up_axis (`str`, *optional*): "y", "z", "x", "-y", "-z" or "-x" of the source; else guessed from
            posture, floor and rest pose.
        joint_map (`dict` or path of a JSON file, *optional*): LLaMo's joint names -> the source's, for those that names
            and shape do not tell; a list of source joints or markers is averaged.
        asf (path or `bytes`, *optional*): the skeleton of an AMC file; else looked for beside it.
        skeleton (`str`, *optional*): the order of the joints of an array: "mediapipe33", "coco17", "h36m17" ...; else
            told by number and shape.
        animation (`str` or `int`, *optional*): which animation of a glTF file, by name or number; else the longest.
        mean, std (`list[float]`, array or path of a `.npy`, *optional*): of features that were normalised.
        max_bytes (`int`): larger files, and arrays that unpack to more, are refused before they are read.
        max_frames (`int`): longer motions are refused.

    Raises:
        MotionFormatError: for whatever cannot be read as a person's motion, missing files included.
    """
    file = load_source(source, max_bytes)
    if units is not None:
        unit_scale(units)
    if up_axis is not None:
        axis_vector(up_axis)
    if skeleton is not None:
        layout_called(skeleton)  # a word that no reader knows is a mistake, whichever reader it is
    options = ReadOptions(
        fps=None if fps is None else check_fps(fps, "fps"),
        units=units,
        up_axis=up_axis,
        joint_map=check_joint_map(joint_map),
        asf=None if asf is None else load_source(asf, max_bytes).data,
        skeleton=skeleton,
        animation=animation,
        mean=mean,
        std=std,
        max_bytes=max_bytes,
        max_frames=max_frames,
    )
    return choose_format(file, format).read(file, options)


def joints_to_raw_motion(
    joints: np.ndarray,
    fps: float | None = None,
    *,
    units: str | float | None = None,
    up_axis: str | None = None,
    where: str = "motion array",
) -> RawMotion:
    """An array `(num_frames, 22, 3)` or `(num_frames, 66)` in memory, checked and turned as a file's would be.

    Raises:
        MotionFormatError: where shape, values or frame rate do not fit.
    """
    notes: list[str] = []
    if fps is None:
        notes.append(f"{DEFAULT_FPS:g} frames per second (not given; pass `fps` to set it)")
    rate = check_fps(DEFAULT_FPS if fps is None else fps, "fps")
    return joints_motion(as_joints(joints, where), rate, "array", ReadOptions(units=units, up_axis=up_axis), where, notes)


def choose_format(source: MotionSource, name: str | None = None) -> MotionFormat:
    """The row of FORMATS that reads this file: the caller's, else by content, else by the file's ending.

    Raises:
        MotionFormatError: an unknown name, or a file of no readable kind.
    """
    if name is not None:
        row = next((row for row in FORMATS if row.name == str(name).strip().lower().lstrip(".")), None)
        if row is None:
            raise MotionFormatError(f"a format out of {', '.join(NAMES)}", f"{name!r}", source.where, READABLE)
        return row
    if not source.data:
        raise MotionFormatError("a motion file", "an empty file", source.where, "Copy or export the file again.")
    row = next((row for row in FORMATS if row.is_it(source)), None)
    if row is not None:
        return row
    what = next((what for head, what in KNOWN if source.data.startswith(head)), None) or EXTENSIONS.get(source.ending)
    if what is None:
        row = next((row for row in FORMATS if source.ending in row.endings), None)
        if row is not None:
            return row
        what = "a file of an unknown kind" + (f" ({source.ending})" if source.ending else "")
    raise MotionFormatError("a motion file", what, source.where, f"{REMEDIES.get(what, '')} {READABLE}".strip())
