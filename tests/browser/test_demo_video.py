"""Videos in the demo, in headless Chromium: in step with the figure, with the skeleton on them, and out of a camera."""

import shutil
import time

import av
import numpy as np
import pytest
from browsing import open_browser, problems, serious_findings
from conftest import make_processor
from demo_page import Page
from demo_samples import FilmedPerson, ScriptedAssistant, seeing, serving


pytestmark = pytest.mark.browser
pytest.importorskip("gradio")
SIZE = (240, 320)
FILM = "document.querySelector('.llamo-host').shadowRoot.querySelector('video')"
VIEW = "llamoViewer.video.screens[0].view"
READY = f"return window.llamoViewer && llamoViewer.video.screens.length && {VIEW}.node.readyState >= 2 && !{VIEW}.node.seeking"
# Of the skeleton on the first video, where the estimator has seen a point of the shown frame: [red, green, blue, opacity].
PIXEL = """
const { canvas, view, person } = llamoViewer.video.screens[0];
const [x, y] = person.at(view.time)[arguments[0]];
const [across, down] = view.size;
const scale = Math.min(canvas.width / across, canvas.height / down);
const left = (canvas.width - across * scale) / 2 + x * across * scale;
const top = (canvas.height - down * scale) / 2 + y * down * scale;
return [...canvas.getContext("2d").getImageData(Math.round(left), Math.round(top), 1, 1).data];
"""
DRAWN = """
const { canvas } = llamoViewer.video.screens[0];
return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
"""
LEFT_KNEE, RIGHT_KNEE = 8, 9


@pytest.fixture(scope="module")
def person():
    return FilmedPerson(60, SIZE, ["The camera moves: the way is right only as far as it turns on the spot."])


@pytest.fixture(scope="module")
def video(person, tmp_path_factory):
    return person.write(tmp_path_factory.mktemp("film") / "squats.mp4")


@pytest.fixture(scope="module")
def assistant(person):
    return ScriptedAssistant(seeing(make_processor(), person), "Two squats, the lowest at 1.5 seconds. 99 s")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("gradio")


@pytest.fixture(scope="module")
def address(folder, assistant):
    with serving(assistant, folder, keep_seconds=1.0) as running:
        yield running


@pytest.fixture(scope="module")
def browser(video, tmp_path_factory):
    """A browser whose camera sees the film."""
    pictures = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    with av.open(str(video)) as source, av.open(str(pictures), "w", format="mjpeg") as camera:
        stream = camera.add_stream("mjpeg", rate=20)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "yuvj420p"
        for frame in source.decode(video=0):
            camera.mux(stream.encode(frame.reformat(format="yuvj420p")))
        camera.mux(stream.encode())
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with open_browser(*fake, f"--use-file-for-fake-video-capture={pictures}") as browser:
        yield browser


@pytest.fixture
def page(browser, address):
    page = Page(browser, address)
    yield page
    assert not [entry for entry in problems(browser) if entry["level"] == "SEVERE"]


def in_viewer(page, selector):
    """Places and sizes of parts of the viewer, in pixels."""
    script = (
        "return [...document.querySelector('.llamo-host').shadowRoot.querySelectorAll(arguments[0])]"
        ".map((node) => { const { x, y, width, height } = node.getBoundingClientRect(); return { x, y, width, height }; })"
    )
    return page.run(script, selector)


def toggle(page):
    return page.run("return document.querySelector('.llamo-host').shadowRoot.querySelector('.lv-over input')")


