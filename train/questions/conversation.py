"""Questions and a motion as one row for TRL's SFT trainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .question import Question


def conversation(
    motion: np.ndarray | bytes, questions: Sequence[Question], rng: np.random.Generator, fps: float = 20.0
) -> dict[str, Any]:
    """A multi-turn row: the motion in the first turn, before or after its text; later turns are text only.

    Args:
        motion: joints `(num_frames, 22, 3)` in metres, or a whole motion file as bytes.
        questions: one a turn, in order.
        rng: decides on which side of the first question the motion stands.
        fps: frame rate of `motion` as joints; a file says its own.

    Returns:
        `{"images": [], "messages": [...]}`. TRL needs the (empty) images column to take the row for a multimodal one.
    """
    if not questions:
        raise ValueError("expected at least one question, got none in conversation(); ask before you build the row")
    if isinstance(motion, (bytes, bytearray)):
        part: dict[str, Any] = {"type": "motion", "bytes": bytes(motion)}
    else:
        part = {"type": "motion", "motion": np.asarray(motion, dtype=np.float32), "fps": float(fps)}
    messages: list[dict[str, Any]] = []
    for index, question in enumerate(questions):
        content: list[dict[str, Any]] = [{"type": "text", "text": question.question}]
        if index == 0:
            # Most users drop the file first and ask then.
            content.insert(0 if rng.random() < 0.75 else 1, part)
        messages.append({"role": "user", "content": content})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": question.answer}]})
    return {"images": [], "messages": messages}
