"""The gym and the warm-up: pull-ups, raises, rows, flies, windmills, bounds, and stretches on the feet; for the right side."""

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.context import CHEST, FPS, RAD, Context, Request, Take
from llamo.train.synthesis.jumps import GRAVITY
from llamo.train.synthesis.kinematics import rotation, solve
from llamo.train.synthesis.tracks import smooth, track


def _foot(ctx: Context, hip: np.ndarray, thigh: float, knee: float, toes: float, side: int, inward: float = 0.0) -> np.ndarray:
    """(T, 4) ball of the foot x, y, z and foot pitch of a leg that hangs from `hip` (T, 3).

    Args:
        thigh: degrees forward of hanging down. knee: flexion, degrees. toes: how far they are pointed, degrees.
        side: 0 left, 1 right. inward: metres that the foot is nearer to the other one than the hip is.
    """
    body, shank = ctx.body, thigh - knee
    ankle = np.array(
        [
            inward * (2 * side - 1),
            -np.cos(thigh * RAD) * body.thigh[side] - np.cos(shank * RAD) * body.shank[side],
            np.sin(thigh * RAD) * body.thigh[side] + np.sin(shank * RAD) * body.shank[side],
        ]
    )
    pitch = (toes - shank) * RAD
    ball = hip + ankle + rotation(np.array(pitch), np.array(0.0), np.array(0.0)) @ body.foot[side]
    return np.concatenate([ball, np.full((len(hip), 1), pitch)], axis=1)


def _fly(controls: np.ndarray, spans: list) -> None:
    """Let the pelvis fly freely between the times of each (take-off, landing), seconds; neither foot drags."""
    t = np.arange(len(controls)) / FPS
    for off, on in spans:
        y_off, y_on = np.interp([off, on], t, controls[:, 1])
        air = (t > off) & (t < on)
        f = t[air] - off
        speed = (y_on - y_off) / (on - off) + 0.5 * GRAVITY * (on - off)
        controls[air, 1] = y_off + speed * f - 0.5 * GRAVITY * f * f
        controls[np.ix_(air, [29, 34])] += 0.05 * np.clip(np.minimum(f, on - off - f) / 0.05, 0, 1)[:, None]
    controls[:, 1] = smooth(controls[:, 1], 0.5)


