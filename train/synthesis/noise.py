"""Smooth random wandering: no joint of a living body is ever quite still."""

import numpy as np


def wander(
    rng: np.random.Generator, num_frames: int, channels: int, fps: float, low: float = 0.08, high: float = 1.2, terms: int = 5
) -> np.ndarray:
    """Sums of sinusoids of random frequency, amplitude falling as 1/f like postural sway.

    Args:
        low, high: band in Hz.

    Returns:
        (num_frames, channels) with a standard deviation of about one.
    """
    frequency = low * (high / low) ** rng.random((terms, channels))
    phase = rng.random((terms, channels)) * 2 * np.pi
    weight = rng.gamma(2.0, 0.5, (terms, channels)) * np.sqrt(low / frequency)
    weight *= np.sqrt(2.0) / np.maximum(np.sqrt((weight**2).sum(0)), 1e-9)
    t = (np.arange(num_frames) / fps)[:, None, None]
    return (np.sin(2 * np.pi * frequency * t + phase) * weight).sum(1)


def jitter(rng: np.random.Generator, shape, sd: float) -> np.ndarray:
    """White noise clipped at 2.5 standard deviations."""
    return np.clip(rng.standard_normal(shape), -2.5, 2.5) * sd
