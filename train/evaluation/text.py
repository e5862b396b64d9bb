"""Suite `text`: what is left of the language model's general ability, beside the bare language model.

A small set of general questions, judged by rule, and the perplexity of a few passages of prose written for this
purpose. The questions are asked twice, alone and with a motion that they do not need; prose stands alone. The bare model is
the checkpoint's own base (`llamo init`'s default where it says none), asked in the same words without a motion.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from llamo.train.questions import Question, score

from .items import Item, numbered
from .suite import Session, Suite, SuiteOptions


# (question, key, wrong answers that may be said instead)
QUESTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("What is the capital of France?", "paris", ("london", "berlin", "rome", "madrid", "lyon")),
    ("What is the capital of Japan?", "tokyo", ("kyoto", "osaka", "beijing", "seoul")),
    ("What is the capital of Italy?", "rome", ("milan", "paris", "naples", "venice")),
    ("What is the capital of Egypt?", "cairo", ("alexandria", "giza", "tunis")),
    ("Which planet is closest to the sun?", "mercury", ("venus", "mars", "earth", "jupiter")),
    ("Which planet is the largest of the solar system?", "jupiter", ("saturn", "earth", "mars", "neptune")),
    ("What do we call frozen water?", "ice", ("steam", "vapor", "fog")),
    ("At how many degrees Celsius does water boil at sea level?", "100", ()),
    ("How many days does a week have?", "7", ()),
    ("How many months does a year have?", "12", ()),
    ("How many legs does a spider have?", "8", ()),
    ("How many sides does a triangle have?", "3", ()),
    ("What is 2 + 2?", "4", ()),
    ("What is 5 + 3?", "8", ()),
    ("What is 10 minus 4?", "6", ()),
    ("What is 3 times 3?", "9", ()),
    ("Which gas do plants take in from the air to grow?", "carbon dioxide", ("oxygen", "nitrogen", "hydrogen")),
    ("Which gas do people need to breathe?", "oxygen", ("carbon dioxide", "nitrogen", "helium")),
    ("What is the opposite of hot?", "cold", ("warm", "wet")),
    ("What is the opposite of up?", "down", ("left", "sideways")),
    ("What is the opposite of big?", "small", ("large", "tall")),
    ("Which animal barks?", "dog", ("cat", "cow", "horse", "bird")),
    ("Which animal gives us milk and says moo?", "cow", ("dog", "sheep", "horse")),
    ("What colour is the sky on a clear day?", "blue", ("red", "green", "yellow")),
    ("What colour is grass?", "green", ("red", "blue", "purple")),
    ("Who wrote Romeo and Juliet?", "shakespeare", ("dickens", "austen", "hemingway", "tolstoy")),
    ("On which continent is Kenya?", "africa", ("asia", "europe", "america")),
    ("On which continent is China?", "asia", ("africa", "europe", "america")),
    ("Which ocean lies between Europe and America?", "atlantic", ("pacific", "indian", "arctic")),
    ("Which language do most people in Brazil speak?", "portuguese", ("spanish", "english", "french")),
    ("Which organ pumps blood through the body?", "heart", ("lung", "liver", "brain", "kidney")),
    ("Which season comes after winter?", "spring", ("summer", "autumn", "fall")),
    ("Which day comes after Monday?", "tuesday", ("sunday", "wednesday", "friday")),
    ("What do bees make?", "honey", ("milk", "silk", "wool")),
    ("How many letters does the English alphabet have?", "26", ()),
    ("Is the sun a star or a planet?", "star", ("planet",)),
    ("Which is heavier, a feather or a brick?", "brick", ("feather",)),
    ("Is an elephant bigger or smaller than a mouse?", "bigger", ("smaller",)),
    ("What do you use to cut paper?", "scissors", ("spoon", "hammer", "pencil")),
    ("What meal do people eat in the morning?", "breakfast", ("dinner", "lunch", "supper")),
)
PASSAGES = (
    "The harbour was quiet in the early morning. A few gulls circled above the boats, and the smell of salt and diesel hung "
    "in the air. Two men were loading crates of ice onto the deck while a third untied the ropes.",
    "Bread needs only four things: flour, water, salt and yeast. Mix them in a bowl, knead the dough for ten minutes, and "
    "let it rest in a warm place until it has doubled in size. Then shape it and bake it in a hot oven.",
    "When a train enters a tunnel, it pushes the air in front of it. The faster it goes, the higher the pressure becomes, "
    "which is why passengers sometimes feel it in their ears.",
    "My grandmother kept every letter she ever received in a wooden box under the stairs. After she died we sat on the "
    "floor of the hall for a whole afternoon and read them aloud to each other.",
    "Rivers carry sand and stones from the mountains to the sea. Where the water slows down it can no longer hold them, and "
    "so they settle on the bed and slowly build islands.",
    "The committee will meet on the second Tuesday of each month. Members who cannot attend should send their comments to "
    "the secretary at least two days before the meeting.",
    "A good question is often worth more than its answer. It tells us what somebody has noticed, what they take for granted "
    "and where they would like to look next.",
    "He repaired clocks for a living, but he was never on time. His customers knew it and came an hour late themselves, and "
    "so everybody met when they were supposed to.",
)

NEW_TOKENS = 32


def build(options: SuiteOptions) -> list[Item]:
    from llamo.train.synthesis.engine import synthesize

    rng = np.random.default_rng([options.seed, 15])
    items = []
    for text, key, wrong in QUESTIONS:
        # Numbers are read as numbers; the rest by name ("order" takes words of any sort).
        judged = "count" if key.isdigit() else "order"
        question = Question(judged, text, f"{key.capitalize()}.", key, () if judged == "count" else (key, *wrong))
        motion = synthesize(rng, held_out=True)
        for kind, joints in (("general", None), ("general, beside a motion", motion.joints)):
            items.append(Item("", kind, question, f"text_{len(items) // 2}", joints, facts={"new_tokens": NEW_TOKENS}))
    return numbered("text", items[: options.limit])


def perplexity(model: Any, tokenizer: Any, texts: Sequence[str]) -> float:
    """exp of the mean negative log-likelihood of a token, over all texts."""
    import torch

    total, count = 0.0, 0
    with torch.inference_mode():
        for text in texts:
            ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)["input_ids"].to(model.device)
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, :-1].float()
            total += float(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))
            count += ids.shape[1] - 1
    return math.exp(total / count)


class Bare:
    """The language model without motion and without what training changed.

    Args:
        model, tokenizer: a causal language model.
        processor: of the checkpoint, whose prompt is used.
    """

    def __init__(self, model: Any, tokenizer: Any, processor: Any):
        self.model, self.tokenizer, self.processor = model, tokenizer, processor

    def answers(self, questions: Sequence[str], batch_size: int, new_tokens: int = NEW_TOKENS) -> list[str]:
        """What it says to each question alone, likeliest token by likeliest token."""
        import torch

        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        texts = []
        for start in range(0, len(questions), batch_size):
            chats = [[{"role": "user", "content": question}] for question in questions[start : start + batch_size]]
            prompts = [self.processor.apply_chat_template(chat, add_generation_prompt=True) for chat in chats]
            inputs = self.tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
            inputs = {name: inputs[name].to(self.model.device) for name in ("input_ids", "attention_mask")}
            stop = self.processor.tokenizer.eos_token
            with torch.inference_mode():
                output = self.model.generate(
                    **inputs,
                    max_new_tokens=new_tokens,
                    do_sample=False,
                    pad_token_id=self.tokenizer.pad_token_id,
                    eos_token_id=[self.tokenizer.eos_token_id, self.tokenizer.convert_tokens_to_ids(stop)],
                )
            texts += self.tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return [text.strip() for text in texts]


def load_bare(processor: Any, base: str | None = None) -> Bare | None:
    """The base language model; None where it is not at hand and cannot be fetched."""
    from llamo.train.base_model import load_base

    try:
        model, tokenizer = load_base(base)
    except (OSError, RuntimeError):  # no network
        return None
    return Bare(model.eval(), tokenizer, processor)


def measures(items: Sequence[Item], records: Sequence[dict[str, Any]], session: Session) -> dict[str, Any]:
    """Perplexity of the checkpoint and of the bare model, and the bare model's answers, which go into the records too."""
    found: dict[str, Any] = {"perplexity": perplexity(session.model, session.processor.tokenizer, PASSAGES)}
    bare = load_bare(session.processor, base_of(session.name))
    if bare is None:
        return {**found, "bare": None}
    asked = list(dict.fromkeys(item.question.question for item in items))
    texts = dict(zip(asked, bare.answers(asked, session.batch_size), strict=True))
    for item, record in zip(items, records, strict=True):
        record["bare"] = texts[item.question.question]
        record["bare_correct"] = score(item.question, record["bare"])
    found["bare_perplexity"] = perplexity(bare.model, bare.tokenizer, PASSAGES)
    found["bare"] = sum(record["bare_correct"] for record in records) / len(records)
    return found


def base_of(checkpoint: str) -> str | None:
    """The base language model that a checkpoint's card names; None for the pinned default."""
    from llamo.train.base_model import BASE_NAME

    card = Path(checkpoint) / "README.md"
    named = re.search(r"^base_model: *(\S+)$", card.read_text(encoding="utf-8"), re.MULTILINE) if card.is_file() else None
    return named[1] if named and named[1].split("/")[-1] != BASE_NAME else None


SUITE = Suite(
    "text",
    "llamo-text-2",
    "general ability kept: questions that no motion answers and perplexity, beside the bare language model",
    build,
    conditions=("model",),
    measures=measures,
)
