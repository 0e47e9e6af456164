"""One epoch of stochastic gradient steps on all threads, with a result that no thread count changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recsmith.config import Run
from recsmith.kernels.strata import Strata
from recsmith.kernels.threads import in_blocks

Step = Callable[[slice, np.ndarray, int], np.ndarray]


def epoch_of_steps(strata: Strata, step: Step, run: Run) -> np.ndarray:
    """Calls `step(events, candidate items, block number)` for each block; returns the sum of the figures.

    `events` slices the arrays of `strata`. Blocks of a round share no user and no item,
    and their sums are added in order, so any number of threads gives the same bits.
    """
    n_groups = strata.n_groups
    figures: list[np.ndarray] = [np.zeros(0)] * n_groups**2
    for blocks in strata.rounds():

        def work(start: int, stop: int, blocks: list[tuple[int, int]] = blocks) -> None:
            for g, h in blocks[start:stop]:
                events = slice(int(strata.bounds[g, h]), int(strata.bounds[g, h + 1]))
                candidate = strata.members[strata.member_bounds[h] : strata.member_bounds[h + 1]]
                figures[g * n_groups + h] = step(events, candidate, g * n_groups + h)

        in_blocks(work, len(blocks), n_threads=run.threads, smallest=1, short=True)
    return np.sum(figures, axis=0)
