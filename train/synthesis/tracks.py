"""Smooth curves through key poses."""

import numpy as np


def minimum_jerk(u: np.ndarray) -> np.ndarray:
    """The minimum-jerk reach profile 0..1 (Flash and Hogan, 1985) for u clipped to 0..1."""
    u = np.clip(u, 0.0, 1.0)
    return u * u * u * (10.0 - 15.0 * u + 6.0 * u * u)


def track(times, values, t: np.ndarray) -> np.ndarray:
    """Curve through key values that never overshoots: it rests at extremes and flows through keys on the way.

    Cubic Hermite with the tangents of Fritsch and Butland (1984), zero at both ends; constant outside.

    Args:
        times: (K,) increasing, seconds. values: (K,) or (K, D). t: (T,) seconds.

    Returns:
        (T,) or (T, D).
    """
    x = np.asarray(times, float)
    y = np.asarray(values, float)
    flat = y.ndim == 1
    if flat:
        y = y[:, None]
    if len(x) == 1:
        out = np.repeat(y, len(t), axis=0)
        return out[:, 0] if flat else out
    h = np.maximum(np.diff(x), 1e-6)[:, None]
    d = np.diff(y, axis=0) / h
    m = np.zeros_like(y)
    if len(x) > 2:
        a, b = d[:-1], d[1:]
        w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
        same = a * b > 0
        safe_a, safe_b = np.where(same, a, 1.0), np.where(same, b, 1.0)
        m[1:-1] = np.where(same, (w1 + w2) / (w1 / safe_a + w2 / safe_b), 0.0)
    i = np.clip(np.searchsorted(x, t, side="right") - 1, 0, len(x) - 2)
    hi = h[i]
    u = np.clip((t - x[i])[:, None] / hi, 0.0, 1.0)
    u2, u3 = u * u, u * u * u
    out = (
        (2 * u3 - 3 * u2 + 1) * y[i] + (u3 - 2 * u2 + u) * hi * m[i] + (3 * u2 - 2 * u3) * y[i + 1] + (u3 - u2) * hi * m[i + 1]
    )
    return out[:, 0] if flat else out


def window(t: np.ndarray, start: float, end: float, rise: float, fall: float | None = None) -> np.ndarray:
    """0 outside start..end, 1 inside, with minimum-jerk flanks of `rise` and `fall` seconds inside the span."""
    fall = rise if fall is None else fall
    return minimum_jerk((t - start) / max(rise, 1e-3)) * minimum_jerk((end - t) / max(fall, 1e-3))


def smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian smoothing along axis 0 with `sigma` frames, edges held."""
    if sigma <= 0 or len(values) < 3:
        return values
    radius = max(1, int(3 * sigma + 0.5))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    pad = [(radius, radius)] + [(0, 0)] * (values.ndim - 1)
    padded = np.pad(values, pad, mode="edge")
    out = np.zeros_like(values, dtype=float)
    for i, k in enumerate(kernel):
        out += k * padded[i : i + len(values)]
    return out
