"""Outdoor sports and odd ways to go: fencing, skiing, skating, boats, bicycles, throws with a run-up, hurdles, crawls."""

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.context import CHEST, RAD, Context, Request, Take
from llamo.train.synthesis.everyday import _cycle_from, seated
from llamo.train.synthesis.free_body import Key, Rig, quaternion, turned
from llamo.train.synthesis.jumps import GRAVITY, jump_series
from llamo.train.synthesis.kinematics import solve
from llamo.train.synthesis.locomotion import _running, _walking, swing_arms, travel
from llamo.train.synthesis.sport import _heal
from llamo.train.synthesis.tracks import minimum_jerk, smooth, track, window


def _through(ctx: Context, poses, beat: float, seconds: float, lead: float = 0.7) -> Take:
    """From rest through `poses` again and again, `beat` seconds from each to the next, and back to rest."""
    r = ctx.rng
    keys, time, index = [(0.0, ctx.base), (lead, poses[0])], lead, 0
    while time < seconds - lead:
        index += 1
        time += beat * r.uniform(0.88, 1.15)
        keys.append((time, ctx.vary(poses[index % len(poses)], 0.6)))
    keys.append((time + lead, ctx.base))
    return Take(ctx.play(keys), start=0.3 * lead, end=time + 0.7 * lead)


def _normed_arms(arms: np.ndarray) -> np.ndarray:
    parts = arms.reshape(*arms.shape[:-1], 4, 3)
    return (parts / np.maximum(np.linalg.norm(parts, axis=-1, keepdims=True), 1e-6)).reshape(arms.shape)


# with both feet on the ground -----------------------------------------------------------------------------------------


def fence(ctx: Context, ask: Request) -> Take:
    """En garde with the sword arm ahead: the arm is thrust out, most often with a lunge, and the fencer recovers."""
    r = ctx.rng
    turn, apart = r.uniform(40, 75), r.uniform(0.3, 0.46)
    reach, deep = r.uniform(0.3, 0.6) * ctx.style.amplitude**0.5, r.uniform(0.09, 0.2)
    lunging = r.random() < 0.8
    if not lunging:
        reach, deep = 0.0, 0.0
    back_toes, low = r.uniform(50, 78), r.uniform(0.07, 0.15)
    behind = {"lf": (0.02, 0, -0.5 * apart, 0, back_toes), "rf": (-0.05, 0, 0.5 * apart, 0, -4), "knees": 6, "frame": 0.0}
    side_on = {"yaw": 0.65 * turn, "spine": (4, 0, 0.35 * turn), "head": (0, 0, -0.85 * turn)}
    other = [(160 - turn, 70, 120 - turn, 165), (150, 25, 100, 45), (110, 45, -55, 55)][int(r.choice(3, p=[0.4, 0.35, 0.25]))]
    held = r.uniform(85, 108)
    ready = ctx.pose(drop=low, ra=(turn + 8, r.uniform(30, 52), turn - 4, held), la=other, wobble=3, **side_on, **behind)
    high = r.uniform(80, 100)
    straight = (turn, high, turn - 2, high + r.uniform(-4, 4))
    extended = ctx.pose(origin=ready, ra=straight, dz=0.03, wobble=2)
    swept = (170 - turn, r.uniform(45, 85), 172 - turn, r.uniform(45, 85)) if lunging and r.random() < 0.6 else None
    lunge = ctx.pose(
        origin=ready, drop=deep, dz=0.62 * reach + 0.04, spine=(r.uniform(2, 12), 0, 0), ra=straight, la=swept,
        rf=(0, 0, reach, 0, 0) if lunging else None, lf=(0, 0, 0, r.uniform(0, 12), 0), wobble=2,
    )  # fmt: skip
    feint = ctx.pose(origin=ready, dz=r.uniform(-0.04, 0.02), drop=0.03, wobble=6)
    feints = r.random() < 0.5

    def cycle(_):
        wait = [(0.14, feint)] if feints and r.random() < 0.6 else []
        return [*wait, (0.34, extended), (0.5, lunge), (0.6, lunge), (1.0, ready)]

    period = max(1.6 * ask.factor, 1.2)
    return ctx.repeat(ask.count, period, cycle, ready=ready, lead=0.8, settle=0.8, key=0.52, pause=0.35)


def ski(ctx: Context, ask: Request) -> Take:
    """Crouched on skis with poles: the knees sway from side to side, or both poles push back together."""
    r = ctx.rng
    out = r.uniform(-0.02, 0.08)
    feet = {"lf": (out, 0, 0, 0, -6), "rf": (out, 0, 0, 0, -6)}
    if r.random() < 0.3:
        deep, bent = r.uniform(0.06, 0.16), r.uniform(18, 34)
        high, end = r.uniform(62, 88), r.uniform(35, 65)
        ahead = ctx.pose(drop=0.03, dz=0.04, pitch=8, spine=(8, 0, 0), head=(-8, 0, 0), arms=(12, high, 2, high + 32), **feet)
        pushed = ctx.pose(
            drop=deep, dz=-0.05, pitch=bent, spine=(bent, 0, 0), head=(-bent, 0, 0), arms=(168, end, 172, end + 8), **feet
        )
        middle = ctx.pose(
            drop=0.7 * deep, pitch=0.8 * bent, spine=(0.8 * bent, 0, 0), head=(-18, 0, 0), arms=(30, 22, 5, 70), **feet
        )
        return _through(ctx, [ahead, middle, pushed, middle], 0.36 * ask.factor, max(ask.seconds, 3.0))
    deep, size, lean = r.uniform(0.1, 0.24), r.uniform(0.07, 0.17), r.uniform(10, 26)
    hands = [(25, 38, -5, 88), (50, 42, 15, 78), (15, 35, -25, 108)][r.integers(3)]
    turn, plants, rise = r.uniform(0, 16), r.random() < 0.45, r.uniform(0.02, 0.07)

    def to(side):
        """Weight to the left (1) or the right (-1): the knees go over, the shoulders stay."""
        arms = {}
        if plants:
            arms = {"la" if side > 0 else "ra": (30, 52, 5, 66)}
        return ctx.pose(
            drop=deep, dx=size * side, dz=-0.02, yaw=turn * side, pitch=lean, roll=-5 * side,
            spine=(0.7 * lean, 0.5 * size / 0.1 * 9 * side, -turn * side), head=(-1.2 * lean, 0, 0), arms=hands,
            lk=14 * side, rk=-14 * side, wobble=3, **feet, **arms,
        )  # fmt: skip

    up = ctx.pose(
        drop=deep - rise, pitch=0.85 * lean, spine=(0.6 * lean, 0, 0), head=(-lean, 0, 0), arms=hands, wobble=3, **feet
    )
    beat = r.uniform(0.28, 0.48) * ask.factor
    return _through(ctx, [up, to(1), up, to(-1)], beat, max(ask.seconds, 3.0))


