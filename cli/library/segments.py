"""Where a long motion changes: from joints to spans that can be described one by one.

What a person does is described, four times a second, by the pose, by how much each part of the body moves, by speed and by
turning. Cuts are placed where the spans between them differ least within themselves (optimal partitioning: Jackson et al.,
IEEE Signal Processing Letters 12:105-108, 2005), with a price for each span, so that a motion that goes on unchanged is only
cut where it must be.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from llamo.processing.motion_features_llamo import canonicalise, heading_angles, resample


LONG_SECONDS = 8.0  # motions up to here are one span, and spans are no longer
SHORTEST_SECONDS = 1.5
STEPS_PER_SECOND = 4
FPS = 20.0
PRICE = 6.0  # of a span, in squared units of the description
# What counts as one unit of difference.
POSE_METRES, ACTIVITY_METRES_PER_SECOND, SPEED_METRES_PER_SECOND, TURN_DEGREES_PER_SECOND = 0.12, 0.6, 0.5, 45.0
# The joints that tell poses apart: knees, feet, chest, head, elbows, hands.
TELLING = (4, 5, 7, 8, 9, 15, 18, 19, 20, 21)


def find_segments(joints: np.ndarray, fps: float) -> list[tuple[float, float]]:
    """Spans of a motion of more than LONG_SECONDS.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        fps: frames per second.

    Returns:
        (start, end) in seconds, one after the other, from the first frame to the last; one span for a short motion.
    """
    seconds = len(joints) / fps
    if seconds <= LONG_SECONDS:
        return [(0.0, seconds)]
    description = describe(joints, fps)
    cuts = partition(description, int(SHORTEST_SECONDS * STEPS_PER_SECOND), int(LONG_SECONDS * STEPS_PER_SECOND), PRICE)
    times = [0.0, *(cut / STEPS_PER_SECOND for cut in cuts), seconds]
    return list(pairwise(times))


def describe(joints: np.ndarray, fps: float) -> np.ndarray:
    """One row for each quarter of a second, `(num_steps, num_values)`, in units in which differences matter alike."""
    joints = canonicalise(resample(joints, fps, FPS), FPS)
    heading = heading_angles(joints)
    relative = joints[:, TELLING] - joints[:, :1]
    sine, cosine = np.sin(heading)[:, None], np.cos(heading)[:, None]
    x, z = relative[..., 0], relative[..., 2]
    # In the body's own frame, so that walking a curve is not a change of pose. Height is that over the floor.
    pose = np.stack([x * cosine - z * sine, joints[:, TELLING, 1], x * sine + z * cosine], axis=-1)
    velocity = np.gradient(pose, 1 / FPS, axis=0)
    activity = np.linalg.norm(velocity, axis=-1)
    ground = np.linalg.norm(np.gradient(joints[:, 0][:, [0, 2]], 1 / FPS, axis=0), axis=-1)
    turning = np.degrees(np.gradient(np.unwrap(heading), 1 / FPS))
    rows = np.concatenate(
        [
            pose.reshape(len(pose), -1) / POSE_METRES / len(TELLING) ** 0.5,
            activity / ACTIVITY_METRES_PER_SECOND / len(TELLING) ** 0.5,
            ground[:, None] / SPEED_METRES_PER_SECOND,
            turning[:, None] / TURN_DEGREES_PER_SECOND,
        ],
        axis=1,
    )
    # A second's mean: the swing of a step or a repetition is no change of what is done.
    width = int(FPS)
    padded = np.concatenate([np.repeat(rows[:1], width // 2, 0), rows, np.repeat(rows[-1:], width - width // 2, 0)])
    sums = np.concatenate([np.zeros((1, rows.shape[1])), padded.cumsum(0)])
    smooth = (sums[width:] - sums[:-width])[: len(rows)] / width
    return smooth[:: int(FPS / STEPS_PER_SECOND)]


def partition(rows: np.ndarray, shortest: int, longest: int, price: float) -> list[int]:
    """Cuts of `(num_steps, num_values)` into spans of `shortest` to `longest` steps with the least sum of squared
    differences from each span's mean, plus a price for every span. Ends that are too short to be a span join the last."""
    total = len(rows)
    sums = np.concatenate([np.zeros((1, rows.shape[1])), rows.cumsum(0)])
    squares = np.concatenate([[0.0], (rows**2).sum(1).cumsum()])
    best, come_from = np.full(total + 1, np.inf), np.zeros(total + 1, dtype=np.int64)
    best[0] = 0.0
    for end in range(shortest, total + 1):
        starts = np.arange(max(0, end - longest), end - shortest + 1)
        lengths = (end - starts)[:, None]
        inner = squares[end] - squares[starts] - ((sums[end] - sums[starts]) ** 2 / lengths).sum(1)
        costs = best[starts] + inner + price
        chosen = int(costs.argmin())
        best[end], come_from[end] = costs[chosen], starts[chosen]
    cuts, place = [], total
    while come_from[place] > 0:
        place = int(come_from[place])
        cuts.append(place)
    return cuts[::-1]
