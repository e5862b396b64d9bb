"""What hands do at home and at work: keyboards, combs, doors, clothes, cups, walls, wheels, tables; for the right hand."""

from copy import copy

import numpy as np

from llamo.train.synthesis.context import CHEST, HEAD, Context, Request, Take
from llamo.train.synthesis.everyday import seated
from llamo.train.synthesis.kinematics import solve


RIGHT_ANKLE = 8
OTHER_ARM = (None, None, (85, 32, -30, 55), (35, 24, -60, 80), (20, 14, -5, 40))  # hanging, on the hip, at the belly


def _sitting(ctx: Context) -> Context:
    """The same person, whose resting posture is to sit."""
    other = copy(ctx)
    other.base = seated(ctx)
    return other


def _stance(ctx: Context) -> dict:
    """Feet a little wider or one ahead of the other, for some."""
    r = ctx.rng
    if r.random() < 0.5:
        return {}
    out, ahead = r.uniform(0.0, 0.07), r.uniform(-0.14, 0.14)
    return dict(lf=(out, 0, ahead, 0, 4), rf=(out, 0, -ahead, 0, 4))


def _above_chest(ctx: Context, pose: np.ndarray, height: float) -> float:
    """How far a height over the floor lies above the chest's joint (negative below), metres for a stature of 1.73."""
    return height - float(solve(pose[None], ctx.body)[0, CHEST, 1]) / ctx.scale


def _keep(ctx: Context, ask: Request, place, beat: float, *, lead=0.8, rest=0.05, shortest=3.0, vary=0.3) -> Take:
    """Key poses `place(index)` every `beat` seconds for the time asked for, now and then with a short rest."""
    r = ctx.rng
    keys, time, index = [(0.0, ctx.base)], lead, 0
    while time < max(ask.seconds, shortest) - lead or index < 5:
        keys.append((time, ctx.vary(place(index), vary)))
        time += beat * r.uniform(0.85, 1.2)
        if r.random() < rest:
            time += r.uniform(0.2, 0.7)
            keys.append((time, ctx.vary(keys[-1][1], 0.4)))
            time += beat
        index += 1
    keys.append((keys[-1][0] + lead, ctx.base))
    return Take(ctx.play(keys))


def type_(ctx: Context, ask: Request) -> Take:
    """Both hands at a keyboard, the fingers' work seen as small jerks of the wrists; now and then a hand at the mouse."""
    r = ctx.rng
    stands = ask.alone and r.random() < 0.35
    if not stands:
        ctx = _sitting(ctx)
    pecks = r.random() < 0.3
    lift, beat = (r.uniform(0.025, 0.05), r.uniform(0.2, 0.4)) if pecks else (r.uniform(0.008, 0.022), r.uniform(0.14, 0.24))
    wide, up, ahead = r.uniform(0.06, 0.15), r.uniform(-0.27, -0.14), r.uniform(0.27, 0.38)
    look, bent = r.uniform(0, 24), r.uniform(0, 12)
    mouse = (r.uniform(0.18, 0.3), up, ahead + 0.03) if r.random() < 0.35 else None
    pose = ctx.pose(
        arms=(25, 24, -8, 88), head=(look, 0, r.uniform(-6, 6)), spine=(bent, 0, 0), shrug=r.uniform(0, 6), wobble=3,
        **(_stance(ctx) if stands else {}),
    )  # fmt: skip
    glance = ctx.pose(origin=pose, head=(-0.7 * look, 0, r.uniform(-10, 10)), spine=(-2, 0, 0))
    state = {"mouse": 0, "glance": 0}

    def place(index):
        for name, chance in (("mouse", 0.04 if mouse else 0.0), ("glance", 0.06)):
            state[name] = state[name] - 1 if state[name] > 0 else int(r.integers(3, 9)) * (r.random() < chance)
        down = lift * r.random(2) * ((index % 2, 1 - index % 2) if pecks else (1, 1))
        right = (wide + r.normal(0, 0.014), up + down[0], ahead + r.normal(0, 0.01))
        left = (wide + r.normal(0, 0.014), up + down[1], ahead + r.normal(0, 0.01))
        if state["mouse"]:
            right = np.asarray(mouse) + r.normal(0, 0.015, 3) * (1, 0.1, 1)
        return ctx.reach(glance if state["glance"] else pose, CHEST, right, left, spread=0.002)

    return _keep(ctx, ask, place, beat * float(np.clip(ask.factor, 0.8, 1.6)), rest=0.06)


