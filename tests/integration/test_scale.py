"""Several processes: the same losses as one with the same batches, and launch settings that accelerate takes."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from conftest import make_config, make_model, make_processor
from datasets import load_dataset
from safetensors.torch import load_file

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.train.initialise import write_checkpoint
from llamo.train.make_data import DataPlan, make_data
from llamo.train.merge_adapter import merge_adapter
from llamo.train.recipe import read_recipe


pytestmark = pytest.mark.skipif(tuple(map(int, version("trl").split(".")[:2])) < (1, 15), reason="trl before 1.15")
TESTS = Path(__file__).parents[1]
RECIPES = Path(__file__).parents[2] / "train" / "recipes"
LAUNCHES = sorted((RECIPES / "accelerate").glob("*.yaml"))


@pytest.mark.parametrize("path", LAUNCHES, ids=lambda path: path.stem)
def test_accelerate_takes_the_launch_settings(path):
    config = load_config_from_file(str(path))
    told = yaml.safe_load(path.read_text())
    assert config.num_processes == told["num_processes"] and str(config.distributed_type.value) == told["distributed_type"]
    parser = launch_command_parser()
    args = parser.parse_args(["--config_file", str(path), "-m", "llamo.cli.main", "train", "recipe.yaml"])
    known = set(vars(args))
    for key in (*told.get("fsdp_config", {}), *told.get("deepspeed_config", {})):
        assert key in known, key  # a misspelt setting would be passed over
    args, _, _ = _validate_launch_command(args)
    assert args.num_processes == told["num_processes"] and args.num_machines == told["num_machines"]
    assert args.use_fsdp == (told["distributed_type"] == "FSDP")
    assert args.use_deepspeed == (told["distributed_type"] == "DEEPSPEED")
    if args.use_fsdp:
        assert int(args.fsdp_version) == 2
    assert args.mixed_precision == told["mixed_precision"]


def losses(out) -> list[float]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if "loss" in line]


def base_recipe(folder: Path) -> dict:
    """Four steps of a tiny checkpoint, which is written into `folder`."""
    processor = make_processor()
    write_checkpoint(folder / "llamo", make_model(make_config(processor)), processor)
    recipe = read_recipe(RECIPES / "smoke.yaml")
    del recipe["synthesize"]
    recipe |= {"model_name_or_path": str(folder / "llamo"), "validation_rows": 0, "lora_dropout": 0.0}
    recipe |= {"max_steps": 4, "logging_steps": 1, "save_strategy": "no", "use_cpu": True}
    # Plain gradient descent without clipping: Adam would hide gradients of half or twice their size.
    recipe |= {"optim": "sgd", "max_grad_norm": 1e9, "learning_rate": 0.02, "talker_learning_rate": 0.02, "warmup_steps": 0}
    return recipe


def run_processes(recipe: dict, number: int, command: tuple[str, ...] = ("-m", "llamo.cli.main"), settings: dict | None = None):
    """`llamo train` in that many processes, each with its share of the rows of a step."""
    out = Path(recipe["output_dir"])
    path = out.with_suffix(".yaml")
    share = recipe["per_device_train_batch_size"] // number
    path.write_text(yaml.safe_dump({**recipe, "per_device_train_batch_size": share}))
    # accelerate starts processes of a CPU through MPI alone; torchrun needs nothing more.
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(number)) if number > 1 else ()
    done = subprocess.run(
        [sys.executable, *launcher, *command, "train", str(path)],
        capture_output=True,
        text=True,
        timeout=400,
        env={**os.environ, **(settings or {})},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return out


def test_two_processes_learn_what_one_learns(tmp_path):
    """All rows are one global batch, so that their order does not matter; some have no motion."""
    make_data(DataPlan(num=8, seed=1, rows_per_shard=8, text_share=0.4, recorded_share=0.0), tmp_path / "rows")
    recipe = base_recipe(tmp_path) | {"dataset_name": str(tmp_path / "rows"), "per_device_train_batch_size": 8}
    found = {}
    for number in (1, 2):
        out = run_processes(recipe | {"output_dir": str(tmp_path / f"out{number}")}, number)
        found[number] = losses(out), load_file(out / "model.safetensors")
    assert found[2][0] == pytest.approx(found[1][0], rel=1e-4) and len(found[1][0]) == 4
    one, two = found[1][1], found[2][1]
    start = load_file(tmp_path / "llamo" / "model.safetensors")
    name = "model.talker.projector.linear_2.weight"
    moved = (one[name] - start[name]).norm()
    assert moved > 0 and (one[name] - two[name]).norm() < 0.01 * moved


def fsdp_settings() -> dict[str, str]:
    """fsdp2.yaml as the variables that `accelerate launch` makes of it."""
    told = yaml.safe_load((RECIPES / "accelerate" / "fsdp2.yaml").read_text())["fsdp_config"]
    return {"ACCELERATE_USE_FSDP": "true", **{name.upper(): str(value).lower() for name, value in told.items()}}


def rows_with_and_without_motion(folder: Path) -> Path:
    """Rows of four steps of two: motion and none, none and motion, twice motion, twice none."""
    make_data(DataPlan(num=24, seed=1, rows_per_shard=24, text_share=0.4, recorded_share=0.0), folder / "made")
    made = load_dataset(str(folder / "made"), split="train")
    numbers = {has: iter([i for i, kind in enumerate(made["kind"]) if (kind != "text") == has]) for has in (True, False)}
    order = [next(numbers[has]) for has in (True, False, False, True, True, True, False, False)]
    made.select(order).to_parquet(folder / "rows" / "train.parquet")
    return folder / "rows"


def distance(first: dict, second: dict) -> float:
    return sum(float((first[name] - second[name]).pow(2).sum()) for name in first) ** 0.5


@pytest.mark.parametrize("use_peft", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["whole", "lora"])
def test_pieces_in_two_processes_learn_what_one_learns(tmp_path, use_peft):
    """FSDP2; in half of the steps one process' rows have motion and the other's have none, and nobody waits for ever."""
    recipe = base_recipe(tmp_path) | {"dataset_name": str(rows_with_and_without_motion(tmp_path)), "use_peft": use_peft}
    recipe |= {"train_sampling_strategy": "sequential", "per_device_train_batch_size": 2}
    found = {}
    for number in (1, 2):
        told = {"output_dir": str(tmp_path / f"out{number}"), "weights_out": str(tmp_path / f"weights{number}")}
        if number == 1:
            out = run_processes(recipe | told, 1)
        else:
            out = run_processes(recipe | told, 2, (str(TESTS / "fsdp_on_cpu.py"),), fsdp_settings())
        found[number] = losses(out)
    assert found[2] == pytest.approx(found[1], rel=1e-5) and len(found[1]) == 4

    # Written with what was brought together from pieces, and not otherwise: FSDP did run.
    assert (out / "adapter" / "training_args.bin" if use_peft else out / "training_args.bin").is_file()
    whole = out
    if use_peft:
        whole = tmp_path / "merged"
        merge_adapter(out / "adapter", whole)
    start, one, two = (
        LlamoForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).state_dict()
        for folder in (tmp_path / "llamo", tmp_path / "out1", whole)
    )
    assert [value.shape for value in two.values()] == [value.shape for value in one.values()]
    for part in (".talker.", ".language_model."):
        own, pieces, before = ({name: value for name, value in state.items() if part in name} for state in (one, two, start))
        assert distance(own, pieces) < 1e-4 * distance(own, before)
    assert distance(*(load_file(tmp_path / f"weights{number}" / "talker.safetensors") for number in (1, 2))) < 1e-3
    names = [set(load_file(tmp_path / f"out{number}" / "model.safetensors")) for number in ((1,) if use_peft else (1, 2))]
    assert names[0] == names[-1]  # shared weights are stored once
