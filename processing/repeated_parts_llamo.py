# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Where in a motion something repeats: of whatever is no walk, the part with the best-explained movement, then the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .gait_llamo import Jump, Step, travelling_spans
from .motion_filters_llamo import join_spans, true_spans
from .repetition_choice_llamo import Cut
from .repetitions_llamo import best_cut


SHORTEST_REST_SECONDS = 1.0  # between walks, in which repetitions are looked for
SHORTEST_REMAINDER_SECONDS = 1.5  # beside what already repeats
MOST_PARTS = 4


@dataclass
class RepeatedPart:
    """Repetitions of one movement: `cut` in frames of the part that begins at frame `offset`."""

    offset: int
    cut: Cut

    @property
    def start(self) -> float:
        return self.offset + min(item.start for item in self.cut.items)

    @property
    def end(self) -> float:
        return self.offset + max(item.end for item in self.cut.items)


def is_travelling(joints: np.ndarray, steps: Sequence[Step], fps: float) -> np.ndarray:
    """`(num_frames,)` bool: steps carry the body along. Arguments as in `repeated_part`."""
    walking = np.zeros(len(joints), dtype=bool)
    for start, end in travelling_spans(joints, list(steps), fps):
        walking[start:end] = True
    return walking


def repeated_part(
    joints: np.ndarray, fps: float, noise: float = 0.0, steps: Sequence[Step] = (), jumps: Sequence[Jump] = ()
) -> RepeatedPart | None:
    """The part of a motion with the best-explained repetitions, `None` where nothing repeats but steps of a walk.

    Args:
        joints: `(num_frames, 22, 3)` metres, Y up.
        fps: frames per second.
        noise: standard deviation of the joints' error, metres.
        steps, jumps: what `find_steps` and `find_jumps` found.
    """
    walking = is_travelling(joints, steps, fps)
    shortest = int(SHORTEST_REST_SECONDS * fps) if walking.any() else 1
    return _best_of(joints, fps, noise, jumps, join_spans(true_spans(~walking), 0, shortest))


def repeated_parts(
    joints: np.ndarray, fps: float, noise: float = 0.0, steps: Sequence[Step] = (), jumps: Sequence[Jump] = ()
) -> list[RepeatedPart]:
    """`repeated_part` first, then what else repeats before or after it, twice at least. Arguments as there."""
    first = repeated_part(joints, fps, noise, steps, jumps)
    parts = [first] if first is not None else []
    free = ~is_travelling(joints, steps, fps)
    while parts and len(parts) < MOST_PARTS:
        free[max(0, int(parts[-1].start)) : int(np.ceil(parts[-1].end)) + 1] = False
        spans = join_spans(true_spans(free), 0, int(SHORTEST_REMAINDER_SECONDS * fps))
        part = _best_of(joints, fps, noise, jumps, spans)
        if part is None or len(part.cut.items) < 2:
            break
        parts.append(part)
    return parts


def _best_of(
    joints: np.ndarray, fps: float, noise: float, jumps: Sequence[Jump], spans: list[tuple[int, int]]
) -> RepeatedPart | None:
    best: tuple[float, RepeatedPart] | None = None
    for start, end in spans:
        inside = [(jump.start - start, jump.end - start) for jump in jumps if start <= jump.start and jump.end <= end]
        cut = best_cut(joints[start:end], fps, noise, inside)
        if cut is not None and (best is None or cut.score * len(cut.items) > best[0]):
            best = cut.score * len(cut.items), RepeatedPart(start, cut)
    return None if best is None else best[1]
