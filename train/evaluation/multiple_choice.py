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


def answers_of(item: Item) -> list[str]:
    """What would be said for each option: "B) waving." where they have letters, else the option as a sentence."""
    question = item.question
    texts = []
    for place, choice in enumerate(question.choices):
        text = f"{chr(ord('A') + place)}) {choice}." if "A) " in question.question else f"{choice[:1].upper()}{choice[1:]}."
        texts.append(text)
    return texts


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
        answers = answers_of(item)
        for name in right:
            best = int(np.argmax(likelihoods(session, item, answers, blind=name == "blind")))
            right[name].append(item.question.choices[best] == item.question.key)
            if name == "model":
                record["likeliest"], record["likeliest_correct"] = item.question.choices[best], right[name][-1]
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
    "llamo-choice-1",
    "multiple choice by generation and by likelihood (held-out programs, or recorded clips with --data)",
    build,
    measures=measures,
)
