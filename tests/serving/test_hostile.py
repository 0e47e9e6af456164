"""Hostile inputs and bad days: refused or harmless, never a 5xx but the three that say what is the matter."""

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
import threading
import time

import pytest

sa = pytest.importorskip("sqlalchemy")
pytest.importorskip("fastapi")

from fastapi.testclient import TestClient  # noqa: E402

from recsmith.serving.app import create_app  # noqa: E402
from recsmith.serving.records import Item  # noqa: E402

SQL = ("'; DROP TABLE events; --", "1 OR 1=1", "%", "_", 'a"b', "\\", "{}", "$1", ":user_id", "?", "é𝄞")


def test_sql_in_an_id_is_an_id(client):
    before = client.get("/v1/owner").json()["data"]["events"]
    for n, words in enumerate(SQL):
        event = {"user_id": words, "item_id": words, "event_id": f"{words}{n}"}
        assert client.post("/v1/events", json=event).status_code == 201
    for words in SQL:
        said = client.get("/v1/users/" + "".join(f"%{byte:02x}" for byte in words.encode()))
        assert said.json()["n_events"] == 1, words
        assert client.get("/v1/search", params={"q": words}).status_code == 200
    assert client.get("/v1/owner").json()["data"]["events"] == before + len(SQL)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/recommend/1?version=..",
        "/v1/recommend/1?version=../../etc",
        "/v1/recommend/1?version=%2e%2e%2f",
        "/v1/recommend/1?version=000001/../..",
        "/v1/recommend/1?version=%00",
        "/v1/recommend/1?version=999999",
        "/v1/recommend/1?version=%D9%A1",  # a digit elsewhere in the world
        "/v1/recommend/1?k=99999999999999999999999999999999",
        "/v1/recommend/1?k=" + "9" * 5000,
        "/v1/recommend/1?k=1e9",
        "/v1/recommend/1?per_category=-1",
        "/v1/recommend/1?diversity=nan",
        "/v1/recommend/1?calibration=inf",
        "/v1/recommend/" + "x" * 201,
        "/v1/recommend/a%00b",
        "/v1/recommend/a%0Ab",
        "/v1/similar/1?k=100001",
        "/v1/popular?k=0",
        "/v1/users/1/timeline?limit=100000000",
        "/v1/search?q=" + "x" * 201,
    ],
)
def test_what_is_out_of_bounds_is_refused(client, path):
    answer = client.get(path)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "path", ["/page/../app.py", "/page/..%2f..%2fapp.py", "/page/%2e%2e/app.py", "/..", "//"]
)
def test_no_path_leads_out_of_the_page(client, path):
    answer = client.get(path)
    assert answer.status_code in (200, 404)
    assert "create_app" not in answer.text


@pytest.mark.parametrize(
    "data",
    [
        '{"x": NaN}',
        '{"x": [1, {"y": -Infinity}]}',
        '{"x": 1e999}',
        '{"x": "\\ud800"}',
        '{"\\udfff": 1}',
        '{"x": "a\\u0000b"}',
        '{"x": 123456789012345678901234567890}',
        '{"x": ' + "[" * 30 + "]" * 30 + "}",
        '{"x": ' + '{"a": ' * 400 + "1" + "}" * 401,
        "[1]",
    ],
)
def test_data_that_could_not_be_given_back_are_refused(client, data):
    heads = {"content-type": "application/json"}
    for path, body in (
        ("/v1/items/77", f'{{"title": "t", "data": {data}}}'),
        ("/v1/users/zoe", f'{{"data": {data}}}'),
    ):
        answer = client.put(path, content=body, headers=heads)
        assert answer.status_code == 422, answer.text
        assert client.get(path).status_code == 404
    answer = client.post("/v1/recommend", content=f'{{"where": {data}}}', headers=heads)
    assert answer.status_code == 422


def test_bodies_that_are_no_json_are_refused(client):
    for body in (b"", b"{", b"\xff\xfe", b"null", b'"x"', b"[[]]", b'{"user_id": "\\ud800", "item_id": "1"}'):
        answer = client.post("/v1/events", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), answer.text
        json.loads(answer.text)
    unknown = '{"user_id": "u", "item_id": "1", "\\ud800": 1}'
    assert client.post("/v1/events", content=unknown).status_code == 422
    assert client.put("/v1/items/1", json={"title": "a\x00b"}).status_code == 422


def test_weights_of_any_size_break_no_model(client):
    for n, weight in enumerate((1e9, -1e9, 0, 1e-300, -0.0)):
        event = {"user_id": f"odd{n}", "item_id": "i000", "weight": weight}
        assert client.post("/v1/events", json=event).status_code == 201
        assert (
            client.get(f"/v1/recommend/odd{n}", params={"explain": True, "diversity": 0.5}).status_code == 200
        )
        history = [{"item_id": "i000", "weight": weight}, {"item_id": "i004", "weight": -weight}]
        assert client.post("/v1/recommend", json={"history": history, "explain": True}).status_code == 200


