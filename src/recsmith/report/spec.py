"""What the report's charts have in common: colours, axes, tooltips, the frame of a Vega-Lite specification.

Colours are CSS variables ("var(--ink)"), so that a chart follows the page from light to dark by itself; the
variables stand in `style.css`. Charts carry no titles (the page has headings) and are as wide as their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
INK, SOFT, LINE, CARD = "var(--ink)", "var(--soft)", "var(--line)", "var(--card)"
ACCENT, ACCENT_SOFT, WARM, MUTED = "var(--accent)", "var(--accent-soft)", "var(--warm)", "var(--muted)"

# In pixels of the plot; below it a chart is on a phone.
NARROW = 420

_AXIS: Spec = {
    "domain": False,
    "ticks": False,
    "grid": False,
    "gridColor": LINE,
    "labelColor": SOFT,
    "labelFontSize": 12,
    "labelPadding": 8,
    "labelFlush": False,
    "labelSeparation": 6,
    "titleColor": SOFT,
    "titleFontSize": 12,
    "titleFontWeight": 400,
    "titlePadding": 10,
}
_LEGEND: Spec = {"labelColor": SOFT, "labelFontSize": 12, "orient": "top", "offset": 10}
CONFIG: Spec = {
    "background": "transparent",
    "padding": {"left": 0, "right": 6, "top": 6, "bottom": 2},
    "view": {"stroke": None},
    "axis": _AXIS,
    "legend": _LEGEND,
    "text": {"color": INK, "fontSize": 12},
    "point": {"filled": True},
}

BAR: Spec = {"type": "bar", "color": ACCENT, "opacity": 0.85, "cornerRadiusEnd": 3, "width": {"band": 0.78}}
DOT: Spec = {"type": "point", "opacity": 1, "stroke": CARD, "strokeWidth": 2}


def frame(rows: Rows, **parts: Any) -> Spec:
    """Returns a specification over these rows that takes the width of its place."""
    wide = {"width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
    return {"$schema": SCHEMA, **wide, "data": {"values": [dict(row) for row in rows]}, **parts}


def quantity(
    field: str,
    title: str | None = None,
    *,
    ticks: int = 4,
    number: str | None = None,
    grid: bool = True,
    **scale: Any,
) -> Spec:
    """Returns the encoding of a number on an axis with thin grid lines."""
    axis = {"tickCount": ticks, "grid": grid, **({"format": number} if number else {})}
    encoding: Spec = {"field": field, "type": "quantitative", "title": title, "axis": axis}
    return {**encoding, "scale": scale} if scale else encoding


def tip(field: str, title: str, number: str | None = None) -> Spec:
    """Returns one line of a tooltip; with a number format the field is a number."""
    if number is None:
        return {"field": field, "type": "nominal", "title": title}
    return {"field": field, "type": "quantitative", "title": title, "format": number}


def thousands(values: Sequence[float]) -> str | None:
    """Returns the number format "12k" for an axis over values that large, else None (plain)."""
    return "~s" if any(abs(value) >= 1e4 for value in values) else None
