"""Suite `noise`: the same questions about the same motion as a worse system would have recorded it.

Each row of the table is one variant, with the same questions where they survive it: a mirror image answers sides the other
way round, and a cropped motion is not asked for counts, times and order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from llamo.train.questions import Question

from .items import UNGROUNDED, Item, numbered
from .real import real_items
from .suite import Suite, SuiteOptions
from .synthetic import procedural_items
from .variants import Motion, at_rate, cropped, estimated, mirrored, mirrored_question, rescaled


NUM = 1800  # over all variants
SURVIVES_CROPPING = ("action", "choice", "side", "direction", "speed", "style")

Change = Callable[[np.ndarray, float, np.random.Generator], Motion]
VARIANTS: dict[str, Change] = {
    "as it is": lambda joints, fps, rng: (joints, fps),
    "estimated": estimated,
    "30 fps": at_rate(30.0),
    "60 fps": at_rate(60.0),
    "120 fps": at_rate(120.0),
    "cropped": cropped,
    "mirrored": lambda joints, fps, rng: (mirrored(joints), fps),
    "85 % as tall": rescaled(0.85),
    "115 % as tall": rescaled(1.15),
}


def changed_question(variant: str, question: Question) -> Question | None:
    """The question about the changed motion, with its answer; None where that is not known."""
    if variant == "mirrored":
        return mirrored_question(question)
    if variant == "cropped" and question.kind not in SURVIVES_CROPPING:
        return None
    # Metres per second decide what is a slow walk; a taller person walks faster.
    if variant.endswith("as tall") and question.kind == "speed":
        return None
    return question


def build(options: SuiteOptions) -> list[Item]:
    num = options.limit or NUM
    base = -(-num // len(VARIANTS))
    if options.data:
        found = real_items(options.data, base, options.seed, options.split)
    else:
        found = procedural_items(base + base // 4, np.random.default_rng([options.seed, 4]))
    plain = [item for item in found if item.question.kind != UNGROUNDED]
    items: list[Item] = []
    motions: dict[tuple[int, str], Motion] = {}  # questions on one clip share its variants
    for index, item in enumerate(plain[:base]):
        for name, change in VARIANTS.items():
            question = changed_question(name, item.question)
            if question is None:
                continue
            place = (id(item.joints), name)
            if place not in motions:
                motions[place] = change(item.joints, item.fps, np.random.default_rng([options.seed, 5, index]))
            joints, fps = motions[place]
            facts = {"variant": name, "asked": item.kind}
            items.append(replace(item, kind=name, question=question, joints=joints, fps=fps, facts=facts))
    return numbered("noise", items[:num])


SUITE = Suite(
    "noise",
    "llamo-noise-6",
    "the same questions under estimator-like noise, 30, 60 and 120 fps, cropped, mirrored, re-scaled",
    build,
)
