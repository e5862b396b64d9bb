"""The model, tiny: every trap of the method, every way of running it."""

import math

import numpy as np
import pytest
import torch
from conftest import assistant, encode, make_config, make_model, make_processor, make_walk, motion_part, user
from transformers import SiglipVisionConfig, StaticCache

from llamo.modeling_llamo.configuration_llamo import LlamoConfig, LlamoMotionConfig
from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration, LlamoModel, LlamoRhythm
from llamo.modeling_llamo.prompt_layout_llamo import locate_motions


PROMPT = [user(motion_part(make_walk(60)), "How far?")]


def fused(model, inputs):
    inputs = dict(inputs)
    return model.model.fuse(inputs.pop("input_ids"), inputs.pop("attention_mask"), **inputs)


def placeholders(model, inputs, embeds):
    ids = inputs["input_ids"]
    return embeds[(ids == model.config.motion_token_id) | (ids == model.config.motion_focus_token_id)]


def test_the_motion_changes_the_logits(model, processor):
    inputs = encode(processor, PROMPT)
    other = dict(inputs)
    other["motion_values"] = torch.zeros_like(inputs["motion_values"])
    assert not torch.allclose(model(**inputs).logits[:, -1], model(**other).logits[:, -1], atol=1e-4)


@pytest.mark.parametrize("turns", [1, 2])
def test_no_answer_changes_any_motion_token(model, processor, turns):
    motion = motion_part(make_walk(80))
    embeddings = []
    for answer in ("It walks on.", "Nobody moves."):  # of one length, so that positions agree
        chat = [user(motion, "What is this?"), assistant(answer)]
        if turns == 2:
            chat += [user("How fast is it?"), assistant(answer)]
        inputs = encode(processor, chat)
        embeddings.append(placeholders(model, inputs, fused(model, inputs)[0]))
    assert len(embeddings[0]) == 3 + (4 + 1) * turns
    assert torch.equal(*embeddings)


def test_the_question_selects_the_frames(processor):
    config = make_config(processor)
    motion = motion_part(make_walk(200))
    chosen = set()
    for seed in range(3):
        model = make_model(config, seed)
        for question in ("left or right?", "how many?", "z", "When does it turn around?"):
            frames = fused(model, encode(processor, [user(motion, question)]))[1]
            assert frames.tolist() == [sorted(frames[0].tolist())], "kept frames must stay in time order"
            chosen.add((seed, tuple(frames[0].tolist())))
    assert len(chosen) > 3  # more than one selection for at least one model


def test_gradients_reach_the_selection_and_the_receptive_field(model, processor):
    inputs = encode(processor, [*PROMPT, assistant("Far.")])
    model.train()
    model(**inputs, labels=inputs["input_ids"]).loss.backward()
    talker = model.model.talker
    for parameter in (
        talker.selector.q_proj.weight,
        talker.selector.k_proj.weight,
        talker.aggregator.receptive_field[0].weight,
        talker.summary.rates_proj.weight,
        talker.motion_gate,
        talker.text_gate,
        model.model.motion_tower.embed_parts[0].weight,
    ):
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0


def test_closed_gates_leave_words_alone(processor):
    model = make_model(make_config(processor), open_gates=False)
    inputs = encode(processor, PROMPT)
    embeds, _ = fused(model, inputs)
    ids = inputs["input_ids"]
    words = (ids != model.config.motion_token_id) & (ids != model.config.motion_focus_token_id)
    assert torch.equal(embeds[words], model.get_input_embeddings()(ids)[words])
    opened, _ = fused(make_model(make_config(processor)), inputs)
    assert not torch.equal(opened[words], embeds[words])


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_and_batching_change_nothing(model, processor, side):
    chats = [
        [user(motion_part(make_walk(60)), "How far does the person walk in this one?")],
        [user("Hello")],
        [user("First ", motion_part(make_walk(13, seed=1)), " then ", motion_part(make_walk(90, seed=2)), " which?")],
        [user(motion_part(make_walk(1)), "Pose?"), assistant("One."), user("Sure?", motion_part(make_walk(30)))],
    ]
    batch = encode(processor, chats, padding_side=side)
    logits = model(**batch).logits
    for row, chat in enumerate(chats):
        alone = model(**encode(processor, chat)).logits[0]
        together = logits[row][batch["attention_mask"][row].bool()]
        torch.testing.assert_close(together, alone, atol=2e-5, rtol=1e-4)


