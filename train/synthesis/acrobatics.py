"""Upside down: cartwheels, forward rolls, backflips."""

import numpy as np

from llamo.train.synthesis.context import Context, Request, Take
from llamo.train.synthesis.floor import standing_feet
from llamo.train.synthesis.free_body import GRAVITY, Key, Rig, mixed, turned


def cartwheel(ctx: Context, ask: Request) -> Take:
    """A wheel over both hands towards the left."""
    r = ctx.rng
    rig = Rig(ctx)
    s, leg, body = rig.scale, ctx.leg, ctx.body
    f = float(np.clip(ask.factor, 0.95, 1.6))
    spread = r.uniform(32, 52)
    bend = r.uniform(0, 18)
    step = r.uniform(0.3, 0.48) * s
    first = step + r.uniform(0.5, 0.62) * s
    second = first + r.uniform(0.36, 0.5) * s
    lands = second + r.uniform(0.52, 0.66) * s
    last = lands + r.uniform(0.4, 0.5) * s
    wrist = 0.03 * s
    reach = body.torso + body.arm * 0.97
    deep = r.uniform(-0.08, 0.08) * s
    hand_l, hand_r = (first, wrist, deep), (second, wrist, deep)
    face = r.uniform(-12, 12)
    start = rig.stand()
    base_l, base_r = standing_feet(rig, 0, 0)
    out = (40 + r.uniform(0, 30), r.uniform(120, 165), 60, 170)
    foot_l = (base_l[0] + step, 0.05, 0.0, 55.0)
    raised = rig.key((0.0, ctx.height, 0.0), turned(2), la=out, ra=out, lf=base_l, rf=base_r, spine=(-4, 0, 0))
    lean = rig.key(
        (step * 0.75, 0.8 * ctx.height, 0.02),
        turned(6, -32, face),
        spine=(8, -18, 0),
        la=(80, 160, 70, 165),
        ra=(80, 165, 70, 165),
        lf=foot_l,
        rf=(base_r[0], base_r[1], 35.0, base_r[3]),
    )
    touch = rig.key(
        (step + 0.22 * s, 0.88 * leg + 0.05, 0.02),
        turned(0, -100, face),
        spine=(12, -18, 0),
        head=(-14, 0, 0),
        lh=hand_l,
        ra=(80, 165, 75, 170),
        lf=(*foot_l[:2], 25.0, 55.0),
        rl=(0, spread + 8, 6, 50),
    )
    kick = rig.key(
        (step + 0.1 * s, 0.86 * ctx.height, 0.02),
        turned(4, -66, face),
        spine=(10, -18, 0),
        head=(-8, 0, 0),
        la=(75, 160, 65, 165),
        ra=(80, 165, 75, 170),
        lf=(*foot_l[:2], 8.0, 55.0),
        rl=(-4, spread * 0.75, 10, 45),
    )
    middle = 0.5 * (first + second)

    def over(roll, x, hips, legs):
        high = wrist + reach * 0.99
        return rig.key(
            (x, high, deep),
            turned(0, roll, face),
            spine=(hips, 0, 0),
            head=(-18, 0, 0),
            lh=hand_l,
            rh=hand_r,
            ll=(hips, legs[0], bend, 50),
            rl=(hips, legs[1], bend, 50),
        )

    up1 = over(-148, middle - 0.12 * s, 2, (spread + 6, spread))
    up2 = over(-192, middle + 0.06 * s, 0, (spread, spread))
    leave = rig.key(
        (second + 0.22 * s, 0.86 * leg + 0.06, 0.02),
        turned(0, -258, face),
        spine=(12, 18, 0),
        head=(-14, 0, 0),
        la=(80, 165, 75, 170),
        rh=hand_r,
        rf=(lands, 0.04, 20.0, -40.0),
        ll=(0, spread + 8, 6, 50),
    )
    alight = rig.key(
        (lands - 0.06 * s, 0.86 * ctx.height, 0.02),
        turned(4, -294, face),
        spine=(10, 18, 0),
        head=(-8, 0, 0),
        la=(80, 165, 75, 170),
        ra=(75, 160, 65, 165),
        rf=(lands, 0.04, 8.0, -40.0),
        ll=(-4, spread * 0.75, 10, 45),
    )
    down = rig.key(
        (lands + 0.12 * s, 0.82 * ctx.height, 0.02),
        turned(6, -325, face),
        spine=(8, 16, 0),
        la=(80, 150, 70, 160),
        ra=(80, 155, 70, 160),
        rf=(lands, 0.04, 0.0, -40.0),
        lf=(last, 0.0, 20.0, 10.0),
    )
    end_x = 0.5 * (lands + last)
    close = rig.key(
        (end_x, ctx.height * 0.97, 0.0),
        turned(2, -360),
        la=out,
        ra=out,
        lf=(last, 0.0, 0.0, 10.0),
        rf=(lands, 0.04, 0.0, -20.0),
    )
    stand = rig.stand(end_x, 0.0, 0.0)
    left = Key(mixed(close.values, stand.values, 0.5), stand.hands, 0.5 * (close.feet + stand.feet))
    left.feet[0] = close.feet[0]
    left.feet[1] = stand.feet[1]
    order = (raised, lean, kick, touch, up1, up2, leave, alight, down, close)
    spans = list(zip((0.5, 0.4, 0.24, 0.24, 0.25, 0.2, 0.3, 0.24, 0.26, 0.4), order))
    keys, time = [(0.0, start)], 0.0
    for span, key in spans:
        time += span * f
        keys.append((time, key))
    moment = sum(span for span, _ in spans[:5]) * f + 0.1 * f
    end = time
    keys += [(time + 0.35, left), (time + 0.7, stand)]
    joints = rig.play(keys)
    return rig.take(joints, start=0.5 * f * r.uniform(0, 0.6), end=end, events=[moment], place=(end_x, 0.0, 0.0))


