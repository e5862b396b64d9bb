"""Video parts of chat messages: beside a motion, alone, from the web; with an estimator that is made up."""

import http.server
import pickle
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import encode, make_processor, make_walk, motion_part, text_part, user
from video_samples import numbered_frames, write_video

from llamo.processing.chat_videos_llamo import SeenVideo, place_videos
from llamo.processing.processing_llamo import LlamoProcessor
from llamo.processing.video_download_llamo import fetch_video
from llamo.processing.video_motion_llamo import CACHE_VARIABLE, VideoMotion, VideoMotions
from llamo.processing.video_processing_llamo import LlamoFrameProcessor
from llamo.processing.video_reading_llamo import VideoFormatError, probe_video


class MadeUpEstimator:
    """Sees in every video a walk as long as the video, from 0.2 s on."""

    def __init__(self, warnings=()):
        self.asked = []
        self.warnings = list(warnings)

    def estimate(self, source, person=None, box=None, progress=None):
        seconds = probe_video(source).seconds
        self.asked.append((source, person, box))
        report = {"coverage": 0.97, "span_s": [0.2, seconds], "warnings": self.warnings, "people": []}
        joints = make_walk(round(20 * (seconds - 0.2)), seed=person or 0)
        return SimpleNamespace(joints=joints, fps=20.0, contacts=np.zeros((len(joints), 4)), start=0.2, report=report)


@pytest.fixture
def clip(tmp_path) -> str:
    return write_video(tmp_path / "clip.mp4", numbered_frames(50))  # 2 s


@pytest.fixture
def estimator() -> MadeUpEstimator:
    return MadeUpEstimator()


@pytest.fixture
def seeing(estimator) -> LlamoProcessor:
    """A processor with a made-up estimator."""
    processor = make_processor()
    processor.video_motions = VideoMotions(estimator=estimator)
    return processor


def with_tower(processor: LlamoProcessor) -> LlamoProcessor:
    processor.frame_processor = LlamoFrameProcessor(image_size=16, num_frames=3)
    return processor


def video_part(path, **more) -> dict:
    return {"type": "video", "path": str(path), **more}


def test_a_video_alone_is_a_motion_and_says_so(seeing, estimator, clip):
    chat = [user(video_part(clip), "What?")]
    inputs = encode(seeing, chat)
    assert inputs["motion_attention_mask"].sum() == 36 and "pixel_values_videos" not in inputs
    same = encode(seeing, [user(motion_part(make_walk(36)), "What?")])
    assert torch.equal(inputs["input_ids"], same["input_ids"])
    assert torch.allclose(inputs["motion_values"], same["motion_values"])
    assert seeing.notes == []  # of the last call, which had no video
    encode(seeing, chat)
    assert len(estimator.asked) == 1  # remembered
    assert seeing.notes == [
        "clip.mp4: motion estimated from the video, 0.2 to 2.0 s of it; the person is seen in 97 % of its frames"
    ]
    assert seeing.apply_chat_template(chat) == seeing.apply_chat_template([user(motion_part(make_walk(36)), "What?")])


def test_quality_warnings_are_told(seeing, clip):
    seeing.video_motions = VideoMotions(estimator=MadeUpEstimator(["The camera moves: the way is a guess."]))
    encode(seeing, [user(video_part(clip), "What?")])
    assert seeing.notes[-1] == "clip.mp4: The camera moves: the way is a guess"


def test_a_video_alone_is_also_looked_at_where_the_model_can(seeing, clip):
    inputs = encode(with_tower(seeing), [user(video_part(clip), "What?")])
    assert inputs["pixel_values_videos"].shape == (1, 3, 3, 16, 16) and inputs["video_motion_ids"].tolist() == [0]
    # The motion begins 0.2 s into the video: on the motion's clock, the video's first frame is before 0.
    assert inputs["video_times"][0].tolist() == pytest.approx([-0.2, 0.78, 1.76], abs=0.03)
    brightness = inputs["pixel_values_videos"][0, :, :, 12:, 12:].mean((1, 2, 3))
    assert (brightness.diff() > 0.3).all()  # frames from beginning, middle and end


def test_a_video_beside_a_motion_is_fused(seeing, estimator, clip):
    chat = [user(motion_part(make_walk(30)), video_part(clip, offset_s=0.5), "What?")]
    inputs = encode(with_tower(seeing), chat)
    assert inputs["video_times"][0, 0] == pytest.approx(0.5) and inputs["motion_values"].shape[0] == 1
    assert estimator.asked == []
    first = encode(seeing, [user(video_part(clip, offset_s=0.5), motion_part(make_walk(30)), "What?")])
    assert torch.equal(first["pixel_values_videos"], inputs["pixel_values_videos"])


def test_without_a_vision_tower_a_pair_is_refused_in_words(seeing, clip):
    with pytest.raises(ValueError, match=r"for one without\. Leave the video out"):
        encode(seeing, [user(motion_part(make_walk(30)), video_part(clip), "What?")])


