# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""What a video can be given as: a path, bytes, pictures, an array, or a chat part with one of them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .motion_errors_llamo import VideoFormatError


PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm")
VIDEO_ENDINGS = (
    ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2v", ".vob", ".ts", ".mts",
    ".m2ts", ".wmv", ".flv", ".f4v", ".ogv", ".gif", ".mxf", ".dv", ".y4m", ".h264", ".264", ".h265", ".hevc",
    ".ivf", ".mjpeg", ".mjpg", ".apng",
)  # fmt: skip


@dataclass(frozen=True)
class VideoSource:
    """A source, told apart: one of `file`, `pictures` and `array` is set.

    Attributes:
        where (`str`): for messages.
        file (`Path` or `bytes`, *optional*): a video file.
        pictures (`tuple[str, ...]`): paths of pictures in order.
        array (`np.ndarray` of shape `(num_frames, height, width, 3)`, *optional*): uint8 frames.
        fps (`float`, *optional*): what the caller says; always there with pictures and arrays.
    """

    where: str
    file: object = None
    pictures: tuple[str, ...] = ()
    array: np.ndarray | None = None
    fps: float | None = None

    @property
    def num_stills(self) -> int:
        """How many pictures or frames in memory there are."""
        return len(self.pictures) if self.array is None else len(self.array)


def is_video(source) -> bool:
    """Whether a path or bytes look like a video file, by their first bytes and then by the ending. Nothing is decoded."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _has_video_head(bytes(source[:400]))
    try:
        path = Path(os.fspath(source))
        if path.is_dir():
            return any(file.suffix.lower() in PICTURE_ENDINGS for file in path.iterdir())
        with path.open("rb") as file:
            head = file.read(400)
    except (OSError, TypeError, ValueError):
        return False
    return _has_video_head(head) or path.suffix.lower() in VIDEO_ENDINGS


def _has_video_head(head: bytes) -> bool:
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") and head[8:12] not in (b"avif", b"heic", b"mif1"):
        return True
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return True
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:  # MPEG transport stream
        return True
    starts = (
        b"\x1aE\xdf\xa3",
        b"FLV\x01",
        b"\x00\x00\x01\xba",
        b"\x00\x00\x01\xb3",
        b"\x30\x26\xb2\x75",
        b"GIF8",
        b"YUV4MPEG2",
    )
    return head.startswith(starts) or (head[:4] == b"OggS" and b"theora" in head[:64])


def tell_source(source) -> VideoSource:
    """What kind of source this is.

    Raises:
        VideoFormatError: none that is known, or pictures or an array without a rate.
    """
    fps = None
    if isinstance(source, dict):
        fps = source.get("fps")
        given = [key for key in ("path", "bytes", "video") if source.get(key) is not None]
        if len(given) != 1:
            raise VideoFormatError(
                'one of "path", "bytes" and "video"',
                f"{given or 'none'}",
                "video part",
                'Write {"type": "video", "path": "clip.mp4"}.',
            )
        source = source[given[0]]
    if fps is not None:
        fps = check_fps(fps, '"fps" of the video')
    if isinstance(source, (bytes, bytearray, memoryview)):
        return VideoSource("the bytes given", file=bytes(source), fps=fps)
    if isinstance(source, (list, tuple)) and source and isinstance(source[0], (str, os.PathLike)):
        return VideoSource(str(source[0]), pictures=tuple(str(path) for path in source), fps=_need_fps(fps, str(source[0])))
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if not path.is_dir():
            return VideoSource(str(path), file=path, fps=fps)
        pictures = sorted((str(file) for file in path.iterdir() if file.suffix.lower() in PICTURE_ENDINGS), key=_natural)
        if not pictures:
            raise VideoFormatError(
                "a video, or a folder of pictures",
                "a folder without pictures",
                str(path),
                f"Give a video file, or put pictures ({', '.join(PICTURE_ENDINGS)}) into the folder.",
            )
        return VideoSource(str(path), pictures=tuple(pictures), fps=_need_fps(fps, str(path)))
    try:
        array = np.asarray(source)
    except (ValueError, TypeError):
        array = np.empty(0, dtype=object)
    if array.ndim != 4 or array.shape[-1] != 3 or array.dtype != np.uint8 or array.size == 0:
        raise VideoFormatError(
            "a path, bytes, pictures, or frames (num_frames, height, width, 3) of type uint8",
            f"{array.shape} of {array.dtype}",
            "video",
            "Convert frames to RGB with values from 0 to 255.",
        )
    return VideoSource("the frames given", array=array, fps=_need_fps(fps, "the frames given"))


def _natural(name: str) -> list:
    """Sorts frame2 before frame10."""
    return [int(piece) if piece.isdigit() else piece for piece in re.split(r"(\d+)", name)]


def check_fps(fps, where: str) -> float:
    """`fps` as a float.

    Raises:
        VideoFormatError: no positive number.
    """
    if isinstance(fps, bool) or not (isinstance(fps, (int, float, np.number)) and np.isfinite(fps) and fps > 0):
        raise VideoFormatError("a positive number of frames per second", f"{fps!r}", where, 'Pass for example "fps": 30.')
    return float(fps)


def _need_fps(fps: float | None, where: str) -> float:
    if fps is None:
        raise VideoFormatError(
            'a positive "fps" beside pictures or frames',
            "none",
            where,
            'Write {"video": frames, "fps": 30} or {"path": folder, "fps": 30}.',
        )
    return fps
