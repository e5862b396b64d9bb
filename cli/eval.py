"""`llamo eval`: one suite against one checkpoint."""

import os
from collections.abc import Callable, Sequence

from llamo.cli.session import DTYPES, BadInputError, check_checkpoint, choose_device


# Suites that read no data.
SELF_MADE = ("synthetic", "hallucination", "consistency", "text", "both")


def check_data(paths: Sequence[str]) -> None:
    """Refuses data that is not there before anything heavy is loaded.

    Raises:
        BadInputError: nothing at a path.
    """
    for path in paths:
        if not os.path.exists(path):
            raise BadInputError(f"Expected data, got nothing at {path!r}. Check --data.")


def list_suites() -> str:
    """A line for each suite: its name, protocol, what it asks, and what it needs."""
    suites = _suites()
    width = max(map(len, suites))
    lines = []
    for name, suite in suites.items():
        needs = f" (--data: {suite.needs})" if suite.needs else ""
        lines.append(f"{name:<{width}}  {suite.about}{needs}")
    lines.append(f"{'retrieval':<{width}}  how well texts find motions and motions texts, by embedding (--data: Parquet files)")
    lines.append(f"{'ablation':<{width}}  trains and asks VQ tokens, text and models without a part of ours, three seeds each")
    return "\n".join(lines)


def run_ablation(settings: dict, questions: dict, large: bool, log: Callable[[str], None]) -> None:
    """Trains and asks the arms of the ablation.

    Args:
        settings: `model`, whose tokenizer and prompt are used, `out` and `device`. questions: `limit` of the asked ones.
        large: the plan for a GPU.

    Raises:
        BadInputError: no checkpoint, or a folder that holds another ablation.
    """
    check_checkpoint(settings["model"])
    try:
        from dataclasses import replace

        from transformers import AutoProcessor

        from llamo.train.evaluation import ablation
    except ImportError as error:
        raise BadInputError(f'{error}. Install the training extra: pip install ".[train]".') from None
    plan = ablation.LARGE if large else ablation.Plan()
    if questions["limit"] is not None:
        plan = replace(plan, questions=questions["limit"])
    try:
        processor = AutoProcessor.from_pretrained(settings["model"], trust_remote_code=True)
        ablation.run_ablation(processor, plan, settings["out"], _placed(settings)["device"], log)
    except (ValueError, OSError) as error:
        raise BadInputError(error) from None


def run_retrieval(settings: dict, questions: dict, log: Callable[[str], None]) -> None:
    """Recall of embeddings on generated clips, and on those of `data` where that is given.

    Args:
        settings: fields of `RunOptions`. questions: fields of `SuiteOptions`.

    Raises:
        BadInputError: no checkpoint, one without trained embeddings, or unusable data.
    """
    check_data(questions["data"])
    check_checkpoint(settings["model"])
    try:
        from llamo.train.evaluation.answering import load_model
        from llamo.train.evaluation.retrieval import run_retrieval as compare
        from llamo.train.evaluation.runner import RunOptions
        from llamo.train.evaluation.suite import SuiteOptions
    except ImportError as error:
        raise BadInputError(f'{error}. Install the training extra: pip install ".[train]".') from None
    options = RunOptions(**{**settings, **_placed(settings)})
    try:
        processor, model = load_model(options.model, options.device, options.dtype)
        compare(processor, model, SuiteOptions(**questions), options, log)
    except (ValueError, OSError) as error:
        raise BadInputError(error) from None


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
        known = ", ".join([*suites, "retrieval", "ablation"])
        raise BadInputError(f"Expected a suite out of {known}, got {name!r}. See `llamo eval --list`.")
    ignored = [option for option in ("data", "split") if questions[option] and name in SELF_MADE]
    if ignored:
        got = questions[ignored[0]] if ignored[0] == "split" else ", ".join(questions["data"])
        raise BadInputError(
            f"Expected no --{ignored[0]} for the suite {name}, which makes its own questions, got {got!r}. Leave it out."
        )
    if questions["judge"] and suites[name].judge_for is None:
        raise BadInputError(
            f"Expected no --judge for the suite {name}, which judges answers by rule, got {questions['judge']!r}. Leave it out."
        )
    if suites[name].needs and not questions["data"]:
        raise BadInputError(f"Expected {suites[name].needs}, got none for the suite {name}. Name it with --data.")
    check_data(questions["data"])
    check_checkpoint(settings["model"])
    if settings["dtype"] not in (None, *DTYPES):
        raise BadInputError(
            f"Expected --dtype to be one of {', '.join(DTYPES)}, got {settings['dtype']!r}. Choose one of them."
        )
    settings = {**settings, **_placed(settings)}

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


def _placed(settings: dict) -> dict:
    """Device and number format as the runner takes them; refuses a device that is not there."""
    import torch

    device = settings["device"] and str(choose_device(torch, settings["device"]))
    return {"device": device, "dtype": None if settings["dtype"] == "auto" else settings["dtype"]}


def _suites() -> dict:
    try:
        from llamo.train.evaluation.suites import SUITES
    except ImportError as error:
        raise BadInputError(f'{error}. Install the training extra: pip install ".[train]".') from None
    return SUITES
