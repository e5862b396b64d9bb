"""The server: routes, and the way of a request from its JSON to an answer, whole or streamed."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from llamo.cli.serving.addresses import Addresses
from llamo.cli.serving.admission import Admission
from llamo.cli.serving.answers import Answer, Wishes
from llamo.cli.serving.batching import Batcher
from llamo.cli.serving.problems import Problem, broken, tell_problems
from llamo.cli.serving.prompts import Prompt, PromptMaker
from llamo.cli.serving.protocol import ChatRequest, Chunks, completion, model_card, usage
from llamo.cli.session import Session


CHAT = "/v1/chat/completions"
READERS = 2  # threads that read files and make features
DEFAULT_TOKENS = 128  # of an answer, where neither the caller nor the checkpoint says
LAST_SECONDS = 5.0  # for the thread that generates, when the server ends


@dataclass(frozen=True)
class Limits:
    """What one server takes on.

    Args:
        max_batch: answers at a time. max_waiting: requests beside them. max_tokens: of an answer. max_bytes: of all files of a
            request.
    """

    max_batch: int = 8
    max_waiting: int = 32
    max_tokens: int = 1024
    max_bytes: int = 64 << 20

    @property
    def max_body(self) -> int:
        """Bytes of a request: base64 makes four of three, and words come along."""
        return self.max_bytes * 4 // 3 + (1 << 20)


class Desk:
    """Takes requests, has their prompts made and their answers generated."""

    def __init__(self, session: Session, name: str, addresses: Addresses, limits: Limits):
        self.session, self.name, self.limits = session, name, limits
        self.maker = PromptMaker(session, addresses, limits.max_bytes)
        self.reading: set[Future] = set()
        self.batcher = Batcher(session, limits.max_batch, lambda: bool(self.reading))
        self.readers = ThreadPoolExecutor(READERS, thread_name_prefix="llamo-read")
        # One of its own: the readers' threads use the other at the same time.
        self.tokenizer = copy.deepcopy(session.processor.tokenizer)
        self.created = int(time.time())

    async def take(self, request: ChatRequest) -> PendingAnswer:
        """A request whose answer is on its way.

        Raises:
            Problem: whatever the caller has to change.
        """
        self.check_model(request.model)
        if request.longest is not None and request.longest > self.limits.max_tokens:
            raise Problem(
                f"Expected max_tokens of at most {self.limits.max_tokens}, got {request.longest}. Ask for less, or start the "
                "server with a larger --max-tokens.",
                param="max_tokens",
            )
        pending = PendingAnswer()
        future = self.readers.submit(self.maker.make, request, lambda: pending.is_wanted)
        self.reading.add(future)
        future.add_done_callback(self.reading.discard)
        try:
            prompt = await asyncio.wrap_future(future)
        except BaseException:
            pending.is_wanted = False
            raise
        wishes = Wishes(self.tokens_for(request, prompt), request.temperature, request.top_p, tuple(request.stop), request.seed)
        pending.answer = Answer(prompt, wishes, self.decode, pending.tell)
        self.batcher.submit(pending.answer)
        return pending

    def check_model(self, name: str) -> None:
        if name != self.name:
            raise Problem(
                f"Expected the model {self.name!r}, got {name[:100]!r}. /v1/models lists it.", 404, "model_not_found", "model"
            )

    def tokens_for(self, request: ChatRequest, prompt: Prompt) -> int:
        """How long the answer to a prompt may become.

        Raises:
            Problem: longer than the language model can read.
        """
        wanted = request.longest or self.session.model.generation_config.max_new_tokens or DEFAULT_TOKENS
        room = self.maker.room
        left = self.limits.max_tokens if room is None else room - prompt.length
        if left < (wanted if request.longest else 1):
            raise Problem(
                f"Expected at most {room} tokens of prompt and answer, got a prompt of {prompt.length} and an answer of up to "
                f"{wanted}. Ask for a shorter answer, or leave older messages out.",
                code="context_length_exceeded",
                param="messages",
            )
        return min(wanted, left, self.limits.max_tokens)

    def decode(self, tokens: list[int]) -> str:
        return self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def close(self) -> bool:
        """Ends all work; whether none is left."""
        self.readers.shutdown(wait=False, cancel_futures=True)
        idle = self.batcher.stop(LAST_SECONDS)
        return idle and not self.reading


class PendingAnswer:
    """An answer, and the pieces of it that have come over from the thread that generates."""

    def __init__(self):
        self.answer: Answer | None = None
        self.is_wanted = True
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()

    def tell(self, piece: str | None) -> None:
        """Called in the thread that generates."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and whoever waited with it
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

    def cancel(self) -> None:
        self.is_wanted = False
        if self.answer is not None:
            self.answer.cancel()

    async def pieces(self) -> AsyncIterator[str]:
        """The text, as it comes.

        Raises:
            Problem: it failed.
        """
        try:
            while (piece := await self._pieces.get()) is not None:
                yield piece
        finally:
            self.cancel()
        if self.answer.finish_reason is None:
            raise self.answer.failure or broken()

    @property
    def usage(self) -> dict:
        return usage(self.answer.prompt.length, self.answer.num_tokens)


