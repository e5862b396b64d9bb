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
import math
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from llamo.train.questions import KINDS, Question, ask_program, ask_recorded, score
from llamo.train.recorded import RecordedClip, read_recorded, windows


CONDITIONS = ("model", "blind", "shuffled")
# The right answer stands in the question: no measure of what the model sees in the motion.
UNGROUNDED = "unanswerable"
# Generation stops early anyway; a caption needs more room than a word.
NEW_TOKENS = {"caption": 72, "action": 32, "order": 32}
DEFAULT_NEW_TOKENS = 28


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
    from llamo.train.synthesis.engine import synthesize

    items: list[Item] = []
    index = 0
    while len(items) < num:
        motion = synthesize(rng, held_out=True)
        for question in ask_program(motion, rng, per_motion, held_out=bool(index % 2)):
            items.append(Item("procedural", f"procedural_{index}", motion.joints, motion.fps, question))
        index += 1
    return items[:num]


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
            parts = list(windows(clip, rng, 4))
            views += [part if index % 2 else part.mirrored() for index, part in enumerate(parts) if part is not clip]
        for view in views:
            for held_out in (False, True):
                # Wrong choices are drawn from what these clips show, or the right one would be the likely one.
                vocabulary = present if len(present) >= 8 else None
                for question in ask_recorded(view, rng, 12, held_out=held_out, vocabulary=vocabulary, keep_all=True):
                    candidates.append(Item("recorded", view.id, view.joints, view.fps, question))
    per_kind = max(12, math.ceil(num / 9))
    chosen: list[list[Item]] = []
    for kind in KINDS:
        groups: dict[tuple, list[Item]] = defaultdict(list)
        for item in candidates:
            if item.question.kind == kind:
                groups[answer_set(item.question)].append(item)
        # "Forwards or backwards?" where all go forwards measures nothing, although "which way?" may.
        picked = [balanced(group, per_kind, rng) for group in groups.values()]
        turns = max((len(group) for group in picked), default=0)
        chosen.append([group[place] for place in range(turns) for group in picked if place < len(group)][:per_kind])
    # Kinds take turns too, so that a limit costs the common ones first.
    longest = max((len(group) for group in chosen), default=0)
    fair = [group[place] for place in range(longest) for group in chosen if place < len(group)][:num]
    return [fair[int(index)] for index in rng.permutation(len(fair))]


def answer_slot(question: Question) -> str:
    """What a guesser without eyes would guess: the key, or the place of the right option in a multiple choice."""
    return str(question.choices.index(question.key)) if question.kind == "choice" else question.key


def answer_set(question: Question) -> tuple:
    """The few answers a question leaves open; () where they are many or differ from question to question."""
    return question.choices if question.kind not in ("choice", "action") and len(question.choices) <= 5 else ()


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
        by_answer[answer] = _clips_in_turn(group)
    sizes = sorted((len(group) for group in by_answer.values()), reverse=True)
    cap = max(1, sizes[1])
    chosen: list[Item] = []
    for place in range(cap):
        for group in by_answer.values():
            if place < len(group) and len(chosen) < num:
                chosen.append(group[place])
    return chosen


def _clips_in_turn(items: Sequence[Item]) -> list[Item]:
    """First one question of each clip, then the second of each, ... (a mirror or a part counts as its clip)."""
    by_clip: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_clip[item.clip.split("@")[0].split("/")[0]].append(item)
    longest = max(len(group) for group in by_clip.values())
    return [group[place] for place in range(longest) for group in by_clip.values() if place < len(group)]


# 2. The answers


def load_model(model_path: str, device: str | None = None, dtype: str | None = None) -> tuple[Any, Any]:
    """Processor and model through transformers' Auto classes, ready to generate."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(model_path, trust_remote_code=True)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    options = {"dtype": getattr(torch, dtype)} if dtype else {}
    model = AutoModelForImageTextToText.from_pretrained(model_path, trust_remote_code=True, **options)
    return processor, model.to(device).eval()


def answer(model: Any, processor: Any, items: Sequence[Item], condition: str, batch_size: int, seed: int = 0) -> list[str]:
    """The model's greedy answer to every item under one condition, in the items' order."""
    import torch

    if condition not in CONDITIONS:
        raise ValueError(f"expected a condition out of {', '.join(CONDITIONS)}, got {condition!r} in evaluate.answer; use one")
    processor.tokenizer.padding_side = "left"  # generation goes on at the right end
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
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            chats = [
                [
                    {
                        "role": "user",
                        "content": [
                            {"type": "motion", "motion": motions[row][0], "fps": motions[row][1]},
                            {"type": "text", "text": items[row].question.question},
                        ],
                    }
                ]
                for row in rows
            ]
            inputs = processor.apply_chat_template(
                chats, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt", padding=True
            ).to(model.device)
            if condition == "blind":
                # Zero in normalised space is the mean of training: a motion without information, in the same tokens.
                inputs["motion_values"] = torch.zeros_like(inputs["motion_values"])
            if inputs["motion_values"].is_floating_point():
                inputs["motion_values"] = inputs["motion_values"].to(model.dtype)
            longest = max(NEW_TOKENS.get(items[row].question.kind, DEFAULT_NEW_TOKENS) for row in rows)
            output = model.generate(**inputs, max_new_tokens=longest, do_sample=False)
            texts = processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
            for row, text in zip(rows, texts):
                answers[row] = text.strip()
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


def wilson(right: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if total == 0:
        return 0.0, 1.0
    share = right / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def gap_interval(
    right: Sequence[bool], other: Sequence[bool], clips: Sequence[str], rng: np.random.Generator, draws: int = 2000
) -> tuple[float, float]:
    """95 % bootstrap interval of the difference of two accuracies, drawing clips: questions on one belong together."""
    names = sorted(set(clips))
    index = {name: place for place, name in enumerate(names)}
    totals, gaps = np.zeros(len(names)), np.zeros(len(names))
    for one, two, clip in zip(right, other, clips):
        totals[index[clip]] += 1
        gaps[index[clip]] += float(one) - float(two)
    picks = rng.integers(len(names), size=(draws, len(names)))
    values = gaps[picks].sum(1) / np.maximum(totals[picks].sum(1), 1)
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def majority(questions: Sequence[Question]) -> float:
    """Accuracy of always giving the commonest answer, for each kind of question and set of possible answers."""
    groups: dict[tuple, list[Question]] = defaultdict(list)
    for question in questions:
        groups[question.kind, answer_set(question)].append(question)
    return sum(max(_agreeing(group, guess) for guess in group) for group in groups.values()) / max(1, len(questions))


def _agreeing(questions: Sequence[Question], guess: Question) -> int:
    """For how many questions the answer to `guess` is right, within their tolerance."""
    slot = answer_slot(guess)
    if guess.tolerance:
        return sum(abs(float(slot) - float(question.key)) <= question.tolerance for question in questions)
    return sum(answer_slot(question) == slot for question in questions)


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
                    [items[i].clip.split("@")[0].split("/")[0] for i in chosen],
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
