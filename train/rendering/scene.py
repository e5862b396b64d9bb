"""Random people in random places before random cameras, as frames, with the truth about all of it.

from llamo.train.rendering.scene import random_scene, render
scene = random_scene(joints, np.random.default_rng(0), size=(112, 112), camera="static", held="ball")
frames = render(scene)             # (num_frames, 112, 112, 3) uint8
scene.truth()                      # camera, side, clothes, things, people
scene.camera.project(joints)       # where the joints are in the frames
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from llamo.train.rendering.backdrop import Backdrop, cast_shadows, draw_backdrop, random_backdrop
from llamo.train.rendering.camera import KINDS, Camera, random_camera
from llamo.train.rendering.person import Look, person_capsules, random_look
from llamo.train.rendering.rasterizer import Canvas
from llamo.train.rendering.shapes import Shapes
from llamo.train.rendering.things import THINGS, make_thing


CHUNK = 16  # frames drawn at once


@dataclass(frozen=True)
class Scene:
    """All of what is filmed.

    Attributes:
        people: `(num_frames, 22, 3)` joints in metres for each, Y up, floor at 0; the first one is the subject.
        looks: of the same people.
        shapes: people and things, as they are drawn.
        things: truth about each thing, as `make_thing` gives it, with `"of"`, the number of its person.
        camera, place: where from, and where.
        fps: frames per second of the joints and the frames.
    """

    people: list[np.ndarray]
    looks: list[Look]
    shapes: list[Shapes]
    things: list[dict]
    camera: Camera
    place: Backdrop
    fps: float

    def truth(self) -> dict:
        """What can be asked about the picture: `camera`, `side`, `people`, `shirt`, `trousers`, `sleeves`, `shorts`,
        `things`."""
        subject = self.looks[0]
        things = [{name: value for name, value in thing.items() if name != "centres"} for thing in self.things]
        return {
            "camera": self.camera.kind,
            "side": self.camera.side,
            "people": len(self.people),
            "shirt": subject.shirt,
            "trousers": subject.trousers,
            "sleeves": subject.sleeves,
            "shorts": subject.wears_shorts,
            "things": things,
        }


def random_scene(
    people,
    generator: np.random.Generator,
    size: tuple[int, int] = (112, 112),
    camera: str | Camera | None = None,
    held: str | None = None,
    fps: float = 20.0,
    yaw: float | None = None,
    fov: float | None = None,
) -> Scene:
    """A scene around given motion; everything else is random.

    Args:
        people: `(num_frames, 22, 3)` joints in metres, Y up, floor at 0; or a list of them, of equal length, in one world.
        size: height and width of the frames in pixels.
        camera: one of KINDS, or a camera; by default a random kind.
        held: one of THINGS, for the first person; by default nothing.
        yaw, fov: as in `random_camera`.

    Raises:
        ValueError: joints of another shape or unequal length, or an unknown kind or thing.
    """
    people = [people] if isinstance(people, np.ndarray) else list(people)
    people = [np.asarray(joints, dtype=np.float64) for joints in people]
    for joints in people:
        if joints.ndim != 3 or joints.shape[1:] != (22, 3) or len(joints) != len(people[0]) or len(joints) == 0:
            shapes = ", ".join(str(each.shape) for each in people)
            raise ValueError(
                f"Expected joints (num_frames, 22, 3) of equal length for everybody, got {shapes}. Cut them first."
            )
    if not isinstance(camera, Camera):
        kind = str(generator.choice(KINDS, p=[0.5, 0.2, 0.12, 0.1, 0.08])) if camera is None else camera
        camera = random_camera(np.concatenate(people, axis=1), generator, size, kind, fps, yaw, fov)
    looks = [random_look(generator) for _ in people]
    shapes = [Shapes(person_capsules(joints, look)) for joints, look in zip(people, looks, strict=True)]
    things = []
    if held is not None:
        thing, truth = make_thing(held, people[0], generator)
        shapes.append(thing)
        things.append({**truth, "of": 0})
    return Scene(people, looks, shapes, things, camera, random_backdrop(generator), float(fps))


def beside(joints: np.ndarray, other: np.ndarray, generator: np.random.Generator, gap: float = 0.8) -> np.ndarray:
    """Another person's motion, moved and turned so that the two never meet; of the length of `joints`.

    Args:
        joints, other: `(num_frames, 22, 3)` metres, Y up; a shorter `other` stays in its last pose.
        gap: metres between the two at the least.
    """
    other = np.asarray(other, dtype=np.float64)[np.minimum(np.arange(len(joints)), len(other) - 1)]
    turn = generator.uniform(-np.pi, np.pi)
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    middles, radii = [], []
    for each in (np.asarray(joints, dtype=np.float64), other):
        ground = each[..., [0, 2]].reshape(-1, 2)
        middles.append((ground.min(0) + ground.max(0)) / 2)
        radii.append(np.linalg.norm(ground - middles[-1], axis=-1).max())
    local = (other - np.array([middles[1][0], 0, middles[1][1]])) @ rotation.T
    way, distance = generator.uniform(-np.pi, np.pi), sum(radii) + gap
    return local + np.array([middles[0][0] + distance * np.sin(way), 0, middles[0][1] + distance * np.cos(way)])


def render_chunks(scene: Scene, first: int = 0, last: int | None = None, chunk: int = CHUNK) -> Iterator[np.ndarray]:
    """Frames from `first` to before `last`, some at a time, `(n, height, width, 3)` uint8; only these are in memory."""
    for images, _ in drawn_chunks(scene, first, last, chunk):
        yield images


def render(scene: Scene, first: int = 0, last: int | None = None) -> np.ndarray:
    """All frames `(num_frames, height, width, 3)` uint8."""
    return np.concatenate(list(render_chunks(scene, first, last)))


def render_with_shares(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """As `render`, and the share of each picture that things cover, `(num_frames,)`: what is behind somebody does not count."""
    images, shares = zip(*drawn_chunks(scene), strict=True)
    return np.concatenate(images), np.concatenate(shares)


def drawn_chunks(
    scene: Scene, first: int = 0, last: int | None = None, chunk: int = CHUNK
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Some frames at a time, with the share of each that things cover."""
    count = len(scene.people[0]) if last is None else min(last, len(scene.people[0]))
    background = None
    for start in range(first, count, chunk):
        frames = slice(start, min(start + chunk, count))
        with torch.inference_mode():
            images, shares, background = draw(scene, frames, background)
        yield images, shares


