"""The page of `llamo review` and what it asks for, on this machine: the standard library's server around a `Review`.

Whoever opens a page elsewhere cannot reach it through the browser of the person who reviews: requests from other pages and
under other names than those of this machine are refused.
"""

from __future__ import annotations

import json
import mimetypes
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from llamo.cli.library.review import BY_MODEL, FILTERS, UNDECIDED, Review
from llamo.cli.session import BadInputError
from llamo.cli.viewer_page import ASSETS as VIEWER


PAGE = Path(__file__).resolve().parents[1] / "review_page"
# Only what the page itself serves runs in it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data: blob:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LARGEST_BODY = 1 << 20
KEPT_MOTIONS = 6
SHOWN = ("path", "seconds", "caption", "tags", "segments", "warnings", "error", "detailed", "review", BY_MODEL)


class Motions:
    """What the viewer draws of clips, the last few kept; a motion that several ask for is read once."""

    def __init__(self, read: Callable[[str], dict]):
        self.read, self.lock = read, threading.Lock()
        self.kept: OrderedDict[str, list] = OrderedDict()

    def get(self, path: str) -> bytes:
        """The motion as JSON.

        Raises:
            BadInputError: nothing there, or nothing readable.
        """
        with self.lock:
            kept = self.kept.setdefault(path, [threading.Lock(), b""])
            self.kept.move_to_end(path)
            while len(self.kept) > KEPT_MOTIONS:
                self.kept.popitem(last=False)
        with kept[0]:  # a video that takes minutes keeps nobody from other clips
            if not kept[1]:
                try:
                    kept[1] = json.dumps(self.read(path), separators=(",", ":")).encode()
                except BadInputError:
                    raise
                except Exception as error:  # a file may break a reader in ways that nobody thought of
                    raise BadInputError(f"{type(error).__name__}: {error} (while reading {path})") from None
            return kept[1]


class ReviewServer(ThreadingHTTPServer):
    """Serves one review; `options` is what the page needs to know beforehand."""

    daemon_threads = True

    def __init__(self, host: str, port: int, review: Review, read: Callable[[str], dict], options: dict):
        """
        Raises:
            BadInputError: an address that cannot be listened on.
        """
        self.review, self.motions, self.options = review, Motions(read), options
        self.is_local = host in LOOPBACK
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            raise BadInputError(
                f"Expected a free address, got {error} at {host}:{port}. Choose another --port, or end what listens there."
            ) from None

    @property
    def address(self) -> str:
        host, port = self.server_address[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_) -> None:
        """Nothing: the terminal is for what the person has to know."""

    # ---- requests

    def do_GET(self) -> None:
        self.answer(self.get)

    def do_POST(self) -> None:
        self.answer(self.post)

    def answer(self, handle: Callable[[str, dict], tuple[bytes, str] | dict | None]) -> None:
        try:
            self.check_origin()
            url = urlsplit(self.path)
            found = handle(url.path, {name: values[-1] for name, values in parse_qs(url.query).items()})
            if found is None:
                return self.send(404, b'{"error":"Nothing is here."}', "application/json")
            body, kind = found if isinstance(found, tuple) else (json.dumps(found).encode(), "application/json")
            self.send(200, body, kind)
        except BadInputError as error:
            self.send(400, json.dumps({"error": " ".join(str(error).splitlines())}).encode(), "application/json")
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the page has gone on to another clip

    def check_origin(self) -> None:
        """
        Raises:
            BadInputError: a request of another page, or under another name than this machine's.
        """
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        name = urlsplit(f"//{host}").hostname or ""
        if (self.server.is_local and name not in LOOPBACK) or (origin is not None and urlsplit(origin).netloc != host):
            self.close_connection = True
            raise BadInputError("Expected a request of this page, got one from elsewhere. Open the address that was printed.")

    def get(self, path: str, query: dict) -> tuple[bytes, str] | dict | None:
        review = self.server.review
        if path == "/options":
            return self.server.options
        if path == "/clip":  # the clip after another one, or that of a path
            wanted = query.get("filter", UNDECIDED)
            if wanted not in FILTERS:
                raise BadInputError(f"Expected a filter out of {', '.join(FILTERS)}, got {wanted!r}. Load the page again.")
            step = -1 if query.get("step") == "-1" else 1
            chosen = query["path"] if "path" in query else review.find(query.get("after"), step, wanted)
            return self.clip(chosen, wanted)
        if path == "/motion":
            row = review.row(query.get("path", ""))
            try:
                return self.server.motions.get(row["path"]), "application/json"
            except BadInputError as error:  # nobody's mistake on the page
                return {"error": " ".join(str(error).splitlines())}
        return asset(path)

    def post(self, path: str, query: dict) -> dict | None:
        asked = self.body()
        review = self.server.review
        wanted = asked.get("filter") if asked.get("filter") in FILTERS else UNDECIDED
        if path == "/decide":
            given = {name: asked.get(name) for name in ("caption", "tags", "segments")}
            review.decide(str(asked.get("path")), str(asked.get("review")), **given)
            return self.clip(review.find(str(asked.get("path")), 1, wanted), wanted)
        if path == "/undo":
            undone = review.undo()
            if undone is None:
                raise BadInputError("Expected a decision to undo, got none since this review was started. Find the clip.")
            return {**self.clip(undone[0], wanted), "undone": undone[1]}
        return None

    def clip(self, path: str | None, wanted: str) -> dict:
        """What the page shows of a clip, and what comes after it; `row` is None where no clip is in the wanted state."""
        review = self.server.review
        if path is None:
            return {"row": None, "counts": review.counts()}
        row = {name: review.row(path).get(name) for name in SHOWN}
        row |= {"name": Path(path).name, "number": review.place(path), "missing": not review.file_of(path).exists()}
        later = review.find(path, 1, wanted)
        return {"row": row, "counts": review.counts(), "next": None if later == path else later}

    def body(self) -> dict:
        """The JSON object of a request.

        Raises:
            BadInputError: anything else.
        """
        size = self.headers.get("Content-Length", "")
        kind = self.headers.get_content_type()  # a form of another page cannot say this one
        if kind != "application/json" or not size.isdecimal() or int(size) > LARGEST_BODY:
            self.close_connection = True  # the body is not read
            raise BadInputError(f"Expected JSON of at most {LARGEST_BODY} bytes, got {kind} of {size or 'unknown'} bytes.")
        try:
            found = json.loads(self.rfile.read(int(size)))
        except ValueError as error:
            raise BadInputError(f"Expected JSON, got {error}. Load the page again.") from None
        if not isinstance(found, dict):
            raise BadInputError(f"Expected a JSON object, got {type(found).__name__}. Load the page again.")
        return found

    # ---- answers

    def send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        headers |= {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def asset(path: str) -> tuple[bytes, str] | None:
    """A file of the page or of the viewer; no path leads anywhere else."""
    folder, name = (VIEWER, path.removeprefix("/viewer/")) if path.startswith("/viewer/") else (PAGE, path[1:] or "page.html")
    if name not in {file.name for file in folder.iterdir() if file.suffix in (".html", ".js", ".css")}:
        return None
    kind = {".js": "text/javascript"}.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "text/plain"
    return (folder / name).read_bytes(), f"{kind}; charset=utf-8"
