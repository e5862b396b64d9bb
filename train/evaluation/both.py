"""Suite `both`: what motion and video tell together, beside what each tells alone, on rendered held-out takes.

One question of each clip needs the motion, one the video, and one both. The same questions are asked with both inputs (column
"model" of the table), with the motion alone, with the video alone (whose motion is then estimated from it), and with neither;
and with both where the video runs half a second late, shows only the middle of the motion, or is missing in every other row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from llamo.train.filmed_motions import encoded, film_motion, single_action
from llamo.train.questions import ask_program, ask_video
from llamo.train.questions.question import NEEDS
from llamo.train.rendering.effects import degrade, random_degradation

from .answering import LATE, VIDEO_CONDITIONS
from .items import Item, numbered
from .suite import Session, Suite, SuiteOptions


NUM = 300
SIZE = 224  # pixels of a side: the Motion Estimator misses smaller people
LONGEST = 8.0  # seconds of a clip
CRF = 26
COLUMNS = {"both": "model", "motion only": "motion", "video only": "video", "neither": "neither"}
ROBUSTNESS = {f"video {LATE:g} s late": "shifted", "video of the middle half": "shorter"}


def clip_items(index: int, rng: np.random.Generator) -> list[Item]:
    """A question of each need about one clip; fewer where it cannot be asked them."""
    from llamo.train.synthesis.engine import synthesize

    motion = synthesize(rng, held_out=True)
    action = single_action(motion)
    if not action or motion.seconds > LONGEST:
        return []
    film = film_motion(motion.joints, rng, SIZE, held_out=True, most_frames=len(motion.joints), shortest_step=1)
    frames = degrade(film.frames, rng, **random_degradation(rng))
    quarter = len(frames) // 4
    videos = {
        "whole": (encoded(frames, film.fps, CRF, most_bytes=None), 0.0),
        "middle": (encoded(frames[quarter : 3 * quarter], film.fps, CRF, most_bytes=None), quarter / film.fps),
    }
    asked = [each for each in ask_program(motion, rng, 3, held_out=True) if each.kind != "unanswerable"]
    seen = ask_video(film.truth, rng, 20, held_out=True, **action)
    found = []
    for need, questions in zip(
        NEEDS, (asked, *([each for each in seen if each.needs == need] for need in NEEDS[1:])), strict=True
    ):
        found += [
            Item("", f"needs {need}", question, f"filmed_{index}", motion.joints, motion.fps, {"needs": need}, videos=videos)
            for question in questions[:1]
        ]
    return found


def build(options: SuiteOptions) -> list[Item]:
    num = NUM if options.limit is None else options.limit
    items: list[Item] = []
    index = 0
    while len(items) < num:
        items += clip_items(index, np.random.default_rng([options.seed, 21, index]))
        index += 1
    return numbered("both", items[:num])


def measures(items: Sequence[Item], records: Sequence[Mapping[str, Any]], session: Session) -> dict[str, Any]:
    """Shares of right answers by need and condition, and what a worse video costs where both are given."""
    rows = {need: [place for place, item in enumerate(items) if item.facts["needs"] == need] for need in NEEDS}
    rows = {need: places for need, places in rows.items() if places}

    def share(places: Sequence[int], condition: str) -> float:
        name = "correct" if condition == "model" else f"{condition}_correct"
        return float(np.mean([bool(records[place][name]) for place in places])) if places else float("nan")

    found: dict[str, Any] = {}
    for need, places in rows.items():
        found[f"needs {need}"] = {name: share(places, condition) for name, condition in COLUMNS.items()}
    for name, condition in ROBUSTNESS.items():
        found[name] = {f"needs {need}": share(places, condition) for need, places in rows.items()}
    found["video missing in every other row"] = {
        f"needs {need}, {told}": share([place for place in places if has_video(place) == there], "half")
        for need, places in rows.items()
        for told, there in (("there", True), ("missing", False))
    }
    if "both" in rows:
        table = found["needs both"]
        found["both inputs are best where both are needed"] = table["both"] > max(table["motion only"], table["video only"])
    if "motion" in rows:
        table = found["needs motion"]
        found["points that a video costs where motion is enough"] = 100 * (table["motion only"] - table["both"])
    return found


def has_video(place: int) -> bool:
    """Whether the item at this place keeps its video under the condition "half"."""
    return place % 2 == 0


SUITE = Suite(
    "both",
    "llamo-both-3",
    "rendered takes: what motion, video, both and neither of them answer (a checkpoint with a vision tower)",
    build,
    conditions=("model", *VIDEO_CONDITIONS),
    measures=measures,
)
