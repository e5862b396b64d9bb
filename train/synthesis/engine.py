"""Procedural human motion with exact truth.

    from llamo.train.synthesis.engine import synthesize
    motion = synthesize(np.random.default_rng(7))

One clip: a random person (body.py, style.py, context.py) does one to four actions (the program of each action writes
control vectors, channels.py), the controls are joined, kept alive by noise, and solved to joints (kinematics.py).
"""

from dataclasses import asdict, dataclass, field, replace

import numpy as np

from llamo.train.synthesis import (
    acrobatics,
    chores,
    climbing,
    daily,
    dance,
    everyday,
    exercises,
    falling,
    floor,
    gestures,
    gym,
    hands_at_body,
    held_poses,
    jumps,
    locomotion,
    mat_exercises,
    mat_strength,
    odd_gaits,
    outdoor,
    pastimes,
    self_defence,
    sport,
)
from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.body import random_body
from llamo.train.synthesis.catalogue import ACTIONS, describe
from llamo.train.synthesis.context import FPS, Context, Request, Take, random_posture
from llamo.train.synthesis.faults import FAULTS, TOO_FAST, TOO_FAST_FACTOR
from llamo.train.synthesis.kinematics import solve
from llamo.train.synthesis.noise import wander
from llamo.train.synthesis.style import Style, random_style


PROGRAMS = {}
for _module in (
    locomotion, jumps, exercises, gestures, sport, everyday, dance, climbing, floor, acrobatics, pastimes, hands_at_body,
    self_defence, chores, mat_exercises, mat_strength, held_poses, odd_gaits, falling, gym, daily, outdoor,
):  # fmt: skip
    PROGRAMS.update(_module.PROGRAMS)

MAX_SECONDS = 16.0
# What real recordings hold most of; every other action weighs one.
WEIGHTS = {
    "walk": 6.0,
    "run": 3.0,
    "jog": 2.0,
    "jump": 2.5,
    "jump_forward": 2.0,
    "stand": 1.2,
    "walk_curve": 3.0,
    "turn": 1.8,
    "walk_backward": 2.0,
    "sidestep": 1.6,
    "squat": 1.6,
    "wave": 1.6,
    "punch": 1.6,
    "kick": 1.6,
    "sit_down": 1.3,
    "stand_up": 1.3,
    "raise_hand": 1.4,
    "raise_hands": 1.3,
    "jumping_jack": 1.4,
    "lunge": 1.3,
    "dance": 1.5,
    "kick_ball": 1.4,
    "dribble": 1.4,
    "throw": 1.3,
    "signal": 1.2,
    "direct_traffic": 1.3,
    "wash": 1.3,
    "wash_self": 1.3,
    "slash": 1.3,
    "climb": 1.3,
}
# Actions that leave the floor's level or whose place is fixed: they stand alone in a clip.
ALONE = frozenset(
    "climb_stairs descend_stairs climb hang crawl plank push_up mountain_climber russian_twist bird_dog side_plank "
    "downward_dog bench_press superman donkey_kick triceps_dip shoulder_tap side_leg_lift cat_cow seated_stretch pull_up "
    "crab_walk bear_crawl pedal paddle".split()
)
FIRST_ONLY: frozenset = frozenset()
SHARE_OF_FAULTS = 0.5  # of drawn exercises that can show one


@dataclass
class Segment:
    """Truth about one action in a clip. Times in seconds from the first frame.

    Args:
        action: key in the catalogue. start, end: span of the action.
        side: "left", "right", "both" or None. direction: relative to the person's own heading at the start of the
            action, "forward", "backward", "left", "right", "up", "down", "in place" or None. turn: "left", "right" or None.
        count: repetitions, None where not countable. speed: "slow", "normal" or "fast" for this action.
        event_times: key moment of every repetition (or landing of every step).
        fault: what is wrong with the form of an exercise (faults.py), None where nothing was made wrong.
    """

    action: str
    start: float
    end: float
    side: str | None = None
    direction: str | None = None
    turn: str | None = None
    count: int | None = None
    speed: str = "normal"
    event_times: list[float] = field(default_factory=list)
    fault: str | None = None


