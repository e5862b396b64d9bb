"""Key poses of a body that may lie, roll and stand on its hands: full rotations, pinned hands and feet, a floor.

The control vectors of channels.py describe a person who stays upright. Here a key pose holds a quaternion of the pelvis,
limb directions in the frames of the trunk, and optional pins (a wrist or a foot held at a place of the world). The
curves through the keys are solved to joints (bone lengths exact), which a take carries in the wide control columns.
"""

from dataclasses import dataclass, field

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.body import Body
from llamo.train.synthesis.context import RAD, Context, Take
from llamo.train.synthesis.kinematics import rotation, solve, two_bone, unit
from llamo.train.synthesis.noise import wander
from llamo.train.synthesis.tracks import minimum_jerk, smooth, track, window


GRAVITY = 9.81
_SHARE = (0.30, 0.36, 0.34)
POSITION, QUAT, SPINE, HEAD = slice(0, 3), slice(3, 7), slice(7, 10), slice(10, 13)
ARMS, LEGS, FEET, SETTLE = slice(13, 25), slice(25, 37), slice(37, 43), 43
SIZE = 44
# Flesh between a joint and the floor it lies on, metres for a stature of 1.73.
_FLESH = np.array(
    [0.1, 0.085, 0.085, 0.1, 0.05, 0.05, 0.1, 0.045, 0.045, 0.1, 0.012, 0.012]
    + [0.075, 0.06, 0.06, 0.09, 0.07, 0.07, 0.035, 0.035, 0.025, 0.025]
)
# Share of the body's mass that moves with each joint.
_MASS = np.array([12, 5, 5, 9, 5, 5, 9, 3, 3, 10, 1, 1, 4, 3, 3, 7, 3, 3, 2.5, 2.5, 2, 2.0])
_MASS = _MASS / _MASS.sum()


@dataclass
class Key:
    """One key pose.

    Args:
        values: (SIZE,) position, quaternion, trunk angles, limb directions and the settle weight.
        hands: (2, 4) wrist place and weight, left and right.
        feet: (2, 7) ankle place, ankle-to-ball direction and weight.
    """

    values: np.ndarray
    hands: np.ndarray = field(default_factory=lambda: np.zeros((2, 4)))
    feet: np.ndarray = field(default_factory=lambda: np.zeros((2, 7)))


@dataclass
class Draft:
    """A key pose before it is solved.

    Args:
        loose: the key without pins; it shares its values with `pinned`.
        pinned: the key as it will be.
        pins: limb (0, 1: left and right hand; 2, 3: feet) -> place, pole and ankle-to-ball vector, each (3,).
        settle: whether the body settles on the floor.
    """

    loose: Key
    pinned: Key
    pins: dict[int, tuple]
    settle: bool


def quaternion(turn: np.ndarray) -> np.ndarray:
    """(4,) w, x, y, z of a rotation matrix (3, 3)."""
    m = turn
    table = np.array(
        [
            [1 + m[0, 0] + m[1, 1] + m[2, 2], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], 1 + m[0, 0] - m[1, 1] - m[2, 2], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]],
            [m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], 1 - m[0, 0] + m[1, 1] - m[2, 2], m[1, 2] + m[2, 1]],
            [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], 1 - m[0, 0] - m[1, 1] + m[2, 2]],
        ]
    )
    return unit(table[int(np.argmax(np.diag(table)))])


