"""Two recorded clips as one: the second person's motion goes on where and as the first one's ends, in the first one's body.

Recordings that are labelled show one action each; what people bring shows several, one after the other. A seam is only made
where both are upright and at about the same height, so that the half second in which one becomes the other could be a step.
"""

from __future__ import annotations

import numpy as np

from llamo.processing.motion_features_llamo import PARENTS, PELVIS, heading_angles, rotate_yaw
from llamo.train.part_mixing import leg_length, upright
from llamo.train.questions.vocabulary import confusable, includes
from llamo.train.questions.wording import clause
from llamo.train.recorded import RecordedClip


SEAM_SECONDS = 0.4
HEIGHT_APART = 0.15  # m, of the pelvis on the two sides of a seam
PART_SECONDS = (1.5, 5.0)


def stitch(first: RecordedClip, second: RecordedClip) -> RecordedClip | None:
    """The two clips as one of both actions, in their order; `None` where no seam is possible or they show the same.

    Args:
        first, second: clips of one known action each, at one frame rate.
    """
    if len(first.actions) != 1 or len(second.actions) != 1 or first.fps != second.fps:
        return None
    one, other = first.actions[0], second.actions[0]
    if confusable(one, other) or includes(one, other) or includes(other, one):
        return None
    seam = int(round(SEAM_SECONDS * first.fps))
    if min(len(first.joints), len(second.joints)) <= 2 * seam:
        return None
    before = first.joints.astype(np.float64)
    after = in_body_of(second.joints.astype(np.float64), before)
    ends, starts = before[-seam:], after[:seam]
    if not (upright(ends).all() and upright(starts).all()):
        return None
    if abs(ends[:, PELVIS, 1].mean() - starts[:, PELVIS, 1].mean()) > HEIGHT_APART:
        return None
    after = rotate_yaw(after, np.median(heading_angles(ends)) - np.median(heading_angles(starts)))
    middle = seam // 2
    after[..., [0, 2]] += before[middle - seam, PELVIS, [0, 2]] - after[middle, PELVIS, [0, 2]]
    share = ((np.arange(seam) + 1) / (seam + 1))[:, None, None]
    share = share * share * (3 - 2 * share)
    blend = before[-seam:] * (1 - share) + after[:seam] * share
    joints = np.concatenate([before[:-seam], blend, after[seam:]]).astype(np.float32)
    return RecordedClip(
        id=f"{first.id}+{second.id}",
        split=first.split,
        joints=joints,
        fps=first.fps,
        description="",
        captions=(f"The person {clause(one)} and then {clause(other)}.", f"The person {clause(one)}, then {clause(other)}."),
        actions=(one, other),
        throughout=False,
        whole=False,
        approximate=first.approximate or second.approximate,
    )


def in_body_of(joints: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The motion with the bone lengths of another one, its pelvis as much higher as the legs are longer.

    Args:
        joints, other: `(num_frames, 22, 3)` metres; their numbers of frames may differ.
    """
    moved = np.array(joints, dtype=np.float64)
    moved[:, PELVIS] = joints[:, PELVIS] * (leg_length(other) / leg_length(joints))
    for joint, parent in enumerate(PARENTS):
        if parent < 0:
            continue
        bone = joints[:, joint] - joints[:, parent]
        length = np.median(np.linalg.norm(other[:, joint] - other[:, parent], axis=-1))
        moved[:, joint] = moved[:, parent] + bone * (length / np.maximum(np.linalg.norm(bone, axis=-1, keepdims=True), 1e-6))
    return moved


def part_to_stitch(clip: RecordedClip, rng: np.random.Generator) -> RecordedClip:
    """A part of a clip that shows its action throughout; the whole clip where it does not."""
    frames = int(rng.uniform(*PART_SECONDS) * clip.fps)
    if not clip.throughout or len(clip.joints) <= frames:
        return clip
    start = int(rng.integers(len(clip.joints) - frames + 1))
    return clip.window(start, start + frames)
