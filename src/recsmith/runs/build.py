"""From the words of a recipe to the things they name: data set, split, model."""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from recsmith.config import Run
from recsmith.config.recipe import EvaluateRecipe, ModelRecipe, Recipe, RunRecipe
from recsmith.data import (
    Dataset,
    Split,
    by_time,
    hold_out_users,
    leave_last_out,
    random_holdout,
)
from recsmith.data.split import one_fold
from recsmith.errors import InvalidValue, MissingExtra, nearest
from recsmith.evaluation import Evaluation, evaluate, sample_negatives
from recsmith.evaluation.events import predictor
from recsmith.evaluation.metrics import RatingMetric, parse_metrics
from recsmith.models import MODELS, Recommender
from recsmith.runs.sources import given_split, refuse_unknown

_RULES: dict[str, Callable[..., Split]] = {
    "leave_last_out": leave_last_out,
    "by_time": by_time,
    "random_holdout": random_holdout,
    "hold_out_users": hold_out_users,
    "k_fold": one_fold,
}


def model_class(name: str) -> type[Recommender]:
    """Returns the class of a model of the house, or of one outside it by its dotted path.

    A dotted path imports that module: hand in only what the person who asks wrote themselves.
    """
    if name in MODELS:
        try:
            found: type[Recommender] = getattr(importlib.import_module("recsmith.models"), name)
        except ModuleNotFoundError as error:
            raise MissingExtra(error.name or "torch", "neural") from error
        return found
    house = f"one of {', '.join(MODELS)}, or the dotted path of a class of your own"
    module_name, dot, attribute = name.rpartition(".")
    if not dot:
        raise InvalidValue("model.class", house, name, nearest(name, MODELS))
    try:
        own = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise InvalidValue("model.class", house, name, f"{error}.") from error
    if not (inspect.isclass(own) and issubclass(own, Recommender)):
        raise InvalidValue("model.class", "a subclass of recsmith.models.Recommender", name)
    return own


def make_model(recipe: ModelRecipe) -> Recommender:
    """Returns the model of a recipe with its settings, not fitted yet."""
    return model_class(recipe.name)(**recipe.settings)


def make_run(recipe: RunRecipe, *, progress: bool | None = None, **going_on: Any) -> Run:
    """Returns how to run, as a recipe says it; `progress` that is given wins."""
    shown = recipe.progress if progress is None else progress
    settings = recipe.model_dump(exclude={"progress", "tensorboard"})
    return Run(**settings, progress=shown, **going_on)


def make_split(data: Dataset, whole: Recipe) -> Split:
    """Returns the split of a recipe; its `seed` is the run's unless the rule names one.

    `none` keeps everything for training: there is nothing to judge by then. `k_fold` takes one fold,
    `fold` = 1 to `n`. `given` reads the test from `test`, a file of the same form as the data, or takes the
    official `fold` of MovieLens 100K ("u1").
    """
    recipe, seed = whole.split, whole.run.seed
    if recipe.rule == "given":
        return given_split(data, whole)
    if recipe.rule == "none":
        refuse_unknown("none", recipe.settings, ())
        nothing = data.interactions.select(np.zeros(len(data), bool))
        return Split(train=data, test=nothing, rule="None: everything is for training, nothing is judged.")
    rule = _RULES[recipe.rule]
    parameters = [name for name in inspect.signature(rule).parameters if name != "data"]
    refuse_unknown(recipe.rule, recipe.settings, parameters)
    settings = dict(recipe.settings)
    if "seed" in parameters:
        settings.setdefault("seed", seed)
    try:
        made: Split = rule(data, **settings)
    except TypeError as error:
        raise InvalidValue(
            "split", f"settings that {recipe.rule} can use ({error})", recipe.settings
        ) from error
    return made


def check_judging(model: Recommender, recipe: EvaluateRecipe) -> None:
    """Raises `InvalidValue` for metrics that are unknown or not for this model: before hours of training."""
    rating = [metric for metric in parse_metrics(recipe.metrics) if isinstance(metric, RatingMetric)]
    if rating:
        predictor(model, rating)


def judge(model: Recommender, split: Split, recipe: EvaluateRecipe, *, run: Run) -> Evaluation:
    """Judges a fitted model as a recipe says."""
    sampled = recipe.candidates
    return evaluate(
        model,
        split,
        metrics=recipe.metrics,
        candidates=None
        if sampled is None
        else sample_negatives(split, n_negatives=sampled.n_negatives, seed=sampled.seed),
        relevant_from=recipe.relevant_from,
        n_bootstrap=recipe.n_bootstrap,
        seed=run.seed,
        run=run,
    )


def fingerprint(data: Dataset) -> str:
    """Returns a short mark of the events and their ids, to tell whether data are the same as before.

    It hangs on nothing but values: other versions of the libraries give the same.
    """
    mark = hashlib.blake2b(digest_size=8)
    events = data.interactions
    for column in (events.user, events.item, events.weight, events.time):
        if column is not None:
            mark.update(np.ascontiguousarray(column).data)
    for ids in (data.users.ids, data.items.ids):
        if ids.dtype == pl.String:
            mark.update(np.ascontiguousarray(ids.str.len_bytes().to_numpy()).data)
            mark.update("".join(ids.to_list()).encode())
        else:
            mark.update(np.ascontiguousarray(ids.to_numpy()).data)
    return f"{mark.hexdigest()}-{len(data)}"
