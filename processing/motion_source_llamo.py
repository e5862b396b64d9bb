# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""What every reader gets: the bytes of a motion file, where they come from, and what the caller says about them."""

import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .motion_errors_llamo import MotionFormatError
from .numpy_files_llamo import archive_shapes, array_shape


MAX_BYTES = 512 << 20
MAX_FRAMES = 500_000  # 70 minutes at 120 fps


@dataclass(frozen=True)
class ReadOptions:
    """What the caller says; None where the file shall tell.

    Attributes:
        fps (`float`, *optional*): frames per second.
        units (`str` or `float`, *optional*): a unit's name, or metres per unit.
        up_axis (`str`, *optional*): "y", "-z" ...
        joint_map (`dict[str, tuple]`, *optional*): our joint names -> names or indices of source joints.
        asf (`bytes`, *optional*): the skeleton file of an AMC.
        skeleton (`str`, *optional*): the order of the joints of an array, "mediapipe33" ...
        animation (`str` or `int`, *optional*): which animation of a glTF file, by name or number.
        mean, std (`list[float]`, array or path, *optional*): what undoes the normalisation of a feature file.
        max_bytes, max_frames (`int`): what is larger is refused before it is read.
    """

    fps: float | None = None
    units: str | float | None = None
    up_axis: str | None = None
    joint_map: dict[str, tuple] | None = None
    asf: bytes | None = None
    skeleton: str | None = None
    animation: str | int | None = None
    mean: object = None
    std: object = None
    max_bytes: int = MAX_BYTES
    max_frames: int = MAX_FRAMES

    def check_frames(self, count: int, where: str) -> None:
        """Refuses motions without a frame, or with too many."""
        if count < 1:
            raise MotionFormatError("at least one frame", "none", where, "A motion needs at least one frame.")
        if count > self.max_frames:
            raise MotionFormatError(
                f"at most {self.max_frames:,} frames",
                f"{count:,}",
                where,
                "Cut the motion into shorter files, or raise `max_frames`.",
            )


@dataclass(frozen=True)
class MotionSource:
    """A whole file in memory.

    Attributes:
        data (`bytes`): its content.
        where (`str`): its name, for messages.
        path (`Path`, *optional*): None for bytes that were given as such.
    """

    data: bytes
    where: str
    path: Path | None = None

    @property
    def ending(self) -> str:
        """As ".bvh", in lower case; "" where there is none."""
        return self.path.suffix.lower() if self.path is not None else ""

    @cached_property
    def npz(self) -> dict[str, tuple[int, ...] | None]:
        """Names and shapes of the arrays of a `.npz` file (None: unreadable); empty for anything else."""
        return archive_shapes(self.data)

    @cached_property
    def npy(self) -> tuple[int, ...] | None:
        """The shape of a `.npy` file; None for anything else."""
        return array_shape(self.data)


def load_source(source, max_bytes: int) -> MotionSource:
    """A path, or bytes, to a file in memory.

    Raises:
        MotionFormatError: nothing there, no regular file, not readable, or too large.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        _check_size(len(data), max_bytes, "the bytes given")
        return MotionSource(data, "the bytes given")
    try:
        path = Path(os.fspath(source))
    except TypeError:
        raise MotionFormatError(
            "a path or the bytes of a file", f"{type(source).__name__}", "the motion", "Pass a str, a Path or bytes."
        ) from None
    where = str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise MotionFormatError("a motion file", "a folder", where, "Give the path of one file inside it.")
        if not stat.S_ISREG(status.st_mode):
            raise MotionFormatError("a regular file", "a device or a pipe", where, "Save the motion to a file first.")
        _check_size(status.st_size, max_bytes, where)
        return MotionSource(path.read_bytes(), where, path)
    except MotionFormatError:
        raise
    except FileNotFoundError:
        raise MotionFormatError("a file", "nothing there", where, "Check the path and its spelling.") from None
    except (OSError, ValueError) as error:
        raise MotionFormatError(
            "a readable file", f"{type(error).__name__}: {error}", where, "Check the path and its permissions."
        ) from None


def _check_size(size: int, max_bytes: int, where: str) -> None:
    if size > max_bytes:
        raise MotionFormatError(
            f"at most {max_bytes:,} bytes", f"{size:,}", where, "Cut the motion into shorter files, or raise `max_bytes`."
        )
