"""On the floor: push-ups, planks, sit-ups, burpees, lying down, lying, getting up, crawling."""

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis import faults
from llamo.train.synthesis.context import RAD, Context, Request, Take
from llamo.train.synthesis.free_body import FEET, LEGS, Draft, Key, Rig, leg_directions, mixed, moved, quaternion, turned
from llamo.train.synthesis.kinematics import rotation


def solved(rig: Rig, drafts: list[tuple[float, Draft]]) -> list[tuple[float, Key]]:
    """Poses that are alike in what they pin, with their seconds, solved all at once."""
    once = {id(draft): draft for _, draft in drafts}  # a pose that is held stands here twice
    keys = dict(zip(once, rig.complete(list(once.values()))))
    return [(time, keys[id(draft)]) for time, draft in drafts]


def repetitions(rig: Rig, ask: Request, period: float, low, tops, peak: float, hold=0.0, *, stay=0.08, rests=0.15):
    """Keys and events of repetitions between a pose low down and one high up, another one each time; both ends rest low.

    Args:
        low, tops: poses (keys or drafts), `ask.count` of the latter. peak: when the top is reached, as a share of `period`.
        hold: seconds, and stay: share of the period, in which the top is kept. rests: chance of a rest after a repetition.
    """
    r = rig.ctx.rng
    time = r.uniform(0.2, 0.6)
    keys, events = [(0.0, low), (time, low)], []
    for factor, top in zip(rig.ctx.uneven(ask.count), tops):
        span = period * float(factor)
        keys += [(time + peak * span, top), (time + (peak + stay) * span + hold, top)]
        events.append(time + (peak + stay / 2) * span + hold / 2)
        time += span + hold
        keys.append((time, low))
        if r.random() < rests:
            time += r.uniform(0.2, 0.6)
            keys.append((time, low))
    return [*keys, (time + 0.3, low)], events


def standing_feet(rig: Rig, x: float, z: float, yaw: float = 0.0):
    """(x, z, pitch, yaw) of both feet of a person standing at a place; yaw in degrees."""
    row = ch.place(rig.ctx.base[None], x, z, yaw * RAD)[0]
    return [(row[i], row[i + 2], 0.0, row[i + 4] / RAD) for i in (28, 33)]


def _spot(x: float, z: float, yaw: float, left: float, forward: float, up: float = 0.0):
    """(3,) a place given relative to somebody at (x, z) looking along `yaw` degrees."""
    c, s = np.cos(yaw * RAD), np.sin(yaw * RAD)
    return np.array([x + c * left + s * forward, up, z - s * left + c * forward])


# push-ups and planks -------------------------------------------------------------------------------------------------


PITCHES = np.linspace(35, 100, 131)  # degrees


class Board:
    """The straight body between the hands and the toes (or knees) of one person, hands at z = `hz`."""

    def __init__(self, rig: Rig, hz: float, *, knees: bool, forearms: bool = False, x: float = 0.0):
        r, body, s = rig.ctx.rng, rig.body, rig.scale
        self.rig, self.knees, self.forearms, self.hz, self.x = rig, knees, forearms, hz, x
        shoulder = float(np.abs(body.rest[[13, 14], 0] + body.rest[[16, 17], 0]).mean())
        self.wide = shoulder + r.uniform(0.0, 0.16) * s
        self.flare = r.uniform(20, 70)
        self.sag = r.uniform(-7, 6)
        self.chin = r.uniform(-28, -4)
        self.toe = r.uniform(58, 80)
        self.stance = r.uniform(0.04, 0.14) * s
        self.shins = r.uniform(75, 115)
        self.high = (float(body.upper_arm.mean()) + 0.05 * s) if forearms else 0.03 * s + body.arm * r.uniform(0.955, 0.99)
        self.low = 0.03 * s + body.arm * float(r.uniform(0.26, 0.5))
        self.forward = r.uniform(-0.02, 0.05) * s
        hip = body.rest[[1, 2]].mean(0) * (0, 1, 1)
        length = float(body.thigh.mean()) if knees else body.leg * 0.996
        self.leg = np.array([0.0, length, 0.0]) - hip
        self.trunk = np.array([0.0, body.torso, 0.0])
        pitches = np.radians(PITCHES)
        still = np.zeros(len(PITCHES))
        # Of the shoulders above the pivot, for every pitch of the board.
        self.heights = (rotation(pitches, still, still) @ (self.leg + self.trunk))[:, 1]
        if knees:
            self.pivot = np.array([x, 0.05 * s, 0.0])
        else:
            self.pivot = np.array([x, body.ball, 0.0]) - turned(self.toe) @ body.foot.mean(0) * (0, 1, 1)
        _, pelvis = self._line(self.high)
        shift = hz + self.forward - (pelvis + turned(self._pitch(self.high)) @ self.trunk)[2]
        self.pivot[2] += shift
        self.ball_z = shift
        if not forearms:
            # Nearly straight arms at the top, wherever this body's shoulders are.
            want = body.arm * r.uniform(0.965, 0.992)
            for _ in range(3):
                joints = rig.joints([self.key(self.high)])[0]
                apart = float(np.linalg.norm(joints[16:18] - self._wrists(), axis=1).mean())
                self.high += want - apart

    def _wrists(self) -> np.ndarray:
        return np.array([[self.x + side * self.wide, 0.028 * self.rig.scale, self.hz] for side in (1, -1)])

    def _pitch(self, height: float) -> float:
        return float(PITCHES[int(np.argmin(np.abs(self.pivot[1] + self.heights - height)))])

    def _line(self, height: float):
        pitch = self._pitch(height)
        return pitch, self.pivot + turned(pitch) @ self.leg

    def key(self, height: float, sag: float = 0.0) -> Key:
        """The pose with the shoulders at `height` metres."""
        return self.rig.complete([self.draft(height, sag)])[0]

    def draft(self, height: float, sag: float = 0.0, drawn: tuple[float, float] = (0.0, 0.0)) -> Draft:
        """That pose, to be solved together with others; `drawn`: how far each foot, left and right, is drawn up to the hands,
        0 to 1 (not on the knees)."""
        rig, s = self.rig, self.rig.scale
        pitch, pelvis = self._line(height)
        sag = sag + self.sag
        flare = self.flare * RAD
        poles = [(np.sin(flare) * side, 0.15, -np.cos(flare)) for side in (1, -1)]
        wrist_z = self.hz
        if self.forearms:
            poles = [(0.1, -1.0, -0.1)] * 2
            wrist_z = self.hz + float(rig.body.forearm.mean()) * 0.97
        legs = {"ll": (0, 4, self.shins, 30), "rl": (0, 4, self.shins, 30)}
        if not self.knees:
            way = self.hz - self.ball_z
            feet = [(self.x + side * self.stance, self.ball_z + part * way, self.toe, 0, min(0.14, 0.5 * part) * s)
                    for side, part in zip((1, -1), drawn)]  # fmt: skip
            legs = {"lf": feet[0], "rf": feet[1], "knees": [(0, -1, 0.3 + 3 * part) for part in drawn]}
        return rig.draft(
            pelvis + (0, 0.004 * sag * s, 0),
            turned(pitch),
            spine=(sag, 0, 0),
            head=(self.chin - sag * 0.5, 0, 0),
            lh=(self.x + self.wide, 0.028 * s, wrist_z),
            rh=(self.x - self.wide, 0.028 * s, wrist_z),
            elbows=poles,
            wobble=0.0,
            **legs,
        )


