"""The processor: chat parts to tokens and tensors, in agreement with the model."""

import io

import numpy as np
import pytest
import torch
from conftest import assistant, encode, make_config, make_model, make_processor, make_walk, motion_part, text_part, user

from llamo.modeling_llamo.configuration_llamo import LlamoMotionConfig
from llamo.processing.motion_features_llamo import (
    CONTACT_JOINTS,
    FEATURE_SLICES,
    NUM_FEATURES,
    NUM_JOINTS,
    canonicalise,
    features_to_joints,
    heading_angles,
    joints_to_features,
    resample,
    rotate_yaw,
)
from llamo.processing.motion_processing_llamo import LlamoMotionProcessor
from llamo.processing.processing_llamo import LlamoProcessor


def npz_bytes(joints, **arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, joints=joints, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize("num_frames", [1, 2, 4, 5, 16, 17, 60, 64, 65, 200])
def test_token_counts_agree_with_the_model(processor, model, num_frames):
    inputs = encode(processor, [user(motion_part(make_walk(num_frames)), "What?")])
    model(**inputs)  # the model itself refuses any other count
    ids = inputs["input_ids"][0]
    vectors = -(-num_frames // 4)
    assert (ids == model.config.motion_token_id).sum() == 3
    assert (ids == model.config.motion_focus_token_id).sum() == min(4, vectors) + 1  # and the totals


def test_all_ways_to_give_a_motion_agree(processor, tmp_path, walk):
    path = tmp_path / "walk.npz"
    path.write_bytes(npz_bytes(walk, fps=np.float32(20)))
    parts = [
        motion_part(walk),
        {"type": "motion", "path": str(path)},
        {"type": "motion", "bytes": path.read_bytes(), "format": "npz"},
        {"type": "motion", "motion": walk.tolist(), "fps": 20, "path": None, "text": None},  # as Arrow hands parts out
    ]
    values = [encode(processor, [user(part, "What?")])["motion_values"] for part in parts]
    for other in values[1:]:
        torch.testing.assert_close(other, values[0], atol=1e-4, rtol=1e-4)


def test_rates_keep_the_time_axis(processor):
    for fps in (12, 23.976, 30, 59.94, 60, 120, 240):
        joints = make_walk(int(np.ceil(4 * fps)) + 1, fps)
        back = resample(joints, fps, 20.0)
        assert len(back) == 81
        expected = make_walk(81, 20.0)
        assert np.abs(back[2:-2] - expected[2:-2]).max() < 0.01
    with pytest.raises(ValueError, match="source_fps"):
        resample(make_walk(10), 0.0, 20.0)


def test_canonical_frame(walk):
    turned = rotate_yaw(walk.astype(np.float64), 2.2) + [3.0, 0.7, -5.0]
    for joints in (walk, turned):
        canonical = canonicalise(joints, 20.0)
        assert abs(canonical[..., 1].min()) < 0.02
        assert np.abs(canonical[0, 0, [0, 2]]).max() < 1e-5
        assert abs(np.median(heading_angles(canonical)[:10])) < 1e-4
        assert canonical[-1, 0, 2] > 3.0, "a walk goes along +Z"
        assert (canonical[:, 1, 0] > canonical[:, 2, 0]).all(), "left is +X"


def test_features_are_invertible_and_normalisation_too(walk):
    turning = rotate_yaw(walk.astype(np.float64), np.linspace(0, 4, len(walk)))
    mean, std = np.linspace(-1, 1, NUM_FEATURES), np.linspace(0.5, 2, NUM_FEATURES)
    processor = LlamoMotionProcessor(mean=mean.tolist(), std=std.tolist())
    for joints in (walk, turning):
        canonical = canonicalise(joints, 20.0)
        values = processor.normalise(joints_to_features(canonical, 20.0))
        assert np.abs(features_to_joints(processor.denormalise(values)) - canonical).max() < 1e-3


def test_features_ignore_where_and_which_way_the_person_starts(walk):
    moved = rotate_yaw(walk.astype(np.float64), -1.0) + [4.0, 0.0, 2.0]
    a, b = (joints_to_features(canonicalise(joints, 20.0), 20.0) for joints in (walk, moved))
    assert np.abs(a - b).max() < 1e-3


def test_body_parts_of_the_config_are_those_of_the_features():
    config = LlamoMotionConfig()
    assert config.motion_dim == NUM_FEATURES == max(part.stop for part in FEATURE_SLICES.values())
    root, torso, left_arm, right_arm, left_leg, right_leg = config.part_features
    assert FEATURE_SLICES["positions"].start + 3 * (20 - 1) in left_arm  # x of the left wrist
    assert FEATURE_SLICES["velocities"].start + 3 * 21 in right_arm
    contacts = range(*FEATURE_SLICES["contacts"].indices(NUM_FEATURES))
    sides = {joint: (left_leg if joint in (7, 10) else right_leg) for joint in CONTACT_JOINTS}
    assert all(index in sides[joint] for index, joint in zip(contacts, CONTACT_JOINTS, strict=True))
    assert set(range(8)) <= set(root) and len(torso) == 30


def test_ten_minutes_are_not_cut(processor):
    inputs = encode(processor, [user(motion_part(make_walk(36_001, 60.0), 60.0), "What?")])
    assert inputs["motion_values"].shape[1] == 12_001
    short = make_processor(max_seconds=5.0)
    with pytest.raises(ValueError, match="at most 5 s"):
        encode(short, [user(motion_part(make_walk(200)), "What?")])


def test_assistant_masks_cover_exactly_the_answers(processor):
    chats = [
        [user(motion_part(make_walk(40)), "How far?"), assistant("Four metres."), user("Sure?"), assistant("Yes.")],
        [user("Hello"), assistant("Hi!")],
    ]
    inputs = encode(processor, chats, return_assistant_tokens_mask=True, padding_side="right")
    for row, answers in enumerate(("Four metres.<|im_end|>Yes.<|im_end|>", "Hi!<|im_end|>")):
        ids = inputs["input_ids"][row][inputs["assistant_masks"][row].bool()]
        assert processor.tokenizer.decode(ids) == answers


def test_prompts_are_prefixes_of_longer_conversations(processor):
    first = [user(motion_part(make_walk(40)), "How far?")]
    ids = encode(processor, first, add_generation_prompt=True)["input_ids"][0]
    longer = encode(processor, [*first, assistant("Far."), user("Sure?")], add_generation_prompt=True)["input_ids"][0]
    assert torch.equal(longer[: len(ids)], ids)


def test_saved_processors_come_back(processor, tmp_path):
    processor.motion_processor.mean = [0.5] * NUM_FEATURES
    processor.motion_processor.std = [2.0] * NUM_FEATURES
    processor.save_pretrained(tmp_path)
    again = LlamoProcessor.from_pretrained(tmp_path)
    chat = [user(motion_part(make_walk(30)), "What?")]
    a, b = encode(processor, chat), encode(again, chat)
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert again.instruction_start_token_ids == processor.instruction_start_token_ids


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "motion"}, '"path"'),
        ({"type": "motion", "path": "nowhere.bvh"}, "nowhere.bvh"),
        ({"type": "motion", "motion": np.zeros((5, 21, 3)), "fps": 20}, "22"),
        ({"type": "motion", "motion": np.zeros((0, 22, 3)), "fps": 20}, "at least one frame"),
        ({"type": "motion", "motion": np.full((5, 22, 3), np.nan), "fps": 20}, "frame 0"),
        ({"type": "motion", "motion": make_walk(5), "fps": 0}, "positive"),
        ({"type": "motion", "motion": make_walk(5), "fps": -30}, "positive"),
        ({"type": "motion", "motion": make_walk(5), "fps": float("nan")}, "positive"),
        ({"type": "motion", "bytes": b"\x00\x01junk" * 50}, ""),
        ({"type": "motion", "bytes": npz_bytes(make_walk(9))[:-200], "format": "npz"}, ""),
        ({"type": "motion", "bytes": npz_bytes(np.full((5, 22, 3), np.inf)), "format": "npz"}, ""),
        ({"type": "image", "path": "x.png"}, "image"),
        (text_part("what is <|motion|>?"), "placeholder"),
    ],
)
def test_bad_parts_are_refused(processor, part, message):
    with pytest.raises(ValueError, match="(?s)" + message.replace("?", "\\?")):
        encode(processor, [user(part, "What?")])


