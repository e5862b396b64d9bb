# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Long runs of written numbers to float64, block by block: what most of a BVH file consists of."""

import io

import numpy as np

from .motion_errors_llamo import MotionFormatError


# Numbers are read in blocks of this many bytes, so that the peak memory is the file plus its numbers; small blocks, and the
# four bytes that Python's text buffer takes for each of theirs, stay in the processor's cache as well.
BLOCK_BYTES = 1 << 18
MAX_NUMBER = 1e9  # larger lengths and angles are damage, and their squares would overflow


def read_numbers(
    data: bytes, start: int, expected: int, where: str, notes: list[str], remedy: str, max_number: float = MAX_NUMBER
) -> np.ndarray:
    """The white-space separated numbers from byte `start` to the end, whatever lines they stand on.

    Memory beside `data` is that of the numbers and of a few blocks.

    Args:
        data (`bytes`): the whole file.
        start (`int`): the byte at which the numbers begin.
        expected (`int`): how many there should be; there may be fewer or more.
        where (`str`): the file's name, for messages.
        notes (`list[str]`): gets a sentence where commas were read.
        remedy (`str`): what the user should do about damage.
        max_number (`float`): numbers farther from 0 are refused.

    Returns:
        `np.ndarray` of shape `(count,)`, float64.

    Raises:
        MotionFormatError: something is no number, not finite or absurdly large.
    """
    commas = None
    if data.find(b",", start) >= 0:
        # Decimal commas where there is no point anywhere (some locales); otherwise commas between the numbers.
        decimal = data.find(b".", start) < 0
        commas = bytes.maketrans(b",", b"." if decimal else b" ")
        notes.append(
            "decimal commas are read as decimal points" if decimal else "commas between the numbers are read as spaces"
        )
    # No file holds more numbers than half of its bytes, whatever it declares.
    values = np.empty(min(expected, (len(data) - start) // 2 + 1))
    count, line, unread = 0, data.count(b"\n", 0, start) + 1, start
    while unread < len(data):
        end = _block_end(data, unread, where, line, remedy)
        block = data[unread:end]
        newlines = block.count(b"\n")
        if commas is not None:
            block = block.translate(commas)
        found = parse_block(block, where, line, remedy)
        if len(found):
            # Comparisons with NaN are false: this finds NaN, infinity and absurd numbers.
            if not (found.max() <= max_number and found.min() >= -max_number):
                at = int(np.flatnonzero(~(np.abs(found) <= max_number))[0])
                raise MotionFormatError(
                    f"finite numbers up to {max_number:g}",
                    f"{found[at]} as number {count + at + 1:,}",
                    f"{where}, MOTION",
                    "Repair that frame in the program that wrote the file, and export it again.",
                )
            if count + len(found) > len(values):
                values = np.concatenate([values, np.empty(max(len(found), len(values) // 4))])
            values[count : count + len(found)] = found
            count += len(found)
        line += newlines
        unread = end
    return values[:count]


def _block_end(data: bytes, start: int, where: str, line: int, remedy: str) -> int:
    """Where the block that begins at `start` ends: at a line end, or at a blank where one line is longer than a block."""
    end = start + BLOCK_BYTES
    if end >= len(data):
        return len(data)
    cut = max(data.rfind(b"\n", start, end), data.rfind(b"\r", start, end))
    cut = cut if cut > start else max(data.rfind(b" ", start, end), data.rfind(b"\t", start, end))
    if cut <= start:
        raise MotionFormatError(
            "numbers with blanks between them", f"{BLOCK_BYTES:,} bytes without one", f"{where}, line {line}", remedy
        )
    return cut


def parse_block(block: bytes, where: str, line: int, remedy: str) -> np.ndarray:
    """The numbers of one block that begins in line `line` of the file, `(count,)` float64.

    Raises:
        MotionFormatError: a word that is no number.
    """
    if not block.strip():
        return np.empty(0)
    text = block.decode("latin-1")
    try:
        # NumPy's table reader is the fastest strict one. It wants as many numbers on every line, as most files have.
        return np.loadtxt(io.StringIO(text), comments=None, ndmin=2).reshape(-1)
    except ValueError:
        pass
    words = text.split()
    try:
        if "_" in text:
            raise ValueError
        return np.array(list(map(float, words)))
    except ValueError:
        for number, row in enumerate(text.split("\n"), line):
            for word in row.split():
                try:
                    float(word if "_" not in word else "")
                except ValueError:
                    raise MotionFormatError(
                        "numbers in the MOTION block",
                        repr(word[:40]),
                        f"{where}, line {number}",
                        "The file is damaged, or more than one motion stands in it. " + remedy,
                    ) from None
        raise
