"""One writer at a time: a lock beside a run folder, held by the system and gone with the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recsmith.errors import RecsmithError


class RunIsLocked(RecsmithError):
    """Another process is writing the same run folder."""


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Holds the lock of a run folder; raises `RunIsLocked` at once when another process has it."""
    path = folder.parent / f".{folder.name}.lock"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RecsmithError(
            f"run folder must be where files can be written. Got {folder}: {error.strerror}. "
            "Give another --out."
        ) from error
    held = False
    try:
        held = _take(handle) and _is_still_there(handle, path)
        if not held:
            raise RunIsLocked(
                f"run folder must be free. Got {folder}, which another recsmith is writing. "
                "Wait for it, or give another --out."
            )
        yield
    finally:
        if held:
            # Taken away while it is still held: whoever opened it meanwhile sees that it is gone.
            path.unlink(missing_ok=True)
        os.close(handle)


def _is_still_there(handle: int, path: Path) -> bool:
    """Says whether the locked file is the one a newcomer would open."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
