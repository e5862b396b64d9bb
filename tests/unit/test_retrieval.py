"""Embeddings of motions and texts: in one space, trained above chance, absent where nobody trained them."""

import argparse
import json

import numpy as np
import pytest
import torch
from conftest import encode, make_config, make_model, make_processor, make_walk, motion_part, user
from safetensors.torch import load_file
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.train.export_weights import save_modules, save_settings
from llamo.train.initialise import write_checkpoint
from llamo.train.recipe import read_recipe
from llamo.train.retrieval import (
    Pair,
    check_same_weights,
    contrastive_loss,
    draw_pairs,
    frozen_states,
    judge,
    make_parser,
    model_head,
    save_head,
    train_head,
)
from llamo.train.retrieval_metrics import both_ways, recall_at_k
from llamo.train.trained_weights import merge_weights, retrieval_size


@pytest.fixture(scope="module")
def processor():
    return make_processor()


def test_a_model_without_the_head_says_so(processor):
    model = make_model(make_config(processor))
    assert model.model.retrieval is None and not any("retrieval" in name for name in model.state_dict())
    with pytest.raises(ValueError, match="trained embeddings"):
        model.get_text_embedding(torch.tensor([[7, 8]]))
    with pytest.raises(ValueError, match="without"):
        model.get_motion_embedding(torch.zeros(1, 8, 141))


def test_padding_and_company_change_nothing(processor):
    model = make_model(make_config(processor, retrieval_size=8))
    inputs = encode(processor, [[user(motion_part(make_walk(n, seed=n)), "?")] for n in (24, 70)])
    with torch.inference_mode():
        both = model.get_motion_embedding(inputs["motion_values"], inputs["motion_attention_mask"])
        alone = model.get_motion_embedding(inputs["motion_values"][:1, :24])
        tokens = processor.tokenizer(["walks", "walks and then jumps"], padding=True, return_tensors="pt", padding_side="left")
        texts = model.get_text_embedding(tokens["input_ids"], tokens["attention_mask"])
        text = model.get_text_embedding(processor.tokenizer(["walks"], return_tensors="pt")["input_ids"])
    assert both.shape == (2, 8) and texts.shape == (2, 8)
    torch.testing.assert_close(both.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(both[:1], alone, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(texts[:1], text, atol=1e-5, rtol=1e-4)


def kinds(num, seed):
    """Four kinds of motion, each with its caption."""
    generator = np.random.default_rng(seed)
    named = (("The person stands still.", 0.0), ("The person walks slowly.", 0.6), ("The person runs.", 3.0),
             ("The person walks backward.", -1.0))  # fmt: skip
    found = []
    for index in range(num):
        text, speed = named[index % 4]
        walk = make_walk(int(generator.integers(24, 48)), speed=speed, seed=int(generator.integers(1 << 30)))
        still = np.repeat(walk[:1], len(walk), axis=0)
        found.append(Pair(still if speed == 0 else walk, (text, text.removeprefix("The person "))))
    return found


def test_training_raises_recall_above_chance(processor):
    model = make_model(make_config(processor, retrieval_size=16))
    train, held_out = kinds(48, 1), kinds(24, 2)
    states, others = frozen_states(model, processor, train), frozen_states(model, processor, held_out)
    torch.manual_seed(0)
    head = model_head(model.config)
    settings = argparse.Namespace(seed=0, weight_decay=0.01, learning_rate=3e-3, max_steps=80, batch_size=24, log_every=40)
    lines = []
    train_head(head, train, states, settings, log=lines.append)
    losses = [json.loads(line)["loss"] for line in lines]
    assert losses[-1] < losses[0]
    found = judge(head, held_out, others)
    for way in ("text_to_motion", "motion_to_text"):
        assert found[way]["chance@1"] == pytest.approx(0.25) and found[way]["recall@1"] >= 0.75, found


def test_same_words_are_no_opposites():
    def loss(degrees, words):
        """Of two motions that are this far apart, and a third one far off."""
        angles = torch.deg2rad(torch.tensor([0.0, degrees, 180.0]))
        vectors = torch.stack([angles.cos(), angles.sin()], dim=-1)
        return float(contrastive_loss(vectors, vectors, torch.tensor(2.0), words))

    assert loss(5.0, ["a", "a", "b"]) < loss(60.0, ["a", "a", "b"])
    assert loss(5.0, ["a", "c", "b"]) > loss(60.0, ["a", "c", "b"])


def test_the_head_travels_with_its_weights(processor, tmp_path, capsys):
    model = make_model(make_config(processor, retrieval_size=8), seed=3)
    save_modules(model.model, tmp_path)
    save_settings(tmp_path, talker_config={})
    assert retrieval_size(tmp_path, same_base=True) == 0
    save_head(model.model.retrieval, tmp_path, 8)
    assert retrieval_size(tmp_path, same_base=True) == 8 and retrieval_size(tmp_path, same_base=False) == 0
    other = make_model(make_config(processor, retrieval_size=8), seed=4)
    assert not any("retrieval" in name for name in merge_weights(other, tmp_path, same_base=True))
    torch.testing.assert_close(other.model.retrieval.queries, model.model.retrieval.queries, atol=1e-3, rtol=1e-3)
    check_same_weights(other, tmp_path)
    # A model without the head ignores it; a head of other weights is left out.
    merge_weights(make_model(make_config(processor)), tmp_path, same_base=True)
    save_modules(make_model(make_config(processor), seed=5).model, tmp_path)
    assert retrieval_size(tmp_path, same_base=True) == 0 and "trained on other weights" in capsys.readouterr().err
    with pytest.raises(ValueError, match="llamo init"):
        check_same_weights(other, tmp_path)
    assert set(load_file(tmp_path / "retrieval.safetensors")) == {
        f"model.retrieval.{n}" for n in model.model.retrieval.state_dict()
    }


def test_recall_and_chance():
    similarities = np.array([[0.9, 0.1, 0.0, 0.2], [0.1, 0.2, 0.8, 0.3], [0.5, 0.5, 0.5, 0.5]])
    relevant = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1]], dtype=bool)
    found = recall_at_k(similarities, relevant, ks=(1, 3, 10))
    assert found["recall@1"] == pytest.approx(1 / 3, abs=1e-4)  # ties are no hits
    assert found["recall@3"] == pytest.approx(1.0) and found["recall@10"] == 1.0
    assert found["chance@1"] == pytest.approx((0.25 + 0.25 + 0.5) / 3, abs=1e-4)
    with pytest.raises(ValueError, match="relevant"):
        recall_at_k(similarities, np.zeros_like(relevant))
    vectors = np.eye(3, dtype=np.float32)
    ways = both_ways(vectors[[0, 0, 1]], vectors[[0, 0, 1]], ["a", "a", "b"], ks=(1,))
    assert ways["text_to_motion"] == {"recall@1": 1.0, "chance@1": 0.5} and ways["motion_to_text"]["recall@1"] == 1.0


