"""A checkpoint -> ONNX graphs that answer without PyTorch, in its folder `fast`.

    llamo ask --fast FILE... QUESTION      # makes the folder when it is missing or older than the checkpoint
    python -m llamo.train.export_onnx --model CHECKPOINT

Motion tower and Cross Talker keep float32; the language model gets weights of eight bits, in blocks of 32 with a scale each,
from the builder of onnxruntime-genai. The folder is built aside and takes its place when it is whole.
"""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration, LlamoModel
from llamo.modeling_llamo.onnx_model_llamo import (
    FEWEST_WORDS,
    FOLDER,
    LANGUAGE_MODEL,
    MOTION,
    SETTINGS,
    TURN,
    VERSION,
    WORDS,
    fingerprint,
)
from llamo.train.initialise import swap_in


NEEDED = ("onnxruntime", "onnxruntime_genai", "onnx", "onnxscript")
BUILDER = "onnxruntime_genai.models.builder"
LAST_LINES = 12  # of the builder's output, in the error that it failed


class MotionGraph(nn.Module):
    """One motion -> what turns ask of it, and its summary."""

    outputs = ("motion", "real", "times", "measured", "summary")

    def __init__(self, model: LlamoModel):
        super().__init__()
        self.model = model

    def forward(self, values: torch.Tensor, mask: torch.Tensor, order: torch.Tensor):
        """values `(1, F, motion_dim + num_rates)`, mask `(1, F)`, order `(1,)` -> motion `(1, T, D)`, real `(1, T)`, times
        `(1, T)`, measured `(1, T, num_rates)`, summary `(1, num_summary_tokens, H)`."""
        motion, real, times = self.model.get_motion_features(values, mask)
        measured = self.model.get_measured_rates(values, mask)
        return motion, real, times, measured, self.model.talker.summarise(motion, real, times, measured, order)


class TurnGraph(nn.Module):
    """The instruction of a user turn, and one motion -> the turn's own tokens of it, and what its words hear of it."""

    outputs = ("tokens", "kept", "deltas")

    def __init__(self, model: LlamoModel):
        super().__init__()
        self.talker = model.talker

    def forward(self, words, word_mask, motion, real, times, measured, order):
        """words `(1, S, H)`, word_mask `(1, S)`, the rest as `MotionGraph` gives it -> tokens `(1, K + 1, H)`, which are real
        `(1, K + 1)`, deltas `(1, S, H)`."""
        first = torch.zeros(1, dtype=torch.long)
        focus = self.talker.focus(words, word_mask, first, first, motion, real, times, measured, order)
        return focus.tokens, focus.real, focus.deltas


def check_requirements() -> None:
    """Raises ImportError where a package is missing that only this needs."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ImportError(
            f'Expected the packages of the extra `fast`, got no {", ".join(missing)}. Install it: pip install ".[fast]" '
            "(it needs Python 3.11 or newer)."
        )


def export_onnx(checkpoint: str | Path, out: str | Path | None = None) -> Path:
    """Writes the graphs of a checkpoint.

    Args:
        checkpoint: folder of a LLaMo model of motion and text.
        out: the new folder; by default `fast` in the checkpoint.

    Raises:
        ImportError: a package is missing.
        ValueError: a model that looks at videos, or a language model that the builder does not know.
        OSError: a place that cannot be written to.
    """
    check_requirements()
    checkpoint = Path(checkpoint)
    out = Path(out) if out is not None else checkpoint / FOLDER
    made_from = fingerprint(checkpoint)
    full = LlamoForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32).eval().requires_grad_(False)
    if full.model.vision_tower is not None:
        raise ValueError(
            f"Expected a model of motion and text, got one that looks at videos in {checkpoint}. Ask it without --fast."
        )
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.absolute().parent) as scratch:
        folder, scratch = Path(scratch) / "new", Path(scratch)
        folder.mkdir()
        write_graphs(full.model, folder)
        np.save(folder / WORDS, full.get_input_embeddings().weight.numpy(), allow_pickle=False)
        write_language_model(full, checkpoint, folder, scratch)
        settings = {"version": VERSION, "made_from": made_from, **describe(full)}
        (folder / SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        swap_in(folder, out, scratch / "old")
    return out.absolute()


def describe(full: LlamoForConditionalGeneration) -> dict:
    """What the graphs' user has to know of the model."""
    config, generation = full.config, full.generation_config
    ends = generation.eos_token_id
    text = config.get_text_config()
    return {
        "config": {
            "motion_token_id": config.motion_token_id,
            "motion_focus_token_id": config.motion_focus_token_id,
            "instruction_start_token_ids": list(config.instruction_start_token_ids),
            "motion_config": {"patch_size": config.motion_config.patch_size},
            "talker_config": {
                "num_summary_tokens": config.talker_config.num_summary_tokens,
                "num_focus_tokens": config.talker_config.num_focus_tokens,
            },
        },
        "reads_text_alone": config.motion_update_rank == 0,  # what it would have to be without is in its weights
        "window_frames": config.motion_config.window_size * config.motion_config.patch_size,
        "fps": config.motion_config.fps,
        "head_dim": getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads,
        "eos_token_ids": ends if isinstance(ends, list) else [ends],
        "suppress_tokens": list(generation.suppress_tokens or []),
        "max_new_tokens": generation.max_new_tokens or generation.max_length,
    }