def test_generation_modes_agree(model, processor):
    inputs = encode(processor, PROMPT, add_generation_prompt=True)
    options = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}
    greedy = model.generate(**inputs, **options)
    length = inputs["input_ids"].shape[1]
    assert greedy.shape[1] == length + 6
    assert torch.equal(greedy, model.generate(**inputs, **options, use_cache=False))
    static = StaticCache(config=model.config.text_config, max_cache_len=length + 8)
    assert torch.equal(greedy, model.generate(**inputs, **options, past_key_values=static))
    embeds, _ = fused(model, inputs)
    from_embeds = model.generate(inputs_embeds=embeds, attention_mask=inputs["attention_mask"], **options)
    assert torch.equal(greedy[:, length:], from_embeds)
    torch.manual_seed(0)
    sampled = model.generate(**inputs, max_new_tokens=6, do_sample=True, top_p=0.9, pad_token_id=0)
    assert sampled.shape[0] == 1


def test_beams_keep_the_motions_of_their_row(model, processor):
    chats = [
        [user(motion_part(make_walk(40)), motion_part(make_walk(70, seed=3)), "Which is longer?")],
        [user("Hi")],
        [user("And here? ", motion_part(make_walk(25, seed=4)))],
    ]
    options = {"max_new_tokens": 5, "num_beams": 3, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}
    batch = encode(processor, chats, add_generation_prompt=True)
    together = model.generate(**batch, **options)[:, batch["input_ids"].shape[1] :]
    for row, chat in enumerate(chats):
        alone = encode(processor, chat, add_generation_prompt=True)
        assert torch.equal(model.generate(**alone, **options)[0, alone["input_ids"].shape[1] :], together[row])


def test_a_conversation_goes_on_with_its_cache(model, processor):
    chat = [user(motion_part(make_walk(60)), "How far?")]
    options = {"max_new_tokens": 5, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}
    inputs = encode(processor, chat, add_generation_prompt=True)
    first = model.generate(**inputs, **options, return_dict_in_generate=True)
    text = processor.decode(first.sequences[0, inputs["input_ids"].shape[1] :])
    chat += [assistant(text), user("And how fast?", motion_part(make_walk(20, seed=5)))]
    longer = encode(processor, chat, add_generation_prompt=True)
    kept = first.past_key_values.get_seq_length()
    assert torch.equal(longer["input_ids"][0, :kept], first.sequences[0, :kept]), "the cache must stay valid"
    fresh = model.generate(**longer, **options)
    continued = model.generate(**longer, **options, past_key_values=first.past_key_values)
    assert torch.equal(fresh, continued)


def test_eager_and_sdpa_agree_and_bf16_runs(model, processor):
    inputs = encode(processor, PROMPT)
    expected = model(**inputs).logits
    model.set_attn_implementation("eager")
    torch.testing.assert_close(model(**inputs).logits, expected, atol=1e-5, rtol=1e-4)
    assert model.to(torch.bfloat16)(**inputs).logits.dtype == torch.bfloat16


def test_gradient_checkpointing_changes_no_gradient(model, processor):
    inputs = encode(processor, [*PROMPT, assistant("Far.")])
    gradients = []
    for checkpointing in (False, True):
        model.zero_grad()
        model.train()
        if checkpointing:
            # transformers gave it a new name in 5.23; Python 3.10 stays on 5.20.
            getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)()
        model(**inputs, labels=inputs["input_ids"]).loss.backward()
        gradients.append(model.model.motion_tower.embed_parts[1].weight.grad.clone())
    torch.testing.assert_close(*gradients, atol=1e-7, rtol=1e-5)


