"""Strikes with elbow and knee, blocks and ducking; authored for the right side."""

from llamo.train.synthesis.context import Context, Request, Take
from llamo.train.synthesis.sport import _GUARD, _guard, _stance_shift, blows_from


def elbow_strike(ctx: Context, ask: Request) -> Take:
    """Swinging the bent arm round, up or down so that the elbow hits."""
    r = ctx.rng
    ready = _guard(ctx) if r.random() < 0.75 else ctx.base
    kind = str(r.choice(["round", "up", "back"], p=[0.5, 0.3, 0.2]))
    twist = r.uniform(26, 44) * (-1 if kind == "back" else 1)
    arm = {
        "round": (-20, r.uniform(78, 94), -120, 92),
        "up": (8, r.uniform(100, 130), -150, 150),
        "back": (150, r.uniform(55, 80), -40, 110),
    }[kind]
    wind = {"round": (88, 70, -60, 110), "up": (40, 20, -20, 130), "back": (10, 75, -40, 105)}[kind]
    other = {} if ready is ctx.base else {"la": _GUARD}
    hit = ctx.pose(
        origin=ready, yaw=0.4 * twist, spine=(5, 0, twist), head=(0, 0, -0.8 * twist), dz=0.05, ra=arm, wobble=4, **other
    )
    back = ctx.pose(origin=ready, yaw=-0.1 * twist, spine=(2, 0, -0.4 * twist), ra=wind, wobble=4, **other)
    cycle = [(0.32, back), (0.54, hit), (0.6, hit), (1.0, ready)]
    return blows_from(ctx, ask, ready, 1.05, cycle, key=0.57, pause=0.2, least=0.7)


def knee_strike(ctx: Context, ask: Request) -> Take:
    """Driving the knee up and forward, the hands pulling down."""
    r = ctx.rng
    ready = _guard(ctx) if r.random() < 0.7 else ctx.base
    start = (ready[35] - ctx.base[35]) / ctx.scale
    lift, thrust = r.uniform(0.45, 0.62), r.uniform(0.12, 0.3)
    grab = ctx.pose(origin=ready, arms=(5, r.uniform(85, 105), -12, r.uniform(95, 120)), dz=0.02, wobble=4)
    hit = ctx.pose(
        origin=ready, dx=_stance_shift(ctx), dz=0.1 + 0.3 * thrust, pitch=-r.uniform(6, 20), roll=-4, spine=(14, 3, 6),
        rf=(-0.05, lift, thrust - start, 35, 0), arms=(20, 35, -25, 70), wobble=4,
    )  # fmt: skip
    cycle = [(0.25, grab), (0.48, hit), (0.56, hit), (1.0, ready)]
    return blows_from(ctx, ask, ready, 1.2, cycle, key=0.52, pause=0.2, least=0.8)


def block(ctx: Context, ask: Request) -> Take:
    """Throwing an arm up over the head, across the body or down to the side against a blow."""
    r = ctx.rng
    ready = _guard(ctx) if r.random() < 0.7 else ctx.base
    kinds = ["high", "inside", "low"]
    only = str(r.choice(kinds)) if r.random() < 0.6 else None

    def cycle(_):
        kind = only or str(r.choice(kinds))
        arm = {"high": (40, 95, -75, 108), "inside": (-15, 55, -30, 140), "low": (60, 30, 70, 38)}[kind]
        turn = {"high": 6, "inside": 20, "low": -10}[kind] * r.uniform(0.6, 1.4)
        both = {"la": (*arm[:2], arm[2], arm[3])} if r.random() < 0.2 else {}
        there = ctx.pose(
            origin=ready,
            ra=arm,
            spine=(3, 0, turn),
            drop=0.03,
            dz=-r.uniform(0, 0.06),
            head=(0, 0, -0.6 * turn),
            wobble=6,
            **both,
        )
        return [(0.3, there), (0.5, ctx.vary(there)), (1.0, ready)]

    return blows_from(ctx, ask, ready, 1.05, cycle, key=0.4, pause=0.2, least=0.65)


def duck(ctx: Context, ask: Request) -> Take:
    """Dropping quickly below something, straight down or weaving to a side, and up again."""
    r = ctx.rng
    ready = _guard(ctx) if r.random() < 0.5 else ctx.base
    arms = _GUARD if r.random() < 0.6 else (30, 40, -20, 110)

    def cycle(_):
        side = r.choice([-1, 1]) * r.uniform(0, 0.16)
        low = ctx.pose(
            origin=ready, drop=r.uniform(0.18, 0.4), dx=side, roll=-70 * side, spine=(r.uniform(16, 34), 60 * side, 0),
            pitch=r.uniform(10, 24), head=(-14, 0, 0), arms=arms, dz=-0.04,
        )  # fmt: skip
        out = ctx.pose(origin=ready, drop=0.12, dx=1.3 * side, spine=(12, 0, 0), pitch=6, arms=arms)
        return [(0.32, low), (0.45, ctx.vary(low)), (0.68, out), (1.0, ready)]

    return blows_from(ctx, ask, ready, 1.3, cycle, key=0.38, pause=0.2, least=0.85)


PROGRAMS = {"elbow_strike": elbow_strike, "knee_strike": knee_strike, "block": block, "duck": duck}