def comb_hair(ctx: Context, ask: Request) -> Take:
    """A comb drawn through the hair: back over the top, down the side, or down long hair; the hand returns in the air."""
    r = ctx.rng
    kind = str(r.choice(["back", "side", "long"]))
    ways = {  # (outward, up, ahead) of the wrist from the head: where a stroke begins, its middle, its end
        "back": [(0.08, 0.13, 0.14), (0.12, 0.2, 0.0), (0.13, 0.07, -0.1)],
        "side": [(0.12, 0.16, 0.08), (0.18, 0.07, 0.06), (0.17, -0.06, 0.02)],
        "long": [(0.13, 0.12, 0.09), (0.18, -0.04, 0.11), (0.15, -r.uniform(0.18, 0.32), 0.14)],
    }[kind]
    tilt, turn = (0.0, r.uniform(-8, 8)) if kind == "back" else (r.uniform(0, 16), r.uniform(0, 20))
    down = r.uniform(-4, 12)
    other = str(r.choice(["hangs", "mirror", "smooths"], p=[0.5, 0.2, 0.3]))
    stance = _stance(ctx)

    def pose(step):
        at = ctx.pose(
            ra=(58, (84, 80, 62)[step], -70, 155), la=(30, 40, -40, 130) if other != "hangs" else None,
            head=(down + 3 * step, tilt * (0.7 + 0.3 * step / 2), -turn), spine=(2, 0.3 * tilt, 0), wobble=2, **stance,
        )  # fmt: skip
        place = np.asarray(ways[step]) + shift * (1, 0.4, 1)
        left = {"hangs": None, "mirror": (0.06, -0.02, 0.36), "smooths": np.asarray(ways[min(step + 1, 2)]) + (0.02, 0, 0)}
        return ctx.at_head(at, place, left[other], spread=0.006)

    stroke, back = r.uniform(0.5, 0.95) * ask.factor, r.uniform(0.4, 0.6) * float(np.clip(ask.factor, 0.85, 1.4))
    keys, time, stop = [(0.0, ctx.base)], r.uniform(0.7, 1.0), max(ask.seconds, 3.4)
    while time < stop - 0.9 or len(keys) < 4:
        shift = r.normal(0, 0.022, 3)
        start, middle, end = (pose(step) for step in range(3))
        keys += [(time, start), (time + 0.5 * stroke, middle), (time + stroke, end)]
        aside = ctx.reach(end, HEAD, np.asarray(ways[1]) + (0.05, 0.0, 0.05))
        keys.append((time + stroke + 0.5 * back, aside))
        time += stroke + back * r.uniform(0.9, 1.3)
    keys[-1] = (keys[-1][0] + 0.6, ctx.base)
    return Take(ctx.play(keys))


def knock(ctx: Context, ask: Request) -> Take:
    """Knuckles against a door at the height of the chest or the head, out of the wrist and elbow, or pounding with a fist."""
    r = ctx.rng
    pounds = r.random() < 0.3
    up, ahead = (r.uniform(0.12, 0.4), r.uniform(0.32, 0.42)) if pounds else (r.uniform(-0.05, 0.32), r.uniform(0.3, 0.42))
    swing = r.uniform(0.12, 0.2) if pounds else r.uniform(0.05, 0.1)
    lean, left = r.uniform(0, 7), OTHER_ARM[r.integers(5)]
    turn, look = r.uniform(0, 14), (r.uniform(-4, 8), 0, r.uniform(-14, 8))
    step = r.uniform(0.06, 0.2) if r.random() < 0.5 else 0.0
    feet = dict(lf=(0, 0, step, 0, 0), dz=0.4 * step) if step else dict(dz=r.uniform(0, 0.03))
    out = r.uniform(0.02, 0.14)

    def at(hit):
        pose = ctx.pose(
            ra=(28, r.uniform(38, 46) + 60 * max(up, 0.0), -5, 125), la=left, pitch=lean + 1.5 * hit, head=look,
            spine=(0.5 * lean, 0, turn), wobble=2, **feet,
        )  # fmt: skip
        place = (out, up + (0.3 * swing if pounds else 0.15 * swing) * (1 - hit), ahead - swing * (1 - hit))
        return ctx.reach(pose, CHEST, place, spread=0.004)

    hit, ready = at(1), at(0)
    period = max((r.uniform(0.5, 0.7) if pounds else r.uniform(0.34, 0.46)) * ask.factor, 0.3)
    return ctx.repeat(
        ask.count, period, [(0.5, hit), (1.0, ready)], ready=ready, lead=0.95, settle=0.9, key=0.5, pause=0.1, vary=0.35
    )


def juggle(ctx: Context, ask: Request) -> Take:
    """Both hands scoop inwards and toss up in turn before the belly, the eyes where the balls turn."""
    r = ctx.rng
    wide, up, ahead = r.uniform(0.13, 0.22), r.uniform(-0.25, -0.1), r.uniform(0.27, 0.35)
    round_, high = r.uniform(0.015, 0.08), r.uniform(0.05, 0.11)
    look, sway = -r.uniform(2, 22), r.uniform(0, 3)
    stance = dict(drop=r.uniform(0, 0.05), **_stance(ctx))
    beat = r.uniform(0.52, 0.85) * float(np.clip(ask.factor, 0.75, 1.5)) / 4
    bold = {"size": 1.0}

    def place(index):
        if index % 4 == 0:
            bold["size"] = r.uniform(1.4, 2.0) if r.random() < 0.1 else r.uniform(0.8, 1.2)
        angle = 0.5 * np.pi * index
        pose = ctx.pose(
            arms=(25, 18, -5, 92), head=(look - 5 * (bold["size"] > 1.3), 0, 4 * np.sin(angle)), wobble=1,
            spine=(3, 0, sway * np.sin(angle)), **stance,
        )  # fmt: skip
        right, left = ((wide - round_ * np.cos(a), up + high * bold["size"] * np.sin(a), ahead) for a in (angle, angle + np.pi))
        return ctx.reach(pose, CHEST, right, left, spread=0.006)

    return _keep(ctx, ask, place, beat, rest=0.02)


