"""`llamo ask --evidence` and `--check`: what is told to the model, and what its answer is held against."""

import json

import numpy as np
import pytest
from conftest import make_config, make_model, make_processor
from typer.testing import CliRunner

from llamo.cli import session as session_module
from llamo.cli.evidence import check_answer, evidence_text
from llamo.cli.main import app
from llamo.processing.kinematics_llamo import measure_motion
from llamo.train.initialise import write_checkpoint
from llamo.train.synthesis.engine import synthesize


def measured(action, **kwargs):
    motion = synthesize(np.random.default_rng(12), actions=[action], **kwargs)
    return measure_motion(motion.joints, motion.fps)


@pytest.fixture(scope="module")
def squats():
    return measured("squat", count=6)


@pytest.fixture(scope="module")
def right_wave():
    return measured("raise_hand", count=1, side="right")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evidence") / "llamo"
    processor = make_processor()
    write_checkpoint(folder, make_model(make_config(processor)), processor)
    return str(folder)


@pytest.fixture(scope="module")
def squat_file(tmp_path_factory):
    motion = synthesize(np.random.default_rng(12), actions=["squat"], count=6)
    path = tmp_path_factory.mktemp("evidence") / "squats.npz"
    np.savez(path, joints=motion.joints, fps=motion.fps)
    return str(path)


def test_evidence_is_what_the_question_is_about(squats):
    counting = evidence_text("How many squats are there?", squats)
    assert "repetitions 6" in counting and "knee" not in counting
    bending = evidence_text("How far is the left knee bent?", squats)
    assert "left knee angle" in bending and "elbow" not in bending
    assert evidence_text("What happens?", squats, "a.bvh").startswith("Measured in a.bvh: duration")


@pytest.mark.parametrize(
    ("question", "answer", "agrees"),
    [
        ("How many squats?", "The person does 6 squats.", True),
        ("How many squats?", "Five.", False),
        ("What is this?", "They squat 5 times, slowly.", False),
        ("What is this?", "They do six repetitions.", True),
        ("How many steps?", "None: 0 steps.", True),
        ("How many steps?", "12 steps.", False),
    ],
)
def test_numbers_are_checked(squats, question, answer, agrees):
    (check,) = check_answer(question, answer, [squats])
    assert check["agrees"] is agrees
    assert (check["message"] is None) is agrees


def test_the_message_names_both_numbers(squats):
    (check,) = check_answer("How many squats?", "5", [squats])
    assert check["message"].startswith("the model says 5, measured 6")


def test_units_tell_what_a_number_is(squats):
    knee = squats["angles"]["left_knee"]["max_deg"]
    right = check_answer("How deep?", f"The left knee bends to {knee:.0f} degrees.", [squats])
    wrong = check_answer("How deep?", "The left knee bends to 20 degrees.", [squats])
    assert right[0]["agrees"] and not wrong[0]["agrees"] and wrong[0]["quantity"] == "left knee angle"
    long = check_answer("How long does it last?", f"About {squats['seconds']:.0f} seconds.", [squats])
    assert long[0]["agrees"]
    assert not check_answer("How long does it last?", "2 seconds", [squats])[0]["agrees"]


def test_what_a_number_means_must_be_known(squats):
    assert check_answer("What is this?", "There are 2 phases; at 3 seconds it gets harder.", [squats]) == []
    assert check_answer("What is this?", "Someone exercises.", [squats]) == []
    # Not how often the movement repeats.
    assert check_answer("What is this?", "The person turns around twice.", [squats]) == []
    assert check_answer("How many times does she spin?", "Three times.", [squats]) == []


def test_sides_are_checked(right_wave, squats):
    assert check_answer("What?", "They raise the right hand.", [right_wave])[0]["agrees"]
    (check,) = check_answer("What?", "They raise the left hand.", [right_wave])
    assert check["message"].startswith("the model says left, measured right")
    assert check_answer("What?", "They raise the left hand.", [squats]) == [], "both arms move: no side can be wrong"
    assert check_answer("What?", "Not the left hand but the right hand.", [right_wave])[0]["agrees"]


def test_turns_are_checked():
    motion = next(
        each
        for each in (synthesize(np.random.default_rng(seed), actions=["turn"]) for seed in range(20))
        if each.segments[0].turn == "left"
    )
    result = measure_motion(motion.joints, motion.fps)
    assert check_answer("What?", "The person turns to the left.", [result])[0]["agrees"]
    assert not check_answer("What?", "The person turns to the right.", [result])[0]["agrees"]


def test_of_several_motions_one_may_agree(squats, right_wave):
    assert check_answer("How many?", "6", [right_wave, squats])[0]["agrees"]


def test_ask_carries_both(checkpoint, squat_file, monkeypatch):
    prompts = []
    prepare = session_module.Session.prepare
    monkeypatch.setattr(
        session_module.Session, "prepare", lambda self, messages: prompts.append(messages) or prepare(self, messages)
    )
    monkeypatch.setattr(session_module.Session, "decode", lambda self, ids: "The person does 5 squats.")
    arguments = ["ask", squat_file, "How many squats?", "--model", checkpoint, "--max-new-tokens", "2", "--evidence", "--check"]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert "repetitions 6" in result["evidence"][0] and result["check"][0]["measured"] == 6
    text = prompts[0][0]["content"][-1]["text"]
    assert text.startswith("Measured: ") and text.endswith("How many squats?")
    done = CliRunner().invoke(app, arguments)
    assert "Evidence: Measured: " in done.stdout and "given to the model" in done.stdout
    assert "Check:    the model says 5, measured 6" in done.stdout
    plain = CliRunner().invoke(app, ["ask", squat_file, "How many?", "--model", checkpoint, "--max-new-tokens", "2", "--json"])
    assert not {"evidence", "check"} & set(json.loads(plain.stdout.strip().splitlines()[-1]))
