"""A model's greedy answers, many at a time: rows of alike length share a batch, and batches do not depend on what is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .items import Item, Motion, Video, original


CONDITIONS = ("model", "blind", "shuffled")
# Of items with a video; "model" gives them motion and video, or, where the item says so, the video alone. See suites `both`
# and `filmed`.
VIDEO_CONDITIONS = ("motion", "video", "neither", "shifted", "shorter", "half")
BLIND = ("neither", "blind")  # of them, those that show nothing
BLIND_SECONDS = 4.0  # of the motion without information
LATE = 0.5  # seconds by which a shifted video is off
# Generation stops early anyway; a caption needs more room than a word.
NEW_TOKENS = {"caption": 72, "action": 32, "order": 32}
DEFAULT_NEW_TOKENS = 28

# Generation goes on at the right end; scoring reads from the left.
PAD_LEFT = {"padding": True, "padding_side": "left"}
PAD_RIGHT = {"padding": True, "padding_side": "right"}

Row = tuple[str, Sequence[Motion]] | tuple[str, Sequence[Motion], Sequence[Video]]  # a question, and all that is shown with it


def load_model(model_path: str, device: str | None = None, dtype: str | None = None) -> tuple[Any, Any]:
    """Processor and model through transformers' Auto classes, ready to generate."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(model_path, trust_remote_code=True)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    options = {"dtype": getattr(torch, dtype)} if dtype else {}
    model = AutoModelForImageTextToText.from_pretrained(model_path, trust_remote_code=True, **options)
    return processor, model.to(device).eval()


def new_tokens(item: Item) -> int:
    return int(item.facts.get("new_tokens") or NEW_TOKENS.get(item.question.kind, DEFAULT_NEW_TOKENS))


def plan_batches(items: Sequence[Item], batch_size: int) -> list[list[int]]:
    """Places of the items in batches: a batch takes as long as its longest row, so alike lengths go together.

    The plan depends on the items alone, so that a run which was cut off goes on with the very same batches.
    """
    order = sorted(
        range(len(items)),
        key=lambda i: (new_tokens(items[i]), items[i].joints is None, items[i].seconds, len(items[i].question.question), i),
    )
    # Rows with and without motion never share a batch.
    batches: list[list[int]] = []
    for place in order:
        last = batches[-1] if batches else None
        if last is None or len(last) == batch_size or (items[last[0]].joints is None) != (items[place].joints is None):
            batches.append([place])
        else:
            last.append(place)
    return batches


def other_motions(items: Sequence[Item], seed: int) -> list[tuple[Motion, ...]]:
    """For each item motions of other clips, as many as it has (its own where there is only one clip): the shuffled baseline."""
    clips: dict[str, Motion] = {}
    for item in items:
        if item.joints is not None:
            clips.setdefault(original(item.clip), (item.joints, item.fps))
    names = list(clips)
    places = {name: place for place, name in enumerate(names)}
    out: list[tuple[Motion, ...]] = []
    for index, item in enumerate(items):
        if item.joints is None or len(names) == 1:
            out.append(item.motions)
            continue
        own = places[original(item.clip)]
        draws = np.random.default_rng([seed, index]).integers(len(names) - 1, size=len(item.motions)).tolist()
        out.append(tuple(clips[names[draw + (draw >= own)]] for draw in draws))
    return out


def conversation(question: str, motions: Sequence[Motion] = (), videos: Sequence[Video] = ()) -> list[dict]:
    """One user turn, as the processor takes it; videos show the last motion."""
    content: list[dict] = [{"type": "motion", "motion": joints, "fps": fps} for joints, fps in motions]
    content += [{"type": "video", "bytes": video, "offset_s": offset_s} for video, offset_s in videos]
    return [{"role": "user", "content": [*content, {"type": "text", "text": question}]}]


def featureless(motion: Motion) -> Motion:
    """What stands for a motion that is not seen: as long for all, so that a model cannot answer by the length of the clip."""
    joints, fps = motion
    return np.repeat(joints[:1], max(1, round(BLIND_SECONDS * fps)), axis=0), fps