def test_saving_tying_and_resizing(model, processor, tmp_path):
    assert model.lm_head.weight is model.get_input_embeddings().weight
    model.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").is_file()
    again = LlamoForConditionalGeneration.from_pretrained(tmp_path).eval()
    inputs = encode(processor, PROMPT)
    torch.testing.assert_close(again(**inputs).logits, model(**inputs).logits, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(
        LlamoModel.from_pretrained(tmp_path).eval()(**inputs).last_hidden_state,
        model.model(**inputs).last_hidden_state,
    )
    again.resize_token_embeddings(len(processor.tokenizer) + 7)
    logits = again(**inputs).logits
    assert logits.shape[-1] == len(processor.tokenizer) + 7 == again.config.text_config.vocab_size
    torch.testing.assert_close(logits[..., : len(processor.tokenizer)], model(**inputs).logits)


def test_device_map_loads(model, tmp_path):
    model.save_pretrained(tmp_path)
    assert LlamoForConditionalGeneration.from_pretrained(tmp_path, device_map="cpu").device.type == "cpu"


def test_long_motions_are_encoded_whole(model, processor):
    ten_minutes = make_walk(12_000)
    inputs = encode(processor, [user(motion_part(ten_minutes), "When does it stop?")])
    features, mask, times = model.get_motion_features(inputs["motion_values"], inputs["motion_attention_mask"])
    assert features.shape[1] == mask.sum() == 3000
    assert float(times[0, -1]) == pytest.approx(600, abs=0.2)
    changed = inputs["motion_values"].clone()
    changed[:, -4:] += 1.0
    summary = placeholders(model, inputs, fused(model, inputs)[0])
    other = placeholders(model, inputs, fused(model, {**inputs, "motion_values": changed})[0])
    assert not torch.equal(summary, other), "the last frames of a long motion must matter"


def test_body_parts_and_time_see_each_other(model):
    tower = model.model.motion_tower
    values = torch.randn(1, 40, 141, requires_grad=True)
    states, _ = tower(values, torch.ones(1, 40))
    states[0, 5, 0].backward()  # the sum over a normalised vector has no gradient
    seen = values.grad[0].abs()
    for part in model.config.motion_config.part_features:
        assert (seen[:, part].sum(-1) > 0).all(), "every frame and every body part must reach every vector of a window"


def test_what_repeats_is_like_itself_one_period_later():
    rhythm = LlamoRhythm(LlamoMotionConfig())
    frames = torch.zeros(1, 200, 141)
    arms, legs = (rhythm.part_features[part] for part in (1, 4))
    phase = 2 * math.pi * torch.arange(200) / 18  # a repetition in 0.9 s
    frames[0, :, arms] = phase.sin()[:, None] + torch.linspace(-1, 1, len(arms)) * phase.cos()[:, None]
    frames[0, :, legs] = torch.randn(200, len(legs), generator=torch.Generator().manual_seed(0))
    similarity = rhythm.similarity(frames, torch.arange(200)[None] < 160)[0]
    later = similarity[:, 80, len(rhythm.lags) :]
    assert rhythm.lags[int(later[1].argmax())] % 18 == 0 and later[1].max() > 0.95
    assert later[1, rhythm.lags.index(9)] < 0, "half a period later the arms are where they usually are not"
    assert later[4].max() < 0.5, "what does not repeat is like itself at no lag"
    assert (similarity[:, 158, len(rhythm.lags) :] == -1).all(), "nothing is known of frames behind the end"


def test_a_tower_without_rhythm(processor):
    config = make_config(processor)
    config.motion_config.rhythm_lags = []
    model = make_model(config)
    assert model.model.motion_tower.rhythm is None
    model(**encode(processor, [user(motion_part(make_walk(60)), "What?")]))
    with pytest.raises(ValueError, match="rhythm_lags"):
        LlamoMotionConfig(rhythm_lags=[0, 3])


def test_totals_are_taught_by_tokens_unless_told_otherwise(model):
    talker = model.model.talker
    motion = torch.randn(1, 12, 32, requires_grad=True)
    mask, times, order = torch.ones(1, 12, dtype=torch.bool), torch.arange(12.0)[None], torch.zeros(1, dtype=torch.long)
    pair, measured = torch.zeros(1, dtype=torch.long), torch.zeros(1, 12, 26)
    words, word_mask = torch.randn(1, 5, 32), torch.ones(1, 5, dtype=torch.bool)

    def reach() -> float:
        motion.grad = None
        talker.focus(words, word_mask, pair, pair, motion, mask, times, measured, order).tokens[0, -1, 0].backward()
        return 0.0 if motion.grad is None else float(motion.grad.abs().sum())

    assert reach() > 0
    talker.teach_totals = False
    try:
        assert reach() == 0
    finally:
        del talker.teach_totals


@pytest.mark.parametrize("fuse_totals", [True, False])
def test_totals_answer_what_is_asked_where_they_are_fused(processor, fuse_totals):
    config = make_config(processor)
    config.talker_config.fuse_totals = fuse_totals
    talker = make_model(config).model.talker
    with torch.no_grad():
        talker.relevance.q_proj.weight.zero_()  # all of the motion is asked about, so that the totals are the same
    motion, measured = torch.randn(1, 12, 32), torch.rand(1, 12, 26)
    mask, times, order = torch.ones(1, 12, dtype=torch.bool), torch.arange(12.0)[None], torch.zeros(1, dtype=torch.long)
    words, word_mask = torch.randn(2, 5, 32), torch.ones(2, 5, dtype=torch.bool)
    motion_of_pair = torch.zeros(2, dtype=torch.long)
    focus = talker.focus(words, word_mask, torch.arange(2), motion_of_pair, motion, mask, times, measured, order)
    torch.testing.assert_close(focus.totals[0], focus.totals[1])
    assert torch.allclose(focus.tokens[0, -1], focus.tokens[1, -1], atol=1e-5) != fuse_totals
    assert focus.tokens.shape[1] == focus.frames.shape[1] + 1 == focus.real.shape[1]


def test_mismatches_raise_with_the_remedy(model, processor):
    inputs = encode(processor, PROMPT)
    with pytest.raises(ValueError, match="images"):  # placeholders without motion
        model(input_ids=inputs["input_ids"])
    with pytest.raises(ValueError, match="images"):  # motion without placeholders
        model(input_ids=torch.tensor([[5, 6]]), motion_values=inputs["motion_values"])
    with pytest.raises(ValueError, match="max_length"):  # truncated
        model(**{**inputs, "input_ids": inputs["input_ids"][:, 8:], "attention_mask": inputs["attention_mask"][:, 8:]})
    with pytest.raises(ValueError, match="motion_focus"):
        model(**{**inputs, "motion_values": inputs["motion_values"][:, :8], "motion_attention_mask": None})
    with pytest.raises(ValueError, match="167"):
        model(**{**inputs, "motion_values": inputs["motion_values"][..., :9]})
    with pytest.raises(ValueError, match="vision tower"):
        model(**inputs, pixel_values_videos=torch.zeros(1, 2, 3, 8, 8))


def test_misspelt_config_fields_fail():
    with pytest.raises(ValueError, match=r"num_focus_token\b"):
        LlamoConfig(talker_config={"num_focus_token": 3})
    with pytest.raises(ValueError, match="motion_tokn_id"):
        LlamoConfig(motion_tokn_id=3)
    with pytest.raises(ValueError, match="part_features"):
        LlamoMotionConfig(part_features=[[0, 1]])
    with pytest.raises(ValueError, match="multiples"):
        LlamoMotionConfig(hidden_size=30)


# With a vision tower


@pytest.fixture
def video_model(processor):
    vision = SiglipVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=8
    )
    return make_model(make_config(processor, vision_config=vision))


