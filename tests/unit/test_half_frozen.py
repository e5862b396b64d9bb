"""The frozen language model in bfloat16: the same gradients within its rounding, and afterwards not a bit changed."""

import pytest
import torch
from conftest import encode, make_config, make_model, make_walk, motion_part, text_part, user
from peft import LoraConfig, get_peft_model

from llamo.train.half_frozen import LoraProduct, RootMeanSquareNorm, frozen_in_bfloat16, multiplies_bfloat16_fast


TARGETS = r".*language_model\..*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


@pytest.fixture
def tuned(processor):
    torch.manual_seed(0)
    settings = LoraConfig(r=4, lora_alpha=8, target_modules=TARGETS, modules_to_save=["talker"])
    tuned = get_peft_model(make_model(make_config(processor)), settings)
    for name, parameter in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return tuned


@pytest.fixture
def inputs(processor):
    return encode(processor, [user(motion_part(make_walk()), text_part("What does the person do?"))])


def gradients(tuned, inputs):
    tuned.zero_grad()
    states = tuned.get_base_model().model(**inputs).last_hidden_state
    assert states.dtype == torch.float32
    weights = torch.randn(states.shape, generator=torch.Generator().manual_seed(1))
    (states * weights).sum().backward()
    return {name: p.grad.clone() for name, p in tuned.named_parameters() if p.grad is not None}


def test_gradients_agree_within_rounding(tuned, inputs):
    exact = gradients(tuned, inputs)
    with frozen_in_bfloat16(tuned):
        halved = gradients(tuned, inputs)
    assert exact.keys() == halved.keys()
    for part in ("lora_A", "lora_B", "talker"):
        one, two = (torch.cat([g.flatten() for name, g in of.items() if part in name]) for of in (exact, halved))
        assert torch.cosine_similarity(one, two, dim=0) > 0.99


def test_long_batches_do_without_the_attention_that_keeps_all_scores(tuned, inputs, monkeypatch):
    language_model = tuned.get_base_model().model.language_model
    found = []
    language_model.layers[0].register_forward_hook(lambda *_: found.append(language_model.config._attn_implementation))
    fused = language_model.config._attn_implementation
    with frozen_in_bfloat16(tuned):
        gradients(tuned, inputs)
        monkeypatch.setattr("llamo.train.half_frozen.MOST_SCORES", inputs["input_ids"].shape[1] ** 2 - 1)
        gradients(tuned, inputs)
    assert found == ["eager", fused] and fused != "eager" and language_model.config._attn_implementation == fused


def test_afterwards_everything_is_as_before(tuned, inputs):
    before = {name: parameter.clone() for name, parameter in tuned.named_parameters()}
    exact = gradients(tuned, inputs)
    with pytest.raises(RuntimeError, match="stopped"), frozen_in_bfloat16(tuned):
        layers = tuned.get_base_model().model.language_model.layers
        assert {p.dtype for name, p in layers.named_parameters() if "lora_" not in name} == {torch.bfloat16}
        assert {p.dtype for name, p in layers.named_parameters() if "lora_" in name} == {torch.float32}
        raise RuntimeError("stopped")
    after = dict(tuned.named_parameters())
    assert all(torch.equal(before[name], after[name]) for name in before)
    again = gradients(tuned, inputs)
    assert all(torch.equal(exact[name], again[name]) for name in exact)


def test_a_language_model_that_trains_is_refused(tuned):
    tuned.get_base_model().model.language_model.layers[0].mlp.up_proj.base_layer.weight.requires_grad_(True)
    with pytest.raises(ValueError, match="halve_frozen"), frozen_in_bfloat16(tuned):
        pass


def test_products_and_norms_have_the_gradients_of_autograd():
    torch.manual_seed(0)
    x, weight = torch.randn(3, 5, 6, requires_grad=True), torch.randn(4, 6)
    down, up = torch.randn(2, 6, requires_grad=True), torch.randn(4, 2, requires_grad=True)
    norm, target = torch.rand(6) + 0.5, torch.randn(3, 5, 4)

    def by_hand():
        return LoraProduct.apply(RootMeanSquareNorm.apply(x, norm, 1e-6), weight, down, up, 0.7)

    def by_autograd():
        normed = norm * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
        return normed @ weight.T + 0.7 * normed @ down.T @ up.T

    found = [torch.autograd.grad((f() * target).sum(), (x, down, up)) for f in (by_hand, by_autograd)]
    assert torch.allclose(by_hand(), by_autograd(), atol=1e-5)
    assert all(torch.allclose(one, two, atol=1e-4) for one, two in zip(*found, strict=True))


@pytest.mark.parametrize(("seconds", "fast"), (((1.0, 0.5), True), ((1.0, 0.95), False), ((1.0, 2.0), False)))
def test_bfloat16_has_to_be_clearly_faster(monkeypatch, seconds, fast):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    times = dict(zip((torch.float32, torch.bfloat16), seconds, strict=True))
    monkeypatch.setattr("llamo.train.half_frozen.timed_product", lambda rows, weight: times[rows.dtype])
    assert multiplies_bfloat16_fast() is fast
