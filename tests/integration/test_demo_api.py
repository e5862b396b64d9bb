"""The demo as programs use it: gradio_client against a running server, and `llamo demo` as a process."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from demo_samples import FilmedPerson, demo_module, seeing, serving, write_tiny_checkpoint, write_walk


pytest.importorskip("gradio")
gradio_client = pytest.importorskip("gradio_client")
LIMIT = 200_000  # bytes of an upload in this test


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def person():
    return FilmedPerson(num_frames=30, size=(96, 128))


@pytest.fixture(scope="module")
def server(folder, person):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_module("app"), "MAX_UPLOAD", LIMIT)
        assistant = demo_module("assistant").Assistant(str(write_tiny_checkpoint(folder / "tiny")))
        seeing(assistant.processor, person)
        with serving(assistant, folder / "gradio", keep_seconds=3.0) as address:
            yield address


@pytest.fixture(scope="module")
def client(server):
    return gradio_client.Client(server, verbose=False)


def handle(path):
    return gradio_client.handle_file(str(path))


def left(folder):
    """Uploads that are still there a little later."""
    end = time.monotonic() + 20
    while (found := [path for path in (folder / "gradio").rglob("*") if path.is_file()]) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def test_the_page_and_the_viewer_are_served(server):
    with urllib.request.urlopen(server) as page:
        assert page.status == 200
    viewer = demo_module("app").HERE / "viewer" / "viewer.js"
    with urllib.request.urlopen(f"{server}gradio_api/file={viewer}") as script:
        assert "/javascript" in script.headers["content-type"]
    for secret in (demo_module("app").HERE / "app.py", "/etc/passwd", viewer.parent / ".." / "app.py"):
        with pytest.raises(urllib.error.HTTPError) as failure:
            urllib.request.urlopen(f"{server}gradio_api/file={secret}")
        assert failure.value.code in (403, 404)


def test_the_documented_endpoints_are_those_that_exist(client, root):
    named = client.view_api(return_format="dict")["named_endpoints"]
    card = (root / "spaces_demo" / "README.md").read_text(encoding="utf-8")
    assert set(named) == set(re.findall(r"^\| `(/\w+)`", card, re.MULTILINE)) == {"/ask", "/measure", "/compare"}
    assert [each["parameter_name"] for each in named["/ask"]["parameters"]] == [
        "file",
        "question",
        "temperature",
        "max_new_tokens",
    ]


def test_measure_compare_and_ask(client, folder, root):
    squats = root / "examples" / "squats.bvh"
    measured = client.predict(file=handle(squats), api_name="/measure")
    assert measured["repetitions"]["count"] == 4 and measured["file"] == "squats.bvh"
    walk, slower = write_walk(folder / "walk.npz"), write_walk(folder / "slower.npz", speed=0.5)
    compared = client.predict(first=handle(walk), second=handle(slower), api_name="/compare")
    assert set(compared) == {"offset_s", "faults"}
    answer = client.predict(file=handle(walk), question="What?", max_new_tokens=4, api_name="/ask")
    assert isinstance(answer, str)
    assert not left(folder), "uploads are deleted"


def test_videos_are_measured_compared_and_asked_about(client, folder, person):
    video = person.write(folder / "squats.mp4")
    measured = client.predict(file=handle(video), api_name="/measure")
    assert measured["seconds"] == pytest.approx(1.45) and measured["file"] == "squats.mp4"
    assert measured["detected_and_assumed"][0] == "a video, 1.4 s with motion in it"
    walk = write_walk(folder / "walk.npz")
    assert "faults" in client.predict(first=handle(walk), second=handle(video), api_name="/compare")
    assert isinstance(client.predict(file=handle(video), question="What?", max_new_tokens=4, api_name="/ask"), str)
    assert not left(folder), "neither uploads nor films stay"


def test_the_example_of_the_card_runs(client, server, root, monkeypatch, capsys):
    card = (root / "spaces_demo" / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1].replace("http://127.0.0.1:7860", server)
    monkeypatch.chdir(root)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip().endswith("4")


def test_bad_input_is_told_in_words(client, folder):
    bad = folder / "bad.bvh"
    bad.write_text("HIERARCHY\nROOT Hips\n{\n")
    with pytest.raises(Exception, match=r"bad\.bvh.*[Ee]xpected"):
        client.predict(file=handle(bad), api_name="/measure")
    walk = write_walk(folder / "walk.npz")
    with pytest.raises(Exception, match="Expected a question"):
        client.predict(file=handle(walk), question="  ", api_name="/ask")
    with pytest.raises(Exception, match="placeholder"):
        client.predict(file=handle(walk), question="<|motion|>", api_name="/ask")
    assert not left(folder)


def test_a_large_upload_is_refused(client, folder):
    large = folder / "large.npz"
    large.write_bytes(bytes(LIMIT + 1000))
    with pytest.raises(Exception, match=r"413|size"):
        client.predict(file=handle(large), api_name="/measure")
    assert not left(folder)


def test_files_of_the_server_cannot_be_named(server, folder):
    secret = write_walk(folder / "secret.npz")
    for path in (str(secret), "/etc/passwd", f"{folder}/gradio/../secret.npz"):
        body = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
        request = urllib.request.Request(
            f"{server}gradio_api/call/measure", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request) as reply:
                event = json.load(reply)["event_id"]
            with urllib.request.urlopen(f"{server}gradio_api/call/measure/{event}") as stream:
                text = stream.read().decode()
        except urllib.error.HTTPError as error:
            text = f"event: error {error.code}"
        assert "event: error" in text and "distance_m" not in text
    assert secret.exists()


def test_users_at_the_same_time_get_their_own_answers(server, folder):
    clips = {name: write_walk(folder / f"{name}.npz", frames) for name, frames in (("one", 40), ("two", 80), ("three", 120))}
    found = {}

    def use(name):
        client = gradio_client.Client(server, verbose=False)
        found[name] = [client.predict(file=handle(clips[name]), api_name="/measure") for _ in range(3)]

    threads = [threading.Thread(target=use, args=(name,)) for name in clips]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for name, frames in (("one", 40), ("two", 80), ("three", 120)):
        assert [each["file"] for each in found[name]] == [f"{name}.npz"] * 3
        assert {each["seconds"] for each in found[name]} == {(frames - 1) / 20}


def test_users_who_bring_the_same_file_do_not_take_it_from_each_other(server, folder):
    walk, found = write_walk(folder / "same.npz"), []

    def use():
        client = gradio_client.Client(server, verbose=False)
        for _ in range(4):
            found.append(client.predict(file=handle(walk), api_name="/measure")["file"])

    threads = [threading.Thread(target=use) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found == ["same.npz"] * 24


def test_llamo_demo_says_where_it_is_and_ends_on_sigterm(folder, server):
    environment = {**os.environ, "GRADIO_TEMP_DIR": str(folder / "other"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "llamo.cli.main", "demo", "--port", "7999", "--model", str(folder / "tiny")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    try:
        for line in process.stdout:
            if "7999" in line:
                break
        assert "http://127.0.0.1:7999" in line
        with urllib.request.urlopen("http://127.0.0.1:7999/") as page:
            assert page.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def test_llamo_demo_refuses_what_it_cannot_use(tmp_path):
    from typer.testing import CliRunner

    from llamo.cli.main import app

    (tmp_path / "config.json").write_text("{}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for options, message in (
            (["--model", str(tmp_path / "nothing")], "Expected a checkpoint"),
            (["--model", str(tmp_path), "--port", str(taken.getsockname()[1])], "Expected a free address"),
            (["--model", str(tmp_path), "--host", "192.0.2.1"], "Expected a free address"),
        ):
            done = CliRunner().invoke(app, ["demo", *options])
            assert done.exit_code == 2 and message in done.output, done.output
