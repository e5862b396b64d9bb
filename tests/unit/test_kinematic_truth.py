"""Facts measured from joints: right where they are plain, silent where they are not, the same at every frame rate."""

import numpy as np
import pytest

from llamo.train.questions.kinematic_truth import measure
from llamo.train.synthesis.engine import synthesize


def clip(action, seed=0, **options):
    return synthesize(np.random.default_rng(seed), actions=[action], **options)


def facts(action, name, num=12, **options):
    """The measured value and the program's segment for several clips of an action."""
    out = []
    for seed in range(num):
        motion = clip(action, seed, **options)
        out.append((getattr(measure(motion.joints, motion.fps), name), motion.segments[0]))
    return out


def agreement(pairs, wanted):
    """Share right among the answered, and share answered."""
    answered = [(got, segment) for got, segment in pairs if got is not None]
    right = sum(got == wanted(segment) for got, segment in answered)
    return right / max(1, len(answered)), len(answered) / len(pairs)


@pytest.mark.parametrize("action", ["walk", "run", "walk_backward", "sidestep", "sneak"])
def test_travel(action):
    right, answered = agreement(facts(action, "travel"), lambda segment: segment.direction)
    assert right >= 0.9 and answered >= 0.6


def test_gesturing_is_in_place():
    right, answered = agreement(facts("clap", "travel"), lambda segment: "in place")
    assert right == 1 and answered >= 0.9


def test_turn():
    right, answered = agreement(facts("turn", "turn"), lambda segment: segment.turn)
    assert right == 1 and answered >= 0.5


@pytest.mark.parametrize(("action", "gait"), [("walk", "walk"), ("run", "run")])
def test_gait(action, gait):
    right, answered = agreement(facts(action, "gait"), lambda segment: gait)
    assert right == 1 and answered >= 0.4


@pytest.mark.parametrize("speed", ["slow", "fast"])
def test_speed_words_never_contradict(speed):
    words = [got for got, _ in facts("walk", "speed_word", num=16, speed=speed) if got]
    assert words and {"slow": "fast", "fast": "slow"}[speed] not in words
    assert words.count(speed) >= 0.7 * len(words)


@pytest.mark.parametrize(
    ("action", "name"),
    [("raise_hand", "raised_hand"), ("wave", "moving_hand"), ("kick", "kicking_foot"), ("hop", "standing_leg")],
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_side(action, name, side):
    right, answered = agreement(facts(action, name, side=side), lambda segment: side)
    assert right >= 0.9 and answered >= 0.15


@pytest.mark.parametrize(("action", "name"), [("jump", "jumps"), ("jump_forward", "jumps"), ("squat", "dips")])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_counts(action, name, count):
    right, answered = agreement(facts(action, name, num=8, count=count), lambda segment: segment.count)
    assert right >= 0.9 and answered >= 0.5


def test_walking_has_no_jumps_and_its_steps_are_counted():
    assert {got for got, _ in facts("walk", "jumps")} <= {0, None}
    for got, segment in facts("walk", "steps"):
        assert got is None or abs(got - len(segment.event_times)) <= 1


def test_posture():
    right, answered = agreement(facts("clap", "posture"), lambda segment: "standing")
    assert right == 1 and answered >= 0.8
    right, answered = agreement(facts("sit_down", "end_posture"), lambda segment: "sitting")
    assert right == 1 and answered >= 0.5


@pytest.mark.parametrize("fps", [10.0, 24.0, 60.0, 120.0])
def test_the_frame_rate_does_not_matter(fps):
    motion = clip("jump", 3, count=3)
    frames = len(motion.joints)
    times = np.arange(int((frames - 1) / motion.fps * fps) + 1) / fps * motion.fps
    low = np.minimum(times.astype(int), frames - 2)
    part = (times - low)[:, None, None]
    resampled = motion.joints[low] * (1 - part) + motion.joints[low + 1] * part
    first, second = measure(motion.joints, motion.fps), measure(resampled, fps)
    assert second.jumps in (None, first.jumps)
    assert second.travel == first.travel
    assert second.seconds == pytest.approx(first.seconds, abs=0.15)


def test_mirroring_swaps_sides():
    motion = clip("raise_hand", 1, side="left")
    mirror = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20])
    joints = motion.joints[:, mirror] * np.array([-1, 1, 1])
    assert measure(motion.joints, motion.fps).raised_hand == "left"
    assert measure(joints, motion.fps).raised_hand == "right"


def test_one_frame_and_bad_input():
    one = measure(clip("walk").joints[:1], 20.0)
    assert one.speed == 0 and one.turn is None and one.gait is None
    for joints, fps in [(np.zeros((5, 21, 3)), 20.0), (np.zeros((0, 22, 3)), 20.0), (np.zeros((5, 22, 3)), 0.0),
                        (np.full((5, 22, 3), np.nan), 20.0)]:  # fmt: skip
        with pytest.raises(ValueError, match="expected"):
            measure(joints, fps)


def test_real_walks_are_walks(shared):
    from llamo.train.recorded import read_recorded

    clips = [c for c in read_recorded(shared / "data" / "cmu_train.parquet") if c.description in ("walk", "slow walk")]
    truths = [measure(c.joints, c.fps) for c in clips]
    assert {truth.travel for truth in truths} <= {"forward", None}
    assert {truth.gait for truth in truths} <= {"walk", None}
    assert sum(truth.gait == "walk" for truth in truths) >= 0.9 * len(truths)
    assert {truth.jumps for truth in truths} <= {0, None}
    assert {truth.raised_hand for truth in truths} == {"neither"}
