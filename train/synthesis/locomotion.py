"""Getting about on two feet: one gait model with foot locking for walking, running, turning and their kin."""

from dataclasses import dataclass

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.context import RAD, Context, Request, Take
from llamo.train.synthesis.tracks import minimum_jerk, smooth, track


GRAVITY = 9.81


@dataclass
class Gait:
    """Shape of a gait. Lengths in metres for a person of 1.73 m, angles in degrees.

    Args:
        duty: share of the stride in which a foot stands (walking about 0.62, running about 0.35).
        lift: height of the ball of the swinging foot. lift_at: when in the swing it is highest (0..1).
        toe_off: foot pitch at push-off. heel: toes-up pitch at landing.
        bob: half the vertical travel of the pelvis; sign +1 highest over the standing leg (walking), -1 running.
        sway: lateral shift over the standing foot. width: factor on the stance width.
        arm, elbow, elbow_swing: arm swing amplitude, elbow flexion and its change. arm_lag: of the phase, radians.
        lean, stoop, drop: added pelvis lean, spine flexion, lowering as a fraction of the leg.
        hip_turn, hip_drop: pelvis rotation about the vertical and towards the swinging side.
        knee_lift: extra lift with the foot below the knee (marching). across: forearms turned inward.
    """

    duty: float = 0.62
    lift: float = 0.05
    lift_at: float = 0.4
    toe_off: float = 45.0
    heel: float = 16.0
    bob: float = 0.016
    bob_sign: float = 1.0
    sway: float = 0.018
    width: float = 0.8
    arm: float = 20.0
    elbow: float = 18.0
    elbow_swing: float = 12.0
    arm_lag: float = 0.25
    lean: float = 1.5
    stoop: float = 0.0
    drop: float = 0.012
    hip_turn: float = 5.0
    hip_drop: float = 3.0
    across: float = 8.0
    arm_out: float = 8.0