@torch.no_grad()
def write_graphs(model: LlamoModel, folder: Path) -> None:
    """`motion.onnx` and `turn.onnx`, for motions of up to one window and instructions of any length."""
    motion, talker = model.config.motion_config, model.config.talker_config
    fewest = talker.num_focus_tokens * motion.patch_size
    values = torch.randn(1, fewest + 2 * motion.patch_size, motion.motion_dim + motion.num_rates)
    mask, order = torch.ones(values.shape[:2], dtype=torch.long), torch.zeros(1, dtype=torch.long)
    frames = motion.patch_size * torch.export.Dim("patches", min=talker.num_focus_tokens, max=motion.window_size)
    vectors = torch.export.Dim("vectors", min=talker.num_focus_tokens, max=motion.window_size)
    length = torch.export.Dim("words", min=FEWEST_WORDS, max=4096)
    graph = MotionGraph(model).eval()
    made = graph(values, mask, order)
    export(graph, (values, mask, order), {"values": {1: frames}, "mask": {1: frames}, "order": None}, folder / MOTION)
    words = torch.randn(1, 7, model.config.text_config.hidden_size)
    shapes = {"words": {1: length}, "word_mask": {1: length}, **{name: {1: vectors} for name in MotionGraph.outputs[:4]}}
    arguments = (words, torch.ones(1, 7, dtype=torch.bool), *made[:4], order)
    export(TurnGraph(model).eval(), arguments, {**shapes, "order": None}, folder / TURN)


def export(graph: nn.Module, arguments: tuple, shapes: dict, path: Path) -> None:
    """One graph; `shapes` names its inputs and which of their dimensions may change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            graph,
            arguments,
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=list(shapes),
            output_names=list(graph.outputs),
            verbose=False,
        )
        program.save(str(path))


def language_model_alone(full: LlamoForConditionalGeneration) -> PreTrainedModel:
    """The causal language model inside, with the same weights."""
    alone = AutoModelForCausalLM.from_config(full.config.text_config)
    states = {f"{alone.base_model_prefix}.{name}": value for name, value in full.model.language_model.state_dict().items()}
    alone.load_state_dict({**states, "lm_head.weight": full.lm_head.weight})
    return alone


def write_language_model(full: LlamoForConditionalGeneration, checkpoint: Path, folder: Path, scratch: Path) -> None:
    """`language_model.onnx`: takes vectors, gives the logits of the next token.

    Raises:
        ValueError: the builder refuses the model.
    """
    source, built = scratch / "source", scratch / "built"
    language_model_alone(full).save_pretrained(source)
    PreTrainedTokenizerFast.from_pretrained(checkpoint).save_pretrained(source)
    options = ["exclude_embeds=true", "prune_lm_head=true", f"filename={LANGUAGE_MODEL}"]
    command = [sys.executable, "-m", BUILDER, "-i", str(source), "-o", str(built), "-p", "int8", "-e", "cpu"]
    command += ["-c", str(scratch / "cache"), "--extra_options", *options]
    # The environment's PYTHONPATH stays; the working directory is no place to import from.
    done = subprocess.run(command, capture_output=True, text=True, cwd=scratch, env={**os.environ, "HF_HUB_OFFLINE": "1"})
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-LAST_LINES:])
        raise ValueError(
            f"Expected a language model that onnxruntime-genai can build, got {full.config.text_config.model_type}. Ask the "
            f"checkpoint without --fast. Its builder said: {said}"
        )
    for path in built.glob(f"{LANGUAGE_MODEL}*"):
        shutil.move(str(path), folder / path.name)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="llamo", help="folder of the checkpoint")
    parser.add_argument("--out", help="folder to write; by default `fast` in the checkpoint")
    return parser


def main() -> None:
    args = make_parser().parse_args()
    print(export_onnx(args.model, args.out))


if __name__ == "__main__":
    main()
