"""Asked motions as rows that stock `trl sft` trains on."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from llamo.processing.motion_errors_llamo import MotionFormatError
from llamo.processing.motion_formats_llamo import joints_to_raw_motion
from llamo.train.asked_motions import AskedMotion, AskedPair
from llamo.train.augmentation import FPS
from llamo.train.filmed_motions import FilmedMotion
from llamo.train.questions.general_questions import general_answers
from llamo.train.questions.question import Question
from llamo.train.questions.scoring import LETTERED


PART = pa.struct(
    [("type", pa.string()), ("text", pa.string()), ("bytes", pa.binary()), ("format", pa.string()),
     ("units", pa.string()), ("up_axis", pa.string()), ("offset_s", pa.float32())]
)  # fmt: skip
# `images` is empty everywhere: without the column, trl takes a row for text alone and the motion never reaches the model.
SCHEMA = pa.schema(
    [
        ("images", pa.list_(pa.binary())),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(PART))]))),
        ("kind", pa.string()),
        ("answer", pa.string()),
        ("choices", pa.list_(pa.string())),
        ("tolerance", pa.float32()),
        ("kinds", pa.list_(pa.string())),
        ("program", pa.string()),
        ("source", pa.string()),
        ("length", pa.int32()),
        ("measured", pa.bool_()),
    ]
)
MOST_CHOICES = 10  # a question that leaves more answers open is an open one
# What is learned slowest is asked more: to name one action out of all, to find an option's letter, to count, to tell when.
KIND_WEIGHTS = {
    "action": 1.7, "angle": 1.5, "count": 1.6, "distance": 1.5, "side": 1.3, "speed": 1.2, "order": 1.8, "time": 1.8,
    "caption": 1.1, "duration": 0.6, "form": 3.0, "unanswerable": 1.2, "yes_no": 0.7
}  # fmt: skip
LETTERED_WEIGHT = 3.0
OWN_TURNS = (
    ("What can you do?", "I answer questions about human motion: what a person does, how often, on which side and how fast."),
    ("Hello!", "Hello! Give me a motion file and ask what the person does."),
    ("Who are you?", "I am LLaMo, an assistant that reads human motion."),
    ("Which file formats can I give you?", "BVH files, and joints of 22 points as npy or npz."),
    ("Thank you.", "You are welcome."),
    ("What should I do without a motion file?", "Record a motion or open an example, then ask about it."),
)  # fmt: skip
OWN_SHARE = 0.1  # of what is asked beside the motion, what LLaMo says of itself


def motion_part(joints: np.ndarray) -> dict:
    """Joints `(num_frames, 22, 3)` at 20 fps as a self-contained message part."""
    buffer = io.BytesIO()
    np.savez(buffer, joints=joints.astype(np.float32), fps=np.float32(FPS))
    return {"type": "motion", "bytes": buffer.getvalue(), "format": "npz", "units": "m", "up_axis": "Y"}


def video_part(video: bytes, offset_s: float) -> dict:
    """An mp4 file in memory as a self-contained message part; `offset_s` is when it starts on the clock of its motion."""
    return {"type": "video", "bytes": video, "format": "mp4", "offset_s": offset_s}


def motion_row(asked: AskedMotion, rng: np.random.Generator, turns: int) -> dict | None:
    """One conversation about a motion; `None` where nothing can be asked or the motion cannot be read.

    Most conversations have a single turn: an answer says things that make the next question easy without the motion.

    Args:
        asked: the motion with its questions.
        rng: chooses among them.
        turns: questions at most.
    """
    return conversation((asked.joints,), asked, rng, turns)


def pair_row(asked: AskedPair, rng: np.random.Generator, turns: int) -> dict | None:
    """One conversation about two motions, which stand in its first message in their order; as `motion_row`."""
    return conversation(asked.joints, asked, rng, turns)


def filmed_row(asked: FilmedMotion, rng: np.random.Generator, turns: int) -> dict | None:
    """One conversation about a motion and its video, in either order; as `motion_row`."""
    videos = [] if asked.video is None else [video_part(asked.video, asked.offset_s)]
    return conversation((asked.joints,), asked, rng, turns, videos)


def conversation(
    motions: Sequence[np.ndarray],
    asked: AskedMotion | AskedPair | FilmedMotion,
    rng: np.random.Generator,
    turns: int,
    videos: Sequence[dict] = (),
) -> dict | None:
    """The row of one or several motions `(num_frames, 22, 3)`, in whose first message they stand, beside their video parts."""
    if not asked.questions:
        return None
    try:
        for joints in motions:
            joints_to_raw_motion(joints, FPS, units="m", up_axis="y")
    except MotionFormatError:  # so much noise on so short an arm that the reader would refuse it
        return None
    measured = getattr(asked, "measured", False)  # then no answer helps with the next question
    num = turns if measured else 1 if rng.random() < 0.65 else int(rng.integers(2, max(3, turns + 1)))
    # Weighted order without replacement (Efraimidis and Spirakis 2006).
    order = np.argsort(rng.exponential(size=len(asked.questions)) / [weight(question) for question in asked.questions])
    chosen = [asked.questions[int(index)] for index in order[:num]]
    messages = []
    for turn, question in enumerate(chosen):
        content = [text_part(question.question)]
        if turn == 0:
            # Most users drop the file first and ask then.
            place = 0 if rng.random() < 0.85 else 1
            media = [*(motion_part(joints) for joints in motions), *videos]
            content[place:place] = media[::-1] if videos and rng.random() < 0.2 else media
        messages += [{"role": "user", "content": content}, {"role": "assistant", "content": [text_part(question.answer)]}]
    program = json.dumps(asked.program, separators=(",", ":")) if asked.program else None
    return {**row_of(messages, chosen), "program": program, "source": asked.source, "measured": measured}


def weight(question: Question) -> float:
    """How much more often than others a question is asked."""
    return LETTERED_WEIGHT if LETTERED.search(question.question) else KIND_WEIGHTS.get(question.kind, 1.0)


def text_row(rng: np.random.Generator, asked: AskedMotion | None = None) -> dict | None:
    """A conversation in which something is asked that no motion answers, so that the language model keeps talking.

    Args:
        rng: chooses what.
        asked: a motion that stands in it all the same, with its questions, one of which may be asked before; `None` for text
            alone. `None` comes back where the motion cannot be read.
    """
    pairs = OWN_TURNS if rng.random() < OWN_SHARE else general_answers()
    question, answer = pairs[rng.integers(len(pairs))]
    told = {"role": "assistant", "content": [text_part(answer)]}
    row = None if asked is None else motion_row(asked, rng, 1)
    if asked is not None and row is None:
        return None
    if row is not None and rng.random() < 0.5:
        row["messages"] += [{"role": "user", "content": [text_part(question)]}, told]
        return {**row, "kinds": [*row["kinds"], "text"], "length": length(row["messages"])}
    shown = [] if row is None else [part for part in row["messages"][0]["content"] if part["type"] != "text"]
    messages = [{"role": "user", "content": [*shown, text_part(question)]}, told]
    return {**row_of(messages, []), "kind": "text", "answer": answer, "kinds": ["text"], "program": None, "source": "text"}


def text_part(text: str) -> dict:
    return {"type": "text", "text": text}


def row_of(messages: list[dict], questions: list[Question]) -> dict:
    """Messages with what a judge needs to score the first answer: kind, key, keys it could have had, tolerance of a number."""
    row = {"images": [], "messages": messages, "kinds": [question.kind for question in questions], "length": length(messages)}
    if questions:
        first = questions[0]
        few = 0 < len(first.choices) <= MOST_CHOICES
        row |= {"kind": first.kind, "answer": first.key, "choices": list(first.choices) if few else None}
        row["tolerance"] = first.tolerance
    return row


def length(messages: list[dict]) -> int:
    """About how many tokens a conversation has, to two or three; rows of a batch should be of one length."""
    parts = [part for message in messages for part in message["content"]]
    texts = [len(part["text"]) for part in parts if part["type"] == "text"]
    return sum(texts) // 4 + 20 * (len(messages) // 2) + 21 * (len(parts) - len(texts))


def to_parquet(rows: list[dict]) -> bytes:
    """Rows as one Parquet file in memory."""
    buffer = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, SCHEMA), buffer, compression="zstd")
    return buffer.getvalue()