def test_procedural_pairs_say_what_happens():
    pairs = draw_pairs(3, seed=1)
    again = draw_pairs(3, seed=1)
    assert [pair.texts for pair in pairs] == [pair.texts for pair in again]
    assert all(pair.texts[0].startswith("The person") and pair.joints.shape[1:] == (22, 3) for pair in pairs)


def test_the_recipe_holds_settings_of_the_stage(root):
    recipe = read_recipe(root / "train" / "recipes" / "retrieval.yaml", ["num=8"])
    known = {action.dest for action in make_parser()._actions}
    assert recipe.pop("stage") == "retrieval" and set(recipe) <= known and recipe["num"] == 8


def test_eval_prints_recall_beside_chance(processor, tmp_path):
    checkpoint = tmp_path / "llamo"
    write_checkpoint(checkpoint, make_model(make_config(processor, retrieval_size=8)), processor)
    options = ["--limit", "6", "--out", str(tmp_path / "out"), "--device", "cpu"]
    done = CliRunner().invoke(app, ["eval", "retrieval", "--model", str(checkpoint), *options])
    assert done.exit_code == 0 and "text finds motion" in done.output, done.output
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    found = results["figures"]["procedural"]
    assert found["clips"] == 6 and found["text_to_motion"]["recall@10"] == 1.0 and found["motion_to_text"]["chance@1"] <= 0.5
    plain = tmp_path / "plain"
    write_checkpoint(plain, make_model(make_config(processor)), processor)
    done = CliRunner().invoke(app, ["eval", "retrieval", "--model", str(plain), "--out", str(tmp_path / "none")])
    assert done.exit_code == 2 and "has none" in done.output
