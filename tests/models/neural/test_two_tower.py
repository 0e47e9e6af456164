"""TwoTower and MultiTask: the contract, the loss by hand, strangers, new items, requests."""

import re
import zlib
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith import leave_last_out  # noqa: E402
from recsmith.config import Run  # noqa: E402
from recsmith.data import Feature  # noqa: E402
from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.models import MultiTask, TwoTower  # noqa: E402
from recsmith.models.neural.inputs import Spaces  # noqa: E402
from recsmith.testing import check_recommender, toy  # noqa: E402

SMALL = {"embedding_dim": 8, "output_dim": 8, "n_epochs": 3, "batch_size": 64, "learning_rate": 0.02}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"history_length": 0, "item_features": ()},
        {"user_id": False, "context": ("instant", "hour_of_day"), "tower_dims": (16,), "extra_negatives": 16},
        {"normalised": False, "temperature": 1.0, "popularity_correction": False, "numbers": "bucket"},
    ],
)
def test_two_tower_contract(settings):
    check_recommender(lambda: TwoTower(**SMALL, **settings))


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_multi_task_contract(weights):
    retrieval, rating = weights
    check_recommender(lambda: MultiTask(**SMALL, retrieval_weight=retrieval, rating_weight=rating))


@pytest.mark.parametrize("corrected", [True, False])
@pytest.mark.parametrize("n_extra", [0, 7])
def test_the_loss_is_the_formula(corrected, n_extra):
    data = toy.tastes()
    model = TwoTower(**SMALL, popularity_correction=corrected, extra_negatives=n_extra, id_dropout=0).fit(
        data
    )
    batch = next(model._batches(data, Run()).epoch(0))
    torch.manual_seed(5)
    with torch.no_grad():
        found = float(model._loss(model.net, batch))
    torch.manual_seed(5)
    rows = batch["item"].numpy()
    columns = np.concatenate([rows, torch.randint(1, data.n_items + 1, (n_extra,)).numpy()]).astype(int)
    person = model.net.people(batch).detach().numpy()
    share = np.bincount(data.interactions.item, minlength=data.n_items) / len(data)
    losses = []
    for i, row in enumerate(rows):
        logits = []
        for j, column in enumerate(columns):
            if j != i and column == row:
                continue  # an accidental hit
            score = person[i] @ model.item_ID[column - 1] / model.config.temperature
            expected = share[column - 1] * len(rows) if j < len(rows) else n_extra / data.n_items
            logits.append((score - np.log(expected) * corrected, j == i))
        own = next(value for value, mine in logits if mine)
        losses.append(np.log(sum(np.exp(value) for value, _ in logits)) - own)
    assert found == pytest.approx(np.mean(losses), rel=1e-4)


def test_it_learns_tastes_and_serves_strangers():
    data = toy.tastes(n_users=120)
    model = TwoTower(**{**SMALL, "n_epochs": 30}, user_id=False, item_features=("genres",)).fit(data)
    lists = model.recommend(histories=[["i001", "i005", "i009"], ["i002", "i006", "i010"]], k=5)
    for place, items in enumerate(lists.item_ids, 1):
        assert sum(int(item[1:]) % 4 == place for item in items) >= 4, "mostly of the person's genre"
    assert int(model.similar_items("i003", k=1)[0].item_id[1:]) % 4 == 3


def test_an_item_that_nobody_took_is_reached_by_its_features():
    data = toy.tastes(n_users=120)
    model = TwoTower(**{**SMALL, "n_epochs": 30}, item_features=("genres",), user_id=False).fit(data)
    score = model.score(histories=[["i002", "i006", "i010"]])[0]
    assert score[38] > np.median(score), "i038 is of genre 2, and new"
    assert score[38] > score[39]


def test_the_future_is_not_in_a_history():
    data = toy.tastes()
    events = TwoTower(**SMALL).fit(data)._batches(data, Run())
    log = data.interactions
    batch = events.rows(np.arange(len(log)))
    for event in range(0, len(log), 37):
        before = log.item[events.indptr[log.user[event]] : event][-20:] + 1
        history = batch["history"][event].numpy()
        assert history[history > 0].tolist() == before.tolist()


def test_multi_task_predicts_ratings():
    data = toy.tastes(n_users=150)
    split = leave_last_out(data)
    model = MultiTask(**{**SMALL, "n_epochs": 40}).fit(split.train)
    users = data.users.decode(split.test.user)
    predicted = model.predict(users, data.items.decode(split.test.item))
    error = np.sqrt(np.mean((predicted - split.test.weight) ** 2))
    assert error < 0.85 * split.test.weight.std()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"user_id": False, "history_length": 0}, "the person's tower must be given something to read"),
        ({"item_id": False, "item_features": ()}, "the item's tower must be given something to read"),
        (
            {"item_features": ("genre",)},
            "features must be columns of the data. Got 'genre'. Did you mean 'genres'",
        ),
        ({"embedding_dim": 0}, "TwoTower.embedding_dim must be greater than or equal to 1. Got 0"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(InvalidValue, match=message):
        TwoTower(**{**SMALL, **settings}).fit(toy.tastes())


def test_a_log_without_times_or_tables():
    data = toy.checkerboard()
    bare = replace(data, interactions=replace(data.interactions, time=None))
    assert len(TwoTower(**SMALL).fit(bare).recommend([0], k=3).item_ids[0]) == 3


@pytest.mark.parametrize("text", ["words", "hashed", "tfidf"])
def test_titles_enter_as_asked(text):
    """Word by word: the vector of a film is the mean of its words' vectors, by rarity with TF-IDF."""
    data = toy.tastes()
    told = replace(data, item_features=(*data.item_features, Feature("title", "text")))
    settings = {"item_features": ("title",), "text": text, "n_hashes": 64, "text_length": 5}
    check_recommender(lambda: TwoTower(**SMALL, **settings), told)
    model = TwoTower(**SMALL, **settings).fit(told, run=Run(n_threads=1))
    column = Spaces.of_dict(model.learned).items.columns[0]
    vectors = model.towers.items.embed.tables["t1"].table.weight.detach().numpy()
    with torch.no_grad():
        sides = model.towers.items(torch.arange(1, len(told.items) + 1)).numpy()
    for code, title in enumerate(model.memory.catalogue["title"]):
        words = re.findall(r"\w{2,}", title.lower())[:5]
        if text == "hashed":
            slots, weights = [1 + zlib.crc32(word.encode()) % 64 for word in words], np.ones(len(words))
        else:
            slots = [1 + column.tokens.index(word) for word in words]
            weights = (
                np.array([column.idf[slot - 1] for slot in slots]) if column.idf else np.ones(len(words))
            )
        np.testing.assert_allclose(sides[code, 8:], np.average(vectors[slots], 0, weights), atol=1e-5)
    assert (len(column.idf) > 0) == (text == "tfidf")
