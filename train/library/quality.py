"""What is wrong with a recorded clip: rules on joints alone, each with what to do about it.

Every rule keeps silent inside a margin: a clip that is told of is worth a look. Joints are `(num_frames, 22, 3)` in metres,
right-handed, Y up, as the readers give them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from llamo.processing.gait_llamo import flights
from llamo.processing.motion_features_llamo import heading_angles


PELVIS, LEFT_HIP, RIGHT_HIP, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE, LEFT_TOE, RIGHT_TOE = 0, 1, 2, 4, 5, 7, 8, 10, 11
SHOULDERS, WRISTS = (16, 17), (20, 21)
SIDES = ((1, 2), (4, 5), (7, 8), (10, 11), (13, 14), (16, 17), (18, 19), (20, 21))
GRAVITY = 9.81  # m/s^2
T_POSE_SECONDS, T_POSE_SLOPE = 0.3, 0.26  # arms within 15 degrees of level
JUMP_SPEED, JUMP_TIMES = 12.0, 8.0  # m/s of the whole body, and how much more than in the frames around
STILL_METRES = 0.02
LEG_METRES = (0.55, 1.15)  # from hip to ankle, of children to giants
SKATE_SPEED, SKATE_SHARE, GROUND_METRES = 0.45, 0.35, 0.03  # of a foot on the ground
SHORTEST_FLIGHT, LONGEST_FLIGHT, GRAVITY_FACTOR = 0.15, 1.5, 2.5  # seconds, and off which factor


@dataclass(frozen=True)
class Problem:
    """Something to look at: its `kind`, since when (None: throughout), what was seen, and what to do."""

    kind: str
    at_s: float | None
    says: str
    do: str


def find_problems(joints: np.ndarray, fps: float) -> list[Problem]:
    """All problems of a clip.

    Args:
        joints: `(num_frames, 22, 3)` metres; NaN where a joint was not seen.
        fps: frames per second.
    """
    joints = np.asarray(joints, dtype=np.float64)
    if np.isnan(joints).any():
        joints = filled(joints)
    found = [units(joints), still(joints), t_pose(joints, fps), *jumps(joints, fps), sides_throughout(joints)]
    found += [foot_skate(joints, fps), rate(joints, fps)]
    return [problem for problem in found if problem is not None]


def filled(joints: np.ndarray) -> np.ndarray:
    """Missing joints where they were seen last, so that gaps are no jumps."""
    joints = joints.copy()
    seen = ~np.isnan(joints).any(-1)
    for joint in range(joints.shape[1]):
        frames = np.flatnonzero(seen[:, joint])
        if not len(frames):
            joints[:, joint] = 0.0
            continue
        place = np.clip(np.searchsorted(frames, np.arange(len(joints)), side="right") - 1, 0, None)
        joints[:, joint] = joints[frames[place], joint]
    return joints


def units(joints: np.ndarray) -> Problem | None:
    """Legs that no person has."""
    sides = ((LEFT_HIP, LEFT_KNEE, LEFT_ANKLE), (RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE))
    length = np.median(
        [
            np.linalg.norm(joints[:, a] - joints[:, b], axis=-1) + np.linalg.norm(joints[:, b] - joints[:, c], axis=-1)
            for a, b, c in sides
        ]
    )
    if LEG_METRES[0] <= length <= LEG_METRES[1]:
        return None
    return Problem("units", None, f"legs of {length:.2f} m", "read it with --units m, cm, mm, inch or ft")


def still(joints: np.ndarray) -> Problem | None:
    """Nothing moves."""
    spread = float(np.abs(joints - joints.mean(0)).max())
    if spread >= STILL_METRES:
        return None
    return Problem("still", None, f"no joint moves by more than {100 * spread:.1f} cm", "leave the clip out")


def t_pose(joints: np.ndarray, fps: float) -> Problem | None:
    """A calibration pose before the motion: both arms level and straight out to the sides."""
    level = np.ones(len(joints), dtype=bool)
    across = joints[:, SHOULDERS[0]] - joints[:, SHOULDERS[1]]
    across = across / np.linalg.norm(across, axis=-1, keepdims=True).clip(1e-6)
    for shoulder, wrist, sign in zip(SHOULDERS, WRISTS, (1, -1), strict=True):
        arm = joints[:, wrist] - joints[:, shoulder]
        arm = arm / np.linalg.norm(arm, axis=-1, keepdims=True).clip(1e-6)
        level &= (np.abs(arm[:, 1]) < T_POSE_SLOPE) & (sign * (arm * across).sum(-1) > 0.93)
    if level.all():
        return None  # arms out are what the clip is about
    length = int(np.argmin(level))
    if length < T_POSE_SECONDS * fps:
        return None
    return Problem("T-pose", 0.0, f"arms out for the first {length / fps:.1f} s", f"cut the first {length / fps:.1f} s")


def jumps(joints: np.ndarray, fps: float) -> list[Problem]:
    """Frames between which the body is somewhere else, or left and right change places."""
    if len(joints) < 5:
        return []
    moved = np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean(1)  # metres from frame to frame
    usual = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(moved, 4, mode="reflect"), 9), axis=-1)
    sudden = (moved * fps > JUMP_SPEED) & (moved > JUMP_TIMES * usual.clip(1e-4))
    order = np.arange(joints.shape[1])
    for left, right in SIDES:
        order[[left, right]] = right, left
    swapped = np.linalg.norm(joints[1:, order] - joints[:-1], axis=-1).mean(1)
    exchanged = (moved > 0.1) & (moved > 2 * usual) & (moved > 2 * swapped)
    found = []
    for frames, kind, words, remedy in (
        (np.flatnonzero(sudden & ~exchanged), "jump", "the body is somewhere else a frame later", "cut the clip there"),
        (np.flatnonzero(exchanged), "swapped sides", "left and right change places", "swap them back there, or cut the clip"),
    ):
        if len(frames):
            times = f" ({len(frames)} times)" if len(frames) > 1 else ""
            found.append(Problem(kind, round(float(frames[0] + 1) / fps, 3), words + times, remedy))
    return found


def sides_throughout(joints: np.ndarray) -> Problem | None:
    """Toes that point backwards: the names of left and right are exchanged, or the clip is mirrored."""
    heading = heading_angles(joints)
    forward = np.stack([np.sin(heading), np.cos(heading)], axis=-1)
    feet = (joints[:, [LEFT_TOE, RIGHT_TOE]] - joints[:, [LEFT_ANKLE, RIGHT_ANKLE]])[..., [0, 2]]
    length = np.linalg.norm(feet, axis=-1).clip(1e-6)
    ahead = np.median((feet * forward[:, None]).sum(-1) / length)
    if length.mean() < 0.03 or ahead > -0.5:
        return None
    return Problem("swapped sides", None, "the toes point backwards", "exchange left and right with --joint-map")


def foot_skate(joints: np.ndarray, fps: float) -> Problem | None:
    """Feet that slide while they are on the ground."""
    if len(joints) < 0.5 * fps:
        return None
    floor = np.quantile(joints[:, [LEFT_TOE, RIGHT_TOE], 1], 0.05)
    step = max(1, round(fps / 20))  # at a rate at which jitter is no speed
    feet = joints[::step][:, [LEFT_TOE, RIGHT_TOE]]
    speed = np.linalg.norm(np.diff(feet[..., [0, 2]], axis=0), axis=-1) * fps / step
    down = (feet[:-1, :, 1] < floor + GROUND_METRES) & (feet[1:, :, 1] < floor + GROUND_METRES)
    if down.sum() < 10:
        return None
    share = float((speed[down] > SKATE_SPEED).mean())
    if share < SKATE_SHARE:
        return None
    says = f"feet on the ground slide in {100 * share:.0f} % of the frames"
    return Problem("foot skate", None, says, "check units, fps and up axis; else clean the contacts or leave the clip out")


def rate(joints: np.ndarray, fps: float) -> Problem | None:
    """Flights that do not fall as things fall: the clip is played too fast or too slowly."""
    falls = []
    for start, end in flights(joints, fps):
        if not SHORTEST_FLIGHT <= (end - start) / fps <= LONGEST_FLIGHT or end - start < 5:
            continue
        time, height = np.arange(end - start) / fps, joints[start:end].mean(1)[:, 1]
        curve = np.polyfit(time, height, 2)
        # Whoever hangs from a bar is off the ground too, and does not fall.
        if np.std(height - np.polyval(curve, time)) < 0.1 * np.std(height) and curve[0] < 0:
            falls.append(-2.0 * curve[0])
    if not falls:
        return None
    fall = float(np.median(falls))
    if GRAVITY / GRAVITY_FACTOR < fall < GRAVITY * GRAVITY_FACTOR:
        return None
    # Nothing falls faster than it does; more slowly does who is held, so that several flights have to agree.
    if fall < GRAVITY and (len(falls) < 2 or max(falls) > 1.5 * min(falls)):
        return None
    guess = fps * (GRAVITY / fall) ** 0.5
    says = f"jumps fall with {fall:.1f} m/s^2 instead of 9.8"
    return Problem("fps", None, says, f"read it with --fps {guess:.0f} if that is what it was recorded with")
