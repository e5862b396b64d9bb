"""Suite `repcount`: repetitions counted, after the protocol of Mo-RepCount (the motions of RepCount).

Layout: an annotation file `test.csv` (or `SPLIT.csv`) with the columns `name` and `count`, and where there `type` and
`fps`, as RepCount publishes them, and the motions in `motions/` or beside it, in any format.

OBZ: share of exact counts. OBO: share within one. MAE: mean of |error| / true count. RMSE: root of the mean squared error.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llamo.train.public_data import Told
from llamo.train.questions import Question
from llamo.train.questions.scoring import numbers

from .items import Item, numbered
from .motion_files import Motions, any_motion, one_folder
from .statistics import interval_of
from .suite import Suite, SuiteOptions


QUESTION = "How many repetitions does the person do?"
WITH_TYPE = "How many {} does the person do?"
MOST = 200  # no answer is taken for more than that


def build(options: SuiteOptions) -> list[Item]:
    root = one_folder(options.data, "repcount")
    table = root / f"{options.split or 'test'}.csv"
    if not table.is_file():
        raise ValueError(f"Expected annotations with name and count at {table}, got nothing there. Check --data and --split.")
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    folder = root / "motions" if (root / "motions").is_dir() else root
    motions = Motions(options.left_out)
    items = []
    for index, row in enumerate(rows, 1):
        if options.limit is not None and len(items) == options.limit:
            break
        count = _count_of(row, index, table)
        if count is None:
            continue  # RepCount leaves the count of unusable videos empty
        try:
            path = any_motion(folder, Path(row["name"]).stem)
        except FileNotFoundError as error:
            options.left_out.append((str(row["name"]), f"Expected {error}, got nothing."))
            continue
        joints = motions.read(Told(path, said={"fps": float(row["fps"])} if row.get("fps") else {}))
        if joints is None:
            continue
        asked = WITH_TYPE.format(row["type"].replace("_", " ")) if row.get("type") else QUESTION
        choices = tuple(dict.fromkeys((*map(str, range(21)), str(count))))
        question = Question("count", asked, f"{count}.", str(count), choices)
        items.append(Item("", row.get("type") or "count", question, Path(row["name"]).stem, joints))
    return numbered("repcount", items)


def _count_of(row: dict[str, str], index: int, table: Path) -> int | None:
    if not row.get("name") or "count" not in row:
        raise ValueError(f"Expected the columns name and count, got {', '.join(row)} in row {index} of {table}. Complete it.")
    try:
        value = float(row["count"] or "nan")
    except ValueError:
        raise ValueError(f"Expected a count, got {row['count']!r} in row {index} of {table}. Correct it.") from None
    return int(value) if np.isfinite(value) and value > 0 else None


def counted(text: str) -> float | None:
    """The number that an answer gives; None where it gives none or several."""
    found = set(numbers(text))
    return min(found.pop(), float(MOST)) if len(found) == 1 else None


def counting_errors(true: Sequence[float], said: Sequence[float | None]) -> dict[str, float]:
    """OBZ, OBO, MAE, RMSE; an answer without a number counts as none at all, 0."""
    error = np.abs(np.array([0.0 if value is None else value for value in said]) - np.array(true, dtype=float))
    return {
        "OBZ": float((error < 0.5).mean()),
        "OBO": float((error < 1.5).mean()),
        "MAE": float((error / np.maximum(true, 1)).mean()),
        "RMSE": float(np.sqrt((error**2).mean())),
    }


def measures(items: Sequence[Item], records: Sequence[dict[str, Any]], session: Any = None) -> dict[str, Any]:
    """The four figures of the model and of every baseline, and the counts themselves for a confusion matrix."""
    true = [float(item.question.key) for item in items]
    found: dict[str, Any] = {}
    for name, field in (("model", "prediction"), ("blind", "blind"), ("shuffled", "shuffled"), ("measured", "measured")):
        if all(field in record for record in records):
            found[name] = counting_errors(true, [counted(record[field]) for record in records])
    values = list(true)
    most_common = max(sorted(set(values)), key=values.count)
    found["majority"] = counting_errors(true, [most_common] * len(true))
    said = [counted(record["prediction"]) for record in records]
    clips, rng = [item.clip for item in items], np.random.default_rng(0)
    for name in ("OBZ", "OBO", "MAE"):
        interval = interval_of(
            lambda rows, name=name: counting_errors([true[i] for i in rows], [said[i] for i in rows])[name], clips, rng
        )
        found["model"][f"{name} 95 %"] = list(interval)
    return {"counting": found}


SUITE = Suite(
    "repcount",
    "mo-repcount-2",
    "Mo-RepCount: repetitions, OBZ, OBO, MAE and RMSE",
    build,
    needs="a folder with test.csv (name, count, type) and motions/",
    measures=measures,
)
