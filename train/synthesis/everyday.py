"""Everyday actions: sitting, reaching, carrying to the mouth, pushing, picking up; authored for the right hand."""

import numpy as np

from llamo.train.synthesis.context import CHEST, HEAD, Context, Request, Take


def seated(ctx: Context) -> np.ndarray:
    """Sitting on a seat behind the feet."""
    back = 0.62 * float(ctx.body.thigh.mean())
    pose = ctx.base.copy()
    pose[1] = ctx.seat + 0.08 * ctx.scale
    pose[2] -= back
    pose[4] -= 0.08
    pose[6] += 0.06
    rest = ctx.pose(arms=(18, 26, -6, 66), wobble=0)
    pose[16:28] = rest[16:28]
    pose[38:40] += 0.08
    return pose


def sit_down(ctx: Context, ask: Request) -> Take:
    """Sitting down on a chair."""
    r = ctx.rng
    end = seated(ctx)
    if r.random() < 0.4:
        return _other_sit_down(ctx, ask, end)
    lean = ctx.pose(
        origin=ctx.blend(end, 0.55),
        pitch=22,
        spine=(20, 0, 0),
        head=(-18, 0, 0),
        arms=[None, (150, 30, 160, 25), (10, 40, 0, 60)][r.integers(3)],
    )
    f = ask.factor
    glance = ctx.pose(spine=(0, 0, r.uniform(-20, 20)), head=(8, 0, r.uniform(-25, 25)))
    return Take(
        ctx.play(
            [
                (0.0, ctx.base),
                (0.35 * f, glance),
                (1.05 * f, lean),
                (1.7 * f, end),
                (2.2 * f, ctx.pose(origin=end, spine=(-3, 0, 0))),
                (2.5 * f, end),
            ]
        ),
        [1.6 * f],
    )


def _other_sit_down(ctx: Context, ask: Request, end: np.ndarray) -> Take:
    """Sitting down in other ways: dropping into the seat, a hand on the seat behind, hands to the knees, a look back."""
    r = ctx.rng
    f = ask.factor
    kind = str(r.choice(["drop", "hand", "knees", "back"]))
    arms = {"drop": (40, 25, 10, 55), "hand": None, "knees": (15, 32, -5, 48), "back": (110, 26, 120, 30)}[kind]
    look = {"hand": (10, 0, -38), "back": (6, 0, 42)}.get(kind, (-6, 0, 0))
    twist = {"hand": -18, "back": 16}.get(kind, 0)
    lean = ctx.pose(
        origin=ctx.blend(end, r.uniform(0.45, 0.62)),
        pitch=12 if kind == "drop" else 26,
        spine=(10 if kind == "drop" else 24, 0, twist),
        head=look,
        arms=arms,
        ra=(160, 28, 170, 30) if kind == "hand" else None,
    )
    keys = [(0.0, ctx.base)]
    if kind == "back":
        keys.append((0.45 * f, ctx.pose(spine=(2, 0, 20), head=(4, 0, 45))))
    start = keys[-1][0]
    down = start + (0.95 if kind == "drop" else 1.45) * f
    keys += [(start + 0.55 * (down - start), lean), (down, end)]
    if kind == "drop":
        keys += [(down + 0.25 * f, ctx.pose(origin=end, spine=(8, 0, 0), head=(6, 0, 0))), (down + 0.7 * f, end)]
    else:
        keys += [(down + 0.5 * f, ctx.pose(origin=end, spine=(-4, 0, r.normal(0, 4)))), (down + 0.9 * f, end)]
    return Take(ctx.play(keys), [down - 0.1 * f])


def stand_up(ctx: Context, ask: Request) -> Take:
    """Rising from a chair."""
    start = seated(ctx)
    f = ask.factor
    lean = ctx.pose(origin=start, pitch=24, spine=(24, 0, 0), head=(-22, 0, 0), dz=0.06, arms=(15, 40, 0, 60))
    rise = ctx.pose(origin=ctx.blend(ctx.base, 0.5, start), pitch=26, spine=(16, 0, 0), head=(-15, 0, 0))
    return Take(ctx.play([(0.0, start), (0.6 * f, lean), (1.1 * f, rise), (1.8 * f, ctx.base)]), [1.1 * f])


