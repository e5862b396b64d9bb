"""Rates add up to what happened, for any body, and reach the language model as totals."""

import numpy as np
import pytest
import torch
from conftest import encode, make_config, make_model, make_processor, make_walk, motion_part, user

from llamo.modeling_llamo.modeling_llamo import LlamoTally, num_totals
from llamo.processing.gait_llamo import find_steps
from llamo.processing.kinematics_llamo import measure_motion
from llamo.processing.measured_rates_llamo import NUM_RATES, RATE_NAMES, measure_rates
from llamo.processing.motion_features_llamo import NUM_FEATURES, rotate_yaw
from llamo.processing.motion_processing_llamo import LlamoMotionProcessor
from llamo.processing.repeated_parts_llamo import repeated_parts
from llamo.train.synthesis.engine import synthesize


FPS = 20.0


def totals(joints: np.ndarray, fps: float = FPS) -> dict[str, float]:
    rates = measure_rates(joints, fps)
    assert rates.shape == (len(joints), NUM_RATES) and rates.dtype == np.float32 and (rates >= 0).all()
    return dict(zip(RATE_NAMES, rates.sum(0).tolist(), strict=True))


def squats(seed: int) -> tuple[np.ndarray, int]:
    motion = synthesize(np.random.default_rng(seed), vocabulary=["squat"])
    return motion.joints, sum(segment.count or 0 for segment in motion.segments)


def test_repetitions_add_up_to_their_count():
    for seed in range(4):
        joints, count = squats(seed)
        assert totals(joints)["repetitions"] == pytest.approx(count, abs=0.01)
        assert totals(joints * 0.8)["repetitions"] == pytest.approx(count, abs=0.01), "a child counts like an adult"


def test_totals_are_those_of_the_measurements():
    walk = make_walk(120)
    found, measured = totals(walk), measure_motion(walk, FPS)
    steps = find_steps(walk.astype(np.float64), FPS)
    assert found["left_steps"] + found["right_steps"] == pytest.approx(len(steps), abs=0.01) and len(steps) > 4
    assert found["metres_ahead"] == pytest.approx(measured["path_m"], rel=0.05)
    assert found["metres_back"] + found["metres_left"] + found["metres_right"] < 0.1 * found["metres_ahead"]
    assert found["repetitions"] == 0, "a walk is steps"


def test_sides_and_directions_swap_in_a_mirror_and_turn_with_the_person():
    walk = rotate_yaw(make_walk(80), np.linspace(0, np.pi / 2, 80))
    walk[:, [18, 20]] += np.sin(np.arange(80) / 3)[:, None, None] * [0, 0.2, 0]  # the left arm swings
    found = totals(walk)
    assert found["left_quarter_turns"] == pytest.approx(1.0, abs=0.15) and found["right_quarter_turns"] < 0.1
    assert found["left_arm_metres"] > 1.3 * found["right_arm_metres"]
    pairs = [1, 4, 7, 10, 13, 16, 18, 20], [2, 5, 8, 11, 14, 17, 19, 21]
    mirrored = walk * [-1.0, 1.0, 1.0]
    mirrored[:, pairs[0] + pairs[1]] = mirrored[:, pairs[1] + pairs[0]]
    other = totals(mirrored)
    for name in RATE_NAMES:
        swapped = name.replace("left", "#").replace("right", "left").replace("#", "right")
        assert other[swapped] == pytest.approx(found[name], abs=1e-3)
    for name, value in totals(rotate_yaw(walk, 2.0)).items():
        assert value == pytest.approx(found[name], abs=1e-3), "where north is does not matter"


def test_what_repeats_beside_the_main_movement_is_kept_apart():
    first, many = squats(1)
    arms = synthesize(np.random.default_rng(5), vocabulary=["jumping_jack"])
    count = sum(segment.count or 0 for segment in arms.segments)
    joints = np.concatenate([first, arms.joints + (first[-1:, :1] - arms.joints[:1, :1]) * [1, 0, 1]])
    parts = repeated_parts(joints.astype(np.float64), FPS)
    assert sorted(len(part.cut.items) for part in parts[:2]) == sorted([many, count])
    found = totals(joints)
    assert found["repetitions"] + found["other_repetitions"] >= many + count - 0.01
    assert all(one.end <= other.start or other.end <= one.start for one in parts for other in parts if one is not other)


