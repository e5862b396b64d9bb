"""Public and own data sets in the layout they are published in: which motions, and what is said of them.

- HumanML3D (Guo et al., CVPR 2022) and KIT-ML in the same layout: `texts/ID.txt` with lines "caption#tokens#from#to",
  `new_joints/` or `new_joint_vecs/`, `train.txt` and `val.txt`.
- BABEL (Punnakkal et al., CVPR 2021): `train.json` and `val.json` beside an AMASS folder.
- BABEL-QA (Endo et al., ICML 2023): `questions.json`, `split_question_ids.json`, `motion_sequences/ID/joints.npy`.
- Motion-X (Lin et al., NeurIPS 2023): `motion_data/smplx_322/SUBSET/.../NAME.npy`, `texts/semantic_labels/SUBSET/.../NAME.txt`,
  and the split files of its repository, `train.txt` and `val.txt`, beside the two.
- A folder of any motion files with `metadata.jsonl` or `metadata.csv`.
- A table of `llamo caption` that a person has gone through.

Published test splits are never read: they are for judging. MoVid (Chen et al., 2024) has not been released.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from llamo.train.library.label_table import read_table


SPLITS = ("train", "val")
METADATA = ("metadata.jsonl", "metadata.csv")


@dataclass
class Told:
    """A motion file and what its data set says of it.

    Args:
        path: the file. said: what the data set knows about it, as in `read_motion` ("fps", "units", "up_axis").
        captions: descriptions of the whole, or of the span.
        pairs: questions with their answers.
        span: of the file, in seconds; None for all of it.
    """

    path: Path
    captions: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    span: tuple[float, float] | None = None
    said: dict = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.stem if self.path.stem != "joints" else self.path.parent.name


def read_humanml3d(root: Path, split: str, fps: float = 20.0, units: str = "m") -> Iterator[Told]:
    """Captions of HumanML3D; a line with times speaks of that span."""
    for name in lines_of(root / f"{split}.txt"):
        joints, features = root / "new_joints" / f"{name}.npy", root / "new_joint_vecs" / f"{name}.npy"
        # KIT-ML's joints are another skeleton in millimetres; its features are the ones that everybody reads.
        if joints.exists() and fps == 20.0:
            path, said = joints, {"fps": fps, "units": units, "up_axis": "y"}
        else:
            path, said = features, {"fps": fps}
        spans: dict[tuple[float, float] | None, Told] = {}
        for line in lines_of(root / "texts" / f"{name}.txt"):
            caption, *rest = line.split("#")
            begin, end = (number(text) for text in (rest[-2:] if len(rest) >= 3 else ("0", "0")))
            span = (begin, end) if end > begin else None
            spans.setdefault(span, Told(path, span=span, said=said)).captions.append(sentence(caption))
        yield from spans.values()


def read_kit(root: Path, split: str) -> Iterator[Told]:
    """KIT-ML in the layout of HumanML3D, at 12.5 frames per second."""
    return read_humanml3d(root, split, fps=12.5)


def read_babel(root: Path, split: str, amass: Path) -> Iterator[Told]:
    """Labels of BABEL: of whole sequences, and of their spans."""
    for entry in json_of(root / f"{split}.json").values():
        # "CMU/CMU/01/01_01_poses.npz" in the annotation is CMU/01/01_01_poses.npz on disk.
        path = amass / entry["feat_p"]
        if not path.exists():
            path = amass / Path(*Path(entry["feat_p"]).parts[1:])
        whole = entry.get("seq_ann") or {}
        captions = [sentence(label["raw_label"]) for label in whole.get("labels") or [] if label.get("raw_label")]
        if captions:
            yield Told(path, captions)
        for label in (entry.get("frame_ann") or {}).get("labels") or []:
            if label.get("raw_label") and label["end_t"] > label["start_t"] and label["raw_label"] != "transition":
                span = (float(label["start_t"]), float(label["end_t"]))
                yield Told(path, [sentence(label["raw_label"])], span=span)


def read_babelqa(root: Path, split: str) -> Iterator[Told]:
    """Questions of BABEL-QA about joints at 30 frames per second."""
    questions = json_of(root / "questions.json")
    asked: dict[str, list[tuple[str, str]]] = {}
    for key in json_of(root / "split_question_ids.json")[split]:
        question = questions[key]
        asked.setdefault(question["babel_id"], []).append((sentence(question["question"], "?"), sentence(question["answer"])))
    for name, pairs in asked.items():
        yield Told(root / "motion_sequences" / name / "joints.npy", pairs=pairs, said={"fps": 30.0, "units": "m"})


def read_motionx(root: Path, split: str) -> Iterator[Told]:
    """Sentences of Motion-X about SMPL-X parameters at 30 frames per second.

    Its split files also name clips of HumanML3D and other mocap sets, whose texts Motion-X does not publish: those without a
    text are passed over, those without their motion are reported by whoever reads it.
    """
    for name in lines_of(root / f"{split}.txt"):
        text = root / "texts" / "semantic_labels" / f"{name}.txt"
        if text.exists():
            captions = [sentence(line.split("#")[0]) for line in lines_of(text) if line.split("#")[0].strip()]
            yield Told(root / "motion_data" / "smplx_322" / f"{name}.npy", captions, said={"fps": 30.0})


def read_folder(root: Path, split: str) -> Iterator[Told]:
    """Own files: rows with `file_name` and `text` (or `caption`), or `question` and `answer`; `split` where rows have one."""
    path = next((root / name for name in METADATA if (root / name).exists()), None)
    if path is None:
        raise ValueError(
            f"Expected {' or '.join(METADATA)} with file_name and text, or question and answer, got none in {root}. Write it."
        )
    with open(path, encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            rows = list(csv.DictReader(file))
        else:
            rows = [json.loads(line) for line in file if line.strip()]
    told: dict[tuple, Told] = {}
    for index, row in enumerate(rows, 1):
        if (row.get("split") or "train") != split:
            continue
        caption = row.get("text") or row.get("caption")
        if not row.get("file_name") or not (caption or (row.get("question") and row.get("answer"))):
            raise ValueError(
                f"Expected file_name and text, or file_name, question and answer, got {', '.join(filter(None, row))} in row "
                f"{index} of {path}. Complete the row."
            )
        begin, end = (number(str(row.get(name) or 0)) for name in ("start", "end"))
        span = (begin, end) if end > begin else None
        said = {name: row[name] for name in ("units", "up_axis") if row.get(name)}
        if row.get("fps"):
            said["fps"] = float(row["fps"])
        one = told.setdefault((row["file_name"], span), Told(root / row["file_name"], span=span, said=said))
        if caption:
            one.captions.append(sentence(caption))
        else:
            one.pairs.append((row["question"].strip(), row["answer"].strip()))
    return iter(told.values())


def read_labels(table: Path, split: str) -> Iterator[Told]:
    """Captions of a table of `llamo caption`.

    Where it has a column `review`, only rows with "accept" or "edit" in it are taken, with the caption that stands there now;
    else all rows with all of their captions.
    """
    rows = read_table(table)
    reviewed = any(row.get("review") for row in rows)
    for row in rows:
        if (row.get("split") or "train") != split or not row["caption"]:
            continue
        if reviewed and row.get("review") not in ("accept", "edit"):
            continue
        captions = [row["caption"]] if reviewed else list(dict.fromkeys([row["caption"], *(row.get("captions") or [])]))
        path = Path(row["path"])
        # Paths are as the labelling command was given them; a table may also have moved along with its clips.
        path = path if path.exists() else table.parent / path
        yield Told(path, captions=[sentence(caption) for caption in captions if caption])


READERS: dict[str, Callable[..., Iterator[Told]]] = {
    "humanml3d": read_humanml3d,
    "kit": read_kit,
    "babel": read_babel,
    "babelqa": read_babelqa,
    "motionx": read_motionx,
    "folder": read_folder,
    "labels": read_labels,
}


def lines_of(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def json_of(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"Expected JSON, got {error} in {path}. Fetch the file again.") from None


def number(text: str) -> float:
    """A time in seconds; "nan" counts as none, 0."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if value == value else 0.0


def sentence(text: str, end: str = ".") -> str:
    """ "a person walks" -> "A person walks." """
    text = " ".join(text.split())
    text = text[:1].upper() + text[1:]
    return text if text[-1:] in ".!?" else text + end
