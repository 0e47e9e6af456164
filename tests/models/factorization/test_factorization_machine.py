"""FactorizationMachine: it learns, features stand in for the cold, strangers are fitted, time, bad input."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from factor_checks import check_going_on, check_threads_and_seed, dataset

import recsmith
from recsmith import evaluate, random_holdout
from recsmith.data import Feature
from recsmith.data.sources.libfm import read_libfm, write_libfm
from recsmith.errors import Diverged, InvalidValue
from recsmith.models import FactorizationMachine, gigabytes
from recsmith.models.factorization.fm_design import _run_of, _runs
from recsmith.models.factorization.fm_learn import Descent
from recsmith.testing import check_recommender, toy

TASTES = toy.tastes()
SMALL = {"embedding_dim": 4, "n_epochs": 12, "n_burn_in": 3, "n_samples": 5}
LOOSE = {"regularization": 2.0}  # for als: its default is for logs of a hundred thousand
EVERYTHING = {
    "implicit": ["items", "users"],
    "time": ["day", "hour_of_day", "day_of_week", "user_day", "user_run", "user_drift", "item_period"],
    "run_length": 4,
}
KINDS = [
    {},
    {"task": "binary"},
    {"task": "ordinal"},
    {"method": "als"},
    {"method": "als", "task": "ordinal"},
    {"method": "sgd"},
    {"method": "sgd", "task": "binary"},
    EVERYTHING,
    {"user_id": False, "implicit": ["items"], "numbers": "both"},
]


def fm(**settings) -> FactorizationMachine:
    return FactorizationMachine(**{**SMALL, **settings})


@pytest.mark.parametrize("settings", KINDS, ids=str)
def test_contract(settings):
    check_recommender(lambda: fm(**settings))


@pytest.mark.parametrize(
    "settings", [{}, {"task": "ordinal"}, {"method": "als", "task": "binary"}, {"method": "sgd"}]
)
def test_going_on(settings):
    check_going_on(lambda: fm(**settings), TASTES, after=6)


@pytest.mark.parametrize("method", ["gibbs", "sgd"])
def test_threads_and_seed(method):
    check_threads_and_seed(lambda: fm(method=method), TASTES)


# What it learns --------------------------------------------------------------------------------------


def low_rank(noise=0.2, seed=0):
    """Gives a matrix of biases and one factor, with noise; and a fifth of its cells to hold out."""
    rng = np.random.default_rng(seed)
    truth_UI = 3 + rng.normal(0, 0.5, (60, 1)) + rng.normal(0, 0.5, 40)
    truth_UI = truth_UI + rng.normal(0, 0.8, (60, 1)) * rng.normal(0, 0.8, 40)
    return truth_UI, truth_UI + rng.normal(0, noise, truth_UI.shape), rng.random(truth_UI.shape) < 0.2


@pytest.mark.parametrize(
    "settings",
    [
        {"n_epochs": 60},
        {"method": "als", "n_epochs": 30, "regularization": 0.5},
        {"method": "sgd", "n_epochs": 80, "regularization": 0.02},
    ],
    ids=lambda settings: settings.get("method", "gibbs"),
)
def test_it_learns_a_low_rank_matrix(settings):
    truth_UI, seen_UI, held_UI = low_rank()
    model = fm(**{"embedding_dim": 3, "learning_rate": 0.03, **settings})
    model.fit(dataset(np.where(held_UI, np.nan, seen_UI)))
    user, item = np.nonzero(held_UI)
    error = model.predict(user.tolist(), item.tolist()) - truth_UI[held_UI]
    assert np.sqrt((error**2).mean()) < 0.25 * truth_UI.std()
    assert model.learning_curve[-1]["RMSE"] < 0.4 * model.learning_curve[0]["RMSE"]


def test_the_deviation_is_that_of_ratings_around_predictions():
    """With noise of .5 known to be there, nearly all of the deviation is that; 95 % lie within two of it."""
    _, seen_UI, held_UI = low_rank(noise=0.5)
    model = fm(embedding_dim=2, n_epochs=80, n_samples=40).fit(dataset(np.where(held_UI, np.nan, seen_UI)))
    user, item = np.nonzero(held_UI)
    mean, deviation = model.predict_with_deviation(user.tolist(), item.tolist())
    np.testing.assert_array_equal(mean, model.predict(user.tolist(), item.tolist()))
    assert 0.45 < deviation.mean() < 0.75
    within = np.abs(seen_UI[held_UI] - mean) < 2 * deviation
    assert 0.9 < within.mean() < 0.99
    als = fm(embedding_dim=2, method="als", **LOOSE).fit(dataset(np.where(held_UI, np.nan, seen_UI)))
    assert als.predict_with_deviation([0], [0])[1][0] == pytest.approx(
        als.learning_curve[-1]["RMSE"], rel=1e-4
    )


def test_ordinal_recovers_cut_points_and_levels():
    """Stars cut from a hidden number at −1, 0 and 1.5, with unit noise: the cuts come back, and in order."""
    rng = np.random.default_rng(3)
    hidden_UI = rng.normal(0, 1, (80, 1)) + rng.normal(0, 1, 60)
    stars_UI = np.array([1.0, 2.0, 4.0, 5.0])[
        np.searchsorted([-1, 0, 1.5], hidden_UI + rng.normal(0, 1, hidden_UI.shape))
    ]
    for method, n_epochs in (("gibbs", 80), ("als", 40)):
        model = fm(
            task="ordinal", method=method, n_epochs=n_epochs, n_burn_in=20, embedding_dim=1, regularization=1
        )
        model.fit(dataset(stars_UI))
        assert model.level_L.tolist() == [1, 2, 4, 5]
        cuts = model.cut_SC[:, 1:-1].mean(axis=0)
        np.testing.assert_allclose(np.diff(cuts), [1, 1.5], atol=0.15)
        latent = model.score(np.arange(80).tolist())
        assert np.corrcoef(latent.ravel(), hidden_UI.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("method", ["gibbs", "als", "sgd"])
def test_chances_of_likes_are_calibrated(method):
    rng = np.random.default_rng(5)
    logit_UI = rng.normal(0, 1.5, (150, 1)) + rng.normal(0, 1.5, 100)
    liked_UI = (rng.random(logit_UI.shape) < 1 / (1 + np.exp(-logit_UI))).astype(float)
    held_UI = rng.random(liked_UI.shape) < 0.2
    settings = {"task": "binary", "like_from": 1.0, "n_epochs": 60, "n_burn_in": 20, "embedding_dim": 1}
    looser = {"regularization": 0.02 if method == "sgd" else 2.0, "learning_rate": 0.05}
    model = fm(method=method, **settings, **looser).fit(dataset(np.where(held_UI, np.nan, liked_UI)))
    user, item = np.nonzero(held_UI)
    chance = model.predict(user.tolist(), item.tolist())
    assert (chance > 0).all() and (chance < 1).all()
    for low, high in ((0, 0.33), (0.33, 0.67), (0.67, 1)):
        some = (chance >= low) & (chance < high)
        assert chance[some].mean() == pytest.approx(liked_UI[held_UI][some].mean(), abs=0.06)


# Who and what is new ---------------------------------------------------------------------------------


def test_an_item_that_nobody_took_is_told_by_its_features():
    """The last two items of the toy are of genres 2 and 3, and were never taken."""
    model = fm(n_epochs=60, n_burn_in=20, n_samples=20, embedding_dim=6, item_features=["genres"]).fit(TASTES)
    users, cold = TASTES.users.ids.to_list(), TASTES.items.ids.to_list()[-2:]
    score_UI = model.score(users, cold)
    for place, taste in enumerate((2, 3)):
        fans = np.arange(len(users)) % 4 == taste
        above = score_UI[fans, place][:, None] > score_UI[~fans, place][None, :]
        assert above.mean() > 0.95
    blind = fm(item_features=[]).fit(TASTES)
    assert np.isneginf(blind.score(users[:2], cold)).all()  # no evidence
    assert np.isfinite(blind.predict(users[:2], cold)).all()


def with_people():
    """Gives the toy with each person's taste in the user table, and a person of taste 1 without events."""
    table = pl.DataFrame({"user_id": TASTES.users.ids, "club": [f"c{u % 4}" for u in range(TASTES.n_users)]})
    data = replace(TASTES, user_table=table, user_features=(Feature("club", "categorical"),))
    events = data.interactions
    return data.with_interactions(events.select(events.user != 1))


