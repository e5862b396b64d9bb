"""One suite from its questions to results.json, predictions.jsonl and a table.

    llamo eval synthetic --model llamo --limit 300 --out results

Deterministic: the batches depend on the questions alone. A run that was cut off goes on where it stopped, and
`accelerate launch` shares the batches out to its processes; the figures are the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from llamo.processing.whole_files_llamo import replace_file

from .answering import Answerer, load_model, plan_batches
from .items import Item, fingerprint
from .measured import Measured
from .predictions import Predictions
from .results import markdown, summarise, warning
from .suite import Judge, Session, Suite, SuiteOptions


@dataclass(frozen=True)
class RunOptions:
    """Settings of a run.

    Args:
        model: folder or Hub id of a checkpoint.
        out: folder of the results.
        batch_size: questions at a time.
        device, dtype: as in `load_model`.
        command: what was typed, for the record.
    """

    model: str = "llamo"
    out: str = "results"
    batch_size: int = 16
    device: str | None = None
    dtype: str | None = None
    command: str = ""


def model_identity(name: str, model: Any = None) -> dict[str, str]:
    """Name and hash of a checkpoint: SHA-256 over config and weights of a folder, or the Hub's commit."""
    folder = Path(name)
    if not folder.is_dir():
        return {"name": name, "commit": str(getattr(getattr(model, "config", None), "_commit_hash", None))}
    digest = hashlib.sha256()
    for path in [folder / "config.json", folder / "processor_config.json", *sorted(folder.glob("*.safetensors"))]:
        if path.exists():
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest() if sys.version_info >= (3, 11) else file.read())
    return {"name": name, "sha256": digest.hexdigest()}


class Processes:
    """The processes of `accelerate launch`; one where there is no launcher."""

    def __init__(self):
        self.state = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import PartialState

            self.state = PartialState(cpu=os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes"))

    @property
    def rank(self) -> int:
        return 0 if self.state is None else self.state.process_index

    @property
    def number(self) -> int:
        return 1 if self.state is None else self.state.num_processes

    def meet(self) -> None:
        if self.state is not None:
            self.state.wait_for_everyone()


def run_suite(
    suite: Suite,
    options: SuiteOptions,
    run: RunOptions,
    loaded: tuple[Any, Any] | None = None,
    log: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Asks a model the questions of a suite and writes what came of it into `run.out`.

    Args:
        suite: what is asked. options: about the questions. run: about the run.
        loaded: processor and model, where they are in memory already.
        log: gets the table and the warnings, line by line.

    Returns:
        the content of results.json.

    Raises:
        ValueError: nothing to ask, or a folder that holds another run.
    """
    processes = Processes()
    items = suite.build(options)
    if not items:
        raise ValueError(
            f"Expected at least one question, got none for the suite {suite.name}. Raise --limit, or give other --data."
        )
    processor, model = loaded or load_model(run.model, run.device, run.dtype)
    identity, asked = model_identity(run.model, model), fingerprint(items)
    settings = {"suite": suite.name, "protocol": suite.protocol, "model": identity, "data": asked, "seed": options.seed}
    settings["batch_size"] = run.batch_size
    predictions = Predictions(Path(run.out), settings, processes.rank)
    batches = plan_batches(items, run.batch_size)
    done = predictions.read()
    processes.meet()  # nobody drops what another one still reads
    whole = [batch for batch in batches if all(items[place].id in done for place in batch)]
    predictions.keep(items[place].id for batch in whole for place in batch)
    left = [batch for batch in batches[processes.rank :: processes.number] if batch not in whole]
    judge = suite.judge_of(options)
    answer_all(suite, items, left, Answerer(model, processor, items, options.seed), judge, predictions)
    processes.meet()
    if processes.rank != 0:
        processes.meet()  # the results are there when any process returns
        return json.loads((Path(run.out) / "results.json").read_text(encoding="utf-8"))
    by_id = predictions.read()
    records = [by_id[item.id] for item in items]
    results: dict[str, Any] = {
        "suite": suite.name,
        "protocol": suite.protocol,
        "model": identity,
        "data": {"sha256": asked, "files": list(options.data), "split": options.split, "seed": options.seed},
        "command": run.command,
        "n": len(items),
        **summarise(items, records, options.seed),
    }
    if suite.measures is not None:
        results["measures"] = suite.measures(items, records, Session(processor, model, run.model, run.batch_size))
    if options.left_out:
        results["left_out"] = [list(pair) for pair in options.left_out]
    results["warning"] = warning(results["kinds"])
    results["versions"] = versions()
    predictions.finish(records)
    replace_file(Path(run.out) / "results.json", (json.dumps(results, indent=1) + "\n").encode())
    table = markdown(results)
    text = table + (f"\n\n{results['warning']}" if results["warning"] else "") + "\n"
    replace_file(Path(run.out) / "table.md", text.encode())
    processes.meet()
    if log is not None:
        log(table)
        if results["warning"]:
            log(results["warning"])
        for path, reason in options.left_out[:10]:
            log(f"left out: {path}: {reason}")
        if len(options.left_out) > 10:
            log(f"left out: {len(options.left_out) - 10} more")
    return results


def answer_all(
    suite: Suite,
    items: Sequence[Item],
    batches: Sequence[Sequence[int]],
    answerer: Callable[[Sequence[int], str], list[str]],
    judge: Judge,
    predictions: Predictions,
) -> None:
    """Every batch under every condition; its records are written as soon as it is complete."""
    measured = Measured()
    progress = tqdm(total=sum(len(batch) for batch in batches), desc=suite.name, unit="question", disable=None)
    for batch in batches:
        rows = [items[place] for place in batch]
        records = [
            {"id": row.id, "kind": row.kind, "question": row.question.question, "reference": row.question.answer}
            for row in rows
        ]
        for condition in suite.conditions:
            # Without motion there is nothing to take away.
            if condition != "model" and rows[0].joints is None:
                continue
            texts = answerer(batch, condition)
            for record, text, verdict in zip(records, texts, judge(rows, texts), strict=True):
                name = "" if condition == "model" else f"{condition}_"
                record["prediction" if condition == "model" else condition] = text
                found = verdict if isinstance(verdict, dict) else {"correct": bool(verdict)}
                record.update({f"{name}{key}": value for key, value in found.items()})
        for record, row in zip(records, rows):
            # The rules know one motion.
            said = None if row.others else measured(row.question, row.joints, row.fps)
            if said is not None:
                record["measured"], record["measured_correct"] = said, bool(judge([row], [said])[0])
            record["clip"], record["key"] = row.clip, row.question.key
        predictions.append(records)
        progress.update(len(batch))
    progress.close()


def versions() -> dict[str, str]:
    """Of what the figures depend on beside model and data."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("llamo", "torch", "transformers", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # used from a checkout
            continue
    return found
