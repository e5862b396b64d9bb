# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Excursions of signals: where one leaves a base and comes back, in runs of like size, and the stages that each passes through.

All signals are cut together: a call of NumPy takes about as long for one excursion as for hundreds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from .repetition_choice_llamo import Repetition, middle_of


THRESHOLDS = (0.1, 0.18, 0.3, 0.45, 0.62)  # of a signal's range: what counts as turning around
RISE_LEVELS = (0.2, 0.5, 0.8)
NUM_STAGES = 2 * len(RISE_LEVELS) + 3
SHORTEST_SECONDS = 0.2
# Of a movement to and fro about its rest, the first excursion rises from the middle: about half of what comes later.
LEAST_OF_TYPICAL, MOST_OF_TYPICAL = 0.4, 1.7
LIKE_THE_REST = 0.85  # the quantile of the amplitudes that is tried as the typical one, beside their median and their largest
MOST_AT_ONCE = 1_000_000  # numbers in memory, whatever the motion's length

Run = list[Repetition]
Way = tuple[int, int]  # the number of a signal, and 1 for excursions upwards or -1 for those downwards
Triple = tuple[int, int, int]  # frames before, at and after the extreme


def find_runs(signals: np.ndarray, smallest: float, fps: float) -> dict[Way, list[Run]]:
    """Runs of neighbouring excursions that are of like amplitude, for every threshold of turning around.

    Args:
        signals: `(num_signals, num_frames)`, in one unit.
        smallest: amplitude of an excursion.
        fps: frames per second.
    """
    turnings = [_turnings(values, smallest) for values in signals]
    triples = [
        dict.fromkeys(triple for turning in each for triple in zip(turning, turning[1:], turning[2:])) for each in turnings
    ]
    excursions = _excursions(signals, triples, smallest)
    runs: dict[Way, list[Run]] = {}
    for number, each in enumerate(turnings):
        ways: dict[int, list[Run]] = {1: [], -1: []}
        for turning in each:
            found: dict[int, Run] = {1: [], -1: []}
            for triple in zip(turning, turning[1:], turning[2:]):
                if (excursion := excursions[number].get(triple)) is not None:
                    found[excursion[0]].append(excursion[1])
            for sign, items in found.items():
                if items:
                    ways[sign].append(items)
        for sign, several in ways.items():
            runs[number, sign] = list(_like_runs(several, SHORTEST_SECONDS * fps))
    return runs


def in_turn(runs: Mapping[str, Sequence[Run]]) -> Iterator[Run]:
    """Runs in which excursions of the "left" and of the "right" side follow each other by turns."""
    for left in runs["left"]:
        for right in runs["right"]:
            if abs(len(left) - len(right)) > 1:
                continue
            sided = sorted([*((item.peak, "left", item) for item in left), *((item.peak, "right", item) for item in right)])
            peaks = sorted(after[0] - before[0] for before, after in pairwise(sided))
            if len(sided) < 3 or any(before[1] == after[1] for before, after in pairwise(sided)):
                continue
            lasting = middle_of(sorted(item.end - item.start for _, _, item in sided))
            if peaks[0] > max(0.35 * middle_of(peaks), 0.5 * lasting):
                yield [replace(item, side=side) for _, side, item in sided]


class StageTable:
    """The stages of excursions as fractional frames: by the signal's level, not by time.

    Args:
        signals: as in `find_runs`.
        runs: what it returned.
    """

    def __init__(self, signals: np.ndarray, runs: Mapping[Way, Sequence[Run]]) -> None:
        found: dict[tuple[Way, float, float, float], Repetition] = {}
        for way, each in runs.items():
            found.update(((way, item.start, item.peak, item.end), item) for items in each for item in items)
        self.rows = {key: row for row, key in enumerate(found)}
        if not found:
            self.frames = np.zeros((0, NUM_STAGES))
            return
        numbers, signs = np.array([key[0] for key in found]).T
        start, peak, end, amplitude = np.array([(i.start, i.peak, i.end, i.amplitude) for i in found.values()]).T
        at = peak.astype(int)
        top = signs * signals[numbers, at]
        base = top - 0.9 * amplitude
        goals = np.stack([base + level * (top - base) for level in reversed(RISE_LEVELS)], axis=1)
        first = np.maximum(np.floor(start).astype(int), 0)
        last = np.minimum(np.ceil(end).astype(int), signals.shape[1] - 1)
        ways = np.concatenate([numbers, numbers]), np.concatenate([signs, signs])
        crossed = _crossings(signals, *ways, np.concatenate([at, at]), np.concatenate([first, last]), np.tile(goals, (2, 1)))
        rise, fall = crossed[: len(at)], crossed[len(at) :]
        self.frames = np.column_stack([start, rise[:, ::-1], peak, fall, end])

    def __call__(self, way: Way, items: Run) -> np.ndarray:
        """`(len(items), NUM_STAGES)` fractional frames of excursions of one way."""
        return self.frames[[self.rows[way, item.start, item.peak, item.end] for item in items]]


def _turnings(values: np.ndarray, smallest: float) -> list[list[int]]:
    """The different turning points that the thresholds give."""
    extent = float(values.max() - values.min())
    if extent < smallest:
        return []
    bends = _bends(values)
    levels = values[bends].tolist()
    found: dict[tuple[int, ...], None] = {}
    for threshold in THRESHOLDS:
        found[tuple(_turning_points(bends, levels, max(threshold * extent, 0.8 * smallest)))] = None
    return [list(turning) for turning in found]


def _bends(values: np.ndarray) -> list[int]:
    """Frames of all local extremes, the first and last frame included: nothing turns around elsewhere."""
    change = np.diff(values)
    return [0, *(np.flatnonzero(change[1:] * change[:-1] <= 0) + 1).tolist(), len(values) - 1]


