"""Pictures of a finished run: accuracy by kind with intervals, counts against the truth, errors of times.

llamo eval synthetic --plots
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .counting import counted
from .grounding import span_in
from .predictions import FINAL, whole_lines


MOST_COUNT = 12  # what is counted beyond it shares one row
COLOURS = {"model": "#2f6fed", "blind": "#f0701a", "shuffled": "#9a6ad6", "measured": "#2a9d6f", "chance": "#9aa5b3"}


def draw_plots(folder: str | Path) -> list[Path]:
    """Every picture that a folder of results has the figures for, as PNG files beside them.

    Raises:
        ImportError: matplotlib is missing.
        ValueError: no results in the folder.
    """
    try:
        import matplotlib
    except ImportError:
        raise ImportError('Expected matplotlib for plots, got none. Install it with pip install "llamo[eval]".') from None
    matplotlib.use("Agg")
    folder = Path(folder)
    if not (folder / "results.json").is_file():
        raise ValueError(f"Expected results.json, got none in {folder}. Run `llamo eval SUITE --out {folder}` first.")
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    records = whole_lines(folder / FINAL)
    drawn = [accuracy(results, folder / "accuracy.png")]
    for plot, name in ((count_confusion, "counts.png"), (span_errors, "spans.png")):
        path = plot(records, folder / name)
        if path is not None:
            drawn.append(path)
    return drawn


def accuracy(results: dict[str, Any], path: Path) -> Path:
    """A bar with its interval for each kind, and a mark for each baseline."""
    from matplotlib import pyplot

    rows = [("all", results["overall"]), *results["kinds"].items()]
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.36 * len(rows)), layout="constrained")
    places = range(len(rows))
    values = [100 * row["model"] for _, row in rows]
    below = [100 * max(0.0, row["model"] - row["low"]) for _, row in rows]
    above = [100 * max(0.0, row["high"] - row["model"]) for _, row in rows]
    axes.barh(places, values, xerr=[below, above], color=COLOURS["model"], height=0.6, capsize=3, label="model, 95 %")
    for name, mark in (("blind", "o"), ("shuffled", "s"), ("measured", "^"), ("chance", "|")):
        found = [(place, 100 * row[name]) for place, (_, row) in enumerate(rows) if row.get(name) is not None]
        if found:
            axes.scatter([value for _, value in found], [place for place, _ in found], marker=mark, s=45, zorder=3,
                         color=COLOURS[name], edgecolors=None if mark == "|" else "white", label=name)  # fmt: skip
    axes.set(xlim=(0, 100), xlabel="right answers, %", title=f"{results['suite']} ({results['protocol']})")
    axes.set_yticks(list(places), [f"{name} ({row['n']})" for name, row in rows])
    axes.invert_yaxis()
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.9 / (1.2 + 0.36 * len(rows))), ncols=5, frameon=False)
    return save(figure, path)


def confusion(pairs: Sequence[tuple[int, float | None]]) -> list[list[int]]:
    """Rows: true counts, 0 to MOST_COUNT and beyond; columns: what was said, and last "no number"."""
    table = [[0] * (MOST_COUNT + 3) for _ in range(MOST_COUNT + 2)]
    for true, said in pairs:
        column = MOST_COUNT + 2 if said is None else min(round(said), MOST_COUNT + 1)
        table[min(true, MOST_COUNT + 1)][column] += 1
    return table


def count_confusion(records: Sequence[dict[str, Any]], path: Path) -> Path | None:
    """How often which number was said for which; None where nothing was counted."""
    pairs = [
        (int(record["key"]), counted(record["prediction"]))
        for record in records
        if str(record.get("key", "")).isdigit() and record["question"].lower().startswith(("how many", "how often"))
    ]
    if not pairs:
        return None
    from matplotlib import pyplot

    table = confusion(pairs)
    figure, axes = pyplot.subplots(figsize=(7, 6), layout="constrained")
    axes.imshow(table, cmap="Blues", vmin=0)
    for row, values in enumerate(table):
        for column, value in enumerate(values):
            if value:
                axes.text(column, row, str(value), ha="center", va="center", fontsize=8)
    numbers = [*map(str, range(MOST_COUNT + 1)), f"> {MOST_COUNT}"]
    axes.set_xticks(range(len(numbers) + 1), [*numbers, "none"])
    axes.set_yticks(range(len(numbers)), numbers)
    axes.set(xlabel="said", ylabel="true", title=f"counts ({len(pairs)} questions)")
    return save(figure, path)


def span_errors(records: Sequence[dict[str, Any]], path: Path) -> Path | None:
    """How far the ends of spans are off, seconds; None where no spans were asked for."""
    errors: tuple[list[float], list[float]] = ([], [])
    for record in records:
        if record["kind"] != "span":
            continue
        said, true = span_in(record["prediction"]), span_in(record["reference"])
        if said is not None and true is not None:
            for place in range(2):
                errors[place].append(said[place] - true[place])
    if not errors[0]:
        return None
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    axes.hist(errors, bins=30, label=["start", "end"], color=[COLOURS["model"], COLOURS["blind"]])
    axes.axvline(0, color="#1b2330", linewidth=1)
    axes.set(xlabel="said minus true, s", ylabel="spans", title=f"times ({len(errors[0])} spans)")
    axes.legend(frameon=False)
    return save(figure, path)


def save(figure, path: Path) -> Path:
    from matplotlib import pyplot

    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return path
