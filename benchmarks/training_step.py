"""A step of instruction tuning against the same step of the bare language model, and with its frozen part in bfloat16.

    python benchmarks/training_step.py --model llamo

Both have LoRA of rank 16 in every projection and as many tokens; ours trains the Cross Talker too. The steps take turns, and
ratios are medians of pairs.
"""

import argparse
import statistics
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from torch.nn.functional import cross_entropy

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.processing.processing_llamo import LlamoProcessor
from llamo.train.conversations import motion_part
from llamo.train.half_frozen import frozen_in_bfloat16, multiplies_bfloat16_fast
from llamo.train.synthesis.engine import synthesize


TARGETS = r".*language_model\..*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
QUESTIONS = ("What is the person doing?", "How many times?", "Which side is it?")
ANSWER = "The person does 4 squats."


def conversations(processor: LlamoProcessor, num: int) -> dict:
    """A batch of conversations about procedural motions, of three turns each, with the mask of their answers."""
    chats = []
    for seed in range(num):
        joints = synthesize(np.random.default_rng(seed)).joints
        chat = []
        for turn, question in enumerate(QUESTIONS):
            content = [motion_part(joints)] if turn == 0 else []
            chat.append({"role": "user", "content": [*content, {"type": "text", "text": question}]})
            chat.append({"role": "assistant", "content": [{"type": "text", "text": ANSWER}]})
        chats.append(chat)
    return processor.apply_chat_template(
        chats, tokenize=True, return_dict=True, return_tensors="pt", padding=True, return_assistant_tokens_mask=True
    )


def step(inner, head, inputs: dict, targets: torch.Tensor, answers: torch.Tensor, trained: list) -> float:
    """Seconds of a forward and a backward pass, the head on the answers' tokens alone."""
    started = time.perf_counter()
    states = inner(**inputs, use_cache=False).last_hidden_state
    cross_entropy(head(states[:, :-1][answers]).float(), targets[answers]).backward()
    for parameter in trained:
        parameter.grad = None
    return time.perf_counter() - started


def main() -> None:
    arguments = make_parser().parse_args()
    processor = LlamoProcessor.from_pretrained(arguments.model, trust_remote_code=False)
    model = LlamoForConditionalGeneration.from_pretrained(arguments.model, dtype=torch.float32)
    settings = LoraConfig(r=16, lora_alpha=32, target_modules=TARGETS, modules_to_save=["talker"])
    tuned = get_peft_model(model, settings).train()
    trained = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    inputs = dict(conversations(processor, arguments.batch_size))
    answers = torch.as_tensor(inputs.pop("assistant_masks"))[:, 1:].bool()
    targets = inputs["input_ids"][:, 1:]
    inner, head = tuned.get_base_model().model, tuned.get_base_model().lm_head
    # Ordinary words in the place of motion: to the bare model they are tokens like others.
    text = {"input_ids": torch.randint(10, 40_000, targets.shape[:1] + (targets.shape[1] + 1,))}
    text["attention_mask"] = inputs["attention_mask"]

    variants = {"bare language model": (inner.language_model, text, False), "LLaMo": (inner, inputs, False)}
    if multiplies_bfloat16_fast():
        variants["LLaMo, frozen part in bfloat16"] = (inner, inputs, True)
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(arguments.repeats + 1):
        for name, (module, batch, halved) in variants.items():
            with frozen_in_bfloat16(tuned) if halved else nullcontext():
                taken = step(module, head, batch, targets, answers, trained)
            if turn:  # the first warms up
                seconds[name].append(taken)
    print(f"{arguments.batch_size} conversations of {targets.shape[1] + 1} tokens, {torch.get_num_threads()} threads")
    bare = seconds["bare language model"]
    for name, taken in seconds.items():
        ratio = statistics.median(one / other for one, other in zip(taken, bare, strict=True))
        print(f"{name:<32}{ratio:6.2f} x the step of the bare language model")


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("llamo"))
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    return parser


if __name__ == "__main__":
    main()
