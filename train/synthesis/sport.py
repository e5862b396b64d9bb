"""Sport and fighting; authored for the right hand or foot."""

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.context import RAD, Context, Request, Take
from llamo.train.synthesis.locomotion import _running, _walking, travel
from llamo.train.synthesis.tracks import track, window


_GUARD = (35, 22, -22, 138)


def _guard(ctx: Context) -> np.ndarray:
    r = ctx.rng
    return ctx.pose(
        drop=r.uniform(0.03, 0.08),
        yaw=-r.uniform(8, 25),
        spine=(r.uniform(2, 10), 0, 5),
        arms=(_GUARD[0], _GUARD[1] + r.uniform(-6, 12), _GUARD[2], _GUARD[3] + r.uniform(-12, 8)),
        lf=(0.02, 0, 0.14, 0, 0),
        rf=(0.04, 0, -0.12, 18, 18),
        knees=4,
    )


def _shifted(pose: np.ndarray, by) -> np.ndarray:
    """The pose somewhere else: `by` (2,) metres to the left and ahead."""
    out = pose.copy()
    out[[0, 28, 33]] += by[0]
    out[[2, 30, 35]] += by[1]
    return out


def _other_punch(ctx: Context, ask: Request) -> Take:
    """Uppercuts, body blows, wide hooks and combinations, out of a guard or from loose arms; often with a step."""
    r = ctx.rng
    loose = r.random() < 0.25
    ready = ctx.pose(drop=0.02, arms=(50, 20, -5, 85), wobble=8) if loose else _guard(ctx)
    kinds = ["jab", "cross", "hook", "upper", "body"]
    only = str(r.choice(kinds)) if r.random() < 0.6 else None
    step = r.uniform(0.06, 0.2) if r.random() < 0.35 else 0.0
    power = r.uniform(0.7, 1.3) * ctx.style.amplitude**0.5

    def strike(right: bool, kind: str):
        sgn = 1 if right else -1
        hit, wind, low, twist = {
            "jab": ((2, 92, -2, 94), (45, 30, -5, 125), 0.01, 10),
            "cross": ((-4, 90, -6, 92), (80, 40, 5, 115), 0.02, 28),
            "hook": ((15, 84, -75, 86), (92, 72, 20, 92), 0.02, 34),
            "upper": ((12, 62, -8, 150), (60, 15, 10, 72), 0.03, 24),
            "body": ((0, 62, -6, 70), (80, 30, 5, 100), 0.12, 24),
        }[kind]
        twist *= power
        mine, other = ("ra", "la") if right else ("la", "ra")
        away = {} if loose else {other: _GUARD}
        foot = {"lf": (0, 0, step, 0, 0)} if step and right else {}
        struck = ctx.pose(
            origin=ready,
            yaw=sgn * 0.4 * twist,
            spine=(8 if kind == "body" else 3, 0, sgn * twist),
            head=(0, 0, -sgn * twist),
            dz=0.05 + 0.5 * step * bool(foot),
            drop=low,
            wobble=3,
            **{mine: hit},
            **away,
            **foot,
        )
        dip = 0.06 if kind == "upper" else low * 0.5
        back = ctx.pose(origin=ready, yaw=-sgn * 4, spine=(3, 0, -sgn * 9), drop=dip, wobble=3, **{mine: wind}, **foot)
        return back, struck

    # Boxers do not stand still: they shift their place between punches, and come back for the last.
    moves = r.random() < 0.4

    def cycle(i):
        back, struck = strike(not ask.both or i % 2 == 0, only or str(r.choice(kinds)))
        place = r.normal(0, 0.14, 2) * ctx.scale if moves and i < ask.count - 1 else np.zeros(2)
        return [(share, _shifted(pose, place)) for share, pose in ((0.3, back), (0.54, struck), (0.6, struck), (1.0, ready))]

    period = max((1.2 if moves else 0.95) * ask.factor, 0.66)
    return ctx.repeat(ask.count, period, cycle, ready=ready, lead=0.7, settle=0.7, key=0.57, pause=0.15)


def _lunging_punch(ctx: Context, ask: Request) -> Take:
    """Punches of karate and of angry people: a long step into a low stance, the other fist drawn back to the hip or held up."""
    r = ctx.rng
    at_hip = (150, r.uniform(20, 45), r.uniform(0, 40), r.uniform(75, 100))
    ready = _guard(ctx) if r.random() < 0.6 else ctx.pose(drop=0.03, arms=at_hip, wobble=6)
    step, low = r.uniform(0.35, 0.7), r.uniform(0.07, 0.2) * ctx.style.amplitude**0.5
    same = r.random() < 0.5  # the foot on the side of the fist steps, or the other one
    twist, lean, height = r.uniform(10, 40), r.uniform(-4, 14), r.uniform(70, 108)
    drawn = at_hip if r.random() < 0.6 else _GUARD

    def strike(right: bool):
        sgn = 1 if right else -1
        mine, other = ("ra", "la") if right else ("la", "ra")
        foot, behind = ("rf", "lf") if right == same else ("lf", "rf")
        turned = dict(yaw=sgn * 0.5 * twist, spine=(lean, 0, sgn * twist), head=(0, 0, -sgn * twist))
        back = ctx.pose(
            origin=ready,
            drop=0.3 * low,
            dz=-0.04,
            spine=(2, 0, -sgn * 12),
            wobble=4,
            **{mine: at_hip, foot: (0, 0.05, 0.1, 12, 0)},
        )
        going = ctx.pose(
            origin=ready, drop=0.5 * low, dz=0.3 * step, wobble=4, **{mine: at_hip, foot: (0, 0.07, 0.6 * step, 5, 0)}
        )
        struck = ctx.pose(
            origin=ready,
            drop=low,
            dz=0.55 * step,
            wobble=3,
            **turned,
            **{mine: (0, height, -4, height), other: drawn, foot: (0, 0, step, 0, 0), behind: (0, 0.01, 0, 22, 8)},
        )
        return [(0.22, back), (0.36, going), (0.48, struck), (0.64, struck), (0.82, going), (1.0, ready)]

    def cycle(i):
        return strike(not ask.both or i % 2 == 0)

    period = max(1.5 * ask.factor, 0.9)
    return ctx.repeat(ask.count, period, cycle, ready=ready, lead=0.6, settle=0.7, key=0.5, pause=0.3)


