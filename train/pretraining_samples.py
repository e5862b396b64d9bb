"""Asked motions as the arrays that pretraining reads, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from llamo.processing.measured_rates_llamo import NUM_RATES, measure_rates
from llamo.processing.motion_features_llamo import NUM_FEATURES, canonicalise, joints_to_features
from llamo.train.asked_motions import AskedMotion, draw_many
from llamo.train.augmentation import FPS
from llamo.train.labelled_motion import DIRECTIONS, IGNORE, RATES, SIDES, SPEEDS, TURNS, measured_rates


FRAME_LABELS: dict[str, tuple[str, ...] | None] = {
    "action": None,  # the actions of the corpus
    "side": SIDES,
    "direction": DIRECTIONS,
    "turn": TURNS,
    "speed": SPEEDS,
}
WHOLE_NUMBER_KINDS = ("count", "duration", "time", "distance")  # in whole units; angles come in steps of 45


@dataclass
class AskedText:
    """A question without its motion: instruction, kind, the key of its answer, all keys it could have had.

    `where` `(T,)` bool: the motion vectors it is about, where its program tells; else None.
    """

    text: str
    kind: str
    key: str
    choices: tuple[str, ...]
    tolerance: float
    where: np.ndarray | None = None


@dataclass(frozen=True)
class SampledVideo:
    """frames `(n, 3, size, size)` float16, as the tower is fed; times `(n,)`, seconds on the clock of the motion; `seen`
    `(tasks,)` int64, the answers to `vision_samples.TASKS`."""

    frames: np.ndarray
    times: np.ndarray
    seen: np.ndarray


@dataclass
class PretrainingSample:
    """values `(F, 141 + 26)` float16: features, then measured rates; labels `(5, T)` int16 (of each vector's middle), rates
    `(T, 12)` float16 (NaN unknown): the truth that rates are learned from; film: the video beside it, where there is one."""

    values: np.ndarray
    labels: np.ndarray
    rates: np.ndarray
    questions: list[AskedText]
    recorded: bool
    film: SampledVideo | None = None


def to_sample(asked: AskedMotion, patch: int, actions: Sequence[str] = ()) -> PretrainingSample:
    """Features of the motion as recorded, labels and rates of the motion as it was."""
    frames = len(asked.joints)
    middles = np.minimum(np.arange(0, frames, patch) + patch // 2, frames - 1)
    labels = np.stack([getattr(asked.labels, name)[middles] for name in FRAME_LABELS])
    clean = canonicalise(asked.labels.joints, FPS)
    counts = asked.labels.repetitions[:, None], asked.labels.cycles[:, None]
    per_frame = np.concatenate([counts[0], measured_rates(clean), counts[1]], axis=1)
    per_frame = np.pad(per_frame, ((0, len(middles) * patch - frames), (0, 0)))
    rates = per_frame.reshape(len(middles), patch, -1).sum(1)
    questions = []
    for q in asked.questions:
        if q.kind != "caption" and not q.key.endswith("."):  # a sentence is no word
            where = labels[0] == actions.index(q.about) if q.about in actions else None
            questions.append(AskedText(q.question, q.kind, q.key, q.choices, q.tolerance, where))
    values = np.concatenate([joints_to_features(asked.joints, FPS), measure_rates(asked.joints, FPS)], axis=1)
    values, labels, rates = values.astype(np.float16), labels.astype(np.int16), rates.astype(np.float16)
    return PretrainingSample(values, labels, rates, questions, asked.labels.recorded)


def draw_samples(total: int, seed: int, patch: int, workers: int, **job) -> list[PretrainingSample]:
    convert = partial(to_sample, patch=patch, actions=job["actions"])
    return list(draw_many(total, seed, workers, convert=convert, **job))


def feature_statistics(samples: Sequence[PretrainingSample], num: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the features over what training will see, `(141,)` each."""
    step = max(1, len(samples) // num)
    frames = np.concatenate([sample.values[:, :NUM_FEATURES].astype(np.float32) for sample in samples[::step]])
    mean, std = frames.mean(0), frames.std(0)
    return mean.astype(np.float32), np.maximum(std, 0.02).astype(np.float32)


@dataclass
class Batch:
    """N motions and P questions about them.

    values `(N, F, 141 + 26)`, mask `(N, F)`, labels `(5, N, T)`, rates `(N, T, 12)`; words `(P, S)` token ids with word_mask,
    pair_motions `(P,)`, keys `(P, A)`: share of each answer of the vocabulary, numbers `(P,)`: NaN where the answer is none,
    where `(P, T)`: 1 for the motion vectors that the question is about, 0 for the others, NaN where nobody knows; video: what
    `LlamoModel.get_motion_features` takes of the videos, empty where there is none; seen `(V, tasks)`: what each of them shows.
    """

    values: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor
    rates: torch.Tensor
    words: torch.Tensor
    word_mask: torch.Tensor
    pair_motions: torch.Tensor
    keys: torch.Tensor
    numbers: torch.Tensor
    where: torch.Tensor
    questions: list[AskedText]
    video: dict[str, torch.Tensor] = field(default_factory=dict)
    seen: torch.Tensor | None = None

    def to(self, device) -> Batch:
        parts = {name: part.to(device) if torch.is_tensor(part) else part for name, part in vars(self).items()}
        return Batch(**{**parts, "video": {name: part.to(device) for name, part in self.video.items()}})


class Collator:
    """Pads motions and questions.

    Args:
        mean, std: of the features.
        tokenizer: of the language model; instructions are tokenized as they stand in its prompts.
        answers: vocabulary of answers, `key -> index`.
        patch: frames of a motion vector.
    """

    def __init__(self, mean: np.ndarray, std: np.ndarray, tokenizer, answers: dict[str, int], patch: int):
        self.mean, self.std = np.pad(mean, (0, NUM_RATES)), np.pad(std, (0, NUM_RATES), constant_values=1.0)  # rates stay
        self.tokenizer, self.answers, self.patch = tokenizer, answers, patch
        self.begin = tokenizer.encode("\n", add_special_tokens=False)
        self.cache: dict[str, list[int]] = {}

    def tokens(self, text: str) -> list[int]:
        if text not in self.cache:
            self.cache[text] = self.begin + self.tokenizer.encode(text, add_special_tokens=False)
        return self.cache[text]

    def target(self, question: AskedText) -> np.ndarray:
        """The right answer; of numbers with a tolerance, neighbours too."""
        target = np.zeros(len(self.answers), dtype=np.float32)
        target[self.answers[question.key]] = 1.0
        if question.kind in WHOLE_NUMBER_KINDS:
            value = int(question.key)
            for near in (value - 1, value + 1):
                if str(near) in self.answers:
                    target[self.answers[str(near)]] = 0.25 if question.tolerance else 0.04
        return target / target.sum()

    def __call__(self, samples: Sequence[PretrainingSample], rng: np.random.Generator | None, num: int = 3) -> Batch:
        """With `rng`, up to `num` of each sample's questions; without, all of them."""
        longest = max(len(sample.values) for sample in samples)
        vectors = -(-longest // self.patch)
        values = np.zeros((len(samples), longest, len(self.mean)), dtype=np.float32)
        mask = np.zeros((len(samples), longest), dtype=np.int64)
        labels = np.full((len(FRAME_LABELS), len(samples), vectors), IGNORE, dtype=np.int64)
        rates = np.zeros((len(samples), vectors, len(RATES)), dtype=np.float32)
        asked: list[tuple[int, AskedText]] = []
        for row, sample in enumerate(samples):
            frames = len(sample.values)
            values[row, :frames] = (sample.values.astype(np.float32) - self.mean) / self.std
            mask[row, :frames] = 1
            labels[:, row, : sample.labels.shape[1]] = sample.labels
            rates[row, : len(sample.rates)] = sample.rates
            questions = [question for question in sample.questions if question.key in self.answers]
            if rng is not None and len(questions) > num:
                questions = [questions[int(index)] for index in rng.choice(len(questions), num, replace=False)]
            asked += [(row, question) for question in questions]
        ids = [self.tokens(question.text) for _, question in asked] or [[0]]
        words = np.zeros((len(ids), max(map(len, ids))), dtype=np.int64)
        word_mask = np.zeros(words.shape, dtype=bool)
        for row, tokens in enumerate(ids):
            words[row, : len(tokens)], word_mask[row, : len(tokens)] = tokens, True
        questions = [question for _, question in asked]
        keys = np.stack([self.target(question) for question in questions]) if questions else np.zeros((1, len(self.answers)))
        where = np.full((max(1, len(questions)), labels.shape[2]), np.nan, dtype=np.float32)
        for row, question in enumerate(questions):
            if question.where is not None:
                where[row, : len(question.where)] = question.where
        seen = [sample.film.seen for sample in samples if sample.film is not None]
        numbers = [float(q.key) if q.kind in WHOLE_NUMBER_KINDS else np.nan for q in questions] or [np.nan]
        return Batch(
            *map(torch.from_numpy, (values, mask, labels, rates, words, word_mask)),
            torch.tensor([row for row, _ in asked] or [0]),
            torch.from_numpy(keys.astype(np.float32)),
            torch.tensor(numbers),
            torch.from_numpy(where),
            questions,
            video_arrays(samples),
            torch.from_numpy(np.stack(seen)) if seen else None,
        )


def video_arrays(samples: Sequence[PretrainingSample]) -> dict[str, torch.Tensor]:
    """What `LlamoModel.get_motion_features` takes of the videos of some samples; `{}` where none has one."""
    films = [(row, sample.film) for row, sample in enumerate(samples) if sample.film is not None]
    if not films:
        return {}
    longest = max(len(film.times) for _, film in films)
    frames = torch.zeros(len(films), longest, *films[0][1].frames.shape[1:])
    mask, times = torch.zeros(len(films), longest, dtype=torch.long), torch.zeros(len(films), longest)
    for place, (_, film) in enumerate(films):
        real = len(film.times)
        frames[place, :real], times[place, :real] = torch.from_numpy(film.frames).float(), torch.from_numpy(film.times)
        mask[place, :real] = 1
    rows = torch.tensor([row for row, _ in films])
    return {
        "pixel_values_videos": frames,
        "video_attention_mask": mask,
        "video_times": times,
        "video_motion_ids": rows,
    }


def batches(samples: Sequence[PretrainingSample], size: int, rng: np.random.Generator) -> Iterator[list[PretrainingSample]]:
    """Endless batches of motions of about the same length, each motion once an epoch."""
    lengths = np.array([len(sample.values) for sample in samples], dtype=float)
    while True:
        order = np.argsort(lengths * rng.uniform(0.9, 1.1, len(lengths)))
        groups = [order[start : start + size] for start in range(0, len(order) - size + 1, size)] or [order]
        for index in rng.permutation(len(groups)):
            yield [samples[i] for i in groups[index]]
