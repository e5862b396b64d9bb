"""A clip as files to keep: BVH, joints npz, and the measurements as JSON and CSV."""

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from clips import Clip, facts
from gradio.utils import get_upload_folder


ENDINGS = (".bvh", ".npz", ".json", ".csv")


def write_downloads(processor, clip: Clip) -> list[str]:
    """Paths of the files of ENDINGS, in Gradio's own folder, which it empties by itself."""
    folder = Path(get_upload_folder()) / f"download-{os.urandom(16).hex()}"
    folder.mkdir(parents=True)
    stem = re.sub(r"[^\w.-]+", "_", Path(clip.name).stem, flags=re.ASCII).strip("._-") or "motion"
    paths = [folder / f"{stem}{ending}" for ending in ENDINGS]
    for path in paths[:2]:
        processor.motion_processor.write(clip.motion, path)
    report = {"file": clip.name, "detected_and_assumed": facts(clip), **(clip.measured or {"not_measured": clip.unmeasured})}
    paths[2].write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
    paths[3].write_text(as_csv(clip.measured or {}), encoding="utf-8")
    return [str(path) for path in paths]


def as_csv(measured: dict) -> str:
    """Two columns, `quantity` and `value`; what could not be measured is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["quantity", "value"])
    writer.writerows((name, "" if value is None else value) for name, value in flatten(measured))
    return text.getvalue()


def flatten(value, name: str = "") -> Iterator[tuple[str, object]]:
    """Nested measurements as (dotted name, value) pairs: `angles.left_knee.min_deg`, `jumps.1.start_s`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from flatten(inner, f"{name}.{number}")
    else:
        yield name, value
