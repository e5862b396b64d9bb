"""The table of labels that `llamo caption` makes: JSON lines, Parquet or CSV, with the same rows in each."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path

from llamo.processing.whole_files_llamo import replace_file
from llamo.train.library.columns import COLUMNS, MEASUREMENTS, TAGS
from llamo.train.library.review_log import log_path, read_log, with_changes


FORMS = (".jsonl", ".parquet", ".csv")
LISTS = ("captions", "segments", "warnings", "tags.actions")  # cells that hold JSON in a CSV


def import_pyarrow():
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(f'{error}. Install it (pip install "llamo[search]"), or write .jsonl or .csv.') from None
    return pyarrow


def read_table(path: str | os.PathLike) -> list[dict]:
    """The rows of a table as Python objects, whatever its form, with what a person has decided about them since.

    Raises:
        ValueError: a file that is no such table.
        ImportError: Parquet without pyarrow.
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
        raise ValueError(
            f"Expected a table of `llamo caption`, got {error} in {path}. Make it again, or name another."
        ) from None
    if missing:
        raise ValueError(f"Expected a table of `llamo caption`, got no {missing[0]} in {path}. Name another file.")
    return with_changes(rows, read_log(log_path(path)))


def write_table(path: Path, rows: Iterable[dict]) -> None:
    """All rows in the order of their paths; the old table stays until the new one is complete. On the disk when this returns:
    whoever calls it may remove what the rows came from."""
    replace_file(path, table_bytes(path, rows))
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def table_bytes(path: Path, rows: Iterable[dict]) -> bytes:
    """What `write_table` writes."""
    rows = sorted(rows, key=lambda row: row["path"])
    extra = sorted({name for row in rows for name in row} - set(COLUMNS))
    rows = [{name: row.get(name) for name in (*COLUMNS, *extra)} for row in rows]
    if path.suffix.lower() == ".parquet":
        return to_parquet(rows, extra)
    if path.suffix.lower() == ".csv":
        return to_csv(rows)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


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
