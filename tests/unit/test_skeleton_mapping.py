"""Any rig to the 22 joints: names of many programs, shapes without names, units, axes, sides, and what is no person."""

import importlib.util
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from llamo.processing.motion_features_llamo import JOINT_NAMES, PARENTS
from llamo.processing.motion_formats_llamo import MotionFormatError, joints_to_raw_motion, read_motion
from llamo.processing.motion_frame_llamo import TO_Y_UP
from llamo.processing.skeleton_mapping_llamo import TARGET_NAMES, read_name


spec = importlib.util.spec_from_file_location("bvh_writer", Path(__file__).with_name("bvh_writer.py"))
bvh_writer = importlib.util.module_from_spec(spec)
sys.modules["bvh_writer"] = bvh_writer
spec.loader.exec_module(bvh_writer)

# Our joint -> part of the writer's rigs.
PART_OF = {"pelvis": "hips", "head": "head", "neck": "neck0"}
for side in ("left", "right"):
    for ours, part in (
        ("hip", "thigh"), ("knee", "shin"), ("ankle", "foot"), ("foot", "toe"),
        ("collar", "collar"), ("shoulder", "upperarm"), ("elbow", "forearm"), ("wrist", "hand"),
    ):  # fmt: skip
        PART_OF[f"{side}_{ours}"] = f"{side}_{part}"


def distance_to_parts(joints, nodes, parts, angles, root, **kwargs):
    truth = bvh_writer.pose(nodes, angles, root, **kwargs)
    return {
        name: float(np.abs(joints[:, TARGET_NAMES.index(name)] - truth[:, parts[part]]).max())
        for name, part in PART_OF.items()
        if part in parts
    }


def check_person(motion):
    """Bones of constant, human length; a human height; left on the left."""
    joints = motion.joints
    lengths = np.stack([np.linalg.norm(joints[:, i] - joints[:, p], axis=-1) for i, p in enumerate(PARENTS) if p >= 0])
    assert (lengths.std(axis=1) < 0.02).all()
    assert lengths.min() > 0.02 and lengths.max() < 0.65
    j = dict(zip(TARGET_NAMES, np.moveaxis(joints, 1, 0), strict=True))
    chain = ["left_foot", "left_ankle", "left_knee", "left_hip", "pelvis", "spine2", "neck", "head"]
    height = sum(np.linalg.norm(j[a] - j[b], axis=-1).mean() for a, b in pairwise(chain))
    assert 1.2 < height < 2.2
    ahead = (j["left_foot"] - j["left_ankle"]) + (j["right_foot"] - j["right_ankle"])
    to_left = np.cross(np.array([0.0, 1.0, 0.0]), ahead)
    assert ((j["left_hip"] - j["right_hip"]) * to_left).sum(-1).mean() > 0


def test_same_skeleton_as_the_features():
    assert list(TARGET_NAMES) == list(JOINT_NAMES)


@pytest.mark.parametrize("convention", list(bvh_writer.CONVENTIONS))
@pytest.mark.parametrize("fingers", [False, True])
def test_names_of_many_programs(convention, fingers):
    nodes, parts = bvh_writer.make_rig(convention, fingers=fingers, arms_first=fingers)
    angles, root = bvh_writer.walk(nodes, parts)
    motion = read_motion(bvh_writer.write_bvh(nodes, angles, root, scale=100))
    assert motion.skeleton != "by shape"
    assert max(distance_to_parts(motion.joints, nodes, parts, angles, root).values()) < 1e-3
    assert (motion.units, motion.up_axis, motion.fps) == ("cm", "+y", 30)
    check_person(motion)


