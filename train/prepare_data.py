"""Make a data set for `trl sft` out of a public one or of own files.

llamo data prepare --from humanml3d HumanML3D --out data/humanml3d
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from llamo.processing.motion_features_llamo import resample
from llamo.processing.motion_formats_llamo import read_motion
from llamo.processing.raw_motion_llamo import RawMotion
from llamo.processing.whole_files_llamo import replace_file
from llamo.train.augmentation import FPS
from llamo.train.conversations import motion_part, row_of, text_part, to_parquet
from llamo.train.public_data import READERS, SPLITS, Told
from llamo.train.questions.phrasings import phrase


@dataclass
class Prepared:
    """What became of a data set: rows written, and files that could not be used with the reason."""

    rows: int = 0
    kinds: Counter = field(default_factory=Counter)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def prepare_data(
    source: str,
    root: str | os.PathLike,
    out: str | os.PathLike,
    split: str = "train",
    amass: str | os.PathLike | None = None,
    seed: int = 0,
    rows_per_shard: int = 500,
    read: Callable[[Path], RawMotion] | None = None,
) -> Prepared:
    """Writes the rows of one split.

    Args:
        source: a key of READERS. root: its folder. amass: folder of AMASS, for babel.
        out: folder of the new data set; other splits that it holds stay.
        split: train or val (written as validation); published test items are not for training.
        seed: of the choice of phrasings.
        read: reads the motion at a path; by default `read_motion`, told what the data set says of it.

    Raises:
        ValueError: an unknown source or split, a layout that is not the published one, no usable row.
    """
    if source not in READERS:
        raise ValueError(f"Expected a data set out of {', '.join(READERS)}, got {source!r} in prepare_data. Use one of them.")
    if split not in SPLITS:
        raise ValueError(f"Expected split train or val, got {split!r} in prepare_data. Test items are never trained on.")
    if source == "babel" and amass is None:
        raise ValueError("Expected the folder of AMASS for babel, got none in prepare_data. Give --amass DIR.")
    root, out = Path(root), Path(out)
    options = {"amass": Path(amass)} if source == "babel" else {}
    try:
        told = list(READERS[source](root, split, **options))
    except (FileNotFoundError, KeyError) as error:
        raise ValueError(f"Expected the published layout of {source}, got no {error} in {root}. Check the folder.") from None
    name = "validation" if split == "val" else split
    folder = out / "data"
    folder.mkdir(parents=True, exist_ok=True)
    found = Prepared()
    rng = np.random.default_rng(seed)
    shards, rows = [], []
    for row in rows_of(tqdm(told, desc=f"{source} {split}", disable=None), rng, found, read):
        rows.append(row)
        found.kinds[row["kind"]] += 1
        found.rows += 1
        if len(rows) == rows_per_shard:
            shards.append(to_parquet(rows))
            rows = []
    if rows:
        shards.append(to_parquet(rows))
    if not shards:
        why = f"; the first: {found.left_out[0][0]}: {found.left_out[0][1]}" if found.left_out else ""
        raise ValueError(f"Expected motions with text, got none of {len(told)} that can be used in {root}{why}.")
    # The new ones stand before the old ones go: a run that is killed loses nothing.
    paths = [folder / f"{name}-{index:05d}-of-{len(shards):05d}.parquet" for index in range(len(shards))]
    for path, content in zip(paths, shards, strict=True):
        replace_file(path, content)
    for old in set(folder.glob(f"{name}-*.parquet")) - set(paths):
        old.unlink()
    return found


def rows_of(told: Iterator[Told], rng: np.random.Generator, found: Prepared, read=None) -> Iterator[dict]:
    """Rows of every motion that can be read; what cannot goes into `found.left_out`."""
    last_path, raw = None, None
    for one in told:
        try:
            if one.path != last_path:
                last_path, raw = None, read(one.path) if read else read_motion(one.path, **one.said)
                last_path = one.path
            joints = span_of(raw.joints, raw.fps, one.span)
        except (ValueError, OSError) as error:
            found.left_out.append((str(one.path), str(error)))
            continue
        pairs = [(phrase("caption", rng), caption, "caption") for caption in one.captions]
        pairs += [(question, answer, "question") for question, answer in one.pairs]
        for question, answer, kind in pairs:
            content = [motion_part(joints), text_part(question)]
            messages = [{"role": "user", "content": content}, {"role": "assistant", "content": [text_part(answer)]}]
            yield {**row_of(messages, []), "kind": kind, "answer": answer, "kinds": [kind], "source": one.name}


def span_of(joints: np.ndarray, fps: float, span: tuple[float, float] | None) -> np.ndarray:
    """Joints at 20 frames per second, of the span in seconds.

    Raises:
        ValueError: a span outside of the motion.
    """
    joints = resample(joints, fps, FPS)
    if span is None:
        return joints
    part = joints[max(0, round(span[0] * FPS)) : round(span[1] * FPS) + 1]
    if len(part) < 4:
        seconds = len(joints) / FPS
        raise ValueError(f"Expected a span within {seconds:.1f} s, got {span[0]:g} to {span[1]:g} s. Correct the times.")
    return part
