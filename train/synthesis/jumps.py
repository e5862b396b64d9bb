"""Jumps: dip, push, ballistic flight under gravity, soft landing."""

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.context import RAD, Context, Request, Take
from llamo.train.synthesis.tracks import minimum_jerk


GRAVITY = 9.81


def _hermite(t, t0, t1, y0, y1, v0, v1):
    h = max(t1 - t0, 1e-3)
    u = np.clip((t - t0) / h, 0, 1)
    u2, u3 = u * u, u**3
    return (2 * u3 - 3 * u2 + 1) * y0 + (u3 - 2 * u2 + u) * h * v0 + (3 * u2 - 2 * u3) * y1 + (u3 - u2) * h * v1


def jump_series(
    ctx: Context,
    *,
    count: int,
    height: float,
    dip: float,
    factor: float,
    forward: float = 0.0,
    left: float = 0.0,
    turn: float = 0.0,
    arms: str = "swing",
    tuck: float = 0.25,
    rest: float = 0.25,
    leg: str | None = None,
    stiff: bool = False,
    forward_sign: float = 1.0,
) -> Take:
    """A series of jumps.

    Args:
        height: rise of the pelvis in flight, metres. dip: lowering before the push, fraction of the leg.
        forward, left: metres travelled per jump. turn: degrees turned per jump. arms: "swing", "rope", "still", "up".
        tuck: how far the feet are drawn up in flight. rest: seconds between jumps. leg: "right" hops on that leg.
        stiff: rebound from the landing without a dip of its own.
    """
    rng, s = ctx.rng, ctx.scale
    one = leg is not None
    push_arms = {"swing": (20, 150, 10, 165), "up": (40, 165, 20, 172), "rope": (60, 22, 45, 62), "still": None}[arms]
    back_arms = {"swing": (165, 45, 170, 35), "up": (30, 30, 10, 60), "rope": (60, 20, 45, 58), "still": None}[arms]
    if arms == "swing":
        top = rng.uniform(70, 165)
        push_arms = (20, top, 5, min(top + rng.uniform(5, 40), 172))
    deep = dict(knees=rng.uniform(0, 6))
    lean = 8 + 70 * dip
    leg_up = None
    if one:
        leg_up = (-0.02, rng.uniform(0.18, 0.38), rng.uniform(-0.35, 0.05), rng.uniform(30, 70), 0)
    shift = dict(dx=-float(ctx.base[28]) / s) if one else {}
    ready = ctx.pose(lf=leg_up, drop=0.02, **shift) if one else ctx.base
    crouch = ctx.pose(
        drop=dip,
        pitch=lean * 0.5,
        spine=(lean * 0.6, 0, 0),
        head=(-lean * 0.7, 0, 0),
        arms=back_arms,
        lf=leg_up,
        dz=-0.05 * dip / 0.2,
        **deep,
        **shift,
    )
    extended = ctx.pose(
        pitch=2, spine=(-2, 0, 0), arms=push_arms, rf=(0, 0, 0, 55, 0), lf=leg_up if one else (0, 0, 0, 55, 0), **shift
    )
    extended[1] = ctx.body.pelvis_height + ctx.body.foot[:, 2].mean() * 0.62 - 0.004
    flying = ctx.pose(origin=extended, arms=None)
    landing = ctx.pose(
        pitch=4,
        spine=(4, 0, 0),
        arms=(50, 60, 20, 95) if arms in ("swing", "up") else push_arms,
        rf=(0, 0, 0, 22, 0),
        lf=leg_up if one else (0, 0, 0, 22, 0),
        **shift,
    )
    landing[1] = ctx.body.pelvis_height + ctx.body.foot[:, 2].mean() * 0.25 - 0.03 * ctx.leg
    absorb_pose = ctx.pose(origin=crouch)
    keys = [(0.0, ctx.base)]
    time = 0.0
    if one:
        time = 0.5
        keys.append((time, ready))
    events, spans, moves = [], [], []
    start = 0.0
    heights = height * np.clip(1 + rng.normal(0, 0.08, count), 0.75, 1.3)
    slow = ctx.uneven(count, 0.05)
    for i in range(count):
        h = float(heights[i])
        v0 = np.sqrt(2 * GRAVITY * h)
        if not (stiff and i):
            time += (0.42 * factor * slow[i] if not stiff else 0.3) * (0.6 + dip * 2)
            keys.append((time, ctx.vary(crouch)))
        y_dip = keys[-1][1][1]
        y_off, y_on = extended[1], landing[1]
        push = float(np.clip(1.9 * (y_off - y_dip) / v0, 0.12, 0.45))
        t_dip, t_off = time, time + push
        flight = (v0 + np.sqrt(max(v0 * v0 + 2 * GRAVITY * (y_off - y_on), 0.0))) / GRAVITY
        t_on = t_off + flight
        v1 = GRAVITY * flight - v0
        absorb_drop = max(0.05 * ctx.leg, (0.75 if not stiff else 1.0) * (y_off - y_dip) * 0.9)
        y_low = y_on - absorb_drop
        absorb = float(np.clip(1.7 * absorb_drop / max(v1, 0.5), 0.1, 0.4))
        t_low = t_on + absorb
        keys += [(t_off, ctx.vary(extended)), (t_off + 0.55 * flight, ctx.vary(flying)), (t_on, ctx.vary(landing))]
        low = absorb_pose.copy()
        low[1] = y_low
        keys.append((t_low, ctx.vary(low)))
        spans.append((t_dip, y_dip, t_off, y_off, v0, t_on, y_on, v1, t_low, keys[-1][1][1]))
        moves.append((t_off, t_on))
        events.append(float(t_off + v0 / GRAVITY))
        time = t_low
        if not stiff or i == count - 1:
            time += 0.34 * factor * slow[i] + 0.08
            keys.append((time, ctx.base if i == count - 1 and not one else ctx.vary(ready, 0.6)))
            if i < count - 1:
                time += max(0.0, rng.normal(rest, 0.4 * rest))
                keys.append((time, ctx.vary(ready, 0.6)))
    end = time
    if one:
        time += 0.5
        keys.append((time, ctx.base))
    controls = ctx.play(keys, seconds=time + 0.05)
    t = np.arange(len(controls)) / ctx.fps
    x = np.zeros(len(t))
    z = np.zeros(len(t))
    yaw = np.zeros(len(t))
    for t_dip, y_dip, t_off, y_off, v0, t_on, y_on, v1, t_low, y_low in spans:
        a = (t >= t_dip) & (t < t_off)
        controls[a, 1] = _hermite(t[a], t_dip, t_off, y_dip, y_off, 0.0, v0)
        b = (t >= t_off) & (t < t_on)
        f = t[b] - t_off
        rise = v0 * f - 0.5 * GRAVITY * f * f
        controls[b, 1] = y_off + rise
        u = f / (t_on - t_off)
        # The feet leave with the body and are drawn up a little on top of it.
        lift = np.maximum(rise - (y_on - y_off) * u, 0.0)
        clear = lift * (1 + tuck)
        for slot in (29, 34):
            if one and slot == 29:
                controls[b, slot] += rise
            else:
                controls[b, slot] += clear
        c = (t >= t_on) & (t < t_low)
        controls[c, 1] = _hermite(t[c], t_on, t_low, y_on, y_low, -v1, 0.0)
        # Travel: the body starts a little before the feet leave and settles after they land.
        q = minimum_jerk((t - t_dip - 0.3 * (t_off - t_dip)) / (t_low - t_dip - 0.3 * (t_off - t_dip)))
        linear = np.clip((t - t_off) / (t_on - t_off), 0, 1)
        body_move = 0.35 * q + 0.65 * linear
        z += forward * body_move
        x += left * body_move
        yaw += turn * RAD * linear
        foot_move = 0.8 * linear + 0.2 * minimum_jerk(linear)
        controls[:, [30, 35]] += (forward * foot_move)[:, None]
        controls[:, [28, 33]] += (left * foot_move)[:, None]
    controls[:, 0] += x
    controls[:, 2] += z
    if turn:
        c, sn = np.cos(yaw), np.sin(yaw)
        for i in (0, 28, 33):
            px, pz = controls[:, i].copy(), controls[:, i + 2].copy()
            controls[:, i] = c * px + sn * pz
            controls[:, i + 2] = -sn * px + c * pz
        controls[:, [ch.YAW, 32, 37]] += yaw[:, None]
    return Take(
        controls,
        events,
        start,
        end,
        (left * count if not turn else 0.0, forward * count if not turn else 0.0, turn * count * RAD),
    )


