"""Motions of published sets, read as anything else is; what cannot be read is listed and not asked about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from llamo.processing.motion_formats_llamo import read_motion
from llamo.train.augmentation import FPS
from llamo.train.prepare_data import span_of
from llamo.train.public_data import Told


@dataclass
class Motions:
    """Reads motion files once each, and keeps count of those that it could not.

    Args:
        left_out: (file, reason) of every motion that is not asked about.
    """

    left_out: list[tuple[str, str]] = field(default_factory=list)
    known: dict[tuple, np.ndarray | None] = field(default_factory=dict)

    def read(self, told: Told) -> np.ndarray | None:
        """Joints `(num_frames, 22, 3)` in metres at 20 fps, of the span that is spoken of; None where there are none."""
        place = (str(told.path), told.span)
        if place not in self.known:
            try:
                raw = read_motion(told.path, **told.said)
                self.known[place] = span_of(raw.joints, raw.fps, told.span).astype(np.float32)
            except (ValueError, OSError) as error:
                self.left_out.append((str(told.path), " ".join(str(error).split())))
                self.known[place] = None
        return self.known[place]

    def all(self, told: Iterable[Told]) -> Iterator[tuple[Told, np.ndarray]]:
        for one in told:
            joints = self.read(one)
            if joints is not None:
                yield one, joints


def one_folder(paths: Sequence[str], suite: str) -> Path:
    """The one folder that a published set consists of.

    Raises:
        ValueError: none, or several.
    """
    if len(paths) != 1 or not Path(paths[0]).is_dir():
        raise ValueError(
            f"Expected the folder of the data set, got {', '.join(paths) or 'none'} for {suite}. Name it with --data."
        )
    return Path(paths[0])


def any_motion(folder: Path, name: str) -> Path:
    """The file of that name in a folder, with whatever ending it has.

    Raises:
        FileNotFoundError: none.
    """
    exact = folder / name
    if exact.is_file():
        return exact
    found = sorted(path for path in folder.glob(f"{name}.*") if path.is_file())
    if not found:
        raise FileNotFoundError(f"{exact} with any ending of a motion file")
    return found[0]


__all__ = ["FPS", "Motions", "any_motion", "one_folder"]
