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
        name, kind = f"further_{index}", ("form", "next", "pair")[len(items) % 3]
        index += 1
        if kind == "form":
            motion = synthesize(rng, held_out=True, vocabulary=sorted(FAULTS))
            questions, shown = ask_form(motion, rng, 1, held_out=True), [(motion.joints, motion.fps)]
        elif kind == "next":
            asked = ask_next(synthesize(rng, held_out=True), actions, rng, held_out=True)
            questions, shown = (asked.questions, [(asked.joints, FPS)]) if asked else ([], [])
        else:
            first = synthesize(rng, held_out=True)
            second = synthesize(rng, held_out=True, vocabulary=like(first, rng))
            questions = ask_pair(first, second, rng, 1, held_out=True)
            shown = [(motion.joints, motion.fps) for motion in (first, second)]
        # Not every motion can be asked everything; the next one is tried then.
        items += [Item("", kind, question, name, *shown[0], others=tuple(shown[1:])) for question in questions[:1]]
    return items


def build(options: SuiteOptions) -> list[Item]:
    num = NUM if options.limit is None else options.limit
    further = further_items(num // 8, np.random.default_rng([options.seed, 14]))
    asked = procedural_items(num - len(further), np.random.default_rng([options.seed, 1]))
    # One in eight, all over the suite: a limit takes of everything.
    mixed = [item for place, item in enumerate(further) for item in (*asked[7 * place : 7 * place + 7], item)]
    return numbered("synthetic", [*mixed, *asked[7 * len(further) :]])


SUITE = Suite(
    "synthetic",
    "llamo-synthetic-6",
    "generated motion: programs, bodies, styles and phrasings that training never draws",
    build,
)
