# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""From the joints that a source knows (hips, knees, ankles, shoulders, elbows, wrists) to all 22.

What a source lacks is placed where it lies on a mean body, in proportion to the bones that the source has: on the trunk from
the middle of the hips to the middle of the shoulders, and across half the width of the shoulders. Proportions are means over
the skeletons that the model is trained on (CMU's, iClone's, 3ds Max's and SMPL's; train/synthesis/body.py), whose spine
joints differ among each other by up to 6 cm.
"""

import numpy as np

from .motion_errors_llamo import MotionFormatError
from .skeleton_mapping_llamo import INDEX, SIDES, TARGET_NAMES, build_feet


NEEDED = tuple(f"{side}_{part}" for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist") for side in SIDES)
# Share of the way from the middle of the hips to the middle of the shoulders.
ALONG_TRUNK = {"pelvis": 0.16, "spine1": 0.37, "spine2": 0.58, "spine3": 0.79, "neck": 1.08}
COLLAR = (0.92, 0.40)  # along the trunk, and out towards the shoulder
HEAD_ABOVE_NECK = 0.17  # of the trunk's length


def complete_joints(points: dict[str, np.ndarray], where: str) -> tuple[np.ndarray, list[str]]:
    """Places the joints that are not there.

    Args:
        points (`dict[str, np.ndarray]`): our joint names -> positions `(num_frames, 3)`; at least NEEDED.
        where (`str`): the file's name, for messages.

    Returns:
        joints `(num_frames, 22, 3)` in the units and axes of `points`, and what was placed, as sentences.

    Raises:
        MotionFormatError: where one of NEEDED is missing.
    """
    missing = [name for name in NEEDED if name not in points]
    if missing:
        raise MotionFormatError(
            "hips, knees, ankles, shoulders, elbows and wrists of both sides",
            f"no {', '.join(missing)}",
            where,
            "Name the missing ones with a joint map (--joint-map FILE.json, or joint_map=).",
        )
    num_frames = len(points["left_hip"])
    joints = np.full((num_frames, len(TARGET_NAMES), 3), np.nan)
    for name, positions in points.items():
        joints[:, INDEX[name]] = positions
    hips = (points["left_hip"] + points["right_hip"]) / 2
    shoulders = (points["left_shoulder"] + points["right_shoulder"]) / 2
    trunk = shoulders - hips
    placed = [name for name in TARGET_NAMES if name not in points]
    for name, share in ALONG_TRUNK.items():
        if name not in points:
            joints[:, INDEX[name]] = hips + share * trunk
    if "pelvis" in points and "neck" in points:
        # Both ends are known: what is between them is on their line.
        start, way = points["pelvis"], points["neck"] - points["pelvis"]
        for name, share in (("spine1", 0.225), ("spine2", 0.45), ("spine3", 0.68)):
            if name not in points:
                joints[:, INDEX[name]] = start + share * way
    for side in SIDES:
        if f"{side}_collar" not in points:
            along, out = COLLAR
            joints[:, INDEX[f"{side}_collar"]] = hips + along * trunk + out * (points[f"{side}_shoulder"] - shoulders)
    if "head" not in points:
        neck = joints[:, INDEX["neck"]]
        length = np.linalg.norm(trunk, axis=-1, keepdims=True)
        joints[:, INDEX["head"]] = neck + HEAD_ABOVE_NECK * length * trunk / np.maximum(length, 1e-12)
    feet = [side for side in SIDES if f"{side}_foot" not in points]
    if feet:
        build_feet(joints, feet)
    return joints, [f"{', '.join(placed)} placed by the proportions of a mean body (the file has none)"] if placed else []
