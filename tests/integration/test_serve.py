"""`llamo serve` as programs use it: OpenAI's own client against a running server, and the command as a process."""

import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
from demo_samples import write_tiny_checkpoint, write_walk


openai = pytest.importorskip("openai")
uvicorn = pytest.importorskip("uvicorn")

from llamo.cli.serve import address_of, bind  # noqa: E402
from llamo.cli.serving.addresses import Addresses  # noqa: E402
from llamo.cli.serving.application import Limits, build_app  # noqa: E402
from llamo.cli.session import open_session  # noqa: E402


LIMITS = Limits(max_batch=2, max_waiting=2, max_tokens=3000, max_bytes=100_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("serve")
    write_tiny_checkpoint(folder / "llamo")
    (folder / "clips").mkdir()
    write_walk(folder / "clips" / "walk.npz")
    write_walk(folder / "clips" / "run.npz", 40, 3.0)
    return folder


@pytest.fixture(scope="module")
def session(folder):
    return open_session(str(folder / "llamo"), [])[0]


@pytest.fixture(scope="module")
def server(folder, session):
    """A running server: its address, and its desk, to look behind it."""
    app = build_app(session, "llamo", Addresses([str(folder / "clips")]), LIMITS)
    listening = bind("127.0.0.1", 0)
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    yield address_of(listening), app.state.desk
    running.should_exit = True
    thread.join(30)
    assert app.state.is_idle


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=f"{server[0]}/v1", api_key="none", max_retries=0, timeout=60)


@pytest.fixture
def slow(session):
    """A model that takes its time, so that there is some to do things in; yields how many steps it has taken."""
    steps = []
    hook = session.model.register_forward_pre_hook(lambda *_: (steps.append(1), time.sleep(0.02))[0])
    yield steps
    hook.remove()


def motion(url="walk.npz", **said):
    return {"type": "motion_url", "motion_url": {"url": url, **said}}


def data_url(path):
    return f"data:application/octet-stream;base64,{base64.b64encode(path.read_bytes()).decode()}"


def user(*parts):
    return {"role": "user", "content": [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]}


def ask(client, *messages, **more):
    return client.chat.completions.create(model="llamo", messages=list(messages), **{"max_tokens": 8, **more})


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_models_and_health(client, server):
    assert [model.id for model in client.models.list()] == ["llamo"]
    assert client.models.retrieve("llamo").owned_by == "llamo"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("owner/other")
    with urllib.request.urlopen(f"{server[0]}/health") as reply:
        assert json.load(reply) == {"status": "ok", "running": 0, "waiting": 0}


def test_an_answer_with_its_usage_and_what_was_assumed(client, session, folder):
    answer = ask(client, user(motion(), "How far?"), max_tokens=5)
    assert answer.object == "chat.completion" and answer.model == "llamo" and answer.id.startswith("chatcmpl-")
    (choice,) = answer.choices
    assert choice.message.role == "assistant" and choice.finish_reason == "length"
    assert answer.usage.completion_tokens == 5 and answer.usage.total_tokens == answer.usage.prompt_tokens + 5
    part = {"type": "motion", "path": str(folder / "clips" / "walk.npz")}
    inputs = session.prepare([{"role": "user", "content": [part, {"type": "text", "text": "How far?"}]}])
    assert answer.usage.prompt_tokens == inputs["input_ids"].shape[1]
    output = session.generate(inputs, max_new_tokens=5)[0, inputs["input_ids"].shape[1] :]
    assert choice.message.content == session.decode(output)
    (report,) = answer.llamo["inputs"]
    assert report["path"] == "walk.npz" and report["frames"] == 60 and report["format"] == "npz" and report["assumed"]
    sent = ask(client, user(motion(data_url(folder / "clips" / "walk.npz"), format="npz", units="m"), "How far?"), max_tokens=5)
    assert sent.choices[0].message.content == choice.message.content


