"""DPO through TRL's DPOTrainer with motion in the prompt."""

from importlib.metadata import version

import numpy as np
import pytest
import torch
from conftest import assistant, make_config, make_model, make_processor, make_walk, text_part
from datasets import Dataset
from peft import LoraConfig
from trl import DPOConfig, DPOTrainer

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.train.conversations import motion_part
from llamo.train.initialise import write_checkpoint
from llamo.train.preference_collator import PreferenceCollator


pytestmark = pytest.mark.skipif(tuple(map(int, version("trl").split(".")[:2])) < (1, 15), reason="trl before 1.15")


def row(seed: int, turns: int = 1) -> dict:
    prompt = [{"role": "user", "content": [motion_part(make_walk(40, seed=seed)), text_part("Which way?")]}]
    if turns == 2:
        prompt += [assistant("Left."), {"role": "user", "content": [text_part("And then?")]}]
    parts = lambda text: [{"role": "assistant", "content": [text_part(text)]}]  # noqa: E731
    prompt = [{**turn, "content": turn["content"]} for turn in prompt]
    return {"images": [], "prompt": prompt, "chosen": parts("Forward."), "rejected": parts("Not told.")}


def test_only_the_last_answer_counts():
    processor = make_processor()
    batch = PreferenceCollator(processor)([row(0, turns=2), row(1)])
    assert len(batch["input_ids"]) == 4 and len(batch["motion_values"]) == 4
    texts = [
        processor.tokenizer.decode(ids[mask == 1], skip_special_tokens=True).strip()
        for ids, mask in zip(batch["input_ids"], batch["completion_mask"])
    ]
    assert texts == ["Forward.", "Forward.", "Not told.", "Not told."]


def make_trainer(folder, **options) -> DPOTrainer:
    processor = make_processor()
    write_checkpoint(folder / "llamo", make_model(make_config(processor)), processor)
    config = DPOConfig(
        output_dir=str(folder / "out"), max_steps=6, learning_rate=0.02, per_device_train_batch_size=4, max_length=None,
        logging_steps=1, report_to="none", save_strategy="no", use_cpu=True, bf16=False, gradient_checkpointing=False,
    )  # fmt: skip
    targets = r".*language_model\..*\.(q_proj|v_proj|up_proj)"
    return DPOTrainer(
        LlamoForConditionalGeneration.from_pretrained(folder / "llamo"),
        args=config,
        train_dataset=Dataset.from_list([row(seed) for seed in range(4)]),
        processing_class=processor,
        peft_config=LoraConfig(r=4, target_modules=targets, modules_to_save=["talker"]),
        **options,
    )


def test_dpo_prefers_what_was_chosen(tmp_path):
    trainer = make_trainer(tmp_path, data_collator=PreferenceCollator(make_processor()))
    talker = "talker.modules_to_save.default.projector.linear_2.weight"
    before = next(p.detach().clone() for name, p in trainer.model.named_parameters() if name.endswith(talker))
    trainer.train()
    lines = [line for line in trainer.state.log_history if "loss" in line]
    assert lines[0]["loss"] == pytest.approx(float(np.log(2)), abs=0.01) and lines[-1]["loss"] < lines[0]["loss"] - 0.05
    assert lines[-1]["rewards/accuracies"] == 1 and lines[-1]["rewards/margins"] > 0.1
    after = next(p for name, p in trainer.model.named_parameters() if name.endswith(talker))
    assert torch.isfinite(after).all() and (after - before).abs().max() > 1e-4  # the motion path learns too


def test_the_stock_collator_does_not_leave_motion_out_silently(tmp_path):
    with pytest.raises(ValueError, match="motion"):
        make_trainer(tmp_path).train()
