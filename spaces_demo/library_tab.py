"""A tab with the clips of a library: type, see what was found as small moving skeletons, open one. On this machine alone.

What knows about databases is not here: whoever starts the demo hands in a `Library` (`llamo demo --library` does). A Space has
none, and neither has a demo that others than this machine can reach.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Protocol
from urllib.parse import urlsplit

import gradio as gr
from assistant import Assistant
from clips import ClipError, clean_name, read_clip
from conversation import Conversation
from layout import CALL, Page, build_page
from tables import error_html, paragraph


LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHOWN_AT_ONCE = 12
MOST_SHOWN = 96
DRAWN_AT_ONCE = 4  # motions that are read before the first of them are drawn
LONGEST_QUERY = 500  # characters
# A card is a button in a text: it says which one it is.
ON_LOAD = """
element.addEventListener("click", (event) => {
  const card = event.target.closest(".llamo-card");
  if (card) trigger("select", { index: Number(card.dataset.index), value: null });
});
"""


class Library(Protocol):
    """Clips of this machine.

    Attributes:
        location: the folder or database that is searched until another one is named.
    """

    location: str

    def search(self, location: str, text: str, where: str, k: int, assistant: Assistant) -> tuple[list[dict], str]:
        """The best clips, `{"path", "caption", "seconds"}` each, and a sentence on what was searched and how.

        Raises:
            ValueError: nothing to search there, or a filter that is none.
        """
        ...

    def preview(self, path: str) -> dict:
        """A motion as viewer/preview.js draws it.

        Raises:
            ValueError: a file that cannot be drawn, with the reason.
        """
        ...


def check_local(host: str | None) -> None:
    """Refuses to show files of this machine to others.

    Raises:
        ValueError: on a Space, or for another address than this machine's own.
    """
    if os.environ.get("SPACE_ID"):
        raise ValueError("Expected a demo on your own machine, got a Space. A Space shows no library: leave --library out.")
    if host not in LOOPBACK:
        raise ValueError(
            f"Expected the address of this machine alone, got {host} for a demo with a library. Leave --host out: files of a "
            "library are not for the network."
        )


def check_request(request: gr.Request | None) -> None:
    """Refuses requests from other machines, and those that another page makes through this machine's browser.

    Raises:
        gr.Error: such a request.
    """
    headers = {} if request is None else request.headers
    host, origin = headers.get("host", ""), headers.get("origin")
    client = getattr(getattr(request, "client", None), "host", None)
    is_ours = urlsplit(f"//{host}").hostname in LOOPBACK and client in LOOPBACK
    if not is_ours or (origin and urlsplit(origin).hostname not in LOOPBACK):
        raise gr.Error("Expected a request from this machine, got one from elsewhere. A library is shown to nobody else.")


def cards(hits: list[dict], run: str) -> str:
    """A button for each clip, with a place to draw it. Every text is escaped."""
    made = []
    for index, hit in enumerate(hits):
        name, caption = clean_name(hit["path"]), hit["caption"] or "no caption"
        made.append(
            f'<button type="button" class="llamo-card" data-index="{index}" title="{escape(hit["path"])}">'
            f'<canvas data-index="{index}" data-run="{run}" aria-hidden="true"></canvas>'
            f'<span class="llamo-caption">{escape(caption)}</span>'
            f'<span class="llamo-clip">{escape(name)}{seconds_of(hit)}</span></button>'
        )
    return f'<div class="llamo-cards" data-run="{run}">{"".join(made)}</div>' if made else paragraph("Nothing found.")


def seconds_of(hit: dict) -> str:
    return f" · {hit['seconds']:.1f}&nbsp;s" if hit.get("seconds") else ""


@dataclass
class Parts:
    """Components of the tab, and the page beside it."""

    pages: gr.Tabs
    query: gr.Textbox
    find: gr.Button
    location: gr.Textbox
    where: gr.Textbox
    note: gr.HTML
    results: gr.HTML
    more: gr.Button
    page: Page


def build_with_library(assistant: Assistant, library: Library, demo: gr.Blocks) -> None:
    """The page as one tab beside that of the library, inside the open `gr.Blocks`, which is `demo`.

    Raises:
        ValueError: on a Space.
    """
    check_local(LOOPBACK[0])
    with gr.Tabs(selected="library", elem_id="llamo-pages") as pages:
        with gr.Tab("Library", id="library"):
            with gr.Row(elem_id="llamo-search"):
                query = gr.Textbox(
                    label="What happens in the clip",
                    placeholder="angry turn to the left, then a punch",
                    max_lines=1,
                    scale=5,
                    min_width=240,
                    max_length=LONGEST_QUERY,
                    elem_id="llamo-query",
                )
                find = gr.Button("Search", variant="primary", scale=1, min_width=90, elem_id="llamo-find")
            with gr.Accordion("Library and filter", open=False, elem_id="llamo-where"):
                location = gr.Textbox(
                    library.location, label="Folder of clips, or database of llamo index", max_lines=1, elem_id="llamo-location"
                )
                where = gr.Textbox(
                    label="Filter", placeholder="seconds > 2 and action = 'walk'", max_lines=1, elem_id="llamo-filter"
                )
            note = gr.HTML("", elem_id="llamo-note", elem_classes="llamo-text", apply_default_css=False)
            results = gr.HTML("", elem_id="llamo-results", apply_default_css=False, js_on_load=ON_LOAD)
            more = gr.Button("More", size="sm", visible=False, elem_id="llamo-more")
        with gr.Tab("Clip", id="clip", render_children=True):
            page = build_page(assistant)
    wire(assistant, library, Parts(pages, query, find, location, where, note, results, more, page), demo)


@dataclass
class Found:
    """What a user has found last; only this is drawn and opened for them. `run` names the search, and its cards."""

    clips: list[dict] = field(default_factory=list)
    run: str = ""


def wire(assistant: Assistant, library: Library, parts: Parts, demo: gr.Blocks) -> None:
    """What happens on a click."""
    hits, drawn = gr.State(Found()), gr.JSON(visible="hidden")
    note, results, more, page = parts.note, parts.results, parts.more, parts.page

    def search(place: str, text: str, condition: str, request: gr.Request, k: int = SHOWN_AT_ONCE) -> dict:
        check_request(request)
        # A field that was never seen has no value.
        place, text, condition = ((value or "").strip() for value in (place, text, condition))
        try:
            listed, said = library.search(place or library.location, text[:LONGEST_QUERY], condition, k + 1, assistant)
        except ValueError as error:
            return {hits: Found(), note: error_html(str(error)), results: "", more: gr.update(visible=False)}
        found = Found(listed[:k], os.urandom(8).hex())
        is_more = len(listed) > k and k < MOST_SHOWN
        return {hits: found, note: paragraph(said), results: cards(found.clips, found.run), more: gr.update(visible=is_more)}

    def search_more(place: str, text: str, condition: str, found: Found, request: gr.Request) -> dict:
        return search(place, text, condition, request, min(MOST_SHOWN, len(found.clips) + SHOWN_AT_ONCE))

    def draw(found: Found, request: gr.Request) -> Iterator[dict]:
        """Motions of the cards, or why there is none, a few at a time."""
        check_request(request)
        for start in range(0, len(found.clips), DRAWN_AT_ONCE):
            made = []
            for index, clip in enumerate(found.clips[start : start + DRAWN_AT_ONCE], start=start):
                try:
                    made.append({"index": index, "motion": library.preview(clip["path"])})
                except ValueError as error:
                    made.append({"index": index, "problem": str(error)})
            yield {"run": found.run, "cards": made}

    def open_found(found: Found, talk: Conversation, request: gr.Request, event: gr.SelectData):
        """A found clip on the other tab: watched, measured, asked about."""
        check_request(request)
        if not isinstance(event.index, int) or not 0 <= event.index < len(found.clips):
            raise gr.Error("Expected one of the clips that were found, got another one. Search again.")
        try:
            clip = read_clip(assistant.processor, [found.clips[event.index]["path"]])
        except ClipError as error:
            return {note: error_html(str(error))}
        return {**page.opened(clip, talk), parts.pages: gr.update(selected="clip")}

    asked, outputs = [parts.location, parts.query, parts.where], [hits, note, results, more]
    private = {"api_visibility": "private"}
    searching = {"concurrency_id": "library", "concurrency_limit": 2, "show_progress_on": note, **private}
    starts = [parts.find.click, parts.query.submit, parts.where.submit, parts.location.submit]
    # The first clips are there when the page opens.
    for event in (
        gr.on(starts, search, asked, outputs, **searching),
        more.click(search_more, [*asked, hits], outputs, **searching),
        demo.load(search, asked, outputs, **searching),
    ):
        event.then(draw, hits, drawn, show_progress="hidden", **private)
    drawn.change(None, drawn, None, js=CALL % {"name": "draw"}, **private)
    opening = {**searching, "show_progress_on": results}
    page.show(results.select(open_found, [hits, page.talk], [*page.outputs, note, parts.pages], **opening))
