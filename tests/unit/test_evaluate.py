"""The evaluation: balanced questions, honest intervals, and baselines that cannot see."""

import json
from collections import Counter

import numpy as np
import pytest
import torch

from llamo.train import evaluate
from llamo.train.evaluate import Item, balanced, gap_interval, majority, markdown, summarise, wilson
from llamo.train.questions import Question, score


def question(key, kind="side", choices=("left", "right"), **more):
    return Question(kind, "Which hand?", f"The {key} hand.", key, choices, **more)


def item(key, clip="a", **more):
    return Item("recorded", clip, np.zeros((20, 22, 3), np.float32), 20.0, question(key, **more))


def test_wilson():
    low, high = wilson(8, 10)
    assert low == pytest.approx(0.490, abs=0.002) and high == pytest.approx(0.943, abs=0.002)
    assert wilson(0, 0) == (0.0, 1.0)


def test_gap_interval_follows_clips():
    rng = np.random.default_rng(0)
    few = gap_interval([True] * 20, [False] * 10 + [True] * 10, ["a"] * 10 + ["b"] * 10, rng)
    many = gap_interval([True] * 20, [False, True] * 10, [str(i) for i in range(20)], rng)
    assert few == (0.0, 1.0) and 0.2 < many[0] < 0.5 < many[1] < 0.8


def test_balanced_gives_no_answer_the_upper_hand():
    items = [item("left", f"c{i}") for i in range(90)] + [item("right", f"d{i}") for i in range(10)]
    chosen = balanced(items, 50, np.random.default_rng(0))
    counts = Counter(one.question.key for one in chosen)
    assert counts["left"] == counts["right"] == 10
    assert balanced([item("left")] * 5, 50, np.random.default_rng(0)) == []


def test_majority():
    questions = [question("left")] * 6 + [question("right")] * 4
    assert majority(questions) == 0.6
    seconds = [Question("time", "When?", "", str(s), ("1", "2", "3", "4"), tolerance=1.0) for s in (1, 2, 3, 3)]
    assert majority(seconds) == 1.0


def test_summary_and_table():
    items = [item("left", "a"), item("right", "b"), item("left", "c")]
    items.append(Item("recorded", "c", items[0].joints, 20.0, Question("unanswerable", "Age?", "", "not told")))
    verdicts = {"model": [True, True, False, True], "blind": [True, False, False, True], "shuffled": [False] * 4}
    rows = summarise(items, verdicts)
    assert [(row["kind"], row["num"]) for row in rows] == [("all", 3), ("side", 3), ("unanswerable", 1)]
    assert rows[0]["model"]["accuracy"] == pytest.approx(2 / 3)
    assert rows[0]["model_minus_blind"]["points"] == pytest.approx(1 / 3)
    table = markdown(rows)
    assert "| recorded | all | 3 | 66.7" in table and table.count("\n") == 4


def test_procedural_items_repeat_with_the_seed():
    first = evaluate.procedural_items(30, np.random.default_rng(4))
    again = evaluate.procedural_items(30, np.random.default_rng(4))
    assert [one.question for one in first] == [one.question for one in again] and len(first) == 30
    assert {one.question.held_out for one in first} == {False, True}


@pytest.mark.parametrize("condition", ["model", "blind", "shuffled"])
def test_answers_come_back_in_order(model, processor, condition, monkeypatch):
    monkeypatch.setattr(evaluate, "DEFAULT_NEW_TOKENS", 4)
    monkeypatch.setattr(evaluate, "NEW_TOKENS", {"caption": 6})
    items = evaluate.procedural_items(7, np.random.default_rng(1))
    batched = evaluate.answer(model, processor, items, condition, batch_size=3, seed=5)
    assert len(batched) == 7
    if condition != "shuffled":
        single = [evaluate.answer(model, processor, [one], condition, batch_size=1)[0] for one in items]
        assert batched == single


def test_blind_means_zero_features_in_the_same_tokens(model, processor, monkeypatch):
    seen = []
    original = model.generate

    def spy(**inputs):
        seen.append({name: value.clone() for name, value in inputs.items() if isinstance(value, torch.Tensor)})
        return original(**inputs)

    monkeypatch.setattr(model, "generate", spy)
    monkeypatch.setattr(evaluate, "DEFAULT_NEW_TOKENS", 2)
    monkeypatch.setattr(evaluate, "NEW_TOKENS", {})
    items = evaluate.procedural_items(3, np.random.default_rng(2))
    evaluate.answer(model, processor, items, "model", batch_size=3)
    evaluate.answer(model, processor, items, "blind", batch_size=3)
    assert torch.equal(seen[0]["input_ids"], seen[1]["input_ids"])
    assert torch.equal(seen[0]["motion_attention_mask"], seen[1]["motion_attention_mask"])
    assert seen[0]["motion_values"].abs().sum() > 0 and seen[1]["motion_values"].abs().sum() == 0


def test_unknown_condition(model, processor):
    with pytest.raises(ValueError, match="expected a condition"):
        evaluate.answer(model, processor, [item("left")], "deaf", 1)


def test_the_command_writes_figures_and_predictions(tmp_path, monkeypatch, capsys):
    """A model that always knows, one that always says left when blind."""

    def answer(model, processor, items, condition, batch_size, seed=0):
        return [one.question.answer if condition == "model" else "left" for one in items]

    monkeypatch.setattr(evaluate, "load_model", lambda *args: (None, None))
    monkeypatch.setattr(evaluate, "answer", answer)
    out = tmp_path / "figures" / "results.json"
    assert evaluate.main(["--num", "40", "--seed", "3", "--out", str(out)]) == 0
    results = json.loads(out.read_text())
    assert results["rows"][0]["model"]["accuracy"] == 1.0 and results["rows"][0]["blind"]["accuracy"] < 0.5
    assert "--seed 3" in results["command"]
    lines = [json.loads(line) for line in (out.parent / "predictions.jsonl").read_text().splitlines()]
    assert len(lines) == 41 and lines[1]["model_right"] and {"question", "key", "blind"} <= set(lines[1])
    assert "| procedural | all |" in capsys.readouterr().out


def test_nothing_to_ask_and_missing_files_exit_with_2(tmp_path, capsys):
    assert evaluate.main(["--num", "0"]) == 2
    assert evaluate.main(["--num", "0", "--real", str(tmp_path / "none.parquet")]) == 2
    assert "evaluate:" in capsys.readouterr().err


def test_real_clips_reach_ten_questions_a_kind(shared):
    from llamo.train.recorded import read_recorded

    clips = [
        clip for name in ("cmu_train", "deepmimic_val") for clip in read_recorded(shared / "data" / f"{name}.parquet", "val")
    ]
    items = evaluate.recorded_items(clips, 300, np.random.default_rng(0))
    counts = Counter(one.question.kind for one in items)
    for kind in ("action", "choice", "side", "direction", "count", "speed", "posture", "yes_no", "caption"):
        assert counts[kind] >= 10, counts
    assert all(score(one.question, one.question.answer) for one in items)
    grounded = [one.question for one in items if one.question.kind != "unanswerable"]
    assert majority(grounded) < 0.45
