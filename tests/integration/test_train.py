"""`llamo train`: recipes train what they say, go on after a kill with the same weights, and refuse what nobody would read."""

import json
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as parquet
import pytest
import torch
import yaml
from conftest import make_config, make_model, make_processor
from safetensors.torch import load_file
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.train.initialise import write_checkpoint
from llamo.train.make_data import DataPlan, make_data
from llamo.train.recipe import check_keys, read_recipe, run_recipe


pytestmark = pytest.mark.skipif(tuple(map(int, version("trl").split(".")[:2])) < (1, 15), reason="trl before 1.15")
RECIPES = Path(__file__).parents[2] / "train" / "recipes"
TOWER, TALKER = "model.motion_tower.merge.weight", "model.talker.projector.linear_2.weight"
LANGUAGE = "model.language_model.layers.0.self_attn.q_proj.weight"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train")
    processor = make_processor()
    write_checkpoint(folder / "llamo", make_model(make_config(processor)), processor)
    make_data(DataPlan(num=24, num_validation=6, seed=1, rows_per_shard=24), folder / "rows")
    return folder


def recipe_of(home, out, **settings) -> dict:
    recipe = read_recipe(RECIPES / "smoke.yaml")
    del recipe["synthesize"]
    recipe |= {"model_name_or_path": str(home / "llamo"), "dataset_name": str(home / "rows"), "output_dir": str(out)}
    recipe |= {"max_steps": 6, "save_steps": 2, "save_total_limit": None, "learning_rate": 0.01, "talker_learning_rate": 0.005}
    return {**recipe, "validation_rows": 0, **settings}


def weights(folder) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def changed(before: dict, after: dict, name: str) -> bool:
    return not torch.equal(before[name], after[name])


@pytest.fixture(scope="module")
def whole_run(home):
    out = home / "whole"
    run_recipe(recipe_of(home, out, validation_rows=6, validation_steps=6, weights_out=str(out / "weights")))
    return out


def test_instruct_trains_talker_and_lora_alone(home, whole_run, capsys):
    before, after = weights(home / "llamo"), weights(whole_run)
    assert changed(before, after, TALKER) and changed(before, after, LANGUAGE) and not changed(before, after, TOWER)
    assert LlamoForConditionalGeneration.from_pretrained(whole_run)
    adapter = load_file(whole_run / "adapter" / "adapter_model.safetensors")
    assert any("talker.projector.linear_2.weight" in name for name in adapter) and any("lora_A" in name for name in adapter)
    parts = load_file(whole_run / "weights" / "talker.safetensors")
    assert torch.allclose(parts[TALKER].float(), after[TALKER], atol=1e-3)
    assert yaml.safe_load((whole_run / "recipe.yaml").read_text())["learning_rate"] == 0.01
    lines = [json.loads(line) for line in (whole_run / "log.jsonl").read_text().splitlines()]
    assert any("loss" in line and "learning_rate" in line and "rows_per_second" in line for line in lines)
    judged = [line for line in lines if "accuracy" in line]
    assert judged and set(judged[-1]) == {"step", "accuracy", "accuracy_blind"}


def test_what_the_model_is_told_in_numbers_is_learned_apart(home, tmp_path, capsys):
    """Answers with other numbers train; what adds up learns from the loss on numbers alone."""
    from llamo.train.instruct import Training, learn_numbers

    rows = parquet.read_table(home / "rows" / "data", columns=["kinds"])["kinds"].to_pylist()
    kinds = sorted({kind for each in rows for kind in each} - {"caption"})
    settings = {"max_steps": 2, "keep_amounts": 0.5, "other_numbers": 1.0, "only_kinds": kinds}
    run_recipe(recipe_of(home, tmp_path / "out", **settings))
    before, after = weights(home / "llamo"), weights(tmp_path / "out")
    assert changed(before, after, TALKER) and changed(before, after, LANGUAGE)
    model = LlamoForConditionalGeneration.from_pretrained(home / "llamo")
    for processes, apart in ((2, False), (1, True)):
        alone = SimpleNamespace(num_processes=processes)
        trainer = SimpleNamespace(
            model=model, accelerator=alone, in_pieces=False, data_collator=dict, args=SimpleNamespace(seed=0)
        )
        learn_numbers(trainer, Training(keep_amounts=0.5, other_numbers=0.5))
        assert model.model.talker.teach_totals != apart
        assert (trainer.data_collator is dict) != apart, "answers that nobody is told the number of would be wrong"
    assert "several processes" in capsys.readouterr().out
    with pytest.raises(ValueError, match="only_kinds"):
        run_recipe(recipe_of(home, tmp_path / "none", only_kinds=["juggling"]))


