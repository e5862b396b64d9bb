"""3D keypoints of pose estimators: layouts told or named, limbs in their places, and everything that must be refused."""

import io

import numpy as np
import pytest
from conftest import make_walk

from llamo.processing.keypoints_format_llamo import LAYOUTS
from llamo.processing.motion_features_llamo import JOINT_NAMES
from llamo.processing.motion_formats_llamo import MotionFormatError, read_motion


INDEX = {name: index for index, name in enumerate(JOINT_NAMES)}
LIMBS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def estimate(name, joints=None):
    """A walk as an estimator of this layout would see it, `(num_frames, count, 3)` metres, Y up."""
    joints = make_walk(40).astype(float) if joints is None else joints
    layout = LAYOUTS[name]
    if not layout.limbs:
        extra = np.repeat(joints[:, 20:21] + [0, -0.05, 0], layout.count - 22, axis=1)
        return np.concatenate([joints, extra], axis=1)
    at = {joint: joints[:, index] for joint, index in INDEX.items()}
    hips, shoulders = (at["left_hip"] + at["right_hip"]) / 2, (at["left_shoulder"] + at["right_shoulder"]) / 2
    out = np.repeat(at["head"][:, None], layout.count, axis=1)
    nose = at["head"] + [0, 0.06, 0.11]
    out[:, 0] = nose
    if name in ("mediapipe33", "coco17", "coco133"):
        face = {0: 0, 1: 0.03, 2: -0.03, 3: 0.07, 4: -0.07}
        if name == "mediapipe33":
            face = {1: 0.02, 2: 0.03, 3: 0.04, 4: -0.02, 5: -0.03, 6: -0.04, 7: 0.07, 8: -0.07, 9: 0.02, 10: -0.02}
        for joint, x in face.items():
            out[:, joint] = at["head"] + [x, 0.07, 0.0 if abs(x) > 0.06 else 0.09]
        out[:, 0] = nose
    if name == "body25":
        out[:, 1], out[:, 8] = shoulders, hips
        for joint, x in ((15, -0.03), (16, 0.03), (17, -0.07), (18, 0.07)):
            out[:, joint] = at["head"] + [x, 0.07, 0.0 if abs(x) > 0.06 else 0.09]
    for part, pair in layout.limbs.items():
        for side, joint in zip(("left", "right"), pair):
            out[:, joint] = at[f"{side}_{part}"]
    if layout.spine:
        low, middle, high = layout.spine
        out[:, low], out[:, middle], out[:, high] = hips, (hips + shoulders) / 2, shoulders
    if name == "h36m17":
        out[:, 9], out[:, 10] = nose, at["head"] + [0, 0.2, 0]
    for index, side in enumerate(("left", "right")):
        if layout.heels:
            heel = at[f"{side}_ankle"] + [0, -0.05, -0.05]
            out[:, layout.heels[index]] = heel
            out[:, layout.toes[index]] = heel + (at[f"{side}_foot"] - heel) / 0.72
        if layout.feet:
            out[:, layout.feet[index]] = at[f"{side}_foot"]
    if name in ("ntu25", "kinect20"):
        out[:, 2], out[:, 3] = (shoulders + at["neck"]) / 2 if name == "ntu25" else shoulders, at["head"] + [0, 0.1, 0]
        out[:, 7], out[:, 11] = at["left_wrist"] + [0, -0.08, 0], at["right_wrist"] + [0, -0.08, 0]
        if name == "ntu25":
            for joint, hand in ((21, 7), (22, 7), (23, 11), (24, 11)):
                out[:, joint] = out[:, hand] + [0, -0.03, 0.02]
    return out


