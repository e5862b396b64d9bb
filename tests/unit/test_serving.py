"""The pieces of `llamo serve`: what may be read, how answers end, what goes into one batch."""

import asyncio
import base64
import http.server
import io
import os
import socket
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import encode, make_config, make_model, make_processor, make_walk, motion_part, user
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from transformers import SiglipVisionConfig
from video_samples import numbered_frames, write_video

from llamo.cli.serving.addresses import AddressError, Addresses, Budget
from llamo.cli.serving.admission import Admission
from llamo.cli.serving.answers import Answer, Wishes
from llamo.cli.serving.batching import Batcher, go_together
from llamo.cli.serving.problems import Problem, from_validation
from llamo.cli.serving.prompts import MAX_FRAMES, MAX_MEDIA, Prompt, PromptMaker, fits, merge
from llamo.cli.serving.protocol import ChatRequest
from llamo.cli.session import BadInputError, Session
from llamo.processing import video_download_llamo
from llamo.processing.video_download_llamo import fetch_video, is_public
from llamo.processing.video_motion_llamo import VideoMotions
from llamo.processing.video_processing_llamo import LlamoFrameProcessor
from llamo.processing.video_reading_llamo import VideoFormatError, probe_video


ROOM = 100_000


class MadeUpEstimator:
    """Sees in every video a walk as long as the video, from 0.2 s on."""

    def estimate(self, source, progress=None):
        seconds = probe_video(source).seconds
        report = {"coverage": 0.97, "span_s": [0.2, seconds], "warnings": [], "people": []}
        joints = make_walk(round(20 * (seconds - 0.2)))
        return SimpleNamespace(joints=joints, fps=20.0, contacts=np.zeros((len(joints), 4)), start=0.2, report=report)


def make_session(**vision) -> Session:
    processor = make_processor()
    config = make_config(processor, **vision)
    return Session("tiny", processor, make_model(config), 0.0)


def data_url(data: bytes, kind: str = "application/octet-stream") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def walk_bytes(num_frames: int = 60) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, joints=make_walk(num_frames), fps=np.float32(20))
    return stream.getvalue()


def chat(*parts, **more) -> ChatRequest:
    content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
    return ChatRequest(model="tiny", messages=[{"role": "user", "content": content}], **more)


def motion_url(num_frames: int = 60, **said) -> dict:
    return {"type": "motion_url", "motion_url": {"url": data_url(walk_bytes(num_frames)), **said}}


# --------------------------------------------------------------------------------------------------------------------
# Addresses


def test_data_urls():
    read = Addresses().read
    assert read(data_url(b"\0\xff motion"), Budget(ROOM)) == b"\0\xff motion"
    assert read("DATA:;BASE64,QUI%3D", Budget(ROOM)) == b"AB"
    assert read("data:text/plain,a%20b", Budget(ROOM)) == b"a b"
    for url, message in (
        ("data:text/plain;base64", "without a comma"),
        ("data:;base64,QUI", "base64"),
        ("data:;base64,Q U I =", "base64"),
        ("ftp://example.org/a.bvh", "data: URL"),
        ("javascript:alert(1)", "data: URL"),
    ):
        with pytest.raises(AddressError, match=message):
            read(url, Budget(ROOM))


def test_a_request_may_bring_so_much_in_all():
    budget = Budget(100)
    Addresses().read(data_url(bytes(60)), budget)
    for url in (data_url(bytes(41)), "data:," + "a" * 200):
        with pytest.raises(AddressError, match="at most 100 bytes"):
            Addresses().read(url, budget)
    Addresses().read(data_url(bytes(40)), budget)


@pytest.fixture
def clips(tmp_path):
    folder = tmp_path / "clips"
    (folder / "deep").mkdir(parents=True)
    (folder / "a b.bvh").write_bytes(b"one")
    (folder / "deep" / "c.bvh").write_bytes(b"two")
    (tmp_path / "secret.bvh").write_bytes(b"secret")
    (tmp_path / "clips-other").mkdir()
    (tmp_path / "clips-other" / "d.bvh").write_bytes(b"secret")
    return folder


