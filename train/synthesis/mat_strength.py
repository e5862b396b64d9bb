"""Strength and stretching on the floor: crunches, presses, kicks and lifts from every side, dips, and a handstand."""

import numpy as np

from llamo.train.synthesis.context import Context, Request, Take
from llamo.train.synthesis.floor import (
    Board,
    between,
    floor_exercise,
    fours_pitch,
    fours_pose,
    prone,
    repetitions,
    side_lying,
    solved,
    standing_feet,
    supine,
)
from llamo.train.synthesis.free_body import POSITION, SPINE, Draft, Key, Rig, turned
from llamo.train.synthesis.kinematics import two_bone, unit


NECK, HEAD, SHOULDER, ELBOW, WRIST = 12, 15, 16, 18, 20  # joints; the right limbs follow the left


def _tempo(ask: Request, low: float = 0.6, high: float = 1.9) -> float:
    return float(np.clip(ask.factor, low, high))


def _sets(rig: Rig, ask: Request, period: float, low: Key, tops: list[Key], peak: float = 0.45, hold: float = 0.0):
    """Keys and events of repetitions with short stays and few rests."""
    return repetitions(rig, ask, period, low, tops, peak, hold, stay=0.06, rests=0.12)


def _played(rig: Rig, ask: Request, keys, events=(), rest: Key | None = None) -> Take:
    """The take of keys whose ends are alike; `rest`: how the person lies before and after, shown by chance, and always where
    other actions may come there."""
    r = rig.ctx.rng
    before, after = (rest is not None and (not ask.alone or r.random() < 0.25) for _ in range(2))
    shift = 1.1 * r.uniform(0.8, 1.3) if before else 0.0
    keys = [(time + shift, key) for time, key in keys]
    start, end = keys[0][0], keys[-1][0]
    if before:
        keys = [(0.0, rest), (0.5 * shift, rig.free(between(rig, rest, keys[0][1], ()))), *keys]
    if after:
        keys += [(end + 0.5, rig.free(between(rig, keys[-1][1], rest, ()))), (end + 1.1, rest)]
    joints = rig.play(keys)
    return rig.take(joints, start=start, end=end, events=[event + shift for event in events], stands=(False, False))


def _bent_legs(rig: Rig, low: float, high: float) -> dict:
    """The arguments of `Rig.draft` for bent knees and flat feet of somebody who lies on the back."""
    r, s, body = rig.ctx.rng, rig.scale, rig.body
    inner = np.radians(r.uniform(low, high))
    thigh, shank = float(body.thigh.mean()), float(body.shank.mean())
    z = np.sqrt(thigh**2 + shank**2 - 2 * thigh * shank * np.cos(inner)) + body.foot[0, 2]
    half, out = r.uniform(0.07, 0.16) * s, r.uniform(0.0, 0.2)
    return {"lf": (half, z, 0, 5), "rf": (-half, z, 0, -5), "knees": [(out, 1, 0.3), (-out, 1, 0.3)]}


def _shoulders(rig: Rig, turn: np.ndarray, arms: tuple, **pose) -> np.ndarray:
    """(2, 3) both shoulders from the pelvis of somebody turned like that."""
    joints = rig.joints([rig.draft((0, 0, 0), turn, la=arms, ra=arms, wobble=0.0, **pose).loose])[0]
    return joints[[16, 17]] - joints[0]


def _hands_to(rig: Rig, draft: Draft, anchors: tuple, places, elbows) -> Draft:
    """The draft with both wrists brought to places at the body, by the arms alone.

    Args:
        anchors: joint from which the left and the right place are told. places, elbows: (outward, up, ahead) of each wrist
            from there, metres for a stature of 1.73, and of the way its elbow points, as the head is turned.
    """
    for _ in range(2):  # a raised arm lifts its shoulder
        joints = rig.joints([draft.loose])[0]
        across, up = unit(joints[SHOULDER] - joints[SHOULDER + 1]), unit(joints[HEAD] - joints[NECK])
        for arm, (anchor, place, elbow) in enumerate(zip(anchors, places, elbows)):
            axes = np.stack([(1 - 2 * arm) * across, up, np.cross(across, up)])
            joints[ELBOW + arm], joints[WRIST + arm] = two_bone(
                joints[SHOULDER + arm], joints[anchor] + rig.scale * np.asarray(place) @ axes, np.asarray(elbow) @ axes,
                rig.body.upper_arm[arm], rig.body.forearm[arm],
            )  # fmt: skip
        rig.extract([draft.loose], joints[None])
    return draft