def pull_up(ctx: Context, ask: Request) -> Take:
    """Hanging from a bar, the chin is pulled over it and lowered; the legs hang, are bent or crossed, or swing along."""
    r, s, body = ctx.rng, ctx.scale, ctx.body
    under = r.random() < 0.4  # the grip: palms to the face
    half = (r.uniform(0.12, 0.21) if under else r.uniform(0.18, 0.4)) * s
    kip = r.uniform(0.5, 1.0) if r.random() < 0.15 else 0.0
    raised = solve(ctx.pose(arms=(20, 170, 10, 176), shrug=8, wobble=0)[None], body)[0]
    shoulder = 0.5 * (raised[16] + raised[17]) - raised[0]
    wide = half - float(np.abs(raised[16, 0] - raised[0, 0]))
    above = float(shoulder[1]) + np.sqrt((r.uniform(0.95, 0.992) * body.arm) ** 2 - wide**2)
    head = float(raised[15, 1] - raised[0, 1])
    chin = (
        r.uniform(0.03, 0.12 if half < 0.25 * s else 0.17) * s
    )  # how far the ears come above the wrists: the chin to the bar or well over it
    lean = r.uniform(4, 20)
    rise = above + chin - head * np.cos(lean * RAD)

    legs = str(r.choice(["straight", "ahead", "bent", "crossed", "tucked"], p=[0.3, 0.15, 0.25, 0.25, 0.05]))
    stands = legs in ("bent", "crossed", "tucked") and r.random() < 0.5  # steps off the floor and onto it again
    thigh, knee = {
        "straight": (r.uniform(-4, 6), r.uniform(2, 14)),
        "ahead": (r.uniform(10, 32), r.uniform(2, 10)),
        "bent": (r.uniform(-5, 25), r.uniform(50, 110)),
        "crossed": (r.uniform(-5, 22), r.uniform(50, 105)),
        "tucked": (r.uniform(55, 85), r.uniform(80, 110)),
    }[legs]
    toes = r.uniform(10, 50)
    low = (np.cos(thigh * RAD) * body.thigh.mean() + np.cos((thigh - knee) * RAD) * body.shank.mean()) + 0.2 * s
    height = float(ctx.base[1]) - r.uniform(0.0, 0.06) if stands else low + r.uniform(0.12, 0.45)
    bar, bar_z = height + above, float(ctx.base[2]) + r.uniform(0.0, 0.06)

    period = float(np.clip(r.uniform(1.9, 2.7) * ask.factor, 1.3, 5.0)) * (0.75 if kip else 1.0)
    up, stay, down = r.uniform(0.34, 0.44), r.uniform(0.02, 0.12), r.uniform(0.3, 0.4)
    grip = r.uniform(0.8, 1.1) if stands else 0.0
    start = grip + (r.uniform(0.5, 0.8) if stands else r.uniform(0.2, 0.7))
    time, pulled, events = start, [(0.0, 0.0), (start, 0.0)], []
    for factor in ctx.uneven(ask.count, 0.09):
        span, top = period * float(factor), float(np.clip(r.normal(1.0, 0.025), 0.95, 1.06))
        pulled += [(time + up * span, top), (time + (up + stay) * span, top * r.uniform(0.97, 1.0))]
        events.append(time + (up + stay / 2) * span)
        pulled.append((time + (up + stay + down) * span, r.uniform(0.0, 0.04)))
        time += span * (1.0 if r.random() < 0.85 else 1.25)
        pulled.append((time, 0.0))
    end = time
    step_off = end + r.uniform(0.3, 0.5)
    total = step_off + (1.6 if stands else 0.0)
    t = ctx.frames(total)
    u = track(*zip(*pulled), t)
    on = track((0.0, grip, step_off, step_off + 0.7), (0.0, 1.0, 1.0, 0.0), t) if stands else np.ones(len(t))
    air = track((grip, start, end, step_off), (0.0, 1.0, 1.0, 0.0), t) if stands else np.ones(len(t))

    out = np.tile(ctx.base, (len(t), 1))
    behind = (r.uniform(0.13, 0.18) + 0.04 * (half < 0.25 * s)) * s
    swing = r.uniform(0.5, 3.0) * np.sin(2 * np.pi * t / r.uniform(1.5, 1.9) + r.uniform(0, 6)) + kip * 24 * np.gradient(
        smooth(u, 2.0), 1 / FPS
    ) * min(period / 2.2, 1.0)
    pitch = (-lean * u**0.8 - 3.0 - 0.5 * swing) * air
    out[:, ch.PITCH] = out[:, ch.PITCH] * (1 - air) + pitch * RAD
    out[:, 6] += (-8.0 * u - 0.35 * kip * swing) * air * RAD
    out[:, 9] += (-r.uniform(4, 20) * (1 - u) - r.uniform(0, 14) * u + 0.5 * lean * u) * air * RAD
    out[:, 1] = ctx.base[1] * (1 - air) + (height + rise * u) * air
    clear = behind * np.minimum(1.0, 1.6 * u) + 0.7 * head * np.sin(pitch * RAD)
    out[:, 2] = ctx.base[2] * (1 - air) + (bar_z - clear + 0.012 * swing * kip) * air
    out[:, 0] += 0.01 * s * np.sin(2 * np.pi * t / 2.7 + r.uniform(0, 6)) * air
    # Only where the elbows point matters once the hands hold on.
    flare = r.uniform(15, 40) if under else r.uniform(50, 82)
    elevation = (160 - 125 * u) * on + 8 * (1 - on)
    for slot, sign, hand in ((16, 1, 40), (22, -1, 44)):
        out[:, slot : slot + 3] = ch.direction(np.full(len(t), flare), elevation, sign)
        out[:, slot + 3 : slot + 6] = ch.direction(np.full(len(t), 5.0), 172 * on + 22 * (1 - on), sign)
        out[:, hand : hand + 4] = np.array([sign * half, bar, bar_z, 0.0])
        out[:, hand + 3] = np.clip((on - 0.45) / 0.55, 0, 1) ** 1.5
    out[:, ch.ARM_FRAME] = 0.6

    hips = out[:, None, :3] + np.einsum("tij,fj->tfi", rotation(*out[:, [ch.PITCH, ch.ROLL, ch.YAW]].T), body.rest[[1, 2]])
    drift = r.uniform(-4, 12) * u - 1.2 * swing
    for i, slot in enumerate((28, 33)):
        crossing = (0.11 if i == 0 else 0.09) * s if legs == "crossed" else 0.02
        in_front = (0.05 if i == 0 else -0.02) * s if legs == "crossed" else 0.0
        apart = r.normal(0, 3)
        parts = [
            _foot(ctx, hips[k : k + 1, i], thigh + apart + drift[k], max(knee + apart, 2.0), toes, i, crossing)
            for k in range(len(t))
        ]
        hung = np.concatenate(parts) + (0.0, 0.0, in_front, 0.0)
        hung[:, 1] = np.maximum(hung[:, 1], body.ball + 0.04)
        free = np.stack([air, np.minimum(2.5 * air, 1.0), air, air], axis=1)  # it is lifted before it goes anywhere
        out[:, slot : slot + 4] = out[:, slot : slot + 4] * (1 - free) + hung * free
    return Take(out, events, start, end)


def front_raise(ctx: Context, ask: Request) -> Take:
    """Straight arms raised forward to the height of the shoulders or above: one, both together or in turn."""
    r = ctx.rng
    top = r.uniform(110, 165) if r.random() < 0.15 else r.uniform(76, 104)
    inward, elbow = r.uniform(-12, 14), r.uniform(0, 14)
    together = ask.both and r.random() < 0.65
    lean, knees = r.uniform(1, 7), r.uniform(0, 0.04)
    out = r.uniform(0.0, 0.12)
    feet = dict(lf=(out, 0, 0, 0, 4), rf=(out, 0, 0, 0, 4)) if out > 0.04 else {}
    hung = (r.uniform(8, 45), r.uniform(6, 16), r.uniform(-5, 15), r.uniform(14, 30))
    lifted = (inward, top, inward - 0.6 * elbow, min(top + elbow, 175))
    ready = ctx.pose(arms=hung, drop=knees, wobble=2, **feet)

    def cycle(i):
        right = together or not ask.both or i % 2 == 0
        left = together or (ask.both and i % 2 == 1)
        tilt = 0 if together else (2 if left else -2)
        high = ctx.pose(
            origin=ready, ra=lifted if right else None, la=lifted if left else None, pitch=-0.3 * lean,
            spine=(-lean, tilt, 0), head=(0.5 * lean, 0, 0), dz=-0.01, shrug=r.uniform(0, 4), wobble=2.5,
        )  # fmt: skip
        return [(0.42, high), (0.52, high), (1.0, ready)]

    return ctx.repeat(ask.count, 1.9 * float(np.clip(ask.factor, 0.5, 2.0)), cycle, ready=ready, lead=0.6, settle=0.6, key=0.47)


