"""What the demo's tab of a library asks for: clips of a folder or of a database of `llamo index`, and their motion in small."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from llamo.cli.library.clips import find_clips
from llamo.cli.motion_files import is_video_file
from llamo.cli.session import BadInputError, Session
from llamo.train.library.columns import words_of_name


FPS = 12.0  # of a preview; the page draws what is between
LONGEST = 8.0  # seconds of a preview
STEP = 0.001  # metres


class Shelf:
    """A folder or database that can be searched. As `spaces_demo/library_tab.py` knows it, errors are ValueError."""

    def __init__(self, location: str):
        """
        Raises:
            BadInputError: nothing to search there.
        """
        self.location = os.path.abspath(location)
        if is_database(location):
            from llamo.cli.search import open_library

            open_library(location)
        else:
            find_clips([location])

    def search(self, location: str, text: str, where: str, k: int, assistant: Any) -> tuple[list[dict], str]:
        """The best `k` clips, `{"path", "caption", "seconds"}` each, and what was searched and how.

        Args:
            location: a folder of clips, or a database. text, where: as `llamo search` takes them; both may be empty.
            assistant: a loaded checkpoint with `name`, `processor` and `model`.

        Raises:
            ValueError: nothing to search there, a filter that is none.
        """
        try:
            if is_database(location):
                return search_database(location, text, where, k, assistant)
            return search_folder(location, text, where, k)
        except BadInputError as error:
            raise ValueError(str(error)) from None

    def preview(self, path: str) -> dict:
        """A motion in small, as spaces_demo/viewer/preview.js draws it.

        Raises:
            ValueError: a file that is not there or no motion; a video, whose motion takes long to estimate.
        """
        if not os.path.isfile(path):
            raise ValueError("The file is missing.")
        if is_video_file(path):
            raise ValueError("A video")
        try:
            found = os.stat(path)
            return read_preview(path, found.st_mtime_ns, found.st_size)
        except OSError as error:
            raise ValueError(f"Cannot be read: {error.strerror}.") from None


def is_database(location: str) -> bool:
    return Path(location, "clips.lance").is_dir()


def search_database(location: str, text: str, where: str, k: int, assistant: Any) -> tuple[list[dict], str]:
    """By words, and by meaning where the database has embeddings of the checkpoint that is loaded."""
    from llamo.cli.library.embedding import embed_text
    from llamo.cli.library.labelling import model_version
    from llamo.cli.search import database_errors, open_library

    library = open_library(location)
    vector, how = None, "words"
    if library.width and text:
        if library.made_by() == model_version(assistant.name, assistant.model):
            vector = embed_text(Session(assistant.name, assistant.processor, assistant.model, 0.0), text)
            how = "words and meaning"
        else:
            how = f"words alone: its embeddings are those of {library.made_by()}"
    with database_errors():
        hits = library.search(text, vector, where or None, k)
    listed = [{"path": resolve(hit.path, location), "caption": hit.caption, "seconds": hit.seconds} for hit in hits]
    searched = f"searched by {how}" if text else "the first ones"
    return listed, f"{len(library)} clips in {Path(location).name}; {searched}."


def resolve(path: str, location: str) -> str:
    """Where a clip lies: as it was indexed, or else beside the database, if both have moved."""
    beside = Path(location).absolute().parent / path
    return str(beside) if not os.path.exists(path) and beside.exists() else path


def search_folder(location: str, text: str, where: str, k: int) -> tuple[list[dict], str]:
    """By the words of file names: nothing else is known of clips without an index."""
    if where:
        raise ValueError(
            f"Expected a database to filter, got the folder {location}. Make one: llamo index {location} --db library.lance."
        )
    clips = [clip.path for clip in find_clips([location])]
    wanted = words_of(text)
    scored = [(matches(wanted, words_of(f"{words_of_name(path)} {Path(path).parent.name}")), path) for path in clips]
    best = sorted((-score, path) for score, path in scored if score or not wanted)
    listed = [{"path": path, "caption": words_of_name(path) or Path(path).stem, "seconds": None} for _, path in best[:k]]
    return listed, (
        f"{len(clips)} clips in {Path(location).name}; searched by file names. To search by what happens in them: "
        f"llamo index {location} --db library.lance."
    )


def words_of(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()


def matches(wanted: Sequence[str], words: Sequence[str]) -> int:
    """How many of the wanted words begin a word, or are begun by one: "walking" and "walk" match."""
    return sum(any(word.startswith(want) or (len(word) > 2 and want.startswith(word)) for word in words) for want in wanted)


@lru_cache(maxsize=512)
def read_preview(path: str, changed: int, size: int) -> dict:
    """The beginning of a motion, `changed` and `size` those of the file: facing the viewer, on the floor, at FPS.

    Raises:
        ValueError: nothing readable as a motion.
    """
    from llamo.processing.motion_features_llamo import JOINT_NAMES, PARENTS, canonicalise, resample
    from llamo.processing.motion_formats_llamo import read_motion
    from llamo.processing.viewer_data_llamo import encode

    try:
        raw = read_motion(path)
    except ImportError as error:
        raise ValueError(str(error)) from None
    joints = canonicalise(resample(raw.joints[: int(LONGEST * raw.fps) + 1], raw.fps, FPS), FPS)
    steps = np.clip(np.rint(joints / STEP), -32768, 32767).astype("<i2")
    sides = ["left" if name.startswith("left") else "right" if name.startswith("right") else "" for name in JOINT_NAMES]
    return {
        "fps": FPS,
        "frames": len(joints),
        "step": STEP,
        "parents": list(PARENTS),
        "sides": sides,
        "head": JOINT_NAMES.index("head"),
        "joints": encode(steps),
    }
