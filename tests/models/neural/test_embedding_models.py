"""fast.ai's models: the contract, formulas by hand, strangers found by descent, ratings on real data."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith import evaluate, load_movielens, random_holdout  # noqa: E402
from recsmith.models import EmbeddingDot, EmbeddingDotBias, EmbeddingNet  # noqa: E402
from recsmith.testing import check_recommender, toy  # noqa: E402

SMALL = {"embedding_dim": 4, "n_epochs": 4, "batch_size": 64, "learning_rate": 0.02}
MODELS = [EmbeddingDot, EmbeddingDotBias, EmbeddingNet]


@pytest.mark.parametrize("model", MODELS)
def test_contract(model):
    check_recommender(lambda: model(**SMALL), tolerance=1e-3)


def test_formulas():
    data = toy.tastes()
    pairs = [(data.users.ids[3], data.items.ids[7]), (data.users.ids[9], data.items.ids[2])]
    users, items = [u for u, _ in pairs], [i for _, i in pairs]
    rows, columns = data.users.encode(users) + 1, data.items.encode(items) + 1

    dot = EmbeddingDot(**SMALL).fit(data)
    u, v = (table.weight.detach().numpy() for table in (dot.net.users, dot.net.items))
    expected = data.interactions.weight.mean() + (u[rows] * v[columns]).sum(1)
    np.testing.assert_allclose(dot.predict(users, items), np.clip(expected, 1, 5), rtol=1e-5)

    biased = EmbeddingDotBias(**SMALL).fit(data)
    u, v = (table.weight.detach().numpy() for table in (biased.net.users, biased.net.items))
    logit = (u[rows, :-1] * v[columns, :-1]).sum(1) + u[rows, -1] + v[columns, -1]
    expected = 0.5 + 5 / (1 + np.exp(-logit))
    np.testing.assert_allclose(biased.predict(users, items), np.clip(expected, 1, 5), rtol=1e-5)

    net = EmbeddingNet(**SMALL).fit(data)
    u, v = (table.weight.detach().numpy() for table in (net.net.users, net.net.items))
    hidden, last = net.net.layers[1], net.net.layers[-1]
    x = np.concatenate([u[rows], v[columns]], 1)
    middle = np.maximum(x @ hidden.weight.detach().numpy().T + hidden.bias.detach().numpy(), 0)
    logit = (middle @ last.weight.detach().numpy().T + last.bias.detach().numpy()).ravel()
    expected = 0.5 + 5 / (1 + np.exp(-logit))
    np.testing.assert_allclose(net.predict(users, items), np.clip(expected, 1, 5), rtol=1e-5)


@pytest.mark.parametrize("model", MODELS[:2])
def test_a_stranger_with_a_users_ratings_gets_about_their_list(model):
    data = toy.tastes(n_users=120)
    fitted = model(**{**SMALL, "n_epochs": 25}).fit(data)
    row = data.histories(np.array([5]))
    history = dict(zip(data.items.decode(row.item), row.weight.tolist(), strict=True))
    known = fitted.score([data.users.ids[5]])[0]
    found = fitted.score(histories=[history])[0]
    assert np.corrcoef(known, found)[0, 1] > 0.9


def test_unknown_users_and_items_get_the_mean():
    data = toy.tastes()
    model = EmbeddingDotBias(**SMALL).fit(data)
    users, items = model.net.users.weight.detach(), model.net.items.weight.detach()
    torch.testing.assert_close(users[0], users[1:].mean(0))
    torch.testing.assert_close(items[39], items[1:39].mean(0))


def test_ratings_of_real_films_beat_the_means():
    split = random_holdout(load_movielens("latest-small"), fraction=0.1, seed=1)
    settings = {
        "embedding_dim": 16,
        "n_epochs": 4,
        "batch_size": 512,
        "learning_rate": 5e-3,
        "weight_decay": 1e-5,
    }
    model = EmbeddingDotBias(**settings).fit(split.train)
    rmse = evaluate(model, split, metrics=["RMSE"], n_bootstrap=10).to_dict()["RMSE"]["value"]
    assert rmse < 0.90, "the mean alone gives 1.04, and means of users and items about .88"
