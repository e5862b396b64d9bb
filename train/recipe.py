"""A training recipe: a YAML file, settings of the caller over it, and the stage that runs it.

    llamo train train/recipes/smoke.yaml output_dir=data/smoke

The file holds settings of trl alone, so that stock `trl sft --config` reads it too; what LLaMo adds stands in comments of the
form `# llamo: {stage: instruct, resume: true}`.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Iterable, Sequence

import yaml


STAGES = ("pretrain", "pretrain_vision", "align", "instruct", "amounts", "retrieval")
# Stages with a command line of their own, and what they make.
MADE = {"pretrain": "motion tower and Cross Talker", "pretrain_vision": "vision tower", "amounts": "choice of amounts",
        "retrieval": "embeddings"}  # fmt: skip


def read_recipe(path: str | os.PathLike, overrides: Sequence[str] = ()) -> dict:
    """The settings of a recipe, `key=value` of the caller over them.

    Args:
        path: YAML file of one mapping, with `# llamo:` comments; `stage` is one of STAGES.
        overrides: "learning_rate=1e-4", "synthesize.num=64"; values are read as YAML.

    Raises:
        ValueError: a file that is no recipe, an override without "=".
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        recipe = yaml.safe_load(text)
        if recipe is None or isinstance(recipe, dict):
            recipe = recipe or {}
            for added in re.findall(r"(?m)^# llamo: (.*)$", text):
                recipe |= yaml.safe_load(added)
    except yaml.YAMLError as error:
        raise ValueError(f"Expected YAML, got {error} in {path}. Correct the recipe.") from None
    if not isinstance(recipe, dict) or recipe.get("stage") not in STAGES:
        got = f"stage: {recipe.get('stage')!r}" if isinstance(recipe, dict) else type(recipe).__name__
        raise ValueError(f"Expected a recipe with a stage out of {', '.join(STAGES)}, got {got} in {path}. Add it.")
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            raise ValueError(f"Expected key=value, got {override!r} after the recipe. Write output_dir=DIR for example.")
        try:
            told = yaml.safe_load(value)
        except yaml.YAMLError:
            told = value
        *outer, last = key.split(".")
        place = recipe
        for name in outer:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise ValueError(f"Expected settings within {name!r}, got {place!r} for {override!r}. Set {name} itself.")
        place[last] = told
    # YAML reads a plain no as false, and trl's strategies have that name.
    return {key: "no" if key.endswith("_strategy") and value is False else value for key, value in recipe.items()}


def check_keys(recipe: dict, known: Iterable[str]) -> None:
    """Refuses a setting that nobody would read."""
    known = sorted(known)
    for key in recipe:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"Did you mean {near[0]!r}?" if near else "Remove it."
            raise ValueError(f"Expected settings of the stage alone, got {key!r} in the recipe. {hint}")


def fields_of(*types: type) -> set[str]:
    """Names that dataclasses take."""
    return {field.name for kind in types for field in dataclasses.fields(kind) if field.init}


def run_recipe(recipe: dict) -> str:
    """Runs the stage; returns what was written, as one line.

    Raises:
        ValueError: settings that the stage does not take, or that do not go together.
    """
    recipe = dict(recipe)
    stage = recipe.pop("stage")
    if stage in MADE:
        if stage == "pretrain":
            from llamo.train.pretrain import main, make_parser
        elif stage == "pretrain_vision":
            from llamo.train.pretrain_vision import main, make_parser
        elif stage == "amounts":
            from llamo.train.amounts import main, make_parser
        else:
            from llamo.train.retrieval import main, make_parser

        parser = make_parser()
        actions = {action.dest: action for action in parser._actions if action.dest != "help"}
        check_keys(recipe, actions)
        main(to_arguments(recipe, actions))
        return f"{MADE[stage]} in {recipe.get('out', parser.get_default('out'))}"
    from llamo.train.instruct import train

    return train(recipe, align=stage == "align")


def to_arguments(recipe: dict, actions: dict) -> list[str]:
    """`{"num": 4, "bf16": True}` -> `["--num", "4", "--bf16"]`."""
    arguments = []
    for key, value in recipe.items():
        name = actions[key].option_strings[0]
        if actions[key].nargs == 0:
            arguments += [name] * bool(value)
        elif value is not None:
            arguments += [name, *map(str, value if isinstance(value, (list, tuple)) else [value])]
    return arguments
