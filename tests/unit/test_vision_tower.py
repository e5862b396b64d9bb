"""The vision tower's own training, its weights, and the checkpoint with and without it."""

import json

import numpy as np
import pytest
import torch
from conftest import encode, make_config, make_model, make_processor, make_tokenizer, make_walk, motion_part, user
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM, ResNetConfig, ResNetModel

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.processing.processing_llamo import LlamoProcessor
from llamo.train import initialise
from llamo.train.export_weights import load_modules, save_modules
from llamo.train.initialise import assemble
from llamo.train.pretrain_vision import DEFAULT_TOWER, GridHeads, build_tower, see
from llamo.train.recipe import run_recipe
from llamo.train.trained_weights import digest_of, has_vision
from llamo.train.vision_samples import IGNORE, TASKS, augment, draw_pictures, film_chunk, labels_of, mirror, total_loss


TINY = {
    "model_type": "swin", "image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2],
    "window_size": 4,
}  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """What the recipe leaves."""
    out = tmp_path_factory.mktemp("vision") / "weights"
    recipe = {"stage": "pretrain_vision", "num": 24, "num_held_out": 12, "max_steps": 3, "batch_size": 8, "workers": 1}
    said = run_recipe({**recipe, "vision_config": json.dumps(TINY), "out": str(out), "bf16": True, "learning_rate": 0.01})
    assert said == f"vision tower in {out}"
    return out


def test_labels_are_what_the_scene_says():
    truth = {
        "things": [{"name": "bat", "colour": "blue", "hand": "left"}], "people": 2, "thing_side": "left", "shirt": None,
        "trousers": None, "side": None, "floor": "tiles",
    }  # fmt: skip
    said = dict(zip(TASKS, labels_of(truth).tolist(), strict=True))
    assert TASKS["thing"][said["thing"]] == "bat" and TASKS["thing_colour"][said["thing_colour"]] == "blue"
    assert TASKS["people"][said["people"]] == "2" and said["shirt"] == said["side"] == IGNORE
    nothing = dict(zip(TASKS, labels_of({**truth, "things": [], "thing_side": None}).tolist(), strict=True))
    assert TASKS["thing"][nothing["thing"]] == "nothing" and nothing["thing_colour"] == nothing["thing_side"] == IGNORE
    mirrored = dict(zip(TASKS, mirror(torch.tensor([list(said.values())]))[0].tolist(), strict=True))
    assert TASKS["thing_side"][mirrored.pop("thing_side")] == "right"
    assert mirrored == {name: value for name, value in said.items() if name != "thing_side"}


def test_pictures_do_not_depend_on_chance_and_keep_their_labels():
    first, second = (film_chunk((3, 0, 1, 32, False)) for _ in range(2))
    assert all(np.array_equal(one.frames, two.frames) for one, two in zip(first, second, strict=True))
    pictures = draw_pictures(12, 3, 32)
    assert pictures.frames.shape[1:] == (32, 32, 3) and pictures.labels.shape == (len(pictures), len(TASKS))
    assert np.array_equal(pictures.frames[: len(first[0])], first[0].frames)


def test_mirrored_pictures_have_mirrored_labels():
    frames = torch.zeros(64, 32, 32, 3, dtype=torch.uint8)
    frames[:, :, :8] = 255  # bright on the left
    labels = torch.full((64, len(TASKS)), IGNORE)
    labels[:, list(TASKS).index("thing_side")] = TASKS["thing_side"].index("left")
    images, moved = augment(frames, labels, torch.Generator().manual_seed(0))
    on_the_left = images[:, :, :, :10].mean((1, 2, 3)) > images[:, :, :, 22:].mean((1, 2, 3))
    assert torch.equal(on_the_left, moved[:, list(TASKS).index("thing_side")] == TASKS["thing_side"].index("left"))
    assert 10 < int(on_the_left.sum()) < 54 and images.min() >= 0 and images.max() <= 1 and images.shape == (64, 3, 32, 32)


def test_towers_that_cannot_be_read_are_refused():
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    for kind in ({"model_type": "swim"}, {"model_type": "llama"}, {"model_type": "vit", "image_size": 32, "patch_size": 8}):
        wrong = {**kind, **small}
        with pytest.raises(ValueError, match="Expected"):
            build_tower(wrong)
    tower = build_tower(TINY)
    scores = GridHeads(tower.config.hidden_size)(tower(pixel_values=torch.zeros(2, 3, 32, 32)).last_hidden_state)
    assert [each.shape for each in scores] == [(2, len(answers)) for answers in TASKS.values()]
    labels = torch.full((2, len(TASKS)), IGNORE)
    assert total_loss(scores, labels) == 0  # nothing is told, nothing is learned
    labels[0] = 0
    assert torch.isfinite(total_loss(scores, labels)) and total_loss(scores, labels) > 1


