"""Pretrain motion tower and Cross Talker on labels, measured rates and questions; the language model lends only its words.

    llamo init                                     # for the language model's words and tokenizer
    python -m llamo.train.pretrain --recorded ../shared/data/cmu_train.parquet --num 30000 --minutes 30 --out weights

Writes `motion_tower.safetensors`, `talker.safetensors` and `config.json` (sizes and feature statistics) into the output folder.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from tqdm.auto import tqdm
from transformers import LlamaConfig, PreTrainedTokenizerFast

from llamo.modeling_llamo.configuration_llamo import LlamoConfig, own_fields
from llamo.modeling_llamo.modeling_llamo import LlamoModel
from llamo.train.asked_motions import AskedMotion
from llamo.train.export_weights import load_modules, save_modules, save_settings, save_vision_tower
from llamo.train.labelled_motion import action_vocabulary, label_recorded
from llamo.train.pretraining_films import draw_filmed_samples, read_frame_processor
from llamo.train.pretraining_losses import PretrainingHeads, pretraining_losses
from llamo.train.pretraining_samples import (
    WHOLE_NUMBER_KINDS,
    Collator,
    PretrainingSample,
    batches,
    draw_samples,
    feature_statistics,
    to_sample,
)
from llamo.train.questions.recorded_questions import ask_recorded
from llamo.train.recorded import read_recorded
from llamo.train.sharded import as_first_process
from llamo.train.trained_weights import VISION_FILE, read_settings


WARM_UP = 150  # steps
HEADS_ALONE = 80  # steps in which new heads learn to read weights that were trained before
FASTER = {"heads": 3, "enhancer": 3, "amount": 3}  # learn what is new beside weights that were trained before
OPEN_GATE = 0.3  # of a new part


def word_embeddings(folder: Path) -> torch.Tensor:
    """The word embeddings `(vocabulary, H)` of a checkpoint made by `llamo init`, without loading the rest of it."""
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118
                if name.endswith("embed_tokens.weight"):
                    return file.get_tensor(name).float()
    raise ValueError(
        f"Expected a checkpoint with word embeddings, got none in {folder} (pretrain --model). Run `llamo init` first."
    )


def build_model(embeddings: torch.Tensor, hidden: dict, talker: dict, vision: dict | None = None) -> LlamoModel:
    """Towers and talker, with `vision` (its settings) an enhancer too, beside a language model of one tiny layer, which
    pretraining never runs."""
    text = LlamaConfig(
        vocab_size=8, hidden_size=embeddings.shape[1], intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    model = LlamoModel(LlamoConfig(text_config=text, motion_config=hidden, talker_config=talker, vision_config=vision))
    model.talker.projector.fit_scale(embeddings)
    return model


@torch.no_grad()
def evaluate(model, heads, samples: list[PretrainingSample], collate: Collator, embeddings, device) -> dict[str, float]:
    """Share of right answers by kind of question, among the answers each question leaves open; counts also within one."""
    model.eval()
    right: dict[str, list[bool]] = defaultdict(list)
    names = list(collate.answers)
    for start in range(0, len(samples), 32):
        batch = collate(samples[start : start + 32], None).to(device)
        if not batch.questions:
            continue
        _, scores = pretraining_losses(model, heads, batch, embeddings)
        for row, question in enumerate(batch.questions):
            open_answers = [collate.answers[key] for key in question.choices if key in collate.answers] or range(len(names))
            best = names[max(open_answers, key=lambda index: float(scores[row, index]))]
            if question.kind in WHOLE_NUMBER_KINDS:
                off = abs(int(best) - int(question.key))
                right[question.kind].append(off <= question.tolerance)
                right[f"{question.kind}_within_one"].append(off <= 1)
            else:
                right[question.kind].append(best == question.key)
    model.train()
    return {name: round(float(np.mean(values)), 3) for name, values in sorted(right.items())} | {
        "questions": sum(len(values) for name, values in right.items() if "within" not in name)
    }


def main(arguments=None) -> None:
    args = make_parser().parse_args(arguments)
    set_seed(args.seed)
    accelerator = Accelerator(cpu=not torch.cuda.is_available(), mixed_precision="bf16" if args.bf16 else "no")
    device = accelerator.device
    rng = np.random.default_rng(args.seed)
    embeddings = word_embeddings(Path(args.model))
    tokenizer = PreTrainedTokenizerFast.from_pretrained(args.model)
    vision = Path(args.vision) if args.vision else None
    frame_processor = read_frame_processor(vision) if vision else None
    begun = read_settings(Path(args.start_from)) if args.start_from else {}
    sizes = [{**begun.get(name, {}), **json.loads(getattr(args, name))} for name in ("motion_config", "talker_config")]
    model = build_model(embeddings, *sizes, read_settings(vision)["vision_config"] if vision else None)
    patch = model.config.motion_config.patch_size

    clips = [clip for path in args.recorded + args.recorded_val for clip in read_recorded(path, None)]
    actions = tuple(action_vocabulary(clips))
    shared = {"patch": patch, "workers": args.workers, "actions": actions}
    recorded = () if args.without_recorded else tuple(args.recorded)
    samples = draw_samples(args.num, args.seed, share_of_parts=0.2, donors=recorded, **shared)
    if recorded:
        samples += draw_samples(args.num_recorded, args.seed + 1, recorded=recorded, named_share=args.named_share, **shared)
    held_out = draw_samples(args.num_held_out, 77, held_out=True, **shared)
    gauge = recorded_gauge(args, actions, patch)
    films: list[PretrainingSample] = []
    if vision:
        load_vision_tower(model, vision)
        filming = {"patch": patch, "workers": args.workers, "frame_processor": frame_processor}
        samples += draw_filmed_samples(args.num_filmed, args.seed + 2, **filming)
        films = [each for each in draw_filmed_samples(args.num_held_out, 77, held_out=True, **filming) if each.film]
    answers = sorted({q.key for sample in samples for q in sample.questions} | {str(number) for number in range(41)})
    mean, std = start_statistics(args.start_from) or feature_statistics(samples)
    collate = Collator(mean, std, tokenizer, {key: index for index, key in enumerate(answers)}, patch)

    model.talker.teach_totals = False
    if vision:  # from zero it takes longer to open than there are steps
        nn.init.constant_(model.enhancer.gate, OPEN_GATE)
    if args.start_from:
        load_modules(model, Path(args.start_from))
    if model.talker.amount is not None and not model.talker.amount.gate.any():  # weights that have not learned it
        nn.init.constant_(model.talker.amount.gate, OPEN_GATE)
    heads = PretrainingHeads(model.config.talker_config.hidden_size, actions, answers, tokenizer, embeddings)
    parts = {
        "tower": [*model.motion_tower.parameters()],
        "talker": [parameter for name, parameter in model.talker.named_parameters() if not name.startswith("amount.")],
        "amount": [*model.talker.amount.parameters()] if model.talker.amount is not None else [],
        "heads": [*heads.parameters()],
        "enhancer": [*model.enhancer.parameters()] if vision else [],
    }
    heads_alone = HEADS_ALONE if args.start_from else 0
    groups, delays = [], []
    for name, part in parts.items():
        for wide in (True, False):
            chosen = [parameter for parameter in part if (parameter.ndim > 1) == wide]
            times = FASTER.get(name, 1)
            groups.append({"params": chosen, "weight_decay": 0.05 * wide, "lr": times * args.learning_rate})
            delays.append(0 if name in ("heads", "amount") else heads_alone)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    sizes = {name: sum(p.numel() for p in getattr(model, name).parameters()) / 1e6 for name in ("motion_tower", "talker")}
    print(f"parameters in millions: {sizes}; {len(samples)} motions, {sum(len(s.questions) for s in samples)} questions, "
          f"{len(actions)} actions, {len(answers)} answers", flush=True)  # fmt: skip
    embeddings = embeddings.to(device)

    # The rate follows the clock: a machine that is busy for a while loses steps, and the last one still has rate zero.
    started, done = time.time(), 0.0

    def rate(step: int, delay: int) -> float:
        return min(1.0, max(0, step + 1 - delay) / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * done))

    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, [partial(rate, delay=delay) for delay in delays])
    model, heads, optimizer = accelerator.prepare(model, heads, optimizer)
    bare_model, bare_heads = accelerator.unwrap_model(model), accelerator.unwrap_model(heads)
    stream = batches(samples, args.batch_size, rng)
    progress, step, log = tqdm(total=args.max_steps, disable=None), 0, {}
    while done < 1.0:
        batch = collate(next(stream), rng, args.questions).to(device)
        # Our losses go round `forward`, around which alone accelerate puts autocast.
        with accelerator.autocast():
            losses, _ = pretraining_losses(bare_model, bare_heads, batch, embeddings)
        accelerator.backward(sum(losses.values()))
        # Each part on its own, so that a spike in one does not silence the others.
        for name, part in parts.items():
            if not part:
                continue
            losses[f"norm_{name}"] = accelerator.clip_grad_norm_(part, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        share = step / args.max_steps if args.max_steps else (time.time() - started) / (60 * args.minutes)
        done = min(1.0, as_first_process(share))
        scheduler.step()
        for name, value in losses.items():
            value = float(value.detach())
            log[name] = 0.98 * log.get(name, value) + 0.02 * value
        progress.update()
        if step % args.log_every == 0 or done == 1.0:
            line = {"step": step, "done": round(done, 3), "seconds": round(time.time() - started)}
            print(json.dumps({**line, **{name: round(value, 3) for name, value in log.items()}}), flush=True)
        if step % (args.log_every * 10) == 0 or done == 1.0:
            unseen = [replace(each, film=None) for each in films]
            groups = {"held_out_procedural": held_out, "recorded": gauge, "filmed": films, "filmed_without_video": unseen}
            for name, group in groups.items():
                if group:
                    print(json.dumps({name: evaluate(bare_model, bare_heads, group, collate, embeddings, device)}), flush=True)
            if accelerator.is_main_process:
                save(bare_model, Path(args.out), mean, std, vision)


def start_statistics(folder: str | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and standard deviation of the features that the weights to go on from were trained with."""
    stored = read_settings(Path(folder)).get("motion_processor") if folder else None
    return tuple(np.asarray(stored[name], dtype=np.float32) for name in ("mean", "std")) if stored else None


