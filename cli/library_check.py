"""`llamo library check`: what to look at in a library before it is labelled or trained on. No model is needed."""

import json
from dataclasses import asdict

from llamo.cli.library.clips import find_clips, hash_of
from llamo.cli.motion_files import check_said, read_file
from llamo.cli.session import BadInputError


def check_library(paths: list[str], said: dict, model: str = "llamo") -> dict:
    """Problems of single clips and clips that are there twice; `model` is the checkpoint whose estimator reads videos.

    Returns:
        `clips` (how many), `unreadable` `[{"path", "error"}]`, `problems` `[{"path", "kind", "at_s", "says", "do"}]` and
        `duplicates` `[{"paths", "kind", "metres"}]`, all plain values.

    Raises:
        BadInputError: no clips there.
    """
    from tqdm.auto import tqdm

    from llamo.train.library.duplicates import find_duplicates, fingerprint
    from llamo.train.library.quality import find_problems

    clips = find_clips(paths)
    check_said((clip.path for clip in clips), said)
    result: dict = {"clips": len(clips), "unreadable": [], "problems": [], "duplicates": []}
    first_of: dict[str | None, str] = {}
    read, prints, seconds = [], [], []
    for clip in tqdm(clips, desc="clips", unit="clip", disable=None):
        digest = hash_of(clip.path)
        if digest in first_of:
            pair = [first_of[digest], clip.path]
            result["duplicates"].append({"paths": pair, "kind": "same file", "metres": 0.0})
            continue
        first_of[digest] = clip.path
        try:
            raw, _ = read_file(clip.path, said, model)
            problems = find_problems(raw.joints, raw.fps)
            prints.append(fingerprint(raw.joints, raw.fps))
        except (BadInputError, ValueError) as error:
            result["unreadable"].append({"path": clip.path, "error": " ".join(str(error).splitlines())})
            continue
        read.append(clip.path)
        seconds.append(len(raw.joints) / raw.fps)
        result["problems"] += [{"path": clip.path, **asdict(problem)} for problem in problems]
    for pair in find_duplicates(prints, seconds):
        both = [read[pair.first], read[pair.second]]
        result["duplicates"].append({"paths": both, "kind": pair.kind, "metres": pair.metres})
    return result


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
        lines.append(f"{each['paths'][1]}: {each['kind']} as {each['paths'][0]}{away}; keep one of them")
    counts = (
        f"{len(result['unreadable'])} unreadable, {len(result['problems'])} problems, {len(result['duplicates'])} duplicates"
    )
    return "\n".join([*lines, f"{result['clips']} clips: {counts}"])
