"""Composite: what recommenders made of recommenders share: parts are made, fitted, saved as one."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from recsmith.config import Run
from recsmith.data import Dataset
from recsmith.data.feature_space import Column
from recsmith.errors import InvalidValue, nearest
from recsmith.models.base import Recommender, State


class Composite(Recommender):
    """Hands on to its parts, by name, what is asked of the whole."""

    @property
    @abstractmethod
    def parts(self) -> Mapping[str, Recommender]:
        """The recommenders that it is made of, once they are made."""

    @abstractmethod
    def _make(self) -> None:
        """Makes the parts, not yet fitted, from the settings."""

    def _fit_parts(self, data: Dataset, run: Run) -> None:
        for name, part in self.parts.items():
            part._memory = self._memory
            kept = run.checkpoints and run.checkpoints / name
            part._fit(data, replace(run, checkpoints=kept, history=[], judge_epoch=None))

    def _state(self) -> Mapping[str, State]:
        return {
            f"{name}.{key}": value
            for name, part in self.parts.items()
            for key, value in part._state().items()
        }

    def _learned(self) -> dict[str, Any]:
        return {name: part._learned() for name, part in self.parts.items()}

    def _restore(self, arrays: Mapping[str, np.ndarray], learned: Mapping[str, Any]) -> None:
        self._make()
        for name, part in self.parts.items():
            mine = {k.removeprefix(f"{name}."): v for k, v in arrays.items() if k.startswith(f"{name}.")}
            part._memory = self._memory
            part._restore(mine, learned[name])

    def _person_columns(self) -> tuple[Column, ...]:
        columns = {c.name: c for part in self.parts.values() for c in part._person_columns()}
        return tuple(columns.values())

    def _reads_request_time(self) -> bool:
        return any(part._reads_request_time() for part in self.parts.values())

    def _forget(self, user_code: int) -> None:
        for part in self.parts.values():
            part._memory = self._memory
            part._forget(user_code)


def part_of(name: str, described: Mapping[str, Any], *, but: tuple[str, ...]) -> Recommender:
    """Returns the unfitted model of a part, one of the house's own `but` some."""
    models = importlib.import_module("recsmith.models")
    settings = dict(described)
    wanted = settings.pop("class", None)
    known = [known for known in models.MODELS if known not in but]
    if wanted not in known:
        raise InvalidValue(f"{name}.class", f"one of {', '.join(known)}", wanted, nearest(str(wanted), known))
    part: Recommender = getattr(models, wanted)(**settings)
    return part
