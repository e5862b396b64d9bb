"""Mat exercises, held poses, odd gaits and falls do what their names say, at the moments that their truth tells."""

import numpy as np
import pytest

from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.context import FPS
from llamo.train.synthesis.engine import synthesize


PELVIS, HEAD, LEFT_HIP, LEFT_ANKLE = 0, 15, 1, 7
ANKLES, TOES, WRISTS, KNEES, SHOULDERS = [7, 8], [10, 11], [20, 21], [4, 5], [16, 17]


def clip(action, seed, **options):
    if ACTIONS[action].countable:
        options.setdefault("count", 4)
    motion = synthesize(np.random.default_rng(seed), actions=[action], **options)
    return motion.joints.astype(float), motion.segments[0]


def at_events(series, segment):
    return np.array([series[min(int(round(event * FPS)), len(series) - 1)] for event in segment.event_times])


def inside(series, segment, margin=0.3):
    return series[int((segment.start + margin) * FPS) : int((segment.end - margin) * FPS)]


@pytest.mark.parametrize("seed", range(3))
def test_bridges_lift_the_hips_and_leg_raises_the_feet(seed):
    for action, joint, rise in (("bridge", PELVIS, 0.08), ("leg_raise", LEFT_ANKLE, 0.35)):
        joints, segment = clip(action, seed)
        height = joints[:, joint, 1]
        assert len(segment.event_times) == 4
        assert at_events(height, segment).min() > inside(height, segment, 0.0).min() + rise, action
        assert joints[..., HEAD, 1].max() < 0.4, "the head stays down"


@pytest.mark.parametrize("seed", range(3))
def test_mountain_climbers_draw_one_knee_at_a_time(seed):
    joints, segment = clip("mountain_climber", seed)
    ahead = np.linalg.norm(joints[:, KNEES] - joints[:, SHOULDERS], axis=-1)  # of each knee to its shoulder
    moments = at_events(ahead, segment)
    assert (np.abs(moments[:, 0] - moments[:, 1]) > 0.08).all(), "one is drawn up, the other stretched"
    assert (np.diff(np.sign(moments[:, 0] - moments[:, 1])) != 0).all(), "in turn"


@pytest.mark.parametrize("seed", range(3))
def test_seated_twists_go_from_side_to_side(seed):
    joints, segment = clip("russian_twist", seed)
    across, hips = joints[:, 16] - joints[:, 17], joints[:, 1] - joints[:, 2]
    turn = np.degrees(np.arctan2(across[:, 2], across[:, 0]) - np.arctan2(hips[:, 2], hips[:, 0]))
    turns = at_events((turn + 180) % 360 - 180, segment)
    assert (np.abs(turns) > 12).all() and (np.diff(np.sign(turns)) != 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_held_poses(seed):
    joints, segment = clip("side_plank", seed)
    last = joints[-5]
    line = last[HEAD] - last[ANKLES].mean(0)
    off = last[PELVIS] - last[ANKLES].mean(0)
    assert np.linalg.norm(off - (off @ line) / (line @ line) * line) < 0.2, "a straight body"
    assert np.abs((last[16] - last[17])[1]) > 0.15, "on its side"
    joints, _ = clip("downward_dog", seed)
    assert (joints[:, PELVIS, 1] > joints[:, HEAD, 1] + 0.2).all(), "the hips are highest"
    assert joints[:, WRISTS, 1].max() < 0.1
    joints, segment = clip("warrior", seed)
    middle = joints[int(0.5 * (segment.start + segment.end) * FPS)]
    thighs, shanks = middle[KNEES] - middle[[1, 2]], middle[ANKLES] - middle[KNEES]
    cosines = (thighs * shanks).sum(1) / np.linalg.norm(thighs, axis=1) / np.linalg.norm(shanks, axis=1)
    assert cosines.max() > 0.8 and cosines.min() < cosines.max() - 0.02, "one leg, the back one, stays nearly straight"


@pytest.mark.parametrize("seed", range(3))
def test_heels_stay_up_on_tiptoe_and_reach_the_seat_in_heel_kicks(seed):
    joints, segment = clip("tiptoe", seed)
    rise = inside(joints[:, ANKLES, 1] - joints[:, TOES, 1], segment, 0.9)
    assert rise.min() > 0.08
    joints, segment = clip("heel_kicks", seed)
    knees_down = joints[:, KNEES, 1] < joints[:, [1, 2], 1] - 0.1
    assert knees_down.all(), "no high knees"
    assert joints[:, ANKLES, 1].max() > 0.3


@pytest.mark.parametrize("seed", range(4))
def test_people_fall_fast_and_stay_down(seed):
    joints, segment = clip("fall", seed)
    height = joints[:, HEAD, 1]
    assert height[0] > 1.2 > 0.45 > height[-1]
    assert segment.end - segment.start < 2.6
    assert ACTIONS["fall"].end == "lie"


@pytest.mark.parametrize("seed", range(3))
def test_the_drunk_do_not_walk_straight(seed):
    joints, _ = clip("stagger", seed)
    sober, _ = clip("walk", seed)

    def winding(joints):
        way = joints[:, PELVIS, [0, 2]] - joints[0, PELVIS, [0, 2]]
        line = way[-1] / np.linalg.norm(way[-1])
        return float(np.abs(way @ np.array([line[1], -line[0]])).max())

    assert winding(joints) > winding(sober) and winding(joints) > 0.05
