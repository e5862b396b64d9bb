"""`llamo ask --explain`: a page that shows which moments of the motion an answer looked at.

The Cross Talker scores every moment of a motion by the words of the question and keeps the best; the page draws the scores over
time, marks what was kept, and shows the poses. It is one file without scripts that loads nothing.
"""

import html
import math
from dataclasses import dataclass

import numpy as np

from llamo.processing.motion_features_llamo import PARENTS, canonicalise


WIDTH, HEIGHT, POSE = 900, 120, 110  # pixels
YAW = math.radians(35.0)  # the viewer stands to the person's left of the front
LEFT, RIGHT = {1, 4, 7, 10, 13, 16, 18, 20}, {2, 5, 8, 11, 14, 17, 19, 21}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 920px; padding: 0 1rem; color: #1b2330; }
h2 { font-size: 1.15rem; margin: 2rem 0 0; } .answer { margin: .2rem 0 1rem; } svg { max-width: 100%; height: auto; }
figure { display: inline-block; margin: 0 .3rem; } figcaption { text-align: center; font-size: .8rem; color: #566174; }
.bar { fill: #c6cfda; } .kept { fill: #2f6fed; } .axis { font-size: 12px; fill: #566174; } .note { color: #566174; }
.l { stroke: #2f6fed; } .r { stroke: #f0701a; } .t { stroke: #6f7a8a; }
.l, .r, .t { stroke-width: 5; stroke-linecap: round; }
"""


@dataclass
class Look:
    """What a question made the model look at in one motion.

    Args:
        scores: of every motion vector, 0 to 1; they need not sum to one.
        kept: places of the vectors that were kept, in time order.
        seconds: of one vector.
    """

    scores: list[float]
    kept: list[int]
    seconds: float


def looks(model, inputs) -> list[Look]:
    """The Cross Talker's choice for the last question of a prompt, one `Look` for each motion before it."""
    import torch

    seen = []

    def watch(selector, given, chosen):
        text, text_mask, motion, rows, motion_mask, _ = given
        queries, keys = selector.q_proj(text), selector.k_proj(motion)
        if hasattr(selector, "q_norm"):  # the code of older checkpoints does not normalise
            queries, keys = selector.q_norm(queries), selector.k_norm(keys)
        scores = queries @ keys[rows].transpose(1, 2) / math.sqrt(motion.shape[-1])
        attention = scores.float().masked_fill(~motion_mask[:, None, :].bool(), float("-inf")).softmax(-1)
        seen.append((attention * text_mask[..., None]).amax(1))  # Shape: (pairs, vectors)

    handle = model.model.talker.selector.register_forward_hook(watch)
    try:
        with torch.inference_mode():
            kept = model(**inputs).focus_frames
    finally:
        handle.remove()
    config = model.config.motion_config
    lengths = -(-inputs["motion_attention_mask"].sum(-1) // config.patch_size)
    number = len(lengths)  # of motions; the last turn looked at all of them
    return [
        Look(scores[:length].tolist(), [place for place in places.tolist() if place >= 0], config.patch_size / config.fps)
        for scores, places, length in zip(seen[0][-number:], kept[-number:], lengths.tolist(), strict=True)
    ]


def explain_page(answers: list[tuple[str, str, list[Look]]], motions: list[tuple[str, np.ndarray, float]]) -> str:
    """The whole page.

    Args:
        answers: question, answer, and a look for each motion.
        motions: name, joints `(num_frames, 22, 3)` in metres with Y up, and fps of each.
    """
    motions = [(name, canonicalise(joints, fps), fps) for name, joints, fps in motions]  # all face the viewer at first
    parts = []
    for question, answer, found in answers:
        parts.append(f'<h2>{html.escape(question)}</h2><p class="answer">{html.escape(answer)}</p>')
        for look, (name, joints, fps) in zip(found, motions, strict=True):
            if len(motions) > 1:
                parts.append(f'<p class="note">{html.escape(name)}</p>')
            parts.append(timeline(look))
            parts += [pose(joints, fps, look, place) for place in look.kept]
    title = ", ".join(name for name, _, _ in motions)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>{html.escape(title)}</title>"
        f"<style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>"
        '<p class="note">Height: how much the words of the question ask for a moment. Blue: the moments that were kept, with '
        f"their poses.</p>{''.join(parts)}</body></html>\n"
    )


def timeline(look: Look) -> str:
    """The scores over time as bars, the kept ones in blue, with seconds under them."""
    top, width = max([*look.scores, 1e-9]), WIDTH / max(1, len(look.scores))
    kept = set(look.kept)
    bars = [
        f'<rect class="{"kept" if place in kept else "bar"}" x="{place * width:.2f}" width="{max(width - 1, 0.5):.2f}" '
        f'y="{HEIGHT * (1 - score / top):.1f}" height="{HEIGHT * score / top:.1f}"><title>{place * look.seconds:.2f} s: '
        f"{score:.3f}</title></rect>"
        for place, score in enumerate(look.scores)
    ]
    total = len(look.scores) * look.seconds
    step = max(1, math.ceil(total / 12))
    marks = [
        f'<text class="axis" x="{WIDTH * second / total:.1f}" y="{HEIGHT + 16}">{second} s</text>'
        for second in range(0, math.ceil(total), step)
    ]
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT + 22}" role="img">{"".join(bars)}{"".join(marks)}</svg>'


def pose(joints: np.ndarray, fps: float, look: Look, place: int) -> str:
    """The person in the middle of a kept vector, seen from the front and a little from their left."""
    second = (place + 0.5) * look.seconds
    frame = joints[min(len(joints) - 1, int(second * fps))]
    across = frame[:, 0] * math.cos(YAW) - frame[:, 2] * math.sin(YAW)
    across, up = across - across[0], frame[:, 1] - frame[:, 1].min()
    scale = POSE / 2.2  # metres that fit
    points = [(POSE / 2 + x * scale, POSE - 6 - y * scale) for x, y in zip(across.tolist(), up.tolist())]
    lines = [
        f'<line class="{"l" if joint in LEFT else "r" if joint in RIGHT else "t"}" x1="{points[parent][0]:.1f}" '
        f'y1="{points[parent][1]:.1f}" x2="{points[joint][0]:.1f}" y2="{points[joint][1]:.1f}"/>'
        for joint, parent in enumerate(PARENTS)
        if parent >= 0
    ]
    drawn = f'<svg width="{POSE}" height="{POSE}" viewBox="0 0 {POSE} {POSE}">{"".join(lines)}</svg>'
    return f"<figure>{drawn}<figcaption>{second:.2f} s</figcaption></figure>"