def surf(ctx: Context, ask: Request) -> Take:
    """Standing sideways on a board with bent knees and the arms out, swaying and turning with it."""
    r = ctx.rng
    wide, deep = r.uniform(0.14, 0.26), r.uniform(0.1, 0.26)
    feet = {"lf": (wide, 0, 0.03, 0, r.uniform(8, 35)), "rf": (wide, 0, -0.03, 0, r.uniform(-8, 14)), "knees": -4}
    look, twist = r.uniform(35, 62), r.uniform(5, 30)
    ahead = (r.uniform(45, 85), r.uniform(60, 95), r.uniform(30, 80), r.uniform(72, 105))
    behind = (r.uniform(75, 115), r.uniform(55, 95), r.uniform(50, 110), r.uniform(72, 112))
    sway, beat = r.uniform(0.04, 0.11), r.uniform(0.45, 0.85) * float(np.clip(ask.factor, 0.65, 1.6))

    def balanced(lean, tilt):
        return ctx.pose(
            drop=deep + r.uniform(-0.06, 0.08), dx=0.03 + sway * lean, dz=-0.02 + 0.03 * tilt, yaw=0.3 * twist,
            pitch=12 + 7 * tilt, roll=-5 * lean, spine=(8 + 8 * tilt, 7 * lean + r.normal(0, 4), 0.7 * twist + r.normal(0, 7)),
            head=(-10, 0, look - 0.5 * twist), la=np.add(ahead, (0, 12 * tilt, 0, 12 * tilt)),
            ra=np.add(behind, (0, -14 * lean, 0, -14 * lean)), wobble=5, **feet,
        )  # fmt: skip

    poses = [balanced(side * r.uniform(0.3, 1.0), r.normal(0, 0.6)) for side in (1, -1) * 5]
    return _through(ctx, poses, beat, max(ask.seconds, 3.0))


def tug(ctx: Context, ask: Request) -> Take:
    """Pulling at a rope ahead, leaning back: hand over hand, or both hands heaving together."""
    r = ctx.rng
    lean, deep, brace = r.uniform(8, 24), r.uniform(0.08, 0.2), r.uniform(0.16, 0.32)
    feet = {"lf": (0.05, 0, brace, 0, 4), "rf": (0.05, 0, -0.5 * brace, 0, 22), "knees": 6}
    sit = {"drop": deep, "dz": -0.1 - 0.004 * lean, "head": (6, 0, 0)}
    level = r.uniform(52, 78)
    out = (4, level, -6, level + r.uniform(2, 10))
    drawn = (r.uniform(110, 150), r.uniform(25, 45), -6, r.uniform(80, 98))
    if r.random() < 0.55:
        turn = r.uniform(8, 24)
        one = ctx.pose(pitch=-0.7 * lean, spine=(-0.2 * lean, 0, turn), ra=out, la=drawn, wobble=4, **sit, **feet)
        two = ctx.pose(pitch=-0.7 * lean, spine=(-0.2 * lean, 0, -turn), ra=drawn, la=out, wobble=4, **sit, **feet)
        return _through(ctx, [one, two], max(0.62 * ask.factor, 0.4), max(ask.seconds, 3.0))
    short = (r.uniform(20, 60), r.uniform(28, 45), -10, r.uniform(78, 95))
    give = ctx.pose(pitch=0, spine=(10, 0, 0), ra=out, la=short, wobble=4, **{**sit, "drop": deep + 0.03}, **feet)
    heave = ctx.pose(
        pitch=-lean, spine=(-8, 0, r.uniform(-14, 0)), ra=short, la=drawn, wobble=4,
        **{**sit, "dz": -0.17 - 0.004 * lean}, **feet,
    )  # fmt: skip
    return _through(ctx, [give, heave, heave], max(0.55 * ask.factor, 0.36), max(ask.seconds, 3.0))


def header(ctx: Context, ask: Request) -> Take:
    """Heading a ball: trunk and head go back and strike forward, standing, with a step, or at the top of a jump."""
    r = ctx.rng
    if r.random() < 0.5:
        take = jump_series(
            ctx, count=ask.count, height=r.uniform(0.14, 0.34) * ctx.scale, dip=r.uniform(0.1, 0.2), factor=ask.factor,
            arms="still", tuck=r.uniform(0.1, 0.5), rest=0.3 * ask.factor,
        )  # fmt: skip
        arch, strike, out = r.uniform(8, 20), r.uniform(14, 30), r.uniform(25, 65)
        t = np.arange(len(take.controls)) / ctx.fps
        raised = ctx.pose(arms=(40, out, 0, out + 35))[ch.ARM]
        lowered = ctx.pose(arms=(120, r.uniform(25, 50), 70, 45))[ch.ARM]
        for event in take.events:
            nod = track([event - 0.42, event - 0.14, event + 0.04, event + 0.5], [0.0, -arch, strike, 0.0], t)
            take.controls[:, 6] += 0.6 * nod * RAD
            take.controls[:, 9] += 0.7 * nod * RAD
            for pose, moments in ((raised, (-0.45, -0.12, 0.16)), (lowered, (-0.1, 0.16, 0.6))):
                part = track([event + moment for moment in moments], [0.0, 1.0, 0.0], t)[:, None]
                take.controls[:, ch.ARM] = _normed_arms(take.controls[:, ch.ARM] * (1 - part) + pose * part)
        return take
    step = r.uniform(0.12, 0.32) if r.random() < 0.4 else 0.0
    brace = {} if step else {"lf": (0.03, 0, 0.1, 0, 0), "rf": (0.03, 0, -0.1, 0, 6)}
    ready = ctx.pose(drop=0.03, arms=(50, 28, 10, 62), **brace)
    out = r.uniform(25, 60)
    back = ctx.pose(
        origin=ready, drop=0.05, dz=-0.06, pitch=-6, spine=(-r.uniform(12, 24), 0, 0), head=(-r.uniform(8, 20), 0, 0),
        arms=(40, out, 0, out + 35), **({"lf": (0, 0.07, 0.6 * step, 0, 0)} if step else {}),
    )  # fmt: skip
    hit = ctx.pose(
        origin=ready, dz=0.07 + 0.5 * step, pitch=8, spine=(r.uniform(16, 30), 0, 0), head=(r.uniform(4, 16), 0, 0),
        arms=(125, out, 60, 50), **({"lf": (0, 0, step, 0, 0), "rf": (0, 0, 0, 25, 0)} if step else {}),
    )  # fmt: skip
    keys = [(0.4, back), (0.56, hit), (0.64, hit), (1.0, ready)]
    return ctx.repeat(ask.count, max(1.35 * ask.factor, 0.95), keys, ready=ready, lead=0.5, settle=0.5, key=0.57, pause=0.3)


