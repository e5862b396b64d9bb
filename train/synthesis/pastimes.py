"""Rackets, bows, balls, weights and instruments; authored for the right hand."""

import numpy as np

from llamo.train.synthesis.context import Context, Request, Take


def _strokes(ctx: Context, ask: Request, ready: np.ndarray, back: np.ndarray, hit: np.ndarray, over: np.ndarray) -> Take:
    """Strokes with a racket: it swings back, hits, and goes on over the shoulder."""
    cycle = [(0.34, back), (0.52, hit), (0.66, over), (0.72, over), (1.0, ready)]
    return ctx.repeat(ask.count, max(1.5 * ask.factor, 1.25), cycle, ready=ready, lead=0.7, settle=0.7, key=0.52, pause=0.3)


def forehand(ctx: Context, ask: Request) -> Take:
    """Hitting a ball with a racket, from low behind to high in front, with or without a step."""
    r = ctx.rng
    step = r.uniform(0.12, 0.4) if r.random() < 0.6 else 0.0
    turn, open_stance = r.uniform(20, 45), r.uniform(0.05, 0.18)
    high = r.uniform(35, 75)
    wide = dict(lf=(open_stance, 0, 0.06, 0, 8), rf=(open_stance, 0, -0.06, 6, 12))
    ready = ctx.pose(drop=r.uniform(0.04, 0.12), spine=(9, 0, 0), arms=(35, 28, -20, 75), **wide)
    ahead = dict(lf=(0, 0, step, 0, 0)) if step else {}
    back = ctx.pose(
        origin=ready, yaw=-turn, spine=(0, 4, -turn), head=(0, 0, 1.4 * turn), dz=-0.04, ra=(130, high - 5, 150, high + 5),
        la=(10, 55, -15, 75), **ahead,
    )  # fmt: skip
    hit = ctx.pose(
        origin=ready, yaw=0.4 * turn, spine=(0, -3, 0.6 * turn), head=(0, 0, -0.6 * turn), dz=0.06 + 0.5 * step, dx=0.03,
        ra=(48, high + 12, 25, high + 22), la=(70, 45, 30, 95), **ahead,
    )  # fmt: skip
    over = ctx.pose(
        origin=ready, yaw=0.8 * turn, spine=(0, -2, turn), head=(0, 0, -turn), dz=0.05 + 0.5 * step,
        ra=(-35, r.uniform(85, 125), -85, r.uniform(100, 150)), la=(80, 35, 30, 100), **ahead,
    )  # fmt: skip
    return _strokes(ctx, ask, ready, back, hit, over)


def backhand(ctx: Context, ask: Request) -> Take:
    """Hitting a ball from across the body with one hand or two, with or without a step."""
    r = ctx.rng
    step = r.uniform(0.12, 0.4) if r.random() < 0.6 else 0.0
    turn, high, two = r.uniform(28, 58), r.uniform(35, 75), r.random() < 0.5
    open_stance = r.uniform(0.05, 0.18)
    wide = dict(lf=(open_stance, 0, -0.06, 6, 12), rf=(open_stance, 0, 0.06, 0, 8))
    ready = ctx.pose(drop=r.uniform(0.04, 0.12), spine=(9, 0, 0), arms=(35, 28, -20, 75), **wide)
    ahead = dict(rf=(0, 0, step, 0, 0)) if step else {}
    back = ctx.pose(
        origin=ready, yaw=0.6 * turn, spine=(4, -4, turn), head=(0, 0, -1.4 * turn), dz=-0.04, ra=(-35, high, -65, high + 8),
        la=(75, high - 10, 20, high + 5) if two else (-5, 35, -40, 80), **ahead,
    )  # fmt: skip
    hit = ctx.pose(
        origin=ready, yaw=0.1 * turn, spine=(2, 3, 0.2 * turn), head=(0, 0, -0.2 * turn), dz=0.06 + 0.5 * step,
        ra=(25, high + 15, 12, high + 22), la=(-5, high + 8, -35, high + 18) if two else (80, 35, 85, 45), **ahead,
    )  # fmt: skip
    over = ctx.pose(
        origin=ready, yaw=-0.3 * turn, spine=(-2, 2, -0.7 * turn), head=(0, 0, 0.8 * turn), dz=0.05 + 0.5 * step,
        ra=(75, r.uniform(80, 115), 85, r.uniform(95, 150)), la=(-35, 85, -85, 115) if two else (110, 45, 120, 50), **ahead,
    )  # fmt: skip
    return _strokes(ctx, ask, ready, back, hit, over)


