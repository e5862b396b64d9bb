"""What `llamo ask` and `llamo chat` share: a loaded checkpoint, and motion and video files read once and reported on."""

import os
import time
from dataclasses import dataclass, field
from typing import Any


DTYPES = ("auto", "float32", "bfloat16", "float16")


class BadInputError(Exception):
    """Something that the caller has to change; the message says what."""


@dataclass
class MotionInput:
    """A motion: the chat part that stands for it, what was found in its file, and parts for videos that show it."""

    part: dict
    report: dict
    videos: list[dict] = field(default_factory=list)

    @property
    def parts(self) -> list[dict]:
        """What goes into the message."""
        return [self.part, *self.videos]


@dataclass
class Session:
    """A loaded checkpoint. `load_seconds` is what loading took, the import of the libraries included."""

    name: str
    processor: Any
    model: Any
    load_seconds: float
    sampling: dict = field(default_factory=dict)

    def prepare(self, messages: list[dict]):
        """Messages -> the tensors of the prompt, on the model's device."""
        try:
            inputs = self.processor.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
            )
        except ValueError as error:
            raise BadInputError(error) from None
        return inputs.to(self.model.device)

    def generate(self, inputs, **kwargs):
        """Token ids `(1, prompt + answer)` for a prepared prompt."""
        return self.model.generate(**inputs, **self.sampling, **kwargs)

    def decode(self, token_ids) -> str:
        return self.processor.decode(token_ids, skip_special_tokens=True)


def check_files(files: list[str]) -> None:
    """Refuses missing files before anything heavy is loaded. A folder of pictures counts as a video."""
    for path in files:
        if not os.path.isfile(path) and not (os.path.isdir(path) and is_video_file(path)):
            what, remedy = "nothing", "Check the path."
            if os.path.isdir(path):
                what, remedy = "a folder", "Name a file in it; llamo caption, index and library check take folders."
            elif path.startswith(("http://", "https://")):
                what, remedy = "a web address", "Download the file, and name it."
            elif os.path.exists(path):
                what, remedy = "a device or a pipe", "Save the motion to a file first."
            raise BadInputError(f"Expected a motion file, got {what} at {path!r}. {remedy}")


def is_video_file(path: str) -> bool:
    """Whether a file looks like a video, by its first bytes and its ending; a folder of pictures does."""
    from llamo.processing.video_source_llamo import is_video

    return is_video(path)


def check_checkpoint(name: str) -> None:
    """Refuses a folder that is not there; a name such as `owner/repository` is left to the Hub."""
    if os.path.isdir(name):
        if not os.path.isfile(os.path.join(name, "config.json")):
            raise BadInputError(f"Expected a checkpoint, got a folder without config.json at {name!r}. Check --model.")
    elif os.path.exists(name):
        raise BadInputError(f"Expected the folder of a checkpoint, got a file at {name!r}. Check --model.")
    elif name.count("/") != 1 or name.startswith((".", "/", "~")) or not all(name.split("/")):
        raise BadInputError(
            f"Expected a checkpoint, got nothing at {name!r}. Make one with `llamo init`, or name a folder or a Hub "
            "repository with --model."
        )


def unreadable(path: str, error: Exception) -> BadInputError:
    """The reader's own words, with the file's name where they lack it."""
    return BadInputError(with_path(path, str(error)))


def with_path(path: str, message: str) -> str:
    """A message that says which file it is about, and says it once."""
    return message if os.path.basename(path) in message else f"{path}: {message}"


def file_report(path: str, raw) -> dict:
    """What was found in a file: `path`, `format`, `source_fps`, `frames`, `seconds`, `joints`, `units`, `up_axis`, `skeleton`,
    `assumed`."""
    return {
        "path": path,
        "format": raw.format,
        "source_fps": raw.fps,
        "frames": raw.source_frames,
        "seconds": round(raw.seconds, 3),
        "joints": raw.source_joints,
        "units": raw.units,
        "up_axis": raw.up_axis,
        "skeleton": raw.skeleton,
        "assumed": list(raw.assumed),
    }


