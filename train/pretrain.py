"""Pretrain the motion tower on labels and measured rates, before any language model is involved.

    python -m llamo.train.pretrain --recorded ../shared/data/cmu_train.parquet --num-clips 12000 --minutes 20 --out weights

Writes `motion_tower.safetensors`, `talker.safetensors` (what the Cross Talker learned with it) and `config.json` (sizes and
feature statistics) into the output folder.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from tqdm.auto import tqdm
from transformers import LlamaConfig, get_cosine_schedule_with_warmup

from llamo.modeling_llamo.configuration_llamo import LlamoConfig, own_fields
from llamo.modeling_llamo.modeling_llamo import LlamoModel
from llamo.processing.motion_features_llamo import joints_to_features
from llamo.train.export_weights import load_modules, save_modules, save_settings
from llamo.train.labelled_motion import (
    DIRECTIONS,
    FPS,
    IGNORE,
    RATES,
    SIDES,
    SPEEDS,
    TURNS,
    LabelledMotion,
    action_vocabulary,
    label_recorded,
    label_synthetic,
    measured_rates,
    randomise,
    synthetic_motions,
)
from llamo.train.recorded import read_recorded


TIMED_STEPS = 50  # warm-up, by which the length of a run with --minutes is measured
FRAME_LABELS = {"action": None, "side": SIDES, "direction": DIRECTIONS, "turn": TURNS, "speed": SPEEDS}


@dataclass
class Batch:
    """values `(N, F, 141)`, mask `(N, F)`, labels `(N, T)` each, rates `(N, T, 11)` (NaN unknown), clip_actions `(N, A)`."""

    values: torch.Tensor
    mask: torch.Tensor
    labels: dict[str, torch.Tensor]
    rates: torch.Tensor
    clip_actions: torch.Tensor


class TowerHeads(nn.Module):
    """Linear readouts that exist in pretraining only."""

    def __init__(self, width: int, num_actions: int):
        super().__init__()
        sizes = {name: len(values) if values else num_actions for name, values in FRAME_LABELS.items()}
        self.frames = nn.ModuleDict({name: nn.Linear(width, size) for name, size in sizes.items()})
        self.clip = nn.Linear(width, num_actions)


def collate(motions: list[LabelledMotion], mean: np.ndarray, std: np.ndarray, num_actions: int, patch: int) -> Batch:
    """Pads motions of different lengths and takes each vector's labels from the middle of its patch."""
    longest = max(len(motion.joints) for motion in motions)
    vectors = -(-longest // patch)
    values = torch.zeros(len(motions), longest, len(mean))
    mask = torch.zeros(len(motions), longest, dtype=torch.long)
    labels = {name: torch.full((len(motions), vectors), IGNORE) for name in FRAME_LABELS}
    rates = torch.zeros(len(motions), vectors, len(RATES))
    clip_actions = torch.zeros(len(motions), num_actions)
    for row, motion in enumerate(motions):
        frames = len(motion.joints)
        features = (joints_to_features(motion.joints, FPS) - mean) / std
        values[row, :frames], mask[row, :frames] = torch.from_numpy(features), 1
        middles = np.minimum(np.arange(0, frames, patch) + patch // 2, frames - 1)
        for name in FRAME_LABELS:
            labels[name][row, : len(middles)] = torch.from_numpy(getattr(motion, name)[middles])
        per_frame = np.concatenate([motion.repetitions[:, None], measured_rates(motion.joints)], axis=1)
        per_frame = np.pad(per_frame, ((0, len(middles) * patch - frames), (0, 0)))
        summed = per_frame.reshape(len(middles), patch, -1).sum(1)
        rates[row, : len(middles)] = torch.from_numpy(summed.astype(np.float32))
        clip_actions[row, list(motion.clip_actions)] = 1.0
        if not motion.clip_actions:
            clip_actions[row] = float("nan")
    return Batch(values, mask, labels, rates, clip_actions)


def pretraining_losses(model: LlamoModel, heads: TowerHeads, batch: Batch) -> dict[str, torch.Tensor]:
    """All losses of one batch; see TowerHeads and RATES."""
    motion, mask, _ = model.get_motion_features(batch.values, batch.mask)
    seconds = mask.sum(-1) * model.config.motion_config.patch_size / FPS
    losses = {}
    for name, head in heads.frames.items():
        targets = batch.labels[name].masked_fill(~mask, IGNORE)
        if (targets != IGNORE).any():
            losses[name] = F.cross_entropy(head(motion).flatten(0, 1), targets.flatten(), label_smoothing=0.05)
    summary = model.talker.summary(motion, mask, seconds)[:, :-1].mean(1)
    known = ~batch.clip_actions.isnan()
    if known.any():
        losses["clip"] = 20 * F.binary_cross_entropy_with_logits(heads.clip(summary)[known], batch.clip_actions[known])

    rates = F.softplus(model.talker.summary.rates(motion).float() - 3.0)[..., : len(RATES)] * mask[..., None]
    known = ~batch.rates.isnan() & mask[..., None]
    targets = batch.rates.nan_to_num(0.0)
    losses["rates"] = 4 * F.smooth_l1_loss(rates[known], targets[known], beta=0.1)
    complete = (known | ~mask[..., None]).all(1)  # totals whose every vector is known
    totals, truth = rates.sum(1), targets.sum(1)
    error = F.smooth_l1_loss(totals, truth, beta=0.5, reduction="none") / (1 + truth).sqrt()
    losses["totals"] = error[complete].mean()
    return losses


class Sampler:
    """Draws randomised motions; recorded clips in a fixed share, their actions evenly."""

    def __init__(self, synthetic, recorded, share: float, rng: np.random.Generator):
        self.synthetic, self.share, self.rng = synthetic, share if recorded else 0.0, rng
        self.by_action: dict[tuple, list] = {}
        for motion in recorded:
            self.by_action.setdefault(motion.clip_actions, []).append(motion)
        self.keys = list(self.by_action)
        # Evenly over actions, but a single clip of a rare action is not repeated more than a common one deserves.
        weights = np.array([len(self.by_action[key]) for key in self.keys], dtype=float) ** 0.4
        self.weights = weights / weights.sum() if len(weights) else weights

    def draw(self) -> LabelledMotion:
        if self.rng.random() < self.share:
            group = self.by_action[self.keys[self.rng.choice(len(self.keys), p=self.weights)]]
            return randomise(group[self.rng.integers(len(group))], self.rng)
        return randomise(self.synthetic[self.rng.integers(len(self.synthetic))], self.rng)


def feature_statistics(sampler: Sampler, num: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the features over what training will see; contacts keep their scale."""
    frames = np.concatenate([joints_to_features(sampler.draw().joints, FPS) for _ in range(num)])
    mean, std = frames.mean(0), frames.std(0)
    return mean.astype(np.float32), np.maximum(std, 0.02).astype(np.float32)


@torch.no_grad()
def evaluate(model: LlamoModel, heads: TowerHeads, motions, mean, std, num_actions: int, top: int = 1) -> dict[str, float]:
    """Share of right vectors per label, share of clips whose likeliest action occurs, and errors of the totals."""
    model.eval()
    right: dict[str, list] = {name: [] for name in (*FRAME_LABELS, "clip", "count_exact", "count_within_one")}
    patch = model.config.motion_config.patch_size
    for start in range(0, len(motions), 16):
        batch = collate(motions[start : start + 16], mean, std, num_actions, patch)
        motion, mask, _ = model.get_motion_features(batch.values, batch.mask)
        for name, head in heads.frames.items():
            known = (batch.labels[name] != IGNORE) & mask
            right[name] += (head(motion).argmax(-1) == batch.labels[name])[known].tolist()
        seconds = mask.sum(-1) * patch / FPS
        likely = heads.clip(model.talker.summary(motion, mask, seconds)[:, :-1].mean(1)).topk(top).indices
        named = ~batch.clip_actions.isnan().any(-1)
        right["clip"] += (batch.clip_actions.gather(1, likely).amax(-1) > 0)[named].tolist()
        totals = model.talker.summary.totals(motion, mask)[:, 0]
        truth = batch.rates[..., 0].sum(1)
        counted = truth > 0.5
        error = (totals.round() - truth.round()).abs()[counted]
        right["count_exact"] += (error < 0.5).tolist()
        right["count_within_one"] += (error < 1.5).tolist()
    model.train()
    return {name: float(np.mean(values)) for name, values in right.items() if values}


def build_model(hidden_size: int = 576) -> LlamoModel:
    """Towers and talker beside a language model of one tiny layer, which pretraining never runs."""
    text = LlamaConfig(vocab_size=8, hidden_size=hidden_size, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    return LlamoModel(LlamoConfig(text_config=text))


def main(arguments=None) -> None:
    args = make_parser().parse_args(arguments)
    set_seed(args.seed)
    accelerator = Accelerator(cpu=not torch.cuda.is_available(), mixed_precision="bf16" if args.bf16 else "no")
    rng = np.random.default_rng(args.seed)

    recorded_train = [clip for path in args.recorded for clip in read_recorded(path, "train")]
    recorded_val = [clip for path in args.recorded + args.recorded_val for clip in read_recorded(path, "val")]
    actions = action_vocabulary([*recorded_train, *recorded_val])
    with accelerator.main_process_first():
        synthetic = [label_synthetic(m, actions) for m in synthetic_motions(args.num_clips, args.seed, False, args.workers)]
        held_out = [label_synthetic(m, actions) for m in synthetic_motions(args.num_held_out, 77, True, args.workers)]
    train_clips = [*recorded_train, *(clip.mirrored() for clip in recorded_train)]
    train_clips = [] if args.without_recorded else train_clips
    recorded = [label_recorded(clip, actions) for clip in train_clips]
    gauge = [
        label_recorded(c, actions) for c in (recorded_val if not args.without_recorded else [*recorded_train, *recorded_val])
    ]
    gauge = [motion for motion in gauge if motion.clip_actions]
    sampler = Sampler(synthetic, recorded, args.recorded_share, rng)
    mean, std = feature_statistics(sampler)

    model = build_model()
    if args.start_from:
        load_modules(model, Path(args.start_from))
    width = model.config.talker_config.hidden_size
    heads = TowerHeads(width, len(actions))
    trained = [*model.motion_tower.parameters(), *model.talker.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=args.learning_rate, weight_decay=0.05, betas=(0.9, 0.98))
    print(f"motion tower: {sum(p.numel() for p in model.motion_tower.parameters()) / 1e6:.2f} M parameters, trained")
    print(f"{len(synthetic)} procedural and {len(recorded)} recorded motions, {len(actions)} actions")

    # The number of steps that fit into the time is measured, so that the schedule ends when the time does.
    patch = model.config.motion_config.patch_size
    steps, started = args.max_steps, time.time()
    scheduler = get_cosine_schedule_with_warmup(optimizer, 100, steps) if steps else None
    model, heads, optimizer = accelerator.prepare(model, heads, optimizer)
    progress, step, log = tqdm(total=steps or None, disable=None), 0, {}
    while steps is None or step < steps:
        batch = collate([sampler.draw() for _ in range(args.batch_size)], mean, std, len(actions), patch)
        batch = Batch(*(move(part, accelerator.device) for part in vars(batch).values()))
        losses = pretraining_losses(accelerator.unwrap_model(model), accelerator.unwrap_model(heads), batch)
        accelerator.backward(sum(losses.values()))
        accelerator.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if scheduler is not None:
            scheduler.step()
        else:
            for group in optimizer.param_groups:
                group["lr"] = args.learning_rate * (step + 1) / TIMED_STEPS
        step += 1
        if steps is None and step == TIMED_STEPS:
            per_step = (time.time() - started) / step
            steps = max(2 * TIMED_STEPS, int(args.minutes * 60 / per_step))
            scheduler = get_cosine_schedule_with_warmup(optimizer, 0, steps - TIMED_STEPS)
            progress.total = steps
        for name, value in losses.items():
            value = float(value.detach())
            log[name] = 0.98 * log.get(name, value) + 0.02 * value
        progress.update()
        if step % args.log_every == 0 or step == steps:
            print(
                json.dumps({"step": step, "seconds": round(time.time() - started), **{k: round(v, 3) for k, v in log.items()}})
            )
        if step % (args.log_every * 5) == 0 or step == steps:
            report = {"step": step, "held_out_procedural": evaluate(model, heads, held_out, mean, std, len(actions))}
            report["recorded"] = evaluate(model, heads, gauge, mean, std, len(actions)) if gauge else {}
            print(
                json.dumps(
                    {k: {n: round(x, 3) for n, x in v.items()} if isinstance(v, dict) else v for k, v in report.items()}
                ),
                flush=True,
            )
    if accelerator.is_main_process:
        save(accelerator.unwrap_model(model), Path(args.out), mean, std)


def move(part, device):
    return {k: v.to(device) for k, v in part.items()} if isinstance(part, dict) else part.to(device)


def save(model: LlamoModel, out: Path, mean: np.ndarray, std: np.ndarray) -> None:
    """Tower and talker as half-precision safetensors, sizes and statistics as JSON."""
    save_modules(model, out)
    save_settings(
        out,
        motion_config=own_settings(model.config.motion_config),
        talker_config=own_settings(model.config.talker_config),
        motion_processor={"mean": [round(float(x), 5) for x in mean], "std": [round(float(x), 5) for x in std]},
    )


def own_settings(config) -> dict:
    """The fields that a sub-config adds to transformers' own; body parts are left to the default."""
    return {name: getattr(config, name) for name in sorted(own_fields(type(config)) - {"part_features"})}


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recorded", nargs="*", default=[], help="Parquet files with a train and a val split")
    parser.add_argument("--recorded-val", nargs="*", default=[], help="Parquet files for validation alone")
    parser.add_argument("--recorded-share", type=float, default=0.25, help="share of recorded motions in a batch")
    parser.add_argument("--without-recorded", action="store_true", help="the gauge: train on no recording, score on all")
    parser.add_argument("--num-clips", type=int, default=12000)
    parser.add_argument("--num-held-out", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=20.0, help="time of the training proper")
    parser.add_argument("--max-steps", type=int, default=None, help="instead of --minutes")
    parser.add_argument("--batch-size", type=int, default=24)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2, help="processes that synthesize")
    parser.add_argument("--start-from", default=None, help="folder of trained weights to go on from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--out", default="weights")
    return parser


if __name__ == "__main__":
    main()
