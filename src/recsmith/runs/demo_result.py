"""What a demo has found, and how it is kept: run folder, every model's figures, report, plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recsmith import __version__
from recsmith.config.recipe import ModelRecipe, Recipe, dump_recipe
from recsmith.data import Dataset, Split
from recsmith.evaluation import Difference, Evaluation, compare
from recsmith.models import HasVectors, PredictsRatings, Recommender
from recsmith.report import Person
from recsmith.runs import files
from recsmith.runs.build import fingerprint
from recsmith.runs.crosstab import crosstab

NAME = "demo.json"


@dataclass
class Result:
    """What the demo found, as it grows."""

    recipe: Recipe
    data: Dataset
    split: Split
    primary: str
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: dict[str, Recommender] = field(default_factory=dict)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    raters: dict[str, Recommender] = field(default_factory=dict)
    ratings: dict[str, Evaluation] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def best(self) -> str:
        """The name of the model at the top of the leaderboard."""
        return max(self.evaluations, key=lambda name: self.evaluations[name][self.primary].value)


def save(result: Result, folder: Path, *, seconds: float) -> None:
    """Writes the best model's run folder, with the figures of all models beside it."""
    best = result.best
    model = ModelRecipe.model_validate({"class": best, **result.settings[best]})
    recipe = result.recipe.model_copy(update={"model": model})
    (folder / files.RECIPE).write_text(dump_recipe(recipe), encoding="utf-8")
    result.models[best].save(folder / files.MODEL)
    result.evaluations[best].save(folder)
    for name, found in result.evaluations.items():
        found.save(folder / files.EVALUATIONS / name)
    for name, found in result.ratings.items():
        found.save(folder / files.RATINGS / name)
    (folder / files.LOG).mkdir()
    files.write_curve(folder, result.models[best].learning_curve)
    files.write_json(
        folder / files.STATUS,
        {
            "format": files.FORMAT,
            "recsmith": __version__,
            "model": best,
            "data_name": result.data.name,
            "data": fingerprint(result.data),
            "split": result.split.rule,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 3),
            "state": "done",
        },
    )


def write_report(result: Result, folder: Path, *, name: str) -> None:
    """Writes the page; raises `MissingExtra` without the report extra."""
    from recsmith.runs.page import Parts, write_parts

    every = {**result.models, **{f"{name} (ratings)": model for name, model in result.raters.items()}}
    raters = [model for model in result.raters.values() if isinstance(model, PredictsRatings)]
    mapped = [model for model in result.models.values() if isinstance(model, HasVectors)]
    parts = Parts(
        name=name,
        data=result.data,
        split_rule=result.split.rule,
        evaluations=result.evaluations,
        ratings=result.ratings,
        primary=result.primary,
        differences=_against_the_best(result),
        people=result.people,
        mapped=mapped[0] if mapped else None,
        crosstab=crosstab(result.data, raters[-1] if raters else None),
        curves={name: model.learning_curve for name, model in every.items() if model.learning_curve},
        recipe=(folder / files.RECIPE).read_text(encoding="utf-8"),
        seconds=result.seconds,
    )
    write_parts(parts, folder / files.REPORT)


def plain(result: Result, *, seconds: float) -> dict[str, Any]:
    """Returns what was found as plain values for JSON."""
    return {
        "best": result.best,
        "leaderboard": {name: found.to_dict() for name, found in result.evaluations.items()},
        "ratings": {name: found.to_dict() for name, found in result.ratings.items()},
        "recommendations": {person.name: lines_of(person) for person in result.people},
        "seconds": round(seconds, 2),
    }


def lines_of(person: Person) -> list[dict[str, Any]]:
    """Returns a person's list as plain values."""
    return [
        {"title": pick.title, "score": pick.score, "because": [why.title for why in pick.because]}
        for pick in person.picks
    ]


def _against_the_best(result: Result) -> Sequence[Difference]:
    best = result.best
    return [
        difference
        for other, evaluation in result.evaluations.items()
        if other != best
        for difference in compare(
            {other: evaluation, best: result.evaluations[best]}, metrics=[result.primary]
        ).differences
    ]
