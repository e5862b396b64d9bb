"""Clips -> rows of labels: captions by the model, tags, segments, measurements, own questions.

    from llamo.cli.library.labelling import label_clips

    for row in label_clips(["a.bvh", "b.npz"], model="llamo"): ...

`label_clips` is what a Ray or Spark job calls on the paths of a partition; `llamo caption` shares out the same batches.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from llamo.cli.evidence import NUMBER, check_answer
from llamo.cli.library.asking import YES_NO, Asked, answer_all, choose_all, sample
from llamo.cli.library.clips import Clip, Shard, batches, hash_of
from llamo.cli.library.segments import find_segments
from llamo.cli.library.tags import STYLE, TEMPO, named_actions, posture_of, side_of, summary, with_facts
from llamo.cli.measure import measure_raw
from llamo.cli.motion_files import read_file
from llamo.cli.session import BadInputError, Session, open_session
from llamo.train.library.columns import COLUMNS


SHORT, DETAILED = "Describe the motion.", "Describe the motion in detail, step by step."
FIELDS = ("detailed", "tags", "segments", "measurements")
YES_NO_WORDS = r"(?:is|are|was|were|does|do|did|has|have|had|can|could|will|would|should)\b"
TEMPERATURES = (0.7, 1.0, 1.3, 1.6)  # of further captions; the next one is tried where too few are different
SAMPLED_BYTES = 1 << 20


@dataclass(frozen=True)
class Question:
    """An own question, whose answer becomes the column `name`. With `options` the likeliest of them is the answer."""

    name: str
    text: str
    options: tuple[str, ...] = ()


def parse_question(text: str) -> Question:
    """ "loopable=Is this loopable?", "Is this loopable?", "mood=How does it feel? [calm|tense]" -> a question.

    A question that asks for yes or no gets these two options.

    Raises:
        BadInputError: no question, a single option, the name of a column that is there anyway.
    """
    named = re.match(r"\s*(\w+)\s*=(.*)", text, re.DOTALL)
    name, words = (named[1], named[2]) if named else ("", text)
    listed = re.search(r"\[([^\]]*)\]\s*$", words)
    options = tuple(option.strip() for option in listed[1].split("|")) if listed else ()
    words = words[: listed.start()].strip() if listed else words.strip()
    name = name or re.sub(r"\W+", "_", words.lower()).strip("_")[:40]
    if not words or not name or (listed and (len(options) < 2 or not all(options))):
        raise BadInputError(
            f'Expected a question, got {text!r} for --prompt. Write --prompt "loopable=Is this loopable?" or '
            '--prompt "mood=How does it feel? [calm|tense|playful]".'
        )
    if name in COLUMNS:
        raise BadInputError(f"Expected a new column, got {name!r} for --prompt, which every table has. Name it otherwise.")
    if options:
        words += f" Answer {', '.join(options[:-1])} or {options[-1]}."
    elif re.match(YES_NO_WORDS, words.lower()):
        options = YES_NO
    return Question(name, words, options)


@dataclass(frozen=True)
class LabelPlan:
    """What is asked of every clip.

    Args:
        captions: different captions of each clip. fields: of FIELDS; what is left out stays empty.
        questions: own ones. max_new_tokens: of a caption.
        said: what the user says about all files, as `read_motion` takes it.
    """

    captions: int = 1
    fields: tuple[str, ...] = FIELDS
    questions: tuple[Question, ...] = ()
    max_new_tokens: int = 64
    said: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.fields if name not in FIELDS]
        if unknown:
            raise BadInputError(f"Expected --fields out of {', '.join(FIELDS)}, got {', '.join(unknown)}. Correct them.")
        names = [question.name for question in self.questions]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BadInputError(f"Expected questions of different names, got {twice[0]!r} twice. Write --prompt NAME=QUESTION.")
        if self.captions < 1:
            raise BadInputError(f"Expected at least one caption of a clip, got --captions {self.captions}. Raise it.")

    @cached_property
    def settings(self) -> str:
        """A short name of the settings: rows of other settings are made again."""
        asked = [(question.name, question.text, question.options) for question in self.questions]
        said = {name: str(value) for name, value in sorted(self.said.items())}
        text = json.dumps([self.captions, sorted(self.fields), asked, self.max_new_tokens, said])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass
class ReadClip:
    """A clip as it was read and measured; `error` says why it could not be. A video's person may be seen from `start` on."""

    path: str
    sha256: str | None
    error: str | None = None
    joints: Any = None
    fps: float = 0.0
    start: float = 0.0
    warnings: list[str] = field(default_factory=list)
    measured: dict | None = None

    @property
    def seconds(self) -> float:
        return len(self.joints) / self.fps

    def part(self, start: float = 0.0, end: float | None = None) -> dict:
        """The chat part of the clip, or of a span in seconds."""
        stop = None if end is None else max(int(round(end * self.fps)), int(start * self.fps) + 1)
        return {"type": "motion", "motion": self.joints[int(round(start * self.fps)) : stop], "fps": self.fps}


