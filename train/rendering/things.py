"""Things that people hold or stand beside: ball, bat, barbell, stick, box, chair."""

import numpy as np

from llamo.train.rendering.camera import UP, heading
from llamo.train.rendering.person import hand_of
from llamo.train.rendering.shapes import Block, Capsules, Shapes, named_colour, unit


def make_thing(name: str, joints: np.ndarray, generator: np.random.Generator) -> tuple[Shapes, dict]:
    """A thing for the person of `joints` `(num_frames, 22, 3)`.

    Returns:
        its shapes, and the truth: `name`, `colour` (a name), `hand` ("left", "right", "both" or None for what stands on the
        floor), `centres` `(num_frames, 3)` in metres.

    Raises:
        ValueError: an unknown name.
    """
    if name not in THINGS:
        raise ValueError(f"Expected a thing out of {', '.join(THINGS)}, got {name!r}.")
    colour_name, colour = named_colour(generator)
    shapes, hand, centres = THINGS[name](joints, colour, generator)
    return shapes, {"name": name, "colour": colour_name, "hand": hand, "centres": centres}


def hands(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points in the left and the right hand."""
    return hand_of(joints, 20, 18), hand_of(joints, 21, 19)


def pick_hand(joints: np.ndarray, generator: np.random.Generator) -> tuple[str, np.ndarray, np.ndarray]:
    """A side, the hand's points and the forearm's direction, `(num_frames, 3)` each."""
    side = str(generator.choice(["left", "right"]))
    wrist, elbow = (20, 18) if side == "left" else (21, 19)
    return side, hand_of(joints, wrist, elbow), unit(joints[:, wrist] - joints[:, elbow])


def ball(joints, colour, generator):
    radius = generator.uniform(0.07, 0.14)
    side, hand, along = pick_hand(joints, generator)
    centre = hand + along * radius * 0.9
    return Shapes(Capsules.of([(centre, centre, radius, radius, colour)])), side, centre


def bat(joints, colour, generator):
    side, hand, along = pick_hand(joints, generator)
    # Held across the forearm: its own tilt stays the same in the frame of forearm and up.
    across = unit(np.cross(along, np.cross(UP + 1e-3, along)))
    tilt = generator.uniform(0.3, 1.1)
    way = unit(np.cos(tilt) * across + np.sin(tilt) * along)
    length = generator.uniform(0.65, 0.85)
    end = hand + way * length
    pieces = [(hand - way * 0.06, hand + way * 0.25, 0.018, 0.02, colour), (hand + way * 0.25, end, 0.02, 0.036, colour)]
    return Shapes(Capsules.of(pieces)), side, (hand + end) / 2


def barbell(joints, colour, generator):
    left, right = hands(joints)
    middle, way = (left + right) / 2, unit(left - right)
    half = generator.uniform(0.75, 0.95)
    plate, radius = half - 0.12, generator.uniform(0.16, 0.23)
    steel = np.full(3, 0.62)
    bar = Capsules.of([(middle - way * half, middle + way * half, 0.018, 0.018, steel)])
    side_ways = unit(np.cross(way, UP + np.array([1e-3, 0, 1e-3])))
    axes = np.stack([way, side_ways, np.cross(way, side_ways)], axis=1)
    plates = [Block(middle + sign * way * plate, axes, (0.03, radius, radius), colour, is_round=True) for sign in (-1, 1)]
    return Shapes(bar, plates), "both", middle


def stick(joints, colour, generator):
    side, hand, along = pick_hand(joints, generator)
    if generator.random() < 0.5:  # a cane: straight down to the floor
        end = hand * np.array([1, 0, 1]) + np.array([0, 0.01, 0])
        return Shapes(Capsules.of([(hand + UP * 0.05, end, 0.016, 0.013, colour)])), side, (hand + end) / 2
    way = unit(along * 0.35 + UP)
    up, down = generator.uniform(0.5, 0.9), generator.uniform(0.5, 0.8)
    return Shapes(Capsules.of([(hand + way * up, hand - way * down, 0.016, 0.016, colour)])), side, hand


def box(joints, colour, generator):
    left, right = hands(joints)
    across = (left - right) * np.array([1, 0, 1])
    body = (joints[:, 16] - joints[:, 17]) * np.array([1, 0, 1])
    # Where hands are together or behind each other, the shoulders say which way the box lies.
    across = unit(across + 0.3 * body)
    forward = unit(np.cross(across, UP))
    up = np.repeat(UP[None], len(joints), axis=0)
    size = generator.uniform(0.12, 0.2, 3)
    centre = (left + right) / 2 + forward * size[2] * 0.8
    axes = np.stack([across, up, forward], axis=1)
    return Shapes(None, [Block(centre, axes, tuple(size), colour)]), "both", centre


def chair(joints, colour, generator):
    """On the floor: under whoever sits low, else beside the way."""
    frames = len(joints)
    facing = heading(joints)
    pelvis = joints[:, 0]
    seated = np.median(pelvis[:, 1]) < 0.65 and np.ptp(pelvis[:, [0, 2]], axis=0).max() < 0.6
    spot = np.median(pelvis, axis=0) * np.array([1.0, 0.0, 1.0])
    if not seated:
        side = generator.choice([-1, 1]) * generator.uniform(0.7, 1.1)
        spot = pelvis[0] * np.array([1.0, 0.0, 1.0]) + side * np.array([np.cos(facing), 0.0, -np.sin(facing)])
        facing += generator.uniform(-0.6, 0.6)
    across, ahead = np.array([np.cos(facing), 0.0, -np.sin(facing)]), np.array([np.sin(facing), 0.0, np.cos(facing)])
    axes = np.repeat(np.stack([across, UP, ahead])[None], frames, axis=0)
    seat = float(np.clip(np.median(pelvis[:, 1]) - 0.13, 0.3, 0.5)) if seated else 0.45

    def still(point) -> np.ndarray:
        return np.repeat(np.asarray(point)[None], frames, axis=0)

    legs = []
    for x in (-0.19, 0.19):
        for z in (-0.19, 0.19):
            foot = spot + x * across + z * ahead
            legs.append((still(foot + UP * 0.02), still(foot + UP * seat), 0.02, 0.02, colour * 0.8))
    blocks = [Block(still(spot + UP * seat), axes, (0.22, 0.025, 0.22), colour)]
    blocks.append(Block(still(spot + UP * (seat + 0.28) - 0.2 * ahead), axes, (0.22, 0.2, 0.02), colour))
    return Shapes(Capsules.of(legs), blocks), None, still(spot + UP * seat)


THINGS = {"ball": ball, "bat": bat, "barbell": barbell, "stick": stick, "box": box, "chair": chair}
