"""Alignment and instruction tuning through TRL's SFTTrainer: what a recipe of these stages says, done.

The motion tower stays frozen (arXiv 2411.16805). `align` trains the Cross Talker alone; `instruct` trains it together with
LoRA in the language model, or with the whole language model. Recipes of `instruct` run with stock `trl sft --config RECIPE`
too, which leaves out what `Training` adds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import torch
import yaml
from accelerate import PartialState
from datasets import load_dataset
from peft import PeftModel, get_peft_model
from torch import nn
from transformers import set_seed
from trl import ModelConfig, ScriptArguments, SFTConfig, TrlParser, get_peft_config

from llamo.modeling_llamo.modeling_llamo import LlamoCrossTalker, LlamoForConditionalGeneration
from llamo.processing.processing_llamo import LlamoProcessor
from llamo.train.answer_trainer import AnswerTrainer, last_complete_checkpoint
from llamo.train.asked_amounts import WithAmounts
from llamo.train.export_weights import MODULES, load_lora, load_modules, save_lora, save_modules
from llamo.train.half_frozen import frozen_in_bfloat16, multiplies_bfloat16_fast
from llamo.train.initialise import write_checkpoint, write_code
from llamo.train.make_data import DataPlan, make_data
from llamo.train.other_numbers import OtherNumbers
from llamo.train.recipe import check_keys, fields_of
from llamo.train.silenced_summary import silenced_summary
from llamo.train.swapped_features import SwappedFeatures
from llamo.train.training_callbacks import JsonLines, MotionPathCheck, StopAtTime, Validation, WriteWeights


OWN_PARTS = ("motion_tower", "enhancer", "talker")
TRL = (ScriptArguments, SFTConfig, ModelConfig)


@dataclass
class Training:
    """What a recipe says beside trl's settings.

    Args:
        train_modules: own parts that are trained whole: motion_tower, enhancer, talker.
        talker_learning_rate: of these parts; by default `learning_rate`, which LoRA or the language model has.
        minutes: stop after so long, the rates falling to zero towards the end; instead of steps and epochs.
        resume: go on from the last complete checkpoint of `output_dir`, if there is one.
        synthesize: settings of `llamo data synthesize`, for a recipe that makes its own data in `output_dir`/data.
        start_from: folder of trained parts (`weights/`) over those of the checkpoint; its LoRA goes on with use_peft.
        weights_out: folder for what was trained, as small files that `llamo init` merges into the base.
        validation_rows: rows of the data's validation split that are answered now and then, for `accuracy` in the log.
        validation_steps: how often.
        swap_features: of the rows that measured rates answer, the share whose motion gets the features of another one.
        keep_amounts: weight of the loss on the number that a question asks for, which pretraining taught.
        other_numbers: share of answers with a number that say another one, which the model is told instead of its own.
        only_kinds: train on the rows all of whose questions are of these kinds; by default on all.
        silence_summary: share of motions whose summary tokens say nothing, so that the kept frames are read.
        halve_frozen: with LoRA, on a processor that multiplies bfloat16 fast, compute the frozen language model in it.
    """

    train_modules: list[str] = field(default_factory=lambda: ["talker"])
    talker_learning_rate: float | None = None
    minutes: float | None = None
    resume: bool = False
    synthesize: dict | None = None
    start_from: str | None = None
    weights_out: str | None = None
    validation_rows: int = 64
    validation_steps: int = 100
    swap_features: float = 0.0
    keep_amounts: float = 0.0
    other_numbers: float = 0.0
    only_kinds: list[str] = field(default_factory=list)
    silence_summary: float = 0.0
    halve_frozen: bool = False

    def __post_init__(self) -> None:
        for name in self.train_modules:
            if name not in OWN_PARTS:
                raise ValueError(f"Expected train_modules out of {', '.join(OWN_PARTS)}, got {name!r}. Correct the recipe.")
        for name in ("talker_learning_rate", "minutes"):
            value = getattr(self, name)
            setattr(self, name, None if value is None else float(value))  # YAML reads 4e-4 as text


def train(recipe: dict, align: bool) -> str:
    """Runs one stage.

    Args:
        recipe: settings of trl (ScriptArguments, SFTConfig, ModelConfig) and of `Training`.
        align: train no part of the language model.

    Returns:
        what was written, as one line.

    Raises:
        ValueError: settings that nobody follows or that do not go together, rows without motion, a checkpoint that is none.
        RuntimeError: motion does not reach what is trained.
    """
    own = fields_of(Training)
    check_keys(recipe, own | fields_of(*TRL))
    training = Training(**{key: value for key, value in recipe.items() if key in own})
    script, config, model_config = parse({key: value for key, value in recipe.items() if key not in own})
    if align and model_config.use_peft:
        raise ValueError("Expected no LoRA in alignment, got use_peft: true in the recipe. Remove it, or use stage: instruct.")
    for name in ("load_in_4bit", "load_in_8bit"):
        if getattr(model_config, name, False):
            raise ValueError(
                f"Expected a language model in full precision, got {name}: true in the recipe, which llamo train does not do. "
                "Remove it, or follow docs/training.md, where stock trl trains on four bits."
            )
    out = Path(config.output_dir)
    out.mkdir(parents=True, exist_ok=True)
    resolved = {"stage": "align" if align else "instruct", **recipe}
    (out / "recipe.yaml").write_text(yaml.safe_dump(resolved, sort_keys=False), encoding="utf-8")

    set_seed(config.seed)
    rows = load_rows(script, training, out)
    # Our own code, not the copy in the checkpoint: nothing to be trusted, nobody to be asked.
    processor = LlamoProcessor.from_pretrained(model_config.model_name_or_path, trust_remote_code=False)
    model = build(training, model_config, align)
    print(table_of(model), flush=True)

    callbacks = [JsonLines(out / "log.jsonl"), MotionPathCheck(training.train_modules)]
    if training.minutes is not None:
        callbacks.append(StopAtTime(training.minutes))
        config.max_steps, config.save_strategy = 1_000_000, "no"
    if "validation" in rows and training.validation_rows:
        callbacks.append(Validation(rows["validation"], processor, training.validation_rows, training.validation_steps))
    trainer = AnswerTrainer(
        model=model,
        args=config,
        train_dataset=rows[script.dataset_train_split],
        processing_class=processor,
        callbacks=callbacks,
        own_learning_rate=training.talker_learning_rate,
        amount_weight=training.keep_amounts,
    )
    if training.swap_features:
        width = model.config.motion_config.motion_dim
        trainer.data_collator = SwappedFeatures(trainer.data_collator, width, training.swap_features, config.seed)
    learn_numbers(trainer, training)
    if training.weights_out and not trainer.in_pieces:
        trainer.add_callback(WriteWeights(lambda: write_weights(model, Path(training.weights_out))))
    checkpoint = last_complete_checkpoint(out) if training.resume else None
    print(f"goes on from {checkpoint}" if checkpoint else "starts from the beginning", flush=True)
    alone = trainer.accelerator.num_processes == 1 and not trainer.in_pieces
    halved = training.halve_frozen and model_config.use_peft and alone and multiplies_bfloat16_fast()
    with frozen_in_bfloat16(model) if halved else nullcontext(), silenced_summary(model, training.silence_summary):
        trainer.train(resume_from_checkpoint=checkpoint)
    if trainer.in_pieces:
        if training.weights_out:
            write_weights_from_pieces(trainer, lambda: build(training, model_config, align), Path(training.weights_out))
        return write_sharded(trainer, out, processor)
    if not trainer.is_world_process_zero():
        return ""
    if training.weights_out:
        write_weights(trainer.model, Path(training.weights_out))
    trained = trainer.accelerator.unwrap_model(trainer.model)
    if isinstance(trained, PeftModel):
        trained.save_pretrained(out / "adapter")
        trained = trained.merge_and_unload()
    write_checkpoint(out, trained, processor)
    return f"checkpoint in {out}: ask it with llamo ask --model {out}"


def learn_numbers(trainer: AnswerTrainer, training: Training) -> None:
    """Numbers of their own for a trainer: a loss on those that are asked for, and answers that say others.

    Both need trl's own loss replaced, which one process alone does (`AnswerTrainer`); several leave both out and say so.
    """
    if not training.keep_amounts and not training.other_numbers:
        return
    if trainer.in_pieces or trainer.accelerator.num_processes > 1:
        print("several processes: keep_amounts and other_numbers are left out", flush=True)
        return
    if training.other_numbers:
        trainer.data_collator = OtherNumbers(trainer.data_collator, training.other_numbers, trainer.args.seed)
    if training.keep_amounts:
        trainer.data_collator = WithAmounts(trainer.data_collator)
        # Words for numbers no longer teach what adds up: that ended in nothing being relevant.
        for module in trainer.model.modules():
            if isinstance(module, LlamoCrossTalker):
                module.teach_totals = False


def write_sharded(trainer: AnswerTrainer, out: Path, processor: LlamoProcessor) -> str:
    """What FSDP or DeepSpeed hold in pieces, brought together by all processes: a checkpoint, or with LoRA its adapter."""
    tuned = isinstance(trainer.accelerator.unwrap_model(trainer.model), PeftModel)
    if trainer.is_fsdp_enabled:  # whole, whatever the settings say of checkpoints on the way
        trainer.accelerator.state.fsdp_plugin.set_state_dict_type("FULL_STATE_DICT")
    trainer.save_model(str(out / "adapter" if tuned else out))
    if not trainer.is_world_process_zero():
        return ""
    if tuned:
        return f"adapter in {out / 'adapter'}: merge it with llamo merge {out / 'adapter'} --out DIR"
    write_code(out, processor)
    return f"checkpoint in {out}: ask it with llamo ask --model {out}"


def write_weights_from_pieces(trainer: AnswerTrainer, build_again: Callable[[], nn.Module], out: Path) -> None:
    """`write_weights` of what FSDP or DeepSpeed hold in pieces; all processes bring it together, the first one writes."""
    state = trainer.whole_state()
    if trainer.is_world_process_zero():
        whole = build_again()
        whole.load_state_dict(state)
        write_weights(whole, out)


def parse(recipe: dict) -> tuple[ScriptArguments, SFTConfig, ModelConfig]:
    """trl's settings out of a recipe, with what LLaMo always needs."""
    if not recipe.get("output_dir") or not recipe.get("model_name_or_path"):
        missing = "output_dir" if not recipe.get("output_dir") else "model_name_or_path"
        raise ValueError(f"Expected {missing} in the recipe, got none. Add {missing}=DIR.")
    always = {
        "assistant_only_loss": True,  # answers alone are learned
        "max_length": None,  # a cut prompt would lose placeholders, not features
        "report_to": "none",
        "remove_unused_columns": False,
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "gradient_checkpointing": False,
        "bf16": torch.cuda.is_available(),
        "disable_tqdm": True,
    }
    parser = TrlParser(TRL)
    parser.set_defaults_with_config(**{**always, **recipe})
    try:
        return parser.parse_args_into_dataclasses(args=[])
    except SystemExit as error:  # argparse ends the program; a library must not
        raise ValueError(f"Expected settings that trl takes, got a refusal (exit {error.code}). See the line above.") from None