def read_clip(session: Session, path: str, said: dict) -> ReadClip:
    """Reads and measures a file; whatever is wrong with it is told and not raised, so that a night's work goes on."""
    clip = ReadClip(path, hash_of(path))
    try:
        raw, report = read_file(path, said, session.name)
        session.processor.motion_processor.load({"type": "motion", "motion": raw.joints, "fps": raw.fps})  # checks length
        clip.joints, clip.fps, clip.start = raw.joints, raw.fps, getattr(raw, "start", 0.0)
        clip.warnings += [f"assumed: {note}" for note in report["assumed"]]
        clip.warnings += getattr(raw, "report", {}).get("warnings", [])  # of a motion that was estimated from a video
    except (BadInputError, ValueError) as error:
        clip.error = " ".join(str(error).splitlines())
    except Exception as error:  # a file may break a reader in ways that nobody thought of
        clip.error = f"{type(error).__name__}: {' '.join(str(error).splitlines())} (while reading {path})"
    if clip.error is None:
        try:
            clip.measured = measure_raw(clip.joints, clip.fps, path)
        except (BadInputError, ValueError) as error:
            clip.warnings.append(f"not measured: {' '.join(str(error).splitlines())}")
    return clip


def label_batch(
    session: Session,
    clips: Sequence[Clip],
    plan: LabelPlan,
    version: str,
    batch_size: int,
    also: Callable[[Session, Sequence[ReadClip]], list[dict]] | None = None,
) -> list[dict]:
    """The rows of a batch. Where a batch as a whole fails, its clips are tried one by one.

    Args:
        also: gives further columns of clips that could be read.
    """
    read = [read_clip(session, clip.path, plan.said) for clip in clips]
    rows = {clip.path: empty_row(clip, plan, version) for clip in read}
    good = [clip for clip in read if clip.error is None]
    try:
        labelled = label_motions(session, good, plan, batch_size, also)
    except Exception:
        labelled = []
        for clip in good:
            try:
                labelled += label_motions(session, [clip], plan, 1, also)
            except Exception as error:
                labelled.append({"error": f"{type(error).__name__}: {' '.join(str(error).splitlines())}"})
    for clip, labels in zip(good, labelled, strict=True):
        rows[clip.path] |= labels
    return list(rows.values())


def empty_row(clip: ReadClip, plan: LabelPlan, version: str) -> dict:
    row = dict.fromkeys(("path", "sha256", "seconds", "caption", "captions", "detailed", "tags", "segments", "measurements"))
    row |= {"warnings": clip.warnings, "error": clip.error, "model": version, "settings": plan.settings}
    for question in plan.questions:
        row[question.name] = None
        if question.options:
            row[f"{question.name}_probability"] = None
    return {**row, "path": clip.path, "sha256": clip.sha256}


def label_motions(session: Session, clips: Sequence[ReadClip], plan: LabelPlan, batch_size: int, also=None) -> list[dict]:
    """Labels of motions that could be read, in their order."""
    if not clips:
        return []
    wants = set(plan.fields)
    spans = [find_segments(clip.joints, clip.fps) if "segments" in wants else [] for clip in clips]
    whole = [clip.part() for clip in clips]

    def ask(question: str) -> list[Asked]:
        return [Asked(part, question, clip.seconds) for part, clip in zip(whole, clips, strict=True)]

    # One list for all captions, so that short spans of one clip and short clips share batches.
    inner = [(number, span) for number, found in enumerate(spans) if len(found) > 1 for span in found]
    asked = ask(SHORT) + (ask(DETAILED) if "detailed" in wants else [])
    asked += [Asked(clips[number].part(*span), SHORT, span[1] - span[0]) for number, span in inner]
    texts = answer_all(session, asked, batch_size, plan.max_new_tokens)
    short, rest = texts[: len(clips)], texts[len(clips) :]
    detailed, of_spans = (rest[: len(clips)], rest[len(clips) :]) if "detailed" in wants else ([], rest)

    rows: list[dict] = []
    for number, clip in enumerate(clips):
        segments = [
            {"start_s": round(clip.start + start, 3), "end_s": round(clip.start + end, 3), "caption": text}
            for (owner, (start, end)), text in zip(inner, of_spans, strict=True)
            if owner == number
        ]
        if "segments" in wants and not segments:
            start, end = round(clip.start, 3), round(clip.start + clip.seconds, 3)
            segments = [{"start_s": start, "end_s": end, "caption": short[number]}]
        row = {"seconds": round(clip.seconds, 3), "caption": short[number], "warnings": list(clip.warnings)}
        row["captions"] = different_captions(session, clip, short[number], plan, row["warnings"])
        row["segments"] = segments if "segments" in wants else None
        if "measurements" in wants and clip.measured:
            row["measurements"] = summary(clip.measured)
        if detailed:
            row["detailed"] = with_facts(detailed[number], clip.measured) if clip.measured else detailed[number]
        if clip.measured:
            row["warnings"] += contradictions(short[number], clip.measured)
        rows.append(row)
    if "tags" in wants:
        styles = choose_all(session, ask(STYLE[0]), STYLE[1], batch_size)
        tempi = choose_all(session, ask(TEMPO[0]), TEMPO[1], batch_size)
        for row, clip, style, tempo in zip(rows, clips, styles, tempi, strict=True):
            row["tags"] = tags_of(row, clip, style[0], tempo[0])
    for question in plan.questions:
        name, asked = question.name, ask(question.text)
        if question.options:
            chosen = choose_all(session, asked, question.options, batch_size)
            answers = [{name: answer, f"{name}_probability": chance} for answer, chance in chosen]
        else:
            answers = [{name: answer} for answer in answer_all(session, asked, batch_size, plan.max_new_tokens)]
        for row, answer in zip(rows, answers, strict=True):
            row |= answer
    if also is not None:
        rows = [row | more for row, more in zip(rows, also(session, clips), strict=True)]
    return rows


