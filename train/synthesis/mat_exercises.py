"""Exercises on a mat: mountain climbers, bridges, leg raises, twists, bird dogs, and poses held on hands and feet."""

import numpy as np

from llamo.train.synthesis.context import Context, Request, Take
from llamo.train.synthesis.floor import Board, floor_exercise, fours_pose, repetitions, side_lying, solved
from llamo.train.synthesis.free_body import Draft, Rig, turned


def _repeated(rig: Rig, ask: Request, period: float, low: Draft, high: list[Draft], peak: float, hold: float = 0.0) -> Take:
    """The take of repetitions between drafts."""
    keys, events = repetitions(rig, ask, period, low, high, peak, hold)
    joints = rig.play(solved(rig, keys))
    return rig.take(joints, start=keys[1][0], end=keys[-2][0], events=events, stands=(False, False))


def mountain_climber(ctx: Context, ask: Request) -> Take:
    """From a plank the knees are drawn to the chest in turn, as if running; every knee counts."""
    r = ctx.rng
    rig = Rig(ctx)
    board = Board(rig, r.uniform(0.45, 0.58) * rig.scale, knees=False)
    far, beat, flying = r.uniform(0.42, 0.66), 0.62 * float(np.clip(ask.factor, 0.55, 2.0)), r.random() < 0.5
    first = int(r.integers(2))
    keys, events, time = [(0.0, board.draft(board.high)), (0.3, board.draft(board.high))], [], 0.3
    for index, factor in enumerate(ctx.uneven(ask.count)):
        span, part = beat * float(factor), far * r.uniform(0.9, 1.1)
        drawn = (part, 0.0) if (index + first) % 2 == 0 else (0.0, part)
        events.append(time + 0.5 * span)
        keys.append((time + 0.5 * span, board.draft(board.high, 2.0, drawn)))
        time += span
        if not flying or index == ask.count - 1:  # else one foot goes forward while the other goes back
            keys.append((time, board.draft(board.high)))
    keys.append((time + 0.4, board.draft(board.high)))
    return floor_exercise(rig, board, solved(rig, keys), ask, events)


def bridge(ctx: Context, ask: Request) -> Take:
    """Lying on the back with bent knees, the hips are lifted and lowered."""
    r = ctx.rng
    rig = Rig(ctx)
    s, body = rig.scale, ctx.body
    inner = r.uniform(62, 85) * np.pi / 180
    thigh, shank = float(body.thigh.mean()), float(body.shank.mean())
    z = np.sqrt(thigh**2 + shank**2 - 2 * thigh * shank * np.cos(inner)) + body.foot[0, 2]
    feet = {"lf": (0.12 * s, z, 0, 5), "rf": (-0.12 * s, z, 0, -5), "knees": [(0.1, 1, 0.3), (-0.1, 1, 0.3)]}
    arms = (60, 18, 40, 20) if r.random() < 0.75 else (85, 75, 60, 85)

    def at(tilt, height):
        return rig.draft(
            (0, height, 0), turned(-90 - tilt), spine=(2 - 0.1 * tilt, 0, 0), head=(4 + 0.9 * tilt, 0, 0), la=arms, ra=arms,
            settle=1.0, wobble=1.0, **feet,
        )  # fmt: skip

    lift = r.uniform(24, 36)
    high = [at(lift + r.normal(0, 1.5), 0.1 + 0.0085 * lift * s) for _ in range(ask.count)]
    hold = r.uniform(0.0, 0.8) if r.random() < 0.4 else 0.0
    return _repeated(rig, ask, 1.9 * float(np.clip(ask.factor, 0.6, 1.9)), at(0.0, 0.1), high, r.uniform(0.38, 0.48), hold)


