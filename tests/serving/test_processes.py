"""Real processes: killed at any moment nothing acknowledged is lost; two on one store see the same."""

import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

httpx = pytest.importorskip("httpx")
sa = pytest.importorskip("sqlalchemy")
pytest.importorskip("fastapi")

from recsmith.models import Popular  # noqa: E402
from recsmith.serving.records import Event  # noqa: E402
from recsmith.serving.store import Store  # noqa: E402
from recsmith.serving.versions import Versions  # noqa: E402
from recsmith.testing.toy import tastes  # noqa: E402

ENDED = (0, -15)  # by itself or, when all is put away, by the signal that asked it
PATIENCE = 120  # seconds; a loaded machine starts slowly


class Server:
    """Is one `recsmith serve` process and a client of it."""

    def __init__(self, run: Path, *, store: str, **environment: str) -> None:
        command = [
            sys.executable,
            "-m",
            "recsmith.cli.main",
            "serve",
            str(run),
            "--store",
            store,
            "--port",
            "0",
        ]
        self.process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "200", **environment},
        )
        self.said: list[str] = []
        self._told = threading.Event()
        self.url = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._told.wait(PATIENCE) or not self.url:
            self.kill()
            raise AssertionError("no server came up:\n" + "".join(self.said[-30:]))
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            found = re.search(r"Serving on (http://\S+)", line)
            if found:
                self.url = found[1]
                self._told.set()
        self._told.set()

    def post(self, *events: dict[str, Any]) -> Any:
        """Posts events."""
        return self.client.post("/v1/events", json=list(events))

    def ids(self, user: str, **asked: Any) -> list[Any]:
        """Returns the ids of a person's list."""
        said = self.client.get(f"/v1/recommend/{user}", params=asked)
        assert said.status_code == 200, said.text
        return [line["item_id"] for line in said.json()["recommendations"]]

    def kill(self) -> None:
        """Ends it as a power cut would: no handler runs."""
        self.process.kill()
        self._end()

    def stop(self) -> int:
        """Asks it to end and returns its status."""
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        finally:
            self._end()
        return self.process.returncode

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(10)
        assert self.process.stderr is not None
        self.process.stderr.close()
        if hasattr(self, "client"):
            self.client.close()


