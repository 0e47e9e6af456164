"""Stage: what a long job tells its audience while it goes on; silent unless somebody listens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recsmith.evaluation import Evaluation


class Stage:
    """Is told each thing as it happens; the command line prints it, this one does nothing."""

    def heading(self, text: str) -> None:
        """A new part begins."""

    def say(self, text: str) -> None:
        """A sentence."""

    def facts(self, facts: Mapping[str, str]) -> None:
        """Names and values."""

    def leaderboard(self, evaluations: Mapping[str, Evaluation], *, seconds: Mapping[str, float]) -> None:
        """The models' figures side by side."""

    def ratings(self, evaluations: Mapping[str, Evaluation]) -> None:
        """How well models predict ratings."""

    def recommendations(self, who: str, liked: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> None:
        """Somebody's list with reasons."""
