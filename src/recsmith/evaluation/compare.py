"""compare: are two models' figures on the same users different, by a paired bootstrap over those users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from recsmith.errors import InvalidValue, Shown
from recsmith.evaluation import bootstrap
from recsmith.evaluation.metrics import UserMetric, parse_metric
from recsmith.evaluation.result import N_RATINGS, Evaluation

_FEWEST, _FOR_A_PAIR = 2_000, 200
"""Resamples. No p is below 2 / (resamples + 1), and Holm multiplies it by up to the number of pairs: so many
for each pair keep the smallest one that can be reached at .01."""


@dataclass(frozen=True)
class Difference:
    """One metric of model `b` less that of model `a`, with a paired 95 % interval and a two-sided p-value.

    `wins` counts users for whom b is better, `losses` worse, `ties` alike. `p_value` is for one
    comparison; `p_holm` is corrected (Holm 1979) for all pairs of models compared on this metric.
    Coverage and Gini have values only, AUC no users that win.
    """

    metric: str
    a: str
    b: str
    value_a: float
    value_b: float
    difference: float
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    p_holm: float | None = None
    wins: int | None = None
    ties: int | None = None
    losses: int | None = None
    n_users: int | None = None
    higher_is_better: bool = True

    @property
    def verdict(self) -> str:
        """Names the better one at the 5 % level after correction, or says `cannot tell` or `not tested`."""
        if self.p_holm is None:
            return "not tested"
        if self.p_holm >= 0.05:
            return "cannot tell"
        return self.b if (self.difference > 0) == self.higher_is_better else self.a


@dataclass(frozen=True)
class Comparison:
    """The differences of every pair of models on every metric they share."""

    differences: tuple[Difference, ...]
    n_bootstrap: int
    seed: int

    def to_frame(self) -> pl.DataFrame:
        """Gives a row a metric and pair."""
        return pl.DataFrame(self.to_dict()["differences"], infer_schema_length=None)

    def to_dict(self) -> dict[str, Any]:
        """Gives plain values for JSON."""
        rows = [{**asdict(one), "verdict": one.verdict} for one in self.differences]
        clean = [{k: None if isinstance(v, float) and v != v else v for k, v in row.items()} for row in rows]
        return {"differences": clean, "n_bootstrap": self.n_bootstrap, "seed": self.seed}

    def __rich__(self) -> Group:
        tables = [self._table(a, b) for a, b in dict.fromkeys((d.a, d.b) for d in self.differences)]
        return Group(*tables, f"Paired bootstrap over users, {self.n_bootstrap:,} resamples; p after Holm.")

    def _table(self, a: str, b: str) -> Table:
        table = Table(title=Text(f"{b} − {a}"), title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("metric", no_wrap=True)
        for column in ("difference", "95 % interval", "p", "win/tie/loss"):
            table.add_column(column, justify="right", no_wrap=True)
        table.add_column("better", no_wrap=True)
        for d in self.differences:
            if (d.a, d.b) == (a, b):
                table.add_row(*_cells(d))
        return table


def compare(
    evaluations: Mapping[str, Evaluation] | Sequence[Evaluation],
    *,
    metrics: Iterable[str] | None = None,
    n_bootstrap: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Compares two evaluations or more, every pair, on each metric that all of them have.

    The same resamples of users serve both models, so what a user is like cancels out. p is twice the
    smaller share of resamples on one side of no difference, counted with one added to both sides, at most
    1. `n_bootstrap` resamples are drawn, when not given 2,000 and at least 200 for each pair, so that the
    correction for many pairs leaves room to tell. Raises InvalidValue for evaluations on other test events,
    users or protocols.
    """
    named = _named(evaluations)
    _same_task(named)
    shared = [
        name for name in next(iter(named.values())).names if all(name in e.names for e in named.values())
    ]
    asked = shared if metrics is None else list(metrics)
    for name in asked:
        if name not in shared:
            cure = f"They share {', '.join(shared)}."
            raise InvalidValue("metric", "one that all the evaluations have", name, cure)
    pairs = list(combinations(named, 2))
    tested = {name: metric for name in asked if isinstance(metric := _metric(name), UserMetric)}
    parts = {name: _parts(metric, name, named) for name, metric in tested.items()}
    n_drawn = max(_FEWEST, _FOR_A_PAIR * len(pairs)) if n_bootstrap is None else n_bootstrap
    drawn = _drawn(parts, tested, n_drawn, seed=seed)
    differences: list[Difference] = []
    for name in asked:
        rows = [_difference(name, a, b, named, tested.get(name), parts, drawn) for a, b in pairs]
        differences += _holm(rows)
    return Comparison(tuple(differences), n_drawn, seed)


def _cells(d: Difference) -> tuple[str, ...]:
    """Gives a difference's cells for the terminal."""
    around = "" if d.low is None or d.high is None else f"{d.low:+.4f} {d.high:+.4f}"
    p = "" if d.p_holm is None else f"{d.p_holm:.4f}"
    users = "" if d.wins is None else f"{d.wins:,}/{d.ties:,}/{d.losses:,}"
    return d.metric, f"{d.difference:+.4f}", around, p, users, "" if d.p_holm is None else d.verdict


def _named(evaluations: Mapping[str, Evaluation] | Sequence[Evaluation]) -> dict[str, Evaluation]:
    if isinstance(evaluations, Evaluation) or len(evaluations) < 2:
        count = 1 if isinstance(evaluations, Evaluation) else len(evaluations)
        raise InvalidValue("evaluations", "two or more", count)
    if isinstance(evaluations, Mapping):
        return dict(evaluations)
    names = [evaluation.model for evaluation in evaluations]
    unique = names if len(set(names)) == len(names) else [f"{n + 1}: {name}" for n, name in enumerate(names)]
    return dict(zip(unique, evaluations, strict=True))


