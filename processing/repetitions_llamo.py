# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""How often a person repeats a movement, which signal shows it, and where each repetition begins and ends.

Many signals of the body are candidates: heights, joint angles, wrists and ankles seen from the body, the distance of the
hands, lean and twist, the leading components of the whole pose. Each is cut into excursions that leave a base and come back.
A cut is believed so far as the whole body, not the signal alone, is in the same pose at the same stage of every excursion,
and so far as the excursions explain the movement in the clip. Of the cuts that do well, the one with the most repetitions
wins: whatever repeats every second does so every two seconds as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .angles_llamo import LEFT_ANKLE, PELVIS, RIGHT_ANKLE, body_frame
from .excursions_llamo import StageTable, find_runs, in_turn
from .motion_filters_llamo import moving_average
from .repetition_choice_llamo import Cut, Repetition, choose_cut, good_cuts
from .repetition_signals_llamo import METRES_PER_DEGREE, POSE_PAIRS, Signal, candidate_signals


POSE_MIDDLE = (9, 12, 15)
SMALLEST_AMPLITUDE = 0.025  # m, or the same in degrees by METRES_PER_DEGREE
# Signals of one side that may take turns with the other.
TAKING_TURNS = ("hip angle", "knee angle", "foot height", "elbow angle", "shoulder angle")
DENSE_FPS = 40.0
# The pose as it is, in a mirror, and blind to mirroring: `_poses`.
PLAIN, MIRROR, EVEN = 0, 1, 2


@dataclass
class Repetitions:
    """What repeats. `signal` names the quantity, `unit` is "m" or "deg"; both empty where nothing repeats."""

    items: list[Repetition]
    signal: str = ""
    unit: str = ""


def find_repetitions(
    joints: np.ndarray, fps: float, noise: float = 0.0, jumps: Sequence[tuple[float, float]] = ()
) -> Repetitions:
    """Counts what repeats in a motion, one repetition included.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        fps: frames per second.
        noise: standard deviation of the joints' error, metres; smaller excursions than about twice that are not believed.
        jumps: flights already found, as (start, end) in frames. Repetitions of one jump each are believed more.

    Returns:
        the repetitions, none where nothing repeats.
    """
    cut = best_cut(joints, fps, noise, jumps)
    if cut is None:
        return Repetitions([])
    scale = METRES_PER_DEGREE if cut.signal.unit == "deg" else 1.0
    items = [replace(item, amplitude=item.amplitude / scale) for item in cut.items]
    return Repetitions(items, cut.signal.name, cut.signal.unit)


def best_cut(joints: np.ndarray, fps: float, noise: float = 0.0, jumps: Sequence[tuple[float, float]] = ()) -> Cut | None:
    """What `find_repetitions` chooses, with its score; `None` where nothing repeats. Amplitudes are in (scaled) metres."""
    if len(joints) < max(8, int(0.6 * fps)):
        return None
    cut = choose_cut(all_cuts(joints, fps, noise, jumps))
    if cut is not None:
        factor = _densification(fps)
        cut.items = [
            replace(item, start=item.start / factor, peak=item.peak / factor, end=item.end / factor) for item in cut.items
        ]
    return cut


