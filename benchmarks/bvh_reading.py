"""BVH file to world joint positions: this project beside pybvh and bvhio, in one run, on files made here.

    python benchmarks/bvh_reading.py [--frames 524] [--repeats 9] [--json]

Ratios of one run are what counts; milliseconds differ from machine to machine. A peer that is not installed, or that
refuses a file, is named and left out.
"""

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from llamo.processing.bvh_format_llamo import read_bvh
from llamo.processing.motion_formats_llamo import read_motion


# A MotionBuilder-style body of 31 joints, in centimetres: name, parent, offset.
RIG = [("Hips", None, (0, 95, 0))]
for side, x in (("Left", 1), ("Right", -1)):
    RIG += [
        (f"{side}HipJoint", "Hips", (0, 0, 0)),
        (f"{side}UpLeg", f"{side}HipJoint", (9 * x, -5, 0)),
        (f"{side}Leg", f"{side}UpLeg", (0, -41, 0)),
        (f"{side}Foot", f"{side}Leg", (0, -42, -2)),
        (f"{side}ToeBase", f"{side}Foot", (0, -5, 13)),
    ]
RIG += [
    ("LowerBack", "Hips", (0, 0, 0)),
    ("Spine", "LowerBack", (0, 14, 0)),
    ("Spine1", "Spine", (0, 14, 0)),
    ("Neck", "Spine1", (0, 22, 0)),
    ("Neck1", "Neck", (0, 5, 0)),
    ("Head", "Neck1", (0, 6, 1)),
]
for side, x in (("Left", 1), ("Right", -1)):
    RIG += [
        (f"{side}Shoulder", "Spine1", (3 * x, 16, 0)),
        (f"{side}Arm", f"{side}Shoulder", (14 * x, 1, 0)),
        (f"{side}ForeArm", f"{side}Arm", (28 * x, 0, 0)),
        (f"{side}Hand", f"{side}ForeArm", (25 * x, 0, 0)),
        (f"{side}FingerBase", f"{side}Hand", (8 * x, 0, 0)),
        (f"{side}HandIndex1", f"{side}FingerBase", (4 * x, 0, 0)),
        (f"{side}HandThumb", f"{side}Hand", (4 * x, 0, 4)),
    ]


def make_bvh(num_frames: int, *, positions_everywhere: bool, seed: int = 0) -> str:
    """A moving body; with position channels on the root only, or on every joint."""
    rng = np.random.default_rng(seed)
    children = {}
    for name, parent, offset in RIG:
        children.setdefault(parent, []).append((name, offset))
    t = np.arange(num_frames) / 120.0
    lines, columns = ["HIERARCHY"], []

    def emit(name, offset, depth):
        pad = "\t" * depth
        root = depth == 0
        lines.extend([f"{pad}{'ROOT' if root else 'JOINT'} {name}", pad + "{"])
        lines.append(f"{pad}\tOFFSET " + " ".join(f"{v:.5f}" for v in offset))
        places = "Xposition Yposition Zposition " if root or positions_everywhere else ""
        lines.append(f"{pad}\tCHANNELS {6 if places else 3} {places}Zrotation Yrotation Xrotation")
        if places:
            drift = np.stack([3 * np.sin(t), np.sin(5 * t), 100 * t], -1) if root else 0.05 * np.sin(t)[:, None]
            columns.append(np.array(offset, dtype=float) + drift)
        columns.append(rng.uniform(5, 25, 3) * np.sin(rng.uniform(2, 6, 3) * t[:, None] + rng.uniform(0, 6, 3)))
        for child, child_offset in children.get(name, []):
            emit(child, child_offset, depth + 1)
        if name not in children:
            lines.extend([f"{pad}\tEnd Site", pad + "\t{", f"{pad}\t\tOFFSET 0.00000 2.00000 0.00000", pad + "\t}"])
        lines.append(pad + "}")

    emit(*children[None][0], 0)
    lines += ["MOTION", f"Frames: {num_frames}", "Frame Time: .0083333"]
    numbers = np.concatenate(columns, axis=1)
    lines += [" ".join(f"{v:.4f}" for v in row) for row in numbers]
    return "\n".join(lines) + "\n"