@pytest.fixture
def video_processor():
    made = make_processor()
    made.frame_processor = {"image_size": 32, "num_frames": 4}
    return type(made)(
        made.tokenizer, made.motion_processor, frame_processor=made.frame_processor, chat_template=made.chat_template
    )


def video_part(seed: int = 0, **kwargs) -> dict:
    frames = np.random.default_rng(seed).integers(0, 256, (9, 24, 40, 3), dtype=np.uint8)
    return {"type": "video", "video": frames, "fps": 3.0, **kwargs}


def test_motion_without_video_is_untouched_by_the_enhancer(video_model, video_processor):
    chats = [[user(motion_part(make_walk(40)), video_part(), "What?")], [user(motion_part(make_walk(40)), "What?")]]
    batch = encode(video_processor, chats)
    assert batch["video_motion_ids"].tolist() == [0]
    both, _, _ = video_model.get_motion_features(
        batch["motion_values"],
        batch["motion_attention_mask"],
        *(batch[k] for k in ("pixel_values_videos", "video_attention_mask", "video_times", "video_motion_ids")),
    )
    none, _, _ = video_model.get_motion_features(batch["motion_values"], batch["motion_attention_mask"])
    assert torch.equal(both[1], none[1])
    assert not torch.allclose(both[0], none[0], atol=1e-3)


def test_what_the_gate_lets_through_is_no_smaller_than_motion_at_first(video_model):
    enhancer = video_model.model.enhancer
    for projection in (enhancer.video_proj, enhancer.cross_attn.v_proj, enhancer.cross_attn.o_proj):
        assert float(projection.weight.detach().std()) == pytest.approx(projection.in_features**-0.5, rel=0.2)