def grapevine(ctx: Context, ask: Request) -> Take:
    """Stepping to the left, the right foot crossing behind and in front in turn."""
    r = ctx.rng
    open_step, cross = r.uniform(0.2, 0.34), r.uniform(0.1, 0.2)
    deep, turn = r.uniform(0.02, 0.08), r.uniform(0, 22)
    arms = [None, (85, r.uniform(55, 90), 80, 88), (75, 40, -60, 75), (30, 22, -10, 75)][
        int(r.choice(4, p=[0.4, 0.3, 0.1, 0.2]))
    ]
    beat = float(np.clip(r.uniform(0.4, 0.55) * ask.factor, 0.28, 0.9))
    open_step, cross = (length * min(1.0, beat / 0.4) for length in (open_step, cross))
    count = max(5, int((max(ask.seconds, 2.5) - 0.6) / beat))
    count += 1 - count % 2  # the last step opens, so that the right foot can close
    behind = bool(r.random() < 0.6)
    left = right = 0.0
    keys, time = [(0.0, ctx.base), (0.3, ctx.pose(drop=deep, arms=arms))], 0.3
    half = float(ctx.base[28] - ctx.base[33]) / ctx.scale
    fore = 0.0
    for index in range(count):
        yaw = 0.0
        if index % 2 == 0:
            left, fore = right + open_step * (0.6 if index else 1.0), 0.0
        else:
            right = left + half + cross
            fore = (-1 if behind else 1) * r.uniform(0.13, 0.2)
            yaw = turn * np.sign(fore)  # the hip of the crossing leg goes with it
            behind = not behind
        time += beat * r.uniform(0.94, 1.06)
        weight = left if index % 2 == 0 else right - half
        middle = 0.5 * (left + right) + 0.2 * (weight - 0.5 * (left + right))
        pose = ctx.pose(
            drop=deep + 0.02, dx=middle, yaw=yaw, spine=(3, 0, -0.8 * yaw), head=(3, 0, -0.2 * yaw), arms=arms,
            lf=(left, 0, 0, 12 if fore else 0, 0), rf=(-right, 0, fore, 0 if fore else 12, 0), wobble=3,
        )  # fmt: skip
        keys.append((time, pose))
    end = left
    done = ctx.base.copy()
    done[[0, 28, 33]] += end * ctx.scale
    keys.append((time + 1.2 * beat, done))
    return Take(ctx.play(keys), [], 0.1, time + 1.1 * beat, (end * ctx.scale, 0.0, 0.0), loose_start=0.4, loose_end=0.4)


# throws ---------------------------------------------------------------------------------------------------------------


def pitch(ctx: Context, ask: Request) -> Take:
    """A baseball pitch: the hands together, the left knee lifted, a long stride and an overarm throw."""
    r = ctx.rng
    stride, knee, turn = r.uniform(0.5, 0.85), r.uniform(0.34, 0.62), r.uniform(45, 80)
    slot = r.uniform(94, 132)  # of the throwing arm
    over = (20, 150, -40, 165) if r.random() < 0.3 else None  # a full wind-up brings the hands overhead
    together = (35, r.uniform(20, 36), -42, r.uniform(95, 120))
    hands = ctx.pose(yaw=-0.25 * turn, head=(0, 0, 0.25 * turn), arms=together, wobble=3)
    dx = -float(ctx.base[28]) / ctx.scale * 0.8
    lift = ctx.pose(
        origin=hands, yaw=-0.5 * turn, dx=dx, dz=-0.03, pitch=-4, spine=(4, 0, -0.3 * turn), head=(0, 0, 0.6 * turn),
        lf=(-0.1, knee, 0.1, 22, 0), rf=(0, 0, 0, 0, 35), drop=0.01, wobble=3,
    )  # fmt: skip
    opened = ctx.pose(
        yaw=-0.7 * turn, dx=0.6 * dx, dz=0.35 * stride, drop=0.1, pitch=2, spine=(-4, 0, -0.35 * turn),
        head=(0, 0, 0.95 * turn), lf=(-0.05, 0.07, 0.8 * stride, 0, -5), rf=(0, 0, 0, 4, 40),
        ra=(115, 80, 140, r.uniform(75, 120)), la=(80, 82, 70, 92),
    )  # fmt: skip
    laid = ctx.pose(
        yaw=0.0, dz=0.55 * stride, drop=0.13 + 0.1 * stride, pitch=4, spine=(-8, -6, -0.1 * turn), head=(0, 0, 0.1 * turn),
        lf=(-0.05, 0, stride, 0, -5), rf=(0, 0, 0, 38, 20), ra=(92, 92, 125, 150), la=(60, 60, -30, 95),
    )  # fmt: skip
    release = ctx.pose(
        yaw=12, dz=0.68 * stride, drop=0.12 + 0.1 * stride, pitch=11, spine=(10, -10, 24), frame=0.15, head=(-12, 0, -26),
        lf=(-0.05, 0, stride, 0, -5), rf=(0, 0, 0.04, 58, 10), ra=(40, slot, 8, slot + 22), la=(95, 40, -20, 80),
    )  # fmt: skip
    through = ctx.pose(
        yaw=26, dz=0.78 * stride, drop=0.1 + 0.1 * stride, pitch=28, spine=(24, -6, 30), head=(-28, 0, -30),
        lf=(-0.05, 0, stride, 0, -5), rf=(r.uniform(0, 0.15), r.uniform(0.08, 0.4), 0.15, 62, 5), ra=(-35, 40, -60, 36),
        la=(125, 40, 110, 60),
    )  # fmt: skip
    landed = ctx.pose(
        yaw=10, dz=0.8 * stride, drop=0.12, pitch=14, spine=(12, 0, 8), head=(-14, 0, 0), lf=(-0.05, 0, stride, 0, -5),
        rf=(0.1, 0, 0.75 * stride, 0, 6), ra=(20, 25, -20, 55), la=(40, 30, -20, 75),
    )  # fmt: skip
    start = [(0.12, ctx.pose(origin=hands, arms=over))] if over else [(0.1, hands)]
    keys = [*start, (0.28, lift), (0.44, opened), (0.51, laid), (0.57, release), (0.64, through), (0.76, landed), (1.0, hands)]
    period = max(3.2 * ask.factor, 2.7)
    return ctx.repeat(ask.count, period, keys, ready=hands, lead=0.7, settle=0.6, key=0.57, pause=0.4, vary=0.6)


