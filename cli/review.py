"""`llamo review`: a page on which a person goes through labels, and what was accepted as rows to train on."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from llamo.cli.motion_files import read_file
from llamo.cli.session import BadInputError
from llamo.cli.view import read_viewed_motion


def review_table(table: str, host: str, port: int, model: str, said: dict) -> Iterator[str]:
    """Serves the page until SIGTERM or Ctrl-C; yields what to print.

    Raises:
        BadInputError: no table, one that is under review already, or no free port.
    """
    from llamo.cli.library.review import Review
    from llamo.cli.library.review_server import ReviewServer
    from llamo.cli.library.table import check_table
    from llamo.cli.library.tags import STYLE, TEMPO
    from llamo.train.library.columns import TAGS

    check_table(table)
    review = Review(table)
    words = {"side": ("left", "right", "both"), "direction": ("forward", "backward", "left", "right", "in place")}
    words |= {"tempo": TEMPO[1], "style": STYLE[1], "posture": ("standing", "sitting", "kneeling", "lying")}
    options = {"table": Path(table).name, "tags": list(TAGS), "words": words}
    try:
        server = ReviewServer(host, port, review, lambda path: viewed(review, path, said, model), options)
    except BadInputError:
        review.close()
        raise
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        counts = review.counts()
        yield f"{table}: {counts['total'] - counts['undecided']} of {counts['total']} clips are decided."
        yield f"Review them at {server.address} (Ctrl-C ends it; every decision is saved at once)."
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        review.close()
        if problem := review.counts()["problem"]:
            print(f"llamo: {problem}", file=sys.stderr, flush=True)


def viewed(review, path: str, said: dict, model: str) -> dict:
    """What the viewer draws of a clip, its segments as marks on the time bar; `changed` tells that the file is another one than
    was labelled.

    Raises:
        BadInputError: nothing there, or nothing readable.
    """
    from llamo.cli.library.clips import hash_of
    from llamo.processing.viewer_data_llamo import build_payload, tick

    file = review.file_of(path)
    if not file.exists():
        raise BadInputError(f"The file is missing: nothing is at {path}. It can be decided all the same.")
    motion, _ = read_viewed_motion(str(file), said, model)
    row = review.row(path)
    segments = row.get("segments") or []
    if len(segments) > 1:
        start = segments[0]["start_s"]  # a video's person may be seen from then on, where the motion is at 0
        marks = [
            tick(part["caption"] or f"Segment {number}", "segment", part["start_s"] - start, part["end_s"] - start)
            for number, part in enumerate(segments, start=1)
        ]
        motion.ticks = sorted([*motion.ticks, *marks], key=lambda mark: mark["time_s"])
    return {**build_payload([motion]), "changed": bool(row["sha256"]) and file.is_file() and hash_of(file) != row["sha256"]}


def export_reviewed(table: str, out: str, model: str, said: dict) -> Iterator[str]:
    """Writes what a person accepted as a data set that `llamo train` and `trl sft` read; tells what was left out, and why.

    Raises:
        BadInputError: no table, nothing accepted in it, or nothing of it readable.
    """
    from llamo.cli.data import prepare
    from llamo.cli.library.table import check_table
    from llamo.train.library.label_table import read_table

    check_table(table)
    try:
        rows = read_table(table)
    except (ValueError, ImportError) as error:
        raise BadInputError(error) from None
    if not any(row.get("review") in ("accept", "edit") for row in rows):
        raise BadInputError(f"Expected accepted clips, got none of {len(rows)} in {table}. First run: llamo review {table}.")
    yield from prepare("labels", table, out, "train", None, 0, read=lambda path: read(path, said, model))


def read(path: Path, said: dict, model: str):
    """A motion, or that of a video.

    Raises:
        ValueError: what is not readable as one.
    """
    try:
        return read_file(str(path), said, model)[0]
    except BadInputError as error:
        raise ValueError(str(error)) from None
