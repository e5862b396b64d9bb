"""Small libraries of clips with labels, as `llamo caption` writes them, without any model."""

from pathlib import Path

import numpy as np
from conftest import make_walk

from llamo.cli.library.clips import hash_of
from llamo.train.library.columns import MEASUREMENTS
from llamo.train.library.label_table import write_table


CAPTIONS = ("The person walks forward slowly.", "The person strolls.", "The person walks and stops.", "The person runs.")


def label_row(path: str | Path, caption: str | None, **more) -> dict:
    """A row of the table; `more` goes over what is made up here."""
    tags = {
        "actions": ["walk"],
        "side": None,
        "direction": "forward",
        "tempo": "slow",
        "style": "neutral",
        "posture": "standing",
    }
    segments = [{"start_s": 0.0, "end_s": 2.0, "caption": caption}]
    row = {"path": str(path), "sha256": hash_of(str(path)), "seconds": 2.0, "caption": caption, "captions": [caption]}
    row |= {"detailed": f"{caption} Measured: 2.5 m forward.", "tags": tags, "segments": segments}
    row |= {"measurements": dict.fromkeys(MEASUREMENTS, 1.0), "warnings": ["assumed: metres"], "error": None}
    return {**row, "model": "llamo@0123456789ab", "settings": "0123456789ab", **more}


def write_library(folder: Path, num: int = 4, form: str = "jsonl", extra: tuple[dict, ...] = ()) -> Path:
    """Walks in `folder`/clips, and the table of their labels with `extra` rows; its path."""
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(num):
        path = folder / "clips" / f"walk {number}.npz"
        np.savez(path, joints=make_walk(40, speed=0.6 + 0.5 * number, seed=number), fps=np.float32(20))
        rows.append(label_row(path, CAPTIONS[number % len(CAPTIONS)]))
    table = folder / f"labels.{form}"
    write_table(table, [*rows, *extra])
    return table
