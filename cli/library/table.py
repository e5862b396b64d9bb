"""The table of labels: JSON lines, Parquet or CSV, written whole; and the parts that a run writes until it is complete.

A run appends each finished batch as one line to `<out>.<i>-of-<n>.part`. A line that a kill cut off is no JSON and is dropped;
so after a restart a batch is there as a whole or has to be done again. Once every clip has its row, whoever notices writes
the table under another name, puts it in place, and removes the parts.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from llamo.cli.library.clips import Shard
from llamo.cli.session import BadInputError
from llamo.processing.whole_files_llamo import replace_file
from llamo.train.library.columns import COLUMNS, MEASUREMENTS, TAGS


FORMS = (".jsonl", ".parquet", ".csv")
LISTS = ("captions", "segments", "warnings", "tags.actions")  # cells that hold JSON in a CSV


def check_out(out: str) -> Path:
    """The table's path.

    Raises:
        BadInputError: another ending than those of FORMS, no folder for it, or Parquet without pyarrow.
    """
    path = Path(out)
    if path.suffix.lower() not in FORMS:
        raise BadInputError(f"Expected --out to end in {', '.join(FORMS)}, got {out!r}. Rename it.")
    if not path.absolute().parent.is_dir():
        raise BadInputError(f"Expected a folder for the table, got none at {path.parent}. Make it, or correct --out.")
    if path.suffix.lower() == ".parquet":
        import_pyarrow()
    return path


def import_pyarrow():
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BadInputError(f'{error}. Install it (pip install "llamo[search]"), or write .jsonl or .csv.') from None
    return pyarrow


class Part:
    """The rows that one process has made so far; a context that keeps the file open."""

    def __init__(self, out: Path, shard: Shard):
        self.path = out.with_name(f"{out.name}.{shard.index}-of-{shard.of}.part")

    def __enter__(self) -> Part:
        cut_off = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
        self.file = open(self.path, "ab")
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


def known_rows(out: Path) -> dict[str, dict]:
    """Every row that is known, by path: the parts' before the table's, and a part's later ones before its earlier."""
    rows = {row["path"]: row for row in read_parts(out)}
    # The table is read last: a process that removes parts has put their rows there before.
    table = {row["path"]: row for row in read_table(out)} if out.exists() else {}
    return {**table, **rows}


def read_table(path: str | os.PathLike) -> list[dict]:
    """The rows of a table as Python objects, whatever its form.

    Raises:
        BadInputError: a file that is no such table.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".parquet":
            rows = import_pyarrow().parquet.read_table(path).to_pylist()
        elif path.suffix.lower() == ".csv":
            rows = [from_cells(row) for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))]
        else:
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        missing = [name for name in ("path", "sha256", "caption") if any(name not in row for row in rows)]
    except (OSError, ValueError, TypeError) as error:
        raise BadInputError(f"Expected a table of `llamo caption`, got {error} in {path}. Choose another --out.") from None
    if missing:
        raise BadInputError(f"Expected a table of `llamo caption`, got no {missing[0]} in {path}. Choose another --out.")
    return rows


def write_table(path: Path, rows: Iterable[dict]) -> None:
    """All rows in the order of their paths; the old table stays until the new one is complete."""
    rows = sorted(rows, key=lambda row: row["path"])
    extra = sorted({name for row in rows for name in row} - set(COLUMNS))
    rows = [{name: row.get(name) for name in (*COLUMNS, *extra)} for row in rows]
    if path.suffix.lower() == ".parquet":
        content = to_parquet(rows, extra)
    elif path.suffix.lower() == ".csv":
        content = to_csv(rows)
    else:
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    replace_file(path, content)


def to_parquet(rows: list[dict], extra: list[str]) -> bytes:
    pa = import_pyarrow()
    text, texts, number = pa.string(), pa.list_(pa.string()), pa.float64()
    tags = pa.struct([(name, texts if name == "actions" else text) for name in TAGS])
    segments = pa.list_(pa.struct([("start_s", number), ("end_s", number), ("caption", text)]))
    kinds = {"seconds": number, "captions": texts, "warnings": texts, "tags": tags, "segments": segments}
    kinds["measurements"] = pa.struct([(name, number) for name in MEASUREMENTS])
    own = [(name, kinds.get(name, text)) for name in COLUMNS]
    columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in own}
    columns |= {name: pa.array([row[name] for row in rows]) for name in extra}
    buffer = io.BytesIO()
    pa.parquet.write_table(pa.table(columns), buffer, compression="zstd")
    return buffer.getvalue()


def to_csv(rows: list[dict]) -> bytes:
    """Tags and measurements as columns of their own (`tags.side`), lists as JSON."""
    text = io.StringIO(newline="")
    cells = [to_cells(row) for row in rows]
    writer = csv.DictWriter(text, list(cells[0]) if cells else list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return text.getvalue().encode()


def to_cells(row: dict) -> dict:
    cells = {}
    for name, value in row.items():
        if name in ("tags", "measurements"):
            for key in TAGS if name == "tags" else MEASUREMENTS:
                cells[f"{name}.{key}"] = (value or {}).get(key)
        else:
            cells[name] = value
    return {name: json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value for name, value in cells.items()}


def from_cells(cells: dict) -> dict:
    row: dict = {"tags": {}, "measurements": {}}
    for name, value in cells.items():
        value = None if value == "" else value
        if value is not None and name in LISTS:
            value = json.loads(value)
        outer, dot, inner = name.partition(".")
        if value is not None and (outer == "measurements" or name == "seconds" or name.endswith("_probability")):
            value = float(value)
        if dot and outer in row:
            row[outer][inner] = value
        else:
            row[name] = value
    if row["caption"] is None and row["captions"]:
        row["caption"] = row["captions"][0]  # an empty caption, which a cell cannot tell from none
    # A clip that was not tagged or measured has nothing there.
    return {name: None if name in ("tags", "measurements") and not has_any(row[name]) else row[name] for name in row}


def has_any(values: dict) -> bool:
    return any(value is not None for value in values.values())