def _same_task(named: Mapping[str, Evaluation]) -> None:
    first_name, first = next(iter(named.items()))
    for name, other in named.items():
        if other.fingerprint != first.fingerprint:
            got = Shown(f"{first_name!r} on {first.fingerprint}, {name!r} on {other.fingerprint}")
            rules = [
                f"{who!r}: {e.split_rule} {e.protocol}" for who, e in ((first_name, first), (name, other))
            ]
            cure = " ".join(rules)
            raise InvalidValue("evaluations", "on the same split, users and protocol", got, cure)


def _metric(name: str) -> object:
    """Gives the shipped metric of a name, None for one from outside, which compares by mean."""
    try:
        return parse_metric(name)
    except InvalidValue:
        return None


def _parts(metric: UserMetric, name: str, named: Mapping[str, Evaluation]) -> dict[str, np.ndarray]:
    """Gives each model's addends [U, 2]; a user left out for one model is left out for all."""
    columns = {who: e.users[name].fill_null(float("nan")).to_numpy() for who, e in named.items()}
    there_U = np.all([np.isfinite(value_U) for value_U in columns.values()], axis=0)
    return {
        who: bootstrap.pooled(
            metric, np.where(there_U, value_U, np.nan), named[who].users[N_RATINGS].to_numpy()
        )
        for who, value_U in columns.items()
    }


def _drawn(
    parts: Mapping[str, Mapping[str, np.ndarray]],
    metrics: Mapping[str, UserMetric],
    n_bootstrap: int,
    *,
    seed: int,
) -> dict[tuple[str, str], np.ndarray]:
    """Gives the figure of every metric and model on every resample; one draw of users serves them all."""
    keys = [(name, who) for name, models in parts.items() for who in models]
    if not keys:
        return {}
    stacked_UC = np.concatenate([parts[name][who] for name, who in keys], axis=1)
    draws = bootstrap.resamples(len(stacked_UC), n_bootstrap, seed=seed)
    sums_SC = np.concatenate(
        [np.zeros((0, stacked_UC.shape[1])), *(weight_SU @ stacked_UC for weight_SU in draws)]
    )
    return {
        (name, who): bootstrap.figure(metrics[name], sums_SC[:, 2 * at : 2 * at + 2])
        for at, (name, who) in enumerate(keys)
    }


def _difference(
    name: str,
    a: str,
    b: str,
    named: Mapping[str, Evaluation],
    metric: UserMetric | None,
    parts: Mapping[str, Mapping[str, np.ndarray]],
    drawn: Mapping[tuple[str, str], np.ndarray],
) -> Difference:
    better = named[a][name].higher_is_better
    if metric is None:
        return _whole(name, a, b, named)
    part_a, part_b = parts[name][a], parts[name][b]
    value_a = float(bootstrap.figure(metric, part_a.sum(axis=0)))
    value_b = float(bootstrap.figure(metric, part_b.sum(axis=0)))
    gap_S = drawn[name, b] - drawn[name, a]
    low, high = bootstrap.interval(gap_S)
    there_U = part_a[:, 1] > 0
    mine_U, theirs_U = part_b[there_U, 0], part_a[there_U, 0]
    ties_U = np.isclose(mine_U, theirs_U, rtol=1e-9, atol=1e-12)
    ahead_U = ((mine_U > theirs_U) == better) & ~ties_U
    return Difference(
        metric=name, a=a, b=b, value_a=value_a, value_b=value_b, difference=value_b - value_a,
        low=low, high=high, p_value=_p_value(gap_S), wins=int(ahead_U.sum()), ties=int(ties_U.sum()),
        losses=int((~ahead_U & ~ties_U).sum()), n_users=int(there_U.sum()), higher_is_better=better,
    )  # fmt: skip


def _whole(name: str, a: str, b: str, named: Mapping[str, Evaluation]) -> Difference:
    """Gives the difference of a metric without per-user values, tested where both have the same resamples."""
    first, second = named[a], named[b]
    value_a, value_b = first[name].value, second[name].value
    gap_S = np.zeros(0)
    if name in first.replicates and name in second.replicates and first.seed == second.seed:
        drawn_a, drawn_b = first.replicates[name], second.replicates[name]
        if len(drawn_a) == len(drawn_b):
            gap_S = np.array(drawn_b) - np.array(drawn_a)
    low, high = bootstrap.interval(gap_S)
    return Difference(
        metric=name, a=a, b=b, value_a=value_a, value_b=value_b, difference=value_b - value_a,
        low=low, high=high, p_value=_p_value(gap_S), higher_is_better=first[name].higher_is_better,
    )  # fmt: skip


def _p_value(gap_S: np.ndarray) -> float | None:
    """Gives 2·min(P(gap ≤ 0), P(gap ≥ 0)), one added to counts and total (Davison & Hinkley 1997)."""
    known_S = gap_S[np.isfinite(gap_S)]
    if not len(known_S):
        return None
    side = min(int((known_S <= 0).sum()), int((known_S >= 0).sum()))
    return min(1.0, 2 * (side + 1) / (len(known_S) + 1))


def _holm(rows: list[Difference]) -> list[Difference]:
    """Corrects the p-values of one metric for the number of pairs (Holm 1979)."""
    order = sorted(
        (i for i, row in enumerate(rows) if row.p_value is not None), key=lambda i: rows[i].p_value or 0.0
    )
    corrected, highest = list(rows), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, (rows[i].p_value or 0.0) * (len(order) - place)))
        corrected[i] = Difference(**{**asdict(rows[i]), "p_holm": highest})
    return corrected
