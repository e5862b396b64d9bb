"""Two motions beside each other."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.processing.motion_comparison_llamo import alignment_features, compare_motions, warping_path
from llamo.processing.motion_features_llamo import rotate_yaw
from llamo.train.synthesis.engine import synthesize


@pytest.fixture(scope="module")
def squat():
    return synthesize(np.random.default_rng(12), actions=["squat"], count=3)


def bend_arm(joints: np.ndarray, first: int, last: int, degrees: float) -> np.ndarray:
    """Bends the right elbow by so much more, in some frames."""
    joints = joints.astype(np.float64)
    for frame in range(first, last):
        elbow, wrist, shoulder = joints[frame, 19], joints[frame, 21], joints[frame, 17]
        axis = np.cross(wrist - elbow, shoulder - elbow)
        axis /= np.linalg.norm(axis)
        arm, angle = wrist - elbow, np.radians(degrees)
        turned = arm * np.cos(angle) + np.cross(axis, arm) * np.sin(angle) + axis * (axis @ arm) * (1 - np.cos(angle))
        joints[frame, 21] = elbow + turned
    return joints


def test_a_motion_equals_itself_wherever_it_is(squat):
    moved = rotate_yaw(squat.joints.astype(float), 1.0) + [3.0, 0.0, -2.0]
    result = compare_motions(squat.joints, squat.fps, moved, squat.fps)
    assert result == {"offset_s": 0.0, "faults": []}


def test_a_bigger_body_is_no_fault(squat):
    result = compare_motions(squat.joints, squat.fps, squat.joints * 1.15, squat.fps)
    assert all(fault["unit"] != "deg" for fault in result["faults"])


def test_the_fault_is_found_with_side_angle_and_time(squat):
    # A straight enough arm: the bend adds to what there is.
    faulty = bend_arm(squat.joints, 30, 50, 40)
    result = compare_motions(squat.joints, squat.fps, faulty, squat.fps)
    fault = result["faults"][0]
    assert set(fault) == {"joint", "side", "what", "difference", "unit", "start_s", "end_s"}
    assert (fault["joint"], fault["side"], fault["unit"], fault["what"]) == ("elbow", "right", "deg", "more flexed")
    assert fault["difference"] == pytest.approx(40, abs=6)
    assert fault["start_s"] == pytest.approx(1.5, abs=0.25) and fault["end_s"] == pytest.approx(2.5, abs=0.25)
    assert not any(each["side"] == "left" for each in result["faults"])


def test_a_late_start_is_an_offset(squat):
    late = np.concatenate([np.repeat(squat.joints[:1], 20, axis=0), squat.joints])
    result = compare_motions(squat.joints, squat.fps, late, squat.fps)
    assert result["offset_s"] == pytest.approx(1.0, abs=0.15)
    assert not any(fault["unit"] == "deg" for fault in result["faults"])


def test_other_frame_rates_and_a_slower_tempo(squat):
    slow = compare_motions(squat.joints, squat.fps, squat.joints, squat.fps / 1.5)["faults"]
    tempo = next(fault for fault in slow if fault["joint"] == "tempo")
    assert tempo["what"] == "slower" and tempo["difference"] > 1
    assert not any(fault["unit"] == "deg" and abs(fault["difference"]) > 20 for fault in slow)


def test_the_path_goes_from_start_to_end_and_never_back(squat):
    features = alignment_features(squat.joints.astype(float))
    path = warping_path(features, features[::2])
    assert path[0].tolist() == [0, 0] and path[-1].tolist() == [len(features) - 1, len(features[::2]) - 1]
    steps = np.diff(path, axis=0)
    assert steps.min() >= 0 and steps.max() <= 1 and steps.sum(axis=1).min() >= 1


def test_the_command(squat, tmp_path):
    model, mine = tmp_path / "model.npz", tmp_path / "mine.npz"
    np.savez(model, joints=squat.joints, fps=squat.fps)
    np.savez(mine, joints=bend_arm(squat.joints, 30, 50, 40).astype(np.float32), fps=squat.fps)
    done = CliRunner().invoke(app, ["compare", str(model), str(mine), "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert set(result) >= {"offset_s", "faults"} and result["faults"][0]["joint"] == "elbow"
    table = CliRunner().invoke(app, ["compare", str(model), str(mine)])
    assert "  1. right elbow" in table.stdout
    bad = CliRunner().invoke(app, ["compare", str(model), str(tmp_path / "none.npz")])
    assert bad.exit_code == 2 and len(bad.stderr.strip().splitlines()) == 1 and not bad.stdout
