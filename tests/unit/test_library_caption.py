"""`llamo caption`: every clip once, whatever happens, with the same rows however the work is shared."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from conftest import make_config, make_model, make_processor, make_walk
from typer.testing import CliRunner

from llamo.cli import caption as command
from llamo.cli.library import labelling
from llamo.cli.library.asking import Asked, choose_all, log_likelihoods
from llamo.cli.library.clips import Shard, batches, find_clips, hash_of, parse_shard
from llamo.cli.library.labelling import LabelPlan, label_clips, parse_question
from llamo.cli.library.segments import LONG_SECONDS, find_segments
from llamo.cli.library.table import Part
from llamo.cli.library.tags import named_actions, with_facts
from llamo.cli.main import app
from llamo.cli.measure import measure_file
from llamo.cli.session import BadInputError, open_session
from llamo.processing.kinematics_llamo import measure_motion
from llamo.train.initialise import write_checkpoint
from llamo.train.library.columns import MEASUREMENTS, TAGS
from llamo.train.library.label_table import FORMS, read_table, write_table
from llamo.train.prepare_data import prepare_data


CONTRACT = {
    "path", "sha256", "seconds", "caption", "captions", "tags", "segments", "measurements", "warnings", "error", "model",
}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("caption") / "llamo"
    processor = make_processor()
    write_checkpoint(folder, make_model(make_config(processor)), processor)
    return str(folder)


@pytest.fixture(scope="module")
def session(checkpoint):
    return open_session(checkpoint, [], None, 0.0, "cpu")[0]


def save(path, joints, fps=20.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, joints=joints, fps=np.float32(fps))


def stand_then_walk(seconds=5.0, fps=20.0):
    still = np.repeat(make_walk(1), int(seconds * fps), axis=0)
    return np.concatenate([still, make_walk(int(seconds * fps))])


@pytest.fixture
def library(tmp_path):
    """Five clips, one of them broken and one long, and what is no clip."""
    folder = tmp_path / "clips"
    for number in range(3):
        save(folder / f"walk {number}.npz", make_walk(30 + 10 * number, seed=number))
    save(folder / "deep" / "long.npz", stand_then_walk())
    (folder / "deep" / "broken.bvh").write_text("HIERARCHY\nROOT")
    (folder / "notes.txt").write_text("no clip")
    save(folder / ".hidden" / "clip.npz", make_walk(30))
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["caption", *map(str, arguments)])


def caption(library, out, checkpoint, *options):
    done = run(
        library, "--out", out, "--model", checkpoint, "--max-new-tokens", 4, "--batch-size", 2, "--device", "cpu", *options
    )
    assert done.exit_code == 0, done.output
    return done.output


def test_rows_hold_the_contract(library, tmp_path, checkpoint):
    out = tmp_path / "labels.jsonl"
    assert "5 clips" in caption(library, out, checkpoint)
    rows = {os.path.basename(row["path"]): row for row in map(json.loads, out.read_text().split("\n")[:-1])}
    assert set(rows) == {"walk 0.npz", "walk 1.npz", "walk 2.npz", "long.npz", "broken.bvh"}
    assert all(set(row) == CONTRACT | {"detailed", "settings"} for row in rows.values())
    walk, broken, long = rows["walk 0.npz"], rows["broken.bvh"], rows["long.npz"]
    assert walk["error"] is None and walk["caption"] == walk["captions"][0] and len(walk["sha256"]) == 64
    assert walk["seconds"] == pytest.approx(1.5) and walk["model"].startswith("llamo@")
    assert set(walk["tags"]) == set(TAGS) and set(walk["measurements"]) == set(MEASUREMENTS)
    assert walk["measurements"]["distance_m"] == pytest.approx(1.3 * 29 / 20, abs=0.05)
    assert walk["tags"]["direction"] == "forward" and walk["detailed"].endswith(".") and "Measured" in walk["detailed"]
    assert broken["caption"] is None and "broken.bvh" in broken["error"] and broken["sha256"]
    times = [(segment["start_s"], segment["end_s"]) for segment in long["segments"]]
    assert times[0][0] == 0 and times[-1][1] == 10.0 and all(a[1] == b[0] for a, b in pairwise(times))
    assert any(abs(start - 5.0) < 0.8 for start, _ in times) and all(isinstance(s["caption"], str) for s in long["segments"])
    assert not list(tmp_path.glob("*.part"))


def test_nothing_is_told_twice_of_what_is_measured():
    measured = measure_motion(make_walk(80), 20.0)
    answer = "The person walks. It takes about 4 seconds, over about 9 metres. Walking begins at about 2 seconds."
    told = with_facts(answer, measured)
    assert told.startswith("The person walks. Walking begins at about 2 seconds. ") and "Measured" in told
    assert "9 metres" not in told and f"path {measured['path_m']:.1f} m" in told
    assert with_facts("The person walks", measured).startswith("The person walks ")


def test_three_forms_hold_the_same(library, tmp_path, checkpoint):
    made = tmp_path / "labels.jsonl"
    caption(library, made, checkpoint, "--prompt", "loopable=Is this loopable?")
    rows = read_table(made)
    for form in ("parquet", "csv"):
        write_table(tmp_path / f"labels.{form}", rows)
        assert read_table(tmp_path / f"labels.{form}") == rows
    assert {row["loopable"] for row in rows} <= {"Yes", "No", None}
    with open(tmp_path / "labels.csv", newline="") as file:
        assert {"tags.side", "measurements.distance_m"} <= set(next(csv.reader(file)))


def test_a_run_that_was_stopped_goes_on(library, tmp_path, checkpoint, monkeypatch):
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    caption(library, whole, checkpoint)
    real, calls = command.label_batch, []

    def stopping(session, batch, *rest):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append([clip.path for clip in batch])
        return real(session, batch, *rest)

    monkeypatch.setattr(command, "label_batch", stopping)
    assert run(library, "--out", cut, "--model", checkpoint, "--max-new-tokens", 4, "--batch-size", 2).exit_code != 0
    (part,) = tmp_path.glob("cut.jsonl*.part")
    assert not cut.exists() and len(part.read_bytes().split(b"\n")) == 3
    with open(part, "ab") as file:
        file.write(b'[{"path": "half of a ro')  # as a kill leaves it
    done = [path for batch in calls for path in batch]
    calls.clear()
    monkeypatch.setattr(command, "label_batch", lambda *a: calls.append([clip.path for clip in a[1]]) or real(*a))
    caption(library, cut, checkpoint)
    again = [path for batch in calls for path in batch]
    assert not set(again) & {path for path in done if not path.endswith("broken.bvh")}  # errors alone are tried again
    assert cut.read_bytes() == whole.read_bytes() and not list(tmp_path.glob("*.part"))


def test_kill_9(tmp_path, checkpoint):
    folder, out = tmp_path / "clips", tmp_path / "labels.jsonl"
    for number in range(12):
        save(folder / f"{number}.npz", make_walk(20, seed=number))
    arguments = [folder, "--out", out, "--model", checkpoint, "--max-new-tokens", 2, "--batch-size", 1, "--device", "cpu"]
    start = [sys.executable, "-m", "llamo.cli.main", "caption", *map(str, arguments)]
    process = subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    part, waited = tmp_path / "labels.jsonl.1-of-1.part", time.time() + 240
    while time.time() < waited and process.poll() is None and not (part.exists() and part.stat().st_size > 0):
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and not out.exists()
    assert run(*arguments).exit_code == 0
    paths = [row["path"] for row in read_table(out)]
    assert len(paths) == len(set(paths)) == 12


def labels_of(clip, settings, **more):
    """A row that needs no model."""
    told = {"seconds": 1.0, "caption": "The person walks, ünd ✓.", "captions": ["The person walks, ünd ✓."], "warnings": []}
    told |= {"path": clip.path, "sha256": hash_of(clip.path), "error": None, "settings": settings}
    return {**dict.fromkeys(CONTRACT | {"detailed"}), **told, **more}


def stop(*_):
    raise KeyboardInterrupt


@pytest.fixture
def quick(library, checkpoint, monkeypatch):
    """Labels the library without asking a model; the names of the clips that were labelled."""
    seen = []

    def label(session, batch, plan, version, batch_size):
        seen.extend(os.path.basename(clip.path) for clip in batch)
        return [labels_of(clip, plan.settings, model=version) for clip in batch]

    monkeypatch.setattr(command, "label_batch", label)
    session, real = open_session(checkpoint, [], None, 0.0, "cpu"), command.open_session
    monkeypatch.setattr(command, "open_session", lambda *a: session if a[0] == checkpoint else real(*a))
    return seen


@pytest.mark.parametrize("form", FORMS)
def test_killed_at_any_byte_no_clip_is_twice_or_missing(library, tmp_path, checkpoint, quick, monkeypatch, form):
    whole, out = tmp_path / f"whole{form}", tmp_path / f"cut{form}"
    caption(library, whole, checkpoint)
    with monkeypatch.context() as patch:  # killed before the table is written
        patch.setattr(command, "write_table", stop)
        assert run(library, "--out", out, "--model", checkpoint, "--max-new-tokens", 4, "--batch-size", 2).exit_code != 0
    (part,) = tmp_path.glob(f"cut{form}*.part")
    written = part.read_bytes()
    first = written.index(b"\n")
    for cut in (0, 1, first - 1, first, first + 1, first + 2, written.index("ü".encode()) + 1, len(written) - 1, len(written)):
        out.unlink(missing_ok=True)
        part.write_bytes(written[:cut])
        quick.clear()
        caption(library, out, checkpoint)
        done = 0 if cut < first else 2 if cut < len(written) - 1 else 5
        assert len(quick) == 5 - done, f"killed behind byte {cut}"
        assert out.read_bytes() == whole.read_bytes() and not part.exists()
    # Killed behind the table and before its parts were removed.
    part.write_bytes(written)
    quick.clear()
    caption(library, out, checkpoint)
    assert not quick and out.read_bytes() == whole.read_bytes() and not part.exists()


def test_parts_of_other_settings_are_in_nobodys_way(library, tmp_path, checkpoint, quick):
    """They are left where a shared run was killed, and would stand over the rows of a later run."""
    out = tmp_path / "labels.jsonl"
    clips = find_clips([str(library)])
    with Part(out, Shard(2, 3)) as part:
        part.add([labels_of(clip, "other settings", model="llamo@1", caption="Old.") for clip in clips])
    assert "5 labelled now" in caption(library, out, checkpoint)
    assert not any(row["caption"] == "Old." for row in read_table(out)) and not list(tmp_path.glob("*.part"))


def test_what_a_person_corrected_is_kept(library, tmp_path, checkpoint, quick):
    out = tmp_path / "labels.csv"
    caption(library, out, checkpoint)
    made, rows = read_table(out), read_table(out)
    for row in rows:
        row |= {"caption": "Corrected.", "captions": ["Corrected."], "review": "edit"}
        if row["path"].endswith("broken.bvh"):
            row |= {"error": "unreadable"}
    write_table(out, rows)
    with Part(out, Shard()) as part:  # of a run that was killed before it removed them
        part.add(made)
    quick.clear()
    caption(library, out, checkpoint)
    assert not quick and {row["caption"] for row in read_table(out)} == {"Corrected."}
    before = out.read_bytes()
    done = run(library, "--out", out, "--model", checkpoint, "--captions", 3, "--max-new-tokens", 4)
    assert done.exit_code == 2 and "5 reviewed clips" in done.output and out.read_bytes() == before and not quick
    save(library / "walk 1.npz", make_walk(33, seed=9))  # another file: what was decided is not about it
    caption(library, out, checkpoint)
    rows = {os.path.basename(row["path"]): row for row in read_table(out)}
    assert quick == ["walk 1.npz"] and rows["walk 1.npz"]["review"] is None and rows["walk 0.npz"]["review"] == "edit"


def test_names_that_no_table_can_hold_are_refused_before_the_work(library, tmp_path):
    name = os.fsdecode(os.fsencode(str(library)) + b"/caf\xe9.npz")
    try:
        with open(name, "wb"):
            pass
    except OSError:
        pytest.skip("a file system that has UTF-8 alone")
    done = run(library, "--out", tmp_path / "labels.jsonl")
    assert done.exit_code == 2 and "UTF-8" in done.output and "caf" in done.output and done.output.count("\n") == 1


def test_shards_come_to_the_rows_of_one_process(library, tmp_path, checkpoint, monkeypatch):
    single, shared, launched = tmp_path / "single.parquet", tmp_path / "shared.parquet", tmp_path / "launched.parquet"
    caption(library, single, checkpoint)
    for index in (2, 1):
        assert "left to other shards" in caption(library, shared, checkpoint, "--shard", f"{index}/3")
        assert not shared.exists()
    caption(library, shared, checkpoint, "--shard", "3/3")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "2")
        caption(library, launched, checkpoint)
    assert shared.read_bytes() == single.read_bytes() == launched.read_bytes()


def test_only_what_is_new_or_changed_is_labelled(library, tmp_path, checkpoint, monkeypatch):
    out = tmp_path / "labels.jsonl"
    caption(library, out, checkpoint)
    rows = read_table(out)
    for row in rows:
        row["reviewed"] = "yes" if row["path"].endswith("walk 0.npz") else None
    write_table(out, rows)
    save(library / "walk 1.npz", make_walk(33, seed=9))
    save(library / "new.npz", make_walk(33, seed=10))
    real, seen = command.label_batch, []
    monkeypatch.setattr(command, "label_batch", lambda *a: seen.extend(os.path.basename(c.path) for c in a[1]) or real(*a))
    caption(library, out, checkpoint)
    assert set(seen) == {"walk 1.npz", "new.npz", "broken.bvh"}
    rows = {os.path.basename(row["path"]): row for row in read_table(out)}
    assert len(rows) == 6 and rows["walk 0.npz"]["reviewed"] == "yes"


def test_own_questions_and_several_captions(library, tmp_path, checkpoint):
    out = tmp_path / "labels.jsonl"
    prompts = (
        "--prompt",
        "Is this loopable?",
        "--prompt",
        "mood=How does it feel? [calm|rather tense]",
        "--prompt",
        "free=What?",
    )
    caption(library / "walk 0.npz", out, checkpoint, "--captions", 3, "--fields", "", *prompts)
    (row,) = read_table(out)
    assert row["is_this_loopable"] in ("Yes", "No") and row["mood"] in ("calm", "rather tense") and isinstance(row["free"], str)
    assert 0.5 <= row["mood_probability"] <= 1
    assert len(set(row["captions"])) == 3 and row["tags"] is None and row["segments"] is None and row["detailed"] is None


def test_likelihoods_are_those_of_the_whole_text(session):
    asked = [Asked({"type": "motion", "motion": make_walk(n), "fps": 20.0}, "Fast or slow?", n / 20) for n in (12, 40)]
    options = ("fast", "rather slow", "no")
    found = log_likelihoods(session, asked, options)
    tokenizer = session.processor.tokenizer
    for row, each in enumerate(asked):
        for column, option in enumerate(options):
            chat = [{"role": "user", "content": [each.part, {"type": "text", "text": each.question}]}]
            inputs = session.prepare(chat)
            answer = torch.tensor([tokenizer.encode(option.capitalize(), add_special_tokens=False)])
            prompt = inputs["input_ids"].shape[1]
            inputs["input_ids"] = torch.cat([inputs["input_ids"], answer], dim=1)
            inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
            with torch.inference_mode():
                logits = session.model(**inputs).logits[0, prompt - 1 : -1].log_softmax(-1)
            wanted = logits.gather(-1, answer[0][:, None]).mean()
            assert float(found[row, column]) == pytest.approx(float(wanted), abs=1e-4)
    best, chance = choose_all(session, asked, options, 8)[0]
    assert best == options[int(found[0].argmax())] and chance == pytest.approx(float(found[0].softmax(-1).max()), abs=1e-3)


def test_segments_follow_changes():
    assert find_segments(make_walk(100), 20.0) == [(0.0, 5.0)]
    joints = np.concatenate([stand_then_walk(6.0), stand_then_walk(6.0)])
    segments = find_segments(joints, 20.0)
    starts = [start for start, _ in segments]
    assert all(min(abs(start - change) for start in starts) < 0.8 for change in (6.0, 12.0, 18.0))
    assert segments[-1][1] == pytest.approx(24.0) and max(end - start for start, end in segments) <= LONG_SECONDS + 2


def test_actions_are_read_from_captions():
    assert named_actions(["The person walks forward, then does 3 squats."]) == ["squat", "walk"]
    assert named_actions(["Nothing that is known."]) == []


def test_captions_are_held_against_measurements(root):
    measured = measure_file(str(root / "examples" / "squats.bvh"))
    count = measured["repetitions"]["count"]
    (said,) = labelling.contradictions(f"The person does {count + 2} squats.", measured)
    assert f"the model says {count + 2}, measured {count}" in said
    assert labelling.contradictions(f"The person does {count} squats.", measured) == []
    assert labelling.contradictions("The person does 9 squats and then jumps 7 times on one leg.", measured)[0].count("7") == 1


def test_batches_do_not_depend_on_the_shards(library):
    clips = find_clips([str(library)])
    assert [clip.path for clip in clips] == sorted(clip.path for clip in clips) and len(clips) == 5
    whole = batches(clips, 2, Shard())
    shared = [batch for index in (1, 2) for batch in batches(clips, 2, Shard(index, 2))]
    assert sorted(map(str, whole)) == sorted(map(str, shared))
    assert find_clips([str(library), str(library / "walk 0.npz")]) == clips


@pytest.mark.parametrize("text", ["", "x=", "mood=How? [calm]", "caption=What?", "How? [a||b]"])
def test_questions_that_are_none(text):
    with pytest.raises(BadInputError, match="Expected"):
        parse_question(text)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b"])
def test_shards_that_are_none(text):
    with pytest.raises(BadInputError, match="shard"):
        parse_shard(text)


def test_bad_input_ends_with_one_line(library, tmp_path, checkpoint):
    foreign = tmp_path / "foreign.jsonl"
    foreign.write_text('{"text": "not ours"}\n')
    for arguments, words in (
        ((library, "--out", tmp_path / "labels.xlsx"), "--out"),
        ((tmp_path / "missing", "--out", tmp_path / "x.jsonl"), "nothing at"),
        ((library, "--out", foreign), "table of"),
        ((library, "--out", tmp_path / "x.jsonl", "--fields", "tags,colour"), "colour"),
        ((library, "--out", tmp_path / "x.jsonl", "--prompt", "a=One?", "--prompt", "a=Two?"), "twice"),
    ):
        done = run(*arguments, "--model", checkpoint)
        assert done.exit_code == 2 and words in done.output and done.output.count("\n") == 1, done.output
    assert foreign.read_text() == '{"text": "not ours"}\n'


def test_a_video_is_a_clip_on_its_own_clock(tmp_path, session, monkeypatch):
    (tmp_path / "film.mp4").write_bytes(b"any")
    joints, asked = make_walk(40), []
    raw = SimpleNamespace(joints=joints, fps=20.0, start=1.5, report={"warnings": ["Much of the body is hidden."]})
    monkeypatch.setattr(labelling, "read_file", lambda *given: asked.append(given) or (raw, {"assumed": ["one person"]}))
    (clip,) = find_clips([str(tmp_path)])
    plan = LabelPlan(fields=("segments",), max_new_tokens=2)
    (row,) = labelling.label_batch(session, [clip], plan, "llamo@1", 1)
    assert asked == [(clip.path, {}, session.name)]
    assert row["warnings"] == ["assumed: one person", "Much of the body is hidden."]
    assert [(part["start_s"], part["end_s"]) for part in row["segments"]] == [(1.5, 3.5)]


def test_a_partition_from_python(library, checkpoint):
    paths = [clip.path for clip in find_clips([str(library)])]
    rows = list(label_clips(iter(paths), checkpoint, LabelPlan(fields=("tags",), max_new_tokens=3), batch_size=2, device="cpu"))
    assert sorted(row["path"] for row in rows) == paths and sum(row["error"] is not None for row in rows) == 1


def test_corrected_labels_become_rows_to_train_on(tmp_path):
    save(tmp_path / "clips" / "a.npz", make_walk(40))
    save(tmp_path / "clips" / "b.npz", make_walk(40, seed=2))
    told = {"sha256": "0", "captions": ["the person walks", "a person is walking"], "tags": None, "measurements": None}
    rows = [{**told, "path": f"clips/{name}.npz", "caption": "the person walks"} for name in "ab"]
    rows.append({**told, "path": "clips/broken.bvh", "caption": None, "captions": None, "error": "unreadable"})
    table = tmp_path / "labels.csv"
    write_table(table, rows)
    found = prepare_data("labels", table, tmp_path / "all")
    assert found.rows == 4 and not found.left_out
    rows[0] |= {"caption": "the person strolls", "review": "edit"}
    rows[1] |= {"review": "reject"}
    write_table(table, rows)
    assert prepare_data("labels", table, tmp_path / "reviewed").rows == 1
    (made,) = pq.read_table(tmp_path / "reviewed" / "data").to_pylist()
    assert made["messages"][1]["content"][0]["text"] == "The person strolls." and made["images"] == []
    assert {part["type"] for part in made["messages"][0]["content"]} == {"motion", "text"}
