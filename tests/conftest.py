"""Tiny models, a tiny tokenizer and a made-up walk: nothing is downloaded, everything is deterministic."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, PreTrainedTokenizerFast

from llamo.modeling_llamo.configuration_llamo import LlamoConfig
from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.processing.motion_processing_llamo import LlamoMotionProcessor
from llamo.processing.processing_llamo import LlamoProcessor


ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real recordings beside the checkout; tests of them are skipped where they are missing."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no folder of real recordings beside the checkout")
    return folder


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes as tokens, and the special tokens of the chat template."""
    special = ["<pad>", "<|im_start|>", "<|im_end|>", "<|motion|>", "<|motion_focus|>"]
    vocab = {token: index for index, token in enumerate(special + sorted(pre_tokenizers.ByteLevel.alphabet()))}
    backend = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="<pad>",
        eos_token="<|im_end|>",
        additional_special_tokens=["<|im_start|>", "<|motion|>", "<|motion_focus|>"],
    )


def make_processor(**motion) -> LlamoProcessor:
    template = (ROOT / "processing" / "chat_template.jinja").read_text(encoding="utf-8")
    motion_processor = LlamoMotionProcessor(num_summary_tokens=3, num_focus_tokens=4, **motion)
    return LlamoProcessor(make_tokenizer(), motion_processor, chat_template=template)


def make_config(processor: LlamoProcessor, **overrides) -> LlamoConfig:
    tokenizer = processor.tokenizer
    config = {
        "text_config": LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=4096,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=1,
            eos_token_id=tokenizer.eos_token_id,
            tie_word_embeddings=True,
        ),
        "motion_config": {
            "part_hidden_size": 16,
            "hidden_size": 32,
            "num_part_layers": 1,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "window_size": 16,
        },
        "talker_config": {
            "hidden_size": 32,
            "num_attention_heads": 2,
            "num_summary_tokens": 3,
            "num_spans": 1,
            "num_focus_tokens": 4,
            "num_segments": 3,
            "num_tallies": 4,
        },
        "motion_token_id": tokenizer.convert_tokens_to_ids("<|motion|>"),
        "motion_focus_token_id": tokenizer.convert_tokens_to_ids("<|motion_focus|>"),
        "instruction_start_token_ids": processor.instruction_start_token_ids,
    }
    return LlamoConfig(**{**config, **overrides})


def make_model(config: LlamoConfig, seed: int = 0, open_gates: bool = True) -> LlamoForConditionalGeneration:
    torch.manual_seed(seed)
    model = LlamoForConditionalGeneration(config).eval()
    if open_gates:  # as after training, so that tests see every path
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name.endswith("gate"):
                    parameter.fill_(0.5)
                elif name.endswith("motion_order.weight"):
                    parameter.normal_(std=0.1)
    return model


@pytest.fixture
def processor() -> LlamoProcessor:
    return make_processor()


@pytest.fixture
def model(processor) -> LlamoForConditionalGeneration:
    return make_model(make_config(processor))


def make_walk(num_frames: int = 60, fps: float = 20.0, speed: float = 1.3, seed: int = 0) -> np.ndarray:
    """A rough but human-sized person walking along +Z, `(num_frames, 22, 3)` metres, Y up, left side at +X."""
    rest = np.array(
        [
            [0, 0.95, 0], [0.09, 0.87, 0], [-0.09, 0.87, 0], [0, 1.06, -0.01], [0.1, 0.48, 0.01], [-0.1, 0.48, 0.01],
            [0, 1.19, 0], [0.1, 0.07, -0.02], [-0.1, 0.07, -0.02], [0, 1.25, 0.02], [0.11, 0.02, 0.11],
            [-0.11, 0.02, 0.11], [0, 1.46, -0.01], [0.07, 1.37, 0], [-0.07, 1.37, 0], [0, 1.56, 0.04],
            [0.19, 1.39, 0], [-0.19, 1.39, 0], [0.22, 1.13, 0], [-0.22, 1.13, 0], [0.24, 0.88, 0.05], [-0.24, 0.88, 0.05],
        ]
    )  # fmt: skip
    generator = np.random.default_rng(seed)
    time = np.arange(num_frames)[:, None] / fps
    phase = 2 * np.pi * (0.9 * time + generator.uniform())
    joints = np.repeat(rest[None], num_frames, axis=0)
    swing = 0.25 * np.sin(phase)
    for joint, share, sign in ((4, 0.5, 1), (7, 1, 1), (10, 1, 1), (5, 0.5, -1), (8, 1, -1), (11, 1, -1)):
        joints[:, joint, 2] += sign * share * swing[:, 0]
    for joint, share, sign in ((18, 0.4, -1), (20, 1, -1), (19, 0.4, 1), (21, 1, 1)):
        joints[:, joint, 2] += sign * share * swing[:, 0]
    joints[..., 2] += speed * time
    return joints.astype(np.float32)


@pytest.fixture
def walk() -> np.ndarray:
    return make_walk()


def motion_part(joints: np.ndarray, fps: float = 20.0) -> dict:
    return {"type": "motion", "motion": joints, "fps": fps}


def text_part(text: str) -> dict:
    return {"type": "text", "text": text}


def user(*parts) -> dict:
    return {"role": "user", "content": [text_part(part) if isinstance(part, str) else part for part in parts]}


def assistant(text: str) -> dict:
    return {"role": "assistant", "content": [text_part(text)]}


def encode(processor: LlamoProcessor, conversation, **kwargs):
    """Conversation(s) -> the model's inputs."""
    batched = isinstance(conversation[0], list)
    if batched:
        kwargs = {"processor_kwargs": {"padding": True, "padding_side": kwargs.pop("padding_side", "left")}, **kwargs}
    return processor.apply_chat_template(conversation, tokenize=True, return_dict=True, return_tensors="pt", **kwargs)
