"""NextItem and its presets: the contract with every encoder and loss, features of all kinds, bad settings."""

import shutil

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")

import torch

from recsmith import Run
from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.data.timelines import newest
from recsmith.errors import InvalidValue, ModelFileError
from recsmith.models import Caser, GRU4Rec, NextItem, SASRec
from recsmith.testing import check_recommender, toy

TOY = toy.tastes(n_users=24, n_items=24)
ONE = Run(n_threads=1)
SMALL = {"n_epochs": 1, "batch_size": 8, "context_length": 6, "learning_rate": 0.02}
SMALL |= {"dropout": 0.0, "schedule": "constant"}
IDS = {"name": "item_id", "type": "int"}
ENCODERS = {
    "bow": {},
    "cnn": {"n_filters": [4], "kernel_size": 2},
    "lstm": {"n_units": 5},
    "transformer": {"n_blocks": 1},
}


def next_item(*features, encoder="bow", label=None, **settings):
    group = {"features": list(features or (IDS,)), "encoder": encoder, **ENCODERS.get(encoder, {})}
    return NextItem(
        activity_groups=[group], label={"embedding_dim": 4, **(label or {})}, **{**SMALL, **settings}
    )


def cycle(n_users=30, n_items=12, length=9) -> Dataset:
    """Everybody walks round the same circle of items, each from a place of their own."""
    rows = [(u, (u + step) % n_items) for u in range(n_users) for step in range(length)]
    user, item = np.array(rows).T
    events = Interactions.from_arrays(user, item, None, np.arange(len(user)) * 1000)
    return Dataset(events, Vocabulary(np.arange(n_users)), Vocabulary(np.arange(n_items)), name="cycle")


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_contract_holds_for_every_encoder(encoder):
    check_recommender(lambda: next_item(encoder=encoder), TOY, same_bits=False)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SASRec(embedding_dim=4, n_blocks=1, **SMALL),
        lambda: GRU4Rec(embedding_dim=4, **SMALL),
        lambda: Caser(embedding_dim=4, n_horizontal=2, n_vertical=1, **SMALL),
    ],
)
def test_the_contract_holds_for_the_presets(make):
    check_recommender(make, TOY, same_bits=False)


@pytest.mark.parametrize("encoder", ["cnn", "lstm", "gru", "transformer", "caser"])
def test_the_order_of_a_history_is_learnt(encoder):
    model = next_item(encoder=encoder, label={"embedding_dim": 16}, n_epochs=15).fit(cycle(), run=ONE)
    lists = model.recommend(histories=[[3, 4, 5], [8, 9, 10]], k=1)
    assert lists.item_ids == ((6,), (11,))
    there, back = model.user_vectors(histories=[[3, 4, 5], [5, 4, 3]])
    assert np.abs(there - back).max() > 0.1


@pytest.mark.parametrize("encoder", ["lstm", "transformer"])
def test_events_are_dropped_once(encoder):
    model = next_item(encoder=encoder, label={"embedding_dim": 32}, dropout=0.25).fit(TOY, run=ONE)
    group = model.net.activity[0]
    first = group.encoder.blocks[0] if encoder == "transformer" else group.encoder
    read = []
    first.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    torch.manual_seed(0)
    group.train()(newest_items(), last=False)
    dropped = (read[0] == 0).float().mean().item()
    assert 0.22 < dropped < 0.28  # it was 1 - .75 * .75 = .44 in transformers


def newest_items() -> dict[str, torch.Tensor]:
    """The six newest items of everybody, nothing padded."""
    arrays = newest(TOY.histories(), length=6)
    assert (arrays["item"] != 0).all()
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


@pytest.mark.parametrize("loss", ["softmax", "sampled_softmax", "in_batch", "bce", "gbce", "bpr"])
@pytest.mark.parametrize("n_negatives", [3, 20])
def test_every_loss_learns(loss, n_negatives):
    if loss in ("softmax", "in_batch") and n_negatives == 20:
        return
    sampling = "popularity" if loss == "sampled_softmax" else "uniform"
    model = next_item(
        encoder="lstm",
        loss=loss,
        n_negatives=n_negatives,
        negative_sampling=sampling,
        n_epochs=15,
        label={"embedding_dim": 16},
    ).fit(cycle(), run=ONE)
    lists = model.recommend(histories=[[3, 4, 5], [7, 8, 9, 10]], k=2)
    assert 6 in lists.item_ids[0] and 11 in lists.item_ids[1]