def _on_heels(rig: Rig, out: float, z: float, toe: float) -> dict:
    """The arguments of `Rig.draft` for heels on the floor that far apart and ahead, the feet pitched by `toe` degrees."""
    ball = turned(toe) @ rig.body.foot.mean(0) + (0, rig.flesh[7] - rig.body.ball, z)
    return {"lf": (out, ball[2], toe, 6, ball[1]), "rf": (-out, ball[2], toe, -6, ball[1]), "knees": [(0.0, 1, 0.1)] * 2}


def crunch(ctx: Context, ask: Request) -> Take:
    """Lying on the back with bent knees, head and shoulders curl up a little; the loins stay on the floor."""
    r = ctx.rng
    rig = Rig(ctx)
    hands = str(r.choice(["behind", "temples", "crossed", "reach"], p=[0.4, 0.18, 0.18, 0.24]))
    anchors = (SHOULDER + 1, SHOULDER) if hands == "crossed" else (HEAD, HEAD)
    place, elbow = {
        "behind": ((r.uniform(0.03, 0.1), r.uniform(-0.04, 0.05), -0.05), (1, 0.1, r.uniform(0.1, 0.7))),
        "temples": ((r.uniform(0.1, 0.14), r.uniform(-0.02, 0.06), r.uniform(0.0, 0.06)), (1, -0.3, r.uniform(0.2, 0.8))),
        "crossed": ((r.uniform(-0.1, -0.03), r.uniform(-0.14, -0.04), 0.09), (0.6, -1, r.uniform(0.2, 0.6))),
        "reach": (None, None),
    }[hands]
    down, up = (50, 20, 20, 24), (14, 48, 6, 52)  # towards the knees
    if r.random() < 0.76:
        legs = _bent_legs(rig, 58, 100)
    else:  # shins in the air
        leg = (r.uniform(78, 98), r.uniform(1, 6), r.uniform(70, 100), r.uniform(5, 30))
        legs = {"ll": leg, "rl": leg}
    flat, curl, nod = r.uniform(-2, 8), r.uniform(28, 44), r.uniform(-4, 22)
    twist = r.uniform(18, 30) if r.random() < 0.15 else 0.0  # to one side and the other

    def at(bend, arms, chin, side=0.0):
        draft = rig.draft(
            (0, rig.flesh[0], 0), turned(-90 + 0.08 * bend), spine=(bend, 0, side), head=(chin, 0, 0), la=arms, ra=arms,
            settle=1.0, wobble=1.5, **legs,
        )  # fmt: skip
        return draft if place is None else _hands_to(rig, draft, anchors, (place, place), (elbow, elbow))

    tops = [at(curl + r.normal(0, 2), up, nod, twist * (-1) ** index) for index in range(ask.count)]
    low, *tops = rig.complete([at(2, down, flat), *tops])
    hold = r.uniform(0.2, 1.0) if r.random() < 0.25 else 0.0
    keys, events = _sets(rig, ask, 1.35 * _tempo(ask), low, tops, r.uniform(0.38, 0.5), hold)
    return _played(rig, ask, keys, events, supine(rig))


