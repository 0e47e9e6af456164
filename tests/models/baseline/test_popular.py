"""Popular: counts by hand, windows, decay, and the contract."""

from __future__ import annotations

import numpy as np
import pytest

from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.errors import InvalidValue
from recsmith.models import Popular
from recsmith.testing import check_recommender

DAY = 86_400_000


def log(*, with_times: bool = True) -> Dataset:
    """Item a: three old events; b: two of last week; c: one of today, with weight 5; d: nobody's."""
    item = np.array([0, 0, 0, 1, 1, 2])
    user = np.array([0, 1, 2, 0, 1, 2])
    day = np.array([0, 1, 2, 94, 95, 100])
    weight = np.array([1, 1, 1, 2, 2, 5])
    events = Interactions.from_arrays(user, item, weight, day * DAY if with_times else None)
    return Dataset(events, Vocabulary(["u", "v", "w"]), Vocabulary(["a", "b", "c", "d"]))


def order(model: Popular) -> tuple[str, ...]:
    return model.recommend(["nobody"], k=10).item_ids[0]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ("a", "b", "c")),
        ({"count": "weights"}, ("c", "b", "a")),
        ({"window_days": 10}, ("b", "c")),
        ({"window_days": 0.5}, ("c",)),
        ({"half_life_days": 1}, ("c", "b", "a")),
        ({"half_life_days": 10_000}, ("a", "b", "c")),
    ],
)
def test_order(settings, expected):
    assert order(Popular(**settings).fit(log())) == expected


def test_decay_is_half_for_each_half_life():
    model = Popular(half_life_days=5).fit(log())
    scores = model.score(["u"], ["a", "b", "c"])[0]
    assert scores == pytest.approx([2**-20 + 2**-19.8 + 2**-19.6, 2**-1.2 + 2**-1, 1.0])


def test_seen_items_are_left_out_and_items_nobody_took_are_not_popular():
    lists = Popular().fit(log()).recommend(["u", "w"], k=10)
    assert lists.item_ids == (("c",), ("b",))
    assert Popular().fit(log()).score(["u"], ["d"])[0, 0] == -np.inf


@pytest.mark.parametrize("setting", ["window_days", "half_life_days"])
def test_a_log_without_times_has_no_window(setting):
    with pytest.raises(
        InvalidValue, match=rf"Popular\.{setting} must be left out for a log without times\. Got 7"
    ):
        Popular(**{setting: 7}).fit(log(with_times=False))


def test_one_user_and_one_item():
    events = Interactions.from_arrays(np.array([0]), np.array([0]))
    model = Popular().fit(Dataset(events, Vocabulary(["u"]), Vocabulary(["a"])))
    assert model.recommend(["u"]).item_ids == ((),)
    assert order(model) == ("a",)


@pytest.mark.parametrize("settings", [{}, {"half_life_days": 3.0, "window_days": 30.0, "count": "weights"}])
def test_contract(settings):
    check_recommender(lambda: Popular(**settings))


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_wrong_settings(value):
    with pytest.raises(InvalidValue, match=r"Popular\.window_days must be"):
        Popular(window_days=value)
