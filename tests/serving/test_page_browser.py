"""The page in a real browser: by keyboard, side by side, in both languages, without a fault for axe."""

import contextlib
import json
import threading
import time
from pathlib import Path

import pytest

uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from browser import BROWSER, Browser  # noqa: E402
from recsmith.models import IALS, Popular  # noqa: E402
from recsmith.serving.app import create_app  # noqa: E402
from recsmith.serving.engine import first_load  # noqa: E402
from recsmith.serving.settings import Limits, ServeSettings  # noqa: E402
from recsmith.serving.store import Store  # noqa: E402
from recsmith.serving.versions import Versions  # noqa: E402
from recsmith.testing.toy import tastes  # noqa: E402

pytestmark = BROWSER
AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SET = "(s => {{ s.value = '{1}'; s.dispatchEvent(new Event('{2}')) }})(document.querySelector('{0}'))"
TITLES = "[...document.querySelectorAll('.lines a')].map(one => one.textContent)"


@contextlib.contextmanager
def listening(app):
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A service of two versions that disagree."""
    folder = tmp_path_factory.mktemp("page")
    model = IALS(embedding_dim=8, n_epochs=5).fit(tastes())
    versions, store = Versions(folder / "versions"), Store(f"sqlite:///{folder / 's.db'}")
    first_load(store, model.memory)
    versions.publish(Popular().fit(tastes()), {})
    versions.publish(model, {"through": store.last_seq()})
    store.close()
    url = f"sqlite:///{folder / 's.db'}"
    with listening(
        create_app(ServeSettings(place=str(versions.folder), store=url, limits=Limits(seconds=300)))
    ) as at:
        yield at


@pytest.fixture
def browser(tmp_path):
    opened = Browser(str(tmp_path / "profile"))
    yield opened
    opened.close()


def show(browser, url, place, *, width=1280, dark=False):
    """Opens a view and waits till it is there."""
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=False
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.call("Emulation.setEmulatedMedia", features=[scheme])
    browser.call("Page.navigate", url="about:blank")
    browser.call("Page.navigate", url=f"{url}/#/{place}")
    browser.wait_for("!!document.querySelector('.lines li, .tiles .tile')")


def press(browser, key):
    for kind in ("keyDown", "keyUp"):
        code = {"Enter": 13, "ArrowDown": 40, "Tab": 9}[key]
        browser.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)


def test_things_are_picked_from_the_keyboard_and_the_list_follows(browser, url):
    show(browser, url, "")
    popular = browser.ask(TITLES)
    assert browser.ask("document.querySelector('#list-title').textContent") == "Popular now"
    browser.ask("document.querySelector('#search').focus()")
    browser.call("Input.insertText", text="film 4")
    browser.wait_for("!!document.querySelector('#options li[role=option]')")
    press(browser, "ArrowDown")
    assert browser.ask("document.querySelector('[aria-selected=true]').textContent").startswith("Film 4")
    press(browser, "Enter")
    browser.wait_for("document.querySelector('#list-title')?.textContent === 'For you'")
    mine = browser.ask(TITLES)
    assert mine != popular
    assert browser.ask("document.querySelector('.lines small').textContent").startswith("Because of Film 4")
    assert browser.ask("document.querySelector('#said').textContent") == ", ".join(mine[:3])  # read aloud
    browser.ask(SET.format("#diversity", 1, "input"))
    browser.wait_for(f"JSON.stringify({TITLES}) !== JSON.stringify({json.dumps(mine)})")
    assert browser.ask(TITLES) != mine
    assert browser.complaints() == []
    assert {one.split("/")[2] for one in browser.requests() if one.startswith("http")} == {url.split("/")[2]}


def test_a_person_has_a_timeline_and_two_versions_side_by_side(browser, url):
    show(browser, url, "people/1")
    assert browser.ask("document.querySelectorAll('.picks li').length") > 3
    options = browser.ask("[...document.querySelectorAll('select option')].map(one => one.value)")
    assert options == ["", "000001"]  # not the version in place
    browser.ask(SET.format("select", "000001", "change"))
    browser.wait_for("document.querySelectorAll('.columns h3').length === 2")
    left, right = browser.ask(
        "[...document.querySelectorAll('.columns > div')].map(d => [...d.querySelectorAll('li')]"
        ".map(l => [l.querySelector('a').textContent, !!l.querySelector('.only')]))"
    )
    others = {title for title, _ in right}
    assert left
    assert [only for _, only in left] == [title not in others for title, _ in left]
    assert browser.complaints() == []


def test_the_owner_sees_the_service_in_either_language(browser, url):
    show(browser, url, "owner")
    assert browser.ask("document.querySelectorAll('.tile').length") == 8
    assert browser.ask("document.querySelectorAll('svg.chart').length") == 3
    assert browser.ask("document.querySelectorAll('svg.chart circle').length") == 40
    english = browser.ask("document.querySelector('main').innerText")
    browser.ask("document.querySelector('#language').click()")
    browser.wait_for("/[\\u4e00-\\u9fff]/.test(document.querySelector('h1')?.textContent)")
    assert browser.ask("document.documentElement.lang") == "zh-Hans"
    chinese = browser.ask("document.querySelector('main').innerText")
    headings = browser.ask("[...document.querySelectorAll('h1, h2, h3')].map(one => one.textContent)")
    assert chinese != english
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in heading) for heading in headings), headings
    assert browser.complaints() == []


@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: make web")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_no_fault(browser, url, dark):
    for width in (390, 1280):
        for place in ("", "item/i001", "people/1", "owner"):
            show(browser, url, place, width=width, dark=dark)
            assert browser.ask("document.documentElement.scrollWidth <= innerWidth"), (place, width)
            browser.ask(AXE.read_text(encoding="utf-8") + ";0")
            faults = browser.ask(
                "axe.run(document).then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"
            )
            assert faults == [], (place, width, faults)
