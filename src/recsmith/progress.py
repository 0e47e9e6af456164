"""Progress bars on standard error, shown only when asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Bar(Protocol):
    """Is what a loop tells: steps done and figures to show beside them."""

    def step(self, amount: int = 1, figures: Mapping[str, float] | None = None) -> None: ...


class _Silent:
    def step(self, amount: int = 1, figures: Mapping[str, float] | None = None) -> None:
        return None


@contextmanager
def bar(description: str, *, total: int | None, shown: bool, done: int = 0) -> Iterator[Bar]:
    """Yields a progress bar with rate and time left; a silent one when not `shown`."""
    if not shown:
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True, compact=True),
        TextColumn("{task.fields[figures]}", style="dim"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(description, total=total, completed=done, figures="")

        class _Rich:
            def step(self, amount: int = 1, figures: Mapping[str, float] | None = None) -> None:
                text = "  ".join(f"{name} {value:.4g}" for name, value in (figures or {}).items())
                progress.update(task, advance=amount, figures=text)

        yield _Rich()


def track(iterable: Iterable[T], description: str, *, total: int | None, shown: bool) -> Iterator[T]:
    """Yields from `iterable` and moves a bar one step for each element."""
    with bar(description, total=total, shown=shown) as moving:
        for element in iterable:
            yield element
            moving.step()
