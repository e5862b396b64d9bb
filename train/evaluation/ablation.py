"""The paper's claim, tested: does continuous motion help, and does each part of the Cross Talker?

    llamo eval ablation --model llamo --out ablation            # small: about an hour on two CPU cores
    llamo eval ablation --model llamo --out ablation --large    # for a GPU

Trains every arm of ablation_arms.py from the same first weights on the same questions for the same number of steps, with
three seeds, and asks all of them the same held-out questions. Writes runs.jsonl (one line a trained model, so that a run
that was cut off goes on), results.json, table.md and ablation.png. From --model come tokenizer, prompt and the statistics
of the features.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from llamo.processing.whole_files_llamo import replace_file
from llamo.train.questions import Question, ask_program, score

from .ablation_arms import ARMS, Arm, Size
from .answering import PAD_RIGHT, conversation, new_tokens, plan_batches
from .answering import answer as answer_batch
from .items import Item, fingerprint, numbered
from .predictions import whole_lines, write_lines
from .synthetic import procedural_items


PROTOCOL = "llamo-ablation-1"
RUNS = "runs.jsonl"


@dataclass(frozen=True)
class Plan:
    """Everything that the figures depend on.

    Args:
        motions: to train on, with up to `per_motion` questions each. questions: held-out ones that are asked.
        steps, batch_size, learning_rate: of every arm; code_steps: of the codes of VQ.
        seeds: of first weights and order; each is one model of every arm.
    """

    motions: int = 1200
    per_motion: int = 4
    questions: int = 250
    steps: int = 450
    batch_size: int = 12
    learning_rate: float = 1e-3
    code_steps: int = 300
    seeds: tuple[int, ...] = (0, 1, 2)
    arms: tuple[str, ...] = tuple(ARMS)
    size: Size = field(default_factory=Size)


LARGE = Plan(
    motions=40_000,
    questions=3000,
    steps=8000,
    batch_size=64,
    learning_rate=5e-4,
    code_steps=20_000,
    size=Size(hidden=512, layers=8, heads=8, motion_hidden=256, talker_hidden=256),
)

Example = tuple[Question, np.ndarray, float]


def training_examples(plan: Plan, seed: int = 0) -> list[Example]:
    """Questions about motions with bodies and phrasings of training, the same for every arm."""
    from llamo.train.synthesis.engine import synthesize

    rng = np.random.default_rng([seed, 21])
    found: list[Example] = []
    for _ in tqdm(range(plan.motions), desc="motions", disable=None):
        motion = synthesize(rng)
        if len(motion.joints) <= plan.size.longest:
            found += [(question, motion.joints, motion.fps) for question in ask_program(motion, rng, plan.per_motion)]
    return found


def asked_items(plan: Plan, seed: int = 0) -> list[Item]:
    """Held-out questions about motions that are no longer than those of training."""
    found: list[Item] = []
    for times in (2, 8, 32):  # of a few, all may be too long
        drawn = procedural_items(times * plan.questions, np.random.default_rng([seed, 22]))
        found = [item for item in drawn if len(item.joints) <= plan.size.longest][: plan.questions]
        if len(found) == plan.questions:
            break
    return numbered("ablation", found)


def train_arm(arm: Arm, examples: Sequence[Example], plan: Plan, seed: int, device: torch.device) -> Any:
    """A model of the arm after all steps: next-token loss on the answers alone, cosine rate after a short warm-up."""
    # One motion is asked several things; what an arm learns of motions, it learns of each once.
    motions = list({id(joints): joints for _, joints, _ in examples}.values())
    arm.learn(motions, examples[0][2], plan.code_steps, seed)
    model = arm.model(seed).to(device).train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=plan.learning_rate, weight_decay=0.01)
    warm_up = max(1, plan.steps // 20)

    def rate(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, plan.steps - warm_up)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    order = np.random.default_rng([seed, 23])  # the same for every arm
    for _ in tqdm(range(plan.steps), desc=f"{arm.name}, seed {seed}", disable=None):
        batch = [examples[int(place)] for place in order.integers(len(examples), size=plan.batch_size)]
        inputs, labels = encode(arm, batch)
        inputs = {name: value.to(device) for name, value in inputs.items()}
        loss = model(**inputs, labels=labels.to(device)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.eval()


def encode(arm: Arm, batch: Sequence[Example]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Inputs and labels of a batch; -100 wherever no answer stands."""
    chats = []
    for question, joints, fps in batch:
        text, motions = arm.row(question.question, joints, fps)
        told = {"role": "assistant", "content": [{"type": "text", "text": question.answer}]}
        chats.append([*conversation(text, motions), told])
    inputs = arm.processor.apply_chat_template(
        chats,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs=PAD_RIGHT,
        return_assistant_tokens_mask=True,
    )
    answers = torch.as_tensor(inputs.pop("assistant_masks")).bool()
    return dict(inputs), inputs["input_ids"].masked_fill(~answers, -100)


