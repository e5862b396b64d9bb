"""`llamo index` and `llamo search`: by words, by example, by filters, with and without trained embeddings."""

import json
import os

import numpy as np
import pytest
from conftest import make_config, make_model, make_processor, make_walk
from typer.testing import CliRunner

from llamo.cli import search as command
from llamo.cli.library.labelling import ReadClip
from llamo.cli.main import app
from llamo.train.initialise import write_checkpoint
from llamo.train.library.columns import MEASUREMENTS
from llamo.train.library.database import Library, fuse, record, words_of_name
from llamo.train.library.label_table import read_table, write_table


def write_tiny(folder, **config):
    processor = make_processor()
    write_checkpoint(folder, make_model(make_config(processor, **config)), processor)
    return str(folder)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("plain") / "llamo")


@pytest.fixture(scope="module")
def embedding(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("embedding") / "llamo", retrieval_size=16)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "clips"
    made.mkdir()
    for number, name in enumerate(("slowWalk_01", "angry_run", "quick stroll")):
        speed = (0.5, 4.0, 1.3)[number]
        np.savez(made / f"{name}.npz", joints=make_walk(30 + 20 * number, speed=speed, seed=number), fps=20.0)
    (made / "broken.bvh").write_text("HIERARCHY")
    return made


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def index(folder, db, checkpoint, *options):
    done = run("index", folder, "--db", db, "--model", checkpoint, "--max-new-tokens", 2, "--device", "cpu", *options)
    assert done.exit_code == 0, done.output
    return done.output


def find(db, *arguments):
    done = run("search", "--db", db, "--json", *arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.strip().split("\n")[-1])


def watch(monkeypatch):
    """The names of the clips that are labelled from now on."""
    real, seen = command.label_batch, []

    def label(session, clips, **options):
        seen.extend(os.path.basename(clip.path) for clip in clips)
        return real(session, clips, **options)

    monkeypatch.setattr(command, "label_batch", label)
    return seen


def row(path, caption, actions=(), vector=None, **measured):
    tags = {"actions": list(actions), "side": "left" if "left" in caption else None}
    return {"path": path, "sha256": path, "seconds": measured.pop("seconds", 3.0), "caption": caption, "captions": [caption],
            "tags": tags, "segments": [], "measurements": {**dict.fromkeys(MEASUREMENTS), **measured}, "warnings": [],
            "error": None, "model": "m", "settings": "s", "vector": vector}  # fmt: skip


def unit(*values):
    return np.array(values, dtype=np.float32) / np.linalg.norm(values)


@pytest.fixture
def small(tmp_path):
    library = Library(tmp_path / "small.lance", width=3)
    rows = [
        row("a.bvh", "The person turns to the left and punches.", ["turn", "punch"], unit(1, 0, 0), distance_m=0.2),
        row("b.bvh", "The person walks forward.", ["walk"], unit(0, 1, 0), distance_m=4.0, seconds=1.0),
        row("c.bvh", "The person walks backward slowly.", ["walk"], unit(0, 1, 1), distance_m=2.0),
    ]
    library.add(rows)
    library.finish()
    return library


def test_words_embeddings_and_both(small):
    assert [hit.path for hit in small.search("a punch after turning left", k=1)] == ["a.bvh"]
    assert [hit.path for hit in small.search(vector=unit(0, 1, 0.9), k=2)] == ["c.bvh", "b.bvh"]
    best = small.search("walking", unit(0, 1, 0), k=3)
    assert best[0].path == "b.bvh" and best[0].score > best[1].score and 0 < best[-1].score <= 1
    assert best[0].caption == "The person walks forward." and best[0].seconds == 1.0


def test_filters_over_tags_and_measurements(small):
    assert {hit.path for hit in small.search(where="seconds > 2 and action = 'walk'")} == {"c.bvh"}
    assert {hit.path for hit in small.search("the person", where="array_has(actions, 'punch') OR distance_m > 3")} == {
        "a.bvh",
        "b.bvh",
    }
    assert [hit.path for hit in small.search(vector=unit(1, 0, 0), where="side IS NULL")] == ["b.bvh", "c.bvh"]
    with pytest.raises(ValueError, match="distance_m"):
        small.search(where="colour = 'red'")
    with pytest.raises(ValueError, match="--where"):
        small.search("walk", where="seconds >")


