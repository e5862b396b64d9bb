"""Questions: scoring by rule, makers that never contradict themselves, answers that the question does not give away."""

import itertools
import re
from collections import Counter, defaultdict
from dataclasses import fields
from types import SimpleNamespace

import numpy as np
import pytest

from llamo.train.questions import KINDS, Question, ask_program, score
from llamo.train.questions import asides as asides_of
from llamo.train.questions.kinematic_truth import KinematicTruth
from llamo.train.questions.makers import BETWEEN_LETTERS, LETTER_MARKS, Maker
from llamo.train.questions.phrasings import HELD_OUT, SEEN, number_of_phrasings, phrase
from llamo.train.questions.program_questions import BUILDERS, ProgramTruth, clause_of
from llamo.train.questions.scoring import labels_of, numbers
from llamo.train.questions.sentence_options import opposite
from llamo.train.questions.untold_phrasings import UNTOLD
from llamo.train.questions.vocabulary import RECORDED_ACTIONS, action, forms, includes, stem, stems
from llamo.train.questions.wording import caption, clause, detailed, lettered, third_person
from llamo.train.synthesis.catalogue import ACTIONS


def segment(action, start=0.0, end=3.0, side=None, direction=None, turn=None, count=None, speed="normal"):
    return SimpleNamespace(
        action=action, start=start, end=end, side=side, direction=direction, turn=turn, count=count, speed=speed,
        event_times=[],
    )  # fmt: skip


def motion(*segments, fps=20.0):
    seconds = segments[-1].end
    return SimpleNamespace(joints=np.zeros((int(seconds * fps), 22, 3), np.float32), fps=fps, segments=list(segments))


def random_motion(rng):
    """A program as the engine would draw it, without its joints."""
    keys = list(ACTIONS)
    segments, start = [], 0.0
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        row = ACTIONS[keys[int(rng.integers(len(keys)))]]
        end = start + float(rng.uniform(1.5, 4.0))
        draw = lambda values: values[int(rng.integers(len(values)))] if values else None  # noqa: E731
        segments.append(
            segment(
                row.key, start, end, draw(row.sides), draw(row.directions), draw(row.turns),
                int(rng.integers(1, 9)) if row.countable else None, draw(("slow", "normal", "fast")),
            )
        )  # fmt: skip
        start = end
    return motion(*segments)


