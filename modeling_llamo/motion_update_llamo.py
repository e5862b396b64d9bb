"""What training with motion changed in the language model, and how text alone is kept from it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn


class LlamoMotionUpdate(nn.Module):
    """The low-rank update (LoRA, arXiv 2106.09685) that the language model's weights hold, and that rows without motion get
    taken out again, so that text alone is read as the language model read it before.

    After the modality adapters of Phi-4-Multimodal (arXiv 2503.01743), which text passes by. There they lie beside the
    weights; here they lie in them, so that questions about motion, of which there are most, cost nothing more.

    Args:
        rank: of the update.
        layers: last names of the linear layers that have it, such as `q_proj`.
        language_model: the language model, whose layers of these names have one shape each.

    Buffers, which nothing trains (N layers of one name, in the order of the language model):
        `<name>_down` `(N, rank, in)`, `<name>_up` `(N, out, rank)`: `up @ down` is what the weight holds.
    """

    def __init__(self, rank: int, layers: list[str], language_model: nn.Module):
        super().__init__()
        self.rank, self.layers = rank, list(layers)
        for name, places in self.places(language_model).items():
            weights = [module.weight for _, module in places]
            shapes = {tuple(weight.shape) for weight in weights}
            if len(shapes) != 1:
                raise ValueError(
                    f"Expected linear layers of one shape named {name}, got {sorted(shapes)} in LlamoMotionUpdate. Correct "
                    "motion_update_layers."
                )
            ((wide, deep),) = shapes
            self.register_buffer(f"{name}_down", torch.zeros(len(weights), rank, deep))
            self.register_buffer(f"{name}_up", torch.zeros(len(weights), wide, rank))
        self.rows: torch.Tensor | None = None  # (B,), true where it is taken out
        self.attached: list[nn.Module] = []
        self.handles: list = []

    def places(self, language_model: nn.Module) -> dict[str, list[tuple[str, nn.Module]]]:
        """Layers by last name, with their paths in the language model; of those that PEFT has wrapped, what is inside."""
        found: dict[str, list[tuple[str, nn.Module]]] = {name: [] for name in self.layers}
        for path, module in language_model.named_modules():
            if (name := path.rpartition(".")[2]) in found:
                found[name].append((path, getattr(module, "base_layer", module)))
        return found

    @torch.no_grad()
    def fill(self, factors: Mapping[str, torch.Tensor], scale: float, language_model: nn.Module, prefix: str) -> None:
        """Takes over factors named `<prefix><path>.lora_A` `(rank, in)` and `.lora_B` `(out, rank)`, whose product counts
        `scale` times."""
        for name, places in self.places(language_model).items():
            for index, (path, _) in enumerate(places):
                self.get_buffer(f"{name}_down")[index] = factors[f"{prefix}{path}.lora_A"].float()
                self.get_buffer(f"{name}_up")[index] = scale * factors[f"{prefix}{path}.lora_B"].float()

    @contextmanager
    def left_out(self, language_model: nn.Module, rows: torch.Tensor | None) -> Iterator[None]:
        """Within, `language_model` reads the rows that are true in `rows` `(B,)` without the update; `None` for no row.

        Where gradients may be wanted, it stays so until the next time: gradient checkpointing reads everything twice.
        """
        if rows is not None:
            self.attach(language_model)
        self.rows = rows
        try:
            yield
        finally:
            if not torch.is_grad_enabled():
                self.rows = None

    def attach(self, language_model: nn.Module) -> None:
        """Listens to the layers, once; anew where quantization or the like has put others in their place."""
        places = self.places(language_model)
        present = [module for each in places.values() for _, module in each]
        if len(present) == len(self.attached) and all(map(lambda a, b: a is b, present, self.attached)):
            return
        for handle in self.handles:
            handle.remove()
        self.attached = present
        self.handles = [
            module.register_forward_hook(partial(self.take_out, name, index))
            for name, each in places.items()
            for index, (_, module) in enumerate(each)
        ]

    def take_out(self, name: str, index: int, module: nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor | None:
        """A layer's output `(B, L, out)` without the update, in the rows that are to do without."""
        if self.rows is None:
            return None
        down, up = (self.get_buffer(f"{name}_{side}")[index].to(inputs[0]) for side in ("down", "up"))
        taken = F.linear(F.linear(inputs[0], down), up)
        return output - taken.to(output) * self.rows.to(output).reshape(-1, *[1] * (output.ndim - 1))
