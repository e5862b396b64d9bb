"""Hands that think, photograph, pray, embrace or block are where the name of the action says."""

from pathlib import Path

import numpy as np
import pytest

from llamo.train.synthesis.action_list import action_page
from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.context import FPS
from llamo.train.synthesis.engine import PROGRAMS, synthesize


HEAD, CHEST, LEFT_WRIST, RIGHT_WRIST = 15, 9, 20, 21


def clip(action, seed, **options):
    if ACTIONS[action].countable:
        options.setdefault("count", 3)
    motion = synthesize(np.random.default_rng(seed), actions=[action], **options)
    return motion.joints.astype(float), motion.segments[0]


def test_every_action_of_the_catalogue_has_a_program():
    assert set(PROGRAMS) == set(ACTIONS)


@pytest.mark.parametrize("action", ["think", "cough", "look_far"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_one_hand_comes_to_the_head(action, side):
    mine, other = (LEFT_WRIST, RIGHT_WRIST) if side == "left" else (RIGHT_WRIST, LEFT_WRIST)
    for seed in range(3):
        joints, _ = clip(action, seed, side=side)
        away = np.linalg.norm(joints[:, [mine, other]] - joints[:, [HEAD]], axis=-1)
        assert away[:, 0].min() < 0.3 < away[:, 1].min() + 0.1, (action, seed)
        assert away[:, 0].min() < away[:, 1].min()


@pytest.mark.parametrize("action", ["take_photo", "cover_ears"])
def test_both_hands_come_to_the_head(action):
    for seed in range(3):
        joints, _ = clip(action, seed)
        away = np.linalg.norm(joints[:, [LEFT_WRIST, RIGHT_WRIST]] - joints[:, [HEAD]], axis=-1)
        assert (away.min(0) < 0.5).all()


@pytest.mark.parametrize("action", ["pray", "rub_hands"])
def test_palms_meet(action):
    for seed in range(3):
        joints, segment = clip(action, seed)
        apart = np.linalg.norm(joints[:, LEFT_WRIST] - joints[:, RIGHT_WRIST], axis=-1)
        assert np.median(apart[int((segment.start + 1) * FPS) : int((segment.end - 1) * FPS)]) < 0.17


def test_arms_close_around_somebody():
    for seed in range(3):
        joints, _ = clip("hug", seed)
        apart = np.linalg.norm(joints[:, LEFT_WRIST] - joints[:, RIGHT_WRIST], axis=-1)
        assert apart.max() > 0.6 and apart.min() < 0.4


@pytest.mark.parametrize(
    "action", ["elbow_strike", "knee_strike", "block", "duck", "dig", "chop", "cast", "backhand", "volley"]
)
@pytest.mark.parametrize("seed", range(2))
def test_what_is_counted_has_its_moments(action, seed):
    joints, segment = clip(action, seed)
    assert segment.count == 3 == len(segment.event_times)
    assert (np.diff(segment.event_times) > 0.3).all()
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * FPS < 16, "no arm is faster than that of a player"


def test_a_knee_strike_brings_up_the_knee_and_an_elbow_strike_the_elbow():
    for seed in range(3):
        joints, segment = clip("knee_strike", seed, side="right")
        knee = joints[:, 5, 1] - joints[:, 2, 1]
        assert max(knee[int(event * FPS) + shift] for event in segment.event_times for shift in (-1, 0, 1)) > -0.13
        joints, segment = clip("elbow_strike", seed, side="left")
        bent = np.linalg.norm(joints[:, LEFT_WRIST] - joints[:, 16], axis=-1)
        assert bent.min() < 0.36, "the arm is bent"


def test_ducking_lowers_the_head():
    for seed in range(3):
        joints, segment = clip("duck", seed)
        heights = [joints[int(event * FPS), HEAD, 1] for event in segment.event_times]
        assert max(heights) < joints[0, HEAD, 1] - 0.2


def test_the_page_of_actions_is_what_its_command_prints():
    page = Path(__file__).parents[2] / "docs" / "actions.md"
    assert page.read_text() == action_page(), "python -m llamo.train.synthesis.action_list > docs/actions.md"
