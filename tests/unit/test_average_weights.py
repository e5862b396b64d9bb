"""The mean of two trained weights."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from llamo.train.average_weights import average_weights, main


@pytest.fixture
def two(tmp_path):
    """Two folders of weights; the first has embeddings too."""
    folders = []
    for name, value in (("first", 1.0), ("second", 2.0)):
        folder = tmp_path / name
        folder.mkdir()
        save_file({"model.talker.gate": torch.full((2,), value).half()}, folder / "talker.safetensors")
        save_file({"layer.lora_A": torch.full((1, 3), 10 * value).half()}, folder / "lora.safetensors")
        (folder / "lora.json").write_text('{"r": 1, "alpha": 2}')
        retrieval = {"retrieval": {"size": 4, "of": "abc"}} if name == "first" else {}
        (folder / "config.json").write_text(json.dumps({"talker_config": {"hidden_size": 2}, **retrieval}))
        folders.append(folder)
    save_file({"model.retrieval.gate": torch.ones(1)}, folders[0] / "retrieval.safetensors")
    return folders


def test_tensors_are_between_the_two(two, tmp_path):
    average_weights(*two, 0.25, tmp_path / "mean")
    talker = load_file(tmp_path / "mean" / "talker.safetensors")["model.talker.gate"]
    assert talker.dtype == torch.float16 and talker.tolist() == [1.25, 1.25]
    assert load_file(tmp_path / "mean" / "lora.safetensors")["layer.lora_A"].tolist() == [[12.5] * 3]
    assert json.loads((tmp_path / "mean" / "lora.json").read_text())["alpha"] == 2


def test_embeddings_of_other_weights_are_left_out(two, tmp_path):
    average_weights(*two, 0.5, tmp_path / "mean")
    assert not (tmp_path / "mean" / "retrieval.safetensors").exists()
    assert json.loads((tmp_path / "mean" / "config.json").read_text()) == {"talker_config": {"hidden_size": 2}}


def test_weights_that_do_not_belong_together(two, tmp_path):
    save_file({"layer.lora_A": torch.ones(2, 3).half()}, two[1] / "lora.safetensors")
    with pytest.raises(ValueError, match="the same tensors"):
        average_weights(*two, 0.5, tmp_path / "mean")
    (two[1] / "config.json").write_text('{"talker_config": {"hidden_size": 3}}')
    with pytest.raises(ValueError, match="other settings"):
        average_weights(*two, 0.5, tmp_path / "mean")
    with pytest.raises(ValueError, match="one architecture"):
        average_weights(two[0], tmp_path / "nothing", 0.5, tmp_path / "mean")
    assert not (tmp_path / "mean").exists(), "nothing is left of what failed"


def test_command_line(two, tmp_path, capsys):
    main([str(two[0]), str(two[1]), "--out", str(tmp_path / "mean")])
    assert "llamo init --weights" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main([str(two[0]), str(two[1]), "--out", str(tmp_path / "mean")])
    assert stopped.value.code == 2 and "Expected no" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([str(two[0]), str(two[1]), "--share", "1.5", "--out", str(tmp_path / "other")])