def leg_raise(ctx: Context, ask: Request) -> Take:
    """Lying on the back, the straight legs are raised together and lowered."""
    r = ctx.rng
    rig = Rig(ctx)
    arms = (70, 14, 50, 16) if r.random() < 0.7 else (75, 128, -95, 128)
    bent, lowest = r.uniform(2, 18), r.uniform(2, 14)

    def at(hip):
        return rig.draft(
            (0, 0.1, 0), turned(-90), head=(r.uniform(0, 8), 0, 0), la=arms, ra=arms, ll=(hip, 2, bent, 25),
            rl=(hip, 2, bent, 25), settle=1.0, wobble=1.0,
        )  # fmt: skip

    high = [at(r.normal(r.uniform(60, 92), 2.5)) for _ in range(ask.count)]
    return _repeated(rig, ask, 2.2 * float(np.clip(ask.factor, 0.6, 1.9)), at(lowest), high, r.uniform(0.4, 0.5))


def russian_twist(ctx: Context, ask: Request) -> Take:
    """Sitting leant back with the feet off the floor or on it, the hands swing from side to side; every side counts."""
    r = ctx.rng
    rig = Rig(ctx)
    s, leg = rig.scale, ctx.leg
    lean, turn = r.uniform(25, 42), r.uniform(32, 55)
    legs = (r.uniform(60, 80), 3, r.uniform(70, 95), 10)
    feet = {"ll": legs, "rl": legs}
    if r.random() < 0.5:
        feet = {"lf": (0.1 * s, 0.62 * leg, 0, 4), "rf": (-0.1 * s, 0.62 * leg, 0, -4)}

    def at(side):
        return rig.draft(
            (0, 0.1, 0), turned(-lean), spine=(24, 0, side * turn), head=(4, 0, side * 10), settle=1.0, wobble=2.0,
            la=(10 - 25 * side, 40, -35, 62), ra=(10 + 25 * side, 40, -35, 62), **feet,
        )  # fmt: skip

    beat = 0.75 * float(np.clip(ask.factor, 0.6, 1.9))
    side = float(r.choice([-1, 1]))
    keys, events, time = [(0.0, at(0.0)), (0.3, at(0.0))], [], 0.3
    for factor in ctx.uneven(ask.count):
        time += beat * float(factor)
        keys.append((time, at(side * r.uniform(0.85, 1.1))))
        events.append(time)
        side = -side
    keys += [(time + 0.6 * beat, at(0.0)), (time + 0.6 * beat + 0.3, at(0.0))]
    joints = rig.play(solved(rig, keys))
    return rig.take(joints, start=0.3, end=time + 0.6 * beat, events=events, stands=(False, False))


def bird_dog(ctx: Context, ask: Request) -> Take:
    """On hands and knees, an arm and the other leg are stretched out, mostly in turn."""
    r = ctx.rng
    rig = Rig(ctx)
    pose = {**fours_pose(rig, 0.0, 0.0, 0.0), "wobble": 0.0}
    fours = rig.key(**pose)
    alternate, arm_only, leg_only = r.random() < 0.8, r.random() < 0.12, r.random() < 0.12
    arm, leg = (8, r.uniform(150, 170), 4, r.uniform(162, 174)), (r.uniform(-6, 8), 2, r.uniform(0, 12), 35)

    def reach(left: bool):
        """The left arm and the right leg, or the other way round."""
        out = dict(pose)
        if not leg_only:
            out.update({"lh": None, "la": arm} if left else {"rh": None, "ra": arm})
        if not arm_only or leg_only:
            out.update({"rf": None, "rl": leg} if left else {"lf": None, "ll": leg})
        return rig.key(**out)

    both = {side: reach(side) for side in (True, False)}
    first = bool(r.random() < 0.5)
    period, hold = 2.2 * float(np.clip(ask.factor, 0.6, 1.8)), r.uniform(0.0, 0.8)
    keys, events, time = [(0.0, fours), (0.4, fours)], [], 0.4
    for index, factor in enumerate(ctx.uneven(ask.count)):
        span = period * float(factor)
        out = both[first != (alternate and index % 2 == 1)]
        keys += [(time + 0.42 * span, out), (time + 0.52 * span + hold, out)]
        events.append(time + 0.47 * span + hold / 2)
        time += span + hold
        keys.append((time, fours))
    keys.append((time + 0.3, fours))
    return rig.take(rig.play(keys), start=0.4, end=time, events=events, stands=(False, False))


