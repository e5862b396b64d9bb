"""HumanML3D and KIT-ML feature files: joints recovered, normalised ones told, refused or undone."""

import io

import numpy as np
import pytest
from conftest import make_walk

from llamo.processing.humanml_features_llamo import humanml_frame, joints_to_humanml
from llamo.processing.motion_formats_llamo import MotionFormatError, read_motion


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


@pytest.fixture(scope="module")
def features():
    return joints_to_humanml(make_walk(81))


@pytest.fixture(scope="module")
def statistics(features):
    rng = np.random.default_rng(5)
    return features.mean(0) + rng.normal(0, 0.02, 263), np.maximum(features.std(0), rng.uniform(0.02, 0.3, 263))


def test_263(features):
    motion = read_motion(npy(features))
    np.testing.assert_allclose(motion.joints, humanml_frame(make_walk(81))[:-1], atol=1e-3)
    assert (motion.format, motion.fps, motion.source_frames, motion.source_joints) == ("humanml3d", 20, 80, 22)
    assert (motion.units, motion.up_axis) == ("m", "+y")
    assert any("20 frames per second" in note for note in motion.assumed)
    assert any("heading" in note for note in motion.assumed)


@pytest.mark.parametrize("make", [lambda f: npy(f[None]), lambda f: npz(motion=f), lambda f: npz(x=f.astype("f8"), fps=25)])
def test_other_ways_to_save_it(features, make):
    motion = read_motion(make(features))
    assert motion.format == "humanml3d" and len(motion.joints) == 80
    assert motion.fps in (20, 25)
    assert read_motion(make(features), fps=12.5).fps == 12.5


def test_features_of_a_model_are_read(features):
    """Not exactly on the manifold: noise in all columns, rotations not of length 1."""
    noisy = features + np.random.default_rng(1).normal(0, 0.01, features.shape)
    assert len(read_motion(npy(noisy)).joints) == 80
    positions_only = features.copy()
    positions_only[:, 67:] = 0
    np.testing.assert_allclose(read_motion(npy(positions_only)).joints, read_motion(npy(features)).joints, atol=1e-5)


def test_normalised_is_refused_and_undone(features, statistics, tmp_path):
    mean, std = statistics
    normalised = ((features - mean) / std).astype(np.float32)
    with pytest.raises(MotionFormatError) as caught:
        read_motion(npy(normalised))
    assert all(word in str(caught.value) for word in ("normalised", "Mean.npy", "mean="))
    np.save(tmp_path / "Mean.npy", mean)
    np.save(tmp_path / "Std.npy", std)
    for given in ({"mean": mean, "std": std}, {"mean": str(tmp_path / "Mean.npy"), "std": tmp_path / "Std.npy"}):
        motion = read_motion(npy(normalised), **given)
        np.testing.assert_allclose(motion.joints, read_motion(npy(features)).joints, atol=1e-3)
    motion = read_motion(npy(features), mean=mean, std=std)
    assert any("not normalised" in note for note in motion.assumed)
    with pytest.raises(MotionFormatError, match="others"):
        read_motion(npy(normalised), mean=mean[::-1], std=std)
    with pytest.raises(MotionFormatError, match="only one"):
        read_motion(npy(normalised), mean=mean)
    with pytest.raises(MotionFormatError, match="263"):
        read_motion(npy(normalised), mean=mean[:5], std=std)


def test_a_still_person_normalised_is_refused(statistics):
    """Without movement the bones keep their lengths in any scale: proportions and rotations tell."""
    mean, std = statistics
    still = joints_to_humanml(np.repeat(make_walk(1), 40, axis=0))
    assert len(read_motion(npy(still)).joints) == 39
    with pytest.raises(MotionFormatError, match="normalised"):
        read_motion(npy((still - mean) / std))


def kit_features(num_frames=50):
    """KIT's 251 columns of a walk, millimetres; rotations are not made, as readers do not need them."""
    walk = make_walk(num_frames).astype(float) * 1000
    order = [0, 3, 6, 12, 15, 16, 18, 20, 17, 19, 21, 1, 4, 7, 10, 10, 2, 5, 8, 11, 11]
    joints = walk[:, order]
    joints[:, [15, 20], 2] += 60  # toes ahead of the balls
    out = np.zeros((num_frames, 251))
    out[:-1, 1], out[:-1, 2] = np.diff(joints[:, 0, 0]), np.diff(joints[:, 0, 2])
    out[:, 3] = joints[:, 0, 1]
    out[:, 4:64] = (joints[:, 1:] - joints[:, :1] * [1, 0, 1]).reshape(num_frames, -1)
    return out, walk


def test_251():
    features, walk = kit_features()
    motion = read_motion(npy(features))
    assert (motion.format, motion.fps, motion.units, motion.source_joints) == ("kit", 12.5, "mm", 21)
    walk -= walk[:1, :1] * [1, 0, 1]
    for joint in (1, 2, 4, 5, 7, 8, 10, 11, 16, 17, 18, 19, 20, 21):
        np.testing.assert_allclose(motion.joints[:, joint], walk[:, joint] / 1000, atol=1e-4)
    mirrored = features.copy()
    mirrored[:, 1] *= -1
    mirrored[:, 4:64:3] *= -1
    motion = read_motion(npy(mirrored))
    assert any("left-handed" in note for note in motion.assumed)
    np.testing.assert_allclose(motion.joints[:, 4], walk[:, 4] / 1000, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda f: npy(f * np.nan), "finite"),
        (lambda f: npy(np.where(np.arange(263) == 1, 1e8, f)), ""),
        (lambda f: npy(np.zeros((5, 263))), ""),
        (lambda f: npy(np.zeros((0, 263))), "one frame"),
        (lambda f: npy(np.full((5, 263), "a")), "numbers"),
        (lambda f: npy(np.random.default_rng(0).normal(size=(60, 263))), "normalised"),
        (lambda f: npy(np.random.default_rng(0).normal(size=(60, 251))), "normalised"),
        (lambda f: npy(f)[:-50], "bytes"),
        (lambda f: npz(a=f, b=f), ""),
    ],
)
def test_refused(features, make, words):
    with pytest.raises(MotionFormatError) as caught:
        read_motion(make(features))
    error = caught.value
    assert words in str(error) and all((error.expected, error.got, error.where, error.remedy)) and len(str(error)) < 900


def test_limits(features):
    with pytest.raises(MotionFormatError, match="at most"):
        read_motion(npy(features), max_frames=10)
    with pytest.raises(MotionFormatError, match="at most"):
        read_motion(npy(features), max_bytes=1000)
