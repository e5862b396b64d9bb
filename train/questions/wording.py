"""Sentences from what is known of an action: the wording of captions and answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .vocabulary import action


if TYPE_CHECKING:
    from .kinematic_truth import KinematicTruth

LETTERS, NUMERALS = "ABCDEFGH", "12345678"  # what options of a multiple choice are called

# What the side of an action with a leg in it means, where "with the left leg" would be wrong or unclear.
_ON_LEG = ("hop", "limp", "balance", "pirouette", "arabesque")
# Poses and changes of posture have no tempo that anyone would ask for.
WITHOUT_TEMPO = frozenset(
    "stand plank crouch sit lie guard arms_out hands_on_hips balance arabesque phone kneel cross_arms stumble talk "
    "sprint sneak look_around direct_traffic signal cheer hang wash_self stretch dance limp think yawn check_watch "
    "text_phone take_photo look_far cover_ears pray hug write conduct side_plank downward_dog warrior chair tai_chi "
    "stagger fall".split()
)
ADVERB = {"slow": "slowly", "normal": "at a normal speed", "fast": "quickly"}


def third_person(base: str) -> str:
    """ "walk backwards" -> "walks backwards"."""
    verb, _, rest = base.partition(" ")
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        verb += "es"
    elif verb.endswith("y") and verb[-2] not in "aeiou":
        verb = verb[:-1] + "ies"
    else:
        verb += "s"
    return f"{verb} {rest}".rstrip()


def times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def direction_phrase(direction: str) -> str:
    """ "left" -> "to the left"; "in place" stays."""
    return f"to the {direction}" if direction in ("left", "right") else direction


def clause(
    key: str,
    *,
    side: str | None = None,
    direction: str | None = None,
    turn: str | None = None,
    count: int | None = None,
    speed: str | None = None,
) -> str:
    """What a person does, without the subject: "does 4 squats slowly", "waves 3 times with the left hand"."""
    row = action(key)
    if row.countable and count is not None and (row.base.startswith("do ") or row.family == "exercise"):
        text = f"does {count} {row.singular if count == 1 else row.plural}"
    else:
        text = third_person(row.base)
    placed = False
    if side and row.part:
        for one in (f"a {row.part}", f"one {row.part}", "a knee", "one knee", "one leg", "a leg"):
            noun = one.split()[1]
            if f" {one}" in f" {text}" and side in ("left", "right"):
                text = text.replace(one, f"the {side} {noun}", 1)
                placed = True
                break
    # A curve is named by its side, and which way a floor is swept is no matter of left and right to anybody.
    if direction and not (turn and direction == "forward") and key != "sweep" and _says_direction(key, direction, text):
        text += f" {direction_phrase(direction)}"
    if turn:
        text += f" to the {turn}"
    if count is not None and row.countable and not text.startswith("does "):
        text += f" {times(count)}"
    if side and row.part and not placed:
        if side == "both":
            text += f" with both {'feet' if row.part == 'foot' else row.part + 's'}"
        else:
            text += f" {'on' if key in _ON_LEG else 'with'} the {side} {row.part}"
    if speed in ("slow", "fast") and key not in WITHOUT_TEMPO:
        text += f" {ADVERB[speed]}"
    return text


def _says_direction(key: str, direction: str, text: str) -> bool:
    row = action(key)
    if direction in text or key.endswith(direction):
        return False
    if len(row.directions) > 1:
        return True
    return row.family == "locomotion" and direction == "forward" and key not in ("carry", "crawl")


def caption(clauses: list[str], who: str = "The person") -> str:
    """One or two sentences from clauses in order."""
    if len(clauses) == 1:
        return f"{who} {clauses[0]}."
    if len(clauses) == 2:
        return f"{who} {clauses[0]} and then {clauses[1]}."
    if len(clauses) == 3:
        return f"{who} {clauses[0]}, then {clauses[1]}, and finally {clauses[2]}."
    return f"{who} first {clauses[0]}, then {', then '.join(clauses[1:-1])}, and finally {clauses[-1]}."


def detailed(text: str, measured: KinematicTruth, starts: Sequence[tuple[str, float]] = ()) -> str:
    """A caption with what the joints prove beside it: time, way, steps, turn, raised hands, postures.

    Args:
        text: the caption. measured: the facts of the joints.
        starts: gerund of each action after the first, and the second at which it begins.
    """
    seconds = max(1, round(measured.seconds))
    told = [f"It takes about {seconds} second{'s' * (seconds != 1)}"]
    metres = round(measured.path)
    way = []
    if metres >= (1 if measured.gait else 2) and measured.travel != "in place":
        way.append(f"about {metres} metre{'s' * (metres != 1)}")
    if measured.steps and measured.gait:
        way.append(f"{measured.steps} step{'s' * (measured.steps != 1)}")
    told[0] += f", over {' and '.join(way)}." if way else "."
    if measured.turn in ("left", "right") and measured.turn_degrees is not None:
        degrees = 45 * max(1, round(abs(measured.turn_degrees) / 45))
        told.append(f"By the end the person has turned to the {measured.turn} by about {degrees} degrees.")
    if measured.raised_hand in ("left", "right", "both"):
        hands = "Both hands go" if measured.raised_hand == "both" else f"The {measured.raised_hand} hand goes"
        told.append(f"{hands} above the head.")
    elif measured.moving_hand in ("left", "right") and f"the {measured.moving_hand} " not in text:
        told.append(f"The {measured.moving_hand} hand moves more than the other.")
    for gerund, second in starts:
        told.append(f"{gerund[:1].upper()}{gerund[1:]} begins at about {round(second)} second{'s' * (round(second) != 1)}.")
    start, end = measured.start_posture, measured.end_posture
    if start and end and start != end:
        told.append(f"The person is {start} at first and {end} at the end.")
    return " ".join([text, *told])


def join_or(options: list[str]) -> str:
    """ "walking, running or jumping"."""
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def lettered(options: Sequence[str], mark: str = "{})", between: str = " ", labels: str = LETTERS) -> str:
    """ "A) walking B) running", or with other marks, signs between the options, and labels."""
    return between.join(f"{mark.format(label)} {option}" for label, option in zip(labels, options))


def lettered_answer(options: Sequence[str], key: str, labels: str = LETTERS) -> str:
    """ "Running (B).": the option first, so that what is seen decides and its letter is only looked up."""
    return f"{sentence(key).rstrip('.')} ({labels[options.index(key)]})."


def sentence(text: str) -> str:
    """First letter up, full stop at the end."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
