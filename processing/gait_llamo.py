# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""What the feet do: steps, strides, jumps, and spans in which no foot is on the floor.

A step is one swing of a foot that ends within the motion: the foot moves or is up, and then stands again. It counts where
the feet take turns, three times or more, or where one or two steps carry the body along, and never on hands and knees, nor
on a seat. A jump is a flight of both feet in which the pelvis falls freely. The flights of a run, from one foot to the other
and low, are none, nor is drawing the feet in while the hands are on the floor.
"""

from dataclasses import dataclass

import numpy as np

from .angles_llamo import (
    LEFT_ANKLE,
    LEFT_FOOT,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_WRIST,
    NECK,
    PELVIS,
    RIGHT_ANKLE,
    RIGHT_FOOT,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_WRIST,
    SPINE3,
    leg_length,
    trunk_vector,
    unit_vectors,
)
from .motion_filters_llamo import join_spans, moving_average, true_spans


FEET = {"left": (LEFT_ANKLE, LEFT_FOOT), "right": (RIGHT_ANKLE, RIGHT_FOOT)}
OFF_GROUND = 0.05  # m that the lower foot is up
TAKE_OFF = 0.02  # m, to which the ends of a flight are followed
SHORTEST_FLIGHT_SECONDS = 0.12
LONGEST_FLIGHT_SECONDS = 1.3
# Free fall is -9.81 m/s^2; the pelvis is not the centre of mass and drawn-up legs shift it.
FREE_FALL = (-16.0, -4.5)
LEAST_RISE = 0.05  # m of the pelvis above take-off
# A flight from one foot to the other is a stride of a run, unless it goes as high as a leap.
STRIDE_SECONDS = 0.1  # between the feet, at take-off and at landing
LEAP_HEIGHT = 0.12  # m
HAND_ON_FLOOR = 0.2  # m of the wrist
SWING_SPEED = 0.45  # m/s of the foot, the least that is a swing
SWING_HEIGHT = 0.06  # m of the foot above its rest
CRAWLING_TRUNK = 0.6  # cosine of its lean
CRAWLING_HIPS = 0.75  # of the leg's length above the lowest joint
# Who sits has both thighs as level as this, cosine against the vertical, and low hips, and the feet do not stand below the
# trunk: without a seat the body would fall. In a crouched walk, or on the heels, it is above them.
SEATED_THIGHS = 0.6
SEATED_HIPS = 0.75  # of the leg's length above the feet
SEATED_BESIDE = 0.26  # of the leg's length, over ground, from the feet's middle to the trunk's
SEATED_SHARE = 0.5  # of a swing
STANDING_SHARE = 0.8  # of the leg's length, from the foot up to the pelvis
STANDING_SECONDS = 0.1
TURN_SECONDS = 1.6  # between the landings of two feet that take turns
# Below these, stepping is in place.
TRAVEL_SPEED = 0.25  # m/s of the pelvis
TRAVEL_REACH = 0.6  # m from where it began


@dataclass
class Step:
    """A swing that landed: frames, and metres the foot moved over ground."""

    side: str
    start: int
    end: int
    length: float


@dataclass
class Jump:
    """A flight: first and last moment in fractional frames, and the rise of the pelvis above take-off in metres."""

    start: float
    end: float
    height: float


def foot_clearance(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Height of each foot's lowest joint above where it rests, `(num_frames,)` metres for left and right.

    A foot that never comes down is measured against the other one.
    """
    lowest = [joints[:, pair, 1].min(axis=1) for pair in FEET.values()]
    rest = [float(np.percentile(values, 5)) for values in lowest]
    floor = min(rest)
    left, right = (values - (low if low < floor + 0.05 else floor) for values, low in zip(lowest, rest, strict=True))
    return left, right


def flights(joints: np.ndarray, fps: float) -> list[tuple[int, int]]:
    """Frame spans in which both feet are off the ground, whatever holds the body up."""
    up = np.minimum(*foot_clearance(joints)) > OFF_GROUND
    return join_spans(true_spans(up), gap=0, shortest=max(2, int(round(SHORTEST_FLIGHT_SECONDS * fps))))


