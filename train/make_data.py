"""Make instruction data: procedural and recorded motions with questions, as Parquet that stock `trl sft` takes.

    python -m llamo.train.make_data --num 6000 --recorded ../shared/data/cmu_train.parquet --out data/instruct

Each row has `images` (empty, so that trl treats it as multimodal) and `messages`; the motion lies in its message part, as
the bytes of an npz file of joints. A share of the rows is text alone, so that the model keeps talking.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from llamo.train.labelled_motion import FPS, change_body, slow_noise, synthetic_motions
from llamo.train.questions.program_questions import ask_program
from llamo.train.questions.question import Question
from llamo.train.questions.recorded_questions import ask_recorded
from llamo.train.recorded import RecordedClip, read_recorded


PART = pa.struct(
    [("type", pa.string()), ("text", pa.string()), ("bytes", pa.binary()), ("format", pa.string()),
     ("units", pa.string()), ("up_axis", pa.string())]
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("images", pa.list_(pa.binary())),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(PART))]))),
        ("kinds", pa.list_(pa.string())),
    ]
)
TEXT_ROWS = (
    ("What can you do?", "I answer questions about human motion: what a person does, how often, on which side and how fast."),
    ("Hello!", "Hello! Give me a motion file and ask what the person does."),
    ("Who are you?", "I am LLaMo, an assistant that reads human motion."),
    ("What is the capital of France?", "The capital of France is Paris."),
    ("How do I do a squat?", "Stand with the feet at shoulder width, bend hips and knees, keep the back straight, rise."),
    ("What is a lunge?", "A lunge is a step forward in which both knees bend and the body goes down."),
    ("Name three warm-up exercises.", "Jumping jacks, arm circles and high knees."),
    ("Which file formats can I give you?", "BVH files, and joints of 22 points as npy or npz."),
    ("Thank you.", "You are welcome."),
    ("How many legs does a spider have?", "A spider has eight legs."),
    ("What is 3 plus 4?", "3 plus 4 is 7."),
    ("What should I do without a motion file?", "Record a motion or open an example, then ask about it."),
)  # fmt: skip


def motion_part(joints: np.ndarray) -> dict:
    """Joints `(num_frames, 22, 3)` at 20 fps as a self-contained message part."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, joints=joints.astype(np.float32), fps=np.float32(FPS))
    return {"type": "motion", "bytes": buffer.getvalue(), "format": "npz", "units": "m", "up_axis": "Y"}


def row(joints: np.ndarray, questions: list[Question], rng: np.random.Generator) -> dict:
    """One conversation: the motion before (mostly) or after the first question's text, further questions as text."""
    messages = []
    for turn, question in enumerate(questions):
        content = [{"type": "text", "text": question.question}]
        if turn == 0:
            content.insert(0 if rng.random() < 0.85 else 1, motion_part(joints))
        messages.append({"role": "user", "content": content})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": question.answer}]})
    return {"images": [], "messages": messages, "kinds": [question.kind for question in questions]}


def text_row(rng: np.random.Generator) -> dict:
    question, answer = TEXT_ROWS[rng.integers(len(TEXT_ROWS))]
    messages = [
        {"role": "user", "content": [{"type": "text", "text": question}]},
        {"role": "assistant", "content": [{"type": "text", "text": answer}]},
    ]
    return {"images": [], "messages": messages, "kinds": ["text"]}


def vary(joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another body and another sensor; nothing that a question asks for changes."""
    joints = joints.astype(np.float64)
    if rng.random() < 0.8:
        joints = change_body(joints, rng)
    draw = rng.random()
    if draw < 0.35:
        joints = joints + rng.normal(0, rng.uniform(0.0005, 0.004), joints.shape)
    elif draw < 0.5:
        joints = joints + slow_noise(len(joints), rng) * rng.uniform(0.008, 0.025)
    return joints


def procedural_rows(num: int, seed: int, turns: int, workers: int):
    rng = np.random.default_rng([seed, 1])
    for motion in synthetic_motions(num, seed, False, workers):
        questions = ask_program(motion, rng, turns)
        if questions:
            yield row(vary(motion.joints, rng), questions, rng)


def recorded_rows(clips: list[RecordedClip], num: int, seed: int, turns: int):
    """Windows and whole clips, mirrored half of the time; actions rather evenly, because most recordings are walks."""
    rng = np.random.default_rng([seed, 2])
    groups: dict[tuple, list[RecordedClip]] = {}
    for clip in clips:
        groups.setdefault(clip.actions or (clip.description,), []).append(clip)
    keys = list(groups)
    weights = np.array([len(groups[key]) for key in keys], dtype=float) ** 0.45
    weights /= weights.sum()
    made = 0
    while made < num:
        group = groups[keys[rng.choice(len(keys), p=weights)]]
        clip = group[rng.integers(len(group))]
        clip = clip.mirrored() if rng.random() < 0.5 else clip
        length = len(clip.joints)
        if clip.seconds > 3.0 and (rng.random() < 0.5 or clip.seconds > 14.0):
            width = int(rng.uniform(2.0, min(12.0, clip.seconds)) * clip.fps)
            start = int(rng.integers(length - width + 1))
            clip = clip.window(start, start + width)
        questions = ask_recorded(clip, rng, turns)
        if questions:
            made += 1
            yield row(vary(clip.joints, rng), questions, rng)


def main(arguments=None) -> None:
    args = make_parser().parse_args(arguments)
    rng = np.random.default_rng([args.seed, 3])
    rows = list(procedural_rows(args.num, args.seed, args.turns, args.workers))
    clips = [clip for path in args.recorded for clip in read_recorded(path, "train")]
    if clips:
        rows += recorded_rows(clips, args.num_recorded, args.seed, args.turns)
    rows += [text_row(rng) for _ in range(args.num_text)]
    order = rng.permutation(len(rows))
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    for index, start in enumerate(range(0, len(rows), args.rows_per_shard)):
        shard = [rows[i] for i in order[start : start + args.rows_per_shard]]
        parquet.write_table(pa.Table.from_pylist(shard, SCHEMA), out / f"train-{index:05d}.parquet", compression="none")
    print(f"{len(rows)} conversations in {out}")


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=6000, help="procedural conversations")
    parser.add_argument("--recorded", nargs="*", default=[], help="Parquet files whose train split is used")
    parser.add_argument("--num-recorded", type=int, default=1500, help="conversations about recorded clips")
    parser.add_argument("--num-text", type=int, default=150, help="conversations without motion")
    parser.add_argument("--turns", type=int, default=3, help="questions per motion at most")
    parser.add_argument("--rows-per-shard", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="data/instruct")
    return parser


if __name__ == "__main__":
    main()
