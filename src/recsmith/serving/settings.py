"""What a service may be told: where its model and store are, its limits, who may call it."""

from __future__ import annotations

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr

from recsmith.config import Config
from recsmith.errors import InvalidValue, Shown
from recsmith.serving.stages import StageSettings

Scope = Literal["read", "write", "admin"]
_LOCAL = ("localhost", "")


class Limits(Config):
    """Bounds of one request and of all together; what is above them is refused, not served slowly."""

    k: int = Field(1000, ge=1)
    """The longest list."""
    body_bytes: int = Field(2_000_000, ge=1_000)
    """The largest body."""
    history: int = Field(5_000, ge=1)
    """Events in a posted history, and newest events of a person that are looked at."""
    batch: int = Field(10_000, ge=1)
    """Events or items in one call."""
    waiting: int = Field(64, ge=1)
    """Requests that may wait for a turn; the next is answered 503 with Retry-After."""
    seconds: float = Field(10.0, gt=0)
    """The longest time a request may take."""
    per_second: float = Field(0.0, ge=0)
    """Requests a second of one key or address, bursts of twice that; 0 for no limit."""


class ApiKey(Config):
    """A caller's key and what it opens."""

    key: SecretStr
    scopes: frozenset[Scope] = frozenset({"read"})
    name: str = "key"
    """What logs call the caller by; the key itself is never logged."""


class ServeSettings(Config):
    """Settings of a service."""

    place: str
    """The folder of model versions; `recsmith serve RUN` makes it beside the run."""
    store: str
    """A database URL: sqlite:///file.db or postgresql://…"""
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    keys: tuple[ApiKey, ...] = ()
    """Without keys everybody may do everything, which is refused off the loopback address."""
    limits: Limits = Limits()
    unknown_items: Literal["add", "refuse"] = "add"
    """What happens to an event of an item that the catalogue lacks."""
    allow_origins: tuple[str, ...] = ()
    """Web pages of other origins that may call; none by default."""
    poll_seconds: float = Field(0.5, gt=0)
    """How often a new model version and changed items are looked for."""
    refresh_every: float | None = Field(None, gt=0)
    """Seconds between two trainings on what came in; None for none."""
    refresh_margin: float = Field(0.005, ge=0)
    """How much worse than the model in place, in NDCG@10 on the newest events, a new one may be."""
    threads: int = Field(2, ge=1)
    """Requests answered at the same time."""
    page: bool = True
    """Whether the page is served beside the interface."""

    def check_address(self) -> None:
        """Raises `InvalidValue` for an open door: an outside address without keys."""
        if not self.keys and not is_loopback(self.host):
            raise InvalidValue(
                "host",
                "a loopback address while there are no keys",
                self.host,
                "Give keys (RECSMITH_KEYS or --keys FILE), or stay on 127.0.0.1.",
            )


def is_loopback(host: str) -> bool:
    """Says whether only this machine reaches an address."""
    if host in _LOCAL:
        return host == "localhost"
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read_settings(path: str | Path | None) -> tuple[dict[str, Any], StageSettings]:
    """Returns what a file of settings says of the service, and of the stages in its table `[stages]`."""
    if path is None:
        return {}, StageSettings()
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidValue("--settings", "a file that is there", str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidValue("--settings", "TOML", Shown(str(error))) from None
    stages = told.pop("stages", {})
    if not isinstance(stages, dict):
        raise InvalidValue("stages", "a table", stages)
    return told, StageSettings.of(stages, within="stages")
