"""`llamo view`: a page that plays motion files, and a contact sheet of them."""

import os

from llamo.cli.places import check_place
from llamo.cli.session import BadInputError, check_files


def view_files(
    files: list[str], out: str | None, side_by_side: bool, png: str | None, overrides: dict, model: str = "llamo"
) -> list[str]:
    """Writes a page, a contact sheet or both, after everything has been read: nothing is written on bad input.

    Args:
        overrides: what the user says about all of the files, as `read_file` takes it.
        model: the checkpoint whose Motion Estimator reads videos.

    Returns:
        one line on each file written.

    Raises:
        BadInputError: anything that the caller has to change.
    """
    targets = {"-o": out, "--png": png}
    check_targets(files, targets)
    check_files(files)

    from llamo.cli.motion_files import check_said, check_used
    from llamo.cli.viewer_page import build_page
    from llamo.processing.viewer_data_llamo import MAX_MOTIONS, build_payload
    from llamo.processing.whole_files_llamo import replace_file

    if len(files) > MAX_MOTIONS:
        raise BadInputError(f"Expected at most {MAX_MOTIONS} files in one page, got {len(files)}. Make several pages.")
    check_said(files, overrides)
    read = [read_viewed_motion(path, overrides, model) for path in files]
    check_used([report for _, report in read], overrides)
    motions = [motion for motion, _ in read]
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
        try:
            replace_file(path, content)
        except ValueError as error:
            raise BadInputError(error) from None
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
        check_place(path, option, (".png",) if option == "--png" else (".html", ".htm"))
        taken.add(os.path.realpath(path))


def read_viewed_motion(path: str, overrides: dict, model: str = "llamo"):
    """A motion file with its angles and what was measured in it, its floor at 0, starting at the middle facing +Z; of a video,
    also its frames.

    Returns:
        the motion as the viewer takes it, and what was found in the file (`file_report`).

    Raises:
        BadInputError: a file that is not readable as a person's motion.
    """
    from llamo.cli.motion_files import read_file
    from llamo.processing.motion_features_llamo import check_joints
    from llamo.processing.viewer_data_llamo import view_motion

    raw, report = read_file(path, overrides, model)
    try:
        check_joints(raw.joints, where=path)
    except ValueError as error:
        raise BadInputError(error) from None
    motion = view_motion(raw, os.path.basename(os.path.normpath(path)))
    if raw.format == "video":
        from llamo.cli.motion_files import video_part
        from llamo.cli.video_frames import page_frames

        motion.video = {**(motion.video or {}), **page_frames(video_part(path, overrides), raw.start, raw.seconds)}
    return motion, report