def ours(path: str) -> dict[str, np.ndarray]:
    bvh = read_bvh(Path(path).read_bytes(), where=path)
    positions = bvh.world_positions()
    return {name: positions[:, i] for i, name in enumerate(bvh.names) if not bvh.is_end[i]}


def with_pybvh(path: str) -> dict[str, np.ndarray]:
    pybvh = importlib.import_module("pybvh")
    bvh = pybvh.read_bvh_file(path, world_up="+y")
    positions = bvh.joint_positions()
    return dict(zip(bvh.joint_names, np.moveaxis(positions, 1, 0), strict=True))


def with_bvhio(path: str) -> dict[str, np.ndarray]:
    bvhio = importlib.import_module("bvhio")
    tree = bvhio.readAsHierarchy(path)
    first, last = tree.getKeyframeRange()
    positions: dict[str, list] = {}
    for frame in range(first, last + 1):
        for joint, _, _ in tree.loadPose(frame).layout():
            positions.setdefault(joint.Name, []).append(tuple(joint.PositionWorld))
    return {name: np.array(rows) for name, rows in positions.items()}


PEERS = {"pybvh": with_pybvh, "bvhio": with_bvhio}


def milliseconds(function, path: str, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(path)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def compare(path: str, repeats: int) -> dict:
    """Times and the largest difference of positions, in file units, of every reader on one file."""
    reference = ours(path)
    out = {"ours": {"ms": milliseconds(ours, path, repeats)}}
    out["whole read_motion"] = {"ms": milliseconds(read_motion, path, repeats)}
    for name, function in PEERS.items():
        if importlib.util.find_spec(name) is None:
            out[name] = {"note": "not installed"}
            continue
        try:
            positions = function(path)
        except Exception as error:
            out[name] = {"note": f"refuses the file: {error}".replace(path, "the file")[:200]}
            continue
        difference = max(float(np.abs(positions[joint] - reference[joint]).max()) for joint in reference)
        # Turn by turn with ours, so that a busy machine slows both.
        rounds = repeats if name == "pybvh" else 3
        pairs = [(milliseconds(function, path, 1), milliseconds(ours, path, 1)) for _ in range(rounds)]
        theirs = statistics.median(a for a, _ in pairs)
        out[name] = {
            "ms": theirs,
            "times_ours": theirs / statistics.median(b for _, b in pairs),
            "max_difference": difference,
        }
    return out


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=524)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    warnings.simplefilter("ignore")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, everywhere in (("positions on the root", False), ("positions on every joint", True)):
            path = os.path.join(folder, "clip.bvh")
            Path(path).write_text(make_bvh(args.frames, positions_everywhere=everywhere))
            results[name] = compare(path, args.repeats)
        # Linear time: ten times the frames.
        for factor in (1, 10):
            path = os.path.join(folder, "long.bvh")
            Path(path).write_text(make_bvh(args.frames * factor, positions_everywhere=False))
            results.setdefault("growth", {})[f"{args.frames * factor} frames"] = {"ms": milliseconds(ours, path, 5)}
    if args.json:
        print(json.dumps(results, indent=1))
        return 0
    print(f"{len(RIG)} joints, {args.frames} frames, file to world positions (median of {args.repeats})")
    for name, rows in results.items():
        print(f"\n{name}")
        for reader, row in rows.items():
            if "ms" not in row:
                print(f"  {reader:18} {row['note']}")
                continue
            line = f"  {reader:18} {row['ms']:9.2f} ms"
            if "times_ours" in row:
                line += f"   {row['times_ours']:7.1f} x ours   largest difference {row['max_difference'] / 100:.1e} m"
            print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
