"""How a command fails: one line on stderr and an exit code, 2 for whatever the caller has to change."""

import functools
import sys
from collections.abc import Callable

import typer


def fail(message: object, code: int = 2) -> typer.Exit:
    """Prints one message as one line on stderr; raise what it returns."""
    print(f"llamo: {' '.join(str(message).splitlines())}", file=sys.stderr)
    return typer.Exit(code)


def tells_bad_input(command: Callable) -> Callable:
    """Lets a command end with one line, not a traceback, on bad input."""

    @functools.wraps(command)
    def run(*args, **kwargs):
        from llamo.cli.session import BadInputError

        try:
            return command(*args, **kwargs)
        except BadInputError as error:
            raise fail(error) from None

    return run