def put_on_jacket(ctx: Context, ask: Request) -> Take:
    """One arm into a sleeve, the jacket round the back, the other arm reaching behind into its sleeve, then pulled straight."""
    r = ctx.rng
    f = float(np.clip(ask.factor, 0.7, 1.6))
    bent, stance = r.uniform(0, 10), _stance(ctx)
    hold = ctx.reach(
        ctx.pose(arms=(30, 25, -20, 100), head=(r.uniform(8, 22), 0, 0), spine=(bent, 0, 0), **stance),
        CHEST, (r.uniform(0.08, 0.2), r.uniform(-0.15, 0.05), 0.32), (r.uniform(0.08, 0.2), r.uniform(-0.15, 0.05), 0.32),
    )  # fmt: skip
    keys = [(0.0, ctx.base), (0.7 * f, hold)]
    if r.random() < 0.7:  # one sleeve, then the other
        twist = r.uniform(10, 28)
        shoulder = (-r.uniform(0.08, 0.16), r.uniform(0.0, 0.1), 0.2)  # the left hand holds the collar at the right shoulder
        in_one = ctx.pose(
            ra=(r.uniform(60, 130), r.uniform(25, 50), 110, r.uniform(30, 55)), la=(10, 45, -60, 100), rshrug=-3,
            spine=(6, 6, -0.6 * twist), head=(14, 6, -18), **stance,
        )  # fmt: skip
        in_one = ctx.reach(in_one, CHEST, None, shoulder)
        through = ctx.pose(
            ra=(r.uniform(20, 75), r.uniform(55, 85), 45, r.uniform(70, 100)), la=(15, 55, -70, 110), rshrug=8,
            spine=(0, 0, -0.3 * twist), head=(6, 0, -12), **stance,
        )  # fmt: skip
        through = ctx.reach(through, CHEST, None, (shoulder[0] + 0.04, 0.1, 0.17))
        behind = ctx.pose(
            la=(r.uniform(130, 165), r.uniform(25, 45), 175, r.uniform(30, 60)), ra=(30, 35, -45, 120), spine=(-3, -5, twist),
            head=(8, -6, r.uniform(10, 35)), lshrug=-4, **stance,
        )  # fmt: skip
        behind = ctx.reach(behind, CHEST, (r.uniform(0.03, 0.1), r.uniform(-0.02, 0.08), 0.16))
        search = ctx.vary(behind, 2.5)
        out = ctx.pose(
            la=(r.uniform(70, 105), r.uniform(50, 80), 75, r.uniform(55, 95)), ra=(30, 35, -45, 120), spine=(0, 4, 0.4 * twist),
            head=(6, 0, 12), lshrug=10, **stance,
        )  # fmt: skip
        out = ctx.reach(out, CHEST, (0.07, 0.02, 0.16))
        steps = ((0.7, in_one), (0.6, through), (0.8, behind), (0.3, search), (0.6, out))
    else:  # swung round the back, both arms in at once
        low = ctx.pose(arms=(150, 28, 165, 40), spine=(8, 0, 0), head=(12, 0, 0), **stance)
        spread = ctx.pose(arms=(115, 50, 100, 65), spine=(-6, 0, 0), shrug=6, **stance)
        up = ctx.pose(arms=(60, r.uniform(55, 90), 30, 105), spine=(-4, 0, 0), shrug=12, head=(6, 0, 0), **stance)
        around = ctx.pose(arms=(70, 55, 40, 95), spine=(-2, 0, 0), shrug=5, **stance)
        steps = ((0.5, around), (0.6, low), (0.3, ctx.vary(low, 2)), (0.6, spread), (0.5, up))
    time = keys[-1][0]
    for length, pose in steps:
        time += length * f * r.uniform(0.85, 1.2)
        keys.append((time, pose))
    on = time
    front = ctx.pose(arms=(30, 28, -45, 115), shrug=8, head=(r.uniform(8, 24), 0, 0), **stance)
    side = r.uniform(0.06, 0.1)
    collar = ctx.reach(front, CHEST, (side, 0.08, 0.15), (side, 0.08, 0.15))
    hem = ctx.reach(ctx.pose(origin=front, shrug=-10), CHEST, (side, -0.22, 0.2), (side, -0.22, 0.2))
    keys += [(time + 0.55 * f, collar), (time + 1.0 * f, hem)]
    time += 1.0 * f
    if r.random() < 0.5:  # the zip or the buttons
        close = ctx.reach(front, CHEST, (0.03, -0.2, 0.19), (0.05, -0.24, 0.2))
        shut = ctx.reach(front, CHEST, (0.03, r.uniform(-0.05, 0.06), 0.17), (0.05, -0.2, 0.2))
        keys += [(time + 0.4 * f, close), (time + 0.75 * f, ctx.vary(close)), (time + 1.25 * f, shut)]
        time += 1.25 * f
    keys.append((time + 0.7 * f, ctx.base))
    return Take(ctx.play(keys), [on])