def volley(ctx: Context, ask: Request) -> Take:
    """Playing a volleyball with both hands: set from over the forehead, or bumped with the forearms held low."""
    r = ctx.rng
    deep, out = r.uniform(0.08, 0.22), r.uniform(0.04, 0.14)
    wide = dict(lf=(out, 0, 0.08, 0, 6), rf=(out, 0, -0.06, 8, 8), knees=5)
    if r.random() < 0.5:
        low = ctx.pose(drop=deep, pitch=5, head=(-22, 0, 0), arms=(50, 105, -60, 165), **wide)
        high = ctx.pose(head=(-25, 0, 0), spine=(-4, 0, 0), arms=(20, r.uniform(140, 160), 5, 168), **wide)
        ready = ctx.pose(drop=0.05, arms=(35, 45, -20, 120), spine=(5, 0, 0), **wide)
    else:
        low = ctx.pose(drop=deep + 0.08, pitch=18, spine=(12, 0, 0), head=(-20, 0, 0), arms=(-8, 38, -16, 46), **wide)
        high = ctx.pose(drop=0.02, pitch=4, spine=(4, 0, 0), head=(-10, 0, 0), arms=(-8, r.uniform(65, 85), -14, 82), **wide)
        ready = ctx.pose(drop=deep, pitch=14, spine=(10, 0, 0), head=(-16, 0, 0), arms=(20, 30, -5, 62), **wide)
    cycle = [(0.35, low), (0.55, high), (0.62, high), (1.0, ready)]
    return ctx.repeat(ask.count, max(1.35 * ask.factor, 0.95), cycle, ready=ready, lead=0.7, settle=0.7, key=0.55, pause=0.3)


def bowl(ctx: Context, ask: Request) -> Take:
    """Rolling a ball along the floor: the arm swings back, then forward and low with a long step."""
    r = ctx.rng
    step, drop = r.uniform(0.4, 0.75), r.uniform(0.12, 0.3)
    hold = ctx.pose(spine=(6, 0, 0), ra=(20, 18, -10, 95), la=(18, 20, -40, 98))
    back = ctx.pose(
        drop=0.06, dz=-0.05, pitch=14, spine=(16, 0, -16), head=(-18, 0, 12), ra=(175, r.uniform(35, 80), 178, 60),
        la=(60, 40, 40, 60), lf=(0, 0.05, 0.4 * step, 0, 0), rf=(0, 0, 0, 20, 0),
    )  # fmt: skip
    low = ctx.pose(
        drop=drop, dz=0.55 * step, pitch=20, spine=(24, 6, 6), head=(-30, 0, 0), ra=(10, 18, 4, 26), la=(85, 50, 80, 55),
        lf=(-0.02, 0, step, 0, 0), rf=(-r.uniform(0, 0.15), 0, -0.1, 55, 0),
    )  # fmt: skip
    follow = ctx.pose(
        drop=0.8 * drop, dz=0.6 * step, pitch=12, spine=(12, 4, 14), head=(-14, 0, -8), ra=(2, r.uniform(80, 130), -6, 115),
        la=(85, 45, 80, 50), lf=(-0.02, 0, step, 0, 0), rf=(-0.05, 0.02, 0.05, 55, 0),
    )  # fmt: skip
    return ctx.repeat(
        ask.count,
        max(2.4 * ask.factor, 1.6),
        [(0.28, back), (0.48, low), (0.62, follow), (0.7, follow), (1.0, hold)],
        ready=hold,
        lead=0.8,
        settle=0.7,
        key=0.5,
        pause=0.4,
    )


def kettlebell_swing(ctx: Context, ask: Request) -> Take:
    """Swinging a weight between the legs and up to the shoulders or above, out of the hips."""
    r = ctx.rng
    out = r.uniform(0.08, 0.2)
    wide = dict(lf=(out, 0, 0, 0, 12), rf=(out, 0, 0, 0, 12), knees=8)
    top = r.uniform(70, 150) if r.random() < 0.4 else r.uniform(65, 95)
    low = ctx.pose(
        drop=r.uniform(0.12, 0.22), dz=-0.16, pitch=r.uniform(36, 52), spine=(12, 0, 0), head=(-28, 0, 0),
        arms=(150, 12, 165, 25), wobble=3, **wide,
    )  # fmt: skip
    lifted = (-6, top, -10, top + r.uniform(0, 12))
    high = ctx.pose(drop=0.01, dz=0.02, pitch=-3, spine=(-4, 0, 0), arms=lifted, wobble=3, **wide)
    ready = ctx.pose(drop=0.06, pitch=16, spine=(8, 0, 0), arms=(10, 10, -4, 12), **wide)
    return ctx.repeat(
        ask.count,
        max(1.7 * ask.factor, 1.1),
        [(0.42, low), (0.86, high), (1.0, high)],
        ready=ready,
        lead=0.7,
        settle=1.0,
        key=0.86,
        pause=0.0,
        vary=0.5,
    )


def hip_circles(ctx: Context, ask: Request) -> Take:
    """Circling the hips with the hands on them or hanging."""
    r = ctx.rng
    size = r.uniform(0.07, 0.14)
    arms = (85, 32, -30, 55) if r.random() < 0.6 else None
    out = r.uniform(0.05, 0.15)
    sign = -1.0 if r.random() < 0.5 else 1.0

    def at(angle):
        x, z = sign * np.cos(angle), np.sin(angle)
        return ctx.pose(
            dx=size * x, dz=0.8 * size * z, drop=0.01, pitch=-9 * z, roll=7 * x, spine=(14 * z, -11 * x, 0),
            head=(-4 * z, 3 * x, 0), arms=arms, lf=(out, 0, 0, 0, 8), rf=(out, 0, 0, 0, 8), wobble=1,
        )  # fmt: skip

    cycle = [(share, at(2 * np.pi * share)) for share in (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)]
    return ctx.repeat(
        ask.count, max(1.7 * ask.factor, 0.9), cycle, ready=at(0.0), lead=0.7, settle=0.7, key=0.5, pause=0.0, vary=0.3
    )


