"""Excursions of signals: the same however many are cut at once, upside down, and by a plain loop."""

import numpy as np
import pytest

from llamo.processing import excursions_llamo, repetition_choice_llamo
from llamo.processing.excursions_llamo import NUM_STAGES, StageTable, find_runs
from llamo.processing.repetitions_llamo import all_cuts
from llamo.train.synthesis.engine import synthesize


FPS = 40.0


def waves(rng: np.random.Generator, num: int = 6, frames: int = 300) -> np.ndarray:
    """Sums of two sines with some noise, `(num, frames)`."""
    times = np.arange(frames) / FPS
    slow, fast = rng.uniform(0.3, 0.6, (num, 1)), rng.uniform(1.0, 2.0, (num, 1))
    return 0.2 * np.sin(2 * np.pi * slow * times) + 0.1 * np.sin(2 * np.pi * fast * times) + rng.normal(0, 0.004, (num, frames))


def first_crossing(values: np.ndarray, peak: int, base: int, level: float) -> float:
    """The fractional frame at which `values` first falls to `level` on its way from `peak` to `base`."""
    step = 1 if base > peak else -1
    for frame in range(peak, base, step):
        here, following = values[frame], values[frame + step]
        if here > level >= following:
            return frame + step * (here - level) / (here - following)
    return float(base)


def test_edges_and_stages_are_where_the_signal_crosses_their_level():
    signals = waves(np.random.default_rng(0))
    runs = find_runs(signals, 0.02, FPS)
    table = StageTable(signals, runs)
    seen = 0
    for (number, sign), each in runs.items():
        values = sign * signals[number]
        for items in each:
            for item, stages in zip(items, table((number, sign), items), strict=True):
                peak, top = int(item.peak), values[int(item.peak)]
                base = top - 0.9 * item.amplitude
                assert stages.shape == (NUM_STAGES,) and stages[0] == item.start and stages[-1] == item.end
                assert stages[NUM_STAGES // 2] == peak and (np.diff(stages) >= -1e-9).all()
                for level, rise, fall in zip((0.2, 0.5, 0.8), stages[1:4], stages[5:8][::-1], strict=True):
                    goal = base + level * (top - base)
                    assert rise == pytest.approx(first_crossing(values, peak, int(np.floor(item.start)), goal))
                    assert fall == pytest.approx(first_crossing(values, peak, int(np.ceil(item.end)), goal))
                seen += 1
    assert seen > 50


def test_what_goes_up_goes_down_upside_down():
    signals = waves(np.random.default_rng(1))
    plain, turned = find_runs(signals, 0.02, FPS), find_runs(-signals, 0.02, FPS)
    assert sum(map(len, plain.values())) > 10
    for (number, sign), each in plain.items():
        assert turned[number, -sign] == each


def test_each_signal_is_cut_as_it_is_alone(monkeypatch):
    signals = waves(np.random.default_rng(2))
    together = find_runs(signals, 0.02, FPS)
    monkeypatch.setattr(excursions_llamo, "MOST_AT_ONCE", 500)
    for number in range(len(signals)):
        alone = find_runs(signals[number : number + 1], 0.02, FPS)
        assert all(alone[0, sign] == together[number, sign] for sign in (1, -1))


def test_a_flat_signal_has_no_excursions():
    runs = find_runs(np.zeros((2, 50)), 0.02, FPS)
    assert not any(runs.values()) and StageTable(np.zeros((2, 50)), runs).frames.shape == (0, NUM_STAGES)


def test_cuts_are_judged_alike_however_many_at_once(monkeypatch):
    motion = synthesize(np.random.default_rng(3), vocabulary=["squat", "jumping_jack"])

    def told(cut):
        return cut.signal.name, len(cut.items), *np.round([cut.sameness, cut.likeness, cut.coverage, cut.belief], 9)

    together = [told(cut) for cut in all_cuts(motion.joints, motion.fps)]
    monkeypatch.setattr(repetition_choice_llamo, "MOST_ROWS", 1)
    assert len(together) > 20 and [told(cut) for cut in all_cuts(motion.joints, motion.fps)] == together
