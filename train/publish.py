"""Folders for the Hub, and their way there: the checkpoint with its code and card, an adapter alone, the Space, a data set.

    llamo export DIR [--model CHECKPOINT] [--adapter-only | --space]
    llamo push OWNER/NAME [--private] [--space] [--dataset DIR]

A folder is built aside and takes its place when it is whole. An upload is one commit: files of an upload that failed are not
sent again by the next one, and until its commit the repository stays as it was.
"""

import fnmatch
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from llamo.modeling_llamo.configuration_llamo import LlamoConfig
from llamo.train.initialise import AUTO_MAP, HOME, refuse_foreign_folder, swap_in, write_card


# What belongs to a checkpoint; a training run leaves more in its folder (optimiser, logs, older checkpoints).
CHECKPOINT_FILES = ("*.safetensors", "*.safetensors.index.json", "*.jinja", "*.txt", "LICENSE", "NOTICE", "README.md")
CHECKPOINT_JSON = (
    "config.json generation_config.json processor_config.json preprocessor_config.json tokenizer.json tokenizer_config.json "
    "special_tokens_map.json added_tokens.json vocab.json chat_template.json"
).split()
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
SPACE_FILES = ("*.py", "*.js", "*.css", "*.html", "*.txt", "*.md", "*.LICENSE")
DATASET_FILES = ("*.parquet", "*.json", "*.jsonl", "*.csv", "*.md", "*.npz", "*.npy", "*.bvh")
# Of an older upload: what would be read beside the new files.
OUTDATED = {
    "model": ["*.safetensors", "*.safetensors.index.json", "*_llamo.py"],
    "space": ["*.py", "*.js"],
    "dataset": ["*.parquet"],
}


def export_model(source: str | Path, out: str | Path) -> Path:
    """Writes what goes to the Hub: weights, tokenizer, processor, card, licence, and the project's code byte for byte.

    Args:
        source: a LLaMo checkpoint, as `llamo init` or training left it.
        out: the new folder; an older export in its place is replaced.

    Returns:
        The absolute path of the folder.

    Raises:
        ValueError: `source` is no LLaMo checkpoint, or has weights in other files than safetensors.
        FileExistsError: `out` holds something else.
    """
    source, out = Path(source), Path(out).absolute()
    config = read_config(source)
    if not list(source.glob("*.safetensors")):
        raise ValueError(
            f"Expected weights as *.safetensors, got none in {source}. Save with save_pretrained; pickles are never published."
        )
    if out == source.absolute():
        raise ValueError(f"Expected a new folder, got the checkpoint itself at {out}. Name another one.")
    refuse_foreign_folder(out)
    with building(out) as folder:
        for path in sorted({path for pattern in (*CHECKPOINT_FILES, *CHECKPOINT_JSON) for path in source.glob(pattern)}):
            shutil.copyfile(path, folder / path.name)
        for part in sorted(
            path.parent for path in source.glob("*/config.json") if not path.parent.name.startswith("checkpoint-")
        ):
            copy_tree(part, folder / part.name, ("*.json", "*.safetensors", "*.txt", "LICENSE*", "NOTICE*"))
        for code in sorted([*(HOME / "modeling_llamo").glob("*.py"), *(HOME / "processing").glob("*.py")]):
            shutil.copyfile(code, folder / code.name)
        config["auto_map"] = AUTO_MAP
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        if not (folder / "README.md").is_file():
            write_card(folder, base_of(config), trained=True)
        for name in ("LICENSE", "NOTICE"):
            shutil.copyfile(HOME / name, folder / name)
    return out


def export_adapter(source: str | Path, out: str | Path) -> Path:
    """Writes the adapter of a LoRA training alone, with card and licence; whoever loads it needs its base checkpoint.

    Raises:
        ValueError: there is no adapter in `source` or in its folder `adapter`.
        FileExistsError: `out` is not empty.
    """
    source, out = Path(source), Path(out).absolute()
    found = next(
        (path for path in (source, source / "adapter") if all((path / name).is_file() for name in ADAPTER_FILES)), None
    )
    if found is None:
        raise ValueError(
            f"Expected {' and '.join(ADAPTER_FILES)}, got none in {source}. Train with use_peft, or leave --adapter-only out."
        )
    refuse_full_folder(out)
    with building(out) as folder:
        for name in ADAPTER_FILES:
            shutil.copyfile(found / name, folder / name)
        write_card(
            folder, json.loads((found / ADAPTER_FILES[0]).read_text(encoding="utf-8")).get("base_model_name_or_path"), True
        )
    return out


def export_space(out: str | Path, model_id: str) -> Path:
    """Writes the demo as a Space of its own: its files, the viewer, examples, and the name of its checkpoint in the card.

    Raises:
        FileExistsError: `out` is not empty.
    """
    out = Path(out).absolute()
    refuse_full_folder(out)
    with building(out) as folder:
        copy_tree(HOME / "spaces_demo", folder, SPACE_FILES)
        copy_tree(HOME / "examples", folder / "examples", ("*.bvh", "*.npz", "*.npy"))
        card = (folder / "README.md").read_text(encoding="utf-8")
        (folder / "README.md").write_text(card.replace("models:\n- llamo\n", f"models:\n- {model_id}\n", 1), encoding="utf-8")
    return out


