"""Questions about a recorded clip: what its source states, and what its joints prove."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from llamo.train.recorded import LABELLED_ACTIONS

from .kinematic_truth import measure_once
from .makers import DIRECTIONS, Maker
from .program_questions import COUNTS, PROGRAMS
from .question import Question
from .sentence_options import ask_for_sentence
from .vocabulary import action, confusable
from .wording import ADVERB, caption, clause, detailed, direction_phrase, sentence


if TYPE_CHECKING:
    from llamo.train.recorded import RecordedClip

WEIGHTS = {
    "action": 2.0,
    "letters": 1.0,
    "list": 1.0,
    "sentences": 0.8,
    "travel": 1.6,
    "forward_or_backward": 0.8,
    "turn": 1.8,
    "moving_hand": 1.4,
    "raised_hand": 1.2,
    "kicking_foot": 2.0,
    "standing_leg": 2.0,
    "jumps": 2.0,
    "steps": 1.4,
    "speed": 2.6,
    "speed_two": 0.7,
    "which_first": 1.0,
    "order": 1.6,
    "posture_start": 0.5,
    "posture_end": 0.5,
    "duration": 0.5,
    "distance": 4.0,
    "angle": 4.0,
    "caption": 1.6,
    "detail": 0.4,
    "yes_action": 1.0,
    "yes_direction": 0.4,
    "yes_turn": 0.4,
    "yes_jump": 0.4,
    "yes_speed": 0.4,
    "unanswerable": 0.4,
}
# What the rates that the processor measures tell by themselves.
MEASURED = (
    "travel", "forward_or_backward", "turn", "moving_hand", "raised_hand", "kicking_foot", "jumps", "steps", "distance",
    "angle", "yes_direction", "yes_turn", "yes_jump",
)  # fmt: skip
# What a clip's joints tell, not its label: few labels on many recordings teach a model that whatever looks recorded has one.
UNNAMED = (
    *MEASURED, "standing_leg", "speed", "speed_two", "yes_speed", "posture_start", "posture_end", "duration", "unanswerable",
)  # fmt: skip
KEEP = {
    ("travel", "forward"): 0.35,
    ("travel", "in place"): 0.2,
    ("forward_or_backward", "forward"): 0.2,
    ("raised_hand", "neither"): 0.15,
    ("jumps", "0"): 0.06,
    ("posture_start", "standing"): 0.03,
    ("posture_end", "standing"): 0.03,
    ("yes_jump", "no"): 0.1,
    ("distance", "0"): 0.05,
    ("distance", "3"): 0.35,
    ("distance", "4"): 0.12,
    ("distance", "5"): 0.5,
    ("angle", "0"): 0.04,
    ("angle", "90"): 0.7,
    ("angle", "180"): 0.8,
}
STRAIGHT = 20.0  # degrees: whoever has turned by less does not turn
GAITS = {"walk", "jog", "run", "walk_uneven", "sneak", "zombie_walk", "limp", "walk_curve", "run_curve"}

# A fast jog is a slow run: of jogging no tempo is asked.
TEMPO = {"walk", "run"}
# Wrong choices: what any motion may show, and more often what recorded ones do, or the label met only in recordings
# ("Is the person dancing?") would always be the right one.
VOCABULARY = tuple(dict.fromkeys((*PROGRAMS, *LABELLED_ACTIONS)))
WRONG_WEIGHTS = dict.fromkeys(LABELLED_ACTIONS, 12.0) | {"walk": 40.0, "dance": 18.0, "playground": 14.0}

# What else may be seen in clips with such a label, so that it is no wrong choice for them.
_STEPPING = ("walk", "run", "jog", "walk_backward", "sidestep", "shuffle", "walk_curve", "run_curve", "skip", "turn")
_ARMS = (
    "raise_hand", "raise_hands", "point", "wave", "arm_circles", "cross_arms", "hands_on_hips", "beckon", "stretch",
    "arms_out", "lateral_raise", "clap", "salute", "talk", "signal", "direct_traffic", "cheer", "stand",
    "overhead_press",
    "biceps_curl", "reach", "swim", "push", "pull",
)  # fmt: skip
_BALLET = (
    "spin", "pirouette", "leap", "jump_turn", "arabesque", "balance", "turn", "plie", "cartwheel", "jump",
    "jump_forward", "jump_side", "leg_raise_side", "kick", "side_kick", "knee_raise", "hop", "skip", "calf_raise",
    "side_bend", "torso_twist", "bow", "sway", "side_step_dance", "lunge", "side_lunge",
)  # fmt: skip
_LOW = ("squat", "crouch", "lunge", "bow", "toe_touch", "deadlift", "pick_up", "kneel")
MAY_OCCUR: dict[str, tuple[str, ...]] = {
    "dance": (*_BALLET, *_ARMS, *_STEPPING),
    "playground": (*_STEPPING, *_ARMS, *_LOW, "climb", "hang", "jump", "jump_forward", "step_up", "climb_stairs",
                   "descend_stairs", "sit", "sit_down", "stand_up", "crawl", "get_up", "sneak"),
    "walk_uneven": ("step_up", "climb_stairs", "descend_stairs", "arms_out", "knee_raise", "balance"),
    "swordplay": (*_LOW, *_STEPPING, "slash", "bat_swing", "guard", "reach", "push", "pull"),
    "punch": (*_LOW, "guard", "push", "reach", "torso_twist", "walk", "jump_forward"),
    "wash_self": (*_LOW, *_ARMS, "wash", "scratch_head", "side_bend", "torso_twist"),
    "kick_ball": (*_STEPPING, "lunge", "leg_raise_side", "hop"),
    "kick": (*_STEPPING, "side_kick", "leg_raise_side", "lunge"),
    "dribble": (*_STEPPING, "crouch"),
    "shoot_basket": (*_STEPPING, *_ARMS, "jump", "throw"),
    "signal": (*_ARMS, *_STEPPING),
    "direct_traffic": (*_ARMS, *_STEPPING, "crouch"),
    "balance": ("arms_out", "stand", "arabesque", "knee_raise", "leg_raise_side"),
    "jump": ("crouch", "squat", "calf_raise", "burpee", "jump_forward", "hop", "raise_hands"),
    "jump_forward": ("crouch", "squat", "turn", "jump", "leap", "walk", "jump_turn"),
    "walk": ("stand", "walk_curve"),
    "hop": (*_STEPPING, "stand", "jump_forward", "jump"),
    "get_up": (*_LOW, "lie", "stand_up", "crawl", "sit", "push_up", "plank"),
    "spin_kick": ("jump", "jump_turn", "spin", "kick", "leap"),
    "backflip": ("jump", "crouch", "squat", "jump_turn"),
    "sideflip": ("jump", "crouch", "squat", "jump_side", "jump_turn"),
    "forward_roll": (*_LOW, "get_up", "lie_down"),
    "cartwheel": ("side_bend", "toe_touch", "side_lunge", "lunge"),
    "spin": ("arms_out", "turn", "pirouette", "dance", "balance"),
    "zombie_walk": ("arms_out", "reach", "push"),
    "sneak": ("crouch",),
}  # fmt: skip


def may_occur(keys: Sequence[str]) -> tuple[str, ...]:
    """Actions that clips with these labels may show as well, and the labels themselves."""
    return tuple(dict.fromkeys((*keys, *(other for key in keys for other in MAY_OCCUR.get(key, ())))))


class RecordedTruth:
    """A clip with its measured facts; a stated fact that the measure contradicts becomes None."""

    def __init__(self, clip: RecordedClip):
        self.clip = clip
        self.measured = measure_once(clip.joints, clip.fps)
        stated = dict(clip.stated)
        self.keys = clip.actions
        self.travel = self._agreed(stated.get("direction"), self.measured.travel)
        turned = self.measured.turn if self.measured.turn in ("left", "right") else None
        self.turn = self._agreed(stated.get("turn"), turned)
        word = self.measured.speed_word if self._gait_fits() else None
        self.speed = stated.get("speed") if word in (None, stated.get("speed")) else word if "speed" not in stated else None

    @staticmethod
    def _agreed(stated: str | None, measured: str | None) -> str | None:
        return measured if stated is None else (stated if measured in (None, stated) else None)

    def _gait_fits(self) -> bool:
        """Whether the measured gait is that of the label: a dancer who drifts is no slow walker."""
        gait = self.measured.gait
        if len(self.keys) != 1 or self.keys[0] not in GAITS or gait is None:
            return False
        return (gait == "run") == (self.keys[0] in ("run", "jog", "run_curve"))


def ask_recorded(
    clip: RecordedClip,
    rng: np.random.Generator,
    num: int = 4,
    *,
    held_out: bool = False,
    kinds: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    vocabulary: Sequence[str] | None = None,
    keep_all: bool = False,
) -> list[Question]:
    """Questions about a recorded clip or a part of one.

    Args:
        clip: the clip.
        rng: source of every choice.
        num: how many at most; a clip of which little is certain gives fewer.
        held_out: use the phrasings kept from training.
        kinds: only these kinds (`Question.kind`).
        names: only these questions, out of WEIGHTS.
        vocabulary: keys of the actions that wrong choices are taken from, by default what procedural and recorded
            motions show.
        keep_all: also keep what most clips answer alike (an evaluation balances the answers itself).
    """
    truth = RecordedTruth(clip)
    wrong = WRONG_WEIGHTS if vocabulary is None else None
    maker = Maker(rng, held_out, vocabulary or VOCABULARY, wrong, not (held_out or keep_all))
    names = list(WEIGHTS if names is None else names)
    weights = np.array([WEIGHTS[name] for name in names])
    order = np.argsort(-(rng.random(len(names)) ** (1.0 / weights)))
    found: list[Question] = []
    spare: list[Question] = []
    for index in order:
        name = names[int(index)]
        question = BUILDERS[name](truth, maker)
        if question is None or (kinds is not None and question.kind not in kinds):
            continue
        if not keep_all and rng.random() > KEEP.get((name, question.key), 1.0):
            continue
        (spare if any(question.kind == other.kind for other in found) else found).append(question)
        if len(found) == num:
            break
    return [maker.by_letter(question) for question in (found + spare)[:num]]


Builder = Callable[[RecordedTruth, Maker], "Question | None"]


def _single(build: Callable[[str, RecordedTruth, Maker], Question | None]) -> Builder:
    def builder(truth: RecordedTruth, maker: Maker) -> Question | None:
        return build(truth.keys[0], truth, maker) if len(truth.keys) == 1 else None

    return builder


def _travel(truth: RecordedTruth, maker: Maker) -> Question | None:
    # Dancers and climbers drift; where they end is not where they "go".
    if truth.travel not in DIRECTIONS or not truth.keys or set(truth.keys) & {"dance", "playground", "kick_ball"}:
        return None
    return maker.travel(truth.travel)


def _forward_or_backward(truth: RecordedTruth, maker: Maker) -> Question | None:
    if truth.travel not in ("forward", "backward") or truth.measured.gait is None or len(truth.keys) != 1:
        return None
    key = truth.keys[0]
    return maker.forward_or_backward(truth.travel, "moving" if key not in GAITS else action(key).gerund)


def _turn(truth: RecordedTruth, maker: Maker) -> Question | None:
    return maker.turn(truth.turn) if truth.turn in ("left", "right") else None


def _hand(maker: Maker, sub_kind: str, side: str, choices: tuple[str, ...]) -> Question:
    answer = {"both": "Both hands", "neither": "Neither hand"}.get(side, f"The {side} hand")
    return maker.make("side", maker.ask(sub_kind), f"{answer}.", side, choices, short=side)


def _moving_hand(truth: RecordedTruth, maker: Maker) -> Question | None:
    side = truth.measured.moving_hand
    return _hand(maker, "moving_hand", side, ("left", "right")) if side in ("left", "right") else None


def _raised_hand(truth: RecordedTruth, maker: Maker) -> Question | None:
    side = truth.measured.raised_hand
    # The generic skeleton of some clips puts the arms some centimetres off: too close to the margin.
    if side is None or truth.clip.approximate:
        return None
    return _hand(maker, "raised_hand", side, ("left", "right", "both", "neither"))


def _kicking_foot(truth: RecordedTruth, maker: Maker) -> Question | None:
    side = truth.measured.kicking_foot
    if side is None or not set(truth.keys) & {"kick", "kick_ball", "spin_kick", "side_kick"}:
        return None
    return maker.make("side", maker.ask("kicking_foot"), f"The {side} foot.", side, ("left", "right"), short=side)


def _standing_leg(truth: RecordedTruth, maker: Maker) -> Question | None:
    side = truth.measured.standing_leg
    if side is None:
        return None
    return maker.make("side", maker.ask("standing_leg"), f"The {side} leg.", side, ("left", "right"), short=side)


def _jumps(truth: RecordedTruth, maker: Maker) -> Question | None:
    number = truth.measured.jumps
    # Runs fly too, and so do hops, leaps and flips: only jumps of both feet are called jumps.
    jumping = bool(set(truth.keys) & {"jump", "jump_forward"})
    if number is None or not truth.keys or (number > 0) != jumping or set(truth.keys) & {"hop", "playground"}:
        return None
    noun = "jump" if number == 1 else "jumps"
    choices = tuple(dict.fromkeys((*COUNTS, str(number))))
    answer = f"The person does {number} {noun}."
    return maker.make("count", maker.ask("count_jumps"), answer, str(number), choices, short=str(number))


def _steps(truth: RecordedTruth, maker: Maker) -> Question | None:
    number = truth.measured.steps
    if number is None or not truth._gait_fits() or not 2 <= number <= 12:
        return None
    choices = tuple(str(value) for value in range(2, 13))
    answer = f"The person takes about {number} steps."
    # A first and a last step cut by the clip's edges count for one person and not for the next.
    return maker.make("count", maker.ask("count_steps"), answer, str(number), choices, short=str(number), tolerance=1.0)


def _speed(two: bool) -> Builder:
    def builder(truth: RecordedTruth, maker: Maker) -> Question | None:
        if truth.speed is None or len(truth.keys) != 1 or truth.keys[0] not in TEMPO:
            return None
        return None if two and truth.speed == "normal" else maker.speed(truth.keys[0], truth.speed, False, two)

    return builder


def _which_first(truth: RecordedTruth, maker: Maker) -> Question | None:
    if len(truth.keys) < 2 or confusable(truth.keys[0], truth.keys[1]):
        return None
    return maker.which_first(truth.keys[0], truth.keys[1])


def _distance(truth: RecordedTruth, maker: Maker) -> Question | None:
    if truth.measured.travel == "in place":
        return maker.distance(0.0)
    # Of who dances or plays about, nobody asks how far it was.
    return maker.distance(truth.measured.path) if truth.measured.gait and truth._gait_fits() else None


def _angle(truth: RecordedTruth, maker: Maker) -> Question | None:
    degrees = truth.measured.turn_degrees
    if truth.measured.turn == "none" and truth.turn is None and degrees is not None and abs(degrees) < STRAIGHT:
        return maker.angle(0.0, "left")
    return maker.angle(degrees, truth.turn) if truth.turn in ("left", "right") and degrees is not None else None


def _order(truth: RecordedTruth, maker: Maker) -> Question | None:
    if len(truth.keys) != 2 or confusable(*truth.keys):
        return None
    first, last = truth.keys
    asked = maker.pick((("first", first, None), ("last", last, None), ("after", last, first), ("before", first, last)))
    return maker.order(*asked, truth.keys)


def _posture(at: str) -> Builder:
    def builder(truth: RecordedTruth, maker: Maker) -> Question | None:
        posture = truth.measured.start_posture if at == "start" else truth.measured.end_posture
        if at == "start" and dict(truth.clip.stated).get("start") not in (None, posture):
            return None
        if posture not in ("standing", "sitting", "lying") or set(truth.keys) & {"crawl", "playground"}:
            return None
        return maker.posture(posture, at)

    return builder


def _caption_text(truth: RecordedTruth, maker: Maker) -> str | None:
    clip = truth.clip
    if not truth.keys or not clip.captions:
        return None
    key = truth.keys[0]
    if len(truth.keys) == 1 and key in ("walk", "run", "jog") and truth.travel and maker.rng.random() < 0.7:
        speed = truth.speed if truth.speed != "normal" else None
        text = f"The person {clause(key, direction=truth.travel, speed=speed)}."
        if truth.turn:
            text = text[:-1] + f" and turns to the {truth.turn}."
    else:
        text = sentence(maker.pick(clip.captions))
    return text


def _caption(truth: RecordedTruth, maker: Maker) -> Question | None:
    text = _caption_text(truth, maker)
    return maker.caption(truth.keys, text) if text else None


def _sentences(truth: RecordedTruth, maker: Maker) -> Question | None:
    """In our own words all of them: those of the data set are richer, and would be the right ones by their looks."""
    if len(truth.keys) != 1:
        return None
    direction = truth.travel if truth.keys[0] in ("walk", "run", "jog") else None
    return ask_for_sentence(maker, caption([clause(truth.keys[0], direction=direction)]), may_occur(truth.keys), plain=True)


def _detail(truth: RecordedTruth, maker: Maker) -> Question | None:
    text = _caption_text(truth, maker)
    return maker.caption(truth.keys, detailed(text, truth.measured), "detail") if text else None


def _yes_direction(truth: RecordedTruth, maker: Maker) -> Question | None:
    asked = _travel(truth, maker)
    if asked is None or asked.key == "in place" or maker.rng.random() > KEEP.get(("travel", asked.key), 1.0):
        return None
    true = maker.rng.random() < 0.5
    shown = asked.key if true else maker.pick([name for name in DIRECTIONS[:4] if name != asked.key])
    words = {"forward": "forwards", "backward": "backwards"}
    said = f"the person moves {words.get(asked.key, direction_phrase(asked.key))}"
    return maker.yes_no("yes_direction", {"direction": words.get(shown, direction_phrase(shown))}, true, said, said)


def _yes_turn(truth: RecordedTruth, maker: Maker) -> Question | None:
    if truth.turn not in ("left", "right"):
        return None
    true = maker.rng.random() < 0.5
    shown = truth.turn if true else {"left": "right", "right": "left"}[truth.turn]
    said = f"the person turns to the {truth.turn}"
    return maker.yes_no("yes_turn", {"direction": shown}, true, said, said)


def _yes_jump(truth: RecordedTruth, maker: Maker) -> Question | None:
    number = truth.measured.jumps
    jumping = bool(set(truth.keys) & {"jump", "jump_forward"})
    if number is None or not truth.keys or (number > 0) != jumping:
        return None
    question = maker.pick(("Does the person jump?", "Does he jump?", "Does she jump?", "Is there a jump in this clip?",
                           "Do both feet leave the ground in a jump?", "Any jumps here?", "Do they jump at any point?",
                           "Can you see a jump?", "Is a jump part of this?", "Did the person jump?"))  # fmt: skip
    answer = "Yes, the person jumps." if jumping else "No, the person does not jump."
    return maker.make("yes_no", question, answer, "yes" if jumping else "no", ("yes", "no"))


def _yes_speed(truth: RecordedTruth, maker: Maker) -> Question | None:
    if truth.speed not in ("slow", "fast") or len(truth.keys) != 1 or truth.keys[0] not in TEMPO:
        return None
    row = action(truth.keys[0])
    true = maker.rng.random() < 0.5
    shown = truth.speed if true else {"slow": "fast", "fast": "slow"}[truth.speed]
    said = f"the person is {row.gerund} {ADVERB[truth.speed]}"
    fields = {"gerund": row.gerund, "singular": row.singular, "adjective": shown, "adverb": ADVERB[shown]}
    return maker.yes_no("yes_speed", fields, true, said, said)


BUILDERS: dict[str, Builder] = {
    "action": _single(lambda key, truth, maker: maker.action(key)),
    "letters": _single(lambda key, truth, maker: maker.letters(key, may_occur(truth.keys))),
    "list": _single(lambda key, truth, maker: maker.listed(key, may_occur(truth.keys))),
    "travel": _travel,
    "forward_or_backward": _forward_or_backward,
    "turn": _turn,
    "moving_hand": _moving_hand,
    "raised_hand": _raised_hand,
    "kicking_foot": _kicking_foot,
    "standing_leg": _standing_leg,
    "jumps": _jumps,
    "steps": _steps,
    "speed": _speed(two=False),
    "speed_two": _speed(two=True),
    "which_first": _which_first,
    "order": _order,
    "posture_start": _posture("start"),
    "posture_end": _posture("end"),
    "duration": lambda truth, maker: maker.duration(truth.clip.seconds),
    "distance": _distance,
    "angle": _angle,
    "sentences": _sentences,
    "caption": _caption,
    "detail": _detail,
    "yes_action": lambda truth, maker: maker.does_it(truth.keys, may_occur(truth.keys)) if truth.keys else None,
    "yes_direction": _yes_direction,
    "yes_turn": _yes_turn,
    "yes_jump": _yes_jump,
    "yes_speed": _yes_speed,
    "unanswerable": lambda truth, maker: maker.unanswerable(),
}