def forward_roll(ctx: Context, ask: Request) -> Take:
    """From a crouch over the hands, the neck and the back to the feet."""
    r = ctx.rng
    rig = Rig(ctx)
    s, leg = rig.scale, ctx.leg
    f = float(np.clip(ask.factor, 0.7, 1.6))
    feet = standing_feet(rig, 0, 0)
    toes = [(x, z, 30.0, yaw) for x, z, _, yaw in feet]
    hz = r.uniform(0.42, 0.58) * s
    wide = r.uniform(0.17, 0.26) * s
    hands = {"lh": (wide, 0.03 * s, hz), "rh": (-wide, 0.03 * s, hz)}
    elbows = [(0.7, 0.2, -1), (-0.7, 0.2, -1)]
    knees = [(0.35, 0, 1), (-0.35, 0, 1)]
    crouch = rig.key(
        (0, 0.5 * leg, 0.05 * s),
        turned(62),
        spine=(46, 0, 0),
        head=(5, 0, 0),
        lf=toes[0],
        rf=toes[1],
        knees=knees,
        elbows=elbows,
        **hands,
    )
    tuck = r.uniform(95, 125)
    shin = r.uniform(85, 125)
    tipping = rig.key(
        (0, 0.72 * leg, 0.24 * s),
        turned(104),
        spine=(58, 0, 0),
        head=(40, 0, 0),
        lf=(*toes[0][:2], 65.0, toes[0][3]),
        rf=(*toes[1][:2], 65.0, toes[1][3]),
        knees=[(0.2, -0.3, 1), (-0.2, -0.3, 1)],
        elbows=elbows,
        **hands,
    )
    push = hz + 0.1 * s
    neck = rig.key(
        (0, 0.5 * s, push + 0.02),
        turned(168),
        spine=(62, 0, 0),
        head=(48, 0, 0),
        ll=(tuck - 25, 5, shin * 0.45, 40),
        rl=(tuck - 25, 5, shin * 0.5, 40),
        settle=1.0,
        elbows=elbows,
        **hands,
    )
    arms = [(25, 50, -5, 85), (15, 75, 0, 95)][r.integers(2)]
    back = rig.key(
        (0, 0.3 * s, push + 0.38 * s),
        turned(230),
        spine=(60, 0, 0),
        head=(42, 0, 0),
        la=arms,
        ra=arms,
        ll=(tuck, 6, shin, 30),
        rl=(tuck, 6, shin, 30),
        settle=1.0,
    )
    rump = rig.key(
        (0, 0.1 * s, push + 0.62 * s),
        turned(302),
        spine=(56, 0, 0),
        head=(25, 0, 0),
        la=arms,
        ra=arms,
        ll=(tuck + 5, 8, shin + 8, 20),
        rl=(tuck + 5, 8, shin + 8, 20),
        settle=1.0,
    )
    z = push + r.uniform(0.78, 0.86) * s
    ends = standing_feet(rig, 0, z)
    flat = [(x, zz, 14.0, yaw) for x, zz, _, yaw in ends]
    squat = rig.key(
        (0, 0.3 * leg, z - 0.15 * s),
        turned(382),
        spine=(46, 0, 0),
        head=(-15, 0, 0),
        la=(15, 70, 0, 85),
        ra=(15, 70, 0, 85),
        lf=flat[0],
        rf=flat[1],
        knees=knees,
    )
    stand = rig.stand(0, z, 0)
    spans = [(0.75, crouch), (0.4, tipping), (0.36, neck), (0.26, back), (0.24, rump), (0.36, squat), (0.75, stand)]
    keys, time = [(0.0, rig.stand())], 0.0
    for span, key in spans:
        time += span * f
        keys.append((time, key))
    moment = 1.6 * f
    return rig.take(rig.play(keys), start=0.0, end=time, events=[moment], place=(0.0, z, 0.0))


