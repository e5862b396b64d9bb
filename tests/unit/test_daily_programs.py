"""Hands that type, knock, pour, steer, iron or put something on are where the name of the action says, and when."""

import numpy as np
import pytest

from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.context import FPS
from llamo.train.synthesis.daily import PROGRAMS
from llamo.train.synthesis.engine import synthesize


PELVIS, CHEST, HEAD, LEFT_WRIST, RIGHT_WRIST = 0, 9, 15, 20, 21
KNEES, ANKLES, SHOULDERS, WRISTS = [4, 5], [7, 8], [16, 17], [20, 21]


def clip(action, seed, **options):
    if ACTIONS[action].countable:
        options.setdefault("count", 3)
    motion = synthesize(np.random.default_rng(seed), actions=[action], **options)
    return motion.joints.astype(float), motion.segments[0]


def inside(series, segment, margin=1.2):
    return series[int((segment.start + margin) * FPS) : int((segment.end - margin) * FPS)]


def at_events(series, segment):
    return np.array([series[min(int(round(event * FPS)), len(series) - 1)] for event in segment.event_times])


def apart(joints, one, other):
    return np.linalg.norm(joints[:, one] - joints[:, other], axis=-1)


@pytest.mark.parametrize("action", PROGRAMS)
def test_people_stay_on_the_floor_and_are_no_faster_than_people(action):
    for seed, speed in enumerate(("slow", "normal", "fast")):
        joints, _ = clip(action, seed, speed=speed)
        assert np.isfinite(joints).all()
        assert joints[..., 1].min() > -0.01
        assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * FPS < 9


@pytest.mark.parametrize("action", [key for key in PROGRAMS if ACTIONS[key].countable])
@pytest.mark.parametrize("count", [1, 4])
def test_what_is_counted_has_its_moments(action, count):
    _, segment = clip(action, count, count=count)
    assert segment.count == count == len(segment.event_times)
    assert segment.start <= segment.event_times[0] and segment.event_times[-1] <= segment.end
    assert (np.diff(segment.event_times) > 0.15).all()


@pytest.mark.parametrize("seed", range(4))
def test_keyboards_and_wheels_are_before_the_chest_of_whom_can_sit(seed):
    for action in ("type", "play_piano", "steer"):
        motion = synthesize(np.random.default_rng(seed), actions=["sit_down", action, "stand_up"])
        joints, segment = motion.joints.astype(float), motion.segments[1]
        span = inside(joints, segment)
        assert (span[:, PELVIS, 1] < joints[0, PELVIS, 1] - 0.2).all(), "the person sits all the while"
        assert (span[:, WRISTS, 1] < span[:, [HEAD], 1]).all() and (span[:, WRISTS, 1] > span[:, [PELVIS], 1] - 0.1).all()
        assert np.median(apart(span, CHEST, LEFT_WRIST)) > 0.25
        assert np.linalg.norm(np.diff(joints[:, PELVIS], axis=0), axis=-1).max() < 0.12, "from one action to the next"


