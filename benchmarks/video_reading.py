"""How fast videos are read, and that memory does not grow with their length.

    python benchmarks/video_reading.py [--seconds 15,150] [--size 720x1280] [--json]

Every figure is of a process of its own: frames a second of wall and of CPU time with one decoder thread, and how much the
process's peak memory is above that of a process which has only imported the library. `sample` takes 8 frames, evenly over time.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path


FPS = 30
WAYS = ("all", "20 fps", "sample")


def read(path: str, way: str) -> dict:
    """Reads a video in one of WAYS, or nothing with an unknown one."""
    from llamo.processing.video_reading_llamo import iterate_frames, sample_frames

    started, cpu, count = time.perf_counter(), time.process_time(), 0
    if way == "sample":
        count = len(sample_frames(path, 8)[0])
    elif way in WAYS:
        count = sum(1 for _ in iterate_frames(path, fps=20 if way == "20 fps" else None, threads=1))
    return {"frames": count, "wall": time.perf_counter() - started, "cpu": time.process_time() - cpu, "peak_kb": peak_kb()}


def peak_kb() -> int:
    """Peak memory of this process alone, on Linux; `ru_maxrss` would count the process that started it, too."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def write(path: str, seconds: int, size: tuple[int, int]) -> None:
    """A walk before a static camera, to and fro."""
    import numpy as np

    from llamo.train.rendering.scene import random_scene, render
    from llamo.train.rendering.video_files import write_video
    from llamo.train.synthesis.engine import synthesize

    rng = np.random.default_rng(0)
    joints = synthesize(rng, actions=["walk"]).joints[:40]
    clip = render(random_scene(joints, rng, size, "static"))
    clip = np.concatenate([clip, clip[::-1]])
    write_video(path, (clip[[frame % len(clip)]] for frame in range(seconds * FPS)), FPS)


def measure(lengths: list[int], size: tuple[int, int]) -> list[dict]:
    def run(*arguments: str) -> dict:
        return json.loads(
            subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True).stdout
        )

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seconds in lengths:
            path = str(Path(folder) / f"{seconds}.mp4")
            write(path, seconds, size)
            base = run("--read", path, "--way", "nothing")["peak_kb"]
            for way in WAYS:
                told = run("--read", path, "--way", way)
                decoded = seconds * FPS
                rows.append(
                    {
                        "seconds": seconds,
                        "way": way,
                        "frames": told["frames"],
                        "video_frames_per_s": round(decoded / told["wall"]),
                        "video_frames_per_cpu_s": round(decoded / told["cpu"]),
                        "memory_mb": round((told["peak_kb"] - base) / 1024),
                    }
                )
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", default="15,150", help="lengths of the videos")
    parser.add_argument("--size", default="720x1280", help="height x width")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        print(json.dumps(read(options.read, options.way)))
        return
    height, width = (int(side) for side in options.size.split("x"))
    rows = measure([int(seconds) for seconds in options.seconds.split(",")], (height, width))
    if options.json:
        print(json.dumps(rows))
        return
    print(f"{'video':>8}  {'way':<8}{'taken':>7}{'frames/s':>10}{'per CPU s':>11}{'memory':>10}")
    for row in rows:
        print(
            f"{row['seconds']:>6} s  {row['way']:<8}{row['frames']:>7}{row['video_frames_per_s']:>10}"
            f"{row['video_frames_per_cpu_s']:>11}{row['memory_mb']:>7} MB"
        )


if __name__ == "__main__":
    main()
