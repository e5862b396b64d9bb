"""Suite `both`: every need under every condition, with a tiny model that sees and an estimator that is made up."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import make_config, make_model, make_processor

from llamo.processing.video_motion_llamo import VideoMotions
from llamo.processing.video_processing_llamo import LlamoFrameProcessor
from llamo.train.evaluation import answering, both
from llamo.train.evaluation.answering import VIDEO_CONDITIONS, Answerer
from llamo.train.evaluation.items import fingerprint
from llamo.train.evaluation.runner import RunOptions, run_suite
from llamo.train.evaluation.suite import SuiteOptions


TOWER = {
    "model_type": "swin", "image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2],
    "window_size": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def items():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(both, "SIZE", 48)
        patched.setattr(both, "LONGEST", 4.0)
        return both.build(SuiteOptions(limit=6, seed=1))


@pytest.fixture
def seeing(items):
    """A processor whose estimator sees each clip's own motion from 0.1 s on, and nobody in the first clip."""
    processor = make_processor()
    processor.frame_processor = LlamoFrameProcessor(image_size=32, num_frames=3)
    joints = {item.videos["whole"][0]: item.joints[2:] for item in items}

    def estimate(source, **choice):
        if source["bytes"] == items[0].videos["whole"][0]:
            raise ValueError("nobody")
        found = joints[source["bytes"]]
        return SimpleNamespace(joints=found, fps=20.0, contacts=np.zeros((len(found), 4)), start=0.1, report={})

    processor.video_motions = VideoMotions(estimator=SimpleNamespace(estimate=estimate))
    return processor


def test_every_clip_is_asked_what_needs_motion_video_and_both(items):
    assert {item.kind for item in items} == {"needs motion", "needs video", "needs both"}
    for item in items:
        assert item.question.held_out and item.question.needs == item.facts["needs"]
        assert set(item.videos) == {"whole", "middle"} and item.videos["middle"][1] > 0


def test_the_same_questions_have_the_same_fingerprint(items):
    from dataclasses import replace

    other = [replace(items[0], videos={"whole": (b"other", 0.0)}), *items[1:]]
    assert fingerprint(items) == fingerprint(list(items)) != fingerprint(other)


def test_what_is_shown_under_each_condition(items, seeing):
    ask = Answerer(None, seeing, items)
    whole = items[3].videos["whole"][0]
    assert ask.shown(3, "motion")[2] == ask.shown(3, "neither")[2] == ask.shown(3, "half")[2] == ()
    assert ask.shown(4, "half")[2][0] == items[4].videos["whole"]
    assert ask.shown(3, "model")[2] == ((whole, 0.0),) and ask.shown(3, "shifted")[2] == ((whole, 0.5),)
    assert ask.shown(3, "shorter")[2] == (items[3].videos["middle"],)
    _, motions, videos = ask.shown(3, "video")
    assert len(motions[0][0]) == len(items[3].joints) - 2 and videos == ((whole, -0.1),)
    assert ask.shown(0, "video") is None  # nobody is seen: no answer, and so a wrong one
    with pytest.raises(ValueError, match="condition"):
        ask([3], "sound")
    with pytest.raises(ValueError, match="vision tower"):
        Answerer(None, make_processor(), items)([3], "model")


def test_a_run_fills_the_table(items, seeing, tmp_path, monkeypatch):
    monkeypatch.setattr(both, "build", None)
    monkeypatch.setattr(answering, "NEW_TOKENS", {})
    monkeypatch.setattr(answering, "DEFAULT_NEW_TOKENS", 2)
    suite = both.Suite(**{**both.SUITE.__dict__, "build": lambda options: list(items)})
    model = make_model(make_config(seeing, vision_config=TOWER))
    run_suite(suite, SuiteOptions(), RunOptions(out=str(tmp_path), batch_size=3), (seeing, model))
    results = json.loads((tmp_path / "results.json").read_text())
    assert set(results["measures"]["needs both"]) == {"both", "motion only", "video only", "neither"}
    assert "video 0.5 s late" in results["measures"] and "needs both: both " in (tmp_path / "table.md").read_text()
    records = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert all(f"{condition}_correct" in record for record in records for condition in VIDEO_CONDITIONS)
    assert records[0]["video"] == "" and not records[0]["video_correct"]


def test_the_measures_count_what_was_right(items):
    records = [
        {"correct": True, **{f"{condition}_correct": condition == item.facts["needs"] for condition in VIDEO_CONDITIONS}}
        for item in items
    ]
    found = both.measures(items, records, None)
    assert found["needs motion"] == {"both": 1.0, "motion only": 1.0, "video only": 0.0, "neither": 0.0}
    assert found["needs both"]["both"] == 1.0 and found["both inputs are best where both are needed"]
    assert found["points that a video costs where motion is enough"] == 0.0
