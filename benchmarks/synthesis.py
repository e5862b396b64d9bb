"""How fast procedural motion is made: clips a second, and rows of instruction data a second, on one core.

    python benchmarks/synthesis.py [--num 200] [--slowest 10]

Counted is the processor's time of this process, so that other work on the machine disturbs little; the wall's is printed too.
`--slowest N` also lists the actions that take the largest share.
"""

import argparse
import os
import sys
import time
from collections import Counter


os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core, whatever the linear algebra would like

import numpy as np

from llamo.train.asked_motions import draw_procedural
from llamo.train.conversations import filmed_row, motion_row
from llamo.train.filmed_motions import draw_filmed
from llamo.train.labelled_motion import action_vocabulary
from llamo.train.synthesis.engine import PROGRAMS, WEIGHTS, synthesize


def rate(make, num: int) -> tuple[float, float]:
    """Results a second of processor time, and of the wall's."""
    make(np.random.default_rng(0))
    rng = np.random.default_rng(1)
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(num):
        make(rng)
    return num / (time.process_time() - processor), num / (time.perf_counter() - wall)


def shares(clips: int = 3) -> Counter:
    """Share of the time that each action takes in the mixture that is drawn."""
    seconds: Counter = Counter()
    for key in PROGRAMS:
        started = time.process_time()
        for seed in range(clips):
            synthesize(np.random.default_rng(seed), vocabulary=[key])
        seconds[key] = WEIGHTS.get(key, 1.0) * (time.process_time() - started)
    total = seconds.total()
    return Counter({key: value / total for key, value in seconds.items()})


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--num", type=int, default=200, help="clips, and rows, to make")
    parser.add_argument("--slowest", type=int, default=0, help="how many actions to list by their share of the time")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    actions = tuple(action_vocabulary())
    for name, make in (
        ("clips", synthesize),
        ("rows with questions, bodies, sensors", lambda rng: motion_row(draw_procedural(rng, actions), rng, 3)),
        ("rows of --video-share, most with a video of 112 pixels", lambda rng: filmed_row(draw_filmed(rng, 112), rng, 3)),
    ):
        processor, wall = rate(make, args.num)
        print(f"{name}: {processor:.0f} a second of processor time ({wall:.0f} on the clock)")
    for key, share in shares().most_common(args.slowest) if args.slowest else ():
        print(f"  {key:20} {share:6.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
