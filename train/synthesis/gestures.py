"""Gestures of the arms, standing; authored for the right hand."""

from functools import partial

from llamo.train.synthesis.context import CHEST, Context, Request, Take


def _once(ctx: Context, keys, start=0.0) -> Take:
    return Take(ctx.play(keys), [], start, keys[-1][0])


def _hold(ctx: Context, pose_list, reach: float, hold: float) -> Take:
    """Reach a pose, stay with small changes, return."""
    r = ctx.rng
    keys = [(0.0, ctx.base), (reach, pose_list[0])]
    time = reach
    while time < reach + hold:
        time += r.uniform(0.5, 1.1)
        keys.append((time, ctx.vary(pose_list[r.integers(len(pose_list))], 1.0)))
    keys.append((time + reach * r.uniform(0.9, 1.2), ctx.base))
    return Take(ctx.play(keys), [reach], 0.0, keys[-1][0])


def wave(ctx: Context, ask: Request) -> Take:
    """Waving with the right hand (both: both): one wave is out and back."""
    r = ctx.rng
    if r.random() < 0.45:
        return _other_wave(ctx, ask)
    high = r.random()
    el = 40 + 95 * high
    fe = 158 + r.uniform(0, 12)
    swing = r.uniform(16, 36) * ctx.style.amplitude
    shoulder = r.uniform(0, 12)

    def at(k):
        # Forearm upright, leaning out and in: azimuth 90 is out, -90 across.
        lean = k * swing + r.normal(0, 2)
        arm = (70, el + 0.4 * k * shoulder, 90 if lean >= 0 else -90, 180 - abs(lean) - (170 - fe) * 0.3)
        return ctx.pose(ra=arm, la=arm if ask.both else None, spine=(0, r.uniform(-3, 3), 0), rshrug=2, wobble=1.5)

    outer, inner = at(1.0), at(-0.8)
    return ctx.repeat(
        ask.count,
        0.62 * ask.factor,
        [(0.5, outer), (1.0, inner)],
        ready=inner,
        lead=r.uniform(0.5, 0.9),
        settle=r.uniform(0.5, 0.9),
        key=0.5,
        pause=0.02,
    )


def _other_wave(ctx: Context, ask: Request) -> Take:
    """Waves of the whole arm overhead, of the forearm in front of the chest or at the hip, and of the raised wrist."""
    r = ctx.rng
    swing = r.uniform(14, 30) * ctx.style.amplitude
    kind = str(r.choice(["whole", "front", "low", "side"], p=[0.4, 0.25, 0.15, 0.2]))
    lean = r.uniform(0, 6) if kind == "whole" else r.uniform(-2, 2)

    def at(k):
        s = k * swing
        if kind == "whole":  # the straight arm swings about the shoulder, overhead
            arm = (88, 152 - s, 88, 166 - 1.1 * s)
        elif kind == "front":  # the forearm swings in front, elbow low
            arm = (25, 35, -5 + 1.6 * s, 128)
        elif kind == "low":  # a shy wave at the height of the waist
            arm = (30, 16, 10 + 1.5 * s, 95)
        else:  # the arm held out to the side, the forearm up and down
            arm = (82, 86, 84, 122 - 1.2 * s)
        pose = dict(ra=arm, la=arm if ask.both else None, spine=(0, k * lean, 0), head=(0, r.uniform(-4, 4), 0))
        return ctx.pose(rshrug=3 if kind == "whole" else 0, wobble=1.5, **pose)

    outer, inner = at(1.0), at(-1.0)
    return ctx.repeat(
        ask.count,
        (0.8 if kind in ("whole", "side") else 0.6) * ask.factor,
        [(0.5, outer), (1.0, inner)],
        ready=inner,
        lead=r.uniform(0.5, 1.0),
        settle=r.uniform(0.5, 1.0),
        key=0.5,
        pause=0.02,
    )


