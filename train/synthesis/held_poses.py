"""Poses that are held or flow slowly into one another, standing: warrior, chair, tai chi."""

import numpy as np

from llamo.train.synthesis.context import Context, Request, Take
from llamo.train.synthesis.kinematics import solve


def warrior(ctx: Context, ask: Request) -> Take:
    """A long step held with the front knee bent, the arms out to the sides or up."""
    r = ctx.rng
    front, back = r.uniform(0.28, 0.4), r.uniform(0.5, 0.72)  # of the feet from the pelvis
    feet = dict(rf=(0.03, 0, front, 0, 0), lf=(0.04, 0, -back, r.uniform(0, 40), r.uniform(15, 60)))
    kind = str(r.choice(["sides", "up", "front_back"], p=[0.35, 0.35, 0.3]))
    arms = {
        "sides": dict(arms=(90, 88, 90, 90)),
        "up": dict(arms=(15, r.uniform(155, 170), 5, 174)),
        "front_back": dict(ra=(5, 88, 5, 90), la=(172, 84, 172, 88)),
    }[kind]
    turn = r.uniform(25, 60) if kind == "front_back" else r.uniform(0, 15)  # of the trunk, towards the back leg
    pose = ctx.pose(
        yaw=0.4 * turn, spine=(-2, 0, 0.6 * turn), head=(0, 0, -0.9 * turn), frame=0.0, drop=0.1, **feet, **arms
    )  # fmt: skip
    bent = r.uniform(0.955, 0.99)  # how straight the back leg stays
    for _ in range(12):
        joints = solve(pose[None], ctx.body)[0]
        way = joints[1] - joints[7]
        flat = float(np.hypot(way[0], way[2]))
        pose[1] += np.sqrt(max((bent * ctx.leg) ** 2 - flat**2, 0.09)) - float(way[1])
    return ctx.stay(pose, 1.3 * float(np.clip(ask.factor, 0.8, 1.6)), max(ask.seconds, 4.2))


def chair(ctx: Context, ask: Request) -> Take:
    """A half squat that is held, the arms forward, up, or at the hips, as against a wall."""
    r = ctx.rng
    deep, wall = r.uniform(0.24, 0.48), r.random() < 0.35
    pitch = r.uniform(-2, 4) if wall else r.uniform(18, 34)
    arms = [(5, 88, 0, 92), (8, 150, 4, 168), (60, 25, -40, 80), (40, 15, 20, 20)][r.integers(4)]
    out = r.uniform(0.0, 0.1)
    ahead = 0.9 * deep * 0.5 if wall else 0.0
    feet = dict(lf=(out, 0, ahead, 0, 6), rf=(out, 0, ahead, 0, 6), knees=6)
    pose = ctx.pose(
        drop=deep,
        dz=-0.08 if wall else -0.16,
        pitch=pitch,
        spine=(0.4 * pitch, 0, 0),
        head=(-0.8 * pitch, 0, 0),
        arms=arms,
        **feet,
    )
    return ctx.stay(pose, 0.9 * float(np.clip(ask.factor, 0.8, 1.6)), max(ask.seconds, 3.2))


def tai_chi(ctx: Context, ask: Request) -> Take:
    """Slow flowing shapes of both arms over bent knees, the weight going from one foot to the other."""
    r = ctx.rng
    step = r.uniform(0.1, 0.3)
    wide = dict(lf=(0.12, 0, step, 0, 12), rf=(0.12, 0, -0.05, 0, 30), knees=8)
    drop = r.uniform(0.08, 0.18)
    shapes = [  # right arm, left arm, twist of the trunk
        ((10, 75, -5, 95), (10, 75, -5, 95), 0),  # pushing
        ((50, 30, -40, 80), (50, 60, -50, 85), 15),  # holding a ball at the right
        ((50, 60, -50, 85), (50, 30, -40, 80), -15),  # and at the left
        ((60, 85, 25, 125), (70, 25, 30, 55), -20),  # parting the mane
        ((70, 25, 30, 55), (60, 85, 25, 125), 20),
        ((80, 70, 60, 95), (80, 70, 60, 95), 0),  # the crane spreads
        ((15, 45, -20, 75), (15, 45, -20, 75), 0),  # sinking
        ((95, 75, 110, 85), (10, 70, -20, 90), -30),  # the whip
    ]
    tempo = float(np.clip(ask.factor, 0.8, 1.6))
    keys, time, last = [(0.0, ctx.base)], 0.0, -1
    while time < max(ask.seconds, 5.0) - 1.5:
        time += r.uniform(1.0, 2.0) * tempo
        index = int(r.choice([i for i in range(len(shapes)) if i != last]))
        right, left, turn = shapes[index]
        last, weight = index, r.uniform(-0.5, 1.0)
        pose = ctx.pose(
            drop=drop * r.uniform(0.7, 1.2), dx=0.06 * weight * r.choice([-1, 1]), dz=0.5 * step * weight, yaw=0.3 * turn,
            spine=(0, 0, turn), head=(0, 0, 0.3 * turn), ra=right, la=left, wobble=9, **wide,
        )  # fmt: skip
        keys.append((time, pose))
    keys.append((time + 1.5 * tempo, ctx.base))
    return Take(ctx.play(keys))


PROGRAMS = {"warrior": warrior, "chair": chair, "tai_chi": tai_chi}
