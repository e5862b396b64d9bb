# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""One video file -> its decoded frames, upright and in RGB. PyAV (FFmpeg inside the wheel) decodes.

Nothing but the file itself is opened: playlists and the like, which name other files or addresses, are refused.
"""

import importlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .motion_errors_llamo import VideoFormatError


MAX_BYTES = 8 << 30
# What FFmpeg also calls a video: text drawn as a terminal would, and lists of other files.
NO_VIDEOS = ("tty", "hls", "concat", "dash", "imf", "sdp", "rtsp", "lavfi", "bin", "xbin", "adf", "idf")
PICTURES = ("image2", "_pipe")
DAMAGED = "The file is damaged or was not copied completely; copy or record it again."
MAX_DAMAGED_PACKETS = 1_000


def load_av(where: str = "video"):
    """The module av.

    Raises:
        VideoFormatError: it is not installed.
    """
    try:
        return importlib.import_module("av")
    except ImportError:
        raise VideoFormatError(
            "the Python library PyAV, which decodes video",
            "none that can be imported",
            where,
            "Install it with: pip install 'llamo[video]' (or: pip install av).",
        ) from None


class VideoFile:
    """An open video; a context manager.

    Args:
        source (path or `bytes`): the file.
        max_pixels (`int`): height times width at most.
        max_bytes (`int`): size of the file at most.
        is_picture (`bool`): whether a still picture is wanted, and not refused.
        threads (`int`): of the decoder.

    Raises:
        VideoFormatError: nothing there, no video in it, damaged, or beyond a limit.
    """

    def __init__(self, source, max_pixels: int, max_bytes: int = MAX_BYTES, is_picture: bool = False, threads: int = 2):
        self.where = "the bytes given" if isinstance(source, (bytes, bytearray, memoryview)) else str(source)
        self.av = load_av(self.where)
        self.file = _open_file(source, self.where, max_bytes)
        self.container = None
        try:
            self.container = self.av.open(self.file, io_open=_refuse_other_files)
            self._choose_stream(is_picture, threads)
            # Before a frame is decoded: its memory is proportional to this. Some streams tell it with the first frame only.
            self.check_pixels(self.stream.codec_context.width, self.stream.codec_context.height, max_pixels)
        except BaseException as error:
            self.close()
            if isinstance(error, (self.av.error.FFmpegError, OSError)):
                raise self._damaged(error) from None
            raise
        self.max_pixels = max_pixels

    def __enter__(self) -> "VideoFile":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        if self.container is not None:
            self.container.close()
        self.file.close()

    def _choose_stream(self, is_picture: bool, threads: int) -> None:
        names = self.container.format.name.split(",")
        if any(name in NO_VIDEOS for name in names):
            raise VideoFormatError(
                "a video", f"a file of the kind {names[0]}", self.where, "Give the file that holds the frames themselves."
            )
        if not is_picture and any(name.endswith(PICTURES) for name in names):
            raise VideoFormatError(
                "a video",
                "a single picture",
                self.where,
                'Give a video, or a folder or list of pictures with its "fps".',
            )
        covers = self.av.stream.Disposition.attached_pic
        streams = [stream for stream in self.container.streams.video if not stream.disposition & covers]
        if not streams:
            kinds = sorted({stream.type for stream in self.container.streams}) or ["nothing"]
            got = "sound alone" if "audio" in kinds else f"a file with {' and '.join(kinds)}"
            raise VideoFormatError("a video", got, self.where, "Give a file with pictures in it.")
        best = self.container.streams.best("video")
        self.stream = best if best in streams else streams[0]
        if self.stream.codec_context is None:
            raise VideoFormatError(
                "a codec that FFmpeg decodes", "another", self.where, "Convert the video to H.264 in an .mp4 file."
            )
        self.stream.codec_context.thread_type = "AUTO"
        self.stream.codec_context.thread_count = threads

    def check_pixels(self, width: int, height: int, max_pixels: int) -> None:
        if width * height > max_pixels:
            raise VideoFormatError(
                f"frames of at most {max_pixels:,} pixels",
                f"{width} x {height}",
                self.where,
                "Scale the video down, or raise `max_pixels`.",
            )

    def _damaged(self, error: Exception) -> VideoFormatError:
        return VideoFormatError("a video that can be decoded", f"an error ({_reason(error)})", self.where, DAMAGED)

    @property
    def codec(self) -> str:
        return self.stream.codec_context.name

    @property
    def fps(self) -> float | None:
        """The mean rate that the file states."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return float(rate) if rate else None

    @property
    def seconds(self) -> float | None:
        """The length that the file states, of its pictures where it says so."""
        if self.stream.duration and self.stream.time_base:
            return float(self.stream.duration * self.stream.time_base)
        if self.container.duration:
            return self.container.duration / self.av.time_base
        return None

    @property
    def is_length_of_pictures(self) -> bool:
        """Whether `seconds` is the length of the pictures, and not of a longer sound track."""
        return bool(self.stream.duration) or len(self.container.streams) == 1

    def packets(self) -> Iterator:
        """The stream's packets; a file that breaks off ends there."""
        packets = self.container.demux(self.stream)
        while True:
            try:
                yield next(packets)
            except StopIteration:
                return
            except (self.av.error.FFmpegError, OSError):
                return

    def frames(self) -> Iterator:
        """Decoded frames in the order they are shown. What is damaged is left out.

        Raises:
            VideoFormatError: no frame at all, or hardly any, can be decoded.
        """
        decoded, damaged, last = 0, 0, None
        for packet in self.packets():
            try:
                frames = packet.decode()
            except (self.av.error.FFmpegError, OSError) as error:
                damaged, last = damaged + 1, error
                if damaged > MAX_DAMAGED_PACKETS:
                    break
                continue
            for frame in frames:
                self.check_pixels(frame.width, frame.height, self.max_pixels)
                decoded += 1
                yield frame
        if decoded == 0:
            if last is not None:
                raise self._damaged(last)
            raise VideoFormatError("a video with frames", "none", self.where, DAMAGED)
        if damaged > max(10, decoded):
            raise VideoFormatError(
                "a video that can be decoded", f"{damaged} damaged pieces and {decoded} frames", self.where, DAMAGED
            )

    def upright_size(self, frame) -> tuple[int, int]:
        """Width and height of a frame as it is shown: turned, with square pixels."""
        width, height = self._square_size(frame)
        return (height, width) if orientation(frame)[0] else (width, height)

    def _square_size(self, frame) -> tuple[int, int]:
        ratio = self.stream.sample_aspect_ratio
        width = frame.width if not ratio or not 0.2 < ratio < 5 else max(1, round(frame.width * float(ratio)))
        return width, frame.height

    def to_rgb(self, frame, max_side: int | None = None) -> np.ndarray:
        """`(height, width, 3)` uint8 RGB, upright, with square pixels; what is transparent becomes white.

        Args:
            max_side (`int`, *optional*): larger frames are scaled down so that neither side is longer.
        """
        width, height = self._square_size(frame)
        if max_side is not None and max(width, height) > max_side:
            scale = max_side / max(width, height)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        has_alpha = any(component.is_alpha for component in frame.format.components) or frame.format.name == "pal8"
        image = frame.to_ndarray(format="rgba" if has_alpha else "rgb24", width=width, height=height)
        if has_alpha:
            alpha = image[..., 3:].astype(np.uint16)
            image = ((image[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
        swap, flip_x, flip_y = orientation(frame)
        if swap:
            image = image.transpose(1, 0, 2)
        return np.ascontiguousarray(image[:: -1 if flip_y else 1, :: -1 if flip_x else 1])


def orientation(frame) -> tuple[bool, bool, bool]:
    """How the display matrix of a phone turns a frame: swap the axes, then flip x, then flip y. Mirrors are kept.

    The matrix sends (x, y), y down, to (a x + c y, b x + d y); QuickTime File Format, "Matrices". It is taken as the
    nearest quarter turn.
    """
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d = np.frombuffer(bytes(data), dtype=np.int32)[:5].tolist()
            if abs(a) + abs(d) >= abs(b) + abs(c):
                return False, a < 0, d < 0
            return True, c < 0, b < 0
    return False, False, False


def rotation(frame) -> int:
    """Degrees that the frame is turned counter-clockwise to stand upright: 0, 90, 180 or 270."""
    swap, flip_x, flip_y = orientation(frame)
    if swap:
        return 270 if flip_x else 90
    return 180 if flip_x and flip_y else 0


def _open_file(source, where: str, max_bytes: int):
    """A readable binary file object of a path or of bytes, its size checked."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        size, opener = len(source), lambda: io.BytesIO(source)
    else:
        try:
            path = Path(os.fspath(source))
        except TypeError:
            raise VideoFormatError(
                "a path or the bytes of a video", f"{type(source).__name__}", "the video", "Pass a str, a Path or bytes."
            ) from None
        try:
            status = path.stat()
        except FileNotFoundError:
            raise VideoFormatError("a file", "nothing there", where, "Check the path and its spelling.") from None
        except (OSError, ValueError) as error:
            raise VideoFormatError("a readable file", _reason(error), where, "Check the path and its permissions.") from None
        if not stat.S_ISREG(status.st_mode):
            raise VideoFormatError("a regular file", "a device or a pipe", where, "Save the video to a file first.")
        size, opener = status.st_size, lambda: path.open("rb")
    if size == 0:
        raise VideoFormatError("a video", "an empty file", where, "Copy or record it again.")
    if size > max_bytes:
        raise VideoFormatError(
            f"at most {max_bytes:,} bytes", f"{size:,}", where, "Cut or compress the video, or raise `max_bytes`."
        )
    try:
        return opener()
    except OSError as error:
        raise VideoFormatError("a readable file", _reason(error), where, "Check the path and its permissions.") from None


def _refuse_other_files(url, flags, options):
    raise PermissionError("the file names other files, which are not opened")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