def test_the_enhancer_knows_both_clocks(video_model, video_processor):
    features = []
    for offset in (0.0, 2.0):
        inputs = encode(video_processor, [user(motion_part(make_walk(40)), video_part(offset_s=offset), "What?")])
        inputs.pop("input_ids"), inputs.pop("attention_mask")
        features.append(video_model.get_motion_features(**inputs)[0])
    assert not torch.allclose(*features, atol=1e-4)


def test_beams_keep_the_videos_of_their_motion(video_model, video_processor):
    chats = [
        [user(motion_part(make_walk(20)), "No video.")],
        [user(motion_part(make_walk(40)), motion_part(make_walk(30, seed=1)), video_part(of=0), video_part(1, of=1), "?")],
    ]
    options = {"max_new_tokens": 4, "num_beams": 2, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}
    batch = encode(video_processor, chats, add_generation_prompt=True)
    together = video_model.generate(**batch, **options)[:, batch["input_ids"].shape[1] :]
    for row, chat in enumerate(chats):
        alone = encode(video_processor, chat, add_generation_prompt=True)
        assert torch.equal(video_model.generate(**alone, **options)[0, alone["input_ids"].shape[1] :], together[row])


def test_gradients_reach_the_vision_tower(video_model, video_processor):
    inputs = encode(video_processor, [user(motion_part(make_walk(40)), video_part(), "What?"), assistant("A person.")])
    video_model.train()
    video_model(**inputs, labels=inputs["input_ids"]).loss.backward()
    gradients = [p.grad for name, p in video_model.model.vision_tower.named_parameters() if "encoder" in name]
    assert all(gradient is not None and gradient.abs().sum() > 0 for gradient in gradients[:2])


def test_layout_of_several_turns_and_motions(processor):
    config = make_config(processor)
    chat = [user(motion_part(make_walk(60)), "ab"), assistant("c"), user("d ", motion_part(make_walk(8)), "ef")]
    inputs = encode(processor, chat)
    layout = locate_motions(inputs["input_ids"], inputs["attention_mask"], [15, 2], config)
    assert layout.motion_order == [0, 1] and layout.row_motions == [2]
    assert list(zip(layout.pair_turns, layout.pair_motions, strict=True)) == [(0, 0), (1, 0), (1, 1)]
    ids = inputs["input_ids"][0]
    assert [processor.decode(ids[words]).strip() for words in layout.turn_words] == ["ab", "d Motion 2: \nef"]


def test_spans_follow_the_course_of_the_motion():
    config = make_config(make_processor(), talker_config={"hidden_size": 32, "num_attention_heads": 2, "num_spans": 4})
    summary = make_model(config).model.talker.summary
    mask = torch.arange(12) < torch.tensor([12, 6, 2])[:, None]
    spans = summary.spans(mask)
    assert spans[0].long().tolist() == [[int(3 * s <= t < 3 * s + 3) for t in range(12)] for s in range(4)]
    assert (spans.sum(-1) >= 1).all(), "a span of a short motion shares a vector"
    assert not (spans & ~mask[:, None]).any()
    with pytest.raises(ValueError, match="num_spans"):
        make_config(make_processor(), talker_config={"num_summary_tokens": 3, "num_spans": 3})


def test_the_question_weighs_what_is_added_up(model):
    relevance = model.model.talker.relevance
    weights = torch.tensor([[0.0, 1.0, 1.0, 0.0]])
    rates = torch.tensor([[5.0, 0.5, 0.5, 5.0]])[..., None].expand(-1, -1, 4)
    times = torch.tensor([[0.1, 0.3, 0.5, 0.7]])
    totals, seconds, middle = relevance.totals(weights, rates, times, 0.2)
    assert totals.tolist() == [[1.0] * 4]
    assert seconds.item() == pytest.approx(0.4) and middle.item() == pytest.approx(0.4)


def test_motion_tokens_have_the_scale_of_words(model):
    projector = model.model.talker.projector
    projector.fit_scale(model.get_input_embeddings().weight)
    tokens = projector(torch.randn(5, 7, 32))
    words = model.get_input_embeddings().weight
    assert tokens.pow(2).mean().sqrt().item() == pytest.approx(words.pow(2).mean().sqrt().item(), rel=0.02)
