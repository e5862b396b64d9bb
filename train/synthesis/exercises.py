"""Exercises: repetitions of a cycle of key poses."""

import numpy as np

from llamo.train.synthesis import faults
from llamo.train.synthesis.context import Context, Request, Take


def squat(ctx: Context, ask: Request) -> Take:
    """Knee bends with the feet planted."""
    r = ctx.rng
    deep = float(np.clip(r.uniform(0.24, 0.52) * ctx.style.amplitude, 0.17, 0.58))
    if ask.fault == faults.SHALLOW:
        deep = r.uniform(0.05, 0.1)
    elif ask.fault:
        deep = max(deep, 0.28)
    lean = 14 + 42 * deep + r.normal(0, 6)
    kind = r.integers(4)
    arms = [(15, 88, -5, 92), (35, 55, -35, 125), None, (75, 60, -60, 140)][kind]
    wide = r.uniform(0.0, 0.12)
    wide_feet = (wide, 0, 0, 0, r.uniform(0, 12))
    ready = ctx.pose(lf=wide_feet, rf=wide_feet, arms=arms if kind == 3 else None) if wide > 0.03 or kind == 3 else ctx.base
    bottom = ctx.pose(
        drop=deep,
        dz=-0.26 * deep,
        pitch=lean * 0.75,
        spine=(lean * 0.25, 0, 0),
        head=(-lean * 0.6, 0, 0),
        arms=arms,
        knees=r.uniform(4, 16),
        lf=wide_feet if wide > 0.03 else None,
        rf=wide_feet if wide > 0.03 else None,
    )
    bottom = faults.spoil(ctx, bottom, ask.fault)
    lead = r.uniform(0.5, 0.8) if ready is not ctx.base else 0.0
    down = r.uniform(0.4, 0.5)
    hold = r.uniform(0.02, 0.2)
    return ctx.repeat(
        ask.count,
        1.9 * ask.factor,
        [(down, bottom), (min(down + hold, 0.7), bottom), (1.0, ready)],
        lead=lead,
        ready=ready,
        settle=lead and 0.6,
        key=down + hold / 2,
    )


def plie(ctx: Context, ask: Request) -> Take:
    """Knee bends with the toes turned out and an upright back."""
    r = ctx.rng
    feet = (r.uniform(0.06, 0.2), 0, 0, 0, r.uniform(35, 50))
    ready = ctx.pose(lf=feet, rf=feet, knees=22, arms=(40, 30, -30, 55))
    bottom = ctx.pose(drop=r.uniform(0.16, 0.32), lf=feet, rf=feet, knees=32, spine=(-2, 0, 0), arms=(75, 80, 40, 90))
    return ctx.repeat(ask.count, 2.2 * ask.factor, [(0.5, bottom), (1.0, ready)], lead=0.8, ready=ready, settle=0.7)


def lunge(ctx: Context, ask: Request) -> Take:
    """Stepping forward with the right leg (both: alternately) into a deep lunge and back."""
    r = ctx.rng
    step, deep = r.uniform(0.55, 0.85) * ctx.style.amplitude**0.5, r.uniform(0.24, 0.4) * ctx.style.amplitude
    if ask.fault == faults.SHALLOW:
        step, deep = r.uniform(0.45, 0.6), r.uniform(0.06, 0.09)
    arms = [None, (60, 30, -80, 60), (20, 85, 0, 95)][r.integers(3)]

    def cycle(i):
        right = not ask.both or i % 2 == 0
        front, back = (0, 0.0, step, 0, 0), (0, 0, -0.02, 48, 0)
        lifted = (0, 0.09, step * 0.55, 10, 0)
        foot = (lambda f, b: dict(rf=f, lf=b)) if right else (lambda f, b: dict(lf=f, rf=b))
        low = ctx.pose(
            drop=deep, dz=step * 0.5, pitch=4, spine=(r.uniform(-2, 8), 0, 0), arms=arms, wobble=2, **foot(front, back)
        )
        out = ctx.pose(
            drop=0.04, dz=step * 0.2, pitch=3, dx=0.03 if right else -0.03, wobble=2, **foot(lifted, (0, 0, 0, 6, 0))
        )
        low = faults.spoil(ctx, low, ask.fault, leg="r" if right else "l")
        return [(0.2, out), (0.46, low), (0.56, low), (0.8, out), (1.0, ctx.base)]

    return ctx.repeat(ask.count, 2.4 * ask.factor, cycle, key=0.5)


