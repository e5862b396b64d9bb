"""The page of all actions with a procedural program: `python -m llamo.train.synthesis.action_list > docs/actions.md`."""

import textwrap
from collections import defaultdict

from llamo.train.synthesis.catalogue import ACTIONS, Action


WIDTH = 126
HEAD = """\
# Actions it knows

LLaMo was trained to name these {number} actions, alone or one after another, in many styles, tempos and bodies. What stands
in brackets is told of an action beside its name: the side that does it, the way it goes or turns, how often. Joints hold no
objects, so what is told apart by an object alone (a broom, a spade) is named by how it is moved. Of an action that is not
here the answer is the likest one that is: train on [your own data](training.md) then, or ask for what is
[measured](measuring.md).
"""
FAMILIES = {
    "locomotion": "Getting about",
    "gesture": "Gestures",
    "exercise": "Exercise",
    "sport": "Sport",
    "everyday": "Everyday life",
    "dance": "Dance and acrobatics",
}


def told(row: Action) -> str:
    """An action's name and what is told of it: "waving (side, count)"."""
    marks = [("side", row.sided), ("way", len(row.directions) > 1), ("turn", len(row.turns) > 1), ("count", row.countable)]
    said = ", ".join(name for name, there in marks if there)
    return f"{row.gerund} ({said})" if said else row.gerund


def action_page() -> str:
    """All actions by family, as Markdown."""
    families = defaultdict(list)
    for row in ACTIONS.values():
        families[row.family].append(told(row))
    parts = [HEAD.format(number=len(ACTIONS))]
    for family, title in FAMILIES.items():
        listed = textwrap.fill(", ".join(sorted(families[family])) + ".", WIDTH, break_on_hyphens=False)
        parts.append(f"## {title} ({len(families[family])})\n\n{listed}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    print(action_page(), end="")
