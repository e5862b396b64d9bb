"""Two clips as one: no jump at the seam, one body, both actions in their order."""

from dataclasses import replace

import numpy as np
import pytest

from llamo.processing.motion_features_llamo import PARENTS, heading_angles, rotate_yaw
from llamo.train.questions import ask_recorded, score
from llamo.train.recorded import RecordedClip
from llamo.train.stitching import part_to_stitch, stitch
from llamo.train.synthesis.engine import synthesize


def clip_of(key, seed=0, throughout=True, turned=0.0, size=1.0):
    joints = rotate_yaw(synthesize(np.random.default_rng(seed), actions=[key]).joints * size, turned)
    return RecordedClip(f"{key}_{seed}", "train", joints.astype(np.float32), 20.0, key, (), (key,), throughout)


def bones(joints):
    return np.array(
        [np.linalg.norm(joints[:, joint] - joints[:, parent], axis=-1) for joint, parent in enumerate(PARENTS) if joint]
    )


@pytest.fixture(scope="module")
def whole():
    return stitch(clip_of("walk"), clip_of("wave", 3, turned=2.0, size=1.25))


def test_it_goes_on_where_and_as_it_ended(whole):
    assert whole.actions == ("walk", "wave") and not whole.throughout and not whole.whole
    speed = np.linalg.norm(np.diff(whole.joints, axis=0), axis=-1).max(1) * 20
    assert speed.max() < 12.0  # a seam that jumps would be tens of metres per second
    seam = len(clip_of("walk").joints) - 4
    heading = heading_angles(whole.joints)
    assert abs(np.median(heading[seam + 4 : seam + 12]) - np.median(heading[seam - 12 : seam - 4])) < np.radians(35)


def test_it_is_one_body(whole):
    away = np.r_[0 : len(clip_of("walk").joints) - 10, len(clip_of("walk").joints) + 10 : len(whole.joints)]  # not the seam
    lengths = bones(whole.joints[away])
    lengths = lengths[lengths.mean(axis=1) > 0.02]  # some rigs have collars of a millimetre
    assert (lengths.std(axis=1) / lengths.mean(axis=1)).max() < 0.05


def test_what_is_asked_follows_the_order(whole):
    found = []
    for seed in range(8):
        found += ask_recorded(whole, np.random.default_rng(seed), 4, names=("order", "which_first", "caption"), keep_all=True)
    assert {question.kind for question in found} == {"order", "caption"}
    assert all(score(question, question.answer) for question in found)
    assert {question.key for question in found if question.kind == "caption"} == {"walking > waving"}
    assert {question.key for question in found if question.kind == "order"} == {"walking", "waving"}


@pytest.mark.parametrize("pair", (("walk", "walk"), ("lie", "walk"), ("walk", "walk_backward")))
def test_no_seam_where_it_would_be_wrong(pair):
    assert stitch(clip_of(pair[0]), clip_of(pair[1], 1)) is None


def test_clips_without_a_single_label_are_not_stitched():
    walk, wave = clip_of("walk"), clip_of("wave")
    assert stitch(replace(walk, actions=()), wave) is None and stitch(walk, replace(wave, actions=("wave", "bow"))) is None
    assert stitch(walk, replace(wave, fps=30.0)) is None


def test_parts_keep_the_label_only_throughout():
    rng = np.random.default_rng(0)
    part = part_to_stitch(clip_of("walk"), rng)
    assert part.actions == ("walk",) and part.seconds <= 5.0
    jump = clip_of("jump", throughout=False)
    assert part_to_stitch(jump, rng) is jump