SIDES = ("left", "right")
GERUNDS = ("walking", "walking backwards", "running", "jumping in place", "doing jumping jacks", "waving", "squatting")
SCORED = [
    # kind, key, choices, prediction, right
    ("side", "left", SIDES, "The left hand.", True),
    ("side", "left", SIDES, "Left", True),
    ("side", "left", SIDES, "LEFT!", True),
    ("side", "left", SIDES, "The right hand.", False),
    ("side", "left", SIDES, "Left or right.", False),
    ("side", "left", SIDES, "Not the right hand but the left.", True),
    ("side", "left", SIDES, "It is the left hand, not the right.", True),
    ("side", "left", SIDES, "It isn't the left hand.", False),
    ("side", "left", SIDES, "", False),
    ("side", "left", SIDES, "A hand.", False),
    ("side", "both", (*SIDES, "both"), "Both hands.", True),
    ("side", "both", (*SIDES, "both"), "The left and right hand.", True),
    ("side", "left", (*SIDES, "both"), "Both hands.", False),
    ("side", "neither", (*SIDES, "both", "neither"), "Neither hand.", True),
    ("side", "neither", (*SIDES, "both", "neither"), "The left hand.", False),
    ("direction", "backward", ("forward", "backward"), "They walk backwards.", True),
    ("direction", "backward", ("forward", "backward"), "Forwards", False),
    ("direction", "backward", ("forward", "backward"), "The person moves forward.", False),
    ("direction", "forward", ("forward", "backward", "left", "right", "in place"), "Straight ahead.", True),
    ("direction", "in place", ("forward", "backward", "left", "right", "in place"), "They stay on the spot.", True),
    ("direction", "left", ("forward", "backward", "left", "right", "in place"), "To the left.", True),
    ("direction", "left", ("forward", "backward", "left", "right", "in place"), "To the left and forward.", False),
    ("direction", "up", ("forward", "up"), "Upwards.", True),
    ("count", "4", (), "The person does 4 squats.", True),
    ("count", "4", (), "Four.", True),
    ("count", "4", (), "four squats", True),
    ("count", "4", (), "The person does 5 squats.", False),
    ("count", "4", (), "4 or 5", False),
    ("count", "4", (), "14", False),
    ("count", "2", (), "Twice.", True),
    ("count", "1", (), "Once", True),
    ("count", "0", (), "None.", True),
    ("count", "0", (), "The person does 0 squats.", True),
    ("count", "0", (), "There are no squats.", True),
    ("count", "0", (), "The person does not squat.", True),
    ("count", "0", (), "One squat.", False),
    ("count", "21", (), "twenty-one", True),
    ("speed", "fast", ("slow", "normal", "fast"), "The person is walking quickly.", True),
    ("speed", "fast", ("slow", "normal", "fast"), "Slow", False),
    ("speed", "normal", ("slow", "normal", "fast"), "At a moderate pace.", True),
    ("speed", "slow", ("slow", "normal", "fast"), "Slowly, not fast.", True),
    ("action", "walking", GERUNDS, "The person is walking.", True),
    ("action", "walking", GERUNDS, "The person walks.", True),
    ("action", "walking", GERUNDS, "Walking forward", True),
    ("action", "walking", GERUNDS, "The person walks backwards.", False),
    ("action", "walking", GERUNDS, "They are walking slowly backwards.", False),
    ("action", "walking backwards", GERUNDS, "They are walking slowly backwards.", True),
    ("action", "walking backwards", GERUNDS, "They are walking.", False),
    ("action", "walking", GERUNDS, "Walking and running.", False),
    ("action", "walking", GERUNDS, "walking, walking backwards, running, waving", False),
    ("action", "jumping in place", GERUNDS, "Jumping jacks.", False),
    ("action", "doing jumping jacks", GERUNDS, "The person does jumping jacks.", True),
    ("action", "doing jumping jacks", GERUNDS, "Star jumps!", True),
    ("action", "jumping in place", GERUNDS, "He jumps up and down.", True),
    ("action", "squatting", GERUNDS, "The person does squats.", True),
    ("action", "squatting", GERUNDS, "a squat", True),
    ("action", "squatting", GERUNDS, "The person is not squatting.", False),
    ("action", "waving", GERUNDS, "She waved.", True),
    ("action", "running", GERUNDS, "He ran.", True),
    ("yes_no", "yes", ("yes", "no"), "Yes, the person jumps.", True),
    ("yes_no", "yes", ("yes", "no"), "No.", False),
    ("yes_no", "no", ("yes", "no"), "The person does not jump.", True),
    ("yes_no", "no", ("yes", "no"), "No, the person is not jumping.", True),
    ("yes_no", "yes", ("yes", "no"), "The person is jumping.", True),
    ("yes_no", "yes", ("yes", "no"), "It doesn't.", False),
    ("posture", "sitting", ("standing", "sitting", "lying"), "Seated.", True),
    ("posture", "lying", ("standing", "sitting", "lying"), "The person is lying on the floor.", True),
    ("posture", "standing", ("standing", "sitting", "lying"), "Sitting.", False),
    ("order", "waving", GERUNDS, "The person waves.", True),
    ("order", "waving", ("waving", "walking"), "Waving comes first.", True),
    ("order", "waving", ("waving", "walking"), "Walking comes before waving.", False),
    ("unanswerable", "not told", (), "The motion does not tell that.", True),
    ("unanswerable", "not told", (), "That can't be seen from the motion.", True),
    ("unanswerable", "not told", (), "I cannot tell.", True),
    ("unanswerable", "not told", (), "The shirt is red.", False),
    ("unanswerable", "not told", (), "The person is walking.", False),
    ("caption", "walking > squatting", GERUNDS, "The person walks forward and then does 3 squats.", True),
    ("caption", "walking > squatting", GERUNDS, "The person does 3 squats and then walks forward.", False),
    ("caption", "walking > squatting", GERUNDS, "The person walks forward.", False),
    ("caption", "walking > squatting", GERUNDS, "The person walks, waves and squats.", False),
    ("caption", "walking", GERUNDS, "A person is walking slowly.", True),
]


@pytest.mark.parametrize(("kind", "key", "choices", "prediction", "right"), SCORED)
def test_score(kind, key, choices, prediction, right):
    assert score(Question(kind, "Q?", "A.", key, choices), prediction) is right


