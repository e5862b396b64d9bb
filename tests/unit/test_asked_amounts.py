"""The number that a question asks for, kept in tuning: read off the answers, in the order of the model's pairs."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import assistant, encode, make_walk, motion_part, user

from llamo.train.answer_trainer import AnswerTrainer
from llamo.train.asked_amounts import AMOUNTS, WithAmounts, amount_loss, amount_of, amounts_of


@pytest.mark.parametrize(
    ("kind", "answer", "amount"),
    [
        ("count", "The person does 4 squats.", 4),
        ("count", "The person jumps twice.", 2),
        ("distance", "0 metres: the person stays in place.", 0),
        ("duration", "About 9 seconds.", 9),
        ("angle", "By about 225 degrees to the left.", 5),
        ("angle", "The person does not turn.", 0),
        ("side", "The left hand, of 2.", None),
        ("choice", "4 (B).", None),
    ],
)
def test_the_number_that_an_answer_says(kind, answer, amount):
    found = amount_of(kind, answer)
    assert np.isnan(found) if amount is None else found == amount


def test_pairs_stand_in_the_models_order(model, processor):
    walk, count = motion_part(make_walk(60)), "How many steps?"
    rows = [
        {"messages": [user(walk, count), assistant("6."), user("Why?"), assistant("Who knows.")], "kinds": ["count", "action"]},
        {"messages": [user("Hello!"), assistant("Hello!")], "kinds": ["text"]},
        {"messages": [user(walk, motion_part(make_walk(30)), count), assistant("9 steps.")], "kinds": ["count"]},
        {"messages": [user(walk, "How long?"), assistant("About 3 seconds.")], "kinds": ["duration"]},
    ]  # fmt: skip
    assert np.array_equal(amounts_of(rows[0]), [6, np.nan], equal_nan=True) and amounts_of(rows[1]) == []
    collate = WithAmounts(lambda rows: dict(encode(processor, [row["messages"] for row in rows])))
    batch = collate(rows)
    wanted = batch.pop(AMOUNTS)
    assert np.array_equal(wanted.numpy(), [6, np.nan, np.nan, np.nan, 3], equal_nan=True)
    told = []
    handle = model.model.talker.amount.register_forward_pre_hook(lambda module, arguments: told.append(arguments[0]))
    with torch.no_grad():
        model(**batch)
    handle.remove()
    assert told[0].shape == wanted.shape
    assert AMOUNTS not in collate(rows[1:2])


def test_the_loss_teaches_the_number_alone(model, processor):
    row = {"messages": [user(motion_part(make_walk(60)), "How many?"), assistant("7.")], "kinds": ["count"]}
    inputs = WithAmounts(lambda rows: dict(encode(processor, [rows[0]["messages"]])))([row])
    inputs["labels"] = inputs["input_ids"].clone()
    accelerator = SimpleNamespace(num_processes=1, unwrap_model=lambda wrapped: wrapped, autocast=nullcontext)

    def loss(weight):
        trainer = SimpleNamespace(accelerator=accelerator, in_pieces=False, amount_weight=weight)
        return AnswerTrainer.compute_loss(trainer, model, dict(inputs))

    assert loss(2.0).item() > loss(1.0).item() > loss(0.0).item()
    optimizer = torch.optim.Adam(model.model.talker.amount.parameters(), lr=0.02)
    before = (loss(1.0) - loss(0.0)).item()
    for _ in range(40):
        optimizer.zero_grad()
        (loss(1.0) - loss(0.0)).backward()
        optimizer.step()
    assert (loss(1.0) - loss(0.0)).item() < 0.2 * before


def test_no_number_no_loss():
    told = torch.ones(2, requires_grad=True)
    assert float(amount_loss(told, torch.full((2,), float("nan")))) == 0.0
    off = [float(amount_loss(torch.tensor([value]), torch.tensor([8.0]))) for value in (8.0, 9.0, 12.0)]
    assert off[0] == 0.0 < off[1] < off[2]
