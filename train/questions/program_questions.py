"""Questions about a procedural motion, whose truth its program knows exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from llamo.train.synthesis.engine import PROGRAMS
from llamo.train.synthesis.engine import WEIGHTS as DRAW_WEIGHTS

from .kinematic_truth import measure_once
from .makers import Maker
from .question import Question
from .sentence_options import ask_for_sentence
from .vocabulary import action, confusable
from .wording import ADVERB, WITHOUT_TEMPO, caption, clause, detailed


if TYPE_CHECKING:
    from llamo.train.synthesis.engine import Segment, SyntheticMotion

# How often each sub-kind is tried, before what a motion cannot answer falls out.
WEIGHTS = {
    "action": 2.0,
    "letters": 0.9,
    "list": 0.9,
    "sentences": 0.8,
    "side": 3.6,
    "travel": 2.4,
    "forward_or_backward": 2.4,
    "action_direction": 2.6,
    "turn": 3.0,
    "count": 2.8,
    "no_count": 0.07,
    "speed": 2.4,
    "speed_two": 0.5,
    "first": 0.9,
    "last": 0.9,
    "after": 0.8,
    "before": 0.8,
    "which_first": 0.6,
    "posture_start": 0.5,
    "posture_end": 0.5,
    "duration": 0.4,
    "action_duration": 0.4,
    "start_time": 0.6,
    "caption": 1.6,
    "detail": 0.4,
    "yes_action": 1.0,
    "yes_side": 0.4,
    "yes_direction": 0.4,
    "yes_turn": 0.3,
    "yes_count": 0.4,
    "yes_speed": 0.3,
    "yes_order": 0.3,
    "unanswerable": 0.5,
}

# How often a question with this answer is kept: what most motions would answer alike is asked of few of them, so that
# the commonest answer is no good guess.
KEEP = {
    ("travel", "forward"): 0.22,
    ("travel", "in place"): 0.25,
    ("forward_or_backward", "forward"): 0.4,
    ("posture_start", "standing"): 0.05,
    ("posture_end", "standing"): 0.05,
    ("speed", "normal"): 0.8,
}
# Frequencies of the motions themselves; more where look-alikes take a part of the turns as a wrong choice.
WRONG_WEIGHTS = {**DRAW_WEIGHTS, "walk": 6.5, "run": 2.8}
COUNTS = tuple(str(number) for number in range(21))
POSTURES = {"stand": "standing", "sit": "sitting", "lie": "lying"}
TRAVELLING = frozenset(
    "walk jog run sprint walk_backward sidestep shuffle walk_curve run_curve sneak limp march hop skip crawl carry "
    "jump_forward jump_side walk_in_place jump_rope jump high_knees".split()
)
WALKING = {"walk": "walking", "walk_backward": "walking"}


class ProgramTruth:
    """The merged, checked facts of a program: one entry a run of equal actions."""

    def __init__(self, motion: SyntheticMotion):
        self.motion = motion
        self.seconds = len(motion.joints) / motion.fps
        moving = [segment for segment in motion.segments if segment.action != "stand"]
        self.runs: list[list[Segment]] = []
        for segment in moving or list(motion.segments):
            if self.runs and self.runs[-1][0].action == segment.action:
                self.runs[-1].append(segment)
            else:
                self.runs.append([segment])
        self.keys = [run[0].action for run in self.runs]
        self.present = tuple(dict.fromkeys(segment.action for segment in motion.segments))
        self.several = len(self.runs) > 1

    def one(self, run: list[Segment], name: str):
        """The value all segments of the motion with this run's action share, else None."""
        key = run[0].action
        values = {getattr(segment, name) for other in self.runs for segment in other if segment.action == key}
        return values.pop() if len(values) == 1 else None

    def distinct(self, run: list[Segment]) -> bool:
        """Whether no other action of the motion could be meant by this one's name."""
        key = run[0].action
        return not any(other != key and confusable(key, other) for other in self.present)

    def total(self, run: list[Segment]) -> int | None:
        counts = [segment.count for other in self.runs for segment in other if segment.action == run[0].action]
        return None if any(count is None for count in counts) else int(sum(counts))


