"""An embedded LanceDB of labelled clips: a folder, no server. Words by BM25, embeddings by cosine, filters in SQL.

One table, `clips`, with a row for each file. Every batch is one commit: a run that is killed leaves the batches before it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import IvfFlat

from llamo.train.library.columns import MEASUREMENTS, TAGS, words_of_name


TABLE = "clips"
IDENTITY = ("path", "sha256", "error", "model", "settings")  # what tells whether a clip has to be indexed again
SHOWN = ("path", "caption", "seconds")
# Below, every vector is compared; above, those of the partitions nearest to what is asked.
INDEX_FROM = 20_000
PROBES = 32
RANK_OFFSET = 60  # of reciprocal rank fusion (Cormack et al., SIGIR 2009)
COMPACT_EVERY = 64  # commits, after which small files are joined


@dataclass(frozen=True)
class Hit:
    """A found clip. `score` is 1 for what comes first in every list that was asked, by words and by embedding."""

    path: str
    score: float
    caption: str
    seconds: float


def schema(width: int):
    """Columns of the table; `vector` only where the checkpoint has embeddings."""
    text, texts, number = pa.string(), pa.list_(pa.string()), pa.float64()
    fields = [(name, text) for name in (*IDENTITY, "caption", "detailed", "text", "action")]
    fields += [("seconds", number), ("captions", texts), ("actions", texts), ("warnings", texts)]
    fields += [(name, text) for name in TAGS if name != "actions"]
    fields += [(name, number) for name in MEASUREMENTS]
    fields += [("segments", pa.list_(pa.struct([("start_s", number), ("end_s", number), ("caption", text)])))]
    if width:
        fields += [("vector", pa.list_(pa.float32(), width))]
    return pa.schema(fields)


def record(row: dict) -> dict:
    """A row of labels -> a row of the table: tags and measurements as columns, and the words that are searched."""
    tags = row.get("tags") or {}
    actions = tags.get("actions") or []
    flat = {name: row.get(name) for name in (*IDENTITY, "seconds", "caption", "detailed")}
    flat |= {name: row.get(name) or [] for name in ("captions", "warnings", "segments")}
    flat |= {name: tags.get(name) for name in TAGS} | {"actions": actions, "action": actions[0] if actions else None}
    flat |= {name: (row.get("measurements") or {}).get(name) for name in MEASUREMENTS}
    # `caption` is the first of `captions`, or what a person put in its place.
    said = [flat["caption"], *flat["captions"][1:], *(segment["caption"] for segment in flat["segments"])]
    named = [action.replace("_", " ") for action in actions] + [tags.get(name) or "" for name in TAGS if name != "actions"]
    words = [*dict.fromkeys(filter(None, said)), *named, words_of_name(flat["path"])]
    flat["text"] = None if flat["error"] else " ".join(filter(None, words))
    if row.get("vector") is not None:
        flat["vector"] = np.asarray(row["vector"], dtype=np.float32)
    return flat


class Library:
    """The table of one database."""

    def __init__(self, folder: str | os.PathLike, width: int | None = None):
        """Opens a database.

        Args:
            folder: the database; with `width` it is made where there is none.
            width: of the checkpoint's embeddings, 0 for none; None to open for a search. A table of another width is begun
                anew: it was made by another checkpoint, and no row of it would stay.

        Raises:
            ValueError: no database there, or a folder that is something else.
        """
        self.folder = Path(folder)
        is_ours = (self.folder / f"{TABLE}.lance").is_dir()
        if not is_ours and (width is None or (self.folder.exists() and (self.folder.is_file() or any(self.folder.iterdir())))):
            what = "something else" if self.folder.exists() else "nothing"
            raise ValueError(
                f"Expected a database of `llamo index`, got {what} at {str(folder)!r}. "
                "Make one with: llamo index DIR --db library.lance."
            )
        self.connection = lancedb.connect(str(self.folder))
        if not is_ours:
            self.table = self.connection.create_table(TABLE, schema=schema(width or 0))
        else:
            self.table = self.connection.open_table(TABLE)
            if width is not None and self.width != width:
                self.table = self.connection.create_table(TABLE, schema=schema(width), mode="overwrite")
        self.commits = 0

    @property
    def width(self) -> int:
        """Of the vectors, 0 where the table has none."""
        names = self.table.schema.names
        return self.table.schema.field("vector").type.list_size if "vector" in names else 0

    def __len__(self) -> int:
        return self.table.count_rows()

    def known(self) -> dict[str, dict]:
        """What tells whether a clip has to be indexed again, by path."""
        found = self.table.search().select(list(IDENTITY)).limit(max(1, len(self))).to_list()
        return {row["path"]: row for row in found}

    def made_by(self) -> str | None:
        """The checkpoint that made the embeddings, None where no clip is there."""
        found = self.table.search().select(["model"]).limit(1).to_list()
        return found[0]["model"] if found else None

    def add(self, rows: Sequence[dict]) -> None:
        """Adds labelled clips, in the place of older rows of the same paths, in one commit."""
        rows = [record(row) for row in rows]
        data = pa.table({field.name: pa.array([r.get(field.name) for r in rows], field.type) for field in self.table.schema})
        self.table.merge_insert("path").when_matched_update_all().when_not_matched_insert_all().execute(
            data,
            on_bad_vectors="null",  # clips with an error have none
        )
        self.commits += 1
        if self.commits % COMPACT_EVERY == 0:
            self.table.optimize()

    def remove(self, paths: Iterable[str]) -> None:
        paths = list(paths)
        for start in range(0, len(paths), 500):
            listed = ", ".join(quoted(path) for path in paths[start : start + 500])
            self.table.delete(f"path IN ({listed})")

    def finish(self) -> None:
        """Brings the indexes up to date: words always, vectors where there are many."""
        have = {column for index in self.table.list_indices() for column in index.columns}
        if not len(self):
            return
        if "text" not in have:
            self.table.create_fts_index("text", replace=True)
        if self.width and "vector" not in have and len(self) >= INDEX_FROM:
            # Exact within a partition, and made in seconds where a graph takes minutes.
            partitions = round(len(self) ** 0.5)
            self.table.create_index("vector", config=IvfFlat(distance_type="cosine", num_partitions=partitions))
        self.table.optimize()

    def search(
        self, text: str = "", vector: np.ndarray | None = None, where: str | None = None, k: int = 10, exact: bool = False
    ) -> list[Hit]:
        """The best clips, by words, by embedding, or by both with their ranks fused.

        Args:
            text: words. vector: of a text, of a motion or of both, `(width,)`.
            where: SQL over the columns: "seconds > 2 and action = 'walk'".
            k: clips at most. exact: compare every vector, index or not.

        Raises:
            ValueError: a filter that is none, or nothing to search by.
        """
        # Clips with an error have no words and no vector; they are only kept out where neither is asked.
        condition = f"error IS NULL AND ({where})" if where else None
        wanted = max(50, 5 * k)
        lists = []
        try:
            if text.strip():
                by_words = (
                    self.table.search(text, query_type="fts", fts_columns="text").select([*SHOWN, "_score"]).limit(wanted)
                )
                lists.append((by_words.where(condition, prefilter=True) if condition else by_words).to_list())
            if vector is not None:
                near = self.table.search(np.asarray(vector, dtype=np.float32), vector_column_name="vector")
                near = near.distance_type("cosine").select([*SHOWN, "_distance"]).limit(wanted)
                near = near.bypass_vector_index() if exact else near.nprobes(PROBES)
                lists.append((near.where(condition, prefilter=True) if condition else near).to_list())
            if not lists:
                lists.append(self.table.search().select(list(SHOWN)).where(condition or "error IS NULL").limit(k).to_list())
        except (ValueError, RuntimeError, OSError) as error:
            raise self.explain(error, where) from None
        return fuse(lists, k)

    def explain(self, error: Exception, where: str | None) -> Exception:
        if where is None:
            return error
        names = ", ".join(name for name in self.table.schema.names if name not in ("vector", "text"))
        reason = str(error).splitlines()[0].partition(", /")[0][:200]  # without the path of a source file behind it
        return ValueError(f"Expected a filter over the columns {names}, got {where!r} ({reason}). Correct --where.")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def fuse(lists: Sequence[Sequence[dict[str, Any]]], k: int) -> list[Hit]:
    """Reciprocal rank fusion: what stands high in several lists comes first."""
    scores: dict[str, float] = {}
    rows: dict[str, dict] = {}
    for found in lists:
        for rank, row in enumerate(found, start=1):
            rows[row["path"]] = row
            scores[row["path"]] = scores.get(row["path"], 0.0) + 1.0 / (RANK_OFFSET + rank)
    best = sorted(scores, key=lambda path: (-scores[path], path))[:k]
    top = len(lists) / (RANK_OFFSET + 1)
    return [Hit(path, round(scores[path] / top, 4), rows[path]["caption"] or "", rows[path]["seconds"] or 0.0) for path in best]
