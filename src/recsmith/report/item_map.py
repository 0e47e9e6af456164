"""The map of the items as a Vega-Lite specification: dots coloured by genre, the best known ones named."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from recsmith.report.charts import CARD, INK, SCHEMA, WARM, Spec
from recsmith.report.content import ItemMap

OTHER = "other"
_MOST_DOTS = 4000
_MOST_NAMES = 14


def item_map(layout: ItemMap, colours: Mapping[str, str]) -> Spec:
    """Draws the map; the page sets `shown` (groups to show, none = all) and `find` (part of a title).

    `colours` maps group → CSS colour; a group without one is drawn as "other". Ctrl or Shift with the wheel zooms, so that
    the wheel alone still scrolls the page.
    """
    rows = drawn(layout, colours)
    shown = "(length(shown) === 0 || indexof(shown, datum.group) >= 0)"
    found = "(length(find) > 1 && indexof(lower(datum.title), lower(find)) >= 0)"
    scale = {"domain": [*colours, OTHER], "range": [*colours.values(), "var(--cat-other)"]}
    x, y = (
        {
            "field": axis,
            "type": "quantitative",
            "axis": None,
            "scale": {"zero": False, "nice": False, "padding": 24},
        }
        for axis in "xy"
    )
    place = {"x": x, "y": y}
    size = {
        "field": "count",
        "type": "quantitative",
        "legend": None,
        "scale": {"type": "sqrt", "range": [8, 260]},
    }
    tooltip = [
        {"field": "title", "type": "nominal", "title": "Title"},
        {"field": "group", "type": "nominal", "title": "Genre"},
        {"field": "count", "type": "quantitative", "title": "Interactions", "format": ","},
    ]
    dots: Spec = {
        "params": [
            {
                "name": "zoom",
                "bind": "scales",
                "select": {
                    "type": "interval",
                    "zoom": "wheel![event.ctrlKey || event.metaKey || event.shiftKey]",
                },
            }
        ],
        "mark": {"type": "circle", "stroke": CARD, "strokeWidth": 0.5},
        "encoding": {
            **place,
            "size": size,
            "tooltip": tooltip,
            "color": {"field": "group", "type": "nominal", "legend": None, "scale": scale},
            "opacity": {"condition": {"test": f"{shown} && length(find) < 2", "value": 0.78}, "value": 0.07},
        },
    }
    rings: Spec = {
        "transform": [{"filter": found}],
        "mark": {"type": "circle", "stroke": INK, "strokeWidth": 1.5, "color": WARM},
        "encoding": {
            **place,
            "size": {**size, "scale": {"type": "sqrt", "range": [60, 320]}},
            "tooltip": tooltip,
        },
    }
    best_found: list[Spec] = [
        {"filter": found},
        {"window": [{"op": "row_number", "as": "match"}], "sort": [{"field": "order", "order": "ascending"}]},
        {"filter": f"datum.match <= {_MOST_NAMES}"},
    ]
    names: list[Spec] = [
        {
            "transform": transform,
            "mark": {"type": "text", "dy": -13, "fontSize": 12, "fontWeight": 600, "limit": 190, **look},
            "encoding": {**place, "text": {"field": "title"}},
        }
        for transform in ([{"filter": f"length(find) < 2 && datum.named && {shown}"}], best_found)
        for look in ({"stroke": CARD, "strokeWidth": 4, "strokeJoin": "round", "color": CARD}, {"color": INK})
    ]
    return {
        "$schema": SCHEMA,
        "width": "container",
        "height": 560,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "params": [{"name": "shown", "value": []}, {"name": "find", "value": ""}],
        "data": {"values": rows.to_dicts()},
        "layer": [dots, rings, *names],
    }


def drawn(layout: ItemMap, colours: Mapping[str, str]) -> pl.DataFrame:
    """Returns the dots to draw: the most taken items, `order` among them, and which of them are `named`."""
    rows = (
        layout.items.select("x", "y", "title", "group", "count")
        .filter(pl.col("x").is_finite() & pl.col("y").is_finite())
        .sort("count", descending=True, maintain_order=True)
        .head(_MOST_DOTS)
        .with_columns(
            pl.col("x", "y").cast(pl.Float64).round_sig_figs(5),
            pl.when(pl.col("group").is_in(list(colours)))
            .then("group")
            .otherwise(pl.lit(OTHER))
            .alias("group"),
        )
        .with_row_index("order")
    )
    return rows.with_columns(pl.Series("named", _apart(rows.select("x", "y").to_numpy()), dtype=pl.Boolean))


def _apart(points: np.ndarray) -> list[bool]:
    """Marks up to `_MOST_NAMES` of the first points that lie far enough apart for their names to fit."""
    named = [False] * len(points)
    if not len(points):
        return named
    span = np.maximum(np.ptp(points, axis=0), 1e-12)
    spots = (points - points.min(axis=0)) / span
    taken: list[np.ndarray] = []
    for place, spot in enumerate(spots[:200]):
        clear = all(abs(spot[0] - t[0]) > 0.2 or abs(spot[1] - t[1]) > 0.045 for t in taken)
        if clear and 0.08 < spot[0] < 0.92:
            named[place] = True
            taken.append(spot)
        if len(taken) == _MOST_NAMES:
            break
    return named
