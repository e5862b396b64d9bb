"""The page of `llamo view` in headless Chromium. Screenshots stay in tests/browser/screenshots/, to be looked at."""

import io

import numpy as np
import pytest
from browsing import SCREENSHOTS, emulate, open_browser, problems, wait_for
from conftest import make_walk

from llamo.cli.viewer_page import build_page
from llamo.processing.angles_llamo import joint_angles
from llamo.processing.motion_features_llamo import canonicalise
from llamo.processing.viewer_data_llamo import ViewedMotion, build_payload


pytestmark = pytest.mark.browser
HOSTILE = "</script><img src=x onerror=window.hacked=1>\u202e.bvh"
TICKS = [
    {"time_s": 0.5, "end_s": 1.2, "label": "Repetition 1", "kind": "repetition"},
    {"time_s": 1.2, "end_s": 1.9, "label": "Repetition 2", "kind": "repetition"},
    {"time_s": 2.0, "label": "Jump 1, 31 cm", "kind": "jump"},
    {"time_s": 0.0, "end_s": 2.9, "label": "Standing", "kind": "posture"},
]


@pytest.fixture(scope="module")
def browser():
    with open_browser() as browser:
        yield browser


class Page:
    """One page in the browser: opened, looked at, and at the end without a word on the console."""

    def __init__(self, browser, path):
        self.browser, self.path = browser, path

    def open(self, width=1280, height=800, dark=False, fragment="", still=False):
        emulate(self.browser, width, height, dark, still)
        self.browser.get("about:blank")
        self.browser.get_log("browser")
        self.browser.get(self.path.as_uri() + fragment)
        self.wait("return window.llamoViewer !== undefined")
        return self

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def wait(self, script, seconds=60):
        return wait_for(self.browser, script, seconds)

    def find(self, selector):
        return self.browser.find_element("css selector", selector)

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def time(self):
        return self.run("return llamoViewer.time")

    def canvas(self):
        """The drawn picture `(height, width, 3)`, after the next frame."""
        from PIL import Image

        self.browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")
        data = self.find(".lv-canvas").screenshot_as_png
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)

    def keep(self, name):
        self.browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    def press(self, *keys, selector="body"):
        self.find(selector).send_keys(*keys)

    def problems(self):
        return problems(self.browser)


def limbs(picture):
    """Pixels in the colours of left and right limbs, `(num_pixels, 2)` each."""
    red, green, blue = np.moveaxis(picture, -1, 0)
    return np.argwhere((blue > red + 60) & (blue > green + 40)), np.argwhere((red > blue + 80) & (red > green + 40))


def changed(first, second):
    return int((np.abs(first - second).max(axis=-1) > 12).sum())


def viewed(name, num_frames=60, speed=1.3, ticks=()):
    joints = canonicalise(make_walk(num_frames, speed=speed), 20.0)
    notes = ["npz, 60 frames at 20 per second, 22 joints", "units taken as metres: the body is then 1.70 m tall"]
    return ViewedMotion(name, joints, 20.0, notes, joint_angles(joints), list(ticks))


@pytest.fixture
def page(browser, tmp_path):
    def write(*motions, layout="overlay"):
        path = tmp_path / "a page?#%41.html"
        path.write_text(build_page(build_payload(list(motions), layout)), encoding="utf-8")
        return Page(browser, path)

    yield write
    assert not Page(browser, tmp_path).problems()


def test_it_draws_and_moves(page):
    viewer = page(viewed("walk.npz", ticks=TICKS)).open()
    viewer.wait("return llamoViewer.playing && llamoViewer.time > 0.1")
    first, second = viewer.canvas(), viewer.canvas()
    left, right = limbs(first)
    assert len(left) > 500 and len(right) > 500
    assert changed(first, second) > 200, "pixels change while playing"
    viewer.find(".lv-play").click()
    assert viewer.find(".lv-play").accessible_name == "Play"
    assert changed(viewer.canvas(), viewer.canvas()) == 0, "nothing moves in a pause"
    viewer.keep("playing")


def test_it_loads_nothing(page):
    viewer = page(viewed("walk.npz")).open()
    names = viewer.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(name.startswith("data:") for name in names)


def test_scrubbing(page):
    viewer = page(viewed("walk.npz", ticks=TICKS)).open(fragment="#t=0.5")
    assert not viewer.run("return llamoViewer.playing") and viewer.time() == 0.5
    before = viewer.canvas()
    slider = viewer.find(".lv-slider")
    viewer.run("arguments[0].value = 2; arguments[0].dispatchEvent(new Event('input'))", slider)
    assert viewer.time() == 2 and viewer.find(".lv-clock").text == "2.00 s"
    assert slider.get_attribute("aria-valuetext") == "2.00 s of 2.95 s"
    assert changed(before, viewer.canvas()) > 200
    slider.click()  # in its middle
    assert viewer.time() == pytest.approx(2.95 / 2, abs=0.05)
    viewer.find(".lv-chart").click()
    assert viewer.time() == pytest.approx(2.95 / 2, abs=0.05)
    viewer.all(".lv-tick")[-1].click()
    assert viewer.time() in {tick["time_s"] for tick in TICKS}