def _bent_over(ctx: Context, lean: float, split: bool) -> dict:
    """Arguments of a pose with the trunk leant forward over soft knees; `split`: the left foot ahead."""
    r = ctx.rng
    deep, out = r.uniform(0.04, 0.14), r.uniform(0.02, 0.12)
    feet = dict(lf=(out, 0, 0, 0, 5), rf=(out, 0, 0, 0, 5))
    if split:
        feet = dict(lf=(0.02, 0, r.uniform(0.2, 0.34), 0, 0), rf=(0.04, 0, -r.uniform(0.1, 0.25), r.uniform(0, 18), 15))
    return dict(
        drop=deep + (0.05 if split else 0.0), dz=-0.04 - 0.0022 * lean + (0.13 if split else 0.0), frame=0.0, knees=5, **feet
    )


def _on_knee(ctx: Context, pose: np.ndarray) -> np.ndarray:
    """The same pose with the left hand on the left knee, or as far down the thigh as the arm is long."""
    joints = solve(pose[None], ctx.body)[0]
    hip, knee, shoulder = joints[1], joints[4], joints[16]
    up = next((u for u in np.linspace(0, 0.6, 13) if np.linalg.norm(_thigh(hip, knee, u) - shoulder) < 0.98 * ctx.arm), 0.6)
    return ctx.reach(pose, 4, left=(_thigh(hip, knee, up) - knee) / ctx.scale, spread=0.0)


def _thigh(hip: np.ndarray, knee: np.ndarray, up: float) -> np.ndarray:
    return knee + up * (hip - knee) + np.array([0.01, 0.05, 0.05])


def bent_over_row(ctx: Context, ask: Request) -> Take:
    """Leant forward, the elbows are pulled back beside the trunk: both, or one while the other hand leans on the knee."""
    r = ctx.rng
    lean, one = r.uniform(40, 75), not ask.both
    supported = one and r.random() < 0.75
    stance = _bent_over(ctx, lean, supported or r.random() < 0.2)
    flare, past = r.uniform(150, 178) if r.random() < 0.7 else r.uniform(105, 140), r.uniform(8, 28)

    def at(pulled, lift, turn):
        bent = lean - lift
        arm = (flare, min(lean + past, 98), r.uniform(-12, 12), r.uniform(4, 22)) if pulled else (10, 6, 0, 8)
        pose = ctx.pose(
            pitch=0.72 * bent, spine=(0.28 * bent, 0, turn), head=(-r.uniform(0.2, 0.5) * lean, 0, -0.4 * turn), ra=arm,
            la=(20, 12, -5, 14) if one else arm, shrug=4 if pulled else -2, wobble=2.5, **stance,
        )  # fmt: skip
        return _on_knee(ctx, pose) if supported else pose

    turn = -r.uniform(4, 16) if one else 0.0
    low, high = at(False, 0.0, -0.3 * turn), at(True, r.uniform(0, 7), turn)
    period = r.uniform(1.4, 1.9) * float(np.clip(ask.factor, 0.55, 2.0))
    cycle = [(r.uniform(0.38, 0.46), high), (0.54, high), (1.0, low)]
    return ctx.repeat(ask.count, period, cycle, ready=low, lead=1.1, settle=1.0, key=0.49, vary=0.6)


def triceps_extension(ctx: Context, ask: Request) -> Take:
    """Only the forearms move: from behind the head straight up, or, leant forward, from hanging straight back."""
    r = ctx.rng
    both = ask.both
    period = r.uniform(1.5, 2.0) * float(np.clip(ask.factor, 0.6, 2.0))
    if r.random() < 0.6:
        front, high, flex = r.uniform(10, 40), r.uniform(150, 172), r.uniform(38, 72)
        inward = r.uniform(150, 170) * (-1 if both else r.choice([-1, 1]))
        other = [None, (105, 38, -55, 60), (60, 40, -50, 85)][int(r.integers(3))]
        out = r.uniform(0.0, 0.1)
        body = dict(spine=(-r.uniform(0, 6), 0, 0), lf=(out, 0, 0, 0, 5), rf=(out, 0, 0, 0, 5), frame=0.8, wobble=2)

        def at(way, elevation):
            arm = (front, high, way, elevation)
            return ctx.pose(ra=arm, la=arm if both else other, head=(r.uniform(-2, 6), 0, 0), **body)

        top, middle, bent = at(5, 173), at(inward, 115), at(inward, flex)
        cycle = [(0.24, middle), (0.42, bent), (0.5, bent), (0.7, middle), (0.92, top), (1.0, top)]
        return ctx.repeat(ask.count, period, cycle, ready=top, lead=1.0, settle=0.9, key=0.92, pause=0.2, vary=0.5)
    lean = r.uniform(40, 72)
    supported = not both and r.random() < 0.7
    stance = _bent_over(ctx, lean, supported or r.random() < 0.2)
    upper = (r.uniform(160, 178), lean + r.uniform(2, 14))
    bent_fore, straight = (r.uniform(-5, 10), r.uniform(2, 22)), (r.uniform(165, 178), lean + r.uniform(-2, 14))

    def kick(fore):
        pose = ctx.pose(
            pitch=0.72 * lean, spine=(0.28 * lean, 0, 0), head=(-0.35 * lean, 0, 0), ra=(*upper, *fore),
            la=(*upper, *fore) if both else (20, 12, -5, 14), wobble=2, **stance,
        )  # fmt: skip
        return _on_knee(ctx, pose) if supported else pose

    low, back = kick(bent_fore), kick(straight)
    cycle = [(0.42, back), (0.52, back), (1.0, low)]
    return ctx.repeat(ask.count, period, cycle, ready=low, lead=1.1, settle=1.0, key=0.47, vary=0.5)


