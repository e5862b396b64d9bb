"""Damaged files of every reader, thousands of them: each one is read as a valid motion or refused, and soon.

A further reader is one more row of SAMPLES in tests/motion_samples.py.
"""

import struct
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from motion_samples import SAMPLES

from llamo.processing.motion_formats_llamo import MotionFormatError, RawMotion, read_motion


SECONDS = 2.0  # of this process's own time, on a slow machine; a valid sample takes milliseconds
LIMITS = {"max_bytes": 4 << 20, "max_frames": 2_000}
# What tends to break readers of text and of numbers.
WORDS = [
    b"", b"\0", b"\n", b"\t", b" ", b"{", b"}", b"#", b":", b"-", b".", b"nan", b"inf", b"-inf", b"1e999", b"-1", b"0",
    b"99999999999", b"1e-320", b"\xff", b"\xff\xff\xff\xff", b"\xc3\x28", b"0x10", b"1_000", b"NaN,", b"root", b"JOINT",
    b"End Site", b"begin", b"end", b"Frames:", b"\r", b"\xef\xbb\xbf", b"\xd9\xa1", b"PK\x05\x06", b"[[[[[[[[", b'"', b"null",
    b"{}", b"4294967295",
]  # fmt: skip
INTEGERS = [0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1]
FLOATS = [0.0, -0.0, 1.0, -1.0, 1e-38, 1e38, np.nan, np.inf, -np.inf]

edits = st.one_of(
    st.tuples(st.just("put"), st.floats(0, 1), st.sampled_from(WORDS)),
    st.tuples(st.just("over"), st.floats(0, 1), st.one_of(st.binary(min_size=1, max_size=6), st.sampled_from(WORDS))),
    st.tuples(st.just("over"), st.floats(0, 1), st.sampled_from(INTEGERS).map(lambda n: struct.pack("<I", n))),
    st.tuples(st.just("over"), st.floats(0, 1), st.sampled_from(INTEGERS).map(lambda n: struct.pack(">H", n & 0xFFFF))),
    st.tuples(st.just("over"), st.floats(0, 1), st.sampled_from(FLOATS).map(lambda n: struct.pack("<f", n))),
    st.tuples(st.just("head"), st.floats(0, 1), st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from(WORDS))),
    st.tuples(st.just("word"), st.floats(0, 1), st.sampled_from(WORDS)),
    st.tuples(st.just("cut"), st.floats(0, 1), st.integers(1, 2_000)),
    st.tuples(st.just("again"), st.floats(0, 1), st.integers(1, 2_000)),
    st.tuples(st.just("end"), st.floats(0, 1), st.just(0)),
)


def damage(data: bytes, changes) -> bytes:
    """The file after some edits, each at a share of its length."""
    for kind, share, what in changes:
        at = int(share * len(data))
        if kind == "put":
            data = data[:at] + what + data[at:]
        elif kind == "over":
            data = data[:at] + what + data[at + len(what) :]
        elif kind == "head":  # where counts and offsets are
            at = int(share * min(len(data), 1024))
            data = data[:at] + what + data[at + len(what) :]
        elif kind == "word":  # a whole word of text
            start = max(data.rfind(b" ", 0, at), data.rfind(b"\t", 0, at), data.rfind(b"\n", 0, at)) + 1
            ends = [place for place in (data.find(space, at) for space in (b" ", b"\t", b"\n")) if place >= 0]
            data = data[:start] + what + data[min(ends, default=len(data)) :]
        elif kind == "cut":
            data = data[:at] + data[at + what :]
        elif kind == "again":
            data = data[: at + what] + data[at:]
        else:
            data = data[:at]
    return data


def check(name: str, data: bytes, forced: bool) -> None:
    sample = SAMPLES[name]
    arguments = sample.arguments(data) | LIMITS
    if forced:
        arguments["format"] = sample.format
    started = time.process_time()
    try:
        motion = read_motion(**arguments)
    except MotionFormatError as error:
        assert error.expected and error.got and error.where and error.remedy
        assert len(str(error)) < 4_000
    else:
        check_motion(motion)
    assert time.process_time() - started < SECONDS


def check_motion(motion: RawMotion) -> None:
    assert motion.joints.dtype == np.float32 and motion.joints.shape[1:] == (22, 3)
    assert 1 <= len(motion.joints) <= LIMITS["max_frames"] and np.isfinite(motion.joints).all()
    assert 0.1 <= motion.fps <= 10_000 and motion.source_frames >= len(motion.joints) and motion.source_joints >= 1
    assert motion.format and motion.units and motion.skeleton and motion.up_axis in ("+x", "-x", "+y", "-y", "+z", "-z")
    assert all(isinstance(note, str) and note for note in motion.assumed)


def damaged_files(name: str, count: int):
    """Runs `check` on `count` damaged copies of a sample."""
    valid = SAMPLES[name].make()

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(edits, min_size=1, max_size=4), st.booleans())
    def run(changes, forced):
        check(name, damage(valid, changes), forced)

    run()


@pytest.mark.parametrize("name", list(SAMPLES))
def test_the_samples_are_valid_and_reported_on(name):
    if name == "gltf":
        pytest.importorskip("pygltflib")
    sample = SAMPLES[name]
    motion = read_motion(**sample.arguments(sample.make()))
    check_motion(motion)
    assert motion.format == sample.format
    assert motion.seconds == pytest.approx(max(len(motion.joints) - 1, 1) / motion.fps)


@pytest.mark.parametrize("name", list(SAMPLES))
def test_200_damaged_files(name):
    if name == "gltf":
        pytest.importorskip("pygltflib")
    damaged_files(name, 200)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SAMPLES))
def test_2000_damaged_files(name):
    if name == "gltf":
        pytest.importorskip("pygltflib")
    damaged_files(name, 2_000)


@pytest.mark.parametrize("name", list(SAMPLES))
def test_files_that_end_early_and_noise(name):
    """Every kind of end, at 40 places; and noise after a valid beginning."""
    if name == "gltf":
        pytest.importorskip("pygltflib")
    valid = SAMPLES[name].make()
    rng = np.random.default_rng(0)
    for share in np.linspace(0, 1, 40, endpoint=False):
        check(name, valid[: int(share * len(valid))], True)
    for length in (2, 8, 64, 512, 1024):
        check(name, valid[:length] + rng.bytes(3_000), True)
        check(name, valid[:length] + rng.bytes(3_000), False)


@pytest.mark.parametrize(
    "filler", [b"\n", b" ", b"\t", b"\r\n", b"#\n", b"//\n", b"{", b"}", b":", b"[", b"A", b"\0", b"\xff", b"1 "]
)
def test_runs_of_one_thing_are_refused_at_once(filler):
    """Patterns that try every way to divide a run would not come back."""
    heads = (b"", b"HIERARCHY\n", b":version\n", b":DEGREES\n", b"PathFileType")
    for data in [head + filler * 20_000 for head in heads]:
        for forced in (None, "bvh", "amc", "trc", "c3d"):
            started = time.process_time()
            with pytest.raises(MotionFormatError):
                read_motion(data, format=forced, asf=SAMPLES["asf"].make() if forced == "amc" else None, **LIMITS)
            assert time.process_time() - started < SECONDS
