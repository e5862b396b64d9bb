"""The options about reading motion files, which many commands share."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated

import typer

from llamo.cli.failing import tells_bad_input


READ_OPTIONS = {
    "fps": Annotated[float | None, typer.Option(help="Frames per second of the files; by default what they say.")],
    "units": Annotated[
        str | None, typer.Option(help="m, cm, mm, inch, ft, or metres per unit; by default told by body height.")
    ],
    "up_axis": Annotated[str | None, typer.Option(help="y, z, x, -y, -z or -x; by default told by how the person stands.")],
    "joint_map": Annotated[
        str | None, typer.Option(metavar="JSON", help='File that names source joints: {"left_knee": "Knie_L", ...}.')
    ],
    "asf": Annotated[str | None, typer.Option(metavar="FILE", help="Skeleton of an AMC; by default the .asf file beside it.")],
    "skeleton": Annotated[
        str | None,
        typer.Option(help="Order of the joints of an array: mediapipe33, coco17, h36m17 ...; by default told by shape."),
    ],
    "animation": Annotated[str | None, typer.Option(help="Animation of a glTF file, name or number; by default the longest.")],
    "person": Annotated[int | None, typer.Option(min=1, help="Of a video: whom to follow; by default the largest person.")],
    "box": Annotated[
        str | None, typer.Option(metavar="L,T,R,B", help="Of a video: around whom to follow, shares from 0 to 1.")
    ],
    "mean": Annotated[str | None, typer.Option(metavar="NPY", help="Mean.npy that normalised 263-d features.")],
    "std": Annotated[str | None, typer.Option(metavar="NPY", help="Std.npy that normalised 263-d features.")],
}
OF_ANY_FILE = ("fps", "units", "up_axis", "joint_map", "asf", "skeleton", "animation", "person", "box")


def reads_motion(*names: str) -> Callable:
    """Gives a command the options `names` (all of `OF_ANY_FILE` by default) about reading files.

    The command gets what the user said, without what was left out, as its argument `said`; bad input ends it with one line.
    """
    names = names or OF_ANY_FILE

    def decorate(command: Callable) -> Callable:
        own = [parameter for parameter in inspect.signature(command).parameters.values() if parameter.name != "said"]
        keyword = inspect.Parameter.KEYWORD_ONLY
        added = [inspect.Parameter(name, keyword, default=None, annotation=READ_OPTIONS[name]) for name in names]

        @tells_bad_input
        @functools.wraps(command)
        def run(**given):
            said = {name: given.pop(name) for name in names}
            return command(**given, said={name: value for name, value in said.items() if value is not None})

        # What typer reads: the command's own parameters, then the options.
        parameters = [parameter.replace(kind=keyword) for parameter in own] + added
        run.__signature__ = inspect.Signature(parameters)
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate
