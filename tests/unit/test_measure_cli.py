"""`llamo measure` as its user sees it."""

import csv
import io
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.train.synthesis.engine import synthesize


CONTRACT = {
    "input", "seconds", "distance_m", "path_m", "speed_mean_m_s", "speed_peak_m_s", "turn_deg", "jumps", "steps", "repetitions",
    "angles", "symmetry", "postures", "notes",
}  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def squats(tmp_path_factory):
    motion = synthesize(np.random.default_rng(12), actions=["squat"], count=4)
    path = tmp_path_factory.mktemp("measure") / "squats.npz"
    np.savez(path, joints=motion.joints, fps=motion.fps)
    return path


def test_json_is_the_contract(squats):
    done = run("measure", squats, "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert set(result) >= CONTRACT
    assert result["input"]["format"] == "npz" and result["input"]["source_fps"] == 20
    assert set(result["steps"]) == {"count", "cadence_per_min"}
    assert set(result["repetitions"]) == {"count", "signal", "items"} and result["repetitions"]["count"] == 4
    assert set(result["repetitions"]["items"][0]) == {"start_s", "end_s", "amplitude"}
    assert result["steps"]["cadence_per_min"] is None and result["notes"]["steps.cadence_per_min"]


def test_table_and_csv_say_the_same(squats):
    table = run("measure", squats)
    assert table.exit_code == 0 and "repetitions     4" in table.stdout and "left knee" in table.stdout
    done = run("measure", squats, "--csv")
    rows = dict(csv.reader(io.StringIO(done.stdout)))
    assert rows["repetitions.count"] == "4" and rows["steps.cadence_per_min"] == ""
    result = json.loads(run("measure", squats, "--json").stdout)
    assert float(rows["angles.left_knee.range_deg"]) == result["angles"]["left_knee"]["range_deg"]


def test_overrides_change_what_is_measured(squats):
    plain = json.loads(run("measure", squats, "--json").stdout)
    faster = json.loads(run("measure", squats, "--json", "--fps", "40").stdout)
    assert faster["seconds"] == pytest.approx(plain["seconds"] / 2, abs=0.01)


def test_bad_input_exits_with_two_and_one_line(squats, tmp_path):
    junk = tmp_path / "junk.npz"
    junk.write_bytes(b"PK\x03\x04junk")
    for arguments in (
        ("measure", tmp_path / "none.bvh"),
        ("measure", junk),
        ("measure", squats, "--json", "--csv"),
        ("measure", squats, "--smoothing", "wavelets"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2, arguments
        assert len(done.stderr.strip().splitlines()) == 1 and not done.stdout
