"""Uploaded files -> clips: read, measured, ready to be shown and asked about. Uploads are deleted minutes after."""

import contextlib
import filecmp
import glob
import os
import shutil
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder, is_in_or_equal


VIDEO_ENDINGS = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v", ".gif")
MOTION_ENDINGS = (".bvh", ".amc", ".asf", ".npz", ".npy", ".glb", ".gltf", ".c3d", ".trc")
LONGEST_NAME = 80
KEEP_SECONDS = 300.0  # an upload is deleted that long after it was read


class ClipError(ValueError):
    """A file that cannot be used; the message says what to do, and names the file by its name alone."""


@dataclass
class Clip:
    """One recording of a conversation.

    Attributes:
        name: the file's name without control characters; never trusted as a path or as HTML.
        part: the chat part of its motion.
        motion: joints, rate, and what was assumed, as the processor read them; of a video, as it estimated them.
        measured: what was measured in the motion; `None` where that failed.
        unmeasured: why nothing was measured.
        film: path of what the page shows of a video, on the motion's clock; `None` for a motion file.
        is_looked_at: whether the model looks at the film beside the motion.
        files: what is to be deleted with the clip.
    """

    name: str
    part: dict
    motion: Any
    measured: dict | None = None
    unmeasured: str = ""
    film: str | None = None
    is_looked_at: bool = False
    files: list[str] = field(default_factory=list)

    @property
    def parts(self) -> list[dict]:
        """The chat parts that stand for it: one motion, and the video that shows it where the model looks at that."""
        return [self.part, {"type": "video", "path": self.film}] if self.film and self.is_looked_at else [self.part]


def clean_name(path: str) -> str:
    """The name of a file as it can be shown: one line, no control or direction characters, not too long."""
    name = "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs") else char for char in Path(path).name)
    name = " ".join(name.split()) or "file"
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 12]}...{name[-9:]}"


def check_upload(path: str) -> str:
    """Refuses every path outside of Gradio's own upload folder, whatever links lead there.

    Raises:
        ClipError: a path from elsewhere, or nothing to read.
    """
    folder = Path(get_upload_folder()).resolve()
    if not is_in_or_equal(Path(path).resolve(), folder) or not os.path.isfile(path):
        raise ClipError("Expected an uploaded file, got something else. Drop the file here again.")
    return path


def delete_uploads(paths: list[str]) -> None:
    """Deletes uploads, soon: Gradio stores equal files of several users in one place, and others may be about to read it."""
    if KEEP_SECONDS <= 0:
        delete_unused(paths)
    elif paths:
        timer = threading.Timer(KEEP_SECONDS, delete_unused, [paths])
        timer.daemon = True
        timer.start()


def delete_unused(paths: list[str]) -> None:
    """Deletes uploads that nobody has uploaded again since, and the folders that Gradio made for each of them.

    Nothing outside of Gradio's own folder is touched.
    """
    folder = Path(get_upload_folder()).resolve()
    for path in map(Path, paths):
        path = path.resolve()
        if is_in_or_equal(path, folder) and is_due(path):
            for each in filter(is_due, [*copies_of(path, folder), path]):
                each.unlink(missing_ok=True)
                if each.parent != folder and each.parent.is_dir() and not any(each.parent.iterdir()):
                    each.parent.rmdir()
    for empty in folder.glob("tmp*"):  # Gradio makes one for every upload, and never writes to it
        with contextlib.suppress(FileNotFoundError):  # moved away meanwhile
            if is_due(empty) and empty.stat().st_size == 0:
                empty.unlink()


def is_due(path: Path) -> bool:
    """Whether a file is there and so old that it is not being uploaded, nor awaited by somebody who brought it again."""
    with contextlib.suppress(FileNotFoundError):  # moved away meanwhile
        return path.is_file() and time.time() - path.stat().st_mtime >= KEEP_SECONDS
    return False


def copies_of(path: Path, folder: Path) -> list[Path]:
    """What the MCP server has left of an upload: it decodes a `data:` URL to `file.ENDING`, and then uploads that file."""
    if path.stem != "file":
        return []
    same_name = folder.glob(f"*/{glob.escape(path.name)}")
    return [each for each in same_name if each != path and each.is_file() and filecmp.cmp(each, path, shallow=False)]


