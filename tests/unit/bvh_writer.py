# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
# ruff: noqa: E501
"""Test helper: small human rigs in many naming conventions, a BVH writer, and forward kinematics written the slow, plain way."""

import numpy as np


DEFAULT_ORDER = "ZXY"
# Rest pose in metres, Y up, facing +Z, arms out (T-pose): positions of the parts of a 1.75 m person, left side.
REST = {
    "hips": (0, 0.95, 0), "head": (0, 1.58, 0.02), "head_top": (0, 1.75, 0.02),
    "collar": (0.04, 1.42, 0), "upperarm": (0.17, 1.44, -0.01), "forearm": (0.45, 1.44, -0.01), "hand": (0.70, 1.44, -0.01),
    "finger": (0.88, 1.44, -0.01), "thigh": (0.09, 0.90, 0), "shin": (0.09, 0.49, 0.005), "foot": (0.09, 0.07, -0.02),
    "toe": (0.09, 0.02, 0.11), "toe_end": (0.09, 0.02, 0.18),
}  # fmt: skip

# name -> hips, spine joints (bottom up), neck joints, head, then patterns for the sided joints ("{}" is the side) and the two
# spellings of the sides. None: the rig has no such joint.
CONVENTIONS = {
    "mixamo": ("mixamorig:Hips", ["mixamorig:Spine", "mixamorig:Spine1", "mixamorig:Spine2"], ["mixamorig:Neck"], "mixamorig:Head", "mixamorig:{}Shoulder mixamorig:{}Arm mixamorig:{}ForeArm mixamorig:{}Hand mixamorig:{}UpLeg mixamorig:{}Leg mixamorig:{}Foot mixamorig:{}ToeBase", ("Left", "Right")),
    "motionbuilder": ("Hips", ["Spine", "Spine1"], ["Neck"], "Head", "{}Shoulder {}Arm {}ForeArm {}Hand {}UpLeg {}Leg {}Foot {}ToeBase", ("Left", "Right")),
    "xsens": ("Hips", ["Chest", "Chest2", "Chest3", "Chest4"], ["Neck"], "Head", "{}Collar {}Shoulder {}Elbow {}Wrist {}Hip {}Knee {}Ankle {}Toe", ("Left", "Right")),
    "xsens segments": ("Pelvis", ["L5", "L3", "T12", "T8"], ["Neck"], "Head", "{}Shoulder {}UpperArm {}ForeArm {}Hand {}UpperLeg {}LowerLeg {}Foot {}Toe", ("Left", "Right")),
    "max biped": ("Bip01 Pelvis", ["Bip01 Spine", "Bip01 Spine1", "Bip01 Spine2"], ["Bip01 Neck"], "Bip01 Head", "Bip01 {} Clavicle|Bip01 {} UpperArm|Bip01 {} Forearm|Bip01 {} Hand|Bip01 {} Thigh|Bip01 {} Calf|Bip01 {} Foot|Bip01 {} Toe0", ("L", "R")),
    "valve": ("ValveBiped.Bip01_Pelvis", ["ValveBiped.Bip01_Spine", "ValveBiped.Bip01_Spine1", "ValveBiped.Bip01_Spine4"], ["ValveBiped.Bip01_Neck1"], "ValveBiped.Bip01_Head1", "ValveBiped.Bip01_{}_Clavicle ValveBiped.Bip01_{}_UpperArm ValveBiped.Bip01_{}_Forearm ValveBiped.Bip01_{}_Hand ValveBiped.Bip01_{}_Thigh ValveBiped.Bip01_{}_Calf ValveBiped.Bip01_{}_Foot ValveBiped.Bip01_{}_Toe0", ("L", "R")),
    "character studio": ("Hips", ["Chest"], ["Neck"], "Head", "{}Collar {}UpArm {}LowArm {}Hand {}UpLeg {}LowLeg {}Foot None", ("Left", "Right")),
    "iclone": ("CC_Base_Hip", ["CC_Base_Waist", "CC_Base_Spine01", "CC_Base_Spine02"], ["CC_Base_NeckTwist01", "CC_Base_NeckTwist02"], "CC_Base_Head", "CC_Base_{}_Clavicle CC_Base_{}_Upperarm CC_Base_{}_Forearm CC_Base_{}_Hand CC_Base_{}_Thigh CC_Base_{}_Calf CC_Base_{}_Foot CC_Base_{}_ToeBase", ("L", "R")),
    "rigify": ("DEF-spine", ["DEF-spine.001", "DEF-spine.002", "DEF-spine.003"], ["DEF-neck"], "DEF-head", "DEF-shoulder.{} DEF-upper_arm.{} DEF-forearm.{} DEF-hand.{} DEF-thigh.{} DEF-shin.{} DEF-foot.{} DEF-toe.{}", ("L", "R")),
    "unity": ("Hips", ["Spine", "Chest", "UpperChest"], ["Neck"], "Head", "{}Shoulder {}UpperArm {}LowerArm {}Hand {}UpperLeg {}LowerLeg {}Foot {}Toes", ("Left", "Right")),
    "vrm": ("J_Bip_C_Hips", ["J_Bip_C_Spine", "J_Bip_C_Chest", "J_Bip_C_UpperChest"], ["J_Bip_C_Neck"], "J_Bip_C_Head", "J_Bip_{}_Shoulder J_Bip_{}_UpperArm J_Bip_{}_LowerArm J_Bip_{}_Hand J_Bip_{}_UpperLeg J_Bip_{}_LowerLeg J_Bip_{}_Foot J_Bip_{}_ToeBase", ("L", "R")),
    "smpl": ("pelvis", ["spine1", "spine2", "spine3"], ["neck"], "head", "{}_collar {}_shoulder {}_elbow {}_wrist {}_hip {}_knee {}_ankle {}_foot", ("left", "right")),
    "smpl maya": ("m_avg_Pelvis", ["m_avg_Spine1", "m_avg_Spine2", "m_avg_Spine3"], ["m_avg_Neck"], "m_avg_Head", "m_avg_{}_Collar m_avg_{}_Shoulder m_avg_{}_Elbow m_avg_{}_Wrist m_avg_{}_Hip m_avg_{}_Knee m_avg_{}_Ankle m_avg_{}_Foot", ("L", "R")),
    "perception neuron": ("Robot_Hips", ["Robot_Spine", "Robot_Spine1", "Robot_Spine2", "Robot_Spine3"], ["Robot_Neck"], "Robot_Head", "Robot_{}Shoulder Robot_{}Arm Robot_{}ForeArm Robot_{}Hand Robot_{}UpLeg Robot_{}Leg Robot_{}Foot None", ("Left", "Right")),
    "rokoko": ("Hips", ["Spine1", "Spine2", "Spine3", "Spine4"], ["Neck"], "Head", "{}Shoulder {}Arm {}ForeArm {}Hand {}Thigh {}Shin {}Foot {}Toe", ("Left", "Right")),
    "bandai namco": ("Hips", ["Spine", "Chest"], ["Neck"], "Head", "Shoulder_{} UpperArm_{} LowerArm_{} Hand_{} UpperLeg_{} LowerLeg_{} Foot_{} Toes_{}", ("L", "R")),
    "unreal": ("pelvis", ["spine_01", "spine_02", "spine_03"], ["neck_01"], "head", "clavicle_{} upperarm_{} lowerarm_{} hand_{} thigh_{} calf_{} foot_{} ball_{}", ("l", "r")),
    "poser": ("hip", ["abdomen", "chest"], ["neck"], "head", "{}Collar {}Shldr {}ForeArm {}Hand {}Thigh {}Shin {}Foot {}Toe", ("l", "r")),
    "daz": ("hip", ["abdomenLower", "abdomenUpper", "chestLower", "chestUpper"], ["neckLower", "neckUpper"], "head", "{}Collar {}ShldrBend {}ForearmBend {}Hand {}ThighBend {}Shin {}Foot {}Toe", ("l", "r")),
    "asf": ("root", ["lowerback", "upperback", "thorax"], ["lowerneck", "upperneck"], "head", "{}clavicle {}humerus {}radius {}wrist {}femur {}tibia {}foot {}toes", ("l", "r")),
    "mocopi": ("root", ["torso_1", "torso_2", "torso_3", "torso_4", "torso_5", "torso_6", "torso_7"], ["neck_1", "neck_2"], "head", "{}_shoulder {}_up_arm {}_low_arm {}_hand {}_up_leg {}_low_leg {}_foot {}_toes", ("l", "r")),
    "kinect": ("SpineBase", ["SpineMid", "SpineShoulder"], ["Neck"], "Head", "None Shoulder{} Elbow{} Wrist{} Hip{} Knee{} Ankle{} Foot{}", ("Left", "Right")),
    "motive": ("Skeleton_Hip", ["Skeleton_Ab", "Skeleton_Chest"], ["Skeleton_Neck"], "Skeleton_Head", "Skeleton_{}Shoulder Skeleton_{}UArm Skeleton_{}FArm Skeleton_{}Hand Skeleton_{}Thigh Skeleton_{}Shin Skeleton_{}Foot Skeleton_{}Toe", ("L", "R")),
    "advanced skeleton": ("Root_M", ["Spine1_M", "Spine2_M", "Chest_M"], ["Neck_M"], "Head_M", "Scapula_{} Shoulder_{} Elbow_{} Wrist_{} Hip_{} Knee_{} Ankle_{} Toes_{}", ("L", "R")),
    "jnt": ("hips_JNT", ["spine_JNT", "spine1_JNT", "spine2_JNT"], ["neck_JNT"], "head_JNT", "{}_shoulder_JNT {}_arm_JNT {}_forearm_JNT {}_hand_JNT {}_upleg_JNT {}_leg_JNT {}_foot_JNT {}_toebase_JNT", ("l", "r")),
    "lower case": ("hips", ["spine", "chest"], ["neck"], "head", "{}shoulder {}upperarm {}forearm {}hand {}upleg {}leg {}foot {}toe", ("left", "right")),
    "shouting": ("HIPS", ["SPINE", "CHEST"], ["NECK"], "HEAD", "{}_COLLAR {}_SHOULDER {}_ELBOW {}_WRIST {}_HIP {}_KNEE {}_ANKLE {}_TOE", ("LEFT", "RIGHT")),
    "no neck": ("Hips", ["Spine", "Chest"], [], "Head", "{}Collar {}Shoulder {}Elbow {}Wrist {}Hip {}Knee {}Ankle {}Toe", ("Left", "Right")),
}  # fmt: skip
SIDED = ("collar", "upperarm", "forearm", "hand", "thigh", "shin", "foot", "toe")


