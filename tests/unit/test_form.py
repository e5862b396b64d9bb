"""Faults of form: visible in the joints, told without doubt, asked and scored."""

from collections import Counter

import numpy as np
import pytest

from llamo.train.questions import ask_form, score
from llamo.train.questions.form_questions import form_truth
from llamo.train.questions.form_truth import GOOD, judge_form
from llamo.train.synthesis.engine import synthesize
from llamo.train.synthesis.faults import FAULTS, KNEES_IN, ROUNDED, SHALLOW, TOO_FAST, UNEVEN


CASES = [(key, fault) for key, faults in FAULTS.items() for fault in (None, *faults)]


def make(key, fault, seed, **options):
    return synthesize(np.random.default_rng(seed), actions=[key], fault=fault, count=3, **options)


@pytest.mark.parametrize(("key", "fault"), CASES)
def test_joints_show_the_fault_and_no_other(key, fault):
    verdicts = []
    for seed in range(6):
        motion = make(key, fault, seed, held_out=seed % 2 == 1)
        segment = motion.segments[0]
        assert segment.fault == fault
        form = judge_form(key, motion.joints, motion.fps, segment.event_times, segment.start, segment.end)
        assert set(form.measures) == set(FAULTS[key])
        verdicts.append(form.verdict)
    assert set(verdicts) <= {fault or GOOD, None}  # never another fault
    assert verdicts.count(fault or GOOD) >= 4


def test_measures_go_the_way_of_the_fault():
    def measured(fault, name):
        motion = make("squat", fault, 3)
        segment = motion.segments[0]
        return judge_form("squat", motion.joints, motion.fps, segment.event_times, 0.0, motion.seconds).measures[name]

    assert measured(KNEES_IN, KNEES_IN) > measured(None, KNEES_IN) + 0.1  # of the leg
    assert measured(SHALLOW, SHALLOW) < measured(None, SHALLOW) - 20  # degrees
    assert measured(ROUNDED, ROUNDED) > measured(None, ROUNDED) + 20  # degrees
    assert measured(UNEVEN, UNEVEN) > measured(None, UNEVEN) + 0.04  # of the leg
    assert measured(TOO_FAST, TOO_FAST) < 0.6 * measured(None, TOO_FAST)


def test_faults_are_drawn_only_where_nothing_is_fixed():
    drawn = Counter(synthesize(np.random.default_rng(seed), vocabulary=["squat"]).segments[0].fault for seed in range(60))
    assert set(drawn) == {None, *FAULTS["squat"]} and 15 <= drawn[None] <= 45
    assert {synthesize(np.random.default_rng(seed), actions=["squat"]).segments[0].fault for seed in range(20)} == {None}
    for actions, fault in ((["walk"], KNEES_IN), (["squat"], "tired"), (None, SHALLOW)):
        with pytest.raises(ValueError, match="Expected a fault"):
            synthesize(np.random.default_rng(0), actions=actions, fault=fault)
    with pytest.raises(ValueError, match="an exercise out of"):
        judge_form("walk", np.zeros((9, 22, 3)), 20.0, [0.2], 0.0, 0.4)


@pytest.mark.parametrize("held_out", [False, True])
def test_answers_score_and_those_of_another_form_do_not(held_out):
    rng = np.random.default_rng(5)
    asked = []
    for seed, (key, fault) in enumerate(CASES):
        asked += ask_form(make(key, fault, seed), rng, 4, held_out=held_out)
    assert {question.kind for question in asked} == {"form", "yes_no"}
    for question in asked:
        assert score(question, question.answer) and question.held_out == held_out
        assert "{" not in question.question + question.answer
        for other in asked:
            if other.kind == question.kind and other.key != question.key and other.key in question.choices:
                assert not score(question, other.answer), (question, other.answer)


def test_a_blind_guess_is_rarely_right():
    rng = np.random.default_rng(0)
    keys = {"form": Counter(), "yes_no": Counter()}
    for seed in range(70):
        motion = synthesize(np.random.default_rng(seed), vocabulary=["squat", "lunge", "deadlift"])
        for question in ask_form(motion, rng, 4):
            keys[question.kind][question.key] += 1
    assert max(keys["form"].values()) < 0.62 * keys["form"].total()
    assert max(keys["yes_no"].values()) < 0.7 * keys["yes_no"].total()


def test_other_motions_have_no_form():
    assert form_truth(synthesize(np.random.default_rng(0), actions=["walk"])) is None
    assert ask_form(synthesize(np.random.default_rng(0), actions=["squat", "lunge"]), np.random.default_rng(0)) == []
