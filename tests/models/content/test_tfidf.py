"""TfIdfContent: cosines by hand, items nobody rated, profiles, reasons, and the contract."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from recsmith.data import Dataset, Feature, Histories, Interactions, Vocabulary
from recsmith.errors import InvalidValue
from recsmith.models import TfIdfContent
from recsmith.models.content.tfidf import event_weights
from recsmith.testing import check_recommender, toy

ITEMS = ["alien", "aliens", "amelie", "casablanca", "new scifi", "blank"]
GENRES = [["scifi", "horror"], ["scifi", "action"], ["romance"], ["romance", "war"], ["scifi"], []]


def films() -> Dataset:
    """Ann likes science fiction and not romance; nobody has rated "new scifi" or "blank"."""
    events = Interactions.from_arrays(
        np.array([0, 0, 1, 1]), np.array([0, 2, 2, 3]), np.array([5.0, 2.0, 4.0, 4.0])
    )
    table = pl.DataFrame(
        {"item_id": ITEMS, "genres": GENRES, "country": ["us", "us", "fr", "us", "de", None]}
    )
    return Dataset(
        events,
        Vocabulary(["ann", "bob"]),
        Vocabulary(ITEMS),
        item_table=table,
        item_features=(Feature("genres", "multi"), Feature("country", "categorical")),
        feedback="ratings",
    )


def test_scores_are_cosines_of_tfidf_vectors():
    model = TfIdfContent(features=("genres",), profile="weight").fit(films())
    genres = sorted({genre for row in GENRES for genre in row})
    n_with = np.array([sum(genre in row for row in GENRES) for genre in genres])
    idf = np.log((1 + 6) / (1 + n_with)) + 1
    vectors = np.array([[idf[i] * (genre in row) for i, genre in enumerate(genres)] for row in GENRES])
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(length > 0, length, 1)
    profile = 5 * vectors[0] + 2 * vectors[2]
    expected = vectors @ (profile / np.linalg.norm(profile))
    scores = model.score(["ann"])[0]
    assert scores[:5] == pytest.approx(expected[:5], abs=1e-6)
    assert scores[5] == -np.inf  # no metadata, no evidence


def test_items_that_nobody_rated_are_recommended():
    model = TfIdfContent(features=("genres",), profile="centred").fit(films())
    assert model.recommend(["ann"], k=2).item_ids[0] == ("new scifi", "aliens")


def test_what_a_person_likes_less_pulls_away_only_when_centred():
    casablanca = {
        profile: TfIdfContent(features=("genres",), profile=profile)
        .fit(films())
        .score(["ann"], ["casablanca"])[0, 0]
        for profile in ("centred", "weight", "binary")
    }
    assert casablanca["centred"] < 0 < casablanca["weight"] < casablanca["binary"]


def test_event_weights():
    histories = Histories(
        np.array([0, 2, 4, 4, 5]), np.zeros(5, np.int32), np.array([5, 2, 4, 4, 3], np.float32), np.arange(4)
    )
    assert event_weights(histories, "centred").tolist() == [1.5, -1.5, 1, 1, 1]
    assert event_weights(histories, "weight").tolist() == [5, 2, 4, 4, 3]
    assert event_weights(histories, "binary").tolist() == [1] * 5


def test_features_can_be_chosen_and_weighted():
    both = TfIdfContent().fit(films())
    assert [line.item_id for line in both.similar_items("alien", k=2)] == ["aliens", "new scifi"]
    by_country = TfIdfContent(feature_weights={"genres": 0}).fit(films())
    assert [line.item_id for line in by_country.similar_items("alien")] == ["aliens", "casablanca"]
    heavy = TfIdfContent(feature_weights={"country": 100}).fit(films())
    assert heavy.similar_items("alien")[0].score == pytest.approx(1, abs=1e-3)


def test_rare_tokens_can_be_left_out():
    model = TfIdfContent(features=("genres",), min_items=2).fit(films())
    assert model.vector_IT.shape[1] == 2  # scifi and romance


@pytest.mark.parametrize("profile", ["centred", "weight", "binary"])
def test_reasons_add_up_to_the_score(profile):
    model = TfIdfContent(profile=profile).fit(films())
    for item in ITEMS[:5]:
        told = model.explain("ann", item)
        assert told.score == pytest.approx(model.score(["ann"], [item])[0, 0], abs=1e-6)


def test_known_and_new_people_with_the_same_history_get_the_same_scores():
    model = TfIdfContent().fit(films())
    stranger = model.score(histories=[{"alien": 5.0, "amelie": 2.0}])
    np.testing.assert_array_equal(model.score(["ann"]), stranger)


def test_weights_of_zero():
    model = TfIdfContent(profile="weight").fit(films())
    assert model.recommend(histories=[{"alien": 0.0}]).item_ids == ((),)


def test_data_without_metadata_is_refused():
    bare = replace(films(), item_table=None, item_features=())
    with pytest.raises(InvalidValue, match=r"data\.item_features must be at least one feature"):
        TfIdfContent().fit(bare)


def test_a_feature_that_is_not_there():
    for settings in ({"features": ("genre",)}, {"feature_weights": {"genre": 2.0}}):
        with pytest.raises(InvalidValue, match="genres, country.*Got 'genre'. Did you mean 'genres'?"):
            TfIdfContent(**settings).fit(films())


@pytest.mark.parametrize("profile", ["centred", "weight", "binary"])
def test_contract(profile):
    check_recommender(lambda: TfIdfContent(profile=profile))


def test_contract_with_text():
    data = toy.tastes()
    with_text = replace(data, item_features=(*data.item_features, Feature("title", "text")))
    check_recommender(lambda: TfIdfContent(min_items=2, feature_weights={"year": 0.3}), with_text)
