"""A hook of mkdocs: types in the API reference without the marks that docstrings have in them."""

import re


def on_page_content(html: str, **_) -> str:
    """`str`, *optional* -> str, optional, in what mkdocstrings has put between code tags as it stood."""
    return re.sub(r"<code>([^<]*`[^<]*)</code>", lambda found: f"<code>{re.sub('[`*]', '', found[1])}</code>", html)
