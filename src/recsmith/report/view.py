"""From a report's content to what its templates print: figures in words, places of bars, colours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recsmith.report.content import (
    Comparison,
    DataProfile,
    FeatureCrosses,
    Leaderboard,
    Page,
    Person,
    Search,
    lower_is_better,
)
from recsmith.report.data_charts import half_rank
from recsmith.report.item_map import OTHER
from recsmith.report.words import count, day, figure

_N_COLOURS = 9
Row = dict[str, Any]


def colours(page: Page) -> dict[str, str]:
    """Maps the most frequent genres to the colours they have in every part of the page."""
    seen: Counter[str] = Counter()
    if page.item_map is not None:
        seen.update(g for g in page.item_map.items["group"].to_list() if g)
    else:
        for person in page.people:
            shown = [item.groups for item in person.picks] + [item.groups for item in person.liked]
            seen.update(groups[0] for groups in shown if groups)
    del seen[OTHER]  # has its own colour
    return {group: f"var(--cat-{n})" for n, (group, _) in enumerate(seen.most_common(_N_COLOURS), start=1)}


def strongest_crosses(content: FeatureCrosses, *, n: int = 3) -> str:
    """Names the pairs of different features with the largest weights, both directions added."""
    pair_FF = np.triu(content.weights + np.asarray(content.weights).T, 1)
    best = np.argsort(-pair_FF, axis=None, kind="stable")[:n]
    pairs = [divmod(int(place), len(content.names)) for place in best if pair_FF.flat[place] > 0]
    return ", ".join(f"{content.names[row]} × {content.names[column]}" for row, column in pairs)


def search(content: Search) -> Row:
    """Lays the trials of a search out as a table: a row a trial, the best first."""
    rows = [
        {
            "number": trial.number,
            "own": trial.is_own,
            "best": trial is content.best,
            "state": trial.state,
            "note": trial.note,
            "value": "" if trial.value is None else trial.value,
            "text": trial.state if trial.value is None else f"{trial.value:.4f}",
            "range": "" if None in (trial.low, trial.high) else f"{trial.low:.4f} – {trial.high:.4f}",
            "settings": [_setting(trial.settings.get(name)) for name in content.settings],
            "seconds": "" if trial.seconds is None else f"{trial.seconds:.1f}",
        }
        for trial in content.trials
    ]
    counts = Counter(trial.state for trial in content.trials)
    words = {"done": "judged to the end", "pruned": "ended early", "failed": "failed", "stopped": "stopped"}
    return {
        "model": content.model,
        "metric": content.metric,
        "lower": lower_is_better(content.metric),
        "heads": list(content.settings),
        "rows": rows,
        "counts": ", ".join(f"{counts[state]} {said}" for state, said in words.items() if counts[state]),
        "has_importances": bool(content.importances),
        "has_best": content.best is not None,
        "has_own": any(trial.is_own for trial in content.trials),
    }


def _setting(value: Any) -> str:
    if value is None:
        return "default"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def board(content: Leaderboard) -> Row:
    """Lays the leaderboard out as a table: a row a model, best first, each cell with its interval bar."""
    order = content.ranked(content.primary)
    order += [model for model in content.results if model not in order]
    best = {metric: ranked[0] for metric in content.metrics if (ranked := content.ranked(metric))}
    axes = {metric: _axis(content, metric) for metric in content.metrics}
    rows = [
        {
            "model": model,
            "cells": [
                _cell(content.results[model].get(metric), axes[metric], best.get(metric) == model)
                for metric in content.metrics
            ],
        }
        for model in order
    ]
    heads = [
        {"name": metric, "lower": lower_is_better(metric), "primary": metric == content.primary}
        for metric in content.metrics
    ]
    return {
        "heads": heads,
        "rows": rows,
        "note": content.note,
        "warnings": list(content.warnings),
        "remarks": list(content.remarks),
        "primary": content.primary,
        "says": _board_says(content),
    }


def _axis(content: Leaderboard, metric: str) -> tuple[float, float]:
    values = [
        float(value)
        for metrics in content.results.values()
        for key in ("value", "low", "high")
        if (value := metrics.get(metric, {}).get(key)) is not None and np.isfinite(value)
    ]
    return (min(values), max(values)) if values else (0.0, 1.0)


def _cell(figures: Mapping[str, float | None] | None, axis: tuple[float, float], best: bool) -> Row:
    value = None if figures is None else figures.get("value")
    if figures is None or value is None or not np.isfinite(value):
        return {"text": "–", "value": "", "best": False, "bar": None, "range": ""}
    low, high = figures.get("low"), figures.get("high")
    known = low is not None and high is not None and bool(np.isfinite([low, high]).all())
    bar = None
    if known:
        left, right, at = (_percent(float(x), axis) for x in (low or 0.0, high or 0.0, value))
        bar = {"left": left, "width": max(right - left, 1.0), "at": at}
    interval = f"{figure(low)} – {figure(high)}" if known else ""
    return {"text": figure(value), "value": value, "best": best, "bar": bar, "range": interval}


def _percent(value: float, axis: tuple[float, float]) -> float:
    """The place of a value on an axis in percent, a little in from both ends so that dots are whole."""
    low, high = axis
    return round(4 + 92 * (value - low) / (high - low), 2) if high > low else 50.0


def _board_says(content: Leaderboard) -> str:
    ranked = content.ranked(content.primary)
    first = content.results[ranked[0]][content.primary]
    if len(ranked) == 1:
        return f"{ranked[0]} reaches {content.primary} {figure(first['value'])}."
    second = content.results[ranked[1]][content.primary]
    text = f"{ranked[0]} leads on {content.primary} with {figure(first['value'])}"
    text += f", ahead of {ranked[1]} with {figure(second['value'])}"
    return text + ("; their intervals overlap." if _overlap(first, second) else ".")


def _overlap(a: Mapping[str, float | None], b: Mapping[str, float | None]) -> bool:
    ends = [a.get("low"), a.get("high"), b.get("low"), b.get("high")]
    if any(end is None for end in ends):
        return False
    a_low, a_high, b_low, b_high = (float(end or 0.0) for end in ends)
    return a_low <= b_high and b_low <= a_high


def duels(comparisons: Sequence[Comparison]) -> list[Row]:
    """Lays paired tests out as rows with a bar around zero and a verdict in words."""
    reach: dict[str, float] = {}
    for duel in comparisons:
        ends = [abs(x) for x in (duel.low, duel.high, duel.difference) if np.isfinite(x)]
        reach[duel.metric] = max(reach.get(duel.metric, 1e-12), *ends, 0.0)
    return [_duel(duel, reach[duel.metric]) for duel in comparisons]


def _duel(duel: Comparison, reach: float) -> Row:
    verdict, kind = _verdict(duel)
    bar = None
    if np.isfinite([duel.low, duel.high, duel.difference]).all():
        left, right, at = (_percent(x, (-reach, reach)) for x in (duel.low, duel.high, duel.difference))
        bar = {"left": left, "width": max(right - left, 1.0), "at": at}
    return {
        "model": duel.model,
        "baseline": duel.baseline,
        "metric": duel.metric,
        "verdict": verdict,
        "kind": kind,
        "difference": _signed(duel.difference),
        "range": f"{_signed(duel.low)} to {_signed(duel.high)}" if bar else "",
        "p": _chance(duel.p_value),
        "n_users": "" if duel.n_users is None else count(duel.n_users),
        "bar": bar,
    }


def _verdict(duel: Comparison) -> tuple[str, str]:
    """What the interval says: better, worse, or open where it holds zero or there is none."""
    if not (duel.low > 0 or duel.high < 0):
        return "no difference shown", "open"
    gain = -duel.difference if lower_is_better(duel.metric) else duel.difference
    return (f"{duel.model} is better", "better") if gain > 0 else (f"{duel.baseline} is better", "worse")


def _chance(p_value: float | None) -> str:
    if p_value is None or not np.isfinite(p_value):
        return ""
    return "< .001" if p_value < 0.001 else f"{p_value:.3f}".removeprefix("0")


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−") if np.isfinite(value) else "–"


def person(content: Person, palette: Mapping[str, str]) -> Row:
    """Lays one person's card out: what they liked, what they are recommended, and why."""
    rest = (content.n_history or len(content.liked)) - len(content.liked)
    picks = [
        {
            "title": pick.title,
            "groups": list(pick.groups),
            "hit": pick.hit,
            "score": f"{pick.score:.4g}",
            "colour": _colour(pick.groups, palette),
            "because": [reason.title for reason in pick.because[:3]],
        }
        for pick in content.picks
    ]
    liked = [
        {"title": item.title, "stars": "" if item.weight is None else f"{item.weight:g}"}
        for item in content.liked
    ]
    return {
        "name": content.name,
        "model": content.model,
        "is_new": content.is_new,
        "liked": liked,
        "rest": max(rest, 0),
        "picks": picks,
        "hits": sum(pick.hit for pick in content.picks),
    }


