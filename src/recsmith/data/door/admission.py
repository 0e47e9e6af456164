"""Admission: on what terms the door lets rows in, the same for every source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recsmith.data.dataset import Feedback
from recsmith.data.door.checks import UNITS
from recsmith.data.door.duplicates import Duplicates
from recsmith.data.door.quarantine import OnBadRows
from recsmith.errors import InvalidValue


@dataclass(frozen=True, kw_only=True)
class Admission:
    """Says how rows are admitted."""

    on_bad_rows: OnBadRows = "error"
    """Whether a bad row stops the reading or is set aside in a file."""
    quarantine: Path | str | None = None
    """The file for refused rows; None puts it beside the data."""
    duplicates: Duplicates = "keep_last"
    """What becomes of several events of a user and item."""
    time_unit: str = "auto"
    """s, ms, us, ns; or "auto": by the size of the numbers, and a column must keep to one."""
    time_format: str | None = None
    """A strftime format, for times that are text in an unusual form."""
    event_weights: Mapping[str, float] | None = None
    """Event type → weight, for event logs."""
    feedback: Feedback | None = None
    """What a weight means; None finds it out."""

    def __post_init__(self) -> None:
        if self.on_bad_rows not in ("error", "quarantine"):
            raise InvalidValue("on_bad_rows", '"error" or "quarantine"', self.on_bad_rows)
        if self.time_unit != "auto" and self.time_unit not in UNITS:
            raise InvalidValue("time_unit", f"auto, {', '.join(UNITS)}", self.time_unit)
