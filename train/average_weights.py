"""The mean of two trained weights, of which one was trained on from the other ("Robust fine-tuning of zero-shot models",
arXiv 2109.01903): between the two, answers are often better than at either end, and what was forgotten comes back.

    python -m llamo.train.average_weights weights more --share 0.5 --out mean && llamo init --weights mean --out checkpoint
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from llamo.train.export_weights import save_settings
from llamo.train.trained_weights import LORA_CONFIG_FILE, RETRIEVAL_FILE, VISION_FILE, read_settings


def average_weights(first: Path, second: Path, share: float, out: Path) -> None:
    """Writes the mean of two folders of trained weights (layout: trained_weights.py) into a third.

    The embeddings' head is left out: it was trained on other weights, and has to be trained on these. A frozen vision tower
    is that of `first`.

    Args:
        share: of `second`, from 0 to 1.

    Raises:
        ValueError: a share outside 0 to 1, folders with other files, settings or tensors, or an `out` that is there.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"Expected a share from 0 to 1, got {share}. Correct --share.")
    if out.exists():
        raise ValueError(f"Expected no {out} yet, got one. Remove it, or write to another folder with --out.")
    settings = [_settings(folder) for folder in (first, second)]
    names = [_files(folder) for folder in (first, second)]
    if not names[0] or names[0] != names[1] or settings[0] != settings[1]:
        raise ValueError(
            f"Expected weights of one architecture, got {first} with {sorted(names[0])} and {second} with {sorted(names[1])}"
            f"{'' if settings[0] == settings[1] else ', and other settings'}. Average weights of which one was trained on "
            "from the other."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as beside:
        made = Path(beside) / out.name
        made.mkdir()
        for name in sorted(names[0] - {VISION_FILE}):
            save_file(_mean(first / name, second / name, share), made / name)
        for name in (VISION_FILE, LORA_CONFIG_FILE):
            if (first / name).is_file():
                shutil.copy(first / name, made / name)
        save_settings(made, **settings[0][0])
        made.rename(out)


def _settings(folder: Path) -> tuple[dict, str]:
    """What both have to agree on: `config.json` without the embeddings, and `lora.json`."""
    lora = folder / LORA_CONFIG_FILE
    told = {key: value for key, value in read_settings(folder).items() if key != "retrieval"}
    return told, lora.read_text("utf-8") if lora.is_file() else ""


def _files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.safetensors")} - {RETRIEVAL_FILE}


def _mean(first: Path, second: Path, share: float) -> dict[str, torch.Tensor]:
    """The factors of LoRA are averaged one by one: both come from the same beginning, and so belong together."""
    one, other = load_file(first), load_file(second)
    if {name: tensor.shape for name, tensor in one.items()} != {name: tensor.shape for name, tensor in other.items()}:
        raise ValueError(
            f"Expected the same tensors in {first} and {second}, got others. Average weights of which one was trained on from "
            "the other."
        )
    return {name: torch.lerp(one[name].float(), other[name].float(), share).to(one[name].dtype).contiguous() for name in one}


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, help="folder of trained weights")
    parser.add_argument("second", type=Path, help="folder of weights that were trained on from them")
    parser.add_argument("--share", type=float, default=0.5, help="of the second")
    parser.add_argument("--out", type=Path, required=True, help="folder that is not there yet")
    return parser


def main(arguments: list[str] | None = None) -> None:
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        average_weights(options.first, options.second, options.share, options.out)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    print(f"the mean of {options.first} and {options.second} in {options.out}: llamo init --weights {options.out}")


if __name__ == "__main__":
    main()
