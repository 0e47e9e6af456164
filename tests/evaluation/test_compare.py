"""compare: paired differences against loops and SciPy, its verdicts, and what it refuses."""

import json

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from recsmith.errors import InvalidValue
from recsmith.evaluation import (
    Evaluation,
    compare,
    evaluate,
    leaderboard,
    leaderboard_table,
    sample_negatives,
)

METRICS = ["NDCG@10", "RMSE", "Coverage@10"]


@pytest.fixture
def runs(make):
    """A good, an equal and a bad model on one split."""
    split, noise_UI = make.random_split(n_users=120)
    truth_UI = 3 + 0.4 * noise_UI
    truth_UI[split.test.user, split.test.item] = split.test.weight
    good = make.fixed(split, truth_UI, ratings=True)
    bad = make.fixed(split, 5 * noise_UI, ratings=True)
    return {
        name: evaluate(m, split, metrics=METRICS)
        for name, m in (("good", good), ("same", good), ("bad", bad))
    }


def test_the_better_model_is_better_and_the_same_is_the_same(runs):
    found = {(d.metric, d.a, d.b): d for d in compare(runs).differences}
    assert len(found) == 9
    for metric in ("NDCG@10", "RMSE"):
        same = found[metric, "good", "same"]
        assert (same.difference, same.p_value, same.wins, same.losses) == (0, 1, 0, 0)
        assert same.ties == same.n_users == len(runs["good"].users)
        assert same.verdict == "cannot tell"
        assert found[metric, "good", "bad"].verdict == "good"
        assert found[metric, "same", "bad"].verdict == "same"
    assert found["RMSE", "good", "bad"].difference > 0  # the worse model has the larger error
    assert found["RMSE", "good", "bad"].losses > found["RMSE", "good", "bad"].wins
    coverage = found["Coverage@10", "good", "bad"]
    assert (coverage.p_value, coverage.low, coverage.wins, coverage.verdict) == (
        None,
        None,
        None,
        "not tested",
    )


def test_the_interval_of_a_difference_is_scipys_paired_one(runs):
    found = compare({"good": runs["good"], "bad": runs["bad"]}, metrics=["NDCG@10"], n_bootstrap=5000)
    (difference,) = found.differences
    a, b = (runs[name].users["NDCG@10"].to_numpy() for name in ("good", "bad"))
    theirs = stats.bootstrap((b - a,), np.mean, n_resamples=5000, method="percentile", rng=2)
    np.testing.assert_allclose([difference.low, difference.high], theirs.confidence_interval, atol=0.01)
    assert difference.difference == pytest.approx((b - a).mean())
    assert difference.wins == int((b > a).sum())
    assert difference.losses == int((b < a).sum())


def test_p_values_of_models_that_do_not_differ_are_uniform():
    import polars as pl

    from recsmith.evaluation.result import Figure

    rng, p_values = np.random.default_rng(0), []
    for trial in range(150):
        pair = [
            Evaluation(
                model=name, figures=(Figure("NDCG@10", 0.5, None, None, 80),), split_rule="", protocol="",
                users=pl.DataFrame({"user_id": range(80), "n_ratings": [1] * 80, "NDCG@10": rng.random(80)}),
                fingerprint="x", left_out={},
            )
            for name in "ab"
        ]  # fmt: skip
        p_values.append(compare(pair, n_bootstrap=300, seed=trial).differences[0].p_value)
    assert 0.01 <= np.mean(np.array(p_values) < 0.05) <= 0.11
    assert 0.4 < np.mean(p_values) < 0.6


def test_holm_corrects_over_the_pairs(runs):
    rows = [d for d in compare(runs).differences if d.metric == "NDCG@10"]
    p = sorted(d.p_value for d in rows)
    assert sorted(d.p_holm for d in rows) == pytest.approx(
        [min(1, 3 * p[0]), max(min(1, 3 * p[0]), 2 * p[1]), max(2 * p[1], p[2])]
    )
    (pair,) = compare([runs["good"], runs["bad"]], metrics=["NDCG@10"]).differences
    assert pair.p_holm == pair.p_value