def sit(ctx: Context, ask: Request) -> Take:
    """Sitting with small movements."""
    r = ctx.rng
    start = seated(ctx)
    keys, time = [(0.0, start)], 0.0
    while time < ask.seconds - 1:
        time += r.uniform(0.9, 2.2)
        keys.append(
            (
                time,
                ctx.pose(
                    origin=start,
                    spine=(r.normal(2, 4), r.normal(0, 4), r.normal(0, 8)),
                    head=(r.normal(0, 5), 0, r.normal(0, 18)),
                ),
            )
        )
    keys.append((time + 0.9, start))
    return Take(ctx.play(keys), loose_start=0.4, loose_end=0.4)


def row(ctx: Context, ask: Request) -> Take:
    """Rowing strokes while seated."""
    start = seated(ctx)
    fwd = ctx.pose(origin=start, pitch=18, spine=(24, 0, 0), head=(-20, 0, 0), arms=(8, 74, 0, 78))
    back = ctx.pose(origin=start, pitch=-14, spine=(-10, 0, 0), arms=(125, 38, 10, 88))
    take = _cycle_from(ctx, start, ask.count, 1.9 * ask.factor, [(0.55, back), (1.0, fwd)], fwd, 0.7, 0.55)
    return take


def _cycle_from(ctx: Context, start: np.ndarray, count, period, cycle, ready, lead, key) -> Take:
    """Repetitions that begin and end in another resting posture than standing."""
    held = ctx.base
    try:
        ctx.base = start
        return ctx.repeat(count, period, cycle, ready=ready, lead=lead, settle=lead, key=key, pause=0.05)
    finally:
        ctx.base = held


def crouch(ctx: Context, ask: Request) -> Take:
    """Going down into a deep crouch and staying there."""
    r = ctx.rng
    low = ctx.pose(
        drop=r.uniform(0.42, 0.6),
        dz=-0.1,
        pitch=24,
        spine=(22, 0, 0),
        head=(-22, 0, 0),
        lf=(0.03, 0, 0, 22, 8),
        rf=(0.03, 0, 0.0, 22, 8),
        knees=12,
        arms=(20, 45, -20, 70),
    )
    return ctx.stay(low, 1.0 * ask.factor, ask.seconds)


def kneel(ctx: Context, ask: Request) -> Take:
    """Going down on the right knee."""
    knee = float(ctx.body.shank.mean())
    low = ctx.pose(
        spine=(5, 0, 0),
        lf=(0.02, 0, 0.34, 0, 5),
        rf=(0.0, 0.02, -0.42, 82, 0),
        dz=-0.02,
        arms=[None, (10, 35, -20, 75)][ctx.rng.integers(2)],
    )
    low[1] = ctx.base[1] - ctx.leg + float(ctx.body.thigh.mean()) + 0.03 - ctx.body.ankle * 0.3
    step = ctx.pose(lf=(0.02, 0.0, 0.34, 0, 5), rf=(0, 0.0, -0.1, 35, 0), drop=0.12, dz=0.08, pitch=8, spine=(10, 0, 0))
    f = ask.factor
    hold = max(1.0, ask.seconds - 2.4 * f)
    del knee
    return Take(
        ctx.play(
            [
                (0.0, ctx.base),
                (0.6 * f, step),
                (1.2 * f, low),
                (1.2 * f + hold, ctx.vary(low)),
                (1.8 * f + hold, step),
                (2.4 * f + hold, ctx.base),
            ]
        ),
        [1.2 * f],
    )


def _height_of_things(ctx: Context) -> float:
    """Of the wrist that takes something up, metres: most things lie on the floor, some stand on something low."""
    r = ctx.rng
    return float(r.uniform(0.08, 0.2) if r.random() < 0.6 else r.uniform(0.2, 0.5))


