"""`llamo memory`: sizes that follow from the model's, shares over GPUs, and what cannot be told."""

import pytest
from conftest import make_config, make_processor
from transformers import LlamaForCausalLM
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.train.memory import KNOWN, count_parameters, estimate, lora_parameters, read_config


@pytest.mark.parametrize(("name", "millions"), [("135M", 134.5), ("1.7B", 1711.4), ("7B", 6738.4)])
def test_parameters_are_those_of_the_published_models(name, millions):
    assert count_parameters(read_config(name)) / 1e6 == pytest.approx(millions, abs=0.1)


def test_lora_parameters_are_those_of_peft():
    from peft import LoraConfig, get_peft_model

    config = make_config(make_processor()).text_config
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    tuned = get_peft_model(LlamaForCausalLM(config), LoraConfig(r=4, target_modules=targets))
    assert lora_parameters(config, 4) == sum(p.numel() for p in tuned.parameters() if p.requires_grad)


def test_more_gpus_and_recomputing_need_less():
    whole = estimate("7B", lora_rank=0)
    assert whole.weights + whole.gradients + whole.optimizer == pytest.approx(18 * 6.75e9, rel=0.01)
    shared = estimate("7B", lora_rank=0, gpus=8, shard=True)
    assert shared.weights == pytest.approx(whole.weights / 8) and shared.activations == whole.activations
    assert estimate("7B", lora_rank=0, gpus=8).total == whole.total  # DDP shares the work, not the weights
    assert estimate("7B", recompute=True).activations < 0.5 * estimate("7B").activations
    assert estimate("7B", batch=4).activations == pytest.approx(estimate("7B").activations / 2)
    assert estimate("7B").total < 0.4 * whole.total  # LoRA


def test_command(tmp_path):
    done = CliRunner().invoke(app, ["memory"])
    assert done.exit_code == 0 and all(name in done.output for name in KNOWN), done.output
    make_config(make_processor()).text_config.save_pretrained(tmp_path)
    done = CliRunner().invoke(app, ["memory", "--base", str(tmp_path), "--gpus", "2", "--shard", "--lora-rank", "0"])
    assert done.exit_code == 0 and str(tmp_path)[:20] in done.output
    done = CliRunner().invoke(app, ["memory", "--base", str(tmp_path / "none")])
    assert done.exit_code == 2 and "Traceback" not in done.output