def _advancing_punch(ctx: Context, ask: Request) -> Take:
    """Punches of somebody who goes for another: each with a step ahead, out of a guard, which stays where the last one was."""
    r = ctx.rng
    ready = _guard(ctx)
    twist, lean = r.uniform(12, 34), r.uniform(0, 12)
    height, hooked = r.uniform(74, 104), r.uniform(-10, 10) if r.random() < 0.7 else r.uniform(-80, -40)
    step, aside = r.uniform(0.12, 0.5), r.normal(0, 0.06)
    drawn = (r.uniform(60, 110), r.uniform(25, 70), r.uniform(-5, 15), r.uniform(85, 125))
    bounce = r.uniform(0.0, 0.05)
    period = max(1.05 * ask.factor, 0.7)
    time, at, keys, events = 0.5, np.zeros(2), [(0.0, ctx.base), (0.5, ready)], []
    for number, factor in enumerate(ctx.uneven(ask.count)):
        right = not ask.both or number % 2 == 0
        sgn, mine, other = (1, "ra", "la") if right else (-1, "la", "ra")
        span, gone = period * float(factor), step * r.uniform(0.6, 1.3)
        coming = ctx.pose(
            origin=ready,
            dz=0.4 * gone,
            spine=(lean, 0, -sgn * 0.4 * twist),
            lf=(0, 0.06, 0.6 * gone, 5, 0),
            drop=bounce,
            wobble=4,
            **{mine: drawn},
        )
        hit = ctx.pose(
            origin=ready,
            dz=0.75 * gone + 0.04,
            yaw=sgn * 0.5 * twist,
            spine=(lean, 0, sgn * twist),
            head=(0, 0, -sgn * twist),
            lf=(0, 0, gone, 0, 0),
            rf=(0, 0.02, 0.4 * gone, 12, 0),
            drop=0.02 + 0.06 * gone,
            wobble=3,
            **{mine: (hooked, height, 1.4 * hooked, height + 3), other: _GUARD},
        )
        keys += [(time + share * span, _shifted(pose, at)) for share, pose in ((0.32, coming), (0.52, hit), (0.6, hit))]
        events.append(float(time + 0.55 * span))
        at, time = at + np.array([aside, gone]) * ctx.scale, time + span
        keys.append((time, _shifted(ctx.vary(ready), at)))
    end = time
    keys.append((time + 0.6, _shifted(ctx.base, at)))
    return Take(ctx.play(keys), events, 0.3, end, (float(at[0]), float(at[1]), 0.0))


def punch(ctx: Context, ask: Request) -> Take:
    """Straight punches and hooks with the right hand (both: alternately)."""
    r = ctx.rng
    draw = r.random()
    if draw < 0.35:
        return _other_punch(ctx, ask)
    if draw < 0.52:
        return _lunging_punch(ctx, ask)
    if draw < 0.7:
        return _advancing_punch(ctx, ask)
    fighter = r.random() < 0.75
    ready = _guard(ctx) if fighter else ctx.pose(arms=_GUARD)
    height = r.uniform(78, 100)
    hook = r.random() < 0.2

    def strike(right: bool):
        sgn = 1 if right else -1
        arm = (-25 if hook else 4, height - (4 if hook else 0), -80 if hook else 0, height + (0 if hook else 4))
        wind = (95, 45, 5, 110)
        other = dict(la=_GUARD) if right else dict(ra=_GUARD)
        mine = (lambda v: dict(ra=v)) if right else (lambda v: dict(la=v))
        hit = ctx.pose(
            origin=ready, yaw=sgn * 14, spine=(4, 0, sgn * 22), head=(0, 0, -sgn * 25), dz=0.06, wobble=3, **mine(arm), **other
        )
        back = ctx.pose(origin=ready, yaw=-sgn * 5, spine=(0, 0, -sgn * 10), dz=-0.02, wobble=3, **mine(wind))
        return back, hit

    pair = {True: strike(True), False: strike(False)}

    def cycle(i):
        back, hit = pair[not ask.both or i % 2 == 0]
        return [(0.3, back), (0.55, hit), (0.62, hit), (1.0, ready)]

    return ctx.repeat(
        ask.count, 0.95 * ask.factor, cycle, ready=ready, lead=r.uniform(0.5, 0.8), settle=0.7, key=0.58, pause=0.15
    )