def matrices(quat: np.ndarray) -> np.ndarray:
    """(..., 3, 3) of quaternions (..., 4)."""
    w, x, y, z = np.moveaxis(unit(quat), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def turned(pitch: float = 0.0, roll: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    """(3, 3) rotation of angles in degrees, in the order of kinematics.rotation."""
    return rotation(*(np.asarray(v * RAD) for v in (pitch, roll, yaw)))


def mixed(one: np.ndarray, two: np.ndarray, part: float) -> np.ndarray:
    """Key values (SIZE,) `part` of the way from `one` to `two`, by the shorter way round."""
    two = two.copy()
    if one[QUAT] @ two[QUAT] < 0:
        two[QUAT] *= -1
    out = (1 - part) * one + part * two
    out[QUAT] = unit(out[QUAT])
    return out


def leg_directions(hip: float, out: float, knee: float, ankle: float, side: int) -> np.ndarray:
    """(9,) thigh, shank and foot directions in the frame of the pelvis.

    Args:
        hip: flexion, out: abduction, knee: flexion, ankle: 0 at a right angle, above zero toes pointed; degrees.
        side: +1 for the left leg.
    """
    about = turned(roll=side * out)

    def swing(angle):
        return about @ np.array([0.0, -np.cos(angle * RAD), np.sin(angle * RAD)])

    return np.concatenate([swing(hip), swing(hip - knee), swing(hip - knee + 90 - ankle)])


def _solve(body: Body, clav: np.ndarray, values: np.ndarray, hands: np.ndarray, feet: np.ndarray) -> np.ndarray:
    """Joints (T, 22, 3) of values (T, SIZE), hands (T, 2, 4), feet (T, 2, 7)."""
    num, rest = len(values), body.rest
    joints = np.empty((num, 22, 3))
    turn = pelvis = matrices(values[:, QUAT])
    joints[:, 0] = values[:, POSITION]
    joints[:, 1:3] = joints[:, :1] + np.einsum("tij,fj->tfi", turn, rest[[1, 2]])
    bend = values[:, SPINE]
    local = rotation(*[bend[:, i, None] * np.array(_SHARE) for i in range(3)])
    for joint, parent, index in ((3, 0, 0), (6, 3, 1), (9, 6, 2)):
        joints[:, joint] = joints[:, parent] + turn @ rest[joint]
        turn = turn @ local[:, index]
    base, head = joints[:, 9], values[:, HEAD]
    joints[:, 12] = base + turn @ rest[12]
    joints[:, 15] = joints[:, 12] + turn @ rotation(head[:, 0], head[:, 1], head[:, 2]) @ rest[15]
    joints[:, 13], joints[:, 14] = base + turn @ rest[13], base + turn @ rest[14]
    arms = unit(values[:, ARMS].reshape(num, 2, 2, 3))
    up = arms[:, :, 0]
    shrug = clav[[0, 2]] + 0.42 * np.maximum(up[..., 1] + 0.3, 0.0)
    protract = clav[[1, 3]] + 0.18 * up[..., 2] * (up[..., 1] > -0.9)
    sign = np.array([1.0, -1.0])
    lift = rotation(np.zeros_like(shrug), shrug * sign, -protract * sign)
    shoulder = joints[:, 13:15] + np.einsum("tij,tajk,ak->tai", turn, lift, rest[[16, 17]])
    world = np.einsum("tij,tabj->tabi", turn, arms)
    upper, fore = body.upper_arm, body.forearm
    elbow = shoulder + world[:, :, 0] * upper[:, None]
    wrist = elbow + world[:, :, 1] * fore[:, None]
    pinned = hands[..., 3:]
    bent = two_bone(
        shoulder, wrist * (1 - pinned) + hands[..., :3] * pinned, elbow - 0.5 * (shoulder + wrist), upper, fore, 0.9995
    )
    use = pinned > 1e-4
    joints[:, 16:18] = shoulder
    joints[:, 18:20] = np.where(use, bent[0], elbow)
    joints[:, 20:22] = np.where(use, bent[1], wrist)
    legs = np.einsum("tij,tabj->tabi", pelvis, unit(values[:, LEGS].reshape(num, 2, 2, 3)))
    hips = joints[:, 1:3]
    knee = hips + legs[:, :, 0] * body.thigh[:, None]
    ankle = knee + legs[:, :, 1] * body.shank[:, None]
    toes = np.einsum("tij,taj->tai", pelvis, unit(values[:, FEET].reshape(num, 2, 3)))
    pinned = feet[..., 6:]
    bent = two_bone(
        hips, ankle * (1 - pinned) + feet[..., :3] * pinned, knee - 0.5 * (hips + ankle), body.thigh, body.shank, 0.9995
    )
    use = pinned > 1e-4
    joints[:, 4:6] = np.where(use, bent[0], knee)
    joints[:, 7:9] = np.where(use, bent[1], ankle)
    toes = unit(toes * (1 - pinned) + feet[..., 3:6] * pinned)
    joints[:, 10:12] = joints[:, 7:9] + toes * np.sqrt((body.foot**2).sum(-1))[:, None]
    return joints


class Rig:
    """Key poses and curves of one person.

    Args:
        ctx: the person; authored for the right side or towards the left, like every program.
    """

    def __init__(self, ctx: Context):
        self.ctx, self.body, self.scale = ctx, ctx.body, ctx.scale
        self.clav = ctx.base[ch.CLAV]
        self.flesh = _FLESH * ctx.scale
        self.flesh[[7, 8]] = np.minimum(self.flesh[[7, 8]], self.body.ankle - 0.005)
        self.flesh[[10, 11]] = np.minimum(self.flesh[[10, 11]], self.body.ball - 0.001)

    # keys --------------------------------------------------------------------------------------------------------

    def stand(self, x: float = 0.0, z: float = 0.0, yaw: float = 0.0, pose: np.ndarray | None = None) -> Key:
        """The resting posture (or a control vector `pose`) at a place (metres, yaw in radians), both feet pinned."""
        row = ch.place((self.ctx.base if pose is None else pose)[None], x, z, yaw)
        return self.from_joints(solve(row, self.body)[0], row[0])

    def from_joints(self, joints: np.ndarray, row: np.ndarray) -> Key:
        """A key that reproduces joints solved from the control vector `row`."""
        values = np.zeros(SIZE)
        values[POSITION] = joints[0]
        turn = rotation(row[ch.PITCH], row[ch.ROLL], row[ch.YAW])
        values[QUAT] = quaternion(turn)
        values[SPINE], values[HEAD] = row[ch.SPINE], row[ch.HEAD]
        key = Key(values)
        self.extract([key], joints[None])
        for i in range(2):
            key.feet[i] = np.concatenate([joints[7 + i], unit(joints[10 + i] - joints[7 + i]), [1.0]])
        return key

    def extract(self, keys: list[Key], joints: np.ndarray) -> None:
        """Limb directions of keys in the frames of their trunks, read from their joints (K, 22, 3)."""
        values = np.stack([key.values for key in keys])
        turn = matrices(values[:, QUAT])
        chest = turn
        for share in _SHARE:
            chest = chest @ rotation(*(values[:, SPINE] * share).T)

        def seen(bones, frame):
            starts, ends = np.array(bones).T
            return np.einsum("kbi,kij->kbj", unit(joints[:, ends] - joints[:, starts]), frame).reshape(len(keys), -1)

        arms = seen(((16, 18), (18, 20), (17, 19), (19, 21)), chest)
        legs = seen(((1, 4), (4, 7), (2, 5), (5, 8)), turn)
        feet = seen(((7, 10), (8, 11)), turn)
        for key, *parts in zip(keys, arms, legs, feet):
            key.values[ARMS], key.values[LEGS], key.values[FEET] = parts

    def key(self, at, turn, **pose) -> Key:
        """A key pose; the arguments are those of `draft`."""
        return self.complete([self.draft(at, turn, **pose)])[0]

    def draft(
        self,
        at,
        turn,
        *,
        spine=(0, 0, 0),
        head=(0, 0, 0),
        la=(20, 15, 10, 25),
        ra=(20, 15, 10, 25),
        lh=None,
        rh=None,
        elbows=None,
        ll=(0, 4, 4, 20),
        rl=(0, 4, 4, 20),
        lf=None,
        rf=None,
        knees=None,
        settle: float = 0.0,
        wobble: float = 3.0,
    ) -> Draft:
        """A key pose whose pinned limbs and height are still to be solved, by `complete`.

        Args:
            at: (3,) pelvis, metres. turn: (3, 3) rotation of the pelvis, see :func:`turned`.
            spine: (pitch, roll, twist), head: (pitch, roll, yaw), degrees.
            la, ra: (upper azimuth, upper elevation, fore azimuth, fore elevation) in the frame of the chest.
            lh, rh: (3,) wrist held there. elbows: (left, right) world directions in which the elbows point.
            ll, rl: (hip flexion, abduction, knee flexion, ankle) of legs that are not pinned.
            lf, rf: (x, z, pitch, yaw) of a ball of the foot on the floor, degrees; a fifth number lifts it.
            knees: (left, right) world directions in which the knees of pinned legs point.
            settle: 1 moves the body up or down until its lowest part touches the floor, here and around the key.
            wobble: personal variation of limb angles, degrees.
        """
        values = np.zeros(SIZE)
        values[POSITION], values[QUAT] = at, quaternion(turn)
        values[SPINE], values[HEAD] = np.asarray(spine) * RAD, np.asarray(head) * RAD
        values[SETTLE] = settle
        rng = self.ctx.rng
        key = Key(values)
        arms = []
        for angles, side in ((la, 1), (ra, -1)):
            a, b, c, d = np.asarray(angles, float) + np.clip(rng.standard_normal(4), -2, 2) * wobble
            arms.append(self.ctx._limit_elbow(ch.direction(a, b, side), ch.direction(c, d, side)))
        legs, toes = [], []
        for angles, side in ((ll, 1), (rl, -1)):
            parts = leg_directions(*(np.asarray(angles, float) + rng.normal(0, 0.5, 4) * wobble * 0.5), side)
            legs.append(parts[:6])
            toes.append(parts[6:])
        values[ARMS], values[LEGS], values[FEET] = map(np.concatenate, (arms, legs, toes))
        pins: dict[int, tuple] = {}
        for i, place in enumerate((lh, rh)):
            if place is not None:
                side = 1 if i == 0 else -1
                pole = (turn @ np.array([0.8 * side, -0.3, -0.6])) if elbows is None else np.asarray(elbows[i], float)
                key.hands[i] = (*place, 1.0)
                pins[i] = np.asarray(place, float), pole, np.zeros(3)
        for i, place in enumerate((lf, rf)):
            if place is not None:
                x, z, pitch, yaw = place[:4]
                vector = turned(pitch, 0, yaw) @ self.body.foot[i]
                ball = np.array([x, self.body.ball + (place[4] if len(place) > 4 else 0.0), z])
                key.feet[i] = np.concatenate([ball - vector, unit(vector), [1.0]])
                pole = turn @ np.array([0.15 * (1 - 2 * i), 0.0, 1.0]) if knees is None else np.asarray(knees[i], float)
                pins[2 + i] = ball - vector, pole, vector
        # The first look at the limbs is without their pins.
        loose = Key(values, np.zeros((2, 4)), np.zeros((2, 7)))
        return Draft(loose, key, pins, bool(settle))

    def complete(self, drafts: list[Draft]) -> list[Key]:
        """Solves pinned limbs and heights of many key poses at once; they pin the same limbs and all settle or none."""
        settle, pinned = drafts[0].settle, sorted(drafts[0].pins)
        keys = [draft.loose for draft in drafts]
        goals = {limb: [np.stack(part) for part in zip(*(draft.pins[limb] for draft in drafts))] for limb in pinned}
        body = self.body
        for round_ in range(4 if settle else 2):
            if settle and round_:
                self._ground(keys)
            joints = self.joints(keys)
            for limb in pinned:
                place, pole, vector = goals[limb]
                i = limb % 2
                if limb < 2:
                    joints[:, 18 + i], joints[:, 20 + i] = two_bone(
                        joints[:, 16 + i], place, pole, body.upper_arm[i], body.forearm[i], 0.9995
                    )
                else:
                    joints[:, 4 + i], joints[:, 7 + i] = two_bone(
                        joints[:, 1 + i], place, pole, body.thigh[i], body.shank[i], 0.9995
                    )
                    joints[:, 10 + i] = joints[:, 7 + i] + vector
            keys = [draft.pinned for draft in drafts]
            self.extract(keys, joints)
        if settle:
            self._ground(keys)
        return keys

    def _ground(self, keys: list[Key]) -> None:
        joints = self.joints(keys)
        for key, rise in zip(keys, (self.flesh - joints[..., 1]).max(axis=1)):
            key.values[1] += float(rise)

    def free(self, key: Key, hands: bool = True, feet: bool = True) -> Key:
        """The same pose with its pins released."""
        return Key(key.values.copy(), key.hands * (not hands), key.feet * (not feet))

    def joints(self, keys) -> np.ndarray:
        """Joints (K, 22, 3) of key poses."""
        return _solve(self.body, self.clav, *(np.stack([getattr(k, n) for k in keys]) for n in ("values", "hands", "feet")))

    # curves ------------------------------------------------------------------------------------------------------

    def play(self, keys, *, flights=(), alive: float = 1.0) -> np.ndarray:
        """Joints (T, 22, 3) through key poses.

        Args:
            keys: list of (seconds, Key). flights: (start, end) spans in which the centre of mass falls freely.
            alive: amount of the small movements of a living body.
        """
        times = np.array([time for time, _ in keys])
        table = np.stack([key.values for _, key in keys])
        for i in range(1, len(table)):
            if table[i, QUAT] @ table[i - 1, QUAT] < 0:
                table[i, QUAT] *= -1
        t = self.ctx.frames(times[-1])
        values = track(*_refined(*_refined(times, table)), t)
        hands = _pins(times, np.stack([key.hands for _, key in keys]), t)
        feet = _pins(times, np.stack([key.feet for _, key in keys]), t)
        return self.solve(t, values, hands, feet, flights=flights, alive=alive)

    def solve(self, t, values, hands, feet, *, flights=(), alive: float = 1.0) -> np.ndarray:
        """Joints (T, 22, 3) of curves: adds life, free fall and the floor."""
        rng, style = self.ctx.rng, self.ctx.style
        values = values.copy()
        if alive:
            noise = wander(rng, len(t), 23, self.ctx.fps, low=0.1, high=1.4, terms=4) * (alive * style.noise)
            # At both ends the pose is exact: the neighbouring takes go on from it.
            noise *= window(t, 0.0, t[-1], 0.4)[:, None]
            values[:, [0, 2]] += noise[:, 18:20] * 0.004
            values[:, 4:7] += noise[:, 20:23] * 0.006
            values[:, 7:13] += noise[:, :6] * np.array([1.2, 0.9, 1.0, 1.8, 1.4, 2.2]) * RAD
            values[:, ARMS] += noise[:, 6:18] * 0.02
        for start, end in flights:
            feet[(t > start) & (t < end), :, 6] = 0.0
        if flights:
            joints = _solve(self.body, self.clav, values, hands, feet)
        for start, end in flights:
            a, b = int(np.ceil(start * self.ctx.fps)), int(end * self.ctx.fps)
            b = min(b, len(t) - 1)
            offset = joints[a : b + 1, :, 1] @ _MASS - joints[a : b + 1, 0, 1]
            mass = values[a : b + 1, 1] + offset
            u = np.arange(b - a + 1) / self.ctx.fps
            speed = (mass[-1] - mass[0] + 0.5 * GRAVITY * u[-1] ** 2) / max(u[-1], 0.05)
            values[a : b + 1, 1] = mass[0] + speed * u - 0.5 * GRAVITY * u * u - offset
        weight = np.clip(values[:, SETTLE], 0, 1)
        for round_ in range(3):
            joints = _solve(self.body, self.clav, values, hands, feet)
            sunk = (self.flesh - joints[..., 1])[:, :20].max(1)
            if round_ == 0:
                values[:, 1] += smooth(np.where(sunk > 0, sunk, weight * sunk), 1.0)
            else:
                values[:, 1] += smooth(np.maximum(sunk, 0.0), 1.0) if round_ == 1 else np.maximum(sunk - 0.015, 0.0)
        joints = _solve(self.body, self.clav, values, hands, feet)
        # A hand that would dip into the floor slides over it.
        low = joints[:, 20:22, 1] < self.flesh[20]
        if low.any():
            hands = hands.copy()
            hands[..., :3] = np.where(low[..., None], joints[:, 20:22], hands[..., :3])
            hands[..., 1] = np.where(low, self.flesh[20], hands[..., 1])
            hands[..., 3] = np.where(low, 1.0, hands[..., 3])
            joints = _solve(self.body, self.clav, values, hands, feet)
        return joints

    def take(
        self, joints: np.ndarray, *, start=None, end=None, events=(), stands=(True, True), place=(0.0, 0.0, 0.0), travel=None
    ) -> Take:
        """A take that carries joints.

        Args:
            stands: whether the first and the last frame are the resting posture, into which the take then blends.
            place: (x, z, yaw) of the last resting posture. travel: where the next segment begins, default `place`.
        """
        # Standing still at an end gives the blend with the resting posture its time.
        still = 6
        before, after = (still if stand else 0 for stand in stands)
        joints = np.concatenate([np.repeat(joints[:1], before, 0), joints, np.repeat(joints[-1:], after, 0)])
        shift = before / self.ctx.fps
        events = [event + shift for event in events]
        start, end = (None if v is None else v + shift for v in (start, end))
        num = len(joints)
        controls = np.zeros((num, ch.WIDE))
        controls[:, : ch.SIZE] = self.ctx.base
        controls[num // 2 :, : ch.SIZE] = ch.place(self.ctx.base[None], *place)
        controls[:, ch.FREE] = joints.reshape(num, 66)
        weight = np.ones(num)
        ramp = minimum_jerk(np.arange(num) / float(still))
        if stands[0]:
            weight = np.minimum(weight, ramp)
        if stands[1]:
            weight = np.minimum(weight, ramp[::-1])
        controls[:, ch.FREE_WEIGHT] = weight
        travel = place if travel is None else travel
        return Take(controls, [float(e) for e in events], start, end, tuple(float(v) for v in travel))


def _refined(times: np.ndarray, table: np.ndarray):
    """Key times and values with a key half way wherever a limb turns far: directions go round, not through, the joint."""
    out_times, out = [times[0]], [table[0]]
    for i in range(1, len(table)):
        a, b = table[i - 1], table[i]
        one, two = a[13:43].reshape(10, 3), b[13:43].reshape(10, 3)
        if ((unit(one) * unit(two)).sum(1) < 0.5).any() or a[QUAT] @ b[QUAT] < 0.8:
            middle = 0.5 * (a + b)
            way = unit(one) + unit(two)
            # Opposite directions: arms pass forward and outward, legs forward.
            side = np.array([1, 1, -1, -1, 0, 0, 0, 0, 0, 0.0])
            aside = np.stack([0.55 * side, np.zeros(10), np.full(10, 0.83)], 1)
            way += aside * np.clip(0.75 - np.linalg.norm(way, axis=1), 0, 1)[:, None]
            middle[13:43] = unit(way).ravel()
            middle[QUAT] = unit(middle[QUAT])
            out_times.append(0.5 * (times[i - 1] + times[i]))
            out.append(middle)
        out_times.append(times[i])
        out.append(b)
    return np.array(out_times), np.stack(out)


def _pins(times: np.ndarray, table: np.ndarray, t: np.ndarray) -> np.ndarray:
    """(T, 2, D) places and weights (last column): a released limb eases away from the place it held."""
    i = np.clip(np.searchsorted(times, t, side="right") - 1, 0, len(times) - 2)
    u = minimum_jerk((t - times[i]) / np.maximum(times[i + 1] - times[i], 1e-6))[:, None, None]
    a, b = table[i], table[i + 1]
    held_a, held_b = a[..., -1:] > 0.5, b[..., -1:] > 0.5
    out = np.where(held_a & held_b, a * (1 - u) + b * u, np.where(held_a, a, b))
    out[..., -1:] = a[..., -1:] * (1 - u) + b[..., -1:] * u
    return out


def moved(joints: np.ndarray, x: float, z: float, yaw: float) -> np.ndarray:
    """Joints (..., 3) turned by `yaw` (radians) about the vertical through the origin, then moved to (x, z)."""
    c, s = np.cos(yaw), np.sin(yaw)
    out = joints.copy()
    out[..., 0] = c * joints[..., 0] + s * joints[..., 2] + x
    out[..., 2] = -s * joints[..., 0] + c * joints[..., 2] + z
    return out
