"""How many requests a server takes on, how large they may be and how slowly they may come: told before they cost anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from llamo.cli.serving.problems import Problem


LONGEST_UPLOAD = 120.0  # s for the body of a request
LONGEST_REFUSAL = 10.0  # s in which the body of one that is refused is read and dropped
HELD = 4  # bodies of full size that are in memory at a time
MAX_MARKS = 200_000  # commas and brackets of a body: a million small things take far more memory than their JSON


class Admission:
    """ASGI middleware for the paths that cost something.

    Args:
        app: what is behind it. paths: where it watches. limit: requests at a time, from their first byte to the last one of
            their answer. max_body: bytes. expected_wait: seconds after which those who are turned away may try again.
    """

    def __init__(self, app, paths: tuple[str, ...], limit: int, max_body: int, expected_wait: Callable[[], int]):
        self.app, self.paths, self.limit, self.max_body, self.expected_wait = app, paths, limit, max_body, expected_wait
        self.taken = self.held = 0  # requests, and bytes of their bodies

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or scope["path"] not in self.paths or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        body = Body(receive)
        try:
            if self.taken >= self.limit:
                raise self._full(f"{self.taken} requests that are being answered or wait")
            self.taken += 1
            try:
                await self._read(body, announced(scope))
                await self.app(scope, body.replay, send)
            finally:
                self.taken -= 1
                self.held -= body.held
        except Problem as problem:
            await body.drop(2 * self.max_body)  # a client that is still sending would not see the answer
            await problem.response()(scope, receive, send)

    async def _read(self, body: Body, size: int) -> None:
        """Reads a body, within all limits.

        Raises:
            Problem: too large, too slow, given up, or too much together with those of others.
        """
        if size > self.max_body:
            raise self._too_large()
        if self.held + size > HELD * self.max_body:
            raise self._full("large files of others")
        end = asyncio.get_running_loop().time() + LONGEST_UPLOAD
        while not body.is_whole:
            try:
                came = await asyncio.wait_for(body.next(), end - asyncio.get_running_loop().time())
            except asyncio.TimeoutError:
                message = f"Expected the whole request within {LONGEST_UPLOAD:g} s, got a part of it. Send less, or faster."
                raise Problem(message, 408) from None
            self.held += came
            body.held += came
            if body.size > self.max_body:
                raise self._too_large()
            if self.held > HELD * self.max_body:
                raise self._full("large files of others")
        if body.count(b",", b"[", b"{") > MAX_MARKS:
            raise Problem(f"Expected at most {MAX_MARKS:,} commas and brackets in a request, got more. Encode files as base64.")

    def _full(self, got: str) -> Problem:
        message = f"Expected a free place, got {got}. Try again later."
        return Problem(message, 429, "rate_limit_exceeded", retry_after=self.expected_wait())

    def _too_large(self) -> Problem:
        return Problem(
            f"Expected a request of at most {self.max_body:,} bytes, got more. Send smaller files, name files instead of "
            "sending them, or start the server with a larger --max-mb.",
            413,
            "request_too_large",
        )


def announced(scope) -> int:
    """Bytes of a body as its header says, 0 where it does not."""
    size = dict(scope["headers"]).get(b"content-length", b"")
    return int(size) if size.isdigit() else 0


class Body:
    """The body of a request, as it comes.

    Attributes:
        size: bytes so far. held: those that count as held in memory. is_whole: whether there are no more.
    """

    def __init__(self, receive):
        self._receive, self._pieces = receive, []
        self.size = self.held = 0
        self.is_whole = False

    async def next(self) -> int:
        """Reads on; how many bytes came.

        Raises:
            Problem: the client has gone.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.is_whole = True
            raise Problem("The client has gone.", 499)
        piece = message.get("body", b"")
        self._pieces.append(piece)
        self.size += len(piece)
        self.is_whole = not message.get("more_body")
        return len(piece)

    def count(self, *marks: bytes) -> int:
        """How often bytes occur."""
        return sum(piece.count(mark) for piece in self._pieces for mark in marks)

    async def replay(self) -> dict:
        """An ASGI `receive` that brings the body once more, and then whatever comes."""
        if self._pieces is None:
            return await self._receive()
        pieces, self._pieces = self._pieces, None
        return {"type": "http.request", "body": b"".join(pieces), "more_body": False}

    async def drop(self, most: int) -> None:
        """Reads what is still coming and keeps nothing of it; gives up after so many bytes, and on slow ones."""

        async def rest() -> None:
            left = most
            while left > 0 and not self.is_whole:
                self._pieces = []
                left -= await self.next()

        try:
            await asyncio.wait_for(rest(), LONGEST_REFUSAL)
        except (asyncio.TimeoutError, Problem):
            return
