"""Assemble a checkpoint that transformers loads: base language model + trained weights + code + tokenizer and processor.

    llamo init [--base ID] [--vision ID] [--out DIR]

The result is what goes to the Hub: `AutoModel.from_pretrained(DIR, trust_remote_code=True)` needs nothing else.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import torch
from tokenizers import AddedToken
from transformers import AutoConfig, AutoModel, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.image_processing_base import ImageProcessingMixin

from llamo.modeling_llamo.configuration_llamo import LlamoConfig
from llamo.modeling_llamo.modeling_llamo import LlamoForConditionalGeneration
from llamo.processing.motion_processing_llamo import LlamoMotionProcessor
from llamo.processing.processing_llamo import LlamoProcessor
from llamo.processing.video_processing_llamo import LlamoFrameProcessor
from llamo.train.base_model import BASE_NAME, load_base, quiet_loading
from llamo.train.convert_pose_model import FOLDER_NAME, assemble_estimator
from llamo.train.trained_weights import ENHANCER_FILE, has_vision, merge_weights, motion_update, read_settings, retrieval_size


# The checkout, or `site-packages/llamo`: both hold the code folders, weights/ and the files of the card side by side.
HOME = Path(__file__).resolve().parents[1]
MOTION_TOKENS = ("<|motion|>", "<|motion_focus|>")
# How chat models mark turns: (before the role, after the role, after the turn). The first that the tokenizer knows is used.
TURN_MARKERS = (
    ("<|im_start|>", "\n", "<|im_end|>"),  # ChatML: SmolLM, Qwen, ...
    ("<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>"),  # Llama 3
)
AUTO_MAP = {
    "AutoConfig": "configuration_llamo.LlamoConfig",
    "AutoModel": "modeling_llamo.LlamoModel",
    "AutoModelForImageTextToText": "modeling_llamo.LlamoForConditionalGeneration",
    "AutoModelForCausalLM": "modeling_llamo.LlamoForConditionalGeneration",
    "AutoProcessor": "processing_llamo.LlamoProcessor",
}
RESULT_MARKERS = ("<!-- results:begin -->", "<!-- results:end -->")  # around the figures in README.md and model_card.md
MAX_NEW_TOKENS = 128  # the default of `generate` for answers; transformers' own 20 tokens cut sentences
DEFAULT_SIDE = 224  # pixels of the pictures of a vision tower that does not say
STALE_SECONDS = 3600.0  # a build folder that old was left by a killed run


def assemble(
    out: str | Path = "llamo", base: str | None = None, weights: str | Path | None = None, vision: str | None = None
) -> Path:
    """Writes a complete checkpoint to `out`, replacing an older one only when the new one is complete.

    Args:
        out: folder of the checkpoint.
        base: a causal language model, as Hub id or folder; `None` for the pinned default.
        weights: trained parts (see `train/trained_weights.py`); `None` for those of the project.
        vision: a vision tower, as Hub id or folder (SigLIP, CLIP, DINOv2, ...); `None` for the trained one that lies with the
            weights, or, where there is none, for motion and text alone.

    Returns:
        The absolute path of the checkpoint.

    Raises:
        FileExistsError: `out` exists and is not a LLaMo checkpoint.
        FileNotFoundError: `weights` was named and does not exist.
        ValueError: the trained weights do not belong to the configuration.
    """
    out = Path(out).absolute()
    refuse_foreign_folder(out)
    folder = HOME / "weights" if weights is None else Path(weights)
    if weights is not None and not folder.is_dir():
        raise FileNotFoundError(f"Expected a folder of trained weights, got {folder}, which does not exist. Correct --weights.")
    model, tokenizer = load_base(base)
    markers = prepare_tokenizer(tokenizer)
    same_base = base is None
    settings = {**read_settings(folder), "retrieval_size": retrieval_size(folder, same_base)}
    settings["motion_update"] = motion_update(folder, same_base)
    own_vision = vision is None and has_vision(folder)
    tower = trained_vision(settings) if own_vision else load_vision(vision)
    model, frame_processor = build_model(model, tokenizer, markers, settings, tower)
    untrained = merge_weights(model, folder, same_base=same_base, own_vision=own_vision)
    if untrained:
        print(
            f"Warning: no trained weights for {', '.join(untrained)}; answers will mean nothing before training.",
            file=sys.stderr,
        )
    if frame_processor is not None and not (own_vision and base is None and (folder / ENHANCER_FILE).is_file()):
        print(
            "Warning: no trained enhancer for this vision tower; answers look at the motion alone before it is trained with "
            "`llamo train train/recipes/video.yaml`.",
            file=sys.stderr,
        )
    processor = build_processor(model.config, tokenizer, markers, read_settings(folder), frame_processor)

    out.parent.mkdir(parents=True, exist_ok=True)
    remove_stale_builds(out)
    building = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        write_checkpoint(building / "new", model, processor)
        write_card(building / "new", base, trained=not untrained)
        add_estimator(building / "new")
        swap_in(building / "new", out, building / "old")
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return out


def refuse_foreign_folder(out: Path) -> None:
    """Raises FileExistsError where `out` holds something that `llamo init` did not make."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        found = json.loads((out / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        found = None
    if found != LlamoConfig.model_type:
        raise FileExistsError(
            f"Expected a LLaMo checkpoint or nothing at {out}, got {'another model' if found else 'something else'}. "
            "Move it away, or choose another folder with --out."
        )


