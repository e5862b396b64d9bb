"""Random bodies: rest offsets of the 22 joints, metres.

Templates are the median bone offsets of recorded skeleton families (CMU ASF/AMC and its iClone, MotionBuilder and
3ds-Max exports; the CMU database is free for all uses) and of the SMPL rest pose; a random body lies near one of them
or between two, with its own height and proportions.
"""

from dataclasses import dataclass

import numpy as np


PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
LEFT = (1, 4, 7, 10, 13, 16, 18, 20)
RIGHT = (2, 5, 8, 11, 14, 17, 19, 21)

# hip, spine1, thigh, spine2, shank, spine3, foot (forward, ankle above ball), neck, collar, head, shoulder,
# upper arm, forearm; vectors are left-side offsets (x out, y up, z forward).
_TEMPLATES = {
    "amc": (
        (0.093, -0.106, 0.022),
        (0.0, 0.113, 0.022),
        0.41,
        (0.0, 0.118, 0.0),
        0.425,
        (0.0, 0.12, 0.0),
        (0.118, 0.042),
        (0.0, 0.093, 0.0),
        (0.074, 0.024, -0.002),
        (0.0, 0.094, 0.010),
        (0.112, 0.036, -0.004),
        0.29,
        0.19,
    ),
    "amc_thin": (
        (0.078, -0.108, 0.024),
        (0.0, 0.115, 0.02),
        0.39,
        (0.0, 0.11, 0.0),
        0.41,
        (0.0, 0.11, 0.0),
        (0.105, 0.040),
        (0.0, 0.098, 0.0),
        (0.066, 0.034, -0.012),
        (0.0, 0.093, 0.006),
        (0.098, 0.050, -0.018),
        0.265,
        0.18,
    ),
    "iclone": (
        (0.097, -0.022, 0.001),
        (0.0, 0.080, 0.001),
        0.48,
        (0.0, 0.05, 0.0),
        0.50,
        (0.0, 0.15, 0.0),
        (0.128, 0.055),
        (0.0, 0.274, 0.0),
        (0.056, 0.21, 0.001),
        (0.0, 0.068, 0.030),
        (0.127, 0.005, -0.026),
        0.25,
        0.26,
    ),
    "max": (
        (0.069, -0.10, 0.017),
        (0.0, 0.065, 0.017),
        0.41,
        (0.0, 0.04, 0.0),
        0.39,
        (0.0, 0.11, 0.0),
        (0.122, 0.038),
        (0.0, 0.091, 0.0),
        (0.0, 0.0, 0.0),
        (0.0, 0.089, 0.005),
        (0.174, 0.079, -0.001),
        0.245,
        0.185,
    ),
    "motionbuilder": (
        (0.112, -0.104, 0.035),
        (0.0, 0.098, 0.035),
        0.345,
        (0.0, 0.11, 0.0),
        0.445,
        (0.0, 0.005, 0.0),
        (0.112, 0.036),
        (0.0, 0.103, 0.0),
        (0.083, 0.016, -0.008),
        (0.0, 0.103, 0.009),
        (0.124, 0.023, -0.013),
        0.27,
        0.155,
    ),
    "smpl": (
        (0.065, -0.085, -0.008),
        (0.0, 0.115, -0.028),
        0.385,
        (0.0, 0.135, 0.004),
        0.425,
        (0.0, 0.056, 0.024),
        (0.125, 0.058),
        (0.0, 0.212, -0.033),
        (0.075, 0.114, -0.014),
        (0.0, 0.090, 0.050),
        (0.115, 0.045, -0.016),
        0.26,
        0.25,
    ),
}
_TRAIN_TEMPLATES = (("amc", 0.42), ("amc_thin", 0.12), ("iclone", 0.22), ("max", 0.06), ("smpl", 0.18))
_HELD_OUT_TEMPLATES = (("motionbuilder", 0.35), ("amc", 0.35), ("iclone", 0.3))