def _other_pick_up(ctx: Context, ask: Request) -> Take:
    """Picking up in a lunge or a half kneel, deep in a squat, sideways, or balanced on one leg."""
    r = ctx.rng
    kind = str(r.choice(["lunge", "deep", "side", "golfer", "far"], p=[0.3, 0.25, 0.2, 0.1, 0.15]))
    hand, free = (8, 16, 0, 22), [(20, 40, -30, 60), (30, 22, 10, 35), (40, 30, 20, 45)][r.integers(3)]
    left = hand if ask.both else free
    if kind == "lunge":
        low = ctx.pose(
            drop=r.uniform(0.3, 0.42), dz=0.12, pitch=34, spine=(30, 0, 8), head=(-12, 0, 0), ra=hand, la=left, frame=0.1,
            lf=(0.02, 0, 0.32, 0, 4), rf=(0.02, 0, -0.16, 45, 4),
        )  # fmt: skip
    elif kind == "deep":
        low = ctx.pose(
            drop=r.uniform(0.5, 0.6), dz=-0.08, pitch=22, spine=(34, 0, 4), head=(-10, 0, 0), ra=hand, la=left, frame=0.1,
            lf=(0.04, 0, 0, 24, 12), rf=(0.04, 0, 0, 24, 12), knees=14,
        )  # fmt: skip
    elif kind == "side":
        turn = -r.uniform(20, 42)
        low = ctx.pose(
            drop=r.uniform(0.2, 0.36), dz=-0.06, dx=-0.05, yaw=turn * 0.4, pitch=38, spine=(36, 4, turn),
            head=(-8, 0, turn * 0.3),
            ra=(40, 20, 30, 24), la=(10, 24, -10, 34) if ask.both else free, frame=0.1, knees=6,
        )  # fmt: skip
    elif kind == "golfer":
        low = ctx.pose(
            drop=0.06, dx=float(ctx.base[28]) / ctx.scale * 0.85, pitch=62, spine=(34, 0, 6), dz=-0.03, head=(-14, 0, 0),
            ra=hand, la=left, frame=0.05, rf=(0.0, 0.38, -0.45, 80, 0),
        )  # fmt: skip
    else:  # a long reach forward
        low = ctx.pose(
            drop=r.uniform(0.18, 0.3), dz=0.04, pitch=50, spine=(34, 0, 10), head=(-14, 0, 0), frame=0.1,
            ra=(6, 42, 2, 44), la=(6, 42, 2, 44) if ask.both else free, lf=(0.01, 0, 0.24, 0, 4), rf=(0.01, 0, 0, 30, 4),
        )  # fmt: skip
    if kind != "golfer":
        low = ctx.stoop_to(low, _height_of_things(ctx))
    up = ctx.pose(ra=(20, 14, -10, r.uniform(30, 100)), la=(20, 14, -10, 85) if ask.both else None)
    hold = r.uniform(0.04, 0.12)
    return ctx.repeat(
        ask.count,
        2.7 * ask.factor,
        [(0.4, low), (0.4 + hold, low), (0.76, up), (0.86, up), (1.0, ctx.base)],
        key=0.4 + hold / 2,
        pause=0.3,
    )


def pick_up(ctx: Context, ask: Request) -> Take:
    """Bending to the floor, taking something, straightening up."""
    r = ctx.rng
    if r.random() < 0.45:
        return _other_pick_up(ctx, ask)
    stoop = r.random() < 0.5
    body = (
        dict(drop=0.12, pitch=52, spine=(40, 0, 6), dz=-0.1)
        if stoop
        else dict(drop=0.46, pitch=28, spine=(34, 0, 6), dz=-0.06, knees=8)
    )
    feet = {} if stoop else dict(lf=(0, 0, 0, 18, 5), rf=(0, 0, 0, 18, 5))
    hand = (5, 14, 0, 20)
    low = ctx.pose(ra=hand, la=hand if ask.both else (20, 40, -30, 60), head=(-12, 0, 0), frame=0.1, **body, **feet)
    low = ctx.stoop_to(low, _height_of_things(ctx))
    up = ctx.pose(ra=(20, 15, -12, 80), la=(20, 15, -12, 80) if ask.both else None)
    return ctx.repeat(
        ask.count, 2.6 * ask.factor, [(0.4, low), (0.48, low), (0.78, up), (0.86, up), (1.0, ctx.base)], key=0.44, pause=0.3
    )


