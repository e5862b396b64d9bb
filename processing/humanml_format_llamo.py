# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Feature files of text-to-motion data sets: HumanML3D's 263 (22 joints, metres) and KIT-ML's 251 (21 joints, millimetres).

Joints come from the rotation-invariant positions, root turn, root velocity and root height (see
humanml_features_llamo.py); rotations, velocities and contacts only serve to check. Heading and place before the first frame
are not in these files. Features that were normalised for a model hold no body: they are refused, unless the caller brings
the mean and standard deviation that undo it.
"""

import io
import os

import numpy as np

from .humanml_features_llamo import PARENTS, humanml_to_joints
from .joint_completion_llamo import complete_joints
from .joints_format_llamo import JOINT_KEYS, MAX_NUMBER, archive_fps, as_joints, choose_fps
from .motion_errors_llamo import MotionFormatError
from .motion_source_llamo import MotionSource, ReadOptions, load_source
from .numpy_files_llamo import NumpyArchive, read_array
from .raw_motion_llamo import RawMotion, joints_motion
from .skeleton_mapping_llamo import check_human


# Columns -> joints and frames per second. Both laid out as 4 root terms, 3 and 6 a joint but the root, 3 a joint, 4 contacts.
LAYOUTS = {263: (22, 20.0), 251: (21, 12.5)}
# KIT-ML's joints, of the Master Motor Map: root, BP, BT, BLN, BUN, LS, LE, LW, RS, RE, RW, LH, LK, LA, LMrot, LF, RH, RK, ...
KIT_PARENTS = np.array([-1, 0, 1, 2, 3, 3, 5, 6, 3, 8, 9, 0, 11, 12, 13, 14, 0, 16, 17, 18, 19])
KIT_POINTS = {
    "pelvis": 0, "spine2": 2, "neck": 3, "head": 4, "left_shoulder": 5, "left_elbow": 6, "left_wrist": 7, "right_shoulder": 8,
    "right_elbow": 9, "right_wrist": 10, "left_hip": 11, "left_knee": 12, "left_ankle": 13, "right_hip": 16, "right_knee": 17,
    "right_ankle": 18,
}  # fmt: skip
MAX_STATISTICS_BYTES = 1 << 20
UNDO = (
    "Undo the normalisation (features * std + mean, with the data set's Mean.npy and Std.npy), or pass mean= and std= "
    "(arrays, or paths of .npy files)."
)


def is_humanml(source: MotionSource) -> bool:
    """True for `.npy` files of 263 or 251 columns, and `.npz` files with one such array and no joints."""
    if source.npy is not None:
        return _columns(source.npy) is not None
    fitting = _fitting(source.npz)
    return len(fitting) == 1 and not set(JOINT_KEYS) & set(source.npz) - set(fitting)


def read_humanml_motion(source: MotionSource, options: ReadOptions) -> RawMotion:
    """A feature file to a motion.

    Raises:
        MotionFormatError: a damaged file, features that are normalised, or that hold no body.
    """
    features, file_fps, where = _load(source, options)
    num_joints, rate = LAYOUTS[features.shape[1]]
    name = "HumanML3D" if num_joints == 22 else "KIT-ML"
    assumed: list[str] = []
    mean, std = (_statistics(getattr(options, key), features.shape[1], key) for key in ("mean", "std"))
    if (mean is None) != (std is None):
        raise MotionFormatError("mean and std together", "only one of them", where, UNDO)
    joints = None if mean is not None and not _is_body(features, num_joints) else _recover(features, num_joints, where)
    if joints is None:
        features = features * std + mean
        joints = _recover(features, num_joints, where)
        if not _is_body(features, num_joints):
            raise MotionFormatError(
                "the mean and std that these features were normalised with",
                f"others: undone with them, the bones have no constant lengths ({_spread(features, num_joints)})",
                where,
                "Pass Mean.npy and Std.npy of the data set and the program that the file comes from.",
            )
    elif not _is_body(features, num_joints):
        raise MotionFormatError(
            f"{name} features in metres" if num_joints == 22 else f"{name} features in millimetres",
            f"values that form no body ({_spread(features, num_joints)}; mean {features.mean():.2f}, standard deviation "
            f"{features.std():.2f}): they look normalised",
            where,
            UNDO,
        )
    elif mean is not None:
        assumed.append("features taken as not normalised, because they form a body as they are; mean and std are not used")
    fps = choose_fps(file_fps, options, assumed, default=rate)
    assumed.append("heading and place at the start are not in the file; the first frame is at the origin")
    if num_joints == 21:
        joints, notes = kit_to_joints(joints, where)
        assumed += notes
    joints = as_joints(joints, where, options.max_frames)
    return joints_motion(
        joints,
        fps,
        "humanml3d" if num_joints == 22 else "kit",
        options,
        where,
        assumed,
        source_joints=num_joints,
        skeleton=name,
        scale="m" if num_joints == 22 else None,
        up_axis="y",
    )


def _columns(shape: tuple[int, ...] | None) -> int | None:
    """263 or 251 for the shape of a feature array `(num_frames, columns)` or `(1, num_frames, columns)`, else None."""
    if shape is None or not (len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)):
        return None
    return shape[-1] if shape[-1] in LAYOUTS else None


def _fitting(shapes: dict) -> list[str]:
    return [name for name, shape in shapes.items() if _columns(shape) is not None]


def _load(source: MotionSource, options: ReadOptions) -> tuple[np.ndarray, float | None, str]:
    """Features `(num_frames, columns)` float64, the file's frame rate where it has one, and a name for messages."""
    where, fps = source.where, None
    if source.data[:4] == b"PK\x03\x04":
        archive = NumpyArchive(source.data, where, options.max_bytes)
        names = _fitting(archive.shapes)
        if len(names) != 1:
            raise MotionFormatError("one array of 263 or 251 columns", archive.listing(), where, "Save one motion a file.")
        array, fps = archive.load(names[0]), archive_fps(archive)
        where = f"{where}, array {names[0]!r}"
    else:
        array = read_array(io.BytesIO(source.data), len(source.data), where, options.max_bytes)
    if _columns(array.shape) is None or array.dtype.kind not in "fiu":
        raise MotionFormatError(
            "numbers of shape (num_frames, 263) or (num_frames, 251)",
            f"{array.dtype} {array.shape}",
            where,
            "Save the features of one motion as they are computed.",
        )
    array = array.reshape(array.shape[-2:])
    options.check_frames(len(array), where)
    with np.errstate(invalid="ignore"):  # damaged numbers are found below
        features = array.astype(np.float64)
    bad = ~(np.abs(features) <= MAX_NUMBER)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise MotionFormatError(
            f"finite numbers up to {MAX_NUMBER:g}",
            f"{features[row, column]} and {int(bad.sum()) - 1} more",
            f"{where}, row {row}, column {column}",
            "Cut those rows out, or make the file again.",
        )
    return features, fps, where


