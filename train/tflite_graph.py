"""A network in TensorFlow Lite's format -> the operations of `LlamoPoseConfig` and their weights.

Only what the pose networks consist of is understood; anything else is refused. Reading needs the package `tflite`, the
classes generated from the format's published schema.
"""

from dataclasses import dataclass

import numpy as np
import tflite
import torch


KINDS = {
    tflite.BuiltinOperator.CONV_2D: "convolution",
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D: "convolution",
    tflite.BuiltinOperator.ADD: "add",
    tflite.BuiltinOperator.PAD: "pad",
    tflite.BuiltinOperator.RESIZE_BILINEAR: "resize",
    tflite.BuiltinOperator.MAX_POOL_2D: "max_pool",
    tflite.BuiltinOperator.DEPTH_TO_SPACE: "depth_to_space",
    tflite.BuiltinOperator.RESHAPE: "reshape",
    tflite.BuiltinOperator.CONCATENATION: "concatenate",
    tflite.BuiltinOperator.LOGISTIC: "sigmoid",
}
# These only unpack constants.
UNPACKING = (tflite.BuiltinOperator.DEQUANTIZE, tflite.BuiltinOperator.DENSIFY)
ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: None,
    tflite.ActivationFunctionType.RELU: "relu",
    tflite.ActivationFunctionType.RELU6: "relu6",
}
DTYPES = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.INT32: np.int32}
OPTIONS = {
    tflite.BuiltinOperator.CONV_2D: tflite.Conv2DOptions,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D: tflite.DepthwiseConv2DOptions,
    tflite.BuiltinOperator.ADD: tflite.AddOptions,
    tflite.BuiltinOperator.RESIZE_BILINEAR: tflite.ResizeBilinearOptions,
    tflite.BuiltinOperator.MAX_POOL_2D: tflite.Pool2DOptions,
    tflite.BuiltinOperator.DEPTH_TO_SPACE: tflite.DepthToSpaceOptions,
    tflite.BuiltinOperator.CONCATENATION: tflite.ConcatenationOptions,
}


@dataclass
class Step:
    """One operation of the source: its code, options, and the numbers of the tensors that it reads and writes."""

    code: int
    options: object
    inputs: list[int]
    output: int


def convert_network(content: bytes, outputs: dict[str, int], where: str) -> tuple[dict, dict[str, torch.Tensor]]:
    """Converts one network.

    Args:
        content: the file.
        outputs: which of the network's outputs to keep, `{name: position}`; what only the others need is dropped.
        where: the network's name, for messages.

    Returns:
        the network as `LlamoPoseConfig` holds it, and its weights, named as in `PoseNetwork`, in half precision as in the file.

    Raises:
        ValueError: an operation, or a form of one, that is unknown here.
    """
    source = Source(content, where)
    kept = {name: source.outputs[position] for name, position in outputs.items()}
    needed, steps = set(kept.values()), []
    for step in reversed(source.steps):
        if step.output in needed:
            steps.append(step)
            needed.update(source.varying(step))
    numbers = {source.input: 0}
    operations, weights = [], {}
    for index, step in enumerate(reversed(steps)):
        operation = {"kind": KINDS[step.code], "inputs": [numbers[tensor] for tensor in source.varying(step)]}
        numbers[step.output] = operation["output"] = len(numbers)
        operations.append({**operation, **source.fields(step)})
        if operation["kind"] == "convolution":
            weights[f"layers.{index}.weight"], weights[f"layers.{index}.bias"] = source.weights(step)
    network = {
        "input_size": source.shape(source.input)[1],
        "outputs": {name: numbers[tensor] for name, tensor in kept.items()},
        "operations": operations,
    }
    return network, weights


