"""predictions.jsonl: one line a question, appended batch by batch, so that a run which was cut off goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from llamo.processing.whole_files_llamo import replace_file


HEADER = "run.json"  # which run the predictions of a folder belong to
FINAL = "predictions.jsonl"


class Predictions:
    """The records of one run in its folder.

    Args:
        folder: of the run.
        settings: everything the answers depend on.
        rank: of this process; each writes a file of its own until the run is complete.

    Raises:
        ValueError: the folder holds another run.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], rank: int = 0):
        self.folder = folder
        self.path = folder / (FINAL if rank == 0 else f"predictions.{rank}.jsonl")
        folder.mkdir(parents=True, exist_ok=True)
        header = folder / HEADER
        if header.exists():
            found = json.loads(header.read_text(encoding="utf-8"))
            wrong = [name for name in settings if found.get(name) != settings[name]]
            if wrong:
                told = ", ".join(f"{name} {found.get(name)!r} and not {settings[name]!r}" for name in wrong)
                raise ValueError(
                    f"Expected an empty folder or an unfinished run of the same settings, got a run with {told} in {folder}. "
                    "Choose another --out, or delete the folder."
                )
        elif rank == 0:
            replace_file(header, (json.dumps(settings, indent=1) + "\n").encode())

    def read(self) -> dict[str, dict[str, Any]]:
        """All complete records of all processes by id; a line that was cut off does not count."""
        found: dict[str, dict[str, Any]] = {}
        for path in sorted(self.folder.glob("predictions*.jsonl")):
            for record in whole_lines(path):
                found.setdefault(record["id"], record)
        return found

    def keep(self, ids: Iterable[str]) -> None:
        """Drops all records of this process's file but these: whole batches stay, and a cut-off line goes."""
        wanted = set(ids)
        if self.path.exists():
            write_lines(self.path, [record for record in whole_lines(self.path) if record["id"] in wanted])

    def append(self, records: Sequence[dict[str, Any]]) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
            file.flush()
            os.fsync(file.fileno())

    def finish(self, records: Sequence[dict[str, Any]]) -> None:
        """One file with all records in the order of the questions, whatever the order of the answers."""
        write_lines(self.folder / FINAL, records)
        for path in self.folder.glob("predictions.*.jsonl"):
            path.unlink()


def whole_lines(path: Path) -> list[dict[str, Any]]:
    records = []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:  # a last line without its end is none
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records


def write_lines(path: Path, records: Sequence[dict[str, Any]]) -> None:
    replace_file(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode())
