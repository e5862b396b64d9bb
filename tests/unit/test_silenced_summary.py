"""Summaries that say nothing: in training alone, for a share of motions, and never the totals."""

import pytest
import torch
from conftest import encode, make_walk, motion_part, user

from llamo.train.silenced_summary import silence, silenced_summary


@pytest.fixture
def told(model, processor):
    """A function that returns the summary `(N, S, D)` of three motions before it is projected, and the logits."""
    motions = [motion_part(make_walk(num)) for num in (40, 60, 80)]
    inputs = encode(processor, [[user(motion, "What is done?")] for motion in motions])

    def read(training):
        found = []
        projector = model.model.talker.projector
        handle = projector.register_forward_pre_hook(lambda module, arguments: found.append(arguments[0]))
        model.train(training)
        with torch.no_grad():
            logits = model(**inputs).logits
        handle.remove()
        model.eval()
        return found[0], logits

    return read


def test_all_are_silenced_but_for_their_totals(model, told):
    whole, answers = told(True)
    with silenced_summary(model, 1.0):
        silent, other_answers = told(True)
        assert torch.equal(told(False)[1], answers), "nothing is silenced in evaluation"
    assert torch.equal(silent[:, -1], whole[:, -1]) and not torch.equal(other_answers, answers)
    assert torch.equal(silent[0, :-1], silent[1, :-1].expand_as(silent[0, :-1])), "no motion is told from another"
    assert torch.equal(told(True)[1], answers), "nothing stays"


def test_a_share_of_the_motions():
    tokens, module = torch.ones(2000, 3, 4), torch.nn.Identity()
    silent = silence(0.3, module, (), tokens)
    heard = silent[:, :-1].flatten(1)
    assert ((heard == 0).all(1) | (heard == 1).all(1)).all() and 500 < int((heard == 0).all(1).sum()) < 700
    assert torch.equal(silent[:, -1], tokens[:, -1]) and torch.equal(silence(1.0, module.eval(), (), tokens), tokens)


def test_no_share_beyond_all(model):
    with pytest.raises(ValueError, match="share of silenced summaries"), silenced_summary(model, 1.5):
        pass
