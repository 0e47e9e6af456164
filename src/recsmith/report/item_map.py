"""The map of the items as a Vega-Lite specification: dots coloured by genre, the best known ones named."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from recsmith.report.content import ItemMap
from recsmith.report.spec import CARD, INK, NARROW, WARM, Spec, frame, tip

OTHER = "other"
_MOST_DOTS = 4000
_MOST_TRIED = 400
_FAR_OUT = 0.005
# How many names, and how far apart as shares of width and height: for a wide map, and for one on a phone.
_WIDE, _PHONE = (16, 0.21, 0.045), (8, 0.55, 0.06)


def item_map(layout: ItemMap, colours: Mapping[str, str]) -> Spec:
    """Draws the map; the page sets `shown` (groups to show, none = all) and `find` (part of a title).

    `colours` maps group → CSS colour; a group without one is drawn as "other". Ctrl or Shift with the wheel
    zooms, so that the wheel alone still scrolls the page.
    """
    shown = "(length(shown) === 0 || indexof(shown, datum.group) >= 0)"
    found = "(length(find) > 1 && indexof(lower(datum.title), lower(find)) >= 0)"
    plain = f"length(find) < 2 && {shown}"
    rows = drawn(layout, colours)
    # The domains are given because a layer may be empty, and has none of its own then.
    x, y = (
        {
            "field": axis,
            "type": "quantitative",
            "axis": None,
            "scale": {**_PLANE, "domain": _middle(rows[axis])},
        }
        for axis in "xy"
    )
    area = {"type": "sqrt", "range": [7, 240], "domain": [0, max([1, *rows["count"].to_list()])]}
    size = {"field": "count", "type": "quantitative", "legend": None, "scale": area}
    scale = {"domain": [*colours, OTHER], "range": [*colours.values(), "var(--cat-other)"]}
    wheel = "wheel![event.ctrlKey || event.metaKey || event.shiftKey]"
    dots: Spec = {
        "params": [{"name": "zoom", "bind": "scales", "select": {"type": "interval", "zoom": wheel}}],
        "mark": {"type": "circle", "stroke": CARD, "strokeWidth": 0.5},
        "encoding": {
            "size": size,
            "color": {"field": "group", "type": "nominal", "legend": None, "scale": scale},
            "opacity": {"condition": {"test": plain, "value": 0.8}, "value": 0.07},
            "tooltip": [tip("title", "Title"), tip("group", "Genre"), tip("count", "Interactions", ",")],
        },
    }
    rings: Spec = {
        "transform": [{"filter": found}],
        "mark": {"type": "circle", "stroke": INK, "strokeWidth": 1.5, "color": WARM, "opacity": 1},
        "encoding": {"size": size},
    }
    named: list[Spec] = [{"filter": f"{plain} && datum.name <= (width < {NARROW} ? 1 : 2)"}]
    best_found: list[Spec] = [{"filter": found}, *_thinned(rows)]
    return frame(
        rows.to_dicts(),
        height=560,
        params=[{"name": "shown", "value": []}, {"name": "find", "value": ""}],
        encoding={"x": x, "y": y},
        layer=[dots, rings, *_names(named), *_names(best_found)],
    )


_PLANE: Spec = {"zero": False, "nice": False}


def _middle(values: pl.Series) -> list[float]:
    """The ends of an axis that shows all but the half percent furthest out on either side."""
    if not len(values):
        return [0.0, 1.0]
    low, high = np.quantile(values.to_numpy(), [_FAR_OUT, 1 - _FAR_OUT]).tolist()
    air = 0.06 * (high - low) or 1.0
    return [low - air, high + air]


def _names(transform: list[Spec]) -> list[Spec]:
    """Two layers: the titles, and behind them the same in the colour of the ground, to be read over dots."""
    mark = {"type": "text", "dy": -13, "fontSize": 12, "fontWeight": 600, "limit": 210}
    halo = {"stroke": CARD, "strokeWidth": 4, "strokeJoin": "round", "color": CARD}
    text = {"text": {"field": "title"}}
    return [
        {"transform": transform, "mark": {**mark, **look}, "encoding": text}
        for look in (halo, {"color": INK})
    ]


def _thinned(rows: pl.DataFrame) -> list[Spec]:
    """The transform that leaves so few dots, the most taken, that their names stand apart.

    One dot stays in each patch of a grid; then again with the grid moved by half a patch, across, down, both.
    What is left is at least half a patch apart in one direction.
    """
    steps = {axis: 1.6 * gap * float(np.diff(_middle(rows[axis]))[0]) for axis, gap in zip("xy", _WIDE[1:])}
    order = [{"field": "order", "order": "ascending"}]
    transform: list[Spec] = []
    for moved in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)):
        transform += [
            {"calculate": f"floor(datum.{axis} / {steps[axis]} + {by})", "as": f"patch_{axis}"}
            for axis, by in zip("xy", moved)
        ]
        first = [{"op": "row_number", "as": "place"}]
        transform += [
            {"window": first, "sort": order, "groupby": ["patch_x", "patch_y"]},
            {"filter": "datum.place === 1"},
        ]
    return transform


def drawn(layout: ItemMap, colours: Mapping[str, str]) -> pl.DataFrame:
    """Returns the dots to draw, the most taken first.

    `name` is 1 for a dot that is named on every screen, 2 for one named on a wide screen, 3 for the others.
    """
    known = pl.col("group").is_in(list(colours))
    rows = (
        layout.items.select("x", "y", "title", "group", "count")
        .with_columns(pl.col("x", "y").cast(pl.Float64))
        .filter(pl.col("x").is_finite() & pl.col("y").is_finite())
        .sort("count", descending=True, maintain_order=True)
        .head(_MOST_DOTS)
        .with_columns(
            pl.col("x", "y").round_sig_figs(5),
            pl.when(known).then("group").otherwise(pl.lit(OTHER)).alias("group"),
        )
        .with_row_index("order")
    )
    spots = np.column_stack([_on_axis(rows[axis]) for axis in "xy"])
    everywhere = _apart(spots, [], *_PHONE)
    names = np.full(len(spots), 3)
    names[_apart(spots, everywhere, *_WIDE)] = 2
    names[everywhere] = 1
    return rows.with_columns(pl.Series("name", names, dtype=pl.Int8))


def _on_axis(values: pl.Series) -> np.ndarray:
    """The places on an axis, 0 at one end and 1 at the other."""
    low, high = _middle(values)
    return (values.to_numpy() - low) / (high - low)


def _apart(spots: np.ndarray, before: list[int], most: int, across: float, down: float) -> list[int]:
    """Adds to `before`, up to `most`, first dots so far apart and from the sides that their names fit."""
    picked = list(before)
    for place, (x, y) in enumerate(spots[:_MOST_TRIED]):
        clear = all(abs(x - spots[p, 0]) > across or abs(y - spots[p, 1]) > down for p in picked)
        if clear and across / 2 < x < 1 - across / 2 and down < y < 1:
            picked.append(place)
        if len(picked) == most:
            break
    return picked