def push(ctx: Context, ask: Request) -> Take:
    """Pushing with both hands, leaning in."""
    feet = dict(lf=(0, 0, 0.16, 0, 0), rf=(0, 0, -0.14, 18, 8))
    near = ctx.pose(arms=(45, 30, -8, 115), spine=(6, 0, 0), drop=0.05, **feet)
    out = ctx.pose(arms=(14, 84, -2, 92), pitch=10, spine=(10, 0, 0), dz=0.13, drop=0.06, **feet)
    return ctx.repeat(
        ask.count,
        1.7 * ask.factor,
        [(0.5, out), (0.58, out), (1.0, near)],
        ready=near,
        lead=0.8,
        settle=0.8,
        key=0.52,
        pause=0.15,
    )


def pull(ctx: Context, ask: Request) -> Take:
    """Pulling with both hands, leaning back."""
    feet = dict(lf=(0, 0, 0.18, 0, 0), rf=(0, 0, -0.14, 8, 12))
    out = ctx.pose(arms=(12, 78, -4, 86), pitch=6, spine=(8, 0, 0), dz=0.06, drop=0.05, **feet)
    back = ctx.pose(arms=(140, 40, 5, 92), pitch=-6, spine=(-4, 0, 0), dz=-0.13, drop=0.1, **feet)
    return ctx.repeat(
        ask.count,
        1.8 * ask.factor,
        [(0.55, back), (0.62, back), (1.0, out)],
        ready=out,
        lead=0.8,
        settle=0.8,
        key=0.56,
        pause=0.15,
    )


def drink(ctx: Context, ask: Request) -> Take:
    """Lifting a cup to the mouth and tilting the head back."""
    low = ctx.pose(ra=(20, 15, -10, 85))
    sip = ctx.at_head(ctx.pose(ra=(28, 52, -45, 150), head=(-16, 0, 0), spine=(-4, 0, 0)), (0.07, -0.06, 0.2))
    at = ctx.at_head(ctx.pose(ra=(28, 46, -42, 146)), (0.07, -0.12, 0.19))
    return ctx.repeat(
        ask.count,
        2.4 * ask.factor,
        [(0.32, at), (0.48, sip), (0.62, sip), (1.0, low)],
        ready=low,
        lead=0.7,
        settle=0.7,
        key=0.5,
        pause=0.25,
    )


def eat(ctx: Context, ask: Request) -> Take:
    """Hand from a plate to the mouth."""
    low = ctx.pose(ra=(20, 22, -15, 78), la=(20, 18, -25, 80), head=(12, 0, 0), spine=(4, 0, 0))
    bite = ctx.pose(ra=(25, 40, -40, 148), la=(20, 18, -25, 80), head=(4, 0, 0), spine=(3, 0, 0))
    bite = ctx.at_head(bite, (0.06, -0.14, 0.16))
    return ctx.repeat(
        ask.count,
        1.7 * ask.factor,
        [(0.42, bite), (0.55, bite), (1.0, low)],
        ready=low,
        lead=0.7,
        settle=0.7,
        key=0.48,
        pause=0.2,
    )


def phone(ctx: Context, ask: Request) -> Take:
    """Holding a phone to the right ear."""
    pose = ctx.at_head(ctx.pose(ra=(70, 38, -32, 160), head=(2, 8, 0)), (0.14, -0.1, 0.06))
    return ctx.stay(pose, 1.0 * ask.factor, max(ask.seconds, 3.0))


def scratch_head(ctx: Context, ask: Request) -> Take:
    """Rubbing the head with the right hand."""
    r = ctx.rng
    pose = ctx.pose(ra=(65, 92, -75, 160), head=(6, 4, 0), wobble=3)
    spot = np.array([r.uniform(0.06, 0.16), r.uniform(0.06, 0.18), r.uniform(-0.06, 0.08)])
    a, b = ctx.at_head(pose, spot), ctx.at_head(pose, spot + r.normal(0, 0.04, 3))
    keys, time = [(0.0, ctx.base), (0.8 * ask.factor, a)], 0.8 * ask.factor
    for _ in range(int(r.integers(3, 8))):
        time += 0.18 * ask.factor
        keys.append((time, ctx.vary(b, 0.5)))
        time += 0.18 * ask.factor
        keys.append((time, ctx.vary(a, 0.5)))
    keys.append((time + 0.8 * ask.factor, ctx.base))
    return Take(ctx.play(keys))


