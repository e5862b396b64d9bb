# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""The motion of a video that has none beside it: estimated, once for each video, and kept.

The Motion Estimator lies in the folder `motion_estimator` of the checkpoint and is loaded when the first video needs it.
Motions are remembered in the process and, where the environment names a folder in LLAMO_MOTION_CACHE, on disk: a video that
is trained on in several epochs, or by several workers, is estimated once.
"""

import hashlib
import io
import json
import os
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from huggingface_hub import snapshot_download

from .motion_errors_llamo import MotionFormatError, VideoFormatError
from .motion_estimation_llamo import MotionEstimator
from .raw_motion_llamo import RawMotion
from .video_film_llamo import write_film
from .video_source_llamo import PICTURE_ENDINGS, tell_source
from .whole_files_llamo import replace_file


FOLDER = "motion_estimator"
CACHE_VARIABLE = "LLAMO_MOTION_CACHE"
VERSION = 1  # of estimated motions on disk; raise it when the estimator answers differently
REMEMBERED = 8  # motions
SOURCES = ("path", "bytes", "video")
CHOICES = ("fps", "person", "box")


@dataclass
class VideoMotion(RawMotion):
    """A motion that was estimated from a video.

    Attributes:
        start (`float`): seconds on the video's clock of the first frame of `joints`.
        contacts (`np.ndarray` of shape `(num_frames, 4)`): which of left ankle, left foot, right ankle, right foot stand.
        report (`dict`): the estimator's report on its quality.
        times (`np.ndarray` of shape `(num_seen,)`): seconds on the video's clock of the frames that were looked at; empty where
            that is not known.
        landmarks (`np.ndarray` of shape `(num_seen, 33, 3)`): float16, where the person is in each of these frames: x and y as
            shares of width and height, and visibility; NaN where the person is not seen.
    """

    start: float = 0.0
    contacts: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), dtype=np.float32), repr=False)
    report: dict = field(default_factory=dict, repr=False)
    times: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)
    landmarks: np.ndarray = field(default_factory=lambda: np.zeros((0, 33, 3), dtype=np.float16), repr=False)


class VideoMotions:
    """Estimates motions of videos and remembers them.

    Args:
        home (`str`, *optional*): folder or Hub repository of the checkpoint.
        cache (`str`, *optional*): folder of estimated motions; by default what LLAMO_MOTION_CACHE names, or none.
        estimator (*optional*): anything with `estimate(source, person=None, box=None)`, instead of the checkpoint's own.

    Attributes:
        max_seconds (`float`, *optional*): longer videos are refused; by default those that are too long for the estimator.
    """

    def __init__(self, home: str | None = None, cache: str | None = None, estimator=None):
        self.max_seconds: float | None = None
        self.home = home
        self.cache = cache or os.environ.get(CACHE_VARIABLE) or None
        self._estimator = estimator
        self._remembered: OrderedDict[str, VideoMotion] = OrderedDict()
        self._version: str | None = None

    def __getstate__(self) -> dict:
        """Workers of a data loader load their own estimator."""
        own = self._estimator if self.home is None else None
        return {**self.__dict__, "_estimator": own, "_remembered": OrderedDict()}

    def __deepcopy__(self, memo) -> "VideoMotions":
        """A processor is copied when it is saved; networks are not."""
        copied = type(self)(self.home, self.cache, self._estimator)
        copied.max_seconds = self.max_seconds
        return copied

    @property
    def folder(self) -> str:
        """Where the estimator lies on this machine.

        Raises:
            MotionFormatError: the checkpoint has none.
        """
        if self.home is not None:
            folder = os.path.join(self.home, FOLDER)
            if not os.path.isdir(self.home):
                try:
                    folder = os.path.join(snapshot_download(self.home, allow_patterns=f"{FOLDER}/*"), FOLDER)
                except (OSError, ValueError):
                    folder = ""
            if os.path.isfile(os.path.join(folder, "config.json")):
                return folder
        raise MotionFormatError(
            f"a checkpoint with the Motion Estimator in its folder {FOLDER}",
            "none" if self.home is None else f"{self.home!r} without it",
            "a video without a motion beside it",
            "Make the checkpoint with `llamo init`, in a network that reaches PyPI, and load the processor with "
            "AutoProcessor.from_pretrained; or give the motion itself.",
        )

    @property
    def estimator(self):
        """Loaded on first use."""
        if self._estimator is None:
            self._estimator = MotionEstimator.from_pretrained(self.folder)
        return self._estimator

    def read(self, part, progress=None) -> VideoMotion:
        """The motion in a video.

        Args:
            part: a path; or a video part with `"path"`, `"bytes"` or `"video"`, and what `iterate_frames` and the estimator
                take beside it: `"fps"`, `"person"`, `"box"`.
            progress (*optional*): called with seconds of the video as they are done.

        Raises:
            VideoFormatError: nothing that can be read as a video.
            ValueError: nobody, or not the person asked for, is seen.
        """
        part = part if isinstance(part, dict) else {"path": part}
        part = {key: part[key] for key in (*SOURCES, *CHOICES) if part.get(key) is not None}
        tell_source(part)  # says what is wrong with it
        key = self._quick_key(part)
        known = None if key is None else self._remembered.pop(key, None)
        if known is not None:
            self._remembered[key] = known  # the last to be forgotten
            return known
        file = self._cache_file(part)
        motion = None if file is None else read_cached(file)
        if motion is None:
            choice = {name: part[name] for name in ("person", "box") if name in part}
            source = {name: value for name, value in part.items() if name not in choice}
            more = {"progress": progress, "max_seconds": self.max_seconds}
            more = {name: value for name, value in more.items() if value is not None}
            motion = as_raw_motion(self.estimator.estimate(source, **choice, **more))
            if file is not None:
                write_cached(file, motion)
        if key is not None:
            self._remembered[key] = motion
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return motion

    def forget(self) -> None:
        """Forgets the motions that are remembered in the process."""
        self._remembered.clear()

    def film(self, part, motion: VideoMotion, path: str | os.PathLike) -> int:
        """Writes what of a video `read` has found a motion in as a film for a page, on the motion's clock (`write_film`)."""
        part = part if isinstance(part, dict) else {"path": part}
        source = {key: part[key] for key in (*SOURCES, "fps") if part.get(key) is not None}
        return write_film(source, path, motion.start, motion.seconds)

    def _quick_key(self, part: dict) -> str | None:
        """Tells a video from another without reading large files: files by place, size and time; None where one is missing."""
        choice = json.dumps([part.get(name) for name in CHOICES], default=str)
        if "path" in part:
            files = files_of(part["path"])
            if files is None:
                return None
            states = [(str(file), state.st_size, state.st_mtime_ns) for file in files for state in [file.stat()]]
            return f"{states}{choice}"
        return f"{content_hash(part)}{choice}"

    def _cache_file(self, part: dict) -> Path | None:
        """Where a video's motion is kept on disk: by content, choice and version."""
        if self.cache is None or ("path" in part and files_of(part["path"]) is None):
            return None
        if self._version is None:
            self._version = "own" if self._estimator is not None and self.home is None else file_hash(Path(self.folder))
        choice = json.dumps([VERSION, self._version, *(part.get(name) for name in CHOICES)], default=str)
        name = hashlib.sha256(f"{content_hash(part)}{choice}".encode()).hexdigest()
        return Path(self.cache) / name[:2] / f"{name}.npz"