class Source:
    """The file: steps, constants and shapes. Tensors have channels last: `(batch, height, width, channels)`."""

    def __init__(self, content: bytes, where: str):
        self.where = where
        self.model = tflite.Model.GetRootAs(content, 0)
        self.graph = self.model.Subgraphs(0)
        self.input = self.graph.Inputs(0)
        self.outputs = [self.graph.Outputs(index) for index in range(self.graph.OutputsLength())]
        self.constants: dict[int, np.ndarray] = {}
        self.steps = []
        for index in range(self.graph.OperatorsLength()):
            step = self.read_step(self.graph.Operators(index))
            if step.code in UNPACKING:
                self.constants[step.output] = self.constant(step.inputs[0])
            else:
                self.steps.append(step)

    def read_step(self, operator) -> Step:
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        code = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        if code not in KINDS and code not in UNPACKING:
            raise self.unknown(f"operation number {code}")
        options = None
        if code in OPTIONS:
            options, table = OPTIONS[code](), operator.BuiltinOptions()
            options.Init(table.Bytes, table.Pos)
        inputs = [operator.Inputs(index) for index in range(operator.InputsLength())]
        return Step(code, options, inputs, operator.Outputs(0))

    def unknown(self, got: str) -> ValueError:
        return ValueError(
            f"Expected a pose network of the pinned release, got {got} in {self.where}. "
            "Add it to train/tflite_graph.py and to processing/pose_model_llamo.py, or use the pinned release."
        )

    def shape(self, tensor: int) -> list[int]:
        return [int(size) for size in self.graph.Tensors(tensor).ShapeAsNumpy()]

    def constant(self, tensor: int) -> np.ndarray | None:
        """The value of a constant tensor; None for one that is computed."""
        if tensor not in self.constants:
            described = self.graph.Tensors(tensor)
            buffer = self.model.Buffers(described.Buffer())
            if buffer.DataLength() == 0:
                return None
            values = np.frombuffer(buffer.DataAsNumpy().tobytes(), DTYPES[described.Type()])
            sparsity = described.Sparsity()
            shape = self.shape(tensor)
            self.constants[tensor] = values.reshape(shape) if sparsity is None else expand_sparse(values, shape, sparsity)
        return self.constants[tensor]

    def varying(self, step: Step) -> list[int]:
        """The inputs of a step that are computed, not constant."""
        return [tensor for tensor in step.inputs if self.constant(tensor) is None]

    def fields(self, step: Step) -> dict:
        """What `LlamoPoseConfig` wants to know about a step beside kind, inputs and output."""
        kind, options = KINDS[step.code], step.options
        if kind == "convolution":
            return self.convolution_fields(step)
        if kind == "add":
            return {"activation": ACTIVATIONS[options.FusedActivationFunction()]}
        if kind == "pad":
            batch, rows, columns, channels = self.constant(step.inputs[1]).tolist()
            if any(batch):
                raise self.unknown("padding of the batch")
            return {"padding": [*columns, *rows], "channels": channels}
        if kind == "resize":
            if options.AlignCorners() or not options.HalfPixelCenters():
                raise self.unknown("a resize whose pixels are not areas")
            return {"size": self.constant(step.inputs[1]).tolist()}
        if kind == "max_pool":
            if options.FilterHeight() != options.StrideH() or self.shape(step.inputs[0])[1] % options.StrideH():
                raise self.unknown("a maximum over areas that overlap or leave a rest")
            return {"kernel": options.FilterHeight(), "stride": options.StrideH()}
        if kind == "depth_to_space":
            return {"block": options.BlockSize()}
        if kind == "reshape":
            return {"shape": self.shape(step.output)[1:]}
        if kind == "concatenate" and options.Axis() != 1:
            raise self.unknown(f"concatenation along axis {options.Axis()}")
        return {}

    def convolution_fields(self, step: Step) -> dict:
        weight, _ = self.weights(step)
        options, groups = step.options, 1
        if step.code == tflite.BuiltinOperator.DEPTHWISE_CONV_2D:
            if options.DepthMultiplier() != 1:
                raise self.unknown("a depthwise convolution with several outputs for a channel")
            groups = len(weight)
        _, height, width, channels = self.shape(step.inputs[0])
        stride, padding = options.StrideH(), [0, 0, 0, 0]
        if options.Padding() == tflite.Padding.SAME:
            padding = [*same_padding(width, weight.shape[3], stride), *same_padding(height, weight.shape[2], stride)]
        return {
            "channels": [channels, len(weight)],
            "kernel": list(weight.shape[2:]),
            "stride": stride,
            "padding": padding,
            "groups": groups,
            "activation": ACTIVATIONS[options.FusedActivationFunction()],
        }

    def weights(self, step: Step) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight `(out, in / groups, height, width)` and bias `(out,)`, half precision."""
        weight, bias = self.constant(step.inputs[1]), self.constant(step.inputs[2])
        order = (3, 0, 1, 2) if step.code == tflite.BuiltinOperator.DEPTHWISE_CONV_2D else (0, 3, 1, 2)
        arrays = (np.ascontiguousarray(array.astype(np.float16)) for array in (weight.transpose(order), bias))
        weight, bias = (torch.from_numpy(array) for array in arrays)
        return weight, bias


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """What TensorFlow's padding "SAME" adds before and after: the result has `ceil(size / stride)` values."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def expand_sparse(values: np.ndarray, shape: list[int], sparsity) -> np.ndarray:
    """A sparse constant in full.

    The format stores the dimensions (and, after them, blocks of some) in a given order, each in full or as a list of the
    indices that are there.
    """
    order = sparsity.TraversalOrderAsNumpy().tolist()
    blocked = sparsity.BlockMapAsNumpy().tolist() if sparsity.BlockMapLength() else []
    rank = len(shape)
    levels = [sparsity.DimMetadata(index) for index in range(sparsity.DimMetadataLength())]
    positions, coordinates = np.zeros(1, dtype=np.int64), []
    for level in levels:
        if level.Format() == tflite.DimensionType.DENSE:
            size = level.DenseSize()
            parents, chosen = np.divmod(np.arange(len(positions) * size), size)
            positions = positions[parents] * size + chosen
        else:
            starts = read_indices(level.ArraySegments(), level.ArraySegmentsType())
            indices = read_indices(level.ArrayIndices(), level.ArrayIndicesType())
            counts = starts[positions + 1] - starts[positions]
            parents = np.repeat(np.arange(len(positions)), counts)
            within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            positions = starts[positions][parents] + within
            chosen = indices[positions]
        coordinates = [coordinate[parents] for coordinate in coordinates] + [chosen]
    by_dimension = dict(zip(order, coordinates, strict=True))
    block_sizes = {dimension: levels[order.index(rank + index)].DenseSize() for index, dimension in enumerate(blocked)}
    place = []
    for dimension in range(rank):
        coordinate = by_dimension[dimension]
        if dimension in block_sizes:
            coordinate = coordinate * block_sizes[dimension] + by_dimension[rank + blocked.index(dimension)]
        place.append(coordinate)
    full = np.zeros(shape, dtype=values.dtype)
    full[tuple(place)] = values[positions]
    return full


def read_indices(table, kind: int) -> np.ndarray:
    """Indices of a sparse dimension, stored with 8, 16 or 32 bits."""
    classes = {
        tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
        tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
        tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
    }
    vector = classes[kind]()
    vector.Init(table.Bytes, table.Pos)
    return vector.ValuesAsNumpy().astype(np.int64)
