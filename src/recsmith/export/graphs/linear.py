"""Graphs of the linear models: a history times a table (EASE, GFCF), or times two (PureSVD)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recsmith.errors import InvalidValue, Shown
from recsmith.export.graphs import graph_of
from recsmith.export.graphs.base import DeviceGraph
from recsmith.export.graphs.events import Events
from recsmith.models.factorization.ease import EASE
from recsmith.models.factorization.gfcf import GFCF
from recsmith.models.factorization.pure_svd import PureSVD

HISTORY = 500
"""H of the linear models, which read every event."""
_MOST_BYTES = 1_900_000_000  # of a table: a .tflite and an .onnx file end at 2 GB
_ROWS = 256  # of a table that is made at once


class TableGraph(DeviceGraph):
    """Adds up the rows of a table of the items that were taken: B of EASE, the whole filter of GFCF."""

    score_meaning = "weighted sum of the items taken"
    weight_II: Tensor

    def __init__(self, model: EASE | GFCF) -> None:
        super().__init__()
        self.n_items, self.history_length = len(model.memory.items), HISTORY
        self.reads_weight = isinstance(model, EASE) and model.config.weighting == "weight"
        self.half_life = model.config.history_half_life
        self.register_buffer("weight_II", torch.from_numpy(_item_weights(model)))
        self.register_buffer("taken_I", torch.from_numpy(model.memory.popularity > 0))

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns h times the table."""
        events = Events.of(history_BH, inputs.get("weight"))
        value_BH = events.last_BH * events.total_BH if self.reads_weight else events.last_BH
        value_BH = events.faded(value_BH, self.half_life)
        score_BI = (value_BH.unsqueeze(1) @ functional.embedding(events.row_BH, self.weight_II)).squeeze(1)
        return torch.where(self.get_buffer("taken_I"), score_BI, -torch.inf)


def _item_weights(model: EASE | GFCF) -> np.ndarray:
    """Returns the table, float32 [I, I], also of the dual form and of factors, which do not keep it."""
    n_items = len(model.memory.items)
    if 4 * n_items**2 > _MOST_BYTES:
        raise InvalidValue(
            f"{type(model).__name__}'s table of items × items",
            "at most 1.9 GB on a device",
            Shown(f"{4 * n_items**2 / 1e9:.3g} GB for {n_items:,} items"),
            "Export IALS or ItemKNN, or filter rare items.",
        )
    kept_II = model.weight_II if isinstance(model, EASE) else model.filter_II
    if kept_II is not None:
        return np.ascontiguousarray(kept_II, np.float32)
    every = np.arange(n_items, dtype=np.int32)
    weight_II = np.empty((n_items, n_items), np.float32)
    for start in range(0, n_items, _ROWS):
        weight_II[start : start + _ROWS] = model._item_weights(every[start : start + _ROWS], every)
    return weight_II


class PureSVDGraph(DeviceGraph):
    """Projects a history on the main directions and back: m V Vᵀ, with scales and means undone."""

    mean_I: Tensor
    count_I: Tensor
    kept_I: Tensor

    def __init__(self, model: PureSVD) -> None:
        super().__init__()
        self.n_items, self.history_length = len(model.memory.items), HISTORY
        self.by_weight, self.centred = model.config.weighting == "weight", model.config.mean_center
        self.reads_weight, self.half_life = self.by_weight, model.config.history_half_life
        self.score_meaning = "rating" if self.centred else "projected weight"
        self.mean = model.mean
        scale_I1 = model.scale_I[:, None]
        for name, table in (
            ("in_ID", model.item_ID * scale_I1),
            ("out_ID", model.item_ID / scale_I1),
            ("mean_I", model.item_mean_I),
            ("count_I", model.item_count_I),
        ):
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(table, np.float32)))
        self.register_buffer("kept_I", torch.from_numpy(np.asarray(model.kept_I, bool)))

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns m V Vᵀ, and the means that were taken off m before."""
        events = Events.of(history_BH, inputs.get("weight"))
        kept_BH = events.last_BH * self.kept_I.to(torch.float32)[events.row_BH]
        value_BH = events.total_BH * kept_BH if self.by_weight else kept_BH
        if self.centred:
            count_B1 = kept_BH.sum(1, keepdim=True)
            above_B1 = value_BH.sum(1, keepdim=True) - self.mean * count_B1  # r n
            row_BH = events.row_BH
            shift_BH = self._shift(above_B1, count_B1, self.mean_I[row_BH], self.count_I[row_BH])
            value_BH = value_BH - shift_BH * kept_BH
        value_BH = events.faded(value_BH, self.half_life)
        projected_BD = (
            value_BH.unsqueeze(1) @ functional.embedding(events.row_BH, self.get_buffer("in_ID"))
        ).squeeze(1)
        score_BI = projected_BD @ self.get_buffer("out_ID").T
        if self.centred:
            score_BI = score_BI + self._shift(above_B1, count_B1, self.mean_I, self.count_I)
        return torch.where(self.kept_I, score_BI, -torch.inf)

    def _shift(self, above_B1: Tensor, count_B1: Tensor, mean: Tensor, count: Tensor) -> Tensor:
        """Returns μ + (r n + c_i n_i) / (n + n_i), as `Centring.shift`."""
        return self.mean + (above_B1 + mean * count) / (count_B1 + count).clamp(min=1)


@graph_of.register
def _(model: EASE) -> DeviceGraph:
    return TableGraph(model)


@graph_of.register
def _(model: GFCF) -> DeviceGraph:
    return TableGraph(model)


@graph_of.register
def _(model: PureSVD) -> DeviceGraph:
    return PureSVDGraph(model)