@pytest.mark.parametrize("convention", ["mixamo", "xsens", "character studio", "iclone", "unity", "kinect", "daz", "no neck"])
@pytest.mark.parametrize("fingers", [False, True])
def test_shape_tells_where_names_do_not(convention, fingers):
    nodes, parts = bvh_writer.make_rig(convention, fingers=fingers, arms_first=not fingers)
    for index, node in enumerate(nodes):
        node[0] = f"item{index * 7 % 13}"  # not even unique
    angles, root = bvh_writer.walk(nodes, parts)
    motion = read_motion(bvh_writer.write_bvh(nodes, angles, root, scale=100))
    assert motion.skeleton == "by shape"
    assert any("shape" in note for note in motion.assumed) and any("left and right" in note for note in motion.assumed)
    off = distance_to_parts(motion.joints, nodes, parts, angles, root)
    limbs = {
        name: value
        for name, value in off.items()
        if name.split("_")[-1] in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    }
    assert max(limbs.values()) < 1e-3
    check_person(motion)


@pytest.mark.parametrize(
    "name",
    [
        "mixamorig:LeftUpLeg", "mixamorig9_LeftUpLeg", "CC_Base_L_Thigh", "Bip001 L Thigh", "lfemur",
        "thigh_l", "DEF-thigh.L.001", "Thigh.L", "LTHIGH", "Char|rig:J_Bip_L_UpperLeg", "LeftThigh",
        "L_UpLeg_JNT", "upperleg_left",
    ],
)  # fmt: skip
def test_left_thighs(name):
    assert read_name(name) == ("left", "thigh")


@pytest.mark.parametrize(
    "name",
    [
        "L5", "lowerback", "root", "Spine1", "LeftHandIndex1", "CC_Base_L_CalfTwist01", "thigh_twist_01_l",
        "ik_foot_root", "CC_Base_JawRoot", "Bip01 Footsteps", "LeftUpLegRoll", "R_Eye", "Reference", "",
        "123", "__",
    ],
)  # fmt: skip
def test_names_that_are_no_limb(name):
    assert read_name(name)[1] is None


UNITS = {"m": 1, "cm": 100, "mm": 1000, "inch": 1 / 0.0254, "ft": 1 / 0.3048, "cmu": 0.45 / 0.0254, "dm": 10}


@pytest.mark.parametrize("unit", list(UNITS))
@pytest.mark.parametrize("size", [0.85, 1.0, 1.12])
def test_units_from_body_height(unit, size):
    nodes, parts = bvh_writer.make_rig()
    angles, root = bvh_writer.walk(nodes, parts)
    data = bvh_writer.write_bvh(nodes, angles, root, scale=UNITS[unit] * size, form="{:.9f}")
    motion = read_motion(data)
    assert motion.units == unit
    assert any("units" in note for note in motion.assumed)
    off = distance_to_parts(motion.joints / size, nodes, parts, angles, root)
    assert max(off.values()) < 1e-3
    told = read_motion(data, units=unit)
    np.testing.assert_array_equal(told.joints, motion.joints)
    assert not any("units" in note for note in told.assumed)


def test_unknown_scale_becomes_a_common_height_and_is_said():
    nodes, parts = bvh_writer.make_rig()
    angles, root = bvh_writer.walk(nodes, parts)
    data = bvh_writer.write_bvh(nodes, angles, root, scale=0.013, form="{:.9f}")
    motion = read_motion(data)
    assert any("no common unit" in note and "1.7 m" in note for note in motion.assumed)
    check_person(motion)
    numbers = read_motion(data, units=1 / 0.013)
    assert max(distance_to_parts(numbers.joints, nodes, parts, angles, root).values()) < 1e-3
    for wrong in ("parsec", -1, 0, float("nan")):
        with pytest.raises(MotionFormatError, match="units"):
            read_motion(data, units=wrong)


def turned(axis):
    """The rotation that takes Y up to `axis` up."""
    return np.array(TO_Y_UP[axis], dtype=float).T