def test_align_trains_the_talker_alone(home, tmp_path, capsys):
    # Until the time is over instead of for so many steps.
    recipe = recipe_of(home, tmp_path / "out", minutes=0.03, use_peft=False, logging_steps=1)
    run_recipe({**recipe, "stage": "align"})
    before, after = weights(home / "llamo"), weights(tmp_path / "out")
    assert changed(before, after, TALKER) and not changed(before, after, LANGUAGE) and not changed(before, after, TOWER)
    lines = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    assert 0 < lines[-1]["step"] < 10_000 and lines[-1]["train_runtime"] < 60
    table = capsys.readouterr().out
    assert "language_model" in table and "0.00 M" in table
    with pytest.raises(ValueError, match="no LoRA in alignment"):
        run_recipe({**recipe, "stage": "align", "use_peft": True})
    with pytest.raises(ValueError, match="load_in_4bit"):
        run_recipe({**recipe, "stage": "instruct", "load_in_4bit": True})


def test_a_killed_run_goes_on_to_the_same_weights(home, whole_run, tmp_path):
    """SIGKILL at some step after the first checkpoint; a checkpoint that was cut off does not count."""
    out = tmp_path / "out"
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe_of(home, out)))
    program = "from llamo.cli.main import app; app()"
    command = [sys.executable, "-c", program, "train", str(tmp_path / "recipe.yaml")]
    with open(tmp_path / "said.txt", "w") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    deadline = time.time() + 120
    while not (out / "checkpoint-2" / "complete").exists() and process.poll() is None and time.time() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "run the custom code" not in (tmp_path / "said.txt").read_text()  # nobody is asked about our own code
    assert (out / "checkpoint-2" / "complete").exists() and not (out / "model.safetensors").exists()
    for late in out.glob("checkpoint-[46]"):
        shutil.rmtree(late)
    (out / "checkpoint-4").mkdir()
    (out / "checkpoint-4" / "trainer_state.json").write_text('{"half": ')
    run_recipe(recipe_of(home, out, resume=True))
    resumed, once = weights(out), weights(whole_run)
    assert all(torch.equal(resumed[name], once[name]) for name in once)


def test_a_full_disk_spoils_no_checkpoint(home, whole_run, tmp_path, monkeypatch):
    """No file may grow beyond some kilobytes when the second checkpoint is written; then there is room again."""
    resource = pytest.importorskip("resource")
    out, limits = tmp_path / "out", resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(self, args, state, control, **kwargs):
        if state.global_step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))

    with monkeypatch.context() as patched:
        patched.setattr("llamo.train.instruct.MotionPathCheck.on_pre_optimizer_step", fill_the_disk)
        try:
            with pytest.raises(Exception, match=r"(?i)file too large|i/o error|write"):
                run_recipe(recipe_of(home, out))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (out / "checkpoint-2" / "complete").exists() and not (out / "checkpoint-4" / "complete").exists()
    run_recipe(recipe_of(home, out, resume=True))
    resumed, once = weights(out), weights(whole_run)
    assert all(torch.equal(resumed[name], once[name]) for name in once)


def test_motion_that_does_not_arrive_stops_the_run(home, tmp_path):
    rows = tmp_path / "rows"
    rows.mkdir()
    text = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello."}]
    (rows / "train.jsonl").write_text("\n".join([json.dumps({"images": [], "messages": text})] * 40))
    with pytest.raises(RuntimeError, match="Motion does not reach the model"):
        run_recipe(recipe_of(home, tmp_path / "out", dataset_name=str(rows)))
    (rows / "train.jsonl").write_text(json.dumps({"messages": text}))
    with pytest.raises(ValueError, match="images"):
        run_recipe(recipe_of(home, tmp_path / "out", dataset_name=str(rows)))


