"""How fast the data engine's renderer is: frames a second of one core, over random people, places, cameras and things.

    python benchmarks/rendering.py [--sizes 112,160,224] [--scenes 5] [--json]

Time is the process's CPU time with one thread of torch, so that other work on the machine does not count.
"""

import argparse
import json
import time

import numpy as np
import torch

from llamo.train.rendering.scene import KINDS, THINGS, random_scene, render
from llamo.train.synthesis.engine import synthesize


MAX_FRAMES = 80  # of a scene


def measure(size: int, num_scenes: int, kind: str | None, seed: int = 0) -> float:
    """Frames a second of CPU time, over `num_scenes` scenes of `size` x `size` pixels; the making of the scene included."""
    frames, seconds = 0, 0.0
    for number in range(num_scenes):
        rng = np.random.default_rng([seed, number])
        joints = synthesize(rng).joints
        held = str(rng.choice([*THINGS, ""])) or None
        started = time.process_time()
        video = render(random_scene(joints[:MAX_FRAMES], rng, (size, size), kind, held))
        seconds += time.process_time() - started
        frames += len(video)
    return frames / seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="112,160,224", help="pixels of a side")
    parser.add_argument("--scenes", type=int, default=5, help="scenes for each figure")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    torch.set_num_threads(1)
    measure(64, 2, None)  # the first calls of torch are slow
    results = {}
    for size in (int(size) for size in options.sizes.split(",")):
        kinds = {"all cameras": None, **{kind: kind for kind in KINDS}}
        results[size] = {name: round(measure(size, options.scenes, kind)) for name, kind in kinds.items()}
    if options.json:
        print(json.dumps(results))
        return
    print(f"{'frames a second, one core':<26}" + "".join(f"{name:>13}" for name in next(iter(results.values()))))
    for size, row in results.items():
        print(f"{f'{size} x {size}':<26}" + "".join(f"{value:>13}" for value in row.values()))


if __name__ == "__main__":
    main()
