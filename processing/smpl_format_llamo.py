# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""SMPL body parameters: `.npz` of SMPL, SMPL-H, SMPL-X and AMASS under their usual keys, and Motion-X's `.npy` (T, 322).

All of these models share the first 22 joints, which are LLaMo's, so hands, face and the model's kind do not matter. The
skeleton is a mean body (smpl_body_llamo.py): `betas` and `gender` are noted, not used.
"""

import io

import numpy as np

from .joints_format_llamo import JOINT_KEYS, archive_fps, choose_fps, fits_joints
from .motion_errors_llamo import MotionFormatError
from .motion_source_llamo import MotionSource, ReadOptions
from .numpy_files_llamo import NumpyArchive, read_array
from .raw_motion_llamo import RawMotion, joints_motion
from .smpl_body_llamo import pose_body


# Rotations of all joints in one array; of the pelvis alone; of the other joints.
WHOLE_KEYS = ("poses", "smpl_poses", "fullpose", "full_pose", "pose")
ROOT_KEYS = ("root_orient", "global_orient", "smpl_global_orient")
BODY_KEYS = ("pose_body", "body_pose", "smpl_body_pose")
TRANS_KEYS = ("trans", "smpl_trans", "transl", "translation", "root_trans", "cam_trans")
# Columns of axis-angle arrays: 22, 24 (SMPL), 52 (SMPL-H), 55 (SMPL-X) joints; without the pelvis 21 or 23.
WHOLE_JOINTS, BODY_JOINTS = (22, 24, 52, 55), (21, 23, 51, 54)
DEFAULT_FPS = 30.0
MOTION_X_COLUMNS = 322
MAX_TURN = 1e4  # radians; larger numbers are no rotation
SAVE = (
    "Save poses (num_frames, 66, 72, 156 or 165) as axis times angle in radians, trans (num_frames, 3) in metres and "
    "mocap_frame_rate with numpy.savez."
)


def is_smpl(source: MotionSource) -> bool:
    """True for archives with SMPL's rotations under a usual key, and for Motion-X arrays."""
    if source.npy is not None:
        return len(source.npy) == 2 and source.npy[1] == MOTION_X_COLUMNS
    shapes = source.npz
    if any(shapes.get(key) is not None and fits_joints(shapes[key]) for key in JOINT_KEYS):
        return False  # joints of the person's own body are better than those of a mean one
    whole = any(shapes.get(key) is not None and _joints_of(shapes[key]) in WHOLE_JOINTS for key in WHOLE_KEYS)
    return whole or any(shapes.get(key) is not None and _joints_of(shapes[key]) in BODY_JOINTS for key in BODY_KEYS)


def read_smpl_motion(source: MotionSource, options: ReadOptions) -> RawMotion:
    """SMPL parameters to a motion."""
    assumed: list[str] = []
    if source.npy is not None:
        where = source.where
        array = read_array(io.BytesIO(source.data), len(source.data), where, options.max_bytes, options.max_frames)
        if array.dtype.kind != "f" or array.ndim != 2 or array.shape[1] != MOTION_X_COLUMNS:
            raise MotionFormatError("Motion-X's (num_frames, 322) floats", f"{array.dtype} {array.shape}", where, SAVE)
        rotations, translation = array[:, :66].astype(np.float64).reshape(-1, 22, 3), array[:, 309:312].astype(np.float64)
        file_fps, count, amass, kind = None, 55, False, "SMPL-X (Motion-X)"
    else:
        archive = NumpyArchive(source.data, source.where, options.max_bytes)
        rotations, count = _rotations(archive, options)
        translation = _translation(archive, len(rotations), options, assumed)
        file_fps, amass = archive_fps(archive), "mocap_framerate" in archive or "mocap_frame_rate" in archive
        kind = {52: "SMPL-H", 55: "SMPL-X"}.get(count, "SMPL") + (" (AMASS)" if amass else "")
        noted = [key for key in ("betas", "gender") if key in archive]
        assumed.append(
            "bone lengths of a mean body of SMPL" + (f" ({' and '.join(noted)} of the file not used)" if noted else "")
        )
    options.check_frames(len(rotations), source.where)
    for what, array in (("rotation", rotations), ("translation", translation)):
        limit = MAX_TURN if what == "rotation" else 1e9
        bad = ~(np.abs(array) <= limit)
        if bad.any():
            frame = int(np.argwhere(bad)[0][0])
            raise MotionFormatError(
                f"finite {what}s", f"{array[bad][0]}", f"{source.where}, frame {frame}", "Cut those frames out. " + SAVE
            )
    fps = choose_fps(file_fps, options, assumed, DEFAULT_FPS)
    return joints_motion(
        pose_body(rotations, translation),
        fps,
        "smpl",
        options,
        source.where,
        assumed,
        source_joints=count,
        skeleton=kind,
        may_mirror=False,
        scale="m",
        likely_up="+z" if amass else None,
    )


