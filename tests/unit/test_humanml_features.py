"""HumanML3D's 263 features: equal to the published steps, inverse to a millimetre, and sane where those give NaN."""

import importlib.util
from itertools import pairwise

import numpy as np
import pytest
from conftest import make_walk

from llamo.processing.humanml_features_llamo import (
    PARENTS,
    UNIFORM_LENGTHS,
    humanml_frame,
    humanml_to_joints,
    joints_to_humanml,
    to_uniform_skeleton,
)
from llamo.processing.motion_features_llamo import rotate_yaw


@pytest.fixture(scope="module")
def published(root):
    """The benchmark's reference: the published steps, bone by bone."""
    spec = importlib.util.spec_from_file_location("humanml_benchmark", root / "benchmarks" / "humanml_features.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def turning(num_frames=160, speed=0.9):
    """A walk whose heading turns through all directions, the backward one included."""
    walk = make_walk(num_frames).astype(float)
    return rotate_yaw(walk, speed * np.arange(num_frames) / 20.0)


@pytest.mark.parametrize("retarget", [False, True])
@pytest.mark.parametrize("num_frames", [2, 3, 61, 700])
def test_equal_to_the_published_steps(published, retarget, num_frames):
    joints = published.make_motion(num_frames, seed=num_frames) + [3.0, 0.4, -2.0]
    features = joints_to_humanml(joints, retarget=retarget)
    assert features.shape == (num_frames - 1, 263) and features.dtype == np.float32
    np.testing.assert_allclose(features, published.reference(joints, retarget), atol=1e-4)


def test_equal_to_the_published_steps_through_all_headings(published):
    joints = turning()
    np.testing.assert_allclose(joints_to_humanml(joints), published.reference(joints), atol=1e-4)


def test_inverse():
    for joints in (make_walk(90), turning(), turning(speed=-2.2)):
        back = humanml_to_joints(joints_to_humanml(joints))
        assert np.abs(back - humanml_frame(joints)[:-1]).max() < 1e-4
    # The inverse's frame is the motion itself: only moved and turned about the vertical.
    frame = humanml_frame(turning())
    np.testing.assert_allclose(
        np.linalg.norm(frame[:, 1:] - frame[:, :1], axis=-1), np.linalg.norm(turning()[:, 1:] - turning()[:, :1], axis=-1)
    )
    assert frame[..., 1].min() == 0 and np.abs(frame[0, 0, [0, 2]]).max() == 0


def test_a_wrong_sign_is_turned_back_only_where_it_is_clear():
    """The published turn changes its sign where the heading passes straight backwards; others stay as they are."""
    features = joints_to_humanml(turning())
    signs = np.sign(features[:, 0])
    assert {-1.0, 1.0} <= set(signs), "this motion passes straight backwards"
    walk = joints_to_humanml(make_walk(60))
    noisy = walk + np.random.default_rng(0).normal(0, 0.003, walk.shape)
    joints = humanml_to_joints(noisy)
    half = np.concatenate([[0.0], np.cumsum(noisy[:-1, 0].astype(float))])
    heading = rotate_yaw(joints[:, 1:2] - joints[:, :1], 2 * half)[:, 0, [0, 2]]
    np.testing.assert_allclose(heading, noisy[:, [4, 6]], atol=1e-6)


def test_columns():
    """Each part of a row is what its name says, measured from the joints."""
    joints = make_walk(80, fps=20.0, speed=1.4).astype(float)
    features, frame = joints_to_humanml(joints), humanml_frame(joints)[:-1]
    np.testing.assert_allclose(features[:, 0], 0, atol=1e-6)
    np.testing.assert_allclose(features[:, 2] * 20, 1.4, atol=1e-4)
    np.testing.assert_allclose(features[:, 3], frame[:, 0, 1], atol=1e-6)
    np.testing.assert_allclose(features[:, 4:67].reshape(-1, 21, 3)[..., 1], frame[:, 1:, 1], atol=1e-6)
    np.testing.assert_allclose(features[:, 193:259].reshape(-1, 22, 3), np.diff(humanml_frame(joints), axis=0), atol=1e-5)
    six = features[:, 67:193].reshape(-1, 21, 2, 3)
    np.testing.assert_allclose(np.linalg.norm(six, axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose((six[:, :, 0] * six[:, :, 1]).sum(-1), 0, atol=1e-5)
    step = np.diff(joints[:, [7, 10, 8, 11]], axis=0)
    np.testing.assert_array_equal(features[:, 259:], (step**2).sum(-1) < 0.002)


def test_rotations_rebuild_the_bones(published):
    """Forward kinematics with the 6D rotations and this person's bone lengths gives the joints back."""
    joints = published.make_motion(50)
    features, frame = joints_to_humanml(joints), humanml_frame(joints)[:-1]
    lengths = np.linalg.norm(joints[:-1, 1:] - joints[:-1, PARENTS[1:]], axis=-1)
    heading = np.concatenate([[0.0], np.cumsum(features[:-1, 0])])
    first, second = np.moveaxis(features[:, 67:193].reshape(-1, 21, 2, 3), 2, 0)
    local = np.stack([first, second, np.cross(first, second)], axis=-1)
    # Rotations count from the published root quaternion, which turns the heading *to* +Z; in the first frame it turns what
    # is seen there by `first_turn`.
    across = frame[0, 2] - frame[0, 1] + frame[0, 17] - frame[0, 16]
    first_turn = np.arctan2(across[2], -across[0])
    for chain in published.CHAINS:
        world = None
        for before, joint in pairwise(chain):
            world = local[:, joint - 1] if world is None else world @ local[:, joint - 1]
            bone = world @ published.AXES[joint]
            seen = rotate_yaw((frame[:, joint] - frame[:, before])[:, None], -2 * (heading + first_turn))[:, 0]
            np.testing.assert_allclose(bone, seen / lengths[:, joint - 1, None], atol=1e-4)


def test_uniform_skeleton():
    joints = make_walk(40).astype(float) * 1.2
    uniform = to_uniform_skeleton(joints)
    bones = uniform[:, 1:] - uniform[:, PARENTS[1:]]
    np.testing.assert_allclose(np.linalg.norm(bones, axis=-1), np.tile(UNIFORM_LENGTHS[1:], (40, 1)), atol=1e-9)
    own = joints[:, 1:] - joints[:, PARENTS[1:]]
    np.testing.assert_allclose(
        bones / np.linalg.norm(bones, axis=-1, keepdims=True), own / np.linalg.norm(own, axis=-1, keepdims=True), atol=1e-9
    )


def test_poses_that_give_nan_there():
    """Bones straight against their axis, a body that faces straight backwards, and bones without a length."""
    joints = make_walk(30).astype(float)
    backwards = rotate_yaw(joints, np.pi)
    against = joints.copy()
    for joint, parent in ((4, 1), (10, 7), (16, 13)):
        direction = [0, 1, 0] if joint != 10 else [0, 0, -1]
        against[:, joint] = against[:, parent] + np.multiply(direction, 0.3)
    pointlike = joints.copy()
    pointlike[:, 3] = pointlike[:, 0]
    for motion in (backwards, against, pointlike):
        features = joints_to_humanml(motion)
        assert np.isfinite(features).all()
        np.testing.assert_allclose(np.linalg.norm(features[:, 67:193].reshape(-1, 42, 3), axis=-1), 1, atol=1e-4)
        assert np.abs(humanml_to_joints(features) - humanml_frame(motion)[:-1]).max() < 1e-3


def test_callers_mistakes():
    for bad, words in (
        (np.zeros((9, 21, 3)), "22"),
        (np.zeros((1, 22, 3)), "2 frames"),
        (np.full((9, 22, 3), np.nan), "finite"),
        (np.full((9, 22, 3), "a"), "shape"),
    ):
        with pytest.raises(ValueError, match=words):
            joints_to_humanml(bad)
