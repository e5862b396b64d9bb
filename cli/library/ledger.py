"""What need not be done again."""

from __future__ import annotations

from llamo.cli.library.clips import hash_of
from llamo.train.library.review_log import REVIEWS


class Ledger:
    """Tells whether a row holds what is asked of a clip, as the file is now; each file is hashed once."""

    def __init__(self, version: str, settings: str):
        self.version, self.settings = version, settings
        self.hashes: dict[str, str | None] = {}

    def holds(self, row: dict | None, path: str, errors_too: bool = False) -> bool:
        """Clips with an error are tried again by the next run, unless a person has decided about them, and yet count as done at
        the end of this one."""
        if row is None or row.get("settings") != self.settings:
            return False
        if row.get("error") is not None and not errors_too and not is_reviewed(row):
            return False
        return self.is_current(row, path)

    def holds_labels(self, row: dict | None, path: str) -> bool:
        """Whether labels of whatever settings are good ones of this file: by this checkpoint, or by a person."""
        if row is None or row.get("error") is not None:
            return False
        return self.is_same_file(row, path) if row.get("review") in ("accept", "edit") else self.is_current(row, path)

    def is_current(self, row: dict, path: str) -> bool:
        return row.get("model") == self.version and self.is_same_file(row, path)

    def is_same_file(self, row: dict, path: str) -> bool:
        if path not in self.hashes:
            self.hashes[path] = hash_of(path)
        return row["sha256"] == self.hashes[path]

    def worth(self, row: dict) -> tuple[bool, bool, bool]:
        """Of two rows of one clip the one that is worth more is kept."""
        path = row["path"]
        return self.holds(row, path), self.holds(row, path, errors_too=True), row.get("error") is None


def is_reviewed(row: dict) -> bool:
    """Whether a person has decided about a clip."""
    return row.get("review") in REVIEWS
