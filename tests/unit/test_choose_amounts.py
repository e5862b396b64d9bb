"""The number that a question asks for: one of the totals where words speak for it, else what all of them weigh."""

import argparse
import json

import pytest
import torch
from conftest import encode, make_config, make_model, make_walk, motion_part, user

from llamo.modeling_llamo.configuration_llamo import LlamoTalkerConfig
from llamo.modeling_llamo.modeling_llamo import LlamoAmountChoice
from llamo.train.amounts import (
    Asked,
    choice_loss,
    draw_rows,
    judge,
    load_model,
    make_parser,
    read_questions,
    rightness,
    save_choice,
    train_choice,
)
from llamo.train.asked_amounts import amounts_of
from llamo.train.export_weights import save_modules, save_settings
from llamo.train.initialise import write_checkpoint
from llamo.train.make_data import DataPlan
from llamo.train.recipe import read_recipe
from llamo.train.retrieval import check_same_weights
from llamo.train.trained_weights import merge_weights, read_settings


SETTINGS = argparse.Namespace(
    seed=0, learning_rate=3e-3, weight_decay=0.01, dropout=0.0, max_steps=300, batch_size=64, log_every=100
)


def choosing_config(processor, **talker):
    config = make_config(processor)
    for name, value in {"choose_amounts": True, **talker}.items():
        setattr(config.talker_config, name, value)
    return config


def made_up(num: int, config, seed: int) -> Asked:
    """Words of two sorts: one asks for the third measured total, the other for what was weighed; all else is chance."""
    generator = torch.Generator().manual_seed(seed)
    choice = LlamoAmountChoice(config)
    totals = torch.randint(0, 9, (num, choice.first + config.motion_config.num_rates), generator=generator).float()
    weighed = torch.randint(0, 9, (num,), generator=generator).float()
    sort = torch.randint(0, 2, (num,), generator=generator)
    words = torch.randn(num, config.talker_config.hidden_size, generator=generator) * 0.2 + sort[:, None]
    candidates = choice.candidates(weighed, totals, torch.full((num,), 3.3), torch.full((num,), 0.4))
    wanted = torch.where(sort == 1, totals[:, choice.first + 2], weighed)
    return Asked(words, candidates, wanted, ["count" if each else "time" for each in sort.tolist()])


def test_at_first_the_number_that_was_weighed_is_told(processor):
    plain, chooses = make_model(make_config(processor)), make_model(choosing_config(processor))
    missing, unexpected = chooses.load_state_dict(plain.state_dict(), strict=False)
    assert missing and not unexpected and all("amount.choice." in name for name in missing)
    inputs = encode(processor, [user(motion_part(make_walk(60)), "How many steps?")])
    with torch.inference_mode():
        assert torch.equal(plain(**inputs).logits, chooses(**inputs).logits)
        chooses.model.talker.amount.choice.linear_2.bias[4] = 9.0
        assert not torch.equal(plain(**inputs).logits, chooses(**inputs).logits)


def test_candidates_are_totals_as_they_stand_and_what_opposites_come_to(processor):
    config = choosing_config(processor)
    choice = LlamoAmountChoice(config)
    totals = torch.zeros(1, choice.first + 26)
    totals[0, choice.first + 2], totals[0, choice.first + 3] = 4.0, 3.0  # steps of the left and of the right foot
    values = choice.candidates(torch.tensor([5.0]), totals, torch.tensor([2.5]), torch.tensor([0.5]))[0]
    once, twice = values[1:].chunk(2)
    assert values[0] == 5 and torch.equal(twice, 2 * once) and len(values) == choice.linear_2.out_features
    pair = choice.opposites.index([2, 3])
    assert once[2] == 4 and once[3] == 3 and once[26 + pair] == 7 and once[26 + len(choice.opposites) + pair] == 1
    assert once[-2:].tolist() == [2.5, 0.5]