def _turning_points(frames: list[int], numbers: list[float], threshold: float) -> list[int]:
    """Frames of alternating minima and maxima that differ by more than `threshold`, the first and last frame included.

    They are the same for the signal upside down.

    Args:
        frames: those of `_bends`.
        numbers: the values there; a list is much faster to go through than an array.
        threshold: in the values' unit.
    """
    found = [0]
    low = high = 0
    lowest = highest = numbers[0]
    direction = 0
    for index, value in enumerate(numbers):
        if value > highest:
            high, highest = index, value
        if value < lowest:
            low, lowest = index, value
        if direction >= 0 and highest - value > threshold:
            if high > 0:
                found.append(frames[high])
            direction, low, high, lowest, highest = -1, index, index, value, value
        elif direction <= 0 and value - lowest > threshold:
            if low > 0:
                found.append(frames[low])
            direction, low, high, lowest, highest = 1, index, index, value, value
    last = frames[high if direction > 0 else low]
    if direction and last > found[-1]:
        found.append(last)
    if found[-1] != frames[-1]:
        found.append(frames[-1])
    return found


def _excursions(
    signals: np.ndarray, triples: Sequence[Mapping[Triple, None]], smallest: float
) -> list[dict[Triple, tuple[int, Repetition]]]:
    """Of each signal, the triples whose middle stands out by `smallest` on both sides: 1 or -1, up or down, and what it is."""
    found: list[dict[Triple, tuple[int, Repetition]]] = [{} for _ in triples]
    all_triples = [(number, *triple) for number, each in enumerate(triples) for triple in each]
    if not all_triples:
        return found
    numbers, before, peak, after = np.array(all_triples).T
    rise, fall = signals[numbers, peak] - signals[numbers, before], signals[numbers, peak] - signals[numbers, after]
    # The smaller side is the excursion; the larger one may hold the way into position as well.
    up, down = np.minimum(rise, fall), np.minimum(-rise, -fall)
    amplitude = np.maximum(up, down)
    kept = np.flatnonzero(amplitude >= smallest)
    numbers, before, peak, after = numbers[kept], before[kept], peak[kept], after[kept]
    signs, amplitude = np.where(up[kept] >= smallest, 1, -1), amplitude[kept]
    base = signs * signals[numbers, peak] - 0.9 * amplitude
    ways = np.concatenate([numbers, numbers]), np.concatenate([signs, signs])
    peaks, bases = np.concatenate([peak, peak]), np.concatenate([before, after])
    edges = _crossings(signals, *ways, peaks, bases, np.concatenate([base, base])[:, None])[:, 0].tolist()
    for row, (index, sign, size) in enumerate(zip(kept.tolist(), signs.tolist(), amplitude.tolist(), strict=True)):
        number, *triple = all_triples[index]
        found[number][tuple(triple)] = sign, Repetition(edges[row], float(triple[1]), edges[len(kept) + row], size)
    return found


def _like_runs(several: Sequence[Run], shortest: float) -> Iterator[Run]:
    """Of each of several lists of excursions the longest runs in which all amplitudes are alike and all last `shortest`
    frames at least."""
    yielded = set()
    for items in several:
        amplitudes = sorted(item.amplitude for item in items)
        for typical in sorted({middle_of(amplitudes), _quantile(amplitudes, LIKE_THE_REST), amplitudes[-1]}):
            least, most = LEAST_OF_TYPICAL * typical, MOST_OF_TYPICAL * typical
            first = length = 0  # of the longest run
            begun = 0
            for index, item in enumerate(items):
                if not (least <= item.amplitude <= most and item.end - item.start >= shortest):
                    begun = index + 1
                elif index + 1 - begun > length:
                    first, length = begun, index + 1 - begun
            longest = items[first : first + length]
            peaks = tuple(item.peak for item in longest)
            if longest and peaks not in yielded:
                yielded.add(peaks)
                yield longest


def _quantile(ordered: list[float], share: float) -> float:
    """Of numbers in ascending order, between neighbours on a straight line."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _crossings(
    signals: np.ndarray, numbers: np.ndarray, signs: np.ndarray, peaks: np.ndarray, bases: np.ndarray, levels: np.ndarray
) -> np.ndarray:
    """Fractional frames at which the way from a peak towards a base first falls to each level; the base where it does not.

    Args:
        signals: `(num_signals, num_frames)`.
        numbers, signs, peaks, bases: `(n,)`, each the signal, 1 or -1 by which it is multiplied, and the two frames.
        levels: `(n, num_levels)`, of the multiplied signal.
    """
    found = np.empty(levels.shape)
    lengths = np.abs(bases - peaks)
    # Ways of like length go together.
    sizes = np.frexp(lengths)[1]
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        width = int(lengths[rows].max()) + 1
        for part in np.array_split(rows, -(-len(rows) * width * levels.shape[1] // MOST_AT_ONCE)):
            length, step = lengths[part], np.where(bases[part] > peaks[part], 1, -1)
            frames = peaks[part, None] + step[:, None] * np.minimum(np.arange(width), length[:, None])
            way = signs[part, None] * signals[numbers[part, None], frames]
            reached = way[:, None] <= levels[part, :, None]
            first = reached.argmax(axis=2)
            each = np.arange(len(part))[:, None]
            above, below = np.maximum(first - 1, 0), np.minimum(np.maximum(first, 1), length[:, None])
            here, following = way[each, above], way[each, below]
            crossed = above + (here - levels[part]) / np.maximum(here - following, 1e-12)
            there = reached[each, np.arange(levels.shape[1]), first]
            found[part] = np.where(there, peaks[part, None] + step[:, None] * crossed, bases[part, None])
    return found