def make_rig(convention="mixamo", *, fingers=False, arms_first=False):
    """`(nodes, parts)`: nodes are `[name, parent index, offset in metres, is_end]`; parts maps "hips", "left_shin" ... to nodes."""
    hips, spine, necks, head, pattern, sides = CONVENTIONS[convention]
    patterns = pattern.split("|") if "|" in pattern else pattern.split()
    rest, nodes, parts = {}, [], {}

    def add(part, name, parent, at, end=False):
        at = np.array(at, dtype=float)
        offset = at - rest[parent] if parent is not None else np.zeros(3)
        nodes.append([name, -1 if parent is None else parts[parent], offset, end])
        parts[part] = len(nodes) - 1
        rest[part] = at

    def limbs(kind, parent_part):
        for side, word, sign in (("left", sides[0], 1), ("right", sides[1], -1)):
            before = parent_part
            for part, form in zip(SIDED, patterns, strict=True):
                if (part in ("collar", "upperarm", "forearm", "hand")) != (kind == "arm") or form == "None":
                    continue
                x, y, z = REST[part]
                add(f"{side}_{part}", form.format(word), before, (sign * x, y, z))
                before = f"{side}_{part}"
            x, y, z = REST["finger" if kind == "arm" else "toe_end"]
            if kind == "arm" and fingers:
                for number in range(1, 6):
                    base = f"{side}_finger{number}"
                    add(base, f"{word}HandIndex{number}", before, (sign * 0.8, y, z + 0.02 * number))
                    add(base + "_end", "", base, (sign * x, y, z + 0.02 * number), end=True)
            else:
                add(f"{side}_{kind}_end", "", before, (sign * x, y, z), end=True)

    add("hips", hips, None, REST["hips"])
    if not arms_first:
        limbs("leg", "hips")
    below = "hips"
    for k, name in enumerate(spine):
        add(f"spine{k}", name, below, (0, 0.95 + 0.42 * (k + 1) / len(spine), -0.01))
        below = f"spine{k}"
    chest = below
    for k, name in enumerate(necks):
        add(f"neck{k}", name, below, (0, 1.47 + 0.05 * k, 0))
        below = f"neck{k}"
    add("head", head, below, REST["head"])
    add("head_end", "", "head", REST["head_top"], end=True)
    limbs("arm", chest)
    if arms_first:
        limbs("leg", "hips")
    return in_file_order(nodes, parts)