def prepare_tokenizer(tokenizer: PreTrainedTokenizerBase) -> tuple[str, str, str]:
    """Adds the placeholders to `tokenizer`, and turn markers where it knows none; returns the markers.

    Raises:
        ValueError: a slow tokenizer, for which token offsets (and so trl's answer masks) are unknown.
    """
    if not tokenizer.is_fast:
        raise ValueError(
            f"Expected a fast tokenizer, got {type(tokenizer).__name__}. Choose a base with tokenizer.json, or convert it."
        )
    known = tokenizer.get_vocab()
    markers = next((m for m in TURN_MARKERS if m[0] in known and m[2] in known), TURN_MARKERS[0])
    wanted = [text for text in (markers[0], markers[2], *MOTION_TOKENS) if text not in known]
    tokenizer.add_tokens([AddedToken(text, special=True, normalized=False) for text in wanted], special_tokens=True)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = markers[2]
    return markers


def build_model(
    base: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    markers: tuple[str, str, str],
    settings: dict,
    vision: tuple[PreTrainedModel | None, LlamoFrameProcessor | None],
) -> tuple[LlamoForConditionalGeneration, LlamoFrameProcessor | None]:
    """A LLaMo around `base` and a vision tower, and the frame processor of that tower if there is one."""
    fit_embeddings(base, len(tokenizer))
    text_config = base.config.to_dict()
    for key in ("_name_or_path", "architectures", "auto_map", "transformers_version"):
        text_config.pop(key, None)
    vision_tower, frame_processor = vision
    config = LlamoConfig(
        text_config=text_config,
        vision_config=vision_tower.config.to_dict() if vision_tower is not None else None,
        motion_config=settings.get("motion_config"),
        talker_config=settings.get("talker_config"),
        motion_token_id=tokenizer.convert_tokens_to_ids(MOTION_TOKENS[0]),
        motion_focus_token_id=tokenizer.convert_tokens_to_ids(MOTION_TOKENS[1]),
        instruction_start_token_ids=user_turn_ids(tokenizer, markers),
        retrieval_size=settings.get("retrieval_size", 0),
        **settings.get("motion_update", {}),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # parts without trained weights start the same everywhere
        model = LlamoForConditionalGeneration(config)
    model.to(base.dtype)
    model.model.language_model.load_state_dict(base.base_model.state_dict(), assign=True)
    model.lm_head.weight = base.get_output_embeddings().weight
    model.tie_weights()
    if vision_tower is not None:
        model.model.vision_tower.load_state_dict(vision_tower.state_dict())
    model.model.talker.projector.fit_scale(model.get_input_embeddings().weight)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=end_token_ids(base, tokenizer, markers),
        pad_token_id=tokenizer.pad_token_id,
        suppress_tokens=tokenizer.convert_tokens_to_ids(list(MOTION_TOKENS)),
        max_new_tokens=MAX_NEW_TOKENS,
        do_sample=False,
    )
    return model.eval(), frame_processor