def tie_shoes(ctx: Context, ask: Request) -> Take:
    """Both hands at the laces of one shoe: crouched, bent double, on the other knee, the foot put up, or sitting."""
    r = ctx.rng
    kinds = ["crouch", "bend", "kneel", "foot_up"] + ["sit"] * ask.alone
    kind = str(r.choice(kinds))
    rest = _sitting(ctx) if kind == "sit" else ctx
    arms, look = (8, 16, 0, 22), (r.uniform(-10, 8), 0, r.uniform(-8, 0))
    if kind == "crouch":
        low = ctx.pose(
            drop=r.uniform(0.4, 0.52), dz=-0.08, pitch=22, spine=(32, 4, -6), head=look, arms=arms, frame=0.1,
            lf=(0.03, 0, -0.06, 24, 10), rf=(0.03, 0, r.uniform(0.0, 0.12), 10, 10), knees=10,
        )  # fmt: skip
    elif kind == "bend":
        low = ctx.pose(
            drop=r.uniform(0.03, 0.14), dz=-0.12, pitch=r.uniform(58, 70), spine=(44, 4, -6), head=look, arms=arms, frame=0.1,
            rf=(0, 0, r.uniform(0, 0.1), 0, 4),
        )  # fmt: skip
    elif kind == "kneel":
        low = ctx.pose(
            pitch=18, spine=(34, 4, -8), head=look, arms=arms, frame=0.1, dz=0.02,
            rf=(0.02, 0, r.uniform(0.24, 0.34), 0, 5), lf=(0.0, 0.02, -0.42, 82, 0),
        )  # fmt: skip
        low[1] = ctx.base[1] - ctx.leg + float(ctx.body.thigh.mean()) + 0.03 - ctx.body.ankle * 0.3
    elif kind == "foot_up":
        low = ctx.pose(
            drop=r.uniform(0.02, 0.1), dz=0.02, pitch=30, spine=(34, 5, -8), head=look, arms=arms, frame=0.1,
            rf=(0.0, r.uniform(0.28, 0.45), r.uniform(0.3, 0.42), 0, 4),
        )  # fmt: skip
    else:
        low = rest.pose(
            pitch=r.uniform(26, 36), spine=(44, 5, -6), head=look, arms=arms, frame=0.1, rf=(0, 0, r.uniform(-0.05, 0.1), 0, 4)
        )
    if kind in ("crouch", "bend"):
        low = ctx.stoop_to(low, 0.22)
    for _ in range(10):  # down until the arms are long enough
        joints = solve(low[None], ctx.body)[0]
        gap = np.linalg.norm(joints[[16, 17]] - joints[RIGHT_ANKLE] - (0, 0.1 * ctx.scale, 0.08 * ctx.scale), axis=-1).max()
        if gap < 0.96 * ctx.arm:
            break
        low[4] += 0.06
        low[6] += 0.06
        if kind in ("crouch", "bend") and low[1] > 0.44 * ctx.leg:
            low[1] -= 0.02
    places = [(0.03, 0.12, 0.1), (0.09, 0.15, 0.1), (0.02, 0.16, 0.12), (0.12, 0.12, 0.06), (0.04, 0.1, 0.12)]
    f = float(np.clip(ask.factor, 0.75, 1.6))
    down = (r.uniform(1.4, 1.9) if kind == "kneel" else r.uniform(0.9, 1.3)) * f

    def at(index):
        place = np.asarray(places[index % len(places)])
        other = place if r.random() < 0.6 else np.asarray(places[r.integers(len(places))])
        return ctx.reach(low, RIGHT_ANKLE, place, other, spread=0.008)

    keys, time, index = [(0.0, rest.base), (down, at(0))], down, 0
    between = []  # (share of the way down, pose): one foot at a time
    if kind == "kneel":
        step = dict(rf=(0.02, 0, float(low[35] - ctx.base[35]) / ctx.scale, 0, 5))
        between = [
            (0.4, ctx.pose(drop=0.08, dz=0.05, pitch=8, spine=(10, 0, 0), **step)),
            (0.72, ctx.pose(drop=0.3, dz=0.02, pitch=14, spine=(20, 0, 0), lf=(0, 0.01, -0.42, 60, 0), **step)),
        ]
    elif kind == "foot_up":
        between = [(0.5, ctx.pose(rf=(0, 0.45, 0.15, 10, 4), dx=0.06, pitch=8, spine=(10, 0, 0)))]
    keys[1:1] = [(share * down, pose) for share, pose in between]
    while time < max(ask.seconds, 3.6) - down:
        time += r.uniform(0.25, 0.5) * f
        index += 1
        keys.append((time, ctx.vary(at(index), 0.25)))
    keys += [(time + (1 - share) * down, pose) for share, pose in reversed(between)]
    keys.append((time + down, rest.base))
    return Take(ctx.play(keys), [down])


def pour(ctx: Context, ask: Request) -> Take:
    """A bottle or can lifted and tilted over a cup that the other hand holds, or that stands on a table."""
    r = ctx.rng
    on_table = r.random() < 0.3
    up, ahead, across = r.uniform(-0.25, -0.05), r.uniform(0.27, 0.36), r.uniform(-0.04, 0.05)
    high = r.uniform(0.09, 0.22)
    cup = None if on_table else (-across + r.uniform(0.02, 0.06), up, ahead)
    stance, look = _stance(ctx), (r.uniform(10, 26), 0, r.uniform(-2, 8))
    start = (r.uniform(0.12, 0.22), up + r.uniform(-0.05, 0.06), ahead - r.uniform(0.0, 0.08))

    def at(place, elbow, tilt=0.0):
        pose = ctx.pose(
            ra=(60, elbow, -30, 100), la=None if on_table else (30, 20, -20, 92), head=look, wobble=2,
            spine=(4, tilt, 0.4 * tilt), rshrug=tilt, **stance,
        )  # fmt: skip
        return ctx.reach(pose, CHEST, place, cup, spread=0.008)

    over = (across + r.uniform(0.05, 0.1), up + high, ahead)
    ready = at(start, r.uniform(14, 24))
    lifted = at((over[0] + 0.03, over[1] - 0.02, over[2] - 0.02), 34)
    tilted = at((over[0], over[1] + r.uniform(0.02, 0.06), over[2]), r.uniform(58, 80), 4.0)
    hold = r.uniform(0.2, 0.36)
    cycle = [(0.24, lifted), (0.4, tilted), (0.4 + hold, ctx.vary(tilted, 0.5)), (0.86, lifted), (1.0, ready)]
    return ctx.repeat(
        ask.count,
        max(2.8 * ask.factor, 1.6),
        cycle,
        ready=ready,
        lead=0.8,
        settle=0.8,
        key=0.4 + hold / 2,
        pause=0.25,
        vary=0.5,
    )


