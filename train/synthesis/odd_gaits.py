"""Gaits that are walked now and then: on tiptoe, staggering, with the heels up, with long lunges."""

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.context import RAD, Context, Request, Take
from llamo.train.synthesis.locomotion import Gait, _speed, _stepping, _walking, gait_controls, travel, walk_path
from llamo.train.synthesis.noise import wander
from llamo.train.synthesis.tracks import minimum_jerk, smooth, window


def tiptoe(ctx: Context, ask: Request) -> Take:
    """Walking on the balls of the feet, the heels never down."""
    r = ctx.rng
    speed = _speed(ctx, ask, (0.3, 0.5), (0.6, 0.95), (1.05, 1.4))
    gait, cadence = _walking(ctx, speed)
    gait.heel, gait.toe_off, gait.lift, gait.duty = 0.0, 18.0, r.uniform(0.04, 0.12), 0.62
    gait.arm_out, gait.elbow = gait.arm_out + r.uniform(0, 22), gait.elbow + r.uniform(0, 30)
    take = travel(ctx, gait, seconds=ask.seconds, speed=speed, cadence=cadence * r.uniform(1.0, 1.2))
    c = take.controls
    t = np.arange(len(c)) / ctx.fps
    on = window(t, 0.0, t[-1], 0.5)
    heel = r.uniform(34, 52) * RAD
    c[:, [31, 36]] += heel * on[:, None]
    c[:, 1] += 0.9 * np.sin(heel) * 0.72 * float(ctx.body.foot[:, 2].mean()) * on
    return take


def stagger(ctx: Context, ask: Request) -> Take:
    """Walking as if drunk: the way winds, the pace changes, the trunk sways."""
    r = ctx.rng
    cadence = {"slow": r.uniform(0.9, 1.2), "normal": r.uniform(1.3, 1.7), "fast": r.uniform(1.8, 2.2)}[ask.speed]
    count = max(4, int(round(max(ask.seconds, 3.5) * cadence)))
    num = max(8, int(round((count / cadence + 0.3) * ctx.fps)))
    t = np.arange(num) / ctx.fps
    noise = wander(r, num, 6, ctx.fps, low=0.12, high=0.7, terms=4)
    phase = np.concatenate([[0.0], np.cumsum(np.clip(1 + 0.25 * noise[1:, 0], 0.5, 1.5))])
    phase *= count / phase[-1]
    up = minimum_jerk(phase / 0.9) * minimum_jerk((count - 0.75 - phase) / 0.9)
    heading = smooth(r.uniform(12, 30) * RAD * noise[:, 1] * up, 2.0)
    heading -= heading[0]
    stride = r.uniform(0.3, 0.5) * ctx.scale * np.clip(1 + 0.3 * noise[:, 2], 0.3, 1.5)
    pace = stride * np.gradient(phase) * ctx.fps
    path = walk_path(ctx, pace * up, r.uniform(0.05, 0.18) * noise[:, 3] * up, heading)
    gait = Gait(
        duty=0.68, lift=r.uniform(0.04, 0.1), toe_off=32, heel=6, sway=0.05, width=r.uniform(1.2, 2.2), arm=10, elbow=22,
        arm_out=r.uniform(10, 24), drop=0.04, stoop=r.uniform(2, 14), hip_drop=4,
    )  # fmt: skip
    vigour = np.clip(minimum_jerk(phase / 0.8) * minimum_jerk((count - phase) / 0.8), 0, 1)
    out = gait_controls(ctx, gait, path, heading, phase, vigour, first_left=bool(r.random() < 0.5))
    on = vigour * r.uniform(0.7, 1.3)
    out[:, ch.ROLL] += 6 * RAD * noise[:, 4] * on
    out[:, 7] += 9 * RAD * noise[:, 5] * on
    out[:, 6] += 8 * RAD * noise[:, 3] * on
    out[:, 10] -= 10 * RAD * noise[:, 5] * on
    take = Take(out, [], 0.1, t[-1] - 0.1, (path[-1, 0], path[-1, 1], heading[-1]), loose_start=0.6, loose_end=0.6)
    return take


def heel_kicks(ctx: Context, ask: Request) -> Take:
    """Running in place with the heels to the buttocks; every heel counts."""
    r = ctx.rng
    gait = Gait(
        duty=0.46, lift=r.uniform(0.3, 0.42), lift_at=0.5, toe_off=r.uniform(40, 60), heel=0, bob=0.025, sway=0.01, width=0.9,
        arm=r.uniform(5, 35), elbow=r.uniform(50, 95), elbow_swing=8, hip_turn=3, lean=4, drop=0.015, across=10,
    )  # fmt: skip
    take = _stepping(ctx, gait, ask.count, 2.7 / ask.factor, 0.0)
    c = take.controls
    back = r.uniform(0.9, 1.15)
    for slot in (28, 33):
        lifted = np.maximum(c[:, slot + 1] - ctx.body.ball, 0.0)
        c[:, slot + 2] -= back * lifted
        c[:, slot + 3] += lifted / (0.4 * ctx.scale) * 55 * RAD
    return take


PROGRAMS = {"tiptoe": tiptoe, "stagger": stagger, "heel_kicks": heel_kicks}