def export_dataset(source: str | Path, out: str | Path) -> Path:
    """Writes a data set of `llamo data synthesize` or `prepare` without what its making left behind.

    Raises:
        ValueError: no Parquet files in `source`.
        FileExistsError: `out` is not empty.
    """
    source, out = Path(source), Path(out).absolute()
    if not any(source.rglob("*.parquet")):
        raise ValueError(f"Expected a data set with *.parquet files, got none in {source}. Make one: llamo data synthesize.")
    refuse_full_folder(out)
    with building(out) as folder:
        copy_tree(source, folder, DATASET_FILES)
    return out


@dataclass(frozen=True)
class Upload:
    """One folder on its way to one repository of the Hub; `kind` is model, space or dataset."""

    repository: str
    kind: str
    folder: Path

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_file())


def push(upload: Upload, private: bool, endpoint: str | None = None, api=None) -> str:
    """Uploads a folder as one commit; returns the address of the commit.

    Args:
        upload: what goes where.
        private: whether a repository that is created now is private.
        endpoint: of another Hub than huggingface.co.
        api: an `HfApi`, by default one for `endpoint` with the user's own login.

    Raises:
        ConnectionError: the Hub refuses, or cannot be reached; then the repository is as before, or new and empty.
    """
    from huggingface_hub import HfApi

    api = api or HfApi(endpoint=endpoint)
    try:
        sdk = {"space_sdk": "gradio"} if upload.kind == "space" else {}
        api.create_repo(upload.repository, repo_type=upload.kind, private=private, exist_ok=True, **sdk)
        names = api.list_repo_files(upload.repository, repo_type=upload.kind)
        # Not upload_folder, which makes several commits of many files, or of few that take long.
        done = api.create_commit(
            upload.repository, changes(upload, names), repo_type=upload.kind, commit_message="Upload with llamo push"
        )
    except Exception as error:  # of huggingface_hub, its HTTP client, or the network
        raise ConnectionError(
            f"Expected {upload.repository} to take the upload, got: {' '.join(str(error).split())}. No file was changed there. "
            "Check the name, log in with `hf auth login`, and run it again: what was sent is not sent twice."
        ) from error
    return str(done.commit_url)


def changes(upload: Upload, names: list[str]) -> list:
    """The operations of an upload's commit: all of its files, and without those that would be read beside them.

    Args:
        names: of the files that are in the repository.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    new = {path.relative_to(upload.folder).as_posix(): path for path in upload.files}
    old = [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in OUTDATED[upload.kind])]
    return [
        *(CommitOperationDelete(name, is_folder=False) for name in old if name not in new),
        *(CommitOperationAdd(name, path) for name, path in new.items()),
    ]


def read_config(source: Path) -> dict:
    """A LLaMo checkpoint's config.

    Raises:
        ValueError: no checkpoint, or another model's.
    """
    try:
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        config = {}
    if not isinstance(config, dict) or config.get("model_type") != LlamoConfig.model_type:
        raise ValueError(f"Expected a LLaMo checkpoint, got none at {source}. Make one with `llamo init`, or correct --model.")
    return config


def base_of(config: dict) -> str | None:
    return (config.get("text_config") or {}).get("_name_or_path")


def refuse_full_folder(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"Expected a new or empty folder, got one with files at {out}. Empty it, or name another one.")


def copy_tree(source: Path, target: Path, patterns: tuple[str, ...]) -> None:
    """Copies the files that a pattern names, in all folders but hidden ones and caches; links are not followed."""
    for path in sorted({path for pattern in patterns for path in source.rglob(pattern)}):
        parts = path.relative_to(source).parts
        if path.is_file() and not path.is_symlink() and not any(part.startswith((".", "__")) for part in parts):
            (target / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.relative_to(source))


@contextmanager
def building(out: Path) -> Iterator[Path]:
    """A folder that takes the place of `out` when all has gone well."""
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        (aside / "new").mkdir()
        yield aside / "new"
        if out.is_dir() and not any(out.iterdir()):
            out.rmdir()
        swap_in(aside / "new", out, aside / "old")
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def publish(
    repository: str,
    model: str,
    private: bool = False,
    space: bool = False,
    dataset: str | None = None,
    endpoint: str | None = None,
    dry_run: bool = False,
    say: Callable[[str], None] = print,
) -> None:
    """Uploads a checkpoint to `repository`; with `space` the demo to the same name with -demo, with `dataset` that with -data.

    Raises:
        ValueError, FileExistsError, ConnectionError: see `export_model` and `push`.
    """
    if repository.count("/") != 1 or not all(repository.split("/")):
        raise ValueError(f"Expected a repository as OWNER/NAME, got {repository!r}. Write for example my-name/llamo.")
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as place:
        uploads = [Upload(repository, "model", export_model(model, Path(place) / "model"))]
        if dataset is not None:
            uploads.append(Upload(f"{repository}-data", "dataset", export_dataset(dataset, Path(place) / "dataset")))
        if space:
            uploads.append(Upload(f"{repository}-demo", "space", export_space(Path(place) / "space", repository)))
        for upload in uploads:
            size = sum(path.stat().st_size for path in upload.files) / 1e6
            say(f"{upload.kind} {upload.repository}: {len(upload.files)} files, {size:.1f} MB")
            if dry_run:
                for path in upload.files:
                    say(f"  {path.relative_to(upload.folder).as_posix()}")
            else:
                say(f"  {push(upload, private, endpoint)}")
