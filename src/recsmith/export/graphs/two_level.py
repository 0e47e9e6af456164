"""Search in two levels for large catalogues: the best clusters first, then their items alone.

The inverted file of Jégou, Douze, Schmid, Product quantization for nearest neighbor search, PAMI 2011,
without the codes: clusters are blocks of one size, so that a graph of fixed shapes can gather them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from recsmith.errors import InvalidValue
from recsmith.export.graphs.base import PADDING
from recsmith.rng import generator

_LEAST = torch.finfo(torch.float32).min
_ROUNDS = 6  # of k-means
_CHOICES = 8  # nearest clusters that an item may go to, when the nearest is full
_SAMPLE = 48  # items a cluster that k-means looks at
_ROOM = 1.25  # places of a cluster, against the mean number of items


class TwoLevel(nn.Module):
    """Finds the items with the largest product with a query among those of the `n_probed` nearest clusters.

    Vectors lie cluster by cluster; with `int8` each is whole numbers from -127 to 127 and a scale, turned
    back when it is gathered. A quarter more places than items. O(C·D + n_probed·I/C·D) a query.
    """

    block_CMD: Tensor
    """Item vectors, cluster by cluster."""
    scale_CM: Tensor
    row_CM: Tensor
    """int32: each place's catalogue row, -1 where the place is empty."""
    place_I: Tensor
    """int32: each catalogue row's place, counted through all clusters."""
    center_CD: Tensor

    def __init__(
        self, vector_ID: np.ndarray, *, n_clusters: int, n_probed: int, int8: bool = False, seed: int = 0
    ) -> None:
        super().__init__()
        n_items = len(vector_ID)
        if not 1 <= n_clusters <= n_items:
            raise InvalidValue("n_clusters", f"1 to {n_items}, the number of items", n_clusters)
        if not 1 <= n_probed <= n_clusters:
            raise InvalidValue("n_probed", f"1 to {n_clusters}, the number of clusters", n_probed)
        self.n_items, self.n_probed, self.int8 = n_items, n_probed, False
        center_CD = centers(vector_ID, n_clusters, seed=seed)
        row_CM = blocks(vector_ID, center_CD)
        place_I = np.zeros(n_items, np.int32)
        there = np.flatnonzero(row_CM.ravel() >= 0)
        place_I[row_CM.ravel()[there]] = there
        block_CMD = np.where((row_CM >= 0)[..., None], vector_ID[np.maximum(row_CM, 0)], np.float32(0))
        self.register_buffer("block_CMD", torch.from_numpy(block_CMD.astype(np.float32)))
        self.register_buffer("row_CM", torch.from_numpy(row_CM))
        self.register_buffer("place_I", torch.from_numpy(place_I))
        self.register_buffer("center_CD", torch.from_numpy(center_CD))
        if int8:
            self.to_int8()

    def to_int8(self) -> TwoLevel:
        """Turns the table to whole numbers and scales, in place, and returns the search."""
        if not self.int8:
            scale_CM = self.block_CMD.abs().amax(2) / 127
            whole_CMD = torch.round(self.block_CMD / scale_CM.clamp(min=1e-30).unsqueeze(2))
            self.register_buffer("scale_CM", scale_CM)
            self.block_CMD = whole_CMD.to(torch.int8)
            self.int8 = True
        return self

    def vectors(self, row_BH: Tensor) -> Tensor:
        """Returns the vectors [B, H, D] of catalogue rows: the one table serves histories too."""
        place_BH = self.place_I[row_BH.to(torch.int64)].to(torch.int64)  # int32 is no index in ONNX
        found_BHD = self.block_CMD.flatten(0, 1)[place_BH].to(torch.float32)
        return found_BHD * self.scale_CM.flatten()[place_BH].unsqueeze(2) if self.int8 else found_BHD

    def forward(self, query_BD: Tensor, history_BH: Tensor, *, k: int) -> tuple[Tensor, Tensor]:
        """Returns the rows int32 [B, K] and products [B, K] of the best that are not in the history.

        -1 and 0 stand where the clusters that were looked at hold fewer.
        """
        near_BP = torch.topk(query_BD @ self.center_CD.T, self.n_probed).indices
        block_BPMD = self.block_CMD[near_BP].to(torch.float32)
        score_BPM = (block_BPMD @ query_BD.unsqueeze(1).unsqueeze(3)).squeeze(3)
        if self.int8:
            score_BPM = score_BPM * self.scale_CM[near_BP]
        row_BN = self.row_CM[near_BP].flatten(1)
        score_BN = torch.where(row_BN >= 0, score_BPM.flatten(1), -torch.inf)
        # First as many as there could be seen ones among the best: comparing all with the history is dear.
        first = torch.topk(score_BN, min(k + history_BH.shape[1], score_BN.shape[1]))
        row_BF = row_BN.gather(1, first.indices)
        seen_BF = (row_BF.unsqueeze(2) == history_BH.unsqueeze(1)).any(2)
        best = torch.topk(torch.where(seen_BF, -torch.inf, first.values), min(k, row_BF.shape[1]))
        real_BK = best.values >= _LEAST
        item_BK = torch.where(real_BK, row_BF.gather(1, best.indices), PADDING)
        return item_BK, torch.where(real_BK, best.values, 0.0)


