"""Climbing a ladder, a wall or a frame, and hanging from a bar: hands and feet hold on to places of the world."""

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.context import RAD, Context, Request, Take
from llamo.train.synthesis.kinematics import solve
from llamo.train.synthesis.tracks import minimum_jerk, smooth, track, window


GRAVITY = 9.81


class _Limb:
    """The way of one hand or foot from hold to hold: (T, 3) positions and how far each frame is into a move."""

    def __init__(self, start: np.ndarray):
        self.moves: list[tuple[float, float, np.ndarray, float]] = []
        self.start = np.asarray(start, float)

    @property
    def place(self) -> np.ndarray:
        """Where the limb is after its last move."""
        return self.moves[-1][2] if self.moves else self.start

    def go(self, begin: float, end: float, place: np.ndarray, arch: float) -> None:
        """Move to a hold, drawing back from the ladder by `arch` metres on the way."""
        self.moves.append((begin, max(end, begin + 0.12), np.asarray(place, float), arch))

    def path(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions (T, 3) and 0..1 how much the limb is in the air (T,)."""
        out, air = np.repeat(self.start[None], len(t), axis=0), np.zeros(len(t))
        here = self.start
        for begin, end, place, arch in self.moves:
            u = np.clip((t - begin) / (end - begin), 0, 1)
            ease = minimum_jerk(u)
            bump = np.sin(np.pi * u) ** 1.2
            out += (place - here) * ease[:, None]
            out[:, 2] -= arch * bump
            air = np.maximum(air, bump)
            here = place
        return out, air


def climb(ctx: Context, ask: Request) -> Take:
    """Climbing upward: a ladder (even rungs), a wall (holds here and there) or a low frame, hands and feet in turn."""
    r, s, body = ctx.rng, ctx.scale, ctx.body
    kind = str(r.choice(["ladder", "wall", "frame"], p=[0.5, 0.25, 0.25]))
    gap = {"ladder": r.uniform(0.26, 0.34), "wall": r.uniform(0.3, 0.42), "frame": r.uniform(0.32, 0.46)}[kind]
    slope = np.tan(r.uniform(0, 16) * RAD) if kind == "ladder" else np.tan(r.uniform(-2, 8) * RAD)
    beat = {"slow": r.uniform(0.62, 0.85), "normal": r.uniform(0.42, 0.58), "fast": r.uniform(0.27, 0.36)}[ask.speed]
    double = kind == "ladder" and r.random() < 0.6  # each limb passes the other
    together = r.random() < 0.45  # hand and foot at once
    diagonal = r.random() < 0.6
    plane = float(ctx.base[30]) + r.uniform(0.16, 0.28) * s
    height = float(ctx.base[1])
    rung = lambda k: k * gap  # noqa: E731
    depth = lambda y: plane + slope * max(y, 0.0)  # noqa: E731
    loose_holds = 0.0 if kind == "ladder" else (0.09 if kind == "wall" else 0.04)
    hand_half, foot_half = r.uniform(0.17, 0.29) * s, r.uniform(0.09, 0.16) * s
    # Hands begin between the chest and the head.
    first_hand = int(round(r.uniform(1.0, 1.2) * (height + body.torso) / gap))
    limbs = {
        "lh": _Limb(np.zeros(3)),
        "rh": _Limb(np.zeros(3)),
        "lf": _Limb(ctx.base[28:31]),
        "rf": _Limb(ctx.base[33:36]),
    }

    def hold(name: str, k: int) -> np.ndarray:
        half = hand_half if name[1] == "h" else foot_half
        y = rung(k) + (r.normal(0, 0.5) * loose_holds if loose_holds else 0.0)
        x = (1 if name[0] == "l" else -1) * half + r.normal(0, 1) * loose_holds
        x = max(x, 0.05) if name[0] == "l" else min(x, -0.05)
        # The ball of the foot stands on the rung, the wrist is a little below and before it.
        if name[1] == "f":
            return np.array([x, y + body.ball, depth(y)])
        return np.array([x, y - 0.06 * s, depth(y) - 0.06 * s])

    walk_in = 0.25
    reach = [walk_in, walk_in + 0.2 * r.random() + 0.25]
    hands = {"rh": first_hand, "lh": first_hand - (1 if double else 0)}
    at_rest = solve(ctx.base[None], body)[0]
    limbs["rh"].start, limbs["lh"].start = at_rest[21].copy(), at_rest[20].copy()
    take_hold = 0.55 * (beat / 0.5) ** 0.5
    limbs["rh"].go(reach[0], reach[0] + take_hold, hold("rh", hands["rh"]), 0.0)
    limbs["lh"].go(reach[1], reach[1] + take_hold, hold("lh", hands["lh"]), 0.0)
    time = reach[1] + take_hold
    feet = {"lf": 0, "rf": 0}
    # Each round moves both feet and both hands up by one rung (two in the passing style).
    reach_above = r.uniform(0.25, 0.6) * body.arm
    span = max(ask.seconds, 3.0) - time - 1.0
    one = beat * (2 if together else 4)
    rounds = int(np.clip(round(span / one), 2, 12))
    if kind == "frame":
        rounds = min(rounds, 4)
    support = [(0.0, height), (time - 0.1, height - 0.01)]  # time and height of the pelvis
    near = height * r.uniform(0.87, 0.93)
    for i in range(rounds):
        for foot, hand in (("rf", "rh"), ("lf", "lh")):
            hand_of = {"rh": "lh", "lh": "rh"}[hand] if diagonal else hand
            step = (1 if (i == 0 and foot == "rf") else 2) if double else 1
            feet[foot] += step
            # The next hold is well within reach above the shoulder that the body is about to come to.
            shoulder = min(limbs["lf"].place[1], limbs["rf"].place[1]) + near + body.torso
            wanted = int(round((shoulder + reach_above) / gap))
            hands[hand_of] = int(np.clip(wanted, hands[hand_of] + 1, hands[hand_of] + 2))
            jitter = float(np.clip(r.normal(1, 0.08), 0.8, 1.25))
            d = beat * jitter
            if together:
                limbs[foot].go(time, time + 0.85 * d, hold(foot, feet[foot]), 0.1 * s)
                limbs[hand_of].go(time + 0.08 * d, time + 0.9 * d, hold(hand_of, hands[hand_of]), 0.08 * s)
                middle, time = time + 0.45 * d, time + d
            else:
                limbs[foot].go(time, time + 0.8 * d, hold(foot, feet[foot]), 0.1 * s)
                middle = time + 0.4 * d
                limbs[hand_of].go(time + d, time + 1.8 * d, hold(hand_of, hands[hand_of]), 0.08 * s)
                time += 2 * d
            other = limbs["lf" if foot == "rf" else "rf"].place[1] - body.ball
            own = limbs[foot].place[1] - body.ball
            support.append((middle, other + near))
            support.append((time, 0.6 * other + 0.4 * own + near - 0.03))
            if r.random() < 0.06:
                time += r.uniform(0.2, 0.8)
    end = time
    total = end + 0.7
    # The lower foot comes up beside the other at the end.
    low, top = sorted(("lf", "rf"), key=lambda f: feet[f])
    if feet[low] < feet[top]:
        limbs[low].go(end, end + 0.5, hold(low, feet[top]), 0.08 * s)
        end, total = end + 0.5, end + 1.1
    level = rung(feet[top])
    support.append((end + 0.25, level + height * 0.97))
    t = ctx.frames(total)
    n = len(t)
    out = np.tile(ctx.base, (n, 1))
    up = window(t, walk_in, total + 9.0, 0.7)  # 0 standing, 1 on the ladder
    paths, airs = {}, {}
    for name, limb in limbs.items():
        paths[name], airs[name] = limb.path(t)
    pelvis = track([a for a, _ in support], [b for _, b in support], t)
    lean_in = float(ctx.base[2])
    back = r.uniform(0.28, 0.4) * s
    z = depth(0.0) - back + slope * np.maximum(smooth(pelvis, 2.0) - height, 0) + slope * 0.5 * height * 0.3
    z = lean_in * (1 - up) + z * up
    weight = airs["lf"] - airs["rf"]  # above 0: the left foot is in the air, so the body leans to the right
    x = -0.05 * s * smooth(weight, 2.5) * up + 0.25 * (paths["lf"][:, 0] + paths["rf"][:, 0]) * up
    # A leg cannot be longer than it is: the standing foot may only be so far below the hip.
    length = body.leg * 0.985
    limit = np.full(n, np.inf)
    for foot in ("lf", "rf"):
        p = paths[foot]
        side = (1 if foot == "lf" else -1) * float(np.abs(body.rest[[1, 2], 0]).mean())
        heel = 0.5 * float(body.foot[:, 2].mean())
        flat2 = (p[:, 0] - x - side) ** 2 + (p[:, 2] - heel - z) ** 2
        allowed = p[:, 1] + np.sqrt(np.maximum(length**2 - flat2, 0.1)) + body.ankle - body.ball
        allowed = allowed - float(body.rest[[1, 2], 1].mean()) + 0.25 * airs[foot] + 10 * (airs[foot] > 0.5)
        limit = np.minimum(limit, allowed)
    pelvis = np.minimum(pelvis, limit)
    pelvis = np.minimum(smooth(pelvis, 1.5), limit)
    out[:, 0], out[:, 1], out[:, 2] = x, pelvis, z
    pitch = r.uniform(2, 12)
    out[:, ch.PITCH] += (pitch * up + 6 * slope) * RAD
    out[:, 6] += r.uniform(0, 9) * RAD * up
    out[:, 9] -= (pitch + r.uniform(4, 22)) * RAD * up  # looking up
    out[:, ch.ROLL] += -0.07 * smooth(weight, 2.0) * up
    high = smooth(paths["lh"][:, 1] - paths["rh"][:, 1], 2.0)
    out[:, 7] += np.clip(-0.22 * high, -0.2, 0.2) * up
    out[:, 8] += np.clip(0.15 * high, -0.15, 0.15) * up
    grip = ctx.pose(arms=(r.uniform(95, 130), r.uniform(22, 40), 5, 125), wobble=4)
    for slot in (16, 19, 22, 25):
        mixed = ctx.base[slot : slot + 3] * (1 - up[:, None]) + grip[slot : slot + 3] * up[:, None]
        out[:, slot : slot + 3] = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-6)
    for name, slot in (("lh", 40), ("rh", 44)):
        begin = limbs[name].moves[0][0]
        out[:, slot : slot + 3] = paths[name]
        out[:, slot + 3] = minimum_jerk((t - begin) / 0.3)
    for name, slot in (("lf", 28), ("rf", 33)):
        out[:, slot : slot + 3] = paths[name]
        risen = paths[name][:, 1] > body.ball + 0.1
        rest = smooth(risen.astype(float), 1.5)
        out[:, slot + 3] = (0.35 * airs[name] + r.uniform(-0.1, 0.18) * rest) * up
        out[:, slot + 4] = ctx.base[slot + 4] * (1 - 0.3 * up)
        out[:, 38 + (slot == 33)] += (0.12 + 0.35 * airs[name]) * up
    return Take(out, [], walk_in, end, None, loose_start=min(1.4, reach[1] + take_hold), loose_end=0.6)


def hang(ctx: Context, ask: Request) -> Take:
    """Gripping a bar overhead, hanging and swinging a little, and letting go."""
    r, s, body = ctx.rng, ctx.scale, ctx.body
    half = r.uniform(0.17, 0.3) * s
    raised = ctx.pose(arms=(20, 170, 10, 176), shrug=8, wobble=0)
    joints = solve(raised[None], body)[0]
    # How far the wrists reach above the pelvis in a dead hang, and the height of the bar.
    above = float(0.5 * (joints[20, 1] + joints[21, 1]) - joints[0, 1])
    arm = body.arm
    drop = arm - np.sqrt(max(arm**2 - max(half - float(np.abs(joints[16, 0])), 0.0) ** 2, 0.1))
    above = above - drop - 0.02
    extra = r.uniform(-0.22, 0.14) * s  # a low bar asks for bent knees, a high one for a hop
    bar = float(ctx.base[1]) + above + extra
    bar_z = float(ctx.base[2]) + r.uniform(0.0, 0.1)
    f = ask.factor**0.5
    grab = 0.85 * f
    hop = extra > 0.03
    take_off = grab
    flight = 0.0
    if hop:
        flight = float(np.sqrt(2 * (extra + 0.01) / GRAVITY))
        grab = take_off + flight
    seconds = max(ask.seconds, 2.5)
    let_go = max(grab + 1.4, seconds - 1.2)
    # Swing: a pendulum of the body's length with its own period.
    lever = above + 0.15
    omega = np.sqrt(GRAVITY / (lever * 1.15))
    size = r.uniform(2, 22) * RAD if r.random() < 0.75 else 0.5 * RAD
    hang_y = bar - above
    drop_time = float(np.sqrt(2 * max(extra, 0.0) / GRAVITY)) if hop else 0.45
    land = let_go + drop_time
    total = land + 1.1
    t = ctx.frames(total)
    on = window(t, grab, let_go, 0.7, 0.5)
    swing = size * np.sin(omega * (t - grab)) * on
    if r.random() < 0.3:
        swing = swing * np.exp(-0.08 * np.clip(t - grab, 0, None))
    late = size * np.sin(omega * (t - grab) - 0.5) * on
    reach_up = ctx.pose(arms=(22, 168, 5, 174), head=(-16, 0, 0), spine=(-5, 0, 0), shrug=6, wobble=2)
    dip = ctx.pose(
        drop=0.16 if hop else 0.02, pitch=8 if hop else 0, arms=(30, 100 if hop else 130, 10, 140), head=(-18, 0, 0), wobble=2
    )
    soft = ctx.pose(drop=0.15 if hop else 0.05, pitch=8, spine=(6, 0, 0), arms=(40, 75, 20, 100), wobble=3)
    keys = [(0.0, ctx.base), (0.55 * take_off, dip), (take_off, reach_up), (let_go, reach_up)]
    keys += [(land + 0.24, soft), (land + 1.0, ctx.base)]
    out = ctx.play(keys, seconds=total)
    t = np.arange(len(out)) / ctx.fps
    stand_y = float(ctx.base[1])
    y = out[:, 1].copy()
    toe = float(body.foot[:, 2].mean()) * 0.5
    if hop:
        push = (t >= 0.55 * take_off) & (t < take_off)
        u = (t[push] - 0.55 * take_off) / (0.45 * take_off)
        y0 = float(dip[1])
        y[push] = y0 + (stand_y + 0.5 * toe - y0) * u**2
        rise = (t >= take_off) & (t < grab)
        y[rise] = (
            stand_y + 0.5 * toe + (hang_y - stand_y - 0.5 * toe) * (1 - (1 - (t[rise] - take_off) / max(flight, 0.05)) ** 2)
        )
        y[(t >= grab) & (t <= let_go)] = hang_y
        fall = (t > let_go) & (t < land)
        y[fall] = hang_y + (stand_y - hang_y) * ((t[fall] - let_go) / drop_time) ** 2
    else:
        # The bar is within reach: sink into the hang and stand up out of it.
        y = y + (hang_y - stand_y) * window(t, take_off - 0.2, land + 0.1, 0.7, 0.5)
    y = smooth(y, 0.6)
    gripped = window(t, grab - 0.05, let_go + 0.08, 0.12)
    out[:, 1] = np.where(gripped > 0.5, bar - above * np.cos(swing) + (y - hang_y) * (1 - on), y)
    out[:, 1] = smooth(out[:, 1], 0.6)
    out[:, 2] = ctx.base[2] + (bar_z - ctx.base[2]) * window(t, grab - 0.3, total, 0.5, 0.9) + above * np.sin(swing)
    out[:, ch.PITCH] += -0.85 * swing - (0.06 + 0.5 * (late - swing)) * on
    out[:, 6] += 0.35 * swing - 0.5 * (late - swing) * on
    out[:, ch.YAW] += size * 0.25 * np.sin(0.6 * omega * t + 1.0) * on
    shift = 0.02 * s * np.sin(0.45 * omega * t + r.uniform(0, 6)) * on
    out[:, 0] += shift
    out[:, ch.ARM_FRAME] = out[:, ch.ARM_FRAME] * (1 - on) + 0.7 * on
    for slot, sign in ((40, 1), (44, -1)):
        out[:, slot] = sign * half
        out[:, slot + 1] = bar
        out[:, slot + 2] = bar_z
        out[:, slot + 3] = gripped
    # Legs: hanging down and a little late, or the knees drawn up; always clear of the floor.
    tuck = float(np.clip(0.42 - extra / s, 0.1, 0.8)) if not hop else r.choice([0.0, r.uniform(0.0, 0.5)])
    kick = r.uniform(0.0, 0.25) if r.random() < 0.5 else 0.0
    front = bool(r.random() < 0.35)
    for i, (slot, sign) in enumerate(((28, 1.0), (33, -1.0))):
        leg = body.leg * (0.985 - 0.42 * tuck)
        ahead = (1 if front else -1) * 0.55 * tuck * body.leg
        phase = late * 1.2 + kick * np.sin(2.3 * omega * (t - grab) + i * np.pi) * on
        air_x = out[:, 0] + sign * 0.085 * s
        air_y = out[:, 1] - 0.08 * s - leg * np.cos(phase) - body.ankle * 1.1
        air_z = out[:, 2] + leg * np.sin(phase) + ahead + 0.06
        air_y = np.maximum(air_y, body.ball + 0.05)
        w = window(t, take_off, land, max(0.3, flight) if not hop else 0.14, 0.4 if not hop else 0.2)
        out[:, slot] = out[:, slot] * (1 - w) + air_x * w
        out[:, slot + 1] = out[:, slot + 1] * (1 - w) + air_y * w
        out[:, slot + 2] = out[:, slot + 2] * (1 - w) + air_z * w
        out[:, slot + 3] = out[:, slot + 3] * (1 - w) + (0.75 + (0.55 if not front else 0.0) * tuck) * w
    # Most recordings show the hang itself: crop up to the grip, and at the end the landing, where enough is left.
    loose = float(np.clip(let_go - grab - 1.2, 0.0, 1.6))
    return Take(out, [], max(0.0, grab - 0.2), land, None, loose_start=min(grab, loose), loose_end=min(1.2, loose))


PROGRAMS = {"climb": climb, "hang": hang}
