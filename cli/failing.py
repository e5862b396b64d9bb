"""How a command fails: one line on stderr and an exit code, 2 for whatever the caller has to change."""

import functools
import sys
from collections.abc import Callable

import typer


def fail(message: object, code: int = 2) -> typer.Exit:
    """Prints one message as one line on stderr; raise what it returns."""
    print(f"llamo: {' '.join(tell(message).splitlines())}", file=sys.stderr)
    return typer.Exit(code)


def tell(message: object) -> str:
    """A message in words. What the operating system says of a file is turned into those of the other errors."""
    inner = message.args[0] if isinstance(message, Exception) and len(message.args) == 1 else message
    error = inner if isinstance(inner, OSError) else message
    if not isinstance(error, OSError):
        return str(message)
    if isinstance(error, FileNotFoundError) and error.errno is None:  # a library's, which names the file alone
        return f"Expected a file, got nothing at {str(error)!r}. Check the path."
    if error.filename is None or error.strerror is None:
        return str(message)
    reason = "nothing there" if isinstance(error, FileNotFoundError) else error.strerror[:1].lower() + error.strerror[1:]
    return f"Expected a path that can be used, got {reason} at {str(error.filename)!r}. Check the path and its permissions."


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
