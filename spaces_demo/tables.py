"""Measurements -> HTML tables. Every text is escaped; a time is a link that moves the viewer."""

from html import escape


NO_VALUE = "–"
MOST_FAULTS = 12


def when(seconds: float) -> str:
    """A link to a time, as page.js follows it."""
    return f'<a class="llamo-time" href="#t={seconds:.2f}">{seconds:.2f} s</a>'


def span(part: dict) -> str:
    return f"{when(part['start_s'])} to {when(part['end_s'])}"


def number(value: float | None, unit: str, digits: int = 2) -> str:
    return NO_VALUE if value is None else f"{value:.{digits}f} {unit}"


def table(caption: str, heads: list[str], rows: list[list[str]]) -> str:
    """A table of cells that are HTML already; the first cell of a row is its head."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>' for first, *cells in rows
    )
    return (
        f'<div class="llamo-scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="llamo-table">'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def facts_html(name: str, facts: list[str], heading: str = "Detected") -> str:
    """What was detected in a file, and what was assumed about it."""
    found, *assumed = facts
    notes = "".join(f"<li>{escape(note)}</li>" for note in assumed)
    listed = f"<p>Assumed:</p><ul>{notes}</ul>" if notes else "<p>Nothing had to be assumed.</p>"
    return f'<div class="llamo-facts"><p><strong>{escape(name)}</strong></p><p>{heading}: {escape(found)}</p>{listed}</div>'


def error_html(message: str) -> str:
    return f'<div class="llamo-error" role="alert"><strong>This does not work.</strong> {escape(message)}</div>'


def measurements_html(measured: dict) -> str:
    """Everything but repetitions: way, speed, turns, steps, jumps, postures; then the angles."""
    more = measured["more"]
    turn = measured["turn_deg"]
    words = (
        NO_VALUE if turn is None else f"{abs(turn):.0f}° to the {'left' if turn > 0 else 'right'}" if abs(turn) >= 1 else "0°"
    )
    steps = str(measured["steps"]["count"])
    if measured["steps"]["cadence_per_min"] is not None:
        steps += f", {measured['steps']['cadence_per_min']:.0f} a minute"
    rows = [
        ["Duration", number(measured["seconds"], "s")],
        ["Distance, start to end", number(measured["distance_m"], "m")],
        ["Path, along the way", number(measured["path_m"], "m")],
        ["Mean speed", number(measured["speed_mean_m_s"], "m/s")],
        ["Peak speed", number(measured["speed_peak_m_s"], "m/s")],
        ["Net turn", words],
        *([f"Turn to the {escape(part['side'])}", f"{abs(part['turn_deg']):.0f}°, {span(part)}"] for part in more["turns"][:6]),
        ["Steps", steps],
        ["Jumps", str(len(measured["jumps"]))],
        *(
            [f"Jump {index}", f"{100 * jump['height_m']:.0f} cm high, at {when(jump['start_s'])}"]
            for index, jump in enumerate(measured["jumps"], start=1)
        ),
        ["Symmetry (1: both sides move alike)", number(measured["symmetry"], "")],
        *([escape(part["name"].replace("_", " ").capitalize()), span(part)] for part in measured["postures"][:8]),
    ]
    angles = [
        [escape(name.replace("_", " ").capitalize()), *(f"{each[key]:.0f}°" for key in ("min_deg", "max_deg", "range_deg"))]
        for name, each in measured["angles"].items()
    ]
    notes = "".join(f"<li>{escape(name)}: {escape(reason)}</li>" for name, reason in measured["notes"].items())
    return (
        table("Measured", ["Quantity", "Value"], rows)
        + table("Joint angles", ["Angle", "Least", "Most", "Range"], angles)
        + (f"<details><summary>What could not be measured</summary><ul>{notes}</ul></details>" if notes else "")
    )


def repetitions_html(measured: dict) -> str:
    """A row for each repetition: when, how long, how far, and how it differs from the first."""
    items, unit = measured["repetitions"]["items"], measured["more"]["repetition_unit"] or ""
    if not items:
        return paragraph(f"No repetitions: {measured['notes'].get('repetitions', 'none were found')}.")
    unit = "°" if unit == "deg" else f" {unit}"
    rows = []
    for index, item in enumerate(items, start=1):
        change = item["amplitude"] - items[0]["amplitude"]
        seconds = item["end_s"] - item["start_s"]
        against = NO_VALUE if index == 1 else f"{change:+.{2 if unit == ' m' else 0}f}{unit}"
        rows.append([str(index), when(item["start_s"]), f"{seconds:.2f} s", f"{item['amplitude']:g}{unit}", against])
    signal = measured["repetitions"]["signal"] or "the whole body"
    return table(f"Repetitions, seen in: {signal}", ["No.", "Start", "Takes", "Amplitude", "Against the first"], rows)


def comparison_html(result: dict, first: str, second: str) -> str:
    """Where the second clip differs from the first, the largest difference first; times are the second's."""
    later = "later" if result["offset_s"] >= 0 else "earlier"
    head = f"{second} against {first}: does the same {abs(result['offset_s']):.2f} s {later}. Times are those of {second}."
    if not result["faults"]:
        return paragraph(f"{head} No difference worth naming.")
    rows = []
    for fault in result["faults"][:MOST_FAULTS]:
        who = f"{fault['side']} {fault['joint']}" if fault["side"] else fault["joint"]
        unit = "°" if fault["unit"] == "deg" else f" {fault['unit']}"
        rows.append([escape(who.capitalize()), escape(fault["what"]), f"{fault['difference']:+g}{unit}", span(fault)])
    return paragraph(head) + table("Differences, the largest first", ["Where", "What", "How much", "When"], rows)
