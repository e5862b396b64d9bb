"""Questions with checkable answers about procedural and recorded motions."""

from .kinematic_truth import KinematicTruth, measure
from .program_questions import ask_program
from .question import KINDS, Question
from .recorded_questions import ask_recorded
from .scoring import score


__all__ = ["KINDS", "KinematicTruth", "Question", "ask_program", "ask_recorded", "measure", "score"]
