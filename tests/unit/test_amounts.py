"""The number that a question asks for: weighed out of totals by its words, told through a gate, absent from older weights."""

import pytest
import torch
from conftest import make_config, make_model

from llamo.modeling_llamo.modeling_llamo import num_totals
from llamo.train.export_weights import load_modules, save_modules


def test_an_amount_is_what_the_words_weigh(processor):
    torch.manual_seed(0)
    config = make_config(processor)
    talker = make_model(config).model.talker
    width, num = config.talker_config.hidden_size, num_totals(config)
    questions = torch.randn(3, 4, width)  # for the first total, for the sum of the next two, for the difference of opposites
    one, other = talker.amount.opposites[0]
    optimizer = torch.optim.Adam(talker.amount.parameters(), 3e-3)

    def asked(generator, size=64):
        totals = 8 * torch.rand(size, num, generator=generator)
        which = torch.randint(3, (size,), generator=generator)
        truth = torch.stack([totals[:, 0], totals[:, 1] + totals[:, 2], (totals[:, one] - totals[:, other]).abs()], dim=1)
        seconds = 10 * torch.rand(size, generator=generator)
        mask = torch.ones(size, 4, dtype=torch.bool)
        number = talker.amount.weigh(questions[which], mask, totals, seconds, seconds / 2)
        return number, truth.gather(1, which[:, None])[:, 0]

    generator = torch.Generator().manual_seed(1)
    for _ in range(400):
        number, truth = asked(generator)
        optimizer.zero_grad()
        torch.nn.functional.smooth_l1_loss(number, truth).backward()
        optimizer.step()
    with torch.no_grad():
        number, truth = asked(torch.Generator().manual_seed(2))
    assert float((number - truth).abs().mean()) < 0.3 < float(truth.std())


def test_an_amount_is_told_once_its_gate_opens(processor):
    config = make_config(processor)
    talker = make_model(config).model.talker
    motion, measured = torch.randn(1, 12, 32), torch.rand(1, 12, 26)
    mask, times, order = torch.ones(1, 12, dtype=torch.bool), torch.arange(12.0)[None], torch.zeros(1, dtype=torch.long)
    words, word_mask, pair = torch.randn(1, 5, 32), torch.ones(1, 5, dtype=torch.bool), torch.zeros(1, dtype=torch.long)

    def focus():
        return talker.focus(words, word_mask, pair, pair, motion, mask, times, measured, order)

    with torch.no_grad():
        talker.amount.gate.zero_()
        shut = focus()
        amount, talker.amount = talker.amount, None
        torch.testing.assert_close(shut.tokens, focus().tokens)
        assert focus().amount is None and shut.amount.shape == (1,)
        talker.amount = amount
        amount.gate.fill_(1.0)
        opened = focus()
    assert not torch.allclose(shut.tokens[0, -1], opened.tokens[0, -1], atol=1e-4)
    torch.testing.assert_close(shut.tokens[0, :-1], opened.tokens[0, :-1])


def test_older_weights_have_no_amounts_and_others_are_refused(processor, tmp_path):
    config = make_config(processor)
    config.talker_config.ask_amounts = False
    older = make_model(config).model
    save_modules(older, tmp_path)
    newer = make_model(make_config(processor)).model
    before = {name: value.clone() for name, value in newer.talker.amount.state_dict().items()}
    load_modules(newer, tmp_path)
    torch.testing.assert_close(newer.talker.summary.queries, older.talker.summary.queries.half().float())
    assert all(torch.equal(value, before[name]) for name, value in newer.talker.amount.state_dict().items())
    save_modules(newer, tmp_path)
    with pytest.raises(ValueError, match="amount"):
        load_modules(older, tmp_path)


def test_a_number_stands_in_its_token_apart_from_the_rest(processor):
    talker = make_model(make_config(processor)).model.talker
    tokens, number = torch.randn(2, 4, 32), torch.tensor([3.0, 8.0])
    with torch.no_grad():
        torch.testing.assert_close(talker.amount.tell(number, tokens), tokens)  # nothing before anything is learned
        talker.amount.token_proj.weight.normal_()
        added = talker.amount.tell(number, tokens) - tokens
    assert added[:, :-1].abs().max() == 0 and (added[0, -1] - added[1, -1]).abs().max() > 0.1


def test_older_tallies_are_widened_and_see_the_same(processor, tmp_path):
    config = make_config(processor)
    config.talker_config.exact_totals = False
    older = make_model(config).model
    save_modules(older, tmp_path)
    newer = make_model(make_config(processor)).model
    load_modules(newer, tmp_path)
    load_modules(older, tmp_path)  # in half precision, as they were saved
    totals, seconds = 5 * torch.rand(3, num_totals(config)), torch.tensor([2.0, 5.0, 9.0])
    with torch.no_grad():
        torch.testing.assert_close(newer.talker.summary.tally(totals, seconds), older.talker.summary.tally(totals, seconds))


def test_totals_are_exact(processor):
    """The turn that is left, steps of both feet and paces are inputs of their own; relevance reaches nothing and all."""
    talker = make_model(make_config(processor)).model.talker
    tally = talker.summary.tally
    totals = torch.zeros(1, num_totals(make_config(processor)))
    one, other = tally.opposites[0]
    totals[0, one], totals[0, other] = 5.0, 2.0
    combined = tally.combine(totals)[0]
    assert combined[0] == 7 and combined[len(tally.opposites)] == 3
    assert tally.paces(totals, torch.tensor([2.0]))[0, one] == 2.5
    motion, rows, mask = torch.randn(1, 6, 32), torch.zeros(1, dtype=torch.long), torch.ones(1, 6, dtype=torch.bool)
    text, words = torch.randn(1, 3, 32), torch.ones(1, 3, dtype=torch.bool)
    for bias, wanted in ((20.0, 1.0), (3.2, 1.0), (-3.2, 0.0)):
        with torch.no_grad():
            talker.relevance.bias.fill_(bias)
            talker.relevance.q_proj.weight.zero_()
        relevance = talker.relevance.weigh(text, words, motion, rows, mask)
        assert (relevance == wanted).all()
    relevance.sum().backward()
    assert float(talker.relevance.bias.grad) > 0.1, "a vector that counts for nothing can still come to count"


def test_what_is_nearly_irrelevant_does_not_upset_what_is_learned(processor):
    """The middle of next to nothing and its paces are told, but a small change of relevance is no reason to learn much."""
    talker = make_model(make_config(processor)).model.talker
    times = torch.tensor([[0.1, 0.3, 0.5, 0.7]])
    slopes = []
    for level in (1.0, 1e-2, 1e-4):
        relevance = (level * torch.tensor([[0.0, 1.0, 1.0, 0.5]])).requires_grad_()
        rates = torch.full((1, 4, num_totals(make_config(processor))), 0.2)
        totals, seconds, middle = talker.relevance.totals(relevance, rates, times, 0.2)
        assert middle.item() == pytest.approx(0.46, abs=1e-4)
        (slope,) = torch.autograd.grad(middle + talker.relevance.tally.paces(totals, seconds).sum(), relevance)
        slopes.append(slope.abs().max().item())
    assert max(slopes) < 0.5
    whole = torch.ones(1, 4, requires_grad=True)
    (slope,) = torch.autograd.grad(talker.relevance.totals(whole, rates, times, 0.2)[2], whole)
    torch.testing.assert_close(slope, (times - 0.4) / 4)
