"""Gate: so many requests at work, so many waiting, the next one refused; work runs beside the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from recsmith.errors import RecsmithError

T = TypeVar("T")


class Overloaded(RecsmithError):
    """Is raised when too many requests wait already."""


class TooSlow(RecsmithError):
    """Is raised when a request takes longer than it may."""


class Gate:
    """Runs functions in `threads` threads; at most `waiting` more may wait for one."""

    def __init__(self, *, threads: int, waiting: int, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="answer")
        self._room, self._seconds = threads + waiting, seconds
        self.inside = 0
        """Requests at work or waiting."""

    async def run(self, work: Callable[[], T]) -> T:
        """Returns what `work` gives; raises `Overloaded` or `TooSlow`."""
        if self.inside >= self._room:
            raise Overloaded(
                f"Requests must wait for a turn. Got {self.inside} that do already. Try again soon."
            )
        self.inside += 1
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        future.add_done_callback(self._out)  # a request given up on still holds its thread until it ends
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._seconds)
        except TimeoutError:
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise TooSlow(
                f"A request must take {self._seconds:g} s at most. Got no answer till then."
            ) from None

    def _out(self, _: object) -> None:
        self.inside -= 1

    def close(self) -> None:
        """Ends the threads when their work is done."""
        self._pool.shutdown(wait=True, cancel_futures=True)
