"""Motions trimmed to their action: shorter, and as true as before."""

import numpy as np
import pytest

from llamo.train.synthesis.engine import synthesize
from llamo.train.trimming import AFTER_SECONDS, BEFORE_SECONDS, SHORTEST_SECONDS, trim


def drawn(seeds, **request):
    for seed in seeds:
        rng = np.random.default_rng(seed)
        motion = synthesize(rng, **request)
        yield motion, trim(motion, rng)


@pytest.mark.parametrize("key", ("kick", "squat", "throw", "jump"))
def test_one_or_two_repetitions_remain(key):
    numbers = set()
    for motion, part in drawn(range(8), actions=[key], count=4):
        (whole,), (segment,) = motion.segments, part.segments
        if part is motion:
            continue
        numbers.add(segment.count)
        assert len(segment.event_times) == segment.count < whole.count
        assert 0 <= segment.start < segment.end <= part.seconds + 1e-6
        assert all(0 <= each <= part.seconds for each in segment.event_times)
        assert segment.event_times[0] <= BEFORE_SECONDS + 0.06
        assert part.seconds - segment.event_times[-1] <= AFTER_SECONDS + 0.06
        assert SHORTEST_SECONDS <= part.seconds < motion.seconds
        assert (segment.side, segment.direction, segment.speed) == (whole.side, whole.direction, whole.speed)
    assert numbers == {1, 2}


def test_what_is_kept_is_the_motion_at_the_moment():
    """A jump that remains is in the air at its moment."""
    for motion, part in drawn(range(6), actions=["jump"], count=3):
        if part is motion:
            continue
        rest = np.median(motion.joints[:, 0, 1])
        for moment in part.segments[0].event_times:
            frame = int(round(moment * part.fps))
            assert part.joints[max(0, frame - 4) : frame + 5, 0, 1].max() > rest + 0.05


def test_parts_of_a_gait_walk_on():
    for motion, part in drawn(range(4), actions=["walk"]):
        assert part.seconds <= 3.6 and part.segments[0].action == "walk"
        np.testing.assert_array_equal(part.joints[0, 0, [0, 2]], 0.0)
        length = np.linalg.norm(np.diff(part.joints[[0, -1], 0], axis=0))
        assert length / part.seconds > 0.3 or motion.segments[0].speed == "slow"


def test_what_happens_once_stays_whole():
    for motion, part in drawn(range(6), actions=["sit_down"]):
        assert part.segments[0].end - part.segments[0].start == pytest.approx(
            motion.segments[0].end - motion.segments[0].start, abs=0.11
        )
        assert part.seconds <= motion.seconds


def test_several_actions_stay_as_they_are():
    for motion, part in drawn(range(3), actions=["walk", "wave"]):
        assert part is motion
