"""Arms of one motion on the legs of another: what is lent arrives, what is asked stays true."""

from functools import cache

import numpy as np
import pytest

from llamo.train.asked_motions import Job, ask_procedural, do_job
from llamo.train.labelled_motion import action_vocabulary
from llamo.train.part_mixing import LEGS, TRUNK_AND_ARMS, PartDonors, leg_length, mix_parts, standing, upright
from llamo.train.recorded import RecordedClip
from llamo.train.synthesis.engine import synthesize


ARMS = {"left": (16, 18, 20), "right": (17, 19, 21)}


@cache
def motion_of(key, seed=0):
    return synthesize(np.random.default_rng(seed), actions=[key])


def recorded(key, joints, **more):
    return RecordedClip(key, "train", joints.astype(np.float32), 20.0, key, (), (key,), True, **more)


def angles(joints, chain):
    """Angle between upper arm and forearm, `(num_frames,)`."""
    upper, lower = joints[:, chain[1]] - joints[:, chain[0]], joints[:, chain[2]] - joints[:, chain[1]]
    return np.arccos(np.clip((upper * lower).sum(-1) / np.linalg.norm(upper, axis=-1) / np.linalg.norm(lower, axis=-1), -1, 1))


def test_arms_bend_as_lent_and_legs_walk_as_they_did():
    waving, walking = motion_of("wave").joints, motion_of("walk").joints
    frames = min(len(waving), len(walking))
    waving, walking = waving[:frames], walking[:frames] * 1.3
    mixed = mix_parts(waving, walking)
    np.testing.assert_array_equal(mixed[:, LEGS], walking[:, LEGS].astype(np.float64))
    for chain in ARMS.values():
        np.testing.assert_allclose(angles(mixed, chain), angles(waving.astype(np.float64), chain), atol=1e-4)
    bone = lambda joints: np.linalg.norm(joints[:, 18] - joints[:, 16], axis=-1).mean()  # noqa: E731
    assert bone(mixed) / bone(waving) == pytest.approx(leg_length(walking) / leg_length(waving), rel=1e-4)
    # The trunk stands on the legs as their own did.
    own, lent = (joints[:, 9] - joints[:, 0] for joints in (walking, mixed))
    np.testing.assert_allclose(
        own / np.linalg.norm(own, axis=-1, keepdims=True), lent / np.linalg.norm(lent, axis=-1, keepdims=True), atol=1e-5
    )


def test_a_motion_mixed_with_itself_is_itself():
    joints = motion_of("squat").joints
    np.testing.assert_allclose(mix_parts(joints, joints), joints, atol=1e-5)


def test_two_lengths_are_refused():
    with pytest.raises(ValueError, match="Expected two motions of one length"):
        mix_parts(np.zeros((4, 22, 3)), np.zeros((5, 22, 3)))


@pytest.fixture(scope="module")
def donors():
    standing_dance = np.concatenate([motion_of("talk", seed).joints for seed in range(4)])  # low feet, going nowhere
    walks = np.concatenate([motion_of("walk", seed).joints for seed in range(4)])
    return PartDonors(
        [recorded("dance", standing_dance), recorded("walk", walks), recorded("crawl", motion_of("crawl").joints)]
    )


def test_gestures_get_legs_and_gaits_get_arms(donors):
    rng = np.random.default_rng(1)
    gesture, gait = motion_of("clap"), motion_of("run")
    on_legs, under_arms = donors.mix(gesture, rng), donors.mix(gait, rng)
    assert np.abs(on_legs.joints[:, LEGS] - gesture.joints[:, LEGS]).max() > 0.01
    for chain in ARMS.values():
        np.testing.assert_allclose(angles(on_legs.joints, chain), angles(gesture.joints, chain), atol=2e-3)
    np.testing.assert_allclose(under_arms.joints[:, LEGS], gait.joints[:, LEGS], atol=1e-5)
    assert np.abs(under_arms.joints[:, TRUNK_AND_ARMS] - gait.joints[:, TRUNK_AND_ARMS]).max() > 0.05
    assert on_legs.segments == gesture.segments and on_legs.joints.dtype == np.float32


@pytest.mark.parametrize("actions", (["push_up"], ["wave", "squat"], ["cartwheel"]))
def test_what_needs_the_whole_body_is_left_alone(donors, actions):
    motion = synthesize(np.random.default_rng(3), actions=actions)
    assert donors.mix(motion, np.random.default_rng(0)) is motion


def test_faults_of_form_are_left_alone(donors):
    motion = synthesize(np.random.default_rng(3), actions=["squat"], fault="shallow")
    assert donors.mix(motion, np.random.default_rng(0)) is motion


def test_who_cannot_lend():
    clips = [recorded("walk", motion_of("walk").joints, approximate=True), recorded("crawl", motion_of("crawl").joints)]
    donors = PartDonors(clips)
    assert donors.legs == donors.arms == []
    assert donors.mix(motion_of("wave"), np.random.default_rng(0)) is motion_of("wave")
    assert not upright(motion_of("lie").joints).any()
    walk = motion_of("walk", 1).joints
    assert standing(motion_of("talk").joints).all() and standing(walk).mean() < 0.7


def test_questions_about_a_mixed_motion_are_asked(donors):
    rng = np.random.default_rng(5)
    asked = ask_procedural(donors.mix(motion_of("wave"), rng), action_vocabulary(), rng)
    assert asked.questions and asked.program["actions"][0]["action"] == "wave"


def test_jobs_without_lenders_are_as_before():
    job = Job(seed=3, num=2, actions=tuple(action_vocabulary()))
    first, again = do_job(job), do_job(job)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.joints, other.joints)
