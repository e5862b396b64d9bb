"""From control vectors (T, 49) to joints (T, 22, 3): forward kinematics of the trunk, two-bone IK of the limbs."""

import numpy as np

from llamo.train.synthesis import channels as ch
from llamo.train.synthesis.body import PARENTS, Body
from llamo.train.synthesis.tracks import smooth


_SPINE_SHARE = (0.30, 0.36, 0.34)


def rotation(pitch: np.ndarray, roll: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """Ry(yaw) Rx(pitch) Rz(roll) for arrays (...,) in radians: returns (..., 3, 3).

    Roll > 0 leans to the right (the head moves to -X).
    """
    cy, sy, cx, sx, cz, sz = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    out = np.empty(np.broadcast(pitch, roll, yaw).shape + (3, 3))
    out[..., 0, 0] = cy * cz + sy * sx * sz
    out[..., 0, 1] = -cy * sz + sy * sx * cz
    out[..., 0, 2] = sy * cx
    out[..., 1, 0] = cx * sz
    out[..., 1, 1] = cx * cz
    out[..., 1, 2] = -sx
    out[..., 2, 0] = -sy * cz + cy * sx * sz
    out[..., 2, 1] = sy * sz + cy * sx * cz
    out[..., 2, 2] = cy * cx
    return out


def unit(v: np.ndarray) -> np.ndarray:
    """Normalise the last axis."""
    return v / np.maximum(np.sqrt((v * v).sum(-1, keepdims=True)), 1e-9)


def two_bone(root: np.ndarray, target: np.ndarray, pole: np.ndarray, first, second, stretch: float = 0.9985):
    """Analytic two-bone inverse kinematics.

    Args:
        root, target: (..., 3) positions, metres. pole: (..., 3) direction in which the middle joint bends.
        first, second: bone lengths, broadcastable to (...,).

    Returns:
        (middle, end): (..., 3) positions; `end` is the target, or nearer where it is out of reach.
    """
    reach = target - root
    distance = np.sqrt((reach * reach).sum(-1))
    axis = reach / np.maximum(distance, 1e-9)[..., None]
    # At most about 150 degrees of flexion.
    shortest = np.sqrt(first**2 + second**2 - 2 * first * second * np.cos(np.radians(28.0)))
    distance = np.clip(distance, shortest, (first + second) * stretch)
    along = (first**2 - second**2 + distance**2) / (2 * distance)
    off = np.sqrt(np.maximum(first**2 - along**2, 0.0))
    side = unit(pole - (pole * axis).sum(-1, keepdims=True) * axis)
    middle = root + axis * along[..., None] + side * off[..., None]
    return middle, root + axis * distance[..., None]


def transported_pole(forward: np.ndarray, down: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """Carry `forward` along when `down` is swung by the shortest turn to `axis`: where a knee points."""
    v = np.cross(down, axis)
    c = (down * axis).sum(-1, keepdims=True)
    k = 1.0 / np.maximum(1.0 + c, 0.15)
    return forward * c + np.cross(v, forward) + v * (v * forward).sum(-1, keepdims=True) * k


def foot_frames(controls: np.ndarray, body: Body):
    """Wanted ankle (T, 2, 3), ankle-to-ball vector (T, 2, 3) and contact weight (T, 2) from the foot channels."""
    foot = np.stack([controls[:, ch.FOOT_L], controls[:, ch.FOOT_R]], axis=1)
    ball, pitch, yaw = foot[..., :3].copy(), foot[..., 3], foot[..., 4]
    turn = rotation(pitch, np.zeros_like(pitch), yaw)
    vector = np.einsum("tfij,fj->tfi", turn, body.foot)
    # Toes up on the floor: the foot turns about the heel, so the ball rises; in the air it turns about the ball.
    grounded = np.clip(1.0 - (ball[..., 1] - body.ball) / 0.08, 0.0, 1.0)
    heel_to_ball = np.array([0.0, 0.0, body.foot[:, 2].mean() * 1.35])
    up = np.minimum(pitch, 0.0)
    turn_up = rotation(up, np.zeros_like(up), yaw)
    flat = rotation(np.zeros_like(up), np.zeros_like(up), yaw)
    ball += ((turn_up - flat) @ heel_to_ball) * grounded[..., None]
    return ball - vector, vector, np.clip(1.0 - (ball[..., 1] - body.ball) / 0.03, 0.0, 1.0) * (pitch < 1.2)


def trunk_turns(controls: np.ndarray) -> list[np.ndarray]:
    """Turns (T, 3, 3) of the pelvis, and above each of the three spine joints; the last is the chest's."""
    turns = [rotation(controls[:, ch.PITCH], controls[:, ch.ROLL], controls[:, ch.YAW])]
    bend = controls[:, ch.SPINE]
    local = rotation(*[bend[:, i, None] * np.array(_SPINE_SHARE) for i in range(3)])
    for index in range(3):
        turns.append(turns[-1] @ local[:, index])
    return turns


def arm_frames(controls: np.ndarray, chest: np.ndarray) -> np.ndarray:
    """What the arms' directions refer to (T, 3, 3): the chest (T, 3, 3), the heading, or something between."""
    upright = np.zeros(len(controls))
    heading = rotation(upright, upright, controls[:, ch.YAW] + controls[:, ch.SPINE][:, 2])
    share = controls[:, ch.ARM_FRAME][:, None, None]
    return share * chest + (1 - share) * heading


def solve(controls: np.ndarray, body: Body) -> np.ndarray:
    """Joints (T, 22, 3) float64 of a control array (T, 49), or (T, 116) with ready joints."""
    num_frames = len(controls)
    rest = body.rest
    joints = np.empty((num_frames, 22, 3))
    pelvis = controls[:, ch.PELVIS].copy()
    turns = trunk_turns(controls)
    hip_offset = np.einsum("tij,fj->tfi", turns[0], rest[[1, 2]])
    ankle, foot_vector, contact = foot_frames(controls, body)
    length = (body.thigh + body.shank) * 0.9985

    # A leg cannot be longer than it is: lower the pelvis until the standing feet are within reach.
    for _ in range(2):
        reach = ankle - (pelvis[:, None] + hip_offset)
        flat2 = reach[..., 0] ** 2 + reach[..., 2] ** 2
        allowed = np.sqrt(np.maximum(length**2 - flat2, (0.35 * length) ** 2))
        excess = np.maximum((-reach[..., 1] - allowed) * contact, 0.0).max(1)
        if excess.max() < 1e-4:
            break
        pelvis[:, 1] -= np.maximum(smooth(excess, 1.2), excess * 0.7)

    joints[:, 0] = pelvis
    hips = pelvis[:, None] + hip_offset
    joints[:, 1:3] = hips
    for joint, parent, turn in zip((3, 6, 9), (0, 3, 6), turns[:-1], strict=True):
        joints[:, joint] = joints[:, parent] + turn @ rest[joint]
    chest = turns[-1]
    base = joints[:, 9]
    joints[:, 12] = base + chest @ rest[12]
    head = controls[:, ch.HEAD]
    neck_turn = chest @ rotation(head[:, 0], head[:, 1], head[:, 2])
    joints[:, 15] = joints[:, 12] + neck_turn @ rest[15]
    joints[:, 13] = base + chest @ rest[13]
    joints[:, 14] = base + chest @ rest[14]

    arms = controls[:, ch.ARM].reshape(num_frames, 2, 2, 3)
    frame = arm_frames(controls, chest)
    world = unit(np.einsum("tij,tabj->tabi", frame, unit(arms)))
    # Scapulohumeral rhythm: a raised arm lifts its shoulder (about one third of the elevation above horizontal).
    up = np.einsum("tji,taj->tai", chest, world[:, :, 0])
    clav = controls[:, ch.CLAV].reshape(num_frames, 2, 2)
    shrug = clav[..., 0] + 0.42 * np.maximum(up[..., 1] + 0.3, 0.0)
    protract = clav[..., 1] + 0.18 * up[..., 2] * (up[..., 1] > -0.9)
    sign = np.array([1.0, -1.0])
    lift = rotation(np.zeros_like(shrug), shrug * sign, -protract * sign)
    joints[:, 16:18] = joints[:, 13:15] + np.einsum("tij,tajk,ak->tai", chest, lift, rest[[16, 17]])
    shoulder = joints[:, 16:18]
    upper, fore = body.upper_arm, body.forearm
    elbow = shoulder + world[:, :, 0] * upper[:, None]
    wrist = elbow + world[:, :, 1] * fore[:, None]
    hand = controls[:, 40:48].reshape(num_frames, 2, 4)
    weight = np.clip(hand[..., 3:], 0.0, 1.0)
    if weight.max() > 1e-3:
        target = wrist * (1 - weight) + hand[..., :3] * weight
        bent_elbow, bent_wrist = two_bone(
            shoulder, target, elbow - 0.5 * (shoulder + wrist) + 0.02 * (elbow - shoulder), upper, fore
        )
        use = weight > 1e-3
        elbow = np.where(use, bent_elbow, elbow)
        wrist = np.where(use, bent_wrist, wrist)
    joints[:, 18:20] = elbow
    joints[:, 20:22] = wrist

    # Legs.
    foot_yaw = controls[:, [32, 37]] - controls[:, [ch.YAW]]
    # The knee points about half way between the pelvis and the foot, turned outward by the knee channel.
    yaw = np.clip(np.arctan2(np.sin(foot_yaw), np.cos(foot_yaw)), -0.9, 0.9) * 0.6 + controls[:, ch.KNEE] * sign
    forward = np.stack([np.sin(yaw), np.zeros_like(yaw), np.cos(yaw)], axis=-1)
    forward = np.einsum("tij,tfj->tfi", turns[0], forward)
    down = -np.broadcast_to(turns[0][:, None, :, 1], forward.shape)
    pole = transported_pole(forward, down, unit(ankle - hips))
    knee, ankle = two_bone(hips, ankle, pole, body.thigh, body.shank)
    joints[:, 4:6] = knee
    joints[:, 7:9] = ankle
    joints[:, 10:12] = ankle + foot_vector
    return joints if controls.shape[1] == ch.SIZE else _with_ready_joints(joints, controls, body)


def _with_ready_joints(joints: np.ndarray, controls: np.ndarray, body: Body) -> np.ndarray:
    """Blend solved joints with the ready joints of the wide columns; the bones keep their lengths."""
    weight = controls[:, ch.FREE_WEIGHT][:, None, None]
    ready = controls[:, ch.FREE].reshape(-1, 22, 3)
    mixed = joints * (1 - weight) + ready * weight
    out = mixed.copy()
    for joint in range(1, 22):
        parent = PARENTS[joint]
        bone = unit(mixed[:, joint] - mixed[:, parent])
        out[:, joint] = out[:, parent] + bone * np.linalg.norm(body.rest[joint])
    return np.where(weight > 0, out, joints)
