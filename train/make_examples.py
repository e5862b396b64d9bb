"""Make the motions in examples/, by the procedural engine: a BVH of four squats, and joints of a wave and a walk.

python -m llamo.train.make_examples --out examples
"""

import argparse
from pathlib import Path

import numpy as np

from llamo.processing.motion_features_llamo import JOINT_NAMES, PARENTS
from llamo.train.synthesis.engine import synthesize


# Names as most character rigs have them; joints without one keep their own.
RIG_NAMES = {
    "pelvis": "Hips", "left_hip": "LeftUpLeg", "right_hip": "RightUpLeg", "left_knee": "LeftLeg",
    "right_knee": "RightLeg", "left_ankle": "LeftFoot", "right_ankle": "RightFoot", "left_foot": "LeftToeBase",
    "right_foot": "RightToeBase", "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck",
    "head": "Head", "left_collar": "LeftShoulder", "right_collar": "RightShoulder", "left_shoulder": "LeftArm",
    "right_shoulder": "RightArm", "left_elbow": "LeftForeArm", "right_elbow": "RightForeArm",
    "left_wrist": "LeftHand", "right_wrist": "RightHand",
}  # fmt: skip
CENTIMETRES = 100.0


def children_of(joint: int) -> list[int]:
    return [child for child, parent in enumerate(PARENTS) if parent == joint]


def rotations_from_joints(joints: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """World rotation of every joint that turns its children's rest offsets into their positions (Kabsch).

    Args:
        joints: `(num_frames, 22, 3)`.
        offsets: `(22, 3)` rest offset of every joint from its parent.

    Returns:
        `(num_frames, 22, 3, 3)` world rotations; leaves take their parent's.
    """
    frames = len(joints)
    world = np.tile(np.eye(3), (frames, len(PARENTS), 1, 1))
    for joint, parent in enumerate(PARENTS):
        children = children_of(joint)
        if not children:
            world[:, joint] = world[:, parent]
            continue
        rest = offsets[children]
        posed = joints[:, children] - joints[:, [joint]]
        # A faint pull towards the parent's rotation settles the twist about a single bone.
        anchor = world[:, parent] if parent >= 0 else world[:, joint]
        covariance = np.einsum("fki,kj->fij", posed, rest) + 1e-6 * anchor
        u, _, vt = np.linalg.svd(covariance)
        flip = np.sign(np.linalg.det(u @ vt))
        u[..., 2] *= flip[:, None]
        world[:, joint] = u @ vt
    return world


def euler_zyx(rotation: np.ndarray) -> np.ndarray:
    """Rotations `(..., 3, 3)` -> degrees `(..., 3)` about Z, then Y, then X, as the channels of the file stand."""
    y = np.arcsin(np.clip(-rotation[..., 2, 0], -1, 1))
    z = np.arctan2(rotation[..., 1, 0], rotation[..., 0, 0])
    x = np.arctan2(rotation[..., 2, 1], rotation[..., 2, 2])
    return np.degrees(np.stack([z, y, x], axis=-1))


def bvh_text(joints: np.ndarray, fps: float) -> str:
    """A BVH file in centimetres. Every joint has position channels, so that positions come back exactly."""
    offsets = np.zeros((len(PARENTS), 3))
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            # Length of the bone, direction of an upright rest pose: legs down, arms out, trunk up.
            length = np.linalg.norm(joints[:, joint] - joints[:, parent], axis=-1).mean()
            offsets[joint] = length * rest_direction(JOINT_NAMES[joint])
    world = rotations_from_joints(joints, offsets)
    lines, columns = ["HIERARCHY"], []

    def write(joint: int, depth: int) -> None:
        parent, pad = PARENTS[joint], "\t" * depth
        lines.append(f"{pad}{'ROOT' if parent < 0 else 'JOINT'} {RIG_NAMES[JOINT_NAMES[joint]]}")
        offset = offsets[joint] * CENTIMETRES
        lines.append(f"{pad}{{\n{pad}\tOFFSET {offset[0]:.6f} {offset[1]:.6f} {offset[2]:.6f}")
        local = world[:, joint] if parent < 0 else world[:, parent].transpose(0, 2, 1) @ world[:, joint]
        if parent < 0:
            position = joints[:, joint]
        else:
            position = np.einsum("fji,fj->fi", world[:, parent], joints[:, joint] - joints[:, parent])
        lines.append(f"{pad}\tCHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation")
        columns.extend([position * CENTIMETRES, euler_zyx(local)])
        for child in children_of(joint):
            write(child, depth + 1)
        if not children_of(joint):
            lines.append(f"{pad}\tEnd Site\n{pad}\t{{\n{pad}\t\tOFFSET 0 0 0\n{pad}\t}}")
        lines.append(f"{pad}}}")

    write(0, 0)
    lines += ["MOTION", f"Frames: {len(joints)}", f"Frame Time: {1 / fps:.8f}"]
    lines += [" ".join(f"{value:.4f}" for value in row) for row in np.concatenate(columns, axis=1)]
    return "\n".join(lines) + "\n"


def rest_direction(name: str) -> np.ndarray:
    side = 1.0 if name.startswith("left") else -1.0
    part = name.split("_")[-1]
    directions = {
        "hip": [0.75 * side, -0.66, 0], "knee": [0, -1, 0], "ankle": [0, -1, 0], "foot": [0, -0.3, 0.95],
        "collar": [0.55 * side, 0.83, 0], "shoulder": [side, 0.1, 0], "elbow": [side, 0, 0], "wrist": [side, 0, 0],
    }  # fmt: skip
    direction = np.array(directions.get(part, [0, 1, 0]), dtype=float)
    return direction / np.linalg.norm(direction)


def squats() -> np.ndarray:
    """Joints of a person who does exactly four squats, the first such clip of the engine."""
    for seed in range(1000):
        motion = synthesize(np.random.default_rng([2024, seed]), actions=["squat"])
        (segment,) = motion.segments
        if segment.count == 4 and segment.speed == "normal" and motion.style == "neutral":
            return motion.joints
    raise RuntimeError("Expected four squats within a thousand clips, got none. Look at train/synthesis/exercises.py.")


def wave_then_walk() -> np.ndarray:
    return synthesize(np.random.default_rng(11), actions=["wave", "walk"]).joints


def main(arguments=None) -> None:
    args = make_parser().parse_args(arguments)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "squats.bvh").write_text(bvh_text(squats().astype(np.float64), 20.0), encoding="utf-8")
    np.savez_compressed(out / "wave_then_walk.npz", joints=wave_then_walk().astype(np.float32), fps=np.float32(20.0))
    print(f"squats.bvh and wave_then_walk.npz in {out}")


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="examples")
    return parser


if __name__ == "__main__":
    main()
