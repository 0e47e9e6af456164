"""Instants as people write them, in recipes and calls: ISO 8601, UTC where no zone is given."""

from __future__ import annotations

from datetime import UTC, datetime

from recsmith.errors import InvalidValue


def milliseconds(name: str, instant: str | datetime | None) -> int:
    """Returns milliseconds since 1970-01-01 UTC; raises `InvalidValue` for what is no date or time."""
    try:
        when = instant if isinstance(instant, datetime) else datetime.fromisoformat(str(instant))
    except ValueError:
        raise InvalidValue(name, "a date or time such as 2018-01-01 or 2018-01-01T12:00", instant) from None
    return round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)