def guard(ctx: Context, ask: Request) -> Take:
    """Bouncing lightly with raised fists."""
    r = ctx.rng
    ready = _guard(ctx)
    keys, time = [(0.0, ctx.base), (0.7, ready)], 0.7
    while time < ask.seconds - 0.8:
        time += r.uniform(0.2, 0.3) * ask.factor
        keys.append((time, ctx.vary(ctx.pose(origin=ready, drop=0.035, dx=r.normal(0, 0.02), dz=r.normal(0, 0.02)))))
        time += r.uniform(0.2, 0.3) * ask.factor
        keys.append((time, ctx.vary(ready)))
    keys.append((time + 0.7, ctx.base))
    return Take(ctx.play(keys))


_STANCE = {"lf": (0.02, 0, 0.1, 0, 4), "rf": (0.03, 0, -0.22, 22, 14)}  # feet of a fighter


def blows_from(
    ctx: Context,
    ask: Request,
    ready: np.ndarray,
    seconds: float,
    cycle,
    *,
    key: float = 0.5,
    pause: float = 0.25,
    least: float = 0.0,
) -> Take:
    """Kicks, strikes or blocks of `seconds` at normal tempo (and at `least` so many) out of a stance, which is taken first and
    left again, or out of rest; `key` and `pause` as in `Context.repeat`."""
    moving = 0.0 if ready is ctx.base else 0.7
    period = max(seconds * ask.factor, least)
    return ctx.repeat(ask.count, period, cycle, ready=ready, lead=moving, settle=moving, key=key, pause=pause)


def _stance_shift(ctx: Context) -> float:
    return float(ctx.base[28]) / ctx.scale * 0.95


def _other_kick(ctx: Context, ask: Request) -> Take:
    """Swinging kicks of the straight leg, push kicks, kicks round from the side; out of a fighting stance or not."""
    r = ctx.rng
    dx = _stance_shift(ctx)
    high = r.uniform(0.2, 0.85) * ctx.style.amplitude
    arms = [None, _GUARD, (70, 50, 40, 60), (85, 70, 80, 75)][r.integers(4)]
    kind = str(r.choice(["swing", "push", "round", "toe"], p=[0.35, 0.25, 0.2, 0.2]))
    stance = r.random() < 0.35
    ready = ctx.pose(drop=0.04, arms=_GUARD, yaw=-10, **_STANCE) if stance else ctx.base
    on = dict(origin=ready, dx=dx, dz=0.1 if stance else 0.0, wobble=3)
    start = ready[35] - ctx.base[35]

    def foot(out, up, ahead, toes, turn=0):
        return (out, up, ahead - start / ctx.scale, toes - (22 if stance else 0), turn)

    if kind == "swing":
        before = ctx.pose(rf=foot(0, 0.1, -0.4, 50), pitch=8, spine=(-2, 0, -8), arms=arms, **on)
        hit = ctx.pose(rf=foot(-0.03, high, 0.74 - 0.14 * high, 15), pitch=-8 - 10 * high, spine=(8, 0, 8), arms=arms, **on)
        after = ctx.pose(rf=foot(0, 0.1, 0.1, 15), arms=arms, **on)
    elif kind == "push":
        before = ctx.pose(rf=foot(0, 0.42, 0.16, 5), pitch=-2, spine=(10, 0, 0), arms=arms, **on)
        hit = ctx.pose(rf=foot(0, 0.3 + 0.5 * high, 0.66, -35), pitch=-18, spine=(6, 0, 0), arms=arms, **on)
        after = ctx.pose(rf=foot(0, 0.32, 0.2, 5), pitch=-2, arms=arms, **on)
    elif kind == "round":
        before = ctx.pose(rf=foot(0.34, 0.4, -0.06, 55, 20), roll=-14, yaw=-8, spine=(4, 6, -10), arms=arms, **on)
        hit = ctx.pose(rf=foot(0.1, 0.35 + 0.5 * high, 0.6, 45), roll=-14, yaw=24, pitch=-8, spine=(6, 8, -8), arms=arms, **on)
        after = ctx.pose(rf=foot(0.08, 0.25, 0.2, 30), roll=-5, arms=arms, **on)
    else:  # a short kick with the toe, near the floor
        before = ctx.pose(rf=foot(0.02, 0.12, -0.26, 45), spine=(3, 0, -5), arms=arms, **on)
        hit = ctx.pose(rf=foot(-0.02, 0.07 + 0.12 * high, 0.5, 10), spine=(4, 0, 5), pitch=-4, arms=arms, **on)
        after = ctx.pose(rf=foot(0, 0.07, 0.15, 12), arms=arms, **on)
    cycle = [(0.28, before), (0.48, hit), (0.53, hit), (0.72, after), (1.0, ready)]
    return blows_from(ctx, ask, ready, 1.4, cycle)


