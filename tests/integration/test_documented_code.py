"""Every code block of README.md, model_card.md and docs/: page by page, from top to bottom, as a reader would run them.

`llamo` is a tiny checkpoint and the files are small, so answers are nonsense; what is tested is that each line runs. Commands
get a few words more where the real ones take long (SHORTER), and a video's motion is known beforehand.
"""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT, make_config, make_model, make_processor, make_walk
from documented import blocks_of, check_block, check_options, commands_of, inline_commands, llamo_words, pages
from motion_samples import SAMPLES, asf
from typer.testing import CliRunner
from video_samples import numbered_frames, write_video

from llamo.cli import motion_files
from llamo.cli.library import labelling
from llamo.cli.library.clips import Shard, parse_shard
from llamo.cli.main import app
from llamo.cli.session import open_session
from llamo.processing.motion_estimation_llamo import EstimatedMotion, MotionEstimator
from llamo.processing.video_motion_llamo import CACHE_VARIABLE, VideoMotions
from llamo.train.initialise import write_checkpoint


SERVER = "http://127.0.0.1:8000"
FEW_WORDS = ("--max-new-tokens", "3")
# Command -> what is added to it, so that it is over in a moment: the later of two options counts.
SHORTER = {
    "ask": FEW_WORDS,
    "chat": FEW_WORDS,
    "caption": FEW_WORDS,
    "index": FEW_WORDS,
    "eval": ("--limit", "3"),
    "data synthesize": ("--num", "4", "--num-validation", "0"),
    "data statistics": ("--num", "2"),
    "push": ("--dry-run",),
    "train": ("max_steps=1", "save_steps=1", "use_cpu=true", "bf16=false", "report_to=none"),
}
SERVERS = ("demo", "review", "serve")  # they go on until somebody stops them: what they are told is checked, and no more
FILES = {
    "walk.c3d": "c3d",
    "walk.trc": "trc",
    "walk.amc": "amc",
    "walk.glb": "gltf",
    "amass.npz": "smpl",
    "features.npy": "humanml3d",
}


def estimated() -> EstimatedMotion:
    """A motion as the estimator would find it in the two seconds of clip.mp4."""
    report = {"coverage": 1.0, "span_s": [0.0, 2.0], "visibility": 0.9, "leg_visibility": 0.9, "static_camera": True}
    report |= {"redetections": 0, "people": [], "seconds": 0.1, "fps_processed": 25.0, "warnings": ["The camera moves."]}
    return EstimatedMotion(make_walk(40), 20.0, np.zeros((40, 4), np.float32), 0.0, report, np.arange(50) / 25, [None] * 50)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The folder that readers are in: a checkpoint, and the files that pages speak of."""
    folder = tmp_path_factory.mktemp("documented")
    processor = make_processor()
    write_checkpoint(folder / "llamo", make_model(make_config(processor, retrieval_size=16)), processor)
    (folder / "llamo" / "motion_estimator").mkdir(exist_ok=True)
    (folder / "llamo" / "motion_estimator" / "config.json").write_text("{}")
    shutil.copytree(ROOT / "examples", folder / "examples")
    for name in ("clip.bvh", "mine.bvh", "model.bvh"):
        shutil.copyfile(ROOT / "examples" / "squats.bvh", folder / name)
    for name, kind in FILES.items():
        (folder / name).write_bytes(SAMPLES[kind].make())
    (folder / "walk.asf").write_bytes(asf())
    for place in ("clips", "my_clips"):
        (folder / place).mkdir()
        for index in range(2):
            np.savez(folder / place / f"walk{index}.npz", joints=make_walk(40 + 8 * index, seed=index), fps=np.float32(20))
    rows = "file_name,text,question,answer\nwalk0.npz,a person walks,,\nwalk1.npz,,How many people walk?,One.\n"
    (folder / "my_clips" / "metadata.csv").write_text(rows)
    labels = "path,sha256,caption,review\nclips/walk0.npz,0,A person walks.,accept\nclips/walk1.npz,1,A cat.,reject\n"
    (folder / "corrected.csv").write_text(labels)
    write_video(folder / "clip.mp4", numbered_frames(50))
    (folder / "train").symlink_to(ROOT / "train")
    return folder


@pytest.fixture
def reader(original, tmp_path, monkeypatch):
    """A copy of that folder for one page, and the namespace of its Python."""
    folder = tmp_path / "work"
    shutil.copytree(original, folder, symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    estimator = SimpleNamespace(estimate=lambda source, **_: estimated())
    monkeypatch.setattr(MotionEstimator, "from_pretrained", lambda folder: estimator)
    VideoMotions("llamo", estimator=estimator).read({"path": "clip.mp4"})
    motion_files.video_motions.cache_clear()
    labelling.cached_session.cache_clear()
    yield {"__name__": "documented", **tables()}
    labelling.cached_session.cache_clear()


@pytest.fixture
def serve(reader):
    """Starts `llamo serve --allow-folder examples` on the reader's checkpoint when it is called; its address."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(serving())


