"""SMPL's parameters under the keys of its family, against scipy's rotations."""

import numpy as np
import pytest
from motion_samples import npz, smpl_arrays
from scipy.spatial.transform import Rotation

from llamo.processing.motion_formats_llamo import MotionFormatError, read_motion
from llamo.processing.smpl_body_llamo import PARENTS, rest_offsets
from llamo.train.synthesis.body import _template


def truth(poses, trans):
    """`(num_frames, 22, 3)` by scipy, in the file's axes."""
    offsets, poses = rest_offsets(), poses.reshape(len(poses), -1, 3)
    turned, joints = [Rotation.from_rotvec(poses[:, 0])], [trans + offsets[0]]
    for joint, parent in enumerate(PARENTS[1:], 1):
        joints.append(joints[parent] + turned[parent].apply(offsets[joint]))
        turned.append(turned[parent] * Rotation.from_rotvec(poses[:, joint]))
    return np.stack(joints, axis=1)


def y_up(joints):
    return np.stack([joints[..., 0], joints[..., 2], -joints[..., 1]], axis=-1)


@pytest.mark.parametrize(("num_joints", "kind"), [(22, "SMPL"), (24, "SMPL"), (52, "SMPL-H"), (55, "SMPL-X")])
@pytest.mark.parametrize("z_up", [True, False])
def test_poses(num_joints, kind, z_up):
    arrays = smpl_arrays(num_joints=num_joints, z_up=z_up)
    motion = read_motion(npz(**arrays, mocap_framerate=np.float64(120), betas=np.zeros(16), gender=np.array("female")))
    expected = truth(**arrays)
    np.testing.assert_allclose(motion.joints, y_up(expected) if z_up else expected, atol=1e-5)
    assert (motion.format, motion.fps, motion.units, motion.up_axis) == ("smpl", 120, "m", "+z" if z_up else "+y")
    assert motion.skeleton == f"{kind} (AMASS)" and motion.source_joints == num_joints
    assert any("betas and gender" in note for note in motion.assumed)


def variants(arrays):
    poses, trans = arrays["poses"], arrays["trans"]
    split = {"root_orient": poses[:, :3], "pose_body": poses[:, 3:66], "trans": trans}
    matrices = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(len(poses), -1, 3, 3)
    return {
        "SMPL-X of AMASS": {**split, "pose_hand": poses[:, 66:156], "mocap_frame_rate": 60.0},
        "smplx": {"global_orient": poses[:, :3], "body_pose": poses[:, 3:66], "transl": trans, "fps": 60},
        "SMPL": {
            "global_orient": poses[:, None, :3],
            "body_pose": poses[:, 3:72].reshape(-1, 23, 3),
            "transl": trans,
            "fps": 60,
        },
        "AIST++": {"smpl_poses": poses[:, :72], "smpl_trans": trans * 93.8, "smpl_scaling": np.array([93.8]), "fps": 60},
        "matrices": {"global_orient": matrices[:, :1], "body_pose": matrices[:, 1:22], "transl": trans, "fps": 60},
        "matrix of the root": {"global_orient": matrices[:, 0], "body_pose": matrices[:, 1:22], "transl": trans, "fps": 60},
        "joints apart": {"poses": poses.reshape(-1, 52, 3), "trans": trans, "fps": 60},
    }


@pytest.mark.parametrize("variant", list(variants(smpl_arrays(2))))
def test_variants(variant):
    arrays = smpl_arrays(z_up=False)
    motion = read_motion(npz(**variants(arrays)[variant]), up_axis="y")
    np.testing.assert_allclose(motion.joints, truth(**arrays), atol=1e-5)
    assert motion.fps == 60 and motion.format == "smpl"


def test_motion_x():
    import io

    arrays = smpl_arrays(z_up=False)
    table = np.zeros((20, 322), dtype=np.float32)
    table[:, :66], table[:, 309:312] = arrays["poses"][:, :66], arrays["trans"]
    stream = io.BytesIO()
    np.save(stream, table)
    motion = read_motion(stream.getvalue())
    np.testing.assert_allclose(motion.joints, truth(**arrays), atol=1e-5)
    assert "Motion-X" in motion.skeleton and any("30 frames per second" in note for note in motion.assumed)


def test_own_joints_come_first_and_a_missing_trans_is_said():
    arrays = smpl_arrays(z_up=False)
    joints = truth(**arrays) * 1.05
    assert read_motion(npz(**arrays, joints=joints, fps=20)).format == "npz"
    motion = read_motion(npz(poses=arrays["poses"]))
    assert any("no trans" in note for note in motion.assumed)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trans": np.zeros((7, 3))}, "trans"),
        ({"poses": np.full((20, 156), np.nan)}, "finite rotation"),
        ({"trans": np.full((20, 3), np.inf)}, "finite translation"),
        ({"poses": np.full((20, 156), 1e9)}, "finite rotation"),
        ({"poses": np.zeros((20, 156), dtype=complex)}, "numbers"),
        ({"poses": np.zeros((0, 156)), "trans": np.zeros((0, 3))}, "at least one frame"),
        ({"poses": np.zeros((20, 132))}, "joints"),
        ({"fps": -3}, "frames per second"),
    ],
)
def test_refused(change, words):
    with pytest.raises(MotionFormatError, match=words):
        read_motion(npz(**{**smpl_arrays(), **change}))
    with pytest.raises(MotionFormatError, match="at most 9 frames"):
        read_motion(npz(**smpl_arrays()), max_frames=9)


def test_the_mean_body_is_the_templates():
    """The table's source: bone lengths of the procedural bodies' template."""
    template = np.linalg.norm(_template("smpl"), axis=-1)
    table = np.linalg.norm(rest_offsets(), axis=-1)
    np.testing.assert_allclose(table[1:], template[1:], atol=0.012)
    rest = rest_offsets()
    np.testing.assert_allclose(rest[[1, 4, 7, 16]] * (-1, 1, 1), rest[[2, 5, 8, 17]])
