"""The demo's tab of a library in headless Chromium: search, small moving skeletons, one click to viewer and chat."""

import io
import shutil
import time

import numpy as np
import pytest
from browsing import SCREENSHOTS, emulate, open_browser, problems, serious_findings, wait_for
from conftest import ROOT, make_processor, make_walk
from demo_samples import ScriptedAssistant, serving
from library_samples import label_row

from llamo.cli.library.shelf import Shelf


pytestmark = pytest.mark.browser
pytest.importorskip("gradio")
pytest.importorskip("lancedb")
HOSTILE = "<img src=x onerror=window.hacked=1> ${window.hacked=2} {{value}}"
CARDS = "[...document.querySelectorAll('.llamo-card')]"


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """Fourteen walks, squats, a wave, a clip that is gone and a video, with captions."""
    from llamo.train.library.database import Library

    folder = tmp_path_factory.mktemp("library")
    clips = folder / "clips"
    clips.mkdir()
    rows = []
    for number in range(14):
        path = clips / f"walk_{number:02d}.npz"
        np.savez(path, joints=make_walk(60, speed=0.3 * number, seed=number), fps=np.float32(20))
        rows.append(label_row(path, f"The person walks at {0.3 * number:.1f} metres a second.", seconds=3.0))
    for name, caption in (
        ("squats.bvh", "The person does four squats."),
        ("wave_then_walk.npz", "The person waves, then walks."),
    ):
        rows.append(label_row(shutil.copy(ROOT / "examples" / name, clips / name), caption, seconds=8.4))
    rows.append(label_row(clips / "gone.bvh", f"The person vanishes. {HOSTILE}"))
    video = clips / "clip.mp4"
    video.write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(500))
    rows.append(label_row(video, "The person is filmed."))
    library = Library(folder / "library.lance", width=0)
    library.add(
        [{**row, "tags": {**row["tags"], "actions": ["walk" if "walk" in row["caption"] else "other"]}} for row in rows]
    )
    library.finish()
    return folder / "library.lance"


@pytest.fixture(scope="module")
def address(tmp_path_factory, database):
    assistant = ScriptedAssistant(make_processor(), "Four squats, the lowest at 2.4 seconds.")
    with serving(assistant, tmp_path_factory.mktemp("gradio"), Shelf(str(database))) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


class Page:
    def __init__(self, browser, address):
        self.browser, self.address = browser, address

    def open(self, width=1366, height=1000, dark=False, still=True):
        emulate(self.browser, width, height, dark, still)
        self.browser.get("about:blank")
        self.browser.get_log("browser")
        self.browser.get(self.address)
        self.found(12)
        return self

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def wait(self, script):
        return wait_for(self.browser, script)

    def type(self, selector, text):
        from selenium.webdriver import Keys

        box = self.browser.find_element("css selector", f"{selector} input, {selector} textarea")
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(Keys.BACKSPACE)  # as a person does; `clear` tells the page nothing
        box.send_keys(text)

    def search(self, text):
        before = self.run("return document.querySelector('.llamo-cards')?.dataset.run || ''")
        self.type("#llamo-query", text)
        self.browser.find_element("css selector", "#llamo-find").click()
        self.wait(f"return (document.querySelector('.llamo-cards')?.dataset.run || 'none') !== {before!r}")

    def found(self, count):
        """Captions of the cards, as soon as there are so many and each is drawn or says why not."""
        run = "card.parentElement.dataset.run"
        each = f"card.querySelector('.llamo-problem') || card.querySelector('canvas')?.dataset.drawn === {run}"
        self.wait(f"const all = {CARDS}; return all.length === {count} && all.every((card) => {each})")
        return self.run(f"return {CARDS}.map((card) => card.querySelector('.llamo-caption').textContent)")

    def picture(self, index):
        from PIL import Image

        data = self.browser.find_elements("css selector", ".llamo-card canvas")[index].screenshot_as_png
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).innerText", selector)

    def keep(self, name):
        self.browser.save_screenshot(str(SCREENSHOTS / f"library_{name}.png"))


@pytest.fixture
def page(browser, address):
    page = Page(browser, address)
    yield page
    assert not [entry for entry in problems(browser) if entry["level"] == "SEVERE"]


def coloured(picture):
    red, blue = picture[..., 0], picture[..., 2]
    return (blue > red + 60).sum(), (red > blue + 60).sum()


