"""Faults of form in exercises: which ones an exercise can show, and how they change its key poses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from llamo.train.synthesis import channels as ch


if TYPE_CHECKING:
    from llamo.train.synthesis.context import Context

RAD = np.pi / 180.0
KNEES_IN, SHALLOW, ROUNDED, UNEVEN, TOO_FAST = "knees in", "shallow", "rounded back", "uneven", "too fast"
# Exercise -> the faults that its program can show.
FAULTS: dict[str, tuple[str, ...]] = {
    "squat": (KNEES_IN, SHALLOW, ROUNDED, UNEVEN, TOO_FAST),
    "lunge": (KNEES_IN, SHALLOW, ROUNDED, TOO_FAST),
    "deadlift": (ROUNDED, UNEVEN, TOO_FAST),
    "push_up": (SHALLOW, TOO_FAST),
    "overhead_press": (SHALLOW, UNEVEN, TOO_FAST),
    "lateral_raise": (SHALLOW, UNEVEN, TOO_FAST),
    "biceps_curl": (SHALLOW, TOO_FAST),
}
TOO_FAST_FACTOR = (0.3, 0.4)  # of an exercise's usual time; "fast", which is no fault, ends at 0.55


def spoil(ctx: Context, pose: np.ndarray, fault: str | None, leg: str | None = None) -> np.ndarray:
    """The lowest pose of an exercise of the legs with a fault in it.

    Args:
        pose: `(49,)` controls.
        fault: one of FAULTS; those that are not a matter of this pose change nothing.
        leg: "l" or "r" where one leg does the work.
    """
    rng, out = ctx.rng, pose.copy()
    if fault == KNEES_IN:
        turn = rng.uniform(38, 55) * RAD
        out[ch.KNEE] -= turn * np.array([leg != "r", leg != "l"])
    elif fault == ROUNDED:
        bend = rng.uniform(50, 65) * RAD
        out[ch.SPINE.start] = max(out[ch.SPINE.start] + bend, bend)  # whoever stands very straight rounds as far as others
        out[ch.PITCH] -= 0.45 * bend
        out[ch.HEAD.start] += 0.2 * bend
    elif fault == UNEVEN:
        side = 1.0 if rng.random() < 0.5 else -1.0
        out[0] += side * rng.uniform(0.09, 0.13) * ctx.scale
        out[ch.ROLL] -= side * rng.uniform(7, 11) * RAD
        out[ch.SPINE.start + 1] += side * rng.uniform(3, 9) * RAD
    return out


def spoil_arms(ctx: Context, high: np.ndarray, low: np.ndarray, fault: str | None) -> np.ndarray:
    """The upper pose of an exercise of the arms with a fault in it: half the way, or half the way on one side."""
    rng, out = ctx.rng, high.copy()
    starts = (16, 19, 22, 25)  # unit directions: left upper and fore, right upper and fore
    if fault == UNEVEN:
        starts = starts[:2] if rng.random() < 0.5 else starts[2:]
    elif fault != SHALLOW:
        return out
    way = rng.uniform(0.4, 0.55)
    for start in starts:
        bone = (1 - way) * low[start : start + 3] + way * high[start : start + 3]
        out[start : start + 3] = bone / max(float(np.linalg.norm(bone)), 1e-6)
    return out
