"""A table of labels while a person goes through it: decisions, undo, and which clip comes next.

A decision is in the log beside the table (`llamo.train.library.review_log`) before `decide` returns. The table itself is
written by a thread of its own, so that a decision about one of a hundred thousand clips takes as long as about one of ten.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from pathlib import Path

from llamo.cli.session import BadInputError
from llamo.processing.whole_files_llamo import replace_file
from llamo.train.library.columns import TAGS
from llamo.train.library.label_table import read_table, table_bytes
from llamo.train.library.review_log import REVIEWS, Change, append, log_path, with_changes


UNDECIDED = "undecided"
FILTERS = (UNDECIDED, "all", *REVIEWS)
BY_MODEL = "caption_by_model"  # what stood there before a person corrected it
LONGEST = 2000  # characters of a text
LOOK_EVERY = 5.0  # seconds, whether somebody else has written the table
REST, MOST_REST = 4.0, 30.0  # between writing the table and writing it again: times as long as that took, seconds at most


class Review:
    """Rows of one table in the order of their paths. Every method may be called from any thread."""

    def __init__(self, table: str | os.PathLike):
        """Opens a table for this process alone.

        Raises:
            BadInputError: no table there, an empty one, or another process that reviews it.
        """
        from filelock import FileLock, Timeout

        self.table = Path(table)
        if not self.table.is_file():
            raise BadInputError(f"Expected a table of `llamo caption`, got nothing at {str(table)!r}. Check the path.")
        self.log = log_path(self.table)
        self.holder = FileLock(self.table.with_name(f".{self.table.name}.lock"))
        try:
            self.holder.acquire(timeout=0)
        except Timeout:
            raise BadInputError(
                f"Expected a table that nobody else reviews, got {self.table}, which another `llamo review` has open. End "
                "that one first, or open its page."
            ) from None
        except OSError as error:
            raise BadInputError(f"Expected a folder to write in, got {error} at {self.table.parent}. Correct it.") from None
        self.lock, self.writing = threading.RLock(), threading.Lock()
        self.wake, self.closing = threading.Event(), threading.Event()
        self.changes: list[Change] = []  # of this process, all of them
        self.undone: list[tuple[Change, dict]] = []  # what each decision replaced, and what was decided
        self.saved, self.problem = 0, ""
        try:
            self.load()
        except BadInputError:
            self.release()
            raise
        self.writer = threading.Thread(target=self.keep_writing, daemon=True)
        if self.log.exists():  # a run before was killed
            self.saved = -1
            self.wake.set()
        self.writer.start()

    def load(self) -> None:
        try:
            signature = signature_of(self.table)
            rows = with_changes(read_table(self.table), self.changes)
        except (ValueError, ImportError) as error:
            raise BadInputError(error) from None
        if not rows:
            raise BadInputError(f"Expected a table with rows, got none in {self.table}. Label clips with `llamo caption`.")
        self.rows = sorted(rows, key=lambda row: row["path"])
        self.index = {row["path"]: number for number, row in enumerate(self.rows)}
        self.counted = Counter(state_of(row) for row in self.rows)
        self.signature = signature

    # ---- looking

    def counts(self) -> dict:
        """How many clips are in which state, and whether the table holds all decisions."""
        with self.lock:
            found = {name: self.counted[name] for name in (UNDECIDED, *REVIEWS)}
            told = {"total": len(self.rows), "undo": len(self.undone), "problem": self.problem}
            return {**found, **told, "saved": self.saved == len(self.changes)}

    def row(self, path: str) -> dict:
        """
        Raises:
            BadInputError: a clip that the table does not have.
        """
        with self.lock:
            if path not in self.index:
                raise BadInputError(f"Expected a clip of {self.table}, got {path!r}. Load the page again.")
            return self.rows[self.index[path]]

    def place(self, path: str) -> int:
        """The number of a clip in the table, from 1."""
        with self.lock:
            return self.index[path] + 1

    def find(self, after: str | None, step: int = 1, wanted: str = UNDECIDED) -> str | None:
        """The next clip in a state, after (or with `step` -1 before) a clip; at the end it goes on from the start.

        Args:
            after: a path; None for the table's beginning. wanted: one of FILTERS.

        Returns:
            a path, that of `after` where no other is in that state, or None where none is.
        """
        with self.lock:
            start = self.index.get(after, -1 if step > 0 else len(self.rows))
            for distance in range(1, len(self.rows) + 1):
                row = self.rows[(start + step * distance) % len(self.rows)]
                if wanted == "all" or state_of(row) == wanted:
                    return row["path"]
            return None

    def file_of(self, path: str) -> Path:
        """Where a clip lies: as the labelling command was given it, or else beside the table, if both have moved."""
        given = Path(path)
        return given if given.exists() or given.is_absolute() else self.table.parent / given

    # ---- deciding

    def decide(self, path: str, review: str, caption: str | None = None, tags=None, segments=None) -> None:
        """Saves a decision.

        Args:
            path: of a clip of the table. review: one of REVIEWS; "accept" with other labels than the row's is an "edit".
            caption: as it stands now. tags: of TAGS. segments: the captions of the row's segments. None leaves as it is.

        Raises:
            BadInputError: an unknown decision, or labels that are none.
        """
        with self.lock:
            row = self.row(path)
            if review not in REVIEWS:
                raise BadInputError(f"Expected a decision out of {', '.join(REVIEWS)}, got {review!r} for {path}.")
            columns = {} if review == "reject" else corrected(row, caption, tags, segments)
            if review != "reject":
                if not columns.get("caption", row.get("caption")):
                    raise BadInputError(f"Expected a caption to accept, got none for {path}. Write one, or reject the clip.")
                review = "edit" if columns or row.get(BY_MODEL) is not None else "accept"
            columns["review"] = review
            before = {name: row.get(name) for name in columns}
            self.save(Change(path, row.get("sha256"), columns))
            self.undone.append((Change(path, row.get("sha256"), before), columns))

    def undo(self) -> tuple[str, dict] | None:
        """Takes back the last decision of this process.

        Returns:
            the clip's path, and the columns that had been decided; None where nothing is left to undo.
        """
        with self.lock:
            while self.undone and self.undone[-1][0].path not in self.index:
                self.undone.pop()  # the table has been made anew without that clip
            if not self.undone:
                return None
            change, columns = self.undone[-1]
            self.save(change)
            self.undone.pop()
            return change.path, columns

    def save(self, change: Change) -> None:
        try:
            append(self.log, change)
        except OSError as error:
            raise BadInputError(f"Expected to save, got {error} at {self.log}. Make room, then decide again.") from None
        self.changes.append(change)
        number = self.index[change.path]
        self.counted[state_of(self.rows[number])] -= 1
        self.rows[number] = {**self.rows[number], **change.columns}
        self.counted[state_of(self.rows[number])] += 1
        self.wake.set()

    # ---- writing

    def keep_writing(self) -> None:
        while not self.closing.is_set():
            self.wake.wait(LOOK_EVERY)
            self.wake.clear()
            if not self.closing.is_set():
                began = time.monotonic()
                self.write()
                # A large table is not written all the time: the page is to be answered meanwhile.
                self.closing.wait(min(MOST_REST, REST * (time.monotonic() - began)))

    def write(self) -> None:
        """Brings the table up to all decisions so far; the log goes once the table holds it.

        `llamo caption` may write the table too: its new rows are taken over, and the decisions stand in its table again.
        """
        with self.writing:
            try:
                while not self.write_once():
                    pass
                self.problem = ""
            except (BadInputError, ValueError, OSError) as error:
                self.problem = f"{' '.join(str(error).splitlines())} The decisions are kept in {self.log}."

    def write_once(self) -> bool:
        """Whether the table is up to date; not if somebody has written it meanwhile."""
        with self.lock:
            changed = signature_of(self.table) != self.signature
            if changed:
                self.load()
            if self.saved == len(self.changes) and not (changed and self.changes):
                return True
            rows, number, signature = list(self.rows), len(self.changes), self.signature
        content = table_bytes(self.table, rows)  # takes long
        if signature_of(self.table) != signature:
            return False
        replace_file(self.table, content)
        with open(self.table, "r+b") as file:
            os.fsync(file.fileno())
        with self.lock:
            self.signature, self.saved = signature_of(self.table), number
            if number == len(self.changes):
                self.log.unlink(missing_ok=True)
        return True

    def close(self) -> None:
        """Writes what is left to write, and lets others review the table."""
        self.closing.set()
        self.wake.set()
        self.writer.join()
        self.write()
        self.release()

    def release(self) -> None:
        self.holder.release()
        Path(self.holder.lock_file).unlink(missing_ok=True)


def state_of(row: dict) -> str:
    return row.get("review") if row.get("review") in REVIEWS else UNDECIDED


def signature_of(path: Path) -> tuple[int, int, int]:
    """Changes when a file is replaced or written."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def corrected(row: dict, caption: str | None, tags: dict | None, segments: list | None) -> dict:
    """The columns of a row that a person has changed. A corrected caption takes the place of all that the model had said of the
    clip; the model's first words stay in BY_MODEL.

    Raises:
        BadInputError: what is no caption, no tag or another number of segments.
    """
    columns: dict = {}
    if caption is not None:
        caption = text_of(caption, "the caption")
        if caption != text_of(row.get("caption") or "", "the caption"):
            before = row.get(BY_MODEL)
            columns |= {"caption": caption, "captions": [caption]}
            columns[BY_MODEL] = (row.get("caption") or "") if before is None else before
    if tags is not None:
        new = tags_of(tags)
        if new != tags_of(row.get("tags") or {}):
            columns["tags"] = new
            columns.setdefault(BY_MODEL, before_any(row))
    old = row.get("segments") or []
    if segments is not None or "caption" in columns:
        said = [part["caption"] for part in old] if segments is None else segments
        if not isinstance(said, list) or len(said) != len(old):
            raise BadInputError(f"Expected the captions of {len(old)} segments, got {said!r} for {row['path']}. Load the page.")
        said = [text_of(text, "a segment") for text in said]
        if len(old) == 1 and "caption" in columns and old[0]["caption"] == row.get("caption"):
            said = [columns["caption"]]  # a short clip is its only segment
        new_segments = [{**part, "caption": text} for part, text in zip(old, said, strict=True)]
        if new_segments != old:
            columns["segments"] = new_segments
            columns.setdefault(BY_MODEL, before_any(row))
    return columns


