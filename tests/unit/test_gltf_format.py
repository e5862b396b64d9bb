"""glTF animation: interpolation, units, buffers in all their places, and files that must be refused."""

import base64
import copy
import json
import struct

import numpy as np
import pytest
from conftest import make_walk

from llamo.processing.gltf_writer_llamo import write_gltf
from llamo.processing.motion_features_llamo import resample
from llamo.processing.motion_formats_llamo import MotionFormatError, read_motion


pygltflib = pytest.importorskip("pygltflib")
WALK = make_walk(31)


class Document:
    """A GLB of the walk that tests change."""

    def __init__(self, fps=30.0):
        self.gltf = pygltflib.GLTF2.load_from_bytes(write_gltf(WALK, fps))
        self.blob = bytearray(self.gltf.binary_blob())
        self.animation.extras = {}

    @property
    def animation(self):
        return self.gltf.animations[0]

    def values(self, index):
        accessor = self.gltf.accessors[index]
        start = self.gltf.bufferViews[accessor.bufferView].byteOffset
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor.type]
        return np.frombuffer(bytes(self.blob), "<f4", accessor.count * width, start).reshape(-1, width)

    def add(self, array, kind, component=5126, normalized=False, stride=None):
        data = np.ascontiguousarray(array).tobytes()
        if stride:
            size = len(data) // len(array)
            data = b"".join(data[k : k + size] + b"\xff" * (stride - size) for k in range(0, len(data), size))
        view = pygltflib.BufferView(buffer=0, byteOffset=len(self.blob), byteLength=len(data), byteStride=stride)
        self.blob += data + b"\0" * (-len(data) % 4)
        self.gltf.bufferViews.append(view)
        accessor = pygltflib.Accessor(
            bufferView=len(self.gltf.bufferViews) - 1,
            componentType=component,
            count=len(array),
            type=kind,
            normalized=normalized,
        )
        self.gltf.accessors.append(accessor)
        return len(self.gltf.accessors) - 1

    def samplers(self):
        for channel in self.animation.channels:
            yield channel.target.path, self.animation.samplers[channel.sampler]

    def glb(self):
        self.gltf.buffers[0].byteLength = len(self.blob)
        self.gltf.set_binary_blob(bytes(self.blob))
        return b"".join(self.gltf.save_to_bytes())

    def text(self, uri):
        self.gltf.buffers[0].byteLength, self.gltf.buffers[0].uri = len(self.blob), uri
        return self.gltf.gltf_to_json().encode()


def close(motion, joints, atol=2e-4):
    np.testing.assert_allclose(motion.joints, joints, atol=atol)


def test_walk():
    motion = read_motion(Document().glb())
    close(motion, WALK)
    assert (motion.format, motion.fps, motion.source_frames, motion.units, motion.up_axis) == ("gltf", 30, 31, "m", "+y")
    assert motion.source_joints == 22


@pytest.mark.parametrize("fps", [23.976, 29.97, 60.0, 120.0])
def test_rates(fps):
    """The rate is told from the keys, also without the writer's note of it."""
    motion = read_motion(Document(fps).glb())
    assert motion.fps == pytest.approx(fps, rel=1e-4) and len(motion.joints) == 31
    close(motion, WALK)


def test_linear_step_and_cubic():
    linear = read_motion(Document().glb(), fps=60)
    assert len(linear.joints) == 61 and linear.fps == 60
    close(linear, resample(WALK, 30, 60), atol=3e-3)  # arcs between the keys, where `resample` has straight lines
    step, cubic = Document(), Document()
    for _, sampler in step.samplers():
        sampler.interpolation = "STEP"
    motion = read_motion(step.glb(), fps=60)
    np.testing.assert_allclose(motion.joints[1::2], motion.joints[:-1:2], atol=1e-6)
    close(read_motion(step.glb()), WALK)
    for path, sampler in cubic.samplers():
        keys = cubic.values(sampler.output).astype(float)
        tangents = np.gradient(keys, 1 / 30, axis=0)
        triples = np.stack([tangents, keys, tangents], axis=1).reshape(-1, keys.shape[1]).astype("<f4")
        sampler.output = cubic.add(triples, "VEC4" if path == "rotation" else "VEC3")
        sampler.interpolation = "CUBICSPLINE"
    close(read_motion(cubic.glb()), WALK)
    between = read_motion(cubic.glb(), fps=60)
    assert np.abs(between.joints - linear.joints).max() < 0.01
    # A spline goes through the keys without a corner: second differences stay small.
    assert np.abs(np.diff(between.joints, 2, axis=0)).max() < np.abs(np.diff(linear.joints, 2, axis=0)).max() + 1e-3


