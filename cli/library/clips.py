"""Which files of a library are clips, in which order and in which batches they are worked through, and who does which.

The order and the batches depend on the files alone, so that several processes that share the work, and a run that goes on
after it was killed, come to the rows of a single run: a batch is worked on as a whole, or not at all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llamo.cli.session import BadInputError
from llamo.processing.motion_formats_llamo import FORMATS
from llamo.processing.video_source_llamo import VIDEO_ENDINGS


# An .asf is the skeleton of the .amc beside it, and no clip.
MOTION_ENDINGS = tuple(ending for row in FORMATS for ending in row.endings if ending != ".asf")
BYTES_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class Clip:
    """A file that is to be read as a motion: `path` as it was given or found, `size` in bytes."""

    path: str
    size: int


@dataclass(frozen=True)
class Shard:
    """Part `index` (from 1) `of` so many of the work."""

    index: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.of:
            raise BadInputError(
                f"Expected a shard i/n with i from 1 to n, got {self.index}/{self.of}. The first of four is --shard 1/4."
            )


def parse_shard(text: str | None) -> Shard:
    """ "2/4" -> the second of four. Without a text: what `accelerate launch` and torchrun say in the environment.

    Raises:
        BadInputError: anything else.
    """
    if text is None:
        return Shard(int(os.environ.get("RANK", 0)) + 1, int(os.environ.get("WORLD_SIZE", 1)))
    index, slash, of = text.partition("/")
    if not (slash and index.strip().isdecimal() and of.strip().isdecimal()):
        raise BadInputError(f"Expected a shard i/n, got {text!r}. The first of four is --shard 1/4.")
    return Shard(int(index), int(of))


def find_clips(paths: Sequence[str]) -> list[Clip]:
    """Files as they are named, and what lies in folders: motions and videos by their endings, hidden ones left out.

    Raises:
        BadInputError: a path that is not there, no clip at all, or a name that no table can hold.
    """
    found: dict[str, Clip] = {}
    for path in paths:
        if os.path.isdir(path):
            for file in walk(path):
                found[file] = Clip(file, os.path.getsize(file))
        elif os.path.isfile(path):
            file = Path(path).as_posix()
            found[file] = Clip(file, os.path.getsize(path))
        else:
            raise BadInputError(f"Expected files and folders, got nothing at {path!r}. Check the path.")
    if not found:
        endings = " ".join(MOTION_ENDINGS + VIDEO_ENDINGS)
        raise BadInputError(f"Expected clips ({endings}), got none in {', '.join(paths)}. Name another folder, or the files.")
    for path in found:
        if any("\ud800" <= letter <= "\udfff" for letter in path):  # how bytes that are no UTF-8 are read
            raise BadInputError(f"Expected file names in UTF-8, got {path!a}. Rename it; convmv does so for whole folders.")
    return [found[path] for path in sorted(found)]


def walk(folder: str) -> Iterator[str]:
    """Clips below a folder; their paths begin with it and have forward slashes everywhere."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and name.lower().endswith(MOTION_ENDINGS + VIDEO_ENDINGS):
                yield Path(place, name).as_posix()


def batches(clips: Sequence[Clip], batch_size: int, shard: Shard) -> list[list[Clip]]:
    """The batches of a shard. Files of one kind and like size lie together: they are about equally long.

    The length itself is only known once a file has been read, and who reads which file is decided here.
    """
    order = sorted(clips, key=lambda clip: (os.path.splitext(clip.path)[1].lower(), clip.size, clip.path))
    cut = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return cut[shard.index - 1 :: shard.of]


def hash_of(path: str) -> str | None:
    """SHA-256 of a file, None where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(BYTES_AT_A_TIME):
                digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()