def raise_hand(ctx: Context, ask: Request) -> Take:
    """Lifting the right hand overhead."""
    r = ctx.rng
    if r.random() < 0.3:  # as in a classroom: the elbow stays bent, or the arm goes up by way of the shoulder
        a = r.uniform(40, 88)
        up = ctx.pose(ra=(a, r.uniform(98, 135), a * r.uniform(0.2, 0.9), r.uniform(166, 175)), rshrug=3)
        half = ctx.pose(ra=(30, 40, -10, 150), wobble=3)
        h = r.uniform(0.1, 0.3)
        return ctx.repeat(
            ask.count,
            2.1 * ask.factor,
            [(0.2, half), (0.4, up), (0.4 + h, up), (0.84, half), (1.0, ctx.base)],
            key=0.4 + h / 2,
        )
    a = r.uniform(15, 85)
    up = ctx.pose(ra=(a, r.uniform(145, 172), a * 0.5, 174), spine=(0, r.uniform(0, 5), 0), rshrug=4)
    h = r.uniform(0.05, 0.3)
    return ctx.repeat(ask.count, 2.0 * ask.factor, [(0.4, up), (0.4 + h, up), (1.0, ctx.base)], key=0.4 + h / 2)


def raise_hands(ctx: Context, ask: Request) -> Take:
    """Lifting both hands overhead."""
    r = ctx.rng
    a = r.uniform(10, 85)
    up = ctx.pose(arms=(a, r.uniform(145, 172), a * 0.5, 174), spine=(-3, 0, 0), shrug=4)
    h = r.uniform(0.05, 0.3)
    return ctx.repeat(ask.count, 2.0 * ask.factor, [(0.4, up), (0.4 + h, up), (1.0, ctx.base)], key=0.4 + h / 2)


def clap(ctx: Context, ask: Request) -> Take:
    """Clapping in front of the chest."""
    r = ctx.rng
    h = r.uniform(70, 125)
    el = r.uniform(12, 35)
    spread = r.uniform(18, 45) * ctx.style.amplitude
    apart, up, ahead = r.uniform(0.035, 0.065), r.uniform(-0.12, 0.22), r.uniform(0.2, 0.36)
    closed = ctx.reach(ctx.pose(arms=(20, el, -38, h), wobble=1), CHEST, (apart, up, ahead), (apart, up, ahead), spread=0.006)
    opened = ctx.pose(arms=(40, el + 5, -38 + spread, h), wobble=1)
    return ctx.repeat(
        ask.count,
        0.5 * ask.factor,
        [(0.5, closed), (1.0, opened)],
        ready=opened,
        lead=r.uniform(0.5, 0.8),
        settle=0.6,
        key=0.5,
        pause=0.01,
        vary=0.5,
    )


def bow(ctx: Context, ask: Request) -> Take:
    """Bowing from the hips."""
    r = ctx.rng
    angle = r.uniform(28, 75) * ctx.style.amplitude
    low = ctx.pose(
        pitch=angle * 0.6,
        spine=(angle * 0.45, 0, 0),
        head=(8, 0, 0),
        dz=-0.0018 * angle,
        arms=[None, (20, 12, 10, 20), (150, 10, 170, 14)][r.integers(3)],
        frame=float(r.uniform(0, 0.8)),
    )
    h = r.uniform(0.05, 0.22)
    return ctx.repeat(ask.count, 2.5 * ask.factor, [(0.4, low), (0.4 + h, low), (1.0, ctx.base)], key=0.4 + h / 2)


def point(ctx: Context, ask: Request) -> Take:
    """Pointing with the right hand; "left" and "right" are the person's own."""
    r = ctx.rng
    a, e, turn = {"forward": (8, 88, 0), "right": (88, 88, -12), "left": (-55, 88, 18), "up": (20, 150, 0)}[
        ask.direction or "forward"
    ]
    a, e = a + r.normal(0, 6), e + r.normal(0, 7)
    pose = ctx.pose(
        ra=(a, e, a - 3, min(e + r.uniform(0, 8), 172)),
        spine=(0, 0, turn),
        head=(-10 if ask.direction == "up" else 0, 0, turn),
        rshrug=2,
    )
    return _hold(ctx, [pose], r.uniform(0.5, 0.75) * ask.factor, r.uniform(0.5, 2.0))


