"""`llamo measure`: the numbers in a motion file, as a table, JSON or CSV. No model is needed."""

import csv
import io
import json
from collections.abc import Iterator

from llamo.cli.motion_files import check_said, check_used, read_file
from llamo.cli.session import BadInputError


def measure_file(path: str, smoothing: str = "auto", said: dict | None = None, model: str = "llamo") -> dict:
    """What `llamo measure --json` prints: `input`, and the fields of `measure_motion`.

    Args:
        path: a motion or video file.
        smoothing: "auto", "butterworth", "savgol" or "none".
        said: what the user says about the file, as `read_file` takes it.
        model: the checkpoint whose Motion Estimator reads videos.

    Raises:
        BadInputError: a file that cannot be read or measured.
    """
    check_said([path], said)
    raw, report = read_file(path, said, model)
    check_used([report], said)
    return {"input": report, **measure_raw(raw.joints, raw.fps, path, smoothing)}


def measure_raw(joints, fps: float, path: str, smoothing: str = "auto") -> dict:
    """`measure_motion` with the errors of the command line."""
    from llamo.processing.kinematics_llamo import measure_motion

    try:
        return measure_motion(joints, fps, smoothing)
    except (ValueError, ImportError) as error:
        raise BadInputError(f"{path}: {error}") from None


def render(result: dict, form: str) -> str:
    """The result as "table", "json" or "csv"."""
    if form == "json":
        return json.dumps(result, ensure_ascii=False)
    return as_csv(result) if form == "csv" else as_table(result)


def flatten(value, name: str = "") -> Iterator[tuple[str, object]]:
    """Nested objects as (dotted name, value) pairs: `angles.left_knee.min_deg`, `jumps.1.start_s`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flatten(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            yield from flatten(inner, f"{name}.{number}")
    else:
        yield name, value


def as_csv(result: dict) -> str:
    """Two columns, `quantity` and `value`; what could not be measured is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["quantity", "value"])
    writer.writerows((name, "" if value is None else value) for name, value in flatten(result))
    return text.getvalue().rstrip("\n")


def as_table(result: dict) -> str:
    """For people: what was read, then a line a quantity."""
    found, more = result["input"], result["more"]
    lines = [
        f"{found['path']}: {found['format']}, {found['frames']} frames at {found['source_fps']:g} fps, "
        f"{found['joints']} joints; filter: {more['filter']}",
        *(f"  assumed: {note}" for note in found["assumed"]),
        "",
        row("duration", f"{result['seconds']:.2f} s"),
        row(
            "distance, path", f"{number(result['distance_m'], 'm')} start to end, {number(result['path_m'], 'm')} along the way"
        ),
        row("speed", f"mean {number(result['speed_mean_m_s'], 'm/s')}, peak {number(result['speed_peak_m_s'], 'm/s')}"),
        row("net turn", turn_words(result["turn_deg"])),
        *(row("  turning", f"{turn['side']} {abs(turn['turn_deg']):.0f} deg, {span(turn)}") for turn in more["turns"][:6]),
        row("steps", steps_words(result)),
        row("jumps", str(len(result["jumps"]))),
        *(
            row(
                "  jump",
                f"at {jump['start_s']:.2f} s, {jump['flight_s']:.2f} s in the air, {100 * jump['height_m']:.0f} cm high",
            )
            for jump in result["jumps"]
        ),
        row("repetitions", repetition_words(result)),
        *repetition_rows(result),
        row("symmetry", "-" if result["symmetry"] is None else f"{result['symmetry']:.2f} (1: both sides move alike)"),
        row("moves most", limb_words(more["limbs"])),
        *(
            row("hand above head", f"{side}, {span(part)}")
            for side, parts in more["hand_above_head"].items()
            for part in parts[:4]
        ),
        *(row("still", span(part)) for part in more["still"][:4]),
        *(row("posture", f"{part['name']}, {span(part)}") for part in result["postures"][:12]),
        "",
        f"{'angle':<16}{'least':>9}{'most':>9}{'range':>9}  degrees",
        *(
            f"{name.replace('_', ' '):<16}{each['min_deg']:>9.1f}{each['max_deg']:>9.1f}{each['range_deg']:>9.1f}"
            for name, each in result["angles"].items()
        ),
    ]
    if result["notes"]:
        lines += ["", *(f"{name}: {reason}" for name, reason in result["notes"].items())]
    return "\n".join(lines)


def row(name: str, words: str) -> str:
    return f"{name:<16}{words}"


def number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.2f} {unit}"


def span(part: dict) -> str:
    return f"{part['start_s']:.2f}-{part['end_s']:.2f} s"


def turn_words(degrees: float | None) -> str:
    if degrees is None:
        return "-"
    return f"{abs(degrees):.0f} deg to the {'left' if degrees > 0 else 'right'}" if abs(degrees) >= 1 else "0 deg"


def steps_words(result: dict) -> str:
    steps, stride = result["steps"], result["more"]["stride_m"]
    words = str(steps["count"])
    if steps["cadence_per_min"] is not None:
        words += f", {steps['cadence_per_min']:.0f} a minute"
    return words + (f", stride {stride['mean']:.2f} m" if stride else "")


def repetition_words(result: dict) -> str:
    repetitions, more = result["repetitions"], result["more"]
    words = str(repetitions["count"])
    if repetitions["signal"]:
        words += f" (seen in: {repetitions['signal']})"
    if more["repetition_period_s"] is not None:
        drift = more["repetition_drift"]
        words += f", every {more['repetition_period_s']:.2f} s; last against first: amplitude "
        words += f"{drift['amplitude']:+g} {more['repetition_unit']}, {drift['seconds']:+.2f} s"
    return words


def repetition_rows(result: dict) -> list[str]:
    unit = result["more"]["repetition_unit"]
    items = result["repetitions"]["items"]
    return [row(f"  {index}", f"{span(item)}, {item['amplitude']:g} {unit}") for index, item in enumerate(items, start=1)]


def limb_words(limbs: dict) -> str:
    ways = ", ".join(f"{limb} {path:.1f} m" for limb, path in limbs["path_m"].items())
    return ways if limbs["most"] is None else f"{limbs['most']}, most at {span(limbs['most_at'])} ({ways})"
