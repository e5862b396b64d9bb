"""Other language models than the default one carry the motion: tiny random Llama, Qwen2, Qwen3, SmolLM3, Gemma, Mistral."""

import pytest
import torch
from conftest import assistant, encode, make_config, make_model, make_processor, make_walk, motion_part, user
from transformers import AutoConfig

from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration


SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
SIZES |= {"num_key_value_heads": 2, "max_position_embeddings": 4096}
BACKBONES = {
    "llama": SIZES,
    "qwen2": SIZES,
    "qwen3": {**SIZES, "head_dim": 8},
    "smollm3": SIZES,
    "gemma2": {**SIZES, "head_dim": 8, "sliding_window": 64},
    "gemma3_text": {**SIZES, "head_dim": 8, "sliding_window": 64},
    "mistral": SIZES,
}


@pytest.fixture(scope="module", params=BACKBONES)
def made(request):
    processor = make_processor()
    tokenizer = processor.tokenizer
    tokens = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id, "bos_token_id": 1}
    tokens |= {"eos_token_id": tokenizer.eos_token_id, "tie_word_embeddings": True}
    text_config = AutoConfig.for_model(request.param, **BACKBONES[request.param], **tokens)
    return processor, make_model(make_config(processor, text_config=text_config))


def test_motion_changes_the_answer_and_is_learned_from(made):
    processor, model = made
    chat = [user(motion_part(make_walk(40)), "What?"), assistant("Walking.")]
    other = [user(motion_part(make_walk(40, speed=0.2, seed=3)), "What?"), assistant("Walking.")]
    inputs = encode(processor, chat)
    logits = model(**inputs).logits
    assert torch.isfinite(logits).all()
    assert not torch.allclose(logits[0, -1], model(**encode(processor, other)).logits[0, -1], atol=1e-5)
    model(**inputs, labels=inputs["input_ids"]).loss.backward()
    for part in (model.model.motion_tower, model.model.talker, model.model.language_model):
        assert any(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in part.parameters())
    model.zero_grad()


def test_generation_goes_on_from_the_cache(made):
    processor, model = made
    inputs = encode(processor, [user(motion_part(make_walk(40)), "What?")], add_generation_prompt=True)
    options = {"max_new_tokens": 5, "do_sample": False, "eos_token_id": None}
    cached, fresh = (model.generate(**inputs, use_cache=use, **options) for use in (True, False))
    assert torch.equal(cached, fresh) and cached.shape[1] == inputs["input_ids"].shape[1] + 5


def test_saved_and_loaded(made, tmp_path):
    processor, model = made
    model.save_pretrained(tmp_path)
    again = LlamoForConditionalGeneration.from_pretrained(tmp_path).eval()
    inputs = encode(processor, [user(motion_part(make_walk(40)), "What?")])
    assert type(again.config.text_config).__name__ == type(model.config.text_config).__name__
    assert torch.allclose(again(**inputs).logits, model(**inputs).logits, atol=1e-5)
