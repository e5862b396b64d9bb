"""`llamo ask --fast`: ONNX graphs of a tiny checkpoint say what PyTorch says, and take neither PyTorch nor transformers."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import assistant, encode, make_config, make_model, make_processor, make_walk, motion_part, user
from transformers import LlamaConfig
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.modeling_llamo.onnx_model_llamo import SETTINGS, LlamoOnnxModel, is_made_from
from llamo.processing.plain_processing_llamo import PlainProcessor
from llamo.train import export_onnx
from llamo.train.initialise import write_checkpoint


pytest.importorskip("onnxruntime_genai")

QUESTION = "How far does the person walk?"
FOLLOWS = [user(motion_part(make_walk(41)), QUESTION), assistant("Three metres."), user("And then?")]
CONVERSATIONS = {
    "one motion": [user(motion_part(make_walk(50)), QUESTION)],
    "fewer vectors than are kept": [user(motion_part(make_walk(6)), QUESTION)],
    "a single frame": [user(motion_part(make_walk(1)), QUESTION)],
    "another rate": [user(motion_part(make_walk(70, fps=50.0), fps=50.0), QUESTION)],
    "two motions": [user(motion_part(make_walk(30)), motion_part(make_walk(44, speed=0.4)), "Which is faster?")],
    "text between": [user("First", motion_part(make_walk(30)), "then", motion_part(make_walk(9)), "?")],
    "a second question": FOLLOWS,
    "a second motion later": [*FOLLOWS[:2], user(motion_part(make_walk(25, speed=0.0)), "And this one?")],
    "no motion": [user("What can you do?")],
    "a motion without words": [user(motion_part(make_walk(30)))],
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A tiny checkpoint with its graphs, and the same model and processor in PyTorch."""
    folder = tmp_path_factory.mktemp("fast") / "llamo"
    processor = make_processor()
    tokenizer = processor.tokenizer
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,  # heads of 16, which the builder's attention asks for at least
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=1,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
    )
    config = make_config(processor, text_config=text)
    config.talker_config.choose_amounts = True
    model = make_model(config)
    torch.nn.init.normal_(model.model.talker.amount.choice.linear_2.weight)  # as after training: not always the first
    model.generation_config.suppress_tokens = [model.config.motion_token_id, model.config.motion_focus_token_id]
    model.generation_config.max_new_tokens = 12
    write_checkpoint(folder, model, processor)
    export_onnx.export_onnx(folder)
    return folder, model, processor


@pytest.fixture(scope="module")
def graphs(tiny):
    return LlamoOnnxModel(tiny[0] / "fast")


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_prompt_is_the_processors(tiny, name):
    folder, _, processor = tiny
    wanted = encode(processor, CONVERSATIONS[name], add_generation_prompt=True)
    made = PlainProcessor(folder)(CONVERSATIONS[name])
    assert made["input_ids"].tolist() == wanted["input_ids"].tolist()
    assert ("motion_values" in made) == ("motion_values" in wanted)
    if "motion_values" in made:
        np.testing.assert_array_equal(made["motion_values"], wanted["motion_values"].numpy())
        np.testing.assert_array_equal(made["motion_attention_mask"], wanted["motion_attention_mask"].numpy())


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_language_model_reads_the_same_vectors(tiny, graphs, name):
    folder, model, processor = tiny
    inputs = dict(encode(processor, CONVERSATIONS[name], add_generation_prompt=True))
    with torch.no_grad():
        wanted, _ = model.model.fuse(inputs.pop("input_ids"), inputs.pop("attention_mask"), **inputs)
    made = graphs.embed(**PlainProcessor(folder)(CONVERSATIONS[name]))
    np.testing.assert_allclose(made, wanted.numpy(), atol=1e-4)


def test_text_alone_is_refused_where_it_is_read_with_other_weights(tiny, graphs, monkeypatch):
    monkeypatch.setitem(graphs.settings, "reads_text_alone", False)
    with pytest.raises(ValueError, match="Leave --fast out"):
        graphs.embed(**PlainProcessor(tiny[0])(CONVERSATIONS["no motion"]))
    assert graphs.embed(**PlainProcessor(tiny[0])(CONVERSATIONS["one motion"])).shape[0] == 1


def test_weights_of_eight_bits_hardly_move_the_next_token(tiny, graphs):
    folder, model, processor = tiny
    conversation = CONVERSATIONS["one motion"]
    with torch.no_grad():
        wanted = model(**encode(processor, conversation, add_generation_prompt=True)).logits[0, -1].numpy()
    said = []
    original = graphs.language_model.run_with_ort_values
    graphs_of_one = LlamoOnnxModel(folder / "fast")
    spy = {"run_with_ort_values": lambda self, *arguments: said.append(original(*arguments)) or said[-1]}
    graphs_of_one.language_model = type("Spy", (), spy)()
    graphs_of_one.generate(**PlainProcessor(folder)(conversation), max_new_tokens=1)
    made = said[0][0].numpy()[0, -1]
    assert np.corrcoef(made, wanted)[0, 1] > 0.999


def test_generation_ends_and_leaves_out_what_is_suppressed(tiny, graphs):
    inputs = PlainProcessor(tiny[0])(CONVERSATIONS["one motion"])
    length = inputs["input_ids"].shape[1]
    free = LlamoOnnxModel(tiny[0] / "fast")
    answer = free.generate(**inputs)[0, length:].tolist()
    assert len(answer) == 12 and not set(answer) & set(free.settings["suppress_tokens"])
    assert free.generate(**inputs, max_new_tokens=3)[0, length:].tolist() == answer[:3]
    free.settings["suppress_tokens"] = [answer[0]]
    assert free.generate(**inputs, max_new_tokens=1)[0, -1] != answer[0]
    free.settings["suppress_tokens"] = []
    first = int(free.generate(**inputs, max_new_tokens=1)[0, -1])
    free.settings["eos_token_ids"] = [first]
    assert free.generate(**inputs)[0, length:].tolist() == [first]