def beckon(ctx: Context, ask: Request) -> Take:
    """Calling someone over with the right hand."""
    out = ctx.pose(ra=(15, 42, -2, 88))
    back = ctx.pose(ra=(15, 38, -12, 148))
    return ctx.repeat(
        ask.count, 0.75 * ask.factor, [(0.5, back), (1.0, out)], ready=out, lead=0.6, settle=0.6, key=0.5, pause=0.02
    )


def salute(ctx: Context, ask: Request) -> Take:
    """Hand to the brow."""
    up = ctx.at_head(ctx.pose(ra=(75, 82, -62, 142), spine=(-3, 0, 0)), (0.17, 0.03, 0.12))
    return ctx.repeat(ask.count, 2.1 * ask.factor, [(0.3, up), (0.68, up), (1.0, ctx.base)], key=0.45)


def shrug(ctx: Context, ask: Request) -> Take:
    """Lifting the shoulders, palms turned out."""
    up = ctx.pose(shrug=ctx.rng.uniform(14, 22), arms=(55, 22, 50, 72), head=(0, ctx.rng.uniform(-8, 8), 0))
    return ctx.repeat(ask.count, 1.5 * ask.factor, [(0.35, up), (0.6, up), (1.0, ctx.base)], key=0.45)


def nod(ctx: Context, ask: Request) -> Take:
    """Nodding; the upper back goes along a little."""
    down = ctx.pose(head=(ctx.rng.uniform(24, 36), 0, 0), spine=(4, 0, 0))
    return ctx.repeat(ask.count, 0.8 * ask.factor, [(0.45, down), (1.0, ctx.base)], key=0.45, pause=0.05, vary=0.5)


def shake_hands(ctx: Context, ask: Request) -> Take:
    """Offering the right hand and shaking."""
    r = ctx.rng
    a, b = (
        ctx.pose(ra=(5, 35, -8, 82), pitch=4, spine=(4, 0, 6), dz=0.03),
        ctx.pose(ra=(5, 28, -8, 62), pitch=4, spine=(4, 0, 6), dz=0.03),
    )
    keys, time = [(0.0, ctx.base), (0.7 * ask.factor, a)], 0.7 * ask.factor
    for _ in range(int(r.integers(2, 5))):
        time += 0.17 * ask.factor
        keys.append((time, ctx.vary(b, 0.5)))
        time += 0.17 * ask.factor
        keys.append((time, ctx.vary(a, 0.5)))
    keys.append((time + 0.7 * ask.factor, ctx.base))
    return _once(ctx, keys)


_SIGNALS = (
    ((85, 90, 85, 92), None),
    ((5, 88, 0, 100), None),
    ((80, 85, 90, 172), None),
    ((85, 90, 85, 92), (85, 90, 85, 92)),
    ((20, 150, 10, 172), None),
    ((15, 80, 5, 95), (15, 80, 5, 95)),
    ((85, 88, -85, 92), None),
    ((60, 40, -70, 95), (60, 40, -70, 95)),
    (None, (85, 90, 85, 92)),
    (None, (10, 90, 5, 140)),
    ((40, 165, 20, 174), (40, 165, 20, 174)),
    ((30, 60, -30, 150), None),
)


def signal(ctx: Context, ask: Request) -> Take:
    """A string of held arm signals."""
    r = ctx.rng
    keys, time = [(0.0, ctx.base)], 0.0
    events = []
    while time < ask.seconds - 1.5 or len(events) < 2:
        right, left = _SIGNALS[r.integers(len(_SIGNALS))]
        pose = ctx.pose(ra=right, la=left, wobble=6, spine=(0, 0, r.normal(0, 5)))
        time += r.uniform(0.35, 0.7) * ask.factor
        keys.append((time, pose))
        events.append(time)
        time += r.uniform(0.3, 1.0) * ask.factor
        keys.append((time, ctx.vary(pose, 0.7)))
        if r.random() < 0.4:
            time += 0.5 * ask.factor
            keys.append((time, ctx.vary(ctx.base)))
    keys.append((time + 0.6 * ask.factor, ctx.base))
    return _once(ctx, keys)


