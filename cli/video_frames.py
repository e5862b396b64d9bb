"""Frames of a video as small pictures inside a page, with the times at which the motion has the same moment."""

import base64


MAX_FPS, MAX_FRAMES, MAX_SIDE = 12.0, 600, 480
QUALITY = 6  # of FFmpeg's JPEG encoder; 2 is best


def page_frames(source, start: float, seconds: float) -> dict:
    """The frames of a span of a video.

    Args:
        source: a video, as `iterate_frames` takes it.
        start: seconds of the video at which the motion begins.
        seconds: how long the motion is.

    Returns:
        "times" in seconds of the motion, rising, and "images", data URLs of JPEG pictures.
    """
    from llamo.processing.video_reading_llamo import iterate_frames

    fps = min(MAX_FPS, MAX_FRAMES / max(seconds, 1.0))
    times, images = [], []
    part = {key: value for key, value in source.items() if key not in ("person", "box")}
    for frame in iterate_frames(part, fps=fps, max_side=MAX_SIDE):
        time = frame.time - start
        if time > seconds + 1 / fps:
            break
        if time >= -1 / fps:
            times.append(round(max(0.0, time), 3))
            images.append("data:image/jpeg;base64," + base64.b64encode(jpeg(frame.image)).decode("ascii"))
    return {"times": times, "images": images}


def jpeg(image) -> bytes:
    """`(height, width, 3)` uint8 RGB -> a JPEG file."""
    from fractions import Fraction

    import av

    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.height, encoder.width = image.shape[:2]
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    encoder.options = {"qmin": str(QUALITY), "qmax": str(QUALITY)}
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuvj420p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
