"""The demo's modules under their bare names, as in a Space, and a tiny checkpoint for them."""

import contextlib
import importlib
import sys
from pathlib import Path

import numpy as np
from conftest import ROOT, make_config, make_model, make_processor, make_walk

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
    """Answers by script, word by word, with a real processor: what is said is known."""

    def __init__(self, processor, text: str, pause=lambda: None):
        self.processor, self.text, self.pause, self.asked = processor, text, pause, []

    def answer(self, messages, temperature=0.0, max_new_tokens=128):
        answer_type = demo_module("assistant").Answer
        self.asked.append([[part["type"] for part in message["content"]] for message in messages])
        count = sum(part["type"] == "motion" for message in messages for part in message["content"])
        answer = answer_type(looked_at=[[(0.4, 0.8), (1.6, 1.8)]] * count)
        for word in self.text.split(" "):
            answer.text += f" {word}"
            self.pause()
            yield answer


@contextlib.contextmanager
def serving(assistant, library=None, **options):
    """A running demo; its address."""
    app = demo_module("app")
    demo = app.build_demo(assistant, library)
    _, address, _ = app.launch(demo, host="127.0.0.1", block=False, **options)
    try:
        yield address
    finally:
        demo.close()