def direct_traffic(ctx: Context, ask: Request) -> Take:
    """Stop signs and beckoning sweeps, turning the trunk to each side."""
    r = ctx.rng
    keys, time, n = [(0.0, ctx.base)], 0.0, 0
    while time < ask.seconds - 1.5 or n < 2:
        n += 1
        yaw = r.uniform(-45, 45)
        turn = dict(spine=(0, 0, yaw * 0.6), yaw=yaw * 0.3, head=(0, 0, yaw * 0.4))
        kind = r.integers(3)
        right = r.random() < 0.5
        arm = partial(_talking_arm, side="ra" if right else "la", turn=turn)
        if kind == 0:
            seq = [((10, 90, 5, 100), 0.6), ((10, 90, 5, 100), 1.0)]
        elif kind == 1:
            seq = [((80, 88, 80, 92), 0.5)] + [((60, 60, -40, 150), 0.4), ((80, 85, 80, 92), 0.4)] * int(r.integers(1, 4))
        else:
            seq = [((85, 90, 85, 92), 0.5), ((85, 90, 85, 92), 0.5), ((0, 85, -50, 90), 0.6)]
        for angles, wait in seq:
            time += wait * ask.factor * r.uniform(0.85, 1.2)
            keys.append((time, ctx.pose(wobble=4, **arm(angles))))
    keys.append((time + 0.7 * ask.factor, ctx.base))
    return _once(ctx, keys)


def _talking_arm(pose, side: str, turn: dict) -> dict:
    """Keyword arguments of a pose in which one arm talks and the trunk is turned."""
    return {side: pose, **turn}


def talk(ctx: Context, ask: Request) -> Take:
    """Beating time with the hands while talking."""
    r = ctx.rng
    keys, time = [(0.0, ctx.base)], 0.0
    if r.random() < 0.45:
        return _other_talk(ctx, ask)
    while time < ask.seconds - 1.2:
        time += r.uniform(0.25, 0.8) * ask.factor
        two = r.random() < 0.45
        a = (r.uniform(5, 50), r.uniform(12, 40), r.uniform(-35, 30), r.uniform(60, 120))
        b = (r.uniform(5, 50), r.uniform(12, 40), r.uniform(-35, 30), r.uniform(60, 120))
        keys.append(
            (
                time,
                ctx.pose(
                    ra=a,
                    la=b if two else (20, 14, -20, 60),
                    spine=(r.normal(0, 3), r.normal(0, 2), r.normal(0, 6)),
                    head=(r.normal(0, 5), r.normal(0, 4), r.normal(0, 12)),
                ),
            )
        )
    keys.append((time + 0.7, ctx.base))
    return _once(ctx, keys)