@pytest.mark.parametrize(
    ("prediction", "right"),
    [("B) running.", True), ("B", True), ("b.", True), ("Option B", True), ("Running", True), ("A) walking", False),
     ("A", False), ("B) walking", False), ("walking", False), ("D", False), ("The person is running.", True),
     ("a person is running", True), ("Running (B).", True), ("running, B", True), ("Running, option B.", True),
     ("Running B", True), ("(B) running", True), ("It must be (B).", True), ("Running (A).", False), ("running, a", False),
     ("A) running", False), ("Walking (B).", False), ("Running (D).", False), ("Running (A) or (B).", False),
     ("A or B", False), ("A B C", False), ("A) walking B) running C) waving", False), ("A person who is running (B)", True),
     ("A person running a 90 degree curve in a t-shirt.", True)],
)  # fmt: skip
def test_lettered_options(prediction, right):
    question = Question(
        "choice", "Which? A) walking B) running C) waving", "B) running.", "running", ("walking", "running", "waving")
    )
    assert score(question, prediction) is right


@pytest.mark.parametrize("mark", LETTER_MARKS)
@pytest.mark.parametrize("between", BETWEEN_LETTERS)
def test_letters_are_read_whatever_marks_them(mark, between):
    options = ("walking", "running", "waving")
    question = Question("choice", f"Which? {lettered(list(options), mark, between)}", "", "running", options)
    for prediction, right in ((mark.format("B"), True), (f"{mark.format('B')} running.", True), (mark.format("C"), False)):
        assert score(question, prediction) is right


def test_training_meets_many_marks_and_the_held_out_questions_the_plain_one():
    for held_out, marks in ((False, 8), (True, 1)):
        maker = Maker(np.random.default_rng(0), held_out)
        asked = [maker.letters("squat", ["squat"]) for _ in range(200)]
        assert all(score(question, question.answer) for question in asked)
        found = {re.search(r"(\(?A[).:]) .+?(, |; |\n| )\(?B[).:] ", question.question).groups() for question in asked}
        assert len(found) == 1 if held_out else len(found) >= marks


SCORED_OPTIONS = [
    # question, choices, key, prediction, right
    ("What? A) walking B) crouching", ("walking", "crouching"), "crouching", "Crouching (B).", True),
    ("What? A) walking B) crouching", ("walking", "crouching"), "crouching", "crouching, B", True),
    ("What? A) walking B) crouching", ("walking", "crouching"), "crouching", "B) crouching", True),
    ("What? A) walking B) crouching", ("walking", "crouching"), "crouching", "B", True),
    ("What? A) walking B) crouching", ("walking", "crouching"), "crouching", "Crouching (A).", False),
    ("What? A) walking B) crouching", ("walking", "crouching"), "walking", "Crouching (A).", False),
    ("Which way? A) forward B) left C) right", ("forward", "left", "right"), "left", "Left (B).", True),
    ("Which way? A) forward B) left C) right", ("forward", "left", "right"), "left", "To the left.", True),
    ("Which way? A) forward B) left C) right", ("forward", "left", "right"), "left", "Left (A).", False),
    ("Which way? A) forward B) left C) right", ("forward", "left", "right"), "forward", "They go forwards.", True),
    ("Which hand? A) both B) left C) right", ("both", "left", "right"), "both", "Left and right.", True),
    ("Which hand? A) both B) left C) right", ("both", "left", "right"), "both", "Left (B).", False),
    ("How many? A) 3 B) 4 C) 5", ("3", "4", "5"), "4", "4 (B).", True),
    ("How many? A) 3 B) 4 C) 5", ("3", "4", "5"), "4", "Four.", True),
    ("How many? A) 3 B) 4 C) 5", ("3", "4", "5"), "4", "B", True),
    ("How many? A) 3 B) 4 C) 5", ("3", "4", "5"), "4", "4 (A).", False),
    ("How many? A) 3 B) 4 C) 5", ("3", "4", "5"), "4", "5 (B).", False),
    ("How many? A) 3 B) 4 C) 5", ("3", "4", "5"), "4", "6.", False),
    ("Does he jump? A) yes B) no", ("yes", "no"), "no", "No (B).", True),
    ("Does he jump? A) yes B) no", ("yes", "no"), "no", "B) no", True),
    ("Does he jump? A) yes B) no", ("yes", "no"), "no", "No, he does not jump (B).", True),
    ("Does he jump? A) yes B) no", ("yes", "no"), "no", "The person does not jump.", True),
    ("Does he jump? A) yes B) no", ("yes", "no"), "no", "Yes (A).", False),
    ("Does he jump? A) yes B) no", ("yes", "no"), "no", "No (A).", False),
    ("What? 1. walking 2. crouching", ("walking", "crouching"), "crouching", "Crouching (2).", True),
    ("What? 1. walking 2. crouching", ("walking", "crouching"), "crouching", "2", True),
    ("What? 1. walking 2. crouching", ("walking", "crouching"), "crouching", "2) crouching", True),
    ("What? 1. walking 2. crouching", ("walking", "crouching"), "crouching", "Option 2.", True),
    ("What? 1. walking 2. crouching", ("walking", "crouching"), "crouching", "The person crouches.", True),
    ("What? 1. walking 2. crouching", ("walking", "crouching"), "crouching", "Crouching (1).", False),
    ("What? 1. walking 2. crouching", ("walking", "crouching"), "crouching", "1. crouching", False),
]