def javelin(ctx: Context, ask: Request) -> Take:
    """A run-up with the arm held back or over the shoulder, a long last step and an overarm throw."""
    r = ctx.rng
    speed = {"slow": r.uniform(1.2, 1.5), "normal": r.uniform(1.8, 2.6), "fast": r.uniform(2.8, 3.6)}[ask.speed]
    gait, cadence = _walking(ctx, min(speed, 1.9)) if speed < 2.0 else _running(ctx, speed)
    take = travel(ctx, gait, seconds=0, speed=speed, cadence=cadence, steps=int(r.integers(4, 8)))
    over = r.random() < 0.6
    carried = ctx.pose(ra=(70, 82, 35, 155) if over else (140, r.uniform(70, 92), 150, r.uniform(75, 95)), wobble=4)
    controls = take.controls
    t = np.arange(len(controls)) / ctx.fps
    hold = minimum_jerk((t - 0.05) / 0.6)[:, None]
    swing = 0.15 * (controls[:, 22:28] - controls[:, 22:28].mean(0))
    arms = controls[:, ch.ARM].copy()
    arms[:, 6:] = arms[:, 6:] * (1 - hold) + (carried[22:28] + swing) * hold
    controls[:, ch.ARM] = _normed_arms(arms)
    turned_ = r.uniform(0, 22) * RAD * hold[:, 0]
    controls[:, 8] -= turned_
    controls[:, 11] += turned_
    stride, turn = r.uniform(0.45, 0.75), r.uniform(28, 50)
    after = stride + r.uniform(0.15, 0.35)
    first = ctx.pose(origin=carried, spine=(0, 0, -float(turned_[-1]) / RAD), head=(0, 0, float(turned_[-1]) / RAD), wobble=0)
    drawn = ctx.pose(
        yaw=-0.5 * turn, dz=0.3 * stride, pitch=-5, spine=(-9, 6, -0.6 * turn), head=(-4, 0, turn),
        ra=(135, 90, 142, 98), la=(10, 88, -5, 100), lf=(0, 0.1, 0.65 * stride, -6, 0), rf=(0, 0, 0, 8, 22), drop=0.05,
    )  # fmt: skip
    planted = ctx.pose(
        yaw=-0.1 * turn, dz=0.55 * stride, pitch=-4, spine=(-12, 4, -0.2 * turn), head=(-4, 0, 0.3 * turn),
        ra=(112, 100, 130, 140), la=(60, 70, 20, 90), lf=(0, 0, stride, 0, 0), rf=(0, 0, 0, 38, 10), drop=0.07,
    )  # fmt: skip
    release = ctx.pose(
        yaw=0.25 * turn, dz=0.72 * stride, pitch=10, spine=(10, -6, 0.5 * turn), head=(-8, 0, -0.6 * turn),
        ra=(30, r.uniform(112, 135), 5, 148), la=(95, 35, 30, 70), lf=(0, 0, stride, 0, 0), rf=(0, 0, 0.05, 58, 5), drop=0.05,
    )  # fmt: skip
    through = ctx.pose(
        yaw=0.5 * turn, dz=0.5 * (stride + after), pitch=20, spine=(18, 0, 0.6 * turn), head=(-20, 0, -turn),
        ra=(-25, 42, -45, 40), la=(125, 35, 110, 50), lf=(0, 0, stride, 8, 0), rf=(0.03, 0.18, after - 0.25, 35, 0), drop=0.06,
    )  # fmt: skip
    caught = ctx.pose(
        dz=0.9 * after, pitch=16, spine=(12, 0, 8), head=(-12, 0, -6), ra=(10, 25, -20, 40), la=(90, 35, 60, 60),
        lf=(0, 0, stride, 45, 0), rf=(0.03, 0, after + 0.1, 0, 4), drop=0.09,
    )  # fmt: skip
    end = ctx.base.copy()
    end[[2, 30, 35]] += (after + 0.1) * ctx.scale
    f = float(np.clip(ask.factor, 0.85, 1.4))
    moments = np.array([0.0, 0.3, 0.46, 0.6, 0.75, 1.0, 1.7]) * f
    controls_two = ctx.play(list(zip(moments, (first, drawn, planted, release, through, caught, end))))
    x, z, yaw = take.travel
    seam = len(controls) - max(2, int(0.2 * ctx.fps))
    joined = _heal(np.concatenate([controls[:seam], ch.place(controls_two, x, z, yaw)]), seam, 4)
    step = np.sin(np.linspace(0, np.pi, 9)) ** 1.2
    for slot in (28, 33):  # what a foot still has to go there it goes in the air
        gone = np.hypot(*(joined[seam + 4, [slot, slot + 2]] - joined[seam - 4, [slot, slot + 2]]))
        joined[seam - 4 : seam + 5, slot + 1] += min(0.4 * gone, 0.08) * step
    far = (after + 0.1) * ctx.scale
    place = (x + far * np.sin(yaw), z + far * np.cos(yaw), yaw)
    return Take(joined, [float(seam / ctx.fps + moments[3])], 0.0, len(joined) / ctx.fps - 0.1, place)


