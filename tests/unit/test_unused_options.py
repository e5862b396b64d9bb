"""What is said about a file of another kind is refused, not ignored: `--person` of a BVH, `--units` of a video."""

import pytest
from motion_samples import bvh
from typer.testing import CliRunner
from video_samples import numbered_frames, write_video

from llamo.cli.main import app
from llamo.cli.motion_files import check_said
from llamo.cli.session import BadInputError, check_overrides


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.bvh"
    path.write_bytes(bvh(20))
    return str(path)


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> str:
    return write_video(tmp_path_factory.mktemp("unused") / "walk.mp4", numbered_frames(5))


def refused(*arguments) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 2 and not done.stdout, done.output
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("llamo: Expected ") and ", got " in line and "Leave " in line, line
    return line


def test_words_about_videos_need_a_video(clip, tmp_path):
    out = tmp_path / "out.npz"
    for words in (["--person", "2"], ["--box", "0,0,1,1"]):
        for command in (
            ["ask", clip, "What?"],
            ["chat", clip],
            ["measure", clip],
            ["convert", clip, out],
            ["view", clip, "-o", tmp_path / "out.html"],
            ["caption", clip, "-o", tmp_path / "out.csv"],
            ["index", clip, "--db", tmp_path / "db.lance"],
            ["library", "check", clip],
            ["search", "--like", clip, "--db", tmp_path / "db.lance"],
        ):
            line = refused(*command, *words)
            assert words[0] in line and clip in line
    assert "--person" in refused("compare", clip, clip, "--person", "2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.bvh"], "nothing is written"


def test_words_about_motion_files_need_one(video):
    line = refused("measure", video, "--units", "cm", "--up-axis", "z")
    assert "--units and --up-axis" in line and "a video" in line
    assert "--skeleton" in refused("ask", video, "What?", "--skeleton", "coco17")


def test_words_about_one_format_need_it(clip, tmp_path):
    assert "AMC for --asf, got bvh" in refused("measure", clip, "--asf", clip)
    assert "GLTF for --animation, got bvh" in refused("view", clip, "-o", tmp_path / "out.html", "--animation", "2")
    assert "HUMANML3D for --mean, got bvh" in refused("convert", clip, tmp_path / "out.npz", "--mean", "mean.npy")


def test_words_are_about_some_of_the_files(clip, video):
    check_said([clip, video], {"person": 2, "units": "cm", "fps": 20})
    check_overrides([video, video], {"person": 2})
    with pytest.raises(BadInputError, match="a video for --person"):  # beside a motion a video only shows it
        check_overrides([clip, video], {"person": 2})


def test_a_search_by_words_alone_is_about_no_file(tmp_path):
    done = CliRunner().invoke(app, ["search", "walk", "--db", str(tmp_path / "db.lance"), "--fps", "20"])
    assert done.exit_code == 2 and "--like FILE" in done.stderr