def _crouched(rig: Rig, hz: float, wide: float) -> Key:
    """Crouching at the origin with both hands on the floor in front."""
    ctx, s = rig.ctx, rig.scale
    feet = standing_feet(rig, 0, 0)
    feet = [(f[0], f[1], 28.0, f[3]) for f in feet]
    return rig.key(
        (0, 0.52 * ctx.leg, 0.0),
        turned(72),
        spine=(38, 0, 0),
        head=(-25, 0, 0),
        lh=(wide, 0.03 * s, hz),
        rh=(-wide, 0.03 * s, hz),
        lf=feet[0],
        rf=feet[1],
        knees=[(0.3, 0, 1), (-0.3, 0, 1)],
    )


def between(rig: Rig, a: Key, b: Key, pins: tuple, lift: float = 0.0) -> Key:
    """Half way from one key to another with the named limbs ("lh", "rh", "lf", "rf") in the air."""
    out = Key(mixed(a.values, b.values, 0.5), 0.5 * (a.hands + b.hands), 0.5 * (a.feet + b.feet))
    out.values[1] += lift
    for name, row in (("lh", out.hands[0]), ("rh", out.hands[1]), ("lf", out.feet[0]), ("rf", out.feet[1])):
        if name in pins:
            row[1] += 0.08 * rig.scale
    return out


def _going_down(rig: Rig, board: Board, f: float):
    """Keys from standing to the plank, as (seconds, key), and those back up, both beginning at zero."""
    r = rig.ctx.rng
    crouch, plank = _crouched(rig, board.hz, board.wide), board.key(board.high)
    stand = rig.stand()
    if r.random() < 0.5:  # one foot after the other
        first = Key(mixed(crouch.values, plank.values, 0.5), plank.hands, np.stack([plank.feet[0], crouch.feet[1]]))
        first.values[1] += 0.04
        down = [
            (0, stand),
            (0.8 * f, crouch),
            (1.05 * f, between(rig, crouch, first, ("lf",))),
            (1.3 * f, first),
            (1.5 * f, between(rig, first, plank, ("rf",))),
            (1.75 * f, plank),
        ]
    else:
        down = [(0, stand), (0.75 * f, crouch), (0.97 * f, between(rig, crouch, plank, ("lf", "rf"), 0.06)), (1.2 * f, plank)]
    total = down[-1][0]
    up = [(total - time, key) for time, key in reversed(down)]
    return down, up


def floor_exercise(rig: Rig, board: Board, middle, ask: Request, key_times=()) -> Take:
    """`middle` ((seconds, key), first and last the plank) alone, or with getting down before and up after it."""
    r = rig.ctx.rng
    f = float(np.clip(ask.factor, 0.75, 1.4)) * r.uniform(0.9, 1.3)
    before, after = r.random() < 0.35, r.random() < 0.3
    down, up = _going_down(rig, board, f)
    keys, shift = list(middle), 0.0
    if before:
        shift = down[-1][0]
        keys = [*down[:-1], *((t + shift, k) for t, k in keys)]
    end = keys[-1][0]
    start = shift
    if after:
        keys += [(t + end, k) for t, k in up[1:]]
    joints = rig.play(keys)
    return rig.take(joints, start=start, end=end, events=[e + shift for e in key_times], stands=(before, after))


