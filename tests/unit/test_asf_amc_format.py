"""AMC with its ASF: against matrices written out, against CMU's recordings, and beside which file the skeleton lies."""

import os

import numpy as np
import pytest
from motion_samples import ASF_BONES, amc, amc_values, asf

from llamo.processing.motion_formats_llamo import MotionFormatError, read_motion
from llamo.processing.skeleton_mapping_llamo import TARGET_NAMES


METRES = 0.0254 / 0.45
# Our joint <- the bone that begins there.
BEGINS = {
    "pelvis": "root", "spine1": "upperback", "spine2": "thorax", "spine3": "lowerneck", "neck": "upperneck", "head": "head",
    "left_hip": "lfemur", "right_hip": "rfemur", "left_knee": "ltibia", "right_knee": "rtibia", "left_ankle": "lfoot",
    "right_ankle": "rfoot", "left_foot": "ltoes", "right_foot": "rtoes", "left_shoulder": "lhumerus",
    "right_shoulder": "rhumerus", "left_elbow": "lradius", "right_elbow": "rradius", "left_wrist": "lwrist",
    "right_wrist": "rwrist",
}  # fmt: skip


def turn(axis: str, degrees: float) -> np.ndarray:
    i = "xyz".index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    out = np.eye(3)
    out[j, j], out[j, k], out[k, j], out[k, k] = c, -s, s, c
    return out


def in_order(pairs) -> np.ndarray:
    """Turns about fixed axes, one after the other."""
    out = np.eye(3)
    for axis, degrees in pairs:
        out = turn(axis, degrees) @ out
    return out


def truth(values, order="xyz") -> dict[str, np.ndarray]:
    """Where each bone begins, `(num_frames, 3)` in file units, by matrices."""
    starts: dict[str, list] = {}
    for frame in range(len(values["root"])):
        root = values["root"][frame]
        ends, turns = {"root": root[:3]}, {"root": in_order(zip("xyz", root[3:]))}
        starts.setdefault("root", []).append(root[:3])
        for name, parent, direction, length, axis, dof in ASF_BONES:
            c = in_order([(letter, axis["xyz".index(letter)]) for letter in order])
            m = in_order(zip([word[1] for word in dof.split()], values[name][frame])) if dof else np.eye(3)
            turns[name] = turns[parent] @ c @ m @ c.T
            starts.setdefault(name, []).append(ends[parent])
            ends[name] = ends[parent] + turns[name] @ (np.array(direction) / np.linalg.norm(direction) * length)
    return {name: np.array(rows) for name, rows in starts.items()}


@pytest.mark.parametrize("order", ["XYZ", "ZYX", "YZX"])
@pytest.mark.parametrize("radians", [False, True])
def test_against_matrices(order, radians):
    values = amc_values()
    motion = read_motion(amc(values, radians), asf=asf(order, radians))
    expected = truth(values, order.lower())
    for joint, bone in BEGINS.items():
        np.testing.assert_allclose(motion.joints[:, TARGET_NAMES.index(joint)], expected[bone] * METRES, atol=1e-4)
    assert (motion.format, motion.fps, motion.units, motion.up_axis) == ("amc", 120, "cmu", "+y")
    assert (motion.source_frames, motion.source_joints, motion.skeleton) == (12, len(ASF_BONES) + 1, "CMU")
    assert any("120 frames per second" in note for note in motion.assumed)
    assert read_motion(amc(values), asf=asf(), fps=60).fps == 60


def test_the_unit_is_guessed_where_it_is_not_cmus():
    motion = read_motion(amc(amc_values()), asf=asf(length=1.0))
    assert motion.units == "cmu" and any("units taken" in note for note in motion.assumed)
    assert not any("units taken" in note for note in read_motion(amc(amc_values()), asf=asf()).assumed)