def paint_wall(ctx: Context, ask: Request) -> Take:
    """Long strokes of a brush or roller up and down or sideways on a wall (both: both hands on the pole of a roller)."""
    r = ctx.rng
    upright = ask.both or r.random() < 0.7
    ahead, middle = r.uniform(0.34, 0.44), r.uniform(-0.05, 0.18)
    reach_ = r.uniform(0.16, 0.32) if upright else r.uniform(0.12, 0.24)
    dips = 0.0 if ask.both else r.choice([0.0, 0.05, 0.1])
    beat = r.uniform(0.45, 0.9) * float(np.clip(ask.factor, 0.75, 1.7))
    stance, left = _stance(ctx), OTHER_ARM[r.integers(5)]
    far = (-0.1, 0.08) if ask.both else (-0.16, 0.26)
    lane = {"at": r.uniform(*far), "way": float(r.choice([-1, 1]))}
    bucket = ctx.pose(
        drop=0.16, dz=-0.06, pitch=30, spine=(28, 8, -16), head=(4, 0, -8), ra=(30, 22, 20, 32), la=left, frame=0.15, **stance
    )

    def place(index):
        if index > 1 and r.random() < dips:
            return bucket
        end = 1 if index % 2 else -1
        if r.random() < 0.35:
            lane["at"] += lane["way"] * r.uniform(0.04, 0.1)
            if not far[0] < lane["at"] < far[1]:
                lane["way"], lane["at"] = -lane["way"], float(np.clip(lane["at"], *far))
        out, up = (lane["at"], middle + end * reach_) if upright else (0.05 + end * reach_, middle + 1.2 * lane["at"] - 0.06)
        low = max(0.0, -up)
        pose = ctx.pose(
            ra=(25, 70 + 60 * up, 0, 100 + 60 * up), la=(20, 55 + 60 * up, -20, 85) if ask.both else left, drop=0.25 * low,
            pitch=4 + 30 * low, spine=(3 + 20 * low - 6 * max(up, 0), 0, -20 * out), head=(-45 * up + 4, 0, -25 * out),
            rshrug=10 * max(up, 0), dx=-0.12 * out, dz=0.02, wobble=2, **stance,
        )  # fmt: skip
        other = (-out + 0.06, up - r.uniform(0.18, 0.22), ahead - 0.1) if ask.both else None
        return ctx.reach(pose, CHEST, (out, up, ahead), other, spread=0.012)

    return _keep(ctx, ask, place, beat, lead=0.9, rest=0.04)


def steer(ctx: Context, ask: Request) -> Take:
    """Sitting with both hands on a wheel that turns left and right, the head with the road; some drive with one hand."""
    r = ctx.rng
    ctx = _sitting(ctx)
    up, ahead, size = r.uniform(-0.14, 0.0), r.uniform(0.3, 0.36), r.uniform(0.15, 0.2)
    slant, grip = r.uniform(10, 50), r.uniform(55, 95)
    back, most = r.uniform(-12, 2), r.choice([r.uniform(14, 30), r.uniform(30, 65)])
    one = r.random() < 0.15
    wheel = {"angle": 0.0, "way": float(r.choice([-1, 1]))}

    def at(angle):
        a, s = np.radians(angle), np.radians(slant)
        return size * np.sin(a), up + size * np.cos(a) * np.cos(s), ahead + size * np.cos(a) * np.sin(s)

    def place(index):
        if r.random() < 0.75:
            wheel["way"] = -wheel["way"]
            wheel["angle"] = wheel["way"] * most * r.uniform(0.5, 1.1)
        turn = wheel["angle"]
        pose = ctx.pose(
            arms=(20, 35, -10, 85), pitch=back, spine=(2, -0.06 * turn, 0.05 * turn), wobble=2,
            head=(-0.5 * back, -0.05 * turn, 0.28 * turn),
        )  # fmt: skip
        x, *rest = at(turn - (r.uniform(-4, 4) if not one else 10) - (0 if one else grip))
        out = ctx.reach(pose, CHEST, (-x, *rest), None if one else at(turn + grip + r.uniform(-4, 4)), spread=0.004)
        if one:
            out[16:22] = ctx.base[16:22]
        return out

    return _keep(ctx, ask, place, r.uniform(0.5, 0.95) * float(np.clip(ask.factor, 0.7, 1.7)), rest=0.1)


def flap_arms(ctx: Context, ask: Request) -> Take:
    """Both arms beat like wings out to the sides, or bent with the hands at the armpits like a chicken's."""
    r = ctx.rng
    dip, lean = r.uniform(0.0, 0.07), r.uniform(-2, 12)
    stance = _stance(ctx)
    body = dict(spine=(lean, 0, 0), pitch=0.4 * lean, head=(-0.8 * lean, 0, 0), **stance)
    if r.random() < 0.3:
        high, fold = r.uniform(68, 95), r.uniform(80, 100)  # the forearms stay folded inwards
        up = ctx.pose(arms=(90, high, -fold, high + r.uniform(-15, 5)), wobble=3, **body)
        down = ctx.pose(arms=(80, r.uniform(12, 28), -fold + 15, r.uniform(120, 150)), wobble=3, drop=dip, **body)
        period = r.uniform(0.55, 0.8)
        ready, cycle = down, [(0.5, up), (1.0, down)]
    else:
        low, high, az = r.uniform(15, 50), r.uniform(95, 145), r.uniform(78, 100)
        lag, bend = r.uniform(5, 35), r.uniform(0, 20)
        up = ctx.pose(arms=(az, high, az - bend, high - 0.3 * lag + 10), shrug=4, wobble=3, **body)
        sink = ctx.pose(arms=(az, 0.5 * (low + high), az - bend, 0.5 * (low + high) + lag), wobble=3, **body)
        down = ctx.pose(arms=(az, low, az - bend, low + 0.4 * lag), drop=dip, wobble=3, **body)
        rise = ctx.pose(arms=(az, 0.5 * (low + high), az - bend, 0.5 * (low + high) - lag), wobble=3, **body)
        period, ready = r.uniform(0.75, 1.2), down
        cycle = [(0.27, rise), (0.5, up), (0.77, sink), (1.0, down)]
    return ctx.repeat(
        ask.count, max(period * ask.factor, 0.5), cycle, ready=ready, lead=0.6, settle=0.7, key=0.5, pause=0.05, vary=0.6
    )


