"""What the hands do at the head and before the chest: thinking, coughing, phones, prayers, embraces; for the right hand."""

import numpy as np

from llamo.train.synthesis.context import CHEST, Context, Request, Take


def shake_head(ctx: Context, ask: Request) -> Take:
    """Shaking the head: one shake is to one side, to the other and back."""
    r = ctx.rng
    turn, down = r.uniform(20, 42), r.uniform(-4, 10)
    one = ctx.pose(head=(down, 0, turn), spine=(0, 0, 0.12 * turn))
    two = ctx.pose(head=(down, 0, -turn), spine=(0, 0, -0.12 * turn))
    cycle = [(0.25, one), (0.75, two), (1.0, ctx.base)]
    return ctx.repeat(ask.count, 0.85 * ask.factor, cycle, key=0.5, pause=0.05, vary=0.5)


def think(ctx: Context, ask: Request) -> Take:
    """A hand at the chin, the other arm across the belly or hanging, the weight on one leg."""
    r = ctx.rng
    other = (35, 24, -75, 82) if r.random() < 0.6 else None
    tilt = r.uniform(-8, 8)
    pose = ctx.pose(ra=(20, 32, -25, 150), la=other, head=(r.uniform(0, 14), tilt, r.uniform(-12, 12)), dx=r.normal(0, 0.02))
    chin = (r.uniform(0.0, 0.05), r.uniform(-0.17, -0.1), r.uniform(0.11, 0.16))
    return ctx.stay(ctx.at_head(pose, chin), r.uniform(0.7, 1.1) * ask.factor, max(ask.seconds, 2.8))


def cough(ctx: Context, ask: Request) -> Take:
    """A hand before the mouth while the trunk jerks forward."""
    r = ctx.rng
    deep, mouth = r.uniform(8, 22), (r.uniform(0.02, 0.07), -0.07, r.uniform(0.12, 0.18))

    def at(bend):
        pose = ctx.pose(ra=(25, 50, -45, 148), spine=(bend, 0, 0), head=(0.5 * bend, 0, 0), shrug=0.4 * bend, pitch=0.2 * bend)
        return ctx.at_head(pose, mouth)

    ready, bent = at(4.0), at(deep)
    return ctx.repeat(
        ask.count,
        max(0.75 * ask.factor, 0.5),
        [(0.3, bent), (0.5, bent), (1.0, ready)],
        ready=ready,
        lead=0.6,
        settle=0.8,
        key=0.35,
        pause=0.2,
        vary=0.6,
    )


def yawn(ctx: Context, ask: Request) -> Take:
    """The head goes back with a hand before the mouth, or both arms stretch out and up."""
    r = ctx.rng
    f = float(np.clip(ask.factor, 0.75, 1.5))
    back = dict(head=(-r.uniform(12, 26), r.uniform(-5, 5), 0), spine=(-r.uniform(4, 12), 0, 0), shrug=8)
    if r.random() < 0.65:
        top = ctx.at_head(ctx.pose(ra=(30, 52, -45, 150), **back), (0.04, -0.06, 0.17))
    else:
        top = ctx.pose(arms=(88, r.uniform(95, 150), r.uniform(20, 80), 172), **back)
    hold = r.uniform(0.8, 2.0) * f
    low = ctx.pose(head=(8, 0, 0), spine=(4, 0, 0))
    times = np.cumsum([0.0, 0.9 * f, hold, 0.9 * f, 0.5])
    return Take(ctx.play(list(zip(times, (ctx.base, top, ctx.vary(top), low, ctx.base)))), [float(times[1] + hold / 2)])


def check_watch(ctx: Context, ask: Request) -> Take:
    """Lifting the wrist before the chest or the face and looking at it."""
    r = ctx.rng
    f = ask.factor
    pose = ctx.pose(ra=(30, r.uniform(30, 60), -70, r.uniform(88, 110)), head=(r.uniform(14, 30), 0, -6), wobble=4)
    place = (r.uniform(-0.06, 0.06), r.uniform(-0.08, 0.16), r.uniform(0.24, 0.34))
    other = (r.uniform(0.0, 0.08), place[1] + 0.02, place[2] - 0.02) if r.random() < 0.3 else None  # holds the sleeve
    at = ctx.reach(pose, CHEST, place, other)
    hold = r.uniform(0.5, 2.0)
    times = np.cumsum([0.0, 0.65 * f, hold, 0.7 * f])
    return Take(ctx.play(list(zip(times, (ctx.base, at, ctx.vary(at), ctx.base)))), [float(times[1])])


