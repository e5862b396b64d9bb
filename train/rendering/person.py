"""22 joints and a look -> the capsules of a person: body, face, hair, clothes, shoes."""

from dataclasses import dataclass

import numpy as np

from llamo.train.rendering.shapes import Capsules, named_colour, unit


HEIGHT = 0.82  # m from hip to ankle of the body that the radii below belong to
# Bone -> radii in metres at its start and end, and what covers it. Joints are SMPL's first 22.
BONES = {
    (0, 1): (0.100, 0.090, "trousers"), (0, 2): (0.100, 0.090, "trousers"), (0, 3): (0.120, 0.125, "shirt"),
    (3, 6): (0.125, 0.130, "shirt"), (6, 9): (0.130, 0.120, "shirt"), (9, 13): (0.080, 0.070, "shirt"),
    (9, 14): (0.080, 0.070, "shirt"), (13, 16): (0.060, 0.055, "shirt"), (14, 17): (0.060, 0.055, "shirt"),
    (9, 12): (0.060, 0.055, "skin"), (12, 15): (0.060, 0.055, "skin"),
    (1, 4): (0.085, 0.060, "thigh"), (2, 5): (0.085, 0.060, "thigh"), (4, 7): (0.060, 0.045, "shank"),
    (5, 8): (0.060, 0.045, "shank"), (7, 10): (0.045, 0.035, "shoes"), (8, 11): (0.045, 0.035, "shoes"),
    (16, 18): (0.052, 0.045, "upper_arm"), (17, 19): (0.052, 0.045, "upper_arm"),
    (18, 20): (0.040, 0.032, "forearm"), (19, 21): (0.040, 0.032, "forearm"),
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How a person looks.

    Attributes:
        colours: what is covered ("skin", "hair", "shirt", "trousers", "shoes" ...) -> red, green, blue from 0 to 1.
        shirt, trousers: names out of COLOURS.
        sleeves: "none", "short" or "long".
        wears_shorts: whether the shanks are bare.
        girth: factor on the radii of the body.
    """

    colours: dict[str, np.ndarray]
    shirt: str
    trousers: str
    sleeves: str
    wears_shorts: bool
    girth: float


def random_look(generator: np.random.Generator) -> Look:
    """A random person; shirt and trousers are of two different colours."""
    skin = generator.uniform(0.32, 0.95) * np.array([1.0, 0.78, 0.64]) + generator.uniform(-0.02, 0.02, 3)
    hair = generator.uniform(0.04, 0.55) * np.array([1.0, generator.uniform(0.7, 0.95), generator.uniform(0.5, 0.9)])
    shirt, shirt_colour = named_colour(generator)
    trousers, trousers_colour = shirt, shirt_colour
    while trousers == shirt:
        trousers, trousers_colour = named_colour(generator)
    shoes = named_colour(generator)[1]
    sleeves = str(generator.choice(["none", "short", "long"], p=[0.2, 0.45, 0.35]))
    shorts = bool(generator.random() < 0.35)
    colours = {"skin": np.clip(skin, 0.05, 1), "hair": hair, "shirt": shirt_colour, "trousers": trousers_colour, "shoes": shoes}
    colours["dark"] = np.array([0.05, 0.04, 0.04])
    colours["thigh"], colours["shank"] = trousers_colour, colours["skin"] if shorts else trousers_colour
    colours["upper_arm"] = colours["skin"] if sleeves == "none" else shirt_colour
    colours["forearm"] = shirt_colour if sleeves == "long" else colours["skin"]
    return Look(colours, shirt, trousers, sleeves, shorts, float(generator.uniform(0.85, 1.25)))


def person_capsules(joints: np.ndarray, look: Look) -> Capsules:
    """The capsules of a person.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
    """
    bones = [(joints[:, a], joints[:, b], start, end, cover) for (a, b), (start, end, cover) in BONES.items()]
    legs = [np.linalg.norm(joints[:, a] - joints[:, b], axis=-1).mean() for a, b in ((1, 4), (4, 7), (2, 5), (5, 8))]
    scale = float(np.clip(sum(legs) / 2 / HEIGHT, 0.4, 1.5))
    body = [(a, b, ra * scale * look.girth, rb * scale * look.girth, look.colours[c]) for a, b, ra, rb, c in bones]
    return Capsules.of(body + [(a, b, ra, rb, look.colours[c]) for a, b, ra, rb, c in extremities(joints, scale)])


def extremities(joints: np.ndarray, scale: float) -> list[tuple]:
    """Head with hair, nose and eyes, hands and feet: (start, end, start radius, end radius, what covers it)."""
    up = unit(joints[:, 15] - joints[:, 12])
    left = unit(joints[:, 16] - joints[:, 17])
    forward = unit(np.cross(left, up))
    left = np.cross(up, forward)
    centre = joints[:, 15] + scale * (0.07 * up - 0.01 * forward)

    def at(ahead: float, above: float, aside: float = 0.0) -> np.ndarray:
        return centre + scale * (ahead * forward + above * up + aside * left)

    pieces = [
        (at(0.0, -0.03), at(0.0, 0.03), 0.094, 0.098, "skin"),
        (at(0.025, -0.085), at(0.045, -0.075), 0.05, 0.045, "skin"),  # chin
        (at(-0.035, -0.01), at(-0.025, 0.055), 0.096, 0.098, "hair"),
        (at(0.088, -0.005), at(0.112, -0.025), 0.018, 0.018, "skin"),  # nose
        (at(0.083, 0.025, 0.034), at(0.086, 0.025, 0.034), 0.0135, 0.0135, "dark"),
        (at(0.083, 0.025, -0.034), at(0.086, 0.025, -0.034), 0.0135, 0.0135, "dark"),
        (at(0.075, -0.062, 0.02), at(0.075, -0.062, -0.02), 0.011, 0.011, "dark"),  # mouth
        (at(0.0, -0.01, 0.098), at(0.0, 0.01, 0.098), 0.022, 0.024, "skin"),  # ears
        (at(0.0, -0.01, -0.098), at(0.0, 0.01, -0.098), 0.022, 0.024, "skin"),
    ]
    for wrist, elbow in ((20, 18), (21, 19)):
        pieces.append((joints[:, wrist], hand_of(joints, wrist, elbow, 0.14 * scale), 0.038, 0.024, "skin"))
    for ankle, foot in ((7, 10), (8, 11)):
        along = unit(joints[:, foot] - joints[:, ankle])
        heel = joints[:, ankle] - scale * (0.035 * along + np.array([0.0, 0.035, 0.0]))
        pieces.append((heel, joints[:, foot] + scale * 0.03 * along, 0.042, 0.036, "shoes"))
    return [(a, b, ra * scale, rb * scale, cover) for a, b, ra, rb, cover in pieces]


def hand_of(joints: np.ndarray, wrist: int, elbow: int, reach: float = 0.08) -> np.ndarray:
    """Points `(num_frames, 3)` in the hand: `reach` metres beyond the wrist, along the forearm."""
    return joints[:, wrist] + reach * unit(joints[:, wrist] - joints[:, elbow])
