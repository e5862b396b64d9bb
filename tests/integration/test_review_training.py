"""What `llamo review --export` writes trains: through `llamo train` and through stock `trl sft`."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import make_config, make_model, make_processor
from library_samples import write_library
from safetensors.torch import load_file
from typer.testing import CliRunner

from llamo.cli.library.review import Review
from llamo.cli.main import app
from llamo.train.initialise import write_checkpoint


pytestmark = pytest.mark.skipif(tuple(map(int, version("trl").split(".")[:2])) < (1, 15), reason="trl before 1.15")
RECIPE = Path(__file__).parents[2] / "train" / "recipes" / "finetune.yaml"
PROJECTOR = "model.talker.projector.linear_2.weight"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A tiny checkpoint, and the rows of a reviewed library."""
    folder = tmp_path_factory.mktemp("review")
    processor = make_processor()
    write_checkpoint(folder / "llamo", make_model(make_config(processor)), processor)
    table = write_library(folder, num=6, form="parquet")
    review = Review(table)
    for number, path in enumerate(list(review.index)):
        review.decide(path, "reject" if number == 5 else "accept", caption=f"The person takes {number} steps.")
    review.close()
    done = CliRunner().invoke(app, ["review", str(table), "--export", str(folder / "rows")])
    assert done.exit_code == 0 and "5 rows" in done.output, done.output
    return folder


def moved(before: Path, after: Path) -> float:
    weights = [load_file(folder / "model.safetensors")[PROJECTOR] for folder in (before, after)]
    return float((weights[0] - weights[1]).abs().max())


def test_datasets_reads_it(home):
    from datasets import load_dataset

    rows = load_dataset(str(home / "rows"), split="train", cache_dir=str(home / "cache"))
    assert len(rows) == 5 and {"messages", "images"} <= set(rows.column_names) and rows[0]["images"] == []
    (part,) = [part for part in rows[0]["messages"][0]["content"] if part["type"] == "motion"]
    assert part["bytes"][:2] == b"PK" and part["format"] == "npz", "the motion itself, no path of this machine"
    assert rows[0]["messages"][1]["content"][0]["text"] == "The person takes 0 steps."


def test_llamo_train_takes_it(home):
    settings = {"dataset_name": home / "rows", "model_name_or_path": home / "llamo", "output_dir": home / "finetuned"}
    settings |= {"max_steps": 2, "per_device_train_batch_size": 2, "use_cpu": "true", "talker_learning_rate": 0.01}
    done = CliRunner().invoke(app, ["train", str(RECIPE), *(f"{name}={value}" for name, value in settings.items())])
    assert done.exit_code == 0, done.output
    assert moved(home / "llamo", home / "finetuned") > 1e-4


def test_stock_trl_takes_it(home):
    command = [str(Path(sys.executable).with_name("trl")), "sft", "--model_name_or_path", str(home / "llamo")]
    command += ["--dataset_name", str(home / "rows"), "--trust_remote_code", "--assistant_only_loss", "True"]
    command += ["--max_length", "None", "--max_steps", "2", "--per_device_train_batch_size", "2", "--learning_rate", "0.01"]
    command += ["--output_dir", str(home / "stock"), "--report_to", "none", "--use_cpu", "--bf16", "False"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert moved(home / "llamo", home / "stock") > 1e-4