def test_a_person_without_events_is_told_by_their_features():
    model = fm(n_epochs=60, n_burn_in=20, n_samples=20, embedding_dim=6).fit(with_people())
    assert not model.needs_history
    best = model.recommend([TASTES.users.ids[1]], k=5).item_ids[0]
    assert all(int(item[1:]) % 4 == 1 for item in best)
    assert len(model.recommend(["nobody"], k=5).item_ids[0]) == 5
    assert fm().fit(TASTES).needs_history


@pytest.mark.parametrize(
    "settings", [{}, {"task": "ordinal"}, {"method": "als", **LOOSE}, {"implicit": ["items"]}], ids=str
)
def test_a_stranger_is_served_nearly_as_if_known(settings):
    model = fm(n_epochs=60, n_burn_in=20, n_samples=20, **settings).fit(TASTES)
    known = TASTES.histories(np.arange(20))
    hot, warm = model._score(known)[:, :38], model._score(known.as_strangers())[:, :38]
    assert np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(hot, warm, strict=True)]) > 0.97
    assert np.abs(hot - warm).mean() < 0.35 * hot.std()


def test_a_strangers_column_is_the_ridge_solution_of_each_sample():
    model = fm(item_features=[]).fit(TASTES)
    codes, stars = np.array([0, 3, 5, 9]), np.array([5.0, 1.0, 4.0, 2.0])
    mean, deviation = model.level_L
    item = model._design.group("item id").start + np.arange(38)
    expected = np.zeros(38)
    for s in range(5):
        w_I, v_ID = model.parameter_PSK[item, s, 0], model.parameter_PSK[item, s, 1:]
        h = np.hstack([np.ones((4, 1)), v_ID[codes]])
        prior = np.diag(model.prior_precision_SK[s])
        target = (stars - mean) / deviation - model.constant_S[s] - w_I[codes]
        alpha = model.noise_precision_S[s]
        own = np.linalg.solve(alpha * h.T @ h + prior, alpha * h.T @ target + prior @ model.prior_mean_SK[s])
        expected += (model.constant_S[s] + w_I + own[0] + v_ID @ own[1:]) / 5
    history = dict(zip(TASTES.items.decode(codes), stars.tolist(), strict=True))
    np.testing.assert_allclose(model.score(histories=[history])[0][:38], expected, atol=1e-4)