def test_a_video_plays_beside_its_skeleton_and_stays_in_step(page, video, assistant, folder):
    assistant.asked.clear()
    page.open().load(video)
    page.wait(READY)
    found = page.run("return document.querySelector('#llamo-found').innerText")
    assert "squats.mp4" in found and "a video, 3.0 s" in found and "The camera moves" in found
    (screen,), (stage,) = in_viewer(page, ".lv-screen"), in_viewer(page, ".lv-stage")
    assert screen["x"] + screen["width"] <= stage["x"] + 1 and min(screen["width"], stage["width"]) > 200, "side by side"
    assert page.run(f"return [{FILM}.videoWidth, {FILM}.videoHeight, {FILM}.muted]") == [320, 240, True]
    page.keep("video")
    # The bar moves it, to the frame.
    for moment in (0.52, 2.9, 1.0, 0.0):
        page.run("llamoViewer.seek(arguments[0])", moment)
        page.wait(f"return !{VIEW}.node.seeking && Math.abs({VIEW}.time - {moment}) < 0.051 && {VIEW}.time <= {moment} + 0.003")
    # It plays and stops with the figure, and as fast.
    page.run("llamoViewer.setSpeed(0.1); llamoViewer.play()")
    page.wait(f"return llamoViewer.time > 0.1 && !{FILM}.paused && {FILM}.playbackRate < 0.15")
    page.wait(f"return Math.abs(llamoViewer.time - {VIEW}.time) < 0.1")
    page.run("llamoViewer.pause()")
    time_s = page.run("return llamoViewer.time")
    page.wait(f"return {FILM}.paused && !{FILM}.seeking && Math.abs({VIEW}.time - {time_s}) < 0.051")
    page.run("llamoViewer.loop = false; llamoViewer.setSpeed(4); llamoViewer.play()")
    page.wait("return !llamoViewer.playing")
    page.wait(f"return {FILM}.paused && {VIEW}.time > 2.8")
    # It is a motion like any other.
    page.tab("Measurements")
    page.wait("return document.querySelector('#llamo-tables').innerText.includes('Left knee')")
    page.ask("How many squats?")
    page.finish()
    assert assistant.asked == [[["motion", "text"]]]
    page.click("#llamo-chat .bot a.llamo-time")
    page.wait(f"return Math.abs({VIEW}.time - 1.5) < 0.051")
    page.keep("video_answer")
    films = list(folder.glob("film-*/film.mp4"))
    assert len(films) == 1 and not list(folder.rglob("squats.mp4")), "the upload is gone, its film is shown"


def test_the_skeleton_is_on_the_person_and_can_be_taken_off(page, video):
    from selenium.webdriver.common.keys import Keys

    page.open().load(video)
    page.wait(READY)
    for moment in (0.0, 1.0, 2.0):
        page.run("llamoViewer.seek(arguments[0])", moment)
        page.wait(f"return !{VIEW}.node.seeking && Math.abs({VIEW}.time - {moment}) < 0.051")
        left, right = page.run(PIXEL, LEFT_KNEE), page.run(PIXEL, RIGHT_KNEE)
        assert left[2] > left[0] + 60 and left[3] > 200, "the left leg is blue, as that of the figure"
        assert right[0] > right[2] + 60 and right[3] > 200
    box = toggle(page)
    assert box.accessible_name == "Skeleton on the video" and box.is_selected()
    box.send_keys(Keys.SPACE)
    assert not box.is_selected() and not page.run(DRAWN)
    page.keep("video_without_skeleton")
    box.send_keys(Keys.SPACE)
    assert page.run(DRAWN)


def test_nothing_is_drawn_where_the_person_is_not_seen(page, video, person):
    known, person.landmarks = person.landmarks, person.landmarks.copy()
    person.landmarks[20:31] = np.nan
    try:
        page.open().load(video)
    finally:
        person.landmarks = known
    page.wait(READY)
    for moment, expected in ((0.5, True), (1.25, False), (2.0, True)):
        page.run("llamoViewer.seek(arguments[0])", moment)
        page.wait(f"return !{VIEW}.node.seeking && Math.abs({VIEW}.time - {moment}) < 0.051")
        assert page.run(DRAWN) is expected


def test_how_much_of_it_has_been_looked_at_is_told(page, video, person):
    person.pause = lambda: time.sleep(0.1)
    try:
        page.open().upload(video)
        page.wait("return document.querySelector('#llamo-file').innerText.includes('seconds of the video looked at')")
        page.keep("video_looking")
        page.wait(READY)
    finally:
        person.pause = lambda: None
    assert "looked at" not in page.run("return document.body.innerText")


