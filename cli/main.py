"""The command line of LLaMo: parses and calls. Whatever is heavy is imported by the command that needs it."""

from typing import Annotated

import typer

from llamo.cli.failing import fail, tells_bad_input
from llamo.cli.read_options import OF_ANY_FILE, reads_motion
from llamo.cli.usage import Commands


app = typer.Typer(
    cls=Commands,
    help="Ask a language model about human motion.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Model = Annotated[str, typer.Option(metavar="DIR_OR_ID", help="Checkpoint: a folder, or the name of a Hub repository.")]
MaxNewTokens = Annotated[int | None, typer.Option(min=1, help="Longest answer, in tokens.")]
Temperature = Annotated[float, typer.Option(min=0.0, help="0: the likeliest answer; above: sampled.")]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, mps; by default a GPU where there is one.")]
Eyes = Annotated[str, typer.Option("--model", metavar="DIR_OR_ID", help="Checkpoint whose Motion Estimator reads videos.")]
Dtype = Annotated[str, typer.Option(help="auto (the checkpoint's own), float32, bfloat16 or float16.")]


@app.command()
@reads_motion()
def ask(
    arguments: Annotated[
        list[str], typer.Argument(metavar="FILE... QUESTION", help="Motion or video files, then the question.")
    ],
    question: Annotated[
        list[str] | None,
        typer.Option("--question", "-q", help="A question; may be repeated. Then all arguments are files."),
    ] = None,
    model: Model = "llamo",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each question.")] = False,
    evidence: Annotated[bool, typer.Option("--evidence", help="Give the model measured numbers with the question.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Hold the answer against measured numbers.")] = False,
    explain: Annotated[
        str | None, typer.Option(metavar="HTML", help="A page that shows which moments the answers looked at.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Answer from ONNX graphs on the CPU (extra `fast`).")] = False,
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = 0.0,
    device: Device = None,
    dtype: Dtype = "auto",
    *,
    said: dict,
):
    """Answer a question about one or more motion files."""
    from llamo.cli.ask import answer_questions

    files, questions = (arguments, list(question)) if question else (arguments[:-1], arguments[-1:])
    for text in answer_questions(
        files, questions, model, json, max_new_tokens, temperature, device, dtype, said, evidence, check, explain, fast
    ):
        print(text, flush=True)


@app.command()
@reads_motion()
def chat(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Motion or video files to talk about.")],
    model: Model = "llamo",
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = 0.0,
    device: Device = None,
    dtype: Dtype = "auto",
    *,
    said: dict,
):
    """Talk about motion files. Commands: /add FILE, /reset, /quit."""
    from llamo.cli.chat import run_chat

    run_chat(files, model, max_new_tokens, temperature, device, dtype, said)


@app.command()
@reads_motion()
def measure(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Motion or video file.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print two columns, quantity and value.")] = False,
    smoothing: Annotated[str, typer.Option(help="auto (noisy joints only), butterworth, savgol or none.")] = "auto",
    model: Eyes = "llamo",
    *,
    said: dict,
):
    """Measure a motion file: way, speed, turns, jumps, steps, repetitions, angles, postures."""
    from llamo.cli.measure import measure_file, render

    if json and csv:
        raise fail("Expected one of --json and --csv, got both. Leave one out.")
    print(render(measure_file(file, smoothing, said, model), "json" if json else "csv" if csv else "table"))


@app.command()
@reads_motion()
def caption(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Motions, videos, and folders of them.")],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="Table: .jsonl, .parquet or .csv.")],
    captions: Annotated[int, typer.Option(min=1, help="Different captions of each clip.")] = 1,
    fields: Annotated[
        str, typer.Option(help="What to write beside the captions; the less, the faster.")
    ] = "detailed,tags,segments,measurements",
    prompt: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME=]QUESTION", help='A column of answers; "... [low|high]" chooses. May be repeated.'),
    ] = None,
    shard: Annotated[str | None, typer.Option(metavar="I/N", help="Do part I of N; by default as accelerate says.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Clips at a time.")] = 16,
    model: Model = "llamo",
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest caption, in tokens.")] = 64,
    device: Device = None,
    dtype: Dtype = "auto",
    *,
    said: dict,
):
    """Label a library: captions, tags, segments and measurements of every clip. Run it again to go on after a stop."""
    from llamo.cli.caption import caption_library

    arguments = (paths, out, model, captions, fields, prompt or [], shard, batch_size, max_new_tokens, device, dtype, said)
    for line in caption_library(*arguments):
        print(line)


