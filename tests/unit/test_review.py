"""`llamo review` without a browser: what is decided is kept, whatever is killed, and only the page gets at it."""

import contextlib
import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import make_walk
from library_samples import label_row, write_library
from typer.testing import CliRunner

from llamo.cli.library import review as module
from llamo.cli.library.review import BY_MODEL, Review
from llamo.cli.library.review_server import ReviewServer
from llamo.cli.main import app
from llamo.cli.review import viewed
from llamo.cli.session import BadInputError
from llamo.train.library.label_table import FORMS, read_table, table_bytes, write_table
from llamo.train.library.review_log import log_path


def run(*arguments):
    return CliRunner().invoke(app, ["review", *map(str, arguments)])


@contextlib.contextmanager
def reviewing(table):
    review = Review(table)
    try:
        yield review
    finally:
        review.close()


@pytest.fixture
def table(tmp_path):
    return write_library(tmp_path)


@pytest.fixture
def paths(table):
    return [row["path"] for row in read_table(table)]


@pytest.mark.parametrize("form", [form.removeprefix(".") for form in FORMS])
def test_decisions_stand_in_the_table(tmp_path, form):
    table = write_library(tmp_path, form=form)
    before = {row["path"]: row for row in read_table(table)}
    first, second, third, last = before
    with reviewing(table) as review:
        assert review.find(None) == first
        review.decide(first, "accept", caption=before[first]["caption"], tags=before[first]["tags"])
        review.decide(second, "accept", "A person  strolls\nabout.", {"actions": ["Jumping jack", "", "walk"], "style": " "})
        review.decide(third, "reject", caption="not looked at")
        assert review.counts() | {"saved": 0} == {
            "undecided": 1, "accept": 1, "edit": 1, "reject": 1, "total": 4, "undo": 3, "problem": "", "saved": 0
        }  # fmt: skip
        assert review.find(first) == last == review.find(last) and review.find(last, wanted="edit") == second
        assert review.find(first, -1, "all") == last and review.find(last, wanted="accept") == first
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["clips", table.name], "no log and no lock are left"
    rows = {row["path"]: row for row in read_table(table)}
    assert [row["review"] for row in rows.values()] == ["accept", "edit", "reject", None]
    unchanged = set(before[first]) - {"review"}
    for path in (first, third, last):
        assert {name: rows[path][name] for name in unchanged} == {name: before[path][name] for name in unchanged}
    edited = rows[second]
    assert edited["caption"] == "A person strolls about." and edited["captions"] == ["A person strolls about."]
    assert edited["segments"] == [{"start_s": 0.0, "end_s": 2.0, "caption": "A person strolls about."}]
    assert edited["tags"]["actions"] == ["jumping_jack", "walk"] and edited["tags"]["style"] is None
    assert edited[BY_MODEL] == before[second]["caption"] and edited["measurements"] == before[second]["measurements"]


def test_it_goes_on_where_it_stopped_and_undoes(table, paths):
    with reviewing(table) as review:
        review.decide(paths[0], "accept")
        assert review.undo() == (paths[0], {"review": "accept"}) and review.undo() is None
        review.decide(paths[0], "reject")
    with reviewing(table) as review:
        assert review.find(None) == paths[1] and review.counts()["undo"] == 0
        before = review.row(paths[2])
        review.decide(paths[2], "accept", caption="Another caption.")
        review.decide(paths[2], "reject")
        review.undo()
        assert review.row(paths[2])["review"] == "edit"
        path, columns = review.undo()
        assert path == paths[2] and columns["caption"] == "Another caption."
        after = review.row(paths[2])
        assert {name: after[name] for name in before} == before and after["review"] is None
    assert [row["review"] for row in read_table(table)] == ["reject", None, None, None]


def test_what_was_edited_once_stays_an_edit(table, paths):
    with reviewing(table) as review:
        model_said = review.row(paths[0])["caption"]
        review.decide(paths[0], "accept", caption="First correction.")
        review.decide(paths[0], "accept", caption="Second correction.")
        review.decide(paths[0], "accept")
        row = review.row(paths[0])
        assert (row["review"], row["caption"], row[BY_MODEL]) == ("edit", "Second correction.", model_said)