def push_up(ctx: Context, ask: Request) -> Take:
    """Bending and stretching the arms with a straight body on the toes or the knees."""
    r = ctx.rng
    rig = Rig(ctx)
    board = Board(rig, (r.uniform(0.42, 0.55)) * rig.scale, knees=bool(r.random() < 0.22))
    keys, events = [(0.0, board.draft(board.high))], []
    time = r.uniform(0.15, 0.5)
    keys.append((time, board.draft(board.high)))
    period = 1.55 * ask.factor
    down, hold = r.uniform(0.42, 0.52), r.uniform(0.0, 0.12)
    depth = r.uniform(0.22, 0.35) if ask.fault == faults.SHALLOW else 1.0
    for factor in ctx.uneven(ask.count):
        span = period * float(factor)
        low = board.high + depth * (board.low - board.high) + np.clip(r.normal(0, 0.012), -0.03, 0.03)
        keys.append((time + down * span, board.draft(low, r.normal(0, 1.2))))
        if hold > 0.03:
            keys.append((time + (down + hold) * span, board.draft(low + 0.004, r.normal(0, 1.0))))
        events.append(time + (down + hold / 2) * span)
        time += span
        keys.append((time, board.draft(board.high - abs(r.normal(0, 0.008)), r.normal(0, 1.0))))
        if r.random() < 0.15:
            time += r.uniform(0.2, 0.7)
            keys.append((time, board.draft(board.high, r.normal(0, 1.0))))
    keys.append((keys[-1][0] + 0.2, board.draft(board.high)))
    return floor_exercise(rig, board, solved(rig, keys), ask, events)


def plank(ctx: Context, ask: Request) -> Take:
    """Holding the straight body on the hands or the forearms."""
    r = ctx.rng
    rig = Rig(ctx)
    board = Board(rig, r.uniform(0.42, 0.55) * rig.scale, knees=bool(r.random() < 0.12), forearms=bool(r.random() < 0.45))
    keys, time = [(0.0, board.draft(board.high))], 0.0
    while time < ask.seconds + 1.0:
        time += r.uniform(0.8, 1.8)
        keys.append((time, board.draft(board.high - abs(r.normal(0, 0.006)), r.normal(0, 1.8))))
    return floor_exercise(rig, board, solved(rig, keys), ask)


def burpee(ctx: Context, ask: Request) -> Take:
    """Down into a plank, perhaps a push-up, back to a crouch and a jump."""
    r = ctx.rng
    rig = Rig(ctx)
    s = rig.scale
    board = Board(rig, r.uniform(0.4, 0.5) * s, knees=False)
    press, jumps = r.random() < 0.5, r.random() < 0.85
    f = float(np.clip(ask.factor, 0.7, 1.6))
    stand = rig.stand()
    crouch, up = _crouched(rig, board.hz, board.wide), board.key(board.high)
    rise = rig.stand(pose=ctx.pose(drop=0.22, pitch=28, spine=(18, 0, 0), head=(-20, 0, 0), arms=(150, 35, 160, 30), dz=0.02))
    top_arms = (30, r.uniform(140, 168), 15, 172)
    toes = ctx.pose(lf=(0, 0, 0, 50, 0), rf=(0, 0, 0, 50, 0), arms=top_arms, spine=(-3, 0, 0))
    toes[1] = ctx.body.pelvis_height + ctx.body.foot[:, 2].mean() * 0.58
    off = rig.stand(pose=toes)
    heel = (0, 0, 0, 12, 0)
    land = rig.stand(pose=ctx.pose(drop=0.07, pitch=6, spine=(5, 0, 0), arms=(50, 60, 30, 80), lf=heel, rf=heel))
    soft = rig.stand(pose=ctx.pose(drop=0.16, pitch=16, spine=(10, 0, 0), head=(-10, 0, 0), arms=(50, 35, 30, 55)))
    keys, events, flights, time = [(0.0, stand)], [], [], 0.0
    for factor in ctx.uneven(ask.count):
        k = f * float(factor)
        for span, key in (
            (0.62, crouch),
            (0.16, between(rig, crouch, up, ("lf", "rf"), 0.05)),
            (0.16, up),
            *(((0.42, board.key(board.low)), (0.42, up)) if press else ((0.12, up),)),
            (0.17, between(rig, crouch, up, ("lf", "rf"), 0.06)),
            (0.16, crouch),
            (0.32, rise),
        ):
            time += span * k
            keys.append((time, key))
        if jumps:
            time += 0.27
            flight = float(np.clip(r.normal(0.4, 0.06), 0.26, 0.52))
            keys.append((time, off))
            high = rig.free(off)
            high.values[1] += 9.81 * flight**2 / 8
            keys += [(time + flight / 2, high), (time + flight, land), (time + flight + 0.2, soft)]
            flights.append((time, time + flight))
            events.append(time + flight / 2)
            time += flight + 0.2
            keys.append((time + 0.4 * k, stand))
            time += 0.4 * k
        else:
            time += 0.55 * k
            keys.append((time, stand))
            events.append(time - 0.05)
        if r.random() < 0.25:
            time += r.uniform(0.1, 0.5)
            keys.append((time, stand))
    joints = rig.play(keys, flights=flights)
    return rig.take(joints, start=0.0, end=time, events=events)


# lying ---------------------------------------------------------------------------------------------------------------


