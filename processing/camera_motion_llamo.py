# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""How the camera turns: the shift of the background from frame to frame, and whether it stands still."""

import numpy as np
from scipy import fft, ndimage


SMALL_WIDTH = 112  # pixels at most that the background is looked at with
BOX_MARGIN = 3  # small pixels around the person that are left out
MAX_MASKED = 0.7  # share of the picture that the person may cover
QUIET = 0.7  # grey levels out of 255 of mean change against the key frame: noise
MIN_GAIN = 0.75  # a shift is believed where it leaves at most this share of the change
# Parts of the picture each way, how many of them a shift has to explain, and how far apart from left to right.
CELLS, MIN_CELLS, MIN_SPREAD = 5, 5, 2
STILL_SHIFT = 0.3  # small pixels against the key frame: less is noise
KEY_SHIFT = 9.0  # small pixels, after which another key frame is taken
KEY_FRAMES = 15  # frames that a key frame lasts while the camera moves, or while the picture changes otherwise
REFINEMENTS = 3


class CameraMotion:
    """Adds up the shift of the background. Feed it every frame in order.

    Frames are compared with a key frame some time ago, not with the one before: slow turns show, and errors do not add up while
    the camera stands.

    Attributes:
        shifts (`list[np.ndarray]`): for each frame, where the background of the first frame is now: x, y in pixels.
        still (`list[bool]`): for each frame after the first, whether the background is where it was in the key frame.
    """

    def __init__(self):
        self.shifts: list[np.ndarray] = []
        self.still: list[bool] = []
        self._key: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None  # picture, mask, its shift
        self._age = 0

    def step(self, image: np.ndarray, box: np.ndarray | None) -> None:
        """One frame `(height, width, 3)` uint8, and left, top, right, bottom of the person in it."""
        block = -(-image.shape[1] // SMALL_WIDTH)
        small = shrink(image, block)
        mask = person_mask(small.shape, None if box is None else box / block)
        last = self.shifts[-1] if self.shifts else np.zeros(2)
        if self._key is None or self._key[0].shape != small.shape:
            self._key, self._age = (small, mask, last), 0
            self.shifts.append(last)
            return
        before, before_mask, at = self._key
        self._age += 1
        background = ~(mask | before_mask)
        moved = measure_shift(before, small, background, last - at, block) if background.mean() > 1 - MAX_MASKED else None
        known, far = moved is not None, 0.0 if moved is None else float(np.abs(moved).max())
        self.still.append(far < STILL_SHIFT)
        self.shifts.append(last if not known else at if far < STILL_SHIFT else at + moved * block)
        if far > KEY_SHIFT or (self._age >= KEY_FRAMES and (not known or far >= STILL_SHIFT)):
            self._key, self._age = (small, mask, self.shifts[-1]), 0


def measure_shift(before: np.ndarray, after: np.ndarray, background: np.ndarray, guess: np.ndarray, block: int):
    """By how much the background has moved between two small pictures: x and y in small pixels; None where it cannot be told.

    A shift has to explain the change: a moving shadow, water or a flat wall give a shift that does not, and are not believed.

    Args:
        before, after: grey pictures `(height, width)`.
        background: `(height, width)` bool, what to look at.
        guess: x and y in pixels of the video, block: how many of these make a small one.
    """
    change = difference(before, after, background)
    if change < QUIET:
        return np.zeros(2)
    x, y, _ = background_shift(before, after, ~background)
    found = [refine_shift(before, after, background, start) for start in (np.array([x, y]), guess / block)]
    left = [difference(move(before, shift), after, background) for shift in found]
    best = int(np.argmin(left))
    if left[best] > MIN_GAIN * change or not is_everywhere(before, after, background, found[best]):
        return None
    return found[best]


def is_everywhere(before: np.ndarray, after: np.ndarray, background: np.ndarray, shift: np.ndarray) -> bool:
    """Whether a shift explains the change in many parts of the picture, not only where somebody else walks by."""
    unmoved = np.where(background, np.abs(after - before - np.median((after - before)[background])), 0)
    moved = move(before, shift)
    remaining = np.where(background, np.abs(after - moved - np.median((after - moved)[background])), 0)
    height, width = (length // CELLS * CELLS for length in before.shape)

    def in_cells(values: np.ndarray) -> np.ndarray:
        cells = values[:height, :width].reshape(CELLS, height // CELLS, CELLS, width // CELLS)
        return cells.mean(axis=(1, 3))

    changed = in_cells(unmoved) > QUIET
    better = changed & (in_cells(remaining) < MIN_GAIN * in_cells(unmoved))
    if better.sum() < max(MIN_CELLS, 0.3 * changed.sum()):
        return False
    columns = np.flatnonzero(better.any(axis=0))
    return bool(columns[-1] - columns[0] >= MIN_SPREAD)


def move(picture: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A picture moved by x and y, linear in between; its edge is repeated."""
    return ndimage.shift(picture, (shift[1], shift[0]), order=1, mode="nearest")


def difference(before: np.ndarray, after: np.ndarray, background: np.ndarray) -> float:
    """Mean change of the background in grey levels, a change of the light on all of it left out."""
    change = (after - before)[background]
    return float(np.abs(change - np.median(change)).mean())


def refine_shift(before: np.ndarray, after: np.ndarray, background: np.ndarray, start: np.ndarray) -> np.ndarray:
    """A shift by least squares on brightness (Lucas and Kanade 1981), from a start near it."""
    shift = np.asarray(start, dtype=np.float64)
    for _ in range(REFINEMENTS):
        moved = move(before, shift)
        slope_y, slope_x = (slope[background] for slope in np.gradient(moved))
        change = (after - moved)[background]
        change = np.clip(change - np.median(change), -20, 20)  # what moves by itself must not count for much
        matrix = np.array([[slope_x @ slope_x, slope_x @ slope_y], [slope_x @ slope_y, slope_y @ slope_y]])
        step = np.linalg.solve(
            matrix + 1e-3 * np.trace(matrix) * np.eye(2) + 1e-6 * np.eye(2), -np.array([slope_x @ change, slope_y @ change])
        )
        shift = shift + np.clip(step, -3, 3)
    return shift


def person_mask(shape: tuple[int, int], box: np.ndarray | None) -> np.ndarray:
    """Where the person is, `(height, width)` bool; `box` is left, top, right, bottom in the same pixels."""
    mask = np.zeros(shape, dtype=bool)
    if box is not None:
        left, top = np.maximum(box[:2] - BOX_MARGIN, 0).astype(int)
        right, bottom = np.maximum(box[2:] + BOX_MARGIN, 0).astype(int)
        mask[top:bottom, left:right] = True
    return mask


def shrink(image: np.ndarray, block: int) -> np.ndarray:
    """The green of a picture, averaged over squares of `block` pixels, float32."""
    height, width = image.shape[0] // block, image.shape[1] // block
    green = image[: height * block, : width * block, 1].reshape(height, block, width, block)
    # Adding up in 16 bits is several times as fast as a mean; 255 * block**2 fits for all blocks below 16.
    if block < 16:
        return green.sum(axis=(1, 3), dtype=np.uint16).astype(np.float32) / block**2
    return green.mean(axis=(1, 3), dtype=np.float32)


def background_shift(before: np.ndarray, after: np.ndarray, mask: np.ndarray) -> tuple[float, float, float]:
    """By how much a picture has moved, by phase correlation.

    Args:
        before, after: grey pictures `(height, width)`.
        mask: what not to look at.

    Returns:
        x and y in pixels, and the height of the peak, 0 to 1.
    """
    height, width = before.shape
    window = np.hanning(height)[:, None] * np.hanning(width)[None]

    def spectrum(picture):
        centred = np.where(mask, 0.0, picture - picture[~mask].mean())
        return fft.rfft2(centred * window)

    cross = spectrum(after) * np.conj(spectrum(before))
    size = np.abs(cross)
    surface = fft.irfft2(cross / (size + 1e-3 * size.mean() + 1e-9), (height, width))
    row, column = np.unravel_index(surface.argmax(), surface.shape)
    y = row + parabola_peak(*surface[[row - 1, row, (row + 1) % height], column])
    x = column + parabola_peak(*surface[row, [column - 1, column, (column + 1) % width]])
    return (x - width if x > width / 2 else x), (y - height if y > height / 2 else y), float(surface.max())


def parabola_peak(left: float, middle: float, right: float) -> float:
    """Where between -0.5 and 0.5 the peak of the parabola through three neighbours lies."""
    bend = left - 2 * middle + right
    return 0.0 if abs(bend) < 1e-9 else float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))
