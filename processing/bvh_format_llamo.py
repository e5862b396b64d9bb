# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""BVH files: text to numbers, and numbers to world positions of every joint and End Site.

Any joint naming and order, any rotation order and any channels per joint. Conventions, as bvhio and bvhsdk read them:

* a position channel *replaces* that component of the joint's OFFSET, on the root and on every other joint alike;
* rotations are intrinsic, in the order in which the channels are listed (`Zrotation Xrotation Yrotation` is Rz Rx Ry),
  wherever the position channels stand between them.

Only the text is read here, in the file's own units and axes: which way is up, how long a unit is and which joint is
the left knee are decided in skeleton_mapping_llamo.py and motion_frame_llamo.py.
"""

import math
import re
from dataclasses import dataclass, field

import numpy as np

from .joints_format_llamo import check_fps
from .motion_errors_llamo import MotionFormatError
from .motion_source_llamo import MotionSource, ReadOptions
from .number_text_llamo import MAX_NUMBER, read_numbers
from .raw_motion_llamo import RawMotion, skeleton_motion


MAX_FRAMES = 500_000  # 70 minutes at 120 fps
MAX_NODES = 3_000  # joints and End Sites; the richest face and finger rigs have about 1,000
MAX_HEADER_BYTES = 8 << 20
# Frames are posed in pieces, so that the scratch arrays of forward kinematics stay in the processor's cache.
CHUNK_VALUES = 1 << 14

AXES = "xyz"
CONVERT = "Export the motion as BVH again (Blender, MotionBuilder, 3ds Max and iClone all write it), then try once more."


@dataclass
class BvhFile:
    """A BVH file as it is written.

    Attributes:
        names (`list[str]`): one name per node, in file order (a parent always stands before its children); an
            End Site is called after its parent.
        parents (`np.ndarray` of shape `(num_nodes,)`): index of the parent, -1 for a root.
        offsets (`np.ndarray` of shape `(num_nodes, 3)`): OFFSET of each node, in file units.
        is_end (`np.ndarray` of shape `(num_nodes,)`): True for End Sites, which are points without channels.
        channels (`list[tuple[str, ...]]`): per node, its channels in file order: "xp" is Xposition, "zr" is Zrotation.
        values (`np.ndarray` of shape `(num_frames, num_channels)`): the MOTION block; file units and degrees.
        frame_time (`float`): seconds, as written. 0 where the file has no usable one.
        fps (`float`): frames per second; a frame time that is a rounded 1/N (0.033333) gives N (30).
        notes (`list[str]`): what was odd about the file and how it was read.
    """

    names: list[str]
    parents: np.ndarray
    offsets: np.ndarray
    is_end: np.ndarray
    channels: list[tuple[str, ...]]
    values: np.ndarray
    frame_time: float
    fps: float
    notes: list[str] = field(default_factory=list)

    @property
    def num_frames(self) -> int:
        return self.values.shape[0]

    def rest_positions(self) -> np.ndarray:
        """Positions with every rotation zero and every OFFSET in place, `(num_nodes, 3)`, file units."""
        rest = self.offsets.copy()
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                rest[node] += rest[parent]
        return rest

    def world_positions(self, nodes=None, frames=None) -> np.ndarray:
        """Forward kinematics.

        Args:
            nodes (sequence of `int`, *optional*): the nodes wanted; all where None. Only these and their ancestors
                are posed, which is what makes a 100-joint hand-and-face rig as cheap as a plain one.
            frames (`slice` or index array, *optional*): the frames wanted; all where None.

        Returns:
            `np.ndarray` of shape `(num_frames, num_nodes, 3)`, float64: world positions in file units and file axes.
        """
        wanted = np.arange(len(self.names)) if nodes is None else np.asarray(nodes, dtype=np.int64)
        values = self.values if frames is None else self.values[frames]
        plan = _PosePlan(self, wanted)
        out = np.empty((values.shape[0], len(wanted), 3))
        step = max(16, CHUNK_VALUES // max(1, plan.num_nodes))
        for start in range(0, values.shape[0], step):
            piece = slice(start, start + step)
            out[piece] = plan.pose(values[piece]).transpose(2, 1, 0)
        return out


class _PosePlan:
    """What forward kinematics needs, in an order that lets one NumPy call pose all joints of one depth in all frames.

    Rows are the needed nodes sorted by depth. Orientations are quaternions (w, x, y, z) of nodes with children.
    """

    def __init__(self, bvh: BvhFile, wanted: np.ndarray):
        num_nodes, parents = len(bvh.names), bvh.parents
        depth = np.zeros(num_nodes, dtype=np.int64)
        for node in range(num_nodes):
            depth[node] = depth[parents[node]] + 1 if parents[node] >= 0 else 0
        needed = np.zeros(num_nodes, dtype=bool)
        needed[wanted] = True
        for node in range(num_nodes - 1, -1, -1):
            if needed[node] and parents[node] >= 0:
                needed[parents[node]] = True
        order = np.flatnonzero(needed)
        has_children = np.zeros(num_nodes, dtype=bool)
        has_children[parents[order][parents[order] >= 0]] = True
        # Within a depth, nodes that turn something come first: their orientations are one contiguous slice.
        order = order[np.lexsort((order, ~has_children[order], depth[order]))]
        row = np.full(num_nodes, -1)
        row[order] = np.arange(len(order))
        turning = order[has_children[order]]
        turn_row = np.full(num_nodes, -1)
        turn_row[turning] = np.arange(len(turning))

        self.num_nodes = len(order)
        self.num_turning = len(turning)
        self.rows = row[wanted]
        self.offsets = bvh.offsets[order].T.copy()[:, :, None]  # (3, num_nodes, 1)
        first_channel = np.concatenate([[0], np.cumsum([len(c) for c in bvh.channels])]).astype(np.int64)

        # Position channels: (axis, row, channel). The last one wins where an axis is listed twice.
        self.positions = [
            (AXES.index(channel[0]), int(row[node]), int(first_channel[node]) + k)
            for node in order
            for k, channel in enumerate(bvh.channels[node])
            if channel[1] == "p"
        ]
        self.moving = {r for _, r, _ in self.positions}
        # Rotation channels: nodes that share an order are turned together.
        groups: dict[tuple[int, ...], tuple[list[int], list[list[int]]]] = {}
        for node in turning:
            turns = [(AXES.index(c[0]), int(first_channel[node]) + k) for k, c in enumerate(bvh.channels[node]) if c[1] == "r"]
            rows, columns = groups.setdefault(tuple(axis for axis, _ in turns), ([], []))
            rows.append(int(turn_row[node]))
            columns.append([column for _, column in turns])
        self.groups = [
            (axes, np.array(rows), np.array(columns).reshape(len(rows), len(axes)).T)
            for axes, (rows, columns) in groups.items()
        ]
        # Levels: rows [a, b) of this depth, the first of which have orientations [c, d); their parents' rows in both.
        self.levels = []
        for level in range(int(depth[order].max()) + 1):
            at = np.flatnonzero(depth[order] == level)
            here = order[at]
            turn_at = turn_row[here[has_children[here]]]
            a, b = int(at[0]), int(at[-1]) + 1
            c = int(turn_at[0]) if len(turn_at) else 0
            up = parents[here]
            moving = any(r in self.moving for r in range(a, b))
            self.levels.append((a, b, c, c + len(turn_at), row[up], turn_row[up], moving))

    def pose(self, values: np.ndarray) -> np.ndarray:
        """`(frames, channels)` to world positions `(3, wanted, frames)`."""
        values = np.ascontiguousarray(values.T)  # (channels, frames): one joint's numbers lie side by side
        num_frames = values.shape[1]
        local = self._local_quaternions(values, num_frames)
        world = np.empty((4, self.num_turning, num_frames))
        points = np.empty((3, self.num_nodes, num_frames))
        if self.positions:
            places = np.broadcast_to(self.offsets, points.shape).copy()
            for axis, row, channel in self.positions:
                places[axis, row] = values[channel]
        for a, b, c, d, up_row, up_turn, moving in self.levels:
            offset = places[:, a:b] if moving else self.offsets[:, a:b]
            if a == 0:
                points[:, a:b] = offset
                world[:, c:d] = local[:, c:d]
                continue
            w, x, y, z = parent = world[:, up_turn]
            ox, oy, oz = offset
            # v' = v + 2 w (u x v) + 2 u x (u x v) for the unit quaternion (w, u)
            tx, ty, tz = y * oz - z * oy, z * ox - x * oz, x * oy - y * ox
            tx += tx
            ty += ty
            tz += tz
            above = points[:, up_row]
            points[0, a:b] = above[0] + ox + w * tx + (y * tz - z * ty)
            points[1, a:b] = above[1] + oy + w * ty + (z * tx - x * tz)
            points[2, a:b] = above[2] + oz + w * tz + (x * ty - y * tx)
            if d > c:
                pw, px, py, pz = parent[:, : d - c]
                qw, qx, qy, qz = local[:, c:d]
                world[0, c:d] = pw * qw - px * qx - py * qy - pz * qz
                world[1, c:d] = pw * qx + px * qw + py * qz - pz * qy
                world[2, c:d] = pw * qy - px * qz + py * qw + pz * qx
                world[3, c:d] = pw * qz + px * qy - py * qx + pz * qw
        return points[:, self.rows]

    def _local_quaternions(self, values: np.ndarray, num_frames: int) -> np.ndarray:
        local = np.zeros((4, self.num_turning, num_frames))
        for axes, rows, columns in self.groups:
            if not axes:
                local[0, rows] = 1.0
                continue
            half = values[columns]  # (channels of this order, joints, frames)
            half *= math.pi / 360.0
            cosines, sines = np.cos(half), np.sin(half)
            turned = [None, None, None, None]
            turned[0], turned[1 + axes[0]] = cosines[0], sines[0]
            for axis, c, s in zip(axes[1:], cosines[1:], sines[1:], strict=True):
                turned = _turn(turned, axis, c, s)
            for k in range(4):
                if turned[k] is not None:
                    local[k, rows] = turned[k]
        return local


def _turn(q: list, axis: int, c: np.ndarray, s: np.ndarray) -> list:
    """The quaternion `q` times a turn about one axis (cosine and sine of half its angle). None is a zero component."""
    i, j, k = 1 + axis, 1 + (axis + 1) % 3, 1 + (axis + 2) % 3
    out: list = [None, None, None, None]
    for target, sources in (
        (0, ((0, c, 1), (i, s, -1))),
        (i, ((i, c, 1), (0, s, 1))),
        (j, ((j, c, 1), (k, s, 1))),
        (k, ((k, c, 1), (j, s, -1))),
    ):
        for source, factor, sign in sources:
            if q[source] is None:
                continue
            term = q[source] * factor
            if out[target] is None:
                out[target] = term if sign > 0 else np.negative(term, out=term)
            elif sign > 0:
                out[target] += term
            else:
                out[target] -= term
    return out


def is_bvh(source: MotionSource) -> bool:
    """True for BVH text, in UTF-16 too."""
    return looks_like_bvh(source.data) or source.data[:2] in (b"\xff\xfe", b"\xfe\xff")


def read_bvh_motion(source: MotionSource, options: ReadOptions) -> RawMotion:
    """A BVH file to a motion."""
    bvh = read_bvh(source.data, where=source.where, fps=options.fps, max_frames=options.max_frames)
    check_fps(bvh.fps, f"{source.where}, Frame Time")
    return skeleton_motion(bvh, bvh.fps, "bvh", options, source.where)


def looks_like_bvh(data: bytes) -> bool:
    """True where the file begins as a BVH does: HIERARCHY, after blank lines, comments or a byte-order mark."""
    # One blank at a time: "\s+" inside of the repetition would try every way to divide a run of blanks.
    return re.match(rb"(?:\xef\xbb\xbf)?(?:\s|#[^\n]*\n|//[^\n]*\n)*HIERARCHY\b", data[:4096], re.IGNORECASE) is not None


def read_bvh(data: bytes, *, where: str = "BVH", fps: float | None = None, max_frames: int = MAX_FRAMES) -> BvhFile:
    """Reads a BVH file held in memory.

    Args:
        data (`bytes`): the whole file.
        where (`str`): the file's name, for messages.
        fps (`float`, *optional*): the caller's frame rate; a file whose own is zero or absurd is then read.
        max_frames (`int`): files that declare more frames are refused before their numbers are read.

    Raises:
        MotionFormatError: where the text is no BVH, is truncated, or holds something that is no number.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", errors="replace").encode()
    if not looks_like_bvh(data):
        raise MotionFormatError(
            "a BVH file, which begins with the word HIERARCHY",
            f"{_glimpse(data)}",
            where,
            "Is this the right file? " + CONVERT,
        )
    motion = re.compile(rb"^[ \t]*MOTION\b", re.IGNORECASE | re.MULTILINE).search(data, 0, min(len(data), MAX_HEADER_BYTES))
    if motion is None:
        # Files written on one line, or with the old line ends, have MOTION after the last brace.
        motion = re.compile(rb"\}\s*MOTION\b", re.IGNORECASE).search(data, 0, min(len(data), MAX_HEADER_BYTES))
    if motion is None:
        raise MotionFormatError(
            "a MOTION block after the HIERARCHY",
            f"none in {len(data):,} bytes",
            where,
            "The file is cut off or holds a skeleton only. " + CONVERT,
        )
    notes: list[str] = []
    split = motion.end() - len("MOTION")
    names, parents, offsets, is_end, channels = _read_hierarchy(data[:split], where, notes)
    num_channels = sum(map(len, channels))
    if num_channels == 0:
        raise MotionFormatError("CHANNELS on at least one joint", "none at all", f"{where}, HIERARCHY", CONVERT)
    declared, frame_time, frame_time_text, body_at = _read_motion_head(data, motion.end(), where, fps)
    if declared > max_frames:
        raise MotionFormatError(
            f"at most {max_frames:,} frames",
            f"Frames: {declared:,}",
            f"{where}, MOTION",
            "Cut the motion into shorter files, or raise `max_frames`.",
        )
    values = read_numbers(data, body_at, declared * num_channels, where, notes, CONVERT)
    num_frames, rest = divmod(values.size, num_channels)
    if num_frames < declared or rest:
        raise MotionFormatError(
            f"{declared:,} frames of {num_channels} channels ({declared * num_channels:,} numbers)",
            f"{values.size:,} numbers ({num_frames:,} whole frames and {rest} numbers)",
            f"{where}, MOTION",
            "The file is cut off, or its CHANNELS do not match its numbers. Copy or export it again.",
        )
    if num_frames > declared:
        notes.append(f"the file declares {declared} frames and holds {num_frames}; all {num_frames} are read")
        if num_frames > max_frames:
            raise MotionFormatError(
                f"at most {max_frames:,} frames",
                f"{num_frames:,}",
                f"{where}, MOTION",
                "Cut the motion into shorter files, or raise `max_frames`.",
            )
    return BvhFile(
        names=names,
        parents=parents,
        offsets=offsets,
        is_end=is_end,
        channels=channels,
        values=values.reshape(num_frames, num_channels),
        frame_time=frame_time,
        fps=float(fps) if fps is not None else rate_of(frame_time_text),
        notes=notes,
    )


