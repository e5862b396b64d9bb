"""Configuration of LLaMo (arXiv 2411.16805): language model, vision tower, motion tower, enhancer and Cross Talker."""

import sys
from dataclasses import fields
from typing import Any

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, PreTrainedConfig
from transformers.configuration_utils import SubConfigSpec


# What transformers itself may hand to a config beside its fields: keys of config.json that are not architecture.
_HOUSEKEEPING = {
    "_attn_implementation_internal",
    "_commit_hash",
    "_experts_implementation_internal",
    "_name_or_path",
    "attn_implementation",
    "auto_map",
    "experts_implementation",
    "model_type",
    "name_or_path",
    "output_attentions",
    "quantization_config",
    "torch_dtype",
    "use_cache",
}

# What `trl sft --use_peft` adapts when nobody says: the language model's attention and all of the Cross Talker's layers.
_LORA_TARGETS = r".*(language_model\..*\.(q_proj|k_proj|v_proj|o_proj)|\.talker\..*(proj|linear_1|linear_2))$"

# Joints of the six body parts that the motion tower lets attend to each other; indices into the 22-joint skeleton.
_PART_JOINTS = {
    "torso": [3, 6, 9, 12, 15],
    "left_arm": [13, 16, 18, 20],
    "right_arm": [14, 17, 19, 21],
    "left_leg": [1, 4, 7, 10],
    "right_leg": [2, 5, 8, 11],
}
_PART_CONTACTS = {"left_leg": [137, 138], "right_leg": [139, 140]}


def _default_part_features() -> list[list[int]]:
    """Which of the 141 motion features belong to the root and to each body part (layout: FEATURE_SLICES of the processor)."""
    parts = [list(range(8)) + [71, 72, 73]]  # root: height, velocity, turn, path, heading, pelvis velocity
    for name, joints in _PART_JOINTS.items():
        part = [8 + 3 * (joint - 1) + axis for joint in joints for axis in range(3)]
        part += [71 + 3 * joint + axis for joint in joints for axis in range(3)]
        parts.append(part + _PART_CONTACTS.get(name, []))
    return parts


def _default_rhythm_lags() -> list[int]:
    """0.15 to 5 seconds at 20 frames per second, finer where a lag is short."""
    return [*range(3, 25), *range(26, 50, 2), *range(52, 102, 4)]


class _StrictConfig(PreTrainedConfig):
    """A config in which a misspelt field fails instead of being stored and ignored."""

    def __post_init__(self, **kwargs):
        known = {field.name for field in fields(self)} | _HOUSEKEEPING
        unknown = sorted(key for key in kwargs if key not in known and key not in CONFIG_KEYS_OF_GENERATION)
        if unknown:
            raise ValueError(
                f"Expected fields of {type(self).__name__}, got {', '.join(unknown)}. "
                f"Correct the name; the fields are: {', '.join(sorted(own_fields(type(self))))}."
            )
        super().__post_init__(**kwargs)


# Old checkpoints keep sampling parameters in config.json; transformers drops them, so they are no mistake of the caller.
CONFIG_KEYS_OF_GENERATION = {"max_length", "min_length", "do_sample", "num_beams", "temperature", "top_k", "top_p"}


def own_fields(config_class: type) -> set[str]:
    """Names of the fields that `config_class` adds to PreTrainedConfig."""
    return {field.name for field in fields(config_class)} - {field.name for field in fields(PreTrainedConfig)}


