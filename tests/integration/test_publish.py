"""`llamo export` and `llamo push`: the right files in one commit, against a Hub on this machine."""

import copy
import json
import re
import shutil
import subprocess
import sys
import textwrap

import pytest
from demo_samples import demo_module, write_tiny_checkpoint
from fake_hub import fake_hub
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.train.initialise import AUTO_MAP
from llamo.train.publish import Upload, export_adapter, export_model, export_space, push


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = write_tiny_checkpoint(tmp_path_factory.mktemp("publish") / "trained")
    # What training leaves behind, and what a stock save_pretrained lacks.
    for name in ("optimizer.pt", "training_args.bin", "trainer_state.json", "log.jsonl"):
        (folder / name).write_bytes(b"junk")
    (folder / "checkpoint-10").mkdir()
    (folder / "checkpoint-10" / "config.json").write_text("{}")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"].pop("AutoModel")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "kinematics_llamo.py").write_text("# an older version\n")
    return folder


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with fake_hub() as (hub, address):
        yield hub, address


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_an_exported_checkpoint_is_whole_and_holds_nothing_else(checkpoint, tmp_path, root):
    done = run("export", tmp_path / "out", "--model", checkpoint)
    assert done.exit_code == 0, done.output
    out = tmp_path / "out"
    assert json.loads((out / "config.json").read_text())["auto_map"] == AUTO_MAP
    for folder in ("modeling_llamo", "processing"):
        for source in (root / folder).glob("*.py"):
            assert (out / source.name).read_bytes() == source.read_bytes()
    found = names(out)
    assert {"model.safetensors", "tokenizer.json", "processor_config.json", "README.md", "LICENSE", "NOTICE"} <= found
    assert not any(name.endswith((".pt", ".bin", ".jsonl")) or "checkpoint-" in name or "trainer" in name for name in found)
    export_model(checkpoint, out)  # replaces its own
    assert names(out) == found


def test_the_exported_checkpoint_loads(checkpoint, tmp_path):
    assistant = demo_module("assistant").Assistant(str(export_model(checkpoint, tmp_path / "out")))
    assert type(assistant.processor).__name__ == "LlamoProcessor"


ASK = """
    from transformers import AutoModel, AutoModelForImageTextToText, AutoProcessor
    AutoModel.from_pretrained("out", trust_remote_code=True)
    processor = AutoProcessor.from_pretrained("out", trust_remote_code=True)
    model = AutoModelForImageTextToText.from_pretrained("out", trust_remote_code=True)
    chat = [{"role": "user", "content": [{"type": "motion", "path": "squats.bvh"}, {"type": "text", "text": "How many?"}]}]
    options = dict(add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt")
    inputs = processor.apply_chat_template(chat, **options)
    print(model.generate(**inputs, max_new_tokens=8, do_sample=False)[0, inputs["input_ids"].shape[1]:].tolist())
"""


@pytest.mark.slow
@pytest.mark.parametrize("version", ["pinned", "newest"])
def test_the_exported_folder_loads_in_an_empty_environment(checkpoint, tmp_path, root, version):
    """With what its files import and nothing else; it answers as it does here."""
    export_model(checkpoint, tmp_path / "out")
    shutil.copy(root / "examples" / "squats.bvh", tmp_path)
    constraints = (root / "constraints.txt").read_text(encoding="utf-8")
    python = tmp_path / "env" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pinned = ["-c", root / "constraints.txt"] if version == "pinned" else []
    for command in (
        [sys.executable, "-m", "venv", tmp_path / "env"],
        [*pip, re.search(r"^torch==\S+", constraints, re.MULTILINE)[0]],
        [*pip, *pinned, "transformers>=5.20,<6", "numpy", "safetensors", "scipy", "jinja2"],
    ):
        subprocess.run(command, check=True, cwd=tmp_path)
    code = textwrap.dedent(ASK)
    answers = [
        subprocess.run([each, "-c", code], check=True, cwd=tmp_path, capture_output=True, text=True).stdout.splitlines()[-1]
        for each in (python, sys.executable)
    ]
    assert answers[0] == answers[1] and answers[0] != "[]"
    listed = subprocess.run([python, "-m", "pip", "list"], check=True, capture_output=True, text=True).stdout
    assert not re.search(r"^(llamo|peft|trl|gradio)\b", listed, re.MULTILINE)


def test_only_the_adapter(checkpoint, tmp_path):
    with pytest.raises(ValueError, match="adapter_config"):
        export_adapter(checkpoint, tmp_path / "out")
    (tmp_path / "trained" / "adapter").mkdir(parents=True)
    (tmp_path / "trained" / "adapter" / "adapter_config.json").write_text('{"base_model_name_or_path": "me/base"}')
    (tmp_path / "trained" / "adapter" / "adapter_model.safetensors").write_bytes(b"weights")
    out = export_adapter(tmp_path / "trained", tmp_path / "out")
    assert names(out) == {"adapter_config.json", "adapter_model.safetensors", "README.md", "LICENSE", "NOTICE"}
    assert "base_model: me/base" in (out / "README.md").read_text(encoding="utf-8")


