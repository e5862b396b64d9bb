"""The loss of AnswerTrainer in one process: on answers alone, in the precision of the settings."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from conftest import assistant, encode, user

from llamo.train.answer_trainer import AnswerTrainer


def loss_under(model, inputs, precision) -> float:
    accelerator = SimpleNamespace(num_processes=1, unwrap_model=lambda wrapped: wrapped, autocast=precision)
    trainer = SimpleNamespace(accelerator=accelerator, in_pieces=False)
    with torch.no_grad():
        return float(AnswerTrainer.compute_loss(trainer, model, dict(inputs)))


def test_bfloat16_of_the_settings_reaches_the_model(model, processor):
    inputs = encode(processor, [user("How are you?"), assistant("Well.")])
    labels = inputs["input_ids"].clone()
    labels[:, :-4] = -100
    inputs["labels"] = labels
    whole = loss_under(model, inputs, nullcontext)
    half = loss_under(model, inputs, lambda: torch.autocast("cpu", torch.bfloat16))
    assert half != whole and half == pytest.approx(whole, rel=0.02)
