"""The main job on bundled data: log, split, models, leaderboard, lists with reasons, report, model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recsmith import __version__
from recsmith import progress as bars
from recsmith.config import Run
from recsmith.config.recipe import Recipe, dump_recipe, parse_recipe
from recsmith.data import Dataset, Split, leave_last_out, random_holdout
from recsmith.errors import InvalidValue, MissingExtra, nearest
from recsmith.evaluation import Evaluation, compare, evaluate
from recsmith.models import HasVectors, PredictsRatings, Recommender
from recsmith.runs import content, files
from recsmith.runs.build import fingerprint, model_class
from recsmith.runs.crosstab import crosstab
from recsmith.runs.lists import Advisor
from recsmith.runs.lock import only_writer
from recsmith.runs.sources import load_data
from recsmith.runs.stage import Stage
from recsmith.storage import folder_aside

METRICS = ("NDCG@10", "HitRate@10", "Recall@20", "Coverage@10", "Novelty@10")
RATING_METRICS = ("RMSE", "MAE")
PRIMARY = METRICS[0]
KNOWN_PERSON = 42
NEW_PERSON = ("Toy Story (1995)", "Monsters, Inc. (2001)", "Finding Nemo (2003)")
SAMPLE_USERS = (42, 1, 318)
N_BOOTSTRAP = 1000

RANKERS: dict[str, dict[str, Any]] = {
    "Popular": {},
    "TfIdfContent": {},
    "ItemKNN": {"n_neighbours": 20},
    "UserKNN": {"similarity": "jaccard", "amplification": 2.0},
    "PureSVD": {"embedding_dim": 50},
    "EASE": {"regularization": 1000.0, "weighting": "weight"},
    "IALS": {"embedding_dim": 64, "unobserved_weight": 0.4},
    "BPR": {"embedding_dim": 64, "n_epochs": 100},
}
"""Model to settings, chosen on the last three training events of each person, never on the test."""
RATERS: dict[str, dict[str, Any]] = {
    "ItemKNN": {"shrinkage": 10.0},
    "PureSVD": {"embedding_dim": 10, "mean_center": True},
    "FunkSVD": {"embedding_dim": 50, "n_epochs": 60},
}
"""Models that predict stars, with settings chosen on another random tenth of the ratings."""


@dataclass
class Result:
    """What the demo found, as it grows."""

    data: Dataset
    split: Split
    models: dict[str, Recommender] = field(default_factory=dict)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    raters: dict[str, Recommender] = field(default_factory=dict)
    ratings: dict[str, Evaluation] = field(default_factory=dict)
    rating_rule: str = ""
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def best(self) -> str:
        """The name of the model at the top of the leaderboard."""
        return max(self.evaluations, key=lambda name: self.evaluations[name][PRIMARY].value)


def demo(
    out: str | Path,
    *,
    models: Sequence[str] | None = None,
    seed: int = 0,
    report: bool = True,
    overwrite: bool = True,
    progress: bool = False,
    stage: Stage | None = None,
) -> dict[str, Any]:
    """Runs the whole job and leaves the best model's run folder at `out`; returns the figures.

    `models` keeps only these of the leaderboard. A demo that is there already is replaced; anything else
    is not.
    """
    began = time.perf_counter()
    tell = stage or Stage()
    rankers = _chosen(models)
    target = Path(out)
    if target.exists() and not (overwrite and _is_demo(target)):
        files.refuse_existing(target, overwrite=False)
    with only_writer(target), folder_aside(target, sole_writer=True) as folder:
        result = _read(seed=seed, tell=tell)
        tell.heading("Models")
        for name, settings in rankers.items():
            _fit_and_judge(result, name, settings, seed=seed, progress=progress, tell=tell)
        tell.leaderboard(
            result.evaluations, seconds={n: result.seconds[n, "fit"] for n in result.evaluations}
        )
        if models is None:
            _judge_ratings(result, seed=seed, progress=progress, tell=tell)
        people = _people(result, tell)
        _save(result, folder, rankers, seed=seed, seconds=time.perf_counter() - began)
        wrote = _report(result, folder, people, tell) if report else False
        plain = _plain(result, people, seconds=time.perf_counter() - began)
        files.write_json(folder / "demo.json", plain)
    tell.heading("Kept")
    tell.facts(
        {
            "model": f"{target / files.MODEL} ({result.best})",
            **({"report": str(target / files.REPORT)} if wrote else {}),
            "next": f'recsmith recommend --model {target} --likes "Alien (1979)"',
        }
    )
    tell.say(f"All of it took {time.perf_counter() - began:.0f} s.")
    return {"out": str(target), **plain}


def _chosen(models: Sequence[str] | None) -> dict[str, dict[str, Any]]:
    if models is None:
        return RANKERS
    for name in models:
        if name not in RANKERS:
            cure = nearest(name, RANKERS)
            raise InvalidValue("--only", f"one of {', '.join(RANKERS)}", name, cure)
    return {name: RANKERS[name] for name in RANKERS if name in models}


def _is_demo(target: Path) -> bool:
    return (target / "demo.json").is_file()


def _read(*, seed: int, tell: Stage) -> Result:
    data = load_data(_recipe("Popular", {}, seed=seed).data)
    about = content.profile(data)
    n_pairs = about.n_users * about.n_items
    when = f"{about.first:%Y-%m-%d} to {about.last:%Y-%m-%d}" if about.first and about.last else "unknown"
    tell.heading(data.name)
    tell.facts(
        {
            "interactions": f"{about.n_interactions:,}",
            "people": f"{about.n_users:,}",
            "items": f"{about.n_items:,}",
            "density": f"{about.n_interactions / n_pairs:.2%}",
            "time": when,
            "refused": f"{sum(data.notes.refused.values()):,} rows",
        }
    )
    split = leave_last_out(data)
    tell.say(split.rule)
    return Result(data, split)


def _fit_and_judge(
    result: Result, name: str, settings: Mapping[str, Any], *, seed: int, progress: bool, tell: Stage
) -> None:
    model = model_class(name)(**settings)
    result.models[name], result.seconds[name, "fit"] = _fitted(
        model, result.split.train, seed=seed, progress=progress
    )
    began = time.perf_counter()
    result.evaluations[name] = evaluate(
        model, result.split, metrics=METRICS, n_bootstrap=N_BOOTSTRAP, seed=seed, run=Run(seed=seed)
    )
    result.seconds[name, "evaluate"] = time.perf_counter() - began
    tell.say(
        f"{name:<13} {PRIMARY} {result.evaluations[name][PRIMARY].value:.4f}   "
        f"fit {result.seconds[name, 'fit']:.1f} s, judged {result.seconds[name, 'evaluate']:.1f} s"
    )


def _fitted(model: Recommender, data: Dataset, *, seed: int, progress: bool) -> tuple[Recommender, float]:
    """Fits with a bar: the model's own where it learns in epochs, else one for the whole."""
    began = time.perf_counter()
    learns_in_epochs = "n_epochs" in type(model.config).model_fields
    run = Run(seed=seed, progress=progress and learns_in_epochs)
    with bars.bar(type(model).__name__, total=1, shown=progress and not learns_in_epochs) as bar:
        model.fit(data, run=run)
        bar.step()
    if run.interrupted:
        raise KeyboardInterrupt
    return model, time.perf_counter() - began


