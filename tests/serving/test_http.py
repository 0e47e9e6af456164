"""The service over HTTP: what it answers, what it refuses, what it says."""

import json

import pytest
from fastapi.testclient import TestClient

from recsmith.errors import InvalidValue
from recsmith.serving.app import create_app
from recsmith.serving.settings import ServeSettings, is_loopback


def test_a_list_with_reasons_and_trace(client, fitted):
    said = client.get("/v1/recommend/1", params={"k": 4, "explain": True, "trace": True}).json()
    assert [line["item_id"] for line in said["recommendations"]] == list(
        fitted.recommend([1], k=4).item_ids[0]
    )
    assert [line["rank"] for line in said["recommendations"]] == [1, 2, 3, 4]
    assert all(line["because"] for line in said["recommendations"])
    assert [step["stage"] for step in said["trace"]] == [
        "permit",
        "retrieve",
        "drop",
        "rank",
        "rerank",
        "explain",
    ]
    assert said["fallback"] is None


def test_events_are_kept_once_and_change_the_answer(client):
    before = client.get("/v1/recommend/ann").json()
    assert before["fallback"] == "no history: popular items"
    event = {"user_id": "ann", "item_id": "i000", "weight": 5, "event_id": "e1"}
    assert client.post("/v1/events", json=event).json() == {"accepted": 1, "duplicates": 0}
    again = [event, {"user_id": "ann", "item_id": "i004", "event_id": "e2"}]
    answer = client.post("/v1/events", json=again)
    assert (answer.status_code, answer.json()) == (201, {"accepted": 1, "duplicates": 1})
    after = client.get("/v1/recommend/ann").json()
    assert after["fallback"] is None
    assert 'recsmith_fallbacks_total{reason="no history: popular items"} 1.0' in client.get("/metrics").text


def test_a_history_is_enough(client, fitted):
    body = {"history": ["i000", {"item_id": "i004", "weight": 2.0}], "k": 5}
    said = client.post("/v1/recommend", json=body).json()
    own = fitted.recommend(histories=[{"i000": fitted.memory.liked_weight, "i004": 2.0}], k=5)
    assert tuple(line["item_id"] for line in said["recommendations"]) == own.item_ids[0]


def test_items_come_change_and_go(client):
    put = client.put("/v1/items/77", json={"title": "New", "data": {"genres": ["g"]}})
    assert put.json() == {"item_id": "77", "title": "New", "data": {"genres": ["g"]}, "in_stock": True}
    changed = client.patch("/v1/items/77", json={"data": {"year": 2001}, "in_stock": False}).json()
    assert changed["data"] == {"genres": ["g"], "year": 2001}
    assert client.get("/v1/items/77").json() == changed
    assert client.delete("/v1/items/77").status_code == 204
    assert client.get("/v1/items/77").status_code == 404
    assert client.delete("/v1/items/77").status_code == 404