def test_other_splits_users_or_protocols_are_refused(make, runs):
    split, noise_UI = make.random_split(n_users=120)
    model = make.fixed(split, noise_UI, ratings=True)
    base = evaluate(model, split, metrics=METRICS)
    assert compare([base, runs["bad"]])
    other, _ = make.random_split(n_users=120, seed=1)
    others = [
        evaluate(make.fixed(other, noise_UI), other, metrics=["NDCG@10"]),
        evaluate(model, split, metrics=["NDCG@10"], relevant_from=3),
        evaluate(model, split, metrics=["NDCG@10"], exclude_seen=False),
        evaluate(model, split, metrics=["NDCG@10"], candidates=sample_negatives(split, n_negatives=5)),
    ]
    for one in others:
        with pytest.raises(InvalidValue, match="on the same split, users and protocol"):
            compare({"a": base, "b": one})


def test_what_else_is_refused(runs):
    with pytest.raises(InvalidValue, match="two or more. Got 1"):
        compare([runs["good"]])
    with pytest.raises(InvalidValue, match="two or more. Got 1"):
        compare(runs["good"])
    with pytest.raises(InvalidValue, match="one that all the evaluations have"):
        compare(runs, metrics=["MRR@10"])


def test_models_of_one_name_are_numbered(runs):
    names = {d.a for d in compare([runs["good"], runs["good"]]).differences}
    assert names == {"1: FixedRatings()"}


def test_tables_and_dictionaries(runs):
    found = compare(runs)
    assert found.to_frame().height == 9
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["differences"][0]["verdict"] == "cannot tell"
    console = Console(width=100, record=True)
    console.print(found)
    console.print(leaderboard_table(runs))
    text = console.export_text()
    assert "bad − good" in text
    assert "Leaderboard" in text


def test_the_leaderboard_is_best_first(runs):
    frame = leaderboard(runs)
    assert frame["model"].to_list() == ["good", "same", "bad"]
    assert frame.columns[:4] == ["model", "NDCG@10", "NDCG@10 low", "NDCG@10 high"]
    assert frame["Coverage@10 low"].null_count() == 3
    with pytest.raises(InvalidValue):
        leaderboard({})


def test_auc_is_paired_over_the_same_resamples_of_users(make):
    split, noise_UI = make.random_split(n_users=150)
    truth_UI = noise_UI.copy()
    truth_UI[split.test.user, split.test.item] += 0.1 * split.test.weight
    models = {"noise": make.fixed(split, noise_UI), "better": make.fixed(split, truth_UI)}
    found = {
        k: evaluate(m, split, metrics=["AUC"], relevant_from=4, n_bootstrap=400) for k, m in models.items()
    }
    (difference,) = compare(found).differences
    assert difference.verdict == "better"
    assert 0 < difference.low < difference.difference < difference.high
    # Paired: narrower than the two intervals apart.
    apart = sum((e["AUC"].high - e["AUC"].low) ** 2 for e in found.values()) ** 0.5
    assert difference.high - difference.low < apart
    other = evaluate(models["better"], split, metrics=["AUC"], relevant_from=4, n_bootstrap=300)
    assert compare({"a": found["noise"], "b": other}).differences[0].verdict == "not tested"


def test_eleven_models_can_be_told_apart_after_the_correction(make):
    split, noise_UI = make.random_split(n_users=60)
    truth_UI = 3 + 0.4 * noise_UI
    truth_UI[split.test.user, split.test.item] = split.test.weight
    good = evaluate(make.fixed(split, truth_UI), split, metrics=["NDCG@10"])
    bad = evaluate(make.fixed(split, noise_UI), split, metrics=["NDCG@10"])
    found = compare({"good": good, **{f"bad {n}": bad for n in range(10)}})
    assert found.n_bootstrap == 200 * 55
    assert [d.verdict for d in found.differences if d.a == "good"] == ["good"] * 10
    assert compare({"good": good, "bad": bad}).n_bootstrap == 2000
