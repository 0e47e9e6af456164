"""The page and what it asks for beside the lists: titles by words, a person's timeline, the owner's view."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from recsmith.errors import UnknownId
from recsmith.serving import owner
from recsmith.serving.routes.shared import PROBLEMS, as_json, at_work, service_of, within
from recsmith.serving.schemas import Word
from recsmith.serving.security import allowed

router = APIRouter(tags=["page"])
READ, ADMIN = [Depends(allowed("read"))], [Depends(allowed("admin"))]
FILES = {
    "": ("index.html", "text/html; charset=utf-8"),
    "page.css": ("page.css", "text/css; charset=utf-8"),
    "page.js": ("page.js", "text/javascript; charset=utf-8"),
    "owner.js": ("owner.js", "text/javascript; charset=utf-8"),
    "tools.js": ("tools.js", "text/javascript; charset=utf-8"),
    "words.js": ("words.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}


@router.get("/", include_in_schema=False)
@router.get("/page/{name}", include_in_schema=False)
async def page(request: Request, name: str = "") -> Response:
    """Returns the page and its parts."""
    if name not in FILES or not service_of(request).settings.page:
        raise UnknownId("page", [name])
    file, kind = FILES[name]
    text = resources.files("recsmith.serving").joinpath("page", file).read_bytes()
    return Response(text, media_type=kind, headers={"cache-control": "no-cache"})


@router.get("/v1/search", dependencies=READ, responses=PROBLEMS)
async def search(
    request: Request,
    q: Annotated[str, Query(max_length=200)] = "",
    k: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Response:
    """Returns items whose titles have all the words, the popular first."""
    service = service_of(request)
    return as_json({"items": await at_work(request, lambda: service.engine.search(q, k=k))})


@router.get("/v1/users/{user_id}/timeline", dependencies=READ, responses=PROBLEMS)
async def timeline(request: Request, user_id: Word, limit: Annotated[int, Query(ge=1)] = 100) -> Response:
    """Returns a person's newest events with their titles, newest first."""
    service = service_of(request)
    within("limit", limit, service.settings.limits.history)

    def work() -> dict[str, Any]:
        catalogue = service.engine.world.catalogue
        events = service.engine.events(user_id)
        told = []
        for event in reversed(events[-limit:]):
            place = catalogue.index.get(event.item_id)
            title = event.item_id if place is None else catalogue.title(place)
            told.append(
                {"item_id": event.item_id, "title": title, "weight": event.weight, "time": event.time}
            )
        return {"user_id": user_id, "n_events": len(events), "events": told}

    return as_json(await at_work(request, work))


@router.get("/v1/owner", dependencies=ADMIN, responses=PROBLEMS)
async def overview(request: Request) -> Response:
    """Returns what the owner's page shows."""
    service = service_of(request)
    return as_json(await at_work(request, lambda: owner.overview(service.engine, service.counters)))


@router.get("/v1/owner/map", dependencies=ADMIN, responses=PROBLEMS)
async def item_map(request: Request) -> Response:
    """Returns the most popular items as points."""
    service = service_of(request)
    return as_json({"points": await at_work(request, lambda: owner.item_map(service.engine.world))})