def answer(model: Any, processor: Any, rows: Sequence[Row], tokens: int, blind: bool = False) -> list[str]:
    """The model's greedy answers to one batch.

    Args:
        rows: question and motions of each row, and videos of the last motion; either all rows have a motion or none.
        tokens: longest answer.
        blind: each motion gives way to one of BLIND_SECONDS in which all features are zero, the mean of training.
    """
    import torch

    if blind:
        rows = [(question, [featureless(motion) for motion in motions], *videos) for question, motions, *videos in rows]
    chats = [conversation(*row) for row in rows]
    with torch.inference_mode():
        inputs = processor.apply_chat_template(
            chats, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt", processor_kwargs=PAD_LEFT
        ).to(model.device)
        if "motion_values" in inputs:
            values = torch.zeros_like(inputs["motion_values"]) if blind else inputs["motion_values"]
            inputs["motion_values"] = values.to(model.dtype)
        output = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
    texts = processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return [text.strip() for text in texts]


class Answerer:
    """Answers the batches of one suite under its conditions.

    Args:
        model, processor: as `load_model` gives them.
        items: all items of the suite, also those that another process answers: shuffled motions are theirs.
        seed: of the shuffled motions.
    """

    def __init__(self, model: Any, processor: Any, items: Sequence[Item], seed: int = 0):
        self.model, self.processor, self.items = model, processor, items
        self.others = other_motions(items, seed)
        self.estimated: dict[bytes, tuple[Motion, float] | None] = {}  # of each video that was shown alone

    @property
    def sees(self) -> bool:
        """Whether the checkpoint has a vision tower; without one, all that is shown of a video is its motion."""
        return getattr(self.processor, "frame_processor", None) is not None

    def __call__(self, places: Sequence[int], condition: str) -> list[str]:
        """The answers to the items at these places, in their order.

        Raises:
            ValueError: an unknown condition.
        """
        if any(self.items[place].videos for place in places):
            return self.with_video(places, condition)
        if condition not in CONDITIONS:
            raise ValueError(
                f"expected a condition out of {', '.join(CONDITIONS)}, got {condition!r} in Answerer; use one of them"
            )
        rows: list[Row] = []
        for place in places:
            item = self.items[place]
            rows.append((item.question.question, self.others[place] if condition == "shuffled" else item.motions))
        tokens = max(new_tokens(self.items[place]) for place in places)
        return answer(self.model, self.processor, rows, tokens, condition == "blind")

    def with_video(self, places: Sequence[int], condition: str) -> list[str]:
        """The same for items with a video.

        Raises:
            ValueError: an unknown condition, or a model without a vision tower where one is needed.
        """
        if condition not in ("model", "blind", *VIDEO_CONDITIONS):
            known = ", ".join(("model", "blind", *VIDEO_CONDITIONS))
            raise ValueError(f"expected a condition out of {known}, got {condition!r} in Answerer; use one of them")
        needs_sight = not all(self.items[place].facts.get("video_alone") for place in places)
        if needs_sight and not self.sees:
            raise ValueError(
                "Expected a checkpoint with a vision tower, got one without. Train it with `llamo train "
                "train/recipes/pretrain_vision.yaml`, or assemble one with `llamo init --vision ID`."
            )
        rows = [self.shown(place, condition) for place in places]
        seen = [row for row in rows if row is not None]
        tokens = max(new_tokens(self.items[place]) for place in places)
        texts = iter(answer(self.model, self.processor, seen, tokens, condition in BLIND) if seen else [])
        return ["" if row is None else next(texts) for row in rows]

    def shown(self, place: int, condition: str) -> Row | None:
        """Question, motions and videos of an item under a condition; None where the estimator sees nobody in its video."""
        item = self.items[place]
        question, motions, (whole, start) = item.question.question, item.motions, item.videos["whole"]
        if condition == "model" and item.facts.get("video_alone"):
            condition = "video"
        if condition in ("motion", *BLIND) or (condition == "half" and place % 2):
            return question, motions, ()
        if condition == "shifted":
            return question, motions, ((whole, start + LATE),)
        if condition == "shorter":
            return question, motions, (item.videos["middle"],)
        if condition != "video":
            return question, motions, ((whole, start),)
        if whole not in self.estimated:
            try:
                motion = self.processor.load({"type": "video", "bytes": whole})
                self.estimated[whole] = ((motion.joints, motion.fps), -motion.start)
            except ValueError:
                self.estimated[whole] = None
        found = self.estimated[whole]
        # What the processor itself makes of a video alone.
        return None if found is None else (question, (found[0],), ((whole, found[1]),) if self.sees else ())
