"""Procedural motion beside recorded motion: speeds, accelerations, joint ranges, heights and sliding of feet.

    llamo data statistics --recorded FILE.parquet [--num 300] [--seed 1]

One table for all clips and one for walking alone: percentiles 5 / 50 / 95 of each measure, recorded against procedural.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from llamo.train.recorded import read_recorded
from llamo.train.synthesis.engine import synthesize


PERCENTILES = (5, 50, 95)


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between vectors (..., 3)."""
    c = (a * b).sum(-1) / np.maximum(np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1), 1e-6)
    return np.degrees(np.arccos(np.clip(c, -1, 1)))


def measure(joints: np.ndarray, fps: float) -> dict[str, np.ndarray]:
    """Per-frame measures of one clip (T, 22, 3) in metres: name -> samples."""
    j = joints.astype(np.float64)
    v = np.diff(j, axis=0) * fps
    a = np.diff(v, axis=0) * fps
    speed, acceleration = np.linalg.norm(v, axis=-1), np.linalg.norm(a, axis=-1)
    size = float(np.median(np.linalg.norm(j[:, 15] - j[:, 0], axis=-1))) or 1.0
    down = np.array([0.0, -1.0, 0.0])
    ball = j[1:, [10, 11], 1]
    foot_speed = np.linalg.norm(v[:, [10, 11]][..., [0, 2]], axis=-1)
    stance = foot_speed[ball < np.percentile(j[:, [10, 11], 1], 5) + 0.02]
    shoulders = j[:, 16] - j[:, 17]
    hips = j[:, 1] - j[:, 2]
    twist = np.degrees(
        np.arctan2(
            shoulders[:, 0] * hips[:, 2] - shoulders[:, 2] * hips[:, 0],
            shoulders[:, 0] * hips[:, 0] + shoulders[:, 2] * hips[:, 2],
        )
    )
    out = {
        "root speed, m/s": np.linalg.norm(v[:, 0][:, [0, 2]], axis=-1),
        "root vertical speed, m/s": np.abs(v[:, 0, 1]),
        "wrist speed, m/s": speed[:, [20, 21]].ravel(),
        "wrist speed to pelvis, m/s": np.linalg.norm((v - v[:, :1])[:, [20, 21]], axis=-1).ravel(),
        "ankle speed, m/s": speed[:, [7, 8]].ravel(),
        "head speed to pelvis, m/s": np.linalg.norm(v[:, 15] - v[:, 0], axis=-1),
        "wrist acceleration, m/s2": acceleration[:, [20, 21]].ravel(),
        "root acceleration, m/s2": acceleration[:, 0],
        "head acceleration, m/s2": acceleration[:, 15],
        "ankle acceleration, m/s2": acceleration[:, [7, 8]].ravel(),
        "foot height, m": j[:, [10, 11], 1].ravel(),
        "ankle height, m": j[:, [7, 8], 1].ravel(),
        "foot slide in stance, m/s": stance,
        "knee flexion, deg": np.concatenate(
            [180 - _angle(j[:, h] - j[:, k], j[:, f] - j[:, k]) for h, k, f in ((1, 4, 7), (2, 5, 8))]
        ),
        "elbow flexion, deg": np.concatenate(
            [180 - _angle(j[:, s] - j[:, e], j[:, w] - j[:, e]) for s, e, w in ((16, 18, 20), (17, 19, 21))]
        ),
        "upper arm from down, deg": np.concatenate([_angle(j[:, e] - j[:, s], down) for s, e in ((16, 18), (17, 19))]),
        "thigh from down, deg": np.concatenate([_angle(j[:, k] - j[:, h], down) for h, k in ((1, 4), (2, 5))]),
        "trunk from upright, deg": _angle(j[:, 12] - j[:, 0], -down),
        "neck from upright, deg": _angle(j[:, 15] - j[:, 12], -down),
        "shoulders against hips, deg": np.abs(twist),
        "wrist apart / trunk": np.linalg.norm(j[:, 20] - j[:, 21], axis=-1) / size,
        "ankles apart / trunk": np.linalg.norm(j[:, 7] - j[:, 8], axis=-1) / size,
    }
    return out


