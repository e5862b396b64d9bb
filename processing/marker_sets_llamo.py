# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Common marker sets, and from markers on the skin to joints inside the body.

A marker set is a table: anatomical landmark <- the names that the set gives its marker. Joints are built from landmarks,
the same way for all sets:

* hip: Harrington et al. 2007 (J. Biomech. 40, 595), from the width W between the front iliac spines and the depth D from
  the middle of the front ones to the middle of the back ones: 0.24 D + 9.9 mm back, 0.30 W + 10.9 mm down, and 0.33 W + 7.3 mm
  out from the middle of the front ones;
* pelvis: the middle between the front and the back iliac spines;
* knee, ankle: the middle of the outer and the inner marker; with an outer marker alone, in from it along the line that is
  square to shank and foot by 0.065 and 0.044 leg lengths (half a knee of 105 mm and an ankle of 70 mm, Plug-in Gait's usual
  widths, with 1 cm for the marker, at a leg of 0.9 m);
* ball of the foot: the marker on the second metatarsal, or the middle of first and fifth; from heel and tip of the toe, 72 %
  of the way (de Leva 1996: foot length 258 mm, metatarsal heads at 185 mm);
* shoulder: 17 % of the distance between both acromions below the acromion, along the trunk (Rab et al. 2002);
* elbow: the middle of outer and inner marker; with an outer marker alone, in from it by 0.13 upper arm lengths along the
  elbow's own axis, which is square to upper arm and forearm where the elbow is bent, and along which the marker stands off
  the line from shoulder to wrist where it is straight;
* wrist: the middle of its markers;
* neck: the middle between C7 and the jugular notch; with C7 alone, 4 cm (0.08 trunk lengths) ahead of it;
* head: 55 % of the way from the neck to the middle of the markers around the head.

