"""`llamo merge`, and an adapter folder loaded by PEFT alone."""

import json
import subprocess
import sys

import pytest
import torch
from conftest import encode, make_config, make_model, make_processor, make_walk, motion_part, user
from peft import LoraConfig, get_peft_model
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.train.initialise import write_checkpoint
from llamo.train.merge_adapter import merge_adapter


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A base checkpoint, an adapter with LoRA and a whole Cross Talker, and the logits that both together give."""
    folder = tmp_path_factory.mktemp("merge")
    processor = make_processor()
    write_checkpoint(folder / "base", make_model(make_config(processor)), processor)
    model = LlamoForConditionalGeneration.from_pretrained(folder / "base")
    targets = r".*language_model\..*\.(q_proj|v_proj|up_proj)"
    # As trl does; without the task PEFT would ask for our package when it loads.
    lora = LoraConfig(r=4, target_modules=targets, modules_to_save=["talker"], task_type="CAUSAL_LM")
    tuned = get_peft_model(model, lora)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in tuned.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.05)
    tuned.save_pretrained(folder / "adapter")
    inputs = encode(processor, [user(motion_part(make_walk(40)), "What?")], add_generation_prompt=True)
    return folder, inputs, tuned.eval()(**inputs).logits.detach()


def test_the_merged_checkpoint_is_base_and_adapter(home, tmp_path):
    folder, inputs, expected = home
    done = CliRunner().invoke(app, ["merge", str(folder / "adapter"), "--out", str(tmp_path / "merged")])
    assert done.exit_code == 0 and "llamo ask --model" in done.output, done.output
    merged = LlamoForConditionalGeneration.from_pretrained(tmp_path / "merged").eval()
    assert torch.allclose(merged(**inputs).logits, expected, atol=1e-4)
    plain = LlamoForConditionalGeneration.from_pretrained(folder / "base").eval()
    assert not torch.allclose(plain(**inputs).logits, expected, atol=1e-2)
    held = {path.name for path in (tmp_path / "merged").iterdir()}
    assert {"modeling_llamo.py", "processing_llamo.py", "model.safetensors", "chat_template.jinja"} <= held
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]


def test_bad_folders_change_nothing(home, tmp_path):
    folder, _, _ = home
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").write_text("mine")
    (tmp_path / "moved").mkdir()
    told = json.loads((folder / "adapter" / "adapter_config.json").read_text())
    (tmp_path / "moved" / "adapter_config.json").write_text(json.dumps({**told, "base_model_name_or_path": "/nowhere"}))
    for adapter, out, message in (
        (folder / "base", "new", "adapter_config.json"),
        (folder / "adapter", "used", "in use"),
        (tmp_path / "moved", "new", "--base"),
    ):
        with pytest.raises(ValueError, match=message):
            merge_adapter(adapter, tmp_path / out)
    other = make_processor()
    config = make_config(other)
    config.text_config.num_hidden_layers = 1
    write_checkpoint(tmp_path / "other", make_model(config), other)
    with pytest.raises(ValueError, match="does not fit"):
        merge_adapter(folder / "adapter", tmp_path / "new", tmp_path / "other")
    assert not (tmp_path / "new").exists() and [path.name for path in (tmp_path / "used").iterdir()] == ["mine.txt"]


LOAD = """
import sys, torch
from peft import AutoPeftModelForCausalLM
model = AutoPeftModelForCausalLM.from_pretrained(sys.argv[1], trust_remote_code=True).eval()
inputs = torch.load(sys.argv[2], weights_only=True)
torch.save(model(**inputs).logits, sys.argv[3])
print(type(model.get_base_model()).__module__, type(model.get_base_model()).__name__)
"""


def test_peft_loads_the_adapter_by_itself(home, tmp_path):
    folder, inputs, expected = home
    torch.save(dict(inputs), tmp_path / "inputs.pt")
    command = [sys.executable, "-c", LOAD, str(folder / "adapter"), str(tmp_path / "inputs.pt"), str(tmp_path / "logits.pt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    # The checkpoint's own code, not the installed one.
    assert done.stdout.startswith("transformers_modules.") and "LlamoForConditionalGeneration" in done.stdout
    assert torch.allclose(torch.load(tmp_path / "logits.pt", weights_only=True), expected, atol=1e-4)
