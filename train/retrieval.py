"""Train the embeddings of motions and texts: a small head on frozen towers and a frozen language model, by contrast.

    llamo init
    llamo train train/recipes/retrieval.yaml && llamo init

What tower, Cross Talker and language model make of every clip and caption is computed once; then only the head is trained,
which takes minutes on a CPU. Writes `retrieval.safetensors` and the width into the folder of the trained weights, and prints
recall@k on held-out bodies and styles and on recordings, both ways, beside chance.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate.utils import set_seed
from safetensors.torch import save_file
from torch import nn
from tqdm.auto import tqdm
from transformers import AutoProcessor

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration, LlamoRetrieval
from llamo.processing.motion_features_llamo import canonicalise
from llamo.train.asked_motions import record
from llamo.train.augmentation import FPS
from llamo.train.export_weights import save_settings
from llamo.train.questions.program_questions import clause_of
from llamo.train.questions.wording import caption, clause
from llamo.train.recorded import read_recorded
from llamo.train.retrieval_metrics import both_ways
from llamo.train.synthesis.engine import synthesize
from llamo.train.trained_weights import RETRIEVAL_FILE, digest_of, read_tensors


CHUNK = 50  # clips that one process makes at a time
WARM_UP = 50  # steps
OF_THE_WEIGHTS = ("model.motion_tower.", "model.talker.")


@dataclass
class Pair:
    """A motion `(num_frames, 22, 3)` at 20 fps, metres, and texts that describe it; the first is the caption."""

    joints: np.ndarray
    texts: tuple[str, ...]


@dataclass
class FrozenStates:
    """What the head reads: of each motion `(S, D)`, of each text `(layers + 1, H)`, all in half precision."""

    motions: list[torch.Tensor]
    texts: dict[str, torch.Tensor]


# Pairs


def draw_pairs(num: int, seed: int, held_out: bool = False, workers: int = 1) -> list[Pair]:
    """Procedural motions with their captions, the same whatever the number of processes."""
    jobs = [(seed, start, min(CHUNK, num - start), held_out) for start in range(0, num, CHUNK)]
    pool = multiprocessing.get_context("spawn").Pool(workers) if workers > 1 else None
    try:
        return [pair for found in (pool.imap(draw_chunk, jobs) if pool else map(draw_chunk, jobs)) for pair in found]
    finally:
        if pool:
            pool.terminate()


def draw_chunk(job: tuple[int, int, int, bool]) -> list[Pair]:
    seed, start, num, held_out = job
    rng = np.random.default_rng([seed, start, int(held_out)])
    return [pair_of(synthesize(rng, held_out=held_out), rng) for _ in range(num)]


def pair_of(motion, rng: np.random.Generator) -> Pair:
    """A procedural motion as a sensor would record it, with its caption, its plain actions, and its style in words."""
    clauses = list(dict.fromkeys(map(clause_of, motion.segments)))
    plain = list(dict.fromkeys(clause(segment.action, side=segment.side, turn=segment.turn) for segment in motion.segments))
    texts = [caption(clauses), ", then ".join(plain)]
    if motion.style != "neutral":
        texts.append(f"{motion.style}: {', then '.join(clauses)}")
    return Pair(record(motion.joints, rng), tuple(texts))


def recorded_pairs(paths: Sequence[str], split: str | None, mirrored: bool) -> list[Pair]:
    """Recorded clips with the sentences that describe them."""
    clips = [clip for path in paths for clip in read_recorded(path, split) if clip.captions]
    clips += [clip.mirrored() for clip in clips] if mirrored else []
    return [Pair(canonicalise(clip.joints, FPS).astype(np.float32), tuple(clip.captions)) for clip in clips]


# What is frozen


@torch.inference_mode()
def frozen_states(model, processor, pairs: Sequence[Pair], batch_size: int = 32) -> FrozenStates:
    """Runs towers and language model once over every motion and every different text."""
    base = getattr(model, "model", model)
    motions: list[torch.Tensor] = [torch.empty(0)] * len(pairs)
    order = sorted(range(len(pairs)), key=lambda index: len(pairs[index].joints))
    for rows in tqdm(list(cut(order, batch_size)), desc="motions", disable=None):
        parts = [{"motion": pairs[row].joints, "fps": FPS} for row in rows]
        batch = processor.motion_processor(parts, return_tensors="pt").to(model.device)
        vectors, mask = base.get_retrieval_states(batch["motion_values"].to(model.dtype), batch["motion_attention_mask"])
        for row, states, real in zip(rows, vectors, mask, strict=True):
            motions[row] = states[real].half().cpu()
    texts = sorted({text for pair in pairs for text in pair.texts}, key=lambda text: (len(text), text))
    found: dict[str, torch.Tensor] = {}
    for some in tqdm(list(cut(texts, 4 * batch_size)), desc="texts", disable=None):
        batch = processor.tokenizer(some, padding=True, return_tensors="pt").to(model.device)
        states = base.get_text_states(batch["input_ids"], batch["attention_mask"])
        # Halves cannot hold what some models' layers reach; the head reads directions alone.
        states = nn.functional.layer_norm(states.float(), states.shape[-1:])
        found |= dict(zip(some, states.half().cpu(), strict=True))
    return FrozenStates(motions, found)


def cut(items: Sequence, size: int) -> Iterator[Sequence]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def padded(motions: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """`(S_i, D)` of each -> `(N, S, D)` float32 and the mask `(N, S)`."""
    lengths = torch.tensor([len(states) for states in motions])
    values = nn.utils.rnn.pad_sequence([states.float() for states in motions], batch_first=True)
    return values, torch.arange(values.shape[1]) < lengths[:, None]


# Training


def train_head(head: nn.Module, pairs: Sequence[Pair], states: FrozenStates, args, log=print) -> None:
    """Symmetric cross-entropy over cosines (CLIP, arXiv 2103.00020); pairs with the same words are right for each other."""
    rng = np.random.default_rng(args.seed)
    head.train()
    wide = [parameter for parameter in head.parameters() if parameter.ndim > 1]
    narrow = [parameter for parameter in head.parameters() if parameter.ndim <= 1]
    groups = [{"params": wide, "weight_decay": args.weight_decay}, {"params": narrow, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1.0, (step + 1) / WARM_UP) * (0.5 + 0.5 * np.cos(np.pi * min(1.0, step / args.max_steps))),
    )
    size = min(args.batch_size, len(pairs))
    order, step = [], 0
    for step in tqdm(range(1, args.max_steps + 1), desc="head", disable=None):
        if len(order) < size:
            order = list(rng.permutation(len(pairs)))
        rows, order = order[:size], order[size:]
        texts = [pairs[row].texts[int(rng.integers(len(pairs[row].texts)))] for row in rows]
        motion = head.embed_motion(*padded([states.motions[row] for row in rows]))
        text = head.embed_text(torch.stack([states.texts[text] for text in texts]).float())
        loss = contrastive_loss(motion, text, head.log_scale, texts)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % args.log_every == 0 or step == args.max_steps:
            log(json.dumps({"step": step, "loss": round(float(loss.detach()), 4)}))
    head.eval()


def contrastive_loss(motion: torch.Tensor, text: torch.Tensor, log_scale: torch.Tensor, words: Sequence[str]) -> torch.Tensor:
    """Motions and texts `(N, size)` of length one, the words of each text -> a scalar."""
    scores = motion @ text.T * log_scale.clamp(max=float(np.log(100.0))).exp()
    same = torch.tensor([[one == other for other in words] for one in words], dtype=scores.dtype, device=scores.device)
    target = same / same.sum(-1, keepdim=True)
    return (nn.functional.cross_entropy(scores, target) + nn.functional.cross_entropy(scores.T, target)) / 2


@torch.inference_mode()
def judge(head: nn.Module, pairs: Sequence[Pair], states: FrozenStates) -> dict[str, dict]:
    """Recall both ways on pairs, by each pair's caption."""
    captions = [pair.texts[0] for pair in pairs]
    motions = torch.cat([head.embed_motion(*padded(some)) for some in cut(states.motions, 256)])
    texts = head.embed_text(torch.stack([states.texts[text] for text in captions]).float())
    return both_ways(motions.numpy(), texts.numpy(), captions)