NAMES = [name for name in LAYOUTS if name != "kit21"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("named", [False, True])
def test_layouts(name, named):
    walk = make_walk(40)
    keypoints = estimate(name)
    motion = read_motion(npy(keypoints), skeleton=name if named else None, fps=25)
    assert (motion.format, motion.fps, motion.source_joints, motion.skeleton) == ("keypoints", 25, LAYOUTS[name].count, name)
    assert (motion.units, motion.up_axis) == ("m", "+y")
    for side in ("left", "right"):
        for part in LIMBS:
            joint = INDEX[f"{side}_{part}"]
            np.testing.assert_allclose(motion.joints[:, joint], walk[:, joint], atol=1e-5, err_msg=f"{side} {part}")
    # What is placed by proportions lies near where the body has it.
    assert np.linalg.norm(motion.joints - walk, axis=-1).mean(0).max() < 0.12
    assert any("skeleton" in note for note in motion.assumed) != named


@pytest.mark.parametrize("name", ["mediapipe33", "coco17", "ntu25"])
def test_axes_and_units_of_cameras(name):
    """x right, y down, z away from the camera, millimetres: how depth cameras and MediaPipe give it."""
    motion = read_motion(npy(estimate(name) * [1000, -1000, -1000]), fps=25)
    assert (motion.units, motion.up_axis) == ("mm", "-y")
    wrist = INDEX["left_wrist"]
    np.testing.assert_allclose(motion.joints[:, wrist, :2] * [1, 1], make_walk(40)[:, wrist, :2], atol=1e-4)


def test_feet_are_built_where_there_are_none():
    motion = read_motion(npy(estimate("coco17")), fps=25)
    ahead = motion.joints[:, INDEX["left_foot"]] - motion.joints[:, INDEX["left_ankle"]]
    assert (ahead[:, 2] > 0.05).all() and (ahead[:, 1] < 0).all()
    assert any("foot" in note for note in motion.assumed)


def test_kit_joints():
    joints = make_walk(40).astype(float) * 1000
    order = (
        "pelvis spine1 spine2 neck head left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist left_hip "
    )
    order += "left_knee left_ankle left_foot left_foot right_hip right_knee right_ankle right_foot right_foot"
    keypoints = joints[:, [INDEX[joint] for joint in order.split()]]
    motion = read_motion(npy(keypoints))
    assert (motion.fps, motion.units, motion.skeleton) == (12.5, "mm", "kit21")
    knee = INDEX["left_knee"]
    np.testing.assert_allclose(motion.joints[:, knee], joints[:, knee] / 1000, atol=1e-4)


def test_confidences_gaps_and_archives():
    keypoints = estimate("mediapipe33")
    scored = np.concatenate([keypoints, np.random.default_rng(0).uniform(0.4, 1, (40, 33, 1))], axis=2)
    motion = read_motion(npz(keypoints3d=scored, fps=50))
    assert motion.fps == 50 and any("confidence" in note for note in motion.assumed)
    gap = keypoints.copy()
    gap[10:14, 13] = np.nan  # left elbow
    gap[:, 17:23] = np.nan  # fingers, which nobody needs
    motion = read_motion(npy(gap), skeleton="mediapipe", fps=25)
    elbow = INDEX["left_elbow"]
    assert np.abs(motion.joints[10:14, elbow] - make_walk(40)[10:14, elbow]).max() < 0.05
    assert any("filled" in note for note in motion.assumed)
    gap[5:30, 13] = np.nan
    with pytest.raises(MotionFormatError, match="missing for 25 frames"):
        read_motion(npy(gap), skeleton="mediapipe33", fps=25)


def test_a_person_kept_in_the_middle_is_told():
    keypoints = estimate("mediapipe33")
    keypoints -= keypoints[:, 23:25].mean(1, keepdims=True)
    assert any("one place" in note for note in read_motion(npy(keypoints)).assumed)
    assert not any("one place" in note for note in read_motion(npy(estimate("mediapipe33"))).assumed)


def pixels(third):
    flat = estimate("coco17") * [400, -400, 0] + [600, 900, 0]
    flat[..., 2] = third
    return npy(flat)


def shuffled(name):
    return npy(estimate(name)[:, np.random.default_rng(3).permutation(LAYOUTS[name].count)])


BAD = {
    "two dimensions": (lambda: npy(estimate("coco17")[..., :2]), {}, "two"),
    "no depth": (lambda: pixels(0.0), {}, "no depth"),
    "scores for depth": (lambda: pixels(np.random.default_rng(0).uniform(0.3, 1, (40, 17))), {}, "no depth"),
    "image shares": (lambda: npy((estimate("coco17") * [0.3, -0.4, 0.3] + [0.3, 0.85, 0.1]) / [1, 1, 4]), {}, "image"),
    "shuffled 17": (lambda: shuffled("h36m17"), {}, "h36m17"),
    "shuffled 25": (lambda: shuffled("body25"), {}, "body25"),
    "unknown skeleton": (lambda: npy(estimate("coco17")), {"skeleton": "spider"}, "skeleton"),
    "wrong skeleton": (lambda: npy(estimate("coco17")), {"skeleton": "mediapipe33"}, "33 joints"),
    "wrong of equal": (lambda: npy(estimate("coco17")), {"skeleton": "h36m17"}, ""),
    "zeros": (lambda: npy(np.zeros((9, 33, 3))), {}, ""),
    "all missing": (lambda: npy(np.full((9, 33, 3), np.nan)), {}, "no number"),
    "too large": (lambda: npy(np.full((9, 33, 3), 1e20)), {}, "up to"),
    "no frames": (lambda: npy(np.zeros((0, 33, 3))), {}, "one frame"),
    "text": (lambda: npy(np.full((9, 33, 3), "a")), {}, "shape"),
    "fourth column": (lambda: npy(np.full((9, 33, 4), 7.0)), {}, "fourth"),
    "cut off": (lambda: npy(estimate("coco17"))[:-99], {}, "bytes"),
    "two arrays": (lambda: npz(a=estimate("coco17"), b=estimate("coco17")), {}, "joints"),
}


@pytest.mark.parametrize("kind", BAD)
def test_refused(kind):
    make, options, words = BAD[kind]
    with pytest.raises(MotionFormatError) as caught:
        read_motion(make(), **options)
    error = caught.value
    assert words in str(error)
    assert all((error.expected, error.got, error.where, error.remedy)) and len(str(error)) < 900


def test_a_joint_map_comes_first():
    keypoints = estimate("coco17")
    names = {
        f"{side}_{part}": pair[index]
        for part, pair in LAYOUTS["coco17"].limbs.items()
        for index, side in enumerate(("left", "right"))
    }
    motion = read_motion(npy(keypoints), joint_map=names, fps=25)
    assert (motion.format, motion.skeleton) == ("npy", "by joint map")
