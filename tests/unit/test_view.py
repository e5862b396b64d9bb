"""`llamo view`: writes what was asked for; on bad input one line, exit code 2 and nothing written."""

import sys

import numpy as np
import pytest
from conftest import make_walk
from typer.testing import CliRunner

from llamo.cli.main import app


@pytest.fixture
def walk_file(tmp_path):
    path = tmp_path / "a walk.npz"
    np.savez(path, joints=make_walk(50, fps=120.0), fps=np.float32(120))
    return str(path)


def run(*arguments):
    return CliRunner().invoke(app, ["view", *map(str, arguments)])


def test_page_and_picture(walk_file, tmp_path):
    pytest.importorskip("PIL")
    page, sheet = tmp_path / "out.html", tmp_path / "sheet.png"
    done = run(walk_file, walk_file, "-o", page, "--png", sheet, "--side-by-side")
    assert done.exit_code == 0, done.output
    assert "2 motions" in done.stdout and str(page) in done.stdout and str(sheet) in done.stdout
    text = page.read_text(encoding="utf-8")
    assert "a walk.npz" in text and '"layout":"side"' in text and "shown at 60 frames per second" in text
    assert '"left_knee"' in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a walk.npz", "out.html", "sheet.png"]


def test_what_the_user_says_about_the_file_counts(walk_file, tmp_path):
    done = run(walk_file, "-o", tmp_path / "out.html", "--fps", "30")
    assert done.exit_code == 0, done.output
    assert '"fps":30.0' in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_measured_events_are_on_the_time_bar(root, tmp_path):
    done = run(root / "examples" / "squats.bvh", "-o", tmp_path / "out.html")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert '"label":"Repetition 4"' in text and '"label":"Repetition 5"' not in text


def test_without_scipy_the_page_says_that_events_are_missing(walk_file, tmp_path, monkeypatch):
    def refuse(joints, fps):
        raise ImportError('Install it with pip install "llamo[measure]"')

    monkeypatch.setattr("llamo.processing.viewer_data_llamo.measure_motion", refuse)
    assert run(walk_file, "-o", tmp_path / "out.html").exit_code == 0
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "events are not marked: Install it" in text and '"ticks":[]' in text


@pytest.mark.parametrize("content", [b"", b"junk" * 100, b"HIERARCHY\nROOT Hips\n{\n", b"PK\x03\x04broken"])
def test_bad_files(walk_file, tmp_path, content):
    bad = tmp_path / "bad\nname.bvh"
    bad.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    done = run(walk_file, bad, "-o", tmp_path / "out.html", "--png", tmp_path / "sheet.png")
    assert done.exit_code == 2 and not done.stdout
    assert len(done.stderr.strip().splitlines()) == 1 and "bad name.bvh" in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_other_bad_input(walk_file, tmp_path):
    before = sorted(tmp_path.iterdir())
    for arguments in (
        (walk_file,),  # nothing to write
        (tmp_path / "none.bvh", "-o", tmp_path / "out.html"),
        (tmp_path, "-o", tmp_path / "out.html"),
        (walk_file, "-o", walk_file),
        (walk_file, "-o", tmp_path / "same", "--png", tmp_path / "same"),
        (walk_file, "-o", tmp_path),
        (walk_file, "-o", tmp_path / "nowhere" / "out.html"),
        (*[walk_file] * 17, "-o", tmp_path / "out.html"),
        (walk_file, "-o", tmp_path / "out.html", "--units", "parsec"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2, arguments
        assert len(done.stderr.strip().splitlines()) == 1 and not done.stdout, arguments
    assert sorted(tmp_path.iterdir()) == before


def test_a_picture_without_pillow_says_what_to_install(walk_file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    done = run(walk_file, "-o", tmp_path / "out.html", "--png", tmp_path / "sheet.png")
    assert done.exit_code == 2 and 'pip install "llamo[view]"' in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a walk.npz"]
