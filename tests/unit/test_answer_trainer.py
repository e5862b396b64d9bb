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


def test_parts_are_clipped_on_their_own(model):
    """A steep loss on numbers takes nothing from what the language model learns."""
    clip = torch.nn.utils.clip_grad_norm_
    accelerator = SimpleNamespace(num_processes=1, clip_grad_norm_=clip)
    trainer = SimpleNamespace(accelerator=accelerator, in_pieces=False, args=SimpleNamespace(max_grad_norm=1.0))
    steep, talker = model.model.talker.amount.linear_2.bias, model.model.talker.projector.linear_2.bias
    head = model.lm_head.weight
    model.zero_grad()
    try:
        for parameter, size in ((steep, 100.0), (talker, 0.01), (head, 0.001)):
            parameter.grad = torch.full_like(parameter, size)
        before = {id(parameter): parameter.grad.clone() for parameter in (talker, head)}
        norm = AnswerTrainer._clip_grad_norm(trainer, model)
        assert float(norm) == pytest.approx(100.0 * steep.numel() ** 0.5, rel=1e-4)
        assert float(steep.grad.norm()) == pytest.approx(1.0, rel=1e-3)
        assert all(torch.equal(parameter.grad, before[id(parameter)]) for parameter in (talker, head))
    finally:
        model.zero_grad()
