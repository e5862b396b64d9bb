"""Clips and labels from strangers' Parquet files, and what is asked about them."""

from collections import Counter

import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pytest
from conftest import make_walk

from llamo.train.evaluation import real
from llamo.train.evaluation.labelled_clips import action_key, read_clips
from llamo.train.evaluation.statistics import majority
from llamo.train.evaluation.suite import SuiteOptions
from llamo.train.questions import score


def write(path, rows):
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return str(path)


def quantised(joints):
    return (joints / 0.0005).round().astype("<i2").tobytes()


def test_joints_in_every_form(tmp_path):
    walk = make_walk(40)
    rows = [{"fps": 20.0, "joints_q": quantised(walk)}]
    whole = read_clips(write(tmp_path / "q.parquet", rows))[0].clip
    nested = read_clips(write(tmp_path / "n.parquet", [{"fps": 20.0, "joints": walk.tolist()}]))[0].clip
    flat = read_clips(write(tmp_path / "f.parquet", [{"fps": 20.0, "joints": walk.reshape(-1).tolist()}]))[0].clip
    packed = read_clips(write(tmp_path / "b.parquet", [{"fps": 20.0, "joints": walk.astype("<f4").tobytes()}]))[0].clip
    integers = [{"fps": 20.0, "joints_q": (walk / 0.0005).round().astype(int).reshape(-1).tolist()}]
    listed = read_clips(write(tmp_path / "i.parquet", integers))[0].clip
    for clip in (nested, flat, packed, listed):
        assert clip.joints.shape == (40, 22, 3) and abs(clip.joints - whole.joints).max() < 0.001


def test_labels(tmp_path):
    rows = [
        {"fps": 20.0, "joints_q": quantised(make_walk(40)), "action": "walking", "style": "old", "captions": ["someone walks"]},
        {"fps": 20.0, "joints_q": quantised(make_walk(40)), "action": "moonwalking", "style": None, "captions": []},
        {"fps": 20.0, "joints_q": quantised(make_walk(40)), "action": "", "style": "", "captions": ["a person does squats."]},
    ]
    first, second, third = read_clips(write(tmp_path / "a.parquet", rows))
    assert first.clip.actions == ("walk",) and first.style == "old" and first.action is None
    assert second.clip.actions == () and second.action == "moonwalking" and second.style is None
    assert third.clip.actions == ("squat",)
    assert action_key("jumping_jacks".replace("_", " ")) == "jumping_jack" and action_key("yodelling") is None


def test_only_what_is_kept_for_judging(tmp_path):
    rows = [{"fps": 20.0, "joints_q": quantised(make_walk(30)), "split": split} for split in ("train", "val", "test")]
    path = write(tmp_path / "a.parquet", rows)
    assert [one.clip.split for one in read_clips(path)] == ["val", "test"]
    assert len(read_clips(path, "train")) == 1 and len(read_clips(path, "all")) == 3


def test_files_that_do_not_hold_clips(tmp_path):
    with pytest.raises(ValueError, match=r"Expected the columns joints or joints_q, and fps, got fps"):
        read_clips(write(tmp_path / "a.parquet", [{"fps": 20.0}]))
    with pytest.raises(ValueError, match=r"got 65 numbers at 20.0 frames per second in row 0 of b.parquet"):
        read_clips(write(tmp_path / "b.parquet", [{"fps": 20.0, "joints": [0.0] * 65}]))
    (tmp_path / "c.parquet").write_bytes(b"no parquet")
    with pytest.raises(ValueError, match="Expected a Parquet file"):
        read_clips(tmp_path / "c.parquet")
    with pytest.raises(ValueError, match="got none for the suite real"):
        real.build(SuiteOptions())


def test_labels_outside_of_the_catalogue_are_asked_for(tmp_path):
    rows = [
        {
            "id": f"clip {index}",
            "fps": 20.0,
            "joints_q": quantised(make_walk(40, seed=index)),
            "action": ("moonwalking", "yodelling", "lockpicking", "juggling knives")[index % 4],
            "style": ("angry", "old", "proud")[index % 3],
            "captions": [("He glides back.", "She sings.", "They fiddle with a lock.", "Knives fly.")[index % 4]],
        }
        for index in range(12)
    ]
    path = write(tmp_path / "a.parquet", rows)
    items = real.build(SuiteOptions(limit=60, data=(path,)))
    kinds = {one.kind for one in items}
    assert {"action", "choice", "style", "caption_choice"} <= kinds
    assert all(real.SUITE.verdicts(items, [one.question.answer for one in items]))
    style = next(one for one in items if one.kind == "style")
    assert "A) " in style.question.question and set(style.question.choices) <= {"angry", "old", "proud"}
    caption = next(one for one in items if one.kind == "caption_choice")
    # The same words about another clip are no wrong choice.
    assert len(set(caption.question.choices)) == len(caption.question.choices) == 4
    named = next(one for one in items if one.kind == "action")
    assert real.SUITE.verdicts([named], ["yodelling and juggling knives"]) == [False]


def test_of_a_large_file_every_action_is_looked_at(tmp_path):
    rows = [
        {"id": str(index), "fps": 20.0, "joints_q": quantised(make_walk(20)), "action": "yodelling" if index < 95 else "walk"}
        for index in range(100)
    ]
    clips = real.spread(read_clips(write(tmp_path / "a.parquet", rows)), 8, np.random.default_rng(0))
    assert len(clips) == 8 and sum(one.action == "yodelling" for one in clips) == 4


def test_recorded_clips_reach_ten_questions_a_kind_and_no_answer_rules(shared):
    paths = [str(shared / "data" / f"{name}.parquet") for name in ("cmu_train", "deepmimic_val")]
    items = real.real_items(paths, 330, seed=0)
    counts = Counter(one.kind for one in items)
    for kind in ("action", "choice", "side", "direction", "count", "posture", "yes_no", "caption"):
        assert counts[kind] >= 10, counts
    assert all(score(one.question, one.question.answer) for one in items)
    assert majority([one.question for one in items if one.question.kind != "unanswerable"]) < 0.45
