"""Put the figures of an evaluation between the result markers of README.md and model_card.md; never by hand.

python -m llamo.train.report results.json
"""

import argparse
import json
import re
from pathlib import Path

from llamo.train.evaluate import markdown
from llamo.train.initialise import HOME, RESULT_MARKERS


def results_section(results: dict) -> str:
    """The table and the command that printed it, as Markdown between the markers."""
    begin, end = RESULT_MARKERS
    table = markdown(results["rows"])
    command = re.sub(r" --out \S+", "", results["command"])  # where the file lay says nothing
    notes = (
        "Accuracy with 95 % intervals. *Blind* is the same model with the motion zeroed, *shuffled* with another clip's "
        "motion. Procedural clips are generated with bodies, styles and ranges kept from training; recorded ones are the "
        "`val` clips of the recorded sets (whole and in windows)."
    )
    return f"{begin}\n{notes}\nPrinted by `{command}`.\n\n{table}\n{end}"


def insert(path: Path, section: str) -> None:
    """Replaces what stands between the markers of `path`.

    Raises:
        ValueError: a file without both markers.
    """
    text = path.read_text(encoding="utf-8")
    begin, end = RESULT_MARKERS
    if begin not in text or end not in text:
        raise ValueError(f"Expected the markers {begin} and {end}, got a file without them: {path}. Put them back.")
    path.write_text(text[: text.index(begin)] + section + text[text.index(end) + len(end) :], encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", help="results.json of llamo.train.evaluate")
    section = results_section(json.loads(Path(parser.parse_args().results).read_text(encoding="utf-8")))
    for name in ("README.md", "model_card.md"):
        insert(HOME / name, section)


if __name__ == "__main__":
    main()
