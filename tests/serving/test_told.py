"""What a request or the store tells of a person, and when they ask, reaches the model in place."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")

from fastapi.testclient import TestClient

from recsmith.data import Feature
from recsmith.models import IALS, TwoTower
from recsmith.serving.app import create_app
from recsmith.serving.engine import Engine, first_load
from recsmith.serving.records import Event, Item
from recsmith.serving.settings import ServeSettings
from recsmith.serving.stages import StageSettings
from recsmith.serving.store import Store
from recsmith.serving.versions import Versions
from recsmith.testing import toy

EVENING, MORNING = 20 * 3_600_000, 8 * 3_600_000


@pytest.fixture(scope="module")
def tower():
    """Reads what clubs people are in, their age, and the hour of the request."""
    data = toy.tastes(n_users=80)
    genre = [int(user) % 4 for user in data.users.ids.to_list()]
    table = pl.DataFrame(
        {
            "user_id": data.users.ids,
            "club": [f"club {g}" for g in genre],
            "age": [20.0 + 10 * g for g in genre],
        }
    )
    kinds = (Feature("club", "categorical"), Feature("age", "number"))
    events = data.interactions
    hour = np.where(events.item % 2 == 0, MORNING, EVENING)
    time = np.arange(1, len(hour) + 1) * 86_400_000 + hour
    with_people = replace(
        data, user_table=table, user_features=kinds, interactions=replace(events, time=time)
    )
    return TwoTower(
        embedding_dim=8,
        output_dim=8,
        n_epochs=20,
        batch_size=64,
        learning_rate=0.02,
        context=("hour_of_day",),
    ).fit(with_people)


@pytest.fixture
def place(tower, url, tmp_path):
    """A service's settings, on a store that was filled from the model."""
    store, versions = Store(url), Versions(tmp_path / "towers")
    first_load(store, tower.memory)
    versions.publish(tower, {"through": store.last_seq()})
    store.close()
    return ServeSettings(place=str(versions.folder), store=url, poll_seconds=0.05)


@pytest.fixture
def serving(place):
    with TestClient(create_app(place)) as running:
        yield running


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [line["item_id"] for line in answer.json()["recommendations"]]


def asking(client, **body):
    return client.post("/v1/recommend", json={"k": 5, **body})


def test_features_are_enough(serving, tower):
    for club in ("club 1", "club 2"):
        answer = asking(serving, features={"club": club, "age": 30})
        own = tower.recommend(histories=[[]], features=[{"club": club, "age": 30}], k=5)
        assert ids(answer) == list(own.item_ids[0])
        assert answer.json()["fallback"] is None
        assert {line["source"] for line in answer.json()["recommendations"]} == {"model"}
    assert asking(serving).json()["fallback"] == "no history: popular items"
    told = serving.get("/v1/model").json()
    assert told["person_features"] == {"club": "categorical", "age": "number"}
    assert told["reads_time"] is True


def test_features_and_a_history_come_together(serving, tower):
    told = {"club": "club 3", "age": 50.0}
    own = tower.recommend(histories=[["i000", "i004"]], features=[told], k=5)
    assert ids(asking(serving, history=["i000", "i004"], features=told)) == list(own.item_ids[0])
    explained = asking(serving, history=["i000", "i004"], features=told, explain=True).json()
    assert {why["item_id"] for line in explained["recommendations"] for why in line["because"]} <= {
        "i000",
        "i004",
    }


def test_the_hour_of_the_request_counts(serving):
    morning, evening = (ids(serving.get(f"/v1/recommend/1?k=8&time={t}")) for t in (MORNING, EVENING))
    assert sum(int(i[1:]) % 2 for i in evening) > sum(int(i[1:]) % 2 for i in morning)
    history = ["i000", "i001"]
    assert ids(asking(serving, history=history, time=MORNING, k=8)) != ids(
        asking(serving, history=history, time=EVENING, k=8)
    )


def test_the_hour_of_now_may_be_the_default(place, tower, monkeypatch):
    store = Store(place.store)
    settings = StageSettings(request_time="now")
    engine = Engine(store, Versions(tower_place(place)), settings=settings)
    lists = []
    for now in (MORNING, EVENING):
        monkeypatch.setattr("recsmith.serving.engine.milliseconds", lambda now=now: now)
        asked = engine.request(engine.world, "1")
        assert asked.histories.asked.tolist() == [now]
        lists.append([line["item_id"] for line in engine.recommend("1", k=8).lines])
    assert lists[0] != lists[1]
    store.close()


def tower_place(settings):
    from pathlib import Path

    return Path(settings.place)


def test_what_the_store_knows_of_a_stranger_is_told(serving, tower):
    assert serving.get("/v1/recommend/zoe?k=5").json()["fallback"] == "no history: popular items"
    facts = {"club": "club 2", "age": "unknown", "shoes": 38}  # a store may know anything
    serving.put("/v1/users/zoe", json={"data": facts})
    own = tower.recommend(histories=[[]], features=[{"club": "club 2"}], k=5)
    assert ids(serving.get("/v1/recommend/zoe?k=5")) == list(own.item_ids[0])
    serving.patch("/v1/users/zoe", json={"data": {"club": "club 1"}})
    assert ids(serving.get("/v1/recommend/zoe?k=5")) != list(own.item_ids[0])