def _height(ctx: Context, low: float, high: float) -> float:
    return float(np.clip(ctx.rng.uniform(low, high) * ctx.style.amplitude**1.5 * ctx.scale, 0.04, 0.6))


def jump(ctx: Context, ask: Request) -> Take:
    """Jumping on the spot."""
    r = ctx.rng
    many = ask.count > 5
    return jump_series(
        ctx,
        count=ask.count,
        height=_height(ctx, 0.1, 0.25) if many else _height(ctx, 0.14, 0.42),
        dip=r.uniform(0.12, 0.26),
        factor=ask.factor,
        arms=str(r.choice(["swing", "up", "still", "swing"])),
        tuck=r.uniform(0.0, 0.5),
        stiff=bool(many or r.random() < 0.25),
        rest=r.uniform(0, 0.5) * ask.factor,
    )


def jump_forward(ctx: Context, ask: Request) -> Take:
    """Two-legged jumps forward."""
    r = ctx.rng
    return jump_series(
        ctx,
        count=ask.count,
        height=_height(ctx, 0.12, 0.32),
        dip=r.uniform(0.16, 0.3),
        factor=ask.factor,
        forward=r.uniform(0.5, 1.3) * ctx.scale,
        tuck=r.uniform(0.1, 0.5),
        rest=r.uniform(0.0, 0.5) * ask.factor,
    )


