"""A large BVH file: megabytes a second, and peak memory over the file's size; and reading beside answering.

    python benchmarks/large_files.py [--megabytes 100] [--model llamo]

Every file is read in a process of its own, so that peak memory is that of this file. With --model, the time to read 1,000
frames is set against the time to answer one question about them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bvh_reading import make_bvh


# Prints seconds and the growth of peak memory in bytes.
READ = """
import json, resource, sys, time
from llamo.processing.motion_formats_llamo import read_motion
read_motion(sys.argv[1])  # imports and caches, with a small file
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
motion = read_motion(sys.argv[2])
seconds = time.perf_counter() - started
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "grown": 1024 * (after - before), "frames": len(motion.joints)}))
"""


def write_bvh(path: Path, megabytes: float) -> None:
    """A file of about so many megabytes: the frames of a shorter one, again and again."""
    header, frames = make_bvh(2000, positions_everywhere=False).split("Frame Time: .0083333\n")
    times = max(1, round(megabytes * 1e6 / len(frames)))
    header = header.replace("Frames: 2000", f"Frames: {2000 * times}")
    with open(path, "w") as file:
        file.write(header + "Frame Time: .0083333\n")
        for _ in range(times):
            file.write(frames)


def read_in_process(small: Path, path: Path) -> dict:
    done = subprocess.run([sys.executable, "-c", READ, str(small), str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def share_of_an_answer(path: Path, model: str) -> tuple[float, float]:
    """Seconds to read the file, and to answer a question about it with the model loaded."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from llamo.processing.motion_formats_llamo import read_motion

    processor = AutoProcessor.from_pretrained(model, trust_remote_code=True)
    network = AutoModelForImageTextToText.from_pretrained(model, trust_remote_code=True).eval()
    reading, answering = [], []
    for _ in range(3):
        started = time.perf_counter()
        motion = read_motion(path)
        reading.append(time.perf_counter() - started)
        part = {"type": "motion", "motion": motion.joints, "fps": motion.fps}
        chat = [{"role": "user", "content": [part, {"type": "text", "text": "What is the person doing?"}]}]
        started = time.perf_counter()
        inputs = processor.apply_chat_template(
            chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
        network.generate(**inputs, max_new_tokens=32)
        answering.append(time.perf_counter() - started)
    return min(reading), min(answering)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument("--model", default=None, help="checkpoint to answer with; without it only files are read")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.bvh"
        small.write_text(make_bvh(1000, positions_everywhere=False))
        for megabytes in (args.megabytes / 4, args.megabytes):
            path = Path(folder) / "large.bvh"
            write_bvh(path, megabytes)
            size = path.stat().st_size
            found = read_in_process(small, path)
            print(
                f"{size / 1e6:6.1f} MB, {found['frames']} frames: {size / 1e6 / found['seconds']:.1f} MB/s, "
                f"peak memory {found['grown'] / size:.2f} x the file"
            )
        if args.model:
            reading, answering = share_of_an_answer(small, args.model)
            print(f"1,000 frames: read in {reading:.3f} s, answered in {answering:.3f} s: {reading / answering:.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
