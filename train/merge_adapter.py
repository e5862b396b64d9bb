"""Merge an adapter, as `trl sft --use_peft` or `llamo train` writes it, into the checkpoint that it was trained on.

llamo merge data/tuned/adapter --out my_model
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.processing.processing_llamo import LlamoProcessor
from llamo.train.initialise import write_checkpoint


ADAPTER_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"


def merge_adapter(adapter: str | os.PathLike, out: str | os.PathLike, base: str | os.PathLike | None = None) -> str:
    """Writes a whole checkpoint: the base with LoRA added to its weights and the parts that were trained whole.

    Args:
        adapter: folder with adapter_config.json and its weights.
        out: folder of the new checkpoint, which must not hold anything.
        base: checkpoint that the adapter was trained on; by default the one it names.

    Returns:
        what was written, as one line.

    Raises:
        ValueError: a folder that is no adapter, a base that is not there or does not fit, an output folder in use.
    """
    adapter, out = Path(adapter), Path(out)
    if not (adapter / ADAPTER_FILE).is_file():
        raise ValueError(f"Expected a folder with {ADAPTER_FILE}, got none in {adapter}. Name the folder of the adapter.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"Expected a new or an empty folder, got one in use at {out}. Choose another.")
    named = json.loads((adapter / ADAPTER_FILE).read_text(encoding="utf-8")).get("base_model_name_or_path")
    base = Path(base or named or "")
    if not (base / "config.json").is_file():
        raise ValueError(
            f"Expected the checkpoint that the adapter was trained on, got none at {str(base) or 'no path at all'} (from "
            f"{adapter / ADAPTER_FILE}). Name it with --base DIR; `llamo init` assembles the default one."
        )
    model = LlamoForConditionalGeneration.from_pretrained(base, dtype=torch.float32)
    processor = LlamoProcessor.from_pretrained(base, trust_remote_code=False)
    try:
        tuned = PeftModel.from_pretrained(model, adapter)
        # PEFT passes over what it finds no place for.
        strange = sorted(set(load_file(adapter / WEIGHTS_FILE)) ^ set(get_peft_model_state_dict(tuned)))
        if strange:
            raise ValueError(f"{len(strange)} tensors on one side only, {strange[0]} for example")
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        lines = str(error).strip().splitlines()
        raise ValueError(
            f"Expected an adapter of the checkpoint {base}, got one that does not fit: {' '.join(lines[:2])} (in {adapter}). "
            "Name the checkpoint that it was trained on with --base DIR."
        ) from None
    merged = tuned.merge_and_unload()
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place first: a full disk or a kill leaves no half checkpoint behind.
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
        made = Path(folder) / "made"
        made.mkdir()
        write_checkpoint(made, merged, processor)
        for name in ("README.md", "LICENSE", "NOTICE"):
            if (base / name).is_file():
                shutil.copyfile(base / name, made / name)
        estimator = base / "motion_estimator"
        if estimator.is_dir():
            shutil.copytree(estimator, made / estimator.name)
        if out.exists():
            out.rmdir()
        os.replace(made, out)
    return f"checkpoint in {out}: ask it with llamo ask --model {out}"
