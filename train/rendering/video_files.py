"""Frames -> a video file, by PyAV."""

import io
from collections.abc import Iterable
from fractions import Fraction

import numpy as np


# Without its macroblock tree and with a single thread, libx264 gives the same bytes for the same frames each time.
REPEATABLE = {"x264-params": "threads=1:lookahead-threads=1:sync-lookahead=0:mbtree=0"}


def encode_video(frames: np.ndarray, fps: float, crf: int = 28) -> bytes:
    """Frames `(num_frames, height, width, 3)` uint8 RGB as the bytes of an mp4 file, the same each time."""
    buffer = io.BytesIO()
    write_video(buffer, frames, fps, crf=crf, options=REPEATABLE, container_format="mp4")
    return buffer.getvalue()


def write_video(
    path,
    frames,
    fps: float,
    codec: str = "libx264",
    crf: int | None = 23,
    rotation: int | None = None,
    options: dict[str, str] | None = None,
    container_format: str | None = None,
) -> int:
    """Encodes frames; at most one chunk of them is in memory.

    Args:
        path: its ending tells the container, `.mp4` for example; or a file that is open for writing.
        frames: `(num_frames, height, width, 3)` uint8 RGB, or an iterable of such arrays (as `render_chunks` gives).
        fps: frames per second.
        codec: an encoder of FFmpeg.
        crf: quality of libx264, lower is better; None for the codec's own.
        rotation: degrees counter-clockwise that players shall turn the picture by, as phones write it.
        options: further ones of the encoder.
        container_format: FFmpeg's name of the container, for a file without a name.

    Returns:
        how many frames were written.

    Raises:
        ImportError: PyAV is not installed.
        ValueError: no frames.
    """
    import av

    chunks: Iterable[np.ndarray] = [frames] if isinstance(frames, np.ndarray) else frames
    rate = Fraction(fps).limit_denominator(1001)
    count, stream = 0, None
    target = path if hasattr(path, "write") else str(path)
    with av.open(target, "w", format=container_format) as container:
        for chunk in chunks:
            for image in chunk:
                if stream is None:
                    quality = {"crf": str(crf), "preset": "veryfast"} if crf is not None and codec == "libx264" else {}
                    stream = container.add_stream(codec, rate=rate, options={**quality, **(options or {})})
                    stream.height, stream.width = image.shape[:2]
                    even = image.shape[0] % 2 == image.shape[1] % 2 == 0
                    stream.pix_fmt = "yuv420p" if even else "yuv444p"
                    if rotation is not None:
                        stream.set_display_rotation(rotation)
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                container.mux(stream.encode(frame))
                count += 1
        if stream is None:
            raise ValueError(f"Expected frames to write, got none for {target}. Pass at least one.")
        container.mux(stream.encode())
    return count