def reach(ctx: Context, ask: Request) -> Take:
    """Reaching out with the right hand."""
    r = ctx.rng
    a, e, kw = {
        "forward": (6, 84, dict(pitch=8, spine=(12, 0, 16), dz=0.06)),
        "up": (18, 156, dict(spine=(-4, 4, 6), rshrug=8, rf=(0, 0, 0, 25, 0))),
        "right": (85, 86, dict(spine=(0, 10, -20), dx=-0.07)),
        "left": (-50, 84, dict(spine=(8, -6, 32), dx=0.06)),
    }[ask.direction or "forward"]
    e += r.normal(0, 8)
    out = ctx.pose(ra=(a, e, a - 2, min(e + 6, 174)), **kw)
    half = ctx.blend(out, 0.5)
    half[25:28] = ctx.pose(ra=(30, 30, -5, 105), wobble=2)[25:28]
    return ctx.repeat(
        ask.count,
        2.1 * ask.factor,
        [(0.22, half), (0.44, out), (0.54, out), (0.78, half), (1.0, ctx.base)],
        key=0.48,
        pause=0.3,
    )


def _wiping_strokes(ctx: Context, ask: Request) -> Take:
    """Strokes to and fro: side to side, up and down, on a wall high up or on a table; one stroke is there and back."""
    r = ctx.rng
    table = r.random() < 0.25
    upright = r.random() < 0.5 and not table
    size = r.uniform(16, 34) * ctx.style.amplitude
    h = r.uniform(60, 125)
    bend = dict(pitch=18, spine=(22, 0, 0), head=(-6, 0, 0), dz=-0.05) if table else dict(spine=(3, 0, 0))

    def pose(k):
        x, y = (0.0, k * size) if upright else (k * size, 0.0)
        arm = (15 + x, 36, -8 + 1.1 * x, 62) if table else (18 + 0.8 * x, h - 20 + 0.9 * y, -6 + x, h + 18 + 0.8 * y)
        turned = {**bend, "spine": (bend["spine"][0], 0, -0.25 * x)}
        return ctx.pose(
            ra=arm,
            la=arm if ask.both else ((12, 30, -6, 58) if table else None),
            drop=0.03 * abs(k) * upright * (k < 0),
            wobble=1.5,
            **turned,
        )

    return ctx.repeat(
        ask.count,
        1.1 * ask.factor,
        [(0.5, pose(1.0)), (1.0, pose(-1.0))],
        ready=pose(-1.0),
        lead=0.8,
        settle=0.8,
        key=0.5,
        pause=0.05,
    )


def wash(ctx: Context, ask: Request) -> Take:
    """Circles of the right hand (both: both) on a window in front."""
    r = ctx.rng
    if r.random() < 0.35:
        return _wiping_strokes(ctx, ask)
    sign = r.choice([-1, 1])
    size = r.uniform(16, 30) * ctx.style.amplitude
    h = r.uniform(62, 105)

    def pose(x, y):
        return ctx.pose(
            ra=(22 + 0.8 * x, h - 22 + 0.8 * y, -6 + x, h + 24 + y),
            la=(22 + 0.8 * x, h - 22 + 0.8 * y, -6 + x, h + 24 + y) if ask.both else None,
            spine=(3, 0, 0.15 * x + 6),
            dx=0.0006 * x,
            wobble=1,
        )

    quarter = [pose(sign * size, 0), pose(0, size), pose(-sign * size, 0), pose(0, -size)]
    return ctx.repeat(
        ask.count,
        1.25 * ask.factor,
        [((k + 1) / 4, p) for k, p in enumerate(quarter)],
        ready=quarter[3],
        lead=0.8,
        settle=0.8,
        key=0.5,
        pause=0.04,
    )


