# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""22 joints to files: joints `.npz`, HumanML3D's 263 features `.npy`, BVH, glTF. The file's ending tells the kind.

Files are written beside their place and then moved there, so that a failure leaves nothing and spoils nothing.
"""

import io
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .bvh_writer_llamo import write_bvh
from .gltf_writer_llamo import write_gltf
from .humanml_features_llamo import HUMANML_FPS, joints_to_humanml
from .joints_format_llamo import check_fps
from .motion_errors_llamo import MotionFormatError
from .motion_features_llamo import check_joints, resample
from .whole_files_llamo import replace_file


# Ending -> what it holds.
KINDS = {".npz": "joints", ".npy": "HumanML3D features", ".bvh": "BVH", ".glb": "glTF", ".gltf": "glTF"}
WRITABLE = "LLaMo writes joints (.npz), HumanML3D's 263 features (.npy), BVH (.bvh) and glTF (.glb, .gltf)."
FBX = (
    "FBX is a closed format. Write BVH or glTF and make FBX of it: in Blender, import the .bvh or .glb and use "
    "File > Export > FBX; MotionBuilder opens .bvh and saves FBX."
)


@dataclass
class WrittenMotion:
    """What was written.

    Attributes:
        kind (`str`): a value of KINDS.
        frames (`int`): frames or rows in the file.
        fps (`float`): frames per second of the file.
        changed (`list[str]`): what the file does not hold as the motion had it.
    """

    kind: str
    frames: int
    fps: float
    changed: list[str] = field(default_factory=list)


def kind_of(path: str | os.PathLike) -> str:
    """The kind of file that a path's ending stands for.

    Raises:
        MotionFormatError: an ending that cannot be written; for FBX, how to make one.
    """
    ending = Path(os.fspath(path)).suffix.lower()
    if ending not in KINDS:
        raise MotionFormatError(
            f"a file to write that ends in {', '.join(KINDS)}",
            repr(ending) if ending else "no ending",
            os.fspath(path),
            FBX if ending == ".fbx" else WRITABLE,
        )
    return KINDS[ending]


def write_motion(
    path: str | os.PathLike,
    joints: np.ndarray,
    fps: float,
    *,
    target_fps: float | None = None,
    retarget: bool = False,
) -> WrittenMotion:
    """Writes a motion; an existing file is replaced only by a whole new one.

    Args:
        path (`str` or `os.PathLike`): its ending is a key of KINDS.
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): metres, Y up, right-handed.
        fps (`float`): frames per second of `joints`.
        target_fps (`float`, *optional*): the file's rate; else that of `joints`, and 20 for HumanML3D's features.
        retarget (`bool`): carry HumanML3D's features to the data set's one skeleton.

    Raises:
        MotionFormatError: what cannot be written, or a place where nothing can be written.
        ValueError: joints of another shape, or not finite.
    """
    where = os.fspath(path)
    kind = kind_of(path)
    fps, joints = check_fps(fps, "fps"), check_joints(joints, where="the motion to write")
    changed: list[str] = []
    if kind == "HumanML3D features":
        if target_fps is not None and abs(target_fps - HUMANML_FPS) > 1e-6:
            raise MotionFormatError(
                f"{HUMANML_FPS:g} frames per second, at which HumanML3D's features are defined",
                f"{target_fps:g}",
                where,
                "Leave the rate out, or write .npz.",
            )
        target_fps = HUMANML_FPS
    elif retarget:
        raise MotionFormatError(
            "HumanML3D's features (.npy) with retargeting", Path(where).suffix, where, "Leave --retarget out, or write .npy."
        )
    rate = fps if target_fps is None else check_fps(target_fps, "fps")
    if abs(rate - fps) > 1e-6:
        joints = resample(joints, fps, rate)
        changed.append(f"resampled from {fps:g} to {rate:g} frames per second")
    ending, rows = Path(where).suffix.lower(), len(joints)
    if kind == "joints":
        stream = io.BytesIO()
        np.savez(stream, joints=joints, fps=np.float64(rate))
        data = stream.getvalue()
    elif kind == "HumanML3D features":
        if len(joints) < 2:
            raise MotionFormatError(
                "at least 2 frames at 20 frames per second", f"{len(joints)}", where, "Write a pose as .npz, .bvh or .glb."
            )
        stream = io.BytesIO()
        features = joints_to_humanml(joints, retarget=retarget)
        np.save(stream, features)
        data, rows = stream.getvalue(), len(features)
        changed.append("one row less than frames; place, heading and floor at the start are not kept")
        if retarget:
            changed.append("bone lengths are those of HumanML3D's one skeleton")
    elif kind == "BVH":
        data = write_bvh(joints, rate)
    else:
        data = write_gltf(joints, rate, binary=ending == ".glb")
    replace_file(path, data)
    return WrittenMotion(kind, rows, rate, changed)
