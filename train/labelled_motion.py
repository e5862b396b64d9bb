"""Motions with truth for every motion vector: what the motion tower learns before it meets a language model.

Procedural clips bring exact truth (action, side, direction, turn, speed, repetitions); recorded clips bring the action
their description names. Rates measured from the joints (distance, turns, steps, flights, paths of hands and feet) are
truth for both.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from llamo.processing.motion_features_llamo import (
    CONTACT_HEIGHT,
    CONTACT_JOINTS,
    CONTACT_SPEED,
    canonicalise,
    heading_angles,
    rotate_yaw,
)
from llamo.train.recorded import RecordedClip
from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.engine import SyntheticMotion, synthesize


FPS = 20.0
IGNORE = -100
SIDES = ("none", "left", "right", "both")
DIRECTIONS = ("none", "forward", "backward", "left", "right", "up", "down", "in place")
TURNS = ("none", "left", "right")
SPEEDS = ("slow", "normal", "fast")
# Rates per motion vector that are summed over a motion; the units make a usual clip's total a few.
RATES = (
    "repetitions",
    "left_steps",
    "right_steps",
    "metres",
    "left_quarter_turns",
    "right_quarter_turns",
    "flights",
    "left_hand_metres",
    "right_hand_metres",
    "left_foot_metres",
    "right_foot_metres",
)
TORSO_JOINTS, FEET, HANDS = (3, 6, 9, 12, 13, 14, 15), (10, 11), (20, 21)


def action_vocabulary(recorded: Iterable[RecordedClip] = ()) -> list[str]:
    """Keys of all procedural actions, then those that only recordings name."""
    known = list(ACTIONS)
    return known + sorted({action for clip in recorded for action in clip.actions} - set(known))


@dataclass
class LabelledMotion:
    """A motion with truth for each frame.

    Args:
        joints: `(num_frames, 22, 3)` metres, canonical, 20 fps.
        action, side, direction, turn, speed: `(num_frames,)` indices into their vocabularies, IGNORE where unknown.
        repetitions: `(num_frames,)` share of a repetition that happens in the frame, NaN where unknown.
        clip_actions: indices of the actions that occur, for motions whose frames are not labelled singly.
        recorded: whether a person was recorded.
    """

    joints: np.ndarray
    action: np.ndarray
    side: np.ndarray
    direction: np.ndarray
    turn: np.ndarray
    speed: np.ndarray
    repetitions: np.ndarray
    clip_actions: tuple[int, ...]
    recorded: bool = False

    def cut(self, start: int, stop: int) -> LabelledMotion:
        part = {name: getattr(self, name)[start:stop] for name in FRAME_FIELDS}
        # Part of a clip may lack actions of the whole; frames tell where they are known.
        seen = set(part["action"].tolist()) - {IGNORE}
        whole = start == 0 and stop >= len(self.joints)
        kept = self.clip_actions if whole or len(self.clip_actions) == 1 else tuple(sorted(seen))
        return LabelledMotion(clip_actions=kept, recorded=self.recorded, **part)


FRAME_FIELDS = ("joints", "action", "side", "direction", "turn", "speed", "repetitions")


def label_synthetic(motion: SyntheticMotion, actions: Sequence[str]) -> LabelledMotion:
    """Exact truth of a procedural motion, frame by frame."""
    frames = len(motion.joints)
    fields = {name: np.full(frames, IGNORE) for name in ("action", "side", "direction", "turn", "speed")}
    repetitions = np.zeros(frames)
    for segment in motion.segments:
        start, stop = int(round(segment.start * FPS)), min(frames, int(round(segment.end * FPS)) + 1)
        fields["action"][start:stop] = actions.index(segment.action)
        fields["side"][start:stop] = SIDES.index(segment.side or "none")
        fields["direction"][start:stop] = DIRECTIONS.index(segment.direction or "none")
        fields["turn"][start:stop] = TURNS.index(segment.turn or "none")
        fields["speed"][start:stop] = SPEEDS.index(segment.speed)
        if segment.count:
            for moment in segment.event_times:
                # A repetition is spread over a fifth of a second on either side of its key moment.
                bump = np.exp(-0.5 * ((np.arange(frames) / FPS - moment) / 0.1) ** 2)
                repetitions += bump / max(bump.sum(), 1e-6)
    occurring = tuple(sorted(set(fields["action"].tolist()) - {IGNORE}))
    return LabelledMotion(canonicalise(motion.joints, FPS), repetitions=repetitions, clip_actions=occurring, **fields)


def label_recorded(clip: RecordedClip, actions: Sequence[str]) -> LabelledMotion:
    """What the description of a recorded clip says; frames are labelled where one action fills the clip."""
    frames = len(clip.joints)
    fields = {name: np.full(frames, IGNORE) for name in ("action", "side", "direction", "turn", "speed")}
    indices = tuple(sorted({actions.index(action) for action in clip.actions}))
    if clip.throughout and len(indices) == 1:
        fields["action"][:] = indices[0]
    return LabelledMotion(
        canonicalise(clip.joints, FPS),
        repetitions=np.full(frames, np.nan),
        clip_actions=indices,
        recorded=True,
        **fields,
    )


def measured_rates(joints: np.ndarray) -> np.ndarray:
    """RATES without repetitions, measured per frame from canonical joints: `(num_frames, 10)` float32."""
    frames = len(joints)
    if frames < 3:
        return np.zeros((frames, len(RATES) - 1), dtype=np.float32)
    velocity = np.gradient(joints.astype(np.float64), 1 / FPS, axis=0)
    contact = (np.linalg.norm(velocity[:, CONTACT_JOINTS], axis=-1) < CONTACT_SPEED) & (
        joints[:, CONTACT_JOINTS, 1] < CONTACT_HEIGHT
    )
    rates = np.zeros((frames, len(RATES) - 1))
    for column, feet in ((0, contact[:, :2]), (1, contact[:, 2:])):
        rates[:, column] = onsets(feet.any(1))
    rates[:, 2] = np.linalg.norm(velocity[:, 0, [0, 2]], axis=-1) / FPS
    turning = np.gradient(heading_angles(joints)) / (np.pi / 2)
    rates[:, 3], rates[:, 4] = np.maximum(turning, 0), np.maximum(-turning, 0)
    rates[:, 5] = onsets(joints[:, FEET, 1].min(1) > 0.12)
    relative = velocity - velocity[:, :1]
    for column, joint in zip(range(6, 10), (*HANDS, *FEET), strict=True):
        rates[:, column] = np.linalg.norm(relative[:, joint], axis=-1) / FPS
    return rates.astype(np.float32)


def onsets(state: np.ndarray, shortest: int = 2) -> np.ndarray:
    """1 in each frame where a state begins that then lasts at least `shortest` frames. Both `(num_frames,)`."""
    starts = np.flatnonzero(np.diff(np.concatenate([[0], state.astype(np.int8)])) == 1)
    ends = np.flatnonzero(np.diff(np.concatenate([state.astype(np.int8), [0]])) == -1) + 1
    marks = np.zeros(len(state))
    kept = starts[(ends - starts) >= shortest]
    marks[kept[kept > 0]] = 1.0
    return marks


# Procedural corpus


def _synthesize_many(arguments: tuple[int, int, bool]) -> list[SyntheticMotion]:
    seed, num, held_out = arguments
    rng = np.random.default_rng([seed, int(held_out)])
    return [synthesize(rng, held_out=held_out) for _ in range(num)]


def synthetic_motions(
    num: int, seed: int, held_out: bool = False, workers: int = 1, chunk: int = 50
) -> Iterator[SyntheticMotion]:
    """`num` procedural motions, the same whatever the number of worker processes."""
    jobs = [(seed * 100_003 + start, min(chunk, num - start), held_out) for start in range(0, num, chunk)]
    progress = tqdm(total=num, desc="synthesizing", unit="clip", disable=None)
    if workers <= 1:
        results = map(_synthesize_many, jobs)
        pool = None
    else:
        pool = multiprocessing.get_context("spawn").Pool(workers)
        results = pool.imap(_synthesize_many, jobs)
    try:
        for motions in results:
            progress.update(len(motions))
            yield from motions
    finally:
        progress.close()
        if pool is not None:
            pool.terminate()


# Randomisation: what differs between recordings without changing what the person does


def randomise(motion: LabelledMotion, rng: np.random.Generator, longest: int = 200) -> LabelledMotion:
    """Another body, tempo, cut and sensor for the same action; truth is adapted where it changes.

    Args:
        motion: any labelled motion.
        rng: source of randomness.
        longest: frames kept at most.
    """
    if rng.random() < 0.5:
        motion = change_tempo(motion, rng.uniform(0.85, 1.18))
    frames = len(motion.joints)
    length = min(frames, longest)
    if rng.random() < 0.4:
        length = int(rng.integers(min(length, 30), length + 1))
    start = int(rng.integers(frames - length + 1))
    motion = motion.cut(start, start + length)
    joints = motion.joints.astype(np.float64)
    if rng.random() < 0.8:
        joints = change_body(joints, rng)
    draw = rng.random()
    if draw < 0.35:  # optical motion capture
        joints = joints + rng.normal(0, rng.uniform(0.0005, 0.004), joints.shape)
    elif draw < 0.6:  # estimated from video
        joints = joints + slow_noise(len(joints), rng) * rng.uniform(0.008, 0.03)
    motion.joints = canonicalise(joints, FPS)
    return motion


def change_tempo(motion: LabelledMotion, factor: float) -> LabelledMotion:
    """Plays a motion `factor` times as fast, resampled to the same frame rate."""
    frames = len(motion.joints)
    positions = np.arange(max(1, int((frames - 1) / factor) + 1)) * factor
    below = np.minimum(positions.astype(np.int64), max(frames - 2, 0))
    weight = (positions - below)[:, None, None]
    above = np.minimum(below + 1, frames - 1)
    nearest = np.minimum(np.round(positions).astype(np.int64), frames - 1)
    total = np.concatenate([[0.0], np.cumsum(motion.repetitions)])
    edges = np.append(positions, positions[-1] + factor)
    repetitions = np.diff(np.interp(edges, np.arange(frames + 1), total))
    fields = {name: getattr(motion, name)[nearest] for name in ("action", "side", "direction", "turn", "speed")}
    if abs(np.log(factor)) > 0.08:
        fields["speed"] = np.full_like(fields["speed"], IGNORE)
    return LabelledMotion(
        joints=motion.joints[below] * (1 - weight) + motion.joints[above] * weight,
        repetitions=repetitions,
        clip_actions=motion.clip_actions,
        recorded=motion.recorded,
        **fields,
    )


def change_body(joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another size, other proportions, joints placed elsewhere in the same body. `(num_frames, 22, 3)` both."""
    joints = joints * rng.uniform(0.88, 1.12)
    for root, chain in ((16, (18, 20)), (17, (19, 21))):
        stretch = 1 + rng.normal(0, 0.05)
        joints[:, chain] = joints[:, [root]] + (joints[:, chain] - joints[:, [root]]) * stretch
    yaw = heading_angles(joints)
    # Rigs place spine, neck, collars and head centimetres apart from each other; limbs far less.
    shift = np.zeros((1, 22, 3))
    shift[0, TORSO_JOINTS] = rng.normal(0, 0.02, (len(TORSO_JOINTS), 3)) * [0.5, 1, 1]
    shift[0, 16:18, 1] = rng.normal(0, 0.015)
    width = rng.normal(0, 0.01)
    shift[0, 1:3, 0] = [width, -width]
    for foot in FEET:
        shift[0, foot] = rng.normal(0, 0.015, 3) * [0.5, 0.7, 1]
    return joints + rotate_yaw(np.repeat(shift, len(joints), 0), yaw)


def slow_noise(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Unit-variance noise of each coordinate with a correlation time of 0.1 to 0.5 s, `(num_frames, 22, 3)`."""
    keep = np.exp(-1 / (FPS * rng.uniform(0.1, 0.5)))
    fresh = rng.normal(0, np.sqrt(1 - keep**2), (frames, 22, 3))
    fresh[0] /= np.sqrt(1 - keep**2)
    for frame in range(1, frames):
        fresh[frame] += keep * fresh[frame - 1]
    return fresh