def _leaning_kick(ctx: Context, ask: Request) -> Take:
    """High kicks of fighters: the hip turns in, the standing foot turns out, and the trunk leans far away from the leg. Half of
    them come out of a step, and land in front, turned, before the person steps back."""
    r = ctx.rng
    dx = _stance_shift(ctx)
    high = r.uniform(0.45, 1.1)
    turned = r.uniform(20, 85)  # of the pelvis to the left, so that the right hip leads
    away = (12 + 45 * high) * r.uniform(0.6, 1.15)
    sideways = np.sin(np.radians(turned))
    stance = r.random() < 0.7
    ready = ctx.pose(drop=0.05, arms=_GUARD, yaw=-r.uniform(0, 25), **_STANCE) if stance else ctx.base
    start = (ready[35] - ctx.base[35]) / ctx.scale
    loose = (r.uniform(30, 130), r.uniform(15, 75), r.uniform(0, 110), r.uniform(20, 90))
    arms = _GUARD if r.random() < 0.5 else loose
    step = r.uniform(0.15, 0.5) if r.random() < 0.5 else 0.0
    out = -ctx.base[33] / ctx.scale - dx  # brings the foot in line with the standing leg
    pivot = r.uniform(0.3, 0.9) * turned
    standing = {"lf": (0, 0, step, r.uniform(0, 12), pivot)}
    on = dict(origin=ready, dx=dx, arms=arms, wobble=8)
    toes = 10 - (22 if stance else 0)
    chamber = ctx.pose(
        rf=(-0.5 * out, 0.3 + 0.35 * high, step + 0.16 - start, toes + 25, 0),
        yaw=0.7 * turned,
        roll=-0.5 * away * sideways,
        pitch=-0.3 * away * (1 - sideways),
        dz=step,
        **standing,
        **on,
    )
    hit = ctx.pose(
        rf=(-out, high, step + 0.76 - 0.16 * max(high - 0.5, 0) - start, toes, 0),
        yaw=turned,
        roll=-away * sideways,
        pitch=-0.8 * away * (1 - sideways),
        spine=(8 * (1 - sideways), -0.15 * away * sideways, r.uniform(-25, 10)),
        head=(0, 0.3 * away * sideways, -0.6 * turned),
        dz=step - 0.06 * high,
        **standing,
        **on,
    )
    if not step:
        after = ctx.pose(rf=(0, 0.3, 0.2 - start, toes, 0), yaw=0.4 * turned, roll=-0.3 * away * sideways, **standing, **on)
        cycle = [(0.3, chamber), (0.48, hit), (0.54, hit), (0.74, after), (1.0, ready)]
        return blows_from(ctx, ask, ready, 1.25, cycle)
    ahead, about = r.uniform(0.3, 0.6), r.uniform(0.5, 1.3) * turned
    before = ctx.pose(origin=ready, dx=0.5 * dx, dz=0.4 * step, lf=(0, 0.07, 0.5 * step, 8, 0), arms=arms, drop=0.03, wobble=8)
    landed = ctx.pose(
        origin=ready,
        rf=(0, 0, step + ahead - start, -8 if stance else 0, -about),
        lf=(0, 0.01, step, 10, pivot),
        dz=step + 0.5 * ahead,
        yaw=about,
        drop=r.uniform(0.04, 0.14),
        spine=(r.uniform(0, 12), 0, 0),
        head=(0, 0, -0.5 * about),
        arms=_GUARD if r.random() < 0.7 else None,
        wobble=8,
    )
    back = ctx.pose(origin=ready, rf=(0, 0.1, 0.5 * (step + ahead) - start, 0, 0), lf=(0, 0, step, 0, 0), dz=0.6 * step)
    cycle = [
        (0.12, before),
        (0.26, chamber),
        (0.38, hit),
        (0.42, hit),
        (0.56, landed),
        (0.68, landed),
        (0.84, back),
        (1.0, ready),
    ]
    return blows_from(ctx, ask, ready, 1.9, cycle, key=0.4)


def spin_kick(ctx: Context, ask: Request) -> Take:
    """Turning right about on the left foot and sweeping the right leg round at height, to where the person looked at first."""
    r = ctx.rng
    dx = _stance_shift(ctx)
    high = r.uniform(0.45, 1.05)
    away = (10 + 40 * high) * r.uniform(0.6, 1.15)
    hop = r.uniform(0.05, 0.3) if r.random() < 0.4 else 0.0
    loose = (r.uniform(20, 110), r.uniform(20, 80), r.uniform(-20, 80), r.uniform(40, 110))
    arms = [_GUARD, loose][r.integers(2)]
    centre = np.array([ctx.base[28], ctx.base[30]]) + (0.0, 0.02)
    whole = 2 * np.pi

    def at(turn, out, up, *, lean=0.0, drop=0.0, toes=0.0, fly=0.0, arms=arms):
        """Turned by `turn` of the whole turn to the right; the right foot `out` metres to the body's right and `up`."""
        pose = ctx.pose(dx=dx, drop=drop, dy=fly, roll=-lean, spine=(0, -0.2 * lean, -r.uniform(0, 18)), arms=arms, wobble=8)
        yaw = -whole * turn
        pose[ch.YAW] += yaw
        pose[32] += yaw
        pose[37] += yaw
        pose[29] += fly * ctx.scale
        if out is not None:
            reach = out * ctx.scale + float(centre[0] - ctx.base[33])
            pose[33], pose[35] = centre[0] - reach * np.cos(yaw), centre[1] + reach * np.sin(yaw)
            pose[34] += up * ctx.scale
            pose[36] += toes * RAD
        return pose

    period = 1.3 * float(np.clip(ask.factor, 0.7, 1.5))
    keys, events, time, done = [(0.0, ctx.base), (0.4, at(0.04, None, 0, drop=0.06))], [], 0.4, 0
    for _ in range(ask.count):
        later = 0.3 if done else 0.0
        cycle = [
            (later + 0.3 * period, at(done + 0.3, -0.05, 0.12, lean=0.2 * away, drop=0.03, toes=30)),
            (later + 0.48 * period, at(done + 0.56, 0.3, 0.5 * high, lean=0.7 * away, fly=0.7 * hop, toes=25)),
            (later + 0.6 * period, at(done + 0.76, 0.66 - 0.12 * high, high, lean=away, fly=hop, toes=10)),
            (later + 0.72 * period, at(done + 0.92, 0.5, 0.6 * high, lean=0.7 * away, fly=0.5 * hop, toes=10)),
            (later + period, at(done + 1.0, None, 0, drop=0.05)),
        ]
        keys += [(time + when, pose) for when, pose in cycle]
        events.append(float(time + later + 0.6 * period))
        time, done = time + cycle[-1][0], done + 1
    keys.append((time + 0.5, at(done, None, 0, arms=None)))
    controls = ctx.play(keys)
    return Take(controls, events, 0.3, time, (0.0, 0.0, -whole * done))


