"""Suite `synthetic`: held-out programs, bodies, styles and phrasings of the data engine, over all kinds of questions."""

from __future__ import annotations

import numpy as np

from llamo.train.questions import ask_program

from .items import Item, numbered
from .suite import Suite, SuiteOptions


NUM = 3000
PER_MOTION = 3


def procedural_items(num: int, rng: np.random.Generator, per_motion: int = PER_MOTION, every_other: bool = False) -> list[Item]:
    """`num` questions about held-out procedural motions.

    Args:
        num: how many questions.
        rng: source of every choice.
        per_motion: the most questions about one motion.
        every_other: ask every other motion in phrasings that training uses, instead of all in phrasings kept from it.
    """
    from llamo.train.synthesis.engine import synthesize

    items: list[Item] = []
    index = 0
    while len(items) < num:
        motion = synthesize(rng, held_out=True)
        held_out = bool(index % 2) or not every_other
        for question in ask_program(motion, rng, per_motion, held_out=held_out):
            items.append(Item("", question.kind, question, f"procedural_{index}", motion.joints, motion.fps))
        index += 1
    return items[:num]


def build(options: SuiteOptions) -> list[Item]:
    num = NUM if options.limit is None else options.limit
    return numbered("synthetic", procedural_items(num, np.random.default_rng([options.seed, 1])))


SUITE = Suite(
    "synthetic",
    "llamo-synthetic-1",
    "generated motion: programs, bodies, styles and phrasings that training never draws",
    build,
)