def turn_root(nodes, angles, matrix):
    """Root angles (ZXY) of a motion whose world is turned; offsets stay in the old axes (a Y-up rest pose)."""
    out = angles.copy()
    for frame in range(len(angles)):
        z, x, y = (bvh_writer.rotation(k, angles[frame, 0, k]) for k in (2, 0, 1))
        m = matrix @ (z @ x @ y)
        if abs(m[2, 1]) > 1 - 1e-9:  # the two outer axes fall together
            out[frame, 0] = np.degrees([np.pi / 2 * np.sign(m[2, 1]), 0, np.arctan2(m[1, 0], m[0, 0])])
            continue
        out[frame, 0] = np.degrees([np.arcsin(m[2, 1]), np.arctan2(-m[2, 0], m[2, 2]), np.arctan2(-m[0, 1], m[1, 1])])
    return out


@pytest.mark.parametrize("axis", list(TO_Y_UP))
@pytest.mark.parametrize("rest_turned", [True, False])
def test_up_axis(axis, rest_turned):
    nodes, parts = bvh_writer.make_rig()
    angles, root = bvh_writer.walk(nodes, parts)
    matrix = turned(axis)
    world = bvh_writer.pose(nodes, angles, root) @ matrix.T
    if rest_turned:
        # Only positions matter: bones are written as position channels of unturned joints.
        local = world.copy()
        for index, node in enumerate(nodes):
            if node[1] >= 0:
                local[:, index] -= world[:, node[1]]
        still = [[n, p, matrix @ o, e] for n, p, o, e in nodes]
        data = bvh_writer.write_bvh(still, 0 * angles, world[:, 0], positions=local, scale=100)
    else:
        data = bvh_writer.write_bvh(nodes, turn_root(nodes, angles, matrix), root @ matrix.T, scale=100)
    motion = read_motion(data)
    assert motion.up_axis == axis
    off = distance_to_parts(motion.joints, nodes, parts, angles, root)
    off = {k: v for k, v in off.items() if not (rest_turned and k.endswith("foot"))}
    assert max(off.values()) < 2e-3
    assert read_motion(data, up_axis=axis.upper()).up_axis == axis
    with pytest.raises(MotionFormatError, match="up axis"):
        read_motion(data, up_axis="north")


@pytest.mark.parametrize("facing_up", [True, False])
@pytest.mark.parametrize("axis", ["+y", "+z"])
def test_lying_person_does_not_turn_the_world(facing_up, axis):
    nodes, parts = bvh_writer.make_rig()
    angles, root = bvh_writer.walk(nodes, parts)
    angles[:, parts["hips"]] = 0
    lie = bvh_writer.rotation(0, -90 if facing_up else 90)
    height = 0.25
    still = np.zeros_like(root) + [0.3, height, 0.4]
    matrix = turned(axis)
    # Rest pose in the file's own axes: every offset is turned, and rotations are re-expressed through the positions.
    world = bvh_writer.pose(nodes, turn_root(nodes, angles, lie), still) @ matrix.T
    local = world.copy()
    for index, node in enumerate(nodes):
        if node[1] >= 0:
            local[:, index] -= world[:, node[1]]
    rested = [[n, p, matrix @ o, e] for n, p, o, e in nodes]
    motion = read_motion(bvh_writer.write_bvh(rested, 0 * angles, world[:, 0], positions=local, scale=100))
    assert motion.up_axis == axis
    spread = np.ptp(motion.joints[..., 1])
    assert spread < 1.0
    # The same as bare joints, without a rest pose, starting where the person is.
    bare = joints_to_raw_motion(
        read_motion(bvh_writer.write_bvh(rested, 0 * angles, world[:, 0], positions=local, scale=100)).joints, 20
    )
    assert bare.up_axis == "+y"


def test_names_that_contradict_the_body_are_reported():
    nodes, parts = bvh_writer.make_rig("motionbuilder")
    angles, root = bvh_writer.walk(nodes, parts)
    straight = read_motion(bvh_writer.write_bvh(nodes, angles, root))
    assert not any("left" in note for note in straight.assumed if "side" in note)
    for node in nodes:
        node[0] = (
            node[0].translate(str.maketrans({}))
            if "Left" not in node[0] and "Right" not in node[0]
            else (node[0].replace("Left", "@").replace("Right", "Left").replace("@", "Right"))
        )
    swapped = read_motion(bvh_writer.write_bvh(nodes, angles, root))
    assert any("right side left" in note for note in swapped.assumed)
    np.testing.assert_allclose(swapped.joints, straight.joints, atol=1e-6)