def test_keys(page):
    from selenium.webdriver.common.keys import Keys

    viewer = page(viewed("walk.npz", ticks=TICKS)).open(still=True)
    assert not viewer.run("return llamoViewer.playing"), "who asked for less motion gets a still page"
    viewer.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert viewer.time() == pytest.approx(0.1)
    viewer.press(Keys.ARROW_LEFT)
    assert viewer.time() == pytest.approx(0.05)
    viewer.press("]")
    assert viewer.time() == 0.5
    viewer.press("]", "]", "[")
    assert viewer.time() == 1.2
    viewer.press(Keys.END)
    assert viewer.time() == pytest.approx(2.95)
    viewer.press(Keys.ARROW_UP)
    assert viewer.run("return llamoViewer.speed") == 2
    viewer.press(Keys.HOME, Keys.SPACE)
    viewer.wait("return llamoViewer.playing && llamoViewer.time > 0")
    viewer.press(Keys.SPACE)
    assert not viewer.run("return llamoViewer.playing")
    # A focused button or slider does not act twice.
    viewer.press(Keys.SPACE, selector=".lv-play")
    assert viewer.run("return llamoViewer.playing")
    viewer.press(Keys.SPACE, selector=".lv-slider")
    assert not viewer.run("return llamoViewer.playing")
    viewer.run("llamoViewer.seek(1)")
    viewer.press(Keys.ARROW_RIGHT, selector=".lv-slider")
    assert viewer.time() == pytest.approx(1.05)


def test_the_camera_turns(page):
    from selenium.webdriver import ActionChains

    viewer = page(viewed("walk.npz")).open(fragment="#t=1")
    before = viewer.canvas()
    canvas = viewer.find(".lv-canvas")
    ActionChains(viewer.browser).move_to_element(canvas).click_and_hold().move_by_offset(160, 20).release().perform()
    turned = viewer.canvas()
    assert changed(before, turned) > 1000
    viewer.press("e")
    assert changed(turned, viewer.canvas()) > 1000
    viewer.run("arguments[0].value = 'back'; arguments[0].dispatchEvent(new Event('change'))", viewer.find(".lv-camera select"))
    left, right = limbs(viewer.canvas())
    assert left[:, 1].mean() < right[:, 1].mean(), "from the back, the left side is on the left"


def test_angles_and_events(page):
    motion = viewed("walk.npz", ticks=TICKS)
    viewer = page(motion).open(fragment="#t=0.7")
    cells = {row.text.split("\n")[0].split(" ")[0]: row for row in viewer.all(".lv-panel tbody tr")}
    assert set(cells) == {"Hip", "Knee", "Ankle", "Shoulder", "Elbow", "Trunk"}
    left, right = [cell.text for cell in cells["Knee"].find_elements("css selector", "td")]
    assert int(left.removesuffix("°")) == pytest.approx(motion.angles["left_knee"][14], abs=0.6)
    assert int(right.removesuffix("°")) == pytest.approx(motion.angles["right_knee"][14], abs=0.6)
    events = viewer.all(".lv-events button")
    assert [event.text.replace("\n", " ") for event in events][-1] == "2.00 s Jump 1, 31 cm"
    events[-1].click()
    assert viewer.time() == 2
    curve = viewer.find(".lv-chart").get_attribute("aria-label")
    assert curve.startswith("Knee") and "degrees" in curve
    cells["Elbow"].find_element("css selector", "button").click()
    assert viewer.find(".lv-chart").get_attribute("aria-label").startswith("Elbow")


def test_traces(page):
    viewer = page(viewed("walk.npz")).open(fragment="#t=2")
    before = viewer.canvas()
    (box,) = [label for label in viewer.all(".lv-checks label") if label.text == "Left wrist"]
    box.click()
    assert changed(before, viewer.canvas()) > 50
    viewer.keep("trace")
    box.click()
    assert changed(before, viewer.canvas()) == 0


def test_overlaid_and_side_by_side(page):
    motions = [viewed("walk.npz", ticks=TICKS), viewed("a faster walk.npz", speed=2.0), viewed("short.npz", 30)]
    viewer = page(*motions).open(fragment="#t=1.5")
    viewer.keep("overlay")
    assert not viewer.all(".lv-label")
    overlaid = viewer.canvas()
    viewer.all(".lv-motions input")[1].click()
    assert changed(overlaid, viewer.canvas()) > 500, "a motion can be hidden"
    viewer.all(".lv-motions input")[1].click()
    viewer.run("llamoViewer.setLayout('side')")
    picture = viewer.canvas()
    names = [label.text for label in viewer.all(".lv-label")]
    assert names == ["1. walk.npz", "2. a faster walk.npz", "3. short.npz (ended)"]
    left, _ = limbs(picture)
    share = np.histogram(left[:, 1], bins=3, range=(0, picture.shape[1]))[0]
    assert (share > 200).all(), "each view has its own figure"
    viewer.keep("side_by_side")