@pytest.mark.parametrize(("question", "choices", "key", "prediction", "right"), SCORED_OPTIONS)
def test_options_of_any_kind(question, choices, key, prediction, right):
    assert score(Question("choice", question, "", key, choices), prediction) is right


CLOSED_QUESTIONS = [
    Question("direction", "Which way?", "The person moves left.", "left", ("forward", "backward", "left", "right", "in place")),
    Question("side", "Which hand?", "The left hand.", "left", ("left", "right", "both")),
    Question("posture", "Posture at the end?", "Sitting.", "sitting", ("standing", "sitting", "lying")),
    Question("speed", "How fast?", "Slowly.", "slow", ("slow", "fast")),
    Question("order", "Which first?", "Waving comes first.", "waving", ("waving", "walking")),
    Question("count", "Count the squats.", "5.", "5", tuple(str(value) for value in range(21))),
    Question("count", "How many hops", "1.", "1", tuple(str(value) for value in range(21))),
    Question("yes_no", "Does he jump?", "No, he does not.", "no", ("yes", "no")),
]


@pytest.mark.parametrize("closed", CLOSED_QUESTIONS, ids=lambda closed: closed.kind)
def test_closed_questions_get_options_now_and_then(closed):
    maker = Maker(np.random.default_rng(0), various=True)
    asked = [maker.by_letter(closed) for _ in range(6000)]
    found = [question for question in asked if question is not closed]
    assert 0.005 < len(found) / len(asked) < 0.06
    for question in found:
        assert question.kind == "choice" and question.key == closed.key and len(question.choices) == len(set(question.choices))
        assert re.search(r"\((\w)\)\.$", question.answer) and score(question, question.answer)
        assert question.question.startswith(closed.question) and question.chance == 1 / len(question.choices)
    places = Counter(question.choices.index(closed.key) for question in found)
    # Yes stands before no; all others at any place.
    assert len(places) == (1 if closed.kind == "yes_no" else len(found[0].choices))
    if closed.kind != "yes_no":
        assert max(places.values()) / len(found) < 1 / len(places) + 0.12
    assert Maker(np.random.default_rng(0)).by_letter(closed) is closed


def test_no_options_behind_a_hint_or_where_a_number_may_be_off():
    maker = Maker(np.random.default_rng(0), various=True)
    hinted = Question("side", "Which hand? One word, please.", "Left.", "left", ("left", "right"))
    steps = Question("count", "How many steps?", "About 5.", "5", ("4", "5", "6"), tolerance=1.0)
    for question in (hinted, steps):
        assert all(maker.by_letter(question) is question for _ in range(500))


def test_evaluation_asks_in_the_plain_way_only():
    rng = np.random.default_rng(2)
    for held_out in (False, True):
        asked = [q for _ in range(700) for q in ask_program(random_motion(rng), rng, 5, held_out=held_out)]
        lettered_questions = [q for q in asked if labels_of(q.question)]
        other_kinds = [q for q in lettered_questions if not q.choices[0].endswith("ing") and " " not in q.choices[0]]
        assert lettered_questions and bool(other_kinds) is not held_out


def test_repetitions_without_a_name_are_asked_of_single_actions_only():
    rng = np.random.default_rng(4)
    one, two = motion(segment("squat", count=3)), motion(segment("squat", 0, 3, count=3), segment("wave", 3, 6, count=2))
    found = {}
    for name, program in (("one", one), ("two", two)):
        asked = [q for _ in range(250) for q in ask_program(program, rng, 4, kinds=("count",)) if q.key != "0"]
        found[name] = [q for q in asked if not re.search(r"squat|wav", q.question.lower())]
    assert found["one"] and not found["two"]


