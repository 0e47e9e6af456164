"""Lists: for a person, for a history, alike, popular, and why."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from recsmith.serving.engine import Answer as Given
from recsmith.serving.records import Event
from recsmith.serving.routes.shared import PROBLEMS, as_json, at_work, service_of, within
from recsmith.serving.schemas import LATEST, TIME, Answer, RecommendIn, Similar, Why, Word
from recsmith.serving.security import allowed

router = APIRouter(prefix="/v1", tags=["lists"], dependencies=[Depends(allowed("read"))], responses=PROBLEMS)
Share = Annotated[float | None, Query(ge=0, le=1)]


@router.get("/recommend/{user_id}", response_model=Answer)
async def recommend(
    request: Request,
    user_id: Word,
    k: Annotated[int, Query(ge=1)] = 10,
    exclude_seen: bool = True,
    category: Annotated[list[Word] | None, Query(max_length=100)] = None,
    diversity: Share = None,
    method: Literal["none", "mmr", "dpp"] | None = None,
    freshness: Share = None,
    calibration: Share = None,
    per_category: Annotated[int | None, Query(ge=1)] = None,
    explain: bool = False,
    trace: bool = False,
    time: Annotated[int | None, Query(ge=1, le=LATEST, description=TIME)] = None,
    version: Annotated[str | None, Query(pattern=r"^\d{1,12}$")] = None,
) -> Response:
    """Returns a person's list, by a kept version where one is named; popular items for a stranger."""
    service = service_of(request)
    asked: dict[str, Any] = {
        "k": within("k", k, service.settings.limits.k),
        "exclude_seen": exclude_seen,
        "categories": tuple(category or ()),
        "diversity": diversity,
        "method": method,
        "freshness": freshness,
        "calibration": calibration,
        "per_category": per_category,
        "explain": explain,
        "time": time,
        "version": version,
    }
    given = await at_work(request, lambda: service.engine.recommend(user_id, **asked))
    return _list(service, given, trace=trace, user_id=user_id)


@router.post("/recommend", response_model=Answer)
async def recommend_for_history(request: Request, body: RecommendIn) -> Response:
    """Returns the list of somebody given by their history, their features, or both, who need not be known."""
    service = service_of(request)
    limits = service.settings.limits
    within("k", body.k, limits.k)
    within("the history's length", len(body.history), limits.history)
    liked = service.engine.world.model.memory.liked_weight
    history = [
        Event("", one, liked)
        if isinstance(one, str)
        else Event("", one.item_id, liked if one.weight is None else one.weight, one.time or 0)
        for one in body.history
    ]
    asked: dict[str, Any] = {
        "k": body.k,
        "exclude_seen": body.exclude_seen,
        "categories": tuple(body.category),
        "blocked": tuple(body.blocked),
        "where": body.where or {},
        "diversity": body.diversity,
        "method": body.method,
        "freshness": body.freshness,
        "calibration": body.calibration,
        "per_category": body.per_category,
        "explain": body.explain,
        "features": body.features,
        "time": body.time,
    }
    given = await at_work(request, lambda: service.engine.recommend_history(history, **asked))
    return _list(service, given, trace=body.trace)


@router.get("/similar/{item_id}", response_model=Similar)
async def similar(request: Request, item_id: Word, k: Annotated[int, Query(ge=1)] = 10) -> Response:
    """Returns the items most like one."""
    service = service_of(request)
    within("k", k, service.settings.limits.k)

    def work() -> dict[str, Any]:
        catalogue, place = service.engine.world.catalogue, service.engine.place(item_id)
        found = service.engine.similar(item_id, k=k)
        return {"item_id": catalogue.ids[place], "title": catalogue.title(place), "similar": found}

    return as_json(await at_work(request, work))


@router.get("/explain/{user_id}/{item_id}", response_model=Why)
async def explain(request: Request, user_id: Word, item_id: Word) -> Response:
    """Returns an item's score for a person and which of their items led to it."""
    service = service_of(request)
    return as_json(await at_work(request, lambda: service.engine.explain(user_id, item_id)))


@router.get("/popular", response_model=Answer)
async def popular(
    request: Request,
    k: Annotated[int, Query(ge=1)] = 10,
    category: Annotated[list[Word] | None, Query(max_length=100)] = None,
) -> Response:
    """Returns what most people took."""
    service = service_of(request)
    within("k", k, service.settings.limits.k)
    work = lambda: service.engine.popular(k=k, categories=tuple(category or ()))  # noqa: E731
    found = await at_work(request, work)
    return as_json({"version": service.engine.world.version, "recommendations": found})


def _list(service: Any, given: Given, *, trace: bool, user_id: str | None = None) -> Response:
    for step in given.trace:
        service.counters.stage_seconds.labels(step["stage"]).observe(step["ms"] / 1000)
    if given.fallback:
        service.counters.fallbacks.labels(given.fallback).inc()
    document: dict[str, Any] = {
        "user_id": user_id,
        "version": given.version,
        "variant": given.variant,
        "fallback": given.fallback or None,
        "recommendations": given.lines,
    }
    return as_json({**document, "trace": given.trace} if trace else document)
