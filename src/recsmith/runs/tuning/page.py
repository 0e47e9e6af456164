"""The page of a tuning: its trials, what mattered, and the winner's settings, in the report's own words."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path

from recsmith import __version__
from recsmith.config.run import cores
from recsmith.config.space import Range
from recsmith.report import Environment, Header, Page, Search, Tile, write
from recsmith.report import Trial as Shown
from recsmith.runs.doctor import processor, version_of
from recsmith.runs.tuning.result import BEST, Tuning
from recsmith.runs.tuning.study import Trial

_MODEL = "model."


def write_page(found: Tuning, target: Path) -> Path:
    """Writes the page of a tuning; raises `MissingExtra` without the report extra."""
    return write(page_of(found), target)


def page_of(found: Tuning) -> Page:
    """Turns what was found into a report."""
    return Page(
        header=Header(
            name=found.path.name,
            made_at=datetime.now(UTC),
            data=found.data,
            split=found.rule,
            summary=_summary(found),
            versions={
                "recsmith": __version__,
                "Optuna": version_of("optuna") or "",
                "Python": platform.python_version(),
            },
        ),
        tiles=_tiles(found),
        search=Search(
            model=found.recipe.model.name,
            metric=found.metric,
            trials=[_trial(found, trial) for trial in found.ranked()],
            settings=[_short(name) for name in found.space],
            ranges={_short(name): one.log for name, one in found.space.items() if isinstance(one, Range)},
            importances={_short(name): share for name, share in found.importances.items()},
        ),
        recipe=(found.path / BEST).read_text(encoding="utf-8"),
        environment=Environment(
            facts={"CPU": processor(), "Cores": str(cores()), "Platform": platform.platform()}
        ),
    )


def _summary(found: Tuning) -> str:
    best, own = found.best, found.own
    told = f"Trial {best.number} reaches {found.metric} {_figure(best.value)} on validation"
    if own is None:
        return f"{told}."
    if own.number == best.number:
        return f"The recipe's own settings are the best of {len(found.trials)} trials."
    return f"{told}; the recipe's own settings {_figure(own.value)}."


def _tiles(found: Tuning) -> list[Tile]:
    low, high = found.interval(found.best)
    between = "" if low is None or high is None else f"{_figure(low)} to {_figure(high)}"
    tiles = [Tile(label=f"Best {found.metric}", value=_figure(found.best.value), note=between)]
    if found.own is not None:
        tiles.append(Tile(label="The recipe's own", value=_figure(found.own.value), note="the first trial"))
    counts = found.counts()
    rest = ", ".join(f"{n} {state}" for state, n in counts.items() if state != "done")
    tiles.append(Tile(label="Trials", value=str(len(found.trials)), note=rest))
    if found.importances:
        name, share = next(iter(found.importances.items()))
        tiles.append(Tile(label="Mattered most", value=_short(name), note=f"{share:.0%}"))
    return tiles


def _trial(found: Tuning, trial: Trial) -> Shown:
    low, high = found.interval(trial)
    return Shown(
        number=trial.number,
        state=trial.state,
        settings={_short(name): value for name, value in trial.values.items()},
        value=trial.value,
        low=low,
        high=high,
        seconds=trial.result.get("seconds"),
        is_own=trial.is_own,
        note=trial.why,
    )


def _short(name: str) -> str:
    return name.removeprefix(_MODEL)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