@dataclass(frozen=True)
class Body:
    """Bone offsets of one person.

    Args:
        rest: (22, 3) offset of each joint from its parent in the rest pose (arms and legs straight down), metres.
        ankle: height of the ankle above the floor with the foot flat. ball: height of the ball of the foot.
        stature: standing height in metres, crown of the head included.
        family: name of the template.
    """

    rest: np.ndarray
    ankle: float
    ball: float
    stature: float
    family: str

    @property
    def thigh(self) -> np.ndarray:
        """(2,) left and right thigh length, metres."""
        return -self.rest[[4, 5], 1]

    @property
    def shank(self) -> np.ndarray:
        """(2,) left and right shank length, metres."""
        return -self.rest[[7, 8], 1]

    @property
    def upper_arm(self) -> np.ndarray:
        """(2,) metres."""
        return -self.rest[[18, 19], 1]

    @property
    def forearm(self) -> np.ndarray:
        """(2,) metres."""
        return -self.rest[[20, 21], 1]

    @property
    def leg(self) -> float:
        """Mean leg length from hip to ankle, metres."""
        return float((self.thigh + self.shank).mean())

    @property
    def arm(self) -> float:
        """Mean arm length from shoulder to wrist, metres."""
        return float((self.upper_arm + self.forearm).mean())

    @property
    def pelvis_height(self) -> float:
        """Height of the pelvis joint with straight legs, metres."""
        return self.leg + self.ankle - float(self.rest[[1, 2], 1].mean())

    @property
    def torso(self) -> float:
        """Length from pelvis to the shoulder line, metres."""
        return float(self.rest[[3, 6, 9], 1].sum() + self.rest[13, 1] + self.rest[16, 1])

    @property
    def foot(self) -> np.ndarray:
        """(2, 3) ankle to ball of the foot with the foot flat and pointing at +Z."""
        return self.rest[[10, 11]]

    def describe(self) -> dict:
        """Plain numbers for a data row."""
        return {
            "height_m": round(self.stature, 3),
            "leg_m": round(self.leg, 3),
            "arm_m": round(self.arm, 3),
            "torso_m": round(self.torso, 3),
            "family": self.family,
        }


def _template(name: str) -> np.ndarray:
    hip, spine1, thigh, spine2, shank, spine3, foot, neck, collar, head, shoulder, upper, fore = _TEMPLATES[name]
    rest = np.zeros((22, 3))
    rest[1], rest[3], rest[6], rest[9], rest[12], rest[15] = hip, spine1, spine2, spine3, neck, head
    rest[4], rest[7], rest[18], rest[20] = (0, -thigh, 0), (0, -shank, 0), (0, -upper, 0), (0, -fore, 0)
    rest[10], rest[13], rest[16] = (0, -foot[1], foot[0]), collar, shoulder
    for left, right in zip(LEFT, RIGHT):
        rest[right] = rest[left] * (-1.0, 1.0, 1.0)
    return rest


def _stature(rest: np.ndarray, ankle: float) -> float:
    legs = -rest[[1, 4, 7], 1].sum() + ankle
    return float(legs + rest[[3, 6, 9, 12, 15], 1].sum() + 0.13 * (legs / 0.95))


def random_body(rng: np.random.Generator, *, held_out: bool = False) -> Body:
    """Draw a body. `held_out` uses other families and the tails of the height and proportion distributions."""
    choices = _HELD_OUT_TEMPLATES if held_out else _TRAIN_TEMPLATES
    names = [name for name, _ in choices]
    weights = np.array([weight for _, weight in choices])
    first = names[rng.choice(len(names), p=weights / weights.sum())]
    rest = _template(first)
    if rng.random() < (0.6 if held_out else 0.35):
        second = names[rng.choice(len(names), p=weights / weights.sum())]
        mix = rng.random()
        rest = (1 - mix) * rest + mix * _template(second)
        first = first if mix < 0.5 else second
    spread = 1.3 if held_out else 1.0
    gauss = lambda sd: float(np.exp(np.clip(rng.standard_normal(), -2.2, 2.2) * sd * spread))  # noqa: E731
    legs, shanks, arms, fores, hips, shoulders, torso, neck, foot = (
        gauss(0.035),
        gauss(0.03),
        gauss(0.05),
        gauss(0.06),
        gauss(0.08),
        gauss(0.06),
        gauss(0.04),
        gauss(0.06),
        gauss(0.06),
    )
    rest[[4, 5]] *= legs
    rest[[7, 8]] *= legs * shanks
    rest[[18, 19]] *= arms
    rest[[20, 21]] *= arms * fores
    rest[[1, 2], 0] *= hips
    rest[[16, 17], 0] *= shoulders
    rest[[3, 6, 9], 1] *= torso
    rest[[12, 13, 14], 1] *= torso
    rest[[12, 15], 1] *= neck
    rest[[10, 11]] *= foot
    # No recorded skeleton is symmetric: up to about one per cent difference between the sides.
    rest *= 1.0 + np.clip(rng.standard_normal((22, 1)), -2, 2) * 0.008
    rest[[3, 6, 9, 12, 15], 0] += rng.standard_normal(5) * 0.003
    ball = float(rng.uniform(0.004, 0.022))
    ankle_height = ball - float(rest[[10, 11], 1].mean())
    low, high = (1.45, 2.05) if held_out else (1.5, 2.0)
    goal = float(np.clip(rng.normal(1.73, 0.11 * spread), low, high))
    scale = goal / _stature(rest, ankle_height)
    rest = rest * scale
    # Both legs stand on the same floor: the shorter leg shows in the pelvis, not in the ground.
    return Body(rest=rest, ankle=ankle_height * scale, ball=ball * scale, stature=goal, family=first)


def mirrored_body(body: Body) -> Body:
    """The same person seen in a mirror."""
    order = np.arange(22)
    order[list(LEFT)], order[list(RIGHT)] = RIGHT, LEFT
    return Body(body.rest[order] * (-1.0, 1.0, 1.0), body.ankle, body.ball, body.stature, body.family)
