"""DCN, DeepFM and DNN: the contract, ratings and likes, what crosses matter."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith import Run, evaluate, random_holdout  # noqa: E402
from recsmith.data import Dataset, Feature, Interactions, Vocabulary  # noqa: E402
from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.models import DCN, DNN, DeepFM  # noqa: E402
from recsmith.testing import check_recommender, toy  # noqa: E402

SMALL = {"embedding_dim": 4, "n_epochs": 2, "batch_size": 128, "learning_rate": 0.01, "deep_dims": (8,)}
KINDS = [
    (DNN, {}),
    (DNN, {"target": "like", "history_length": 5}),
    (DeepFM, {"context": ("hour_of_day", "instant"), "dropout": 0.1}),
    (DCN, {"version": "v1", "structure": "parallel"}),
    (DCN, {"version": "v2", "rank": 2, "user_id": False, "history_length": 5}),
    (DCN, {"version": "mix", "structure": "cross", "numbers": "value"}),
]


@pytest.mark.parametrize(("model", "settings"), KINDS, ids=str)
def test_contract(model, settings):
    check_recommender(lambda: model(**{**SMALL, **settings}))


@pytest.mark.parametrize("settings", [{}, {"history_length": 5, "context": ("hour_of_day",)}])
def test_scores_of_pairs_are_those_of_the_network(settings):
    data = toy.tastes()
    model = DNN(**{**SMALL, **settings}).fit(data)
    rows = data.histories(np.array([3, 3, 8], np.int32))
    items = np.array([5, 2, 5], np.int32)
    batch = model._requests(rows) | {"item": torch.from_numpy(items.astype(np.int64) + 1)}
    with torch.no_grad():
        expected = model.net(batch).numpy()
    np.testing.assert_allclose(model._score_some(rows, items[:, None])[:, 0], expected, rtol=1e-5)


def test_vectors_are_held_back_and_start_small():
    data = toy.tastes()
    length = {}
    for decay in (0.0, 10.0):
        model = DNN(**{**SMALL, "embedding_decay": decay, "n_epochs": 5}).fit(data)
        length[decay] = float(model.net.inputs.items.embed.tables["t0"].table.weight.detach().norm())
    assert length[10.0] < 0.8 * length[0.0]


def crossed(n=4000, seed=0):
    """Ratings that depend on user and item only through the product of two hidden signs, their features."""
    rng = np.random.default_rng(seed)
    sign_U, sign_I = rng.integers(0, 2, 40), rng.integers(0, 2, 30)
    user, item = rng.integers(0, 40, n), rng.integers(0, 30, n)
    weight = np.where(sign_U[user] == sign_I[item], 5.0, 1.0)
    return Dataset(
        Interactions.from_arrays(user, item, weight, np.arange(n)),
        Vocabulary(np.arange(40)),
        Vocabulary(np.arange(30)),
        item_table=pl.DataFrame({"item_id": np.arange(30), "sign": sign_I.astype(str), "noise": ["x"] * 30}),
        user_table=pl.DataFrame({"user_id": np.arange(40), "sign": sign_U.astype(str)}),
        item_features=(Feature("sign", "categorical"), Feature("noise", "categorical")),
        user_features=(Feature("sign", "categorical"),),
        feedback="ratings",
    )


FAST = {"embedding_dim": 4, "n_epochs": 15, "batch_size": 256, "learning_rate": 0.02}
FAST |= {"user_id": False, "item_id": False}  # features alone


@pytest.mark.parametrize("version", ["v2", "mix"])
def test_one_cross_layer_learns_a_product_and_shows_it(version):
    data = crossed()
    split = random_holdout(data, fraction=0.2)
    model = DCN(**FAST, version=version, structure="cross").fit(split.train)
    figures = evaluate(model, split, metrics=["RMSE"], n_bootstrap=20).to_dict()
    assert figures["RMSE"]["value"] < 0.5
    names, weight_FF = model.feature_crosses()
    assert names == ["user sign", "item sign", "item noise"]
    pair = weight_FF + weight_FF.T
    assert pair[0, 1] > 1.5 * max(pair[0, 2], pair[1, 2]), "the pair that matters stands out"


def test_likes_are_probabilities():
    data = crossed()
    split = random_holdout(data, fraction=0.2)
    model = DCN(**FAST, target="like", deep_dims=(8,)).fit(split.train)
    figures = evaluate(model, split, metrics=["AUC", "LogLoss"], relevant_from=4.0, n_bootstrap=20).to_dict()
    assert figures["AUC"]["value"] > 0.99
    assert figures["LogLoss"]["value"] < 0.2


def test_what_is_neither_liked_nor_disliked_is_not_learnt():
    data = crossed()
    log = data.interactions
    middling = replace(log, weight=np.where(np.arange(len(log)) % 2, 3.0, log.weight).astype(np.float32))
    model = DNN(**{**SMALL, "target": "like"}).fit(replace(data, interactions=middling))
    batches = model._batches(replace(data, interactions=middling), Run())
    weights = torch.cat([batch["weight"] for batch in batches.epoch(0)])
    assert len(weights) == (middling.weight != 3).sum()
    assert not (weights == 3).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DCN(target="like").fit(toy.checkerboard()), "data must be of likes and dislikes"),
        (lambda: DCN(like_from=2, dislike_to=3), "dislike_to must be below like_from"),
        (lambda: DCN(version="v3"), "DCN.version must be 'v1', 'v2' or 'mix'. Got 'v3'"),
        (lambda: DNN(item_id=False, item_features=()).fit(toy.tastes()), "the item must be given a feature"),
        (lambda: DCN(**{**SMALL, "version": "v1"}).fit(toy.tastes()).feature_crosses(), "'v2' or 'mix'"),
    ],
)
def test_wrong_settings(call, message):
    with pytest.raises(InvalidValue, match=message):
        call()
