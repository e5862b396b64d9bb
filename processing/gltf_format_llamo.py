# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""glTF 2.0 (`.gltf`, `.glb`): the skeleton of a skinned character, and one of its animations, sampled evenly in time.

The container is read by pygltflib (`pip install "llamo[gltf]"`). Standard: Khronos glTF 2.0, chapters 3.5 (nodes), 3.7.3
(skins), 3.11 (animations) and appendix C (interpolation). Positions are metres and Y up by the standard; both are checked
against the body. Buffers are read from the GLB chunk, from `data:` URIs, and from files in the folder of the `.gltf`, and from
nowhere else. Meshes, cameras, morph targets and materials are passed over.
"""

import base64
import binascii
import importlib
import math
import re
import struct
import warnings
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

import numpy as np

from .motion_errors_llamo import MotionFormatError
from .motion_source_llamo import MotionSource, ReadOptions, load_source
from .raw_motion_llamo import RawMotion, skeleton_motion
from .rotations_llamo import matrix_quaternions, quaternion_matrices, slerp, unit_quaternions


MAX_NODES = 3_000  # of the skeleton; the richest face and finger rigs have about 1,000
MAX_NUMBER = 1e9
SPARSE_FPS, SPARSE_STEP = 30.0, 1 / 12  # key frames further apart than the step are sampled at this rate
MAX_FPS = 240.0
EXPORT = "Export it again as glTF 2.0 with its animation and without compression (in Blender: File > Export > glTF 2.0)."
# Component type -> NumPy type, and the largest value that stands for 1 where the accessor is normalised.
COMPONENTS = {
    5120: ("<i1", 127),
    5121: ("<u1", 255),
    5122: ("<i2", 32767),
    5123: ("<u2", 65535),
    5125: ("<u4", 0),
    5126: ("<f4", 0),
}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
# What pygltflib and the arithmetic on its fields raise on damaged files.
DAMAGE = (TypeError, AttributeError, KeyError, IndexError, ValueError, OverflowError, RecursionError, struct.error, OSError)


@dataclass
class Track:
    """One moving property of one node.

    Attributes:
        path (`str`): "translation", "rotation" (quaternions x, y, z, w) or "scale".
        times (`np.ndarray` of shape `(num_keys,)`): seconds, rising.
        values (`np.ndarray` of shape `(num_keys, 3 or 4)`; `(num_keys, 3, 3 or 4)` for CUBICSPLINE, tangents around each).
        interpolation (`str`): "LINEAR", "STEP" or "CUBICSPLINE".
    """

    path: str
    times: np.ndarray
    values: np.ndarray
    interpolation: str

    def at(self, moments: np.ndarray) -> np.ndarray:
        """Values at moments (seconds), `(num_moments, 3 or 4)`; the first and last key hold outside of the keys."""
        last = len(self.times) - 1
        after = np.clip(np.searchsorted(self.times, moments, side="right"), 1, max(last, 1))
        before = after - 1
        if last == 0 or self.interpolation == "STEP":
            # Keys are 32-bit numbers: a moment that is one of them may stand a little before it.
            reached = moments + 1e-6 * (1 + np.abs(moments))
            key = np.clip(np.searchsorted(self.times, reached, side="right") - 1, 0, last)
            values = self.values[key] if self.values.ndim == 2 else self.values[key, 1]
        else:
            span = self.times[after] - self.times[before]
            t = np.clip((moments - self.times[before]) / span, 0.0, 1.0)[:, None]
            if self.interpolation == "CUBICSPLINE":
                leave, arrive = self.values[before, 2] * span[:, None], self.values[after, 0] * span[:, None]
                a, b = self.values[before, 1], self.values[after, 1]
                t2, t3 = t * t, t * t * t
                values = (2 * t3 - 3 * t2 + 1) * a + (t3 - 2 * t2 + t) * leave + (3 * t2 - 2 * t3) * b + (t3 - t2) * arrive
            elif self.path == "rotation":
                values = slerp(self.values[before], self.values[after], t)
            else:
                values = (1 - t) * self.values[before] + t * self.values[after]
        return unit_quaternions(values) if self.path == "rotation" else values


@dataclass
class GltfAnimation:
    """The nodes of a skeleton with their movement, as `skeleton_motion` wants them.

    Attributes:
        names, parents, is_end: one per node; parents before children, -1 for roots; glTF has no End Sites.
        rest (`np.ndarray` of shape `(num_nodes, 10)`): translation, rotation (x, y, z, w) and scale without animation.
        tracks (`list[dict[str, Track]]`): what moves of each node.
        start (`float`), fps (`float`), num_frames (`int`): the even grid on which it is sampled.
    """

    names: list[str]
    parents: np.ndarray
    is_end: np.ndarray
    rest: np.ndarray
    tracks: list[dict[str, Track]]
    start: float
    fps: float
    num_frames: int
    notes: list[str] = field(default_factory=list)

    def rest_positions(self) -> np.ndarray:
        """World positions without animation, `(num_nodes, 3)`."""
        return self._pose(np.arange(len(self.names)), np.zeros(1), moving=False)[0]

    def world_positions(self, nodes=None, frames=None) -> np.ndarray:
        """World positions `(num_frames, num_nodes, 3)`, float64, in the file's units and axes.

        Args:
            nodes (sequence of `int`, *optional*): the nodes wanted; all where None.
            frames (`slice` or index array, *optional*): frames of the even grid; all where None.
        """
        wanted = np.arange(len(self.names)) if nodes is None else np.asarray(nodes, dtype=np.int64)
        grid = np.arange(self.num_frames)
        moments = self.start + (grid if frames is None else grid[frames]) / self.fps
        return self._pose(wanted, moments, moving=True)

    def _pose(self, wanted: np.ndarray, moments: np.ndarray, moving: bool) -> np.ndarray:
        needed = np.zeros(len(self.names), dtype=bool)
        needed[wanted] = True
        for node in range(len(self.names) - 1, -1, -1):
            if needed[node] and self.parents[node] >= 0:
                needed[self.parents[node]] = True
        with np.errstate(all="ignore"):  # damaged files bring numbers that overflow; the check below finds them
            return self._place(wanted, np.flatnonzero(needed), moments, moving)

    def _place(self, wanted: np.ndarray, needed: np.ndarray, moments: np.ndarray, moving: bool) -> np.ndarray:
        # World matrices and places; of one frame where nothing above the node moves.
        turns: list = [None] * len(self.names)
        places: list = [None] * len(self.names)
        for node in needed:
            tracks = self.tracks[node] if moving else {}
            parts = {"translation": self.rest[node, None, :3], "rotation": self.rest[node, None, 3:7]}
            parts["scale"] = self.rest[node, None, 7:]
            parts |= {path: track.at(moments) for path, track in tracks.items()}
            turn = quaternion_matrices(parts["rotation"]) * parts["scale"][:, None, :]
            place, parent = parts["translation"], self.parents[node]
            if parent >= 0:
                place = (turns[parent] @ place[:, :, None])[..., 0] + places[parent]
                turn = turns[parent] @ turn
            turns[node], places[node] = turn, place
        out = np.empty((len(moments), len(wanted), 3))
        for column, node in enumerate(wanted):
            out[:, column] = places[node]
        if not np.abs(out).max() <= MAX_NUMBER:
            raise MotionFormatError(
                f"positions up to {MAX_NUMBER:g}",
                "larger ones, or none at all",
                "nodes and animation",
                "The file is damaged. " + EXPORT,
            )
        return out


def is_gltf(source: MotionSource) -> bool:
    """True for GLB files, and for JSON that has glTF's obligatory `asset`."""
    if source.data[:4] == b"glTF":
        return True
    head = source.data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return head[:1] == b"{" and (source.ending == ".gltf" or re.search(rb'"asset"\s*:', source.data) is not None)


