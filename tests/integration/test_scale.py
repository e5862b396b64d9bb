"""Several processes: the same losses as one with the same batches, and launch settings that accelerate takes."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from conftest import make_config, make_model, make_processor
from safetensors.torch import load_file

from llamo.train.initialise import write_checkpoint
from llamo.train.make_data import DataPlan, make_data
from llamo.train.recipe import read_recipe


pytestmark = pytest.mark.skipif(tuple(map(int, version("trl").split(".")[:2])) < (1, 15), reason="trl before 1.15")
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


def test_two_processes_learn_what_one_learns(tmp_path):
    """All rows are one global batch, so that their order does not matter; some have no motion."""
    processor = make_processor()
    write_checkpoint(tmp_path / "llamo", make_model(make_config(processor)), processor)
    make_data(DataPlan(num=8, seed=1, rows_per_shard=8, text_share=0.4, recorded_share=0.0), tmp_path / "rows")
    recipe = read_recipe(RECIPES / "smoke.yaml")
    del recipe["synthesize"]
    recipe |= {"model_name_or_path": str(tmp_path / "llamo"), "dataset_name": str(tmp_path / "rows"), "validation_rows": 0}
    recipe |= {"max_steps": 4, "logging_steps": 1, "save_strategy": "no", "use_cpu": True}
    # Plain gradient descent without clipping: Adam would hide gradients of half or twice their size.
    recipe |= {"optim": "sgd", "max_grad_norm": 1e9, "learning_rate": 0.02, "talker_learning_rate": 0.02, "warmup_steps": 0}
    found = {}
    for number in (1, 2):
        out = tmp_path / f"out{number}"
        path = tmp_path / f"recipe{number}.yaml"
        path.write_text(yaml.safe_dump({**recipe, "output_dir": str(out), "per_device_train_batch_size": 8 // number}))
        command = [sys.executable, "-m", "llamo.cli.main", "train", str(path)]
        if number == 2:
            # accelerate starts processes of a CPU through MPI alone; torchrun needs nothing more.
            command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", *command[1:]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stderr[-3000:]
        found[number] = losses(out), load_file(out / "model.safetensors")
    assert found[2][0] == pytest.approx(found[1][0], rel=1e-4) and len(found[1][0]) == 4
    one, two = found[1][1], found[2][1]
    start = load_file(tmp_path / "llamo" / "model.safetensors")
    name = "model.talker.projector.linear_2.weight"
    moved = (one[name] - start[name]).norm()
    assert moved > 0 and (one[name] - two[name]).norm() < 0.01 * moved