def find_jumps(joints: np.ndarray, fps: float) -> list[Jump]:
    """Jumps in order of time.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        fps: frames per second.
    """
    feet = foot_clearance(joints)
    clearance = np.minimum(*feet)
    lowest = joints[..., 1].min(axis=1)
    hands = joints[:, [LEFT_WRIST, RIGHT_WRIST], 1].min(axis=1) - float(np.percentile(lowest, 5))
    pelvis = joints[:, PELVIS, 1]
    stand = float(np.median(pelvis))
    jumps = []
    for start, end in flights(joints, fps):
        if start == 0 or end == len(joints) or end - start > LONGEST_FLIGHT_SECONDS * fps:
            continue
        first, last = _follow(clearance, start, -1), _follow(clearance, end - 1, 1)
        low, high = max(0, start - 1), min(len(joints), end + 1)
        times = np.arange(low, high) / fps
        if len(times) < 4:
            continue
        fall = 2 * np.polyfit(times - times.mean(), pelvis[low:high], 2)[0]
        top = float(pelvis[start:end].max())
        takeoff = float(np.interp(first, np.arange(len(pelvis)), pelvis))
        landing = float(np.interp(last, np.arange(len(pelvis)), pelvis))
        rise = top - min(takeoff, landing)
        if max(top - takeoff, 0.0) < LEAP_HEIGHT and _is_stride(feet, start, end, fps):
            continue
        if hands[start:end].max() < HAND_ON_FLOOR:  # who gets up from the floor draws the feet in
            continue
        if FREE_FALL[0] < fall < FREE_FALL[1] and rise > LEAST_RISE and top - stand > LEAST_RISE:
            jumps.append(Jump(first, last, max(top - takeoff, 0.0)))
    return jumps


def _is_stride(feet: tuple[np.ndarray, np.ndarray], start: int, end: int, fps: float) -> bool:
    """True where the flight `start` to `end` goes from one foot to the other one, whose clearances are `feet`."""
    left_ground, landed = [], []
    for clearance in feet:
        before, after = np.flatnonzero(clearance[:start] <= OFF_GROUND), np.flatnonzero(clearance[end:] <= OFF_GROUND)
        left_ground.append(before[-1] if len(before) else -np.inf)
        landed.append(after[0] if len(after) else np.inf)
    off, on = np.subtract(*left_ground) / fps, np.subtract(*landed) / fps
    # The foot that pushes leaves the ground last; the other one lands first: both differences have the same sign.
    return min(abs(off), abs(on)) >= STRIDE_SECONDS and off * on > 0


def _follow(clearance: np.ndarray, frame: int, step: int) -> float:
    """Fractional frame at which the clearance falls to TAKE_OFF, or to its lowest, going from `frame` in direction `step`."""
    while 0 <= frame + step < len(clearance):
        here, following = clearance[frame], clearance[frame + step]
        if following <= TAKE_OFF:
            return frame + step * float((here - TAKE_OFF) / max(here - following, 1e-9))
        if following >= here and here < OFF_GROUND:  # feet that seem to hover: the error of an estimator
            return float(frame)
        frame += step
    return float(frame)


def find_steps(joints: np.ndarray, fps: float, noise: float = 0.0) -> list[Step]:
    """Steps in order of their landings, in place or travelling.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        fps: frames per second.
        noise: standard deviation of the joints' error, metres.
    """
    if len(joints) < max(4, int(0.4 * fps)):
        return []
    swings = []
    smooth = moving_average(joints, int(round(0.05 * fps)) + 1)
    for (side, pair), clearance in zip(FEET.items(), foot_clearance(joints), strict=True):
        foot = smooth[:, pair].mean(axis=1)
        speed = np.linalg.norm(np.gradient(foot, 1.0 / fps, axis=0), axis=1)
        fast = max(SWING_SPEED + 8 * noise, 0.22 * float(np.percentile(speed, 97)))
        clearance = _above_its_ground(joints, side, speed < fast / 2, fps, clearance)
        moving = (speed > fast) | (clearance > SWING_HEIGHT + 1.5 * noise)
        # At its highest a foot may stand still for a moment.
        for start, end in join_spans(true_spans(moving), gap=int(0.045 * fps), shortest=max(2, int(0.1 * fps))):
            if end == len(joints):
                continue
            length = float(np.linalg.norm((foot[end] - foot[max(start - 1, 0)])[[0, 2]]))
            if length > 0.1 + 2 * noise or clearance[start:end].max() > SWING_HEIGHT + 1.5 * noise:
                swings.append(Step(side, start, end, length))
    crawls, sits = _crawls(joints), _sits(joints)
    swings = [swing for swing in swings if not (_hops(swing, swings) or crawls[swing.end])]
    swings = [swing for swing in swings if sits[swing.start : swing.end + 1].mean() <= SEATED_SHARE]
    swings.sort(key=lambda swing: swing.end)
    return _taking_turns(swings, joints, fps)


def _above_its_ground(joints: np.ndarray, side: str, slow: np.ndarray, fps: float, clearance: np.ndarray) -> np.ndarray:
    """Height of a foot above the ground it stands on before and after, `(num_frames,)` metres: stairs, slopes, uneven ground.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        slow: `(num_frames,)` bool, where the foot rests.
        clearance: `(num_frames,)` above the one floor of the whole motion, which is all there is for a foot that never stands.
    """
    heights = {name: joints[:, pair, 1].min(axis=1) for name, pair in FEET.items()}
    height = heights.pop(side)
    (other,) = heights.values()
    # A foot that is held up is slow as well; a leg that stands is stretched, and nothing is far below it.
    stretched = joints[:, PELVIS, 1] - height > STANDING_SHARE * leg_length(joints)
    stands = slow & stretched & (height < other + SWING_HEIGHT)
    spans = join_spans(true_spans(stands), gap=0, shortest=max(2, int(STANDING_SECONDS * fps)))
    frames = np.concatenate([np.arange(start, end) for start, end in spans] or [np.zeros(0, dtype=int)])
    return height - np.interp(np.arange(len(height)), frames, height[frames]) if len(frames) else clearance