def backflip(ctx: Context, ask: Request) -> Take:
    """A somersault backwards: arm swing, crouch, take-off, tuck, landing."""
    r = ctx.rng
    rig = Rig(ctx)
    s, leg = rig.scale, ctx.leg
    f = float(np.clip(ask.factor, 0.8, 1.35))
    back = -r.uniform(0.55, 1.15) * s
    flight = float(np.clip(r.normal(0.55, 0.035), 0.49, 0.63)) * s**0.5
    feet = standing_feet(rig, 0, 0)
    ends = standing_feet(rig, 0, back)
    ready = rig.key(
        (0, ctx.height, 0.0),
        turned(2),
        la=(10, r.uniform(90, 150), 5, 160),
        ra=(10, r.uniform(90, 150), 5, 160),
        lf=feet[0],
        rf=feet[1],
        spine=(-4, 0, 0),
    )
    crouch = rig.key(
        (0, ctx.height - r.uniform(0.24, 0.34) * leg, -0.14 * s),
        turned(30),
        spine=(16, 0, 0),
        head=(-22, 0, 0),
        la=(165, 50, 170, 40),
        ra=(165, 50, 170, 40),
        lf=feet[0],
        rf=feet[1],
    )
    raised = [(x, z, 48.0, yaw) for x, z, _, yaw in feet]
    top = ctx.body.pelvis_height + 0.05 * s
    off = rig.key(
        (0, top, -0.16 * s),
        turned(-18),
        spine=(-16, 0, 0),
        head=(-14, 0, 0),
        la=(15, 160, 5, 170),
        ra=(15, 160, 5, 170),
        lf=raised[0],
        rf=raised[1],
    )
    rise = GRAVITY * flight**2 / 8
    tuck = r.uniform(85, 118)
    shin = r.uniform(90, 125)
    hold = (25, 55, -5, 85)

    def turning(pitch, part, hips, knee, arms, curl):
        return rig.key(
            (0, top + rise, -0.16 * s + (back + 0.16 * s) * part),
            turned(pitch),
            spine=(curl, 0, 0),
            head=(curl * 0.4 - 6, 0, 0),
            la=arms,
            ra=arms,
            ll=(hips, 8, knee, 40),
            rl=(hips, 8, knee, 40),
        )

    low = ctx.height - r.uniform(0.1, 0.2) * leg
    land = rig.key(
        (0, low, back - 0.05 * s),
        turned(-360 + 26),
        spine=(24, 0, 0),
        head=(-8, 0, 0),
        la=(30, 60, 5, 80),
        ra=(30, 60, 5, 80),
        lf=(*ends[0][:2], 12.0, ends[0][3]),
        rf=(*ends[1][:2], 12.0, ends[1][3]),
    )
    soft = rig.key(
        (0, ctx.height - r.uniform(0.28, 0.4) * leg, back - 0.1 * s),
        turned(-360 + 40),
        spine=(26, 0, 0),
        head=(-28, 0, 0),
        la=(30, 60, 5, 75),
        ra=(30, 60, 5, 75),
        lf=ends[0],
        rf=ends[1],
    )
    stand = rig.stand(0, back, 0)
    a = 0.5 * f
    b = a + 0.42 * f
    c = b + 0.21
    keys = [
        (0.0, rig.stand()),
        (a, ready),
        (b, crouch),
        (c, off),
        (c + 0.2 * flight, turning(-78, 0.2, 17, 40, (20, 135, 5, 150), 2)),
        (c + 0.45 * flight, turning(-158, 0.45, 0.66 * tuck, 0.85 * shin, hold, 26)),
        (c + 0.66 * flight, turning(-238, 0.66, 0.84 * tuck, shin, hold, 34)),
        (c + 0.84 * flight, turning(-300, 0.84, 92, 98, (30, 60, 5, 80), 28)),
        (c + flight, land),
        (c + flight + 0.22, soft),
        (c + flight + 0.22 + 0.75 * f, stand),
    ]
    joints = rig.play(keys, flights=[(c, c + flight)])
    return rig.take(joints, start=0.0, end=keys[-1][0], events=[c + flight / 2], place=(0.0, float(back), 0.0))


PROGRAMS = {"cartwheel": cartwheel, "forward_roll": forward_roll, "backflip": backflip}