def archery(ctx: Context, ask: Request) -> Take:
    """Raising a bow in the left hand, drawing the string to the chin with the right, loosing."""
    r = ctx.rng
    turn = r.uniform(35, 85)  # of the body to the right, so that the left shoulder leads
    out = r.uniform(0.04, 0.14)
    stance = dict(lf=(out, 0, 0, 0, 0), rf=(out, 0, 0, 0, 6), frame=0.0)
    look = dict(spine=(0, 0, -0.6 * turn), yaw=-0.4 * turn, head=(0, 0, 0.8 * turn))
    # Arms hang from the heading: the bow arm points back to where the target is, over the left shoulder.
    bow, high = turn + r.uniform(-8, 8), r.uniform(82, 100)
    rest = ctx.pose(ra=(30, 20, -10, 50), la=(40, 20, 10, 35), **{**stance, "frame": None})
    raised = ctx.pose(la=(bow, high, bow, high), ra=(-40, 70, -75, 88), **look, **stance)
    drawn = ctx.pose(la=(bow, high, bow, high), ra=(100, 88, -62, 96), **look, **stance)
    loose = ctx.pose(la=(bow, high - 3, bow, high - 4), ra=(125, 84, 90, 80), **look, **stance)
    return ctx.repeat(
        ask.count,
        3.4 * ask.factor,
        [(0.25, raised), (0.5, drawn), (0.68, drawn), (0.73, loose), (0.8, loose), (1.0, rest)],
        ready=rest,
        lead=0.7,
        settle=0.6,
        key=0.7,
        pause=0.3,
    )


def brush_teeth(ctx: Context, ask: Request) -> Take:
    """Moving a brush to and fro at the mouth with the right hand."""
    r = ctx.rng
    other = (15, 25, -30, 95) if r.random() < 0.5 else None
    bent = r.uniform(0, 14)
    pose = ctx.pose(ra=(65, r.uniform(38, 78), -50, 148), la=other, head=(bent, 0, 0), spine=(0.6 * bent, 0, 0), wobble=2)
    mouth = np.array([r.uniform(0.09, 0.16), -0.12, r.uniform(0.1, 0.17)])
    stroke = r.uniform(0.03, 0.06) * np.array([0.8, r.normal(0, 0.3), -0.6])
    one, two = ctx.at_head(pose, mouth, spread=0.0), ctx.at_head(pose, mouth + stroke, spread=0.0)
    return ctx.to_and_fro(one, two, r.uniform(0.13, 0.22) * ask.factor, max(ask.seconds, 2.5))


def play_guitar(ctx: Context, ask: Request) -> Take:
    """The left hand on the neck of a guitar out to the side, the right one strumming in front of the belly."""
    r = ctx.rng
    out = r.uniform(8, 26)
    neck = (55 + r.uniform(-12, 12), r.uniform(22, 42), 35 + r.uniform(-15, 15), r.uniform(95, 125))
    at = {"la": neck, "spine": (r.uniform(0, 8), 0, 0), "head": (r.uniform(4, 18), 0, r.uniform(-5, 20))}
    stroke = r.uniform(8, 20)
    one = ctx.pose(ra=(60, 24 + out, -48, 84 + stroke / 2), wobble=2, **at)
    two = ctx.pose(ra=(64, 24 + out, -40, 84 - stroke), wobble=2, **at)
    return ctx.to_and_fro(one, two, r.uniform(0.18, 0.34) * ask.factor, max(ask.seconds, 2.5))


def play_drums(ctx: Context, ask: Request) -> Take:
    """Both hands beating in turn in front of the body."""
    r = ctx.rng
    out, low, lift = r.uniform(5, 35), r.uniform(60, 78), r.uniform(20, 55)
    upper = (out, r.uniform(15, 35))
    down, up = (*upper, -8, low), (*upper, -8, low + lift)
    bent = (r.uniform(2, 12), 0, 0)
    one = ctx.pose(la=up, ra=down, spine=bent, head=(8, 0, 0), wobble=3)
    two = ctx.pose(la=down, ra=up, spine=bent, head=(8, 0, 0), wobble=3)
    return ctx.to_and_fro(one, two, r.uniform(0.16, 0.32) * ask.factor, max(ask.seconds, 2.5))


PROGRAMS = {
    "forehand": forehand,
    "backhand": backhand,
    "volley": volley,
    "bowl": bowl,
    "kettlebell_swing": kettlebell_swing,
    "hip_circles": hip_circles,
    "archery": archery,
    "brush_teeth": brush_teeth,
    "play_guitar": play_guitar,
    "play_drums": play_drums,
}