def draw(scene: Scene, frames: slice, background: tuple | None) -> tuple[np.ndarray, np.ndarray, tuple | None]:
    """Some frames, and the share of each that things cover; the empty place is drawn once for a camera that stands still."""
    camera, place = scene.camera, scene.place
    rotations, eyes = camera.rotations[frames], camera.eyes[frames]
    canvas = Canvas(rotations, eyes, camera.focal, camera.size, place.light, place.ambient)
    is_static = camera.is_static
    if background is None or not is_static:
        rays = canvas.rays()
        background = (
            draw_backdrop(place, rays[:, :1], canvas.eyes[:1]) if is_static else draw_backdrop(place, rays, canvas.eyes)
        )
    first_of_things = None
    for number, shapes in enumerate(scene.shapes):  # people first
        if number == len(scene.people):
            first_of_things = len(canvas.colours)
        if shapes.capsules is not None:
            canvas.draw_capsules(shapes.capsules, frames)
        for block in shapes.blocks:
            canvas.draw_block(block, frames)
    spots = np.concatenate([shadow_spots(joints[frames]) for joints in scene.people], axis=1)
    colours, *floor = background
    shares = np.zeros(len(eyes))
    if first_of_things is not None:
        shares = (canvas.index >= first_of_things).flatten(1).float().mean(1).numpy()
    return canvas.picture(colours, cast_shadows(canvas, *floor, spots)), shares, background


def shadow_spots(joints: np.ndarray) -> np.ndarray:
    """Under body and feet, `(num_frames, 3, 4)`: x, z, radius in metres and darkness, weaker the higher they are."""
    points = np.stack([joints[:, 0], joints[:, [7, 10]].mean(1), joints[:, [8, 11]].mean(1)], axis=1)
    radius = np.array([0.55, 0.22, 0.22]) + np.clip(points[..., 1], 0, 2) * 0.15
    darkness = np.array([0.4, 0.45, 0.45]) * np.exp(-np.clip(points[..., 1], 0, 3))
    return np.stack([points[..., 0], points[..., 2], radius, darkness], axis=-1)


__all__ = ["KINDS", "THINGS", "Scene", "beside", "random_scene", "render", "render_chunks", "render_with_shares"]
