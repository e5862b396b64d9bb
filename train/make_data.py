"""Make instruction data: procedural and recorded motions with questions, as a data set that stock `trl sft` takes.

    llamo data synthesize --num 16000 --recorded ../shared/data/cmu_train.parquet --out data/instruct

Each shard depends on the seed and its own number alone, so the same seed gives the same bytes with any number of processes,
and a run that was killed goes on with the shards that are missing.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
from tqdm.auto import tqdm

from llamo.processing.whole_files_llamo import replace_file
from llamo.train.asked_motions import draw_measured, draw_pair, draw_procedural, part_donors, recorded_draw
from llamo.train.conversations import filmed_row, motion_row, pair_row, text_row, to_parquet
from llamo.train.filmed_motions import draw_filmed
from llamo.train.labelled_motion import action_vocabulary
from llamo.train.questions.recorded_questions import UNNAMED


MANIFEST = "synthesis.json"
BESIDE_MOTION = 0.85  # of the rows of `text_share`, those in which a motion stands all the same
SHARE_OF_NEXT = 0.15  # of the motions with several actions


@dataclass(frozen=True)
class DataPlan:
    """Everything that the rows depend on.

    Args:
        num: rows of the train split. num_validation: rows of the validation split: other programs, bodies and phrasings.
        seed: of everything.
        turns: questions of a conversation at most.
        recorded: Parquet files of recorded clips, of which the train split is used.
        recorded_share: of the rows of the train split.
        text_share: of the rows of the train split, those that ask something that no motion answers.
        named_share: of the rows about recorded clips, those that may ask what the clip is called; the others ask what can be
            measured of it.
        pair_share: of rows about two motions, in both splits.
        video_share: of rows with a rendered video, or with questions that only a video would answer, in both splits.
        video_size: pixels of a side of the videos.
        measured_share: of rows of the train split whose questions the measured rates answer.
        rows_per_shard: rows of one Parquet file.
    """

    num: int
    seed: int = 0
    num_validation: int = 0
    turns: int = 3
    recorded: tuple[str, ...] = ()
    recorded_share: float = 0.2
    named_share: float = 1.0
    text_share: float = 0.04
    pair_share: float = 0.06
    video_share: float = 0.0
    video_size: int = 112
    measured_share: float = 0.0
    rows_per_shard: int = 500

    def __post_init__(self) -> None:
        smallest = {"num": 1, "num_validation": 0, "turns": 1, "rows_per_shard": 1, "seed": 0, "video_size": 32}
        for name, least in smallest.items():
            if getattr(self, name) < least:
                raise ValueError(f"Expected {name} of at least {least}, got {getattr(self, name)} in DataPlan. Raise it.")
        if self.video_size % 2:
            raise ValueError(f"Expected an even video_size, got {self.video_size} in DataPlan. Codecs halve the colours' size.")
        if not 0 <= self.named_share <= 1:
            raise ValueError(f"Expected named_share from 0 to 1, got {self.named_share:g} in DataPlan. It is a share.")
        shares = (self.recorded_share, self.text_share, self.pair_share, self.video_share, self.measured_share)
        # Rows with a video are procedural too, so that they may be all there is.
        if min(shares) < 0 or sum(shares) > 1 or (sum(shares) == 1 and not self.video_share):
            raise ValueError(
                f"Expected recorded_share + text_share + pair_share + video_share + measured_share from 0 up to 1, got "
                f"{sum(shares):g} in DataPlan. Leave room for procedural rows."
            )

    def shards(self) -> list[Shard]:
        found = []
        for split, total in (("train", self.num), ("validation", self.num_validation)):
            count = -(-total // self.rows_per_shard)
            for index in range(count):
                rows = min(self.rows_per_shard, total - index * self.rows_per_shard)
                found.append(Shard(self, split, index, count, rows))
        return found


@dataclass(frozen=True)
class Shard:
    """One Parquet file of a plan."""

    plan: DataPlan
    split: str
    index: int
    of: int
    num: int

    @property
    def name(self) -> str:
        return f"data/{self.split}-{self.index:05d}-of-{self.of:05d}.parquet"

    def rows(self) -> Iterator[dict]:
        plan, held_out = self.plan, self.split == "validation"
        rng = np.random.default_rng([plan.seed, int(held_out), self.index])
        record = recorded_draw(plan.recorded) if plan.recorded and not held_out else None
        donors = part_donors(plan.recorded) if record else None
        actions = tuple(action_vocabulary(record.clips if record else ()))
        not_filmed = plan.text_share + plan.recorded_share
        not_measured = not_filmed + plan.video_share
        made = 0
        while made < self.num:
            chance = rng.random()
            if chance < plan.text_share and not held_out:
                beside = rng.random() < BESIDE_MOTION
                row = text_row(rng, draw_procedural(rng, actions, donors=donors) if beside else None)
            elif record and chance < plan.text_share + plan.recorded_share:
                names = UNNAMED if plan.named_share < 1 and rng.random() >= plan.named_share else None
                row = motion_row(record(actions, rng, names=names), rng, plan.turns)
            elif not_filmed <= chance < not_measured:
                row = filmed_row(draw_filmed(rng, plan.video_size, held_out=held_out), rng, plan.turns)
            elif not_measured <= chance < not_measured + plan.measured_share and not held_out:
                row = motion_row(draw_measured(rng, actions, plan.turns, record), rng, plan.turns)
            elif chance >= 1 - plan.pair_share:
                row = pair_row(draw_pair(rng, held_out), rng, plan.turns)
            else:
                asked = draw_procedural(rng, actions, held_out=held_out, share_of_next=SHARE_OF_NEXT, donors=donors)
                row = motion_row(asked, rng, plan.turns)
            if row is not None:
                made += 1
                yield row


def make_data(plan: DataPlan, out: str | os.PathLike, num_proc: int = 1) -> Counter:
    """Writes the data set, or what is missing of it.

    Args:
        plan: what to make.
        out: folder of the data set.
        num_proc: processes; the bytes do not depend on it.

    Returns:
        How many questions of each kind it holds.

    Raises:
        ValueError: the folder holds something else.
    """
    out = Path(out)
    if plan.recorded:
        recorded_draw(plan.recorded)  # a file that cannot be read stops here, before anything is written
    claim(plan, out)
    shards = plan.shards()
    missing = [shard for shard in shards if not (out / shard.name).exists()]
    jobs = [(shard, out) for shard in missing]
    progress = tqdm(total=plan.num + plan.num_validation, desc="rows", disable=None)
    progress.update(plan.num + plan.num_validation - sum(shard.num for shard in missing))
    workers = min(num_proc, len(jobs))
    pool = multiprocessing.get_context("spawn").Pool(workers) if workers > 1 else None
    try:
        for num in pool.imap_unordered(write_shard, jobs) if pool else map(write_shard, jobs):
            progress.update(num)
    finally:
        progress.close()
        if pool:
            pool.terminate()
    paths = [out / shard.name for shard in shards]
    kinds = count_kinds(paths)
    replace_file(out / "README.md", data_card(plan, kinds, digest_of(paths)).encode())
    return kinds


def claim(plan: DataPlan, out: Path) -> None:
    """Writes what the folder holds, or checks that it is the same."""
    wanted = {**asdict(plan), "recorded": list(plan.recorded)}
    manifest = out / MANIFEST
    if manifest.exists():
        found = json.loads(manifest.read_text(encoding="utf-8"))
        changed = [name for name in wanted if found.get(name) != wanted[name]]
        if changed and any((out / "data").glob("[!.]*.parquet")):
            got = ", ".join(f"{name}={found.get(name)!r}, not {wanted[name]!r}" for name in changed)
            raise ValueError(f"Expected an empty folder or the same data set, got {got} in {out}. Choose another folder.")
    elif out.exists() and any(out.iterdir()):
        raise ValueError(f"Expected an empty folder, got one with other files at {out}. Choose another, or empty it.")
    (out / "data").mkdir(parents=True, exist_ok=True)
    replace_file(manifest, json.dumps(wanted, indent=1).encode())


def write_shard(job: tuple[Shard, Path]) -> int:
    shard, out = job
    replace_file(out / shard.name, to_parquet(list(shard.rows())))
    return shard.num


def count_kinds(paths: Sequence[Path]) -> Counter:
    kinds: Counter = Counter()
    for path in paths:
        for row in parquet.read_table(path, columns=["kinds"])["kinds"].to_pylist():
            kinds.update(row)
    return kinds


FILMED = """