@strict
class LlamoMotionConfig(_StrictConfig):
    r"""
    The motion tower: features of 22 joints at a fixed rate -> one vector per `patch_size` frames.

    Args:
        motion_dim (`int`, *optional*, defaults to 141):
            Features per frame that are encoded.
        num_rates (`int`, *optional*):
            Measured rates per frame, which stand behind the features in `motion_values`. They are not encoded but integrated:
            what the processor counts (repetitions, steps, metres, ...) reaches the language model as totals. 26 when `None`
            and the features are the processor's 141, else 0.
        opposite_rates (`list[list[int]]`, *optional*):
            Pairs of measured rates whose totals are also compared: left and right, ahead and back, up and down. Those of the
            processor's 26 rates when `None`; `[]` for a model that compares nothing.
        fps (`float`, *optional*, defaults to 20.0):
            Frames per second of the features. The processor resamples to it.
        patch_size (`int`, *optional*, defaults to 4):
            Frames that become one output.
        window_size (`int`, *optional*, defaults to 128):
            Outputs that attend to each other; longer motions are encoded whole, in windows of this many.
        part_features (`list[list[int]]`, *optional*):
            Indices of the features of each body part. Their union must be all features.
        rhythm_lags (`list[int]`, *optional*):
            Frames before and after each moment at which every body part is compared with itself, so that repetitions are seen;
            `[]` for a tower without. 47 lags from 0.15 to 5 s when `None`.
        part_hidden_size (`int`, *optional*, defaults to 128):
            Width of the tokens of single body parts.
        num_part_layers (`int`, *optional*, defaults to 2):
            Layers in which parts attend to each other and along time.
        hidden_size (`int`, *optional*, defaults to 320):
            Width of the merged stream and of the output.
        num_hidden_layers (`int`, *optional*, defaults to 3):
            Layers of the merged stream, along time.
        num_attention_heads (`int`, *optional*, defaults to 8):
            Heads of every attention.
        intermediate_ratio (`int`, *optional*, defaults to 4):
            Width of the feed-forward layers over the width of their stream.
        dropout (`float`, *optional*, defaults to 0.0):
            Dropout of residual branches.
        rope_theta (`float`, *optional*, defaults to 1000.0):
            Base of the rotary positions along time.
        initializer_range (`float`, *optional*, defaults to 0.02):
            Standard deviation of new weights.
    """

    model_type = "llamo_motion"
    base_config_key = "motion_config"

    motion_dim: int = 141
    num_rates: int | None = None
    opposite_rates: list[list[int]] | None = None
    fps: float | int = 20.0
    patch_size: int = 4
    window_size: int = 128
    part_features: list[list[int]] | None = None
    rhythm_lags: list[int] | None = None
    part_hidden_size: int = 128
    num_part_layers: int = 2
    hidden_size: int = 320
    num_hidden_layers: int = 3
    num_attention_heads: int = 8
    intermediate_ratio: int = 4
    dropout: float | int = 0.0
    rope_theta: float | int = 1000.0
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs):
        if self.num_rates is None:
            self.num_rates = 26 if self.motion_dim == 141 else 0
        if self.num_rates < 0:
            raise ValueError(
                f"Expected num_rates of at least 0, got {self.num_rates} in LlamoMotionConfig. 0 is a model without measured "
                "rates."
            )
        if self.opposite_rates is None:
            self.opposite_rates = [[2, 3], *([first, first + 1] for first in range(5, 18, 2))] if self.num_rates == 26 else []
        for pair in self.opposite_rates:
            if len(pair) != 2 or not all(0 <= index < self.num_rates for index in pair):
                raise ValueError(
                    f"Expected pairs of indices of {self.num_rates} measured rates, got {pair} for opposite_rates in "
                    "LlamoMotionConfig. Name two rates, or pass []."
                )
        if self.part_features is None:
            self.part_features = _default_part_features() if self.motion_dim == 141 else [list(range(self.motion_dim))]
        if self.rhythm_lags is None:
            self.rhythm_lags = _default_rhythm_lags()
        if any(lag < 1 for lag in self.rhythm_lags):
            raise ValueError(
                f"Expected rhythm_lags of at least one frame, got {min(self.rhythm_lags)} in LlamoMotionConfig. A moment is "
                "not compared with itself: remove it."
            )
        covered = {index for part in self.part_features for index in part}
        if covered != set(range(self.motion_dim)):
            missing = sorted(set(range(self.motion_dim)) ^ covered)
            raise ValueError(
                f"Expected part_features to cover the features 0 to {self.motion_dim - 1}, got a difference at {missing[:8]} "
                "in LlamoMotionConfig. Give every feature to at least one body part and name no other."
            )
        for width in (self.hidden_size, self.part_hidden_size):
            if width % (2 * self.num_attention_heads):
                raise ValueError(
                    f"Expected widths that are multiples of 2 * num_attention_heads = {2 * self.num_attention_heads}, "
                    f"got {width} in LlamoMotionConfig. Change hidden_size, part_hidden_size or num_attention_heads."
                )
        super().__post_init__(**kwargs)