def face_palm(ctx: Context, ask: Request) -> Take:
    """The palm of a hand, or both, over the brow or the eyes in dismay while the head drops; some shake it."""
    r = ctx.rng
    f = float(np.clip(ask.factor, 0.75, 1.6))
    drop, bent, tilt = r.uniform(10, 30), r.uniform(0, 12), 0.0 if ask.both else r.uniform(-4, 8)
    face = np.array([r.uniform(0.02, 0.07), r.uniform(-0.11, 0.0), r.uniform(0.12, 0.16)])
    other = [None, None, (85, 32, -30, 55), (25, 26, -80, 92)][r.integers(4)]
    stance = _stance(ctx)

    def at(turn=0.0, slide=0.0, deep=1.0):
        pose = ctx.pose(
            ra=(30, 45, -45, 150), la=(30, 45, -45, 150) if ask.both else other, head=(drop * deep, tilt, turn),
            spine=(bent * deep, 0, 0.2 * turn), shrug=-2, wobble=2, **stance,
        )  # fmt: skip
        place = face - (0, slide, 0)
        return ctx.at_head(pose, place, place if ask.both else None, spread=0.006)

    touch, held = at(deep=0.4), at()
    reach_ = max(r.uniform(0.5, 0.75) * f, 0.5)
    rise = ctx.pose(ra=(30, 28, -15, 95), la=(30, 28, -15, 95) if ask.both else other, head=(0.2 * drop, 0, 0), **stance)
    time = reach_ + 0.3 * f
    keys = [(0.0, ctx.base), (0.5 * reach_, rise), (reach_, touch), (time, held)]
    shakes, side = r.random() < 0.35, r.uniform(5, 14)
    while time < max(ask.seconds, 2.2) - 1.0:
        time += r.uniform(0.35, 0.6) * f if shakes else r.uniform(0.6, 1.2)
        keys.append((time, at(side) if shakes else ctx.vary(held)))
        side = -side
    if r.random() < 0.35:  # the hand is drawn down over the face
        time += 0.5 * f
        keys.append((time, at(slide=r.uniform(0.06, 0.12), deep=0.6)))
    down = r.uniform(0.7, 1.0) * f
    keys += [(time + 0.5 * down, rise), (time + down, ctx.base)]
    return Take(ctx.play(keys), [reach_])


def high_five(ctx: Context, ask: Request) -> Take:
    """A hand (or both) drawn back and swung forward at the height of the head to clap somebody's."""
    r = ctx.rng
    up, ahead, out = r.uniform(0.16, 0.42), r.uniform(0.28, 0.4), r.uniform(0.02, 0.16)
    step = r.uniform(0.08, 0.25) if r.random() < 0.45 else 0.0
    feet = dict(lf=(0, 0, step, 0, 0)) if step else {}
    turn = 0.0 if ask.both else r.uniform(4, 18)
    wound, look = (r.uniform(50, 75), r.uniform(62, 95), r.uniform(30, 100), 165), -r.uniform(0, 10)
    left = OTHER_ARM[r.integers(3)]
    back = ctx.pose(
        ra=wound, la=wound if ask.both else left, spine=(-3, 0, -turn), head=(look, 0, turn), dz=0.3 * step, wobble=4, **feet
    )
    pose = ctx.pose(
        ra=(30, 85, 10, 140), la=(30, 85, 10, 140) if ask.both else left, spine=(5, 0, turn), head=(look, 0, -turn),
        dz=0.6 * step + 0.02, pitch=2, rshrug=4, lshrug=4 * ask.both, wobble=3, **feet,
    )  # fmt: skip
    hit = ctx.reach(pose, CHEST, (out, up, ahead), (out, up, ahead) if ask.both else None)
    rebound = ctx.reach(pose, CHEST, (out + 0.02, up - 0.04, ahead - 0.1), (out, up - 0.04, ahead - 0.1) if ask.both else None)
    hold = r.choice([0.0, r.uniform(0.05, 0.12)])
    cycle = [(0.36, back), (0.5, hit), (0.52 + hold, hit), (0.64 + hold, rebound), (1.0, ctx.base)]
    return ctx.repeat(ask.count, max(1.7 * ask.factor, 1.25), cycle, key=0.51, pause=0.3, vary=0.7)


