"""HumanML3D's 263 features: this project beside the published steps in plain NumPy, in one run, on a motion made here.

    python benchmarks/humanml_features.py [--frames 200] [--clips 8] [--repeats 10] [--json]

The reference below follows the published processing step by step (Guo et al. 2022): quaternions between bones and axes joint
by joint along each chain, a product for each, then matrices. It is written from the definition, for this comparison. Both
are timed in turns, several clips at a time, so that a busy machine slows both; ratios are what counts.
"""

import argparse
import json
import statistics
import sys
import time
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter1d

from llamo.processing.humanml_features_llamo import (
    AXES,
    CHAINS,
    PARENTS,
    UNIFORM_LENGTHS,
    humanml_frame,
    humanml_to_joints,
    joints_to_humanml,
)


BAR = 8.0  # clips per second over the reference's
TOLERANCE = 1e-4
UP, AHEAD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])


def normalised(v: np.ndarray) -> np.ndarray:
    return v / np.sqrt((v**2).sum(axis=-1, keepdims=True))


def conjugate(q: np.ndarray) -> np.ndarray:
    return q * np.array([1.0, -1.0, -1.0, -1.0])


def product(q: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Quaternions `(..., 4)`, w first, by the outer product of their components."""
    terms = r.reshape(-1, 4, 1) @ q.reshape(-1, 1, 4)
    w = terms[:, 0, 0] - terms[:, 1, 1] - terms[:, 2, 2] - terms[:, 3, 3]
    x = terms[:, 0, 1] + terms[:, 1, 0] - terms[:, 2, 3] + terms[:, 3, 2]
    y = terms[:, 0, 2] + terms[:, 1, 3] + terms[:, 2, 0] - terms[:, 3, 1]
    z = terms[:, 0, 3] - terms[:, 1, 2] + terms[:, 2, 1] + terms[:, 3, 0]
    return np.stack([w, x, y, z], axis=1).reshape(q.shape)


def rotated(q: np.ndarray, v: np.ndarray) -> np.ndarray:
    u = q[..., 1:]
    once = np.cross(u, v)
    return v + 2 * (q[..., :1] * once + np.cross(u, once))


def between(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    w = np.sqrt((u**2).sum(-1, keepdims=True) * (v**2).sum(-1, keepdims=True)) + (u * v).sum(-1, keepdims=True)
    return normalised(np.concatenate([w, np.cross(u, v)], axis=-1))


def matrices(q: np.ndarray) -> np.ndarray:
    w, x, y, z = np.moveaxis(q, -1, 0)
    s = 2.0 / (q * q).sum(-1)
    rows = [
        [1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)],
        [s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)],
        [s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def inverse_kinematics(joints: np.ndarray, smooth: bool) -> np.ndarray:
    """Local quaternions `(num_frames, 22, 4)`, the root's first. The hips are exchanged, as published."""
    across = (joints[:, 1] - joints[:, 2]) + (joints[:, 17] - joints[:, 16])
    forward = np.cross(UP[None], normalised(across))
    if smooth:
        forward = gaussian_filter1d(forward, 20, axis=0, mode="nearest")
    root = between(normalised(forward), AHEAD[None].repeat(len(joints), axis=0))
    local = np.zeros((*joints.shape[:2], 4))
    local[:, 0] = root
    for chain in CHAINS:
        world = root
        for before, joint in pairwise(chain):
            axis = AXES[joint][None].repeat(len(joints), axis=0)
            here = product(conjugate(world), between(axis, normalised(joints[:, joint] - joints[:, before])))
            local[:, joint] = here
            world = product(world, here)
    return local


def uniform_skeleton(joints: np.ndarray) -> np.ndarray:
    source = np.zeros((22, 3))
    for joint in range(1, 22):
        source[joint] = np.linalg.norm(joints[0, joint] - joints[0, PARENTS[joint]]) * AXES[joint]
    target = UNIFORM_LENGTHS[:, None] * AXES
    scale = (np.abs(target[5]).max() + np.abs(target[8]).max()) / (np.abs(source[5]).max() + np.abs(source[8]).max())
    local = inverse_kinematics(joints, smooth=False)
    out = np.zeros_like(joints)
    out[:, 0] = joints[:, 0] * scale
    for chain in CHAINS:
        world = local[:, 0]
        for before, joint in pairwise(chain):
            world = product(world, local[:, joint])
            out[:, joint] = rotated(world, target[joint][None].repeat(len(joints), axis=0)) + out[:, before]
    return out


def reference(joints: np.ndarray, retarget: bool = False) -> np.ndarray:
    """`(num_frames, 22, 3)` to `(num_frames - 1, 263)` by the published steps."""
    joints = np.asarray(joints, dtype=np.float64).copy()
    if retarget:
        joints = uniform_skeleton(joints)
    joints[:, :, 1] -= joints.min(axis=0).min(axis=0)[1]
    joints = joints - joints[0, 0] * np.array([1, 0, 1])
    across = (joints[0, 2] - joints[0, 1]) + (joints[0, 17] - joints[0, 16])
    first = between(normalised(np.cross(UP[None], normalised(across))), AHEAD[None])
    joints = rotated(np.ones((*joints.shape[:2], 4)) * first, joints)
    steps = joints[1:] - joints[:-1]
    contacts = [(steps[:, feet] ** 2).sum(-1) < 0.002 for feet in ([7, 10], [8, 11])]
    local = inverse_kinematics(joints, smooth=True)
    columns = matrices(local)
    six = np.concatenate([columns[..., 0], columns[..., 1]], axis=-1)
    root = local[:, 0]
    velocity = rotated(root[1:], steps[:, 0])
    turn = np.arcsin(product(root[1:], conjugate(root[:-1]))[:, 2:3])
    posed = joints.copy()
    posed[..., 0] -= posed[:, 0:1, 0]
    posed[..., 2] -= posed[:, 0:1, 2]
    posed = rotated(np.repeat(root[:, None], 22, axis=1), posed)
    velocities = rotated(np.repeat(root[:-1, None], 22, axis=1), steps)
    parts = [
        turn,
        velocity[:, [0, 2]],
        posed[:-1, 0, 1:2],
        posed[:-1, 1:].reshape(len(steps), -1),
        six[:-1, 1:].reshape(len(steps), -1),
        velocities.reshape(len(steps), -1),
        *contacts,
    ]
    return np.concatenate(parts, axis=-1)


def make_motion(num_frames: int, seed: int = 0) -> np.ndarray:
    """A person who walks in a curve with swinging limbs, `(num_frames, 22, 3)` metres at 20 fps; bones keep their lengths."""
    rng = np.random.default_rng(seed)
    t = np.arange(num_frames)[:, None] / 20.0
    spread = np.zeros((22, 3))
    spread[1:] = AXES[1:] * UNIFORM_LENGTHS[1:, None] * rng.uniform(0.9, 1.1, (21, 1))
    joints = np.zeros((num_frames, 22, 3))
    joints[:, 0] = np.concatenate([0.2 * np.sin(t), 0.93 + 0.03 * np.sin(9 * t), 1.2 * t], axis=1)
    for joint in range(1, 22):
        swing = rng.uniform(-0.4, 0.4, 3) * np.sin(rng.uniform(2, 8, 3) * t + rng.uniform(0, 6, 3))
        direction = normalised(AXES[joint] + swing)
        joints[:, joint] = joints[:, PARENTS[joint]] + np.linalg.norm(spread[joint]) * direction
    turn = 0.8 * np.sin(0.7 * t[:, 0])
    x, z = joints[..., 0] - joints[:, :1, 0], joints[..., 2] - joints[:, :1, 2]
    cosine, sine = np.cos(turn)[:, None], np.sin(turn)[:, None]
    joints[..., 0], joints[..., 2] = joints[:, :1, 0] + cosine * x + sine * z, joints[:, :1, 2] + cosine * z - sine * x
    return joints


def compare(clips: list[np.ndarray], retarget: bool, repeats: int) -> dict:
    """Seconds a clip of both, block by block in turns, and the largest difference of any feature."""
    pairs = [(joints_to_humanml(clip, retarget=retarget), reference(clip, retarget)) for clip in clips]
    difference = max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)
    times: dict[str, list[float]] = {"ours": [], "reference": []}
    for _ in range(repeats):
        start = time.perf_counter()
        for clip in clips:
            reference(clip, retarget)
        middle = time.perf_counter()
        for clip in clips:
            joints_to_humanml(clip, retarget=retarget)
        times["reference"].append((middle - start) / len(clips))
        times["ours"].append((time.perf_counter() - middle) / len(clips))
    median = {name: statistics.median(values) for name, values in times.items()}
    return {
        "ours_ms": 1000 * median["ours"],
        "reference_ms": 1000 * median["reference"],
        "ours_clips_per_s": 1 / median["ours"],
        "ratio": median["reference"] / median["ours"],
        "max_difference": difference,
    }


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--clips", type=int, default=8, help="different clips, done one after the other by each")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def main(argv: list[str] | None = None) -> int:
    args = make_parser().parse_args(argv)
    clips = [make_motion(args.frames, seed) for seed in range(args.clips)]
    rows = {"features": compare(clips, False, args.repeats), "with retargeting": compare(clips, True, args.repeats)}
    back = max(np.abs(humanml_to_joints(joints_to_humanml(clip)) - humanml_frame(clip)[:-1]).max() for clip in clips)
    met = all(row["ratio"] >= BAR and row["max_difference"] <= TOLERANCE for row in rows.values())
    if args.json:
        print(json.dumps({**rows, "inverse_m": float(back), "bar": BAR, "met": met}, indent=1))
        return 0 if met else 1
    print(f"{args.clips} clips of {args.frames} frames, median of {args.repeats}; bar: {BAR:g} x, equal to {TOLERANCE:g}")
    for name, row in rows.items():
        print(
            f"  {name:17} ours {row['ours_ms']:6.2f} ms ({row['ours_clips_per_s']:5.0f} clips/s), published steps "
            f"{row['reference_ms']:6.2f} ms: {row['ratio']:5.1f} x   largest difference {row['max_difference']:.1e}"
        )
    print(f"  features back to joints: within {1000 * back:.1e} mm")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