def ask_program(
    motion: SyntheticMotion,
    rng: np.random.Generator,
    num: int = 4,
    *,
    held_out: bool = False,
    kinds: Sequence[str] | None = None,
    vocabulary: Sequence[str] | None = None,
) -> list[Question]:
    """Questions about a procedural motion, of kinds as different as it allows.

    Args:
        motion: the motion with its program.
        rng: source of every choice; the same state gives the same questions.
        num: how many at most; fewer where the motion has no more to ask for.
        held_out: use the phrasings kept from training.
        kinds: only these kinds (`Question.kind`).
        vocabulary: keys of the actions that wrong choices are taken from, by default all that can be synthesised.
    """
    truth = ProgramTruth(motion)
    maker = Maker(rng, held_out, vocabulary or tuple(PROGRAMS), WRONG_WEIGHTS, not held_out)
    names = list(WEIGHTS)
    weights = np.array([WEIGHTS[name] for name in names])
    # Weighted order without replacement (Efraimidis and Spirakis 2006).
    order = np.argsort(-(rng.random(len(names)) ** (1.0 / weights)))
    found: list[Question] = []
    spare: list[Question] = []
    for index in order:
        name = names[int(index)]
        question = BUILDERS[name](truth, maker)
        if question is None or (kinds is not None and question.kind not in kinds):
            continue
        if rng.random() > KEEP.get((name, question.key), 1.0):
            continue
        (spare if any(question.kind == other.kind for other in found) else found).append(question)
        if len(found) == num:
            break
    return [maker.by_letter(question) for question in (found + spare)[:num]]


def clause_of(segment: Segment) -> str:
    """The caption's clause for one segment of a program."""
    return clause(
        segment.action,
        side=segment.side,
        direction=segment.direction,
        turn=segment.turn,
        count=segment.count,
        speed=segment.speed,
    )


Builder = Callable[[ProgramTruth, Maker], "Question | None"]


def _single(build: Callable[[str, ProgramTruth, Maker], Question | None]) -> Builder:
    """A question that only makes sense where the motion holds one action."""

    def builder(truth: ProgramTruth, maker: Maker) -> Question | None:
        return None if truth.several else build(truth.keys[0], truth, maker)

    return builder


# Which leg these speak of depends on the school; the standing leg is asked of recorded clips by measure.
NO_SIDE_QUESTION = frozenset({"arabesque", "pirouette"})


def _side(truth: ProgramTruth, maker: Maker) -> Question | None:
    for run in maker.shuffled(truth.runs):
        side = truth.one(run, "side")
        row = action(run[0].action)
        if side and row.part and side in row.sides and row.key not in NO_SIDE_QUESTION and truth.distinct(run):
            return replace(maker.side(row.key, side, truth.several), about=row.key)
    return None


def _travel(truth: ProgramTruth, maker: Maker) -> Question | None:
    directions = {segment.direction for run in truth.runs for segment in run}
    if len(directions) != 1 or not set(truth.keys) <= TRAVELLING:
        return None
    direction = directions.pop()
    return maker.travel(direction) if direction in ("forward", "backward", "left", "right", "in place") else None


def _forward_or_backward(truth: ProgramTruth, maker: Maker) -> Question | None:
    if truth.several or truth.keys[0] not in WALKING:
        return None
    direction = truth.one(truth.runs[0], "direction")
    return maker.forward_or_backward(direction, WALKING[truth.keys[0]]) if direction in ("forward", "backward") else None


def _action_direction(truth: ProgramTruth, maker: Maker) -> Question | None:
    for run in maker.shuffled(truth.runs):
        direction = truth.one(run, "direction")
        row = action(run[0].action)
        # One possible direction: the question would answer itself.
        if direction in row.directions and len(row.directions) > 1 and row.key != "sweep" and truth.distinct(run):
            return replace(maker.action_direction(row.key, direction), about=row.key)
    return None


def _turn(truth: ProgramTruth, maker: Maker) -> Question | None:
    turns = {segment.turn for run in truth.runs for segment in run} - {None}
    return maker.turn(turns.pop()) if len(turns) == 1 else None


def _count(truth: ProgramTruth, maker: Maker) -> Question | None:
    for run in maker.shuffled(truth.runs):
        number = truth.total(run)
        row = action(run[0].action)
        if row.countable and number is not None and truth.distinct(run):
            choices = tuple(dict.fromkeys((*COUNTS, str(number))))
            return replace(maker.count(row.key, number, choices, truth.several), about=row.key)
    return None


def _no_count(truth: ProgramTruth, maker: Maker) -> Question | None:
    absent = [key for key in maker.others(truth.present, 12) if action(key).countable]
    return maker.count(maker.pick(absent), 0, COUNTS) if absent else None


