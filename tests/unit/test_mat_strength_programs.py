"""Strength exercises on the floor do what their names say, at the moments that their truth tells."""

import numpy as np
import pytest

from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.context import FPS
from llamo.train.synthesis.engine import synthesize


PELVIS, NECK, HEAD = 0, 12, 15
HIPS, KNEES, ANKLES, SHOULDERS, ELBOWS, WRISTS = [1, 2], [4, 5], [7, 8], [16, 17], [18, 19], [20, 21]
SEEDS = pytest.mark.parametrize("seed", range(3))


def clip(action, seed, **options):
    if ACTIONS[action].countable:
        options.setdefault("count", 4)
    motion = synthesize(np.random.default_rng(seed), actions=[action], **options)
    segment = motion.segments[0]
    assert len(segment.event_times) == (segment.count or len(segment.event_times))
    assert motion.joints[..., 1].min() > -0.03, "nothing under the floor"
    return motion.joints.astype(float), segment


def at_events(series, segment):
    return np.array([series[min(int(round(event * FPS)), len(series) - 1)] for event in segment.event_times])


def inside(series, segment, margin=0.0):
    return series[int((segment.start + margin) * FPS) : int((segment.end - margin) * FPS)]


def angle(joints, one, middle, two):
    """(T, 2) inner angle at a joint of both sides, degrees."""
    a, b = joints[:, one] - joints[:, middle], joints[:, two] - joints[:, middle]
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@SEEDS
def test_crunches_lift_the_head_but_not_the_loins(seed):
    joints, segment = clip("crunch", seed)
    head = joints[:, HEAD, 1]
    assert at_events(head, segment).min() > inside(head, segment).min() + 0.08
    assert head.max() < 0.5, "much less than a sit-up"
    assert np.ptp(inside(joints[:, PELVIS, 1], segment)) < 0.06


@SEEDS
def test_bench_presses_straighten_both_arms_above_the_chest(seed):
    joints, segment = clip("bench_press", seed)
    elbows = angle(joints, SHOULDERS, ELBOWS, WRISTS)
    above = joints[:, WRISTS, 1] - joints[:, SHOULDERS, 1]
    assert at_events(elbows, segment).min() > 135 and inside(elbows, segment).min() < 115
    assert at_events(above, segment).min() > 0.35
    assert np.abs(joints[:, HEAD, 1] - joints[:, PELVIS, 1]).max() < 0.15, "lying"


@SEEDS
def test_supermans_lift_head_and_feet(seed):
    joints, segment = clip("superman", seed)
    for limb in (joints[:, HEAD, 1], joints[:, ANKLES, 1].max(1)):
        assert at_events(limb, segment).min() > inside(limb, segment).min() + 0.06
    across = joints[:, 16] - joints[:, 17]
    front = np.cross(across, joints[:, NECK] - joints[:, PELVIS])
    assert (front[:, 1] < 0).all(), "face down"


@SEEDS
@pytest.mark.parametrize("side", ["left", "right"])
def test_one_leg_is_lifted(seed, side):
    mine, other = ANKLES if side == "left" else ANKLES[::-1]
    for action, rise in (("donkey_kick", 0.35), ("side_leg_lift", 0.25)):
        joints, segment = clip(action, seed, side=side)
        assert at_events(joints[:, mine, 1] - joints[:, other, 1], segment).min() > rise, action
        assert inside(joints[:, other, 1], segment).max() < 0.25, action


@SEEDS
def test_legs_flutter_in_turn(seed):
    joints, segment = clip("flutter_kicks", seed)
    ahead = inside(joints[:, 7, 1] - joints[:, 8, 1], segment)
    assert (np.diff(np.sign(ahead)) != 0).sum() >= 4
    assert inside(angle(joints, HIPS, KNEES, ANKLES), segment, 0.3).min() > 145, "straight legs"
    assert joints[:, HEAD, 1].max() < 0.45


@SEEDS
def test_elbows_meet_the_opposite_knees(seed):
    joints, segment = clip("bicycle_crunch", seed)
    pairs = np.linalg.norm(joints[:, [19, 18]] - joints[:, KNEES], axis=-1)  # right elbow to left knee, and the other
    moments = at_events(pairs, segment)
    assert moments.min(1).max() < 0.5 < moments.max(1).min()
    assert (np.diff(moments.argmin(1)) != 0).all(), "in turn"
    hands = inside(np.linalg.norm(joints[:, WRISTS] - joints[:, [HEAD]], axis=-1), segment, 0.1)
    assert hands.max() < 0.3, "hands at the head"


@SEEDS
def test_dips_lower_the_hips_between_hands_that_stay(seed):
    joints, segment = clip("triceps_dip", seed)
    hips = joints[:, PELVIS, 1]
    assert at_events(hips, segment).max() < inside(hips, segment).max() - 0.08
    assert np.ptp(joints[:, WRISTS], axis=0).max() < 0.04
    assert 0.3 < joints[:, WRISTS, 1].mean() < 0.65


@SEEDS
def test_hands_tap_the_opposite_shoulders_in_turn(seed):
    joints, segment = clip("shoulder_tap", seed)
    away = at_events(np.linalg.norm(joints[:, WRISTS] - joints[:, SHOULDERS[::-1]], axis=-1), segment)
    assert away.min(1).max() < 0.2
    assert (np.diff(away.argmin(1)) != 0).all()
    assert at_events(joints[:, WRISTS, 1].min(1), segment).max() < 0.08, "the other hand carries"


@SEEDS
def test_the_back_is_rounded_and_hollowed(seed):
    joints, segment = clip("cat_cow", seed)
    line = joints[:, NECK] - joints[:, PELVIS]
    arch = joints[:, 6, 1] - joints[:, PELVIS, 1] - line[:, 1] * 0.5
    assert at_events(arch, segment).min() > inside(arch, segment).min() + 0.06
    assert at_events(joints[:, HEAD, 1], segment).max() < inside(joints[:, HEAD, 1], segment).max() - 0.08
    assert joints[:, WRISTS, 1].max() < 0.1


@SEEDS
def test_handstands_begin_and_end_on_the_feet(seed):
    joints, _ = clip("handstand", seed)
    upside = joints[:, ANKLES, 1].min(1) - joints[:, HEAD, 1]
    assert upside[0] < -1 and upside[-1] < -1
    assert (upside > 0.8).sum() > 0.5 * FPS
    assert joints[upside > 0.8][:, WRISTS, 1].max() < 0.1


@SEEDS
def test_seated_people_reach_down_their_straight_legs(seed):
    joints, _ = clip("seated_stretch", seed)
    apart = np.linalg.norm(joints[:, WRISTS] - joints[:, ANKLES], axis=-1).max(1)
    assert apart.min() < 0.4 < apart.max()
    assert angle(joints, HIPS, KNEES, ANKLES).min() > 150
    assert joints[:, PELVIS, 1].max() < 0.25