def recorded_gauge(args, actions: tuple[str, ...], patch: int) -> list[PretrainingSample]:
    """Questions about recordings that training does not see."""
    rng = np.random.default_rng(5)
    clips = [clip for path in args.recorded for clip in read_recorded(path, None if args.without_recorded else "val")]
    clips += [clip for path in args.recorded_val for clip in read_recorded(path, None)]
    found = []
    for clip in [*clips, *(clip.mirrored() for clip in clips)]:
        questions = ask_recorded(clip, rng, 8)
        found.append(to_sample(AskedMotion(clip.joints, label_recorded(clip, actions), questions, clip.id), patch))
    return found


def load_vision_tower(model: LlamoModel, folder: Path) -> None:
    """The trained vision tower of `folder`, which stays as it is."""
    tensors = load_file(folder / VISION_FILE)
    tensors = {key.removeprefix("model.vision_tower."): value for key, value in tensors.items()}
    model.vision_tower.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
    )
    model.vision_tower.requires_grad_(False)
    model.train(model.training)


def save(model: LlamoModel, out: Path, mean: np.ndarray, std: np.ndarray, vision: Path | None = None) -> None:
    """Tower, talker and enhancer as half-precision safetensors, sizes and statistics as JSON; the vision tower of `vision`."""
    save_modules(model, out)
    if vision:
        save_vision_tower(model.vision_tower, out)
        told = read_settings(vision)
        save_settings(out, vision_config=told["vision_config"], frame_processor=told["frame_processor"])
    save_settings(
        out,
        motion_config=own_settings(model.config.motion_config),
        talker_config=own_settings(model.config.talker_config),
        motion_processor={"mean": [round(float(x), 5) for x in mean], "std": [round(float(x), 5) for x in std]},
    )


