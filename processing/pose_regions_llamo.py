# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Where a person is in a picture, and the pictures that the pose networks get to see: the whole one, or a turned square."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F


REGION_SCALE = 1.25  # how much larger a region is than the circle around the body


@dataclass(frozen=True)
class Region:
    """A square in a picture.

    Attributes:
        x, y (`float`): centre, pixels.
        size (`float`): length of a side, pixels.
        angle (`float`): radians that the square is turned clockwise; a person who stands upright has 0.
    """

    x: float
    y: float
    size: float
    angle: float

    def rotate(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors `(..., 2 or more)` along the square's own x and y -> along the picture's; other components stay."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        turned = np.array(vectors, dtype=np.float64)
        turned[..., 0] = cosine * vectors[..., 0] - sine * vectors[..., 1]
        turned[..., 1] = sine * vectors[..., 0] + cosine * vectors[..., 1]
        return turned

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Points `(n, 2)` with 0 to 1 across the square -> pixels of the picture."""
        return self.rotate((np.asarray(points, dtype=np.float64) - 0.5) * self.size) + (self.x, self.y)


def region_around(centre: np.ndarray, rim: np.ndarray) -> Region:
    """The region of a person from the middle of the hips and a point on the circle around the body, above the head."""
    offset = np.asarray(rim, dtype=np.float64) - centre
    angle = math.pi / 2 - math.atan2(-offset[1], offset[0])
    angle -= 2 * math.pi * math.floor((angle + math.pi) / (2 * math.pi))
    return Region(float(centre[0]), float(centre[1]), float(2 * np.hypot(*offset) * REGION_SCALE), angle)


def letterbox(image: np.ndarray, size: int) -> tuple[torch.Tensor, float, np.ndarray]:
    """A whole picture, as the detector wants it.

    Args:
        image: `(height, width, 3)` uint8.
        size: of the network's input.

    Returns:
        `(1, 3, size, size)` from -1 to 1, pixels of the picture for one of the network's, and where the picture begins in
        the network's input `(2,)`, x and y.
    """
    height, width = image.shape[:2]
    longer = max(height, width)
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float()
    inner = (max(1, round(height * size / longer)), max(1, round(width * size / longer)))
    pixels = F.interpolate(pixels, size=inner, mode="bilinear", align_corners=False, antialias=True)
    top, left = (size - inner[0]) // 2, (size - inner[1]) // 2
    pixels = F.pad(pixels, (left, size - inner[1] - left, top, size - inner[0] - top))
    return pixels / 127.5 - 1, longer / size, np.array([left, top], dtype=np.float64)


def crop_region(image: np.ndarray, region: Region, size: int) -> torch.Tensor:
    """A region of a picture as the landmarker wants it; black outside of the picture.

    Only the part of the picture around the region is converted; large regions are averaged down first, against aliasing.

    Args:
        image: `(height, width, 3)` uint8.
        size: of the network's input.

    Returns:
        `(1, 3, size, size)` from 0 to 1.
    """
    height, width = image.shape[:2]
    radius = region.size * math.sqrt(0.5) + 2
    left, right = max(0, int(region.x - radius)), min(width, int(region.x + radius) + 1)
    top, bottom = max(0, int(region.y - radius)), min(height, int(region.y + radius) + 1)
    if right - left < 2 or bottom - top < 2:
        return torch.zeros(1, 3, size, size)
    part = torch.from_numpy(np.ascontiguousarray(image[top:bottom, left:right])).permute(2, 0, 1)[None].float()
    block = min(max(1, int(region.size / size)), right - left, bottom - top)
    if block > 1:
        part = F.avg_pool2d(part, block)
    # In the units of affine_grid: -1 to 1 across `part`, whose last rest of a block is cut off.
    part_width, part_height = part.shape[3] * block, part.shape[2] * block
    cosine, sine = math.cos(region.angle) * region.size, math.sin(region.angle) * region.size
    rows = [
        [cosine / part_width, -sine / part_width, 2 * (region.x - left) / part_width - 1],
        [sine / part_height, cosine / part_height, 2 * (region.y - top) / part_height - 1],
    ]
    grid = F.affine_grid(torch.tensor([rows], dtype=torch.float32), [1, 3, size, size], align_corners=False)
    return F.grid_sample(part, grid, mode="bilinear", padding_mode="zeros", align_corners=False) / 255