def in_file_order(nodes, parts):
    """BVH writes depth first: sorts nodes so."""
    children = {}
    for index, node in enumerate(nodes):
        children.setdefault(node[1], []).append(index)
    order, stack = [], children[-1][::-1]
    while stack:
        index = stack.pop()
        order.append(index)
        stack += children.get(index, [])[::-1]
    new = {old: k for k, old in enumerate(order)}
    nodes = [[nodes[i][0], new.get(nodes[i][1], -1), nodes[i][2], nodes[i][3]] for i in order]
    return nodes, {part: new[i] for part, i in parts.items()}


def walk(nodes, parts, num_frames=40, seed=0, bend=45.0):
    """Angles `(num_frames, num_nodes, 3)` in degrees about x, y, z, and root positions: a person who walks along +Z."""
    rng = np.random.default_rng(seed)
    t = np.arange(num_frames) / 30.0
    angles = np.zeros((num_frames, len(nodes), 3))
    for index, node in enumerate(nodes):
        if not node[3]:
            angles[:, index] = rng.uniform(-6, 6, 3) * np.sin(4 * t[:, None] + rng.uniform(0, 6, 3))
    for side, phase in (("left", 0.0), ("right", np.pi)):
        swing = np.sin(5 * t + phase)
        angles[:, parts[f"{side}_thigh"]] = np.stack([-25 * swing - 10, 0 * t, 0 * t], -1)
        angles[:, parts[f"{side}_shin"]] = np.stack([bend * (0.6 + 0.4 * swing), 0 * t, 0 * t], -1)
        arm = -70 if side == "left" else 70
        angles[:, parts[f"{side}_upperarm"]] = np.stack([0 * t, 0 * t, arm + 0 * t], -1)
    angles[:, parts["hips"]] = np.stack([0 * t, 10 * np.sin(t), 0 * t], -1)
    root = np.stack([0.02 * np.sin(t), 0.93 + 0.01 * np.sin(10 * t), 1.0 * t], -1)
    return angles, root


