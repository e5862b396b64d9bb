"""The baseline that only measures: answers to closed questions by the rules of processing/kinematics, without any model.

It sees what the model sees: the question's words, its possible answers and the joints; never the right answer. Where a rule
does not apply it does not answer, which counts as wrong; of kinds that no rule is about it says nothing at all.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

import numpy as np

from llamo.processing.kinematics_llamo import EVENT_FPS, FASTEST_EVENT_FPS, measure_motion
from llamo.processing.motion_features_llamo import heading_angles, resample
from llamo.processing.motion_filters_llamo import bone_length_noise, fill_gaps, low_pass, moving_average
from llamo.processing.postures_llamo import limb_paths, posture_spans, raised_hand_spans
from llamo.train.questions import Question
from llamo.train.questions.scoring import numbers


# Kinds with a rule. Names of actions are no measurement.
KINDS = ("side", "direction", "count", "speed", "posture", "duration", "distance", "angle", "yes_no")
TRAVELLED = 0.5  # m
# Adults walk at 1.2 to 1.4 m/s and run from about 2.2 m/s on (Bohannon 1997); repetitions by everyday use of the words.
WALK_SLOW, WALK_FAST, RUNNING, RUN_SLOW, RUN_FAST = 1.0, 1.6, 2.2, 2.4, 3.9
PERIOD_SLOW, PERIOD_FAST = 2.2, 1.1  # seconds of a repetition
LEGS = r"\b(leg|foot|feet|knee|kick|stand(?:s|ing)? on|balanc|limp|hop|toe|weight)"


class Facts:
    """What is measured of one motion, each quantity when it is first asked for: counting is slow, and rarely needed."""

    def __init__(self, joints: np.ndarray, fps: float):
        self.raw, self.raw_fps = joints, fps
        joints, _ = fill_gaps(np.asarray(joints, dtype=np.float64), fps)
        joints, _ = low_pass(joints, fps, "auto", bone_length_noise(joints))
        fast = fps > FASTEST_EVENT_FPS and len(joints) > 1
        self.joints = resample(joints, fps, EVENT_FPS).astype(np.float64) if fast else joints
        self.fps = EVENT_FPS if fast else fps

    @cached_property
    def counted(self) -> dict[str, Any]:
        """All that `measure_motion` finds."""
        return measure_motion(self.raw, self.raw_fps)

    @cached_property
    def limbs(self) -> dict[str, float]:
        return limb_paths(self.joints, self.fps)[0]

    @cached_property
    def raised(self) -> list[str]:
        return [side for side, spans in raised_hand_spans(self.joints, self.fps).items() if spans]

    @cached_property
    def postures(self) -> list[str]:
        return [name for name, _, _ in posture_spans(self.joints, self.fps)]

    @cached_property
    def travel(self) -> str:
        return travel_direction(self.joints)

    @cached_property
    def turned(self) -> float:
        """Degrees, positive to the left, from the first to the last fifth of a second."""
        heading = np.degrees(heading_angles(self.joints))
        width = max(1, round(0.2 * self.fps))
        return float(heading[-width:].mean() - heading[:width].mean())

    @cached_property
    def path(self) -> float:
        """Of the pelvis over ground, metres."""
        ground = moving_average(self.joints[:, 0][:, [0, 2]], round(0.25 * self.fps) | 1)
        return float(np.linalg.norm(np.diff(ground, axis=0), axis=1).sum())

    @property
    def speed(self) -> float:
        """Of the pelvis over ground, m/s."""
        return self.path * self.fps / max(1, len(self.joints) - 1)


class Measured:
    """Answers questions about motions, each motion measured once."""

    def __init__(self):
        self.known: dict[tuple[int, float], Facts] = {}  # by id, which is unique as long as the facts hold the array

    def __call__(self, question: Question, joints: np.ndarray | None, fps: float) -> str | None:
        """The measured answer in words; "" where the rule does not apply; None for a kind without a rule."""
        if joints is None or question.kind not in KINDS:
            return None
        place = (id(joints), fps)
        if place not in self.known:
            self.known[place] = Facts(joints, fps)
        return RULES[question.kind](question.question.lower(), question.choices, self.known[place]) or ""


def travel_direction(joints: np.ndarray) -> str:
    """forward, backward, left, right (the body's own) or in place: the sum of all steps in the frame of the body's heading."""
    ground = joints[:, 0][:, [0, 2]].astype(np.float64)
    if len(ground) < 2:
        return "in place"
    steps, yaw = np.diff(ground, axis=0), np.asarray(heading_angles(joints), dtype=np.float64)[:-1]
    ahead = float((steps[:, 0] * np.sin(yaw) + steps[:, 1] * np.cos(yaw)).sum())
    left = float((steps[:, 0] * np.cos(yaw) - steps[:, 1] * np.sin(yaw)).sum())
    if max(abs(ahead), abs(left)) < TRAVELLED:
        return "in place"
    if abs(ahead) >= abs(left):
        return "forward" if ahead > 0 else "backward"
    return "left" if left > 0 else "right"


def _side(asked: str, choices: tuple[str, ...], facts: Facts) -> str | None:
    if re.search(r"rais|above|over the head|lifted|higher", asked) and not re.search(LEGS, asked):
        return "both" if len(facts.raised) == 2 else "".join(facts.raised) or "neither"
    limb = "leg" if re.search(LEGS, asked) else "arm"
    left, right = facts.limbs[f"left {limb}"], facts.limbs[f"right {limb}"]
    if "both" in choices and min(left, right) > 0.7 * max(left, right):
        return "both"
    busier = "left" if left > right else "right"
    # Who stands on a leg moves the other one.
    if re.search(r"stand|balanc|weight|support|hop|on the ground", asked) and limb == "leg":
        return {"left": "right", "right": "left"}[busier]
    return busier


def _direction(asked: str, choices: tuple[str, ...], facts: Facts) -> str | None:
    if set(choices) <= {"up", "down"}:
        return "up" if facts.joints[-1, 0, 1] > facts.joints[0, 0, 1] else "down"
    turn = "left" if facts.turned > 0 else "right"
    if re.search(r"turn|rotat|spin|curve|clockwise", asked) and set(choices) <= {"left", "right"}:
        return turn
    if facts.travel in choices:
        return facts.travel
    return turn if set(choices) == {"left", "right"} else None


def _count(asked: str, choices: tuple[str, ...], facts: Facts) -> str | None:
    if re.search(r"\bsteps?\b(?! ?-?ups?)", asked):
        return str(facts.counted["steps"]["count"])
    if re.search(r"\bjumps?\b(?! ?rope)", asked) and facts.counted["jumps"]:
        return str(len(facts.counted["jumps"]))
    return str(facts.counted["repetitions"]["count"])


def _speed(asked: str, choices: tuple[str, ...], facts: Facts) -> str | None:
    # Who gets on by more than sway is judged by metres per second, all others by the time of a repetition.
    if facts.travel != "in place":
        slow, fast = (RUN_SLOW, RUN_FAST) if facts.speed > RUNNING else (WALK_SLOW, WALK_FAST)
        value, middle, larger_is = facts.speed, (slow + fast) / 2, "fast"
        word = "slow" if value < slow else "fast" if value > fast else "normal"
    elif (period := facts.counted["more"]["repetition_period_s"]) is not None:
        value, middle, larger_is = period, (PERIOD_SLOW + PERIOD_FAST) / 2, "slow"
        word = "slow" if period > PERIOD_SLOW else "fast" if period < PERIOD_FAST else "normal"
    else:
        return None
    if word not in choices:  # only slow or fast
        return larger_is if value > middle else {"slow": "fast", "fast": "slow"}[larger_is]
    return word


def _posture(asked: str, choices: tuple[str, ...], facts: Facts) -> str | None:
    postures = [name for name in facts.postures if name in choices]
    if not postures:
        return None
    return postures[-1 if re.search(r"\bend|\blast|finish|final", asked) else 0]


def _duration(asked: str, choices: tuple[str, ...], facts: Facts) -> str | None:
    return str(max(1, round(len(facts.raw) / facts.raw_fps)))


def _distance(asked: str, choices: tuple[str, ...], facts: Facts) -> str | None:
    return "0" if facts.travel == "in place" else str(round(facts.path))


def _angle(asked: str, choices: tuple[str, ...], facts: Facts) -> str | None:
    return str(45 * round(abs(facts.turned) / 45))


def _yes_no(asked: str, choices: tuple[str, ...], facts: Facts) -> str | None:
    """Whether a number, a tempo, a side or a direction in the question is the measured one; names of actions are not judged."""
    named = numbers(re.sub(r"\bno\b|\bonce\b", " ", asked))
    if named:
        return "yes" if float(_count(asked, (), facts) or -1) == named[0] else "no"
    tempo = re.search(r"\b(slow|fast|quick)", asked)
    if tempo:
        word = _speed(asked, ("slow", "fast"), facts)
        return None if word is None else ("yes" if word[:4] == ("slow" if tempo[1] == "slow" else "fast") else "no")
    way = re.search(r"\b(forward|backward|left|right)", asked)
    if not way:
        return None
    if re.search(r"\b(hand|arm|leg|foot|knee)\b", asked):
        found = _side(asked, ("left", "right"), facts)
    elif re.search(r"\b(turn|rotat|spin)", asked):
        found = _direction("turn", ("left", "right"), facts)
    else:
        found = facts.travel
    return None if found is None else ("yes" if found == way[1] else "no")


RULES = {
    "side": _side,
    "direction": _direction,
    "count": _count,
    "speed": _speed,
    "posture": _posture,
    "duration": _duration,
    "distance": _distance,
    "angle": _angle,
    "yes_no": _yes_no,
}