def _lying_habit(ctx: Context) -> dict:
    """How this person lies on the back: the same in every action of a clip."""
    if "lying" not in ctx.posture:
        r = ctx.rng
        arms = [(r.uniform(80, 125), r.uniform(8, 40), r.uniform(75, 115), r.uniform(10, 45)) for _ in range(2)]
        if r.random() < 0.2:
            arms = [(35, 22, -60, r.uniform(70, 90))] * 2  # hands on the belly
        legs = [(r.uniform(0, 5), r.uniform(3, 13), r.uniform(3, 9), r.uniform(5, 40)) for _ in range(2)]
        ctx.posture["lying"] = {"arms": arms, "legs": legs, "chin": r.uniform(-5, 12), "mirrored": ctx.is_mirrored}
    habit = ctx.posture["lying"]
    order = -1 if habit["mirrored"] != ctx.is_mirrored else 1
    return {**habit, "arms": habit["arms"][::order], "legs": habit["legs"][::order]}


def supine(rig: Rig, **changes) -> Key:
    """Lying on the back with the pelvis over the origin, legs towards +Z."""
    habit = _lying_habit(rig.ctx)
    options = {
        "head": (habit["chin"], 0, 0),
        "la": habit["arms"][0],
        "ra": habit["arms"][1],
        "ll": habit["legs"][0],
        "rl": habit["legs"][1],
        "settle": 1.0,
        "wobble": 0.0,
    }
    options.update(changes)
    place = options.pop("at", (0, 0.1, 0))
    return rig.key(place, options.pop("turn", turned(-90)), **options)


def prone(rig: Rig, **changes) -> Key:
    """Lying on the belly over the origin, the head towards -Z."""
    r = rig.ctx.rng
    low = r.random() < 0.4
    options = {
        "head": (-8, 0, r.uniform(-60, 60)),
        "la": (60, 30, 30, 50) if low else (70, 98, -20, 172),
        "ra": (60, 30, 30, 50) if low else (70, 98, -20, 172),
        "ll": (0, r.uniform(3, 12), r.uniform(2, 8), 62),
        "rl": (0, r.uniform(3, 12), r.uniform(2, 8), 62),
        "settle": 1.0,
    }
    options.update(changes)
    place = options.pop("at", (0, 0.12, 0))
    return rig.key(place, options.pop("turn", turned(88, 0, 180)), **options)


def side_lying(rig: Rig, **changes) -> Key:
    """Lying on the left side, the head towards -Z, looking along +X."""
    r = rig.ctx.rng
    options = {
        "head": (5, 8, 0),
        "la": (10, 85, 0, 100),
        "ra": (-25, 55, -35, 78),
        "ll": (r.uniform(20, 50), -3, r.uniform(30, 70), 20),
        "rl": (r.uniform(30, 65), -r.uniform(11, 17), r.uniform(50, 85), 20),
        "settle": 1.0,
    }
    options.update(changes)
    place = options.pop("at", (0.05, 0.12, 0))
    return rig.key(place, options.pop("turn", turned(roll=-84) @ turned(-90)), **options)


def fours_pitch(rig: Rig) -> float:
    """Pitch of the pelvis in degrees that brings the shoulders over straight arms, on hands and knees."""
    body, s = rig.body, rig.scale
    high = float(body.thigh.mean()) * 0.985 + 0.05 * s - body.rest[1, 1] * 0.3
    rise = (0.03 * s + 0.96 * body.arm - high) / body.torso
    return float(np.degrees(np.arccos(np.clip(rise, -0.4, 0.4)))) - 3.0


def _all_fours(rig: Rig, x: float, z: float, yaw: float) -> Key:
    """On hands and knees with the pelvis over (x, z), looking along `yaw` degrees."""
    return rig.key(**fours_pose(rig, x, z, yaw))


def fours_pose(rig: Rig, x: float, z: float, yaw: float) -> dict:
    """The arguments of `Rig.draft` for that pose."""
    body, s = rig.body, rig.scale
    thigh, shank = float(body.thigh.mean()), float(body.shank.mean())
    high = thigh * 0.985 + 0.05 * s - body.rest[1, 1] * 0.3
    half = float(np.abs(body.rest[[1, 2], 0]).mean()) + 0.02 * s
    foot = [(*_spot(x, z, yaw, side * half, -shank - 0.1 * s)[[0, 2]], 150.0, yaw) for side in (1, -1)]
    reach = body.torso * 0.96
    forward = turned(yaw=yaw)[:, 2]
    return dict(
        at=(x, high, z),
        turn=turned(fours_pitch(rig), 0, yaw),
        spine=(4, 0, 0),
        head=(-30, 0, 0),
        lh=_spot(x, z, yaw, 0.17 * s, reach, 0.03 * s),
        rh=_spot(x, z, yaw, -0.17 * s, reach, 0.03 * s),
        elbows=[turned(yaw=yaw)[:, 0] * side * 0.4 - forward for side in (1, -1)],
        lf=foot[0],
        rf=foot[1],
        knees=[forward - (0, 1.0, 0)] * 2,
    )


def _half_kneel(rig: Rig, x: float, z: float, yaw: float, hands: str) -> Key:
    """Kneeling on the left knee at somebody's later standing place (x, z), the right foot in front and flat."""
    body, s = rig.body, rig.scale
    feet = standing_feet(rig, x, z, yaw)
    forward = turned(yaw=yaw)[:, 2]
    thigh = float(body.thigh.mean())
    back = _spot(x, z, yaw, 0.1 * s, -0.42 * rig.ctx.leg - float(body.shank.mean()) * 0.55)
    place = _spot(x, z, yaw, 0.02, -0.3 * rig.ctx.leg, thigh * 0.98 + 0.13 * s)
    right = {"rh": place + forward * 0.33 * s + (0, 0.12 * s, 0) - turned(yaw=yaw)[:, 0] * 0.1 * s} if hands != "free" else {}
    return rig.key(
        place,
        turned(28, 0, yaw),
        spine=(16, 0, 0),
        head=(-20, 0, 0),
        la=(20, 25, 0, 55),
        ra=(20, 35, 0, 65),
        lf=(back[0], back[2], 72.0, yaw),
        rf=feet[1],
        knees=[forward - (0, 1.2, 0), forward + (0, 0.6, 0)],
        **right,
    )


