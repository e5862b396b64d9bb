"""What the caller says about a file: fps, units, up axis and joint map, in Python, in a chat part, and on the command line."""

import json

import numpy as np
import pytest
from conftest import make_config, make_model, make_processor
from motion_samples import SAMPLES, amc, amc_values, asf, bvh, npy, npz, walker
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.processing.joint_map_llamo import check_joint_map
from llamo.processing.motion_formats_llamo import FORMATS, MotionFormatError, read_motion
from llamo.processing.motion_processing_llamo import LlamoMotionProcessor
from llamo.processing.skeleton_mapping_llamo import TARGET_NAMES
from llamo.train.initialise import write_checkpoint


NAMES = {
    "pelvis": "Hips", "spine3": "Spine1", "neck": "Neck", "head": "Head",
    "left_hip": "LeftUpLeg", "left_knee": "LeftLeg", "left_ankle": "LeftFoot", "left_foot": "LeftToeBase",
    "left_collar": "LeftShoulder", "left_shoulder": "LeftArm", "left_elbow": "LeftForeArm", "left_wrist": "LeftHand",
}  # fmt: skip
NAMES |= {name.replace("left", "right"): word.replace("Left", "Right") for name, word in NAMES.items() if "left" in name}


def foreign(data: bytes) -> tuple[bytes, dict]:
    """The sample BVH with joints called Knochen1, Knochen2 ..., and our joints -> these names."""
    text, joint_map = data.decode(), {}
    for index, (ours, word) in enumerate(sorted(NAMES.items(), key=lambda pair: -len(pair[1]))):
        text = text.replace(f"JOINT {word}\n", f"JOINT Knochen{index}\n").replace(f"ROOT {word}\n", f"ROOT Knochen{index}\n")
        joint_map[ours] = f"Knochen{index}"
    return text.encode(), joint_map


def test_a_joint_map_gives_what_the_names_give():
    data, joint_map = foreign(bvh())
    named, mapped = read_motion(bvh()), read_motion(data, joint_map=joint_map)
    for name in NAMES:
        index = TARGET_NAMES.index(name)
        np.testing.assert_allclose(mapped.joints[:, index], named.joints[:, index], atol=1e-6)


def test_names_and_joint_map_together():
    """Only what the names do not tell has to be said; a list is averaged; case and namespace do not matter."""
    data = bvh().replace(b"JOINT LeftLeg\n", b"JOINT Thing\n").replace(b"JOINT Head\n", b"JOINT Rig:Other\n")
    motion = read_motion(data, joint_map={"left_knee": "thing", "head": ["Other", "Neck"]})
    named = read_motion(bvh())
    np.testing.assert_allclose(motion.joints[:, 4], named.joints[:, 4], atol=1e-6)
    middle = named.joints[:, [12, 15]].mean(1)
    np.testing.assert_allclose(motion.joints[:, 15], middle, atol=1e-6)
    with pytest.raises(MotionFormatError, match=r"left arm.*--joint-map"):
        read_motion(data.replace(b"JOINT LeftHand\n", b"JOINT What\n").replace(b"JOINT LeftForeArm\n", b"JOINT X\n"),
                    joint_map={"left_knee": "Thing"})  # fmt: skip


def test_every_joint_of_a_joint_map_as_numbers():
    joints = walker()
    order = np.random.default_rng(0).permutation(30)[:22]
    table = np.random.default_rng(1).normal(size=(len(joints), 30, 3))
    table[:, order] = joints
    joint_map = {name: int(order[index]) for index, name in enumerate(TARGET_NAMES)}
    for data in (npy(table), npz(joints=table, fps=25)):
        motion = read_motion(data, joint_map=joint_map)
        np.testing.assert_allclose(motion.joints, joints, atol=1e-5)
        assert motion.source_joints == 30
    names = np.array([f"j{index}" for index in range(30)])
    motion = read_motion(npz(joints=table, names=names), joint_map={name: f"J{at}" for name, at in joint_map.items()})
    np.testing.assert_allclose(motion.joints, joints, atol=1e-5)


def test_a_joint_map_as_json(tmp_path):
    data, joint_map = foreign(bvh())
    path = tmp_path / "map.json"
    path.write_text(json.dumps(joint_map), encoding="utf-8-sig")
    expected = read_motion(data, joint_map=joint_map).joints
    np.testing.assert_array_equal(read_motion(data, joint_map=str(path)).joints, expected)
    np.testing.assert_array_equal(read_motion(data, joint_map=path).joints, expected)


@pytest.mark.parametrize(
    ("joint_map", "words"),
    [
        ({"left_thigh": "LeftUpLeg"}, "left_thigh"),
        ({}, "at least one joint"),
        ({"left_knee": 1.5}, "1.5"),
        ({"left_knee": []}, "names or numbers"),
        ({"left_knee": True}, "True"),
        ({"left_knee": "Nowhere"}, r"Nowhere.*LeftLeg"),
        ({"left_knee": 999}, "999"),
        ("nowhere.json", "nowhere.json"),
        (7, "dict"),
        ({"left_hip": "LeftUpLeg", "left_knee": "LeftUpLeg"}, "left"),
    ],
)
def test_bad_joint_maps(joint_map, words):
    with pytest.raises(MotionFormatError, match=words):
        read_motion(bvh(), joint_map=joint_map)


