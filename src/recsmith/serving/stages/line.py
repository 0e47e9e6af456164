"""The stages in their order, and a run over them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from recsmith.serving.stages.base import Request, Stage, Work
from recsmith.serving.stages.explain import explain
from recsmith.serving.stages.filters import drop, permit
from recsmith.serving.stages.rank import rank
from recsmith.serving.stages.rerank import rerank
from recsmith.serving.stages.retrieve import retrieve
from recsmith.serving.world import World


def make_stages() -> tuple[Stage, ...]:
    """Returns the stages in order; batch scoring and the service run the same."""
    return permit, retrieve, drop, rank, rerank, explain


def answer(world: World, requests: Sequence[Request], stages: Sequence[Stage]) -> list[Work]:
    """Runs the stages over some requests; each leaves a line in the trace: name, candidates, milliseconds."""
    works = [Work(request) for request in requests]
    for stage in stages:
        began = time.perf_counter()
        stage(world, works)
        spent = (time.perf_counter() - began) * 1000 / max(len(works), 1)
        for work in works:
            work.trace.append({"stage": stage.__name__, "candidates": len(work.place), "ms": round(spent, 3)})
    return works