Some rows have a rendered video, as the bytes of an mp4 file in a part of type "video"; `offset_s` is when it starts on the
motion's clock. Their `program` says in `form` whether the motion is given ("both"), is as a video estimator would have seen it
("video": what comes of a video alone), or has no video ("motion"), and in `scene` what is in the picture."""


def digest_of(paths: Sequence[Path]) -> str:
    """SHA-256 over the content of files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def data_card(plan: DataPlan, kinds: Counter, digest: str = "") -> str:
    """What the Hub shows of the data set, and how to make it again.

    The digest of the rows stands in the header: `datasets` tells data sets in folders of the same name apart by their headers
    alone, and would read rows that it has cached of another one.
    """
    command = f"llamo data synthesize --num {plan.num} --seed {plan.seed} --num-validation {plan.num_validation}"
    command += f" --turns {plan.turns} --rows-per-shard {plan.rows_per_shard}"
    command += f" --recorded-share {plan.recorded_share:g} --text-share {plan.text_share:g} --pair-share {plan.pair_share:g}"
    if plan.video_share:
        command += f" --video-share {plan.video_share:g} --video-size {plan.video_size}"
    if plan.named_share < 1:
        command += f" --named-share {plan.named_share:g}"
    if plan.measured_share:
        command += f" --measured-share {plan.measured_share:g}"
    command += "".join(f" --recorded {path}" for path in plan.recorded)
    splits = ["train"] + ["validation"] * bool(plan.num_validation)
    files = "\n".join(f"      - split: {split}\n        path: data/{split}-*.parquet" for split in splits)
    table = "\n".join(f"| {kind} | {num} |" for kind, num in sorted(kinds.items()))
    return f"""---
license: apache-2.0
task_categories: [visual-question-answering]
tags: [human-motion, llamo]
configs:
  - config_name: default
    description: rows {digest}
    data_files:
{files}
---

# Questions about human motion

Made by `{command}`. Procedural motions with the truth of their program, recorded clips (where the command names any; their own
licence applies, also to the procedural motions to which they lend legs or arms) with what was stated and measured, and a few
rows without motion.

`messages` holds the conversation; one motion or two lie in the first user message as the bytes of npz files: `joints`
(num_frames, 22, 3) in metres, Y up, at 20 frames per second. `images` is always empty; stock trl needs the column. `kind`,
`answer` and `choices` tell of the first question what a right answer must say and what it could have said (null: open);
`tolerance` is how far off a number may be.
`program` is JSON: seconds, style, and the actions with side, direction, turn, count, speed, fault of form, start and end;
where there are two motions, that of the second stands under `other_motions`. `measured` is true where what the processor
measures of the motion answers all questions of the row.{FILMED if plan.video_share else ""}

| kind of question | number |
|---|---|
{table}
"""
