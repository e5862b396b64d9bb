"""Tiny videos that tests encode themselves."""

import av
import numpy as np


def numbered_frames(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Frames `(count, height, width, 3)`: a white top left quarter, and a grey level that rises with the frame's number."""
    frames = np.zeros((count, height, width, 3), dtype=np.uint8)
    frames += (20 + (np.arange(count) * 160 // max(count - 1, 1))).astype(np.uint8)[:, None, None, None]
    frames[:, : height // 2, : width // 2] = 255
    return frames


def write_video(
    path,
    frames: np.ndarray,
    fps: int = 25,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    stamps: list[int] | None = None,
    rotation: int | None = None,
    matrix: list[int] | None = None,
    options: dict | None = None,
    aspect: tuple[int, int] | None = None,
) -> str:
    """Encodes `frames` `(num_frames, height, width, 3 or 4)` uint8.

    Args:
        stamps: milliseconds of each frame, instead of an even rate.
        rotation, matrix: of the display, as phones write it.
    """
    from fractions import Fraction

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pixels
        if aspect is not None:
            stream.sample_aspect_ratio = Fraction(*aspect)
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for index, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24" if image.shape[-1] == 3 else "rgba")
            if stamps is not None:
                frame.pts, frame.time_base = stamps[index], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return str(path)


def write_sound(path, seconds: float = 0.5) -> str:
    """A file with sound alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        for _ in range(int(seconds * 16000) // 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate = 16000
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return str(path)
