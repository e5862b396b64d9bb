# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""How the body is held over time: postures, stillness, hands above the head, and which limb moves most.

Heights are compared with the length of the leg, so that the rules hold for children as well. Frames that meet no rule
clearly belong to no posture.
"""

import numpy as np

from .angles_llamo import (
    HEAD,
    LEFT_ANKLE,
    LEFT_FOOT,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_SHOULDER,
    LEFT_WRIST,
    NECK,
    PELVIS,
    RIGHT_ANKLE,
    RIGHT_FOOT,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
    SPINE3,
    body_frame,
    joint_angles,
    leg_length,
    trunk_vector,
    unit_vectors,
)
from .motion_filters_llamo import join_spans, moving_average, true_spans


POSTURES = ("standing", "sitting", "lying", "crouching", "on hands and knees", "on hands")
SHORTEST_POSTURE_SECONDS = 0.3
SHORTEST_STILL_SECONDS = 1.0
STILL_SPEED = 0.2  # m/s of the fastest joint
ABOVE_HEAD = 0.1  # m that the wrist is above the head's joint, which lies at the height of the ears
# Limb -> the joint at its end and the one at its root.
LIMBS = {
    "left arm": (LEFT_WRIST, LEFT_SHOULDER),
    "right arm": (RIGHT_WRIST, RIGHT_SHOULDER),
    "left leg": (LEFT_ANKLE, LEFT_HIP),
    "right leg": (RIGHT_ANKLE, RIGHT_HIP),
}


def posture_spans(joints: np.ndarray, fps: float) -> list[tuple[str, int, int]]:
    """Postures in order of time as (name, first frame, frame after the last).

    Walking and running are "standing"; a squat's lowest part is "crouching"; planks, push-ups and handstands are "on hands".

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        fps: frames per second.
    """
    names = _posture_of_each_frame(joints)
    spans = []
    for index, name in enumerate(POSTURES):
        found = join_spans(true_spans(names == index), int(0.25 * fps), max(1, int(SHORTEST_POSTURE_SECONDS * fps)))
        spans += [(name, start, end) for start, end in found]
    spans.sort(key=lambda span: span[1])
    # A gap joined above may hold a short other posture: the earlier one ends where the next begins.
    for index in range(len(spans) - 1):
        name, start, end = spans[index]
        spans[index] = (name, start, min(end, spans[index + 1][1]))
    return [span for span in spans if span[2] > span[1]]


def _posture_of_each_frame(joints: np.ndarray) -> np.ndarray:
    """Index into POSTURES of each frame, -1 where no rule is clearly met."""
    leg = leg_length(joints)
    lowest = joints[..., 1].min(axis=1)
    floor = float(np.percentile(lowest, 5))
    upright = unit_vectors(trunk_vector(joints))[:, 1]
    hips, chest = joints[:, PELVIS, 1] - floor, joints[:, SPINE3, 1] - floor
    knees, hands = joints[:, [LEFT_KNEE, RIGHT_KNEE], 1] - floor, joints[:, [LEFT_WRIST, RIGHT_WRIST], 1] - floor
    weight = joints[:, [PELVIS, SPINE3, NECK]].mean(axis=1)[:, [0, 2]]
    support = joints[:, [LEFT_FOOT, RIGHT_FOOT, LEFT_ANKLE, RIGHT_ANKLE]][..., [0, 2]].mean(axis=1)
    # Sitting is what a body cannot do without a seat: the trunk's weight lies beside the feet.
    beside = np.linalg.norm(weight - support, axis=1)
    on_floor = lowest - floor <= 0.15
    hands_down = hands.max(axis=1) < 0.25 * leg
    angles = joint_angles(joints)
    kneeling = (knees.max(axis=1) < 0.25 * leg) & (np.minimum(angles["left_knee"], angles["right_knee"]) > 55)
    rules = (
        ("standing", (upright > 0.8) & (hips > 0.88 * leg)),
        ("on hands and knees", (upright < 0.7) & hands_down & kneeling & (hips > 0.35 * leg)),
        ("on hands", (upright < 0.7) & hands_down & (hips > 0.2 * leg) & (chest > hands.max(axis=1) + 0.1 * leg)),
        ("lying", (upright < 0.5) & (hips < 0.35 * leg) & (chest < 0.45 * leg)),
        ("sitting", (upright > 0.7) & (hips < 0.72 * leg) & (beside > 0.24) & (knees.min(axis=1) > 0.25 * leg)),
        ("sitting", (upright > 0.7) & (hips < 0.3 * leg) & (beside > 0.2)),
        ("crouching", (upright > 0.6) & (hips < 0.72 * leg) & (beside < 0.2) & (knees.min(axis=1) > 0.2 * leg)),
    )
    return np.select([on_floor & met for _, met in rules], [POSTURES.index(name) for name, _ in rules], default=-1)


def still_spans(joints: np.ndarray, fps: float, noise: float = 0.0) -> list[tuple[int, int]]:
    """Frame spans of a second or more in which hardly anything moves.

    Args:
        joints: `(num_frames, 22, 3)` metres.
        fps: frames per second.
        noise: standard deviation of the joints' error, metres, which looks like movement.
    """
    if len(joints) < 2:
        return []
    smooth = moving_average(joints, int(round(0.25 * fps)) | 1)
    speed = np.linalg.norm(np.gradient(smooth, 1.0 / fps, axis=0), axis=2).max(axis=1)
    return join_spans(true_spans(speed < STILL_SPEED + 12 * noise), int(0.1 * fps), int(SHORTEST_STILL_SECONDS * fps))


def raised_hand_spans(joints: np.ndarray, fps: float) -> dict[str, list[tuple[int, int]]]:
    """Side -> frame spans of 0.2 s or more in which that hand is above the head."""
    spans = {}
    for side, wrist in (("left", LEFT_WRIST), ("right", RIGHT_WRIST)):
        above = joints[:, wrist, 1] - joints[:, HEAD, 1] > ABOVE_HEAD
        spans[side] = join_spans(true_spans(above), int(0.1 * fps), max(1, int(0.2 * fps)))
    return spans


def limb_paths(joints: np.ndarray, fps: float) -> tuple[dict[str, float], dict[str, tuple[int, int]]]:
    """How far the end of each limb moves against its root, and when most.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        fps: frames per second.

    Returns:
        limb -> metres, and limb -> the frame span of a second in which it moves most.
    """
    body = moving_average(body_frame(joints), int(round(0.12 * fps)) | 1)
    window = max(1, int(round(fps)))
    paths, spans = {}, {}
    for limb, (end, root) in LIMBS.items():
        steps = np.linalg.norm(np.diff(body[:, end] - body[:, root], axis=0), axis=1)
        total = np.concatenate([[0.0], np.cumsum(steps)])
        paths[limb] = float(total[-1])
        width = min(window, len(total) - 1)
        start = int(np.argmax(total[width:] - total[: len(total) - width])) if width else 0
        spans[limb] = (start, start + width)
    return paths, spans
