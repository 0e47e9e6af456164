"""Structured logs: a JSON object a line on standard error; never a key, a body, or a person's id."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

_logger = logging.getLogger("recsmith.serving")


def log(event: str, **facts: Any) -> None:
    """Writes a line."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    _logger.info(json.dumps({"time": stamp, "event": event, **facts}, default=str))


def to_standard_error() -> None:
    """Sends the lines to standard error; called by the command that serves, never at import."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    _logger.addHandler(handler)
    _logger.setLevel(logging.INFO)
    _logger.propagate = False
