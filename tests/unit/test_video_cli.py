"""Videos wherever the command line takes motions. Motions are estimated before, so that no network runs here."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import make_config, make_model, make_processor, make_walk, text_part
from typer.testing import CliRunner
from video_samples import numbered_frames, write_video

from llamo.cli import motion_files
from llamo.cli.main import app
from llamo.cli.session import BadInputError, read_motions
from llamo.processing.video_motion_llamo import CACHE_VARIABLE, VideoMotions
from llamo.processing.video_processing_llamo import LlamoFrameProcessor
from llamo.train.initialise import write_checkpoint


WARNING = "The camera moves: the way is right only as far as it turns on the spot."


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video") / "llamo"
    processor = make_processor()
    write_checkpoint(folder, make_model(make_config(processor)), processor)
    (folder / "motion_estimator").mkdir(exist_ok=True)
    (folder / "motion_estimator" / "config.json").write_text("{}")
    return str(folder)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> str:
    return write_video(tmp_path_factory.mktemp("clips") / "squats.mp4", numbered_frames(75))  # 3 s


@pytest.fixture(autouse=True)
def known_motions(checkpoint, clip, tmp_path, monkeypatch):
    """The motions of the clip, as if they had been estimated: person 2 is another one."""

    def estimate(source, person=None, box=None):
        report = {"coverage": 1.0, "span_s": [0.4, 2.9], "warnings": [WARNING], "people": []}
        joints = make_walk(50 if person is None else 40)
        return SimpleNamespace(joints=joints, fps=20.0, contacts=np.zeros((len(joints), 4)), start=0.4, report=report)

    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    motions = VideoMotions(checkpoint, estimator=SimpleNamespace(estimate=estimate))
    for choice in ({}, {"person": 2}):
        motions.read({"path": clip, **choice})
    motion_files.video_motions.cache_clear()
    return motions


@pytest.fixture
def walk_file(tmp_path):
    path = tmp_path / "walk.npz"
    np.savez(path, joints=make_walk(50), fps=np.float32(20))
    return str(path)


def run(*arguments, **kwargs):
    return CliRunner().invoke(app, list(arguments), **kwargs)


def test_ask_a_video(checkpoint, clip):
    done = run("ask", clip, "What?", "--model", checkpoint, "--json", "--check", "--max-new-tokens", "2")
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout.strip().splitlines()[-1])["inputs"]
    assert report["format"] == "video" and report["seconds"] == pytest.approx(2.45) and report["path"] == clip
    assert report["estimation"]["coverage"] == 1.0 and report["estimation"]["warnings"] == [WARNING]
    assert "estimated from the video, 0.4 to 2.9 s" in report["assumed"][0] and WARNING.rstrip(".") in report["assumed"]
    # For people, warnings come on stderr.
    done = run("ask", clip, "What?", "--model", checkpoint, "--max-new-tokens", "2", "--person", "2")
    assert done.exit_code == 0 and "The camera moves" in done.stderr and "The camera moves" not in done.stdout


def test_ask_a_motion_and_its_video(checkpoint, clip, walk_file):
    for files in ((walk_file, clip), (clip, walk_file)):
        done = run("ask", *files, "What?", "--model", checkpoint, "--json", "--max-new-tokens", "2")
        assert done.exit_code == 0, done.output
        (report,) = json.loads(done.stdout.strip().splitlines()[-1])["inputs"]
        assert report["format"] == "npz" and report["videos"] == [{"path": clip, "seconds": 3.0, "looked_at": False}]
        assert "no vision tower" in report["assumed"][-1]


def test_what_the_model_gets(checkpoint, clip, walk_file, known_motions):
    processor = make_processor()
    processor.video_motions = known_motions
    processor.frame_processor = LlamoFrameProcessor(image_size=16, num_frames=2)

    def tensors(*files, **said):
        motions = read_motions(processor, list(files), said)
        content = [part for motion in motions for part in motion.parts]
        chat = [{"role": "user", "content": [*content, text_part("What?")]}]
        return processor.apply_chat_template(chat, tokenize=True, return_dict=True, return_tensors="pt")

    fused = tensors(walk_file, clip)
    assert fused["video_times"][0].tolist() == pytest.approx([0, 2.96], abs=0.01)
    alone = tensors(clip)
    assert alone["video_times"][0].tolist() == pytest.approx([-0.4, 2.56], abs=0.01)
    assert alone["motion_attention_mask"].sum() == 50 and tensors(clip, person=2)["motion_attention_mask"].sum() == 40
    both = tensors(walk_file, clip, walk_file, clip)
    assert both["video_motion_ids"].tolist() == [0, 1] and len(both["motion_values"]) == 2
    assert tensors(clip, clip)["video_motion_ids"].tolist() == [0, 1]


def test_chat_adds_a_video(checkpoint, clip, walk_file):
    script = f"/add {clip}\nWhat?\n/quit\n"
    done = run("chat", walk_file, "--model", checkpoint, "--max-new-tokens", "2", input=script)
    assert done.exit_code == 0, done.output
    assert f"{clip}: video, 2.5 s" in done.stderr and "estimated from the video" in done.stderr


def test_measure_compare_and_convert(checkpoint, clip, walk_file, tmp_path):
    measured = run("measure", clip, "--json", "--model", checkpoint)
    assert measured.exit_code == 0, measured.output
    result = json.loads(measured.stdout)
    assert result["input"]["format"] == "video" and result["distance_m"] == pytest.approx(2.45 * 1.3, rel=0.1)
    table = run("measure", clip, "--model", checkpoint)
    assert "assumed: motion estimated from the video" in table.stdout and "The camera moves" in table.stdout
    compared = run("compare", walk_file, clip, "--json", "--model", checkpoint)
    assert compared.exit_code == 0 and json.loads(compared.stdout)["faults"] == []
    out = tmp_path / "out.bvh"
    converted = run("convert", clip, str(out), "--json", "--model", checkpoint)
    assert converted.exit_code == 0, converted.output
    assert out.is_file() and json.loads(converted.stdout)["input"]["format"] == "video"
    assert run("convert", clip, str(tmp_path / "two.npz"), "--person", "2", "--model", checkpoint).exit_code == 0
    assert len(np.load(tmp_path / "two.npz")["joints"]) == 40


def test_view_shows_the_frames_beside_the_figure(checkpoint, clip, walk_file, tmp_path):
    page = tmp_path / "page.html"
    done = run("view", clip, walk_file, "-o", str(page), "--model", checkpoint)
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    payload = json.loads(text.split('id="motions">', 1)[1].split("</script>", 1)[0])
    video = payload["motions"][0]["video"]
    assert "video" not in payload["motions"][1]
    assert len(video["times"]) == len(video["images"]) == pytest.approx(12 * 2.5, abs=2)
    # Seconds of the motion, which starts 0.4 s into the video.
    assert video["times"] == sorted(video["times"]) and video["times"][0] == 0 and video["times"][-1] <= 2.6
    assert all(image.startswith("data:image/jpeg;base64,/9j/") for image in video["images"])
    assert len(text) < 3e6


def test_what_is_refused(checkpoint, clip, tmp_path):
    fake = tmp_path / "fake.mp4"
    fake.write_bytes(b"no video" * 50)
    for command in (["measure", str(fake)], ["ask", str(fake), "What?"], ["view", str(fake), "-o", str(tmp_path / "x.html")]):
        done = run(*command, "--model", checkpoint)
        assert done.exit_code == 2 and "fake.mp4" in done.stderr and "Traceback" not in done.stderr, done.output
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text("{}")
    done = run("measure", clip, "--model", str(bare))
    assert done.exit_code == 2 and "llamo init" in done.stderr
    done = run("measure", clip, "--model", checkpoint, "--box", "1,2")
    assert done.exit_code == 2 and "left,top,right,bottom" in done.stderr
    (tmp_path / "empty").mkdir()
    done = run("measure", str(tmp_path / "empty"))
    assert done.exit_code == 2 and "a folder" in done.stderr
    with pytest.raises(BadInputError, match="Expected a checkpoint"):
        motion_files.read_file(clip, None, "/nowhere")
