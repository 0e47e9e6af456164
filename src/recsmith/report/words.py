"""Figures, durations, dates and recipes as a reader likes to see them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import numpy as np


def figure(value: float | None) -> str:
    """Prints a metric with the digits that matter: three decimals below 10, fewer above, "–" for none."""
    if value is None or not np.isfinite(value):
        return "–"
    size = abs(value)
    text = f"{value:.3f}" if size < 10 else f"{value:.2f}" if size < 100 else f"{value:,.0f}"
    return text.replace("-", "−")


def count(value: int) -> str:
    """Prints a count with a comma every three digits."""
    return f"{value:,}"


def seconds(value: float) -> str:
    """Prints a duration in the unit a reader would use."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 90 else f"{value / 60:.1f} min"


def day(when: datetime) -> str:
    """Prints a date in words: "7 March 2026"."""
    return f"{when.day} {when:%B %Y}"


def moment(made_at: datetime) -> str:
    """Prints date and minute, and the time zone where there is one."""
    return f"{day(made_at)}, {made_at:%H:%M %Z}".strip()


_TOML = re.compile(
    r"(?P<c>#[^\n]*)|(?P<t>^\s*\[[^\n]*\]\s*$)|(?P<k>^\s*[\w.\-\"]+(?=\s*=))|(?P<s>\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*')",
    re.M,
)


def highlighted(toml: str) -> Any:
    """Marks tables, keys, strings and comments of a TOML text; returns markup with all of it escaped."""
    from markupsafe import Markup, escape  # comes with jinja2, an extra

    parts, end = [Markup()], 0
    for match in _TOML.finditer(toml):
        parts.append(escape(toml[end : match.start()]))
        parts.append(Markup('<span class="{}">{}</span>').format(match.lastgroup, match.group()))
        end = match.end()
    return Markup().join([*parts, escape(toml[end:])])
