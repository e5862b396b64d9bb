"""The frozen language model in bfloat16 while LoRA trains, for processors that multiply bfloat16 faster than float32.

What trains stays in float32. After training the frozen parameters are what they were, to the last bit: merging LoRA into
rounded ones would lose what it learned. `benchmarks/training_step.py` prints what it saves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from peft import PeftModel
from peft.tuners.lora import Linear as LoraLinear
from torch import nn


SIZES = (1024, 576, 1536)  # rows, in, out: a layer of the default language model over a small batch
REPEATS = 3
MOST_SCORES = 32 * 224**2  # of attention, of each layer and head, that are kept
GAIN = 1.2  # less would not pay for what is lost in rounding


def multiplies_bfloat16_fast() -> bool:
    """Whether this processor multiplies bfloat16 clearly faster than float32; measured, in a few hundredths of a second.

    What the processor says of itself does not tell: those with tiles (AMX) and some with wide products (AVX512-BF16) are
    faster, others half as fast.
    """
    if torch.cuda.is_available():
        return False
    seconds = []
    for dtype in (torch.float32, torch.bfloat16):
        rows, weight = torch.ones(SIZES[0], SIZES[1], dtype=dtype), torch.ones(SIZES[2], SIZES[1], dtype=dtype)
        seconds.append(min(timed_product(rows, weight) for _ in range(REPEATS + 1)))
    return seconds[0] > GAIN * seconds[1]


def timed_product(rows: torch.Tensor, weight: torch.Tensor) -> float:
    """Seconds of `rows @ weight.T`."""
    started = time.perf_counter()
    rows @ weight.T
    return time.perf_counter() - started


@contextmanager
def frozen_in_bfloat16(tuned: PeftModel) -> Iterator[None]:
    """Within it, the layers of the language model compute in bfloat16; inputs, outputs and what trains are float32.

    Args:
        tuned: LLaMo with LoRA in its language model; nothing else of the language model may train.

    Raises:
        ValueError: a parameter of the language model itself trains.
    """
    language_model = tuned.get_base_model().model.language_model
    layers = language_model.layers
    frozen = {name: parameter for name, parameter in layers.named_parameters() if "lora_" not in name}
    training = [name for name, parameter in frozen.items() if parameter.requires_grad]
    if training:
        raise ValueError(
            f"Expected LoRA alone to train in the language model, got {training[0]}. Leave halve_frozen out of the recipe."
        )
    whole = {name: parameter.data for name, parameter in frozen.items()}
    attention = language_model.config._attn_implementation
    replaced = [module for module in layers.modules() if isinstance(module, LoraLinear) and is_plain(module)]
    norms = [module for module in layers.modules() if type(module).__name__ == "LlamaRMSNorm"]
    hooks = [
        language_model.register_forward_pre_hook(partial(choose_attention, attention), with_kwargs=True),
        language_model.register_forward_pre_hook(embeddings_to_bfloat16, with_kwargs=True),
        language_model.register_forward_hook(states_to_float32),
    ]
    try:
        for parameter in frozen.values():
            parameter.data = parameter.data.to(torch.bfloat16)
        for module in replaced:
            module.forward = LoraForward(module)
        for module in norms:
            module.forward = NormForward(module)
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for module in [*replaced, *norms]:
            del module.forward
        language_model.config._attn_implementation = attention
        for name, parameter in frozen.items():
            parameter.data = whole[name]


def is_plain(module: LoraLinear) -> bool:
    """LoRA as in its paper: one adapter, no dropout, no bias, no variant of it."""
    name = module.active_adapters[0]
    return (
        len(module.active_adapters) == 1
        and isinstance(module.base_layer, nn.Linear)
        and module.base_layer.bias is None
        and isinstance(module.lora_dropout[name], nn.Identity)
        and not module.lora_bias[name]
        and not module.lora_variant
    )


def choose_attention(fused: str, module: nn.Module, args: tuple, kwargs: dict) -> None:
    """Eager attention is quicker than the fused one on a processor, but keeps the scores of all layers, which grow with
    the square of the length: too much for a batch of long conversations."""
    rows, length = kwargs["inputs_embeds"].shape[:2]
    module.config._attn_implementation = "eager" if rows * length**2 <= MOST_SCORES else fused


def embeddings_to_bfloat16(module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    return args, {**kwargs, "inputs_embeds": kwargs["inputs_embeds"].to(torch.bfloat16)}


def states_to_float32(module: nn.Module, args: tuple, output):
    output.last_hidden_state = output.last_hidden_state.float()
    return output


class LoraForward:
    """The forward of a LoRA layer as two products that add up in place."""

    def __init__(self, module: LoraLinear):
        self.module, self.name = module, module.active_adapters[0]

    def __call__(self, x: torch.Tensor, *args, **kwargs) -> torch.Tensor:
        down, up = self.module.lora_A[self.name].weight, self.module.lora_B[self.name].weight
        return LoraProduct.apply(x, self.module.base_layer.weight, down, up, self.module.scaling[self.name])


class LoraProduct(torch.autograd.Function):
    """`x @ weight.T + scale * x @ down.T @ up.T` with gradients for x, down and up.

    x `(..., I)` and weight `(O, I)` in one type, down `(R, I)` and up `(O, R)` in float32.
    """

    @staticmethod
    def forward(ctx, x, weight, down, up, scale):
        down, up = down.to(x.dtype), (up * scale).to(x.dtype)
        rows = x.reshape(-1, x.shape[-1])
        inner = rows @ down.T
        result = (rows @ weight.T).addmm_(inner, up.T)
        ctx.save_for_backward(rows, weight, down, up, inner)
        ctx.scale, ctx.shape = scale, x.shape
        return result.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx, gradient):
        rows, weight, down, up, inner = ctx.saved_tensors
        gradient = gradient.reshape(-1, gradient.shape[-1])
        of_inner = gradient @ up
        of_x = (gradient @ weight).addmm_(of_inner, down)
        of_down = (of_inner.T @ rows).float()
        of_up = (gradient.T @ inner).float() * ctx.scale
        return of_x.view(ctx.shape), None, of_down, of_up, None


class NormForward:
    """The forward of a root-mean-square norm whose weight is frozen."""

    def __init__(self, module: nn.Module):
        self.module = module

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return RootMeanSquareNorm.apply(x, self.module.weight, self.module.variance_epsilon)


class RootMeanSquareNorm(torch.autograd.Function):
    """`weight * x / rms(x)` with the gradient for x alone, computed in float32 with few passes over memory."""

    @staticmethod
    def forward(ctx, x, weight, epsilon):
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)
        normed = wide.mul_(scale).to(x.dtype) if wide is not x else (wide * scale)
        ctx.save_for_backward(normed, scale, weight)
        return normed * weight

    @staticmethod
    def backward(ctx, gradient):
        normed, scale, weight = ctx.saved_tensors
        inner = gradient.float() * weight.float()
        wide = normed.float()
        along = (inner * wide).mean(-1, keepdim=True)
        return (inner - wide * along).mul_(scale).to(gradient.dtype), None, None
