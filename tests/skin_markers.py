"""Markers on the skin of a body whose joints are known, and the C3D and TRC files of them: the way back is under test.

The distances are those of anatomy text books, not the formulas of the reader: Bell et al. 1990 for the hips (14 % of the
width of the iliac spines in, 30 % down, 19 % back), half a knee of 52 mm, half an ankle of 35 mm, half an elbow of 35 mm,
half a wrist of 28 mm, the acromion 55 mm above the shoulder joint.
"""

import struct

import numpy as np


INDEX = {
    name: index
    for index, name in enumerate(
        "pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 left_foot right_foot neck "
        "left_collar right_collar head left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist".split()
    )
}


def unit(v):
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def landmarks(joints: np.ndarray) -> dict[str, np.ndarray]:
    """`(num_frames, 22, 3)` metres, Y up, to landmarks `(num_frames, 3)` on the skin."""
    j = {name: joints[:, index].astype(float) for name, index in INDEX.items()}
    marks = {}
    hips = (j["left_hip"] + j["right_hip"]) / 2
    left = unit(j["left_hip"] - j["right_hip"])
    up = j["spine1"] - hips
    up = unit(up - (up * left).sum(-1, keepdims=True) * left)
    ahead = np.cross(left, up)
    width = np.linalg.norm(j["left_hip"] - j["right_hip"], axis=-1, keepdims=True) / 0.72
    for side, sign in (("left", 1), ("right", -1)):
        marks[f"{side}_asis"] = hips + width * (0.19 * ahead + 0.30 * up + sign * 0.5 * left)
        marks[f"{side}_psis"] = hips + width * (0.19 * ahead + 0.32 * up + sign * 0.17 * left) - 0.15 * ahead
        shank = unit(j[f"{side}_knee"] - j[f"{side}_ankle"])
        foot = j[f"{side}_foot"] - j[f"{side}_ankle"]
        out = sign * unit(np.cross(shank, foot))
        forwards = unit(foot - (foot * shank).sum(-1, keepdims=True) * shank)
        for joint, half in (("knee", 0.052), ("ankle", 0.035)):
            marks[f"{side}_{joint}_out"] = j[f"{side}_{joint}"] + half * out
            marks[f"{side}_{joint}_in"] = j[f"{side}_{joint}"] - half * out
        down = unit(foot - (foot * forwards).sum(-1, keepdims=True) * forwards)
        marks[f"{side}_heel"] = j[f"{side}_ankle"] - 0.045 * forwards + 0.03 * down
        marks[f"{side}_toe"] = j[f"{side}_foot"] + 0.015 * shank
        marks[f"{side}_toe5"] = j[f"{side}_foot"] + 0.045 * out
        marks[f"{side}_toe1"] = j[f"{side}_foot"] - 0.045 * out
        marks[f"{side}_toe_tip"] = j[f"{side}_foot"] + 0.065 * unit(j[f"{side}_foot"] - marks[f"{side}_heel"])
    across = unit(j["left_shoulder"] - j["right_shoulder"])
    trunk = (j["left_shoulder"] + j["right_shoulder"]) / 2 - hips
    trunk = unit(trunk - (trunk * across).sum(-1, keepdims=True) * across)
    front = np.cross(across, trunk)
    marks["c7"] = j["neck"] + 0.02 * trunk - 0.06 * front
    marks["notch"] = j["neck"] - 0.03 * trunk + 0.06 * front
    skull = j["head"] + 0.075 * unit(j["head"] - j["neck"])
    nose = np.cross(across, unit(j["head"] - j["neck"]))
    for side, sign in (("left", 1), ("right", -1)):
        marks[f"{side}_head_front"] = skull + 0.085 * nose + sign * 0.06 * across
        marks[f"{side}_head_back"] = skull - 0.085 * nose + sign * 0.06 * across
        marks[f"{side}_head_side"] = skull + sign * 0.08 * across
        marks[f"{side}_acromion"] = j[f"{side}_shoulder"] + 0.055 * trunk + sign * 0.01 * across
        upper, fore = unit(j[f"{side}_elbow"] - j[f"{side}_shoulder"]), unit(j[f"{side}_wrist"] - j[f"{side}_elbow"])
        # The elbow bends about a line that points out to the side where the arm hangs.
        out = -sign * np.cross(upper, fore)
        straight = sign * (across - (across * upper).sum(-1, keepdims=True) * upper)
        axis = unit(np.where(np.linalg.norm(out, axis=-1, keepdims=True) > 0.1, unit(out), unit(straight)))
        marks[f"{side}_elbow_out"] = j[f"{side}_elbow"] + 0.035 * axis
        marks[f"{side}_elbow_in"] = j[f"{side}_elbow"] - 0.035 * axis
        marks[f"{side}_wrist_thumb"] = j[f"{side}_wrist"] + 0.028 * unit(np.cross(fore, axis))
        marks[f"{side}_wrist_little"] = j[f"{side}_wrist"] - 0.028 * unit(np.cross(fore, axis))
        for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
            marks[f"{side}_{joint}_centre"] = j[f"{side}_{joint}"]
    marks["sacrum"] = (marks["left_psis"] + marks["right_psis"]) / 2
    marks["head_top"] = skull + 0.09 * unit(j["head"] - j["neck"])
    marks["head_front_middle"], marks["head_back_middle"] = skull + 0.1 * nose, skull - 0.1 * nose
    marks["neck_between"] = (j["left_shoulder"] + j["right_shoulder"]) / 2
    marks["face"] = skull + 0.12 * nose
    return marks


