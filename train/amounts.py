"""Train the choice of the number that a question asks for: a small head on weights that stay as they are.

    llamo init
    llamo train train/recipes/amounts.yaml && llamo init

Questions are drawn anew; what they weigh and which totals they may mean is computed once, then only the head is trained, which
takes a minute on a CPU. Adds the head to `talker.safetensors` of the trained weights (so that embeddings have to be trained
after it), and prints how many numbers are right, weighed and chosen, on questions that it was not trained on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as parquet
import torch
from accelerate.utils import set_seed
from safetensors.torch import load_file, save_file
from torch import nn
from tqdm.auto import tqdm
from transformers import AutoProcessor
from transformers.utils import logging

from llamo.modeling_llamo.configuration_llamo import LlamoConfig
from llamo.modeling_llamo.modeling_llamo import LlamoAmountChoice, LlamoForConditionalGeneration
from llamo.train.asked_amounts import amounts_of, asked_turns
from llamo.train.base_model import quiet_loading
from llamo.train.export_weights import save_settings
from llamo.train.make_data import DataPlan, make_data
from llamo.train.retrieval import check_same_weights, cut
from llamo.train.trained_weights import read_settings


TALKER_FILE, PREFIX = "talker.safetensors", "model.talker.amount.choice."
SHARPNESS = 0.1  # of what counts as right: a number that rounds to the one that is asked for
NEARLY = 0.05  # how much a number counts that does not
WARM_UP = 20  # steps


@dataclass
class Asked:
    """Questions for a number: their words `(Q, D)`, what they may mean `(Q, C)`, the right number `(Q,)`, and their kinds."""

    words: torch.Tensor
    candidates: torch.Tensor
    wanted: torch.Tensor
    kinds: list[str]


# What is frozen


@contextmanager
def heard(choice: LlamoAmountChoice) -> Iterator[list[tuple[torch.Tensor, torch.Tensor]]]:
    """Words and candidates of every pass within."""
    found: list[tuple[torch.Tensor, torch.Tensor]] = []
    handle = choice.register_forward_pre_hook(lambda module, inputs: found.append(inputs))
    try:
        yield found
    finally:
        handle.remove()


@torch.no_grad()
def read_questions(model: LlamoForConditionalGeneration, processor, rows: Sequence[dict], batch_size: int = 16) -> Asked:
    """Everything before the language model, once over all rows of `llamo data synthesize` that ask for a number."""
    rows = [row for row in rows if any(number == number for number in amounts_of(row))]
    rows.sort(key=lambda row: row["length"])
    words, candidates, wanted, kinds = [], [], [], []
    for some in tqdm(list(cut(rows, batch_size)), desc="questions", disable=None):
        inputs = processor.apply_chat_template(
            [row["messages"] for row in some],
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        ).to(model.device)
        with heard(model.model.talker.amount.choice) as found:
            model.model.fuse(**inputs)
        numbers = torch.tensor([number for row in some for number in amounts_of(row)])
        there = ~numbers.isnan()
        words.append(found[0][0][there].float().cpu())
        candidates.append(found[0][1][there].cpu())
        wanted.append(numbers[there])
        asked = [kind for row in some for kind, _, num_motions in asked_turns(row) for _ in range(num_motions)]
        kinds += [kind for kind, is_there in zip(asked, there.tolist(), strict=True) if is_there]
    if not kinds:
        return Asked(torch.empty(0, 0), torch.empty(0, 0), torch.empty(0), [])
    return Asked(torch.cat(words), torch.cat(candidates), torch.cat(wanted), kinds)


# Training


def rightness(candidates: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """How right each candidate `(Q, C)` is as the number `(Q,)`: about 1 where it rounds to it, little where it is near."""
    off = (candidates - wanted[:, None]).abs()
    return torch.sigmoid((0.5 - off) / SHARPNESS) + NEARLY * (-off / (1 + wanted[:, None])).exp()


def choice_loss(logits: torch.Tensor, candidates: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Negative logarithm of the rightness that choosing by these logits `(Q, C)` comes to."""
    return -(logits.log_softmax(-1) + rightness(candidates, wanted).log()).logsumexp(-1).mean()


