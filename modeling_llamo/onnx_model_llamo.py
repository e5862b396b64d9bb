"""The model as ONNX graphs: greedy or sampled answers without PyTorch and transformers (`llamo ask --fast`).

`llamo.train.export_onnx` writes the folder: what becomes of a motion (`motion.onnx`), what a user turn takes from it
(`turn.onnx`), and the language model with weights of eight bits (`language_model.onnx`), which reads vectors as LLaMo's does.
Where everything stands in a prompt is found by the same code as in PyTorch.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from .prompt_layout_llamo import REMEDY, locate_motions


MOTION, TURN, LANGUAGE_MODEL = "motion.onnx", "turn.onnx", "language_model.onnx"
WORDS, SETTINGS = "word_embeddings.npy", "engine.json"
FOLDER = "fast"  # in the checkpoint
VERSION = 1  # of the folder; raise it when older ones cannot be read
# Of a checkpoint's files, what an answer depends on.
SOURCES = ("config.json", "generation_config.json", "processor_config.json", "tokenizer.json", "chat_template.jinja")
FEWEST_WORDS = 2  # of an instruction, in the graph of a turn; padding, where there are fewer


class LlamoOnnxModel:
    """Answers one prompt at a time.

    Args:
        folder: what `llamo.train.export_onnx` wrote.
        num_threads: of each graph; 0 for as many as there are cores.

    Attributes:
        settings (`dict`): `engine.json`: token ids, counts, `window_frames`, defaults of generation, `made_from`.

    Raises:
        ImportError: onnxruntime is not installed.
        OSError: a file that is missing.
        ValueError: a folder of another version.
    """

    def __init__(self, folder: str | Path, num_threads: int = 0):
        folder = Path(folder)
        self.settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        if self.settings["version"] != VERSION:
            raise ValueError(
                f"Expected ONNX graphs of version {VERSION}, got {self.settings['version']} in {folder}. Remove the folder; "
                "`llamo ask --fast` makes it anew."
            )
        self.config = as_namespace(self.settings["config"])
        self.words = np.load(folder / WORDS, mmap_mode="r", allow_pickle=False)  # Shape: (vocabulary, H)
        self.runtime = import_module("onnxruntime")

        def load(name: str):
            options = self.runtime.SessionOptions()
            options.intra_op_num_threads = num_threads
            options.log_severity_level = 3
            if name != LANGUAGE_MODEL:  # threads that wait in a loop would be in the way of the language model's
                options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            return self.runtime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])

        with ThreadPoolExecutor() as pool:
            self.motion, self.turn, self.language_model = pool.map(load, (MOTION, TURN, LANGUAGE_MODEL))
        self.turn_inputs = {each.name for each in self.turn.get_inputs()}
        self.past = [each for each in self.language_model.get_inputs() if each.name.startswith("past_")]
        self.outputs = ["logits", *(each.name.replace("past_key_values", "present") for each in self.past)]

    def read_motion(self, values: np.ndarray, num_frames: int, order: int) -> dict[str, np.ndarray]:
        """One motion `(num_frames or more, motion_dim + num_rates)`, the order-th of its prompt -> what the turns ask, and its
        `summary` `(1, num_summary_tokens, H)`."""
        config = self.config
        patch, window = config.motion_config.patch_size, self.settings["window_frames"]
        if num_frames > window:
            raise ValueError(
                f"Expected motions of at most {window} frames, got {num_frames} in LlamoOnnxModel. Leave --fast out."
            )
        fewest = config.talker_config.num_focus_tokens * patch
        padded = max(fewest, -(-num_frames // patch) * patch)
        whole = np.zeros((1, padded, values.shape[-1]), dtype=np.float32)
        whole[0, :num_frames] = values[:num_frames]
        mask = (np.arange(padded) < num_frames).astype(np.int64)[None]
        names = [each.name for each in self.motion.get_outputs()]
        feed = {"values": whole, "mask": mask, "order": np.array([order], dtype=np.int64)}
        return {**dict(zip(names, self.motion.run(names, feed), strict=True)), "order": feed["order"]}

    def embed(
        self, input_ids: np.ndarray, motion_values: np.ndarray | None = None, motion_attention_mask: np.ndarray | None = None
    ) -> np.ndarray:
        """Token ids `(1, L)` and motions `(N, F, motion_dim + num_rates)` with their mask `(N, F)` -> what the language model
        reads, `(1, L, H)` float32.

        Raises:
            ValueError: placeholders and motions disagree, in either direction; a motion longer than one window; no motion, for
                a checkpoint that reads text alone with other weights.
        """
        ids = np.asarray(input_ids)
        if ids.ndim != 2 or len(ids) != 1:
            raise ValueError(f"Expected input_ids of one prompt, (1, L), got {ids.shape} in LlamoOnnxModel. Ask one at a time.")
        if motion_values is None and not self.settings.get("reads_text_alone", True):
            raise ValueError("Expected a motion in the prompt, got text alone in LlamoOnnxModel. Leave --fast out.")
        words = np.array(self.words[ids[0]], dtype=np.float32)  # Shape: (L, H)
        frames = [] if motion_values is None else np.asarray(motion_attention_mask).sum(-1).tolist()
        lengths = [-(-count // self.config.motion_config.patch_size) for count in frames]
        layout = locate_motions(ids, None, lengths, self.config)
        motions = [
            self.read_motion(values, count, order)
            for values, count, order in zip(motion_values if frames else [], frames, layout.motion_order, strict=True)
        ]
        fused = words.copy()
        is_motion, is_focus = ids[0] == self.config.motion_token_id, ids[0] == self.config.motion_focus_token_id
        if is_focus.any() and not motions:
            raise ValueError(f"Expected motion_values for <|motion_focus|> tokens, got none in LlamoOnnxModel. {REMEDY}")
        if motions:
            fused[is_motion] = np.concatenate([motion["summary"][0] for motion in motions])
        kept = []
        for turn, number in zip(layout.pair_turns, layout.pair_motions, strict=True):
            places = layout.turn_words[turn]
            instruction = np.zeros((1, max(FEWEST_WORDS, len(places)), words.shape[1]), dtype=np.float32)
            instruction[0, : len(places)] = words[places]
            word_mask = np.arange(instruction.shape[1]) < len(places)
            feed = {**motions[number], "words": instruction, "word_mask": word_mask[None]}
            tokens, real, deltas = self.turn.run(
                ["tokens", "kept", "deltas"], {name: feed[name] for name in feed if name in self.turn_inputs}
            )
            fused[places] += deltas[0, : len(places)]
            kept.append(tokens[0][real[0]])
        if kept:
            fused[is_focus] = np.concatenate(kept)
        return fused[None]

    def generate(
        self,
        input_ids: np.ndarray,
        motion_values: np.ndarray | None = None,
        motion_attention_mask: np.ndarray | None = None,
        max_new_tokens: int | None = None,
        temperature: float = 0.0,
        streamer=None,
        seed: int | None = None,
    ) -> np.ndarray:
        """Token ids of prompt and answer, `(1, L + answer)`.

        Args:
            input_ids, motion_values, motion_attention_mask: as in `embed`.
            max_new_tokens: longest answer; `None` for the checkpoint's default.
            temperature: 0 for the likeliest token each time; otherwise tokens are drawn from all.
            streamer: gets the prompt, then each token, by `put`, and `end`, as in transformers.
            seed: of what is drawn.
        """
        step = self.embed(input_ids, motion_values, motion_attention_mask)
        ids = np.asarray(input_ids)[0].tolist()
        rng = np.random.default_rng(seed)
        value = self.runtime.OrtValue.ortvalue_from_numpy
        past = [value(np.zeros((1, each.shape[1], 0, self.settings["head_dim"]), dtype=np.float32)) for each in self.past]
        if streamer is not None:
            streamer.put(np.asarray(input_ids))
        for _ in range(self.settings["max_new_tokens"] if max_new_tokens is None else max_new_tokens):
            feed = {"inputs_embeds": value(step), "attention_mask": value(np.ones((1, len(ids)), dtype=np.int64))}
            feed |= {each.name: state for each, state in zip(self.past, past, strict=True)}
            logits, *past = self.language_model.run_with_ort_values(self.outputs, feed)
            token = choose(logits.numpy()[0, -1].copy(), self.settings["suppress_tokens"], temperature, rng)
            ids.append(token)
            if streamer is not None:
                streamer.put(np.array([token]))
            if token in self.settings["eos_token_ids"]:
                break
            step = np.array(self.words[token], dtype=np.float32)[None, None]
        if streamer is not None:
            streamer.end()
        return np.array([ids], dtype=np.int64)


def fingerprint(checkpoint: Path) -> dict[str, list[int]]:
    """Size and time of change of every file of a checkpoint that an answer depends on."""
    files = [*sorted(checkpoint.glob("*.safetensors")), *(checkpoint / name for name in SOURCES)]
    return {path.name: [path.stat().st_size, path.stat().st_mtime_ns] for path in files if path.is_file()}


def is_made_from(folder: Path, checkpoint: Path) -> bool:
    """Whether the graphs in `folder` are of this version, and of the checkpoint as it is."""
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return settings.get("version") == VERSION and settings.get("made_from") == fingerprint(checkpoint)


def choose(logits: np.ndarray, suppressed: list[int], temperature: float, rng: np.random.Generator) -> int:
    """The next token of logits `(vocabulary,)`, which are changed."""
    logits[suppressed] = -np.inf
    if temperature <= 0:
        return int(logits.argmax())
    likely = np.exp((logits - logits.max()).astype(np.float64) / temperature)
    return int(rng.choice(len(likely), p=likely / likely.sum()))


def as_namespace(settings: dict) -> SimpleNamespace:
    """Nested settings, to be read as attributes."""
    inner = {name: as_namespace(value) for name, value in settings.items() if isinstance(value, dict)}
    return SimpleNamespace(**{**settings, **inner})
