"""Dance: free dancing in many styles, side steps, swaying, spins, pirouettes, leaps, balances and poses.

Authored for the right leg and for turns to the left. Footwork is written as foot placements on the floor in beats;
turns on the spot revolve the whole body about the ball of the standing foot.
"""

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.context import RAD, Context, Request, Take
from llamo.train.synthesis.locomotion import Gait, travel
from llamo.train.synthesis.tracks import minimum_jerk, smooth, track, window


GRAVITY = 9.81

# Arms as (upper azimuth, upper elevation, fore azimuth, fore elevation) in degrees: ballet positions and club poses.
_LOW_ROUND = (35, 24, -40, 45)
_FIRST = (35, 62, -50, 78)
_SECOND = (78, 82, 55, 86)
_FIFTH = (45, 148, -45, 160)
_OUT = (85, 88, 84, 90)
_GROOVE = (40, 20, -10, 88)
_UP = (30, 155, 10, 170)


def _revolve(controls: np.ndarray, yaw: np.ndarray, x: float, z: float) -> np.ndarray:
    """Turn every frame of controls (T, 49) by its own `yaw` (T,) about the vertical through (x, z)."""
    out = controls.copy()
    c, s = np.cos(yaw), np.sin(yaw)
    for i in (0, 28, 33, 40, 44):
        px, pz = controls[:, i] - x, controls[:, i + 2] - z
        out[:, i] = c * px + s * pz + x
        out[:, i + 2] = -s * px + c * pz + z
    for i in (ch.YAW, 32, 37):
        out[:, i] += yaw
    return out


def _over_right(ctx: Context) -> dict:
    """Keyword arguments of a pose: the pelvis shifted over the right foot."""
    return {"dx": -0.9 * abs(float(ctx.base[33])) / ctx.scale}


# free dancing --------------------------------------------------------------------------------------------------------


class _Floor:
    """Where the feet stand while a dance goes on, in the frame of the segment.

    Every method that adds a key pose takes changes in the dancer's own frame and writes world positions.
    """

    def __init__(self, ctx: Context):
        self.ctx = ctx
        self.x = self.z = self.heading = 0.0
        self.feet = {"l": ctx.base[ch.FOOT_L].copy(), "r": ctx.base[ch.FOOT_R].copy()}
        self.keys = [(0.0, ctx.base)]
        self.time = 0.0

    def _home(self, foot: str) -> np.ndarray:
        """(5,) world placement of a foot under the present middle and heading."""
        return ch.place(self.ctx.base[None], self.x, self.z, self.heading)[0][ch.FOOT_L if foot == "l" else ch.FOOT_R]

    def step(self, foot: str, left: float = 0.0, forward: float = 0.0, toe: float = 0.0) -> None:
        """Put a foot down at an offset (metres for 1.73 m, degrees outward) from its home place."""
        place = self._home(foot).copy()
        s = self.ctx.scale
        c, sn = np.cos(self.heading), np.sin(self.heading)
        place[0] += s * (left * c + forward * sn)
        place[2] += s * (-left * sn + forward * c)
        place[4] += (1 if foot == "l" else -1) * toe * RAD
        self.feet[foot] = place

    def move(self, left: float = 0.0, forward: float = 0.0, turn: float = 0.0) -> None:
        """Move the middle of the dance (the next steps go with it): metres and degrees to the left."""
        s = self.ctx.scale
        c, sn = np.cos(self.heading), np.sin(self.heading)
        self.x += s * (left * c + forward * sn)
        self.z += s * (-left * sn + forward * c)
        self.heading += turn * RAD

    def key(self, seconds: float, weight: float = 0.0, lift: dict | None = None, heel: str = "", **pose) -> None:
        """Add a key pose.

        Args:
            weight: 1 all on the left foot, -1 all on the right. lift: foot -> (up, forward, toes down) of a raised foot.
            heel: feet whose heels are up. pose: arguments of Context.pose without the feet.
        """
        ctx = self.ctx
        self.time += seconds
        out = ch.place(ctx.pose(**pose)[None], self.x, self.z, self.heading)[0]
        a, b = self.feet["l"], self.feet["r"]
        home_a, home_b = self._home("l"), self._home("r")
        middle = 0.5 * (a + b - home_a - home_b)
        out[[0, 2]] += middle[[0, 2]] + 0.42 * weight * (a - b)[[0, 2]]
        for foot, slot in (("l", ch.FOOT_L), ("r", ch.FOOT_R)):
            place = self.feet[foot].copy()
            if lift and foot in lift:
                up, forward, pitch = lift[foot]
                place[1] += up * ctx.scale
                place[0] += forward * ctx.scale * np.sin(self.heading)
                place[2] += forward * ctx.scale * np.cos(self.heading)
                place[3] += pitch * RAD
            elif foot in heel:
                place[3] += 30 * RAD
            out[slot] = place
        # Wide feet bring the pelvis down by themselves; a straddle also needs a little bend for comfort.
        wide = float(np.hypot(*(a - b)[[0, 2]]))
        out[1] -= 0.10 * max(wide - 0.3 * ctx.scale, 0.0)
        self.keys.append((self.time, out))

    def finish(self, seconds: float, loose: float = 0.6) -> Take:
        """Come back to rest where the dance has led to."""
        rest = ch.place(self.ctx.base[None], self.x, self.z, self.heading)[0]
        self.keys.append((self.time + seconds, rest))
        controls = self.ctx.play(self.keys)
        for i in (28, 33):
            controls[:, i + 1] = np.maximum(controls[:, i + 1], self.ctx.body.ball)
        return Take(
            controls,
            [],
            0.0,
            self.time + 0.4 * seconds,
            (self.x, self.z, self.heading),
            loose_start=loose,
            loose_end=loose,
        )


