"""Suite `filmed`: the questions of `real` (without --data those of `synthetic`), asked of videos of the same motions.

Each motion is rendered with a random person, place, camera, light and compression; the checkpoint's Motion Estimator makes a
motion of the video, and the question is asked of that. What the same questions get where the motion itself is given stands
below the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from llamo.processing.motion_features_llamo import resample
from llamo.train.augmentation import FPS
from llamo.train.filmed_motions import encoded, film_motion
from llamo.train.rendering.effects import degrade, random_degradation

from .items import UNGROUNDED, Item, Video, numbered
from .real import real_items
from .suite import Session, Suite, SuiteOptions
from .synthetic import procedural_items


NUM = 240
SIZE = 320  # pixels of a side
LONGEST = 8.0  # seconds of a clip
CRF = (22, 34)  # of the encoder, from good to bad


def film(joints: np.ndarray, fps: float, rng: np.random.Generator) -> Video:
    """A video of a whole motion `(num_frames, 22, 3)`, every frame of 20 a second."""
    joints = resample(joints, fps, FPS).astype(np.float32)
    taken = film_motion(joints, rng, SIZE, held_out=True, most_frames=len(joints), shortest_step=1)
    frames = degrade(taken.frames, rng, **random_degradation(rng))
    return encoded(frames, taken.fps, int(rng.integers(*CRF)), most_bytes=None), 0.0


def short_items(options: SuiteOptions, num: int) -> list[Item]:
    """Those of `num` items that a short video of one person can answer."""
    if options.data:
        found = real_items(options.data, num, options.seed, options.split)
    else:
        found = procedural_items(num, np.random.default_rng([options.seed, 22]))
    return [item for item in found if item.question.kind != UNGROUNDED and item.seconds <= LONGEST and not item.others]


def build(options: SuiteOptions) -> list[Item]:
    num = options.limit or NUM
    short = short_items(options, 4 * num)
    if len(short) < num:
        short = short_items(options, 16 * num)
    videos: dict[int, Video] = {}  # questions about one motion share its video
    items = []
    for index, item in enumerate(short[:num]):
        place = id(item.joints)
        if place not in videos:
            videos[place] = film(item.joints, item.fps, np.random.default_rng([options.seed, 23, index]))
        items.append(replace(item, facts={**item.facts, "video_alone": True}, videos={"whole": videos[place]}))
    return numbered("filmed", items)


def measures(items: Sequence[Item], records: Sequence[Mapping[str, Any]], session: Session) -> dict[str, Any]:
    """Shares of right answers where the motion itself is given, by kind, and what the way through a video costs."""

    def share(places: Sequence[int], name: str) -> float:
        return float(np.mean([bool(records[place][name]) for place in places]))

    kinds = {kind: [place for place, item in enumerate(items) if item.kind == kind] for kind in sorted({i.kind for i in items})}
    everything = range(len(items))
    lost = share(everything, "motion_correct") - share(everything, "correct")
    given = {kind: share(places, "motion_correct") for kind, places in kinds.items()}
    return {"given the motion itself": given, "points that the way through a video costs": 100 * lost}


SUITE = Suite(
    "filmed",
    "llamo-filmed-3",
    "the questions of real (without --data of synthetic), asked of rendered videos of the same motions",
    build,
    conditions=("model", "blind", "motion"),
    measures=measures,
)
