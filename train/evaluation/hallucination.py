"""Suite `hallucination`: questions that the motion does not answer, among ones that it does.

Who always refuses is right about the unanswerable and wrong about the rest, so both stand in the table: `unanswerable`
(right: says that the motion does not tell), `answered` (right: does not say so), `absent_action` ("Does the person wave?"
where nobody does, and as often where somebody does), `absent_count` ("How many squats?" of somebody who does none).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llamo.train.questions import Question, score
from llamo.train.questions.makers import Maker
from llamo.train.questions.program_questions import BUILDERS, PROGRAMS, WRONG_WEIGHTS, ProgramTruth
from llamo.train.questions.scoring import refuses

from .items import UNGROUNDED, Item, in_turn, numbered
from .suite import Suite, SuiteOptions


NUM = 600
# Sub-kinds that any motion answers, for what must not be refused.
ANSWERABLE = ("action", "caption", "side", "turn", "action_direction", "posture_start", "speed")


def build(options: SuiteOptions) -> list[Item]:
    from llamo.train.synthesis.engine import synthesize

    num = options.limit or NUM
    rng = np.random.default_rng([options.seed, 3])
    groups: dict[str, list[Item]] = {UNGROUNDED: [], "answered": [], "absent_action": [], "absent_count": []}
    for index in range(-(-num // len(groups))):
        motion = synthesize(rng, held_out=True)
        truth, maker = ProgramTruth(motion), Maker(rng, True, tuple(PROGRAMS), WRONG_WEIGHTS)
        names = [ANSWERABLE[int(place)] for place in rng.permutation(len(ANSWERABLE))]
        answerable = next(question for question in (BUILDERS[name](truth, maker) for name in [*names, "caption"]) if question)
        questions = (maker.unanswerable(), answerable, maker.does_it(truth.keys), BUILDERS["no_count"](truth, maker))
        for kind, question in zip(groups, questions):
            if question is not None:
                groups[kind].append(Item("", kind, question, f"procedural_{index}", motion.joints, motion.fps))
    return numbered("hallucination", in_turn(list(groups.values()))[:num])


def judge(items: Sequence[Item], texts: Sequence[str]) -> list[bool]:
    """`answered` asks for any answer that is no refusal; the other kinds are right or wrong by rule."""
    return [_right(item.kind, item.question, text) for item, text in zip(items, texts, strict=True)]


def _right(kind: str, question: Question, text: str) -> bool:
    if kind == "answered":
        return bool(text.strip()) and not refuses(text)
    # "The motion does not tell" is no way of saying no, or none.
    return score(question, text) and (kind == UNGROUNDED or not refuses(text))


SUITE = Suite(
    "hallucination",
    "llamo-hallucination-5",
    "what the motion does not tell, and what it does: refusing everything is no way out",
    build,
    judge=judge,
)
