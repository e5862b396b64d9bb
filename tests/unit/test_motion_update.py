"""Text alone is read by the language model as it was; prompts with motion, by what training made of it."""

import copy

import pytest
import torch
from conftest import assistant, encode, make_config, make_model, make_processor, make_walk, motion_part, user
from peft import LoraConfig, get_peft_model

from llamo.modeling_llamo.configuration_llamo import LlamoConfig
from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.train.trained_weights import merge_lora


LAYERS = ["down_proj", "q_proj"]
TEXT = [user("Who wrote it?"), assistant("Nobody knows.")]
MOTION = [user(motion_part(make_walk(60)), "How far?"), assistant("Two metres.")]


def make_factors(model, rank: int = 3) -> dict[str, torch.Tensor]:
    torch.manual_seed(4)
    factors = {}
    for path, module in model.named_modules():
        if path.rpartition(".")[2] in LAYERS and ".language_model." in path:
            wide, deep = module.weight.shape
            factors |= {f"{path}.lora_A": torch.randn(rank, deep) * 0.3, f"{path}.lora_B": torch.randn(wide, rank) * 0.3}
    return factors


@pytest.fixture
def both(processor):
    """The model before training with motion, and after, as `llamo init` puts it together."""
    before = make_model(make_config(processor))
    after = make_model(make_config(processor, motion_update_rank=3, motion_update_layers=LAYERS))
    after.load_state_dict(before.state_dict(), strict=False)
    merge_lora(after, make_factors(after), {"r": 3, "alpha": 6})
    return before, after.eval()


def logits(model, inputs):
    with torch.inference_mode():
        return model(**inputs).logits


def test_text_alone_is_read_as_before_and_motion_is_not(both, processor):
    before, after = both
    text, motion = encode(processor, TEXT), encode(processor, MOTION)
    assert torch.allclose(logits(after, text), logits(before, text), atol=1e-4)
    assert not torch.allclose(logits(after, motion), logits(before, motion), atol=1e-2)


def test_rows_of_a_batch_are_read_each_in_its_own_way(both, processor):
    _, after = both
    batch = encode(processor, [TEXT, MOTION], padding=True)
    for row, chat in enumerate((TEXT, MOTION)):
        alone = encode(processor, chat)
        length = alone["input_ids"].shape[1]
        real = batch["attention_mask"][row].bool()
        assert real.sum() == length
        assert torch.allclose(logits(after, batch)[row][real], logits(after, alone)[0], atol=1e-4)


@pytest.mark.parametrize("extra", [{}, {"use_cache": False}, {"cache_implementation": "static"}])
def test_generation_goes_on_as_it_began(both, processor, extra):
    for chat, same in ((TEXT[:1], True), (MOTION[:1], False)):
        inputs = encode(processor, chat)
        options = {"max_new_tokens": 8, "min_new_tokens": 8, "do_sample": False, "output_logits": True}
        made = [model.generate(**inputs, **options, **extra, return_dict_in_generate=True).logits for model in both]
        close = [torch.allclose(*pair, atol=1e-3) for pair in zip(*made, strict=True)]
        assert len(close) == 8 and (all(close) if same else not any(close))


def test_beams_go_on_as_they_began(both, processor):
    inputs = encode(processor, TEXT[:1])
    made = [model.generate(**inputs, max_new_tokens=8, num_beams=3, do_sample=False) for model in both]
    assert torch.equal(*made)


def test_a_cache_remembers_whether_there_was_motion(both, processor):
    after = both[1]
    for chat, same in ((TEXT, True), (MOTION, False)):
        inputs = encode(processor, chat)
        inputs["input_ids"], ids = inputs["input_ids"][:, :-3], inputs["input_ids"]
        del inputs["attention_mask"]
        with torch.inference_mode():
            caches = [model(**inputs, use_cache=True).past_key_values for model in both]
            ends = [model(input_ids=ids[:, -3:], past_key_values=cache).logits for model, cache in zip(both, caches)]
            whole = after(**{**inputs, "input_ids": ids}).logits[:, -3:]
        assert torch.allclose(ends[1], whole, atol=1e-4)
        assert torch.allclose(*ends, atol=1e-3) == same


def test_a_motion_that_joins_later_changes_how_all_is_read(both, processor):
    after, system = both[1], {"role": "system", "content": "Be short."}
    first = encode(processor, [system, *TEXT])
    joined = encode(processor, [system, *TEXT, MOTION[0]])
    length = encode(processor, [system])["input_ids"].shape[1]
    assert torch.equal(joined["input_ids"][:, :length], first["input_ids"][:, :length])
    assert not torch.allclose(logits(after, joined)[:, :length], logits(after, first)[:, :length], atol=1e-2)


@pytest.mark.parametrize("again", [False, True])
def test_gradients_are_those_of_what_is_read(both, processor, again):
    before, after = both
    inputs = encode(processor, TEXT)
    found = []
    for model in (before, after):
        model.train()
        if again:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model(**inputs, labels=inputs["input_ids"]).loss.backward()
        found.append(model.model.language_model.layers[0].self_attn.v_proj.weight.grad)
    assert torch.allclose(*found, atol=1e-4)
    assert all(not name.startswith("model.motion_update") for name, _ in after.named_parameters())  # nothing trains it


def test_adapters_around_the_layers_and_copies_listen_once(both, processor):
    before, after = both
    text = encode(processor, TEXT)
    expected = logits(before, text)
    logits(after, text)  # listens to the bare layers
    tuned = get_peft_model(copy.deepcopy(after), LoraConfig(r=2, target_modules=["q_proj", "down_proj"])).eval()
    assert torch.allclose(logits(tuned, text), expected, atol=1e-4)
    merged = tuned.merge_and_unload()
    assert torch.allclose(logits(merged, text), expected, atol=1e-4)
    assert torch.allclose(logits(after, text), expected, atol=1e-4)


def test_saved_and_loaded(both, processor, tmp_path):
    before, after = both
    after.save_pretrained(tmp_path)
    loaded = LlamoForConditionalGeneration.from_pretrained(tmp_path).eval()
    text = encode(processor, TEXT)
    assert torch.allclose(logits(loaded, text), logits(before, text), atol=1e-4)


def test_texts_that_are_compared_with_motions_keep_the_update(both, processor):
    after = both[1]
    ids = encode(processor, TEXT)["input_ids"]
    logits(after, {"input_ids": ids})
    states = [model.model.get_text_states(ids) for model in both]
    assert not torch.allclose(states[0][:, -1], states[1][:, -1], atol=1e-2)


@pytest.mark.parametrize("wrong", [{"motion_update_rank": 2}, {"motion_update_layers": ["q_proj"]}])
def test_half_a_setting_is_refused(wrong):
    with pytest.raises(ValueError, match="motion_update_rank above 0 and names"):
        LlamoConfig(text_config={"model_type": "llama"}, **wrong)


def test_layers_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="one shape named nothing_proj"):
        make_model(make_config(make_processor(), motion_update_rank=2, motion_update_layers=["nothing_proj"]))
