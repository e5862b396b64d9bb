"""Suite `consistency`: answers that have to go together.

- `phrasing`: one question in five phrasings must get one answer.
- `mirrored`: the mirror image must get the mirrored answer.
- `reversed_direction`: a walk played backwards goes the other way.
- `reversed_order`: played backwards, what came first comes last.
- `doubled_speed`: twice as fast, there are as many repetitions.

Each answer is also right or wrong; a group is *consistent* when its answers agree with each other as they should, and
*all_right* when all of them are right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from llamo.train.questions import Question, score
from llamo.train.questions.makers import Maker
from llamo.train.questions.program_questions import BUILDERS, PROGRAMS, WRONG_WEIGHTS, ProgramTruth

from .items import Item, in_turn, numbered
from .statistics import interval_of
from .suite import Suite, SuiteOptions
from .variants import OTHER_SIDE, OTHER_WAY, mirrored, mirrored_question, swapped


NUM = 1200
PHRASINGS = 5
SUB_KINDS = ("action", "side", "turn", "travel", "count", "speed", "first", "last")
# Looks the same when it is played backwards, so that its name stays right.
REVERSIBLE = ("squat", "jumping_jack", "arm_circles", "clap", "wave", "lateral_raise", "biceps_curl", "side_bend",
              "torso_twist", "knee_raise", "calf_raise", "lunge", "bow", "overhead_press")  # fmt: skip
COUNTED = ("squat", "jumping_jack", "arm_circles", "clap", "wave", "lateral_raise", "biceps_curl", "lunge", "push_up",
           "knee_raise", "calf_raise", "side_bend")  # fmt: skip


def _ask(name: str, motion, rng: np.random.Generator) -> Question | None:
    return BUILDERS[name](ProgramTruth(motion), Maker(rng, True, tuple(PROGRAMS), WRONG_WEIGHTS))


def _group(kind: str, index: int, motion, rows: Sequence[tuple[Question, np.ndarray, float]]) -> list[Item]:
    """The items of one group; the first is the one the others are compared with."""
    return [
        Item("", kind, question, f"{kind}_{index}", joints, fps, {"group": f"{kind}_{index}", "place": place})
        for place, (question, joints, fps) in enumerate(rows)
    ]


def _reworded(seed: int) -> Iterator[list[Item]]:
    """One question in five phrasings, all of them about the same motion."""
    from llamo.train.synthesis.engine import synthesize

    rng, index = np.random.default_rng([seed, 6]), 0
    while True:
        motion = synthesize(rng, held_out=True)
        names = [SUB_KINDS[int(place)] for place in rng.permutation(len(SUB_KINDS))]
        truth = ProgramTruth(motion)
        for name in names:
            found: dict[str, Question] = {}
            for draw in range(80):
                # Phrasings of training and of evaluation: there are only two or three of the latter.
                maker = Maker(np.random.default_rng([seed, 7, index, draw]), draw % 2 == 0, tuple(PROGRAMS), WRONG_WEIGHTS)
                question = BUILDERS[name](truth, maker)
                if question is None:
                    break
                first = next(iter(found.values()), question)
                # Another run of the program may be asked for as well; only the same truth is the same question.
                if (question.key, question.choices) == (first.key, first.choices):
                    found.setdefault(_bare(question.question), question)
                if len(found) == PHRASINGS:
                    break
            if len(found) == PHRASINGS:
                yield _group("phrasing", index, motion, [(one, motion.joints, motion.fps) for one in found.values()])
                index += 1
                break


def _bare(text: str) -> str:
    return " ".join(text.lower().split())


def _mirrored(seed: int) -> Iterator[list[Item]]:
    from llamo.train.synthesis.engine import synthesize

    rng, index = np.random.default_rng([seed, 8]), 0
    while True:
        motion = synthesize(rng, held_out=True)
        for name in ("side", "turn", "travel"):
            question = _ask(name, motion, rng)
            other = mirrored_question(question) if question is not None and question.key in OTHER_SIDE else None
            if other is not None:
                rows = [(question, motion.joints, motion.fps), (other, mirrored(motion.joints), motion.fps)]
                yield _group("mirrored", index, motion, rows)
                index += 1
                break


def _reversed_direction(seed: int) -> Iterator[list[Item]]:
    from llamo.train.synthesis.engine import synthesize

    rng, index = np.random.default_rng([seed, 9]), 0
    while True:
        motion = synthesize(rng, held_out=True, actions=["walk" if index % 2 else "walk_backward"])
        question = _ask("forward_or_backward" if index % 3 else "travel", motion, rng)
        if question is None or question.key not in OTHER_WAY:
            continue
        # The gait is not named: a walk played backwards is what is asked about.
        other = replace(question, key=OTHER_WAY[question.key], answer=swapped(question.answer, OTHER_WAY))
        backwards = motion.joints[::-1].copy()
        rows = [(question, motion.joints, motion.fps), (other, backwards, motion.fps)]
        yield _group("reversed_direction", index, motion, rows)
        index += 1


def _reversed_order(seed: int) -> Iterator[list[Item]]:
    from llamo.train.synthesis.engine import synthesize

    rng, index = np.random.default_rng([seed, 10]), 0
    while True:
        picked = [REVERSIBLE[int(place)] for place in rng.permutation(len(REVERSIBLE))[:2]]
        motion = synthesize(rng, held_out=True, actions=picked)
        question = _ask("which_first", motion, rng)
        if question is None:
            continue
        later = next(choice for choice in question.choices if choice != question.key)
        other = replace(question, key=later, answer=f"{later[:1].upper()}{later[1:]} comes first.")
        rows = [(question, motion.joints, motion.fps), (other, motion.joints[::-1].copy(), motion.fps)]
        yield _group("reversed_order", index, motion, rows)
        index += 1


def _doubled(seed: int) -> Iterator[list[Item]]:
    from llamo.train.synthesis.engine import synthesize

    rng, index = np.random.default_rng([seed, 11]), 0
    while True:
        key = COUNTED[int(rng.integers(len(COUNTED)))]
        motion = synthesize(rng, held_out=True, actions=[key], speed="slow", count=int(rng.integers(2, 9)))
        question = _ask("count", motion, rng)
        if question is None:
            continue
        rows = [(question, motion.joints, motion.fps), (question, motion.joints, 2 * motion.fps)]
        yield _group("doubled_speed", index, motion, rows)
        index += 1


GROUPS: dict[str, Callable[[int], Iterator[list[Item]]]] = {
    "phrasing": _reworded,
    "mirrored": _mirrored,
    "reversed_direction": _reversed_direction,
    "reversed_order": _reversed_order,
    "doubled_speed": _doubled,
}


def build(options: SuiteOptions) -> list[Item]:
    """Whole groups, as many of each kind, up to the limit; a group that would be cut is left out."""
    num = options.limit or NUM
    sources = {kind: source(options.seed) for kind, source in GROUPS.items()}
    groups: dict[str, list[list[Item]]] = {kind: [] for kind in GROUPS}
    total = 0
    for round_ in range(num):
        for kind, source in sources.items():
            size = PHRASINGS if kind == "phrasing" else 2
            # Five phrasings of one question weigh as much as two pairs and a half.
            if (kind == "phrasing" and round_ % 2) or total + size > num:
                continue
            groups[kind].append(next(source))
            total += size
        if total + 2 > num:
            break
    return numbered("consistency", [item for group in in_turn(list(groups.values())) for item in group])


def said_key(question: Question, text: str) -> str | None:
    """Which of the possible answers a text gives; None for none or several."""
    keys = [key for key in question.choices if score(replace(question, key=key, tolerance=0.0), text)]
    return keys[0] if len(keys) == 1 else None


def measures(items: Sequence[Item], records: Sequence[dict[str, Any]], session: Any = None) -> dict[str, Any]:
    """Of each kind the share of groups whose answers go together, of the model and of the baselines, with intervals."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        groups[item.facts["group"]].append(place)
    found: dict[str, Any] = {}
    for kind in GROUPS:
        names = [name for name in groups if items[groups[name][0]].kind == kind]
        if not names:
            continue
        row: dict[str, Any] = {"groups": len(names)}
        for condition in ("model", "blind", "shuffled"):
            field = "prediction" if condition == "model" else condition
            agree = [
                _goes_together([items[i] for i in groups[name]], [records[i][field] for i in groups[name]]) for name in names
            ]
            row["consistent" if condition == "model" else f"{condition}_consistent"] = float(np.mean(agree))
            if condition == "model":
                row["low"], row["high"] = interval_of(
                    lambda rows, agree=agree: float(np.mean([agree[i] for i in rows])), names, np.random.default_rng(0)
                )
        row["all_right"] = float(np.mean([all(records[i]["correct"] for i in groups[name]) for name in names]))
        found[kind] = row
    return {"consistency": found}


def _goes_together(items: Sequence[Item], texts: Sequence[str]) -> bool:
    """Whether each answer follows from the first: the same, or its counterpart as the keys are each other's."""
    said = [said_key(item.question, text) for item, text in zip(items, texts)]
    if None in said:
        return False
    first, *others = said
    for item, key in zip(items[1:], others):
        pair = {items[0].question.key: item.question.key, item.question.key: items[0].question.key}
        if key != pair.get(first, first):
            return False
    return True


SUITE = Suite(
    "consistency",
    "llamo-consistency-5",
    "five phrasings, mirror image, played backwards, twice as fast: answers that have to go together",
    build,
    measures=measures,
)