def test_a_camera_that_stands_still_sees_all_of_the_way(page):
    viewer = page(viewed("walk.npz", 120), viewed("back.npz", 120, speed=-1.3)).open(fragment="#t=0")
    (box,) = [label for label in viewer.all(".lv-camera label") if label.text == "Follow"]
    box.click()
    for moment in (2.0, 5.9):
        viewer.run("llamoViewer.seek(arguments[0])", moment)
        red, green, blue = np.moveaxis(viewer.canvas(), -1, 0)
        teal, magenta = (green > red + 60) & (blue > red + 60), (red > green + 60) & (blue > green + 60)
        assert teal.sum() > 60 and magenta.sum() > 60, f"one of the figures is out of sight at {moment} s"
    viewer.keep("still_camera")


def test_phone_width_and_dark_mode(page):
    motions = [viewed("walk.npz", ticks=TICKS), viewed("a walk with a rather long name, for a phone at least.npz")]
    viewer = page(*motions, layout="side").open(390, 844, dark=True, fragment="#t=1")
    assert viewer.run("return document.documentElement.scrollWidth") <= 390
    for control in viewer.all(".lv-main button, .lv-main select, .lv-main input, .lv-panel button"):
        box = control.rect
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390, control.accessible_name
        assert control.get_attribute("type") == "checkbox" or min(box["width"], box["height"]) >= 20
    picture = viewer.canvas()
    assert np.median(picture, axis=(0, 1)).max() < 60, "dark"
    left, _ = limbs(picture)
    upper, lower = np.histogram(left[:, 0], bins=2, range=(0, picture.shape[0]))[0]
    across = np.histogram(left[:, 1], bins=2, range=(0, 390))[0]
    assert min(upper, lower) > 100 or across.min() > 100, "both figures are seen"
    viewer.keep("phone_dark")
    viewer.open(390, 844, fragment="#t=1").run("window.scrollTo(0, 99999)")
    viewer.keep("phone_light_end")


def test_every_control_has_a_name(page):
    viewer = page(viewed("one.npz", ticks=TICKS), viewed("two.npz")).open(fragment="#t=1")
    controls = viewer.all("button, select, input, summary, canvas")
    assert len(controls) > 20
    for control in controls:
        assert control.accessible_name.strip(), control.get_attribute("outerHTML")
    assert viewer.find("html").get_attribute("lang") == "en" and viewer.find("h1").get_attribute("textContent")


def test_hostile_names_are_only_text(page):
    ticks = [{"time_s": 1.0, "label": HOSTILE, "kind": '"><b>'}]
    viewer = page(viewed(HOSTILE, ticks=ticks), viewed(HOSTILE), layout="side").open(fragment="#t=1")
    assert viewer.run("return [window.hacked, document.images.length]") == [None, 0]
    assert HOSTILE in viewer.find(".lv-name").get_attribute("textContent")
    assert HOSTILE in viewer.find(".lv-label").get_attribute("textContent")
    assert viewer.run("return document.title") == HOSTILE + ", " + HOSTILE


def test_a_single_pose_is_shown(page):
    viewer = page(viewed("pose.npz", 1)).open()
    viewer.run("llamoViewer.play()")
    left, _ = limbs(viewer.canvas())
    assert len(left) > 500 and viewer.time() == 0
    viewer.run("llamoViewer.dispose()")
    assert not viewer.all(".lv-viewer")


def test_frames_of_a_video_are_in_step(page, tmp_path):
    from video_samples import numbered_frames, write_video

    from llamo.cli.video_frames import page_frames

    clip = write_video(tmp_path / "clip.mp4", numbered_frames(100, 120, 160))  # 4 s; its motion is from 0.5 s on
    motion = viewed("clip.mp4")
    motion.video = page_frames({"path": clip}, start=0.5, seconds=2.95)
    viewer = page(motion, viewed("walk.npz")).open(still=True)

    def brightness() -> float:
        """Of the frame's quarter that tells its number."""
        return viewer.run(
            "const picture = document.querySelector('.lv-frame'); const canvas = document.createElement('canvas');"
            "canvas.width = 160; canvas.height = 120; const context = canvas.getContext('2d');"
            "context.drawImage(picture, 0, 0); return context.getImageData(120, 90, 1, 1).data[0]"
        )

    for time_s in (0.0, 1.0, 2.0, 2.9, 0.5):
        viewer.run("llamoViewer.seek(arguments[0])", time_s)
        viewer.wait("return document.querySelector('.lv-frame').complete")
        number = 25 * (0.5 + time_s)
        assert brightness() == pytest.approx(20 + 160 * number / 99, abs=6)
    boxes = [viewer.find(selector).rect for selector in (".lv-video", ".lv-stage")]
    assert all(box["width"] > 250 and box["height"] > 250 for box in boxes)
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"] + 1, "side by side"
    assert len(viewer.all(".lv-frame")) == 1 and viewer.canvas().std() > 5
    viewer.keep("video")
    viewer.open(390, 844, still=True)
    stacked = [viewer.find(selector).rect for selector in (".lv-video", ".lv-stage")]
    assert stacked[0]["y"] + stacked[0]["height"] <= stacked[1]["y"] + 1
    viewer.keep("video_phone")