def test_files_below_an_allowed_folder(clips, tmp_path):
    (tmp_path / "link").symlink_to(clips)
    read = Addresses([str(tmp_path / "link")]).read
    for url in (
        "a b.bvh",
        f"{clips}/a b.bvh",
        f"{tmp_path}/link/a b.bvh",
        f"file://{clips}/a%20b.bvh",
        f"FILE://localhost{clips}/a%20b.bvh",
        "./a b.bvh",
    ):
        assert read(url, Budget(ROOM)) == b"one", url
    assert read("deep/c.bvh", Budget(ROOM)) == b"two"
    both = Addresses([str(tmp_path / "clips-other"), str(clips)]).read
    assert both("deep/c.bvh", Budget(ROOM)) == b"two" and both("d.bvh", Budget(ROOM)) == b"secret"
    with pytest.raises(AddressError, match="at most 2 bytes"):
        read("a b.bvh", Budget(2))
    with pytest.raises(AddressError, match=r"got nothing at 'e\.bvh'"):
        read("e.bvh", Budget(ROOM))


def test_nothing_else_of_the_machine_is_read(clips, tmp_path):
    (clips / "link.bvh").symlink_to(tmp_path / "secret.bvh")
    (clips / "inner.bvh").symlink_to(clips / "a b.bvh")
    (clips / "out").symlink_to(tmp_path)
    os.mkfifo(clips / "pipe.bvh")
    read = Addresses([str(clips)]).read
    for url in (
        "../secret.bvh",
        "deep/../../secret.bvh",
        "deep/../a b.bvh",
        f"{clips}/../secret.bvh",
        f"{tmp_path}/secret.bvh",
        f"{tmp_path}/clips-other/d.bvh",
        f"file://{clips}/%2e%2e/secret.bvh",
        "/etc/passwd",
        "file:///etc/passwd",
        "file://example.org/a.bvh",
        "link.bvh",
        "inner.bvh",
        "out/secret.bvh",
        "out",
        "deep",
        ".",
        "",
        "pipe.bvh",
        "a b.bvh\0",
        "~/secret.bvh",
    ):
        with pytest.raises(AddressError) as failure:
            read(url, Budget(ROOM))
        if "secret" not in url:  # what was asked for is told, shortened where it is long; what lies behind a link is not
            assert "secret" not in str(failure.value)
    with pytest.raises(AddressError, match="--allow-folder"):
        Addresses().read("a b.bvh", Budget(ROOM))
    with pytest.raises(BadInputError, match="Expected a folder"):
        Addresses([str(tmp_path / "nowhere")])


def test_a_folder_that_becomes_a_link_while_it_is_read_leads_nowhere(clips, tmp_path, monkeypatch):
    """The check and the reading are one step: there is no moment between them."""
    opened = os.open

    def open_slowly(path, *args, **kwargs):
        if path == "c.bvh" and (clips / "deep").is_dir() and not (clips / "deep").is_symlink():
            (clips / "deep").rename(clips / "gone")
            (clips / "deep").symlink_to(tmp_path)
            (tmp_path / "c.bvh").write_bytes(b"secret")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", open_slowly)
    monkeypatch.setattr(os, "supports_dir_fd", {*os.supports_dir_fd, open_slowly})
    assert Addresses([str(clips)]).read("deep/c.bvh", Budget(ROOM)) == b"two"
    with pytest.raises(AddressError, match="a path through a link"):
        Addresses([str(clips)]).read("deep/c.bvh", Budget(ROOM))


