"""Answers with another number: only where the sentence fits it, and the model is told the number that is said."""

import pytest
import torch
from conftest import assistant, encode, make_walk, motion_part, user

from llamo.train.asked_amounts import AMOUNTS, WithAmounts, amount_of, amounts_told, text_of
from llamo.train.other_numbers import NEAR, TOLD, OtherNumbers, can_change


def row(kind, answer, *further):
    return {"messages": [user(motion_part(make_walk(40)), "How many?"), assistant(answer), *further], "kinds": [kind]}


@pytest.mark.parametrize(
    ("kind", "answer", "fits"),
    [
        ("count", "The person does 4 squats.", True),
        ("count", "The person does 0 jumps.", True),
        ("count", "The person does 1 jump.", False),
        ("count", "4 squats, then 2 jumps.", False),
        ("distance", "0 metres: the person stays in place.", False),
        ("time", "At about 1.5 seconds.", False),
        ("angle", "By about 45 degrees to the left.", True),
        ("angle", "The person does not turn.", False),
        ("side", "The left hand, 2 times.", False),
    ],
)
def test_which_answers_fit_another_number(kind, answer, fits):
    assert can_change(kind, answer) == fits


def test_what_is_told_is_what_is_said():
    rows = [
        row("count", "The person takes about 6 steps."),
        row("angle", "By about 90 degrees to the right.", user("Why?"), assistant("To see 2 people.")),
        row("count", "The person does 1 jump."),
        {"messages": [user("Hello!"), assistant("Hello!")], "kinds": ["text"]},
        {"messages": [user(*[motion_part(make_walk(40))] * 2, "How many?"), assistant("9.")], "kinds": ["count"]},
    ]
    before = [[text_of(message["content"]) for message in each["messages"]] for each in rows]
    given = []
    collate = OtherNumbers(lambda rows: given.append(rows) or {"motion_values": 1}, share=1.0, seed=3)
    said = {"count": set(), "angle": set()}
    for _ in range(200):
        told = collate(rows)[TOLD]
        assert told.isnan().tolist() == [False, False, True, True, True, True], "pairs in the model's order"
        for place, kind in ((0, "count"), (1, "angle")):
            number = amount_of(kind, text_of(given[-1][place]["messages"][1]["content"]))
            assert abs(float(told[place]) - number) <= NEAR + 1e-6
            said[kind].add(number)
    assert said["count"] == set(range(2, 21)) and said["angle"] == set(range(1, 9))
    steps = text_of(given[-1][0]["messages"][1]["content"])
    assert steps.startswith("The person takes about ") and steps.endswith(" steps.")
    assert [[text_of(message["content"]) for message in each["messages"]] for each in rows] == before, "rows stay as they are"
    assert [[text_of(message["content"]) for message in each["messages"]] for each in given[-1][2:]] == before[2:]


def test_a_share_of_them():
    changed = OtherNumbers(lambda rows: {"motion_values": 1}, share=0.25)([row("count", "6.")] * 400)[TOLD]
    assert 70 < int((~changed.isnan()).sum()) < 130
    with pytest.raises(ValueError, match="share of other numbers"):
        OtherNumbers(dict, 1.5)


def test_the_model_tells_the_number_and_still_learns_its_own(model, processor):
    rows = [row("count", "The person takes about 6 steps."), row("count", "5.")]
    inner = OtherNumbers(lambda rows: dict(encode(processor, [each["messages"] for each in rows])), 1.0)
    batch = WithAmounts(inner)(rows)
    wanted, told = batch.pop(AMOUNTS), batch.pop(TOLD)
    assert wanted.tolist() == [6, 5], "the loss on numbers asks for what the motion shows"
    amount = model.model.talker.amount
    given = []
    handle = amount.register_forward_pre_hook(lambda module, arguments: given.append(arguments[0]))
    with torch.no_grad():
        with amounts_told(amount, torch.stack([told[0], torch.tensor(float("nan"))])) as weighed:
            model(**batch)
        with amounts_told(amount) as own:
            model(**batch)
    handle.remove()
    assert torch.equal(weighed[0], own[0]) and torch.equal(given[1], own[0])
    assert given[0][0] == told[0] and given[0][1] == own[0][1]