def train_choice(choice: LlamoAmountChoice, asked: Asked, args, log=print) -> None:
    generator = torch.Generator().manual_seed(args.seed)
    choice.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(choice.parameters(), lr=args.learning_rate, weight_decay=args.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / WARM_UP) * (1 - step / args.max_steps)
    )
    for step in range(1, args.max_steps + 1):
        rows = torch.randint(len(asked.wanted), (args.batch_size,), generator=generator)
        words, candidates = asked.words[rows], asked.candidates[rows]
        words = nn.functional.dropout(words, args.dropout)
        loss = choice_loss(choice.logits(words, candidates), candidates, asked.wanted[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(choice.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % args.log_every == 0 or step == args.max_steps:
            log(json.dumps({"step": step, "loss": round(float(loss.detach()), 4)}))
    choice.eval()


@torch.inference_mode()
def judge(choice: LlamoAmountChoice, asked: Asked) -> dict[str, dict[str, float]]:
    """By kind: questions, and the shares of numbers that round to the right one, weighed (`before`) and chosen (`after`)."""
    chosen = choice(asked.words, asked.candidates)
    found = {}
    for kind in sorted(set(asked.kinds)):
        rows = torch.tensor([each == kind for each in asked.kinds])
        right = [
            float((numbers[rows].round() == asked.wanted[rows].round()).float().mean())
            for numbers in (asked.candidates[:, 0], chosen)
        ]
        found[kind] = {"questions": int(rows.sum()), "before": round(right[0], 3), "after": round(right[1], 3)}
    return found


def save_choice(choice: LlamoAmountChoice, out: Path) -> None:
    """Adds the head to the Cross Talker of the trained weights, and notes in `config.json` that there is one."""
    tensors = load_file(out / TALKER_FILE)
    tensors |= {f"{PREFIX}{name}": value.detach().half().contiguous().cpu() for name, value in choice.state_dict().items()}
    save_file(tensors, out / TALKER_FILE)
    save_settings(out, talker_config={**read_settings(out).get("talker_config", {}), "choose_amounts": True})


def draw_rows(plan: DataPlan, workers: int) -> tuple[list[dict], list[dict]]:
    """Rows of both splits of a data set that is made for this and thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        make_data(plan, folder, workers)
        return tuple(
            [row for path in sorted((Path(folder) / "data").glob(f"{split}-*")) for row in parquet.read_table(path).to_pylist()]
            for split in ("train", "validation")
        )


def load_model(checkpoint: str) -> LlamoForConditionalGeneration:
    """The checkpoint with a choice, a new one where it has none."""
    config = LlamoConfig.from_pretrained(checkpoint)
    if not config.talker_config.ask_amounts:
        raise ValueError(
            f"Expected a checkpoint that weighs totals into the number asked for, got one without (ask_amounts is false in "
            f"{checkpoint}). Pretrain with ask_amounts first."
        )
    config.talker_config.choose_amounts = True
    with quiet_loading(), warnings_off():
        model = LlamoForConditionalGeneration.from_pretrained(checkpoint, config=config, dtype=torch.float32)
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


@contextmanager
def warnings_off() -> Iterator[None]:
    """Without transformers' report of weights that the checkpoint lacks: those of the choice are what is trained here."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def main(arguments=None) -> None:
    args = make_parser().parse_args(arguments)
    set_seed(args.seed)
    processor = AutoProcessor.from_pretrained(args.model, trust_remote_code=True)
    model = load_model(args.model)
    out = Path(args.out)
    check_same_weights(model, out, besides=PREFIX)
    model.requires_grad_(False)

    settings = {"recorded": tuple(args.recorded), "measured_share": args.measured_share, "text_share": 0.0, "pair_share": 0.0}
    settings |= {"recorded_share": args.recorded_share} if args.recorded else {"recorded_share": 0.0}
    rows, held_out = draw_rows(DataPlan(args.num, args.seed, args.num_held_out, **settings), args.workers)
    asked, judged = read_questions(model, processor, rows), read_questions(model, processor, held_out)
    choice = model.model.talker.amount.choice.float().cpu()
    print(
        f"{sum(each.numel() for each in choice.parameters()) / 1e6:.2f} million parameters; {len(asked.kinds)} questions",
        flush=True,
    )
    train_choice(choice, asked, args)
    if judged.kinds:
        print(json.dumps({"held_out_procedural": judge(choice, judged)}), flush=True)
    save_choice(choice, out)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="llamo", help="checkpoint made by `llamo init` of the weights in --out")
    parser.add_argument("--recorded", nargs="*", default=[], help="Parquet files of recorded clips with a train split")
    parser.add_argument("--num", type=int, default=8000, help="rows to draw; about one of three asks for a number")
    parser.add_argument("--num-held-out", type=int, default=800, help="rows of other programs and bodies, to judge by")
    parser.add_argument("--recorded-share", type=float, default=0.2)
    parser.add_argument("--measured-share", type=float, default=0.2)
    parser.add_argument("--max-steps", type=int, default=1500)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--dropout", type=float, default=0.1, help="of words")
    parser.add_argument("--workers", type=int, default=2, help="processes that draw")
    parser.add_argument("--log-every", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="weights", help="folder of the trained weights")
    return parser


if __name__ == "__main__":
    main()
