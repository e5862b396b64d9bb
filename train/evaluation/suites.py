"""All suites by name."""

from __future__ import annotations

from . import (
    both,
    captioning,
    consistency,
    counting,
    exact_match,
    filmed,
    grounding,
    hallucination,
    movid,
    multiple_choice,
    noise,
    real,
    synthetic,
    text,
)
from .suite import Suite


OFFLINE = (
    synthetic.SUITE,
    real.SUITE,
    noise.SUITE,
    hallucination.SUITE,
    consistency.SUITE,
    multiple_choice.SUITE,
    grounding.SUITE,
    text.SUITE,
    both.SUITE,
    filmed.SUITE,
)
PUBLISHED = (
    movid.MOVID,
    movid.SWING,
    exact_match.BABELQA,
    exact_match.HUMMANQA,
    counting.SUITE,
    captioning.HUMANML3D,
    captioning.KIT,
)
SUITES: dict[str, Suite] = {suite.name: suite for suite in (*OFFLINE, *PUBLISHED)}


def find_suite(name: str) -> Suite:
    """The suite of that name.

    Raises:
        ValueError: none.
    """
    if name not in SUITES:
        raise ValueError(f"Expected a suite out of {', '.join(SUITES)}, got {name!r}. See `llamo eval --list`.")
    return SUITES[name]