@contextlib.contextmanager
def serving():
    uvicorn = pytest.importorskip("uvicorn")
    from llamo.cli.serve import address_of, bind
    from llamo.cli.serving.addresses import Addresses
    from llamo.cli.serving.application import build_app

    listening = bind("127.0.0.1", 0)
    app = build_app(open_session("llamo", [], max_new_tokens=8)[0], "llamo", Addresses(["examples"]))
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    yield address_of(listening)
    running.should_exit = True
    thread.join(30)


def tables() -> dict:
    """Stand-ins for a Ray data set and a Spark frame: they call what they are given on a batch, and on rows."""
    paths = ["clips/walk0.npz", "clips/walk1.npz"]

    class Rows(list):
        def map(self, function):
            return Rows(map(function, self))

        def mapPartitions(self, function):
            return Rows(function(iter(self)))

    import pandas

    batches = SimpleNamespace(map_batches=lambda function: function({"path": paths}))
    return {
        "pandas": pandas,
        "dataset": batches,
        "frame": SimpleNamespace(rdd=Rows(SimpleNamespace(path=path) for path in paths)),
    }


def run_llamo(words: list[str]) -> str:
    """What `llamo WORDS` prints, in this process.

    Raises:
        ValueError: it fails.
    """
    if words[0] in SERVERS:
        return ""
    written = words[words.index(">") + 1] if ">" in words else None
    words = words[: words.index(">")] if written else list(words)
    for name, more in SHORTER.items():
        if " ".join(words[: name.count(" ") + 1]) == name and "--list" not in words and "--help" not in words:
            # After "--", options would be arguments.
            place = words.index("--") if "--" in words else len(words)
            words[place:place] = more
    done = CliRunner().invoke(app, words, input="How many?\n/quit\n")
    if done.exit_code != 0:
        raise ValueError(f"llamo {' '.join(words)}: {done.exit_code}\n{done.output}\n{done.exception!r}") from done.exception
    if written:
        with open(written, "w", encoding="utf-8") as file:
            file.write(done.stdout)
    return done.stdout


def matches(want: str, got: str) -> bool:
    """Whether something was printed as a page shows it; `...` stands for the rest of a line, or alone for any lines."""
    lines = [re.escape(line.rstrip()).replace(re.escape("..."), "[^\n]*") + "\n" for line in want.strip().splitlines()]
    pattern = "".join("(?:[^\n]*\n)*?" if line == "[^\n]*\n" else line for line in lines)
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in got.strip().splitlines())) is not None


def run_page(path, names: dict, server=None) -> None:
    """Runs a page's blocks in their order. `server` starts one, and gives its address, where a page speaks to SERVER.

    Raises:
        ValueError: what did not work, and where.
    """
    printed = ""
    for block in blocks_of(path):
        if "output" in block.marks:
            if not matches(block.text, printed):
                raise ValueError(f"{block.where}: expected\n{block.text}\ngot\n{printed}")
        elif "no_run" in block.marks:
            continue
        elif block.language == "bash":
            ours = [llamo_words(words) for words in commands_of(block.text)]
            try:
                printed = "".join(run_llamo(words) for words in ours if words is not None)
            except ValueError as error:
                raise ValueError(f"{block.where}: {error}") from error
        elif block.language == "python":
            stream, text = io.StringIO(), block.text
            if SERVER in text:
                text = text.replace(SERVER, server())
            with contextlib.redirect_stdout(stream):
                exec(compile(text, block.where, "exec"), names)
            printed = stream.getvalue()


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_what_a_page_names_exists(path):
    for block in blocks_of(path):
        check_block(block)
    for words in inline_commands(path):
        check_options(words)


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_a_page_runs(path, reader, serve):
    if path.name == "training.md" and tuple(map(int, version("trl").split(".")[:2])) < (1, 15):
        pytest.skip("trl before 1.15 does not train on motion with assistant_only_loss")
    run_page(path, reader, serve)