def _speed(two: bool) -> Builder:
    def builder(truth: ProgramTruth, maker: Maker) -> Question | None:
        for run in maker.shuffled(truth.runs):
            speed = truth.one(run, "speed")
            key = run[0].action
            if speed and key not in WITHOUT_TEMPO and truth.distinct(run) and not (two and speed == "normal"):
                return replace(maker.speed(key, speed, truth.several, two), about=key)
        return None

    return builder


def _end(sub_kind: str) -> Builder:
    def builder(truth: ProgramTruth, maker: Maker) -> Question | None:
        if not truth.several:
            return None
        return maker.order(sub_kind, truth.keys[0 if sub_kind == "first" else -1], None, truth.present)

    return builder


def _beside(sub_kind: str) -> Builder:
    step = 1 if sub_kind == "after" else -1

    def builder(truth: ProgramTruth, maker: Maker) -> Question | None:
        pairs = [
            (index, index + step)
            for index in range(len(truth.runs))
            if 0 <= index + step < len(truth.runs)
            and truth.keys.count(truth.keys[index]) == 1
            and truth.distinct(truth.runs[index])
        ]
        if not pairs:
            return None
        beside, asked = maker.pick(pairs)
        return maker.order(sub_kind, truth.keys[asked], truth.keys[beside], truth.present)

    return builder


def _pair(truth: ProgramTruth, maker: Maker) -> tuple[str, str] | None:
    """Two actions that occur once each, in their order."""
    once = [index for index, key in enumerate(truth.keys) if truth.keys.count(key) == 1 and truth.distinct(truth.runs[index])]
    if len(once) < 2:
        return None
    first, second = sorted(maker.shuffled(once)[:2])
    return truth.keys[first], truth.keys[second]


def _which_first(truth: ProgramTruth, maker: Maker) -> Question | None:
    pair = _pair(truth, maker)
    return maker.which_first(*pair) if pair else None


def _posture(at: str) -> Builder:
    def builder(truth: ProgramTruth, maker: Maker) -> Question | None:
        row = action(truth.keys[0 if at == "start" else -1])
        posture = row.start if at == "start" else row.end
        # A pose that is none of the three may hold at the edge of these.
        if row.key in ("plank", "crouch", "kneel", "crawl", "push_up", "hang", "burpee"):
            return None
        return maker.posture(POSTURES[posture], at) if posture in POSTURES else None

    return builder


def _action_duration(truth: ProgramTruth, maker: Maker) -> Question | None:
    if not truth.several:
        return None
    for run in maker.shuffled(truth.runs):
        if truth.keys.count(run[0].action) == 1 and truth.distinct(run):
            question = maker.action_duration(run[0].action, run[-1].end - run[0].start)
            return replace(question, about=run[0].action)
    return None


def _start_time(truth: ProgramTruth, maker: Maker) -> Question | None:
    later = [run for run in truth.runs[1:] if truth.keys.count(run[0].action) == 1 and truth.distinct(run) and run[0].start > 1]
    if not later:
        return None
    run = maker.pick(later)
    return replace(maker.start_time(run[0].action, run[0].start), about=run[0].action)


def _clauses(truth: ProgramTruth) -> list[str]:
    return list(dict.fromkeys(clause_of(segment) for run in truth.runs for segment in run))


def _caption_text(truth: ProgramTruth) -> str:
    return caption(_clauses(truth))


def _sentences(truth: ProgramTruth, maker: Maker) -> Question:
    return ask_for_sentence(maker, _caption_text(truth), truth.present, _clauses(truth))


def _caption(truth: ProgramTruth, maker: Maker) -> Question:
    return maker.caption(truth.keys, _caption_text(truth))


def _detail(truth: ProgramTruth, maker: Maker) -> Question:
    measured = measure_once(truth.motion.joints, truth.motion.fps)
    starts = [(action(run[0].action).gerund, run[0].start) for run in truth.runs[1:]]
    return maker.caption(truth.keys, detailed(_caption_text(truth), measured, starts), "detail")


def _yes_side(truth: ProgramTruth, maker: Maker) -> Question | None:
    asked = _side(truth, maker)
    if asked is None or asked.key == "both":
        return None
    run = next(
        run for run in truth.runs if truth.one(run, "side") == asked.key and action(run[0].action).part and truth.distinct(run)
    )
    row = action(run[0].action)
    truth_value = maker.rng.random() < 0.5
    side = asked.key if truth_value else {"left": "right", "right": "left"}[asked.key]
    fields = {"side": side, "part": row.part or "side", "gerund": row.gerund, "singular": row.singular}
    said = f"it is the {asked.key} {row.part}"
    return maker.yes_no("yes_side", fields, truth_value, said, said, one_of=("gerund", "singular") if truth.several else ())


