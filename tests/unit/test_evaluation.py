"""`llamo eval`: deterministic questions, honest judging, baselines that cannot see, runs that go on where they stopped."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import make_walk

from llamo.train.evaluation import answering, consistency, hallucination, noise, runner, text
from llamo.train.evaluation.answering import Answerer, other_motions, plan_batches
from llamo.train.evaluation.items import Item, balanced, fingerprint
from llamo.train.evaluation.measured import Measured, travel_direction
from llamo.train.evaluation.results import blind_kinds, markdown, summarise, warning
from llamo.train.evaluation.runner import RunOptions, run_suite
from llamo.train.evaluation.statistics import bootstrap, interval_of, majority
from llamo.train.evaluation.suite import Suite, SuiteOptions
from llamo.train.evaluation.suites import SUITES, find_suite
from llamo.train.evaluation.synthetic import procedural_items
from llamo.train.evaluation.variants import mirrored, mirrored_question
from llamo.train.questions import Question


def question(key="left", kind="side", choices=("left", "right"), asked="Which hand?", **more):
    return Question(kind, asked, f"The {key} hand.", key, choices, **more)


def item(index, key="left", seconds=2.0, **more):
    joints = np.full((int(20 * seconds), 22, 3), index, np.float32)
    return Item(f"x-{index}", more.pop("kind", "side"), question(key, **more), f"clip{index}", joints, 20.0)


class Knows:
    """Answers like somebody who sees, and says "left" blindfolded."""

    def __init__(self, items):
        self.items, self.calls = items, []

    def __call__(self, places, condition):
        self.calls.append((tuple(places), condition))
        return [self.items[place].question.answer if condition == "model" else "left" for place in places]


def made(num=9):
    return Suite("made", "made-1", "for this test", lambda options: [item(i, "left" if i % 3 else "right") for i in range(num)])


@pytest.fixture
def knows(monkeypatch):
    answerers = []

    def make(model, processor, items, seed):
        answerers.append(Knows(items))
        return answerers[-1]

    monkeypatch.setattr(runner, "Answerer", make)
    monkeypatch.setattr(runner, "Measured", lambda: lambda question, joints, fps: "right")  # measuring takes its time
    return answerers


def ask(suite, out, **more):
    return run_suite(
        suite, SuiteOptions(seed=more.pop("seed", 0)), RunOptions(out=str(out), batch_size=2, **more), (None, None)
    )


def test_the_results_keep_the_contract(tmp_path, knows):
    results = ask(made(), tmp_path / "out", command="llamo eval made")
    on_disk = json.loads((tmp_path / "out" / "results.json").read_text())
    assert on_disk == results
    assert {"suite", "protocol", "model", "data", "command", "n", "overall", "kinds"} <= set(results)
    assert {"model", "blind", "shuffled", "chance", "majority"} <= set(results["overall"])
    row = results["kinds"]["side"]
    assert {"n", "model", "low", "high", "blind", "shuffled", "chance", "majority", "measured"} <= set(row)
    assert row["model"] == 1.0 and row["blind"] == pytest.approx(6 / 9) and row["chance"] == 0.5
    assert row["majority"] == pytest.approx(6 / 9) and row["measured"] == pytest.approx(3 / 9)
    lines = [json.loads(line) for line in (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [f"x-{i}" for i in range(9)]
    assert {"id", "kind", "question", "reference", "prediction", "correct"} <= set(lines[0])
    assert lines[0]["correct"] and not lines[0]["blind_correct"]
    assert "| side | 9 | 100.0 (100-100) |" in (tmp_path / "out" / "table.md").read_text()


def test_a_run_goes_on_where_it_was_cut_off(tmp_path, knows):
    whole = ask(made(), tmp_path / "whole")
    ask(made(), tmp_path / "out")
    path = tmp_path / "out" / "predictions.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    # Killed in the middle of the third batch, and of a line.
    path.write_text("".join(lines[:5]) + lines[5][:20])
    (tmp_path / "out" / "results.json").unlink()
    again = ask(made(), tmp_path / "out")
    assert again == whole
    asked = {place for places, condition in knows[-1].calls if condition == "model" for place in places}
    assert asked == {4, 5, 6, 7, 8}
    assert path.read_text() == (tmp_path / "whole" / "predictions.jsonl").read_text()
    ask(made(), tmp_path / "out")
    assert knows[-1].calls == []  # a complete run asks nothing


def test_another_run_in_the_folder_is_refused(tmp_path, knows):
    ask(made(), tmp_path)
    with pytest.raises(ValueError, match=r"seed 0 and not 1.*--out"):
        ask(made(), tmp_path, seed=1)
    with pytest.raises(ValueError, match="at least one question"):
        ask(made(0), tmp_path / "empty")


def test_processes_share_the_batches(tmp_path, knows, monkeypatch):
    """Two processes, one after the other: each answers its half, and the figures are those of one."""
    whole = ask(made(), tmp_path / "whole")

    class Share:
        number = 2

        def __init__(self, rank):
            self.rank = rank

        def meet(self):
            pass

    second = made()
    monkeypatch.setattr(runner, "Processes", lambda: Share(1))
    with pytest.raises(FileNotFoundError):  # here nobody waits for the first process's results
        ask(second, tmp_path / "shared")
    assert (tmp_path / "shared" / "predictions.1.jsonl").read_text().count("\n") == 4
    monkeypatch.setattr(runner, "Processes", lambda: Share(0))
    assert ask(made(), tmp_path / "shared") == whole
    assert not (tmp_path / "shared" / "predictions.1.jsonl").exists()
    assert {place for places, _ in knows[-1].calls for place in places} | {2, 3, 6, 7} == set(range(9))


def test_batches_depend_on_the_items_alone():
    items = [item(0, seconds=3.0), item(1, seconds=1.0), item(2, seconds=2.0), Item("x-3", "general", question(), "t")]
    batches = plan_batches(items, 2)
    assert batches == [[1, 2], [0], [3]]  # alike lengths together; with and without motion apart


def test_shuffled_is_always_another_clip():
    items = [item(i) for i in range(5)] + [Item("x-9", "side", question(), "clip0/mirror", np.zeros((9, 22, 3)), 20.0)]
    others = other_motions(items, 3)
    for one, ((joints, _),) in zip(items, others):
        assert joints[0, 0, 0] != float(one.clip[4])
    again = other_motions(items, 3)
    assert all(one[0][0] is other[0][0] for one, other in zip(others, again))


def test_the_fingerprint_sees_questions_and_motions():
    items = [item(0), item(1)]
    assert fingerprint(items) == fingerprint([item(0), item(1)])
    assert fingerprint(items) != fingerprint([item(0), item(2)])
    assert fingerprint(items) != fingerprint([item(0), item(1, "right")])


@pytest.mark.parametrize("condition", ["model", "blind", "shuffled"])
def test_batched_answers_are_those_of_one_by_one(model, processor, condition, monkeypatch):
    monkeypatch.setattr(answering, "DEFAULT_NEW_TOKENS", 4)
    monkeypatch.setattr(answering, "NEW_TOKENS", {"caption": 6})
    items = procedural_items(6, np.random.default_rng(1))
    items.append(replace(items[0], others=((items[5].joints, 20.0),)))  # with a second motion
    answerer = Answerer(model, processor, items, seed=5)
    batched = {}
    for batch in plan_batches(items, 3):
        batched |= dict(zip(batch, answerer(batch, condition)))
    assert batched == {place: answerer([place], condition)[0] for place in range(len(items))}


def test_blind_means_one_motion_without_features_for_all(model, processor, monkeypatch):
    seen = []
    original = model.generate

    def spy(**inputs):
        seen.append({name: value.clone() for name, value in inputs.items() if isinstance(value, torch.Tensor)})
        return original(**inputs)

    monkeypatch.setattr(model, "generate", spy)
    monkeypatch.setattr(answering, "DEFAULT_NEW_TOKENS", 2)
    items = [item(0), item(1)]
    items[1] = replace(items[1], joints=np.repeat(items[1].joints[:1], 130, axis=0), question=items[0].question)
    answerer = Answerer(model, processor, items)
    answerer([0, 1], "model"), answerer([0, 1], "blind")
    assert seen[0]["motion_values"].abs().sum() > 0 and seen[1]["motion_values"].abs().sum() == 0
    lengths = [inputs["motion_attention_mask"].sum(1).tolist() for inputs in seen]
    assert lengths[0][0] != lengths[0][1] and lengths[1] == [80, 80]
    assert torch.equal(seen[1]["input_ids"][0], seen[1]["input_ids"][1])  # nothing tells the two apart
    with pytest.raises(ValueError, match="expected a condition"):
        answerer([0], "deaf")


def test_intervals_follow_clips():
    rng = np.random.default_rng(0)
    assert bootstrap([0] * 10 + [1] * 10, ["a"] * 10 + ["b"] * 10, rng) == (0.0, 1.0)
    low, high = bootstrap([0, 1] * 50, [str(i) for i in range(100)], rng)
    assert 0.38 < low < 0.45 and 0.55 < high < 0.62
    assert interval_of(lambda rows: float(len(rows)), ["a", "a", "b", "b"], rng) == (4.0, 4.0)


def sided(key: str, clip: str) -> Item:
    joints = np.zeros((20, 22, 3), np.float32)
    return Item("", "side", Question("side", "Which hand?", f"The {key} hand.", key, ("left", "right")), clip, joints, 20.0)


def test_balanced_gives_no_answer_the_upper_hand():
    items = [sided("left", f"c{i}") for i in range(90)] + [sided("right", f"d{i}") for i in range(10)]
    counts = Counter(one.question.key for one in balanced(items, 50, np.random.default_rng(0)))
    assert counts["left"] == counts["right"] == 10
    assert balanced([sided("left", "a")] * 5, 50, np.random.default_rng(0)) == []


def test_majority_gives_the_commonest_answer_within_its_tolerance():
    assert majority([sided("left", "a").question] * 6 + [sided("right", "a").question] * 4) == 0.6
    seconds = [Question("time", "When?", "", str(second), ("1", "2", "3", "4"), tolerance=1.0) for second in (1, 2, 3, 3)]
    assert majority(seconds) == 1.0


def test_a_kind_that_needs_no_eyes_is_named():
    items = [item(i) for i in range(4)] + [item(i, "4", kind="count", choices=("3", "4")) for i in range(4, 8)]
    records = [{"correct": True, "blind_correct": i >= 4, "shuffled_correct": False} for i in range(8)]
    found = summarise(items, records)
    assert blind_kinds(found["kinds"]) == ["count"] and "points of the model in count" in warning(found["kinds"])
    assert found["overall"]["gap"] == 0.5
    assert "| count | 4 | 100.0 (100-100) | 100.0 | 0.0 | +0.0 (+0 to +0) |" in markdown(found)


def test_unanswerable_questions_do_not_lift_the_overall_figure():
    refusal = Item("u", "unanswerable", Question("unanswerable", "Age?", "It does not tell.", "not told"), "c")
    found = summarise([item(0), refusal], [{"correct": False}, {"correct": True}])
    assert found["overall"]["n"] == 1 and found["overall"]["model"] == 0.0 and found["overall"]["blind"] is None


# Suites


@pytest.mark.parametrize("name", ["synthetic", "noise", "hallucination", "consistency", "text"])
def test_suites_repeat_with_the_seed_and_their_references_are_right(name):
    suite, options = find_suite(name), SuiteOptions(limit=30, seed=3)
    items = suite.build(options)
    assert 24 <= len(items) <= 30 and len({one.id for one in items}) == len(items)
    assert fingerprint(items) == fingerprint(suite.build(options))
    right = suite.verdicts(items, [one.question.answer for one in items])
    assert all(right), [one.question for one, ok in zip(items, right) if not ok]
    assert not any(suite.verdicts(items, [""] * len(items)))


def test_no_such_suite():
    with pytest.raises(ValueError, match="Expected a suite out of synthetic, real"):
        find_suite("everything")
    assert all(suite.protocol.startswith("llamo-") or suite.needs for suite in SUITES.values())


def test_synthetic_asks_held_out_phrasings_only():
    assert all(one.question.held_out for one in SUITES["synthetic"].build(SuiteOptions(limit=40)))


def test_synthetic_asks_of_form_of_what_follows_and_of_two_motions():
    items = SUITES["synthetic"].build(SuiteOptions(limit=72))
    assert len(items) == 72 and {"form", "next", "pair", "action", "count"} <= {one.kind for one in items}
    pair = next(one for one in items if one.kind == "pair")
    assert len(pair.motions) == 2 and pair.seconds == pytest.approx(sum(len(joints) / fps for joints, fps in pair.motions))
    first, second = other_motions(items, 0)[items.index(pair)]
    assert first[0] is not pair.joints and second[0] is not pair.others[0][0]
    right = SUITES["synthetic"].verdicts(items, [one.question.answer for one in items])
    assert all(right), [one.question for one, ok in zip(items, right) if not ok]


def test_refusing_everything_is_no_way_out():
    items = hallucination.build(SuiteOptions(limit=40))
    refusals = SUITES["hallucination"].verdicts(items, ["The motion does not tell that."] * 40)
    by_kind = {one.kind: [ok for other, ok in zip(items, refusals) if other.kind == one.kind] for one in items}
    assert all(by_kind["unanswerable"]) and not any(by_kind["answered"]) and not any(by_kind["absent_count"])


def test_what_has_to_go_together():
    items = consistency.build(SuiteOptions(limit=60))
    assert {one.kind for one in items} == set(consistency.GROUPS)

    def consistent(say):
        records = [{"prediction": say(one), "blind": "left", "shuffled": "left", "correct": True} for one in items]
        return {kind: row["consistent"] for kind, row in consistency.measures(items, records)["consistency"].items()}

    assert set(consistent(lambda one: one.question.answer).values()) == {1.0}
    # Wrong about everything, but in a way that goes together.
    counts = consistent(lambda one: "9" if one.kind == "doubled_speed" else one.question.answer)
    assert counts["doubled_speed"] == 1.0
    # One word for all: what is mirrored or reversed must change.
    same = consistent(lambda one: items[0].question.answer if one.kind == "phrasing" else "left forward squatting 3")
    assert same["mirrored"] == 0.0 and same["reversed_direction"] == 0.0


def test_phrasings_of_a_group_differ_and_ask_the_same():
    items = [one for one in consistency.build(SuiteOptions(limit=40)) if one.kind == "phrasing"]
    for name in {one.facts["group"] for one in items}:
        group = [one for one in items if one.facts["group"] == name]
        assert len(group) == len({one.question.question.lower() for one in group}) == consistency.PHRASINGS
        assert len({(one.question.key, one.question.choices) for one in group}) == 1


def test_the_mirror_image_swaps_what_is_asked_and_shown():
    assert mirrored_question(question(asked="Left or right hand?")).key == "right"
    assert mirrored_question(question("yes", "yes_no", ("yes", "no"), "Is it the left hand?")) is None
    assert mirrored_question(question("3", "count", ("3", "4"))).key == "3"
    walk = make_walk(20)
    walk[:, 20, 1] += 1.0  # the left wrist goes up
    assert mirrored(walk)[:, 21, 1].mean() > mirrored(walk)[:, 20, 1].mean() + 0.5


def test_noise_keeps_the_question_and_changes_the_motion():
    items = noise.build(SuiteOptions(limit=90, seed=1))
    kinds = {one.kind for one in items}
    assert kinds == set(noise.VARIANTS)
    rates = {one.kind: one.fps for one in items}
    assert rates["60 fps"] == 60.0 and rates["estimated"] == 20.0
    plain = next(one for one in items if one.kind == "as it is")
    fast = next(one for one in items if one.kind == "120 fps" and one.clip == plain.clip)
    assert fast.seconds == pytest.approx(plain.seconds, abs=0.1)
    blurred = next(one for one in items if one.kind == "estimated" and one.clip == plain.clip)
    error = np.linalg.norm((blurred.joints - blurred.joints[:, :1]) - (plain.joints - plain.joints[:, :1]), axis=-1).mean()
    assert 0.02 < error < 0.15


def test_the_measuring_baseline_only_measures():
    walk = make_walk(80, speed=1.3)
    measured = Measured()
    assert travel_direction(walk) == "forward" and travel_direction(walk[::-1]) == "backward"
    assert travel_direction(make_walk(80, speed=0.0)) == "in place"
    turned = walk[..., [2, 1, 0]] * [1, 1, -1]  # facing +X now
    assert travel_direction(turned) == "forward"
    way = ("forward", "backward", "left", "right", "in place")
    assert measured(question("forward", "direction", way, "Which way?"), walk, 20.0) == "forward"
    assert measured(question("4", "duration", ("3", "4"), "How long?"), walk, 20.0) == "4"
    assert measured(question("5", "distance", ("4", "5"), "How far?"), walk, 20.0) == "5"  # 1.3 m/s for 4 s
    assert measured(question("no", "yes_no", ("yes", "no"), "Does the person move backwards?"), walk, 20.0) == "no"
    assert measured(question("walking", "action", ("walking", "running"), "What?"), walk, 20.0) is None
    assert measured(question(), None, 20.0) is None


def test_text_is_judged_and_compared_with_the_bare_model(model, processor, monkeypatch):
    items = text.build(SuiteOptions(limit=6))
    assert [one.joints is None for one in items] == [True, False] * 3
    assert [one.question.question for one in items[::2]] == [one.question.question for one in items[1::2]]
    bare = text.Bare(model.model.language_model, processor.tokenizer, processor)
    value = text.perplexity(model, processor.tokenizer, ("ab", "abc"))
    assert 1 < value < 10 * len(processor.tokenizer)
    monkeypatch.setattr(text, "load_bare", lambda processor, base: None)
    session = runner.Session(processor, model, "llamo", 2)
    assert text.measures(items, [{}] * 6, session)["bare"] is None
    monkeypatch.setattr(bare, "answers", lambda questions, size: ["Paris", "Kyoto", "rome"])
    bare.model = model
    monkeypatch.setattr(text, "load_bare", lambda processor, base: bare)
    records = [{} for _ in items]
    found = text.measures(items, records, session)
    assert found["bare"] == pytest.approx(2 / 3)
    assert [one["bare_correct"] for one in records] == [True, True, False, False, True, True]
    assert found["bare_perplexity"] == pytest.approx(found["perplexity"])
