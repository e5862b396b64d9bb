"""Videos in pretraining: frames stand on the clock of their motion, and what only they tell is asked of its vectors."""

import json

import numpy as np
import pytest
import torch
from conftest import make_config, make_model, make_processor

from llamo.processing.video_processing_llamo import LlamoFrameProcessor
from llamo.train.filmed_motions import draw_filmed
from llamo.train.labelled_motion import IGNORE, action_vocabulary
from llamo.train.pretraining_films import draw_filmed_samples, read_frame_processor, to_filmed_sample
from llamo.train.pretraining_losses import PretrainingHeads, pretraining_losses
from llamo.train.pretraining_samples import Collator, feature_statistics, video_arrays
from llamo.train.questions.question import AND
from llamo.train.vision_samples import TASKS


SIZE = 32
FRAMES = LlamoFrameProcessor(image_size=SIZE, num_frames=3)
TALKER = {"hidden_size": 32, "num_attention_heads": 2, "num_summary_tokens": 3, "num_spans": 1, "num_focus_tokens": 4}
TOWER = {"model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}


@pytest.fixture(scope="module")
def samples():
    return draw_filmed_samples(8, 4, 4, 1, FRAMES)


def test_samples_hold_frames_and_questions_and_no_labels(samples):
    filmed = [sample for sample in samples if sample.film is not None]
    assert 0 < len(filmed) < len(samples), "some are asked without a video what only a video tells"
    for sample in filmed:
        assert sample.film.frames.shape == (len(sample.film.times), 3, SIZE, SIZE)
        assert (np.diff(sample.film.times) > 0).all()
        assert sample.film.times[0] > -0.5 and sample.film.times[-1] < len(sample.values) / 20 + 0.5
    for sample in samples:
        assert (sample.labels == IGNORE).all() and np.isnan(sample.rates).all()
        assert not any(AND in question.key or question.kind == "caption" for question in sample.questions)
    kinds = {question.kind for sample in filmed for question in sample.questions}
    assert kinds & {"look", "thing", "people", "camera"}
    assert any(question.kind == "unanswerable" for each in samples if each.film is None for question in each.questions)


def test_a_video_that_starts_later_does_so_on_the_clock():
    for seed in range(20):
        filmed = draw_filmed(np.random.default_rng(seed), SIZE)
        if filmed.video is not None and filmed.offset_s > 0.5:
            break
    times = to_filmed_sample(filmed, 4, FRAMES).film.times
    assert times[0] >= filmed.offset_s and times[0] < filmed.offset_s + 0.5


def test_the_same_with_two_processes(samples):
    for first, second in zip(samples[:2], draw_filmed_samples(2, 4, 4, 2, FRAMES), strict=True):
        assert np.array_equal(first.values, second.values) and first.questions == second.questions
        assert (first.film is None) == (second.film is None)


def test_motion_learns_to_ask_the_video(samples):
    torch.manual_seed(0)
    processor = make_processor()
    model = make_model(make_config(processor, vision_config=TOWER, talker_config=TALKER)).model
    model.vision_tower.requires_grad_(False)
    model.train()
    embeddings = model.get_input_embeddings().weight.detach()
    answers = sorted({question.key for sample in samples for question in sample.questions} | {str(n) for n in range(9)})
    mean, std = feature_statistics(samples)
    collate = Collator(mean, std, processor.tokenizer, {key: index for index, key in enumerate(answers)}, 4)
    actions = action_vocabulary()
    heads = PretrainingHeads(32, actions, answers, processor.tokenizer, embeddings)
    assert video_arrays([sample for sample in samples if sample.film is None]) == {}
    batch = collate(samples, None)
    assert batch.video["video_motion_ids"].tolist() == [row for row, each in enumerate(samples) if each.film is not None]
    losses, answered = pretraining_losses(model, heads, batch, embeddings)
    assert set(losses) >= {"answer", "seen"} and not set(losses) & {"rates", "totals", "action", "span_action"}, (
        "no labels, no loss"
    )
    sum(losses.values()).backward()
    assert batch.seen.shape == (len(batch.video["video_motion_ids"]), len(TASKS))
    assert model.enhancer.gate.grad.abs().sum() > 0 and model.enhancer.cross_attn.q_proj.weight.grad.abs().sum() > 0
    # Other frames, other answers; the same motion without them, others again.
    batch.video["pixel_values_videos"] = batch.video["pixel_values_videos"].flip(-1) + 0.5
    changed = pretraining_losses(model, heads, batch, embeddings)[1]
    batch.video = {}
    unseen = pretraining_losses(model, heads, batch, embeddings)[1]
    rows = [row for row, motion in enumerate(batch.pair_motions.tolist()) if samples[motion].film is not None]
    assert not torch.allclose(answered[rows], changed[rows]) and not torch.allclose(answered[rows], unseen[rows])
    others = [row for row in range(len(answered)) if row not in rows]
    torch.testing.assert_close(answered[others], unseen[others])


def test_weights_without_a_vision_tower_are_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"motion_config": {}}))
    with pytest.raises(ValueError, match="pretrain_vision"):
        read_frame_processor(tmp_path)