def load_rows(script: ScriptArguments, training: Training, out: Path):
    """The data set of the recipe, or the one that it makes."""
    folder = script.dataset_name
    if training.synthesize:
        folder = str(out / "data")
        settings = dict(training.synthesize)
        num_proc = settings.pop("num_proc", 1)
        settings["recorded"] = tuple(settings.get("recorded", ()))
        check_keys(settings, fields_of(DataPlan))
        with PartialState().main_process_first():  # the others find it finished
            make_data(DataPlan(**settings), folder, num_proc)
    if not folder:
        raise ValueError("Expected dataset_name or synthesize in the recipe, got neither. Add dataset_name=DIR.")
    rows = load_dataset(folder, script.dataset_config)
    for split, part in rows.items():
        lacking = [name for name in ("messages", "images") if name not in part.column_names]
        if lacking:
            raise ValueError(
                f"Expected the columns messages and images, got none named {' or '.join(lacking)} in {folder} ({split}). "
                "Without `images` (empty lists are fine) trl keeps motion from the model."
            )
    if training.only_kinds:
        split = script.dataset_train_split
        rows[split] = rows[split].filter(partial(asks_only, set(training.only_kinds)), input_columns=["kinds"])
        if not len(rows[split]):
            kinds = ", ".join(training.only_kinds)
            raise ValueError(f"Expected rows that ask for {kinds} alone, got none in {folder} ({split}). Correct only_kinds.")
    return rows