def windmill(ctx: Context, ask: Request) -> Take:
    """Wide on the feet with the arms out, each hand in turn goes down to the opposite foot; every touch counts."""
    r = ctx.rng
    out, soft = r.uniform(0.16, 0.38), r.uniform(0.0, 0.06)
    wide = dict(lf=(out, 0, 0, 0, 12), rf=(out, 0, 0, 0, 12), frame=1.0)
    hang = 0.05 + 0.35 * out**2 + soft
    turn, reach = r.uniform(34, 52), r.uniform(0.02, 0.3) if r.random() < 0.4 else r.uniform(0.02, 0.1)
    stays = r.random() < 0.35  # bent down all the time, the arms swinging like the sails
    look = r.uniform(-0.4, 0.7)  # after the raised hand, or at the foot
    upright = ctx.pose(drop=hang, arms=(88, r.uniform(82, 92), 86, 90), wobble=3, **wide)
    middle = ctx.pose(
        drop=hang, dz=-0.14, pitch=52, spine=(22, 0, 0), head=(-12, 0, 0), arms=(80, 85, 78, 88), wobble=3, **wide
    )
    ready = middle if stays else upright
    first = float(r.choice([-1, 1]))

    def touch(side):
        """side +1: the right hand at the left foot."""
        pose = ctx.pose(
            drop=hang + 0.02, dz=-0.13, dx=0.03 * side, pitch=58, yaw=8 * side, spine=(30, 0, side * turn),
            head=(-8, 0, -side * turn * look), arms=(88, 88, 88, 90), wobble=3, **wide,
        )  # fmt: skip
        place = (-0.02, reach, r.uniform(-0.04, 0.03))
        for _ in range(6):
            pose = ctx.reach(pose, 7 if side > 0 else 8, *((place, None) if side > 0 else (None, place)), spread=0.0)
            joints = solve(pose[None], ctx.body)[0]
            missing = float(np.linalg.norm(joints[21 if side > 0 else 20] - joints[7 if side > 0 else 8])) - reach - 0.06
            if missing < 0.02:
                break
            pose[ch.PITCH] += min(35 * missing, 6) * RAD
            pose[6] += min(30 * missing, 6) * RAD
            pose[1] -= min(0.25 * missing, 0.03)
        return pose

    poses = {side: touch(side) for side in (-1.0, 1.0)}

    def cycle(i):
        low = poses[first * (-1) ** i]
        if stays:
            return [(0.5, low), (0.6, low), (1.0, middle)]
        return [(0.44, low), (0.54, low), (1.0, upright)]

    period = (r.uniform(0.9, 1.2) if stays else r.uniform(1.5, 2.1)) * float(np.clip(ask.factor, 0.8, 1.9))
    return ctx.repeat(ask.count, period, cycle, ready=ready, lead=1.1, settle=1.0, key=0.5, pause=0.1, vary=0.6)


def good_morning(ctx: Context, ask: Request) -> Take:
    """Bending forward from the hips with a flat back and nearly straight legs, the hands at the head or at a bar."""
    r = ctx.rng
    lean, out = r.uniform(42, 84), r.uniform(0.0, 0.16)
    kind = str(r.choice(["head", "bar", "crossed", "hips"], p=[0.42, 0.36, 0.12, 0.1]))
    wide = r.uniform(0.14, 0.3)
    arms = {
        "head": (r.uniform(55, 85), 92, -r.uniform(105, 130), 118),
        "bar": (95, r.uniform(25, 60), 60, 160),
        "crossed": (25, 40, -60, 135),
        "hips": (105, 38, -50, 60),
    }[kind]
    places = {
        "head": (r.uniform(0.18, 0.24), r.uniform(-0.03, 0.03), -r.uniform(0.02, 0.07)),
        "bar": (wide, r.uniform(0.14, 0.2), r.uniform(-0.08, 0.0)),
        "crossed": (-0.1, r.uniform(0.1, 0.18), r.uniform(0.1, 0.16)),
    }
    feet = dict(lf=(out, 0, 0, 0, 6), rf=(out, 0, 0, 0, 6)) if out > 0.03 else {}

    # The arms follow the chest, so that what the hands hold when upright they hold when bent as well.
    ready = ctx.pose(arms=arms, wobble=2, frame=1.0, **feet)
    if kind == "head":
        ready = ctx.at_head(ready, places[kind], places[kind])
    elif kind in places:
        ready = ctx.reach(ready, CHEST, places[kind], places[kind])
    flat, look = r.uniform(0.78, 0.95), r.uniform(0.0, 0.4)
    low = ctx.pose(
        origin=ready, pitch=flat * lean, spine=((1 - flat) * lean, 0, 0), head=(-look * lean, 0, 0),
        drop=r.uniform(0.01, 0.06), dz=-0.0024 * lean,
    )  # fmt: skip
    period = r.uniform(1.9, 2.7) * float(np.clip(ask.factor, 0.6, 1.9))
    down = r.uniform(0.42, 0.5)
    cycle = [(down, low), (down + 0.1, low), (1.0, ready)]
    return ctx.repeat(ask.count, period, cycle, ready=ready, lead=1.0, settle=0.9, key=down + 0.05, vary=0.5)


