"""Questions for names of actions: a motion's features answer them, what is measured of it does not."""

from .vocabulary import ACTIONS, RECORDED_ACTIONS


KINDS_OF_NAMES = frozenset({"action", "order"})
NAMES = frozenset(action.gerund for action in (*ACTIONS.values(), *RECORDED_ACTIONS.values()))


def asks_for_a_name(kind: str, key: str) -> bool:
    """Whether the right answer `key` of a question of this kind is the name of an action; options may be anything else, too."""
    return kind in KINDS_OF_NAMES or (kind == "choice" and key in NAMES)
