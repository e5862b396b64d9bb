"""The code in README.md, model_card.md and docs/: fenced blocks, the commands in them, and whether those commands exist.

A word behind a fence's language says how its block is tested:

    bash, python      it runs, in a folder with a tiny checkpoint `llamo` and small files
    no_run            it needs a network, hours, a Hub or a server: its commands and options exist, its Python compiles
    text output       what the block before it prints
"""

import importlib
import importlib.util
import json
import re
import shlex
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import typer
import yaml
from conftest import ROOT

from llamo.cli.main import app


LANGUAGES = {"bash", "python", "json", "yaml", "text", "mermaid", ""}
MARKS = {"no_run", "output"}
# Programs of others: they set up what is above them, or need what only a user has.
FOREIGN = ("cd", "curl", "docker", "git", "srun")
LAUNCHERS = (("accelerate", "launch"), ("torchrun",), ("python", "-m"))


@dataclass(frozen=True)
class Block:
    """A fenced block: the file it stands in, its first line's number there, its language, what is said of it, and its text."""

    path: Path
    line: int
    language: str
    marks: frozenset[str]
    text: str

    @property
    def where(self) -> str:
        return f"{self.path.name}:{self.line}"


def pages() -> list[Path]:
    """The files whose code is tested."""
    return [ROOT / "README.md", ROOT / "model_card.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(path: Path) -> list[Block]:
    """All fenced blocks of a Markdown file.

    Raises:
        ValueError: a language or a word behind it that no test knows; a fence that is not closed.
    """
    blocks, opened, lines = [], None, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fence = re.match(r"^\s*```(.*)$", line)
        if not fence:
            lines.append(line)
            continue
        if opened is None:
            language, *marks = fence[1].split() or [""]
            opened, lines = (number + 1, language, frozenset(marks)), []
            if language not in LANGUAGES or not opened[2] <= MARKS:
                raise ValueError(
                    f"Expected a language out of {LANGUAGES} and marks out of {MARKS}, got {line!r} at {path}:{number}."
                )
        else:
            blocks.append(Block(path, *opened, "\n".join(lines) + "\n"))
            opened = None
    if opened is not None:
        raise ValueError(f"Expected a closing fence, got the end of {path}, opened in line {opened[0] - 1}.")
    return blocks


def commands_of(text: str) -> list[list[str]]:
    """The commands of a shell block as words, without comments; `a && b` is two.

    Raises:
        ValueError: a quotation that is not closed.
    """
    commands, begun = [], ""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        begun += line
        lexer = shlex.shlex(begun, posix=True, punctuation_chars="&|;")
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # a quotation goes on in the next line
            begun += "\n"
            continue
        begun, command = "", []
        for word in [*words, ";"]:
            if word in ("&&", ";"):
                commands.append(command)
                command = []
            else:
                command.append(word)
    if begun:
        raise ValueError(f"Expected a closing quotation, got {begun!r}.")
    return [words for words in commands if words]


def inline_commands(path: Path) -> list[list[str]]:
    """The words of every `llamo ...` that stands in a line of text."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [code.split()[1:] for code in re.findall(r"`(llamo [a-z][^`]*)`", text)]


def llamo_words(words: list[str]) -> list[str] | None:
    """What follows `llamo`, or `-m llamo.cli.main` after a launcher; None for other commands."""
    if words[0] == "llamo":
        return words[1:]
    return words[words.index("llamo.cli.main") + 1 :] if "llamo.cli.main" in words else None


@cache
def whole_command():
    """`llamo` with all of its commands."""
    return typer.main.get_command(app)


def find_command(words: list[str]):
    """The command that `llamo WORDS` calls, and the words left for it.

    Raises:
        ValueError: no such command.
    """
    command, name, rest = whole_command(), "llamo", list(words)
    while hasattr(command, "commands") and rest[:1] != ["--help"]:
        if not rest or rest[0] not in command.commands:
            raise ValueError(f"Expected a command of {name}, got {' '.join(words)!r}.")
        name = rest.pop(0)
        command = command.commands[name]
    return command, name, rest


def check_options(words: list[str]) -> None:
    """Refuses a command that does not exist, and options that it does not have; the rest may be left out.

    Raises:
        ValueError: which of them.
    """
    if len(words) == 1 and words[0] in ("data", "library"):
        return  # speaks of all commands of the group
    command, name, rest = find_command(words)
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    for word in rest:
        if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known:
            raise ValueError(f"Expected an option of llamo {name}, got {word!r} in {' '.join(words)!r}.")


def check_llamo(words: list[str]) -> None:
    """Parses a whole command line of ours, as the program would.

    Raises:
        ValueError: whatever it would complain about.
    """
    command, name, rest = find_command(words)
    if "--help" in rest:
        return
    try:
        given = command.make_context(name, list(rest)).params
    except Exception as error:  # typer's own, or that of the click it brings
        raise ValueError(f"{' '.join(words)}: {getattr(error, 'format_message', error.__str__)()}") from None
    if name == "train":
        check_recipe(given["recipe"], given["settings"] or [])
    if name == "eval" and given["suite"] is not None:
        from llamo.cli.eval import list_suites

        if given["suite"] not in [line.split()[0] for line in list_suites().splitlines()]:
            raise ValueError(f"Expected a suite of llamo eval, got {given['suite']!r}.")


def check_recipe(name: str, settings: list[str]) -> None:
    """Refuses a recipe that is not there, and settings that its stage would not take."""
    from llamo.train.instruct import TRL, Training
    from llamo.train.recipe import MADE, check_keys, fields_of, read_recipe

    if name == "RECIPE":  # a placeholder
        return
    recipe = read_recipe(ROOT / name, settings)
    stage = recipe.pop("stage")
    if stage in MADE:
        parser = importlib.import_module(f"llamo.train.{stage}").make_parser()
        check_keys(recipe, {action.dest for action in parser._actions})
    else:
        check_keys(recipe, fields_of(Training) | fields_of(*TRL))


def check_command(words: list[str]) -> None:
    """Refuses a command that could not be what it says: ours whole, others as far as this machine can tell.

    Raises:
        ValueError: what is wrong.
    """
    words = words[next(index for index, word in enumerate(words) if not re.match(r"[A-Z_]+=", word)) :]
    words = words[: words.index(">")] if ">" in words else words
    ours = llamo_words(words)
    if ours is not None:
        if words[0] != "llamo" and not any(tuple(words[: len(each)]) == each for each in LAUNCHERS):
            raise ValueError(f"Expected a launcher out of {LAUNCHERS}, got {words}.")
        for option, value in pairwise(words):
            if option == "--config_file" and "FILE" not in value and not (ROOT / value).is_file():
                raise ValueError(f"Expected a file, got nothing at {value!r}.")
        check_llamo(ours)
    elif words[0] == "srun" and "-c" in words:
        for inner in commands_of(words[words.index("-c") + 1]):
            check_command(inner)
    elif words[0] == "make":
        check_make(words[1:])
    elif words[:2] == ["pip", "install"]:
        check_pip(words[2:])
    elif words[:2] == ["python", "-m"]:
        check_module(words[2], words[3:])
    elif words[:2] == ["trl", "sft"]:
        check_trl(words[2:])
    elif words[0] not in FOREIGN:
        raise ValueError(f"Expected a command that a test knows, got {' '.join(words)!r}.")


def check_trl(words: list[str]) -> None:
    from llamo.train.instruct import TRL
    from llamo.train.recipe import fields_of

    unknown = [word for word in words if word.startswith("--") and word[2:] not in {*fields_of(*TRL), "config"}]
    if unknown:
        raise ValueError(f"Expected settings of trl sft, got {', '.join(unknown)}.")


def check_make(words: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for word in words:
        if "=" not in word and word not in targets:
            raise ValueError(f"Expected a target of the Makefile, got {word!r}.")


def check_pip(words: list[str]) -> None:
    """Extras that setup.py has, and files that are there."""
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    extras = set(re.findall(r'^        "([a-z]+)": \[', setup, re.MULTILINE))
    for option, word in zip(["", *words], words):
        if option == "-c" and not (ROOT / word).is_file():
            raise ValueError(f"Expected constraints, got no file {word!r}.")
        asked = re.fullmatch(r"(?:llamo|\.)\[([a-z,]+)\]", word)
        if asked and not set(asked[1].split(",")) <= extras:
            raise ValueError(f"Expected extras out of {sorted(extras)}, got {asked[1]!r}.")


def check_module(name: str, arguments: list[str]) -> None:
    """A module of ours exists and takes these arguments; nothing is known of others, which need not be installed."""
    if not name.startswith("llamo."):
        return
    if importlib.util.find_spec(name) is None:
        raise ValueError(f"Expected a module, got none called {name!r}.")
    module = importlib.import_module(name)
    if hasattr(module, "make_parser"):
        try:
            module.make_parser().parse_args(arguments)
        except SystemExit:
            raise ValueError(f"Expected arguments of {name}, got {arguments}.") from None


def check_block(block: Block) -> None:
    """What can be told about a block without running it.

    Raises:
        ValueError, SyntaxError: what is wrong, with its place.
    """
    try:
        if block.language == "bash":
            for words in commands_of(block.text):
                check_command(words)
        elif block.language == "python":
            compile(block.text, block.where, "exec")
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
    except ValueError as error:
        raise ValueError(f"{block.where}: {error}") from None