@pytest.mark.parametrize("wishes", [{}, {"temperature": 1.2, "seed": 7}, {"temperature": 1.5, "seed": 8, "top_p": 0.8}])
def test_streams_bring_the_same_in_pieces(client, wishes):
    question = user(motion(), "How far?")
    whole = ask(client, question, max_tokens=30, **wishes)
    chunks = list(ask(client, question, max_tokens=30, stream=True, stream_options={"include_usage": True}, **wishes))
    assert chunks[0].choices[0].delta.role == "assistant" and chunks[0].llamo["inputs"][0]["frames"] == 60
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks[:-1]]
    assert "".join(pieces) == whole.choices[0].message.content and sum(map(bool, pieces)) > 1
    reasons = [chunk.choices[0].finish_reason for chunk in chunks[:-1]]
    assert reasons[-1] == whole.choices[0].finish_reason and set(reasons[:-1]) == {None}
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage and chunks[-2].usage is None
    plain = list(ask(client, question, max_tokens=3, stream=True))
    assert all(chunk.choices for chunk in plain) and plain[-1].choices[0].finish_reason == "length"


def test_the_first_piece_comes_long_before_the_last(client, slow):
    started = time.monotonic()
    times = [time.monotonic() - started for _ in ask(client, user("Hi"), max_tokens=40, stream=True, temperature=1, seed=1)]
    assert times[-1] > 0.6 and times[1] < times[-1] / 2


def test_wishes_are_respected(client):
    question = user(motion(), "How far?")
    drawn = {seed: ask(client, question, temperature=1.5, seed=seed, max_tokens=30) for seed in (1, 2)}
    texts = {seed: answer.choices[0].message.content for seed, answer in drawn.items()}
    assert texts[1] != texts[2]
    assert ask(client, question, temperature=1.5, seed=1, max_tokens=30).choices[0].message.content == texts[1]
    assert ask(client, question, max_completion_tokens=3, max_tokens=9).usage.completion_tokens == 3
    stop = texts[1][4:6]
    stopped = ask(client, question, temperature=1.5, seed=1, max_tokens=30, stop=[stop, "nowhere"])
    assert stopped.choices[0].message.content == texts[1][: texts[1].index(stop)]
    assert stopped.choices[0].finish_reason == "stop" and stopped.usage.completion_tokens < 30
    streamed = ask(client, question, temperature=1.5, seed=1, max_tokens=30, stop=stop, stream=True)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in streamed)
    assert text == stopped.choices[0].message.content


def test_a_conversation_with_several_motions(client, session, folder):
    first = user(motion(), "How far?")
    answer = ask(client, first)
    told = answer.choices[0].message
    later = ask(client, {"role": "system", "content": "Be brief."}, first, told, user(motion("run.npz"), "And this?"))
    content = lambda name, text: [  # noqa: E731
        {"type": "motion", "path": str(folder / "clips" / name)}, {"type": "text", "text": text}]  # fmt: skip
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": content("walk.npz", "How far?")},
        {"role": "assistant", "content": told.content},
        {"role": "user", "content": content("run.npz", "And this?")},
    ]
    assert later.usage.prompt_tokens == session.prepare(messages)["input_ids"].shape[1]
    assert [report["path"] for report in later.llamo["inputs"]] == ["walk.npz", "run.npz"]