def all_cuts(joints: np.ndarray, fps: float, noise: float = 0.0, jumps: Sequence[tuple[float, float]] = ()) -> list[Cut]:
    """Every cut of any signal that is good enough to be chosen, judged; frames are those of the densified motion."""
    factor = _densification(fps)
    joints = _densify(np.asarray(joints, dtype=np.float64), factor)
    jumps = [(start * factor, end * factor) for start, end in jumps]
    fps = fps * factor
    joints = moving_average(joints, int(round(0.04 * fps)) | 1)
    smallest = max(SMALLEST_AMPLITUDE, 2.2 * noise)  # of an excursion
    body = body_frame(joints)
    poses = _poses(joints, body)
    movement = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(poses[PLAIN], axis=0), axis=1))])
    signals = candidate_signals(joints, body)
    values = np.stack([signal.values for signal in signals])
    runs = find_runs(values, smallest, fps)
    stages = StageTable(values, runs)
    # Of each cut, the frames of its stages and which pose is read there.
    cuts: list[Cut] = []
    frames: list[np.ndarray] = []
    kinds: list[np.ndarray] = []
    for way, each in runs.items():
        signal = signals[way[0]]
        for items in each:
            cuts.append(Cut(signal, items))
            frames.append(stages(way, items))
            kinds.append(np.full(len(items), EVEN if signal.even else PLAIN))
    numbers = {signal.name: number for number, signal in enumerate(signals)}
    for name in TAKING_TURNS:
        left, right = numbers[f"left {name}"], numbers[f"right {name}"]
        signal = Signal(f"{name}, left and right in turn", signals[left].unit, signals[left].values, True)
        for sign in (1, -1):
            for items in in_turn({"left": runs[left, sign], "right": runs[right, sign]}):
                on_right = np.array([item.side == "right" for item in items])
                own = np.empty((len(items), stages.frames.shape[1]))
                for number, here in ((left, ~on_right), (right, on_right)):
                    own[here] = stages((number, sign), [items[index] for index in np.flatnonzero(here)])
                cuts.append(Cut(signal, items, turns=True))
                frames.append(own)
                kinds.append(np.where(on_right, MIRROR, PLAIN))
    return good_cuts(cuts, frames, kinds, poses, movement, jumps)


def _densification(fps: float) -> int:
    """How many times more frames are needed to see where fast movements turn around."""
    return max(1, int(np.ceil(DENSE_FPS / fps - 0.01)))


def _densify(joints: np.ndarray, factor: int) -> np.ndarray:
    """Cubic (Catmull-Rom) interpolation over time to `factor` times the frame rate."""
    if factor == 1:
        return joints
    padded = np.concatenate([2 * joints[:1] - joints[1:2], joints, 2 * joints[-1:] - joints[-2:-1]])
    before, here, after, last = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    pieces = []
    for part in np.arange(factor) / factor:
        pieces.append(
            here
            + 0.5
            * part
            * (after - before + part * (2 * before - 5 * here + 4 * after - last + part * (3 * (here - after) + last - before)))
        )
    dense = np.stack(pieces, axis=1).reshape(-1, *joints.shape[1:])
    return np.concatenate([dense, joints[-1:]])


def _poses(joints: np.ndarray, body: np.ndarray) -> np.ndarray:
    """The pose over time, `(3, num_frames, n)`: as it is (PLAIN), in a mirror (MIRROR), and blind to mirroring (EVEN).

    `body` is what `body_frame` makes of `joints`.
    """
    # Seen from the body, nothing tells that it rises onto its toes: heights of pelvis and ankles above the floor do.
    height = joints[:, PELVIS, 1:2]
    left_ankle, right_ankle = joints[:, LEFT_ANKLE, 1:2], joints[:, RIGHT_ANKLE, 1:2]
    flip = np.array([-1.0, 1.0, 1.0])
    left, right = body[:, [pair[0] for pair in POSE_PAIRS]], body[:, [pair[1] for pair in POSE_PAIRS]] * flip
    middle = body[:, list(POSE_MIDDLE)]

    def together(*parts):
        return np.concatenate([*(part.reshape(len(body), -1) for part in parts), height], axis=1)

    unsided = np.concatenate([np.abs(middle[..., :1]), middle[..., 1:]], axis=-1)
    return np.stack(
        [
            together(left, right, middle, left_ankle, right_ankle),
            together(right, left, middle * flip, right_ankle, left_ankle),
            together(
                (left + right) / 2**0.5,
                np.abs(left - right) / 2**0.5,
                unsided,
                (left_ankle + right_ankle) / 2**0.5,
                np.abs(left_ankle - right_ankle) / 2**0.5,
            ),
        ]
    )