@strict
class LlamoTalkerConfig(_StrictConfig):
    r"""
    The feature enhancer and the Cross Talker, between the towers and the language model.

    Args:
        hidden_size (`int`, *optional*, defaults to 320):
            Width of both.
        num_attention_heads (`int`, *optional*, defaults to 8):
            Heads of their attentions.
        intermediate_ratio (`int`, *optional*, defaults to 4):
            Width of the feed-forward layers over `hidden_size`.
        num_focus_tokens (`int`, *optional*, defaults to 8):
            K, the frames that each user turn selects from each motion. Short motions give as many as they have. One more
            token tells the totals of the part that the turn asks about.
        num_summary_tokens (`int`, *optional*, defaults to 12):
            Tokens about the whole motion, whatever the question. The first `num_spans` follow its course, the last tells
            totals and the duration.
        num_spans (`int`, *optional*, defaults to 8):
            Equal spans of the motion that have a summary token each, in time order.
        num_segments (`int`, *optional*, defaults to 8):
            Equal spans of the motion whose means are the global context of the kept frames.
        num_tallies (`int`, *optional*, defaults to 16):
            Learned rates that are integrated over the whole motion, so that repetitions can be counted.
        fuse_totals (`bool`, *optional*, defaults to `True`):
            Whether the totals of the part that a user turn asks about take part in the fusion with its words, as the selected
            frames do. Without, the same totals give the same token whatever is asked.
        ask_amounts (`bool`, *optional*, defaults to `True`):
            Whether a user turn weighs the totals into the one number that it asks for (how many, how far, how long), which
            the token of totals tells too. Weights trained without have none.
        exact_totals (`bool`, *optional*, defaults to `True`):
            Whether totals are told exactly: with the sums and differences of opposites and all paces by the second, out of
            vectors that are wholly relevant or not at all, and the number asked for in a part of its token that nothing else
            shares. Weights trained without have smaller layers.
        choose_amounts (`bool`, *optional*, defaults to `False`):
            Whether the number that a user turn asks for is one of the totals as it stands where the turn's words speak for it,
            instead of what all totals are weighed into. Needs `ask_amounts`, and training of its own.
        max_motions (`int`, *optional*, defaults to 8):
            Motions of one prompt that are told apart by a learned vector; further ones share the last.
        max_receptive_field (`float`, *optional*, defaults to 0.5):
            Largest half window of the adaptive context, as a share of the motion.
        video_grid_size (`int`, *optional*, defaults to 3):
            Each video frame is pooled to this many by this many vectors before motion asks it.
        initializer_range (`float`, *optional*, defaults to 0.02):
            Standard deviation of new weights.
    """

    model_type = "llamo_talker"
    base_config_key = "talker_config"

    hidden_size: int = 320
    num_attention_heads: int = 8
    intermediate_ratio: int = 4
    num_focus_tokens: int = 8
    num_summary_tokens: int = 12
    num_spans: int = 8
    num_segments: int = 8
    num_tallies: int = 16
    fuse_totals: bool = True
    ask_amounts: bool = True
    exact_totals: bool = True
    choose_amounts: bool = False
    max_motions: int = 8
    max_receptive_field: float | int = 0.5
    video_grid_size: int = 3
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs):
        smallest = dict(
            num_focus_tokens=1, num_summary_tokens=2, num_segments=1, num_tallies=1, max_motions=1, video_grid_size=1
        )
        for name, least in smallest.items():
            if getattr(self, name) < least:
                raise ValueError(
                    f"Expected {name} to be at least {least}, got {getattr(self, name)} in LlamoTalkerConfig. Raise it."
                )
        if self.choose_amounts and not self.ask_amounts:
            raise ValueError(
                "Expected choose_amounts together with ask_amounts, got choose_amounts alone in LlamoTalkerConfig. Set both, "
                "or neither."
            )
        if not 0 <= self.num_spans <= self.num_summary_tokens - 1:
            raise ValueError(
                f"Expected num_spans between 0 and num_summary_tokens - 1 = {self.num_summary_tokens - 1}, "
                f"got {self.num_spans} in LlamoTalkerConfig. The last summary token tells totals: lower num_spans or raise "
                "num_summary_tokens."
            )
        if self.hidden_size % (2 * self.num_attention_heads):
            raise ValueError(
                f"Expected hidden_size to be a multiple of 2 * num_attention_heads = {2 * self.num_attention_heads}, "
                f"got {self.hidden_size} in LlamoTalkerConfig. Change one of the two."
            )
        super().__post_init__(**kwargs)