def test_rows_are_replaced_and_removed(small):
    small.add([row("b.bvh", "The person jumps.", ["jump"], unit(0, 0, 1))])
    small.remove(["a.bvh", "it's not there"])
    small.finish()
    assert set(small.known()) == {"b.bvh", "c.bvh"} and len(small) == 2
    assert [hit.path for hit in small.search("jumping")] == ["b.bvh"] and not small.search("punch")


def test_an_index_without_embeddings(folder, tmp_path, plain, monkeypatch):
    db = tmp_path / "library.lance"
    assert "4 clips" in (said := index(folder, db, plain)) and "no trained embeddings" in said
    monkeypatch.setattr(command, "open_session", None)  # words need no model
    (best, *_) = hits = find(db, "an angry run")
    assert set(best) == {"path", "score", "caption"} and best["path"].endswith("angry_run.npz")
    assert not any(hit["path"].endswith("broken.bvh") for hit in hits)
    assert {os.path.basename(hit["path"]) for hit in find(db, "--where", "speed_mean_m_s > 3")} == {"angry_run.npz"}
    done = run("search", "--db", db, "--like", folder / "angry_run.npz", "--model", plain)
    assert done.exit_code == 2 and "no trained embeddings" in done.output


def test_an_index_with_embeddings_grows(folder, tmp_path, embedding, monkeypatch):
    db = tmp_path / "library.lance"
    assert "words and embeddings" in index(folder, db, embedding)
    like = folder / "slowWalk_01.npz"
    assert find(db, "--like", like, "--model", embedding, "-k", 1)[0]["path"].endswith("slowWalk_01.npz")
    assert not any("broken" in hit["path"] for hit in find(db, "broken", "--like", like, "--model", embedding))
    found = find(db, "stroll", "--like", like, "--model", embedding, "-k", 2)
    assert {os.path.basename(hit["path"]) for hit in found} >= {"quick stroll.npz"}

    np.savez(folder / "new.npz", joints=make_walk(25, seed=8), fps=20.0)
    os.remove(folder / "angry_run.npz")
    seen = watch(monkeypatch)
    assert "1 gone" in index(folder, db, embedding)
    assert sorted(seen) == ["broken.bvh", "new.npz"]  # errors are tried again
    assert {os.path.basename(path) for path in Library(db).known()} == {
        "slowWalk_01.npz",
        "quick stroll.npz",
        "new.npz",
        "broken.bvh",
    }


def test_labels_of_a_table_are_taken(folder, tmp_path, embedding, monkeypatch):
    labels, db = tmp_path / "labels.jsonl", tmp_path / "library.lance"
    done = run("caption", folder, "-o", labels, "--model", embedding, "--max-new-tokens", 2, "--fields", "measurements")
    assert done.exit_code == 0, done.output
    text = labels.read_text().replace('"caption": "', '"caption": "Corrected: ', 1)
    labels.write_text(text)
    seen = watch(monkeypatch)
    index(folder, db, embedding, "--labels", labels)
    assert seen == ["broken.bvh"] and len(Library(db)) == 4
    assert any(hit.caption.startswith("Corrected") for hit in Library(db).search(where="seconds > 0"))


def test_a_labelled_clip_that_cannot_be_read_stops_nothing(folder, tmp_path, embedding, monkeypatch):
    labels, db = tmp_path / "labels.jsonl", tmp_path / "library.lance"
    options = ("-o", labels, "--model", embedding, "--max-new-tokens", 2, "--fields", "")
    assert run("caption", folder, *options).exit_code == 0
    real = command.read_clip

    def read(session, path, said):
        return ReadClip(path, None, "Expected something else.") if path.endswith("angry_run.npz") else real(session, path, said)

    with monkeypatch.context() as patch:
        patch.setattr(command, "read_clip", read)
        assert "2 that cannot be read" in index(folder, db, embedding, "--labels", labels)
    assert {os.path.basename(hit.path) for hit in Library(db).search(where="seconds > 0")} == {
        "slowWalk_01.npz",
        "quick stroll.npz",
    }
    assert "1 that cannot be read" in index(folder, db, embedding, "--labels", labels)
    assert len(Library(db).search(where="seconds > 0")) == 3


