"""Frontier: as it is it equals the plain evaluation, and more diversity makes lists more diverse."""

import numpy as np
import pytest

from recsmith import evaluate, leave_last_out
from recsmith.models import IALS
from recsmith.runs.frontier import frontier
from recsmith.testing.toy import tastes


@pytest.fixture(scope="module")
def judged():
    split = leave_last_out(tastes(n_users=80))
    model = IALS(embedding_dim=8, n_epochs=5).fit(split.train)
    return (
        model,
        split,
        {(p.method, p.strength): p for p in frontier(model, split, k=5, strengths=(0.2, 0.9))},
    )


def test_as_it_is_equals_the_evaluation(judged):
    model, split, points = judged
    plain = points["as it is", 0.0]
    asked = {"NDCG@5": plain.ndcg, "Diversity@5": plain.diversity, "Coverage@5": plain.coverage}
    found = evaluate(model, split, metrics=list(asked), n_bootstrap=0)
    for name, value in asked.items():
        assert value == pytest.approx(found[name].value), name
    assert (plain.ndcg_change, plain.low, plain.high) == (0, 0, 0)


@pytest.mark.parametrize("method", ["mmr", "dpp"])
def test_strength_buys_diversity_with_accuracy(judged, method):
    points = judged[2]
    diverse = [points[key].diversity for key in (("as it is", 0.0), (method, 0.2), (method, 0.9))]
    assert diverse == sorted(diverse)
    assert diverse[-1] > diverse[0] + 0.05
    strong = points[method, 0.9]
    assert strong.ndcg_change == pytest.approx(strong.ndcg - points["as it is", 0.0].ndcg)
    assert strong.low <= strong.ndcg_change <= strong.high
    assert np.isfinite([strong.coverage, strong.long_tail]).all()
