"""Where a command is to write: refused before anything is read, loaded or estimated, so that no work is lost at its end."""

import os
from collections.abc import Sequence

from llamo.cli.session import BadInputError


def check_place(path: str, option: str, endings: Sequence[str] = ()) -> None:
    """Refuses a file that could not be written.

    Args:
        path: the file; what is there already is replaced.
        option: what names it on the command line: "-o", "OUT".
        endings: one of these must it have, in small letters; any where there are none.

    Raises:
        BadInputError: a folder, or no folder to write into; another ending.
    """
    folder = os.path.dirname(path) or "."
    what, remedy = None, "Name a file."
    if os.path.isdir(path) or path.endswith(("/", os.sep)):
        what, remedy = "a folder", "Name a file in it."
    elif not os.path.basename(path):
        what = "an empty name"
    elif not os.path.isdir(folder):
        found, remedy = ("a file", "Correct") if os.path.exists(folder) else ("nothing", "Make it, or correct")
        raise BadInputError(
            f"Expected a folder to write to, got {found} at {folder!r} for {option} {path!r}. {remedy} the path."
        )
    elif not os.access(folder, os.W_OK | os.X_OK):
        what, remedy = f"the folder {folder!r}, in which you may not write,", "Write elsewhere, or change its permissions."
    if what is not None:
        raise BadInputError(f"Expected a file to write, got {what} at {option} {path!r}. {remedy}")
    if endings and os.path.splitext(path)[1].lower() not in endings:
        raise BadInputError(f"Expected {option} to end in {' or '.join(endings)}, got {path!r}. Rename it.")
