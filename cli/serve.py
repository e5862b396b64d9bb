"""`llamo serve`: a checkpoint behind an address that speaks OpenAI's chat completions."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
from collections.abc import Sequence

from llamo.cli.session import BadInputError, check_checkpoint, open_session


GRACE = 10  # s that answers in progress have when the server is told to end


def run_server(
    model: str,
    host: str,
    port: int,
    allow_folders: Sequence[str] = (),
    allow_http: bool = False,
    max_batch: int = 8,
    max_waiting: int = 32,
    max_tokens: int = 1024,
    max_mb: int = 64,
    device: str | None = None,
    dtype: str = "auto",
) -> None:
    """Serves until SIGTERM or Ctrl-C; prints its address when it is ready.

    Raises:
        BadInputError: no checkpoint, no free address, a folder that is not there, or the extra is not installed.
    """
    missing = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise BadInputError(f'Expected {missing[0]}, which is not installed. Install it with pip install "llamo[serve]".')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    check_checkpoint(model)
    listening = bind(host, port)

    import uvicorn

    from llamo.cli.serving.addresses import Addresses
    from llamo.cli.serving.application import Limits, build_app, served_name

    addresses = Addresses(allow_folders, allow_http)
    session, _, _ = open_session(model, [], device=device, dtype=dtype)
    app = build_app(session, served_name(model), addresses, Limits(max_batch, max_waiting, max_tokens, max_mb << 20))

    class Announcing(uvicorn.Server):
        """Says where it is as soon as it listens."""

        async def startup(self, sockets=None) -> None:
            await super().startup(sockets)
            if self.started:
                print(f"LLaMo listens on {address_of(listening)}", flush=True)

    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE, ws="none")
    try:
        Announcing(config).run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    except SystemExit as end:  # what SIGTERM becomes, once the answers in progress are through
        if end.code:
            raise
    finally:
        listening.close()
    if not app.state.is_idle:
        # A thread is still at work, a long video for example. It cannot be interrupted, and would be waited for.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def bind(host: str, port: int) -> socket.socket:
    """A bound socket, before anything heavy is loaded; nobody is let in before the server listens on it.

    Raises:
        BadInputError: the address is taken, or not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, kind, protocol)
        if os.name == "posix":  # elsewhere it would let two programs share the address
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        reason = error.strerror or error
        raise BadInputError(
            f"Expected a free address, got {host}:{port} ({reason}). Choose another --port or --host."
        ) from None
    return listening


def address_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