def test_untold_phrasings_are_many_and_share_no_topic_with_those_held_out():
    assert len(UNTOLD) >= 150 and len(set(UNTOLD)) == len(UNTOLD)
    topics = re.compile(r"trouser|eye colour|colour of \{his\} eyes|warm|telephone|hear\b|made of\?$", re.IGNORECASE)
    assert [text for text in UNTOLD if topics.search(text)] == []


def test_seconds_have_a_tolerance():
    question = Question("time", "When?", "At about 3 seconds.", "3", ("1", "2", "3", "4", "5"), tolerance=1.0)
    assert score(question, "At 4 s.") and score(question, "2.5 seconds") and score(question, "two and a half seconds")
    assert not score(question, "At 5 seconds.") and not score(question, "later")
    assert question.chance == pytest.approx(3 / 5)


def test_metres_and_degrees_have_a_tolerance():
    maker = Maker(np.random.default_rng(0))
    far, turned = maker.distance(9.8), maker.angle(-95.0, "right")
    assert (far.kind, far.key, far.tolerance) == ("distance", "10", 2.0) and (turned.kind, turned.key) == ("angle", "90")
    assert score(far, "About 9 metres.") and score(far, "twelve") and not score(far, "About 6 metres.")
    assert score(turned, "By about 90 degrees to the right.") and score(turned, "100 degrees")
    assert not score(turned, "By about 180 degrees.") and not score(turned, "To the right.")
    assert maker.distance(25.0) is None and maker.angle(720.0, "left") is None


def test_who_stays_in_place_gets_on_by_nothing():
    maker = Maker(np.random.default_rng(0))
    still, straight = maker.distance(0.3), maker.angle(10.0, "left")
    assert (still.key, straight.key) == ("0", "0") and straight.answer in ("The person does not turn.", "0 degrees.")
    assert score(still, still.answer) and score(still, "None at all: 0 m.") and not score(still, "About 4 metres.")
    assert score(straight, straight.answer) and score(straight, "It does not turn.") and not score(straight, "By 90 degrees.")


def test_postures_beside_an_action_are_no_other_actions():
    choices = ("jumping forward", "walking", "standing still", "sitting", "lying on the floor")
    question = Question("caption", "What?", "The person jumps forward.", "jumping forward", choices)
    assert score(question, "The person swings the arms and jumps forward from a stand.")
    assert score(question, "The person jumps forward. The person is sitting at first and standing at the end.")
    assert not score(question, "The person jumps forward. The person is walking at first and sitting at the end.")
    assert not score(question, "The person jumps forward and then sits.") and not score(question, "The person stands still.")


def test_numbers():
    assert numbers("two and a half") == [2.5]
    assert numbers("thirty five, then 6") == [35, 6]
    assert numbers("no more than a few") == [0.0]
    assert numbers("walking") == []


def test_stems_meet():
    assert stems("walks slowly backwards") == stems("walking backwards")
    assert stems("doing push-ups") == stems("does pushups") == stems("a push-up")
    assert stems("pliés") == stems("plie")
    assert includes("walk_backward", "walk") and not includes("walk", "walk_backward")


@pytest.mark.parametrize("key", [*ACTIONS, *RECORDED_ACTIONS])
def test_every_action_is_recognised_in_its_own_words(key):
    row = action(key)
    others = [other.gerund for other in ACTIONS.values() if other.key != key and key not in other.confusable
              and other.key not in row.confusable]  # fmt: skip
    question = Question("action", "What?", "", row.gerund, tuple(dict.fromkeys((row.gerund, *others))))
    assert forms(row.gerund)
    assert score(question, f"The person is {row.gerund}.")
    assert score(question, f"The person {third_person(row.base)}.")
    assert score(question, row.gerund.capitalize())


def test_no_two_actions_share_a_name():
    owners = defaultdict(set)
    for row in ACTIONS.values():
        for form in (stems(row.gerund), stems(row.base)):
            owners[form].add(row.key)
    assert {form: keys for form, keys in owners.items() if len(keys) > 1} == {}