class _Arms:
    """What the arms do to the beat: a little cycle of poses, held or drawn anew."""

    def __init__(self, ctx: Context, kind: str | None = None):
        r = ctx.rng
        self.rng, self.i = r, 0
        kinds = "groove pump roof waves swing sides disco clap hips ballet snake random relaxed circle cross".split()
        self.kind = kind or str(r.choice(kinds))
        e = r.uniform(-12, 12)
        table = {
            "groove": [
                ((45, 25, -5, 85 + e), (40, 18, -25, 105 + e)),
                ((40, 18, -25, 105 + e), (45, 25, -5, 85 + e)),
            ],
            "pump": [((20, 60, 0, 115 + e), (120, 35, 10, 95)), ((120, 35, 10, 95), (20, 60, 0, 115 + e))],
            "roof": [((55, 95 + e, 45, 168),) * 2, ((35, 140 + e, 25, 170),) * 2],
            "waves": [((40, 150, 70, 160), (40, 150, -50, 160)), ((40, 150, -50, 160), (40, 150, 70, 160))],
            "swing": [((15, 55 + e, 5, 75), (150, 30, 120, 45)), ((150, 30, 120, 45), (15, 55 + e, 5, 75))],
            "sides": [(_OUT, (50, 30, -60, 80)), ((50, 30, -60, 80), _OUT)],
            "disco": [((50, 150, 55, 155), (60, 30, -40, 50)), ((-30, 40, -45, 42), (60, 30, -40, 70))],
            "clap": [((30, 40, -55, 100),) * 2, ((55, 45 + e, 10, 95),) * 2],
            "hips": [((100, 48, -55, 44),) * 2, ((104, 44, -50, 46),) * 2],
            "ballet": [(_SECOND, _SECOND), (_FIRST, _SECOND), (_FIFTH, _SECOND), (_FIFTH, _FIFTH), (_LOW_ROUND, _LOW_ROUND)],
            "snake": [((80, 105, 70, 70), (80, 65, 80, 110)), ((80, 65, 80, 110), (80, 105, 70, 70))],
            "relaxed": [((40, 14, 5, 45 + e), (50, 16, 5, 55 + e)), ((50, 16, 5, 60 + e), (40, 12, 5, 40 + e))],
            "circle": [(_FIFTH, _FIFTH), (_OUT, _OUT), (_LOW_ROUND, _LOW_ROUND), (_FIRST, _FIRST)],
            "cross": [((40, 40, -60, 70),) * 2, (_OUT, _OUT)],
        }
        if self.kind == "random":
            self.poses = [(self._draw(), self._draw()) for _ in range(int(r.integers(2, 5)))]
        else:
            self.poses = table[self.kind]
        if r.random() < 0.5:
            self.poses = [(b, a) for a, b in self.poses]
        if self.kind in ("waves", "disco", "sides", "snake") and r.random() < 0.3:
            self.poses = [(a, None) for a, _ in self.poses] if r.random() < 0.5 else [(None, b) for _, b in self.poses]

    def _draw(self):
        r = self.rng
        return (r.uniform(10, 95), r.uniform(15, 150), r.uniform(-50, 80), r.uniform(50, 170))

    def at(self, count: int) -> dict:
        """Arguments of a pose for a beat."""
        a, b = self.poses[count % len(self.poses)]
        return {"la": a, "ra": b, "wobble": 4.0}


def _groove(ctx: Context, side: float, hip: float, twist: float) -> dict:
    """Pelvis to one side (1 left), spine and head against it, degrees."""
    r = ctx.rng
    return {
        "roll": side * hip,
        "yaw": r.normal(0, 1.5),
        "spine": (r.normal(2, 2), -side * hip * 1.3, side * twist),
        "head": (r.normal(0, 4), side * r.normal(2, 3), r.normal(0, 6)),
    }


