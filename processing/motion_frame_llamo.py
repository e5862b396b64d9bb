# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Units and axes of a motion nobody labelled: metres per unit from body height, up from how people stand."""

import numpy as np

from .motion_errors_llamo import MotionFormatError
from .skeleton_mapping_llamo import INDEX, SIDES, bone, leg_length


# Metres per unit. CMU's ASF files use 1 / 0.45 inch; Poser's unit is 8.6 feet.
UNITS = {
    "m": 1.0,
    "cm": 0.01,
    "mm": 0.001,
    "inch": 0.0254,
    "ft": 0.3048,
    "cmu": 0.0254 / 0.45,
    "dm": 0.1,
    "poser": 2.62128,
}
SPELLINGS = {
    "metre": "m", "metres": "m", "meter": "m", "meters": "m",
    "centimetre": "cm", "centimetres": "cm", "centimeter": "cm", "centimeters": "cm",
    "millimetre": "mm", "millimetres": "mm", "millimeter": "mm", "millimeters": "mm",
    "in": "inch", "inches": "inch", "foot": "ft", "feet": "ft", "decimetre": "dm", "decimeter": "dm",
}  # fmt: skip
# How tall people are: most, and nearly all (children, costumes, odd proportions).
USUAL_HEIGHT, ANY_HEIGHT, MEAN_HEIGHT = (1.4, 2.1), (1.1, 2.35), 1.7

# Rows are the new X, Y, Z in old axes; all are rotations, so left stays left.
TO_Y_UP = {
    "+y": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "-y": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "+z": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "-z": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "+x": ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    "-x": ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
}


