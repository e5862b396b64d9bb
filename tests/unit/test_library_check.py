"""`llamo library check`: every fault is found where it was put, and clean clips stay silent."""

import json
import shutil

import numpy as np
import pytest
from conftest import make_walk
from typer.testing import CliRunner

from llamo.cli import library_check
from llamo.cli.main import app
from llamo.train.library.duplicates import find_duplicates, fingerprint, mirrored
from llamo.train.library.quality import SIDES, find_problems
from llamo.train.synthesis.engine import synthesize


def kinds(joints, fps=20.0):
    return {problem.kind for problem in find_problems(joints, fps)}


def swap(joints):
    order = np.arange(22)
    for left, right in SIDES:
        order[[left, right]] = right, left
    return joints[:, order]


@pytest.fixture(scope="module")
def jumping():
    return synthesize(np.random.default_rng(3), actions=["jump"], speed="normal")


def test_clean_clips_stay_silent(jumping):
    assert kinds(jumping.joints, jumping.fps) == set()
    for seed, action in enumerate(("walk", "squat", "wave", "sit_down", "kick")):
        motion = synthesize(np.random.default_rng(seed), actions=[action])
        assert not kinds(motion.joints, motion.fps) - {"foot skate"}, action


def test_each_fault_is_found(jumping):
    walk = make_walk(80)
    assert kinds(walk * 2.54) >= {"units"}
    assert kinds(np.repeat(walk[:1], 40, axis=0)) == {"still"}
    torn = walk.copy()
    torn[40:] += [0, 0, 3.0]
    (problem,) = [each for each in find_problems(torn, 20.0) if each.kind == "jump"]
    assert problem.at_s == 2.0
    exchanged = np.concatenate([walk[:40], swap(walk)[40:]])
    (problem,) = [each for each in find_problems(exchanged, 20.0) if each.kind == "swapped sides"]
    assert problem.at_s == 2.0
    assert "swapped sides" in kinds(swap(walk))
    slow = [each for each in find_problems(jumping.joints, jumping.fps * 2) if each.kind == "fps"]
    assert slow and 0.6 < float(slow[0].do.split("--fps ")[1].split()[0]) / jumping.fps < 1.4


def test_a_calibration_pose_is_found():
    walk = make_walk(60)
    pose = np.repeat(walk[:1], 30, axis=0)
    for shoulder, elbow, wrist, sign in ((16, 18, 20, 1), (17, 19, 21, -1)):
        pose[:, elbow] = pose[:, shoulder] + [0.27 * sign, 0, 0]
        pose[:, wrist] = pose[:, shoulder] + [0.52 * sign, 0, 0]
    (problem,) = [each for each in find_problems(np.concatenate([pose, walk]), 20.0) if each.kind == "T-pose"]
    assert "1.5 s" in problem.do


def test_sliding_feet_are_found():
    still = np.repeat(make_walk(1), 60, axis=0)
    still[..., 2] += 1.2 * np.arange(60)[:, None] / 20.0
    assert "foot skate" in kinds(still)


def test_duplicates_under_other_names_places_and_rates():
    walk, other = make_walk(60, seed=1), make_walk(60, seed=5, speed=0.4)
    turned = walk @ np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], dtype=np.float32) + [3, 0, 1]
    mirror = mirrored(walk)
    clips = [(walk, 20.0), (other, 20.0), (turned, 20.0), (mirror, 20.0), (np.repeat(walk, 2, axis=0)[:-1], 40.0)]
    found = find_duplicates([fingerprint(*clip) for clip in clips], [len(joints) / fps for joints, fps in clips])
    assert {(pair.first, pair.second) for pair in found if pair.kind == "same motion"} == {(0, 2), (0, 4), (2, 4)}
    assert {(pair.first, pair.second) for pair in found if pair.kind == "mirrored"} == {(0, 3), (2, 3), (3, 4)}
    assert find_duplicates([], []) == []


def test_the_command_lists_what_to_do(tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    np.savez(folder / "walk.npz", joints=make_walk(60), fps=20.0)
    shutil.copy(folder / "walk.npz", folder / "copy.npz")
    np.savez(folder / "still.npz", joints=np.repeat(make_walk(1), 60, axis=0), fps=20.0)
    (folder / "broken.bvh").write_text("HIERARCHY")
    done = CliRunner().invoke(app, ["library", "check", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout.strip().split("\n")[-1])
    assert result["clips"] == 4 and len(result["unreadable"]) == 1
    assert ("still", "still.npz") in [(each["kind"], each["path"][-9:]) for each in result["problems"]]
    assert [each["kind"] for each in result["duplicates"]] == ["same file"]
    assert all(each["do"] for each in result["problems"] + result["duplicates"])
    done = CliRunner().invoke(app, ["library", "check", str(folder)])
    assert "leave the clip out" in done.stdout and "keep one of them" in done.stdout and "4 clips" in done.stdout


def check(folder, *options):
    """What the command gives back and finds, and what it says went wrong."""
    done = CliRunner().invoke(app, ["library", "check", str(folder), "--json", *options])
    return done.exit_code, json.loads(done.stdout.strip().split("\n")[-1]), done.stderr.strip().split("\n")[-1]


def test_nothing_readable_is_no_clean_library(tmp_path):
    (tmp_path / "a.bvh").write_text("HIERARCHY")
    code, result, said = check(tmp_path)
    assert code == 1 and "Expected clips that can be read, got its error: " in said and "a.bvh" in said
    shutil.copy(tmp_path / "a.bvh", tmp_path / "b.bvh")
    (tmp_path / "c.npz").write_bytes(b"")
    code, result, said = check(tmp_path)
    assert code == 1 and "3 errors, the first: " in said
    assert [each["path"][-5:] for each in result["unreadable"]] == ["a.bvh", "b.bvh", "c.npz"] and not result["duplicates"]
    assert "b.bvh" in result["unreadable"][1]["error"] and "a.bvh" not in result["unreadable"][1]["error"]
    np.savez(tmp_path / "d.npz", joints=make_walk(60), fps=20.0)
    assert check(tmp_path)[0] == 0


def test_what_breaks_a_reader_stops_nothing(tmp_path, monkeypatch):
    for number, name in enumerate("abc"):
        np.savez(tmp_path / f"{name}.npz", joints=make_walk(60, seed=number), fps=20.0)
    real = library_check.read_file

    def read(path, said, model):
        if not path.endswith("b.npz"):
            return real(path, said, model)
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(library_check, "read_file", read)
    monkeypatch.setattr(library_check, "hash_of", lambda path: None)  # nor can they be hashed: no copies of one another
    code, result, _ = check(tmp_path)
    (broken,) = result["unreadable"]
    assert code == 0 and broken["path"].endswith("b.npz") and broken["error"].startswith("KeyError: ")
    assert not [each for each in result["duplicates"] if each["kind"] == "same file"]