def _joints_of(shape: tuple[int, ...]) -> int:
    """How many joints an array of rotations has by its shape; 0 where it is none."""
    if len(shape) == 2 and shape[1] % 3 == 0:
        return shape[1] // 3
    if len(shape) == 3 and shape[2] == 3:
        return shape[1]
    if len(shape) == 4 and shape[2:] == (3, 3):
        return shape[1]
    return 0


def _load_rotations(archive: NumpyArchive, key: str, joints: tuple[int, ...], options: ReadOptions) -> np.ndarray:
    """`(num_frames, num_joints, 3)` or `(num_frames, num_joints, 3, 3)`."""
    array = archive.numbers(key, options.max_frames)
    # One rotation as (T, 3, 3) is a matrix and not three joints.
    if joints == (1,) and array.ndim == 3 and array.shape[1:] == (3, 3):
        array = array[:, None]
    count = _joints_of(array.shape)
    if count not in joints:
        raise MotionFormatError(
            f"rotations of {' or '.join(map(str, joints))} joints",
            f"shape {array.shape}",
            f"{archive.where}, array {key!r}",
            SAVE,
        )
    return array.reshape(len(array), count, *((3, 3) if array.ndim == 4 else (3,)))


def _rotations(archive: NumpyArchive, options: ReadOptions) -> tuple[np.ndarray, int]:
    """Rotations of the first 22 joints, and how many the file has."""
    for key in WHOLE_KEYS:
        if archive.shapes.get(key) is not None and _joints_of(archive.shapes[key]) in WHOLE_JOINTS:
            whole = _load_rotations(archive, key, WHOLE_JOINTS, options)
            return whole[:, :22], whole.shape[1]
    body_key = next((key for key in BODY_KEYS if key in archive), None)
    root_key = next((key for key in ROOT_KEYS if key in archive), None)
    if body_key is None or root_key is None:
        raise MotionFormatError(
            "SMPL's poses, or root_orient (global_orient) and pose_body (body_pose)", archive.listing(), archive.where, SAVE
        )
    body = _load_rotations(archive, body_key, BODY_JOINTS, options)
    root = _load_rotations(archive, root_key, (1,), options)
    if len(body) != len(root) or body.ndim != root.ndim:
        raise MotionFormatError(
            f"as many rotations in {root_key!r} as in {body_key!r}",
            f"shapes {root.shape} and {body.shape}",
            archive.where,
            SAVE,
        )
    count = 22 if body.shape[1] == 21 else body.shape[1] + 1
    if "pose_hand" in archive:
        count = 55 if "pose_jaw" in archive else 52
    return np.concatenate([root, body[:, :21]], axis=1), count


def _translation(archive: NumpyArchive, num_frames: int, options: ReadOptions, assumed: list[str]) -> np.ndarray:
    """`(num_frames, 3)`, 0 where the file has none."""
    key = next((key for key in TRANS_KEYS if key in archive), None)
    if key is None:
        assumed.append("the pelvis stays in one place (the file has no trans)")
        return np.zeros((num_frames, 3))
    array = archive.numbers(key, options.max_frames)
    if array.size != 3 * num_frames:
        raise MotionFormatError(
            f"an array of shape ({num_frames}, 3), as many frames as the rotations",
            f"shape {array.shape}",
            f"{archive.where}, array {key!r}",
            SAVE,
        )
    array = array.reshape(num_frames, 3)
    if "smpl_scaling" in archive:
        # AIST++ scales its bodies to its cameras' units.
        scaling = archive.number("smpl_scaling")
        if not np.isfinite(scaling) or scaling <= 0:
            raise MotionFormatError("a positive scaling", f"{scaling}", f"{archive.where}, array 'smpl_scaling'", SAVE)
        array = array / scaling
    return array