def play_piano(ctx: Context, ask: Request) -> Take:
    """Both hands on the keys, each pressing and wandering along them; the trunk sways; sitting, or standing at a keyboard."""
    r = ctx.rng
    stands = ask.alone and r.random() < 0.25
    if not stands:
        ctx = _sitting(ctx)
    up, ahead = r.uniform(-0.28, -0.14), r.uniform(0.28, 0.38)
    lift, beat = r.uniform(0.02, 0.06), r.uniform(0.2, 0.4) * float(np.clip(ask.factor, 0.7, 1.6))
    sway, bent, look = r.uniform(0, 8), r.uniform(0, 14), r.uniform(0, 24)
    far = r.uniform(0.08, 0.3)
    stance = _stance(ctx) if stands else {}
    hands = {"at": r.uniform(0.08, 0.24, 2), "goal": r.uniform(0.05, 0.1 + far, 2)}
    wave = r.uniform(0.15, 0.35) * beat

    def place(index):
        for hand in range(2):
            if r.random() < 0.12:
                hands["goal"][hand] = r.uniform(-0.02 if hands["at"][1 - hand] > 0.15 else 0.05, 0.1 + far)
        hands["at"] += np.clip(hands["goal"] - hands["at"], -0.07, 0.07)
        x = np.sin(2 * np.pi * wave * index)
        pose = ctx.pose(
            arms=(25, 26, -8, 88), head=(look, 0, 30 * (hands["at"][1] - hands["at"][0])), wobble=1,
            spine=(bent + 0.6 * sway * x, 0.8 * sway * np.cos(np.pi * wave * index), 0), **stance,
        )  # fmt: skip
        raised = lift * r.uniform(0.3, 1.2, 2) * ((index % 2, 1 - index % 2) if r.random() < 0.7 else (index % 2, index % 2))
        right, left = ((hands["at"][k], up + raised[k], ahead + r.normal(0, 0.008)) for k in range(2))
        return ctx.reach(pose, CHEST, right, left, spread=0.003)

    return _keep(ctx, ask, place, beat / 2 if beat > 0.3 else beat, rest=0.02)


def play_violin(ctx: Context, ask: Request) -> Take:
    """The left hand at the neck of a violin held under the chin, the right one bowing across it."""
    r = ctx.rng
    if ask.alone and r.random() < 0.2:
        ctx = _sitting(ctx)
        stance = {}
    else:
        stance = _stance(ctx)
    turn = np.radians(r.uniform(25, 55))  # of the violin to the left
    up = r.uniform(0.06, 0.16)
    along, across = np.array([np.sin(turn), 0.0, np.cos(turn)]), np.array([-np.cos(turn), -r.uniform(0.05, 0.4), np.sin(turn)])
    neck = np.array([0.04, up - 0.03, 0.06]) + r.uniform(0.34, 0.4) * along
    strings = np.array([0.06, up + 0.02, 0.09]) + 0.14 * along
    head = (r.uniform(2, 12), -r.uniform(4, 16), r.uniform(14, 36))
    long, quick = r.uniform(0.3, 0.42), r.random() < 0.4
    beat = (r.uniform(0.22, 0.4) if quick else r.uniform(0.5, 1.1)) * float(np.clip(ask.factor, 0.7, 1.6))
    sway = r.uniform(0, 7)
    tune = {"at": 0.0}

    def place(index):
        length = long * (r.uniform(0.3, 0.6) if quick else r.uniform(0.75, 1.0))
        bow = 0.08 + (0.1 if quick else 0.0) + length * (index % 2)
        if r.random() < 0.2:
            tune["at"] = r.uniform(0.0, 0.08)
        pose = ctx.pose(
            la=(20, 48, 30, 130), ra=(60, 62 - 40 * bow, -30, 95), head=head, wobble=1, rshrug=3, lshrug=6,
            spine=(r.normal(0, 0.4) - 1, sway * np.sin(0.6 * index), 0.6 * sway * np.sin(0.4 * index)), **stance,
        )  # fmt: skip
        x, y, z = strings + bow * across
        return ctx.reach(pose, CHEST, (-x, y, z), neck - tune["at"] * along, spread=0.006)

    return _keep(ctx, ask, place, beat, lead=1.0, rest=0.04)


def _at_table(ctx: Context, height: float, bend: float, **more) -> tuple[np.ndarray, float]:
    """Bent over a table, and how far the wrist that works on it is above the chest."""
    pose = ctx.pose(
        pitch=0.45 * bend, spine=(0.6 * bend, 0, 0), head=(-0.1 * bend + 8, 0, 0), dz=-0.004 * bend, wobble=2,
        ra=(25, 35, -10, 65), **more,
    )  # fmt: skip
    return pose, _above_chest(ctx, pose, height)


def iron(ctx: Context, ask: Request) -> Take:
    """A flat iron slid to and fro on a board at the height of the hips; the other hand lies on the cloth or smooths it."""
    r = ctx.rng
    stance, bend = _stance(ctx), r.uniform(6, 22)
    rests = r.random() < 0.7
    pose, up = _at_table(ctx, r.uniform(1.0, 1.12), bend, la=(30, 28, -15, 70) if rests else OTHER_ARM[r.integers(3)], **stance)
    way = np.radians(r.uniform(-75, 75))  # of the strokes: 0 forward
    length, near = r.uniform(0.16, 0.34), np.array([r.uniform(0.02, 0.12), r.uniform(0.25, 0.33)])
    cloth = np.array([r.uniform(0.06, 0.16), up - 0.02, r.uniform(0.25, 0.36)])
    state = {"lane": 0.0}

    def place(index):
        if r.random() < 0.3:
            state["lane"] = r.uniform(-0.06, 0.06)
        run = (length * r.uniform(0.7, 1.1) if index % 2 else 0.0) - 0.5 * length * abs(np.sin(way))
        out, ahead = near + run * np.array([np.sin(way), np.cos(way)]) + state["lane"] * np.array([np.cos(way), -np.sin(way)])
        lifted = 0.05 * (r.random() < 0.08)
        turned = ctx.pose(origin=pose, spine=(20 * (ahead - 0.3), 0, -25 * out), head=(0, 0, -25 * out), dx=-0.08 * out)
        left = cloth + r.normal(0, 0.012, 3) * (1, 0, 1) if rests else None
        if rests and r.random() < 0.12:
            left = cloth + (r.uniform(-0.02, 0.12), 0.01, r.uniform(-0.02, 0.06))
        return ctx.reach(turned, CHEST, (out, up + lifted, ahead), left, spread=0.005)

    return _keep(ctx, ask, place, r.uniform(0.55, 1.1) * float(np.clip(ask.factor, 0.75, 1.6)), lead=0.9, rest=0.06)


