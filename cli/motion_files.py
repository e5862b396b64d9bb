"""Motion and video files: read, and reported on as `llamo ask --json` does. A video's motion is estimated."""

import functools
import os
from collections.abc import Iterable
from typing import Any

from llamo.cli.session import BadInputError, check_files, file_report, is_video_file, unreadable


# What the user may say that is about videos alone, and about motion files alone.
VIDEO_WORDS = ("person", "box")
MOTION_WORDS = ("units", "up_axis", "joint_map", "asf", "skeleton", "animation", "mean", "std")
# What files of these formats alone can use.
WORDS_OF_FORMATS = {"asf": ("amc",), "animation": ("gltf",), "mean": ("humanml3d",), "std": ("humanml3d",)}
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


def check_said(paths: Iterable[str], said: dict | None) -> None:
    """Refuses what the user says about videos where there is none, and about motion files where there is none.

    Args:
        paths: all files that `said` is about; those of the other kind may be among them.

    Raises:
        BadInputError: words that no file could be read by, and would be without effect.
    """
    said = said or {}
    of_videos, of_motions = ([word for word in words if said.get(word) is not None] for words in (VIDEO_WORDS, MOTION_WORDS))
    if not of_videos and not of_motions:
        return
    paths = [os.fspath(path) for path in paths]
    if not paths:
        return
    videos = [is_video_file(path) for path in paths]
    for words, has_some, kind in ((of_videos, any(videos), "a video"), (of_motions, not all(videos), "a motion file")):
        if words and not has_some:
            other = "a motion file" if kind == "a video" else "a video"
            raise BadInputError(
                f"Expected {kind} for {flags(words)}, got {other} at {paths[0]!r}"
                f"{'' if len(paths) == 1 else f' and {len(paths) - 1} more like it'}. Leave {flags(words)} out."
            )


def check_used(reports: Iterable[dict], said: dict | None) -> None:
    """Refuses what the user says about formats that none of the files has.

    Args:
        reports: what `file_report` says of all files that `said` is about.

    Raises:
        BadInputError: words that no file was read by.
    """
    reports = list(reports)
    for word, formats in WORDS_OF_FORMATS.items():
        if (said or {}).get(word) is not None and reports and not any(report["format"] in formats for report in reports):
            raise BadInputError(
                f"Expected {' or '.join(formats).upper()} for {flags([word])}, got {reports[0]['format']} at "
                f"{reports[0]['path']!r}. Leave {flags([word])} out."
            )


def flags(words: Iterable[str]) -> str:
    """ "up_axis" -> "--up-axis"; several with "and"."""
    return " and ".join(f"--{word.replace('_', '-')}" for word in words)


@functools.lru_cache(maxsize=1)
def video_motions(model: str):
    """The estimator of a checkpoint, loaded once in the program."""
    from llamo.cli.session import check_checkpoint

    check_checkpoint(model)

    from llamo.processing.video_motion_llamo import VideoMotions

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


__all__ = [
    "BadInputError",
    "check_said",
    "check_used",
    "estimate_file",
    "flags",
    "of_motions",
    "read_file",
    "video_motions",
    "video_part",
]
