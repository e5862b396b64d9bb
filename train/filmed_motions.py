"""Motions with a rendered video of them and questions that need the motion, the video, or both.

Such a row has one of three forms: the motion with a video of the same take, which may start later, be shorter, or run by a
clock that is a little off; a video alone, whose motion the Motion Estimator would give; or the motion alone, where what only a
video tells is asked all the same. A video alone is stored as what the processor makes of it, an estimated motion beside the
video that starts before it, so that nothing has to be estimated while training.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch

from llamo.processing.motion_features_llamo import canonicalise
from llamo.train.asked_motions import program_of, record
from llamo.train.augmentation import FPS
from llamo.train.estimator_noise import as_estimated
from llamo.train.questions.program_questions import ProgramTruth, ask_program
from llamo.train.questions.question import Question
from llamo.train.questions.video_questions import ask_unseen, ask_video
from llamo.train.questions.video_words import THINGS
from llamo.train.rendering.camera import UP, Camera, side_seen
from llamo.train.rendering.effects import degrade, random_degradation
from llamo.train.rendering.scene import Scene, beside, random_scene, render, render_with_shares
from llamo.train.rendering.video_files import encode_video
from llamo.train.synthesis.engine import SyntheticMotion, synthesize


FORMS = {"both": 0.5, "video": 0.3, "motion": 0.2}  # and their shares
# The model looks at eight frames of a video: more than these would only cost time.
MOST_FRAMES, SHORTEST_STEP = 24, 4  # of a video; frames of the motion from one of the video to the next
SHORTEST = 30  # frames of a motion; a shorter one is drawn again
PEOPLE = (0.65, 0.25, 0.1)  # shares of scenes with one, two and three
ALL_IN_VIEW = ("static", "low")  # kinds of camera that show everybody
NEARLY_ALL = ("static", "static", "panning", "low", "close")  # kinds that may stand on any side
SHARE_OF_SIDES = 0.5  # of cameras that stand near the middle of a side
CLEAR_TURN = np.radians(33)  # from straight ahead, or from a side, within which a view has one name
FEWEST_PIXELS = 0.0012  # share of the picture that a thing has to cover, to be there at all
SMALLEST_PERSON = 0.25  # of the picture's height
CRF = (22, 38)  # of the encoder, from good to bad
MOST_BYTES = 40_000  # of a video


@dataclass(frozen=True)
class Film:
    """A video of a motion.

    Attributes:
        frames: `(num_frames, size, size, 3)` uint8.
        fps: of the frames.
        truth: what `ask_video` takes.
        start: seconds on the motion's clock of the first frame.
    """

    frames: np.ndarray
    fps: float
    truth: dict
    start: float


@dataclass(frozen=True)
class FilmedMotion:
    """A row's motion with its video and questions.

    Args:
        joints: `(num_frames, 22, 3)` float32, metres, canonical, 20 fps: given, or as estimated from the video.
        questions: in no particular order.
        program: as in `AskedMotion`, with `form` and, of what was filmed, `scene`.
        video: bytes of an mp4 file; None where there is none.
        offset_s: when the video starts on the motion's clock, as the row says.
    """

    joints: np.ndarray
    questions: list[Question]
    program: dict
    video: bytes | None
    offset_s: float
    source: str = "procedural with video"


def draw_filmed(rng: np.random.Generator, size: int, num: int = 5, held_out: bool = False) -> FilmedMotion:
    """A procedural motion in one of the FORMS, with about as many questions about the motion as about the video.

    Args:
        rng: source of every choice.
        size: pixels of a side of the video.
        num: questions at most.
        held_out: bodies, styles and phrasings that training never sees.
    """
    motion = long_enough(rng, held_out)
    form = str(rng.choice(list(FORMS), p=list(FORMS.values())))
    program = {**program_of(motion), "form": form}
    asked = ask_program(motion, rng, num // 2, held_out=held_out)
    if form == "motion":
        questions = asked + ask_unseen(rng, 1, held_out=held_out)
        return FilmedMotion(record(motion.joints, rng), questions, program, None, 0.0)
    whole = form == "video" or rng.random() < 0.5
    film = film_motion(motion.joints, rng, size, span=None if whole else part_of_it(len(motion.joints), rng), held_out=held_out)
    # What is not told by a motion may be told by a video.
    asked = [question for question in asked if question.kind != "unanswerable"]
    questions = asked + ask_video(film.truth, rng, num - num // 2, held_out=held_out, **single_action(motion))
    video = encoded(degrade(film.frames, rng, **random_degradation(rng)), film.fps, int(rng.integers(*CRF)))
    program["scene"] = film.truth
    if form == "video":
        lead = int(rng.integers(0, 8))  # the person is found some frames into the video
        joints = canonicalise(as_estimated(motion.joints[lead:].astype(np.float64), rng, FPS), FPS).astype(np.float32)
        return FilmedMotion(joints, questions, program, video, -lead / FPS)
    clock = rng.uniform(-0.3, 0.3) if rng.random() < 0.3 else 0.0
    return FilmedMotion(record(motion.joints, rng), questions, program, video, round(film.start + clock, 3))


def encoded(frames: np.ndarray, fps: float, crf: int, most_bytes: int | None = MOST_BYTES) -> bytes:
    """An mp4 file of at most `most_bytes`; noise makes large files, so that it is coded worse until it fits."""
    video = encode_video(frames, fps, crf)
    while most_bytes is not None and len(video) > most_bytes and crf < 51:
        crf = min(crf + 4, 51)
        video = encode_video(frames, fps, crf)
    return video


def long_enough(rng: np.random.Generator, held_out: bool) -> SyntheticMotion:
    while True:
        motion = synthesize(rng, held_out=held_out)
        if len(motion.joints) >= SHORTEST:
            return motion


def part_of_it(frames: int, rng: np.random.Generator) -> tuple[int, int]:
    """First frame and the one behind the last of a video that does not show all of a motion."""
    width = int(rng.integers(max(SHORTEST // 2, int(0.4 * frames)), frames + 1))
    start = int(rng.integers(frames - width + 1))
    return start, start + width


def single_action(motion: SyntheticMotion) -> dict:
    """What `ask_video` takes of the motion: its only action, and how often it is done."""
    truth = ProgramTruth(motion)
    if truth.several:
        return {}
    return {"action_key": truth.keys[0], "count": truth.total(truth.runs[0])}


# Filming


def film_motion(
    joints: np.ndarray,
    rng: np.random.Generator,
    size: int,
    span: tuple[int, int] | None = None,
    held_out: bool = False,
    most_frames: int = MOST_FRAMES,
    shortest_step: int = SHORTEST_STEP,
) -> Film:
    """A random scene around a motion, filmed, with what can be told from the picture.

    Args:
        joints: `(num_frames, 22, 3)` metres at 20 fps, floor at 0.
        size: pixels of a side.
        span: first frame and the one behind the last of what is filmed; by default everything.
        held_out: other people in the scene move as training never sees them.
        most_frames, shortest_step: of the video, and frames of the motion from one of the video to the next.
    """
    start, stop = span or (0, len(joints))
    step = max(shortest_step, -(-(stop - start) // most_frames))
    people = [joints[start:stop:step].astype(np.float64)]
    for _ in range(int(rng.choice(len(PEOPLE), p=PEOPLE))):
        other = synthesize(rng, held_out=held_out).joints[::step]
        people.append(beside(np.concatenate(people, axis=1), other, rng))
    kind, yaw = None if len(people) == 1 else str(rng.choice(ALL_IN_VIEW)), None
    if kind is None and rng.random() < SHARE_OF_SIDES:  # a view that has a name
        kind, yaw = str(rng.choice(NEARLY_ALL)), int(rng.integers(4)) * np.pi / 2 + rng.uniform(-0.5, 0.5)
    name = str(rng.choice(THINGS))
    options = {"size": (size, size), "held": None if name == "nothing" else name, "fps": FPS / step}
    with one_thread():
        scene = random_scene(people, rng, camera=kind, yaw=yaw, **options)
        if height_seen(scene) < SMALLEST_PERSON:  # far away, because all of the way has to be in the picture
            scene = random_scene(people[:1], rng, camera="panning", **options)
        frames, shares = render_with_shares(scene)
        if scene.things and np.median(shares) < FEWEST_PIXELS:  # out of the picture, or behind somebody
            scene = replace(scene, shapes=scene.shapes[: len(scene.people)], things=[])
            frames = render(scene)
    return Film(frames, FPS / step, seen_truth(scene), start / FPS)


def height_seen(scene: Scene) -> float:
    """How much of the picture's height the first person takes when it is tallest."""
    pixels, _ = scene.camera.project(scene.people[0])
    return float(np.ptp(pixels[..., 1], axis=1).max() / scene.camera.size[0])