@app.command()
@reads_motion()
def index(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Motions, videos, and folders of them.")],
    db: Annotated[str, typer.Option("--db", metavar="DIR", help="The database, library.lance for example.")],
    labels: Annotated[str | None, typer.Option(metavar="FILE", help="Table of llamo caption: its clips have labels.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Clips at a time.")] = 16,
    model: Model = "llamo",
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest caption, in tokens.")] = 64,
    device: Device = None,
    dtype: Dtype = "auto",
    *,
    said: dict,
):
    """Label a library into a database that llamo search reads; again, only what is new or changed is done."""
    from llamo.cli.search import index_library

    for line in index_library(paths, db, model, labels, batch_size, max_new_tokens, device, dtype, said):
        print(line)


@app.command()
@reads_motion()
def search(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="What to look for: angry turn to the left, then a punch.")] = "",
    db: Annotated[str, typer.Option("--db", metavar="DIR", help="The database.")] = "library.lance",
    like: Annotated[str | None, typer.Option(metavar="FILE", help="A motion that is like what you look for.")] = None,
    where: Annotated[str | None, typer.Option(metavar="FILTER", help="seconds > 2 and action = 'walk'")] = None,
    num: Annotated[int, typer.Option("-k", min=1, help="Clips to list.")] = 10,
    words: Annotated[bool, typer.Option("--words", help="By words and filter alone; no model is loaded.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON array of path, score and caption.")] = False,
    model: Model = "llamo",
    device: Device = None,
    dtype: Dtype = "auto",
    *,
    said: dict,
):
    """Find clips by what happens in them, by an example, by measurements."""
    from llamo.cli.search import search_library

    print(search_library(text, db, like, where, num, words, json, model, device, dtype, said))


@app.command()
@reads_motion()
def review(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Table of llamo caption: .parquet, .jsonl or .csv.")],
    export: Annotated[
        str | None, typer.Option(metavar="DIR", help="No page: write what was accepted as rows to train on.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for the whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")] = 7861,
    model: Eyes = "llamo",
    *,
    said: dict,
):
    """Go through labels in the browser: accept, edit or reject each by a key. Run it again to go on after a stop."""
    from llamo.cli.review import export_reviewed, review_table

    for line in export_reviewed(table, export, model, said) if export else review_table(table, host, port, model, said):
        print(line, flush=True)


@app.command()
@reads_motion("fps", "units", "up_axis", "joint_map", "skeleton", "person")
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="The motion to compare with, a model athlete's for example.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The motion to judge; times are its own.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    model: Eyes = "llamo",
    *,
    said: dict,
):
    """List where motion B differs from motion A, the largest difference first."""
    from llamo.cli.compare import compare_files, render

    print(render(compare_files(first, second, said, model), json))


@app.command()
@reads_motion()
def view(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Motion or video files to look at, one or several.")],
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="HTML", help="The page: one file that needs no network.")
    ] = None,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="A view for each motion; by default overlaid.")] = False,
    png: Annotated[str | None, typer.Option(metavar="PNG", help="A contact sheet: poses over time, as a picture.")] = None,
    model: Eyes = "llamo",
    *,
    said: dict,
):
    """Make a page that plays motion files in a browser, or a picture of their poses."""
    from llamo.cli.view import view_files

    for line in view_files(files, out, side_by_side, png, said, model):
        print(line)