def _yes_direction(truth: ProgramTruth, maker: Maker) -> Question | None:
    asked = _travel(truth, maker)
    if asked is None or asked.key == "in place" or maker.rng.random() > KEEP.get(("travel", asked.key), 1.0):
        return None
    truth_value = maker.rng.random() < 0.5
    others = [name for name in ("forward", "backward", "left", "right") if name != asked.key]
    shown = asked.key if truth_value else maker.pick(others)
    words = {"left": "to the left", "right": "to the right", "forward": "forwards", "backward": "backwards"}
    said = f"the person moves {words[asked.key]}"
    return maker.yes_no("yes_direction", {"direction": words[shown]}, truth_value, said, said)


def _yes_turn(truth: ProgramTruth, maker: Maker) -> Question | None:
    asked = _turn(truth, maker)
    if asked is None:
        return None
    truth_value = maker.rng.random() < 0.5
    shown = asked.key if truth_value else {"left": "right", "right": "left"}[asked.key]
    said = f"the person turns to the {asked.key}"
    return maker.yes_no("yes_turn", {"direction": shown}, truth_value, said, said)


def _yes_count(truth: ProgramTruth, maker: Maker) -> Question | None:
    for run in maker.shuffled(truth.runs):
        number = truth.total(run)
        row = action(run[0].action)
        if not (row.countable and number is not None and number >= 1 and truth.distinct(run)):
            continue
        truth_value = maker.rng.random() < 0.5
        near = [value for value in range(max(1, number - 3), number + 4) if value != number]
        shown = number if truth_value else int(maker.pick(near))
        fields = {"number": str(shown), "plural": row.singular if shown == 1 else row.plural}
        said = f"there {'is' if number == 1 else 'are'} {number} {row.singular if number == 1 else row.plural}"
        return maker.yes_no("yes_count", fields, truth_value, said, said)
    return None


def _yes_speed(truth: ProgramTruth, maker: Maker) -> Question | None:
    for run in maker.shuffled(truth.runs):
        speed = truth.one(run, "speed")
        row = action(run[0].action)
        if speed in ("slow", "fast") and row.key not in WITHOUT_TEMPO and truth.distinct(run):
            truth_value = maker.rng.random() < 0.5
            shown = speed if truth_value else {"slow": "fast", "fast": "slow"}[speed]
            fields = {"gerund": row.gerund, "singular": row.singular, "adjective": shown, "adverb": ADVERB[shown]}
            said = f"the person is {row.gerund} {ADVERB[speed]}"
            return maker.yes_no(
                "yes_speed", fields, truth_value, said, said, one_of=("gerund", "singular") if truth.several else ()
            )
    return None


def _yes_order(truth: ProgramTruth, maker: Maker) -> Question | None:
    pair = _pair(truth, maker)
    if pair is None:
        return None
    first, second = pair
    truth_value = maker.rng.random() < 0.5
    one, other = (first, second) if truth_value else (second, first)
    said = f"{action(first).gerund} comes first"
    fields = {"gerund": action(one).gerund, "other": action(other).gerund}
    return maker.yes_no("yes_order", fields, truth_value, said, said)


BUILDERS: dict[str, Builder] = {
    "action": _single(lambda key, truth, maker: maker.action(key)),
    "letters": _single(lambda key, truth, maker: maker.letters(key, truth.present)),
    "list": _single(lambda key, truth, maker: maker.listed(key, truth.present)),
    "side": _side,
    "travel": _travel,
    "forward_or_backward": _forward_or_backward,
    "action_direction": _action_direction,
    "turn": _turn,
    "count": _count,
    "no_count": _no_count,
    "speed": _speed(two=False),
    "speed_two": _speed(two=True),
    "first": _end("first"),
    "last": _end("last"),
    "after": _beside("after"),
    "before": _beside("before"),
    "which_first": _which_first,
    "posture_start": _posture("start"),
    "posture_end": _posture("end"),
    "duration": lambda truth, maker: maker.duration(truth.seconds),
    "action_duration": _action_duration,
    "start_time": _start_time,
    "sentences": _sentences,
    "caption": _caption,
    "detail": _detail,
    "yes_action": lambda truth, maker: maker.does_it(truth.keys),
    "yes_side": _yes_side,
    "yes_direction": _yes_direction,
    "yes_turn": _yes_turn,
    "yes_count": _yes_count,
    "yes_speed": _yes_speed,
    "yes_order": _yes_order,
    "unanswerable": lambda truth, maker: maker.unanswerable(),
}