@pytest.fixture
def web():
    """A server of this machine that counts who comes; /moved leads to 127.0.0.2, /slow never ends."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.2:{self.server.server_port}/file")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            for _ in range(50 if self.path == "/slow" else 1):
                self.wfile.write(b"bytes")
                time.sleep(0.02 if self.path == "/slow" else 0)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield served.server_port, asked
        served.shutdown()


def test_the_web_is_read_where_it_is_allowed_and_public(web, monkeypatch):
    port, asked = web
    with pytest.raises(AddressError, match="--allow-http"):
        Addresses().read(f"http://127.0.0.1:{port}/file", Budget(ROOM))
    addresses = Addresses(allow_http=True)
    for host in ("127.0.0.1", "localhost", "[::1]", "127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0"):
        with pytest.raises(AddressError, match=r"private|host with that name"):
            addresses.read(f"http://{host}:{port}/file", Budget(ROOM))
    for url in ("http://169.254.169.254/latest/meta-data", "http://10.0.0.1/", "http://[fe80::1]/", "http://192.168.1.1/"):
        with pytest.raises(AddressError, match="private"):
            addresses.read(url, Budget(ROOM))
    for url in ("http://", "https://[", "http://a:b/"):
        with pytest.raises(AddressError, match="begins with"):
            addresses.read(url, Budget(ROOM))
    assert asked == []
    monkeypatch.setattr(video_download_llamo, "is_public", lambda address: address == "127.0.0.1")
    assert addresses.read(f"http://127.0.0.1:{port}/file", Budget(ROOM)) == b"bytes"
    with pytest.raises(AddressError, match="private one at"):
        addresses.read(f"http://127.0.0.1:{port}/moved", Budget(ROOM))
    assert asked == ["/file", "/moved"]
    with pytest.raises(AddressError, match="at most 3 bytes"):
        addresses.read(f"http://127.0.0.1:{port}/file", Budget(3))
    with pytest.raises(VideoFormatError, match="a faster answer"):
        fetch_video(f"http://127.0.0.1:{port}/slow", direct=True, longest=0.1)


@pytest.mark.parametrize("proxy", [False, True])
def test_a_name_that_changes_its_address_after_the_check_is_not_followed(web, monkeypatch, proxy):
    port, asked = web
    if proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    real, calls = socket.getaddrinfo, []

    def lookup(host, *args, **kwargs):
        if host != "rebind.example":
            return real(host, *args, **kwargs)
        calls.append(host)
        return real("93.184.216.34" if len(calls) == 1 else "127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(AddressError, match="private one at"):
        Addresses(allow_http=True).read(f"http://rebind.example:{port}/file", Budget(ROOM))
    assert len(calls) == 2 and asked == []


def test_which_addresses_are_public():
    public = ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")
    private = (
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "::127.0.0.1", "2001:db8::1",
    )  # fmt: skip
    assert [address for address in public if not is_public(address)] == []
    assert [address for address in private if is_public(address)] == []


# --------------------------------------------------------------------------------------------------------------------
# Requests


def refuse(**body) -> Problem:
    body = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], **body}
    with pytest.raises(ValidationError) as failure:
        ChatRequest.model_validate(body)
    errors = [{**error, "loc": ("body", *error["loc"])} for error in failure.value.errors()]
    return from_validation(RequestValidationError(errors, body=body))


def test_what_is_not_understood_is_refused_and_named():
    message = {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "motion_url", "motion_url": {}}]}
    assert refuse(messages=[message]).param == "messages.0.content.1.motion_url.url"
    message["content"][1] = {"type": "motion_url", "motion_url": {"url": "a.bvh", "joint_map": "/etc/passwd"}}
    assert refuse(messages=[message]).param == "messages.0.content.1.motion_url.joint_map"
    message["content"][1] = {"type": "image_url", "image_url": {"url": "a.png"}}
    problem = refuse(messages=[message])
    assert "image_url" in problem.message and "motion_url" in problem.message and problem.status == 400
    problem = refuse(temprature=1)
    assert (problem.param, problem.code) == ("temprature", "unknown_parameter")
    for name, value in (
        ("temperature", 3),
        ("temperature", float("nan")),
        ("n", 2),
        ("max_tokens", 0),
        ("stop", ["a"] * 5),
        ("stop", ""),
        ("logprobs", True),
        ("presence_penalty", 1),
        ("response_format", {"type": "json_object"}),
        ("tools", []),
        ("seed", 2**63),
        ("messages", []),
        ("messages", [{"role": "tool", "content": "x"}]),
        ("messages", [{"role": "assistant", "content": [{"type": "motion_url", "motion_url": {"url": "a"}}]}]),
    ):
        assert (refuse(**{name: value}).param or "").startswith(name), name


def test_what_clients_send_anyway_is_accepted():
    answer = {"role": "assistant", "content": "Yes.", "refusal": None, "annotations": [], "audio": None, "tool_calls": None}
    question = {"role": "user", "content": "Hi", "name": "me"}
    request = ChatRequest(
        model="tiny", messages=[{"role": "system", "content": "Be brief."}, question, answer, question], stop="\n", n=1,
        response_format={"type": "text"}, user="me", temperature=None, max_completion_tokens=7, max_tokens=9,
    )  # fmt: skip
    assert request.stop == ["\n"] and request.longest == 7 and request.temperature == 0
    assert [message.content[0].text for message in request.messages] == ["Be brief.", "Hi", "Yes.", "Hi"]


class Door:
    """An Admission with an application behind it that waits for `open`, and what comes out."""

    def __init__(self, **limits):
        self.open = asyncio.Event()
        self.admission = Admission(self.app, ("/x",), **{"limit": 9, "max_body": 100, "expected_wait": lambda: 3, **limits})
        self.bodies = []

    async def app(self, scope, receive, send):
        self.bodies.append((await receive())["body"])
        await self.open.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def post(self, *pieces: bytes, announced: int | None = None, hangs: bool = False) -> tuple[int, dict]:
        """Status and headers of the answer to a body that comes in pieces, the last of which may never come."""
        sent, waiting = [], list(pieces)

        async def receive():
            if not waiting:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting) or hangs}

        async def send(message):
            sent.append(message)

        headers = [] if announced is None else [(b"content-length", str(announced).encode())]
        await self.admission({"type": "http", "path": "/x", "method": "POST", "headers": headers}, receive, send)
        return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_bodies_are_counted_while_they_are_in_memory():
    async def go():
        door = Door()
        first = [asyncio.ensure_future(door.post(b"a" * 60, b"b" * 40)) for _ in range(4)]
        await asyncio.sleep(0.05)
        assert door.admission.held == 400 and door.admission.taken == 4
        for size in (None, 50):
            status, headers = await door.post(b"c" * 50, announced=size)
            assert (status, headers["retry-after"]) == (429, "3")
        door.open.set()
        assert [status for status, _ in await asyncio.gather(*first)] == [200] * 4
        assert door.admission.held == door.admission.taken == 0 and door.bodies == [b"a" * 60 + b"b" * 40] * 4
        assert (await door.post(b"d"))[0] == 200

    asyncio.run(go())


def test_bodies_that_are_too_many_too_large_or_too_slow(monkeypatch):
    monkeypatch.setattr("llamo.cli.serving.admission.LONGEST_UPLOAD", 0.05)
    monkeypatch.setattr("llamo.cli.serving.admission.LONGEST_REFUSAL", 0.05)
    monkeypatch.setattr("llamo.cli.serving.admission.MAX_MARKS", 3)

    async def go():
        door = Door(limit=2)
        assert (await door.post(b"", announced=101))[0] == 413
        assert (await door.post(b"a" * 60, b"b" * 41))[0] == 413
        assert (await door.post(b"a" * 60, b"b" * 60, announced=1, hangs=True))[0] == 413
        assert (await door.post(b"a", hangs=True))[0] == 408
        assert (await door.post(b"[,{,"))[0] == 400
        waiting = [asyncio.ensure_future(door.post(b"a")) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert (await door.post(b"a"))[0] == 429
        door.open.set()
        await asyncio.gather(*waiting)
        assert door.admission.held == door.admission.taken == 0 and door.bodies == [b"a"] * 2

    asyncio.run(go())


# --------------------------------------------------------------------------------------------------------------------
# Prompts


def make_prompt(session: Session, request: ChatRequest, **more) -> Prompt:
    return PromptMaker(session, Addresses(), 1 << 20).make(request, **more)


def same(first, second) -> bool:
    return set(first) == set(second) and all(torch.equal(first[name], second[name]) for name in first)


def test_a_request_becomes_what_the_processor_makes_of_its_messages():
    session = make_session()
    prompt = make_prompt(session, chat(motion_url(40), "and", motion_url(50, fps=10), "differ how?"))
    own = user(motion_part(make_walk(40)), "and", motion_part(make_walk(50), fps=10), "differ how?")
    assert same(prompt.tensors, encode(session.processor, [own], add_generation_prompt=True))
    assert [report["source_fps"] for report in prompt.reports] == [20, 10] and prompt.motions == (2, 99)
    assert prompt.length == prompt.tensors["input_ids"].shape[1]
    assert make_prompt(session, chat("No motion.")).motions == (0, 0)


def test_videos_are_estimated_and_belong_where_the_processor_puts_them(tmp_path):
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(50))
    data = (tmp_path / "clip.mp4").read_bytes()
    seen = {"type": "video_url", "video_url": {"url": data_url(data, "video/mp4")}}
    for looks in (False, True):
        session = make_session()
        session.processor.video_motions = VideoMotions(estimator=MadeUpEstimator())
        if looks:
            session.processor.frame_processor = LlamoFrameProcessor(image_size=16, num_frames=3)
        part = {"type": "video", "path": clip}
        alone = make_prompt(session, chat(seen, "What?"))
        assert same(alone.tensors, encode(session.processor, [user(part, "What?")], add_generation_prompt=True))
        assert alone.reports[0]["estimation"]["coverage"] == 0.97 and alone.reports[0]["path"] == "data:video/mp4;base64,..."
        if looks:
            beside = make_prompt(session, chat(motion_url(40), seen, "What?"))
            messages = [user(motion_part(make_walk(40)), part, "What?")]
            assert same(beside.tensors, encode(session.processor, messages, add_generation_prompt=True))
            assert len(beside.tensors["pixel_values_videos"]) == 1
        else:
            with pytest.raises(Problem, match="vision tower"):
                make_prompt(session, chat(motion_url(40), seen, "What?"))


def test_faults_name_the_part_that_they_are_in(monkeypatch):
    session = make_session()
    broken = {"type": "motion_url", "motion_url": {"url": data_url(b"HIERARCHY\nROOT"), "format": "bvh"}}
    for request, param, code in (
        (chat("Hi", broken), "messages.0.content.1", "unreadable_file"),
        (chat(motion_url(60, units="miles"), "Hi"), "messages.0.content.0", "unreadable_file"),
        (chat({"type": "motion_url", "motion_url": {"url": "/etc/passwd"}}), "messages.0.content.0", None),
        (chat({"type": "video_url", "video_url": {"url": data_url(b"no video")}}), "messages.0.content.0", "unreadable_file"),
        (chat("<|motion|>"), "messages", None),
        (chat(*[motion_url()] * (MAX_MEDIA + 1)), "messages", None),
        (ChatRequest(model="tiny", messages=[{"role": "assistant", "content": "Hi"}]), "messages", None),
    ):
        with pytest.raises(Problem) as failure:
            make_prompt(session, request)
        assert (failure.value.param, failure.value.code, failure.value.status) == (param, code, 400)
    with pytest.raises(Problem) as failure:
        make_prompt(session, chat(motion_url()), is_wanted=lambda: False)
    assert failure.value.status == 499
    monkeypatch.setattr("llamo.cli.serving.prompts.MAX_FRAMES", 100)
    with pytest.raises(Problem, match="at most 100 frames"):
        make_prompt(session, chat(motion_url(40), motion_url(60)))


def test_a_small_file_may_not_unpack_to_more_than_a_large_one():
    stream = io.BytesIO()
    np.savez_compressed(stream, joints=np.zeros((9000, 22, 3)), fps=20)
    assert len(stream.getvalue()) < 1 << 20
    url = {"type": "motion_url", "motion_url": {"url": data_url(stream.getvalue())}}
    with pytest.raises(Problem, match="at most"):
        make_prompt(make_session(), chat(url, "What?"))


# --------------------------------------------------------------------------------------------------------------------
# Answers


def follow(pieces: list[str], **wishes) -> tuple[list, Answer, int]:
    """What an answer tells while it takes tokens that stand for `pieces`, and how many of them it takes."""
    told, taken = [], 0
    answer = Answer(None, Wishes(**{"max_tokens": 99, **wishes}), lambda ids: "".join(pieces[i] for i in ids), told.append)
    for token in range(len(pieces)):
        taken += 1
        if answer.take(token, end_tokens=(len(pieces) - 1,)):
            break
    return told, answer, taken


def test_answers_end_with_their_token_their_length_or_a_stop_string():
    told, answer, _ = follow(["Two", " squ", "ats", ".", "<end>"])
    assert told == ["Two", " squ", "ats", ".", None] and answer.finish_reason == "stop" and answer.num_tokens == 5
    told, answer, _ = follow(["Two", " squ", "ats", "<end>"], max_tokens=2)
    assert told == ["Two", " squ", None] and answer.finish_reason == "length" and answer.num_tokens == 2
    told, answer, taken = follow(["a", "bS", "T", "OPc", "d", "<end>"], stop=("STOP", "d"))
    assert told == ["a", "b", None] and answer.finish_reason == "stop" and taken == 4
    told, answer, _ = follow(["a", "ST", "OR", "S", "<end>"], stop=("STOP",))
    assert "".join(told[:-1]) == "aSTORS" and told[1] == "STOR", "what only began like a stop string comes after all"
    told, answer, _ = follow(["ab", "<end>"], stop=("b", "ab"))
    assert told == [None]
    assert answer.take(0, ()) and told == [None], "what has ended takes nothing more"


def test_half_a_character_is_not_sent():
    told, _, _ = follow(["a", "\ufffd", "b", "<end>"])
    assert told == ["a", "\ufffdb", None]
    told, _, _ = follow(["a", "\ufffd", "<end>"])
    assert "".join(told[:-1]) == "a\ufffd"


def test_nobody_waits():
    told, answer, _ = follow(["a", "b", "c", "<end>"], max_tokens=1)
    answer = Answer(None, Wishes(9), lambda ids: "a" * len(ids), told.append)
    assert not answer.take(1, ())
    answer.cancel()
    assert answer.take(1, ()) and answer.finish_reason is None and answer.num_tokens == 1


# --------------------------------------------------------------------------------------------------------------------
# Batches


def run(batcher: Batcher, prompts: list[Prompt], wishes: list[Wishes]) -> list[list[int]]:
    """Tokens of answers that were made together."""
    ends = [threading.Event() for _ in prompts]
    decode = batcher.session.processor.tokenizer.decode
    answers = [
        Answer(prompt, wish, decode, lambda piece, end=end: end.set() if piece is None else None)
        for prompt, wish, end in zip(prompts, wishes, ends)
    ]
    batcher.submit(*answers)
    assert all(end.wait(60) for end in ends)
    for answer in answers:
        if answer.failure is not None:
            raise answer.failure
    return [answer.tokens for answer in answers]


@pytest.fixture
def batcher():
    batcher = Batcher(make_session(), max_batch=8)
    batcher.start()
    yield batcher
    assert batcher.stop(30)


def test_an_answer_does_not_depend_on_what_else_is_in_its_batch(batcher):
    make = PromptMaker(batcher.session, Addresses(), 1 << 20).make
    prompts = [
        make(chat(motion_url(40), "How far?")),
        make(chat("No motion at all, but many more words than the others have.")),
        make(chat(motion_url(90), motion_url(30), "Which one is longer?")),
        make(chat(motion_url(40), "How far?")),
    ]
    wishes = [Wishes(12), Wishes(5, 1.0, seed=3), Wishes(20, 1.3, 0.9, seed=4), Wishes(9, 0.7, seed=5, stop=("zzzz",))]
    sizes, generate = [], batcher.session.model.generate
    batcher.session.model.generate = lambda **kwargs: sizes.append(len(kwargs["input_ids"])) or generate(**kwargs)
    together = run(batcher, prompts, wishes)
    assert sizes == [4]
    alone = [run(batcher, [prompt], [wish])[0] for prompt, wish in zip(prompts, wishes)]
    assert together == alone and sizes == [4, 1, 1, 1, 1]
    ends = set(batcher.end_tokens)
    assert all(len(tokens) == wish.max_tokens or tokens[-1] in ends for tokens, wish in zip(alone, wishes))
    other = run(batcher, prompts[1:2], [Wishes(5, 1.0, seed=6)])[0]
    assert other != alone[1]


def test_the_likeliest_answer_is_that_of_generate(batcher):
    prompt = PromptMaker(batcher.session, Addresses(), 1 << 20).make(chat(motion_url(40), "How far?"))
    (tokens,) = run(batcher, [prompt], [Wishes(10)])
    output = batcher.session.model.generate(**prompt.tensors, do_sample=False, max_new_tokens=10)
    assert tokens == output[0, prompt.length :].tolist()


def test_a_batch_with_videos_is_that_of_the_processor(tmp_path):
    vision = SiglipVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=8
    )
    session = make_session(vision_config=vision)
    session.processor.frame_processor = LlamoFrameProcessor(image_size=16, num_frames=3)
    clip = write_video(tmp_path / "clip.mp4", numbered_frames(50))
    seen = {"type": "video_url", "video_url": {"url": data_url((tmp_path / "clip.mp4").read_bytes())}}
    part = {"type": "video", "path": clip}
    requests = [chat(motion_url(40), "Far?"), chat("Hm."), chat(motion_url(30), motion_url(50), seen, "Which?")]
    merged = merge(
        [make_prompt(session, request) for request in requests], session.processor.tokenizer.pad_token_id, torch.float32
    )
    chats = [
        [user(motion_part(make_walk(40)), "Far?")],
        [user("Hm.")],
        [user(motion_part(make_walk(30)), motion_part(make_walk(50)), part, "Which?")],
    ]
    assert same(merged, encode(session.processor, chats, add_generation_prompt=True))
    assert merged["video_motion_ids"].tolist() == [2]


def test_one_bad_prompt_does_not_take_the_others_along(batcher):
    make = PromptMaker(batcher.session, Addresses(), 1 << 20).make
    good, bad = make(chat(motion_url(40), "How far?")), make(chat(motion_url(40), "How far?"))
    bad.tensors["motion_values"] = bad.tensors["motion_values"][..., :7]
    ends, told = [threading.Event() for _ in range(3)], [[], [], []]
    answers = [
        Answer(
            prompt, Wishes(3), lambda ids: "x" * len(ids), lambda piece, i=i: told[i].append(piece) or piece or ends[i].set()
        )
        for i, prompt in enumerate((good, bad, good))
    ]
    batcher.submit(*answers)
    assert all(end.wait(60) for end in ends) and batcher.is_alive
    assert [answer.finish_reason for answer in answers] == ["length", None, "length"]
    assert answers[1].failure is not None and answers[1].failure.status == 500
    assert told[0] == ["x", "x", "x", None] and told[1] == [None]


def test_what_does_not_fit_waits_for_the_next_batch():
    def answer(length, max_tokens, motions=(0, 0)):
        return SimpleNamespace(prompt=SimpleNamespace(length=length, motions=motions), wishes=Wishes(max_tokens))

    assert go_together([answer(10**6, 10**6)]), "what comes first is always answered"
    assert go_together([answer(100, 128)] * 8) and not go_together([answer(8000, 128)] * 8)
    assert fits([answer(1, 1, (1, MAX_FRAMES // 2)).prompt] * 2)
    assert not go_together([answer(1, 1, (1, 2 + MAX_FRAMES // 2)), answer(1, 1, (1, 20))])


def test_how_long_to_wait():
    batcher = Batcher(make_session(), max_batch=8)  # nobody works
    batcher.seconds = 4.0
    assert batcher.expected_wait() == 4
    batcher.waiting.extend([None] * 17)
    assert batcher.expected_wait() == 12
    batcher.seconds = 900.0
    assert batcher.expected_wait() == 60
