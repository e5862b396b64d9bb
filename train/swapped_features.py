"""Batches in which some motions have the features of another one, and some the measured rates of another one.

What the rates alone answer, only what reads the rates then answers; and what an action is called, only what reads the features.
Without this the language model finds sides and numbers of procedural motion in the features too, and names in the rates ("still
arms: carrying something"), and looks for them there where people move as nobody in the training data did. Not from the paper; a
kind of modality dropout that leaves nothing by which a swapped motion can be told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from llamo.train.questions.naming import KINDS_OF_NAMES, asks_for_a_name


class SwappedFeatures:
    """A data collator around another one.

    Args:
        collate: rows to a batch with `motion_values` `(num_motions, num_frames, motion_dim + num_rates)` and
            `motion_attention_mask` `(num_motions, num_frames)`, real frames first.
        motion_dim: features before the rates.
        share: of the rows whose column `measured` is true, those whose motions get other features.
        seed: of what is swapped.
        rates_share: of the rows that ask for nothing but names, by their columns `kinds` and `answer`, those whose motions get
            other rates.
    """

    def __init__(
        self,
        collate: Callable[[Sequence[dict]], dict],
        motion_dim: int,
        share: float,
        seed: int = 0,
        rates_share: float = 0.0,
    ):
        for what, value in (("features", share), ("rates", rates_share)):
            if not 0 <= value <= 1:
                raise ValueError(f"Expected a share of swapped {what} from 0 to 1, got {value} in the recipe. Correct it.")
        self.collate, self.motion_dim, self.share, self.rates_share = collate, motion_dim, share, rates_share
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, rows: Sequence[dict]) -> dict:
        batch = self.collate(rows)
        if batch.get("motion_values") is None or len(batch["motion_values"]) < 2:
            return batch
        values, lengths = batch["motion_values"], batch["motion_attention_mask"].sum(1).tolist()
        whole = values.clone()
        for chosen, part in zip(self.chosen(rows), (slice(self.motion_dim), slice(self.motion_dim, None)), strict=True):
            for index in chosen:
                step = int(torch.randint(1, len(values), (), generator=self.generator))
                other = (index + step) % len(values)
                frames = torch.arange(lengths[index]) % lengths[other]  # a shorter one comes again
                values[index, : lengths[index], part] = whole[other, frames, part]
        return batch

    def chosen(self, rows: Sequence[dict]) -> tuple[list[int], list[int]]:
        """Places of the motions that get other features, and of those that get other rates."""
        features, rates, place = [], [], 0
        for row in rows:
            num = sum(part["type"] == "motion" for message in row["messages"] for part in message["content"])
            places = range(place, place + num)
            if row.get("measured"):
                features += places if self.draw() < self.share else []
            elif asks_for_names(row):
                rates += places if self.draw() < self.rates_share else []
            place += num
        return features, rates

    def draw(self) -> float:
        return float(torch.rand((), generator=self.generator))


def asks_for_names(row: dict) -> bool:
    """Whether all questions of a row are for actions by name. Of a conversation only the first answer is at hand."""
    kinds = row.get("kinds") or []
    alone = len(kinds) == 1 and asks_for_a_name(kinds[0], row.get("answer") or "")
    return alone or (bool(kinds) and set(kinds) <= KINDS_OF_NAMES)