@dataclass
class SyntheticMotion:
    """A clip: joints (T, 22, 3) float32, metres, Y up, floor 0, and its truth."""

    joints: np.ndarray
    fps: float
    segments: list[Segment]
    body: dict
    style: str

    @property
    def seconds(self) -> float:
        """Duration, frames / fps."""
        return len(self.joints) / self.fps

    def truth(self) -> list[dict]:
        """The segments as plain dictionaries."""
        return [asdict(segment) for segment in self.segments]


def synthesize(
    rng: np.random.Generator,
    *,
    actions: list[str] | None = None,
    held_out: bool = False,
    vocabulary: list[str] | None = None,
    count: int | None = None,
    side: str | None = None,
    speed: str | None = None,
    fault: str | None = None,
) -> SyntheticMotion:
    """Make one clip.

    Args:
        rng: the only source of randomness; the same state gives the same clip.
        actions: the actions to do, in this order (one to five); None: drawn at random, 30 % of clips hold 2 to 4.
        held_out: bodies, styles and habits that training never sees.
        vocabulary: draw only from these actions (where `actions` is None).
        count, side, speed: fix these for the first action instead of drawing them.
        fault: what is wrong with the form of the first action, one of its `FAULTS`. Where `actions` is None, faults are
            drawn; otherwise there is none but this one.

    Raises:
        ValueError: for an unknown action, more than five of them, or a fault that the action cannot show.
    """
    if actions is not None:
        if not 1 <= len(actions) <= 5:
            raise ValueError(
                f"Expected 1 to 5 actions to be done in order, got {len(actions)} (in synthesize()). "
                "To draw from a set of actions pass it as `vocabulary`."
            )
        for key in actions:
            describe(key)
    if fault is not None and (actions is None or fault not in FAULTS.get(actions[0], ())):
        raise ValueError(
            f"Expected a fault out of {', '.join(FAULTS.get(actions[0], ())) if actions else 'FAULTS, with actions'}, got "
            f"{fault!r} (in synthesize()). Fix the action with `actions` and choose one of its faults in faults.FAULTS."
        )
    person = _person(rng, held_out)
    plan = list(actions) if actions is not None else _plan(rng, vocabulary)
    takes = []
    budget = MAX_SECONDS / len(plan) ** 0.8
    for i, key in enumerate(plan):
        fixed = {"count": count, "side": side, "speed": speed, "fault": fault} if i == 0 else {}
        takes.append(_perform(person, key, budget, composed=len(plan) > 1, exact=actions is not None, **fixed))
    controls, segments = _join(person, plan, takes)
    controls = _enliven(person, controls, held_out)
    joints = solve(controls, person.body)
    joints[..., [0, 2]] -= joints[0, 0, [0, 2]]
    return SyntheticMotion(joints.astype(np.float32), FPS, segments, person.body.describe(), person.style.name)


def _person(rng: np.random.Generator, held_out: bool) -> Context:
    style = random_style(rng, held_out=held_out)
    # Nobody is a caricature all the time: a style is worn to a degree.
    degree = rng.uniform(0.5, 1.3)
    values = {
        name: 1 + (value - 1) * degree
        if name in ("tempo", "amplitude", "width", "bounce", "sharpness", "noise")
        else value * degree
        for name, value in asdict(style).items()
        if name != "name"
    }
    return Context(
        rng, random_body(rng, held_out=held_out), Style(style.name, **values), random_posture(rng, held_out=held_out)
    )


def _plan(rng: np.random.Generator, vocabulary: list[str] | None) -> list[str]:
    keys = [key for key in (vocabulary or PROGRAMS) if key in PROGRAMS]
    if not keys:
        raise ValueError(
            f"Expected a vocabulary of known actions, got {vocabulary!r} (in synthesize()). See catalogue.ACTIONS."
        )
    weights = np.array([WEIGHTS.get(key, 1.0) for key in keys])
    draw = lambda: keys[rng.choice(len(keys), p=weights / weights.sum())]  # noqa: E731
    first = draw()
    if rng.random() > 0.3:
        return [first]
    plan = [first]
    wanted = int(rng.choice([2, 3, 4], p=[0.6, 0.28, 0.12]))
    for _ in range(40):
        if len(plan) == wanted or plan[-1] in ALONE:
            break
        key = draw()
        if key in ALONE or key == plan[-1] or ACTIONS[key].start != ACTIONS[plan[-1]].end or (key == "stand" and wanted < 3):
            # After sitting down comes what a seated person can do.
            if ACTIONS[plan[-1]].end != "stand":
                follow = [k for k in PROGRAMS if ACTIONS[k].start == ACTIONS[plan[-1]].end and k != plan[-1] and k not in ALONE]
                if vocabulary:
                    follow = [k for k in follow if k in vocabulary]
                if not follow:
                    break
                plan.append(follow[rng.integers(len(follow))])
            continue
        plan.append(key)
    return plan


