"""The film that a page shows beside an estimated motion, and where the person is in its frames."""

import base64

import av
import numpy as np
import pytest
from demo_samples import FilmedPerson
from video_samples import numbered_frames, write_sound, write_video

from llamo.processing.motion_errors_llamo import VideoFormatError
from llamo.processing.video_film_llamo import write_film
from llamo.processing.video_motion_llamo import VideoMotions, read_cached, write_cached
from llamo.processing.viewer_data_llamo import POINT_STEPS, build_payload, view_motion


def decoded(path):
    """Times in seconds and frames of a film, and kinds of its streams."""
    with av.open(str(path)) as container:
        kinds = [stream.type for stream in container.streams]
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    return [time for time, _ in frames], [image for _, image in frames], kinds


@pytest.fixture(scope="module")
def person() -> FilmedPerson:
    return FilmedPerson(num_frames=12, size=(48, 64))


@pytest.fixture
def clip(tmp_path) -> str:
    return write_video(tmp_path / "clip.mp4", numbered_frames(50, 120, 160))  # 2 s at 25 frames per second


def test_a_film_is_the_span_of_the_motion_on_its_clock(clip, tmp_path):
    assert write_film({"path": clip}, tmp_path / "film.mp4", start=0.4, seconds=1.0) == 26
    times, images, kinds = decoded(tmp_path / "film.mp4")
    assert times == pytest.approx(np.arange(26) / 25, abs=1e-3) and kinds == ["video"]
    grey = [image[90:, 90:].mean() for image in images]
    assert grey == pytest.approx([20 + 160 * (10 + number) / 49 for number in range(26)], abs=4), "frame by frame"
    with av.open(str(tmp_path / "film.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264" and stream.codec_context.pix_fmt == "yuv420p"
        packets = [packet for packet in container.demux(stream) if packet.size]
    keys = [number for number, packet in enumerate(packets) if packet.is_keyframe] + [len(packets)]
    assert keys[0] == 0 and np.diff(keys).max() <= 12, "a page can jump to any time at once"
    assert all(packet.pts == packet.dts for packet in packets)
    content = (tmp_path / "film.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it plays before all of it has come"


def test_what_else_is_in_a_video_stays_behind(tmp_path):
    """Sound, upside-down storage, odd and large sizes, other rates."""
    frames = numbered_frames(12, 75, 101)
    turned = write_video(tmp_path / "turned.mp4", frames[:, :74, :100], rotation=90)
    assert write_film({"path": turned}, tmp_path / "film.mp4", 0.0, 0.44) == 12
    _, images, _ = decoded(tmp_path / "film.mp4")
    assert images[0].shape == (100, 74, 3)
    write_film({"video": frames, "fps": 60}, tmp_path / "odd.mp4", 0.0, 0.2)
    times, images, _ = decoded(tmp_path / "odd.mp4")
    assert images[0].shape == (74, 100, 3) and len(times) < 8, "no more frames than the estimator looks at"
    large = write_video(tmp_path / "large.mp4", numbered_frames(3, 360, 1280))
    write_film({"path": large}, tmp_path / "small.mp4", 0.0, 0.1)
    assert decoded(tmp_path / "small.mp4")[1][0].shape == (180, 640, 3)


def test_what_cannot_be_a_film_is_said_and_leaves_nothing(clip, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    for source, start, message in (
        ({"path": clip}, 9.0, "none from 9.0 s on"),
        ({"path": write_sound(tmp_path / "sound.mp4")}, 0.0, "sound alone"),
        ({"path": str(tmp_path / "none.mp4")}, 0.0, "nothing there"),
    ):
        with pytest.raises(VideoFormatError, match=message):
            write_film(source, folder / "film.mp4", start, 1.0)
        assert not any(folder.iterdir())
    with pytest.raises(VideoFormatError, match="film that can be written"):
        write_film({"path": clip}, tmp_path / "no" / "film.mp4", 0.0, 1.0)


def test_a_motion_out_of_a_video_says_where_the_person_was(person, tmp_path):
    video = person.write(tmp_path / "squats.mp4")
    videos = VideoMotions(estimator=person)
    motion = videos.read(video)
    assert motion.landmarks.shape == (12, 33, 3) and motion.times == pytest.approx(np.arange(12) / 20, abs=1e-3)
    np.testing.assert_allclose(motion.landmarks, person.landmarks, atol=2e-3)
    assert videos.read(video) is motion and len(person.asked) == 1
    videos.forget()
    videos.max_seconds = 0.3
    with pytest.raises(VideoFormatError, match=r"at most 0\.3 s"):
        videos.read(video)
    assert videos.film(video, motion, tmp_path / "film.mp4") == 12


def test_it_is_kept_on_disk_and_older_files_are_read(person, tmp_path):
    motion = VideoMotions(estimator=person).read(person.write(tmp_path / "squats.mp4"))
    motion.landmarks[3] = np.nan
    write_cached(tmp_path / "kept.npz", motion)
    kept = read_cached(tmp_path / "kept.npz")
    np.testing.assert_array_equal(kept.landmarks, motion.landmarks)
    np.testing.assert_array_equal(kept.times, motion.times)
    with np.load(tmp_path / "kept.npz") as arrays:
        older = {name: arrays[name] for name in ("joints", "contacts", "told")}
    np.savez(tmp_path / "older.npz", **older)
    assert read_cached(tmp_path / "older.npz").landmarks.shape == (0, 33, 3)


def test_the_viewer_gets_lines_between_points_on_the_motions_clock(person, tmp_path):
    motion = VideoMotions(estimator=person).read(person.write(tmp_path / "squats.mp4"))
    motion.landmarks[5] = np.nan
    motion.start = 0.1  # as if the person were steadily seen from the third frame on
    (sent,) = build_payload([view_motion(motion, "squats.mp4")])["motions"]
    seen = sent["video"]["seen"]
    assert seen["times"] == pytest.approx(np.arange(10) / 20, abs=1e-3)
    points = np.frombuffer(base64.b64decode(seen["points"]), "<i2").reshape(10, -1, 3)
    assert points.shape[1] == 16 and (points[3, :, 2] == -1).all() and (np.delete(points, 3, 0)[..., 2] > 9000).all()
    knees = person.landmarks[2, [25, 26], :2]  # BlazePose's knees
    found = {side: points[0, max(start, end), :2] for start, end, side in seen["lines"] if {start, end} <= {6, 7, 8, 9}}
    np.testing.assert_allclose(found["left"] / POINT_STEPS, knees[0], atol=2e-3)
    np.testing.assert_allclose(found["right"] / POINT_STEPS, knees[1], atol=2e-3)
    assert {side for *_, side in seen["lines"]} == {"left", "right", "trunk"}
    motion.landmarks = motion.landmarks[:0]
    assert "video" not in build_payload([view_motion(motion, "squats.mp4")])["motions"][0]
