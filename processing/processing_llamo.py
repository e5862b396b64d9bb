"""Chat messages with motion (and its video) -> token ids and tensors for LLaMo."""

import re

from transformers import BatchFeature, ProcessorMixin

from .motion_processing_llamo import LlamoMotionProcessor
from .video_processing_llamo import LlamoFrameProcessor


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
        super().__init__(tokenizer, chat_template=chat_template)

    @property
    def instruction_start_token_ids(self) -> list[int]:
        """Token ids that open a user turn, for the model's config: the model reads a turn's instruction from there on."""
        marker = "instruction"
        opening = self.apply_chat_template([{"role": "user", "content": marker}]).split(marker)[0].rstrip()
        return self.tokenizer(opening, add_special_tokens=False)["input_ids"]

    @property
    def model_input_names(self):
        names = list(self.tokenizer.model_input_names) + list(LlamoMotionProcessor.model_input_names)
        return names + (list(LlamoFrameProcessor.model_input_names) if self.frame_processor is not None else [])

    def apply_chat_template(self, conversation, *args, tokenize=False, processor_kwargs=None, **kwargs):
        """As in [`ProcessorMixin`]; motion and video parts of the messages are read too.

        Parts: `{"type": "motion", "path": ...}`, `{"type": "motion", "bytes": ..., "format": ...}` (either may also say
        "fps", "units", "up_axis", "joint_map" and "asf", as in `read_motion`),
        `{"type": "motion", "motion": joints (num_frames, 22, 3), "fps": ...}`, and beside a motion
        `{"type": "video", "video": frames, "fps": ..., "offset_s": 0.0, "of": index of the motion it shows}`.

        Raises:
            ValueError: a part that cannot be read, or a text that holds a placeholder of its own.
        """
        is_batched = len(conversation) > 0 and isinstance(conversation[0], (list, tuple))
        conversations = conversation if is_batched else [conversation]
        cleaned = [[self._clean_message(message) for message in messages] for messages in conversations]
        if tokenize:
            motions, videos = [], []
            for messages in cleaned:
                parts = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
                first = len(motions)
                motions += [part for part in parts if part["type"] == "motion"]
                videos += self._videos_with_motions(parts, first, len(motions) - first)
            processor_kwargs = {**(processor_kwargs or {})}
            if motions:
                processor_kwargs[MOTIONS] = motions
            if videos:
                processor_kwargs[VIDEOS] = videos
        # The parent would open videos itself; they have been collected above and render to nothing.
        rendered = [
            [
                {**message, "content": [part for part in message["content"] if part["type"] != "video"]}
                if isinstance(message["content"], list)
                else message
                for message in messages
            ]
            for messages in cleaned
        ]
        return super().apply_chat_template(
            rendered if is_batched else rendered[0], *args, tokenize=tokenize, processor_kwargs=processor_kwargs, **kwargs
        )

    def _clean_message(self, message: dict) -> dict:
        """A message without the `None` values that Arrow adds to every part, its parts checked."""
        content = message.get("content")
        if content is None:
            content = ""
        if not isinstance(content, list):
            self._refuse_placeholders(content)
            return {**message, "content": content}
        parts = [{key: value for key, value in part.items() if value is not None} for part in content]
        for part in parts:
            kind = part.get("type")
            if kind == "text":
                self._refuse_placeholders(part.get("text", ""))
                part.setdefault("text", "")
            elif kind not in ("motion", "video"):
                raise ValueError(
                    f'Expected message parts of type "text", "motion" or "video", got {kind!r} in a {message.get("role")} '
                    "message. LLaMo reads no images or sound; remove the part."
                )
            if kind in ("motion", "video") and message.get("role") != "user":
                raise ValueError(
                    f"Expected motion and video in user messages, got a {kind} part in a {message.get('role')} message. "
                    "Move it to a user message."
                )
        return {**message, "content": parts}

    def _refuse_placeholders(self, text: str):
        for token in (self.motion_token, self.motion_focus_token):
            if token in text:
                raise ValueError(
                    f"Expected plain text, got the placeholder {token} in a message. Give motion as a part of its own, "
                    '{"type": "motion", "path": ...}, and leave the placeholder out.'
                )

    @staticmethod
    def _videos_with_motions(parts: list[dict], first_motion: int, num_motions: int) -> list[dict]:
        """Video parts of one conversation, each with `motion_id`, the index of its motion in the batch.

        A video without `"of"` belongs to the motion that stands before it, or else to the first one.
        """
        videos, motions_so_far = [], 0
        for part in parts:
            if part["type"] == "motion":
                motions_so_far += 1
            elif part["type"] == "video":
                of = int(part.get("of", max(0, motions_so_far - 1)))
                if not 0 <= of < num_motions:
                    raise ValueError(
                        f"Expected a motion for every video, got a video of motion {of} in a conversation with {num_motions} "
                        'motions. Put the motion of the same take beside it: {"type": "motion", ...}.'
                    )
                videos.append({**part, "motion_id": first_motion + of})
        return videos

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

        Returns:
            `input_ids`, `attention_mask` `(batch, length)`, and with motion `motion_values`
            `(num_motions, num_frames, 141)`, `motion_attention_mask` `(num_motions, num_frames)`; with video
            `pixel_values_videos`, `video_attention_mask`, `video_times`, `video_motion_ids`.

        Raises:
            ValueError: placeholders and motions disagree, in either direction; images or sound.
        """
        if text is None:
            raise ValueError(
                "Expected text beside the motions, got none in LlamoProcessor. Pass the rendered prompt, or use "
                "apply_chat_template(..., tokenize=True)."
            )
        if (images is not None and any(images)) or audio is not None or videos is not None:
            raise ValueError(
                "Expected motion, its video as `motion_videos`, and text, got images, sound or `videos` in LlamoProcessor. "
                "Give media as parts of chat messages to apply_chat_template."
            )
        texts = [text] if isinstance(text, str) else list(text)
        motions = [] if motions is None else list(motions)
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
        media = self.motion_processor(motions) if motions else BatchFeature({})
        frames = media["motion_attention_mask"].sum(-1).tolist() if motions else []
        expanded, offsets = self._expand(texts, [self.motion_processor.num_vectors(count) for count in frames])
        if motion_videos:
            if self.frame_processor is None:
                raise ValueError(
                    "Expected a model with a vision tower, got a video for one without. Ask about the motion alone, or use "
                    "a checkpoint made by `llamo init --vision ID`."
                )
            media.update(self.frame_processor(motion_videos, [part["motion_id"] for part in motion_videos]))

        encoded = self.tokenizer(expanded, **text_kwargs)
        self._check_truncation(expanded, encoded["input_ids"])
        data = {**encoded, **media}
        if want_offsets:
            data["text_replacement_offsets"] = offsets
        return BatchFeature(data, tensor_type=return_tensors, skip_tensor_conversion=self.skip_tensor_conversion)

    def _expand(self, texts: list[str], num_vectors: list[int]) -> tuple[list[str], list[list[dict]]]:
        """Placeholders -> as many tokens as the model makes of each motion, and where they were and went.

        Args:
            texts: prompts of the batch.
            num_vectors: motion vectors of each motion, in order of appearance.
        """
        processor = self.motion_processor
        pattern = re.compile(f"{re.escape(self.motion_token)}|{re.escape(self.motion_focus_token)}")
        expanded_texts, all_offsets, seen = [], [], 0
        for text in texts:
            first, pieces, last, shift, offsets = seen, [], 0, 0, []
            for match in pattern.finditer(text):
                if match.group() == self.motion_token:
                    seen += 1
                    replacement = self.motion_token * processor.num_summary_tokens
                else:
                    kept = sum(min(processor.num_focus_tokens, count) + 1 for count in num_vectors[first:seen])
                    replacement = self.motion_focus_token * kept
                start, end = match.span()
                pieces += [text[last:start], replacement]
                offsets.append(
                    {
                        "type": "motion",
                        "span": (start, end),
                        "new_span": (start + shift, start + shift + len(replacement)),
                        "text": match.group(),
                        "replacement": replacement,
                    }
                )
                shift += len(replacement) - (end - start)
                last = end
            expanded_texts.append("".join(pieces) + text[last:])
            all_offsets.append(offsets)
        return expanded_texts, all_offsets

    def _check_truncation(self, texts: list[str], input_ids):
        rows = input_ids.tolist() if hasattr(input_ids, "tolist") else input_ids
        for token in (self.motion_token, self.motion_focus_token):
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