def test_a_changed_file_is_indexed_again(folder, tmp_path, plain, monkeypatch):
    db = tmp_path / "library.lance"
    index(folder, db, plain)
    np.savez(folder / "quick stroll.npz", joints=make_walk(50, speed=6.0), fps=20.0)
    seen = watch(monkeypatch)
    index(folder, db, plain)
    assert sorted(seen) == ["broken.bvh", "quick stroll.npz"] and len(Library(db)) == 4  # errors are tried again
    assert any(hit.path.endswith("quick stroll.npz") for hit in Library(db).search(where="speed_mean_m_s > 5"))


def test_corrections_after_the_first_index_are_taken_and_stay(folder, tmp_path, plain, monkeypatch):
    labels, db = tmp_path / "labels.jsonl", tmp_path / "library.lance"
    index(folder, db, plain)
    assert run("caption", folder, "-o", labels, "--model", plain, "--max-new-tokens", 2).exit_code == 0

    def correct(caption, **more):
        rows = read_table(labels)
        for row in rows:
            if row["path"].endswith("angry_run.npz"):
                row |= {"caption": caption, "captions": [caption], "review": "edit", **more}
        write_table(labels, rows)

    def captions():
        return [hit.caption for hit in Library(db).search("gallops storms") if "The person" in hit.caption]

    correct("The person gallops.", model="an older checkpoint", settings="others")  # a person's words are nobody's
    seen = watch(monkeypatch)
    assert "4 indexed now" in index(folder, db, plain, "--labels", labels) and seen == ["broken.bvh"]
    assert captions() == ["The person gallops."]
    correct("The person storms off.")
    assert "2 indexed now" in index(folder, db, plain, "--labels", labels)  # that one, and the broken one again
    assert captions() == ["The person storms off."]
    rows = read_table(labels)
    for row in rows:
        row |= {"caption": "The person tiptoes."} if row["path"].endswith("angry_run.npz") else {}
    write_table(labels, rows)  # in a spreadsheet, in that one column
    assert "2 indexed now" in index(folder, db, plain, "--labels", labels)
    assert [hit.caption for hit in Library(db).search("tiptoes")] == ["The person tiptoes."] and not captions()
    correct("The person storms off.")
    assert "2 indexed now" in index(folder, db, plain, "--labels", labels)
    assert "1 indexed now" in index(folder, db, plain)  # without the table, what was taken from it stays
    assert captions() == ["The person storms off."] and set(seen) == {"broken.bvh"}


def test_embeddings_of_two_checkpoints_do_not_meet(folder, tmp_path, plain, embedding, monkeypatch):
    """Another width would even empty the database of the clips that were not named."""
    db, more = tmp_path / "library.lance", tmp_path / "more"
    more.mkdir()
    np.savez(more / "other.npz", joints=make_walk(25, seed=8), fps=20.0)
    index(folder, db, embedding)
    seen = watch(monkeypatch)
    done = run("index", more, "--db", db, "--model", plain, "--device", "cpu")
    assert done.exit_code == 2 and "one checkpoint" in done.output and "4 others" in done.output and not seen
    assert len(Library(db)) == 4 and Library(db).width == 16
    assert run("index", more, folder, "--db", db, "--model", plain, "--max-new-tokens", 2, "--device", "cpu").exit_code == 0
    assert len(Library(db)) == 5 and Library(db).width == 0


def test_another_checkpoint_is_refused(folder, tmp_path, plain, embedding):
    db = tmp_path / "library.lance"
    index(folder, db, embedding)
    done = run("search", "walk", "--db", db, "--model", plain)
    assert done.exit_code == 2 and "no trained embeddings" in done.output.replace("has none", "no trained embeddings")


def test_bad_input(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("x")
    for arguments, words in (
        (("search", "walk", "--db", tmp_path / "missing.lance"), "nothing"),
        (("search", "walk", "--db", tmp_path / "other"), "something else"),
        (("search", "--db", tmp_path / "missing.lance"), "Expected words"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2 and words in done.output and done.output.count("\n") == 1, done.output


def test_records_and_ranks():
    flat = record(row("deep/angryTurn_left-02.bvh", "The person turns.", ["turn_on_spot"]))
    assert flat["action"] == "turn_on_spot" and "turn on spot" in flat["text"] and flat["text"].endswith("angry Turn left")
    assert words_of_name("01_02.bvh") == ""
    both = [{"path": "x", "caption": "", "seconds": 1.0}]
    assert fuse([both, both], 5)[0].score == 1.0
