"""Tables, exponents and picture of the growth benchmark."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from growth_costs import Cost, Size

from recsmith.errors import require
from recsmith.report.spec import ACCENT, CARD, CONFIG, DOT, INK, MUTED, SCHEMA, WARM, Spec

DOCS = Path(__file__).resolve().parents[1] / "docs"
START, END = "<!-- benchmarks/growth.py writes from here -->", "<!-- growth: to here -->"
SMALLEST = 1.0
"""Millions from which exponents are fitted: below, constants weigh more."""
_SEEN = 0.02
"""GiB: what a fit takes less than is hidden by what compiling the kernels took before."""
_LIMIT = 12
_WIDTH, _HEIGHT, _LINE = 310, 330, 15
_TICKS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
_SHEETS = DOCS.parent / "src" / "recsmith" / "report"
Cell = dict[str, Any]


def line(cell: Cell) -> str:
    """Returns one cell in a line, for the terminal."""
    head = f"{cell['millions']:>5g} million  {cell['cell']:<16}"
    if "died" in cell:
        return f"{head} ended: {cell['died']}"
    steps = "  ".join(f"{name} {step['cpu_seconds']:.2f} s" for name, step in cell["steps"].items())
    refused = f"  refused: {cell['refused']}" if "refused" in cell else ""
    return f"{head} {steps}  at most {cell['peak_gib']:.2f} GiB{refused}"


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Returns b of the least-squares line log value = a + b log size; NaN for fewer than two."""
    if len(sizes) < 2:
        return float("nan")
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(values, 1e-9)), 1)[0])


def growth_of(cells: Sequence[Cell], value: Callable[[Cell], float], *, least: float = 0.0) -> float:
    """Returns the exponent of a value over the cells from `SMALLEST` on where it is more than `least`."""
    large = [cell for cell in cells if cell["millions"] >= SMALLEST and value(cell) > least]
    return exponent([cell["millions"] for cell in large], [value(cell) for cell in large])


def fitted(cells: Sequence[Cell], name: str) -> list[Cell]:
    """Returns the cells in which the model was fitted, the smallest size first."""
    mine = [cell for cell in cells if cell["cell"] == name and "fit" in cell["steps"]]
    return sorted(mine, key=lambda cell: float(cell["millions"]))


def taken(cell: Cell) -> float:
    """Returns the GiB that fitting had taken at most beyond Python and its libraries."""
    return float(cell["steps"]["fit"]["peak_gib"]) - float(cell["idle_gib"])


