"""`llamo init`: complete or not at all, and never over something else."""

import json
import shutil

import pytest
import torch
from conftest import encode, make_tokenizer, make_walk, motion_part, user
from transformers import LlamaConfig, LlamaForCausalLM

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.processing.processing_llamo import LlamoProcessor
from llamo.train import initialise
from llamo.train.export_weights import save_modules
from llamo.train.initialise import assemble


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny language model that knows neither placeholders nor, until `llamo init`, any motion."""
    folder = tmp_path_factory.mktemp("base")
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def empty(tmp_path):
    folder = tmp_path / "no_weights"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def no_download(monkeypatch):
    """The Motion Estimator's networks come from a package index; a folder stands for them."""
    monkeypatch.setattr(initialise, "assemble_estimator", lambda folder: folder.mkdir())


def test_an_assembled_checkpoint_answers(base, empty, tmp_path):
    out = assemble(tmp_path / "made", base=base, weights=empty)
    model = LlamoForConditionalGeneration.from_pretrained(out)
    processor = LlamoProcessor.from_pretrained(out)
    assert model.config.instruction_start_token_ids == processor.instruction_start_token_ids
    inputs = encode(processor, [user(motion_part(make_walk(40)), "What?")], add_generation_prompt=True)
    output = model.generate(**inputs, max_new_tokens=3)
    assert model.config.motion_token_id not in output[0, inputs["input_ids"].shape[1] :].tolist()
    assert (out / "motion_estimator").is_dir()
    assert (out / "LICENSE").is_file() and (out / "NOTICE").is_file() and "{{" not in (out / "README.md").read_text()
    before = LlamaForCausalLM.from_pretrained(base)
    assert torch.equal(model.model.language_model.layers[0].mlp.up_proj.weight, before.model.layers[0].mlp.up_proj.weight)


def test_repeated_and_interrupted_runs(base, empty, tmp_path, monkeypatch):
    out = assemble(tmp_path / "made", base=base, weights=empty)
    first = (out / "config.json").read_bytes()
    assert assemble(out, base=base, weights=empty) == out

    def broken(*arguments, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(initialise, "write_card", broken)
    with pytest.raises(KeyboardInterrupt):
        assemble(out, base=base, weights=empty)
    assert (out / "config.json").read_bytes() == first
    with pytest.raises(KeyboardInterrupt):
        assemble(tmp_path / "other", base=base, weights=empty)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "no_weights"]


def test_foreign_folders_are_left_alone(base, empty, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="Move it away"):
        assemble(folder, base=base, weights=empty)
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_trained_modules_survive_a_round_trip(base, empty, tmp_path):
    out = assemble(tmp_path / "made", base=base, weights=empty)
    model = LlamoForConditionalGeneration.from_pretrained(out)
    with torch.no_grad():
        model.model.motion_tower.merge.bias.fill_(0.25)
    weights = tmp_path / "weights"
    save_modules(model.model, weights)
    (weights / "config.json").write_text(json.dumps({"motion_config": {"hidden_size": 320}}))
    again = LlamoForConditionalGeneration.from_pretrained(assemble(tmp_path / "b", base=base, weights=weights))
    # Another base than the default: the tower is taken over, what depends on the language model is not.
    assert torch.equal(again.model.motion_tower.merge.bias, model.model.motion_tower.merge.bias)
    (weights / "config.json").write_text(json.dumps({"motion_config": {"hidden_size": 64}}))
    with pytest.raises(ValueError, match="shape"):
        assemble(tmp_path / "c", base=base, weights=weights)
    assert not (tmp_path / "c").exists()
    shutil.rmtree(weights)
    with pytest.raises(FileNotFoundError):
        assemble(tmp_path / "d", base=base, weights=weights)