def kick(ctx: Context, ask: Request) -> Take:
    """Kicking forward with the right leg."""
    r = ctx.rng
    draw = r.random()
    if draw < 0.35:
        return _other_kick(ctx, ask)
    if draw < 0.6:
        return _leaning_kick(ctx, ask)
    high = r.uniform(0.25, 0.95) * ctx.style.amplitude
    reach = 0.72 - 0.12 * max(high - 0.5, 0)
    arms = [None, _GUARD, (60, 40, 30, 60)][r.integers(3)]
    dx = _stance_shift(ctx)
    back = ctx.pose(dx=dx, dz=-0.01, rf=(0, 0.16, -0.28, 45, 0), pitch=3, arms=arms, wobble=3)
    chamber = ctx.pose(dx=dx, rf=(0, 0.3 + 0.35 * high, 0.22, 30, 0), pitch=-5, arms=arms, wobble=3)
    hit = ctx.pose(
        dx=dx,
        dz=0.02,
        rf=(-0.02, high, reach, -25 * min(high, 1), 0),
        pitch=-12 - 8 * high,
        spine=(10, 0, 8),
        la=(20, 55, 5, 75),
        ra=(120, 35, 90, 40),
        wobble=6,
        drop=0.02,
    )
    snap = r.random() < 0.5
    cycle = [
        (0.28, chamber if snap else back),
        (0.47, hit),
        (0.52, hit),
        (0.7, chamber if snap else ctx.pose(dx=dx, rf=(0, 0.14, 0.25, 5, 0))),
        (1.0, ctx.base),
    ]
    return ctx.repeat(ask.count, 1.35 * ask.factor, cycle, key=0.5, pause=0.25)


def side_kick(ctx: Context, ask: Request) -> Take:
    """Kicking out to the right with the right leg."""
    r = ctx.rng
    high = r.uniform(0.3, 1.0)
    dx = _stance_shift(ctx)
    arms = _GUARD if r.random() < 0.6 else (r.uniform(40, 110), r.uniform(15, 75), r.uniform(0, 90), r.uniform(20, 90))
    lean = (14 + 34 * high) * r.uniform(0.8, 1.2)
    chamber = ctx.pose(dx=dx, rf=(0.05, 0.45, 0.1, 10, 0), roll=-0.35 * lean, arms=arms)
    reach = 0.72 - 0.16 * max(high - 0.4, 0)
    hit = ctx.pose(dx=dx + 0.03, rf=(reach, high, 0.0, 0, 10), roll=-lean, spine=(0, -4, 0), arms=arms, drop=0.02)
    return ctx.repeat(
        ask.count,
        1.5 * ask.factor,
        [(0.28, chamber), (0.46, hit), (0.52, hit), (0.7, chamber), (1.0, ctx.base)],
        key=0.49,
        pause=0.25,
    )


def kick_ball(ctx: Context, ask: Request) -> Take:
    """A short run-up, then a kick of a ball lying on the floor."""
    r = ctx.rng
    speed = {"slow": r.uniform(1.0, 1.3), "normal": r.uniform(1.6, 2.2), "fast": r.uniform(2.4, 3.0)}[ask.speed]
    gait, cadence = _walking(ctx, min(speed, 1.8)) if speed < 1.9 else _running(ctx, speed)
    count = int(r.integers(3, 6))
    take = travel(ctx, gait, seconds=0, speed=speed, cadence=cadence, steps=count)
    dx = _stance_shift(ctx)
    high = r.uniform(0.12, 0.55)
    back = ctx.pose(
        dx=dx, rf=(0.03, 0.28, -0.45, 65, 0), pitch=8, spine=(0, 0, -14), la=(50, 55, 40, 60), ra=(150, 30, 140, 35)
    )
    hit = ctx.pose(dx=dx, rf=(-0.03, 0.06, 0.22, 35, 0), spine=(8, 0, 6), drop=0.04, la=(60, 45, 30, 55), ra=(120, 35, 100, 40))
    follow = ctx.pose(
        dx=dx, dz=0.04, rf=(-0.1, high, 0.62, 10, 0), pitch=-8, spine=(14, 0, 14), la=(10, 50, -20, 70), ra=(150, 45, 140, 50)
    )
    f = ask.factor**0.5
    keys = [
        (0.0, ctx.base),
        (0.26 * f, back),
        (0.44 * f, hit),
        (0.6 * f, follow),
        (0.95 * f, ctx.pose(dx=dx, rf=(0, 0.1, 0.2, 5, 0))),
        (1.3 * f, ctx.base),
    ]
    controls = ctx.play(keys)
    x, z, yaw = take.travel
    n = len(take.controls)
    # The last step of the run-up flows into the kick: drop most of the standstill between them.
    cut = max(2, int(0.22 * ctx.fps))
    joined = np.concatenate([take.controls[:-cut], ch.place(controls, x, z, yaw)])
    seam = n - cut
    joined = _heal(joined, seam, 4)
    at = (seam / ctx.fps) + 0.44 * f
    return Take(joined, [float(at)], 0.0, len(joined) / ctx.fps, take.travel)