def test_misused_questions_say_why():
    with pytest.raises(ValueError, match="expected a kind"):
        Question("colour", "?", "", "red")
    with pytest.raises(ValueError, match="among the choices"):
        Question("side", "?", "", "up", ("left", "right"))
    with pytest.raises(ValueError, match="expected an action"):
        action("teleport")


def test_enough_phrasings():
    assert set(SEEN) == set(HELD_OUT)
    for name in SEEN:
        seen, held_out = number_of_phrasings(name)
        assert seen >= 10 and held_out >= 2, name
        assert not set(SEEN[name]) & set(HELD_OUT[name])


@pytest.mark.parametrize("held_out", [False, True])
def test_every_answer_scores_right_and_other_answers_wrong(held_out):
    rng = np.random.default_rng(3)
    by_answers = defaultdict(list)
    for _ in range(600):
        for question in ask_program(random_motion(rng), rng, 6, held_out=held_out):
            assert question.kind in KINDS and question.held_out == held_out
            assert score(question, question.answer), question
            assert "{" not in question.question + question.answer
            by_answers[question.kind].append(question)
    for kind, questions in by_answers.items():
        if kind in ("unanswerable", "caption"):
            continue
        # The reference answer of another question of the kind with another key must not pass.
        for one, other in itertools.pairwise(questions):
            if one.key == other.key or (one.choices != other.choices and kind != "yes_no"):
                continue
            if one.tolerance and abs(float(one.key) - float(other.key)) <= one.tolerance:
                continue
            assert not score(one, other.answer), (one, other.answer)


def test_all_kinds_occur():
    rng = np.random.default_rng(0)
    kinds = Counter(q.kind for _ in range(400) for q in ask_program(random_motion(rng), rng, 4))
    assert set(kinds) == set(KINDS) - {"distance", "angle"}  # which no program states and joints show


def test_the_answer_cannot_be_read_from_the_question():
    """Within each exact question string no answer is much commoner than chance allows."""
    rng = np.random.default_rng(11)
    answers = defaultdict(Counter)
    for _ in range(9000):
        for question in ask_program(random_motion(rng), rng, 3):
            if question.kind in ("yes_no", "side", "choice"):
                place = str(question.choices.index(question.key)) if question.kind == "choice" else question.key
                # Subjects differ; the words that could give something away do not.
                answers[question.kind, question.choices if question.kind != "choice" else len(question.choices)][place] += 1
    for group, counts in answers.items():
        total, options = sum(counts.values()), len(counts)
        assert total > 50, group
        assert max(counts.values()) / total < 1 / options + 0.08, (group, counts)


def test_yes_and_no_are_even_for_each_action():
    rng = np.random.default_rng(5)
    counts = defaultdict(Counter)
    maker = Maker(rng)
    keys = list(ACTIONS)
    for _ in range(20000):
        question = maker.does_it([keys[int(rng.integers(len(keys)))]])
        named = question.answer.split("is ", 1)[-1].removeprefix("not ")
        if len(question.answer) > 5:
            counts[named][question.key] += 1
    shares = [values["yes"] / sum(values.values()) for values in counts.values()]
    assert 0.42 < np.mean(shares) < 0.58
    assert max(shares) < 0.8 and min(shares) > 0.25


def test_counting_what_does_not_happen():
    rng = np.random.default_rng(1)
    counts = Counter(q.key == "0" for _ in range(3000) for q in ask_program(random_motion(rng), rng, 4) if q.kind == "count")
    assert 0.03 < counts[True] / sum(counts.values()) < 0.2


def test_ambiguous_truth_is_not_asked():
    rng = np.random.default_rng(0)
    twice = motion(segment("wave", 0, 2, side="left", count=2), segment("squat", 2, 4, count=3),
                   segment("wave", 4, 6, side="right", count=1))  # fmt: skip
    questions = [q for _ in range(200) for q in ask_program(twice, rng, 8)]
    assert not [q for q in questions if q.kind == "side"]
    assert {q.key for q in questions if q.kind == "count" and "wav" in q.question} <= {"3", "0"}
    assert not [q for q in questions if q.kind == "order" and "after waving" in q.question.lower()]


def test_walking_backwards_is_never_asked_as_walking():
    rng = np.random.default_rng(0)
    back = motion(segment("walk_backward", direction="backward"))
    for _ in range(300):
        for question in ask_program(back, rng, 6, kinds=("choice", "yes_no")):
            assert question.kind != "choice" or "walking" not in question.choices


