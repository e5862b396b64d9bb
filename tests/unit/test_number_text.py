"""Long runs of written numbers: right to the last bit, in blocks, with the line of what is wrong, in little memory."""

import tracemalloc

import numpy as np
import pytest

from llamo.processing import number_text_llamo
from llamo.processing.motion_errors_llamo import MotionFormatError
from llamo.processing.number_text_llamo import read_numbers


def read(text: str, expected: int = 10) -> np.ndarray:
    return read_numbers(text.encode(), 0, expected, "clip.bvh", [], "Export it again.")


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r", " ", "\t"])
def test_blocks_end_where_numbers_do(monkeypatch, separator):
    rng = np.random.default_rng(0)
    words = [f"{value:.{digits}g}" for value, digits in zip(rng.normal(size=500) * 100, rng.integers(1, 17, 500))]
    monkeypatch.setattr(number_text_llamo, "BLOCK_BYTES", 64)
    assert read(separator.join(words)).tolist() == [float(word) for word in words]


@pytest.mark.parametrize("expected", [1, 500, 10**9])
def test_the_declared_number_is_only_a_hint(expected, monkeypatch):
    monkeypatch.setattr(number_text_llamo, "BLOCK_BYTES", 100)
    assert read("1.5 2\n" * 250, expected).tolist() == [1.5, 2.0] * 250


def test_nothing_but_blanks_is_no_number():
    assert read(" \n\t\n").tolist() == []


@pytest.mark.parametrize("word, told", [("1_0", "'1_0'"), ("nan", "finite"), ("1e30", "1e+30"), ("four", "'four'")])
def test_damage_is_named_with_its_place(monkeypatch, word, told):
    monkeypatch.setattr(number_text_llamo, "BLOCK_BYTES", 40)
    with pytest.raises(MotionFormatError, match=r"clip\.bvh") as error:
        read("1 2\n" * 30 + f"3 {word}\n" + "4 5\n" * 30)
    assert told in str(error.value)
    assert ("line 31" in str(error.value)) or ("number 62" in str(error.value))


def test_a_word_longer_than_a_block_is_refused(monkeypatch):
    monkeypatch.setattr(number_text_llamo, "BLOCK_BYTES", 40)
    with pytest.raises(MotionFormatError, match="40 bytes without one"):
        read("1" * 100)


def test_memory_is_that_of_the_numbers_and_a_few_blocks():
    text = ("-12.3456 " * 99 + "0.5000\n").encode() * 4000  # 3.6 MB of 400,000 numbers
    read_numbers(text[:2000], 0, 100, "clip.bvh", [], "")  # imports
    tracemalloc.start()
    values = read_numbers(text, 0, 400_000, "clip.bvh", [], "")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(values) == 400_000
    assert peak < values.nbytes + 12 * number_text_llamo.BLOCK_BYTES
