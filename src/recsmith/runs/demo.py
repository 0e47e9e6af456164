"""The main job from end to end: log, split, models, leaderboard, lists with reasons, report, best model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from recsmith import progress as bars
from recsmith.config import Run
from recsmith.config.data_recipe import MovieLensSource
from recsmith.config.recipe import Recipe, parse_recipe
from recsmith.data import Dataset, random_holdout
from recsmith.errors import InvalidValue, MissingExtra, RecsmithError, Shown, nearest
from recsmith.evaluation import evaluate
from recsmith.models import Recommender, SimilarItems
from recsmith.runs import content, demo_result, files
from recsmith.runs.build import judge, make_split, model_class
from recsmith.runs.demo_result import Result
from recsmith.runs.lists import Advisor
from recsmith.runs.lock import only_writer
from recsmith.runs.sources import load_data
from recsmith.runs.stage import Stage
from recsmith.storage import folder_aside
from recsmith.types import Id

METRICS = ("NDCG@10", "HitRate@10", "Recall@20", "Coverage@10", "Novelty@10")
RATING_METRICS = ("RMSE", "MAE")
PRIMARY = METRICS[0]
N_LIKED = 3

RANKERS: dict[str, dict[str, Any]] = {
    "Popular": {},
    "TfIdfContent": {},
    "ItemKNN": {"n_neighbours": 20},
    "UserKNN": {"similarity": "jaccard", "amplification": 2.0},
    "RP3beta": {"alpha": 0.7, "beta": 0.1, "n_neighbours": 100, "weighting": "weight"},
    "PureSVD": {"embedding_dim": 50},
    "EASE": {"regularization": 1000.0, "weighting": "weight"},
    "SLIM": {"l1_regularization": 5.0, "l2_regularization": 100.0},
    "GFCF": {"embedding_dim": 40},
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

SAMPLE_USERS = (42, 1, 318)
NEW_PERSON = ("Toy Story (1995)", "Monsters, Inc. (2001)", "Finding Nemo (2003)")
"""People for the bundled log; a log of one's own has others."""


def demo(
    out: str | Path,
    *,
    recipe: Recipe | None = None,
    models: Sequence[str] | None = None,
    seed: int = 0,
    report: bool = True,
    overwrite: bool = True,
    progress: bool = False,
    stage: Stage | None = None,
) -> dict[str, Any]:
    """Runs the whole job and leaves the best model's run folder at `out`; returns the figures.

    On the bundled log, or on the data and split of a recipe, whose model joins the leaderboard with its own
    settings. `models` keeps only these. A model that cannot learn from the data is left out, and said so.
    A demo that is there already is replaced; anything else is not.
    """
    began = time.perf_counter()
    tell = stage or Stage()
    target = Path(out)
    if target.exists() and not (overwrite and (target / demo_result.NAME).is_file()):
        files.refuse_existing(target, overwrite=False)
    given = _whole(recipe, seed=seed)
    rankers = _chosen(models, given)
    with only_writer(target), folder_aside(target, sole_writer=True) as folder:
        result = _read(given, tell)
        _fit_and_judge(result, rankers, progress=progress, tell=tell)
        if models is None and result.data.feedback == "ratings":
            _judge_ratings(result, progress=progress, tell=tell)
        _recommend(result, tell)
        demo_result.save(result, folder, seconds=time.perf_counter() - began)
        wrote = report and _report(result, folder, tell)
        found = demo_result.plain(result, seconds=time.perf_counter() - began)
        files.write_json(folder / demo_result.NAME, found)
    tell.heading("Kept")
    liked = next(person for person in result.people if person.is_new).liked
    tell.facts(
        {
            "model": f"{target / files.MODEL} ({result.best})",
            **({"report": str(target / files.REPORT)} if wrote else {}),
            "next": f'recsmith recommend --model {target} --likes "{liked[0].title}"',
        }
    )
    tell.say(f"All of it took {time.perf_counter() - began:.0f} s.")
    return {"out": str(target), **found}


def _whole(recipe: Recipe | None, *, seed: int) -> Recipe:
    """Returns the recipe with the demo's metrics; the bundled log where there is none."""
    if recipe is None:
        return parse_recipe(
            {"model": {"class": "Popular"}, "run": {"seed": seed}, "evaluate": {"metrics": list(METRICS)}}
        )
    return recipe.model_copy(update={"evaluate": recipe.evaluate.model_copy(update={"metrics": METRICS})})


def _chosen(models: Sequence[str] | None, recipe: Recipe) -> dict[str, dict[str, Any]]:
    own = {recipe.model.name: recipe.model.settings}
    every = RANKERS if _is_bundled(recipe) else {**RANKERS, **own}
    if models is None:
        return every
    for name in models:
        if name not in every:
            raise InvalidValue("--only", f"one of {', '.join(every)}", name, nearest(name, every))
    return {name: every[name] for name in every if name in models}


def _is_bundled(recipe: Recipe) -> bool:
    source = recipe.data
    return isinstance(source, MovieLensSource) and source.size == "latest-small" and source.path is None


