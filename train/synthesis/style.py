"""Manners of moving: how posture, tempo and amplitude change with mood, age and effort."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Style:
    """One manner.

    Args:
        name: word for it.
        tempo: factor on durations (above one is slower). amplitude: factor on excursions.
        lean, stoop, head: forward pelvis lean, spine flexion and head pitch, degrees.
        arms_out, elbows: abduction and flexion of the resting arms, degrees.
        width: factor on stance width. knees: resting knee bend, fraction of the leg length.
        bounce: factor on vertical bobbing. sharpness: factor on the share of a repetition spent moving (lower is
        snappier). noise: factor on the wandering of all joints. shrug: raised shoulders, degrees.
    """

    name: str
    tempo: float = 1.0
    amplitude: float = 1.0
    lean: float = 0.0
    stoop: float = 0.0
    head: float = 0.0
    arms_out: float = 0.0
    elbows: float = 0.0
    width: float = 1.0
    knees: float = 0.0
    bounce: float = 1.0
    sharpness: float = 1.0
    noise: float = 1.0
    shrug: float = 0.0


_TRAIN = (
    (Style("neutral"), 0.44),
    (Style("tired", 1.15, 0.85, 3, 10, 10, -2, -4, 1.05, 0.012, 0.8, 1.1, 0.9, -3), 0.08),
    (Style("energetic", 0.92, 1.12, 1, -3, -3, 2, 8, 1.0, 0.005, 1.35, 0.85, 1.2), 0.1),
    (Style("happy", 0.95, 1.08, 0, -4, -6, 4, 6, 1.0, 0.0, 1.5, 0.95, 1.3), 0.09),
    (Style("elderly", 1.2, 0.78, 6, 16, 4, 3, 16, 1.2, 0.03, 0.6, 1.15, 1.1), 0.08),
    (Style("cautious", 1.18, 0.85, 3, 4, 6, 6, 14, 1.15, 0.02, 0.7, 1.2, 1.0, 2), 0.07),
    (Style("angry", 0.9, 1.12, 4, 4, 5, 6, 14, 1.1, 0.01, 1.1, 0.75, 1.2, 4), 0.07),
    (Style("relaxed", 1.08, 0.92, -1, 2, 0, 0, -2, 0.95, 0.0, 1.0, 1.1, 1.2, -2), 0.07),
)
_HELD_OUT = (
    (Style("neutral"), 0.3),
    (Style("proud", 1.0, 1.05, -2, -8, -6, 5, 2, 1.1, 0.0, 1.1, 1.0, 0.9), 0.25),
    (Style("sad", 1.15, 0.85, 2, 12, 16, -3, -3, 0.95, 0.01, 0.7, 1.15, 0.8, -2), 0.2),
    (Style("nervous", 0.93, 0.92, 2, 4, 4, 1, 18, 0.9, 0.01, 1.0, 0.9, 1.7, 5), 0.25),
)


def random_style(rng: np.random.Generator, *, held_out: bool = False) -> Style:
    """Draw a style; the held-out ones are never used in training (neutral apart)."""
    table = _HELD_OUT if held_out else _TRAIN
    weights = np.array([weight for _, weight in table])
    return table[rng.choice(len(table), p=weights / weights.sum())][0]