def _heal(controls: np.ndarray, seam: int, radius: int) -> np.ndarray:
    """Replace the frames about a seam by a smooth passage."""
    a, b = max(0, seam - radius), min(len(controls) - 1, seam + radius)
    t = np.arange(a, b + 1)
    out = controls.copy()
    out[a : b + 1] = track([a, b], controls[[a, b]], t)
    return out


def _other_throw(ctx: Context, ask: Request) -> Take:
    """Sidearm throws, throws from the ear without a step, darts from the elbow, and big long-distance throws."""
    r = ctx.rng
    kind = str(r.choice(["side", "ear", "dart", "far"], p=[0.3, 0.3, 0.15, 0.25]))
    step = {"side": r.uniform(0.1, 0.3), "ear": 0.0, "dart": 0.0, "far": r.uniform(0.35, 0.55)}[kind]
    lift = {"lf": (0, 0.1 if kind == "far" else 0.05, 0.5 * step, 0, 0)} if step else {}
    land = {"lf": (0, 0, step, 0, 0), "rf": (0, 0, 0, 36, 0)} if step else {}
    turn = {"side": 30, "ear": 14, "dart": 5, "far": 36}[kind]
    wind_arm, out_arm, end_arm = {
        "side": ((120, 78, 140, 95), (40, 82, 15, 88), (-40, 66, -60, 60)),
        "ear": ((85, 78, 70, 155), (25, 105, 2, 130), (0, 60, -10, 62)),
        "dart": ((30, 62, -5, 150), (14, 78, 0, 92), (10, 66, 0, 78)),
        "far": ((125, 82, 150, 128), (35, 122, 10, 155), (-30, 38, -55, 36)),
    }[kind]
    aim = r.random() < 0.5
    left_arm = (8, 82, 2, 95) if aim or kind == "far" else (50, 35, -10, 75)
    wind = ctx.pose(
        yaw=-turn * 0.6, spine=(-6, 4, -turn * 0.6), head=(0, 0, turn), dz=-0.12 * step, ra=wind_arm, la=left_arm, **lift
    )
    out = ctx.pose(
        yaw=turn * 0.3,
        spine=(8, -4, turn * 0.5),
        head=(0, 0, -turn * 0.5),
        dz=0.5 * step,
        drop=0.06 * step,
        ra=out_arm,
        la=(80, 25, 30, 70),
        **land,
    )
    end = ctx.pose(
        yaw=turn * 0.5,
        spine=(14 + 0.3 * turn, -4, turn * 0.7),
        pitch=0.2 * turn,
        head=(-6, 0, -turn * 0.6),
        dz=0.6 * step,
        drop=0.1 * step,
        ra=end_arm,
        la=(115, 28, 90, 50),
        **land,
    )
    keys = [(0.36, wind), (0.52, out), (0.62, end), (0.7, end), (1.0, ctx.base)]
    period = max((1.5 if kind == "dart" else 2.2) * ask.factor, 1.0 if kind == "dart" else 1.55)
    return ctx.repeat(ask.count, period, keys, key=0.52, pause=0.3)


def throw(ctx: Context, ask: Request) -> Take:
    """Overarm throw with the right hand, stepping into it with the left foot."""
    r = ctx.rng
    if r.random() < 0.45:
        return _other_throw(ctx, ask)
    step = r.uniform(0.15, 0.4)
    wind = ctx.pose(
        yaw=-28,
        spine=(-8, 6, -28),
        dz=-0.06,
        ra=(115, 88, 150, 150),
        la=(10, 75, 0, 95),
        lf=(0, 0.08, 0.08, 0, 0),
        head=(0, 0, 40),
    )
    release = ctx.pose(
        yaw=12,
        spine=(10, -6, 22),
        dz=0.5 * step,
        ra=(30, 112, 5, 150),
        la=(90, 25, 40, 60),
        lf=(0, 0, step, 0, 0),
        rf=(0, 0, 0, 35, 0),
        drop=0.03,
        head=(0, 0, -20),
    )
    follow = ctx.pose(
        yaw=20,
        spine=(26, -6, 32),
        pitch=8,
        dz=0.62 * step,
        ra=(-25, 42, -50, 40),
        la=(120, 30, 110, 50),
        lf=(0, 0, step, 0, 0),
        rf=(0, 0, 0.0, 48, 0),
        drop=0.05,
    )
    return ctx.repeat(
        ask.count,
        2.0 * ask.factor,
        [(0.34, wind), (0.5, release), (0.6, follow), (0.68, follow), (1.0, ctx.base)],
        key=0.5,
        pause=0.3,
    )


