"""Joint arrays in npy and npz files, formats told from content, and everything that must be refused."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest

from llamo.processing.motion_formats_llamo import MotionFormatError, joints_to_raw_motion, read_motion


# A standing person in metres, Y up, facing +Z.
POSE = np.array([
    [0, .95, 0], [.09, .87, 0], [-.09, .87, 0], [0, 1.06, 0], [.10, .47, .02], [-.10, .47, .02], [0, 1.18, 0],
    [.10, .07, 0], [-.10, .07, 0], [0, 1.30, 0], [.11, .02, .12], [-.11, .02, .12], [0, 1.42, 0], [.08, 1.38, 0],
    [-.08, 1.38, 0], [0, 1.54, .02], [.18, 1.39, 0], [-.18, 1.39, 0], [.22, 1.12, 0],
    [-.22, 1.12, 0], [.22, .88, .05], [-.22, .88, .05],
])  # fmt: skip


def clip(num_frames=30):
    t = np.arange(num_frames)[:, None]
    return (POSE[None] + np.stack([0 * t, 0 * t, 0.03 * t], -1)).astype(np.float32)


def npy(array, **kwargs):
    stream = io.BytesIO()
    np.save(stream, array, **kwargs)
    return stream.getvalue()


def npz(compressed=False, **arrays):
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **arrays)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "f8", "f2"])
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("fortran", [False, True])
def test_npy(dtype, flat, fortran):
    array = clip().astype(dtype)
    array = array.reshape(30, 66) if flat else array
    motion = read_motion(npy(np.asfortranarray(array) if fortran else array))
    np.testing.assert_allclose(motion.joints, clip(), atol=2e-3 if dtype == "f2" else 1e-6)
    assert motion.joints.dtype == np.float32
    assert (motion.format, motion.fps, motion.source_frames, motion.source_joints) == ("npy", 20, 30, 22)
    assert any("20 frames per second" in note for note in motion.assumed)


@pytest.mark.parametrize("key", ["joints", "motion", "positions", "keypoints3d", "anything"])
@pytest.mark.parametrize("compressed", [False, True])
def test_npz(key, compressed):
    motion = read_motion(npz(compressed, **{key: clip(), "fps": 60, "gender": np.array("female")}))
    np.testing.assert_allclose(motion.joints, clip(), atol=1e-6)
    assert (motion.format, motion.fps) == ("npz", 60)
    assert not any("frames per second" in note for note in motion.assumed)
    assert read_motion(npz(**{key: clip()})).fps == 20


@pytest.mark.parametrize(("unit", "factor"), [("m", 1), ("cm", 100), ("mm", 1000), ("inch", 1 / 0.0254)])
@pytest.mark.parametrize("z_up", [False, True])
def test_units_and_up_axis(unit, factor, z_up):
    joints = clip() * factor
    if z_up:
        joints = np.stack([joints[..., 0], -joints[..., 2], joints[..., 1]], -1)
    motion = read_motion(npz(joints=joints, fps=20))
    assert (motion.units, motion.up_axis) == (unit, "+z" if z_up else "+y")
    np.testing.assert_allclose(motion.joints, clip(), atol=1e-5)
    json.dumps(motion.assumed)


def test_the_callers_word_counts():
    motion = read_motion(npy(clip() * 2.0), fps=12.5, units="ft", up_axis="y")
    assert (motion.fps, motion.units, motion.assumed) == (12.5, "ft", [])
    np.testing.assert_allclose(motion.joints, clip() * 2 * 0.3048, atol=1e-6)
    assert motion.seconds == pytest.approx(29 / 12.5)


def test_one_pose():
    assert read_motion(npy(POSE)).joints.shape == (1, 22, 3)


def with_value(value, at=(3, 5, 1)):
    array = clip()
    array[at] = value
    return array


def bomb():
    """40 kilobytes that unpack to 40 MB and claim to be 211 MB."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("joints.npy", big_header((400_000, 22, 3), "<f8") + bytes(40 << 20))
    return stream.getvalue()