def measure_gait(joints: np.ndarray, fps: float) -> dict[str, np.ndarray]:
    """Step length, cadence, pelvis bob and arm swing of a walking clip; empty where no steps are found."""
    j = joints.astype(np.float64)
    v = np.diff(j[:, 0][:, [0, 2]], axis=0) * fps
    speed = np.linalg.norm(v, axis=1)
    if len(j) < 30 or np.median(speed) < 0.3:
        return {}
    heading = v / np.maximum(speed[:, None], 1e-6)
    ahead = ((j[1:, 7] - j[1:, 8])[:, [0, 2]] * heading).sum(-1)
    inner = (
        (np.abs(ahead[1:-1]) >= np.abs(ahead[:-2])) & (np.abs(ahead[1:-1]) > np.abs(ahead[2:])) & (np.abs(ahead[1:-1]) > 0.15)
    )
    peaks = np.flatnonzero(inner) + 1
    if len(peaks) < 3:
        return {}
    wrist = np.concatenate([((j[1:, w] - j[1:, s])[:, [0, 2]] * heading).sum(-1)[None] for s, w in ((16, 20), (17, 21))])
    return {
        "step length, m": np.abs(ahead[peaks]),
        "cadence, steps/s": fps / np.diff(peaks),
        "walking speed, m/s": speed,
        "pelvis bob, m (sd)": np.array([np.std(j[:, 0, 1])]),
        "arm swing, m (sd)": wrist.std(1),
        "lateral ankle distance, m": np.abs(
            ((j[1:, 7] - j[1:, 8])[:, [0, 2]] * np.stack([heading[:, 1], -heading[:, 0]], 1)).sum(-1)
        ),
        "walk: knee flexion": 180 - _angle(j[:, 1] - j[:, 4], j[:, 7] - j[:, 4]),
        "walk: elbow flexion": 180 - _angle(j[:, 16] - j[:, 18], j[:, 20] - j[:, 18]),
        "walk: upper arm from down": _angle(j[:, 18] - j[:, 16], np.array([0.0, -1.0, 0.0])),
        "walk: foot height": j[:, 10, 1],
        "walk: ankle height": j[:, 7, 1],
    }


def collect(clips, function) -> dict[str, np.ndarray]:
    """Pool the samples of many (joints, fps)."""
    pools: dict[str, list] = {}
    for joints, fps in clips:
        for name, samples in function(joints, fps).items():
            pools.setdefault(name, []).append(samples)
    return {name: np.concatenate(samples) for name, samples in pools.items()}


def table(real: dict, ours: dict) -> str:
    """The comparison as text; the last column is the share of procedural samples within the recorded 0.5 to 99.5 %."""
    lines = [f"{'measure (percentile 5 / 50 / 95)':36s} {'recorded':>26s} {'procedural':>26s}   within"]
    for name in real:
        cells = []
        for pool in (real, ours):
            values = np.percentile(pool[name], PERCENTILES) if name in pool else [np.nan] * 3
            cells.append(" ".join(f"{v:8.3f}" for v in values))
        lines.append(f"{name:36s} {cells[0]:>26s} {cells[1]:>26s}   {within(real[name], ours.get(name)):>5.0%}")
    return "\n".join(lines)


def within(real: np.ndarray, ours: np.ndarray | None) -> float:
    """Share of our samples that lie in the range of the recorded ones, their outermost half per cents left out."""
    if ours is None:
        return float("nan")
    low, high = np.percentile(real, (0.5, 99.5))
    return float(((ours >= low) & (ours <= high)).mean())


def compare(real: Sequence[str | os.PathLike], num: int, seed: int) -> str:
    """Recorded against procedural motion, all clips and walking alone, as two tables.

    Args:
        real: Parquet files of recorded clips.
        num: procedural clips to make.
        seed: of them.

    Raises:
        ValueError: a file that holds no recorded clips.
    """
    clips = [clip for path in real for clip in read_recorded(path)]
    walks = [clip for clip in clips if clip.actions == ("walk",)]

    def pairs(found):
        return [(clip.joints, clip.fps) for clip in found]

    def make(number, **fixed):
        motions = (synthesize(np.random.default_rng((seed, index)), **fixed) for index in range(number))
        return pairs(motions)

    parts = [table(collect(pairs(clips), measure), collect(make(num), measure))]
    gait = collect(pairs(walks), measure_gait)
    if gait:
        ours = collect(make(max(4, num // 4), actions=["walk"], speed="normal"), measure_gait)
        parts.append(table(gait, ours))
    return "\n\n".join(parts)
