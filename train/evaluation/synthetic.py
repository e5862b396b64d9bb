"""Suite `synthetic`: held-out programs, bodies, styles and phrasings of the data engine, over all kinds of questions."""

from __future__ import annotations

import numpy as np

from llamo.train.augmentation import FPS
from llamo.train.questions import ask_form, ask_pair, ask_program
from llamo.train.synthesis.faults import FAULTS

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


def further_items(num: int, rng: np.random.Generator) -> list[Item]:
    """`num` questions beyond a program's words: form of exercises, what comes next, and two motions together, in turn."""
    from llamo.train.asked_motions import ask_next, like
    from llamo.train.labelled_motion import action_vocabulary
    from llamo.train.synthesis.engine import synthesize

    actions, items, index = action_vocabulary(), [], 0
    while len(items) < num:
        name = f"further_{index}"
        if index % 3 == 0:
            motion = synthesize(rng, held_out=True, vocabulary=sorted(FAULTS))
            for question in ask_form(motion, rng, 1, held_out=True):
                items.append(Item("", "form", question, name, motion.joints, motion.fps))
        elif index % 3 == 1:
            asked = ask_next(synthesize(rng, held_out=True), actions, rng, held_out=True)
            for question in asked.questions if asked else ():
                items.append(Item("", "next", question, name, asked.joints, FPS))
        else:
            first = synthesize(rng, held_out=True)
            second = synthesize(rng, held_out=True, vocabulary=like(first, rng))
            shown = ((second.joints, second.fps),)
            for question in ask_pair(first, second, rng, 1, held_out=True):
                items.append(Item("", "pair", question, name, first.joints, first.fps, others=shown))
        index += 1
    return items[:num]


def build(options: SuiteOptions) -> list[Item]:
    num = NUM if options.limit is None else options.limit
    further = further_items(num // 8, np.random.default_rng([options.seed, 14]))
    asked = procedural_items(num - len(further), np.random.default_rng([options.seed, 1]))
    # One in eight, all over the suite: a limit takes of everything.
    mixed = [item for place, item in enumerate(further) for item in (*asked[7 * place : 7 * place + 7], item)]
    return numbered("synthetic", [*mixed, *asked[7 * len(further) :]])


SUITE = Suite(
    "synthetic",
    "llamo-synthetic-1",
    "generated motion: programs, bodies, styles and phrasings that training never draws",
    build,
)