def text_phone(ctx: Context, ask: Request) -> Take:
    """Looking down at a phone in one hand or both, the thumbs at work."""
    r = ctx.rng
    up, ahead = r.uniform(-0.2, 0.02), r.uniform(0.24, 0.36)
    pose = ctx.pose(arms=(15, 22, -25, 115), head=(r.uniform(18, 34), 0, 0), spine=(r.uniform(0, 8), 0, 0), wobble=3)
    if r.random() < 0.5:
        places = (0.05, up, ahead), (0.05, up, ahead)
    else:  # one holds it, the other types or hangs
        places = (0.03, up, ahead), ((0.06, up + 0.04, ahead - 0.02) if r.random() < 0.5 else None)
    one = ctx.reach(pose, CHEST, *places, spread=0.008)
    two = ctx.reach(pose, CHEST, *places, spread=0.012)
    if places[1] is None:
        one[16:22] = two[16:22] = ctx.base[16:22]
    return ctx.to_and_fro(one, two, r.uniform(0.2, 0.5), max(ask.seconds, 3.0))


def take_photo(ctx: Context, ask: Request) -> Take:
    """Both hands hold a camera or a phone before the face."""
    r = ctx.rng
    low = dict(drop=r.uniform(0, 0.15), pitch=4) if r.random() < 0.3 else {}
    pose = ctx.pose(arms=(30, 62, -30, 140), head=(2, r.uniform(-6, 6), 0), wobble=3, **low)
    wide, up, ahead = r.uniform(0.04, 0.1), r.uniform(-0.1, 0.04), r.uniform(0.18, 0.42)
    at = ctx.at_head(pose, (wide, up, ahead), (wide, up, ahead))
    return ctx.stay(at, r.uniform(0.6, 1.0) * ask.factor, max(ask.seconds, 2.5))


def look_far(ctx: Context, ask: Request) -> Take:
    """A hand shades the eyes while the head turns along the horizon."""
    r = ctx.rng
    lean = r.uniform(0, 10)
    f = float(np.clip(ask.factor, 0.75, 1.6))
    brow = (r.uniform(0.02, 0.08), r.uniform(0.05, 0.1), r.uniform(0.14, 0.2))

    def at(turn):
        pose = ctx.pose(ra=(60, 78, -50, 150), head=(-4, 0, 0.55 * turn), spine=(lean, 0, 0.45 * turn), pitch=0.4 * lean)
        return ctx.at_head(pose, brow)

    keys, time, side = [(0.0, ctx.base), (0.7 * f, at(0.0))], 0.7 * f, float(r.choice([-1, 1]))
    while time < max(ask.seconds, 2.6) - 0.8:
        time += r.uniform(0.6, 1.4) * f
        keys.append((time, at(side * r.uniform(15, 55))))
        side = -side
    keys.append((time + 0.7 * f, ctx.base))
    return Take(ctx.play(keys))


def cover_ears(ctx: Context, ask: Request) -> Take:
    """Both hands pressed to the ears, the head drawn in."""
    r = ctx.rng
    bent = r.uniform(0, 24)
    pose = ctx.pose(arms=(75, r.uniform(45, 90), -60, 155), spine=(bent, 0, 0), head=(0.7 * bent, 0, 0), shrug=8, wobble=3)
    ear = (r.uniform(0.08, 0.12), r.uniform(-0.02, 0.05), r.uniform(-0.02, 0.04))
    return ctx.stay(ctx.at_head(pose, ear, ear), r.uniform(0.5, 0.8) * ask.factor, max(ask.seconds, 2.5))


def pray(ctx: Context, ask: Request) -> Take:
    """Palms together before the chest or the chin, the head bent; now and then with a bow."""
    r = ctx.rng
    bend = r.uniform(0, 14)
    pose = ctx.pose(arms=(40, 25, -60, 130), head=(r.uniform(6, 24), 0, 0), spine=(bend, 0, 0), pitch=0.3 * bend, wobble=3)
    place = (0.015, r.uniform(-0.04, 0.16), r.uniform(0.16, 0.26))
    return ctx.stay(ctx.reach(pose, CHEST, place, place, spread=0.006), r.uniform(0.7, 1.1) * ask.factor, max(ask.seconds, 2.8))