def bench_press(ctx: Context, ask: Request) -> Take:
    """Lying on a bench or on the floor, both hands are pressed up from the chest to straight arms."""
    r = ctx.rng
    rig = Rig(ctx)
    s, body = rig.scale, ctx.body
    bench = r.uniform(0.38, 0.47) * s if r.random() < 0.65 else 0.0
    lies = bench + rig.flesh[0]
    shoulder = _shoulders(rig, turned(-90), (30, 90, 0, 90))
    half, upper, fore = abs(float(shoulder[0, 0])), float(body.upper_arm.mean()), float(body.forearm.mean())
    bar = r.random() < 0.6
    flare = np.radians(r.uniform(40, 80) if bar else r.uniform(20, 75))  # of the elbows from the trunk
    line = float(shoulder[0, 2])
    elbow = np.array([half + np.sin(flare) * upper, 0.0, line + np.cos(flare) * upper])
    grip = r.uniform(half + 0.05 * s, 0.97 * elbow[0]) if bar else elbow[0] - r.uniform(0.0, 0.06) * s
    together = grip if bar else r.uniform(0.09 * s, half + 0.04 * s)
    depth = lies + fore * r.uniform(0.5, 0.8) if bench else rig.flesh[18] + 0.97 * fore
    top = lies + float(shoulder[0, 1]) + body.arm * r.uniform(0.95, 0.99)
    if bench:
        z = r.uniform(0.22, 0.42) * s + body.foot[0, 2]
        wide = r.uniform(0.16, 0.3) * s
        flat = {"lf": (wide, z, 0, 12), "rf": (-wide, z, 0, -12), "knees": [(0.3, 0.4, 1), (-0.3, 0.4, 1)]}
    else:
        flat = _bent_legs(rig, 55, 100)
    arch, chin = r.uniform(-10, 0), r.uniform(-4, 10)

    def at(x, y, z):
        return rig.draft(
            (0, lies, 0), turned(-90), spine=(arch, 0, 0), head=(chin, 0, 0), la=(70, 70, 0, 90), ra=(70, 70, 0, 90),
            lh=(x, y, z), rh=(-x, y, z), elbows=[(np.sin(flare) * side, -0.6, np.cos(flare)) for side in (1, -1)],
            settle=0.0 if bench else 1.0, wobble=0.0, **flat,
        )  # fmt: skip

    over = line + r.uniform(-0.02, 0.06) * s
    chest = max(over, elbow[2] - r.uniform(0.0, 0.05) * s)
    racked = r.random() < 0.65  # begins with straight arms
    num = ask.count
    highs = [at(together, top - abs(r.normal(0, 0.006)), over + r.normal(0, 0.008)) for _ in range(num + 1)]
    lows = [at(grip, depth + abs(r.normal(0, 0.012)), chest + r.normal(0, 0.01)) for _ in range(num + 1)]
    solved_keys = rig.complete(highs + lows)
    highs, lows = solved_keys[: num + 1], solved_keys[num + 1 :]
    first = highs[0] if racked else lows[0]
    period = 1.9 * _tempo(ask, 0.62)
    down, pause = r.uniform(0.42, 0.56), r.uniform(0.0, 0.12)
    time = r.uniform(0.2, 0.6)
    keys, events = [(0.0, first), (time, first)], []
    for index, factor in enumerate(ctx.uneven(num)):
        span = period * float(factor)
        if racked:
            keys += [(time + down * span, lows[index]), (time + (down + pause) * span, lows[index])]
            time += span
            keys.append((time, highs[index + 1]))
            events.append(time)
        else:
            keys.append((time + (1 - down) * span, highs[index]))
            events.append(time + (1 - down) * span)
            time += span
            keys.append((time, lows[index + 1]))
        if r.random() < 0.25:
            time += r.uniform(0.15, 0.6)
            keys.append((time, keys[-1][1]))
    keys.append((time + 0.3, keys[-1][1]))
    return _played(rig, ask, keys, events)


def superman(ctx: Context, ask: Request) -> Take:
    """Lying on the front, chest, arms and legs are lifted off the floor together, or an arm and the other leg in turn."""
    r = ctx.rng
    rig = Rig(ctx)
    down, up = [
        ((8, 168, 4, 170), (90, 176, 120, 176)),  # stretched out ahead
        ((70, 128, 60, 132), (98, 128, 98, 128)),  # spread
        ((88, 84, -20, 168), (98, 82, -10, 165)),  # elbows bent, hands beside the head
        ((95, 14, 100, 12), (165, 20, 172, 22)),  # along the body
    ][int(r.choice(4, p=[0.6, 0.12, 0.13, 0.15]))]
    bend, spread = r.uniform(2, 10), r.uniform(2, 10)
    back, thigh, look = r.uniform(15, 29), r.uniform(9, 21), r.uniform(-25, 10)
    crossed = r.random() < 0.2

    def at(left, right, lift, chin):
        """`left`, `right`: whether that arm and the other leg are up."""
        legs = [(-thigh * raised, spread, bend, 62) for raised in (right, left)]
        return rig.draft(
            (0, 0.12, 0), turned(88, 0, 180), spine=(-lift, 0, 0), head=(chin, 0, 0), la=up if left else down,
            ra=up if right else down, ll=legs[0], rl=legs[1], settle=1.0, wobble=1.5,
        )  # fmt: skip

    sides = [(index % 2 == 0, index % 2 == 1) if crossed else (True, True) for index in range(ask.count)]
    lift = 0.6 * back if crossed else back
    tops = [at(*side, lift + r.normal(0, 2), look + r.normal(0, 2)) for side in sides]
    low, *tops = rig.complete([at(False, False, 0.0, -5.0), *tops])
    hold = r.uniform(0.3, 2.0) if r.random() < 0.5 else 0.0
    keys, events = _sets(rig, ask, 2.0 * _tempo(ask), low, tops, r.uniform(0.36, 0.48), hold)
    return _played(rig, ask, keys, events, prone(rig) if ask.alone else None)


