"""What the owner of a service looks at: data health, the models it had, who is served what, the item map."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from recsmith.serving.counters import Counters
from recsmith.serving.engine import Engine
from recsmith.serving.experiments import Running
from recsmith.serving.verdict import report
from recsmith.serving.world import World

_POINTS = 400  # items on the map
_STEPS = 50  # of the long tail's curve
_HOURS = 24.0  # after a list an event counts for it
_JUDGED = 20_000  # lists of an experiment, the newest


def overview(engine: Engine, counters: Counters) -> dict[str, Any]:
    """Returns plain values for the owner's page."""
    world = engine.world
    return {
        "version": world.version,
        "model": {
            "class": type(world.model).__name__,
            "settings": world.model.config.model_dump(mode="json", exclude_defaults=True),
            "learning_curve": list(world.model.learning_curve),
            **world.about,
        },
        "versions": [engine.versions.about(name) for name in reversed(engine.versions.names())],
        "data": health(engine, world),
        "traffic": traffic(counters),
        "tail": tail(engine, world),
        "experiment": _experiment(engine),
    }


def health(engine: Engine, world: World) -> dict[str, Any]:
    """Returns how much there is, and what is missing."""
    catalogue = world.catalogue
    found: dict[str, Any] = engine.store.health()
    return {
        **found,
        "items": int(sum(not item.deleted for item in catalogue.items)),
        "items_the_model_never_saw": len(catalogue) - catalogue.n_model,
        "items_out_of_stock": int(sum(not item.in_stock and not item.deleted for item in catalogue.items)),
        "items_without_category": int(sum(not names for names in catalogue.categories)),
        "items_nobody_took": int((world.model.memory.popularity == 0).sum()),
    }


def traffic(counters: Counters) -> dict[str, Any]:
    """Returns requests by route and status, the latency's quantiles, and fallbacks, since the start."""
    routes: dict[str, dict[str, Any]] = {}
    fallbacks: dict[str, float] = {}
    stages: dict[str, dict[str, float]] = {}
    for family in counters.registry.collect():
        for sample in family.samples:
            labels = sample.labels
            if sample.name == "recsmith_requests_total":
                row = routes.setdefault(labels["route"], {"requests": 0, "errors": 0, "buckets": []})
                row["requests"] += sample.value
                row["errors"] += sample.value if labels["status"] >= "500" else 0
            elif sample.name == "recsmith_request_seconds_bucket":
                row = routes.setdefault(labels["route"], {"requests": 0, "errors": 0, "buckets": []})
                row["buckets"].append((float(labels["le"]), sample.value))
            elif sample.name == "recsmith_fallbacks_total":
                fallbacks[labels["reason"]] = sample.value
            elif sample.name in ("recsmith_stage_seconds_sum", "recsmith_stage_seconds_count"):
                part = sample.name.rpartition("_")[2]
                stages.setdefault(labels["stage"], {})[part] = sample.value
    for row in routes.values():
        buckets = row.pop("buckets")
        row["p50_ms"], row["p99_ms"] = (_quantile(buckets, share) for share in (0.5, 0.99))
    means = {name: 1000 * row["sum"] / row["count"] for name, row in stages.items() if row.get("count")}
    return {"routes": routes, "fallbacks": fallbacks, "stages_ms": means}


def tail(engine: Engine, world: World) -> dict[str, Any]:
    """Returns the share of events that the most popular items have, and of lists: two curves from 0 to 1.

    `coverage` is the share of the model's items that have been on a list since the version was taken up.
    """
    taken = np.sort(world.model.memory.popularity)[::-1].astype(np.float64)
    served = engine.served(world)
    order = np.argsort(-world.model.memory.popularity, kind="stable")
    shown = served[order].astype(np.float64)
    at = np.unique(np.linspace(0, len(taken), _STEPS + 1).astype(int))
    return {
        "share_of_items": (at / max(len(taken), 1)).tolist(),
        "events": _cumulated(taken, at),
        "lists": _cumulated(shown, at),
        "coverage": float((served > 0).mean()) if len(served) else 0.0,
        "n_lists": int(engine.n_lists),
    }


def item_map(world: World) -> list[dict[str, Any]]:
    """Returns the most popular items at the first two principal directions of their vectors; none without."""
    vectors = world.unit_vectors
    if vectors is None:
        return []
    popular = np.argsort(-world.model.memory.popularity, kind="stable")[:_POINTS]
    some = vectors[popular] - vectors[popular].mean(axis=0)
    _, _, directions = np.linalg.svd(some, full_matrices=False)
    point = some @ directions[:2].T
    point = point / np.maximum(np.abs(point).max(axis=0), 1e-9)
    catalogue = world.catalogue
    return [
        {
            "item_id": catalogue.ids[place],
            "title": catalogue.title(int(place)),
            "category": next(iter(catalogue.categories[place]), ""),
            "x": float(x),
            "y": float(y),
            "people": float(world.model.memory.popularity[place]),
        }
        for place, (x, y) in zip(popular, point[:, :2], strict=True)
    ]


def _cumulated(values: np.ndarray, at: np.ndarray) -> list[float]:
    total = values.sum()
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return (sums[at] / total).tolist() if total else [0.0] * len(at)


def _quantile(buckets: list[tuple[float, float]], share: float) -> float | None:
    """Returns the upper end, in ms, of the bucket that holds the quantile."""
    total = max((count for _, count in buckets), default=0.0)
    for edge, count in sorted(buckets):
        if total and count >= share * total:
            return None if edge == float("inf") else 1000 * edge
    return None


def _experiment(engine: Engine) -> dict[str, Any] | None:
    """Returns the running experiment's sides and what came of each, as `experiment report` says it."""
    found = Running(engine.versions.folder).get()
    if found is None:
        return None
    engine.keep_shown()
    judged = report(engine.store, found.name, hours=_HOURS, newest=_JUDGED)
    told = {side.name: asdict(side) for side in judged.sides}
    apart = {
        name: {"value": value, "low": low, "high": high}
        for name, (value, low, high) in judged.differences.items()
    }
    sides = {
        name: {**side.model_dump(mode="json"), "found": told.get(name), "difference": apart.get(name)}
        for name, side in sorted(found.variants.items())
    }
    return {"name": found.name, "hours": _HOURS, "variants": sides}
