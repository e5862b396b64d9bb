"""Suite `real`: recorded clips from Parquet files; what their labels state, and what their joints prove."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from llamo.train.questions import KINDS, Question, ask_recorded
from llamo.train.questions.wording import lettered, lettered_answer, sentence
from llamo.train.recorded import RecordedClip, windows

from .items import Item, answer_set, balanced, clips_in_turn, in_turn, numbered
from .labelled_clips import LabelledClip, read_clips
from .suite import Suite, SuiteOptions


NUM = 1000
NUM_OPTIONS = 4
STYLE_QUESTIONS = ("In which style does the person move?", "Which word describes how the person moves?")
ACTION_QUESTIONS = ("What is going on in this motion, in one phrase?", "Tell me the name of this movement.")
CHOICE_QUESTIONS = ("Which answer is correct?", "Decide what the person does in the clip.")
CAPTION_QUESTIONS = ("Which description fits the motion?", "Which sentence tells what the person does?")
WINDOWS = 10  # parts of a clip that are asked about: the rarest answers decide how many questions of a kind there are


def recorded_items(clips: Sequence[RecordedClip], num: int, rng: np.random.Generator) -> list[Item]:
    """At most `num` questions about recorded clips, their mirror images and parts of 2 to 6 seconds.

    Most recorded clips show a forward walk. Within each kind the commonest answer is therefore not asked for more often
    than the second commonest, and clips and kinds take turns.
    """
    candidates: list[Item] = []
    present = tuple(dict.fromkeys(key for clip in clips for key in clip.actions))
    for clip in clips:
        views = [clip, clip.mirrored()]
        if clip.seconds >= 3.0:
            parts = list(windows(clip, rng, WINDOWS))
            views += [part if index % 2 else part.mirrored() for index, part in enumerate(parts) if part is not clip]
        for view in views:
            for held_out in (False, True):
                # Wrong choices are drawn from what these clips show, or the right one would be the likely one.
                vocabulary = present if len(present) >= 8 else None
                for question in ask_recorded(view, rng, 12, held_out=held_out, vocabulary=vocabulary, keep_all=True):
                    candidates.append(Item("", question.kind, question, view.id, view.joints, view.fps))
    per_kind = max(12, math.ceil(num / 9))
    chosen: list[list[Item]] = []
    for kind in KINDS:
        groups: dict[tuple, list[Item]] = defaultdict(list)
        for item in candidates:
            if item.question.kind == kind:
                groups[answer_set(item.question)].append(item)
        # "Forwards or backwards?" where all go forwards measures nothing, although "which way?" may.
        picked = [balanced(group, per_kind, rng) for group in groups.values()]
        chosen.append(in_turn(picked)[:per_kind])
    # Kinds take turns too, so that a limit costs the common ones first.
    fair = in_turn(chosen)[:num]
    return [fair[int(index)] for index in rng.permutation(len(fair))]


def labelled_items(clips: Sequence[LabelledClip], rng: np.random.Generator) -> dict[str, list[Item]]:
    """Questions about labels that no rule knows: other actions by name and by choice, styles, descriptions."""
    actions = sorted({one.action for one in clips if one.action})
    styles = sorted({one.style for one in clips if one.style})
    captions = {one.clip.id: sentence(one.clip.captions[0].strip()) for one in clips if one.clip.captions}
    found: dict[str, list[Item]] = {"action": [], "choice": [], "style": [], "caption_choice": []}

    def add(kind: str, one: LabelledClip, question: Question) -> None:
        found[kind].append(Item("", kind, question, one.clip.id, one.clip.joints, one.clip.fps))

    for one in clips:
        if one.action and len(actions) > 1:
            asked = ACTION_QUESTIONS[int(rng.integers(2))]
            add("action", one, Question("action", asked, sentence(one.action), one.action, tuple(actions), held_out=True))
            add("choice", one, by_letters(CHOICE_QUESTIONS, one.action, actions, rng))
        if one.style and len(styles) > 1:
            add("style", one, by_letters(STYLE_QUESTIONS, one.style, styles, rng))
        own = captions.get(one.clip.id)
        # A description of another clip is only wrong where that clip shows something else.
        said_of_own = {captions[other.clip.id] for other in clips if other.clip.id in captions and _alike(one, other)}
        others = sorted(set(captions.values()) - said_of_own)
        if own and others:
            add("caption_choice", one, by_letters(CAPTION_QUESTIONS, own, [own, *others], rng))
    return {kind: clips_in_turn([items[int(i)] for i in rng.permutation(len(items))]) for kind, items in found.items() if items}


def _alike(one: LabelledClip, other: LabelledClip) -> bool:
    own, theirs = (set(each.clip.actions) | {each.action or each.clip.description} for each in (one, other))
    return one is other or bool(own & theirs)


def by_letters(asked: Sequence[str], key: str, pool: Sequence[str], rng: np.random.Generator) -> Question:
    """A multiple choice of at most four options in random order."""
    others = [option for option in pool if option != key]
    picked = [others[int(index)] for index in rng.permutation(len(others))[: NUM_OPTIONS - 1]]
    options = [key, *picked]
    options = [options[int(index)] for index in rng.permutation(len(options))]
    text = f"{asked[int(rng.integers(len(asked)))]} {lettered(options)}"
    return Question("choice", text, lettered_answer(options, key), key, tuple(options), held_out=True)


def real_items(paths: Sequence[str], num: int, seed: int, split: str | None = None) -> list[Item]:
    """At most `num` questions about the clips of Parquet files.

    Raises:
        ValueError: no files, or files that hold no clips.
    """
    if not paths:
        raise ValueError("Expected Parquet files of joints and labels, got none for the suite real. Name them with --data.")
    clips = [clip for path in paths for clip in read_clips(path, split)]
    # Two files may name their rows alike.
    names = [one.clip.id for one in clips]
    if len(set(names)) < len(names):
        clips = [replace(one, clip=replace(one.clip, id=f"{one.clip.id} #{place}")) for place, one in enumerate(clips)]
    if not clips:
        raise ValueError(f"Expected clips that are kept for judging, got none in {', '.join(paths)}. Name one with --split.")
    rng = np.random.default_rng([seed, 2])
    clips = spread(clips, max(40, num // 2), rng)
    labelled = labelled_items(clips, rng)
    recorded = recorded_items([one.clip for one in clips], num, rng)
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in recorded:
        groups[item.kind].append(item)
    for kind, items in labelled.items():
        groups[kind] += items
    fair = in_turn(list(groups.values()))[:num]
    return [fair[int(index)] for index in rng.permutation(len(fair))]


def spread(clips: Sequence[LabelledClip], most: int, rng: np.random.Generator) -> list[LabelledClip]:
    """At most `most` clips, of as many actions as there are: measuring all of a large file would take hours."""
    if len(clips) <= most:
        return list(clips)
    groups: dict[tuple, list[LabelledClip]] = defaultdict(list)
    for index in rng.permutation(len(clips)):
        one = clips[int(index)]
        groups[one.clip.actions or (one.action or one.clip.description,)].append(one)
    longest = max(len(group) for group in groups.values())
    return [group[place] for place in range(longest) for group in groups.values() if place < len(group)][:most]


def build(options: SuiteOptions) -> list[Item]:
    return numbered("real", real_items(options.data, options.limit or NUM, options.seed, options.split))


SUITE = Suite(
    "real",
    "llamo-real-5",
    "recorded clips: actions, styles and descriptions of their labels; sides, directions, counts, times of their joints",
    build,
    needs="Parquet files with joints or joints_q, fps, and any of action, style, captions",
)