def donkey_kick(ctx: Context, ask: Request) -> Take:
    """On hands and knees, the right leg is kicked back and up, bent with the sole to the ceiling or straight."""
    r = ctx.rng
    rig = Rig(ctx)
    pose = {**fours_pose(rig, 0.0, 0.0, 0.0), "wobble": 0.0}
    pose["head"] = (r.uniform(-36, 6), 0, 0)
    fours = rig.key(**pose)
    knee = r.uniform(2, 18) if r.random() < 0.3 else r.uniform(70, 100)
    height = fours_pitch(rig) - 90 - r.uniform(-4, 24)  # hip flexion of a thigh about level
    shift = r.uniform(0.01, 0.04) * rig.scale
    tucked = (r.uniform(96, 118), 4, r.uniform(95, 118), 30) if r.random() < 0.55 else None
    pose["at"] = np.asarray(pose["at"]) + (shift, 0, 0)

    def out(leg, sag):
        return rig.draft(**{**pose, "rf": None, "rl": leg, "spine": (4 - sag, 0, 0)})

    sags = [r.uniform(6, 16) for _ in range(ask.count)]
    kicks = rig.complete([out((height + r.normal(0, 3), 4, knee, 25), sag) for sag in sags])
    down = fours if tucked is None else rig.complete([out(tucked, -10.0)])[0]
    period, peak = (1.4 if knee > 20 else 1.7) * _tempo(ask, 0.7), r.uniform(0.42, 0.52)
    time = r.uniform(0.2, 0.6)
    keys, events = [(0.0, fours), (time, fours)], []
    for index, (factor, kick) in enumerate(zip(ctx.uneven(ask.count), kicks)):
        span = period * float(factor)
        if index == 0 and tucked is not None:
            time += 0.4
            keys.append((time, down))
        keys += [(time + peak * span, kick), (time + (peak + 0.07) * span, kick)]
        events.append(time + (peak + 0.035) * span)
        time += span
        keys.append((time, down))
    if tucked is not None:
        time += 0.45
        keys.append((time, fours))
    return _played(rig, ask, [*keys, (time + 0.3, fours)], events)


def flutter_kicks(ctx: Context, ask: Request) -> Take:
    """Lying on the back, the straight legs go up and down in turn, just above the floor or further."""
    r = ctx.rng
    rig = Rig(ctx)
    wide = r.random() < 0.35
    middle, swing = (r.uniform(34, 52), r.uniform(22, 36)) if wide else (r.uniform(16, 30), r.uniform(7, 15))
    beat = (r.uniform(0.42, 0.62) if wide else r.uniform(0.24, 0.42)) * _tempo(ask, 0.65)
    bend, toes, spread = r.uniform(2, 14), r.uniform(30, 75), r.uniform(0, 4)
    arms = [(70, 14, 50, 16), (120, 10, 60, 12), (75, 128, -95, 128)][int(r.choice(3, p=[0.45, 0.35, 0.2]))]
    curl = r.uniform(14, 28) if r.random() < 0.45 else 2.0
    chin = r.uniform(5, 25) if curl > 2 else r.uniform(0, 10)

    def at(side, part=1.0):
        hips = [middle - sign * side * swing * part for sign in (1, -1)]
        return rig.draft(
            (0, 0.1, 0), turned(-90), spine=(curl, 0, 0), head=(chin, 0, 0), la=arms, ra=arms,
            ll=(hips[0], spread, bend, toes), rl=(hips[1], spread, bend, toes), settle=1.0, wobble=0.5,
        )  # fmt: skip

    side = float(r.choice([-1, 1]))
    drafts, time = [(0.0, at(side))], 0.0
    while time < max(ask.seconds, 6 * beat):
        time += beat * r.uniform(0.9, 1.1)
        side = -side
        drafts.append((time, at(side, r.uniform(0.82, 1.1))))
    return _played(rig, ask, solved(rig, drafts), rest=supine(rig))


