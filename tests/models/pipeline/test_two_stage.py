"""Pipeline: the contract, candidates by each index, ranked by the second model alone, saved as one."""

import numpy as np
import pytest

from recsmith import evaluate, leave_last_out
from recsmith.errors import InvalidValue
from recsmith.models import EASE, IALS, ItemKNN, Pipeline, load
from recsmith.testing import check_recommender, toy

RETRIEVE = {"class": "IALS", "embedding_dim": 8, "n_epochs": 4}


@pytest.mark.parametrize(
    ("retriever", "ranker", "index"),
    [
        (RETRIEVE, {"class": "EASE", "regularization": 10.0}, "none"),
        (RETRIEVE, {"class": "ItemKNN"}, "exact"),
        ({"class": "Popular"}, {"class": "FunkSVD", "n_epochs": 3}, "none"),
    ],
)
def test_contract(retriever, ranker, index):
    check_recommender(lambda: Pipeline(retriever=retriever, ranker=ranker, index=index, n_candidates=15))


@pytest.mark.parametrize("index", ["exact", "hnsw", "scann"])
def test_contract_with_networks_and_indexes(index):
    pytest.importorskip("torch", reason="the neural extra is not installed")
    if index != "exact":
        pytest.importorskip("faiss", reason="the index extra is not installed")
    towers = {"class": "TwoTower", "embedding_dim": 4, "output_dim": 4, "n_epochs": 1}
    cross = {"class": "DCN", "embedding_dim": 4, "deep_dims": [8], "n_epochs": 1, "history_length": 5}
    check_recommender(lambda: Pipeline(retriever=towers, ranker=cross, index=index, n_candidates=15))


def test_only_candidates_come_back_in_the_rankers_order():
    data = toy.tastes()
    model = Pipeline(retriever=RETRIEVE, ranker={"class": "EASE"}, n_candidates=6).fit(data)
    retriever = IALS(embedding_dim=8, n_epochs=4).fit(data)
    ranker = EASE().fit(data)
    for user in data.users.ids.to_list()[:10]:
        items = model.recommend([user], k=20).item_ids[0]
        candidates = retriever.recommend([user], k=6).item_ids[0]
        assert sorted(items) == sorted(candidates)
        scores = ranker.score([user], items)[0]
        assert list(scores) == sorted(scores, reverse=True)


def test_a_graph_is_saved_and_not_built_again(tmp_path, monkeypatch):
    """A million items take minutes, at every start of a service."""
    pytest.importorskip("faiss", reason="the index extra is not installed")
    from recsmith.index.hnsw import HnswIndex

    data = toy.tastes()
    model = Pipeline(retriever=RETRIEVE, ranker={"class": "EASE"}, n_candidates=6, index="hnsw").fit(data)
    model.save(tmp_path / "model")
    monkeypatch.setattr(HnswIndex, "_make", None)
    again = load(tmp_path / "model")
    rows = data.histories(np.arange(20))
    np.testing.assert_array_equal(again.candidates(rows), model.candidates(rows))


def test_an_exact_index_retrieves_what_scoring_all_does():
    data = toy.tastes()
    rows = data.histories(np.arange(20))
    codes = [
        Pipeline(retriever=RETRIEVE, ranker={"class": "Popular"}, n_candidates=5, index=index)
        .fit(data)
        .candidates(rows)
        for index in ("none", "exact")
    ]
    np.testing.assert_array_equal(*codes)


def test_reasons_are_the_rankers():
    data = toy.tastes()
    model = Pipeline(retriever=RETRIEVE, ranker={"class": "ItemKNN"}, n_candidates=10).fit(data)
    item = model.recommend([1], k=1).item_ids[0][0]
    assert model.explain(1, item) == ItemKNN().fit(data).explain(1, item)


def test_it_is_judged_as_one():
    split = leave_last_out(toy.tastes())
    model = Pipeline(retriever=RETRIEVE, ranker={"class": "EASE"}, n_candidates=10).fit(split.train)
    assert (
        0 < evaluate(model, split, metrics=["Recall@5"], n_bootstrap=10).to_dict()["Recall@5"]["value"] <= 1
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"retriever": {"class": "ItemKNN"}, "index": "exact"}, "retriever must be a model with vectors"),
        ({"retriever": {"class": "IALZ"}}, "retriever.class must be one of .* Did you mean 'IALS'"),
        ({"retriever": {"class": "Pipeline"}}, "retriever.class must be one of"),
        ({"retriever": {"class": "IALS", "dims": 3}}, "IALS.dims must be a known setting"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(InvalidValue, match=message):
        Pipeline(ranker={"class": "Popular"}, **settings).fit(toy.tastes())