def _statistics(value, size: int, name: str) -> np.ndarray | None:
    """Mean or std as the caller gives it: numbers, or the path of a `.npy` file."""
    if value is None:
        return None
    if isinstance(value, (str, os.PathLike)):
        source = load_source(value, MAX_STATISTICS_BYTES)
        value = read_array(io.BytesIO(source.data), len(source.data), source.where, MAX_STATISTICS_BYTES)
    try:
        array = np.asarray(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.size != size or not np.isfinite(array).all():
        raise MotionFormatError(f"{size} finite numbers", f"{array.size} values", name, UNDO)
    return array


def _recover(features: np.ndarray, num_joints: int, where: str) -> np.ndarray:
    joints = humanml_to_joints(features, num_joints)
    if not np.abs(joints).max() <= MAX_NUMBER:
        raise MotionFormatError("a person near the origin", "root velocities that add up without bound", where, UNDO)
    return joints


def _is_body(features: np.ndarray, num_joints: int) -> bool:
    """Whether features are in physical units: bones of constant length, human proportions, columns of rotations.

    Normalised features have none of the three, also where the person stands still.
    """
    if _bone_spread(features, num_joints) > 0.1:
        return False
    six = features[:, 1 + 3 * num_joints : 9 * num_joints - 5].reshape(-1, 2, 3)
    lengths = np.linalg.norm(six, axis=-1)
    # Features of models are near rotations; some programs write only the positions and leave the rest at zero.
    rotations = np.median(np.abs(lengths - 1)) < 0.15 and np.median(np.abs((six[:, 0] * six[:, 1]).sum(-1))) < 0.15
    if not rotations and np.any(six):
        return False
    every = max(1, len(features) // 64)
    joints = _local(features[::every], num_joints)
    try:
        check_human(joints if num_joints == 22 else kit_to_joints(joints, "")[0], "")
    except MotionFormatError:
        return False
    return True


def _local(features: np.ndarray, num_joints: int) -> np.ndarray:
    """Joints `(num_rows, num_joints, 3)` in each frame's own heading."""
    local = features[:, 4 : 1 + 3 * num_joints].reshape(len(features), num_joints - 1, 3)
    root = np.zeros((len(features), 1, 3))
    root[:, 0, 1] = features[:, 3]
    return np.concatenate([root, local], axis=1)


def _bone_spread(features: np.ndarray, num_joints: int) -> float:
    """How much the lengths of a typical long bone vary: standard deviation over mean, median over the longer half of bones."""
    joints = _local(features, num_joints)
    parents = PARENTS if num_joints == 22 else KIT_PARENTS
    lengths = np.linalg.norm(joints[:, 1:] - joints[:, parents[1:]], axis=-1)
    mean = lengths.mean(0)
    longer = mean >= np.median(mean)
    return float(np.median(lengths.std(0)[longer] / np.maximum(mean[longer], 1e-12)))


def _spread(features: np.ndarray, num_joints: int) -> str:
    return f"bone lengths vary by {_bone_spread(features, num_joints):.0%}"


def kit_to_joints(joints: np.ndarray, where: str) -> tuple[np.ndarray, list[str]]:
    """KIT-ML's 21 joints to the 22, `(num_frames, 22, 3)`.

    BP, right at the root, is passed over; BT (thorax) is spine2, the two other spine joints lie beside it on the way to its
    neighbours; the ball of the foot is the metatarsal joint.
    """
    points = {name: joints[:, index] for name, index in KIT_POINTS.items()}
    points["spine1"] = 0.5 * (points["pelvis"] + points["spine2"])
    points["spine3"] = 0.7 * points["spine2"] + 0.3 * points["neck"]
    for side, (ankle, ball, toe) in (("left", (13, 14, 15)), ("right", (18, 19, 20))):
        shank = np.median(np.linalg.norm(joints[:, ankle] - joints[:, ankle - 1], axis=-1))
        near = np.median(np.linalg.norm(joints[:, ball] - joints[:, ankle], axis=-1)) < 0.2 * shank
        points[f"{side}_foot"] = 0.5 * (joints[:, ball] + joints[:, toe]) if near else joints[:, ball]
    return complete_joints(points, where)
