"""The colours can be read: text on its ground reaches a contrast of 4.5 (WCAG 2.2 AA), light and dark."""

from __future__ import annotations

import re
from importlib import resources

import pytest

PAIRS = [
    *((text, ground) for text in ("ink", "soft", "accent") for ground in ("paper", "card")),
    *((text, "card") for text in ("warm", "good", "bad")),
    ("soft", "hush"),
    ("accent", "accent-wash"),
    ("card", "warm"),
    ("paper", "ink"),
    *((f"{ramp}-ink-{step}", f"{ramp}-{step}") for ramp in ("heat", "div") for step in range(1, 10)),
]


def colours(sheet: str) -> dict[str, str]:
    css = resources.files("recsmith.report").joinpath(sheet).read_text(encoding="utf-8")
    return dict(re.findall(r"--([\w-]+):\s*#([0-9a-f]{6})\b", css))


def luminance(colour: str) -> float:
    """L = 0.2126 R + 0.7152 G + 0.0722 B over linear light."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("sheet", ["style.css", "dark.css"])
def test_text_can_be_read_on_its_ground(sheet: str):
    known = colours(sheet)
    for text, ground in PAIRS:
        low, high = sorted((luminance(known[text]), luminance(known[ground])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, f"{text} on {ground}"


def test_dark_sets_every_colour_that_light_has():
    assert set(colours("style.css")) == set(colours("dark.css"))