def test_short_and_still_motions_have_no_repetitions():
    assert not measure_rates(make_walk(2), FPS).any()
    still = totals(np.repeat(make_walk(1), 60, axis=0))
    assert still["still_seconds"] == pytest.approx(3.0) and still["repetitions"] == still["metres_ahead"] == 0


def test_the_processor_puts_rates_behind_the_features_as_they_are():
    walk = make_walk(60)
    processor = LlamoMotionProcessor(mean=[1.0] * NUM_FEATURES, std=[2.0] * NUM_FEATURES)
    values = processor([{"motion": walk, "fps": FPS}])["motion_values"][0]
    assert values.shape == (60, NUM_FEATURES + NUM_RATES)
    np.testing.assert_allclose(values[:, NUM_FEATURES:].sum(0), list(totals(walk).values()), atol=1e-3)
    without = LlamoMotionProcessor(mean=[1.0] * NUM_FEATURES, std=[2.0] * NUM_FEATURES, num_rates=0)
    np.testing.assert_array_equal(without([{"motion": walk, "fps": FPS}])["motion_values"][0], values[:, :NUM_FEATURES])
    assert make_config(make_processor()).motion_config.num_rates == processor.num_rates == NUM_RATES
    with pytest.raises(ValueError, match="num_rates"):
        LlamoMotionProcessor(num_rates=7)


def test_the_model_integrates_them_and_does_not_encode_them(model, processor):
    inputs = encode(processor, [user(motion_part(make_walk(62)), "What?")])
    changed = inputs["motion_values"].clone()
    changed[..., NUM_FEATURES] += 1.0
    for first, second in zip(
        model.model.get_motion_features(inputs["motion_values"]), model.model.get_motion_features(changed), strict=True
    ):
        assert torch.equal(first, second)
    rates = model.model.get_measured_rates(changed, inputs["motion_attention_mask"])
    assert rates.shape == (1, 16, NUM_RATES)
    assert rates[0, :, 0].sum() == pytest.approx(62 + float(inputs["motion_values"][..., NUM_FEATURES].sum()), rel=1e-4)
    before, after = (model(**{**inputs, "motion_values": values}).logits for values in (inputs["motion_values"], changed))
    assert not torch.allclose(before, after), "totals reach the language model"


def test_a_model_without_measured_rates():
    processor = make_processor(num_rates=0)
    config = make_config(processor)
    config.motion_config.num_rates, config.motion_config.opposite_rates = 0, []
    model = make_model(config)
    inputs = encode(processor, [user(motion_part(make_walk(60)), "What?")])
    assert inputs["motion_values"].shape[-1] == NUM_FEATURES
    assert torch.isfinite(model(**inputs).logits).all()
    with pytest.raises(ValueError, match="num_rates"):
        type(config.motion_config)(num_rates=-1)


def test_opposites_are_compared_by_share_and_sign():
    config = make_config(make_processor())
    pairs = [(RATE_NAMES[one], RATE_NAMES[other]) for one, other in config.motion_config.opposite_rates]
    words = {"left": "right", "ahead": "back", "up": "down"}
    assert len(pairs) == 8
    for one, other in pairs:
        assert any(word in one and one.replace(word, opposite) == other for word, opposite in words.items()), (one, other)
    tally = LlamoTally(config, config.talker_config.hidden_size)
    totals = torch.zeros(3, num_totals(config))
    left, right = (config.talker_config.num_tallies + RATE_NAMES.index(f"{side}_arm_metres") for side in ("left", "right"))
    totals[0, [left, right]] = torch.tensor([6.0, 4.0])
    totals[1, [left, right]] = torch.tensor([4.0, 6.0])
    balance = tally.compare(totals)
    place = pairs.index(("left_arm_metres", "right_arm_metres"))
    assert balance[0, place] == pytest.approx(0.2, abs=0.01) and balance[0, len(pairs) + place] > 0.9
    torch.testing.assert_close(balance[0], -balance[1])
    assert not balance[2].any(), "nothing against nothing is no lead"
    with pytest.raises(ValueError, match="opposite_rates"):
        type(config.motion_config)(opposite_rates=[[2, 26]])
