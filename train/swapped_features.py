"""Batches in which some motions have the features of another one, but still their own measured rates.

What is asked about them the rates alone answer, and only what reads the rates answers it. Without this the language model
finds sides and numbers of procedural motion in the features too, and looks for them there where people move as nobody in the
training data did. Not from the paper; a kind of modality dropout that leaves nothing by which a swapped motion can be told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


class SwappedFeatures:
    """A data collator around another one.

    Args:
        collate: rows to a batch with `motion_values` `(num_motions, num_frames, motion_dim + num_rates)` and
            `motion_attention_mask` `(num_motions, num_frames)`, real frames first.
        motion_dim: features before the rates.
        share: of the rows whose column `measured` is true, those whose motions are swapped.
        seed: of what is swapped.
    """

    def __init__(self, collate: Callable[[Sequence[dict]], dict], motion_dim: int, share: float, seed: int = 0):
        if not 0 <= share <= 1:
            raise ValueError(f"Expected a share of swapped features from 0 to 1, got {share} in the recipe. Correct it.")
        self.collate, self.motion_dim, self.share = collate, motion_dim, share
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, rows: Sequence[dict]) -> dict:
        batch = self.collate(rows)
        if batch.get("motion_values") is None or len(batch["motion_values"]) < 2:
            return batch
        values, lengths = batch["motion_values"], batch["motion_attention_mask"].sum(1).tolist()
        features = values[..., : self.motion_dim].clone()
        for index in self.chosen(rows):
            step = int(torch.randint(1, len(values), (), generator=self.generator))
            other = (index + step) % len(values)
            frames = torch.arange(lengths[index]) % lengths[other]  # a shorter one comes again
            values[index, : lengths[index], : self.motion_dim] = features[other, frames]
        return batch

    def chosen(self, rows: Sequence[dict]) -> list[int]:
        """Places of the motions that get other features."""
        found, place = [], 0
        for row in rows:
            num = sum(part["type"] == "motion" for message in row["messages"] for part in message["content"])
            if row.get("measured") and torch.rand((), generator=self.generator) < self.share:
                found += range(place, place + num)
            place += num
        return found