def write_bvh(
    nodes,
    angles,
    root,
    *,
    frame_time="0.0333333",
    orders=None,
    positions=None,
    scale=1.0,
    newline="\n",
    indent="\t",
    separator=" ",
    per_line=None,
    form="{:.6f}",
    rotation_first=False,
    turn=None,
    channels=None,
):
    """BVH text.

    `orders`: rotation order per node. `positions`: local positions `(num_frames, num_nodes, 3)`, written as position channels on
    every joint. `turn`: a rotation matrix applied to every offset and root position (another up axis); angles about the old axes
    are re-expressed by the caller. `per_line`: numbers per MOTION line.
    """
    num_frames = len(angles)
    orders = orders or [DEFAULT_ORDER] * len(nodes)
    turn = np.eye(3) if turn is None else turn
    children = {}
    for index, node in enumerate(nodes):
        children.setdefault(node[1], []).append(index)
    lines, columns = ["HIERARCHY"], []

    def emit(index, depth):
        name, parent, offset, end = nodes[index]
        pad = indent * depth
        offset = scale * (turn @ offset)
        lines.append(pad + ("End Site" if end else ("ROOT " if parent < 0 else "JOINT ") + name))
        lines.append(pad + "{")
        lines.append(pad + indent + "OFFSET " + separator.join(form.format(v) for v in offset))
        if not end:
            turns = [(f"{axis}rotation", angles[:, index, "XYZ".index(axis)]) for axis in orders[index]]
            places = []
            if parent < 0:
                places = [(f"{axis}position", scale * (root @ turn.T)[:, k]) for k, axis in enumerate("XYZ")]
            elif positions is not None:
                places = [(f"{axis}position", scale * (positions[:, index] @ turn.T)[:, k]) for k, axis in enumerate("XYZ")]
            both = turns + places if rotation_first else places + turns
            lines.append(pad + indent + f"CHANNELS {len(both)} " + " ".join(word for word, _ in both))
            columns.extend(values for _, values in both)
        for child in children.get(index, []):
            emit(child, depth + 1)
        lines.append(pad + "}")

    for index in children[-1]:
        emit(index, 0)
    lines += ["MOTION", f"Frames: {num_frames}", f"Frame Time: {frame_time}"]
    numbers = np.stack(columns, axis=1)
    for row in numbers:
        words = [form.format(v) for v in row]
        step = per_line or len(words)
        lines += [separator.join(words[k : k + step]) for k in range(0, len(words), step)]
    return (newline.join(lines) + newline).encode()


def pose(nodes, angles, root, *, orders=None, positions=None):
    """World positions `(num_frames, num_nodes, 3)` by 3x3 matrices and loops: the reference that the fast reader is held to."""
    orders = orders or [DEFAULT_ORDER] * len(nodes)
    num_frames = len(angles)
    places = np.zeros((num_frames, len(nodes), 3))
    turns = np.zeros((num_frames, len(nodes), 3, 3))
    for frame in range(num_frames):
        for index, (_, parent, offset, end) in enumerate(nodes):
            local = np.eye(3)
            for axis in orders[index] if not end else "":
                local = local @ rotation("XYZ".index(axis), angles[frame, index, "XYZ".index(axis)])
            if parent < 0:
                places[frame, index], turns[frame, index] = root[frame], local
            else:
                step = positions[frame, index] if positions is not None and not end else offset
                places[frame, index] = places[frame, parent] + turns[frame, parent] @ step
                turns[frame, index] = turns[frame, parent] @ local
    return places


def rotation(axis, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix[a, a] = matrix[b, b] = c
    matrix[a, b], matrix[b, a] = -s, s
    return matrix