@pytest.mark.parametrize("action", ["comb_hair", "face_palm", "put_on_hat"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_hand_comes_to_the_head(action, side):
    mine, other = (LEFT_WRIST, RIGHT_WRIST) if side == "left" else (RIGHT_WRIST, LEFT_WRIST)
    for seed in range(3):
        joints, segment = clip(action, seed, side=side)
        assert apart(joints, mine, HEAD).min() < 0.3, (action, seed)
        assert joints[:, mine, 1].max() > joints[:, SHOULDERS, 1].max() - 0.12
        if action != "comb_hair":
            assert at_events(apart(joints, mine, HEAD), segment).max() < 0.32
            assert apart(joints, mine, HEAD).min() < apart(joints, other, HEAD).min()


@pytest.mark.parametrize("seed", range(3))
def test_dismay_drops_the_head(seed):
    joints, segment = clip("face_palm", seed, side="both")
    assert apart(joints, LEFT_WRIST, HEAD).min() < 0.3 and apart(joints, RIGHT_WRIST, HEAD).min() < 0.3
    assert inside(joints[:, HEAD, 1], segment, 0.8).min() < joints[0, HEAD, 1] - 0.005


@pytest.mark.parametrize("seed", range(4))
def test_knuckles_and_palms_are_farthest_ahead_when_they_hit(seed):
    for action, low in (("knock", -0.15), ("high_five", 0.0)):
        joints, segment = clip(action, seed, side="right")
        ahead = joints[:, RIGHT_WRIST, 2] - joints[:, PELVIS, 2]  # they face +Z
        for event in segment.event_times:
            frame = int(round(event * FPS))
            around = ahead[max(frame - 5, 0) : frame + 6]
            assert ahead[frame - 1 : frame + 2].max() > around.max() - 0.03, (action, event)
        assert (at_events(joints[:, RIGHT_WRIST, 1] - joints[:, CHEST, 1], segment) > low).all()


@pytest.mark.parametrize("seed", range(3))
def test_jugglers_raise_their_hands_in_turn(seed):
    joints, segment = clip("juggle", seed)
    heights = inside(joints[:, WRISTS, 1] - joints[:, [CHEST], 1], segment)
    assert np.corrcoef(heights.T)[0, 1] < -0.3
    assert heights.max() < 0.25


@pytest.mark.parametrize("seed", range(5))
def test_a_jacket_takes_both_arms_behind_and_ends_at_the_front(seed):
    joints, segment = clip("put_on_jacket", seed)
    across = joints[:, 16] - joints[:, 17]
    forward = np.cross(across, [0.0, 1.0, 0.0])
    ahead = np.einsum("twi,ti->tw", joints[:, WRISTS] - joints[:, [CHEST]], forward / np.linalg.norm(forward, axis=1)[:, None])
    worn = int(segment.event_times[0] * FPS)
    assert ahead[: worn + 1].min() < -0.05, "an arm reaches behind"
    assert ahead[worn : worn + int(2.2 * FPS)].max(0).min() > 0.1, "the hands pull it straight at the front"


@pytest.mark.parametrize("seed", range(8))
def test_laces_are_tied_at_one_foot(seed):
    joints, segment = clip("tie_shoes", seed)
    span = joints[int(segment.event_times[0] * FPS) : int((segment.end - 2.4) * FPS) + 2]
    away = np.linalg.norm(span[:, WRISTS, None] - span[:, None, ANKLES], axis=-1).max(1)
    assert np.median(away, axis=0).min() < 0.32, "both hands are at the same ankle"


@pytest.mark.parametrize("seed", range(4))
def test_what_is_poured_falls_from_above(seed):
    joints, segment = clip("pour", seed, side="left")
    above = at_events(joints[:, LEFT_WRIST, 1] - joints[:, RIGHT_WRIST, 1], segment)
    assert above.min() > 0.04


@pytest.mark.parametrize("seed", range(3))
def test_strokes_on_walls_are_long_and_those_on_tables_level(seed):
    joints, segment = clip("paint_wall", seed, side="right")
    assert np.linalg.norm(np.ptp(inside(joints[:, RIGHT_WRIST] - joints[:, CHEST], segment), axis=0)) > 0.25
    for action in ("iron", "wipe_table"):
        joints, segment = clip(action, seed, side="right")
        hand = inside(joints[:, RIGHT_WRIST], segment)
        assert np.ptp(hand[:, [0, 2]], axis=0).max() > 0.1
        assert np.ptp(hand[:, 1]) < 0.2
        assert hand[:, 1].max() < inside(joints[:, SHOULDERS, 1], segment).min()


@pytest.mark.parametrize("seed", range(4))
def test_elbows_are_up_with_every_flap(seed):
    joints, segment = clip("flap_arms", seed)
    elbows = joints[:, [18, 19], 1].mean(1) - joints[:, SHOULDERS, 1].mean(1)
    assert at_events(elbows, segment).min() > elbows.min() + 0.1


@pytest.mark.parametrize("seed", range(4))
def test_one_hand_bows_while_the_other_holds_the_violin(seed):
    joints, segment = clip("play_violin", seed)
    moves = [np.ptp(inside(joints[:, wrist] - joints[:, CHEST], segment), axis=0).max() for wrist in WRISTS]
    assert max(moves) > 0.12 and max(moves) > 1.3 * min(moves)
    assert (inside(joints[:, WRISTS, 1] - joints[:, [CHEST], 1], segment) > -0.25).all(), "both hands are up"
