"""Chat messages with motion, video or both -> token ids and tensors for LLaMo."""

import os
import shutil

from transformers import BatchFeature, ProcessorMixin
from transformers.utils import logging

from .chat_messages_llamo import clean_message
from .chat_videos_llamo import SeenVideo, place_videos, with_bytes
from .motion_placeholders_llamo import expand_placeholders
from .motion_processing_llamo import LlamoMotionProcessor
from .video_motion_llamo import FOLDER, VideoMotions
from .video_processing_llamo import LlamoFrameProcessor
from .video_source_llamo import is_video


logger = logging.get_logger(__name__)


# The two keys under which apply_chat_template hands media over to __call__. The parent passes `videos` of its own finding.
MOTIONS, VIDEOS = "motions", "motion_videos"


class LlamoProcessor(ProcessorMixin):
    r"""
    Tokenizer, motion processor and, where the model has a vision tower, frame processor.

    Args:
        tokenizer: a fast tokenizer that knows `motion_token` and `motion_focus_token`.
        motion_processor (`LlamoMotionProcessor` or `dict`): see there.
        frame_processor (`LlamoFrameProcessor` or `dict`, *optional*): `None` for a model of motion and text alone.
        chat_template (`str`, *optional*): Jinja template with `{% generation %}` markers.
        motion_token (`str`, *optional*, defaults to `"<|motion|>"`): where a motion stands in the text.
        motion_focus_token (`str`, *optional*, defaults to `"<|motion_focus|>"`): closes a user turn; holds the frames that
            the turn selects from every motion so far.

    A video without a motion gets one from the Motion Estimator in the checkpoint's folder `motion_estimator`; `notes` then
    says so. `video_motions` may be replaced by one with another estimator or a folder of estimated motions.

    Attributes:
        notes (`list[str]`): what was estimated and assumed in the last call, one sentence each.
        video_motions (`VideoMotions`): estimates and remembers.
    """

    def __init__(
        self,
        tokenizer=None,
        motion_processor=None,
        frame_processor=None,
        chat_template=None,
        motion_token="<|motion|>",
        motion_focus_token="<|motion_focus|>",
    ):
        if motion_processor is None or isinstance(motion_processor, dict):
            motion_processor = LlamoMotionProcessor(**(motion_processor or {}))
        if isinstance(frame_processor, dict):
            frame_processor = LlamoFrameProcessor(**frame_processor)
        self.motion_processor = motion_processor
        self.frame_processor = frame_processor
        self.motion_token = motion_token
        self.motion_focus_token = motion_focus_token
        self.notes: list[str] = []
        self.video_motions = VideoMotions()
        super().__init__(tokenizer, chat_template=chat_template)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs):
        """As in [`ProcessorMixin`]; also remembers where the Motion Estimator is."""
        processor = super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)
        processor.video_motions = VideoMotions(str(pretrained_model_name_or_path))
        return processor

    def save_pretrained(self, save_directory, *args, **kwargs):
        """As in [`ProcessorMixin`]; the Motion Estimator goes along, where there is one on this machine."""
        home = self.video_motions.home
        source = os.path.join(home, FOLDER) if home is not None else ""
        target = os.path.join(save_directory, FOLDER)
        if os.path.isdir(source) and not os.path.exists(target):
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        return super().save_pretrained(save_directory, *args, **kwargs)

    @property
    def placeholders(self) -> tuple[str, str]:
        return self.motion_token, self.motion_focus_token

    @property
    def instruction_start_token_ids(self) -> list[int]:
        """Token ids that open a user turn, for the model's config: the model reads a turn's instruction from there on."""
        marker = "instruction"
        before = {"role": "system", "content": "before"}  # or the template would put words of its own there
        both = self.apply_chat_template([before, {"role": "user", "content": marker}])
        opening = both.removeprefix(self.apply_chat_template([before])).split(marker)[0].rstrip()
        return self.tokenizer(opening, add_special_tokens=False)["input_ids"]

    @property
    def model_input_names(self):
        names = list(self.tokenizer.model_input_names) + list(LlamoMotionProcessor.model_input_names)
        return names + (list(LlamoFrameProcessor.model_input_names) if self.frame_processor is not None else [])

    def apply_chat_template(self, conversation, *args, tokenize=False, processor_kwargs=None, **kwargs):
        """As in [`ProcessorMixin`]; motion and video parts of the messages are read too.

        Parts: `{"type": "motion", "path": ...}`, `{"type": "motion", "bytes": ..., "format": ...}` (either may also say
        "fps", "units", "up_axis", "joint_map" and "asf", as in `read_motion`),
        `{"type": "motion", "motion": joints (num_frames, 22, 3), "fps": ...}`; and video, `{"type": "video", "path": ...}`,
        "url", "bytes" (of a file) or "video" (frames `(num_frames, height, width, 3)` uint8 with their "fps").

        A video belongs to the motion "of" (an index), or else to the motion part before it, or else to the first one in its
        message; "offset_s" is when it starts on that motion's clock. Where there is none, the motion is estimated from the
        video ("person" or "box" choose whom to follow), and `notes` says so.

        Raises:
            ValueError: a part that cannot be read, or a text that holds a placeholder of its own.
        """
        is_batched = len(conversation) > 0 and isinstance(conversation[0], (list, tuple))
        conversations = conversation if is_batched else [conversation]
        cleaned = [[clean_message(message, self.placeholders) for message in messages] for messages in conversations]
        placed = [place_videos(messages, fetch=tokenize) for messages in cleaned]
        if tokenize:
            self.notes = []
            motions, videos = [], []
            for _, own_motions, own_videos in placed:
                videos += [{**part, "motion_id": len(motions) + of} for part, of in own_videos]
                motions += own_motions
            processor_kwargs = {**(processor_kwargs or {})}
            if motions:
                processor_kwargs[MOTIONS] = motions
            if videos:
                processor_kwargs[VIDEOS] = videos
        # The parent would open videos itself; they have been collected above and render to nothing, or to their motion.
        rendered = [messages for messages, _, _ in placed]
        return super().apply_chat_template(
            rendered if is_batched else rendered[0], *args, tokenize=tokenize, processor_kwargs=processor_kwargs, **kwargs
        )

    def _estimate(self, motions: list, videos: list[dict]) -> tuple[list, list[dict]]:
        """Puts motions in the place of videos that have none.

        Args:
            motions: what `LlamoMotionProcessor.load` takes, and `SeenVideo`s.
            videos: parts with `motion_id`; those of a `SeenVideo` are added where the model looks at frames.
        """
        motions, videos = list(motions), list(videos)
        for number, motion in enumerate(motions):
            if isinstance(motion, SeenVideo):
                motions[number] = found = self.video_motions.read(motion.part)
                self._tell(motion.part, found)
                if self.frame_processor is not None:
                    videos.append({**motion.part, "motion_id": number, "offset_s": -found.start})
        return motions, videos

    def load(self, part):
        """One motion as it is, or that of a video: what `LlamoMotionProcessor.load` takes, a video part, or the path of either.

        Raises:
            ValueError: what can be read as neither.
        """
        is_video_part = isinstance(part, dict) and (part.get("type") == "video" or "video" in part)
        if is_video_part or (isinstance(part, (str, os.PathLike)) and is_video(part)):
            return self.video_motions.read(with_bytes(part) if is_video_part else part)
        return self.motion_processor.load(part)

    def _tell(self, part: dict, motion) -> None:
        """What the user has to know about a motion that was estimated; in full in `notes`, shortly in the log."""
        name = os.path.basename(str(part["path"])) if isinstance(part.get("path"), (str, os.PathLike)) else "video"
        self.notes += [f"{name}: {note}" for note in motion.assumed]
        logger.warning_once(
            "A video came without a motion: its motion is estimated. How well that went is in the processor's `notes`."
        )

    def __call__(
        self, text=None, motions=None, motion_videos=None, images=None, videos=None, audio=None, **kwargs
    ) -> BatchFeature:
        """
        Args:
            text (`str` or `list[str]`): rendered prompts; each `<|motion|>` takes the next of `motions`, and each
                `<|motion_focus|>` the frames of all motions of its row so far. A prompt without `<|motion_focus|>` gets the
                summary tokens alone.
            motions (`list`, *optional*): what `LlamoMotionProcessor.load` takes, in order of appearance in the batch.
            motion_videos (`list[dict]`, *optional*): video parts with `motion_id`, the index of the motion each of them shows.
            videos (`list`, *optional*): paths or video parts. Beside as many motions, each shows the motion of its place;
                without motions, each gives one.

        Returns:
            `input_ids`, `attention_mask` `(batch, length)`, and with motion `motion_values`
            `(num_motions, num_frames, 141 + num_rates)`, `motion_attention_mask` `(num_motions, num_frames)`; with video
            `pixel_values_videos`, `video_attention_mask`, `video_times`, `video_motion_ids`.

        Raises:
            ValueError: placeholders and motions disagree, in either direction; images or sound; unreadable media.
        """
        if text is None:
            raise ValueError(
                "Expected text beside the motions, got none in LlamoProcessor. Pass the rendered prompt, or use "
                "apply_chat_template(..., tokenize=True)."
            )
        if (images is not None and any(images)) or audio is not None:
            raise ValueError(
                "Expected motion, video and text, got images or sound in LlamoProcessor. "
                "Give media as parts of chat messages to apply_chat_template."
            )
        texts = [text] if isinstance(text, str) else list(text)
        motions = [] if motions is None else list(motions)
        motion_videos = [] if motion_videos is None else list(motion_videos)
        if videos:
            motions, motion_videos = self._pair(motions, motion_videos, videos)
        merged = self._merge_kwargs(self.valid_processor_kwargs, tokenizer_init_kwargs=self.tokenizer.init_kwargs, **kwargs)
        text_kwargs = merged["text_kwargs"]
        return_tensors = text_kwargs.pop("return_tensors", None)
        want_offsets = text_kwargs.pop("return_text_replacement_offsets", False)
        text_kwargs.pop("return_mm_token_type_ids", None)

        places = sum(prompt.count(self.motion_token) for prompt in texts)
        if places != len(motions):
            raise ValueError(
                f"Expected as many motions as the text has places for, got {len(motions)} motions for {places} "
                f"{self.motion_token} in {len(texts)} prompts. Give each motion as a message part; rows of "
                "`prompt`/`completion` cannot carry motion, so use `messages` and an `images` column for trl."
            )
        motions, motion_videos = self._estimate(motions, motion_videos)
        media = self.motion_processor(motions) if motions else BatchFeature({})
        frames = media["motion_attention_mask"].sum(-1).tolist() if motions else []
        expanded, offsets = expand_placeholders(texts, frames, self.motion_processor, self.placeholders)
        if motion_videos:
            if self.frame_processor is None:
                raise ValueError(
                    "Expected a model with a vision tower, got a video beside a motion for one without. Leave the video out "
                    "and ask about the motion, leave the motion out and have it estimated from the video, or use a "
                    "checkpoint made by `llamo init --vision ID`."
                )
            media.update(self.frame_processor(motion_videos, [part["motion_id"] for part in motion_videos]))

        encoded = self.tokenizer(expanded, **text_kwargs)
        self._check_truncation(expanded, encoded["input_ids"])
        data = {**encoded, **media}
        if want_offsets:
            data["text_replacement_offsets"] = offsets
        return BatchFeature(data, tensor_type=return_tensors, skip_tensor_conversion=self.skip_tensor_conversion)

    @staticmethod
    def _pair(motions: list, motion_videos: list, videos) -> tuple[list, list]:
        """`videos` of a call: beside motions the frames for them, else the motions themselves."""
        parts = [part if isinstance(part, dict) else {"path": part} for part in videos]
        if not motions:
            return [SeenVideo(part) for part in parts], motion_videos
        if len(parts) != len(motions):
            raise ValueError(
                f"Expected as many videos as motions, or no motions, got {len(parts)} videos and {len(motions)} motions in "
                'LlamoProcessor. Give them as parts of chat messages, where "of" tells which motion a video shows.'
            )
        return motions, motion_videos + [{**part, "motion_id": number} for number, part in enumerate(parts)]

    def _check_truncation(self, texts: list[str], input_ids):
        rows = input_ids.tolist() if hasattr(input_ids, "tolist") else input_ids
        for token in self.placeholders:
            token_id = self.tokenizer.convert_tokens_to_ids(token)
            wanted = [text.count(token) for text in texts]
            got = [list(row).count(token_id) for row in rows]
            if wanted != got:
                raise ValueError(
                    f"Expected {wanted} {token} tokens in the rows of the batch, got {got} after tokenisation. A prompt was "
                    "truncated, or the tokenizer lacks the token: pass no max_length (trl: --max_length None) and use the "
                    "checkpoint's own tokenizer."
                )


__all__ = ["LlamoProcessor"]
