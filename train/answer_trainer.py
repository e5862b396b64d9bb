"""TRL's SFTTrainer, faster on long prompts and with checkpoints that are whole or do not count."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path

import torch
from trl import SFTTrainer

from llamo.train.asked_amounts import AMOUNTS, amount_loss, amounts_told
from llamo.train.other_numbers import TOLD
from llamo.train.sharded import as_it_was, prepare_for_pieces


COMPLETE = "complete"  # written into a checkpoint last
CLIPPED_APART = ("lora_", ".talker.amount.", ".talker.")  # parts of names, the first that fits


class AnswerTrainer(SFTTrainer):
    """SFTTrainer that runs the language modelling head on answer tokens alone.

    Nine of ten tokens here are prompt; with 49 thousand words, their logits cost as much as the network itself. With several
    processes the whole model has to be called, or their gradients would not be brought together: then trl's own loss is used.

    Args:
        own_learning_rate: of motion tower, enhancer and Cross Talker; by default that of everything.
        amount_weight: of the loss on the numbers that questions ask for, where a batch has them (`WithAmounts`).
    """

    def __init__(self, *args, own_learning_rate: float | None = None, amount_weight: float = 0.0, **kwargs):
        self.own_learning_rate, self.amount_weight = own_learning_rate, amount_weight
        super().__init__(*args, **kwargs)
        self.widened = set()
        if self.is_fsdp_enabled:
            self.widened = prepare_for_pieces(self.model, self.accelerator.state.fsdp_plugin)

    @property
    def in_pieces(self) -> bool:
        """Whether FSDP or DeepSpeed hold the model, of which no process has to have all."""
        return self.is_fsdp_enabled or self.is_deepspeed_enabled

    def whole_state(self) -> dict[str, torch.Tensor]:
        """All weights out of the pieces of all processes, which have to call this together; whole in the first one alone."""
        return as_it_was(self.model, self.accelerator.get_state_dict(self.model_wrapped), self.widened)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        wanted, instead = inputs.pop(AMOUNTS, None), inputs.pop(TOLD, None)
        if self.accelerator.num_processes > 1 or self.in_pieces:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs.pop("labels")
        inner = self.accelerator.unwrap_model(model)
        inner = inner.get_base_model() if hasattr(inner, "get_base_model") else inner
        targets = labels[:, 1:]
        answers = targets != -100
        counting = inner.model.talker.amount if wanted is not None or instead is not None else None
        asked = amounts_told(counting, instead) if counting is not None else nullcontext([])
        with self.accelerator.autocast(), asked as told:  # autocast, which accelerate puts around `forward` alone
            outputs = inner.model(**inputs, use_cache=False)
            logits = inner.lm_head(outputs.last_hidden_state[:, :-1][answers])
        loss = torch.nn.functional.cross_entropy(logits.float(), targets[answers], reduction="sum")
        loss = loss / (num_items_in_batch if num_items_in_batch is not None else answers.sum())
        if told and wanted is not None:
            loss = loss + self.amount_weight * amount_loss(told[0], wanted)
        return (loss, outputs) if return_outputs else loss

    def _clip_grad_norm(self, model):
        """Clips adapters, talker and what weighs numbers each on its own: totals are large, and where gradients were clipped
        together the loss on numbers would decide how far the language model learns from its answers. Returns the largest norm.
        """
        if self.in_pieces or self.accelerator.num_processes > 1:
            return super()._clip_grad_norm(model)
        groups = defaultdict(list)
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                groups[next((part for part in CLIPPED_APART if part in name), "")].append(parameter)
        norms = [self.accelerator.clip_grad_norm_(group, self.args.max_grad_norm) for group in groups.values()]
        return torch.stack([torch.as_tensor(norm) for norm in norms]).max()

    def create_optimizer(self, *args, **kwargs):
        optimizer = super().create_optimizer(*args, **kwargs)
        if self.own_learning_rate is not None:
            own = {
                id(parameter)
                for name, parameter in self.model.named_parameters()
                if re.search(r"\.(motion_tower|enhancer|talker)\.", name) and "lora_" not in name
            }
            for group in list(optimizer.param_groups):
                chosen = [parameter for parameter in group["params"] if id(parameter) in own]
                group["params"] = [parameter for parameter in group["params"] if id(parameter) not in own]
                options = {key: value for key, value in group.items() if key != "params"}
                optimizer.add_param_group({**options, "params": chosen, "lr": self.own_learning_rate})
            optimizer.param_groups[:] = [group for group in optimizer.param_groups if group["params"]]
        return optimizer

    def _save(self, output_dir=None, state_dict=None):
        super()._save(output_dir, state_dict=state_dict and as_it_was(self.model, state_dict, self.widened))

    def _save_checkpoint(self, *args, **kwargs):
        super()._save_checkpoint(*args, **kwargs)
        if self.args.should_save:
            folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            (folder / COMPLETE).touch()


def last_complete_checkpoint(output_dir: Path) -> str | None:
    """The newest checkpoint that was written to its end; one that was cut off does not count."""
    found = [path for path in Path(output_dir).glob("checkpoint-*") if (path / COMPLETE).exists()]
    return str(max(found, key=lambda path: int(path.name.rsplit("-", 1)[1]))) if found else None