def _rise_from_knees(rig: Rig, x: float, z: float, yaw: float, fours: Key, f: float):
    """Keys from hands and knees to standing: list of (seconds, key) from zero, and the standing place."""
    r = rig.ctx.rng
    spot = _spot(x, z, yaw, 0.0, r.uniform(0.16, 0.28) * rig.scale)
    place = (spot[0], spot[2], yaw * RAD)
    stand = rig.stand(*place)
    kneel = _half_kneel(rig, spot[0], spot[2], yaw, str(r.choice(["knee", "free"])))
    upright = Key(mixed(fours.values, kneel.values, 0.45), fours.hands * 0, kneel.feet.copy())
    upright.feet[1] = 0.5 * (fours.feet[1] + kneel.feet[1])
    upright.feet[1, 1] += 0.1 * rig.scale
    upright.feet[0] = 0.5 * (fours.feet[0] + kneel.feet[0])
    half = Key(mixed(kneel.values, stand.values, 0.6), kneel.hands * 0, stand.feet.copy())
    half.feet[0] = 0.5 * (kneel.feet[0] + stand.feet[0])
    half.feet[0, 1] += 0.07 * rig.scale
    return [(0.0, fours), (0.55 * f, upright), (0.95 * f, kneel), (1.5 * f, half), (1.95 * f, stand)], place


def _sitting_up(rig: Rig, rocking: bool, f: float):
    """As `_rising`, from the back: over sitting, or rocking back with the legs in the air and with that swing onto the feet."""
    r, leg, s = rig.ctx.rng, rig.ctx.leg, rig.scale
    z = 0.5 * leg + r.uniform(-0.03, 0.08) * s
    feet = standing_feet(rig, 0, z)
    prop = r.uniform(0.18, 0.28) * s
    wide = r.uniform(0.2, 0.32) * s
    one = not rocking and r.random() < 0.5
    first = supine(rig)
    tucked = rig.key(
        (0, 0.1 * s, 0.07 * s),
        turned(-8),
        spine=(44, 0, -12 if one else 0),
        head=(-5, 0, 0),
        ra=(10, 75, 0, 80),
        la=(10, 75, 0, 80),
        rh=None if one or rocking else (-wide, 0.03 * s, -0.03),
        lh=None if rocking else (wide, 0.03 * s, -0.03),
        elbows=[(0.6, 0, -1), (-0.6, 0, -1)],
        lf=feet[0],
        rf=feet[1],
        settle=1.0,
    )
    squat = rig.key(
        (0, 0.36 * leg, z - 0.12 * s),
        turned(34),
        spine=(42, 0, 0),
        head=(-28, 0, 0),
        la=(15, 75, 0, 90),
        ra=(10, 80, 0, 95),
        lf=(feet[0][0], feet[0][1], 12.0, feet[0][3]),
        rf=(feet[1][0], feet[1][1], 12.0, feet[1][3]),
        knees=[(0.35, 0, 1), (-0.35, 0, 1)],
    )
    stand, place = rig.stand(0, z, 0), (0.0, z, 0.0)
    if rocking:
        thighs, shins = r.uniform(75, 125), r.uniform(10, 110)

        def on_the_back(pelvis: float, part: float):
            legs = (part * thighs, 4, shins, 20)
            return rig.key(
                (0, 0.12 * s, 0), turned(pelvis), spine=(25 * part, 0, 0), ll=legs, rl=legs, settle=1.0, head=(20, 0, 0)
            )

        drawn_in = on_the_back(-90, 0.8)
        back = on_the_back(-90 - r.uniform(20, 60), 1.0)
        times = np.cumsum([0.0, 0.5, 0.5, 0.55, 0.4, 0.7]) * f
        return list(zip(times, (first, drawn_in, back, tucked, squat, stand), strict=True)), place
    half = rig.key(
        (0, 0.1 * s, 0),
        turned(-48),
        spine=(38, 0, r.uniform(-10, 10)),
        head=(15, 0, 0),
        lh=(wide, 0.03 * s, -prop),
        rh=(-wide, 0.03 * s, -prop),
        elbows=[(0.5, 0, -1), (-0.5, 0, -1)],
        lf=feet[0],
        rf=feet[1],
        settle=1.0,
    )
    middle = between(rig, first, half, ("lf", "rf"))
    middle = Key(middle.values, half.hands * 0, middle.feet * 0)
    times = np.array([0.0, 0.45, 0.95, 1.45, 1.95, 2.75]) * f
    return list(zip(times, (first, middle, half, tucked, squat, stand), strict=True)), place


def _springing_up(rig: Rig, f: float):
    """As `_rising`, from the belly: pushing the whole body up and jumping with both feet to the hands."""
    r = rig.ctx.rng
    board = Board(rig, r.uniform(0.38, 0.52) * rig.scale, knees=False)
    crouch, plank = _crouched(rig, board.hz, board.wide), board.key(board.high)
    first = prone(rig, at=(0, 0.12, float(plank.values[2]) - 0.05 * rig.scale), turn=turned(88))
    jump = between(rig, plank, crouch, ("lf", "rf"), r.uniform(0.03, 0.1))
    times = np.cumsum([0.0, 0.4, 0.35, 0.2, 0.2, r.uniform(0.5, 0.8)]) * f
    return list(zip(times, (first, board.key(board.low), plank, jump, crouch, rig.stand()), strict=True)), (0.0, 0.0, 0.0)


