"""The validation part of a tuning: cut from train by the recipe's own rule; the test never leaves here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recsmith.config.recipe import Recipe, SplitRecipe, TuneRecipe
from recsmith.data import Dataset, Split
from recsmith.errors import InvalidValue, Shown
from recsmith.rng import generator
from recsmith.runs.build import make_split


def validation_split(data: Dataset, recipe: Recipe, asked: TuneRecipe) -> Split:
    """Returns a split of the train part; no test event of the recipe's split is in either side of it.

    `by_time` with an instant cuts off as large a share of train as the test is of the log, and so does
    `given`, at random: a publisher's own split has no rule to repeat. Raises `InvalidValue` for a recipe that
    holds nothing out, unless `[tune.validation]` says how.
    """
    whole = make_split(data, recipe)
    share = len(whole.test) / max(len(whole.test) + len(whole.train), 1)
    rule = asked.validation or _again(recipe.split, share)
    if rule.rule in ("given", "none"):
        cure = 'Write [tune.validation] and, under it, rule = "leave_last_out".'
        raise InvalidValue("tune.validation", "a rule that holds something out", Shown(rule.rule), cure)
    cut = make_split(whole.train, recipe.model_copy(update={"split": rule}))
    if not len(cut.test) or not len(cut.train):
        raise InvalidValue("tune.validation", "such that both its sides have events", Shown(cut.rule))
    users = cut.test_users()
    told = f"Validation, cut from train. {cut.rule}"
    if len(users) > asked.max_users:
        told += f" {asked.max_users:,} of {len(users):,} users are judged."
    return replace(some_users(cut, asked.max_users, seed=recipe.run.seed), rule=told)


def some_users(split: Split, n: int, *, seed: int) -> Split:
    """Returns the split with the test events of at most n users, drawn by the seed."""
    users = split.test_users()
    if len(users) <= n:
        return split
    chosen = generator(seed, "validation users").permutation(users)[:n]
    return replace(split, test=split.test.select(np.isin(split.test.user, chosen)))


def _again(split: SplitRecipe, share: float) -> SplitRecipe:
    """Returns the rule that cuts train as the whole log was cut."""
    if split.rule == "by_time" and "at" in split.settings:
        return SplitRecipe(rule="by_time", settings={"fraction": share})
    if split.rule == "given" and 0 < share < 1:
        return SplitRecipe(rule="random_holdout", settings={"fraction": share})
    return split
