"""Where a scene takes place: a floor with a pattern, walls or a sky with things on them, and light."""

from dataclasses import dataclass

import numpy as np
import torch

from llamo.train.rendering.rasterizer import Canvas


FLOORS = ("plain", "tiles", "planks", "grass")
DARKEST = 0.5  # of the floor under a person


@dataclass(frozen=True)
class Backdrop:
    """A place.

    Attributes:
        floor, wall, upper: colours `(3,)` of the floor, and of walls or sky at and high above the horizon.
        pattern: one of FLOORS.
        contrast: of the floor's pattern.
        period: metres of the floor's pattern.
        haze: metres after which the floor takes the colour of the wall.
        panels: `(num_panels, 7)`: middle and half width in radians around the viewer, lower and upper edge as slope
            above the horizon, colour.
        light: unit vector `(3,)` to the light, world.
        ambient: share of light that comes from everywhere.
    """

    floor: np.ndarray
    wall: np.ndarray
    upper: np.ndarray
    pattern: str
    contrast: float
    period: float
    haze: float
    panels: np.ndarray
    light: np.ndarray
    ambient: float


def random_backdrop(generator: np.random.Generator) -> Backdrop:
    """Bare rooms, halls, fields and streets, bright and dim."""
    count = int(generator.integers(0, 7))
    panels = np.zeros((count, 7))
    panels[:, 0] = generator.uniform(-np.pi, np.pi, count)
    panels[:, 1] = generator.uniform(0.03, 0.35, count)
    panels[:, 2] = generator.uniform(-0.15, 0.1, count)
    panels[:, 3] = panels[:, 2] + generator.uniform(0.1, 0.6, count)
    panels[:, 4:] = generator.uniform(0.05, 0.95, (count, 3))
    grey = generator.uniform(0.25, 0.9)
    wall = np.clip(grey + generator.uniform(-0.2, 0.2, 3), 0.05, 1.0)
    light = np.array([generator.uniform(-1, 1), generator.uniform(0.5, 1.5), generator.uniform(-1, 1)])
    return Backdrop(
        floor=np.clip(generator.uniform(0.2, 0.85) + generator.uniform(-0.15, 0.15, 3), 0.03, 1.0),
        wall=wall,
        upper=np.clip(wall + generator.uniform(-0.25, 0.25, 3), 0.03, 1.0),
        pattern=str(generator.choice(FLOORS)),
        contrast=float(generator.uniform(0.03, 0.16)),
        period=float(generator.uniform(0.3, 1.2)),
        haze=float(generator.uniform(6, 25)),
        panels=panels,
        light=light / np.linalg.norm(light),
        ambient=float(generator.uniform(0.35, 0.6)),
    )


def draw_backdrop(place: Backdrop, rays: torch.Tensor, eyes: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The picture without anybody in it.

    Args:
        rays: `(3, n, height, width)` directions in the world, of any length.
        eyes: `(n, 3)` metres.

    Returns:
        colours `(3, n, height, width)` from 0 to 1, the floor's points x and z `(n, height, width)` in metres, and whether
        the floor is seen `(n, height, width)`.
    """
    x, y, z = rays
    eye_x, eye_y, eye_z = (eyes[:, axis, None, None] for axis in range(3))
    is_floor = y < -1e-3
    distance = eye_y / (-y).clamp_(min=1e-3)
    floor_x, floor_z = torch.addcmul(eye_x, distance, x), torch.addcmul(eye_z, distance, z)
    haze = (distance * (-1.0 / place.haze)).exp_()
    lit = haze if place.pattern == "plain" else haze * (1 + floor_pattern(place, floor_x, floor_z))
    across = (x * x).addcmul_(z, z).sqrt_().clamp_(min=1e-4)
    slope = y / across
    rise = slope.clamp(0, 1)
    colours = torch.empty_like(rays)
    for channel in range(3):
        floor, wall, upper = (float(colour[channel]) for colour in (place.floor, place.wall, place.upper))
        ground = torch.add(lit * floor, haze, alpha=-wall).add_(wall)
        torch.where(is_floor, ground, rise * (upper - wall) + wall, out=colours[channel])
    for middle, half, low, high, *colour in place.panels.tolist():
        # Between two vertical planes through the eye, half a turn apart at most.
        first, last = middle - half, middle + half
        inside = (x * np.cos(first) - z * np.sin(first) > 0) & (x * np.cos(last) - z * np.sin(last) < 0)
        inside &= (slope > low) & (slope < high) & ~is_floor
        for channel in range(3):
            colours[channel].masked_fill_(inside, colour[channel])
    return colours.clamp_(0, 1), floor_x, floor_z, is_floor


def floor_pattern(place: Backdrop, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Lighter and darker, `(n, height, width)` around 0."""
    if place.pattern == "plain":
        return torch.zeros_like(x)
    x, z = x / place.period, z / place.period
    if place.pattern == "tiles":
        return (torch.remainder(torch.floor(x) + torch.floor(z), 2) - 0.5) * (2 * place.contrast)
    if place.pattern == "planks":
        return (torch.remainder(torch.floor(3 * x), 3) - 1) * place.contrast
    return torch.sin(9 * x + 3 * torch.sin(7 * z)) * torch.sin(8 * z + 2 * torch.sin(5 * x)) * place.contrast


def cast_shadows(canvas: Canvas, floor_x: torch.Tensor, floor_z: torch.Tensor, is_floor, spots: np.ndarray) -> torch.Tensor:
    """How light the floor is under bodies and feet, softly, `(n, height, width)` from DARKEST to 1.

    Args:
        spots: `(n, num_spots, 4)`: x, z, radius in metres, and how dark.
    """
    light = torch.ones_like(canvas.depth)
    centres = np.stack([spots[..., 0], np.zeros(spots.shape[:2]), spots[..., 1]], axis=-1)
    areas = canvas.rectangles(canvas.to_camera(centres), torch.tensor(spots[..., 2].max(0), dtype=torch.float32))
    values = torch.tensor(spots, dtype=torch.float32)[..., None, None]
    for number, area in enumerate(areas):
        if area is None:
            continue
        x, z, radius, dark = values[:, number].unbind(1)
        rows, columns = area
        squared = (floor_x[:, rows, columns] - x).square_()
        squared = squared.addcmul_(*[floor_z[:, rows, columns] - z] * 2).div_(-radius * radius)
        light[:, rows, columns] *= 1 - squared.add_(1).clamp_(min=0).square_().mul_(dark)
    return light.clamp_(min=DARKEST).masked_fill_(~is_floor, 1.0)
