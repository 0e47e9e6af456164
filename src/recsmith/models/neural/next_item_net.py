"""The network of NextItem: feature groups, encoders, hidden layers, item vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from recsmith.models.neural.inputs import VALUE
from recsmith.models.neural.next_item_config import ITEM_ID, USER_ID, GroupSettings, NextItemConfig
from recsmith.nn.dropout import Dropout
from recsmith.nn.encoders import BagOfWords, CaserConv, CausalConv, Encoder, Recurrent
from recsmith.nn.event_embedding import FeatureShape, GroupEmbedding, look_up, prepared
from recsmith.nn.item_vectors import ItemVectors
from recsmith.nn.side import with_told
from recsmith.nn.transformer import Transformer

Batch = Mapping[str, Tensor]


class ActivityGroup(nn.Module):
    """Reads a group of event features with its encoder."""

    def __init__(
        self,
        settings: GroupSettings,
        shapes: Sequence[FeatureShape],
        config: NextItemConfig,
        *,
        items: ItemVectors,
        lookups: Mapping[str, Tensor],
    ) -> None:
        super().__init__()
        self.embedding = GroupEmbedding(shapes, shared=items.ids)
        width = settings.width or self.embedding.width
        self.inward = nn.Linear(self.embedding.width, width) if width != self.embedding.width else None
        # A transformer has its own, after the position vectors: twice would be 36 % for 20 %.
        self.dropout = Dropout(0.0 if settings.encoder == "transformer" else config.dropout)
        self.encoder = make_encoder(settings, width, config)
        self._names = tuple(shape.name for shape in shapes)
        self._looked_up = tuple(name for name in self._names if name in lookups)
        for shape in shapes:  # row 0 is padding, row c + 1 item c
            if shape.name in lookups:
                values = prepared(lookups[shape.name], shape)
                self.register_buffer(
                    f"of_{shape.name}", torch.cat([torch.zeros_like(values[:1]), values]), persistent=False
                )

    def forward(self, batch: Batch, *, last: bool) -> Tensor:
        """Returns [B, L, E], or [B, E] of the last event."""
        item_BL = batch["item"]
        mask_BL = item_BL != 0
        inputs = {name: _of(getattr(self, f"of_{name}"), item_BL) for name in self._looked_up}
        inputs |= {name: batch[name] for name in self._names if name in batch}
        x_BLD = self.embedding({**inputs, ITEM_ID: item_BL.unsqueeze(2)})
        if self.inward is not None:
            x_BLD = self.inward(x_BLD)
        x_BLD = self.dropout(x_BLD)  # whatever stands at padding: encoders do not read it
        return self.encoder.last(x_BLD, mask_BL) if last else self.encoder(x_BLD, mask_BL)


def _of(values: Tensor, row_BL: Tensor) -> Tensor:
    """Returns the rows' codes, shares or numbers [B, L, ..]."""
    return look_up(values, row_BL) if values.is_floating_point() and values.ndim == 2 else values[row_BL]


class GlobalGroup(nn.Module):
    """Reads a group of features about the person; a stranger's are as told, else unknown."""

    def __init__(self, shapes: Sequence[FeatureShape], *, lookups: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.embedding = GroupEmbedding(shapes)
        self.width = self.embedding.width
        self._looked_up = {s.name: s.name if s.dim else s.name + VALUE for s in shapes if s.name != USER_ID}
        for name in self._looked_up:  # row 0 is the stranger, row c + 1 user c
            values = lookups[name]
            self.register_buffer(
                f"of_{name}", torch.cat([torch.zeros_like(values[:1]), values]), persistent=False
            )

    def forward(self, batch: Batch) -> Tensor:
        """Returns [B, G]."""
        user_B = batch["user"]
        known = {told: getattr(self, f"of_{name}")[user_B] for name, told in self._looked_up.items()}
        read = with_told(known, batch)
        inputs = {name: read[told] for name, told in self._looked_up.items()}
        return self.embedding({**inputs, USER_ID: user_B.unsqueeze(1)})


class NextItemNet(nn.Module):
    """Turns histories into context vectors [.., D], to be multiplied with the item vectors [I, D]."""

    def __init__(
        self,
        config: NextItemConfig,
        *,
        items: ItemVectors,
        activity: Sequence[ActivityGroup],
        person: Sequence[GlobalGroup],
    ) -> None:
        super().__init__()
        self.items = items
        self.activity, self.person = nn.ModuleList(activity), nn.ModuleList(person)
        dim = config.label.embedding_dim
        widths = [
            sum(g.encoder.width for g in activity) + sum(g.width for g in person),
            *config.hidden_layers,
        ]
        layers: list[nn.Module] = []
        for a, b in zip(widths, config.hidden_layers, strict=False):
            layers += [nn.Linear(a, b), nn.ReLU(), Dropout(config.dropout)]
        if config.projection or widths[-1] != dim:
            layers.append(nn.Linear(widths[-1], dim))
        self.head = nn.Sequential(*layers)

    def forward(self, batch: Batch, *, last: bool = False) -> Tensor:
        """Returns the context after every event [B, L, D], or after the last one [B, D]."""
        parts = [group(batch, last=last) for group in self.activity]
        for group in self.person:
            about_BG = group(batch)
            parts.append(about_BG if last else about_BG.unsqueeze(1).expand(-1, parts[0].shape[1], -1))
        context: Tensor = self.head(parts[0] if len(parts) == 1 else torch.cat(parts, -1))
        return context


def make_encoder(settings: GroupSettings, width: int, config: NextItemConfig) -> Encoder:
    """Returns the encoder that a group asks for."""
    dim, window = config.label.embedding_dim, config.context_length
    if settings.encoder == "bow":
        return BagOfWords(width, window=window)
    if settings.encoder == "cnn":
        filters = settings.n_filters or (dim,)
        return CausalConv(width, n_filters=filters, kernel_size=settings.kernel_size, window=window)
    if settings.encoder == "caser":
        return CaserConv(
            width,
            window=window,
            heights=[height for height in settings.heights if height <= window],
            n_horizontal=(settings.n_filters or (dim,))[0],
            n_vertical=settings.n_vertical,
        )
    if settings.encoder in ("lstm", "gru"):
        units = settings.n_units or dim
        return Recurrent(width, n_units=units, kind=settings.encoder, n_layers=settings.n_layers)
    return Transformer(
        width,
        max_length=window,
        n_blocks=settings.n_blocks,
        n_heads=settings.n_heads,
        feedforward=settings.feedforward,
        dropout=config.dropout,
        block=settings.block,
    )
