"""The demo without a server: clips, conversations, tables, downloads, and what hostile names can do (nothing)."""

import csv
import io
import json
import os
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from conftest import make_processor
from demo_samples import HOSTILE, FilmedPerson, ScriptedAssistant, demo_module, seeing, write_walk
from video_samples import numbered_frames, write_video

from llamo.processing.motion_formats_llamo import read_motion


pytest.importorskip("gradio")
clips, tables = demo_module("clips"), demo_module("tables")
conversation, downloads = demo_module("conversation"), demo_module("downloads")


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    folder = tmp_path / "gradio"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    monkeypatch.setattr(clips, "KEEP_SECONDS", 0.0)
    return folder


def uploaded(uploads, source, name=None):
    folder = uploads / f"hash{len(list(uploads.iterdir()))}"
    folder.mkdir()
    return str(shutil.copy(source, folder / (name or source.name)))


@pytest.fixture
def walk_clip(tmp_path):
    return clips.read_clip(make_processor(), [str(write_walk(tmp_path / "walk.npz"))])


def test_an_upload_is_read_and_deleted(uploads, root):
    path = uploaded(uploads, root / "examples" / "squats.bvh")
    clip = clips.open_uploads(make_processor(), [path])
    assert clip.name == "squats.bvh" and clip.part["motion"].shape == (168, 22, 3)
    assert clip.measured["repetitions"]["count"] == 4
    assert clips.facts(clip)[0].startswith("bvh, 8.3 s, 168 frames at 20 per second, 22 joints")
    assert any("centimetres" in note for note in clips.facts(clip))
    assert not any(uploads.iterdir()), "nothing is left"


