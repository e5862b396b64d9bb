"""What a suite is: its questions, its frozen protocol, and how an answer is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from llamo.train.questions import score

from .answering import CONDITIONS
from .items import Item


@dataclass(frozen=True)
class SuiteOptions:
    """What the caller says about the questions.

    Args:
        limit: how many questions at most; None for the suite's own number.
        seed: of every choice.
        data: files or folders that the suite reads.
        split: of the data, where it has splits; None for the part that is meant for judging.
        judge: address of an OpenAI-compatible endpoint, or folder or Hub id of a language model, where a suite needs a judge.
        judge_model: the endpoint's name of the model.
        left_out: filled by the suite: (file, reason) of what could not be read.
    """

    limit: int | None = None
    seed: int = 0
    data: tuple[str, ...] = ()
    split: str | None = None
    judge: str | None = None
    judge_model: str = "default"
    left_out: list[tuple[str, str]] = field(default_factory=list, compare=False)


# Whether each answer is right, or that with further figures: {"correct": True, "score": 4.3}.
Judge = Callable[[Sequence[Item], Sequence[str]], Sequence[bool | dict[str, Any]]]


@dataclass(frozen=True)
class Session:
    """What answered: processor, model, the checkpoint's name, and how many questions at a time."""

    processor: Any
    model: Any
    name: str
    batch_size: int


@dataclass(frozen=True)
class Suite:
    """A set of questions with a protocol that does not change under its name.

    Args:
        name: on the command line.
        protocol: name and version; raised whenever a figure could change.
        about: one line for `llamo eval --list`.
        build: the questions, in a fixed order.
        needs: what --data has to name; "" for a suite that needs nothing.
        conditions: what the model is asked under.
        judge: items and answers -> whether each is right.
        judge_for: the same for a suite whose judge is named by the caller: options -> judge of verdicts with their scores.
        measures: items, records and session -> further figures of the suite, plain values for JSON.
    """

    name: str
    protocol: str
    about: str
    build: Callable[[SuiteOptions], list[Item]]
    needs: str = ""
    conditions: tuple[str, ...] = CONDITIONS
    judge: Judge | None = None
    judge_for: Callable[[SuiteOptions], Judge] | None = None
    measures: Callable[[Sequence[Item], Sequence[dict[str, Any]], Session], dict[str, Any]] | None = None

    def judge_of(self, options: SuiteOptions) -> Judge:
        """The judge of this suite: its own, the caller's, or the rules of questions/scoring.py."""
        if self.judge_for is not None:
            return self.judge_for(options)
        return self.judge or by_rule

    def verdicts(self, items: Sequence[Item], texts: Sequence[str]) -> Sequence[bool | dict[str, Any]]:
        """Whether each answer is right, by a suite that needs no other judge."""
        return self.judge_of(SuiteOptions())(items, texts)


def by_rule(items: Sequence[Item], texts: Sequence[str]) -> list[bool]:
    return [score(item.question, text) for item, text in zip(items, texts, strict=True)]
