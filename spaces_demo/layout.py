"""The page: on the left the viewer and what was measured, on the right the chat. What happens on a click is here too."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import gradio as gr
from assistant import Assistant
from camera import build_camera
from clips import MOTION_ENDINGS, VIDEO_ENDINGS, Clip, ClipError, delete_uploads, facts, forget, open_uploads, read_clip
from conversation import Conversation
from downloads import write_downloads
from endpoints import MAX_TOKENS, check_question
from tables import comparison_html, error_html, facts_html, measurements_html, paragraph, repetitions_html


HERE = Path(__file__).resolve().parent
# Beside the app in a Space, one folder up in the project.
EXAMPLES = [
    (label, path)
    for label, name in (("Squats", "squats.bvh"), ("A wave, then a walk", "wave_then_walk.npz"))
    for path in (HERE / "examples" / name, HERE.parent / "examples" / name)
    if path.is_file()
]
QUESTIONS = ["What is the person doing?", "How many repetitions are there?", "Which way does the person go?"]
NO_FILE = paragraph(
    "Drop a motion file or a video, or take an example. What is found in it, and what had to be assumed, stands here."
)
NOTHING_MEASURED = paragraph("What is measured in the motion stands here.")
STAGE = '<div id="llamo-viewer" data-empty="true"><p class="llamo-hint">The motion plays here.</p></div>'
# Gradio's own blues and greys are too pale to be read easily (WCAG AA).
THEME = gr.themes.Soft(primary_hue="blue", neutral_hue="slate", font=["system-ui", "sans-serif"], font_mono=["monospace"]).set(
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    block_label_text_color="*primary_800",
    block_label_text_color_dark="white",
    block_title_text_color="*primary_800",
    block_title_text_color_dark="white",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover_dark="*primary_600",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_300",
)
CSS = (HERE / "page.css").read_text(encoding="utf-8")
HEAD = '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
# Calls page.js, or leaves the call for it where it is still loading.
CALL = """(value) => {
  const llamo = (window.llamo ??= { waiting: [] });
  if (llamo.%(name)s) llamo.%(name)s(value);
  else llamo.waiting.push(["%(name)s", value]);
}"""
NO_PROGRESS = gr.Progress()  # as a default, Gradio puts that of the event in its place
DELETED_AFTER = 3600  # seconds; what a user leaves behind goes after an hour


def seconds_done(progress: gr.Progress) -> Callable[[float], None]:
    """What tells the user how much of a video has been looked at."""
    return lambda seconds: progress((round(seconds, 1), None), unit="seconds of the video looked at")


def page_script(viewer: Path) -> str:
    return (HERE / "page.js").read_text(encoding="utf-8").replace("__VIEWER__", viewer.as_posix())


def viewer_data(assistant: Assistant, talk: Conversation) -> dict | None:
    """Data for the viewer of all clips; of a video with the path of its film, which page.js makes an address of."""
    if not talk.clips:
        return None
    motions = [(clip.name, clip.motion, clip.measured) for clip in talk.clips]
    data = assistant.processor.motion_processor.view(motions)
    for clip, motion in zip(talk.clips, data["motions"], strict=True):
        if clip.film is not None:
            motion["video"] = {**motion.get("video", {}), "film": clip.film}
    return data


def describe(talk: Conversation) -> str:
    return "".join(facts_html(clip.name, facts(clip)) for clip in talk.clips) or NO_FILE


def tables_of(clip: Clip) -> tuple[str, str]:
    if clip.measured is None:
        why = paragraph(f"Nothing is measured: {clip.unmeasured}.")
        return why, why
    return measurements_html(clip.measured), repetitions_html(clip.measured)


@dataclass
class Page:
    """What others need to open a clip on the page.

    Attributes:
        talk: the state of the conversation.
        outputs: components that opening a clip changes.
        opened: (clip, conversation) -> the new values of `outputs`.
        show: after an event that has opened a clip, lets the viewer play it.
    """

    talk: gr.State
    outputs: list
    opened: Callable[[Clip, Conversation], dict]
    show: Callable


def build_title() -> None:
    gr.HTML(
        "<h1>LLaMo</h1><p>Drop a recording of a person: watch it, measure it, and ask about it in plain words. "
        "Answers are a draft; the numbers below the viewer are computed.</p>",
        elem_id="llamo-title",
    )


def build_page(assistant: Assistant) -> Page:
    """Components and events of the page, inside the open `gr.Blocks`."""
    talk = gr.State(Conversation(), time_to_live=DELETED_AFTER, delete_callback=lambda value: forget(value.clips))
    with gr.Row(elem_id="llamo-main"):
        with gr.Column(scale=6, min_width=320):
            with gr.Row(elem_id="llamo-files"):
                file = gr.File(
                    label="Motion or video",
                    file_types=[*MOTION_ENDINGS, *VIDEO_ENDINGS],
                    file_count="multiple",
                    height=110,
                    elem_id="llamo-file",
                )
                other = gr.File(
                    label="Compare with",
                    file_types=[*MOTION_ENDINGS, *VIDEO_ENDINGS],
                    file_count="multiple",
                    height=110,
                    elem_id="llamo-other",
                )
            camera = build_camera()
            with gr.Row(elem_id="llamo-examples"):
                examples = [gr.Button(f"Example: {label}", size="sm") for label, _ in EXAMPLES]
            gr.HTML(STAGE, elem_id="llamo-stage", apply_default_css=False)
            found = gr.HTML(NO_FILE, elem_id="llamo-found", elem_classes="llamo-text", apply_default_css=False)
        with gr.Column(scale=5, min_width=320):
            chat = gr.Chatbot(
                label="Conversation",
                elem_id="llamo-chat",
                height="min(62vh, 620px)",
                min_height=320,
                buttons=["copy", "copy_all"],
                placeholder="Ask about the motion. Times in an answer are links into it.",
                latex_delimiters=[],
                allow_tags=False,
                layout="bubble",
            )
            with gr.Row(elem_id="llamo-ask"):
                box = gr.Textbox(
                    label="Question",
                    placeholder="What is the person doing?",
                    lines=1,
                    max_lines=4,
                    scale=5,
                    elem_id="llamo-question",
                )
                send = gr.Button("Ask", variant="primary", scale=1, min_width=80, elem_id="llamo-send")
                stop = gr.Button("Stop", variant="stop", scale=1, min_width=80, visible=False, elem_id="llamo-stop")
            with gr.Row(elem_id="llamo-suggestions"):
                suggestions = [gr.Button(text, size="sm") for text in QUESTIONS]
            with gr.Row():
                again = gr.Button("Regenerate", size="sm", elem_id="llamo-again")
                clear = gr.Button("Clear", size="sm", elem_id="llamo-clear")
            with gr.Accordion("Advanced", open=False):
                temperature = gr.Slider(0.0, 1.5, 0.0, step=0.1, label="Temperature (0: the likeliest answer)")
                length = gr.Slider(8, MAX_TOKENS, 128, step=8, label="Longest answer, in tokens")
    with gr.Tabs(elem_id="llamo-tables"):
        with gr.Tab("Measurements"):
            measurements = gr.HTML(NOTHING_MEASURED, elem_classes="llamo-text", apply_default_css=False)
        with gr.Tab("Repetitions"):
            repetitions = gr.HTML(NOTHING_MEASURED, elem_classes="llamo-text", apply_default_css=False)
        with gr.Tab("Comparison"):
            comparison = gr.HTML(
                paragraph("Drop a second clip under “Compare with”."), elem_classes="llamo-text", apply_default_css=False
            )
        with gr.Tab("Downloads"):
            gr.HTML(
                paragraph("The motion as BVH and npz, the measurements as JSON and CSV."),
                elem_classes="llamo-text",
                apply_default_css=False,
            )
            with gr.Row():
                saves = [gr.DownloadButton(name, size="sm", interactive=False) for name in ("BVH", "npz", "JSON", "CSV")]
    data = gr.JSON(visible=False)
    focus = gr.JSON(visible=False)

    @cache
    def read_example(path: Path) -> Clip:
        """An example, read and measured once for everybody."""
        return read_clip(assistant.processor, [str(path)])

    def open_clip(paths: list[str], talk: Conversation, progress=NO_PROGRESS, name: str | None = None):
        """An upload as a new clip."""
        try:
            clip = open_uploads(assistant.processor, list(paths), name, seconds_done(progress))
        except ClipError as error:
            return {file: None, camera: None, found: error_html(str(error)) + (describe(talk) if talk.clips else "")}
        return opened(clip, talk)

    def opened(clip: Clip, talk: Conversation) -> dict:
        """A new clip takes the place of all others, and the conversation starts anew."""
        forget(talk.clips)
        new = Conversation([clip])
        files = write_downloads(assistant.processor, clip)
        table, rows = tables_of(clip)
        return {
            talk_state: new,
            file: None,
            camera: None,
            found: describe(new),
            data: viewer_data(assistant, new),
            chat: [],
            measurements: table,
            repetitions: rows,
            comparison: paragraph("Drop a second clip under “Compare with”."),
            **{save: gr.update(value=path, interactive=True) for save, path in zip(saves, files, strict=True)},
        }

    def open_recording(path: str | None, talk: Conversation, progress=NO_PROGRESS):
        """What the camera has recorded, as an upload."""
        return open_clip([path], talk, progress, "Recording") if path else {camera: None}

    def open_other(paths: list[str], talk: Conversation, progress=NO_PROGRESS):
        """A clip to compare the first one with; the next question is about both."""
        if not talk.clips:
            delete_uploads(list(paths))
            return {other: None, found: error_html("Expected a motion first, got none to compare with. Drop one on the left.")}
        clip = None
        try:
            clip = open_uploads(assistant.processor, list(paths), progress=seconds_done(progress))
            result = assistant.processor.motion_processor.compare(talk.clips[0].motion, clip.motion)
        except (ValueError, ImportError) as error:
            forget([clip] if clip else [])
            return {other: None, found: error_html(str(error)) + describe(talk)}
        if talk.told > 1:  # the model has read another second clip already
            talk.clear()
        forget(talk.clips[1:])
        talk.clips[1:] = [clip]
        return {
            talk_state: talk,
            other: None,
            found: describe(talk),
            data: viewer_data(assistant, talk),
            chat: talk.shown(),
            comparison: comparison_html(result, talk.clips[0].name, clip.name),
        }

    busy = {send: gr.update(visible=False), stop: gr.update(visible=True)}
    idle = {send: gr.update(visible=True), stop: gr.update(visible=False)}

    def reply(question: str, talk: Conversation, temperature: float, length: float):
        """Streams an answer into the chat."""
        try:
            question = check_question(question)
        except gr.Error as error:
            gr.Warning(error.message)
            yield idle
            return
        yield {box: "", chat: [*talk.shown(), {"role": "user", "content": question}], **busy}
        try:
            for _ in talk.ask(assistant, question, temperature, length):
                yield {talk_state: talk, chat: talk.shown()}
            yield {talk_state: talk, focus: talk.looked_at, **idle}
        except ValueError as error:
            shown = [{"role": "user", "content": question}, {"role": "assistant", "content": f"This does not work: {error}"}]
            yield {chat: [*talk.shown(), *shown], **idle}

    def repeat(talk: Conversation, temperature: float, length: float):
        """Asks the last question again."""
        question = talk.take_back()
        if question is None:
            gr.Warning("There is no answer yet to make again.")
            yield idle
            return
        yield from reply(question, talk, temperature, length)

    def clear_chat(talk: Conversation):
        talk.clear()
        return {talk_state: talk, chat: [], focus: [], **idle}

    talk_state = talk
    page = [talk_state, file, camera, other, found, data, chat, measurements, repetitions, comparison, *saves]
    answers = [talk_state, chat, box, focus, send, stop]
    private = {"api_visibility": "private"}
    reading = {"concurrency_id": "files", "concurrency_limit": 2, **private}
    asking = {"concurrency_id": "model", "show_progress": "hidden", **private}

    def show(event):
        return event.then(None, data, None, js=CALL % {"name": "show"}, **private)

    # A video takes as long as it lasts: what is done of it is told where it was dropped.
    show(file.upload(open_clip, [file, talk_state], page, show_progress_on=file, **reading))
    show(other.upload(open_other, [other, talk_state], page, show_progress_on=other, **reading))
    recorded = show(camera.stop_recording(open_recording, [camera, talk_state], page, show_progress_on=camera, **reading))
    recorded.then(None, None, None, js=CALL % {"name": "reveal"}, **private)
    for button, (_, path) in zip(examples, EXAMPLES, strict=True):

        def open_example(talk: Conversation, path: Path = path):
            return opened(replace(read_example(path)), talk)

        show(button.click(open_example, talk_state, page, show_progress_on=found, **reading))
    running = [
        send.click(reply, [box, talk_state, temperature, length], answers, **asking),
        box.submit(reply, [box, talk_state, temperature, length], answers, **asking),
        again.click(repeat, [talk_state, temperature, length], answers, **asking),
        chat.retry(repeat, [talk_state, temperature, length], answers, **asking),
        *(button.click(reply, [button, talk_state, temperature, length], answers, **asking) for button in suggestions),
    ]
    for event in running:
        event.then(None, focus, None, js=CALL % {"name": "focus"}, **private)
    stop.click(lambda: idle, None, [send, stop], cancels=running, queue=False, **private)
    clear.click(clear_chat, talk_state, answers, cancels=running, **private)
    chat.clear(clear_chat, talk_state, answers, cancels=running, **private)
    return Page(talk_state, page, opened, show)
