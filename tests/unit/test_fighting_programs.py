"""Fighters' programs, and a gait that is none of everyday: exact truth in poses far from upright."""

import numpy as np
import pytest

from llamo.processing.motion_features_llamo import heading_angles
from llamo.train.synthesis.body import PARENTS
from llamo.train.synthesis.context import FPS
from llamo.train.synthesis.engine import synthesize


PELVIS, CHEST, HEAD = 0, 9, 15
ANKLES, WRISTS, SHOULDERS = {"left": 7, "right": 8}, [20, 21], [16, 17]


def clip(action, seed, **options):
    return synthesize(np.random.default_rng(seed), actions=[action], **options)


def lean(joints):
    """Of the trunk against the vertical, degrees, `(num_frames,)`."""
    trunk = joints[:, CHEST] - joints[:, PELVIS]
    return np.degrees(np.arccos(trunk[:, 1] / np.linalg.norm(trunk, axis=-1)))


@pytest.mark.parametrize("action", ["kick", "side_kick", "spin_kick", "punch", "zombie_walk"])
@pytest.mark.parametrize("seed", range(6))
def test_bones_keep_their_lengths_and_feet_the_floor(action, seed):
    joints = clip(action, seed, held_out=seed == 5).joints.astype(float)
    bones = np.stack([np.linalg.norm(joints[:, i] - joints[:, PARENTS[i]], axis=-1) for i in range(1, 22)], axis=1)
    assert np.isfinite(joints).all()
    assert np.ptp(bones, axis=0).max() < 1e-3
    assert joints[..., 1].min() > -0.03
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * FPS < 16.0


@pytest.mark.parametrize("action", ["kick", "side_kick", "spin_kick"])
@pytest.mark.parametrize("seed", range(4))
def test_the_foot_that_is_named_is_the_higher_one_when_it_strikes(action, seed):
    motion = clip(action, seed, count=2)
    segment = motion.segments[0]
    other = {"left": "right", "right": "left"}[segment.side]
    for event in segment.event_times:
        frame = int(round(event * FPS))
        assert motion.joints[frame, ANKLES[segment.side], 1] > motion.joints[frame, ANKLES[other], 1] + 0.05


def test_some_kicks_throw_the_trunk_far_away():
    leans = [lean(clip("kick", seed, count=1).joints).max() for seed in range(40)]
    assert max(leans) > 50  # a fighter's high kick
    assert np.median(leans) < 35  # most people stay upright


@pytest.mark.parametrize("count", [1, 2])
def test_a_spinning_kick_turns_right_round_each_time(count):
    motion = clip("spin_kick", 3, count=count)
    assert motion.segments[0].count == count == len(motion.segments[0].event_times)
    turned = np.unwrap(heading_angles(motion.joints))
    assert abs(turned[-1] - turned[0]) == pytest.approx(2 * np.pi * count, abs=0.5)


def test_some_fighters_shift_their_place_between_punches():
    ways = []
    for seed in range(30):
        pelvis = clip("punch", seed, count=5).joints[:, PELVIS][:, [0, 2]]
        ways.append(np.linalg.norm(pelvis - pelvis[0], axis=-1).max())
    assert max(ways) > 0.25
    assert min(ways) < 0.15


def test_some_punches_go_for_somebody_and_some_kicks_come_out_of_a_step():
    """The one stays where the last punch was; the other comes back, and has lifted both feet by then."""
    ends, ways, both = [], [], []
    for seed in range(30):
        pelvis = clip("punch", seed, count=3).joints[:, PELVIS][:, [0, 2]]
        ends.append(np.linalg.norm(pelvis[-1] - pelvis[0]))
        joints = clip("kick", seed, count=1).joints
        ways.append(np.linalg.norm(joints[:, PELVIS][:, [0, 2]] - joints[0, PELVIS][[0, 2]], axis=-1).max())
        feet = joints[:, list(ANKLES.values())]
        both.append(np.linalg.norm(feet[..., [0, 2]] - feet[0][:, [0, 2]], axis=-1).max(0).min())
    assert 2 <= sum(end > 0.4 for end in ends) < 15
    assert max(ways) > 0.35 and max(both) > 0.12
    assert np.median(ways) < 0.35


@pytest.mark.parametrize("seed", range(6))
def test_a_zombie_walks_with_an_arm_ahead(seed):
    motion = clip("zombie_walk", seed)
    joints = motion.joints
    middle = joints[len(joints) // 3 : 2 * len(joints) // 3]
    reach = np.linalg.norm((middle[:, WRISTS] - middle[:, SHOULDERS])[..., [0, 2]], axis=-1).mean(0)
    assert reach.max() > 0.3
    assert np.linalg.norm((joints[-1] - joints[0])[PELVIS][[0, 2]]) > 0.3
    assert motion.segments[0].direction == "forward"