def ask_arm(arm: Arm, model: Any, items: Sequence[Item], batch_size: int) -> list[bool]:
    """Whether the answer to each item is right."""
    right = [False] * len(items)
    for batch in plan_batches(items, batch_size):
        rows = [arm.row(items[place].question.question, items[place].joints, items[place].fps) for place in batch]
        texts = answer_batch(model, arm.processor, rows, max(new_tokens(items[place]) for place in batch))
        for place, text in zip(batch, texts, strict=True):
            right[place] = score(items[place].question, text)
    return right


def run_ablation(
    processor: Any, plan: Plan, out: str | Path, device: str | None = None, log: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """Trains and asks what is missing in `out`, and writes the figures.

    Raises:
        ValueError: the folder holds an ablation of another plan.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    target = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    items = asked_items(plan)
    settings = {"protocol": PROTOCOL, "plan": asdict(plan), "data": fingerprint(items)}
    settings = json.loads(json.dumps(settings))  # tuples as lists, as they come back
    header = folder / "run.json"
    if header.exists() and json.loads(header.read_text(encoding="utf-8")) != settings:
        raise ValueError(
            f"Expected an empty folder or an unfinished ablation of the same plan, got another plan in {folder}. Choose "
            "another --out, or delete the folder."
        )
    replace_file(header, (json.dumps(settings, indent=1) + "\n").encode())
    runs = whole_lines(folder / RUNS) if (folder / RUNS).exists() else []
    write_lines(folder / RUNS, runs)
    done = {(run["arm"], run["seed"]) for run in runs}
    examples: list[Example] = []
    for seed in plan.seeds:
        for name in plan.arms:
            if (name, seed) in done:
                continue
            examples = examples or training_examples(plan)
            arm = ARMS[name](plan.size, processor)
            right = ask_arm(arm, train_arm(arm, examples, plan, seed, target), items, plan.batch_size)
            runs.append({"arm": name, "seed": seed, **shares(items, right)})
            with open(folder / RUNS, "a", encoding="utf-8") as file:
                file.write(json.dumps(runs[-1]) + "\n")
    results = {"suite": "ablation", **settings, "n": len(items), "arms": summarise_runs(runs, plan)}
    replace_file(folder / "results.json", (json.dumps(results, indent=1) + "\n").encode())
    table = ablation_table(results)
    replace_file(folder / "table.md", (table + "\n").encode())
    draw(results, folder / "ablation.png")
    if log is not None:
        log(table)
    return results


def shares(items: Sequence[Item], right: Sequence[bool]) -> dict[str, Any]:
    """Accuracy over all questions that a motion answers, and by kind."""
    kinds = {
        kind: float(np.mean([ok for ok, item in zip(right, items) if item.kind == kind]))
        for kind in sorted({item.kind for item in items})
    }
    grounded = [ok for ok, item in zip(right, items) if item.kind != "unanswerable"]
    return {"accuracy": float(np.mean(grounded)), "kinds": kinds}


def summarise_runs(runs: Sequence[dict[str, Any]], plan: Plan) -> dict[str, Any]:
    """Mean and standard deviation over the seeds of each arm, over all and by kind."""
    found = {}
    for name in plan.arms:
        mine = [run for run in runs if run["arm"] == name]
        values = [run["accuracy"] for run in mine]
        kinds = {kind: float(np.mean([run["kinds"][kind] for run in mine])) for kind in mine[0]["kinds"]}
        found[name] = {
            "name": ARMS[name].name,
            "mean": float(np.mean(values)),
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
            "seeds": values,
            "kinds": kinds,
        }
    return found


def ablation_table(results: dict[str, Any]) -> str:
    """One row an arm: accuracy in per cent with its spread, then every kind."""
    arms = results["arms"]
    kinds = list(next(iter(arms.values()))["kinds"])
    lines = [f"| arm | all % (sd of {len(results['plan']['seeds'])}) | {' | '.join(kinds)} |", "|" + "---|" * (len(kinds) + 2)]
    for row in arms.values():
        spread = "" if row["sd"] is None else f" ({100 * row['sd']:.1f})"
        cells = [row["name"], f"{100 * row['mean']:.1f}{spread}", *(f"{100 * row['kinds'][kind]:.0f}" for kind in kinds)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(results: dict[str, Any], path: Path) -> Path | None:
    """The means with their spread as bars, and a point for each seed; None without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = list(results["arms"].values())
    figure, axes = pyplot.subplots(figsize=(8, 1 + 0.5 * len(rows)), layout="constrained")
    spread = [100 * (row["sd"] or 0.0) for row in rows]
    axes.barh(range(len(rows)), [100 * row["mean"] for row in rows], xerr=spread, color="#2f6fed", height=0.6, capsize=3)
    for place, row in enumerate(rows):
        axes.scatter([100 * value for value in row["seeds"]], [place] * len(row["seeds"]), color="#1b2330", s=14, zorder=3)
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
    axes.invert_yaxis()
    axes.set(xlabel=f"right answers to {results['n']} held-out questions, %", xlim=(0, None))
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
    return path
