"""`llamo data`: make a data set, and look at one."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from llamo.cli.session import BadInputError, with_path


def synthesize(settings: dict, out: str, num_proc: int) -> str:
    """Writes a data set of questions about motion; what it holds, as one line.

    Raises:
        BadInputError: settings out of range, a file that is no recording, a folder that holds something else.
    """
    try:
        from llamo.train.make_data import DataPlan, make_data
    except ImportError as error:
        raise BadInputError(f'{error}. Install the training extra: pip install ".[train]".') from None

    try:
        kinds = make_data(DataPlan(**settings), out, num_proc)
    except (ValueError, OSError) as error:
        raise BadInputError(error) from None
    listed = ", ".join(f"{num} {kind}" for kind, num in kinds.most_common())
    return f"{settings['num'] + settings['num_validation']} rows in {out}; questions: {listed}"


def prepare(source: str, root: str, out: str, split: str, amass: str | None, seed: int, read=None) -> Iterator[str]:
    """Writes a public data set, or own files with their texts, as rows for training; tells what was left out, and why.

    Args:
        read: reads the motion at a path, where that needs more than its file.

    Raises:
        BadInputError: another layout than the published one, a test split, nothing that can be used.
    """
    try:
        from llamo.train.prepare_data import prepare_data
    except ImportError as error:
        raise BadInputError(f'{error}. Install the training extra: pip install ".[train]".') from None

    try:
        found = prepare_data(source, root, out, split, amass, seed, read=read)
    except (ValueError, OSError) as error:
        raise BadInputError(error) from None
    for path, reason in found.left_out[:10]:
        yield f"left out: {with_path(str(path), ' '.join(reason.splitlines()))}"
    if len(found.left_out) > 10:
        yield f"left out: {len(found.left_out) - 10} more"
    listed = ", ".join(f"{num} {kind}" for kind, num in found.kinds.most_common())
    yield f"{found.rows} rows in {out} ({listed}), {len(found.left_out)} left out"


def show(folder: str, split: str, first: int, num: int) -> Iterator[str]:
    """Rows of a data set as text.

    Raises:
        BadInputError: no such data set, split or row.
    """
    for index, row in enumerate(read_rows(folder, split, first, num), first):
        if index > first:
            yield ""
        yield f"row {index}: {row.get('kind') or 'conversation'}"
        for message in row["messages"]:
            parts = [tell(part) for part in message["content"]]
            yield f"  {message['role']}: {' '.join(parts)}"
        if row.get("answer") is not None:
            yield f"  right: {row['answer']}" + (f" of {', '.join(row['choices'])}" if row.get("choices") else "")
        if row.get("program"):
            yield f"  program: {row['program']}"


def statistics(recorded: list[str], num: int, seed: int) -> str:
    """Procedural motion beside recorded motion, as text.

    Raises:
        BadInputError: a file that holds no recorded clips.
    """
    try:
        from llamo.train.synthesis.statistics import compare
    except ImportError as error:
        raise BadInputError(f'{error}. Install the training extra: pip install ".[train]".') from None

    try:
        return compare(recorded, num, seed)
    except (ValueError, OSError) as error:
        raise BadInputError(error) from None


def tell(part: dict) -> str:
    if part["type"] == "text":
        return part["text"]
    held = f"{len(part['bytes']) / 1000:.0f} kB {part.get('format') or ''}".strip() if part.get("bytes") else part.get("path")
    return f"[{part['type']}: {held}]"


def view_row(folder: str, split: str, index: int, out: str) -> str:
    """Writes the page that plays the motion of a row.

    Raises:
        BadInputError: no such row, or one without motion.
    """
    from llamo.cli.view import view_files

    row = next(read_rows(folder, split, index, 1))
    motions = [part for message in row["messages"] for part in message["content"] if part["type"] == "motion"]
    if not motions:
        raise BadInputError(f"Expected a row with motion, got row {index} of {folder}, which has none. Choose another.")
    with tempfile.TemporaryDirectory() as made:
        paths = []
        for place, part in enumerate(motions):
            path = part.get("path")
            if part.get("bytes"):
                path = os.path.join(made, f"row {index} motion {place}.{part.get('format') or 'npz'}")
                Path(path).write_bytes(part["bytes"])
            paths.append(path)
        said = {name: motions[0][name] for name in ("fps", "units", "up_axis") if motions[0].get(name) is not None}
        return view_files(paths, out, False, None, said)[0]


def read_rows(folder: str, split: str, first: int, num: int) -> Iterator[dict]:
    """`num` rows from row `first` on, whatever shards they lie in."""
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise BadInputError(f'{error}. Install the training extra: pip install ".[train]".') from None

    paths = sorted(path for path in Path(folder).rglob(f"{split}*.parquet") if not path.name.startswith("."))
    if not paths:
        raise BadInputError(f"Expected {split}*.parquet files, got none in {folder}. Check the folder and --split.")
    seen, given = 0, 0
    for path in paths:
        try:
            file = parquet.ParquetFile(path)
            start = first + given - seen  # of the wanted rows within this shard
            seen += file.metadata.num_rows
            if given == num or start >= file.metadata.num_rows:
                continue
            table = file.read().slice(start, num - given).to_pylist()
        except (OSError, ValueError) as error:
            raise BadInputError(f"Expected a Parquet file, got {error} at {path}. Make it again.") from None
        if "messages" not in table[0]:
            raise BadInputError(f"Expected a column messages, got {', '.join(table[0])} in {path}. This is other data.")
        given += len(table)
        yield from table
    if not given:
        raise BadInputError(f"Expected a row below {seen}, got {first} in {folder} ({split}). Choose another.")