def build_app(session: Session, name: str, addresses: Addresses | None = None, limits: Limits | None = None) -> FastAPI:
    """The server around a loaded checkpoint.

    Args:
        name: of the model, as callers know it.
    """
    limits = limits or Limits()
    desk = Desk(session, name, addresses or Addresses(), limits)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI):
        desk.batcher.start()
        yield
        app.state.is_idle = await asyncio.to_thread(desk.close)

    app = FastAPI(title="LLaMo", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.desk, app.state.is_idle = desk, False
    app.add_middleware(
        Admission,
        paths=(CHAT,),
        limit=limits.max_batch + limits.max_waiting,
        max_body=limits.max_body,
        expected_wait=desk.batcher.expected_wait,
    )
    tell_problems(app)

    @app.get("/health")
    async def health() -> Response:
        alive = desk.batcher.is_alive
        state = {
            "status": "ok" if alive else "broken",
            "running": len(desk.batcher.running),
            "waiting": len(desk.batcher.waiting),
        }
        return JSONResponse(state, 200 if alive else 503)

    @app.get("/v1/models")
    async def models() -> dict:
        return {"object": "list", "data": [model_card(desk.name, desk.created)]}

    @app.get("/v1/models/{model:path}")
    async def model(model: str) -> dict:
        desk.check_model(model)
        return model_card(desk.name, desk.created)

    @app.post(CHAT)
    async def chat(body: ChatRequest, request: Request) -> Response:
        identity = f"chatcmpl-{uuid.uuid4().hex}"
        if body.stream:
            pending = await unless_gone(request, desk.take(body))
            with_usage = body.stream_options is not None and body.stream_options.include_usage
            return AnswerStream(pending, Chunks(identity, desk.name, with_usage))
        return JSONResponse(await unless_gone(request, answer_whole(desk, body, identity)))

    return app


async def answer_whole(desk: Desk, body: ChatRequest, identity: str) -> dict:
    pending = await desk.take(body)
    text = "".join([piece async for piece in pending.pieces()])
    answer = pending.answer
    return completion(identity, desk.name, text, answer.finish_reason, pending.usage, answer.prompt.reports)


class AnswerStream(StreamingResponse):
    """Server-sent events. When the client goes, whether or not the first of them was sent, the answer ends."""

    def __init__(self, pending: PendingAnswer, chunks: Chunks):
        super().__init__(events(pending, chunks), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        self.pending = pending

    async def __call__(self, scope, receive, send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.pending.cancel()


async def events(pending: PendingAnswer, chunks: Chunks) -> AsyncIterator[str]:
    try:
        yield event(chunks.start(pending.answer.prompt.reports))
        async for piece in pending.pieces():
            yield event(chunks.text(piece))
        for chunk in chunks.end(pending.answer.finish_reason, pending.usage):
            yield event(chunk)
    except Problem as problem:  # the status has been sent; what is left is to say so in the stream
        yield event(problem.body)
    yield "data: [DONE]\n\n"


def event(data: dict) -> str:
    return f"data: {json.dumps(data)}\n\n"


async def unless_gone(request: Request, work: Awaitable):
    """What `work` gives; it is cancelled when the client goes.

    Raises:
        Problem: the client has gone.
    """
    working, going = asyncio.ensure_future(work), asyncio.ensure_future(disconnected(request))
    try:
        await asyncio.wait({working, going}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Problem("The client has gone.", 499)
        return working.result()
    finally:
        for task in (working, going):
            task.cancel()


async def disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def served_name(model: str) -> str:
    """The name of a checkpoint as callers know it: of a folder its last step, of the Hub the whole name."""
    return os.path.basename(os.path.abspath(model)) if os.path.isdir(model) else model
