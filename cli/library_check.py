"""`llamo library check`: what to look at in a library before it is labelled or trained on. No model is needed."""

import json
from dataclasses import asdict

from llamo.cli.caption import refuse_all_unreadable
from llamo.cli.library.clips import find_clips, hash_of
from llamo.cli.motion_files import check_said, read_file
from llamo.cli.session import BadInputError


# What to do about clips that are there twice.
REMEDIES = {
    "same file": "keep one of them",
    "same motion": "keep one of them",
    "mirrored": "keep one of them, or both on the same side of a split",
}


def check_library(paths: list[str], said: dict, model: str = "llamo") -> dict:
    """Problems of single clips and clips that are there twice; `model` is the checkpoint whose estimator reads videos.

    Returns:
        `clips` (how many), `unreadable` `[{"path", "error"}]`, `problems` `[{"path", "kind", "at_s", "says", "do"}]` and
        `duplicates` `[{"paths", "kind", "metres", "do"}]`, all plain values.

    Raises:
        BadInputError: no clips there.
    """
    from tqdm.auto import tqdm

    from llamo.train.library.duplicates import find_duplicates, fingerprint
    from llamo.train.library.quality import find_problems

    clips = find_clips(paths)
    check_said((clip.path for clip in clips), said)
    result: dict = {"clips": len(clips), "unreadable": [], "problems": [], "duplicates": []}
    first_of: dict[str, str] = {}
    errors: dict[str, str] = {}
    read, prints, seconds = [], [], []
    for clip in tqdm(clips, desc="clips", unit="clip", disable=None):
        digest = hash_of(clip.path)
        first = clip.path if digest is None else first_of.setdefault(digest, clip.path)
        if first in errors:  # a copy of what could not be read
            errors[clip.path] = errors[first].replace(first, clip.path)
            continue
        if first != clip.path:
            result["duplicates"].append(duplicate([first, clip.path], "same file", 0.0))
            continue
        try:
            raw, _ = read_file(clip.path, said, model)
            problems = find_problems(raw.joints, raw.fps)
            prints.append(fingerprint(raw.joints, raw.fps))
        except (BadInputError, ValueError) as error:
            errors[clip.path] = " ".join(str(error).splitlines())
            continue
        except Exception as error:  # a file may break a reader in ways that nobody thought of
            errors[clip.path] = f"{type(error).__name__}: {' '.join(str(error).splitlines())} (while reading {clip.path})"
            continue
        read.append(clip.path)
        seconds.append(len(raw.joints) / raw.fps)
        result["problems"] += [{"path": clip.path, **asdict(problem)} for problem in problems]
    for pair in find_duplicates(prints, seconds):
        result["duplicates"].append(duplicate([read[pair.first], read[pair.second]], pair.kind, pair.metres))
    result["unreadable"] = [{"path": path, "error": error} for path, error in errors.items()]
    return result


def duplicate(paths: list[str], kind: str, metres: float) -> dict:
    return {"paths": paths, "kind": kind, "metres": metres, "do": REMEDIES[kind]}


def refuse_unchecked(result: dict) -> None:
    """Ends the program where nothing was checked, so that silence is no praise.

    Raises:
        typer.Exit: code 1, where not one clip could be read.
    """
    if len(result["unreadable"]) == result["clips"]:
        refuse_all_unreadable({each["path"]: each["error"] for each in result["unreadable"]})


def render(result: dict, as_json: bool) -> str:
    """A line for each finding, and what to do."""
    if as_json:
        return json.dumps(result, ensure_ascii=False)
    lines = [f"{each['path']}: cannot be read: {each['error']}" for each in result["unreadable"]]
    for each in result["problems"]:
        at = "" if each["at_s"] is None else f" at {each['at_s']:.2f} s"
        lines.append(f"{each['path']}: {each['kind']}{at}: {each['says']}; {each['do']}")
    for each in result["duplicates"]:
        away = f", {100 * each['metres']:.1f} cm apart" if each["metres"] else ""
        lines.append(f"{each['paths'][1]}: {each['kind']} as {each['paths'][0]}{away}; {each['do']}")
    counts = (
        f"{len(result['unreadable'])} unreadable, {len(result['problems'])} problems, {len(result['duplicates'])} duplicates"
    )
    return "\n".join([*lines, f"{result['clips']} clips: {counts}"])
