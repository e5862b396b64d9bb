"""The demo in headless Chromium: what a user does, on a desk and on a phone, and what goes wrong for them."""

import shutil
import time

import pytest
from browsing import open_browser, problems, serious_findings
from conftest import ROOT, make_processor
from demo_page import BOT, CHAT, Page
from demo_samples import ScriptedAssistant, serving, write_walk

from llamo.processing.motion_formats_llamo import read_motion


pytestmark = pytest.mark.browser
pytest.importorskip("gradio")
SQUATS = ROOT / "examples" / "squats.bvh"
ANSWER = (
    "Four squats, the lowest at 2.4 seconds, another from 4 to 5.5 s. <img src=x onerror=window.hacked=1> **not bold** 99 s"
)


class Pace:
    """How long the scripted assistant takes for a word."""

    seconds = 0.2

    def __call__(self):
        time.sleep(self.seconds)


@pytest.fixture(scope="module")
def assistant():
    return ScriptedAssistant(make_processor(), ANSWER, Pace())


@pytest.fixture(scope="module")
def address(tmp_path_factory, assistant):
    with serving(assistant, tmp_path_factory.mktemp("gradio")) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser, address):
    page = Page(browser, address)
    yield page
    assert not [entry for entry in problems(browser) if entry["level"] == "SEVERE"]


def test_upload_ask_and_follow_a_time(page, assistant):
    assistant.asked.clear()
    page.open()
    page.keep("empty")
    page.load(SQUATS)
    found = page.run("return document.querySelector('#llamo-found').innerText")
    assert "squats.bvh" in found and "168 frames at 20 per second" in found and "centimetres" in found
    page.keep("loaded")
    page.ask("How many squats?")
    lengths = set()
    while (answers := page.wait(f"const all = {BOT}; return all.length && all")) and not answers[0].endswith("99 s"):
        lengths.add(len(answers[0]))
    page.finish()
    assert len(lengths) > 2, "words arrive one by one"
    assert page.answers() == [ANSWER], "shown as it was written"
    assert page.run("return [window.hacked, document.querySelectorAll('#llamo-chat .bot img').length]") == [None, 0]
    links = page.all("#llamo-chat .bot a.llamo-time", 3)
    assert links == ["2.4", "4", "5.5"], "99 s is after the end"
    page.click("#llamo-chat .bot a.llamo-time")
    assert page.run("return llamoViewer.time") == pytest.approx(2.4)
    ticks = page.wait(
        "const all = llamoViewer.motions[0].ticks.filter((tick) => tick.kind === 'focus'); return all.length && all"
    )
    assert [(tick["time_s"], tick["end_s"]) for tick in ticks] == [(0.4, 0.8), (1.6, 1.8)]
    page.keep("answer")
    page.ask("And how deep?")
    page.finish(2)
    assert assistant.asked[-1] == [["motion", "text"], ["text"], ["text"]], "the history goes along"
    page.click("#llamo-again")
    page.wait(f"const all = {BOT}; return all.length < 2 || !all[1].endsWith('99 s')")
    page.finish(2)
    assert assistant.asked[-1] == [["motion", "text"], ["text"], ["text"]] and len(assistant.asked) == 3
    page.click("#llamo-clear")
    page.wait(f"return {BOT}.length === 0")


def test_copy_and_advanced_settings(page, assistant, monkeypatch):
    monkeypatch.setattr(assistant, "text", "Crouching (B), from 1.5-2 s, at 99 s")
    assistant.settings.clear()
    page.open().load(SQUATS)
    page.press_named("button > span", "Advanced")
    for label, value in (("Temperature", "0.7"), ("Longest answer", "64")):
        page.set_number(label, value)
    page.ask("How many squats?")
    page.finish()
    assert assistant.settings == [(0.7, 64)]
    allowed = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    page.browser.execute_cdp_cmd("Browser.grantPermissions", allowed)
    page.run("[...document.querySelectorAll('#llamo-chat button[aria-label=\"Copy message\"]')].at(-1).click()")
    page.wait("return document.querySelector('#llamo-chat button[aria-label=\"Copied message\"]')")
    copied = page.browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied == assistant.text


def test_stop(page, assistant):
    page.open().load(SQUATS)
    assistant.pause.seconds = 0.5
    try:
        page.ask("How many squats?")
        page.wait(f"return ({BOT}[0] || '').startsWith('Four squats')")
        page.click("#llamo-stop")
        page.wait("return !document.querySelector('#llamo-stop')")
        time.sleep(1.5)
        stopped = page.answers()[0]
        time.sleep(1.5)
        assert page.answers() == [stopped] and not stopped.endswith("99 s")
    finally:
        assistant.pause.seconds = Pace.seconds


