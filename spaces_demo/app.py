"""Browser demo: drop a motion file, watch it, ask about it, read the answer as it is written. Uses the Hub artefact alone.

    LLAMO_MODEL=llamo python spaces_demo/app.py [--port 7860] [--host 127.0.0.1] [--mcp]

The checkpoint is loaded through transformers' Auto classes; reading, measuring, comparing and writing of motions are its
processor's. Settings by environment: LLAMO_MODEL (folder or Hub repository; by default the one in the card),
LLAMO_CONCURRENCY (answers at a time), LLAMO_MAX_UPLOAD (such as 64mb), LLAMO_MAX_CLIP_SECONDS, LLAMO_MAX_VIDEO_SECONDS,
LLAMO_MCP (1: Model Context Protocol server).
"""

import argparse
import os
import re
import sys
from pathlib import Path

import gradio as gr
from assistant import Assistant
from endpoints import add_endpoints
from layout import CSS, HEAD, THEME, build_page, build_title, page_script
from library_tab import Library, build_with_library, check_local


HERE = Path(__file__).resolve().parent


def first_model(card: str) -> str:
    """The first of `models` in a Space's card: the checkpoint that the Space was published for."""
    found = re.search(r"^models:\n- (\S+)$", card.split("---", 2)[1], re.MULTILINE)
    return found[1] if found else "llamo"


MODEL = os.environ.get("LLAMO_MODEL") or first_model((HERE / "README.md").read_text(encoding="utf-8"))
CONCURRENCY = int(os.environ.get("LLAMO_CONCURRENCY", "2"))
MAX_UPLOAD = os.environ.get("LLAMO_MAX_UPLOAD", "64mb")
LONGEST_QUEUE = 64  # requests that may wait; more are told to come back later
DELETE_CACHE = (600, 3600)  # every ten minutes, whatever Gradio has kept for an hour


def build_demo(assistant: Assistant, library: Library | None = None) -> gr.Blocks:
    """The page and the endpoints around a loaded checkpoint; with a library of this machine, a tab to search it.

    Raises:
        ValueError: a library on a Space.
    """
    gr.set_static_paths([HERE / "viewer"])
    with gr.Blocks(title="LLaMo: ask about human motion", delete_cache=DELETE_CACHE) as demo:
        build_title()
        if library is None:
            build_page(assistant)
        else:
            build_with_library(assistant, library, demo)
        add_endpoints(assistant)
    return demo.queue(max_size=LONGEST_QUEUE, default_concurrency_limit=CONCURRENCY)


def launch(
    demo: gr.Blocks,
    host: str | None = None,
    port: int | None = None,
    mcp: bool = False,
    block: bool = True,
    share: bool | None = None,
):
    """Serves the demo, and prints its address when it is ready."""
    return demo.launch(
        server_name=host,
        server_port=port,
        share=share,
        mcp_server=mcp,
        max_file_size=MAX_UPLOAD,
        theme=THEME,
        css=CSS,
        head=HEAD,
        js=page_script(HERE / "viewer"),
        footer_links=["api", "settings"],
        ssr_mode=False,
        prevent_thread_lock=not block,
    )


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=MODEL, help="folder of a checkpoint, or name of a Hub repository")
    parser.add_argument("--host", default=None, help="address to listen on; a Space sets it itself")
    parser.add_argument("--port", type=int, default=None)
    parser.add_argument("--mcp", action="store_true", default=os.environ.get("LLAMO_MCP") == "1", help="also an MCP server")
    return parser


def main(arguments: list[str] | None = None, library: Library | None = None) -> None:
    """
    Args:
        arguments: of the command line. library: clips of this machine to search, given by whoever starts the demo there.

    Raises:
        ValueError: a library on a Space, or where others than this machine could reach it.
    """
    options = make_parser().parse_args(arguments)
    if library is not None:
        check_local(options.host)
    demo = build_demo(Assistant(options.model), library)
    launch(demo, options.host, options.port, options.mcp, share=None if library is None else False)


if __name__ == "__main__":
    main(sys.argv[1:])
