"""The API beside the page: `/ask`, `/measure` and `/compare`, each whole in one call. Also the tools of the MCP server.

>>> from gradio_client import Client, handle_file
>>> client = Client("http://127.0.0.1:7860")
>>> client.predict(handle_file("clip.bvh"), "How many squats?", api_name="/ask")
"""

import gradio as gr
from assistant import Assistant
from clips import Clip, ClipError, facts, forget, open_uploads
from conversation import Conversation


LONGEST_QUESTION = 2000  # characters
MAX_TOKENS = 512


def read(assistant: Assistant, path: str | None) -> Clip:
    if not path:
        raise gr.Error("Expected a motion or video file, got none. Upload one (gradio_client: handle_file).")
    try:
        return open_uploads(assistant.processor, [path])
    except ClipError as error:
        raise gr.Error(str(error)) from None


def read_all(assistant: Assistant, *paths: str | None) -> list[Clip]:
    """Clips of which only motion is wanted: their films go at once."""
    clips = []
    try:
        for path in paths:
            clips.append(read(assistant, path))
    finally:
        forget(clips)
    return clips


def measured(clip: Clip) -> dict:
    if clip.measured is None:
        raise gr.Error(f"Nothing can be measured in {clip.name}: {clip.unmeasured}.")
    return {"file": clip.name, "detected_and_assumed": facts(clip), **clip.measured}


def check_question(question: str) -> str:
    """The question, without spaces around it.

    Raises:
        gr.Error: none, or one that is too long.
    """
    question = (question or "").strip()
    if not question or len(question) > LONGEST_QUESTION:
        what = f"{len(question)} characters" if question else "none"
        raise gr.Error(f"Expected a question of at most {LONGEST_QUESTION} characters, got {what}. Write a shorter one.")
    return question


def add_endpoints(assistant: Assistant) -> None:
    """Endpoints without anything on the page."""

    def ask(file: str, question: str, temperature: float = 0.0, max_new_tokens: float = 128) -> str:
        """Answers a question about a motion file (BVH, AMC, C3D, TRC, glTF, npz, npy) or a video.

        Args:
            file: the motion or video.
            question: what to ask about it.
            temperature: 0 for the likeliest answer.
            max_new_tokens: longest answer, in tokens.
        """
        question = check_question(question)
        clip = read(assistant, file)
        talk = Conversation([clip])
        answer = ""
        try:
            for text in talk.ask(assistant, question, max(0.0, temperature), max(1, min(MAX_TOKENS, int(max_new_tokens)))):
                answer = text
        except ValueError as error:
            raise gr.Error(str(error)) from None
        finally:
            forget([clip])
        return answer

    def measure(file: str) -> dict:
        """Measures a motion file, or the motion of a video: way, speed, turns, jumps, steps, repetitions, angles, postures.

        Args:
            file: the motion or video.
        """
        (clip,) = read_all(assistant, file)
        return measured(clip)

    def compare(first: str, second: str) -> dict:
        """Lists where the second motion differs from the first, the largest difference first; times are the second's.

        Args:
            first: the motion or video to compare with.
            second: the motion or video to judge.
        """
        clips = read_all(assistant, first, second)
        measured(clips[0]), measured(clips[1])
        return assistant.processor.motion_processor.compare(clips[0].motion, clips[1].motion)

    with gr.Column(visible=False):
        file, other = gr.File(label="file", type="filepath"), gr.File(label="second", type="filepath")
        question = gr.Textbox(label="question")
        temperature, tokens = gr.Number(0.0, label="temperature"), gr.Number(128, label="max_new_tokens")
        answer, result = gr.Textbox(label="answer"), gr.JSON(label="result")
        trigger = gr.Button()
        trigger.click(ask, [file, question, temperature, tokens], answer, api_name="ask", concurrency_id="model")
        trigger.click(measure, [file], result, api_name="measure", concurrency_id="files", concurrency_limit=2)
        trigger.click(compare, [file, other], result, api_name="compare", concurrency_id="files", concurrency_limit=2)
