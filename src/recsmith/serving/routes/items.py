"""Items: read by anybody who may read, changed by who may write; a change counts for the next list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from recsmith.errors import UnknownId
from recsmith.serving.records import Item
from recsmith.serving.routes.shared import PROBLEMS, as_json, at_work, service_of
from recsmith.serving.schemas import ItemChange, ItemIn, ItemOut, Word
from recsmith.serving.security import allowed
from recsmith.serving.service import Service

router = APIRouter(prefix="/v1/items", tags=["items"], responses=PROBLEMS)
WRITE = [Depends(allowed("write"))]


@router.get("/{item_id}", response_model=ItemOut, dependencies=[Depends(allowed("read"))])
async def get_item(request: Request, item_id: Word) -> Response:
    """Returns an item."""
    service = service_of(request)
    return as_json(_shown(await at_work(request, lambda: _item(service, item_id))))


@router.put("/{item_id}", response_model=ItemOut, dependencies=WRITE)
async def put_item(request: Request, item_id: Word, body: ItemIn) -> Response:
    """Adds an item, or puts it in place of the one that is there; it can be recommended at once."""
    service = service_of(request)
    item = body.item(item_id)
    await at_work(request, lambda: service.engine.put_items([item]))
    return as_json(_shown(item))


@router.patch("/{item_id}", response_model=ItemOut, dependencies=WRITE)
async def change_item(request: Request, item_id: Word, body: ItemChange) -> Response:
    """Changes some fields of an item."""
    service = service_of(request)

    def work() -> Item:
        before = _item(service, item_id)
        after = replace(
            before,
            title=before.title if body.title is None else body.title,
            data={**before.data, **(body.data or {})},
            in_stock=before.in_stock if body.in_stock is None else body.in_stock,
        )
        service.engine.put_items([after])
        return after

    return as_json(_shown(await at_work(request, work)))


@router.delete("/{item_id}", status_code=204, dependencies=WRITE)
async def delete_item(request: Request, item_id: Word) -> Response:
    """Takes an item out of the catalogue; its events stay."""
    service = service_of(request)

    def work() -> None:
        service.engine.put_items([replace(_item(service, item_id), deleted=True)])

    await at_work(request, work)
    return Response(status_code=204)


def _item(service: Service, item_id: str) -> Item:
    found = service.store.item(item_id)
    if found is None:
        raise UnknownId("item_id", [item_id])
    return found


def _shown(item: Item) -> dict[str, Any]:
    return {"item_id": item.item_id, "title": item.title, "data": dict(item.data), "in_stock": item.in_stock}