def test_segments_are_corrected_one_by_one(tmp_path):
    spans = [{"start_s": 0.0, "end_s": 5.0, "caption": "Stands."}, {"start_s": 5.0, "end_s": 9.0, "caption": "Walks."}]
    table = write_library(tmp_path, 1, extra=(label_row("z.npz", "Stands and walks.", segments=spans),))
    with reviewing(table) as review:
        review.decide("z.npz", "accept", caption="Stands and walks.", segments=["Stands.", "Strolls."])
        assert review.row("z.npz")["review"] == "edit"
        with pytest.raises(BadInputError, match="2 segments"):
            review.decide("z.npz", "accept", segments=["one"])
    row = read_table(table)[-1]
    assert [part["caption"] for part in row["segments"]] == ["Stands.", "Strolls."] and row["caption"] == "Stands and walks."


def test_a_clip_without_caption_needs_one(tmp_path):
    broken = label_row("broken.bvh", None, error="unreadable", tags=None, segments=None, captions=None, measurements=None)
    table = write_library(tmp_path, 1, extra=(broken,))
    with reviewing(table) as review:
        with pytest.raises(BadInputError, match="Write one, or reject"):
            review.decide("broken.bvh", "accept", caption=" ", tags={})
        review.decide("broken.bvh", "reject")
        review.decide("broken.bvh", "accept", caption="The person sits.")
        assert review.row("broken.bvh")["review"] == "edit" and review.row("broken.bvh")["tags"] is None


@pytest.mark.parametrize(
    "given",
    [{"review": "maybe"}, {"caption": 3}, {"caption": "x" * 3000}, {"tags": {"colour": "red"}}, {"tags": {"actions": "walk"}},
     {"tags": {"side": ["left"]}}, {"segments": "text"}, {"path": "elsewhere.npz"}],
)  # fmt: skip
def test_what_is_no_decision_changes_nothing(table, paths, given):
    with reviewing(table) as review:
        with pytest.raises(BadInputError, match="xpected"):
            review.decide(**{"path": paths[0], "review": "accept", **given})
        assert review.counts()["undecided"] == 4 and not log_path(table).exists()


def test_a_kill_between_decisions_loses_nothing(table, paths, monkeypatch):
    """The table is never written here, as if the process had been killed before that."""
    monkeypatch.setattr(Review, "keep_writing", lambda self: None)
    killed = Review(table)
    killed.decide(paths[0], "accept")
    killed.decide(paths[1], "accept", caption="Corrected.")
    killed.decide(paths[2], "reject")
    killed.undo()
    killed.holder.release()
    with open(log_path(table), "ab") as log:
        log.write(b'{"path": "cut off by the ki')

    def seen():
        return [(row.get("review"), row["caption"] == "Corrected.") for row in read_table(table)]

    assert seen() == [("accept", False), ("edit", True), (None, False), (None, False)]
    monkeypatch.undo()
    with reviewing(table) as review:
        assert review.find(None) == paths[2]
        review.decide(paths[3], "accept")
    assert not log_path(table).exists()
    assert seen() == [("accept", False), ("edit", True), (None, False), ("accept", False)]


def test_a_full_disk_is_told_and_the_log_keeps_what_was_decided(table, paths, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    with reviewing(table) as review:
        monkeypatch.setattr(module, "replace_file", full)
        review.decide(paths[0], "accept")
        review.write()
        assert "no space left" in review.counts()["problem"] and log_path(table).exists()
        monkeypatch.undo()
        review.decide(paths[1], "accept")
    assert review.counts()["problem"] == "" and not log_path(table).exists()
    assert [row["review"] for row in read_table(table)] == ["accept", "accept", None, None]


def test_clips_that_are_labelled_meanwhile_join_and_new_labels_are_not_overwritten(table, paths):
    with reviewing(table) as review:
        review.decide(paths[0], "accept", caption="Corrected.")
        review.decide(paths[1], "accept", caption="Of the old file.")
        review.write()
        rows = read_table(table)
        rows[1] = label_row(paths[1], "New labels.", sha256="another file")
        write_table(table, [*rows, label_row("another.npz", "Another.")])
        review.decide(paths[2], "reject")
        review.write()
        assert review.counts()["total"] == 5
        before = [row for row in read_table(table) if row["path"] != paths[3]]
        review.decide(paths[3], "accept")
        review.write()
        write_table(table, [*before, label_row(paths[3], "The person runs.")])  # by who had read it before that decision
    found = {row["path"]: (row["caption"], row["review"]) for row in read_table(table)}
    assert found[paths[0]] == ("Corrected.", "edit") and found[paths[1]] == ("New labels.", None)
    assert found[paths[2]][1] == "reject" and found["another.npz"] == ("Another.", None)
    assert found[paths[3]] == ("The person runs.", "accept")


def test_a_table_is_reviewed_by_one_process(table):
    with reviewing(table):
        done = run(table)
        assert done.exit_code == 2 and "another `llamo review`" in done.output
    with reviewing(table):
        pass


@pytest.mark.parametrize("content", [None, "", '{"path": 1}\n', "nothing\n"])
def test_what_is_no_table_is_refused(tmp_path, content):
    table = tmp_path / "labels.jsonl"
    if content is not None:
        table.write_text(content)
    for arguments in ((table,), (table, "--export", tmp_path / "out")):
        done = run(*arguments)
        assert done.exit_code == 2 and "xpected" in done.output and "Traceback" not in done.output
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".*"))