def own_settings(config: nn.Module) -> dict:
    """The fields that a sub-config adds to transformers' own; body parts are left to the default."""
    return {name: getattr(config, name) for name in sorted(own_fields(type(config)) - {"part_features"})}


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="llamo", help="checkpoint whose language model lends words and tokenizer")
    parser.add_argument("--recorded", nargs="*", default=[], help="Parquet files with a train and a val split")
    parser.add_argument("--recorded-val", nargs="*", default=[], help="Parquet files for validation alone")
    parser.add_argument("--without-recorded", action="store_true", help="the gauge: train on no recording, score on all")
    parser.add_argument("--num", type=int, default=30000, help="procedural motions")
    parser.add_argument("--num-recorded", type=int, default=6000, help="views of recorded clips")
    parser.add_argument("--named-share", type=float, default=1.0, help="of these, those that tell what they are called")
    parser.add_argument("--num-held-out", type=int, default=300)
    parser.add_argument("--vision", default=None, help="folder with a trained vision tower: motion learns to ask it")
    parser.add_argument("--num-filmed", type=int, default=3000, help="motions with or about a video, where there is a tower")
    parser.add_argument("--questions", type=int, default=3, help="questions of each motion in a batch")
    parser.add_argument("--minutes", type=float, default=30.0, help="time of the training proper")
    parser.add_argument("--max-steps", type=int, default=None, help="instead of --minutes")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument("--motion-config", default="{}", help="fields of LlamoMotionConfig as JSON, over those of --start-from")
    parser.add_argument("--talker-config", default="{}", help="fields of LlamoTalkerConfig as JSON, over those of --start-from")
    parser.add_argument("--start-from", default=None, help="folder of weights to go on from")
    parser.add_argument("--workers", type=int, default=2, help="processes that make motions")
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="weights")
    return parser


if __name__ == "__main__":
    main()