def centers(vector_ID: np.ndarray, n_clusters: int, *, seed: int = 0) -> np.ndarray:
    """Returns the centres float32 [C, D] of k-means on a sample; empty clusters start again at an item."""
    drawn = generator(seed, "two_level")
    n_sampled = min(len(vector_ID), _SAMPLE * n_clusters)
    sample_SD = vector_ID[np.sort(drawn.choice(len(vector_ID), n_sampled, replace=False))].astype(np.float32)
    center_CD = sample_SD[drawn.choice(n_sampled, n_clusters, replace=False)].copy()
    for _ in range(_ROUNDS):
        # |x − c|² = |x|² − 2 (x·c − |c|²/2)
        label_S = (sample_SD @ center_CD.T - 0.5 * (center_CD**2).sum(1)).argmax(1)
        count_C = np.bincount(label_S, minlength=n_clusters)
        order_S = np.argsort(label_S, kind="stable")
        start_C = np.searchsorted(label_S[order_S], np.arange(n_clusters))
        there = count_C > 0
        sums_CD = np.add.reduceat(sample_SD[order_S], start_C[there], axis=0)
        center_CD[there] = sums_CD / count_C[there, None]
        center_CD[~there] = sample_SD[drawn.choice(n_sampled, int((~there).sum()))]
    return center_CD


def blocks(vector_ID: np.ndarray, center_CD: np.ndarray) -> np.ndarray:
    """Returns int32 [C, M]: the items of each cluster, -1 behind the last; M is 5/4 of the mean.

    Items go to their nearest cluster while it has room, the nearest items first; the others to their second
    nearest, and so on; what finds no room in eight goes wherever there is.
    """
    n_items, n_clusters = len(vector_ID), len(center_CD)
    room = int(np.ceil(_ROOM * n_items / n_clusters))
    n_choices = min(_CHOICES, n_clusters)
    choice_IN = np.empty((n_items, n_choices), np.int32)
    near_IN = np.empty((n_items, n_choices), np.float32)
    half_C = 0.5 * (center_CD**2).sum(1)
    for start in range(0, n_items, 8192):
        some = slice(start, start + 8192)
        near_SC = vector_ID[some] @ center_CD.T - half_C
        top_SN = np.argpartition(-near_SC, n_choices - 1, axis=1)[:, :n_choices]
        value_SN = np.take_along_axis(near_SC, top_SN, 1)
        order_SN = np.argsort(-value_SN, axis=1, kind="stable")
        choice_IN[some] = np.take_along_axis(top_SN, order_SN, 1)
        near_IN[some] = np.take_along_axis(value_SN, order_SN, 1)
    label_I, free_C = np.full(n_items, -1, np.int32), np.full(n_clusters, room)
    for choice in range(n_choices):
        left = np.flatnonzero(label_I < 0)
        wanted = choice_IN[left, choice]
        order = np.lexsort((-near_IN[left, choice], wanted))
        place = np.arange(len(left)) - np.searchsorted(wanted[order], wanted[order])
        taken = order[place < free_C[wanted[order]]]
        label_I[left[taken]] = wanted[taken]
        free_C -= np.bincount(wanted[taken], minlength=n_clusters)
    left = np.flatnonzero(label_I < 0)
    label_I[left] = np.repeat(np.arange(n_clusters), free_C)[: len(left)]
    order_I = np.argsort(label_I, kind="stable")
    place_I = np.arange(n_items) - np.searchsorted(label_I[order_I], label_I[order_I])
    row_CM = np.full((n_clusters, room), -1, np.int32)
    row_CM[label_I[order_I], place_I] = order_I
    return row_CM
