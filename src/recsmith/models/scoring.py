"""Scoring in blocks on a pool of threads: bounded memory, results in order, the same for any thread count."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from recsmith.data import Histories
from recsmith.errors import InvalidValue, enough_memory
from recsmith.kernels.threads import one_blas_thread
from recsmith.kernels.topk import exclude, top_k
from recsmith.models.accelerator import closed_forms
from recsmith.types import CodeArray, FloatArray

if TYPE_CHECKING:
    import torch

Unknown = Literal["error", "popular", "skip"]
T = TypeVar("T")

SCORING_CURE = (
    "Lower n_threads, each scores a block of people at a time, or train with a lower context_length or "
    "embedding_dim. A network that is loaded scores on the CPU."
)
_BLOCK_BYTES = 32 * 2**20


@dataclass(frozen=True, eq=False)
class TopBlock:
    """Holds the lists of rows start to start + B: `codes` int32 [B, K] (-1 ends a short list), `scores`."""

    start: int
    codes: CodeArray
    scores: FloatArray


@dataclass(frozen=True, eq=False)
class Scorer:
    """Says how rows are scored: the model's hook, and what stands in where there is no history."""

    score: Callable[[Histories], FloatArray]
    n_items: int
    popularity: FloatArray
    needs_history: bool = True
    unknown: Unknown = "popular"
    exclude_seen: bool = True
    allowed: np.ndarray | None = None
    """bool[I]: items that may be returned; None allows all."""

    def rows(self, histories: Histories) -> FloatArray:
        """Returns float32 [B, I], ready for a top-K: -inf for what must not come back."""
        with enough_memory(f"the scores of {len(histories)} people", SCORING_CURE):
            score_BI = np.ascontiguousarray(self.score(histories), dtype=np.float32)
        if not score_BI.flags.writeable:
            score_BI = score_BI.copy()
        if self.needs_history:
            cold = histories.cold
            score_BI[cold] = self.popularity if self.unknown == "popular" else -np.inf
        if self.exclude_seen:
            exclude(score_BI, histories.indptr, histories.item)
        if self.allowed is not None:
            score_BI[:, ~self.allowed] = -np.inf
        return score_BI

    def top(self, histories: Histories, k: int, *, threads: int) -> Iterator[TopBlock]:
        """Yields the lists of all rows in order, block by block."""
        depth = min(k, self.n_items)

        def one(start: int, stop: int) -> TopBlock:
            codes, scores = top_k(self.rows(histories.block(start, stop)), depth)
            return TopBlock(start, codes, scores)

        yield from in_blocks(one, len(histories), block=block_rows(self.n_items), threads=threads)

    def top_on(
        self,
        device: torch.device,
        left: Callable[[Histories], FloatArray],
        right_KI: FloatArray,
        histories: Histories,
        k: int,
    ) -> Iterator[TopBlock]:
        """Yields what `top` does, of scores left(histories) · `right_KI` made on a torch device."""
        with enough_memory(f"the scores of {len(histories)} people", SCORING_CURE):
            products = closed_forms().Products(right_KI, device)
            barred_I = np.zeros(self.n_items, bool) if self.allowed is None else ~self.allowed
            other_I = self.popularity if self.unknown == "popular" else np.full_like(self.popularity, -np.inf)
            block = block_rows(self.n_items)
            for start in range(0, len(histories), block):
                some = histories.block(start, min(start + block, len(histories)))
                cold_N = np.flatnonzero(some.cold) if self.needs_history else np.zeros(0, np.int64)
                pair_n = np.repeat(np.arange(len(some)), np.diff(some.indptr)), some.item
                codes, scores = products.top(
                    left(some),
                    min(k, self.n_items),
                    unknown_I=self.popularity == 0,
                    cold=(cold_N, other_I),
                    seen=pair_n if self.exclude_seen else (pair_n[0][:0], pair_n[1][:0]),
                    barred_I=barred_I,
                )
                yield TopBlock(start, codes, scores)


def list_length(k: int) -> int:
    """Returns k as an int; raises `InvalidValue` for what cannot be the length of a list."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise InvalidValue("k", "a whole number, 1 or more", k)
    return int(k)


def block_rows(n_items: int) -> int:
    """Returns how many rows of scores fit the memory of one block (32 MiB), at least 1."""
    return int(np.clip(_BLOCK_BYTES // (4 * max(n_items, 1)), 1, 1024))


def in_blocks(work: Callable[[int, int], T], n_rows: int, *, block: int, threads: int) -> Iterator[T]:
    """Yields work(start, stop) over blocks of rows, in order; at most two blocks a thread wait at once.

    Blocks do not depend on the thread count, so neither do results. With several threads the linear
    algebra inside each is held to one.
    """
    ranges = [(start, min(start + block, n_rows)) for start in range(0, n_rows, block)]
    if threads <= 1 or len(ranges) <= 1:
        for start, stop in ranges:
            yield work(start, stop)
        return
    waiting: deque[Future[T]] = deque()
    with one_blas_thread(), ThreadPoolExecutor(threads) as pool:
        try:
            for start, stop in ranges:
                waiting.append(pool.submit(work, start, stop))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