def _rising(rig: Rig, kind: str, f: float):
    """Keys from lying (first) to standing (last), and the standing place (x, z, yaw)."""
    if kind in ("sit", "rock"):
        return _sitting_up(rig, kind == "rock", f)
    if kind == "spring":
        return _springing_up(rig, f)
    r, s = rig.ctx.rng, rig.scale
    yaw = 180.0 - (r.uniform(0, 70) if kind != "prone" else r.uniform(-25, 25))
    if kind == "prone":
        first = prone(rig)
        fours = _all_fours(rig, 0.0, 0.1 * s, yaw)
        push = rig.key(
            (0, 0.13 * s, 0.0),
            turned(80, 0, 180),
            spine=(-22, 0, 0),
            head=(-18, 0, 0),
            lh=_spot(0, 0, 180, 0.24 * s, rig.body.torso * 0.86, 0.03 * s),
            rh=_spot(0, 0, 180, -0.24 * s, rig.body.torso * 0.86, 0.03 * s),
            elbows=[(-0.6, 0.4, 1), (0.6, 0.4, 1)],
            ll=(0, 5, 12, 60),
            rl=(0, 5, 12, 60),
            settle=1.0,
        )
        keys = [(0.0, first), (0.6 * f, push), (1.25 * f, fours)]
    else:
        side = side_lying(rig)
        fours = _all_fours(rig, 0.3 * s, 0.05, yaw)
        c = 0.5 * (180 + yaw)
        prop = rig.key(
            (0.2 * s, 0.17 * s, 0.02),
            turned(roll=-20, yaw=0) @ turned(52, -38, c - 25),
            spine=(10, 10, 0),
            head=(-10, 0, 0),
            lh=fours.hands[0, :3],
            rh=fours.hands[1, :3],
            elbows=[(1, 0.3, 0), (1, 0.6, 0)],
            ll=(98, 0, 126, 50),
            rl=(104, -6, 126, 50),
            settle=1.0,
        )
        keys = [(0.0, side), (0.6 * f, prop), (1.2 * f, fours)]
        if kind == "roll":
            keys = [(0.0, supine(rig))] + [(t + 0.65 * f, k) for t, k in keys]
        first = keys[0][1]
    knees_at = (0.0, 0.1 * s) if kind == "prone" else (0.3 * s, 0.05)
    rise, place = _rise_from_knees(rig, *knees_at, yaw, fours, f)
    time = keys[-1][0]
    return keys + [(time + t, k) for t, k in rise[1:]], place


def _way(ctx: Context, ask: Request) -> str:
    ways = {"sit": 0.28, "roll": 0.2, "prone": 0.18, "side": 0.1, "rock": 0.12, "spring": 0.12}
    if not ask.alone:  # from where `lie` lies
        ways = {"sit": 0.5, "roll": 0.35, "rock": 0.15}
    return str(ctx.rng.choice(list(ways), p=list(ways.values())))


def get_up(ctx: Context, ask: Request) -> Take:
    """Rising from the floor: by sitting up, over the side and a knee, from the belly, with a swing or a jump onto the feet."""
    rig = Rig(ctx)
    keys, place = _rising(rig, _way(ctx, ask), 1.05 * ask.factor + 0.1)
    end = keys[-1][0]
    joints = rig.play(keys)
    return rig.take(joints, start=0.0, end=end, events=[0.6 * end], stands=(False, True), place=place)


def lie_down(ctx: Context, ask: Request) -> Take:
    """Lowering the body to the floor and stretching out."""
    rig = Rig(ctx)
    keys, (x, z, yaw) = _rising(rig, _way(ctx, ask), 1.1 * ask.factor + 0.1)
    total = keys[-1][0]
    end = total
    keys = [(total - t, k) for t, k in reversed(keys)]
    keys.append((total + 0.3, keys[-1][1]))
    joints = rig.play(keys)
    # The curves were written around the lying body: stand at the origin first.
    c, s = np.cos(-yaw), np.sin(-yaw)
    dx, dz = -(c * x + s * z), -(-s * x + c * z)
    joints = moved(joints, dx, dz, -yaw)
    return rig.take(joints, start=0.0, end=end, events=[0.75 * end], stands=(True, False), travel=(dx, dz, -yaw))


def lie(ctx: Context, ask: Request) -> Take:
    """Lying still with small movements, on the back, the belly or the side."""
    r = ctx.rng
    rig = Rig(ctx)
    kind = str(r.choice(["back", "belly", "side"], p=[0.55, 0.25, 0.2])) if ask.alone else "back"
    make = {"back": supine, "belly": prone, "side": side_lying}[kind]
    first = make(rig)
    keys, time = [(0.0, first)], 0.0
    while time < ask.seconds:
        time += r.uniform(0.7, 1.6)
        other = Key(first.values.copy(), first.hands, first.feet)
        change = r.integers(4)
        if change == 0:
            other.values[10:13] += np.array([0, 0, r.uniform(-40, 40)]) * RAD
        elif change == 1 and kind == "back":
            i = int(r.integers(2))
            bend = r.uniform(40, 100)
            parts = leg_directions(bend * 0.52, 6, bend, 20, 1 - 2 * i)
            other.values[LEGS][6 * i : 6 * i + 6], other.values[FEET][3 * i : 3 * i + 3] = parts[:6], parts[6:]
        elif change == 2:
            i = int(r.integers(2))
            other.values[19 + 6 * i - 3 : 19 + 6 * i] += r.normal(0, 0.3, 3)
        keys.append((time, other))
        time += r.uniform(0.4, 2.0)
        keys.append((time, other))
        time += r.uniform(0.6, 1.2)
        keys.append((time, first))
    return rig.take(rig.play(keys, alive=0.7), stands=(False, False))


