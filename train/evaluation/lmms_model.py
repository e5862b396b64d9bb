"""LLaMo as a model of lmms-eval: what a document shows is a motion (or video) file, a message part, or joints.

lmms-eval installs far more than this project does, so it is no dependency: this module is loaded by it alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lmms_eval.api.model import lmms

from llamo.train.evaluation.answering import PAD_LEFT, load_model


LONGEST = 128  # new tokens, where a task does not say


class Llamo(lmms):
    """Greedy answers to the tasks' prompts.

    Args:
        pretrained: folder or Hub id of a checkpoint.
        batch_size: prompts at a time.
        device, dtype: as in `load_model`.
    """

    is_simple = True

    def __init__(self, pretrained: str = "llamo", batch_size: int = 1, device: str | None = None, dtype: str | None = None):
        super().__init__()
        self.processor, self.model = load_model(pretrained, device, dtype)
        self.batch_size = int(batch_size)

    def generate_until(self, requests: list[Any]) -> list[str]:
        """One answer for each request, in their order; cut off before any of the task's stop strings."""
        prompts = []
        for request in requests:
            context, settings, to_visual, doc_id, task, split = request.args
            shown = to_visual(self.task_dict[task][split][doc_id]) or []
            parts = [part_of(one) for one in (shown if isinstance(shown, (list, tuple)) else [shown])]
            prompts.append(([*parts, {"type": "text", "text": context}], dict(settings or {})))
        order = sorted(range(len(prompts)), key=lambda place: (longest(prompts[place][1]), len(prompts[place][0][-1]["text"])))
        answers = [""] * len(prompts)
        for start in range(0, len(order), self.batch_size):
            places = order[start : start + self.batch_size]
            for place, text in zip(places, self._answer([prompts[place] for place in places]), strict=True):
                answers[place] = text
        return answers

    def _answer(self, prompts: list[tuple[list[dict], dict]]) -> list[str]:
        import torch

        chats = [[{"role": "user", "content": content}] for content, _ in prompts]
        with torch.inference_mode():
            inputs = self.processor.apply_chat_template(
                chats,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                processor_kwargs=PAD_LEFT,
            ).to(self.model.device)
            if "motion_values" in inputs:
                inputs["motion_values"] = inputs["motion_values"].to(self.model.dtype)
            tokens = max(longest(settings) for _, settings in prompts)
            output = self.model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
        texts = self.processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return [cut(text, settings.get("until")) for text, (_, settings) in zip(texts, prompts, strict=True)]

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """Log-probability of each continuation after its context, and whether greedy decoding would write it."""
        found = []
        for request in requests:
            context, continuation, to_visual, doc_id, task, split = request.args
            if callable(continuation):
                continuation = continuation(self.task_dict[task][split][doc_id])
            shown = to_visual(self.task_dict[task][split][doc_id]) or []
            parts = [part_of(one) for one in (shown if isinstance(shown, (list, tuple)) else [shown])]
            found.append(self._likelihood([*parts, {"type": "text", "text": context}], str(continuation)))
        return found

    def _likelihood(self, content: list[dict], continuation: str) -> tuple[float, bool]:
        import torch

        chat = [
            {"role": "user", "content": content},
            {"role": "assistant", "content": [{"type": "text", "text": continuation}]},
        ]
        with torch.inference_mode():
            inputs = self.processor.apply_chat_template(
                chat, tokenize=True, return_dict=True, return_tensors="pt", return_assistant_tokens_mask=True
            ).to(self.model.device)
            mask = torch.as_tensor(inputs.pop("assistant_masks")).to(self.model.device).bool()[:, 1:]
            if "motion_values" in inputs:
                inputs["motion_values"] = inputs["motion_values"].to(self.model.dtype)
            logits = self.model(**inputs).logits[:, :-1].float().log_softmax(-1)
        wanted = inputs["input_ids"][:, 1:]
        total = float((logits.gather(-1, wanted[..., None])[..., 0] * mask).sum())
        return total, bool((logits.argmax(-1) == wanted)[mask].all())

    def generate_until_multi_round(self, requests: list[Any]) -> list[str]:
        """No task about motion asks in rounds.

        Raises:
            ValueError: always; the task needs another model.
        """
        raise ValueError(
            "Expected a task with one question for each document, got one in rounds. LLaMo takes none; leave it out."
        )


def part_of(shown: Any) -> dict:
    """A message part of what a document shows.

    Raises:
        ValueError: an image or sound.
    """
    if isinstance(shown, dict):
        return shown if "type" in shown else {"type": "motion", **shown}
    if isinstance(shown, str):
        return {"type": "motion", "path": shown}
    if isinstance(shown, np.ndarray):
        return {"type": "motion", "motion": shown, "fps": 20.0}
    raise ValueError(
        f"Expected a motion file's path, joints or a message part, got {type(shown).__name__} from the task's doc_to_visual. "
        "LLaMo reads no images; choose a task about motion."
    )


def longest(settings: dict) -> int:
    return int(settings.get("max_new_tokens") or LONGEST)


def cut(text: str, stops: str | list[str] | None) -> str:
    """A text up to the first of the stop strings."""
    for stop in [stops] if isinstance(stops, str) else stops or []:
        text = text.split(stop)[0] if stop else text
    return text.strip()