@app.command()
@reads_motion(*OF_ANY_FILE[1:], "mean", "std")
def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="Motion or video file of any kind that LLaMo reads.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="By its ending: .npz joints, .npy 263 features, .bvh, .glb.")],
    fps: Annotated[float | None, typer.Option(help="Frames per second of OUT; also of IN, if that is silent.")] = None,
    retarget: Annotated[bool, typer.Option("--retarget", help="HumanML3D's one skeleton, for .npy only.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object: what was read and written.")] = False,
    source_fps: Annotated[float | None, typer.Option(help="Frames per second of IN; by default what it says.")] = None,
    model: Eyes = "llamo",
    *,
    said: dict,
):
    """Convert a motion file to joints, HumanML3D features, BVH or glTF."""
    from json import dumps

    from llamo.cli.convert import convert_file, describe

    report = convert_file(source, out, fps, retarget, source_fps, said, model)
    print(dumps(report, ensure_ascii=False) if json else describe(report))


@app.command()
@tells_bad_input
def estimate(
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="Video file of any kind, or a folder of pictures.")],
    out: Annotated[str, typer.Option("--out", "-o", metavar="NPZ", help="The motion: joints, fps, contacts, start.")],
    overlay: Annotated[str | None, typer.Option(metavar="MP4", help="Also a video with the skeleton drawn on it.")] = None,
    person: Annotated[int | None, typer.Option(min=1, help="Whom to follow, by the number that is reported.")] = None,
    box: Annotated[
        str | None, typer.Option(metavar="L,T,R,B", help="Around whom to follow: shares of width and height, 0 to 1.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second of pictures, or instead of the file's times.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
    model: Model = "llamo",
):
    """Estimate a person's motion from a video, and say how far to trust it."""
    from json import dumps

    from llamo.cli.estimate import describe, estimate_video

    report = estimate_video(video, out, overlay, person, box, fps, model)
    print(dumps(report, ensure_ascii=False) if json else describe(report, out, overlay))


@app.command()
@tells_bad_input
def demo(
    model: Model = "llamo",
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for the whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
    mcp: Annotated[bool, typer.Option("--mcp", help="Also serve as a Model Context Protocol server.")] = False,
    library: Annotated[
        str | None,
        typer.Option(metavar="DIR_OR_DB", help="A tab to search a folder or a database of llamo index, on this machine."),
    ] = None,
):
    """Serve the browser demo: drop a motion file, watch it, measure it, ask about it."""
    from llamo.cli.demo import run_demo

    run_demo(model, host, port, mcp, library)


@app.command()
@tells_bad_input
def serve(
    model: Model = "llamo",
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for the whole network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")] = 8000,
    allow_folder: Annotated[
        list[str] | None, typer.Option(metavar="DIR", help="Folder whose files requests may name; may be repeated.")
    ] = None,
    allow_http: Annotated[bool, typer.Option("--allow-http", help="Fetch http(s) addresses, public ones only.")] = False,
    max_batch: Annotated[int, typer.Option(min=1, help="Answers that are generated at a time.")] = 8,
    max_waiting: Annotated[int, typer.Option(min=0, help="Requests that may wait; more are answered with 429.")] = 32,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer that may be asked for, in tokens.")] = 1024,
    max_mb: Annotated[int, typer.Option(min=1, help="Files of one request at most, in MB.")] = 64,
    device: Device = None,
    dtype: Dtype = "auto",
):
    """Serve the checkpoint as OpenAI's chat completions, with motions and videos in the messages."""
    from llamo.cli.serve import run_server

    limits = {"max_batch": max_batch, "max_waiting": max_waiting, "max_tokens": max_tokens, "max_mb": max_mb}
    run_server(model, host, port, allow_folder or (), allow_http, **limits, device=device, dtype=dtype)


@app.command()
def init(
    base: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Causal language model, Hub id or folder; by default the pinned one."),
    ] = None,
    vision: Annotated[str | None, typer.Option(metavar="ID", help="Vision tower, Hub id or folder; by default none.")] = None,
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder of the checkpoint.")] = "llamo",
    weights: Annotated[str | None, typer.Option(metavar="DIR", help="Trained parts; by default those of the project.")] = None,
):
    """Assemble a checkpoint from a base language model and the trained parts."""
    from llamo.train.initialise import assemble

    try:
        print(assemble(out, base, weights, vision))
    except (ValueError, OSError) as error:
        raise fail(error) from None
    except RuntimeError as error:  # the download failed: nobody's input was bad
        raise fail(error, code=1) from None


