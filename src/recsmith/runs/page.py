"""The page of a run: gathers what a report shows from a run folder, or from what a demo has at hand."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from recsmith import __version__
from recsmith import progress as bars
from recsmith.config.run import cores
from recsmith.data import Dataset, Split
from recsmith.evaluation import Difference, Evaluation
from recsmith.models import HasVectors, PredictsRatings, Recommender
from recsmith.report import (
    Comparison,
    Crosstab,
    Curve,
    DataProfile,
    Environment,
    FeatureCrosses,
    Header,
    Leaderboard,
    Page,
    Person,
    Tile,
    Timing,
    write,
)
from recsmith.runs import content, files
from recsmith.runs.crosstab import crosstab
from recsmith.runs.doctor import LIBRARIES, processor, version_of
from recsmith.runs.folder import RunFolder
from recsmith.runs.lists import Advisor

N_PEOPLE = 3


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What there is to show; whatever is missing is not shown."""

    name: str
    data: Dataset
    split_rule: str
    evaluations: Mapping[str, Evaluation]
    primary: str = ""
    ratings: Mapping[str, Evaluation] = field(default_factory=dict)
    differences: Sequence[Difference] = ()
    people: Sequence[Person] = ()
    mapped: HasVectors | None = None
    crosstab: Crosstab | None = None
    crosses: FeatureCrosses | None = None
    curves: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    recipe: str = ""
    seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)


def write_page(
    run: RunFolder,
    target: Path,
    *,
    name: str | None = None,
    model: Recommender | None = None,
    split: Split | None = None,
    data: Dataset | None = None,
    progress: bool = False,
) -> Path:
    """Writes the page of a run folder; model, split and data that are not at hand are read again."""
    with bars.bar("report", total=3, shown=progress) as bar:
        whole = run.data() if data is None else data
        divided = run.split(whole) if split is None else split
        bar.step()
        fitted = run.model() if model is None else model
        advisor = Advisor(fitted)
        users = divided.train.users.decode(divided.test_users()[:N_PEOPLE]) if len(divided.test) else []
        people = [
            content.person(advisor, f"User {user}", user_id=user, split=divided)
            for user in users
            if advisor.history(user)
        ]
        bar.step()
        parts = Parts(
            name=name or run.path.name,
            data=whole,
            split_rule=divided.rule,
            evaluations=run.evaluations,
            ratings=run.ratings,
            primary=next(iter(run.metrics), ""),
            people=people,
            mapped=fitted if isinstance(fitted, HasVectors) else None,
            crosstab=crosstab(whole, fitted if isinstance(fitted, PredictsRatings) else None),
            crosses=content.crosses(fitted),
            curves={type(fitted).__name__: run.learning_curve} if run.learning_curve else {},
            recipe=(run.path / files.RECIPE).read_text(encoding="utf-8"),
        )
        written = write_parts(parts, target)
        bar.step()
    return written


def write_parts(parts: Parts, target: Path) -> Path:
    """Writes a page of what there is."""
    return write(page_of(parts), target)


def page_of(parts: Parts) -> Page:
    """Turns what there is into the report's own words."""
    about = content.profile(parts.data)
    board = _board(parts.evaluations, parts.primary, note=lambda one: one.protocol)
    return Page(
        header=Header(
            name=parts.name,
            made_at=datetime.now(UTC),
            data=parts.data.name,
            split=parts.split_rule,
            summary=_summary(parts, board),
            versions={"recsmith": __version__, "Python": platform.python_version()},
        ),
        tiles=_tiles(parts, about, board),
        leaderboard=board,
        comparisons=[_comparison(one) for one in parts.differences],
        ratings=_board(parts.ratings, "RMSE", note=lambda one: one.split_rule),
        people=parts.people,
        item_map=None if parts.mapped is None else content.item_map(parts.mapped),
        crosstab=parts.crosstab,
        crosses=parts.crosses,
        curves=[Curve(model=name, history=rows) for name, rows in parts.curves.items()],
        profile=about,
        recipe=parts.recipe,
        environment=Environment(
            facts={
                "recsmith": __version__,
                "Python": platform.python_version(),
                "CPU": processor(),
                "Cores": str(cores()),
                "Platform": platform.platform(),
                **{name: version_of(name) or "" for name in LIBRARIES[:4]},
            },
            timings=[
                Timing(model=model, step=step, seconds=seconds)
                for (model, step), seconds in parts.seconds.items()
            ],
        ),
    )


def _board(
    evaluations: Mapping[str, Evaluation], primary: str, *, note: Callable[[Evaluation], str]
) -> Leaderboard | None:
    if not evaluations:
        return None
    found = list(evaluations.values())
    first = found[0]
    return Leaderboard(
        results={name: found.to_dict() for name, found in evaluations.items()},
        primary=primary or first.names[0],
        note=note(first),
        warnings=_said(finding.message for one in found for finding in one.leaks),
        remarks=_said(remark for one in found for remark in _remarks(one)),
    )


def _remarks(one: Evaluation) -> list[str]:
    left_out = [f"{n:,} users left out: {reason}." for reason, n in one.left_out.items() if n]
    return [*left_out, *one.notes, *(finding.message for finding in one.findings if finding.kind == "note")]


def _said(sentences: Iterable[str]) -> tuple[str, ...]:
    """What is said of several models is said once."""
    return tuple(dict.fromkeys(sentences))


def _summary(parts: Parts, board: Leaderboard | None) -> str:
    if board is None:
        return "Trained on everything; nothing was held out to judge it by."
    ranked = board.ranked(board.primary)
    if len(ranked) < 2:
        return ""
    figure = parts.evaluations[ranked[0]][board.primary]
    return f"{ranked[0]} leads {len(ranked)} models with {board.primary} {_figure(figure.value)}."


def _tiles(parts: Parts, about: DataProfile, board: Leaderboard | None) -> list[Tile]:
    tiles = [
        Tile(label="Interactions", value=f"{about.n_interactions:,}", note=parts.data.name),
        Tile(label="People", value=f"{about.n_users:,}"),
        Tile(label="Items", value=f"{about.n_items:,}"),
    ]
    if board is not None:
        best = board.ranked(board.primary)[0]
        figure = parts.evaluations[best][board.primary]
        bounds = f", {_figure(figure.low)} to {_figure(figure.high)}" if figure.low is not None else ""
        tiles.insert(0, Tile(label=f"Best {board.primary}", value=_figure(figure.value), note=best + bounds))
    if parts.ratings:
        name = min(parts.ratings, key=lambda one: parts.ratings[one]["RMSE"].value)
        figure = parts.ratings[name]["RMSE"]
        tiles.insert(1, Tile(label="Best RMSE", value=_figure(figure.value), note=f"{name}, stars"))
    return tiles


def _comparison(one: Difference) -> Comparison:
    return Comparison(
        model=one.b,
        baseline=one.a,
        metric=one.metric,
        difference=one.difference,
        low=one.low if one.low is not None else float("nan"),
        high=one.high if one.high is not None else float("nan"),
        p_value=one.p_value,
        n_users=one.n_users,
    )


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