def test_a_full_disk_is_507_over_http_and_nothing_is_half_kept(settings):
    if not settings.store.startswith("sqlite"):
        pytest.skip("a page limit is SQLite's")
    with TestClient(create_app(settings)) as client:
        store = client.app.state.service.store
        assert (
            client.post("/v1/events", json={"user_id": "u", "item_id": "new", "event_id": "e0"}).status_code
            == 201
        )
        with store.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        store.engine.dispose()

        def small(connection, _):
            connection.execute(f"PRAGMA max_page_count={pages}")

        sa.event.listen(store.engine, "connect", small)
        before, items = store.count_events(), len(store.items_since(0))
        many = [{"user_id": "u" * 200, "item_id": f"no-{n}", "event_id": f"e{n}"} for n in range(900)]
        answer = client.post("/v1/events", json=many)
        assert answer.status_code == 507
        assert "must have room" in answer.json()["error"]
        assert (store.count_events(), len(store.items_since(0))) == (before, items)
        assert client.get("/v1/recommend/u").status_code == 200  # what needs no room goes on
        sa.event.remove(store.engine, "connect", small)
        store.engine.dispose()
        assert client.post("/v1/events", json=many).json()["accepted"] == 899  # e0 was there


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no small disk can be mounted here")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=False)


def test_a_disk_that_fills_up_refuses_and_goes_on_when_there_is_room(small_disk, settings):
    if not settings.store.startswith("sqlite"):
        pytest.skip("PostgreSQL has a disk of its own")
    shutil.copy(settings.store.removeprefix("sqlite:///"), small_disk / "s.db")
    settings = settings.model_copy(update={"store": f"sqlite:///{small_disk / 's.db'}"})
    with TestClient(create_app(settings)) as client:
        before, kept = client.app.state.service.store.count_events(), 0
        for n in range(100):
            many = [{"user_id": "u" * 150, "item_id": "1", "event_id": f"{n}-{e}"} for e in range(200)]
            answer = client.post("/v1/events", json=many)
            if answer.status_code != 201:
                break
            kept += 200
        assert answer.status_code == 507
        assert client.app.state.service.store.count_events() == before + kept
        subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
        assert client.post("/v1/events", json=many).json()["accepted"] == 200


def test_a_store_that_does_not_answer_is_503_and_comes_back(settings):
    with TestClient(create_app(settings)) as client:
        service = client.app.state.service

        def gone(connection):
            raise sa.exc.OperationalError(
                "x", {}, Exception("server closed the connection: password=hunter2")
            )

        sa.event.listen(service.store.engine, "begin", gone)
        sa.event.listen(service.store.engine, "engine_connect", gone)
        for method, path, body in (
            ("get", "/v1/recommend/1", None),
            ("post", "/v1/events", {"user_id": "u", "item_id": "1"}),
            ("get", "/health/ready", None),
        ):
            answer = client.request(method, path, json=body)
            assert answer.status_code == 503, path
            assert answer.headers["retry-after"] == "1"
        assert client.get("/health/live").status_code == 200
        sa.event.remove(service.store.engine, "begin", gone)
        sa.event.remove(service.store.engine, "engine_connect", gone)
        assert client.get("/health/ready").status_code == 200


@contextlib.contextmanager
def listening(app):
    """Runs a real server in a thread; yields its address."""
    uvicorn = pytest.importorskip("uvicorn")
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


def test_too_many_at_once_are_told_to_come_again_and_the_rest_are_served(settings):
    """A real server whose scoring takes 0.2 s, two threads, four that may wait, thirty who ask at once."""
    httpx = pytest.importorskip("httpx")
    limits = settings.limits.model_copy(update={"waiting": 4, "seconds": 60.0})
    app = create_app(settings.model_copy(update={"limits": limits}))

    def slow(world, works):
        time.sleep(0.2)

    async def ask(url, n):
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            return await asyncio.gather(*(client.get("/v1/recommend/1") for _ in range(n)))

    with listening(app) as url:
        engine = app.state.service.engine
        quick, engine.stages = engine.stages, (slow, *engine.stages)
        answers = asyncio.run(ask(url, 30))
        codes = [answer.status_code for answer in answers]
        assert set(codes) == {200, 503}
        assert codes.count(200) >= 6
        assert all(a.headers["retry-after"] == "1" for a in answers if a.status_code == 503)
        assert "wait for a turn" in next(a for a in answers if a.status_code == 503).json()["error"]
        engine.stages = quick
        assert [answer.status_code for answer in asyncio.run(ask(url, 3))] == [200] * 3


def test_markup_in_a_title_is_text_on_the_page(settings, tmp_path):
    """In a real browser: what would run if it were markup says so in the page's own words."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None or not settings.store.startswith("sqlite"):
        pytest.skip("needs Chromium; once is enough")
    hack = "document.body.dataset.hacked='yes'"
    title = f'<img src=x onerror="{hack}"><script>{hack}</script>'
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip
    app = create_app(settings)
    with listening(app) as url:
        app.state.service.engine.put_items([Item("77", title, {"genres": [title]})])
        command = [chromium, *quiet, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000",
                   "--dump-dom", f"{url}/#/item/77"]  # fmt: skip
        shown = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout
    assert "&lt;img src=x onerror" in shown
    outside = re.sub(r'"[^"]*"', '""', shown)  # inside an attribute it is text as it stands
    tags = re.findall(r"<[a-z][^>]*>", outside)
    assert len(tags) > 20
    assert not [tag for tag in tags if tag == "<script>" or "onerror" in tag]
    assert "data-hacked" not in shown