def big_header(shape, dtype="<f4"):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (63 - (10 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


class Boom:
    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle was opened')",))


BAD = {
    "nan": lambda: npy(with_value(np.nan)),
    "infinity": lambda: npy(with_value(np.inf)),
    "overflow": lambda: npy(with_value(1e30)),
    "no frames": lambda: npy(np.zeros((0, 22, 3))),
    "23 joints": lambda: npy(np.zeros((5, 23, 3))),
    "263 features": lambda: npy(np.zeros((5, 263))),
    "four dimensions": lambda: npy(np.zeros((1, 5, 22, 3))),
    "no dimensions": lambda: npy(np.float32(3)),
    "text": lambda: npy(np.full((5, 22, 3), "a")),
    "complex": lambda: npy(np.zeros((5, 22, 3), complex)),
    "booleans": lambda: npy(np.zeros((5, 22, 3), bool)),
    "all in one point": lambda: npy(np.zeros((5, 22, 3))),
    "noise": lambda: npy(np.random.default_rng(0).normal(size=(9, 22, 3))),
    "another order of joints": lambda: npy(clip()[:, np.random.default_rng(1).permutation(22)]),
    "objects": lambda: npy(np.array([Boom()], dtype=object), allow_pickle=True),
    "objects in npz": lambda: npz(joints=np.array([Boom()], dtype=object)),
    "object fps": lambda: npz(joints=clip(), fps=np.array([Boom()], dtype=object)),
    "pickle": lambda: pickle.dumps(clip()),
    "cut npy": lambda: npy(clip())[:-100],
    "cut header": lambda: npy(clip())[:40],
    "magic only": lambda: b"\x93NUMPY",
    "cut npz": lambda: npz(joints=clip())[:-100],
    "cut compressed": lambda: npz(True, joints=clip())[:200],
    "damaged npz": lambda: npz(True, joints=clip()).replace(npz(True, joints=clip())[300:340], bytes(40)),
    "declares too much": lambda: big_header((10**9, 22, 3)) + bytes(100),
    "negative shape": lambda: big_header((-5, 22, 3)) + bytes(100),
    "evil header": lambda: big_header("__import__('os').abort()") + bytes(100),
    "bomb": bomb,
    "no arrays": npz,
    "two candidates": lambda: npz(a=clip(), b=clip()),
    "SMPL parameters": lambda: npz(poses=np.zeros((5, 157)), trans=np.zeros((5, 3)), betas=np.zeros(16)),
    "fps zero": lambda: npz(joints=clip(), fps=0),
    "fps negative": lambda: npz(joints=clip(), fps=-30.0),
    "fps nan": lambda: npz(joints=clip(), fps=np.nan),
    "fps list": lambda: npz(joints=clip(), fps=[20, 30]),
    "fps word": lambda: npz(joints=clip(), fps="fast"),
    "junk": lambda: bytes(np.random.default_rng(2).integers(0, 256, 5000, dtype=np.uint8)),
    "nothing": lambda: b"",
    "fbx": lambda: b"Kaydara FBX Binary  \x00" + bytes(50),
    "gzip": lambda: b"\x1f\x8b" + bytes(50),
}


def other_zip():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("document.xml", "<x/>")
    return stream.getvalue()


BAD["other zip"] = other_zip


@pytest.mark.parametrize("kind", list(BAD))
@pytest.mark.parametrize("ending", ["", ".npy", ".npz"])
def test_refused(kind, ending, tmp_path):
    source = BAD[kind]()
    if ending:
        path = tmp_path / f"clip{ending}"
        path.write_bytes(source)
        source = path
    with pytest.raises(MotionFormatError) as caught:
        read_motion(source, max_bytes=64 << 20)
    error = caught.value
    assert all((error.expected, error.got, error.where, error.remedy))
    assert len(str(error)) < 900 and "\n" not in str(error)


def test_messages_help():
    for kind, words in {
        "fbx": ("FBX", "BVH", "Blender"),
        "junk": (".bvh", ".npz", ".npy"),
        "SMPL parameters": ("poses", "joints"),
        "23 joints": ("23", "22"),
    }.items():
        with pytest.raises(MotionFormatError) as caught:
            read_motion(BAD[kind]())
        assert all(word in str(caught.value) for word in words)
    with pytest.raises(MotionFormatError, match="at most"):
        read_motion(bomb(), max_bytes=1 << 20)
    with pytest.raises(MotionFormatError, match="frame 3, joint 5"):
        read_motion(BAD["nan"]())


def test_paths(tmp_path):
    for source in (tmp_path, tmp_path / "missing.bvh", "", "a\0b", "/dev/null", 7, None, [1]):
        with pytest.raises(MotionFormatError):
            read_motion(source)
    with pytest.raises(MotionFormatError, match="folder"):
        read_motion(tmp_path)
    path = tmp_path / "clip.dat"
    path.write_bytes(npy(clip()))
    assert read_motion(str(path)).format == read_motion(path).format == "npy"
    assert read_motion(bytearray(npy(clip())), format=".NPY").format == "npy"
    with pytest.raises(MotionFormatError, match=r"bvh, .*npz, npy"):
        read_motion(path, format="mp4")
    with pytest.raises(MotionFormatError, match="HIERARCHY"):
        read_motion(path, format="bvh")
    fbx = tmp_path / "clip.fbx"
    fbx.write_bytes(b"??")
    with pytest.raises(MotionFormatError, match="BVH"):
        read_motion(fbx)


def test_arrays_in_memory():
    motion = joints_to_raw_motion(clip(), 20)
    np.testing.assert_allclose(motion.joints, clip(), atol=1e-6)
    with pytest.raises(MotionFormatError):
        joints_to_raw_motion(clip()[:, :21], 20)
    with pytest.raises(MotionFormatError):
        joints_to_raw_motion(clip(), -1)
    with pytest.raises(MotionFormatError):
        joints_to_raw_motion([["a"]], 20)
