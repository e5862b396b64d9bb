"""`llamo ask --fast`: the same answers from ONNX graphs, without the imports of PyTorch and transformers."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from llamo.cli.session import BadInputError, MotionInput, Session, check_checkpoint, check_files, check_overrides, read_motions


BUILDING = "Making the graphs of --fast, once for this checkpoint; it takes a minute or two."


@dataclass
class FastSession(Session):
    """A loaded checkpoint whose processor is a `PlainProcessor` and whose model is a `LlamoOnnxModel`."""

    def prepare(self, messages: list[dict]) -> dict:
        try:
            return self.processor(messages)
        except ValueError as error:
            raise BadInputError(error) from None

    def decode(self, token_ids) -> str:
        return self.processor.decode(token_ids)


def open_fast_session(
    name: str, files: list[str], max_new_tokens: int | None, temperature: float, overrides: dict | None
) -> tuple[FastSession | None, list[MotionInput], float]:
    """As `open_session`; no session where a motion is too long for the graphs.

    Raises:
        BadInputError: anything that the caller has to change.
    """
    check_files(files)
    check_overrides(files, overrides)
    check_checkpoint(name)
    if not os.path.isdir(name):
        raise BadInputError(
            f"Expected the folder of a checkpoint beside --fast, got the name {name!r}. Download it first: "
            f"hf download {name} --local-dir llamo"
        )
    started = time.perf_counter()
    from llamo.cli.motion_files import check_used
    from llamo.processing.plain_processing_llamo import PlainProcessor

    try:
        processor = PlainProcessor(name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"Expected a LLaMo checkpoint of motion and text at {name!r}, got: {error}") from None
    before_reading = time.perf_counter()
    motions = read_motions(processor, files, overrides)
    check_used([motion.report for motion in motions], overrides)
    reading = time.perf_counter() - before_reading
    model = load_graphs(Path(name))
    longest = model.settings["window_frames"] / model.settings["fps"]
    for motion in motions:
        if motion.report["seconds"] > longest - 1 / model.settings["fps"]:
            print(
                f"{motion.report['path']}: longer than the {longest:g} s that --fast reads; answered without it.",
                file=sys.stderr,
            )
            return None, motions, reading
    sampling: dict = {"temperature": temperature}
    if max_new_tokens is not None:
        sampling["max_new_tokens"] = max_new_tokens
    loading = time.perf_counter() - started - reading
    return FastSession(name, processor, model, loading, sampling), motions, reading


def load_graphs(checkpoint: Path):
    """The graphs in the checkpoint's folder `fast`, made anew where they are missing or of another state of the checkpoint.

    Raises:
        BadInputError: a package is missing, a model that cannot become graphs, or a folder that cannot be written to.
    """
    from llamo.modeling_llamo.onnx_model_llamo import FOLDER, LlamoOnnxModel, is_made_from

    folder = checkpoint / FOLDER
    try:
        if not is_made_from(folder, checkpoint):
            from llamo.train.export_onnx import check_requirements, export_onnx

            check_requirements()
            print(BUILDING, file=sys.stderr, flush=True)
            export_onnx(checkpoint, folder)
        return LlamoOnnxModel(folder)
    except (ImportError, ValueError, OSError) as error:
        raise BadInputError(error) from None
