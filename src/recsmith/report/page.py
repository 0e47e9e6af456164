"""Builds the report: content in, one self-contained HTML page out, which asks the network for nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from recsmith.errors import require
from recsmith.report import charts, data_charts, search_charts, view, words
from recsmith.report.content import Leaderboard, Page
from recsmith.report.item_map import OTHER, item_map
from recsmith.report.spec import CONFIG, Spec
from recsmith.storage import file_aside

_EXTRA = "report"
_VEGA_LITE = "6"  # the grammar that `spec.SCHEMA` names


def write(page: Page, path: str | Path) -> Path:
    """Writes the page to `path` as a whole or not at all, and returns the path.

    Raises `MissingExtra` without jinja2 or vl-convert-python.
    """
    target = Path(path)
    html = build(page)
    with file_aside(target) as aside:
        aside.write_text(html, encoding="utf-8", newline="\n")
    return target


def build(page: Page) -> str:
    """Returns the page as HTML; the same content gives the same text.

    Every text of the content is escaped, and the page's security policy lets only the scripts run that are
    built in, named by their hash: a title from a hostile catalogue stays a title. Raises as `write`.
    """
    jinja2 = require("jinja2", extra=_EXTRA)
    from markupsafe import Markup  # comes with jinja2

    sections = [section for make in _SECTIONS if (section := make(page)) is not None]
    specs = {name: spec for section in sections for name, spec in section.charts.items()}
    scripts = [*([_vega()] if specs else []), _in_script(_asset("page.js"))]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("recsmith.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        header=page.header,
        made_at=words.moment(page.header.made_at),
        tiles=page.tiles,
        sections=sections,
        policy=_policy(scripts),
        style=Markup(_style()),
        scripts=[Markup(script) for script in scripts],
        chart_data=Markup(_json({"config": CONFIG, "charts": specs})) if specs else "",
    )


@dataclass(frozen=True)
class _Section:
    """Is one section: its anchor, its name in the index, its template's data and its charts by element id."""

    id: str
    name: str
    view: Any
    charts: dict[str, Spec] = field(default_factory=dict)
    own_template: str = ""

    @property
    def template(self) -> str:
        return self.own_template or f"{self.id}.html.j2"


def _leaderboard(page: Page) -> _Section | None:
    return _board("leaderboard", "Leaderboard", page.leaderboard)


def _ratings(page: Page) -> _Section | None:
    return _board("ratings", "Ratings", page.ratings)


def _board(anchor: str, name: str, content: Leaderboard | None) -> _Section | None:
    if content is None:
        return None
    chart = f"chart-{anchor}"
    # One model alone has nobody to be set beside.
    specs = {chart: charts.leaderboard(content)} if len(content.results) > 1 else {}
    title = "Results" if anchor == "leaderboard" and not specs else name
    shown = {**view.board(content), "anchor": anchor, "name": title, "chart": chart if specs else ""}
    return _Section(anchor, title, shown, specs, "leaderboard.html.j2")


def _tradeoff(page: Page) -> _Section | None:
    content = page.leaderboard
    if content is None:
        return None
    others = [
        m for m in content.metrics if m.split("@")[0] in ("Coverage", "Novelty") and m != content.primary
    ]
    others = [m for m in others if len(set(content.ranked(m)) & set(content.ranked(content.primary))) > 1]
    specs = {f"chart-tradeoff-{n}": charts.tradeoff(content, metric) for n, metric in enumerate(others)}
    shown = {"primary": content.primary, "panels": list(zip(specs, others))}
    return _Section("tradeoff", "Trade-offs", shown, specs) if others else None


def _comparisons(page: Page) -> _Section | None:
    return _Section("comparisons", "Paired tests", view.duels(page.comparisons)) if page.comparisons else None


def _people(page: Page) -> _Section | None:
    palette = view.colours(page)
    people = [view.person(person, palette) for person in page.people]
    return _Section("people", "Recommendations", people) if people else None


def _item_map(page: Page) -> _Section | None:
    if page.item_map is None or page.item_map.items.is_empty():
        return None
    palette = view.colours(page)
    spec = item_map(page.item_map, palette)
    rows = spec["data"]["values"]
    groups = [
        *palette.items(),
        *([(OTHER, "var(--cat-other)")] if any(r["group"] == OTHER for r in rows) else []),
    ]
    shown = {
        "groups": groups,
        "model": page.item_map.model,
        "method": page.item_map.method,
        "n": words.count(len(rows)),
        "n_all": words.count(page.item_map.items.height),
    }
    return _Section("map", "Item map", shown, {"chart-map": spec})


