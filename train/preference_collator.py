"""Preference pairs about motion for TRL's DPOTrainer, whose own collator of `images` would leave the motions out.

    DPOTrainer(model, args=DPOConfig(..., max_length=None), train_dataset=rows, processing_class=processor,
               data_collator=PreferenceCollator(processor), peft_config=...)

Rows have `prompt`, `chosen` and `rejected` (messages; motion in the content parts of the prompt) and an `images` column of
empty lists. The stock command `trl dpo` takes no collator and therefore cannot train on motion; it stops with an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import ProcessorMixin


@dataclass
class PreferenceCollator:
    """Batches of preference pairs: all chosen conversations, then all rejected ones."""

    processor: ProcessorMixin

    def __call__(self, rows: list[dict]) -> dict[str, torch.Tensor]:
        """
        Args:
            rows: with `prompt`, `chosen` and `rejected`.

        Returns:
            what the processor makes of the conversations, padded on the right, and `completion_mask`, 1 on the tokens of the
            last answer; each of shape `(2 * len(rows), num_tokens)` where it counts tokens.

        Raises:
            ValueError: an answer without a token.
        """
        conversations = [[*row["prompt"], *row[side]] for side in ("chosen", "rejected") for row in rows]
        side = self.processor.tokenizer.padding_side
        self.processor.tokenizer.padding_side = "right"
        try:
            batch = self.processor.apply_chat_template(
                conversations,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                return_assistant_tokens_mask=True,
                processor_kwargs={"padding": True},
            )
        finally:
            self.processor.tokenizer.padding_side = side
        answers = torch.as_tensor(batch.pop("assistant_masks"))
        # Earlier answers belong to the prompt: what counts begins at the last run of answer tokens.
        starts = (answers == 1) & (torch.nn.functional.pad(answers, (1, 0))[:, :-1] == 0)
        if not starts.any(dim=1).all():
            raise ValueError("Expected an answer in chosen and rejected, got none in a row. Write assistant messages there.")
        places = torch.arange(answers.shape[1])
        last = torch.where(starts, places, -1).max(dim=1).values
        batch["completion_mask"] = answers * (places >= last[:, None])
        return dict(batch)
