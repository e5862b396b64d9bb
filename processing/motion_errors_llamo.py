# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""The one exception of everything that reads motion."""


class MotionFormatError(ValueError):
    """A motion file, or a motion in memory, that cannot be read as a person's motion.

    The message always has four parts: what was expected, what was got, where, and what to do about it.

    Args:
        expected (`str`): what a readable input has at this place.
        got (`str`): what this input has instead.
        where (`str`): the file and the line, joint, array or frame.
        remedy (`str`): what the user can do, as a full sentence.
    """

    def __init__(self, expected: str, got: str, where: str, remedy: str):
        # All four go to `args`, so that the error survives pickling by a data loader's worker process.
        super().__init__(expected, got, where, remedy)
        self.expected, self.got, self.where, self.remedy = expected, got, where, remedy

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, got {self.got}. {self.remedy}"

    def at(self, where: str) -> "MotionFormatError":
        """The same error with an outer place (a file name) put before its own."""
        return type(self)(self.expected, self.got, f"{where}: {self.where}" if self.where else where, self.remedy)


class VideoFormatError(MotionFormatError):
    """A file that cannot be read as a video, or a video beyond the limits."""
