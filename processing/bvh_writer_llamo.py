# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""22 joints to BVH: metres, Y up, T-pose at rest, joints by their SMPL names, rotations in the order Z X Y.

Joints that do not keep their place in their parent's frame get position channels of their own, which *replace* the OFFSET,
as every common reader has it. Positions read back are within 1 mm.
"""

import numpy as np

from .rotations_llamo import zxy_degrees
from .skeleton_fit_llamo import CHILDREN, fit_skeleton
from .skeleton_mapping_llamo import TARGET_NAMES


# From the last joint of a limb to its tip, in the rest pose: for the eye only, so that programs draw a last bone.
TIPS = {
    "head": (0.0, 0.12, 0.02),
    "left_wrist": (0.09, 0.0, 0.0),
    "right_wrist": (-0.09, 0.0, 0.0),
    # No longer than nothing: the foot joint is the ball of the foot, and a tip ahead of it would be taken for one.
    "left_foot": (0.0, 0.0, 0.0),
    "right_foot": (0.0, 0.0, 0.0),
}


def write_bvh(joints: np.ndarray, fps: float) -> bytes:
    """A BVH file in memory.

    Args:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): metres, Y up.
        fps (`float`): frames per second.
    """
    fit = fit_skeleton(joints)
    degrees = zxy_degrees(fit.rotations)
    lines, columns = ["HIERARCHY"], []

    def emit(joint: int, depth: int) -> None:
        pad = "\t" * depth
        lines.extend([f"{pad}{'JOINT' if depth else 'ROOT'} {TARGET_NAMES[joint]}", pad + "{"])
        lines.append(f"{pad}\tOFFSET {_numbers(fit.offsets[joint])}")
        turns = "Zrotation Xrotation Yrotation"
        if joint in fit.places:
            lines.append(f"{pad}\tCHANNELS 6 Xposition Yposition Zposition {turns}")
            columns.append(fit.places[joint])
        else:
            lines.append(f"{pad}\tCHANNELS 3 {turns}")
        columns.append(degrees[:, joint])
        for child in CHILDREN[joint]:
            emit(child, depth + 1)
        if not CHILDREN[joint]:
            lines.extend(
                [f"{pad}\tEnd Site", pad + "\t{", f"{pad}\t\tOFFSET {_numbers(TIPS[TARGET_NAMES[joint]])}", pad + "\t}"]
            )
        lines.append(pad + "}")

    emit(0, 0)
    numbers = np.concatenate(columns, axis=1)
    form = " ".join(["%.6f"] * numbers.shape[1])
    lines += ["MOTION", f"Frames: {len(joints)}", f"Frame Time: {1.0 / fps:.10f}"]
    lines += [form % tuple(row) for row in numbers.tolist()]
    return ("\n".join(lines) + "\n").encode("ascii")


def _numbers(values) -> str:
    return " ".join(f"{value:.6f}" for value in values)