# on the way -----------------------------------------------------------------------------------------------------------


def skate(ctx: Context, ask: Request) -> Take:
    """Skating forward: a glide on each foot in turn, the other leg pushed out to its side and brought back."""
    r, s = ctx.rng, ctx.scale
    period = float(np.clip(r.uniform(1.5, 2.3) * ask.factor**0.7, 1.2, 3.2))  # of both strokes
    top = r.uniform(1.6, 3.2) * s * ask.factor**-0.3
    total = max(ask.seconds, 2.2 * period)
    t = ctx.frames(total + 0.4)
    on = window(t, 0.15, total + 0.2, 0.8)
    pace = top * window(t, 0.1, total + 0.3, 1.1) * (1 + 0.1 * np.sin(4 * np.pi * t / period + r.uniform(0, 6)))
    ahead = np.concatenate([[0.0], np.cumsum(0.5 * (pace[1:] + pace[:-1]) / ctx.fps)])
    weave, push, rear = r.uniform(0.08, 0.17) * s, r.uniform(0.26, 0.48) * s, r.uniform(0.1, 0.32) * s
    lift, toes = r.uniform(0.05, 0.16) * s, r.uniform(15, 38)
    cycle = (t - 0.4) / period
    out = np.tile(ctx.base, (len(t), 1))
    centre = weave * np.sin(2 * np.pi * cycle) * on  # to the left in the first half, in which the left foot glides
    for slot, sign, offset in ((28, 1.0, 0.0), (33, -1.0, 0.5)):
        q = (cycle - offset) % 1.0
        moments = [-0.2, 0.0, 0.3, 0.56, 0.64, 0.82, 1.0, 1.3]
        aside = track(moments, [0.5 * push, 0.0, 0.03, push, 0.95 * push, 0.35 * push, 0.0, 0.03], q)
        back = track(moments, [0.9 * rear, 0.0, -0.03, 0.6 * rear, rear, 0.9 * rear, 0.0, -0.03], q)
        air = np.sin(np.pi * np.clip((q - 0.58) / 0.4, 0, 1)) ** 1.2
        edge = track(moments, [0.2, 0.05, 0.15, 1.0, 0.9, 0.3, 0.05, 0.15], q)
        # The skate goes where the body is while it glides: beside the line of the way.
        glide = weave * 0.6 * np.sin(2 * np.pi * np.clip(cycle, 0, None)) * on
        out[:, slot] = ctx.base[slot] * (1 - 0.45 * on) + glide + sign * aside * on
        out[:, slot + 1] += lift * air * on
        out[:, slot + 2] += ahead - back * on
        out[:, slot + 3] += 0.5 * air * on
        out[:, slot + 4] += sign * toes * edge * on * RAD
        out[:, 38 + (slot == 33)] += 8 * RAD * on
    deep, lean = r.uniform(0.07, 0.22), r.uniform(14, 40)
    side = np.sin(2 * np.pi * cycle) * on
    out[:, 0] += centre
    out[:, 1] -= deep * ctx.leg * on * (1 + 0.15 * np.cos(4 * np.pi * cycle))
    out[:, 2] += ahead - 0.05 * s * on
    out[:, ch.PITCH] += 0.55 * lean * RAD * on
    out[:, ch.YAW] += r.uniform(2, 9) * RAD * side
    out[:, ch.ROLL] += -4 * RAD * side
    out[:, 6] += 0.6 * lean * RAD * on
    out[:, 7] += 5 * RAD * side
    out[:, 9] -= lean * RAD * on
    kind = str(r.choice(["swing", "one", "back", "out"], p=[0.6, 0.1, 0.12, 0.18]))
    across, far = r.uniform(-35, 5), r.uniform(55, 88)
    fore = ctx.pose(arms=(across, far - 12, across - 25, far + 12), wobble=5)[ch.ARM]
    rear_arms = ctx.pose(arms=(135, r.uniform(40, 75), 140, r.uniform(45, 80)), wobble=5)[ch.ARM]
    behind = ctx.pose(arms=(150, 28, -115, 45), wobble=3)[ch.ARM]
    wide = ctx.pose(arms=(70, r.uniform(35, 65), 50, r.uniform(45, 80)), wobble=6)[ch.ARM]
    share = 0.5 + 0.5 * np.sin(2 * np.pi * cycle + r.uniform(-0.3, 0.5))  # 1: the left foot glides, the right arm is ahead
    arms = np.empty((len(t), 12))
    for half, part in ((slice(0, 6), 1 - share), (slice(6, 12), share)):
        swung = rear_arms[half] * (1 - part[:, None]) + fore[half] * part[:, None]
        middle = wide[half] * (4 * part * (1 - part))[:, None] * 0.6
        arms[:, half] = swung + middle
        if kind == "back" or (kind == "one" and half.start == 0):
            arms[:, half] = behind[half]
        if kind == "out":
            arms[:, half] = wide[half] + 0.15 * (swung - wide[half])
    arms = _normed_arms(arms)
    gone = minimum_jerk(np.minimum(t / 0.9, (t[-1] - t) / 0.9))[:, None]
    out[:, ch.ARM] = _normed_arms(ctx.base[ch.ARM] * (1 - gone) + arms * gone)
    return Take(out, [], 0.2, t[-1] - 0.2, (0.0, float(ahead[-1]), 0.0), loose_start=1.0, loose_end=1.0)


