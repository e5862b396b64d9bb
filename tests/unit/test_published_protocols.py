"""Published benchmarks from files in their original layouts (made up, tiny), and their figures by hand."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
import torch
from conftest import make_walk

from llamo.train.evaluation import captioning, counting, exact_match, grounding, movid, multiple_choice
from llamo.train.evaluation.judges import MeaningJudge, judge_for, read_verdict
from llamo.train.evaluation.suite import Session, SuiteOptions


def options(root, **more):
    return SuiteOptions(data=(str(root),), **more)


def records_of(items, texts, suite=None, **fields):
    return [{"prediction": text, "blind": "", "shuffled": "", **fields} for text in texts]


# BABEL-QA


@pytest.fixture
def babelqa(tmp_path):
    (tmp_path / "motion_sequences" / "7").mkdir(parents=True)
    np.save(tmp_path / "motion_sequences" / "7" / "joints.npy", make_walk(90)[..., [0, 2, 1]] * [1, -1, 1])

    def row(function, text, answer, babel_id="7"):
        program = [{"function": "scene", "inputs": [], "value_inputs": []}, {"function": function}]
        return {"question": text, "answer": answer, "babel_id": babel_id, "program": program}

    questions = {
        "0": row("query_action", "what action does the person do before they turn?", "walk"),
        "1": row("query_direction", "what direction does the person move after they walk?", "forward"),
        "2": row("query_body_part", "what body part does the person use?", "right_arm"),
        "3": row("query_action", "what action does the person do?", "run"),
        "4": row("query_action", "what action does the person do first?", "sit", "8"),
    }
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    (tmp_path / "split_question_ids.json").write_text(json.dumps({"train": ["3"], "val": [], "test": ["0", "1", "2", "4"]}))
    return tmp_path


def test_babelqa_is_exact_by_type(babelqa):
    chosen = options(babelqa)
    items = exact_match.BABELQA.build(chosen)
    assert [item.kind for item in items] == ["action", "direction", "body_part"]
    assert len(chosen.left_out) == 1 and "8" in chosen.left_out[0][0]  # its motion is not there
    assert items[0].question.choices == ("run", "sit", "walk")  # of all splits
    assert items[0].seconds == pytest.approx(3.0, abs=0.1)
    texts = ["Walk.", "The person moves forward.", "left arm"]
    assert exact_match.BABELQA.verdicts(items, texts) == [True, True, False]
    found = exact_match.measures(items, records_of(items, texts))["exact_match"]
    assert found["action"] == 1.0 and found["direction"] == 0.0 and found["overall"] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match=r"got no 'dev' in"):
        exact_match.BABELQA.build(options(babelqa, split="dev"))
    with pytest.raises(ValueError, match="Expected the folder of the data set"):
        exact_match.HUMMANQA.build(SuiteOptions())


# Counting


def test_counting_figures_by_hand():
    found = counting.counting_errors([4, 10, 2, 5], [4, 11, 5, None])
    assert found["OBZ"] == 0.25 and found["OBO"] == 0.5
    assert found["MAE"] == pytest.approx((0 + 0.1 + 1.5 + 1.0) / 4)
    assert found["RMSE"] == pytest.approx(((0 + 1 + 9 + 25) / 4) ** 0.5)
    assert counting.counted("The person does four squats.") == 4 and counting.counted("two or three") is None


def test_repcount_is_read_as_published(tmp_path):
    (tmp_path / "motions").mkdir()
    for name in ("a", "b"):
        np.savez(tmp_path / "motions" / f"{name}.npz", joints=make_walk(60), fps=20.0)
    (tmp_path / "test.csv").write_text(
        "type,name,count,L1\nsquat,a.mp4,4,10\njump_jack,b.mp4,7,3\nsquat,c.mp4,3,1\nsquat,a.mp4,,\n"
    )
    chosen = options(tmp_path)
    items = counting.build(chosen)
    assert [(item.kind, item.question.key) for item in items] == [("squat", "4"), ("jump_jack", "7")]
    assert items[1].question.question == "How many jump jack does the person do?"
    assert [name for name, _ in chosen.left_out] == ["c.mp4"]
    found = counting.measures(items, records_of(items, ["4.", "8 jumping jacks"]))["counting"]
    assert found["model"]["OBZ"] == 0.5 and found["model"]["OBO"] == 1.0 and found["blind"]["MAE"] == 1.0
    (tmp_path / "test.csv").write_text("type,name,count\nsquat,a.mp4,many\n")
    with pytest.raises(ValueError, match=r"got 'many' in row 1"):
        counting.build(chosen)


# Captions


@pytest.fixture
def humanml(tmp_path):
    for folder in ("texts", "new_joints"):
        (tmp_path / folder).mkdir()
    for name, frames in (("000001", 80), ("000002", 20), ("000003", 80)):
        np.save(tmp_path / "new_joints" / f"{name}.npy", make_walk(frames))
        (tmp_path / "texts" / f"{name}.txt").write_text(
            "a person walks forward.#a/DET person/NOUN#0.0#0.0\na man walks ahead#a/DET man/NOUN#0.0#0.0\n"
        )
    (tmp_path / "test.txt").write_text("000001\n000002\n000003\n")
    return tmp_path


def test_captions_have_all_references_and_lengths_of_the_protocol(humanml):
    items = captioning.HUMANML3D.build(options(humanml))
    assert [item.clip for item in items] == ["000001", "000003"]  # a second is too short
    assert items[0].facts["references"] == ["A person walks forward.", "A man walks ahead."]
    assert captioning.judge(items, ["a person walks forward", "he runs"]) == [True, False]
    with pytest.raises(ValueError, match=r"Expected the published layout of humanml3d.*val\.txt"):
        captioning.HUMANML3D.build(options(humanml, split="val"))


def test_caption_scores():
    pytest.importorskip("sacrebleu"), pytest.importorskip("rouge_score")
    references = [["a person walks forward", "a man walks ahead"], ["someone sits down on a chair"]]
    perfect = captioning.caption_scores(["A person walks forward.", "Someone sits down on a chair"], references)
    assert perfect["BLEU-1"] == pytest.approx(100) and perfect["BLEU-4"] == pytest.approx(100)
    assert perfect["ROUGE-L"] == pytest.approx(100)
    wrong = captioning.caption_scores(["bananas", "bananas"], references)
    assert wrong["BLEU-1"] == 0 and wrong["ROUGE-L"] == 0
    # 5 of 7 words are in the references, and nothing is too short: 4 + 3 words against 4 + 6.
    half = captioning.caption_scores(["a man walks forward", "someone stands up"], [references[0], ["someone sits up"]])
    assert half["BLEU-1"] == pytest.approx(100 * 6 / 7)
    assert half["ROUGE-L"] == pytest.approx(100 * (3 / 4 + 2 / 3) / 2)


def test_cider_rewards_what_is_rare():
    pytest.importorskip("pycocoevalcap")
    told = [["a person waves"], ["a person jumps"], ["a person sits"]]
    right = captioning.cider(["a person waves", "a person jumps", "a person sits"], told)
    usual = captioning.cider(["a person", "a person", "a person"], told)
    assert right > 3 * usual


# Spans of time


def test_overlap_by_hand():
    assert grounding.overlap((1, 3), (2, 4)) == pytest.approx(1 / 3)
    assert grounding.overlap((0, 1), (2, 3)) == 0 and grounding.overlap(None, (0, 1)) == 0
    assert grounding.span_in("From 1.5 to 4s.") == (1.5, 4.0) and grounding.span_in("At two seconds.") is None


def test_grounding_of_programs_and_babel(tmp_path):
    items = grounding.build(SuiteOptions(limit=6))
    assert all(item.question.question.startswith("From when to when is the person ") for item in items)
    assert all(grounding.judge(items, [item.question.answer for item in items]))
    texts = [item.question.answer for item in items[:3]] + ["I do not know."] * 3
    found = grounding.measures(items, records_of(items, texts))["grounding"]
    assert found["model"]["R@1 0.7"] == 0.5 and found["answered"] == 0.5 and found["blind"]["mIoU"] == 0
    assert 0 < found["whole"]["mIoU"] < 1 and max(found["median_error_s"]) < 0.06
    (tmp_path / "babel").mkdir()
    (tmp_path / "amass" / "CMU").mkdir(parents=True)
    np.savez(tmp_path / "amass" / "CMU" / "a.npz", joints=make_walk(120), fps=20.0)
    label = {"raw_label": "wave", "start_t": 1.0, "end_t": 2.5}
    entry = {"feat_p": "CMU/CMU/a.npz", "frame_ann": {"labels": [label, {**label, "raw_label": "transition"}]}}
    (tmp_path / "babel" / "test.json").write_text(json.dumps({"1": entry}))
    both = SuiteOptions(data=(str(tmp_path / "babel"), str(tmp_path / "amass")))
    (item,) = grounding.build(both)
    assert item.facts["span"] == [1.0, 2.5] and item.seconds == pytest.approx(6.0, abs=0.1)
    with pytest.raises(ValueError, match="Give --data twice"):
        grounding.build(options(tmp_path / "babel"))


# Judged by meaning


def test_replies_of_judges():
    assert read_verdict("yes 4") == (True, 4.0) and read_verdict("No, score: 1") == (False, 1.0)
    assert read_verdict("{'pred': 'yes', 'score': 4.8}") == (True, 4.8) and read_verdict("hm 17") == (False, 0.0)


@pytest.fixture
def movid_folder(tmp_path):
    np.savez(tmp_path / "walk.npz", joints=make_walk(60), fps=20.0)
    rows = [
        {"question": "Which way?", "answer": "Forward.", "type": "Direction", "motion": "walk.npz"},
        {"question": "And then?", "answer": "Nothing.", "type": "Sequentiality", "motion": "walk"},
        {"question": "Which leg?", "answer": "Both.", "type": "Direction", "motion": "walk.npz"},
        {"question": "Where?", "answer": "At home.", "type": "Direction", "video": "lost.mp4"},
    ]
    (tmp_path / "questions.json").write_text(json.dumps(rows))
    return tmp_path


def test_movid_gives_all_both_ways(movid_folder):
    chosen = options(movid_folder)
    items = movid.MOVID.build(chosen)
    assert [item.kind for item in items] == ["direction", "sequentiality", "direction"]
    assert [name for name, _ in chosen.left_out] == ["lost.mp4"]
    asked = []

    def reply(messages, run):
        asked.append(messages[1]["content"])
        return "yes 5" if "Predicted answer: forward" in messages[1]["content"] or run == 2 else "no 2"

    verdicts = MeaningJudge(reply)(items, ["forward", "sideways", ""])
    assert [verdict["correct"] for verdict in verdicts] == [True, False, False]
    assert verdicts[1]["agreement"] == pytest.approx(1 / 3) and verdicts[1]["score"] == 3.0
    assert len(asked) == 6 and "Correct answer: Forward." in asked[0]
    found = movid.measures(items, verdicts)["judged"]["motion"]
    assert found["model"]["accuracy"]["all_questions"] == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert found["model"]["accuracy"]["mean_of_kinds"] == pytest.approx((0.5 + 1 / 3) / 2)
    assert "blind" not in found
    with pytest.raises(ValueError, match="Give --judge"):
        movid.MOVID.judge_of(chosen)
    (movid_folder / "questions.json").write_text('[{"question": "Why?"}]')
    with pytest.raises(ValueError, match="in row 0"):
        movid.MOVID.build(chosen)


def test_a_judge_behind_an_address(movid_folder, monkeypatch):
    pytest.importorskip("httpx")
    seen = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.path, self.headers.get("Authorization"), body))
            fine = body["model"] == "judge-7b"
            self.send_response(200 if fine else 500)
            self.end_headers()
            self.wfile.write(json.dumps({"choices": [{"message": {"content": "yes 4"}}]}).encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("LLAMO_JUDGE_KEY", "made-up")
    try:
        address = f"http://127.0.0.1:{server.server_port}/v1"
        items = movid.MOVID.build(options(movid_folder, limit=1))
        (verdict,) = judge_for(SuiteOptions(judge=address, judge_model="judge-7b"))(items, ["ahead"])
        assert verdict == {"correct": True, "agreement": 1.0, "score": 4.0}
        path, key, body = seen[0]
        assert path == "/v1/chat/completions" and key == "Bearer made-up" and len(seen) == 3
        assert body["temperature"] == 0 and "Predicted answer: ahead" in body["messages"][1]["content"]
        with pytest.raises(ValueError, match=r"Expected a chat completion from the judge, got HTTPStatusError"):
            judge_for(SuiteOptions(judge=address, judge_model="other"))(items, ["ahead"])
    finally:
        server.shutdown()


# Multiple choice


def test_likelihood_is_that_of_the_answer_alone(model, processor):
    items = [item for item in multiple_choice.build(SuiteOptions(limit=12)) if item.question.kind == "choice"][:2]
    session = Session(processor, model, "llamo", 2)
    assert multiple_choice.answers_of(items[0])[0][:3] in ("A) ", items[0].question.choices[0].capitalize()[:3])
    for item in items:
        answers = multiple_choice.answers_of(item)
        together = multiple_choice.likelihoods(session, item, answers)
        alone = [multiple_choice.likelihoods(session, item, [text])[0] for text in answers]
        assert together == pytest.approx(alone, abs=1e-4) and all(value < 0 for value in together)
        assert multiple_choice.likelihoods(session, item, answers, blind=True) != pytest.approx(together, abs=1e-6)
    records = [{"correct": True} for _ in items]
    found = multiple_choice.measures(items, records, session)["multiple_choice"]
    assert found["generation"] == 1.0 and 0 <= found["likelihood"] <= 1 and "likeliest" in records[0]
    assert torch.is_grad_enabled()
