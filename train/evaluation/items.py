"""One question of a suite, and how questions are chosen so that no guess does well."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from llamo.train.questions import Question


# The right answer stands in the question: no measure of what the model sees in the motion.
UNGROUNDED = "unanswerable"

Motion = tuple[np.ndarray, float]  # joints and fps
Video = tuple[bytes, float]  # a file, and when it starts on the clock of its motion, in seconds


@dataclass(frozen=True)
class Item:
    """One question about one clip.

    Args:
        id: unique in its suite; names the prediction.
        kind: the row of the table in which it counts.
        question: what is asked, and what makes an answer right.
        clip: the clip that it is about; questions on one clip are drawn together in the bootstrap.
        joints: `(num_frames, 22, 3)` float32 in metres, Y up; None for a question without motion.
        fps: frames per second.
        facts: what else the suite's protocol needs (a group, a variant, references), as plain values.
        others: joints and fps of further motions of the question, in their order.
        videos: name -> bytes of a video file of the first motion, and when it starts on the motion's clock, in seconds.
    """

    id: str
    kind: str
    question: Question
    clip: str
    joints: np.ndarray | None = None
    fps: float = 20.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[Motion, ...] = ()
    videos: Mapping[str, Video] = field(default_factory=dict)

    @property
    def motions(self) -> tuple[Motion, ...]:
        """Joints and fps of everything that is shown."""
        return () if self.joints is None else ((self.joints, self.fps), *self.others)

    @property
    def seconds(self) -> float:
        return sum(len(joints) / fps for joints, fps in self.motions)


def numbered(suite: str, items: Sequence[Item]) -> list[Item]:
    """The items with ids in their order: `synthetic-000000`, ..."""
    from dataclasses import replace

    return [replace(item, id=f"{suite}-{index:06d}") for index, item in enumerate(items)]


def fingerprint(items: Sequence[Item]) -> str:
    """SHA-256 over everything that is asked and shown: two runs with the same one can be compared."""
    digest = hashlib.sha256()
    motions: dict[int, bytes] = {}  # questions on one clip share its array
    for item in items:
        question = item.question
        told = (item.id, item.kind, question.question, question.key, question.choices, question.tolerance, item.fps)
        digest.update(repr(told).encode())
        for joints, fps in item.motions:
            place = id(joints)
            if place not in motions:
                motions[place] = hashlib.sha256(np.ascontiguousarray(joints, dtype="<f4").tobytes()).digest()
            digest.update(motions[place] + repr(fps).encode())
        for name, (video, offset_s) in item.videos.items():
            digest.update(hashlib.sha256(video).digest() + repr((name, offset_s)).encode())
    return digest.hexdigest()


def answer_slot(question: Question) -> str:
    """What a guesser without eyes would guess: the key, or the place of the right option in a multiple choice."""
    return str(question.choices.index(question.key)) if question.kind == "choice" else question.key


def answer_set(question: Question) -> tuple:
    """The few answers a question leaves open; () where they are many or differ from question to question."""
    return question.choices if question.kind not in ("choice", "action") and len(question.choices) <= 5 else ()


def original(clip: str) -> str:
    """The clip that a mirror image, a part or a variant was made of."""
    return clip.split("@")[0].split("/")[0]


def balanced(items: Sequence[Item], num: int, rng: np.random.Generator) -> list[Item]:
    """At most `num` items in which no answer is commoner than the second commonest; clips and answers take turns."""
    if not items:
        return []
    by_answer: dict[str, list[Item]] = defaultdict(list)
    for index in rng.permutation(len(items)):
        item = items[int(index)]
        by_answer[answer_slot(item.question)].append(item)
    if items[0].question.kind == UNGROUNDED:
        return next(iter(by_answer.values()))[: min(num, 10)]
    if len(by_answer) < 2:
        return []  # one answer for all: nothing is measured
    for answer, group in by_answer.items():
        by_answer[answer] = clips_in_turn(group)
    sizes = sorted((len(group) for group in by_answer.values()), reverse=True)
    cap = max(1, sizes[1])
    chosen: list[Item] = []
    for place in range(cap):
        for group in by_answer.values():
            if place < len(group) and len(chosen) < num:
                chosen.append(group[place])
    return chosen


def clips_in_turn(items: Sequence[Item]) -> list[Item]:
    """First one question of each clip, then the second of each, ... (a mirror or a part counts as its clip)."""
    by_clip: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_clip[original(item.clip)].append(item)
    return in_turn(list(by_clip.values()))


def in_turn(groups: Sequence[Sequence[Item]]) -> list[Item]:
    """The first of each group, then the second of each, ..."""
    longest = max((len(group) for group in groups), default=0)
    return [group[place] for place in range(longest) for group in groups if place < len(group)]
