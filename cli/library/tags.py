"""Tags and measurements of a clip: what the captions name, and what the joints prove.

`actions` are catalogue keys that the captions name; `side`, `direction` and `posture` are measured, and `None` where the
joints do not prove them; `tempo` is measured where the person walks or runs, and else the model's choice, as `style` is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from llamo.train.questions.kinematic_truth import KinematicTruth
from llamo.train.questions.scoring import said
from llamo.train.questions.vocabulary import RECORDED_ACTIONS
from llamo.train.synthesis.catalogue import ACTIONS


# Question and answers to choose from, by likelihood.
TEMPO = ("Is the speed slow, normal or fast?", ("slow", "normal", "fast"))
STYLE = (
    "How does the person move: neutral, tired, energetic, happy, elderly, cautious, angry or relaxed?",
    ("neutral", "tired", "energetic", "happy", "elderly", "cautious", "angry", "relaxed"),
)


@cache
def gerunds() -> dict[str, str]:
    """The words of every action and its key; of two actions with the same words the catalogue's first."""
    found: dict[str, str] = {}
    for key, action in (*ACTIONS.items(), *RECORDED_ACTIONS.items()):
        found.setdefault(action.gerund, key)
    return found


def named_actions(captions: Iterable[str]) -> list[str]:
    """Keys of the actions that captions name, those of earlier captions first."""
    found: dict[str, None] = {}
    for caption in captions:
        found |= dict.fromkeys(sorted(gerunds()[words] for words in said(caption, gerunds())))
    return list(found)


def side_of(truth: KinematicTruth) -> str | None:
    """The side that acts: the foot that kicks, the hand that is raised or moves, the leg that moves."""
    if truth.kicking_foot:
        return truth.kicking_foot
    for side in (truth.raised_hand, truth.moving_hand, truth.moving_leg):
        if side in ("left", "right"):
            return side
    return "both" if truth.raised_hand == "both" else None


def posture_of(truth: KinematicTruth) -> str | None:
    """The posture that holds, or the change of it: "standing to sitting"."""
    if truth.posture:
        return truth.posture
    if truth.start_posture and truth.end_posture and truth.start_posture != truth.end_posture:
        return f"{truth.start_posture} to {truth.end_posture}"
    return truth.start_posture or truth.end_posture


def summary(measured: dict[str, Any]) -> dict[str, float | None]:
    """The fields of table.MEASUREMENTS out of what `measure_motion` returns."""
    more, jumps, angles = measured["more"], measured["jumps"], measured["angles"]
    values = {name: measured[name] for name in ("distance_m", "path_m", "speed_mean_m_s", "speed_peak_m_s", "turn_deg")}
    values |= {
        "jumps": len(jumps),
        "jump_height_m": max((jump["height_m"] for jump in jumps), default=None),
        "steps": measured["steps"]["count"],
        "cadence_per_min": measured["steps"]["cadence_per_min"],
        "repetitions": measured["repetitions"]["count"],
        "repetition_period_s": more["repetition_period_s"],
        "symmetry": measured["symmetry"],
        "still_s": round(sum(span["end_s"] - span["start_s"] for span in more["still"]), 3),
        "off_ground_s": round(sum(span["end_s"] - span["start_s"] for span in more["off_ground"]), 3),
    }
    for joint in ("knee", "hip", "elbow", "shoulder"):
        for side in ("left", "right"):
            values[f"{side}_{joint}_range_deg"] = angles[f"{side}_{joint}"]["range_deg"]
    return {name: None if value is None else float(value) for name, value in values.items()}


def with_facts(answer: str, measured: dict[str, Any]) -> str:
    """A detailed answer with what is measured behind it.

    Of the answer's sentences only the caption stays and when each action begins: time, way, turns and postures stand among
    what is measured, and twice they could contradict each other.
    """
    from llamo.cli.evidence import evidence_text

    caption, *others = re.split(r"(?<=\.)\s+(?=[A-Z])", answer.strip())
    kept = [caption, *(sentence for sentence in others if " begins at " in sentence)]
    return f"{' '.join(kept)} {evidence_text('', measured)}".strip()
