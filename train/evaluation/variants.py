"""The same motion as others would have recorded it, and what its mirror image, its reverse and its double speed answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.signal import savgol_filter

from llamo.processing.motion_features_llamo import resample
from llamo.train.augmentation import FPS, slow_noise, tilt
from llamo.train.questions import Question

from .items import Motion


# Left and right partners of the 22 joints.
MIRROR = np.array([0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20])
OTHER_SIDE = {"left": "right", "right": "left"}
OTHER_WAY = {"forward": "backward", "backward": "forward"}


def mirrored(joints: np.ndarray) -> np.ndarray:
    """Left and right swapped. `(num_frames, 22, 3)` both."""
    joints = joints[:, MIRROR].copy()
    joints[..., 0] *= -1
    return joints


def swapped(text: str, pairs: dict[str, str]) -> str:
    """A text with each word of the pairs replaced by its partner, capitalised where the word is."""

    def partner(word: re.Match) -> str:
        other = pairs[word[0].lower()]
        return other.capitalize() if word[0][0].isupper() else other

    return re.sub(rf"\b({'|'.join(pairs)})\b", partner, text, flags=re.IGNORECASE)


def mirrored_question(question: Question) -> Question | None:
    """What the mirror image answers to the same words; None where the words name a side themselves."""
    names_side = re.search(r"\b(left|right)(ward|wards)?\b", question.question.lower())
    if question.key not in OTHER_SIDE:
        sided = question.kind in ("caption", "yes_no") and (names_side or re.search(r"\b(left|right)\b", question.answer))
        return None if sided else question
    if not set(OTHER_SIDE) <= set(question.choices):
        return None
    # "Left or right?" names both, and stays the same question.
    if names_side and not re.search(r"\bleft\b.*\bright\b|\bright\b.*\bleft\b", question.question.lower()):
        return None
    return replace(question, key=OTHER_SIDE[question.key], answer=swapped(question.answer, OTHER_SIDE))


def estimator_noise(joints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A 20 fps motion as an estimator sees it in a video.

    Smooth errors of 30 mm in each coordinate, a camera that is not level, a way that is up to a third too long or short, a
    floor that is off, and what a Savitzky-Golay filter of 9 frames leaves.

    `(num_frames, 22, 3)` metres both. The errors are those of the project's Motion Estimator: 90 to 100 mm from joint to joint.
    """
    joints = np.array(joints, dtype=np.float64)
    joints += slow_noise(len(joints), rng) * 0.03
    joints = tilt(joints, rng.normal(0, np.radians(3.0), 2))
    joints += joints[:, :1] * [1.0, 0.0, 1.0] * (rng.uniform(0.7, 1.3) - 1.0)
    joints[..., 1] += rng.normal(0, 0.02)
    if len(joints) > 9:
        joints = savgol_filter(joints, 9, 2, axis=0)
    return joints.astype(np.float32)


def at_rate(fps: float) -> Callable[[np.ndarray, float, np.random.Generator], Motion]:
    """The motion at another frame rate."""
    return lambda joints, source, rng: (resample(joints, source, fps).astype(np.float32), fps)


def cropped(joints: np.ndarray, fps: float, rng: np.random.Generator) -> Motion:
    """The first and the last tenth cut off."""
    cut = len(joints) // 10
    return joints[cut : len(joints) - cut].copy(), fps


def rescaled(factor: float) -> Callable[[np.ndarray, float, np.random.Generator], Motion]:
    """A person `factor` times as tall."""
    return lambda joints, fps, rng: ((joints * factor).astype(np.float32), fps)


def estimated(joints: np.ndarray, fps: float, rng: np.random.Generator) -> Motion:
    return estimator_noise(resample(joints, fps, FPS), rng), FPS
