"""Language models that judge whether an answer means what the reference means: yes or no, and 0 to 5.

The protocol of MoVid-Bench (MotionLLM, appendix): the judge sees question, reference and prediction; accuracy is the share
of yes, the score the mean, both over three runs. NextMotionQA (arXiv 2606.04773) found such judges to agree with people on
coarse questions and hardly on body parts: a figure made by one names it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .items import Item
from .suite import SuiteOptions


RUNS = 3
TOKENS = 24
KEY = "LLAMO_JUDGE_KEY"  # environment variable with the endpoint's key, where it wants one
INSTRUCTIONS = (
    "You judge answers to questions about human motion. Compare the predicted answer with the correct one by meaning: other "
    "words for the same thing are right, a contradiction or a missing core fact is wrong. Reply with one line of the form "
    "'yes 4' or 'no 1': yes if the prediction agrees with the correct answer and no if not, and a whole number from 0 "
    "(nothing agrees) to 5 (everything does)."
)
ASK = "Question: {question}\nCorrect answer: {reference}\nPredicted answer: {prediction}\nYour judgement:"

# Messages of a chat, number of the run -> the judge's reply.
Reply = Callable[[list[dict[str, str]], int], str]


def endpoint(address: str, model: str, timeout: float = 60.0) -> Reply:
    """A model behind an OpenAI-compatible address (`http://localhost:8000/v1`)."""
    import httpx

    headers = {"Authorization": f"Bearer {os.environ[KEY]}"} if os.environ.get(KEY) else {}
    client = httpx.Client(timeout=timeout, headers=headers, transport=httpx.HTTPTransport(retries=2))

    def reply(messages: list[dict[str, str]], run: int) -> str:
        body = {
            "model": model,
            "messages": messages,
            "temperature": 0.0 if run == 0 else 0.7,
            "seed": run,
            "max_tokens": TOKENS,
        }
        try:
            answer = client.post(f"{address.rstrip('/')}/chat/completions", json=body)
            answer.raise_for_status()
            return answer.json()["choices"][0]["message"]["content"] or ""
        except (httpx.HTTPError, KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"Expected a chat completion from the judge, got {type(error).__name__}: {error} at {address}. Check --judge, "
                f"--judge-model and the key in {KEY}; the run goes on where it stopped."
            ) from None

    return reply


def local(name: str) -> Reply:
    """A causal language model of transformers, from a folder or the Hub."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForCausalLM.from_pretrained(name).eval()
    if torch.cuda.is_available():
        model = model.to("cuda")

    def reply(messages: list[dict[str, str]], run: int) -> str:
        if tokenizer.chat_template:
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        else:
            text = "\n\n".join(message["content"] for message in messages)
        inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False).to(model.device)
        torch.manual_seed(run)
        sampling = {"do_sample": False} if run == 0 else {"do_sample": True, "temperature": 0.7}
        with torch.inference_mode():
            output = model.generate(**inputs, max_new_tokens=TOKENS, pad_token_id=tokenizer.eos_token_id, **sampling)
        return tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)

    return reply


def read_verdict(text: str) -> tuple[bool, float]:
    """(agrees, score from 0 to 5) of a judge's reply, also of {'pred': 'yes', 'score': 4}; neither counts as no and 0."""
    agrees = re.search(r"\b(yes|no)\b", text.lower())
    score = re.search(r"(?<![\d.])([0-5](?:\.\d+)?)(?!\d)", text)
    return bool(agrees and agrees[1] == "yes"), float(score[1]) if score else 0.0


class MeaningJudge:
    """Three runs of a judge over each answer: `correct` by majority, `agreement` and `score` as means."""

    def __init__(self, reply: Reply, runs: int = RUNS):
        self.reply, self.runs = reply, runs

    def __call__(self, items: Sequence[Item], texts: Sequence[str]) -> list[dict[str, Any]]:
        return [self.one(item, text) for item, text in zip(items, texts, strict=True)]

    def one(self, item: Item, text: str) -> dict[str, Any]:
        if not text.strip():
            return {"correct": False, "agreement": 0.0, "score": 0.0}
        asked = ASK.format(question=item.question.question, reference=item.question.answer, prediction=text)
        messages = [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": asked}]
        verdicts = [read_verdict(self.reply(messages, run)) for run in range(self.runs)]
        agreement = sum(agrees for agrees, _ in verdicts) / self.runs
        return {"correct": agreement > 0.5, "agreement": agreement, "score": sum(score for _, score in verdicts) / self.runs}


def judge_for(options: SuiteOptions) -> MeaningJudge:
    """The judge that the caller named.

    Raises:
        ValueError: none.
    """
    if not options.judge:
        raise ValueError(
            "Expected a judge of meaning, got none. Give --judge with the address of an OpenAI-compatible endpoint, or with "
            "the folder or Hub id of a language model."
        )
    if re.match(r"https?://", options.judge) and not Path(options.judge).exists():
        return MeaningJudge(endpoint(options.judge, options.judge_model))
    return MeaningJudge(local(options.judge))
