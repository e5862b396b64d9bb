"""What is wrong with a command line, in the words of the other errors: one line with expected, got, where and what to do."""

import difflib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from typer.core import TyperGroup

from llamo.cli.failing import fail


# typer brings its own copy of click, older ones take the one that is installed: known by name, and by what is public of it.
UsageError = typer.BadParameter.__base__
WORDS = "llamo.words"  # where the context keeps the command line


class Commands(TyperGroup):
    """The commands of `llamo`; whatever does not fit them ends with one line and exit code 2."""

    def make_context(self, info_name, args, parent=None, **extra):
        words = list(args)
        with one_line(self, words):
            # However the program is started, `accelerate launch -m llamo.cli.main` for example, it is called this.
            context = super().make_context("llamo", args, parent, **extra)
        context.meta[WORDS] = words
        return context

    def invoke(self, ctx):
        with one_line(self, ctx.meta[WORDS]):
            return super().invoke(ctx)


@contextmanager
def one_line(commands: Commands, words: list[str]) -> Iterator[None]:
    """Ends the program on a usage error. The help that a call without arguments gets is none."""
    try:
        yield
    except UsageError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        raise fail(tell(error, commands, words)) from None


def tell(error, commands: Commands, words: list[str]) -> str:
    """The message of a usage error.

    Args:
        error: typer's. commands: those of `llamo`.
        words: the whole command line behind `llamo`.
    """
    context = error.ctx
    command = called(commands, words) if context is None else context.command_path
    parameter = getattr(error, "param", None)
    kind, message = type(error).__name__, error.format_message()
    see = f"See {command} --help."
    if kind == "MissingParameter" and parameter is not None:
        name = flag(parameter) if parameter.param_type_name == "option" else value_name(parameter)
        if parameter.param_type_name == "option":
            return f"Expected {name} for {command}, got none. Add {name} {value_name(parameter)}; see {command} --help."
        return f"Expected {name} for {command}, got none. Write: {usage(context)}"
    if kind == "NoSuchOption":
        short = not error.option_name.startswith("--")  # of a word with one dash, typer names the first letter
        got = next((word for word in words if short and word.startswith(error.option_name)), error.option_name)
        return f"Expected an option of {command}, got {got!r}. {guess_option(error, words)}{see}"
    if kind == "BadOptionUsage":
        name = getattr(error, "option_name", "the option")
        if "does not take" in message:
            return f"Expected {name} alone, got a value with it in {command}. Write {name} without =; see {command} --help."
        return f"Expected a value behind {name}, got none in {command}. Add it; see {command} --help."
    if kind == "BadParameter" and parameter is not None:
        name = flag(parameter) if parameter.param_type_name == "option" else value_name(parameter)
        return f"{wanted(error, name)} in {command}. Correct it; see {command} --help."
    if found := re.match(r"No such command '(.*?)'", message):
        return f"Expected a command of {command}, got {found[1]!r}. {guess_command(found[1], context)}{see}"
    if found := re.match(r"Got unexpected extra argument\S*(?: s)? \((.*)\)", message):
        more = f"got {found[1]!r} as well. Put what has spaces in quotes. Write: {usage(context)}"
        return f"Expected nothing more for {command}, {more}"
    if message.startswith("Missing command"):
        return f"Expected a command of {command}, got none. {see}"
    return f"Expected a command line that {command} takes, got this: {message.rstrip('.')}. {see}"


def called(commands: Commands, words: list[str]) -> str:
    """The command that a command line calls, where the error does not know it: "llamo data show"."""
    names, group = ["llamo"], commands
    for word in words:
        group = getattr(group, "commands", {}).get(word)
        if group is None:
            break
        names.append(word)
    return " ".join(names)


def wanted(error, name: str) -> str:
    """What a value should have been and what it was: "Expected --person to be a valid integer, got 'two'"."""
    message = error.message
    fits = re.match(r"Input should be (.*?)(?:, unable to .*)?$", message)
    details = getattr(error.__cause__, "errors", None)
    got = details()[0].get("input") if callable(details) else None
    if fits:
        return f"Expected {name} to be {fits[1]}, got {'another value' if got is None else repr(got)}"
    return f"Expected another value of {name}, got one that is none: {message.rstrip('.')}"


def guess_option(error, words: list[str]) -> str:
    """A hint for an option that is none: one that is alike, or that a file's name begins with a dash."""
    files = [word for word in words if word.startswith("-") and os.path.exists(word)]
    if files:
        return f"A file whose name begins with a dash is written ./{files[0]}. "
    known = [name for each in error.ctx.command.params for name in each.opts] if error.ctx else error.possibilities or []
    return alike(error.option_name, [name for name in known if name.startswith("-")])


def guess_command(name: str, context) -> str:
    """A hint for a command that is none: those that are alike, or `ask` where it is a file."""
    if os.path.isfile(name) and context.parent is None:
        return f"To ask about a file, write: {context.command_path} ask {name} QUESTION. "
    return alike(name, [name for name, command in context.command.commands.items() if not command.hidden])


def alike(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=2, cutoff=0.6)
    return f"Did you mean {' or '.join(near)}? " if near else ""


def flag(parameter) -> str:
    """The long spelling of an option."""
    return max(parameter.opts, key=len)


def value_name(parameter) -> str:
    """What help calls a parameter's value: FILE."""
    return parameter.metavar or parameter.name.upper()


def usage(context) -> str:
    """How a command is called, with what it needs: "llamo measure FILE [OPTIONS]"."""
    parts = [context.command_path]
    for parameter in context.command.params:
        if parameter.param_type_name == "argument":
            name = value_name(parameter)
            parts.append(name if parameter.required or name.startswith("[") else f"[{name}]")
        elif parameter.required:
            parts.append(f"{flag(parameter)} {value_name(parameter)}")
    return " ".join([*parts, "[OPTIONS]"])
