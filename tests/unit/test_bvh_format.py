"""BVH text to numbers and numbers to positions, against plain forward kinematics, bvhio and damaged files."""

import importlib.util
import pickle
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from llamo.processing.bvh_format_llamo import rate_of, read_bvh
from llamo.processing.motion_formats_llamo import MotionFormatError, RawMotion, read_motion


spec = importlib.util.spec_from_file_location("bvh_writer", Path(__file__).with_name("bvh_writer.py"))
bvh_writer = importlib.util.module_from_spec(spec)
sys.modules["bvh_writer"] = bvh_writer
spec.loader.exec_module(bvh_writer)

ORDERS = ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"]


def walker(convention="mixamo", num_frames=12, **kwargs):
    nodes, parts = bvh_writer.make_rig(convention, **kwargs)
    angles, root = bvh_writer.walk(nodes, parts, num_frames)
    return nodes, parts, angles, root


def random_rig(rng, num_nodes=14):
    """A random tree with random offsets, orders, angles, and positions on every joint."""
    nodes = [["n0", -1, rng.normal(size=3), False]]
    for index in range(1, num_nodes):
        nodes.append([f"n{index}", int(rng.integers(0, index)), rng.normal(size=3), False])
    childless = set(range(num_nodes)) - {node[1] for node in nodes}
    nodes += [["", index, rng.normal(size=3), True] for index in childless]
    nodes, _ = bvh_writer.in_file_order(nodes, {})
    angles = rng.uniform(-180, 180, (5, len(nodes), 3))
    orders = [ORDERS[rng.integers(6)] for _ in nodes]
    return nodes, angles, rng.normal(size=(5, 3)), orders, rng.normal(size=(5, len(nodes), 3))


@pytest.mark.parametrize("seed", range(8))
def test_positions_of_random_trees(seed):
    rng = np.random.default_rng(seed)
    nodes, angles, root, orders, positions = random_rig(rng)
    positions = positions if seed % 2 else None
    text = bvh_writer.write_bvh(
        nodes, angles, root, orders=orders, positions=positions, rotation_first=seed % 4 > 1, form="{:.10f}"
    )
    bvh = read_bvh(text)
    expected = bvh_writer.pose(nodes, angles, root, orders=orders, positions=positions)
    np.testing.assert_allclose(bvh.world_positions(), expected, atol=1e-6)
    # A few nodes and frames alone are the same as all of them.
    some = rng.permutation(len(nodes))[:4]
    np.testing.assert_allclose(bvh.world_positions(nodes=some, frames=slice(1, 4)), expected[1:4][:, some], atol=1e-6)


def test_fewer_and_repeated_rotation_channels():
    text = b"""HIERARCHY
ROOT a
{ OFFSET 0 0 0 CHANNELS 4 Yposition Zrotation Xrotation Zrotation
  JOINT b { OFFSET 1 2 3 CHANNELS 1 Yrotation
    JOINT c { OFFSET 0 1 0
      End Site { OFFSET 1 0 0 } } } }
MOTION
Frames: 1
Frame Time: 0.04
5 30 40 50 60
"""
    turn = bvh_writer.rotation
    r = turn(2, 30) @ turn(0, 40) @ turn(2, 50)
    b = np.array([0, 5, 0]) + r @ [1, 2, 3]
    c = b + r @ turn(1, 60) @ [0, 1, 0]
    end = c + r @ turn(1, 60) @ [1, 0, 0]
    np.testing.assert_allclose(read_bvh(text).world_positions()[0], [[0, 5, 0], b, c, end], atol=1e-12)


@pytest.mark.parametrize("positions", [False, True])
def test_same_as_bvhio(tmp_path, positions):
    bvhio = pytest.importorskip("bvhio")
    rng = np.random.default_rng(7)
    nodes, angles, root, orders, places = random_rig(rng, 10)
    path = tmp_path / "a.bvh"
    path.write_bytes(bvh_writer.write_bvh(nodes, angles, root, orders=orders, positions=places if positions else None))
    bvh = read_bvh(path.read_bytes())
    ours = bvh.world_positions()
    tree = bvhio.readAsHierarchy(str(path))
    for frame in range(len(ours)):
        theirs = {joint.Name: np.array(joint.PositionWorld) for joint, _, _ in tree.loadPose(frame).layout()}
        for index, name in enumerate(bvh.names):
            if not bvh.is_end[index]:
                np.testing.assert_allclose(ours[frame, index], theirs[name], atol=1e-4)


