# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Motion files to 22 joints in metres: `read_motion` is the door, one file per format stands behind it.

>>> motion = read_motion("clip.bvh")
>>> motion.joints.shape  # (num_frames, 22, 3) float32, metres, right-handed, Y up, left = +X when facing +Z
>>> motion.assumed  # what the file did not say and was guessed
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .bvh_format_llamo import looks_like_bvh, read_bvh
from .joints_format_llamo import DEFAULT_FPS, as_joints, check_fps, read_npy, read_npz
from .motion_errors_llamo import MotionFormatError
from .motion_frame_llamo import axis_vector, find_scale, find_up, leading_reference_frames, to_y_up, unit_scale
from .skeleton_mapping_llamo import check_human, map_skeleton, side_votes


__all__ = ["MotionFormatError", "RawMotion", "joints_to_raw_motion", "read_motion"]

FORMATS = ("bvh", "npz", "npy")
MAX_BYTES = 512 << 20
MAX_FRAMES = 500_000
# Skeleton, units and axes are told from at most this many frames, evenly spread over the motion.
SAMPLE_FRAMES = 128
READABLE = "LLaMo reads BVH (.bvh) and joint positions in NumPy files (.npz, .npy)."
# First bytes -> what it is and what to do. Formats people bring that are not readable.
KNOWN = (
    (b"Kaydara FBX", "an FBX file"),
    (b"; FBX", "an FBX file"),
    (b"glTF", "a glTF file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x80\x02}", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x89HDF", "an HDF5 file"),
    (b":version", "an ASF skeleton"),
    (b"PathFileType", "a TRC file"),
)
REMEDIES = {
    "an FBX file": (
        "FBX is a closed format. Export it as BVH (or glTF, then BVH): in Blender, import the FBX and use "
        "File > Export > Motion Capture (.bvh). MotionBuilder saves BVH too."
    ),
    "a glTF file": "Export it as BVH, for example in Blender with File > Export > Motion Capture (.bvh).",
    "a gzip archive": "Unpack it first (gunzip).",
    "a Python pickle": "Pickles can run code and are never opened. Save joints with numpy.savez(joints=..., fps=...).",
}
EXTENSIONS = {
    ".fbx": "an FBX file",
    ".glb": "a glTF file",
    ".gltf": "a glTF file",
    ".pkl": "a Python pickle",
    ".pickle": "a Python pickle",
}


@dataclass
class RawMotion:
    """A person's motion as it was recorded, in LLaMo's joints, metres and axes; floor and heading are the file's.

    Attributes:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): float32, metres, right-handed, Y up.
        fps (`float`): frames per second of the source.
        format (`str`): "bvh", "npz", "npy" or "array".
        source_frames (`int`): frames in the file, a dropped reference pose included.
        source_joints (`int`): joints in the file, without End Sites.
        units (`str`): of the source: "m", "cm", "inch" ..., or metres per unit.
        up_axis (`str`): of the source: "+y", "+z" ...
        skeleton (`str`): the kind of rig.
        assumed (`list[str]`): everything that the file did not say and was guessed, one sentence each.
    """

    joints: np.ndarray
    fps: float
    format: str
    source_frames: int
    source_joints: int
    units: str
    up_axis: str
    skeleton: str
    assumed: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Time from the first frame to the last; a single pose lasts one frame."""
        return max(len(self.joints) - 1, 1) / self.fps


def read_motion(
    source: str | os.PathLike | bytes,
    *,
    format: str | None = None,
    fps: float | None = None,
    units: str | float | None = None,
    up_axis: str | None = None,
    max_bytes: int = MAX_BYTES,
    max_frames: int = MAX_FRAMES,
) -> RawMotion:
    """Reads a motion file.

    Args:
        source (`str`, `os.PathLike` or `bytes`): a path, or a whole file in memory.
        format (`str`, *optional*): "bvh", "npz" or "npy". Told from the content, then from the file's ending.
        fps (`float`, *optional*): frames per second, where the file's own are missing or wrong.
        units (`str` or `float`, *optional*): "m", "cm", "mm", "inch", "ft", "cmu", or metres per unit; else
            guessed from body height.
        up_axis (`str`, *optional*): "y", "z", "x", "-y", "-z" or "-x" of the source; else guessed from
            posture, floor and rest pose.
        max_bytes (`int`): larger files, and arrays that unpack to more, are refused before they are read.
        max_frames (`int`): longer motions are refused.

    Raises:
        MotionFormatError: for whatever cannot be read as a person's motion, missing files included.
    """
    data, where, ending = _load(source, max_bytes)
    if fps is not None:
        fps = check_fps(fps, "fps")
    if units is not None:
        unit_scale(units)
    if up_axis is not None:
        axis_vector(up_axis)
    kind = _kind(data, format, ending, where)
    if kind == "bvh":
        return _from_bvh(data, where, fps, units, up_axis, max_frames)
    notes: list[str] = []
    if kind == "npz":
        joints, file_fps = read_npz(data, where=where, max_bytes=max_bytes, max_frames=max_frames)
    else:
        joints, file_fps = read_npy(data, where=where, max_bytes=max_bytes, max_frames=max_frames), None
    if fps is None and file_fps is None:
        notes.append(f"{DEFAULT_FPS:g} frames per second (the file does not say; pass `fps` to set it)")
    return _from_joints(joints, fps or file_fps or DEFAULT_FPS, kind, units, up_axis, where, notes)


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
    return _from_joints(as_joints(joints, where), rate, "array", units, up_axis, where, notes)


def _from_bvh(data: bytes, where: str, fps, units, up_axis, max_frames: int) -> RawMotion:
    bvh = read_bvh(data, where=where, fps=fps, max_frames=max_frames)
    check_fps(bvh.fps, f"{where}, Frame Time")
    # Frame 1 may be a reference pose: the sample looks at it only where there is nothing else.
    first = 1 if bvh.num_frames > 2 else 0
    sample = np.unique(np.linspace(first, bvh.num_frames - 1, min(SAMPLE_FRAMES, bvh.num_frames)).astype(int))
    mapping = map_skeleton(bvh.names, bvh.parents, bvh.is_end, bvh.world_positions(frames=sample), where=where)
    joints = _pose_joints(bvh, mapping)
    assumed = bvh.notes + mapping.assumed
    # Feet that were built here follow the names and cannot contradict them.
    if mapping.skeleton != "by shape" and not mapping.built_feet and _sides_contradict(joints[sample]):
        mapping.swap_sides()
        joints = _pose_joints(bvh, mapping)
        assumed.append("joint names call the person's right side left, as feet and knees tell; left and right follow the body")
    dropped = leading_reference_frames(joints)
    if dropped:
        joints = joints[dropped:]
        assumed.append(
            f"first {'frame' if dropped == 1 else f'{dropped} frames'} left out: a reference pose (T-pose), "
            "from which the motion jumps"
        )
    rest = mapping.apply(bvh.rest_positions()[None, mapping.nodes])[0]
    return _finish(
        joints,
        rest,
        bvh.fps,
        "bvh",
        bvh.num_frames,
        int((~bvh.is_end).sum()),
        mapping.skeleton,
        units,
        up_axis,
        where,
        assumed,
    )


def _pose_joints(bvh, mapping, piece: int = 4096) -> np.ndarray:
    """The 22 joints in all frames, `(num_frames, 22, 3)`, without ever holding all source joints of a long file."""
    joints = np.empty((bvh.num_frames, len(mapping.weights), 3))
    for start in range(0, bvh.num_frames, piece):
        frames = slice(start, start + piece)
        joints[frames] = mapping.apply(bvh.world_positions(nodes=mapping.nodes, frames=frames))
    return joints


def _from_joints(joints: np.ndarray, fps: float, kind: str, units, up_axis, where: str, assumed: list[str]) -> RawMotion:
    sample = joints[np.unique(np.linspace(0, len(joints) - 1, min(SAMPLE_FRAMES, len(joints))).astype(int))]
    check_human(sample, where)
    if _sides_contradict(sample):
        # The order of the joints is the format's; what can differ is the handedness of the axes.
        joints = joints * np.array([-1.0, 1.0, 1.0])
        assumed.append(
            "axes taken as left-handed (the joints called left are on the right of the body); mirrored to right-handed"
        )
    return _finish(joints, None, fps, kind, len(joints), joints.shape[1], "22 joints", units, up_axis, where, assumed)


def _finish(joints, rest, fps, kind, source_frames, source_joints, skeleton, units, up_axis, where, assumed) -> RawMotion:
    sample = joints[np.unique(np.linspace(0, len(joints) - 1, min(SAMPLE_FRAMES, len(joints))).astype(int))]
    up, note = find_up(sample, rest, up_axis, where)
    if note:
        assumed.append(note)
    scale, unit_name, note = find_scale(sample, units, where)
    if note:
        assumed.append(note)
    joints = to_y_up(joints, up) * scale
    largest = float(np.abs(joints).max())
    if largest > 10_000:
        raise MotionFormatError(
            "a person within 10 km of the origin",
            f"joints {largest:.4g} m away",
            where,
            "Check the root's position channels, or pass `units`.",
        )
    return RawMotion(
        joints.astype(np.float32), float(fps), kind, source_frames, source_joints, unit_name, up, skeleton, assumed
    )


def _sides_contradict(joints: np.ndarray) -> bool:
    """True where the body's own geometry says clearly that left is right: both feet and knees, or feet beyond doubt."""
    feet, knees = side_votes(joints)
    return feet < -0.04 and knees < 0.01 and (knees < -0.02 or feet < -0.09)


def _load(source, max_bytes: int) -> tuple[bytes, str, str]:
    """The bytes, a name for messages, and the file's ending."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        if len(data) > max_bytes:
            raise MotionFormatError(
                f"at most {max_bytes:,} bytes",
                f"{len(data):,}",
                "the bytes given",
                "Cut the motion into shorter files, or raise `max_bytes`.",
            )
        return data, "the bytes given", ""
    try:
        path = Path(os.fspath(source))
    except TypeError:
        raise MotionFormatError(
            "a path or the bytes of a file", f"{type(source).__name__}", "the motion", "Pass a str, a Path or bytes."
        ) from None
    where = str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise MotionFormatError("a motion file", "a folder", where, "Give the path of one file inside it.")
        if not stat.S_ISREG(status.st_mode):
            raise MotionFormatError("a regular file", "a device or a pipe", where, "Save the motion to a file first.")
        if status.st_size > max_bytes:
            raise MotionFormatError(
                f"at most {max_bytes:,} bytes",
                f"{status.st_size:,}",
                where,
                "Cut the motion into shorter files, or raise `max_bytes`.",
            )
        return path.read_bytes(), where, path.suffix.lower()
    except MotionFormatError:
        raise
    except FileNotFoundError:
        raise MotionFormatError("a file", "nothing there", where, "Check the path and its spelling.") from None
    except (OSError, ValueError) as error:
        raise MotionFormatError(
            "a readable file", f"{type(error).__name__}: {error}", where, "Check the path and its permissions."
        ) from None


def _kind(data: bytes, format: str | None, ending: str, where: str) -> str:
    if format is not None:
        kind = str(format).strip().lower().lstrip(".")
        if kind not in FORMATS:
            raise MotionFormatError(f"a format out of {', '.join(FORMATS)}", f"{format!r}", where, READABLE)
        return kind
    if not data:
        raise MotionFormatError("a motion file", "an empty file", where, "Copy or export the file again.")
    if looks_like_bvh(data) or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "bvh"
    if data[:6] == b"\x93NUMPY":
        return "npy"
    if data[:4] == b"PK\x03\x04":
        return "npz"
    what = next((what for head, what in KNOWN if data.startswith(head)), None) or EXTENSIONS.get(ending)
    if what is None and ending.lstrip(".") in FORMATS:
        return ending.lstrip(".")
    raise MotionFormatError(
        "a motion file",
        what or "a file of an unknown kind" + (f" ({ending})" if ending else ""),
        where,
        f"{REMEDIES.get(what, '')} {READABLE}".strip(),
    )
