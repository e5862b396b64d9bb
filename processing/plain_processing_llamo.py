"""Chat messages with motion -> token ids and arrays, as `LlamoProcessor` makes them, without PyTorch and transformers.

For answers from ONNX graphs (`llamo ask --fast`), which would otherwise wait for imports longer than for the answer.
"""

import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np

from .chat_messages_llamo import clean_message
from .motion_placeholders_llamo import expand_placeholders
from .motion_preparation_llamo import MotionPreparation


# The markers by which training finds the answers; `{% generation %}` is a tag of transformers alone.
GENERATION_TAGS = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")


class PlainProcessor:
    """What a checkpoint's folder says about prompts.

    Args:
        folder: a LLaMo checkpoint without a vision tower; what it holds must be this version's.

    Attributes:
        motion_processor (`MotionPreparation`): reads and prepares motion.

    Raises:
        ValueError: a checkpoint that looks at videos.
        OSError: a file that is missing.
    """

    frame_processor = None

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        settings = self._settings("processor_config.json")
        if settings.get("frame_processor") is not None:
            raise ValueError(
                f"Expected a checkpoint of motion and text, got one with a vision tower in {folder}. Leave --fast out."
            )
        own = settings["motion_processor"]
        self.motion_processor = MotionPreparation(**{name: value for name, value in own.items() if not name.endswith("_type")})
        self.placeholders = (settings["motion_token"], settings["motion_focus_token"])
        self.tokenizer = import_module("tokenizers").Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        text = (self.folder / "chat_template.jinja").read_text(encoding="utf-8")
        sandbox = import_module("jinja2.sandbox").ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        # A comment that strips as the tag did leaves the same spaces.
        self.template = sandbox.from_string(GENERATION_TAGS.sub("{#- -#}", text))
        beginning = self._settings("tokenizer_config.json").get("bos_token")
        self.beginning = beginning["content"] if isinstance(beginning, dict) else beginning

    def _settings(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    @property
    def video_motions(self):
        """Estimates motions of videos; this alone takes PyTorch."""
        from .video_motion_llamo import VideoMotions

        if not hasattr(self, "_video_motions"):
            self._video_motions = VideoMotions(str(self.folder))
        return self._video_motions

    def __call__(self, messages: list[dict]) -> dict[str, np.ndarray]:
        """Messages of one conversation, with motion parts as `MotionPreparation.load` takes them -> the prompt of an answer.

        Returns:
            `input_ids` `(1, length)` int64; with motion also `motion_values` `(num_motions, num_frames, 141 + num_rates)`
            float32 and `motion_attention_mask` `(num_motions, num_frames)` int64.

        Raises:
            ValueError: a part that cannot be read, or a text that holds a placeholder of its own.
        """
        messages = [clean_message(message, self.placeholders) for message in messages]
        parts = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
        preparation, prompt = self.motion_processor, self.template.render(messages=messages, add_generation_prompt=True)
        values = [
            preparation.values(preparation.canonical(preparation.load(part))) for part in parts if part["type"] == "motion"
        ]
        (prompt,), _ = expand_placeholders([prompt], [len(each) for each in values], preparation, self.placeholders)
        # As transformers does: a template that writes the first token itself gets no second one.
        starts = bool(self.beginning) and prompt.startswith(self.beginning)
        ids = self.tokenizer.encode(prompt, add_special_tokens=not starts).ids
        inputs = {"input_ids": np.array([ids], dtype=np.int64)}
        if values:
            inputs["motion_values"], inputs["motion_attention_mask"] = preparation.pad(values)
        return inputs

    def decode(self, ids) -> str:
        """Text of token ids, special ones left out."""
        return self.tokenizer.decode([int(index) for index in ids], skip_special_tokens=True)
