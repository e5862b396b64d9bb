"""`llamo ask --evidence` and `--check`: measured numbers beside the model's words.

Evidence is text: what the measurements say about the question, put before it. The check reads numbers and sides out of the
answer and holds them against the measurements; it only speaks where it knows what a number stands for.
"""

import re
from typing import Any


NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split()
    )
} | {"once": 1, "twice": 2, "thrice": 3, "thirty": 30}
NUMBER = r"(?<![\w.])(\d+(?:\.\d+)?|" + "|".join(NUMBER_WORDS) + r")\b"
JOINTS = ("hip", "knee", "ankle", "shoulder", "elbow")
# Topic -> words of a question that ask for it.
TOPICS = {
    "count": r"how many|how often|count|number of|times|repetition|\breps?\b|once|twice",
    "time": r"how long|duration|seconds?|when|at what time",
    "way": r"how far|distance|metres?|meters?|travel|walk|run|path|forward|backward",
    "speed": r"speed|fast|slow|pace|quick",
    "turn": r"turn|rotat|spin|direction|face|facing",
    "jump": r"jump|hop|leap|height|high|air",
    "steps": r"steps?|stride|cadence|gait|walk|run",
    "angles": r"angle|degrees?|bend|bent|flex|straight|range|deep|depth|lean|hips?|knees?|ankles?|shoulders?|elbows?|trunk",
    "symmetry": r"symmetr|even|both sides|compare",
    "posture": r"posture|sit|sat|stand|lie|lying|crouch|kneel|position",
    "sides": r"left|right|which|hand|arm|leg|foot|side",
}


def topics_of(question: str) -> set[str]:
    """What a question is about; everything that is short to say where that cannot be told."""
    text = question.lower()
    found = {topic for topic, words in TOPICS.items() if re.search(rf"\b(?:{words})", text)}
    return found or {"count", "time", "way", "turn", "steps", "jump", "sides", "posture"}


def evidence_text(question: str, measured: dict[str, Any], name: str = "") -> str:
    """The measurements that bear on a question, in one paragraph.

    Args:
        question: the user's words.
        measured: what `measure_motion` returns.
        name: of the file, where there are several.
    """
    topics, more = topics_of(question), measured["more"]
    facts = [f"duration {measured['seconds']:.1f} s"]
    repetitions = measured["repetitions"]
    if "count" in topics and repetitions["count"]:
        text = f"repetitions {repetitions['count']}"
        if repetitions["count"] > 1:
            text += f" (from {repetitions['items'][0]['start_s']:.1f} s to {repetitions['items'][-1]['end_s']:.1f} s)"
        facts.append(text)
    if topics & {"count", "steps"} and measured["steps"]["count"]:
        facts.append(f"steps {measured['steps']['count']}")
    if topics & {"count", "jump"} and measured["jumps"]:
        heights = ", ".join(f"{100 * jump['height_m']:.0f} cm at {jump['start_s']:.1f} s" for jump in measured["jumps"][:6])
        facts.append(f"jumps {len(measured['jumps'])} ({heights})")
    if "way" in topics:
        facts.append(f"distance {measured['distance_m']:.1f} m, path {measured['path_m']:.1f} m")
    if topics & {"way", "speed"} and measured["speed_mean_m_s"] is not None:
        facts.append(f"mean speed {measured['speed_mean_m_s']:.2f} m/s")
    if topics & {"turn", "sides"} and measured["turn_deg"] is not None and abs(measured["turn_deg"]) >= 20:
        facts.append(f"turns {abs(measured['turn_deg']):.0f} degrees to the {'left' if measured['turn_deg'] > 0 else 'right'}")
    if "angles" in topics:
        facts += [
            f"{joint.replace('_', ' ')} angle {each['min_deg']:.0f} to {each['max_deg']:.0f} degrees"
            for joint, each in measured["angles"].items()
            if joint.split("_")[-1] in question.lower() or not any(part in question.lower() for part in (*JOINTS, "trunk"))
        ]
    if "symmetry" in topics and measured["symmetry"] is not None:
        facts.append(f"symmetry {measured['symmetry']:.2f} of 1")
    if "sides" in topics and more["limbs"]["most"]:
        facts.append(f"the {more['limbs']['most']} moves most")
        facts += [f"{side} hand above the head" for side, spans in more["hand_above_head"].items() if spans]
    if "posture" in topics and measured["postures"]:
        facts += [f"{each['name']} {each['start_s']:.1f}-{each['end_s']:.1f} s" for each in measured["postures"][:6]]
    return f"Measured{f' in {name}' if name else ''}: {'; '.join(facts)}."