def test_sparse_keys_are_filled():
    document = Document()
    times, kept = document.values(document.animation.samplers[0].input), np.arange(0, 31, 5)
    keys = document.add(times[kept], "SCALAR")
    for path, sampler in document.samplers():
        sampler.output = document.add(document.values(sampler.output)[kept], "VEC4" if path == "rotation" else "VEC3")
        sampler.input = keys
    motion = read_motion(document.glb())
    assert motion.fps == 30 and len(motion.joints) == 31
    assert any("30 frames per second" in note for note in motion.assumed)
    np.testing.assert_allclose(motion.joints[::5], WALK[::5], atol=2e-4)


@pytest.mark.parametrize(("component", "dtype", "full"), [(5122, "<i2", 32767), (5120, "<i1", 127)])
def test_normalised_quaternions_in_strides(component, dtype, full):
    document = Document()
    for path, sampler in document.samplers():
        if path == "rotation":
            small = np.round(document.values(sampler.output) * full).astype(dtype)
            sampler.output = document.add(small, "VEC4", component, True, stride=12)
    close(read_motion(document.glb()), WALK, atol=1e-3 if full > 1000 else 0.06)


@pytest.mark.parametrize("as_matrix", [False, True])
def test_centimetres_under_a_scaled_armature(as_matrix):
    document = Document()
    for node in document.gltf.nodes[:22]:
        node.translation = (np.array(node.translation) * 100).tolist()
    for path, sampler in document.samplers():
        if path == "translation":
            sampler.output = document.add((document.values(sampler.output) * 100).astype("<f4"), "VEC3")
    armature = pygltflib.Node(name="Armature", children=[0])
    if as_matrix:
        armature.matrix = (np.diag([0.01, 0.01, 0.01, 1.0])).T.reshape(-1).tolist()
    else:
        armature.scale = [0.01, 0.01, 0.01]
    document.gltf.nodes.append(armature)
    document.gltf.scenes[0].nodes = [len(document.gltf.nodes) - 1, 22]
    motion = read_motion(document.glb())
    close(motion, WALK)
    assert motion.units == "m"
    armature.matrix, armature.scale = None, None
    motion = read_motion(document.glb())
    assert motion.units == "cm"
    close(motion, WALK)


def test_z_up_files_are_turned():
    document = Document()
    document.gltf.nodes.append(pygltflib.Node(name="Z_UP", rotation=[0.5**0.5, 0, 0, 0.5**0.5], children=[0]))
    motion = read_motion(document.glb())
    assert motion.up_axis == "+z"
    close(motion, WALK)


def test_several_animations():
    document = Document()
    short = copy.deepcopy(document.animation)
    short.name = "short"
    short.channels = short.channels[:1]
    times = document.values(document.animation.samplers[0].input)
    short.samplers = [
        pygltflib.AnimationSampler(
            input=document.add(times[:5], "SCALAR"), output=document.add(np.tile(np.float32([0, 0, 0, 1]), (5, 1)), "VEC4")
        )
    ]
    document.gltf.animations.insert(0, short)
    motion = read_motion(document.glb())
    assert len(motion.joints) == 31 and any("longest" in note for note in motion.assumed)
    for name in ("short", 0, "0"):
        assert len(read_motion(document.glb(), animation=name).joints) == 5
    assert len(read_motion(document.glb(), animation="motion").joints) == 31
    with pytest.raises(MotionFormatError, match="short, motion"):
        read_motion(document.glb(), animation="jump")


