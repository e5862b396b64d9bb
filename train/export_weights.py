"""Write what training changed into `weights/`, as trained_weights.py reads it: small float16 files, nothing of the base."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from llamo.train.trained_weights import CONFIG_FILE, LORA_CONFIG_FILE, LORA_FILE, VISION_FILE, read_settings


MODULES = ("motion_tower", "enhancer", "talker")
OPTIONAL = ("enhancer",)  # of models with a vision tower
FRESH = ("amount.",)  # beginnings of keys that older weights lack
WIDENED = "tally.linear_1.weight"  # ends of keys whose older weights have fewer inputs, the first ones
LARGEST_FLOAT16 = 6e4


def save_modules(model: nn.Module, out: Path) -> None:
    """Writes motion tower, talker and, where there is one, enhancer of a LlamoModel into `out`, one file each, keys as in
    LlamoForConditionalGeneration. The vision tower, which no stage of the model's own training changes, is left out.

    Raises:
        ValueError: a weight that float16 cannot hold.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in MODULES:
        if name not in OPTIONAL or getattr(model, name, None) is not None:
            save_file(in_half(getattr(model, name), name), out / f"{name}.safetensors")


def save_vision_tower(tower: nn.Module, out: Path) -> None:
    """Writes a vision tower into `out`, as `save_modules` does the other parts."""
    out.mkdir(parents=True, exist_ok=True)
    save_file(in_half(tower, "vision_tower"), out / VISION_FILE)


def in_half(module: nn.Module, name: str) -> dict[str, torch.Tensor]:
    """A part's tensors in float16, keys as in LlamoForConditionalGeneration; what is counted in whole numbers stays so.

    Raises:
        ValueError: a weight that float16 cannot hold.
    """
    tensors = {
        f"model.{name}.{key}": (value.detach().half() if value.is_floating_point() else value.detach()).contiguous().cpu()
        for key, value in module.state_dict().items()
    }
    largest = max(float(value.abs().max()) for value in tensors.values() if value.is_floating_point())
    if not largest < LARGEST_FLOAT16:
        raise ValueError(
            f"Expected weights below {LARGEST_FLOAT16:g}, got {largest:g} in {name}. Train with weight decay, or a lower "
            "learning rate."
        )
    return tensors


def load_modules(model: nn.Module, folder: Path) -> None:
    """Loads motion tower, talker and, where model and folder have one, enhancer into a LlamoModel of any language model.

    Tallies of older weights, which see less, are widened: what is new weighs nothing at first.

    Raises:
        ValueError: weights of other parts than the model has; only those in FRESH may be missing and stay as they are.
    """
    for name in MODULES:
        path = folder / f"{name}.safetensors"
        if name in OPTIONAL and (getattr(model, name, None) is None or not path.is_file()):
            continue
        tensors = load_file(path)
        tensors = {key.removeprefix(f"model.{name}."): value.float() for key, value in tensors.items()}
        part = getattr(model, name)
        for key in [key for key in tensors if key.endswith(WIDENED)]:
            more = part.get_parameter(key).shape[1] - tensors[key].shape[1]
            tensors[key] = F.pad(tensors[key], (0, max(more, 0)))
        missing, unexpected = part.load_state_dict(tensors, strict=False)
        missing = [key for key in missing if not key.startswith(FRESH)]
        if missing or unexpected:
            raise ValueError(
                f"Expected the {name} of the configuration, got one without {missing[:3]} and with {unexpected[:3]} in {path}. "
                "Load weights with the settings in their config.json."
            )


def save_lora(model: nn.Module, out: Path, adapter: str = "default") -> int:
    """Writes the LoRA factors of a PEFT model around LlamoForConditionalGeneration; returns the number of layers."""
    settings = model.peft_config[adapter]
    tensors = {}
    for name, module in model.named_modules():
        if adapter in getattr(module, "lora_A", {}):
            for side in ("lora_A", "lora_B"):
                weight = getattr(module, side)[adapter].weight
                key = f"{name.removeprefix('base_model.model.')}.{side}"
                tensors[key] = weight.detach().to(torch.float16).contiguous().cpu()
    save_file(tensors, out / LORA_FILE)
    text = json.dumps({"r": settings.r, "alpha": settings.lora_alpha}, indent=1)
    (out / LORA_CONFIG_FILE).write_text(text + "\n", encoding="utf-8")
    return len(tensors) // 2


@torch.no_grad()
def load_lora(model: nn.Module, folder: Path, adapter: str = "default") -> None:
    """Puts the factors of `folder` into the LoRA layers of a PEFT model, the inverse of `save_lora`.

    Raises:
        ValueError: other layers or another rank than the model's.
    """
    tensors = load_file(folder / LORA_FILE)
    for name, module in model.named_modules():
        if adapter in getattr(module, "lora_A", {}):
            for side in ("lora_A", "lora_B"):
                weight = getattr(module, side)[adapter].weight
                stored = tensors.pop(f"{name.removeprefix('base_model.model.')}.{side}", None)
                if stored is None or stored.shape != weight.shape:
                    raise ValueError(
                        f"Expected {side} of shape {tuple(weight.shape)} for {name}, got "
                        f"{None if stored is None else tuple(stored.shape)} in {folder}. Use the rank of that training."
                    )
                weight.copy_(stored)
    if tensors:
        raise ValueError(f"Expected factors of the model's layers alone, got {next(iter(tensors))} in {folder}. Check --rank.")


def save_settings(out: Path, **settings: dict) -> None:
    """Adds `settings` (motion_config, talker_config, motion_processor) to `config.json` of the trained weights."""
    merged = {**read_settings(out), **settings}
    (out / CONFIG_FILE).write_text(json.dumps(merged, indent=1, sort_keys=True) + "\n", encoding="utf-8")