@pytest.mark.parametrize(
    "style",
    [
        {},
        {"newline": "\r\n"},
        {"newline": "\r"},
        {"newline": "\n\n"},
        {"separator": "\t"},
        {"separator": "   "},
        {"newline": " \r\n\r\n"},
        {"per_line": 7},
        {"per_line": 1},
        {"form": "{:.8e}"},
        {"form": "{:+.7E}"},
        {"indent": ""},
        {"rotation_first": True},
    ],
    ids=str,
)
def test_styles_of_writing(style):
    nodes, _, angles, root = walker()
    bvh = read_bvh(bvh_writer.write_bvh(nodes, angles, root, **style))
    np.testing.assert_allclose(bvh.world_positions(), bvh_writer.pose(nodes, angles, root), atol=1e-4)


def test_odd_headers():
    nodes, _, angles, root = walker()
    text = bvh_writer.write_bvh(nodes, angles, root).decode()
    expected = read_bvh(text.encode()).world_positions()
    for variant in (
        "\ufeff" + text,
        "\n\n" + text,
        text.lower().replace("mixamorig", "x"),
        text.replace("End Site", "End Site foot_end"),
        text.replace("Frames: 12", "Frames:12").replace("Frame Time: ", "Frame Time:"),
        text.replace("mixamorig:LeftUpLeg", "Left Up Leg"),
        text.replace("mixamorig:Head", "頭"),
        text.replace("\n\t{", " {").replace("\n{", "{"),
        text.rstrip(),
        text.replace(".", ","),
    ):
        np.testing.assert_allclose(read_bvh(variant.encode()).world_positions(), expected, atol=1e-9)
    np.testing.assert_allclose(read_bvh(text.encode("utf-16")).world_positions(), expected)


def test_more_frames_than_declared_are_read_and_said():
    nodes, _, angles, root = walker()
    bvh = read_bvh(bvh_writer.write_bvh(nodes, angles, root).replace(b"Frames: 12", b"Frames: 10"))
    assert bvh.num_frames == 12
    assert "declares 10" in bvh.notes[0]


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("0.0333333", 30), (".0083333", 120), ("0.016667", 60), ("0.01", 100), ("0.033", 30), ("0.0166", 60),
        ("0.0417083750417", 1 / 0.0417083750417), ("0.041708", 24000 / 1001), ("0.0333667", 30000 / 1001),
        ("8.3333e-3", 120), ("0.016666666666666666", 60), ("0.5", 2), ("1", 1),
    ],
)  # fmt: skip
def test_frame_rates(written, rate):
    assert rate_of(written) == pytest.approx(rate, rel=1e-12)


def damage(text: str) -> dict[str, str]:
    head, motion = text.split("MOTION\n")
    lines = motion.split("\n")
    return {
        "empty": "",
        "blank": " \n\t\n",
        "hierarchy only": head,
        "no numbers": head + "MOTION\n" + "\n".join(lines[:2]) + "\n",
        "cut in a frame": text[: int(len(text) * 0.8)],
        "cut in the hierarchy": text[: int(len(head) * 0.5)],
        "zero frames": text.replace("Frames: 12", "Frames: 0"),
        "negative frames": text.replace("Frames: 12", "Frames: -3"),
        "half a frame": text.replace("Frames: 12", "Frames: 1.5"),
        "endless frames": text.replace("Frames: 12", "Frames: 99999999999"),
        "frames in words": text.replace("Frames: 12", "Frames: many"),
        "zero frame time": text.replace("0.0333333", "0"),
        "negative frame time": text.replace("0.0333333", "-0.03"),
        "frame time nan": text.replace("0.0333333", "nan"),
        "nan": "\n".join([head + "MOTION", *lines[:3], lines[3].replace(lines[3].split()[4], "nan"), *lines[4:]]),
        "inf": text[:-10] + "inf\n",
        "huge": text[:-10] + "1e300\n",
        "word": text[:-10] + "abc\n",
        "underscore": text[:-10] + "1_0\n",
        "two dots": text[:-10] + "1.2.3\n",
        "one number missing": text.rstrip().rsplit(" ", 1)[0],
        "one number more": text.rstrip() + " 1.0\n",
        "unknown channel": text.replace("Zrotation", "Wrotation", 1),
        "channel missing": text.replace("CHANNELS 3 Zrotation", "CHANNELS 3", 1),
        "channel more": text.replace("CHANNELS 3 Zrotation", "CHANNELS 3 Zrotation Zrotation", 1),
        "channel count": text.replace("CHANNELS 3", "CHANNELS x", 1),
        "offset word": text.replace("OFFSET 0.", "OFFSET a.", 1),
        "offset nan": text.replace("OFFSET 0.000000", "OFFSET nan", 1),
        "brace missing": text.replace("}", "", 1),
        "brace more": text.replace("}", "}}}}}}}}}}}}}}", 1),
        "no braces": text.replace("{", ""),
        "not a bvh": "solid cube\nfacet normal 0 0 1\n",
    }


