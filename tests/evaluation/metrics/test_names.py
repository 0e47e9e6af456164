"""Names of metrics: what is understood, and what the message says when it is not."""

import pytest

from recsmith.errors import InvalidValue
from recsmith.evaluation.metrics import METRICS, NDCG, RMSE, Recall, metric_names, parse_metric, parse_metrics


@pytest.mark.parametrize("name", metric_names())
def test_every_listed_name_is_understood_and_printed_the_same(name):
    assert parse_metric(name.replace("@k", "@10")).name == name.replace("@k", "@10")


def test_every_metric_says_what_it_is():
    for metric in METRICS:
        assert metric.__doc__ is not None
        assert metric.__doc__.startswith(metric.__name__)
        assert "left out" in metric.__doc__ or "NaN" in metric.__doc__ or "No interval" in metric.__doc__


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ndcg@10", "Did you mean NDCG@10?"),
        ("NDGC@5", "Did you mean NDCG@5?"),
        ("HR@10", "Did you mean HitRate@10?"),
        ("Hit Rate@3", "Did you mean HitRate@3?"),
        ("recal@20", "Did you mean Recall@20?"),
        ("rmse", "Did you mean RMSE?"),
        ("Recall", "Did you mean Recall@10?"),
        ("Recall@", "Did you mean Recall@10?"),
        ("Recall@0", "Did you mean Recall@10?"),
        ("Recall@ten", "Did you mean Recall@10?"),
        ("RMSE@10", "Did you mean RMSE?"),
        ("zzz", "Known metrics: NDCG@k, HitRate@k"),
        ("", "Known metrics: NDCG@k"),
        (7, "a name such as 'NDCG@10'"),
    ],
)
def test_a_name_that_is_not_understood(name, says):
    with pytest.raises(InvalidValue) as caught:
        parse_metric(name)
    assert says in str(caught.value)
    assert repr(name) in str(caught.value)


def test_several_names():
    assert parse_metrics(["NDCG@10", "RMSE", "NDCG@10", Recall(5)])[0] == NDCG(10)
    assert [metric.name for metric in parse_metrics(["NDCG@10", RMSE(), Recall(5), "Recall@5"])] == [
        "NDCG@10", "RMSE", "Recall@5",
    ]  # fmt: skip
    with pytest.raises(InvalidValue, match="a list of names"):
        parse_metrics("NDCG@10")
    with pytest.raises(InvalidValue, match="one name or more"):
        parse_metrics([])


@pytest.mark.parametrize("k", [0, -1, 2.5, True, "10"])
def test_a_cut_off_that_is_none(k):
    with pytest.raises(InvalidValue, match="k must be a whole number of 1 or more"):
        NDCG(k)