def test_features_of_events_items_and_people():
    log = toy.tastes()
    ages = pl.DataFrame({"user_id": log.users.ids, "age": [20.0 + u for u in range(log.n_users)]})
    data = Dataset(
        log.interactions, log.users, log.items, log.item_table, ages, log.item_features, feedback="ratings"
    )
    event = [
        IDS,
        {"name": "rating", "type": "float"},
        {"name": "rating", "type": "int", "embedding_dim": 2},
        {"name": "gap", "type": "float"},
        {"name": "hour_of_day", "embedding_dim": 2},
        {"name": "genres", "embedding_dim": 3},
        {"name": "year", "type": "float"},
    ]

    def make():
        return next_item(
            *event[:2],
            *event[3:],
            encoder="lstm",
            label={"features": [{"name": "genres"}], "bias": True},
            global_groups=[{"features": [{"name": "age", "type": "float"}, {"name": "user_id"}]}],
            hidden_layers=[6],
        )

    check_recommender(make, data, same_bits=False)
    assert next_item(*event[2:], n_epochs=1).fit(data, run=ONE).recommend([1], k=2)


def test_an_item_table_of_its_own():
    model = next_item({**IDS, "embedding_dim": 3}, encoder="cnn").fit(TOY, run=ONE)
    shared = next_item(encoder="cnn").fit(TOY, run=ONE)
    names = set(model.state()) - set(shared.state())
    assert [model.state()[name].shape for name in names] == [(TOY.n_items + 1, 3)]
    unshared = next_item({**IDS, "shared": False}, encoder="cnn").fit(TOY, run=ONE)
    assert set(unshared.state()) == set(model.state()) and unshared.recommend([1], k=2)


def test_an_item_nobody_took_is_reached_by_its_genres():
    log = toy.tastes()
    without = next_item(n_epochs=6).fit(log, run=ONE)
    assert not np.isfinite(without.score([1], ["i038", "i039"])).any(), "no evidence, no score"
    assert without.explain(1, "i038").score == -np.inf and not without.explain(1, "i038").because
    model = next_item(
        label={"embedding_dim": 8, "features": [{"name": "genres"}]}, n_epochs=30, learning_rate=0.03
    ).fit(log, run=ONE)
    # Genre of item 38 is 2, of item 39 is 3: the user of that taste should score it higher.
    scores = model.score([3, 4], ["i038", "i039"])
    assert np.isfinite(scores).all() and scores[0, 0] > scores[0, 1] and scores[1, 1] > scores[1, 0]


@pytest.mark.parametrize("encoder", ["bow", "cnn", "lstm", "transformer", "caser"])
def test_learning_and_scoring_see_the_same_context(encoder):
    """The context that a position learns with is the one that a history ending there is scored with."""
    model = next_item(encoder=encoder, n_epochs=1, context_length=5).fit(cycle(), run=ONE)
    history = model.memory.histories.take(np.array([0]))
    whole = newest(history, length=5)
    with torch.no_grad():
        row = model.net({name: torch.from_numpy(values) for name, values in whole.items()})[0].numpy()
    events = history.item[-5:].tolist()
    for stop in range(1, 6):
        alone = model.user_vectors(histories=[model.memory.items.decode(np.array(events[:stop]))])
        np.testing.assert_allclose(row[stop - 1], alone[0], atol=1e-5)


@pytest.mark.parametrize("encoder", ["bow", "cnn", "caser"])
def test_windows_of_a_long_timeline_are_the_contexts_of_scoring(encoder):
    model = next_item(encoder=encoder, n_epochs=1, context_length=5).fit(cycle(length=30), run=ONE)
    batch = next(model._batches(cycle(length=30), ONE).epoch(0))
    with torch.no_grad():
        context_BLD = model.net(batch).numpy()
    items = batch["item"][0].numpy() - 1
    for stop in (3, 5, 9, 29):
        alone = model.user_vectors(histories=[items[max(0, stop - 5) : stop].tolist()])
        np.testing.assert_allclose(context_BLD[0, stop - 1], alone[0], atol=1e-5)