def wash_self(ctx: Context, ask: Request) -> Take:
    """Rubbing arms, chest, head and legs as under a shower."""
    r = ctx.rng
    bent = dict(pitch=40, spine=(40, 0, 0), drop=0.08, dz=-0.08)
    # Pose, the joint that is washed, and where the wrists go from it: (outward, up, ahead), None where a hand rests.
    spots = [
        (dict(ra=(15, 30, -60, 95), la=(15, 35, 0, 70)), 18, (-0.02, 0.04, 0.07), None),  # the left arm
        (dict(la=(15, 30, -60, 95), ra=(15, 35, 0, 70)), 19, None, (-0.02, 0.04, 0.07)),
        (dict(arms=(60, 95, -70, 158), head=(12, 0, 0)), HEAD, (0.1, 0.1, 0.02), (0.1, 0.1, 0.02)),  # the hair
        (dict(arms=(30, 50, -50, 150)), HEAD, (0.07, -0.1, 0.14), (0.07, -0.1, 0.14)),  # the face
        (dict(ra=(30, 25, -50, 120)), CHEST, (-0.06, -0.02, 0.17), None),
        (dict(la=(30, 25, -50, 120)), CHEST, None, (-0.06, -0.02, 0.17)),
        (dict(ra=(40, 30, -40, 110), la=(40, 30, -40, 110)), 3, (0.08, 0.02, 0.2), (0.08, 0.02, 0.2)),  # the belly
        (dict(arms=(20, 14, 0, 30), **bent), 4, (0.0, 0.18, 0.1), None),  # the left thigh, bent down
        (dict(arms=(20, 14, 0, 30), **bent), 5, None, (0.0, 0.18, 0.1)),
        (dict(ra=(30, 60, -80, 120), la=(20, 15, -40, 100)), 16, (0.0, 0.03, 0.07), None),  # the left shoulder
    ]
    keys, time, end = [(0.0, ctx.base)], 0.0, max(ask.seconds, 4.0)
    while time < end - 1.2:
        pose, joint, right, left = spots[r.integers(len(spots))]
        pose = ctx.pose(wobble=5, **pose)
        a, b = (ctx.reach(pose, joint, right, left, spread=spread) for spread in (0.015, 0.06))
        time += 0.6 * ask.factor
        keys.append((time, a))
        for _ in range(int(r.integers(2, 5))):
            time += 0.24 * ask.factor
            keys.append((time, ctx.vary(b, 0.6)))
            time += 0.24 * ask.factor
            keys.append((time, ctx.vary(a, 0.6)))
    keys.append((time + 0.8, ctx.base))
    return Take(ctx.play(keys))


def open_door(ctx: Context, ask: Request) -> Take:
    """Reaching for a handle, turning it and pulling the door open."""
    f = ask.factor
    reach_ = ctx.pose(ra=(10, 42, -2, 85), pitch=4, spine=(5, 0, 10), dz=0.03)
    turn = ctx.pose(ra=(25, 46, -10, 82), spine=(5, 2, 10), pitch=4, dz=0.03)
    open_ = ctx.pose(ra=(130, 30, 35, 75), spine=(-2, 0, -24), yaw=-14, dz=-0.06, rf=(0.06, 0, -0.16, 0, 12))
    return Take(
        ctx.play(
            [
                (0.0, ctx.base),
                (0.8 * f, reach_),
                (1.1 * f, turn),
                (1.3 * f, reach_),
                (2.1 * f, open_),
                (2.4 * f, open_),
                (3.2 * f, ctx.base),
            ]
        ),
        [1.7 * f],
    )


def sweep(ctx: Context, ask: Request) -> Take:
    """Sweeping strokes to the left with both hands on a broom."""
    common = dict(drop=0.05, knees=3)
    right = ctx.pose(spine=(16, 4, -26), yaw=-8, ra=(35, 22, 0, 45), la=(-10, 45, -55, 62), **common)
    left = ctx.pose(spine=(18, -4, 20), yaw=8, ra=(-10, 30, -40, 48), la=(20, 35, -25, 66), **common)
    return ctx.repeat(
        ask.count, 1.4 * ask.factor, [(0.45, left), (1.0, right)], ready=right, lead=0.8, settle=0.8, key=0.45, pause=0.08
    )