def side_lunge(ctx: Context, ask: Request) -> Take:
    """Stepping out to the right and bending that knee."""
    r = ctx.rng
    step, deep = r.uniform(0.4, 0.6), r.uniform(0.16, 0.32)
    arms = [None, (20, 80, -10, 95), (50, 35, -60, 100)][r.integers(3)]
    low = ctx.pose(
        drop=deep, dx=-step * 0.72, pitch=22, spine=(10, 0, 0), head=(-15, 0, 0), rf=(step, 0, 0, 0, 10), rk=10, arms=arms
    )
    out = ctx.pose(drop=0.03, dx=-step * 0.15, rf=(step * 0.55, 0.08, 0, 10, 5))
    return ctx.repeat(ask.count, 2.3 * ask.factor, [(0.2, out), (0.46, low), (0.56, low), (0.8, out), (1.0, ctx.base)], key=0.5)


def jumping_jack(ctx: Context, ask: Request) -> Take:
    """Hopping feet apart with the arms overhead and back."""
    r = ctx.rng
    wide = r.uniform(0.2, 0.38) * ctx.style.amplitude
    top = r.uniform(140, 172)
    up = ctx.pose(
        drop=0.05,
        lf=(wide, 0, 0, 0, 8),
        rf=(wide, 0, 0, 0, 8),
        arms=(85, top, 70 if top > 160 else 90, min(top + 8, 176)),
        spine=(-2, 0, 0),
    )
    side = ctx.pose(drop=-0.01, lf=(wide * 0.5, 0.05, 0, 30, 4), rf=(wide * 0.5, 0.05, 0, 30, 4), arms=(88, 92, 86, 96))
    side[1] += 0.05
    down = ctx.pose(drop=0.035, arms=(80, 14, 60, 20))
    keys = [(0.2, side), (0.45, up), (0.52, up), (0.78, side), (1.0, down)]
    take = ctx.repeat(ask.count, 1.0 * ask.factor, keys, ready=down, lead=0.25, settle=0.35, key=0.48, pause=0.0)
    return take


def overhead_press(ctx: Context, ask: Request) -> Take:
    """Pressing both hands from the shoulders overhead."""
    low = ctx.pose(arms=(65, 28, 30, 165), spine=(-3, 0, 0))
    high = faults.spoil_arms(ctx, ctx.pose(arms=(45, 162, 30, 174), spine=(-5, 0, 0), shrug=6), low, ask.fault)
    return ctx.repeat(ask.count, 1.8 * ask.factor, [(0.45, high), (0.55, high), (1.0, low)], ready=low, lead=0.9, settle=0.8)


def biceps_curl(ctx: Context, ask: Request) -> Take:
    """Bending the right elbow (both: both) with the upper arm still."""
    bent, straight = (10, 18, -10, 150), (30, 10, 5, 22)
    low = ctx.pose(ra=straight, la=straight if ask.both else None)
    high = ctx.pose(ra=bent, la=bent if ask.both else None, spine=(-2, 0, 0))
    high = faults.spoil_arms(ctx, high, low, ask.fault)
    return ctx.repeat(ask.count, 1.7 * ask.factor, [(0.45, high), (0.52, high), (1.0, low)], ready=low, lead=0.5, settle=0.5)


def lateral_raise(ctx: Context, ask: Request) -> Take:
    """Raising straight arms to the sides."""
    high = ctx.pose(arms=(85, ctx.rng.uniform(78, 108), 85, ctx.rng.uniform(80, 112)))
    high = faults.spoil_arms(ctx, high, ctx.base, ask.fault)
    return ctx.repeat(ask.count, 1.9 * ask.factor, [(0.45, high), (0.55, high), (1.0, ctx.base)])


