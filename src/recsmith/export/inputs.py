"""From histories to a model file's inputs: padded rows of codes, weights and features. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recsmith.data import Histories
from recsmith.data.event_table import event_table
from recsmith.data.feature_space import Column, Encoded, FeatureSpace, time_parts
from recsmith.errors import InvalidValue
from recsmith.export.manifest import Manifest, SignatureSpec, TensorSpec

Arrays = dict[str, np.ndarray]


class InputMaker:
    """Makes the inputs of a signature; events beyond the newest `history_length` stay outside."""

    def __init__(self, manifest: Manifest, signature: SignatureSpec) -> None:
        self.specs = tuple(s for s in signature.inputs if s.source != "candidate")
        self.padding, self.length = manifest.padding, manifest.history_length
        self.request_time = manifest.request_time
        self._spaces = {
            source: FeatureSpace(tuple(Column(**column.model_dump()) for column in columns))
            for source, columns in manifest.features.items()
        }

    def make(self, histories: Histories) -> Arrays:
        """Returns name → array [B, …] for people given by their histories; persons are strangers."""
        place_BH, there_BH = newest_places(histories, self.length)
        events = self._events(histories)
        requests = self._requests(histories)
        found: Arrays = {}
        for spec in self.specs:
            if spec.source == "history":
                found[spec.name] = _placed(histories.item, place_BH, there_BH, np.int32(self.padding))
            elif spec.source == "weight":
                weight = histories.weight.astype(np.float32)
                found[spec.name] = _placed(weight, place_BH, there_BH, np.float32(0))
            elif spec.source == "event":
                values = _part(events, spec)
                found[spec.name] = _placed(values, place_BH, there_BH, values.dtype.type(0))
            elif spec.source == "context":
                found[spec.name] = _part(requests, spec)
            else:
                found[spec.name] = defaults(spec, len(histories))
        return found

    def _events(self, histories: Histories) -> Mapping[str, Encoded]:
        space = self._spaces.get("event")
        return {} if space is None else space.encode(event_table(histories))

    def _requests(self, histories: Histories) -> Mapping[str, Encoded]:
        """Codes the time of each request: that of the person's last event, else the one of the manifest."""
        space = self._spaces.get("context")
        if space is None:
            return {}
        time_B = np.full(len(histories), self.request_time or 0, np.int64)
        if histories.time is not None and len(histories.time):
            has = histories.lengths > 0
            time_B[has] = histories.time[histories.indptr[1:][has] - 1]
        return space.encode(time_parts(time_B))


def newest_places(histories: Histories, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns [B, length] places of the newest events in the log, and which of them are there."""
    last_B1 = histories.indptr[1:, None]
    first_B1 = np.maximum(histories.indptr[:-1, None], last_B1 - length)
    place_BH = first_B1 + np.arange(length)
    there_BH = place_BH < last_B1
    return np.where(there_BH, place_BH, 0), there_BH


def defaults(spec: TensorSpec, n_people: int) -> np.ndarray:
    """Returns an input of people of whom nothing is known."""
    shape = (n_people, *(int(n or 1) for n in spec.shape[1:]))
    return np.full(shape, spec.default, np.dtype(spec.dtype))


def checked(specs: Sequence[TensorSpec], given: Mapping[str, Any], n_people: int) -> Arrays:
    """Returns a caller's own inputs, those left out filled with defaults.

    Raises `InvalidValue` for a name, a type or a shape that the file does not take.
    """
    names = [spec.name for spec in specs]
    for name in given:
        if name not in names:
            raise InvalidValue("input", f"one of {', '.join(names)}", name)
    found: Arrays = {}
    for spec in specs:
        if spec.name not in given:
            found[spec.name] = defaults(spec, n_people)
            continue
        array = np.asarray(given[spec.name])
        want = (n_people, *spec.shape[1:])
        if array.dtype != np.dtype(spec.dtype) or array.shape != want:
            raise InvalidValue(spec.name, f"{spec.dtype} {want}", f"{array.dtype} {array.shape}")
        found[spec.name] = np.ascontiguousarray(array)
    return found


def _placed(values: np.ndarray, place_BH: np.ndarray, there_BH: np.ndarray, filler: Any) -> np.ndarray:
    if not len(values):
        return np.full((*place_BH.shape, *values.shape[1:]), filler, values.dtype)
    there = there_BH.reshape(there_BH.shape + (1,) * (values.ndim - 1))
    return np.where(there, values[place_BH], filler).astype(values.dtype)


def _part(encoded: Mapping[str, Encoded], spec: TensorSpec) -> np.ndarray:
    column = encoded[spec.feature or ""]
    if spec.part == "codes":
        return column.codes
    assert column.value is not None
    return column.value
