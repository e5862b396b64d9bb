# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""What the pose networks' numbers mean: anchors to people, heat maps to points.

After MediaPipe's calculators (https://github.com/google-ai-edge/mediapipe, Apache-2.0): the anchors of its pose detector,
suppression by weighted means, and the refinement of landmarks by heat maps.
"""

from dataclasses import dataclass

import numpy as np


ANCHOR_GRIDS = ((8, 2), (16, 2), (32, 6))  # stride in pixels, anchors at each place
MIN_SCORE = 0.5
MAX_OVERLAP = 0.3  # boxes that share more are one person
WINDOW = 7  # cells of the heat map around a point


@dataclass(frozen=True)
class Detection:
    """A person that the detector sees; everything in pixels of the network's input.

    Attributes:
        score (`float`): 0 to 1.
        box (`np.ndarray` of shape `(4,)`): centre x, y, width, height.
        points (`np.ndarray` of shape `(4, 2)`): middle of the hips, rim of the circle around the body, and two more.
    """

    score: float
    box: np.ndarray
    points: np.ndarray


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -60, 60)))


def anchors(size: int) -> np.ndarray:
    """Centres `(num_anchors, 2)` of the detector's anchors, pixels of its input."""
    grids = []
    for stride, count in ANCHOR_GRIDS:
        centres = (np.arange(size // stride) + 0.5) * stride
        x, y = np.meshgrid(centres, centres)
        grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), count, axis=0))
    return np.concatenate(grids)


def decode_detections(boxes: np.ndarray, scores: np.ndarray, size: int) -> list[Detection]:
    """People out of what the anchors say; those that speak of the same person are averaged.

    Args:
        boxes: `(num_anchors, 12)`, scores: `(num_anchors,)` logits, as `PoseDetections` has them.
        size: of the detector's input.
    """
    likely = np.flatnonzero(sigmoid(scores) > MIN_SCORE)
    if len(likely) == 0:
        return []
    scores = sigmoid(scores[likely].astype(np.float64))
    values = boxes[likely].astype(np.float64).reshape(-1, 6, 2)  # centre, size, four points
    centres = anchors(size)[likely]
    values[:, 0] += centres
    values[:, 2:] += centres[:, None]
    low, high = values[:, 0] - values[:, 1] / 2, values[:, 0] + values[:, 1] / 2
    area = values[:, 1].prod(axis=1)
    people, free = [], np.ones(len(scores), dtype=bool)
    for index in np.argsort(-scores):
        if not free[index]:
            continue
        shared = np.clip(np.minimum(high[index], high) - np.maximum(low[index], low), 0, None).prod(axis=1)
        same = free & (shared / (area[index] + area - shared + 1e-9) > MAX_OVERLAP)
        same[index] = True
        mean = np.average(values[same], axis=0, weights=scores[same])
        people.append(Detection(float(scores[index]), mean[:2].reshape(4), mean[2:]))
        free &= ~same
    return people


def refine_points(points: np.ndarray, heatmaps: np.ndarray, min_confidence: float = 0.5) -> np.ndarray:
    """Moves each point to the centre of its heat map nearby, where the map is sure.

    Args:
        points: `(num_points, 2)`, 0 to 1 across the crop.
        heatmaps: `(num_points, height, width)` logits.

    Returns:
        `(num_points, 2)`.
    """
    height, width = heatmaps.shape[1:]
    reach = WINDOW // 2
    refined = np.array(points, dtype=np.float64)
    for index, (x, y) in enumerate(points):
        column, row = int(x * width), int(y * height)
        if not (0 <= column < width and 0 <= row < height):
            continue
        rows = np.arange(max(0, row - reach), min(height, row + reach + 1))
        columns = np.arange(max(0, column - reach), min(width, column + reach + 1))
        weights = sigmoid(heatmaps[index, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float64))
        if weights.max() >= min_confidence:
            total = weights.sum()
            refined[index] = (weights.sum(0) @ columns / total / width, weights.sum(1) @ rows / total / height)
    return refined