@pytest.mark.parametrize("said", [{"skeleton": "martian"}, {"units": "furlong"}, {"up_axis": "w"}])
def test_words_that_no_reader_knows_are_refused_by_all_and_quoted(said):
    with pytest.raises(MotionFormatError, match=repr(*said.values())):
        read_motion(bvh(), **said)


def test_bad_json(tmp_path):
    path = tmp_path / "map.json"
    for text in ("", "{", "[1]", '{"left_knee": {"a": 1}}', "[" * 100_000, "{" + " " * (2 << 20) + "}"):
        path.write_text(text)
        with pytest.raises(MotionFormatError, match=r"map\.json"):
            read_motion(bvh(), joint_map=path)


def test_none_is_not_said():
    """Rows of a data set have every key."""
    assert check_joint_map({"left_knee": "A", "right_knee": None}) == {"left_knee": ("A",)}
    assert check_joint_map(None) is None


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.wrap is None and name != "gltf"])
def test_every_reader_obeys_and_reports(name):
    sample = SAMPLES[name]
    arguments = sample.arguments(sample.make())
    motion = read_motion(**arguments)
    assert motion.format in [row.name for row in FORMATS] and motion.skeleton and motion.assumed is not None
    said = read_motion(**arguments, fps=50, units=motion.units, up_axis="y")
    assert said.fps == 50 and said.up_axis == "+y"
    assert not any(word in note for note in said.assumed for word in ("frames per second", "units taken", "up axis taken"))
    assert said.seconds == pytest.approx((len(said.joints) - 1) / 50)


def test_a_chat_part_says_it_too(tmp_path):
    data, joint_map = foreign(bvh())
    path = tmp_path / "clip.bvh"
    path.write_bytes(data)
    processor = LlamoMotionProcessor()
    raw = processor.load({"type": "motion", "path": path, "joint_map": joint_map, "fps": 60, "units": "cm", "up_axis": "y"})
    assert (raw.fps, raw.units, raw.up_axis) == (60, "cm", "+y")
    np.testing.assert_array_equal(raw.joints, read_motion(data, joint_map=joint_map, units="cm", up_axis="y").joints)
    same = processor.load({"type": "motion", "path": path, "fps": 60}, joint_map=joint_map, fps=10, units="cm", up_axis="y")
    assert same.fps == 60, "the part's own word comes first"
    np.testing.assert_array_equal(same.joints, raw.joints)
    values = processor([{"path": path}], return_tensors="np", joint_map=joint_map, units="cm", up_axis="y", fps=60)
    expected = processor(
        [{"path": path, "joint_map": joint_map, "units": "cm", "up_axis": "y", "fps": 60}], return_tensors="np"
    )
    np.testing.assert_array_equal(values["motion_values"], expected["motion_values"])
    with pytest.raises(ValueError, match="unitts"):
        processor.load(path, unitts="cm")
    raw = processor.load({"type": "motion", "bytes": amc(amc_values()), "asf": asf()})
    assert raw.format == "amc"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("options") / "llamo"
    processor = make_processor()
    write_checkpoint(folder, make_model(make_config(processor)), processor)
    return str(folder)


def run(*arguments, **kwargs):
    return CliRunner().invoke(app, list(arguments), **kwargs)


def test_flags_of_ask_and_chat(checkpoint, tmp_path):
    data, joint_map = foreign(bvh(40))
    path, map_path = tmp_path / "clip.bvh", tmp_path / "map.json"
    path.write_bytes(data)
    map_path.write_text(json.dumps(joint_map))
    flags = ["--fps", "60", "--units", "cm", "--up-axis", "y", "--joint-map", str(map_path)]
    flags += ["--model", checkpoint, "--max-new-tokens", "2"]
    done = run("ask", str(path), "What?", "--json", *flags)
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout.strip().splitlines()[-1])["inputs"]
    assert (report["source_fps"], report["units"], report["up_axis"]) == (60, "cm", "+y")
    assert set(report) >= {"format", "source_fps", "frames", "seconds", "units", "up_axis", "skeleton", "assumed"}
    done = run("chat", str(path), *flags, input=f"What?\n/add {path}\n/quit\n")
    assert done.exit_code == 0 and done.output.count("at 60 fps") == 2, done.output
    done = run("ask", str(path), "What?", "--joint-map", str(tmp_path / "none.json"), "--model", checkpoint)
    assert done.exit_code == 2 and "none.json" in done.stderr and not done.stdout and "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    for flag, value in (("--fps", "-3"), ("--units", "parsec"), ("--up-axis", "north")):
        done = run("ask", str(path), "What?", flag, value, "--model", checkpoint)
        assert done.exit_code == 2 and not done.stdout


def test_the_skeleton_of_an_amc_on_the_command_line(checkpoint, tmp_path):
    (tmp_path / "walk.amc").write_bytes(amc(amc_values()))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.asf").write_bytes(asf())
    flags = ["--model", checkpoint, "--max-new-tokens", "2", "--json"]
    done = run("ask", str(tmp_path / "walk.amc"), "What?", *flags)
    assert done.exit_code == 2 and "--asf" in done.stderr
    done = run("ask", str(tmp_path / "walk.amc"), "What?", "--asf", str(tmp_path / "other" / "x.asf"), *flags)
    assert done.exit_code == 0 and json.loads(done.stdout)["inputs"][0]["format"] == "amc"