def test_settings(tmp_path):
    recipe = read_recipe(RECIPES / "smoke.yaml", ["learning_rate=1e-4", "synthesize.num=5", "output_dir=a=b"])
    assert float(recipe["learning_rate"]) == 1e-4 and recipe["synthesize"]["num"] == 5 and recipe["output_dir"] == "a=b"
    recipe = read_recipe(RECIPES / "smoke.yaml", ["save_strategy=no", "use_cpu=no"])
    assert recipe["save_strategy"] == "no" and recipe["use_cpu"] is False
    with pytest.raises(ValueError, match="Did you mean 'learning_rate'"):
        check_keys({"learnig_rate": 1}, ["learning_rate", "seed"])
    for text, wrong in (("- a", "list"), ("stage: dance", "dance"), ("a: [", "YAML")):
        (tmp_path / "wrong.yaml").write_text(text)
        with pytest.raises(ValueError, match=wrong):
            read_recipe(tmp_path / "wrong.yaml")
    run = CliRunner().invoke
    for arguments, said in (
        ([str(tmp_path / "none.yaml")], "none.yaml"),
        ([str(RECIPES / "smoke.yaml"), "learnig_rate=1"], "learning_rate"),
        ([str(RECIPES / "smoke.yaml"), "talk"], "key=value"),
        ([str(RECIPES / "smoke.yaml"), "train_modules=[tongue]"], "tongue"),
        ([str(RECIPES / "smoke_pretrain.yaml"), "nmu=1"], "num"),
    ):
        done = run(app, ["train", *arguments])
        assert done.exit_code == 2 and said in done.output, done.output


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_has_settings_that_are_read(path):
    from trl import ModelConfig, ScriptArguments, SFTConfig

    from llamo.train.amounts import make_parser as make_amounts_parser
    from llamo.train.instruct import Training, parse
    from llamo.train.pretrain import make_parser
    from llamo.train.pretrain_vision import make_parser as make_vision_parser
    from llamo.train.recipe import fields_of
    from llamo.train.retrieval import make_parser as make_retrieval_parser

    recipe = read_recipe(path)
    parsers = {"pretrain": make_parser, "pretrain_vision": make_vision_parser, "amounts": make_amounts_parser}
    parsers["retrieval"] = make_retrieval_parser
    stage = recipe.pop("stage")
    if stage in parsers:
        check_keys(recipe, {action.dest for action in parsers[stage]()._actions})
        return
    check_keys(recipe, fields_of(Training, ScriptArguments, SFTConfig, ModelConfig))
    _, config, _ = parse({key: value for key, value in recipe.items() if key not in fields_of(Training)})
    assert config.max_length is None and config.assistant_only_loss


def test_pretraining_recipe(home, tmp_path, capsys):
    recipe = read_recipe(RECIPES / "smoke_pretrain.yaml", [f"model={home / 'llamo'}", f"out={tmp_path / 'out'}"])
    recipe |= {"num": 8, "num_held_out": 2, "max_steps": 2, "batch_size": 4, "workers": 1}
    sizes = {"motion_config": '{"opposite_rates": []}', "talker_config": '{"fuse_totals": false, "num_focus_tokens": 3}'}
    assert "motion tower" in run_recipe({**recipe, **sizes})
    assert (tmp_path / "out" / "talker.safetensors").exists()
    # Weights are gone on from in the sizes that they have; what the caller says goes over them.
    onward = {"start_from": str(tmp_path / "out"), "out": str(tmp_path / "on"), "talker_config": '{"num_focus_tokens": 5}'}
    # By the clock the last step is the one in which the time is over, and the rate is zero then.
    capsys.readouterr()
    run_recipe({**recipe, **onward, "max_steps": None, "minutes": 0.02})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"step"')]
    assert lines[-1]["done"] == 1.0 and lines[-1]["seconds"] >= 1
    told = json.loads((tmp_path / "on" / "config.json").read_text())
    assert told["motion_config"]["opposite_rates"] == [] and not told["talker_config"]["fuse_totals"]
    assert told["talker_config"]["num_focus_tokens"] == 5
