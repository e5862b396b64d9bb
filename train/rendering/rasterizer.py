"""Capsules and blocks -> pictures, by a depth buffer over whole rectangles of pixels; torch alone, on any CPU.

A capsule's picture is that of the spheres along its axis: at every pixel the nearest point of the projected axis is found, and
the sphere there gives depth and normal. Blocks are cut out of rays exactly (slabs; for discs a slab and a cylinder).
"""

import numpy as np
import torch

from llamo.train.rendering.shapes import Block, Capsules


NEAR = 0.08  # m; what is nearer to the lens is not drawn
FAR = 1e6
ONE = torch.ones(())


class Canvas:
    """Depth, shade and which shape is in front, for some frames.

    Args:
        rotations: `(n, 3, 3)` world to camera (x right, y down, z forward); eyes: `(n, 3)` metres.
        focal: pixels; size: height and width.
        light: unit vector `(3,)` to the light, world; ambient: share of light from everywhere.
    """

    def __init__(self, rotations, eyes, focal: float, size: tuple[int, int], light, ambient: float):
        self.rotations, self.eyes = as_tensor(rotations), as_tensor(eyes)
        self.focal, self.size = focal, size
        self.light = self.rotations @ as_tensor(light)  # (n, 3)
        self.ambient = ambient
        height, width = size
        self.x = (torch.arange(width, dtype=torch.float32) + 0.5 - width / 2) / focal
        self.y = (torch.arange(height, dtype=torch.float32) + 0.5 - height / 2) / focal
        shape = (len(self.eyes), height, width)
        self.depth = torch.full(shape, FAR)
        self.shade = torch.zeros(shape)
        self.index = torch.full(shape, -1, dtype=torch.int16)
        self.colours: list = []

    def to_camera(self, points) -> torch.Tensor:
        """`(n, num, 3)` world -> camera, metres."""
        return (as_tensor(points) - self.eyes[:, None]) @ self.rotations.transpose(1, 2)

    def rays(self) -> torch.Tensor:
        """Directions of all pixels in the world, `(3, n, height, width)`."""
        rays = torch.empty(3, *self.depth.shape)
        for axis in range(3):
            right, down, forward = (self.rotations[:, row, axis, None, None] for row in range(3))
            torch.add(self.x * right, self.y[:, None] * down + forward, out=rays[axis])
        return rays

    def rectangles(self, points: torch.Tensor, radii: torch.Tensor) -> list[tuple[slice, slice] | None]:
        """For each of `num` things, the rows and columns that hold it in all frames; None where it is not seen.

        Args:
            points: `(count, num, 3)` in the camera's axes: all points of each thing; radii: `(num,)` metres around them.
        """
        depth = points[..., 2]
        # A sphere's outline is a little larger than its radius over its depth.
        reach = radii / (depth - radii).clamp(min=NEAR)
        limits = []
        for axis, pixels in ((1, self.size[0]), (0, self.size[1])):
            place = points[..., axis] / depth
            reach_here = reach * (1 + place.abs())
            first = ((place - reach_here).amin(0) * self.focal + pixels / 2).floor().clamp(0, pixels)
            last = ((place + reach_here).amax(0) * self.focal + pixels / 2).ceil().clamp(0, pixels)
            limits += [first.int().tolist(), last.int().tolist()]
        hidden, around = (depth.amax(0) < NEAR).tolist(), (depth.amin(0) < radii + 2 * NEAR).tolist()
        areas: list[tuple[slice, slice] | None] = []
        for number, (top, bottom, left, right) in enumerate(zip(*limits, strict=True)):
            if around[number] and not hidden[number]:  # around the lens: anywhere
                areas.append((slice(0, self.size[0]), slice(0, self.size[1])))
            else:
                seen = top < bottom and left < right and not hidden[number]
                areas.append((slice(top, bottom), slice(left, right)) if seen else None)
        return areas

    def draw_capsules(self, capsules: Capsules, frames: slice) -> None:
        """All capsules in some frames."""
        starts, ends = self.to_camera(capsules.starts[frames]), self.to_camera(capsules.ends[frames])
        start_radii, end_radii = as_tensor(capsules.start_radii), as_tensor(capsules.end_radii)
        areas = self.rectangles(torch.cat([starts, ends]), torch.maximum(start_radii, end_radii))
        start_z, end_z = starts[..., 2].clamp(min=NEAR), ends[..., 2].clamp(min=NEAR)
        ax, ay = starts[..., 0] / start_z, starts[..., 1] / start_z
        ux, uy = ends[..., 0] / end_z - ax, ends[..., 1] / end_z - ay
        length = ux * ux + uy * uy + 1e-10
        # Depth is linear along the axis in space, its inverse in the picture; so is the share of the way in space over depth.
        values = [ax, ay, ux, uy, ux / length, uy / length, 1 / end_z - 1 / start_z, 1 / start_z]
        values += [(end_radii - start_radii) / end_z]
        values = torch.stack(values)[..., None, None].transpose(1, 2).contiguous()  # (9, num, n, 1, 1)
        for number, area in enumerate(areas):
            if area is not None:
                radius = float(start_radii[number]), float(end_radii[number])
                self.draw_capsule(values[:, number], area, *radius, capsules.colours[number])

    def draw_capsule(self, values: torch.Tensor, area, start_radius: float, end_radius: float, colour) -> None:
        """One capsule: what `draw_capsules` has found out of it, and where."""
        rows, columns = area
        ax, ay, ux, uy, share_x, share_y, depth_slope, depth_start, radius_slope = values
        # Pixels against the start of the projected axis, and the nearest point of that axis, as a share of it.
        dx, dy = self.x[columns] - ax, self.y[rows, None] - ay
        share = (dx * share_x + dy * share_y).clamp_(0, 1)
        depth = torch.addcmul(depth_start, share, depth_slope).reciprocal_()
        if start_radius == end_radius:
            radius = start_radius
        else:
            radius = (share * depth).mul_(radius_slope).add_(start_radius)
        scale = depth / radius
        nx = torch.addcmul(dx, share, ux, value=-1).mul_(scale)
        ny = torch.addcmul(dy, share, uy, value=-1).mul_(scale)
        towards = torch.addcmul(torch.addcmul(ONE, nx, nx, value=-1), ny, ny, value=-1)
        inside = towards > 0
        towards.clamp_(min=0).sqrt_()
        front = depth.sub_(towards * radius)
        wins = inside.logical_and_(front < self.depth[:, rows, columns])
        wins.logical_and_(front > NEAR)
        lx, ly, lz = self.light.T[..., None, None]
        shade = (nx * lx).addcmul_(ny, ly).addcmul_(towards, lz, value=-1).clamp_(min=0)
        shade.mul_(1 - self.ambient).add_(self.ambient).mul_(towards.mul_(0.25).add_(0.75))
        self.put(rows, columns, wins, front, shade, colour)

    def draw_block(self, block: Block, frames: slice) -> None:
        """A box or a disc."""
        centre = self.to_camera(block.centres[frames][:, None])[:, 0]
        axes = as_tensor(block.axes[frames]) @ self.rotations.transpose(1, 2)  # (n, 3, 3): own axes in camera axes
        half = torch.tensor(block.half, dtype=torch.float32)
        reach = float(half.norm())
        (area,) = self.rectangles(centre[:, None], torch.tensor([reach]))
        if area is None:
            return
        rows, columns = area
        x, y = self.x[columns][None, None], self.y[rows][None, :, None]
        origin = -(axes @ centre[..., None])[..., 0]  # (n, 3): the eye, in the block's own axes
        enter, leave = None, None
        normal_light = None
        way = [axes[:, k, 0, None, None] * x + axes[:, k, 1, None, None] * y + axes[:, k, 2, None, None] for k in range(3)]
        for k in range(1 if block.is_round else 3):
            slope = torch.where(way[k].abs() < 1e-6, torch.full_like(way[k], 1e-6), way[k])
            middle, width = -origin[:, k, None, None] / slope, (half[k] / slope).abs()
            near, far = middle - width, middle + width
            # The side that is entered faces the viewer along this axis.
            light = -torch.sign(slope) * (axes[:, k] * self.light).sum(-1)[:, None, None]
            if enter is None:
                enter, leave, normal_light = near, far, light
            else:
                later = near > enter
                normal_light = torch.where(later, light, normal_light)
                enter, leave = torch.maximum(enter, near), torch.minimum(leave, far)
        if block.is_round:
            u, v = way[1], way[2]
            ou, ov = origin[:, 1, None, None], origin[:, 2, None, None]
            a, b = u * u + v * v + 1e-12, ou * u + ov * v
            root = b * b - a * (ou * ou + ov * ov - float(half[1]) ** 2)
            missed = root < 0
            root = root.clamp(min=0).sqrt_()
            near, far = (-b - root) / a, (-b + root) / a
            later = near > enter
            nu, nv = (ou + near * u) / float(half[1]), (ov + near * v) / float(half[1])
            side = nu * (axes[:, 1] * self.light).sum(-1)[:, None, None] + nv * (axes[:, 2] * self.light).sum(-1)[:, None, None]
            normal_light = torch.where(later, side, normal_light)
            enter, leave = torch.maximum(enter, near), torch.minimum(leave, far)
            leave = torch.where(missed, torch.full_like(leave, -FAR), leave)
        wins = (enter < leave) & (enter > NEAR) & (enter < self.depth[:, rows, columns])
        shade = normal_light.clamp(min=0) * (1 - self.ambient) + self.ambient
        self.put(rows, columns, wins, enter, shade, block.colour)

    def put(self, rows: slice, columns: slice, wins, depth, shade, colour) -> None:
        """Keeps what is nearer than everything so far."""
        for buffer, values in ((self.depth, depth), (self.shade, shade)):
            view = buffer[:, rows, columns]
            view.copy_(torch.where(wins, values, view))
        self.index[:, rows, columns].masked_fill_(wins, len(self.colours))
        self.colours.append(colour)

    def picture(self, background: torch.Tensor, light: torch.Tensor) -> np.ndarray:
        """`(n, height, width, 3)` uint8: everything drawn over a background.

        Args:
            background: `(3, n or 1, height, width)` from 0 to 1; light: factor on it, `(n, height, width)`.
        """
        image = torch.empty(*self.depth.shape, 3, dtype=torch.uint8)
        for channel in range(3):
            image[..., channel] = background[channel] * light * 255
        if self.colours:
            drawn = self.index >= 0
            colours = as_tensor(np.array(self.colours))[self.index[drawn].long()] * self.shade[drawn][:, None]
            image[drawn] = colours.clamp_(0, 1).mul_(255).to(torch.uint8)
        return image.numpy()


def as_tensor(values) -> torch.Tensor:
    return torch.as_tensor(np.asarray(values), dtype=torch.float32)