def test_mismatches_are_refused(processor):
    with pytest.raises(ValueError, match="1 motions for 0"):
        processor(text="no place", motions=[motion_part(make_walk(5))])
    with pytest.raises(ValueError, match="0 motions for 1"):
        processor(text="<|motion|> nothing")
    with pytest.raises(ValueError, match="truncated"):
        encode(processor, [user(motion_part(make_walk(60)), "What?")], processor_kwargs={"truncation": True, "max_length": 8})
    with pytest.raises(ValueError, match="vision tower"):
        video = {"type": "video", "video": np.zeros((3, 8, 8, 3), np.uint8), "fps": 3}
        encode(processor, [user(motion_part(make_walk(60)), video, "What?")])


def test_several_motions_are_numbered_and_a_single_one_is_not(processor):
    walk, other = motion_part(make_walk(20)), motion_part(make_walk(30, seed=1))

    def prompt(*messages):
        return processor.apply_chat_template(list(messages), tokenize=False)

    assert "<|motion|>What?" in prompt(user(walk, "What?")) and "Motion" not in prompt(user(walk, "What?"))
    assert "Motion 1: <|motion|>\nMotion 2: <|motion|>\nWhich?" in prompt(user(walk, other, "Which?"))
    # What was said before does not change when a second one comes.
    before = [user(walk, "What?"), assistant("A walk.")]
    later = prompt(*before, user(other, "And this?"))
    assert later.startswith(prompt(*before)) and "Motion 2: <|motion|>\nAnd this?" in later and "Motion 1" not in later


def test_raw_prompts_get_the_summary_alone(processor):
    inputs = processor(text="See <|motion|> here", motions=[motion_part(make_walk(40))], return_tensors="pt")
    model = make_model(make_config(processor))
    assert torch.isfinite(model(**inputs).logits).all()


def test_joint_count_is_that_of_the_skeleton():
    assert NUM_JOINTS == 22


def test_text_alone_opens_by_saying_who_answers_and_a_motion_or_a_system_message_by_neither(processor):
    def prompt(*messages):
        return processor.apply_chat_template(list(messages))

    told = "You are LLaMo"
    assert prompt(user("Hello")).count(told) == 1 and prompt(user("Hello")).startswith("<|im_start|>system\n")
    assert prompt({"role": "user", "content": "Hello"}) == prompt(user("Hello"))
    assert told not in prompt(user(motion_part(make_walk(20)), "Hello"))
    assert told not in prompt(user("Hello"), assistant("Hi."), user(motion_part(make_walk(20)), "What is it?"))
    assert told not in prompt({"role": "system", "content": "Be short."}, user("Hello"))
