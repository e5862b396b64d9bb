"""Search in a large library: how long a query takes, and how much the approximate index misses.

    python benchmarks/search.py [--clips 100000]

The words are captions of the data engine's programs; the embeddings are directions around a centre for each program. Both are
repeated, the embeddings with noise, up to the number of clips. Timed is the database alone: a query's own embedding, one pass
of the language model, is made before. Prints a table. On two cores (`taskset -c 0,1` in front) a search should take less than
100 ms, and the index find 95 % of what exact search finds.
"""

import argparse
import json
import os
import tempfile
import time

import numpy as np

from llamo.train.library.columns import MEASUREMENTS
from llamo.train.library.database import Library
from llamo.train.questions.program_questions import clause_of
from llamo.train.questions.wording import caption
from llamo.train.synthesis.engine import synthesize


WIDTH, NOISE, BATCH = 256, 0.8, 10_000
QUERIES = ("angry turn to the left, then a punch", "walks backward slowly", "jumps three times", "sits down", "waves")
FILTER = "seconds > 2 and distance_m < 3"


def programs(num: int, seed: int) -> list[tuple[str, list[str], float, str]]:
    """Captions, actions, seconds and styles of generated motions."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(num):
        motion = synthesize(rng)
        clauses = list(dict.fromkeys(map(clause_of, motion.segments)))
        found.append((caption(clauses), [segment.action for segment in motion.segments], motion.seconds, motion.style))
    return found


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def row(number: int, program: tuple, vector: np.ndarray, rng: np.random.Generator) -> dict:
    text, actions, seconds, style = program
    measured = dict.fromkeys(MEASUREMENTS) | {"distance_m": float(rng.uniform(0, 6))}
    tags = {"actions": actions, "style": style}
    return {"path": f"clips/{number:06d}.bvh", "sha256": str(number), "seconds": seconds, "caption": text, "captions": [text],
            "tags": tags, "segments": [], "measurements": measured, "warnings": [], "error": None, "model": "benchmark",
            "settings": "benchmark", "vector": vector}  # fmt: skip


def fill(library: Library, made: list, centres: np.ndarray, clips: int, rng: np.random.Generator) -> None:
    for start in range(0, clips, BATCH):
        numbers = range(start, min(start + BATCH, clips))
        noise = rng.normal(size=(len(numbers), WIDTH)) * NOISE / WIDTH**0.5
        vectors = unit(centres[[number % len(made) for number in numbers]] + noise)
        library.add([row(n, made[n % len(made)], vector, rng) for n, vector in zip(numbers, vectors, strict=True)])
    library.finish()


def milliseconds(search, repeats: int) -> tuple[float, float, float]:
    """Median and 95th percentile of the time of calls, and the median of what processors spent on one, after a warm-up."""
    search(0)
    times, spent = [], []
    for index in range(repeats):
        started, before = time.perf_counter(), time.process_time()
        search(index)
        times.append(1000 * (time.perf_counter() - started))
        spent.append(1000 * (time.process_time() - before))
    return float(np.median(times)), float(np.quantile(times, 0.95)), float(np.median(spent))


def cores() -> int:
    """On which this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> None:
    args = make_parser().parse_args()
    rng = np.random.default_rng(args.seed)
    made = programs(args.programs, args.seed)
    centres = unit(rng.normal(size=(len(made), WIDTH)))
    with tempfile.TemporaryDirectory() as folder:
        library = Library(f"{folder}/library.lance", WIDTH)
        started = time.perf_counter()
        fill(library, made, centres, args.clips, rng)
        print(
            f"{len(library)} clips of {args.programs} programs, filled and indexed in {time.perf_counter() - started:.0f} s "
            f"on {cores()} cores"
        )
        noise = rng.normal(size=(args.repeats, WIDTH)) * NOISE / WIDTH**0.5
        asked = unit(centres[rng.integers(len(made), size=args.repeats)] + noise)
        ways = {
            "words": lambda i: library.search(QUERIES[i % len(QUERIES)]),
            "embedding": lambda i: library.search(vector=asked[i]),
            "words and embedding": lambda i: library.search(QUERIES[i % len(QUERIES)], asked[i]),
            "words, embedding, filter": lambda i: library.search(QUERIES[i % len(QUERIES)], asked[i], FILTER),
            "embedding, exact": lambda i: library.search(vector=asked[i], exact=True),
        }
        print("| search by | median ms | 95th percentile ms | processor ms |\n|---|---|---|---|")
        found = {name: milliseconds(way, args.repeats) for name, way in ways.items()}
        for name, figures in found.items():
            print(f"| {name} | {' | '.join(f'{figure:.0f}' for figure in figures)} |")
        shares = []
        for vector in asked:
            near, exact = ({hit.path for hit in library.search(vector=vector, exact=way)} for way in (False, True))
            shares.append(len(near & exact) / len(exact))
        print(f"\nrecall@10 of the index against exact search: {np.mean(shares):.3f} over {len(asked)} queries")
        print(json.dumps({"clips": args.clips, "milliseconds": found, "recall": round(float(np.mean(shares)), 4)}))


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--programs", type=int, default=500, help="generated motions, whose captions are repeated")
    parser.add_argument("--repeats", type=int, default=50, help="queries of each kind")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    main()