def open_uploads(processor, paths: list[str], name: str | None = None, progress: Callable[[float], None] | None = None) -> Clip:
    """One clip of one upload, or of an AMC and its ASF. Uploads are given up for deletion here, read or not.

    Args:
        name: what to call the clip, instead of by its file's name.
        progress: called with the seconds of a video that have been looked at.

    Raises:
        ClipError: nothing, too much, or what the processor cannot read.
    """
    try:
        for path in paths:
            check_upload(path)
        return read_clip(processor, paths, name, progress)
    finally:
        delete_uploads(paths)


def read_clip(processor, paths: list[str], name: str | None = None, progress: Callable[[float], None] | None = None) -> Clip:
    """Reads a motion or a video, wherever it lies. Arguments and errors as in `open_uploads`."""
    skeletons = [path for path in paths if path.lower().endswith(".asf")]
    others = [path for path in paths if path not in skeletons]
    if len(others) != 1 or len(skeletons) > 1:
        raise ClipError(
            f"Expected one motion file (an AMC together with its ASF), got {len(paths)} files. Drop one; a second one to "
            "compare with has a place of its own."
        )
    (path,) = others
    name = name or clean_name(path)
    if path.lower().endswith(VIDEO_ENDINGS):
        return read_video(processor, path, name, progress)
    part = {"type": "motion", "path": path}
    if skeletons:
        part["asf"] = skeletons[0]
    try:
        motion = processor.motion_processor.load(part)
    except (ValueError, OSError) as error:
        raise ClipError(without_path(error, path, name)) from None
    return motion_clip(processor, motion, name)


def motion_clip(processor, motion, name: str) -> Clip:
    """A clip of a motion that has been read, with its measurements."""
    clip = Clip(name, {"type": "motion", "motion": motion.joints, "fps": motion.fps}, motion)
    try:
        clip.measured = processor.motion_processor.measure(motion)
    except (ValueError, ImportError) as error:
        clip.unmeasured = str(error)
    return clip


def read_video(processor, path: str, name: str, progress: Callable[[float], None] | None = None) -> Clip:
    """The motion of a video, estimated; and a film of it in Gradio's own folder, so that the video itself can go.

    Raises:
        ClipError: the processor's own words.
    """
    videos = processor.video_motions
    try:
        motion = videos.read({"path": path}, progress=progress)
        clip = motion_clip(processor, motion, name)
        clip.film = make_film(videos, path, motion)
    except (ValueError, TypeError, ImportError, OSError) as error:
        raise ClipError(without_path(error, path, name)) from None
    finally:
        videos.forget()  # whoever else gives the same file has it estimated anew
    clip.is_looked_at = processor.frame_processor is not None
    clip.files = [clip.film]
    return clip


def make_film(videos, path: str, motion) -> str:
    """Path of a film of a video, in a folder of its own whose name nobody can guess."""
    folder = Path(get_upload_folder()) / f"film-{os.urandom(16).hex()}"
    folder.mkdir(parents=True)
    film = folder / "film.mp4"
    try:
        videos.film({"path": path}, motion, film)
    except BaseException:
        shutil.rmtree(folder)
        raise
    return film.as_posix()


def without_path(error: Exception, path: str, name: str) -> str:
    """An error's words with the file's name in the place of its path on this machine."""
    return str(error).replace(repr(path), repr(name)).replace(path, name).replace(str(Path(path).resolve()), name)


def facts(clip: Clip) -> list[str]:
    """What was detected in a clip, and then what was assumed, one sentence each."""
    motion = clip.motion
    if clip.film is not None:
        return [f"a video, {motion.seconds:.1f} s with motion in it", *motion.assumed]
    found = (
        f"{motion.format}, {motion.seconds:.1f} s, {motion.source_frames} frames at {motion.fps:g} per second, "
        f"{motion.source_joints} joints ({motion.skeleton}), {motion.units}, {motion.up_axis} up"
    )
    return [found, *motion.assumed]


def forget(clips: list[Clip]) -> None:
    """Deletes what clips still keep on the disk."""
    for clip in clips:
        delete_uploads(clip.files)
