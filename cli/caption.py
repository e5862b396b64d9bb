"""`llamo caption`: label a library of motions, in one go or in many, by one process or by several."""

import os
from collections.abc import Iterator

from llamo.cli.failing import fail
from llamo.cli.library.clips import batches, find_clips, parse_shard
from llamo.cli.library.labelling import LabelPlan, label_batch, model_version, parse_question
from llamo.cli.library.ledger import Ledger, is_reviewed
from llamo.cli.library.table import Part, check_out, known_rows, parts_of
from llamo.cli.motion_files import check_said
from llamo.cli.session import BadInputError, open_session, with_path
from llamo.train.library.label_table import write_table


def caption_library(
    paths: list[str],
    out: str,
    model: str,
    captions: int,
    fields: str,
    prompts: list[str],
    shard: str | None,
    batch_size: int,
    max_new_tokens: int,
    device: str | None,
    dtype: str,
    said: dict,
) -> Iterator[str]:
    """Labels what has no labels yet and writes the table; yields what to print.

    Raises:
        BadInputError: anything that the caller has to change.
    """
    from tqdm.auto import tqdm

    table, share = check_out(out), parse_shard(shard)
    names = tuple(name.strip() for name in fields.split(",") if name.strip())
    plan = LabelPlan(captions, names, tuple(map(parse_question, prompts)), max_new_tokens, said)
    clips = find_clips(paths)
    check_said((clip.path for clip in clips), said)
    known_rows(table)  # a file that is no table of ours is refused before anything is loaded
    if device is None and shard is None and share.of > 1 and has_cuda():
        device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    session, _, _ = open_session(model, [], None, 0.0, device, dtype)
    version = model_version(model, session.model)
    ledger = Ledger(version, plan.settings)
    rows = known_rows(table, ledger)
    check_unreviewed(out, rows, [clip.path for clip in clips], ledger)
    mine = batches(clips, batch_size, share)
    pending = [[clip for clip in batch if not ledger.holds(rows.get(clip.path), clip.path)] for batch in mine]
    pending = [batch for batch in pending if batch]

    total, todo = sum(map(len, mine)), sum(map(len, pending))
    progress = tqdm(total=total, initial=total - todo, desc="clips", unit="clip", disable=None)
    with Part(table, share) as part, progress:
        for batch in pending:
            made = label_batch(session, batch, plan, version, batch_size)
            part.add(made)
            progress.update(len(made))
    told, errors = finish(table, [clip.path for clip in clips], ledger, todo)
    yield told
    refuse_all_unreadable(errors)


def check_unreviewed(out: str, rows: dict[str, dict], paths: list[str], ledger: Ledger) -> None:
    """Refuses to write new labels over what a person has decided about the same files.

    Raises:
        BadInputError: decisions that would be lost.
    """
    told = [(path, rows[path]) for path in paths if path in rows and is_reviewed(rows[path])]
    lost = [path for path, row in told if ledger.is_same_file(row, path) and not ledger.holds(row, path)]
    if lost:
        raise BadInputError(
            f"Expected another --out, got {out} with {len(lost)} reviewed clips, {lost[0]} for one, whose labels another "
            "checkpoint or other settings would replace. Name another table, or those settings."
        )


def refuse_all_unreadable(errors: dict[str, str | None]) -> None:
    """Ends the program where not one clip could be read: a script that goes on with the labels would go on with none.

    Args:
        errors: of every clip, None where there is none.

    Raises:
        typer.Exit: code 1; the table is there all the same.
    """
    if errors and None not in errors.values():
        path, error = next(iter(errors.items()))
        what = "its error" if len(errors) == 1 else f"{len(errors)} errors, the first"
        raise fail(f"Expected clips that can be read, got {what}: {with_path(path, error)}", code=1)


def has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def finish(table, paths: list[str], ledger: Ledger, made: int) -> tuple[str, dict[str, str | None]]:
    """Writes the table and removes the parts once every clip has a row.

    Returns:
        what there is, in words, and the error of each clip; none where clips are left to other shards.
    """
    parts = parts_of(table)
    rows = known_rows(table, ledger)
    missing = [path for path in paths if not ledger.holds(rows.get(path), path, errors_too=True)]
    if missing:
        return (
            f"{made} clips labelled; {len(missing)} of {len(paths)} are left to other shards. The last to finish writes "
            f"{table}; without a shared disk, put all {table.name}.*.part into one folder and run again without --shard."
        ), {}
    write_table(table, rows.values())
    for path in parts:
        path.unlink(missing_ok=True)
    errors = {path: rows[path].get("error") for path in paths}
    wrong = sum(error is not None for error in errors.values())
    kept = len(rows) - len(paths)
    others = f", {kept} rows of other files kept" if kept else ""
    where = " (column error says what)" if wrong else ""
    return f"{len(paths)} clips in {table}: {made} labelled now, {wrong} with errors{where}{others}", errors