def _shifted(pose: np.ndarray, x: float) -> np.ndarray:
    out = pose.copy()
    out[[0, 28, 33]] += x
    return out


def skater_jump(ctx: Context, ask: Request) -> Take:
    """Bounding from one foot to the other, sideways, the free leg crossing behind; every bound counts."""
    r, s, body = ctx.rng, ctx.scale, ctx.body
    far = r.uniform(0.55, 1.15) * min(ctx.style.amplitude, 1.1) * s
    deep, lean = r.uniform(0.12, 0.27), r.uniform(14, 38)
    cross, behind, lift = r.uniform(0.02, 0.16), r.uniform(0.2, 0.42), r.uniform(0.06, 0.24)
    reaching = r.random() < 0.35  # the hand goes down to the standing foot
    swing = r.random() < 0.75
    f = float(np.clip(ask.factor, 0.7, 1.7))
    half = float(ctx.base[28])

    def stance(x, side, low):
        """On the foot of `side` (+1 left) that stands at x."""
        free = (x - side * cross * s, body.ball + lift * s, ctx.base[30] - behind * s, 0.75, 0.0)
        near, other = (-10, 38, -35, 75), (120, 42, 140, 55)
        pose = ctx.pose(
            drop=deep if low else 0.4 * deep, pitch=0.55 * lean, spine=(0.55 * lean, -3 * side, -side * r.uniform(2, 14)),
            head=(-0.7 * lean, 0, 0), yaw=-4 * side, wobble=6,
            la=(other if side > 0 else near) if swing else (50, 35, 10, 85),
            ra=(near if side > 0 else other) if swing else (50, 35, 10, 85),
        )  # fmt: skip
        if reaching and low:
            pose[ch.PITCH] += 16 * RAD
            pose[6] += 14 * RAD
        own, away = (28, 33) if side > 0 else (33, 28)
        pose[own], pose[away : away + 5] = x, free
        pose[0] = x - side * 0.06 * s
        pose[ch.ROLL] += -side * 4 * RAD
        return pose

    def air(x, y, side, part):
        """In the air or at its edges, `part` of the way from the foot at x to the other, of `side`, that lands at y."""
        pose = ctx.pose(pitch=0.3 * lean, spine=(0.35 * lean, 0, 0), head=(-0.4 * lean, 0, 0), arms=(75, 48, 50, 70), wobble=6)
        lead, trail = (28, 33) if side > 0 else (33, 28)
        pose[0] = x + (y - x) * (0.22 + 0.56 * part)
        if part == 0.0:  # the push
            pose[1] -= 0.04 * ctx.leg
            pose[trail], pose[trail + 3] = x, 0.75
            pose[lead : lead + 3] = x + side * 0.42 * s, body.ball + 0.12 * s, ctx.base[30] - 0.08 * s
        elif part == 1.0:  # the landing
            pose[1] -= 0.08 * ctx.leg
            pose[lead], pose[lead + 3] = y, 0.15
            pose[trail : trail + 4] = y - side * 0.45 * s, body.ball + 0.13 * s, ctx.base[30] - 0.1 * s, 0.6
        else:
            pose[1] += 0.06 * s
            pose[lead : lead + 3] = pose[0] + side * 0.32 * s, body.ball + 0.14 * s, ctx.base[30]
            pose[trail : trail + 4] = pose[0] - side * 0.32 * s, body.ball + 0.17 * s, ctx.base[30] - 0.06 * s, 0.7
        return pose

    side = -1.0  # stands on the right foot, whose place is that of rest
    places = {-1.0: -half, 1.0: -half + far}
    keys, events, spans = [(0.0, ctx.base)], [], []
    time = 0.6 * f**0.5
    keys.append((time, stance(places[side], side, True)))
    start = 0.25
    flight = float(np.clip(r.uniform(0.26, 0.36) * (0.7 + 0.4 * far / s), 0.24, 0.42))
    hold = r.uniform(0.3, 0.8) * f if r.random() < 0.35 else r.uniform(0.0, 0.12) * f
    for factor in ctx.uneven(ask.count, 0.05):
        here, there = places[side], places[-side]
        off = time + 0.3 * f * float(factor)
        on = off + flight * float(np.clip(factor, 0.92, 1.1))
        keys += [(off, air(here, there, -side, 0.0)), (0.5 * (off + on), air(here, there, -side, 0.5))]
        keys += [(on, air(here, there, -side, 1.0))]
        time = on + 0.26 * f * float(factor)
        spans.append((off, on))
        events.append(on)
        side = -side
        keys.append((time, ctx.vary(stance(places[side], side, True))))
        if hold > 0.05:
            time += hold * r.uniform(0.7, 1.3)
            keys.append((time, ctx.vary(keys[-1][1], 0.4)))
    end = time
    rest = places[side] - side * half
    keys += [(time + 0.35, stance(places[side], side, False)), (time + 0.95, _shifted(ctx.base, rest))]
    out = ctx.play(keys)
    _fly(out, spans)
    return Take(out, events, start, end, (rest, 0.0, 0.0))