def check_answer(question: str, answer: str, measurements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Numbers and sides of an answer that can be held against measurements.

    Args:
        question: the user's words, which say what a bare number counts.
        answer: the model's words.
        measurements: what `measure_motion` returns, for each motion of the question; one that agrees is enough.

    Returns:
        one `{"quantity", "says", "measured", "unit", "agrees", "message"}` for each claim; `message` is None where both agree.
    """
    claims = [*_number_claims(question.lower(), answer.lower()), *_side_claims(answer.lower())]
    checks = []
    for quantity, says, unit in claims:
        values = [
            value for value in (_measured(quantity, each, question.lower()) for each in measurements) if value is not None
        ]
        values = [value for value in values if value != []]
        if not values:
            continue
        known = [single for value in values for single in (value if isinstance(value, list) else [value])]
        agrees = any(_agree(quantity, says, value) for value in known)
        nearest = min(known, key=lambda value: abs(value - says)) if not isinstance(says, str) else known[0]
        message = None if agrees else f"the model says {_plain(says)}{unit}, measured {_plain(nearest)}{unit} ({quantity})"
        checks.append(
            {
                "quantity": quantity,
                "says": says,
                "measured": nearest,
                "unit": unit.strip(),
                "agrees": agrees,
                "message": message,
            }
        )
    return checks


def _plain(value) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _number_claims(question: str, answer: str):
    """(quantity, number, unit) of each number whose meaning the words around it tell."""
    counted = re.search(r"how (?:many|often)(?: times)?\s*([a-z]*)", question)
    for match in re.finditer(NUMBER, answer):
        value = float(NUMBER_WORDS.get(match[1], match[1]))
        after, before = answer[match.end() :], answer[: match.start()]
        # What a number stands for is decided by the clause it is in.
        clause = re.split(r"[.;!?](?:\s|$)", before)[-1] + match[0] + re.split(r"[.;!?](?:\s|$)", after)[0]
        if re.match(r"\s*(?:%|percent|per |m/s|(?:metres?|meters?) (?:per|a) second)", after):
            if re.match(r"\s*(?:m/s|(?:metres?|meters?) (?:per|a) second)", after):
                yield "mean speed", value, " m/s"
        elif re.match(r"\s*-?(?:degrees?|deg\b|°)", after):
            joint = re.search(rf"\b(left|right) ({'|'.join(JOINTS)})\b", clause)
            if joint:
                least = "least " if re.search(r"\b(?:least|minimum|straight|exten)", clause) else ""
                yield f"{least}{joint[1]} {joint[2]} angle", value, " degrees"
            elif re.search(r"\b(?:turn|rotat)", clause):
                yield "turn", value, " degrees"
        elif re.match(r"\s*-?(?:seconds?|secs?|s)\b", after):
            if re.search(r"how long|duration|last", question) or re.search(r"\b(?:lasts?|duration|in total|long)\b", clause):
                yield "duration", value, " s"
        elif re.match(r"\s*-?(?:metres?|meters?|m)\b", after):
            if re.search(r"how far|distance|travel|walk|path", question) or re.search(
                r"\b(?:travel|walk|cover|distance)", clause
            ):
                yield "distance", value, " m"
        elif re.match(r"\s*steps?\b", after):
            yield "steps", value, ""
        elif re.match(r"\s*jumps?\b", after) and not re.match(r"\s*jumps? rope|\s*jumping", after):
            yield "jumps", value, ""
        elif match[1] in ("once", "twice", "thrice") or re.match(r"\s*(?:times|repetitions?|reps?)\b", after):
            # How often somebody turns or steps is not how often the movement repeats.
            if not re.search(r"\b(?:turn|rotat|spin|step)\w*", f"{clause} {question}"):
                yield "repetitions", value, ""
        elif counted and counted[1] not in ("people", "persons", "seconds", "metres", "meters", "degrees"):
            known = {"steps": "steps", "step": "steps", "jumps": "jumps", "jump": "jumps"}
            yield known.get(counted[1], "repetitions"), value, ""


def _side_claims(answer: str):
    """(quantity, side, unit) of the sides that an answer names as the only one."""
    text = re.sub(r"\b(?:not|never|instead of|rather than|without)\b(?:\s+\w+){0,4}", " ", answer)
    turn = re.search(r"\b(?:turn|rotat|spin)\w*(?:\s+\w+){0,4}?\s+(left|right)\b", text)
    if turn:
        yield "side of the turn", turn[1], ""
    for part, words in (("arm", "hand|arm|wrist"), ("leg", "leg|foot")):
        sides = set(re.findall(rf"\b(left|right) (?:{words})s?\b", text))
        if len(sides) == 1 and not re.search(r"\bboth\b", text):
            yield f"{part} that moves", sides.pop(), ""


def _measured(quantity: str, measured: dict[str, Any], question: str):
    """The value, or several that would do, or None where the measurements cannot tell."""
    if quantity == "repetitions":
        # A walk has steps and no repetitions, and a hop may be meant by either.
        others = [len(measured["jumps"])] if measured["jumps"] and re.search(r"jump|hop|leap", question) else []
        return [measured["repetitions"]["count"], *others] if measured["repetitions"]["count"] or others else None
    if quantity == "steps":
        return measured["steps"]["count"]
    if quantity == "jumps":
        # Jumps that leave the ground by little are repetitions, and no flights.
        return [len(measured["jumps"])] if measured["jumps"] else [measured["repetitions"]["count"]]
    if quantity == "duration":
        return measured["seconds"]
    if quantity == "distance":
        return [measured["distance_m"], measured["path_m"]]
    if quantity == "mean speed":
        return measured["speed_mean_m_s"]
    if quantity == "turn":
        return None if measured["turn_deg"] is None else abs(measured["turn_deg"])
    if quantity.endswith(" angle"):
        name = quantity.removesuffix(" angle").removeprefix("least ").replace(" ", "_")
        each = measured["angles"][name]
        return each["min_deg"] if quantity.startswith("least ") else [each["max_deg"], each["range_deg"]]
    if quantity == "side of the turn":
        degrees = measured["turn_deg"]
        return None if degrees is None or abs(degrees) < 30 else ("left" if degrees > 0 else "right")
    if quantity.endswith(" that moves"):
        limb = quantity.removesuffix(" that moves")
        raised = [side for side, spans in measured["more"]["hand_above_head"].items() if spans]
        if limb == "arm" and len(raised) == 1:
            return raised[0]
        left, right = (measured["more"]["limbs"]["path_m"][f"{side} {limb}"] for side in ("left", "right"))
        return None if max(left, right) < 2.0 * min(left, right) + 0.3 else ("left" if left > right else "right")
    return None


def _agree(quantity: str, says, value) -> bool:
    """Whether a claim and a measurement are the same within what a person would call the same."""
    if isinstance(says, str):
        return says == value
    if quantity in ("repetitions", "jumps"):
        return says == value
    if quantity == "steps":
        return abs(says - value) <= 1  # a step at the very edge of a clip is a matter of taste
    margin = {"duration": (0.5, 0.1), "distance": (0.25, 0.15), "mean speed": (0.15, 0.15), "turn": (20.0, 0.15)}
    least, share = margin.get(quantity, (10.0, 0.1))
    return abs(says - value) <= max(least, share * abs(value))