@pytest.mark.parametrize("name", ["02_01.asf", "02.asf", "02.ASF", "whatever.asf"])
def test_the_skeleton_beside_it(tmp_path, name):
    (tmp_path / "02_01.amc").write_bytes(amc(amc_values()))
    (tmp_path / name).write_bytes(asf())
    motion = read_motion(tmp_path / "02_01.amc")
    assert any(name in note for note in motion.assumed)
    np.testing.assert_array_equal(motion.joints, read_motion(amc(amc_values()), asf=asf()).joints)
    np.testing.assert_array_equal(motion.joints, read_motion(tmp_path / "02_01.amc", asf=tmp_path / name).joints)


def test_only_the_skeleton_that_belongs(tmp_path):
    path = tmp_path / "02_01.amc"
    path.write_bytes(amc(amc_values()))
    with pytest.raises(MotionFormatError, match="--asf"):
        read_motion(path)
    with pytest.raises(MotionFormatError, match="--asf"):
        read_motion(path.read_bytes())
    for name in ("03.asf", "04.asf"):
        (tmp_path / name).write_bytes(asf())
    with pytest.raises(MotionFormatError, match=r"2 \.asf files"):
        read_motion(path)
    (tmp_path / "02.asf").write_bytes(b":version 1.10\n:bonedata\n")
    with pytest.raises(MotionFormatError, match="bones"):
        read_motion(path)


def test_no_reading_outside_the_folder(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir(), outside.mkdir()
    (outside / "02.asf").write_bytes(asf())
    (inside / "02_01.amc").write_bytes(amc(amc_values()))
    os.symlink(outside / "02.asf", inside / "02.asf")
    with pytest.raises(MotionFormatError, match="link out of it"):
        read_motion(inside / "02_01.amc")


def test_a_skeleton_alone(tmp_path):
    (tmp_path / "02.asf").write_bytes(asf())
    with pytest.raises(MotionFormatError, match=r"\.amc"):
        read_motion(tmp_path / "02.asf")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"lfemur", b"lfemurr", "bone of the ASF"),
        (b"\nltibia", b"\nltibia 5", "1 numbers"),
        (b"\nroot", b"\nroot nan", "6 numbers"),
        (b"\n1\n", b"\n", "frame number"),
        (b":DEGREES\n1\nroot 0", b":DEGREES\n1\nroot inf", "finite"),
    ],
)
def test_damage_is_named(old, new, words):
    text = amc(amc_values()).replace(old, new, 1)
    with pytest.raises(MotionFormatError, match=words) as caught:
        read_motion(text, asf=asf())
    assert "line" in caught.value.where


def test_a_bone_missing_in_one_frame_and_a_cut_end():
    text = amc(amc_values())
    with pytest.raises(MotionFormatError, match="25 in frame 2 and 24 in the first"):
        at = text.index(b"\nltibia")
        read_motion(text[:at] + text[text.index(b"\n", at + 1) :], asf=asf())
    motion = read_motion(text[: text.rindex(b"\nlowerback")], asf=asf())
    assert motion.source_frames == 11 and any("cut off" in note for note in motion.assumed)
    with pytest.raises(MotionFormatError, match="at most 5 frames"):
        read_motion(text, asf=asf(), max_frames=5)


@pytest.mark.parametrize("trial", ["02_01", "07_01", "35_01"])
def test_cmus_own_files_against_the_training_data(shared, trial):
    """The same trials came into the training data on another way: 20 fps, canonical frame, half-millimetre steps."""
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(shared / "data" / "cmu_train.parquet", filters=[("id", "=", f"trial_{trial}")])
    (row,) = table.to_pylist()
    expected = np.frombuffer(row["joints_q"], "<i2").reshape(-1, 22, 3) * 0.0005
    motion = read_motion(shared / "fixtures" / "cmu" / f"{trial}.amc")
    joints = motion.joints[::6][: len(expected)]
    a = joints.reshape(-1, 3) - joints.reshape(-1, 3).mean(0)
    b = expected.reshape(-1, 3) - expected.reshape(-1, 3).mean(0)
    u, _, vt = np.linalg.svd(a.T @ b)
    off = np.linalg.norm(a @ u @ vt - b, axis=-1)
    assert off.mean() < 0.003 and np.percentile(off, 99) < 0.02
