# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Any human rig to LLaMo's 22 joints: by the names of its joints, or, where names do not tell, by its shape.

The 22 joints are *points of the source skeleton*: each is one source joint or a fixed mix of a few, so bone lengths
stay as constant as they are in the source. Nothing is retargeted. What the source lacks (collars, toes, a third spine
joint) is placed between its neighbours and said so in `assumed`.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from .motion_errors_llamo import MotionFormatError


TARGET_NAMES = (
    "pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 left_foot right_foot "
    "neck left_collar right_collar head left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist"
).split()
INDEX = {name: index for index, name in enumerate(TARGET_NAMES)}
SIDES = ("left", "right")
LIMB_BONES = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))  # of either side
TRUNK_BONES = (("pelvis", "spine2"), ("spine2", "neck"), ("left_hip", "right_hip"))
LEGS = [[INDEX[f"{side}_{part}"] for part in ("hip", "knee", "ankle")] for side in SIDES]

# Names, lower case, without side, digits and rig prefix -> part of the body. Words of one line mean the same joint.
WORDS = {
    "thigh": "upleg upperleg thigh thighbend femur legupper uleg upperlegs",
    "hip": "hip hips hipjoint buttock",  # a thigh, where no thigh stands below it
    "knee": "knee knees lowerleg lowleg calf shin shinbend tibia leglower foreleg lleg dleg",
    "leg": "leg",  # Mixamo's knee; elsewhere a thigh
    "ankle": "ankle ankles",
    "foot": "foot feet",  # an ankle, or a toe where an ankle stands above it
    "toe": "toe toes toebase ball ballfoot forefoot toebend",
    "collar": "collar clavicle scapula scap clav collarbone shoulderblade shoulderbase acromion thorax",
    "shoulder": "shoulder",  # Mixamo's collar; elsewhere an upper arm
    "upperarm": "upperarm uparm uarm humerus shldr shldrbend armupper upperarms",
    "arm": "arm",  # an upper arm
    "elbow": "elbow forearm lowerarm lowarm forearmbend radius ulna armlower larm",
    "wrist": "wrist",
    "hand": "hand",
    "neck": "neck lowerneck upperneck necktwist necklower neckupper",
    "head": "head skull",
}
ROLE_OF = {word: role for role, words in WORDS.items() for word in words.split()}
ROLE_OF["f" + "arm"] = "elbow"  # Motive's LFArm
SIDED = set(ROLE_OF) - set(WORDS["neck"].split()) - set(WORDS["head"].split()) - {"hips"}
# MikuMikuDance's bones: side, then part.
JAPANESE_SIDES = {"左": "left", "右": "right"}
JAPANESE = {
    "足": "thigh", "ひざ": "knee", "足首": "ankle", "つま先": "toe", "肩": "collar", "腕": "upperarm", "ひじ": "elbow",
    "手首": "wrist", "首": "neck", "頭": "head",
}  # fmt: skip
SIDE_TOKENS = {
    "l": "left",
    "left": "left",
    "lft": "left",
    "lt": "left",
    "r": "right",
    "right": "right",
    "rgt": "right",
    "rt": "right",
}
NOISE = set(
    "bip biped bip01 valve valvebiped cc j jnt jt joint bone bn def org c m b d sk skel skeleton rig mixamorig "
    "character ctr avg f g n reference solving actor subject".split()
)
# Names of a few common rigs, told by a joint only they have; for the report, nothing depends on it.
RIGS = (
    ("mixamorig", "Mixamo"),
    ("cc_base_", "iClone / Character Creator"),
    ("valvebiped", "Valve Biped"),
    ("bip0", "3ds Max Biped"),
    ("j_bip_", "VRM"),
    ("lhipjoint", "CMU"),
    ("rightinhand", "Perception Neuron"),
    ("upperarm_l", "Unreal / Bandai-Namco style"),
    ("upper_arm.l", "Blender Rigify"),
    ("leftlowleg", "3ds Max Character Studio"),
    ("leftlowerarm", "Unity humanoid"),
    ("l_collar", "SMPL"),
    ("left_collar", "SMPL"),
    ("leftcollar", "collar / shoulder / elbow / wrist"),
    ("leftthigh", "Rokoko"),
    ("leftupleg", "MotionBuilder"),
    ("l_up_leg", "mocopi"),
    ("lshldr", "Poser / Daz"),
)
MAX_DEPTH = 200  # joints from the root to the last; people's rigs stay under 40
REMEDY = (
    "LLaMo reads motions of one whole person: a pelvis, two legs with knee and ankle, two arms with elbow and wrist, "
    "and a head. Export a full-body skeleton, or say which joint is which with a joint map (--joint-map FILE.json)."
)


@dataclass
class SkeletonMap:
    """How 22 joints are made of source nodes.

    Attributes:
        nodes (`np.ndarray` of shape `(num_used,)`): source nodes that are needed.
        weights (`np.ndarray` of shape `(22, num_used)`): joints = weights @ nodes. Rows sum to 1.
        built_feet (`list[str]`): sides ("left", "right") whose foot joint the source lacks and `apply` builds.
        skeleton (`str`): the kind of rig, for the report.
        assumed (`list[str]`): what was guessed.
    """

    nodes: np.ndarray
    weights: np.ndarray
    built_feet: list[str]
    skeleton: str
    assumed: list[str] = field(default_factory=list)

    def apply(self, positions: np.ndarray) -> np.ndarray:
        """Positions of `nodes` `(num_frames, num_used, 3)` to 22 joints `(num_frames, 22, 3)`; same units and axes."""
        joints = np.matmul(self.weights, positions)
        if self.built_feet:
            build_feet(joints, self.built_feet)
        return joints

    def swap_sides(self) -> None:
        """Left becomes right."""
        self.weights = self.weights[mirror_order()]
        self.built_feet = [SIDES[1 - SIDES.index(side)] for side in self.built_feet]