def bicycle_crunch(ctx: Context, ask: Request) -> Take:
    """Lying on the back, an elbow is brought to the opposite knee while the other leg stretches; every side counts."""
    r = ctx.rng
    rig = Rig(ctx)
    curl, turn = r.uniform(40, 52), r.uniform(38, 52)
    place = (r.uniform(0.04, 0.12), r.uniform(-0.03, 0.05), r.uniform(-0.05, 0.0))
    wide = (1.0, 0.1, r.uniform(0.15, 0.5))
    thrust = (0.7, -0.8, r.uniform(0.9, 1.5))  # of the elbow that goes to the knee
    near, far = (r.uniform(104, 122), -2, r.uniform(105, 128), 20), (r.uniform(14, 38), 2, r.uniform(3, 18), 35)
    half = tuple(0.5 * (a + b) for a, b in zip(near, far))

    def at(side, part=1.0):
        """`side`: +1 the left knee is drawn up, 0 half way."""
        drawn = {1: (near, far), -1: (far, near), 0: (half, half)}[side]
        draft = rig.draft(
            (0, 0.1, 0), turned(-86), spine=(curl * part, 0, side * turn * part), head=(14, 0, side * 6), ll=drawn[0],
            rl=drawn[1], settle=1.0, wobble=1.0,
        )  # fmt: skip
        elbows = (thrust if side < 0 else wide, thrust if side > 0 else wide)
        return _hands_to(rig, draft, (HEAD, HEAD), (place, place), elbows)

    beat, dwell = 0.85 * _tempo(ask, 0.62), r.uniform(0.05, 0.2)
    side = int(r.choice([-1, 1]))
    first = at(0, 0.8)
    drafts, events, time = [(0.0, first), (0.25, first)], [], 0.25
    for factor in ctx.uneven(ask.count):
        span, pose = beat * float(factor), at(side, r.uniform(0.88, 1.08))
        time += span * (1 - dwell)
        drafts += [(time, pose), (time + span * dwell, pose)]
        events.append(time + 0.5 * span * dwell)
        time += span * dwell
        side = -side
    drafts += [(time + 0.7 * beat, first), (time + 0.7 * beat + 0.2, first)]
    return _played(rig, ask, solved(rig, drafts), events, supine(rig))


def triceps_dip(ctx: Context, ask: Request) -> Take:
    """The hands behind on a bench or chair, the hips in front of it are lowered and raised by the arms."""
    r = ctx.rng
    rig = Rig(ctx)
    s, body, leg = rig.scale, ctx.body, ctx.leg
    wrist = r.uniform(0.4, 0.5) * s + 0.03 * s
    wide = r.uniform(0.17, 0.27) * s
    straight = r.random() < 0.4
    lean = r.uniform(-12, 4)
    out = r.uniform(0.05, 0.12) * s  # of the shoulders ahead of the hands
    arms = (165, 25, 170, 12)
    place = _shoulders(rig, turned(lean), arms, spine=(6, 0, 0)).mean(0)
    high = wrist + np.sqrt((body.arm * r.uniform(0.95, 0.985)) ** 2 - out**2)
    low = wrist + body.arm * r.uniform(0.5, 0.68)
    low = max(low, float(place[1]) + 0.16 * s)  # the seat stays off the floor
    hips = np.array([0.0, high, out]) - place
    if straight:
        drop = hips[1] + body.rest[1, 1] - rig.flesh[7]
        z = hips[2] + np.sqrt(max((0.985 * leg) ** 2 - drop**2, 0.05))
        feet = _on_heels(rig, 0.08 * s, z, r.uniform(-60, -30))
    else:
        z = hips[2] + r.uniform(0.46, 0.62) * leg + body.foot[0, 2]
        feet = {"lf": (0.11 * s, z, 0, 6), "rf": (-0.11 * s, z, 0, -6), "knees": [(0.1, 1, 0.2), (-0.1, 1, 0.2)]}
    apart = r.uniform(0.0, 0.6)
    chin = r.uniform(-8, 12)

    def at(height, ahead, tilt):
        offset = _shoulders(rig, turned(lean + tilt), arms, spine=(6, 0, 0)).mean(0)
        return rig.draft(
            np.array([0.0, height, out + ahead]) - offset, turned(lean + tilt), spine=(6, 0, 0), head=(chin, 0, 0), la=arms,
            ra=arms, lh=(wide, wrist, 0), rh=(-wide, wrist, 0), elbows=[(apart, 0.2, -1), (-apart, 0.2, -1)],
            wobble=0.0, **feet,
        )  # fmt: skip

    tilt = r.uniform(-2, 8)
    bottoms = [at(low + r.normal(0, 0.012), r.uniform(-0.01, 0.03) * s, tilt) for _ in range(ask.count)]
    top, *bottoms = rig.complete([at(high, 0.0, 0.0), *bottoms])
    keys, events = _sets(rig, ask, 1.6 * _tempo(ask), top, bottoms, r.uniform(0.42, 0.54))
    return _played(rig, ask, keys, events)