def hurdle(ctx: Context, ask: Request) -> Take:
    """Running and jumping over obstacles, the right leg leading, the left one drawn up behind; every obstacle counts."""
    r, s = ctx.rng, ctx.scale
    pace = 0.34 * float(np.clip(ask.factor, 0.85, 1.5)) ** 0.6
    speed = r.uniform(2.1, 3.1) * s * float(np.clip(ask.factor, 0.85, 1.6)) ** -0.4
    flight = float(np.clip(r.uniform(0.34, 0.5), 0.3, 0.52))
    between = int(r.choice([1, 3], p=[0.3, 0.7]))
    before = int(r.choice([3, 4, 5]))
    flying = [False] * before
    for index in range(ask.count):
        flying += [True] + [False] * (between if index < ask.count - 1 else int(r.integers(2, 4)))
    flying.append(False)
    waits = np.array([flight + 0.62 * pace if fly else pace for fly in flying]) * r.uniform(0.96, 1.04, len(flying))
    start = 0.3
    lands = start + np.cumsum(waits)
    stance = 0.62 * pace
    total = float(lands[-1]) + 0.7
    t = ctx.frames(total)
    pelvis_speed = speed * minimum_jerk((t - 0.15) / 1.0) * minimum_jerk((lands[-1] - 0.05 - t) / (1.9 * pace))
    ahead = np.concatenate([[0.0], np.cumsum(0.5 * (pelvis_speed[1:] + pelvis_speed[:-1]) / ctx.fps)])
    # The foot before the first flight is the left one.
    feet = np.array([(before - 1 - k) % 2 for k in range(len(lands))])  # 0 left, 1 right
    places = np.interp(lands + 0.5 * stance, t, ahead)
    places[-2:] = ahead[-1]
    leaves = lands + stance
    leaves[-2:] = np.inf
    tall, open_ = r.uniform(0.34, 0.6) * s, r.uniform(0.1, 0.26) * s
    run_lift = r.uniform(0.16, 0.32) * s
    out = np.tile(ctx.base, (len(t), 1))
    flights = [(float(lands[k] - flight), float(lands[k])) for k in range(len(lands)) if flying[k]]
    for foot, slot in ((0, 28), (1, 33)):
        mine = np.flatnonzero(feet == foot)
        here, leave = 0.0, start - 0.05 if feet[0] == foot else float(lands[0]) + 0.08
        z = np.zeros(len(t))
        for k in mine:
            u = np.clip((t - leave) / (lands[k] - leave), 0, 1)
            z += (places[k] - here) * (0.4 * minimum_jerk(u) + 0.6 * u * u * (3 - 2 * u))
            height = run_lift * min(1.0, (places[k] - here) / (1.2 * s))
            out[:, slot + 1] += height * np.sin(np.pi * u**0.8) ** 1.3
            out[:, slot + 3] += 0.9 * np.sin(np.pi * np.clip(u / 0.75, 0, 1)) * min(1.0, (places[k] - here) / s)
            here, leave = places[k], leaves[k]
        out[:, slot + 2] += z
    lead_now = np.zeros(len(t))
    base_y = np.full(len(t), float(ctx.base[1]))
    running = window(t, start - 0.1, float(lands[-1]) + 0.3, 0.4)
    base_y -= 0.045 * ctx.leg * running
    for off, on in flights:
        u = np.clip((t - off) / (on - off), 0, 1)
        base_y += 4 * u * (1 - u) * GRAVITY * flight**2 / 8 * 0.95
        up = np.sin(np.pi * np.clip((t - off + 0.16) / (on - off + 0.16), 0, 1)) ** 1.5
        trail = np.sin(np.pi * np.clip((t - off - 0.02) / (on - off + 0.2), 0, 1)) ** 1.5
        lead_now = np.maximum(lead_now, up)
        out[:, 34] += tall * up
        out[:, 36] -= 0.7 * up
        out[:, 29] += tall * 0.75 * trail
        out[:, 28] += open_ * trail
        out[:, 38] += r.uniform(25, 45) * RAD * trail
        out[:, 31] -= 0.3 * trail
    out[:, 1] = smooth(base_y, 0.8)
    out[:, 2] += ahead
    out[:, ch.PITCH] += (7 * running + r.uniform(4, 16) * lead_now) * RAD
    out[:, 6] += (4 * running + r.uniform(4, 18) * lead_now) * RAD
    out[:, 9] -= (6 * running + 12 * lead_now) * RAD
    # A whole number is the middle of a stance, even ones on the right foot.
    phase = np.interp(t, lands + 0.5 * stance, np.arange(len(lands)) + float(feet[0] == 0))
    gait, _ = _running(ctx, speed)
    swing_arms(ctx, gait, out, np.pi * phase, running, ctx.posture["swing"])
    reach = ctx.pose(la=(5, r.uniform(60, 95), 0, r.uniform(75, 110)), ra=(130, 45, 90, 60), wobble=5)
    part = (0.9 * lead_now)[:, None]
    out[:, ch.ARM] = _normed_arms(out[:, ch.ARM] * (1 - part) + reach[ch.ARM] * part)
    events = [0.5 * (off + on) for off, on in flights]
    return Take(out, events, start - 0.1, float(lands[-1]) + 0.3, (0.0, float(ahead[-1]), 0.0), loose_start=0.4, loose_end=0.3)


# seated ---------------------------------------------------------------------------------------------------------------