def arm_circles(ctx: Context, ask: Request) -> Take:
    """Large circles of the right arm (both: both), forward or backward."""
    r = ctx.rng
    big = r.random() < 0.6
    sign = 1 if r.random() < 0.5 else -1
    if big:
        around = [(0, 88), (25, 168), (135, 95), (70, 14)]  # front, top, behind, down
        poses = [
            ctx.pose(
                ra=(a, e, a, min(e + 4, 176)), la=(a, e, a, min(e + 4, 176)) if ask.both else None, spine=(-2, 0, 0), wobble=3
            )
            for a, e in around
        ]
        order = [0, 1, 2, 3] if sign > 0 else [2, 1, 0, 3]
        cycle = [((i + 1) / 4, poses[k]) for i, k in enumerate(order)]
        return ctx.repeat(ask.count, 1.5 * ask.factor, cycle, ready=poses[3], lead=0.3, settle=0.5, key=0.5, pause=0.03)
    size = r.uniform(16, 32)

    def pose(da, de):
        return ctx.pose(
            ra=(85 + da, 90 + de, 85 + da, 92 + de), la=(85 + da, 90 + de, 85 + da, 92 + de) if ask.both else None, wobble=1.5
        )

    cycle = [(0.25, pose(-sign * size, 0)), (0.5, pose(0, size)), (0.75, pose(sign * size, 0)), (1.0, pose(0, -size))]
    return ctx.repeat(ask.count, 1.2 * ask.factor, cycle, ready=pose(0, -size), lead=0.9, settle=0.9, key=0.5, pause=0.03)


def deadlift(ctx: Context, ask: Request) -> Take:
    """Hinging to the floor with both hands and standing up with a load."""
    r = ctx.rng
    bottom = ctx.pose(
        drop=r.uniform(0.2, 0.32),
        dz=-0.14,
        pitch=48,
        spine=(18, 0, 0),
        head=(-30, 0, 0),
        arms=(25, 12, 10, 14),
        shrug=-4,
        knees=6,
    )
    bottom = faults.spoil(ctx, bottom, ask.fault)
    top = ctx.pose(pitch=-2, spine=(-3, 0, 0), arms=(40, 12, 10, 18), shrug=2)
    return ctx.repeat(
        ask.count, 2.6 * ask.factor, [(0.42, bottom), (0.52, bottom), (1.0, top)], ready=top, lead=0.3, settle=0.4, key=0.47
    )


def side_bend(ctx: Context, ask: Request) -> Take:
    """Bending to the left with an arm overhead or at the hip."""
    r = ctx.rng
    angle = r.uniform(22, 40) * ctx.style.amplitude
    over = r.random() < 0.6
    bent = ctx.pose(
        roll=-angle * 0.3,
        dx=-0.06,
        spine=(0, -angle, 0),
        head=(0, -8, 0),
        ra=(70, 165, 20, 170) if over else None,
        la=(110, 40, -60, 70) if over else None,
        frame=1.0,
    )
    ready = ctx.pose(ra=(60, 150, 20, 170), la=(110, 40, -60, 70)) if over else ctx.base
    return ctx.repeat(
        ask.count,
        2.0 * ask.factor,
        [(0.45, bent), (0.55, bent), (1.0, ready)],
        ready=ready,
        lead=0.8 if over else 0.0,
        settle=0.8 if over else 0.0,
    )


def torso_twist(ctx: Context, ask: Request) -> Take:
    """Twisting the trunk to the left and right; one repetition is there and back."""
    r = ctx.rng
    angle = r.uniform(28, 50) * ctx.style.amplitude
    arms = [(80, 85, -50, 88), (85, 88, 85, 90), (60, 45, -70, 90)][r.integers(3)]
    left, right = (
        ctx.pose(yaw=s * angle * 0.3, spine=(0, 0, s * angle), head=(0, 0, -s * angle * 0.3), arms=arms, wobble=2)
        for s in (1, -1)
    )
    ready = ctx.pose(arms=arms)
    return ctx.repeat(
        ask.count,
        1.7 * ask.factor,
        [(0.25, left), (0.75, right), (1.0, ready)],
        ready=ready,
        lead=0.6,
        settle=0.6,
        key=0.25,
        pause=0.03,
    )


