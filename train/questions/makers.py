"""Question makers shared by programs and recorded clips: each states one kind of question once its truth is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from llamo.train.synthesis.catalogue import ACTIONS

from .phrasings import SHORT_HINTS, SHORT_HINTS_NUMBER, SHORT_HINTS_WORD, phrase
from .question import Question
from .scoring import NUMBER_KINDS, said
from .vocabulary import action, confusable, includes
from .wording import ADVERB, LETTERS, NUMERALS, direction_phrase, join_or, lettered, lettered_answer, sentence


NOT_TOLD = (
    "The motion does not tell that.",
    "The motion does not tell that; it only shows how the body moves.",
    "That cannot be told from the motion.",
)
DIRECTIONS = ("forward", "backward", "left", "right", "in place")
_HINTS = tuple(dict.fromkeys((*SHORT_HINTS, *SHORT_HINTS_WORD, *SHORT_HINTS_NUMBER)))
METRES = tuple(str(metre) for metre in range(21))
DEGREES = tuple(str(45 * part) for part in range(9))
SECONDS = tuple(str(second) for second in range(1, 13))
PART_PLURAL = {"hand": "hands", "arm": "arms", "leg": "legs", "foot": "feet"}


# Whose leg does not simply "do" the action.
SIDE_KINDS = {"limp": "side_limp", "kneel": "side_kneel", "hop": "side_stand", "balance": "side_stand"}
LETTER_MARKS = ("{})", "{}.", "{}:", "({})")
BETWEEN_LETTERS = (" ", ", ", "; ", "\n")
# How often, where a maker may vary, a question of a closed kind is asked with its answers as options by letter; and how
# often options that are not written in the plain way have numerals.
BY_LETTER = {
    "direction": 0.03,
    "side": 0.03,
    "posture": 0.04,
    "speed": 0.03,
    "count": 0.03,
    "order": 0.03,
    "yes_no": 0.01,
}
NUMBERED = 0.25
CLOSED = 5  # a question that leaves more answers open has no options
MOST_OPTIONS = 4


class Maker:
    """Builds questions with one source of randomness.

    Args:
        rng: source of every choice.
        held_out: use the phrasings kept for evaluation.
        vocabulary: action keys from which wrong choices are taken.
        weights: how often each action is drawn as a wrong choice, 1 where it is not named. With the frequencies of the
            motions themselves "Does the person walk?" is as often false as true.
        various: whether options may have numerals, and `by_letter` may make options of the answers to a closed question.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        held_out: bool = False,
        vocabulary: Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
        various: bool = False,
    ):
        self.rng = rng
        self.held_out = held_out
        self.vocabulary = tuple(vocabulary) if vocabulary else tuple(ACTIONS)
        self.weights = dict(weights or {})
        self.various = various

    # helpers

    def pick(self, options: Sequence):
        return options[int(self.rng.integers(len(options)))]

    def shuffled(self, options: Iterable) -> list:
        options = list(options)
        return [options[int(index)] for index in self.rng.permutation(len(options))]

    def ask(self, sub_kind: str, fields: dict[str, str] | None = None, **options) -> str:
        return phrase(sub_kind, self.rng, fields, held_out=self.held_out, **options)

    def make(
        self,
        kind: str,
        question: str,
        answer: str,
        key: str,
        choices: Sequence[str],
        *,
        short: str | None = None,
        tolerance: float = 0.0,
    ) -> Question:
        """A question; every sixth time, where there is a bare answer, it is asked for."""
        if short is not None and self.rng.random() < 0.17:
            hints = SHORT_HINTS if " " in short else SHORT_HINTS_WORD
            hints = SHORT_HINTS_NUMBER if kind in NUMBER_KINDS else hints
            question = f"{question} {self.pick(hints)}" if question[-1] in "?.!" else f"{question}? {self.pick(hints)}"
            answer = sentence(short)
        return Question(kind, question, answer, key, tuple(choices), tolerance, self.held_out)

    def others(self, present: Iterable[str], num: int, near: str | None = None) -> list[str]:
        """`num` actions that are neither among `present` nor look like one of them or each other."""
        found: list[str] = []
        taken = list(present)
        # Weighted order without replacement (Efraimidis and Spirakis 2006).
        weights = np.array([self.weights.get(key, 1.0) for key in self.vocabulary])
        order = np.argsort(-(self.rng.random(len(weights)) ** (1.0 / weights)))
        pool = [self.vocabulary[int(index)] for index in order]
        if near is not None and self.rng.random() < 0.5:
            pool.sort(key=lambda key: action(key).family != action(near).family)
        for key in pool:
            # "walking" is no wrong choice for somebody walking backwards.
            if not any(confusable(key, other) or includes(other, key) for other in taken):
                found.append(key)
                taken.append(key)
                if len(found) == num:
                    break
        return found

    def all_gerunds(self, present: Iterable[str]) -> tuple[str, ...]:
        """Every action's gerund that would be a wrong answer for these, and their own."""
        return _all_gerunds(tuple(present), self.vocabulary)

    # kinds

    def action(self, key: str) -> Question:
        gerund = action(key).gerund
        return self.make(
            "action", self.ask("action"), f"The person is {gerund}.", gerund, self.all_gerunds([key]), short=gerund
        )

    def letters(self, key: str, present: Iterable[str]) -> Question:
        options = self.shuffled([key, *self.others(present, 3, near=key)])
        gerunds = [action(option).gerund for option in options]
        own = action(key).gerund
        mark, between, labels = self.layout()
        question = self.ask("letters", {"options": lettered(gerunds, mark, between, labels)})
        return self.make("choice", question, lettered_answer(gerunds, own, labels), own, gerunds)

    def layout(self) -> tuple[str, str, str]:
        """The mark of an option's letter, what stands between two options, and the letters."""
        # What is held out asks in the plain way, so that its questions stay those of other runs.
        if self.held_out or self.rng.random() < 0.5:
            return "{})", " ", LETTERS
        mark, between = self.pick(LETTER_MARKS), self.pick(BETWEEN_LETTERS)
        return mark, between, NUMERALS if self.various and self.rng.random() < NUMBERED else LETTERS

    def by_letter(self, question: Question) -> Question:
        """The question, or now and then the same with its possible answers as options by letter, as a "choice"."""
        text = question.question
        share = BY_LETTER.get(question.kind, 0.0) if self.various else 0.0
        # Seconds and steps have no sharp bounds; and who asks for one word does not give options as well.
        if not share or question.tolerance or text.endswith(_HINTS) or "rue or false" in text or self.rng.random() >= share:
            return question
        if question.kind == "count":
            options = self._numbers_near(int(question.key))
        elif question.kind == "yes_no":
            options = list(question.choices)
        elif 2 <= len(question.choices) <= CLOSED:
            wrong = self.shuffled(choice for choice in question.choices if choice != question.key)
            options = self.shuffled([question.key, *wrong[: MOST_OPTIONS - 1]])
        else:
            return question
        mark, between, labels = self.layout()
        # "2. 4" is read with difficulty.
        labels = LETTERS if question.kind == "count" else labels
        text = f"{text}{'' if text[-1] in '?.!' else '?'}{self.pick((' ', chr(10)))}{lettered(options, mark, between, labels)}"
        answer = lettered_answer(options, question.key, labels)
        return replace(question, kind="choice", question=text, answer=answer, choices=tuple(options))

    def _numbers_near(self, number: int) -> list[str]:
        """Four counts with this one at any place: in their order, or small ones in any order."""
        if number >= 4:
            first = number - int(self.rng.integers(4))
            return [str(value) for value in range(first, first + 4)]
        others = self.shuffled(value for value in range(7) if value != number)[:3]
        return [str(value) for value in self.shuffled([number, *others])]

    def listed(self, key: str, present: Iterable[str]) -> Question:
        options = [action(option).gerund for option in self.shuffled([key, *self.others(present, 2, near=key)])]
        own = action(key).gerund
        question = self.ask("list", {"options": join_or(options)})
        return self.make("choice", question, sentence(own), own, options)

    def side(self, key: str, side: str, several: bool) -> Question:
        row = action(key)
        part = row.part or "side"
        if key == "kneel":
            part = "knee"
        fields = {"part": part, "gerund": row.gerund, "singular": row.singular, "verb": row.gerund.split()[0]}
        # Where the answer may be "both", naming "the left hand" as the only other way would mislead.
        choices = ("left", "right", "both") if "both" in row.sides else ("left", "right")
        question = self.ask(SIDE_KINDS.get(key, "side"), fields, one_of=("gerund", "singular", "verb") if several else ())
        answer = f"Both {PART_PLURAL.get(part, part)}" if side == "both" else f"The {side} {part}"
        return self.make("side", question, f"{answer}.", side, choices, short=side)

    def travel(self, direction: str) -> Question:
        answer = "The person stays in place" if direction == "in place" else f"The person moves {direction_phrase(direction)}"
        return self.make("direction", self.ask("direction"), f"{answer}.", direction, DIRECTIONS, short=direction)

    def forward_or_backward(self, direction: str, moving: str) -> Question:
        question = self.ask("direction_two", {"moving": moving})
        return self.make(
            "direction", question, f"The person moves {direction}.", direction, ("forward", "backward"), short=direction
        )

    def action_direction(self, key: str, direction: str) -> Question:
        row = action(key)
        question = self.ask("direction_action", {"gerund": row.gerund, "singular": row.singular})
        return self.make(
            "direction", question, sentence(direction_phrase(direction)), direction, row.directions, short=direction
        )

    def turn(self, side: str) -> Question:
        answer = f"The person turns to the {side}."
        return self.make("direction", self.ask("turn"), answer, side, ("left", "right"), short=side)

    def count(self, key: str, number: int, choices: Sequence[str], several: bool = False) -> Question:
        row = action(key)
        noun = row.singular if number == 1 else row.plural
        base, plural = row.base, row.plural
        # "How many reps?" is clear where nothing else is done.
        named = ("plural", "base") if several or number == 0 else ()
        question = self.ask("count", {"plural": plural, "base": base}, one_of=named)
        if row.family in ("exercise", "sport", "dance") or row.base.startswith("do "):
            answer = f"The person does {number} {noun}."
        else:
            answer = f"There {'is' if number == 1 else 'are'} {number} {noun}."
        return self.make("count", question, answer, str(number), choices, short=str(number))

    def speed(self, key: str, speed: str, several: bool, two: bool) -> Question:
        row = action(key)
        fields = {"gerund": row.gerund, "singular": row.singular}
        question = self.ask("speed_two" if two else "speed", fields, one_of=("gerund", "singular") if several else ())
        choices = ("slow", "fast") if two else ("slow", "normal", "fast")
        return self.make("speed", question, f"The person is {row.gerund} {ADVERB[speed]}.", speed, choices, short=speed)

    def order(self, sub_kind: str, key: str, beside: str | None, present: Sequence[str]) -> Question:
        """ "What comes first / last / after X / before X?"."""
        row = action(key)
        fields = {"gerund": action(beside).gerund, "singular": action(beside).singular} if beside else {}
        # "What comes after the sitting down?" has no noun to ask with.
        leave = ("singular",) if beside and " " in action(beside).singular.replace(action(beside).gerund, "x y") else ()
        question = self.ask(sub_kind, fields, leave_out=leave)
        return self.make(
            "order", question, f"The person is {row.gerund}.", row.gerund, self.all_gerunds([key]), short=row.gerund
        )

    def which_first(self, first: str, second: str) -> Question:
        one, other = self.shuffled([first, second])
        question = self.ask("which_first", {"gerund": action(one).gerund, "other": action(other).gerund})
        gerunds = (action(one).gerund, action(other).gerund)
        own = action(first).gerund
        return self.make("order", question, f"{sentence(own)[:-1]} comes first.", own, gerunds, short=own)

    def posture(self, posture: str, at: str) -> Question:
        answer = f"The person is {posture} at the {at}."
        question = self.ask(f"posture_{at}")
        return self.make("posture", question, answer, posture, ("standing", "sitting", "lying"), short=posture)

    def duration(self, seconds: float) -> Question | None:
        whole = max(1, round(seconds))
        if whole > 12:
            return None
        answer = f"About {whole} second{'s' * (whole != 1)}."
        return self.make("duration", self.ask("duration"), answer, str(whole), SECONDS, short=str(whole), tolerance=1.0)

    def action_duration(self, key: str, seconds: float) -> Question:
        whole = max(1, round(seconds))
        question = self.ask("duration_action", {"gerund": action(key).gerund})
        answer = f"About {whole} second{'s' * (whole != 1)}."
        choices = tuple(dict.fromkeys((*SECONDS, str(whole))))
        return self.make("duration", question, answer, str(whole), choices, short=str(whole), tolerance=1.0)

    def start_time(self, key: str, seconds: float) -> Question:
        whole = round(seconds)
        question = self.ask("time", {"gerund": action(key).gerund})
        answer = f"At about {whole} second{'s' * (whole != 1)}."
        choices = tuple(dict.fromkeys((*SECONDS, str(whole))))
        return self.make("time", question, answer, str(whole), choices, short=str(whole), tolerance=1.0)

    def distance(self, metres: float) -> Question | None:
        """How far the person gets on, 0 for one who stays in place; `None` for further than anybody is asked."""
        whole = round(metres)
        if str(whole) not in METRES:
            return None
        answer = f"About {whole} metre{'s' * (whole != 1)}." if whole else "0 metres: the person stays in place."
        tolerance = float(max(1, round(0.2 * whole)))
        return self.make("distance", self.ask("distance"), answer, str(whole), METRES, short=str(whole), tolerance=tolerance)

    def angle(self, degrees: float, side: str) -> Question | None:
        """How far the person has turned in the end, in eighths of a turn; `None` for more than a whole."""
        whole = 45 * round(abs(degrees) / 45)
        if str(whole) not in DEGREES:
            return None
        answer = f"By about {whole} degrees to the {side}." if whole else "The person does not turn."
        return self.make("angle", self.ask("angle"), answer, str(whole), DEGREES, short=f"{whole} degrees", tolerance=30.0)

    def caption(self, keys: Sequence[str], text: str, sub_kind: str = "caption") -> Question:
        """A caption of these actions in order; `sub_kind` "detail" asks for a detailed one."""
        gerunds = [action(key).gerund for key in keys]
        # A caption of more than the labels ("walks up and kicks a ball") makes nothing wrong that it says itself.
        named = said(text, self.all_gerunds(keys)) - set(gerunds)
        choices = [gerund for gerund in self.all_gerunds(keys) if gerund not in named]
        return self.make("caption", self.ask(sub_kind), text, " > ".join(gerunds), choices)

    def yes_no(self, sub_kind: str, fields: dict[str, str], truth: bool, yes: str, no: str, **options) -> Question:
        question = self.ask(sub_kind, fields, **options)
        answer = f"Yes, {yes}." if truth else f"No, {no}."
        key = "yes" if truth else "no"
        return self.make("yes_no", question, answer, key, ("yes", "no"), short=key)

    def does_it(self, present: Sequence[str], may_occur: Iterable[str] = ()) -> Question:
        """ "Does the person jump?", true half of the time; never about what `may_occur`."""
        own = self.pick(present)
        truth = self.rng.random() < 0.5
        key = own if truth else self.others((*present, *may_occur), 1, near=own)[0]
        row = action(key)
        fields = {"base": row.base, "gerund": row.gerund}
        return self.yes_no("yes_action", fields, truth, f"the person is {row.gerund}", f"the person is not {row.gerund}")

    def unanswerable(self) -> Question:
        # One of the answers most of the time: a wording to learn, not a lottery.
        answer = NOT_TOLD[0] if self.rng.random() < 0.7 else self.pick(NOT_TOLD)
        return self.make("unanswerable", self.ask("colour"), answer, "not told", ())


@lru_cache(maxsize=4096)
def _all_gerunds(present: tuple[str, ...], vocabulary: tuple[str, ...]) -> tuple[str, ...]:
    own = [action(key).gerund for key in present]
    wrong = [
        action(key).gerund
        for key in dict.fromkeys((*ACTIONS, *vocabulary))
        if not any(confusable(key, other) for other in present)
    ]
    return tuple(dict.fromkeys((*own, *wrong)))