def test_which_motion_a_video_shows():
    motion, video = {"type": "motion", "path": "m"}, {"type": "video", "path": "v"}

    def places(*contents):
        _, motions, videos = place_videos([{"role": "user", "content": list(content)} for content in contents])
        return [isinstance(each, SeenVideo) for each in motions], [of for _, of in videos]

    assert places([video]) == ([True], [])
    assert places([video, video]) == ([True, True], [])
    assert places([motion, video]) == ([False], [0]) == places([video, motion])
    assert places([motion, motion, video]) == ([False, False], [1])
    assert places([motion, motion, {**video, "of": 0}]) == ([False, False], [0])
    # A later motion does not take a video away that stood alone: the beginning of the conversation stays as it was.
    assert places([video], [motion]) == ([True, False], [])
    assert places([video], [motion, video]) == ([True, False], [1])
    assert places([video], [motion, {**video, "of": 0}]) == ([True, False], [1])
    with pytest.raises(ValueError, match="video of motion 3 in a conversation with 1"):
        places([motion, {**video, "of": 3}])


def test_batches_conversations_and_turns(seeing, estimator, clip, tmp_path):
    other = write_video(tmp_path / "other.mp4", numbered_frames(25))
    chats = [
        [user(video_part(clip), "What?")],
        [user("Hello")],
        [user(motion_part(make_walk(20)), video_part(other), "And?")],
        [user(video_part(clip), video_part(other), "Which?")],
    ]
    inputs = encode(with_tower(seeing), chats)
    assert inputs["motion_attention_mask"].sum(-1).tolist() == [36, 20, 36, 16]
    assert sorted(inputs["video_motion_ids"].tolist()) == [0, 1, 2, 3] and len(estimator.asked) == 2
    for row, chat in enumerate(chats):
        alone = encode(seeing, chat)
        width = alone["input_ids"].shape[1]
        assert torch.equal(inputs["input_ids"][row, -width:], alone["input_ids"][0])


def test_all_sources_give_the_same(seeing, estimator, clip):
    with open(clip, "rb") as file:
        data = file.read()
    from llamo.processing.video_reading_llamo import iterate_frames

    frames = np.stack([frame.image for frame in iterate_frames(clip)])
    sources = [{"path": clip}, {"bytes": data}, {"video": frames, "fps": 25}]
    batches = [encode(with_tower(seeing), [user({"type": "video", **source}, "What?")]) for source in sources]
    for batch in batches[1:]:
        assert torch.allclose(batch["motion_values"], batches[0]["motion_values"])
        assert torch.allclose(batch["pixel_values_videos"], batches[0]["pixel_values_videos"], atol=0.02)
    assert len(estimator.asked) == 3


def test_arrow_nones_and_choices_reach_the_estimator(seeing, estimator, clip):
    nones = {"motion": None, "bytes": None, "url": None, "of": None, "text": None}
    first = encode(seeing, [user(video_part(clip, person=2, **nones), "What?")])
    second = encode(seeing, [user(video_part(clip, box=[0, 0, 1, 1]), "What?")])
    assert [asked[1:] for asked in estimator.asked] == [(2, None), (None, [0, 0, 1, 1])]
    assert not torch.equal(first["motion_values"], second["motion_values"])


def test_call_takes_videos_and_motions(seeing, estimator, clip):
    prompt = "<|motion|>What?"
    alone = seeing(text=prompt, videos=[clip], return_tensors="pt")
    assert alone["motion_attention_mask"].sum() == 36 and len(estimator.asked) == 1
    both = with_tower(seeing)(
        text=prompt, motions=[make_walk(30)], videos=[{"path": clip, "offset_s": 1.0}], return_tensors="pt"
    )
    assert both["video_times"][0, 0] == 1.0 and both["motion_attention_mask"].sum() == 30
    with pytest.raises(ValueError, match="as many videos as motions"):
        seeing(text=prompt, motions=[make_walk(30)], videos=[clip, clip])


def test_load_takes_either(seeing, clip, tmp_path):
    np.savez(tmp_path / "walk.npz", joints=make_walk(30), fps=20)
    assert seeing.load(tmp_path / "walk.npz").format == "npz" and seeing.load(make_walk(30)).format == "joints"
    for part in (clip, video_part(clip), {"video": numbered_frames(10), "fps": 5}):
        assert isinstance(seeing.load(part), VideoMotion)


def test_unreadable_videos_and_missing_estimators_are_named(seeing, tmp_path, clip):
    missing = str(tmp_path / "none.mp4")
    for part, message in (
        (video_part(missing), "nothing there"),
        ({"type": "video"}, 'one of "path"'),
        (video_part(clip, url="https://example.org/x.mp4"), "got several"),
        ({"type": "video", "url": "file:///etc/passwd"}, "begins with https"),
    ):
        with pytest.raises(ValueError, match=message):
            encode(seeing, [user(part, "What?")])
    with pytest.raises(ValueError, match="llamo init"):
        encode(make_processor(), [user(video_part(clip), "What?")])


