"""Markers in C3D and TRC files, put on procedural bodies: joints come back, and what cannot be read is named."""

import numpy as np
import pytest
from skin_markers import INDEX, landmarks, write_c3d, write_trc

from llamo.processing.c3d_file_llamo import read_c3d
from llamo.processing.marker_motion_llamo import fill_gaps
from llamo.processing.marker_sets_llamo import MARKER_SETS, find_marker_set, plain
from llamo.processing.motion_formats_llamo import MotionFormatError, read_motion
from llamo.train.synthesis.engine import synthesize


LIMBS = [name for name in INDEX if name.rsplit("_", 1)[-1] in ("hip", "knee", "ankle", "foot", "shoulder", "elbow", "wrist")]
TRUNK = [name for name in INDEX if name not in LIMBS]
# Metres, mean over a clip. Rigs differ among each other by as much in where spine and collars are; markers do not tell it.
LIMB_LIMIT, TRUNK_LIMIT = 0.035, 0.13
SETS = {one.name: one for one in MARKER_SETS}
PLUG_IN_GAIT = SETS["Vicon Plug-in Gait"]


def person(seed: int = 3, num_frames: int = 80, **kwargs) -> np.ndarray:
    kwargs.setdefault("actions", ["archery"])  # upright, both arms far from the body
    return np.asarray(synthesize(np.random.default_rng(seed), **kwargs).joints[:num_frames])


def place(joints, marker_set, only=lambda landmark: True):
    """Names as the set writes them, and `(num_frames, num_markers, 3)` metres."""
    marks = landmarks(joints)
    table = {landmark: names[0] for landmark, names in marker_set.table().items() if only(landmark)}
    return [name.upper() for name in table.values()], np.stack([marks[landmark] for landmark in table], axis=1)


def z_up(points):
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def errors(motion, joints):
    off = np.linalg.norm(motion.joints - joints, axis=-1).mean(0)
    return {name: float(off[index]) for name, index in INDEX.items()}


def check_limbs(motion, joints):
    off = errors(motion, joints)
    assert max(off[limb] for limb in LIMBS) < LIMB_LIMIT, off


@pytest.mark.parametrize("name", list(SETS))
@pytest.mark.parametrize("kind", ["c3d", "trc"])
def test_joints_come_back(name, kind):
    joints = person()
    names, points = place(joints, SETS[name])
    data = write_c3d(names, z_up(points) * 1000, 120) if kind == "c3d" else write_trc(names, points, 120, "m")
    motion = read_motion(data)
    off = errors(motion, joints)
    assert max(off[limb] for limb in LIMBS) < LIMB_LIMIT, off
    assert max(off[part] for part in TRUNK) < TRUNK_LIMIT, off
    assert (motion.format, motion.fps, motion.skeleton) == (kind, 120, f"markers: {name}")
    assert (motion.units, motion.up_axis) == (("mm", "+z") if kind == "c3d" else ("m", "+y"))
    assert motion.source_frames == len(joints) and motion.source_joints == len(names)


@pytest.mark.parametrize("seed", range(5))
def test_outer_markers_alone_are_enough(seed):
    joints = person(seed, actions=[["walk"], ["squat"], ["wave"], ["punch"], ["lunge"]][seed])
    names, points = place(joints, PLUG_IN_GAIT, lambda landmark: not landmark.endswith("_in") and landmark != "sacrum")
    off = errors(read_motion(write_c3d(names, z_up(points) * 1000)), joints)
    assert max(off[limb] for limb in LIMBS) < LIMB_LIMIT, off


@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("num_analog", [0, 12])
def test_kinds_of_c3d(integers, big_endian, num_analog):
    joints = person()
    names, points = place(joints, PLUG_IN_GAIT)
    points = z_up(points) * 1000
    points[3, 2] = np.nan
    data = write_c3d(names, points, 60, integers=integers, big_endian=big_endian, num_analog=num_analog)
    file = read_c3d(data, where="test", max_frames=1000, max_bytes=1 << 30)
    np.testing.assert_allclose(file.points, points, atol=0.051 if integers else 1e-3)
    assert file.labels == names and file.rate == 60 and file.words("POINT:UNITS") == ["mm"]
    check_limbs(read_motion(data), joints)


def test_more_than_255_labels_and_65535_frames():
    points = np.random.default_rng(0).normal(size=(4, 300, 3))
    names = [f"M{i}" for i in range(300)]
    file = read_c3d(write_c3d(names, points), where="test", max_frames=1000, max_bytes=1 << 30)
    assert file.labels == names
    data = bytearray(write_c3d(["A"], np.ones((70_000 - 65_536, 1, 3))))
    data += bytes(65_536 * 16)  # frames beyond what the header's 16 bits can count
    assert read_c3d(bytes(data), where="test", max_frames=10**6, max_bytes=1 << 30).points.shape[0] == 70_000 - 65_536


