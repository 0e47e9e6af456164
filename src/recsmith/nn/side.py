"""Side: what is known of a user or an item, id and features, as one vector looked up by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recsmith.nn.event_embedding import FeatureShape, GroupEmbedding

TOLD = "told"  # bool [B] of a batch; `told NAME` beside it holds the feature of those who are told of


def as_told(told_B: np.ndarray, tables: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Returns what a batch holds of people told of by the request: codes [B, M] and numbers [B]."""
    told = {
        f"{TOLD} {name}": torch.from_numpy(np.array(table, np.int64 if table.ndim > 1 else np.float32))
        for name, table in tables.items()
    }
    return {TOLD: torch.from_numpy(told_B), **told}


def with_told(known: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns each feature as the batch tells it of a person, if it tells anything of them; else as known."""
    if TOLD not in batch:
        return dict(known)
    found = dict(known)
    for name, values in known.items():
        if f"{TOLD} {name}" in batch:
            told = batch[TOLD].reshape(-1, *[1] * (values.ndim - 1))
            found[name] = torch.where(told, batch[f"{TOLD} {name}"], values)
    return found


class Side(nn.Module):
    """Embeds row r of tables [R, M] (codes) and [R] (numbers); row 0 is somebody or something unknown.

    With `id_name` the row itself is a feature too. In training a share `id_dropout` of ids is shown as
    unknown, so that the unknown id's vector means something. The tables are not weights: they are handed in
    again when the network is rebuilt.
    """

    def __init__(
        self,
        shapes: Sequence[FeatureShape],
        tables: Mapping[str, np.ndarray],
        *,
        id_name: str | None = None,
        unknown_rows: np.ndarray | None = None,
        id_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.shapes = tuple(shapes)
        self._id_name, self._id_dropout = id_name, id_dropout
        for place, shape in enumerate(shapes):
            if shape.name != id_name:
                table = np.asarray(tables[shape.name])
                kind = torch.float32 if not shape.dim else torch.int64
                self.register_buffer(f"table{place}", torch.as_tensor(table, dtype=kind), persistent=False)
        if id_name is not None:
            n_rows = next(shape.n_codes for shape in shapes if shape.name == id_name)
            ids = torch.arange(n_rows)
            if unknown_rows is not None:  # never seen in training: its own vector would be noise
                ids[torch.as_tensor(unknown_rows)] = 0
            self.register_buffer("id_of_row", ids, persistent=False)
        self.embed = GroupEmbedding(shapes)
        self.width = self.embed.width

    def inputs(self, row: Tensor) -> dict[str, Tensor]:
        """Returns each feature of rows [...]: codes [..., M] or numbers [...]."""
        found = {}
        for place, shape in enumerate(self.shapes):
            if shape.name == self._id_name:
                code = self.get_buffer("id_of_row")[row]
                if self.training and self._id_dropout:
                    code = code * (torch.rand(code.shape, device=code.device) >= self._id_dropout)
                found[shape.name] = code.unsqueeze(-1)
            else:
                found[shape.name] = self.get_buffer(f"table{place}")[row]
        return found

    def forward(self, row: Tensor, batch: Mapping[str, Tensor] | None = None) -> Tensor:
        """Returns [..., width]; a batch may tell features of its rows [B] itself."""
        inputs = self.inputs(row)
        out: Tensor = self.embed(inputs if batch is None else with_told(inputs, batch))
        return out

    def mean(self, row_BL: Tensor) -> Tensor:
        """Returns [B, width]: the mean of the vectors of rows above 0; zero where there are none.

        Each different row is embedded once however many histories hold it, and [B, L, width] never exists.
        """
        there_BL = (row_BL > 0).to(torch.float32)
        share_BL = there_BL / there_BL.sum(1, keepdim=True).clamp(min=1)
        if torch.compiler.is_compiling():  # plain operators, shapes that do not hang on the data
            return (self(row_BL) * share_BL.unsqueeze(-1)).sum(1)
        rows, place_BL = torch.unique(row_BL, return_inverse=True)
        return functional.embedding_bag(place_BL, self(rows), mode="sum", per_sample_weights=share_BL)