@contextmanager
def one_thread() -> Iterator[None]:
    """Pictures are small: more threads of torch would only wait for each other, and the last bit would depend on them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def seen_truth(scene: Scene) -> dict:
    """`Scene.truth` without what the picture does not tell, with what names the subject among several people (`who`), and on
    which side of the picture the thing is (None: near the middle)."""
    truth = scene.truth()
    truth["who"] = {"clothes": "shirt", "colour": truth["shirt"]}
    if scene.camera.kind == "close":
        truth["trousers"] = None
    if len(scene.people) > 1:  # whose?
        truth["shirt"] = truth["trousers"] = truth["side"] = None
    elif not side_is_clear(scene.camera, scene.people[0]):
        truth["side"] = None
    truth["thing_side"] = picture_side(scene) if scene.things else None
    truth["floor"] = scene.place.pattern
    return truth


def side_is_clear(camera: Camera, joints: np.ndarray) -> bool:
    """Whether a person `(num_frames, 22, 3)` shows the camera one and the same side nearly all of the time."""
    left = unit_ground((joints[:, 1] - joints[:, 2]) + (joints[:, 16] - joints[:, 17]))
    forward = np.cross(left, UP)
    way = unit_ground(camera.eyes - joints[:, 0])
    yaw = np.arctan2((way * left).sum(-1), (way * forward).sum(-1))
    turned = np.abs(yaw - np.round(yaw / (np.pi / 2)) * (np.pi / 2))
    named = np.array([side_seen(each) == camera.side for each in yaw])
    return bool((named & (turned < CLEAR_TURN)).mean() > 0.8)


def unit_ground(vectors: np.ndarray) -> np.ndarray:
    """Directions on the floor, of length one."""
    flat = vectors * np.array([1.0, 0.0, 1.0])
    return flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-9)


def picture_side(scene: Scene) -> str | None:
    """The half of the picture in which the thing is nearly all of the time."""
    pixels, _ = scene.camera.project(scene.things[0]["centres"][:, None])
    across = pixels[:, 0, 0] / scene.camera.size[1]
    for side, inside in (("left", across < 0.42), ("right", across > 0.58)):
        if inside.mean() > 0.9:
            return side
    return None