def body_height(joints: np.ndarray) -> float:
    """Standing height from bone lengths, in the units of `joints` `(num_frames, 22, 3)`; the pose does not matter.

    Median of three: from legs and from arms (thigh + shank = 0.491, upper arm + forearm = 0.332 of the height,
    Drillis and Contini 1966), and the sum from foot to head joint, which is 0.93 of the height.
    """
    leg = leg_length(joints)
    arm = np.mean([bone(joints, f"{s}_shoulder", f"{s}_elbow") + bone(joints, f"{s}_elbow", f"{s}_wrist") for s in SIDES])
    trunk = sum(
        bone(joints, a, b)
        for a, b in (
            ("pelvis", "spine1"),
            ("spine1", "spine2"),
            ("spine2", "spine3"),
            ("spine3", "neck"),
            ("neck", "head"),
        )
    )
    hips = joints[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(1)
    drop = np.median(np.linalg.norm(hips - joints[:, INDEX["pelvis"]], axis=-1))
    return float(np.median([leg / 0.491, arm / 0.332, (leg * 1.08 + trunk + drop) / 0.93]))


def find_scale(joints: np.ndarray, units: str | float | None, where: str) -> tuple[float, str, str | None]:
    """Metres per unit, the unit's name, and what was assumed (None where the caller said it)."""
    height = body_height(joints)
    if units is not None:
        scale, name = unit_scale(units, where)
        return scale, name, None
    if not np.isfinite(height) or height <= 0:
        raise MotionFormatError(
            "a body with a height", f"a height of {height}", where, "Check that the joints are not all in one point."
        )
    for low, high in (USUAL_HEIGHT, ANY_HEIGHT):
        fitting = {name: scale for name, scale in UNITS.items() if low <= height * scale <= high}
        if fitting:
            name = min(fitting, key=lambda n: abs(np.log(height * fitting[n] / MEAN_HEIGHT)))
            return (
                fitting[name],
                name,
                f"units taken as {_unit_words(name)}: the body is then {height * fitting[name]:.2f} m tall",
            )
    scale = MEAN_HEIGHT / height
    return (
        scale,
        f"{scale:.4g} m",
        (
            f"no common unit gives a human height (the body is {height:.4g} units tall); scaled to {MEAN_HEIGHT} m "
            "(pass `units` to set it)"
        ),
    )


def unit_scale(units: str | float, where: str = "units") -> tuple[float, str]:
    """Metres per unit of a unit's name, or of a number of metres."""
    said = units
    if isinstance(units, str):
        name = units.strip().lower()
        name = SPELLINGS.get(name, name)
        if name in UNITS:
            return UNITS[name], name
        try:
            units = float(name)
        except ValueError:
            units = float("nan")
    scale = float(units)
    if not (np.isfinite(scale) and scale > 0):
        raise MotionFormatError(
            f"units out of {', '.join(UNITS)}, or metres per unit as a number",
            f"{said!r}",
            where,
            "Pass for example units='cm'.",
        )
    return scale, f"{scale:.6g} m"


def _unit_words(name: str) -> str:
    words = {
        "m": "metres",
        "cm": "centimetres",
        "mm": "millimetres",
        "inch": "inches",
        "ft": "feet",
        "dm": "decimetres",
    }
    words |= {"cmu": "CMU units (1/0.45 inch)", "poser": "Poser units (2.62 m)"}
    return words[name]


def axis_vector(up_axis: str, where: str = "up_axis") -> tuple[str, np.ndarray]:
    """'y', 'Y', '+Z', '-y' ... to its signed name and direction."""
    name = str(up_axis).strip().lower()
    name = name if name[:1] in "+-" else "+" + name
    if name not in TO_Y_UP:
        raise MotionFormatError("an up axis out of x, y, z, -x, -y, -z", f"{up_axis!r}", where, "Pass for example up_axis='z'.")
    return name, np.array(TO_Y_UP[name][1], dtype=float)


def find_up(
    joints: np.ndarray, rest: np.ndarray | None, up_axis: str | None, where: str, likely_up: str | None = None
) -> tuple[str, str | None]:
    """Which of the six axes is up.

    Evidence, in the file's own axes: how trunk and legs stand over the frames, which plane carries the body (a floor at
    zero, and always as low), how the skeleton stands at rest, and that most files are Y up. A person who lies in every
    frame has no standing trunk, but lies on a floor and stands at rest.

    Args:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): some frames, any units.
        rest (`np.ndarray` of shape `(22, 3)`, *optional*): the skeleton with all rotations zero, where there is one.
        up_axis (`str`, *optional*): what the caller says.
        likely_up (`str`, *optional*): the axis that is up in most files of this kind, where that is not +Y.

    Returns:
        the signed axis, such as "+z", and what was assumed (None where the caller said it).
    """
    if up_axis is not None:
        return axis_vector(up_axis, where)[0], None
    leg = leg_length(joints)
    posture = _posture(joints).mean(0)  # (2, 3): trunk and legs
    standing_rest = np.zeros(3)
    if rest is not None:
        trunk, legs = _posture(rest[None])[0]
        # Rigs whose bones all lie along one axis at rest (each in its own frame) do not stand: their rest says nothing.
        if trunk @ legs > 0.7:
            standing_rest = trunk + legs
            standing_rest /= np.linalg.norm(standing_rest)
    scores = {}
    for name, rows in TO_Y_UP.items():
        axis = np.array(rows[1], dtype=float)
        lowest = (joints @ axis).min(1) / leg
        floor, low, high = np.percentile(lowest, (5, 10, 90))
        score = float((posture @ axis).sum())
        score += 1.5 * float(standing_rest @ axis)
        # Files have the floor at zero, or begin with the pelvis at zero; what has neither is rather lying on its side.
        begins = abs(float(joints[0, INDEX["pelvis"]] @ axis)) / leg
        score += 1.5 if -0.08 <= floor <= 0.16 else 0.0 if begins < 0.05 else -0.5
        # Where a person moves about, only the floor's direction keeps the lowest point where it is.
        score += 0.5 if high - low < 0.12 else 0.0
        # Bare joints are nearly always Y up (HumanML3D and what follows it); BVH files come in Z up more often.
        first, first_score = likely_up or "+y", 1.6 if rest is None else 0.6
        score += first_score if name == first else 0.3 if name in ("+y", "+z") else -0.7
        scores[name] = score
    best, second = sorted(scores, key=scores.get, reverse=True)[:2]
    note = f"up axis taken as {best.upper()} from posture, floor and rest pose"
    if scores[best] - scores[second] < 0.5:
        note += f" (uncertain: {second.upper()} is nearly as likely; pass `up_axis` to set it)"
    return best, note


def _posture(joints: np.ndarray) -> np.ndarray:
    """Unit vectors pelvis to head and ankles to hips, `(num_frames, 2, 3)`."""
    hips = joints[:, [INDEX["left_hip"], INDEX["right_hip"]]].mean(1)
    ankles = joints[:, [INDEX["left_ankle"], INDEX["right_ankle"]]].mean(1)
    both = np.stack([joints[:, INDEX["head"]] - joints[:, INDEX["pelvis"]], hips - ankles], axis=1)
    return both / np.maximum(np.linalg.norm(both, axis=-1, keepdims=True), 1e-12)


def to_y_up(joints: np.ndarray, up_axis: str) -> np.ndarray:
    """Turns the axes so that `up_axis` (signed, as "+z") becomes +Y. A rotation: nothing is mirrored."""
    return joints @ np.array(TO_Y_UP[up_axis], dtype=joints.dtype).T


def leading_reference_frames(joints: np.ndarray) -> int:
    """How many first frames are a reference pose (T or A pose) from which the motion does not start.

    MotionBuilder-layout files have the skeleton's T-pose as frame 1 and the recording from frame 2 on. Such frames are
    straight in all four limbs and arms-out, and the jump to the recording is far beyond any step within it.

    Args:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): any units, any axes.
    """
    num_frames = len(joints)
    if num_frames < 3:
        return 0
    head = joints[: min(num_frames, 400)]
    body = head - head[:, :1]
    steps = np.linalg.norm(np.diff(body, axis=0), axis=-1).max(-1) / leg_length(head)
    for count in range(1, min(10, num_frames - 2) + 1):
        others = np.delete(steps, count - 1)[count - 1 :]
        if steps[count - 1] > max(0.12, 4.0 * others.max(initial=0.0)) and all(_is_reference(pose) for pose in joints[:count]):
            return count
    return 0


def _is_reference(pose: np.ndarray) -> bool:
    """Straight arms held out (T or A) and straight legs, `(22, 3)`."""

    def straight(a: str, b: str, c: str) -> bool:
        u, v = pose[INDEX[b]] - pose[INDEX[a]], pose[INDEX[c]] - pose[INDEX[b]]
        return float(u @ v) > 0.94 * float(np.linalg.norm(u) * np.linalg.norm(v))  # within 20 degrees

    trunk = pose[INDEX["neck"]] - pose[INDEX["pelvis"]]
    trunk = trunk / max(np.linalg.norm(trunk), 1e-12)
    for side in SIDES:
        if not (
            straight(f"{side}_hip", f"{side}_knee", f"{side}_ankle")
            and straight(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
        ):
            return False
        arm = pose[INDEX[f"{side}_wrist"]] - pose[INDEX[f"{side}_shoulder"]]
        # From straight out to 65 degrees down (an A pose).
        if not -0.92 < float(arm @ trunk) / max(np.linalg.norm(arm), 1e-12) < 0.3:
            return False
    return True