def test_captions():
    assert clause("squat", count=4, speed="slow") == "does 4 squats slowly"
    assert clause("wave", side="left", count=3) == "waves 3 times with the left hand"
    assert clause("raise_hand", side="right", count=1) == "raises the right hand once"
    assert clause("walk", direction="forward", speed="fast") == "walks forward quickly"
    assert clause("walk_backward", direction="backward") == "walks backwards"
    assert clause("turn", turn="left", direction="in place") == "turns in place to the left"
    assert caption(["walks forward", "bows once"]) == "The person walks forward and then bows once."
    assert third_person("carry something") == "carries something"


def test_detailed_captions_say_what_the_joints_prove():
    facts = dict.fromkeys(field.name for field in fields(KinematicTruth)) | {"seconds": 4.2, "path": 5.1, "flight_times": ()}
    walk = KinematicTruth(**facts | {"travel": "forward", "gait": "walk", "steps": 7, "turn": "left", "turn_degrees": 95.0})
    told = detailed("The person walks forward.", walk)
    assert told == (
        "The person walks forward. It takes about 4 seconds, over about 5 metres and 7 steps. "
        "By the end the person has turned to the left by about 90 degrees."
    )
    waves = KinematicTruth(**facts | {"path": 0.2, "travel": "in place", "moving_hand": "left", "raised_hand": "left"})
    assert (
        detailed("The person waves.", waves) == "The person waves. It takes about 4 seconds. The left hand goes above the head."
    )
    falls = KinematicTruth(**facts | {"path": 0.9, "moving_hand": "right", "start_posture": "standing", "end_posture": "lying"})
    told = detailed("The person points with the right hand and falls down.", falls, [("falling down", 2.6)])
    assert "more than the other" not in told, "the caption says it"
    assert told.endswith("Falling down begins at about 3 seconds. The person is standing at first and lying at the end.")


def test_a_detailed_answer_is_longer_and_names_the_same_actions():
    for seed in range(12):
        program = random_motion(np.random.default_rng(seed))
        truth = ProgramTruth(program)
        short, long = (BUILDERS[name](truth, Maker(np.random.default_rng(1))) for name in ("caption", "detail"))
        assert long.kind == short.kind == "caption" and long.key == short.key
        assert long.answer.startswith(short.answer) and len(long.answer) > len(short.answer)
        assert score(long, long.answer)


def test_same_seed_same_questions():
    program = random_motion(np.random.default_rng(2))
    first = ask_program(program, np.random.default_rng(9), 5)
    assert first == ask_program(program, np.random.default_rng(9), 5)
    assert first != ask_program(program, np.random.default_rng(10), 5)


def test_asides_stand_around_questions_to_train_on_and_name_actions():
    rng = np.random.default_rng(0)
    asides = (*asides_of.BEFORE, *asides_of.AFTER)
    with_one = [text for text in (phrase("action", rng) for _ in range(2000)) if any(aside in text for aside in asides)]
    assert 0.08 < len(with_one) / 2000 < 0.16
    assert len({aside for aside in asides if any(aside in text for text in with_one)}) > 0.8 * len(asides)
    assert not any(aside in phrase("action", rng, held_out=True) for _ in range(500) for aside in asides)
    names = {stem(word) for one in ACTIONS.values() for word in one.gerund.split()}
    assert sum(bool(names & set(stems(aside))) for aside in asides) > 0.6 * len(asides)


def test_options_in_sentences_differ_and_one_is_right():
    rng, places, turned = np.random.default_rng(5), Counter(), 0
    for _ in range(150):
        truth = ProgramTruth(random_motion(rng))
        question = BUILDERS["sentences"](truth, Maker(rng))
        own = caption(list(dict.fromkeys(clause_of(one) for run in truth.runs for one in run)))
        assert question.kind == "choice" and question.key == own and len(set(question.choices)) == 4
        assert score(question, question.answer)
        wrong = lettered([other for other in question.choices if other != own][:1])
        assert not score(question, f"{wrong[3:]} ({labels_of(question.question)[(question.choices.index(own) + 1) % 4]}).")
        places[question.choices.index(own)] += 1
        turned += opposite(own) in question.choices
    assert min(places.values()) > 20 and turned > 5
    assert opposite("The person waves with the left hand and turns to the right.") == (
        "The person waves with the right hand and turns to the left."
    )
    assert opposite("The person dances.") is None
