"""Motions with questions: the one source that pretraining and instruction data draw from.

Procedural motions bring the exact truth of their program and what can be measured of them; recorded clips bring what their
source states and what can be measured. Truth is taken before the motion is given another body and another sensor.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from llamo.processing.motion_features_llamo import canonicalise
from llamo.train.augmentation import FPS, change_body, change_sensor
from llamo.train.labelled_motion import LabelledMotion, change_tempo, label_recorded, label_synthetic
from llamo.train.part_mixing import PartDonors
from llamo.train.questions.form_questions import ask_form
from llamo.train.questions.makers import Maker
from llamo.train.questions.pair_questions import ask_pair
from llamo.train.questions.program_questions import ask_program
from llamo.train.questions.question import Question
from llamo.train.questions.recorded_questions import MEASURED, UNNAMED, ask_recorded
from llamo.train.questions.vocabulary import confusable
from llamo.train.recorded import RecordedClip, read_recorded
from llamo.train.stitching import part_to_stitch, stitch
from llamo.train.synthesis.engine import Segment, SyntheticMotion, synthesize
from llamo.train.synthesis.faults import FAULTS
from llamo.train.trimming import trim


# What is measured of a procedural motion as well. Its tempo is its program's: that of a recorded gait is metres per second.
MEASURED_KINDS = ("side", "direction", "count", "posture", "distance", "angle")
LONGEST = 320  # frames
SHARE_OF_EXERCISES = 0.08  # of the procedural motions, beside those that fall among all: only exercises show a fault of form
SHARE_OF_STITCHED = 0.15  # of the recorded motions
SHARE_OF_TRIMMED = 0.3  # of the procedural motions of one action, in training
SHARE_OF_MIXED = 0.3  # of the procedural motions that can have recorded legs or arms
COLLECTIVE, COLLECTIVE_WEIGHT = frozenset({"dance", "playground"}), 0.5
# Actions of which more can be measured than of most: steps, ways, turns, feet that kick.
ASKED_BY_MEASURE = [
    "walk", "jog", "run", "walk_backward", "sidestep", "walk_curve", "turn", "kick", "side_kick", "jump", "wave",
]  # fmt: skip


@dataclass
class AskedMotion:
    """A motion as some system would have recorded it, with questions and their true answers.

    Args:
        joints: `(num_frames, 22, 3)` float32, metres, canonical, 20 fps.
        labels: truth frame by frame, of the same length.
        questions: in no particular order.
        source: "procedural" or the id of a recorded clip.
        program: of a procedural motion: its seconds, style and actions with their times, as plain values for JSON.
        measured: whether its measured rates answer all of the questions, so that its features are not needed.
    """

    joints: np.ndarray
    labels: LabelledMotion
    questions: list[Question]
    source: str
    program: dict | None = None
    measured: bool = False


def record(joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another body (mostly) and another sensor; canonical float32 joints."""
    if rng.random() < 0.8:
        joints = change_body(joints.astype(np.float64), rng)
    return canonicalise(change_sensor(joints, rng), FPS).astype(np.float32)