def test_the_estimator_is_beside_the_processor_and_loads_once(tmp_path, clip, monkeypatch):
    from llamo.processing import video_motion_llamo

    folder = tmp_path / "checkpoint"
    make_processor().save_pretrained(folder)
    (folder / "motion_estimator").mkdir()
    (folder / "motion_estimator" / "config.json").write_text("{}")
    loaded, made_up = [], MadeUpEstimator()
    fake = SimpleNamespace(from_pretrained=lambda where: loaded.append(where) or made_up)
    monkeypatch.setattr(video_motion_llamo, "MotionEstimator", fake)
    processor = LlamoProcessor.from_pretrained(folder)
    assert loaded == []
    for person in (1, 2, 3):
        encode(processor, [user(video_part(clip, person=person), "What?")])
    assert loaded == [str(folder / "motion_estimator")] and len(made_up.asked) == 3
    # It goes along when the processor is saved, and the saved configuration names no folder.
    processor.save_pretrained(tmp_path / "again")
    assert (tmp_path / "again" / "motion_estimator" / "config.json").is_file()
    assert str(tmp_path) not in (tmp_path / "again" / "processor_config.json").read_text()
    # A worker process gets the processor pickled, and loads its own.
    sent = pickle.loads(pickle.dumps(processor))
    encode(sent, [user(video_part(clip, person=1), "What?")])
    assert len(loaded) == 2


def test_estimated_motions_are_kept_on_disk(tmp_path, clip, monkeypatch):
    folder, cache = tmp_path / "checkpoint", tmp_path / "cache"
    (folder / "motion_estimator").mkdir(parents=True)
    (folder / "motion_estimator" / "config.json").write_text("{}")
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))
    first = MadeUpEstimator(["The camera moves."])
    motion = VideoMotions(str(folder), estimator=first).read(video_part(clip))
    assert isinstance(motion, VideoMotion) and len(list(cache.rglob("*.npz"))) == 1
    again = MadeUpEstimator()
    kept = VideoMotions(str(folder), estimator=again).read(video_part(clip))
    assert again.asked == [] and np.array_equal(kept.joints, motion.joints)
    assert (kept.assumed, kept.start, kept.fps, kept.report) == (motion.assumed, 0.2, 20.0, motion.report)
    # By content: the same video elsewhere; another choice, another video or another estimator is another motion.
    moved = tmp_path / "moved.mp4"
    moved.write_bytes(Path(clip).read_bytes())
    VideoMotions(str(folder), estimator=again).read(video_part(moved))
    assert again.asked == []
    VideoMotions(str(folder), estimator=again).read(video_part(clip, person=2))
    (folder / "motion_estimator" / "config.json").write_text('{"version": 2}')
    VideoMotions(str(folder), estimator=again).read(video_part(clip))
    assert len(again.asked) == 2 and len(list(cache.rglob("*.npz"))) == 3
    # A damaged file is only made again.
    for file in cache.rglob("*.npz"):
        file.write_bytes(b"damaged")
    VideoMotions(str(folder), estimator=again).read(video_part(clip))
    assert len(again.asked) == 3


@pytest.fixture
def server(clip):
    """Serves the clip, a redirection to it and something endless, on this machine."""
    with open(clip, "rb") as file:
        data = file.read()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/clip.mp4")
                self.end_headers()
            elif self.path == "/away":
                self.send_response(302)
                self.send_header("Location", "file:///etc/passwd")
                self.end_headers()
            elif self.path == "/clip.mp4":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(data)
            else:
                self.send_error(404)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}", data
        served.shutdown()


def test_addresses(server, seeing, monkeypatch):
    address, data = server
    for path in ("/clip.mp4", "/moved"):
        assert fetch_video(address + path, allow_private=True) == data
    for url, message in (
        (address + "/clip.mp4", "a private one"),
        ("http://localhost/clip.mp4", "a private one"),
        ("http://[::1]/clip.mp4", "a private one"),
        ("ftp://example.org/clip.mp4", "begins with https"),
        ("clip.mp4", "begins with https"),
    ):
        with pytest.raises(VideoFormatError, match=message):
            fetch_video(url)
    for path, message in (("/none", "404"), ("/away", "begins with https")):
        with pytest.raises(VideoFormatError, match=message):
            fetch_video(address + path, allow_private=True)
    with pytest.raises(VideoFormatError, match="at most 100 bytes"):
        fetch_video(address + "/clip.mp4", max_bytes=100, allow_private=True)

    from llamo.processing import chat_videos_llamo

    asked = []
    monkeypatch.setattr(chat_videos_llamo, "fetch_video", lambda url: asked.append(url) or data)
    chat = [{"role": "user", "content": [{"type": "video", "url": "https://example.org/clip.mp4"}, text_part("What?")]}]
    assert encode(with_tower(seeing), chat)["motion_attention_mask"].sum() == 36
    assert len(asked) == 1
    seeing.apply_chat_template(chat)  # renders without a network
    assert len(asked) == 1
