"""`llamo data prepare`: public data sets in their published layout, own folders, and what cannot be used."""

import json

import numpy as np
import pyarrow.parquet as parquet
import pytest
from conftest import make_walk
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.processing.humanml_features_llamo import joints_to_humanml
from llamo.processing.motion_formats_llamo import read_motion
from llamo.train.prepare_data import prepare_data
from llamo.train.public_data import sentence


def rows_in(folder) -> list[dict]:
    return [row for path in sorted(folder.rglob("*.parquet")) for row in parquet.read_table(path).to_pylist()]


def texts_of(row) -> list[str]:
    return [part["text"] for message in row["messages"] for part in message["content"] if part["type"] == "text"]


def seconds_of(row, tmp_path) -> float:
    path = tmp_path / "one.npz"
    path.write_bytes(next(part["bytes"] for part in row["messages"][0]["content"] if part["type"] == "motion"))
    return read_motion(path).seconds


@pytest.fixture
def humanml3d(tmp_path):
    root = tmp_path / "HumanML3D"
    for name in ("new_joints", "texts", "new_joint_vecs"):
        (root / name).mkdir(parents=True)
    for index, name in enumerate(("000001", "M000001", "000002")):
        np.save(root / "new_joints" / f"{name}.npy", make_walk(80, seed=index))
        (root / "texts" / f"{name}.txt").write_text(
            "a person walks forward#a/DET person/NOUN walk/VERB forward/ADV#0.0#0.0\n"
            "someone steps on the spot.#someone/PRON step/VERB#1.0#2.5\n"
            "the man strolls#the/DET man/NOUN stroll/VERB#nan#nan\n"
        )
    (root / "train.txt").write_text("000001\nM000001\n")
    (root / "val.txt").write_text("000002\n")
    (root / "test.txt").write_text("000003\n")
    return root


def test_humanml3d(humanml3d, tmp_path):
    found = prepare_data("humanml3d", humanml3d, tmp_path / "out")
    rows = rows_in(tmp_path / "out")
    assert found.rows == len(rows) == 6 and not found.left_out
    assert [row["answer"] for row in rows[:3]] == ["A person walks forward.", "The man strolls.", "Someone steps on the spot."]
    assert seconds_of(rows[0], tmp_path) == pytest.approx(4.0, abs=0.06)
    assert seconds_of(rows[2], tmp_path) == pytest.approx(1.5, abs=0.06)
    prepare_data("humanml3d", humanml3d, tmp_path / "out", split="val")
    assert len(list((tmp_path / "out" / "data").glob("validation-*"))) == 1 and len(rows_in(tmp_path / "out")) == 9


def test_published_test_items_are_refused(humanml3d, tmp_path):
    with pytest.raises(ValueError, match="never trained on"):
        prepare_data("humanml3d", humanml3d, tmp_path / "out", split="test")
    assert not (tmp_path / "out").exists()


def test_features_stand_in_for_joints(humanml3d, tmp_path):
    for path in (humanml3d / "new_joints").glob("*.npy"):
        np.save(humanml3d / "new_joint_vecs" / path.name, joints_to_humanml(np.load(path)))
        path.unlink()
    assert prepare_data("humanml3d", humanml3d, tmp_path / "out").rows == 6


def test_babel(tmp_path):
    amass = tmp_path / "amass" / "CMU" / "01"
    amass.mkdir(parents=True)
    frames = 240
    np.savez(amass / "01_01_poses.npz", poses=np.zeros((frames, 156)), trans=np.zeros((frames, 3)), mocap_framerate=60.0)
    label = {"raw_label": "stand still", "act_cat": ["stand"]}
    spans = [{"raw_label": "stand", "start_t": 0.0, "end_t": 2.0}, {"raw_label": "transition", "start_t": 2.0, "end_t": 2.5}]
    entry = {"babel_sid": 1, "feat_p": "CMU/CMU/01/01_01_poses.npz", "dur": 4.0}
    told = {
        "1": {**entry, "seq_ann": {"labels": [label]}, "frame_ann": None},
        "2": {**entry, "seq_ann": {"labels": [label]}, "frame_ann": {"labels": spans}},
        "3": {**entry, "feat_p": "CMU/CMU/02/lost_poses.npz", "seq_ann": {"labels": [label]}},
    }
    (tmp_path / "babel").mkdir()
    (tmp_path / "babel" / "train.json").write_text(json.dumps(told))
    with pytest.raises(ValueError, match="--amass"):
        prepare_data("babel", tmp_path / "babel", tmp_path / "out")
    found = prepare_data("babel", tmp_path / "babel", tmp_path / "out", amass=tmp_path / "amass")
    assert [row["answer"] for row in rows_in(tmp_path / "out")] == ["Stand still.", "Stand still.", "Stand."]
    assert len(found.left_out) == 1 and "lost" in found.left_out[0][0]


