"""The validation part: cut from train by the recipe's own rule, and never a test event in it."""

import numpy as np
import pytest

from recsmith.config import parse_recipe
from recsmith.config.recipe import TuneRecipe
from recsmith.errors import InvalidValue, MissingExtra
from recsmith.models import MODELS
from recsmith.runs.build import make_split
from recsmith.runs.tuning.space import own_values, space_of
from recsmith.runs.tuning.validation import validation_split
from recsmith.testing.toy import tastes

DATA = tastes()
RULES = [
    {"rule": "leave_last_out"},
    {"rule": "leave_last_out", "n": 3},
    {"rule": "by_time", "fraction": 0.2},
    {"rule": "by_time"},  # with the instant, filled in below
    {"rule": "random_holdout", "fraction": 0.2},
    {"rule": "random_holdout", "fraction": 0.2, "per_user": True},
    {"rule": "hold_out_users", "fraction": 0.3},
    {"rule": "k_fold", "n": 4, "fold": 2},
]


def recipe_of(split):
    if split == {"rule": "by_time"}:
        instant = int(np.quantile(DATA.interactions.time, 0.8))
        split = {"rule": "by_time", "at": str(np.datetime64(instant, "ms"))}
    return parse_recipe({"model": {"class": "Popular"}, "split": split})


def rows(events):
    return set(zip(events.user.tolist(), events.item.tolist(), events.time.tolist(), strict=True))


@pytest.mark.parametrize("split", RULES, ids=str)
def test_no_test_event_is_on_either_side(split):
    recipe = recipe_of(split)
    whole = make_split(DATA, recipe)
    cut = validation_split(DATA, recipe, TuneRecipe())
    learnt, judged = rows(cut.train.interactions), rows(cut.test)
    folded = rows(cut.fold_in) if cut.fold_in is not None else set()
    assert learnt and judged
    assert not (learnt | judged | folded) & rows(whole.test)
    assert not learnt & judged
    assert (learnt | judged | folded) <= rows(whole.train.interactions)
    assert cut.rule.startswith("Validation, cut from train. ")
    if split["rule"] in ("by_time", "k_fold"):  # as large a share of train as the test is of the log
        share = len(whole.test) / len(DATA)
        assert len(judged) / len(whole.train) == pytest.approx(share, rel=0.05)


def test_a_publishers_split_is_cut_at_random():
    from recsmith.data import random_holdout
    from recsmith.runs.tuning import validation

    whole = random_holdout(DATA, fraction=0.25)
    again = validation._again(
        parse_recipe({"model": {"class": "Popular"}, "split": {"rule": "given"}}).split, 0.25
    )
    assert (again.rule, again.settings) == ("random_holdout", {"fraction": 0.25})
    assert len(whole.test) / len(DATA) == pytest.approx(0.25, abs=0.01)


def test_a_rule_of_ones_own_and_one_that_holds_nothing_out():
    recipe = recipe_of({"rule": "none"})
    with pytest.raises(
        InvalidValue, match="tune.validation must be a rule that holds something out. Got none"
    ):
        validation_split(DATA, recipe, TuneRecipe())
    asked = TuneRecipe.of({"validation": {"rule": "leave_last_out", "n": 2}})
    assert "last 2 events" in validation_split(DATA, recipe, asked).rule


def test_some_users_are_judged_the_others_are_in_neither_test():
    recipe = recipe_of({"rule": "leave_last_out"})
    cut = validation_split(DATA, recipe, TuneRecipe(max_users=20))
    assert len(cut.test_users()) == 20
    assert "20 of" in cut.rule
    assert rows(cut.test) < rows(validation_split(DATA, recipe, TuneRecipe()).test)


def test_the_recipes_own_settings_as_a_fit_would_take_them():
    from recsmith.config.space import Range

    space = {"model.regularization": Range(0.02, 0.2, log=True), "model.embedding_dim": Range(16, 256)}
    recipe = parse_recipe({"model": {"class": "FunkSVD"}})
    assert own_values(recipe, space, n_events=1_000_000) == {
        "model.regularization": pytest.approx(0.0708, abs=1e-4),
        "model.embedding_dim": 100,
    }
    short = {"model.embedding_dim": Range(16, 64)}
    assert own_values(recipe, short, n_events=9) is None


@pytest.mark.parametrize("name", MODELS)
def test_every_model_offers_a_space_that_holds_its_defaults(name):
    """Its ends are settings that the model takes; models made of others have no defaults to begin with."""
    try:
        recipe = parse_recipe({"model": {"class": name}})
        space = space_of(recipe, TuneRecipe())
    except MissingExtra as missing:
        pytest.skip(str(missing))
    except InvalidValue:
        assert name in ("Pipeline", "Blend", "TableMachine")
        return
    assert own_values(recipe, space, n_events=100_000) is not None
