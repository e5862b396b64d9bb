"""What pretraining reads and asks: truth survives augmentation, tokens are pulled towards the words of the answers."""

import numpy as np
import pytest
import torch
from conftest import make_config, make_model, make_processor

from llamo.train.asked_motions import ask_part, ask_procedural, draw_many
from llamo.train.augmentation import change_sensor, tilt
from llamo.train.labelled_motion import RATES, action_vocabulary
from llamo.train.pretraining_losses import PretrainingHeads, WordReadout, counts_steps, pretraining_losses, shares
from llamo.train.pretraining_samples import AskedText, Collator, batches, feature_statistics, to_sample
from llamo.train.synthesis.engine import synthesize


ACTIONS = tuple(action_vocabulary())
TALKER = {"hidden_size": 32, "num_attention_heads": 2, "num_summary_tokens": 3, "num_spans": 1, "num_focus_tokens": 4}


@pytest.fixture(scope="module")
def asked():
    rng = np.random.default_rng(3)
    motions = [synthesize(np.random.default_rng(seed), actions=["squat"], count=4) for seed in range(6)]
    return [ask_procedural(motion, ACTIONS, rng) for motion in motions]


@pytest.fixture(scope="module")
def samples(asked):
    return [to_sample(one, 4) for one in asked]


def test_repetitions_add_up_whatever_the_body_and_sensor(samples):
    for sample in samples:
        assert sample.rates[:, RATES.index("repetitions")].astype(float).sum() == pytest.approx(4, abs=0.05)
        assert np.isfinite(sample.values).all()


def test_a_part_is_labelled_frame_by_frame_and_asked_nothing_of_the_whole(asked):
    rng = np.random.default_rng(0)
    for one in asked:
        part = ask_part(one, ACTIONS, rng)
        assert len(part.joints) == len(part.labels.action) <= len(one.joints)
        assert not [question for question in part.questions if "squat" in question.question and question.kind == "count"]


def test_corpus_does_not_depend_on_the_number_of_processes():
    one = list(draw_many(6, 1, workers=1, chunk=3, actions=ACTIONS))
    two = list(draw_many(6, 1, workers=2, chunk=3, actions=ACTIONS))
    for first, second in zip(one, two, strict=True):
        assert np.array_equal(first.joints, second.joints) and first.questions == second.questions


def test_sensors_change_joints_by_centimetres(asked):
    rng = np.random.default_rng(0)
    errors = []
    for index in range(40):
        joints = asked[index % len(asked)].joints
        pose = joints - joints[:, :1]
        moved = change_sensor(joints, rng)
        errors.append(np.abs(moved - moved[:, :1] - pose).mean())
    # An estimator gives a child the body of a grown-up; all else stays within centimetres.
    assert np.median(errors) < 0.03 and np.percentile(errors, 90) < 0.08 and max(errors) < 0.15
    assert np.allclose(tilt(joints, np.zeros(2)), joints, atol=1e-6)


def test_shares_of_labels_within_spans():
    labels = torch.tensor([[0, 0, 1, -100]])
    looks_at = torch.tensor([[[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 1]]]).bool()
    target, known = shares(labels, looks_at, 2)
    assert target.tolist() == [[[1, 0], [0.5, 0.5], [0, 0]]] and known.tolist() == [[True, True, False]]


def test_word_readout_prefers_the_answer_whose_words_a_token_points_at():
    processor = make_processor()
    embeddings = torch.randn(len(processor.tokenizer), 32)
    readout = WordReadout(["left", "right", "12", "21"], processor.tokenizer, embeddings)
    assert readout(readout.directions).argmax(-1).tolist() == [0, 1, 2, 3]


def test_pretraining_learns_answers_from_the_motion(samples):
    torch.manual_seed(0)
    processor = make_processor()
    model = make_model(make_config(processor, talker_config=TALKER)).model.train()
    embeddings = model.get_input_embeddings().weight.detach()
    answers = sorted({question.key for sample in samples for question in sample.questions} | {str(n) for n in range(9)})
    mean, std = feature_statistics(samples)
    collate = Collator(mean, std, processor.tokenizer, {key: index for index, key in enumerate(answers)}, 4)
    heads = PretrainingHeads(32, ACTIONS, answers, processor.tokenizer, embeddings)
    optimizer = torch.optim.Adam([*model.motion_tower.parameters(), *model.talker.parameters(), *heads.parameters()], 3e-3)
    rng = np.random.default_rng(0)
    stream, history = batches(samples, 6, rng), []
    for _ in range(12):
        losses, _ = pretraining_losses(model, heads, collate(next(stream), rng), embeddings)
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        history.append({name: float(loss.detach()) for name, loss in losses.items()})
    assert {"action", "rates", "totals", "span_action", "whole_side", "answer"} <= set(history[0])
    for name in ("action", "answer", "span_action"):
        assert history[-1][name] < history[0][name], name
    for parameter in (model.talker.relevance.q_proj.weight, model.talker.selector.k_proj.weight, model.talker.projector.scale):
        assert parameter.grad is not None
    assert model.talker.relevance.q_proj.weight.grad.abs().sum() > 0


def test_steps_are_not_repetitions():
    assert counts_steps(AskedText("How many jumps?", "count", "3", (), 0.0))
    assert counts_steps(AskedText("How many steps?", "count", "3", (), 1.0))
    assert not counts_steps(AskedText("How many squats?", "count", "3", (), 0.0))
