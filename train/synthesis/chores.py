"""Work with tools: spades, saws, axes, spoons, fishing rods; authored for the right hand."""

import numpy as np

from llamo.train.synthesis.context import CHEST, Context, Request, Take


def dig(ctx: Context, ask: Request) -> Take:
    """Stabbing a spade into the ground, lifting it and throwing the earth to a side."""
    r = ctx.rng
    out, turn, side = r.uniform(0.03, 0.14), r.uniform(25, 60), float(r.choice([-1, 1]))
    stance = dict(lf=(out, 0, r.uniform(0.0, 0.25), 0, 8), rf=(out, 0, -r.uniform(0.0, 0.1), 8, 12), knees=5)
    ready = ctx.pose(drop=0.05, pitch=10, spine=(10, 0, 0), ra=(40, 25, -20, 62), la=(15, 42, -25, 58), **stance)
    stab = ctx.pose(
        drop=r.uniform(0.1, 0.2), dz=-0.04, pitch=r.uniform(22, 38), spine=(22, 0, -5), head=(-10, 0, 0), ra=(40, 30, -25, 50),
        la=(5, 40, -20, 42), **stance,
    )  # fmt: skip
    lift = ctx.pose(drop=0.06, pitch=14, spine=(14, 0, 0), ra=(50, 25, -30, 65), la=(10, 52, -15, 72), **stance)
    fling = ctx.pose(
        drop=0.05, pitch=8, yaw=0.3 * side * turn, spine=(8, 0, side * turn), head=(0, 0, 0.3 * side * turn),
        ra=(30, 35, -20, 78), la=(15, 62, 0, 82), **stance,
    )  # fmt: skip
    cycle = [(0.28, stab), (0.36, stab), (0.55, lift), (0.74, fling), (1.0, ready)]
    return ctx.repeat(ask.count, max(2.4 * ask.factor, 1.4), cycle, ready=ready, lead=0.8, settle=0.8, key=0.32, pause=0.1)


def saw(ctx: Context, ask: Request) -> Take:
    """Drawing a saw to and fro, bent over what the other hand holds."""
    r = ctx.rng
    bend, high = r.uniform(12, 30), r.uniform(0, 16)
    rest = dict(pitch=bend, spine=(14, 0, 0), head=(6, 0, 0), la=(10, 38, -20, 55 + high), dz=-0.04, drop=0.05)
    stance = dict(lf=(0.03, 0, 0.22, 0, 4), rf=(0.04, 0, -0.16, 12, 14))
    fore = ctx.pose(ra=(10, 48, -5, 62 + high), **{**rest, "spine": (15, 0, 10)}, **stance, wobble=3)
    back = ctx.pose(ra=(155, 42, 10, 62 + high), **{**rest, "spine": (13, 0, -10)}, **stance, wobble=3)
    return ctx.to_and_fro(fore, back, r.uniform(0.24, 0.48) * ask.factor, max(ask.seconds, 3.0))


def chop(ctx: Context, ask: Request) -> Take:
    """Both hands swing an axe from over the head down to the ground or a block."""
    r = ctx.rng
    wide = dict(lf=(r.uniform(0.06, 0.16), 0, 0.05, 0, 8), rf=(r.uniform(0.06, 0.16), 0, -0.05, 0, 12), knees=5)
    aside = r.uniform(0, 25)
    up = ctx.pose(
        pitch=-5, spine=(-9, 0, -aside), head=(4, 0, aside), ra=(20, r.uniform(125, 155), 140, 160), la=(-15, 135, -120, 165),
        **wide,
    )  # fmt: skip
    low = ctx.pose(
        drop=r.uniform(0.1, 0.22), dz=-0.1, pitch=r.uniform(24, 40), spine=(24, 0, 4), head=(-14, 0, 0), ra=(10, 42, -12, 52),
        la=(8, 44, -14, 54), **wide,
    )  # fmt: skip
    ready = ctx.pose(drop=0.04, pitch=8, spine=(6, 0, 0), ra=(20, 25, -25, 60), la=(20, 25, -25, 66), **wide)
    cycle = [(0.4, up), (0.6, low), (0.68, low), (1.0, ready)]
    return ctx.repeat(ask.count, max(1.8 * ask.factor, 1.15), cycle, ready=ready, lead=0.7, settle=0.8, key=0.62, pause=0.15)


def stir(ctx: Context, ask: Request) -> Take:
    """Moving a spoon round in a pot before the belly, the other hand at the pot or hanging."""
    r = ctx.rng
    up, ahead, size = r.uniform(-0.3, -0.14), r.uniform(0.3, 0.4), r.uniform(0.04, 0.09)
    turn, sign = r.uniform(0.55, 1.1) * float(np.clip(ask.factor, 0.7, 1.6)), float(r.choice([-1, 1]))
    pot = (r.uniform(0.08, 0.18), up - 0.04, ahead - 0.04) if r.random() < 0.6 else None
    pose = ctx.pose(
        ra=(40, 22, -20, 90), la=(40, 22, -20, 90) if pot else None, head=(r.uniform(12, 26), 0, 0), spine=(5, 0, 0)
    )
    place = np.array([r.uniform(-0.04, 0.1), up, ahead])
    around = [
        ctx.reach(pose, CHEST, place + size * np.array([sign * np.cos(a), 0.0, np.sin(a)]), pot, spread=0.006)
        for a in np.arange(4) * np.pi / 2
    ]
    keys, time, index = [(0.0, ctx.base)], 0.8, 0
    while time < max(ask.seconds, 3.0) - 0.8:
        keys.append((time, ctx.vary(around[index % 4], 0.4)))
        time += turn / 4 * r.uniform(0.9, 1.1)
        index += 1
    keys.append((time + 0.8, ctx.base))
    return Take(ctx.play(keys))


def cast(ctx: Context, ask: Request) -> Take:
    """Swinging a fishing rod back over the shoulder and forward, then waiting with the rod held out."""
    r = ctx.rng
    two = r.random() < 0.4
    step = r.uniform(0.1, 0.3) if r.random() < 0.5 else 0.0
    ahead = dict(lf=(0, 0, step, 0, 0)) if step else {}
    hold = ctx.pose(ra=(10, 30, -8, 85), la=(15, 28, -25, 82) if two else None, wobble=3)
    turn = r.uniform(8, 30)
    back = ctx.pose(
        spine=(-5, 0, -turn), yaw=-0.3 * turn, dz=-0.04, head=(0, 0, turn), ra=(50, r.uniform(85, 110), 150, 140),
        la=(-10, 85, -50, 125) if two else (35, 30, 5, 60), **ahead,
    )  # fmt: skip
    fore = ctx.pose(
        spine=(6, 0, 0.5 * turn), dz=0.04 + 0.4 * step, ra=(6, r.uniform(70, 90), 2, 95), la=(8, 60, -10, 80) if two else None,
        **ahead,
    )  # fmt: skip
    wait = 0.5 + r.uniform(0.05, 0.3)
    cycle = [(0.3, back), (0.42, fore), (wait, ctx.vary(fore)), (1.0, hold)]
    return ctx.repeat(ask.count, max(2.8 * ask.factor, 1.8), cycle, ready=hold, lead=0.7, settle=0.7, key=0.42, pause=0.2)


PROGRAMS = {"dig": dig, "saw": saw, "chop": chop, "stir": stir, "cast": cast}
