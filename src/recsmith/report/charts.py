"""The charts of the results as Vega-Lite specifications: one function a chart, content in, plain dict out.

A parameter without `bind` is set by a control of the page (`page.js`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from recsmith.report.content import Curve, Environment, Leaderboard
from recsmith.report.labels import Place, place_names
from recsmith.report.spec import (
    ACCENT,
    ACCENT_SOFT,
    BAR,
    DOT,
    INK,
    MUTED,
    WARM,
    Spec,
    frame,
    quantity,
    thousands,
    tip,
)

_TRADEOFF_HEIGHT = 270
# The widths for which names are placed: a phone's plot, and one of two on a desk.
_PHONE, _DESK = 270.0, 370.0


def leaderboard(board: Leaderboard) -> Spec:
    """Draws each model's value and interval for one metric, best on top; the page sets `metric`."""
    rows = [
        {"metric": metric, "model": model, "rank": rank, **_figures(board, model, metric)}
        for metric in board.metrics
        for rank, model in enumerate(board.ranked(metric))
    ]
    axis = {"labelColor": INK, "labelFontSize": 13, "labelLimit": 130, "grid": True, "gridDash": [1, 3]}
    by_rank = {"field": "rank", "op": "min"}
    y = {"field": "model", "type": "nominal", "sort": by_rank, "title": None, "axis": axis}
    colour = {"condition": {"test": "datum.rank === 0", "value": ACCENT}, "value": MUTED}
    ends = [tip("low", "95 % from", ".4f"), tip("high", "to", ".4f")]
    low, value = (quantity(field, ticks=5, zero=False, nice=True, padding=12) for field in ("low", "value"))
    return frame(
        rows,
        height=30 * len(board.results),
        params=[{"name": "metric", "value": board.primary}],
        transform=[{"filter": "datum.metric === metric"}],
        encoding={
            "y": y,
            "color": colour,
            "tooltip": [tip("model", "Model"), tip("value", "Value", ".4f"), *ends],
        },
        layer=[
            {
                "transform": [{"filter": "isValid(datum.low) && isValid(datum.high)"}],
                "mark": {"type": "rule", "strokeWidth": 5, "strokeCap": "round", "opacity": 0.35},
                "encoding": {"x": low, "x2": {"field": "high"}},
            },
            {"mark": {**DOT, "size": 90}, "encoding": {"x": value}},
        ],
    )


def tradeoff(board: Leaderboard, against: str) -> Spec:
    """Sets the deciding metric (up) against another, such as Coverage@10 (right): a named dot a model."""
    also = set(board.ranked(against))
    models = [model for model in board.ranked(board.primary) if model in also]
    x, y = (
        np.array([board.results[m][metric]["value"] for m in models], float)
        for metric in (against, board.primary)
    )
    (left, right), (low, high) = _roomy(x), _roomy(y)
    across, down = (x - left) / (right - left), (high - y) / (high - low) * _TRADEOFF_HEIGHT
    narrow, wide = (
        place_names(list(zip((across * width).tolist(), down.tolist())), models, width=width)
        for width in (_PHONE, _DESK)
    )
    rows = [
        {
            "model": model,
            "x": float(a),
            "y": float(b),
            "best": n == 0,
            "narrow": str(narrow[n]),
            "wide": str(wide[n]),
        }
        for n, (model, a, b) in reversed(list(enumerate(zip(models, x, y))))  # the best last: on top
    ]
    is_best = {"test": "datum.best", "value": ACCENT}
    return frame(
        rows,
        height=_TRADEOFF_HEIGHT,
        encoding={
            "x": quantity("x", f"{against} →", ticks=5, domain=[left, right], nice=False),
            "y": quantity("y", f"{board.primary} →", ticks=5, domain=[low, high], nice=False),
            "tooltip": [tip("model", "Model"), tip("y", board.primary, ".4f"), tip("x", against, ".4f")],
        },
        layer=[
            {"mark": {**DOT, "size": 110}, "encoding": {"color": {"condition": is_best, "value": MUTED}}},
            *(layer for place in sorted({*narrow, *wide}) for layer in _names(place)),
        ],
    )


def _figures(board: Leaderboard, model: str, metric: str) -> Spec:
    figures = board.results[model][metric]
    return {key: _finite(figures.get(key)) for key in ("value", "low", "high")}


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _roomy(values: np.ndarray) -> tuple[float, float]:
    """The ends of an axis with some air on both sides, so that no dot lies on the edge."""
    low, high = float(values.min()), float(values.max())
    air = 0.09 * (high - low) or 0.09 * abs(high) or 1.0
    return low - air, high + air


