"""What a new user does wrong: files, folders and places that are none, each told in one line and with an exit code."""

import errno

import numpy as np
import pytest
from conftest import make_config, make_model, make_processor, make_walk
from typer.testing import CliRunner
from video_samples import numbered_frames, write_video

from llamo.cli import convert, failing
from llamo.cli.library import table
from llamo.cli.main import app
from llamo.cli.places import check_place
from llamo.cli.session import BadInputError, check_checkpoint, with_path
from llamo.train.initialise import write_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd") / "llamo"
    processor = make_processor()
    write_checkpoint(folder, make_model(make_config(processor)), processor)
    return str(folder)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder to work in, with a walk, a motion without values, an empty file and an empty folder."""
    monkeypatch.chdir(tmp_path)
    walk = make_walk(20)
    np.savez("walk.npz", joints=walk, fps=20.0)
    np.savez("nan.npz", joints=np.full_like(walk, np.nan), fps=20.0)
    np.savez("none.npz", joints=walk[:0], fps=20.0)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "folder").mkdir()
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(*arguments, code=2) -> str:
    done = run(*arguments)
    assert done.exit_code == code, (arguments, done.output)
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("llamo: "), line
    return line


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("folder", "a folder"),
        ("folder/", "a folder"),
        ("new/", "a folder"),
        ("", "an empty name"),
        ("nowhere/out.npz", "got nothing at 'nowhere' for OUT 'nowhere/out.npz'. Make it"),
        ("walk.npz/out.npz", "got a file at 'walk.npz' for OUT 'walk.npz/out.npz'. Correct the path."),
    ],
)
def test_places_that_cannot_be_written(path, words):
    with pytest.raises(BadInputError) as told:
        check_place(path, "OUT")
    assert words in str(told.value)


def test_a_folder_without_permission(monkeypatch):
    monkeypatch.setattr("llamo.cli.places.os.access", lambda *_: False)  # who runs tests may write everywhere
    with pytest.raises(BadInputError, match=r"in which you may not write.*permissions"):
        check_place("out.npz", "OUT")


def test_nothing_is_estimated_or_loaded_for_a_place_that_is_none(monkeypatch, here):
    def never(*_):
        raise AssertionError("the file was read")

    monkeypatch.setattr(convert, "read_file", never)
    for out in ("nowhere/out.npz", "folder.npz/", "walk.npz/out.npz"):
        refused("convert", "walk.npz", out)
    assert "--fps" in refused("convert", "walk.npz", "out.npz", "--fps", "0")
    video = write_video(here / "clip.mp4", numbered_frames(3))
    (here / "made.npz").mkdir()
    assert "a folder at -o" in refused("estimate", video, "-o", "made.npz")
    assert "--overlay to end in .mp4" in refused("estimate", video, "-o", "out.npz", "--overlay", "seen.xyz")
    assert "nothing at 'nowhere' for --overlay" in refused("estimate", video, "-o", "out.npz", "--overlay", "nowhere/seen.mp4")
    assert "a motion file" in refused("estimate", "walk.npz", "-o", "out.npz")
    assert "a folder to write to" in refused("caption", "walk.npz", "-o", "nowhere/out.csv")
    assert sorted(path.name for path in here.glob("out*")) == []


def test_pages_and_pictures_end_as_what_they_are():
    assert "-o to end in .html" in refused("view", "walk.npz", "-o", "page.txt")
    assert "--png to end in .png" in refused("view", "walk.npz", "--png", "sheet.jpg")
    assert "--explain to end in .html" in refused("ask", "walk.npz", "What?", "--explain", "why.txt")


def test_what_is_no_file_is_called_what_it_is(here):
    assert "take folders" in refused("measure", "folder")
    assert "a device or a pipe" in refused("measure", "/dev/null")
    assert "Download" in refused("measure", "https://example.com/clip.mp4")


def test_file_and_question_are_not_swapped(here):
    assert "got the file 'walk.npz'" in refused("ask", "walk.npz", "walk.npz")
    assert "got the file 'walk.npz'" in refused("ask", "walk.npz", "-q", "What?", "-q", "walk.npz")


def test_names_of_checkpoints(here):
    with pytest.raises(BadInputError, match="got a file"):
        check_checkpoint("walk.npz")
    (here / "folder" / "file").write_text("")
    for name in ("folder/file", "folder/", "/folder", "a/b/c"):
        with pytest.raises(BadInputError):
            check_checkpoint(name)
    check_checkpoint("owner/repository")


def test_what_the_system_says_is_told_in_our_words():
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory", "a.yaml")
    for error in (missing, BadInputError(missing)):
        assert failing.tell(error).startswith("Expected a path that can be used, got nothing there at 'a.yaml'.")
    full = OSError(errno.ENOSPC, "No space left on device", "out.npz")
    assert "got no space left on device at 'out.npz'" in failing.tell(full)
    assert failing.tell(FileNotFoundError("a.parquet")) == "Expected a file, got nothing at 'a.parquet'. Check the path."
    assert failing.tell(ValueError("Expected this.")) == failing.tell("Expected this.") == "Expected this."


def test_recipes_and_data_that_are_not_there():
    assert "nothing there at 'none.yaml'" in refused("train", "none.yaml")
    assert "got is a directory at 'folder'" in refused("train", "folder")
    assert "got nothing at 'none.parquet'" in refused("data", "statistics", "--recorded", "none.parquet")
    assert "not a directory" in refused("data", "synthesize", "--num", "1", "--out", "walk.npz")


def test_tables_that_are_none(checkpoint):
    for command in (["review"], ["index", "walk.npz", "--db", "db.lance", "--model", checkpoint, "--labels"]):
        assert "got nothing at 'none.csv'" in refused(*command, "none.csv")
        assert "got a folder at 'folder'" in refused(*command, "folder")
        assert "(.jsonl, .parquet, .csv), got 'walk.npz'" in refused(*command, "walk.npz")
        assert "a table with rows, got none" in refused(*command, "empty.csv")


def test_data_for_a_suite_that_makes_its_own():
    line = refused("eval", "synthetic", "--data", "none.parquet")
    assert "--data" in line and "synthetic" in line
    assert "--split" in refused("eval", "text", "--split", "train")
    assert "--judge" in refused("eval", "synthetic", "--judge", "http://localhost:1/v1")


def test_a_part_that_cannot_be_opened(monkeypatch, here):
    (here / "out.csv.1-of-1.part").mkdir()
    with pytest.raises(BadInputError), table.Part(here / "out.csv", table.Shard()):
        pass


def test_no_clip_could_be_read(checkpoint, here):
    options = ["--model", checkpoint, "--max-new-tokens", 1]
    line = refused("caption", "nan.npz", "none.npz", "-o", "out.csv", *options, code=1)
    assert "clips that can be read, got 2 errors, the first: nan.npz" in line and (here / "out.csv").is_file()
    some = run("caption", "nan.npz", "walk.npz", "-o", "some.csv", *options)
    assert some.exit_code == 0 and "1 with errors (column error says what)" in some.stdout
    good = run("caption", "walk.npz", "-o", "good.csv", *options)
    assert good.exit_code == 0 and "0 with errors" in good.stdout and "column" not in good.stdout


def test_no_clip_could_be_indexed(checkpoint):
    pytest.importorskip("lancedb")
    options = ["--model", checkpoint, "--max-new-tokens", 1]
    done = run("index", "nan.npz", "--db", "bad.lance", *options)
    assert done.exit_code == 1 and "cannot be read: nan.npz" in done.stdout and "1 that cannot be read" in done.stdout
    some = run("index", "nan.npz", "walk.npz", "--db", "some.lance", *options)
    assert some.exit_code == 0 and "2 indexed now, 0 gone, 1 that cannot be read" in some.stdout
    found = run("search", "walk", "--db", "some.lance", "--words", "-k", 10**12)
    assert found.exit_code == 0 and "walk.npz" in found.stdout, found.output


def test_names_with_spaces_and_signs(here):
    name = "-ein Gang, 人 ünd #1.npz"
    (here / name).write_bytes((here / "walk.npz").read_bytes())
    for path in (f"./{name}", str(here / name)):
        assert run("measure", path).exit_code == 0
        assert run("convert", path, "./-out é.bvh").exit_code == 0
    assert (here / "-out é.bvh").is_file()
    assert run("measure", "--", name).exit_code == 0
    assert f"./{name}" in refused("measure", name)


def test_data_that_is_not_there():
    assert "got nothing at 'none.parquet'. Check --data." in refused("eval", "real", "--data", "none.parquet")
    assert "got nothing at 'none'" in refused("eval", "babelqa", "--data", "none")


def test_a_page_of_a_row_that_cannot_be_written_prints_no_rows():
    done = run("data", "show", "folder", "--view", "nowhere/page.html")
    assert done.exit_code == 2 and not done.stdout and "--view 'nowhere/page.html'" in done.stderr


def test_a_file_is_named_once():
    assert with_path("clips/a.npz", "a.npz: expected joints") == "a.npz: expected joints"
    assert with_path("clips/a.npz", "expected joints") == "clips/a.npz: expected joints"
