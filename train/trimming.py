"""Procedural motions trimmed to what they show, as data sets and people trim their clips.

A program stands before it kicks and goes on standing afterwards; a trimmed clip of a kick is a second of kick. One who has only
seen the former takes the latter for something else.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.engine import Segment, SyntheticMotion


SHORTEST_SECONDS = 1.0
MARGIN_SECONDS = 0.2  # at most, before and after an action that is shown whole
BEFORE_SECONDS, AFTER_SECONDS = 1.2, 1.0  # at most, about the moment of a repetition
ANY_PART_SECONDS = (1.1, 3.5)
# Without repetitions, but the same throughout: any part shows them.
THE_SAME_THROUGHOUT = ("locomotion", "dance")


def trim(motion: SyntheticMotion, rng: np.random.Generator) -> SyntheticMotion:
    """The motion cut to its one action: to one or two of its repetitions, to a part of a gait or dance, or to the whole of it.

    Its truth is cut as well. A motion of several actions stays as it is, and so does one that is as short already.
    """
    if len(motion.segments) != 1:
        return motion
    (segment,) = motion.segments
    start, end, moments = span(segment, motion.seconds, rng)
    first, last = int(np.ceil(start * motion.fps)), int(np.floor(end * motion.fps)) + 1
    if last - first >= len(motion.joints) or last - first < SHORTEST_SECONDS * motion.fps:
        return motion
    offset = first / motion.fps
    joints = motion.joints[first:last].copy()
    joints[..., [0, 2]] -= joints[0, 0, [0, 2]]
    part = replace(
        segment,
        start=round(max(0.0, segment.start - offset), 3),
        end=round(min(len(joints) / motion.fps, segment.end - offset), 3),
        count=segment.count if moments is None else len(moments),
        event_times=[round(each - offset, 3) for each in (segment.event_times if moments is None else moments)],
    )
    if moments is None:  # of a gait, the steps that remain
        part.event_times = [each for each in part.event_times if 0 <= each <= len(joints) / motion.fps]
    return replace(motion, joints=joints, segments=[part])


def span(segment: Segment, seconds: float, rng: np.random.Generator) -> tuple[float, float, list[float] | None]:
    """Start and end of what is kept, in seconds, and the moments of the repetitions in it where they are fewer than before."""
    action = ACTIONS[segment.action]
    if segment.count and len(segment.event_times) == segment.count:
        number = int(rng.choice([1, 2], p=[0.7, 0.3])) if segment.count > 1 else 1
        first = int(rng.integers(segment.count - number + 1))
        moments = segment.event_times[first : first + number]
        # Halfway to its neighbours a repetition has ended and the next one not begun.
        before = (segment.event_times[first - 1] + moments[0]) / 2 if first else segment.start
        ends = first + number == segment.count
        after = segment.end if ends else (moments[-1] + segment.event_times[first + number]) / 2
        start, end = max(before, moments[0] - BEFORE_SECONDS), min(after, moments[-1] + AFTER_SECONDS)
        missing = SHORTEST_SECONDS - (end - start)
        if missing > 0 and segment.count == 1:
            start, end = start - missing / 2, end + missing / 2
        return max(0.0, start), min(seconds, end), moments
    if not action.countable and action.family in THE_SAME_THROUGHOUT and not segment.turn:
        length = rng.uniform(*ANY_PART_SECONDS)
        start = segment.start + rng.uniform(0, max(0.0, segment.end - segment.start - length))
        return start, min(segment.end, start + length), None
    margins = rng.uniform(0, MARGIN_SECONDS, 2)
    return max(0.0, segment.start - margins[0]), min(seconds, segment.end + margins[1]), None
