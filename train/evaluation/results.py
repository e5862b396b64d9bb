"""Records of answers -> figures with intervals, warnings and a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .items import UNGROUNDED, Item, original
from .statistics import bootstrap, chance, gap_interval, majority


NEAR = 0.05  # within which the blind model is as good: nothing was looked at
Record = dict[str, Any]


def verdict(record: Record, condition: str) -> bool | None:
    """Whether the answer under a condition (or of the measuring baseline) was right; None where there is none."""
    return record.get("correct" if condition == "model" else f"{condition}_correct")


def figures(items: Sequence[Item], records: Sequence[Record], rng: np.random.Generator) -> dict[str, Any]:
    """One row: shares of right answers between 0 and 1, with 95 % bootstrap intervals over clips; None where not asked."""
    row: dict[str, Any] = {"n": len(items)}
    clips = [original(item.clip) for item in items]
    right = [bool(verdict(record, "model")) for record in records]
    row["model"] = float(np.mean(right))
    row["low"], row["high"] = bootstrap(right, clips, rng)
    for condition in ("blind", "shuffled"):
        other = [verdict(record, condition) for record in records]
        row[condition] = None if None in other else float(np.mean(other))
        if condition == "blind" and row["blind"] is not None:
            row["gap"] = row["model"] - row["blind"]
            row["gap_low"], row["gap_high"] = gap_interval(right, other, clips, rng)
    questions = [item.question for item in items]
    row["chance"], row["majority"] = chance(questions), majority(questions)
    measured = [verdict(record, "measured") for record in records]
    known = [value for value in measured if value is not None]
    row["measured"] = float(np.mean(known)) if known else None
    return row


def summarise(items: Sequence[Item], records: Sequence[Record], seed: int = 0) -> dict[str, Any]:
    """`overall` and `kinds` of results.json.

    `overall` leaves out questions that the motion does not answer, unless nothing else is asked: a model without eyes is right
    about all of them.
    """
    rng = np.random.default_rng([seed, 95])
    grounded = [place for place, item in enumerate(items) if item.question.kind != UNGROUNDED]
    places = grounded or list(range(len(items)))
    overall = figures([items[i] for i in places], [records[i] for i in places], rng)
    kinds = {}
    for kind in dict.fromkeys(item.kind for item in items):
        rows = [place for place, item in enumerate(items) if item.kind == kind]
        kinds[kind] = figures([items[i] for i in rows], [records[i] for i in rows], rng)
    return {"overall": overall, "kinds": dict(sorted(kinds.items()))}


def blind_kinds(kinds: dict[str, dict[str, Any]]) -> list[str]:
    """Kinds in which the model without motion comes within five points of the model."""
    return [name for name, row in kinds.items() if row["blind"] is not None and row["model"] - row["blind"] <= NEAR + 1e-9]


def warning(kinds: dict[str, dict[str, Any]]) -> str:
    """One line about them; "" where there is none."""
    found = blind_kinds(kinds)
    if not found:
        return ""
    return f"Warning: blind comes within five points of the model in {', '.join(found)}: these say nothing about its eyes."


def percent(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{100 * value:{sign}.1f}"


def markdown(results: dict[str, Any]) -> str:
    """The table of a results.json: shares in per cent, the model's with its 95 % interval."""
    head = ["kind", "n", "model %", "blind %", "shuffled %", "model - blind", "chance %", "majority %", "measured %"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name, row in [("all", results["overall"]), *results["kinds"].items()]:
        gap = ""
        if row["blind"] is not None:
            gap = f"{percent(row['gap'], '+')} ({100 * row['gap_low']:+.0f} to {100 * row['gap_high']:+.0f})"
        cells = [name, str(row["n"]), f"{percent(row['model'])} ({100 * row['low']:.0f}-{100 * row['high']:.0f})"]
        cells += [percent(row["blind"]), percent(row["shuffled"]), gap]
        cells += [percent(row[column]) for column in ("chance", "majority", "measured")]
        lines.append("| " + " | ".join(cells) + " |")
    for name, value in (results.get("measures") or {}).items():
        lines += ["", f"{name}: {told(value)}"]
    return "\n".join(lines)


def told(value: Any) -> str:
    """A measure in words: numbers to three digits, dictionaries as "name value"."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {told(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(told(each) for each in value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)
