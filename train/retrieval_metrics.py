"""Recall@k of a search, and what a random order would reach."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np


KS = (1, 5, 10)


def recall_at_k(similarities: np.ndarray, relevant: np.ndarray, ks: Sequence[int] = KS) -> dict[str, float]:
    """Share of queries with a relevant candidate among the first k, and the same of a random order.

    Args:
        similarities: `(num_queries, num_candidates)`, higher is nearer.
        relevant: `(num_queries, num_candidates)` bool; several candidates may be right (two clips of one caption).
        ks: lengths of the lists.

    Returns:
        `{"recall@1": ..., "chance@1": ..., ...}`, shares from 0 to 1, rounded to four digits.

    Raises:
        ValueError: other shapes, or a query without anything relevant.
    """
    similarities, relevant = np.asarray(similarities), np.asarray(relevant, dtype=bool)
    if similarities.ndim != 2 or similarities.shape != relevant.shape or not similarities.size:
        raise ValueError(
            f"Expected similarities and relevance of one shape (queries, candidates), got {similarities.shape} and "
            f"{relevant.shape} in recall_at_k. Compare every query with every candidate."
        )
    counts = relevant.sum(1)
    if not counts.all():
        raise ValueError(
            f"Expected something relevant for every query, got nothing for query {int(counts.argmin())} in recall_at_k. "
            "Leave such queries out."
        )
    # The rank of the best relevant candidate; candidates that are as near as it count as before it.
    best = np.where(relevant, similarities, -np.inf).max(1, keepdims=True)
    rank = ((similarities >= best) & ~relevant).sum(1)
    total = similarities.shape[1]
    found: dict[str, float] = {}
    for k in ks:
        first = min(k, total)
        missed = [comb(total - int(count), first) / comb(total, first) for count in counts]
        found[f"recall@{k}"] = round(float((rank < k).mean()), 4)
        found[f"chance@{k}"] = round(1.0 - float(np.mean(missed)), 4)
    return found


def both_ways(motions: np.ndarray, texts: np.ndarray, captions: Sequence[str], ks: Sequence[int] = KS) -> dict[str, dict]:
    """Text to motion and motion to text over pairs.

    Args:
        motions, texts: `(num_pairs, size)` vectors of length one.
        captions: of each pair; pairs with the same words are right for each other. Each text is a candidate once.
    """
    words = np.array(captions)
    unique, first = np.unique(words, return_index=True)
    similarities = texts[first] @ motions.T
    relevant = unique[:, None] == words[None, :]
    return {
        "text_to_motion": recall_at_k(similarities, relevant, ks),
        "motion_to_text": recall_at_k(similarities.T, relevant.T, ks),
    }
