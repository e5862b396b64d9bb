"""Whether a free answer is right, by rule: it says the key, and none of the other choices."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from .question import AND, Question
from .video_words import COLOURS, THINGS
from .vocabulary import forms, plain, stems
from .wording import LETTERS, NUMERALS


_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBER_WORDS = {word: value for value, word in enumerate(_UNITS)} | {word: 20 + 10 * index for index, word in enumerate(_TENS)}
# A question with options by letter, or by numeral.
LETTERED = re.compile(r"(?:^|[\s(])(?:(?P<letter>a[).:] .*?[\s(]b[).:] )|1[).:] .*?[\s(]2[).:] )", re.IGNORECASE | re.DOTALL)
_LEADING = {
    LETTERS: re.compile(r"(?:option |answer |the answer is |it is )?\(?([a-h])(?:[).:]|$)"),
    NUMERALS: re.compile(r"(?:option |number |answer |the answer is |it is )?\(?([1-8])(?:[).:](?!\d)|$)"),
}
# "Running (B).", "running, B", "it must be option B"; the "a" of "a person" is an article.
_ANYWHERE = {
    LETTERS: re.compile(r"(?<![a-z0-9'])(?!a (?!(?:and|or|is|[b-h])\b)\S)([a-h])(?![a-z0-9'])"),
    NUMERALS: re.compile(r"(?:\(|\boption |\bnumber |\banswer |, )([1-8])(?!\d)"),
}
_TIMES = {"once": 1, "twice": 2, "thrice": 3}

_WORDS: dict[str, tuple[str, ...]] = {
    "left": ("left", "leftward", "leftwards", "counterclockwise", "anticlockwise"),
    "right": ("right", "rightward", "rightwards", "clockwise"),
    "both": ("both", "left and right", "right and left", "either side", "two hands", "two arms", "two legs"),
    "neither": ("neither", "none", "no hand", "no leg"),
    "forward": ("forward", "forwards", "ahead", "straight ahead", "frontward"),
    "backward": ("backward", "backwards", "back", "rearward", "in reverse"),
    "in place": ("in place", "on the spot", "stationary", "same place", "same spot", "does not travel", "stays put"),
    "up": ("up", "upward", "upwards"),
    "down": ("down", "downward", "downwards"),
    "slow": ("slow", "slowly", "slower", "unhurried", "leisurely"),
    "normal": ("normal", "normally", "moderate", "moderately", "medium", "average", "ordinary"),
    "fast": ("fast", "quick", "quickly", "rapid", "rapidly", "brisk", "briskly", "faster"),
    "standing": ("standing", "stand", "stands", "upright", "on their feet"),
    "sitting": ("sitting", "sit", "sits", "seated"),
    "lying": ("lying", "lie", "lies", "lying down", "on the floor", "on the ground"),
    "crouching": ("crouching", "crouch", "crouches", "crouched", "squatting"),
    "kneeling": ("kneeling", "kneel", "kneels", "on one knee"),
    "on hands and knees": ("on hands and knees", "on all fours", "hands and knees"),
    "before": ("before", "earlier", "first"),
    "after": ("after", "afterwards", "later", "second"),
    "good form": ("good form", "form is good", "good", "no fault", "no mistake", "correct", "clean", "nothing wrong", "fine"),
    "knees in": ("knees in", "knees cave in", "knees caving in", "knees collapse", "knees inward", "knees fall", "knock knees"),
    "shallow": ("shallow", "too short", "half range", "short range", "too little depth", "lack depth", "lack of depth"),
    "rounded back": ("rounded back", "round back", "back is rounded", "back is round", "rounds the back", "hunched"),
    "uneven": ("uneven", "unevenly", "asymmetric", "asymmetrical", "lopsided", "one side"),
    "too fast": ("too fast", "too quick", "too quickly", "rushed", "rushing", "rushes"),
    "first": ("first", "motion 1", "clip 1", "former"),
    "second": ("second", "motion 2", "clip 2", "latter"),
    "front": ("front", "in front", "facing the camera"),
    "behind": ("behind", "back", "rear"),
    "grey": ("grey", "gray"),
    "stick": ("stick", "cane", "staff", "pole"),
    "box": ("box", "crate"),
    "barbell": ("barbell", "weights"),
    "nothing": ("nothing", "no object", "nobody else", "no thing"),
    "none": ("none", "does not turn", "no turn", "straight", "not turn", "neither"),
}

# Kinds whose keys are words of _WORDS; those of all others are actions ("sitting" is both).
_WORD_KINDS = ("side", "direction", "speed", "posture", "form", "comparison", "thing", "look", "camera")

# Kinds whose keys are numbers.
NUMBER_KINDS = ("count", "duration", "time", "distance", "angle", "people")

_NOT_TOLD = re.compile(
    r"\b(not|n't|cannot|can't|unable to|impossible to|no way to|nothing)\b.{0,40}\b(tell|know|show|say|reveal|seen?|"
    r"visible|contain|determine|recorded|answer|information)|\bunknown\b|\bno information\b|\bnot (visible|told|known|"
    r"recorded)\b|\bcan ?not be (told|known|seen)\b|\b(impossible|unable) to\b"
)
_NEGATION = re.compile(
    r"\b(?:not|never|no longer|without|instead of|rather than|nor|don't|doesn't|isn't|aren't|didn't|wasn't|can't|"
    r"cannot)\b(?P<scope>(?:\s+(?!but\b|and\b|then\b)[a-z0-9']+){0,4})"
)


# What a caption says of postures beside the actions: "jumps from a stand", "is sitting at first and standing at the end".
_POSTURE = "(?:standing|sitting|lying|crouching|kneeling|on hands and knees)"
_BESIDE = re.compile(rf"\bfrom a stand\b|\bis {_POSTURE} at first and {_POSTURE} at the end\b")


def score(question: Question, prediction: str) -> bool:
    """Whether `prediction` answers `question` rightly.

    The key must be said (in any of its forms) and no other choice may be; what stands under a negation ("not the left
    but the right") is not said. Numbers may be words or digits.
    """
    text = plain(prediction).strip()
    if not text:
        return False
    if question.kind == "unanswerable":
        return bool(_NOT_TOLD.search(text))
    if question.kind == "yes_no":
        return _yes_or_no(text) == question.key
    if question.kind in NUMBER_KINDS:
        return _number_is_right(question, text)
    if question.kind == "caption":
        return _caption_is_right(question, text)
    if question.kind == "both":
        parts = question.key.split(AND)
        return len(parts) == 2 and all(_part_is_right(part, parts, question, _without_negated(text)) for part in parts)
    named, options = _named(question, text), _options_by_letter(question, text)
    if options:
        # The words that stand beside a letter must not contradict it.
        return options == {question.key} and named <= options
    if not named and set(question.choices) == {"yes", "no"}:
        named = {_yes_or_no(text)}
    return named == {question.key}


def refuses(prediction: str) -> bool:
    """Whether an answer says that the motion does not tell."""
    return bool(_NOT_TOLD.search(plain(prediction)))


def _yes_or_no(text: str) -> str | None:
    first = re.match(r"(?:well |i think |i would say )?(yes|yeah|yep|correct|true|no|nope|false|incorrect)\b", text)
    if first:
        return "yes" if first[1] in ("yes", "yeah", "yep", "correct", "true") else "no"
    # An answer without the word: its own negation decides.
    return "no" if re.search(r"\b(not|no|never|cannot)\b|n't\b", text) else "yes"


def numbers(text: str) -> list[float]:
    """Every number a text says, as digits or words, in order ("none" and "no squats" are 0, "twice" is 2)."""
    found: list[float] = []
    words = re.findall(r"\d+(?:\.\d+)?|[a-z']+", plain(text))
    index = 0
    while index < len(words):
        word = words[index]
        if word[0].isdigit():
            found.append(float(word))
        elif word in NUMBER_WORDS:
            value = NUMBER_WORDS[word]
            follower = NUMBER_WORDS.get(words[index + 1], 99) if index + 1 < len(words) else 99
            if value >= 20 and 1 <= follower <= 9:
                value += follower
                index += 1
            found.append(float(value))
        elif word in _TIMES:
            found.append(float(_TIMES[word]))
        elif word in ("none", "no", "never") and (index == 0 or word != "no" or words[index - 1] != "there"):
            found.append(0.0)
        elif word == "no":
            found.append(0.0)
        elif word == "half" and index and words[index - 1] == "a" and found:
            found[-1] += 0.5  # "two and a half seconds"
        index += 1
    return found


def _number_is_right(question: Question, text: str) -> bool:
    values = numbers(text)
    if not values and question.key == "0" and re.search(r"\bnot\b|n't\b", text):
        return True
    # "0. The person does no squats." says 0 twice; any second, different number is another answer.
    if len(set(values)) != 1:
        return False
    return abs(values[0] - float(question.key)) <= question.tolerance + 1e-6


def _part_is_right(key: str, parts: list[str], question: Question, text: str) -> bool:
    """Whether one half of an answer to two things is said, and no other answer to that half: a number, a colour, a thing, or an
    action out of the question's choices."""
    if key.isdigit():
        return set(numbers(text)) == {float(key)}
    for words in (COLOURS, THINGS):
        if key in words:
            return said(text, words, words=True) == {key}
    if any(part in THINGS for part in parts):  # a box is no boxing
        text = re.sub(rf"\b({'|'.join(THINGS)})\b", " ", text)
    return said(text, question.choices or (key,)) == {key}


def labels_of(question: str) -> str | None:
    """What the options of a question are called: LETTERS, NUMERALS, or None where it has none."""
    found = LETTERED.search(question)
    return None if found is None else LETTERS if found["letter"] else NUMERALS


def _options_by_letter(question: Question, text: str) -> set[str | None]:
    """The options that an answer names by their letters: the one it begins with, else all; None for one that is not there."""
    labels = labels_of(question.question)
    if labels is None:
        return set()
    first = _LEADING[labels].match(text)
    found = [first[1]] if first else _ANYWHERE[labels].findall(text)
    places = {labels.index(label.upper()) for label in found}
    return {question.choices[place] if place < len(question.choices) else None for place in places}


def _named(question: Question, text: str) -> set[str]:
    """The choices that an answer names by their words."""
    choices, text = question.choices or (question.key,), _without_negated(text)
    # Sentences may differ in a side or a tempo alone, which are no part of an action's name.
    of_words = question.kind == "choice" and all(choice in _WORDS or choice.endswith(".") for choice in choices)
    if question.kind == "choice" and all(choice.isdigit() for choice in choices):
        return {f"{value:g}" for value in numbers(text)}
    named = said(text, choices, words=question.kind in _WORD_KINDS or of_words)
    if {"left", "right"} <= named and "both" in choices:
        named = (named - {"left", "right"}) | {"both"}
    return named


def _without_negated(text: str) -> str:
    return _NEGATION.sub(" ", text)


def _spans(tokens: tuple[str, ...], sequences: Iterable[tuple[str, ...]]) -> list[tuple[int, int]]:
    """Where any of the sequences stands among the tokens."""
    return [
        (start, start + len(sequence))
        for sequence in sequences
        for start in range(len(tokens) - len(sequence) + 1)
        if sequence and tokens[start : start + len(sequence)] == sequence
    ]


@cache
def _word_forms(choice: str) -> tuple[tuple[str, ...], ...]:
    return tuple(stems(word, drop_fillers=False) for word in _WORDS.get(choice, (choice,)))


def _places(text: str, choices: Iterable[str], words: bool = False) -> dict[str, int]:
    """Each choice that the text says, with the place where it first does; the longest name wins ("jumping jacks" is no
    "jumping")."""
    tokens = stems(text, drop_fillers=not words)
    found = [(span, choice) for choice in choices for span in _spans(tokens, _word_forms(choice) if words else forms(choice))]
    places: dict[str, int] = {}
    for (start, end), choice in found:
        inside = any(
            o_start <= start and end <= o_end and o_end - o_start > end - start
            for (o_start, o_end), other in found
            if other != choice
        )
        if not inside:
            places[choice] = min(start, places.get(choice, start))
    return places


def said(text: str, choices: Iterable[str], words: bool = False) -> set[str]:
    """The choices that a text names: actions by their gerunds, or with `words` the keys of sides, directions, ..."""
    return set(_places(text, choices, words))


def _caption_is_right(question: Question, text: str) -> bool:
    """Every action of the key named, in its order, and no action that does not occur."""
    wanted = question.key.split(" > ")
    places = _places(_BESIDE.sub(" ", _without_negated(text)), tuple(dict.fromkeys((*wanted, *question.choices))))
    if set(places) != set(wanted):
        return False
    order = [places[name] for name in dict.fromkeys(wanted)]
    return order == sorted(order)
