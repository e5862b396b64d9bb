"""The command line: instant help, clear errors, the contract's JSON."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import make_config, make_model, make_processor, make_walk
from typer.testing import CliRunner

from llamo.cli.chat import Conversation
from llamo.cli.main import app
from llamo.cli.session import open_session
from llamo.train.initialise import write_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "llamo"
    processor = make_processor()
    write_checkpoint(folder, make_model(make_config(processor)), processor)
    return str(folder)


@pytest.fixture
def walk_file(tmp_path):
    path = tmp_path / "a walk.npz"
    np.savez(path, joints=make_walk(50), fps=np.float32(30))
    return str(path)


def run(*arguments, **kwargs):
    return CliRunner().invoke(app, list(arguments), **kwargs)


def test_help_imports_nothing_heavy():
    code = "import sys; from llamo.cli.main import app; print('torch' in sys.modules or 'transformers' in sys.modules)"
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False", time.perf_counter() - started


def test_ask_prints_the_contract(checkpoint, walk_file):
    done = run("ask", walk_file, "How far?", "--model", checkpoint, "--json", "--max-new-tokens", "3")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout.strip().splitlines()[-1])
    assert set(result) == {"question", "answer", "model", "inputs", "seconds"}
    assert set(result["seconds"]) == {"load", "prepare", "first_token", "total"}
    (report,) = result["inputs"]
    assert report["format"] == "npz" and report["source_fps"] == 30 and report["frames"] == 50 and report["joints"] == 22
    assert report["seconds"] == pytest.approx(50 / 30, abs=0.05) and isinstance(report["assumed"], list)


def test_ask_several_files_and_questions(checkpoint, walk_file):
    done = run("ask", walk_file, walk_file, "-q", "One?", "-q", "Two?", "--model", checkpoint, "--max-new-tokens", "2")
    assert done.exit_code == 0 and done.stdout.count("Question:") == 2


@pytest.mark.parametrize("content", [b"", b"junk" * 100, b"HIERARCHY\nROOT Hips\n{\n", b"PK\x03\x04broken"])
def test_bad_files_exit_with_two(checkpoint, tmp_path, content):
    path = tmp_path / "bad.bvh"
    path.write_bytes(content)
    done = run("ask", str(path), "What?", "--model", checkpoint)
    assert done.exit_code == 2
    assert "bad.bvh" in done.stderr and "Traceback" not in done.stderr and not done.stdout


def test_other_bad_input_exits_with_two(checkpoint, walk_file, tmp_path):
    for arguments in (
        ("ask", str(tmp_path / "none.bvh"), "What?", "--model", checkpoint),
        ("ask", walk_file, "What?", "--model", str(tmp_path / "nowhere")),
        ("ask", "only a question", "--model", checkpoint),
        ("ask", walk_file, "What?", "--model", checkpoint, "--dtype", "float7"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2, arguments
        assert done.stderr.strip()


def test_chat_keeps_the_conversation(checkpoint, walk_file):
    lines = f"How far?\nAnd how fast?\n/add {walk_file}\nWhich is longer?\n/add nowhere.bvh\n/reset\nHow far?\n/quit\n"
    done = run("chat", walk_file, "--model", checkpoint, "--max-new-tokens", "3", input=lines)
    assert done.exit_code == 0, done.output
    assert "nowhere.bvh" in done.output


def test_the_cache_of_a_chat_changes_no_answer(checkpoint, walk_file):
    session, motions, _ = open_session(checkpoint, [walk_file], max_new_tokens=6)
    cached, fresh = Conversation(session, motions), Conversation(session, motions)
    for question in ("How far?", "And how fast?", "Why?"):
        held = len(cached.cached_ids)
        fresh.forget_cache()
        assert cached.ask(question) == fresh.ask(question)
        assert len(cached.cached_ids) > held, "what was read once stays in the cache"
    cached.add(walk_file)
    fresh.add(walk_file)
    fresh.forget_cache()
    assert cached.ask("Which is longer?") == fresh.ask("Which is longer?")