def contradictions(caption: str, measured: dict) -> list[str]:
    """Where a caption says other than what is measured. The one number of a caption with one action counts its repetitions."""
    counts = len(re.findall(NUMBER, caption.lower())) == 1 and len(named_actions([caption])) == 1
    checks = check_answer("How often?" if counts else SHORT, caption, [measured])
    return [f"caption: {check['message']}" for check in checks if not check["agrees"]]


def tags_of(row: dict, clip: ReadClip, style: str, tempo: str) -> dict:
    """What captions name, what joints prove, and the model's choices."""
    from llamo.train.questions.kinematic_truth import measure

    truth = measure(clip.joints, clip.fps)
    captions = [row["caption"], *(segment["caption"] for segment in row["segments"] or ())]
    return {
        "actions": named_actions(captions),
        "side": side_of(truth),
        "direction": truth.travel,
        "tempo": truth.speed_word or tempo,
        "style": style,
        "posture": posture_of(truth),
    }


def different_captions(session: Session, clip: ReadClip, first: str, plan: LabelPlan, warnings: list[str]) -> list[str]:
    """`plan.captions` captions, the likeliest first; fewer, and a warning, where the model has no more to say."""
    found = dict.fromkeys([first])
    seed = int((clip.sha256 or "0")[:8], 16)
    for temperature in TEMPERATURES:
        missing = plan.captions - len(found)
        if missing <= 0:
            break
        asked = Asked(clip.part(), SHORT, clip.seconds)
        drawn = sample(session, asked, 2 * missing, temperature, seed, plan.max_new_tokens)
        found |= dict.fromkeys([text for text in drawn if text and text not in found][:missing])
    if len(found) < plan.captions:
        warnings.append(f"only {len(found)} different captions of {plan.captions}")
    return list(found)


def model_version(name: str, model: Any) -> str:
    """The checkpoint's name and a digest that changes with its weights: the Hub's commit, or samples of the weight files."""
    commit = getattr(model.config, "_commit_hash", None)
    if not os.path.isdir(name):
        return f"{name}@{(commit or 'unknown')[:12]}"
    digest = hashlib.sha256((Path(name) / "config.json").read_bytes())
    for path in sorted(Path(name).glob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}".encode())
        with open(path, "rb") as file:  # any training changes all weights: head, middle and tail tell
            for place in (0, size // 2, max(0, size - SAMPLED_BYTES)):
                file.seek(place)
                digest.update(file.read(SAMPLED_BYTES))
    return f"{Path(name).resolve().name}@{digest.hexdigest()[:12]}"


@lru_cache(maxsize=1)
def cached_session(model: str, device: str | None, dtype: str) -> Session:
    return open_session(model, [], None, 0.0, device, dtype)[0]


def label_clips(
    paths: Iterable[str],
    model: str = "llamo",
    plan: LabelPlan | None = None,
    batch_size: int = 16,
    device: str | None = None,
    dtype: str = "auto",
) -> Iterator[dict]:
    """Rows of the clips at `paths`, in batches of like size; a process loads a checkpoint once, however often it is called.

    Raises:
        BadInputError: no such checkpoint or device. A clip that cannot be read is a row with its error.
    """
    session, plan = cached_session(model, device, dtype), plan or LabelPlan()
    version = model_version(model, session.model)
    clips = [Clip(path, os.path.getsize(path) if os.path.isfile(path) else 0) for path in paths]
    for batch in batches(clips, batch_size, Shard()):
        yield from label_batch(session, batch, plan, version, batch_size)
