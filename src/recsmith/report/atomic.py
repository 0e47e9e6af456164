"""Writing a file as a whole or not at all: aside first, then renamed into place."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_aside(target: Path) -> Iterator[Path]:
    """Yields a path beside `target`; renames it to `target` on success and removes it on failure.

    Makes the folder if it is absent. A reader sees the old file or the new one, never a part.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(3)}.part")
    try:
        yield aside
        os.replace(aside, target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
