"""Pull-ups, rows, windmills, bounds and stretches do what their names say, at the moments that their truth tells."""

import numpy as np
import pytest

from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.context import FPS
from llamo.train.synthesis.engine import synthesize
from llamo.train.synthesis.gym import PROGRAMS


PELVIS, NECK, HEAD = 0, 12, 15
HIPS, KNEES, ANKLES, TOES = [1, 2], [4, 5], [7, 8], [10, 11]
SHOULDERS, ELBOWS, WRISTS = [16, 17], [18, 19], [20, 21]


def clip(action, seed, **options):
    if ACTIONS[action].countable:
        options.setdefault("count", 4)
    motion = synthesize(np.random.default_rng(seed), actions=[action], **options)
    return motion.joints.astype(float), motion.segments[0]


def at_events(series, segment, shift=0.0):
    return np.array([series[min(int(round((event + shift) * FPS)), len(series) - 1)] for event in segment.event_times])


def between(series, segment):
    """`series` half way from each event to the next."""
    moments = 0.5 * (np.array(segment.event_times[1:]) + np.array(segment.event_times[:-1]))
    return series[np.round(moments * FPS).astype(int)]


def angle(joints, first, middle, last):
    """(T, 2) degrees at a left and a right joint."""
    one, two = joints[:, first] - joints[:, middle], joints[:, last] - joints[:, middle]
    cosine = (one * two).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(two, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def lean(joints):
    trunk = joints[:, NECK] - joints[:, PELVIS]
    return np.degrees(np.arctan2(np.hypot(trunk[:, 0], trunk[:, 2]), trunk[:, 1]))


@pytest.mark.parametrize("action", [key for key in PROGRAMS if ACTIONS[key].countable])
@pytest.mark.parametrize("speed", ["slow", "fast"])
def test_what_is_counted_has_its_moments_and_nobody_is_too_fast(action, speed):
    joints, segment = clip(action, 5, speed=speed)
    assert segment.count == 4 == len(segment.event_times)
    assert (np.diff(segment.event_times) > 0.4).all()
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * FPS < 10.5
    assert joints[..., 1].min() > -0.01


@pytest.mark.parametrize("seed", range(3))
def test_pull_ups_bring_the_chin_to_the_bar_and_the_hands_stay_there(seed):
    joints, segment = clip("pull_up", seed)
    over = joints[:, HEAD, 1] - joints[:, WRISTS, 1].mean(1)  # the ears lie above the chin
    assert at_events(over, segment).min() > 0.0 and between(over, segment).max() < -0.1
    hangs = joints[int(segment.start * FPS) + 2 : int(segment.end * FPS) - 1]
    assert np.ptp(hangs[:, WRISTS], axis=0).max() < 0.09
    assert hangs[:, TOES, 1].min() > 0.03


@pytest.mark.parametrize("side", ["left", "right", "both"])
def test_front_raises_lift_straight_arms_ahead(side):
    joints, segment = clip("front_raise", 3, side=side)
    rise = at_events(joints[:, WRISTS, 1] - joints[:, SHOULDERS, 1], segment)
    raised = rise.max(1) if side == "both" else rise[:, 0 if side == "left" else 1]
    assert raised.min() > -0.25
    assert at_events(angle(joints, SHOULDERS, ELBOWS, WRISTS), segment).max() > 140
    ahead = joints[:, WRISTS, 2] - joints[:, [PELVIS], 2]
    assert (at_events(ahead, segment).max(1) > 0.3).all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("side", ["left", "right", "both"])
def test_rows_pull_the_elbows_up_over_a_bent_trunk(seed, side):
    joints, segment = clip("bent_over_row", seed, side=side)
    mine = {"left": [0], "right": [1], "both": [0, 1]}[side]
    assert at_events(lean(joints), segment).min() > 25
    height = joints[:, ELBOWS, 1] - joints[:, SHOULDERS, 1]
    assert (at_events(height, segment)[:, mine] > between(height, segment)[:, mine].max(0) + 0.06).all()
    bent = angle(joints, SHOULDERS, ELBOWS, WRISTS)[:, mine]
    assert at_events(bent, segment).max() < 140 < between(bent, segment).max()


@pytest.mark.parametrize("seed", range(3))
def test_only_the_forearms_extend(seed):
    joints, segment = clip("triceps_extension", seed, side="both")
    bent = angle(joints, SHOULDERS, ELBOWS, WRISTS)
    assert at_events(bent, segment).min() > 140
    assert np.median(between(bent, segment)) < 135
    upper = joints[:, ELBOWS] - joints[:, SHOULDERS]
    assert np.linalg.norm(at_events(upper, segment)[:-1] - between(upper, segment), axis=-1).max() < 0.2


@pytest.mark.parametrize("seed", range(4))
def test_windmills_bring_each_hand_to_the_opposite_foot_in_turn(seed):
    joints, segment = clip("windmill", seed)
    crossed = np.linalg.norm(joints[:, WRISTS] - joints[:, ANKLES[::-1]], axis=-1)
    near = at_events(crossed, segment)
    assert near.min(1).max() < 0.5 and (near.max(1) > 0.9).all()
    assert (np.diff(near.argmin(1)) != 0).all(), "in turn"
    assert (at_events(joints[:, WRISTS, 1].max(1) - joints[:, SHOULDERS, 1].max(1), segment) > -0.1).all(), "the other is up"


@pytest.mark.parametrize("seed", range(3))
def test_good_mornings_bend_the_hips_not_the_knees(seed):
    joints, segment = clip("good_morning", seed)
    assert at_events(lean(joints), segment).min() > 32 > between(lean(joints), segment).min()
    assert at_events(angle(joints, HIPS, KNEES, ANKLES), segment).min() > 130


@pytest.mark.parametrize("seed", range(3))
def test_skaters_land_on_the_other_foot_every_time(seed):
    joints, segment = clip("skater_jump", seed)
    lower = at_events(joints[:, TOES, 1], segment, 0.1).argmin(1)
    assert (np.diff(lower) != 0).all()
    across = at_events(joints[:, PELVIS], segment, 0.1)
    assert np.linalg.norm(np.diff(across[:, [0, 2]], axis=0), axis=1).min() > 0.2
    assert (at_events(joints[:, TOES, 1].min(1), segment, -0.12) > 0.03).all(), "both feet are in the air before"


@pytest.mark.parametrize("seed", range(3))
def test_lunge_jumps_switch_the_legs_in_the_air(seed):
    joints, segment = clip("jump_lunge", seed)
    assert at_events(joints[:, TOES, 1].min(1), segment).min() > 0.04
    apart = joints[:, ANKLES[0], 2] - joints[:, ANKLES[1], 2]
    before, after = at_events(apart, segment, -0.3), at_events(apart, segment, 0.3)
    assert (before * after < 0).all() and np.abs(after).min() > 0.3


@pytest.mark.parametrize("seed", range(3))
def test_flies_close_the_arms_in_front_of_the_chest(seed):
    joints, segment = clip("chest_fly", seed)
    apart = np.linalg.norm(joints[:, ELBOWS[0]] - joints[:, ELBOWS[1]], axis=-1)
    assert at_events(apart, segment).max() + 0.15 < between(apart, segment).min()


def test_arms_swing():
    for seed in range(3):
        joints, segment = clip("arm_swings", seed)
        straight = angle(joints, SHOULDERS, ELBOWS, WRISTS)
        assert np.median(straight) > 140
        way = np.linalg.norm(at_events(joints[:, WRISTS], segment)[:-1] - between(joints[:, WRISTS], segment), axis=-1)
        assert way.max(1).min() > 0.3


def test_necks_are_bent_while_the_trunk_stays():
    for seed in range(4):
        joints, _ = clip("neck_stretch", seed)
        assert lean(joints).max() < 25
        neck = joints[:, HEAD] - joints[:, NECK]
        across = joints[:, SHOULDERS[0]] - joints[:, SHOULDERS[1]]
        assert np.ptp(neck, axis=0).max() > 0.03 and np.ptp(across, axis=0).max() < 0.3


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_ankle_is_held_behind_the_seat(side):
    mine = 0 if side == "left" else 1
    for seed in range(4):
        joints, segment = clip("quad_stretch", seed, side=side)
        middle = joints[int(0.5 * (segment.start + segment.end) * FPS)]
        assert (
            angle(middle[None], HIPS, KNEES, ANKLES)[0, mine] < 65 < 140 < angle(middle[None], HIPS, KNEES, ANKLES)[0, 1 - mine]
        )
        assert middle[KNEES[mine], 1] < middle[HIPS[mine], 1] - 0.25, "the knee points down"
        assert np.linalg.norm(middle[WRISTS] - middle[ANKLES[mine]], axis=-1).min() < 0.25
