"""Which Pythons and which transformers a built wheel or sdist works with: a table, one row for each pair.

    python -m build
    python benchmarks/install_matrix.py dist/llamo-0.1.0-py3-none-any.whl --python python3.11 --transformers pinned newest

Every Python gets an environment of its own and the package with the versions of constraints.txt (`pinned`); for the other rows
transformers, and what it needs, is exchanged. A row works if `llamo measure` and `llamo ask` do, on the package's own example,
with the checkpoint of --model, or else with one that `llamo init` makes (this needs a network that reaches PyPI).
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
# What other versions of transformers may ask for in other versions.
GOES_ALONG = ("transformers", "huggingface-hub", "tokenizers", "hf-xet")
# Where the installed package keeps it.
EXAMPLE = "import llamo; print(list(llamo.__path__)[0] + '/examples/squats.bvh')"
SEPARATOR = "|---|---|---|---|"


@dataclass
class Row:
    """What became of one pair: versions as they were installed, the outcome in words, and seconds that it took."""

    python: str
    transformers: str
    outcome: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"| {self.python} | {self.transformers} | {self.outcome} | {self.seconds:.0f} |"


class CommandError(Exception):
    """A command that failed; the message is what it said last."""


def run(*command: str | Path, cwd: Path | None = None, limit: float = 1800.0) -> str:
    """What a command prints.

    Raises:
        CommandError: it ends with an error, or takes longer than `limit` seconds.
    """
    try:
        done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        raise CommandError(f"{Path(command[0]).name} took more than {limit:.0f} s") from None
    if done.returncode:
        raise CommandError(last_words(done.stderr or done.stdout))
    return done.stdout.strip()


def last_words(text: str) -> str:
    """The last line that says something, short enough for a table."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    return (errors[-1] if errors else "no message").replace("|", "/")[:160]


def constraints_without(names: tuple[str, ...]) -> str:
    """constraints.txt without the lines of `names`."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if re.split(r"[=<>! ]", line)[0] not in names) + "\n"


def pinned_torch() -> str:
    return re.search(r"^torch==\S+", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)[0]


def check(scripts: Path, folder: Path, model: Path | None) -> None:
    """Measures and asks with what is installed.

    Raises:
        CommandError: something of it does not work.
    """
    example = run(scripts / "python", "-c", EXAMPLE, cwd=folder)
    if '"repetitions"' not in run(scripts / "llamo", "measure", example, "--json", cwd=folder):
        raise CommandError("llamo measure printed no measurements")
    if model is None:
        model = folder / "llamo"
        if not model.is_dir():
            run(scripts / "llamo", "init", "--out", model, cwd=folder)
    said = run(scripts / "llamo", "ask", example, "What is the person doing?", "--model", model, cwd=folder)
    if not re.search(r"^Answer: +\S", said, re.MULTILINE):
        raise CommandError("llamo ask printed no answer")


def rows_of(python: str, package: Path, wanted: list[str], model: Path | None, folder: Path):
    """Yields a row for each version of transformers in one environment of `python`."""
    found = shutil.which(python)
    if found is None:
        yield from (Row(python, name, "not at hand") for name in wanted)
        return
    scripts = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    pip = (scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    version, started = python, time.perf_counter()
    try:
        version = run(found, "-c", "import platform; print(platform.python_version())")
        run(found, "-m", "venv", folder / "env")
        run(*pip, pinned_torch())
        run(*pip, "-c", CONSTRAINTS, package)
    except CommandError as error:
        yield from (Row(version, name, f"cannot be installed: {error}", time.perf_counter() - started) for name in wanted)
        return
    loose = folder / "constraints.txt"
    loose.write_text(constraints_without(GOES_ALONG), encoding="utf-8")
    for name in wanted:
        shown = name
        try:
            if name != "pinned":
                asked = "transformers" if name == "newest" else f"transformers=={name}"
                run(*pip, "--upgrade", "-c", loose, package, asked)
            code = "from importlib.metadata import version; print(version('transformers'))"
            shown = f"{run(scripts / 'python', '-c', code)} ({name})"
            check(scripts, folder, model)
            outcome = "works"
        except CommandError as error:
            outcome = f"fails: {error}"
        yield Row(version, shown, outcome, time.perf_counter() - started)
        started = time.perf_counter()


def main(arguments: list[str] | None = None) -> int:
    options = make_parser().parse_args(arguments)
    package = options.package.resolve()
    if not package.is_file():
        raise SystemExit(f"Expected a wheel or an sdist, got nothing at {package}. Run `python -m build` first.")
    print(f"{package.name}, {pinned_torch()}\n\n| Python | transformers | outcome | seconds |\n{SEPARATOR}", flush=True)
    failed = 0
    for python in options.python:
        with tempfile.TemporaryDirectory(prefix="llamo-matrix-") as folder:
            model = None if options.model is None else options.model.resolve()
            for row in rows_of(python, package, options.transformers, model, Path(folder)):
                failed += row.outcome not in ("works", "not at hand")
                print(row, flush=True)
    return min(failed, 1)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the built wheel or sdist")
    parser.add_argument("--python", nargs="+", default=["python3.10", "python3.11", "python3.12", "python3.13"])
    parser.add_argument("--transformers", nargs="+", default=["pinned", "newest"], help="pinned, newest, or a version")
    parser.add_argument("--model", type=Path, default=None, help="a checkpoint to ask, instead of making one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
