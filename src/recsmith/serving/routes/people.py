"""People: what is known of them, and taking them out of everything."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from recsmith.errors import UnknownId
from recsmith.serving.routes.shared import PROBLEMS, as_json, at_work, service_of
from recsmith.serving.schemas import Erased, UserChange, UserIn, UserOut, Word
from recsmith.serving.security import allowed
from recsmith.serving.service import Service

router = APIRouter(prefix="/v1/users", tags=["people"], responses=PROBLEMS)
WRITE = [Depends(allowed("write"))]


@router.get("/{user_id}", response_model=UserOut, dependencies=[Depends(allowed("read"))])
async def get_user(request: Request, user_id: Word) -> Response:
    """Returns what the store knows of a person."""
    service = service_of(request)
    return as_json(await at_work(request, lambda: _user(service, user_id)))


@router.put("/{user_id}", response_model=UserOut, dependencies=WRITE)
async def put_user(request: Request, user_id: Word, body: UserIn) -> Response:
    """Keeps what is known of a person, and the items they do not want."""
    service = service_of(request)

    def work() -> dict[str, Any]:
        service.store.put_user(user_id, data=body.data, blocked=body.blocked)
        return _user(service, user_id)

    return as_json(await at_work(request, work))


@router.patch("/{user_id}", response_model=UserOut, dependencies=WRITE)
async def change_user(request: Request, user_id: Word, body: UserChange) -> Response:
    """Changes some of what is known of a person."""
    service = service_of(request)

    def work() -> dict[str, Any]:
        data, blocked = service.store.user(user_id) or ({}, [])
        service.store.put_user(
            user_id,
            data={**data, **(body.data or {})},
            blocked=blocked if body.blocked is None else body.blocked,
        )
        return _user(service, user_id)

    return as_json(await at_work(request, work))


@router.delete("/{user_id}", response_model=Erased, dependencies=[Depends(allowed("admin"))])
async def erase_user(request: Request, user_id: Word) -> Response:
    """Takes a person out of the store and of every kept model; the answer proves it."""
    service = service_of(request)
    return as_json(await at_work(request, lambda: service.engine.erase_user(user_id)))


def _user(service: Service, user_id: str) -> dict[str, Any]:
    known = service.store.user(user_id)
    events = service.engine.events(user_id)
    if known is None and not events:
        raise UnknownId("user_id", [user_id])
    data, blocked = known or ({}, [])
    return {"user_id": user_id, "data": data, "blocked": blocked, "n_events": len(events)}
