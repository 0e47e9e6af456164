"""Writing as a whole or not at all: aside first, onto the disk, then renamed into place."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def file_aside(target: Path) -> Iterator[Path]:
    """Yields a path beside `target`; renames it to `target` on success and removes it on failure.

    Makes the folder if it is absent. A reader sees the old file or the new one, never a part.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = _beside(target, "part")
    try:
        yield aside
        _to_disk(aside)
        os.replace(aside, target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextmanager
def folder_aside(target: Path, *, sole_writer: bool = False) -> Iterator[Path]:
    """Yields an empty folder beside `target` and puts it at `target` on success, in place of an old one.

    Whatever fails, the folder that was there before is still there whole, and nothing is left beside it.
    A `sole_writer` (the holder of a lock) also clears what a killed process left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if sole_writer:
        for left in target.parent.glob(f".{target.name}.*.part"):
            shutil.rmtree(left, ignore_errors=True)
    aside = _beside(target, "part")
    aside.mkdir()
    try:
        yield aside
        for file in aside.rglob("*"):
            if file.is_file():
                _to_disk(file)
        _put_in_place(aside, target)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _put_in_place(new: Path, target: Path) -> None:
    """Renames a finished folder to `target`; an old one there is moved away first and deleted last."""
    if not target.exists():
        os.rename(new, target)
        return
    old = _beside(target, "old")
    os.rename(target, old)
    try:
        os.rename(new, target)
    except BaseException:
        os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.{ending}")


def _to_disk(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