def write_trc(names: list[str], points: np.ndarray, fps: float = 100.0, units: str = "mm") -> bytes:
    """`(num_frames, num_markers, 3)`; NaN becomes an empty cell."""
    count = len(points)
    head = ["PathFileType\t4\t(X/Y/Z)\ttest.trc"]
    head.append("DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames")
    head.append(f"{fps:g}\t{fps:g}\t{count}\t{len(names)}\t{units}\t{fps:g}\t1\t{count}")
    head.append("Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t")
    head.append("\t\t" + "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, len(names) + 1)))
    head.append("")
    rows = []
    for frame, row in enumerate(points.reshape(count, -1)):
        cells = ["" if np.isnan(value) else f"{value:.5f}" for value in row]
        rows.append(f"{frame + 1}\t{frame / fps:.6f}\t" + "\t".join(cells))
    return "\n".join(head + rows).encode() + b"\n"


def write_c3d(
    names: list[str],
    points: np.ndarray,
    fps: float = 100.0,
    units: str = "mm",
    *,
    integers: bool = False,
    big_endian: bool = False,
    num_analog: int = 0,
    groups: dict[str, list[str]] | None = None,
    screen: str | None = None,
) -> bytes:
    """A C3D file by its description; `(num_frames, num_markers, 3)`, NaN is a point that was not seen.

    Args:
        groups: parameters of POINT that list points, as {"ANGLES": [...]}.
        screen: POINT:Y_SCREEN.
    """
    order = ">" if big_endian else "<"
    count, num_points = points.shape[:2]
    scale = 0.1 if integers else -0.1

    def entry(name: str, group: int, body: bytes) -> bytes:
        return struct.pack("bb", len(name), group) + name.encode() + struct.pack(order + "H", len(body) + 2) + body

    def text(name: str, words: list[str]) -> bytes:
        width = max(map(len, words), default=1)
        dims = struct.pack("BBBB", 255, 2, width, len(words)) if len(words) != 1 else struct.pack("BBB", 255, 1, width)
        return entry(name, 1, dims + b"".join(word.encode().ljust(width) for word in words) + b"\0")

    def number(name: str, value, kind: str) -> bytes:
        return entry(name, 1, struct.pack("bB", 2 if kind == "h" else 4, 0) + struct.pack(order + kind, value) + b"\0")

    parameters = entry("POINT", -1, b"\0")
    parameters += number("USED", num_points, "h") + number("FRAMES", min(count, 32767), "h")
    parameters += number("SCALE", scale, "f") + number("RATE", fps, "f")
    parameters += text("LABELS", names[:255]) + (text("LABELS2", names[255:]) if len(names) > 255 else b"")
    parameters += text("UNITS", [units])
    for name, words in (groups or {}).items():
        parameters += text(name, words)
    if screen:
        parameters += text("Y_SCREEN", [screen])
    blocks = -(-(len(parameters) + 6) // 512)
    section = (bytes([1, 0x50, blocks, 86 if big_endian else 84]) + parameters).ljust(512 * blocks, b"\0")
    header = bytes([2, 0x50])
    header += struct.pack(order + "HHHHHfHHf", num_points, num_analog, 1, count, 10, scale, 2 + blocks, 1, fps)
    seen = np.isfinite(points).all(-1)
    table = np.zeros((count, num_points, 4))
    table[..., :3] = np.where(seen[..., None], points, 0)
    table[..., 3] = np.where(seen, 0, -1)
    table = table.reshape(count, -1)
    if integers:
        table = table.reshape(count, num_points, 4)
        table[..., :3] = np.round(table[..., :3] / scale)
        table = table.reshape(count, -1)
    table = np.concatenate([table, np.full((count, num_analog), 7.0)], axis=1)
    return header.ljust(512, b"\0") + section + table.astype(order + ("i2" if integers else "f4")).tobytes()
