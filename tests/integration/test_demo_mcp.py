"""The demo as a Model Context Protocol server, used through that protocol's own client."""

import ast
import asyncio
import base64
import functools
import http.server
import threading
import time

import pytest
from conftest import ROOT, make_processor
from demo_samples import ScriptedAssistant, serving


pytest.importorskip("gradio")
mcp = pytest.importorskip("mcp")
SQUATS = ROOT / "examples" / "squats.bvh"


@pytest.fixture(scope="module")
def assistant():
    return ScriptedAssistant(make_processor(), "Four squats.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mcp")


@pytest.fixture(scope="module")
def address(assistant, folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradio.mcp.DEFAULT_TEMP_DIR", str(folder))  # it looks once, when it is imported
        with serving(assistant, folder, keep_seconds=1.0, mcp=True) as address:
            yield f"{address}gradio_api/mcp/"


def use(address, what):
    """What the coroutine `what(session)` gives, in a session of its own."""
    from mcp.client.streamable_http import streamablehttp_client

    async def go():
        async with streamablehttp_client(address) as (read, write, _), mcp.ClientSession(read, write) as session:
            await session.initialize()
            return await what(session)

    return asyncio.run(go())


def call(address, tool, **arguments):
    """Whether it failed, and the words that came back."""
    told = use(address, lambda session: session.call_tool(tool, arguments))
    return told.isError, "".join(part.text for part in told.content)


def data_url(path):
    return f"data:application/octet-stream;base64,{base64.b64encode(path.read_bytes()).decode()}"


def test_the_tools_say_what_they_are_for(address):
    tools = {tool.name: tool for tool in use(address, lambda session: session.list_tools()).tools}
    assert set(tools) == {"ask", "measure", "compare"}
    for name, words, arguments in (
        ("ask", "Answers a question about a motion file", {"file", "question", "temperature", "max_new_tokens"}),
        ("measure", "Measures a motion file", {"file"}),
        ("compare", "second motion differs from the first", {"first", "second"}),
    ):
        assert words in tools[name].description
        properties = tools[name].inputSchema["properties"]
        assert set(properties) == arguments and all(each.get("description") for each in properties.values())


def test_a_motion_is_asked_about_and_measured_and_not_kept(address, assistant, folder):
    assistant.asked.clear()
    assert call(address, "ask", file=data_url(SQUATS), question="How many squats?") == (False, "Four squats.")
    assert assistant.asked == [[["motion", "text"]]]
    failed, text = call(address, "measure", file=data_url(SQUATS))
    assert not failed and ast.literal_eval(text)["repetitions"]["count"] == 4
    end = time.monotonic() + 20
    while (left := [path for path in folder.rglob("*") if path.stat().st_size and path.is_file()]) and time.monotonic() < end:
        time.sleep(0.2)
    assert not left, "neither the upload nor what the data: URL was decoded to"


def test_what_does_not_work_is_told_in_words(address, tmp_path):
    failed, text = call(address, "ask", file=data_url(SQUATS), question=" ")
    assert failed and "Expected a question" in text
    bad = tmp_path / "bad.bvh"
    bad.write_text("HIERARCHY\nROOT Hips\n{\n")
    failed, text = call(address, "measure", file=data_url(bad))
    assert failed and "xpected" in text and str(tmp_path) not in text


def test_neither_files_nor_addresses_of_the_server_are_read(address, tmp_path):
    (tmp_path / "squats.bvh").write_bytes(SQUATS.read_bytes())
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as inside:
        threading.Thread(target=inside.serve_forever, daemon=True).start()
        for place in ("/etc/passwd", str(SQUATS), f"http://127.0.0.1:{inside.server_port}/squats.bvh"):
            failed, text = call(address, "measure", file=place)
            assert failed and "repetitions" not in text
        inside.shutdown()
