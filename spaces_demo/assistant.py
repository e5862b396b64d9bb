"""The checkpoint behind the demo: loads it through the Auto classes, streams answers, says where it looked."""

import os
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from hardware import GPU
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    StoppingCriteria,
    StoppingCriteriaList,
    TextIteratorStreamer,
)


LONGEST_SECONDS = 120.0  # of one answer; a Space is shared
MAX_CLIP_SECONDS = float(os.environ.get("LLAMO_MAX_CLIP_SECONDS", "600"))
MAX_VIDEO_SECONDS = float(os.environ.get("LLAMO_MAX_VIDEO_SECONDS", "120"))  # a second of it takes about a second
PIECES_AHEAD = 16  # text pieces that generation may be ahead of whoever reads them


@dataclass
class Answer:
    """An answer while it is made.

    Attributes:
        text: what there is of it.
        looked_at: for every motion of the conversation, the spans `(start_s, end_s)` that the model chose for this question.
    """

    text: str = ""
    looked_at: list[list[tuple[float, float]]] = field(default_factory=list)


class StopWhen(StoppingCriteria):
    """Ends generation when nobody waits for it any more, or when it has taken too long."""

    def __init__(self, stopped: threading.Event, deadline: float):
        self.stopped, self.deadline = stopped, deadline

    def __call__(self, input_ids, scores, **kwargs):
        over = self.stopped.is_set() or time.monotonic() > self.deadline
        return torch.full((len(input_ids),), over, dtype=torch.bool, device=input_ids.device)


class Assistant:
    """A checkpoint, loaded once and shared by all users; nothing of a conversation stays in it."""

    def __init__(self, name: str):
        self.name = name
        self.processor = AutoProcessor.from_pretrained(name, trust_remote_code=True)
        self.model = AutoModelForImageTextToText.from_pretrained(name, trust_remote_code=True).eval()
        if torch.cuda.is_available():
            self.model.to("cuda")
        reader = self.processor.motion_processor
        reader.max_seconds = min(reader.max_seconds, MAX_CLIP_SECONDS)
        self.processor.video_motions.max_seconds = min(MAX_VIDEO_SECONDS, MAX_CLIP_SECONDS)
        # On ZeroGPU another process generates: what goes there and comes back is copied, so neither may hold the model or the
        # page, and of an error only its kind comes back. Messages are therefore read, and refused, on this side.
        self.generate = GPU(self._generate)

    def answer(self, messages: list[dict], temperature: float = 0.0, max_new_tokens: int = 128) -> Iterator[Answer]:
        """Yields the answer to the last of `messages` while it is made.

        Raises:
            ValueError: messages that the processor refuses, with what to do.
        """
        options = {"add_generation_prompt": True, "tokenize": True, "return_dict": True, "return_tensors": "pt"}
        inputs = self.processor.apply_chat_template(messages, **options)
        sampling = {"do_sample": True, "temperature": float(temperature)} if temperature > 0 else {"do_sample": False}
        yield from self.generate(dict(inputs), {"max_new_tokens": int(max_new_tokens), **sampling})

    def _generate(self, inputs: dict[str, torch.Tensor], wishes: dict) -> Iterator[Answer]:
        """Yields an answer while it is made, from the processor's tensors; runs where the GPU is."""
        inputs = {name: tensor.to(self.model.device) for name, tensor in inputs.items()}
        stopped, failures = threading.Event(), []
        streamer = TextIteratorStreamer(self.processor.tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=60.0)
        streamer.text_queue = queue.Queue(maxsize=PIECES_AHEAD)
        answer = Answer(looked_at=self.choose(inputs))

        def generate() -> None:
            try:
                criteria = StoppingCriteriaList([StopWhen(stopped, time.monotonic() + LONGEST_SECONDS)])
                self.model.generate(**inputs, **wishes, streamer=streamer, stopping_criteria=criteria)
            except queue.Full:
                pass  # whoever read has gone
            except Exception as error:
                failures.append(error)
                streamer.text_queue.put(streamer.stop_signal)

        thread = threading.Thread(target=generate, daemon=True)
        thread.start()
        try:
            for piece in streamer:
                answer.text += piece
                if piece:
                    yield answer
            thread.join()
        finally:
            stopped.set()
        if failures:
            raise failures[0]
        yield answer

    @torch.inference_mode()
    def choose(self, inputs) -> list[list[tuple[float, float]]]:
        """What the Cross Talker looks at for the last question: spans of time of every motion, neighbours joined."""
        if "motion_values" not in inputs:
            return []
        _, chosen = self.model.base_model.fuse(**inputs)
        reader = self.processor.motion_processor
        step = reader.patch_size / reader.fps
        result = []
        for row in chosen[-len(inputs["motion_values"]) :].tolist():  # pairs go turn by turn, the last turn's last
            spans: list[list[int]] = []
            for index in sorted({index for index in row if index >= 0}):
                if spans and spans[-1][1] == index:
                    spans[-1][1] = index + 1
                else:
                    spans.append([index, index + 1])
            result.append([(round(start * step, 3), round(end * step, 3)) for start, end in spans])
        return result
