"""Batched evaluation against one question at a time, in one run: questions a second, and whether the answers are the same.

    python benchmarks/evaluating.py --model llamo --num 48 --batch-size 16

Both answer the same held-out questions with the same greedy decoding; the first answers of each are not timed.
"""

import argparse
import time

import torch

from llamo.train.evaluation.answering import Answerer, load_model, plan_batches
from llamo.train.evaluation.suite import SuiteOptions
from llamo.train.evaluation.suites import find_suite


def timed(answerer: Answerer, batches: list[list[int]]) -> tuple[float, dict[int, str]]:
    """Seconds, and the answer of each place."""
    answers: dict[int, str] = {}
    started = time.perf_counter()
    for batch in batches:
        answers |= dict(zip(batch, answerer(batch, "model"), strict=True))
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started, answers


def main() -> None:
    arguments = make_parser().parse_args()
    items = find_suite(arguments.suite).build(SuiteOptions(limit=arguments.num, seed=arguments.seed))
    processor, model = load_model(arguments.model, arguments.device)
    answerer = Answerer(model, processor, items)
    batches = plan_batches(items, arguments.batch_size)
    answerer(batches[0], "model"), answerer(batches[0][:1], "model")
    batched, together = timed(answerer, batches)
    single, alone = timed(answerer, [[place] for batch in batches for place in batch])
    same = sum(together[place] == alone[place] for place in together)
    print(f"{len(items)} questions on {model.device}, {torch.get_num_threads()} threads")
    print(f"one by one:      {len(items) / single:.2f} questions/s")
    print(f"batches of {arguments.batch_size:<4}: {len(items) / batched:.2f} questions/s, {single / batched:.1f} x")
    print(f"same answers:    {same} of {len(items)}")


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="llamo")
    parser.add_argument("--suite", default="synthetic")
    parser.add_argument("--num", type=int, default=48)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device")
    return parser


if __name__ == "__main__":
    main()