def test_left_handed_joints_are_mirrored_and_said():
    nodes, parts = bvh_writer.make_rig("smpl")
    angles, root = bvh_writer.walk(nodes, parts)
    joints = read_motion(bvh_writer.write_bvh(nodes, angles, root)).joints
    mirrored = joints_to_raw_motion(joints * [1, 1, -1], 30)
    assert any("left-handed" in note for note in mirrored.assumed)
    check_person(mirrored)
    kept = joints_to_raw_motion(joints, 30)
    np.testing.assert_allclose(kept.joints, joints, atol=1e-6)
    assert not any("left-handed" in note for note in kept.assumed)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_reference_pose_before_the_motion(count):
    nodes, parts = bvh_writer.make_rig("motionbuilder")
    angles, root = bvh_writer.walk(nodes, parts, num_frames=30)
    motion = bvh_writer.write_bvh(nodes, angles, root)
    clean = read_motion(motion)
    angles = np.concatenate([np.zeros((count, *angles.shape[1:])), angles])
    root = np.concatenate([np.repeat(root[:1], count, axis=0), root])
    read = read_motion(bvh_writer.write_bvh(nodes, angles, root))
    assert read.source_frames == 30 + count
    assert len(read.joints) == 30
    np.testing.assert_allclose(read.joints, clean.joints, atol=1e-6)
    assert any("reference pose" in note for note in read.assumed) == (count > 0)


def test_motion_that_begins_in_a_t_pose_is_kept():
    """A person who starts in a T-pose and moves out of it smoothly did record that."""
    nodes, parts = bvh_writer.make_rig("motionbuilder")
    angles, root = bvh_writer.walk(nodes, parts, num_frames=30)
    angles = angles[:1] * np.linspace(0, 1, 30)[:, None, None]
    assert len(read_motion(bvh_writer.write_bvh(nodes, angles, np.repeat(root[:1], 30, axis=0))).joints) == 30


@pytest.mark.parametrize("num_frames", [1, 2, 3])
def test_single_poses_and_shortest_motions(num_frames):
    nodes, parts = bvh_writer.make_rig()
    angles, root = bvh_writer.walk(nodes, parts, num_frames=num_frames)
    motion = read_motion(bvh_writer.write_bvh(nodes, angles, root))
    assert motion.joints.shape == (num_frames, 22, 3)
    assert motion.seconds == pytest.approx(max(num_frames - 1, 1) / 30)


def test_toes_and_collars_are_built_where_they_lack():
    nodes, parts = bvh_writer.make_rig("character studio")
    keep = [i for i, n in enumerate(nodes) if i not in (parts["left_leg_end"], parts["right_leg_end"])]
    nodes = [[nodes[i][0], keep.index(nodes[i][1]) if nodes[i][1] >= 0 else -1, nodes[i][2], nodes[i][3]] for i in keep]
    parts = {part: keep.index(i) for part, i in parts.items() if i in keep}
    angles, root = bvh_writer.walk(nodes, parts)
    motion = read_motion(bvh_writer.write_bvh(nodes, angles, root))
    assert any("foot joint built" in note for note in motion.assumed)
    check_person(motion)
    ankle, foot = (motion.joints[:, TARGET_NAMES.index(f"left_{p}")] for p in ("ankle", "foot"))
    assert (foot - ankle)[:, 2].mean() > 0.08  # the person walks towards +Z


def rename(nodes, names):
    for node, name in zip([n for n in nodes if not n[3]], names, strict=False):
        node[0] = name


