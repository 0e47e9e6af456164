"""Around every request: a bound on its body, an id, safe headers, a line in the log, a count."""

from __future__ import annotations

import time
import uuid
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recsmith.serving.log import log

_SAFE = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": (
        b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
}
_LOOSE = ("/docs", "/redoc")  # FastAPI's own pages fetch their script from elsewhere


class Around:
    """Is plain ASGI, which costs less than a function around each request."""

    def __init__(self, app: ASGIApp, *, service: Any) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        service = self._service()
        request_id = uuid.uuid4().hex[:16]
        scope.setdefault("state", {})["request_id"] = request_id
        most, got = service.settings.limits.body_bytes, 0
        status, began = 500, time.perf_counter()
        declared = next((v for n, v in scope["headers"] if n == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > most:
            await _too_large(send, most, request_id)
            self._count(scope, 413, began, request_id)
            return

        async def bounded() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise _TooLarge  # FastAPI makes a 400 of it, which `marked` keeps back
            return message

        async def marked(message: Message) -> None:
            nonlocal status
            if got > most:
                return
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [(n, v) for n, v in message["headers"] if n not in _SAFE]
                safe = dict(_SAFE)
                if scope["path"].startswith(_LOOSE):
                    safe.pop(b"content-security-policy")
                given = {n: v for n, v in message["headers"] if n in _SAFE}
                message = {
                    **message,
                    "headers": [*headers, *{**safe, **given}.items(), (b"x-request-id", request_id.encode())],
                }
            await send(message)

        try:
            await self._app(scope, bounded, marked)
        except _TooLarge:
            pass
        finally:
            if got > most:
                status = 413
                await _too_large(send, most, request_id)
            self._count(scope, status, began, request_id)

    def _count(self, scope: Scope, status: int, began: float, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", "other")
        seconds = time.perf_counter() - began
        counters = self._service().counters
        counters.requests.labels(route, str(status)).inc()
        counters.seconds.labels(route).observe(seconds)
        state = scope.get("state", {})
        log(
            "request",
            request_id=request_id,
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            caller=state.get("caller", ""),
        )


class _TooLarge(Exception):
    pass


async def _too_large(send: Send, most: int, request_id: str) -> None:
    body = f'{{"error": "The body must be {most} bytes at most.", "request_id": "{request_id}"}}'.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": [*headers, *_SAFE.items()]})
    await send({"type": "http.response.body", "body": body})