@app.command()
def export(
    out: Annotated[str, typer.Argument(metavar="DIR", help="Folder to write.")],
    model: Model = "llamo",
    adapter_only: Annotated[bool, typer.Option("--adapter-only", help="The adapter of a LoRA training alone.")] = False,
    space: Annotated[bool, typer.Option("--space", help="The demo as a Space; --model is then what it loads.")] = False,
):
    """Write the folder that goes to the Hub: weights, code, processor, card, licence."""
    from llamo.train.publish import export_adapter, export_model, export_space

    if adapter_only and space:
        raise fail("Expected one of --adapter-only and --space, got both. Leave one out.")
    try:
        print(export_space(out, model) if space else export_adapter(model, out) if adapter_only else export_model(model, out))
    except (ValueError, OSError) as error:
        raise fail(error) from None


@app.command()
def push(
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Repository on the Hub; made if it is not there.")],
    model: Model = "llamo",
    private: Annotated[bool, typer.Option("--private", help="Make new repositories private.")] = False,
    space: Annotated[bool, typer.Option("--space", help="Also the demo, to OWNER/NAME-demo.")] = False,
    dataset: Annotated[str | None, typer.Option(metavar="DIR", help="Also a data set, to OWNER/NAME-data.")] = None,
    endpoint: Annotated[str | None, typer.Option(metavar="URL", help="Another Hub than huggingface.co.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be uploaded.")] = False,
):
    """Upload checkpoint, demo and data set to the Hub, each as one commit."""
    from llamo.train.publish import publish

    try:
        publish(repository, model, private, space, dataset, endpoint, dry_run)
    except ConnectionError as error:
        raise fail(error, code=1) from None
    except (ValueError, OSError) as error:
        raise fail(error) from None


@app.command()
def memory(
    base: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Language model, Hub id or folder; by default 135M, 1.7B and 7B.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Rows on one GPU.")] = 8,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens of a row, those of its motions included.")] = 256,
    lora_rank: Annotated[int, typer.Option(min=0, help="0 trains the whole language model.")] = 16,
    gpus: Annotated[int, typer.Option(min=1, help="GPUs that share the work.")] = 1,
    shard: Annotated[bool, typer.Option("--shard", help="They share weights and optimizer too (FSDP, ZeRO-3).")] = False,
    recompute: Annotated[bool, typer.Option("--recompute", help="Gradient checkpointing.")] = False,
):
    """Estimate the memory that training needs on each GPU."""
    try:
        from llamo.train.memory import KNOWN, table

        settings = {"batch": batch, "tokens": tokens, "lora_rank": lora_rank, "gpus": gpus}
        print(table(base or list(KNOWN), **settings, shard=shard, recompute=recompute))
    except ImportError as error:
        raise fail(f'{error}. Install the training extra: pip install ".[train]".') from None
    except ValueError as error:
        raise fail(error) from None


