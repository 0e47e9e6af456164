"""How the service is: alive, ready, its counters, the model in place."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from recsmith.serving.routes.shared import as_json, at_work, service_of
from recsmith.serving.security import allowed

router = APIRouter(tags=["state"])


@router.get("/health/live")
async def live() -> Response:
    """Says that the process answers."""
    return as_json({"alive": True})


@router.get("/health/ready")
async def ready(request: Request) -> Response:
    """Says whether store and model are there; 503 with the store's words when not."""
    service = service_of(request)
    await at_work(request, service.store.last_seq)
    return as_json({"ready": True, "version": service.engine.world.version})


@router.get("/metrics", response_class=PlainTextResponse, dependencies=[Depends(allowed("read"))])
async def metrics(request: Request) -> Response:
    """Returns the counters for Prometheus."""
    return Response(service_of(request).counters.text(), media_type="text/plain; version=0.0.4")


@router.get("/v1/model", dependencies=[Depends(allowed("read"))])
async def model(request: Request) -> Response:
    """Returns the version in place: its class, metrics, when it was trained, on what, and what it reads
    of a request beside events."""
    world = service_of(request).engine.world
    about: dict[str, Any] = {
        "class": type(world.model).__name__,
        "n_items": world.catalogue.n_model,
        "n_users": len(world.model.memory.users),
        "person_features": world.model.person_features,
        "reads_time": world.model.asks_when,
        **world.about,
    }
    return as_json(about)
