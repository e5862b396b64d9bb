"""Motions -> one HTML page that plays them: data and code inside, nothing fetched. The code is in spaces_demo/viewer/."""

import base64
import hashlib
import html
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import numpy as np

from llamo.processing.motion_features_llamo import JOINT_NAMES, PARENTS, resample


# Beside this folder in the checkout, and installed as well.
ASSETS = Path(__file__).resolve().parents[1] / "spaces_demo" / "viewer"
MAX_FPS = 60.0  # screens show no more, and the page is smaller
MAX_MOTIONS = 16
VERSION = 1  # of the data in the page, see spaces_demo/viewer/motion_data.js
LAYOUTS = ("overlay", "side")


@dataclass
class ViewedMotion:
    """A motion as the page shows it.

    Attributes:
        name: shown to the reader; any text.
        joints: `(num_frames, 22, 3)` metres, Y up, floor at height 0.
        fps: frames per second of `joints`.
        notes: sentences on what was detected and assumed.
        angles: name -> `(num_frames,)` degrees.
        ticks: `{"time_s", "label"}` each, with `"end_s"` where it lasts, and `"kind"` (repetition, jump, posture).
    """

    name: str
    joints: np.ndarray
    fps: float
    notes: list[str] = field(default_factory=list)
    angles: dict[str, np.ndarray] = field(default_factory=dict)
    ticks: list[dict] = field(default_factory=list)


def limit_rate(joints: np.ndarray, fps: float) -> tuple[np.ndarray, float]:
    """Joints `(num_frames, 22, 3)` at MAX_FPS where they are faster; slower ones as they are."""
    if fps <= MAX_FPS * 1.01:
        return joints, fps
    return resample(joints, fps, MAX_FPS), MAX_FPS


def ticks_of(measured: dict) -> list[dict]:
    """What `llamo measure --json` found, as marks on the time bar: repetitions, jumps and postures."""
    ticks = []
    repetitions = measured.get("repetitions") or {}
    for number, item in enumerate(repetitions.get("items") or [], start=1):
        ticks.append(tick(f"Repetition {number}", "repetition", item["start_s"], item.get("end_s")))
    for number, jump in enumerate(measured.get("jumps") or [], start=1):
        height = f", {jump['height_m'] * 100:.0f} cm" if jump.get("height_m") is not None else ""
        end = jump["start_s"] + jump["flight_s"] if jump.get("flight_s") is not None else None
        ticks.append(tick(f"Jump {number}{height}", "jump", jump["start_s"], end))
    for posture in measured.get("postures") or []:
        ticks.append(tick(posture["name"].replace("_", " ").capitalize(), "posture", posture["start_s"], posture.get("end_s")))
    return sorted(ticks, key=lambda mark: mark["time_s"])


def tick(label: str, kind: str, start: float, end: float | None = None) -> dict:
    mark = {"time_s": round(float(start), 3), "label": label, "kind": kind}
    return mark if end is None else {**mark, "end_s": round(float(end), 3)}


def build_payload(motions: list[ViewedMotion], layout: str = "overlay", title: str | None = None) -> dict:
    """The page's data as spaces_demo/viewer/motion_data.js reads it.

    Raises:
        ValueError: no motion, too many, or an unknown layout.
    """
    if not 0 < len(motions) <= MAX_MOTIONS:
        raise ValueError(f"Expected 1 to {MAX_MOTIONS} motions in one page, got {len(motions)}. Make several pages.")
    if layout not in LAYOUTS:
        raise ValueError(f"Expected a layout out of {', '.join(LAYOUTS)}, got {layout!r}.")
    return {
        "version": VERSION,
        "title": title or ", ".join(motion.name for motion in motions),
        "layout": layout,
        "skeleton": {"names": JOINT_NAMES, "parents": PARENTS},
        "motions": [encode_motion(motion) for motion in motions],
    }


def encode_motion(motion: ViewedMotion) -> dict:
    """The pelvis in float32, the other joints against it in int16, angles in tenths of a degree; base64 of all.

    A step is the largest reach from the pelvis by 32767: 0.05 mm for a person.
    """
    joints = np.asarray(motion.joints, dtype=np.float64)
    root = joints[:, 0].astype("<f4")
    local = joints[:, 1:] - root[:, None]
    quantum = max(float(np.abs(local).max()), 1e-6) / 32767
    return {
        "name": motion.name,
        "fps": float(motion.fps),
        "frames": len(joints),
        "notes": motion.notes,
        "root": encode(root),
        "local": encode(np.rint(local / quantum).astype("<i2")),
        "quantum": quantum,
        "angles": {name: encode(np.rint(values * 10).astype("<i2")) for name, values in motion.angles.items()},
        "ticks": motion.ticks,
    }


def encode(data: np.ndarray | bytes) -> str:
    return base64.b64encode(data if isinstance(data, bytes) else np.ascontiguousarray(data).tobytes()).decode("ascii")


def build_page(payload: dict) -> str:
    """The whole page. It loads nothing, and its Content-Security-Policy forbids it to."""
    style = read_asset("viewer.css")
    start, modules = bundle("start.js")
    imports = json.dumps({"imports": modules})
    scripts = " ".join(f"'{digest(text)}'" for text in (imports, start))
    policy = f"default-src 'none'; script-src {scripts} data:; style-src '{digest(page_style(style))}'; img-src data: blob:"
    return Template(read_asset("viewer.html")).substitute(
        policy=html.escape(f"{policy}; base-uri 'none'; form-action 'none'", quote=True).replace("&#x27;", "'"),
        title=html.escape(payload["title"]),
        style=style,
        licence=html.escape(read_asset("three.LICENSE").strip(), quote=False),
        imports=imports,
        motions=script_json(payload),
        start=start,
    )


def page_style(style: str) -> str:
    """The text between the template's style tags, which the policy names by its digest."""
    text = read_asset("viewer.html").split("<style>", 1)[1].split("</style>", 1)[0]
    return Template(text).substitute(style=style)


def bundle(name: str) -> tuple[str, dict[str, str]]:
    """A module's text with imports by bare names, and `{bare name: data URL}` of all that it imports."""
    modules: dict[str, str] = {}

    def load(file: str) -> str:
        text = read_asset(file)
        for imported in re.findall(r'from "\./([\w.-]+)";', text):
            if f"llamo/{imported}" not in modules:
                modules[f"llamo/{imported}"] = ""  # now, so that a circle ends
                source = load(imported).encode("utf-8")
                modules[f"llamo/{imported}"] = "data:text/javascript;charset=utf-8;base64," + encode(source)
        return re.sub(r'from "\./([\w.-]+)";', r'from "llamo/\1";', text)

    return load(name), modules


def read_asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """As a Content-Security-Policy names an inline script or style."""
    return "sha256-" + encode(hashlib.sha256(text.encode("utf-8")).digest())


def script_json(value) -> str:
    """JSON that can stand inside a script tag whatever texts it holds."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
