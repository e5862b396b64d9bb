"""A request's messages -> the tensors of a prompt; several prompts -> those of one batch.

Files are read and features made in the caller's threads, so that the thread that generates never waits for them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llamo.cli.serving.addresses import AddressError, Addresses, Budget, label
from llamo.cli.serving.problems import Problem
from llamo.cli.serving.protocol import ChatRequest, MotionPart, TextPart, VideoPart
from llamo.cli.session import BadInputError, Session, file_report


MAX_MEDIA = 16  # motions and videos of one request
LONGEST_TOKEN = 32  # characters; a text with more than that for each token of the context is not even tokenised
MAX_FRAMES = 72_000  # of all motions of a batch, as padded: an hour at 20 frames per second
PAIRED = ("motion_values", "motion_attention_mask")
SEEN = ("pixel_values_videos", "video_attention_mask", "video_times")


@dataclass
class Prompt:
    """A prompt, ready to go into a batch.

    Attributes:
        tensors: `input_ids`, `attention_mask` `(1, length)`, and `motion_values` `(num_motions, num_frames, motion_dim)` and so
            on where there is motion.
        reports: what was found in each motion (`file_report`).
    """

    tensors: dict[str, Any]
    reports: list[dict]

    @property
    def length(self) -> int:
        return self.tensors["input_ids"].shape[1]

    @property
    def motions(self) -> tuple[int, int]:
        """How many motions, and frames of the longest."""
        return tuple(self.tensors["motion_values"].shape[:2]) if "motion_values" in self.tensors else (0, 0)


class PromptMaker:
    """Makes prompts; several threads may do so at a time.

    Args:
        session: the loaded checkpoint. addresses: what may be read. max_bytes: of all files of a request.

    Attributes:
        room: tokens of prompt and answer that the language model can read; None where it does not say.
    """

    def __init__(self, session: Session, addresses: Addresses, max_bytes: int):
        self.session, self.addresses, self.max_bytes = session, addresses, max_bytes
        self.rendering, self.estimating = threading.Lock(), threading.Lock()
        self.room = getattr(session.model.config.get_text_config(), "max_position_embeddings", None)
        reader = session.processor.motion_processor
        reader.max_file_bytes = min(reader.max_file_bytes, max_bytes)  # also of what a small file unpacks to

    def make(self, request: ChatRequest, is_wanted: Callable[[], bool] = lambda: True) -> Prompt:
        """Reads, renders, tokenises.

        Args:
            is_wanted: asked between files; whether anybody still waits for the prompt.

        Raises:
            Problem: whatever the caller has to change.
        """
        budget = Budget(self.max_bytes)
        if request.messages[-1].role != "user":
            raise Problem(
                f"Expected a user message at the end, got one of the {request.messages[-1].role}. Put the question last.",
                param="messages",
            )
        letters = sum(len(part.text) for message in request.messages for part in message.content if isinstance(part, TextPart))
        if self.room is not None and letters > LONGEST_TOKEN * self.room:
            raise Problem(
                f"Expected at most {self.room} tokens of prompt and answer, got {letters:,} characters of text. Leave older "
                "messages out.",
                code="context_length_exceeded",
                param="messages",
            )
        num = sum(is_medium(part) for message in request.messages for part in message.content)
        if num > MAX_MEDIA:
            raise Problem(
                f"Expected at most {MAX_MEDIA} motions and videos in a request, got {num}. Ask about fewer at a time.",
                param="messages",
            )
        messages, reports = [], {}
        for i, message in enumerate(request.messages):
            role = "system" if message.role == "developer" else message.role
            parts = []
            for j, part in enumerate(message.content):
                if isinstance(part, TextPart):
                    parts.append({"type": "text", "text": part.text})
                    continue
                if not is_wanted():
                    raise Problem("The client has gone.", 499)
                where = f"messages.{i}.content.{j}"
                parts.append(at(where, self.read_motion if isinstance(part, MotionPart) else self.read_video, part, budget))
                reports[where] = parts[-1].pop("report", None)
                parts[-1]["where"] = where
            messages.append({"role": role, "content": parts})
        messages = self.place_videos(messages, reports)
        with self.rendering:  # tokenizers do not like to be used by two threads
            try:
                tensors = dict(self.session.prepare(messages))
            except (BadInputError, TypeError, ImportError, OSError) as error:
                raise Problem(f"{error}", param="messages") from None
        prompt = Prompt(tensors, [reports[where] for where in sorted(reports, key=order) if reports[where] is not None])
        check_frames(prompt)
        return prompt

    def read_motion(self, part: MotionPart, budget: Budget) -> dict:
        """A motion part of the processor's, of a motion that has been read."""
        said = part.motion_url.model_dump(exclude_none=True)
        url, asf = said.pop("url"), said.pop("asf", None)
        data = {"bytes": self.addresses.read(url, budget), **said}
        if asf is not None:
            data["asf"] = self.addresses.read(asf, budget)
        raw = self.session.processor.motion_processor.load(data)
        return {"type": "motion", "motion": raw.joints, "fps": raw.fps, "report": file_report(label(url), raw)}

    def read_video(self, part: VideoPart, budget: Budget) -> dict:
        """A video part of the processor's, of a whole file."""
        said = part.video_url.model_dump(exclude_none=True)
        url = said.pop("url")
        return {"type": "video", "bytes": self.addresses.read(url, budget), "url_shown": label(url), **said}

    def place_videos(self, messages: list[dict], reports: dict) -> list[dict]:
        """Puts the estimated motion in the place of every video that stands alone.

        The processor would do so too, but while it holds everybody else up.
        """
        from llamo.processing.chat_videos_llamo import SeenVideo, place_videos

        try:
            rendered, motions, videos = place_videos(messages, fetch=False)
        except ValueError as error:
            raise Problem(f"{error}", param="messages") from None
        looks = getattr(self.session.processor, "frame_processor", None) is not None
        beside = [[] for _ in motions]
        for video, place in videos:
            beside[place].append({**video, "of": place})
        for place, motion in enumerate(motions):
            if isinstance(motion, SeenVideo):
                video = motion.part
                with self.estimating:
                    raw = at(video["where"], self.session.processor.video_motions.read, video)
                reports[video["where"]] = {**file_report(video["url_shown"], raw), "estimation": raw.report}
                motions[place] = {"type": "motion", "motion": raw.joints, "fps": raw.fps}
                if looks:
                    beside[place].insert(0, {**video, "of": place, "offset_s": -raw.start})
        found = iter(zip(motions, beside))
        for message in rendered:
            message["content"] = [
                own
                for part in message["content"]
                for own in (with_videos(*next(found)) if part["type"] == "motion" else [part])
            ]
        return rendered