def test_two_videos_are_compared(page, video, tmp_path):
    page.open().load(video)
    page.load(shutil.copy(video, tmp_path / "the same, by another name.mp4"), motions=2, where="llamo-other")
    page.wait(f"return llamoViewer.video.screens.length === 2 && ({READY.removeprefix('return ')})")
    page.tab("Comparison")
    page.wait("return document.querySelector('#llamo-tables').innerText.includes('another name.mp4 against squats.mp4')")
    page.run("llamoViewer.seek(1.2)")
    for screen in (0, 1):
        page.wait(f"return Math.abs(llamoViewer.video.screens[{screen}].view.time - 1.2) < 0.051")
    assert len(in_viewer(page, ".lv-title")) == 2
    page.keep("video_compare")


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_it_has_the_whole_width(page, video, dark):
    page.open(390, 844, dark=dark).load(video)
    page.wait(READY)
    assert page.run("return document.documentElement.scrollWidth") <= 390
    (screen,), (stage,) = in_viewer(page, ".lv-screen"), in_viewer(page, ".lv-stage")
    assert screen["y"] + screen["height"] <= stage["y"] + 1, "one above the other"
    assert screen["width"] > 310 and abs(screen["height"] - screen["width"] * 240 / 320) < 3, "without bars"
    left = page.run(PIXEL, LEFT_KNEE)
    assert left[2] > left[0] + 60
    page.run("document.querySelector('#llamo-viewer').scrollIntoView()")
    page.keep(f"video_phone{'_dark' if dark else ''}")


def test_a_recording_takes_the_way_of_an_upload(page, assistant, folder):
    page.open()
    page.click("#llamo-camera-part button.label-wrap")
    told = page.wait("const text = document.querySelector('#llamo-camera-told'); return text.offsetParent && text.innerText")
    assert "deleted five minutes later" in told and "without sound" in told
    page.wait("return document.querySelector('#llamo-camera button')")
    page.keep("camera")
    page.run("window.asked = []; const { mediaDevices } = navigator; const get = mediaDevices.getUserMedia.bind(mediaDevices);"
             "mediaDevices.getUserMedia = (wanted) => (window.asked.push(JSON.stringify(wanted)), get(wanted))")  # fmt: skip
    page.press_named("#llamo-camera button", "Click to Access Webcam")
    page.wait("const seen = document.querySelector('#llamo-camera video'); return seen && seen.videoWidth > 0")
    page.keep("camera_ready")
    page.press_named("#llamo-camera button", "Record")
    time.sleep(2.5)
    page.run("window.before = window.llamoViewer")
    page.press_named("#llamo-camera button", "Stop")
    page.wait("return window.llamoViewer && llamoViewer !== window.before && llamoViewer.motions[0].name === 'Recording'")
    page.wait(READY)
    assert page.run("return llamoViewer.duration") > 0.5
    assert page.run("return window.asked.every((wanted) => JSON.parse(wanted).audio === false)"), "no sound is asked for"
    page.wait("return document.querySelector('#llamo-camera').innerText.includes('Webcam')")
    assert not page.run("return [...document.querySelectorAll('#llamo-camera video')].some((seen) => seen.srcObject)"), "off"
    time.sleep(2.5)
    assert not list(folder.rglob("sample*")), "the recording is deleted"
    page.wait("const box = document.querySelector('#llamo-viewer').getBoundingClientRect(); return box.top < innerHeight / 2")
    page.keep("camera_recorded")


def test_a_hostile_name_of_a_video_does_nothing(page, video, tmp_path):
    name = "<img src=x onerror=window.hacked=1>&lt;b&gt;.mp4"
    page.open().upload(shutil.copy(video, tmp_path / name))
    page.wait(READY)
    assert page.run("return [window.hacked, document.querySelectorAll('img[src=x]').length]") == [None, 0]
    assert "img" not in page.run(f"return {FILM}.currentSrc")


def test_a_video_without_a_person_is_told_readably(page, video, person, tmp_path):
    def nobody(*_, **__):
        raise ValueError(f"{tmp_path}: expected a person to be seen for a while, got nobody in 60 frames. Film one person.")

    person.estimate = nobody
    try:
        page.open().upload(video)
        told = page.wait("const alert = document.querySelector('#llamo-found [role=alert]'); return alert && alert.innerText")
    finally:
        del person.estimate
    assert "nobody in 60 frames" in told and "Traceback" not in told


def test_a_film_that_is_gone_is_told_and_the_figure_goes_on(page, video):
    page.open().load(video)
    page.wait(READY)
    page.run(f"{FILM}.src = '/gradio_api/file=/nowhere.mp4'")
    page.wait("return !!document.querySelector('.llamo-host').shadowRoot.querySelector('.lv-unplayed')")
    page.run("llamoViewer.seek(1)")
    assert page.run("return llamoViewer.time") == 1
    problems(page.browser)  # the browser says that the file is missing


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_serious(page, video, dark):
    page.open(dark=dark).load(video)
    page.click("#llamo-camera-part button.label-wrap")
    page.wait(READY)
    time.sleep(0.5)
    assert not serious_findings(page.browser)
