"""Motion files for the commands that need no model: read, and reported on as `llamo ask --json` does."""

import os
from typing import Any

from llamo.cli.session import BadInputError, check_files


def read_file(path: str, said: dict | None = None) -> tuple[Any, dict]:
    """Reads one motion file.

    Args:
        path: the file.
        said: what the user says about it, as `read_motion` takes it.

    Returns:
        the motion, and what was found in the file: `path`, `format`, `source_fps`, `frames`, `seconds`, `joints`, `units`,
        `up_axis`, `skeleton`, `assumed`.

    Raises:
        BadInputError: nothing there, or nothing readable as a person's motion.
    """
    from llamo.processing.motion_formats_llamo import read_motion

    check_files([path])
    try:
        raw = read_motion(path, **(said or {}))
    except (ValueError, OSError, ImportError) as error:
        message = str(error)
        raise BadInputError(message if os.path.basename(path) in message else f"{path}: {message}") from None
    report = {
        "path": path,
        "format": raw.format,
        "source_fps": raw.fps,
        "frames": raw.source_frames,
        "seconds": round(raw.seconds, 3),
        "joints": raw.source_joints,
        "units": raw.units,
        "up_axis": raw.up_axis,
        "skeleton": raw.skeleton,
        "assumed": list(raw.assumed),
    }
    return raw, report
