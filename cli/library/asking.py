"""Many questions about many motions: answers in batches, and choices by how likely the model finds each answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llamo.cli.session import Session


YES_NO = ("Yes", "No")


@dataclass(frozen=True, eq=False)
class Asked:
    """A question about one motion: `part` is the chat part that stands for it, `seconds` its duration."""

    part: dict
    question: str
    seconds: float


def by_length(asked: Sequence[Asked], batch_size: int) -> list[list[int]]:
    """Batches of indices; motions of like length together, since a batch takes as long as its longest."""
    order = sorted(range(len(asked)), key=lambda index: (asked[index].question, asked[index].seconds, index))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def prompts(session: Session, asked: Sequence[Asked]):
    """The tensors of the prompts, padded on the left, where answers go on at the right end."""
    session.processor.tokenizer.padding_side = "left"
    chats = [[{"role": "user", "content": [each.part, {"type": "text", "text": each.question}]}] for each in asked]
    inputs = session.processor.apply_chat_template(
        chats, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt", padding=True
    ).to(session.model.device)
    inputs["motion_values"] = inputs["motion_values"].to(session.model.dtype)
    return inputs


def answer_all(session: Session, asked: Sequence[Asked], batch_size: int, max_new_tokens: int) -> list[str]:
    """The likeliest answer to every question, in the order of the questions."""
    import torch

    answers = [""] * len(asked)
    for rows in by_length(asked, batch_size):
        inputs = prompts(session, [asked[row] for row in rows])
        with torch.inference_mode():
            output = session.model.generate(**inputs, do_sample=False, max_new_tokens=max_new_tokens)
        texts = session.processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        for row, text in zip(rows, texts, strict=True):
            answers[row] = one_line(text)
    return answers


def sample(session: Session, asked: Asked, num: int, temperature: float, seed: int, max_new_tokens: int) -> list[str]:
    """`num` answers drawn at a temperature; the same seed draws the same."""
    import torch

    inputs = prompts(session, [asked])
    with torch.inference_mode(), torch.random.fork_rng():
        torch.manual_seed(seed)
        output = session.model.generate(
            **inputs,
            do_sample=True,
            temperature=temperature,
            top_k=0,
            top_p=1.0,
            num_return_sequences=num,
            max_new_tokens=max_new_tokens,
        )
    texts = session.processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return [one_line(text) for text in texts]


def choose_all(session: Session, asked: Sequence[Asked], options: Sequence[str], batch_size: int) -> list[tuple[str, float]]:
    """For each question the option that the model finds likeliest, and its probability among the options.

    An answer may have several tokens; its likelihood is the mean over its tokens, so that long options have a chance.
    """
    choices: list[tuple[str, float]] = [("", 0.0)] * len(asked)
    for rows in by_length(asked, batch_size):
        likelihoods = log_likelihoods(session, [asked[row] for row in rows], options)
        for row, chances in zip(rows, likelihoods.softmax(-1), strict=True):
            best = int(chances.argmax())
            choices[row] = options[best], round(float(chances[best]), 4)
    return choices


def log_likelihoods(session: Session, asked: Sequence[Asked], options: Sequence[str]):
    """Mean log-likelihood of the tokens of each option behind each prompt, `(prompts, options)` float32.

    The prompt is read once; the options go on from its cache.
    """
    import torch

    tokenizer, model = session.processor.tokenizer, session.model
    tokens = [tokenizer.encode(option[:1].upper() + option[1:], add_special_tokens=False) for option in options]
    longest = max(map(len, tokens))
    real = torch.tensor([[place < len(option) for place in range(longest)] for option in tokens], device=model.device)
    padded = torch.tensor([option + [option[-1]] * (longest - len(option)) for option in tokens], device=model.device)
    inputs = prompts(session, asked)
    num, mask = len(asked), inputs["attention_mask"]
    with torch.inference_mode():
        read = model(**inputs, use_cache=longest > 1, logits_to_keep=1)
        first = read.logits[:, -1].float().log_softmax(-1)[:, padded[:, 0]]  # Shape: (prompts, options)
        if longest == 1:
            return first
        cache = read.past_key_values
        cache.batch_repeat_interleave(len(options))
        going_on = padded[:, :-1].repeat(num, 1)  # Shape: (prompts * options, longest - 1)
        whole = torch.cat([mask.repeat_interleave(len(options), 0), torch.ones_like(going_on)], dim=1)
        positions = (whole.cumsum(-1) - 1)[:, mask.shape[1] :]
        logits = model(
            input_ids=going_on, attention_mask=whole, position_ids=positions, past_key_values=cache, use_cache=True
        ).logits
        later = logits.float().log_softmax(-1).gather(-1, padded[:, 1:].repeat(num, 1)[..., None]).squeeze(-1)
        later = later.view(num, len(options), -1) * real[:, 1:]
        return (first + later.sum(-1)) / real.sum(-1)


def one_line(text: str) -> str:
    return " ".join(text.split())
