"""Results of `llamo eval` into README.md and a model card; never by hand.

    python -m llamo.train.evaluation.card results/synthetic results/real

README.md and model_card.md get the tables between their result markers, the card also a `model-index` in its front matter,
from which the Hub draws its list of figures. The results themselves are kept as weights/results_SUITE.json, and a test
holds both files against them: `check_figures` finds every figure between the markers that no results.json holds.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from llamo.processing.whole_files_llamo import replace_file

from .results import markdown


HOME = Path(__file__).resolve().parents[2]
KEPT = "weights"  # beside what was judged
MARKERS = ("<!-- results:begin -->", "<!-- results:end -->")  # as in train/initialise.py
NOTES = (
    "Shares of right answers in per cent with 95 % bootstrap intervals over clips. *Blind* is the same model with one motion "
    "without features for all, *shuffled* with another clip's motion, *measured* rules on the joints without any model; *all* "
    "leaves out what no motion answers."
)


def read_results(folders: Sequence[str | Path]) -> list[dict[str, Any]]:
    """The results.json of each folder (or the files themselves).

    Raises:
        ValueError: a folder without one.
    """
    found = []
    for folder in map(Path, folders):
        path = folder if folder.is_file() else folder / "results.json"
        if not path.is_file():
            raise ValueError(f"Expected results.json, got none in {folder}. Run `llamo eval SUITE --out {folder}` first.")
        found.append(json.loads(path.read_text(encoding="utf-8")))
    return found


def section(results: Sequence[dict[str, Any]]) -> str:
    """The tables with the commands that printed them, between the markers."""
    parts = [MARKERS[0], NOTES]
    for one in results:
        command = re.sub(r" --out \S+", "", one["command"])  # where the files lay says nothing
        parts += [f"\n**{one['suite']}** (`{one['protocol']}`), printed by `{command}`:\n", markdown(one)]
        if one.get("warning"):
            parts.append(f"\n{one['warning']}")
    return "\n".join([*parts, MARKERS[1]])


def insert(text: str, made: str, name: str) -> str:
    """The text with what stands between its markers replaced.

    Raises:
        ValueError: a text without both markers.
    """
    begin, end = MARKERS
    if begin not in text or end not in text:
        raise ValueError(f"Expected the markers {begin} and {end}, got a file without them: {name}. Put them back.")
    return text[: text.index(begin)] + made + text[text.index(end) + len(end) :]


def model_index(results: Sequence[dict[str, Any]], name: str = "LLaMo") -> list[dict[str, Any]]:
    """The Hub's `model-index`: one entry a suite, with accuracy over all and by kind, and the suite's own figures."""
    entries = []
    for one in results:
        metrics = [metric("accuracy", "accuracy", one["overall"]["model"])]
        metrics += [metric("accuracy", f"accuracy, {kind}", row["model"]) for kind, row in one["kinds"].items()]
        if one["overall"].get("blind") is not None:
            metrics.append(metric("accuracy", "accuracy without motion", one["overall"]["blind"]))
        entries.append(
            {
                "task": {"type": "image-text-to-text", "name": "Questions about human motion"},
                "dataset": {"name": one["suite"], "type": one["protocol"]},
                "metrics": metrics,
            }
        )
    return [{"name": name, "results": entries}]


def metric(kind: str, name: str, share: float) -> dict[str, Any]:
    return {"type": kind, "name": name, "value": round(100 * share, 1)}


def with_model_index(card: str, results: Sequence[dict[str, Any]]) -> str:
    """A card whose front matter holds the `model-index`; everything else in it stays as it is, line by line.

    Raises:
        ValueError: a card without front matter.
    """
    matter = re.match(r"---\n(.*?\n)---\n", card, re.DOTALL)
    if matter is None:
        raise ValueError("Expected a model card that begins with front matter between lines of ---, got none. Put it back.")
    kept, skipping = [], False
    for line in matter[1].splitlines():
        if line.startswith("model-index:"):
            skipping = True
        elif skipping and line[:1] not in (" ", "-"):
            skipping = False
        if not skipping:
            kept.append(line)
    index = yaml.safe_dump({"model-index": model_index(results)}, sort_keys=False, allow_unicode=True, width=120)
    return "---\n" + "\n".join(kept) + "\n" + index + "---\n" + card[matter.end() :]


def figures_in(text: str) -> Iterator[tuple[str, ...]]:
    """The rows of all tables between the markers, cell by cell."""
    begin, end = MARKERS
    for line in text[text.index(begin) : text.index(end)].splitlines():
        if line.startswith("| ") and re.search(r"\d", line):
            yield tuple(cell.strip() for cell in line.strip("|").split("|"))


def check_figures(text: str, results: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Rows of the tables between a text's markers that are not what the results say; none where all is well."""
    true = set(figures_in(section(results)))
    return [row for row in figures_in(text) if row not in true]


def kept_results(home: Path = HOME) -> list[dict[str, Any]]:
    """The results that README and card show, in the order of their tables."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((home / KEPT).glob("results_*.json"))]


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m llamo.train.evaluation.card", description=__doc__.split("\n")[0])
    parser.add_argument("results", nargs="+", help="folders of `llamo eval`, or their results.json")
    parser.add_argument("--into", nargs="*", default=["README.md", "model_card.md"], help="files with result markers")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    arguments = make_parser().parse_args(argv)
    results = read_results(arguments.results)
    for old in (HOME / KEPT).glob("results_*.json"):
        old.unlink()
    for one in results:
        kept = json.dumps(one, indent=1, ensure_ascii=False) + "\n"
        replace_file(HOME / KEPT / f"results_{one['suite']}.json", kept.encode())
    for name in arguments.into:
        path = HOME / name
        text = insert(path.read_text(encoding="utf-8"), section(results), name)
        if text.startswith("---\n"):
            text = with_model_index(text, results)
        replace_file(path, text.encode())
        print(f"{name}: {sum(one['n'] for one in results)} questions of {', '.join(one['suite'] for one in results)}")


if __name__ == "__main__":
    main()
