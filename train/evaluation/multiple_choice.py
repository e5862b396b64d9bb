"""Suite `choice`: the same multiple-choice questions, answered by writing and by likelihood.

By generation: the answer that the model writes, judged by rule. By likelihood: the option whose words the model finds
likeliest as its answer, by their mean log-probability for each token, so that long options are no worse. Both figures stand
side by side; the table's is generation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from llamo.train.questions.makers import Maker
from llamo.train.questions.program_questions import BUILDERS, PROGRAMS, WRONG_WEIGHTS, ProgramTruth
from llamo.train.questions.scoring import labels_of
from llamo.train.questions.wording import lettered_answer, sentence

from .answering import PAD_RIGHT, conversation
from .items import Item, numbered
from .real import real_items
from .statistics import interval_of
from .suite import Session, Suite, SuiteOptions


NUM = 400
SUB_KINDS = ("letters", "list", "speed", "turn", "which_first", "side")
MOST_OPTIONS = 5


def build(options: SuiteOptions) -> list[Item]:
    num = options.limit or NUM
    if options.data:
        found = real_items(options.data, 3 * num, options.seed, options.split)
        return numbered("choice", [item for item in found if 2 <= len(item.question.choices) <= MOST_OPTIONS][:num])
    from llamo.train.synthesis.engine import synthesize

    rng = np.random.default_rng([options.seed, 13])
    items: list[Item] = []
    index = 0
    while len(items) < num:
        motion = synthesize(rng, held_out=True)
        truth, maker = ProgramTruth(motion), Maker(rng, True, tuple(PROGRAMS), WRONG_WEIGHTS)
        for name in SUB_KINDS:
            question = BUILDERS[name](truth, maker)
            if question is not None and 2 <= len(question.choices) <= MOST_OPTIONS:
                items.append(Item("", question.kind, question, f"procedural_{index}", motion.joints, motion.fps))
        index += 1
    return numbered("choice", items[:num])


def answers_of(item: Item, letter_first: bool = False) -> list[str]:
    """What would be said for each option: "Waving (B)." where they have letters, with `letter_first` "B) waving."; else the
    option as a sentence."""
    question, choices = item.question, item.question.choices
    labels = labels_of(question.question)
    if labels is None:
        return [sentence(choice) for choice in choices]
    if letter_first:
        return [f"{label}) {choice.rstrip('.')}." for label, choice in zip(labels, choices)]
    return [lettered_answer(choices, choice, labels) for choice in choices]


def likeliest(session: Session, item: Item, blind: bool = False) -> str:
    """The option with the likeliest answer, of two forms where options have letters: not every model names the option first."""
    forms = [answers_of(item)] if labels_of(item.question.question) is None else [answers_of(item), answers_of(item, True)]
    values = np.array([likelihoods(session, item, answers, blind) for answers in forms])
    return item.question.choices[int(np.argmax(values.max(axis=0)))]


def likelihoods(session: Session, item: Item, answers: Sequence[str], blind: bool = False) -> list[float]:
    """Mean log-probability of a token of each answer after the question and the motion."""
    import torch

    processor, model = session.processor, session.model
    prompt = conversation(item.question.question, item.motions)
    chats = [[*prompt, {"role": "assistant", "content": [{"type": "text", "text": text}]}] for text in answers]
    with torch.inference_mode():
        inputs = processor.apply_chat_template(
            chats,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs=PAD_RIGHT,
            return_assistant_tokens_mask=True,
        ).to(model.device)
        mask = torch.as_tensor(inputs.pop("assistant_masks")).to(model.device).bool()
        if "motion_values" in inputs:
            values = torch.zeros_like(inputs["motion_values"]) if blind else inputs["motion_values"]
            inputs["motion_values"] = values.to(model.dtype)
        logits = model(**inputs).logits[:, :-1].float().log_softmax(-1)
    chosen = logits.gather(-1, inputs["input_ids"][:, 1:, None])[..., 0]
    wanted = mask[:, 1:]
    return ((chosen * wanted).sum(-1) / wanted.sum(-1).clamp(min=1)).tolist()


def measures(items: Sequence[Item], records: Sequence[dict[str, Any]], session: Session) -> dict[str, Any]:
    """Accuracy by likelihood, of the model and of the model without motion; `likeliest` goes into the records."""
    right: dict[str, list[bool]] = {"model": [], "blind": []}
    for item, record in zip(items, records, strict=True):
        for name in right:
            best = likeliest(session, item, blind=name == "blind")
            right[name].append(best == item.question.key)
            if name == "model":
                record["likeliest"], record["likeliest_correct"] = best, right[name][-1]
    clips = [item.clip for item in items]
    low, high = interval_of(lambda rows: float(np.mean([right["model"][i] for i in rows])), clips, np.random.default_rng(0))
    by_generation = float(np.mean([record["correct"] for record in records]))
    return {
        "multiple_choice": {
            "likelihood": float(np.mean(right["model"])),
            "low": low,
            "high": high,
            "blind_likelihood": float(np.mean(right["blind"])),
            "generation": by_generation,
        }
    }


SUITE = Suite(
    "choice",
    "llamo-choice-6",
    "multiple choice by generation and by likelihood (held-out programs, or recorded clips with --data)",
    build,
    measures=measures,
)
