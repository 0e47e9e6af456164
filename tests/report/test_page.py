"""The page holds what it was given, escapes it, asks the network for nothing, and is written whole."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from recsmith.errors import MissingExtra
from recsmith.report import Page, build, write

SECTIONS = {
    "leaderboard": "leaderboard",
    "ratings": "ratings",
    "people": "people",
    "comparisons": "comparisons",
    "search": "search",
    "map": "item_map",
    "crosstab": "crosstab",
    "curves": "curves",
    "data": "profile",
    "recipe": "recipe",
    "environment": "environment",
}
VOID = {"meta", "link", "input", "br", "img", "line", "rect", "circle"}


class Outline(HTMLParser):
    """Collects elements, checks that they nest, and keeps scripts apart."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
        elif self._open and self._open[-1] != "style":
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.elements if "id" in attrs]


@pytest.fixture
def outline(page: Page) -> Outline:
    return Outline(build(page))


def test_every_section_given_is_there_and_in_the_index(outline: Outline):
    sections = [attrs["id"] for attrs in outline.all("section")]
    assert set(SECTIONS) < set(sections)
    links = [attrs["href"] for attrs in outline.all("a") if attrs["href"].startswith("#")]
    assert [f"#{name}" for name in sections] == [href for href in links if href not in ("#content", "#top")]
    assert len(outline.ids) == len(set(outline.ids))
    # Each section is named by its own heading.
    assert all(attrs["aria-labelledby"] in outline.ids for attrs in outline.all("section"))


@pytest.mark.parametrize(("section", "name"), SECTIONS.items())
def test_a_section_without_data_is_not_shown(page: Page, section: str, name: str):
    empty = type(getattr(page, name))() if name in ("people", "comparisons", "curves", "recipe") else None
    outline = Outline(build(replace(page, **{name: empty})))
    assert section not in outline.ids
    assert f"#{section}" not in [attrs.get("href") for attrs in outline.all("a")]


def test_a_page_with_a_header_alone_has_no_chart_and_no_chart_library(page: Page):
    html = build(Page(header=page.header))
    outline = Outline(html)
    assert outline.all("section") == []
    assert len(html) < 60_000
    assert "chart-data" not in outline.ids


def test_every_chart_has_its_place_its_label_and_its_data(outline: Outline):
    places = [attrs for attrs in outline.all("div") if "data-chart" in attrs]
    holder = next(text for attrs, text in outline.scripts if attrs.get("id") == "chart-data")
    charts = json.loads(holder)["charts"]
    assert sorted(charts) == sorted(attrs["id"] for attrs in places)
    assert all(attrs["aria-label"] for attrs in places)


def test_a_hostile_title_stays_text(page: Page):
    html = build(page)
    outline = Outline(html)
    assert "<script>alert" not in html
    assert outline.all("img") == []
    assert "".join(outline.text).count("<script>alert('x')</script>") >= 6
    assert len(outline.scripts) == 3


def test_nothing_is_loaded_from_anywhere(page: Page):
    outline = Outline(build(page))
    for tag, attrs in outline.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = attrs.get(name) or ""
            assert value == "" or value.startswith(("#", "data:")), (tag, name, value)
    style = re.search(r"<style>(.*?)</style>", build(page), re.S)[1]
    assert "@import" not in style
    assert "url(" not in style
    own = outline.scripts[-1][1]
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|sendBeacon|importScripts)\b", own)


def test_the_policy_allows_the_built_in_scripts_and_nothing_else(page: Page):
    html = build(page)
    outline = Outline(html)
    policy = next(
        attrs["content"]
        for attrs in outline.all("meta")
        if attrs.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    # The hashes are of the scripts as they stand in the page.
    runnable = [text for attrs, text in outline.scripts if attrs.get("type") != "application/json"]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in runnable]
    assert rules["script-src"] == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert "unsafe-eval" not in policy


def test_the_page_is_small_and_the_same_every_time(page: Page):
    html = build(page)
    assert len(html.encode()) < 3_000_000
    assert html == build(page)


def test_figures_and_verdicts_are_in_the_page(outline: Outline):
    text = " ".join(" ".join(outline.text).split())
    assert "EASE leads on NDCG@10 with 0.310" in text
    assert "EASE is better" in text
    assert "because you liked" in text
    assert "Too good to be true. Seen items were recommended" in text
    assert "2 users left out." in text
    assert "2 January 2026, 03:04 UTC" in text
    assert "new to the model" in text
    assert "Nothing to recommend" in text
    assert (
        "1 items, 20.0 % of those taken at all, hold half of all interactions. 1 more were never taken."
        in text
    )


def test_the_best_of_each_metric_is_marked(outline: Outline):
    best = [attrs["data-value"] for attrs in outline.all("td") if attrs.get("class") == "best"]
    assert best == ["0.31", "0.2", "0.9", "0.9"]


def test_a_search_shows_its_trials_the_best_first(page: Page):
    html = build(page)
    text = " ".join(" ".join(Outline(html).text).split())
    assert "3 judged to the end, 1 ended early, 1 failed." in text
    assert "0.2900 – 0.3100" in text and "pruned" in text
    rows = re.findall(r'<th scope="row" data-value="(\d+)">', html)
    assert rows == ["2", "0", "1", "3", "4"]
    bare = replace(page.search, importances={}, trials=page.search.trials[3:])
    assert "Trial by trial" not in build(replace(page, search=bare))


def test_one_model_alone_has_a_table_and_no_chart(page: Page):
    outline = Outline(build(page))
    assert "FunkSVD reaches RMSE 0.900." in " ".join(outline.text)
    assert "chart-leaderboard" in outline.ids
    assert "chart-ratings" not in outline.ids


def test_no_warning_is_no_box(page: Page):
    assert "Too good to be true" not in build(
        replace(page, leaderboard=replace(page.leaderboard, warnings=()))
    )


def test_nothing_refused_is_said_and_unknown_is_not(page: Page):
    assert "Every row was accepted" in build(replace(page, profile=replace(page.profile, refused={})))
    assert "Every row was accepted" not in build(replace(page, profile=replace(page.profile, refused=None)))


def test_a_long_list_is_folded_after_five(page: Page):
    picks = [replace(page.people[0].picks[0], title=f"Title {n}", hit=False) for n in range(1, 8)]
    outline = Outline(build(replace(page, people=[replace(page.people[0], picks=picks)])))
    assert [attrs.get("start") for attrs in outline.all("ol")][1:] == [None, "6"]
    assert [n for n in range(1, 8) if f"Title {n}" in outline.text] == [1, 2, 3, 4, 5, 6, 7]
    assert "2 more" in outline.text


@pytest.mark.parametrize("absent", ["jinja2", "vl_convert"])
def test_a_missing_extra_names_its_install_line(page: Page, monkeypatch, absent: str):
    from recsmith.report import page as module

    module._vega.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, absent, None)
    with pytest.raises(MissingExtra, match=r"pip install 'recsmith\[report\]'"):
        build(page)


def test_the_page_is_written_whole_in_a_new_folder(page: Page, tmp_path):
    target = write(page, tmp_path / "new" / "report.html")
    assert target.read_text(encoding="utf-8") == build(page)
    assert [path.name for path in target.parent.iterdir()] == ["report.html"]


def test_a_failed_write_leaves_the_old_page(page: Page, tmp_path, monkeypatch):
    target = tmp_path / "report.html"
    target.write_text("old", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recsmith.storage.os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        write(page, target)
    assert target.read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