@app.command()
def merge(
    adapter: Annotated[str, typer.Argument(metavar="ADAPTER", help="Folder that trl sft --use_peft or llamo train wrote.")],
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder of the new checkpoint.")],
    base: Annotated[str | None, typer.Option(metavar="DIR", help="What it was trained on; by default what it names.")] = None,
):
    """Merge a LoRA adapter into its checkpoint."""
    try:
        from llamo.train.merge_adapter import merge_adapter

        print(merge_adapter(adapter, out, base))
    except ImportError as error:
        raise fail(f'{error}. Install the training extra: pip install ".[train]".') from None
    except (ValueError, OSError) as error:
        raise fail(error) from None


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="YAML file, train/recipes/smoke.yaml for example.")],
    settings: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="Settings over the recipe's.")] = None,
):
    """Train: pretraining, alignment, instruction tuning, fine-tuning on own data, as a recipe says."""
    try:
        from llamo.train.recipe import read_recipe, run_recipe

        print(run_recipe(read_recipe(recipe, settings or ())))
    except ImportError as error:
        raise fail(f'{error}. Install the training extra: pip install ".[train]".') from None
    except (ValueError, OSError) as error:
        raise fail(error) from None
    except RuntimeError as error:
        raise fail(error, code=1) from None


@app.command("eval")
def evaluate(
    suite: Annotated[str | None, typer.Argument(metavar="SUITE", help="Which questions; see --list.")] = None,
    model: Model = "llamo",
    data: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="What the suite reads, where it reads something; may be repeated.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Questions at most; by default all of the suite.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Questions at a time.")] = 16,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder of the results, by default results/SUITE; a cut-off run goes on.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed asks the same questions.")] = 0,
    split: Annotated[str | None, typer.Option(help="Of the data; by default what is kept for judging.")] = None,
    device: Device = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16 or float16; by default the checkpoint's own.")] = None,
    judge: Annotated[
        str | None,
        typer.Option(metavar="URL_OR_MODEL", help="Who judges free answers: an OpenAI-compatible address, or a model."),
    ] = None,
    judge_model: Annotated[str, typer.Option(help="The address's name of the judging model.")] = "default",
    plots: Annotated[bool, typer.Option("--plots", help="Draw the figures as pictures beside them.")] = False,
    large: Annotated[bool, typer.Option("--large", help="The ablation's plan for a GPU.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the suites.")] = False,
):
    """Score a checkpoint on a suite of questions, beside what guessing, blindness and plain measuring would score."""
    import shlex
    import sys

    from llamo.cli.eval import list_suites, run, run_ablation, run_retrieval
    from llamo.cli.session import BadInputError

    try:
        if list_ or suite is None:
            print(list_suites())
            return
        questions = {"limit": limit, "seed": seed, "data": tuple(data or ()), "split": split}
        questions |= {"judge": judge, "judge_model": judge_model}
        settings = {
            "model": model,
            "out": out or f"results/{suite}",
            "batch_size": batch_size,
            "device": device,
            "dtype": dtype,
        }
        settings["command"] = shlex.join(["llamo", *sys.argv[1:]])
        if suite == "ablation":
            run_ablation(settings, questions, large, print)
            return
        if suite == "retrieval":
            run_retrieval(settings, questions, print)
            return
        run(suite, questions, settings, print, plots)
    except BadInputError as error:
        raise fail(error) from None


library = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(library, name="library")


@library.callback()
def library_group():
    """Look after a library of clips."""


@library.command()
@reads_motion()
def check(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Motions, videos, and folders of them.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    model: Model = "llamo",
    *,
    said: dict,
):
    """List duplicates, T-poses, foot skate, jumps, swapped sides, still clips, wrong units and rates, and what to do."""
    from llamo.cli.library_check import check_library, refuse_unchecked, render

    result = check_library(paths, said, model)
    print(render(result, json))
    refuse_unchecked(result)


