"""One answer while it is made: tokens -> text, until it ends, a stop string comes, it is long enough, or nobody waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llamo.cli.serving.prompts import Prompt


HALF = "\ufffd"  # what a part of a character decodes to
SEEDS = 2**63


@dataclass(frozen=True)
class Wishes:
    """How an answer is to be made.

    Args:
        max_tokens: at most. temperature: 0 for the likeliest token each time. top_p: share of the likelihood drawn from.
        stop: strings that end the answer, and are no part of it. seed: the same draws the same, whatever else is in the batch.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None


class Answer:
    """The state of one answer. The thread that generates writes it; `tell` is called there with every new piece of text, and
    with None when it is complete.

    Attributes:
        num_tokens: how many were generated, the one that ends the answer included.
        finish_reason: "stop" or "length" when it is complete; None before, or where it failed or was cancelled.
        failure: what went wrong.
    """

    def __init__(self, prompt: Prompt, wishes: Wishes, decode: Callable[[list[int]], str], tell: Callable[[str | None], Any]):
        self.prompt, self.wishes = prompt, wishes
        self.failure: Exception | None = None
        self.finish_reason: str | None = None
        self.is_done = False
        self.tokens: list[int] = []
        self._decode, self._tell = decode, tell
        self._sent = 0
        self._cancelled = threading.Event()
        self._sampler = Sampler(wishes) if wishes.temperature > 0 else None

    @property
    def num_tokens(self) -> int:
        return len(self.tokens)

    @property
    def is_wanted(self) -> bool:
        return not self._cancelled.is_set()

    def cancel(self) -> None:
        """Nobody waits any more: generation ends with the token that is being made. May be called from any thread."""
        self._cancelled.set()

    def choose(self, scores):
        """The next token out of its scores `(vocabulary,)`, or None for the likeliest."""
        return None if self._sampler is None or self.is_done else self._sampler.draw(scores)

    def take(self, token: int, end_tokens: Sequence[int]) -> bool:
        """Adds a token.

        Returns:
            whether the answer is complete.
        """
        if self.is_done:
            return True
        if not self.is_wanted:
            self._finish(None)
            return True
        self.tokens.append(token)
        ends = token in end_tokens
        text = self._decode(self.tokens[:-1] if ends else self.tokens)
        found = [place for stop in self.wishes.stop if (place := text.find(stop, max(0, self._sent - len(stop)))) >= 0]
        if found:
            self._send(text[: min(found)])
        elif ends or len(self.tokens) >= self.wishes.max_tokens:
            self._send(text)
        else:
            self._send(text[: self._safe(text)])
            return False
        self._finish("stop" if found or ends else "length")
        return True

    def fail(self, error: Exception) -> None:
        """Ends the answer with an error."""
        if not self.is_done:
            self.failure = error
            self._finish(None)

    def _safe(self, text: str) -> int:
        """How much of a text can be sent: not half a character, nor what may turn out to be the start of a stop string."""
        end = len(text.rstrip(HALF))
        held = [
            length
            for stop in self.wishes.stop
            for length in range(1, min(len(stop) - 1, end) + 1)
            if text.startswith(stop[:length], end - length)
        ]
        return end - max(held, default=0)

    def _send(self, text: str) -> None:
        if len(text) > self._sent:
            piece, self._sent = text[self._sent :], len(text)
            self._tell(piece)

    def _finish(self, reason: str | None) -> None:
        self.is_done, self.finish_reason = True, reason
        self._tell(None)


class Sampler:
    """Draws tokens with a generator of its own, so that an answer does not depend on what else is in its batch."""

    def __init__(self, wishes: Wishes):
        import torch
        from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper

        self.generator = torch.Generator()
        if wishes.seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(wishes.seed % SEEDS)
        self.warpers = LogitsProcessorList([TemperatureLogitsWarper(max(wishes.temperature, 1e-4))])
        if wishes.top_p < 1:
            self.warpers.append(TopPLogitsWarper(wishes.top_p))

    def draw(self, scores) -> int:
        """Scores `(vocabulary,)` -> a token."""
        import torch

        chances = self.warpers(None, scores[None].float().cpu()).softmax(-1)
        return int(torch.multinomial(chances, 1, generator=self.generator))
