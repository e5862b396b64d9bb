"""What FSDP asks of the model that is trained: which parts are cut into pieces, and the same gradients in every process.

FSDP gathers the pieces of a part when its `forward` begins, and brings its gradients together when they are there. All
processes do both together: one that left the motion path out, as its rows have no motion, would keep the others waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn


def layer_classes(language_model: nn.Module) -> list[str]:
    """Names of the classes of the language model's layers, each of which FSDP gathers alone."""
    present = {type(module).__name__ for module in language_model.modules()}
    return sorted(present & set(getattr(language_model, "_no_split_modules", None) or ()))


def prepare_for_pieces(model: nn.Module, plugin) -> set[str]:
    """Makes FSDP fit for LLaMo.

    The language model's layers alone become pieces of their own. LLaMo's own parts, which are small, belong to the whole, which
    every process gathers in every step, with motion or without: the Cross Talker has several entries beside `forward`, of which
    FSDP knows nothing.

    Args:
        model: LlamoForConditionalGeneration, or a PEFT model around it.
        plugin: accelerate's settings of FSDP, which are changed unless somebody named the layers.

    Returns:
        names of the parameters that were single numbers, which FSDP does not take, and are vectors of length one now.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    if plugin.transformer_cls_names_to_wrap is None:
        plugin.transformer_cls_names_to_wrap = layer_classes(inner.model.language_model)
    if getattr(plugin.mixed_precision_policy, "cast_forward_inputs", False):
        # Measured rates are summed over whole motions, in float32; the model rounds what it multiplies.
        plugin.mixed_precision_policy = replace(plugin.mixed_precision_policy, cast_forward_inputs=False)
    inner.model.language_model.register_forward_pre_hook(OwnParts(inner.model), with_kwargs=True)
    return widen_numbers(model)


class OwnParts:
    """Ties all trained weights outside the language model to what it reads, times zero: each has a gradient in every step."""

    def __init__(self, model: nn.Module):
        self.model = model

    def __call__(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict] | None:
        embeds = kwargs.get("inputs_embeds")
        if embeds is None or not torch.is_grad_enabled():
            return None
        # One number of each: its gradient is as large as the weight, and it cannot overflow as a sum could.
        numbers = [weight.flatten()[0].to(embeds) for weight in self.weights() if weight.numel()]
        if not numbers:
            return None
        return args, {**kwargs, "inputs_embeds": embeds + 0.0 * torch.stack(numbers).sum()}

    def weights(self) -> Iterator[nn.Parameter]:
        # Looked up every time: FSDP puts other tensors in their places.
        for name, part in self.model.named_children():
            if name != "language_model":
                yield from (weight for weight in part.parameters() if weight.requires_grad)


def widen_numbers(model: nn.Module) -> set[str]:
    """Makes vectors of length one of all parameters that are single numbers, in their places; returns their names."""
    numbers = [name for name, parameter in model.named_parameters() if parameter.ndim == 0]
    for name in numbers:
        path, _, own = name.rpartition(".")
        module = model.get_submodule(path)
        old = getattr(module, own)
        setattr(module, own, nn.Parameter(old.detach().reshape(1), requires_grad=old.requires_grad))
    return set(numbers)


def as_it_was(model: nn.Module, state: dict[str, torch.Tensor], widened: set[str]) -> dict[str, torch.Tensor]:
    """Weights brought together from their pieces, as the model had them before: single numbers, and shared ones stored once."""
    owners = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        owner = owners.setdefault(id(parameter), name)
        if name in state and owner in state:
            state[name] = state[owner]
    return {name: value.reshape(()) if name in widened else value for name, value in state.items()}


def is_in_pieces(model: nn.Module) -> bool:
    """Whether no process has the whole model (FSDP2, ZeRO-3), so that all of them have to run it together."""
    return is_held_by_deepspeed(model) or any(hasattr(parameter, "device_mesh") for parameter in model.parameters())


def is_held_by_deepspeed(model: nn.Module) -> bool:
    """Whether DeepSpeed's ZeRO-3 has the parameters in pieces."""
    return any(hasattr(parameter, "ds_id") for parameter in model.parameters())


def local_part(tensor: torch.Tensor) -> torch.Tensor:
    """This process' piece of a tensor; all of it where it is whole."""
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


def as_first_process(value):
    """What the first process says: what depends on a clock or on a piece has to be the same in all."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return value
    said = [value]
    torch.distributed.broadcast_object_list(said, src=0)
    return said[0]


def in_any_process(value: bool) -> bool:
    """Whether it is so in any process."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return value
    said = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(said, value)
    return any(said)
