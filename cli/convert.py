"""`llamo convert`: one motion file to another kind."""

import os

from llamo.cli.motion_files import check_said, check_used, read_file
from llamo.cli.places import check_place
from llamo.cli.session import BadInputError
from llamo.processing.joints_format_llamo import check_fps
from llamo.processing.motion_writers_llamo import kind_of, write_motion


# Formats of bare arrays, which usually do not say their rate: there, the rate asked for is the rate they have.
BARE = ("npz", "npy", "keypoints")


def convert_file(
    source: str,
    out: str,
    fps: float | None = None,
    retarget: bool = False,
    source_fps: float | None = None,
    said: dict | None = None,
    model: str = "llamo",
) -> dict:
    """Reads a motion and writes it.

    Args:
        source, out: paths; the ending of `out` tells its kind.
        fps: frames per second of `out`. Where `source` is an array that does not say its own, it is that of both.
        retarget: HumanML3D's features on the data set's one skeleton.
        source_fps: frames per second of `source`, where the file is wrong or silent.
        said: what else the user says about the source, as `read_file` takes it.
        model: the checkpoint whose Motion Estimator reads videos.

    Returns:
        `{"input": what was read and assumed, "output": what was written}`.

    Raises:
        BadInputError: a source that cannot be read, or an output that cannot be written; then nothing is written.
    """
    said = said or {}
    try:
        kind_of(out)
        check_place(out, "OUT")
        if fps is not None:
            check_fps(fps, "--fps")
        if os.path.exists(source) and os.path.exists(out) and os.path.samefile(source, out):
            raise BadInputError(f"Expected another file to write than the one to read, got {out!r} twice. Rename OUT.")
        check_said([source], said)
        raw, report = read_file(source, overrides(said, source_fps), model)
        check_used([report], said)
        if fps is not None and source_fps is None and raw.format in BARE and is_silent(raw):
            raw, report = read_file(source, overrides(said, fps), model)
            fps = None
        written = write_motion(out, raw.joints, raw.fps, target_fps=fps, retarget=retarget)
    except (ValueError, OSError) as error:
        raise BadInputError(error) from None
    output = {"path": out, "kind": written.kind, "frames": written.frames, "fps": written.fps, "changed": list(written.changed)}
    return {"input": report, "output": output}


def overrides(said: dict, fps: float | None) -> dict:
    """What the user says about a source, with its frame rate where one is given."""
    return said if fps is None else {**said, "fps": fps}


def is_silent(raw) -> bool:
    """Whether the frame rate of a motion was assumed, because its file has none."""
    return any("frames per second (the file does not say" in note for note in raw.assumed)


def describe(report: dict) -> str:
    """A report of `convert_file` in two lines."""
    read, wrote = report["input"], report["output"]
    lines = [
        f"{read['path']}: {read['format']}, {read['seconds']:.1f} s, {read['frames']} frames at {read['source_fps']:g} fps, "
        f"{read['joints']} joints ({read['skeleton']}), {read['units']}, {read['up_axis']} up",
        f"{wrote['path']}: {wrote['kind']}, {wrote['frames']} frames at {wrote['fps']:g} fps",
    ]
    for line, notes, word in ((0, read["assumed"], "assumed"), (1, wrote["changed"], "changed")):
        if notes:
            lines[line] += f"; {word}: {'; '.join(notes)}"
    return "\n".join(lines)