def test_every_extra_is_listed():
    extras = re.findall(r'^        "([a-z]+)": \[', (ROOT / "setup.py").read_text(encoding="utf-8"), re.MULTILINE)
    page = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert len(extras) > 5 and set(re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE)) == set(extras)


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        found = (path.parent / file) if file else path
        assert found.exists(), f"{path.name}: {target}"
        if anchor:
            heads = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8").lower(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head).replace(" ", "-") for head in heads}, f"{path.name}: {target}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```bash\nllamo ask clip.bvh What? --chekc\n```\n", "chekc"),
        ("```bash no_run\nllamo serv\n```\n", "serv"),
        ("```bash\nllamo train train/recipes/smoke.yaml lerning_rate=1\n```\n", "lerning_rate"),
        ("```bash\npip install 'llamo[vidio]'\n```\n", "vidio"),
        ("```bash\nmake aks\n```\n", "aks"),
        ("```bash no_run\nsrun bash -c 'llamo caption clips/ --out a.csv --shrad 1/2'\n```\n", "shrad"),
        ("```bash no_run\npython -m llamo.train.repot results.json\n```\n", "repot"),
        ("```bash no_run\npython -m llamo.train.evaluation.card --modell llamo\n```\n", "modell"),
        ("```bash\nrm -rf llamo\n```\n", "rm"),
        ("```bash skip\nllamo ask\n```\n", "marks"),
        ("```python\nprint(\n```\n", "never closed"),
        ("```json\n{1}\n```\n", "property name"),
        ("```bash\nllamo ask\n", "closing fence"),
        ("```bash\nllamo ask 'a\n```\n", "closing quotation"),
    ],
)
def test_what_does_not_exist_is_found(tmp_path, text, complaint):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises((ValueError, SyntaxError), match=complaint):
        for block in blocks_of(page):
            check_block(block)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```bash\nllamo measure nowhere.bvh\n```\n", "page.md:2: llamo measure nowhere.bvh"),
        ("```bash\nllamo measure clip.bvh --csv\n```\n\n```text output\nquantity,walue\n```\n", "quantity,walue"),
        ("```python\nprint(1)\n```\n\n```text output\n2\n```\n", "expected\n2"),
        ("```python\nimport llamo.nowhere\n```\n", "nowhere"),
    ],
)
def test_what_does_not_run_is_found(reader, tmp_path, text, complaint):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises((ValueError, ImportError), match=re.escape(complaint)):
        run_page(page, reader)


def test_commands_are_read_as_a_shell_reads_them():
    assert commands_of("curl -d '{\n}'\nllamo init") == [["curl", "-d", "{\n}"], ["llamo", "init"]]
    text = 'llamo ask "a b.bvh" \\\n  What? --json  # why\nFOO=1 make ask && llamo init\n# nothing\n'
    assert commands_of(text) == [["llamo", "ask", "a b.bvh", "What?", "--json"], ["FOO=1", "make", "ask"], ["llamo", "init"]]
    assert llamo_words("accelerate launch -m llamo.cli.main eval text".split()) == ["eval", "text"]
    assert llamo_words(["make", "ask"]) is None
    assert matches("a  1...\n...\nb", "a  1 s\nc\nd\nb") and matches("a\n...\nb", "a\nb")
    assert not matches("a\n...\nb", "a\nb\nc") and not matches("a.\n", "ab") and not matches("a", "a\nb")


def test_slurm_gives_each_task_its_shard():
    (command,) = [
        words[words.index("-c") + 1]
        for block in blocks_of(ROOT / "docs" / "library.md")
        if block.language == "bash"
        for words in commands_of(block.text)
        if words[0] == "srun"
    ]
    shards = []
    for task in range(3):
        script = f'llamo() {{ printf "%s\\n" "$@"; }}; {command}'
        variables = {**os.environ, "SLURM_PROCID": str(task), "SLURM_NTASKS": "3"}
        said = subprocess.run(["bash", "-c", script], env=variables, capture_output=True, text=True, check=True).stdout.split()
        shards.append(parse_shard(said[said.index("--shard") + 1]))
    assert shards == [Shard(1, 3), Shard(2, 3), Shard(3, 3)]


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})
    assert done.returncode == 0, done.stderr
    assert "measure_motion" in (tmp_path / "site" / "reference" / "index.html").read_text(encoding="utf-8")
    index = json.loads((tmp_path / "site" / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert len({page["location"].split("#")[0] for page in index["docs"]}) >= len(pages()) - 2