def test_errors_have_openais_shape_and_status(client, server, folder):
    (folder / "secret.npz").write_bytes(b"secret")
    cases = (
        (openai.NotFoundError, {"model": "gpt-5"}, "model_not_found", "model"),
        (openai.BadRequestError, {"messages": [user(motion("../secret.npz"), "?")]}, None, "messages.0.content.0"),
        (openai.BadRequestError, {"messages": [user(motion("http://127.0.0.1/a"), "?")]}, None, "messages.0.content.0"),
        (openai.BadRequestError, {"messages": [user(motion("data:;base64,QUJD"))]}, "unreadable_file", "messages.0.content.0"),
        (openai.BadRequestError, {"messages": [user("<|motion|>")]}, None, "messages"),
        (openai.BadRequestError, {"messages": [user({"type": "image_url"})]}, None, "messages.0.content.0"),
        (openai.BadRequestError, {"temperature": 9}, None, "temperature"),
        (openai.BadRequestError, {"extra_body": {"best_of": 2}}, "unknown_parameter", "best_of"),
        (openai.BadRequestError, {"max_tokens": 3001}, None, "max_tokens"),
        (openai.BadRequestError, {"messages": [user("x" * 500_000)]}, "context_length_exceeded", "messages"),
        (openai.BadRequestError, {"messages": [user("x" * 3000)], "max_tokens": 3000}, "context_length_exceeded", "messages"),
        (openai.BadRequestError, {"messages": [user("x" * 5000)], "max_tokens": None}, "context_length_exceeded", "messages"),
    )
    for kind, more, code, param in cases:
        arguments = {"model": "llamo", "messages": [user("Hi")], "max_tokens": 3, **more}
        for stream in (False, True):
            with pytest.raises(kind) as failure:
                client.chat.completions.create(**arguments, stream=stream)
            body = failure.value.body
            assert (body["code"], body["param"], body["type"]) == (code, param, "invalid_request_error"), body
            assert "secret" not in body["message"].replace("../secret.npz", "")
    for size in (LIMITS.max_body, LIMITS.max_body * 9 // 5):
        for stream in (False, True):
            with pytest.raises(openai.APIStatusError) as failure:
                ask(client, user("a" * size), stream=stream)
            assert failure.value.status_code == 413 and failure.value.body["code"] == "request_too_large"
    assert server[1].batcher.is_alive and ask(client, user("Hi")).usage.completion_tokens


def send(address, body, path="/v1/chat/completions", kind="application/json", method="POST"):
    request = urllib.request.Request(address + path, body, {"content-type": kind}, method=method)
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_whatever_is_sent_gets_json_back(server):
    address, _ = server
    good = json.dumps({"model": "llamo", "messages": [user("Hi")], "max_tokens": 2}).encode()
    assert send(address, good)[0] == 200
    for body in (
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"model": "\\ud800", "\\ud800": 1}',
        b"[" * 50_000,
        b"1" * 5000,
        b"[0" + b",[]" * 150_000 + b"]",
    ):
        status, told = send(address, body)
        assert status == 400 and told["error"]["message"] and told["error"]["type"] == "invalid_request_error", body[:20]
    assert send(address, good, kind="text/plain")[0] == 400, "no page of another site can ask without the browser's leave"
    assert send(address, None, method="GET")[0] == 405
    status, told = send(address, b"", "/v1/embeddings")
    assert status == 404 and "/v1/" in told["error"]["message"]


def test_what_comes_at_the_same_time_is_answered_together(client, server, slow):
    _, desk = server
    sizes, answer = [], desk.batcher._answer
    desk.batcher._answer = lambda batch: (sizes.append(len(batch)), answer(batch))
    try:
        found = {}

        def use(seed):
            found[seed] = ask(client, user(motion(), "How far?"), temperature=1, seed=seed, max_tokens=20 + seed)

        threads = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert sum(sizes) == 4 and max(sizes) == 2 and len(found) == 4
        for seed, together in found.items():
            alone = ask(client, user(motion(), "How far?"), temperature=1, seed=seed, max_tokens=20 + seed)
            assert alone.choices[0].message.content == together.choices[0].message.content
            assert alone.usage == together.usage
    finally:
        del desk.batcher._answer


