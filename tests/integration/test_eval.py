"""`llamo eval` on a tiny checkpoint: the command, its errors, and several processes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import make_config, make_model, make_processor, make_walk
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.train.evaluation import answering
from llamo.train.initialise import write_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("eval") / "llamo"
    processor = make_processor()
    write_checkpoint(folder, make_model(make_config(processor)), processor)
    return str(folder)


def run(*arguments):
    return CliRunner().invoke(app, ["eval", *arguments])


def test_the_command_and_several_processes(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(answering, "NEW_TOKENS", {})
    options = ["synthetic", "--model", checkpoint, "--limit", "6", "--batch-size", "2", "--seed", "4"]
    done = run(*options, "--out", str(tmp_path / "one"))
    assert done.exit_code == 0, done.output
    assert "| all | " in done.stdout and "Warning: blind comes within five points" in done.stdout
    one = json.loads((tmp_path / "one" / "results.json").read_text())
    assert one["n"] == 6 and one["model"]["sha256"] and one["data"]["sha256"]
    command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2", "--num_machines", "1"]
    command += ["--mixed_precision", "no", "--dynamo_backend", "no", "-m", "llamo.cli.main", "eval", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_PORT": "29533"}
    shared = subprocess.run(
        [*command, "--out", str(tmp_path / "two")], capture_output=True, text=True, check=False, env=environment, timeout=300
    )
    assert shared.returncode == 0, shared.stderr[-2000:]
    two = json.loads((tmp_path / "two" / "results.json").read_text())
    assert {name: two[name] for name in two if name != "command"} == {name: one[name] for name in one if name != "command"}
    assert (tmp_path / "two" / "predictions.jsonl").read_text() == (tmp_path / "one" / "predictions.jsonl").read_text()


def test_bad_input_is_one_line(checkpoint, tmp_path):
    for arguments, words in (
        (["everything"], "Expected a suite out of synthetic"),
        (["real", "--model", checkpoint], "Name it with --data"),
        (["real", "--model", checkpoint, "--data", str(tmp_path / "no.parquet")], "no.parquet"),
        (["synthetic", "--model", str(tmp_path / "none")], "got nothing at"),
        (["synthetic", "--model", checkpoint, "--dtype", "int3"], "Expected --dtype"),
        (["synthetic", "--model", checkpoint, "--device", "abacus"], "Expected a usable --device"),
    ):
        done = run(*arguments, "--out", str(tmp_path / "out"))
        assert done.exit_code == 2 and words in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_the_list_names_every_suite():
    done = run("--list")
    assert done.exit_code == 0 and "consistency" in done.stdout and "needs" not in done.stdout


def test_ask_writes_the_page_of_what_was_looked_at(checkpoint, tmp_path):
    np.savez(tmp_path / "walk.npz", joints=make_walk(50), fps=20.0)
    page = tmp_path / "why.html"
    arguments = ["ask", str(tmp_path / "walk.npz"), "-q", "How far?", "-q", "How fast?", "--model", checkpoint]
    done = CliRunner().invoke(app, [*arguments, "--max-new-tokens", "2", "--explain", str(page)])
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    assert text.count("<h2>") == 2 and "How fast?" in text and text.count("<figure>") >= 2
    done = CliRunner().invoke(app, [*arguments, "--explain", str(tmp_path / "none" / "why.html")])
    assert done.exit_code == 2 and "--explain" in done.stderr