def save_head(head: nn.Module, out: Path, size: int) -> None:
    """`retrieval.safetensors`, and in `config.json` the width and which weights the head was trained on."""
    tensors = {f"model.retrieval.{name}": value.detach().half().contiguous().cpu() for name, value in head.state_dict().items()}
    save_file(tensors, out / RETRIEVAL_FILE)
    save_settings(out, retrieval={"size": size, "of": digest_of(out)})


def check_same_weights(model, folder: Path, besides: str | None = None) -> None:
    """Refuses to write a head beside weights that the checkpoint was not made of, but for those whose names begin so.

    Raises:
        ValueError: no weights there, or others.
    """
    state = model.state_dict()
    tensors = {name: value for name, value in read_tensors(folder).items() if name.startswith(OF_THE_WEIGHTS)}
    tensors = {name: value for name, value in tensors.items() if not besides or not name.startswith(besides)}
    same = [name in state and torch.equal(state[name].half().cpu(), value.half()) for name, value in tensors.items()]
    if not tensors or not all(same):
        raise ValueError(
            f"Expected the trained weights that the checkpoint was made of, got {'others' if tensors else 'none'} in {folder} "
            "(--out). Run `llamo init` first, or name another --model."
        )


def main(arguments=None) -> None:
    args = make_parser().parse_args(arguments)
    set_seed(args.seed)
    processor = AutoProcessor.from_pretrained(args.model, trust_remote_code=True)
    model = LlamoForConditionalGeneration.from_pretrained(args.model).to("cuda" if torch.cuda.is_available() else "cpu").eval()
    out = Path(args.out)
    check_same_weights(model, out)
    model.requires_grad_(False)

    pairs = draw_pairs(args.num, args.seed, workers=args.workers)
    pairs += recorded_pairs(args.recorded, "train", mirrored=True)
    gauges = {"held_out_procedural": draw_pairs(args.num_held_out, 77, held_out=True)}
    gauges["recorded"] = recorded_pairs(args.recorded, "val", mirrored=False) + recorded_pairs(args.recorded_val, None, False)
    states = frozen_states(model, processor, pairs)
    config = model.config
    config.retrieval_size = args.size
    head = model_head(config)
    print(f"{sum(p.numel() for p in head.parameters()) / 1e6:.2f} million parameters; {len(pairs)} motions, "
          f"{len(states.texts)} texts", flush=True)  # fmt: skip
    train_head(head, pairs, states, args)
    for name, some in gauges.items():
        if some:
            print(json.dumps({name: judge(head, some, frozen_states(model, processor, some)), "clips": len(some)}), flush=True)
    save_head(head, out, args.size)


def model_head(config) -> nn.Module:
    """A new head of `config.retrieval_size` for a model of this configuration."""
    head = LlamoRetrieval(config)
    for name, parameter in head.named_parameters():  # as a model's own initialisation would
        if name == "queries":
            nn.init.normal_(parameter, std=1.0)
        elif parameter.ndim > 1:
            nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
    return head


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="llamo", help="checkpoint made by `llamo init` of the weights in --out")
    parser.add_argument("--recorded", nargs="*", default=[], help="Parquet files with a train and a val split")
    parser.add_argument("--recorded-val", nargs="*", default=[], help="Parquet files for validation alone")
    parser.add_argument("--num", type=int, default=4000, help="procedural motions")
    parser.add_argument("--num-held-out", type=int, default=200)
    parser.add_argument("--size", type=int, default=256, help="width of the embeddings")
    parser.add_argument("--max-steps", type=int, default=1500)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--workers", type=int, default=2, help="processes that make motions")
    parser.add_argument("--log-every", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="weights", help="folder of the trained weights")
    return parser


if __name__ == "__main__":
    main()
