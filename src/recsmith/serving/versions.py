"""Versions: a folder of models, one of them in place; published whole, kept for a while, rolled back to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recsmith.errors import InvalidValue, ModelFileError
from recsmith.models.base import Recommender, load
from recsmith.storage import file_aside, folder_aside

_CURRENT, _ABOUT, _MODEL = "current.json", "about.json", "model"


@dataclass(frozen=True)
class Versions:
    """Is a folder NNNNNN/ for each version and `current.json`, which names the one in place.

    A reader sees the old version or the new one: folders are renamed into place before they are named.
    """

    folder: Path
    keep: int = 5

    def publish(self, model: Recommender, about: Mapping[str, Any]) -> str:
        """Puts a model in place and returns its version; the oldest beyond `keep` are deleted."""
        version = f"{max([int(name) for name in self.names()], default=0) + 1:06d}"
        with folder_aside(self.folder / version) as aside:
            model.save(aside / _MODEL)
            facts = {
                "version": version,
                "published": datetime.now(UTC).isoformat(timespec="seconds"),
                **about,
            }
            (aside / _ABOUT).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        self.put_in_place(version)
        for name in self.names()[: -self.keep]:
            if name != version:
                shutil.rmtree(self.folder / name, ignore_errors=True)
        return version

    def put_in_place(self, version: str) -> None:
        """Names the version that services answer with."""
        if version not in self.names():
            raise InvalidValue("version", f"one of {', '.join(self.names()) or 'none'}", version)
        self._name(version, [name for name in self.order() if name != version])

    def roll_back(self) -> str:
        """Puts the version before the present one in place and returns it."""
        kept = set(self.names())
        before = [name for name in self.order()[1:] if name in kept]
        if not before:
            raise InvalidValue("rollback", "to a version that is kept", "none")
        self._name(before[0], before[1:])
        return before[0]

    def rewrite(self, version: str, model: Recommender) -> None:
        """Puts an altered model (somebody erased) in place of a version's own; services take it up."""
        model.save(self.folder / version / _MODEL)
        order = self.order()
        self._name(order[0], order[1:])

    def _name(self, version: str, before: list[str]) -> None:
        said = {"version": version, "before": before[:50], "edition": self.edition() + 1}
        with file_aside(self.folder / _CURRENT) as aside:
            aside.write_text(json.dumps(said) + "\n", encoding="utf-8")

    def names(self) -> list[str]:
        """Returns the versions that are kept, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if p.name.isdecimal() and (p / _ABOUT).is_file())

    def _said(self) -> dict[str, Any]:
        try:
            said: dict[str, Any] = json.loads((self.folder / _CURRENT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"version": None, "before": [], "edition": 0}
        except ValueError as error:
            raise ModelFileError(f"{self.folder / _CURRENT} must be JSON. Got: {error}.") from error
        return said

    def order(self) -> list[str]:
        """Returns the version in place and those before it, newest first; empty before the first."""
        said = self._said()
        return [] if said["version"] is None else [said["version"], *said["before"]]

    def edition(self) -> int:
        """Returns a number that grows whenever what is in place changes."""
        return int(self._said()["edition"])

    def current(self) -> str | None:
        """Returns the version in place, or None."""
        return next(iter(self.order()), None)

    def about(self, version: str) -> dict[str, Any]:
        """Returns what is known of a version."""
        if version not in self.names():
            raise InvalidValue("version", f"one of {', '.join(self.names()) or 'none'}", version)
        found: dict[str, Any] = json.loads((self.folder / version / _ABOUT).read_text(encoding="utf-8"))
        return found

    def load(self, version: str) -> tuple[Recommender, dict[str, Any]]:
        """Reads a version's model, checksums first, and what is known of it."""
        about = self.about(version)
        return load(self.folder / version / _MODEL), about