def test_what_is_drawn_follows_seed_and_temperature(tiny, graphs):
    inputs = PlainProcessor(tiny[0])(CONVERSATIONS["one motion"])
    drawn = [graphs.generate(**inputs, temperature=1.5, seed=seed).tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert graphs.generate(**inputs, temperature=1e-4, seed=5).tolist() == graphs.generate(**inputs).tolist()


def test_a_streamer_gets_the_prompt_and_every_token(tiny, graphs):
    got = []
    streamer = type(
        "Streamer", (), {"put": lambda self, ids: got.append(ids.tolist()), "end": lambda self: got.append("end")}
    )()
    inputs = PlainProcessor(tiny[0])(CONVERSATIONS["one motion"])
    output = graphs.generate(**inputs, streamer=streamer)[0].tolist()
    assert got[0][0] + [token for (token,) in got[1:-1]] == output and got[-1] == "end"


def test_placeholders_and_motions_must_agree(tiny, graphs):
    inputs = PlainProcessor(tiny[0])(CONVERSATIONS["one motion"])
    with pytest.raises(ValueError, match="Expected"):
        graphs.embed(inputs["input_ids"])
    with pytest.raises(ValueError, match="Expected"):
        graphs.embed(np.array([[5, 6, 7]]), inputs["motion_values"], inputs["motion_attention_mask"])
    with pytest.raises(ValueError, match="one prompt"):
        graphs.embed(np.zeros((2, 4), dtype=np.int64))


def ask(folder, walk, *options):
    return CliRunner().invoke(app, ["ask", str(walk), QUESTION, "--model", str(folder), *options])


@pytest.fixture
def walk_file(tmp_path):
    path = tmp_path / "walk.npz"
    np.savez(path, joints=make_walk(50), fps=np.float32(20))
    return path


def test_the_command_answers_without_torch(tiny, walk_file):
    code = (
        "import sys; from llamo.cli.main import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as end: code = end.code\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules], code)"
    )
    arguments = ["ask", str(walk_file), QUESTION, "--model", str(tiny[0]), "--fast", "--json"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    answered, heavy = done.stdout.strip().splitlines()
    assert heavy == "[] 0", done.stderr
    told = json.loads(answered)
    assert told["inputs"][0]["frames"] == 50 and told["seconds"]["first_token"] > 0 and done.stderr == ""


def test_graphs_are_made_when_they_are_missing_or_old(tiny, walk_file, tmp_path, monkeypatch):
    folder = tmp_path / "llamo"
    shutil.copytree(tiny[0], folder, copy_function=shutil.copy2)
    assert is_made_from(folder / "fast", folder)
    made = []

    def remake(checkpoint, out):
        made.append(checkpoint)
        settings = json.loads((out / SETTINGS).read_text())
        (out / SETTINGS).write_text(json.dumps({**settings, "made_from": export_onnx.fingerprint(checkpoint)}))

    monkeypatch.setattr(export_onnx, "export_onnx", remake)
    assert ask(folder, walk_file, "--fast").exit_code == 0 and not made
    os.utime(folder / "model.safetensors", (1, 1))
    assert not is_made_from(folder / "fast", folder)
    told = ask(folder, walk_file, "--fast")
    assert told.exit_code == 0 and made == [folder] and "Making the graphs" in told.stderr
    settings = json.loads((folder / "fast" / SETTINGS).read_text())
    (folder / "fast" / SETTINGS).write_text(json.dumps({**settings, "version": 0}))
    with pytest.raises(ValueError, match="version"):
        LlamoOnnxModel(folder / "fast")


def test_a_motion_too_long_for_the_graphs_is_answered_all_the_same(tiny, tmp_path):
    path = tmp_path / "long.npz"
    np.savez(path, joints=make_walk(200), fps=np.float32(20))
    fast, plain = (ask(tiny[0], path, *options) for options in (["--fast"], []))
    assert fast.exit_code == 0 and "longer than the 3.2 s" in fast.stderr
    assert fast.stdout.splitlines()[1] == plain.stdout.splitlines()[1]


@pytest.mark.parametrize("options", [["--explain", "page.html"], ["--dtype", "bfloat16"], ["--device", "cuda"]])
def test_options_of_pytorch_are_refused(tiny, walk_file, options):
    told = ask(tiny[0], walk_file, "--fast", *options)
    assert told.exit_code == 2 and options[0] in told.stderr and "--fast" in told.stderr


def test_what_cannot_become_graphs_is_refused(tiny, walk_file, tmp_path, monkeypatch):
    folder = tmp_path / "llamo"
    shutil.copytree(tiny[0], folder)
    settings = json.loads((folder / "processor_config.json").read_text())
    (folder / "processor_config.json").write_text(json.dumps({**settings, "frame_processor": {}}))
    told = ask(folder, walk_file, "--fast")
    assert told.exit_code == 2 and "vision tower" in told.stderr
    told = ask("owner/name", walk_file, "--fast")
    assert told.exit_code == 2 and "--local-dir" in told.stderr
    monkeypatch.setattr(export_onnx, "NEEDED", ("onnxruntime", "nowhere_to_be_found"))
    with pytest.raises(ImportError, match="no nowhere_to_be_found"):
        export_onnx.export_onnx(tiny[0], tmp_path / "out")
    assert not (tmp_path / "out").exists()
