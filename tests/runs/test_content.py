"""What a report shows, made from data and models whose answers are known."""

import numpy as np
import pytest

from recsmith.data import leave_last_out
from recsmith.models import IALS, ItemKNN, Popular
from recsmith.runs import content
from recsmith.runs.crosstab import crosstab, make_crosstab
from recsmith.runs.lists import Advisor
from recsmith.testing.toy import FOUR_PEOPLE, checkerboard, ratings, tastes


def test_a_profile_counts():
    about = content.profile(tastes())
    assert about.n_users == 60
    assert about.n_items == 40
    assert about.item_counts.sum() == about.n_interactions == about.user_counts.sum()
    assert sum(about.weights.values()) == about.n_interactions
    assert sum(about.months.values()) == about.n_interactions
    assert about.first < about.last


def test_a_log_without_ratings_or_times_has_no_chart_of_them():
    data = checkerboard(6)
    events = data.interactions
    plain = data.with_interactions(type(events)(events.user, events.item, events.weight, None))
    about = content.profile(plain)
    assert about.weights is None
    assert about.months is None
    assert about.first is None


def test_the_cross_table_shows_what_was_given_and_what_a_model_expects():
    data = ratings(FOUR_PEOPLE)
    table = crosstab(data, n=3)
    assert table.user_ids == ["A", "C", "D"]  # three events each; B has two
    assert table.titles == ("m4", "m1", "m2")  # taken by three, two, two
    given = {
        (user, item): weight
        for user, row in zip(table.user_ids, table.actual, strict=True)
        for item, weight in zip(table.titles, row, strict=True)
    }
    for (user, item), weight in given.items():
        assert weight == FOUR_PEOPLE[user][item] if item in FOUR_PEOPLE[user] else np.isnan(weight)
    full = make_crosstab(data, n=3, n_factors=2)
    assert full.predicted is not None
    assert full.user_factors.shape == (3, 2)
    again = full.mean + full.user_bias[:, None] + full.item_bias + full.user_factors @ full.item_factors.T
    assert full.predicted == pytest.approx(np.clip(again, 1, 5), abs=1e-4)


def test_the_item_map_puts_a_genre_together():
    data = tastes()
    layout = content.item_map(IALS(embedding_dim=8).fit(data)).items
    assert len(layout) == 38  # the two that nobody took have no place
    assert set(layout["group"]) == {"g0", "g1", "g2", "g3"}
    points = layout.select("x", "y").to_numpy()
    groups = layout["group"].to_numpy()
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    same = groups[:, None] == groups
    assert apart[same].mean() < 0.5 * apart[~same].mean()


def test_a_person_has_reasons_and_hits():
    data = tastes()
    split = leave_last_out(data, n=3)
    advisor = Advisor(ItemKNN().fit(split.train))
    person = content.person(advisor, "User 1", user_id=1, split=split)
    assert len(person.picks) == 10
    assert person.n_history == len(advisor.history(1))
    weights = [liked.weight for liked in person.liked]
    assert weights == sorted(weights, reverse=True)
    liked_titles = {advisor.titles.title(item) for item in advisor.history(1)}
    assert {reason.title for pick in person.picks for reason in pick.because} <= liked_titles
    held = set(split.test.item[split.test.user == 0].tolist())
    titles = {data.titles()[code] for code in held}
    assert {pick.title for pick in person.picks if pick.hit} == titles & {pick.title for pick in person.picks}


def test_a_stranger_is_shown_what_they_named():
    advisor = Advisor(Popular().fit(tastes()))
    person = content.person(advisor, "Someone new", likes=["i001"])
    assert person.is_new
    assert [liked.title for liked in person.liked] == ["Film 1 of genre 1"]
    assert all(not pick.because for pick in person.picks)


def test_crosses_of_features_are_found_in_a_stage_of_a_pipeline():
    pytest.importorskip("torch", reason="the neural extra is not installed")
    from recsmith.models import DCN, Pipeline

    ranker = {
        "class": "DCN",
        "embedding_dim": 2,
        "deep_dims": (2,),
        "n_epochs": 1,
        "context": ("hour_of_day",),
    }
    two = Pipeline(retriever={"class": "Popular"}, ranker=ranker).fit(tastes())
    found = content.crosses(two)
    assert found.model == "DCN"
    assert found.names[:3] == ["user id", "request hour of day", "item id"]
    assert found.weights.shape == (len(found.names), len(found.names))
    alone = DCN(**{name: value for name, value in ranker.items() if name != "class"}).fit(tastes())
    np.testing.assert_array_equal(found.weights, content.crosses(alone).weights)
    ranker["version"] = "v1"
    assert content.crosses(Pipeline(retriever={"class": "Popular"}, ranker=ranker).fit(tastes())) is None
    assert (
        content.crosses(Pipeline(retriever={"class": "IALS"}, ranker={"class": "Popular"}).fit(tastes()))
        is None
    )
