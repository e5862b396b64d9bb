"""`llamo review` in headless Chromium: a person goes through a table by keys alone, on a desk and on a phone."""

import shutil
import threading
from pathlib import Path

import pytest
from browsing import SCREENSHOTS, emulate, open_browser, problems, serious_findings, wait_for
from conftest import ROOT
from library_samples import label_row, write_library

from llamo.cli.library.review import Review
from llamo.cli.library.review_server import ReviewServer
from llamo.cli.review import viewed
from llamo.train.library.columns import TAGS
from llamo.train.library.label_table import read_table


pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=window.hacked=1>"
SPANS = [
    {"start_s": 0.0, "end_s": 4.2, "caption": "The person does two squats."},
    {"start_s": 4.2, "end_s": 8.4, "caption": "The person does two more squats."},
]


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


class Page:
    """The page of one served review, driven by keys."""

    def __init__(self, browser, server):
        self.browser, self.server = browser, server

    def open(self, width=1366, height=900, dark=False):
        emulate(self.browser, width, height, dark, still=True)
        self.browser.get("about:blank")
        self.browser.get_log("browser")
        self.browser.get(self.server.address)
        self.shows(self.server.review.find(None))
        return self

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def run_later(self, script):
        return self.browser.execute_async_script(f"const done = arguments[0]; {script}")

    def wait(self, script):
        return wait_for(self.browser, script)

    def shows(self, path):
        """Waits until the labels of a clip are shown and nothing is on its way."""
        self.wait(f"return window.llamoReview && !llamoReview.busy && llamoReview.row?.path === {str(path)!r}")

    def plays(self, name):
        self.wait(f"return window.llamoViewer?.motions[0].name === {name!r}")

    def press(self, keys, selector="body"):
        self.browser.find_element("css selector", selector).send_keys(keys)

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).innerText", selector)

    def value(self, selector):
        return self.run("return document.querySelector(arguments[0]).value", selector)

    def keep(self, name):
        self.browser.save_screenshot(str(SCREENSHOTS / f"review_{name}.png"))


