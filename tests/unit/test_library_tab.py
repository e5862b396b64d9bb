"""The demo's library without a browser: what is found, what is drawn of it, and who does not get to see it."""

import base64
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import make_walk
from demo_samples import demo_module
from library_samples import label_row
from typer.testing import CliRunner

from llamo.cli.library.shelf import FPS, LONGEST, Shelf
from llamo.cli.main import app
from llamo.cli.session import BadInputError
from llamo.processing.motion_features_llamo import PARENTS


pytest.importorskip("gradio")
tab = demo_module("library_tab")


@pytest.fixture
def folder(tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    for number, name in enumerate(("angryWalk_01", "walk_02", "jump")):
        np.savez(clips / f"{name}.npz", joints=make_walk(200, speed=1.0 + number), fps=np.float32(20))
    return clips


@pytest.fixture
def database(folder):
    pytest.importorskip("lancedb")
    from llamo.train.library.database import Library

    captions = {"angryWalk_01": "The person stomps.", "walk_02": "The person strolls.", "jump": "The person jumps."}
    library = Library(folder.parent / "library.lance", width=0)
    library.add([label_row(f"clips/{name}.npz", caption, seconds=10.0) for name, caption in captions.items()])
    library.finish()
    return str(library.folder)


def test_a_folder_is_searched_by_names(folder):
    shelf = Shelf(str(folder))
    found, said = shelf.search(str(folder), "walking angrily", "", 5, None)
    assert [hit["caption"] for hit in found] == ["angry Walk", "walk"] and "llamo index" in said and "3 clips" in said
    assert len(shelf.search(str(folder), "", "", 2, None)[0]) == 2 and not shelf.search(str(folder), "swim", "", 5, None)[0]
    with pytest.raises(ValueError, match="llamo index"):
        shelf.search(str(folder), "", "seconds > 2", 5, None)
    with pytest.raises(ValueError, match="nowhere"):
        shelf.search(str(folder / "nowhere"), "", "", 5, None)
    with pytest.raises(BadInputError):
        Shelf(str(folder / "nowhere"))


def test_a_database_is_searched_by_what_happens(database, folder, monkeypatch):
    monkeypatch.chdir(folder)  # the paths were relative to the folder above: found beside the database
    found, said = Shelf(database).search(database, "strolls", "", 5, None)
    assert found == [{"path": str(folder / "walk_02.npz"), "caption": "The person strolls.", "seconds": 10.0}]
    assert said == "3 clips in library.lance; searched by words."
    assert len(Shelf(database).search(database, "", "", 2, None)[0]) == 2
    with pytest.raises(ValueError, match="--where"):
        Shelf(database).search(database, "", "colour = 'red'", 5, None)


def test_meaning_is_searched_with_the_loaded_checkpoint_where_it_made_the_embeddings(tmp_path, monkeypatch):
    pytest.importorskip("lancedb")
    from llamo.cli.library import embedding, labelling
    from llamo.train.library.database import Library

    library = Library(tmp_path / "library.lance", width=3)
    vectors = {"a": (1.0, 0.0, 0.0), "b": (0.0, 1.0, 0.0)}
    library.add([label_row(f"{name}.bvh", "Moves.", vector=vector) for name, vector in vectors.items()])
    library.finish()
    assistant = SimpleNamespace(name="llamo", processor="p", model="m")
    monkeypatch.setattr(embedding, "embed_text", lambda session, text: np.array(vectors["b"], dtype=np.float32))
    monkeypatch.setattr(labelling, "model_version", lambda name, model: "llamo@0123456789ab")
    db = str(library.folder)
    found, said = Shelf(db).search(db, "something else", "", 1, assistant)
    assert [hit["path"] for hit in found] == ["b.bvh"] and "words and meaning" in said
    monkeypatch.setattr(labelling, "model_version", lambda name, model: "llamo@another")
    found, said = Shelf(db).search(db, "something else", "", 1, assistant)
    assert not found and "words alone" in said and "0123456789ab" in said


def test_previews_are_small_and_true(folder, root):
    shelf = Shelf(str(folder))
    motion = shelf.preview(str(folder / "jump.npz"))
    steps = np.frombuffer(base64.b64decode(motion["joints"]), "<i2").reshape(motion["frames"], 22, 3)
    joints = steps * motion["step"]
    assert motion["frames"] == pytest.approx(FPS * LONGEST, abs=2) and motion["parents"] == list(PARENTS)
    assert joints[..., 1].min() == pytest.approx(0.0, abs=0.03) and joints[0, 0, ::2] == pytest.approx([0, 0], abs=0.01)
    way = joints[-1, 0, 2] - joints[0, 0, 2]
    assert way == pytest.approx(3.0 * (motion["frames"] - 1) / FPS, rel=0.03), "metres, facing +Z"
    assert motion["sides"][4] == "left" and motion["sides"][5] == "right" and motion["sides"][0] == ""
    assert len(motion["joints"]) < 30_000
    assert shelf.preview(str(root / "examples" / "squats.bvh"))["frames"] > 60


def test_what_cannot_be_drawn_says_why(folder):
    shelf = Shelf(str(folder))
    (folder / "broken.bvh").write_text("HIERARCHY")
    (folder / "clip.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(100))
    for name, reason in (("gone.npz", "missing"), ("broken.bvh", "MOTION"), ("clip.mp4", "video")):
        with pytest.raises(ValueError, match=reason):
            shelf.preview(str(folder / name))
    path = folder / "jump.npz"
    before = shelf.preview(str(path))
    np.savez(path, joints=make_walk(50), fps=np.float32(20))
    assert shelf.preview(str(path))["frames"] < before["frames"], "a changed file is read again"


def test_a_library_is_for_this_machine_alone(monkeypatch, folder, tmp_path):
    for host in ("127.0.0.1", "localhost", "::1"):
        tab.check_local(host)
    for host in (None, "0.0.0.0", "192.168.1.5", "example.org", ""):
        with pytest.raises(ValueError, match="--host"):
            tab.check_local(host)
    monkeypatch.setenv("SPACE_ID", "owner/name")
    with pytest.raises(ValueError, match="Space"):
        tab.check_local("127.0.0.1")
    with pytest.raises(ValueError, match="Space"):
        demo_module("app").build_demo(None, Shelf(str(folder)))
    monkeypatch.delenv("SPACE_ID")
    (tmp_path / "config.json").write_text("{}")
    for options in (["--host", "0.0.0.0", "--library", str(folder)], ["--library", str(folder / "nowhere")]):
        done = CliRunner().invoke(app, ["demo", "--model", str(tmp_path), *options])
        assert done.exit_code == 2 and "xpected" in done.output, done.output


def request(client="127.0.0.1", **headers):
    return SimpleNamespace(client=SimpleNamespace(host=client), headers={"host": "127.0.0.1:7860", **headers})


def test_requests_from_elsewhere_are_refused():
    import gradio

    tab.check_request(request())
    tab.check_request(request(origin="http://localhost:7860", host="localhost:7860"))
    others = (None, request("192.168.1.5"), request(host="evil.example:7860"), request(origin="http://evil.example"))
    for other in (*others, request(host="127.0.0.1.evil.example"), request(origin="null")):
        with pytest.raises(gradio.Error, match="this machine"):
            tab.check_request(other)


def test_cards_show_texts_as_texts():
    hostile = "<img src=x onerror=alert(1)>"
    html = tab.cards([{"path": f'/clips/"{hostile}.bvh', "caption": hostile, "seconds": 3.0}], "run")
    assert "<img" not in html and "&lt;img" in html and "3.0&nbsp;s" in html
    assert "Nothing found" in tab.cards([], "run")


def test_the_space_has_no_library(root, tmp_path):
    """What is uploaded is whole: the tab's file goes along, unused, and imports nothing of ours."""
    text = (root / "spaces_demo" / "library_tab.py").read_text(encoding="utf-8")
    assert "llamo." not in text.replace("`llamo demo", "") and "import llamo" not in text
    shutil.copytree(root / "spaces_demo", tmp_path / "space")
    assert (tmp_path / "space" / "library_tab.py").is_file()
