"""Browser demo: drop a motion file, ask, read the answer as it is written. Uses the Hub artefact alone.

LLAMO_MODEL=llamo python spaces_demo/app.py
"""

import os
import threading

import gradio as gr
from transformers import AutoModelForImageTextToText, AutoProcessor, TextIteratorStreamer


MODEL = os.environ.get("LLAMO_MODEL", "llamo")
MAX_NEW_TOKENS = 128
EXAMPLE_QUESTIONS = ["What is the person doing?", "How many repetitions are there?", "Describe the motion."]

processor = AutoProcessor.from_pretrained(MODEL, trust_remote_code=True)
model = AutoModelForImageTextToText.from_pretrained(MODEL, trust_remote_code=True)


def describe(path: str | None) -> str:
    """What was detected in the file and what was assumed, or why it cannot be read."""
    if not path:
        return "Drop a BVH, npz or npy file."
    try:
        raw = processor.motion_processor.load({"path": path})
    except ValueError as error:
        return f"**This file cannot be read.** {error}"
    assumed = "".join(f"\n- {note}" for note in raw.assumed)
    return f"{raw.format}, {raw.source_frames} frames at {raw.fps:g} per second, {raw.source_joints} joints.{assumed}"


def answer(question: str, history: list[dict], path: str | None):
    """Yields the answer while it is generated, in the context of the conversation so far."""
    if not path:
        yield "Please give a motion file first."
        return
    messages = [{"role": turn["role"], "content": [{"type": "text", "text": text_of(turn)}]} for turn in history]
    messages.append({"role": "user", "content": [{"type": "text", "text": question}]})
    messages[0]["content"].insert(0, {"type": "motion", "path": path})
    try:
        inputs = processor.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
    except ValueError as error:
        yield f"This does not work: {error}"
        return
    streamer = TextIteratorStreamer(processor.tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=120.0)
    options = {**inputs.to(model.device), "streamer": streamer, "max_new_tokens": MAX_NEW_TOKENS}
    threading.Thread(target=model.generate, kwargs=options, daemon=True).start()
    text = ""
    for piece in streamer:
        text += piece
        yield text


def text_of(turn: dict) -> str:
    """The text of a chat turn, which Gradio gives as a string or as parts."""
    content = turn["content"]
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content if isinstance(part, dict))


with gr.Blocks(title="LLaMo") as demo:
    gr.Markdown("# LLaMo\nAsk a language model about human motion.")
    with gr.Row():
        with gr.Column(scale=1):
            motion = gr.File(label="Motion file", file_types=[".bvh", ".npz", ".npy"], type="filepath")
            detected = gr.Markdown(describe(None))
        with gr.Column(scale=2):
            gr.ChatInterface(
                answer, additional_inputs=[motion], examples=[[text, None] for text in EXAMPLE_QUESTIONS], cache_examples=False
            )
    motion.change(describe, motion, detected)


if __name__ == "__main__":
    demo.queue(default_concurrency_limit=2).launch()
