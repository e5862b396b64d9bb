"""Runs the `llamo` command with FSDP on processes of a CPU: torchrun --nproc_per_node 2 tests/fsdp_on_cpu.py train RECIPE.

accelerate looks for FSDP's settings only where processes have a GPU each (`AcceleratorState.__init__`) and passes over them on
a CPU, though torch's `fully_shard` works there as well. This takes them over; all that follows is accelerate's and torch's own.
"""

import runpy

from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType


init = AcceleratorState.__init__


def init_with_fsdp(self, *args, fsdp_plugin=None, **kwargs):
    init(self, *args, fsdp_plugin=fsdp_plugin, **kwargs)
    if fsdp_plugin is not None and self.distributed_type == DistributedType.MULTI_CPU:
        if self._mixed_precision != "no":
            fsdp_plugin.set_mixed_precision(self._mixed_precision)
        self.distributed_type = DistributedType.FSDP
        self.fsdp_plugin = fsdp_plugin
        PartialState._shared_state["distributed_type"] = DistributedType.FSDP


if __name__ == "__main__":
    AcceleratorState.__init__ = init_with_fsdp
    runpy.run_module("llamo.cli.main", run_name="__main__")
