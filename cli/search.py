"""`llamo index` and `llamo search`: a database of labelled clips, and clips out of it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from llamo.cli.caption import refuse_all_unreadable
from llamo.cli.library import embedding
from llamo.cli.library.clips import Shard, batches, find_clips
from llamo.cli.library.labelling import LabelPlan, label_batch, model_version, read_clip
from llamo.cli.library.ledger import Ledger
from llamo.cli.library.table import check_table
from llamo.cli.motion_files import check_said, flags
from llamo.cli.session import BadInputError, Session, check_files, check_overrides, open_session, with_path
from llamo.train.library.label_table import read_table


MOST_ERRORS = 5  # that are listed

if TYPE_CHECKING:
    from llamo.train.library.database import Hit, Library


@contextmanager
def database_errors() -> Iterator[None]:
    """What the database says is wrong, in the words of the command line."""
    try:
        yield
    except ImportError as error:
        raise BadInputError(f'{error}. Install the search extra: pip install "llamo[search]".') from None
    except (ValueError, OSError) as error:
        raise BadInputError(error) from None


def open_library(db: str, width: int | None = None) -> "Library":
    with database_errors():
        from llamo.train.library.database import Library

        return Library(db, width)


def index_library(
    paths: list[str],
    db: str,
    model: str,
    labels: str | None,
    batch_size: int,
    max_new_tokens: int,
    device: str | None,
    dtype: str,
    said: dict,
) -> Iterator[str]:
    """Labels and stores what is new or changed, and forgets files that are gone; yields what to print.

    Raises:
        BadInputError: anything that the caller has to change.
    """
    from tqdm.auto import tqdm

    with database_errors():
        import lancedb  # noqa: F401  (before a model is loaded for nothing)
    plan = LabelPlan(max_new_tokens=max_new_tokens, said=said)
    clips = find_clips(paths)
    check_said((clip.path for clip in clips), said)
    if labels is not None:
        check_table(labels)
    with database_errors():
        told = {row["path"]: row for row in read_table(labels)} if labels is not None else {}
    if labels is not None and not told:
        raise BadInputError(f"Expected a table with rows, got none in {labels}. Label clips with `llamo caption`.")
    session, _, _ = open_session(model, [], None, 0.0, device, dtype)
    version = model_version(model, session.model)
    check_one_space(db, paths, {clip.path for clip in clips}, version, embedding.width(session))
    library, ledger = open_library(db, embedding.width(session)), Ledger(version, plan.settings)
    known = library.known()
    gone = gone_from(known, paths, {clip.path for clip in clips})
    library.remove(gone)

    paths_told = [clip.path for clip in clips if ledger.holds_labels(told.get(clip.path), clip.path)]
    ready = {path: {**told[path], "model": version, "settings": told_settings(plan, told[path])} for path in paths_told}
    pending = [clip for clip in clips if not is_indexed(known.get(clip.path), clip.path, ready, ledger)]
    also = embedding.embed_clips if library.width else None
    make = partial(label_batch, session, plan=plan, version=version, batch_size=batch_size, also=also)
    progress = tqdm(total=len(clips), initial=len(clips) - len(pending), desc="clips", unit="clip", disable=None)
    with progress:
        for batch in batches(pending, batch_size, Shard()):
            rows = [ready[clip.path] for clip in batch if clip.path in ready]
            if rows and library.width:
                rows = with_embeddings(session, rows, said)
            rows += make([clip for clip in batch if clip.path not in ready])
            library.add(rows)
            progress.update(len(batch))
    library.finish()
    now = library.known()
    errors = {clip.path: now[clip.path].get("error") for clip in clips if clip.path in now}
    unread = {path: error for path, error in errors.items() if error is not None}
    for path, error in list(unread.items())[:MOST_ERRORS]:
        yield f"cannot be read: {with_path(path, error)}"
    if len(unread) > MOST_ERRORS:
        yield f"cannot be read: {len(unread) - MOST_ERRORS} more"
    how = "words and embeddings" if library.width else "words alone: this checkpoint has no trained embeddings"
    lost = f", {len(unread)} that cannot be read" if unread else ""
    yield f"{len(library)} clips in {db}: {len(pending)} indexed now, {len(gone)} gone{lost}; searched by {how}"
    refuse_all_unreadable(errors)


def with_embeddings(session: Session, rows: list[dict], said: dict) -> list[dict]:
    """Rows of a table with the embeddings of their clips; what cannot be read now, by other options for one, has its error."""
    read = [read_clip(session, row["path"], said) for row in rows]
    good = [clip for clip in read if clip.error is None]
    vectors = dict(zip((clip.path for clip in good), embedding.embed_clips(session, good), strict=True)) if good else {}
    return [row | vectors.get(clip.path, {"error": clip.error}) for row, clip in zip(rows, read, strict=True)]


def told_settings(plan: LabelPlan, row: dict) -> str:
    """What stands for the settings of labels out of a table: corrected once more, they are indexed once more."""
    labels = {name: value for name, value in row.items() if name not in ("model", "settings")}
    return f"{plan.settings}+{sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:12]}"


def is_indexed(known: dict | None, path: str, ready: dict[str, dict], ledger: Ledger) -> bool:
    """Whether the database has what is `ready` of a clip; or, where nothing is, any labels, which then stay."""
    if known is None:
        return False
    if path in ready:
        is_same = known["settings"] == ready[path]["settings"] and known["error"] is None
        return is_same and ledger.is_current(known, path)
    return ledger.holds({**known, "settings": known["settings"].partition("+")[0]}, path)


def gone_from(known: dict[str, dict], paths: list[str], found: set[str]) -> list[str]:
    """Paths of the database that lie in a folder which was looked through, and are not there any more."""
    folders = [Path(path) for path in paths if os.path.isdir(path)]
    return [path for path in known if path not in found and any(Path(path).is_relative_to(folder) for folder in folders)]


def check_one_space(db: str, paths: list[str], found: set[str], version: str, width: int) -> None:
    """Refuses embeddings of two checkpoints in one database: they are not comparable, and other widths would empty it.

    Raises:
        BadInputError: clips of other folders, indexed with another checkpoint.
    """
    if not Path(db, "clips.lance").is_dir():
        return
    library = open_library(db)
    known = library.known()
    gone = set(gone_from(known, paths, found))
    others = [path for path, row in known.items() if path not in found | gone and row["model"] != version]
    if others and (width or library.width):
        raise BadInputError(
            f"Expected all clips of a database to be indexed with one checkpoint, got {version} for {', '.join(paths)} and "
            f"{known[others[0]]['model']} for {len(others)} others in {db}, {others[0]} for one. Name their folders too, or "
            "another --db."
        )


def search_library(
    text: str,
    db: str,
    like: str | None,
    where: str | None,
    k: int,
    words: bool,
    as_json: bool,
    model: str,
    device: str | None,
    dtype: str,
    said: dict,
) -> str:
    """Finds clips; a JSON array of path, score and caption, or a line for each.

    Raises:
        BadInputError: no database, no such file, a filter that is none, embeddings asked of what has none.
    """
    if not text.strip() and like is None and where is None:
        raise BadInputError("Expected words, --like FILE or --where FILTER to search by, got none. Give one of them.")
    if said and like is None:
        raise BadInputError(
            f"Expected --like FILE, which {flags(said)} would be about, got none. Leave {flags(said)} out, or add --like."
        )
    if like is not None:
        check_files([like])
        check_overrides([like], said)
    library = open_library(db)
    if like is not None and (words or not library.width):
        why = "--words" if words else f"{db}, whose checkpoint has no trained embeddings"
        raise BadInputError(f"Expected embeddings to search with --like, got {why}. Search by words, or index with another.")
    vector = None
    if library.width and not words and (text.strip() or like is not None):
        vector = query_vector(library, text, like, model, device, dtype, said)
    with database_errors():
        return render(library.search(text, vector, where, min(k, max(1, len(library)))), as_json)


def query_vector(
    library: "Library", text: str, like: str | None, model: str, device: str | None, dtype: str, said: dict
) -> np.ndarray:
    """The embedding of a text, of an example, or the middle between both."""
    session, motions, _ = open_session(model, [like] if like else [], None, 0.0, device, dtype, said)
    embedding.check(session, "a search by meaning")
    version = model_version(model, session.model)
    made_by = library.made_by()
    if made_by not in (None, version):
        raise BadInputError(
            f"Expected the checkpoint that the database was made with, {made_by}, got {version}. Index again, name it with "
            "--model, or search with --words."
        )
    vectors = [embedding.embed_text(session, text)] if text.strip() else []
    vectors += list(embedding.embed_motions(session, [motion.part for motion in motions])) if like else []
    return np.mean(vectors, axis=0)


def render(hits: "list[Hit]", as_json: bool) -> str:
    if as_json:
        told = [{name: asdict(hit)[name] for name in ("path", "score", "caption")} for hit in hits]
        return json.dumps(told, ensure_ascii=False)
    if not hits:
        return "Nothing found."
    return "\n".join(f"{hit.score:.2f}  {hit.path}  {hit.seconds:.1f} s  {hit.caption}" for hit in hits)
