# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Videos of any kind -> upright RGB frames with their times; never more than a few frames are held.

>>> for frame in iterate_frames("clip.mp4", fps=30):
...     frame.time, frame.image  # seconds from the first frame; (height, width, 3) uint8

A source is a path, the bytes of a whole file, a folder or list of pictures, or a chat part: `{"path": ...}`, `{"bytes": ...}`
or `{"video": frames (num_frames, height, width, 3) uint8, "fps": ...}`. Pictures and arrays need "fps"; beside a file, "fps"
overrules its time stamps (a slow-motion video that was recorded at 240 frames per second and plays at 30).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .motion_errors_llamo import VideoFormatError
from .video_decoding_llamo import MAX_BYTES, VideoFile, rotation
from .video_source_llamo import VideoSource, check_fps, is_video, tell_source


__all__ = ["VideoFormatError", "VideoFrame", "VideoInfo", "is_video", "iterate_frames", "probe_video", "sample_frames"]

MAX_SECONDS = 1800.0
MAX_PIXELS = 8192 * 4320
MAX_FRAMES = 1_000_000  # over an hour at 240 frames per second
# A video is cut off where it ends this much before the length that it states, as a share and in seconds.
MISSING_SHARE, MISSING_SECONDS = 0.1, 1.0


@dataclass(frozen=True)
class VideoInfo:
    """What a video says about itself.

    Attributes:
        path (`str`): where it is from.
        width, height (`int`): as shown: turned upright, with square pixels.
        fps (`float`, *optional*): mean frames per second.
        seconds (`float`, *optional*): length; None where the file does not say it.
        codec (`str`): FFmpeg's name; "pictures" or "array" for those.
        rotation (`int`): degrees, counter-clockwise, that frames are turned to stand upright: 0, 90, 180, 270.
    """

    path: str
    width: int
    height: int
    fps: float | None
    seconds: float | None
    codec: str
    rotation: int = 0


@dataclass(frozen=True)
class VideoFrame:
    """A frame.

    Attributes:
        time (`float`): seconds since the first frame, by the video's own time stamps.
        image (`np.ndarray` of shape `(height, width, 3)`): uint8, RGB, upright.
    """

    time: float
    image: np.ndarray


