"""What goes wrong, told in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}` with the status that fits."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response


LONGEST_WORD = 60  # characters of the caller's own input in a message
TYPES = {429: "rate_limit_error"}


class Problem(Exception):
    """A request that is not answered.

    Args:
        message: expected, got, where, what to do.
        status: of the answer. code: OpenAI's word for it, where there is one. param: the field that is at fault.
        retry_after: seconds after which to try again.
    """

    def __init__(
        self,
        message: str,
        status: int = 400,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ):
        super().__init__(message)
        self.message, self.status, self.code, self.param, self.retry_after = message, status, code, param, retry_after

    @property
    def body(self) -> dict:
        kind = "server_error" if self.status >= 500 else TYPES.get(self.status, "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> Response:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        # ASCII: the caller's own words may hold half a character, which UTF-8 has no bytes for.
        return Response(json.dumps(self.body), self.status, headers, "application/json")


def tell_problems(app: FastAPI) -> None:
    """Lets every failure of an app answer in this shape."""

    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def bad_request(request: Request, error: RequestValidationError) -> Response:
        return from_validation(error).response()

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        asked = f"{request.method} {request.url.path}"[: 2 * LONGEST_WORD]
        message = f"Expected a request that this server knows, got {asked}: {error.detail}. /openapi.json lists what there is."
        return Problem(message, error.status_code).response()

    @app.exception_handler(Exception)
    async def failure(request: Request, error: Exception) -> Response:
        return broken().response()


def broken() -> Problem:
    """What a caller is told about a fault of the server's own; what it was is in the server's log."""
    message = "Expected an answer, got an error inside of the server. Try again; if it stays, look into the server's log."
    return Problem(message, 500, "internal_error")


def from_validation(error: RequestValidationError) -> Problem:
    """The first fault that was found in a request."""
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        detail = fault.get("ctx", {}).get("error", "")
        return Problem(f"Expected JSON in the body, got something else: {detail}. Correct the body of the request.")
    place = place_of(fault["loc"], error.body)
    if fault["type"] == "extra_forbidden":
        return Problem(
            f"Expected parameters that this server knows, got {place!r}. Leave it out, or check its spelling.",
            code="unknown_parameter",
            param=place,
        )
    reason = str(fault["msg"])[: 4 * LONGEST_WORD]
    message = f"Expected a request as in OpenAI's chat completions, got {show(fault.get('input'))} at {place or 'the body'}: "
    return Problem(f"{message}{reason}. Correct it.", param=place or None)


def place_of(location: tuple, body: Any) -> str:
    """Where a fault is, as the caller wrote it: pydantic also names the kinds of messages and parts on the way."""
    steps = [step for step in location if step != "body"]
    place, here = [], body
    for number, step in enumerate(steps):
        inside = step in here if isinstance(here, dict) else isinstance(here, list) and isinstance(step, int)
        if inside and not (isinstance(here, list) and step >= len(here)):
            here = here[step]
            place.append(str(step))
        elif number == len(steps) - 1 and isinstance(here, dict):
            place.append(str(step))  # what is missing
    return ".".join(place)


def show(value: Any) -> str:
    """A short form of what the caller wrote."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    text = repr(value[:LONGEST_WORD] if isinstance(value, str) else value)
    return text if len(text) <= 2 * LONGEST_WORD else text[: 2 * LONGEST_WORD] + "..."
