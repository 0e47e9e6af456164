"""A trial: looked at on the way without being changed by it, and ended when that is said."""

import pytest

from recsmith.config import parse_recipe
from recsmith.config.recipe import TuneRecipe
from recsmith.runs.tuning.objective import ALL, RUNGS, Objective, Pruned
from recsmith.runs.tuning.validation import validation_split
from recsmith.testing.toy import tastes

SMALL = {"embedding_dim": 8, "n_epochs": 8}


def objective(model, **evaluate):
    recipe = parse_recipe(
        {"model": model, "evaluate": {"metrics": ["NDCG@10", "Coverage@10"], "n_bootstrap": 20, **evaluate}}
    )
    split = validation_split(tastes(n_users=500), recipe, TuneRecipe())
    return Objective(recipe, split, metric="NDCG@10", n_threads=1)


SAMPLED = {"n_epochs": 8, "n_burn_in": 1, "n_samples": 4}


@pytest.mark.parametrize(
    ("name", "settings"),
    [("IALS", SMALL), ("BPR", SMALL), ("FunkSVD", SMALL), ("FactorizationMachine", SAMPLED)],
)
def test_a_model_of_epochs_is_looked_at_and_ends_the_same(name, settings):
    trial = objective({"class": name, **settings})
    seen = []
    watched = trial({}, lambda step, value: seen.append((step, value)))
    assert [step for step, _ in seen] == list(RUNGS)
    unwatched = trial({}, None)
    assert watched["value"] == unwatched["value"]
    assert watched["metrics"] == unwatched["metrics"]
    assert set(watched["metrics"]) == {"NDCG@10", "Coverage@10"}


def test_a_model_without_epochs_is_looked_at_before_everybody_is_judged():
    seen = []
    trial = objective({"class": "ItemKNN"})
    found = trial({"model.n_neighbours": 5}, lambda step, value: seen.append((step, value)))
    assert [step for step, _ in seen] == [ALL]
    assert seen[0][1] == pytest.approx(found["value"], abs=0.1)  # a quarter of the people: near, not equal
    assert found["peak_gb"] > 0.05


def test_it_ends_when_that_is_said():
    steps = []

    def stop_at_half(step, value):
        steps.append(step)
        return step == 50

    with pytest.raises(Pruned):
        objective({"class": "IALS", **SMALL})({}, stop_at_half)
    assert steps == [25, 50]
    with pytest.raises(Pruned):
        objective({"class": "EASE"})({}, lambda step, value: True)


def test_a_network_is_looked_at_and_ends_the_same():
    pytest.importorskip("torch", reason="the neural extra is not installed")
    seen = []
    trial = objective({"class": "TwoTower", "output_dim": 8, "embedding_dim": 8, "n_epochs": 4})
    watched = trial({}, lambda step, value: seen.append(step))
    assert seen == list(RUNGS)
    assert watched["value"] == trial({}, None)["value"]


def test_stages_of_a_pipeline_are_not_looked_at_before_it_is_whole():
    stages = {"retriever": {"class": "IALS", **SMALL}, "ranker": {"class": "EASE"}}
    seen = []
    objective({"class": "Pipeline", "n_candidates": 20, **stages})({}, lambda step, value: seen.append(step))
    assert seen == [ALL]
