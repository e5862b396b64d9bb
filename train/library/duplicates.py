"""Clips that show the same motion: the same file, the same motion under another name, or mirrored.

Two clips are compared pose by pose over their relative time, in the body's own frame; only clips of nearly one length are
compared at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llamo.processing.motion_features_llamo import canonicalise, resample
from llamo.train.library.quality import SIDES


POSES, FPS = 24, 20.0
NEAR_METRES = 0.03  # mean distance between joints
LENGTHS = 1.06  # ratio of durations
ROWS = 512  # compared at a time


@dataclass(frozen=True)
class Duplicate:
    """Two clips by their index, how they are alike ("same motion" or "mirrored"), and the mean distance of joints, metres."""

    first: int
    second: int
    kind: str
    metres: float


def fingerprint(joints: np.ndarray, fps: float) -> np.ndarray:
    """`(POSES, 22, 3)` float32: the motion at equal shares of its time, starting at the origin and facing +Z."""
    joints = canonicalise(resample(joints, fps, FPS), FPS)
    places = np.linspace(0, len(joints) - 1, POSES)
    below = np.minimum(places.astype(int), max(len(joints) - 2, 0))
    above, weight = np.minimum(below + 1, len(joints) - 1), (places - below)[:, None, None]
    return (joints[below] * (1 - weight) + joints[above] * weight).astype(np.float32)


def mirrored(prints: np.ndarray) -> np.ndarray:
    """Left and right of fingerprints `(..., 22, 3)` exchanged."""
    order = np.arange(prints.shape[-2])
    for left, right in SIDES:
        order[[left, right]] = right, left
    return prints[..., order, :] * np.array([-1, 1, 1], dtype=np.float32)


def find_duplicates(prints: Sequence[np.ndarray], seconds: Sequence[float]) -> list[Duplicate]:
    """All pairs of clips that are nearly the same.

    Args:
        prints: what `fingerprint` makes of each clip. seconds: their durations.
    """
    if len(prints) < 2:
        return []
    order = np.argsort(seconds, kind="stable")
    stacked, lengths = np.stack(prints)[order], np.asarray(seconds, dtype=float)[order]
    flat, turned = stacked.reshape(len(order), -1), mirrored(stacked).reshape(len(order), -1)
    joints = stacked.shape[1] * stacked.shape[2]
    found = []
    for start in range(0, len(order), ROWS):
        stop = min(start + ROWS, len(order))
        last = int(np.searchsorted(lengths, lengths[stop - 1] * LENGTHS, side="right"))
        for kind, others in (("same motion", flat), ("mirrored", turned)):
            # The root mean square is never below the mean, so that it may sort out what need not be looked at.
            squares = (flat[start:stop] ** 2).sum(1)[:, None] + (others[start:last] ** 2).sum(1)
            squares = squares - 2 * flat[start:stop] @ others[start:last].T
            near = np.argwhere(squares / joints < (3 * NEAR_METRES) ** 2)
            for row, column in near:
                if column <= row or lengths[start + column] > lengths[start + row] * LENGTHS:
                    continue
                pair = stacked[start + row] - others[start + column].reshape(stacked.shape[1:])
                metres = float(np.linalg.norm(pair, axis=-1).mean())
                if metres < NEAR_METRES:
                    first, second = sorted((int(order[start + row]), int(order[start + column])))
                    found.append(Duplicate(first, second, kind, round(metres, 4)))
    # A motion that is its own mirror image is the same motion.
    same = {(pair.first, pair.second) for pair in found if pair.kind == "same motion"}
    kept = [pair for pair in found if pair.kind == "same motion" or (pair.first, pair.second) not in same]
    return sorted(kept, key=lambda pair: (pair.first, pair.second))
