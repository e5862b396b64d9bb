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


def fail(message: object, code: int = 2) -> typer.Exit:
    """Prints one message on stderr; raise what it returns."""
    print(f"llamo: {message}", file=sys.stderr)
    return typer.Exit(code)


@app.command()
def ask(
    arguments: Annotated[list[str], typer.Argument(metavar="FILE... QUESTION", help="Motion files, then the question.")],
    question: Annotated[
        list[str] | None,
        typer.Option("--question", "-q", help="A question; may be repeated. Then all arguments are files."),
    ] = None,
    model: Model = "llamo",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each question.")] = False,
    max_new_tokens: MaxNewTokens = None,
    temperature: Temperature = 0.0,
    device: Device = None,
    dtype: Dtype = "auto",
):
    """Answer a question about one or more motion files."""
    from llamo.cli.ask import answer_questions
    from llamo.cli.session import BadInputError

    files, questions = (arguments, list(question)) if question else (arguments[:-1], arguments[-1:])
    try:
        for text in answer_questions(files, questions, model, json, max_new_tokens, temperature, device, dtype):
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
):
    """Talk about motion files. Commands: /add FILE, /reset, /quit."""
    from llamo.cli.chat import run_chat
    from llamo.cli.session import BadInputError

    try:
        run_chat(files, model, max_new_tokens, temperature, device, dtype)
    except BadInputError as error:
        raise fail(error) from None


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