def read_gltf_motion(source: MotionSource, options: ReadOptions) -> RawMotion:
    """A glTF file to a motion. `fps` is the rate at which the animation is sampled; its times are seconds.

    Raises:
        MotionFormatError: damaged files, no animation, no person, buffers outside of the folder, or pygltflib is missing.
    """
    animation = read_gltf(source, options)
    motion = skeleton_motion(animation, animation.fps, "gltf", options, source.where)
    if options.up_axis is None and motion.up_axis != "+y" and any("uncertain" in note for note in motion.assumed):
        # The standard says Y: only a body that clearly stands otherwise overrules it.
        motion = skeleton_motion(animation, animation.fps, "gltf", replace(options, up_axis="y"), source.where)
        motion.assumed.append("up axis taken as +Y, as the standard says")
    return motion


def read_gltf(source: MotionSource, options: ReadOptions) -> GltfAnimation:
    """A glTF file in memory to a sampled skeleton.

    Raises:
        MotionFormatError: as `read_gltf_motion`.
    """
    library = load_pygltflib(source.where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if source.data[:4] == b"glTF":
                document = library.GLTF2.load_from_bytes(source.data)
            else:
                document = library.GLTF2.gltf_from_json(source.data.decode("utf-8-sig"))
        return _Reader(document, source, options).read()
    except MotionFormatError:
        raise
    except DAMAGE as error:
        raise MotionFormatError(
            "a file as the glTF 2.0 standard describes",
            f"a damaged one ({type(error).__name__}: {str(error)[:100]})".replace("\n", " "),
            source.where,
            "Copy the file again. " + EXPORT,
        ) from None


def load_pygltflib(where: str):
    """The library, or a message that says how to install it."""
    try:
        return importlib.import_module("pygltflib")
    except ImportError:
        raise MotionFormatError(
            "the Python library pygltflib, which reads and writes glTF",
            "none installed",
            where,
            'Install it with: pip install "llamo[gltf]". Or use BVH.',
        ) from None


class _Reader:
    def __init__(self, document, source: MotionSource, options: ReadOptions):
        self.document, self.source, self.options, self.where = document, source, options, source.where
        self.buffers: dict[int, bytes] = {}
        self.read_bytes = 0
        self.notes: list[str] = []

    def read(self) -> GltfAnimation:
        index = self._choose_animation()
        animation = self.document.animations[index]
        order, parents = self._choose_nodes(animation)
        at = {node: position for position, node in enumerate(order)}
        tracks: list[dict[str, Track]] = [{} for _ in order]
        for channel in animation.channels:
            target = channel.target
            if target.node in at and target.path in ("translation", "rotation", "scale"):
                tracks[at[target.node]][target.path] = self._track(animation, channel.sampler, target.path)
        moving = [track for row in tracks for track in row.values()]
        if not moving:
            raise MotionFormatError("an animation that moves the skeleton", "one that moves other things", self.where, EXPORT)
        start, end = min(t.times[0] for t in moving), max(t.times[-1] for t in moving)
        fps = self._rate(moving, animation.extras)
        if (end - start) * fps > self.options.max_frames:
            self.options.check_frames(int((end - start) * fps) + 1, self.where)
        names = [str(self.document.nodes[node].name or f"node{node}") for node in order]
        return GltfAnimation(
            names=names,
            parents=np.array([at.get(parent, -1) for parent in parents], dtype=np.int64),
            is_end=np.zeros(len(order), dtype=bool),
            rest=np.array([self._rest(node) for node in order]),
            tracks=tracks,
            start=float(start),
            fps=fps,
            num_frames=int(math.floor((end - start) * fps + 1e-3)) + 1,
            notes=self.notes,
        )

    def _choose_animation(self) -> int:
        animations = self.document.animations or []
        if not animations:
            raise MotionFormatError(
                "an animation", "a model that stands still", self.where, "Export its animation too. " + EXPORT
            )
        names = [str(animation.name or index) for index, animation in enumerate(animations)]
        wanted = self.options.animation
        if wanted is not None:
            if isinstance(wanted, str) and wanted in names:
                return names.index(wanted)
            if str(wanted).strip().isdecimal() and int(wanted) < len(names):
                return int(wanted)
            listing = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            raise MotionFormatError(f"an animation out of {listing}", f"{wanted!r}", self.where, "Pass its name or number.")
        if len(animations) == 1:
            return 0
        lengths = [self._seconds(animation) for animation in animations]
        longest = int(np.argmax(lengths))
        self.notes.append(
            f"animation {names[longest]!r} read, the longest of {len(names)} ({', '.join(names[:8])}); pass `animation`"
        )
        return longest

    def _seconds(self, animation) -> float:
        """How long an animation lasts, by the keys of its samplers; -1 for one that moves no node."""
        used = {
            channel.sampler for channel in animation.channels if channel.target.path in ("translation", "rotation", "scale")
        }
        times = [self._accessor(animation.samplers[index].input, ("SCALAR",))[:, 0] for index in used]
        times = [keys for keys in times if len(keys)]
        return float(max(keys[-1] for keys in times) - min(keys[0] for keys in times)) if times else -1.0

    def _choose_nodes(self, animation) -> tuple[list[int], list[int]]:
        """Nodes of the skeleton, parents first, and their parents: the skin that moves most, with all that is above it."""
        nodes = self.document.nodes or []
        parent = [-1] * len(nodes)
        for index, node in enumerate(nodes):
            for child in node.children or []:
                if _index(child, nodes, "child") == index or parent[child] != -1:
                    raise MotionFormatError("a tree of nodes", f"node {child} with two parents", self.where, EXPORT)
                parent[child] = index
        depth = [-1] * len(nodes)
        for index in range(len(nodes)):
            path, here = [], index
            while here != -1 and depth[here] == -1:
                path.append(here)
                depth[here] = -2
                here = parent[here]
                if here != -1 and depth[here] == -2:
                    raise MotionFormatError("a tree of nodes", "a circle of nodes", self.where, EXPORT)
            base = depth[here] if here != -1 else -1
            for step, node in enumerate(reversed(path), 1):
                depth[node] = base + step
        targets = {channel.target.node for channel in animation.channels}
        skins = [[_index(joint, nodes, "joint") for joint in skin.joints or []] for skin in self.document.skins or []]
        if skins:
            best = max(skins, key=lambda joints: (len(targets & set(joints)), len(joints)))
            chosen = set(best)
            # Skins of one body (face, clothes) share joints of it; those of another person do not.
            for joints in skins:
                if chosen & set(joints):
                    chosen |= set(joints)
        else:
            chosen = {_index(node, nodes, "target") for node in targets if node is not None}
            below = list(chosen)
            while below:
                fresh = [child for child in nodes[below.pop()].children or [] if child not in chosen]
                chosen.update(fresh)
                below += fresh
        for node in list(chosen):
            while parent[node] != -1 and parent[node] not in chosen:
                chosen.add(parent[node])
                node = parent[node]
        if len(chosen) > MAX_NODES:
            raise MotionFormatError(f"at most {MAX_NODES:,} joints", f"{len(chosen):,}", self.where, EXPORT)
        # Children follow their parent, in the file's order.
        order = sorted(chosen, key=lambda node: (depth[node], node))
        return order, [parent[node] for node in order]

    def _track(self, animation, index: int, path: str) -> Track:
        sampler = animation.samplers[_index(index, animation.samplers, "sampler")]
        interpolation = sampler.interpolation or "LINEAR"
        if interpolation not in ("LINEAR", "STEP", "CUBICSPLINE"):
            raise MotionFormatError(
                "LINEAR, STEP or CUBICSPLINE", repr(interpolation), f"{self.where}, sampler {index}", EXPORT
            )
        times = self._accessor(sampler.input, ("SCALAR",))[:, 0]
        values = self._accessor(sampler.output, ("VEC4",) if path == "rotation" else ("VEC3",))
        where = f"{self.where}, {path} sampler {index}"
        if not len(times) or (np.diff(times) <= 0).any():
            raise MotionFormatError("key times that rise", "equal or falling ones, or none", where, EXPORT)
        each = 3 if interpolation == "CUBICSPLINE" else 1
        if len(values) != each * len(times):
            raise MotionFormatError(f"{each * len(times)} values", f"{len(values)}", where, EXPORT)
        if each == 3:
            values = values.reshape(len(times), 3, -1)
        return Track(path, times, values, interpolation)

    def _rate(self, moving: list[Track], extras) -> float:
        """Frames per second of the even grid: the caller's, else the file's own word, or the densest track's."""
        if self.options.fps is not None:
            return self.options.fps
        said = extras.get("fps") if isinstance(extras, dict) else None
        if isinstance(said, (int, float)) and 1.0 <= said <= MAX_FPS:
            return float(said)
        steps = [_key_step(track.times) for track in moving if len(track.times) > 1]
        step = min(steps, default=math.inf)
        if not step <= SPARSE_STEP:
            self.notes.append(
                f"sampled at {SPARSE_FPS:g} frames per second, because key frames stand further apart; pass `fps` to set it"
            )
            return SPARSE_FPS
        fps = 1.0 / step
        if fps > MAX_FPS:
            self.notes.append(f"sampled at {MAX_FPS:g} frames per second (the file has {fps:.0f} keys per second); pass `fps`")
            return MAX_FPS
        # Times are stored as 32-bit numbers: 1/30 comes back as 0.03333334.
        return float(round(fps)) if abs(fps - round(fps)) < 2e-4 * fps else fps

    def _rest(self, index: int) -> np.ndarray:
        node = self.document.nodes[index]
        if node.matrix:
            matrix = np.array(node.matrix, dtype=np.float64).reshape(4, 4).T
            scale = np.linalg.norm(matrix[:3, :3], axis=0)
            if np.linalg.det(matrix[:3, :3]) < 0:
                scale[0] = -scale[0]
            axes = matrix[:3, :3] / np.where(scale == 0, 1.0, scale)
            rest = np.concatenate([matrix[:3, 3], matrix_quaternions(axes), scale])
        else:
            parts = (node.translation or (0, 0, 0), node.rotation or (0, 0, 0, 1), node.scale or (1, 1, 1))
            rest = np.concatenate([np.array(part, dtype=np.float64) for part in parts])
        if rest.shape != (10,) or not np.abs(rest).max() <= MAX_NUMBER:
            raise MotionFormatError("3, 4 and 3 finite numbers", "others", f"{self.where}, node {index}", EXPORT)
        rest[3:7] = unit_quaternions(rest[None, 3:7])[0]
        return rest

    def _accessor(self, index: int, kinds: tuple[str, ...]) -> np.ndarray:
        """The values of an accessor, `(count, width)` float64."""
        where = f"{self.where}, accessor {index}"
        accessor = self.document.accessors[_index(index, self.document.accessors, "accessor")]
        if accessor.sparse is not None or accessor.bufferView is None:
            raise MotionFormatError("values in one piece", "a sparse or empty accessor", where, EXPORT)
        if accessor.type not in kinds or accessor.componentType not in COMPONENTS:
            raise MotionFormatError(
                f"{' or '.join(kinds)} of numbers", f"{accessor.type!r} of {accessor.componentType!r}", where, EXPORT
            )
        view = self.document.bufferViews[_index(accessor.bufferView, self.document.bufferViews, "bufferView")]
        if (view.extensions or {}).keys() & {"EXT_meshopt_compression", "KHR_meshopt_compression"}:
            raise MotionFormatError("uncompressed animation", "meshopt compression", where, EXPORT)
        kind, full = COMPONENTS[accessor.componentType]
        width, size = WIDTHS[accessor.type], np.dtype(kind).itemsize
        stride = _count(view.byteStride or width * size, "byteStride")
        count = _count(accessor.count, "count")
        data = self._buffer(_index(view.buffer, self.document.buffers, "buffer"))
        offset = _count(view.byteOffset or 0, "byteOffset")
        stop = min(len(data), offset + _count(view.byteLength, "byteLength"))
        offset += _count(accessor.byteOffset or 0, "byteOffset")
        if stride < width * size or (count and offset + stride * (count - 1) + width * size > stop):
            raise MotionFormatError(
                f"{count:,} values inside their buffer", f"a buffer of {len(data):,} bytes that ends before", where, EXPORT
            )
        if not count:
            return np.empty((0, width))
        # A strided view on the bytes: each row begins `stride` bytes after the one before.
        rows = np.ndarray((count, width), dtype=kind, buffer=data, offset=offset, strides=(stride, size))
        with np.errstate(invalid="ignore"):  # damaged numbers are found below
            values = rows.astype(np.float64)
        if full:
            values = np.maximum(values / full, -1.0) if accessor.normalized else values
        if not (values.max() <= MAX_NUMBER and values.min() >= -MAX_NUMBER):
            raise MotionFormatError(f"finite numbers up to {MAX_NUMBER:g}", "others", where, EXPORT)
        return values

    def _buffer(self, index: int) -> bytes:
        if index not in self.buffers:
            buffer = self.document.buffers[index]
            data = self._fetch(buffer.uri, index)
            self.read_bytes += len(data)
            if self.read_bytes > self.options.max_bytes:
                raise MotionFormatError(
                    f"at most {self.options.max_bytes:,} bytes", "larger buffers", self.where, "Raise `max_bytes`."
                )
            self.buffers[index] = data
        return self.buffers[index]

    def _fetch(self, uri: str | None, index: int) -> bytes:
        where = f"{self.where}, buffer {index}"
        if uri is None:
            blob = self.document.binary_blob()
            if index != 0 or blob is None:
                raise MotionFormatError("a buffer with bytes", "one without", where, EXPORT)
            return bytes(blob)
        if uri[:5].lower() == "data:":
            head, comma, body = uri.partition(",")
            if not comma or not head.lower().endswith(";base64"):
                raise MotionFormatError("a data: URI in base64", repr(head[:60]), where, EXPORT)
            try:
                return base64.b64decode(body, validate=True)
            except binascii.Error as error:
                raise MotionFormatError("base64", f"damage ({error})", where, EXPORT) from None
        if self.source.path is None:
            raise MotionFormatError(
                "a file that holds its own buffers",
                f"one that points to {uri[:60]!r}",
                where,
                "Pass the path, or export as .glb.",
            )
        # Only files in the folder of the .gltf, or below it: no other folders, no other machines, no links out.
        folder = self.source.path.parent.resolve()
        name = unquote(uri)
        path = (folder / name).resolve()
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", name) or "\\" in name or not path.is_relative_to(folder):
            raise MotionFormatError(
                "a buffer in the folder of the file",
                repr(uri[:100]),
                where,
                "Put the .bin beside the .gltf, or export as .glb.",
            )
        return load_source(path, self.options.max_bytes).data


def _key_step(times: np.ndarray) -> float:
    """Seconds from key to key: the mean of even ones, the median of others."""
    steps = np.diff(times)
    median = float(np.median(steps))
    even = np.abs(steps - median).max() < 0.05 * median
    return float((times[-1] - times[0]) / len(steps)) if even else median


def _index(value, things, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(things or ()):
        raise ValueError(f"{what} {value!r} of {len(things or ())}")
    return value


def _count(value, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 40:
        raise ValueError(f"{what} {value!r}")
    return value
