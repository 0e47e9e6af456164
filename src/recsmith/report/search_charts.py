"""The charts of a search for settings: what trials reached in turn, what mattered, each setting by itself."""

from __future__ import annotations

from typing import Any

from recsmith.report.content import Search, lower_is_better
from recsmith.report.spec import ACCENT, DOT, INK, MUTED, WARM, Spec, frame, quantity, tip

_HISTORY_HEIGHT = 230
_SLICE_HEIGHT = 170
_KIND_COLOURS = {"other": MUTED, "the recipe's own": WARM, "best": ACCENT}


def history(search: Search) -> Spec:
    """Draws each trial's figure in turn, and a line for the best until then; ends early stand at the foot."""
    rows: list[Spec] = []
    best: float | None = None
    for trial in sorted(search.trials, key=lambda one: one.number):
        if trial.value is not None:
            worse = best is not None and (
                (trial.value > best) if lower_is_better(search.metric) else trial.value < best
            )
            best = best if worse else trial.value
        rows.append(
            {"trial": trial.number, "value": trial.value, "best": best, **_told(search, trial.number)}
        )
    y = quantity("value", search.metric, ticks=5, zero=False, nice=True)
    done = [{"filter": "isValid(datum.value)"}]
    return frame(
        rows,
        height=_HISTORY_HEIGHT,
        encoding={"x": {**quantity("trial", "trial", ticks=6, grid=False, nice=False)}},
        layer=[
            {
                "transform": [{"filter": "isValid(datum.best)"}],
                "mark": {"type": "line", "interpolate": "step-after", "color": ACCENT, "strokeWidth": 2},
                "encoding": {"y": {**y, "field": "best"}},
            },
            {
                "transform": done,
                "mark": {**DOT, "size": 70},
                "encoding": {"y": y, "color": _colour(rows), "tooltip": _tips(search)},
            },
            {
                "transform": [{"filter": "!isValid(datum.value)"}],
                "mark": {"type": "tick", "orient": "vertical", "color": MUTED, "size": 9, "thickness": 2},
                "encoding": {
                    "y": {"value": _HISTORY_HEIGHT - 5},
                    "tooltip": [tip("trial", "Trial", "d"), tip("state", "Ended")],
                },
            },
        ],
    )


def importances(search: Search) -> Spec:
    """Draws how much each setting tells the better trials from the rest, the most on top."""
    rows = [{"setting": name, "share": share} for name, share in search.importances.items()]
    axis = {"labelColor": INK, "labelFontSize": 13, "labelLimit": 180}
    order = {"field": "share", "op": "max", "order": "descending"}
    return frame(
        rows,
        height=34 * len(rows),
        encoding={
            "y": {"field": "setting", "type": "nominal", "title": None, "sort": order, "axis": axis},
            "x": quantity("share", None, ticks=4, number="%", domain=[0, 1]),
            "tooltip": [tip("setting", "Setting"), tip("share", "Share", ".1%")],
        },
        layer=[
            {"mark": {"type": "bar", "height": {"band": 0.55}, "color": ACCENT, "cornerRadiusEnd": 3}},
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "baseline": "middle"},
                "encoding": {"text": {"field": "share", "type": "quantitative", "format": ".0%"}},
            },
        ],
    )


def slices(search: Search) -> dict[str, Spec]:
    """Draws a panel for each setting: its value (right) and what the trial reached (up)."""
    return {name: _slice(search, name) for name in search.settings}


def _slice(search: Search, name: str) -> Spec:
    rows = [
        {"trial": t.number, "setting": t.settings.get(name), "value": t.value, **_told(search, t.number)}
        for t in reversed(search.trials)  # the best last: on top
        if t.value is not None
    ]
    numeric = name in search.ranges
    if numeric:
        is_log = search.ranges[name]
        scale: Spec = {"type": "log", "nice": False} if is_log else {"zero": False, "nice": True}
        x = quantity("setting", None, ticks=4, grid=False, **scale)
        x["scale"] = {**scale, "padding": 12}
    else:
        for row in rows:
            row["setting"] = _word(row["setting"])
        x = {"field": "setting", "type": "nominal", "title": None, "axis": {"labelAngle": 0}}
    shown = tip("setting", name, "~g") if numeric else tip("setting", name)
    return frame(
        rows,
        height=_SLICE_HEIGHT,
        encoding={
            "x": x,
            "y": quantity("value", search.metric, ticks=4, zero=False, nice=True),
            "color": _colour(rows),
            "tooltip": [*_tips(search), shown],
        },
        mark={**DOT, "size": 70},
    )


def _told(search: Search, number: int) -> Spec:
    trial = next(one for one in search.trials if one.number == number)
    is_best = search.best is not None and number == search.best.number
    kind = "best" if is_best else "the recipe's own" if trial.is_own else "other"
    return {"state": trial.state, "kind": kind}


def _colour(rows: list[Spec]) -> Spec:
    kinds = [kind for kind in _KIND_COLOURS if any(row["kind"] == kind for row in rows)]
    scale = {"domain": kinds, "range": [_KIND_COLOURS[kind] for kind in kinds]}
    return {"field": "kind", "type": "nominal", "title": None, "scale": scale, "legend": None}


def _tips(search: Search) -> list[Spec]:
    return [tip("trial", "Trial", "d"), tip("value", search.metric, ".4f"), tip("kind", "Which")]


def _word(value: Any) -> str:
    return "default" if value is None else str(value)
