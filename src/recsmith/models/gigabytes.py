"""How much memory there is, and the refusal to take more: a model that would not fit says so before it
starts, with the gigabytes and what to use instead, rather than being killed by the system."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from recsmith.errors import InvalidValue, Shown

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")


def ask_for(needed_gb: float, *, name: str, shape: str, cure: str, limit_gb: float | None = None) -> None:
    """Raises `InvalidValue` when `needed_gb` are more than `limit_gb`, by default more than is free now.

    `name` is the model or setting to blame, `shape` what the memory would be for, `cure` the alternative.
    """
    limit = free_gb() if limit_gb is None else limit_gb
    if needed_gb > limit:
        got = Shown(f"{needed_gb:.3g} GB for {shape}")
        raise InvalidValue(f"{name}'s memory", f"at most {limit:.3g} GB", got, cure)


def free_gb() -> float:
    """Returns the memory that this process may still take, or infinity where the system does not say.

    The least of what the machine has, what its container (cgroup) allows and what its own limits (`ulimit`)
    leave.
    """
    return min([*_machine(), *_container(), *_process()], default=float("inf")) / 1e9


def _machine() -> Iterator[int]:
    for line in _lines(_PROC / "meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024
            return
    try:
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return


def _container() -> Iterator[int]:
    """Yields what is left of the limit of each group that the process is in; file cache can be given back."""
    group = next((line[3:] for line in _lines(_PROC / "self" / "cgroup") if line.startswith("0::")), "/")
    place = _CGROUP / group.strip("/")
    for folder in (place, *(p for p in place.parents if p.is_relative_to(_CGROUP))):
        limit, used = (_lines(folder / f"memory.{name}") for name in ("max", "current"))
        if limit and used and limit[0].isdigit():
            caches = (line.split() for line in _lines(folder / "memory.stat"))
            cache = next((int(value) for name, value in caches if name == "inactive_file"), 0)
            yield max(int(limit[0]) - int(used[0]) + cache, 0)


def _process() -> Iterator[int]:
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    sizes = _lines(_PROC / "self" / "statm")
    if not sizes:
        return
    pages = sizes[0].split()
    for kind, taken in ((resource.RLIMIT_AS, pages[0]), (resource.RLIMIT_DATA, pages[5])):
        limit = resource.getrlimit(kind)[0]
        if limit != resource.RLIM_INFINITY:
            yield max(limit - int(taken) * resource.getpagesize(), 0)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