def sit_up(ctx: Context, ask: Request) -> Take:
    """Raising the trunk from lying on the back and lowering it again."""
    r = ctx.rng
    rig = Rig(ctx)
    s, leg, body = rig.scale, ctx.leg, ctx.body
    style = str(r.choice(["head", "crossed", "reach", "temples"]))
    lying_arms, top_arms = {
        "head": ((80, 128, -100, 128), (70, 120, -105, 128)),
        "crossed": ((28, 32, -70, 108), (28, 35, -70, 108)),
        "reach": ((60, 18, 30, 22), (12, 68, 5, 74)),
        "temples": ((70, 112, -60, 150), (50, 105, -60, 150)),
    }[style]
    bent = r.random() < 0.78
    crunch = bent and r.random() < 0.22
    if bent:
        inner = r.uniform(60, 95) * RAD
        thigh, shank = float(body.thigh.mean()), float(body.shank.mean())
        z = np.sqrt(thigh**2 + shank**2 - 2 * thigh * shank * np.cos(inner)) + body.foot[0, 2]
        legs = {"lf": (0.11 * s, z, 0, 5), "rf": (-0.11 * s, z, 0, -5)}
    else:
        long = float(np.sqrt((body.foot[0] ** 2).sum()))
        z = leg * 0.995 + 0.02
        legs = {"lf": (0.1 * s, z, -45, 8, long * 0.75), "rf": (-0.1 * s, z, -45, -8, long * 0.75)}
        legs["knees"] = [(0, 1, 0.1)] * 2

    def at(pitch, curl, chin, arms):
        return rig.draft(
            (0, 0.1, 0),
            turned(pitch),
            spine=(curl, 0, 0),
            head=(chin, 0, 0),
            la=arms,
            ra=arms,
            settle=1.0,
            wobble=1.5,
            **legs,
        )

    chin = _lying_habit(ctx)["chin"]
    ready = rig.complete([at(-90, 2, chin, lying_arms)])[0]
    high = (-84, 40) if crunch else (-(r.uniform(22, 48)), r.uniform(28, 48))
    keys, time, events = [(0.0, supine(rig))], 0.8 + 0.3 * r.random(), []
    keys.append((0.5 * time, rig.free(between(rig, keys[0][1], ready, ()))))
    keys.append((time, ready))
    start, lifts = time, []  # all poses of the repetitions are solved at once
    period = (1.3 if crunch else 2.1) * float(np.clip(ask.factor, 0.6, 1.9))
    peak = r.uniform(0.42, 0.5)
    for factor in ctx.uneven(ask.count):
        span = period * float(factor)
        tilt, curl = high[0] + r.normal(0, 2), high[1] + r.normal(0, 2)
        lifts.append((time + 0.16 * span, at(-88, 0.5 * curl, chin + 12, lying_arms)))
        lifts.append((time + peak * span, at(tilt, curl, chin + 5, top_arms)))
        lifts.append((time + (peak + 0.06) * span, at(tilt, curl, chin + 5, top_arms)))
        events.append(time + (peak + 0.03) * span)
        lifts.append((time + 0.82 * span, at(-87, 0.45 * curl, chin + 10, lying_arms)))
        time += span
        lifts.append((time, at(-90, 2, chin, lying_arms)))
        if r.random() < 0.2:
            time += r.uniform(0.2, 0.6)
            lifts.append((time, lifts[-1][1]))
    end = time
    keys += solved(rig, lifts)
    keys.append((time + 0.5, rig.free(between(rig, ready, supine(rig), ()))))
    keys.append((time + 1.0, supine(rig)))
    return rig.take(rig.play(keys), start=start, end=end, events=events, stands=(False, False))


# crawling ------------------------------------------------------------------------------------------------------------


LOW_PITCH = 84.0  # of a pelvis near the floor, degrees


def _bear_pitch(rig: Rig) -> float:
    """Pitch of the pelvis in degrees on hands and feet, the hips above the shoulders."""
    return min(fours_pitch(rig) + 14.0, 112.0)


def _on_hands_and_feet(rig: Rig, x: float, z: float, yaw: float) -> Key:
    """On hands and feet with the knees off the floor."""
    body, s = rig.body, rig.scale
    leg = float((body.thigh + body.shank).mean())
    half = float(np.abs(body.rest[[1, 2], 0]).mean()) + 0.03 * s
    foot = [(*_spot(x, z, yaw, side * half, -0.42 * leg)[[0, 2]], 62.0, yaw) for side in (1, -1)]
    forward = turned(yaw=yaw)[:, 2]
    return rig.key(
        (x, 0.7 * leg, z),
        turned(_bear_pitch(rig), 0, yaw),
        spine=(6, 0, 0),
        head=(-24, 0, 0),
        lh=_spot(x, z, yaw, 0.18 * s, body.torso * 0.9, 0.03 * s),
        rh=_spot(x, z, yaw, -0.18 * s, body.torso * 0.9, 0.03 * s),
        elbows=[turned(yaw=yaw)[:, 0] * side * 0.5 - forward for side in (1, -1)],
        lf=foot[0],
        rf=foot[1],
        knees=[forward + turned(yaw=yaw)[:, 0] * side * 0.3 for side in (1, -1)],
    )


