"""The ablation on tiny models: every arm trains, takes away what it says and nothing else, and a cut-off run goes on."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import make_processor, make_walk

from llamo.train.evaluation import ablation
from llamo.train.evaluation.ablation import Plan, ablation_table, encode, run_ablation
from llamo.train.evaluation.ablation_arms import ARMS, EvenSelector, Size, describe
from llamo.train.evaluation.answering import conversation
from llamo.train.evaluation.motion_codes import NUM_CODES, MotionCodes, code_words, train_codes, whole
from llamo.train.questions import Question


SIZE = Size(hidden=32, layers=1, heads=2, motion_hidden=32, talker_hidden=32, longest=160)
PLAN = Plan(motions=3, per_motion=2, questions=4, steps=2, batch_size=2, code_steps=2, seeds=(0,), size=SIZE)


@pytest.fixture(scope="module")
def codes():
    generator = torch.Generator().manual_seed(0)
    motions = [torch.randn(70, 141, generator=generator).cumsum(0) / 8 for _ in range(4)]
    return motions, train_codes(motions, 40, seed=0, width=32)


def test_codes_shorten_four_times_and_learn(codes):
    motions, trained = codes
    torch.manual_seed(0)
    fresh = MotionCodes(141, 32).eval()
    window = motions[0][:64][None]
    with torch.inference_mode():
        assert float(trained(window)) < float(fresh(window))
    assert trained.encode(window).shape == (1, 16) and int(trained.encode(window).max()) < NUM_CODES
    assert code_words(trained, motions[0][:9]).count("<m") == 3  # nine frames are filled up to twelve
    assert len(whole(torch.zeros(9, 3), 64)) == 64


def test_even_frames_are_even_and_of_the_motion():
    mask = torch.tensor([[1] * 12, [1] * 3 + [0] * 9])
    motion = torch.arange(24.0).view(2, 12, 1)
    frames, kept, chosen = EvenSelector()(None, None, motion, torch.tensor([0, 1]), mask, 4)
    assert frames[0].tolist() == [1, 4, 7, 10] and kept[0].all()
    assert frames[1][:3].tolist() == [0, 1, 2] and kept[1].tolist() == [True, True, True, False]
    assert chosen[0, :, 0].tolist() == [1, 4, 7, 10] and chosen[1, :3, 0].tolist() == [12, 13, 14]


def inputs_of(arm, joints, question="Which hand?"):
    text, motions = arm.row(question, joints, 20.0)
    chats = [conversation(text, motions)]
    return arm.processor.apply_chat_template(
        chats, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt", padding=True
    )


def test_every_arm_has_the_same_language_model():
    processor = make_processor()
    weights = []
    for make in ARMS.values():
        arm = make(SIZE, processor)
        model = arm.model(3)
        weights.append(model.model.language_model.embed_tokens.weight.detach())
        assert model.config.text_config.vocab_size == len(arm.processor.tokenizer)
    assert all(torch.equal(weights[0], other) for other in weights[1:])
    assert len(processor.tokenizer) == weights[0].shape[0] - NUM_CODES  # the caller's own stays as it is


def test_arms_take_away_what_they_say():
    walk, other = make_walk(60), make_walk(60, speed=0.2, seed=4)
    logits = {}
    with torch.inference_mode():
        for name, make in ARMS.items():
            if name == "vq":
                continue
            arm = make(SIZE, make_processor())
            model = arm.model(0).eval()
            logits[name] = model(**inputs_of(arm, walk)).logits[0, -1]
            assert not torch.allclose(logits[name], model(**inputs_of(arm, other)).logits[0, -1], atol=1e-5), name
    assert not torch.allclose(logits["continuous"], logits["no_summary"], atol=1e-5)
    even = ARMS["no_guidance"](SIZE, make_processor())
    model = even.model(0).eval()
    frames = [model(**inputs_of(even, walk, asked)).focus_frames for asked in ("Left?", "How many squats are there?")]
    assert torch.equal(*frames)  # whatever is asked
    everything = ARMS["no_talker"](SIZE, make_processor())
    kept = everything.model(0)(**inputs_of(everything, walk)).focus_frames[0]
    assert kept[kept >= 0].tolist() == list(range(15))  # all vectors of 60 frames


def test_labels_are_the_answer_alone():
    arm = ARMS["text"](SIZE, make_processor())
    question = Question("side", "Which hand?", "The left hand.", "left", ("left", "right"))
    _, labels = encode(arm, [(question, make_walk(40), 20.0)])
    told = arm.processor.tokenizer.decode(labels[labels >= 0])
    assert told.startswith("The left hand.") and "Which" not in told
    line = describe(make_walk(60), 20.0)
    assert "goes forward at 1." in line and "steps" in line and line.endswith(".")


def test_the_whole_ablation_goes_on_where_it_was_cut_off(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("llamo.train.evaluation.answering.NEW_TOKENS", {})
    monkeypatch.setattr("llamo.train.evaluation.answering.DEFAULT_NEW_TOKENS", 3)
    trained = []
    original = ablation.train_arm

    def watch(arm, *rest):
        trained.append(arm.name)
        return original(arm, *rest)

    monkeypatch.setattr(ablation, "train_arm", watch)
    results = run_ablation(make_processor(), PLAN, tmp_path)
    assert len(trained) == len(ARMS) and set(results["arms"]) == set(ARMS)
    assert (tmp_path / "ablation.png").read_bytes().startswith(b"\x89PNG")
    assert results == json.loads((tmp_path / "results.json").read_text())
    lines = (tmp_path / "runs.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "runs.jsonl").write_text("".join(lines[:-2]) + lines[-2][:9])
    trained.clear()
    assert run_ablation(make_processor(), PLAN, tmp_path) == results
    assert trained == ["no language guidance (even frames)", "no summary tokens"]
    with pytest.raises(ValueError, match="another plan"):
        run_ablation(make_processor(), replace(PLAN, steps=3), tmp_path)


def test_the_table_has_means_and_spread():
    runs = [{"arm": "vq", "seed": seed, "accuracy": value, "kinds": {"side": 0.5}} for seed, value in ((0, 0.3), (1, 0.5))]
    plan = replace(PLAN, arms=("vq",), seeds=(0, 1))
    arms = ablation.summarise_runs(runs, plan)
    assert arms["vq"]["mean"] == pytest.approx(0.4) and arms["vq"]["sd"] == pytest.approx(np.std([0.3, 0.5], ddof=1))
    table = ablation_table({"arms": arms, "plan": {"seeds": [0, 1]}})
    assert "| VQ tokens (512 codes) | 40.0 (14.1) | 50 |" in table