def asks_only(wanted: set[str], kinds: list[str]) -> bool:
    """Whether a row's questions are all of these kinds."""
    return wanted.issuperset(kinds)


def build(training: Training, settings: ModelConfig, align: bool):
    """The model of the recipe, with what trains chosen."""
    model = LlamoForConditionalGeneration.from_pretrained(settings.model_name_or_path, dtype=torch.float32)
    return choose_what_trains(model, training, settings, align)


def choose_what_trains(model, training: Training, settings: ModelConfig, align: bool):
    """Freezes the rest; with LoRA, a PEFT model around the model."""
    if training.start_from:
        load_modules(model.model, Path(training.start_from))
    for name in training.train_modules:
        if getattr(model.model, name, None) is None:
            raise ValueError(f"Expected a checkpoint with a {name}, got one without. Leave it out of train_modules.")
    peft_config = get_peft_config(settings)
    if peft_config is None:
        model.requires_grad_(False)
        model.model.language_model.requires_grad_(not align)
        for name in training.train_modules:
            getattr(model.model, name).requires_grad_(True)
        return model
    peft_config.modules_to_save = list(training.train_modules) or None  # trained whole, and kept in adapter and checkpoints
    tuned = get_peft_model(model, peft_config)
    if training.start_from:
        load_lora(tuned, Path(training.start_from))
    return tuned