def test_an_exported_space_is_whole_and_knows_its_checkpoint(tmp_path, root):
    out = export_space(tmp_path / "space", "me/llamo")
    wanted = {path.relative_to(root / "spaces_demo").as_posix() for path in (root / "spaces_demo").rglob("*") if path.is_file()}
    wanted = {name for name in wanted if "__pycache__" not in name}
    assert names(out) - {"examples/squats.bvh", "examples/wave_then_walk.npz"} == wanted
    app_module = pytest.importorskip("gradio") and demo_module("app")
    assert app_module.first_model((out / "README.md").read_text(encoding="utf-8")) == "me/llamo"


def test_refusals(checkpoint, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    for arguments in (
        ["export", tmp_path / "full", "--model", checkpoint],
        ["export", tmp_path / "full", "--space"],
        ["export", tmp_path / "out", "--model", tmp_path / "full"],
        ["export", tmp_path / "out", "--space", "--adapter-only"],
        ["export", checkpoint, "--model", checkpoint],
        ["push", "no-owner", "--model", checkpoint],
        ["push", "me/llamo", "--model", checkpoint, "--dataset", tmp_path / "full"],
    ):
        done = run(*arguments)
        assert done.exit_code == 2 and "Expected" in done.output, done.output
    assert names(tmp_path / "full") == {"thesis.txt"} and not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")], "nothing half built is left"


def test_a_dry_run_sends_nothing(checkpoint, hub):
    held, address = hub
    done = run("push", "me/llamo", "--model", checkpoint, "--space", "--endpoint", address, "--dry-run")
    assert done.exit_code == 0 and "  model.safetensors" in done.output and "  app.py" in done.output, done.output
    assert not held.repositories


def test_push_makes_one_commit_of_each_and_again_replaces_what_is_outdated(checkpoint, hub, tmp_path):
    held, address = hub
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.parquet").write_bytes(b"PAR1")
    (tmp_path / "data" / ".cut_off").write_bytes(b"x")
    command = ["push", "me/llamo", "--model", checkpoint, "--private", "--space", "--dataset", tmp_path / "data"]
    done = run(*command, "--endpoint", address)
    assert done.exit_code == 0, done.output
    assert set(held.repositories) == {("model", "me/llamo"), ("dataset", "me/llamo-data"), ("space", "me/llamo-demo")}
    assert all(each["private"] and len(each["commits"]) == 1 for each in held.repositories.values())
    model = held.repositories["model", "me/llamo"]["files"]
    export_model(checkpoint, tmp_path / "out")
    assert {path: data for path, data in model.items() if path != ".gitattributes"} == {
        path: (tmp_path / "out" / path).read_bytes() for path in names(tmp_path / "out")
    }
    assert set(held.repositories["dataset", "me/llamo-data"]["files"]) == {"train.parquet"}
    assert "models:\n- me/llamo\n" in held.repositories["space", "me/llamo-demo"]["files"]["README.md"].decode()
    model["old_llamo.py"] = b"outdated"
    assert run("push", "me/llamo", "--model", checkpoint, "--endpoint", address).exit_code == 0
    assert "old_llamo.py" not in held.repositories["model", "me/llamo"]["files"]


def test_a_failed_upload_changes_nothing_and_the_next_goes_on(checkpoint, hub):
    held, address = hub
    command = ["push", "me/llamo", "--model", checkpoint, "--endpoint", address]
    held.fail_commits = 1
    done = run(*command)
    assert done.exit_code == 1 and "disk of the Hub is full" in done.output and "Traceback" not in done.output
    assert held.repositories["model", "me/llamo"]["files"] == {} and held.repositories["model", "me/llamo"]["commits"] == []
    sent = held.sent
    assert sent and run(*command).exit_code == 0
    assert held.sent == sent, "what was sent is not sent again"
    assert "model.safetensors" in held.repositories["model", "me/llamo"]["files"]


def test_many_files_are_one_commit_with_xet_too(hub, tmp_path, monkeypatch):
    """huggingface_hub's `upload_folder` makes a commit of every few hundred files where it has Xet, as by default."""
    held, address = hub
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
    for index in range(300):
        (tmp_path / f"walk{index}.npy").write_bytes(str(index).encode())
    push(Upload("me/data", "dataset", tmp_path), private=True, endpoint=address)
    repository = held.repositories["dataset", "me/data"]
    assert len(repository["files"]) == 300 and len(repository["commits"]) == 1


def test_an_upload_that_breaks_off_leaves_what_was_there_and_the_next_sends_the_rest(checkpoint, hub, tmp_path):
    held, address = hub
    command = ["push", "me/llamo", "--endpoint", address, "--model"]
    assert run(*command, checkpoint).exit_code == 0
    before, sent = copy.deepcopy(held.repositories), held.sent
    changed = shutil.copytree(checkpoint, tmp_path / "changed")
    for number in (1, 2):
        (changed / f"part-{number}.safetensors").write_bytes(bytes([number]) * 100)
    held.fail_uploads = 1
    done = run(*command, changed)
    assert done.exit_code == 1 and "No file was changed there" in done.output and "Traceback" not in done.output
    assert held.repositories == before
    assert run(*command, changed).exit_code == 0
    assert held.sent == sent + 2, "each of the two is sent once"
    now = held.repositories["model", "me/llamo"]
    assert len(now["commits"]) == 2 and now["files"]["part-2.safetensors"] == bytes([2]) * 100
