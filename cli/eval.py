"""`llamo eval`: one suite against one checkpoint."""

from collections.abc import Callable

from llamo.cli.session import BadInputError, check_checkpoint


def list_suites() -> str:
    """A line for each suite: its name, protocol, what it asks, and what it needs."""
    suites = _suites()
    width = max(map(len, suites))
    lines = []
    for name, suite in suites.items():
        needs = f" (--data: {suite.needs})" if suite.needs else ""
        lines.append(f"{name:<{width}}  {suite.about}{needs}")
    return "\n".join(lines)


def run(name: str, questions: dict, settings: dict, log: Callable[[str], None], plots: bool = False) -> None:
    """Asks, writes the results, and logs the table.

    Args:
        name: of the suite.
        questions: fields of `SuiteOptions`. settings: fields of `RunOptions`.
        plots: draw pictures too.

    Raises:
        BadInputError: no such suite, data or checkpoint; a folder that holds another run.
    """
    suites = _suites()
    if name not in suites:
        raise BadInputError(f"Expected a suite out of {', '.join(suites)}, got {name!r}. See `llamo eval --list`.")
    if suites[name].needs and not questions["data"]:
        raise BadInputError(f"Expected {suites[name].needs}, got none for the suite {name}. Name it with --data.")
    check_checkpoint(settings["model"])

    from transformers.utils import logging

    from llamo.train.evaluation.runner import RunOptions, run_suite
    from llamo.train.evaluation.suite import SuiteOptions

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        run_suite(suites[name], SuiteOptions(**questions), RunOptions(**settings), log=log)
        if plots:
            from llamo.train.evaluation.plots import draw_plots

            for path in draw_plots(settings["out"]):
                log(str(path))
    except (ValueError, OSError, ImportError) as error:
        raise BadInputError(error) from None


def _suites() -> dict:
    try:
        from llamo.train.evaluation.suites import SUITES
    except ImportError as error:
        raise BadInputError(f'{error}. Install the training extra: pip install ".[train]".') from None
    return SUITES