@pytest.mark.parametrize("content", [b"", b"junk" * 100, b"HIERARCHY\nROOT Hips\n{\n", b"PK\x03\x04broken", b"\x80\x04pickle"])
@pytest.mark.parametrize("name", ["clip.bvh", "clip.npz", "clip.c3d", "clip.trc", "clip.glb", "clip.fbx"])
def test_bad_files_are_refused_in_words_and_deleted(uploads, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    path = uploaded(uploads, tmp_path / name)
    with pytest.raises(clips.ClipError, match=r"[Ee]xpected") as failure:
        clips.open_uploads(make_processor(), [path])
    assert str(uploads) not in str(failure.value), "no path of this machine"
    assert not any(uploads.iterdir())


def test_only_uploads_are_opened(uploads, tmp_path):
    outside = write_walk(tmp_path / "private.npz")
    (uploads / "link.npz").symlink_to(outside)
    for path in (outside, uploads / ".." / "private.npz", uploads / "link.npz", uploads / "missing.npz", uploads):
        with pytest.raises(clips.ClipError, match="uploaded file"):
            clips.open_uploads(make_processor(), [str(path)])
        assert outside.exists(), "and nothing outside is deleted"


def test_an_upload_that_came_again_is_kept_for_who_brought_it(uploads, tmp_path, monkeypatch):
    path = uploaded(uploads, write_walk(tmp_path / "walk.npz"))
    monkeypatch.setattr(clips, "KEEP_SECONDS", 60.0)
    clips.delete_unused([path])
    assert Path(path).is_file()
    os.utime(path, (0, 0))
    clips.delete_unused([path])
    assert not any(uploads.iterdir())


def test_an_upload_that_has_just_begun_is_not_taken_for_one_that_never_comes(uploads, monkeypatch):
    monkeypatch.setattr(clips, "KEEP_SECONDS", 60.0)
    begun, left = uploads / "tmpbegun", uploads / "tmpleft"
    begun.touch(), left.touch()
    os.utime(left, (0, 0))
    clips.delete_unused([])
    assert begun.exists() and not left.exists()


def test_an_amc_comes_with_its_asf_and_two_motions_do_not(uploads, tmp_path):
    walk = write_walk(tmp_path / "walk.npz")
    with pytest.raises(clips.ClipError, match="one motion file"):
        clips.open_uploads(make_processor(), [uploaded(uploads, walk), uploaded(uploads, walk)])
    assert not any(uploads.iterdir())


def test_a_video_that_the_checkpoint_cannot_see_is_refused_in_the_processors_words(uploads, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(100))
    with pytest.raises(clips.ClipError, match=r"[Ee]xpected"):
        clips.open_uploads(make_processor(), [uploaded(uploads, tmp_path / "clip.mp4")])
    assert not any(uploads.iterdir())


@pytest.fixture(scope="module")
def person():
    return FilmedPerson(num_frames=30, size=(96, 128), warnings=["The legs are hardly seen."])


def test_a_video_is_a_motion_with_a_film(uploads, tmp_path, person):
    path = uploaded(uploads, person.write(tmp_path / "squats.mp4"), "a\nname.MP4")
    done = []
    clip = clips.open_uploads(seeing(make_processor(), person), [path], progress=done.append)
    assert clip.name == "a name.MP4" and done == pytest.approx(np.arange(30) / 20, abs=1e-3)
    assert clip.measured["seconds"] == pytest.approx(1.45) and [part["type"] for part in clip.parts] == ["motion"]
    found, *assumed = clips.facts(clip)
    assert found == "a video, 1.4 s with motion in it" and assumed[-1] == "The legs are hardly seen"
    assert [str(each) for each in uploads.rglob("*.*")] == [clip.film], "the upload is gone, the film is not"
    assert Path(clip.film).name == "film.mp4" and Path(clip.film).parent.parent == uploads
    clips.forget([clip])
    assert not any(uploads.iterdir())


def test_a_model_with_eyes_gets_the_film_beside_the_motion(uploads, tmp_path, person):
    from llamo.processing.video_processing_llamo import LlamoFrameProcessor

    processor = seeing(make_processor(), person)
    processor.frame_processor = LlamoFrameProcessor(image_size=16, num_frames=3)
    clip = clips.open_uploads(processor, [uploaded(uploads, person.write(tmp_path / "squats.mp4"))])
    assert [part["type"] for part in clip.parts] == ["motion", "video"]
    messages = [{"role": "user", "content": [*clip.parts, {"type": "text", "text": "What?"}]}]
    inputs = processor.apply_chat_template(messages, tokenize=True, return_dict=True, return_tensors="pt")
    assert inputs["pixel_values_videos"].shape == (1, 3, 3, 16, 16) and len(person.asked) >= 1
    assert inputs["video_times"][0].tolist() == pytest.approx([0.0, 0.7, 1.45], abs=0.06)
    assistant = ScriptedAssistant(processor, "squats")
    talk = conversation.Conversation([clip])
    list(talk.ask(assistant, "What?", 0, 8))
    assert assistant.asked == [[["motion", "video", "text"]]]
    assert talk.take_back() == "What?" and talk.told == 0


def test_a_video_without_anybody_leaves_nothing(uploads, tmp_path, person, monkeypatch):
    for failing in ("read", "film"):
        processor = seeing(make_processor(), person)
        path = uploaded(uploads, person.write(tmp_path / "squats.mp4"))

        def fail(part, *_, **__):
            raise ValueError(f"{part['path']}: expected a person, got nobody. Film one.")

        monkeypatch.setattr(processor.video_motions, failing, fail)
        with pytest.raises(clips.ClipError, match=r"^squats\.mp4: expected a person, got nobody"):
            clips.open_uploads(processor, [path])
        assert not any(uploads.iterdir())


def test_long_videos_are_refused(uploads, tmp_path, person):
    processor = seeing(make_processor(), person)
    processor.video_motions.max_seconds = 1.0
    long = write_video(tmp_path / "long.mp4", numbered_frames(50, 32, 32))
    with pytest.raises(clips.ClipError, match=r"at most 1 s of video, got 2\.0 s"):
        clips.open_uploads(processor, [uploaded(uploads, Path(long))])
    assert not any(uploads.iterdir())


def test_the_page_gets_the_film_with_the_motion(uploads, tmp_path, person):
    layout = demo_module("layout")
    assistant = ScriptedAssistant(seeing(make_processor(), person), "")
    video = clips.open_uploads(assistant.processor, [uploaded(uploads, person.write(tmp_path / "squats.mp4"))])
    walk = clips.read_clip(assistant.processor, [str(write_walk(tmp_path / "walk.npz"))])
    first, second = layout.viewer_data(assistant, conversation.Conversation([video, walk]))["motions"]
    assert first["video"]["film"] == video.film and len(first["video"]["seen"]["times"]) == 30 and "video" not in second
    assert layout.viewer_data(assistant, conversation.Conversation()) is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb\x00c.bvh", "a b c.bvh"),
        ("\u202egpj.bvh", "gpj.bvh"),
        ("x" * 300 + ".bvh", "x" * 68 + "..." + "xxxxx.bvh"),
        ("../../etc/passwd", "passwd"),
    ],
)
def test_names_are_one_short_line(name, shown):
    assert clips.clean_name(name) == shown


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_tables_say_what_was_measured_and_link_times(root):
    clip = clips.read_clip(make_processor(), [str(root / "examples" / "squats.bvh")])
    rows = Tags(tables.repetitions_html(clip.measured))
    links = [attrs["href"] for tag, attrs in rows.tags if tag == "a"]
    starts = [item["start_s"] for item in clip.measured["repetitions"]["items"]]
    assert links == [f"#t={start:.2f}" for start in starts] and len(starts) == 4
    page = Tags(tables.measurements_html(clip.measured))
    assert "Left knee" in page.text and f"{clip.measured['angles']['left_knee']['range_deg']:.0f}°" in page.text
    assert {tag for tag, _ in page.tags} <= set("div table caption thead tbody tr th td a details summary ul li".split())