What no marker tells (spine, collars) is placed by joint_completion_llamo.py.
"""

import re
from dataclasses import dataclass

import numpy as np

from .skeleton_mapping_llamo import SIDES


# Landmarks of the pelvis are needed on both sides (back ones may be one in the middle); so are knees, ankles, elbows, wrists
# and shoulders, as skin markers or as joint centres.
PELVIS = ("asis", "psis")
# Which landmarks can stand for which joint.
STAND_FOR = {
    "hip": (("hip_centre",), ("asis",)),
    "knee": (("knee_centre",), ("knee_out",)),
    "ankle": (("ankle_centre",), ("ankle_out",)),
    "shoulder": (("shoulder_centre",), ("acromion",)),
    "elbow": (("elbow_centre",), ("elbow_out",)),
    "wrist": (("wrist_centre",), ("wrist_thumb",), ("wrist_little",)),
}


@dataclass(frozen=True)
class MarkerSet:
    """A marker set.

    Attributes:
        name (`str`): for the report.
        sided (`dict[str, str]`): landmark -> names of its marker, apart by spaces, in which "{}" is the side's letter.
        middle (`dict[str, str]`): landmarks without a side.
        letters (`tuple[str, str]`): how the set writes left and right.
    """

    name: str
    sided: dict
    middle: dict
    letters: tuple[str, str] = ("l", "r")

    def table(self) -> dict[str, tuple[str, ...]]:
        """`{"left_asis": ("lasi",), "c7": ("c7",), ...}`: plain names."""
        out = {}
        for landmark, names in self.sided.items():
            for side, letter in zip(SIDES, self.letters, strict=True):
                out[f"{side}_{landmark}"] = tuple(plain(name.format(letter)) for name in names.split())
        for landmark, names in self.middle.items():
            out[landmark] = tuple(plain(name) for name in names.split())
        return out


_HEAD4 = {"head_front": "{}fhd", "head_back": "{}bhd"}
MARKER_SETS = (
    MarkerSet(
        "OpenCap",
        {
            "asis": "{}.asis_study", "psis": "{}.psis_study", "hip_centre": "{}hjc_study", "knee_out": "{}_knee_study",
            "knee_in": "{}_mknee_study", "ankle_out": "{}_ankle_study", "ankle_in": "{}_mankle_study",
            "heel": "{}_calc_study", "toe": "{}_toe_study", "toe5": "{}_5meta_study", "acromion": "{}_shoulder_study",
            "elbow_out": "{}_lelbow_study", "elbow_in": "{}_melbow_study", "wrist_thumb": "{}_lwrist_study",
            "wrist_little": "{}_mwrist_study",
        },
        {"c7": "c7_study"},
    ),
    MarkerSet(
        "keypoints by name (OpenPose, OpenCap, Pose2Sim)",
        {
            "hip_centre": "{}hip", "knee_centre": "{}knee", "ankle_centre": "{}ankle", "shoulder_centre": "{}shoulder",
            "elbow_centre": "{}elbow", "wrist_centre": "{}wrist", "heel": "{}heel", "toe_tip": "{}bigtoe",
            "head_back": "{}ear",
        },
        {"neck_between": "neck", "face": "nose"},
    ),
    MarkerSet(
        "joint centres",
        {
            "hip_centre": "{}hjc", "knee_centre": "{}kjc", "ankle_centre": "{}ajc", "shoulder_centre": "{}sjc",
            "elbow_centre": "{}ejc", "wrist_centre": "{}wjc", "asis": "{}asi {}asis", "psis": "{}psi {}psis",
            "heel": "{}hee {}heel {}cal", "toe": "{}toe", **_HEAD4,
        },
        {"c7": "c7", "notch": "clav"},
    ),
    MarkerSet(
        "Vicon Plug-in Gait",
        {
            "asis": "{}asi", "psis": "{}psi", "knee_out": "{}kne", "knee_in": "{}mkn {}knm {}kmed {}knem",
            "ankle_out": "{}ank", "ankle_in": "{}med {}mma {}anm {}mank {}ankm", "heel": "{}hee", "toe": "{}toe",
            "acromion": "{}sho", "elbow_out": "{}elb", "elbow_in": "{}mel {}elm {}elbm", "wrist_thumb": "{}wra",
            "wrist_little": "{}wrb", **_HEAD4,
        },
        {"sacrum": "sacr", "c7": "c7", "notch": "clav"},
    ),
    MarkerSet(
        "CMU",
        {
            "asis": "{}fwt", "psis": "{}bwt", "knee_out": "{}kne", "knee_in": "{}kni", "ankle_out": "{}ank", "heel": "{}hee",
            "toe": "{}toe", "acromion": "{}sho", "elbow_out": "{}elb", "elbow_in": "{}eli", "wrist_thumb": "{}wra",
            "wrist_little": "{}wrb", **_HEAD4,
        },
        {"c7": "c7", "notch": "clav"},
    ),
    MarkerSet(
        "OpenSim (Rajagopal)",
        {
            "asis": "{}asi {}asis", "psis": "{}psi {}psis", "hip_centre": "{}hjc", "knee_out": "{}lfc {}lfe",
            "knee_in": "{}mfc {}mfe", "ankle_out": "{}lmal", "ankle_in": "{}mmal", "heel": "{}cal {}heel",
            "toe": "{}toe {}mt2", "toe1": "{}mt1", "toe5": "{}mt5", "acromion": "{}acr {}ac", "elbow_out": "{}lel {}lhe",
            "elbow_in": "{}mel {}mhe", "wrist_thumb": "{}faradius {}rad", "wrist_little": "{}faulna {}uln", **_HEAD4,
        },
        {"sacrum": "sacr sacral", "c7": "c7", "notch": "clav ij"},
    ),
    MarkerSet(
        "Helen Hayes",
        {
            "asis": "{}.asis {}asi", "psis": "{}.psis {}psi", "knee_out": "{}.knee.lat {}.knee {}kne {}kneelateral",
            "knee_in": "{}.knee.med {}.knee.medial {}kneemedial", "ankle_out": "{}.ankle.lat {}.ankle {}ank {}anklelateral",
            "ankle_in": "{}.ankle.med {}.ankle.medial {}anklemedial", "heel": "{}.heel {}hee", "toe": "{}.toe {}.mt2",
            "toe1": "{}.mt1", "toe5": "{}.mt5", "toe_tip": "{}.toe.tip",
            "acromion": "{}.acromium {}.acromion {}.shoulder {}sho",
            "elbow_out": "{}.elbow.lat {}.elbow {}elb {}elbowlateral", "elbow_in": "{}.elbow.med {}.elbow.medial {}elbowmedial",
            "wrist_thumb": "{}.wrist.lat {}.wrist.rad {}.wrist {}wri {}wra", "wrist_little": "{}.wrist.med {}.wrist.uln {}wrb",
        },
        {
            "sacrum": "v.sacral v.sacrum sacral sacrum sacr", "c7": "c7 v.c7", "notch": "sternum clav",
            "head_top": "top.head", "head_front_middle": "front.head", "head_back_middle": "rear.head back.head",
        },
    ),
    MarkerSet(
        "Qualisys CAST",
        {
            "asis": "{}_ias", "psis": "{}_ips", "knee_out": "{}_fle", "knee_in": "{}_fme",
            "ankle_out": "{}_fal {}_lm", "ankle_in": "{}_tam {}_mm", "heel": "{}_fcc", "toe": "{}_fm2", "toe1": "{}_fm1",
            "toe5": "{}_fm5", "acromion": "{}_sae {}_cae", "elbow_out": "{}_hle", "elbow_in": "{}_hme",
            "wrist_thumb": "{}_rsp", "wrist_little": "{}_usp", "head_side": "{}_head",
        },
        {"c7": "cv7 c7", "notch": "sjn", "head_front_middle": "sgl"},
    ),
    MarkerSet(
        "OptiTrack / Qualisys full body",
        {
            "asis": "waist{}front", "psis": "waist{}back", "knee_out": "{}kneeout", "knee_in": "{}kneein",
            "ankle_out": "{}ankleout", "ankle_in": "{}anklein", "heel": "{}heel {}heelback", "toe": "{}forefoot2 {}toe",
            "toe1": "{}toein {}forefootin", "toe5": "{}toeout {}forefootout {}forefoot5", "toe_tip": "{}toetip",
            "acromion": "{}shouldertop", "elbow_out": "{}elbowout", "elbow_in": "{}elbowin",
            "wrist_thumb": "{}wristin", "wrist_little": "{}wristout", "head_side": "head{}",
        },
        {
            "sacrum": "waistback", "c7": "backtop spinetop", "notch": "chest", "head_top": "headtop",
            "head_front_middle": "headfront",
        },
    ),
)  # fmt: skip


def plain(name: str) -> str:
    """A marker's name without subject, case and separators: "Anna:L.ASIS" and "LASIS" are the same."""
    return re.sub(r"[^a-z0-9]", "", name.rsplit(":", 1)[-1].lower())


