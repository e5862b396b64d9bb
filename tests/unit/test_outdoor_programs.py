"""Fencing, skiing, skating, boats, bicycles, run-ups, hurdles and crawls do what their names say."""

import numpy as np
import pytest

from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.context import FPS
from llamo.train.synthesis.engine import ALONE, synthesize
from llamo.train.synthesis.outdoor import PROGRAMS


PELVIS, NECK, HEAD, RIGHT_SHOULDER, LEFT_WRIST, RIGHT_WRIST = 0, 12, 15, 17, 20, 21
HIPS, KNEES, ANKLES, TOES, SHOULDERS, WRISTS = [1, 2], [4, 5], [7, 8], [10, 11], [16, 17], [20, 21]


def clip(action, seed, **options):
    if ACTIONS[action].countable:
        options.setdefault("count", 3)
    if "right" in ACTIONS[action].sides:
        options.setdefault("side", "right")
    motion = synthesize(np.random.default_rng(seed), actions=[action], **options)
    return motion.joints.astype(float), motion.segments[0]


def frame(event):
    return int(round(event * FPS))


def inside(series, segment, margin=0.9):
    return series[int((segment.start + margin) * FPS) : int((segment.end - margin) * FPS)]


@pytest.mark.parametrize("action", sorted(PROGRAMS))
def test_every_program_is_sound(action):
    for seed, speed in enumerate(("slow", "normal", "fast")):
        side = ACTIONS[action].sides[seed % 2] if ACTIONS[action].sides else None
        joints, segment = clip(action, seed, speed=speed, side=side)
        assert np.isfinite(joints).all() and joints[..., 1].min() > 0
        assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * FPS < 15, speed
        if ACTIONS[action].countable:
            assert len(segment.event_times) == 3


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("side", ["left", "right"])
def test_fencers_thrust_the_sword_arm_forward(side, seed):
    joints, segment = clip("fence", seed, side=side)
    sword, other = (LEFT_WRIST, RIGHT_WRIST) if side == "left" else (RIGHT_WRIST, LEFT_WRIST)
    for event in segment.event_times:
        pose = joints[frame(event)]
        assert pose[sword, 2] > pose[PELVIS, 2] + 0.45, "ahead"
        assert pose[sword, 2] > pose[other, 2] + 0.3
        assert abs(pose[sword, 1] - pose[SHOULDERS, 1].mean()) < 0.3, "level"


@pytest.mark.parametrize("seed", range(3))
def test_balanced_sports_bend_the_knees_over_still_feet(seed):
    for action in ("ski", "surf", "tug"):
        joints, segment = clip(action, seed)
        assert inside(joints[:, PELVIS, 1], segment).min() < joints[0, PELVIS, 1] - 0.05, action
        toes = inside(joints[:, TOES], segment, 1.2)
        assert np.ptp(toes[..., [0, 2]], axis=0).max() < 0.05, action
    assert (np.abs(inside(joints[:, WRISTS, 1] - joints[:, [PELVIS], 1], segment)) < 0.6).all()


@pytest.mark.parametrize("seed", range(3))
def test_skaters_glide_and_push_to_both_sides(seed):
    joints, segment = clip("skate", seed)
    speed = inside(np.diff(joints[:, PELVIS, 2]) * FPS, segment, 1.5)
    assert speed.min() > 0.8, "ever forward"
    apart = inside(joints[:, TOES, 0] - joints[:, [PELVIS], 0], segment)
    assert apart[:, 0].max() > 0.25 and apart[:, 1].min() < -0.25


@pytest.mark.parametrize("seed", range(3))
def test_paddles_dip_in_turn(seed):
    joints, segment = clip("paddle", seed, count=5)
    lower = np.array([np.argmin(joints[frame(event), WRISTS, 1]) for event in segment.event_times])
    assert (np.diff(lower) != 0).all()
    assert joints[:, PELVIS, 1].max() < 0.75, "seated"


