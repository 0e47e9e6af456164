"""Products with a constant sparse matrix, without scatter-add, which TFLite's converter does not know."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

_BITS = 23  # whole numbers below 2^24 are exact in float32, and so are their sums
_FINER = 2.0**15  # of the fine grid; some five hundred halves of a coarse step still add up exactly on it
_LEAST = 1e-30


class SparseProduct(nn.Module):
    """Is x ↦ S x for a constant sparse S [R, C]: gathers of x, one for all rows of about the same length.

    Rows are padded to the next power of two, so that at most twice the entries are read. O(entries) a row of
    x; 8 bytes for each padded entry.

    Runtimes add in any order, and rows that hold the same products must come out equal for ties to stay ties.
    With `largest`, the largest |x| there is, each product is cut into a coarse and a fine part on grids on
    which float32 adds without rounding.
    """

    def __init__(self, matrix_RC: sparse.csr_matrix, *, largest: float | None = None) -> None:
        super().__init__()
        matrix = sparse.csr_matrix(matrix_RC)
        self.grid: float | None = None
        if largest is not None:
            bound = largest * float(abs(matrix).sum(axis=1).max()) if matrix.nnz else 1.0
            self.grid = 2.0 ** (_BITS - np.ceil(np.log2(max(bound, _LEAST))))
        length_R = np.diff(matrix.indptr)
        # 1, 2, 4, …: the width that a row is padded to; 0 for an empty one.
        width_R = np.where(length_R > 0, 2 ** np.ceil(np.log2(np.maximum(length_R, 1))), 0).astype(np.int64)
        place_R = np.zeros(len(length_R), np.int64)
        self.widths: list[int] = []
        n_before = 0
        for width in np.unique(width_R[width_R > 0]).tolist():
            rows = np.flatnonzero(width_R == width)
            source, value = _padded(matrix, rows, width)
            self.register_buffer(f"source{len(self.widths)}", torch.from_numpy(source))
            self.register_buffer(f"value{len(self.widths)}", torch.from_numpy(value))
            place_R[rows] = n_before + np.arange(len(rows))
            n_before += len(rows)
            self.widths.append(width)
        place_R[length_R == 0] = n_before  # a zero behind them all
        self.register_buffer("place_R", torch.from_numpy(place_R.astype(np.int32)))

    def forward(self, x_BC: Tensor, there_BC: Tensor) -> tuple[Tensor, Tensor]:
        """Returns S x [B, R], and for how many stored entries of each row there is an x, float32 [B, R].

        `x_BC` and `there_BC` (1 or 0) have a column more than S, always zero.
        """
        batch = x_BC.shape[0]
        both_bC = torch.cat([x_BC, there_BC], 0)
        sums, counts = [], []
        for place, width in enumerate(self.widths):
            source = self.get_buffer(f"source{place}")
            found_bRN = both_bC.index_select(1, source.flatten()).reshape(2 * batch, -1, width)
            sums.append(self._sum(found_bRN[:batch] * self.get_buffer(f"value{place}")))
            counts.append(found_bRN[batch:].sum(2))
        zero_B1 = torch.zeros_like(x_BC[:, :1])
        order_R = self.get_buffer("place_R")
        sum_BR, count_BR = (torch.cat([*parts, zero_B1], 1) for parts in (sums, counts))
        # Not [:, order]: ONNX takes no int32 there.
        return sum_BR.index_select(1, order_R), count_BR.index_select(1, order_R)

    def _sum(self, part_BRN: Tensor) -> Tensor:
        if self.grid is None:
            return part_BRN.sum(2)
        scaled_BRN = part_BRN * self.grid
        coarse_BRN = torch.round(scaled_BRN)
        fine_BRN = torch.round((scaled_BRN - coarse_BRN) * _FINER)
        return coarse_BRN.sum(2) * (1 / self.grid) + fine_BRN.sum(2) * (1 / (self.grid * _FINER))


def _padded(matrix: sparse.csr_matrix, rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns columns int32 [R, N] and values float32 [R, N] of some rows; padding points behind the last."""
    start_R = matrix.indptr[rows].astype(np.int64)
    length_R = np.diff(matrix.indptr)[rows]
    inside_RN = np.arange(width) < length_R[:, None]
    entry_RN = np.where(inside_RN, start_R[:, None] + np.arange(width), 0)
    source = np.where(inside_RN, matrix.indices[entry_RN], matrix.shape[1]).astype(np.int32)
    value = np.where(inside_RN, matrix.data[entry_RN], 0).astype(np.float32)
    return source, value
