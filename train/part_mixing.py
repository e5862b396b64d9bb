"""The arms and trunk of one motion on the legs of another.

People punch, wave and phone on legs that dance, shift and step, and kick with arms that do as they like; a program moves all
parts as its author thought of them. So half of what training sees of an action is lent by recorded people: procedural arms on
recorded legs, or procedural legs under recorded arms. What the motion is called stays what its program says, and a model can no
longer tell "dance" by legs that are a person's. SINC (arXiv 2304.10417) composes parts in this way, from rotations; here it is
done with joints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from llamo.processing.angles_llamo import unit_vectors
from llamo.processing.motion_features_llamo import LEFT_HIP, PELVIS, RIGHT_HIP
from llamo.train.augmentation import FPS
from llamo.train.recorded import RecordedClip
from llamo.train.synthesis.engine import SyntheticMotion


LEGS = (0, 1, 2, 4, 5, 7, 8, 10, 11)  # with the pelvis
TRUNK_AND_ARMS = (3, 6, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)
SPINE3, ANKLES, KNEES, FEET = 9, (7, 8), (4, 5), (10, 11)

# Named by what arms and trunk do, on legs that stand or step about.
DONE_WITH_ARMS = frozenset(
    "wave raise_hand raise_hands point beckon salute shake_hands throw_kiss think look_far clap shrug nod shake_head "
    "direct_traffic signal talk cross_arms hands_on_hips cheer cover_ears pray hug punch elbow_strike block guard throw toss "
    "catch slash archery drink eat phone wash wash_self scratch_head check_watch yawn cough text_phone take_photo rub_hands "
    "conduct play_guitar brush_teeth write stir reach look_around arm_circles biceps_curl lateral_raise overhead_press "
    "arms_out torso_twist".split()
)
# Named by what the legs do, whatever the arms do; a person who walks or runs with the arms of a dancer dances.
GAITS = frozenset(
    "walk walk_backward sidestep shuffle walk_curve jog run run_curve sprint turn limp tiptoe climb_stairs "
    "descend_stairs".split()
)
DONE_WITH_LEGS = GAITS | frozenset(
    "kick side_kick knee_strike spin_kick kick_ball hop march high_knees heel_kicks step_up jump jump_forward jump_side lunge "
    "side_lunge squat calf_raise knee_raise leg_raise_side skip plie leap".split()
)
# Whose trunk and arms may be lent, by what their clips show.
ARMS_OF_GAITS = frozenset("walk run walk_uneven".split())
ARMS_OF_OTHERS = ARMS_OF_GAITS | frozenset(
    "dance jump jump_forward hop balance kick_ball swordplay punch signal direct_traffic".split()
)
LEGS_OF = frozenset("dance dribble shoot_basket signal direct_traffic wash_self swordplay punch kick_ball walk".split())

UPRIGHT = np.cos(np.radians(40.0))
SLOW, LOW = 0.6, 0.22  # m/s of the pelvis, metres of the higher ankle: legs that stand or step about


def mix_parts(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Trunk, head and arms of one motion on pelvis and legs of another, its trunk as upright as the legs' own.

    Args:
        upper, lower: `(num_frames, 22, 3)` joints, Y up, of as many frames at the same rate; sizes may differ.

    Returns:
        `(num_frames, 22, 3)`: the legs as they were, the rest turned with their pelvis and sized to them.

    Raises:
        ValueError: motions of different lengths.
    """
    if upper.shape != lower.shape:
        raise ValueError(
            f"Expected two motions of one length, got {upper.shape} and {lower.shape} in mix_parts. Cut the longer one."
        )
    upper = np.asarray(upper, dtype=np.float64)
    mixed = np.array(lower, dtype=np.float64)
    turn = trunk_frames(mixed) @ np.swapaxes(trunk_frames(upper), 1, 2)
    offsets = (upper[:, TRUNK_AND_ARMS] - upper[:, :1]) * (leg_length(mixed) / leg_length(upper))
    mixed[:, TRUNK_AND_ARMS] = mixed[:, :1] + np.einsum("tij,tkj->tki", turn, offsets)
    return mixed


