"""What pretraining asks of the motion tower and the Cross Talker, before any layer of the language model runs.

- every motion vector tells its action, side, direction, turn and tempo (linear readouts), and its share of repetitions, steps,
  metres, turns ... (the learned rates, singly and integrated);
- the summary tokens tell the same of their spans and of the whole motion, and the focus tokens answer the question they were
  selected for. Both are read in the language model's own word space: a token tells "squatting" by pointing where the words
  "doing squats" point. So the tokens, which stay continuous vectors, arrive in a language that the model already reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from llamo.modeling_llamo.modeling_llamo import LlamoModel
from llamo.train.labelled_motion import IGNORE, RATES
from llamo.train.pretraining_samples import FRAME_LABELS, WHOLE_NUMBER_KINDS, AskedText, Batch
from llamo.train.questions.vocabulary import action
from llamo.train.vision_samples import TASKS, total_loss


MOST_COUNTED = 30
# Kinds of question that sums of the measured rates may answer.
TOLD_BY_TOTALS = ("side", "direction", "posture", "distance", "angle")
WORDS_OF_LABELS = {"none": "no"}


class WordReadout(nn.Module):
    """Scores of answers for tokens `(..., H)`: cosine to the directions of the answers' words, with a learned sharpness.

    Args:
        texts: the answers.
        tokenizer: of the language model.
        embeddings: `(vocabulary, H)`, its word embeddings.
    """

    def __init__(self, texts: Sequence[str], tokenizer, embeddings: torch.Tensor):
        super().__init__()
        directions = []
        for text in texts:
            # As it stands within a sentence: with a space before it.
            ids = tokenizer.encode(f" {text}", add_special_tokens=False)
            # The order of digits matters: 12 is not 21.
            weights = torch.tensor([0.6**place if text.isdigit() else 1.0 for place in range(len(ids))])
            directions.append((embeddings[ids].float() * weights[:, None]).sum(0) / weights.sum())
        directions = torch.stack(directions)
        directions = F.normalize(directions - directions.mean(0), dim=-1)
        self.register_buffer("directions", directions)
        self.sharpness = nn.Parameter(torch.tensor(2.5))
        self.bias = nn.Parameter(torch.zeros(len(texts)))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return F.normalize(tokens.float(), dim=-1) @ self.directions.T * self.sharpness.clamp(max=4.0).exp() + self.bias


class PretrainingHeads(nn.Module):
    """Readouts that exist in pretraining only.

    Args:
        width: of the Cross Talker. actions: the vocabulary of action labels. answers: vocabulary of answers.
    """

    def __init__(self, width: int, actions: Sequence[str], answers: Sequence[str], tokenizer, embeddings: torch.Tensor):
        super().__init__()
        texts = {
            name: list(values) if values else [action(key).gerund for key in actions] for name, values in FRAME_LABELS.items()
        }
        texts = {name: [WORDS_OF_LABELS.get(text, text) for text in values] for name, values in texts.items()}
        self.frames = nn.ModuleDict({name: nn.Linear(width, len(values)) for name, values in texts.items()})
        self.spans = nn.ModuleDict({name: WordReadout(values, tokenizer, embeddings) for name, values in texts.items()})
        self.whole = nn.ModuleDict({name: WordReadout(values, tokenizer, embeddings) for name, values in texts.items()})
        self.count = WordReadout([str(number) for number in range(MOST_COUNTED + 1)], tokenizer, embeddings)
        self.answer = WordReadout(list(answers), tokenizer, embeddings)
        self.seen = nn.ModuleList(nn.Linear(width, len(answers)) for answers in TASKS.values())


def shares(labels: torch.Tensor, looks_at: torch.Tensor, num: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels `(N, T)` within spans `(N, S, T)` -> share of each label `(N, S, num)`, and whether any is known `(N, S)`."""
    known = labels != IGNORE
    one_hot = F.one_hot(labels.clamp(min=0), num).float() * known[..., None]
    sums = looks_at.float() @ one_hot
    total = sums.sum(-1, keepdim=True)
    return sums / total.clamp(min=1), total.squeeze(-1) > 0


def soft_cross_entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return -(target * logits.log_softmax(-1)).sum(-1)


@contextmanager
def what_motion_was_told(model: LlamoModel) -> Iterator[list[torch.Tensor]]:
    """What a video answers the motion that asks it, `(V, T, D)`, of every pass within; nothing without a video."""
    told: list[torch.Tensor] = []
    if model.enhancer is None:
        yield told
        return
    handle = model.enhancer.cross_attn.register_forward_hook(lambda module, arguments, answers: told.append(answers))
    try:
        yield told
    finally:
        handle.remove()


