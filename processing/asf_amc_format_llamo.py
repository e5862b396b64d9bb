# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Acclaim motion: an AMC file (angles per frame) with its ASF file (the skeleton), as CMU publishes its recordings.

Conventions, as in Acclaim's description and CMU's files:

* a bone turns by C M C^-1 relative to its parent, where C is its `axis` and M its numbers of the frame, both about fixed
  axes in the order written (`axis 0 0 20 XYZ`, `dof rx ry rz`: first X, then Y, then Z);
* a bone's joint is at the end of its parent bone, and its own end lies `length` along `direction` (global axes at rest);
* `limits` of the dofs are what the recording software kept to; they are read over, and not enforced again.

The skeleton becomes the same tree that a BVH of it has, so that posing and mapping are those of BVH.
"""

import array
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .bvh_format_llamo import MAX_NODES, MAX_NUMBER, BvhFile
from .joints_format_llamo import choose_fps
from .motion_errors_llamo import MotionFormatError
from .motion_source_llamo import MotionSource, ReadOptions
from .raw_motion_llamo import RawMotion, skeleton_motion


DEFAULT_FPS = 120.0  # most of CMU's recordings
CMU_LENGTH = 0.45  # `:units length` of CMU's files, whose unit is then 1/0.45 inch
MAX_ASF_BYTES = 8 << 20
CONVERT = "Get the .asf and .amc files again from their source, or export the motion as BVH."
AXES = "xyz"


@dataclass
class AsfSkeleton:
    """An ASF file as it is written.

    Attributes:
        names (`list[str]`): "root", then the bones; a parent always stands before its children.
        parents (`list[int]`): -1 for the root.
        ends (`np.ndarray` of shape `(num_bones, 3)`): from each bone's joint to its end, file units; 0 for the root.
        turns (`list[list[tuple[int, float]]]`): C of each bone, as (axis, degrees), in the order in which they are done.
        dofs (`list[tuple[str, ...]]`): numbers of each bone in a frame: "rx", "ty", "l" ...
        position (`np.ndarray` of shape `(3,)`): of the root.
        length (`float`): the `length` of `:units`.
    """

    names: list[str]
    parents: list[int]
    ends: np.ndarray
    turns: list[list[tuple[int, float]]]
    dofs: list[tuple[str, ...]]
    position: np.ndarray
    length: float


def is_asf(source: MotionSource) -> bool:
    """True for an ASF skeleton."""
    head = source.data[:4096]
    return re.search(rb"^[ \t]*:(version|units|bonedata|root)\b", head, re.IGNORECASE | re.MULTILINE) is not None


def is_amc(source: MotionSource) -> bool:
    """True for AMC text: `:FULLY-SPECIFIED` or `:DEGREES` after comments."""
    head = source.data[:4096]
    return re.search(rb"^[ \t]*:(fully-specified|degrees|radians)\b", head, re.IGNORECASE | re.MULTILINE) is not None


def refuse_asf(source: MotionSource, options: ReadOptions) -> RawMotion:
    """An ASF alone has no motion.

    Raises:
        MotionFormatError: always.
    """
    raise MotionFormatError(
        "a motion",
        "an ASF file, which is a skeleton without one",
        source.where,
        "Give the .amc file of the recording; its .asf is read along with it where it lies beside it.",
    )


def read_amc_motion(source: MotionSource, options: ReadOptions) -> RawMotion:
    """An AMC file and its ASF to a motion.

    The ASF is the caller's (`asf`), or lies beside the AMC: of the same name, of the subject's (02.asf for 02_01.amc), or
    the only one there.
    """
    notes: list[str] = []
    if options.asf is not None:
        asf, asf_where = options.asf, "the ASF given"
    else:
        path = find_asf(source)
        asf, asf_where = path.read_bytes(), str(path)
        notes.append(f"skeleton read from {path.name}, which lies beside the file")
    skeleton = read_asf(asf, asf_where)
    values = read_amc(source.data, skeleton, source.where, options, notes)
    fps = choose_fps(None, options, notes, DEFAULT_FPS)
    animation = to_bvh(skeleton, values, fps, notes)
    scale = "cmu" if abs(skeleton.length - CMU_LENGTH) < 1e-6 else None
    return skeleton_motion(animation, fps, "amc", options, source.where, scale)


def find_asf(source: MotionSource) -> Path:
    """The ASF that lies in the folder of an AMC and belongs to it.

    Raises:
        MotionFormatError: none, several, or one that is a link out of the folder.
    """
    remedy = "Put the subject's .asf file beside the .amc file (02.asf beside 02_01.amc), or name it with --asf FILE (`asf=`)."
    if source.path is None:
        raise MotionFormatError("an AMC with its ASF skeleton", "the bytes of an AMC alone", source.where, remedy)
    folder = source.path.parent
    try:
        with os.scandir(folder) as entries:
            there = {entry.name: entry for entry in entries if entry.name.lower().endswith(".asf")}
        stem = source.path.stem.lower()
        wanted = [stem]
        while "_" in stem or "-" in stem:
            stem = re.sub(r"[_-][^_-]*$", "", stem)
            wanted.append(stem)
        names = [name for want in wanted for name in sorted(there) if name[:-4].lower() == want]
        if not names and len(there) == 1:
            names = list(there)
        if not names:
            got = f"{len(there)} .asf files in {folder}, none of this name" if there else f"no .asf file in {folder}"
            raise MotionFormatError("an ASF skeleton beside the AMC", got, source.where, remedy)
        path = folder / names[0]
        if path.resolve().parent != folder.resolve():
            raise MotionFormatError("an ASF inside the folder of the AMC", "a link out of it", str(path), remedy)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_ASF_BYTES:
            raise MotionFormatError(
                f"a file of at most {MAX_ASF_BYTES:,} bytes", f"{status.st_size:,} bytes or no file", str(path), remedy
            )
    except OSError as error:
        raise MotionFormatError(
            "a readable folder", f"{type(error).__name__}: {error}", str(folder), "Check the path and its permissions."
        ) from None
    return path


def read_asf(data: bytes, where: str) -> AsfSkeleton:
    """The skeleton of an ASF file in memory.

    Raises:
        MotionFormatError: where the text is no ASF, or its bones do not hang together.
    """
    if len(data) > MAX_ASF_BYTES:
        raise MotionFormatError(f"at most {MAX_ASF_BYTES:,} bytes", f"{len(data):,}", where, CONVERT)

    def fail(expected: str, got: str, number: int):
        raise MotionFormatError(expected, got, f"{where}, line {number}" if number else where, CONVERT)

    def number_of(word: str, line: int) -> float:
        try:
            value = float(word.strip("(),"))
        except ValueError:
            value = float("nan")
        if not abs(value) <= MAX_NUMBER:
            fail("a number", repr(word[:40]), line)
        return value

    def vector(words: list[str], line: int) -> np.ndarray:
        if len(words) < 3:
            fail("three numbers", f"{len(words)}", line)
        return np.array([number_of(word, line) for word in words[:3]])

    def order_of(word: str, line: int) -> str:
        order = word.lower()
        if sorted(order) != list(AXES):
            fail("an order of axes such as XYZ", repr(word[:40]), line)
        return order

    section = ""
    length, degrees = 1.0, 1.0
    root = {"order": ("tx", "ty", "tz", "rx", "ry", "rz"), "axis": AXES, "position": np.zeros(3), "orientation": np.zeros(3)}
    bones: dict[str, dict] = {}
    bone: dict | None = None
    children: dict[str, str] = {}
    for number, raw in enumerate(data.decode("utf-8", errors="replace").splitlines(), 1):
        words = raw.split("#", 1)[0].split()
        if not words:
            continue
        key = words[0].lower()
        if key.startswith(":"):
            section = key[1:]
            continue
        if section == "units":
            if key == "length" and len(words) > 1:
                length = number_of(words[1], number)
            elif key == "angle" and len(words) > 1:
                degrees = 180.0 / np.pi if words[1].lower().startswith("rad") else 1.0
        elif section == "root":
            if key == "order":
                root["order"] = tuple(word.lower() for word in words[1:7])
            elif key == "axis" and len(words) > 1:
                root["axis"] = order_of(words[1], number)
            elif key in ("position", "orientation"):
                root[key] = vector(words[1:], number)
        elif section == "bonedata":
            if key == "begin":
                bone = {"direction": np.zeros(3), "length": 0.0, "axis": np.zeros(3), "order": AXES, "dof": ()}
            elif key == "end":
                if bone is None or "name" not in bone:
                    fail("a bone with a name between begin and end", "none", number)
                if bone["name"] in bones or bone["name"] == "root":
                    fail("each bone once", f"{bone['name']!r} twice", number)
                if len(bones) >= MAX_NODES:
                    fail(f"at most {MAX_NODES:,} bones", "more", number)
                bones[bone["name"]] = bone
                bone = None
            elif bone is not None and len(words) > 1:
                if key == "name":
                    bone["name"] = words[1]
                elif key == "direction":
                    bone["direction"] = vector(words[1:], number)
                elif key == "length":
                    bone["length"] = number_of(words[1], number)
                elif key == "axis":
                    bone["axis"] = vector(words[1:], number)
                    bone["order"] = order_of(words[4], number) if len(words) > 4 else AXES
                elif key == "dof":
                    bone["dof"] = tuple(word.lower() for word in words[1:])
        elif section == "hierarchy" and key not in ("begin", "end"):
            for child in words[1:]:
                if child in children:
                    fail("one parent for each bone", f"two for {child!r}", number)
                children[child] = words[0]
    if not bones:
        fail("a :bonedata section with bones", "none", 0)
    below: dict[str, list[str]] = {}
    for child, parent in children.items():
        if child not in bones or (parent != "root" and parent not in bones):
            fail("a :hierarchy of the bones in :bonedata", f"{parent!r} above {child!r}", 0)
        below.setdefault(parent, []).append(child)
    names, parents, position = ["root"], [-1], 0
    while position < len(names):
        for child in below.get(names[position], ()):
            names.append(child)
            parents.append(position)
        position += 1
    if len(names) == 1:
        fail("bones below the root in :hierarchy", "none", 0)
    dofs = [root["order"]] + [bones[name]["dof"] for name in names[1:]]
    for name, dof in zip(names, dofs, strict=True):
        bad = [word for word in dof if word not in ("rx", "ry", "rz", "tx", "ty", "tz", "l")]
        if bad or len(set(dof)) != len(dof):
            fail("dofs out of rx, ry, rz, tx, ty, tz, l", f"{' '.join(dof)[:60]!r} of {name!r}", 0)
    ends = np.zeros((len(names), 3))
    turns = [[(AXES.index(a), float(root["orientation"][AXES.index(a)]) * degrees) for a in root["axis"]]]
    for index, name in enumerate(names[1:], 1):
        one = bones[name]
        ends[index] = one["direction"] * one["length"] / max(float(np.linalg.norm(one["direction"])), 1e-12)
        turns.append([(AXES.index(a), float(one["axis"][AXES.index(a)]) * degrees) for a in one["order"]])
    return AsfSkeleton(names, parents, ends, turns, dofs, root["position"], length)


def read_amc(data: bytes, skeleton: AsfSkeleton, where: str, options: ReadOptions, notes: list[str]) -> np.ndarray:
    """The numbers of an AMC file, one row per frame, one column per dof of the skeleton in its order.

    Args:
        notes (`list[str]`): what was odd is added here.

    Returns:
        `(num_frames, num_dofs)`: degrees and file units.

    Raises:
        MotionFormatError: a bone that the ASF lacks, a wrong count of numbers, a frame without some bones, no number.
    """
    first = np.concatenate([[0], np.cumsum([len(dof) for dof in skeleton.dofs])]).astype(int)
    place = {name: (int(first[i]), len(skeleton.dofs[i])) for i, name in enumerate(skeleton.names)}
    num_columns = int(first[-1])
    empty = array.array("d", bytes(8 * num_columns))
    rows = array.array("d")
    radians = False
    base, num_frames, filled, expected = 0, 0, 0, -1
    seen: dict[str, int] = {}

    def fail(wanted: str, got: str, number: int):
        raise MotionFormatError(wanted, got, f"{where}, line {number}", CONVERT)

    def close_frame(number: int):
        nonlocal expected
        if expected < 0:
            expected = filled
        elif filled != expected:
            fail("the same bones in every frame", f"{filled} in frame {num_frames} and {expected} in the first", number)

    number = 0
    for number, line in enumerate(_lines(data), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(":"):
            radians = radians or words[0].lower() == ":radians"
            continue
        if len(words) == 1 and words[0].isdigit():
            if num_frames:
                close_frame(number)
            num_frames += 1
            if num_frames > options.max_frames:
                options.check_frames(num_frames, where)
            base, filled = len(rows), 0
            rows.extend(empty)
            continue
        at = place.get(words[0])
        if at is None:
            fail("a bone of the ASF", repr(words[0][:40]), number)
        if not num_frames:
            fail("a frame number before the first bone", repr(words[0][:40]), number)
        if seen.get(words[0]) == num_frames:
            fail("each bone once in a frame", f"{words[0]} twice in frame {num_frames}", number)
        seen[words[0]] = num_frames
        if len(words) - 1 != at[1]:
            fail(f"{at[1]} numbers for {words[0]}, as the ASF says", f"{len(words) - 1}", number)
        for column, word in enumerate(words[1:], base + at[0]):
            try:
                value = float(word)
            except ValueError:
                value = float("nan")
            if not abs(value) <= MAX_NUMBER:
                fail("a finite number", repr(word[:40]), number)
            rows[column] = value
        filled += 1
    options.check_frames(num_frames, where)
    if filled != expected and expected >= 0:
        if num_frames < 2:
            fail(f"{expected} bones", f"{filled}", number)
        # Copying stopped in the middle of the last frame; what stands before it is whole.
        notes.append("the last frame is cut off and left out")
        num_frames -= 1
        del rows[base:]
    values = np.frombuffer(rows, dtype=np.float64).reshape(num_frames, num_columns).copy()
    if radians:
        turning = [dof[0] == "r" for dofs in skeleton.dofs for dof in dofs]
        values[:, turning] *= 180.0 / np.pi
    return values


def _lines(data: bytes, piece: int = 1 << 20):
    """The lines of a file, without holding all of them at once."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + piece)
        end = len(data) if end < 0 else end + 1
        yield from data[start:end].decode("utf-8", errors="replace").splitlines()
        start = end


