"""Score a model on questions with checkable answers, beside what it would score without looking.

    python -m llamo.train.evaluate --model llamo --real clips.parquet --num 400 --seed 7 --out results.json

Two sources: held-out procedural motions (bodies, styles and ranges that training never draws) and recorded clips. Four
columns stand beside the model's accuracy: *blind* (the same model and the same tokens, every motion feature zero),
*shuffled* (the same model, another clip's motion), *chance* (guessing evenly among the possible answers) and *majority*
(always giving the commonest answer of the question's kind). Writes `results.json`, `predictions.jsonl` beside it, and
prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llamo.train.evaluation import real, synthetic
from llamo.train.evaluation.answering import CONDITIONS, DEFAULT_NEW_TOKENS, NEW_TOKENS, load_model
from llamo.train.evaluation.answering import answer as answer_batch
from llamo.train.evaluation.items import UNGROUNDED, balanced, original
from llamo.train.evaluation.statistics import gap_interval, majority, wilson
from llamo.train.questions import KINDS, Question, score
from llamo.train.recorded import RecordedClip, read_recorded


__all__ = [
    "CONDITIONS",
    "Item",
    "answer",
    "balanced",
    "evaluate",
    "gap_interval",
    "majority",
    "markdown",
    "summarise",
    "wilson",
]


@dataclass(frozen=True)
class Item:
    """One question about one clip: joints `(num_frames, 22, 3)` in metres at `fps`."""

    source: str
    clip: str
    joints: np.ndarray
    fps: float
    question: Question


# 1. The questions


def procedural_items(num: int, rng: np.random.Generator, per_motion: int = 3) -> list[Item]:
    """`num` questions about held-out procedural motions, half of them in phrasings that training never uses."""
    items = synthetic.procedural_items(num, rng, per_motion, every_other=True)
    return [Item("procedural", item.clip, item.joints, item.fps, item.question) for item in items]


def recorded_items(clips: Sequence[RecordedClip], num: int, rng: np.random.Generator) -> list[Item]:
    """At most `num` questions about recorded clips, their mirror images and parts of 2 to 6 seconds, answers balanced."""
    items = real.recorded_items(clips, num, rng)
    return [Item("recorded", item.clip, item.joints, item.fps, item.question) for item in items]


# 2. The answers


def answer(model: Any, processor: Any, items: Sequence[Item], condition: str, batch_size: int, seed: int = 0) -> list[str]:
    """The model's greedy answer to every item under one condition, in the items' order."""
    if condition not in CONDITIONS:
        raise ValueError(f"expected a condition out of {', '.join(CONDITIONS)}, got {condition!r} in evaluate.answer; use one")
    motions = [(item.joints, item.fps) for item in items]
    if condition == "shuffled":
        motions = _other_motions(items, np.random.default_rng(seed))
    # Rows of one batch take as long as its longest: batch alike lengths together, captions apart.
    order = sorted(
        range(len(items)),
        key=lambda i: (
            NEW_TOKENS.get(items[i].question.kind, DEFAULT_NEW_TOKENS),
            len(motions[i][0]) / motions[i][1],
            len(items[i].question.question),
        ),
    )
    answers = [""] * len(items)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        asked = [(items[row].question.question, (motions[row],)) for row in rows]
        longest = max(NEW_TOKENS.get(items[row].question.kind, DEFAULT_NEW_TOKENS) for row in rows)
        for row, text in zip(rows, answer_batch(model, processor, asked, longest, condition == "blind"), strict=True):
            answers[row] = text
    return answers


def _other_motions(items: Sequence[Item], rng: np.random.Generator) -> list[tuple[np.ndarray, float]]:
    """For each item the motion of another clip of its source (its own where the source has only one)."""
    out = []
    for item in items:
        others = [other for other in items if other.source == item.source and other.clip != item.clip]
        other = others[int(rng.integers(len(others)))] if others else item
        out.append((other.joints, other.fps))
    return out


# 3. The figures


def summarise(items: Sequence[Item], verdicts: dict[str, list[bool]], seed: int = 0) -> list[dict[str, Any]]:
    """One row a source and kind, and one over all grounded kinds of a source."""
    rng = np.random.default_rng(seed)
    rows = []
    for source in dict.fromkeys(item.source for item in items):
        groups = [("all", [i for i, item in enumerate(items) if item.source == source and item.question.kind != UNGROUNDED])]
        groups += [
            (kind, [i for i, item in enumerate(items) if item.source == source and item.question.kind == kind])
            for kind in KINDS
        ]
        if source == "procedural":
            for name, flag in (("all, phrasings seen in training", False), ("all, phrasings never seen", True)):
                groups.append((name, [i for i in groups[0][1] if items[i].question.held_out == flag]))
        for name, chosen in groups:
            if not chosen:
                continue
            questions = [items[i].question for i in chosen]
            row: dict[str, Any] = {"source": source, "kind": name, "num": len(chosen)}
            for condition, right in verdicts.items():
                hits = sum(right[i] for i in chosen)
                low, high = wilson(hits, len(chosen))
                row[condition] = {"accuracy": hits / len(chosen), "low": low, "high": high}
            row["chance"] = float(np.mean([question.chance for question in questions]))
            row["majority"] = majority(questions)
            if "model" in verdicts and "blind" in verdicts:
                low, high = gap_interval(
                    [verdicts["model"][i] for i in chosen],
                    [verdicts["blind"][i] for i in chosen],
                    [original(items[i].clip) for i in chosen],
                    rng,
                )
                gap = row["model"]["accuracy"] - row["blind"]["accuracy"]
                row["model_minus_blind"] = {"points": gap, "low": low, "high": high}
            rows.append(row)
    return rows


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as a table, accuracies in per cent."""
    conditions = [name for name in CONDITIONS if rows and name in rows[0]]
    head = ["source", "kind", "n", *(f"{name} %" for name in conditions), "model - blind", "chance %", "majority %"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = [row["source"], row["kind"], str(row["num"])]
        for name in conditions:
            value = row[name]
            cell = f"{100 * value['accuracy']:.1f}"
            cells.append(f"{cell} ({100 * value['low']:.0f}-{100 * value['high']:.0f})" if name == "model" else cell)
        gap = row.get("model_minus_blind")
        cells.append(f"{100 * gap['points']:+.1f} ({100 * gap['low']:+.0f} to {100 * gap['high']:+.0f})" if gap else "")
        cells += [f"{100 * row['chance']:.1f}", f"{100 * row['majority']:.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


# 4. The command


def evaluate(
    model: Any,
    processor: Any,
    items: Sequence[Item],
    *,
    batch_size: int = 16,
    conditions: Iterable[str] = CONDITIONS,
    seed: int = 0,
    log: Any = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Table rows and one record a question with the answers under every condition."""
    predictions: dict[str, list[str]] = {}
    for condition in conditions:
        began = time.perf_counter()
        predictions[condition] = answer(model, processor, items, condition, batch_size, seed)
        if log is not None:
            print(f"{condition}: {len(items)} answers in {time.perf_counter() - began:.1f} s", file=log, flush=True)
    verdicts = {name: [score(item.question, text) for item, text in zip(items, texts)] for name, texts in predictions.items()}
    records = []
    for index, item in enumerate(items):
        question = item.question
        record: dict[str, Any] = {
            "source": item.source, "clip": item.clip, "kind": question.kind, "held_out_phrasing": question.held_out,
            "question": question.question, "answer": question.answer, "key": question.key,
            "num_choices": len(question.choices), "tolerance": question.tolerance,
        }  # fmt: skip
        if len(question.choices) <= 12:
            record["choices"] = list(question.choices)
        for name, texts in predictions.items():
            record[name] = texts[index]
            record[f"{name}_right"] = verdicts[name][index]
        records.append(record)
    return summarise(items, verdicts, seed), records


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m llamo.train.evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="llamo", help="folder or Hub id of the assembled model")
    parser.add_argument("--real", nargs="*", default=[], metavar="FILE", help="Parquet files of recorded clips")
    parser.add_argument("--split", choices=("val", "train", "all"), default="val",
                        help="rows of the recorded files; a file without splits always counts whole")  # fmt: skip
    parser.add_argument("--num", type=int, default=400, help="questions about procedural motions")
    parser.add_argument("--num-real", type=int, default=300, help="questions about recorded clips, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--conditions", nargs="*", default=list(CONDITIONS), choices=CONDITIONS)
    parser.add_argument("--device", default=None)
    parser.add_argument("--dtype", default=None, choices=("float32", "bfloat16", "float16"))
    parser.add_argument("--out", default="results.json", help="figures; predictions.jsonl is written beside it")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    items: list[Item] = []
    try:
        if args.num > 0:
            items += procedural_items(args.num, np.random.default_rng([args.seed, 1]))
        if args.real:
            split = None if args.split == "all" else args.split
            clips = [clip for path in args.real for clip in read_recorded(path, split)]
            items += recorded_items(clips, args.num_real, np.random.default_rng([args.seed, 2]))
    except (OSError, ValueError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    if not items:
        print("evaluate: nothing to ask; give --num above 0 or --real FILE", file=sys.stderr)
        return 2
    processor, model = load_model(args.model, args.device, args.dtype)
    rows, records = evaluate(
        model, processor, items, batch_size=args.batch_size, conditions=args.conditions, seed=args.seed, log=sys.stderr
    )
    command = "python -m llamo.train.evaluate " + " ".join(argv if argv is not None else sys.argv[1:])
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"command": command, "arguments": vars(args), "rows": rows}, indent=1) + "\n")
    with open(out.with_name("predictions.jsonl"), "w") as file:
        file.write(json.dumps({"command": command}) + "\n")
        file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    print(markdown(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