def toe_touch(ctx: Context, ask: Request) -> Take:
    """Bending down to the toes with nearly straight knees."""
    r = ctx.rng
    bottom = ctx.pose(drop=0.03, dz=-0.13, pitch=60, spine=(52, 0, 0), head=(12, 0, 0), arms=(12, 12, 5, 14), frame=0.1)
    if r.random() < 0.7:  # the others come as far as their shins
        bottom = ctx.stoop_to(bottom, r.uniform(0.12, 0.3))
    ready = ctx.pose(arms=(30, 160, 20, 170)) if r.random() < 0.5 else ctx.base
    return ctx.repeat(
        ask.count,
        2.3 * ask.factor,
        [(0.45, bottom), (0.55, bottom), (1.0, ready)],
        ready=ready,
        lead=0.7 if ready is not ctx.base else 0.0,
        settle=0.7 if ready is not ctx.base else 0.0,
    )


def calf_raise(ctx: Context, ask: Request) -> Take:
    """Rising onto the toes."""
    high = ctx.pose(lf=(0, 0, 0, 42, 0), rf=(0, 0, 0, 42, 0), dz=0.04)
    high[1] = ctx.body.pelvis_height + ctx.body.foot[:, 2].mean() * 0.48
    return ctx.repeat(ask.count, 1.5 * ask.factor, [(0.42, high), (0.56, high), (1.0, ctx.base)])


def knee_raise(ctx: Context, ask: Request) -> Take:
    """Lifting the right knee to hip height."""
    r = ctx.rng
    lift = r.uniform(0.38, 0.55)
    up = ctx.pose(
        dx=float(ctx.base[28]) / ctx.scale * 0.85,
        roll=-3,
        pitch=-4,
        rf=(-0.02, lift, 0.16, 25, 0),
        spine=(3, 4, 0),
        arms=[None, (70, 30, -60, 80)][r.integers(2)],
    )
    return ctx.repeat(ask.count, 1.6 * ask.factor, [(0.42, up), (0.55, up), (1.0, ctx.base)], key=0.48)


def leg_raise_side(ctx: Context, ask: Request) -> Take:
    """Swinging the straight right leg out to the side."""
    r = ctx.rng
    out = r.uniform(0.45, 0.65)
    up = ctx.pose(
        dx=float(ctx.base[28]) / ctx.scale,
        roll=-14,
        spine=(0, 10, 0),
        rf=(out, out * 0.55, 0, 10, 12),
        arms=[None, (85, 60, 80, 70), (110, 40, -60, 70)][r.integers(3)],
    )
    return ctx.repeat(ask.count, 1.7 * ask.factor, [(0.42, up), (0.54, up), (1.0, ctx.base)], key=0.48)


def stretch(ctx: Context, ask: Request) -> Take:
    """Reaching up tall, then leaning or arching."""
    r = ctx.rng
    up = ctx.pose(
        arms=(30, 166, -10, 172), spine=(-8, 0, 0), head=(-12, 0, 0), shrug=12, lf=(0, 0, 0, 20, 0), rf=(0, 0, 0, 20, 0)
    )
    up[1] += 0.035
    keys, time = [(0.0, ctx.base), (1.2 * ask.factor, up)], 1.2 * ask.factor
    end = max(ask.seconds, 3.5)
    while time < end - 1.5:
        time += r.uniform(0.8, 1.4) * ask.factor
        s = r.choice([-1, 1])
        keys.append(
            (time, ctx.pose(arms=(30, 164, -10, 170), spine=(-6, s * 18, 0), roll=s * 4, head=(-8, 0, 0), shrug=10, frame=0.9))
        )
    keys.append((time + 1.1 * ask.factor, ctx.base))
    return Take(ctx.play(keys))


PROGRAMS = {
    "squat": squat,
    "plie": plie,
    "lunge": lunge,
    "side_lunge": side_lunge,
    "jumping_jack": jumping_jack,
    "overhead_press": overhead_press,
    "biceps_curl": biceps_curl,
    "lateral_raise": lateral_raise,
    "arm_circles": arm_circles,
    "deadlift": deadlift,
    "side_bend": side_bend,
    "torso_twist": torso_twist,
    "toe_touch": toe_touch,
    "calf_raise": calf_raise,
    "knee_raise": knee_raise,
    "leg_raise_side": leg_raise_side,
    "stretch": stretch,
}