def table_of(model) -> str:
    """Parameters of every part, in millions, and how many of them train."""
    total, trained = Counter(), Counter()
    for name, parameter in model.named_parameters():
        if ".original_module." in name:  # PEFT's untouched copy of a part that is trained whole
            continue
        match = re.search(r"(motion_tower|vision_tower|enhancer|talker|language_model|lm_head)", name)
        part = "LoRA" if "lora_" in name else match.group(1) if match else "other"
        total[part] += parameter.numel()
        trained[part] += parameter.numel() * parameter.requires_grad
    lines = [f"{'part':<16}{'parameters':>12}{'trained':>12}"]
    lines += [f"{part:<16}{total[part] / 1e6:>10.2f} M{trained[part] / 1e6:>10.2f} M" for part in total]
    return "\n".join(lines)


def write_weights(model, out: Path) -> None:
    """What was trained, as `llamo init` reads it."""
    out.mkdir(parents=True, exist_ok=True)
    inner = (model.get_base_model() if isinstance(model, PeftModel) else model).model
    parts = {}
    for name in MODULES:
        part = getattr(inner, name)
        # PEFT keeps a part that is trained whole beside the untouched one.
        parts[name] = part.modules_to_save["default"] if hasattr(part, "modules_to_save") else part
    save_modules(SimpleNamespace(**parts), out)
    if isinstance(model, PeftModel):
        save_lora(model, out)