@pytest.fixture
def server(tmp_path):
    """A served review with a clip that is gone and one that cannot be read."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "broken.bvh").write_text("HIERARCHY")
    extra = (label_row(tmp_path / "clips" / "broken.bvh", None), label_row(tmp_path / "clips" / "zz gone.bvh", "Jumps."))
    review = Review(write_library(tmp_path, extra=extra))
    server = ReviewServer("127.0.0.1", 0, review, lambda path: viewed(review, path, {}, "llamo"), {"tags": []})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    review.close()


def ask(server, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=60)
    data = None if body is None else json.dumps(body)
    connection.request(method, path, data, {"Content-Type": "application/json", **headers} if data else headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, json.loads(content) if answer.headers["Content-Type"] == "application/json" else content


def test_the_page_and_what_it_asks_for(server):
    answer, page = ask(server, "GET", "/")
    assert answer.status == 200 and b'<script type="module" src="page.js">' in page
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    for name in [*re.findall(rb'(?:src|href)="([\w./]+)"', page), b"viewer/viewer.js", b"viewer/three.bundle.min.js"]:
        assert ask(server, "GET", "/" + name.decode())[0].status == 200, name
    clip = ask(server, "GET", "/clip?filter=undecided")[1]
    assert clip["row"]["name"] == "broken.bvh" and clip["row"]["number"] == 1 and clip["next"].endswith("walk 0.npz")
    told = ask(server, "GET", f"/motion?path={clip['row']['path']}")[1]
    assert "broken.bvh" in told["error"]
    motion = ask(server, "GET", f"/motion?path={clip['next'].replace(' ', '%20')}")[1]
    assert motion["motions"][0]["frames"] == 40 and motion["changed"] is False
    found = ask(server, "POST", "/decide", {"path": clip["next"], "review": "accept"})[1]
    assert found["row"]["name"] == "walk 1.npz" and found["counts"]["accept"] == 1
    undone = ask(server, "POST", "/undo", {})[1]
    assert undone["row"]["name"] == "walk 0.npz" and undone["undone"] == {"review": "accept"}
    assert "to undo" in ask(server, "POST", "/undo", {})[1]["error"]


def test_a_clip_that_is_gone_or_changed_says_so_and_can_be_decided(server):
    gone = ask(server, "GET", "/clip?step=-1&filter=all")[1]["row"]
    assert gone["name"] == "zz gone.bvh" and gone["missing"]
    assert "missing" in ask(server, "GET", f"/motion?path={gone['path'].replace(' ', '%20')}")[1]["error"]
    assert ask(server, "POST", "/decide", {"path": gone["path"], "review": "reject"})[1]["counts"]["reject"] == 1
    path = ask(server, "GET", "/clip?step=-1")[1]["row"]["path"]
    np.savez(path, joints=make_walk(44), fps=np.float32(20))
    motion = ask(server, "GET", f"/motion?path={path.replace(' ', '%20')}")[1]
    assert motion["changed"] is True and motion["motions"][0]["frames"] == 44


def test_nothing_else_is_served_and_nobody_else_is_heard(server):
    for path in ("/../review.py", "/viewer/../app.py", "/%2e%2e/review.py", "/page.html/", "/viewer/", "/nothing"):
        assert ask(server, "GET", path)[0].status == 404, path
    clip = ask(server, "GET", "/clip")[1]["row"]["path"]
    decision = {"path": clip, "review": "reject"}
    for headers in ({"Host": "evil.example:7861"}, {"Origin": "http://evil.example"}, {"Content-Type": "text/plain"}):
        answer, told = ask(server, "POST", "/decide", decision, **headers)
        assert answer.status == 400 and "xpected" in told["error"], headers
    assert ask(server, "GET", "/clip", Host="evil.example")[0].status == 400
    for body in ([1], "text", {"path": "/etc/passwd", "review": "accept"}, {}):
        assert ask(server, "POST", "/decide", body)[0].status == 400
    assert ask(server, "GET", "/motion?path=/etc/passwd")[0].status == 400
    assert ask(server, "GET", "/clip?filter=everything")[0].status == 400
    counts = ask(server, "GET", "/clip")[1]["counts"]
    assert counts["undecided"] == counts["total"] == 6


@contextlib.contextmanager
def started(table):
    """`llamo review` as a program; its port."""
    command = [sys.executable, "-m", "llamo.cli.main", "review", str(table), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = process.stdout.readline() + process.stdout.readline()
        yield process, int(re.search(r"http://127\.0\.0\.1:(\d+)", said)[1])
    finally:
        process.kill()
        process.wait()


def decide(port, path, review="accept", **labels):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"path": path, "review": review, **labels})
    connection.request("POST", "/decide", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    return found if answer.status == 200 else found["error"]


def test_the_program_loses_nothing_when_killed_and_ends_on_sigterm(table, paths):
    with started(table) as (process, port):
        decide(port, paths[0])
        decide(port, paths[1], caption="Corrected.")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [row.get("review") for row in read_table(table)] == ["accept", "edit", None, None]
    with started(table) as (process, port):
        assert decide(port, paths[2], "reject")["row"]["path"] == paths[3]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0 and process.stderr.read() == ""
    lines = [json.loads(line) for line in table.read_text().splitlines()]  # the table itself
    assert [line["review"] for line in lines] == ["accept", "edit", "reject", None] and lines[1]["caption"] == "Corrected."
    assert sorted(os.listdir(table.parent)) == ["clips", "labels.jsonl"]


def test_a_taken_port_is_told(tmp_path, server):
    done = run(write_library(tmp_path / "other"), "--port", server.server_address[1])
    assert done.exit_code == 2 and "--port" in done.output


def test_what_was_accepted_is_exported(table, paths, tmp_path):
    out = tmp_path / "rows"
    done = run(table, "--export", out)
    assert done.exit_code == 2 and "none of 4" in done.output and not out.exists()
    with reviewing(table) as review:
        review.decide(paths[0], "accept")
        review.decide(paths[1], "accept", caption="the person strolls about")
        review.decide(paths[2], "reject")
        review.decide(paths[3], "accept")
    os.unlink(paths[3])
    done = run(table, "--export", out, "--fps", "40")
    assert done.exit_code == 0, done.output
    assert "2 rows" in done.output and "1 left out" in done.output and "walk 3.npz" in done.output
    rows = pq.read_table(out / "data").to_pylist()
    answers = [row["messages"][1]["content"][0]["text"] for row in rows]
    assert answers == ["The person walks forward slowly.", "The person strolls about."]
    (part,) = [part for part in rows[0]["messages"][0]["content"] if part["type"] == "motion"]
    assert part["bytes"][:2] == b"PK" and rows[0]["images"] == []
    with np.load(io.BytesIO(part["bytes"])) as motion:
        assert len(motion["joints"]) == pytest.approx(20, abs=1), "as the user says: 40 frames are a second"


def test_a_decision_does_not_wait_until_the_table_is_written(table, paths, monkeypatch):
    def slow(*arguments):
        time.sleep(0.5)  # as for some ten thousand clips
        return table_bytes(*arguments)

    monkeypatch.setattr(module, "table_bytes", slow)
    with reviewing(table) as review:
        began = time.perf_counter()
        for _ in range(4):
            for path in paths:
                review.decide(path, "accept")
        assert time.perf_counter() - began < 2.0
    assert [row["review"] for row in read_table(table)] == ["accept"] * 4 and not log_path(table).exists()