DAMAGES = list(damage("MOTION\n" + "1 2 3 4 5 6\n" * 6))


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_is_refused_in_four_parts(kind, tmp_path):
    nodes, _, angles, root = walker()
    data = damage(bvh_writer.write_bvh(nodes, angles, root).decode())[kind].encode()
    path = tmp_path / "clip.bvh"
    path.write_bytes(data)
    with pytest.raises(MotionFormatError) as caught:
        read_motion(path)
    error = caught.value
    assert all((error.expected, error.got, error.where, error.remedy))
    assert "clip.bvh" in str(error) and "expected" in str(error) and "got" in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_bad_frame_time_is_read_with_the_callers_rate():
    nodes, _, angles, root = walker()
    data = bvh_writer.write_bvh(nodes, angles, root, frame_time="0")
    assert read_motion(data, fps=25).fps == 25
    for fps in (0, -1, float("nan"), float("inf"), "fast"):
        with pytest.raises(MotionFormatError):
            read_motion(data, fps=fps)


def test_mutations_give_a_motion_or_a_format_error():
    rng = np.random.default_rng(3)
    nodes, _, angles, root = walker("motionbuilder", num_frames=4)
    original = bvh_writer.write_bvh(nodes, angles, root, scale=100)
    start, outcomes = time.perf_counter(), {True: 0, False: 0}
    for _ in range(200):
        data = bytearray(original)
        for _ in range(int(rng.integers(1, 3))):
            at, kind = int(rng.integers(0, len(data) - 1)), rng.integers(8)
            if kind > 4:
                data[at] = ord(rng.choice(list("0123456789. ")))
            elif kind == 0:
                data[at] = int(rng.integers(0, 256))
            elif kind == 1:
                del data[at : at + int(rng.integers(1, 40))]
            elif kind == 2:
                data[at:at] = bytes(rng.integers(32, 127, int(rng.integers(1, 10)), dtype=np.uint8))
            elif kind == 3:
                data[at:at] = data[at // 2 : at // 2 + int(rng.integers(1, 200))]
            else:
                del data[len(data) - int(rng.integers(1, len(data) // 2)) :]
        try:
            motion = read_motion(bytes(data), format="bvh")
        except MotionFormatError:
            outcomes[False] += 1
        else:
            assert isinstance(motion, RawMotion) and np.isfinite(motion.joints).all()
            outcomes[True] += 1
    assert min(outcomes.values()) > 5
    assert time.perf_counter() - start < 30


def test_limits():
    nodes, _, angles, root = walker()
    data = bvh_writer.write_bvh(nodes, angles, root)
    with pytest.raises(MotionFormatError, match="at most 5 frames"):
        read_motion(data, max_frames=5)
    with pytest.raises(MotionFormatError, match="at most 1,000 bytes"):
        read_motion(data, max_bytes=1000)
    deep = b"HIERARCHY\nROOT a\n" + b"{ OFFSET 0 1 0 CHANNELS 1 Xrotation JOINT b\n" * 4000
    with pytest.raises(MotionFormatError):
        read_motion(deep + b"{ OFFSET 0 0 0 }" + b"}" * 4000 + b"\nMOTION\nFrames: 1\nFrame Time: 1\n" + b"0 " * 4000)
    deep = b"HIERARCHY\nROOT a\n" + b"{ OFFSET 0 1 0 CHANNELS 1 Xrotation JOINT b\n" * 900
    with pytest.raises(MotionFormatError, match="in one chain"):
        read_motion(deep + b"{ OFFSET 0 0 0 }" + b"}" * 900 + b"\nMOTION\nFrames: 1\nFrame Time: 1\n" + b"0 " * 900)
