"""Backup and restore as the guide says: copied while it serves, the copy goes on as the first did."""

import shutil
import sqlite3

import pytest

pytest.importorskip("fastapi")

from fastapi.testclient import TestClient

from recsmith.models import UserKNN
from recsmith.runs.service import prepare
from recsmith.serving.app import create_app
from recsmith.serving.settings import Limits, ServeSettings
from recsmith.testing.toy import tastes


def served(ready):
    limits = Limits(seconds=300)  # a loaded machine compiles slowly
    return TestClient(create_app(ServeSettings(place=str(ready.place), store=ready.store, limits=limits)))


def test_a_copy_taken_while_it_serves_goes_on_as_the_first(tmp_path):
    UserKNN().fit(tastes()).save(tmp_path / "run")
    ready = prepare(tmp_path / "run")
    events = [{"user_id": "zoe", "item_id": f"i{n:03d}", "event_id": f"e{n}"} for n in (0, 4, 8)]
    with served(ready) as client:
        assert client.post("/v1/events", json=events).json()["accepted"] == 3
        before = client.get("/v1/recommend/zoe").json()
        live = sqlite3.connect(tmp_path / "run" / "service" / "store.db")
        copy = sqlite3.connect(tmp_path / "store.db")
        live.backup(copy)
        for connection in (live, copy):
            connection.close()
        shutil.copytree(tmp_path / "run" / "service" / "versions", tmp_path / "versions")
        client.post("/v1/events", json={"user_id": "zoe", "item_id": "i012", "event_id": "later"})
    shutil.rmtree(tmp_path / "run" / "service")
    (tmp_path / "run" / "service").mkdir()
    shutil.copytree(tmp_path / "versions", tmp_path / "run" / "service" / "versions")
    shutil.copy(tmp_path / "store.db", tmp_path / "run" / "service" / "store.db")
    with served(prepare(tmp_path / "run")) as client:
        assert client.get("/v1/recommend/zoe").json() == before
        assert client.post("/v1/events", json=events).json() == {"accepted": 0, "duplicates": 3}
