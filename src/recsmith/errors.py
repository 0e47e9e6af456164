"""Every error recsmith raises on purpose: one tree, one sentence shape, the cure where there is one."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_LONGEST_VALUE = 120
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


class RecsmithError(Exception):
    """Is the root of recsmith's own errors; a command prints its message and no traceback."""


class InvalidValue(RecsmithError, ValueError):
    """Says `NAME must be REQUIREMENT. Got VALUE. CURE`."""

    def __init__(self, name: str, requirement: str, got: Any, cure: str = "") -> None:
        shown = got if isinstance(got, Shown) else repr(got)
        if len(shown) > _LONGEST_VALUE:
            shown = f"{shown[:_LONGEST_VALUE]}…"
        super().__init__(f"{name} must be {requirement}. Got {shown}." + (f" {cure}" if cure else ""))
        self.name = name


class Shown(str):
    """Is a value for `InvalidValue` that is printed as it stands, without quotes."""


class UnknownId(RecsmithError, KeyError):
    """Is raised for a user or item that the model or data set does not know."""

    def __init__(self, kind: str, ids: Iterable[Any], cure: str = "") -> None:
        self.kind = kind
        self.ids = list(ids)
        shown = ", ".join(repr(x) for x in self.ids[:5]) + (", …" if len(self.ids) > 5 else "")
        self._message = f"{kind} must be known to the model. Got {shown}." + (f" {cure}" if cure else "")
        super().__init__(self._message)

    def __str__(self) -> str:  # KeyError would print the repr
        return self._message


class DataError(RecsmithError):
    """Is raised for input data that cannot be used as it is."""


class BadRows(DataError):
    """Is raised for rows refused at the door; carries the first of them with line number and reason."""


class NotFitted(RecsmithError):
    """Is raised when a model is asked before it was fitted."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} must be fitted first. Call .fit(data), or recsmith.load(path).")


class ModelFileError(RecsmithError):
    """Is raised for a saved model that is incomplete, altered, too new or not a model."""


class Diverged(RecsmithError):
    """Is raised when a loss is no longer a number."""


class OutOfMemory(RecsmithError):
    """Is raised when the machine or its GPU has no room for what was asked."""


class MissingExtra(RecsmithError, ImportError):
    """Is raised when an optional dependency is absent; names the line that installs it."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(
            f"{module} must be installed for this. Got none. Run: pip install 'recsmith[{extra}]'"
        )
        self.extra = extra


def require(module: str, *, extra: str) -> ModuleType:
    """Imports an optional module.

    Raises `MissingExtra` with the install line when it is absent.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(module, extra) from error


@contextmanager
def enough_memory(what: str, cure: str) -> Iterator[None]:
    """Turns what Python, NumPy and torch raise when memory runs out into one `OutOfMemory` with the cure."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        said = str(error) or "no memory left"
        # torch says it of a GPU by a class of its own, of the CPU in words alone.
        by_name = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
        if not by_name and not any(words in said for words in _NO_MEMORY):
            raise
        short = said.partition("DefaultCPUAllocator: ")[2] or said
        first = short.splitlines()[0].partition(". ")[0].rstrip(".")
        raise OutOfMemory(f"{what} must fit the memory. Got: {first}. {cure}") from error


def nearest(word: str, known: Iterable[str]) -> str:
    """Returns `Did you mean 'x'?` for the known word closest to `word`, or nothing."""
    import difflib

    close = difflib.get_close_matches(str(word), [str(k) for k in known], n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else ""
