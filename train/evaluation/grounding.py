"""Suite `grounding`: from when to when. Temporal grounding by mean IoU and by recall at IoU 0.5 and 0.7.

Without --data the spans are those of held-out procedural programs; with the folder of a BABEL-like file (`test.json` or
`SPLIT.json` in BABEL's format, and `--data` a second time for the folder of AMASS) those of its annotators.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llamo.train.public_data import Told, read_babel
from llamo.train.questions import Question
from llamo.train.questions.program_questions import ProgramTruth
from llamo.train.questions.scoring import numbers
from llamo.train.questions.vocabulary import action

from .items import Item, numbered
from .motion_files import FPS, Motions
from .statistics import interval_of
from .suite import Suite, SuiteOptions


NUM = 300
QUESTION = "From when to when is the person {}? Answer in seconds: from ... to ..."
NEEDED = 0.5  # IoU from which on a span counts as found


def build(options: SuiteOptions) -> list[Item]:
    num = options.limit or NUM
    if options.data:
        return numbered("grounding", _annotated(options)[:num])
    from llamo.train.synthesis.engine import synthesize

    rng = np.random.default_rng([options.seed, 12])
    items: list[Item] = []
    index = 0
    while len(items) < num:
        motion = synthesize(rng, held_out=True)
        truth = ProgramTruth(motion)
        index += 1
        if not truth.several:
            continue
        for key, run in zip(truth.keys, truth.runs):
            if truth.keys.count(key) == 1 and truth.distinct(run):
                span = (float(run[0].start), float(run[-1].end))
                items.append(_item(action(key).gerund, span, f"procedural_{index}", motion.joints, motion.fps))
    return numbered("grounding", items[:num])


def _item(words: str, span: tuple[float, float], clip: str, joints: np.ndarray, fps: float) -> Item:
    answer = f"From {span[0]:.1f} to {span[1]:.1f} seconds."
    question = Question("caption", QUESTION.format(words), answer, answer)
    facts = {"span": list(span), "seconds": len(joints) / fps, "new_tokens": 40}
    return Item("", "span", question, clip, joints, fps, facts)


def _annotated(options: SuiteOptions) -> list[Item]:
    if len(options.data) != 2:
        raise ValueError(
            f"Expected the folder of BABEL and that of AMASS, got {', '.join(options.data)} for grounding. Give --data twice."
        )
    root, amass = map(Path, options.data)
    try:
        told = [one for one in read_babel(root, options.split or "test", amass) if one.span is not None]
    except (FileNotFoundError, KeyError) as error:
        raise ValueError(f"Expected BABEL as it is published, got no {error} in {root}. Check --data and --split.") from None
    motions, items = Motions(options.left_out), []
    for one in told:
        whole = motions.read(Told(one.path, said=one.said))
        if whole is not None and one.span[1] - one.span[0] < 0.95 * len(whole) / FPS:
            items.append(_item(one.captions[0].rstrip(".").lower(), one.span, one.name, whole, FPS))
    return items


def span_in(text: str) -> tuple[float, float] | None:
    """The two times that a text names, in order; None where there are not two."""
    found = numbers(re.sub(r"(\d)\s*s(?:ec(?:ond)?s?)?\b", r"\1", text))
    return (min(found[:2]), max(found[:2])) if len(found) >= 2 else None


def overlap(one: tuple[float, float] | None, other: tuple[float, float]) -> float:
    """Intersection over union of two spans of time; 0 for none."""
    if one is None:
        return 0.0
    both = min(one[1], other[1]) - max(one[0], other[0])
    union = max(one[1], other[1]) - min(one[0], other[0])
    return max(0.0, both) / union if union > 0 else 0.0


def overlaps(items: Sequence[Item], texts: Sequence[str]) -> list[float]:
    return [overlap(span_in(text), tuple(item.facts["span"])) for item, text in zip(items, texts, strict=True)]


def judge(items: Sequence[Item], texts: Sequence[str]) -> list[bool]:
    return [value >= NEEDED for value in overlaps(items, texts)]


def measures(items: Sequence[Item], records: Sequence[dict[str, Any]], session: Any = None) -> dict[str, Any]:
    """mIoU, R@1 at 0.5 and 0.7, of the model and the baselines (`whole`: always the whole motion), and errors of the ends."""
    found: dict[str, Any] = {}
    clips = [item.clip for item in items]
    answers = {
        name: [record[field] for record in records]
        for name, field in (("model", "prediction"), ("blind", "blind"), ("shuffled", "shuffled"))
        if all(field in record for record in records)
    }
    answers["whole"] = [f"From 0 to {item.facts['seconds']:.2f}" for item in items]
    for name, texts in answers.items():
        values = overlaps(items, texts)
        found[name] = {"mIoU": float(np.mean(values)), "R@1 0.5": _share(values, 0.5), "R@1 0.7": _share(values, 0.7)}
    values = overlaps(items, answers["model"])
    low, high = interval_of(lambda rows: float(np.mean([values[i] for i in rows])), clips, np.random.default_rng(0))
    found["model"]["mIoU 95 %"] = [low, high]
    ends = [(span_in(text), item.facts["span"]) for item, text in zip(items, answers["model"])]
    errors = [[said[0] - true[0], said[1] - true[1]] for said, true in ends if said is not None]
    found["answered"] = len(errors) / len(items)
    found["median_error_s"] = np.median(np.abs(errors), axis=0).tolist() if errors else None
    return {"grounding": found}


def _share(values: Sequence[float], least: float) -> float:
    return float(np.mean([value >= least for value in values]))


SUITE = Suite(
    "grounding",
    "llamo-grounding-4",
    "from when to when: mIoU, recall at IoU 0.5 and 0.7 (held-out programs, or BABEL)",
    build,
    judge=judge,
    measures=measures,
)