def _other_talk(ctx: Context, ask: Request) -> Take:
    """Talking with the hands in phrases: counting on the fingers, showing a size, offering palms, a chopping hand."""
    r = ctx.rng
    keys, time = [(0.0, ctx.base)], 0.0
    end = max(ask.seconds, 2.5)
    home = [None, (25, 18, -35, 85), (15, 10, -10, 60)][r.integers(3)]
    rest = ctx.base if home is None else ctx.pose(arms=home, wobble=6)
    d = ask.factor**0.7
    while time < end - 1.2:
        kind = str(r.choice(["chop", "size", "palms", "point", "list", "chest", "still"]))
        turned = {
            "spine": (r.normal(1, 3), r.normal(0, 2), r.normal(0, 7)),
            "head": (r.normal(0, 6), r.normal(0, 4), r.normal(0, 14)),
        }
        right = r.random() < 0.65
        mine = "ra" if right else "la"
        time += r.uniform(0.3, 0.5) * d
        if kind == "chop":
            for _ in range(int(r.integers(2, 5))):
                keys.append((time, ctx.pose(wobble=4, **{mine: (15, 28, -8, 112)}, **turned)))
                time += 0.17 * d
                keys.append((time, ctx.pose(wobble=4, **{mine: (15, 26, -8, 82)}, **turned)))
                time += 0.2 * d
        elif kind == "size":
            wide = r.uniform(10, 60)
            keys.append((time, ctx.pose(arms=(20, 28, -25, 85), wobble=5, **turned)))
            time += r.uniform(0.3, 0.6) * d
            keys.append((time, ctx.pose(arms=(25 + wide * 0.5, 30, -15 + wide, 88), wobble=5, **turned)))
        elif kind == "palms":
            keys.append((time, ctx.pose(arms=(40, 20, 25, r.uniform(70, 105)), wobble=7, shrug=r.uniform(0, 6), **turned)))
        elif kind == "point":
            keys.append((time, ctx.pose(wobble=6, **{mine: (10, r.uniform(50, 85), 0, r.uniform(85, 105))}, **turned)))
        elif kind == "list":
            other = "la" if right else "ra"
            for _ in range(int(r.integers(2, 4))):
                keys.append((time, ctx.pose(wobble=3, **{mine: (20, 25, -50, 95), other: (20, 22, -30, 92)}, **turned)))
                time += 0.25 * d
                keys.append((time, ctx.pose(wobble=3, **{mine: (30, 22, -30, 105), other: (20, 22, -30, 92)}, **turned)))
                time += 0.25 * d
        elif kind == "chest":
            keys.append((time, ctx.pose(wobble=4, **{mine: (35, 25, -60, 115)}, **turned)))
        time += r.uniform(0.25, 0.6) * d
        keys.append((time, ctx.vary(keys[-1][1] if r.random() < 0.5 else rest)))
    keys.append((time + 0.7, ctx.base))
    return _once(ctx, keys)


def cross_arms(ctx: Context, ask: Request) -> Take:
    """Folding the arms in front of the chest."""
    pose = ctx.pose(ra=(25, 26, -75, 88), la=(25, 24, -78, 96), spine=(2, 0, 0), wobble=3)
    return _hold(ctx, [pose], 0.9 * ask.factor, max(1.0, ask.seconds - 2))


def hands_on_hips(ctx: Context, ask: Request) -> Take:
    """Hands on the hips, elbows out."""
    pose = ctx.pose(arms=(105, 48, -55, 42), wobble=4)
    return _hold(ctx, [pose], 0.8 * ask.factor, max(1.0, ask.seconds - 2))


def throw_kiss(ctx: Context, ask: Request) -> Take:
    """Hand to the mouth and out."""
    near, out = ctx.at_head(ctx.pose(ra=(25, 45, -35, 148)), (0.06, -0.12, 0.15)), ctx.pose(ra=(15, 70, 5, 100), pitch=3)
    return ctx.repeat(ask.count, 1.6 * ask.factor, [(0.35, near), (0.45, near), (0.65, out), (1.0, ctx.base)], key=0.62)


def cheer(ctx: Context, ask: Request) -> Take:
    """Both arms thrown up and pumped."""
    r = ctx.rng
    up, mid = ctx.pose(arms=(60, 158, 50, 172), spine=(-6, 0, 0)), ctx.pose(arms=(65, 128, 30, 170), drop=0.04)
    keys, time = [(0.0, ctx.base), (0.15, ctx.pose(drop=0.05, arms=(40, 30, 10, 80))), (0.5 * ask.factor, up)], 0.5 * ask.factor
    while time < ask.seconds - 1.0:
        time += r.uniform(0.22, 0.35) * ask.factor
        keys.append((time, ctx.vary(mid)))
        time += r.uniform(0.22, 0.35) * ask.factor
        keys.append((time, ctx.vary(up)))
    keys.append((time + 0.7, ctx.base))
    return _once(ctx, keys)


PROGRAMS = {
    "wave": wave,
    "raise_hand": raise_hand,
    "raise_hands": raise_hands,
    "clap": clap,
    "bow": bow,
    "point": point,
    "beckon": beckon,
    "salute": salute,
    "shrug": shrug,
    "nod": nod,
    "shake_hands": shake_hands,
    "signal": signal,
    "direct_traffic": direct_traffic,
    "talk": talk,
    "cross_arms": cross_arms,
    "hands_on_hips": hands_on_hips,
    "throw_kiss": throw_kiss,
    "cheer": cheer,
}