def hug(ctx: Context, ask: Request) -> Take:
    """The arms open wide and close around somebody in front."""
    r = ctx.rng
    f = float(np.clip(ask.factor, 0.75, 1.5))
    lean, step = r.uniform(2, 14), r.uniform(0.0, 0.15)
    open_ = ctx.pose(arms=(r.uniform(40, 65), r.uniform(60, 85), r.uniform(10, 35), r.uniform(72, 95)), dz=0.3 * step)
    pose = ctx.pose(
        arms=(25, r.uniform(55, 85), -60, 85), spine=(lean, 0, 0), pitch=0.4 * lean, head=(0, 10, 15), dz=0.5 * step
    )
    right = (-r.uniform(0.0, 0.14), r.uniform(0.0, 0.14), r.uniform(0.28, 0.36))
    left = (-r.uniform(0.0, 0.14), right[1] - r.uniform(0.06, 0.2), r.uniform(0.26, 0.34))
    held = ctx.reach(pose, CHEST, right, left)
    keys, time = [(0.0, ctx.base), (0.6 * f, open_), (1.2 * f, held)], 1.2 * f
    for _ in range(int(r.integers(1, 5))):  # some pat the back
        time += r.uniform(0.25, 0.6)
        keys.append((time, ctx.vary(held, 1.5)))
    keys += [(time + 0.6 * f, ctx.vary(open_)), (time + 1.2 * f, ctx.base)]
    return Take(ctx.play(keys), [1.2 * f])


def rub_hands(ctx: Context, ask: Request) -> Take:
    """Rubbing the palms before the belly."""
    r = ctx.rng
    up, ahead, slide = r.uniform(-0.24, 0.04), r.uniform(0.22, 0.34), r.uniform(0.03, 0.06)
    pose = ctx.pose(arms=(35, 24, -55, 105), head=(r.uniform(0, 18), 0, 0), shrug=r.uniform(0, 8), wobble=3)
    one, two = (
        ctx.reach(pose, CHEST, (0.02, up + side * slide, ahead), (0.02, up - side * slide, ahead), spread=0.006)
        for side in (1, -1)
    )
    return ctx.to_and_fro(one, two, r.uniform(0.13, 0.25) * ask.factor, max(ask.seconds, 2.5))


def write(ctx: Context, ask: Request) -> Take:
    """Writing on a board: small strokes that wander sideways and start anew below."""
    r = ctx.rng
    up, ahead, beat = r.uniform(0.0, 0.3), r.uniform(0.4, 0.52), r.uniform(0.12, 0.24)
    pose = ctx.pose(ra=(15, 75, 0, 100), head=(-0.3 * up * 60, 0, -8), wobble=3)
    keys, time, x = [(0.0, ctx.base)], 0.8 * ask.factor, -r.uniform(0.05, 0.15)
    while time < max(ask.seconds, 3.0) - 0.8:
        place = (x, up + r.uniform(-0.05, 0.05), ahead)
        keys.append((time, ctx.reach(pose, CHEST, place, spread=0.004)))
        time += beat * r.uniform(0.8, 1.3)
        x += 0.018
        if x > 0.3:  # the next line
            x, up, time = x - 0.4, up - 0.1, time + 0.35
    keys.append((time + 0.8, ctx.base))
    return Take(ctx.play(keys))


def conduct(ctx: Context, ask: Request) -> Take:
    """Beating time with both arms, mirrored, or with one while the other lies still."""
    r = ctx.rng
    size, beat = r.uniform(0.6, 1.3) * ctx.style.amplitude, r.uniform(0.3, 0.55)
    one_handed = r.random() < 0.35
    beats = {  # (out, up) of the wrists from the chest, metres
        2: [(0.05, -0.12), (0.2, 0.14)],
        3: [(0.05, -0.14), (0.28, 0.0), (0.12, 0.2)],
        4: [(0.06, -0.15), (-0.04, 0.0), (0.3, 0.02), (0.12, 0.2)],
    }[int(r.integers(2, 5))]
    pose = ctx.pose(arms=(30, 40, 0, 105), spine=(3, 0, 0), wobble=3)
    ahead = r.uniform(0.34, 0.44)
    keys, time, index = [(0.0, ctx.base)], 0.8, 0
    while time < max(ask.seconds, 3.0) - 0.8:
        out, up = beats[index % len(beats)]
        place = (0.14 + size * out, 0.04 + size * up, ahead)
        at = ctx.reach(pose, CHEST, place, None if one_handed else place, spread=0.02)
        if one_handed:
            at[16:22] = ctx.base[16:22]
        keys.append((time, at))
        time += beat * r.uniform(0.9, 1.1)
        index += 1
    keys.append((time + 0.8, ctx.base))
    return Take(ctx.play(keys))


PROGRAMS = {
    "shake_head": shake_head,
    "think": think,
    "cough": cough,
    "yawn": yawn,
    "check_watch": check_watch,
    "text_phone": text_phone,
    "take_photo": take_photo,
    "look_far": look_far,
    "cover_ears": cover_ears,
    "pray": pray,
    "hug": hug,
    "rub_hands": rub_hands,
    "write": write,
    "conduct": conduct,
}
