"""The report's charts as Vega-Lite specifications: one function a chart, content in, plain dict out.

Colours are CSS variables ("var(--ink)"), so a chart follows the page from light to dark by itself; the variables stand in
`style.css`. Charts carry no titles (the page has headings) and take the width of their place on the page. A `params` entry
without `bind` is set by a control of the page (`page.js`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recsmith.report.content import Crosstab, Curve, DataProfile, Environment, Leaderboard

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
INK, SOFT, LINE, CARD = "var(--ink)", "var(--soft)", "var(--line)", "var(--card)"
ACCENT, ACCENT_SOFT, WARM, MUTED = "var(--accent)", "var(--accent-soft)", "var(--warm)", "var(--muted)"

CONFIG: Spec = {
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "ticks": False,
        "grid": False,
        "gridColor": LINE,
        "gridWidth": 1,
        "labelColor": SOFT,
        "labelFontSize": 12,
        "labelPadding": 8,
        "titleColor": SOFT,
        "titleFontSize": 12,
        "titleFontWeight": 400,
        "titlePadding": 10,
    },
    "legend": {
        "labelColor": SOFT,
        "titleColor": SOFT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "orient": "top",
    },
    "text": {"color": INK, "fontSize": 12},
    "point": {"filled": True},
}


def leaderboard(board: Leaderboard) -> Spec:
    """Draws each model's value and interval for one metric, best on top; the page sets `metric`."""
    rows = []
    for metric in board.metrics:
        for rank, model in enumerate(board.ranked(metric)):
            figures = board.results[model][metric]
            rows.append(
                {
                    "metric": metric,
                    "model": model,
                    "rank": rank,
                    "value": figures["value"],
                    "low": figures.get("low"),
                    "high": figures.get("high"),
                }
            )
    y = {
        "field": "model",
        "type": "nominal",
        "sort": {"field": "rank", "op": "min"},
        "title": None,
        "axis": {"labelColor": INK, "labelFontSize": 13, "labelLimit": 130, "grid": True, "gridDash": [1, 3]},
    }
    colour = {"condition": {"test": "datum.rank === 0", "value": ACCENT}, "value": MUTED}
    tooltip = [
        _tip("model", "Model"),
        _tip("value", "Value", ".4f"),
        _tip("low", "95 % from", ".4f"),
        _tip("high", "to", ".4f"),
    ]
    x_axis = {
        "axis": {"format": "~g", "tickCount": 5, "grid": True},
        "title": None,
        "scale": {"zero": False, "nice": True},
    }
    return _spec(
        rows,
        height={"step": 30},
        params=[{"name": "metric", "value": board.primary}],
        transform=[{"filter": "datum.metric === metric"}],
        encoding={"y": y, "color": colour, "tooltip": tooltip},
        layer=[
            {
                "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
                "mark": {"type": "rule", "strokeWidth": 5, "strokeCap": "round", "opacity": 0.35},
                "encoding": {
                    "x": {"field": "low", "type": "quantitative", **x_axis},
                    "x2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "point", "size": 90, "opacity": 1, "stroke": CARD, "strokeWidth": 2},
                "encoding": {"x": {"field": "value", "type": "quantitative", **x_axis}},
            },
        ],
    )


def tradeoff(board: Leaderboard, against: str) -> Spec:
    """Sets the deciding metric (upwards) against another, such as Coverage@10 (to the right), a named dot a model."""
    models = [m for m in board.ranked(board.primary) if m in set(board.ranked(against))]
    points = [
        (float(board.results[m][against]["value"] or 0), float(board.results[m][board.primary]["value"] or 0))
        for m in models
    ]
    shifts = _spread_labels(points)
    spans = [(min(column), max(column)) for column in zip(*points)] or [(0.0, 1.0), (0.0, 1.0)]
    rows = []
    for place, (model, (x, y), shift) in enumerate(zip(models, points, shifts)):
        right_half = x > sum(spans[0]) / 2
        rows.append({"model": model, "x": x, "y": y, "best": place == 0, "shift": shift, "left": right_half})
    down = [
        {
            "field": "y",
            "type": "quantitative",
            "title": board.primary,
            "axis": {"format": "~g", "tickCount": 5, "grid": True},
            "scale": {"zero": False, "nice": True},
        }
    ]
    x = {
        "field": "x",
        "type": "quantitative",
        "title": f"{against} →",
        "axis": {"format": "~g", "tickCount": 5, "grid": True},
        "scale": {"zero": False, "nice": True, "padding": 16},
    }
    y = {**down[0], "title": f"{board.primary} →", "scale": {"zero": False, "nice": True, "padding": 16}}
    colour = {"condition": {"test": "datum.best", "value": ACCENT}, "value": MUTED}
    ink = {"condition": {"test": "datum.best", "value": ACCENT}, "value": INK}
    tooltip = [_tip("model", "Model"), _tip("y", board.primary, ".4f"), _tip("x", against, ".4f")]
    names = [
        {
            "transform": [{"filter": f"datum.left === {left} && datum.shift === {shift}"}],
            "mark": {"type": "text", "align": align, "dx": dx, "dy": shift, "baseline": "middle"},
            "encoding": {"text": {"field": "model"}, "color": ink},
        }
        for left, align, dx in (("true", "right", -10), ("false", "left", 10))
        for shift in sorted({row["shift"] for row in rows if str(row["left"]).lower() == left})
    ]
    return _spec(
        rows,
        height=300,
        encoding={"x": x, "y": y, "tooltip": tooltip},
        layer=[
            {
                "mark": {"type": "point", "size": 110, "opacity": 1, "stroke": CARD, "strokeWidth": 2},
                "encoding": {"color": colour},
            },
            *names,
        ],
    )


def learning_curves(curve: Curve) -> dict[str, Spec]:
    """Draws a panel for each kind of figure in a learning curve: `rmse` and `validation_rmse` share one."""
    names = list(dict.fromkeys(name for entry in curve.history for name in entry if name != "epoch"))
    panels: dict[str, list[str]] = {}
    for name in names:
        panels.setdefault(name.rsplit("_", 1)[-1], []).append(name)
    return {kind: _curve_panel(curve, kind, members) for kind, members in panels.items()}


def _curve_panel(curve: Curve, kind: str, members: Sequence[str]) -> Spec:
    rows = [
        {"epoch": entry.get("epoch", place), "figure": name, "value": entry[name]}
        for place, entry in enumerate(curve.history)
        for name in members
        if name in entry and np.isfinite(entry[name])
    ]
    several = len(members) > 1
    scale = {"domain": list(members), "range": [ACCENT, WARM, MUTED, INK][: len(members)]}
    colour: Spec = {
        "field": "figure",
        "type": "nominal",
        "title": None,
        "scale": scale,
        "legend": {"symbolType": "stroke", "symbolStrokeWidth": 3} if several else None,
    }
    whole = all(float(row["epoch"]).is_integer() for row in rows)
    return _spec(
        rows,
        height=190,
        encoding={
            "x": {
                "field": "epoch",
                "type": "quantitative",
                "title": "epoch",
                "axis": {"tickMinStep": 1 if whole else 0, "tickCount": 5, "format": "~g"},
                "scale": {"nice": False},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": kind,
                "scale": {"zero": False},
                "axis": {"grid": True, "tickCount": 4, "format": "~g"},
            },
            "color": colour,
            "tooltip": [_tip("epoch", "Epoch"), _tip("figure", "Figure"), _tip("value", "Value", ".4f")],
        },
        layer=[
            {"mark": {"type": "line", "strokeWidth": 2.5, "strokeCap": "round", "strokeJoin": "round"}},
            {"mark": {"type": "point", "size": 160, "opacity": 0}},
            {
                "transform": [
                    {
                        "window": [{"op": "row_number", "as": "back"}],
                        "groupby": ["figure"],
                        "sort": [{"field": "epoch", "order": "descending"}],
                    },
                    {"filter": "datum.back === 1"},
                ],
                "mark": {"type": "point", "size": 70, "opacity": 1},
            },
        ],
    )


def long_tail(profile: DataProfile) -> Spec:
    """Draws the items from most to least taken; those that hold the first half of all interactions stand out."""
    counts = np.sort(profile.item_counts[profile.item_counts > 0])[::-1].astype(np.int64)
    ranks = _thinned(len(counts))
    half = _half_rank(counts)
    rows = [{"rank": int(r) + 1, "count": int(counts[r])} for r in ranks]
    x = {
        "field": "rank",
        "type": "quantitative",
        "title": "items, most taken first",
        "axis": {"format": "~s", "tickCount": 5},
        "scale": {"nice": False, "domain": [1, max(len(counts), 2)]},
    }
    y = {
        "field": "count",
        "type": "quantitative",
        "title": "interactions",
        "axis": {"grid": True, "tickCount": 4, "format": "~s"},
    }
    tooltip = [_tip("rank", "Place", ","), _tip("count", "Interactions", ",")]
    return _spec(
        rows,
        height=210,
        encoding={"x": x, "y": y, "tooltip": tooltip},
        layer=[
            {"mark": {"type": "area", "color": MUTED, "opacity": 0.3, "line": False}},
            {
                "transform": [{"filter": f"datum.rank <= {half}"}],
                "mark": {"type": "area", "color": ACCENT, "opacity": 0.85},
            },
            {"mark": {"type": "line", "color": ACCENT, "strokeWidth": 1.5}},
        ],
    )


def weights(profile: DataProfile) -> Spec:
    """Draws how often each rating was given."""
    rows = [{"weight": weight, "count": count} for weight, count in sorted((profile.weights or {}).items())]
    return _spec(
        rows,
        height=210,
        encoding={
            "x": {
                "field": "weight",
                "type": "ordinal",
                "title": profile.weight_name.lower(),
                "axis": {"labelAngle": 0, "format": "~g", "labelOverlap": True},
            },
            "y": {
                "field": "count",
                "type": "quantitative",
                "title": "interactions",
                "axis": {"grid": True, "tickCount": 4, "format": "~s"},
            },
            "tooltip": [_tip("weight", profile.weight_name, "~g"), _tip("count", "Interactions", ",")],
        },
        mark={"type": "bar", "color": ACCENT, "opacity": 0.85, "cornerRadiusEnd": 3, "width": {"band": 0.78}},
    )


def activity(profile: DataProfile) -> Spec:
    """Draws how many users have how many interactions, in bins that double."""
    counts = np.asarray(profile.user_counts if profile.user_counts is not None else [], dtype=np.int64)
    power = np.floor(np.log2(np.maximum(counts[counts > 0], 1))).astype(int)
    rows = [
        {"bin": _bin_name(p), "from": 2 ** int(p), "users": int(n)}
        for p, n in zip(*np.unique(power, return_counts=True))
    ]
    return _spec(
        rows,
        height=210,
        encoding={
            "x": {
                "field": "bin",
                "type": "ordinal",
                "title": "interactions of a user",
                "sort": {"field": "from"},
                "axis": {"labelAngle": 0, "labelOverlap": "parity"},
            },
            "y": {
                "field": "users",
                "type": "quantitative",
                "title": "users",
                "axis": {"grid": True, "tickCount": 4, "format": "~s"},
            },
            "tooltip": [_tip("bin", "Interactions"), _tip("users", "Users", ",")],
        },
        mark={"type": "bar", "color": ACCENT, "opacity": 0.85, "cornerRadiusEnd": 3, "width": {"band": 0.78}},
    )


def months(profile: DataProfile) -> Spec:
    """Draws the interactions of each month."""
    rows = [
        {"month": month.isoformat(), "count": count}
        for month, count in sorted((profile.months or {}).items())
    ]
    return _spec(
        rows,
        height=210,
        encoding={
            "x": {
                "field": "month",
                "type": "temporal",
                "title": None,
                "timeUnit": "utcyearmonth",
                "axis": {"format": "%Y", "tickCount": 6},
                "scale": {"type": "utc"},
            },
            "y": {
                "field": "count",
                "type": "quantitative",
                "title": "interactions a month",
                "axis": {"grid": True, "tickCount": 4, "format": "~s"},
            },
            "tooltip": [
                {**_tip("month", "Month"), "type": "temporal", "timeUnit": "utcyearmonth", "format": "%B %Y"},
                _tip("count", "Interactions", ","),
            ],
        },
        mark={"type": "bar", "color": ACCENT, "opacity": 0.85, "width": {"band": 0.9}},
    )


def crosstab(table: Crosstab) -> Spec:
    """Draws titles down, users across, a cell each coloured by its figure; the page sets `show` (actual | predicted | error)."""
    shown = {"actual": table.actual, "predicted": table.predicted, "error": table.error}
    both = np.concatenate([m[np.isfinite(m)] for m in (table.actual, table.predicted) if m is not None])
    span = (float(both.min()), float(both.max())) if both.size else (0.0, 1.0)
    reach = max(float(np.nanmax(np.abs(table.error))) if _any(table.error) else 1.0, 1e-9)
    rows = []
    for kind, matrix in shown.items():
        if matrix is None:
            continue
        for (user, item), value in np.ndenumerate(matrix):
            known = bool(np.isfinite(value))
            low, high, ramp = (-reach, reach, "div") if kind == "error" else (*span, "heat")
            step = _step(float(value), low, high) if known else None
            rows.append(
                {
                    "show": kind,
                    "u": user,
                    "i": item,
                    "user": table.user_ids[user],
                    "title": table.titles[item],
                    "value": round(float(value), 2) if known else None,
                    "text": _cell_text(float(value), kind) if known else "",
                    "fill": "transparent" if step is None else f"var(--{ramp}-{step})",
                    "ink": INK if step is None else f"var(--{ramp}-ink-{step})",
                }
            )
    y = {"field": "i", "type": "ordinal", "title": None, "axis": _label_axis(table.titles, "left")}
    x = {
        "field": "u",
        "type": "ordinal",
        "title": "user",
        "axis": {
            **_label_axis(table.user_ids, "top"),
            "titlePadding": 4,
            "labelOverlap": False,
            "labelAngle": {"expr": "width < 420 ? -90 : 0"},
            "labelAlign": {"expr": "width < 420 ? 'left' : 'center'"},
            "labelBaseline": {"expr": "width < 420 ? 'middle' : 'bottom'"},
        },
    }
    tooltip = [_tip("title", "Title"), _tip("user", "User"), {**_tip("value", "Value", ".2f")}]
    return _spec(
        rows,
        height={"step": 28},
        params=[{"name": "show", "value": "actual"}],
        transform=[{"filter": "datum.show === show"}],
        encoding={"x": x, "y": y, "tooltip": tooltip},
        layer=[
            {
                "mark": {"type": "rect", "cornerRadius": 3, "stroke": CARD, "strokeWidth": 2},
                "encoding": {"fill": {"field": "fill", "type": "nominal", "scale": None}},
            },
            {
                "mark": {"type": "text", "fontSize": 11, "opacity": {"expr": "width < 420 ? 0 : 1"}},
                "encoding": {
                    "text": {"field": "text"},
                    "color": {"field": "ink", "type": "nominal", "scale": None},
                },
            },
        ],
    )


def timings(environment: Environment) -> Spec:
    """Draws the seconds of each model's steps, end to end."""
    steps = list(dict.fromkeys(t.step for t in environment.timings))
    rows = [
        {"model": t.model, "step": t.step, "seconds": t.seconds, "order": steps.index(t.step)}
        for t in environment.timings
    ]
    colours = [ACCENT, WARM, MUTED, ACCENT_SOFT, INK]
    return _spec(
        rows,
        height={"step": 26},
        encoding={
            "y": {
                "field": "model",
                "type": "nominal",
                "title": None,
                "sort": {"field": "seconds", "op": "sum", "order": "descending"},
                "axis": {"labelColor": INK, "labelFontSize": 13, "labelLimit": 130},
            },
            "x": {
                "field": "seconds",
                "type": "quantitative",
                "title": "seconds",
                "stack": "zero",
                "axis": {"grid": True, "tickCount": 5, "format": "~g"},
            },
            "color": {
                "field": "step",
                "type": "nominal",
                "title": None,
                "scale": {"domain": steps, "range": [colours[i % len(colours)] for i in range(len(steps))]},
            },
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [_tip("model", "Model"), _tip("step", "Step"), _tip("seconds", "Seconds", ".2f")],
        },
        mark={"type": "bar", "height": {"band": 0.6}, "cornerRadiusEnd": 2},
    )


def half_share(item_counts: np.ndarray) -> tuple[int, float]:
    """Returns how many of the most taken items hold half of all interactions, and their share of the items taken."""
    counts = np.sort(item_counts[item_counts > 0])[::-1]
    rank = _half_rank(counts)
    return rank, rank / max(len(counts), 1)


def _spec(rows: Sequence[Mapping[str, Any]], **parts: Any) -> Spec:
    return {
        "$schema": SCHEMA,
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": [dict(row) for row in rows]},
        **parts,
    }


def _tip(field: str, title: str, number: str | None = None) -> Spec:
    """Names a line of the tooltip; with a number format the field is quantitative."""
    if number is None:
        return {"field": field, "type": "nominal", "title": title}
    return {"field": field, "type": "quantitative", "title": title, "format": number}


def _half_rank(counts: np.ndarray) -> int:
    """The number of leading entries (sorted, largest first) that reach half of the sum."""
    return int(np.searchsorted(np.cumsum(counts), counts.sum() / 2)) + 1 if len(counts) else 0


def _thinned(n: int, most: int = 300) -> np.ndarray:
    """Positions 0..n-1 thinned to about `most`: every one at the head, ever wider apart in the tail."""
    if n <= most:
        return np.arange(n)
    return np.unique(np.concatenate([np.arange(60), np.geomspace(60, n - 1, most - 60).astype(int)]))


def _bin_name(power: int) -> str:
    return "1" if power == 0 else f"{2**power}–{2 ** (power + 1) - 1}"


def _any(matrix: np.ndarray | None) -> bool:
    return matrix is not None and bool(np.isfinite(matrix).any())


def _step(value: float, low: float, high: float) -> int:
    """The place of a value on a ramp of nine colours, 1 to 9."""
    return 1 + int(np.clip(round((value - low) / max(high - low, 1e-9) * 8), 0, 8))


def _cell_text(value: float, kind: str) -> str:
    return f"{value:+.1f}".replace("-", "−") if kind == "error" else f"{value:.1f}".removesuffix(".0")


def _label_axis(labels: Sequence[str], orient: str) -> Spec:
    """An axis over positions that shows the labels: two items may share a title, so titles are no keys."""
    return {
        "orient": orient,
        "labelColor": INK,
        "labelPadding": 6,
        "labelLimit": {"expr": "width < 420 ? 124 : 240"},
        "labelExpr": f"{json.dumps([str(label) for label in labels])}[datum.value]",
    }


def _spread_labels(
    points: Sequence[tuple[float, float]], *, width: float = 320, height: float = 270
) -> list[int]:
    """Returns a shift in pixels (down positive) for each label so that neighbours do not cover one another.

    Works on a nominal plot of `width` by `height`; labels closer than a label's length across are kept a line apart.
    """
    if not points:
        return []
    array = np.asarray(points, dtype=float)
    span = np.maximum(array.max(axis=0) - array.min(axis=0), 1e-12)
    across, up = ((array - array.min(axis=0)) / span * [width, height]).T
    shifts = np.zeros(len(points))
    placed: list[int] = []
    for label in np.argsort(-up, kind="stable"):
        taken = [-up[p] + shifts[p] for p in placed if abs(across[p] - across[label]) < 90]
        wanted = -up[label]
        while any(abs(wanted - t) < 14 for t in taken):
            wanted += 1
        shifts[label] = wanted + up[label]
        placed.append(int(label))
    return [round(s) for s in shifts.tolist()]