def serve(ctx: Context, ask: Request) -> Take:
    """Tossing with the left hand, hitting overhead with the right."""
    toss = ctx.pose(spine=(-12, 5, -18), la=(15, 160, 10, 170), ra=(120, 70, 120, 150), drop=0.06, yaw=-15)
    hit = ctx.pose(
        spine=(4, -6, 14),
        la=(10, 60, -40, 90),
        ra=(35, 160, 15, 172),
        lf=(0, 0, 0, 35, 0),
        rf=(0, 0, 0, 45, 0),
        yaw=10,
        dz=0.08,
    )
    hit[1] += 0.05
    follow = ctx.pose(spine=(26, 0, 26), pitch=8, ra=(-25, 35, -50, 35), la=(100, 30, 20, 70), yaw=16, dz=0.08, drop=0.04)
    return ctx.repeat(
        ask.count, 2.4 * ask.factor, [(0.36, toss), (0.54, hit), (0.68, follow), (1.0, ctx.base)], key=0.54, pause=0.3
    )


def toss(ctx: Context, ask: Request) -> Take:
    """Underarm throw with the right hand."""
    back = ctx.pose(spine=(10, 0, -12), drop=0.05, ra=(172, 48, 172, 52), la=(20, 20, 0, 60))
    out = ctx.pose(spine=(2, 0, 10), dz=0.05, ra=(5, 105, 0, 125), la=(60, 20, 30, 40))
    return ctx.repeat(
        ask.count, 1.7 * ask.factor, [(0.36, back), (0.56, out), (0.64, out), (1.0, ctx.base)], key=0.52, pause=0.3
    )


def catch(ctx: Context, ask: Request) -> Take:
    """Reaching with both hands and drawing the ball in."""
    r = ctx.rng
    h = r.uniform(50, 130)
    out = ctx.pose(arms=(12, h, -6, min(h + 18, 165)), spine=(4, 0, 0), drop=0.03, dz=0.03)
    inn = ctx.pose(arms=(45, 25, -30, 105), spine=(6, 0, 0), drop=0.05, dz=-0.02)
    return ctx.repeat(ask.count, 1.8 * ask.factor, [(0.36, out), (0.5, inn), (0.68, inn), (1.0, ctx.base)], key=0.42, pause=0.3)


def dribble(ctx: Context, ask: Request) -> Take:
    """Bouncing a ball with the right hand, standing or walking."""
    r = ctx.rng
    up = ctx.pose(ra=(35, 28, 10, 92), spine=(12, 0, 4), head=(-8, 0, 0), drop=0.07, la=(45, 20, -10, 70), knees=4)
    low = ctx.pose(ra=(35, 20, 10, 50), spine=(14, 0, 6), head=(-8, 0, 0), drop=0.085, la=(45, 20, -10, 70), knees=4)
    take = ctx.repeat(
        ask.count, 0.62 * ask.factor, [(0.42, low), (1.0, up)], ready=up, lead=0.5, settle=0.6, key=0.42, pause=0.0, vary=0.7
    )
    if ask.direction != "forward":
        return take
    seconds = len(take.controls) / ctx.fps
    speed = r.uniform(0.9, 2.4)
    gait, cadence = _walking(ctx, speed) if speed < 1.7 else _running(ctx, speed)
    moving = travel(ctx, gait, seconds=max(seconds - 0.25, 1.5), speed=speed, cadence=cadence)
    n = min(len(moving.controls), len(take.controls))
    out = moving.controls.copy()
    t = np.arange(len(out)) / ctx.fps
    take_controls = take.controls[np.minimum(np.arange(len(out)), n - 1)]
    w = window(t, 0.0, min(t[-1], seconds), 0.4)[:, None]
    out[:, 22:28] = out[:, 22:28] * (1 - w) + take_controls[:, 22:28] * w
    out[:, 6] += 8 * RAD * w[:, 0]
    return Take(out, take.events, 0.1, t[-1], moving.travel)


def shoot_basket(ctx: Context, ask: Request) -> Take:
    """Dip, rise onto the toes and push a ball overhead."""
    dip = ctx.pose(drop=0.14, arms=(25, 30, -30, 130), spine=(8, 0, 0), pitch=5)
    up = ctx.pose(ra=(10, 142, 0, 165), la=(30, 135, -10, 160), spine=(-4, 0, 0), lf=(0, 0, 0, 38, 0), rf=(0, 0, 0, 38, 0))
    up[1] = ctx.body.pelvis_height + ctx.body.foot[:, 2].mean() * 0.42
    return ctx.repeat(ask.count, 1.9 * ask.factor, [(0.34, dip), (0.56, up), (0.66, up), (1.0, ctx.base)], key=0.55, pause=0.3)


def golf_swing(ctx: Context, ask: Request) -> Take:
    """Right-handed golf swing: the club travels to the player's left."""
    r = ctx.rng
    feet = (r.uniform(0.06, 0.14), 0, 0, 0, 8)
    tilt = dict(pitch=20, head=(8, 0, 0), lf=feet, rf=feet, drop=0.04, dz=-0.08)
    address = ctx.pose(spine=(18, 0, 0), arms=(10, 34, -35, 36), **tilt)
    back = ctx.pose(spine=(14, 4, -48), yaw=-32, ra=(75, 62, -10, 142), la=(-60, 88, -72, 122), **{**tilt, "head": (8, 0, 60)})
    impact = ctx.pose(spine=(16, 6, 12), yaw=16, arms=(5, 32, -30, 36), **tilt)
    finish = ctx.pose(
        spine=(4, -4, 55),
        yaw=48,
        ra=(-45, 100, -75, 150),
        la=(65, 85, 20, 160),
        **{**tilt, "pitch": 4, "dz": 0.0, "rf": (feet[0], 0, 0, 48, -15), "head": (0, 0, -20)},
    )
    return ctx.repeat(
        ask.count,
        2.6 * ask.factor,
        [(0.36, back), (0.4, back), (0.55, impact), (0.7, finish), (0.8, finish), (1.0, address)],
        ready=address,
        lead=1.0,
        settle=0.9,
        key=0.55,
        pause=0.4,
    )