def test_people_come_change_and_go(client):
    assert client.get("/v1/users/zoe").status_code == 404
    assert client.put("/v1/users/zoe", json={"data": {"age": 3}}).json()["data"] == {"age": 3}
    assert client.patch("/v1/users/zoe", json={"blocked": ["1"]}).json()["blocked"] == ["1"]
    gone = client.delete("/v1/users/zoe").json()
    assert gone["rows_left"] == 0
    assert client.get("/v1/users/zoe").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("get", "/v1/recommend/1?k=0", None, 422, "k"),
        ("get", "/v1/recommend/1?k=100000", None, 422, "k must be 1000 at most. Got 100000."),
        ("get", "/v1/recommend/1?diversity=2", None, 422, "diversity"),
        ("get", "/v1/similar/nothing", None, 404, "item_id must be known"),
        ("post", "/v1/events", {"user_id": "", "item_id": "1"}, 422, "user_id"),
        ("post", "/v1/events", {"user_id": "u", "item_id": "1", "weight": 1e300}, 422, "weight"),
        ("post", "/v1/events", {"user_id": "u", "item_id": "1", "colour": 1}, 422, "colour"),
        ("post", "/v1/events", {"user_id": "a\x00b", "item_id": "1"}, 422, "user_id"),
        ("post", "/v1/recommend", {"where": {"field": "year", "is": 3}}, 422, "where must be one of eq"),
        ("post", "/v1/recommend", {"where": {"all": 3}}, 422, "where.all must be a list"),
        ("post", "/v1/recommend", {"history": ["1"] * 5001}, 422, "length must be 5000 at most"),
        ("put", "/v1/items/1", {"title": ""}, 422, "title"),
    ],
)
def test_what_is_wrong_is_said(client, method, path, body, status, words):
    answer = client.request(method, path, json=body)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_weights_that_are_no_numbers_are_refused(client):
    for weight in ("NaN", "Infinity"):
        body = f'{{"user_id": "u", "item_id": "1", "weight": {weight}}}'
        answer = client.post("/v1/events", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422
        json.loads(answer.text)


def test_deep_and_large_bodies_are_refused(client):
    deep = "[" * 100_000 + "]" * 100_000
    assert client.post("/v1/events", content=deep).status_code in (400, 422)
    where = {"field": "year", "eq": 1}
    for _ in range(20):
        where = {"not": where}
    assert client.post("/v1/recommend", json={"where": where}).status_code == 422
    assert client.post("/v1/events", content=b"x" * 3_000_000).status_code == 413


def test_a_body_that_does_not_say_its_length_is_bounded_too(client):
    answer = client.post("/v1/events", content=(b"x" * 100_000 for _ in range(30)))
    assert answer.status_code == 413


def test_the_answers_carry_safe_headers(client):
    headers = client.get("/v1/popular").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert (
        "access-control-allow-origin" not in client.get("/v1/popular", headers={"Origin": "http://x"}).headers
    )


def test_a_key_opens_what_its_scopes_say(settings):
    keys = (
        {"key": "r" * 20, "scopes": ["read"], "name": "reader"},
        {"key": "w" * 20, "scopes": ["read", "write"], "name": "writer"},
        {"key": "a" * 20, "scopes": ["admin"], "name": "owner"},
    )
    app = create_app(ServeSettings.of({**settings.model_dump(), "keys": keys}, within="serve"))
    event = {"user_id": "u", "item_id": "1"}
    with TestClient(app) as client:

        def status(method, path, key=None, body=None):
            headers = {"X-API-Key": key} if key else {}
            return client.request(method, path, headers=headers, json=body).status_code

        assert status("get", "/v1/popular") == 401
        assert status("get", "/v1/popular", "x") == 401
        assert status("get", "/v1/popular", "r" * 20) == 200
        assert status("post", "/v1/events", "r" * 20, event) == 403
        assert status("post", "/v1/events", "w" * 20, event) == 201
        assert status("delete", "/v1/users/u", "w" * 20) == 403
        assert status("delete", "/v1/users/u", "a" * 20) == 200
        assert status("get", "/health/live") == 200
        assert status("get", "/metrics") == 401


def test_a_caller_may_ask_so_often(settings):
    limits = settings.limits.model_copy(update={"per_second": 2.0})
    with TestClient(create_app(settings.model_copy(update={"limits": limits}))) as client:
        codes = [client.get("/v1/popular").status_code for _ in range(8)]
    assert codes[:4] == [200] * 4
    assert 429 in codes


def test_an_open_door_is_refused_off_the_loopback(settings):
    with pytest.raises(InvalidValue, match="loopback"):
        create_app(settings.model_copy(update={"host": "0.0.0.0"}))
    assert [is_loopback(h) for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "", "example.org")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_no_key_and_no_person_is_in_the_log(settings, caplog):
    key = "very-secret-key-of-mine"
    keys = ({"key": key, "scopes": ["admin"], "name": "owner"},)
    app = create_app(ServeSettings.of({**settings.model_dump(), "keys": keys}, within="serve"))
    with caplog.at_level("INFO", logger="recsmith.serving"), TestClient(app) as client:
        client.get("/v1/recommend/someone-private", headers={"X-API-Key": key})
        client.get("/v1/popular", headers={"X-API-Key": key + "x"})
    lines = [json.loads(record.message) for record in caplog.records]
    assert [line["status"] for line in lines if line["event"] == "request"] == [200, 401]
    assert key not in caplog.text
    assert "someone-private" not in caplog.text
    assert lines[0]["route"] == "/v1/recommend/{user_id}"


def test_the_document_shows_every_route(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/recommend/{user_id}", "/v1/events", "/v1/items/{item_id}", "/v1/users/{user_id}"} <= set(
        paths
    )
    assert client.get("/health/ready").json()["ready"] is True
    assert client.get("/v1/model").json()["class"] == "IALS"
