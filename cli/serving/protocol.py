"""OpenAI's chat completions as this server understands them: what comes in, strictly, and what goes out.

A parameter that would change the answer and is not known here is refused, never ignored.
"""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


Count = Annotated[int, Field(ge=0, lt=2**31)]
Strings = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=4)]


class Strict(BaseModel):
    """Unknown fields fail; a field that is null is as one that was left out."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def leave_out_nulls(cls, data: Any) -> Any:
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class TextPart(Strict):
    type: Literal["text"]
    text: str


class MotionUrl(Strict):
    """A motion file, and what the caller says about it, as `read_motion` takes it. `asf` is the address of an AMC's ASF."""

    url: str
    format: str | None = None
    fps: float | None = None
    units: str | float | None = None
    up_axis: str | None = None
    joint_map: dict[str, str | int | list[str | int]] | None = None
    asf: str | None = None
    skeleton: str | None = None
    animation: str | int | None = None
    mean: list[float] | None = None
    std: list[float] | None = None


class MotionPart(Strict):
    type: Literal["motion_url"]
    motion_url: MotionUrl


class VideoUrl(Strict):
    """A video file. `of`, `offset_s`, `person` and `box` are as in the processor's video parts."""

    url: str
    fps: float | None = None
    person: Annotated[int, Field(ge=1)] | None = None
    box: Annotated[list[float], Field(min_length=4, max_length=4)] | None = None
    of: Count | None = None
    offset_s: float | None = None


class VideoPart(Strict):
    type: Literal["video_url"]
    video_url: VideoUrl


class Message(Strict):
    name: str | None = None

    @field_validator("content", mode="before", check_fields=False)
    @classmethod
    def as_parts(cls, content: Any) -> Any:
        return [{"type": "text", "text": content}] if isinstance(content, str) else content


class SystemMessage(Message):
    role: Literal["system", "developer"]
    content: list[TextPart]


class UserMessage(Message):
    role: Literal["user"]
    content: Annotated[list[Annotated[TextPart | MotionPart | VideoPart, Field(discriminator="type")]], Field(min_length=1)]


class AssistantMessage(Message):
    """As the client got it: what other models may say beside the text is empty here."""

    role: Literal["assistant"]
    content: list[TextPart] = []
    annotations: Annotated[list, Field(max_length=0)] = []


class StreamOptions(Strict):
    include_usage: bool = False
    include_obfuscation: bool = False  # pads chunks against eavesdroppers; nothing to leave out


class ResponseFormat(Strict):
    type: Literal["text"]


class ChatRequest(Strict):
    """The body of a request. By default answers are the likeliest ones (temperature 0), as everywhere in LLaMo."""

    model: str
    messages: Annotated[
        list[Annotated[SystemMessage | UserMessage | AssistantMessage, Field(discriminator="role")]], Field(min_length=1)
    ]
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    stop: Strings = []
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    # Only what they are anyway.
    n: Literal[1] = 1
    logprobs: Literal[False] = False
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] = 0.0
    presence_penalty: Annotated[float, Field(ge=0, le=0)] = 0.0
    response_format: ResponseFormat | None = None
    # Without an influence on the answer.
    user: str | None = None
    metadata: dict[str, str] | None = None
    store: Literal[False] = False

    @field_validator("stop", mode="before")
    @classmethod
    def as_list(cls, stop: Any) -> Any:
        return [stop] if isinstance(stop, str) else stop

    @property
    def longest(self) -> int | None:
        """Tokens of the answer at most, where the caller says so, under the newer name or the older one."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens


def usage(prompt_tokens: int, completion_tokens: int) -> dict:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


def completion(name: str, model: str, text: str, finish_reason: str, used: dict, inputs: list[dict]) -> dict:
    """A whole answer. `llamo.inputs`, which OpenAI does not have, says what was found and assumed in each motion."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    found = {"llamo": {"inputs": inputs}}
    return {**head(name, "chat.completion", model), "choices": [choice], "usage": used, **found}


class Chunks:
    """The pieces of an answer that is streamed, in order."""

    def __init__(self, name: str, model: str, with_usage: bool):
        self.head = head(name, "chat.completion.chunk", model)
        self.with_usage = with_usage

    def start(self, inputs: list[dict]) -> dict:
        return {**self._choice({"role": "assistant", "content": ""}), "llamo": {"inputs": inputs}}

    def text(self, piece: str) -> dict:
        return self._choice({"content": piece})

    def end(self, finish_reason: str, used: dict) -> list[dict]:
        last = [{**self.head, "choices": [], "usage": used}] if self.with_usage else []
        return [self._choice({}, finish_reason), *last]

    def _choice(self, delta: dict, finish_reason: str | None = None) -> dict:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self.head, "choices": [choice], **({"usage": None} if self.with_usage else {})}


def head(name: str, kind: str, model: str) -> dict:
    return {"id": name, "object": kind, "created": int(time.time()), "model": model}


def model_card(model: str, created: int) -> dict:
    return {"id": model, "object": "model", "created": created, "owned_by": "llamo"}