def _colour(groups: Sequence[str], palette: Mapping[str, str]) -> str:
    return palette.get(groups[0], "var(--cat-other)") if groups else "var(--cat-other)"


def profile(content: DataProfile) -> Row:
    """Puts the counts of the log into words."""
    cells = max(content.n_users * content.n_items, 1)
    taken = int((content.item_counts > 0).sum())
    rank = half_rank(np.sort(content.item_counts)[::-1])
    counts = [
        ("users", count(content.n_users)),
        ("items", count(content.n_items)),
        ("interactions", count(content.n_interactions)),
        ("of all user–item pairs are known", f"{100 * content.n_interactions / cells:.2f} %"),
        ("interactions a user, on average", f"{content.n_interactions / max(content.n_users, 1):.1f}"),
    ]
    span = ""
    if content.first is not None and content.last is not None:
        span = f"from {day(content.first)} to {day(content.last)}"
    refused = None
    if content.refused is not None:
        refused = [
            (reason, count(n)) for reason, n in sorted(content.refused.items(), key=lambda pair: -pair[1])
        ]
    untouched = content.n_items - taken
    share = f"{100 * rank / max(taken, 1):.1f} %"
    tail = f"{count(rank)} items, {share} of those taken at all, hold half of all interactions."
    if untouched > 0:
        tail += f" {count(untouched)} more were never taken."
    return {
        "counts": counts,
        "span": span,
        "refused": refused,
        "notes": list(content.notes),
        "tail": tail,
        "activity": _activity_says(content),
        "weights": _weights_says(content),
        "months": _months_says(content),
    }


def _activity_says(content: DataProfile) -> str:
    if content.user_counts is None or not len(content.user_counts):
        return ""
    low, middle, high = np.percentile(content.user_counts, [0, 50, 100]).astype(int).tolist()
    ends = f"the least active {count(low)}, the most active {count(high)}"
    return f"Half of the users have {count(middle)} interactions or fewer; {ends}."


def _weights_says(content: DataProfile) -> str:
    if not content.weights:
        return ""
    total = sum(content.weights.values())
    mean = sum(weight * n for weight, n in content.weights.items()) / max(total, 1)
    often = max(content.weights, key=lambda weight: content.weights[weight])  # type: ignore[index]
    return f"On average {mean:.2f}; the most frequent is {often:g}."


def _months_says(content: DataProfile) -> str:
    if not content.months:
        return ""
    busiest = max(content.months, key=lambda month: content.months[month])  # type: ignore[index]
    return f"The busiest month is {busiest:%B %Y} with {count(content.months[busiest])}."