def paddle(ctx: Context, ask: Request) -> Take:
    """Kayaking: sitting with both hands on a paddle, its ends dipped in turn; every stroke counts."""
    r, s = ctx.rng, ctx.scale
    start = seated(ctx)
    if r.random() < 0.7:  # in a boat: low, with the legs ahead
        start[1] = r.uniform(0.26, 0.38) * s
        start[2] = ctx.base[2]
        away = r.uniform(0.62, 0.8) * ctx.leg
        for slot in (28, 33):
            start[slot + 1], start[slot + 2], start[slot + 3] = ctx.body.ball + 0.06 * s, start[2] + away + 0.08 * s, -0.7
        start[38:40] = r.uniform(-2, 4) * RAD
        start[4] -= r.uniform(0, 10) * RAD
    wide, low, high = r.uniform(0.2, 0.32), r.uniform(-0.24, -0.08), r.uniform(0.06, 0.28)
    twist, bent = r.uniform(10, 32), r.uniform(2, 14)
    arms = (50, 40, -10, 85)
    neutral = ctx.pose(origin=start, spine=(bent, 0, 0), arms=arms, frame=1.0, wobble=0)
    level = (wide, r.uniform(-0.06, 0.04), r.uniform(0.3, 0.38))
    neutral = ctx.reach(neutral, CHEST, level, level)

    def strokes(right):
        def at(turn, lean, low_hand, high_hand):
            side = 1 if right else -1
            pose = ctx.pose(
                origin=start, spine=(bent + lean, 3 * side, turn * side), head=(0, 0, -0.6 * turn * side), arms=arms, frame=1.0,
                wobble=0,
            )  # fmt: skip
            return ctx.reach(pose, CHEST, *((low_hand, high_hand) if right else (high_hand, low_hand)))

        dip = at(twist, 6, (wide - 0.02, low, 0.4), (wide - 0.02, high, 0.3))
        pull = at(0.1 * twist, 2, (wide + 0.08, low - 0.02, 0.26), (0.06, high + 0.02, 0.36))
        out = at(-twist, -2, (wide + 0.12, low + 0.02, 0.1), (-0.02, high - 0.06, 0.4))
        return [(0.25, dip), (0.5, pull), (0.72, out), (1.0, neutral)]

    two = strokes(True), strokes(False)
    first = int(r.integers(2))
    period = float(np.clip(r.uniform(0.85, 1.25) * ask.factor, 0.62, 2.2))
    return _cycle_from(ctx, start, ask.count, period, lambda i: two[(i + first) % 2], neutral, 0.6, 0.5)


def pedal(ctx: Context, ask: Request) -> Take:
    """Cycling: sitting high over turning pedals with the hands on the bars, now and then out of the saddle."""
    r, s = ctx.rng, ctx.scale
    rate = r.uniform(0.85, 1.35) / ask.factor  # turns per second
    t = ctx.frames(max(ask.seconds, 2.5))
    crank = r.uniform(0.155, 0.18) * s
    bottom = r.uniform(0.08, 0.2) * s  # of the lowest pedal
    lean = r.uniform(12, 48)
    standing = r.random() < 0.15
    turn = 2 * np.pi * np.concatenate([[0.0], np.cumsum(rate * (1 + 0.06 * np.sin(0.7 * t[1:] + r.uniform(0, 6))) / ctx.fps)])
    turn += r.uniform(0, 2 * np.pi)
    out = np.tile(ctx.base, (len(t), 1))
    axle = bottom + crank
    high = bottom + ctx.body.ball + (0.97 if standing else r.uniform(0.86, 0.93)) * ctx.leg
    back = (0.02 if standing else r.uniform(0.12, 0.24)) * s
    rock = (r.uniform(0.03, 0.06) if standing else r.uniform(0.0, 0.012)) * s
    out[:, 0] = rock * np.sin(turn)
    out[:, 1] = high + (0.02 * s * np.cos(2 * turn) if standing else 0.0)
    out[:, 2] = -back
    # Of the lean the pelvis takes a part and the back the rest; the face stays up.
    out[:, ch.PITCH] += (0.55 * lean + (12 if standing else 0)) * RAD
    out[:, 6] += 0.55 * lean * RAD
    out[:, 9] -= 0.75 * lean * RAD
    out[:, ch.ROLL] += (5 if standing else 1.5) * RAD * np.sin(turn)
    out[:, 7] -= (6 if standing else 1.5) * RAD * np.sin(turn)
    half, dorsal = r.uniform(0.08, 0.12) * s, r.uniform(-5, 12) * RAD
    for slot, sign, offset in ((28, 1.0, 0.0), (33, -1.0, np.pi)):
        angle = turn + offset
        out[:, slot] = sign * half
        out[:, slot + 1] = axle + ctx.body.ball + crank * np.cos(angle)
        out[:, slot + 2] = 0.06 * s + crank * np.sin(angle)
        # The heel is up behind and over the top, and level in the push.
        out[:, slot + 3] = dorsal + 16 * RAD * (1 - np.sin(angle))
        out[:, slot + 4] = sign * 3 * RAD
    out[:, 38:40] = r.uniform(-3, 6) * RAD
    out[:, ch.ARM_FRAME] = 0.3
    flare = r.uniform(5, 45)
    grip = ctx.pose(arms=(flare + 20, 40, flare - 20, 60), wobble=2)
    out[:, ch.ARM] = grip[ch.ARM]
    joints = solve(out[:1], ctx.body)[0]
    wide = r.uniform(0.17, 0.26) * s
    slope = (95 - 0.85 * lean + r.uniform(-28, 4)) * RAD  # of the arms from hanging down
    stretch = r.uniform(0.84, 0.96) * ctx.arm
    for arm, slot, sign in ((0, 40, 1), (1, 44, -1)):
        shoulder = joints[16 + arm]
        length = float(np.sqrt(max(stretch**2 - (sign * wide - shoulder[0]) ** 2, 0.02)))
        out[:, slot] = sign * wide
        out[:, slot + 1] = shoulder[1] - length * np.cos(slope)
        out[:, slot + 2] = shoulder[2] + length * np.sin(slope)
        out[:, slot + 3] = 1.0
    out[:, 10] += r.uniform(-6, 6) * RAD
    out[:, 11] += r.uniform(0, 18) * RAD * np.sin(2 * np.pi * r.uniform(0.05, 0.2) * t + r.uniform(0, 6))
    return Take(out, loose_start=0.3, loose_end=0.3)


# on hands and feet ----------------------------------------------------------------------------------------------------