def trunk_frames(joints: np.ndarray) -> np.ndarray:
    """Orientation of hips and trunk, `(num_frames, 3, 3)`: columns to the left, up along the spine, forward."""
    up = unit_vectors(joints[:, SPINE3] - joints[:, PELVIS])
    forward = unit_vectors(np.cross(joints[:, LEFT_HIP] - joints[:, RIGHT_HIP], up))
    return np.stack([np.cross(up, forward), up, forward], axis=-1)


def leg_length(joints: np.ndarray) -> float:
    """Thigh and shank, metres, over the motion and both legs."""
    hips = joints[:, (LEFT_HIP, RIGHT_HIP)]
    thighs = np.linalg.norm(joints[:, KNEES] - hips, axis=-1)
    return float(np.median(thighs + np.linalg.norm(joints[:, ANKLES] - joints[:, KNEES], axis=-1)))


class PartDonors:
    """Recorded people who lend their legs, or trunk and arms, to procedural motions.

    Args:
        clips: recorded clips; those on a generic skeleton are passed over.
    """

    def __init__(self, clips: Sequence[RecordedClip]):
        clips = [clip for clip in clips if clip.actions and not clip.approximate and round(clip.fps) == FPS]
        self.legs = [(clip, standing(clip.joints)) for clip in clips if set(clip.actions) <= LEGS_OF]
        self.arms = [(clip, upright(clip.joints)) for clip in clips if set(clip.actions) <= ARMS_OF_OTHERS]

    def mix(self, motion: SyntheticMotion, rng: np.random.Generator) -> SyntheticMotion:
        """The motion with recorded legs or arms; itself where its action needs them all, or nobody can lend as much."""
        keys = {segment.action for segment in motion.segments}
        if len(keys) != 1 or any(segment.fault for segment in motion.segments):
            return motion
        (key,) = keys
        frames = len(motion.joints)
        if key in DONE_WITH_ARMS:
            lent = draw_window(self.legs, frames, rng)
            parts = (motion.joints, lent)
        elif key in DONE_WITH_LEGS:
            allowed = ARMS_OF_GAITS if key in GAITS else ARMS_OF_OTHERS
            lent = draw_window([pair for pair in self.arms if set(pair[0].actions) <= allowed], frames, rng)
            parts = (lent, motion.joints)
        else:
            return motion
        return motion if lent is None else replace(motion, joints=mix_parts(*parts).astype(np.float32))


def draw_window(
    lenders: Sequence[tuple[RecordedClip, np.ndarray]], frames: int, rng: np.random.Generator, tries: int = 12
) -> np.ndarray | None:
    """`frames` joints of some clip, mirrored half of the time, in all of which its people may lend; `None` where none is found.

    Args:
        lenders: clips, each with `(num_frames,)` bool: where it may lend.
    """
    for _ in range(tries if lenders else 0):
        clip, free = lenders[int(rng.integers(len(lenders)))]
        sums = np.concatenate([[0], np.cumsum(free)])
        starts = np.flatnonzero(sums[frames:] - sums[:-frames] == frames) if len(free) >= frames else []
        if len(starts):
            start = int(rng.choice(starts))
            window = clip.window(start, start + frames)
            return (window.mirrored() if rng.random() < 0.5 else window).joints
    return None


def upright(joints: np.ndarray) -> np.ndarray:
    """`(num_frames,)` bool: the trunk near the vertical, above the knees."""
    trunk = unit_vectors(joints[:, SPINE3] - joints[:, PELVIS])
    return (trunk[:, 1] > UPRIGHT) & (joints[:, PELVIS, 1] > joints[:, KNEES, 1].max(1))


def standing(joints: np.ndarray) -> np.ndarray:
    """`(num_frames,)` bool: on the feet, which stay low, and hardly getting anywhere within a second about the frame."""
    half = int(FPS / 2)
    padded = np.pad(joints[:, PELVIS][:, [0, 2]], ((half, half), (0, 0)), mode="edge")
    speed = np.linalg.norm(padded[2 * half :] - padded[: -2 * half], axis=-1) * FPS / (2 * half)
    return upright(joints) & (speed < SLOW) & (joints[:, ANKLES, 1].max(1) < LOW)
