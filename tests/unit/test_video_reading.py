"""Videos as phones and cameras write them; all are encoded here."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from video_samples import numbered_frames, write_sound, write_video

from llamo.processing import video_reading_llamo
from llamo.processing.video_reading_llamo import VideoFormatError, is_video, iterate_frames, probe_video, sample_frames


FRAMES = numbered_frames(30)


def brightness(image) -> float:
    """Of the quarter that tells the frame's number."""
    height, width, _ = image.shape
    return float(image[height * 3 // 4 :, width * 3 // 4 :].mean())


def white_corner(image) -> str:
    height, width, _ = image.shape
    quarters = {
        "top left": image[: height // 2, : width // 2],
        "top right": image[: height // 2, width // 2 :],
        "bottom left": image[height // 2 :, : width // 2],
        "bottom right": image[height // 2 :, width // 2 :],
    }
    return max(quarters, key=lambda name: quarters[name].mean())


@pytest.fixture
def clip(tmp_path) -> str:
    return write_video(tmp_path / "clip.mp4", FRAMES)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("clip.mp4", "libx264", "yuv420p"),
        ("clip.mov", "mpeg4", "yuv420p"),
        ("clip.webm", "libvpx-vp9", "yuv420p"),
        ("clip.mkv", "ffv1", "yuv444p"),
        ("clip.avi", "mjpeg", "yuvj420p"),
        ("clip.ts", "mpeg2video", "yuv420p"),
        ("clip.gif", "gif", "rgb8"),
    ],
)
def test_any_container_and_codec(tmp_path, name, codec, pixels):
    path = write_video(tmp_path / name, FRAMES, codec=codec, pixels=pixels)
    info = probe_video(path)
    assert (info.width, info.height, info.fps) == (64, 48, pytest.approx(25, rel=0.05))
    assert info.seconds == pytest.approx(1.2, abs=0.15)
    frames = list(iterate_frames(path))
    assert len(frames) == 30 and is_video(path)
    assert [frame.time for frame in frames] == pytest.approx((np.arange(30) / 25).tolist(), abs=0.002)
    assert all(frame.image.shape == (48, 64, 3) and frame.image.dtype == np.uint8 for frame in frames)
    assert white_corner(frames[0].image) == "top left"
    assert brightness(frames[0].image) == pytest.approx(20, abs=20)
    assert brightness(frames[-1].image) == pytest.approx(180, abs=20)
    data = Path(path).read_bytes()
    assert is_video(data) and len(list(iterate_frames(data))) == 30 == len(list(iterate_frames({"bytes": data})))


@pytest.mark.parametrize(("angle", "corner"), [(0, "top left"), (90, "bottom left"), (180, "bottom right"), (270, "top right")])
def test_phones_turn_the_frame(tmp_path, angle, corner):
    path = write_video(tmp_path / "phone.mp4", FRAMES[:3], rotation=angle)
    info = probe_video(path)
    size = (64, 48) if angle % 180 == 0 else (48, 64)
    assert info.rotation == angle and (info.width, info.height) == size
    image = next(iterate_frames(path)).image
    assert image.shape == (size[1], size[0], 3) and white_corner(image) == corner
    assert white_corner(sample_frames(path, 1)[0][0]) == corner


def test_mirrored_display_keeps_left_and_right(tmp_path):
    one = 65536
    path = write_video(tmp_path / "selfie.mp4", FRAMES[:2], matrix=[-one, 0, 0, 0, one, 0, 0, 0, 1 << 30])
    assert white_corner(next(iterate_frames(path)).image) == "top right"


def test_variable_rate_by_real_time_stamps(tmp_path):
    stamps = [0, 40, 80, 120, 500, 1000, 1010, 1020, 1030, 2000]
    path = write_video(tmp_path / "vfr.mkv", FRAMES[:10], stamps=stamps)
    assert [round(1000 * frame.time) for frame in iterate_frames(path)] == stamps
    # At most ten a second: a frame is taken as soon as a tenth has passed on the clock.
    assert [round(1000 * frame.time) for frame in iterate_frames(path, fps=10)] == [0, 120, 500, 1000, 2000]
    images, times = sample_frames(path, 3)
    assert (1000 * times).round().tolist() == [0, 1000, 2000]
    assert [brightness(image) for image in images] == pytest.approx([brightness(FRAMES[index]) for index in (0, 5, 9)], abs=6)


def test_first_time_stamp_is_zero(tmp_path):
    path = write_video(tmp_path / "late.mkv", FRAMES[:4], stamps=[700, 740, 780, 820])
    assert [round(1000 * frame.time) for frame in iterate_frames(path)] == [0, 40, 80, 120]
    assert (1000 * sample_frames(path, 2)[1]).round().tolist() == [0, 120]


@pytest.mark.parametrize("fps", [1, 7.3, 10, 20, 24, 25, 60])
def test_rate_limit_keeps_the_mean_rate(tmp_path, clip, fps):
    times = [frame.time for frame in iterate_frames(clip, fps=fps)]
    assert abs(len(times) - min(30, 1.2 * fps)) <= 1 and times[0] == 0


def test_frames_are_sampled_evenly_and_right(tmp_path):
    frames = numbered_frames(100)
    path = write_video(tmp_path / "long.mp4", frames, options={"g": "10", "bf": "2"})
    images, times = sample_frames(path, 5)
    assert times.tolist() == pytest.approx([0.0, 0.99, 1.98, 2.97, 3.96], abs=0.021)
    wanted = [brightness(frames[round(time * 25)]) for time in times]
    assert [brightness(image) for image in images] == pytest.approx(wanted, abs=4)
    every, all_times = sample_frames(path, 1000)
    assert len(every) == len(all_times) == 100


def test_sampling_decodes_only_what_it_needs(tmp_path, monkeypatch):
    path = write_video(tmp_path / "long.mp4", numbered_frames(300), options={"g": "10", "bf": "0"})
    original, picked = video_reading_llamo._wanted_packets, []
    monkeypatch.setattr(video_reading_llamo, "_wanted_packets", lambda *given: picked.append(original(*given)) or picked[0])
    images, _ = sample_frames(path, 4)
    assert len(images) == 4 and len(picked[0]["groups"]) == 4  # of 30


def test_bare_streams_have_the_stated_rate(tmp_path):
    path = write_video(tmp_path / "bare.h264", FRAMES, options={"bf": "0"})
    times = [frame.time for frame in iterate_frames(path)]
    assert len(times) == 30 and times[-1] == pytest.approx(29 / 25, abs=0.01)
    images, times = sample_frames(path, 3)
    assert len(images) == 3 and times[-1] == pytest.approx(29 / 25, abs=0.01)


def test_the_callers_rate_overrules_time_stamps(clip):
    slow = {"type": "video", "path": clip, "fps": 240}
    assert [frame.time for frame in iterate_frames(slow)][-1] == pytest.approx(29 / 240)
    assert probe_video(slow).seconds == pytest.approx(30 / 240, rel=0.05)
    assert sample_frames(slow, 2)[1].tolist() == pytest.approx([0, 29 / 240])


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (49, 33), (101, 7)])
def test_odd_sizes(tmp_path, size):
    frames = np.full((3, *size, 3), 200, dtype=np.uint8)
    path = write_video(tmp_path / "odd.mkv", frames, codec="ffv1", pixels="bgr0")
    assert (probe_video(path).height, probe_video(path).width) == size
    for frame in iterate_frames(path):
        assert frame.image.shape == (*size, 3) and frame.image.min() == frame.image.max() == 200


def test_alpha_shows_white(tmp_path):
    frames = np.zeros((2, 20, 30, 4), dtype=np.uint8)
    frames[:, :, 15:] = (200, 10, 10, 255)
    path = write_video(tmp_path / "alpha.mkv", frames, codec="ffv1", pixels="bgra")
    image = next(iterate_frames(path)).image
    assert image[:, :15].min() == 255 and image[5, 20].tolist() == [200, 10, 10]


def test_pixels_that_are_not_square(tmp_path):
    path = write_video(tmp_path / "wide.mkv", FRAMES[:2], aspect=(4, 3))
    assert (probe_video(path).width, probe_video(path).height) == (85, 48)
    assert next(iterate_frames(path)).image.shape == (48, 85, 3)


def test_large_frames_can_be_scaled_down(clip):
    assert next(iterate_frames(clip, max_side=32)).image.shape == (24, 32, 3)
    assert sample_frames(clip, 2, max_side=32)[0].shape == (2, 24, 32, 3)


def test_pictures_and_arrays(tmp_path):
    import av

    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(12):
        av.VideoFrame.from_ndarray(FRAMES[index], format="rgb24").save(str(folder / f"frame{index}.png"))
    for source in ({"path": folder}, {"path": str(folder)}, {"path": [folder / f"frame{i}.png" for i in range(12)]}):
        part = {**source, "fps": 10}
        frames = list(iterate_frames(part))
        assert [frame.time for frame in frames] == pytest.approx((np.arange(12) / 10).tolist())
        assert [brightness(frame.image) for frame in frames] == sorted(brightness(image) for image in FRAMES[:12])
    assert is_video(folder) and len(list(iterate_frames(part, fps=5))) == 6
    assert probe_video(part).seconds == pytest.approx(1.2) and probe_video(part).codec == "pictures"
    with pytest.raises(VideoFormatError, match='positive "fps"'):
        next(iterate_frames(folder))

    array = {"video": FRAMES, "fps": 25}
    images, times = sample_frames(array, 4)
    assert images.shape == (4, 48, 64, 3) and times.tolist() == pytest.approx([0, 10 / 25, 19 / 25, 29 / 25])
    assert len(list(iterate_frames(array, fps=5))) == 6
    with pytest.raises(VideoFormatError, match="uint8"):
        next(iterate_frames({"video": FRAMES.astype(np.float32), "fps": 25}))
    with pytest.raises(VideoFormatError, match="fps"):
        next(iterate_frames({"video": FRAMES, "fps": 0}))


def test_nothing_is_held(tmp_path):
    """Frames come one by one: the first is there long before the last is decoded."""
    path = write_video(tmp_path / "long.mp4", numbered_frames(200))
    iterator = iterate_frames(path)
    first = next(iterator)
    iterator.close()
    assert first.time == 0


def test_decoding_stops_at_the_limit(tmp_path, clip):
    with pytest.raises(VideoFormatError, match=r"at most 1 s"):
        next(iterate_frames(clip, max_seconds=1))
    # A bare stream does not say its length: frames come until the limit.
    path = write_video(tmp_path / "bare.h264", FRAMES, options={"bf": "0"})
    seen = []
    with pytest.raises(VideoFormatError, match=r"at most 0.5 s"):
        seen.extend(frame.time for frame in iterate_frames(path, max_seconds=0.5))
    with pytest.raises(VideoFormatError, match=r"at most 0.5 s"):
        sample_frames(path, 3, max_seconds=0.5)
    with pytest.raises(VideoFormatError, match="at most 3,000 pixels"):
        next(iterate_frames(clip, max_pixels=3000))
    with pytest.raises(VideoFormatError, match="at most 100 bytes"):
        next(iterate_frames(clip, max_bytes=100))


def test_clear_errors(tmp_path, clip):
    sound = write_sound(tmp_path / "sound.mp4")
    data = Path(clip).read_bytes()
    fake = tmp_path / "fake.mp4"
    fake.write_bytes(b"This is no video at all. " * 100)
    text = tmp_path / "notes.txt"
    text.write_text("hello " * 200)
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXTINF:2,\nfile://{clip}\n#EXT-X-ENDLIST\n")
    concat = tmp_path / "list.ffconcat"
    concat.write_text(f"ffconcat version 1.0\nfile {clip}\n")
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    picture = tmp_path / "picture.png"
    import av

    av.VideoFrame.from_ndarray(FRAMES[0], format="rgb24").save(str(picture))
    (tmp_path / "bare").mkdir()
    cases = [
        (sound, "sound alone"),
        (data[: len(data) // 2], "damaged|not copied completely"),
        (data[:40], "damaged"),
        (str(fake), "fake.mp4: expected a video"),
        (text, "tty"),
        (playlist, "expected a video"),
        (concat, "expected a video"),
        (empty, "an empty file"),
        (b"", "an empty file"),
        (picture, "a single picture"),
        (tmp_path / "missing.mp4", "nothing there"),
        (tmp_path / "bare", "a folder without pictures"),
        ({"path": clip, "bytes": data}, "one of"),
        ({}, "one of"),
        (5, "a path, bytes, pictures, or frames"),
    ]
    for source, message in cases:
        for read in (lambda s: list(iterate_frames(s)), lambda s: sample_frames(s, 2), probe_video):
            with pytest.raises(VideoFormatError, match=message):
                read(source)
    for path in (text, fake.with_suffix(".bvh"), sound.replace("sound", "none"), picture):
        assert not is_video(path)


def test_a_file_that_breaks_off_is_refused(tmp_path):
    # With its index in front, as phones stream it, a part of the file can be decoded.
    path = write_video(tmp_path / "clip.mkv", numbered_frames(200), options={"g": "10"})
    data = Path(path).read_bytes()
    cut = data[: len(data) // 2]
    with pytest.raises(VideoFormatError, match="not copied completely"):
        list(iterate_frames(cut))
    with pytest.raises(VideoFormatError, match="not copied completely"):
        sample_frames(cut, 4)


def test_a_damaged_piece_in_the_middle_is_survived(tmp_path):
    path = write_video(tmp_path / "clip.avi", numbered_frames(120), codec="mpeg4", options={"g": "5"})
    data = bytearray(Path(path).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = b"\x00" * 300
    frames = list(iterate_frames(bytes(data)))
    assert len(frames) > 80 and frames[-1].time > 4


def test_missing_pyav_is_named(monkeypatch, clip):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(VideoFormatError, match=r"pip install 'llamo\[video\]'"):
        probe_video(clip)
