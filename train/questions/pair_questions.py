"""Questions about two motions: the same action or not, which is faster, deeper, longer, better, or has more repetitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .form_questions import form_truth
from .form_truth import DEPTH, GOOD, judge_form
from .makers import Maker
from .program_questions import ProgramTruth
from .question import Question
from .vocabulary import action, confusable
from .wording import WITHOUT_TEMPO


if TYPE_CHECKING:
    from llamo.train.synthesis.engine import SyntheticMotion

PLACES = ("first", "second")
LONGER_BY = 1.3  # at least, and by a second and a half
DEEPER_BY = 16.0  # degrees
# Most pairs show the same action, and most differ in length: of those it is asked less often.
KEEP_SAME, KEEP_LONGER = 0.25, 0.35
SPEEDS = ("slow", "normal", "fast")


class Pair:
    """Two motions with their truths; `key` is the action where both hold the same single one."""

    def __init__(self, first: SyntheticMotion, second: SyntheticMotion):
        self.motions = (first, second)
        self.truths = (ProgramTruth(first), ProgramTruth(second))
        keys = [truth.keys[0] for truth in self.truths if not truth.several]
        self.key = keys[0] if len(keys) == 2 and keys[0] == keys[1] else None

    def one(self, name: str) -> list:
        return [truth.one(truth.runs[0], name) for truth in self.truths]


def ask_pair(
    first: SyntheticMotion, second: SyntheticMotion, rng: np.random.Generator, num: int = 3, *, held_out: bool = False
) -> list[Question]:
    """Questions that need both motions, in no particular order.

    Args:
        first, second: procedural motions, in the order in which they are shown.
        rng: source of every choice.
        num: how many at most.
        held_out: use the phrasings kept from training.
    """
    pair, maker = Pair(first, second), Maker(rng, held_out)
    found = [build(pair, maker) for build in maker.shuffled(BUILDERS)]
    return [question for question in found if question is not None][:num]


def _which(maker: Maker, sub_kind: str, place: str, words: str, **fields: str) -> Question:
    """A question that is answered by "the first" or "the second"."""
    answer = f"The {place} motion {words}."
    return maker.make("comparison", maker.ask(sub_kind, fields), answer, place, PLACES, short=place)


def _larger(values) -> str:
    return PLACES[0] if values[0] > values[1] else PLACES[1]


def _faster(pair: Pair, maker: Maker) -> Question | None:
    speeds = pair.one("speed")
    if pair.key is None or pair.key in WITHOUT_TEMPO or set(speeds) != {"slow", "fast"}:
        return None
    place = _larger([SPEEDS.index(speed) for speed in speeds])
    return _which(maker, "pair_faster", place, "is faster", singular=action(pair.key).singular)


def _more(pair: Pair, maker: Maker) -> Question | None:
    if pair.key is None or not action(pair.key).countable:
        return None
    counts = [truth.total(truth.runs[0]) for truth in pair.truths]
    if None in counts or counts[0] == counts[1]:
        return None
    plural = action(pair.key).plural
    return _which(maker, "pair_more", _larger(counts), f"has more {plural}", plural=plural)


def _deeper(pair: Pair, maker: Maker) -> Question | None:
    if pair.key not in DEPTH or pair.key not in ("squat", "lunge", "push_up"):
        return None
    depths = []
    for motion, truth in zip(pair.motions, pair.truths):
        segment = truth.runs[0][0]
        if len(truth.runs[0]) != 1 or not segment.event_times:
            return None
        form = judge_form(pair.key, motion.joints, motion.fps, segment.event_times, segment.start, segment.end)
        depths.append(form.measures["shallow"])
    if abs(depths[0] - depths[1]) < DEEPER_BY:
        return None
    return _which(maker, "pair_deeper", _larger(depths), "goes deeper", plural=action(pair.key).plural)


def _longer(pair: Pair, maker: Maker) -> Question | None:
    seconds = [truth.seconds for truth in pair.truths]
    if max(seconds) < LONGER_BY * min(seconds) or max(seconds) < min(seconds) + 1.5 or maker.rng.random() > KEEP_LONGER:
        return None
    return _which(maker, "pair_longer", _larger(seconds), "is longer")


def _better(pair: Pair, maker: Maker) -> Question | None:
    forms = [form_truth(motion) for motion in pair.motions]
    if pair.key is None or None in forms or sum(form.verdict == GOOD for form in forms) != 1:
        return None
    place = _larger([form.verdict == GOOD for form in forms])
    return _which(maker, "pair_form", place, "has the better form", plural=action(pair.key).plural)


def _which_shows(pair: Pair, maker: Maker) -> Question | None:
    first, second = pair.truths
    if any(confusable(one, other) for one in first.present for other in second.present):
        return None
    place = maker.pick((0, 1))
    gerund = action(maker.pick(pair.truths[place].keys)).gerund
    return _which(maker, "pair_which", PLACES[place], f"shows {gerund}", gerund=gerund)


def _same(pair: Pair, maker: Maker) -> Question | None:
    first, second = pair.truths
    if first.several or second.several or (pair.key is not None and maker.rng.random() > KEEP_SAME):
        return None
    one, other = action(first.keys[0]), action(second.keys[0])
    if pair.key is not None:
        said = f"both show {one.gerund}"
    elif confusable(one.key, other.key):
        return None
    else:
        said = f"the first shows {one.gerund} and the second {other.gerund}"
    return maker.yes_no("pair_same", {}, pair.key is not None, said, said)


def _what(pair: Pair, maker: Maker) -> Question | None:
    place = maker.pick((0, 1))
    truth, other = pair.truths[place], pair.truths[1 - place]
    if truth.several or pair.key is not None or any(confusable(truth.keys[0], key) for key in other.present):
        return None
    gerund = action(truth.keys[0]).gerund
    question = maker.ask("pair_what", {"which": PLACES[place]})
    return maker.make("action", question, f"The person is {gerund}.", gerund, maker.all_gerunds(truth.keys), short=gerund)


BUILDERS: tuple[Callable[[Pair, Maker], Question | None], ...] = (
    _faster, _more, _deeper, _longer, _better, _which_shows, _same, _what,
)  # fmt: skip