def shoulder_tap(ctx: Context, ask: Request) -> Take:
    """In a plank on the hands, one hand is lifted to the opposite shoulder, then the other; every tap counts."""
    r = ctx.rng
    rig = Rig(ctx)
    s = rig.scale
    board = Board(rig, r.uniform(0.42, 0.55) * s, knees=bool(r.random() < 0.2))
    board.stance = r.uniform(0.07, 0.24) * s
    shift, turn, beat = r.uniform(0.01, 0.05) * s, r.uniform(0, 9), 1.0 * _tempo(ask, 0.7)

    def tap(hand):
        """The left (0) or right hand at the other shoulder, the body over the hand that stays."""
        side = 1 - 2 * hand
        draft = board.draft(board.high, 1.0)
        draft.loose.values[POSITION.start] -= side * shift
        draft.loose.values[SPINE.stop - 1] += np.radians(-side * turn)
        shoulder = rig.joints([draft.loose])[0][17 - hand]
        place = shoulder + s * np.array([side * r.uniform(0.04, 0.08), -r.uniform(0.06, 0.1), r.uniform(-0.03, 0.03)])
        draft.pins[hand] = (place, np.array([0.7 * side, -0.7, -0.3]), np.zeros(3))
        draft.pinned.hands[hand, :3] = place
        return draft

    hand = int(r.integers(2))
    plank = board.draft(board.high)
    time = r.uniform(0.2, 0.6)
    drafts, events = [(0.0, plank), (time, plank)], []
    for factor in ctx.uneven(ask.count):
        span, pose = beat * float(factor), tap(hand)
        drafts += [(time + 0.42 * span, pose), (time + 0.52 * span, pose)]
        events.append(time + 0.47 * span)
        time += span
        drafts.append((time, plank))
        hand = 1 - hand
    drafts.append((time + 0.3, plank))
    return floor_exercise(rig, board, solved(rig, drafts), ask, events)


def side_leg_lift(ctx: Context, ask: Request) -> Take:
    """Lying on the left side, the straight right leg is lifted and lowered."""
    r = ctx.rng
    rig = Rig(ctx)
    propped = r.random() < 0.45
    trunk, tilt = {"la": (20, 150, -10, 165), "head": (2, 12, 0), "spine": (0, 0, 0)}, 0.0
    if propped:  # on the forearm
        trunk, tilt = {"la": (45, 72, 5, 86), "head": (0, 10, 0), "spine": (0, r.uniform(24, 36), 0)}, r.uniform(6, 12)
    top = [(-25, 55, -35, 78), (85, 30, -30, 60), (15, 8, 5, 12)][int(r.choice(3, p=[0.5, 0.3, 0.2]))]
    under = (r.uniform(-2, 10), 4 - tilt, r.uniform(2, 8), 25)
    if r.random() < 0.35:
        under = (r.uniform(25, 45), 4 - tilt, r.uniform(50, 80), 25)
    ahead, knee, toes = r.uniform(-8, 14), r.uniform(1, 8), r.uniform(0, 35)
    height = r.uniform(26, 52)
    turn = turned(tilt) @ turned(roll=-84) @ turned(-90)

    def at(out, roll=0.0):
        return rig.draft(
            (0.05, 0.12, 0), turned(roll=roll) @ turn, ra=top, ll=under, rl=(ahead, out + tilt, knee, toes), settle=1.0,
            wobble=1.0, **trunk,
        )  # fmt: skip

    tops = [at(height + r.normal(0, 2.5), r.uniform(0, 4)) for _ in range(ask.count)]
    low, *tops = rig.complete([at(-10.0), *tops])
    keys, events = _sets(
        rig, ask, 1.6 * _tempo(ask), low, tops, r.uniform(0.4, 0.52), float(r.choice([0.0, 0.0, r.uniform(0.1, 0.6)]))
    )
    return _played(rig, ask, keys, events, side_lying(rig) if ask.alone and not propped else None)


