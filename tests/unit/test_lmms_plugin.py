"""LLaMo behind lmms-eval's interface. It is no dependency; where it is installed, this is what it meets."""

import re

import numpy as np
import pytest
from conftest import make_walk


lmms_eval = pytest.importorskip("lmms_eval.api.model", reason="lmms-eval is not installed")


def test_the_entry_point_is_declared_and_loads(root):
    declared = re.search(r'"lmms_eval.models": \["llamo = ([\w.]+):(\w+)"\]', (root / "setup.py").read_text(encoding="utf-8"))
    assert declared.groups() == ("llamo.train.evaluation.lmms_plugin", "manifest")
    from llamo.train.evaluation.lmms_plugin import manifest

    assert manifest().model_id == "llamo" and manifest().simple_class_path.endswith("lmms_model.Llamo")


def test_requests_are_answered_in_order(model, processor, tmp_path, monkeypatch):
    from lmms_eval.api.instance import Instance

    from llamo.train.evaluation import lmms_model

    monkeypatch.setattr(lmms_model, "load_model", lambda *_: (processor, model))
    served = lmms_model.Llamo.create_from_arg_string("pretrained=llamo", {"batch_size": 2})
    np.savez(tmp_path / "walk.npz", joints=make_walk(40), fps=20.0)
    path = str(tmp_path / "walk.npz")
    served.task_dict = {"walks": {"test": [{"shown": path}, {"shown": make_walk(60)}, {"shown": None}, {"shown": object()}]}}

    def request(kind, doc_id, *arguments):
        meta = {"task": "walks", "doc_id": doc_id, "repeats": 1}
        shown = lambda doc: [] if doc["shown"] is None else [doc["shown"]]  # noqa: E731
        return Instance(kind, (*arguments, shown, doc_id, "walks", "test"), 0, meta)

    asked = [request("generate_until", place, f"Question {place}?", {"max_new_tokens": 4}) for place in (1, 0)]
    together = served.generate_until(asked)
    assert together == [served.generate_until([one])[0] for one in asked]
    assert len(served.generate_until([request("generate_until", 2, "Hello", {"max_new_tokens": 2, "until": ["\n"]})])) == 1
    with pytest.raises(ValueError, match="Expected a motion file's path"):
        served.generate_until([request("generate_until", 3, "What?", {})])
    total, greedy = served.loglikelihood([request("loglikelihood", 0, "How far?", "2 metres")])[0]
    assert total < 0 and greedy in (True, False)
    assert isinstance(served, lmms_eval.lmms)


def test_stop_strings():
    from llamo.train.evaluation.lmms_model import cut

    assert cut("yes\nno", "\n") == "yes" and cut("a b###c", ["###", "x"]) == "a b" and cut(" a ", None) == "a"
