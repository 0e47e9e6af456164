"""Opens a service, asks it once, and closes it: what `recsmith serve --check` does."""

from __future__ import annotations

from recsmith.serving.service import Service
from recsmith.serving.settings import ServeSettings
from recsmith.serving.stages import StageSettings


def answers(settings: ServeSettings, stages: StageSettings | None = None) -> str:
    """Returns the title that the most popular list begins with; raises what a start would raise."""
    service = Service(settings, stages)
    try:
        given = service.engine.recommend_history([], k=1)
        return str(given.lines[0]["title"]) if given.lines else "an empty list"
    finally:
        service.close()
