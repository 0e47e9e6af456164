"""Item vectors: an embedding of the id, of the item's features, or both, for scoring by dot product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from recsmith.nn.event_embedding import FeatureShape, GroupEmbedding, prepared


class ItemVectors(nn.Module):
    """Is a vector for each item code: id vector (where the id was learnt) plus a linear map of its features.

    Row c + 1 of the id table is item code c; row 0 is padding and never scored. `known_I` says whose ids
    training saw: the others are described by their features alone, so an item nobody has taken is reachable.
    """

    known_I: Tensor

    def __init__(
        self,
        known_I: Tensor,
        dim: int,
        *,
        features: Sequence[FeatureShape] = (),
        inputs: Mapping[str, Tensor] | None = None,
        bias: bool = False,
        init_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.ids = nn.Embedding(len(known_I) + 1, dim, padding_idx=0)
        nn.init.normal_(self.ids.weight, std=init_scale * dim**-0.5)
        with torch.no_grad():
            self.ids.weight[0] = 0
        self.register_buffer("known_I", known_I, persistent=False)
        self.biases = nn.Parameter(torch.zeros(len(known_I) + 1)) if bias else None
        self.embedding = GroupEmbedding(features) if features else None
        self.map = nn.Linear(self.embedding.width, dim, bias=False) if self.embedding else None
        self.shapes = tuple(features)
        self._names = tuple(f.name for f in features)
        for shape in features:
            assert inputs is not None
            self.register_buffer(f"of_{shape.name}", prepared(inputs[shape.name], shape), persistent=False)

    @property
    def bias(self) -> Tensor | None:
        """The items' own scores [I]; None without them."""
        return None if self.biases is None else self.biases[1:]

    def of_features(self) -> Tensor | None:
        """Returns [I, D], what the features alone say; None without features."""
        if self.embedding is None or self.map is None:
            return None
        mapped: Tensor = self.map(self.embedding({name: getattr(self, f"of_{name}") for name in self._names}))
        return mapped

    def of_new(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns [n, D] of items told by features, codes [n, M] or numbers [n]; their ids are unknown."""
        assert self.embedding is not None
        assert self.map is not None
        mapped: Tensor = self.map(self.embedding(inputs))
        return mapped

    def forward(self) -> Tensor:
        """Returns [I, D]."""
        by_id = self.ids.weight[1:]
        by_features = self.of_features()
        if by_features is None:
            return by_id
        return by_id * self.known_I.unsqueeze(1).to(by_id.dtype) + by_features
