"""The charts of the data as Vega-Lite specifications: long tail, ratings, activity, time, cross table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date

import numpy as np

from recsmith.report.content import Crosstab, DataProfile, FeatureCrosses
from recsmith.report.spec import ACCENT, BAR, CARD, INK, MUTED, NARROW, Spec, frame, quantity, tip

_HEIGHT = 210
# More months than this are drawn by the quarter: thinner bars are no longer seen.
_MOST_MONTHS = 120


def long_tail(profile: DataProfile) -> Spec:
    """Draws the items from most to least taken; those that hold half of all interactions stand out."""
    counts = np.sort(profile.item_counts[profile.item_counts > 0])[::-1].astype(np.int64)
    half = half_rank(counts)
    places = sorted({*_thinned(len(counts)), half - 1})
    rows = [{"rank": place + 1, "count": int(counts[place])} for place in places]
    head = [{"filter": f"datum.rank <= {half}"}]
    return frame(
        rows,
        height=_HEIGHT,
        encoding={
            "x": quantity(
                "rank", "items, most taken first", ticks=5, grid=False, domain=[1, max(len(counts), 2)]
            ),
            "y": quantity("count", "interactions", number="~s"),
            "tooltip": [tip("rank", "Place", ","), tip("count", "Interactions", ",")],
        },
        layer=[
            {"mark": {"type": "area", "color": MUTED, "opacity": 0.3}},
            {"transform": head, "mark": {"type": "area", "color": ACCENT, "opacity": 0.85}},
            {"mark": {"type": "line", "color": ACCENT, "strokeWidth": 1.5}},
        ],
    )


def weights(profile: DataProfile) -> Spec:
    """Draws how often each rating was given."""
    rows = [{"weight": weight, "count": count} for weight, count in sorted((profile.weights or {}).items())]
    axis = {"labelAngle": 0, "format": "~g", "labelOverlap": True}
    name = profile.weight_name
    return frame(
        rows,
        height=_HEIGHT,
        encoding={
            "x": {"field": "weight", "type": "ordinal", "title": name.lower(), "axis": axis},
            "y": quantity("count", "interactions", number="~s"),
            "tooltip": [tip("weight", name, "~g"), tip("count", "Interactions", ",")],
        },
        mark=BAR,
    )


def activity(profile: DataProfile) -> Spec:
    """Draws how many users have how many interactions, in bins that double."""
    counts = np.asarray([] if profile.user_counts is None else profile.user_counts, dtype=np.int64)
    # frexp: count = fraction × 2^power with a fraction in [½, 1), exactly.
    powers, users = np.unique(np.frexp(counts[counts > 0])[1] - 1, return_counts=True)
    rows = [
        {"bin": _bin(power), "from": 2**power, "users": n}
        for power, n in zip(powers.tolist(), users.tolist(), strict=True)
    ]
    axis = {"labelAngle": 0, "labelOverlap": "parity"}
    order = {"field": "from", "op": "min"}
    return frame(
        rows,
        height=_HEIGHT,
        encoding={
            "x": {
                "field": "bin",
                "type": "ordinal",
                "title": "interactions of a user",
                "sort": order,
                "axis": axis,
            },
            "y": quantity("users", "users", number="~s"),
            "tooltip": [tip("bin", "Interactions"), tip("users", "Users", ",")],
        },
        mark=BAR,
    )


def months(profile: DataProfile) -> Spec:
    """Draws the interactions of each month, or of each quarter where the log is long."""
    given = dict(profile.months or {})
    by_quarter = _months_between(min(given), max(given)) > _MOST_MONTHS if given else False
    unit, step = ("quarter", 3) if by_quarter else ("month", 1)
    rows = _gapless(given, step=step)
    x = {"field": "from", "type": "temporal", "title": None, "scale": {"type": "utc"}}
    when = {"field": "from", "type": "temporal", "title": "From", "format": "%B %Y"}
    return frame(
        rows,
        height=_HEIGHT,
        encoding={
            "x": {
                **x,
                "axis": {"format": "%Y" if len(rows) > 18 else "%b %Y", "tickCount": 6, "labelOverlap": True},
            },
            "y": quantity("count", f"interactions a {unit}", number="~s"),
            "tooltip": [when, tip("count", "Interactions", ",")],
        },
        mark={"type": "area", "interpolate": "step-after", "color": ACCENT, "opacity": 0.85},
    )


def crosstab(table: Crosstab) -> Spec:
    """Draws a coloured cell for each title (down) and user (across); the page sets `show`.

    `show` is actual, predicted or error.
    """
    axis = _named(table.titles, "left")
    turned = f"width < {NARROW}"
    upright: Spec = {
        "labelAngle": {"expr": f"{turned} ? -90 : 0"},
        "labelAlign": {"expr": f"{turned} ? 'left' : 'center'"},
        "labelBaseline": {"expr": f"{turned} ? 'middle' : 'bottom'"},
        "labelOverlap": False,
    }
    above = {**_named(table.user_ids, "top"), **upright, "titlePadding": 4}
    ink = {"field": "ink", "type": "nominal", "scale": None}
    return frame(
        _cells(table),
        height=28 * len(table.titles),
        params=[{"name": "show", "value": "actual"}],
        transform=[{"filter": "datum.show === show"}],
        encoding={
            "x": {"field": "u", "type": "ordinal", "title": "user", "axis": above},
            "y": {"field": "i", "type": "ordinal", "title": None, "axis": axis},
            "tooltip": [tip("title", "Title"), tip("user", "User"), tip("value", "Value", ".2f")],
        },
        layer=[
            {
                "mark": {"type": "rect", "cornerRadius": 3, "stroke": CARD, "strokeWidth": 2},
                "encoding": {"fill": {"field": "fill", "type": "nominal", "scale": None}},
            },
            {
                "mark": {"type": "text", "fontSize": 11, "opacity": {"expr": f"{turned} ? 0 : 1"}},
                "encoding": {"text": {"field": "text"}, "color": ink},
            },
        ],
    )


def crosses(content: FeatureCrosses) -> Spec:
    """Draws a coloured cell for each pair of features, in hundredths of the strongest."""
    weight_FF = np.asarray(content.weights, np.float64)
    most = float(weight_FF.max()) or 1.0
    rows = []
    for (row, column), weight in np.ndenumerate(weight_FF):
        look = _look(100 * weight / most, "heat", (0.0, 100.0))
        names = {"row": content.names[row], "column": content.names[column]}
        rows.append({"i": row, "j": column, **names, **look, "text": f"{100 * weight / most:.0f}"})
    turned: Spec = {"labelAngle": -90, "labelAlign": "left", "labelBaseline": "middle", "labelOverlap": False}
    return frame(
        rows,
        height=28 * len(content.names),
        encoding={
            "x": {
                "field": "j",
                "type": "ordinal",
                "title": None,
                "axis": {**_named(content.names, "top"), **turned},
            },
            "y": {"field": "i", "type": "ordinal", "title": None, "axis": _named(content.names, "left")},
            "tooltip": [
                tip("row", "Feature"),
                tip("column", "times"),
                tip("value", "Of the strongest, %", ".0f"),
            ],
        },
        layer=[
            {
                "mark": {"type": "rect", "cornerRadius": 3, "stroke": CARD, "strokeWidth": 2},
                "encoding": {"fill": {"field": "fill", "type": "nominal", "scale": None}},
            },
            {
                "mark": {"type": "text", "fontSize": 11, "opacity": {"expr": f"width < {NARROW} ? 0 : 1"}},
                "encoding": {
                    "text": {"field": "text"},
                    "color": {"field": "ink", "type": "nominal", "scale": None},
                },
            },
        ],
    )


def half_rank(counts: np.ndarray) -> int:
    """Returns how many of the leading entries (sorted, largest first) reach half of the sum."""
    return int(np.searchsorted(np.cumsum(counts), counts.sum() / 2)) + 1 if len(counts) else 0


def _thinned(n: int, most: int = 300) -> list[int]:
    """Positions 0..n-1 thinned to about `most`: every one at the head, ever wider apart in the tail."""
    if n <= most:
        return list(range(n))
    tail = np.geomspace(most // 5, n - 1, most - most // 5).astype(int)
    return sorted({*range(most // 5), *tail.tolist()})


def _bin(power: int) -> str:
    return "1" if power == 0 else f"{2**power}–{2 ** (power + 1) - 1}"


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month + 1


def _gapless(given: dict[date, int], *, step: int) -> list[Spec]:
    """Sums the months by `step` and fills the gaps with zeros; one more row ends the last step."""
    if not given:
        return []
    sums: Counter[int] = Counter()
    for month, count in given.items():
        sums[(month.year * 12 + month.month - 1) // step] += count
    places = range(min(sums), max(sums) + 2)
    last = max(sums)
    return [
        {"from": date(p * step // 12, p * step % 12 + 1, 1).isoformat(), "count": sums[min(p, last)]}
        for p in places
    ]


def _cells(table: Crosstab) -> list[Spec]:
    """One row a cell and kind, with its colour and text; a cell without a figure is empty."""
    matrices = {"actual": table.actual, "predicted": table.predicted, "error": table.error}
    shown = {kind: matrix for kind, matrix in matrices.items() if matrix is not None}
    low, high = _span([shown[kind] for kind in ("actual", "predicted") if kind in shown])
    reach = max(map(abs, _span([shown["error"]]))) if "error" in shown else 1.0
    rows = []
    for kind, matrix in shown.items():
        ramp, ends = ("div", (-reach, reach)) if kind == "error" else ("heat", (low, high))
        for (user, item), value in np.ndenumerate(matrix):
            cell = {
                "show": kind,
                "u": user,
                "i": item,
                "user": table.user_ids[user],
                "title": table.titles[item],
            }
            rows.append({**cell, **_look(float(value), ramp, ends)})
    return rows


def _look(value: float, ramp: str, ends: tuple[float, float]) -> Spec:
    if not np.isfinite(value):
        return {"value": None, "text": "", "fill": "var(--hush)", "ink": INK}
    step = 1 + round(8 * float(np.clip((value - ends[0]) / max(ends[1] - ends[0], 1e-9), 0, 1)))
    text = (
        f"{value:.1f}".removesuffix(".0").replace("-", "−").replace("−0", "0" if abs(value) < 0.05 else "−0")
    )
    if ramp == "div" and value >= 0.05:
        text = f"+{text}"
    return {
        "value": round(value, 2),
        "text": text,
        "fill": f"var(--{ramp}-{step})",
        "ink": f"var(--{ramp}-ink-{step})",
    }


def _span(matrices: Sequence[np.ndarray]) -> tuple[float, float]:
    values = np.concatenate([matrix[np.isfinite(matrix)] for matrix in matrices])
    return (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)


def _named(labels: Sequence[str], orient: str) -> Spec:
    """An axis over positions that shows the labels: two items may share a title, so titles are no keys."""
    return {
        "orient": orient,
        "labelColor": INK,
        "labelPadding": 6,
        "labelLimit": {"expr": f"width < {NARROW} ? 124 : 240"},
        "labelExpr": f"{json.dumps([str(label) for label in labels])}[datum.value]",
    }