data = typer.Typer(help="Make and look at data sets of questions about motion.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(data, name="data")
Split = Annotated[str, typer.Option(help="train or validation.")]


@data.command()
@tells_bad_input
def synthesize(
    num: Annotated[int, typer.Option(min=1, help="Rows to train on.")],
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder of the data set; a run that was cut off goes on.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 0,
    num_validation: Annotated[int, typer.Option(min=0, help="Rows of other programs, bodies and phrasings.")] = 0,
    turns: Annotated[int, typer.Option(min=1, help="Questions of a conversation at most.")] = 3,
    recorded: Annotated[
        list[str] | None, typer.Option(metavar="PARQUET", help="Recorded clips to ask about too; may be repeated.")
    ] = None,
    recorded_share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of rows about recorded clips.")] = 0.2,
    named_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of these that may ask for the clip's label; the rest is measured.")
    ] = 1.0,
    text_share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of rows that ask what no motion answers.")] = 0.04,
    pair_share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of rows that compare two motions.")] = 0.06,
    video_share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of rows with a rendered video.")] = 0.0,
    measured_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of rows that the measured rates of their motion answer.")
    ] = 0.0,
    video_size: Annotated[int, typer.Option(min=32, help="Pixels of a side of the videos.")] = 112,
    rows_per_shard: Annotated[int, typer.Option(min=1, help="Rows of one Parquet file.")] = 500,
    num_proc: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
):
    """Make motions with questions, answers and the truth behind them, for `trl sft` and `llamo train`."""
    from llamo.cli.data import synthesize as run

    settings = {"num": num, "seed": seed, "num_validation": num_validation, "turns": turns, "recorded": tuple(recorded or ())}
    settings |= {"recorded_share": recorded_share, "text_share": text_share, "pair_share": pair_share}
    settings |= {"video_share": video_share, "video_size": video_size, "measured_share": measured_share}
    settings |= {"rows_per_shard": rows_per_shard, "named_share": named_share}
    print(run(settings, out, num_proc))


@data.command()
@tells_bad_input
def prepare(
    root: Annotated[str, typer.Argument(metavar="DIR", help="Folder of the data set, as it is published.")],
    source: Annotated[
        str, typer.Option("--from", help="humanml3d, kit, babel, babelqa, motionx, labels, or folder: own files.")
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="Folder of the rows.")],
    split: Annotated[str, typer.Option(help="train or val; published test items are never trained on.")] = "train",
    amass: Annotated[str | None, typer.Option(metavar="DIR", help="Folder of AMASS, for babel.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the phrasings of questions for a description.")] = 0,
):
    """Turn a public data set, or own motion files with metadata.csv or metadata.jsonl, into rows for training."""
    from llamo.cli.data import prepare as run

    for line in run(source, root, out, split, amass, seed):
        print(line)


@data.command()
@tells_bad_input
def statistics(
    recorded: Annotated[list[str], typer.Option(metavar="PARQUET", help="Recorded clips; may be repeated.")],
    num: Annotated[int, typer.Option(min=1, help="Procedural clips to make.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Of the procedural clips.")] = 1,
):
    """Print speeds, accelerations, joint ranges and foot sliding of procedural motion beside recorded motion."""
    from llamo.cli.data import statistics as run

    print(run(recorded, num, seed))


@data.command()
@tells_bad_input
def show(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a data set.")],
    row: Annotated[int, typer.Option(min=0, help="First row.")] = 0,
    num: Annotated[int, typer.Option("--num", "-n", min=1, help="Rows to print.")] = 5,
    split: Split = "train",
    view: Annotated[str | None, typer.Option(metavar="HTML", help="Write a page that plays the first row's motion.")] = None,
):
    """Print rows of a data set; with --view, also a page with the motion of the first."""
    from llamo.cli.data import show as run
    from llamo.cli.data import view_row
    from llamo.cli.places import check_place

    if view is not None:
        check_place(view, "--view", (".html", ".htm"))
    for line in run(folder, split, row, num):
        print(line)
    if view is not None:
        print(view_row(folder, split, row, view))


if __name__ == "__main__":
    app()
