"""Pictures, cards and explanations of what was measured: every figure is one of results.json."""

import json

import numpy as np
import pytest
import yaml
from conftest import encode, make_walk, motion_part, user

from llamo.cli.explain import Look, explain_page, looks
from llamo.train.evaluation import card, plots


def row(model, n=20, **more):
    found = {"n": n, "model": model, "low": model - 0.1, "high": model + 0.1, "blind": 0.25, "shuffled": 0.2, "measured": None}
    found |= {"gap": model - 0.25, "gap_low": 0.1, "gap_high": 0.4, "chance": 0.25, "majority": 0.3}
    return {**found, **more}


@pytest.fixture
def results(tmp_path):
    found = {
        "suite": "synthetic",
        "protocol": "llamo-synthetic-1",
        "command": "llamo eval synthetic --limit 40 --out somewhere",
        "n": 40,
        "overall": row(0.6, 40),
        "kinds": {"count": row(0.4, measured=0.9), "span": row(0.8)},
        "warning": "",
    }
    (tmp_path / "results.json").write_text(json.dumps(found))
    asked = {"kind": "count", "question": "How many squats?", "reference": "4.", "key": "4", "correct": True}
    span = {"kind": "span", "question": "From when?", "reference": "From 1.0 to 2.0 seconds.", "key": "x", "correct": True}
    records = [{**asked, "id": "a", "prediction": "4 squats."}, {**asked, "id": "b", "prediction": "no idea"}]
    records.append({**span, "id": "c", "prediction": "From 1.5 to 2.5"})
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return tmp_path


def test_plots_show_what_there_is(results):
    pytest.importorskip("matplotlib")
    drawn = plots.draw_plots(results)
    assert [path.name for path in drawn] == ["accuracy.png", "counts.png", "spans.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000 for path in drawn)
    with pytest.raises(ValueError, match=r"Expected results.json"):
        plots.draw_plots(results / "none")


def test_confusion_counts_what_was_said():
    table = plots.confusion([(4, 4.0), (4, 5.0), (99, 30.0), (2, None)])
    assert table[4][4] == table[4][5] == 1 and table[plots.MOST_COUNT + 1][plots.MOST_COUNT + 1] == 1
    assert table[2][-1] == 1 and sum(map(sum, table)) == 4


CARD = f"""---
license: apache-2.0
model-index:
- name: old
  results: []
tags:
- human-motion
---

# LLaMo

{card.MARKERS[0]}
old
{card.MARKERS[1]}

The end.
"""


def test_the_card_gets_tables_and_index(results):
    found = card.read_results([results])
    text = card.with_model_index(card.insert(CARD, card.section(found), "card"), found)
    assert "old" not in text and text.endswith("The end.\n") and "tags:\n- human-motion" in text
    assert "printed by `llamo eval synthetic --limit 40`" in text and "| count | 20 | 40.0 (30-50) |" in text
    (entry,) = yaml.safe_load(text.split("---\n")[1])["model-index"][0]["results"]
    assert {metric["name"]: metric["value"] for metric in entry["metrics"]} == {
        "accuracy": 60.0, "accuracy, count": 40.0, "accuracy, span": 80.0, "accuracy without motion": 25.0}  # fmt: skip
    assert card.with_model_index(text, found) == text  # once more changes nothing
    with pytest.raises(ValueError, match="Put them back"):
        card.insert("no markers", "x", "card")
    with pytest.raises(ValueError, match="front matter"):
        card.with_model_index("# LLaMo", found)


def test_a_figure_that_no_result_holds_is_found(results):
    found = card.read_results([results])
    text = card.insert(CARD, card.section(found), "card")
    assert card.check_figures(text, found) == []
    wrong = text.replace("| count | 20 | 40.0", "| count | 20 | 45.0")
    assert [cells[0] for cells in card.check_figures(wrong, found)] == ["count"]


@pytest.mark.parametrize("name", ["README.md", "model_card.md"])
def test_readme_and_card_show_what_the_kept_results_say(root, name):
    kept = card.kept_results(root)
    if not kept:
        pytest.skip("no results are kept in weights/ yet: python -m llamo.train.evaluation.card writes them")
    assert card.check_figures((root / name).read_text(encoding="utf-8"), kept) == []


def test_the_command_fills_both_files_and_keeps_the_results(results, tmp_path, monkeypatch, capsys):
    home = tmp_path / "home"
    (home / "weights").mkdir(parents=True)
    (home / "weights" / "results_older.json").write_text("{}")
    (home / "README.md").write_text(CARD.split("---\n")[2])
    (home / "model_card.md").write_text(CARD)
    monkeypatch.setattr(card, "HOME", home)
    card.main([str(results)])
    assert "40 questions of synthetic" in capsys.readouterr().out
    (kept,) = card.kept_results(home)
    for name in ("README.md", "model_card.md"):
        text = (home / name).read_text()
        assert card.check_figures(text, [kept]) == [] and text.startswith("---\n") == (name == "model_card.md")


# Which moments an answer looked at


def test_the_page_shows_what_the_model_kept(model, processor):
    walk = make_walk(60)
    inputs = encode(processor, [user(motion_part(walk), "How far?")], add_generation_prompt=True)
    (look,) = looks(model, inputs)
    config = model.config.motion_config
    kept = model(**inputs).focus_frames[0].tolist()
    assert look.kept == [place for place in kept if place >= 0] and look.seconds == config.patch_size / config.fps
    assert len(look.scores) == -(-60 // config.patch_size)
    # What was kept is what was scored highest.
    assert set(np.argsort(look.scores)[-len(look.kept) :].tolist()) == set(look.kept)
    page = explain_page([("How <far>?", "2 m & more", [look])], [("walk.bvh", walk, 20.0)])
    assert "How &lt;far&gt;?" in page and "2 m &amp; more" in page and "<script" not in page
    assert page.count('class="kept"') == len(look.kept) == page.count("<figure>")
    assert page.count('<rect class="bar"') == len(look.scores) - len(look.kept)


def test_several_motions_each_have_a_look(model, processor):
    first, second = make_walk(40), make_walk(80, seed=2)
    inputs = encode(processor, [user(motion_part(first), motion_part(second), "Which is longer?")], add_generation_prompt=True)
    found = looks(model, inputs)
    assert [len(look.scores) for look in found] == [-(-count // model.config.motion_config.patch_size) for count in (40, 80)]
    page = explain_page([("Which?", "b", found)], [("a.bvh", first, 20.0), ("b.bvh", second, 20.0)])
    assert "a.bvh</p>" in page and "b.bvh</p>" in page
    assert isinstance(found[0], Look)