def mirror_order() -> list[int]:
    """For each joint, the index of its mirror image: left_knee's is right_knee, head's is head."""
    swap = {"left": "right", "right": "left"}
    return [INDEX["_".join(swap.get(part, part) for part in name.split("_"))] for name in TARGET_NAMES]


def build_feet(joints: np.ndarray, sides: list[str]) -> None:
    """Places foot joints of skeletons that end at the ankle, in place: ahead of the ankle and a little below it.

    Ahead is square to the shank and to the line through both hips. 0.15 and 0.07 leg lengths are CMU's means.
    """
    leg = leg_length(joints)
    across = _unit(joints[:, INDEX["left_hip"]] - joints[:, INDEX["right_hip"]])
    for side in sides:
        ankle = joints[:, INDEX[f"{side}_ankle"]]
        up = _unit(joints[:, INDEX[f"{side}_knee"]] - ankle)
        ahead = _unit(np.cross(across, up))
        joints[:, INDEX[f"{side}_foot"]] = ankle + leg * (0.15 * ahead - 0.07 * up)


def leg_length(joints: np.ndarray) -> float:
    """Hip to knee to ankle, median over frames, mean of both legs."""
    legs = joints[:, LEGS]  # (num_frames, 2, 3, 3)
    bones = np.median(np.linalg.norm(legs[:, :, 1:] - legs[:, :, :-1], axis=-1), axis=0)
    return float(bones.sum(axis=1).mean())


def bone(joints: np.ndarray, a: str, b: str) -> float:
    """Distance of two of the 22 joints, median over frames."""
    return float(np.median(np.linalg.norm(joints[:, INDEX[a]] - joints[:, INDEX[b]], axis=-1)))


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-12)


def read_name(name: str, prefix: str = "") -> tuple[str | None, str | None]:
    """A joint's name to its side ("left", "right", None) and its role (a key of `WORDS`, or None).

    `prefix` is a word with which most names of this rig begin (a character's name), and which is passed over.

    >>> read_name("mixamorig:LeftUpLeg"), read_name("CC_Base_R_Forearm"), read_name("lhumerus"), read_name("Spine1")
    (('left', 'thigh'), ('right', 'elbow'), ('left', 'upperarm'), (None, None))
    """
    if not name.isascii():
        side = JAPANESE_SIDES.get(name[:1])
        role = JAPANESE.get(name[1:] if side else name)
        if role is not None:
            return side, role
    tokens = _words(name)
    if prefix and tokens[:1] == [prefix]:
        tokens = tokens[1:]
    side, rest = None, []
    for token in tokens:
        if side is None and token in SIDE_TOKENS:
            side = SIDE_TOKENS[token]
        elif token not in NOISE and not (token == "base" and not rest):  # "CC_Base_L_Foot", but "ToeBase"
            rest.append(token)
    core = "".join(rest)
    if side is None:
        for word, which in (("left", "left"), ("right", "right"), ("l", "left"), ("r", "right")):
            # "lhumerus", "leftupleg", "kneeleft"; but "lowerneck" and "root" are no sides: what remains must be a part.
            if core not in ROLE_OF and core.startswith(word) and core[len(word) :] in SIDED:
                return which, ROLE_OF[core[len(word) :]]
            if core not in ROLE_OF and core.endswith(word) and core[: -len(word)] in SIDED:
                return which, ROLE_OF[core[: -len(word)]]
    return side, ROLE_OF.get(core)