def to_bvh(skeleton: AsfSkeleton, values: np.ndarray, fps: float, notes: list[str]) -> BvhFile:
    """The same motion as a BVH says it: C M C^-1 becomes a row of rotation channels, some of them constant."""
    num_bones = len(skeleton.names)
    childless = sorted(set(range(1, num_bones)) - set(skeleton.parents))
    names = skeleton.names + [f"{skeleton.names[bone]}_end" for bone in childless]
    parents = np.array(skeleton.parents + childless)
    offsets = np.zeros((len(names), 3))
    for node in range(1, num_bones):
        offsets[node] = skeleton.ends[skeleton.parents[node]]
    for node, bone in enumerate(childless, num_bones):
        offsets[node] = skeleton.ends[bone]
    channels: list[tuple[str, ...]] = []
    columns: list[np.ndarray] = []
    first, skipped = 0, []
    for bone, dofs in enumerate(skeleton.dofs):
        own: list[str] = []
        constant = [(axis, angle) for axis, angle in skeleton.turns[bone] if angle != 0.0]

        def add(channel: str, column, own=own) -> None:
            own.append(channel)
            columns.append(np.broadcast_to(column, len(values)))

        for at, dof in enumerate(dofs):
            if dof[0] == "t" and bone == 0:
                axis = AXES.index(dof[1])
                add(f"{dof[1]}p", values[:, first + at] + skeleton.position[axis])
            elif dof[0] in "tl" and np.abs(values[:, first + at]).max(initial=0.0) > 1e-6:
                skipped.append(skeleton.names[bone])
        # BVH turns about the turned axes in the order listed, which is about fixed axes in the opposite order.
        turning = [(at, dof) for at, dof in enumerate(dofs) if dof[0] == "r"]
        for axis, angle in reversed(constant):
            add(f"{AXES[axis]}r", angle)
        for at, dof in reversed(turning):
            add(f"{dof[1]}r", values[:, first + at])
        for axis, angle in constant:
            add(f"{AXES[axis]}r", -angle)
        channels.append(tuple(own))
        first += len(dofs)
    channels += [()] * len(childless)
    if skipped:
        notes.append(f"translations and stretches of {', '.join(dict.fromkeys(skipped))} left out")
    is_end = np.arange(len(names)) >= num_bones
    return BvhFile(
        names=names,
        parents=parents,
        offsets=offsets,
        is_end=is_end,
        channels=channels,
        values=np.stack(columns, axis=1) if columns else np.zeros((len(values), 0)),
        frame_time=1.0 / fps,
        fps=fps,
        notes=notes,
    )