def _judge_ratings(result: Result, *, seed: int, progress: bool, tell: Stage) -> None:
    tell.heading("Ratings")
    split = random_holdout(result.data, fraction=0.1, per_user=True, seed=seed)
    result.rating_rule = split.rule
    tell.say(split.rule)
    for name, settings in RATERS.items():
        model, seconds = _fitted(model_class(name)(**settings), split.train, seed=seed, progress=progress)
        result.raters[name] = model
        result.seconds[f"{name} (ratings)", "fit"] = seconds
        result.ratings[name] = evaluate(
            model, split, metrics=RATING_METRICS, n_bootstrap=N_BOOTSTRAP, seed=seed, run=Run(seed=seed)
        )
    tell.ratings(result.ratings)


def _people(result: Result, tell: Stage) -> list[Any]:
    """Recommends to somebody the model knows and to somebody new; returns people for the report."""
    tell.heading("Recommendations")
    advisor = Advisor(result.models[result.best])
    liked = [advisor.titles.find(title) for title in NEW_PERSON]
    new = content.person(advisor, "Someone new", likes=liked)
    known = [
        content.person(advisor, f"User {user}", user_id=user, split=result.split)
        for user in SAMPLE_USERS
        if user in result.data.users
    ]
    for person in (known[0], new):
        tell.recommendations(
            f"{person.name} ({result.best})",
            [one.title for one in person.liked],
            [
                {"title": pick.title, "score": pick.score, "because": [why.title for why in pick.because]}
                for pick in person.picks
            ],
        )
    return [known[0], new, *known[1:]]


