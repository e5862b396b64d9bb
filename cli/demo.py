"""`llamo demo`: the browser demo of spaces_demo/, as it runs in a Space, on this machine."""

import importlib.util
import os
import signal
import sys
from pathlib import Path

from llamo.cli.serve import bind
from llamo.cli.session import BadInputError, check_checkpoint


# Beside this folder in the checkout, and installed as well.
FOLDER = Path(__file__).resolve().parents[1] / "spaces_demo"


def run_demo(model: str, host: str, port: int, mcp: bool, library: str | None = None) -> None:
    """Becomes the demo: it prints its address when it is ready, and ends on SIGTERM and Ctrl-C.

    Args:
        library: a folder of clips or a database of `llamo index`, to search on this machine alone.

    Raises:
        BadInputError: no checkpoint, no free address, gradio is not installed, no such library, or one that others could reach.
    """
    check_checkpoint(model)
    needed = ["gradio", *(["mcp"] if mcp else [])]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise BadInputError(f'Expected {missing[0]}, which is not installed. Install it with pip install "llamo[demo]".')
    bind(host, port).close()  # Gradio would tell only after the checkpoint is loaded
    if os.path.isdir(model):
        model = os.path.abspath(model)
    arguments = ["--model", model, "--host", host, "--port", str(port), *(["--mcp"] if mcp else [])]
    # The demo's modules import each other by their bare names, as in a Space: its folder goes first.
    sys.path.insert(0, str(FOLDER))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    spec = importlib.util.spec_from_file_location("llamo_demo_app", FOLDER / "app.py")
    app = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    if library is None:
        app.main(arguments)
        return
    from llamo.cli.library.shelf import Shelf

    try:
        app.check_local(host)
    except ValueError as error:
        raise BadInputError(error) from None
    app.main(arguments, Shelf(library))