def cat_cow(ctx: Context, ask: Request) -> Take:
    """On hands and knees, the back is rounded with the head down, then hollowed with the head up; one after the other."""
    r = ctx.rng
    rig = Rig(ctx)
    pose = {**fours_pose(rig, 0.0, 0.0, 0.0), "wobble": 0.0}
    place, turn = np.asarray(pose["at"]), pose["turn"]
    round_, hollow = r.uniform(0.75, 1.2), r.uniform(0.6, 1.1)

    def at(bend, back=0.0):
        """`bend`: 1 fully rounded, -1 fully hollowed."""
        tilt, spine, chin = (-24, 56, 26) if bend > 0 else (-12, 30, 26)
        return rig.draft(**{
            **pose,
            "at": place + (0, 0, -back),
            "turn": turn @ turned(tilt * bend),
            "spine": (4 + spine * bend, 0, 0),
            "head": (-18 + chin * bend, 0, 0),
        })  # fmt: skip

    period = 3.0 * _tempo(ask)
    rounds = [at(round_ * r.uniform(0.9, 1.08), r.uniform(0.0, 0.03) * rig.scale) for _ in range(ask.count)]
    hollows = [at(-hollow * r.uniform(0.9, 1.08), r.uniform(-0.02, 0.0) * rig.scale) for _ in range(ask.count)]
    first, *keys_ = rig.complete([at(0.0), *rounds, *hollows])
    rounds, hollows = keys_[: ask.count], keys_[ask.count :]
    cow_first = r.random() < 0.4
    time = r.uniform(0.2, 0.6)
    keys, events = [(0.0, first), (time, first)], []
    for factor, cat, cow in zip(ctx.uneven(ask.count), rounds, hollows):
        span, stay = period * float(factor), r.uniform(0.05, 0.16)
        for half, key in enumerate((cow, cat) if cow_first else (cat, cow)):
            arrives = time + (0.5 * half + 0.42 - stay) * span
            keys += [(arrives, key), (arrives + stay * span, key)]
            if key is cat:
                events.append(arrives + 0.5 * stay * span)
        time += span
    time += 0.25 * period
    return _played(rig, ask, [*keys, (time, first), (time + 0.3, first)], events)


def handstand(ctx: Context, ask: Request) -> Take:
    """From standing the hands go to the floor, the legs are kicked up, held above the hands and brought down again."""
    r = ctx.rng
    rig = Rig(ctx)
    s, leg, body = rig.scale, ctx.leg, ctx.body
    f = float(np.clip(ask.factor, 0.95, 1.5))
    step, wide = r.uniform(0.32, 0.46) * s, r.uniform(0.18, 0.26) * s
    hz = step + r.uniform(0.5, 0.6) * s
    wrist, bend = 0.03 * s, r.uniform(0.965, 0.99)
    hands = {"lh": (wide, wrist, hz), "rh": (-wide, wrist, hz), "elbows": [(1, 0, -0.5), (-1, 0, -0.5)]}
    over = (10, 172, 5, 176)
    left, right = standing_feet(rig, 0, 0)
    ahead = (left[0], left[1] + step, 0.0, left[3])

    def upside(pitch, lean, arch, ll, rl, chin=-25.0):
        """On the hands, the trunk `pitch` degrees from upright and the shoulders `lean` metres ahead of the hands."""
        turn = turned(pitch)
        offset = _shoulders(rig, turn, over, spine=(arch, 0, 0)).mean(0)
        shoulder = np.array([0.0, wrist + np.sqrt(max((body.arm * bend) ** 2 - lean**2, 0.01)), hz + lean])
        return rig.key(
            shoulder - offset, turn, spine=(arch, 0, 0), head=(chin, 0, 0), la=over, ra=over, ll=ll, rl=rl, wobble=0.0, **hands
        )  # fmt: skip

    stand = rig.stand()
    raised = rig.stand(pose=ctx.pose(arms=(20, 165, 10, 172), spine=(-3, 0, 0)))
    heel = (right[0], right[1], 38.0, right[3])
    lunge = rig.key(
        (0, 0.9 * ctx.height, 0.75 * step), turned(24), spine=(14, 0, 0), head=(-20, 0, 0), la=(14, 150, 8, 155),
        ra=(14, 150, 8, 155), lf=ahead, rf=heel,
    )  # fmt: skip
    place = np.array([0, 0.8 * leg, step - 0.02])
    planted = rig.key(
        place, turned(112), spine=(16, 0, 0), head=(-30, 0, 0), la=over, ra=over, lf=ahead, rl=(r.uniform(20, 45), 2, 10, 50),
        **hands,
    )  # fmt: skip
    kick = upside(146, 0.04 * s, 4, (r.uniform(60, 80), 2, r.uniform(10, 40), 50), (r.uniform(-8, 8), 2, 8, 50))
    arch, knee = r.uniform(-16, 4), r.uniform(2, 14)
    split = r.choice([0.0, 0.0, 0.0, r.uniform(25, 55)])
    legs = (split + r.uniform(-4, 4), 3, knee, 60), (-0.3 * split, 3, knee, 60)

    def held():
        return upside(180 + r.normal(0, 1.2), r.normal(0, 0.012) * s, arch + r.normal(0, 2), *legs)

    step_up = between(rig, stand, lunge, ("lf",))
    moments = [(0.0, stand), (0.3, stand)]
    if r.random() < 0.6:
        moments += [(0.95, raised)]
        step_up = between(rig, raised, lunge, ("lf",))
    time = moments[-1][0]
    moments += [(time + 0.3, step_up), (time + 0.6, lunge), (time + 1.15, planted), (time + 1.65, kick), (time + 2.2, held())]
    up = moments[-1][0] * f
    keys, time = [(moment * f, key) for moment, key in moments], up
    start = 0.3 * f
    while time < up + max(ask.seconds - 3.0, 0.6):
        time += r.uniform(0.4, 0.9)
        keys.append((time, held()))
    back = [(0.6, kick), (1.15, planted), (1.8, lunge), (2.2, between(rig, lunge, stand, ("lf",))), (2.6, stand)]
    keys += [(time + moment * f, key) for moment, key in back]
    end = keys[-1][0]
    return rig.take(rig.play(keys), start=start, end=end, events=[up])