def jump_lunge(ctx: Context, ask: Request) -> Take:
    """From a lunge a jump in which the legs change places, down into the other lunge; every jump counts."""
    r, s = ctx.rng, ctx.scale
    front, back = r.uniform(0.26, 0.4), r.uniform(0.3, 0.5)
    deep = r.uniform(0.2, 0.36) * min(ctx.style.amplitude, 1.1)
    lean = r.uniform(0, 16)
    kind = int(r.integers(3))
    f = float(np.clip(ask.factor, 0.7, 1.8))
    width, throws, high = r.uniform(0.0, 0.06), r.random() < 0.5, r.uniform(35, 80)

    def split(side, drop, toes, air=0.0, part=1.0):
        """side +1: the left foot ahead."""
        ahead, behind = (width, air, part * front, max(toes - 40, 0), 0), (width, air, -part * back, toes, 0)
        arms = [dict(arms=(60, 34, -45, 75)), dict(arms=(55, 30, 10, 90)), {}][kind]
        if kind == 1:  # as in running
            hand, other = (12, 42, -15, 118), (165, 42, 60, 30)
            arms = dict(la=other, ra=hand) if side > 0 else dict(la=hand, ra=other)
        return ctx.pose(
            drop=drop, dz=-0.4 * (back - front) * part, pitch=0.5 * lean, spine=(0.5 * lean, 0, side * 3 * (kind == 1)),
            head=(-0.6 * lean, 0, 0), lf=ahead if side > 0 else behind, rf=behind if side > 0 else ahead, wobble=4, **arms,
        )  # fmt: skip

    def flying(side):
        pose = split(side, 0.0, 35, 0.14, 0.25)
        pose[1] += 0.08 * s
        lifted = (35, high, 10, high + 30) if throws and kind != 1 else (40, 25, 5, 85)
        pose[ch.ARM] = ctx.pose(arms=lifted)[ch.ARM]
        return pose

    side = 1.0 if r.random() < 0.5 else -1.0
    time = r.uniform(0.6, 0.8) * f**0.5
    keys, events, spans = [(0.0, ctx.base), (time, split(side, deep, 48))], [], []
    flight = r.uniform(0.3, 0.46)
    hold = r.uniform(0.2, 0.6) * f if r.random() < 0.35 else r.uniform(0.0, 0.1)
    for factor in ctx.uneven(ask.count, 0.05):
        off = time + 0.28 * f * float(factor)
        on = off + flight * float(np.clip(factor, 0.92, 1.1))
        keys += [(off, split(side, 0.09, 62)), (0.5 * (off + on), flying(side)), (on, split(-side, 0.12, 45))]
        side = -side
        spans.append((off, on))
        events.append(0.5 * (off + on))
        time = on + 0.24 * f * float(factor)
        keys.append((time, ctx.vary(split(side, deep * r.uniform(0.92, 1.08), 48))))
        if hold > 0.05:
            time += hold * r.uniform(0.7, 1.3)
            keys.append((time, ctx.vary(keys[-1][1], 0.4)))
    end = time
    keys += [(time + 0.3, split(side, 0.06, 40, 0.0, 0.8)), (time + 0.9, ctx.base)]
    out = ctx.play(keys)
    _fly(out, spans)
    return Take(out, events, 0.2, end)


def chest_fly(ctx: Context, ask: Request) -> Take:
    """The arms close in front of the chest and open wide, the elbows bent and held: with weights, at cables, at a machine."""
    r = ctx.rng
    high, bend = r.uniform(70, 90), r.uniform(10, 38)
    kind = str(r.choice(["level", "upright", "rising"], p=[0.5, 0.3, 0.2]))
    wide, near = r.uniform(78, 100), r.uniform(4, 20)
    opened, closed = {
        "level": ((wide, high, wide - bend, high + 4), (near, high, near - bend, high + 4)),
        "upright": ((wide, high, wide - 10, 170), (near, high, near - 15, 168)),
        "rising": ((wide, 45, wide - bend, 52), (near, high - 8, near - bend, high + 6)),
    }[kind]
    lean, step = r.uniform(0, 14), r.uniform(0.1, 0.3) if r.random() < 0.4 else 0.0
    feet = dict(lf=(0.02, 0, step, 0, 0), rf=(0.02, 0, -0.3 * step, 10, 8)) if step else {}
    body = dict(drop=0.03 + 0.1 * step, dz=0.35 * step, pitch=0.5 * lean, frame=0.7, wobble=2.5, **feet)
    out = ctx.pose(arms=opened, spine=(0.5 * lean - 4, 0, 0), head=(-0.6 * lean, 0, 0), **body)
    in_ = ctx.pose(arms=closed, spine=(0.5 * lean + 3, 0, 0), head=(-0.5 * lean, 0, 0), **body)
    period = r.uniform(1.5, 2.2) * float(np.clip(ask.factor, 0.6, 1.9))
    cycle = [(0.42, in_), (0.54, in_), (1.0, out)]
    return ctx.repeat(ask.count, period, cycle, ready=out, lead=0.9, settle=0.9, key=0.48, vary=0.6)