def test_what_rounds_to_the_number_is_right():
    candidates, wanted = torch.tensor([[4.0, 4.3, 4.6, 9.0]]), torch.tensor([4.0])
    right = rightness(candidates, wanted)[0]
    assert right[0] > 0.95 and right[1] > 0.8 and right[2] < 0.4 and right[3] < 0.05
    sure = torch.tensor([[9.0, 0.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 0.0, 9.0]])
    assert choice_loss(sure[0], candidates, wanted) < choice_loss(sure[1], candidates, wanted)


def test_training_finds_which_number_is_meant(processor):
    config = choosing_config(processor)
    model = make_model(config)
    choice, lines = model.model.talker.amount.choice, []
    train_choice(choice, made_up(400, config, 1), SETTINGS, log=lines.append)
    found = judge(choice, made_up(200, config, 2))
    assert json.loads(lines[-1])["loss"] < json.loads(lines[0])["loss"]
    assert found["count"]["before"] < 0.4 and found["count"]["after"] > 0.9 and found["time"]["after"] > 0.9
    assert found["count"]["questions"] + found["time"]["questions"] == 200


def test_a_loss_on_the_number_reaches_what_is_weighed_and_not_the_choice(processor):
    model = make_model(choosing_config(processor)).train()
    inputs = encode(processor, [user(motion_part(make_walk(60)), "How many steps?")])
    inputs["labels"] = inputs["input_ids"]
    model(**inputs).loss.backward()
    assert all(each.grad is None for each in model.model.talker.amount.choice.parameters())
    assert model.model.talker.amount.linear_2.weight.grad.abs().sum() > 0


def test_questions_are_read_with_their_numbers(processor, tmp_path):
    rows, held_out = draw_rows(DataPlan(24, 3, 8, recorded_share=0.0, text_share=0.0), 1)
    assert (len(rows), len(held_out)) == (24, 8)
    model = make_model(choosing_config(processor))
    asked = read_questions(model, processor, rows, batch_size=4)
    numbers = sorted(number for row in rows for number in amounts_of(row) if number == number)
    assert sorted(asked.wanted.tolist()) == pytest.approx(numbers) and len(numbers) == len(asked.kinds) > 3
    assert asked.words.shape == (len(numbers), 32) and asked.candidates.shape[0] == len(numbers)
    assert not read_questions(model, processor, []).kinds


def test_the_choice_travels_with_the_weights(processor, tmp_path):
    plain = make_model(make_config(processor))
    weights, checkpoint = tmp_path / "weights", tmp_path / "llamo"
    save_modules(plain.model, weights)
    save_settings(weights, talker_config={"num_tallies": 4})
    merge_weights(plain, weights, same_base=True)  # in half precision, as a checkpoint has them
    write_checkpoint(checkpoint, plain, processor)
    model = load_model(str(checkpoint))
    check_same_weights(model, weights, besides="model.talker.amount.choice.")
    model.model.talker.amount.choice.linear_2.bias.data[3] = 1.0
    save_choice(model.model.talker.amount.choice, weights)
    assert read_settings(weights)["talker_config"] == {"num_tallies": 4, "choose_amounts": True}
    other = make_model(choosing_config(processor), seed=5)
    merge_weights(other, weights, same_base=True)
    assert other.model.talker.amount.choice.linear_2.bias[3] == 1.0
    check_same_weights(load_model(str(checkpoint)), weights, besides="model.talker.amount.choice.")  # and again


def test_a_checkpoint_that_weighs_nothing_is_refused(processor, tmp_path):
    config = make_config(processor)
    config.talker_config.ask_amounts = False
    write_checkpoint(tmp_path / "llamo", make_model(config), processor)
    with pytest.raises(ValueError, match="got one without"):
        load_model(str(tmp_path / "llamo"))
    with pytest.raises(ValueError, match="together with ask_amounts"):
        LlamoTalkerConfig(choose_amounts=True, ask_amounts=False)


def test_the_recipe_holds_settings_of_the_stage(root):
    recipe = read_recipe(root / "train" / "recipes" / "amounts.yaml", ["num=8"])
    known = {action.dest for action in make_parser()._actions}
    assert recipe.pop("stage") == "amounts" and set(recipe) <= known and recipe["num"] == 8
