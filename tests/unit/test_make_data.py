"""`llamo data`: rows that hold their own truth, the same bytes however they are made, and a way to look at them."""

import json
from collections import Counter

import numpy as np
import pytest
from datasets import load_dataset
from typer.testing import CliRunner

from llamo.cli.main import app
from llamo.processing.motion_formats_llamo import read_motion
from llamo.train.asked_motions import draw_procedural, part_of
from llamo.train.conversations import motion_row, text_row, to_parquet
from llamo.train.evaluation.text import QUESTIONS
from llamo.train.labelled_motion import action_vocabulary
from llamo.train.make_data import DataPlan, claim, make_data
from llamo.train.questions.general_questions import general_answers, general_questions
from llamo.train.questions.scoring import score


PLAN = DataPlan(num=24, num_validation=4, seed=7, rows_per_shard=8, text_share=0.2)


def content(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "rows"
    make_data(PLAN, folder)
    return folder


def test_rows_load_and_hold_their_truth(made, tmp_path):
    rows = load_dataset("parquet", data_dir=str(made), cache_dir=str(tmp_path))
    assert (len(rows["train"]), len(rows["validation"])) == (24, 4)
    kinds = Counter()
    for row in [*rows["train"], *rows["validation"]]:
        kinds[row["kind"]] += 1
        assert row["images"] == [] and row["messages"][0]["role"] == "user" and row["messages"][1]["role"] == "assistant"
        motions = [part for message in row["messages"] for part in message["content"] if part["type"] == "motion"]
        if row["kind"] == "text":
            assert row["program"] is None
            continue
        program = json.loads(row["program"])
        (tmp_path / "clip.npz").write_bytes(motions[0]["bytes"])
        raw = read_motion(tmp_path / "clip.npz", units="m", up_axis="y")
        assert raw.seconds == pytest.approx(program["seconds"], abs=0.11)
        assert program["actions"] and all(one["end"] > one["start"] for one in program["actions"])
        assert row["choices"] is None or row["answer"] in row["choices"]
    assert kinds["text"] > 0 and len(kinds) > 4


def test_what_no_motion_answers_is_asked_alone_beside_a_motion_and_after_another_question():
    rng = np.random.default_rng(3)
    asked = draw_procedural(rng, tuple(action_vocabulary()))
    rows = [text_row(rng, asked) for _ in range(12)]
    alone = text_row(rng)
    assert [part["type"] for part in alone["messages"][0]["content"]] == ["text"] and alone["kinds"] == ["text"]
    last = [row["messages"][-2]["content"][-1].get("text") or row["messages"][-2]["content"][0]["text"] for row in rows]
    assert len(set(last)) > 6 and all(row["kinds"][-1] == "text" and "motion" in str(row["messages"][0]) for row in rows)
    assert {len(row["messages"]) == 2 for row in rows} == {True, False}
    assert all(len(row["kinds"]) == len(row["messages"]) // 2 for row in rows)
    assert len(to_parquet(rows)) > 0


def test_general_questions_are_none_that_are_judged():
    questions = [question for question, _ in general_answers()]
    assert not set(questions) & {question for question, *_ in QUESTIONS}
    assert set(questions) <= set(general_questions()) and len(questions) > 0.9 * len(general_questions())


def test_same_seed_same_bytes_with_any_number_of_processes(made, tmp_path):
    make_data(PLAN, tmp_path / "two", num_proc=2)
    assert content(tmp_path / "two") == content(made)
    make_data(DataPlan(**{**PLAN.__dict__, "seed": 8}), tmp_path / "other")
    name = "data/train-00000-of-00003.parquet"
    assert content(tmp_path / "other")[name] != content(made)[name]


def test_other_rows_under_the_same_folder_name_are_not_taken_from_the_cache(tmp_path):
    """`datasets` caches by the folder's name and the header of its card."""
    found = []
    for seed in (1, 2):
        make_data(DataPlan(num=2, seed=seed), tmp_path / str(seed) / "rows")
        rows = load_dataset(str(tmp_path / str(seed) / "rows"), cache_dir=str(tmp_path / "cache"))["train"]
        found.append([row["messages"] for row in rows])
    assert found[0] != found[1]


def test_a_run_that_was_killed_goes_on(made, tmp_path, monkeypatch):
    folder = tmp_path / "rows"
    claim(PLAN, folder)
    names = [shard.name for shard in PLAN.shards()]
    (folder / names[1]).write_bytes((made / names[1]).read_bytes())
    (folder / "data" / f".{names[0][5:]}.1.part").write_bytes(b"half")
    make_data(PLAN, folder)
    held = content(folder)
    assert {name: held[name] for name in content(made)} == content(made)


def test_another_data_set_is_not_overwritten(made, tmp_path):
    before = content(made)
    with pytest.raises(ValueError, match=r"seed=7, not 9"):
        make_data(DataPlan(num=24, seed=9, num_validation=4, rows_per_shard=8, text_share=0.2), made)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="other files"):
        make_data(PLAN, tmp_path)
    assert content(made) == before


@pytest.mark.parametrize("wrong", [{"num": 0}, {"recorded_share": 0.9, "text_share": 0.2}, {"turns": 0}, {"named_share": 1.2}])
def test_plans_out_of_range(wrong):
    with pytest.raises(ValueError, match="Expected"):
        DataPlan(**{"num": 4, **wrong})


def test_conversations_of_several_turns_ask_different_things():
    rng = np.random.default_rng(0)
    actions = tuple(action_vocabulary())
    lengths, places = Counter(), set()
    for _ in range(40):
        asked = draw_procedural(rng, actions)
        row = motion_row(asked, rng, 3)
        if row is None:
            continue
        lengths[len(row["kinds"])] += 1
        texts = [message["content"][-1].get("text") for message in row["messages"]]
        assert len(set(texts[::2])) == len(row["kinds"])
        places.add([part["type"] for part in row["messages"][0]["content"]].index("motion"))
        first = next(question for question in asked.questions if question.answer == texts[1])
        assert score(first, texts[1])
    assert lengths[1] > lengths[2] > 0 and max(lengths) == 3 and places == {0, 1}


def test_measured_rows_ask_what_rates_tell(tmp_path):
    plan = DataPlan(num=30, num_validation=4, seed=1, text_share=0.0, pair_share=0.0, recorded_share=0.0, measured_share=0.99)
    make_data(plan, tmp_path / "rows")
    rows = load_dataset("parquet", data_dir=str(tmp_path / "rows"), cache_dir=str(tmp_path / "cache"))
    kinds = {kind for row in rows["train"] for kind in row["kinds"] if row["measured"]}
    assert kinds <= {"count", "side", "direction", "distance", "angle", "yes_no", "choice"} and len(kinds) > 3
    assert sum(row["measured"] for row in rows["train"]) > 25 and not any(row["measured"] for row in rows["validation"])
    assert "--measured-share 0.99" in (tmp_path / "rows" / "README.md").read_text(encoding="utf-8")


def test_a_part_of_a_program_keeps_times_and_loses_cut_counts():
    squat = {"action": "squat", "count": 4, "start": 1.0, "end": 5.0}
    walk = {"action": "walk", "count": None, "start": 5.0, "end": 9.0}
    part = part_of({"seconds": 10.0, "style": "tired", "actions": [squat, walk]}, 2.0, 6.0)
    assert part["seconds"] == 4.0 and part["style"] == "tired"
    assert part["actions"][0] == {"action": "squat", "count": None, "start": 0.0, "end": 3.0}
    assert (part["actions"][1]["start"], part["actions"][1]["end"]) == (3.0, 4.0)
    whole = part_of({"seconds": 10.0, "style": "tired", "actions": [squat, walk]}, 0.5, 5.0)
    assert whole["actions"] == [{"action": "squat", "count": 4, "start": 0.5, "end": 4.5}]


def test_the_commands(tmp_path):
    run = CliRunner().invoke
    out = tmp_path / "rows"
    done = run(app, ["data", "synthesize", "--num", "6", "--seed", "3", "--rows-per-shard", "4", "--out", str(out)])
    assert done.exit_code == 0 and "6 rows in" in done.output
    page = tmp_path / "row.html"
    done = run(app, ["data", "show", str(out), "--row", "3", "-n", "2"])
    assert done.exit_code == 0 and "row 3: " in done.output and "row 4: " in done.output and "row 5" not in done.output
    with_motion = next(
        i for i in range(6) if "[motion" in run(app, ["data", "show", str(out), "--row", str(i), "-n", "1"]).output
    )
    done = run(app, ["data", "show", str(out), "--row", str(with_motion), "-n", "1", "--view", str(page)])
    assert done.exit_code == 0 and page.stat().st_size > 10_000
    for arguments in (["data", "show", str(out), "--row", "6"], ["data", "show", str(tmp_path / "none")]):
        done = run(app, arguments)
        assert done.exit_code == 2 and "Expected" in done.output
    done = run(app, ["data", "synthesize", "--num", "5", "--out", str(out)])
    assert done.exit_code == 2 and "Choose another folder" in done.output
    done = run(app, ["data", "synthesize", "--num", "5", "--recorded", "none.parquet", "--out", str(tmp_path / "x")])
    assert done.exit_code == 2 and "none.parquet" in done.output