def test_many_strangers_are_fitted_in_parts(monkeypatch):
    model = fm(**EVERYTHING).fit(TASTES)
    strangers = TASTES.histories().as_strangers()
    whole = model._score(strangers)
    monkeypatch.setattr("recsmith.models.factorization.fm_sides._CELLS", 200)
    np.testing.assert_allclose(model._score(strangers), whole, atol=1e-5)


# Time ------------------------------------------------------------------------------------------------


def test_a_prediction_may_be_asked_for_a_time():
    """Ratings rise by a star from the first day to the second: the day's column learns it."""
    rng = np.random.default_rng(0)
    events = TASTES.interactions
    late = rng.random(len(events)) < 0.5
    time = np.where(late, 86_400_000, 0) + np.arange(len(events))
    data = TASTES.with_interactions(replace(events, weight=3 + late.astype(np.float32), time=time))
    model = fm(n_epochs=30, time=["day"]).fit(data)
    days = [datetime(1970, 1, 1, 12, tzinfo=UTC), datetime(1970, 1, 2, 12), datetime(2030, 1, 1)]
    items = TASTES.items.ids.to_list()[:3]
    first, second, far = model.predict([1, 1, 1], items, times=days)
    assert first == pytest.approx(3, abs=0.1) and second == pytest.approx(4, abs=0.1)
    assert far == pytest.approx(4, abs=0.1)  # the nearest day that was seen
    split = random_holdout(data, fraction=0.2, seed=0)
    told = evaluate(fm(n_epochs=30, time=["day"]).fit(split.train), split, metrics=["RMSE"])
    untold = evaluate(fm(n_epochs=30).fit(split.train), split, metrics=["RMSE"])
    assert told["RMSE"].value < 0.2 < untold["RMSE"].value
    assert any("told when" in note for note in told.notes) and not untold.notes
    with pytest.raises(InvalidValue, match="times must be 3 long"):
        model.predict([1, 1, 1], items, times=days[:1])
    with pytest.raises(InvalidValue, match="times must be datetimes"):
        model.predict([1], items[:1], times=[5])


