"""The terminal as a stage: what a long job tells, printed by rich."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recsmith.cli import shared
from recsmith.runs.stage import Stage

if TYPE_CHECKING:
    from rich.console import Console

    from recsmith.evaluation import Evaluation

WIDTH = 100


class Terminal(Stage):
    """Prints on a console."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def heading(self, text: str) -> None:
        """Prints a rule with the part's name."""
        self._console.print()
        width = min(self._console.width, WIDTH)
        self._console.print(f"[bold]{shared.text(text)}[/] [dim]{'─' * (width - len(text) - 1)}")

    def say(self, text: str) -> None:
        """Prints a sentence."""
        self._console.print(text, markup=False)

    def facts(self, facts: Mapping[str, str]) -> None:
        """Prints names and values in two columns."""
        width = max(map(len, facts))
        for name, value in facts.items():
            self._console.print(f"[dim]{name:<{width}}[/]  {shared.text(value)}", soft_wrap=True)

    def leaderboard(self, evaluations: Mapping[str, Evaluation], *, seconds: Mapping[str, float]) -> None:
        """Prints the models' figures, best first."""
        from recsmith.evaluation import leaderboard_table

        self._console.print()
        self._console.print(leaderboard_table(evaluations))

    def ratings(self, evaluations: Mapping[str, Evaluation]) -> None:
        """Prints how well models predict ratings."""
        from recsmith.evaluation import leaderboard_table

        self._console.print(leaderboard_table(evaluations, title="Ratings"))

    def recommendations(self, who: str, liked: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> None:
        """Prints somebody's list with reasons."""
        table = shared.plain_table("#", "title", "score", "because you liked")
        table.title = f"{shared.text(who)} liked {shared.text(', '.join(liked[:3]))}"
        for rank, line in enumerate(lines, 1):
            because = shared.text(", ".join(line["because"]))
            table.add_row(str(rank), shared.text(line["title"]), f"{line['score']:#.3g}", because)
        self._console.print(table)