def read_motions(processor, files: list[str], overrides: dict | None = None) -> list[MotionInput]:
    """Reads each file once. Videos beside motions show the motion before them, or else the first; without any motion, each
    gives one.

    Args:
        overrides: what the user says about all of the files: "fps", "units", "up_axis", "joint_map", "asf", "person", "box".

    Raises:
        BadInputError: a file that is not readable as a person's motion.
    """
    from llamo.cli.motion_files import estimate_file, of_motions, video_part

    seen = [path for path in files if is_video_file(path)]
    has_motion, looks = len(seen) < len(files), getattr(processor, "frame_processor", None) is not None
    inputs: list[MotionInput] = []
    waiting: list[str] = []  # videos before the first motion
    for path in files:
        if path in seen and not has_motion:
            raw = estimate_file(processor.video_motions, path, overrides)
            part = {**video_part(path, overrides), "offset_s": -raw.start}
            report = {**file_report(path, raw), "estimation": raw.report}
            inputs.append(
                MotionInput({"type": "motion", "motion": raw.joints, "fps": raw.fps}, report, [part] if looks else [])
            )
        elif path in seen and not inputs:
            waiting.append(path)
        elif path in seen:
            show(inputs[-1], path, overrides, looks)
        else:
            try:
                raw = processor.motion_processor.load({"path": path, **of_motions(overrides)})
            except (ValueError, OSError) as error:
                raise unreadable(path, error) from None
            inputs.append(MotionInput({"type": "motion", "motion": raw.joints, "fps": raw.fps}, file_report(path, raw)))
            while waiting:
                show(inputs[0], waiting.pop(0), overrides, looks)
    return inputs


def check_overrides(files: list[str], overrides: dict | None) -> None:
    """Refuses what the user says about files that are not there. A video beside a motion only shows it: nobody is followed.

    Raises:
        BadInputError: words that would be without effect.
    """
    from llamo.cli.motion_files import check_said

    motions = [path for path in files if not is_video_file(path)]
    check_said(motions or files, overrides)


def show(motion: MotionInput, path: str, said: dict | None, looks: bool) -> None:
    """Puts a video beside the motion that it shows; where the model does not look at videos, only says so.

    Raises:
        BadInputError: a file that is not readable as a video.
    """
    from llamo.cli.motion_files import video_part
    from llamo.processing.video_reading_llamo import probe_video

    part = video_part(path, said)
    try:
        seconds = probe_video(part).seconds
    except (ValueError, OSError) as error:
        raise unreadable(path, error) from None
    video = {"path": path, "seconds": None if seconds is None else round(seconds, 3), "looked_at": looks}
    motion.report.setdefault("videos", []).append(video)
    if looks:
        motion.videos.append(part)
        motion.report["assumed"].append(f"{path} shows the same take and starts with it")
    else:
        motion.report["assumed"].append(
            f"{path} not looked at: this checkpoint has no vision tower (llamo init --vision ID makes one with it)"
        )


def open_session(
    name: str,
    files: list[str],
    max_new_tokens: int | None = None,
    temperature: float = 0.0,
    device: str | None = None,
    dtype: str = "auto",
    overrides: dict | None = None,
) -> tuple[Session, list[MotionInput], float]:
    """Loads a checkpoint and reads files: cheap checks first, the weights last.

    Args:
        name: folder or Hub repository of the checkpoint.
        files: motion files.
        max_new_tokens: longest answer; `None` for the checkpoint's default.
        temperature: 0 for greedy decoding.
        device: `None` for a GPU where there is one.
        dtype: one of DTYPES.
        overrides: what the user says about the files, as in `read_motions`.

    Returns:
        the session, the files' contents, and the seconds that reading them took.

    Raises:
        BadInputError: anything that the caller has to change.
    """
    check_files(files)
    check_overrides(files, overrides)
    check_checkpoint(name)
    if dtype not in DTYPES:
        raise BadInputError(f"Expected --dtype to be one of {', '.join(DTYPES)}, got {dtype!r}. Choose one of them.")
    started = time.perf_counter()

    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.utils import logging

    from llamo.cli.motion_files import check_used

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    target = choose_device(torch, device)
    try:
        processor = AutoProcessor.from_pretrained(name, trust_remote_code=True)
    except (OSError, ValueError) as error:
        raise BadInputError(f"Expected a LLaMo checkpoint at {name!r}, got: {error}") from None
    if not hasattr(processor, "motion_processor"):
        raise BadInputError(
            f"Expected a LLaMo checkpoint at {name!r}, got one whose processor is {type(processor).__name__}. "
            "Name another one with --model."
        )
    before_reading = time.perf_counter()
    motions = read_motions(processor, files, overrides)
    check_used([motion.report for motion in motions], overrides)
    reading = time.perf_counter() - before_reading
    model = AutoModelForImageTextToText.from_pretrained(name, trust_remote_code=True, dtype=dtype).to(target).eval()

    sampling: dict = {"do_sample": temperature > 0}
    if temperature > 0:
        sampling["temperature"] = temperature
    if max_new_tokens is not None:
        sampling["max_new_tokens"] = max_new_tokens
    loading = time.perf_counter() - started - reading
    return Session(name, processor, model, loading, sampling), motions, reading


def choose_device(torch, device: str | None):
    """The device named, or the best there is."""
    if device is None:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        target = torch.device(device)
        torch.empty(0, device=target)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        reason = str(error).splitlines()[0]
        raise BadInputError(f"Expected a usable --device, got {device!r} ({reason}). Leave it out, or use cpu.") from None
    return target