def test_measurements_and_downloads(page, tmp_path):
    page.open().load(SQUATS)
    page.tab("Repetitions")
    starts = page.all("#llamo-tables tbody a.llamo-time", 4)
    page.run("document.querySelector('#llamo-tables').scrollIntoView()")
    page.keep("repetitions")
    page.run("[...document.querySelectorAll('#llamo-tables tbody a.llamo-time')].find((a) => a.offsetParent).click()")
    assert page.run("return llamoViewer.time") == pytest.approx(float(starts[0].split()[0]))
    page.tab("Downloads")
    page.browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    wanted = {"BVH": "squats.bvh", "npz": "squats.npz", "JSON": "squats.json", "CSV": "squats.csv"}
    for label, name in wanted.items():
        page.press_named("#llamo-tables button", label)
        end = time.monotonic() + 60
        while not (tmp_path / name).is_file():
            assert time.monotonic() < end, f"no {name} came"
            time.sleep(0.1)
    assert len(read_motion(tmp_path / "squats.bvh").joints) == 168


def test_compare_two_clips(page, tmp_path):
    page.open().load(write_walk(tmp_path / "walk.npz"))
    page.load(write_walk(tmp_path / "slow.npz", speed=0.4), motions=2, where="llamo-other")
    page.tab("Comparison")
    page.wait("return document.querySelector('#llamo-tables').innerText.includes('slow.npz against walk.npz')")
    page.keep("compare")


def test_a_bad_file_is_told_readably(page, tmp_path):
    bad = tmp_path / "bad.bvh"
    bad.write_text("HIERARCHY\nROOT Hips\n{\n")
    page.open().upload(bad)
    told = page.wait("const alert = document.querySelector('#llamo-found [role=alert]'); return alert && alert.innerText")
    assert "bad.bvh" in told and "xpected" in told and str(tmp_path) not in told and "Traceback" not in told
    page.keep("bad_file")
    page.load(SQUATS)
    assert not page.run("return document.querySelector('#llamo-found [role=alert]')"), "and a good one heals it"


def test_a_video_that_cannot_be_read_is_told_readably(page, tmp_path):
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(500))
    page.open().upload(video)
    told = page.wait("const alert = document.querySelector('#llamo-found [role=alert]'); return alert && alert.innerText")
    assert "xpected" in told and str(tmp_path) not in told


def test_a_hostile_file_name_does_nothing(page, tmp_path):
    name = "<img src=x onerror=window.hacked=1>&lt;b&gt;.npz"
    source = write_walk(tmp_path / "walk.npz")
    page.open().upload(shutil.copy(source, tmp_path / name))
    page.wait("return !!window.llamoViewer")
    time.sleep(0.5)
    assert page.run("return [window.hacked, document.querySelectorAll('img[src=x]').length]") == [None, 0]


def test_two_users_do_not_see_each_others_files(page, browser, address, tmp_path):
    page.open().load(SQUATS)
    page.ask("How many squats?")
    page.finish()
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    try:
        other = Page(browser, address).open()
        assert other.answers() == [] and "squats.bvh" not in other.run("return document.body.innerText")
        other.load(write_walk(tmp_path / "walk.npz"))
        assert "squats.bvh" not in other.run("return document.body.innerText")
    finally:
        browser.close()
        browser.switch_to.window(first)
    assert page.run("return llamoViewer.motions.map((motion) => motion.name)") == ["squats.bvh"]
    assert "walk.npz" not in page.run("return document.querySelector('#llamo-found').innerText")
    assert page.answers() == [ANSWER]


def test_phone_and_dark_mode(page):
    page.open(390, 844, dark=True).load(SQUATS)
    assert page.run("return document.documentElement.scrollWidth") <= 390
    page.keep("phone_dark")
    page.ask("How many squats?")
    page.finish()
    page.run(f"{CHAT}.scrollIntoView()")
    page.keep("phone_dark_chat")
    colour = page.run("return getComputedStyle(document.body).backgroundColor")
    assert max(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) < 80
    assert page.run("return llamoViewer.isDark()")


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(page, dark):
    page.open(dark=dark).load(SQUATS)
    page.ask("How many squats?")
    page.finish()
    assert not serious_findings(page.browser)
