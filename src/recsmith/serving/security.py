"""Who may call: keys with scopes, compared in constant time; a bucket of requests for each caller."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass

from fastapi import Request
from fastapi.security import APIKeyHeader

from recsmith.errors import RecsmithError
from recsmith.serving.settings import Scope, ServeSettings

HEADER = "X-API-Key"
_CALLERS = 10_000  # whose buckets are remembered


class NotAllowed(RecsmithError):
    """Is raised for a caller without the key, or with one that does not open this."""

    def __init__(self, message: str, *, known: bool) -> None:
        super().__init__(message)
        self.known = known


class TooMany(RecsmithError):
    """Is raised for a caller who asks too often."""


@dataclass
class _Bucket:
    tokens: float
    at: float


class Door:
    """Lets a request in or not."""

    def __init__(self, settings: ServeSettings) -> None:
        self._keys = [(one.key.get_secret_value().encode(), one) for one in settings.keys]
        self._rate = settings.limits.per_second
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def check(self, request: Request, scope: Scope) -> str:
        """Returns the caller's name; raises `NotAllowed` or `TooMany`."""
        name = self._caller(request, scope)
        if self._rate and not self._may(name):
            raise TooMany(f"{name} must ask {self._rate:g} times a second at most.")
        return name

    def _caller(self, request: Request, scope: Scope) -> str:
        if not self._keys:
            return request.client.host if request.client else "local"
        given = request.headers.get(HEADER, "").encode()
        found = None
        for key, one in self._keys:  # all of them, so that time tells nothing
            if hmac.compare_digest(key, given):
                found = one
        if found is None:
            raise NotAllowed(f"{HEADER} must be a key of this service.", known=False)
        if scope not in found.scopes and "admin" not in found.scopes:
            raise NotAllowed(f"{found.name} must have the scope {scope}.", known=True)
        return found.name

    def _may(self, name: str) -> bool:
        now = time.monotonic()
        bucket = self._buckets.setdefault(name, _Bucket(2 * self._rate, now))
        self._buckets.move_to_end(name)
        if len(self._buckets) > _CALLERS:
            self._buckets.popitem(last=False)
        bucket.tokens = min(2 * self._rate, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


class allowed(APIKeyHeader):  # noqa: N801  a dependency reads like a word: Depends(allowed("read"))
    """Is the dependency of a route that needs a scope; the OpenAPI document shows it as the key's header.

    One object for both, because every dependency costs a request some 50 µs.
    """

    def __init__(self, scope: Scope) -> None:
        super().__init__(name=HEADER, auto_error=False, scheme_name="APIKeyHeader")
        self._scope = scope

    async def __call__(self, request: Request) -> str:  # type: ignore[override]  # only requests come here
        caller: str = request.app.state.service.door.check(request, self._scope)
        request.state.caller = caller
        return caller