def arm_swings(ctx: Context, ask: Request) -> Take:
    """Loose straight arms swing: forward-up and back-down, together or in turn, or across the chest and open."""
    r = ctx.rng
    f = float(np.clip(ask.factor, 0.7, 1.8))
    soft, out = r.uniform(0.0, 0.07), r.uniform(0.0, 0.12)
    feet = dict(lf=(out, 0, 0, 0, 5), rf=(out, 0, 0, 0, 5)) if out > 0.03 else {}
    if r.random() < 0.45:  # across the chest
        high, wide, far = r.uniform(70, 96), r.uniform(88, 112), r.uniform(24, 50)

        def cross(over):
            return ctx.pose(
                ra=(-far, high + 6 * over, -far - 15, high + 6 * over), la=(-far, high - 6 * over, -far - 15, high - 6 * over),
                spine=(5, 0, 0), head=(3, 0, 0), wobble=3, **feet,
            )  # fmt: skip

        opened = ctx.pose(arms=(wide, high, wide + 5, high + 2), spine=(-5, 0, 0), head=(-3, 0, 0), wobble=3, **feet)
        over = [cross(1), cross(-1)] if r.random() < 0.7 else [cross(1)] * 2
        return ctx.repeat(
            ask.count,
            max(r.uniform(1.0, 1.4) * f, 0.95),
            lambda i: [(0.46, over[i % 2]), (0.54, over[i % 2]), (1.0, opened)],
            ready=opened,
            lead=0.8,
            settle=0.7,
            key=0.5,
            pause=0.03,
        )
    top, low = r.uniform(75, 165), r.uniform(22, 48)
    f *= (top + low + 60) / 150
    ahead, behind = (8, top, 2, min(top + 8, 176)), (170, low, 174, low + 3)
    hung, turn = (30, 8, 10, 12), r.uniform(0, 9)
    in_turn, bounce = r.random() < 0.4, r.uniform(0.0, 0.06)

    def at(right, left, drop, pitch, side=0.0):
        return ctx.pose(
            ra=right, la=left, drop=soft + drop, pitch=0.4 * pitch, spine=(0.6 * pitch, 0, side * turn),
            head=(-0.4 * pitch, 0, -side * turn), wobble=3, **feet,
        )  # fmt: skip

    through = at(hung, hung, bounce, 4)
    if in_turn:
        one, two = at(ahead, behind, 0, 2, 1.0), at(behind, ahead, 0, 2, -1.0)
    else:
        one, two = at(ahead, ahead, 0, -3), at(behind, behind, bounce, r.uniform(4, 16))
    cycle = [(0.14, through), (0.36, one), (0.58, through), (0.82, two), (1.0, through)]
    return ctx.repeat(
        ask.count, r.uniform(1.2, 1.7) * f, cycle, ready=through, lead=0.4, settle=0.5, key=0.36, pause=0.0, vary=0.7
    )


def neck_stretch(ctx: Context, ask: Request) -> Take:
    """The head is tilted, turned, bent or rolled slowly, the hands hanging, at the hips, or pulling at the head."""
    r = ctx.rng
    f = float(np.clip(ask.factor, 0.75, 1.6))
    kind = str(r.choice(["tilt", "pull", "roll", "bow", "turn", "cross"], p=[0.24, 0.26, 0.2, 0.12, 0.08, 0.1]))
    size = r.uniform(24, 42)
    arms = [None, None, (105, 38, -50, 60), (150, 18, -150, 30)][int(r.integers(4))]
    total = max(ask.seconds, 3.6)

    def at(pitch, roll, yaw, **pose):
        return ctx.pose(
            head=(pitch, roll, yaw), spine=(0.08 * pitch, 0.1 * roll, 0.1 * yaw), **{"arms": arms, "wobble": 3, **pose}
        )

    def pulled(side):
        """The hand of the side that the head leans to (-1 left) lies over the crown at the other ear."""
        roll = side * size
        hand = (65, 130, -60, 130)
        free = (r.uniform(60, 110), r.uniform(6, 28), 60, r.uniform(10, 30))
        pose = at(r.uniform(0, 10), roll, 0, arms=None, ra=hand if side > 0 else free, la=free if side > 0 else hand)
        place = (-r.uniform(0.02, 0.07), r.uniform(0.12, 0.17), r.uniform(-0.01, 0.05))
        return ctx.at_head(pose, *((place, None) if side > 0 else (None, place)))

    def bowed(_):
        pose = at(size + 8, 0, 0, arms=(25, 85, -150, 140))
        return ctx.at_head(pose, *[(0.1, 0.03, -0.06)] * 2)

    keys, time, side = [(0.0, ctx.base)], 0.0, float(r.choice([-1, 1]))
    if kind == "roll":
        half_way = r.random() < 0.4  # only over the front
        beat, angle = r.uniform(0.32, 0.55) * f, 0.0
        while time < total - 1.0:
            time += beat * (2.0 if time == 0.0 else 1.0)
            keys.append((time, at(size * np.cos(angle * RAD) * (0.7 if np.cos(angle * RAD) < 0 else 1.0),
                                  size * np.sin(angle * RAD), 0)))  # fmt: skip
            angle += 45 * side
            if half_way and abs(angle) > 90:
                side, angle = -side, angle - 90 * side
            elif not half_way and r.random() < 0.03:
                side = -side
    else:
        moves = {
            "tilt": lambda side: at(r.uniform(-4, 8), side * size, 0),
            "pull": pulled,
            "bow": bowed if r.random() < 0.6 else lambda side: at(size * (1.0 if side > 0 else -0.8), 0, 0),
            "turn": lambda side: at(r.uniform(-4, 6), 0, side * size * 1.6),
            "cross": lambda side: at(size * 0.8, side * size * 0.7, side * -20),
        }
        stay = (1.2, 3.0) if kind in ("pull", "bow") else (0.3, 1.8)
        while time < total - 1.4:
            pose = moves[kind](side)
            time += r.uniform(0.7, 1.2) * f * (1.3 if kind == "pull" else 1.0)
            keys.append((time, pose))
            time += r.uniform(*stay) * f
            keys.append((time, ctx.vary(pose, 0.5)))
            if r.random() < 0.4 and time < total - 2.0:
                time += 0.7 * f
                keys.append((time, ctx.vary(ctx.base, 0.5)))
            side = -side
    keys.append((time + 0.9 * f, ctx.base))
    return Take(ctx.play(keys))