def wipe_table(ctx: Context, ask: Request) -> Take:
    """Bent over a table, a hand wipes it in circles, from side to side or to and fro; the other leans on it, or not."""
    r = ctx.rng
    stance, bend = _stance(ctx), r.uniform(24, 56)
    leans = r.random() < 0.45
    other = (15, 28, 0, 45) if leans else OTHER_ARM[r.integers(5)]
    pose, up = _at_table(ctx, r.uniform(0.8, 0.98), bend, la=other, drop=r.uniform(0, 0.06), **stance)
    kind = str(r.choice(["circles", "sideways", "to_and_fro"], p=[0.5, 0.3, 0.2]))
    wide, deep = r.uniform(0.07, 0.17), r.uniform(0.05, 0.12)
    if kind == "sideways":
        wide, deep = r.uniform(0.14, 0.28), 0.03
    elif kind == "to_and_fro":
        wide, deep = 0.03, r.uniform(0.09, 0.15)
    sign = float(r.choice([-1, 1]))
    spot = {"at": np.array([0.02, 0.3]), "goal": np.array([r.uniform(-0.1, 0.2), r.uniform(0.26, 0.36)])}
    round_ = r.uniform(0.6, 1.2) * float(np.clip(ask.factor, 0.7, 1.6))
    table = (r.uniform(0.1, 0.2), up, r.uniform(0.18, 0.3)) if leans else None

    def place(index):
        if r.random() < 0.06:
            spot["goal"] = np.array([r.uniform(-0.14, 0.24), r.uniform(0.24, 0.38)])
        spot["at"] = spot["at"] + np.clip(spot["goal"] - spot["at"], -0.05, 0.05)
        a = sign * 0.5 * np.pi * index
        out, ahead = spot["at"] + np.array([wide * np.cos(a), deep * np.sin(a)])
        turned = ctx.pose(origin=pose, spine=(14 * (ahead - 0.3), 0, -40 * out), head=(0, 0, -15 * out), dx=-0.1 * out)
        return ctx.reach(turned, CHEST, (out, up, ahead), table, spread=0.006)

    return _keep(ctx, ask, place, round_ / 4, lead=0.9, rest=0.02)


def put_on_hat(ctx: Context, ask: Request) -> Take:
    """A hat brought up from before the chest and set on the head, by one hand at the brim or both, then settled."""
    r = ctx.rng
    f = float(np.clip(ask.factor, 0.7, 1.7))
    brim = str(r.choice(["front", "sides", "top"]))
    on = {"front": (0.05, 0.07, 0.16), "sides": (0.14, 0.08, 0.03), "top": (0.07, 0.17, 0.05)}[brim]
    on = np.asarray(on) + r.normal(0, 0.01, 3)
    nod, stance = r.uniform(2, 18), _stance(ctx)
    other = OTHER_ARM[r.integers(3)]

    def at(place, **more):
        pose = ctx.pose(
            ra=(55, 70, -55, 150),
            la=(55, 70, -55, 150) if ask.both else other,
            wobble=2,
            **{"spine": (2, 0, 0), **more},
            **stance,
        )
        return ctx.at_head(pose, place, place if ask.both else None, spread=0.008)

    hold_at = (r.uniform(0.06, 0.14), r.uniform(-0.3, -0.08), r.uniform(0.26, 0.34))
    hold = ctx.pose(ra=(25, 22, -20, 95), la=(25, 22, -20, 95) if ask.both else other, head=(r.uniform(6, 20), 0, 0), **stance)
    hold = ctx.reach(hold, CHEST, hold_at, hold_at if ask.both else None)
    above = at(on + (0.01, r.uniform(0.06, 0.14), 0.06), head=(0.3 * nod, 0, 0), spine=(-1, 0, 0))
    set_ = at(on, head=(nod, 0, 0))
    lengths, poses = [0.6, r.uniform(0.6, 0.85), r.uniform(0.3, 0.45)], [hold, above, set_]
    for _ in range(int(r.integers(1, 5))):  # pulled down and straightened
        lengths += [r.uniform(0.22, 0.4), r.uniform(0.22, 0.4)]
        small = at(on + r.normal(0, 0.015, 3) - (0, 0.02, 0), head=(0.6 * nod, r.normal(0, 4), r.normal(0, 5)))
        poses += [small, at(on, head=(0.5 * nod, 0, 0))]
    times = np.cumsum([0.0, *(length * f for length in lengths), 0.8 * f])
    return Take(ctx.play(list(zip(times, (ctx.base, *poses, ctx.base)))), [float(times[3])])


PROGRAMS = {
    "type": type_,
    "comb_hair": comb_hair,
    "knock": knock,
    "juggle": juggle,
    "put_on_jacket": put_on_jacket,
    "tie_shoes": tie_shoes,
    "pour": pour,
    "paint_wall": paint_wall,
    "steer": steer,
    "flap_arms": flap_arms,
    "face_palm": face_palm,
    "high_five": high_five,
    "play_piano": play_piano,
    "play_violin": play_violin,
    "iron": iron,
    "wipe_table": wipe_table,
    "put_on_hat": put_on_hat,
}