def bat_swing(ctx: Context, ask: Request) -> Take:
    """Right-handed bat swing: the bat travels to the player's left."""
    r = ctx.rng
    wide = (r.uniform(0.1, 0.2), 0, 0, 0, 10)
    common = dict(drop=0.06, lf=wide, rf=wide)
    ready = ctx.pose(spine=(8, 0, -35), yaw=-15, head=(0, 0, 50), ra=(80, 62, -20, 150), la=(-40, 70, -85, 125), **common)
    load = ctx.pose(origin=ready, dx=-0.05, spine=(0, 0, -14), yaw=-8)
    hit = ctx.pose(spine=(8, 0, 20), yaw=25, dx=0.06, ra=(25, 60, -10, 84), la=(15, 75, -15, 86), **common)
    follow = ctx.pose(
        spine=(2, 0, 50),
        yaw=45,
        dx=0.07,
        ra=(-48, 88, -80, 125),
        la=(70, 70, 40, 140),
        **{**common, "rf": (wide[0], 0, 0, 42, -10)},
    )
    return ctx.repeat(
        ask.count,
        2.1 * ask.factor,
        [(0.3, load), (0.5, hit), (0.64, follow), (0.74, follow), (1.0, ready)],
        ready=ready,
        lead=0.9,
        settle=0.9,
        key=0.5,
        pause=0.4,
    )


def slash(ctx: Context, ask: Request) -> Take:
    """Cuts with a sword in the right hand, from above, across or back."""
    r = ctx.rng
    ready = ctx.pose(
        ra=(30, 35, 0, 100),
        la=(60, 25, 20, 60),
        drop=0.06,
        yaw=-12,
        lf=(0.02, 0, -0.08, 0, 8),
        rf=(0.03, 0, 0.18, 0, 0),
        spine=(5, 0, -5),
    )
    cuts = []
    for wind, cut, tw in (
        ((60, 150, 140, 160), (-20, 55, -35, 55), 26),
        ((90, 95, 110, 120), (-30, 75, -55, 78), 34),
        ((-45, 80, -80, 120), (80, 80, 82, 82), -34),
        ((20, 160, 170, 140), (5, 55, 0, 58), 10),
    ):
        cuts.append(
            (
                ctx.pose(origin=ready, ra=wind, spine=(-4, 0, -tw * 0.6)),
                ctx.pose(origin=ready, ra=cut, spine=(8, 0, tw), yaw=tw * 0.3, dz=0.06, drop=0.02),
            )
        )

    def cycle(i):
        wind, cut = cuts[r.integers(len(cuts))]
        return [(0.35, wind), (0.6, cut), (0.66, cut), (1.0, ready)]

    return ctx.repeat(ask.count, 1.2 * ask.factor, cycle, ready=ready, lead=0.7, settle=0.7, key=0.58, pause=0.25)


def swim(ctx: Context, ask: Request) -> Take:
    """Crawl strokes on dry land, arms alternately; one stroke is one arm."""
    r = ctx.rng
    lean = r.uniform(10, 45)

    def at(phase):
        # phase in turns: right arm angle, left half a turn behind.
        out = ctx.pose(
            pitch=lean * 0.6,
            spine=(lean * 0.5, 0, 28 * np.sin(2 * np.pi * phase)),
            head=(-lean * 0.5, 0, 0),
            drop=0.05,
            dz=-0.08 * lean / 45,
            knees=4,
        )
        for slot, sign, p in ((22, -1, phase), (16, 1, phase + 0.5)):
            a = 2 * np.pi * p
            y, z = np.cos(a), np.sin(a)  # top at 0, front at a quarter, down at a half
            up = np.array([sign * (0.25 + 0.15 * max(y, 0)), y, z])
            fore = np.array([0.0, y - 0.35 * max(-z, 0) - 0.25 * max(y, 0), z + 0.45 * max(y, 0)])
            out[slot : slot + 3] = up / np.linalg.norm(up)
            out[slot + 3 : slot + 6] = fore / np.linalg.norm(fore)
        return out

    def cycle(i):
        base = 0.5 * i
        return [(k / 6, at(base + 0.5 + 0.5 * k / 6)) for k in range(1, 7)]

    return ctx.repeat(ask.count, 0.8 * ask.factor, cycle, ready=at(0.5), lead=0.8, settle=0.8, key=0.5, pause=0.0, vary=0.4)


PROGRAMS = {
    "punch": punch,
    "guard": guard,
    "kick": kick,
    "side_kick": side_kick,
    "spin_kick": spin_kick,
    "kick_ball": kick_ball,
    "throw": throw,
    "serve": serve,
    "toss": toss,
    "catch": catch,
    "dribble": dribble,
    "shoot_basket": shoot_basket,
    "golf_swing": golf_swing,
    "bat_swing": bat_swing,
    "slash": slash,
    "swim": swim,
}
