"""LLaMo against its own bare language model, in one run: first token, time per token, peak memory.

    python benchmarks/generation.py --model llamo

The bare model gets a text prompt of as many tokens as LLaMo's prompt has. Ratios are LLaMo over bare; medians of pairs.
"""

import argparse
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor, LlamaForCausalLM


QUESTION = "How many steps does the person take?"
NEW_TOKENS = 32


def ten_seconds() -> dict:
    """A ten-second motion part: the example, repeated to length."""
    processor = AutoProcessor.from_pretrained(ARGUMENTS.model, trust_remote_code=True)
    joints = processor.motion_processor.load({"path": "examples/squats.bvh"}).joints
    return {"type": "motion", "motion": np.concatenate([joints, joints])[:200], "fps": 20.0}


def bare_model(model) -> LlamaForCausalLM:
    """The language model alone, sharing the weights."""
    with torch.device("meta"):
        bare = LlamaForCausalLM(model.config.text_config)
    bare.model, bare.lm_head = model.model.language_model, model.lm_head
    bare.generation_config.eos_token_id = None
    return bare.eval()


def timed(function) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


@torch.inference_mode()
def measure_times() -> None:
    processor = AutoProcessor.from_pretrained(ARGUMENTS.model, trust_remote_code=True)
    model = AutoModelForImageTextToText.from_pretrained(ARGUMENTS.model, trust_remote_code=True).eval()
    bare = bare_model(model)
    chat = [{"role": "user", "content": [ten_seconds(), {"type": "text", "text": QUESTION}]}]

    def prepare():
        return processor.apply_chat_template(
            chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )

    length = prepare()["input_ids"].shape[1]
    text = torch.randint(10, 40_000, (1, length))
    options = {"do_sample": False, "eos_token_id": None, "pad_token_id": 0, "suppress_tokens": None}
    mask = torch.ones_like(text)

    def ours(tokens: int) -> float:
        return timed(lambda: model.generate(**prepare(), max_new_tokens=tokens, min_new_tokens=tokens, **options))

    def theirs(tokens: int) -> float:
        return timed(lambda: bare.generate(text, attention_mask=mask, max_new_tokens=tokens, min_new_tokens=tokens, **options))

    ours(2), theirs(2)
    first, each = [], []
    for _ in range(ARGUMENTS.repeats):
        a, b = ours(1), theirs(1)
        first.append(a / b)
        each.append((ours(NEW_TOKENS + 1) - a) / (theirs(NEW_TOKENS + 1) - b))
    print(f"prompt: {length} tokens for a 10 s motion and a question")
    print(f"first token, file in memory to token: {statistics.median(first):.2f} x the bare language model")
    print(f"each further token: {statistics.median(each):.2f} x the bare language model")


def measure_memory(kind: str) -> None:
    """Runs in a process of its own and prints its peak memory in MiB."""
    import resource

    if kind == "llamo":
        processor = AutoProcessor.from_pretrained(ARGUMENTS.model, trust_remote_code=True)
        model = AutoModelForImageTextToText.from_pretrained(ARGUMENTS.model, trust_remote_code=True).eval()
        chat = [{"role": "user", "content": [ten_seconds(), {"type": "text", "text": QUESTION}]}]
        inputs = processor.apply_chat_template(
            chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
        model.generate(**inputs, max_new_tokens=NEW_TOKENS)
    else:
        from llamo.train.base_model import load_base

        model, _ = load_base()
        model.generate(torch.randint(10, 40_000, (1, 48)), max_new_tokens=NEW_TOKENS, pad_token_id=0)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    if ARGUMENTS.memory:
        measure_memory(ARGUMENTS.memory)
        return
    measure_times()
    peaks = {}
    for kind in ("llamo", "bare"):
        command = [sys.executable, __file__, "--model", ARGUMENTS.model, "--memory", kind]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks[kind] = float(done.stdout.strip().splitlines()[-1])
    print(f"peak memory: {peaks['llamo']:.0f} MiB, {peaks['llamo'] / peaks['bare']:.2f} x the bare language model")


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="llamo")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--memory", choices=("llamo", "bare"), help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    ARGUMENTS = make_parser().parse_args()
    main()