def test_skeletons_move_unless_less_motion_is_asked_for(page):
    page.open(900, 700, still=False)
    first = page.picture(0)
    assert min(coloured(first)) > 30, "both sides of a body are drawn"
    time.sleep(0.4)
    assert (np.abs(first - page.picture(0)).max(-1) > 20).sum() > 30, "it moves"
    page.open(900, 700, still=True)
    first = page.picture(0)
    time.sleep(0.4)
    assert (np.abs(first - page.picture(0)).max(-1) > 20).sum() == 0 and min(coloured(first)) > 30


def test_search_see_and_open(page):
    page.open()
    assert "18 clips in library.lance" in page.text("#llamo-note")
    page.keep("start")
    page.search("somebody does squats")
    captions = page.found(page.run(f"return {CARDS}.length"))
    assert captions[0] == "The person does four squats."
    page.keep("found")
    page.run(f"{CARDS}[0].click()")
    page.wait("return window.llamoViewer && llamoViewer.motions[0].name === 'squats.bvh'")
    page.wait("return document.querySelector('#llamo-viewer').offsetParent !== null")
    assert page.run("return document.querySelector('#llamo-viewer canvas, #llamo-viewer .llamo-host').clientWidth") > 300
    assert "168 frames at 20 per second" in page.text("#llamo-found")
    page.type("#llamo-question", "How many squats?")
    page.browser.find_element("css selector", "#llamo-send").click()
    page.wait("return document.querySelector('#llamo-chat .bot.message')?.innerText.includes('2.4 seconds')")
    page.run("window.scrollTo(0, 0)")
    page.keep("opened")


def test_more_filter_and_what_is_not_there(page):
    page.open()
    page.run("document.querySelector('#llamo-more').click()")
    assert len(page.found(18)) == 18 and not page.run("return document.querySelector('#llamo-more')?.offsetParent")
    page.run("document.querySelector('#llamo-where button').click()")
    page.wait("return document.querySelector('#llamo-filter').offsetParent !== null")
    page.type("#llamo-filter", "action = 'other'")
    page.search("")
    assert len(page.found(3)) == 3
    page.type("#llamo-filter", "colour = 'red'")
    page.search("")
    told = page.wait("return document.querySelector('#llamo-note [role=alert]')?.innerText")
    assert "colour" in told and "distance_m" in told
    page.keep("bad_filter")
    page.type("#llamo-filter", "")
    page.search("vanishes filmed")
    page.found(2)
    reasons = page.run("return [...document.querySelectorAll('.llamo-problem')].map((node) => node.textContent)")
    assert sorted(reasons) == ["A video", "The file is missing."]
    assert page.run("return [window.hacked, document.querySelectorAll('img[src=x]').length]") == [None, 0]
    assert HOSTILE in page.run("return document.querySelector('#llamo-results').textContent")
    page.keep("not_there")
    index = page.run(f"return {CARDS}.findIndex((card) => card.textContent.includes('vanishes'))")
    page.run(f"{CARDS}[{index}].click()")
    told = page.wait("return document.querySelector('#llamo-note [role=alert]')?.innerText")
    assert "gone.bvh" in told


def test_a_folder_is_browsed_by_names(page, database):
    page.open()
    page.run("document.querySelector('#llamo-where button').click()")
    page.wait("return document.querySelector('#llamo-location').offsetParent !== null")
    page.type("#llamo-location", str(database.parent / "clips"))
    page.search("wave")
    assert page.found(1) == ["wave then walk"] and "llamo index" in page.text("#llamo-note")
    page.keep("folder")
    page.type("#llamo-location", "/nowhere")
    page.search("wave")
    assert "/nowhere" in page.wait("return document.querySelector('#llamo-note [role=alert]')?.innerText")


@pytest.mark.parametrize("dark", [False, True])
def test_phone(page, dark):
    page.open(390, 844, dark=dark)
    assert page.run("return document.documentElement.scrollWidth") <= 390
    page.keep("phone_dark" if dark else "phone")
    page.run("document.querySelector('#llamo-results').scrollIntoView()")
    page.keep("phone_dark_results" if dark else "phone_results")
    background = np.median(page.picture(0), axis=(0, 1))
    assert (background < 80).all() if dark else (background > 180).all()


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(page, dark):
    page.open(dark=dark)
    page.keep("dark" if dark else "light")
    assert not serious_findings(page.browser)
