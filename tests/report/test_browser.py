"""The page in a real browser: charts drawn, controls at work, nothing asked of the network or logged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browser import BROWSER, Browser
from recsmith.report import Page, write

pytestmark = BROWSER


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
