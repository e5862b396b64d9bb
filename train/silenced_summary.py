"""Training in which the summary tokens of some motions say nothing, so that the language model reads the kept frames too.

Of procedural motion both tell the same, and a language model that may read either comes to lean on the summary alone. On
recorded motion the kept frames, which were chosen for the question, are right more often. Not from the paper; a kind of
modality dropout within one modality.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import nn

from llamo.modeling_llamo.modeling_llamo import LlamoMotionSummary


@contextmanager
def silenced_summary(model: nn.Module, share: float) -> Iterator[None]:
    """Within, the summary of this share of motions is zero before it is projected, except the totals at its end; a model that
    is not in training mode is left alone.

    Raises:
        ValueError: a share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"Expected a share of silenced summaries from 0 to 1, got {share} in the recipe. Correct it.")
    with ExitStack() as hooks:
        for module in model.modules():
            if share and isinstance(module, LlamoMotionSummary):
                hooks.callback(module.register_forward_hook(partial(silence, share)).remove)
        yield


def silence(share: float, module: nn.Module, arguments: tuple, tokens: torch.Tensor) -> torch.Tensor:
    """Summary tokens `(N, S, D)` of which all but the last are zero for a share of the N motions; a forward hook."""
    if not module.training:
        return tokens
    heard = torch.rand(len(tokens), 1, 1, device=tokens.device) >= share
    return torch.cat([tokens[:, :-1] * heard, tokens[:, -1:]], dim=1)