def _words(name: str) -> list[str]:
    """ "mixamorig:LeftUpLeg" -> left, up, leg."""
    base = re.split(r"[:|/]", name)[-1]
    return [word.lower() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+", base)]


def _common_prefix(names: list[str]) -> str:
    """The word with which at least 60 % of the names begin, and which is no side; else nothing."""
    first = Counter(words[0] for words in map(_words, names) if len(words) > 1)
    if not first:
        return ""
    word, count = first.most_common(1)[0]
    return word if count >= 0.6 * len(names) and word not in SIDE_TOKENS else ""


def map_skeleton(
    names: list[str],
    parents: np.ndarray,
    is_end: np.ndarray,
    sample: np.ndarray,
    *,
    where: str,
    joint_map: dict[str, tuple] | None = None,
) -> SkeletonMap:
    """Finds the 22 joints in a skeleton.

    Args:
        names (`list[str]`): one per node; parents stand before children.
        parents (`np.ndarray` of shape `(num_nodes,)`): -1 for a root.
        is_end (`np.ndarray` of shape `(num_nodes,)`): End Sites: points that carry no name of their own.
        sample (`np.ndarray` of shape `(num_frames, num_nodes, 3)`): world positions in some frames, any units and axes.
        where (`str`): the file's name, for messages.
        joint_map (`dict[str, tuple]`, *optional*): our joints -> names or indices of source joints, as the caller says;
            names and shape tell the others.

    Raises:
        MotionFormatError: where no whole person can be found, or the map names what is not there.
    """
    depth = np.zeros(len(names), dtype=int)
    for node, parent in enumerate(parents):
        depth[node] = depth[parent] + 1 if parent >= 0 else 0
    if depth.max() > MAX_DEPTH:
        raise MotionFormatError(f"chains of at most {MAX_DEPTH} joints", f"{depth.max()} in one chain", where, REMEDY)
    tree = _Tree(names, parents, is_end, sample)
    fixed = {ours: find_sources(wanted, names, is_end, where, ours) for ours, wanted in (joint_map or {}).items()}
    if len(fixed) == len(TARGET_NAMES):
        mix = {ours: _average(nodes) for ours, nodes in fixed.items()}
        result = _to_map(mix, [], "by joint map", [])
        check_human(result.apply(sample[:, result.nodes]), where)
        return result
    own = [node for node, name in enumerate(names) if name in INDEX and not is_end[node]]
    if not fixed and sorted(names[node] for node in own) == sorted(TARGET_NAMES):
        # Exactly our names, as SMPL tools and our own writers give them: every joint is itself, wherever it stands.
        result = _to_map({names[node]: {node: 1.0} for node in own}, [], "SMPL", [])
        check_human(result.apply(sample[:, result.nodes]), where)
        return result
    assumed: list[str] = []
    found, missing = _find_by_name(tree, fixed, assumed)
    if missing and fixed:
        raise MotionFormatError(
            "a whole person from the joint map and the joints' names",
            f"no {_join(missing)} ({_some(names, is_end)})",
            where,
            "Name the missing joints in the joint map too (--joint-map): hips, knees, ankles, shoulders, elbows, wrists, head.",
        )
    if missing:
        assumed.clear()
        by_shape = _find_by_shape(tree)
        if by_shape is None:
            num_joints = int((~is_end).sum())
            raise MotionFormatError(
                "the skeleton of one whole person",
                f"{num_joints} joint{'s' if num_joints != 1 else ''} without {_join(missing)} ({_some(names, is_end)})",
                where,
                REMEDY,
            )
        assumed.append(
            f"joint names do not tell the whole body ({_join(missing)} not found); joints taken by the skeleton's shape"
        )
        found, skeleton = by_shape, "by shape"
    else:
        lowered = [name.lower() for name in names]
        skeleton = next((label for key, label in RIGS if any(key in name for name in lowered)), "by name")
    result = _assemble(tree, found, skeleton, assumed, where, fixed)
    check_human(result.apply(sample[:, result.nodes]), where)
    if skeleton == "by shape":
        # Feet that were built here follow the sides by definition and tell nothing.
        feet, knees = side_votes(result.apply(sample[:, result.nodes]))
        feet = 0.0 if result.built_feet else feet
        if feet + knees < 0:
            result.swap_sides()
        if not abs(feet + knees) > 0.02:
            raise MotionFormatError(
                "joint names, feet or bent knees that tell left from right",
                f"none of them ({_some(names, is_end)})",
                where,
                'Say which is which with a joint map (--joint-map FILE.json): {"left_hip": ..., "left_knee": ...}.',
            )
        result.assumed.append("left and right told by the direction in which feet and knees point")
    return result


def check_human(joints: np.ndarray, where: str) -> None:
    """Refuses what has the joints of a person but not the body of one.

    The limits are wide: cartoon bodies and children pass, a snake or a table does not.
    """
    leg = leg_length(joints)
    if not np.isfinite(leg) or leg <= 0:
        raise MotionFormatError("legs with a length", "hips, knees and ankles in one point", where, REMEDY)
    check_rigid(joints, where)
    starts = [INDEX[f"{s}_{a}"] for a, _ in LIMB_BONES for s in SIDES] + [INDEX[a] for a, _ in TRUNK_BONES]
    ends = [INDEX[f"{s}_{b}"] for _, b in LIMB_BONES for s in SIDES] + [INDEX[b] for _, b in TRUNK_BONES]
    lengths = np.median(np.linalg.norm(joints[:, starts] - joints[:, ends], axis=-1), axis=0) / leg
    pairs = lengths[: 2 * len(LIMB_BONES)].reshape(-1, 2)  # left and right of each bone
    for (a, b), (left, right) in zip(LIMB_BONES, pairs):
        if min(left, right) < 0.08 or max(left, right) > 1.5 * min(left, right):
            raise MotionFormatError(
                f"a left and a right bone from {a} to {b} of about the same length",
                f"{left:.2f} and {right:.2f} leg lengths",
                where,
                REMEDY,
            )
    arm = pairs[2:].sum(axis=0).mean()
    below, above, apart = lengths[-len(TRUNK_BONES) :]
    torso = below + above
    for what, ratio, low, high in (
        ("arms", arm, 0.3, 1.8),
        ("a trunk", torso, 0.2, 1.6),
        ("hips apart", apart, 0.02, 0.9),
    ):
        if not low <= ratio <= high:
            raise MotionFormatError(f"{what} of {low} to {high} leg lengths, as people have", f"{ratio:.2f}", where, REMEDY)


def check_rigid(joints: np.ndarray, where: str) -> None:
    """Refuses points that move independently: the long bones of a person keep their lengths, also in noisy estimates.

    Standard deviation over mean: 30 mm of noise make 27 % of a short forearm and 10 % of a thigh; random points have 40 %
    everywhere.
    """
    spread = {}
    for side in SIDES:
        for a, b in LIMB_BONES:
            length = np.linalg.norm(joints[:, INDEX[f"{side}_{a}"]] - joints[:, INDEX[f"{side}_{b}"]], axis=-1)
            spread[f"{side} bone from {a} to {b}"] = length.std() / max(float(length.mean()), 1e-9)
    worst = max(spread, key=spread.get)
    if spread[worst] > 0.35 or np.mean(list(spread.values())) > 0.25:
        raise MotionFormatError(
            f"a {worst} of constant length",
            f"one that varies by {spread[worst]:.0%}",
            where,
            "Check the order of the joints and the shape of the array. " + REMEDY,
        )


def side_votes(joints: np.ndarray) -> tuple[float, float]:
    """Whether the joints called left are on the body's left, by its own geometry: `(feet, knees)`, positive for yes.

    A foot points forward from its ankle, and a knee bends forward only. With up along the leg, left is up x forward.
    Both are measured in the leg's own frame, so that lying, turning and handstands do not matter. Unit: leg lengths by
    which toes and bent knees stand ahead, mean over frames: about 0.15 for feet; near 0 for legs that stay straight.
    """
    feet, knees = [], []
    across = joints[:, INDEX["left_hip"]] - joints[:, INDEX["right_hip"]]
    across = _unit(across + joints[:, INDEX["left_shoulder"]] - joints[:, INDEX["right_shoulder"]])
    leg = leg_length(joints)
    for side in SIDES:
        hip, knee, ankle, foot = (joints[:, INDEX[f"{side}_{part}"]] for part in ("hip", "knee", "ankle", "foot"))
        feet.append((np.cross(_unit(knee - ankle), foot - ankle) * across).sum(-1))
        down = _unit(ankle - hip)
        bend = (knee - hip) - ((knee - hip) * down).sum(-1, keepdims=True) * down
        knees.append((np.cross(-down, bend) * across).sum(-1))
    return float(np.mean(feet)) / leg, float(np.mean(knees)) / leg


class _Tree:
    """A skeleton with what is asked of it again and again: children, depths, bone lengths, mean positions."""

    def __init__(self, names, parents, is_end, sample):
        self.names, self.parents, self.is_end, self.sample = names, [int(p) for p in parents], is_end, sample
        self.count = len(names)
        self.children: list[list[int]] = [[] for _ in names]
        self.depth = [0] * self.count
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                self.children[parent].append(node)
                self.depth[node] = self.depth[parent] + 1
        self.length = np.zeros(self.count)
        below = [node for node, parent in enumerate(self.parents) if parent >= 0]
        above = [self.parents[node] for node in below]
        if below:
            self.length[below] = np.median(np.linalg.norm(sample[:, below] - sample[:, above], axis=-1), axis=0)
        # How far the skeleton goes on below a node, along bones.
        self.reach = np.zeros(self.count)
        for node in range(self.count - 1, -1, -1):
            if self.parents[node] >= 0:
                self.reach[self.parents[node]] = max(self.reach[self.parents[node]], self.reach[node] + self.length[node])

    def distance(self, a: int, b: int) -> float:
        return float(np.median(np.linalg.norm(self.sample[:, a] - self.sample[:, b], axis=-1)))

    def path(self, node: int) -> list[int]:
        """From the root to the node, both included."""
        out = [node]
        while self.parents[out[-1]] >= 0:
            out.append(self.parents[out[-1]])
        return out[::-1]

    def common(self, *nodes: int) -> int | None:
        """The deepest node that is above (or is) all of them."""
        shared = None
        for level in zip(*(self.path(node) for node in nodes), strict=False):
            if len(set(level)) > 1:
                break
            shared = level[0]
        return shared

    def below(self, node: int) -> list[int]:
        out, stack = [], list(self.children[node])
        while stack:
            here = stack.pop()
            out.append(here)
            stack += self.children[here]
        return sorted(out)

    def main_chain(self, node: int) -> list[int]:
        """From below the node to a leaf, always along the longest branch."""
        out = []
        while self.children[node]:
            node = max(self.children[node], key=lambda c: self.length[c] + self.reach[c])
            out.append(node)
        return out


# Our joints -> (side, role) for those that a joint map may fix and that the search by names then takes as given.
ROLE_OF_TARGET = {
    f"{side}_{part}": (side, role)
    for side in SIDES
    for part, role in (
        ("hip", "thigh"),
        ("knee", "knee"),
        ("ankle", "ankle"),
        ("foot", "toe"),
        ("collar", "collar"),
        ("shoulder", "upperarm"),
        ("elbow", "elbow"),
        ("wrist", "wrist"),
    )
} | {"head": (None, "head"), "neck": (None, "neck")}


def find_sources(wanted: tuple, names: list[str], is_end: np.ndarray, where: str, ours: str) -> list[int]:
    """The nodes that a joint map means: by index, by exact name, or by name without case and "Character:" prefix."""

    def bare(name: str) -> str:
        return re.split(r"[:|]", name)[-1].strip().lower()

    found = []
    for item in wanted:
        real = [n for n in range(len(names)) if not is_end[n]]
        if isinstance(item, int):
            nodes = [item] if 0 <= item < len(names) else []
        else:
            nodes = [n for n in real if names[n] == item]
            nodes = nodes or [n for n in range(len(names)) if names[n] == item]
            nodes = nodes or [n for n in real if bare(names[n]) == bare(item)]
        if len(nodes) != 1:
            raise MotionFormatError(
                f"one source joint called {item!r} for {ours}",
                "none" if not nodes else f"{len(nodes)}",
                f"{where}, joint_map",
                "Use names of this file, or indices. It has " + ", ".join(names[n] for n in real[:60]) + ".",
            )
        found += nodes
    return found


def _average(nodes: list[int]) -> dict[int, float]:
    out: dict[int, float] = {}
    for node in nodes:
        out[node] = out.get(node, 0.0) + 1.0 / len(nodes)
    return out


def _find_by_name(tree: _Tree, fixed: dict[str, list[int]], assumed: list[str]) -> tuple[dict[str, int], list[str]]:
    """Named joints; keys are `left_thigh, left_knee, left_ankle, left_toe, left_collar, ...`, `head` and `necks`.

    `fixed` are our joints whose nodes the caller says; they take their role from every other node. What is guessed goes to
    `assumed`.
    """
    roles: dict[tuple[str | None, str], list[int]] = {}
    prefix = _common_prefix([name for name, end in zip(tree.names, tree.is_end, strict=True) if not end])
    for node, name in enumerate(tree.names):
        if not tree.is_end[node]:
            side, role = read_name(name, prefix)
            if role is not None:
                roles.setdefault((side, role), []).append(node)
    for ours, nodes in fixed.items():
        for others in roles.values():
            others[:] = [n for n in others if n not in nodes]
        if ours in ROLE_OF_TARGET:
            roles[ROLE_OF_TARGET[ours]] = nodes[:1]
    role_of: list = [None] * tree.count
    for key, nodes in roles.items():
        for node in nodes:
            role_of[node] = key
        nodes.sort(key=lambda n: tree.depth[n])
    found: dict = {}
    missing: list[str] = []

    def above(node: int, side: str | None, *wanted: str, deepest: bool = False) -> int | None:
        """The first role, in the order given, that stands above the node; its shallowest (or deepest) joint."""
        path = tree.path(node)[:-1]
        for role in wanted:
            at = [n for n in path if role_of[n] == (side, role)]
            if at:
                return at[-1 if deepest else 0]
        return None

    for side in SIDES:
        leg = None
        for role in ("ankle", "foot"):
            for ankle in roles.get((side, role), ()):
                knee = above(ankle, side, "knee")
                if knee is None:
                    knee = above(ankle, side, "leg", deepest=True)
                if knee is None:
                    continue
                thigh = above(knee, side, "thigh")
                if thigh is None:
                    thigh = above(knee, side, "hip", deepest=True)
                if thigh is None:
                    thigh = above(knee, side, "leg")
                if thigh is not None:
                    leg = (thigh, knee, ankle)
                    break
            if leg:
                break
        mapped = [fixed.get(f"{side}_{part}") for part in ("hip", "knee", "ankle")]
        if all(mapped):
            leg = tuple(nodes[0] for nodes in mapped)
        if leg is None:
            missing.append(f"a {side} leg")
        else:
            found[f"{side}_thigh"], found[f"{side}_knee"], found[f"{side}_ankle"] = leg
            under = tree.below(leg[2])
            toes = [n for role in ("toe", "foot") for n in roles.get((side, role), ()) if n in under]
            if toes:
                found[f"{side}_toe"] = toes[0]
        arm = None
        for role in ("wrist", "hand"):
            for wrist in roles.get((side, role), ()):
                elbow = above(wrist, side, "elbow")
                if elbow is None:
                    continue
                upper = above(elbow, side, "upperarm")
                if upper is None:
                    upper = above(elbow, side, "arm")
                if upper is None:
                    upper = above(elbow, side, "shoulder")
                if upper is not None:
                    arm = (upper, elbow, wrist)
                    break
            if arm:
                break
        if arm is None:
            # A forearm that ends in an End Site has its wrist there.
            for elbow in roles.get((side, "elbow"), ()):
                upper = above(elbow, side, "upperarm", "arm", "shoulder")
                ends = [n for n in tree.main_chain(elbow) if tree.distance(n, elbow) > 0.3 * tree.length[elbow]]
                if upper is not None and ends:
                    arm = (upper, elbow, ends[0])
                    break
        mapped = [fixed.get(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist")]
        if all(mapped):
            arm = tuple(nodes[0] for nodes in mapped)
        if arm is None:
            missing.append(f"a {side} arm")
        else:
            found[f"{side}_shoulder"], found[f"{side}_elbow"], found[f"{side}_wrist"] = arm
            collar = above(arm[0], side, "collar", "shoulder", deepest=True)
            if collar is not None:
                found[f"{side}_collar"] = collar
    heads = roles.get((None, "head"), [])
    necks = roles.get((None, "neck"), [])
    if heads:
        found["head"] = heads[0]
        found["necks"] = [n for n in tree.path(heads[0]) if n in necks]
    elif necks:
        found["necks"] = [n for n in tree.path(necks[-1]) if n in necks]
        chain = tree.main_chain(necks[-1])
        if chain:
            found["head"] = chain[0]
        elif len(necks) > 1:
            found["head"] = found["necks"].pop()
    if "head" not in found and not missing:
        # Rigify calls neck and head spine.004 to spine.006.
        chain = _beyond_the_arms(tree, found)
        if chain:
            found["necks"], found["head"] = chain[:-1], chain[-1]
            assumed.append(f"head taken as {tree.names[chain[-1]]}, the last joint beyond the arms")
    if "head" not in found:
        missing.append("a head")
    if not missing:
        limbs = [found[f"{s}_{p}"] for s in SIDES for p in ("thigh", "shoulder")] + [found["head"]]
        if tree.common(*limbs) is None:
            missing.append("one root above both legs, both arms and the head")
    knees = [n for side in SIDES for role in ("knee", "leg") for n in roles.get((side, role), ())]
    people = len({tree.path(n)[0] for n in knees})
    if people > 1:
        assumed.append(f"the file holds {people} skeletons; the first is read")
    return found, missing


def _beyond_the_arms(tree: _Tree, found: dict) -> list[int]:
    """The joints that go on where the arms leave the spine, up to the face or the last one; [] where there are none."""
    shoulders = [found[f"{side}_shoulder"] for side in SIDES]
    chest = tree.common(*shoulders)
    if chest is None:
        return []
    limbs = [*shoulders, *(found[f"{side}_thigh"] for side in SIDES)]
    taken = {n for limb in limbs for n in tree.path(limb)}
    onward = [n for n in tree.children[chest] if n not in taken and not tree.is_end[n]]
    if not onward:
        return []
    first = max(onward, key=lambda n: tree.length[n] + tree.reach[n])
    chain = [n for n in [first, *tree.main_chain(first)] if not tree.is_end[n]]
    faces = [at for at, n in enumerate(chain) if at > 0 and len(tree.children[n]) > 1]
    chain = chain[: faces[0] + 1] if faces else chain
    height = float(tree.length[first] + tree.reach[first])
    arm = tree.distance(shoulders[0], found["left_elbow"])
    return chain if height > 0.3 * arm else []


def _find_by_shape(tree: _Tree) -> dict | None:
    """Two legs, two arms and a head by bone lengths and branching alone; left and right are arbitrary here."""
    roots = [n for n in range(tree.count) if tree.parents[n] < 0]
    root = max(roots, key=lambda n: tree.reach[n])
    # Longest branches first: each new leaf brings the length by which it sticks out of the branches taken before.
    taken, leaves = {root}, []
    candidates = [n for n in range(tree.count) if not tree.children[n] and tree.path(n)[0] == root]
    while candidates and len(leaves) < 5:
        best, best_length = None, 0.0
        for leaf in candidates:
            sticking = [n for n in tree.path(leaf) if n not in taken]
            length = float(sum(tree.length[n] for n in sticking))
            if length > best_length:
                best, best_length = leaf, length
        if best is None:
            break
        leaves.append(best)
        taken.update(tree.path(best))
    if len(leaves) < 5:
        return None

    def attach(leaf: int) -> int:
        """Where the branch of this leaf leaves the others."""
        others = {n for other in leaves if other != leaf for n in tree.path(other)}
        return [n for n in tree.path(leaf) if n in others][-1]

    branch = {leaf: attach(leaf) for leaf in leaves}
    limb = {leaf: [n for n in tree.path(leaf) if tree.depth[n] > tree.depth[branch[leaf]]] for leaf in leaves}
    size = {leaf: float(sum(tree.length[n] for n in limb[leaf])) for leaf in leaves}
    pairs = []
    for i, a in enumerate(leaves):
        for b in leaves[i + 1 :]:
            if branch[a] == branch[b] and abs(size[a] - size[b]) <= 0.2 * max(size[a], size[b]):
                pairs.append((a, b))
    for legs in pairs:
        for arms in pairs:
            if set(legs) & set(arms):
                continue
            head = next(leaf for leaf in leaves if leaf not in legs + arms)
            low, high = branch[legs[0]], branch[arms[0]]
            # The spine leaves near the place where the legs do; the head goes out where the arms do, or beyond.
            fork = tree.common(low, high)
            if fork in (None, high) or tree.distance(fork, low) > 0.3 * size[legs[0]] or size[legs[0]] < 0.7 * size[arms[0]]:
                continue
            if high not in tree.path(branch[head]):
                continue
            joints = {leaf: _two_longest(tree, limb[leaf]) for leaf in legs + arms}
            if None in joints.values():
                continue
            # Which arm is on the side of which leg, by thighs and shoulders.
            across = [tree.sample[:, joints[a][0]] - tree.sample[:, joints[b][0]] for a, b in (legs, arms)]
            if (_unit(across[0]) * _unit(across[1])).sum() < 0:
                arms = arms[::-1]
            found: dict = {}
            for side, leg, arm in zip(SIDES, legs, arms, strict=True):
                found.update(zip((f"{side}_thigh", f"{side}_knee", f"{side}_ankle"), joints[leg], strict=True))
                found.update(zip((f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist"), joints[arm], strict=True))
                before = [n for n in limb[arm] if tree.depth[n] < tree.depth[joints[arm][0]]]
                if before:
                    found[f"{side}_collar"] = before[-1]
            # The head is where the face begins to branch; else the last joint below the top of the head.
            chain = limb[head]
            faces = [n for n in chain[1:] if len(tree.children[n]) > 1]
            top = len(chain) > 2 or (len(chain) == 2 and tree.is_end[chain[-1]])
            found["head"] = faces[0] if faces else chain[-2] if top else chain[-1]
            found["necks"] = [n for n in chain if tree.depth[n] < tree.depth[found["head"]]]
            return found
    return None


def _two_longest(tree: _Tree, limb: list[int]) -> tuple[int, int, int] | None:
    """The three joints around the two longest neighbouring bones of a limb, its bone to the trunk left out."""
    total = sum(tree.length[n] for n in limb)
    # Joints without a bone of their own (CMU's hip joints and collars) stand for the trunk.
    joints = [n for n in limb if tree.distance(n, tree.parents[n]) > 0.02 * total]
    if len(joints) < 3:
        return None
    lengths = [tree.distance(joints[i], joints[i + 1]) for i in range(len(joints) - 1)]
    best = max(range(len(lengths) - 1), key=lambda i: min(lengths[i], lengths[i + 1]) * 2 + lengths[i] + lengths[i + 1])
    return joints[best], joints[best + 1], joints[best + 2]


def _assemble(
    tree: _Tree, found: dict, skeleton: str, assumed: list[str], where: str, fixed: dict[str, list[int]]
) -> SkeletonMap:
    mix: dict[str, dict[int, float]] = {}

    def blend(a: int, b: int, t: float) -> dict[int, float]:
        return {a: 1.0} if t <= 0 or a == b else {b: 1.0} if t >= 1 else {a: 1.0 - t, b: t}

    for side in SIDES:
        for part, key in (
            ("hip", "thigh"),
            ("knee", "knee"),
            ("ankle", "ankle"),
            ("shoulder", "shoulder"),
            ("elbow", "elbow"),
            ("wrist", "wrist"),
        ):
            mix[f"{side}_{part}"] = {found[f"{side}_{key}"]: 1.0}
    leg = np.mean(
        [
            tree.distance(found[f"{s}_thigh"], found[f"{s}_knee"]) + tree.distance(found[f"{s}_knee"], found[f"{s}_ankle"])
            for s in SIDES
        ]
    )
    if not leg > 0:
        raise MotionFormatError("legs with a length", "hips, knees and ankles in one point", where, REMEDY)
    same = 0.012 * leg  # nearer than this, two joints are one point: about 1 cm

    # Trunk. Arms leave the spine at `chest`; legs leave it at `pelvis`.
    thighs = [found[f"{s}_thigh"] for s in SIDES]
    shoulders = [found[f"{s}_shoulder"] for s in SIDES]
    chest = tree.common(*shoulders)
    pelvis = tree.common(*thighs, chest)
    if pelvis is None or chest in thighs:
        raise MotionFormatError("legs and arms of one body", "limbs that do not hang together", where, REMEDY)
    head_path = tree.path(found["head"])
    chest_on_path = tree.common(chest, found["head"])
    trunk = [n for n in head_path if tree.depth[n] >= tree.depth[pelvis] and pelvis in tree.path(n)]
    up_to_chest = [n for n in trunk if tree.depth[n] <= tree.depth[chest_on_path]]

    def from_hips(node: int) -> float:
        return float(np.median(np.linalg.norm(tree.sample[:, node] - tree.sample[:, thighs].mean(1), axis=-1)))

    # In older 3ds Max Bipeds the thighs hang on the first spine joint, a little above the pelvis.
    named = [n for n in tree.path(pelvis)[:-1] if _words(tree.names[n])[-1:] in (["pelvis"], ["hips"], ["hip"])]
    lowest = min([pelvis, *named], key=from_hips)
    middle = from_hips(lowest)
    if "pelvis" in fixed:
        mix["pelvis"] = _average(fixed["pelvis"])
        near_pelvis = lowest
    elif middle > 0.6 * leg:
        # The legs meet in a root on the floor: the pelvis is between the hips.
        mix["pelvis"] = {thighs[0]: 0.5, thighs[1]: 0.5}
        assumed.append(f"pelvis placed between the hips ({tree.names[pelvis]} is far from them)")
        up_to_chest = [n for n in up_to_chest if n != pelvis]
        near_pelvis = None
    else:
        mix["pelvis"] = {lowest: 1.0}
        near_pelvis = lowest

    def apart(a: dict[int, float], b: dict[int, float]) -> float:
        at = [sum(w * tree.sample[:, n] for n, w in m.items()) for m in (a, b)]
        return float(np.median(np.linalg.norm(at[0] - at[1], axis=-1)))

    chest_top = chest  # where the arms leave the spine
    # Neck: the first joint beyond the chest that is not in the same place.
    head = found["head"]
    beyond = [n for n in trunk if tree.depth[n] > tree.depth[chest_on_path] and n != head]
    necks = [n for n in beyond if tree.distance(n, chest_on_path) > same and tree.distance(n, head) > same]
    named_necks = found.get("necks", [])
    if "neck" in fixed:
        mix["neck"] = _average(fixed["neck"])
        up_to_chest = [n for n in up_to_chest if n not in fixed["neck"]]
    elif chest_on_path in named_necks:
        # 3ds Max Biped: the clavicles hang on the neck.
        mix["neck"] = {chest_on_path: 1.0}
        up_to_chest = up_to_chest[:-1]
    elif necks:
        preferred = [n for n in necks if n in named_necks]
        collars = [found[f"{s}_collar"] for s in SIDES if f"{s}_collar" in found]
        if len(preferred) > 1 and collars and all(tree.distance(n, preferred[0]) <= same for n in collars):
            # Acclaim: the lower neck begins where the clavicles do, at the top of the thorax.
            chest_top = preferred[0]
            preferred = preferred[1:]
        mix["neck"] = {(preferred or necks)[0]: 1.0}
        # Spine joints between the chest and a named neck belong to the spine.
        if preferred:
            up_to_chest += [n for n in necks if tree.depth[n] < tree.depth[preferred[0]]]
    else:
        mix["neck"] = blend(chest_on_path, head, 0.5)
        assumed.append("neck placed half-way between chest and head (the skeleton has none)")
    mix["head"] = {head: 1.0}
    if apart(mix["head"], mix["neck"]) <= same:
        further = [n for n in tree.main_chain(head) if apart({n: 1.0}, mix["neck"]) > same]
        if not further:
            raise MotionFormatError("a head above the neck", "head and neck in one point", where, REMEDY)
        mix["head"] = {further[0]: 1.0}

    # Spine: distinct joints from above the pelvis up to the chest.
    spine: list[int] = []
    for node in up_to_chest:
        last = {spine[-1]: 1.0} if spine else mix["pelvis"]
        if node != near_pelvis and apart({node: 1.0}, last) > same and apart({node: 1.0}, mix["neck"]) > same:
            spine.append(node)
    points: list[dict[int, float]] = [{n: 1.0} for n in spine]
    if len(points) >= 3:
        steps = np.cumsum([apart(a, b) for a, b in zip([mix["pelvis"], *points], points, strict=False)])
        share = steps / steps[-1]
        pairs = [(i, j) for i in range(len(points) - 2) for j in range(i + 1, len(points) - 1)]
        i, j = min(pairs, key=lambda p: abs(share[p[0]] - 1 / 3) + abs(share[p[1]] - 2 / 3))
        points = [points[i], points[j], points[-1]]
    elif not points:
        points = [_mix(mix["pelvis"], mix["neck"], t) for t in (0.25, 0.5, 0.75)]
        assumed.append("three spine joints placed on the line from pelvis to neck (the skeleton has none)")
    else:
        assumed.append(f"{3 - len(points)} of 3 spine joints placed between their neighbours (the skeleton has {len(points)})")
        while len(points) < 3:
            # Inside a bone nothing bends: a bone is divided, so lengths stay constant.
            chain = [mix["pelvis"], *points]
            if len(points) == 1:
                points = [_mix(chain[0], chain[1], 1 / 3), _mix(chain[0], chain[1], 2 / 3), points[0]]
            else:
                at = 1 if apart(chain[1], chain[2]) > 1.3 * apart(chain[0], chain[1]) else 0
                points.insert(at, _mix(chain[at], chain[at + 1], 0.5))
    for name, point in zip(("spine1", "spine2", "spine3"), points, strict=True):
        mix[name] = _average(fixed[name]) if name in fixed else point
    points = [mix["spine1"], mix["spine2"], mix["spine3"]]

    # Collars: between the breast bone and the shoulder.
    placed = []
    for side in SIDES:
        shoulder = mix[f"{side}_shoulder"]
        collar = found.get(f"{side}_collar")
        centre = points[-1]
        if f"{side}_collar" in fixed:
            mix[f"{side}_collar"] = _average(fixed[f"{side}_collar"])
        elif collar is not None and apart({collar: 1.0}, shoulder) > same and _off_centre(tree, collar, mix, apart) > same:
            mix[f"{side}_collar"] = {collar: 1.0}
        else:
            # CMU's clavicles start at the spine; 40 % of the way to the shoulder is the place in the training data.
            start = {chest_top: 1.0} if apart({chest_top: 1.0}, mix["pelvis"]) > same else centre
            mix[f"{side}_collar"] = _mix(start, shoulder, 0.4)
            placed.append(side)
    if placed:
        assumed.append(f"{' and '.join(placed)} collar placed between chest and shoulder")

    # Feet: the ball of the foot.
    built = []
    for side in SIDES:
        point, built_here = _foot(tree, found, side, leg)
        if f"{side}_foot" in fixed:
            point, built_here = _average(fixed[f"{side}_foot"]), ""
        if point is None:
            built.append(side)
            point = mix[f"{side}_ankle"]
        elif built_here:
            assumed.append(f"{side} foot joint placed between {built_here}")
        mix[f"{side}_foot"] = point
    if built:
        assumed.append(f"{' and '.join(built)} foot joint built ahead of the ankle (the skeleton ends there)")

    for ours in fixed.keys() & ROLE_OF_TARGET.keys():
        mix[ours] = _average(fixed[ours])
    return _to_map(mix, built, skeleton, assumed)


def _to_map(mix: dict[str, dict[int, float]], built: list[str], skeleton: str, assumed: list[str]) -> SkeletonMap:
    nodes = sorted({n for point in mix.values() for n in point})
    column = {n: i for i, n in enumerate(nodes)}
    weights = np.zeros((len(TARGET_NAMES), len(nodes)))
    for name, point in mix.items():
        for node, weight in point.items():
            weights[INDEX[name], column[node]] += weight
    return SkeletonMap(np.array(nodes), weights, built, skeleton, assumed)


def _mix(a: dict[int, float], b: dict[int, float], t: float) -> dict[int, float]:
    out = {n: w * (1.0 - t) for n, w in a.items()}
    for n, w in b.items():
        out[n] = out.get(n, 0.0) + w * t
    return out


def _off_centre(tree: _Tree, node: int, mix: dict, apart) -> float:
    """How far a collar stands from the spine's joints."""
    return min(apart({node: 1.0}, mix[name]) for name in ("spine3", "neck"))


def _foot(tree: _Tree, found: dict, side: str, leg: float) -> tuple[dict[int, float] | None, str]:
    """The ball of the foot: the toe joint, or a point on the way to what is further ahead; None where there is none.

    A toe joint that stands under the ankle (some rigs fold the foot there) is no ball: what counts is how far ahead of
    the shank's line a point is. About 0.15 leg lengths is a person's.
    """
    knee, ankle = found[f"{side}_knee"], found[f"{side}_ankle"]
    toe = found.get(f"{side}_toe")
    chain = ([toe] + tree.main_chain(toe)) if toe is not None else tree.main_chain(ankle)
    shank = _unit(tree.sample[:, knee] - tree.sample[:, ankle])

    def ahead(node: int) -> float:
        v = tree.sample[:, node] - tree.sample[:, ankle]
        return float(np.median(np.linalg.norm(v - (v * shank).sum(-1, keepdims=True) * shank, axis=-1)) / leg)

    if toe is not None and ahead(toe) > 0.24:
        # Second Life has the ball of the foot as mFoot, and mToe at its tip.
        between = [n for n in tree.path(toe)[:-1] if tree.depth[n] > tree.depth[ankle] and 0.1 <= ahead(n) <= 0.24]
        if between:
            return {between[-1]: 1.0}, ""
    previous, before = ankle, 0.0
    for node in chain:
        here = ahead(node)
        if here >= 0.06:
            if here <= 0.24 or (toe is not None and node == toe):
                return {node: 1.0}, ""
            t = (0.16 - before) / (here - before)
            return _mix({previous: 1.0}, {node: 1.0}, t), f"{tree.names[previous]} and {tree.names[node]}"
        previous, before = node, here
    # A foot stretched like a dancer's in every sampled frame still has a toe.
    if toe is not None and tree.distance(toe, ankle) > 0.06 * leg:
        return {toe: 1.0}, ""
    return None, ""


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _some(names: list[str], is_end: np.ndarray) -> str:
    real = [n for n, end in zip(names, is_end, strict=True) if not end]
    return "joints: " + ", ".join(real[:6]) + (", ..." if len(real) > 6 else "")
