"""Questions with checkable answers about procedural and recorded motions."""

from .form_questions import ask_form
from .kinematic_truth import KinematicTruth, measure
from .pair_questions import ask_pair
from .program_questions import ask_program
from .question import FURTHER_KINDS, KINDS, VIDEO_KINDS, Question
from .recorded_questions import ask_recorded
from .scoring import score
from .video_questions import ask_video


__all__ = [
    "FURTHER_KINDS",
    "KINDS",
    "VIDEO_KINDS",
    "KinematicTruth",
    "Question",
    "ask_form",
    "ask_pair",
    "ask_program",
    "ask_recorded",
    "ask_video",
    "measure",
    "score",
]
