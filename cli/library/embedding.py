"""Vectors of motions and of texts in one space, where the checkpoint has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llamo.cli.session import BadInputError, Session


def width(session: Session) -> int:
    """Of the checkpoint's embeddings; 0 where it has none."""
    return int(getattr(session.model.config, "retrieval_size", 0) or 0)


def check(session: Session, what: str) -> None:
    """Refuses a checkpoint without trained embeddings.

    Raises:
        BadInputError: it has none.
    """
    if not width(session):
        raise BadInputError(
            f"Expected a checkpoint with trained embeddings for {what}, got {session.name}, which has none. Search by words, "
            "or train them: llamo train train/recipes/retrieval.yaml."
        )


def embed_motions(session: Session, parts: Sequence[dict]) -> np.ndarray:
    """Chat parts of motions -> `(num_motions, width)` float32 of length one."""
    import torch

    batch = session.processor.motion_processor(list(parts), return_tensors="pt").to(session.model.device)
    with torch.inference_mode():
        vectors = session.model.get_motion_embedding(
            batch["motion_values"].to(session.model.dtype), batch["motion_attention_mask"]
        )
    return vectors.float().cpu().numpy()


def embed_text(session: Session, text: str) -> np.ndarray:
    """A text -> `(width,)` float32 of length one."""
    import torch

    batch = session.processor.tokenizer([text], return_tensors="pt").to(session.model.device)
    with torch.inference_mode():
        vectors = session.model.get_text_embedding(batch["input_ids"], batch["attention_mask"])
    return vectors[0].float().cpu().numpy()


def embed_clips(session: Session, clips: Sequence) -> list[dict]:
    """`{"vector": ...}` of each clip that was read; what `label_batch` adds to the rows of an index."""
    return [{"vector": vector} for vector in embed_motions(session, [clip.part() for clip in clips])]