def test_a_person_with_news_keeps_what_training_knew_of_them(serving, tower):
    """Their events are newer than their learnt row, so they are folded in; their club and age stay."""
    serving.post("/v1/events", json={"user_id": "2", "item_id": "i011", "time": 10**12})
    row = tower.memory.people.row(int(tower.memory.users.encode([2])[0]), named=True)
    history = tower.memory.of_users([2])[0]
    items = [*tower.memory.items.decode(history.item), "i011"]
    at = 10**12
    body = {"history": items, "time": at, "k": 5, "features": {"club": row["club"], "age": row["age"]}}
    assert ids(serving.get(f"/v1/recommend/2?k=5&time={at}")) == ids(serving.post("/v1/recommend", json=body))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"features": {"clob": "x"}}, "Got 'clob'. Did you mean 'club'?"),
        (
            {"features": {"zzz": "x"}},
            "features must be what TwoTower reads of people. Got 'zzz'. There are: club, age.",
        ),
        ({"features": {"age": "old"}}, "features.age must be a finite number. Got 'old'."),
        ({"features": {"club": ["a"]}}, "features.club must be a text or a whole number."),
        ({"features": 3}, "features"),
        ({"time": 0}, "time"),
        ({"time": 10**18}, "time"),
    ],
)
def test_what_cannot_be_told_is_refused(serving, body, words):
    answer = asking(serving, **body)
    assert answer.status_code == 422
    assert words in answer.json()["error"]


def test_a_model_that_reads_nothing_says_so(client):
    for answer, words in (
        (
            asking(client, features={"club": "x"}),
            "features must be left out: IALS reads none of people. Got club.",
        ),
        (asking(client, time=EVENING), "time must be left out: IALS does not read when somebody asks."),
        (client.get(f"/v1/recommend/1?time={EVENING}"), "IALS does not read when somebody asks."),
    ):
        assert answer.status_code == 422
        assert words in answer.json()["error"]
    told = client.get("/v1/model").json()
    assert (told["person_features"], told["reads_time"]) == ({}, False)


def test_a_side_that_does_not_read_the_time_is_no_reason_to_refuse(place, tower):
    from recsmith.serving.experiments import Experiment, Running

    versions = Versions(tower_place(place))
    versions.publish(IALS(embedding_dim=4, n_epochs=1).fit(toy.tastes(n_users=80)), {})
    sides = {"a": {"version": "000001", "share": 0.5}, "b": {"version": "000002", "share": 0.5}}
    Running(versions.folder).put(Experiment.of({"name": "x", "variants": sides}, within="experiment"))
    with TestClient(create_app(place)) as client:
        answers = [client.get(f"/v1/recommend/{user}?time={EVENING}") for user in range(1, 12)]
    assert {answer.json()["variant"] for answer in answers} == {"a", "b"}
    assert {answer.status_code for answer in answers} == {200}


def test_the_document_shows_features_and_time(serving):
    document = serving.get("/openapi.json").json()
    body = document["components"]["schemas"]["RecommendIn"]["properties"]
    assert "person_features" in body["features"]["description"]
    asked = document["paths"]["/v1/recommend/{user_id}"]["get"]["parameters"]
    assert any(one["name"] == "time" and "milliseconds" in one["description"] for one in asked)


def test_a_new_item_goes_where_its_tower_says(serving, tower):
    """By the features in its data, not by its words; one that tells none of them goes by its words."""
    plain = {"title": "Zzz", "data": {}}
    for n in range(4):
        serving.put(f"/v1/items/new{n}", json={"title": "Zzz", "data": {"genres": f"g{n}", "year": 1990}})
    serving.put("/v1/items/silent", json=plain)
    news = [{"genres": [f"g{n}"], "year": 1990} for n in range(4)]
    vectors = tower.vectors_of_new_items(news)
    firsts = set()
    for user in range(1, 9):
        answer = serving.get(f"/v1/recommend/{user}?k=10").json()["recommendations"]
        found = [line["item_id"] for line in answer if line["source"] == "new"]
        best = int(np.argmax(tower.user_vectors([user])[0] @ vectors.T))
        assert found == [f"new{best}"]
        firsts.add(found[0])
    assert len(firsts) > 1
    told = asking(serving, features={"club": "club 1"}, k=10).json()["recommendations"]
    own = tower._user_vectors(tower.telling(tower.memory.of_items([[]]), features=[{"club": "club 1"}]))
    assert [line["item_id"] for line in told if line["source"] == "new"] == [
        f"new{int(np.argmax(own[0] @ vectors.T))}"
    ]
    nobody = serving.get("/v1/recommend/stranger?k=10").json()["recommendations"]
    assert {line["source"] for line in nobody} == {"popular"}


def test_new_items_that_tell_nothing_go_by_their_words(place, tower):
    store = Store(place.store)
    engine = Engine(store, Versions(tower_place(place)), settings=StageSettings(new_share=0.5))
    title = engine.world.catalogue.title(0)
    engine.put_items([Item("told", "Zzz", {"genres": ["g3"]}), Item("silent", title, {})])
    answer = engine.recommend_history([Event("", tower.memory.items.ids[0], 1.0)], k=8)
    found = [line["item_id"] for line in answer.lines if line["source"] == "new"]
    assert found == ["told", "silent"]
    store.close()
