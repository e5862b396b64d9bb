# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""The pose networks in plain PyTorch: BlazePose GHUM, built from the operations that its configuration lists.

>>> model = AutoModel.from_pretrained("llamo/motion_estimator", trust_remote_code=True)
>>> model.detect(pictures)   # (batch, 3, 224, 224), values from -1 to 1 -> boxes and scores of 2254 anchors
>>> model(crops)             # (batch, 3, 256, 256), values from 0 to 1 -> 39 points of the person in each crop

Architecture and weights: BlazePose GHUM (Bazarevsky et al. 2020, arXiv 2006.10204; Grishchenko et al. 2022, arXiv 2206.11678),
copyright The MediaPipe Authors, Apache-2.0.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedModel
from transformers.utils import ModelOutput

from .pose_configuration_llamo import LlamoPoseConfig


@dataclass
class PoseDetections(ModelOutput):
    """What the detector says of every anchor.

    Args:
        boxes (`torch.FloatTensor` of shape `(batch, num_anchors, 12)`):
            Against the anchor, in pixels of the detector's input: centre x, y, width, height, four points x, y (middle of
            the hips, end of the circle around the whole body, the same two for the upper body).
        scores (`torch.FloatTensor` of shape `(batch, num_anchors, 1)`):
            Logits of "a person".
    """

    boxes: torch.FloatTensor | None = None
    scores: torch.FloatTensor | None = None


@dataclass
class PoseLandmarks(ModelOutput):
    """What the landmarker says of the person in each crop. 39 points: 33 of the body, 2 that place the next crop, 4 of hands.

    Args:
        landmarks (`torch.FloatTensor` of shape `(batch, 195)`):
            39 times x, y, z in pixels of the crop, and the logits of visibility and presence.
        presence (`torch.FloatTensor` of shape `(batch, 1)`):
            Probability that there is a person.
        heatmaps (`torch.FloatTensor` of shape `(batch, 39, 64, 64)`):
            Logits of where each point is.
        world (`torch.FloatTensor` of shape `(batch, 117)`):
            39 times x, y, z in metres about the middle of the hips; x right, y down, z away from the camera.
    """

    landmarks: torch.FloatTensor | None = None
    presence: torch.FloatTensor | None = None
    heatmaps: torch.FloatTensor | None = None
    world: torch.FloatTensor | None = None


def activate(values: torch.Tensor, activation: str | None) -> torch.Tensor:
    if activation == "relu":
        return F.relu(values)
    return F.relu6(values) if activation == "relu6" else values


class Convolution(nn.Conv2d):
    """Convolution, padded unevenly where it has to be, and its activation."""

    def __init__(self, operation: dict):
        left, right, top, bottom = operation["padding"]
        even = left == right and top == bottom
        super().__init__(
            *operation["channels"],
            tuple(operation["kernel"]),
            stride=operation["stride"],
            padding=(top, left) if even else 0,
            groups=operation["groups"],
        )
        self.margins = None if even else (left, right, top, bottom)
        self.activation = operation["activation"]

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if self.margins is not None:
            values = F.pad(values, self.margins)
        return activate(super().forward(values), self.activation)


class Operation(nn.Module):
    """Any operation without weights."""

    def __init__(self, operation: dict):
        super().__init__()
        self.operation = operation

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        operation, values = self.operation, inputs[0]
        kind = operation["kind"]
        if kind == "add":
            return activate(values + inputs[1], operation["activation"])
        if kind == "pad":
            return F.pad(values, (*operation["padding"], *operation["channels"]))
        if kind == "resize":
            return F.interpolate(values, size=operation["size"], mode="bilinear", align_corners=False)
        if kind == "max_pool":
            return F.max_pool2d(values, operation["kernel"], operation["stride"])
        if kind == "depth_to_space":
            # The source has channels last, where the block's row and column are the slow indices of a channel.
            block = operation["block"]
            batch, channels, height, width = values.shape
            values = values.reshape(batch, block, block, channels // block**2, height, width)
            return values.permute(0, 3, 4, 1, 5, 2).reshape(batch, channels // block**2, height * block, width * block)
        if kind == "reshape":  # in the source's order, channels last
            return values.permute(0, 2, 3, 1).reshape(len(values), *operation["shape"])
        if kind == "concatenate":
            return torch.cat(inputs, dim=1)
        return torch.sigmoid(values)


class PoseNetwork(nn.Module):
    """Runs the operations of one network in order; a value is dropped after its last use."""

    def __init__(self, network: dict):
        super().__init__()
        self.outputs = network["outputs"]
        self.operations = network["operations"]
        self.layers = nn.ModuleList(
            Convolution(operation) if operation["kind"] == "convolution" else Operation(operation)
            for operation in self.operations
        )
        last_use = {value: index for index, operation in enumerate(self.operations) for value in operation["inputs"]}
        kept = set(self.outputs.values())
        self.dropped = [
            [value for value in set(operation["inputs"]) if last_use[value] == index and value not in kept]
            for index, operation in enumerate(self.operations)
        ]

    def forward(self, pixel_values: torch.Tensor) -> dict[str, torch.Tensor]:
        values = {0: pixel_values.contiguous(memory_format=torch.channels_last)}
        for layer, operation, dropped in zip(self.layers, self.operations, self.dropped, strict=True):
            values[operation["output"]] = layer(*(values[index] for index in operation["inputs"]))
            for index in dropped:
                del values[index]
        return {name: values[index] for name, index in self.outputs.items()}


class LlamoPoseModel(PreTrainedModel):
    """Detector and landmarker. `forward` is the landmarker, `detect` the detector."""

    config_class = LlamoPoseConfig
    base_model_prefix = "model"
    main_input_name = "pixel_values"

    def __init__(self, config: LlamoPoseConfig):
        super().__init__(config)
        if config.detector is None or config.landmarker is None:
            raise ValueError(
                "Expected a configuration with detector and landmarker, got one without. "
                "Load the estimator that `llamo init` has made."
            )
        self.detector = PoseNetwork(config.detector)
        self.landmarker = PoseNetwork(config.landmarker)
        self.post_init()

    def detect(self, pixel_values: torch.Tensor) -> PoseDetections:
        """Pictures `(batch, 3, input_size, input_size)`, RGB from -1 to 1 -> what every anchor says."""
        return PoseDetections(**self.detector(pixel_values))

    def forward(self, pixel_values: torch.Tensor, **kwargs) -> PoseLandmarks:
        """Crops `(batch, 3, input_size, input_size)`, RGB from 0 to 1 -> the points of the person in each."""
        return PoseLandmarks(**self.landmarker(pixel_values))


__all__ = ["LlamoPoseModel", "PoseDetections", "PoseLandmarks"]