def rate_of(frame_time_text: str) -> float:
    """Frames per second of a written frame time.

    Frame times are written rounded: "0.016667" means 60 fps. A whole rate or a television rate (N x 1000/1001) that
    is written with exactly these digits is taken; anything else is 1 / frame time at full precision.
    """
    frame_time = float(frame_time_text)
    mantissa, _, exponent = frame_time_text.lower().partition("e")
    digits = len(mantissa.partition(".")[2])
    half_digit = 0.5000001 * 10.0 ** (int(exponent or 0) - digits)
    # A cut-off digit ("0.0166" for 1/60) is as common as a rounded one; more than 1 % off is another rate.
    tolerance = min(2 * half_digit, 0.0102 * frame_time)
    whole = round(1.0 / frame_time)
    if whole >= 1:
        for rate in (float(whole), whole * 1000.0 / 1001.0):
            if abs(1.0 / rate - frame_time) <= min(half_digit, tolerance):
                return rate
        if abs(1.0 / whole - frame_time) <= tolerance:
            return float(whole)
    return 1.0 / frame_time


def _read_hierarchy(header: bytes, where: str, notes: list[str]):
    text = header.decode("utf-8-sig", errors="replace").replace("{", " { ").replace("}", " } ")
    lines = text.splitlines() if "\n" in text else text.replace("\r", "\n").split("\n")
    tokens: list[str] = []
    line_of: list[int] = []
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith(("#", "//")):
            continue
        words = line.split()
        tokens += words
        line_of += [number] * len(words)

    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    is_end: list[bool] = []
    channels: list[tuple[str, ...]] = []
    open_nodes: list[int] = []
    has_offset: list[bool] = []
    commas = False

    def fail(expected: str, got: str, at: int):
        line = line_of[min(at, len(line_of) - 1)] if line_of else 1
        raise MotionFormatError(expected, got, f"{where}, line {line}", "The file is damaged or not a BVH. " + CONVERT)

    position, end = 0, len(tokens)
    keywords = {"OFFSET", "CHANNELS", "JOINT", "ROOT", "END", "}"}
    while position < end:
        token = tokens[position].upper()
        if token in ("ROOT", "JOINT", "END", "ENDSITE"):
            brace = position + 1
            while brace < end and tokens[brace] != "{":
                if tokens[brace].upper() in keywords - {"END"} and brace > position + 1:
                    break
                brace += 1
            if brace >= end or tokens[brace] != "{":
                fail(
                    f"'{{' after {tokens[position]}",
                    repr(tokens[brace]) if brace < end else "the end of the HIERARCHY",
                    min(brace, end - 1),
                )
            ending = token.startswith("END")
            if token != "ROOT" and not open_nodes:
                fail(f"{tokens[position]} inside a ROOT", "one outside", position)
            if open_nodes and is_end[open_nodes[-1]]:
                fail("no joint inside an End Site", f"{tokens[position]}", position)
            if len(names) >= MAX_NODES:
                fail(f"at most {MAX_NODES:,} joints", "more", position)
            parent = open_nodes[-1] if open_nodes else -1
            written = " ".join(tokens[position + 1 : brace])
            names.append(f"{names[parent]}_end" if ending else written or f"joint{len(names)}")
            parents.append(parent)
            offsets.append([0.0, 0.0, 0.0])
            has_offset.append(False)
            is_end.append(ending)
            channels.append(())
            open_nodes.append(len(names) - 1)
            position = brace + 1
        elif token == "OFFSET":
            if not open_nodes:
                fail("OFFSET inside a joint", "one outside", position)
            numbers = []
            for word in tokens[position + 1 : position + 4]:
                try:
                    number = float(word)
                except ValueError:
                    try:
                        number, commas = float(word.replace(",", ".")), True
                    except ValueError:
                        number = math.nan
                if not abs(number) <= MAX_NUMBER or "_" in word:
                    fail(f"three numbers after the OFFSET of {names[open_nodes[-1]]}", repr(word), position)
                numbers.append(number)
            if len(numbers) < 3:
                fail("three numbers after OFFSET", f"{len(numbers)}", position)
            offsets[open_nodes[-1]] = numbers
            has_offset[open_nodes[-1]] = True
            position += 4
        elif token == "CHANNELS":
            if not open_nodes:
                fail("CHANNELS inside a joint", "some outside", position)
            count = tokens[position + 1] if position + 1 < end else ""
            if not count.isdecimal() or len(count) > 3:
                fail("the number of channels after CHANNELS", repr(count), position)
            words = tokens[position + 2 : position + 2 + int(count)]
            read = tuple(_CHANNELS.get(word.lower(), "") for word in words)
            if len(read) < int(count) or "" in read:
                bad = next((w for w, r in zip(words, read, strict=True) if not r), "the end of the HIERARCHY")
                fail(f"{count} channels such as Xposition or Zrotation", repr(bad), position)
            if is_end[open_nodes[-1]] and read:
                fail("no CHANNELS in an End Site", f"{count} of them", position)
            channels[open_nodes[-1]] = read
            position += 2 + int(count)
            if position < end and tokens[position].lower() in _CHANNELS:
                fail(f"{count} channels, as declared", f"one more: {tokens[position]!r}", position)
        elif token == "}":
            if not open_nodes:
                fail("as many '}' as '{'", "one '}' too many", position)
            if not has_offset[open_nodes[-1]]:
                fail(f"an OFFSET for {names[open_nodes[-1]]}", "none", position)
            open_nodes.pop()
            position += 1
        elif token == "HIERARCHY":
            position += 1
        else:
            fail("ROOT, JOINT, End Site, OFFSET, CHANNELS or '}'", repr(tokens[position][:40]), position)
    if open_nodes:
        fail(f"'}}' that closes {names[open_nodes[-1]]}", "MOTION", end - 1)
    if not names:
        fail("a ROOT joint", "no joint at all", 0)
    if commas:
        notes.append("decimal commas in the HIERARCHY are read as decimal points")
    return names, np.array(parents, dtype=np.int64), np.array(offsets), np.array(is_end), channels