def test_hostile_names_and_words_are_only_text(walk_clip):
    walk_clip.name = HOSTILE
    faults = [
        {"joint": "knee", "side": "left", "what": HOSTILE, "difference": 20.0, "unit": "deg", "start_s": 0.1, "end_s": 1.0}
    ]
    for html in (
        tables.facts_html(HOSTILE, [HOSTILE, HOSTILE]),
        tables.error_html(HOSTILE),
        tables.comparison_html({"offset_s": 0.5, "faults": faults}, HOSTILE, HOSTILE),
        tables.measurements_html({**walk_clip.measured, "notes": {HOSTILE: HOSTILE}}),
    ):
        page = Tags(html)
        assert HOSTILE in page.text
        assert "img" not in {tag for tag, _ in page.tags}
        assert all(attrs.get("href", "#").startswith("#") for _, attrs in page.tags)


def test_markdown_shows_answers_as_they_were_written():
    from markdown_it import MarkdownIt

    simple = "Crouching (B): 1-2 s, + 3 kg, < 4 & > 3 of #5. $x$ {y}! Well-timed."
    hostile = "![x](http://e.x/y.png) <b>*a*</b> `c` | # h\n> q\n- l &amp; &#38;"
    hostile += "\nx\n===\ny\n---\n2. z\n 1) w\n|a|b|\n|-|-|\n~~s~~\n+ t"
    for text in (HOSTILE, hostile, simple):
        page = Tags(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(conversation.plain(text)))
        assert [line.strip() for line in page.text.strip().split("\n")] == [line.strip() for line in text.split("\n")]
        assert {tag for tag, _ in page.tags} == {"p"}
    assert conversation.plain(simple) == simple, "what is copied is what was written"


def test_a_conversation_carries_its_history(walk_clip):
    assistant = ScriptedAssistant(make_processor(), "a walk")
    talk = conversation.Conversation([walk_clip])
    assert list(talk.ask(assistant, "What?", 0, 8)) == ["a", "a walk"]
    assert talk.looked_at == [[(0.4, 0.8), (1.6, 1.8)]]
    list(talk.ask(assistant, "And then?", 0, 8))
    talk.clips.append(walk_clip)
    list(talk.ask(assistant, "Compare them.", 0, 8))
    assert assistant.asked[-1] == [["motion", "text"], ["text"], ["text"], ["text"], ["motion", "text"]]
    assert [message["role"] for message in talk.shown()] == ["user", "assistant"] * 3
    assert talk.take_back() == "Compare them." and talk.told == 1 and len(talk.messages) == 4
    list(talk.ask(assistant, "Compare them.", 0, 8))
    assert assistant.asked[-1][-1] == ["motion", "text"], "asked again about both"
    talk.clear()
    list(talk.ask(assistant, "What?", 0, 8))
    assert assistant.asked[-1] == [["motion", "motion", "text"]]


def test_a_stopped_answer_stays_and_a_refused_question_goes(walk_clip):
    talk = conversation.Conversation([walk_clip])
    answer = talk.ask(ScriptedAssistant(make_processor(), "one two three"), "Count.", 0, 8)
    next(answer), next(answer)
    answer.close()
    assert talk.shown() == [{"role": "user", "content": "Count."}, {"role": "assistant", "content": "one two"}]

    class Refusing(ScriptedAssistant):
        def answer(self, *_):
            raise ValueError("Expected less")
            yield

    with pytest.raises(ValueError, match="Expected less"):
        list(talk.ask(Refusing(make_processor(), ""), "More?", 0, 8))
    assert len(talk.messages) == 2 and talk.told == 1