def side_plank(ctx: Context, ask: Request) -> Take:
    """The straight body held on one arm or forearm and the edge of the feet; the top arm up, along the body or at the hip."""
    r = ctx.rng
    rig = Rig(ctx)
    s, body = rig.scale, ctx.body
    forearm = r.random() < 0.5
    high = float(body.upper_arm.mean()) + 0.05 * s if forearm else 0.97 * body.arm
    tilt = float(np.degrees(np.arcsin(np.clip(high / (body.torso + ctx.leg), 0, 0.6))))
    turn = turned(tilt) @ turned(roll=-88) @ turned(-90)
    pelvis = np.array([0.0, np.sin(np.radians(tilt)) * ctx.leg + 0.04 * s, 0.0])
    chest = pelvis + turn @ np.array([0.0, body.torso, 0.0])
    hand = chest + ((0.3 * s, 0, 0) if forearm else (0.03, 0, 0))
    top = [(88, 88, 88, 90), (8, 8, 5, 12), (85, 30, -30, 60)][int(r.choice(3, p=[0.45, 0.3, 0.25]))]

    def at(sag):
        return rig.key(
            pelvis - (0, sag, 0), turn, lh=(hand[0], 0.03 * s, hand[2]), elbows=[(-0.3, -1.0, 0.0)] * 2, ra=top,
            ll=(0, 0, 2, 10), rl=(0, -2, 2, 10), head=(0, r.uniform(-5, 5), 0), settle=1.0, wobble=1.5,
        )  # fmt: skip

    first = at(0.0)
    keys, time = [(0.0, first)], 0.0
    while time < ask.seconds:
        time += r.uniform(0.8, 1.8)
        keys.append((time, at(abs(r.normal(0, 0.012)))))
    if r.random() < 0.4:  # comes up from lying on the side
        lying = side_lying(rig)
        keys = [(0.0, lying), (0.5, lying), *((moment + 1.3, key) for moment, key in keys)]
        return rig.take(rig.play(keys), start=1.0, stands=(False, False))
    return rig.take(rig.play(keys), stands=(False, False))


def downward_dog(ctx: Context, ask: Request) -> Take:
    """On hands and feet with straight legs, the hips highest."""
    r = ctx.rng
    rig = Rig(ctx)
    s, body, leg = rig.scale, ctx.body, ctx.leg
    back = r.uniform(16, 30)  # of the legs from upright, degrees
    height = 0.97 * leg * np.cos(np.radians(back)) + body.ankle
    line = 0.97 * (body.torso + body.arm)
    ahead = np.sqrt(max(line**2 - (height - 0.03) ** 2, 0.04))
    pitch = 90.0 + float(np.degrees(np.arctan2(height - 0.03, ahead)))
    half, wide = 0.1 * s, 0.19 * s
    z = -0.97 * leg * np.sin(np.radians(back)) + 0.7 * float(body.foot[0, 2])

    def at(bend):
        return rig.key(
            (0, height - 0.02 * bend, 0), turned(pitch + r.normal(0, 1)), spine=(-2 + r.normal(0, 2), 0, 0),
            head=(r.uniform(-5, 25), 0, 0), lh=(wide, 0.03 * s, ahead), rh=(-wide, 0.03 * s, ahead),
            elbows=[(1, 0.5, 0), (-1, 0.5, 0)], lf=(half, z, r.uniform(0, 22), 0), rf=(-half, z, r.uniform(0, 22), 0),
            knees=[(0.1, 0.2, 1), (-0.1, 0.2, 1)], wobble=1.0,
        )  # fmt: skip

    keys, time = [(0.0, at(0.0))], 0.0
    while time < ask.seconds:
        time += r.uniform(0.8, 1.8)
        keys.append((time, at(r.uniform(0, 1))))
    return rig.take(rig.play(keys), stands=(False, False))


PROGRAMS = {
    "mountain_climber": mountain_climber,
    "bridge": bridge,
    "leg_raise": leg_raise,
    "russian_twist": russian_twist,
    "bird_dog": bird_dog,
    "side_plank": side_plank,
    "downward_dog": downward_dog,
}
