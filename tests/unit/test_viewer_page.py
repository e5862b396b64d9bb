"""The page of `llamo view`: whole, alone, exact, and deaf to what files are called."""

import base64
import html
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from conftest import make_walk

from llamo.cli.viewer_page import ASSETS, build_page, digest
from llamo.processing.motion_features_llamo import canonicalise
from llamo.processing.viewer_data_llamo import VERSION, ViewedMotion, build_payload, limit_rate, ticks_of


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>.bvh",
    '"><svg/onload=alert(1)>.bvh',
    "--><!--<script>.bvh",
    "$start ${policy} $$.bvh",
    "&lt;b&gt;&amp;.bvh",
    "a\u2028b\u202ec\nd\x00e.bvh",
    "\\u003c/script\\u003e.bvh",
]


class Page(HTMLParser):
    """Tags with their attributes in order, and the text of each script, style and title."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.texts, self.inside = [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style", "title", "h1"):
            self.inside = (tag, dict(attrs))
            self.texts.append([tag, dict(attrs), ""])

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.texts[-1][2] += data

    def text(self, tag, **attrs):
        (found,) = [text for name, has, text in self.texts if name == tag and attrs.items() <= has.items()]
        return found


def make_page(*names, layout="overlay", joints=None, **extra):
    joints = canonicalise(make_walk(), 20.0) if joints is None else joints
    return build_page(build_payload([ViewedMotion(name, joints, 20.0, **extra) for name in names], layout))


def payload_of(page):
    return json.loads(Page(page).text("script", type="application/json"))


def decode(motion, num_joints):
    root = np.frombuffer(base64.b64decode(motion["root"]), "<f4").reshape(-1, 1, 3)
    local = np.frombuffer(base64.b64decode(motion["local"]), "<i2").reshape(len(root), num_joints - 1, 3)
    return np.concatenate([root, root + local * motion["quantum"]], axis=1)


@pytest.mark.parametrize("metres", [0, 3_000])
def test_the_data_decode_to_the_joints(metres):
    joints = canonicalise(make_walk(200), 20.0) + np.float32([0, 0, metres])
    payload = payload_of(make_page("walk.bvh", joints=joints))
    (motion,) = payload["motions"]
    assert payload["version"] == VERSION and motion["frames"] == 200 and motion["fps"] == 20
    assert np.abs(decode(motion, len(payload["skeleton"]["names"])) - joints).max() < 1e-3
    assert payload["skeleton"]["parents"][0] == -1 and len(payload["skeleton"]["parents"]) == 22


def test_angles_and_ticks_are_carried():
    angles = {"left_knee": np.linspace(-20.04, 170.0, 60)}
    (motion,) = payload_of(make_page("a", angles=angles, ticks=[{"time_s": 1.0, "label": "Jump 1"}]))["motions"]
    decoded = np.frombuffer(base64.b64decode(motion["angles"]["left_knee"]), "<i2") / 10
    assert np.abs(decoded - angles["left_knee"]).max() <= 0.051
    assert motion["ticks"] == [{"time_s": 1.0, "label": "Jump 1"}]


def test_the_page_needs_nothing_else():
    page = Page(make_page("walk.bvh"))
    assert not [tag for tag, attrs in page.tags if tag in ("link", "img", "iframe", "object", "embed", "base")]
    assert not [attrs for _, attrs in page.tags if {"src", "href", "srcset", "action", "style"} & set(attrs)]
    assert "url(" not in page.text("style") and "@import" not in page.text("style")
    imports = json.loads(page.text("script", type="importmap"))["imports"]
    assert {"llamo/viewer.js", "llamo/three.bundle.min.js"} <= set(imports)
    start = "data:text/javascript;charset=utf-8;base64,"
    sources = {name: base64.b64decode(url.removeprefix(start)).decode("utf-8") for name, url in imports.items()}
    sources["start"] = page.text("script", type="module")
    for name, source in sources.items():
        # A namespace is a name, not an address.
        assert not re.search(r"https?://(?!www\.w3\.org/(1999/xhtml|2000/svg)\b)", source), name
        if name != "llamo/three.bundle.min.js":
            assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|importScripts|sendBeacon|innerHTML|eval)\b", source), name
            assert set(re.findall(r'from "([^"]+)"', source)) <= set(imports), f"{name} imports what the page has not"


def test_the_policy_forbids_what_the_page_does_not_do():
    page = Page(make_page("walk.bvh"))
    (policy,) = [attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and "unsafe" not in policy and "http" not in policy
    scripts = [page.text("script", type="importmap"), page.text("script", type="module")]
    assert rules["script-src"].split() == [*(f"'{digest(text)}'" for text in scripts), "data:"]
    assert rules["style-src"] == f"'{digest(page.text('style'))}'"


def test_names_and_labels_do_no_harm():
    tame = make_page("a.bvh", ticks=[{"time_s": 0, "label": "a"}], notes=["a"])
    for name in HOSTILE:
        page = make_page(name, ticks=[{"time_s": 0, "label": name}], notes=[name])
        assert [tag for tag, _ in Page(page).tags] == [tag for tag, _ in Page(tame).tags]
        assert page.count("<script") == tame.count("<script") and page.count("<!--") == tame.count("<!--")
        (motion,) = payload_of(page)["motions"]
        assert motion["name"] == motion["ticks"][0]["label"] == motion["notes"][0] == name
        assert Page(page).text("title").replace("\ufffd", "\x00") == name


def test_the_licence_of_three_is_in_the_page_and_in_the_bundle():
    licence = (ASSETS / "three.LICENSE").read_text(encoding="utf-8").strip()
    assert "Permission is hereby granted" in licence and "--" not in licence
    assert html.escape(licence, quote=False) in make_page("a")
    assert "SPDX-License-Identifier: MIT" in (ASSETS / "three.bundle.min.js").read_text(encoding="utf-8")[:300]


def test_fast_motions_are_capped():
    joints = make_walk(241, fps=120.0)
    slower, fps = limit_rate(joints, 120.0)
    assert fps == 60 and len(slower) == 121
    assert np.abs(slower[60, 0] - joints[120, 0]).max() < 0.02
    assert limit_rate(joints, 59.94)[1] == 59.94


def test_measurements_become_ticks():
    measured = {
        "jumps": [{"start_s": 4.0, "flight_s": 0.5, "height_m": 0.31}],
        "repetitions": {"count": 2, "items": [{"start_s": 1.0, "end_s": 2.0}, {"start_s": 2.0, "end_s": 3.1}]},
        "postures": [{"name": "on_hands", "start_s": 0.0, "end_s": 4.0}],
    }
    ticks = ticks_of(measured)
    assert [tick["label"] for tick in ticks] == ["On hands", "Repetition 1", "Repetition 2", "Jump 1, 31 cm"]
    assert [tick["time_s"] for tick in ticks] == [0.0, 1.0, 2.0, 4.0] and ticks[-1]["end_s"] == 4.5
    assert ticks_of({"jumps": None, "repetitions": None, "postures": None, "notes": ["too short"]}) == []


def test_what_cannot_be_shown_is_refused():
    motion = ViewedMotion("a", make_walk(), 20.0)
    for motions, layout in (([], "overlay"), ([motion] * 17, "overlay"), ([motion], "stacked")):
        with pytest.raises(ValueError, match="Expected"):
            build_payload(motions, layout)
    # One frame, all joints in one point: odd, but no reason to fail.
    build_page(build_payload([ViewedMotion("still", np.zeros((1, 22, 3)), 20.0)]))