def _read(recipe: Recipe, tell: Stage) -> Result:
    data = load_data(recipe.data)
    about = content.profile(data)
    n_pairs = about.n_users * about.n_items
    when = f"{about.first:%Y-%m-%d} to {about.last:%Y-%m-%d}" if about.first and about.last else "unknown"
    tell.heading(data.name)
    tell.facts(
        {
            "interactions": f"{about.n_interactions:,}",
            "people": f"{about.n_users:,}",
            "items": f"{about.n_items:,}",
            "density": f"{about.n_interactions / max(n_pairs, 1):.2%}",
            "time": when,
            "refused": f"{sum(data.notes.refused.values()):,} rows",
        }
    )
    split = make_split(data, recipe)
    tell.say(split.rule)
    if not len(split.test):
        raise InvalidValue("split", "one that holds something out", Shown(split.rule))
    return Result(recipe, data, split, PRIMARY)


def _fit_and_judge(
    result: Result, rankers: Mapping[str, Mapping[str, Any]], *, progress: bool, tell: Stage
) -> None:
    tell.heading("Models")
    refused: RecsmithError | None = None
    for name, settings in rankers.items():
        began = time.perf_counter()
        try:
            model = model_class(name)(**settings)
            _fit(model, result.split.train, result.recipe, progress=progress)
        except RecsmithError as error:
            refused = error
            tell.say(f"{name:<13} is left out: {error}")
            continue
        fitted = time.perf_counter()
        found = judge(model, result.split, result.recipe.evaluate, run=_run(result.recipe))
        judged = time.perf_counter()
        result.settings[name], result.models[name], result.evaluations[name] = dict(settings), model, found
        result.seconds |= {(name, "fit"): fitted - began, (name, "evaluate"): judged - fitted}
        tell.say(
            f"{name:<13} {PRIMARY} {found[PRIMARY].value:.4f}   "
            f"fit {fitted - began:.1f} s, judged {judged - fitted:.1f} s"
        )
    if refused is not None and not result.models:
        raise refused
    fit_seconds = {name: result.seconds[name, "fit"] for name in result.evaluations}
    tell.leaderboard(result.evaluations, seconds=fit_seconds)


def _fit(model: Recommender, data: Dataset, recipe: Recipe, *, progress: bool) -> None:
    """Fits with a bar: the model's own where it learns in epochs, else one for the whole."""
    learns_in_epochs = "n_epochs" in type(model.config).model_fields
    run = _run(recipe, progress=progress and learns_in_epochs)
    with bars.bar(type(model).__name__, total=1, shown=progress and not learns_in_epochs) as bar:
        model.fit(data, run=run)
        bar.step()
    if run.interrupted:
        raise KeyboardInterrupt


def _run(recipe: Recipe, *, progress: bool = False) -> Run:
    return Run(seed=recipe.run.seed, n_threads=recipe.run.n_threads, progress=progress)


def _judge_ratings(result: Result, *, progress: bool, tell: Stage) -> None:
    split = random_holdout(result.data, fraction=0.1, per_user=True, seed=result.recipe.run.seed)
    if not len(split.test):
        return
    tell.heading("Ratings")
    tell.say(split.rule)
    for name, settings in RATERS.items():
        began = time.perf_counter()
        model = model_class(name)(**settings)
        _fit(model, split.train, result.recipe, progress=progress)
        result.raters[name] = model
        result.seconds[f"{name} (ratings)", "fit"] = time.perf_counter() - began
        result.ratings[name] = evaluate(
            model,
            split,
            metrics=RATING_METRICS,
            n_bootstrap=result.recipe.evaluate.n_bootstrap,
            seed=result.recipe.run.seed,
            run=_run(result.recipe),
        )
    tell.ratings(result.ratings)


def _recommend(result: Result, tell: Stage) -> None:
    """Recommends to somebody the model knows and to somebody new."""
    tell.heading("Recommendations")
    advisor = Advisor(result.models[result.best])
    known = [
        content.person(advisor, f"User {user}", user_id=user, split=result.split) for user in _sample(result)
    ]
    new = content.person(advisor, "Someone new", likes=_tastes(result, advisor))
    result.people = [*known[:1], new, *known[1:]]
    for person in result.people[:2]:
        liked = [one.title for one in person.liked]
        tell.recommendations(f"{person.name} ({result.best})", liked, demo_result.lines_of(person))


def _sample(result: Result) -> list[Id]:
    """Returns users with a history of a usual length who are in the test."""
    if _is_bundled(result.recipe):
        return list(SAMPLE_USERS)
    users = result.split.test_users()
    lengths = result.split.train.histories(users).lengths
    seen = users[lengths > 0]
    usual = np.argsort(np.abs(lengths[lengths > 0] - np.median(lengths)), kind="stable")
    found: list[Id] = result.data.users.decode(seen[usual[: len(SAMPLE_USERS)]])
    return found


def _tastes(result: Result, advisor: Advisor) -> list[Id]:
    """Returns what somebody new likes: the item most taken, and what goes with it."""
    if _is_bundled(result.recipe):
        return [advisor.titles.find(title) for title in NEW_PERSON]
    memory = advisor.model.memory
    most_taken: list[Id] = memory.items.decode(np.argsort(-memory.popularity, kind="stable")[:N_LIKED])
    if not isinstance(advisor.model, SimilarItems):
        return most_taken
    alike = advisor.model.similar_items(most_taken[0], k=N_LIKED - 1)
    return [most_taken[0], *(one.item_id for one in alike)]


def _report(result: Result, folder: Path, tell: Stage) -> bool:
    try:
        demo_result.write_report(result, folder, name=f"recsmith demo: {result.data.name}")
    except MissingExtra as missing:
        tell.say(f"No report.html: {missing}")
        return False
    return True
