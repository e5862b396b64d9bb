# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""What happens to joints before anything is measured on them: gaps are filled, jitter is filtered, rates are made equal.

Two zero-phase low-pass filters of scipy can be chosen, or none:
- "butterworth": second order, run forwards and backwards (fourth order in all), 6 Hz, the usual choice of gait laboratories
  (Winter 2009, Biomechanics and Motor Control of Human Movement, chapter 3);
- "savgol": Savitzky-Golay, a parabola through 0.35 s, which keeps the height of peaks better;
- "none": the joints as they are. "auto" looks at the lengths of the bones: a skeleton whose bones keep their length was
  solved, and is left alone; one whose bones breathe was estimated from markers or video, and gets the Butterworth filter.
"""

import importlib
from types import ModuleType

import numpy as np

from .motion_features_llamo import PARENTS


FILTERS = ("auto", "butterworth", "savgol", "none")
CUTOFF_HZ = 6.0
SAVGOL_SECONDS = 0.35
# Standard deviation of a bone's length over time, as the median over bones, above which "auto" filters.
BREATHING_BONES = 0.004  # m
LONGEST_GAP_SECONDS = 1.0


def load_scipy_signal() -> ModuleType:
    """`scipy.signal`, which only the filters need.

    Raises:
        ImportError: scipy is not installed.
    """
    try:
        return importlib.import_module("scipy.signal")
    except ImportError as error:
        raise ImportError(
            f"Expected scipy for filtering, got: {error} (in the measurements of a motion). Install it with "
            '`pip install scipy`, or pass smoothing="none".'
        ) from None


def fill_gaps(joints: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Fills coordinates that are not finite, joint by joint, along straight lines over time.

    Args:
        joints: `(num_frames, 22, 3)`, NaN where a joint was not seen.
        fps: frames per second.

    Returns:
        `(num_frames, 22, 3)` float64, and `(num_frames,)` bool: frames in which something was filled.

    Raises:
        ValueError: a joint that is never seen, or not seen for more than a second.
    """
    joints = np.array(joints, dtype=np.float64)
    missing = ~np.isfinite(joints).all(axis=2)
    frames = np.arange(len(joints))
    for joint in np.flatnonzero(missing.any(axis=0)):
        seen = ~missing[:, joint]
        longest = max((end - start for start, end in true_spans(~seen)), default=0) / fps
        if longest > LONGEST_GAP_SECONDS:
            raise ValueError(
                f"Expected gaps of at most {LONGEST_GAP_SECONDS:g} s, got joint {joint} missing for {longest:.1f} s "
                "in the motion. Cut the motion at the gap and measure both parts."
            )
        for axis in range(3):
            joints[:, joint, axis] = np.interp(frames, frames[seen], joints[seen, joint, axis])
    return joints, missing.any(axis=1)


def bone_length_noise(joints: np.ndarray) -> float:
    """How much bones change their length over time: the median over bones of its standard deviation, metres."""
    children = np.arange(1, len(PARENTS))
    lengths = np.linalg.norm(joints[:, children] - joints[:, np.array(PARENTS)[children]], axis=2)
    return float(np.median(lengths.std(axis=0)))


def low_pass(values: np.ndarray, fps: float, smoothing: str = "auto", noise: float = 0.0) -> tuple[np.ndarray, str]:
    """Filters along axis 0 without shifting in time.

    Args:
        values: `(num_frames, ...)`.
        fps: frames per second.
        smoothing: one of FILTERS.
        noise: what `bone_length_noise` says; only "auto" looks at it.

    Returns:
        the filtered values, and a sentence about what was done.

    Raises:
        ValueError: an unknown filter.
        ImportError: scipy is not installed.
    """
    if smoothing not in FILTERS:
        raise ValueError(
            f"Expected smoothing to be one of {', '.join(FILTERS)}, got {smoothing!r} (in low_pass). Choose one of them."
        )
    if smoothing == "auto":
        smoothing = "butterworth" if noise > BREATHING_BONES else "none"
    if smoothing == "none" or len(values) < 5:
        return values, "none"
    signal = load_scipy_signal()
    if smoothing == "savgol":
        width = max(5, int(round(SAVGOL_SECONDS * fps)) | 1)
        if len(values) < width:
            return values, "none"
        return signal.savgol_filter(values, width, 2, axis=0), f"Savitzky-Golay, order 2, {width / fps:.2f} s"
    cutoff = min(CUTOFF_HZ, 0.45 * fps)
    sections = signal.butter(2, cutoff, fs=fps, output="sos")
    pad = min(len(values) - 1, int(fps))
    return signal.sosfiltfilt(sections, values, axis=0, padlen=pad), f"Butterworth, 4th order, zero phase, {cutoff:g} Hz"


def moving_average(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over `width` frames (made odd) around each frame along axis 0; at the ends over what there is."""
    half = width // 2
    if half < 1 or len(values) < 2:
        return np.asarray(values, dtype=np.float64)
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0, dtype=np.float64)])
    frames = np.arange(len(values))
    # The window shrinks evenly towards the ends, so that a straight line stays one.
    reach = np.minimum(half, np.minimum(frames, len(values) - 1 - frames))
    size = (2 * reach + 1).reshape(-1, *[1] * (values.ndim - 1))
    return (total[frames + reach + 1] - total[frames - reach]) / size


def true_spans(mask: np.ndarray) -> list[tuple[int, int]]:
    """Half-open frame intervals in which `mask` `(num_frames,)` is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], np.asarray(mask, dtype=bool), [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))


def join_spans(spans: list[tuple[int, int]], gap: int, shortest: int) -> list[tuple[int, int]]:
    """Spans that lie at most `gap` frames apart become one; what is then shorter than `shortest` frames is dropped."""
    joined: list[list[int]] = []
    for start, end in spans:
        if joined and start - joined[-1][1] <= gap:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    return [(start, end) for start, end in joined if end - start >= shortest]