def _two_step(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """Side, touch, side, touch."""
    w = d["size"] * 0.3
    for k, (foot, other, sign) in enumerate((("r", "l", -1), ("l", "r", 1))):
        floor.step(foot, left=sign * w)
        floor.key(beat, sign * 0.5, drop=d["drop"], **_groove(floor.ctx, sign, d["hip"], d["twist"]), **arms.at(2 * k))
        floor.move(left=sign * w)
        floor.step(foot)
        floor.step(other, left=-sign * 0.02)
        floor.key(
            beat, sign * 0.85, heel=other, drop=d["drop"] * 1.5, **_groove(floor.ctx, sign, d["hip"], 0), **arms.at(2 * k + 1)
        )


def _hip_sway(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """Feet apart, hips from side to side."""
    w = 0.05 + 0.09 * d["size"]
    floor.step("l", left=w, toe=8)
    floor.step("r", left=-w, toe=8)
    for k in range(4):
        sign = 1 if k % 2 else -1
        floor.key(
            beat,
            sign * 0.75,
            heel="r" if sign > 0 else "l",
            drop=0.02 + d["drop"],
            **_groove(floor.ctx, sign, d["hip"] * 1.5, d["twist"]),
            **arms.at(k),
        )


def _bounce(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """Knees give on every beat."""
    w = 0.05 * d["size"]
    floor.step("l", left=w)
    floor.step("r", left=-w)
    nod = floor.ctx.rng.uniform(0, 14)
    for k in range(4):
        sign = 1 if k % 2 else -1
        down = _groove(floor.ctx, sign, d["hip"] * 0.4, d["twist"])
        down["head"] = (nod, 0, sign * 3)
        floor.key(beat * 0.5, sign * 0.25, drop=0.05 + 1.4 * d["drop"], **down, **arms.at(k))
        floor.key(beat * 0.5, 0.0, drop=0.01, **_groove(floor.ctx, sign, 0, d["twist"]), **arms.at(k))


def _latin(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """Forward, replace, close, hold; back, replace, close, hold."""
    length = 0.28 * d["size"]
    for k, (foot, sign, ahead) in enumerate((("l", 1, 1), ("r", -1, -1))):
        other = "r" if foot == "l" else "l"
        floor.step(foot, forward=ahead * length)
        floor.key(beat, sign * 0.7, heel=other, drop=0.03, **_groove(floor.ctx, sign, d["hip"], d["twist"]), **arms.at(4 * k))
        floor.key(
            beat, -sign * 0.7, heel=foot, drop=0.02, **_groove(floor.ctx, -sign, d["hip"], -d["twist"]), **arms.at(4 * k + 1)
        )
        floor.step(foot)
        floor.key(
            beat, sign * 0.6, heel=other, drop=0.03, **_groove(floor.ctx, sign, d["hip"], d["twist"]), **arms.at(4 * k + 2)
        )
        floor.key(beat, -sign * 0.3, drop=0.015, **_groove(floor.ctx, -sign, d["hip"] * 0.5, 0), **arms.at(4 * k + 3))


def _side_latin(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """Side, together, side, tap with the hips (merengue, bachata)."""
    w = 0.22 * d["size"]
    for sign, foot, other in ((1, "l", "r"), (-1, "r", "l")):
        for k in range(2):
            floor.step(foot, left=sign * w)
            floor.key(
                beat, sign * 0.6, heel=other, drop=0.03, **_groove(floor.ctx, sign, d["hip"], d["twist"]), **arms.at(2 * k)
            )
            floor.move(left=sign * w)
            floor.step(foot)
            floor.step(other)
            last = k == 1
            floor.key(
                beat,
                sign * 0.85 if last else -sign * 0.6,
                heel=other if last else foot,
                drop=0.03,
                **_groove(floor.ctx, -sign, d["hip"] * (1.3 if last else 1), -d["twist"]),
                **arms.at(2 * k + 1),
            )


def _twist(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """Swivelling on the balls of the feet, knees bent."""
    angle = 18 + 20 * d["size"]
    low = 0.06 + floor.ctx.rng.uniform(0, 0.12)
    for k in range(4):
        sign = 1 if k % 2 else -1
        for foot in "lr":
            floor.feet[foot][4] = floor._home(foot)[4] + sign * angle * RAD
        pose = _groove(floor.ctx, sign, d["hip"] * 0.4, 0)
        pose["yaw"], pose["spine"] = sign * angle * 0.75, (6, 0, -sign * angle * 1.1)
        floor.key(beat, sign * 0.3, heel="lr", drop=low, **pose, **arms.at(k))
    for foot in "lr":
        floor.step(foot)


def _grapevine(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """Side, behind, side, touch; to both sides."""
    w = 0.26 * d["size"]
    for sign, lead, other in ((1, "l", "r"), (-1, "r", "l")):
        floor.step(lead, left=sign * w)
        floor.key(beat, sign * 0.5, drop=d["drop"], **_groove(floor.ctx, sign, d["hip"] * 0.6, 0), **arms.at(0))
        floor.move(left=sign * w)
        floor.step(other, left=sign * 0.14, forward=-0.16)
        floor.key(beat, -sign * 0.5, heel=lead, drop=d["drop"], **_groove(floor.ctx, -sign, d["hip"] * 0.6, 12), **arms.at(1))
        floor.step(lead, left=sign * w)
        floor.key(beat, sign * 0.5, drop=d["drop"], **_groove(floor.ctx, sign, d["hip"] * 0.6, 0), **arms.at(2))
        floor.move(left=sign * w)
        floor.step(lead)
        floor.step(other)
        floor.key(beat, sign * 0.85, heel=other, drop=d["drop"], **_groove(floor.ctx, sign, d["hip"], 0), **arms.at(3))


def _kicks(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """Knee lifts or low kicks, one foot and the other."""
    r = floor.ctx.rng
    knee = r.random() < 0.5
    high = r.uniform(0.12, 0.4) * d["size"]
    for k, (foot, sign) in enumerate((("r", 1), ("l", -1))):
        lift = {foot: (high, 0.1, 25) if knee else (high * 0.8, 0.42, 15)}
        floor.key(
            beat, sign * 0.95, lift=lift, drop=0.02, **_groove(floor.ctx, sign, d["hip"] * 0.5, sign * 8), **arms.at(2 * k)
        )
        floor.step(foot)
        floor.key(beat, 0.0, drop=0.02 + d["drop"], **_groove(floor.ctx, 0, 0, 0), **arms.at(2 * k + 1))


def _rock(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """Forward and back on staggered feet, with a wave of the trunk."""
    length = 0.14 + 0.1 * d["size"]
    floor.step("l", forward=length, left=0.02)
    floor.step("r", forward=-length * 0.7, left=-0.02)
    for k in range(4):
        front = k % 2 == 0
        pose = _groove(floor.ctx, 1 if front else -1, d["hip"] * 0.3, d["twist"] * 0.5)
        pose["spine"] = (14 if front else -10, 0, 0)
        floor.key(beat, 0.6 if front else -0.6, heel="r" if front else "", drop=0.03 + d["drop"], **pose, **arms.at(k))
    floor.step("l")
    floor.step("r")


def _turning(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """A quarter or half turn in steps of the feet."""
    sign = 1 if floor.ctx.rng.random() < 0.5 else -1
    first, second = ("l", "r") if sign > 0 else ("r", "l")
    for k in range(int(floor.ctx.rng.choice([2, 4]))):
        if k % 2 == 0:
            floor.move(turn=sign * 45)
            floor.step(first, toe=12)
        else:
            floor.step(second)
            floor.step(first)
            floor.move(turn=sign * 0.0)
        floor.key(
            beat,
            (sign if k % 2 == 0 else -sign) * 0.5,
            drop=0.02,
            **_groove(floor.ctx, sign, d["hip"] * 0.4, sign * 6),
            **arms.at(k),
        )


def _port_de_bras(floor: _Floor, arms: _Arms, beat: float, d: dict) -> None:
    """Slow arms with a stretched foot, a bend of the knees or a tilt of the back."""
    r = floor.ctx.rng
    foot, sign = ("r", 1) if r.random() < 0.5 else ("l", -1)
    for _ in range(2):
        kind = r.integers(4)
        if kind == 0:
            floor.step(foot, left=-sign * r.uniform(0.2, 0.4), toe=25)
        elif kind == 1:
            floor.step(foot, forward=r.uniform(0.25, 0.4), toe=20)
        else:
            floor.step(foot, toe=15)
        floor.key(
            beat * 2,
            sign * 0.75,
            heel=foot if kind < 2 else "",
            drop=0.1 if kind == 2 else 0.01,
            roll=r.normal(0, 3),
            spine=(r.normal(-4, 6), r.normal(0, 9), r.normal(0, 9)),
            head=(r.normal(-3, 6), r.normal(0, 7), r.normal(0, 16)),
            **arms.at(int(r.integers(8))),
        )
    floor.step(foot)


_PATTERNS = {
    "club": (_two_step, _bounce, _hip_sway, _rock, _kicks, _turning, _twist),
    "latin": (_latin, _side_latin, _hip_sway, _turning),
    "ballet": (_port_de_bras, _port_de_bras, _turning),
    "line": (_grapevine, _two_step, _kicks, _latin, _turning),
    "sixties": (_twist, _hip_sway, _bounce),
    "free": (_two_step, _bounce, _hip_sway, _rock, _kicks, _turning, _twist, _latin, _side_latin, _grapevine, _port_de_bras),
}
_STYLE_ARMS = {
    "latin": ("groove", "relaxed", "hips", "sides", "snake", "circle", "random"),
    "ballet": ("ballet", "circle", "random"),
    "sixties": ("groove", "swing", "pump", "relaxed"),
}


def dance(ctx: Context, ask: Request) -> Take:
    """A choreography of 4 to 8 counts patterns in one style."""
    r = ctx.rng
    style = str(r.choice(list(_PATTERNS), p=[0.3, 0.2, 0.15, 0.1, 0.08, 0.17]))
    beat = float(np.clip(r.uniform(0.42, 0.62) * ask.factor**0.6, 0.34, 0.85))
    if style == "ballet":
        beat *= r.uniform(1.0, 1.35)
    d = {
        "size": float(np.clip(r.uniform(0.6, 1.3) * ctx.style.amplitude, 0.5, 1.5)),
        "drop": r.uniform(0.0, 0.05) * ctx.style.bounce,
        "hip": r.uniform(2, 12) * ctx.style.amplitude,
        "twist": r.normal(0, 9),
    }
    floor = _Floor(ctx)
    pool = _PATTERNS[style]
    mine = [pool[r.integers(len(pool))] for _ in range(int(r.integers(1, 4)))]
    end = max(ask.seconds, 3.0)
    allowed = _STYLE_ARMS.get(style)
    arms = [_Arms(ctx, None if allowed is None else str(r.choice(allowed))) for _ in range(int(r.integers(1, 3)))]
    bar = 0
    while floor.time < end - 1.0:
        mine[bar % len(mine)](floor, arms[(bar // 2) % len(arms)], beat, d)
        if r.random() < 0.12:
            arms.append(_Arms(ctx, None if allowed is None else str(r.choice(allowed))))
        bar += 1
    return floor.finish(r.uniform(0.6, 0.9))


def side_step_dance(ctx: Context, ask: Request) -> Take:
    """Step and touch from side to side."""
    r = ctx.rng
    beat = float(np.clip(r.uniform(0.42, 0.6) * ask.factor**0.8, 0.34, 0.95))
    d = {
        "size": float(np.clip(r.uniform(0.6, 1.4) * ctx.style.amplitude, 0.5, 1.5)),
        "drop": r.uniform(0.0, 0.05) * ctx.style.bounce,
        "hip": r.uniform(1, 9),
        "twist": r.normal(0, 6),
    }
    floor = _Floor(ctx)
    arms = _Arms(ctx)
    vine = r.random() < 0.15
    while floor.time < max(ask.seconds, 2.5) - 0.8:
        (_grapevine if vine else _two_step)(floor, arms, beat, d)
    return floor.finish(r.uniform(0.5, 0.8))


def sway(ctx: Context, ask: Request) -> Take:
    """Swaying; one sway is to one side and to the other."""
    r = ctx.rng
    w = r.uniform(0.0, 0.14)
    feet = {"lf": (w, 0, 0, 0, r.uniform(0, 10)), "rf": (w, 0, 0, 0, r.uniform(0, 10))} if w > 0.04 else {}
    far = r.uniform(0.05, 0.1) + 0.5 * (w if feet else 0.0)
    lean = r.uniform(2, 9) * ctx.style.amplitude
    hips = r.random() < 0.4  # hips lead, or the whole body leans like a tree
    kind = str(r.choice(["none", "up", "out", "wave", "hug"]))
    left_arm = {"none": None, "up": _UP, "out": _OUT, "wave": (40, 150, 60, 160), "hug": (20, 30, -70, 85)}[kind]
    right_arm = {"wave": (40, 150, -40, 162)}.get(kind, left_arm)

    def at(sign):
        a, b = (left_arm, right_arm) if sign > 0 else (right_arm, left_arm)
        tilt = sign * lean
        return ctx.pose(
            dx=sign * far,
            drop=0.015,
            roll=tilt * (1.2 if hips else -0.5),
            spine=(0, -tilt * (1.5 if hips else 1.0), sign * r.normal(0, 4)),
            head=(0, -tilt * 0.5, 0),
            la=a,
            ra=b,
            frame=0.8,
            wobble=3,
            **feet,
        )

    first = 1 if r.random() < 0.5 else -1
    ready = ctx.pose(la=left_arm, ra=right_arm, **feet) if feet or left_arm is not None else ctx.base
    lead = 0.0 if ready is ctx.base else 0.8
    return ctx.repeat(
        ask.count,
        1.9 * ask.factor,
        [(0.25, at(first)), (0.75, at(-first)), (1.0, ready)],
        ready=ready,
        lead=lead,
        settle=0.7 if lead else 0.0,
        key=0.25,
        pause=0.0,
        vary=0.6,
    )


# turns ---------------------------------------------------------------------------------------------------------------


def _one_leg_turn(ctx: Context, turns: int, rate: float, *, ballet: bool) -> Take:
    """Whole turns to the left on the ball of the right foot, the left foot drawn up."""
    r = ctx.rng
    over = _over_right(ctx)
    wide = r.uniform(0.0, 0.1)
    back = r.uniform(0.12, 0.3)
    prepare = ctx.pose(
        drop=r.uniform(0.06, 0.12),
        yaw=-6,
        spine=(3, 0, -14),
        head=(0, 0, 12),
        la=_FIRST if ballet else (30, 50, -30, 80),
        ra=_SECOND if ballet else (80, 50, 70, 70),
        lf=(wide, 0, -back, 18, 20),
        rf=(0, 0, 0, 0, 10),
        knees=10,
    )
    hold_arms = [_FIRST, _FIFTH, (30, 30, -55, 95), _LOW_ROUND][r.integers(4)] if ballet or r.random() < 0.6 else _OUT
    raised = r.uniform(0.28, 0.45) if ballet else r.uniform(0.1, 0.35)
    out = ctx.body.foot[:, 2].mean()
    rise = r.uniform(25, 45) if ballet else r.uniform(12, 30)
    up = ctx.pose(
        lf=(-0.06 * ctx.scale, raised, 0.0 if ballet else r.uniform(-0.2, 0.1), 62, 25),
        rf=(0, 0, 0, rise, 0),
        spine=(-2, 0, 0),
        arms=hold_arms,
        lk=r.uniform(30, 55) if ballet else r.uniform(0, 25),
        wobble=3,
        **over,
    )
    up[1] = ctx.body.pelvis_height - 0.006 + out * np.sin(rise * RAD) * 0.85
    # The pelvis stands over the ball of the foot.
    up[2] += 0.75 * float(ctx.base[35])
    seconds = turns * 360.0 / rate
    t0 = 0.75
    t1 = t0 + 0.28
    t2 = t1 + max(seconds - 0.25, 0.2)
    land = ctx.pose(
        drop=0.06,
        la=_SECOND if ballet else (70, 50, 60, 65),
        ra=_SECOND if ballet else (70, 50, 60, 65),
        lf=(wide, 0, -back * 0.6, 18, 18),
        knees=8,
    )
    keys = [(0.0, ctx.base), (t0, prepare), (t1, up)]
    for k in range(1, turns):
        keys.append((t1 + k * (t2 - t1) / turns, ctx.vary(up, 0.5)))
    keys += [(t2, up), (t2 + 0.3, land)]
    if r.random() < 0.5:
        keys.append((t2 + r.uniform(0.6, 1.3), ctx.vary(land)))
    keys.append((keys[-1][0] + 0.7, ctx.base))
    controls = ctx.play(keys)
    t = np.arange(len(controls)) / ctx.fps
    a, b = t0 + 0.12, t2 + 0.15
    u = (t - a) / (b - a)
    # Quick to speed up, slower to stop; spotting: the head turns late and then fast.
    yaw = 2 * np.pi * turns * (0.55 * np.clip(u, 0, 1) + 0.45 * minimum_jerk(u))
    yaw = smooth(yaw, 1.0)
    within = np.clip(u, 0, 1) * turns
    controls[:, 11] += 0.5 * np.sin(2 * np.pi * within) * -1.0 * window(t, a, b, 0.2)
    controls = _revolve(controls, yaw, float(ctx.base[33]), float(ctx.base[35]))
    events = [float(np.interp((k + 1) / turns, yaw / yaw[-1], t)) for k in range(turns)]
    events[-1] = min(events[-1], b)
    return Take(controls, events, max(0.0, t0 - 0.4), b + 0.3, (*_carried(ctx, 2 * np.pi * turns), 2 * np.pi * turns))


def _carried(ctx: Context, angle: float) -> tuple[float, float]:
    """Where the origin of the segment goes in a turn by `angle` about the right ball of the foot."""
    x, z = float(ctx.base[33]), float(ctx.base[35])
    c, s = np.cos(angle), np.sin(angle)
    return x - (c * x + s * z), z - (-s * x + c * z)


def pirouette(ctx: Context, ask: Request) -> Take:
    """One to three turns to the left on the right leg."""
    r = ctx.rng
    turns = int(r.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))
    rate = {"slow": r.uniform(230, 290), "normal": r.uniform(330, 460), "fast": r.uniform(500, 620)}[ask.speed]
    take = _one_leg_turn(ctx, turns, rate, ballet=True)
    take.events = take.events[-1:]
    return take


def spin(ctx: Context, ask: Request) -> Take:
    """Whole turns to the left on the spot, quicker than a turn: on one leg, pivoting, or in small steps."""
    r = ctx.rng
    rate = {"slow": r.uniform(130, 190), "normal": r.uniform(230, 330), "fast": r.uniform(390, 500)}[ask.speed]
    if ask.count <= 3 and rate > 220 and r.random() < 0.35:
        return _one_leg_turn(ctx, ask.count, rate, ballet=False)
    steps_a_turn = int(r.choice([4, 6])) if rate < 260 else int(r.choice([3, 4]))
    count = max(3, steps_a_turn * ask.count)
    seconds = 360.0 * ask.count / rate
    gait = Gait(
        duty=0.6,
        lift=r.uniform(0.03, 0.06),
        toe_off=30,
        heel=-8,
        bob=0.006,
        sway=0.012,
        width=r.uniform(0.7, 1.0),
        arm=2,
        elbow=15,
        hip_turn=0.5,
        hip_drop=1,
        drop=0.02,
    )
    take = travel(
        ctx, gait, seconds=seconds, speed=0.0, cadence=count / seconds, turn=360.0 * ask.count, steps=count, wander=0.2
    )
    arms = [None, _OUT, (80, 60, 60, 70), _FIRST, _UP, (100, 48, -55, 44), (25, 26, -70, 90), _SECOND][r.integers(8)]
    controls = take.controls
    t = np.arange(len(controls)) / ctx.fps
    if arms is not None:
        pose = ctx.pose(arms=arms, wobble=4)
        w = window(t, 0.0, t[-1], min(0.5, 0.4 * t[-1]))[:, None]
        for i in (16, 19, 22, 25):
            mixed = controls[:, i : i + 3] * (1 - w) + pose[i : i + 3] * w
            controls[:, i : i + 3] = mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-6)
    controls[:, 8] += np.clip(0.08 * np.gradient(controls[:, ch.YAW]) * ctx.fps, -0.25, 0.25)
    yaw = smooth(controls[:, ch.YAW], 2.0) - controls[0, ch.YAW]
    wanted = (np.arange(ask.count) + 1.0) * 2 * np.pi - 0.15
    take.events = [float(np.interp(a, np.maximum.accumulate(yaw), t)) for a in wanted]
    take.loose_start = take.loose_end = 0.0
    return take


# leaps ---------------------------------------------------------------------------------------------------------------


def leap(ctx: Context, ask: Request) -> Take:
    """Run-up, then leaps from the left foot through the air onto the right one, which leads."""
    r, s, body = ctx.rng, ctx.scale, ctx.body
    leaps = int(r.choice([1, 2, 3], p=[0.6, 0.25, 0.15])) if ask.seconds > 4 else 1
    before = int(r.integers(2, 5))
    after = int(r.integers(1, 4))
    pace = 0.34 * ask.factor**0.5 * r.uniform(0.92, 1.1)
    flight = float(np.clip(r.uniform(0.36, 0.54) * ctx.style.amplitude**0.3, 0.32, 0.58))
    length = r.uniform(0.6, 0.85) * s * ask.factor**-0.3
    jump = flight * r.uniform(2.2, 3.1) * s * ask.factor**-0.2
    # The list of footfalls: seconds since the one before, metres ahead of it, whether one flies to it.
    falls = [(pace * 1.15, length * (0.55 + 0.45 * min(1.0, k / 2)), False) for k in range(before)]
    for k in range(leaps):
        falls.append((flight + 0.26, jump, True))
        if k < leaps - 1:
            falls.append((pace, length, False))
    falls += [(pace * (1.0 + 0.25 * k), length * (1.0 - 0.28 * k), False) for k in range(1, after + 1)]
    falls.append((pace * 1.5, 0.0, False))
    # The foot before the first flight is the left one; footfall 0 is the stand before the run-up.
    first_is_left = before % 2 == 1
    foot_of = [0 if (k % 2 == 0) == first_is_left else 1 for k in range(len(falls))]
    start = 0.3
    time, ahead = start, 0.0
    places: list[list] = [[(-1.0, 0.0, 0.0)], [(-1.0, 0.0, 0.0)]]  # per foot: (landing, leaving, z)
    landings = []
    for k, (wait, far, fly) in enumerate(falls):
        time += wait
        ahead += far
        landings.append((time, ahead, foot_of[k], fly))
    first = foot_of[0]
    stay = {first: start - 0.1, 1 - first: landings[0][0] + 0.08}
    for foot in (0, 1):
        places[foot][0] = (-1.0, stay[foot], 0.0)
    for k, (when, z, foot, _) in enumerate(landings):
        if k + 1 == len(landings):
            leave = np.inf
        else:
            nxt = landings[k + 1]
            leave = nxt[0] - flight if nxt[3] else nxt[0] + 0.05
            if k + 2 == len(landings):
                leave = np.inf
        places[foot].append((when, leave, z))
    total = landings[-1][0] + 0.55
    t = ctx.frames(total)
    # Pelvis: over each foot in the middle of its stance.
    keys_t, keys_z = [0.0, start * 0.7], [0.0, 0.0]
    for k, (when, z, _, _) in enumerate(landings[:-1]):
        nxt = landings[k + 1]
        leave = nxt[0] - flight if nxt[3] else nxt[0]
        keys_t.append(0.5 * (when + leave))
        keys_z.append(z + 0.02)
    keys_t.append(landings[-1][0] + 0.3)
    keys_z.append(landings[-1][1])
    z = smooth(track(keys_t, keys_z, t), 1.0)
    base_y = float(ctx.base[1])
    y_keys_t, y_keys = [0.0, start], [base_y, base_y - 0.02]
    flights = []
    for k, (when, _, _, fly) in enumerate(landings):
        if fly:
            flights.append((when - flight, when))
        elif k < len(landings) - 1:
            y_keys_t.append(when)
            y_keys.append(base_y - 0.035 * s)
    arms_front = [(10, 88, 5, 92), (25, 120, 10, 140), _OUT, (60, 100, 50, 110), (20, 70, 0, 90)][r.integers(5)]
    arms_back = [_OUT, (110, 70, 105, 75), (85, 80, 84, 84), (140, 45, 135, 50)][r.integers(4)]
    arm_l, arm_r = (arms_front, arms_back)  # the arm opposite to the leading leg reaches forward
    if r.random() < 0.25:
        arm_l = arm_r = [_OUT, _UP, _FIFTH][r.integers(3)]
    run = ctx.pose(pitch=4, spine=(5, 0, 0), arms=(60, 22, 10, 60), wobble=6)
    keys = [(0.0, ctx.base), (start, ctx.base), (start + 0.3, run)]
    events = []
    for off, on in flights:
        keys.append((max(off - 0.1, keys[-1][0] + 0.05), ctx.vary(run)))
        air = ctx.pose(pitch=r.uniform(-2, 6), spine=(r.uniform(-8, 4), 0, r.normal(0, 5)), la=arm_l, ra=arm_r, head=(-4, 0, 0))
        keys += [(off + 0.5 * (on - off), air), (on + 0.3, ctx.vary(run))]
        events.append(float(0.5 * (off + on)))
    keys += [(max(total - 0.6, keys[-1][0] + 0.1), ctx.vary(run, 0.5)), (max(total - 0.15, keys[-1][0] + 0.4), ctx.base)]
    controls = ctx.play(keys, seconds=total)
    t = np.arange(len(controls)) / ctx.fps
    y_keys_t += [landings[-1][0] + 0.35]
    y_keys += [base_y]
    rise = body.foot[:, 2].mean() * 0.5
    for off, on in flights:
        y_keys_t += [off - 0.14, off, on, on + 0.16]
        y_keys += [base_y - 0.09 * ctx.leg, base_y + rise * 0.6, base_y - 0.01, base_y - 0.11 * ctx.leg]
    order = np.argsort(y_keys_t)
    y = track(np.asarray(y_keys_t)[order], np.asarray(y_keys)[order], t)
    for off, on in flights:
        inside = (t >= off) & (t <= on)
        u = (t[inside] - off) / (on - off)
        y[inside] = base_y + rise * 0.6 * (1 - u) + 0.5 * GRAVITY * (t[inside] - off) * (on - t[inside])
    controls[:, 1] = y
    controls[:, 2] += z
    high, back_high = r.uniform(0.3, 0.75), r.uniform(0.3, 0.7)
    for foot, slot in ((0, 28), (1, 33)):
        neutral = float(ctx.base[slot + 2])
        fz = np.full(len(t), np.nan)
        fy = np.zeros(len(t))
        pitch = np.zeros(len(t))
        mine = places[foot]
        for k, (on, off, place) in enumerate(mine):
            stance = (t >= on) & (t <= off)
            fz[stance] = place + neutral
            if k + 1 == len(mine):
                fz[t > on] = place + neutral
                continue
            nxt = mine[k + 1]
            swing = (t > off) & (t < nxt[0])
            u = (t[swing] - off) / max(nxt[0] - off, 1e-3)
            fz[swing] = neutral + place + (nxt[2] - place) * (0.4 * minimum_jerk(u) + 0.6 * u * u * (3 - 2 * u))
            fy[swing] = 0.14 * s * np.sin(np.pi * u**0.8) ** 1.2
            pitch[swing] = 0.9 * np.sin(np.pi * np.clip(u, 0, 1)) * (1 - u)
            roll = (t > off - 0.16) & (t <= off)
            if np.isfinite(off):
                pitch[roll] = 0.85 * ((t[roll] - off + 0.16) / 0.16) ** 1.5
                pitch[swing] += 0.85 * (1 - minimum_jerk(u / 0.5))
        fz = np.where(np.isnan(fz), neutral, fz)
        for off, on in flights:
            middle = 0.5 * (off + on)
            i = np.searchsorted(t, middle)
            hip = controls[min(i, len(t) - 1), 1]
            reach = ctx.leg * (0.62 + 0.25 * (high if foot else back_high))
            if foot == 1:
                stamps = [t[max(np.searchsorted(t, off) - 3, 0)], middle, on]
                height, place_z = hip - ctx.leg * (1 - 0.45 * high) + 0.05, z[i] + reach
                toes = 0.7
            else:
                nexts = [p for p in mine if p[0] > on]
                last_on = nexts[0][0] if nexts else on + 0.5
                stamps = [off, middle, last_on]
                height, place_z = hip - ctx.leg * (1 - 0.45 * back_high) + 0.05, z[i] - reach
                toes = 1.9
            span = (t > stamps[0]) & (t < stamps[2])
            if span.sum() < 2:
                continue
            a, b = np.flatnonzero(span)[[0, -1]]
            z0, z1 = fz[a - 1], fz[min(b + 1, len(t) - 1)]
            y0, p0 = fy[a - 1], pitch[a - 1]
            fz[span] = track(stamps, [z0, place_z, z1], t[span])
            fy[span] = track(stamps, [y0, max(height - body.ball, 0.1), 0.0], t[span])
            pitch[span] = track(stamps, [p0, toes, 0.35 if foot else 0.0], t[span])
        controls[:, slot] = ctx.base[slot] * 0.8
        controls[:, slot + 1] = body.ball + np.maximum(fy, 0.0)
        controls[:, slot + 2] = fz
        controls[:, slot + 3] = pitch
        w = window(t, 0.0, total, 0.3)
        controls[:, slot] = ctx.base[slot] * (1 - 0.25 * w)
        controls[:, slot + 4] = ctx.base[slot + 4]
    return Take(controls, events, start, landings[-1][0] + 0.1, (0.0, landings[-1][1], 0.0))


# poses ---------------------------------------------------------------------------------------------------------------


def _held(ctx: Context, poses: list, reach: float, hold: float, sway_: float = 1.0) -> Take:
    """Reach a pose (through the poses before it), keep it with small corrections, and come back."""
    r = ctx.rng
    keys, time = [(0.0, ctx.base)], 0.0
    for pose in poses:
        time += reach / len(poses)
        keys.append((time, pose))
    held = time
    while time < held + hold:
        time += r.uniform(0.35, 0.9)
        keys.append((time, ctx.vary(poses[-1], 1.3 * sway_)))
    for pose in poses[-2::-1]:
        time += reach / len(poses)
        keys.append((time, pose))
    time += reach / len(poses) * r.uniform(0.9, 1.2)
    keys.append((time, ctx.base))
    return Take(ctx.play(keys), [held], 0.3 * reach, time - 0.3 * reach)


def balance(ctx: Context, ask: Request) -> Take:
    """Standing on the right leg, the left foot lifted in one of many ways."""
    r = ctx.rng
    over = _over_right(ctx)
    foot = [
        (-0.03, r.uniform(0.25, 0.5), r.uniform(0.08, 0.25), 20, 0),  # knee in front
        (0.0, r.uniform(0.2, 0.42), -r.uniform(0.28, 0.42), 70, 0),  # heel behind
        (-0.1, r.uniform(0.15, 0.5), 0.06, 45, 25),  # sole at the other leg (tree)
        (r.uniform(0.2, 0.4), r.uniform(0.08, 0.25), 0.0, 10, 10),  # out to the side
        (0.0, r.uniform(0.08, 0.22), r.uniform(0.15, 0.4), 5, 0),  # straight in front
        (0.02, r.uniform(0.06, 0.15), 0.0, 15, 0),  # just off the floor
    ][int(r.integers(6))]
    arms = [_OUT, _OUT, None, (104, 46, -52, 44), _UP, (70, 60, 60, 70), (20, 85, 0, 92), (60, 35, 20, 60)][int(r.integers(8))]
    tree = foot[4] == 25
    pose = ctx.pose(
        lf=foot,
        rf=(0, 0, 0, 0, 3),
        roll=-3,
        spine=(r.normal(2, 4), r.uniform(1, 6), r.normal(0, 3)),
        arms=arms,
        lk=r.uniform(35, 60) if tree else r.uniform(0, 12),
        drop=0.004,
        **over,
    )
    shifted = ctx.pose(**{**over, "dx": over["dx"] * 0.8}, lf=(0, 0, 0, 22, 0), arms=arms, wobble=8)
    return _held(ctx, [shifted, pose], r.uniform(1.0, 1.6) * ask.factor**0.7, max(1.2, ask.seconds - 2.2), 1.4)


def arabesque(ctx: Context, ask: Request) -> Take:
    """Standing on the right leg, the left one stretched (or bent: attitude) high behind or to the side."""
    r = ctx.rng
    over = _over_right(ctx)
    kind = str(r.choice(["behind", "attitude", "side"], p=[0.6, 0.22, 0.18]))
    angle = r.uniform(45, 88) * min(ctx.style.amplitude, 1.05)
    lean = float(np.clip(0.55 * (angle - 30) + r.normal(0, 5), 5, 45))
    a = angle * RAD
    arms = [
        ((85, 84, 84, 88), (8, 92, 6, 96)),
        ((10, 100, 6, 105), (88, 84, 86, 88)),
        (_OUT, _OUT),
        (_FIFTH, _SECOND),
        (_SECOND, _FIFTH),
        ((15, 105, 8, 110),) * 2,
    ][int(r.integers(6))]
    turned = (
        dict(pitch=lean, spine=(-lean * 0.75, 0, r.normal(0, 4)), head=(-8, 0, 0))
        if kind != "side"
        else dict(roll=-lean * 0.6, spine=(0, lean * 0.3, 0))
    )
    pose = ctx.pose(
        la=arms[0], ra=arms[1], rf=(0, 0, 0, 0, 8), dz=0.05 if kind != "side" else 0.0, drop=0.004, **turned, **over
    )
    leg = ctx.leg * (1.02 if kind != "attitude" else 0.72)
    hip = pose[ch.PELVIS] + np.array([0.09 * ctx.scale, -0.08 * ctx.scale, 0.0])
    if kind == "side":
        target = hip + leg * np.array([np.sin(a), -np.cos(a), 0.02])
        pose[31], pose[32], pose[38] = 1.1, 1.1, 0.6
    else:
        target = hip + leg * np.array([0.08 + (0.2 if kind == "attitude" else 0.0), -np.cos(a), -np.sin(a)])
        pose[31], pose[38] = (90 + 0.8 * angle) * RAD, 0.35
    pose[28:31] = target
    pose[29] = max(pose[29], ctx.body.ball + 0.1)
    begin = ctx.pose(
        lf=(0.02, 0, -0.24, 40, 15) if kind != "side" else (0.24, 0, 0, 35, 25),
        dx=over["dx"] * 0.8,
        arms=_FIRST if r.random() < 0.6 else _LOW_ROUND,
        drop=0.03,
    )
    return _held(ctx, [begin, pose], r.uniform(1.3, 2.0) * ask.factor**0.7, r.uniform(0.5, max(0.8, ask.seconds - 2.4)), 0.8)


def arms_out(ctx: Context, ask: Request) -> Take:
    """Holding both arms out to the sides."""
    r = ctx.rng
    h = r.uniform(74, 102)
    bend = r.choice([0.0, r.uniform(5, 25)])
    a = r.uniform(72, 95)
    pose = ctx.pose(arms=(a, h, a - bend, h + r.uniform(-6, 10)), spine=(r.normal(-1, 2), 0, 0), wobble=3)
    if r.random() < 0.25:
        foot = (r.uniform(0.05, 0.15), 0, 0, 0, 6)
        pose = ctx.pose(origin=pose, lf=foot, rf=foot)
    return _held(ctx, [pose], r.uniform(0.7, 1.2) * ask.factor, max(1.0, ask.seconds - 1.8), 0.8)


PROGRAMS = {
    "leap": leap,
    "spin": spin,
    "pirouette": pirouette,
    "sway": sway,
    "side_step_dance": side_step_dance,
    "dance": dance,
    "balance": balance,
    "arabesque": arabesque,
    "arms_out": arms_out,
}
