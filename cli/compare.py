"""`llamo compare`: where a motion differs from a model of it. No language model is needed."""

import json

from llamo.cli.motion_files import check_said, check_used, read_file
from llamo.cli.session import BadInputError


MOST_LINES = 12


def compare_files(first: str, second: str, said: dict | None = None, model: str = "llamo") -> dict:
    """What `llamo compare --json` prints: `offset_s`, `faults`, and `inputs` as in `llamo ask --json`.

    Args:
        first: the motion that is compared with, a model athlete's for example.
        second: the motion that is judged; times are its own.
        said: what the user says about both files, as `read_file` takes it.
        model: the checkpoint whose Motion Estimator reads videos.

    Raises:
        BadInputError: a file that cannot be read or compared.
    """
    from llamo.processing.motion_comparison_llamo import compare_motions

    check_said([first, second], said)
    (one, one_report), (two, two_report) = read_file(first, said, model), read_file(second, said, model)
    check_used([one_report, two_report], said)
    try:
        result = compare_motions(one.joints, one.fps, two.joints, two.fps)
    except (ValueError, ImportError) as error:
        raise BadInputError(f"{first} and {second}: {error}") from None
    return {**result, "inputs": [one_report, two_report]}


def render(result: dict, as_json: bool) -> str:
    """One JSON object, or a table with the largest difference on top."""
    if as_json:
        return json.dumps(result, ensure_ascii=False)
    one, two = (report["path"] for report in result["inputs"])
    later = "later" if result["offset_s"] >= 0 else "earlier"
    lines = [f"{two} compared with {one}: does the same {abs(result['offset_s']):.2f} s {later}"]
    if not result["faults"]:
        return "\n".join([*lines, "No difference worth naming."])
    for number, fault in enumerate(result["faults"][:MOST_LINES], start=1):
        who = f"{fault['side']} {fault['joint']}" if fault["side"] else fault["joint"]
        lines.append(
            f"{number:>3}. {who:<16}{fault['what']:<14}{fault['difference']:+g} {fault['unit']}, "
            f"{fault['start_s']:.2f}-{fault['end_s']:.2f} s"
        )
    left = len(result["faults"]) - MOST_LINES
    return "\n".join([*lines, f"     and {left} smaller ones (--json lists all)"] if left > 0 else lines)
