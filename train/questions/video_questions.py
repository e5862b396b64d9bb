"""Questions about a rendered scene: some need the video, some the video and the motion.

The truth is that of the scene (train/rendering/scene.py, `Scene.truth`): what is there, in which colour, from which side it is
filmed, and how many people there are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .makers import Maker
from .question import Question
from .vocabulary import action


THINGS = ("ball", "bat", "barbell", "stick", "box", "chair", "nothing")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey", "white")
SIDES = ("front", "behind", "left", "right")
SIDE_WORDS = {"front": "the front", "behind": "behind", "left": "the left", "right": "the right"}
MAX_PEOPLE = 4


class VideoMaker(Maker):
    """Builds questions about a video; see [`Maker`]."""

    def thing(self, name: str) -> Question:
        answer = "There is nothing but the person." if name == "nothing" else f"There is a {name}."
        return self.make("thing", self.ask("video_thing"), answer, name, THINGS, short=name)

    def hand(self, thing: str, hand: str) -> Question:
        question = self.ask("video_hand", {"thing": thing})
        return self.make("side", question, f"The {thing} is in the {hand} hand.", hand, ("left", "right"), short=hand)

    def thing_colour(self, thing: str, colour: str) -> Question:
        question = self.ask("video_thing_colour", {"thing": thing})
        return self.make("look", question, f"The {thing} is {colour}.", colour, COLOURS, short=colour)

    def clothes(self, clothes: str, colour: str) -> Question:
        question = self.ask("video_clothes", {"clothes": clothes})
        be = "are" if clothes.endswith("s") else "is"
        return self.make("look", question, f"The {clothes} {be} {colour}.", colour, COLOURS, short=colour)

    def camera(self, side: str) -> Question:
        answer = f"The person is filmed from {SIDE_WORDS[side]}."
        return self.make("camera", self.ask("video_side"), answer, side, SIDES, short=side)

    def people(self, number: int) -> Question:
        answer = "There is 1 person." if number == 1 else f"There are {number} people."
        choices = tuple(str(value) for value in range(1, MAX_PEOPLE + 1))
        return self.make("people", self.ask("video_people"), answer, str(number), choices, short=str(number))

    def yes_thing(self, name: str) -> Question:
        """Half of the time the thing that is there; asked with another one as often."""
        wrong = [other for other in THINGS[:-1] if other != name]
        is_true = name != "nothing" and self.rng.random() < 0.5
        asked = name if is_true else self.pick(wrong)
        answer = f"Yes, there is a {asked}." if is_true else f"No, there is no {asked}."
        return self.make("yes_no", self.ask("yes_video_thing", {"thing": asked}), answer, *_yes(is_true))

    def yes_both(self, key: str, name: str) -> Question:
        """Right in half of the cases; otherwise the action, the thing, or both are other ones. Neither input alone tells."""
        is_true = name != "nothing" and self.rng.random() < 0.5
        wrong_action, wrong_thing = (False, False) if is_true else self.pick([(True, False), (False, True), (True, True)])
        if name == "nothing" and not is_true:
            wrong_thing = True
        other = self.others([key], 1, near=key)
        shown = other[0] if wrong_action and other else key
        if shown == key and not is_true:
            wrong_thing = True
        asked = self.pick([each for each in THINGS[:-1] if each != name]) if wrong_thing else name
        question = self.ask("yes_video_both", {"gerund": action(shown).gerund, "thing": asked})
        if is_true:
            answer = f"Yes, the person is {action(key).gerund}, and there is a {name}."
        else:
            seen = "nothing else is there" if name == "nothing" else f"there is a {name}"
            answer = f"No: the person is {action(key).gerund}, and {seen}."
        return self.make("yes_no", question, answer, *_yes(is_true))

    def who(self, key: str, clothes: str, colour: str) -> Question:
        """Which of several people does what: the motion is that of the one who is asked about."""
        question = self.ask("video_who", {"clothes": clothes, "colour": colour})
        gerund = action(key).gerund
        return self.make("action", question, f"They are {gerund}.", gerund, self.all_gerunds([key]), short=gerund)


def _yes(is_true: bool) -> tuple[str, tuple[str, str]]:
    return ("yes" if is_true else "no"), ("yes", "no")


def ask_video(
    truth: Mapping, rng: np.random.Generator, num: int = 3, *, action_key: str | None = None, held_out: bool = False
) -> list[Question]:
    """Questions about one scene, at most one of a sort.

    Args:
        truth: what `Scene.truth` gives.
        rng: source of every choice.
        num: how many at most.
        action_key: the subject's only action, a key of the catalogue; with it, questions that need motion and video are asked
            too.
        held_out: use the phrasings kept from training.
    """
    maker = VideoMaker(rng, held_out)
    thing = truth["things"][0] if truth["things"] else None
    name = thing["name"] if thing else "nothing"
    makers = [
        lambda: maker.thing(name),
        lambda: maker.yes_thing(name),
        lambda: maker.clothes("shirt", truth["shirt"]),
        lambda: maker.clothes("trousers", truth["trousers"]),
        lambda: maker.camera(truth["side"]),
        lambda: maker.people(truth["people"]),
    ]
    if thing:
        makers.append(lambda: maker.thing_colour(name, thing["colour"]))
        if thing["hand"] in ("left", "right"):
            makers.append(lambda: maker.hand(name, thing["hand"]))
    if action_key is not None:
        makers += [lambda: maker.yes_both(action_key, name)] * 2  # what the fusion is for
        makers.append(lambda: maker.who(action_key, "shirt", truth["shirt"]))
    order = list(dict.fromkeys(int(index) for index in rng.permutation(len(makers))))
    return [makers[index]() for index in order[:num]]
