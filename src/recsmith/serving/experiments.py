"""Experiments: which version a person gets, always the same one, by a hash of their id and its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, model_validator

from recsmith.config import Config
from recsmith.errors import InvalidValue
from recsmith.storage import file_aside

FILE = "experiment.json"


class Variant(Config):
    """Is one side: a version of the model and its share of the people."""

    version: str
    share: float = Field(gt=0, le=1)


class Experiment(Config):
    """Names the sides; people beyond the shares get the version in place and are not counted."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[\w.-]+$")
    variants: Mapping[str, Variant]

    @model_validator(mode="after")
    def _shares(self) -> Experiment:
        if len(self.variants) < 2:
            raise ValueError("at least two variants")
        if sum(one.share for one in self.variants.values()) > 1 + 1e-9:
            raise ValueError("shares that add up to 1 at most")
        return self

    def variant(self, user_id: str) -> str | None:
        """Returns the side of a person: the same on every machine and in every process, for this name."""
        digest = hashlib.sha256(f"{self.name}\0{user_id}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        for name in sorted(self.variants):
            place -= self.variants[name].share
            if place < 0:
                return name
        return None


@dataclass(frozen=True)
class Running:
    """Reads and writes the experiment that a place runs."""

    folder: Path

    def get(self) -> Experiment | None:
        """Returns the experiment, or None."""
        try:
            said = (self.folder / FILE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            return Experiment.of(json.loads(said), within=str(self.folder / FILE))
        except json.JSONDecodeError as error:
            raise InvalidValue("experiment", "JSON", str(error)) from error

    def put(self, experiment: Experiment) -> None:
        """Begins an experiment."""
        with file_aside(self.folder / FILE) as aside:
            aside.write_text(experiment.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def end(self) -> None:
        """Ends it; what was shown stays in the store."""
        (self.folder / FILE).unlink(missing_ok=True)
