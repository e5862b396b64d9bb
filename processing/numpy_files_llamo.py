# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""Arrays out of `.npy` and `.npz` files of strangers: no pickles, and nothing is unpacked before its size is known."""

import io
import math
import zipfile
import zlib

import numpy as np

from .motion_errors_llamo import MotionFormatError


MAX_HEADER_BYTES = 4096
MAX_ARRAYS = 1000
DAMAGED = "The file is cut off or damaged. Copy or save it again."
NO_PICKLES = "Pickles can run code and are never opened. Save plain arrays of numbers with numpy.save or numpy.savez."

# What the standard library raises on damaged, encrypted or unusual archives.
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
)


class NumpyArchive:
    """A `.npz` file in memory, whose arrays are read one by one on demand.

    Args:
        data (`bytes`): the whole file.
        where (`str`): its name, for messages.
        max_bytes (`int`): arrays that unpack to more are refused before they are unpacked.

    Attributes:
        shapes (`dict[str, tuple]`): the arrays' names and shapes, None where a header cannot be read.

    Raises:
        MotionFormatError: where the archive itself is damaged.
    """

    def __init__(self, data: bytes, where: str, max_bytes: int):
        self.where, self.max_bytes = where, max_bytes
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            infos = [info for info in self._archive.infolist() if info.filename.endswith(".npy")]
            self._entries = {info.filename.removesuffix(".npy"): info for info in infos}
        except ZIP_ERRORS as error:
            raise MotionFormatError("a whole npz archive", f"a damaged one ({error})", where, DAMAGED) from None
        self.shapes: dict[str, tuple[int, ...] | None] = {}
        for name, info in list(self._entries.items())[:MAX_ARRAYS]:
            try:
                with self._archive.open(info) as stream:
                    self.shapes[name] = read_header(stream, f"{where}, array {name!r}")[0]
            except (MotionFormatError, *ZIP_ERRORS):
                # An array that cannot be read matters only if it is the one that is needed.
                self.shapes[name] = None

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def listing(self) -> str:
        """The first arrays in words, for messages."""
        shapes = list(self.shapes.items())[:8]
        return ", ".join(f"{key} {shape if shape is not None else '(unreadable)'}" for key, shape in shapes) or "no arrays"

    def load(self, name: str, max_frames: int | None = None) -> np.ndarray:
        """One array, of any kind of plain values.

        Args:
            name (`str`): its name.
            max_frames (`int`, *optional*): longer first axes are refused before they are unpacked.

        Raises:
            MotionFormatError: a damaged, too large or pickled array.
        """
        here = f"{self.where}, array {name!r}"
        try:
            with self._archive.open(self._entries[name]) as stream:
                return read_array(stream, self._entries[name].file_size, here, self.max_bytes, max_frames)
        except MotionFormatError:
            raise
        except ZIP_ERRORS as error:
            raise MotionFormatError("a whole array", f"a damaged one ({error})", here, DAMAGED) from None

    def numbers(self, name: str, max_frames: int | None = None) -> np.ndarray:
        """One array of numbers, as float64.

        Raises:
            MotionFormatError: as `load`, and where its values are no real numbers.
        """
        array = self.load(name, max_frames)
        if array.dtype.kind not in "fiu":
            raise MotionFormatError(
                "numbers", f"values of type {array.dtype}", f"{self.where}, array {name!r}", "Save it as an array of floats."
            )
        return array.astype(np.float64)

    def number(self, name: str) -> float:
        """One number.

        Raises:
            MotionFormatError: as `numbers`, and where there are none or several.
        """
        array = self.numbers(name)
        if array.size != 1:
            raise MotionFormatError(
                "one number",
                f"an array of shape {array.shape}",
                f"{self.where}, array {name!r}",
                f"Save {name} as one number.",
            )
        return array.reshape(-1)[0].item()


def archive_shapes(data: bytes) -> dict[str, tuple[int, ...] | None]:
    """Names and shapes of the arrays of a `.npz` file in memory; empty for anything else."""
    if data[:4] != b"PK\x03\x04":
        return {}
    try:
        return NumpyArchive(data, "", 0).shapes
    except MotionFormatError:
        return {}


def array_shape(data: bytes) -> tuple[int, ...] | None:
    """The shape of a `.npy` file in memory; None for anything else."""
    if data[:6] != b"\x93NUMPY":
        return None
    try:
        return read_header(io.BytesIO(data), "")[0]
    except MotionFormatError:
        return None


def read_header(stream, where: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype of a `.npy` stream, which then stands at its values.

    Raises:
        MotionFormatError: a damaged header, or one of pickled objects.
    """
    # A header may declare a length of 4 GB, and NumPy reads it before it looks at its size.
    head = stream.read(8)
    size = stream.read(2 if head[6:7] == b"\x01" else 4)
    length = int.from_bytes(size, "little")
    try:
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"{length:,} bytes of header")
        whole = io.BytesIO(head + size + stream.read(length))
        version = np.lib.format.read_magic(whole)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = reader(whole, max_header_size=MAX_HEADER_BYTES)
    except Exception as error:  # a header is a Python literal: anything may stand there
        raise MotionFormatError("a NumPy array", f"a damaged header ({str(error)[:80]})", where, DAMAGED) from None
    if dtype.hasobject:
        raise MotionFormatError("plain numbers", "a pickled object array", where, NO_PICKLES)
    return shape, fortran, dtype


def read_array(stream, size: int, where: str, max_bytes: int, max_frames: int | None = None) -> np.ndarray:
    """One array out of a stream of `size` bytes. Its declared shape is checked before its values are read.

    Raises:
        MotionFormatError: a damaged, cut off, too large or pickled array.
    """
    shape, fortran, dtype = read_header(stream, where)
    if any(n < 0 for n in shape):
        raise MotionFormatError("a shape without negative numbers", f"{shape}", where, DAMAGED)
    if max_frames is not None and len(shape) > 1 and shape[0] > max_frames:
        raise MotionFormatError(
            f"at most {max_frames:,} frames",
            f"{shape[0]:,}",
            where,
            "Cut the motion into shorter files, or raise `max_frames`.",
        )
    nbytes = math.prod(shape) * dtype.itemsize
    if nbytes > max_bytes:
        raise MotionFormatError(
            f"at most {max_bytes:,} bytes",
            f"{nbytes:,} (shape {shape}, {dtype})",
            where,
            "Cut the motion into shorter files, or raise `max_bytes`.",
        )
    if nbytes > size:
        raise MotionFormatError(
            f"{nbytes:,} bytes of values (shape {shape}, {dtype})", f"{size:,} in the whole file", where, DAMAGED
        )
    values = stream.read(nbytes)
    if len(values) < nbytes:
        raise MotionFormatError(f"{nbytes:,} bytes of values (shape {shape}, {dtype})", f"{len(values):,}", where, DAMAGED)
    try:
        return np.frombuffer(values, dtype=dtype).reshape(shape, order="F" if fortran else "C")
    except ValueError as error:  # types without a size, as "U0"
        raise MotionFormatError("an array of numbers", f"{error}", where, DAMAGED) from None
