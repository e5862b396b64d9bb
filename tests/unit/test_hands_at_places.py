"""Hands come to where the action takes place: to the ear, the mouth, the brow, each other, the floor."""

import numpy as np
import pytest

from llamo.train.synthesis.body import PARENTS
from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.context import FPS
from llamo.train.synthesis.engine import synthesize
from llamo.train.synthesis.pastimes import PROGRAMS


HEAD, NECK = 15, 12
WRISTS = {"left": 20, "right": 21}


def clip(action, seed, **options):
    if ACTIONS[action].countable:
        options.setdefault("count", 2)
    return synthesize(np.random.default_rng(seed), actions=[action], **options)


def nearest(joints, one, other):
    return float(np.linalg.norm(joints[:, one] - joints[:, other], axis=-1).min())


@pytest.mark.parametrize("action", ["phone", "drink", "eat", "salute", "scratch_head", "brush_teeth", "throw_kiss"])
@pytest.mark.parametrize("seed", range(3))
def test_the_hand_that_is_named_comes_to_the_head(action, seed):
    motion = clip(action, seed)
    side = motion.segments[0].side
    other = {"left": "right", "right": "left"}
    sides = ["left", "right"] if side in ("both", None) else [side]
    assert min(nearest(motion.joints, WRISTS[one], HEAD) for one in sides) < 0.27
    if side in other and action not in ("eat", "brush_teeth"):  # where the other hand may hold something
        assert nearest(motion.joints, WRISTS[other[side]], HEAD) > 0.35


@pytest.mark.parametrize("seed", range(4))
def test_clapping_hands_meet(seed):
    assert nearest(clip("clap", seed).joints, *WRISTS.values()) < 0.16


def test_most_things_are_picked_up_from_the_floor():
    lowest = [clip("pick_up", seed).joints[:, list(WRISTS.values()), 1].min() for seed in range(24)]
    assert np.median(lowest) < 0.25
    assert max(lowest) < 0.7  # on one leg, from something low


@pytest.mark.parametrize("action", sorted(PROGRAMS))
@pytest.mark.parametrize("seed", range(3))
def test_pastimes_are_whole_bodies_on_their_feet(action, seed):
    motion = clip(action, seed, held_out=seed == 2)
    joints = motion.joints.astype(float)
    bones = np.stack([np.linalg.norm(joints[:, i] - joints[:, PARENTS[i]], axis=-1) for i in range(1, 22)], axis=1)
    assert np.isfinite(joints).all()
    assert np.ptp(bones, axis=0).max() < 1e-3
    assert joints[..., 1].min() > -0.03
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * FPS < 14.0
    segment = motion.segments[0]
    assert (segment.count is not None) == ACTIONS[action].countable
    assert all(segment.start <= event <= segment.end for event in segment.event_times)


@pytest.mark.parametrize("seed", range(3))
def test_a_bow_is_drawn_from_arm_to_chin(seed):
    motion = clip("archery", seed, count=1)
    frame = int(round(motion.segments[0].event_times[0] * FPS))
    pose = motion.joints[frame]
    reach = [np.linalg.norm(pose[wrist] - pose[shoulder]) for wrist, shoulder in ((20, 16), (21, 17))]
    lengths = [sum(np.linalg.norm(pose[a] - pose[b]) for a, b in ((w, e), (e, s))) for w, e, s in ((20, 18, 16), (21, 19, 17))]
    straight = [one / whole for one, whole in zip(reach, lengths, strict=True)]
    assert max(straight) > 0.95 and min(straight) < 0.85, "one arm holds the bow, the other draws"
    assert (pose[[20, 21], 1] > pose[NECK, 1] - 0.25).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_kettlebell_swings_from_low_to_the_shoulders(seed):
    joints = clip("kettlebell_swing", seed, count=3).joints
    hands = joints[:, list(WRISTS.values()), 1].mean(1)
    assert hands.min() < joints[0, 0, 1] - 0.1
    assert hands.max() > np.median(joints[:, 16, 1]) - 0.1


@pytest.mark.parametrize("seed", range(3))
def test_who_washes_touches_the_own_body(seed):
    joints = clip("wash_self", seed).joints
    body = {20: (19, 9, HEAD, 5, 3), 21: (18, 9, HEAD, 4, 3, 16)}  # of each wrist, what it may rub
    assert min(nearest(joints, wrist, joint) for wrist, joints_of in body.items() for joint in joints_of) < 0.18
