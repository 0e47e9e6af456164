"""What routes share: the service, work behind the gate, answers as JSON without a second validation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Request, Response

from recsmith.errors import InvalidValue
from recsmith.serving.schemas import Problem
from recsmith.serving.service import Service

T = TypeVar("T")

PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem},
    401: {"model": Problem},
    403: {"model": Problem},
    404: {"model": Problem},
    413: {"model": Problem},
    422: {"model": Problem},
    429: {"model": Problem},
    503: {"model": Problem},
    504: {"model": Problem},
    507: {"model": Problem},
}


def service_of(request: Request) -> Service:
    """Returns the service that the application holds."""
    found: Service = request.app.state.service
    return found


async def at_work(request: Request, work: Callable[[], T]) -> T:
    """Runs the work behind the gate."""
    service = service_of(request)
    service.counters.waiting.set(service.gate.inside)
    return await service.gate.run(work)


def as_json(document: Any, *, status: int = 200) -> Response:
    """Returns a JSON response of plain values; numbers that JSON lacks would be an error here, not there.

    Half a surrogate pair, which UTF-8 cannot say, is sent as JSON's own escape.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(
        text.encode("utf-8", "backslashreplace"), status_code=status, media_type="application/json"
    )


def within(name: str, value: int, most: int) -> int:
    """Returns the value; raises `InvalidValue` above the service's limit."""
    if value > most:
        raise InvalidValue(name, f"{most} at most", value)
    return value
