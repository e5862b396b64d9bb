"""Batches with exchanged features: only where rates answer, and the rates, the lengths and all else stay."""

import pytest
import torch

from llamo.train.swapped_features import SwappedFeatures


LENGTHS, WIDTH = (4, 7, 2, 5), 3


def rows(*measured):
    motion, text = {"type": "motion"}, {"type": "text", "text": "How many?"}
    return [{"measured": each, "messages": [{"role": "user", "content": [motion, text]}]} for each in measured]


def collate(_):
    """Features of motion n are n + frame / 10 in every dimension; the rate behind them is n alone."""
    longest = max(LENGTHS)
    mask = torch.arange(longest) < torch.tensor(LENGTHS)[:, None]
    number = torch.arange(len(LENGTHS), dtype=torch.float32)[:, None, None]
    features = (number + torch.arange(longest)[None, :, None] / 10).expand(-1, -1, WIDTH)
    values = torch.cat([features, number.expand(-1, longest, 1)], dim=2) * mask[..., None]
    return {"motion_values": values, "motion_attention_mask": mask.long(), "labels": torch.arange(4)}


def test_only_measured_rows_get_the_features_of_another_motion():
    before = collate(None)
    swapping = SwappedFeatures(collate, WIDTH, share=1.0)
    seen = set()
    for _ in range(20):
        batch = swapping(rows(True, False, True, None))
        values = batch["motion_values"]
        assert torch.equal(values[..., WIDTH:], before["motion_values"][..., WIDTH:]), "own rates"
        assert torch.equal(values[[1, 3]], before["motion_values"][[1, 3]])
        assert torch.equal(batch["motion_attention_mask"], before["motion_attention_mask"]) and "labels" in batch
        for index in (0, 2):
            own, length = values[index, : LENGTHS[index], :WIDTH], LENGTHS[index]
            other = int(own[0, 0])
            assert other != index and torch.equal(
                own, before["motion_values"][other, torch.arange(length) % LENGTHS[other], :WIDTH]
            )
            assert not values[index, length:].any(), "padding stays empty"
            seen.add((index, other))
    assert len(seen) == 6, "any other motion of the batch"


def test_a_share_of_them_the_same_with_the_same_seed():
    before = collate(None)["motion_values"]
    first, second = (SwappedFeatures(collate, WIDTH, 0.5, seed=3) for _ in range(2))
    changed = 0
    for _ in range(50):
        batches = [swapping(rows(True, True, True, True))["motion_values"] for swapping in (first, second)]
        assert torch.equal(*batches)
        changed += int((batches[0] != before).any(2).any(1).sum())
    assert 70 < changed < 130


def test_two_motions_of_a_row_and_rows_without():
    two, none, one = rows(False, True, True)
    two["messages"][0]["content"].insert(0, {"type": "motion"})
    none["messages"][0]["content"] = [{"type": "text", "text": "Hello!"}]
    one["messages"][0]["content"].insert(0, {"type": "motion"})
    assert SwappedFeatures(collate, WIDTH, 1.0).chosen([two, none, one]) == [2, 3]
    assert SwappedFeatures(lambda _: {"input_ids": torch.ones(1, 2)}, WIDTH, 1.0)([none]).keys() == {"input_ids"}
    with pytest.raises(ValueError, match="share of swapped features"):
        SwappedFeatures(collate, WIDTH, 1.5)
