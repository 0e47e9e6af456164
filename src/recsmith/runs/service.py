"""From a run to a service: a place for its versions, a store with its catalogue and events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsmith.errors import InvalidValue
from recsmith.models import Recommender, load
from recsmith.runs import files
from recsmith.runs.folder import open_run
from recsmith.serving.engine import first_load
from recsmith.serving.store import Store
from recsmith.serving.versions import Versions

PLACE, STORE = "versions", "store.db"


@dataclass(frozen=True)
class Prepared:
    """Is what `recsmith serve` serves from."""

    place: Path
    store: str
    version: str
    loaded: Mapping[str, int]


def prepare(path: str | Path, *, store: str | None = None, place: str | Path | None = None) -> Prepared:
    """Publishes a run's (or a saved model's) model as version 1 and fills an empty store from it.

    By default both lie in `RUN/service/`. What is there already stays: a service that was stopped goes on.
    """
    source = Path(path)
    service = source / "service"
    versions = Versions(Path(place) if place is not None else service / PLACE)
    url = store or f"sqlite:///{(service / STORE).resolve()}"
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    database = Store(url)
    try:
        current = versions.current()
        if current is None:
            model, about = _what_is_there(source)
            loaded = first_load(database, model.memory)
            facts = database.fact("loaded")
            through = int(facts["through"]) if facts else 0
            version = versions.publish(model, {**about, "through": through})
        else:
            version = current
            loaded = first_load(database, versions.load(current)[0].memory)
    finally:
        database.close()
    return Prepared(versions.folder, url, version, loaded)


def versions_at(path: Path) -> Versions:
    """Returns the versions of a run that is served, or of a folder of versions."""
    inside = path / "service" / PLACE
    return Versions(inside if inside.is_dir() else path)


def store_of(versions: Versions) -> str:
    """Returns the URL of the store beside a folder of versions."""
    return f"sqlite:///{(versions.folder.parent / STORE).resolve()}"


def _what_is_there(source: Path) -> tuple[Recommender, dict[str, Any]]:
    """Returns the model of a run folder, a model folder or a bundle, and what is known of it."""
    if (source / files.STATUS).is_file():
        run = open_run(source)
        about = {
            "model": run.recipe.model.name,
            "data": run.status["data_name"],
            "trained": run.status["finished"],
            "metrics": run.metrics,
            "recipe": {"class": run.recipe.model.name, **run.recipe.model.settings},
        }
        return run.model(), about
    if (source / "manifest.json").is_file():
        from recsmith.export.runtime import load_bundle

        reader: Recommender = load_bundle(source)
        return reader, {"model": json.loads((source / "manifest.json").read_text(encoding="utf-8"))["name"]}
    if source.is_dir():
        model = load(source)
        config = {
            "class": type(model).__name__,
            **model.config.model_dump(mode="json", exclude_defaults=True),
        }
        return model, {"model": type(model).__name__, "recipe": config}
    raise InvalidValue("RUN", "a run folder, a saved model or a bundle", str(source))