def test_a_mood_of_some_events_is_told_by_the_run():
    """Each user's ratings are 3, 4, 3, 4 …, four of each: nothing but the run tells which."""
    events = TASTES.interactions
    rank_n = np.zeros(len(events), np.int64)
    for user in range(TASTES.n_users):
        theirs = np.flatnonzero(events.user == user)
        rank_n[theirs] = np.random.default_rng(user).permutation(len(theirs))
    time, late = 1000 * rank_n, (rank_n // 4) % 2 == 1
    data = TASTES.with_interactions(replace(events, weight=3 + late.astype(np.float32), time=time))
    model = fm(n_epochs=60, n_burn_in=20, n_samples=20, time=["user_run"], run_length=4).fit(data)
    item = TASTES.items.ids.to_list()[:1]
    when = [datetime.fromtimestamp(second, UTC) for second in (0, 3.5, 4, 7)]
    stars = model.predict([1] * 4, item * 4, times=when)
    np.testing.assert_allclose(stars, [3, 3, 4, 4], atol=0.2)


def test_runs_begin_where_a_plain_count_says():
    drawn = np.random.default_rng(0)
    user_n = drawn.integers(0, 9, 200)
    user_n[user_n == 4] = 5  # somebody without events
    second_n = drawn.integers(0, 40, 200)  # ties: events of one second stay together
    key_n = user_n * 2**32 + second_n
    begins = {}
    for user in range(9):
        times = sorted(second_n[user_n == user].tolist())
        begins[user] = sorted(set(times[::7]))
    found = _runs(key_n, 7)
    assert found.tolist() == [user * 2**32 + second for user in range(9) for second in begins[user]]
    for user in [-1, *range(9)]:
        for second in (0, 5, 11, 39, 1000):
            place = _run_of(found, np.array([user * 2**32 + second]))[0]
            if user in (-1, 4):
                assert place == len(found)
                continue
            begun = [begin for begin in begins[user] if begin <= second] or begins[user][:1]
            assert found[place] == user * 2**32 + begun[-1]


def test_strangers_of_one_day_each_drift_from_their_own_mean_day():
    design = fm(time=["user_drift"]).fit(TASTES)._design
    day = int(design.day_d[-1])
    mean_day_n = np.array([day - 1.0, day - 32.0, day - 1.0])
    [rows] = design.of_moments(np.full(3, -1), mean_day_n, np.full(3, day * 86_400_000))
    drift_n = np.asarray(rows.matrix.sum(axis=1)).ravel()[rows.index_n]
    np.testing.assert_allclose(drift_n, [1, 32**0.4, 1], rtol=1e-6)


def test_a_log_without_times_is_taken():
    data = TASTES.with_interactions(replace(TASTES.interactions, time=None))
    model = fm(time=["day", "user_run", "user_drift"]).fit(data)
    assert np.isfinite(model.predict([1], TASTES.items.ids.to_list()[:1])).all()


# Samples, memory, forgetting -------------------------------------------------------------------------


def test_samples_are_spread_over_the_sweeps_behind_the_burn_in():
    assert FactorizationMachine(n_epochs=20, n_burn_in=8, n_samples=4).config.kept_sweeps.tolist() == [
        8,
        12,
        15,
        19,
    ]
    assert FactorizationMachine(n_epochs=5, n_burn_in=8, n_samples=4).config.kept_sweeps.tolist() == [4]
    assert len(FactorizationMachine(n_epochs=20, n_burn_in=8, n_samples=99).config.kept_sweeps) == 12


def test_a_file_holds_two_bytes_a_number(tmp_path):
    model = fm(n_epochs=40, n_samples=30).fit(TASTES)
    model.save(tmp_path / "model")
    size = (tmp_path / "model" / "arrays.safetensors").stat().st_size
    assert size < 2.6 * model.parameter_PSK.size
    again = recsmith.load(tmp_path / "model")
    np.testing.assert_array_equal(again.parameter_PSK, model.parameter_PSK)


def test_more_samples_than_fit_are_refused_before_they_are_drawn(monkeypatch):
    monkeypatch.setattr(gigabytes, "free_gb", lambda: 1e-6)
    with pytest.raises(
        InvalidValue,
        match=r"FactorizationMachine's memory must be .* Got .* for 5 samples of 5 .*Lower n_samples",
    ):
        fm().fit(TASTES)


def test_a_person_who_is_forgotten_is_in_no_column():
    model = fm(**EVERYTHING).fit(with_people())
    others = TASTES.users.ids.to_list()[10:20]
    user = TASTES.users.ids[5]
    assert model.forget([user]) == 1
    design = model._design
    column = design.group("user id").start + 5
    np.testing.assert_array_equal(model.parameter_PSK[column], model.prior_mean_SK.astype(np.float32))
    for name in ("item taken by", "user_drift"):
        assert not model.parameter_PSK[design.group(name).start + 5].any()
    for name, key_k in (("user_day", design.user_day_k), ("user_run", design.user_run_k)):
        theirs = key_k[key_k >> 32 == 5]
        columns = design.group(name).start + np.flatnonzero(key_k >> 32 == 5)
        assert len(columns) and not model.parameter_PSK[columns].any()
        assert (theirs & 0xFFFFFFFF).tolist() == list(range(len(columns)))
    assert not design.of_items()[:, design.group("item taken by").start + 5].nnz
    assert len(model.recommend(others, k=3)) == 10


def test_similar_items_share_a_genre():
    model = fm(n_epochs=60, n_burn_in=20, n_samples=20, embedding_dim=6).fit(TASTES)
    near = [line.item_id for line in model.similar_items("i004", k=5)]
    assert all(int(item[1:]) % 4 == 0 for item in near)


def test_its_table_says_what_the_blocks_say(tmp_path):
    """ŷ from the written table, by the formula, is ŷ of the pairs; the groups are all columns."""
    model = fm(**EVERYTHING).fit(TASTES)
    write_libfm(tmp_path / "train.libfm", model.table(TASTES))
    table = read_libfm(tmp_path / "train.libfm", n_features=model.parameter_PSK.shape[0])
    events = TASTES.interactions
    np.testing.assert_array_equal(table.target_N, events.weight)
    parts = model._fitted(TASTES.histories(), events.user, events.item, events.time)
    fitted_NS = np.concatenate(list(parts))
    x_NP = table.features.toarray().astype(float)
    w_P, v_PD = model.parameter_PSK[:, 2, 0].astype(float), model.parameter_PSK[:, 2, 1:].astype(float)
    by_hand_N = x_NP @ w_P + 0.5 * ((x_NP @ v_PD) ** 2 - x_NP**2 @ v_PD**2).sum(axis=1)
    np.testing.assert_allclose(fitted_NS[:, 2], by_hand_N + model.constant_S[2], atol=1e-4)
    spans = list(model.column_groups.values())
    assert [start for start, _ in spans] == [0, *(stop for _, stop in spans[:-1])]
    assert spans[-1][1] == table.features.shape[1]
    with pytest.raises(InvalidValue, match="data must be the people and items"):
        model.table(toy.checkerboard())


# Bad input -------------------------------------------------------------------------------------------


def test_descent_that_diverges_names_the_step_and_keeps_the_last_good_state(monkeypatch):
    good = fm(method="sgd", n_epochs=2, learning_rate=0.05).fit(TASTES)
    model = fm(method="sgd", n_epochs=9, learning_rate=0.05)
    epoch_of = Descent.epoch

    def rises(self, draws, epoch, settings):
        rate = 0.05 if epoch < 2 else 500.0
        return epoch_of(self, draws, epoch, settings.model_copy(update={"learning_rate": rate}))

    monkeypatch.setattr(Descent, "epoch", rises)
    with pytest.raises(
        Diverged,
        match=r"at step [\d,]+ \(epoch 3, step \d+ of \d+\)\. Lower learning_rate \(now 500\).*after epoch 2",
    ):
        model.fit(TASTES)
    np.testing.assert_array_equal(model.parameter_PSK, good.parameter_PSK)
    users = TASTES.users.ids.to_list()[:5]
    assert model.recommend(users, k=5) == good.recommend(users, k=5)
    items = TASTES.items.ids.to_list()[:5]
    np.testing.assert_array_equal(model.predict(users, items), good.predict(users, items))


def test_descent_that_diverges_at_once_says_so():
    with pytest.raises(Diverged, match=r"at step \d+ \(epoch 1, .*Nothing was learnt before"):
        fm(method="sgd", learning_rate=100.0).fit(TASTES)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"item_features": ["genre"]},
            r"item_features must be columns .* Got 'genre'. Did you mean 'genres'",
        ),
        (
            {"user_features": ["age"]},
            r"user_features must be columns of the user table. Got 'age'. There are: ",
        ),
        (
            {"item_features": [], "item_id": False},
            r"the item must be given a column. Got none. Set item_id = true",
        ),
        (
            {"user_id": False},
            r"the user must be given a column. Got none. Set user_id = true, or name user_features",
        ),
        ({"task": "ordinal", "method": "sgd"}, r'method must be "gibbs" or "als"'),
        (
            {"task": "binary", "like_from": 9.0},
            r"data must be of likes and dislikes.*Got weights from 1 to 5",
        ),
        ({"dislike_to": 4.0}, "dislike_to must be below like_from"),
        ({"time": ["noon"]}, r"FactorizationMachine.time.0 must be 'day'"),
        ({"n_samples": 0}, "n_samples must be greater than or equal to 1"),
    ],
)
def test_settings_and_features_that_do_not_fit_are_refused(settings, said):
    with pytest.raises(InvalidValue, match=said):
        fm(**settings).fit(TASTES)


def test_a_feature_of_the_wrong_kind_is_refused():
    for cells in (["x", None] * 20, [["a"], ["b"]] * 20):
        data = replace(TASTES, item_table=TASTES.item_table.with_columns(year=pl.Series(cells)))
        with pytest.raises(
            InvalidValue,
            match=r"item_features must be of their kind, here number. Got year, .* Declare year cat",
        ):
            fm(item_features=["year"]).fit(data)
    empty = replace(TASTES, item_table=TASTES.item_table.with_columns(year=pl.lit(None, pl.Float64)))
    assert np.isfinite(fm().fit(empty).score([1])[0, :38]).all()


def test_too_many_levels_are_no_stars():
    events = TASTES.interactions
    data = TASTES.with_interactions(replace(events, weight=np.arange(len(events), dtype=np.float32)))
    with pytest.raises(InvalidValue, match=r'2 to 32 distinct weights.*Take task = "rating"'):
        fm(task="ordinal").fit(data)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
def test_one_user_or_one_item(shape):
    model = fm(n_epochs=3).fit(dataset(np.full(shape, 4.0)))
    assert model.predict([0], [0])[0] == pytest.approx(4, abs=0.1)
