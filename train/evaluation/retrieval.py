"""`llamo eval retrieval`: how well a text finds its motion, and a motion its text, beside chance.

Held-out generated motions, and the clips of --data with what is said of them. Nothing is generated: embeddings are compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from llamo.processing.motion_features_llamo import canonicalise, resample
from llamo.processing.whole_files_llamo import replace_file
from llamo.train.augmentation import FPS
from llamo.train.questions.wording import caption, clause
from llamo.train.retrieval import Pair, draw_pairs, frozen_states, judge
from llamo.train.retrieval_metrics import KS

from .labelled_clips import LabelledClip, read_clips
from .runner import RunOptions, model_identity, versions
from .suite import SuiteOptions


PROTOCOL = "llamo-retrieval-1"
NUM = 200  # generated motions
WAYS = {"text_to_motion": "text finds motion", "motion_to_text": "motion finds text"}


def run_retrieval(
    processor: Any, model: Any, options: SuiteOptions, run: RunOptions, log: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Embeds motions and texts and writes recall@1, 5 and 10 into `run.out`.

    Returns:
        the content of results.json.

    Raises:
        ValueError: a checkpoint without trained embeddings, or files without clips that anything is said of.
    """
    base = getattr(model, "model", model)
    if getattr(base, "retrieval", None) is None:
        raise ValueError(
            f"Expected a checkpoint with trained embeddings, got {run.model}, which has none. Train them: "
            "llamo train train/recipes/retrieval.yaml."
        )
    pairs = {"procedural": draw_pairs(options.limit or NUM, 1000 + options.seed, held_out=True)}
    if options.data:
        pairs["recorded"] = recorded(options)
    figures = {
        name: {"clips": len(some), **judge(base.retrieval, some, frozen_states(model, processor, some, run.batch_size))}
        for name, some in pairs.items()
    }
    results = {
        "suite": "retrieval",
        "protocol": PROTOCOL,
        "model": model_identity(run.model, model),
        "data": {"files": list(options.data), "split": options.split, "seed": options.seed},
        "command": run.command,
        "figures": figures,
        "versions": versions(),
    }
    out = Path(run.out)
    out.mkdir(parents=True, exist_ok=True)
    replace_file(out / "results.json", (json.dumps(results, indent=1) + "\n").encode())
    replace_file(out / "table.md", (markdown(figures) + "\n").encode())
    if log is not None:
        log(markdown(figures))
    return results


def recorded(options: SuiteOptions) -> list[Pair]:
    """The clips of --data with their captions, or with what their actions say.

    Raises:
        ValueError: no such clip.
    """
    clips = [one for path in options.data for one in read_clips(path, options.split)]
    pairs = [Pair(joints_of(one), texts) for one in clips if (texts := texts_of(one))]
    if not pairs:
        raise ValueError(
            f"Expected clips with captions or actions, got none of {len(clips)} in {', '.join(options.data)}. Check --data and "
            "--split."
        )
    return pairs[: options.limit]


def joints_of(one: LabelledClip) -> np.ndarray:
    return canonicalise(resample(one.clip.joints, one.clip.fps, FPS), FPS).astype(np.float32)


def texts_of(one: LabelledClip) -> tuple[str, ...]:
    if one.clip.captions:
        return tuple(one.clip.captions)
    if one.clip.actions:
        return (caption([clause(key) for key in one.clip.actions]),)
    return (one.action,) if one.action else ()


def markdown(figures: dict[str, dict]) -> str:
    """A row for each source and way; chance in brackets."""
    heads = " | ".join(f"recall@{k} % (chance)" for k in KS)
    lines = [f"| source | | clips | {heads} |", "|---|---|---|" + "---|" * len(KS)]
    for source, found in figures.items():
        for way, words in WAYS.items():
            shares = [f"{100 * found[way][f'recall@{k}']:.1f} ({100 * found[way][f'chance@{k}']:.1f})" for k in KS]
            lines.append(f"| {source} | {words} | {found['clips']} | {' | '.join(shares)} |")
    return "\n".join(lines)
