"""What scenes are made of: capsules and blocks that move."""

from dataclasses import dataclass, field

import numpy as np


# Name -> red, green, blue from 0 to 1. The names are what questions ask for.
COLOURS = {
    "red": (0.78, 0.10, 0.10),
    "orange": (0.93, 0.48, 0.08),
    "yellow": (0.93, 0.82, 0.14),
    "green": (0.13, 0.52, 0.19),
    "blue": (0.12, 0.25, 0.72),
    "purple": (0.45, 0.16, 0.58),
    "pink": (0.94, 0.52, 0.68),
    "brown": (0.40, 0.24, 0.12),
    "black": (0.06, 0.06, 0.07),
    "grey": (0.47, 0.47, 0.49),
    "white": (0.92, 0.92, 0.92),
}


def named_colour(generator: np.random.Generator, names=tuple(COLOURS)) -> tuple[str, np.ndarray]:
    """A name out of `names` and a shade of it."""
    name = str(generator.choice(names))
    shade = np.array(COLOURS[name]) * generator.uniform(0.85, 1.12) + generator.uniform(-0.03, 0.03, 3)
    return name, np.clip(shade, 0.02, 1.0)


@dataclass
class Capsules:
    """Tapered capsules: `starts`, `ends` `(num_frames, num, 3)` metres, `start_radii`, `end_radii` `(num,)`, `colours`
    `(num, 3)`."""

    starts: np.ndarray
    ends: np.ndarray
    start_radii: np.ndarray
    end_radii: np.ndarray
    colours: np.ndarray

    @classmethod
    def of(cls, pieces: list[tuple]) -> "Capsules":
        """Of tuples (start `(num_frames, 3)`, end, start radius, end radius, colour `(3,)`)."""
        starts, ends, start_radii, end_radii, colours = zip(*pieces, strict=True)
        return cls(
            np.stack(starts, 1), np.stack(ends, 1), np.array(start_radii), np.array(end_radii), np.array(colours, dtype=float)
        )

    def __add__(self, other: "Capsules") -> "Capsules":
        pairs = ((getattr(self, name), getattr(other, name)) for name in ("starts", "ends"))
        flat = ((getattr(self, name), getattr(other, name)) for name in ("start_radii", "end_radii", "colours"))
        return Capsules(*(np.concatenate(pair, 1) for pair in pairs), *(np.concatenate(pair) for pair in flat))


@dataclass
class Block:
    """A box, or a disc (a round plate) around its own first axis.

    Attributes:
        centres: `(num_frames, 3)` metres.
        axes: `(num_frames, 3, 3)`, its axes in the world, as rows.
        half: half of its extent along them; of a disc, half its thickness and twice its radius.
        colour: red, green, blue from 0 to 1.
        is_round: a disc.
    """

    centres: np.ndarray
    axes: np.ndarray
    half: tuple[float, float, float]
    colour: np.ndarray
    is_round: bool = False


@dataclass
class Shapes:
    """Everything of a thing or a person."""

    capsules: Capsules | None = None
    blocks: list[Block] = field(default_factory=list)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
