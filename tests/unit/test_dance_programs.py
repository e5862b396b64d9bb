"""Dance and climbing programs: a body that stays whole, feet on the floor, and truth that the joints confirm."""

import numpy as np
import pytest

from llamo.train.synthesis.body import PARENTS
from llamo.train.synthesis.catalogue import describe
from llamo.train.synthesis.engine import PROGRAMS, synthesize


ACTIONS = (
    "leap", "spin", "pirouette", "sway", "side_step_dance", "dance", "balance", "arabesque", "arms_out", "climb", "hang",
)  # fmt: skip
SEEDS = (1, 2, 3)


def clip(action: str, seed: int, **fixed):
    """One clip of one action; countable ones are kept short."""
    if describe(action).countable:
        fixed.setdefault("count", 1 + seed % 3)
    return synthesize(np.random.default_rng(seed), actions=[action], **fixed)


def heading(joints: np.ndarray) -> np.ndarray:
    """Yaw (T,) of the hips in degrees, unwrapped; growing is a turn to the left."""
    across = joints[:, 1] - joints[:, 2]
    return np.degrees(np.unwrap(np.arctan2(-across[:, 2], across[:, 0])))


def test_all_eleven_are_programs():
    assert set(ACTIONS) <= set(PROGRAMS)


@pytest.mark.parametrize("action", ACTIONS)
def test_body_stays_whole_and_above_the_floor(action):
    for seed in SEEDS:
        motion = clip(action, seed)
        joints = motion.joints.astype(float)
        assert joints.shape[1:] == (22, 3) and np.isfinite(joints).all()
        bones = np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)
        assert (bones.max(0) - bones.min(0)).max() < 1e-3
        assert joints[..., 1].min() > -0.03
        speed = np.linalg.norm(np.diff(joints, axis=0), axis=-1) * motion.fps
        assert speed.max() < 12.0


@pytest.mark.parametrize("action", ACTIONS)
def test_truth_lies_inside_the_clip(action):
    for seed in SEEDS:
        motion = clip(action, seed)
        segment = motion.segments[0]
        assert 0 <= segment.start < segment.end <= motion.seconds + 1e-6
        assert all(0 <= event <= motion.seconds for event in segment.event_times)
        if describe(action).countable:
            assert segment.count == 1 + seed % 3 == len(segment.event_times)


@pytest.mark.parametrize("action", ["spin", "pirouette"])
def test_turns_go_the_way_the_truth_says(action):
    for seed in range(6):
        motion = clip(action, seed)
        segment = motion.segments[0]
        yaw = heading(motion.joints)
        turned = (yaw[-1] - yaw[0]) / 360.0
        assert (turned > 0) == (segment.turn == "left")
        assert abs(abs(turned) - round(abs(turned))) < 0.1
        if action == "spin":
            assert round(abs(turned)) == segment.count


@pytest.mark.parametrize("action", ["balance", "arabesque"])
def test_the_named_leg_stands(action):
    for seed in SEEDS:
        for side, standing, raised in (("left", 7, 8), ("right", 8, 7)):
            motion = clip(action, seed, side=side)
            segment = motion.segments[0]
            assert segment.side == side
            held = motion.joints[int((segment.start + 0.5 * (segment.end - segment.start)) * motion.fps)]
            assert held[raised, 1] > held[standing, 1] + 0.04


def test_the_named_leg_leads_a_leap():
    for seed in SEEDS:
        for side, leading, other in (("left", 7, 8), ("right", 8, 7)):
            motion = clip("leap", seed, side=side)
            for event in motion.segments[0].event_times:
                frame = motion.joints[int(round(event * motion.fps))]
                assert frame[leading, 2] > frame[other, 2] + 0.3
                assert min(frame[7, 1], frame[8, 1]) > 0.12


def test_a_climb_rises_and_a_hang_keeps_the_hands_still():
    for seed in SEEDS:
        climb = clip("climb", seed).joints
        assert climb[-1, 0, 1] - climb[0, 0, 1] > 0.4
        assert np.ptp(climb[:, 0, 0]) < 0.6
        motion = clip("hang", seed)
        segment = motion.segments[0]
        a, b = (int((segment.start + part * (segment.end - segment.start)) * motion.fps) for part in (0.45, 0.6))
        wrists = motion.joints[a:b, 20:22]
        assert np.ptp(wrists, axis=0).max() < 0.02
        assert wrists[..., 1].min() > motion.joints[a:b, 15, 1].max() - 0.1
