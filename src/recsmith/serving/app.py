"""The application: routes around a service. Nothing happens at import; the store opens at start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException

from recsmith import __version__
from recsmith.errors import InvalidValue, RecsmithError, UnknownId
from recsmith.serving.gate import Overloaded, TooSlow
from recsmith.serving.log import log
from recsmith.serving.middleware import Around
from recsmith.serving.routes import events, items, page, people, recommend, state
from recsmith.serving.routes.shared import as_json
from recsmith.serving.security import NotAllowed, TooMany
from recsmith.serving.service import Service
from recsmith.serving.settings import ServeSettings
from recsmith.serving.stages import StageSettings
from recsmith.serving.store import StoreFull, StoreUnavailable


def create_app(settings: ServeSettings, stages: StageSettings | None = None) -> FastAPI:
    """Returns the application; its service lives from the start of the server to its end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.service = Service(settings, stages)
        try:
            yield
        finally:
            app.state.service.close()

    settings.check_address()
    app = FastAPI(title="recsmith", version=__version__, lifespan=lifespan)
    for routes in (recommend, events, items, people, state, page):
        app.include_router(routes.router)
    app.add_middleware(Around, service=lambda: app.state.service)
    if settings.allow_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.allow_origins),
            allow_methods=["*"],
            allow_headers=["X-API-Key", "Content-Type"],
        )
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _failed)
    app.add_exception_handler(RecsmithError, _said)
    return app


def _said(request: Request, error: Exception) -> Response:
    status, headers = _status(error)
    document = {"error": str(error), "request_id": _id(request)}
    response = as_json(document, status=status)
    response.headers.update(headers)
    return response


def _status(error: Exception) -> tuple[int, dict[str, str]]:
    if isinstance(error, NotAllowed):
        return (403, {}) if error.known else (401, {"WWW-Authenticate": "X-API-Key"})
    if isinstance(error, (Overloaded, StoreUnavailable)):
        return 503, {"Retry-After": "1"}
    if isinstance(error, TooMany):
        return 429, {"Retry-After": "1"}
    for kind, status in ((UnknownId, 404), (InvalidValue, 422), (StoreFull, 507), (TooSlow, 504)):
        if isinstance(error, kind):
            return status, {}
    return 400, {}


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()[:5]
    )
    return as_json({"error": told, "request_id": _id(request)}, status=422)


def _plain(request: Request, error: Exception) -> Response:
    """Says what the framework found (no such path, no JSON) in the form of all other errors."""
    assert isinstance(error, HTTPException)
    response = as_json({"error": str(error.detail), "request_id": _id(request)}, status=error.status_code)
    response.headers.update(error.headers or {})
    return response


def _failed(request: Request, error: Exception) -> Response:
    log("error", request_id=_id(request), error=f"{type(error).__name__}: {error}")
    return as_json({"error": "This is a mistake of ours.", "request_id": _id(request)}, status=500)


def _id(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)


Factory = Callable[[], FastAPI]
