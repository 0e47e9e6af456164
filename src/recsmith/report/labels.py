"""Finds places for the names of a few dots so that they cover neither each other nor a dot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_LETTER, _LINE, _DOT = 6.7, 14.0, 6.0
# What a pixel of distance costs, in square pixels covered.
_FAR = 2.0
_ROUNDS = 6
Box = tuple[float, float, float, float]


class Place(NamedTuple):
    """Is where a name stands relative to its dot, in pixels (down is positive)."""

    align: str
    dx: int
    dy: int

    def __str__(self) -> str:
        return f"{self.align} {self.dx} {self.dy}"

    @property
    def is_far(self) -> bool:
        """True where a line should lead from the dot to the name."""
        return abs(self.dy) > 20


# The best first: beside the dot, then above and below, then the corners, then further away.
_PLACES = (
    Place("left", 10, 0),
    Place("right", -10, 0),
    Place("center", 0, -14),
    Place("center", 0, 15),
    *(Place(align, dx, dy) for dy in (-11, 12, -17, 18) for align, dx in (("left", 8), ("right", -8))),
    *(Place(align, dx, dy) for dy in (-26, 27, -38, 39) for align, dx in (("left", 16), ("right", -16))),
)


def place_names(dots: Sequence[tuple[float, float]], names: Sequence[str], *, width: float) -> list[Place]:
    """Returns a place for each name; `dots` are in pixels from the upper left corner of a plot of this width.

    Each name in turn takes the place that covers least, a few times over, as its neighbours move. O(n²).
    """
    marks: list[Box] = [(x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y in dots]
    chosen = [_PLACES[0]] * len(dots)
    for _ in range(_ROUNDS):
        for n, ((x, y), name) in enumerate(zip(dots, names)):
            rest = [m for m in range(len(dots)) if m != n]
            others = [marks[m] for m in rest] + [_box(*dots[m], names[m], chosen[m]) for m in rest]
            costs = [
                _cost(_box(x, y, name, place), others, width) + _FAR * abs(place.dy) for place in _PLACES
            ]
            chosen[n] = _PLACES[costs.index(min(costs))]
    return chosen


def _box(x: float, y: float, name: str, place: Place) -> Box:
    length = _LETTER * len(name)
    left = x + place.dx - {"left": 0.0, "center": length / 2, "right": length}[place.align]
    return (left, y + place.dy - _LINE / 2, left + length, y + place.dy + _LINE / 2)


def _cost(box: Box, others: Sequence[Box], width: float) -> float:
    """The area covered, and as much again for what leaves the plot."""
    covered = sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in others
    )
    outside = max(0.0, -box[0]) + max(0.0, box[2] - width)
    return covered + outside * _LINE