def model_rows(cells: Sequence[Cell], costs: Mapping[str, Cost]) -> list[str]:
    """Returns the table of the models."""
    millions = sorted({cell["millions"] for cell in cells if cell["kind"] == "model"})
    heads = [f"{size:g}" for size in millions]
    rows = [
        f"| model | fit: CPU s at {', '.join(heads)} M | grows as E^ | its docstring as E^ | that is "
        "| peak GiB | grows as E^ | its docstring as E^ | evaluate: CPU s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, cost in costs.items():
        mine = fitted(cells, name)
        if not mine:
            continue
        by_size = {cell["millions"]: cell for cell in mine}
        time, space = (
            (growth_of(mine, got, least=least), growth_of(mine, lambda cell, says=says: says(_size(cell))))
            for got, least, says in (
                (lambda c: c["steps"]["fit"]["cpu_seconds"], 0.0, cost.time),
                (taken, _SEEN, cost.memory),
            )
        )
        parts = [
            f"`{name}`",
            _listed(by_size, millions, lambda cell: cell["steps"]["fit"]["cpu_seconds"]),
            _power(time[0]),
            _power(time[1]),
            cost.says,
            _listed(by_size, millions, lambda cell: cell["peak_gib"]),
            _power(space[0]),
            _power(space[1]),
            _listed(by_size, millions, lambda cell: cell["steps"]["evaluate"]["cpu_seconds"]),
        ]
        rows.append(f"| {' | '.join(parts)} |")
    refusals = [cell for cell in cells if "refused" in cell]
    said = [f"`{cell['cell']}` at {cell['millions']:g} M: *{cell['refused']}*" for cell in refusals]
    return [*rows, "", "Refused before it started: " + " ".join(said)] if said else rows


def data_rows(cells: Sequence[Cell]) -> list[str]:
    """Returns the table of loading and splitting."""
    rows = [
        "| million | split | load and check | split | train matrix | test matrix | peak memory |",
        "|---|---|---|---|---|---|---|",
    ]
    largest = max(cell["millions"] for cell in cells)
    mine = [cell for cell in cells if cell["kind"] == "data" and "died" not in cell]
    for cell in sorted(mine, key=lambda cell: (float(cell["millions"]), cell["cell"] != "leave_last_out")):
        if cell["cell"] != "leave_last_out" and cell["millions"] != largest:
            continue
        times = [f"{step['cpu_seconds']:.2f} s" for step in cell["steps"].values()]
        title = cell["cell"].replace("_", " ")
        rows.append(f"| {cell['millions']:g} | {title} | {' | '.join(times)} | {cell['peak_gib']:.2f} GiB |")
    return rows


def write(cells: Sequence[Cell], costs: Mapping[str, Cost]) -> None:
    """Puts the tables between their marks in docs/results.md, and the picture beside it."""
    page = DOCS / "results.md"
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(START, 1)
    after = rest.split(END, 1)[1]
    tables = "\n".join([*data_rows(cells), "", *model_rows(cells, costs)])
    page.write_text(f"{before}{START}\n\n{tables}\n\n{END}{after}", encoding="utf-8")
    (DOCS / "images" / "growth.svg").write_text(picture(cells, costs), encoding="utf-8")


def picture(cells: Sequence[Cell], costs: Mapping[str, Cost]) -> str:
    """Returns both charts as one SVG, which follows its reader from light to dark."""
    curves = {name: fitted(cells, name) for name in costs}
    seconds = _chart(curves, costs, lambda c: c["steps"]["fit"]["cpu_seconds"], "CPU seconds of a fit", None)
    memory = _chart(curves, costs, lambda c: c["peak_gib"], "GiB at most, Python's own with it", _LIMIT)
    spec = {
        "$schema": SCHEMA,
        "hconcat": [seconds, memory],
        "spacing": 40,
        "config": {**CONFIG, "padding": {"left": 8, "top": 8, "bottom": 8, "right": 30}},
    }
    svg: str = require("vl_convert", extra="report").vegalite_to_svg(json.dumps(spec))
    return svg.replace(">", f">{_style()}", 1)


def _chart(
    curves: Mapping[str, Sequence[Cell]],
    costs: Mapping[str, Cost],
    value: Callable[[Cell], float],
    title: str,
    limit: float | None,
) -> Spec:
    points = [
        {
            "model": name,
            "millions": cell["millions"],
            "value": value(cell),
            "steep": _is_steep(costs[name], mine),
        }
        for name, mine in curves.items()
        for cell in mine
    ]
    low, high = (f(p["value"] for p in points) for f in (min, max))
    ends = [
        max((p for p in points if p["model"] == name), key=lambda p: p["millions"])
        for name in curves
        if curves[name]
    ]
    top, bottom = max(high, limit or high) * 1.3, low / 1.3
    named = _names(ends, bottom, top)
    x = {
        "field": "millions",
        "type": "quantitative",
        "title": "million interactions",
        "scale": {"type": "log", "domain": [0.08, 32]},
        "axis": {"values": [0.1, 1, 5, 25], "grid": True},
    }
    y = {
        "field": "value",
        "type": "quantitative",
        "title": title,
        "scale": {"type": "log", "domain": [bottom, top], "nice": False},
        "axis": {"grid": True, "values": _TICKS, "format": "~g"},
    }
    colour = {"condition": {"test": "datum.steep", "value": WARM}, "value": ACCENT}
    layers: list[Spec] = [
        {
            "data": {"values": points},
            "mark": {"type": "line", "strokeWidth": 1.5, "opacity": 0.7},
            "encoding": {"x": x, "y": y, "color": colour, "detail": {"field": "model"}},
        },
        {
            "data": {"values": points},
            "mark": {**DOT, "size": 45, "strokeWidth": 1},
            "encoding": {"x": x, "y": y, "color": colour, "stroke": {"value": CARD}},
        },
        {
            "data": {"values": named},
            "mark": {"type": "text", "align": "left", "dx": 8, "baseline": "middle", "color": INK},
            "encoding": {"x": x, "y": {**y, "field": "at"}, "text": {"field": "model"}},
        },
    ]
    if limit is not None:
        layers.append(
            {
                "data": {"values": [{"value": limit, "says": f"{limit:g} GiB"}]},
                "mark": {"type": "rule", "strokeDash": [4, 4], "color": MUTED},
                "encoding": {"y": y},
            }
        )
    return {"width": _WIDTH, "height": _HEIGHT, "layer": layers}


def _names(ends: Sequence[Mapping[str, Any]], bottom: float, top: float) -> list[Mapping[str, Any]]:
    """Returns the lines' names with the heights beside their last dots at which none covers another."""
    pixels = _HEIGHT / np.log(top / bottom)
    ordered = sorted(ends, key=lambda end: (float(end["millions"]), float(end["value"])))
    at = [float(np.log(end["value"] / bottom) * pixels) for end in ordered]
    for _ in range(200):
        for low in range(len(at) - 1):
            short = _LINE - (at[low + 1] - at[low])
            if short > 0 and ordered[low]["millions"] == ordered[low + 1]["millions"]:
                at[low], at[low + 1] = at[low] - short / 2, at[low + 1] + short / 2
        at = [min(max(height, 4.0), _HEIGHT - 4.0) for height in at]
    return [
        {**end, "at": bottom * float(np.exp(height / pixels))}
        for end, height in zip(ordered, at, strict=True)
    ]


def _is_steep(cost: Cost, cells: Sequence[Cell]) -> bool:
    """Says whether the docstring promises more than proportional growth of time."""
    return growth_of(cells, lambda cell: cost.time(_size(cell))) > 1.15


def _size(cell: Cell) -> Size:
    return Size(**{name: cell["shape"][name] for name in ("events", "users", "items", "squares")})


def _power(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}"


def _listed(by_size: Mapping[float, Cell], sizes: Sequence[float], value: Callable[[Cell], float]) -> str:
    return ", ".join(f"{value(by_size[size]):.3g}" if size in by_size else "–" for size in sizes)


def _style() -> str:
    """The colours of the report, light and dark, as variables of the picture."""
    light, dark = ((_SHEETS / f"{name}.css").read_text(encoding="utf-8") for name in ("style", "dark"))
    names = (INK, "var(--soft)", "var(--line)", CARD, ACCENT, WARM, MUTED)

    def of(sheet: str) -> str:
        wanted = (name[4:-1] for name in names)
        return " ".join(f"{v}: {sheet.split(f'{v}:', 1)[1].split(';', 1)[0].strip()};" for v in wanted)

    on_dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {of(dark)} }} }}"
    return f"<style>:root {{ {of(light)} }} {on_dark}</style>"
