"""`llamo data statistics`: measures that say what they say, and a table of procedural beside recorded motion."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from conftest import make_walk
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.train.synthesis.engine import synthesize
from llamo.train.synthesis.statistics import measure, measure_gait, within


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "clips.parquet"
    rows = []
    for index, action in enumerate(("walk", "walk", "squat")):
        motion = synthesize(np.random.default_rng(index), actions=[action], speed="normal")
        joints = np.round(motion.joints / 0.0005).astype("<i2")
        caption = "walk" if action == "walk" else "squats"
        rows.append(
            {
                "id": str(index),
                "captions": [caption],
                "fps": motion.fps,
                "num_frames": len(joints),
                "joints_q": joints.tobytes(),
            }
        )
    parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_measures_of_known_motion():
    walk = make_walk(80, fps=20.0, speed=1.3)
    found = measure(walk, 20.0)
    assert np.median(found["root speed, m/s"]) == pytest.approx(1.3, abs=0.1)
    assert found["foot slide in stance, m/s"].size and np.median(found["trunk from upright, deg"]) < 15
    standing = np.repeat(walk[:1], 60, axis=0)
    still = measure(standing, 20.0)
    assert all(still[name].max() < 1e-6 for name in still if "speed" in name or "acceleration" in name or "slide" in name)
    gait = measure_gait(synthesize(np.random.default_rng(1), actions=["walk"], speed="normal").joints, 20.0)
    assert 0.3 < np.median(gait["step length, m"]) < 1.0 and 1.0 < np.median(gait["cadence, steps/s"]) < 3.0
    assert measure_gait(standing, 20.0) == {}


def test_share_within():
    assert within(np.arange(1000.0), np.array([-5.0, 10.0, 500.0, 2000.0])) == 0.5


def test_table(recorded):
    done = CliRunner().invoke(app, ["data", "statistics", "--recorded", str(recorded), "--num", "3"])
    assert done.exit_code == 0, done.output
    assert "foot slide in stance" in done.output and "knee flexion" in done.output and "%" in done.output
    assert "nan" not in done.output.split("\n\n")[0]


def test_bad_files(tmp_path):
    path = tmp_path / "other.parquet"
    parquet.write_table(pa.table({"text": ["a"]}), path)
    for wrong in (path, tmp_path / "missing.parquet"):
        done = CliRunner().invoke(app, ["data", "statistics", "--recorded", str(wrong)])
        assert done.exit_code == 2 and "Traceback" not in done.output
