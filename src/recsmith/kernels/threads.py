"""Runs a kernel over blocks of rows from a pool of threads; kernels release the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from functools import lru_cache

from threadpoolctl import threadpool_limits


def one_blas_thread() -> threadpool_limits:
    """Holds linear algebra to one thread, as a context, while our own threads share the work.

    The limit is the process's. threadpoolctl lets one thread at a time set it, so calls that overlap do not
    undo each other.
    """
    return threadpool_limits(limits=1, user_api="blas")


def shared_pool(n_threads: int) -> ThreadPoolExecutor:
    """Returns a pool that stays, for work of less than a millisecond; its work must not wait for it."""
    return _pool(n_threads, os.getpid())  # a process that was forked has none of its parent's threads


@lru_cache(maxsize=1)
def _pool(n_threads: int, process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads)


def in_blocks(
    work: Callable[[int, int], object],
    n_rows: int,
    *,
    n_threads: int,
    smallest: int = 64,
    short: bool = False,
) -> None:
    """Calls `work(start, stop)` for blocks that together are rows 0 to n_rows.

    Several blocks a thread, because rows differ in cost; at least `smallest` rows each, because a block has
    its own working memory. An exception in a block is raised here, when all are done. `short` is for what
    may be a few milliseconds in all: two or three blocks a thread, from the pool that stays, which the work
    itself must not wait for.
    """
    size = max(smallest, n_rows // (2 * n_threads) if short else -(-n_rows // (16 * n_threads)))
    blocks = [(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
    if n_threads == 1 or len(blocks) < 2:
        for start, stop in blocks:
            work(start, stop)
        return
    with nullcontext(shared_pool(n_threads)) if short else ThreadPoolExecutor(n_threads) as pool:
        waiting = [pool.submit(work, start, stop) for start, stop in blocks]
        wait(waiting)
        for done in waiting:
            done.result()
