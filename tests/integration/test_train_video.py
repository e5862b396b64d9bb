"""`llamo train train/recipes/video.yaml`: the enhancer learns from rows with video, and motion alone is read without it."""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import encode, make_config, make_model, make_processor, make_walk, motion_part, user
from safetensors.torch import load_file

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.processing.processing_llamo import LlamoProcessor
from llamo.processing.video_processing_llamo import LlamoFrameProcessor
from llamo.train.initialise import write_checkpoint
from llamo.train.make_data import DataPlan, make_data
from llamo.train.recipe import read_recipe, run_recipe


pytestmark = pytest.mark.skipif(tuple(map(int, version("trl").split(".")[:2])) < (1, 15), reason="trl before 1.15")
RECIPE = Path(__file__).parents[2] / "train" / "recipes" / "video.yaml"
TOWER = {
    "model_type": "swin", "image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2],
    "window_size": 4,
}  # fmt: skip


def test_the_enhancer_learns_and_motion_alone_stays_without_it(tmp_path):
    processor = make_processor()
    processor.frame_processor = LlamoFrameProcessor(image_size=32, num_frames=3)
    model = make_model(make_config(processor, vision_config=TOWER), open_gates=False)
    write_checkpoint(tmp_path / "start", model, processor)
    plan = DataPlan(num=16, num_validation=4, seed=2, rows_per_shard=16, recorded_share=0.0, video_share=0.8, video_size=32)
    make_data(plan, tmp_path / "rows")
    recipe = read_recipe(RECIPE, [f"dataset_name={tmp_path / 'rows'}", f"model_name_or_path={tmp_path / 'start'}"])
    recipe |= {"output_dir": str(tmp_path / "out"), "weights_out": str(tmp_path / "weights"), "start_from": None}
    recipe |= {"max_steps": 4, "per_device_train_batch_size": 8, "warmup_steps": 0, "logging_steps": 1, "lora_r": 2}
    recipe |= {"learning_rate": 0.01, "talker_learning_rate": 0.01, "validation_rows": 4, "validation_steps": 4}
    assert "checkpoint in" in run_recipe(recipe)

    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("start", "out"))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "model.enhancer.gate" in changed and "model.enhancer.video_proj.weight" in changed
    assert any(name.startswith("model.talker.") for name in changed)
    assert any(name.startswith("model.language_model.") for name in changed)
    assert not any(name.startswith(("model.vision_tower.", "model.motion_tower.")) for name in changed)
    kept = load_file(tmp_path / "weights" / "enhancer.safetensors")
    assert torch.allclose(kept["model.enhancer.gate"].float(), after["model.enhancer.gate"], atol=1e-3)
    lines = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert all(np.isfinite(line["loss"]) for line in lines if "loss" in line)

    trained, reader = (
        LlamoForConditionalGeneration.from_pretrained(tmp_path / "out"),
        LlamoProcessor.from_pretrained(tmp_path / "out"),
    )
    motion = motion_part(make_walk(40))
    video = {"type": "video", "video": np.random.default_rng(0).integers(0, 255, (9, 32, 32, 3)).astype(np.uint8), "fps": 5}
    with torch.no_grad():
        alone, beside = (trained(**encode(reader, [user(*media, "What?")])).logits for media in ((motion,), (motion, video)))
        assert not torch.equal(alone, beside)
        trained.model.enhancer = trained.model.vision_tower = None
        assert torch.equal(trained(**encode(reader, [user(motion, "What?")])).logits, alone)