def hammer(ctx: Context, ask: Request) -> Take:
    """Striking with a hammer in the right hand."""
    up = ctx.pose(ra=(35, 62, 20, 160), la=(20, 30, -20, 88), spine=(4, 0, -4))
    hit = ctx.pose(ra=(20, 36, -8, 86), la=(20, 30, -20, 88), spine=(9, 0, 4))
    return ctx.repeat(
        ask.count, 0.85 * ask.factor, [(0.5, hit), (0.56, hit), (1.0, up)], ready=up, lead=0.7, settle=0.7, key=0.5, pause=0.08
    )


def look_around(ctx: Context, ask: Request) -> Take:
    """Turning the trunk and head to both sides."""
    r = ctx.rng
    keys, time, side = [(0.0, ctx.base)], 0.0, r.choice([-1, 1])
    while time < ask.seconds - 1.2 or len(keys) < 3:
        a = side * r.uniform(22, 45)
        pose = ctx.pose(yaw=a * 0.2, spine=(r.normal(0, 3), 0, a), head=(r.normal(0, 8), r.normal(0, 4), a * 0.9))
        time += r.uniform(0.5, 0.9) * ask.factor
        keys.append((time, pose))
        time += r.uniform(0.2, 0.8) * ask.factor
        keys.append((time, ctx.vary(pose)))
        side = -side
    keys.append((time + 0.8 * ask.factor, ctx.base))
    return Take(ctx.play(keys))


def step_up(ctx: Context, ask: Request) -> Take:
    """Stepping onto a box, right foot first, and down again."""
    r = ctx.rng
    high, ahead = r.uniform(0.2, 0.42), r.uniform(0.32, 0.42)
    f = ask.factor
    one = ctx.pose(rf=(0, high + 0.07, ahead * 0.8, -5, 0), dx=0.07, pitch=6, spine=(6, 0, 0))
    on = ctx.pose(rf=(0, high, ahead, 0, 0), lf=(0, 0, 0, 12, 0), dz=ahead * 0.3, pitch=10, spine=(8, 0, 0), drop=0.01)
    mid = ctx.pose(
        rf=(0, high, ahead, 0, 0),
        lf=(0, high * 0.85, ahead * 0.35, 35, 0),
        dz=ahead * 0.85,
        dx=-0.06,
        dy=high * 0.85,
        pitch=8,
        spine=(4, 0, 0),
    )
    top = ctx.pose(rf=(0, high, ahead, 0, 0), lf=(0, high, ahead, 0, 0), dz=ahead, dy=high)
    keys = [(0.0, ctx.base), (0.4 * f, one), (0.65 * f, on), (1.15 * f, mid), (1.55 * f, top)]
    time = 1.55 * f + r.uniform(0.2, 1.2)
    keys.append((time, ctx.vary(top, 0.4)))
    back1 = ctx.pose(
        rf=(0, high, ahead, 8, 0),
        lf=(0, 0.04, 0.02, 30, 0),
        dz=ahead * 0.5,
        dy=0.02,
        drop=0.03,
        dx=-0.03,
        pitch=8,
        spine=(6, 0, 0),
    )
    back2 = ctx.pose(rf=(0, high * 0.6, ahead * 0.4, 25, 0), dz=0.03, dx=0.05, pitch=3)
    return Take(ctx.play(keys + [(time + 0.75 * f, back1), (time + 1.1 * f, back2), (time + 1.5 * f, ctx.base)]), [1.5 * f])


PROGRAMS = {
    "sit_down": sit_down,
    "stand_up": stand_up,
    "sit": sit,
    "row": row,
    "crouch": crouch,
    "kneel": kneel,
    "pick_up": pick_up,
    "push": push,
    "pull": pull,
    "drink": drink,
    "eat": eat,
    "phone": phone,
    "scratch_head": scratch_head,
    "reach": reach,
    "wash": wash,
    "wash_self": wash_self,
    "open_door": open_door,
    "sweep": sweep,
    "hammer": hammer,
    "look_around": look_around,
    "step_up": step_up,
}