def find_marker_set(names: list[str]) -> tuple[MarkerSet | None, dict[str, int], list[str]]:
    """The set that fits best.

    Args:
        names (`list[str]`): of the markers, without subjects.

    Returns:
        the set, or None; its landmarks -> index of the marker; what the best set lacks, in words, where none fits.
    """
    index: dict[str, int] = {}
    for i, name in enumerate(names):
        index.setdefault(plain(name), i)
    best, best_found, best_missing = None, {}, None
    for one in MARKER_SETS:
        found = {}
        for landmark, spellings in one.table().items():
            at = next((index[name] for name in spellings if name in index), None)
            if at is not None:
                found[landmark] = at
        missing = missing_joints(found)
        rank = (-len(missing), len(found))
        if best_missing is None or rank > (-len(best_missing), len(best_found)):
            best, best_found, best_missing = one, found, missing
    if best_missing:
        return None, best_found, best_missing if len(best_found) >= 8 else []
    return best, best_found, []


def missing_joints(found: dict) -> list[str]:
    """Joints for which no landmark stands."""
    missing = []
    for joint, ways in STAND_FOR.items():
        for side in SIDES:
            if not any(all(f"{side}_{landmark}" in found for landmark in way) for way in ways):
                missing.append(f"{side} {joint}")
    centres = all(f"{side}_hip_centre" in found for side in SIDES)
    if not centres and "sacrum" not in found and not all(f"{side}_psis" in found for side in SIDES):
        missing.append("back of the pelvis")
    return missing


