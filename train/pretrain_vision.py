"""Pretrain a small vision tower on rendered pictures: which object, in which colour, what is worn, from which side, how many.

    llamo train train/recipes/pretrain_vision.yaml minutes=20 out=weights

The tower is a vision model of transformers, from scratch; what it learns is what motion does not tell. Its answers are read
as the feature enhancer reads it, from a grid of a few cells. Writes `vision_tower.safetensors` and, in `config.json`, its sizes
and how frames are fed to it; `llamo init` puts both into the checkpoint. Prints held-out accuracy beside chance.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate.utils import set_seed
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from llamo.modeling_llamo.modeling_llamo import patch_vectors, vision_width
from llamo.processing.video_processing_llamo import LlamoFrameProcessor
from llamo.train.export_weights import save_settings, save_vision_tower
from llamo.train.vision_samples import IGNORE, TASKS, Pictures, augment, draw_pictures, shares, total_loss


# Two thirds of a million parameters. Convolutions with batch statistics do better than a guess after 75 steps; Swin did not
# after 500, and CvT, MobileViT and ConvNeXt take longer too (docs/training-log.md).
DEFAULT_TOWER = {
    "model_type": "resnet",
    "image_size": 112,
    "embedding_size": 32,
    "hidden_sizes": [32, 64, 128],
    "depths": [1, 2, 2],
    "layer_type": "basic",
}
GRID = 3  # cells of a side, as LlamoTalkerConfig.video_grid_size
WARM_UP = 0.03  # of the training


class GridHeads(nn.Module):
    """One answer for each task out of a tower's patch vectors, pooled to GRID x GRID cells, to which each task attends."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.place = nn.Parameter(torch.zeros(GRID * GRID, width))
        self.queries = nn.Parameter(torch.randn(len(TASKS), width) * width**-0.5)
        self.readers = nn.ModuleList(nn.Linear(width, len(answers)) for answers in TASKS.values())

    def forward(self, patches: torch.Tensor) -> list[torch.Tensor]:
        """Patches `(num, side * side, width)` -> scores `(num, answers)` of each task."""
        side = math.isqrt(patches.shape[1])
        square = patches.float().transpose(1, 2).unflatten(-1, (side, side))
        cells = self.norm(F.adaptive_avg_pool2d(square, GRID).flatten(2).transpose(1, 2))
        weights = ((cells + self.place) @ self.queries.T).softmax(1)  # Shape: (num, cells, tasks)
        seen = weights.transpose(1, 2) @ (cells + self.place)
        return [reader(seen[:, place]) for place, reader in enumerate(self.readers)]


def build_tower(settings: dict) -> PreTrainedModel:
    """A new vision tower.

    Raises:
        ValueError: settings that are no vision model's, or a number of patches that is no square.
    """
    settings = dict(settings)
    kind = settings.pop("model_type", None)
    try:
        config = AutoConfig.for_model(kind, **settings)
        size = config.image_size  # before a model is built: a language model has none, and may be larger than the memory
        tower = AutoModel.from_config(config)
        with torch.no_grad():
            patches = see(tower, torch.zeros(1, 3, size, size)).shape
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"Expected settings of a vision model of transformers, got {settings} of {kind!r} ({error}) in vision_config. "
            'Write for example {"model_type": "siglip_vision_model", "image_size": 112, "patch_size": 16, ...}.'
        ) from None
    if len(patches) != 3 or math.isqrt(patches[1]) ** 2 != patches[1]:
        raise ValueError(
            f"Expected a tower that gives (pictures, side * side, width), got {tuple(patches)} from {kind!r} in vision_config. "
            "Choose one without a class token, and a picture size that its patches divide."
        )
    return tower


def see(tower: PreTrainedModel, images: torch.Tensor) -> torch.Tensor:
    """Pictures `(num, 3, height, width)` as the tower is fed -> patches `(num, side * side, width)`."""
    return patch_vectors(tower(pixel_values=images).last_hidden_state)


def normalise(images: torch.Tensor, frame_processor: LlamoFrameProcessor) -> torch.Tensor:
    """Pictures from 0 to 1 as the tower is fed by the processor."""
    mean, std = (torch.tensor(each)[:, None, None] for each in (frame_processor.image_mean, frame_processor.image_std))
    return (images - mean.to(images.device)) / std.to(images.device)


@torch.no_grad()
def evaluate(tower, heads: GridHeads, pictures: Pictures, frame_processor, autocast, batch_size: int = 64) -> dict[str, float]:
    """Share of right answers to each task, of the pictures that tell it."""
    tower.eval()
    device, right = next(tower.parameters()).device, {name: [] for name in TASKS}
    for start in range(0, len(pictures), batch_size):
        rows = slice(start, start + batch_size)
        images = torch.from_numpy(pictures.frames[rows]).permute(0, 3, 1, 2).float() / 255
        with autocast():
            patches = see(tower, normalise(images.to(device), frame_processor))
        labels = torch.from_numpy(pictures.labels[rows])
        for place, (name, scores) in enumerate(zip(TASKS, heads(patches), strict=True)):
            known = labels[:, place] != IGNORE
            right[name] += (scores.argmax(-1).cpu()[known] == labels[known, place]).tolist()
    tower.train()
    return {name: float(np.mean(values)) if values else math.nan for name, values in right.items()}