def test_the_newest_events_of_a_long_history_count():
    model = next_item(encoder="lstm").fit(cycle(), run=ONE)
    tail = [1, 2, 3, 4, 5, 6]
    a, b = model.score(histories=[[9, 10, *tail], [7, *tail]])
    np.testing.assert_allclose(a, b, atol=1e-6)


def test_users_with_one_event_are_served_and_teach_nothing():
    log = cycle()
    keep = (log.interactions.user > 0) | (np.arange(len(log)) == 0)
    data = log.with_interactions(log.interactions.select(keep))
    model = next_item().fit(data, run=ONE)
    assert len(model.recommend([0], k=3).item_ids[0]) == 3
    only = log.with_interactions(log.interactions.select(np.arange(len(log)) % 9 == 0))
    with pytest.raises(InvalidValue, match="some user has min_timeline_length"):
        next_item().fit(only, run=ONE)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"label": {"embedding_dim": 0}}, "embedding_dim must be greater than or equal to 1"),
        ({"label": {"vocabulary_size": 5}}, "vocabulary_size must be at least the number of items, 40"),
        ({"context_length": 0}, "context_length must be"),
        ({"stride": 9}, "stride is at most context_length"),
        ({"encoder": "cnn", "context_length": 1}, "Lower kernel_size"),
        ({"encoder": "rnn"}, "encoder must be"),
        ({"loss": "hinge"}, "loss must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(InvalidValue, match=message):
        next_item(**settings).fit(toy.tastes(), run=ONE)


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"name": "genre"}, "Did you mean 'genres'"),
        ({"name": "genres", "embedding_dim": 0}, "embedding_dim must be"),
        ({"name": "genres", "type": "float"}, "type must be int or string for a multi column"),
        ({"name": "item_id", "embedding_dim": 3, "shared": True}, "shared must be off, or embedding_dim 4"),
    ],
)
def test_features_that_cannot_be_are_refused(feature, message):
    with pytest.raises(InvalidValue, match=message):
        next_item(IDS, feature).fit(toy.tastes(), run=ONE)


def test_an_unknown_value_has_a_slot_and_a_small_vocabulary_keeps_the_frequent():
    log = toy.tastes()
    model = next_item(IDS, {"name": "genres", "vocabulary_size": 2}).fit(log, run=ONE)
    assert model._spaces.column("genres").n_codes == 3
    assert np.isfinite(model.score([1], ["i000"])).all()


def test_nan_among_features_is_unknown():
    log = toy.tastes()
    table = log.item_table.with_columns(year=pl.lit(float("nan")))
    data = Dataset(log.interactions, log.users, log.items, table, None, log.item_features, feedback="ratings")
    model = next_item(IDS, {"name": "year", "type": "float"}).fit(data, run=ONE)
    assert np.isfinite(model.score([1], ["i000"])).all()


def test_a_killed_training_goes_on_bit_for_bit(tmp_path):
    def fit(n_epochs, **run):
        model = SASRec(embedding_dim=4, n_blocks=1, **{**SMALL, "n_epochs": n_epochs})
        return model.fit(toy.tastes(), run=Run(n_threads=1, **run))

    whole = fit(2)
    fit(2, checkpoints=tmp_path, checkpoint_every=3)
    for folder in sorted(tmp_path.iterdir())[1:]:
        shutil.rmtree(folder)  # as if killed after the last but one
    again = fit(2, checkpoints=tmp_path, checkpoint_every=3)
    assert all((whole.state()[name] == value).all() for name, value in again.state().items())
    with pytest.raises(ModelFileError, match="same architecture"):
        SASRec(embedding_dim=8, n_blocks=1, **SMALL).fit(
            toy.tastes(), run=Run(n_threads=1, checkpoints=tmp_path)
        )