def test_no_persons():
    chain = [["base", -1, np.zeros(3), False]] + [[f"child{k}", k, np.array([0, 5.0, 0]), False] for k in range(6)]
    chain.append(["", 6, np.array([0, 5.0, 0]), True])
    two = [
        ["Hips", -1, np.zeros(3), False],
        ["Head", 0, np.array([0, 12.0, 0]), False],
        ["", 1, np.array([0, 3.0, 0]), True],
    ]
    star = [["hub", -1, np.zeros(3), False]]
    for k in range(5):
        star.append([f"arm{k}", 0, np.array([np.cos(k), np.sin(k), 0]), False])
        star.append(["", len(star) - 1, np.array([np.cos(k), np.sin(k), 0]), True])
    nodes, parts = bvh_writer.make_rig("motionbuilder")
    arms = [i for part, i in parts.items() if any(w in part for w in ("arm", "hand", "collar"))]
    keep = [i for i in range(len(nodes)) if i not in arms]
    armless = [[nodes[i][0], keep.index(nodes[i][1]) if nodes[i][1] >= 0 else -1, nodes[i][2], nodes[i][3]] for i in keep]
    for rig in (chain, two, star, armless):
        data = bvh_writer.write_bvh(rig, np.zeros((3, len(rig), 3)), np.zeros((3, 3)))
        with pytest.raises(MotionFormatError, match="one whole person") as caught:
            read_motion(data)
        assert "two legs" in caught.value.remedy
    assert "left arm" in str(caught.value)


def test_bodies_that_are_not_human():
    nodes, parts = bvh_writer.make_rig("motionbuilder")
    angles, root = bvh_writer.walk(nodes, parts)
    for part, factor in (("left_shin", 3.0), ("left_forearm", 0.1), ("spine0", 8.0)):
        odd = [[n, p, o * (factor if i == parts[part] else 1), e] for i, (n, p, o, e) in enumerate(nodes)]
        with pytest.raises(MotionFormatError, match="leg lengths"):
            read_motion(bvh_writer.write_bvh(odd, angles, root))
    flat = [[n, p, o * 0, e] for n, p, o, e in nodes]
    with pytest.raises(MotionFormatError, match="one point"):
        read_motion(bvh_writer.write_bvh(flat, angles, root))


PERSONS = {
    "cmu/cmu_mb_12_01.bvh": ("cmu", "+y", 120, 523), "cmu/iclone_002_03.bvh": ("cm", "+y", 60, 86),
    "tricky/bvh11_cmu_max_131_01.bvh": ("cmu", "+y", 120, 994), "tricky/momask_template.bvh": ("m", "+y", 60, 720),
    "tricky/pybvh_bvh_test1.bvh": ("inch", "+z", 30, 75), "tricky/pybvh_bvh_test3.bvh": ("inch", "+z", 120, 100),
    "tricky/pybvh_standard_skeleton.bvh": ("inch", "+z", 120, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", list(PERSONS))
def test_real_files(shared, name):
    motion = read_motion(shared / "fixtures" / name)
    assert (motion.units, motion.up_axis, round(motion.fps), len(motion.joints)) == PERSONS[name]
    check_person(motion)
    # Where the file has a floor, the feet are on it.
    if not name.endswith(("momask_template.bvh", "standard_skeleton.bvh")):
        assert -0.05 < np.percentile(motion.joints[..., 1].min(1), 5) < 0.12
    assert (motion.joints[:, 15, 1] > motion.joints[:, 0, 1]).all()


def test_every_real_file_is_a_person_or_refused(shared):
    for path in sorted((shared / "fixtures").rglob("*.bvh")):
        if path.relative_to(shared / "fixtures").as_posix() not in PERSONS:
            with pytest.raises(MotionFormatError, match="one whole person"):
                read_motion(path)


@pytest.mark.parametrize("name", list(PERSONS))
def test_real_files_without_names(shared, name):
    """The shape alone gives the very joints that the names give, left and right included."""
    data = (shared / "fixtures" / name).read_bytes()
    named = read_motion(data)
    nameless = read_motion(re.sub(rb"(JOINT|ROOT) +\S+", rb"\1 item", data))
    assert nameless.skeleton == "by shape"
    np.testing.assert_allclose(nameless.joints, named.joints, atol=1e-6)
