"""Events: one or many, kept before they are acknowledged."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from recsmith.serving.routes.shared import PROBLEMS, as_json, at_work, service_of, within
from recsmith.serving.schemas import EventIn, Kept
from recsmith.serving.security import allowed

router = APIRouter(
    prefix="/v1",
    tags=["events"],
    dependencies=[Depends(allowed("write"))],
    responses=PROBLEMS,
)


@router.post("/events", response_model=Kept, status_code=201)
async def add_events(request: Request, body: EventIn | list[EventIn]) -> Response:
    """Keeps events, all or none of a call; an `event_id` that is there already is passed over."""
    service = service_of(request)
    many = body if isinstance(body, list) else [body]
    within("the number of events", len(many), service.settings.limits.batch)
    events = [one.event() for one in many]
    unknown = service.settings.unknown_items
    accepted = await at_work(request, lambda: service.engine.add_events(events, unknown_items=unknown))
    service.counters.events.labels("accepted").inc(accepted)
    service.counters.events.labels("duplicate").inc(len(events) - accepted)
    return as_json({"accepted": accepted, "duplicates": len(events) - accepted}, status=201)
