"""What a run writes until the table of labels is complete.

A run appends each finished batch as one line to `<out>.<i>-of-<n>.part`. A line that a kill cut off is no JSON and is dropped;
so after a restart a batch is there as a whole or has to be done again. Once every clip has its row, whoever notices writes
the table under another name, puts it in place, and removes the parts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from llamo.cli.library.clips import Shard
from llamo.cli.library.ledger import Ledger
from llamo.cli.places import check_place
from llamo.cli.session import BadInputError
from llamo.train.library.label_table import FORMS, import_pyarrow, read_table


def check_out(out: str) -> Path:
    """The table's path.

    Raises:
        BadInputError: another ending than those of FORMS, a place that cannot be written to, or Parquet without pyarrow.
    """
    path = Path(out)
    if path.suffix.lower() not in FORMS:
        raise BadInputError(f"Expected --out to end in {', '.join(FORMS)}, got {out!r}. Rename it.")
    check_place(out, "--out")
    if path.suffix.lower() == ".parquet":
        try:
            import_pyarrow()
        except ImportError as error:
            raise BadInputError(error) from None
    return path


def check_table(path: str) -> None:
    """Refuses what cannot be a table of `llamo caption`, by its name.

    Raises:
        BadInputError: nothing there, a folder, or another ending than those of FORMS.
    """
    if not os.path.isfile(path):
        what = "a folder" if os.path.isdir(path) else "nothing"
        raise BadInputError(f"Expected a table of `llamo caption`, got {what} at {path!r}. Check the path.")
    if Path(path).suffix.lower() not in FORMS:
        raise BadInputError(f"Expected a table of `llamo caption` ({', '.join(FORMS)}), got {path!r}. Name another file.")


class Part:
    """The rows that one process has made so far; a context that keeps the file open."""

    def __init__(self, out: Path, shard: Shard):
        self.path = out.with_name(f"{out.name}.{shard.index}-of-{shard.of}.part")

    def __enter__(self) -> Part:
        try:
            cut_off = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
            self.file = open(self.path, "ab")
        except OSError as error:
            raise BadInputError(error) from None
        if cut_off:
            self.file.write(b"\n")  # what was cut off stays a line of its own, which nobody can read
        return self

    def __exit__(self, *_) -> None:
        self.file.close()

    def add(self, rows: list[dict]) -> None:
        """Appends a batch: all of its rows, or, if the process is killed meanwhile, none."""
        self.file.write(json.dumps(rows, ensure_ascii=False).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())


def parts_of(out: Path) -> list[Path]:
    """The parts of all processes that lie beside a table."""
    return sorted(out.parent.glob(f"{glob_safe(out.name)}.*-of-*.part"))


def glob_safe(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def read_parts(out: Path) -> Iterator[dict]:
    """Rows of all parts. One that vanishes was put into the table by another process."""
    for path in parts_of(out):
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            continue
        for line in lines:
            try:
                yield from json.loads(line)
            except ValueError:  # cut off by a kill, or empty
                continue


def known_rows(out: Path, ledger: Ledger | None = None) -> dict[str, dict]:
    """Every row that is known, by path.

    Of several rows of a clip, that is taken which holds what the ledger asks for: the table's, which a person may have
    corrected, before the parts'; parts may be left of runs with other settings. Where none does, a part's before the
    table's, and a later one before an earlier.

    Raises:
        BadInputError: a file that is no such table.
    """
    parts = list(read_parts(out))
    # The table is read last: a process that removes parts has put their rows there before.
    try:
        rows = {row["path"]: row for row in read_table(out)} if out.exists() else {}
    except ValueError as error:
        raise BadInputError(f"{error} Or choose another --out.") from None
    for row in parts:
        old = rows.get(row["path"])
        if ledger is None or old is None or not (ledger.holds(old, old["path"]) or ledger.worth(old) > ledger.worth(row)):
            rows[row["path"]] = row
    return rows
