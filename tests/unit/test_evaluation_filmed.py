"""Suite `filmed`: a motion is filmed, the estimator makes a motion of the video alone, and that is what is asked about."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import make_config, make_model, make_processor

from llamo.processing.video_motion_llamo import VideoMotions
from llamo.train.evaluation import answering, filmed
from llamo.train.evaluation.answering import Answerer
from llamo.train.evaluation.runner import RunOptions, run_suite
from llamo.train.evaluation.suite import SuiteOptions


@pytest.fixture(scope="module")
def items():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(filmed, "SIZE", 48)
        return filmed.build(SuiteOptions(limit=4, seed=2))


@pytest.fixture
def processor(items):
    """Without a vision tower; its estimator sees half of each motion, and nobody in the first video."""
    joints = {item.videos["whole"][0]: item.joints[::2] for item in items}

    def estimate(source, **choice):
        if source["bytes"] == items[0].videos["whole"][0]:
            raise ValueError("nobody")
        found = joints[source["bytes"]]
        return SimpleNamespace(joints=found, fps=20.0, contacts=np.zeros((len(found), 4)), start=0.0, report={})

    processor = make_processor()
    processor.video_motions = VideoMotions(estimator=SimpleNamespace(estimate=estimate))
    return processor


def test_each_motion_is_filmed_once(items):
    assert [item.id for item in items] == [f"filmed-{index:06d}" for index in range(4)]
    for item in items:
        assert item.seconds <= filmed.LONGEST and item.question.kind != "unanswerable"
        assert item.videos["whole"] is next(each for each in items if each.joints is item.joints).videos["whole"]


def test_the_video_alone_is_shown(items, processor):
    ask = Answerer(None, processor, items)
    place = next(place for place, item in enumerate(items) if item.videos["whole"] != items[0].videos["whole"])
    question, motions, videos = ask.shown(place, "model")
    assert question == items[place].question.question and videos == ()
    assert np.array_equal(motions[0][0], items[place].joints[::2])
    assert ask.shown(0, "model") is None, "nobody is seen: no answer, and so a wrong one"
    assert np.array_equal(ask.shown(0, "motion")[1][0][0], items[0].joints)


def test_a_run_tells_what_the_video_costs(items, processor, tmp_path, monkeypatch):
    monkeypatch.setattr(answering, "NEW_TOKENS", {})
    monkeypatch.setattr(answering, "DEFAULT_NEW_TOKENS", 2)
    suite = filmed.Suite(**{**filmed.SUITE.__dict__, "build": lambda options: list(items)})
    run_suite(suite, SuiteOptions(), RunOptions(out=str(tmp_path)), (processor, make_model(make_config(processor))))
    results = json.loads((tmp_path / "results.json").read_text())
    records = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert records[0]["prediction"] == "" and not records[0]["correct"] and "motion" in records[0]
    assert results["overall"]["blind"] is not None and results["overall"]["shuffled"] is None
    assert set(results["measures"]["given the motion itself"]) == {item.kind for item in items}


def test_the_cost_is_what_the_motion_itself_would_have_got(items):
    records = [{"correct": index == 0, "motion_correct": index < 3} for index in range(4)]
    found = filmed.measures(items, records, None)
    assert found["points that the way through a video costs"] == 50.0
