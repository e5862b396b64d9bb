"""What a person has decided about a table of labels, line by line, until the table itself holds it.

A decision is one line of `<table>.review`, on the disk before anybody is told that it is saved; the table, which takes a while
to write, follows. Whoever reads the table reads the log over it (`read_table` does), so that a kill in between loses nothing. A
line that a kill cut off is no JSON and is dropped: its decision was never told to be saved.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


REVIEWS = ("accept", "edit", "reject")


@dataclass(frozen=True)
class Change:
    """New values of some columns of the row of one clip; `sha256` is the row's, so that a clip which was labelled again since
    keeps its new labels."""

    path: str
    sha256: str | None
    columns: dict

    def concerns(self, row: dict) -> bool:
        return row["path"] == self.path and row.get("sha256") == self.sha256


def log_path(table: Path) -> Path:
    return table.with_name(f"{table.name}.review")


def append(log: Path, change: Change) -> None:
    """One line more; on the disk when this returns."""
    with open(log, "ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")  # what was cut off stays a line of its own
        file.write(json.dumps(asdict(change), ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_log(log: Path) -> list[Change]:
    """The changes of a log, the first first; none where there is no log."""
    try:
        lines = log.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    changes = []
    for line in lines:
        try:
            changes.append(Change(**json.loads(line)))
        except (ValueError, TypeError):  # cut off by a kill, or empty
            continue
    return changes


def with_changes(rows: list[dict], changes: Iterable[Change]) -> list[dict]:
    """The rows with the changes that concern them, later ones over earlier ones."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(change.path, []).append(change)
    for place, row in enumerate(rows):
        for change in found.get(row["path"], ()):
            if change.concerns(row):
                row = rows[place] = {**row, **change.columns}
    return rows