def until(holds: Any, *, seconds: float = 20) -> bool:
    """Waits till something holds; returns whether it came to that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return bool(holds())


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    """A saved model, quickly fitted: what it recommends is beside the point."""
    path = tmp_path_factory.mktemp("served") / "model"
    Popular().fit(tastes()).save(path)
    return path


@pytest.fixture
def run(model_folder, tmp_path):
    """A copy of it; the versions of a service lie inside."""
    return shutil.copytree(model_folder, tmp_path / "model")


class Sender(threading.Thread):
    """Streams events with ids, one to three a call; remembers what was acknowledged and what was not."""

    def __init__(self, url: str, *, first: int, unsure: list[list[dict]]) -> None:
        super().__init__(daemon=True)
        self.url, self.next, self.unsure, self.kept = url, first, list(unsure), set()

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            drawn = random.Random(self.next)
            while True:
                call = self.unsure[0] if self.unsure else self._new(drawn)
                if not self.unsure:
                    self.unsure.append(call)
                try:
                    answer = client.post("/v1/events", json=call)
                except httpx.HTTPError:
                    return  # killed: whether the last call was kept is not known, so it is sent again
                assert answer.status_code == 201, answer.text
                self.kept |= {event["event_id"] for event in self.unsure.pop(0)}

    def _new(self, drawn: random.Random) -> list[dict]:
        n = drawn.randint(1, 3)
        self.next += n
        return [
            {"user_id": f"u{e % 7}", "item_id": f"i{e % 9:03d}", "event_id": f"e{e}", "time": 1000 + e}
            for e in range(self.next - n, self.next)
        ]


def kill_rounds(run, url, *, rounds):
    """Streams, kills and starts again; returns the ids that were acknowledged and those in the store."""
    kept, unsure, first = set(), [], 0
    for n in range(rounds):
        server = Server(run, store=url)
        sender = Sender(server.url, first=first, unsure=unsure)
        sender.start()
        assert until(lambda sender=sender: len(sender.kept) > 3)
        time.sleep(random.random() * 0.5)
        server.kill()
        sender.join(30)
        assert not sender.is_alive()
        kept |= sender.kept
        unsure, first = sender.unsure, sender.next
        store = Store(url)
        there = [
            e.event_id for block in store.all_events() for e in block if not e.event_id.startswith("first-")
        ]
        store.close()
        assert len(there) == len(set(there)), n
        assert kept <= set(there), n
        # Beyond what was acknowledged there is at most the call that was cut off, whole or not at all.
        cut = {event["event_id"] for call in unsure for event in call}
        assert set(there) - kept in (set(), cut), n
    server = Server(run, store=url)
    try:
        for call in unsure:  # the client resends what was not acknowledged
            assert server.post(*call).status_code == 201
    finally:
        assert server.stop() in ENDED
    store = Store(url)
    there = [e.event_id for block in store.all_events() for e in block if not e.event_id.startswith("first-")]
    store.close()
    return kept | {event["event_id"] for call in unsure for event in call}, there, first


def test_killed_in_a_stream_of_events_nothing_acknowledged_is_lost(run, url):
    kept, there, n_sent = kill_rounds(run, url, rounds=2)
    assert sorted(there) == sorted(kept)  # each once
    assert set(there) == {f"e{n}" for n in range(n_sent)}


@pytest.mark.slow
def test_killed_twenty_times(run, url):
    kept, there, n_sent = kill_rounds(run, url, rounds=20)
    assert sorted(there) == sorted(kept)
    assert set(there) == {f"e{n}" for n in range(n_sent)}


def test_two_processes_on_one_store_see_each_others_events_items_and_versions(run, url):
    one = Server(run, store=url)
    try:
        two = Server(run, store=url)
        try:
            assert one.ids("zoe", k=3) == two.ids("zoe", k=3)
            taken = two.ids("zoe", k=1)[0]
            assert one.post({"user_id": "zoe", "item_id": taken, "event_id": "z1"}).json()["accepted"] == 1
            assert taken not in two.ids("zoe", k=20)  # at once
            assert two.post({"user_id": "zoe", "item_id": taken, "event_id": "z1"}).json() == {
                "accepted": 0,
                "duplicates": 1,
            }
            gone = two.ids("zoe", k=1)[0]
            assert two.client.patch(f"/v1/items/{gone}", json={"in_stock": False}).status_code == 200
            assert until(lambda: gone not in one.ids("zoe", k=20))  # the watcher looks twice a second
            assert one.client.put("/v1/items/brand-new", json={"title": "Brand new"}).status_code == 200
            assert two.client.get("/v1/items/brand-new").json()["title"] == "Brand new"
            assert until(lambda: two.client.get("/v1/similar/brand-new").status_code == 200)
            versions = Versions(run / "service" / "versions")
            version = versions.publish(Popular().fit(tastes()), {})
            for server in (one, two):
                assert until(
                    lambda server=server: server.client.get("/v1/popular").json()["version"] == version
                )
            assert two.client.delete("/v1/users/zoe").json()["rows_left"] == 0
            assert taken in one.ids("zoe", k=60)
        finally:
            assert two.stop() in ENDED
    finally:
        assert one.stop() in ENDED


def test_who_sees_an_event_sees_all_before_it(url):
    """The number of an event is given when it is written, and seen when it is committed; another call must
    not get in between, or a copy marked with the later number would lack the earlier event for good."""
    slow, quick = Store(url), Store(url)
    writing = threading.Event()

    @sa.event.listens_for(slow.engine, "commit")
    def _wait(_):
        writing.set()
        time.sleep(0.5)

    first = threading.Thread(target=slow.add_events, args=([Event("u", "a", event_id="1")],))
    first.start()
    assert writing.wait(10)
    quick.add_events([Event("u", "b", event_id="2")])
    newest = quick.newest("u")
    seen = [e.event_id for e in quick.history("u", limit=9)]
    first.join()
    assert seen == ["1", "2"]
    assert quick.newest("u") == newest
    slow.close()
    quick.close()
