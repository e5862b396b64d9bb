"""Programs on the floor and upside down: whole bodies, a floor that holds, exact truth."""

import numpy as np
import pytest

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis import floor
from llamo.train.synthesis.body import PARENTS
from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.context import FPS
from llamo.train.synthesis.engine import synthesize
from llamo.train.synthesis.free_body import matrices, quaternion, turned


ALL = ["push_up", "plank", "burpee", "lie_down", "lie", "get_up", "sit_up", "crawl", "cartwheel", "forward_roll", "backflip"]
COUNTED = ["push_up", "sit_up", "burpee"]
WRISTS = [20, 21]


def clip(*actions, seed=0, **options):
    if ACTIONS[actions[0]].countable:
        options.setdefault("count", 3)
    return synthesize(np.random.default_rng(seed), actions=list(actions), **options)


def spread(joints):
    """Largest change of any bone's length, metres."""
    bones = np.stack([np.linalg.norm(joints[:, i] - joints[:, PARENTS[i]], axis=-1) for i in range(1, 22)], axis=1)
    return float(np.ptp(bones, axis=0).max())


def fastest(joints):
    return float(np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() * FPS)


@pytest.mark.parametrize("action", ALL)
@pytest.mark.parametrize("seed", range(3))
def test_a_body_on_a_floor(action, seed):
    motion = clip(action, seed=seed, held_out=seed == 2)
    joints = motion.joints.astype(float)
    assert np.isfinite(joints).all()
    assert spread(joints) < 1e-3
    assert joints[..., 1].min() > -0.03
    # A somersault whips the feet round faster than any other action.
    assert fastest(joints) < (16.0 if action == "backflip" else 12.5)
    segment = motion.segments[0]
    assert 0 <= segment.start < segment.end <= motion.seconds + 1e-6
    assert all(segment.start <= event <= segment.end for event in segment.event_times)


@pytest.mark.parametrize("way", ["sit", "roll", "prone", "side", "rock", "spring"])
@pytest.mark.parametrize("action", ["get_up", "lie_down"])
def test_every_way_up_and_down_again(monkeypatch, action, way):
    monkeypatch.setattr(floor, "_way", lambda ctx, ask: way)
    joints = clip(action, seed=3).joints.astype(float)[:: 1 if action == "get_up" else -1]
    assert spread(joints) < 1e-3 and joints[..., 1].min() > -0.03 and fastest(joints) < 13
    lying, standing = joints[0], joints[-1]
    assert np.ptp(lying[[0, 12, 15], 1]) < 0.35 and lying[0, 1] < 0.4
    assert standing[15, 1] > 1.3 and standing[0, 1] > 0.75
    feet, shoulders = joints[:, [7, 8], 1].min(1), joints[:, [16, 17], 1].mean(1)
    if way == "rock":
        assert (feet > shoulders + 0.2).any()
    if way == "spring":
        hands = joints[:, [20, 21], 1].max(1)
        assert ((hands < 0.15) & (feet > 0.05) & (shoulders > 0.35)).any(), "off the floor with both feet, on the hands"


@pytest.mark.parametrize("action", COUNTED)
@pytest.mark.parametrize("count", [1, 4])
def test_every_repetition_has_its_moment(action, count):
    segment = clip(action, seed=5, count=count).segments[0]
    assert segment.count == count == len(segment.event_times)
    assert (np.diff(segment.event_times) > 0.4).all()


@pytest.mark.parametrize("seed", range(4))
def test_push_ups_are_lowest_at_their_moments(seed):
    motion = clip("push_up", seed=seed)
    chest = motion.joints[:, 9, 1]
    segment = motion.segments[0]
    inside = chest[int(segment.start * FPS) + 3 : int(segment.end * FPS) - 3]
    moments = [chest[int(round(event * FPS))] for event in segment.event_times]
    assert max(moments) < inside.min() + 0.3 * np.ptp(inside)


@pytest.mark.parametrize("action", ["push_up", "crawl"])
@pytest.mark.parametrize("seed", range(3))
def test_hands_stay_near_the_floor(action, seed):
    motion = clip(action, seed=seed)
    segment = motion.segments[0]
    hands = motion.joints[int(segment.start * FPS) + 4 : int(segment.end * FPS) - 4, WRISTS, 1]
    assert hands.min(1).max() < 0.06


@pytest.mark.parametrize("seed", range(3))
def test_cartwheels_put_the_feet_above_the_head(seed):
    motion = clip("cartwheel", seed=seed)
    joints, segment = motion.joints, motion.segments[0]
    frame = int(round(segment.event_times[0] * FPS))
    assert joints[frame, [7, 8], 1].min() > joints[frame, 15, 1]
    assert joints[frame, WRISTS, 1].max() < 0.1
    travel = joints[-1, 0, 0] - joints[0, 0, 0]
    assert (travel > 0.5) == (segment.direction == "left") and abs(travel) > 0.5


def test_backflips_leave_the_floor_and_go_backwards():
    for seed in range(3):
        motion = clip("backflip", seed=seed)
        frame = int(round(motion.segments[0].event_times[0] * FPS))
        assert motion.joints[frame, :, 1].min() > 0.3
        assert motion.joints[-1, 0, 2] < -0.3


@pytest.mark.parametrize("plan", [("lie_down", "lie", "get_up"), ("lie_down", "sit_up", "get_up", "walk")])
def test_chains_are_continuous(plan):
    for seed in range(3):
        motion = clip(*plan, seed=seed)
        assert spread(motion.joints.astype(float)) < 1e-3
        assert fastest(motion.joints.astype(float)) < 12.0
        assert [segment.action for segment in motion.segments] == list(plan)


def test_wide_controls_mirror_and_move_like_their_joints():
    rng = np.random.default_rng(0)
    wide = rng.standard_normal((5, ch.WIDE))
    assert np.allclose(ch.mirror(ch.mirror(wide)), wide)
    assert np.allclose(ch.mirror(wide)[:, : ch.SIZE], ch.mirror(wide[:, : ch.SIZE]))
    joints = ch.place(wide, 1.0, 2.0, np.pi / 2)[:, ch.FREE].reshape(5, 22, 3)
    before = wide[:, ch.FREE].reshape(5, 22, 3)
    assert np.allclose(joints[..., 0], before[..., 2] + 1.0) and np.allclose(joints[..., 2], -before[..., 0] + 2.0)
    assert ch.widen(wide[:, : ch.SIZE]).shape == (5, ch.WIDE) and ch.widen(wide) is wide


def test_quaternions_are_the_rotations_they_stand_for():
    for angles in ((30, 20, 10), (-170, 5, 80), (90, 90, 0), (180, 0, 180)):
        assert np.allclose(matrices(quaternion(turned(*angles))), turned(*angles), atol=1e-9)


def test_people_crawl_on_knees_on_feet_and_on_elbows():
    heights = []
    for seed in range(24):
        motion = clip("crawl", seed=seed)
        joints = motion.joints
        heights.append(float(np.median(joints[:, 0, 1])))
        assert np.median(joints[:, WRISTS, 1]) < 0.25  # the hands bear, in every kind
        assert np.linalg.norm((joints[-1] - joints[0])[0][[0, 2]]) > 0.25
    assert min(heights) < 0.35
    assert max(heights) > 0.45
