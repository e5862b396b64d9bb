"""Suites `babelqa` and `humman-qa`: one word or phrase of a closed set, exactly.

BABEL-QA (Endo et al., ICML 2023) and HuMMan-QA (Li et al., ICCV 2025) share one layout: `questions.json` with question,
answer, babel_id and program, `split_question_ids.json`, `motion_sequences/ID/joints.npy` at 30 frames per second. The
protocol: accuracy of the answer word among all answers of the question's type (action, direction, body part), over the test
split. The type is the last function of the program (`query_action`, ...), or told by the question's words where there is
none. Our models answer freely: an answer counts when it says the right answer and no other of its type, and *exact* when it
consists of it alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llamo.train.public_data import Told, json_of
from llamo.train.questions import Question
from llamo.train.questions.scoring import said

from .items import Item, numbered
from .motion_files import Motions, one_folder
from .statistics import interval_of
from .suite import Suite, SuiteOptions


TYPES = {"action": "action", "direction": "direction", "body_part": "body_part", "body part": "body_part"}
FORM = "Answer with one word or a short phrase."


def type_of(question: dict[str, Any]) -> str:
    """action, direction or body_part."""
    functions = [str(step.get("function", "")) for step in question.get("program") or [] if isinstance(step, dict)]
    for text in [*reversed(functions), question["question"]]:
        for words, name in TYPES.items():
            if text.startswith(f"query_{words}") or (text == question["question"] and words in text.lower()):
                return name
    return "other"


def read_questions(root: Path, split: str) -> list[tuple[str, dict[str, Any]]]:
    """(id, question) of one split.

    Raises:
        ValueError: another layout than the published one.
    """
    try:
        questions, splits = json_of(root / "questions.json"), json_of(root / "split_question_ids.json")
        return [(str(key), questions[str(key)]) for key in splits[split]]
    except (FileNotFoundError, KeyError) as error:
        raise ValueError(
            f"Expected questions.json and split_question_ids.json as they are published, got no {error} in {root}. Check "
            "--data."
        ) from None


def builder(suite: str):
    def build(options: SuiteOptions) -> list[Item]:
        root = one_folder(options.data, suite)
        motions = Motions(options.left_out)
        rows = read_questions(root, options.split or "test")
        answers: dict[str, set[str]] = defaultdict(set)
        for question in json_of(root / "questions.json").values():
            answers[type_of(question)].add(plain_answer(question["answer"]))
        items = []
        for key, row in rows:
            if options.limit is not None and len(items) == options.limit:
                break
            path = root / "motion_sequences" / str(row["babel_id"]) / "joints.npy"
            joints = motions.read(Told(path, said={"fps": 30.0, "units": "m"}))
            if joints is None:
                continue
            kind, answer = type_of(row), plain_answer(row["answer"])
            text = row["question"].strip().rstrip("?")
            asked = f"{text[:1].upper()}{text[1:]}? {FORM}"
            question = Question("action", asked, answer, answer, tuple(sorted(answers[kind])))
            items.append(Item("", kind, question, str(row["babel_id"]), joints, facts={"published": key}))
        return numbered(suite, items)

    return build


def plain_answer(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.lower().replace("_", " ")))


def judge(items: Sequence[Item], texts: Sequence[str]) -> list[bool]:
    """Whether an answer says the right word of its type and no other; of actions in any form of the word."""
    return [
        said(plain_answer(text), item.question.choices, words=item.kind != "action") == {item.question.key}
        for item, text in zip(items, texts, strict=True)
    ]


def measures(items: Sequence[Item], records: Sequence[dict[str, Any]], session: Any = None) -> dict[str, Any]:
    """Exact match by type and over all, as published: the answer is the right word and nothing else."""
    import numpy as np

    exact = [plain_answer(record["prediction"]) == item.question.key for item, record in zip(items, records)]
    found: dict[str, Any] = {"overall": float(np.mean(exact))}
    for kind in sorted({item.kind for item in items}):
        found[kind] = float(np.mean([value for value, item in zip(exact, items) if item.kind == kind]))
    clips = [item.clip for item in items]
    low, high = interval_of(lambda rows: float(np.mean([exact[i] for i in rows])), clips, np.random.default_rng(0))
    return {"exact_match": {**found, "low": low, "high": high}}


LAYOUT = "a folder with questions.json, split_question_ids.json and motion_sequences/"
BABELQA = Suite(
    "babelqa",
    "babelqa-exact-match-2",
    "BABEL-QA: actions, directions and body parts, exact match by type (test split)",
    builder("babelqa"),
    needs=LAYOUT,
    judge=judge,
    measures=measures,
)
HUMMANQA = Suite(
    "humman-qa",
    "humman-qa-exact-match-2",
    "HuMMan-QA: the same questions about HuMMan-MoGen",
    builder("humman-qa"),
    needs=LAYOUT,
    judge=judge,
    measures=measures,
)
