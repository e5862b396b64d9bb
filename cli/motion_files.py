"""Motion files for the commands that need no model: read, and reported on as `llamo ask --json` does."""

from typing import Any

from llamo.cli.session import check_files, file_report, unreadable


def read_file(path: str, said: dict | None = None) -> tuple[Any, dict]:
    """Reads one motion file.

    Args:
        path: the file.
        said: what the user says about it, as `read_motion` takes it.

    Returns:
        the motion, and what was found in the file (`file_report`).

    Raises:
        BadInputError: nothing there, or nothing readable as a person's motion.
    """
    from llamo.processing.motion_formats_llamo import read_motion

    check_files([path])
    try:
        raw = read_motion(path, **(said or {}))
    except (ValueError, OSError, ImportError) as error:
        raise unreadable(path, error) from None
    return raw, file_report(path, raw)
