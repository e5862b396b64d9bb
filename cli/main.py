"""The command line of LLaMo: parses and calls. Whatever is heavy is imported by the command that needs it."""

import sys
from typing import Annotated

import typer


app = typer.Typer(
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
Dtype = Annotated[str, typer.Option(help="auto (the checkpoint's own), float32, bfloat16 or float16.")]
Fps = Annotated[float | None, typer.Option(help="Frames per second of the files; by default what they say.")]
Units = Annotated[str | None, typer.Option(help="m, cm, mm, inch, ft, or metres per unit; by default told by body height.")]
UpAxis = Annotated[str | None, typer.Option(help="y, z, x, -y, -z or -x; by default told by how the person stands.")]
JointMap = Annotated[
    str | None, typer.Option(metavar="JSON", help='File that names source joints: {"left_knee": "Knie_L", ...}.')
]
Asf = Annotated[str | None, typer.Option(metavar="FILE", help="Skeleton of an AMC; by default the .asf file beside it.")]
Skeleton = Annotated[
    str | None, typer.Option(help="Order of the joints of an array: mediapipe33, coco17, h36m17 ...; by default told by shape.")
]
Animation = Annotated[str | None, typer.Option(help="Animation of a glTF file, name or number; by default the longest.")]


def fail(message: object, code: int = 2) -> typer.Exit:
    """Prints one message as one line on stderr; raise what it returns."""
    print(f"llamo: {' '.join(str(message).splitlines())}", file=sys.stderr)
    return typer.Exit(code)


def overrides_of(**said) -> dict:
    """What the user said about the motion files, without what was left out."""
    return {name: value for name, value in said.items() if value is not None}


@app.command()
def ask(
    arguments: Annotated[list[str], typer.Argument(metavar="FILE... QUESTION", help="Motion files, then the question.")],
    question: Annotated[
        list[str] | None,
        typer.Option("--question", "-q", help="A question; may be repeated. Then all arguments are files."),
    ] = None,
    model: Model = "llamo",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each question.")] = False,
    evidence: Annotated[bool, typer.Option("--evidence", help="Give the model measured numbers with the question.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Hold the answer against measured numbers.")] = False,
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = 0.0,
    device: Device = None,
    dtype: Dtype = "auto",
    fps: Fps = None,
    units: Units = None,
    up_axis: UpAxis = None,
    joint_map: JointMap = None,
    asf: Asf = None,
    skeleton: Skeleton = None,
    animation: Animation = None,
):
    """Answer a question about one or more motion files."""
    from llamo.cli.ask import answer_questions
    from llamo.cli.session import BadInputError

    files, questions = (arguments, list(question)) if question else (arguments[:-1], arguments[-1:])
    said = overrides_of(fps=fps, units=units, up_axis=up_axis, joint_map=joint_map, asf=asf)
    said |= overrides_of(skeleton=skeleton, animation=animation)
    try:
        for text in answer_questions(
            files, questions, model, json, max_new_tokens, temperature, device, dtype, said, evidence, check
        ):
            print(text, flush=True)
    except BadInputError as error:
        raise fail(error) from None


@app.command()
def chat(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Motion files to talk about.")],
    model: Model = "llamo",
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = 0.0,
    device: Device = None,
    dtype: Dtype = "auto",
    fps: Fps = None,
    units: Units = None,
    up_axis: UpAxis = None,
    joint_map: JointMap = None,
    asf: Asf = None,
    skeleton: Skeleton = None,
    animation: Animation = None,
):
    """Talk about motion files. Commands: /add FILE, /reset, /quit."""
    from llamo.cli.chat import run_chat
    from llamo.cli.session import BadInputError

    try:
        said = overrides_of(fps=fps, units=units, up_axis=up_axis, joint_map=joint_map, asf=asf)
        said |= overrides_of(skeleton=skeleton, animation=animation)
        run_chat(files, model, max_new_tokens, temperature, device, dtype, said)
    except BadInputError as error:
        raise fail(error) from None


@app.command()
def measure(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Motion file.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print two columns, quantity and value.")] = False,
    smoothing: Annotated[str, typer.Option(help="auto (noisy joints only), butterworth, savgol or none.")] = "auto",
    fps: Fps = None,
    units: Units = None,
    up_axis: UpAxis = None,
    joint_map: JointMap = None,
    asf: Asf = None,
    skeleton: Skeleton = None,
    animation: Animation = None,
):
    """Measure a motion file: way, speed, turns, jumps, steps, repetitions, angles, postures."""
    from llamo.cli.measure import measure_file, render
    from llamo.cli.session import BadInputError

    if json and csv:
        raise fail("Expected one of --json and --csv, got both. Leave one out.")
    said = overrides_of(fps=fps, units=units, up_axis=up_axis, joint_map=joint_map, asf=asf)
    said |= overrides_of(skeleton=skeleton, animation=animation)
    try:
        print(render(measure_file(file, smoothing, said), "json" if json else "csv" if csv else "table"))
    except BadInputError as error:
        raise fail(error) from None


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="The motion to compare with, a model athlete's for example.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The motion to judge; times are its own.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    fps: Fps = None,
    units: Units = None,
    up_axis: UpAxis = None,
    joint_map: JointMap = None,
    skeleton: Skeleton = None,
):
    """List where motion B differs from motion A, the largest difference first."""
    from llamo.cli.compare import compare_files, render
    from llamo.cli.session import BadInputError

    said = overrides_of(fps=fps, units=units, up_axis=up_axis, joint_map=joint_map, skeleton=skeleton)
    try:
        print(render(compare_files(first, second, said), json))
    except BadInputError as error:
        raise fail(error) from None


