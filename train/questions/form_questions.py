"""Questions about the form of an exercise: which fault it shows, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from llamo.train.synthesis.faults import FAULTS, KNEES_IN, ROUNDED, SHALLOW, TOO_FAST, UNEVEN

from .form_truth import GOOD, judge_form
from .makers import Maker
from .question import Question
from .vocabulary import action
from .wording import join_or


if TYPE_CHECKING:
    from llamo.train.synthesis.engine import SyntheticMotion

# Exercises of the arms are not shallow: their way is too short.
ARMS = ("overhead_press", "lateral_raise", "biceps_curl")
# Fault -> what is said of it, what to do about it (and the fault once more, by which the answer is judged), its name.
TOLD = {
    KNEES_IN: ("the knees cave in", "Push the knees out over the toes: the knees cave in.", "knees caving in"),
    SHALLOW: ("the {plural} are too shallow", "Go deeper: the {plural} are too shallow.", "too shallow"),
    ROUNDED: ("the back is rounded", "Keep the chest up and the back straight: the back is rounded.", "a rounded back"),
    UNEVEN: ("the {plural} are uneven", "Load both sides alike: the {plural} are uneven.", "uneven sides"),
    TOO_FAST: ("the {plural} are too fast", "Slow down: the {plural} are too fast.", "too fast"),
    GOOD: ("the form is good", "Nothing: the form is good.", "good form"),
}
SHORT_WAY = ("the range of motion is too short", "Use the full range: the range of motion is too short.", "too short a range")
# Good form is commoner than any one fault, and to a question whether there is a fault it always answers no.
KEEP_GOOD, KEEP_GOOD_YES_NO = 0.6, 0.8


@dataclass(frozen=True)
class FormTruth:
    """One exercise of a motion whose form is beyond doubt: its key and a fault or GOOD."""

    key: str
    verdict: str

    def told(self, verdict: str, which: int) -> str:
        row = SHORT_WAY if verdict == SHALLOW and self.key in ARMS else TOLD[verdict]
        return row[which].format(plural=action(self.key).plural)


def form_truth(motion: SyntheticMotion) -> FormTruth | None:
    """The form of a motion's only exercise, where its joints show what its program says; else None."""
    asked = [segment for segment in motion.segments if segment.action in FAULTS]
    if len(asked) != 1 or not asked[0].event_times:
        return None
    segment = asked[0]
    form = judge_form(segment.action, motion.joints, motion.fps, segment.event_times, segment.start, segment.end)
    return FormTruth(segment.action, form.verdict) if form.verdict == (segment.fault or GOOD) else None


def ask_form(motion: SyntheticMotion, rng: np.random.Generator, num: int = 2, *, held_out: bool = False) -> list[Question]:
    """Questions about the form of an exercise; none where the motion has no exercise or its form is arguable.

    Args:
        motion: a procedural motion.
        rng: source of every choice.
        num: how many at most.
        held_out: use the phrasings kept from training.
    """
    truth = form_truth(motion)
    if truth is None or (truth.verdict == GOOD and rng.random() > KEEP_GOOD):
        return []
    maker = Maker(rng, held_out)
    found = [build(truth, maker) for build in maker.shuffled((_fault, _fix, _listed, _yes_no))]
    return [question for question in found if question is not None][:num]


def _fault(truth: FormTruth, maker: Maker) -> Question:
    text = truth.told(truth.verdict, 0)
    question = maker.ask("form", {"plural": action(truth.key).plural})
    return maker.make("form", question, f"{text[0].upper()}{text[1:]}.", truth.verdict, (GOOD, *FAULTS[truth.key]))


def _fix(truth: FormTruth, maker: Maker) -> Question:
    question = maker.ask("form_fix", {"plural": action(truth.key).plural})
    return maker.make("form", question, truth.told(truth.verdict, 1), truth.verdict, (GOOD, *FAULTS[truth.key]))


def _listed(truth: FormTruth, maker: Maker) -> Question:
    others = [fault for fault in (GOOD, *FAULTS[truth.key]) if fault != truth.verdict]
    options = maker.shuffled([truth.verdict, *maker.shuffled(others)[:2]])
    named = [truth.told(option, 2) for option in options]
    question = maker.ask("form_list", {"options": join_or(named), "plural": action(truth.key).plural})
    text = truth.told(truth.verdict, 0)
    return maker.make("form", question, f"{text[0].upper()}{text[1:]}.", truth.verdict, options)


def _yes_no(truth: FormTruth, maker: Maker) -> Question | None:
    faults = [fault for fault in FAULTS[truth.key] if fault != truth.verdict]
    if truth.verdict == GOOD and maker.rng.random() > KEEP_GOOD_YES_NO:
        return None
    shown = truth.verdict if truth.verdict != GOOD and maker.rng.random() < 0.68 else maker.pick(faults)
    said = truth.told(shown, 0)
    return maker.yes_no(
        "yes_form",
        {"said": said, "fault": _asked(said)},
        shown == truth.verdict,
        said,
        truth.told(truth.verdict, 0),
    )


def _asked(said: str) -> str:
    """ "the knees cave in" -> "Do the knees cave in", "the back is rounded" -> "Is the back rounded"."""
    for verb in (" are ", " is "):
        before, found, after = said.partition(verb)
        if found:
            return f"{verb.strip()} {before} {after}"
    return f"do {said}"