def _on_all_fours(rig: Rig, ask: Request, base: Key, pitch: float, *, stride: float, period: float, sway: float) -> Take:
    """Going from `base` on hands and feet, a hand and the opposite foot nearly together; backwards with a negative stride."""
    r, s, ctx = rig.ctx.rng, rig.scale, rig.ctx
    duty, lag = r.uniform(0.58, 0.68), r.uniform(-0.1, 0.14)
    t = ctx.frames(max(ask.seconds, 2.0 * period) + 0.4)
    phase = t / period + r.random()
    values = np.tile(base.values, (len(t), 1))
    hands, feet = np.tile(base.hands, (len(t), 1, 1)), np.tile(base.feet, (len(t), 1, 1))
    lift_hand, lift_foot = r.uniform(0.05, 0.11) * s, r.uniform(0.05, 0.13) * s

    def limb(offset):
        cycle = phase + offset
        whole, part = np.floor(cycle), cycle % 1.0
        u = np.clip((part - duty) / (1 - duty), 0, 1)
        # In stance the limb is fixed and the body passes over it, half of the way before and half after.
        return stride * (whole + u * u * (3 - 2 * u) - phase[0] - offset + duty / 2), np.sin(np.pi * u) ** 1.5

    for i, offset in ((0, 0.0), (1, 0.5)):
        place, lift = limb(offset)
        hands[:, i, 2] += place
        hands[:, i, 1] += lift * lift_hand
        place, lift = limb(offset + 0.5 + lag)
        feet[:, i, 2] += place
        feet[:, i, 1] += lift * lift_foot
    forward = stride * t / period
    values[:, 2] += forward
    swing = 2 * np.pi * phase
    values[:, 0] += 0.025 * s * np.sin(swing + 0.6)
    values[:, 1] += 0.012 * s * np.cos(2 * swing)
    turn = [turned(pitch + 1.5 * np.cos(2 * a), 3 * np.sin(a + 0.4), sway * np.sin(a + 0.8)) for a in swing]
    quats = np.stack([quaternion(m) for m in turn])
    flips = np.cumprod(np.where(np.r_[1.0, (quats[1:] * quats[:-1]).sum(1)] < 0, -1.0, 1.0))
    values[:, 3:7] = quats * flips[:, None]
    values[:, 8] += 4 * RAD * np.sin(swing)
    values[:, 10] += r.uniform(-10, 10) * RAD
    joints = rig.solve(t, values, hands, feet)
    travel_ = (0.0, float(forward[-1]), 0.0)
    take = rig.take(joints, start=0.0, end=len(t) / ctx.fps, stands=(False, False), travel=travel_)
    take.loose_start = take.loose_end = 0.3
    return take


def bear_crawl(ctx: Context, ask: Request) -> Take:
    """On hands and feet, the hips high, going forward."""
    r = ctx.rng
    rig = Rig(ctx)
    factor = float(np.clip(ask.factor, 0.6, 1.8))
    s, body, leg = rig.scale, ctx.body, ctx.leg
    height = r.uniform(0.66, 0.82) * leg
    shoulders = r.uniform(0.88, 0.94) * ctx.arm + 0.03 * s
    behind = float(np.sqrt(max((r.uniform(0.84, 0.92) * leg) ** 2 - (height - 0.12 * s) ** 2, 0.01))) - 0.02 * s
    wide, half, toes = r.uniform(0.15, 0.23) * s, r.uniform(0.08, 0.16) * s, r.uniform(30, 55)
    back, look = r.uniform(-2, 10), -r.uniform(5, 40)

    def at(pitch, hand):
        return rig.key(
            (0, height, 0), turned(pitch), spine=(back, 0, 0), head=(look, 0, 0), lh=(wide, 0.03 * s, hand),
            rh=(-wide, 0.03 * s, hand), elbows=[(0.6, 0, -1), (-0.6, 0, -1)], lf=(half, -behind, toes, 0),
            rf=(-half, -behind, toes, 0), knees=[(0.3, 0, 1), (-0.3, 0, 1)], wobble=0.0,
        )  # fmt: skip

    pitch, hand = 95.0, body.torso
    for _ in range(4):  # the shoulders come over the hands, as high as the arms are long
        now = rig.joints([at(pitch, hand)])[0][16:18].mean(0)
        pitch += float(np.degrees((now[1] - shoulders) / body.torso))
        hand = float(now[2]) + 0.03 * s
    base = at(pitch, hand)
    stride = r.uniform(0.3, 0.5) * s / factor**0.4
    return _on_all_fours(rig, ask, base, pitch, stride=stride, period=1.05 * factor, sway=r.uniform(3, 8))


def crab_walk(ctx: Context, ask: Request) -> Take:
    """On hands and feet with the belly up, going forward (the feet ahead) or backward."""
    r = ctx.rng
    rig = Rig(ctx)
    s, body = rig.scale, ctx.body
    lean, inner = r.uniform(54, 70), r.uniform(78, 104) * RAD
    rise = r.uniform(0.84, 0.92) * ctx.arm + 0.03 * s
    height = max(rise - body.torso * np.cos(lean * RAD), 0.24 * s)
    thigh, shank = float(body.thigh.mean()), float(body.shank.mean())
    line = thigh**2 + shank**2 - 2 * thigh * shank * np.cos(inner)
    ahead = float(np.sqrt(max(line - (height - body.ankle) ** 2, 0.05))) + float(body.foot[0, 2])
    hand, half, wide = -body.torso * np.sin(lean * RAD) - 0.02 * s, r.uniform(0.09, 0.16) * s, r.uniform(0.19, 0.27) * s
    base = rig.key(
        (0, height, 0), turned(-lean), spine=(r.uniform(0, 10), 0, 0), head=(r.uniform(8, 28), 0, 0),
        lh=(wide, 0.03 * s, hand), rh=(-wide, 0.03 * s, hand), elbows=[(0.5, 0.2, -1.0), (-0.5, 0.2, -1.0)],
        lf=(half, ahead, 0, 6), rf=(-half, ahead, 0, -6), knees=[(0.12, 1, 0.3), (-0.12, 1, 0.3)], wobble=1.0,
    )  # fmt: skip
    factor = float(np.clip(ask.factor, 0.6, 1.8))
    stride = r.uniform(0.24, 0.4) * s / factor**0.4 * (-1 if ask.direction == "backward" else 1)
    return _on_all_fours(rig, ask, base, -lean, stride=stride, period=0.95 * factor, sway=r.uniform(2, 6))


PROGRAMS = {
    "fence": fence,
    "ski": ski,
    "skate": skate,
    "paddle": paddle,
    "pedal": pedal,
    "javelin": javelin,
    "pitch": pitch,
    "hurdle": hurdle,
    "header": header,
    "tug": tug,
    "surf": surf,
    "crab_walk": crab_walk,
    "bear_crawl": bear_crawl,
    "grapevine": grapevine,
}