def probe_video(source, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> VideoInfo:
    """What a video says about itself; its first frame is decoded.

    Raises:
        VideoFormatError: what cannot be read as a video, or is larger than a limit.
    """
    told = tell_source(source)
    if told.file is None:
        height, width, _ = _still(told, 0, max_pixels, None).shape
        kind = "pictures" if told.array is None else "array"
        return VideoInfo(told.where, width, height, told.fps, told.num_stills / told.fps, kind)
    with VideoFile(told.file, max_pixels, max_bytes) as video:
        frame = next(video.frames())
        width, height = video.upright_size(frame)
        fps, seconds = video.fps, video.seconds
        if told.fps is not None:
            seconds = seconds * fps / told.fps if seconds and fps else None
            fps = told.fps
        return VideoInfo(video.where, width, height, fps, seconds, video.codec, rotation(frame))


def iterate_frames(
    source,
    fps: float | None = None,
    max_seconds: float = MAX_SECONDS,
    max_pixels: int = MAX_PIXELS,
    max_side: int | None = None,
    max_bytes: int = MAX_BYTES,
    threads: int = 2,
) -> Iterator[VideoFrame]:
    """Frames one after the other, as they are shown.

    Args:
        source: see the head of this file.
        fps (`float`, *optional*): at most that many frames a second; the others are decoded but not converted.
        max_seconds (`float`): a longer video is refused; decoding stops there.
        max_pixels (`int`): height times width; larger frames are refused.
        max_side (`int`, *optional*): larger frames are scaled down while they are converted.
        max_bytes (`int`): larger files are refused.
        threads (`int`): of the decoder.

    Raises:
        VideoFormatError: what cannot be read as a video, is cut off, or is larger than a limit.
    """
    told = tell_source(source)
    if fps is not None:
        check_fps(fps, "fps")
    if told.file is None:
        yield from _still_frames(told, max_pixels, max_side, max_seconds, fps)
        return
    with VideoFile(told.file, max_pixels, max_bytes, threads=threads) as video:
        _check_length(video.seconds if told.fps is None else None, max_seconds, video.where)
        due, end = 0.0, 0.0
        for time, frame in _timed(video, told.fps):
            _check_length(time, max_seconds, video.where)
            end = time + _duration(frame)
            if fps is None or time >= due:
                due = _next_due(time, fps)
                yield VideoFrame(time, video.to_rgb(frame, max_side))
        if told.fps is None:
            _check_complete(video, end)


def sample_frames(
    source, num: int, max_seconds: float = MAX_SECONDS, max_pixels: int = MAX_PIXELS, max_side: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """`num` frames, evenly over the time from the first to the last; a shorter video gives all it has.

    Where the file tells when its frames are shown, only the pieces between key frames that hold wanted frames are decoded.

    Returns:
        images `(n, height, width, 3)` uint8 and times `(n,)` in seconds.

    Raises:
        VideoFormatError: as `iterate_frames`.
    """
    if num < 1:
        raise VideoFormatError("at least one frame to take", f"{num}", "num", "Pass a positive number of frames.")
    told = tell_source(source)
    if told.file is not None:
        frames = _sample_file(told, num, max_seconds, max_pixels, max_side)
    else:
        _check_length((told.num_stills - 1) / told.fps, max_seconds, told.where)
        chosen = np.linspace(0, told.num_stills - 1, min(num, told.num_stills)).round().astype(np.int64).tolist()
        frames = [VideoFrame(index / told.fps, _still(told, index, max_pixels, max_side)) for index in chosen]
    images = [frame.image for frame in frames]
    if len({image.shape for image in images}) > 1:
        raise VideoFormatError("frames of one size", "several sizes", told.where, "Convert the video to one size.")
    return np.stack(images), np.array([frame.time for frame in frames])


def _check_length(seconds: float | None, max_seconds: float, where: str) -> None:
    if seconds is not None and seconds > max_seconds:
        raise VideoFormatError(
            f"at most {max_seconds:g} s of video", f"{seconds:.1f} s or more", where, "Cut the video, or raise `max_seconds`."
        )


def _check_complete(video: VideoFile, end: float) -> None:
    """Refuses a file whose frames end long before the length that it states: it was not copied completely."""
    stated = video.seconds
    share = MISSING_SHARE if video.is_length_of_pictures else 0.5
    if stated and stated - end > max(MISSING_SECONDS, share * stated):
        raise VideoFormatError(
            f"{stated:.1f} s of video, as the file says",
            f"{end:.1f} s",
            video.where,
            "The file was not copied completely or is damaged; copy it again, or cut out the part that is there.",
        )


def _duration(frame) -> float:
    return float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0


def _next_due(time: float, fps: float | None) -> float:
    """When the next frame is wanted: on a grid, so that the mean rate is right; a tenth of a step early is early enough."""
    return 0.0 if fps is None else (np.floor(time * fps + 0.1) + 1 - 0.1) / fps


def _timed(video: VideoFile, fps: float | None) -> Iterator[tuple[float, object]]:
    """Frames with seconds since the first one; times never fall. `fps` overrules the time stamps."""
    first, last = None, -1.0
    for index, frame in enumerate(video.frames()):
        if index >= MAX_FRAMES:
            raise VideoFormatError(f"at most {MAX_FRAMES:,} frames", "more", video.where, "Cut the video.")
        if fps is not None:
            yield index / fps, frame
            continue
        if frame.pts is None or frame.time_base is None:  # bare streams have no time stamps
            time = index / (video.fps or 25.0)
        else:
            stamp = float(frame.pts * frame.time_base)
            first = stamp if first is None else first
            time = stamp - first
        if time <= last:  # damaged or repeated
            continue
        last = time
        yield time, frame


def _still_frames(
    told: VideoSource, max_pixels: int, max_side: int | None = None, max_seconds: float = np.inf, fps: float | None = None
) -> Iterator[VideoFrame]:
    """Frames of pictures or of an array; of pictures only those that are wanted are read."""
    _check_length((told.num_stills - 1) / told.fps, max_seconds, told.where)
    due = 0.0
    for index in range(told.num_stills):
        time = index / told.fps
        if fps is None or time >= due:
            due = _next_due(time, fps)
            yield VideoFrame(time, _still(told, index, max_pixels, max_side))


def _still(told: VideoSource, index: int, max_pixels: int, max_side: int | None) -> np.ndarray:
    if told.array is not None:
        return told.array[index]
    with VideoFile(told.pictures[index], max_pixels, is_picture=True, threads=1) as picture:
        return picture.to_rgb(next(picture.frames()), max_side)


def _sample_file(told: VideoSource, num: int, max_seconds: float, max_pixels: int, max_side: int | None) -> list[VideoFrame]:
    with VideoFile(told.file, max_pixels) as video:
        _check_length(video.seconds if told.fps is None else None, max_seconds, video.where)
        wanted = None if told.fps is not None else _wanted_packets(video, num, max_seconds)
    if wanted:
        frames = _decode_wanted(told, wanted, max_pixels, max_side)
        if frames:
            return frames
    # No time stamps in the packets, or damage: count first, then take.
    limits = {"max_seconds": max_seconds, "max_pixels": max_pixels}
    times = _frame_times(told, **limits)
    chosen = set(np.unique(np.linspace(0, len(times) - 1, min(num, len(times))).round().astype(np.int64)).tolist())
    frames = []
    with VideoFile(told.file, max_pixels) as video:
        for index, (time, frame) in enumerate(_timed(video, told.fps)):
            if index in chosen:
                frames.append(VideoFrame(time, video.to_rgb(frame, max_side)))
    return frames


def _frame_times(told: VideoSource, max_seconds: float, max_pixels: int) -> list[float]:
    """Seconds of all frames, by decoding them."""
    times = []
    with VideoFile(told.file, max_pixels) as video:
        for time, _ in _timed(video, told.fps):
            _check_length(time, max_seconds, video.where)
            times.append(time)
    return times


def _wanted_packets(video: VideoFile, num: int, max_seconds: float) -> dict | None:
    """Which frames to take, by the time stamps of packets; nothing is decoded.

    Returns:
        "first" (stamp of the first frame), "stamps" (of those to take) and "groups" (numbers of the pieces, each from a key
        frame to the next, that have to be decoded for them); None where packets have no stamps.
    """
    stamps, group_of, group_starts, end = [], [], [], 0
    for packet in video.packets():
        if packet.size == 0:
            continue
        if packet.pts is None:
            return None
        if packet.is_keyframe or not group_starts:
            group_starts.append(packet.pts)
        if not packet.is_discard:  # what an editor has cut off stays in the file and is not shown
            stamps.append(packet.pts)
            group_of.append(len(group_starts) - 1)
            end = max(end, packet.pts + (packet.duration or 0))
    if not stamps:
        return None
    order = np.argsort(stamps, kind="stable")
    sorted_stamps = np.asarray(stamps, dtype=np.int64)[order]
    first, last = int(sorted_stamps[0]), int(sorted_stamps[-1])
    base = float(video.stream.time_base)
    _check_length((last - first) * base, max_seconds, video.where)
    _check_complete(video, (end - first) * base)
    moments = np.linspace(first, last, num)
    after = np.clip(np.searchsorted(sorted_stamps, moments), 1, max(1, len(stamps) - 1))
    before = after - 1
    after = np.minimum(after, len(stamps) - 1)
    nearest = np.where(moments - sorted_stamps[before] <= sorted_stamps[after] - moments, before, after)
    picked = order[np.unique(nearest)]
    groups = set()
    for index in picked:
        group = group_of[index]
        groups.add(group)
        if stamps[index] < group_starts[group]:  # shown before its key frame: it leans on the piece before, too
            groups.add(max(0, group - 1))
    return {"first": first, "stamps": {stamps[index] for index in picked}, "groups": groups}


def _decode_wanted(told: VideoSource, wanted: dict, max_pixels: int, max_side: int | None) -> list[VideoFrame]:
    """The frames that `_wanted_packets` has picked, as far as they can be decoded."""
    frames: dict[int, VideoFrame] = {}
    with VideoFile(told.file, max_pixels) as video:
        base, decoder = float(video.stream.time_base), video.stream.codec_context

        def take(decoded) -> None:
            for frame in decoded:
                if frame.pts in wanted["stamps"] and frame.pts not in frames:
                    video.check_pixels(frame.width, frame.height, max_pixels)
                    frames[frame.pts] = VideoFrame((frame.pts - wanted["first"]) * base, video.to_rgb(frame, max_side))

        group, is_open = -1, False
        for packet in video.packets():
            if packet.is_keyframe or (group < 0 and packet.size):
                group += 1
            needed = group in wanted["groups"] and packet.size > 0
            try:
                if needed:
                    take(decoder.decode(packet))
                elif is_open:
                    take(decoder.decode(None))
                    decoder.flush_buffers()
            except (video.av.error.FFmpegError, OSError):
                decoder.flush_buffers()
            is_open = needed
            if len(frames) == len(wanted["stamps"]):
                break
    return [frames[stamp] for stamp in sorted(frames)]
