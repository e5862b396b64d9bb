"""Recorded clips: read from Parquet, labelled in the catalogue's words, cut and mirrored without false labels."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llamo.train.asked_motions import draw_many
from llamo.train.labelled_motion import IGNORE
from llamo.train.make_data import DataPlan, data_card
from llamo.train.questions import ask_recorded, score
from llamo.train.questions.vocabulary import action
from llamo.train.recorded import label, read_recorded, t_pose_frames, windows
from llamo.train.synthesis.engine import synthesize


def row(joints, name="clip_1", description="walk", split="train", **more):
    quantised = np.round(np.asarray(joints) / 0.0005).astype("<i2")
    return {
        "id": name, "split": split, "trial_description": description, "captions": [description], "fps": 20,
        "num_frames": len(quantised), "joints_q": quantised.tobytes(), "coverage": 1.0, "motion_format": "amc", **more,
    }  # fmt: skip


def write(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.fixture(scope="module")
def walk_joints():
    return synthesize(np.random.default_rng(0), actions=["walk"]).joints


def test_read(tmp_path, walk_joints):
    path = write(tmp_path / "clips.parquet", [
        row(walk_joints), row(walk_joints, "clip_2", split="val", coverage=0.7),
        row(walk_joints, "clip_3", "slow walk"),
        row(walk_joints, "clip_4", "juggle five clubs", motion_format="cmu8"),
    ])  # fmt: skip
    clips = read_recorded(path)
    assert [clip.actions for clip in clips] == [("walk",), ("walk",), ("walk",), ()]
    np.testing.assert_allclose(clips[0].joints, walk_joints, atol=0.0003)
    assert clips[0].joints.dtype == np.float32 and clips[0].seconds == pytest.approx(len(walk_joints) / 20)
    assert [clip.whole for clip in clips] == [True, False, True, True]
    assert [clip.approximate for clip in clips] == [False, False, False, True]
    assert clips[2].stated == (("speed", "slow"),)
    assert clips[3].captions == ("Juggle five clubs.",)
    assert [clip.id for clip in read_recorded(path, "val")] == ["clip_2"]


def test_a_file_without_splits_counts_whole(tmp_path, walk_joints):
    rows = [{k: v for k, v in row(walk_joints).items() if k in ("id", "captions", "fps", "num_frames", "joints_q")}]
    path = write(tmp_path / "clips.parquet", rows)
    assert len(read_recorded(path, "val")) == len(read_recorded(path, "train")) == len(read_recorded(path)) == 1


def test_broken_files_say_why(tmp_path, walk_joints):
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "no.parquet")
    with pytest.raises(ValueError, match="expected the columns"):
        read_recorded(tmp_path / "no.parquet")
    broken = row(walk_joints) | {"num_frames": 3}
    with pytest.raises(ValueError, match="row clip_1"):
        read_recorded(write(tmp_path / "bad.parquet", [broken]))


@pytest.mark.parametrize(
    ("description", "actions", "first"),
    [
        ("walk", ("walk",), "The person walks."),
        ("basketball - backward dribble", ("dribble",), "The person dribbles a basketball while moving backwards."),
        ("playground - climb, go under, jump down", ("playground",), "The person climbs on a playground."),
        ("dance - small jetes, pirouette", ("dance",), "The person dances."),
        ("a person does a backflip.", ("backflip",), "The person does a backflip."),
        ("something else", (), "Something else."),
        ("", (), None),
    ],
)
def test_labels(description, actions, first):
    found, _, sentences, _ = label(description)
    assert found == actions
    assert (sentences[0] if sentences else None) == first
    for key in found:
        assert action(key).gerund
    for sentence in sentences:
        assert sentence.endswith(".") and sentence[0].isupper()


def test_dance_captions_name_the_steps():
    assert label("dance - small jetes, pirouette")[2][1] == "The person dances ballet, with small jetés and a pirouette."


def test_mirror(tmp_path, walk_joints):
    path = write(tmp_path / "c.parquet", [row(walk_joints, description="basketball - forward dribble, 90-degree left turns")])
    clip = read_recorded(path)[0]
    mirror = clip.mirrored()
    assert dict(clip.stated)["turn"] == "left" and dict(mirror.stated)["turn"] == "right"
    assert "right" in mirror.captions[0] and "left" not in mirror.captions[0]
    np.testing.assert_allclose(mirror.joints[:, 1], clip.joints[:, 2] * [-1, 1, 1], atol=1e-6)
    np.testing.assert_array_equal(mirror.mirrored().joints, clip.joints)


def test_windows_keep_only_labels_that_hold(tmp_path, walk_joints):
    path = write(tmp_path / "c.parquet", [row(walk_joints), row(walk_joints, "b", "jump, balance")])
    walk, mixed = read_recorded(path)
    stop = len(walk.joints) - 5
    part = walk.window(5, stop)
    assert part.actions == ("walk",) and len(part.joints) == stop - 5 and not part.whole
    np.testing.assert_allclose(part.joints[0, 0, [0, 2]], 0)
    assert mixed.window(5, stop).actions == () and mixed.window(5, stop).captions == ()
    assert walk.window(0, len(walk.joints)) is walk
    with pytest.raises(ValueError, match="choose frames inside"):
        walk.window(5, 10_000)
    for part in windows(walk, np.random.default_rng(0), 10):
        assert part is walk or 1.9 <= part.seconds <= 6.1


def test_t_pose_is_skipped(tmp_path, walk_joints):
    pose = walk_joints[:1].copy()
    for shoulder, elbow, wrist, sign in ((16, 18, 20, 1), (17, 19, 21, -1)):
        pose[0, elbow] = pose[0, shoulder] + [0.28 * sign, 0, 0]
        pose[0, wrist] = pose[0, shoulder] + [0.53 * sign, 0, 0]
    joints = np.concatenate([np.repeat(pose, 15, axis=0), walk_joints])
    assert t_pose_frames(joints, 20.0) == 15 and t_pose_frames(walk_joints, 20.0) == 0
    clip = read_recorded(write(tmp_path / "c.parquet", [row(joints)]))[0]
    assert len(clip.joints) == len(walk_joints)
    np.testing.assert_allclose(clip.joints[0, 0, [0, 2]], 0, atol=1e-6)


def test_how_far_and_by_what_angle(tmp_path, walk_joints):
    """Metres of a walk and degrees of a turn are measured, none where nobody goes or turns; of a dance nobody asks how far."""
    turning = synthesize(np.random.default_rng(4), actions=["turn"]).joints
    path = write(tmp_path / "clips.parquet", [
        row(walk_joints), row(turning, "clip_2", "directing traffic"), row(walk_joints, "clip_3", "dance - turn"),
    ])  # fmt: skip
    asked = []
    for clip in read_recorded(path):
        found = {}
        for seed in range(6):
            for question in ask_recorded(clip, np.random.default_rng(seed), 3, names=("distance", "angle"), keep_all=True):
                found[question.kind] = question
        asked.append(found)
    metres = np.linalg.norm(np.diff(walk_joints[:, 0][:, [0, 2]], axis=0), axis=1).sum()
    assert abs(float(asked[0]["distance"].key) - metres) <= 1 and asked[0]["angle"].key == "0"
    assert int(asked[1]["angle"].key) > 0 and int(asked[1]["angle"].key) % 45 == 0 and asked[1]["distance"].key == "0"
    assert "distance" not in asked[2]


def test_the_real_files(shared):
    clips = [clip for name in ("cmu_train", "deepmimic_val") for clip in read_recorded(shared / "data" / f"{name}.parquet")]
    assert len(clips) == 155
    assert sum(not clip.actions for clip in clips) <= 2  # every caption is understood
    assert all(clip.captions for clip in clips)
    rng = np.random.default_rng(0)
    for clip in clips:
        for view in (clip, clip.mirrored(), *windows(clip, rng, 2)):
            for held_out in (False, True):
                for question in ask_recorded(view, rng, 6, held_out=held_out):
                    assert score(question, question.answer), question


def test_what_a_clip_may_also_show_is_no_wrong_choice(shared):
    rng = np.random.default_rng(0)
    dances = [c for c in read_recorded(shared / "data" / "cmu_train.parquet") if c.actions == ("dance",)]
    for clip in dances:
        for question in ask_recorded(clip, rng, 8, kinds=("choice",)):
            assert not {"doing a pirouette", "spinning around", "leaping"} & set(question.choices)


def test_rows_about_recordings_that_do_not_ask_what_they_are_called(tmp_path, walk_joints):
    """Labels of few recordings would become the answer for all that looks recorded."""
    path = str(write(tmp_path / "clips.parquet", [row(walk_joints), row(walk_joints[:60], "clip_2", "slow walk")]))
    shares = {"recorded": (path,), "recorded_share": 0.9, "text_share": 0.0, "pair_share": 0.0}

    def kinds(named_share):
        plan = DataPlan(num=40, seed=4, named_share=named_share, **shares)
        rows = [made for made in plan.shards()[0].rows() if made["source"] != "procedural"]
        assert len(rows) > 25
        return {kind for made in rows for kind in made["kinds"]}

    naming = {"action", "caption", "order"}
    assert kinds(1.0) & naming and len(kinds(0.0)) > 3
    assert not kinds(0.0) & naming
    assert "--named-share 0.5" in data_card(DataPlan(num=4, named_share=0.5, **shares), Counter())
    assert "--named-share" not in data_card(DataPlan(num=4, **shares), Counter())


def test_recordings_without_their_names_to_pretrain_on(tmp_path, walk_joints):
    path = str(write(tmp_path / "clips.parquet", [row(walk_joints)]))

    def drawn(named_share):
        return list(draw_many(10, 3, actions=("walk", "run"), recorded=(path,), named_share=named_share))

    named, unnamed = drawn(1.0), drawn(0.0)
    assert all((asked.labels.action == 0).all() for asked in named)
    assert any(question.kind == "action" for asked in named for question in asked.questions)
    for asked in unnamed:
        assert (asked.labels.action == IGNORE).all() and not asked.labels.clip_actions
        assert not {question.kind for question in asked.questions} & {"action", "caption", "order"}
    assert sum(len(asked.questions) for asked in unnamed) > 10, "what is measured is asked"
    assert 1 < sum((asked.labels.action == 0).all() for asked in drawn(0.5)) < 9
