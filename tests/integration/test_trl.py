"""Stock `trl sft` trains on motion, with and without PEFT; without an `images` column it stops and says what to do."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import assistant, encode, make_config, make_model, make_processor, make_walk, text_part, user
from safetensors.torch import load_file
from video_samples import numbered_frames, write_video

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.processing.video_motion_llamo import CACHE_VARIABLE, VideoMotions
from llamo.train.conversations import motion_part
from llamo.train.initialise import write_checkpoint


# trl needs Python 3.11 from this version on, in which media and --assistant_only_loss first go together.
pytestmark = pytest.mark.skipif(tuple(map(int, version("trl").split(".")[:2])) < (1, 15), reason="trl before 1.15")
PROJECTOR = "model.talker.projector.linear_2.weight"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trl") / "llamo"
    processor = make_processor()
    write_checkpoint(folder, make_model(make_config(processor)), processor)
    return folder


def write_rows(folder, images: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(8):
        path = folder / f"{index}.npz"
        path.write_bytes(motion_part(make_walk(24 + 8 * index, seed=index))["bytes"])
        content = [{"type": "motion", "path": str(path)}, text_part("How far?")]
        if index % 3 == 1:
            content = [text_part("Hello")]
        row = {"messages": [{"role": "user", "content": content}, assistant("Far away.")]}
        rows.append({"images": [], **row} if images else row)
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))


def trl_sft(checkpoint, data, out, *flags) -> subprocess.CompletedProcess:
    command = [str(Path(sys.executable).with_name("trl")), "sft"]
    command += ["--model_name_or_path", str(checkpoint), "--dataset_name", str(data), "--trust_remote_code"]
    command += ["--assistant_only_loss", "True", "--max_length", "None", "--max_steps", "2", "--output_dir", str(out)]
    command += ["--per_device_train_batch_size", "4", "--report_to", "none", "--learning_rate", "0.01", "--use_cpu"]
    command += ["--bf16", "False", *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def test_stock_trl_trains_the_motion_path(checkpoint, tmp_path):
    write_rows(tmp_path / "data")
    done = trl_sft(checkpoint, tmp_path / "data", tmp_path / "out")
    assert done.returncode == 0, done.stderr[-3000:]
    before, after = load_file(checkpoint / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    assert (before[PROJECTOR] - after[PROJECTOR]).abs().max() > 1e-4
    assert (before["model.motion_tower.merge.weight"] - after["model.motion_tower.merge.weight"]).abs().max() > 1e-5
    # The output can be asked ...
    trained = LlamoForConditionalGeneration.from_pretrained(tmp_path / "out")
    processor = make_processor()
    inputs = encode(processor, [user({"type": "motion", "path": str(tmp_path / "data" / "0.npz")}, "How far?")])
    assert torch.isfinite(trained(**inputs).logits).all()
    # ... and trained again.
    done = trl_sft(tmp_path / "out", tmp_path / "data", tmp_path / "again")
    assert done.returncode == 0, done.stderr[-3000:]


def test_stock_trl_with_peft(checkpoint, tmp_path):
    write_rows(tmp_path / "data")
    done = trl_sft(checkpoint, tmp_path / "data", tmp_path / "out", "--use_peft", "--lora_modules_to_save", "talker")
    assert done.returncode == 0, done.stderr[-3000:]
    adapter = load_file(tmp_path / "out" / "adapter_model.safetensors")
    before = load_file(checkpoint / "model.safetensors")
    (name,) = [name for name in adapter if name.endswith(PROJECTOR.removeprefix("model."))]
    assert (adapter[name] - before[PROJECTOR]).abs().max() > 1e-4
    assert any("language_model" in name and "lora_B" in name for name in adapter)


def test_without_an_images_column_trl_stops_and_says_so(checkpoint, tmp_path):
    write_rows(tmp_path / "data", images=False)
    done = trl_sft(checkpoint, tmp_path / "data", tmp_path / "out")
    assert done.returncode != 0
    assert "images" in done.stderr


def test_our_recipe_runs_with_stock_trl(checkpoint, tmp_path):
    write_rows(tmp_path / "data")
    recipe = Path(__file__).parents[2] / "train" / "recipes" / "instruct.yaml"
    done = trl_sft(
        checkpoint, tmp_path / "data", tmp_path / "out", "--config", str(recipe), "--train_sampling_strategy", "random"
    )
    assert done.returncode == 0, done.stderr
    trained = load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert any("talker.projector" in name for name in trained) and any("lora_B" in name for name in trained)


def test_stock_trl_trains_on_videos_in_worker_processes(checkpoint, tmp_path, monkeypatch):
    """Videos without motions, by their estimated motions; these are kept on disk, where the workers find them."""
    folder = tmp_path / "checkpoint"
    shutil.copytree(checkpoint, folder)
    (folder / "motion_estimator").mkdir(exist_ok=True)
    (folder / "motion_estimator" / "config.json").write_text("{}")

    def estimate(source, person=None, box=None):
        return SimpleNamespace(joints=make_walk(40), fps=20.0, contacts=np.zeros((40, 4)), start=0.0, report={"coverage": 1.0})

    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    motions = VideoMotions(str(folder), estimator=SimpleNamespace(estimate=estimate))
    rows = []
    for index in range(4):
        path = write_video(tmp_path / f"{index}.mp4", numbered_frames(20 + index))
        motions.read({"path": path})
        content = [{"type": "video", "path": path}, text_part("How far?")]
        rows.append({"images": [], "messages": [{"role": "user", "content": content}, assistant("Far away.")]})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = trl_sft(folder, tmp_path / "data", tmp_path / "out", "--dataloader_num_workers", "1")
    assert done.returncode == 0, done.stderr[-3000:]
    before, after = load_file(folder / "model.safetensors"), load_file(tmp_path / "out" / "model.safetensors")
    assert (before[PROJECTOR] - after[PROJECTOR]).abs().max() > 1e-4
    assert (tmp_path / "out" / "motion_estimator" / "config.json").is_file()
