# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Joint positions to a skeleton with rotations, as BVH and glTF want it: inverse kinematics of the 22 joints.

Rest pose: the mean body's T-pose (smpl_body_llamo.py) with this person's bone lengths. Pelvis and chest, which carry three
bones each, are turned to fit all three; every other joint by the smallest turn that points its bone, so no limb is twisted
about its own axis: positions alone do not tell that twist. Joints whose place in their parent's frame is not constant
(estimates from video, skeletons without a spine) keep that place frame by frame, so that no position is lost.
"""

from dataclasses import dataclass

import numpy as np

from .rotations_llamo import best_rotations, shortest_rotations
from .smpl_body_llamo import PARENTS, rest_offsets


NUM_JOINTS = 22
# A joint that moves by less than this in its parent's frame is taken as fixed; seven bones add up to less than 1 mm.
FIXED = 1e-4
CHILDREN = tuple(tuple(child for child in range(NUM_JOINTS) if PARENTS[child] == joint) for joint in range(NUM_JOINTS))


@dataclass
class SkeletonFit:
    """A skeleton and its movement.

    Attributes:
        offsets (`np.ndarray` of shape `(22, 3)`): rest place of each joint in its parent's frame, metres; 0 for the pelvis.
        rotations (`np.ndarray` of shape `(num_frames, 22, 3, 3)`): of each joint against its parent; the pelvis's in the world.
        places (`dict[int, np.ndarray]`): joints that move in their parent's frame -> `(num_frames, 3)`; always the pelvis.
    """

    offsets: np.ndarray
    rotations: np.ndarray
    places: dict[int, np.ndarray]

    def positions(self) -> np.ndarray:
        """Forward kinematics: `(num_frames, 22, 3)`."""
        out = np.empty((len(self.rotations), NUM_JOINTS, 3))
        world = np.empty_like(self.rotations)
        out[:, 0], world[:, 0] = self.places[0], self.rotations[:, 0]
        for joint in range(1, NUM_JOINTS):
            parent = PARENTS[joint]
            place = self.places.get(joint, self.offsets[joint][None])
            out[:, joint] = out[:, parent] + np.einsum("nij,nj->ni", world[:, parent], np.broadcast_to(place, out[:, 0].shape))
            world[:, joint] = world[:, parent] @ self.rotations[:, joint]
        return out


def fit_skeleton(joints: np.ndarray) -> SkeletonFit:
    """Positions to a skeleton that reproduces them.

    Args:
        joints (`np.ndarray` of shape `(num_frames, 22, 3)`): metres, Y up.
    """
    joints = np.asarray(joints, dtype=np.float64)
    bones = np.zeros_like(joints)
    bones[:, 1:] = joints[:, 1:] - joints[:, list(PARENTS[1:])]
    lengths = np.median(np.linalg.norm(bones, axis=-1), axis=0)
    offsets = rest_offsets()
    offsets[0] = 0.0
    offsets *= (lengths / np.maximum(np.linalg.norm(offsets, axis=-1), 1e-12))[:, None]
    world = np.empty((len(joints), NUM_JOINTS, 3, 3))
    places = {0: joints[:, 0]}
    for joint, children in enumerate(CHILDREN):
        # Parents come before their children in the order of the joints.
        before = world[:, PARENTS[joint]] if joint else np.broadcast_to(np.eye(3), (len(joints), 3, 3))
        if len(children) > 1:
            ends = bones[:, children]
            turn = best_rotations(offsets[list(children)], ends)
            # Once more with the person's own directions, which differ from the mean body's.
            own = np.median(np.einsum("nij,nki->nkj", turn, ends), axis=0)
            world[:, joint] = best_rotations(own, ends)
            offsets[list(children)] = np.median(np.einsum("nij,nki->nkj", world[:, joint], ends), axis=0)
        elif children:
            local = np.einsum("nij,ni->nj", before, bones[:, children[0]])
            world[:, joint] = before @ shortest_rotations(offsets[children[0]], local)
        else:
            world[:, joint] = before
        for child in children:
            local = np.einsum("nij,ni->nj", world[:, joint], bones[:, child])
            if np.abs(local - offsets[child]).max() > FIXED:
                places[child] = local
    rotations = world.copy()
    for joint in range(1, NUM_JOINTS):
        rotations[:, joint] = np.swapaxes(world[:, PARENTS[joint]], -1, -2) @ world[:, joint]
    return SkeletonFit(offsets, rotations, places)