def ask_procedural(
    motion: SyntheticMotion, actions: Sequence[str], rng: np.random.Generator, num: int = 5, held_out: bool = False
) -> AskedMotion:
    """Questions about the program, and about what can be measured of its motion.

    Args:
        motion: a procedural motion.
        actions: the vocabulary of the labels.
        rng: source of every choice.
        num: questions about the program at most; about half as many are measured.
        held_out: use the phrasings kept from training.
    """
    labels = label_synthetic(motion, actions)
    questions = ask_program(motion, rng, num, held_out=held_out)
    questions += ask_recorded(as_recorded(motion), rng, (num + 1) // 2, held_out=held_out, kinds=MEASURED_KINDS)
    questions += ask_form(motion, rng, held_out=held_out)
    return AskedMotion(record(motion.joints, rng), labels, questions, "procedural", program_of(motion))


def as_recorded(motion: SyntheticMotion) -> RecordedClip:
    """A procedural motion as a clip of which the actions are stated and the rest is measured."""
    keys = tuple(dict.fromkeys(segment.action for segment in motion.segments))
    return RecordedClip("procedural", "train", motion.joints, motion.fps, "", (), keys, len(keys) == 1)


def program_of(motion: SyntheticMotion) -> dict:
    """The truth of a procedural motion, as plain values for JSON."""
    return {"seconds": round(motion.seconds, 3), "style": motion.style, "actions": [told(one) for one in motion.segments]}


def told(segment: Segment) -> dict:
    """One action of a program; seconds."""
    names = ("action", "side", "direction", "turn", "count", "speed", "fault")
    times = {"start": round(float(segment.start), 3), "end": round(float(segment.end), 3)}
    return {**{name: getattr(segment, name) for name in names}, **times}


def part_of(program: dict, start: float, end: float) -> dict:
    """What a program says of a span in seconds; what was cut keeps no count."""
    actions = []
    for one in program["actions"]:
        first, last = max(one["start"], start), min(one["end"], end)
        if last > first:
            whole = first == one["start"] and last == one["end"]
            times = {"start": round(first - start, 3), "end": round(last - start, 3)}
            actions.append({**one, "count": one["count"] if whole else None, **times})
    return {**program, "seconds": round(end - start, 3), "actions": actions}


def ask_part(asked: AskedMotion, actions: Sequence[str], rng: np.random.Generator) -> AskedMotion:
    """A part of a procedural motion: what its program says of the whole is dropped, what can be measured of the part stays."""
    frames = len(asked.joints)
    width = int(rng.integers(min(frames, 30), frames + 1))
    start = int(rng.integers(frames - width + 1))
    labels = asked.labels.cut(start, start + width)
    keys = tuple(actions[index] for index in labels.clip_actions)
    clip = RecordedClip("part", "train", labels.joints.astype(np.float32), FPS, "", (), keys, len(keys) == 1, whole=False)
    questions = ask_recorded(clip, rng, 3, kinds=(*MEASURED_KINDS, "action", "choice") if len(keys) == 1 else MEASURED_KINDS)
    program = part_of(asked.program, start / FPS, (start + width) / FPS) if asked.program else None
    return AskedMotion(record(labels.joints, rng), labels, questions, "procedural", program)


def ask_next(
    motion: SyntheticMotion, actions: Sequence[str], rng: np.random.Generator, held_out: bool = False
) -> AskedMotion | None:
    """The first part of a procedural motion, which ends where its next action has just begun, with the question for it.

    What follows is no guess then: its beginning is seen. `None` where the motion holds no change of action.
    """
    changes = [
        (before, after)
        for before, after in pairwise(motion.segments)
        if after.action != "stand" and not confusable(before.action, after.action)
    ]
    if not changes:
        return None
    before, after = changes[int(rng.integers(len(changes)))]
    seen = float(np.clip(rng.uniform(0.3, 0.5) * (after.end - after.start), 0.5, 1.5))
    frames = min(len(motion.joints), int(round((after.start + seen) * motion.fps)))
    if frames < 30:
        return None
    question = Maker(rng, held_out).order("next", after.action, None, (before.action, after.action))
    labels = label_synthetic(motion, actions).cut(0, frames)
    program = part_of(program_of(motion), 0.0, frames / motion.fps)
    return AskedMotion(record(motion.joints[:frames], rng), labels, [question], "procedural", program)


@dataclass
class AskedPair:
    """Two motions as one system would have recorded them, with questions about both.

    Args:
        joints: each `(num_frames, 22, 3)` float32, metres, canonical, 20 fps.
        questions: in no particular order.
        program: truth of the first, and of the other under "other_motions".
    """

    joints: tuple[np.ndarray, np.ndarray]
    questions: list[Question]
    program: dict
    source: str = "procedural pair"


def draw_pair(rng: np.random.Generator, held_out: bool = False) -> AskedPair:
    """Two procedural motions, about half of the time of the same action, with questions that need both."""
    first = synthesize(rng, held_out=held_out)
    second = synthesize(rng, held_out=held_out, vocabulary=like(first, rng))
    questions = ask_pair(first, second, rng, held_out=held_out)
    program = {**program_of(first), "other_motions": [program_of(second)]}
    return AskedPair((record(first.joints, rng), record(second.joints, rng)), questions, program)


def like(motion: SyntheticMotion, rng: np.random.Generator) -> list[str] | None:
    """What the second of two motions may show: mostly the same single action as the first."""
    keys = {segment.action for segment in motion.segments}
    return sorted(keys) if len(keys) == 1 and rng.random() < 0.7 else None


def draw_procedural(
    rng: np.random.Generator,
    actions: Sequence[str],
    num: int = 5,
    held_out: bool = False,
    share_of_parts: float = 0.0,
    share_of_next: float = 0.0,
    donors: PartDonors | None = None,
) -> AskedMotion:
    """A procedural motion with questions, or (in a share of the cases) a part of one, or what comes next after a part.

    In training some are trimmed to their action; with `donors` some have the legs or the arms of recorded people.
    """
    exercises = list(FAULTS) if not held_out and rng.random() < SHARE_OF_EXERCISES else None
    motion = synthesize(rng, held_out=held_out, vocabulary=exercises)
    if not held_out and exercises is None and rng.random() < SHARE_OF_TRIMMED:
        motion = trim(motion, rng)
    if donors is not None and exercises is None and rng.random() < SHARE_OF_MIXED:
        motion = donors.mix(motion, rng)
    if share_of_next and len(motion.segments) > 1 and rng.random() < share_of_next:
        upcoming = ask_next(motion, actions, rng, held_out)
        if upcoming is not None:
            return upcoming
    asked = ask_procedural(motion, actions, rng, num, held_out)
    return ask_part(asked, actions, rng) if rng.random() < share_of_parts else asked


def draw_measured(rng: np.random.Generator, actions: Sequence[str], num: int, recorded: RecordedDraw | None) -> AskedMotion:
    """A recorded or procedural motion with questions that its measured rates answer; half of each where there are recorded."""
    if recorded is not None and rng.random() < 0.5:
        return replace(recorded(actions, rng, num, MEASURED), measured=True)
    motion = synthesize(rng, vocabulary=ASKED_BY_MEASURE if rng.random() < 0.5 else None)
    questions = ask_recorded(as_recorded(motion), rng, num, names=MEASURED)
    labels = label_synthetic(motion, actions)
    return AskedMotion(record(motion.joints, rng), labels, questions, "procedural", program_of(motion), measured=True)


class RecordedDraw:
    """Windows and whole recorded clips, mirrored half of the time, at other tempos; actions rather evenly. Some are two clips,
    one after the other."""

    def __init__(self, clips: Sequence[RecordedClip]):
        self.clips = clips
        groups: dict[tuple, list[RecordedClip]] = {}
        for clip in clips:
            groups.setdefault(clip.actions or (clip.description,), []).append(clip)
        self.groups = list(groups.values())
        # A single clip of a rare action is not repeated more than a common one deserves.
        weights = np.array([len(group) for group in self.groups], dtype=float) ** 0.45
        # What is called so may look like anything: asked often, it becomes the answer for all that is not known.
        weights *= [COLLECTIVE_WEIGHT if set(actions) & COLLECTIVE else 1.0 for actions in groups]
        self.weights = weights / weights.sum()

    def __call__(
        self, actions: Sequence[str], rng: np.random.Generator, num: int = 5, names: Sequence[str] | None = None
    ) -> AskedMotion:
        """A drawn clip with at most `num` questions; `names`: only these of recorded_questions.WEIGHTS."""
        clip = self.draw(rng)
        if names is None and rng.random() < SHARE_OF_STITCHED:
            clip = stitch(part_to_stitch(clip, rng), part_to_stitch(self.draw(rng), rng)) or clip
        length = len(clip.joints)
        several = len(clip.actions) > 1 and length <= LONGEST  # a part of it would have no label
        if clip.seconds > 3.0 and not several and (rng.random() < 0.5 or length > LONGEST):
            width = int(rng.uniform(2.0, min(12.0, clip.seconds)) * clip.fps)
            start = int(rng.integers(length - width + 1))
            clip = clip.window(start, start + width)
        if rng.random() < 0.5:
            clip = at_tempo(clip, rng.uniform(0.85, 1.18))
        labels = label_recorded(clip, actions)
        return AskedMotion(record(clip.joints, rng), labels, ask_recorded(clip, rng, num, names=names), clip.id)

    def draw(self, rng: np.random.Generator) -> RecordedClip:
        """One of the clips, or its mirror image."""
        group = self.groups[rng.choice(len(self.groups), p=self.weights)]
        clip = group[rng.integers(len(group))]
        return clip.mirrored() if rng.random() < 0.5 else clip


def at_tempo(clip: RecordedClip, factor: float) -> RecordedClip:
    """The clip played `factor` times as fast; a stated tempo is dropped, a measured one follows the joints."""
    nothing = np.zeros(len(clip.joints))
    labels = {name: nothing.astype(np.int64) for name in ("action", "side", "direction", "turn", "speed")}
    unlabelled = LabelledMotion(clip.joints, **labels, repetitions=nothing, cycles=nothing, clip_actions=())
    joints = change_tempo(unlabelled, factor).joints.astype(np.float32)
    return replace(clip, joints=joints, stated=tuple(pair for pair in clip.stated if pair[0] != "speed"))


# Many of them, in several processes


@dataclass(frozen=True)
class Job:
    """A share of a corpus, the same whichever process does it."""

    seed: int
    num: int
    actions: tuple[str, ...]
    recorded: tuple[str, ...] = ()  # Parquet files; empty: procedural motions
    named_share: float = 1.0  # of the recorded motions, those that are labelled with their action and asked for it
    donors: tuple[str, ...] = ()  # Parquet files of people who lend their legs and arms to procedural motions
    held_out: bool = False
    share_of_parts: float = 0.0
    questions: int = 5
    convert: Callable[[AskedMotion], Any] | None = None  # applied in the process, so that only what is needed travels


@cache
def recorded_draw(paths: tuple[str, ...]) -> RecordedDraw:
    """Draws from the train split of Parquet files, read once in each process."""
    return RecordedDraw([clip for path in paths for clip in read_recorded(path, "train")])


@cache
def part_donors(paths: tuple[str, ...]) -> PartDonors:
    """Lenders out of the train split of Parquet files, read once in each process."""
    return PartDonors(recorded_draw(paths).clips)


def do_job(job: Job) -> list:
    rng = np.random.default_rng([job.seed, int(job.held_out), len(job.recorded)])
    donors = part_donors(job.donors) if job.donors else None
    found = []
    for _ in range(job.num):
        if job.recorded:
            named = job.named_share >= 1 or rng.random() < job.named_share
            asked = recorded_draw(job.recorded)(job.actions, rng, job.questions, None if named else UNNAMED)
            asked = asked if named else replace(asked, labels=asked.labels.unnamed())
        else:
            asked = draw_procedural(rng, job.actions, job.questions, job.held_out, job.share_of_parts, donors=donors)
        found.append(job.convert(asked) if job.convert else asked)
    return found


def draw_many(total: int, seed: int, workers: int = 1, chunk: int = 50, **job) -> Iterator:
    """`total` asked motions (or what `convert` makes of them), the same whatever the number of processes; see `Job`."""
    jobs = [Job(seed * 100_003 + start, min(chunk, total - start), **job) for start in range(0, total, chunk)]
    progress = tqdm(total=total, desc="recorded motions" if job.get("recorded") else "procedural motions", disable=None)
    pool = multiprocessing.get_context("spawn").Pool(workers) if workers > 1 else None
    try:
        for found in pool.imap(do_job, jobs) if pool else map(do_job, jobs):
            progress.update(len(found))
            yield from found
    finally:
        progress.close()
        if pool:
            pool.terminate()
