"""Clips with labels from any Parquet file: joints and fps, and any of action, style and captions.

Columns: `joints_q` (bytes, little-endian int16 `[num_frames, 22, 3]` in half millimetres) or `joints` (nested lists
`[num_frames][22][3]`, a flat list, or float32 bytes; metres), `fps`, and where there `id`, `split`, `action` (a name of a
catalogue action or any words), `style`, `captions` (a string or a list). Files in the layout of recorded.py are read there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from llamo.processing.motion_features_llamo import canonicalise
from llamo.train.questions.vocabulary import RECORDED_ACTIONS, forms, stems
from llamo.train.recorded import COLUMNS, METRES_PER_UNIT, RecordedClip, read_recorded
from llamo.train.synthesis.catalogue import ACTIONS


# What counts as kept for judging where a file has splits.
JUDGING_SPLITS = ("val", "validation", "test")


@dataclass(frozen=True)
class LabelledClip:
    """A clip, and the labels of it that no rule reads.

    Args:
        clip: joints, and actions where the label names some of the catalogue.
        action: the label's own words, where it names none.
        style: of the performance ("angry", "old").
    """

    clip: RecordedClip
    action: str | None = None
    style: str | None = None


def read_clips(path: str | os.PathLike, split: str | None = None) -> list[LabelledClip]:
    """The clips of one Parquet file, of its split or of those that are meant for judging.

    Raises:
        ValueError: no joints, no fps, or a row whose joints are none.
    """
    import pyarrow.parquet as parquet

    try:
        columns = parquet.read_schema(path).names
    except (OSError, ValueError) as error:
        raise ValueError(f"Expected a Parquet file, got {error} at {os.fspath(path)}. Check --data.") from None
    if set(COLUMNS) <= set(columns) and not {"action", "style"} & set(columns):
        return [LabelledClip(clip) for clip in read_recorded(path) if _wanted(clip.split, split)]
    if not {"joints", "joints_q"} & set(columns) or "fps" not in columns:
        raise ValueError(
            f"Expected the columns joints or joints_q, and fps, got {', '.join(columns)} in {os.fspath(path)}. Write the clips "
            "with those columns; joints are (num_frames, 22, 3) in metres, in SMPL's order."
        )
    rows = parquet.read_table(path).to_pylist()
    return [
        _clip(row, f"row {index} of {os.path.basename(path)}")
        for index, row in enumerate(rows)
        if _wanted(row.get("split") or "", split)
    ]


def _wanted(own: str, split: str | None) -> bool:
    return own == "" or (own in JUDGING_SPLITS if split is None else split in ("all", own))


def _clip(row: dict[str, Any], where: str) -> LabelledClip:
    fps = row["fps"]
    if row.get("joints_q") is not None:
        stored = row["joints_q"]
        whole = np.frombuffer(stored, dtype="<i2") if isinstance(stored, bytes) else np.asarray(stored).reshape(-1)
        values = whole.astype(np.float32) * np.float32(METRES_PER_UNIT)
    elif isinstance(row.get("joints"), bytes):
        values = np.frombuffer(row["joints"], dtype="<f4")
    else:
        values = np.asarray(row.get("joints") if row.get("joints") is not None else [], dtype=np.float32).reshape(-1)
    if not values.size or values.size % 66 or not np.isfinite(values).all() or not (fps and fps > 0):
        raise ValueError(
            f"Expected frames of 22 x 3 finite numbers at a positive rate, got {values.size} numbers at {fps} frames per "
            f"second in {where}. Write the row again."
        )
    joints = canonicalise(values.reshape(-1, 22, 3), float(fps)).astype(np.float32)
    captions = row.get("captions") or ()
    captions = (captions,) if isinstance(captions, str) else tuple(captions)
    label = (row.get("action") or "").replace("_", " ").strip()
    key = action_key(label) if label else _only_action(captions)
    clip = RecordedClip(
        id=str(row.get("id") or where).replace("@", " ").replace("/", " "),  # these two mark parts and mirror images
        split=row.get("split") or "",
        joints=joints,
        fps=float(fps),
        description=label or (captions[0] if captions else ""),
        captions=captions,
        actions=(key,) if key else (),
        throughout=bool(key) and bool(label),
    )
    return LabelledClip(clip, label if label and not key else None, (row.get("style") or "").strip() or None)


@cache
def action_key(label: str) -> str | None:
    """The catalogue's action that a label names, in any of its forms."""
    wanted = stems(label)
    for key, row in {**ACTIONS, **RECORDED_ACTIONS}.items():
        if key.replace("_", " ") == label or wanted in forms(row.gerund):
            return key
    return None


def _only_action(captions: Sequence[str]) -> str | None:
    """The one action that every caption names; None where they name none or several."""
    from llamo.train.questions.scoring import said

    gerunds = {row.gerund: key for key, row in ACTIONS.items()}
    named = [said(caption, gerunds) for caption in captions]
    return gerunds[next(iter(named[0]))] if named and all(len(one) == 1 and one == named[0] for one in named) else None
