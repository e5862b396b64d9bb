"""The words of an action in every form an answer may use, over the catalogue and what the recorded clips add."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from llamo.train.synthesis.catalogue import ACTIONS, Action


# Actions of the recorded clips that no procedural program performs.
RECORDED_ACTIONS: dict[str, Action] = {
    action.key: action
    for action in (
        Action("sideflip", "doing a sideways flip", "do a sideways flip", "sideways flip", "sideways flips", "dance",
               synonyms=("doing a side flip",), confusable=("backflip", "cartwheel", "forward_roll")),
        Action("playground", "climbing on a playground", "climb on a playground", "climb", "climbs", "everyday",
               synonyms=("climbing", "climbing on playground equipment"), confusable=("climb", "hang", "pull_up")),
        Action("walk_uneven", "walking on uneven terrain", "walk on uneven terrain", "walk", "walks", "locomotion",
               synonyms=("walking on uneven ground", "walking over obstacles", "walking"),
               confusable=("walk", "walk_curve", "climb_stairs", "step_up", "descend_stairs", "sneak", "limp",
                           "march")),
        Action("swordplay", "fighting with a sword", "fight with a sword", "sword stroke", "sword strokes", "sport",
               synonyms=("slashing with a sword", "swordplay", "fencing", "swinging a sword"),
               confusable=("slash", "bat_swing", "hammer")),
    )
}  # fmt: skip

_IRREGULAR = {
    "running": "run", "ran": "run", "sat": "sit", "stood": "stand", "lying": "lie", "lay": "lie", "lain": "lie",
    "threw": "throw", "thrown": "throw", "swung": "swing", "caught": "catch", "knelt": "kneel", "swam": "swim",
    "drank": "drink", "ate": "eat", "bent": "bend", "leapt": "leap", "spun": "spin", "hung": "hang", "held": "hold",
    "shook": "shake", "rose": "rise", "rising": "rise", "blew": "blow", "did": "do", "does": "do", "doing": "do",
    "done": "do", "got": "get", "put": "put", "knee": "knee", "knees": "knee", "both": "both", "yes": "yes",
    "this": "this", "pushups": "push up", "pushup": "push up", "situps": "sit up", "situp": "sit up",
    "stepups": "step up", "does not": "not", "feet": "foot", "pressing": "press", "presses": "press", "press": "press",
    "crossing": "cross", "crosses": "cross", "cross": "cross", "toes": "toe", "toe": "toe", "jacks": "jack",
    "plies": "pli", "plie": "pli", "ups": "up", "skis": "ski",
}  # fmt: skip

# Words that do not tell one action from another; dropping them lets "walks slowly backwards" meet "walking backwards".
_FILLERS = frozenset(
    "the a an is are be was were of to with on in at and then person they he she it subject performer athlete patient "
    "actor character someone somebody something "
    "while his her their them very slowly quickly rapidly do left right one".split()
)


def plain(text: str) -> str:
    """Lower case without accents, hyphens or curly quotes."""
    text = unicodedata.normalize("NFKD", text.replace("’", "'")).encode("ascii", "ignore").decode()
    return re.sub(r"[-/]", " ", text.lower())


def stem(word: str) -> str:
    """A crude common form of a word: "walking", "walks", "walked" -> "walk"; "raising", "raise" -> "rais"."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 4 and word.endswith(("sses", "xes", "zes", "ches", "shes")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if len(word) > 5 and word.endswith("ing"):
        word = word[:-3]
    elif len(word) > 4 and word.endswith("ed"):
        word = word[:-2]
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiousl":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def stems(text: str, drop_fillers: bool = True) -> tuple[str, ...]:
    """The stems of a text's words in order."""
    out: list[str] = []
    for word in re.findall(r"[a-z0-9.']+", plain(text)):
        word = word.strip(".'")
        if not word or (drop_fillers and word in _FILLERS):
            continue
        stemmed = stem(word)
        if drop_fillers and stemmed in _FILLERS:
            continue
        out.extend(stemmed.split())
    return tuple(out)


@cache
def action(key: str) -> Action:
    """The catalogue's row of an action, or that of a recorded one.

    Raises:
        ValueError: an action of neither.
    """
    found = ACTIONS.get(key) or RECORDED_ACTIONS.get(key)
    if found is None:
        raise ValueError(f"expected an action of the catalogue, got {key!r} in vocabulary.action; see ACTIONS for all")
    return found


@cache
def confusable(one: str, other: str) -> bool:
    """Whether two actions are too alike to be used as right and wrong choice of one question."""
    first, second = action(one), action(other)
    return one == other or other in first.confusable or one in second.confusable


@cache
def includes(one: str, other: str) -> bool:
    """Whether doing the one action is also doing the other: walking backwards is walking."""
    other_stems = stems(action(other).gerund)
    names = (action(one).gerund, *action(one).synonyms)
    return any(set(other_stems) <= set(stems(name)) for name in names)


@lru_cache(maxsize=1)
def _own_forms() -> dict[tuple[str, ...], str]:
    """Stems of the words that name one catalogue action before all others, to its gerund."""
    own: dict[tuple[str, ...], str] = {}
    for row in ACTIONS.values():
        for text in (row.gerund, row.base):
            own.setdefault(stems(text), row.gerund)
    return own


@cache
def forms(gerund: str) -> tuple[tuple[str, ...], ...]:
    """All stem sequences that name the action with this gerund; just its own stems for a phrase of no action."""
    rows = [row for row in (*ACTIONS.values(), *RECORDED_ACTIONS.values()) if row.gerund == gerund]
    if not rows:
        return (stems(gerund),)
    out = []
    recorded = gerund not in {row.gerund for row in ACTIONS.values()}
    for row in rows:
        nouns = (row.singular, row.plural) if row.countable or " " in row.singular else ()
        for text in (row.gerund, row.base, *row.synonyms, *nouns):
            form = stems(text)
            # A synonym that is another action's own name ("dancing" for swaying) would make two answers one.
            if form and form not in out and (recorded or _own_forms().get(form, gerund) == gerund):
                out.append(form)
    return tuple(out)