def walk_path(ctx: Context, speed: np.ndarray, side: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """Ground path (T, 2) as x, z from forward and leftward speed (T,) and heading (T,)."""
    vx = speed * np.sin(yaw) + side * np.cos(yaw)
    vz = speed * np.cos(yaw) - side * np.sin(yaw)
    v = np.stack([vx, vz], axis=1) / ctx.fps
    return np.concatenate([np.zeros((1, 2)), np.cumsum(0.5 * (v[1:] + v[:-1]), axis=0)])


def gait_controls(
    ctx: Context,
    gait: Gait,
    path: np.ndarray,
    yaw: np.ndarray,
    steps: np.ndarray,
    vigour: np.ndarray,
    *,
    first_left: bool,
    ahead: float = 0.0,
    rise: float = 0.0,
    limp: float = 0.0,
) -> np.ndarray:
    """Controls of a gait along a path.

    Args:
        path: (T, 2) ground position of the pelvis. yaw: (T,) heading. steps: (T,) phase; a whole number k is the
            middle of the stance of step k. vigour: (T,) 0..1 amplitude of the swing (0 standing).
        first_left: whether step 0 stands on the left foot (so that the right foot moves first).
        ahead: forward speed divided by step rate, for where the foot lands. rise: metres climbed per step.
        limp: 0..1 protection of the right leg.
    """
    body, rng, s = ctx.body, ctx.rng, ctx.scale
    num_frames = len(steps)
    t = np.arange(num_frames) / ctx.fps
    out = np.tile(ctx.base, (num_frames, 1))
    last = int(np.floor(steps[-1] + 1e-6))
    index = np.arange(-1, last + 2)
    when = np.interp(index, steps, t, left=0.0, right=t[-1])
    hold_x = np.interp(when, t, path[:, 0])
    hold_z = np.interp(when, t, path[:, 1])
    hold_yaw = np.interp(when, t, yaw)
    final = index >= last - 1
    hold_x[final], hold_z[final], hold_yaw[final] = path[-1, 0], path[-1, 1], yaw[-1]
    wobble = np.clip(rng.standard_normal((len(index), 2)), -2, 2) * 0.012 * s * np.interp(when, t, vigour)[:, None]
    wobble[final | (index <= 0)] = 0
    active = np.interp(when, t, vigour)
    for foot, slot in ((0, ch.FOOT_L), (1, ch.FOOT_R)):
        mine = (index % 2 == 0) == ((foot == 0) == first_left)
        k = index[mine].astype(float)
        neutral = ctx.base[slot]
        rest = final[mine] | (k <= 0)
        spread = np.where(rest, 1.0, 1 - (1 - gait.width) * active[mine])
        side = neutral[0] * spread + wobble[mine, 0]
        fore = neutral[2] + wobble[mine, 1]
        hy = hold_yaw[mine]
        hx = hold_x[mine] + side * np.cos(hy) + fore * np.sin(hy)
        hz = hold_z[mine] - side * np.sin(hy) + fore * np.cos(hy)
        height = np.clip(k, 0, last) * rise
        duty = gait.duty * (1 - 0.28 * limp * foot + 0.18 * limp * (1 - foot))
        lift_off, land = k + duty, k - duty
        # First and last stance have no swing before and after.
        place = np.clip(np.searchsorted(land, steps, side="right") - 1, 0, len(k) - 1)
        after = np.minimum(place + 1, len(k) - 1)
        swinging = (steps > lift_off[place]) & (after > place)
        u = np.where(swinging, (steps - lift_off[place]) / np.maximum(land[after] - lift_off[place], 1e-3), 0.0)
        u = np.clip(u, 0, 1)
        ease = 0.35 * minimum_jerk(u) + 0.65 * u * u * (3 - 2 * u)
        amp = np.maximum(vigour, 0.25)
        x = hx[place] + (hx[after] - hx[place]) * ease
        z = hz[place] + (hz[after] - hz[place]) * ease
        w = np.log(0.5) / np.log(max(gait.lift_at, 0.05))
        arch = np.sin(np.pi * u**w) ** 1.3
        y = height[place] + (height[after] - height[place]) * minimum_jerk(u * 1.6) + body.ball
        y = y + arch * (gait.lift * s * amp * (1 - 0.3 * limp * foot) + 0.35 * abs(rise))
        turn = hy[place] + (hy[after] - hy[place]) * ease + neutral[4]
        # Foot pitch over the stance and the swing.
        toe, heel = gait.toe_off * RAD * amp, gait.heel * RAD * amp
        stance = np.clip((steps - land[place]) / (2 * duty), 0, 1)
        moves_on = after > place
        came = place > 0
        roll_off = toe * np.clip((stance - 0.52) / 0.48, 0, 1) ** 1.7 * moves_on
        landing = -heel * np.clip(1 - stance / 0.14, 0, 1) * came
        swing_pitch = toe * (1 - minimum_jerk(u / 0.75)) - heel * minimum_jerk((u - 0.45) / 0.55)
        pitch = np.where(swinging, swing_pitch, np.where(steps > lift_off[place], 0.0, roll_off + landing))
        out[:, slot] = np.stack([x, y, z, pitch, turn], axis=1)

    phase = steps + (1.0 if first_left else 0.0)  # even: right foot in mid-stance
    envelope = smooth(vigour, 2.0)
    cos1, sin1 = np.cos(np.pi * phase), np.sin(np.pi * phase)  # cos1 = +1 over the right foot, -1 over the left
    cos2 = np.cos(2 * np.pi * steps)
    # Over the right foot the body shifts to the right (-x) and the left hip drops (roll towards the left).
    sway = -gait.sway * s * cos1 * envelope
    c, sn = np.cos(yaw), np.sin(yaw)
    out[:, 0] = path[:, 0] + sway * c
    out[:, 2] = path[:, 1] - sway * sn
    climb = np.interp(steps, index, np.clip(index, 0, last) * rise) if rise else 0.0
    if gait.duty < 0.5:
        bob = _run_bob(gait, steps) * ctx.style.bounce**0.5
        out[:, 1] += (bob - gait.drop * ctx.leg) * envelope + climb
    else:
        out[:, 1] += (gait.bob * gait.bob_sign * s * cos2 * ctx.style.bounce - gait.drop * ctx.leg) * envelope + climb
    out[:, ch.YAW] += yaw
    # At phase 1/2 after the right mid-stance the left foot is in front: the pelvis turns to the right (negative).
    hip = -gait.hip_turn * RAD * sin1 * envelope
    out[:, ch.YAW] += hip
    out[:, ch.ROLL] += gait.hip_drop * RAD * -cos1 * envelope + limp * 5 * RAD * np.maximum(cos1, 0) * envelope
    out[:, ch.PITCH] += gait.lean * 0.6 * RAD * envelope
    out[:, 6] += (gait.stoop + gait.lean * 0.4) * RAD * envelope
    out[:, 7] += gait.hip_drop * 0.8 * RAD * cos1 * envelope + limp * 9 * RAD * np.maximum(cos1, 0) * envelope
    swing = ctx.posture["swing"] * ctx.style.amplitude
    counter = gait.hip_turn * 1.0 * RAD + gait.arm * swing * 0.22 * RAD
    out[:, 8] += -hip + counter * sin1 * envelope
    out[:, 9] -= (gait.stoop * 0.8 + gait.lean * 0.4) * RAD * envelope
    out[:, 11] += -0.8 * counter * sin1 * envelope
    swing_arms(ctx, gait, out, np.pi * phase, envelope, swing)
    return out


def _run_bob(gait: Gait, steps: np.ndarray) -> np.ndarray:
    """Pelvis height of a run around its mean: ballistic in flight, a spring on the ground, in metres."""
    u = np.mod(steps + 0.5, 1.0)  # 0 and 1: mid-flight, 0.5: mid-stance
    flight = 0.5 - gait.duty
    near = np.minimum(u, 1 - u)
    top = gait.bob
    parabola = top - (near / max(flight, 1e-3)) ** 2 * top * 0.62
    spring = top * 0.38 - (top * 1.38) * np.sin(np.pi * 0.5 * np.clip((near - flight) / max(0.5 - flight, 1e-3), 0, 1)) ** 1.6
    return np.where(near < flight, parabola, spring)


def swing_arms(ctx: Context, gait: Gait, out: np.ndarray, phase: np.ndarray, envelope: np.ndarray, swing: float):
    """Write swinging arms into the controls: each arm goes with the opposite leg."""
    lag = gait.arm_lag
    asym = 1 + np.clip(ctx.rng.standard_normal(2), -2, 2) * 0.12
    for i, (slot, sign) in enumerate(((16, 1.0), (22, -1.0))):
        # At sin(phase)=1 the left foot is in front, so the right arm is.
        theta = (-sign * np.sin(phase - lag) * gait.arm * swing * asym[i] + 0.12 * gait.arm) * RAD
        bend = (
            gait.elbow
            + ctx.style.elbows * 0.5
            + gait.elbow_swing * np.sin(-sign * phase * 1.0 + sign * (lag + 0.35)) * 0.5
            + 0.5 * gait.elbow_swing
        ) * RAD
        bend = np.maximum(bend, 4 * RAD)
        abduct = (gait.arm_out + max(ctx.style.arms_out, -2) * 0.7 + (ctx.posture["arm_out"][i] - 6) * 0.7) * RAD
        inward = gait.across * RAD * (0.4 + 0.6 * np.clip(theta * 2 + 0.5, 0, 1))
        upper = np.stack([sign * np.sin(abduct) * np.cos(theta), -np.cos(abduct) * np.cos(theta), np.sin(theta)], -1)
        e = theta + bend
        fore = np.stack(
            [sign * (np.sin(abduct) * np.cos(e) - np.sin(inward) * np.sin(bend)), -np.cos(abduct) * np.cos(e), np.sin(e)], -1
        )
        fore /= np.linalg.norm(fore, axis=-1, keepdims=True)
        w = envelope[:, None]
        base = ctx.base[slot : slot + 6]
        mixed = np.concatenate([base[:3] * (1 - w) + upper * w, base[3:] * (1 - w) + fore * w], axis=1)
        mixed[:, :3] /= np.linalg.norm(mixed[:, :3], axis=1, keepdims=True)
        mixed[:, 3:] /= np.linalg.norm(mixed[:, 3:], axis=1, keepdims=True)
        out[:, slot : slot + 6] = mixed


def travel(
    ctx: Context,
    gait: Gait,
    *,
    seconds: float,
    speed: float,
    cadence: float,
    side: float = 0.0,
    turn: float = 0.0,
    rise: float = 0.0,
    limp: float = 0.0,
    wander: float = 1.0,
    steps: int | None = None,
    ramp: float | None = None,
) -> Take:
    """Start from standing, go, and come to a stand.

    Args:
        speed, side: forward and leftward speed, m/s. cadence: steps per second. turn: total heading change, degrees.
        steps: whole number of steps (overrides seconds).
    """
    rng = ctx.rng
    count = steps if steps is not None else max(2, int(round(seconds * cadence)))
    ramp_steps = 1.0 if ramp is None else ramp
    # Phase: first and last step a little slower than the rest, cadence drifting slowly.
    duration = count / cadence
    num_frames = max(8, int(round((duration + 0.25) * ctx.fps)))
    t = np.arange(num_frames) / ctx.fps
    drift = 1 + 0.05 * np.sin(2 * np.pi * rng.uniform(0.05, 0.2) * t + rng.uniform(0, 6.28)) * wander
    rate = drift * track([0, 0.12, 0.35, duration - 0.2, duration + 0.25], [0.5, 0.9, 1, 1, 0.75], t)
    phase = np.concatenate([[0], np.cumsum(0.5 * (rate[1:] + rate[:-1]))])
    phase *= count / phase[-1]
    if limp:
        phase = phase + 0.13 * limp * np.sin(np.pi * phase)
    up = minimum_jerk((phase - 0.15) / max(0.9 * ramp_steps, 0.3)) * minimum_jerk(
        (count - 0.75 - phase) / max(0.9 * ramp_steps, 0.3)
    )
    heading = np.zeros(num_frames)
    if turn:
        share = np.cumsum(minimum_jerk((phase - 0.1) / 0.8) * minimum_jerk((count - 0.6 - phase) / 0.8))
        heading = turn * RAD * share / max(share[-1], 1e-6)
    if speed and not turn:
        heading = heading + 3 * RAD * wander * np.sin(2 * np.pi * rng.uniform(0.03, 0.12) * t) * up
    pulse = 1 + 0.05 * np.cos(2 * np.pi * phase)
    path = walk_path(ctx, speed * up * drift * pulse, side * up * drift, heading)
    vigour = np.clip(minimum_jerk((phase - 0.0) / 0.8) * minimum_jerk((count - phase) / 0.8), 0, 1)
    first_left = bool(rng.random() < 0.5) if not side else side < 0
    out = gait_controls(ctx, gait, path, heading, phase, vigour, first_left=first_left, rise=rise, limp=limp)
    whole = np.arange(1, count)
    events = np.interp(whole - gait.duty, phase, t)
    return Take(
        out,
        [float(e) for e in events],
        0.1,
        t[-1] - 0.1,
        (path[-1, 0], path[-1, 1], heading[-1]),
        loose_start=min(1.2, 0.3 * duration),
        loose_end=min(1.2, 0.3 * duration),
    )


# programs ------------------------------------------------------------------------------------------------------------


def stand(ctx: Context, ask: Request) -> Take:
    """Quiet standing with weight shifts and small fidgets."""
    rng = ctx.rng
    keys, time = [(0.0, ctx.base)], 0.0
    while time < ask.seconds - 1.0:
        time += rng.uniform(1.2, 3.0)
        kind = rng.random()
        if kind < 0.45:
            d = rng.uniform(0.01, 0.035) * rng.choice([-1, 1])
            pose = ctx.pose(
                dx=d,
                roll=-d * 90,
                spine=(rng.normal(0, 2), d * 80, rng.normal(0, 3)),
                head=(rng.normal(0, 3), 0, rng.normal(0, 12)),
            )
        elif kind < 0.75:
            pose = ctx.pose(
                spine=(rng.normal(0, 2), 0, rng.normal(0, 6)),
                head=(rng.normal(0, 5), rng.normal(0, 3), rng.normal(0, 20)),
                dx=rng.normal(0, 0.008),
                dz=rng.normal(0, 0.008),
            )
        else:
            pose = ctx.pose(
                dx=rng.normal(0, 0.01),
                la=None if rng.random() < 0.5 else (rng.uniform(10, 60), rng.uniform(8, 20), 0, rng.uniform(20, 40)),
                ra=None if rng.random() < 0.5 else (rng.uniform(10, 60), rng.uniform(8, 20), 0, rng.uniform(20, 40)),
            )
        keys.append((time, pose))
    keys.append((max(ask.seconds, time + 0.8), ctx.base))
    return Take(ctx.play(keys), loose_start=0.5, loose_end=0.5)


def _speed(ctx: Context, ask: Request, slow, normal, fast) -> float:
    low, high = {"slow": slow, "normal": normal, "fast": fast}[ask.speed]
    return float(ctx.rng.uniform(low, high)) * ctx.scale**0.5


def _walking(ctx: Context, speed: float) -> tuple[Gait, float]:
    """Gait and cadence of walking at a speed (cadence grows with the root of speed: Grieve and Gear, 1966)."""
    r = ctx.rng
    cadence = (1.27 + 0.42 * speed) * ctx.scale**-0.5 * float(np.exp(np.clip(r.normal(), -2, 2) * 0.05))
    q = speed / 1.3
    gait = Gait(
        duty=float(np.clip(0.635 - 0.035 * (q - 1), 0.56, 0.7)),
        lift=r.uniform(0.055, 0.1),
        lift_at=r.uniform(0.26, 0.36),
        toe_off=float(np.clip(60 * q**0.5, 30, 78)) * r.uniform(0.85, 1.15),
        heel=float(np.clip(19 * q**0.7, 5, 26)),
        bob=0.017 * q,
        sway=r.uniform(0.012, 0.026),
        width=r.uniform(0.3, 0.85),
        arm=float(np.clip(15 * q, 5, 32)) * r.uniform(0.4, 1.45),
        elbow=r.uniform(5, 30),
        elbow_swing=r.uniform(4, 22),
        arm_lag=r.uniform(0.0, 0.5),
        lean=1 + 1.5 * q + r.normal(0, 1),
        hip_turn=5 * q * r.uniform(0.6, 1.4),
        hip_drop=r.uniform(1.5, 4.5),
        across=r.uniform(0, 18),
        drop=0.016 + 0.01 * q,
        arm_out=r.uniform(1, 9),
    )
    return gait, cadence


def walk(ctx: Context, ask: Request, turn: float = 0.0) -> Take:
    """Plain walking."""
    speed = _speed(ctx, ask, (0.55, 0.92), (1.05, 1.5), (1.68, 2.05))
    gait, cadence = _walking(ctx, speed)
    return travel(ctx, gait, seconds=ask.seconds, speed=speed, cadence=cadence, turn=turn)


def walk_curve(ctx: Context, ask: Request) -> Take:
    """Walking along an arc to the left."""
    angle = ctx.rng.uniform(60, 300) if ask.seconds > 4 else ctx.rng.uniform(50, 130)
    return walk(ctx, ask, turn=min(angle, ask.seconds * 55))


def carry(ctx: Context, ask: Request) -> Take:
    """Walking with both arms holding something in front."""
    take = walk(ctx, ask)
    r = ctx.rng
    pose = ctx.pose(arms=(r.uniform(5, 30), r.uniform(10, 35), r.uniform(-20, -5), r.uniform(75, 105)), spine=(-3, 0, 0))
    take.controls[:, ch.ARM] = _between(ctx, take.controls, pose)
    take.controls[:, 8] *= 0.4
    return take


def zombie_walk(ctx: Context, ask: Request) -> Take:
    """Staggering slowly with stiff legs, one arm or both reaching ahead, the trunk and the head hanging where they will."""
    r = ctx.rng
    speed = _speed(ctx, ask, (0.25, 0.4), (0.4, 0.75), (0.8, 1.1))
    gait, cadence = _walking(ctx, speed)
    gait.toe_off *= r.uniform(0.25, 0.8)
    gait.heel *= 0.4
    gait.lift *= r.uniform(0.4, 1.1)
    gait.bob *= 0.6
    gait.sway = r.uniform(0.03, 0.08)
    gait.width = r.uniform(0.8, 1.5)
    gait.hip_drop = r.uniform(3, 9)
    gait.hip_turn = r.uniform(3, 14)
    gait.lean, gait.stoop = r.uniform(-4, 22), r.uniform(-4, 24)
    dragged = r.uniform(0.4, 1.1) if r.random() < 0.5 else 0.0
    take = travel(ctx, gait, seconds=ask.seconds, speed=speed, cadence=cadence * r.uniform(0.75, 1.0), limp=dragged)

    def reaching():
        up = r.uniform(58, 104)
        return (r.uniform(-12, 22), up, r.uniform(-20, 12), np.clip(up + r.uniform(-18, 28), 40, 120))

    def hanging():
        return (r.uniform(0, 60), r.uniform(8, 35), r.uniform(-30, 20), r.uniform(15, 85))

    left, right = reaching(), reaching()
    draw = r.random()
    if draw < 0.18:
        left = hanging()
    elif draw < 0.36:
        right = hanging()
    pose = ctx.pose(la=left, ra=right, frame=r.uniform(0.0, 0.6))
    controls = take.controls
    controls[:, ch.ARM] = _between(ctx, controls, pose)
    t, held = np.arange(len(controls)) / ctx.fps, _held(ctx, len(controls))
    controls[:, ch.ARM_FRAME] += held * (pose[ch.ARM_FRAME] - controls[:, ch.ARM_FRAME])
    rolling = np.sin(np.pi * cadence * t * r.uniform(0.4, 1.0) + r.uniform(0, 6.28))
    spine, head = (r.normal(0, 5), r.normal(0, 9), r.normal(0, 6)), (r.uniform(-15, 25), r.normal(0, 14), r.normal(0, 8))
    controls[:, ch.SPINE] += held[:, None] * (np.array(spine) + np.outer(rolling, r.normal(0, 5, 3))) * RAD
    controls[:, ch.HEAD] += held[:, None] * (np.array(head) + np.outer(rolling, r.normal(0, 4, 3))) * RAD
    return take


def _held(ctx: Context, num_frames: int, seconds: float = 0.5) -> np.ndarray:
    """How far a pose is taken, `(num_frames,)`: 0 at both ends, 1 between them, with passages of `seconds`."""
    t = np.arange(num_frames) / ctx.fps
    return minimum_jerk(t / seconds) * minimum_jerk((t[-1] - t) / seconds)


def _between(ctx: Context, controls: np.ndarray, pose: np.ndarray, seconds: float = 0.5) -> np.ndarray:
    w = _held(ctx, len(controls), seconds)[:, None]
    swing = controls[:, ch.ARM] - controls[:, ch.ARM].mean(0)
    mixed = controls[:, ch.ARM] * (1 - w) + (pose[ch.ARM] + 0.06 * swing) * w
    return mixed


def _running(ctx: Context, speed: float) -> tuple[Gait, float]:
    r = ctx.rng
    cadence = float(np.clip(2.35 + 0.17 * speed, 2.4, 4.0)) * ctx.scale**-0.5 * float(np.exp(np.clip(r.normal(), -2, 2) * 0.04))
    q = speed / 3.0
    flight = float(np.clip(0.06 + 0.035 * q, 0.05, 0.16)) * r.uniform(0.8, 1.2)
    duty = 0.5 - min(flight * cadence / 2 + 0.02, 0.22)
    # Ballistic flight of this length rises by g t^2 / 8; the rest of the bob is the spring of the leg.
    gait = Gait(
        duty=duty,
        lift=float(np.clip(0.16 + 0.16 * q, 0.15, 0.42)) * r.uniform(0.8, 1.2),
        lift_at=0.36,
        toe_off=float(np.clip(60 + 18 * q, 55, 95)),
        heel=r.uniform(0, 12),
        bob=r.uniform(0.028, 0.042),
        sway=0.008,
        width=r.uniform(0.3, 0.7),
        arm=float(np.clip(26 + 10 * q, 22, 48)) * r.uniform(0.7, 1.25),
        elbow=r.uniform(65, 100),
        elbow_swing=r.uniform(5, 30),
        arm_lag=r.uniform(0, 0.35),
        lean=5 + 4 * q + r.normal(0, 2.5),
        drop=r.uniform(0.045, 0.075),
        hip_turn=r.uniform(4, 10),
        hip_drop=r.uniform(2, 5),
        across=r.uniform(10, 40),
        arm_out=r.uniform(8, 20),
    )
    return gait, cadence


def jog(ctx: Context, ask: Request, turn: float = 0.0) -> Take:
    """Easy running."""
    speed = _speed(ctx, ask, (1.5, 1.8), (2.0, 2.6), (2.75, 3.0))
    gait, cadence = _running(ctx, speed)
    return travel(ctx, gait, seconds=ask.seconds, speed=speed, cadence=cadence, turn=turn, ramp=1.6)


def run(ctx: Context, ask: Request, turn: float = 0.0) -> Take:
    """Running."""
    speed = _speed(ctx, ask, (2.5, 2.8), (3.1, 3.9), (4.2, 4.9))
    gait, cadence = _running(ctx, speed)
    return travel(ctx, gait, seconds=ask.seconds, speed=speed, cadence=cadence, turn=turn, ramp=2.2)


def run_curve(ctx: Context, ask: Request) -> Take:
    """Running along an arc to the left."""
    return (
        jog(ctx, ask, turn=min(ctx.rng.uniform(60, 240), ask.seconds * 55))
        if ctx.rng.random() < 0.6
        else run(ctx, ask, turn=min(ctx.rng.uniform(60, 200), ask.seconds * 50))
    )


def sprint(ctx: Context, ask: Request) -> Take:
    """Running as fast as one can."""
    speed = _speed(ctx, ask, (4.9, 5.3), (5.6, 6.6), (6.9, 7.8))
    gait, cadence = _running(ctx, speed)
    gait.arm, gait.lean, gait.lift = gait.arm * 1.3, gait.lean + 5, gait.lift * 1.1
    return travel(ctx, gait, seconds=min(ask.seconds, 4), speed=speed, cadence=cadence * 1.12, ramp=2.6)


def walk_backward(ctx: Context, ask: Request) -> Take:
    """Walking backwards."""
    speed = _speed(ctx, ask, (0.35, 0.55), (0.65, 1.0), (1.15, 1.45))
    gait, cadence = _walking(ctx, speed)
    gait.toe_off, gait.heel, gait.lean, gait.arm = 22.0, -12.0, gait.lean - 3, gait.arm * 0.6
    gait.duty, gait.hip_turn, gait.lift = 0.66, -gait.hip_turn, 0.06
    gait.arm_lag += np.pi
    return travel(ctx, gait, seconds=ask.seconds, speed=-speed, cadence=cadence * 0.95)


def sidestep(ctx: Context, ask: Request) -> Take:
    """Stepping to the left: the left foot goes out, the right foot closes."""
    r = ctx.rng
    length = r.uniform(0.16, 0.26) * ctx.scale
    cadence = {"slow": r.uniform(0.9, 1.2), "normal": r.uniform(1.5, 2.0), "fast": r.uniform(2.4, 2.9)}[ask.speed]
    gait = Gait(
        duty=0.62,
        lift=r.uniform(0.05, 0.1),
        toe_off=18,
        heel=-6,
        bob=0.008,
        sway=0.03,
        width=1.15,
        arm=r.uniform(1, 5),
        elbow=20,
        hip_turn=1,
        hip_drop=2,
        drop=0.02 + 0.03 * r.random(),
    )
    return travel(ctx, gait, seconds=ask.seconds, speed=0.0, side=length * cadence, cadence=cadence)


def shuffle(ctx: Context, ask: Request) -> Take:
    """Galloping sideways to the left, knees bent."""
    r = ctx.rng
    cadence = {"slow": r.uniform(2.3, 2.7), "normal": r.uniform(3.1, 3.7), "fast": r.uniform(4.1, 4.7)}[ask.speed]
    gait = Gait(
        duty=0.47,
        lift=0.07,
        toe_off=26,
        heel=-5,
        bob=0.02,
        sway=0.015,
        width=1.7,
        arm=4,
        elbow=70,
        hip_turn=1,
        drop=0.1,
        stoop=12,
        arm_out=20,
    )
    return travel(ctx, gait, seconds=ask.seconds, speed=0.0, side=r.uniform(0.3, 0.42) * ctx.scale * cadence, cadence=cadence)


def turn(ctx: Context, ask: Request) -> Take:
    """Turning to the left on the spot."""
    r = ctx.rng
    angle = float(r.choice([90, 180, 270, 360], p=[0.35, 0.4, 0.1, 0.15])) + r.normal(0, 10)
    rate = {"slow": r.uniform(45, 62), "normal": r.uniform(80, 120), "fast": r.uniform(150, 200)}[ask.speed]
    seconds = angle / rate
    cadence = float(np.clip(r.uniform(1.5, 2.1) * (rate / 100) ** 0.5, 1.2, 3.0))
    count = max(2, int(round(seconds * cadence)))
    gait = Gait(
        duty=0.64, lift=0.05, toe_off=24, heel=2, bob=0.006, sway=0.022, width=1.0, arm=3, elbow=18, hip_turn=2, hip_drop=2
    )
    take = travel(ctx, gait, seconds=seconds, speed=0.0, cadence=count / seconds, turn=angle, steps=count, wander=0.3)
    # The head and chest lead the turn.
    lead = np.gradient(take.controls[:, ch.YAW]) * ctx.fps
    take.controls[:, 8] += np.clip(0.10 * lead, -0.3, 0.3)
    take.loose_start = take.loose_end = 0.0
    return take


def sneak(ctx: Context, ask: Request) -> Take:
    """Creeping with bent knees and a rounded back."""
    r = ctx.rng
    speed = _speed(ctx, ask, (0.25, 0.4), (0.5, 0.8), (0.95, 1.25))
    cadence = (0.75 + 0.85 * speed) * r.uniform(0.95, 1.05)
    gait = Gait(
        duty=0.68,
        lift=r.uniform(0.1, 0.2),
        lift_at=0.5,
        toe_off=35,
        heel=5,
        bob=0.012,
        sway=0.03,
        width=1.1,
        arm=8,
        elbow=r.uniform(40, 90),
        lean=8,
        stoop=r.uniform(14, 32),
        drop=r.uniform(0.1, 0.2),
        hip_turn=6,
        arm_out=r.uniform(12, 26),
        across=15,
    )
    return travel(ctx, gait, seconds=ask.seconds, speed=speed, cadence=cadence)


def limp(ctx: Context, ask: Request) -> Take:
    """Walking while sparing the right leg."""
    speed = _speed(ctx, ask, (0.4, 0.55), (0.65, 0.95), (1.1, 1.3))
    gait, cadence = _walking(ctx, speed)
    gait.toe_off *= 0.7
    gait.drop += 0.015
    return travel(ctx, gait, seconds=ask.seconds, speed=speed, cadence=cadence * 0.95, limp=ctx.rng.uniform(0.7, 1.15))


def march(ctx: Context, ask: Request) -> Take:
    """Marching with raised knees and stiff arms; every lifted knee counts."""
    r = ctx.rng
    cadence = 1.9 / ask.factor
    count = ask.count
    gait = Gait(
        duty=0.56,
        lift=r.uniform(0.24, 0.4),
        lift_at=0.48,
        toe_off=r.uniform(25, 40),
        heel=0,
        bob=0.008,
        sway=0.015,
        width=0.9,
        arm=r.uniform(28, 50),
        elbow=r.uniform(8, 60),
        elbow_swing=8,
        hip_turn=4,
        hip_drop=2,
        lean=-1,
    )
    speed = r.uniform(0.5, 0.75) * cadence * ctx.scale if ask.direction == "forward" else 0.0
    return _stepping(ctx, gait, count, cadence, speed)


def _stepping(ctx: Context, gait: Gait, count: int, cadence: float, speed: float) -> Take:
    # Steps 1..count are the lifts that count; the phase runs over count + 1 stances, the last one closing at rest.
    take = travel(ctx, gait, seconds=0, speed=speed, cadence=cadence, steps=count + 1, wander=0.6)
    t = np.arange(len(take.controls)) / ctx.fps
    height = take.controls[:, [29, 34]].max(1)
    inner = (
        (height[1:-1] > height[:-2])
        & (height[1:-1] >= height[2:])
        & (height[1:-1] > ctx.body.ball + 0.4 * (height.max() - ctx.body.ball))
    )
    take.events = [float(x) for x in t[1:-1][inner]]
    take.loose_start = take.loose_end = 0.0
    return take


def walk_in_place(ctx: Context, ask: Request) -> Take:
    """Walking on the spot."""
    r = ctx.rng
    cadence = {"slow": r.uniform(0.9, 1.2), "normal": r.uniform(1.5, 2.0), "fast": r.uniform(2.3, 2.7)}[ask.speed]
    gait = Gait(
        duty=0.6,
        lift=r.uniform(0.08, 0.16),
        lift_at=0.5,
        toe_off=35,
        heel=0,
        bob=0.01,
        width=0.9,
        arm=r.uniform(10, 25),
        elbow=r.uniform(10, 50),
        lean=0,
    )
    return travel(ctx, gait, seconds=ask.seconds, speed=0.0, cadence=cadence)


def high_knees(ctx: Context, ask: Request) -> Take:
    """Running on the spot with the knees high."""
    r = ctx.rng
    cadence = 2.9 / ask.factor
    gait = Gait(
        duty=0.46,
        lift=r.uniform(0.34, 0.5),
        lift_at=0.48,
        toe_off=r.uniform(25, 40),
        heel=0,
        bob=0.03,
        sway=0.01,
        width=0.9,
        arm=r.uniform(24, 45),
        elbow=r.uniform(70, 95),
        elbow_swing=10,
        hip_turn=3,
        lean=-2,
        drop=0.02,
        across=10,
    )
    return _stepping(ctx, gait, ask.count, cadence, 0.0)


def climb_stairs(ctx: Context, ask: Request) -> Take:
    """Walking up a flight of stairs."""
    return _stairs(ctx, ask, +1)


def descend_stairs(ctx: Context, ask: Request) -> Take:
    """Walking down a flight of stairs."""
    return _stairs(ctx, ask, -1)


def _stairs(ctx: Context, ask: Request, sign: int) -> Take:
    r = ctx.rng
    cadence = {"slow": r.uniform(0.95, 1.15), "normal": r.uniform(1.4, 1.8), "fast": r.uniform(2.1, 2.5)}[ask.speed]
    rise = r.uniform(0.15, 0.2)
    gait = Gait(
        duty=0.62,
        lift=0.1,
        lift_at=0.35,
        toe_off=22 if sign > 0 else 30,
        heel=0 if sign > 0 else -14,
        bob=0.006,
        sway=0.025,
        width=0.9,
        arm=r.uniform(6, 14),
        elbow=25,
        lean=7 if sign > 0 else 0,
        stoop=4,
        drop=0.05,
    )
    take = travel(
        ctx, gait, seconds=min(ask.seconds, 7), speed=r.uniform(0.27, 0.31) * cadence, cadence=cadence, rise=sign * rise
    )
    if sign < 0:
        lowest = take.controls[:, [29, 34]].min()
        lift = ctx.body.ball - lowest
        take.controls[:, [1, 29, 34]] += lift
    return take


def skip_step(ctx: Context, ask: Request) -> Take:
    """Skipping forward: a hop in every step."""
    r = ctx.rng
    cadence = {"slow": r.uniform(1.35, 1.55), "normal": r.uniform(1.8, 2.1), "fast": r.uniform(2.4, 2.7)}[ask.speed]
    gait = Gait(
        duty=0.44,
        lift=r.uniform(0.2, 0.34),
        lift_at=0.5,
        toe_off=45,
        heel=2,
        bob=r.uniform(0.07, 0.11),
        sway=0.01,
        arm=r.uniform(30, 55),
        elbow=40,
        elbow_swing=20,
        lean=2,
        drop=0.03,
    )
    return travel(ctx, gait, seconds=ask.seconds, speed=r.uniform(0.75, 1.0) * cadence * ctx.scale, cadence=cadence, ramp=1.4)


def stumble(ctx: Context, ask: Request) -> Take:
    """Walking, catching a foot, pitching forward and recovering."""
    speed = _speed(ctx, ask, (0.8, 1.0), (1.1, 1.4), (1.5, 1.8))
    gait, cadence = _walking(ctx, speed)
    take = travel(ctx, gait, seconds=max(3.5, min(ask.seconds, 5)), speed=speed, cadence=cadence)
    t = np.arange(len(take.controls)) / ctx.fps
    at = ctx.rng.uniform(0.4, 0.55) * t[-1]
    jolt = track([at - 0.1, at + 0.22, at + 0.5, at + 1.1], [0.0, 1.0, 0.6, 0.0], t)
    c = take.controls
    c[:, ch.PITCH] += 16 * RAD * jolt
    c[:, 6] += 26 * RAD * jolt
    c[:, 9] -= 20 * RAD * jolt
    c[:, 1] -= 0.09 * ctx.leg * jolt
    pose = ctx.pose(arms=(50, 70, 10, 95))
    w = jolt[:, None] * 0.9
    c[:, ch.ARM] = c[:, ch.ARM] * (1 - w) + pose[ch.ARM] * w
    take.events = [float(at)]
    take.start, take.end = max(0.0, at - 0.8), min(t[-1], at + 1.4)
    take.loose_start = take.loose_end = 0.0
    return take


PROGRAMS = {
    "stand": stand,
    "walk": walk,
    "jog": jog,
    "run": run,
    "sprint": sprint,
    "walk_backward": walk_backward,
    "sidestep": sidestep,
    "shuffle": shuffle,
    "turn": turn,
    "walk_curve": walk_curve,
    "run_curve": run_curve,
    "sneak": sneak,
    "limp": limp,
    "zombie_walk": zombie_walk,
    "march": march,
    "walk_in_place": walk_in_place,
    "high_knees": high_knees,
    "climb_stairs": climb_stairs,
    "descend_stairs": descend_stairs,
    "skip": skip_step,
    "stumble": stumble,
    "carry": carry,
}