def with_videos(motion: dict, videos: list[dict]) -> list[dict]:
    """Parts without what only this file knows."""
    return [{key: value for key, value in part.items() if key not in ("where", "url_shown")} for part in (motion, *videos)]


def is_medium(part) -> bool:
    return isinstance(part, (MotionPart, VideoPart))


def order(where: str) -> tuple[int, ...]:
    """Sorts messages.2.content.0 before messages.10.content.0."""
    return tuple(int(step) for step in where.split(".")[1::2])


def at(where: str, read: Callable, *args):
    """What `read` gives; its errors say which part of the request they are about.

    Raises:
        Problem: what is wrong with that part.
    """
    try:
        return read(*args)
    except AddressError as error:
        raise Problem(f"{where}: {error}", param=where) from None
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise Problem(f"{where}: {error}", code="unreadable_file", param=where) from None


def check_frames(prompt: Prompt) -> None:
    """Refuses what is too much for memory.

    Raises:
        Problem: more than MAX_FRAMES.
    """
    num, longest = prompt.motions
    if num * longest > MAX_FRAMES:
        raise Problem(
            f"Expected at most {MAX_FRAMES:,} frames of motion in a request, got {num} motions of up to {longest:,} frames. "
            "Ask about fewer or shorter ones.",
            code="context_length_exceeded",
            param="messages",
        )


def fits(prompts: Sequence[Prompt]) -> bool:
    """Whether the motions of several prompts go into one batch."""
    return sum(prompt.motions[0] for prompt in prompts) * max(prompt.motions[1] for prompt in prompts) <= MAX_FRAMES


def merge(prompts: Sequence[Prompt], pad_token_id: int, dtype) -> dict[str, Any]:
    """One batch: text padded on the left, where answers go on at the right end; motions and videos on the right.

    Args:
        dtype: of the model's weights.
    """
    import torch

    longest = max(prompt.length for prompt in prompts)
    batch = {
        name: torch.cat(
            [pad(prompt.tensors[name], 1, longest, filling, on_the_left=True) for prompt in prompts]
        )  # Shape: (prompts, longest)
        for name, filling in (("input_ids", pad_token_id), ("attention_mask", 0))
    }
    for names in (PAIRED, SEEN):
        with_media = [prompt for prompt in prompts if names[0] in prompt.tensors]
        if with_media:
            frames = max(prompt.tensors[names[0]].shape[1] for prompt in with_media)
            for name in names:
                batch[name] = torch.cat([pad(prompt.tensors[name], 1, frames, 0) for prompt in with_media])
    if "motion_values" in batch:
        batch["motion_values"] = batch["motion_values"].to(dtype)
    if "pixel_values_videos" in batch:
        before, ids = 0, []
        for prompt in prompts:
            if "video_motion_ids" in prompt.tensors:
                ids.append(prompt.tensors["video_motion_ids"] + before)
            before += prompt.motions[0]
        batch["video_motion_ids"] = torch.cat(ids)
    return batch


def pad(values, dim: int, length: int, filling, on_the_left: bool = False):
    """`values` with `filling` up to `length` along one dimension."""
    import torch

    missing = length - values.shape[dim]
    if missing <= 0:
        return values
    shape = [missing if index == dim else size for index, size in enumerate(values.shape)]
    padding = values.new_full(shape, filling)
    return torch.cat([padding, values] if on_the_left else [values, padding], dim)
