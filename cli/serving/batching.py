"""The one thread that generates: takes what is waiting, as much as goes together, and answers it as one batch."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import torch
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

from llamo.cli.serving.answers import Answer
from llamo.cli.serving.problems import broken
from llamo.cli.serving.prompts import fits, merge
from llamo.cli.session import Session


logger = logging.getLogger("llamo.serve")

GATHER = 0.02  # s that an idle server waits for more requests of the same moment,
GATHER_READING = 0.2  # and while files of others are still being read: who misses a batch waits for all of it
BATCH_TOKENS = 32_768  # prompts and answers of a batch, as padded


class OwnChoice(LogitsProcessor):
    """Each row's token as its answer wants it chosen: `generate` takes the likeliest, and this leaves it only one.

    Args:
        never: tokens that no answer may have, whatever the checkpoint's generation_config says: the places of motions.
    """

    def __init__(self, answers: Sequence[Answer], never: Sequence[int]):
        self.answers, self.never = answers, list(never)

    def __call__(self, input_ids, scores):
        scores = scores.clone()
        scores[:, self.never] = -torch.inf
        for row, answer in enumerate(self.answers):
            token = answer.choose(scores[row])
            if token is not None:
                scores[row] = -torch.inf
                scores[row, token] = 0.0
        return scores


class OwnEnd(StoppingCriteria):
    """Hands every row its new token, and ends the row when its answer says so."""

    def __init__(self, answers: Sequence[Answer], end_tokens: Sequence[int]):
        self.answers, self.end_tokens = answers, end_tokens

    def __call__(self, input_ids, scores, **kwargs):
        tokens = input_ids[:, -1].tolist()
        done = [answer.take(token, self.end_tokens) for answer, token in zip(self.answers, tokens, strict=True)]
        return torch.tensor(done, device=input_ids.device)


class Batcher:
    """Answers in batches, in the order in which they came.

    Args:
        session: the loaded checkpoint. max_batch: answers of one batch at most. more_coming: whether prompts are being made.
    """

    def __init__(self, session: Session, max_batch: int, more_coming: Callable[[], bool] = lambda: False):
        self.session, self.max_batch, self.more_coming = session, max_batch, more_coming
        ends = session.model.generation_config.eos_token_id
        self.end_tokens = [ends] if isinstance(ends, int) else list(ends or ())
        self.never = [session.model.config.motion_token_id, session.model.config.motion_focus_token_id]
        self.pad_token = session.processor.tokenizer.pad_token_id or 0
        self.waiting: deque[Answer] = deque()
        self.running: list[Answer] = []
        self.seconds = 1.0  # of a batch, as of late
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="llamo-serve", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Cancels everything. Whether the thread has ended within so many seconds."""
        with self._changed:
            self._stopping = True
            for answer in (*self.waiting, *self.running):
                answer.cancel()
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def submit(self, *answers: Answer) -> None:
        with self._changed:
            self.waiting.extend(answers)
            self._changed.notify_all()

    def expected_wait(self) -> int:
        """Whole seconds until those who wait now will be through, roughly; for Retry-After."""
        rounds = 1 + len(self.waiting) // self.max_batch
        return min(60, max(1, round(self.seconds * rounds)))

    def _work(self) -> None:
        while (batch := self._gather()) is not None:
            if not batch:
                continue
            started = time.monotonic()
            try:
                self._answer(batch)
            except Exception:
                logger.exception("a batch of %d failed", len(batch))
                self._one_by_one(batch)
            finally:
                self.running = []
            self.seconds += 0.2 * (time.monotonic() - started - self.seconds)

    def _gather(self) -> list[Answer] | None:
        """The next batch; None when the server stops. Those at the front go first, others of the queue where they fit."""
        with self._changed:
            while not self.waiting and not self._stopping:
                self._changed.wait()
            started = time.monotonic()
            while len(self.waiting) < self.max_batch and not self._stopping:
                left = started + (GATHER_READING if self.more_coming() else GATHER) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(min(left, GATHER))
            batch: list[Answer] = []
            later: deque[Answer] = deque()
            for answer in self.waiting:
                if not answer.is_wanted:
                    answer.take(0, ())
                elif len(batch) < self.max_batch and go_together([*batch, answer]):
                    batch.append(answer)
                else:
                    later.append(answer)
            self.waiting, self.running = later, batch
            return None if self._stopping and not batch else batch

    def _answer(self, batch: Sequence[Answer]) -> None:
        model = self.session.model
        inputs = merge([answer.prompt for answer in batch], self.pad_token, model.dtype)
        with torch.inference_mode():
            model.generate(
                **inputs,
                do_sample=False,
                max_new_tokens=max(answer.wishes.max_tokens for answer in batch),
                logits_processor=LogitsProcessorList([OwnChoice(batch, self.never)]),
                stopping_criteria=StoppingCriteriaList([OwnEnd(batch, self.end_tokens)]),
            )

    def _one_by_one(self, batch: Sequence[Answer]) -> None:
        """After a failure: one bad prompt, or too little memory for all, must not take the others along."""
        for answer in batch:
            if len(batch) > 1 and not answer.tokens:
                try:
                    self._answer([answer])
                    continue
                except Exception:
                    logger.exception("an answer failed")
            answer.fail(broken())


def go_together(answers: Sequence[Answer]) -> bool:
    """Whether answers go into one batch: what is padded to the longest of them must not be too much."""
    longest = max(answer.prompt.length for answer in answers) + max(answer.wishes.max_tokens for answer in answers)
    first = len(answers) == 1
    return first or (len(answers) * longest <= BATCH_TOKENS and fits([answer.prompt for answer in answers]))
