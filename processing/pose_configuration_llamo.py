# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Configuration of the pose networks: what they compute, as a list of operations on numbered values."""

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig


# The kinds of operations, and what each must say beside "kind", "inputs" and "output".
OPERATION_FIELDS = {
    "convolution": ("channels", "kernel", "stride", "padding", "groups", "activation"),
    "add": ("activation",),
    "pad": ("padding", "channels"),
    "resize": ("size",),
    "max_pool": ("kernel", "stride"),
    "depth_to_space": ("block",),
    "reshape": ("shape",),
    "concatenate": (),
    "sigmoid": (),
}
DETECTOR_OUTPUTS = ("boxes", "scores")
LANDMARKER_OUTPUTS = ("landmarks", "presence", "heatmaps", "world")


@strict
class LlamoPoseConfig(PreTrainedConfig):
    r"""
    Two networks: the detector finds people in a whole picture, the landmarker finds 33 points of the one in its crop.

    A network is `{"input_size": pixels, "outputs": {name: number of a value}, "operations": [...]}`. Value 0 is the picture;
    every operation has `"kind"`, `"inputs"` (numbers of earlier values), `"output"` (its own number) and the fields that
    `OPERATION_FIELDS` lists.

    Args:
        detector (`dict`, *optional*):
            Network from `(batch, 3, input_size, input_size)` to boxes and scores of its anchors.
        landmarker (`dict`, *optional*):
            Network from `(batch, 3, input_size, input_size)` to landmarks, presence, heat maps and world landmarks.
        initializer_range (`float`, *optional*, defaults to 0.02):
            Standard deviation of weights that are not loaded.
    """

    model_type = "llamo_pose"

    detector: dict | None = None
    landmarker: dict | None = None
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs):
        for name, outputs in (("detector", DETECTOR_OUTPUTS), ("landmarker", LANDMARKER_OUTPUTS)):
            network = getattr(self, name)
            if network is not None:
                check_network(network, outputs, name)
        super().__post_init__(**kwargs)


def check_network(network: dict, outputs: tuple[str, ...], where: str) -> None:
    """Refuses a network that cannot be built.

    Raises:
        ValueError: a field or an operation that is unknown or missing, or a value that is used before it is made.
    """
    remedy = "Make the estimator's folder anew with `llamo init`."
    wanted = {"input_size", "outputs", "operations"}
    if set(network) != wanted:
        raise ValueError(f"Expected the fields {sorted(wanted)}, got {sorted(network)} in {where}. {remedy}")
    if set(network["outputs"]) != set(outputs):
        raise ValueError(f"Expected the outputs {list(outputs)}, got {sorted(network['outputs'])} in {where}. {remedy}")
    made = {0}
    for index, operation in enumerate(network["operations"]):
        place = f"operation {index} of {where}"
        kind = operation.get("kind")
        if kind not in OPERATION_FIELDS:
            raise ValueError(f"Expected one of {', '.join(OPERATION_FIELDS)}, got {kind!r} in {place}. {remedy}")
        own = {"kind", "inputs", "output", *OPERATION_FIELDS[kind]}
        if set(operation) != own:
            raise ValueError(f"Expected the fields {sorted(own)}, got {sorted(operation)} in {place}. {remedy}")
        if not set(operation["inputs"]) <= made:
            raise ValueError(f"Expected values that are there, got {operation['inputs']} in {place}. {remedy}")
        made.add(operation["output"])
    if not set(network["outputs"].values()) <= made:
        raise ValueError(f"Expected outputs that are computed, got {network['outputs']} in {where}. {remedy}")


__all__ = ["DETECTOR_OUTPUTS", "LANDMARKER_OUTPUTS", "LlamoPoseConfig"]