@pytest.fixture
def page(browser, tmp_path):
    """Four walks, squats with two segments, a clip that is gone and one that cannot be read."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "broken.bvh").write_text("HIERARCHY")
    squats = shutil.copy(ROOT / "examples" / "squats.bvh", tmp_path / "clips" / "squats.bvh")
    wrong = ["assumed: units taken as centimetres", "caption: says two squats, measured are four"]
    extra = (
        label_row(squats, "The person does four squats.", seconds=8.4, segments=SPANS, warnings=wrong),
        label_row(tmp_path / "clips" / "broken.bvh", None, error="broken.bvh: expected a MOTION block, got none", tags=None),
        label_row(tmp_path / "clips" / "x gone.bvh", f"The person jumps. {HOSTILE}", warnings=[HOSTILE]),
    )
    review = Review(write_library(tmp_path, extra=extra))
    words = {"tempo": ("slow", "normal", "fast")}
    options = {"table": "labels.jsonl", "tags": list(TAGS), "words": words}
    server = ReviewServer("127.0.0.1", 0, review, lambda path: viewed(review, path, {}, "llamo"), options)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield Page(browser, server)
    assert not problems(browser)
    browser.get("about:blank")
    server.shutdown()
    server.server_close()
    review.close()


def rows_of(page):
    return {Path(row["path"]).name: row for row in read_table(page.server.review.table)}


def test_a_table_is_gone_through_by_keys(page):
    from selenium.webdriver import Keys

    order = [row["path"] for row in page.server.review.rows]
    assert [Path(path).name for path in order[:2]] == ["broken.bvh", "squats.bvh"]
    walks = order[2:6]
    page.open()
    assert page.text("#counts") == "0 of 7 decided: 0 accepted, 0 edited, 0 rejected"

    # Accept what stands there; a key that is held down accepts one clip alone.
    to(page, "walk 0.npz")
    page.plays("walk 0.npz")
    page.press("a")
    page.shows(walks[1])
    page.plays("walk 1.npz")
    page.run(
        "for (let i = 0; i < 3; i++)"
        " document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', repeat: true, bubbles: true}))"
    )
    found = rows_of(page)
    assert found["walk 0.npz"]["review"] == "accept" and found["walk 1.npz"].get("review") is None

    # Correct: the key goes to the field, what is typed there decides nothing, Enter saves.
    assert page.text("#accept span") == "Accept"
    page.press("c")
    page.wait("return document.activeElement.id === 'caption'")
    page.press(" A caption with letters: a r u n b.", "#caption")
    assert page.text("#accept span") == "Save edit"
    page.keep("edit")
    page.press(Keys.ENTER, "#caption")
    page.shows(walks[2])
    assert rows_of(page)["walk 1.npz"]["caption"] == "The person strolls. A caption with letters: a r u n b."
    assert rows_of(page)["walk 1.npz"]["review"] == "edit"
    assert page.run("return document.activeElement === document.body")

    # Tags alone are an edit too. Escape leaves a field, and keys decide again.
    page.press(", jumping jack", "#tag-actions")
    page.press(Keys.ESCAPE, "#tag-actions")
    page.press("a")
    page.shows(walks[3])
    assert rows_of(page)["walk 2.npz"]["tags"]["actions"] == ["walk", "jumping_jack"]

    # Undo brings the clip back with what had been typed; reject it instead.
    page.press("u")
    page.shows(walks[2])
    assert page.value("#tag-actions") == "walk, jumping jack" and page.text("#accept span") == "Save edit"
    assert rows_of(page)["walk 2.npz"]["tags"]["actions"] == ["walk"]
    page.press("r")
    page.shows(walks[3])
    found = rows_of(page)["walk 2.npz"]
    assert found["review"] == "reject" and found["tags"]["actions"] == ["walk"]
    assert page.text("#counts") == "3 of 7 decided: 1 accepted, 1 edited, 1 rejected"
    assert page.run("return document.querySelector('#progress').value") == 3

    # The next start begins at the first clip that is left.
    page.open()
    assert page.run("return llamoReview.row.name") == "broken.bvh"
    for path in [path for path in order if path not in walks[:3]]:
        page.shows(path)
        page.press("r")
    page.wait("return !document.querySelector('#done').hidden")
    assert page.text("#done").startswith("All 7 clips are decided.") and "--export" in page.text("#done")
    page.keep("done")

    # The filter leads to what was decided.
    page.run("const list = document.querySelector('#filter'); list.value = 'edit'; list.dispatchEvent(new Event('change'))")
    page.shows(walks[1])
    assert page.text("#name").endswith("edited") and "the model said: The person strolls." in page.text("#warnings")


def test_a_clip_with_segments_and_warnings(page):
    page.open()
    to(page, "squats.bvh")
    page.plays("squats.bvh")
    assert "measured are four" in page.text("#warnings")
    ticks = page.run("return llamoViewer.motions[0].ticks.filter((tick) => tick.kind === 'segment').map((tick) => tick.label)")
    assert ticks == [span["caption"] for span in SPANS]
    page.keep("segments")
    page.run("document.querySelectorAll('#segments button')[1].click()")
    assert page.run("return llamoViewer.time") == pytest.approx(4.2)
    field = page.browser.find_elements("css selector", "#segments input")[1]
    field.clear()
    field.send_keys("Squats again.\n")
    page.wait("return !llamoReview.busy && llamoReview.row.name !== 'squats.bvh'")
    row = rows_of(page)["squats.bvh"]
    assert row["review"] == "edit" and [part["caption"] for part in row["segments"]] == [SPANS[0]["caption"], "Squats again."]
    assert row["caption"] == "The person does four squats."


def to(page, name):
    """Goes on, without deciding, to the clip of that file name."""
    while page.run("return llamoReview.row.name") != name:
        before = page.run("return llamoReview.row.path")
        page.press("n")
        page.wait(f"return !llamoReview.busy && llamoReview.row.path !== {before!r}")


def test_a_slow_clip_does_not_take_the_place_of_the_one_after_it(page):
    read, wanted = page.server.motions.read, threading.Event()

    def slow(path):
        if path.endswith("squats.bvh"):
            wanted.wait(60)
        return read(path)

    page.server.motions.read = slow
    page.open()
    to(page, "walk 0.npz")
    page.plays("walk 0.npz")
    page.run_later("setTimeout(done, 600)")  # more than it takes until the page says that it reads
    assert page.run("return llamoViewer?.motions[0].name === 'walk 0.npz' && !document.querySelector('#stage .hint')")
    wanted.set()


def test_a_missing_and_a_broken_clip_can_be_decided(page):
    page.open()
    to(page, "broken.bvh")
    page.wait("return document.querySelector('#stage').innerText.includes('cannot be shown')")
    assert "expected a MOTION block" in page.text("#warnings")
    page.keep("broken")
    page.press("a")
    page.wait("return !document.querySelector('#failure').hidden")
    assert "Write one, or reject" in page.text("#failure")
    page.press("r")
    page.wait("return llamoReview.row.name !== 'broken.bvh'")
    assert page.run("return document.querySelector('#failure').hidden")
    page.browser.get_log("browser")  # the refused decision
    to(page, "x gone.bvh")
    page.wait("return document.querySelector('#stage').innerText.includes('file is missing')")
    assert HOSTILE in page.text("#warnings") and HOSTILE in page.value("#caption")
    page.press("a")
    page.wait("return llamoReview.row.name !== 'x gone.bvh'")
    assert rows_of(page)["x gone.bvh"]["review"] == "accept" and rows_of(page)["broken.bvh"]["review"] == "reject"
    assert page.run("return [window.hacked, document.images.length]") == [None, 0]


def test_many_clips_do_not_exhaust_the_browser(page):
    """Browsers keep about sixteen WebGL contexts, and say so on the console when they drop one."""
    page.open(390, 500)
    to(page, "walk 0.npz")
    for name in [f"walk {number}.npz" for number in (1, 0) * 9]:
        forward = name > page.run("return llamoReview.row.name")
        page.press("n" if forward else "b")
        page.wait(f"return !llamoReview.busy && llamoReview.row.name === {name!r}")
        page.plays(name)


def test_what_was_typed_survives_a_server_that_ends(page):
    page.open()
    to(page, "walk 3.npz")
    page.press(" Typed.", "#caption")
    page.run("window.fetch = () => Promise.reject(new Error('gone'))")
    page.press("\n", "#caption")
    page.wait("return !document.querySelector('#failure').hidden")
    assert "llamo review" in page.text("#failure") and page.value("#caption").endswith("Typed.")
    page.keep("server_gone")
    page.run("document.querySelector('#caption').value = llamoReview.row.caption")  # so that the page may be left


@pytest.mark.parametrize("dark", [False, True])
def test_phone(page, dark):
    page.open(390, 844, dark=dark)
    to(page, "walk 3.npz")
    page.plays("walk 3.npz")
    assert page.run("return document.documentElement.scrollWidth") <= 390
    for button in page.browser.find_elements("css selector", "footer button"):
        assert button.rect["height"] >= 36 and button.rect["x"] >= 0 and button.rect["x"] + button.rect["width"] <= 390
    page.keep("phone_dark" if dark else "phone")
    page.run("window.scrollTo(0, 99999)")
    page.keep("phone_dark_end" if dark else "phone_end")
    bar = page.run("return document.querySelector('footer').getBoundingClientRect().top")
    assert page.run("return document.querySelector('.help').getBoundingClientRect().bottom") <= bar, "nothing is hidden"
    page.run("document.querySelector('#accept').click()")
    page.wait("return llamoReview.row.name !== 'walk 3.npz'")
    assert rows_of(page)["walk 3.npz"]["review"] == "accept"


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(page, dark):
    page.open(dark=dark)
    to(page, "walk 0.npz")
    page.plays("walk 0.npz")
    page.run("document.querySelector('.help').open = true")
    page.keep("keys_dark" if dark else "keys")
    assert not serious_findings(page.browser)