@pytest.mark.parametrize("seed", range(3))
def test_cyclists_turn_their_legs_with_still_hands(seed):
    joints, _ = clip("pedal", seed)
    height = joints[:, TOES, 1] - joints[:, TOES, 1].mean(0)
    assert np.corrcoef(height.T)[0, 1] < -0.8, "one foot up, the other down"
    assert np.ptp(joints[:, WRISTS], axis=0).max() < 0.08
    assert joints[:, PELVIS, 1].min() > 0.7
    assert "pedal" in ALONE


@pytest.mark.parametrize("action", ["pitch", "javelin"])
@pytest.mark.parametrize("seed", range(3))
def test_throwers_release_over_arm_in_front(action, seed):
    joints, segment = clip(action, seed, speed="normal")
    for event in segment.event_times:
        at = frame(event)
        pose = joints[at]
        assert pose[RIGHT_WRIST, 1] > pose[RIGHT_SHOULDER, 1] - 0.12
        assert pose[RIGHT_WRIST, 2] > pose[PELVIS, 2]
        before = joints[max(0, at - 12) : at - 2]
        assert (before[:, RIGHT_WRIST, 2] < before[:, RIGHT_SHOULDER, 2] - 0.1).any(), "drawn back before"
        assert np.abs(pose[TOES[0], 2] - pose[TOES[1], 2]) > 0.3, "in a stride"
    if action == "pitch":
        knee = joints[: frame(segment.event_times[0]), KNEES[0], 1]
        assert knee.max() > joints[0, KNEES[0], 1] + 0.15, "the left knee is lifted first"
    else:
        assert joints[frame(segment.event_times[0]), PELVIS, 2] - joints[0, PELVIS, 2] > 1.0, "after a run-up"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("side", ["left", "right"])
def test_hurdlers_fly_with_the_leading_leg_ahead(side, seed):
    joints, segment = clip("hurdle", seed, side=side)
    lead, trail = (0, 1) if side == "left" else (1, 0)
    way = [joints[frame(event), PELVIS, 2] for event in segment.event_times]
    assert (np.diff(way) > 1.2).all()
    for event in segment.event_times:
        ankles = joints[frame(event), ANKLES]
        assert ankles[:, 1].min() > 0.25, "both feet are off the floor"
        assert ankles[lead, 2] > ankles[trail, 2] + 0.2


@pytest.mark.parametrize("seed", range(4))
def test_headers_strike_with_the_head(seed):
    joints, segment = clip("header", seed)
    ahead = joints[:, HEAD, 2] - joints[:, PELVIS, 2]
    for event in segment.event_times:
        at = frame(event)
        assert ahead[at : at + 3].max() > ahead[at - 7 : at].min() + 0.06


@pytest.mark.parametrize("seed", range(3))
def test_crawlers_are_on_hands_and_feet(seed):
    for action in ("bear_crawl", "crab_walk"):
        joints, segment = clip(action, seed)
        assert joints[:, KNEES, 1].min() > 0.12, "the knees are off the floor"
        assert joints[:, WRISTS, 1].max() < 0.25
        way = joints[-1, PELVIS, 2] - joints[0, PELVIS, 2]
        assert way < -0.3 if segment.direction == "backward" else way > 0.3
        facing = joints[:, SHOULDERS].mean(1) - joints[:, PELVIS]
        if action == "bear_crawl":
            assert (joints[:, PELVIS, 1] > joints[:, NECK, 1]).all() and (facing[:, 2] > 0.2).all()
        else:
            assert (joints[:, KNEES, 1] > joints[:, [PELVIS], 1] - 0.05).mean() > 0.9 and (facing[:, 2] < -0.2).all()


@pytest.mark.parametrize("seed", range(3))
def test_grapevine_crosses_the_feet_behind_and_in_front(seed):
    joints, segment = clip("grapevine", seed)
    sign = 1 if segment.direction == "left" else -1
    assert sign * (joints[-1, PELVIS, 0] - joints[0, PELVIS, 0]) > 0.5
    crossed = joints[:, ANKLES[0], 0] < joints[:, ANKLES[1], 0]
    between = (joints[:, ANKLES[1], 2] - joints[:, ANKLES[0], 2]) * sign
    assert between[crossed].max() > 0.05 and between[crossed].min() < -0.05
