"""Questions that need a video: their answers are what the scene says, and the scoring tells right from wrong."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from conftest import make_walk

from llamo.train.questions import VIDEO_KINDS, ask_video, score
from llamo.train.questions.question import Question
from llamo.train.questions.video_questions import COLOURS, MAX_PEOPLE, SIDES, THINGS, ask_unseen, names_a_thing
from llamo.train.questions.vocabulary import action
from llamo.train.rendering import camera, scene, shapes, things


def truths(count: int):
    rng = np.random.default_rng(0)
    walk = make_walk(4)
    for number in range(count):
        people = [walk] if number % 3 else [walk, scene.beside(walk, walk, rng)]
        held = [*things.THINGS, None][number % 7]
        yield scene.random_scene(people, rng, (16, 16), "static", held).truth()


def test_words_are_those_of_the_renderer():
    assert set(THINGS) == {*things.THINGS, "nothing"}
    assert set(COLOURS) == set(shapes.COLOURS) and set(SIDES) == set(camera.SIDES)


@pytest.mark.parametrize("held_out", [False, True])
def test_answers_are_right_and_others_wrong(held_out):
    rng = np.random.default_rng(1)
    kinds, by_kind = Counter(), defaultdict(list)
    for truth in truths(140):
        for question in ask_video(truth, rng, 20, action_key="walk", held_out=held_out):
            kinds[question.kind] += 1
            by_kind[question.kind].append(question)
            assert score(question, question.answer), question
            assert "{" not in question.question + question.answer and question.held_out == held_out
            for other in question.choices[:12]:
                if other != question.key:
                    wrong = Question(question.kind, question.question, "", other, question.choices)
                    assert not score(wrong, question.answer), (question, other)
    assert {*VIDEO_KINDS, "yes_no", "side", "action"} <= set(kinds)
    yes = Counter(question.key for question in by_kind["yes_no"])
    assert 0.3 < yes["yes"] / sum(yes.values()) < 0.7
    assert {question.key for question in by_kind["thing"]} == set(THINGS)
    assert {question.key for question in by_kind["people"]} == {"1", "2"} and MAX_PEOPLE >= 2


def test_answers_follow_the_truth():
    truth = {
        "camera": "static", "side": "behind", "people": 2, "shirt": "grey", "trousers": "red",
        "sleeves": "long", "shorts": False,
        "things": [{"name": "bat", "colour": "blue", "hand": "left", "of": 0}],
    }  # fmt: skip
    rng = np.random.default_rng(2)
    questions = [question for _ in range(40) for question in ask_video(truth, rng, 20, action_key="squat")]
    keys = defaultdict(set)
    for question in questions:
        keys[question.kind].add(question.key)
    assert keys["thing"] == {"bat"} and keys["camera"] == {"behind"} and keys["people"] == {"2"} and keys["side"] == {"left"}
    assert keys["look"] == {"grey", "red", "blue"} and keys["action"] == {action("squat").gerund}
    for question in questions:
        if question.kind == "yes_no" and action("squat").gerund in question.question.lower() and " bat" in question.question:
            assert question.key == "yes"


def test_both_inputs_are_needed():
    """Of the questions about action and thing, neither the action alone nor the thing alone tells the answer."""
    truth = next(truth for truth in truths(7) if truth["things"])
    name = truth["things"][0]["name"]
    rng = np.random.default_rng(3)
    answers = defaultdict(Counter)
    for _ in range(400):
        for question in ask_video(truth, rng, 20, action_key="squat"):
            text = question.question.lower()
            gerund = action("squat").gerund
            if question.kind == "yes_no" and (gerund in text or not text.startswith(("is there a", "do you see a"))):
                answers[gerund in text, f" {name}" in text][question.key] += 1
    assert answers[True, True]["yes"] > 50 and answers[True, False]["no"] > 20
    assert answers[True, False]["yes"] == 0 and answers[False, True]["no"] > 20


def test_what_is_said_in_other_words_counts():
    question = Question("look", "What colour?", "The shirt is grey.", "grey", COLOURS)
    assert score(question, "It is gray.") and not score(question, "Grey or white.") and not score(question, "Blue.")
    question = Question("thing", "What is there?", "There is a stick.", "stick", THINGS)
    assert score(question, "A cane.") and not score(question, "A bat.") and not score(question, "Nothing.")
    question = Question("camera", "From where?", "From behind.", "behind", SIDES)
    assert score(question, "From the back.") and not score(question, "From the front.")
    question = Question("people", "How many?", "There are 2 people.", "2", ("1", "2", "3", "4"))
    assert score(question, "Two people.") and not score(question, "One person.")


def test_two_things_at_once_are_both_needed():
    choices = ("squatting", "walking", "running")
    question = Question("both", "What, and which object?", "", "squatting & bat", choices, needs="both")
    assert score(question, "The person is squatting, and there is a bat.") and score(question, "A bat; they do squats.")
    for wrong in (
        "The person is squatting.",
        "A bat.",
        "Squatting, with a ball.",
        "Walking, and a bat.",
        "Bat, ball, squatting.",
    ):
        assert not score(question, wrong), wrong
    counted = Question("both", "How many, which colour?", "", "4 & blue", needs="both")
    assert score(counted, "There are four squats, and the shirt is blue.") and not score(counted, "4, red.")
    assert not score(counted, "5, blue.") and not score(counted, "Blue.")
    with pytest.raises(ValueError, match="needs"):
        Question("both", "", "", "4 & blue", needs="sound")


def test_actions_that_name_a_thing_are_not_asked_together_with_one():
    assert names_a_thing("bat_swing") and names_a_thing("punch") and not names_a_thing("squat")
    truth = {
        "side": None, "people": 1, "shirt": "grey", "trousers": None, "thing_side": "left",
        "things": [{"name": "ball", "colour": "blue", "hand": "left", "of": 0}],
    }  # fmt: skip
    rng = np.random.default_rng(4)
    for key, expected in (("bat_swing", False), ("squat", True)):
        questions = [question for _ in range(30) for question in ask_video(truth, rng, 20, action_key=key, count=3)]
        assert any(question.key.endswith("& ball") for question in questions) == expected
        assert any(question.key == "3 & grey" for question in questions)
        assert not any("trousers" in question.question or question.kind == "camera" for question in questions)


def test_without_a_video_nothing_of_it_is_told():
    rng = np.random.default_rng(5)
    for question in ask_unseen(rng, 4):
        assert question.kind == "unanswerable" and score(question, question.answer) and not score(question, "It is blue.")