def table_of(accuracy: dict[str, float], pictures: Pictures) -> str:
    """Held-out accuracy of each task beside chance and the commonest answer, in per cent."""
    lines = [f"{'held out':<14}{'pictures':>10}{'right %':>10}{'chance %':>10}{'commonest %':>13}"]
    for place, (name, (chance, commonest)) in enumerate(shares(pictures.labels).items()):
        told = int((pictures.labels[:, place] != IGNORE).sum())
        lines.append(f"{name:<14}{told:>10}{100 * accuracy[name]:>10.1f}{100 * chance:>10.1f}{100 * commonest:>13.1f}")
    return "\n".join(lines)


def main(arguments=None) -> None:
    args = make_parser().parse_args(arguments)
    set_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tower = build_tower(json.loads(args.vision_config))
    size = tower.config.image_size
    frame_processor = LlamoFrameProcessor(image_size=size, num_frames=args.num_frames)
    heads = GridHeads(vision_width(tower.config))
    tower.to(device).train()
    heads.to(device)
    millions = sum(parameter.numel() for parameter in tower.parameters()) / 1e6
    pictures = draw_pictures(args.num, args.seed, size, workers=args.workers)
    held_out = draw_pictures(args.num_held_out, args.seed + 77, size, held_out=True, workers=args.workers)
    print(f"{millions:.2f} million parameters; {len(pictures)} pictures, {len(held_out)} held out", flush=True)

    def autocast():
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=args.bf16)

    parameters = [*tower.parameters(), *heads.parameters()]
    wide, narrow = ([each for each in parameters if (each.ndim > 1) == is_wide] for is_wide in (True, False))
    groups = [{"params": wide, "weight_decay": args.weight_decay}, {"params": narrow, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.learning_rate, betas=(0.9, 0.98))
    rng, generator = np.random.default_rng(args.seed), torch.Generator().manual_seed(args.seed)
    started, step, done, log = time.time(), 0, 0.0, 0.0
    order: list[int] = []
    while done < 1.0:
        rate = args.learning_rate * min(1.0, done / WARM_UP + 0.05) * (0.5 + 0.5 * math.cos(math.pi * done))
        for group in optimizer.param_groups:
            group["lr"] = rate
        if len(order) < args.batch_size:
            order = rng.permutation(len(pictures)).tolist()
        rows, order = order[: args.batch_size], order[args.batch_size :]
        frames, labels = torch.from_numpy(pictures.frames[rows]), torch.from_numpy(pictures.labels[rows])
        images, labels = augment(frames, labels, generator)
        with autocast():
            patches = see(tower, normalise(images.to(device), frame_processor))
        loss = total_loss(heads(patches), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        done = step / args.max_steps if args.max_steps else (time.time() - started) / (60 * args.minutes)
        value = float(loss.detach())
        log = value if step == 1 else 0.95 * log + 0.05 * value
        if step % args.log_every == 0 or done >= 1.0:
            line = {"step": step, "done": round(done, 3), "seconds": round(time.time() - started), "loss": round(log, 4)}
            print(json.dumps(line), flush=True)
        if step % (args.log_every * 10) == 0 and done < 1.0:
            found = evaluate(tower, heads, held_out, frame_processor, autocast)
            print(json.dumps({name: round(share, 3) for name, share in found.items()}), flush=True)
            save(tower, frame_processor, Path(args.out))
    print(table_of(evaluate(tower, heads, held_out, frame_processor, autocast), held_out), flush=True)
    save(tower, frame_processor, Path(args.out))


def save(tower: PreTrainedModel, frame_processor: LlamoFrameProcessor, out: Path) -> None:
    """The tower in half precision, its sizes, and how frames are fed to it."""
    save_vision_tower(tower, out)
    feed = {name: getattr(frame_processor, name) for name in ("image_size", "num_frames", "image_mean", "image_std")}
    config = tower.config.to_diff_dict()
    for key in ("architectures", "dtype", "transformers_version"):
        config.pop(key, None)
    save_settings(out, vision_config={**config, "model_type": tower.config.model_type}, frame_processor=feed)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=24000, help="pictures")
    parser.add_argument("--num-held-out", type=int, default=1200, help="pictures of other bodies and styles, to judge by")
    parser.add_argument("--vision-config", default=json.dumps(DEFAULT_TOWER), help="a vision config of transformers as JSON")
    parser.add_argument("--num-frames", type=int, default=8, help="frames of a video that the model will look at")
    parser.add_argument("--minutes", type=float, default=20.0, help="time of the training proper")
    parser.add_argument("--max-steps", type=int, default=None, help="instead of --minutes")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--workers", type=int, default=2, help="processes that film")
    parser.add_argument("--log-every", type=int, default=50)
    parser.add_argument("--bf16", action="store_true", help="multiply in bfloat16: several times as fast on newer processors")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="weights", help="folder of the trained weights")
    return parser


if __name__ == "__main__":
    main()