def jump_side(ctx: Context, ask: Request) -> Take:
    """Jumps to the left."""
    r = ctx.rng
    return jump_series(
        ctx,
        count=ask.count,
        height=_height(ctx, 0.1, 0.24),
        dip=r.uniform(0.12, 0.22),
        factor=ask.factor,
        left=r.uniform(0.35, 0.8) * ctx.scale,
        arms=str(r.choice(["swing", "still"])),
        tuck=0.15,
        rest=r.uniform(0, 0.4) * ask.factor,
    )


def jump_rope(ctx: Context, ask: Request) -> Take:
    """Small quick jumps with the hands turning a rope."""
    take = jump_series(
        ctx,
        count=ask.count,
        height=float(np.clip(0.05 * ask.factor**1.6, 0.03, 0.16)) * ctx.rng.uniform(0.9, 1.2),
        dip=0.05,
        factor=ask.factor,
        arms="rope",
        tuck=0.3,
        stiff=True,
        rest=0.0,
    )
    # One turn of the hands a jump.
    t = np.arange(len(take.controls)) / ctx.fps
    if len(take.events) > 1:
        phase = 2 * np.pi * np.interp(t, take.events, np.arange(len(take.events)), left=0, right=len(take.events) - 1)
        for slot in (19, 25):
            take.controls[:, slot + 1] += 0.2 * np.sin(phase)
            take.controls[:, slot + 2] += 0.2 * np.cos(phase) - 0.1
    return take


def jump_turn(ctx: Context, ask: Request) -> Take:
    """Jumping with a turn to the left in the air."""
    r = ctx.rng
    return jump_series(
        ctx,
        count=ask.count,
        height=_height(ctx, 0.2, 0.4),
        dip=r.uniform(0.16, 0.28),
        factor=ask.factor,
        turn=float(r.choice([90, 180, 360], p=[0.3, 0.45, 0.25])),
        arms="swing",
        tuck=0.1,
        rest=0.4,
    )


def hop(ctx: Context, ask: Request) -> Take:
    """Hopping on the right leg."""
    r = ctx.rng
    ahead = r.uniform(0.25, 0.6) * ctx.scale if ask.direction == "forward" else 0.0
    return jump_series(
        ctx,
        count=ask.count,
        height=_height(ctx, 0.06, 0.15),
        dip=r.uniform(0.06, 0.11),
        factor=ask.factor,
        forward=ahead,
        arms=str(r.choice(["still", "rope"])),
        tuck=0.1,
        leg="right",
        stiff=bool(r.random() < 0.75),
        rest=0.15 * ask.factor,
    )


PROGRAMS = {
    "jump": jump,
    "jump_forward": jump_forward,
    "jump_side": jump_side,
    "jump_rope": jump_rope,
    "jump_turn": jump_turn,
    "hop": hop,
}
