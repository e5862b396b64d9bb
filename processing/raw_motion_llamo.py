# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""The last steps that all readers share: 22 joints found, told left from right, and turned to metres and Y up."""

from dataclasses import dataclass, field

import numpy as np

from .motion_errors_llamo import MotionFormatError
from .motion_frame_llamo import body_height, find_scale, find_up, leading_reference_frames, to_y_up, unit_scale
from .motion_source_llamo import ReadOptions
from .skeleton_mapping_llamo import check_human, map_skeleton, side_votes


# Skeleton, units and axes are told from at most this many frames, evenly spread over the motion.
SAMPLE_FRAMES = 128
# A unit that a file states counts only where the body is as tall as a person can be, a toddler included.
POSSIBLE_HEIGHT = (0.6, 2.8)


@dataclass
class RawMotion:
    """A person's motion as it was recorded, in LLaMo's joints, metres and axes; floor and heading are the file's.

    Attributes:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): float32, metres, right-handed, Y up.
        fps (`float`): frames per second of the source.
        format (`str`): "bvh", "amc", "smpl", "c3d", "trc", "npz", "npy" ... or "array".
        source_frames (`int`): frames in the file, a dropped reference pose included.
        source_joints (`int`): joints in the file, without End Sites; markers of a marker file.
        units (`str`): of the source: "m", "cm", "inch" ..., or metres per unit.
        up_axis (`str`): of the source: "+y", "+z" ...
        skeleton (`str`): the kind of rig.
        assumed (`list[str]`): everything that the file did not say and was guessed, one sentence each.
    """

    joints: np.ndarray
    fps: float
    format: str
    source_frames: int
    source_joints: int
    units: str
    up_axis: str
    skeleton: str
    assumed: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Time from the first frame to the last; a single pose lasts one frame."""
        return max(len(self.joints) - 1, 1) / self.fps


def skeleton_motion(
    animation, fps: float, kind: str, options: ReadOptions, where: str, scale: float | str | None = None
) -> RawMotion:
    """An animated skeleton of any rig to a motion.

    Args:
        animation: has `names`, `parents`, `is_end` (one per node, parents before children), `num_frames`, `notes`,
            `world_positions(nodes=None, frames=None)` `(num_frames, num_nodes, 3)` and `rest_positions()`
            `(num_nodes, 3)`, in the file's own units and axes; [`BvhFile`] is one.
        fps (`float`): frames per second.
        kind (`str`): the format's name.
        scale (`float` or `str`, *optional*): metres per unit, or the unit's name, where the file says it; else guessed
            from body height.

    Raises:
        MotionFormatError: where no whole person can be found.
    """
    options.check_frames(animation.num_frames, where)
    # Frame 1 may be a reference pose: the sample looks at it only where there is nothing else.
    first = 1 if animation.num_frames > 2 else 0
    sample = np.unique(np.linspace(first, animation.num_frames - 1, min(SAMPLE_FRAMES, animation.num_frames)).astype(int))
    mapping = map_skeleton(
        animation.names,
        animation.parents,
        animation.is_end,
        animation.world_positions(frames=sample),
        where=where,
        joint_map=options.joint_map,
    )
    joints = _pose_joints(animation, mapping)
    assumed = list(animation.notes) + mapping.assumed
    # Feet that were built here follow the names and cannot contradict them; what the caller says stands.
    told = mapping.skeleton != "by shape" and not mapping.built_feet and not options.joint_map
    if told and sides_contradict(joints[sample]):
        mapping.swap_sides()
        joints = _pose_joints(animation, mapping)
        assumed.append("joint names call the person's right side left, as feet and knees tell; left and right follow the body")
    dropped = leading_reference_frames(joints)
    if dropped:
        joints = joints[dropped:]
        assumed.append(
            f"first {'frame' if dropped == 1 else f'{dropped} frames'} left out: a reference pose (T-pose), "
            "from which the motion jumps"
        )
    rest = mapping.apply(animation.rest_positions()[None, mapping.nodes])[0]
    source_joints = int((~animation.is_end).sum())
    return _finish(
        joints, rest, fps, kind, animation.num_frames, source_joints, mapping.skeleton, options, where, assumed, scale
    )


def _pose_joints(animation, mapping, piece: int = 4096) -> np.ndarray:
    """The 22 joints in all frames, `(num_frames, 22, 3)`, without ever holding all source joints of a long file."""
    joints = np.empty((animation.num_frames, len(mapping.weights), 3))
    for start in range(0, animation.num_frames, piece):
        frames = slice(start, start + piece)
        joints[frames] = mapping.apply(animation.world_positions(nodes=mapping.nodes, frames=frames))
    return joints


def joints_motion(
    joints: np.ndarray,
    fps: float,
    kind: str,
    options: ReadOptions,
    where: str,
    assumed: list[str],
    *,
    source_joints: int | None = None,
    skeleton: str = "22 joints",
    may_mirror: bool = True,
    scale: float | str | None = None,
    up_axis: str | None = None,
    likely_up: str | None = None,
) -> RawMotion:
    """The 22 joints in a file's own units and axes to a motion.

    Args:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): finite numbers.
        fps (`float`): frames per second.
        kind (`str`): the format's name.
        assumed (`list[str]`): what the reader has guessed so far.
        source_joints (`int`, *optional*): joints or markers of the file; 22 where None.
        skeleton (`str`): the kind of rig.
        may_mirror (`bool`): whether axes may be left-handed, so that a body with its sides swapped is mirrored.
        scale (`float` or `str`, *optional*): metres per unit, or the unit's name, where the file says it; else guessed
            from body height.
        up_axis (`str`, *optional*): where the file or its format says it; else guessed. The caller's word comes first.
        likely_up (`str`, *optional*): the axis that is up in most files of the kind, for the guess.

    Raises:
        MotionFormatError: where the joints are not those of a person.
    """
    options.check_frames(len(joints), where)
    sample = joints[np.unique(np.linspace(0, len(joints) - 1, min(SAMPLE_FRAMES, len(joints))).astype(int))]
    check_human(sample, where)
    if may_mirror and sides_contradict(sample):
        # The order of the joints is the format's; what can differ is the handedness of the axes.
        joints = joints * np.array([-1.0, 1.0, 1.0])
        assumed.append(
            "axes taken as left-handed (the joints called left are on the right of the body); mirrored to right-handed"
        )
    count = joints.shape[1] if source_joints is None else source_joints
    return _finish(joints, None, fps, kind, len(joints), count, skeleton, options, where, assumed, scale, up_axis, likely_up)


def _finish(
    joints,
    rest,
    fps,
    kind,
    source_frames,
    source_joints,
    skeleton,
    options,
    where,
    assumed,
    scale=None,
    up_axis=None,
    likely_up=None,
) -> RawMotion:
    sample = joints[np.unique(np.linspace(0, len(joints) - 1, min(SAMPLE_FRAMES, len(joints))).astype(int))]
    up, note = find_up(sample, rest, up_axis if options.up_axis is None else options.up_axis, where, likely_up)
    if note:
        assumed.append(note)
    said = scale if options.units is None else options.units
    if options.units is None and scale is not None:
        # Files call millimetres metres and the other way round; nobody is 1.7 mm tall.
        height = body_height(sample) * unit_scale(scale, where)[0]
        if not POSSIBLE_HEIGHT[0] <= height <= POSSIBLE_HEIGHT[1]:
            assumed.append(f"the file's unit ({scale}) not believed: the body would be {height:.3g} m tall")
            said = None
    factor, unit_name, note = find_scale(sample, said, where)
    if note:
        assumed.append(note)
    joints = to_y_up(joints, up) * factor
    largest = float(np.abs(joints).max())
    if not largest <= 10_000:
        raise MotionFormatError(
            "a person within 10 km of the origin",
            f"joints {largest:.4g} m away",
            where,
            "Check the root's position channels, or pass `units`.",
        )
    return RawMotion(
        joints.astype(np.float32), float(fps), kind, source_frames, source_joints, unit_name, up, skeleton, assumed
    )


def sides_contradict(joints: np.ndarray) -> bool:
    """True where the body's own geometry says clearly that left is right: both feet and knees, or feet beyond doubt."""
    feet, knees = side_votes(joints)
    return feet < -0.04 and knees < 0.01 and (knees < -0.02 or feet < -0.09)