def test_too_many_are_told_to_come_back(client, server, slow):
    address, desk = server
    streams = [ask(client, user("Hi"), max_tokens=3000, stream=True, temperature=2, seed=1) for _ in range(4)]
    with pytest.raises(openai.RateLimitError) as failure:
        ask(client, user("Hi"))
    assert failure.value.status_code == 429 and failure.value.body["code"] == "rate_limit_exceeded"
    assert int(failure.value.response.headers["retry-after"]) >= 1
    with pytest.raises(openai.RateLimitError):
        ask(client, user("a" * LIMITS.max_body))  # is heard out, and then told
    with urllib.request.urlopen(f"{address}/health") as reply:
        state = json.load(reply)
    assert state["running"] + state["waiting"] == 4
    [stream.close() for stream in streams]
    assert until(lambda: not desk.batcher.running and not desk.batcher.waiting)
    retrying = client.with_options(max_retries=3)
    assert ask(retrying, user("Hi")).choices, "there is room again"


def test_a_client_that_goes_stops_its_answer_and_no_other(client, server, slow):
    _, desk = server
    stream = ask(client, user("Hi"), max_tokens=3000, stream=True, temperature=2, seed=1)
    next(stream)
    other = ask(client, user("Ho"), max_tokens=3000, stream=True, temperature=2, seed=1)
    next(other)
    assert until(lambda: desk.batcher.running)
    stream.close()
    other.close()
    assert until(lambda: not desk.batcher.running and not desk.batcher.waiting)
    steps = len(slow)
    time.sleep(0.2)
    assert len(slow) == steps < 1000, "nothing is generated for nobody"


def test_a_client_that_does_not_stream_and_goes_stops_its_answer(server, slow):
    address, desk = server

    async def give_up():
        client = openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        asking = ask(client, user("Hi"), max_tokens=3000, temperature=2, seed=1)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asking, 1.0)
        await client.close()

    asyncio.run(give_up())
    assert until(lambda: not desk.batcher.running)
    steps = len(slow)
    time.sleep(0.2)
    assert 0 < len(slow) == steps < 1000


def test_a_fault_of_the_server_is_told_and_it_goes_on(client, session, capfd):
    def fail(*_):
        raise RuntimeError("secret detail")

    hook = session.model.register_forward_pre_hook(fail)
    try:
        with pytest.raises(openai.InternalServerError) as failure:
            ask(client, user("Hi"))
        assert failure.value.body["code"] == "internal_error" and "secret" not in str(failure.value)
        with pytest.raises(openai.APIError, match="error inside of the server"):
            list(ask(client, user("Hi"), stream=True))
    finally:
        hook.remove()
    assert ask(client, user("Hi")).choices


def test_llamo_serve_says_where_it_is_and_ends_on_sigterm(folder):
    command = [sys.executable, "-m", "llamo.cli.main", "serve", "--port", "0", "--model", str(folder / "llamo")]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        line = process.stdout.readline()
        assert line.startswith("LLaMo listens on http://127.0.0.1:")
        client = openai.OpenAI(base_url=line.split()[-1] + "/v1", api_key="none", max_retries=0)
        whole = ask(client, user("Hi"), max_tokens=300, temperature=2, seed=1)
        stream = ask(client, user("Hi"), max_tokens=300, temperature=2, seed=1, stream=True)
        text = next(stream).choices[0].delta.content
        process.send_signal(signal.SIGTERM)
        text += "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert text == whole.choices[0].message.content, "an answer in progress goes on to its end"
        assert process.wait(60) == 0
        assert process.stdout.read() == "" and "Traceback" not in process.stderr.read()
    finally:
        process.kill()
        process.wait()


def test_llamo_serve_refuses_what_it_cannot_use(folder, tmp_path):
    from typer.testing import CliRunner

    from llamo.cli.main import app

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for options, message in (
            (["--model", str(tmp_path / "nothing")], "Expected a checkpoint"),
            (["--model", str(folder / "llamo"), "--port", port], "Expected a free address"),
            (["--model", str(folder / "llamo"), "--port", "0", "--allow-folder", str(tmp_path / "no")], "Expected a folder"),
            (["--model", str(folder / "llamo"), "--port", "0", "--host", "192.0.2.1"], "Expected a free address"),
        ):
            done = CliRunner().invoke(app, ["serve", *options])
            assert done.exit_code == 2 and message in done.output, done.output
