"""What a video can show, in words: the answers that questions about it leave open."""

from __future__ import annotations


THINGS = ("ball", "bat", "barbell", "stick", "box", "chair", "nothing")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey", "white")
SIDES = ("front", "behind", "left", "right")
SIDE_WORDS = {"front": "the front", "behind": "behind", "left": "the left", "right": "the right"}
MAX_PEOPLE = 4
