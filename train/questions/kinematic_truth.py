"""What joint positions alone prove about a motion, and nothing more.

Every measure abstains (None) inside a margin around its threshold: a question is only worth asking where its answer
can be defended. Joints are `(num_frames, 22, 3)` in metres, right-handed, Y up, left = +X for a person facing +Z, at
any frame rate; everything is measured at 20 frames per second after a low-pass, so that thresholds mean the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np


Side = Literal["left", "right", "both", "neither"]
EDGE = 2  # frames at either end of a motion over which its facing is averaged
RATE = 20.0  # frames per second at which every threshold below is meant

# Joint numbers of the 22-joint skeleton (order of motion_features_llamo.JOINT_NAMES).
PELVIS, L_HIP, R_HIP, L_KNEE, R_KNEE, L_ANKLE, R_ANKLE, SPINE3, L_FOOT, R_FOOT = 0, 1, 2, 4, 5, 7, 8, 9, 10, 11
NECK, HEAD, L_SHOULDER, R_SHOULDER, L_ELBOW, R_ELBOW, L_WRIST, R_WRIST = 12, 15, 16, 17, 18, 19, 20, 21

# Speed words of level gait in m/s; between two ranges the word is arguable, and no question is asked. Comfortable adult
# walking is 1.2-1.4 m/s (Bohannon 1997, Age and Ageing 26:15-19); the rest is convention, stated in the README.
WALK_SPEED = {"slow": (0.15, 0.95), "normal": (1.1, 1.5), "fast": (1.65, 2.6)}
RUN_SPEED = {"slow": (1.0, 2.2), "normal": (2.6, 3.6), "fast": (4.2, 12.0)}


@dataclass(frozen=True)
class KinematicTruth:
    """Measured facts of one motion; None = the measure cannot be defended here."""

    seconds: float
    upright: float  # share of frames with the torso within 50 degrees of vertical
    travel: str | None  # forward, backward, left, right (the body's own), in place
    path: float  # metres the pelvis covers over ground
    turn: str | None  # left, right, none: net change of facing
    turn_degrees: float | None  # positive = to the person's left
    speed: float  # mean speed of the pelvis over ground, m/s
    gait: str | None  # walk, run
    speed_word: str | None  # slow, normal, fast: only with a gait
    moving_hand: Side | None  # which hand moves (more)
    raised_hand: Side | None  # which hand goes above the head
    moving_leg: Side | None
    kicking_foot: str | None  # left, right
    standing_leg: str | None  # left, right: stands on one leg for most of the motion
    jumps: int | None
    flight_times: tuple[float, ...]  # seconds at which each jump's flight begins
    steps: int | None
    dips: int | None  # times the pelvis goes well down and comes back up, feet on the ground
    posture: str | None  # one that holds for most of the motion
    start_posture: str | None
    end_posture: str | None


def measure(joints: np.ndarray, fps: float) -> KinematicTruth:
    """Measure a motion.

    Args:
        joints: `(num_frames, 22, 3)`, metres, Y up, floor near 0.
        fps: frames per second.

    Raises:
        ValueError: joints of another shape, not finite, or a frame rate that is not positive.
    """
    joints = np.asarray(joints, dtype=np.float64)
    if joints.ndim != 3 or joints.shape[1:] != (22, 3) or len(joints) == 0:
        raise ValueError(
            f"expected joints of shape (num_frames, 22, 3), got {joints.shape} in kinematic_truth.measure; "
            "convert the motion with llamo.processing first"
        )
    if not np.isfinite(joints).all() or not fps > 0:
        raise ValueError(
            f"expected finite joints and a positive frame rate, got fps={fps} and "
            f"{int((~np.isfinite(joints)).sum())} non-finite numbers in kinematic_truth.measure; repair the clip first"
        )
    seconds = len(joints) / fps
    joints = _at_rate(joints, fps)
    facing, torso_up = _facing(joints)
    upright = float((torso_up > np.cos(np.radians(50))).mean())
    travel, path = _travel(joints, facing, upright)
    turn, degrees = _turn(joints, torso_up)
    flights, jumps = _jumps(joints, upright)
    speed = path / seconds
    gait = _gait(joints, travel, speed, upright, torso_up)
    postures = _postures(joints, torso_up)
    return KinematicTruth(
        seconds=seconds,
        upright=upright,
        travel=travel,
        path=path,
        turn=turn,
        turn_degrees=degrees,
        speed=speed,
        gait=gait,
        speed_word=_speed_word(gait, _moving_speed(joints)),
        moving_hand=_busier(joints, facing, (L_WRIST, R_WRIST), (L_SHOULDER, R_SHOULDER), upright),
        raised_hand=_raised_hand(joints, torso_up),
        moving_leg=_busier(joints, facing, (L_ANKLE, R_ANKLE), (L_HIP, R_HIP), upright),
        kicking_foot=_kicking_foot(joints, gait),
        standing_leg=_standing_leg(joints),
        jumps=jumps,
        flight_times=tuple(round(frame / RATE, 2) for frame in flights),
        steps=_steps(joints, facing, gait, travel),
        dips=_dips(joints, torso_up, jumps),
        posture=_dominant(postures, 0.85),
        start_posture=_dominant(postures[: int(0.5 * RATE)], 0.9),
        end_posture=_dominant(postures[-int(0.5 * RATE) :], 0.9),
    )


def measure_once(joints: np.ndarray, fps: float) -> KinematicTruth:
    """`measure`, remembered: a clip is asked many times over in training, and measuring it is the slow part."""
    joints = np.ascontiguousarray(joints, dtype=np.float32)
    return _measure_bytes(joints.tobytes(), float(fps))


@lru_cache(maxsize=4096)
def _measure_bytes(joints: bytes, fps: float) -> KinematicTruth:
    return measure(np.frombuffer(joints, dtype=np.float32).reshape(-1, 22, 3), fps)


def _at_rate(joints: np.ndarray, fps: float) -> np.ndarray:
    """Resample to RATE; above it, average over one output frame first, so that marker noise does not become path."""
    if fps > RATE * 1.2:
        width = max(1, int(round(fps / RATE)))
        joints = _smooth(joints, width)
    if abs(fps - RATE) > 1e-3 and len(joints) > 1:
        num_out = max(2, int(round((len(joints) - 1) / fps * RATE)) + 1)
        where = np.clip(np.arange(num_out) / RATE * fps, 0, len(joints) - 1)
        low = np.minimum(where.astype(int), len(joints) - 2)
        part = (where - low)[:, None, None]
        joints = joints[low] * (1 - part) + joints[low + 1] * part
    return joints


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Moving average over `width` frames along axis 0, edges repeated."""
    if width <= 1 or len(values) < 2:
        return values
    before = width // 2
    padded = np.concatenate([values[:1]] * before + [values] + [values[-1:]] * (width - 1 - before))
    total = np.cumsum(np.concatenate([np.zeros_like(padded[:1]), padded]), axis=0)
    return (total[width:] - total[:-width]) / width


