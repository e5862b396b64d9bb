# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""The part of a video that its motion covers, as a small film for a page: any browser plays it, and its time is the motion's.

Encoded anew from decoded frames: whatever else was in the file (sound, places, other streams) stays behind.
"""

import os
from fractions import Fraction

import numpy as np

from .motion_errors_llamo import VideoFormatError
from .motion_estimation_llamo import MAX_SOURCE_FPS
from .video_decoding_llamo import load_av
from .video_reading_llamo import iterate_frames


MAX_FILM_SIDE = 640  # pixels
CLOCK = Fraction(1, 1000)
# A picture that needs no other twelve frames apart, and none that needs a later one: a page jumps to any time at once.
ENCODER = {"preset": "veryfast", "crf": "26", "bf": "0", "g": "12"}


def write_film(source, path: str | os.PathLike, start: float, seconds: float, max_side: int = MAX_FILM_SIDE) -> int:
    """Writes H.264 in MP4, without sound. Its frames are those that the Motion Estimator looks at.

    Args:
        source: a video, as `iterate_frames` takes it.
        path: the film, in a folder that is there.
        start (`float`): seconds on the video's clock at which the motion, and the film, begins.
        seconds (`float`): how long the motion is.
        max_side (`int`): larger frames are scaled down.

    Returns:
        how many frames were written.

    Raises:
        VideoFormatError: what cannot be read as a video, no frame in that span, or a place that cannot be written.
    """
    av = load_av(str(path))
    count, stream = 0, None
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
            for frame in iterate_frames(source, fps=MAX_SOURCE_FPS, max_side=max_side):
                stamp = round((frame.time - start) * 1000)
                if stamp > 1000 * seconds + 500 / MAX_SOURCE_FPS:
                    break
                if stamp < 0:
                    continue
                image = even(frame.image)
                if stream is None:
                    stream = container.add_stream("libx264", rate=Fraction(30), options=ENCODER)
                    stream.height, stream.width, stream.pix_fmt = *image.shape[:2], "yuv420p"
                    stream.codec_context.time_base = CLOCK
                picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                picture.pts, picture.time_base = stamp, CLOCK
                container.mux(stream.encode(picture))
                count += 1
            if stream is None:
                raise VideoFormatError(
                    "frames of the motion", f"none from {start:.1f} s on", str(path), "Give the video that it is of."
                )
            container.mux(stream.encode())
    except BaseException as error:
        if os.path.exists(path):
            os.unlink(path)
        if isinstance(error, (av.error.FFmpegError, OSError)) and not isinstance(error, VideoFormatError):
            remedy = "Name a file in a folder that can be written."
            raise VideoFormatError("a film that can be written", f"an error ({error})", str(path), remedy) from None
        raise
    return count


def even(image: np.ndarray) -> np.ndarray:
    """`(height, width, 3)` without the last row or column where their number is odd, as H.264 wants it."""
    height, width = image.shape[:2]
    return np.ascontiguousarray(image[: max(2, height - height % 2), : max(2, width - width % 2)])


__all__ = ["write_film"]
