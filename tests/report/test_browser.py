"""The page in a real browser: charts drawn, controls at work, nothing asked of the network, nothing logged.

Speaks the DevTools protocol to a headless Chromium over two pipes, so it needs nothing but the browser.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from recsmith.report import Page, write

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (or Chrome) on the PATH")

QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-pipe",
]
PATIENCE = 60.0


class Browser:
    """Is one headless browser with one tab; keeps every event that the tab reports."""

    def __init__(self, profile: str) -> None:
        (down_end, self._down), (self._up, up_end) = os.pipe(), os.pipe()
        # The protocol's pipes are file descriptors 3 and 4 of the browser; first out of their way.
        theirs = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (down_end, up_end)]
        self._pid = os.posix_spawn(
            str(CHROMIUM),
            [str(CHROMIUM), *QUIET, f"--user-data-dir={profile}", "about:blank"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs[0], 3),
                (os.POSIX_SPAWN_DUP2, theirs[1], 4),
                *((os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_WRONLY, 0) for stream in (1, 2)),
            ],
        )
        for end in (down_end, up_end, *theirs):
            os.close(end)
        os.set_blocking(self._up, False)
        self._unread, self._last, self._session = b"", 0, None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        number = self._last
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._down, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for answer in self._read():
                if answer.get("id") == number:
                    assert "error" not in answer, answer
                    return answer["result"]
                self.events.append(answer)
            time.sleep(0.005)
        raise AssertionError(f"the browser did not answer {method}")

    def _read(self) -> list[dict[str, Any]]:
        try:
            self._unread += os.read(self._up, 1 << 20)
        except BlockingIOError:
            return []
        *whole, self._unread = self._unread.split(b"\0")
        return [json.loads(message) for message in whole]

    def ask(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> None:
        until = time.monotonic() + PATIENCE
        while not self.ask(expression):
            assert time.monotonic() < until, f"never came true: {expression}"
            time.sleep(0.02)

    def open(self, url: str, *, width: int, dark: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=url)
        self.wait_for("document.documentElement?.dataset.drawn === 'yes'")

    def requests(self) -> list[str]:
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def complaints(self) -> list[str]:
        said = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event["params"])[:500] for event in self.events if event["method"] in said]

    def close(self) -> None:
        os.kill(self._pid, signal.SIGTERM)
        os.waitpid(self._pid, 0)
        os.close(self._down)
        os.close(self._up)


@pytest.fixture
def browser(tmp_path) -> Iterator[Browser]:
    opened = Browser(str(tmp_path / "profile"))
    yield opened
    opened.close()


@pytest.fixture
def url(page: Page, tmp_path) -> str:
    return write(page, tmp_path / "report.html").as_uri()


def test_the_page_draws_itself_alone_and_in_silence(browser: Browser, url: str):
    browser.open(url, width=1280)
    drawn = (
        "[...document.querySelectorAll('[data-chart]')].map(e => [e.id, !!e.querySelector('svg *, canvas')])"
    )
    charts = dict(browser.ask(drawn))
    assert len(charts) >= 10
    assert all(charts.values()), charts
    # A hostile title did not run, on the page or in a chart.
    assert "<script>alert('x')</script>" in browser.ask("document.body.innerText")
    assert browser.ask("document.querySelectorAll('img').length") == 0

    # Controls: the metric, the kind of cell, the found title, a genre, zoom, theme, order of the table.
    marks = "document.querySelectorAll('#chart-leaderboard .mark-symbol path').length"
    assert browser.ask(marks) == 3
    browser.ask("document.querySelector('input[value=\"RMSE\"]').click()")
    browser.wait_for(f"{marks} === 2")
    browser.ask("document.querySelector('input[value=\"error\"]').click()")
    browser.wait_for("document.querySelector('#chart-crosstab').textContent.includes('+')")
    assert browser.ask("getComputedStyle(document.querySelector('[data-when=error]')).display") != "none"
    browser.ask(
        "{const f = document.querySelector('input[type=search]'); f.value = 'plain';"
        " f.dispatchEvent(new Event('input', {bubbles: true}))}"
    )
    browser.ask(
        "document.querySelector('.chip').click(); document.querySelector('[data-zoom=\"0.6\"]').click()"
    )
    assert browser.ask("document.querySelector('.chip').getAttribute('aria-pressed')") == "true"
    browser.ask("document.querySelector('.board thead th:first-child button').click()")
    assert (
        browser.ask("document.querySelector('.board tbody th').textContent") == "<script>alert('x')</script>"
    )
    ground = "getComputedStyle(document.body).backgroundColor"
    light = browser.ask(ground)
    browser.ask("document.querySelector('.theme').click()")
    assert browser.ask(ground) != light
    browser.ask("new Promise(done => setTimeout(done, 300))")

    assert browser.complaints() == []
    assert [sent for sent in browser.requests() if not sent.startswith(("file:", "data:", "about:"))] == []


def test_the_page_fits_a_phone_and_follows_the_system(browser: Browser, url: str):
    browser.open(url, width=390, dark=True)
    assert browser.ask("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    too_wide = (
        "[...document.querySelectorAll('[data-chart]')].filter(e => "
        "e.querySelector('svg, canvas').getBoundingClientRect().width > e.clientWidth + 1).map(e => e.id)"
    )
    assert browser.ask(too_wide) == []
    assert browser.ask("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert browser.complaints() == []
