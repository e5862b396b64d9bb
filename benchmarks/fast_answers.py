"""`llamo ask --fast` against PyTorch, and against llama.cpp where it is installed: are the answers the same, and how soon.

    python benchmarks/fast_answers.py --model llamo --limit 480 [--gguf FILE]

- answers: questions of the suite `synthetic`, each put to the graphs and to the model in PyTorch, one by one, greedily;
- tokens a second of an answer, the prompt left out, on as many threads as there are cores; with `--gguf` and the package
  llama-cpp-python also llama.cpp's, on the same kind of prompt (a benchmark's own: the project does not use it);
- from the start of the command to the end of the first answer, imports and loading included: `llamo ask --fast`, `llamo ask`,
  and plain transformers with the bare language model, which answers a question in words; medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from llamo.modeling_llamo.onnx_model_llamo import FOLDER, LlamoOnnxModel
from llamo.processing.plain_processing_llamo import PlainProcessor
from llamo.train.evaluation.suite import SuiteOptions
from llamo.train.evaluation.synthetic import build
from llamo.train.export_onnx import export_onnx, language_model_alone
from llamo.train.questions.scoring import score


NEW_TOKENS = 40  # longest answer of the comparison
TIMED_TOKENS = 64
QUESTION = "How many squats does the person do?"
EXAMPLE = "examples/squats.bvh"
PLAIN = """
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(sys.argv[1])
inputs = tokenizer("What is a squat?", return_tensors="pt")
print(tokenizer.decode(model.generate(**inputs, max_new_tokens=8, do_sample=False)[0]))
"""


def put(item) -> list[dict]:
    """An item of a suite as a message."""
    motions = [] if item.joints is None else [(item.joints, item.fps)]
    parts = [{"type": "motion", "motion": joints, "fps": fps} for joints, fps in [*motions, *item.others]]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": item.question.question}]}]


def in_torch(processor, messages: list[dict]):
    return processor.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )


@torch.inference_mode()
def compare_answers(checkpoint: Path, limit: int, seed: int) -> None:
    """Prints how many answers are the same, and how many of each are right."""
    processor = AutoProcessor.from_pretrained(checkpoint, trust_remote_code=True)
    model = AutoModelForImageTextToText.from_pretrained(checkpoint, trust_remote_code=True, dtype=torch.float32).eval()
    plain, graphs = PlainProcessor(checkpoint), LlamoOnnxModel(checkpoint / FOLDER)
    same, right, seconds = [], {"fast": [], "torch": []}, {"fast": 0.0, "torch": 0.0}
    for item in build(SuiteOptions(limit=limit, seed=seed)):
        messages, said = put(item), {}
        for name in ("fast", "torch"):
            started = time.perf_counter()
            if name == "fast":
                inputs = plain(messages)
                ids = graphs.generate(**inputs, max_new_tokens=NEW_TOKENS)
            else:
                inputs = in_torch(processor, messages)
                ids = model.generate(**inputs, max_new_tokens=NEW_TOKENS)
            said[name] = plain.decode(ids[0, inputs["input_ids"].shape[1] :])
            seconds[name] += time.perf_counter() - started
            right[name].append(score(item.question, said[name]))
        same.append(said["fast"] == said["torch"])
    print(f"answers: {len(same)}; the same {np.mean(same):.1%}; right with --fast {np.mean(right['fast']):.1%}, in PyTorch "
          f"{np.mean(right['torch']):.1%}; seconds of one {seconds['fast'] / len(same):.3f} and "
          f"{seconds['torch'] / len(same):.3f}, {seconds['torch'] / seconds['fast']:.1f} times as many")  # fmt: skip


def per_second(answer: Callable[[int], object], repeats: int) -> float:
    """Tokens a second after the first; `answer` makes as many as it is told."""
    answer(1)
    rates = []
    for _ in range(repeats):
        times = []
        for tokens in (1, 1 + TIMED_TOKENS):
            started = time.perf_counter()
            answer(tokens)
            times.append(time.perf_counter() - started)
        rates.append(TIMED_TOKENS / (times[1] - times[0]))
    return statistics.median(rates)


def measure_rates(checkpoint: Path, repeats: int, gguf: str | None) -> None:
    """Prints tokens a second of the graphs, of PyTorch and, with a file for it, of llama.cpp."""
    plain, graphs = PlainProcessor(checkpoint), LlamoOnnxModel(checkpoint / FOLDER)
    messages = [{"role": "user", "content": [{"type": "motion", "path": EXAMPLE}, {"type": "text", "text": QUESTION}]}]
    inputs = plain(messages)
    graphs.settings["eos_token_ids"] = []
    rates = {"--fast": per_second(lambda tokens: graphs.generate(**inputs, max_new_tokens=tokens), repeats)}
    processor = AutoProcessor.from_pretrained(checkpoint, trust_remote_code=True)
    model = AutoModelForImageTextToText.from_pretrained(checkpoint, trust_remote_code=True, dtype=torch.float32).eval()
    prompt = in_torch(processor, messages)
    model.generation_config.eos_token_id = None
    with torch.inference_mode():
        rates["PyTorch"] = per_second(lambda tokens: model.generate(**prompt, max_new_tokens=tokens), repeats)
    if gguf and find_spec("llama_cpp"):
        import llama_cpp

        bare = llama_cpp.Llama(gguf, n_threads=os.cpu_count(), n_threads_batch=os.cpu_count(), n_ctx=1024, verbose=False)
        words = np.random.default_rng(0).integers(10, 40_000, inputs["input_ids"].shape[1]).tolist()

        def evaluate(tokens: int) -> None:
            bare.reset()
            bare.eval(words)
            for _ in range(tokens - 1):
                bare.eval([bare.sample(temp=0.0)])

        rates["llama.cpp"] = per_second(evaluate, repeats)
    told = ", ".join(f"{name} {rate:.0f} ({rates['--fast'] / rate:.2f} times)" for name, rate in rates.items())
    print(f"tokens a second, and how many times as many --fast makes: {told}")


def measure_starts(checkpoint: Path, repeats: int) -> None:
    """Prints seconds from a command's start to the end of its first answer."""
    ask = [sys.executable, "-c", "from llamo.cli.main import app; app()", "ask", EXAMPLE, QUESTION, "--model", str(checkpoint)]
    with tempfile.TemporaryDirectory() as folder:
        full = AutoModelForImageTextToText.from_pretrained(checkpoint, trust_remote_code=True, dtype=torch.float32)
        language_model_alone(full).save_pretrained(folder)
        AutoProcessor.from_pretrained(checkpoint, trust_remote_code=True).tokenizer.save_pretrained(folder)
        commands = {"--fast": [*ask, "--fast"], "PyTorch": ask, "plain transformers": [sys.executable, "-c", PLAIN, folder]}
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(repeats):
            for name, command in commands.items():
                started = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - started)
    middle = {name: statistics.median(times) for name, times in seconds.items()}
    base = middle["plain transformers"]
    print("seconds to the first answer: " + ", ".join(f"{name} {value:.2f} ({value / base:.2f} of plain transformers)"
                                                      for name, value in middle.items()))  # fmt: skip


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="llamo", help="folder of a checkpoint")
    parser.add_argument("--limit", type=int, default=480, help="questions; 0 leaves the comparison out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--gguf", help="base language model for llama.cpp")
    return parser


def main() -> None:
    args = make_parser().parse_args()
    checkpoint = Path(args.model)
    if not (checkpoint / FOLDER).exists():
        export_onnx(checkpoint)
    measure_rates(checkpoint, args.repeats, args.gguf)
    measure_starts(checkpoint, args.repeats)
    if args.limit:
        compare_answers(checkpoint, args.limit, args.seed)


if __name__ == "__main__":
    main()