@torch.no_grad()
def fit_embeddings(base: PreTrainedModel, num_tokens: int) -> None:
    """Makes room for `num_tokens`; new rows are the mean of the old ones, so that they draw no probability to themselves."""
    old = base.get_input_embeddings().weight.shape[0]
    if num_tokens <= old:  # many models keep spare rows
        return
    base.resize_token_embeddings(num_tokens, mean_resizing=False)
    for embeddings in {base.get_input_embeddings(), base.get_output_embeddings()}:
        embeddings.weight[old:] = embeddings.weight[:old].mean(0)


def user_turn_ids(tokenizer: PreTrainedTokenizerBase, markers: tuple[str, str, str]) -> list[int]:
    """The token ids that open a user turn, by which the model finds where a turn's instruction begins.

    Raises:
        ValueError: the tokenizer joins the role and what follows it into one token.
    """
    start, role_end, turn_end = markers
    ids = tokenizer.encode(f"{start}user", add_special_tokens=False)
    turn = tokenizer.encode(f"{start}user{role_end}Hello{turn_end}", add_special_tokens=False)
    if turn[: len(ids)] != ids:
        raise ValueError(
            f"Expected a user turn to begin with the tokens {ids}, got {turn[: len(ids)]} from {type(tokenizer).__name__}. "
            "This tokenizer joins the role with what follows; choose another base."
        )
    return ids


def end_token_ids(base: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, markers: tuple[str, str, str]) -> list[int]:
    """Tokens that end an answer: the end of a turn, and what the base itself stops at."""
    own = base.generation_config.eos_token_id if base.generation_config is not None else None
    own = own if isinstance(own, list) else [own]
    return sorted({token for token in (*own, tokenizer.convert_tokens_to_ids(markers[2])) if token is not None})


def load_vision(vision: str | None) -> tuple[PreTrainedModel | None, LlamoFrameProcessor | None]:
    """The vision tower named by `vision`, without the text tower that it may come with, and its frame processor."""
    if vision is None:
        return None, None
    config = AutoConfig.from_pretrained(vision)
    config = getattr(config, "vision_config", config)
    with quiet_loading():
        tower = AutoModel.from_pretrained(vision, config=config, dtype=torch.float32)
    try:
        statistics, _ = ImageProcessingMixin.get_image_processor_dict(vision)
    except OSError:  # a tower without image processor: the frame processor's own defaults
        statistics = {}
    return tower, LlamoFrameProcessor(
        image_size=getattr(config, "image_size", None) or side_of(statistics),
        image_mean=statistics.get("image_mean"),
        image_std=statistics.get("image_std"),
    )


def side_of(statistics: dict) -> int:
    """Pixels of a side in the settings of an image processor; of a convolutional tower the configuration does not say."""
    size = statistics.get("crop_size") or statistics.get("size") or {}
    return size if isinstance(size, int) else size.get("height") or size.get("shortest_edge") or DEFAULT_SIDE


def trained_vision(settings: dict) -> tuple[PreTrainedModel, LlamoFrameProcessor]:
    """The vision tower of `config.json` of the trained weights, which `merge_weights` fills, and its frame processor."""
    config = dict(settings["vision_config"])
    with torch.random.fork_rng(devices=[]):
        tower = AutoModel.from_config(AutoConfig.for_model(config.pop("model_type"), **config))
    return tower, LlamoFrameProcessor(**settings.get("frame_processor", {}))


