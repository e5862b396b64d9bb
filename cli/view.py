"""`llamo view`: a page that plays motion files, and a contact sheet of them."""

import os

from llamo.cli.session import BadInputError, check_files


def view_files(files: list[str], out: str | None, side_by_side: bool, png: str | None, overrides: dict) -> list[str]:
    """Writes a page, a contact sheet or both, after everything has been read: nothing is written on bad input.

    Args:
        overrides: what the user says about all of the files: "fps", "units", "up_axis", "joint_map", "asf".

    Returns:
        one line on each file written.

    Raises:
        BadInputError: anything that the caller has to change.
    """
    targets = {"-o": out, "--png": png}
    check_targets(files, targets)
    check_files(files)

    from llamo.cli.viewer_page import MAX_MOTIONS, build_page, build_payload

    if len(files) > MAX_MOTIONS:
        raise BadInputError(f"Expected at most {MAX_MOTIONS} files in one page, got {len(files)}. Make several pages.")
    motions = [read_viewed_motion(path, overrides) for path in files]
    written: dict[str, bytes] = {}
    if out is not None:
        page = build_page(build_payload(motions, "side" if side_by_side else "overlay"))
        written[out] = page.encode("utf-8")
    if png is not None:
        from llamo.cli.contact_sheet import draw_contact_sheet

        try:
            written[png] = draw_contact_sheet(motions)
        except ImportError as error:
            raise BadInputError(error) from None
    for path, content in written.items():
        write_whole(path, content)
    names = "1 motion" if len(motions) == 1 else f"{len(motions)} motions"
    return [f"{path}: {names}, {len(content) / 1e6:.1f} MB" for path, content in written.items()]


def check_targets(files: list[str], targets: dict[str, str | None]) -> None:
    """Refuses what cannot be written, before anything is read."""
    if not any(targets.values()):
        raise BadInputError("Expected a file to write, got none. Add -o out.html for a page or --png sheet.png for a picture.")
    taken = {os.path.realpath(path) for path in files}
    for option, path in targets.items():
        if path is None:
            continue
        if os.path.realpath(path) in taken:
            raise BadInputError(f"Expected a new file, got one that is in use already at {option} {path!r}. Rename it.")
        folder = os.path.dirname(path) or "."
        if os.path.isdir(path) or not os.path.isdir(folder):
            what = "a folder" if os.path.isdir(path) else f"no folder {folder!r}"
            raise BadInputError(f"Expected a file to write, got {what} at {option} {path!r}. Correct the path.")
        taken.add(os.path.realpath(path))


def read_viewed_motion(path: str, overrides: dict):
    """A motion file with its angles and what was measured in it, its floor at 0, starting at the middle facing +Z.

    Raises:
        BadInputError: a file that is not readable as a person's motion.
    """
    from llamo.cli.viewer_page import MAX_FPS, ViewedMotion, limit_rate
    from llamo.processing.angles_llamo import joint_angles
    from llamo.processing.motion_features_llamo import canonicalise, check_joints
    from llamo.processing.motion_formats_llamo import read_motion

    try:
        raw = read_motion(path, **overrides)
        check_joints(raw.joints, where=path)
    except (ValueError, OSError) as error:
        message = str(error)
        raise BadInputError(message if os.path.basename(path) in message else f"{path}: {message}") from None
    joints, fps = limit_rate(raw.joints, raw.fps)
    joints = canonicalise(joints, fps)
    notes = [f"{raw.format}, {raw.source_frames} frames at {raw.fps:g} per second, {raw.source_joints} joints", *raw.assumed]
    if fps != raw.fps:
        notes.append(f"shown at {MAX_FPS:g} frames per second")
    ticks, reasons = measure_events(raw)
    notes += reasons
    notes.append("placed on the floor, starting in the middle and facing the viewer")
    return ViewedMotion(
        name=os.path.basename(path),
        joints=joints,
        fps=fps,
        notes=notes,
        angles=joint_angles(joints),
        ticks=ticks,
    )


def measure_events(raw) -> tuple[list[dict], list[str]]:
    """Ticks of what was measured, and why there are none where nothing can be measured here."""
    from llamo.cli.viewer_page import ticks_of
    from llamo.processing.kinematics_llamo import measure_motion

    try:
        return ticks_of(measure_motion(raw.joints, raw.fps)), []
    except ImportError as error:  # the filters need scipy; the page does without
        return [], [f"events are not marked: {error}"]


def write_whole(path: str, content: bytes) -> None:
    """Writes all or nothing.

    Raises:
        BadInputError: where the folder cannot be written.
    """
    temporary = f"{path}.{os.getpid()}.part"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError as error:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise BadInputError(f"Expected a file that can be written, got {error.strerror} at {path!r}. Choose another.") from None