def joints_from_landmarks(marks: dict[str, np.ndarray], scale: float) -> dict[str, np.ndarray]:
    """Joints inside the body from landmarks on it.

    Args:
        marks (`dict[str, np.ndarray]`): landmark -> positions `(num_frames, 3)`; what `missing_joints` asks for is there.
        scale (`float`): metres per unit, as stated.

    Returns:
        our joint names -> positions `(num_frames, 3)`, in the same units and axes.
    """
    joints: dict[str, np.ndarray] = {}
    has = marks.__contains__

    def middle(*names: str) -> np.ndarray | None:
        there = [marks[name] for name in names if has(name)]
        return sum(there) / len(there) if there else None

    # Pelvis and hips.
    if has("left_asis") and has("right_asis") and (has("sacrum") or (has("left_psis") and has("right_psis"))):
        front = middle("left_asis", "right_asis")
        back = middle("left_psis", "right_psis") if has("left_psis") and has("right_psis") else marks["sacrum"]
        knees, ankles = (middle(f"left_{joint}_centre", f"left_{joint}_out") for joint in ("knee", "ankle"))
        to_right = marks["right_asis"] - marks["left_asis"]
        width, depth = _length(to_right), _length(front - back)
        ahead = _unit(_square(front - back, to_right))
        up = np.cross(_unit(to_right), ahead)
        joints["pelvis"] = (front + back) / 2
        # The formula's millimetres, where the stated unit fits the body; nobody's leg is 0.9 mm long.
        leg = _median(_length(front - knees) + _length(knees - ankles))
        millimetre = 0.001 / scale if 0.45 <= leg * scale <= 1.4 else 0.001 * leg / 0.9
        for side, sign in zip(SIDES, (-1, 1), strict=True):
            joints[f"{side}_hip"] = (
                front
                - (0.24 * depth + 9.9 * millimetre) * ahead
                - (0.30 * width + 10.9 * millimetre) * up
                + sign * (0.33 * width + 7.3 * millimetre) * _unit(to_right)
            )
    for side in SIDES:
        if has(f"{side}_hip_centre"):
            joints[f"{side}_hip"] = marks[f"{side}_hip_centre"]
    across = _unit(joints["left_hip"] - joints["right_hip"])

    # Legs.
    for side, sign in zip(SIDES, (1, -1), strict=True):
        knee_mark = marks.get(f"{side}_knee_centre", marks.get(f"{side}_knee_out"))
        ankle_mark = marks.get(f"{side}_ankle_centre", marks.get(f"{side}_ankle_out"))
        leg = _median(_length(joints[f"{side}_hip"] - knee_mark) + _length(knee_mark - ankle_mark))
        ball = marks.get(f"{side}_toe", middle(f"{side}_toe1", f"{side}_toe5"))
        if ball is None and has(f"{side}_toe_tip"):
            start = marks.get(f"{side}_heel", ankle_mark)
            ball = start + (0.72 if has(f"{side}_heel") else 0.65) * (marks[f"{side}_toe_tip"] - start)
        # From the inner to the outer side of the leg: square to shank and foot.
        out = sign * across
        if ball is not None:
            turned = sign * np.cross(knee_mark - ankle_mark, ball - marks.get(f"{side}_heel", ankle_mark))
            out = np.where((turned * out).sum(-1, keepdims=True) > 0, _unit(turned), out)
        for joint, share in (("knee", 0.065), ("ankle", 0.044)):
            if has(f"{side}_{joint}_centre"):
                joints[f"{side}_{joint}"] = marks[f"{side}_{joint}_centre"]
            elif has(f"{side}_{joint}_in"):
                joints[f"{side}_{joint}"] = middle(f"{side}_{joint}_out", f"{side}_{joint}_in")
            else:
                joints[f"{side}_{joint}"] = marks[f"{side}_{joint}_out"] - share * leg * out
        if ball is not None:
            joints[f"{side}_foot"] = ball

    # Shoulders, neck, head.
    hips = (joints["left_hip"] + joints["right_hip"]) / 2
    tops = [marks.get(f"{side}_acromion", marks.get(f"{side}_shoulder_centre")) for side in SIDES]
    trunk = (tops[0] + tops[1]) / 2 - hips
    for side in SIDES:
        if has(f"{side}_shoulder_centre"):
            joints[f"{side}_shoulder"] = marks[f"{side}_shoulder_centre"]
        else:
            down = 0.17 * _median(_length(tops[0] - tops[1]))
            joints[f"{side}_shoulder"] = marks[f"{side}_acromion"] - down * _unit(trunk)
    if has("c7") and has("notch"):
        joints["neck"] = (marks["c7"] + marks["notch"]) / 2
    elif has("c7"):
        forwards = _unit(np.cross(tops[0] - tops[1], trunk))
        joints["neck"] = marks["c7"] + 0.08 * _median(_length(trunk)) * forwards
    elif has("neck_between"):
        joints["neck"] = hips + 1.08 * (marks["neck_between"] - hips)
    around = middle(
        "left_head_front", "right_head_front", "left_head_back", "right_head_back", "left_head_side", "right_head_side"
    )
    if around is None:
        around = middle("head_front_middle", "head_back_middle")
        if around is None or not has("head_back_middle"):
            around = marks.get("head_top", around)
    if around is not None and "neck" in joints:
        joints["head"] = 0.45 * joints["neck"] + 0.55 * around

    # Arms.
    for side, sign in zip(SIDES, (-1, 1), strict=True):
        shoulder = joints[f"{side}_shoulder"]
        wrist = marks.get(f"{side}_wrist_centre", middle(f"{side}_wrist_thumb", f"{side}_wrist_little"))
        joints[f"{side}_wrist"] = wrist
        if has(f"{side}_elbow_centre"):
            joints[f"{side}_elbow"] = marks[f"{side}_elbow_centre"]
        elif has(f"{side}_elbow_in"):
            joints[f"{side}_elbow"] = middle(f"{side}_elbow_out", f"{side}_elbow_in")
        else:
            mark = marks[f"{side}_elbow_out"]
            half = 0.13 * _median(_length(mark - shoulder))
            # The marker stands off the line from shoulder to wrist by half an elbow's width outwards and by the bend of the
            # elbow square to that: both are known from how far it stands off.
            off = _square(mark - shoulder, wrist - shoulder)
            square = sign * _unit(np.cross(mark - shoulder, wrist - mark))
            share = np.minimum(half / np.maximum(_length(off), 1e-12), 1.0)
            joints[f"{side}_elbow"] = mark - half * (share * _unit(off) + np.sqrt(1.0 - share**2) * square)
    return joints


def _length(v: np.ndarray) -> np.ndarray:
    return np.linalg.norm(v, axis=-1, keepdims=True)


def _median(lengths: np.ndarray) -> float:
    return float(np.median(lengths))


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(_length(v), 1e-12)


def _square(v: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The part of v that is square to the axis."""
    axis = _unit(axis)
    return v - (v * axis).sum(-1, keepdims=True) * axis
