"""Motions with truth for every motion vector: what the motion tower learns before it meets a language model.

Procedural clips bring exact truth (action, side, direction, turn, speed, repetitions); recorded clips bring the action
their description names. Rates measured from the joints (distance, turns, steps, flights, paths of hands and feet) are
truth for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from llamo.processing.motion_features_llamo import (
    CONTACT_HEIGHT,
    CONTACT_JOINTS,
    CONTACT_SPEED,
    canonicalise,
    heading_angles,
)
from llamo.train.augmentation import FPS
from llamo.train.recorded import RecordedClip
from llamo.train.synthesis.catalogue import ACTIONS
from llamo.train.synthesis.engine import Segment, SyntheticMotion


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
    "cycles",  # repetitions again, each spread evenly over its own duration: a tempo, where the first is a moment
)
FEET, HANDS = (10, 11), (20, 21)


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
        repetitions: `(num_frames,)` share of a repetition's key moment that falls in the frame, NaN where unknown.
        cycles: `(num_frames,)` share of a repetition's duration that falls in the frame, NaN where unknown.
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
    cycles: np.ndarray
    clip_actions: tuple[int, ...]
    recorded: bool = False

    def cut(self, start: int, stop: int) -> LabelledMotion:
        part = {name: getattr(self, name)[start:stop] for name in FRAME_FIELDS}
        # Part of a clip may lack actions of the whole; frames tell where they are known.
        seen = set(part["action"].tolist()) - {IGNORE}
        whole = start == 0 and stop >= len(self.joints)
        kept = self.clip_actions if whole or len(self.clip_actions) == 1 else tuple(sorted(seen))
        return LabelledMotion(clip_actions=kept, recorded=self.recorded, **part)

    def unnamed(self) -> LabelledMotion:
        """The motion without the names of its actions; what can be measured of it stays."""
        return replace(self, action=np.full_like(self.action, IGNORE), clip_actions=())


FRAME_FIELDS = ("joints", "action", "side", "direction", "turn", "speed", "repetitions", "cycles")


def label_synthetic(motion: SyntheticMotion, actions: Sequence[str]) -> LabelledMotion:
    """Exact truth of a procedural motion, frame by frame."""
    frames = len(motion.joints)
    fields = {name: np.full(frames, IGNORE) for name in ("action", "side", "direction", "turn", "speed")}
    repetitions, cycles = np.zeros(frames), np.zeros(frames)
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
            cycles += cycle_shares(segment, frames)
    occurring = tuple(sorted(set(fields["action"].tolist()) - {IGNORE}))
    return LabelledMotion(
        canonicalise(motion.joints, FPS), repetitions=repetitions, cycles=cycles, clip_actions=occurring, **fields
    )


def cycle_shares(segment: Segment, frames: int) -> np.ndarray:
    """Share of a repetition in each frame: every repetition lasts from the middle between its neighbours' key moments to the
    next middle. `(frames,)`, summing to the number of moments."""
    moments = np.sort(np.asarray(segment.event_times, dtype=float))
    if not len(moments):
        return np.zeros(frames)
    middles = (moments[1:] + moments[:-1]) / 2
    if len(moments) > 1:
        first = max(segment.start, moments[0] - (moments[1] - moments[0]) / 2)
        last = min(segment.end, moments[-1] + (moments[-1] - moments[-2]) / 2)
    else:
        first, last = segment.start, segment.end
    edges = np.concatenate([[min(first, moments[0] - 0.05)], middles, [max(last, moments[-1] + 0.05)]])
    done = np.interp(np.arange(frames + 1) / FPS, edges, np.arange(len(edges)))
    return np.diff(done)


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
        cycles=np.full(frames, np.nan),
        clip_actions=indices,
        recorded=True,
        **fields,
    )


def measured_rates(joints: np.ndarray) -> np.ndarray:
    """RATES without repetitions and cycles, measured per frame from canonical joints: `(num_frames, 10)` float32."""
    frames = len(joints)
    if frames < 3:
        return np.zeros((frames, len(RATES) - 2), dtype=np.float32)
    velocity = np.gradient(joints.astype(np.float64), 1 / FPS, axis=0)
    contact = (np.linalg.norm(velocity[:, CONTACT_JOINTS], axis=-1) < CONTACT_SPEED) & (
        joints[:, CONTACT_JOINTS, 1] < CONTACT_HEIGHT
    )
    rates = np.zeros((frames, len(RATES) - 2))
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


# Tempo


def change_tempo(motion: LabelledMotion, factor: float) -> LabelledMotion:
    """Plays a motion `factor` times as fast, resampled to the same frame rate."""
    frames = len(motion.joints)
    positions = np.arange(max(1, int((frames - 1) / factor) + 1)) * factor
    below = np.minimum(positions.astype(np.int64), max(frames - 2, 0))
    weight = (positions - below)[:, None, None]
    above = np.minimum(below + 1, frames - 1)
    nearest = np.minimum(np.round(positions).astype(np.int64), frames - 1)
    edges = np.append(positions, positions[-1] + factor)
    counts = {}
    for name in ("repetitions", "cycles"):
        total = np.concatenate([[0.0], np.cumsum(getattr(motion, name))])
        counts[name] = np.diff(np.interp(edges, np.arange(frames + 1), total))
    fields = {name: getattr(motion, name)[nearest] for name in ("action", "side", "direction", "turn", "speed")}
    if abs(np.log(factor)) > 0.08:
        fields["speed"] = np.full_like(fields["speed"], IGNORE)
    return LabelledMotion(
        joints=motion.joints[below] * (1 - weight) + motion.joints[above] * weight,
        **counts,
        clip_actions=motion.clip_actions,
        recorded=motion.recorded,
        **fields,
    )