def _perform(
    person: Context,
    key: str,
    budget: float,
    *,
    composed: bool,
    exact: bool,
    count=None,
    side=None,
    speed=None,
    fault=None,
) -> tuple[Take, Segment]:
    """Draw the particulars of an action, run its program and mirror it where needed."""
    rng = person.rng
    row = describe(key)
    tempo = person.style.tempo
    slow = float(np.clip(0.27 + 0.9 * (tempo - 1), 0.08, 0.6))
    speed = speed or str(rng.choice(["slow", "normal", "fast"], p=[slow, (1 - slow) * 0.63, (1 - slow) * 0.37]))
    factor = {"slow": rng.uniform(1.35, 1.9), "normal": rng.uniform(0.86, 1.16), "fast": rng.uniform(0.55, 0.74)}[speed]
    if key in FAULTS and not exact and rng.random() < SHARE_OF_FAULTS:
        fault = str(rng.choice(FAULTS[key]))
    if fault == TOO_FAST:
        speed, factor = "fast", rng.uniform(*TOO_FAST_FACTOR)
    side = side or (str(rng.choice(row.sides, p=_share(len(row.sides)))) if row.sides else None)
    direction = str(rng.choice(row.directions)) if row.directions else None
    turn = str(rng.choice(row.turns)) if row.turns else None
    mirrored = side == "left"
    if side in (None, "both"):
        lateral = turn or (direction if direction in ("left", "right") else None)
        mirrored = bool(rng.random() < 0.5) if lateral is None else lateral == "right"
    elif direction in ("left", "right") and row.directions == ("left", "right"):
        direction = side  # side kicks and side lunges go towards their own side
    seen = direction
    if mirrored and direction in ("left", "right"):
        seen = "left" if direction == "right" else "right"
    if row.turns and side is not None and turn is not None and not mirrored:
        turn = "left"
    elif row.turns and side is not None:
        turn = "right"
    actor = person.mirrored() if mirrored else person
    if row.countable and count is None:
        count = int(rng.integers(1, 11)) if rng.random() < 0.75 else int(rng.integers(11, 21))
        if composed:
            count = int(rng.integers(1, 7))
    seconds = float(rng.uniform(2.2, min(budget, 5.0 if composed else 10.0)))
    ask = Request(
        factor=factor,
        speed=speed,
        count=count if row.countable else None,
        direction=seen,
        both=side == "both",
        seconds=seconds,
        alone=not composed,
        fault=fault,
    )
    take = PROGRAMS[key](actor, ask)
    for _ in range(4):
        length = len(take.controls) / FPS
        if not row.countable or exact or length <= budget or ask.count <= 1:
            break
        fewer = max(1, min(ask.count - 1, int(ask.count * budget / length)))
        # Below the limit the counts stay spread out instead of piling up at it.
        ask = replace(ask, count=int(rng.integers(max(1, fewer // 2), fewer + 1)))
        take = PROGRAMS[key](actor, ask)
    if mirrored:
        take.controls = ch.mirror(take.controls)
        if take.travel is not None:
            take.travel = (-take.travel[0], take.travel[1], -take.travel[2])
    end = len(take.controls) / FPS
    segment = Segment(
        key,
        take.start or 0.0,
        end if take.end is None else min(take.end, end),
        side,
        direction,
        turn,
        ask.count,
        speed,
        list(take.events),
        fault,
    )
    return take, segment


def _share(n: int):
    return [0.4, 0.4, 0.2] if n == 3 else [1 / n] * n


def _join(person: Context, plan: list[str], takes: list) -> tuple[np.ndarray, list[Segment]]:
    """Lay the takes end to end in the world, with standing time about them, and crop what may be cropped."""
    rng = person.rng
    x = z = yaw = 0.0
    parts, segments, frames = [], [], 0

    def hold(pose, seconds):
        nonlocal frames
        n = int(round(seconds * FPS))
        if n > 0:
            parts.append(ch.place(np.tile(pose, (n, 1)), x, z, yaw))
            frames += n

    loose = takes[0][0].loose_start
    crop_start = 0
    if loose and rng.random() < 0.75:
        crop_start = int(rng.uniform(0.5, 1.0) * loose * FPS)
    elif rng.random() < 0.6:
        hold(takes[0][0].controls[0], rng.uniform(0.1, 1.4))
    for i, (take, segment) in enumerate(takes):
        offset = frames / FPS
        last_frame = ch.place(take.controls[-1:], x, z, yaw)
        parts.append(ch.place(take.controls, x, z, yaw))
        frames += len(take.controls)
        segments.append(
            replace(
                segment,
                start=segment.start + offset,
                end=segment.end + offset,
                event_times=[e + offset for e in segment.event_times],
            )
        )
        if take.travel is not None:
            dx, dz, dyaw = take.travel
            c, s = np.cos(yaw), np.sin(yaw)
            x, z, yaw = x + c * dx + s * dz, z - s * dx + c * dz, yaw + dyaw
        if i < len(takes) - 1 and rng.random() < 0.5:
            hold(np.concatenate([takes[i + 1][0].controls[:1]])[0], rng.uniform(0.1, 0.7))
    loose = takes[-1][0].loose_end
    crop_end = 0
    if loose and rng.random() < 0.75:
        crop_end = int(rng.uniform(0.5, 1.0) * loose * FPS)
    elif rng.random() < 0.6:
        # Where the last take has led to: its own travel is in its frames already.
        parts.append(np.repeat(last_frame, int(round(rng.uniform(0.1, 1.4) * FPS)), axis=0))
    if any(part.shape[1] == ch.WIDE for part in parts):
        parts = [ch.widen(part) for part in parts]
    controls = np.concatenate(parts)
    stop = max(len(controls) - crop_end, crop_start + 30)
    controls = controls[crop_start:stop]
    shift, total = crop_start / FPS, len(controls) / FPS
    for segment in segments:
        segment.start = round(max(0.0, segment.start - shift), 3)
        segment.end = round(min(total, segment.end - shift), 3)
        segment.event_times = [round(e - shift, 3) for e in segment.event_times if 0 <= e - shift <= total]
    if len(controls) < 40:
        pad = 40 - len(controls)
        controls = np.concatenate([controls, np.repeat(controls[-1:], pad, axis=0)])
    return controls, segments


_NOISE = np.zeros(ch.SIZE)
_NOISE[[0, 1, 2]] = 0.007, 0.0015, 0.007
_NOISE[3:6] = np.radians([0.9, 0.8, 0.6])
_NOISE[6:9] = np.radians([1.5, 1.1, 1.6])
_NOISE[9:12] = np.radians([3.0, 2.0, 5.0])
_NOISE[12:16] = np.radians(1.3)
_NOISE[16:28] = 0.035
_NOISE[38:40] = np.radians(1.3)


def _enliven(person: Context, controls: np.ndarray, held_out: bool) -> np.ndarray:
    rng = person.rng
    used = np.flatnonzero(_NOISE)
    amount = person.style.noise * float(np.exp(np.clip(rng.standard_normal(), -2, 2) * 0.3)) * (1.25 if held_out else 1.0)
    slow = wander(rng, len(controls), len(used), FPS, low=0.07, high=1.6 if held_out else 1.1, terms=4)
    quick = wander(rng, len(controls), len(used), FPS, low=0.9, high=3.5, terms=3)
    out = controls.copy()
    out[:, used] += (slow + 0.16 * quick) * _NOISE[used] * amount
    # Breathing lifts the chest and shoulders.
    breath = np.sin(2 * np.pi * rng.uniform(0.2, 0.33) * np.arange(len(controls)) / FPS + rng.uniform(0, 6.28))
    out[:, [12, 14]] += np.radians(0.7) * breath[:, None]
    out[:, 6] -= np.radians(0.4) * breath
    return out
