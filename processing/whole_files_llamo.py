# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Files that are written whole or not at all: a run that is killed, or a full disk, leaves what was there before."""

import os
import secrets
from pathlib import Path

from .motion_errors_llamo import MotionFormatError


def replace_file(path: str | os.PathLike, data: bytes) -> None:
    """Writes beside the place and moves there.

    Raises:
        MotionFormatError: a folder that is not there, or that cannot be written in.
    """
    target = Path(os.fspath(path))
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        if target.is_dir():
            raise IsADirectoryError("a folder of that name")
        with open(beside, "xb") as file:
            file.write(data)
        os.replace(beside, target)
    except (OSError, ValueError) as error:
        beside.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error)
        raise MotionFormatError(
            "a place to write to", f"{type(error).__name__}: {reason}", str(target), "Check the folder and its permissions."
        ) from None
