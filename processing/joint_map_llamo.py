# Copyright 2026 The LLaMo authors. Licensed under the Apache License, Version 2.0.
"""The caller's own word on which source joint is which: a dict, or a JSON file with one.

>>> check_joint_map({"left_knee": "Knie_L", "pelvis": ["LASI", "RASI", "LPSI", "RPSI"], "head": 15})
{'left_knee': ('Knie_L',), 'pelvis': ('LASI', 'RASI', 'LPSI', 'RPSI'), 'head': (15,)}
"""

import json
import os

from .motion_errors_llamo import MotionFormatError
from .skeleton_mapping_llamo import TARGET_NAMES


MAX_JSON_BYTES = 1 << 20
EXAMPLE = (
    'Write for example {"left_knee": "LeftLeg", "right_knee": "RightLeg"}: LLaMo\'s joint names on the left, names (or '
    "numbers, or lists to be averaged) of the file's joints on the right."
)


def check_joint_map(joint_map, where: str = "joint_map") -> dict[str, tuple] | None:
    """A dict, or the path of a JSON file with one, to our joint names -> a tuple of source names or indices.

    Raises:
        MotionFormatError: a file that is no JSON, names that are not LLaMo's, or values that name nothing.
    """
    if joint_map is None:
        return None
    if isinstance(joint_map, (str, os.PathLike)):
        where = f"{where} {os.fspath(joint_map)}"
        joint_map = _read_json(joint_map, where)
    if not isinstance(joint_map, dict):
        raise MotionFormatError("a dict, or the path of a JSON file with one", f"{type(joint_map).__name__}", where, EXAMPLE)
    # Arrow gives every row of a data set every key; what was not said is None there.
    said = {str(name).strip(): value for name, value in joint_map.items() if value is not None}
    unknown = [name for name in said if name not in TARGET_NAMES]
    if unknown:
        raise MotionFormatError(f"joints out of {', '.join(TARGET_NAMES)}", f"{', '.join(unknown[:5])}", where, EXAMPLE)
    if not said:
        raise MotionFormatError("at least one joint", "none", where, EXAMPLE)
    checked = {}
    for name, value in said.items():
        parts = tuple(value) if isinstance(value, (list, tuple)) else (value,)
        good = all(isinstance(part, (str, int)) and not isinstance(part, bool) and part != "" for part in parts)
        if not parts or not good:
            raise MotionFormatError("names or numbers of source joints", f"{value!r}", f"{where}, {name}", EXAMPLE)
        checked[name] = parts
    return checked


def _read_json(path, where: str):
    try:
        if os.path.getsize(path) > MAX_JSON_BYTES:
            raise MotionFormatError(f"at most {MAX_JSON_BYTES:,} bytes of JSON", f"{os.path.getsize(path):,}", where, EXAMPLE)
        with open(path, encoding="utf-8-sig") as file:
            return json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, MotionFormatError):
            raise
        raise MotionFormatError("a JSON file", f"{type(error).__name__}: {error}", where, EXAMPLE) from None
