"""One question about a motion, with an answer that a rule can check."""

from __future__ import annotations

from dataclasses import dataclass, field


KINDS = (
    "action",
    "choice",
    "side",
    "direction",
    "count",
    "speed",
    "order",
    "posture",
    "duration",
    "time",
    "distance",
    "angle",
    "caption",
    "yes_no",
    "unanswerable",
)
# Asked where more is known than a program's words: of the form that joints show, and of two motions.
FURTHER_KINDS = ("form", "comparison")
# Asked about what a video shows and a motion does not; "both" asks for one thing of each.
VIDEO_KINDS = ("thing", "look", "camera", "people", "both")
NEEDS = ("motion", "video", "both")
AND = " & "  # between the two keys of a question of the kind "both"


@dataclass(frozen=True)
class Question:
    """A question, its answer, and what makes an answer right.

    Args:
        kind: one of KINDS, FURTHER_KINDS or VIDEO_KINDS.
        question: what the user asks.
        answer: the reference answer, one or two short sentences.
        key: what a right answer must say: "left", "4", "walking backwards"; for a caption the actions in order, joined
            by " > ".
        choices: all keys an answer could have had, the right one among them: an answer that also says another one is
            wrong, and `1 / len(choices)` is the level of chance. For lettered options they stand in the order shown.
        tolerance: how far a number in the answer may lie from the key (seconds, steps, metres, degrees); 0 for words and exact
            counts.
        held_out: whether the phrasing is one of those kept from training.
        about: key of the one action of a program that the question speaks of, where it names one: the part of the motion that
            an answer has to look at.
        needs: one of NEEDS: what an answer has to look at.
    """

    kind: str
    question: str
    answer: str
    key: str
    choices: tuple[str, ...] = ()
    tolerance: float = 0.0
    held_out: bool = field(default=False, compare=False)
    about: str | None = field(default=None, compare=False)
    needs: str = field(default="motion", compare=False)

    def __post_init__(self) -> None:
        known = (*KINDS, *FURTHER_KINDS, *VIDEO_KINDS)
        if self.kind not in known:
            raise ValueError(f"expected a kind out of {', '.join(known)}, got {self.kind!r} in Question; use one of them")
        if self.needs not in NEEDS:
            raise ValueError(f"expected needs out of {', '.join(NEEDS)}, got {self.needs!r} in Question; use one of them")
        several = " > " in self.key or AND in self.key
        if self.choices and self.key not in self.choices and not several:
            raise ValueError(
                f"expected the key among the choices, got {self.key!r} and {list(self.choices)} in Question "
                f"({self.question!r}); add it"
            )

    @property
    def chance(self) -> float:
        """Accuracy of guessing evenly among the choices (0 where they are open)."""
        if not self.choices:
            return 0.0
        if self.tolerance:
            near = sum(abs(float(choice) - float(self.key)) <= self.tolerance for choice in self.choices)
            return near / len(self.choices)
        # A caption names its actions in order: one draw each.
        return (1.0 / len(self.choices)) ** len(self.key.split(" > "))