def _crosstab(page: Page) -> _Section | None:
    table = page.crosstab
    if table is None or not len(table.user_ids) or not len(table.titles):
        return None
    kinds = ["actual", *(["predicted", "error"] if table.predicted is not None else [])]
    shown = {
        "kinds": kinds,
        "model": table.model,
        "n_users": len(table.user_ids),
        "n_items": len(table.titles),
    }
    return _Section("crosstab", "Cross table", shown, {"chart-crosstab": data_charts.crosstab(table)})


def _crosses(page: Page) -> _Section | None:
    content = page.crosses
    if content is None or not len(content.names):
        return None
    shown = {"model": content.model, "n": len(content.names), "strongest": view.strongest_crosses(content)}
    return _Section("crosses", "Feature crosses", shown, {"chart-crosses": data_charts.crosses(content)})


def _search(page: Page) -> _Section | None:
    content = page.search
    if content is None or not content.trials:
        return None
    specs = {"chart-search-history": search_charts.history(content)} if content.best is not None else {}
    if content.importances:
        specs["chart-search-importances"] = search_charts.importances(content)
    panels = []
    for number, (name, spec) in enumerate(search_charts.slices(content).items() if content.best else ()):
        specs[f"chart-search-{number}"] = spec
        panels.append((f"chart-search-{number}", name))
    return _Section("search", "Search", {**view.search(content), "panels": panels}, specs)


def _curves(page: Page) -> _Section | None:
    panels = [
        (f"chart-curve-{n}-{m}", curve.model, kind, spec)
        for n, curve in enumerate(page.curves)
        for m, (kind, spec) in enumerate(charts.learning_curves(curve).items())
    ]
    shown = [{"id": name, "model": model, "kind": kind} for name, model, kind, _ in panels]
    return (
        _Section("curves", "Learning curves", shown, {name: spec for name, _, _, spec in panels})
        if panels
        else None
    )


def _profile(page: Page) -> _Section | None:
    content = page.profile
    if content is None:
        return None
    specs = {}
    if (content.item_counts > 0).any():
        specs["chart-tail"] = data_charts.long_tail(content)
    if content.user_counts is not None and len(content.user_counts):
        specs["chart-activity"] = data_charts.activity(content)
    if content.weights:
        specs["chart-weights"] = data_charts.weights(content)
    if content.months:
        specs["chart-months"] = data_charts.months(content)
    shown = {**view.profile(content), "weight_name": content.weight_name, "charts": list(specs)}
    return _Section("data", "Data", shown, specs)


def _recipe(page: Page) -> _Section | None:
    return (
        _Section("recipe", "Recipe", words.highlighted(page.recipe.strip())) if page.recipe.strip() else None
    )


def _environment(page: Page) -> _Section | None:
    content = page.environment
    if content is None:
        return None
    specs = {"chart-timings": charts.timings(content)} if content.timings else {}
    total = words.seconds(sum(t.seconds for t in content.timings)) if content.timings else ""
    return _Section("environment", "Environment", {"facts": dict(content.facts), "total": total}, specs)


_SECTIONS: tuple[Callable[[Page], _Section | None], ...] = (
    _search,
    _leaderboard,
    _tradeoff,
    _comparisons,
    _ratings,
    _people,
    _item_map,
    _crosstab,
    _crosses,
    _curves,
    _profile,
    _recipe,
    _environment,
)


@functools.cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script, from the copy inside vl-convert: no download."""
    convert = require("vl_convert", extra=_EXTRA)
    ours = [version for version in convert.get_vegalite_versions() if version.split(".")[0] == _VEGA_LITE]
    newest = max(ours, key=lambda version: int(version.split(".")[1]))
    return _in_script(convert.javascript_bundle(vl_version=newest))


def _asset(name: str) -> str:
    return resources.files("recsmith.report").joinpath(name).read_text(encoding="utf-8")


def _style() -> str:
    """The style sheet, the dark colours set in twice: for the system's wish and for the reader's."""
    dark = _asset("dark.css")
    both = (
        f'@media screen and (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {dark} }} }}\n'
        f'@media screen {{ :root[data-theme="dark"] {{ {dark} }} }}'
    )
    return _asset("style.css").replace("/* dark.css: here */", both)


def _in_script(text: str) -> str:
    """Keeps a script from ending its own element."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _json(value: Any) -> str:
    """JSON that is safe inside a script element, whatever titles it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    escapes: dict[str, str | int | None] = {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
    return text.translate(str.maketrans(escapes))


def _policy(scripts: list[str]) -> str:
    """The content security policy: nothing from outside, no eval, and only these scripts."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
