"""The report of a run: one HTML page that works offline, and the cross table as a workbook."""

from recsmith.report.content import (
    Comparison,
    Crosstab,
    Curve,
    DataProfile,
    Environment,
    FeatureCrosses,
    Header,
    ItemMap,
    Leaderboard,
    Liked,
    Page,
    Person,
    Pick,
    Reason,
    Search,
    Tile,
    Timing,
    Trial,
)
from recsmith.report.page import build, write
from recsmith.report.workbook import write_crosstab

__all__ = [
    "build",
    "write",
    "write_crosstab",
    "Page",
    "Header",
    "Tile",
    "Leaderboard",
    "Comparison",
    "Person",
    "Pick",
    "Liked",
    "Reason",
    "ItemMap",
    "Crosstab",
    "FeatureCrosses",
    "Search",
    "Trial",
    "Curve",
    "DataProfile",
    "Environment",
    "Timing",
]
