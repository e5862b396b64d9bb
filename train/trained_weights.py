"""The trained parts of the default model, as they lie in `weights/`, and how they go into a model.

`weights/` holds what training changed and nothing of the base language model:

    config.json           {"motion_config": {...}, "talker_config": {...}, "motion_processor": {"mean": [...], "std": [...]}}
                          and, of a vision tower, "vision_config" and "frame_processor"
    *.safetensors         tensors named as in the state dict of LlamoForConditionalGeneration (float16)
    lora.safetensors      the update of the language model: `<path of the linear layer>.lora_A` (r, in), `.lora_B` (out, r)
    lora.json             {"r": ..., "alpha": ..., ...}
    retrieval.safetensors the embeddings' head; `config.json` tells its size and which of the other files it belongs to
    vision_tower.safetensors, enhancer.safetensors
                          may be missing: the model then reads motion alone, or does not let motion ask the video
"""

import hashlib
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn


CONFIG_FILE, LORA_FILE, LORA_CONFIG_FILE = "config.json", "lora.safetensors", "lora.json"
RETRIEVAL_FILE = "retrieval.safetensors"
VISION_FILE, ENHANCER_FILE = "vision_tower.safetensors", "enhancer.safetensors"
# What belongs to no language model in particular and so serves every base.
BASE_INDEPENDENT = ("model.motion_tower.", "model.vision_tower.")
LANGUAGE_MODEL = "model.language_model."
OF_VIDEO = ("model.vision_tower.", "model.enhancer.")


def read_settings(folder: Path) -> dict:
    """`config.json` of the trained weights, `{}` where there are none."""
    path = folder / CONFIG_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def digest_of(folder: Path) -> str:
    """Of all trained weights that the embeddings' head reads, which is worth nothing beside others; it reads motion alone."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        if path.name not in (RETRIEVAL_FILE, VISION_FILE, ENHANCER_FILE):
            digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def retrieval_size(folder: Path, same_base: bool) -> int:
    """Width of the trained embeddings; 0 where there are none, or none for these weights and this language model."""
    settings = read_settings(folder).get("retrieval")
    if settings is None or not same_base or not (folder / RETRIEVAL_FILE).is_file():
        return 0
    if settings["of"] != digest_of(folder):
        print(
            "Warning: the embeddings were trained on other weights and are left out; train them again with "
            "`llamo train train/recipes/retrieval.yaml`.",
            file=sys.stderr,
        )
        return 0
    return int(settings["size"])


def motion_update(folder: Path, same_base: bool) -> dict:
    """Rank and layers of the language model's update, as LlamoConfig has them; `{}` where there is none for this base."""
    if not same_base or not (folder / LORA_FILE).is_file():
        return {}
    names = load_file(folder / LORA_FILE)
    layers = sorted({name.split(".")[-2] for name in names if name.startswith(LANGUAGE_MODEL)})
    rank = json.loads((folder / LORA_CONFIG_FILE).read_text(encoding="utf-8"))["r"]
    return {"motion_update_rank": int(rank), "motion_update_layers": layers}


def has_vision(folder: Path) -> bool:
    """Whether there is a trained vision tower.

    Raises:
        ValueError: its weights or its sizes alone.
    """
    settings, there = read_settings(folder), (folder / VISION_FILE).is_file()
    if there != ("vision_config" in settings):
        got = f"{VISION_FILE} alone" if there else "vision_config alone"
        raise ValueError(
            f"Expected {VISION_FILE} and vision_config in {CONFIG_FILE}, or neither, got {got} in {folder}. Train the tower "
            "again with `llamo train train/recipes/pretrain_vision.yaml`, or remove what is left of it."
        )
    return there


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of `folder` except the low-rank update."""
    tensors: dict[str, torch.Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        if path.name != LORA_FILE:
            tensors.update(load_file(path))
    return tensors


@torch.no_grad()
def merge_weights(model: nn.Module, folder: Path, same_base: bool, own_vision: bool = True) -> list[str]:
    """Puts the trained tensors into `model` and adds the low-rank update to its language model.

    Args:
        model: a LlamoForConditionalGeneration that already holds its base language model.
        folder: the trained weights.
        same_base: whether the language model is the one that the weights were trained with. With another one only the
            towers are of use.
        own_vision: whether the vision tower is the trained one; what belongs to it is of no use to another, or to none.

    Returns:
        Names of our own modules that got no trained tensor, such as `model.talker`. An enhancer without one is left out: its
        gate is closed, and motion is read as if it were not there.

    Raises:
        ValueError: a tensor that the model does not have, or has in another shape.
    """
    tensors = read_tensors(folder)
    if not same_base:
        tensors = {name: tensor for name, tensor in tensors.items() if name.startswith(BASE_INDEPENDENT)}
    state = model.state_dict()
    if model.config.vision_config is None or not own_vision:
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(OF_VIDEO)}
    if model.config.retrieval_size == 0:
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("model.retrieval.")}
    for name, tensor in tensors.items():
        own = state.get(name)
        if own is None or own.shape != tensor.shape:
            raise ValueError(
                f"Expected {'no tensor of that name' if own is None else f'shape {tuple(own.shape)}'}, got {name} of shape "
                f"{tuple(tensor.shape)} in {folder}. The weights belong to another configuration: train again, or restore "
                f"{CONFIG_FILE} of the same training."
            )
        own.copy_(tensor)
    if same_base and (folder / LORA_FILE).is_file():
        merge_lora(model, load_file(folder / LORA_FILE), json.loads((folder / LORA_CONFIG_FILE).read_text("utf-8")))
    given = (".language_model.", ".vision_tower.", ".motion_update.", "lm_head")
    ours = {name for name in state if not any(part in name for part in given)}
    return sorted({".".join(name.split(".")[:2]) for name in ours - set(tensors)} - {"model.enhancer"})


@torch.no_grad()
def merge_lora(model: nn.Module, factors: dict[str, torch.Tensor], settings: dict) -> None:
    """Adds `alpha / r * B A` (LoRA, arXiv 2106.09685) to the linear layers that `factors` names, and notes it in the model, so
    that text alone is read without.

    Raises:
        ValueError: a factor without its partner, or a layer that the model does not have in that shape.
    """
    scale = settings["alpha"] / settings["r"]
    paths = {name.rsplit(".", 1)[0] for name in factors}
    state = model.state_dict()
    for path in sorted(paths):
        down, up, weight = factors.get(f"{path}.lora_A"), factors.get(f"{path}.lora_B"), state.get(f"{path}.weight")
        if down is None or up is None or weight is None or weight.shape != (up.shape[0], down.shape[1]):
            raise ValueError(
                f"Expected lora_A and lora_B for a linear layer of the model, got {path} with "
                f"{[tuple(x.shape) if x is not None else None for x in (down, up, weight)]} (A, B, weight) in {LORA_FILE}. "
                "The update belongs to another base language model or was cut short; export it again."
            )
        # The product is formed in float32: float16 factors lose digits when they are multiplied.
        weight += (scale * (up.float() @ down.float())).to(weight)
    if model.model.motion_update is not None:
        model.model.motion_update.fill(factors, scale, model.model.language_model, LANGUAGE_MODEL)
