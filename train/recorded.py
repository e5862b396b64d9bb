"""Recorded clips from Parquet: joints, captions as sentences, and labels in the catalogue's words.

Columns read: `id`, `captions`, `fps`, `num_frames`, `joints_q` (little-endian int16 `[num_frames, 22, 3]`, units of
half a millimetre) and, where there, `split`, `trial_description`, `motion_format`, `coverage` (share of the trial
that is in the clip; below 1 its first frames are missing).

The data used by this project was obtained from mocap.cs.cmu.edu. The database was created with funding from NSF
EIA-0196217. A second file holds DeepMimic's single-action clips (MIT licence).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np


METRES_PER_UNIT = 0.0005
COLUMNS = ("id", "captions", "fps", "num_frames", "joints_q")

# Left and right partners of the 22 joints, for the mirrored clip.
_MIRROR = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20])


@dataclass(frozen=True)
class RecordedClip:
    """One recorded clip.

    Args:
        id: name of the row, with "/mirror" or "@start-end" for what was derived from it.
        split: "train", "val", or "" where the file has no such column.
        joints: `(num_frames, 22, 3)` float32, metres, Y up, floor at 0.
        fps: frames per second.
        description: the source's own words.
        captions: full sentences.
        actions: keys of catalogue or recorded actions in the order in which they happen; empty when unknown.
        throughout: whether the one action fills the clip, so that it holds in every part of it.
        whole: whether the clip shows its trial from the first frame.
        approximate: the skeleton is a generic one (upper body some centimetres off).
        stated: facts the source states and joints cannot: {"direction": "forward", "turn": "left", "speed": "slow"}.
    """

    id: str
    split: str
    joints: np.ndarray
    fps: float
    description: str
    captions: tuple[str, ...]
    actions: tuple[str, ...]
    throughout: bool
    whole: bool = True
    approximate: bool = False
    stated: tuple[tuple[str, str], ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.joints) / self.fps

    def mirrored(self) -> RecordedClip:
        """Left and right swapped, in the joints and in the words."""
        joints = self.joints[:, _MIRROR].copy()
        joints[..., 0] *= -1
        swap = {"left": "right", "right": "left"}
        return replace(
            self,
            id=f"{self.id}/mirror",
            joints=joints,
            captions=tuple(re.sub(r"\b(left|right)\b", lambda word: swap[word[0]], text) for text in self.captions),
            description=re.sub(r"\b(left|right)\b", lambda word: swap[word[0]], self.description),
            stated=tuple((name, swap.get(value, value)) for name, value in self.stated),
        )

    def window(self, start: int, stop: int) -> RecordedClip:
        """Frames `start` to `stop` (exclusive) as a clip of its own, moved to the origin but not turned.

        Its labels stay only where one action fills the whole clip; what the source states of the whole is dropped.
        """
        if not 0 <= start < stop <= len(self.joints):
            raise ValueError(
                f"expected 0 <= start < stop <= {len(self.joints)}, got {start} and {stop} in RecordedClip.window of "
                f"{self.id}; choose frames inside the clip"
            )
        if (start, stop) == (0, len(self.joints)):
            return self
        joints = self.joints[start:stop].copy()
        joints[..., [0, 2]] -= joints[0, 0, [0, 2]]
        keep = self.throughout
        return replace(
            self,
            id=f"{self.id}@{start / self.fps:.2f}-{stop / self.fps:.2f}",
            joints=joints,
            captions=self.captions[:1] if keep else (),
            actions=self.actions if keep else (),
            whole=False,
            stated=tuple(pair for pair in self.stated if keep and pair[0] in ("speed", "direction")),
        )


# The source's description -> (actions in order, one action throughout, sentences, stated facts).
_Label = tuple[tuple[str, ...], bool, tuple[str, ...], tuple[tuple[str, str], ...]]


def _label(actions: str, captions: str, throughout: bool = True, **stated: str) -> _Label:
    return tuple(actions.split()), throughout, tuple(captions.split(" | ")), tuple(sorted(stated.items()))


_LABELS: dict[str, _Label] = {
    "walk": _label("walk", "The person walks. | A person is walking."),
    "slow walk": _label("walk", "The person walks slowly. | Someone walks slowly.", speed="slow"),
    "walk on uneven terrain": _label(
        "walk_uneven", "The person walks on uneven terrain. | Someone walks over obstacles, up and down."
    ),
    "run": _label("run", "The person runs forward. | A person is running.", direction="forward"),
    "run/jog": _label("run", "The person runs forward at an easy pace. | A person is running.", direction="forward"),
    "jump": _label("jump", "The person jumps up and down in place. | A person is jumping.", throughout=False),
    "forward jump": _label(
        "jump_forward", "The person jumps forward. | The person swings the arms and jumps forward from a stand.",
        throughout=False, direction="forward",
    ),
    "jump, balance": _label(
        "jump balance", "The person jumps in place and then balances on one leg.", throughout=False
    ),
    "punch/strike": _label("punch", "The person punches. | Someone is punching on the spot.", throughout=False),
    "swordplay": _label("swordplay", "The person fights with a sword. | Someone practises swordplay."),
    "wash self": _label("wash_self", "The person washes. | Someone is washing."),
    "soccer - kick ball": _label(
        "kick_ball", "The person kicks a ball. | The person walks up to a ball and kicks the ball.", throughout=False
    ),
    "basketball - forward dribble": _label(
        "dribble", "The person dribbles a basketball forward. | A player moves forward dribbling a ball.",
        direction="forward",
    ),
    "basketball - backward dribble": _label(
        "dribble", "The person dribbles a basketball while moving backwards.", direction="backward"
    ),
    "basketball - sideways dribble": _label("dribble", "The person dribbles a basketball while moving sideways."),
    "basketball - forward dribble, 90-degree left turns": _label(
        "dribble", "The person dribbles a basketball forward and makes turns to the left.", turn="left"
    ),
    "basketball - forward dribble, 90-degree right turns": _label(
        "dribble", "The person dribbles a basketball forward and makes turns to the right.", turn="right"
    ),
    "basketball - crossover dribble, shoot": _label(
        "dribble shoot_basket", "The person dribbles a basketball and then shoots a basketball at the hoop.",
        throughout=False
    ),
    "basketball signals": _label(
        "signal",
        "The person signals with the arms like a basketball referee. | Someone stands and signals with the arms."
    ),
    "directing traffic": _label(
        "direct_traffic", "The person directs traffic. | Someone is directing traffic with the arms."
    ),
    "balance on one leg, outstretched arms": _label(
        "balance", "The person balances on one leg with the arms stretched out.", throughout=False
    ),
    "Start Walk Stop": _label(
        "walk", "The person stands, walks, and stops. | Someone starts walking and stops again.", throughout=False
    ),
    "Start Hop Stop": _label(
        "hop", "The person starts hopping on one leg and stops again.", throughout=False
    ),
    "playground - forward jumps, turn around": _label(
        "jump_forward", "The person does forward jumps, turns around, and jumps back.", throughout=False
    ),
    # DeepMimic's single-action clips, by their captions.
    "a person does a backflip.": _label("backflip", "The person does a backflip.", throughout=False),
    "a person does a cartwheel.": _label("cartwheel", "The person does a cartwheel.", throughout=False),
    "a person crawls on the ground.": _label("crawl", "The person crawls on the ground.", direction="forward"),
    "a person dances.": _label("dance", "The person dances."),
    "a person dances with wide arm movements.": _label("dance", "The person dances with wide arm movements."),
    "a person does a dance spin.": _label("spin", "The person does a dance spin.", throughout=False),
    "a person gets up from lying face down.": _label(
        "get_up", "The person gets up from lying face down.", throughout=False, start="lying"
    ),
    "a person gets up from lying on the back.": _label(
        "get_up", "The person gets up from lying on the back.", throughout=False, start="lying"
    ),
    "a person jogs forward.": _label("jog", "The person jogs forward.", direction="forward"),
    "a person jumps.": _label("jump_forward", "The person jumps forward.", throughout=False),
    "a person kicks.": _label("kick", "The person kicks.", throughout=False),
    "a person punches.": _label("punch", "The person punches.", throughout=False),
    "a person does a forward roll.": _label(
        "forward_roll", "The person does a forward roll.", throughout=False, direction="forward"
    ),
    "a person runs forward.": _label("run", "The person runs forward.", direction="forward"),
    "a person does a sideways flip.": _label("sideflip", "The person does a sideways flip.", throughout=False),
    "a person spins around.": _label("", "The person spins around through the air.", throughout=False),
    "a person does a spinning kick.": _label("spin_kick", "The person does a spinning kick.", throughout=False),
    "a person walks stealthily, crouched.": _label(
        "sneak", "The person sneaks forward, crouched.", direction="forward"
    ),
    "a person walks forward.": _label("walk", "The person walks forward.", direction="forward"),
    "a person walks like a zombie.": _label(
        "zombie_walk", "The person walks like a zombie.", direction="forward", speed="slow"
    ),
}  # fmt: skip

# Every action some recorded clip is labelled with.
LABELLED_ACTIONS = tuple(dict.fromkeys((*(key for row in _LABELS.values() for key in row[0]), "playground", "dance")))

_PLAYGROUND_WORDS = {
    "climb": "climbs", "sit": "sits", "dangle legs": "dangles the legs", "dangle": "dangles", "descend": "climbs down",
    "rock back": "rocks back", "lower self to ground": "comes down to the ground", "hang": "hangs by the hands",
    "hold self up with arms straight": "holds on with straight arms", "swing": "swings", "drop": "drops down",
    "go under": "goes underneath", "lean back": "leans back", "lean over": "leans over", "jump down": "jumps down",
    "pull up": "pulls up", "legs push off against": "pushes off with the legs",
}  # fmt: skip
_DANCE_WORDS = {
    "quasi-cou-de-pied": "a quasi cou-de-pied", "jete en tourant": "a turning jeté", "jete": "a jeté",
    "grand jete en tourant": "a grand turning jeté", "small jetes": "small jetés", "pirouette": "a pirouette",
    "pirouettes": "pirouettes", "attitude/arabesque": "an arabesque", "sideways arabesque": "a sideways arabesque",
    "shifted-axis pirouette": "an off-axis pirouette", "turn": "a turn", "turn step": "a turning step",
    "glissade devant": "a glissade to the front", "glissade derriere": "a glissade to the back",
    "expressive arms": "expressive arms", "folding arms": "folding arms", "bending back": "a bend backwards",
    "raised leg above hip-height": "a leg raised above hip height", "arms held high": "arms held high",
    "pointe tendue a terre": "a pointed foot on the floor", "upper body rotation": "rotation of the upper body",
    "retire derriere": "a retiré to the back", "coupe dessous": "a coupé",
    "cartwheel-like start": "a start like a cartwheel", "rond de jambe in the air": "a leg circle in the air",
}  # fmt: skip


def label(description: str) -> _Label:
    """Actions, whether one fills the clip, sentences and stated facts for the source's description of a clip.

    A description that is not known gives no actions and itself as its caption.
    """
    known = _LABELS.get(description.strip())
    if known:
        return known
    head, dash, rest = description.strip().partition(" - ")
    parts = [part.strip() for part in rest.split(",")] if dash else []
    if head == "playground" and parts:
        verbs = [_PLAYGROUND_WORDS.get(part, part) for part in parts]
        text = f"{', '.join(verbs[:-1])} and {verbs[-1]}" if len(verbs) > 1 else verbs[0]
        sentences = ("The person climbs on a playground.", f"On a playground, the person {text}.")
        return ("playground",), False, sentences, ()
    if head == "dance" and parts:
        nouns = [_DANCE_WORDS.get(part, part) for part in parts]
        text = f"{', '.join(nouns[:-1])} and {nouns[-1]}" if len(nouns) > 1 else nouns[0]
        return ("dance",), True, ("The person dances.", f"The person dances ballet, with {text}."), ()
    text = description.strip().rstrip(".")
    return (), False, ((f"{text[:1].upper()}{text[1:]}.",) if text else ()), ()


def t_pose_frames(joints: np.ndarray, fps: float) -> int:
    """How many frames the clip stands in a T-pose at its beginning: still, both arms straight out, level."""
    arms = joints[:, [20, 21]] - joints[:, [16, 17]]  # shoulder to wrist
    length = np.linalg.norm(arms, axis=-1)
    reach = np.linalg.norm(joints[:, [18, 19]] - joints[:, [16, 17]], axis=-1) + np.linalg.norm(
        joints[:, [20, 21]] - joints[:, [18, 19]], axis=-1
    )
    level = np.abs(arms[..., 1]) < 0.25 * length
    straight = length > 0.95 * reach
    apart = ((arms[:, 0] * arms[:, 1]).sum(-1) / np.maximum(length.prod(-1), 1e-6)) < -0.85
    still = np.ones(len(joints), dtype=bool)
    still[1:] = np.linalg.norm(np.diff(joints[:, [20, 21]], axis=0), axis=-1).max(-1) * fps < 0.6
    pose = level.all(-1) & straight.all(-1) & apart & still
    return int(np.argmin(pose)) if not pose.all() else 0


def read_recorded(path: str | os.PathLike, split: str | None = None) -> list[RecordedClip]:
    """The clips of one Parquet file.

    Args:
        path: the file.
        split: only rows of this split; a file without the column counts as all of every split. None for all rows.

    Raises:
        ValueError: a file that lacks a column, or a row whose bytes do not hold its frames.
    """
    import pyarrow.parquet as parquet

    table = parquet.read_table(path)
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise ValueError(
            f"expected the columns {', '.join(COLUMNS)}, got none named {', '.join(missing)} in {os.fspath(path)}; "
            "write the clips with those columns (see the module's docstring)"
        )
    return [clip for clip in map(_clip, table.to_pylist()) if split is None or clip.split in ("", split)]


def _clip(row: dict) -> RecordedClip:
    frames = int(row["num_frames"])
    values = np.frombuffer(row["joints_q"], dtype="<i2")
    if frames < 1 or values.size != frames * 66 or not row["fps"] > 0:
        raise ValueError(
            f"expected {frames} frames of 22 x 3 numbers at a positive rate, got {values.size} numbers at "
            f"{row['fps']} in row {row['id']}; write the file again"
        )
    joints = values.reshape(frames, 22, 3).astype(np.float32) * np.float32(METRES_PER_UNIT)
    fps = float(row["fps"])
    skip = t_pose_frames(joints, fps)
    description = row.get("trial_description") or (row["captions"][0] if row["captions"] else "")
    actions, throughout, captions, stated = label(description)
    # A held balance with the arms out is no calibration pose: only skip where the clip goes on to something else.
    if 0 < skip < len(joints) - int(fps) and not set(actions) & {"balance"}:
        joints = joints[skip:].copy()
        joints[..., [0, 2]] -= joints[0, 0, [0, 2]]
    coverage = row.get("coverage")
    return RecordedClip(
        id=row["id"],
        split=row.get("split") or "",
        joints=joints,
        fps=fps,
        description=description,
        captions=captions,
        actions=actions,
        throughout=throughout,
        whole=coverage is None or coverage >= 0.995,
        approximate=row.get("motion_format") == "cmu8",
        stated=stated,
    )


def windows(
    clip: RecordedClip, rng: np.random.Generator, num: int, seconds: Sequence[float] = (2.0, 6.0)
) -> Iterator[RecordedClip]:
    """`num` random parts of a clip, each between the two lengths; the clip itself where it is hardly longer."""
    shortest, longest = seconds
    for _ in range(num):
        length = int(round(rng.uniform(shortest, min(longest, max(shortest, clip.seconds))) * clip.fps))
        if length >= len(clip.joints) - 2:
            yield clip
            continue
        start = int(rng.integers(len(clip.joints) - length + 1))
        yield clip.window(start, start + length)
