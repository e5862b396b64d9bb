"""The assembled folder, loaded where `llamo` cannot be imported: what users of the Hub get."""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from conftest import encode, make_config, make_model, make_processor, make_walk, motion_part, user

from llamo.train.initialise import write_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub") / "llamo"
    processor = make_processor()
    model = make_model(make_config(processor))
    write_checkpoint(folder, model, processor)
    return folder, model, processor


def run_elsewhere(code: str, folder, tmp_path) -> str:
    """Runs code in a Python that cannot see the installed `llamo`, in a folder that holds the checkpoint as `llamo`."""
    (tmp_path / "llamo").symlink_to(folder)
    blocker = """
        import importlib.abc, sys
        class Blocker(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == "llamo":
                    raise ImportError("llamo is not installed here")
        sys.meta_path.insert(0, Blocker())
    """
    script = textwrap.dedent(blocker) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_files_are_byte_identical(checkpoint, root):
    folder, _, _ = checkpoint
    for source in [*(root / "modeling_llamo").glob("*.py"), *(root / "processing").glob("*.py")]:
        assert (folder / source.name).read_bytes() == source.read_bytes()
    auto_map = json.loads((folder / "config.json").read_text())["auto_map"]
    assert {"AutoConfig", "AutoModel", "AutoModelForImageTextToText", "AutoModelForCausalLM"} <= set(auto_map)


def test_auto_classes_give_the_same_logits(checkpoint, tmp_path):
    folder, model, processor = checkpoint
    walk = make_walk(50)
    np.savez(tmp_path / "walk.npz", joints=walk, fps=np.float32(20))
    code = """
        from transformers import AutoModel, AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor
        AutoModel.from_pretrained("llamo", trust_remote_code=True)
        AutoModelForCausalLM.from_pretrained("llamo", trust_remote_code=True)
        processor = AutoProcessor.from_pretrained("llamo", trust_remote_code=True)
        assert type(processor).__name__ == "LlamoProcessor", type(processor)
        model = AutoModelForImageTextToText.from_pretrained("llamo", trust_remote_code=True)
        chat = [{"role": "user", "content": [{"type": "motion", "path": "walk.npz"}, {"type": "text", "text": "How far?"}]}]
        options = {"add_generation_prompt": True, "tokenize": True, "return_dict": True, "return_tensors": "pt"}
        inputs = processor.apply_chat_template(chat, **options)
        print(processor.batch_decode(model.generate(**inputs, max_new_tokens=4)[:, inputs["input_ids"].shape[1]:])[0])
        from safetensors.torch import save_file
        save_file({"logits": model(**inputs).logits.detach()}, "logits.safetensors")
    """
    run_elsewhere(code, folder, tmp_path)
    from safetensors.torch import load_file

    inputs = encode(processor, [user(motion_part(walk), "How far?")], add_generation_prompt=True)
    torch.testing.assert_close(
        load_file(tmp_path / "logits.safetensors")["logits"], model(**inputs).logits, atol=1e-4, rtol=1e-4
    )


def test_peft_is_imported_by_whoever_adapts_and_knows_what(checkpoint, tmp_path):
    folder, _, _ = checkpoint
    code = """
        from transformers import AutoModelForImageTextToText
        model = AutoModelForImageTextToText.from_pretrained("llamo", trust_remote_code=True)
        assert "peft" not in sys.modules
        from peft import LoraConfig, get_peft_model
        adapted = [name for name, _ in get_peft_model(model, LoraConfig()).named_parameters() if "lora_A" in name]
        assert any("language_model" in name for name in adapted) and any(".talker." in name for name in adapted), adapted
        assert not any("motion_tower" in name for name in adapted), adapted
    """
    run_elsewhere(code, folder, tmp_path)


def test_what_was_saved_can_be_saved_again(checkpoint, tmp_path):
    folder, _, _ = checkpoint
    code = """
        from transformers import AutoModelForImageTextToText, AutoProcessor
        model = AutoModelForImageTextToText.from_pretrained("llamo", trust_remote_code=True)
        model.save_pretrained("again")
        AutoProcessor.from_pretrained("llamo", trust_remote_code=True).save_pretrained("again")
        AutoModelForImageTextToText.from_pretrained("again", trust_remote_code=True)
        assert type(AutoProcessor.from_pretrained("again", trust_remote_code=True)).__name__ == "LlamoProcessor"
    """
    run_elsewhere(code, folder, tmp_path)