CONVOLUTIONAL = {"model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 12], "depths": [1, 1], "layer_type": "basic"}


def test_a_convolutional_tower_gives_maps_and_keeps_its_statistics_while_frozen():
    processor = make_processor()
    config = make_config(processor, vision_config=CONVOLUTIONAL)
    model = make_model(config).model
    model.vision_tower.requires_grad_(False)
    model.train()
    before = {name: value.clone() for name, value in model.vision_tower.named_buffers()}
    frames = torch.rand(1, 2, 3, 32, 32)
    assert model.get_video_features(frames).last_hidden_state.shape == (1, 2, 16, 12)
    assert model.training and all(torch.equal(value, before[name]) for name, value in model.vision_tower.named_buffers())
    model.vision_tower.requires_grad_(True)
    model.train().get_video_features(frames)
    assert not all(torch.equal(value, before[name]) for name, value in model.vision_tower.named_buffers())


def test_the_recipe_writes_a_tower_that_has_learned(weights):
    settings = json.loads((weights / "config.json").read_text())
    assert settings["vision_config"]["model_type"] == "swin" and settings["frame_processor"]["image_size"] == 32
    tensors = load_file(weights / "vision_tower.safetensors")
    assert all(name.startswith("model.vision_tower.") for name in tensors)
    assert {str(each.dtype) for each in tensors.values()} <= {"torch.float16", "torch.int64"}
    assert has_vision(weights)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def no_download(monkeypatch):
    monkeypatch.setattr(initialise, "assemble_estimator", lambda folder: folder.mkdir())


def same(first: torch.Tensor, second: torch.Tensor) -> bool:
    """But for the last bits: matrices at other addresses are multiplied in another order on some processors."""
    return bool((first - second).abs().max() < 2e-6)


def test_a_checkpoint_has_the_tower_where_the_weights_have_it(weights, base, no_download, tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    without = LlamoForConditionalGeneration.from_pretrained(assemble(tmp_path / "without", base=base, weights=empty))
    assert without.config.vision_config is None and without.model.enhancer is None
    assert "vision tower" not in capsys.readouterr().err
    out = assemble(tmp_path / "with", base=base, weights=weights)
    assert "no trained enhancer" in capsys.readouterr().err
    model, processor = LlamoForConditionalGeneration.from_pretrained(out), LlamoProcessor.from_pretrained(out)
    assert model.config.vision_config.model_type == "swin" and processor.frame_processor.image_size == 32
    for name, value in load_file(weights / "vision_tower.safetensors").items():
        assert torch.equal(model.state_dict()[name].half(), value.half()), name
    # Motion is read as without the tower; also beside a video, before the enhancer has learned.
    chat = [user(motion_part(make_walk(40)), "What?")]
    video = {"type": "video", "video": np.random.default_rng(0).integers(0, 255, (9, 32, 32, 3)).astype(np.uint8), "fps": 5}
    beside = [user(motion_part(make_walk(40)), video, "What?")]
    with torch.no_grad():
        model.model.talker.load_state_dict(without.model.talker.state_dict())
        model.model.motion_tower.load_state_dict(without.model.motion_tower.state_dict())
        expected = without(**encode(LlamoProcessor.from_pretrained(tmp_path / "without"), chat)).logits
        assert same(model(**encode(processor, chat)).logits, expected)
        seen = encode(processor, beside)
        assert "pixel_values_videos" in seen and same(model(**seen).logits, expected)
        model.model.enhancer.gate.fill_(0.5)
        assert not same(model(**encode(processor, beside)).logits, expected)
        # In one batch with a row that has a video, a row without one is what it is alone beside any other row.
        both = encode(processor, [beside[:1], chat])
        pair = encode(processor, [chat, chat])
        assert same(model(**both).logits[1], model(**pair).logits[1])


def test_half_a_tower_is_refused(weights, base, no_download, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "vision_tower.safetensors").write_bytes((weights / "vision_tower.safetensors").read_bytes())
    with pytest.raises(ValueError, match=r"vision_config in config\.json, or neither"):
        assemble(tmp_path / "out", base=base, weights=broken)


def test_parts_are_kept_and_taken_where_they_are(tmp_path):
    processor = make_processor()
    plain = make_model(make_config(processor)).model
    seeing = make_model(make_config(processor, vision_config=TINY), seed=1).model
    save_modules(plain, tmp_path / "plain")
    assert not (tmp_path / "plain" / "enhancer.safetensors").exists()
    load_modules(seeing, tmp_path / "plain")  # the enhancer stays as it was
    save_modules(seeing, tmp_path / "seeing")
    digest = digest_of(tmp_path / "plain")
    again = make_model(make_config(processor, vision_config=TINY), seed=2).model
    assert not torch.equal(again.enhancer.video_proj.weight, seeing.enhancer.video_proj.weight)
    load_modules(again, tmp_path / "seeing")
    assert torch.allclose(again.enhancer.video_proj.weight, seeing.enhancer.video_proj.weight, atol=1e-3)
    load_modules(plain, tmp_path / "seeing")
    # The embeddings' head reads motion alone: an enhancer beside its weights does not make it worthless.
    (tmp_path / "plain" / "enhancer.safetensors").write_bytes((tmp_path / "seeing" / "enhancer.safetensors").read_bytes())
    assert digest_of(tmp_path / "plain") == digest


def test_a_convolutional_tower_of_a_folder_or_the_hub(base, no_download, tmp_path):
    """Its configuration names no size of pictures: that of its image processor counts, or what is usual."""
    ResNetModel(ResNetConfig(**{key: value for key, value in CONVOLUTIONAL.items() if key != "model_type"})).save_pretrained(
        tmp_path / "tower"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    settings = {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 64}}
    for said, side in ((settings, 64), (None, 224)):
        file = tmp_path / "tower" / "preprocessor_config.json"
        if said:
            file.write_text(json.dumps(said))
        else:
            file.unlink()
        out = assemble(tmp_path / "out", base=base, weights=empty, vision=str(tmp_path / "tower"))
        assert LlamoProcessor.from_pretrained(out).frame_processor.image_size == side
        model = LlamoForConditionalGeneration.from_pretrained(out)
        assert model.model.get_video_features(torch.rand(1, 1, 3, side, side)).last_hidden_state.shape[-1] == 12


def test_the_default_tower_gives_a_square_of_patches():
    with torch.no_grad():
        assert see(build_tower(DEFAULT_TOWER).eval(), torch.zeros(2, 3, 112, 112)).shape == (2, 49, 128)