def build_processor(
    config: LlamoConfig,
    tokenizer: PreTrainedTokenizerBase,
    markers: tuple[str, str, str],
    settings: dict,
    frame_processor: LlamoFrameProcessor | None,
) -> LlamoProcessor:
    """The processor whose token counts, rate and turn markers are those of `config` and the tokenizer."""
    motion_processor = LlamoMotionProcessor(
        fps=config.motion_config.fps,
        patch_size=config.motion_config.patch_size,
        num_summary_tokens=config.talker_config.num_summary_tokens,
        num_focus_tokens=config.talker_config.num_focus_tokens,
        num_rates=config.motion_config.num_rates,
        **settings.get("motion_processor", {}),
    )
    template = (HOME / "processing" / "chat_template.jinja").read_text(encoding="utf-8")
    for name, own, wanted in zip(("turn_start", "role_end", "turn_end"), TURN_MARKERS[0], markers):
        line = "set %s = '%s'"
        template = template.replace(line % (name, own.replace("\n", "\\n")), line % (name, wanted.replace("\n", "\\n")))
    return LlamoProcessor(tokenizer, motion_processor, frame_processor, chat_template=template)


def write_checkpoint(folder: Path, model: LlamoForConditionalGeneration, processor: LlamoProcessor) -> None:
    """Model, processor and the code of both, byte for byte as in the project."""
    with quiet_loading():
        model.save_pretrained(folder)
    write_code(folder, processor)


def write_code(folder: Path, processor: LlamoProcessor) -> None:
    """What a checkpoint needs beside the saved model: the processor, the code, and which class is which."""
    LlamoProcessor.register_for_auto_class()
    processor.save_pretrained(folder)
    for source in sorted([*(HOME / "modeling_llamo").glob("*.py"), *(HOME / "processing").glob("*.py")]):
        shutil.copyfile(source, folder / source.name)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["auto_map"] = AUTO_MAP
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def add_estimator(folder: Path) -> None:
    """The Motion Estimator, which videos need; without a network, everything else stands without it."""
    try:
        assemble_estimator(folder / FOLDER_NAME)
    except RuntimeError as error:
        print(
            f"Warning: the checkpoint has no Motion Estimator, so it reads motion but no video: {error} "
            "Run `llamo init` again when there is a network.",
            file=sys.stderr,
        )


def write_card(folder: Path, base: str | None, trained: bool) -> None:
    """README.md (the Hub card, from model_card.md), LICENSE and NOTICE."""
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(HOME / name, folder / name)
    card = (HOME / "model_card.md").read_text(encoding="utf-8")
    card = card.replace("{{ base_model }}", base or f"HuggingFaceTB/{BASE_NAME}")
    if not trained:
        # Figures belong to trained weights; a card without them says so.
        begin, end = (card.index(marker) for marker in RESULT_MARKERS)
        card = card[:begin] + "This checkpoint is not trained: its answers mean nothing." + card[end + len(RESULT_MARKERS[1]) :]
    (folder / "README.md").write_text(card, encoding="utf-8")


def swap_in(new: Path, out: Path, old: Path) -> None:
    """Puts `new` in the place of `out`; whatever happens, `out` is the old folder, nothing, or the whole new one."""
    if out.exists():
        out.rename(old)
    try:
        new.rename(out)
    except OSError:
        if old.exists() and not out.exists():
            old.rename(out)
        raise


def remove_stale_builds(out: Path) -> None:
    """Removes what killed runs left beside `out`."""
    for folder in out.parent.glob(f".{out.name}-*"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="llamo", help="folder of the checkpoint")
    parser.add_argument("--base", help="causal language model: Hub id or folder")
    parser.add_argument("--vision", help="vision tower: Hub id or folder")
    parser.add_argument("--weights", help="folder of trained weights")
    return parser


def main() -> None:
    arguments = make_parser().parse_args()
    print(assemble(arguments.out, arguments.base, arguments.weights, arguments.vision))


if __name__ == "__main__":
    main()