def before_any(row: dict) -> str:
    return row[BY_MODEL] if row.get(BY_MODEL) is not None else row.get("caption") or ""


def text_of(value: object, what: str) -> str:
    """A text on one line.

    Raises:
        BadInputError: something else, or too long a text.
    """
    text = " ".join(value.split()) if isinstance(value, str) else None
    if text is None or len(text) > LONGEST:
        got = type(value).__name__ if text is None else f"{len(text)} characters"
        raise BadInputError(f"Expected a text of at most {LONGEST} characters, got {got} for {what}. Shorten it.")
    return text


def tags_of(value: object) -> dict:
    """All of TAGS: `actions` a list of keys, the others a word or None. Words of an action are joined as in the catalogue.

    Raises:
        BadInputError: an unknown tag, or one that is no text.
    """
    if not isinstance(value, dict) or set(value) - set(TAGS):
        raise BadInputError(f"Expected tags out of {', '.join(TAGS)}, got {value!r}. Load the page again.")
    actions = value.get("actions") or []
    if not isinstance(actions, list):
        raise BadInputError(f"Expected a list of actions, got {actions!r}. Load the page again.")
    names = [text_of(action, "an action").lower().replace(" ", "_") for action in actions]
    found: dict = {"actions": [*dict.fromkeys(filter(None, names))]}
    for name in TAGS:
        if name != "actions":
            found[name] = text_of(value.get(name) or "", name) or None
    return found
