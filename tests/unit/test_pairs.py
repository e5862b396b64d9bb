"""Two motions in one prompt, and what comes next: questions, rows, and what the processor makes of them."""

import json
from collections import Counter

import numpy as np
import pytest
from conftest import encode

from llamo.train.asked_motions import ask_next, draw_pair
from llamo.train.conversations import pair_row
from llamo.train.labelled_motion import action_vocabulary
from llamo.train.make_data import DataPlan, Shard
from llamo.train.questions import ask_pair, score
from llamo.train.synthesis.engine import synthesize


def make(action, seed, **options):
    return synthesize(np.random.default_rng(seed), actions=[action], **options)


def asked(first, second, seeds=30):
    found = {}
    for seed in range(seeds):
        for question in ask_pair(first, second, np.random.default_rng(seed), 8):
            found.setdefault(question.kind, set()).add((question.answer, question.key))
    return found


def test_the_order_of_the_motions_decides():
    slow, fast = make("squat", 1, count=2, speed="slow"), make("squat", 2, count=6, speed="fast")
    told = asked(slow, fast)["comparison"]
    assert ("The second motion is faster.", "second") in told and ("The second motion has more squats.", "second") in told
    told = asked(fast, slow)["comparison"]
    assert ("The first motion is faster.", "first") in told and ("The first motion has more squats.", "first") in told


def test_depth_and_form_are_compared_where_they_differ():
    good, bad = make("squat", 1, count=3), make("squat", 4, count=3, fault="shallow")
    told = asked(bad, good)["comparison"]
    assert ("The second motion goes deeper.", "second") in told and ("The second motion has the better form.", "second") in told
    assert "comparison" not in asked(good, good)  # no difference, nothing to ask


def test_same_action_or_not():
    same = asked(make("squat", 1), make("squat", 2))
    assert ("Yes, both show squatting.", "yes") in same["yes_no"]
    other = asked(make("squat", 1), make("wave", 2))
    assert ("No, the first shows squatting and the second waving.", "no") in other["yes_no"]
    assert {key for answer, key in other["comparison"] if answer.endswith("shows waving.")} == {"second"}


def test_answers_score_and_are_balanced():
    rng, keys = np.random.default_rng(2), Counter()
    for index in range(60):
        pair = draw_pair(rng, held_out=index % 2 == 1)
        for question in pair.questions:
            assert score(question, question.answer), question
            assert "{" not in question.question + question.answer
            if question.kind == "comparison":
                keys[question.key] += 1
                assert not score(question, f"The {'first' if question.key == 'second' else 'second'} one.")
    assert 0.33 < keys["first"] / keys.total() < 0.67


def test_what_comes_next_has_begun_but_not_ended():
    rng, actions = np.random.default_rng(3), action_vocabulary()
    motion = synthesize(np.random.default_rng(0), actions=["walk", "squat"], count=None)
    for _ in range(5):
        part = ask_next(motion, actions, rng)
        begins, ends = motion.segments[1].start, motion.segments[1].end
        assert begins + 0.4 < len(part.joints) / 20 < ends and len(part.joints) == len(part.labels.joints)
        question = part.questions[0]
        assert question.kind == "order" and question.key == "squatting" and score(question, question.answer)
        assert part.program["actions"][-1]["action"] == "squat" and part.program["actions"][-1]["count"] is None
    assert ask_next(make("walk", 0), actions, rng) is None


def test_rows_of_pairs_reach_the_processor(processor):
    plan = DataPlan(num=30, seed=3, pair_share=0.75, text_share=0.0)
    rows = [row for row in Shard(plan, "train", 0, 1, 18).rows() if row["source"] == "procedural pair"]
    assert len(rows) >= 8
    for row in rows:
        motions = [part for message in row["messages"] for part in message["content"] if part["type"] == "motion"]
        program = json.loads(row["program"])
        assert len(motions) == 2 and len(program["other_motions"]) == 1 and program["actions"]
    values = encode(processor, rows[0]["messages"])
    assert len(values["motion_values"]) == 2


def test_nothing_to_ask_is_no_row():
    pair = draw_pair(np.random.default_rng(0))
    pair.questions.clear()
    assert pair_row(pair, np.random.default_rng(0), 3) is None
    with pytest.raises(ValueError, match="pair_share"):
        DataPlan(num=4, pair_share=0.9, recorded_share=0.2)
