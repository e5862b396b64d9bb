"""Motions -> one HTML page that plays them: data and code inside, nothing fetched. The code is in spaces_demo/viewer/."""

import hashlib
import html
import json
import re
from pathlib import Path
from string import Template

from llamo.processing.viewer_data_llamo import encode


# Beside this folder in the checkout, and installed as well.
ASSETS = Path(__file__).resolve().parents[1] / "spaces_demo" / "viewer"


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
