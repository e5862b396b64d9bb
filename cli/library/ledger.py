"""What need not be done again."""

from __future__ import annotations

from llamo.cli.library.clips import hash_of


class Ledger:
    """Tells whether a row holds what is asked of a clip, as the file is now; each file is hashed once."""

    def __init__(self, version: str, settings: str):
        self.version, self.settings = version, settings
        self.hashes: dict[str, str | None] = {}

    def holds(self, row: dict | None, path: str, errors_too: bool = False) -> bool:
        """Clips with an error are tried again by the next run, and yet count as done at the end of this one."""
        if row is None or row.get("settings") != self.settings or (row.get("error") is not None and not errors_too):
            return False
        return self.is_current(row, path)

    def holds_labels(self, row: dict | None, path: str) -> bool:
        """Whether labels of whatever settings are good ones of this checkpoint and this file."""
        return row is not None and row.get("error") is None and self.is_current(row, path)

    def is_current(self, row: dict, path: str) -> bool:
        if row.get("model") != self.version:
            return False
        if path not in self.hashes:
            self.hashes[path] = hash_of(path)
        return row["sha256"] == self.hashes[path]
