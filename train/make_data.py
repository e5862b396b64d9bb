"""Make instruction data: procedural and recorded motions with questions, as Parquet that stock `trl sft` takes.

    python -m llamo.train.make_data --num 16000 --recorded ../shared/data/cmu_train.parquet --out data/instruct

Each row has `images` (empty, so that trl treats it as multimodal) and `messages`; the motion lies in its message part, as
the bytes of an npz file of joints. A share of the rows is text alone, so that the model keeps talking.
"""

from __future__ import annotations

import argparse
import io
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from llamo.processing.motion_errors_llamo import MotionFormatError
from llamo.processing.motion_formats_llamo import joints_to_raw_motion
from llamo.train.asked_motions import AskedMotion, draw_many
from llamo.train.augmentation import FPS
from llamo.train.labelled_motion import action_vocabulary
from llamo.train.recorded import read_recorded


PART = pa.struct(
    [("type", pa.string()), ("text", pa.string()), ("bytes", pa.binary()), ("format", pa.string()),
     ("units", pa.string()), ("up_axis", pa.string())]
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("images", pa.list_(pa.binary())),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(PART))]))),
        ("kinds", pa.list_(pa.string())),
        ("length", pa.int32()),
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
    np.savez(buffer, joints=joints.astype(np.float32), fps=np.float32(FPS))
    return {"type": "motion", "bytes": buffer.getvalue(), "format": "npz", "units": "m", "up_axis": "Y"}


def to_row(asked: AskedMotion, seed: int, turns: int) -> dict | None:
    """One conversation about a motion; `None` where nothing can be asked or the motion cannot be read.

    Most conversations have a single turn: an answer says things that make the next question easy without the motion.
    """
    if not asked.questions:
        return None
    try:
        joints_to_raw_motion(asked.joints, FPS, units="m", up_axis="y")
    except MotionFormatError:  # so much noise on so short an arm that the reader would refuse it
        return None
    # The motion itself seeds the choice, so that it does not depend on which process makes the row.
    rng = np.random.default_rng([seed, int(np.abs(asked.joints[-1]).sum() * 1e4)])
    num = 1 if rng.random() < 0.65 else int(rng.integers(2, max(3, turns + 1)))
    chosen = [asked.questions[int(index)] for index in rng.permutation(len(asked.questions))[:num]]
    messages = []
    for turn, question in enumerate(chosen):
        content = [{"type": "text", "text": question.question}]
        if turn == 0:
            content.insert(0 if rng.random() < 0.85 else 1, motion_part(asked.joints))
        messages.append({"role": "user", "content": content})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": question.answer}]})
    kinds = [question.kind for question in chosen]
    return {"images": [], "messages": messages, "kinds": kinds, "length": length(messages)}


def length(messages: list[dict]) -> int:
    """About how many tokens a conversation has; rows of a batch should be of one length."""
    texts = [part["text"] for message in messages for part in message["content"] if part["type"] == "text"]
    return sum(len(text) for text in texts) // 4 + 10 * len(texts)


def text_row(rng: np.random.Generator) -> dict:
    question, answer = TEXT_ROWS[rng.integers(len(TEXT_ROWS))]
    messages = [
        {"role": "user", "content": [{"type": "text", "text": question}]},
        {"role": "assistant", "content": [{"type": "text", "text": answer}]},
    ]
    return {"images": [], "messages": messages, "kinds": ["text"], "length": length(messages)}


def main(arguments=None) -> None:
    args = make_parser().parse_args(arguments)
    rng = np.random.default_rng([args.seed, 3])
    clips = [clip for path in args.recorded for clip in read_recorded(path, "train")]
    convert = partial(to_row, seed=args.seed, turns=args.turns)
    shared = {"workers": args.workers, "actions": tuple(action_vocabulary(clips)), "convert": convert}
    rows = list(draw_many(args.num, args.seed + 500, **shared))
    if clips:
        rows += draw_many(args.num_recorded, args.seed + 501, recorded=tuple(args.recorded), **shared)
    rows = [row for row in rows if row is not None] + [text_row(rng) for _ in range(args.num_text)]
    order = rng.permutation(len(rows))
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("train-*.parquet"):
        old.unlink()
    for index, start in enumerate(range(0, len(rows), args.rows_per_shard)):
        shard = [rows[i] for i in order[start : start + args.rows_per_shard]]
        parquet.write_table(pa.Table.from_pylist(shard, SCHEMA), out / f"train-{index:05d}.parquet")
    kinds = Counter(kind for row in rows for kind in row["kinds"])
    print(f"{len(rows)} conversations in {out}; questions: {dict(kinds.most_common())}")


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=16000, help="procedural conversations")
    parser.add_argument("--recorded", nargs="*", default=[], help="Parquet files whose train split is used")
    parser.add_argument("--num-recorded", type=int, default=5000, help="conversations about recorded clips")
    parser.add_argument("--num-text", type=int, default=300, help="conversations without motion")
    parser.add_argument("--turns", type=int, default=4, help="questions per conversation at most")
    parser.add_argument("--rows-per-shard", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="data/instruct")
    return parser


if __name__ == "__main__":
    main()