def pretraining_losses(
    model: LlamoModel, heads: PretrainingHeads, batch: Batch, embeddings: torch.Tensor
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """All losses of one batch by name, and the scores of the answers `(P, A)`."""
    talker = model.talker
    with what_motion_was_told(model) as told:
        motion, mask, times = model.get_motion_features(batch.values, batch.mask, **batch.video)
    measured = model.get_measured_rates(batch.values, batch.mask)
    losses: dict[str, torch.Tensor] = {}
    if told:  # the answers of the video hold all that it shows, before anything is asked
        share = mask[batch.video["video_motion_ids"]].float()
        mean = (told[0].float() * share[..., None]).sum(1) / share.sum(1, keepdim=True)
        losses["seen"] = 0.5 * total_loss([reader(mean) for reader in heads.seen], batch.seen)
    labels = {name: batch.labels[index].masked_fill(~mask, IGNORE) for index, name in enumerate(FRAME_LABELS)}
    for name, head in heads.frames.items():
        if (labels[name] != IGNORE).any():
            losses[name] = F.cross_entropy(head(motion).flatten(0, 1), labels[name].flatten(), label_smoothing=0.05)

    rates = talker.summary.rates(motion, mask)
    known = ~batch.rates.isnan() & mask[..., None]
    truth = batch.rates.nan_to_num(0.0)
    own = rates[..., : truth.shape[-1]]
    if known.any():
        losses["rates"] = 4 * F.smooth_l1_loss(own[known], truth[known], beta=0.1)
    complete = (known | ~mask[..., None]).all(1)  # totals whose every vector is known
    totals, true_totals = own.sum(1), truth.sum(1)
    error = F.smooth_l1_loss(totals, true_totals, beta=0.3, reduction="none") / (1 + true_totals).sqrt()
    weight = torch.ones(error.shape[-1], device=error.device)
    weight[[RATES.index("repetitions"), RATES.index("cycles")]] = 6.0
    if complete.any():
        losses["totals"] = (error * weight)[complete].mean()

    order = torch.zeros(len(motion), dtype=torch.long, device=motion.device)
    summary = talker.summarise(motion, mask, times, measured, order)
    num_spans = model.config.talker_config.num_spans
    tokens_of = {
        "span": (summary[:, :num_spans], talker.summary.spans(mask), heads.spans),
        "whole": (summary[:, num_spans:-1].mean(1, True), mask[:, None], heads.whole),
    }
    for group, (tokens, looks_at, readouts) in tokens_of.items():
        for name, readout in readouts.items():
            target, there = shares(labels[name], looks_at, len(readout.bias))
            if there.any():
                losses[f"{group}_{name}"] = 0.5 * soft_cross_entropy(readout(tokens)[there], target[there]).mean()
    repetitions = true_totals[:, 0]
    counted = (
        complete[:, 0] & (repetitions > 0.5) & ((repetitions - repetitions.round()).abs() < 0.1) & (repetitions < MOST_COUNTED)
    )
    if counted.any():
        losses["tally"] = 0.5 * F.cross_entropy(heads.count(summary[counted, -1]), repetitions[counted].round().long())

    words = embeddings[batch.words] * batch.word_mask[..., None]
    pairs = batch.pair_motions
    turns = torch.arange(len(pairs), device=pairs.device)
    focus = talker.focus(words, batch.word_mask, turns, pairs, motion, mask, times, measured, order)
    frames, totals_token = focus.tokens[:, :-1].float(), focus.tokens[:, -1].float()
    real = focus.real[:, :-1, None].float()
    # Numbers stand in the token of totals, what totals may tell in both, everything else in the kept frames.
    number = ~batch.numbers.isnan()
    told_by_totals = torch.tensor([q.kind in TOLD_BY_TOTALS for q in batch.questions], device=pairs.device)
    of_frames = heads.answer((frames * real).sum(1) / real.sum(1).clamp(min=1)).log_softmax(-1)
    of_totals = heads.answer(totals_token).log_softmax(-1)
    answers = torch.where(number[:, None], of_totals, of_frames)
    asked = batch.keys.sum(-1) > 0
    if asked.any():
        losses["answer"] = 2 * soft_cross_entropy(answers[asked], batch.keys[asked]).mean()
    if told_by_totals.any():
        losses["told_by_totals"] = 2 * soft_cross_entropy(of_totals[told_by_totals], batch.keys[told_by_totals]).mean()
        answers = torch.where(told_by_totals[:, None], answers.exp().add(of_totals.exp()).div(2).log(), answers)
    located = ~batch.where.isnan() & mask[pairs]
    if located.any():
        losses["asked_where"] = F.binary_cross_entropy(focus.relevance[located].clamp(1e-5, 1 - 1e-5), batch.where[located])
    if focus.amount is not None:
        wanted = torch.tensor([number_asked(question) for question in batch.questions] or [np.nan], device=pairs.device)
        there = ~wanted.isnan()
        if there.any():
            error = F.smooth_l1_loss(focus.amount[there], wanted[there], beta=0.3, reduction="none")
            losses["amount"] = 2 * (error / (1 + wanted[there]).sqrt()).mean()
    # The asked part of the motion is found by what adds up in it as well.
    asked_numbers = {
        "count": (focus.totals[:, RATES.index("repetitions")], 1.0),
        "count_by_cycles": (focus.totals[:, RATES.index("cycles")], 1.0),
        "duration": (focus.seconds, 0.5),
        "time": (focus.middle - focus.seconds / 2, 0.5),
    }
    for kind, (predicted, scale) in asked_numbers.items():
        rows = [
            row
            for row, question in enumerate(batch.questions)
            if question.kind == kind.split("_")[0] and not counts_steps(question)
        ]
        if rows:
            number = batch.numbers[rows]
            error = F.smooth_l1_loss(predicted[rows], number, beta=0.5, reduction="none") / (1 + number).sqrt()
            losses[f"asked_{kind}"] = scale * error.mean()
    return losses, answers


def number_asked(question: AskedText) -> float:
    """The number that a question asks for, of degrees in steps of 45; NaN where it asks for none."""
    if question.kind not in (*WHOLE_NUMBER_KINDS, "angle"):
        return float("nan")
    return float(question.key) / (45 if question.kind == "angle" else 1)


def counts_steps(question: AskedText) -> bool:
    """Whether a question asks for steps or flights, which are other rates than repetitions."""
    return question.kind == "count" and (question.tolerance > 0 or "jump" in question.text.lower())
