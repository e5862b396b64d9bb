"""How much memory a GPU needs to train, from a language model's size alone: nothing is loaded.

    llamo memory --base HuggingFaceTB/SmolLM2-1.7B-Instruct --gpus 8 --shard

Counted are weights, gradients, Adam's two moments and what the backward pass keeps of every layer. The latter follows
"Reducing Activation Recomputation in Large Transformer Models" (arXiv 2205.05198, eq. 2) with attention that keeps no scores:
34 bytes for each token and hidden unit of a layer at two bytes a number, in proportion where the feed-forward part is wider
or narrower than four times; one such unit remains where layers are computed again. Left out: the framework itself (about a
gigabyte), fragments, and what communication holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig


GIGABYTE = 1e9
# Sizes that README lists, made of the published configurations, so that no network is needed.
KNOWN: dict[str, dict] = {
    "135M": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
             "num_key_value_heads": 3, "vocab_size": 49152, "tie_word_embeddings": True},
    "1.7B": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 24, "num_attention_heads": 32,
             "num_key_value_heads": 32, "vocab_size": 49152, "tie_word_embeddings": True},
    "7B": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
           "num_key_value_heads": 32, "vocab_size": 32000, "tie_word_embeddings": False},
}  # fmt: skip
OWN_PARAMETERS = 12_000_000  # motion tower, enhancer and Cross Talker of the default sizes, rounded up
BYTES_OF_MOMENTS = 8  # Adam's two, in float32
BYTES_OF_MASTER = 4  # the float32 copy that a weight trained in bfloat16 needs


@dataclass(frozen=True)
class Memory:
    """Bytes for one GPU."""

    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        return self.weights + self.gradients + self.optimizer + self.activations


def read_config(base: str) -> PretrainedConfig:
    """The language model's configuration: one of KNOWN, a Hub id or a folder.

    Raises:
        ValueError: neither.
    """
    if base in KNOWN:
        return AutoConfig.for_model("llama", **KNOWN[base])
    try:
        config = AutoConfig.from_pretrained(base)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"Expected {', '.join(KNOWN)}, a Hub id or a folder with a language model, got {base!r}: "
            f"{str(error).splitlines()[0]} Correct --base."
        ) from None
    return config.get_text_config()


def count_parameters(config: PretrainedConfig) -> int:
    """Parameters of a causal language model, built without memory."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return sum(parameter.numel() for parameter in model.parameters())


def lora_parameters(config: PretrainedConfig, rank: int) -> int:
    """Of LoRA on all linear layers of attention and feed-forward part, as train/recipes/instruct.yaml has it."""
    hidden, heads = config.hidden_size, config.num_attention_heads
    size = getattr(config, "head_dim", None) or hidden // heads
    query, key = heads * size, (config.num_key_value_heads or heads) * size
    sides = 2 * (hidden + query) + 2 * (hidden + key) + 3 * (hidden + config.intermediate_size)
    return rank * sides * config.num_hidden_layers


def estimate(
    base: str,
    *,
    batch: int = 8,
    tokens: int = 256,
    lora_rank: int = 16,
    gpus: int = 1,
    shard: bool = False,
    recompute: bool = False,
) -> Memory:
    """What one GPU holds.

    Args:
        base: one of KNOWN, a Hub id or a folder.
        batch: rows on one GPU. tokens: of a row, those of its motions included.
        lora_rank: 0 to train the whole language model.
        gpus: how many share the work. shard: whether they also share weights, gradients and optimizer (FSDP, ZeRO-3).
        recompute: gradient checkpointing.

    Raises:
        ValueError: an unknown base, or a number out of range.
    """
    for name, value, least in (("batch", batch, 1), ("tokens", tokens, 1), ("lora_rank", lora_rank, 0), ("gpus", gpus, 1)):
        if value < least:
            raise ValueError(f"Expected {name} of at least {least}, got {value} in estimate. Raise it.")
    config = read_config(base)
    language = count_parameters(config)
    trained = (lora_parameters(config, lora_rank) if lora_rank else language) + OWN_PARAMETERS
    frozen = language if lora_rank else 0
    share = gpus if shard else 1
    layer = 34 * (0.5 + 0.5 * config.intermediate_size / (4 * config.hidden_size))
    kept = (2 + layer / config.num_hidden_layers) if recompute else layer
    activations = batch * tokens * config.hidden_size * config.num_hidden_layers * kept
    # Logits of the answers' tokens in float32 and their gradient: trl computes them for all tokens.
    activations += 2 * 4 * batch * tokens * config.vocab_size
    return Memory(
        weights=(2 * frozen + (2 + BYTES_OF_MASTER) * trained) / share,
        gradients=4 * trained / share,
        optimizer=BYTES_OF_MOMENTS * trained / share,
        activations=float(activations),
    )


def table(bases: list[str], **settings) -> str:
    """A row for each language model, gigabytes for one GPU."""
    lines = [
        f"{'language model':<24}{'weights':>9}{'gradients':>11}{'optimizer':>11}{'activations':>13}{'together':>10}  GB a GPU"
    ]
    for base in bases:
        found = estimate(base, **settings)
        parts = (found.weights, found.gradients, found.optimizer, found.activations, found.total)
        cells = [f"{value / GIGABYTE:>{width}.1f}" for value, width in zip(parts, (9, 11, 11, 13, 10), strict=True)]
        lines.append(f"{base:<24}{''.join(cells)}")
    return "\n".join(lines)