def test_same_as_ezc3d(tmp_path):
    """ezc3d reads what our test writes, and we read what ezc3d writes."""
    ezc3d = pytest.importorskip("ezc3d")
    joints = person()
    names, points = place(joints, PLUG_IN_GAIT)
    points = z_up(points) * 1000
    points[5:8, 3] = np.nan
    for integers in (False, True):
        path = tmp_path / "ours.c3d"
        path.write_bytes(write_c3d(names, points, 50, integers=integers, num_analog=0))
        theirs = ezc3d.c3d(str(path))
        ours = read_c3d(path.read_bytes(), where="test", max_frames=10**6, max_bytes=1 << 30)
        expected = np.moveaxis(theirs["data"]["points"][:3], 0, -1).swapaxes(0, 1)
        seen = np.isfinite(ours.points).all(-1)
        np.testing.assert_allclose(ours.points[seen], expected[seen], atol=1e-3)
        assert list(theirs["parameters"]["POINT"]["LABELS"]["value"]) == ours.labels
    written = ezc3d.c3d()
    written["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    written["parameters"]["POINT"]["RATE"]["value"] = [50.0]
    written["parameters"]["POINT"]["LABELS"]["value"] = names
    table = np.ones((4, len(names), len(points)))
    table[:3] = np.moveaxis(np.nan_to_num(points), -1, 0).swapaxes(1, 2)
    written["data"]["points"] = table
    written["parameters"]["ANALOG"]["RATE"]["value"] = [100.0]
    written["parameters"]["ANALOG"]["LABELS"]["value"] = ["EMG1"]
    written["data"]["analogs"] = np.zeros((1, 1, 2 * len(points)))
    written.write(str(tmp_path / "theirs.c3d"))
    motion = read_motion(tmp_path / "theirs.c3d")
    assert motion.fps == 50
    check_limbs(motion, joints)


def test_angles_and_forces_are_no_markers():
    joints = person()
    names, points = place(joints, PLUG_IN_GAIT)
    junk = ["LKneeAngles", "RGroundReactionForce", "LHipMoment", "LAnklePower", "Mystery", "CentreOfMassX"]
    noise = np.random.default_rng(0).normal(size=(len(joints), len(junk), 3)) * 1e4
    data = write_c3d(
        names + junk, np.concatenate([z_up(points) * 1000, noise], axis=1), groups={"ANGLES": ["Mystery"], "SCALARS": ["X"]}
    )
    motion = read_motion(data)
    assert motion.source_joints == len(names) + 1
    check_limbs(motion, joints)
    with pytest.raises(MotionFormatError, match="angles and forces only"):
        read_motion(write_c3d(["A", "B"], points[:, :2], groups={"ANGLES": ["A", "B"]}))


def test_subjects():
    joints, other = person(3), person(4)
    num_frames = min(len(joints), len(other))
    names, points = place(joints[:num_frames], PLUG_IN_GAIT)
    data = write_trc([f"Anna:{name}" for name in names] + ["*17"], np.concatenate([points, points[:, :1]], axis=1), units="m")
    motion = read_motion(data)
    assert motion.skeleton.endswith("of Anna")
    check_limbs(motion, joints[:num_frames])
    _, more = place(other[:num_frames], PLUG_IN_GAIT)
    both = [f"Anna:{name}" for name in names] + [f"Ben:{name}" for name in names]
    motion = read_motion(write_trc(both, np.concatenate([points, more + 2], axis=1), units="m"))
    assert any("2 people (Anna, Ben)" in note for note in motion.assumed)
    check_limbs(motion, joints[:num_frames])


@pytest.mark.parametrize("unit", ["mm", "cm", "m"])
@pytest.mark.parametrize("up", ["y", "z", "x"])
def test_units_and_axes(unit, up):
    joints = person()
    names, points = place(joints, PLUG_IN_GAIT)
    factor = {"mm": 1000, "cm": 100, "m": 1}[unit]
    turned = {"y": points, "z": z_up(points), "x": np.stack([points[..., 1], -points[..., 0], points[..., 2]], axis=-1)}[up]
    said = read_motion(write_c3d(names, turned * factor, units=unit), up_axis=up)
    assert said.units == unit
    check_limbs(said, joints)
    if up != "x":
        told = read_motion(write_c3d(names, turned * factor, units=unit, screen=f"+{up.upper()}"))
        assert told.up_axis == f"+{up}"
    wrong = read_motion(write_trc(names, points * factor, units={"mm": "m", "cm": "m", "m": "mm"}[unit]))
    assert wrong.units == unit and any("not believed" in note for note in wrong.assumed)


def gap(points, marker, frames):
    points = points.copy()
    points[frames, marker] = np.nan
    return points


@pytest.mark.parametrize("kind", ["c3d", "trc"])
def test_gaps(kind):
    joints = person(num_frames=60)
    names, points = place(joints, PLUG_IN_GAIT, lambda landmark: not landmark.endswith("_in") and landmark != "sacrum")
    knee = names.index("LKNE")

    def read(points):
        return read_motion(write_c3d(names, points * 1000, 20) if kind == "c3d" else write_trc(names, points * 1000, 20))

    motion = read(gap(points, knee, slice(20, 24)))
    assert any("short gaps" in note for note in motion.assumed) and len(motion.joints) == 60
    check_limbs(motion, joints)
    with pytest.raises(MotionFormatError, match=r"LKNE missing for 1\.00 s from frame 20"):
        read(gap(points, knee, slice(20, 40)))
    motion = read(gap(points, knee, slice(0, 10)))
    assert len(motion.joints) == 50 and motion.source_frames == 60
    assert any("frames 10 to 59 of 60" in note for note in motion.assumed)
    with pytest.raises(MotionFormatError, match="LKNE only from frame 40"):
        read(gap(points, knee, slice(0, 40)))
    # A marker of the head may be missing for long: the others tell.
    motion = read(gap(points, names.index("LFHD"), slice(10, 50)))
    assert any("LFHD left out" in note for note in motion.assumed)
    with pytest.raises(MotionFormatError, match="left knee"):
        read(gap(points, knee, slice(0, 60)))


def test_straight_lines_over_gaps():
    points = np.arange(10.0)[:, None, None] * np.ones((10, 2, 3))
    broken = gap(points, 1, slice(4, 6))
    assumed: list[str] = []
    np.testing.assert_allclose(fill_gaps(broken, ["A", "B"], 10, "test", assumed), points)
    assert assumed


def test_unknown_sets_name_what_is_there_and_a_joint_map_reads_them():
    joints = person()
    names = [f"Punkt{i}" for i in range(len(INDEX))]
    data = write_trc(names, joints * 1000)
    with pytest.raises(MotionFormatError, match=r"Punkt0, Punkt1.*--joint-map"):
        read_motion(data)
    joint_map = {name: f"punkt{index}" for name, index in INDEX.items()}
    motion = read_motion(data, joint_map=joint_map)
    np.testing.assert_allclose(motion.joints, joints, atol=1e-4)
    assert motion.skeleton == "by joint map"
    few = {name: joint_map[name] for name in LIMBS if not name.endswith("foot")}
    assert max(errors(read_motion(data, joint_map=few), joints)[name] for name in few) < 1e-3
    with pytest.raises(MotionFormatError, match="left_knee"):
        read_motion(data, joint_map={name: where for name, where in few.items() if name != "left_knee"})
    # One joint of a known set, put right by the caller: the middle of two markers.
    names, points = place(joints, PLUG_IN_GAIT)
    motion = read_motion(write_trc(names, points, units="m"), joint_map={"head": ["LFHD", "RBHD"]})
    expected = points[:, [names.index("LFHD"), names.index("RBHD")]].mean(1)
    np.testing.assert_allclose(motion.joints[:, INDEX["head"]], expected, atol=1e-4)


def test_sets_have_different_names_and_are_told_apart():
    for one in MARKER_SETS:
        names = [spellings[0] for spellings in one.table().values()]
        assert find_marker_set(names)[0] is one
    assert plain("Anna:L.ASIS") == plain("LASIS") == plain("L_asis")
    assert find_marker_set(["A", "B"])[0] is None


TRC_DAMAGE = {
    "no header": lambda text: text.split(b"\n")[0],
    "no names": lambda text: text.replace(b"LASI", b"").replace(b"\t", b" ", 0)[:300],
    "a word": lambda text: text.replace(b"\n7\t", b"\n7\tx", 1),
    "more cells": lambda text: text.replace(b"\n7\t", b"\n7\t1\t1\t1\t1\t", 1),
    "no rows": lambda text: text[: text.index(b"\n1\t")],
}


@pytest.mark.parametrize("damage", list(TRC_DAMAGE))
def test_damaged_trc(damage):
    names, points = place(person(num_frames=20), PLUG_IN_GAIT)
    with pytest.raises(MotionFormatError):
        read_motion(TRC_DAMAGE[damage](write_trc(names, points * 1000)))


def test_a_trc_without_a_rate_and_with_cut_rows():
    joints = person(num_frames=20)
    names, points = place(joints, PLUG_IN_GAIT)
    text = write_trc(names, points, 50, "m").replace(b"\n50\t50\t", b"\n?\t50\t", 1)
    assert read_motion(text).fps == pytest.approx(50, rel=1e-3)
    assert read_motion(text, fps=25).fps == 25
    assert read_motion(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")).joints.shape == (20, 22, 3)


@pytest.mark.parametrize("limits", [{"max_frames": 10}, {"max_bytes": 20_000}])
def test_limits(limits):
    names, points = place(person(num_frames=40), PLUG_IN_GAIT)
    for data in (write_trc(names, points * 1000), write_c3d(names, points * 1000)):
        with pytest.raises(MotionFormatError, match="at most"):
            read_motion(data, **limits)