def seated_stretch(ctx: Context, ask: Request) -> Take:
    """Sitting on the floor with straight legs, the trunk bent over them and the hands at the shins, ankles or toes."""
    r = ctx.rng
    rig = Rig(ctx)
    s, body, leg = rig.scale, ctx.body, ctx.leg
    half = r.uniform(0.05, 0.14) * s
    if r.random() < 0.2:
        half = r.uniform(0.3, 0.45) * s  # straddled
    hips = body.rest[[1, 2]].mean(0) * (0, 1, 1)
    apart = half - float(np.abs(body.rest[[1, 2], 0]).mean())
    feet = _on_heels(rig, half, float(np.sqrt((leg * r.uniform(0.985, 0.998)) ** 2 - apart**2)), r.uniform(-80, -35))
    tilt, curl = r.uniform(14, 42), r.uniform(42, 74)
    bent = (8, 85, 4, 88)

    def at(part, pull=0.0, arms=bent, chin=4.0, spot=None):
        turn = turned(-8 + (tilt + 8) * part)
        hands = {} if spot is None else {
            "lh": spot, "rh": (-spot[0], *spot[1:]), "elbows": [(1, -0.2, 0), (-1, -0.2, 0)]
        }  # fmt: skip
        return rig.key(
            (0, rig.flesh[1], 0) - turn @ hips, turn, spine=(10 + (curl - 10) * part + pull, 0, 0), head=(chin, 0, 0), la=arms,
            ra=arms, settle=1.0, wobble=1.0, **feet, **hands,
        )  # fmt: skip

    low = at(0.0, arms=[(25, 22, 5, 45), (160, 20, 160, 18)][int(r.random() < 0.4)])
    # As far down the legs as the arms come.
    joints = rig.joints([at(1.0)])[0]
    shoulder, ankle, hip = joints[[16, 17]].mean(0), joints[[7, 8]].mean(0), joints[[1, 2]].mean(0)
    way = (ankle - hip) / np.linalg.norm(ankle - hip)
    along = (shoulder - hip) @ way
    off = float(np.linalg.norm(shoulder - hip - along * way))
    can = along + np.sqrt(max((0.97 * body.arm) ** 2 - off**2, 0.0))
    reach = min(can, leg + r.uniform(-0.16, 0.06) * s)
    x = max(half * reach / leg, 0.07 * s)
    spot = hip + reach * way + np.array([x, 0.05 * s + 0.07 * s * (reach > 0.97 * leg), 0.0])
    spot = (float(spot[0]), float(spot[1]), float(spot[2]))
    nod = r.uniform(-10, 25)

    def stretched():
        return at(1.0, r.uniform(-2, 6), chin=nod + r.normal(0, 2), spot=spot)

    f = _tempo(ask, 0.7, 1.6)
    keys, time = [(0.0, low), (0.3, low)], 0.3
    if r.random() < 0.35:  # the arms go up first
        time += 0.8 * f
        keys.append((time, at(-0.1, arms=(15, 160, 8, 168))))
    time += 1.3 * f
    keys.append((time, stretched()))
    until = time + max(ask.seconds - 2.5, 0.8)
    while time < until:
        time += r.uniform(0.7, 1.5)
        keys.append((time, stretched()))
    if r.random() < 0.75:
        time += 1.2 * f
        keys += [(time, low), (time + 0.3, low)]
    return _played(rig, ask, keys)


PROGRAMS = {
    "crunch": crunch,
    "bench_press": bench_press,
    "superman": superman,
    "donkey_kick": donkey_kick,
    "flutter_kicks": flutter_kicks,
    "bicycle_crunch": bicycle_crunch,
    "triceps_dip": triceps_dip,
    "shoulder_tap": shoulder_tap,
    "side_leg_lift": side_leg_lift,
    "cat_cow": cat_cow,
    "handstand": handstand,
    "seated_stretch": seated_stretch,
}
