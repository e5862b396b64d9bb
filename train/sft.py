"""Instruction tuning with TRL: the Cross Talker first, on its own, then together with LoRA in the language model.

    llamo init                                     # base + pretrained tower in ./llamo
    python -m llamo.train.sft --model llamo --data data/instruct --minutes 60 --out weights

The motion tower stays frozen (arXiv 2411.16805). Both stages run through trl's SFTTrainer; what was trained is written to
`--out` as small files that `llamo init` merges into the base again.
"""

import argparse
import re
import time
from pathlib import Path

import torch
from datasets import load_dataset
from peft import LoraConfig, get_peft_model
from transformers import TrainerCallback, get_cosine_schedule_with_warmup
from trl import SFTConfig, SFTTrainer

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.processing.processing_llamo import LlamoProcessor
from llamo.train.export_weights import load_lora, load_modules, save_lora, save_modules


LANGUAGE_MODEL_LAYERS = r".*language_model\..*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


class StopAtTime(TrainerCallback):
    """Ends a stage when its minutes are over, and scales the learning rate down to zero towards that end."""

    def __init__(self, minutes: float):
        self.minutes, self.started = minutes, None

    def on_train_begin(self, args, state, control, **kwargs):
        self.started = time.time()

    def share(self) -> float:
        return min(1.0, (time.time() - self.started) / (60 * self.minutes)) if self.started else 0.0

    def on_step_end(self, args, state, control, **kwargs):
        if self.share() >= 1.0:
            control.should_training_stop = True
        return control


class SaveWeights(TrainerCallback):
    """Writes what is trained every so many minutes: a run that is cut off leaves weights."""

    def __init__(self, save, minutes: float = 10.0):
        self.save, self.minutes, self.last = save, minutes, time.time()

    def on_step_end(self, args, state, control, **kwargs):
        if state.is_world_process_zero and time.time() - self.last > 60 * self.minutes:
            self.save()
            self.last = time.time()
        return control


class AnswerTrainer(SFTTrainer):
    """SFTTrainer that runs the language modelling head on answer tokens alone.

    Nine of ten tokens here are prompt; with 49 thousand words, their logits cost as much as the network itself.
    """

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        inner = self.accelerator.unwrap_model(model)
        inner = inner.get_base_model() if hasattr(inner, "get_base_model") else inner
        outputs = inner.model(**inputs, use_cache=False)
        targets = labels[:, 1:]
        answers = targets != -100
        logits = inner.lm_head(outputs.last_hidden_state[:, :-1][answers])
        loss = torch.nn.functional.cross_entropy(logits.float(), targets[answers], reduction="sum")
        loss = loss / (num_items_in_batch if num_items_in_batch is not None else answers.sum())
        return (loss, outputs) if return_outputs else loss


def train_stage(model, processor, dataset, args, name: str, steps: int, minutes: float | None, optimizer, save=None) -> None:
    """One run of SFTTrainer with an optimizer of our own (talker and LoRA learn at different rates)."""
    config = SFTConfig(
        output_dir=f"{args.work}/{name}",
        max_steps=steps,
        per_device_train_batch_size=args.batch_size,
        assistant_only_loss=True,
        max_length=None,
        logging_steps=20,
        save_strategy="no",
        report_to="none",
        bf16=torch.cuda.is_available(),
        gradient_checkpointing=False,
        dataloader_num_workers=0,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        train_sampling_strategy="group_by_length",  # column `length`: rows of a batch are about as long as each other
        seed=args.seed,
        disable_tqdm=True,
    )
    callbacks = [SaveWeights(save)] if save else []
    if minutes is None:
        scheduler = get_cosine_schedule_with_warmup(optimizer, max(1, steps // 20), steps)
    else:
        clock = StopAtTime(minutes)
        callbacks.append(clock)
        # The rate follows the clock, so that a slower machine also ends at rate zero.
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, step / 20) * max(0.02, 1 - clock.share()))
    trainer = AnswerTrainer(
        model=model,
        args=config,
        train_dataset=dataset,
        processing_class=processor,
        optimizers=(optimizer, scheduler),
        callbacks=callbacks,
    )
    trainer.train()


def optimizer_for(model, rates: dict[str, float]):
    """AdamW in which a parameter learns at the rate of the first key that its name holds."""
    groups: dict[str, list] = {key: [] for key in rates}
    for name, parameter in model.named_parameters():
        key = next((key for key in rates if re.search(key, name)), None)
        parameter.requires_grad = parameter.requires_grad and key is not None
        if parameter.requires_grad:
            groups[key].append(parameter)
    for key, parameters in groups.items():
        print(f"{key}: {sum(p.numel() for p in parameters) / 1e6:.2f} M parameters at {rates[key]:g}", flush=True)
    return torch.optim.AdamW(
        [{"params": parameters, "lr": rates[key]} for key, parameters in groups.items()], weight_decay=0.01, betas=(0.9, 0.98)
    )


def main(arguments=None) -> None:
    args = make_parser().parse_args(arguments)
    torch.manual_seed(args.seed)
    processor = LlamoProcessor.from_pretrained(args.model, trust_remote_code=False)
    model = LlamoForConditionalGeneration.from_pretrained(args.model, dtype=torch.float32)
    dataset = load_dataset("parquet", data_files=f"{args.data}/*.parquet", split="train")

    if args.start_from:
        load_modules(model.model, Path(args.start_from))
    model.requires_grad_(False)
    model.model.talker.requires_grad_(True)
    if args.align_steps:
        rates = {r"\.talker\.": args.talker_rate}
        train_stage(model, processor, dataset, args, "align", args.align_steps, None, optimizer_for(model, rates))

    lora = LoraConfig(r=args.rank, lora_alpha=2 * args.rank, target_modules=LANGUAGE_MODEL_LAYERS, lora_dropout=0.0)
    tuned = get_peft_model(model, lora)
    if args.start_from:
        load_lora(tuned, Path(args.start_from))
    model.model.talker.requires_grad_(True)  # PEFT freezes what it does not wrap; the talker is trained whole
    rates = {r"lora_": args.lora_rate, r"\.talker\.": args.talker_rate}
    steps = args.max_steps if args.max_steps else 1_000_000
    minutes = None if args.max_steps else args.minutes
    dataset = dataset.shuffle(seed=args.seed + 1)
    out = Path(args.out)

    def save() -> int:
        save_modules(model.model, out)
        return save_lora(tuned, out)

    train_stage(tuned, processor, dataset, args, "instruct", steps, minutes, optimizer_for(tuned, rates), save)
    print(f"{save()} layers with LoRA; weights in {out}")


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="llamo", help="folder made by `llamo init`, with a pretrained tower")
    parser.add_argument("--data", default="data/instruct", help="folder made by llamo.train.make_data")
    parser.add_argument("--start-from", default=None, help="weights to go on from; --model must then hold the bare base")
    parser.add_argument("--align-steps", type=int, default=0, help="steps of the talker alone")
    parser.add_argument("--minutes", type=float, default=35.0, help="time of the second stage")
    parser.add_argument("--max-steps", type=int, default=None, help="steps of the second stage, instead of --minutes")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--talker-rate", type=float, default=4e-4)
    parser.add_argument("--lora-rate", type=float, default=8e-4)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", default="data/sft", help="folder of trl's own output")
    parser.add_argument("--out", default="weights")
    return parser


if __name__ == "__main__":
    main()
