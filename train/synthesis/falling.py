"""Falling from standing to the floor: backward onto the seat, forward onto the hands, or crumpling to a side."""

import numpy as np

from llamo.train.synthesis.context import Context, Request, Take
from llamo.train.synthesis.floor import prone, side_lying, supine
from llamo.train.synthesis.free_body import Key, Rig, turned


def fall(ctx: Context, ask: Request) -> Take:
    """A sudden fall; the last posture is kept for a moment."""
    r = ctx.rng
    rig = Rig(ctx)
    kind = str(r.choice(["back", "front", "side"], p=[0.45, 0.35, 0.2])) if ask.alone else "back"
    keys = {"back": _backward, "front": _forward, "side": _sideways}[kind](rig)
    f = r.uniform(0.85, 1.25) * float(np.clip(ask.factor, 0.85, 1.25))
    wait = r.uniform(0.2, 1.0)
    times = np.cumsum([wait, *(f * span for span, _ in keys)])
    poses = [rig.stand(), *(key for _, key in keys)]
    end = float(times[-1])
    played = [(0.0, rig.stand()), *zip(times, poses), (end + r.uniform(0.5, 1.6), poses[-1])]
    joints = rig.play([(float(time), key) for time, key in played])
    at = poses[-1].values[:3]
    return rig.take(joints, start=wait, end=end, events=[end - 0.1], stands=(True, False), travel=(at[0], at[2], 0.0))


def _stumbling(rig: Rig, lean: float, roll: float = 0.0) -> Key:
    """Off balance, the arms thrown up and out."""
    ctx = rig.ctx
    pose = ctx.pose(
        pitch=0.6 * lean,
        roll=roll,
        spine=(0.5 * lean, 0.4 * roll, 0),
        drop=0.05,
        dz=0.004 * lean,
        arms=(75, 75, 50, 95),
        wobble=14,
    )
    return rig.stand(pose=pose)


def _backward(rig: Rig) -> list[tuple[float, Key]]:
    s, leg, r = rig.scale, rig.ctx.leg, rig.ctx.rng
    feet = [(row[0], row[2], -20.0, 0.0) for row in (rig.ctx.base[28:33], rig.ctx.base[33:38])]
    back = -r.uniform(0.38, 0.5) * leg
    down = rig.key(
        (0, 0.42 * leg, 0.8 * back), turned(-22), spine=(22, 0, 0), head=(14, 0, 0), la=(150, 40, 120, 50),
        ra=(150, 40, 120, 50), lf=feet[0], rf=feet[1], wobble=12.0,
    )  # fmt: skip
    wide = r.uniform(0.22, 0.36) * s
    sat = rig.key(
        (0, 0.1 * s, back), turned(-46), spine=(30, 0, r.uniform(-12, 12)), head=(18, 0, 0),
        lh=(wide, 0.03 * s, back - 0.25 * s), rh=(-wide, 0.03 * s, back - 0.22 * s), elbows=[(0.5, 0, -1), (-0.5, 0, -1)],
        ll=(55, 8, 50, 20), rl=(62, 8, 45, 20),
        settle=1.0,
    )  # fmt: skip
    flat = supine(rig, at=(0, 0.1, back - 0.04 * s))
    return [(0.25, _stumbling(rig, -10)), (0.32, down), (0.24, sat), (0.38, flat)]


def _forward(rig: Rig) -> list[tuple[float, Key]]:
    s, leg, r = rig.scale, rig.ctx.leg, rig.ctx.rng
    ahead = r.uniform(0.5, 0.75) * leg
    feet = [(row[0], row[2], 50.0, 0.0) for row in (rig.ctx.base[28:33], rig.ctx.base[33:38])]
    toppling = rig.key(
        (0, 0.62 * leg, 0.4 * ahead), turned(48), spine=(12, 0, 0), head=(-22, 0, 0), la=(20, 75, 5, 80), ra=(20, 80, 5, 85),
        lf=feet[0], rf=feet[1], knees=[(0.1, -0.6, 1), (-0.1, -0.6, 1)], wobble=10.0,
    )  # fmt: skip
    reach = ahead + rig.body.torso * 0.95
    caught = rig.key(
        (0, 0.2 * s, ahead), turned(74), spine=(-10, 0, 0), head=(-28, 0, 0), lh=(0.22 * s, 0.03 * s, reach),
        rh=(-0.22 * s, 0.03 * s, reach + r.uniform(-0.08, 0.08)), elbows=[(1, 0.4, -0.3), (-1, 0.4, -0.3)], ll=(0, 6, 12, 55),
        rl=(0, 6, 16, 55), settle=1.0,
    )  # fmt: skip
    lying = prone(rig, at=(0, 0.12, ahead + 0.03 * s), turn=turned(88))
    return [(0.25, _stumbling(rig, 14)), (0.3, toppling), (0.26, caught), (0.35, lying)]


def _sideways(rig: Rig) -> list[tuple[float, Key]]:
    """The knees give way and the body goes down to the left."""
    s, leg = rig.scale, rig.ctx.leg
    feet = [(row[0], row[2], 25.0, 0.0) for row in (rig.ctx.base[28:33], rig.ctx.base[33:38])]
    sink = rig.key(
        (0.1 * s, 0.48 * leg, -0.02), turned(12, -12, 0), spine=(20, -14, 0), head=(20, -10, 0),
        la=(60, 40, 20, 60), ra=(40, 20, 0, 40), lf=feet[0], rf=feet[1], knees=[(0.4, -0.2, 1), (0.1, -0.2, 1)], wobble=8.0,
    )  # fmt: skip
    place = np.array([0.38 * s, 0.12, -0.05])
    hip = rig.key(
        tuple(place), turned(roll=-40) @ turned(20), spine=(16, -18, 0), head=(10, -10, 0), la=(80, 70, 60, 90),
        ra=(40, 50, 0, 70), ll=(60, 0, 95, 30), rl=(50, -6, 85, 30), settle=1.0, wobble=6.0,
    )  # fmt: skip
    lying = side_lying(rig, at=(place[0] + 0.05 * s, 0.12, place[2]), turn=turned(roll=-84))
    return [(0.2, _stumbling(rig, 4, -6)), (0.42, sink), (0.3, hip), (0.4, lying)]


PROGRAMS = {"fall": fall}