def quad_stretch(ctx: Context, ask: Request) -> Take:
    """Standing on the left leg, the right ankle is held behind the seat by the right hand, the left one or both."""
    r, s = ctx.rng, ctx.scale
    f = float(np.clip(ask.factor, 0.9, 1.5))
    thigh, knee, toes = r.uniform(-14, 8), r.uniform(128, 146), r.uniform(15, 50)
    lean = r.uniform(0, 14)
    hands = str(r.choice(["same", "both", "other"], p=[0.72, 0.15, 0.13]))
    free = [(85, r.uniform(40, 88), 80, r.uniform(45, 92)), (15, r.uniform(60, 95), 5, 92), None, (105, 38, -50, 60),
            (10, 165, 5, 172)][int(r.choice(5, p=[0.34, 0.3, 0.2, 0.1, 0.06]))]  # fmt: skip
    over = dict(dx=0.85 * float(ctx.base[28]) / s, roll=-r.uniform(0, 4), pitch=lean, drop=r.uniform(-0.012, 0.004))
    grip = (165, 32, 175, 25)

    sink = r.uniform(0, 3)

    def at(knee, held):
        """Where the arm is too short, the heel is pulled nearer and the trunk bends to that side."""
        nonlocal sink
        right, left = (
            ((free, grip) if hands == "other" else (grip, grip if hands == "both" else free)) if held else (None, None)
        )
        spin, back = r.uniform(-4, 4), thigh + r.normal(0, 1)
        place = (0.02, 0.1, 0.0)
        for _ in range(7):
            pose = ctx.pose(
                spine=(0.2 * lean, (-sink if hands == "other" else sink), spin), head=(-0.5 * lean, -0.5 * sink, 0),
                ra=right, la=left, wobble=2, **over,
            )  # fmt: skip
            hip = solve(pose[None], ctx.body)[0, 2]
            pose[33:37] = _foot(ctx, hip[None], back, knee, toes, 1, (0.1 if hands == "other" else 0.02) * s)[0]
            if not held:
                break
            pose = ctx.reach(pose, 8, None if hands == "other" else place, None if hands == "same" else place, spread=0.006)
            joints = solve(pose[None], ctx.body)[0]
            away = np.linalg.norm(joints[20 if hands == "other" else 21] - joints[8])
            if away < 0.15 * s:
                break
            knee, back, sink = min(knee + 2.5, 149), max(back - 1.5, -22), min(sink + 1.5, 12)
        return pose

    shift = ctx.pose(**{**over, "pitch": 0.3 * lean}, rf=(0, 0, 0, 25, 0))
    lifted = ctx.pose(**{**over, "pitch": 0.3 * lean}, rf=(0, 0.06, -0.02, 40, 0))
    half = at(0.72 * knee, False)
    half[16:28] = ctx.blend(at(knee, True), 0.65)[16:28]
    time = 0.5 * f
    keys = [(0.0, ctx.base), (time, shift), (time + 0.12, lifted), (time + 0.45 * f, half), (time + 0.85 * f, at(knee, True))]
    time += 0.85 * f
    begin = time
    while time < max(ask.seconds, 3.6) - 1.2 * f or time - begin < 1.0:
        time += r.uniform(0.6, 1.4)
        keys.append((time, at(knee + r.normal(0, 2), True)))
    keys += [(time + 0.4 * f, half), (time + 0.75 * f, lifted), (time + 0.75 * f + 0.12, shift), (time + 1.3 * f, ctx.base)]
    return Take(ctx.play(keys), [], 0.2, time + 1.0 * f)


PROGRAMS = {
    "pull_up": pull_up,
    "front_raise": front_raise,
    "bent_over_row": bent_over_row,
    "triceps_extension": triceps_extension,
    "windmill": windmill,
    "good_morning": good_morning,
    "skater_jump": skater_jump,
    "jump_lunge": jump_lunge,
    "chest_fly": chest_fly,
    "arm_swings": arm_swings,
    "neck_stretch": neck_stretch,
    "quad_stretch": quad_stretch,
}
