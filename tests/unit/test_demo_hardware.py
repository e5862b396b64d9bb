"""The demo on ZeroGPU: another process generates, what goes there and comes back is pickled, and errors lose their words."""

import pickle

import pytest
from conftest import make_processor
from demo_samples import demo_module, write_tiny_checkpoint, write_walk


pytest.importorskip("gradio")
assistant_module = demo_module("assistant")


class Elsewhere:
    """Does to a function what `spaces.GPU` does to it on ZeroGPU, without a GPU; counts the calls."""

    calls = 0

    def __call__(self, function):
        def generate(*arguments):
            self.calls += 1
            try:
                for value in function(*pickle.loads(pickle.dumps(arguments))):
                    yield pickle.loads(pickle.dumps(value))
            except Exception as error:
                raise RuntimeError("ZeroGPU worker error") from error

        return generate


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return str(write_tiny_checkpoint(tmp_path_factory.mktemp("zero") / "tiny"))


def test_answers_are_the_same_and_refusals_keep_their_words(checkpoint, tmp_path, monkeypatch):
    clip = demo_module("clips").read_clip(make_processor(), [str(write_walk(tmp_path / "walk.npz"))])
    here = assistant_module.Assistant(checkpoint)
    elsewhere = Elsewhere()
    monkeypatch.setattr(assistant_module, "GPU", elsewhere)
    there = assistant_module.Assistant(checkpoint)
    told = []
    for assistant in (here, there):
        talk = demo_module("conversation").Conversation([clip])
        told.append((list(talk.ask(assistant, "How many?", 0.0, 12)), talk.looked_at, talk.shown()))
    assert told[0] == told[1] and len(told[0][0]) > 1 and told[0][1] and elsewhere.calls == 1
    talk = demo_module("conversation").Conversation([clip])
    with pytest.raises(ValueError, match="placeholder"):
        list(talk.ask(there, "<|motion|>", 0.0, 12))
    assert elsewhere.calls == 1 and not talk.messages, "no GPU is asked for"
