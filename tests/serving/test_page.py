"""The page: served whole, in two languages, with nothing from elsewhere; what it asks for besides lists."""

import re
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from recsmith.serving.experiments import Experiment, Running
from recsmith.serving.verdict import report

PAGE = resources.files("recsmith.serving").joinpath("page")
PARTS = ("page.css", "page.js", "owner.js", "tools.js", "words.js", "icon.svg")


def text(name):
    return PAGE.joinpath(name).read_text(encoding="utf-8")


def words_of(language):
    body = re.search(rf"^  {language}: {{(.*?)^  }},", text("words.js"), re.S | re.M)[1]
    return set(re.findall(r"(?:^|[,{\s])(\w+): \"", body))


def test_both_languages_have_every_word_that_the_page_uses():
    english, chinese = words_of("en"), words_of("zh")
    assert english == chinese
    used = set(re.findall(r"word\(\"(\w+)\"\)", text("page.js") + text("owner.js") + text("tools.js")))
    used |= set(re.findall(r"data-word=\"(\w+)\"", text("index.html")))
    assert used
    assert used <= english


def test_nothing_is_loaded_from_elsewhere_and_no_text_becomes_markup():
    for name in ("index.html", *PARTS):
        assert not re.findall(r"https?://(?!www\.w3\.org/)", text(name)), name
    assert "innerHTML" not in text("page.js") + text("owner.js") + text("tools.js")
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", text("index.html"))


def test_the_page_and_its_parts_are_served(client):
    assert "<main" in client.get("/").text
    for name in PARTS:
        answer = client.get(f"/page/{name}")
        assert answer.status_code == 200
        assert answer.text == text(name)
    for bad in ("..%2Fapp.py", "app.py", "%2e%2e"):
        assert client.get(f"/page/{bad}").status_code == 404


def test_titles_are_found_by_all_their_words_the_popular_first(client):
    found = client.get("/v1/search", params={"q": "FILM genre 1", "k": 3}).json()["items"]
    assert len(found) == 3
    assert all(word in one["title"].casefold() for one in found for word in ("film", "genre", "1"))
    assert all(one["categories"][1] == "film" for one in found)
    assert client.get("/v1/search", params={"q": "nothing of that name"}).json()["items"] == []
    assert client.get("/v1/search").json()["items"] == []


def test_a_timeline_is_newest_first(client):
    for n, item in enumerate(("i000", "i004")):
        client.post("/v1/events", json={"user_id": "zoe", "item_id": item, "time": 1000 + n})
    told = client.get("/v1/users/zoe/timeline").json()
    assert told["n_events"] == 2
    assert [event["item_id"] for event in told["events"]] == ["i004", "i000"]
    assert told["events"][0]["title"].startswith("Film 4")
    assert client.get("/v1/users/nobody/timeline").json()["events"] == []


def test_the_owner_sees_data_versions_traffic_and_the_tail(client):
    for user in range(1, 6):
        client.get(f"/v1/recommend/{user}")
    client.get("/v1/recommend/stranger")
    told = client.get("/v1/owner").json()
    assert told["data"]["people"] == 60
    assert told["data"]["items"] == 40
    assert told["data"]["items_nobody_took"] == 2
    assert [one["version"] for one in told["versions"]] == ["000002", "000001"]
    assert told["traffic"]["routes"]["/v1/recommend/{user_id}"]["requests"] == 6
    assert told["traffic"]["fallbacks"] == {"no history: popular items": 1.0}
    assert set(told["traffic"]["stages_ms"]) == {"permit", "retrieve", "drop", "rank", "rerank", "explain"}
    tail = told["tail"]
    assert tail["n_lists"] == 6
    assert tail["events"][0] == 0
    assert tail["events"][-1] == pytest.approx(1)
    assert tail["events"] == sorted(tail["events"])
    assert 0 < tail["coverage"] <= 1
    points = client.get("/v1/owner/map").json()["points"]
    assert len(points) == 40
    assert all(-1 <= one["x"] <= 1 for one in points)


def test_the_owner_sees_what_came_of_each_side_as_the_command_says(client, settings):
    assert client.get("/v1/owner").json()["experiment"] is None
    sides = {side: {"version": version, "share": 0.5} for side, version in (("a", "000001"), ("b", "000002"))}
    running = Running(Path(settings.place))
    running.put(Experiment.of({"name": "x_1", "variants": sides}, within="experiment"))
    service = client.app.state.service
    service.engine.look_around()
    empty = client.get("/v1/owner").json()["experiment"]
    assert [empty["variants"][side]["found"] for side in "ab"] == [None, None]
    for user in range(1, 41):
        answer = client.get(f"/v1/recommend/{user}?k=3").json()
        if answer["variant"] == "a":
            item = answer["recommendations"][0]["item_id"]
            client.post("/v1/events", json={"user_id": str(user), "item_id": item})
    told = client.get("/v1/owner").json()["experiment"]
    assert (told["name"], told["hours"]) == ("x_1", 24.0)
    said = report(service.store, "x_1")
    assert [told["variants"][side.name]["found"] for side in said.sides] == [asdict(s) for s in said.sides]
    assert told["variants"]["a"]["found"]["value"] == 1.0
    assert told["variants"]["b"]["found"]["value"] == 0.0
    assert told["variants"]["a"]["difference"] is None
    apart = told["variants"]["b"]["difference"]
    assert (apart["value"], apart["low"], apart["high"]) == said.differences["b"] == (-1.0, -1.0, -1.0)
    assert len(service.store.shown_in("x_1", newest=7)) == 7
    assert service.store.shown_in("x.1") == service.store.shown_in("x_") == []


def test_a_kept_version_can_be_compared_with(client):
    assert client.get("/v1/recommend/1?version=000001").json()["version"] == "000001"
    assert client.get("/v1/recommend/1").json()["version"] == "000002"
    assert client.get("/v1/recommend/1?version=000099").status_code == 422
    assert client.get("/v1/recommend/1?version=..%2F").status_code == 422
