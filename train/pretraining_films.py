"""Filmed motions as the arrays that pretraining reads: what only a video tells is asked before the language model runs, too."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from llamo.processing.measured_rates_llamo import measure_rates
from llamo.processing.motion_features_llamo import joints_to_features
from llamo.processing.video_processing_llamo import LlamoFrameProcessor
from llamo.train.augmentation import FPS
from llamo.train.filmed_motions import FilmedMotion, draw_filmed
from llamo.train.labelled_motion import IGNORE, RATES
from llamo.train.pretraining_samples import FRAME_LABELS, AskedText, PretrainingSample, SampledVideo
from llamo.train.questions.question import AND
from llamo.train.trained_weights import has_vision, read_settings
from llamo.train.vision_samples import labels_of


CHUNK = 20  # motions that one process films at a time


def read_frame_processor(folder: Path) -> LlamoFrameProcessor:
    """How frames are fed to the vision tower of trained weights.

    Raises:
        ValueError: a folder without a vision tower.
    """
    if not has_vision(folder):
        raise ValueError(
            f"Expected a trained vision tower, got none in {folder} (pretrain --vision). Make one with "
            "`llamo train train/recipes/pretrain_vision.yaml`."
        )
    return LlamoFrameProcessor(**read_settings(folder)["frame_processor"])


def to_filmed_sample(filmed: FilmedMotion, patch: int, frame_processor: LlamoFrameProcessor) -> PretrainingSample:
    """Features of the motion, frames of the video and the questions; labels and rates unknown, they are learned elsewhere."""
    vectors = -(-len(filmed.joints) // patch)
    values = np.concatenate([joints_to_features(filmed.joints, FPS), measure_rates(filmed.joints, FPS)], axis=1)
    labels = np.full((len(FRAME_LABELS), vectors), IGNORE, dtype=np.int16)
    rates = np.full((vectors, len(RATES)), np.nan, dtype=np.float16)
    questions = [
        AskedText(q.question, q.kind, q.key, q.choices, q.tolerance)
        for q in filmed.questions
        if q.kind != "caption" and AND not in q.key
    ]
    film = None
    if filmed.video is not None:
        frames, times = frame_processor.sample({"bytes": filmed.video, "offset_s": filmed.offset_s})
        seen = labels_of(filmed.program["scene"])
        film = SampledVideo(frames.numpy().astype(np.float16), times.astype(np.float32), seen)
    return PretrainingSample(values.astype(np.float16), labels, rates, questions, False, film)


@dataclass(frozen=True)
class _Job:
    seed: int
    num: int
    patch: int
    held_out: bool
    frame_processor: dict


def _do_job(job: _Job) -> list[PretrainingSample]:
    rng = np.random.default_rng([job.seed, int(job.held_out), 3])
    frame_processor = LlamoFrameProcessor(**job.frame_processor)
    size = frame_processor.image_size
    return [to_filmed_sample(draw_filmed(rng, size, 5, job.held_out), job.patch, frame_processor) for _ in range(job.num)]


def draw_filmed_samples(
    total: int, seed: int, patch: int, workers: int, frame_processor: LlamoFrameProcessor, held_out: bool = False
) -> list[PretrainingSample]:
    """`total` of them, the same whatever the number of processes; held-out ones of other bodies, styles and phrasings."""
    names = ("image_size", "num_frames", "image_mean", "image_std")
    told = {name: getattr(frame_processor, name) for name in names}
    starts = range(0, total, CHUNK)
    jobs = [_Job(seed * 100_003 + start, min(CHUNK, total - start), patch, held_out, told) for start in starts]
    pool = multiprocessing.get_context("spawn").Pool(workers) if workers > 1 else None
    try:
        found: list[PretrainingSample] = []
        for made in tqdm(pool.imap(_do_job, jobs) if pool else map(_do_job, jobs), total=len(jobs), disable=None):
            found += made
        return found
    finally:
        if pool:
            pool.terminate()