_CHANNELS = {f"{axis}{kind}": axis + kind[0] for axis in AXES for kind in ("position", "rotation")}


def _read_motion_head(data: bytes, start: int, where: str, fps: float | None) -> tuple[int, float, str, int]:
    """Frame count, frame time, the frame time as written, and where the numbers begin."""
    found = re.compile(
        rb"\s*(?:Frames\s*:?\s*(?P<n>[^\s:]+)\s+Frame\s*Time\s*:?\s*(?P<t>[^\s:]+)|Frame\s*Time\s*:?\s*(?P<t2>[^\s:]+)\s+Frames\s*:?\s*(?P<n2>[^\s:]+))(?=\s|$)",
        re.IGNORECASE,
    ).match(data, start, min(len(data), start + 4096))
    if found is None:
        raise MotionFormatError(
            "'Frames: N' and 'Frame Time: S' after MOTION",
            _glimpse(data[start : start + 200]),
            f"{where}, MOTION",
            "The file is cut off or damaged. " + CONVERT,
        )
    count_text = (found["n"] or found["n2"]).decode("latin-1")
    time_text = (found["t"] or found["t2"]).decode("latin-1").replace(",", ".")
    try:
        count = float(count_text)
        declared = int(count) if math.isfinite(count) and count == int(count) and len(count_text) < 16 else 0
    except ValueError:
        declared = 0
    if declared < 1:
        raise MotionFormatError(
            "a whole number of frames, 1 or more",
            f"Frames: {count_text[:40]}",
            f"{where}, MOTION",
            "A motion needs at least one frame. " + CONVERT,
        )
    try:
        frame_time = float(time_text) if "_" not in time_text else math.nan
    except ValueError:
        frame_time = math.nan
    if not 1e-4 <= frame_time <= 10.0:
        if fps is None:
            raise MotionFormatError(
                "a Frame Time between 0.0001 and 10 seconds",
                f"Frame Time: {time_text[:40]}",
                f"{where}, MOTION",
                "Correct it in the file (0.0333333 is 30 fps), or pass `fps`.",
            )
        frame_time = 0.0
    return declared, frame_time, time_text, found.end()


def _glimpse(data: bytes) -> str:
    """The beginning of a file in words, for messages."""
    if not data.strip():
        return "an empty file" if not data else "nothing but blanks"
    text = data[:40].decode("latin-1")
    return (
        repr(text)
        if text.isprintable() or all(c.isprintable() or c.isspace() for c in text)
        else f"binary data ({data[:8].hex(' ')} ...)"
    )