def _on_elbows(rig: Rig, x: float, z: float, yaw: float) -> Key:
    """Low on elbows and knees, the belly just above the floor and the legs spread."""
    body, s = rig.body, rig.scale
    r = rig.ctx.rng
    side_axis, forward = turned(yaw=yaw)[:, 0], turned(yaw=yaw)[:, 2]
    leg = float((body.thigh + body.shank).mean())
    wide = r.uniform(0.18, 0.34) * s
    foot = [(*_spot(x, z, yaw, side * wide, -r.uniform(0.5, 0.72) * leg)[[0, 2]], 140.0, yaw + side * 25) for side in (1, -1)]
    ahead = body.torso + r.uniform(0.12, 0.22) * s
    return rig.key(
        (x, r.uniform(0.17, 0.25) * s, z),
        turned(LOW_PITCH, 0, yaw),
        spine=(-r.uniform(4, 16), 0, 0),
        head=(-r.uniform(20, 42), 0, 0),
        lh=_spot(x, z, yaw, r.uniform(0.1, 0.24) * s, ahead, 0.03 * s),
        rh=_spot(x, z, yaw, -r.uniform(0.1, 0.24) * s, ahead, 0.03 * s),
        elbows=[side_axis * side - 0.4 * forward - (0, 0.5, 0) for side in (1, -1)],
        lf=foot[0],
        rf=foot[1],
        knees=[side_axis * side * 1.2 + 0.5 * forward - (0, 0.4, 0) for side in (1, -1)],
    )


def crawl(ctx: Context, ask: Request) -> Take:
    """Crawling forward, a hand and the opposite leg together: on hands and knees, on hands and feet, or low on the elbows."""
    r = ctx.rng
    rig = Rig(ctx)
    s = rig.scale
    kind = str(r.choice(["knees", "feet", "low"], p=[0.6, 0.2, 0.2]))
    base = {"knees": _all_fours, "feet": _on_hands_and_feet, "low": _on_elbows}[kind](rig, 0.0, 0.0, 0.0)
    period = 1.15 * float(np.clip(ask.factor, 0.6, 1.8))
    stride = r.uniform(0.36, 0.56) * s / np.clip(ask.factor, 0.8, 1.5) ** 0.4
    duty = r.uniform(0.6, 0.68)
    t = ctx.frames(max(ask.seconds, 2.0 * period) + 0.4)
    phase = t / period + r.random()
    values = np.tile(base.values, (len(t), 1))
    hands, feet = np.tile(base.hands, (len(t), 1, 1)), np.tile(base.feet, (len(t), 1, 1))
    forward = stride * t / period
    lag = r.uniform(-0.06, 0.06)

    def limb(offset):
        """Travel of the limb's place relative to where the body began, and its lift 0..1."""
        cycle = phase + offset
        whole, part = np.floor(cycle), cycle % 1.0
        u = np.clip((part - duty) / (1 - duty), 0, 1)
        ease = u * u * (3 - 2 * u)
        # In stance the limb is fixed and the body passes over it, half of the way before and half after.
        return stride * (whole + ease - phase[0] - offset + duty / 2), np.sin(np.pi * u) ** 1.5

    for i, offset in ((0, 0.0), (1, 0.5)):
        place, lift = limb(offset)
        hands[:, i, 2] += place
        hands[:, i, 1] += lift * r.uniform(0.06, 0.12) * s
        place, lift = limb(offset + 0.5 + lag)
        feet[:, i, 2] += place
        feet[:, i, 1] += lift * r.uniform(0.015, 0.04) * s
    values[:, 2] += forward
    swing = 2 * np.pi * phase
    values[:, 0] += 0.02 * s * np.sin(swing + 0.6)
    # Low enough for the knee to stay down while the thigh leans; the floor lifts the hip over the upright thigh.
    values[:, 1] += 0.008 * s * np.cos(2 * swing) - 0.03 * s * (kind == "knees")
    pitch = {"knees": fours_pitch(rig), "feet": _bear_pitch(rig), "low": LOW_PITCH}[kind]
    sway = {"knees": 4.5, "feet": 6.0, "low": r.uniform(8, 22)}[kind]
    roll = r.uniform(4, 16) if kind == "low" else 0.0
    turn = [turned(pitch + 1.5 * np.cos(2 * a), roll * np.sin(a + 0.4), sway * np.sin(a + 0.8)) for a in swing]
    quats = np.stack([quaternion(m) for m in turn])
    flips = np.cumprod(np.where(np.r_[1.0, (quats[1:] * quats[:-1]).sum(1)] < 0, -1.0, 1.0))
    values[:, 3:7] = quats * flips[:, None]
    values[:, 8] += 5 * RAD * np.sin(swing)
    values[:, 9] -= 6 * RAD * np.sin(swing + 0.5)
    values[:, 10] += r.uniform(-12, 14) * RAD
    joints = rig.solve(t, values, hands, feet)
    end = len(t) / ctx.fps
    take = rig.take(joints, start=0.0, end=end, stands=(False, False), travel=(0.0, float(forward[-1]), 0.0))
    take.loose_start = take.loose_end = 0.3
    return take


PROGRAMS = {
    "push_up": push_up,
    "plank": plank,
    "burpee": burpee,
    "lie_down": lie_down,
    "lie": lie,
    "get_up": get_up,
    "sit_up": sit_up,
    "crawl": crawl,
}
