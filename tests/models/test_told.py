"""What a request tells of a stranger, their features and when they ask, reaches the models that read it."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from recsmith.data import Feature
from recsmith.errors import InvalidValue, UnknownId
from recsmith.models import IALS, FactorizationMachine, load
from recsmith.testing import toy

TOLD = {"club": "club 2", "age": 40.0, "hobbies": ["h2", "both"]}
NAMES = ("club", "age", "hobbies")


def with_people(data):
    """Returns the toy data with a table of people that says which genre each likes."""
    genre = [int(user) % 4 for user in data.users.ids.to_list()]
    table = pl.DataFrame(
        {
            "user_id": data.users.ids,
            "club": [f"club {g}" for g in genre],
            "age": [20.0 + 10 * g for g in genre],
            "hobbies": [[f"h{g}", "both"] for g in genre],
        }
    )
    kinds = (Feature("club", "categorical"), Feature("age", "number"), Feature("hobbies", "multi"))
    return replace(data, user_table=table, user_features=kinds)


DATA = with_people(toy.tastes(n_users=80))


def neural(name, **settings):
    pytest.importorskip("torch", reason="the neural extra is not installed")
    from recsmith import models

    return getattr(models, name)(n_epochs=20, batch_size=64, learning_rate=0.02, **settings)


def person(*names, **more):
    return [{"features": [{"name": n, "type": "float" if n == "age" else "string"} for n in names], **more}]


MAKES = {
    "FactorizationMachine": lambda: FactorizationMachine(embedding_dim=8, n_epochs=10),
    "TwoTower": lambda: neural("TwoTower", embedding_dim=8, output_dim=8),
    "TwoTower without histories": lambda: neural("TwoTower", embedding_dim=8, history_length=0),
    "MultiTask": lambda: neural("MultiTask", embedding_dim=8, output_dim=8),
    "DCN": lambda: neural("DCN", embedding_dim=8, id_dropout=0.3),
    "NextItem": lambda: neural(
        "NextItem", activity_groups=person("item_id", encoder="gru"), global_groups=person(*NAMES)
    ),
    "NextItem, transformer": lambda: neural(
        "NextItem", activity_groups=person("item_id", encoder="transformer"), global_groups=person(*NAMES)
    ),
    "NextItem, words": lambda: neural(
        "NextItem", activity_groups=person("item_id", encoder="cnn"), global_groups=person("hobbies", "club")
    ),
}


@pytest.fixture(scope="module", params=list(MAKES))
def model(request):
    return MAKES[request.param]().fit(DATA)


def test_somebody_told_of_needs_no_history(model):
    told = [{name: TOLD[name] for name in model.person_features}, {"club": "club 1"}]
    lists = model.recommend(histories=[[], []], features=told, k=5)
    assert [len(items) for items in lists.item_ids] == [5, 5]
    assert np.isfinite(lists.scores).all()
    assert lists.item_ids[0] != lists.item_ids[1]
    alone = model.recommend(histories=[[]], features=told[:1], k=5)
    assert alone.item_ids[0] == lists.item_ids[0]
    assert alone.scores[0] == pytest.approx(lists.scores[0], abs=1e-5)


def test_it_is_read_as_training_read_it(model, tmp_path):
    """What is told of a stranger scores as it does of a person of training who enters as a stranger."""
    row = model.memory.of_users([2])[0]
    known_of = DATA.user_table.row(int(row.user[0]), named=True)
    told = {name: known_of[name] for name in model.person_features}
    stranger = model.telling(row.as_strangers(), features=[told])
    items = np.arange(10)[None, :]
    scored = model.score_codes(stranger, items)
    # A person of training who is told of is read as told: their id counts, the features are the same.
    known = model.score_codes(row, items)
    same = model.score_codes(model.telling(row, features=[told]), items)
    assert same == pytest.approx(known, abs=1e-5)
    blind = model.score_codes(row.as_strangers(), items)
    assert np.abs(scored - blind).max() > 1e-4
    model.save(tmp_path / "m")
    assert load(tmp_path / "m").score_codes(stranger, items) == pytest.approx(scored, abs=1e-5)


def test_nothing_told_changes_nothing(model):
    history = [["i000", "i004"], ["i001"]]
    plain = model.recommend(histories=history, k=5)
    assert model.recommend(histories=history, features=[{}, {}], k=5) == plain
    assert (
        model.recommend(histories=history, features=[{"club": "club 3"}, {}], k=5).item_ids[1]
        == (plain.item_ids[1])
    )
    if model.needs_history:
        with pytest.raises(UnknownId, match="no known item"):
            model.recommend(histories=[[]], features=[{}])


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (
            [{"clob": "x"}],
            "must be what FactorizationMachine reads of people. Got 'clob'. Did you mean 'club'",
        ),
        ([{"zzz": 1}], "There are: club, age, hobbies."),
        ([{"age": "old"}], "features.age must be a finite number. Got 'old'."),
        ([{"age": True}], "features.age must be a finite number. Got True."),
        ([{"age": float("nan")}], "features.age must be a finite number. Got nan."),
        ([{"club": 1.5}], "features.club must be a text or a whole number. Got 1.5."),
        ([{"hobbies": "h1"}], "features.hobbies must be a list of texts or whole numbers. Got 'h1'."),
        ([{"hobbies": [["h1"]]}], "features.hobbies must be a list"),
        ([{"club": "a"}, {}], "features must be 1 long, one a person. Got 2."),
        ({"club": "a"}, "features must be a list of mappings"),
        ("club", "features must be a list of mappings"),
    ],
)
def test_what_cannot_be_told_is_refused(features, words):
    machine = FactorizationMachine(embedding_dim=2, n_epochs=1).fit(DATA)
    with pytest.raises(InvalidValue) as raised:
        machine.recommend(histories=[[]], features=features)
    assert words in str(raised.value)


def test_a_model_that_reads_nothing_says_so():
    model = IALS(embedding_dim=4, n_epochs=1).fit(DATA)
    assert model.person_features == {}
    with pytest.raises(InvalidValue, match="features must be left out: IALS reads none of people. Got club"):
        model.recommend(histories=[["i000"]], features=[{"club": "club 1"}])
    with pytest.raises(InvalidValue, match="at must be left out: IALS does not read when somebody asks"):
        model.recommend([1], at=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidValue, match="features must be given with histories. Got users"):
        model.recommend([1], features=[{"club": "club 1"}])


def at_hours(data):
    """Returns the toy data with even items taken at 8 o'clock and odd ones at 20, day after day."""
    events = data.interactions
    day = 86_400_000 * (1 + np.arange(len(events.item)) // 7)
    time = day + np.where(events.item % 2 == 0, 8, 20) * 3_600_000
    order = np.lexsort((time, events.user))
    return replace(
        data,
        interactions=replace(
            events,
            **{name: getattr(events, name)[order] for name in ("user", "item", "weight")},
            time=time[order],
        ),
    )


@pytest.mark.parametrize("name", ["FactorizationMachine", "TwoTower", "DCN"])
def test_the_time_of_asking_counts(name):
    data = at_hours(toy.tastes(n_users=80))
    if name == "FactorizationMachine":
        model = FactorizationMachine(embedding_dim=8, n_epochs=20, time=("hour_of_day",)).fit(data)
    else:
        model = neural(name, embedding_dim=8, context=("hour_of_day",)).fit(data)
    assert model.asks_when
    morning, evening = (model.score([1], at=datetime(1970, 3, 1, hour, 30))[0] for hour in (8, 20))
    assert np.abs(morning - evening).max() > 1e-3
    if name == "TwoTower":  # the only one of them that learns from what was not taken
        gain = evening - morning
        assert gain[1::2].mean() > gain[::2].mean()
    last = model.memory.of_users([1])[0].time[-1]
    asked = datetime.fromtimestamp(last / 1000, UTC)
    assert model.recommend([1], k=5, at=asked) == model.recommend([1], k=5)
    with pytest.raises(InvalidValue, match="at must be a datetime. Got 8."):
        model.recommend([1], at=8)


def test_a_pipeline_ranks_popular_items_for_somebody_told_of():
    """Its retriever knows nothing of a person without events; its ranker reads what is told."""
    from recsmith.models import Pipeline

    ranker = {"class": "FactorizationMachine", "embedding_dim": 8, "n_epochs": 10}
    for index in ("none", "exact"):
        pipeline = Pipeline(
            retriever={"class": "IALS", "embedding_dim": 4, "n_epochs": 2},
            ranker=ranker,
            n_candidates=12,
            index=index,
        ).fit(DATA)
        assert pipeline.person_features == {"club": "categorical", "age": "number", "hobbies": "multi"}
        lists = pipeline.recommend(
            histories=[[], []], features=[{"club": "club 1"}, {"club": "club 2"}], k=12
        )
        popular = DATA.items.decode(np.lexsort((np.arange(40), -pipeline.memory.popularity))[:12])
        assert [set(items) for items in lists.item_ids] == [set(popular)] * 2
        rows = pipeline.telling(
            pipeline.memory.of_items([[], []]), features=[{"club": "club 1"}, {"club": "club 2"}]
        )
        own = pipeline.ranker.score_codes(rows, np.tile(pipeline.item_codes(popular), (2, 1)))
        for items, score in zip(lists.item_ids, own, strict=True):
            assert list(items) == [popular[place] for place in np.argsort(-score, kind="stable")]