def _save(
    result: Result, folder: Path, rankers: Mapping[str, Mapping[str, Any]], *, seed: int, seconds: float
) -> None:
    best = result.best
    recipe = _recipe(best, rankers[best], seed=seed)
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
            "split": result.split.rule,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 3),
            "state": "done",
            "data": fingerprint(result.data),
        },
    )


def _recipe(name: str, settings: Mapping[str, Any], *, seed: int) -> Recipe:
    return parse_recipe(
        {
            "data": {"source": "movielens", "size": "latest-small"},
            "split": {"rule": "leave_last_out"},
            "model": {"class": name, **settings},
            "run": {"seed": seed},
            "evaluate": {"metrics": list(METRICS), "n_bootstrap": N_BOOTSTRAP},
        }
    )


def _report(result: Result, folder: Path, people: list[Any], tell: Stage) -> bool:
    from recsmith.runs.page import Parts, write_parts

    best = result.best
    others = [name for name in result.evaluations if name != best]
    pairs = [
        one
        for other in others
        for one in compare(
            {other: result.evaluations[other], best: result.evaluations[best]}, metrics=[PRIMARY]
        ).differences
    ]
    every = {**result.models, **{f"{name} (ratings)": model for name, model in result.raters.items()}}
    raters = [model for model in result.raters.values() if isinstance(model, PredictsRatings)]
    mapped = result.models.get("PureSVD")
    parts = Parts(
        name="recsmith demo",
        data=result.data,
        split_rule=result.split.rule,
        evaluations=result.evaluations,
        ratings=result.ratings,
        primary=PRIMARY,
        differences=pairs,
        people=people,
        mapped=mapped if isinstance(mapped, HasVectors) else None,
        crosstab=crosstab(result.data, raters[-1] if raters else None),
        curves={name: model.learning_curve for name, model in every.items() if model.learning_curve},
        recipe=(folder / files.RECIPE).read_text(encoding="utf-8"),
        seconds=result.seconds,
    )
    try:
        write_parts(parts, folder / files.REPORT)
    except MissingExtra as missing:
        tell.say(f"No report.html: {missing}")
        return False
    return True


def _plain(result: Result, people: list[Any], *, seconds: float) -> dict[str, Any]:
    return {
        "best": result.best,
        "leaderboard": {name: found.to_dict() for name, found in result.evaluations.items()},
        "ratings": {name: found.to_dict() for name, found in result.ratings.items()},
        "recommendations": {
            person.name: [
                {"title": pick.title, "score": pick.score, "because": [why.title for why in pick.because]}
                for pick in person.picks
            ]
            for person in people
        },
        "seconds": round(seconds, 2),
    }
