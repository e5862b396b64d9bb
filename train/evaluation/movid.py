"""Suites `movid` and `swing`: free answers judged by meaning.

MoVid-Bench (MotionLLM): body-part awareness, sequentiality, direction, reasoning, hallucination; motion and video parts.
Neither it nor Swing (LLaMo) was released in a fixed layout; ours is `questions.json` (or .jsonl): rows with `question`,
`answer`, `type` (or `kind`) and the file in `motion`, `video` or `file_name`, relative to the folder; `fps` where a file
does not say. Videos become motion as any other file does, and one that cannot be read is listed.

"All" is given both ways: over all questions, as published for motion, and as the plain mean of the kinds, as for video.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llamo.train.public_data import Told
from llamo.train.questions import Question

from .items import Item, numbered
from .judges import judge_for
from .motion_files import Motions, any_motion, one_folder
from .statistics import interval_of
from .suite import Suite, SuiteOptions


FILES = ("questions.json", "questions.jsonl")
NAMES = ("motion", "video", "file_name", "motion_file")


def read_rows(root: Path) -> list[dict[str, Any]]:
    """The rows of the questions' file.

    Raises:
        ValueError: no such file, or rows that lack something.
    """
    path = next((root / name for name in FILES if (root / name).is_file()), None)
    if path is None:
        raise ValueError(f"Expected {' or '.join(FILES)} with question, answer and type, got neither in {root}. Write it.")
    text = path.read_text(encoding="utf-8")
    try:
        rows = [json.loads(line) for line in text.splitlines() if line.strip()] if path.suffix == ".jsonl" else json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"Expected JSON, got {error} in {path}. Correct it.") from None
    rows = list(rows.values()) if isinstance(rows, dict) else rows
    for index, row in enumerate(rows):
        if not row.get("question") or not row.get("answer") or not any(row.get(name) for name in NAMES):
            raise ValueError(
                f"Expected question, answer and one of {', '.join(NAMES)}, got {', '.join(row)} in row {index} of {path}. "
                "Complete the row."
            )
    return rows


def builder(suite: str):
    def build(options: SuiteOptions) -> list[Item]:
        root = one_folder(options.data, suite)
        motions, items = Motions(options.left_out), []
        for index, row in enumerate(read_rows(root)):
            if options.limit is not None and len(items) == options.limit:
                break
            name = next(row[key] for key in NAMES if row.get(key))
            try:
                told = Told(any_motion(root, name), said={"fps": float(row["fps"])} if row.get("fps") else {})
            except FileNotFoundError as error:
                options.left_out.append((str(name), f"Expected {error}, got nothing."))
                continue
            joints = motions.read(told)
            if joints is None:
                continue
            question = Question("caption", row["question"].strip(), row["answer"].strip(), row["answer"].strip())
            kind = str(row.get("type") or row.get("kind") or "all").lower().replace(" ", "_")
            facts = {"published": row.get("id", index), "part": "video" if row.get("video") else "motion"}
            items.append(Item("", kind, question, str(name), joints, facts=facts))
        return numbered(suite, items)

    return build


def measures(items: Sequence[Item], records: Sequence[dict[str, Any]], session: Any = None) -> dict[str, Any]:
    """Accuracy and score of each part, "All" over questions and over kinds, of the model and its blind and shuffled self."""
    found: dict[str, Any] = {}
    for part in sorted({item.facts["part"] for item in items}):
        rows = [place for place, item in enumerate(items) if item.facts["part"] == part]
        found[part] = {}
        for name, prefix in (("model", ""), ("blind", "blind_"), ("shuffled", "shuffled_")):
            if not all(f"{prefix}agreement" in records[i] for i in rows):
                continue
            found[part][name] = figures([items[i].kind for i in rows], [records[i] for i in rows], prefix)
        values = [records[i]["agreement"] for i in rows]
        low, high = interval_of(
            lambda picks, values=values: float(np.mean([values[i] for i in picks])),
            [items[i].clip for i in rows],
            np.random.default_rng(0),
        )
        found[part]["accuracy 95 %"] = [low, high]
    return {"judged": found}


def figures(kinds: Sequence[str], records: Sequence[dict[str, Any]], prefix: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, field in (("accuracy", "agreement"), ("score", "score")):
        values = np.array([record[f"{prefix}{field}"] for record in records])
        each = {kind: float(values[[k == kind for k in kinds]].mean()) for kind in sorted(set(kinds))}
        row[name] = {"all_questions": float(values.mean()), "mean_of_kinds": float(np.mean(list(each.values()))), **each}
    return row


def suite(name: str, protocol: str, about: str) -> Suite:
    return Suite(
        name,
        protocol,
        about,
        builder(name),
        needs="a folder with questions.json and the motions or videos; and --judge",
        judge_for=judge_for,
        measures=measures,
    )


MOVID = suite("movid", "movid-bench-judged-2", "MoVid-Bench: five kinds of free questions, judged by meaning (accuracy, score)")
SWING = suite("swing", "swing-judged-2", "Swing: questions about baseball and golf swings, judged by meaning")