@strict
class LlamoConfig(_StrictConfig):
    r"""
    A language model that reads human motion (and, with a vision tower, the video of it).

    Args:
        text_config (`PreTrainedConfig` or `dict`, *optional*, defaults to `LlamaConfig`):
            Any causal language model.
        vision_config (`PreTrainedConfig` or `dict`, *optional*):
            Any vision tower that `AutoModel` knows. `None` makes a model of motion and text alone.
        motion_config (`LlamoMotionConfig` or `dict`, *optional*):
            The motion tower.
        talker_config (`LlamoTalkerConfig` or `dict`, *optional*):
            Enhancer and Cross Talker.
        motion_token_id (`int`, *optional*, defaults to 49152):
            Id of the placeholder of summary tokens, `<|motion|>`.
        motion_focus_token_id (`int`, *optional*, defaults to 49153):
            Id of the placeholder of the frames that a user turn selects, `<|motion_focus|>`.
        instruction_start_token_ids (`list[int]`, *optional*, defaults to `[1, 4093]`):
            Token ids that open a user turn in the chat template. The instruction of a turn is what stands between them
            and the turn's `<|motion_focus|>` tokens.
        retrieval_size (`int`, *optional*, defaults to 0):
            Width of the embeddings of motions and texts in one space; 0 for a model without them.
        motion_update_rank (`int`, *optional*, defaults to 0):
            Rank of the update of the language model that prompts with motion are read with and text alone is not. 0 for a
            language model that reads everything alike.
        motion_update_layers (`list[str]`, *optional*):
            Last names of the language model's linear layers that have this update; `[]` when `None`.
        tie_word_embeddings (`bool`, *optional*):
            Whether input and output embeddings are one matrix; follows `text_config` when `None`.

    Example:

    ```python
    >>> from llamo.modeling_llamo.configuration_llamo import LlamoConfig
    >>> from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration

    >>> config = LlamoConfig(text_config={"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2})
    >>> model = LlamoForConditionalGeneration(config)
    ```
    """

    model_type = "llamo"
    sub_configs_defaults = {
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="llama"),
        "vision_config": SubConfigSpec(config_class=AutoConfig, model_type="siglip_vision_model", optional=True),
        "motion_config": SubConfigSpec(config_class=LlamoMotionConfig),
        "talker_config": SubConfigSpec(config_class=LlamoTalkerConfig),
    }

    text_config: dict | PreTrainedConfig | None = None
    vision_config: dict | PreTrainedConfig | None = None
    motion_config: dict | PreTrainedConfig | None = None
    talker_config: dict | PreTrainedConfig | None = None
    motion_token_id: int = 49152
    motion_focus_token_id: int = 49153
    instruction_start_token_ids: list[int] | None = None
    retrieval_size: int = 0
    motion_update_rank: int = 0
    motion_update_layers: list[str] | None = None
    tie_word_embeddings: bool | None = None

    def __post_init__(self, **kwargs):
        if self.retrieval_size < 0:
            raise ValueError(
                f"Expected retrieval_size of at least 0, got {self.retrieval_size} in LlamoConfig. 0 is a model without "
                "embeddings."
            )
        if self.motion_update_layers is None:
            self.motion_update_layers = []
        if self.motion_update_rank < 0 or (self.motion_update_rank > 0) != bool(self.motion_update_layers):
            raise ValueError(
                f"Expected motion_update_rank above 0 and names in motion_update_layers, or neither, got "
                f"{self.motion_update_rank} and {self.motion_update_layers} in LlamoConfig. Leave both out for a language "
                "model that reads everything alike."
            )
        if self.instruction_start_token_ids is None:
            self.instruction_start_token_ids = [1, 4093]
        super().__post_init__(**kwargs)
        if self.tie_word_embeddings is None:
            self.tie_word_embeddings = bool(getattr(self.text_config, "tie_word_embeddings", False))

    def to_dict(self) -> dict[str, Any]:
        # PEFT asks for this just before it looks up what to adapt. Whoever adapts nothing is spared its import.
        if (peft := sys.modules.get("peft.utils.constants")) is not None:
            peft.TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING.setdefault(self.model_type, _LORA_TARGETS)
        return super().to_dict()


__all__ = ["LlamoConfig", "LlamoMotionConfig", "LlamoTalkerConfig"]
