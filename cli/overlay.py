"""A video with the estimated skeleton drawn on its frames."""

import os
import secrets
from pathlib import Path

import numpy as np

from llamo.cli.session import BadInputError


# Landmarks that are joined: (from, to), by side; the person's own left is orange, right blue, the middle white.
LEFT = ((11, 13), (13, 15), (23, 25), (25, 27), (27, 29), (29, 31), (27, 31), (11, 23))
RIGHT = ((12, 14), (14, 16), (24, 26), (26, 28), (28, 30), (30, 32), (28, 32), (12, 24))
MIDDLE = ((11, 12), (23, 24))
BONES = (
    [(bone, (255, 140, 0)) for bone in LEFT]
    + [(bone, (0, 150, 255)) for bone in RIGHT]
    + [(bone, (255, 255, 255)) for bone in MIDDLE]
)
MIN_VISIBILITY = 0.3  # bones with less are drawn thin and pale: they are guessed
QUALITY = {"crf": "20", "preset": "veryfast"}


def write_overlay(source, motion, path: str, progress=None) -> int:
    """Draws the landmarks of an `EstimatedMotion` on the frames that it was made of.

    Args:
        source: the same video as was estimated.
        path: the video to write; replaced only by a whole new one.
        progress: called with the seconds of each frame.

    Returns:
        how many frames were written.

    Raises:
        BadInputError: an ending that FFmpeg has no format for, or a place that cannot be written.
    """
    from fractions import Fraction

    import av

    from llamo.processing.motion_estimation_llamo import MAX_SIDE, MAX_SOURCE_FPS
    from llamo.processing.video_reading_llamo import iterate_frames

    beside = str(Path(path).with_name(f".{secrets.token_hex(4)}.{Path(path).name}"))
    count, stream = 0, None
    try:
        with av.open(beside, "w") as container:
            frames = iterate_frames(source, fps=MAX_SOURCE_FPS, max_side=MAX_SIDE)
            for frame, landmarks in zip(frames, motion.landmarks):
                image = even(frame.image)
                if landmarks is not None:
                    draw_skeleton(image, landmarks)
                if stream is None:
                    stream = container.add_stream("libx264", rate=Fraction(30), options=QUALITY)
                    stream.height, stream.width, stream.pix_fmt = *image.shape[:2], "yuv420p"
                    stream.codec_context.time_base = Fraction(1, 1000)
                picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                picture.pts, picture.time_base = round(frame.time * 1000), Fraction(1, 1000)  # the video's own times
                container.mux(stream.encode(picture))
                count += 1
                if progress is not None:
                    progress(frame.time)
            container.mux(stream.encode())
        os.replace(beside, path)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise BadInputError(
            f"Expected a video to write, got for {path!r}: {error}. "
            "Let it end in .mp4, .mkv or .mov, in a folder that can be written."
        ) from None
    finally:
        Path(beside).unlink(missing_ok=True)
    return count


def even(image: np.ndarray) -> np.ndarray:
    """A copy `(height, width, 3)` without the last row or column where their number is odd, as H.264 wants it."""
    height, width = image.shape[:2]
    return np.ascontiguousarray(image[: max(2, height - height % 2), : max(2, width - width % 2)]).copy()


def draw_skeleton(image: np.ndarray, landmarks: np.ndarray) -> None:
    """Draws into `image` `(height, width, 3)` uint8; `landmarks` `(33, 3)` are x, y as shares of its size, and visibility."""
    height, width = image.shape[:2]
    points = landmarks[:, :2] * [width, height]
    thickness = max(1.5, 0.006 * max(height, width))
    for (start, end), colour in BONES:
        seen = min(landmarks[start, 2], landmarks[end, 2]) >= MIN_VISIBILITY
        draw_line(image, points[start], points[end], colour, thickness if seen else 0.4 * thickness, 1.0 if seen else 0.5)


def draw_line(image: np.ndarray, start: np.ndarray, end: np.ndarray, colour: tuple, thickness: float, opacity: float) -> None:
    """A line with round ends and smooth edges."""
    height, width = image.shape[:2]
    reach = thickness / 2 + 1
    low = np.floor(np.minimum(start, end) - reach).astype(int).clip(0, [width, height])
    high = np.ceil(np.maximum(start, end) + reach + 1).astype(int).clip(0, [width, height])
    if (high <= low).any():
        return
    x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
    along = end - start
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / max(float(along @ along), 1e-9)
    share = share.clip(0, 1)
    distance = np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])
    weight = opacity * (thickness / 2 + 0.5 - distance).clip(0, 1)[..., None]
    part = image[low[1] : high[1], low[0] : high[0]]
    part[:] = (part * (1 - weight) + np.array(colour) * weight).astype(np.uint8)
