"""The demo's modules under their bare names, as in a Space, and a tiny checkpoint for them."""

import contextlib
import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT, make_config, make_model, make_processor, make_walk

from llamo.processing.motion_estimation_llamo import MAX_SOURCE_FPS
from llamo.processing.video_reading_llamo import iterate_frames
from llamo.train.initialise import write_checkpoint


FOLDER = ROOT / "spaces_demo"
HOSTILE = "<img src=x onerror=window.hacked=1>[x](javascript:alert(1))\u202e"


def demo_module(name: str):
    """A module of spaces_demo/, where it is first on the search path."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return importlib.import_module(name)


def write_tiny_checkpoint(folder: Path) -> Path:
    processor = make_processor()
    write_checkpoint(folder, make_model(make_config(processor)), processor)
    return folder


def write_walk(path: Path, num_frames: int = 60, speed: float = 1.3) -> Path:
    np.savez(path, joints=make_walk(num_frames, speed=speed), fps=np.float32(20))
    return path


class ScriptedAssistant:
    """Answers by script, word by word, with a real processor: what is said is known, what was asked and how is kept."""

    def __init__(self, processor, text: str, pause=lambda: None):
        self.processor, self.text, self.pause, self.asked, self.settings = processor, text, pause, [], []

    def answer(self, messages, temperature=0.0, max_new_tokens=128):
        answer_type = demo_module("assistant").Answer
        self.asked.append([[part["type"] for part in message["content"]] for message in messages])
        self.settings.append((temperature, max_new_tokens))
        count = sum(part["type"] == "motion" for message in messages for part in message["content"])
        answer = answer_type(looked_at=[[(0.4, 0.8), (1.6, 1.8)]] * count)
        for word in self.text.split(" "):
            answer.text += f" {word}"
            self.pause()
            yield answer


@contextlib.contextmanager
def serving(assistant, folder, library=None, keep_seconds=None, **options):
    """A running demo that stores uploads in `folder`, and there for `keep_seconds` where that is told; its address."""
    app = demo_module("app")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.delenv("SPACE_ID", raising=False)
        if keep_seconds is not None:
            patch.setattr(demo_module("clips"), "KEEP_SECONDS", keep_seconds)
        demo = app.build_demo(assistant, library)
        _, address, _ = app.launch(demo, host="127.0.0.1", block=False, **options)
        try:
            yield address
        finally:
            demo.close()


class FilmedPerson:
    """Squats that were filmed, and an estimator that knows them: no networks, and the truth about every frame.

    Attributes:
        joints: `(num_frames, 22, 3)` metres. fps: of joints and film.
        landmarks: `(num_frames, 33, 3)`, where they are in the picture: shares of width and height, and visibility.
        asked: sources and choices that were given to `estimate`.
        pause: called for every frame that is looked at.
    """

    fps = 20.0

    def __init__(self, num_frames: int = 50, size: tuple[int, int] = (240, 320), warnings=()):
        from pose_samples import landmarks_of

        from llamo.train.rendering.scene import random_scene
        from llamo.train.synthesis.engine import synthesize

        joints = synthesize(np.random.default_rng(5), actions=["squat"]).joints[:num_frames]
        self.scene = random_scene(joints, np.random.default_rng(1), size, "static", yaw=0.3)
        self.joints = self.scene.people[0]
        pixels, _ = self.scene.camera.project(landmarks_of(self.joints))
        shares = pixels / [size[1], size[0]]
        self.landmarks = np.concatenate([shares, np.full((num_frames, 33, 1), 0.95)], axis=2)
        self.warnings, self.asked, self.pause = list(warnings), [], lambda: None

    def write(self, path: Path) -> Path:
        from llamo.train.rendering.scene import render_chunks
        from llamo.train.rendering.video_files import write_video

        write_video(path, render_chunks(self.scene), self.fps)
        return path

    def estimate(self, source, person=None, box=None, progress=None, max_seconds=1800.0):
        """As `MotionEstimator.estimate`; a longer video is told to be the same person, standing still at the end."""
        self.asked.append((source, person, box, max_seconds))
        times = []
        for frame in iterate_frames(source, fps=MAX_SOURCE_FPS, max_seconds=max_seconds):
            times.append(frame.time)
            self.pause()
            if progress is not None:
                progress(frame.time)
        start = times[0]
        count = int((times[-1] - start) * self.fps + 1e-6) + 1
        place = np.minimum(np.arange(count), len(self.joints) - 1)
        seen = np.minimum(np.rint(np.array(times) * self.fps).astype(int), len(self.joints) - 1)
        report = {"coverage": 1.0, "span_s": [start, times[-1]], "warnings": self.warnings, "people": []}
        return SimpleNamespace(
            joints=self.joints[place].astype(np.float32),
            fps=self.fps,
            contacts=np.zeros((count, 4)),
            start=start,
            report=report,
            times=np.array(times),
            landmarks=list(self.landmarks[seen]),
        )


def seeing(processor, person):
    """A processor whose Motion Estimator is that."""
    processor.video_motions = type(processor.video_motions)(estimator=person)
    return processor
