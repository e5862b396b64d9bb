"""Motions as a video estimator sees them: its skeleton, its floor, errors of its size, and still the same action."""

import numpy as np

from llamo.processing.kinematics_llamo import measure_motion
from llamo.processing.motion_features_llamo import canonicalise
from llamo.processing.pose_lifting_llamo import LENGTHS, PARENTS
from llamo.train.estimator_noise import as_estimated, landmarks_of, turn_about
from llamo.train.synthesis.engine import synthesize


def squats(seed: int) -> np.ndarray:
    return synthesize(np.random.default_rng(seed), actions=["squat"], count=4).joints.astype(np.float64)


def test_everybody_has_the_skeleton_of_the_estimator_and_stands_on_the_floor():
    for seed in range(6):
        seen = as_estimated(squats(seed), np.random.default_rng(seed))
        lengths = np.linalg.norm(seen[:, 1:] - seen[:, list(PARENTS[1:])], axis=-1)
        # The pelvis hangs at the middle of the hips.
        limbs = [joint - 1 for joint in range(4, 22) if joint not in (6, 9, 12, 13, 14)]
        assert np.allclose(lengths[:, limbs], np.array(LENGTHS)[1:][limbs], atol=1e-6)
        assert abs(np.percentile(seen[..., 1].min(1), 5)) < 0.05


def test_errors_are_those_of_the_estimator():
    errors = []
    for seed in range(24):
        joints = squats(seed)
        seen, true = (canonicalise(one, 20.0) for one in (as_estimated(joints, np.random.default_rng(seed)), joints))
        errors.append(np.linalg.norm((seen - seen[:, :1]) - (true - true[:, :1]), axis=-1).mean())
    assert 0.05 < np.median(errors) < 0.13
    assert max(errors) < 0.3


def test_repetitions_stay_to_be_counted():
    counts = [measure_motion(as_estimated(squats(seed), np.random.default_rng(seed)), 20.0) for seed in range(8)]
    right = [one["repetitions"]["count"] == 4 for one in counts]
    assert np.mean(right) >= 0.7


def test_landmarks_keep_left_and_right_and_the_direction_of_the_face():
    joints = squats(1)
    joints = turn_about(joints, np.array([0.0, 1.0, 0.0]), 0.0)
    marks = landmarks_of(joints)
    assert np.allclose(marks[:, 15], joints[:, 20]) and np.allclose(marks[:, 28], joints[:, 8])
    assert (marks[0, 7] - marks[0, 8]) @ (joints[0, 16] - joints[0, 17]) > 0
    assert marks[0, 0, 2] > marks[0, [7, 8], 2].mean()  # the first frame faces +Z


def test_the_same_seed_gives_the_same_video():
    first, second = (as_estimated(squats(2), np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(first, second)