def _facing(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Horizontal unit facing `(T, 2)` as (x, z), and the vertical share of the torso's direction `(T,)`."""
    across = (joints[:, L_HIP] - joints[:, R_HIP]) + (joints[:, L_SHOULDER] - joints[:, R_SHOULDER])
    forward = np.stack([-across[:, 2], across[:, 0]], axis=1)  # left x up
    forward /= np.maximum(np.linalg.norm(forward, axis=1, keepdims=True), 1e-6)
    torso = joints[:, NECK] - joints[:, PELVIS]
    up = torso[:, 1] / np.maximum(np.linalg.norm(torso, axis=1), 1e-6)
    return forward, up


def _travel(joints: np.ndarray, facing: np.ndarray, upright: float) -> tuple[str | None, float]:
    """Direction of travel in the body's own frame, and the path length over ground in metres."""
    ground = _smooth(joints[:, PELVIS][:, [0, 2]], 5)
    steps = np.diff(ground, axis=0)
    path = float(np.linalg.norm(steps, axis=1).sum())
    reach = float(np.linalg.norm(ground - ground[0], axis=1).max()) if len(ground) else 0.0
    if reach < 0.25 and path < 1.5 + 0.15 * len(joints) / RATE:
        return "in place", path
    if upright < 0.9 or path < 0.8 or reach < 0.7:
        return None, path
    # A slow heading: the trunk swings with every step, and half a second of it does not change where one walks.
    slow = _smooth(facing, 9)[:-1]
    slow = slow / np.maximum(np.linalg.norm(slow, axis=1, keepdims=True), 1e-6)
    ahead = float((steps * slow).sum())
    left = float((steps[:, 0] * slow[:, 1] - steps[:, 1] * slow[:, 0]).sum())
    length = float(np.hypot(ahead, left))
    # Straying, or walking there and back: no one direction describes it.
    if length < 0.75 * path:
        return None, path
    # Within 27 degrees of an axis; diagonals are arguable.
    if abs(ahead) > 0.89 * length:
        return ("forward" if ahead > 0 else "backward"), path
    if abs(left) > 0.89 * length:
        return ("left" if left > 0 else "right"), path
    return None, path


def _turn(joints: np.ndarray, torso_up: np.ndarray) -> tuple[str | None, float | None]:
    """Net turn of the hips and shoulders; None when the body leaves the upright (facing is then undefined)."""
    if len(joints) < 5 or (torso_up < 0.6).mean() > 0.02:
        return None, None
    across = (joints[:, L_HIP] - joints[:, R_HIP]) + (joints[:, L_SHOULDER] - joints[:, R_SHOULDER])
    heading = np.degrees(np.unwrap(np.arctan2(-across[:, 2], across[:, 0])))
    if np.abs(np.diff(heading)).max() > 80:  # faster than a pirouette: the two sides were swapped or lost
        return None, None
    whole = _smooth(heading, 3)  # what is averaged longer hides the ends of a quick spin
    turned = float(whole[-EDGE:].mean() - whole[:EDGE].mean())
    heading = _smooth(heading, 9)
    window = max(1, min(len(heading) // 4, int(0.4 * RATE)))
    net = float(heading[-window:].mean() - heading[:window].mean())
    to_left = float((heading - np.minimum.accumulate(heading)).max())
    to_right = float((np.maximum.accumulate(heading) - heading).max())
    if abs(net) >= 50:
        against = to_right if net > 0 else to_left
        if against < 0.35 * abs(net) or against < 25:
            return ("left" if net > 0 else "right"), turned
        return None, turned
    if max(to_left, to_right) < 30:
        return "none", turned
    return None, turned


def _foot_heights(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Height of each foot's lowest joint above its own resting height, `(T,)` in metres for left and right."""
    lowest = np.minimum(joints[:, [L_FOOT, R_FOOT], 1], joints[:, [L_ANKLE, R_ANKLE], 1])
    rest = np.percentile(lowest, 5, axis=0)
    floor = rest.min()
    # A foot that never comes down has no resting height of its own: measure it against the lower foot.
    heights = (lowest - np.where(rest > floor + 0.05, floor, rest)).T
    return heights[0], heights[1]


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Half-open intervals in which `mask` is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def _flights(joints: np.ndarray) -> list[tuple[int, int, float, float]]:
    """Airborne phases: start, end, rise of the pelvis above take-off, fitted vertical acceleration in m/s^2."""
    left, right = _foot_heights(joints)
    pelvis = joints[:, PELVIS, 1]
    flights = []
    for start, end in _runs(np.minimum(left, right) > 0.05):
        if end - start < 2:
            continue
        low, high = max(0, start - 1), min(len(pelvis), end + 1)
        times = np.arange(low, high) / RATE
        fall = float(2 * np.polyfit(times - times.mean(), pelvis[low:high], 2)[0]) if high - low >= 4 else float("nan")
        rise = float(pelvis[start:end].max() - min(pelvis[low], pelvis[high - 1]))
        flights.append((start, end, rise, fall))
    return flights


def _jumps(joints: np.ndarray, upright: float) -> tuple[list[int], int | None]:
    """Frames at which jumps leave the ground, and their number (None when some flight is arguable)."""
    if upright < 0.9 or len(joints) < 8:
        return [], None
    found, arguable = [], False
    stand = float(np.median(joints[:, PELVIS, 1]))
    for start, end, rise, fall in _flights(joints):
        above = float(joints[start:end, PELVIS, 1].max() - stand)
        # Free fall is -9.81; the pelvis is not the centre of mass and tucked legs shift it, hence the wide band.
        free = -16.0 < fall < -4.5
        cut = start == 0 or end == len(joints)
        if end - start > 1.3 * RATE or not free:
            # Climbing, hanging, sitting on a bar; but not a floor that slopes by a few centimetres under a walk.
            arguable |= rise > 0.08 or above > 0.12
        elif cut:
            arguable |= end - start >= 3 or rise > 0.05
        elif end - start >= 4 and rise > 0.06 and above > 0.08:
            found.append(start)
        elif end - start >= 4 or rise > 0.08:
            arguable = True
    return found, None if arguable else len(found)


def _gait(joints: np.ndarray, travel: str | None, speed: float, upright: float, torso_up: np.ndarray) -> str | None:
    """walk or run: legs alternate, the body travels; a run has flight phases and a walk has none."""
    if travel in (None, "in place") or upright < 0.98 or speed < 0.15 or len(joints) < 12:
        return None
    flights = [flight for flight in _flights(joints) if not -4.5 <= flight[3] <= 4.5]  # free fall, or too short to fit
    if any(flight[2] > 0.14 for flight in flights):
        return None  # leaps or hops
    if speed > 2.3 and len(flights) / (len(joints) / RATE) > 0.8:
        return "run"
    # Walking is never without a foot down and often has both: a slow jog between the two is called neither.
    both_down = np.maximum(*_foot_heights(joints)) < 0.045
    if speed < 2.0 and not flights and both_down.mean() > 0.08:
        return "walk"
    return None


def _moving_speed(joints: np.ndarray) -> float:
    """Mean ground speed of the pelvis, m/s, from the first frame that travels to the last: standing about it is no tempo."""
    speed = np.linalg.norm(np.diff(_smooth(joints[:, PELVIS][:, [0, 2]], 5), axis=0), axis=1) * RATE
    moving = np.flatnonzero(speed > 0.3)
    return float(speed[moving[0] : moving[-1] + 1].mean()) if len(moving) else 0.0


def _speed_word(gait: str | None, speed: float) -> str | None:
    if gait is None:
        return None
    for word, (low, high) in (WALK_SPEED if gait == "walk" else RUN_SPEED).items():
        if low <= speed < high:
            return word
    return None


def _busier(
    joints: np.ndarray, facing: np.ndarray, ends: tuple[int, int], roots: tuple[int, int], upright: float
) -> Side | None:
    """Which of two limbs moves more, by the path of its end seen from its root in the body's own frame."""
    if upright < 0.9 or len(joints) < 6:
        return None
    cos, sin = facing[:, 1], facing[:, 0]
    paths = []
    for end, root in zip(ends, roots):
        arm = joints[:, end] - joints[:, root]
        local = np.stack([arm[:, 0] * cos - arm[:, 2] * sin, arm[:, 1], arm[:, 0] * sin + arm[:, 2] * cos], axis=1)
        paths.append(float(np.linalg.norm(np.diff(_smooth(local, 3), axis=0), axis=1).sum()))
    left, right = paths
    more, less = max(paths), min(paths)
    rate = more / (len(joints) / RATE)
    if more < 0.3 or rate < 0.06:
        return "neither" if more < 0.25 else None
    if more > 2.0 * less:
        return "left" if left > right else "right"
    if more < 1.35 * less and less > 0.6:
        return "both"
    return None


def _raised_hand(joints: np.ndarray, torso_up: np.ndarray) -> Side | None:
    """Which wrist goes above the head; a wrist that only nears it makes the answer arguable."""
    if (torso_up < 0.75).mean() > 0.05:
        return None
    state = []
    for wrist in (L_WRIST, R_WRIST):
        over = joints[:, wrist, 1] - joints[:, HEAD, 1]
        held = (over > 0.12).sum() >= 0.25 * RATE
        if held:
            state.append(True)
        elif over.max() < -0.05:
            state.append(False)
        else:
            return None
    return {(True, True): "both", (True, False): "left", (False, True): "right", (False, False): "neither"}[
        (state[0], state[1])
    ]


def _kicking_foot(joints: np.ndarray, gait: str | None) -> str | None:
    """The foot of a kick: a far faster swing than anything the other foot does, or one while the other foot all but stands."""
    if gait is not None or len(joints) < 8:
        return None
    peaks = []
    for toe in (L_FOOT, R_FOOT):
        swing = joints[:, toe] - joints[:, PELVIS]
        peaks.append(float(np.linalg.norm(np.diff(_smooth(swing, 2), axis=0), axis=1).max() * RATE))
    fast, slow = max(peaks), min(peaks)
    if (fast > 5.0 and fast > 1.35 * slow) or (fast > 2.2 and fast > 4.0 * slow):
        return "left" if peaks[0] > peaks[1] else "right"
    return None


def _standing_leg(joints: np.ndarray) -> str | None:
    """The leg one stands on while the other foot stays off the ground for most of the motion."""
    if len(joints) < 2 * RATE:
        return None
    left = joints[:, [L_FOOT, L_ANKLE], 1].min(1)
    right = joints[:, [R_FOOT, R_ANKLE], 1].min(1)
    floor = np.percentile(np.minimum(left, right), 5)
    for name, low, high in (("left", left, right), ("right", right, left)):
        if ((high - floor > 0.12) & (low - floor < 0.06)).mean() > 0.6:
            return name
    return None


def _steps(joints: np.ndarray, facing: np.ndarray, gait: str | None, travel: str | None) -> int | None:
    """Steps of a straight gait: swings of either foot that lie whole inside the motion; None when the edges decide."""
    if gait is None or travel not in ("forward", "backward"):
        return None
    ground = joints[:, PELVIS][:, [0, 2]]
    way = ground[-1] - ground[0]
    way = way / max(float(np.linalg.norm(way)), 1e-6)
    lead = ((joints[:, L_ANKLE] - joints[:, R_ANKLE])[:, [0, 2]] * way).sum(1)
    # Extrema of "left foot ahead of right" with hysteresis: each one is a foot strike.
    swing = 0.15
    extremes: list[int] = []
    best, rising = 0, None
    for frame in range(1, len(lead)):
        if rising is None:
            if abs(lead[frame] - lead[0]) > swing:
                rising, best = bool(lead[frame] > lead[0]), frame
        elif (lead[frame] > lead[best]) == rising and lead[frame] != lead[best]:
            best = frame
        elif abs(lead[frame] - lead[best]) > swing:
            extremes.append(best)
            rising, best = not rising, frame
    if rising is None:
        return None
    tail = abs(lead[best] - (lead[extremes[-1]] if extremes else lead[0]))
    return len(extremes) + int(tail > swing)


def _leg_length(joints: np.ndarray) -> float:
    thigh = np.linalg.norm(joints[:, [L_HIP, R_HIP]] - joints[:, [L_KNEE, R_KNEE]], axis=-1)
    shin = np.linalg.norm(joints[:, [L_KNEE, R_KNEE]] - joints[:, [L_ANKLE, R_ANKLE]], axis=-1)
    return float(np.median(thigh) + np.median(shin))


def _dips(joints: np.ndarray, torso_up: np.ndarray, jumps: int | None) -> int | None:
    """How often the hips go down by a quarter of the leg's length or more and come back, without leaving the ground."""
    if jumps != 0 or (torso_up < 0.4).mean() > 0.02 or len(joints) < 10:
        return None
    leg = _leg_length(joints)
    height = _smooth(joints[:, PELVIS, 1], 3) - np.percentile(joints[:, [L_FOOT, R_FOOT], 1].min(1), 5)
    top = float(np.percentile(height, 95))
    if top < 0.85 * leg:
        return None
    drop = (top - height) / leg
    count, arguable, deep, lowest = 0, False, False, 0.0
    for value in drop:
        if value > 0.12:
            deep, lowest = True, max(lowest, float(value))
        elif deep and value < 0.08:
            count += lowest >= 0.25
            arguable |= 0.15 < lowest < 0.25
            deep, lowest = False, 0.0
    if deep and lowest > 0.15:
        arguable = True  # still down at the end
    return None if arguable else count


def _postures(joints: np.ndarray, torso_up: np.ndarray) -> list[str | None]:
    """One posture a frame, None where no rule is clearly met or no foot, knee or hip is near the ground."""
    leg = _leg_length(joints)
    lowest = joints[:, :, 1].min(1)
    floor = float(np.percentile(lowest, 5))
    hips = joints[:, PELVIS, 1] - floor
    feet = joints[:, [L_FOOT, R_FOOT, L_ANKLE, R_ANKLE]]
    knees = joints[:, [L_KNEE, R_KNEE], 1] - floor
    hands = joints[:, [L_WRIST, R_WRIST], 1] - floor
    chest = joints[:, SPINE3, 1] - floor
    trunk = joints[:, [PELVIS, SPINE3, NECK]].mean(1)[:, [0, 2]]
    support = feet[..., [0, 2]].mean(1)
    # Sitting is what a body cannot do without a seat: the trunk's weight lies behind the feet.
    behind = np.linalg.norm(trunk - support, axis=1)
    names: list[str | None] = []
    for t in range(len(joints)):
        name = None
        if lowest[t] - floor > 0.15:
            name = None  # in the air, or on something the motion does not show
        elif torso_up[t] > 0.85 and hips[t] > 0.88 * leg:
            name = "standing"
        elif torso_up[t] < 0.5 and hips[t] < 0.35 * leg and chest[t] < 0.45 * leg:
            name = "lying"
        elif torso_up[t] < 0.7 and knees[t].max() < 0.25 * leg and hands[t].max() < 0.25 * leg and hips[t] > 0.35 * leg:
            name = "on hands and knees"
        elif torso_up[t] > 0.7 and hips[t] < 0.72 * leg and behind[t] > 0.24 and knees[t].min() > 0.25 * leg:
            name = "sitting"
        elif torso_up[t] > 0.7 and hips[t] < 0.3 * leg and behind[t] > 0.2:
            name = "sitting"
        elif torso_up[t] > 0.6 and hips[t] < 0.72 * leg and behind[t] < 0.17 and knees[t].min() > 0.2 * leg:
            name = "crouching"
        names.append(name)
    return names


def _dominant(names: list[str | None], share: float) -> str | None:
    """The name that holds in at least `share` of the frames."""
    if not names:
        return None
    best = max(set(names), key=names.count)
    return best if best is not None and names.count(best) >= share * len(names) else None