def _crawls(joints: np.ndarray) -> np.ndarray:
    """`(num_frames,)` bool: the trunk lies and the hips are low, so that the feet do not carry the body."""
    upright = unit_vectors(trunk_vector(joints))[:, 1]
    hips = joints[:, PELVIS, 1] - joints[..., 1].min(axis=1)
    return (upright < CRAWLING_TRUNK) & (hips < CRAWLING_HIPS * leg_length(joints))


def _sits(joints: np.ndarray) -> np.ndarray:
    """`(num_frames,)` bool: a seat carries the body, or the floor, so that the feet do not, wherever they swing or tap."""
    leg = leg_length(joints)
    thighs = joints[:, [LEFT_HIP, RIGHT_HIP]] - joints[:, [LEFT_KNEE, RIGHT_KNEE]]
    level = unit_vectors(thighs)[..., 1].max(axis=1) < SEATED_THIGHS
    feet = joints[:, [joint for pair in FEET.values() for joint in pair]]
    low = joints[:, PELVIS, 1] - feet[..., 1].min(axis=1) < SEATED_HIPS * leg
    beside = np.linalg.norm((joints[:, [PELVIS, SPINE3, NECK]].mean(axis=1) - feet.mean(axis=1))[:, [0, 2]], axis=1)
    return level & low & (beside > SEATED_BESIDE * leg)


def _hops(swing: Step, swings: list[Step]) -> bool:
    """True where the other foot swings along at the same time: no step."""
    for other in swings:
        if other.side != swing.side:
            common = min(swing.end, other.end) - max(swing.start, other.start)
            if common > 0.75 * max(swing.end - swing.start, other.end - other.start):
                return True
    return False


def _taking_turns(swings: list[Step], joints: np.ndarray, fps: float) -> list[Step]:
    """Keeps runs in which the feet take turns; runs of one or two steps only where the body goes along."""
    runs: list[list[Step]] = []
    for swing in swings:
        if runs and runs[-1][-1].side != swing.side and swing.end - runs[-1][-1].end <= TURN_SECONDS * fps:
            runs[-1].append(swing)
        else:
            runs.append([swing])
    kept = []
    for run in runs:
        way = joints[run[-1].end, PELVIS] - joints[run[0].start, PELVIS]
        if len(run) >= 3 or float(np.hypot(way[0], way[2])) > 0.35:
            kept += run
    return kept


def travelling_spans(joints: np.ndarray, steps: list[Step], fps: float) -> list[tuple[int, int]]:
    """Frame spans in which steps carry the body along."""
    walking = np.zeros(len(joints), dtype=bool)
    for step in steps:
        walking[step.start : step.end + 1] = True
    ground = moving_average(joints[:, PELVIS][:, [0, 2]], int(round(0.8 * fps)) | 1)
    speed = np.linalg.norm(np.gradient(ground, 1.0 / fps, axis=0), axis=1) if len(ground) > 1 else np.zeros(len(ground))
    spans = []
    for start, end in join_spans(true_spans(walking), gap=int(0.7 * fps), shortest=1):
        # There and back again is travelling too, a step out and back is not.
        reach = float(np.linalg.norm(ground[start:end] - ground[start], axis=1).max())
        if reach > TRAVEL_REACH and float(np.mean(speed[start:end])) > TRAVEL_SPEED:
            # A swing that the motion's ends cut off is no step, but it is walking all the same.
            while start > 0 and speed[start - 1] > TRAVEL_SPEED:
                start -= 1
            while end < len(speed) and speed[end] > TRAVEL_SPEED:
                end += 1
            spans.append((start, end))
    return spans


def cadence(steps: list[Step], fps: float) -> float | None:
    """Steps per minute within runs of taking turns; `None` with fewer than three steps in a row."""
    gaps = np.diff([step.end for step in steps]) / fps
    gaps = gaps[gaps <= TURN_SECONDS]
    return float(60.0 / gaps.mean()) if len(gaps) > 1 else None


def stride_lengths(steps: list[Step], joints: np.ndarray, fps: float) -> list[float]:
    """Metres between two landings of the same foot one after the other, where the feet take turns."""
    lengths = []
    for first, between, second in zip(steps, steps[1:], steps[2:]):
        if first.side == second.side != between.side and second.end - first.end < 2 * TURN_SECONDS * fps:
            pair = list(FEET[first.side])
            way = joints[second.end, pair].mean(axis=0) - joints[first.end, pair].mean(axis=0)
            lengths.append(float(np.hypot(way[0], way[2])))
    return lengths