def test_babelqa(tmp_path):
    root = tmp_path / "BABEL-QA"
    (root / "motion_sequences" / "1833").mkdir(parents=True)
    np.save(root / "motion_sequences" / "1833" / "joints.npy", make_walk(90)[..., [0, 2, 1]] * [1, -1, 1])
    question = {"question": "what action does the person do before they turn?", "answer": "walk", "babel_id": "1833"}
    (root / "questions.json").write_text(json.dumps({"0": question, "1": {**question, "answer": "run"}}))
    (root / "split_question_ids.json").write_text(json.dumps({"train": ["0"], "val": [], "test": ["1"]}))
    prepare_data("babelqa", root, tmp_path / "out")
    (row,) = rows_in(tmp_path / "out")
    assert texts_of(row) == ["What action does the person do before they turn?", "Walk."]
    assert seconds_of(row, tmp_path) == pytest.approx(3.0, abs=0.06)


def test_motionx(tmp_path):
    root = tmp_path / "Motion-X"
    motion = np.zeros((60, 322), np.float32)
    motion[:, 310] = 1.0
    for name in ("idea400/subset_0001/Wave", "idea400/subset_0001/Lost", "fitness/Squat"):
        text = root / "texts" / "semantic_labels" / f"{name}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(f"a person shows {text.stem.lower()}\n")
        if "Lost" not in name:
            (root / "motion_data" / "smplx_322" / name).parent.mkdir(parents=True, exist_ok=True)
            np.save(root / "motion_data" / "smplx_322" / f"{name}.npy", motion)
    (root / "train.txt").write_text("idea400/subset_0001/Wave\nhumanml/000001\nidea400/subset_0001/Lost\n")
    (root / "val.txt").write_text("fitness/Squat\n")
    found = prepare_data("motionx", root, tmp_path / "out")
    (row,) = rows_in(tmp_path / "out")
    assert row["answer"] == "A person shows wave." and seconds_of(row, tmp_path) == pytest.approx(2.0, abs=0.06)
    assert len(found.left_out) == 1 and "Lost" in found.left_out[0][0]


def test_own_folder(tmp_path):
    root = tmp_path / "mine"
    root.mkdir()
    for name in ("a", "b"):
        np.savez(root / f"{name}.npz", joints=make_walk(80), fps=20.0)
    (root / "broken.npz").write_bytes(b"PK\x03\x04 nothing")
    (root / "metadata.csv").write_text(
        "file_name,text,question,answer,start,end,split\n"
        'a.npz,"a calm walk, to be looped",,,,,\n'
        "a.npz,,Is this loopable?,Yes.,,,train\n"
        "b.npz,the first second,,,0,1,\n"
        "b.npz,kept for later,,,,,val\n"
        "broken.npz,lost,,,,,\n"
    )
    done = CliRunner().invoke(app, ["data", "prepare", str(root), "--from", "folder", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0 and "left out" in done.output and "broken.npz" in done.output, done.output
    rows = rows_in(tmp_path / "out")
    assert [texts_of(row)[1] for row in rows] == ["A calm walk, to be looped.", "Yes.", "The first second."]
    assert seconds_of(rows[2], tmp_path) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize(
    ("source", "files", "said"),
    [
        ("humanml3d", {}, "published layout"),
        ("folder", {}, "metadata.jsonl"),
        ("folder", {"metadata.jsonl": '{"file_name": "a.npz"}'}, "row 1"),
        ("folder", {"metadata.jsonl": '{"file_name": "a.npz", "text": "x"}'}, "a.npz"),
        ("babelqa", {"questions.json": "{"}, "published layout|JSON"),
        ("tiktok", {}, "tiktok"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, source, files, said):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=said):
        prepare_data(source, tmp_path, tmp_path / "out")


def test_sentences():
    assert sentence("a  person walks") == "A person walks." and sentence("Why?") == "Why?"