def test_buffers(tmp_path):
    document = Document()
    inline = document.text("data:application/octet-stream;base64," + base64.b64encode(bytes(document.blob)).decode())
    close(read_motion(inline), WALK)
    path = tmp_path / "clips" / "walk.gltf"
    path.parent.mkdir()
    (path.parent / "two words.bin").write_bytes(document.blob)
    (tmp_path / "outside.bin").write_bytes(document.blob)
    path.write_bytes(document.text("two%20words.bin"))
    close(read_motion(path), WALK)
    with pytest.raises(MotionFormatError, match="points to"):
        read_motion(path.read_bytes())
    (path.parent / "link.bin").symlink_to(tmp_path / "outside.bin")
    for uri in ("../outside.bin", "%2e%2e/outside.bin", str(tmp_path / "outside.bin"), "file:///etc/hostname", "link.bin"):
        path.write_bytes(document.text(uri))
        with pytest.raises(MotionFormatError, match="in the folder"):
            read_motion(path)
    for uri in ("https://example.org/a.bin", "..\\outside.bin", "data:,xyz", "data:;base64,!!!", "none.bin", "."):
        path.write_bytes(document.text(uri))
        with pytest.raises(MotionFormatError):
            read_motion(path)


def broken(change):
    document = Document()
    data = change(document)
    return data if isinstance(data, bytes) else document.glb()


def set_of(thing, **values):
    for name, value in values.items():
        setattr(thing, name, value)


BAD = {
    "no animation": lambda d: set_of(d.gltf, animations=[]),
    "no channels": lambda d: set_of(d.animation, channels=[]),
    "two parents": lambda d: d.gltf.nodes[3].children.append(4),
    "circle": lambda d: d.gltf.nodes[20].children.append(0),
    "child of nobody": lambda d: d.gltf.nodes[20].children.append(99),
    "sampler of nobody": lambda d: set_of(d.animation.channels[0], sampler=99),
    "falling times": lambda d: set_of(d.animation.samplers[0], input=d.add(np.float32([[1], [0]]), "SCALAR")),
    "too few values": lambda d: set_of(d.animation.samplers[0], output=d.add(np.zeros((2, 4), "f4"), "VEC4")),
    "numbers that are none": lambda d: set_of(d.animation.samplers[0], output=d.add(np.full((31, 4), np.nan, "f4"), "VEC4")),
    "endless": lambda d: set_of(
        d.animation.samplers[0], input=d.add(np.linspace(0, 1e9, 31, dtype="f4")[:, None], "SCALAR")
    ),
    "wrong kind": lambda d: set_of(d.animation.samplers[0], output=d.animation.samplers[0].input),
    "beyond the buffer": lambda d: set_of(d.gltf.accessors[d.animation.samplers[0].output], count=10**9),
    "negative": lambda d: set_of(
        d.gltf.bufferViews[d.gltf.accessors[d.animation.samplers[0].input].bufferView], byteOffset=-4
    ),
    "sparse": lambda d: set_of(d.gltf.accessors[d.animation.samplers[0].output], bufferView=None),
    "unknown interpolation": lambda d: set_of(d.animation.samplers[0], interpolation="BEZIER"),
    "short translation": lambda d: set_of(d.gltf.nodes[1], translation=[1.0]),
    "cut off": lambda d: d.glb()[:-2000],
    "cut in the text": lambda d: d.glb()[:200],
    "header only": lambda d: b"glTF\x02\x00\x00\x00\xff\xff\xff\xff",
    "no JSON": lambda d: b'{"asset": {"version": "2.0"}, ',
    "empty JSON": lambda d: b'{"asset": {"version": "2.0"}}',
    "deep JSON": lambda d: b'{"asset": ' + b"[" * 100_000,
    "a list for a node": lambda d: json.dumps({"asset": {"version": "2.0"}, "nodes": [[1]], "animations": [7]}).encode(),
    "no person": lambda d: set_of(d.gltf, skins=[pygltflib.Skin(joints=[0, 1])]),
    "chunk of nothing": lambda d: b"glTF" + struct.pack("<IIII", 2, 20, 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_refused(kind):
    data = broken(BAD[kind])
    with pytest.raises(MotionFormatError) as caught:
        read_motion(data, format="gltf")
    error = caught.value
    assert all((error.expected, error.got, error.where, error.remedy))
    assert len(str(error)) < 900 and "\n" not in str(error)


def test_without_the_library(monkeypatch):
    import importlib

    def refuse(name, *rest):
        if name == "pygltflib":
            raise ImportError(name)
        return real(name, *rest)

    real = importlib.import_module
    data = Document().glb()
    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MotionFormatError, match=r"llamo\[gltf\]"):
        read_motion(data)
