"""The contract every recommender must pass; shipped, so that models outside the house are held to it too."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from recsmith.config import Run
from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.errors import InvalidValue, NotFitted, UnknownId
from recsmith.models import load
from recsmith.models.base import Recommender
from recsmith.models.capabilities import (
    Explains,
    HasVectors,
    PartialFit,
    PredictsRatings,
    SimilarItems,
)
from recsmith.testing import toy
from recsmith.types import Id, Recommendations

Make = Callable[[], Recommender]


def check_recommender(
    make: Make, data: Dataset | None = None, *, tolerance: float = 1e-4, same_bits: bool = True
) -> None:
    """Asserts the whole contract for the models that `make` returns.

    `same_bits` False is for networks whose sums torch cuts by the number of threads: with another number,
    scores are then the same within `tolerance` only.

    `tolerance` is how far scores may differ between one by one and batch, relative to their spread.
    Raises AssertionError that names the broken promise.
    """
    log = data or toy.tastes()
    _not_fitted(make())
    model = make().fit(log, run=Run(n_threads=1))
    users = log.users.ids.to_list()[:12]
    lists = model.recommend(users, k=5)
    _shape(model, log, lists, users)
    _excludes_seen(model, log, lists)
    _ties_go_by_code(model, log)
    _batch_equals_one_by_one(model, lists, users, tolerance)
    _threads_and_seed_are_no_matter(make, log, lists, None if same_bits else tolerance)
    _scores_agree(model, lists, tolerance)
    _strangers(model, log)
    _unknown_policies(model, users)
    _candidates(model, log, users)
    _wrong_calls(model, users)
    _survives_saving(model, lists, users)
    if isinstance(model, SimilarItems):
        _similar(model, log)
    if isinstance(model, Explains):
        _explains(model, log, users, tolerance)
    if isinstance(model, PredictsRatings):
        _predicts(model, log, users)
    if isinstance(model, HasVectors):
        _vectors(model, log, users)
    if isinstance(model, PartialFit):
        _goes_on_learning(model, log, users)


def _not_fitted(model: Recommender) -> None:
    _raises(NotFitted, lambda: model.recommend([1]), "a model that was not fitted says so")


def _shape(model: Recommender, log: Dataset, lists: Recommendations, users: list[Id]) -> None:
    assert list(lists.user_ids) == users, "a list for each user, in the order asked"
    for items, scores in zip(lists.item_ids, lists.scores, strict=True):
        assert 0 < len(items) <= 5, "at least one item and never more than k"
        assert len(set(items)) == len(items), "no item twice in a list"
        assert np.isfinite(scores).all(), "scores are finite"
        assert list(scores) == sorted(scores, reverse=True), "best first"
        assert (log.items.encode(items) >= 0).all(), "only items of the catalogue"
    frame = lists.to_frame()
    assert frame.columns == ["user_id", "item_id", "score", "rank"], "to_frame has its four columns"
    deep = model.recommend(users[:2], k=log.n_items + 10, exclude_seen=False)
    assert all(len(items) <= log.n_items for items in deep.item_ids), (
        "k above the catalogue gives a short list"
    )


def _excludes_seen(model: Recommender, log: Dataset, lists: Recommendations) -> None:
    for user, items in zip(lists.user_ids, lists.item_ids, strict=True):
        row = log.histories(log.users.encode([user]))
        assert not set(items) & set(log.items.decode(row.item)), "seen items do not come back"


def _ties_go_by_code(model: Recommender, log: Dataset) -> None:
    lists = model.recommend(log.users.ids.to_list(), k=log.n_items)
    for items, scores in zip(lists.item_ids, lists.scores, strict=True):
        codes = log.items.encode(items)
        for place in range(1, len(items)):
            if scores[place] == scores[place - 1]:
                assert codes[place] > codes[place - 1], "equal scores go by item code"


def _batch_equals_one_by_one(
    model: Recommender, lists: Recommendations, users: list[Id], tolerance: float
) -> None:
    for place, user in enumerate(users):
        alone = model.recommend([user], k=5)
        assert _near(alone.scores[0], lists.scores[place], tolerance), "one by one gives the batch's scores"
        assert _same_items(alone, 0, lists, place, tolerance), "one by one gives the batch's items"


def _threads_and_seed_are_no_matter(
    make: Make, log: Dataset, lists: Recommendations, tolerance: float | None
) -> None:
    again = make().fit(log, run=Run(n_threads=2)).recommend(lists.user_ids, k=5, run=Run(n_threads=2))
    if tolerance is None:
        assert again == lists, "the same seed gives the same lists, whatever the threads"
        return
    for row in range(len(lists)):
        assert _near(again.scores[row], lists.scores[row], tolerance) and _same_items(
            again, row, lists, row, tolerance
        ), "the same seed gives the same lists within rounding, whatever the threads"


def _scores_agree(model: Recommender, lists: Recommendations, tolerance: float) -> None:
    for user, items, scores in zip(lists.user_ids, lists.item_ids, lists.scores, strict=True):
        assert _near(model.score([user], items)[0], scores, tolerance), "score() agrees with recommend()"


def _strangers(model: Recommender, log: Dataset) -> None:
    """Warm: a person the model never saw gets a list from a history, ids spelt either way."""
    row = log.histories(np.array([0]))
    history = log.items.decode(row.item)
    lists = model.recommend(histories=[history, history[:1], [*history, "no-such-item"]], k=5)
    assert len(lists) == 3 and all(0 < len(items) <= 5 for items in lists.item_ids), "strangers are served"
    assert not set(lists.item_ids[0]) & set(history), "a stranger's items do not come back"
    assert lists.item_ids[0] == lists.item_ids[2], "unknown ids in a history are passed over"
    weighted = model.recommend(histories=[dict(zip(history, row.weight.tolist(), strict=True))], k=5)
    assert 0 < len(weighted.item_ids[0]) <= 5, "a history with weights is served"


def _unknown_policies(model: Recommender, users: list[Id]) -> None:
    if model.needs_history:
        _raises(
            UnknownId, lambda: model.recommend(["no-such-user"]), "an unknown user is an error by default"
        )
        _raises(UnknownId, lambda: model.recommend(histories=[[]]), "an empty history is an error by default")
        assert len(model.recommend([users[0], "no-such-user"], unknown="skip")) == 1, "skip leaves them out"
    popular = model.recommend(["no-such-user"], k=3, unknown="popular")
    assert len(popular.item_ids[0]) == 3, "popular serves a person of whom nothing is known"
    assert len(model.recommend(histories=[[]], k=3, unknown="popular").item_ids[0]) == 3, "so for no history"


def _candidates(model: Recommender, log: Dataset, users: list[Id]) -> None:
    some = log.items.ids.to_list()[:10]
    lists = model.recommend(users, k=20, candidates=some, exclude_seen=False)
    assert all(set(items) <= set(some) for items in lists.item_ids), "only candidates come back"
    _raises(
        UnknownId, lambda: model.recommend(users, candidates=["no-such-item"]), "a candidate must be known"
    )


def _wrong_calls(model: Recommender, users: list[Id]) -> None:
    for k in (0, -1, True, 2.5):
        _raises(InvalidValue, lambda k=k: model.recommend(users, k=k), f"k = {k} is refused")  # type: ignore[misc]
    _raises(InvalidValue, lambda: model.recommend(), "neither users nor histories is refused")
    _raises(InvalidValue, lambda: model.recommend("42"), "a bare string is not a list of users")
    _raises(InvalidValue, lambda: type(model)(no_such_setting=1), "an unknown setting is refused")


def _survives_saving(model: Recommender, lists: Recommendations, users: list[Id]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        model.save(path)
        model.save(path)  # over itself
        names = {file.suffix for file in path.iterdir()}
        assert names <= {".json", ".parquet", ".safetensors"}, "no other file kinds, no pickle"
        assert [file.name for file in Path(folder).iterdir()] == ["model"], "nothing is left beside it"
        again = load(path, model_class=type(model))
        assert again.config == model.config, "settings survive saving"
        assert again.recommend(users, k=5) == lists, "saving and loading changes nothing"
        assert set(again.state()) == set(model.state()), "all state is saved"


def _similar(model: SimilarItems, log: Dataset) -> None:
    item = model.recommend(log.users.ids.to_list()[:1], k=1).item_ids[0][0]
    found = model.similar_items(item, k=4)
    assert 0 < len(found) <= 4 and item not in [line.item_id for line in found], (
        "similar items leave the item out"
    )
    assert [line.score for line in found] == sorted((line.score for line in found), reverse=True), (
        "best first"
    )
    _raises(UnknownId, lambda: model.similar_items("no-such-item"), "an unknown item is an error")


def _explains(model: Explains, log: Dataset, users: list[Id], tolerance: float) -> None:
    """Reasons are items of the history, and they add up to the score of that history."""
    history = dict(
        zip(
            log.items.decode(log.histories(np.array([0])).item),
            log.histories(np.array([0])).weight.tolist(),
            strict=True,
        )
    )
    lists = model.recommend(histories=[history], k=3)
    told = model.explain_list(None, lists.item_ids[0], history=history, k=100)
    for explanation, score in zip(told, lists.scores[0], strict=True):
        assert {reason.item_id for reason in explanation.because} <= set(history), (
            "reasons are the person's items"
        )
        total = explanation.base + explanation.rest + sum(reason.weight for reason in explanation.because)
        assert abs(total - explanation.score) <= 1e-6 * max(1.0, abs(total)), "the parts add up"
        assert abs(total - score) <= 10 * tolerance * max(1.0, abs(score)), "to the score that was given"
    assert model.explain(users[0], lists.item_ids[0][0], k=2).because is not None, "a known user is explained"


def _predicts(model: PredictsRatings, log: Dataset, users: list[Id]) -> None:
    items = log.items.ids.to_list()[-len(users) :]
    assert np.isfinite(model.predict(users, items)).all(), "a prediction is a number, also for a cold item"
    cold = model.predict(["no-such-user"], items[:1])
    assert np.isfinite(cold).all(), "a prediction is a number, also for a cold user"


def _vectors(model: HasVectors, log: Dataset, users: list[Id]) -> None:
    item_ID, user_BD = model.item_vectors(), model.user_vectors(users)
    assert item_ID.shape == (log.n_items, user_BD.shape[1]) and user_BD.shape[0] == len(users), (
        "[I, D] and [B, D]"
    )
    assert np.isfinite(item_ID).all() and np.isfinite(user_BD).all(), "vectors are finite"


def _goes_on_learning(model: PartialFit, log: Dataset, users: list[Id]) -> None:
    """New events teach: whom they are about is known from then on; nobody and nothing known is lost."""
    new_user, new_item = ("new", "new-item")
    if log.users.is_integer:
        new_user = 10**9  # type: ignore[assignment]
    if log.items.is_integer:
        new_item = 10**9  # type: ignore[assignment]
    old_items = log.items.ids.to_list()
    item_ids = [new_item, *old_items[:3]]
    items, people = Vocabulary(item_ids), Vocabulary([users[0], new_user])
    time = log.interactions.time
    later = None if time is None else np.arange(4, dtype=np.int64) + int(time.max()) + 1
    weight = np.full(4, model.memory.liked_weight, np.float32)
    events = Interactions.from_arrays(
        people.encode([new_user, new_user, new_user, users[0]]),
        items.encode([old_items[0], old_items[1], new_item, new_item]),
        weight,
        later,
    )
    before = model.memory
    model.partial_fit(Dataset(events, people, items, feedback=log.feedback), run=Run(n_threads=1))
    after = model.memory
    assert after.items.ids[: len(before.items)].equals(before.items.ids), "old items keep their codes"
    assert after.users.ids[: len(before.users)].equals(before.users.ids), "old users keep their codes"
    lists = model.recommend([new_user, *users], k=5)
    assert all(0 < len(found) <= 5 for found in lists.item_ids), "new and old people are served"
    assert not {old_items[0], old_items[1], new_item} & set(lists.item_ids[0]), "new events count as seen"
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model")
        again = load(Path(folder) / "model", model_class=type(model))
        assert again.recommend([new_user, *users], k=5) == lists, "a grown model survives saving"


def _near(a: object, b: object, tolerance: float) -> bool:
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return x.shape == y.shape and bool(
        (np.abs(x - y) <= tolerance * max(1.0, float(np.abs(y).max(initial=0)))).all()
    )


def _same_items(a: Recommendations, i: int, b: Recommendations, j: int, tolerance: float) -> bool:
    """Equal lists, but for swaps of items whose scores are as near as rounding."""
    swapped = [x for x, y in zip(a.item_ids[i], b.item_ids[j], strict=True) if x != y]
    scores = dict(zip(a.item_ids[i], a.scores[i], strict=True))
    values = [scores[x] for x in swapped]
    return not values or max(values) - min(values) <= tolerance * max(1.0, max(map(abs, values)))


def _raises(kind: type[Exception], call: Callable[[], object], promise: str) -> None:
    try:
        call()
    except kind:
        return
    raise AssertionError(f"{promise}: {kind.__name__} was not raised")
