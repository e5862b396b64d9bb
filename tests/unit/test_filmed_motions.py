"""Rows with rendered videos: what they ask is what they show, in all three forms, and the same bytes however they are made."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import encode, make_processor, make_walk, user

from llamo.processing.video_motion_llamo import VideoMotions
from llamo.processing.video_processing_llamo import LlamoFrameProcessor
from llamo.processing.video_reading_llamo import probe_video, sample_frames
from llamo.train import filmed_motions
from llamo.train.conversations import filmed_row, motion_part, video_part
from llamo.train.filmed_motions import (
    FORMS,
    MOST_BYTES,
    MOST_FRAMES,
    draw_filmed,
    encoded,
    film_motion,
    picture_side,
    seen_truth,
    side_is_clear,
)
from llamo.train.make_data import DataPlan, data_card, make_data
from llamo.train.questions import score
from llamo.train.rendering.camera import random_camera
from llamo.train.rendering.scene import random_scene


PLAN = DataPlan(
    num=10,
    num_validation=2,
    seed=5,
    rows_per_shard=5,
    text_share=0.0,
    recorded_share=0.0,
    pair_share=0.0,
    video_share=1.0,
    video_size=48,
)


def content(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def drawn() -> list:
    rng = np.random.default_rng(1)
    return [draw_filmed(rng, 48) for _ in range(16)]


def seeing():
    processor = make_processor()
    processor.frame_processor = LlamoFrameProcessor(image_size=16, num_frames=4)
    return processor


def test_every_form_asks_what_it_can_answer(drawn):
    forms, needs = set(), set()
    for asked in drawn:
        form = asked.program["form"]
        forms.add(form)
        kinds = [question.kind for question in asked.questions]
        for question in asked.questions:
            assert score(question, question.answer), question
        if form == "motion":
            assert asked.video is None and "unanswerable" in kinds and "scene" not in asked.program
            continue
        needs |= {question.needs for question in asked.questions}
        assert "unanswerable" not in kinds and len(asked.video) <= MOST_BYTES
        info = probe_video({"bytes": asked.video})
        assert (info.width, info.height) == (48, 48)
        seconds = len(asked.joints) / 20
        if form == "video":  # the motion begins when the person has been found, and ends with the video
            assert -0.4 < asked.offset_s <= 0 and asked.offset_s + info.seconds == pytest.approx(seconds, abs=1.0)
        else:
            assert asked.offset_s >= -0.31 and asked.offset_s + info.seconds <= seconds + 1.0
        assert len(sample_frames({"bytes": asked.video}, 100)[0]) <= MOST_FRAMES
    assert forms == set(FORMS) and needs == {"motion", "video", "both"}


def test_rows_reach_model_inputs_and_videos_follow_their_motion(drawn):
    rng, processor, orders, videos = np.random.default_rng(0), seeing(), set(), 0
    for asked in drawn:
        row = filmed_row(asked, rng, 3)
        if row is None:
            continue
        kinds = [part["type"] for part in row["messages"][0]["content"]]
        orders.add(tuple(kinds))
        inputs = encode(processor, row["messages"])
        assert ("pixel_values_videos" in inputs) == ("video" in kinds) == (asked.video is not None)
        if asked.video is not None:
            videos += 1
            assert inputs["video_times"][0, 0] == pytest.approx(asked.offset_s, abs=1e-5)
            assert inputs["video_motion_ids"].tolist() == [0]
    assert videos > 4 and len(orders) > 2


def test_a_video_alone_is_stored_as_the_processor_would_make_it(drawn):
    """Motion and video of such a row give the same inputs as the video alone, with the estimator at work."""
    asked = next(each for each in drawn if each.program["form"] == "video" and each.offset_s < 0)

    def estimate(source, **choice):
        contacts = np.zeros((len(asked.joints), 4))
        return SimpleNamespace(joints=asked.joints, fps=20.0, contacts=contacts, start=-asked.offset_s, report={})

    processor = seeing()
    processor.video_motions = VideoMotions(estimator=SimpleNamespace(estimate=estimate))
    alone = encode(processor, [user({"type": "video", "bytes": asked.video}, "What?")])
    stored = encode(seeing(), [user(motion_part(asked.joints), video_part(asked.video, asked.offset_s), "What?")])
    assert set(alone) == set(stored)
    for name in alone:
        assert torch.allclose(alone[name].float(), stored[name].float(), atol=1e-5), name


def test_the_same_bytes_with_any_number_of_processes(tmp_path):
    make_data(PLAN, tmp_path / "one")
    threads = torch.get_num_threads()
    make_data(PLAN, tmp_path / "two", num_proc=2)
    assert content(tmp_path / "one") == content(tmp_path / "two") and torch.get_num_threads() == threads
    card = (tmp_path / "one" / "README.md").read_text()
    assert "--video-share 1 --video-size 48" in card and "`offset_s`" in card
    assert "offset_s" not in data_card(DataPlan(num=1), {})
    import pyarrow.parquet as parquet

    rows = parquet.read_table(tmp_path / "one" / "data").to_pylist()
    assert len(rows) == 12 and len({json.loads(row["program"])["form"] for row in rows}) > 1
    assert all(row["images"] == [] and row["answer"] for row in rows)


@pytest.mark.parametrize("wrong", [{"video_size": 51}, {"video_size": 8}, {"video_share": 0.9}, {"video_share": -0.1}])
def test_plans_out_of_range(wrong):
    with pytest.raises(ValueError, match="Expected"):
        DataPlan(num=4, **wrong)


def test_sides_are_told_where_they_are_clear():
    still = make_walk(20, speed=0.0)
    for yaw, clear in ((0.1, True), (np.pi / 2, True), (np.pi / 4, False)):
        camera = random_camera(still, np.random.default_rng(0), (64, 64), "static", yaw=yaw)
        assert side_is_clear(camera, still) == clear
    turning = still.copy()
    angles = np.linspace(0, 2 * np.pi, 20)
    turn = np.stack([np.stack([np.cos(angles), np.sin(angles)], -1), np.stack([-np.sin(angles), np.cos(angles)], -1)], -2)
    turning[..., [0, 2]] = np.einsum("tij,tnj->tni", turn, still[..., [0, 2]])
    camera = random_camera(turning, np.random.default_rng(0), (64, 64), "static", yaw=0.0)
    assert not side_is_clear(camera, turning)


def test_what_is_not_seen_is_not_asked():
    walk = make_walk(12)
    scene = random_scene(walk, np.random.default_rng(0), (48, 48), "close", "ball", yaw=0.0)
    assert seen_truth(scene)["trousers"] is None and seen_truth(scene)["shirt"] == scene.truth()["shirt"]
    pair = random_scene([walk, walk + (2.0, 0, 0)], np.random.default_rng(0), (48, 48), "static", yaw=0.0)
    truth = seen_truth(pair)
    assert truth["shirt"] is None and truth["side"] is None and truth["who"]["colour"] == pair.truth()["shirt"]
    # A thing in the middle has no side; far on the left of the picture it has.
    scene.things[0]["centres"] = np.repeat(scene.camera.eyes[:1], 12, 0) + scene.camera.rotations[:1, 2] * 3
    assert picture_side(scene) is None
    scene.things[0]["centres"] = scene.things[0]["centres"] - scene.camera.rotations[:1, 0]
    assert picture_side(scene) == "left"


def test_things_that_nobody_sees_are_not_there(monkeypatch):
    rng = np.random.default_rng(3)
    monkeypatch.setattr(filmed_motions, "THINGS", ("chair",))
    seen = film_motion(make_walk(30, speed=0.0), np.random.default_rng(3), 48)
    monkeypatch.setattr(filmed_motions, "FEWEST_PIXELS", 2.0)
    unseen = film_motion(make_walk(30, speed=0.0), rng, 48)
    assert seen.truth["things"] and not unseen.truth["things"]
    changed = np.abs(seen.frames.astype(int) - unseen.frames).max(-1) > 8
    assert 0 < changed.mean() < 0.2  # all else is the same


def test_large_videos_are_coded_until_they_are_small():
    noise = np.random.default_rng(0).integers(0, 255, (24, 112, 112, 3)).astype(np.uint8)
    assert len(encoded(noise, 5.0, 20)) <= MOST_BYTES
