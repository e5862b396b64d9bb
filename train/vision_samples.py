"""Rendered pictures with what is in them, and what cameras, light and codecs do to them: what the vision tower learns from."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from tqdm.auto import tqdm

from llamo.processing.video_reading_llamo import iterate_frames
from llamo.train.filmed_motions import CRF, film_motion, long_enough
from llamo.train.questions.video_words import COLOURS, SIDES, THINGS
from llamo.train.rendering.backdrop import FLOORS
from llamo.train.rendering.effects import degrade, gaussian, random_degradation
from llamo.train.rendering.video_files import encode_video


# What is asked of a picture, and the answers it leaves open.
TASKS: dict[str, tuple[str, ...]] = {
    "thing": THINGS,
    "thing_colour": COLOURS,
    "thing_side": ("left", "right"),
    "shirt": COLOURS,
    "trousers": COLOURS,
    "side": SIDES,
    "people": ("1", "2", "3"),
    "floor": FLOORS,
}
IGNORE = -100  # what a picture does not tell
MIRRORED = {"side": {"left": "right", "right": "left"}, "thing_side": {"left": "right", "right": "left"}}
SCENES_OF_A_MOTION, FRAMES_OF_A_SCENE = 3, 4
CHUNK = 20  # motions that one process films at a time


@dataclass(frozen=True)
class Pictures:
    """Pictures `(num, size, size, 3)` uint8 and for each the answers to TASKS in their order, `(num, tasks)` int64."""

    frames: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)


def draw_pictures(num: int, seed: int, size: int, held_out: bool = False, workers: int = 1) -> Pictures:
    """At least `num` pictures, the same whatever the number of processes; held-out ones of other bodies and styles."""
    motions = -(-num // (SCENES_OF_A_MOTION * FRAMES_OF_A_SCENE))
    jobs = [(seed, start, min(CHUNK, motions - start), size, held_out) for start in range(0, motions, CHUNK)]
    pool = multiprocessing.get_context("spawn").Pool(workers) if workers > 1 else None
    try:
        found = []
        for made in tqdm(pool.imap(film_chunk, jobs) if pool else map(film_chunk, jobs), total=len(jobs), disable=None):
            found += made
    finally:
        if pool:
            pool.terminate()
    return Pictures(np.concatenate([each.frames for each in found]), np.concatenate([each.labels for each in found]))


def film_chunk(job: tuple[int, int, int, int, bool]) -> list[Pictures]:
    seed, start, num, size, held_out = job
    rng = np.random.default_rng([seed, start, int(held_out)])
    return [scene for _ in range(num) for scene in film_motions(rng, size, held_out)]


def film_motions(rng: np.random.Generator, size: int, held_out: bool) -> list[Pictures]:
    """Some scenes around one motion, half of them as a codec left them."""
    motion, found = long_enough(rng, held_out), []
    for _ in range(SCENES_OF_A_MOTION):
        film = film_motion(motion.joints, rng, size, held_out=held_out, most_frames=FRAMES_OF_A_SCENE)
        frames = film.frames
        if held_out or rng.random() < 0.5:
            frames = degrade(frames, rng, **random_degradation(rng))
            video = encode_video(frames, film.fps, int(rng.integers(*CRF)))
            frames = np.stack([frame.image for frame in iterate_frames({"bytes": video}, threads=1)])
        found.append(Pictures(frames, np.repeat(labels_of(film.truth)[None], len(frames), axis=0)))
    return found


def labels_of(truth: dict) -> np.ndarray:
    """The answers to TASKS of one scene, `(tasks,)`; IGNORE where the pictures do not tell."""
    thing = truth["things"][0] if truth["things"] else None
    said = {
        "thing": thing["name"] if thing else "nothing",
        "thing_colour": thing["colour"] if thing else None,
        "people": str(truth["people"]),
        **{name: truth[name] for name in ("thing_side", "shirt", "trousers", "side", "floor")},
    }
    return np.array([IGNORE if said[name] is None else answers.index(said[name]) for name, answers in TASKS.items()])


# Augmentation


def augment(frames: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures `(num, size, size, 3)` uint8 with labels `(num, tasks)` as another camera would have taken them.

    Mirrored half of the time (with left and right in the labels), moved, scaled, in another light, blurred, noisy.

    Returns:
        pictures `(num, 3, size, size)` float from 0 to 1, and their labels.
    """
    images = frames.permute(0, 3, 1, 2).float() / 255
    num = len(images)

    def draw(*shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        return torch.rand(*shape, generator=generator) * (high - low) + low

    flip = draw(num) < 0.5
    zoom = draw(num, low=0.85, high=1.1)
    turn = torch.zeros(num, 2, 3)
    turn[:, 0, 0], turn[:, 1, 1] = torch.where(flip, -zoom, zoom), zoom
    turn[:, :, 2] = draw(num, 2, low=-0.1, high=0.1)
    grid = F.affine_grid(turn, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)

    blurred = draw(num) < 0.3
    if blurred.any():
        images[blurred] = gaussian(images[blurred], float(draw(1, low=0.3, high=1.3)))
    light = draw(num, 1, 1, 1, low=0.6, high=1.3) * draw(num, 3, 1, 1, low=0.94, high=1.06)  # and its tint
    contrast, mean = draw(num, 1, 1, 1, low=0.75, high=1.2), images.mean((1, 2, 3), keepdim=True)
    images = ((images - mean) * contrast + mean) * light
    noise = draw(num, 1, 1, 1, high=0.06) * (draw(num, 1, 1, 1) < 0.6)
    images = images + torch.randn(num, 1, *images.shape[2:], generator=generator) * noise
    return images.clamp(0, 1), torch.where(flip[:, None], mirror(labels), labels)


def mirror(labels: torch.Tensor) -> torch.Tensor:
    """The labels `(num, tasks)` of mirrored pictures."""
    mirrored = labels.clone()
    for place, (name, answers) in enumerate(TASKS.items()):
        other = torch.tensor([answers.index(MIRRORED.get(name, {}).get(answer, answer)) for answer in answers])
        known = labels[:, place] >= 0
        mirrored[known, place] = other[labels[known, place]]
    return mirrored


def shares(labels: np.ndarray, names: Sequence[str] = tuple(TASKS)) -> dict[str, tuple[float, float]]:
    """For each task the chance of a guess, and that of always saying what is commonest."""
    found = {}
    for place, name in enumerate(names):
        known = labels[labels[:, place] >= 0, place]
        commonest = np.bincount(known).max() / len(known) if len(known) else 0.0
        found[name] = (1 / len(TASKS[name]), float(commonest))
    return found


def total_loss(scores: list[torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
    """Sum over the tasks of the mean cross-entropy of the pictures that tell them; labels `(num, tasks)`."""
    losses = [
        F.cross_entropy(each.float(), labels[:, place], ignore_index=IGNORE, reduction="sum")
        / (labels[:, place] != IGNORE).sum().clamp(min=1)
        for place, each in enumerate(scores)
    ]
    return torch.stack(losses).sum()
