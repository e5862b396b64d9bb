"""The camera: what it records takes the way of every upload."""

import gradio as gr


TOLD = (
    "Stand so that your whole body is in the picture, record a few seconds, and press stop. The recording, without sound, goes "
    "to the machine that runs this page and nowhere else. It is read like a dropped video and deleted five minutes later; the "
    "small film that plays beside the skeleton goes when you open another clip, or an hour after you leave."
)
# No sound is asked for. Where Gradio is told to leave it out itself, it runs every recording through a program ffmpeg, which
# not every machine has.
WANTED = {"video": {"width": {"ideal": 1280}, "height": {"ideal": 720}, "frameRate": {"ideal": 30}}, "audio": False}


def build_camera() -> gr.Video:
    """The camera in a part of the page that is closed at first; nothing is asked of the browser before a click."""
    with gr.Accordion("Record with the camera", open=False, elem_id="llamo-camera-part"):
        gr.HTML(f"<p>{TOLD}</p>", elem_id="llamo-camera-told", elem_classes="llamo-text", apply_default_css=False)
        return gr.Video(
            label="Camera",
            sources=["webcam"],
            include_audio=True,
            # Left stays left: the picture is not mirrored.
            webcam_options=gr.WebcamOptions(mirror=False, constraints=WANTED),
            height=320,
            elem_id="llamo-camera",
        )
