"""Shows a summary in a terminal: facts, bars for ratings and activity, the long tail."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from recsmith.data.summary import Summary

_BAR = 30
_SPARKS = "▁▂▃▄▅▆▇█"


def view(summary: Summary) -> RenderableType:
    """Returns the summary as something that a rich console prints."""
    parts: list[RenderableType] = [_facts(summary)]
    if len(summary.weights) > 1:
        title = "Ratings" if summary.feedback == "ratings" else "Weights"
        parts.append(_bars(title, [(f"{w['value']:g}", int(w["count"])) for w in summary.weights]))
    steps = [(_range(a["from"], a["to"]), a["users"]) for a in summary.activity]
    parts.append(_bars("Users by number of interactions", steps))
    parts.append(_long_tail(summary))
    if summary.over_time:
        parts.append(_over_time(summary))
    if summary.refused:
        parts.append(_bars("Refused rows", list(summary.refused.items())))
    if summary.steps:
        parts.append(Text("\nOn the way in", style="bold"))
        parts += [Text(f"  • {step}") for step in summary.steps]
    return Group(*parts)


def _facts(summary: Summary) -> Table:
    table = Table(title=Text(summary.name), show_header=False, title_justify="left", title_style="bold")
    table.add_column(style="dim")
    table.add_column(justify="right")
    unrated = summary.n_catalogue - summary.n_items
    rows = [
        ("Interactions", f"{summary.n_interactions:,}"),
        ("Users", f"{summary.n_users:,}"),
        ("Items", f"{summary.n_items:,}" + (f" (+ {unrated:,} nobody took)" if unrated else "")),
        ("Density", f"{summary.density:.3%}"),
        ("Interactions a user", _spread(summary.per_user)),
        ("Interactions an item", _spread(summary.per_item)),
        ("Gini of popularity", f"{summary.gini:.3f}"),
        ("Feedback", summary.feedback),
        ("From", summary.first_time or "no times"),
        ("To", summary.last_time or "no times"),
        ("Rows read", f"{summary.n_read:,}"),
        ("Rows refused", f"{sum(summary.refused.values()):,}"),
        ("Repeated events", f"{summary.duplicates:,} ({summary.duplicates_rule})"),
    ]
    for name, value in rows:
        table.add_row(name, value)
    return table


def _spread(figures: dict[str, float]) -> str:
    return f"median {figures['median']:g}, mean {figures['mean']:.1f}, most {figures['max']:,.0f}"


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _bars(title: str, counts: Sequence[tuple[str, int]]) -> Table:
    table = Table(title=f"\n{title}", box=None, show_header=False, title_justify="left", title_style="bold")
    table.add_column(justify="right")
    table.add_column()
    table.add_column(justify="right", style="dim")
    most = max((count for _, count in counts), default=1) or 1
    for label, count in counts:
        table.add_row(label, "█" * max(round(_BAR * count / most), 1 if count else 0), f"{count:,}")
    return table


def _long_tail(summary: Summary) -> Table:
    counts = [("1%", "1 %"), ("10%", "10 %"), ("20%", "20 %")]
    title = "\nLong tail: the most popular items' part of all interactions"
    table = Table(title=title, box=None, show_header=False, title_justify="left", title_style="bold")
    table.add_column(justify="right")
    table.add_column()
    table.add_column(justify="right", style="dim")
    for key, label in counts:
        share = summary.top_shares[key]
        table.add_row(f"top {label}", "█" * max(round(_BAR * share), 1), f"{share:.1%}")
    return table


def _over_time(summary: Summary) -> Text:
    counts = [point["count"] for point in summary.over_time]
    most = max(counts)
    sparks = "".join(_SPARKS[min(int(8 * count / most), 7)] for count in counts[-120:])
    first, last = summary.over_time[-len(sparks)]["period"], summary.over_time[-1]["period"]
    return Text.assemble(("\nInteractions over time\n", "bold"), f"  {first} ", (sparks, "cyan"), f" {last}")