def _names(place: Place) -> list[Spec]:
    """The names that stand at this place beside their dots, with a thin line to the dot where it is far."""
    here = [{"filter": f"(width < {(_PHONE + _DESK) / 2} ? datum.narrow : datum.wide) === '{place}'"}]
    mark = {"type": "text", "align": place.align, "dx": place.dx, "dy": place.dy, "baseline": "middle"}
    colour = {"condition": {"test": "datum.best", "value": ACCENT}, "value": INK}
    names = {"transform": here, "mark": mark, "encoding": {"text": {"field": "model"}, "color": colour}}
    if not place.is_far:
        return [names]
    line = {"type": "rule", "color": MUTED, "x2Offset": place.dx, "y2Offset": place.dy}
    ends = {"x2": {"field": "x"}, "y2": {"field": "y"}}
    return [{"transform": here, "mark": line, "encoding": ends}, names]


def learning_curves(curve: Curve) -> dict[str, Spec]:
    """Draws a panel for each kind of figure in a learning curve: `rmse` and `validation_rmse` share one."""
    names = list(dict.fromkeys(name for entry in curve.history for name in entry if name != "epoch"))
    by_kind = groupby(sorted(names, key=_kind), key=_kind)
    return {kind: _panel(curve, kind, sorted(members, key=names.index)) for kind, members in by_kind}


def _kind(name: str) -> str:
    return name.rsplit("_", 1)[-1]


def _panel(curve: Curve, kind: str, members: Sequence[str]) -> Spec:
    rows: list[Spec] = [
        {"epoch": entry.get("epoch", place), "figure": name, "value": float(entry[name])}
        for place, entry in enumerate(curve.history, start=1)
        for name in members
        if name in entry and np.isfinite(entry[name])
    ]
    scale = {"domain": list(members), "range": [ACCENT, WARM, MUTED, INK][: len(members)]}
    legend = {"symbolType": "stroke", "symbolStrokeWidth": 3} if len(members) > 1 else None
    x = quantity("epoch", "epoch", ticks=5, grid=False, nice=False)
    last = [
        {"joinaggregate": [{"op": "max", "field": "epoch", "as": "last"}], "groupby": ["figure"]},
        {"filter": "datum.epoch === datum.last"},
    ]
    return frame(
        rows,
        height=190,
        encoding={
            "x": {**x, "axis": {**x["axis"], "tickMinStep": 1}},
            "y": quantity("value", kind, number=thousands([row["value"] for row in rows]), zero=False),
            "color": {"field": "figure", "type": "nominal", "title": None, "scale": scale, "legend": legend},
            "tooltip": [tip("epoch", "Epoch", "~g"), tip("figure", "Figure"), tip("value", "Value", ".4f")],
        },
        layer=[
            {"mark": {"type": "line", "strokeWidth": 2.5, "strokeCap": "round", "strokeJoin": "round"}},
            {"mark": {"type": "point", "size": 160, "opacity": 0}},  # something to hover over
            {"transform": last, "mark": {"type": "point", "size": 70, "opacity": 1}},
        ],
    )


def timings(environment: Environment) -> Spec:
    """Draws the seconds of each model's steps, end to end, the slowest model on top."""
    steps = list(dict.fromkeys(timing.step for timing in environment.timings))
    rows = [
        {"model": t.model, "step": t.step, "seconds": t.seconds, "order": steps.index(t.step)}
        for t in environment.timings
    ]
    wheel = [ACCENT, WARM, MUTED, ACCENT_SOFT, INK]
    scale = {"domain": steps, "range": [wheel[place % len(wheel)] for place in range(len(steps))]}
    slowest = {"field": "seconds", "op": "sum", "order": "descending"}
    axis = {"labelColor": INK, "labelFontSize": 13, "labelLimit": 130}
    return frame(
        rows,
        height=26 * len({row["model"] for row in rows}),
        encoding={
            "y": {"field": "model", "type": "nominal", "title": None, "sort": slowest, "axis": axis},
            "x": {**quantity("seconds", "seconds", ticks=5), "stack": "zero"},
            "color": {"field": "step", "type": "nominal", "title": None, "scale": scale},
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [tip("model", "Model"), tip("step", "Step"), tip("seconds", "Seconds", ".2f")],
        },
        mark={"type": "bar", "height": {"band": 0.6}, "cornerRadiusEnd": BAR["cornerRadiusEnd"]},
    )