def test_downloads_hold_the_motion_and_its_measurements(walk_clip, uploads):
    walk_clip.name = f"../{HOSTILE}/walk 1.npz"
    paths = downloads.write_downloads(make_processor(), walk_clip)
    assert [path.rsplit("/", 1)[1] for path in paths] == ["walk_1.bvh", "walk_1.npz", "walk_1.json", "walk_1.csv"]
    assert all(path.startswith(str(uploads)) for path in paths)
    back = read_motion(paths[0])
    assert len(back.joints) == 60 and back.fps == pytest.approx(20, rel=1e-3)
    np.testing.assert_allclose(np.load(paths[1])["joints"], walk_clip.motion.joints)
    report = json.loads(Path(paths[2]).read_text(encoding="utf-8"))
    assert report["steps"] == walk_clip.measured["steps"] and report["detected_and_assumed"]
    rows = dict(csv.reader(io.StringIO(Path(paths[3]).read_text(encoding="utf-8"))))
    assert float(rows["distance_m"]) == walk_clip.measured["distance_m"]


def test_the_assistant_streams_stops_and_says_where_it_looked(tmp_path, walk_clip):
    from demo_samples import write_tiny_checkpoint

    checkpoint = write_tiny_checkpoint(tmp_path / "tiny")
    assistant = demo_module("assistant").Assistant(str(checkpoint))
    talk = conversation.Conversation([walk_clip, walk_clip])
    pieces = list(talk.ask(assistant, "How many?", 0.0, 12))
    assert len(pieces) > 1 and len(talk.looked_at) == 2
    for spans in talk.looked_at:
        assert spans and all(0 <= start < end <= 3.0 + 1e-9 for start, end in spans)
        assert sum(round((end - start) / 0.2) for start, end in spans) == 4, "num_focus_tokens of them"
    again = conversation.Conversation([walk_clip])
    answer = again.ask(assistant, "How many?", 0.0, 400)
    next(answer)
    answer.close()
    assert len(again.messages) == 2


def test_temperature_varies_an_answer_and_length_ends_it(tmp_path, walk_clip):
    import torch
    from demo_samples import write_tiny_checkpoint

    assistant = demo_module("assistant").Assistant(str(write_tiny_checkpoint(tmp_path / "tiny")))

    def answer(*settings):
        return list(conversation.Conversation([walk_clip]).ask(assistant, "How many?", *settings))[-1]

    torch.manual_seed(0)
    likeliest, varied = ({answer(temperature, 12) for _ in range(3)} for temperature in (0.0, 1.5))
    assert len(likeliest) == 1 and len(varied | likeliest) > 2
    assert likeliest.pop().startswith(answer(0.0, 3))


def test_what_the_processor_does_beyond_reading(tmp_path, walk_clip):
    reader = make_processor().motion_processor
    path = str(write_walk(tmp_path / "other.npz", speed=0.6))
    assert reader.measure(path)["distance_m"] < reader.measure(walk_clip.motion)["distance_m"]
    assert set(reader.compare(walk_clip.motion, path)) == {"offset_s", "faults"}
    assert reader.write(path, tmp_path / "out.bvh").kind == "BVH" and len(read_motion(tmp_path / "out.bvh").joints) == 60
    payload = reader.view([("a", walk_clip.motion, walk_clip.measured), ("b", path, None)], "side")
    assert [motion["name"] for motion in payload["motions"]] == ["a", "b"] and payload["layout"] == "side"
    assert payload["motions"][0]["ticks"], "what was measured is marked"


def test_examples_are_read_once_and_opened_for_everybody(uploads, monkeypatch):
    import gradio

    layout, read = demo_module("layout"), []
    monkeypatch.setattr(layout, "read_clip", lambda processor, paths: read.append(paths) or clips.read_clip(processor, paths))
    with gradio.Blocks() as page:
        talk = layout.build_page(ScriptedAssistant(make_processor(), "")).talk
    buttons = [event.fn for event in page.fns.values() if event.name == "open_example"]
    opened = [[button(conversation.Conversation())[talk].clips for button in buttons] for _ in range(2)]
    assert [clip.name for (clip,) in opened[0]] == ["squats.bvh", "wave_then_walk.npz"] and len(read) == 2
    assert all(first is not second for (first,), (second,) in zip(*opened, strict=True)), "nobody gets another one's clip"


def test_the_space_is_described_whole(root):
    import gradio
    import yaml

    card = (root / "spaces_demo" / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert {"title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "app_file", "license", "models"} <= set(front)
    assert front["sdk"] == "gradio" and (root / "spaces_demo" / front["app_file"]).is_file()
    assert front["sdk_version"] == gradio.__version__
    assert len(front["short_description"]) <= 60, "the Hub's limit"
    needed = (root / "spaces_demo" / "requirements.txt").read_text(encoding="utf-8")
    assert all(name in needed for name in ("torch", "transformers", "scipy", "gradio", "av"))