def as_raw_motion(estimated) -> VideoMotion:
    """What the estimator gives, as every reader of motion gives it, with what the user should know as its notes."""
    report = dict(estimated.report)
    first, last = report.get("span_s") or (estimated.start, estimated.start + len(estimated.joints) / estimated.fps)
    note = f"motion estimated from the video, {first:.1f} to {last:.1f} s of it"
    if "coverage" in report:
        note += f"; the person is seen in {100 * report['coverage']:.0f} % of its frames"
    landmarks = getattr(estimated, "landmarks", [])
    unseen = np.full((33, 3), np.nan)
    return VideoMotion(
        joints=np.asarray(estimated.joints, dtype=np.float32),
        fps=float(estimated.fps),
        format="video",
        source_frames=len(estimated.joints),
        source_joints=33,
        units="m",
        up_axis="+y",
        skeleton="estimated from video",
        assumed=[note, *(warning.rstrip(".") for warning in report.get("warnings", []))],
        start=float(estimated.start),
        contacts=np.asarray(estimated.contacts, dtype=np.float32),
        report=report,
        times=np.asarray(getattr(estimated, "times", []), dtype=np.float64),
        landmarks=np.array([unseen if seen is None else seen for seen in landmarks], dtype=np.float16).reshape(-1, 33, 3),
    )


def write_cached(file: Path, motion: VideoMotion) -> None:
    """Keeps a motion; where the folder cannot be written, it is only not kept."""
    stream = io.BytesIO()
    told = {"assumed": motion.assumed, "report": motion.report, "fps": motion.fps, "start": motion.start}
    arrays = {name: getattr(motion, name) for name in ("joints", "contacts", "times", "landmarks")}
    np.savez(stream, **arrays, told=np.frombuffer(json.dumps(told).encode(), np.uint8))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, stream.getvalue())
    except (OSError, MotionFormatError):
        return


def read_cached(file: Path) -> VideoMotion | None:
    """A kept motion; None where there is none, or a damaged one."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            joints, contacts, told = arrays["joints"], arrays["contacts"], json.loads(arrays["told"].tobytes())
            seen = {name: arrays[name] for name in ("times", "landmarks") if name in arrays}  # older files have none
        details = {"format": "video", "source_frames": len(joints), "source_joints": 33, "units": "m", "up_axis": "+y"}
        if joints.ndim != 3 or joints.shape[1:] != (22, 3) or not np.isfinite(joints).all():
            return None
        return VideoMotion(
            joints=joints.astype(np.float32), contacts=contacts, skeleton="estimated from video", **seen, **details, **told
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def files_of(path) -> list[Path] | None:
    """The files of a video: one, or all pictures of a folder or list; None where something is missing."""
    if isinstance(path, (list, tuple)):
        files = [Path(each) for each in path]
    else:
        path = Path(path)
        files = sorted(each for each in path.iterdir() if each.suffix.lower() in PICTURE_ENDINGS) if path.is_dir() else [path]
    return files if files and all(file.is_file() for file in files) else None


def content_hash(part: dict) -> str:
    """SHA-256 of a video's content."""
    digest = hashlib.sha256()
    if "path" in part:
        for file in files_of(part["path"]) or []:
            digest.update(file_hash(file).encode())
    elif "bytes" in part:
        digest.update(part["bytes"])
    else:
        array = np.ascontiguousarray(part["video"])
        digest.update(str(array.shape).encode())
        digest.update(array.tobytes() if array.dtype == object else memoryview(array).cast("B"))
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file; of a folder, of its configuration and weights."""
    files = [path / "config.json", path / "model.safetensors"] if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            with file.open("rb") as stream:
                while piece := stream.read(1 << 20):
                    digest.update(piece)
    return digest.hexdigest()


__all__ = ["VideoFormatError", "VideoMotion", "VideoMotions"]