@app.command()
def view(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Motion files to look at, one or several.")],
    out: Annotated[
        str | None, typer.Option("--out", "-o", metavar="HTML", help="The page: one file that needs no network.")
    ] = None,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="A view for each motion; by default overlaid.")] = False,
    png: Annotated[str | None, typer.Option(metavar="PNG", help="A contact sheet: poses over time, as a picture.")] = None,
    fps: Fps = None,
    units: Units = None,
    up_axis: UpAxis = None,
    joint_map: JointMap = None,
    asf: Asf = None,
    skeleton: Skeleton = None,
    animation: Animation = None,
):
    """Make a page that plays motion files in a browser, or a picture of their poses."""
    from llamo.cli.session import BadInputError
    from llamo.cli.view import view_files

    said = overrides_of(fps=fps, units=units, up_axis=up_axis, joint_map=joint_map, asf=asf)
    said |= overrides_of(skeleton=skeleton, animation=animation)
    try:
        for line in view_files(files, out, side_by_side, png, said):
            print(line)
    except BadInputError as error:
        raise fail(error) from None


@app.command()
def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="Motion file of any kind that LLaMo reads.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="By its ending: .npz joints, .npy 263 features, .bvh, .glb.")],
    fps: Annotated[float | None, typer.Option(help="Frames per second of OUT; also of IN, if that is silent.")] = None,
    retarget: Annotated[bool, typer.Option("--retarget", help="HumanML3D's one skeleton, for .npy only.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object: what was read and written.")] = False,
    source_fps: Annotated[float | None, typer.Option(help="Frames per second of IN; by default what it says.")] = None,
    units: Units = None,
    up_axis: UpAxis = None,
    joint_map: JointMap = None,
    asf: Asf = None,
    skeleton: Skeleton = None,
    animation: Animation = None,
    mean: Annotated[str | None, typer.Option(metavar="NPY", help="Mean.npy that normalised features of IN.")] = None,
    std: Annotated[str | None, typer.Option(metavar="NPY", help="Std.npy that normalised features of IN.")] = None,
):
    """Convert a motion file to joints, HumanML3D features, BVH or glTF."""
    from json import dumps

    from llamo.cli.convert import convert_file, describe
    from llamo.cli.session import BadInputError

    said = overrides_of(units=units, up_axis=up_axis, joint_map=joint_map, asf=asf, skeleton=skeleton, animation=animation)
    said |= overrides_of(mean=mean, std=std)
    try:
        report = convert_file(source, out, fps, retarget, source_fps, said)
    except BadInputError as error:
        raise fail(error) from None
    print(dumps(report, ensure_ascii=False) if json else describe(report))


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


if __name__ == "__main__":
    app()
