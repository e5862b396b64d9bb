"""Motion and video files: read, and reported on as `llamo ask --json` does. A video's motion is estimated."""

import functools
from typing import Any

from llamo.cli.session import BadInputError, check_files, file_report, is_video_file, unreadable


# What the user may say that is about videos alone.
VIDEO_WORDS = ("person", "box")
PROGRESS = "estimating the motion"


def read_file(path: str, said: dict | None = None, model: str = "llamo") -> tuple[Any, dict]:
    """Reads one motion, or estimates that of a video.

    Args:
        path: the file; or a folder of pictures.
        said: what the user says about it: as `read_motion` takes it, and of a video "fps", "person" and "box".
        model: the checkpoint whose Motion Estimator is used.

    Returns:
        the motion, and what was found in the file (`file_report`).

    Raises:
        BadInputError: nothing there, or nothing readable as a person's motion.
    """
    check_files([path])
    if is_video_file(path):
        raw = estimate_file(video_motions(model), path, said)
    else:
        from llamo.processing.motion_formats_llamo import read_motion

        try:
            raw = read_motion(path, **of_motions(said))
        except (ValueError, OSError, ImportError) as error:
            raise unreadable(path, error) from None
    return raw, file_report(path, raw)


@functools.lru_cache(maxsize=1)
def video_motions(model: str):
    """The estimator of a checkpoint, loaded once in the program."""
    from llamo.cli.session import check_checkpoint
    from llamo.processing.video_motion_llamo import VideoMotions

    check_checkpoint(model)
    return VideoMotions(model)


def estimate_file(motions, path: str, said: dict | None = None):
    """The motion in a video, a `VideoMotion`, with a bar on the terminal while it is estimated.

    Args:
        motions: a `VideoMotions`.

    Raises:
        BadInputError: a video that nothing can be estimated from, or no estimator.
    """
    from llamo.cli.estimate import progress_bar, quiet_loading

    quiet_loading()
    part = video_part(path, said)
    try:
        with progress_bar({key: part[key] for key in ("path", "fps") if key in part}, PROGRESS) as advance:
            return motions.read(part, progress=advance)
    except (ValueError, OSError, ImportError) as error:
        raise unreadable(path, error) from None


def video_part(path: str, said: dict | None = None) -> dict:
    """The chat part for a video, with what the user says about videos."""
    from llamo.cli.estimate import parse_box

    said = said or {}
    part = {"type": "video", "path": path, **{key: said[key] for key in ("fps", "person") if said.get(key) is not None}}
    if said.get("box") is not None:
        part["box"] = parse_box(said["box"])
    return part


def of_motions(said: dict | None) -> dict:
    """What the user says, without that which is about videos alone."""
    return {key: value for key, value in (said or {}).items() if key not in VIDEO_WORDS}


__all__ = ["BadInputError", "estimate_file", "of_motions", "read_file", "video_motions", "video_part"]
