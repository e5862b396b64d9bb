"""Questions about a rendered scene: some need the video, some the video and the motion.

The truth is that of the scene (train/rendering/scene.py, `Scene.truth`): what is there, in which colour, from which side it is
filmed, and how many people there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from .makers import NOT_TOLD, Maker
from .question import AND, Question
from .video_words import COLOURS, MAX_PEOPLE, SIDE_WORDS, SIDES, THINGS
from .vocabulary import action, forms, stem


__all__ = ["COLOURS", "MAX_PEOPLE", "SIDES", "SIDE_WORDS", "THINGS", "VideoMaker", "ask_unseen", "ask_video"]


class VideoMaker(Maker):
    """Builds questions about a video; see [`Maker`]."""

    def make(self, *arguments, needs: str = "video", **options) -> Question:
        """As `Maker.make`; `needs` tells what an answer has to look at."""
        return replace(super().make(*arguments, **options), needs=needs)

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

    def picture_side(self, thing: str, side: str) -> Question:
        question = self.ask("video_picture_side", {"thing": thing})
        return self.make("side", question, f"The {thing} is on the {side}.", side, ("left", "right"), short=side)

    def while_holding(self, key: str, thing: str) -> Question:
        """Says what the video shows and asks for what the motion shows."""
        question = self.ask("video_while_holding", {"thing": thing})
        gerund = action(key).gerund
        answer = f"The person is {gerund}."
        return self.make("action", question, answer, gerund, self.all_gerunds([key]), short=gerund, needs="motion")

    def action_and_thing(self, key: str, name: str) -> Question:
        gerund = action(key).gerund
        seen = "there is nothing else" if name == "nothing" else f"there is a {name}"
        question, both = self.ask("video_action_and_thing"), AND.join((gerund, name))
        answer, choices = f"The person is {gerund}, and {seen}.", self.all_gerunds([key])
        return self.make("both", question, answer, both, choices, short=f"{gerund}, {name}", needs="both")

    def action_and_colour(self, key: str, clothes: str, colour: str) -> Question:
        gerund = action(key).gerund
        be = "are" if clothes.endswith("s") else "is"
        question, both = self.ask("video_action_and_colour", {"clothes": clothes}), AND.join((gerund, colour))
        answer, choices = f"The person is {gerund}, and the {clothes} {be} {colour}.", self.all_gerunds([key])
        return self.make("both", question, answer, both, choices, short=f"{gerund}, {colour}", needs="both")

    def count_and_colour(self, key: str, number: int, clothes: str, colour: str) -> Question:
        row = action(key)
        noun = row.singular if number == 1 else row.plural
        be = "are" if clothes.endswith("s") else "is"
        question = self.ask("video_count_and_colour", {"plural": row.plural, "clothes": clothes})
        answer = f"There {'is' if number == 1 else 'are'} {number} {noun}, and the {clothes} {be} {colour}."
        both = AND.join((str(number), colour))
        return self.make("both", question, answer, both, (), short=f"{number}, {colour}", needs="both")

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
        return self.make("yes_no", question, answer, *_yes(is_true), needs="both")

    def who(self, key: str, clothes: str, colour: str) -> Question:
        """Which of several people does what: the motion is that of the one who is asked about."""
        question = self.ask("video_who", {"clothes": clothes, "colour": colour})
        gerund = action(key).gerund
        answer, choices = f"They are {gerund}.", self.all_gerunds([key])
        return self.make("action", question, answer, gerund, choices, short=gerund, needs="motion")


def _yes(is_true: bool) -> tuple[str, tuple[str, str]]:
    return ("yes" if is_true else "no"), ("yes", "no")


def names_a_thing(key: str) -> bool:
    """Whether the words of an action name a thing themselves ("swinging a bat"): asked for both, they would say two."""
    words = {word for form in forms(action(key).gerund) for word in form}
    return any(stem(thing) in words for thing in THINGS)


def ask_video(
    truth: Mapping,
    rng: np.random.Generator,
    num: int = 3,
    *,
    action_key: str | None = None,
    count: int | None = None,
    held_out: bool = False,
) -> list[Question]:
    """Questions about one scene, at most one of a sort.

    Args:
        truth: what `Scene.truth` gives; `shirt`, `trousers` and `side` may be None where the picture does not tell them,
            `thing_side` may say on which side of the picture the thing is, and `who` what the subject is known by.
        rng: source of every choice.
        num: how many at most.
        action_key: the subject's only action, a key of the catalogue; with it, questions that need motion and video are asked
            too.
        count: how often that action is done, where it is counted.
        held_out: use the phrasings kept from training.
    """
    maker = VideoMaker(rng, held_out)
    thing = truth["things"][0] if truth["things"] else None
    name = thing["name"] if thing else "nothing"
    clothes = [(each, truth[each]) for each in ("shirt", "trousers") if truth[each] is not None]
    makers = [lambda: maker.thing(name), lambda: maker.yes_thing(name), lambda: maker.people(truth["people"])]
    makers += [lambda each=each: maker.clothes(*each) for each in clothes]
    if truth["side"] is not None:
        makers.append(lambda: maker.camera(truth["side"]))
    if thing:
        makers.append(lambda: maker.thing_colour(name, thing["colour"]))
        if thing["hand"] in ("left", "right"):
            makers.append(lambda: maker.hand(name, thing["hand"]))
        if truth.get("thing_side"):
            makers.append(lambda: maker.picture_side(name, truth["thing_side"]))
    if action_key is not None:
        who = truth.get("who") or {"clothes": "shirt", "colour": truth["shirt"]}
        makers += [lambda: maker.yes_both(action_key, name)] * 2  # what the fusion is for
        makers.append(lambda: maker.who(action_key, **who))
        if not names_a_thing(action_key):
            makers.append(lambda: maker.action_and_thing(action_key, name))
        if thing and thing["hand"] is not None:
            makers.append(lambda: maker.while_holding(action_key, name))
        if clothes:
            worn = clothes[int(rng.integers(len(clothes)))]
            makers.append(lambda: maker.action_and_colour(action_key, *worn))
            if count is not None:
                makers.append(lambda: maker.count_and_colour(action_key, count, *worn))
    order = list(dict.fromkeys(int(index) for index in rng.permutation(len(makers))))
    return [makers[index]() for index in order[:num]]


UNSEEN = ("video_thing", "video_clothes", "video_side", "video_thing_colour")


def ask_unseen(rng: np.random.Generator, num: int = 1, *, held_out: bool = False) -> list[Question]:
    """What only a video would tell, asked where there is none: the right answer is that it is not told."""
    maker = Maker(rng, held_out)
    found = []
    for index in rng.permutation(len(UNSEEN))[:num]:
        fields = {"thing": maker.pick(THINGS[:-1]), "clothes": maker.pick(("shirt", "trousers"))}
        answer = NOT_TOLD[0] if rng.random() < 0.7 else maker.pick(NOT_TOLD)
        found.append(maker.make("unanswerable", maker.ask(UNSEEN[int(index)], fields), answer, "not told", ()))
    return found
